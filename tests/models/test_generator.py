"""What is fitted, on which rows, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest

from causal.data.table import read_table
from causal.errors import DataError, ModelError, QuestionError, UnknownVariable
from causal.graph.dag import Dag
from causal.models.design import design, needed
from causal.models.formula import formula_set, parse, parse_terms
from causal.models.generator import columns_read, grouping, observed, plan
from causal.models.priors import Distribution, PriorChoice
from causal.models.terms import Categorical, Interaction, Log, Numeric, Varying

POSITIVE = np.linspace(1.0, 9.0, 60).tolist()


def data(rows=60, **columns):
    random = np.random.default_rng(0)
    made = {name: random.normal(size=rows).tolist() for name in ("x", "y", "z", "c", "m", "w")}
    return made | columns


def planned(dag, columns=None, effect="direct", **options):
    question = Dag(dag).question("x", "y", effect=effect)
    categorical = options.pop("categorical", ())
    if isinstance(options.get("form"), str):
        options["form"] = parse_terms(options["form"])
    own = options.get("own") or {}
    own = {name: parse(one) if isinstance(one, str) else one for name, one in own.items()}
    written = [one for one in (*own.values(), options.get("form")) if hasattr(one, "offsets")]
    names = columns_read(question, written, options.get("trials"))
    grouped = [name for name in grouping(written) if name in names]
    table = read_table(columns or data(), names, categorical=[*categorical, *grouped])
    return plan(question, table, **(options | {"own": own}))


def sets(made):
    return {regression.name: regression.adjust_for for regression in made.regressions}


def formulas(made):
    return {regression.name: regression.formula for regression in made.regressions}


@pytest.mark.parametrize(
    ("dag", "effect", "expected"),
    [
        ("x <- z -> y", "direct", {"correct": ("z",), "unadjusted": ()}),
        ("x -> m -> y", "direct", {"correct": ("m",), "unadjusted": ()}),
        ("x -> m -> y", "total", {"correct": (), "everything": ("m",)}),
        ("x -> c <- y", "direct", {"correct": (), "everything": ("c",)}),
        (
            "x <- z -> y; x -> c <- y",
            "direct",
            {"correct": ("z",), "unadjusted": (), "everything": ("c", "z")},
        ),
        ("x -> y", "direct", {"correct": ()}),
        ("x -> y; w -> y", "total", {"correct": ("w",), "unadjusted": ()}),
        ("x -> y; x <-> y; z -> y", "direct", {"unadjusted": (), "everything": ("z",)}),
        ("z [latent]; x <- z -> y", "direct", {"unadjusted": ()}),
        ("w [selected]; x -> y; z -> w", "direct", {"correct": (), "everything": ("z",)}),
    ],
)
def test_the_models_are_the_correct_one_and_the_naive_ones_that_differ(dag, effect, expected):
    made = planned(dag, effect=effect)
    assert sets(made) == expected
    assert set(made.verdicts) >= set(expected)
    left = {"correct", "unadjusted", "everything"} - set(expected)
    if not made.adjustment:
        left.discard("correct")
    assert set(made.left_out) == left


def test_the_exposure_comes_first_and_the_others_by_name():
    made = planned("x <- z -> y; w -> y; m -> y")
    assert made.regressions[0].predictors == ("x", "m", "w", "z")


def test_the_users_own_model_is_kept_unless_it_is_the_correct_one():
    made = planned("x <- z -> y; x -> c <- y", own={"yours": ["z"], "other": ["c"], "crude": []})
    assert sets(made) == {
        "correct": ("z",),
        "unadjusted": (),
        "everything": ("c", "z"),
        "other": ("c",),
        "crude": (),
    }
    assert "the same regression as correct" in made.left_out["yours"]


def test_a_latent_member_of_the_users_set_leaves_the_model_out_and_says_so():
    made = planned("z [latent]; x <- z -> y; w -> y", own={"yours": ["z"]})
    assert "'z' is marked latent" in made.left_out["yours"]
    assert not made.verdicts["yours"]


@pytest.mark.parametrize(
    ("own", "error", "words"),
    [
        ({"correct": []}, ModelError, "called 'correct' already"),
        ({"yours": ["x"]}, ModelError, "holds 'x'"),
        ({"yours": ["zz"]}, UnknownVariable, "Did you mean 'z'"),
    ],
)
def test_ones_own_models_must_make_sense(own, error, words):
    with pytest.raises(error, match=words):
        planned("x <- z -> y", own=own)


# Rows


def test_rows_that_lack_a_value_of_any_fitted_model_are_dropped_from_all():
    columns = data(z=[None, *range(59)], c=[*(i * i for i in range(58)), None, None])
    made = planned("x <- z -> y; x -> c <- y", columns)
    assert (made.rows_read, made.table.rows) == (60, 57)
    assert made.dropped == {"c": 2, "z": 1}
    assert made.moments.rows == 57


def test_a_model_that_is_left_out_costs_the_others_no_rows():
    columns = data(c=[1.0] * 10 + [None] * 50)
    made = planned("x <- z -> y; x -> c <- y", columns)
    assert "'c' (always 1) does not vary in the 10 rows" in made.left_out["everything"]
    assert made.table.rows == 60
    assert made.dropped == {}


def test_a_naive_model_of_dependent_columns_is_left_out_but_a_correct_one_stops_the_run():
    columns = data()
    columns["c"] = [2 * v for v in columns["z"]]
    made = planned("x <- z -> y; x -> c <- y", columns)
    assert "'z' is an exact linear function of 'c'" in made.left_out["everything"]
    with pytest.raises(ModelError, match="The correct model cannot be fitted: 'z' is an exact"):
        planned("x <- z -> y; x <- c -> y", columns)


def test_too_few_rows_are_refused_unless_every_prior_is_the_users():
    columns = data(rows=3)
    with pytest.raises(ModelError, match="3 rows are too few for 3 coefficients"):
        planned("x <- z -> y", columns)
    own = {
        "intercept": Distribution("Normal", (0.0, 1.0)),
        "slope": Distribution("Normal", (0.0, 1.0)),
        "sigma": Distribution("Exponential", (1.0,)),
    }
    made = planned("x <- z -> y", columns, prior_choice=PriorChoice("default", own))
    assert "correct" in sets(made)
    assert planned("x <- z -> y", columns, prior_choice=PriorChoice("tutorial")).regressions


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"x": [1.0] * 60}, "exposure 'x' has one value \\(1\\)"),
        ({"y": [1.0] * 60}, "outcome 'y' has one value"),
        ({"x": ["a"] * 60}, "exposure 'x' has one value \\('a'\\)"),
        ({"x": [1.0] * 59 + [2.0], "z": [*range(59), None]}, "in the 59 complete rows"),
        ({"y": ["low", "high"] * 30}, "outcome 'y' must be a number, but row 1 says 'low'"),
    ],
)
def test_an_end_of_the_question_that_cannot_be_asked_of_these_rows_is_refused(changed, words):
    with pytest.raises(DataError, match=words):
        planned("x <- z -> y", data(**changed))


def test_a_question_with_two_exposures_is_for_explain_alone():
    question = Dag("x -> y <- z").question(["x", "z"], "y")
    with pytest.raises(QuestionError, match="one exposure, here are 2"):
        plan(question, read_table(data(), observed(question)))


# Family and terms


@pytest.mark.parametrize(
    ("outcome", "asked", "family", "hint"),
    [
        ([0.5, 1.5, 2.5] * 20, "auto", "gaussian", False),
        ([0, 1] * 30, "auto", "bernoulli", False),
        ([3, 7] * 30, "auto", "bernoulli", False),
        ([0, 1] * 30, "gaussian", "gaussian", False),
        ([True, False] * 30, "auto", "bernoulli", False),
        ([0, 1, 2] * 20, "auto", "gaussian", True),
        ([0, 1, 2] * 20, "gaussian", "gaussian", False),
        ([-1, 1, 2] * 20, "auto", "gaussian", False),
    ],
)
def test_two_values_are_bernoulli_and_all_else_normal_with_a_hint_at_counts(
    outcome, asked, family, hint
):
    made = planned("x -> y", data(y=outcome), family=asked)
    assert {r.family for r in made.regressions} == {family}
    assert any("Poisson" in note for note in made.notes) is hint


def test_the_family_follows_from_the_rows_used_not_from_those_dropped():
    columns = data(y=[0, 1] * 29 + [5, 6], z=[*np.arange(58.0) % 7, None, None])
    assert {r.family for r in planned("x <- z -> y", columns).regressions} == {"bernoulli"}


def test_text_and_what_is_named_categorical_enter_as_categories():
    columns = data(z=["a", "b", "c"] * 20, w=[1, 2, 3, 1] * 15)
    made = planned("x <- z -> y; x <- w -> y", columns, categorical=["w"])
    terms = {term.variable: term for term in made.regressions[0].terms}
    assert terms["z"] == Categorical("z", ("a", "b", "c"))
    assert terms["w"] == Categorical("w", ("1", "2", "3"))
    assert terms["x"] == Numeric("x")


def test_a_level_that_only_dropped_rows_have_is_no_level():
    columns = data(z=["a", "b"] * 29 + ["rare", "rare"], w=[*range(58), None, None])
    made = planned("x <- z -> y; x <- w -> y", columns)
    terms = {term.variable: term for term in made.regressions[0].terms}
    assert terms["z"] == Categorical("z", ("a", "b"))


def test_a_prior_for_a_variable_that_no_model_has_is_refused():
    choice = PriorChoice("default", {"zz": Distribution("Normal", (0.0, 1.0))})
    with pytest.raises(ModelError, match="Did you mean 'z'"):
        planned("x <- z -> y", prior_choice=choice)


# Formulas


QUESTION = Dag("x <- z -> y; w -> y").question("x", "y")


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("y ~ x", ()),
        ("y ~ z + x", ("z",)),
        ("y ~ x*z + w", ("w", "z")),
        ("y ~ x:z - 1", ("z",)),
        ("y ~ log(x) + poly(z, 2) + (1 | w)", ("w", "z")),
    ],
)
def test_a_formula_is_judged_by_the_names_it_holds(formula, names):
    assert formula_set(QUESTION, parse(formula)) == names


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ z", "lacks the exposure 'x'"),
        ("y ~ z + (x | w)", "lacks the exposure 'x'"),
        ("z ~ x", "Write 'y' on the left"),
    ],
)
@pytest.mark.parametrize("fitted", [True, False])
def test_a_formula_about_something_else_is_refused(formula, words, fitted):
    with pytest.raises(ModelError, match=words):
        formula_set(QUESTION, parse(formula), fitted=fitted)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ x + offset(z)", r"holds offset\('z'\): its slope is fixed at 1"),
        ("y ~ x + offset(log(x))", r"offset\('log\(x\)'\): its slope is fixed at 1"),
    ],
)
def test_a_formula_with_an_offset_is_no_set_to_judge(formula, words):
    with pytest.raises(ModelError, match=words):
        formula_set(QUESTION, parse(formula))


def test_the_exposure_is_no_offset():
    with pytest.raises(ModelError, match="exposure 'x' cannot be an offset"):
        formula_set(QUESTION, parse("y ~ x + offset(log(x))"), fitted=True)
    with pytest.raises(ModelError, match="exposure 'x' cannot be an offset"):
        planned("x <- z -> y", data(x=POSITIVE), form="offset(log(x))")


def test_a_name_that_the_dag_lacks_is_none_of_a_formula_but_may_be_an_offset():
    with pytest.raises(UnknownVariable, match="'zz'"):
        formula_set(QUESTION, parse("y ~ x + zz"), fitted=True)
    with pytest.raises(UnknownVariable):
        formula_set(QUESTION, parse("y ~ x + offset(t)"))
    assert formula_set(QUESTION, parse("y ~ x + offset(t)"), fitted=True) == ()
    # One of the DAG is held like any other.
    assert formula_set(QUESTION, parse("y ~ x + offset(z)"), fitted=True) == ("z",)


def test_a_formula_of_the_users_is_fitted_as_it_stands():
    columns = data(z=["a", "b", "c"] * 20, w=POSITIVE, t=POSITIVE)
    made = planned(
        "x <- z -> y; w -> y",
        columns,
        own={
            "yours": "y ~ x*z + log(w) + offset(log(t))",
            "pooled": "y ~ 0 + w + x + (x | z)",
            "crude": "y ~ x",
            "same": "y ~ z + w + x",
            "logs": "y ~ x + z + log(w)",
        },
    )
    z = Categorical("z", ("a", "b", "c"))
    found = {r.name: r for r in made.regressions}

    assert found["yours"].terms == (Numeric("x"), z, Interaction((Numeric("x"), z)), Log("w"))
    assert found["yours"].offsets == (Log("t"),)
    assert found["yours"].variables == ("y", "x", "z", "w", "t")
    assert found["pooled"].terms == (Numeric("x"), Numeric("w"), Varying(z, (Numeric("x"),)))
    assert found["pooled"].priors.intercept is None
    assert {name: bool(verdict) for name, verdict in made.verdicts.items()} == {
        "correct": True, "unadjusted": False, "everything": True, "yours": True, "pooled": True,
        "crude": False, "same": True, "logs": True,
    }  # fmt: skip
    # One of the same set is another regression where its form is another.
    assert formulas(made)["logs"] == "y ~ x + z + log(w)"
    assert "the same regression as correct" in made.left_out["same"]
    assert set(made.left_out) == {"everything", "same"}


def test_a_formula_with_a_latent_name_is_left_out_and_costs_no_rows():
    columns = data(w=[None] * 30 + POSITIVE[30:])
    made = planned(
        "z [latent]; w [latent]; x <- z -> y; w -> y", columns, own={"yours": "y ~ x + z"}
    )
    assert "'z' is marked latent" in made.left_out["yours"]
    assert made.table.rows == 60


def test_columns_of_offsets_and_trials_are_read_and_must_be_complete():
    columns = data(y=[i % 3 for i in range(60)], t=[None, *POSITIVE[1:]], n=[*[3] * 59, None])
    made = planned("x -> y", columns, family="poisson", form="offset(log(t))")
    assert made.dropped == {"t": 1}
    made = planned("x -> y", columns, trials="n")
    assert made.dropped == {"n": 1}
    assert made.regressions[0].family == "binomial"
    assert made.regressions[0].variables == ("y", "x", "n")


def test_a_variable_named_like_a_part_of_a_model_gets_its_prior_in_back_quotes():
    columns = data()
    columns["slope"] = columns.pop("z")
    own = Distribution("Normal", (0.0, 0.1))
    made = planned(
        "x <- slope -> y; x -> y", columns, prior_choice=PriorChoice("default", {"`slope`": own})
    )
    [correct] = [r for r in made.regressions if r.name == "correct"]
    assert correct.priors.terms[1] == (own,)
    with pytest.raises(ModelError, match="No model has a coefficient"):
        planned("x <- z -> y", prior_choice=PriorChoice("default", {"`q`": own}))


def test_a_predictor_that_varies_by_rounding_only_is_said_to():
    columns = data(z=[3.0, float(np.nextafter(3.0, 4.0)), float(np.nextafter(3.0, 2.0))] * 20)
    with pytest.raises(ModelError, match=r"'z' has one value, but for rounding.*Leave it out"):
        planned("x <- z -> y", columns)


def test_a_prior_is_for_the_models_that_have_a_place_for_it():
    """Neither the models without the variable nor those without levels stand in its way."""
    own, scale = Distribution("Normal", (0.0, 0.1)), Distribution("HalfNormal", (1.0,))
    columns = data()
    columns["alpha"] = columns.pop("z")
    made = planned("x <- alpha -> y", columns, prior_choice=PriorChoice("default", {"alpha": own}))
    assert made.regressions[0].priors.terms[1] == (own,)
    made = planned(
        "x <- z -> y",
        data(z=["a", "b", "c"] * 20),
        own={"yours": "y ~ x + (1 | z)"},
        prior_choice=PriorChoice("default", {"sd": scale}),
    )
    [yours] = [r for r in made.regressions if r.name == "yours"]
    assert yours.priors.terms[1] == (scale,)
    with pytest.raises(ModelError, match="has no sd"):
        planned("x <- z -> y", prior_choice=PriorChoice("default", {"sd": scale}))
    made = planned("x <- z -> y", form="x*z", prior_choice=PriorChoice("default", {"x:z": own}))
    assert made.regressions[0].priors.terms[2] == (own,)


# The form


def test_every_model_has_the_form_as_far_as_it_holds_the_variables():
    columns = data(w=POSITIVE, t=POSITIVE)
    made = planned(
        "x <- z -> y; x -> c <- y; w -> y",
        columns,
        form="poly(x, 2) + x:z + log(w) + c:w + offset(log(t))",
        own={"yours": ["c"], "formula": "y ~ x + z"},
    )
    # A polynomial of x stands for x; z and c have no term of their own.
    end = " + offset(log(t))"
    assert formulas(made) == {
        "correct": "y ~ poly(x, 2) + z + x:z + log(w)" + end,
        "unadjusted": "y ~ poly(x, 2)" + end,
        "everything": "y ~ poly(x, 2) + c + z + x:z + log(w) + c:w" + end,
        "yours": "y ~ poly(x, 2) + c" + end,
        "formula": "y ~ x + z",
    }
    assert all(r.offsets == (Log("t"),) for r in made.regressions if r.name != "formula")


def test_a_form_without_an_intercept_leaves_none_where_its_levels_are():
    columns = data(z=["a", "b", "c"] * 20)
    made = planned("x <- z -> y", columns, form="0 + z")
    assert formulas(made) == {"correct": "y ~ 0 + x + z", "unadjusted": "y ~ x"}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("x + zz", r"The terms hold 'zz', which is no observed variable.*Did you mean 'z'"),
        ("log(y)", "The outcome 'y' cannot be a term of its own regression"),
        ("x + offset(y)", "The outcome 'y' cannot be a term"),
        ("u:x", "'u', which is no observed variable"),
        ("n", "'n', which is no observed variable"),  # read as the trials, and no covariate
        ("(1 | x)", r"\(... \| 'x'\), but 'x' is the exposure"),
        ("(z | w)", "groups by a number"),
        ("bs(z, 5)", "cannot be fitted yet"),
    ],
)
def test_a_form_that_no_model_can_have_is_refused(form, words):
    columns = data(n=[3.0] * 60, y=[i % 3 for i in range(60)])
    question = Dag("u [latent]; x <- z -> y; w -> y; x <- u -> z").question("x", "y")
    table = read_table(columns, columns_read(question, trials="n"))
    with pytest.raises(ModelError, match=words):
        plan(question, table, form=parse_terms(form), trials="n")


# Rank and rows


def fault(columns, form, dag="x <- z -> y; x <- w -> y", **options):
    with pytest.raises(ModelError) as caught:
        planned(dag, columns, form=form, **options)
    return str(caught.value)


def test_terms_that_cannot_be_told_apart_are_named_as_they_are_written():
    two = [1.0, 3.0, 3.0] * 20
    cut = "The correct model cannot be fitted: "
    assert fault(data(w=two), "poly(w, 2)") == (
        "poly('w', 2) needs 3 different values or more, but the rows used have 2. Write the name "
        "alone."
    )
    assert fault(data(w=two), "w*z + w:log(w):z") == cut + (
        "'w:log(w):z' is an exact linear function of 'z' and 'w:z', so their coefficients cannot "
        "be told apart. Leave one of them out."
    )
    assert "'poly(z, 2)' is an exact linear function of 'z'" in fault(data(), "z + poly(z, 2)")
    # Within one level the square of z is a line.
    z = [1.0, 2.0, 1.0, 3.0, 4.0, 5.0] * 10
    w = ["a", "a", "a", "b", "b", "b"] * 10
    assert fault(data(z=z, w=w), "poly(z, 2)*w") == cut + (
        "'poly(z, 2):w' is an exact linear function of 'poly(z, 2)' and 'w', so their coefficients "
        "cannot be told apart. Leave one of them out."
    )
    # The slopes of z in every level add up to the line that is in its polynomial.
    z = [float(i * i % 23) for i in range(60)]
    assert "'w:z' is an exact linear function of 'poly(z, 2)'" in fault(
        data(z=z, w=w), "poly(z, 2) + w:z"
    )


def test_combinations_of_levels_without_rows_are_named():
    columns = data(z=["a", "b", "c", "c"] * 15, w=["u", "u", "v", "u"] * 15)
    assert fault(columns, "z*w") == (
        "The correct model cannot be fitted: in 'z:w' every combination of levels needs rows, but "
        "'z[a]:w[v]' and 1 more have none. Leave the interaction out, or merge levels."
    )
    # Varying coefficients and cells have priors for them.
    assert planned("x <- z -> y; x <- w -> y", columns, form="z + w + (w | z)").regressions
    columns["x"], columns["y"] = [["0", "1"][i % 2] for i in range(60)], [i % 2 for i in range(60)]
    assert planned("x <- z -> y; x <- w -> y", columns, family="cells").regressions


@pytest.mark.parametrize(
    ("form", "count"),
    [
        (None, 5),  # intercept, x, w, two contrasts of z
        ("poly(x, 3)", 7),
        ("x:z", 7),
        ("x*z*w", 12),
        ("0 + z", 5),
        ("(1 | z)", 3),  # levels that are pooled are held by their prior
        ("(x | z)", 3),
    ],
)
def test_as_many_rows_as_coefficients_are_too_few(form, count):
    random = np.random.default_rng(4)
    dag = "x <- z -> y; w -> y"

    def columns(rows):
        made = {name: random.normal(size=rows).tolist() for name in "xyw"}
        return made | {"z": [["a", "b", "c"][i % 3] for i in range(rows)]}

    assert f"{count} rows are too few for {count} coefficients" in fault(columns(count), form, dag)
    made = planned(dag, columns(count + 1), form=form)
    [correct] = [r for r in made.regressions if r.name == "correct"]
    kept = needed(correct)[: len(kept_names(correct))]
    assert kept.sum() == count
    matrix = design(correct, made.table)[:, : len(kept)][:, kept]
    assert np.linalg.matrix_rank(matrix) == count


def kept_names(regression):
    varying = sum(len(n) for t, n in zip(regression.terms, regression.coefficients_by_term,
                                         strict=True) if isinstance(t, Varying))  # fmt: skip
    return regression.linear_names[: len(regression.linear_names) - varying]


# Families


def test_cells_are_one_for_each_combination_of_everything_adjusted_for():
    columns = data(
        x=[0, 1] * 30, y=[i % 4 == 0 for i in range(60)], z=["a", "b", "c"] * 20,
        w=[2.0, 2.0, 7.0] * 20,
    )  # fmt: skip
    made = planned("x <- z -> y; w -> y; x <- w", columns, family="cells")
    assert formulas(made) == {"correct": "y ~ 0 + x:w:z", "unadjusted": "y ~ 0 + x"}
    correct = made.regressions[0]
    assert len(correct.linear_names) == 2 * 2 * 3
    assert correct.linear_names[1] == "x[0]:w[2]:z[b]"
    assert correct.priors.intercept is None and correct.other_names == ()
    # The form has nothing to add: every combination is there.
    with_form = planned("x <- z -> y; w -> y; x <- w", columns, family="cells", form="x:z + w")
    assert set(formulas(with_form)["correct"].removeprefix("y ~ 0 + ").split(":")) == {*"xwz"}


@pytest.mark.parametrize(
    ("columns", "form", "words"),
    [
        ({"z": POSITIVE}, None, "'z' is none. Read it with --categorical"),
        ({"z": POSITIVE}, "log(z)", r"'log\(z\)' is none"),
        ({"z": ["a", "b"] * 30}, "(1 | z)", r"'\(1 \| z\)' is none"),
        ({"z": ["a", "b"] * 30, "t": POSITIVE}, "offset(t)", "takes no offset"),
    ],
)
def test_what_is_no_cell_is_refused(columns, form, words):
    columns = data(x=[0, 1] * 30, y=[i % 4 == 0 for i in range(60)], **columns)
    with pytest.raises(ModelError, match=words):
        planned("x <- z -> y", columns, family="cells", form=form)


def test_cells_without_number_are_refused():
    random = np.random.default_rng(2)
    columns = {n: random.integers(0, 30, 400).astype(str).tolist() for n in ("a", "b", "c")}
    columns |= {"x": [0, 1] * 200, "y": [i % 4 == 0 for i in range(400)]}
    with pytest.raises(ModelError, match="54,000 cells, more than 10,000"):
        planned("a -> y; b -> y; c -> y; x -> y; x <- a; x <- b; x <- c", columns, family="cells")


def test_grades_are_those_of_the_rows_used():
    columns = data(y=[*[1, 2, 5] * 19, 1, 9, 9], z=[*POSITIVE[:58], None, None])
    made = planned("x <- z -> y", columns, family="ordered")
    assert {r.grades for r in made.regressions} == {(1.0, 2.0, 5.0)}
    assert made.regressions[0].coefficient_names == ("x", "z", "cut[1|2]", "cut[2|5]")
    with pytest.raises(ModelError, match=r"has no intercept. Its cutpoints stand there"):
        planned(
            "x <- z -> y", columns, family="ordered",
            prior_choice=PriorChoice("default", {"intercept": Distribution("Flat")}),
        )  # fmt: skip
