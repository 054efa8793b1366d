"""What is fitted, on which rows, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest

from causal.data.table import read_table
from causal.errors import DataError, ModelError, QuestionError, UnknownVariable
from causal.graph.dag import Dag
from causal.models.formula import fitted_set, formula_set, parse
from causal.models.generator import observed, plan
from causal.models.priors import Distribution, PriorChoice
from causal.models.regression import Categorical, Numeric


def data(rows=60, **columns):
    random = np.random.default_rng(0)
    made = {name: random.normal(size=rows).tolist() for name in ("x", "y", "z", "c", "m", "w")}
    return made | columns


def planned(dag, columns=None, effect="direct", **options):
    question = Dag(dag).question("x", "y", effect=effect)
    categorical = options.pop("categorical", ())
    table = read_table(columns or data(), observed(question), categorical=categorical)
    return plan(question, table, **options)


def sets(made):
    return {regression.name: regression.adjust_for for regression in made.regressions}


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
        ("y ~ x*z", "interaction 'x:z'"),
        ("y ~ 0 + x", "leaves the intercept out"),
        ("y ~ z", "lacks the exposure 'x'"),
        ("y ~ x + (1 | w)", r"holds \(\.\.\. \| 'w'\), and"),
        ("y ~ x + poly(z, 2)", r"holds 'poly\(z, 2\)', and"),
        ("y ~ x + offset(z)", r"holds offset\('z'\): its slope is fixed at 1"),
        ("y ~ x + offset(log(x))", r"offset\('log\(x\)'\): its slope is fixed at 1"),
        ("z ~ x", "Write 'y' on the left"),
    ],
)
def test_a_formula_that_cannot_be_fitted_is_refused_and_never_fitted_as_another(formula, words):
    with pytest.raises(ModelError, match=words):
        fitted_set(QUESTION, parse(formula))


def test_a_variable_named_like_a_part_of_a_model_gets_its_prior_in_back_quotes():
    columns = data()
    columns["slope"] = columns.pop("z")
    own = Distribution("Normal", (0.0, 0.1))
    made = planned(
        "x <- slope -> y; x -> y", columns, prior_choice=PriorChoice("default", {"`slope`": own})
    )
    [correct] = [r for r in made.regressions if r.name == "correct"]
    assert correct.priors.slopes[1] == own
    with pytest.raises(ModelError, match="No model has a coefficient"):
        planned("x <- z -> y", prior_choice=PriorChoice("default", {"`q`": own}))


def test_a_predictor_that_varies_by_rounding_only_is_said_to():
    columns = data(z=[3.0, float(np.nextafter(3.0, 4.0)), float(np.nextafter(3.0, 2.0))] * 20)
    with pytest.raises(ModelError, match=r"'z' has one value, but for rounding.*Leave it out"):
        planned("x <- z -> y", columns)
