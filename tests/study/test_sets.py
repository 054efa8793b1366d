"""All minimal sets side by side."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from causal.criteria.question import EFFECTS
from causal.criteria.reasons import set_text
from causal.data.table import read_table
from causal.display.report import page
from causal.display.sets import sets_record, sets_view, sets_words
from causal.display.words import conclusions
from causal.errors import InferenceError, ModelError
from causal.graph.dag import Dag
from causal.inference import many
from causal.inference.many import fit_plan
from causal.inference.select import sample
from causal.models.formula import parse
from causal.models.generator import observed, plan
from causal.study.comparison import run
from causal.study.sets import MOST, compare_sets, minimal_models
from tests.cli import causal
from tests.oracles import Definitions, random_case
from tests.test_start_up import HEAVY, command, imported

TEXT = "a -> d -> x; b -> e -> x; a -> y; b -> y; c -> x; c -> y; x -> y"


def question(text=TEXT, effect="direct"):
    return Dag(text).question("x", "y", effect=effect)


def data(rows=400, *, wrong=0.0, seed=0):
    """As `TEXT` draws it; `wrong` is an arrow from e to y that it lacks."""
    random = np.random.default_rng(seed)
    a, b, c, other, more = random.normal(size=(5, rows))
    d, e = a + other, b + more
    x = c + d + e + random.normal(size=rows)
    y = 0.5 * x + a + b + c + wrong * e + random.normal(size=rows)
    return {"a": a, "b": b, "c": c, "d": d, "e": e, "x": x, "y": y}


def compared(asked, values, own=None, **options):
    minimal = minimal_models(asked, own)
    study = run(asked, values, own={**(own or {}), **minimal.own}, **options)
    return study, compare_sets(study, minimal)


# Which models there are


def test_each_minimal_set_has_a_model_and_the_recommended_one_none_of_its_own():
    minimal = minimal_models(question())
    assert dict(minimal.own) == {
        "minimal 1": ("a", "c", "e"),
        "minimal 2": ("b", "c", "d"),
        "minimal 3": ("c", "d", "e"),
    }
    assert dict(minimal.models) == {"correct": ("a", "b", "c"), **minimal.own}
    assert not minimal.more


@pytest.mark.parametrize("seeds", [range(120)], ids=["120-graphs"])
def test_the_sets_are_those_of_the_definition(seeds):
    several = 0
    for seed in seeds:
        for effect in EFFECTS:
            case = replace(random_case(seed, 6, 9).about(effect), refused=frozenset())
            minimal = minimal_models(case.question(), most=1_000)
            assert {*minimal.models.values()} == Definitions(case).minimal_sets, case
            assert len({*minimal.models.values()}) == len(minimal.models)
            several += len(minimal.own) > 1
    assert several


@pytest.mark.parametrize(
    ("text", "effect", "models"),
    [
        ("x -> y; w -> y", "direct", {"unadjusted": ()}),
        ("x -> m -> y; x -> y", "total", {"correct": ()}),
        ("x <- z -> y; x -> y", "direct", {"correct": ("z",)}),
        ("x <- z -> y; x <- w -> z; w -> y; z -> y", "direct", {"correct": ("w", "z")}),
        ("x <- u -> y; u [latent]; x -> y; z -> x", "direct", {}),
        ("dag { x <- z -> y; w -> x; w [adjusted]; x -> y }", "direct", {"correct": ("w", "z")}),
    ],
)
def test_a_model_that_is_there_anyway_is_not_made_twice(text, effect, models):
    minimal = minimal_models(question(text, effect))
    assert dict(minimal.models) == models
    assert dict(minimal.own) == {}


def test_a_set_that_the_user_fits_anyway_keeps_the_users_name():
    own = {"mine": ["e", "a", "c"], "minimal 1": ["a"], "formula": parse("y ~ x + b + c + d")}
    minimal = minimal_models(question(), own)
    assert minimal.models["mine"] == ("a", "c", "e")
    # A formula may say more than a set; and a name that is taken is taken.
    assert dict(minimal.own) == {"minimal 2": ("b", "c", "d"), "minimal 3": ("c", "d", "e")}


def chains(number):
    """2^number minimal sets."""
    return "; ".join(f"x <- a{i} -> b{i} -> y" for i in range(number)) + "; x -> y"


def test_there_is_a_limit_and_it_is_told():
    minimal = minimal_models(question(chains(5)))
    assert len(minimal.models) == MOST == 20
    assert minimal.more
    assert not minimal_models(question(chains(4))).more
    assert len(minimal_models(question(chains(4))).models) == 16


def test_a_graph_with_more_sets_than_atoms_is_no_matter():
    assert len(minimal_models(question(chains(300))).models) <= MOST


# What they say


def test_the_sharpest_set_comes_first_and_the_recommended_one_is_marked():
    study, found = compared(question(), data(), draws=500)
    assert [row.fit.effect.sd for row in found.rows] == sorted(
        fit.effect.sd
        for name, fit in study.fits.items()
        if name not in ("unadjusted", "everything")
    )
    assert [row.name for row in found.rows if row.recommended] == ["correct"]
    assert found.rows[0].name == "correct"  # as the theorem says of the O-set
    assert found.rows[0].difference is None
    for row in found.rows[1:]:
        assert row.fit is study[row.name]
        assert row.difference is study.differences[row.name]
        assert tuple(row.fit.regression.adjust_for) == row.adjust_for
        assert row.minimal
        assert row.difference.verdict == "agrees"
    assert (found.disputing, found.unclear, dict(found.left_out)) == ((), (), {})


def test_each_effect_is_that_of_a_run_with_this_set_alone():
    _, found = compared(question(), data(), draws=500)
    for row in found.rows:
        alone = run(question(), data(), own={"it": row.adjust_for}, draws=500)
        name = "it" if "it" in alone.fits else "correct"
        assert alone[name].effect.mean == pytest.approx(row.fit.effect.mean, rel=1e-9)
        assert alone[name].effect.sd == pytest.approx(row.fit.effect.sd, rel=1e-9)


def test_sets_that_a_wrong_dag_calls_valid_dispute():
    _, found = compared(question(), data(wrong=1.0), draws=500)
    # With e a cause of y of its own, the recommended set lets x <- e -> y open. So does {b, c, d},
    # but beside d there is less of x left, and the same path misleads by more.
    assert {row.adjust_for for row in found.disputing} == {
        ("a", "c", "e"),
        ("b", "c", "d"),
        ("c", "d", "e"),
    }
    told = " ".join(sets_words(found))
    assert (
        "3 of the 3 other minimal sets differ from the recommended one by more than chance allows"
        in told
    )
    assert "{a, c, e}, {b, c, d} and {c, d, e}" in told and "look at the DAG" in told
    assert "agree with" not in told


def test_a_recommended_set_that_is_not_minimal_is_compared_too():
    _, found = compared(
        question("x <- z -> y; w -> y; x -> y"),
        data() | {"z": data()["c"], "w": data()["a"]},
        draws=500,
    )
    by = {row.name: row for row in found.rows}
    assert by["correct"].adjust_for == ("w", "z") and not by["correct"].minimal
    assert by["minimal 1"].adjust_for == ("z",) and by["minimal 1"].minimal


def test_a_set_that_cannot_be_fitted_is_left_out_by_name():
    values = data()
    values["d"] = 2.0 * values["c"]  # a copy of a common cause
    study, found = compared(question(), values, draws=500)
    assert {*found.left_out.values()} == {("b", "c", "d"), ("c", "d", "e")}
    assert {*found.left_out} <= {*study.plan.left_out}
    assert [row.adjust_for for row in found.rows] == [("a", "b", "c"), ("a", "c", "e")]
    assert "{b, c, d} and {c, d, e}" in " ".join(sets_words(found))


def test_where_no_set_is_valid_there_is_nothing_to_compare():
    asked = question("x <- u -> y; u [latent]; x -> y; z -> x")
    values = data() | {"z": data()["d"]}
    _, found = compared(asked, values, draws=500)
    assert found is None
    assert sets_record(found) is None


def test_a_failed_check_is_said_and_not_called_agreement():
    values = data()
    values["y"] = values["x"] + values["a"] + values["b"] + values["c"]  # no error at all
    _, found = compared(question(), values, draws=500)
    told = " ".join(sets_words(found))
    assert len(found.unclear) == 3
    assert "it cannot be told: a fit failed its checks" in told and "agree" not in told


def test_what_is_shown_is_in_the_order_and_in_a_hundred_columns():
    study, found = compared(question(), data(), draws=500)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(sets_view(study, found))
    text = console.export_text()
    places = [text.index(set_text(row.adjust_for)) for row in found.rows]
    assert places == sorted(places)
    assert "recommended" in text and text.count("agrees") == 3
    assert max(map(len, text.splitlines())) <= 100


def test_sets_that_agree_are_said_together_and_one_that_does_not_by_itself():
    study, found = compared(question(), data(), draws=500)
    alone = conclusions(study)
    together = conclusions(replace(study, sets=found))
    assert len(alone) - len(together) == 2  # three sentences less, one more
    assert any(one.startswith("All 3 other minimal sets agree") for one in together)
    assert any("'minimal 1' agrees" in one for one in alone)
    assert not any("'minimal" in one for one in together)
    study, found = compared(question(), data(wrong=1.0), draws=500)
    together = conclusions(replace(study, sets=found))
    assert sum("'minimal" in one for one in together) == 3
    assert not any("agree with the recommended" in one for one in together)


def test_of_two_sets_the_other_one_agrees():
    values = data()
    _, found = compared(
        question("x <- a -> b -> y; x -> y"), {n: values[n] for n in "abxy"}, draws=500
    )
    assert len(found.rows) == 2
    [told] = sets_words(
        replace(
            found,
            rows=tuple(
                replace(
                    row, difference=row.difference and replace(row.difference, verdict="agrees")
                )
                for row in found.rows
            ),
        )
    )
    assert told.startswith("The other minimal set agrees with the recommended one")


def test_the_record_points_at_the_models():
    study, found = compared(question(), data(), draws=500)
    record = sets_record(found)
    assert [one["model"] for one in record["sets"]] == [row.name for row in found.rows]
    assert {one["model"] for one in record["sets"]} <= {*study.fits}
    assert record["sets"][0] == {
        "model": "correct",
        "adjust_for": ["a", "b", "c"],
        "minimal": True,
        "recommended": True,
        "verdict": None,
    }
    assert record["more_sets"] is False and record["left_out"] == {}


# A whole plan by `fit_many`


def planned(**how):
    asked = question()
    return plan(asked, read_table(data(), observed(asked)), own=minimal_models(asked).own, **how)


def test_a_plan_by_many_has_the_posteriors_of_one_after_the_other(tmp_path):
    made = planned()
    alone = sample(made.regressions, made.table, made.moments, draws=300, seed=5)
    for keep in (None, tmp_path, tmp_path):
        fitted, found = fit_plan(made, draws=300, seed=5, keep=keep)
        assert fitted.regressions == made.regressions
        assert dict(fitted.left_out) == dict(made.left_out)
        assert [*found] == [*alone]
        assert all(found[n].draws.tobytes() == alone[n].draws.tobytes() for n in alone)
    assert len([*tmp_path.iterdir()]) == 6


def failing(monkeypatch, *names):
    def sampled(regressions, *given, **how):
        if regressions[0].name in names:
            raise InferenceError(f"{regressions[0].name} is not to be had.")
        return sample(regressions, *given, **how)

    monkeypatch.setattr(many, "sample", sampled)


def test_a_model_of_a_plan_that_fails_is_left_out_with_its_reason(monkeypatch):
    failing(monkeypatch, "minimal 2")
    fitted, found = fit_plan(planned(), draws=300)
    assert "minimal 2" not in found and len(found) == 5
    assert [one.name for one in fitted.regressions] == [*found]
    assert fitted.left_out["minimal 2"] == "minimal 2 is not to be had."


def test_a_correct_model_that_fails_stops_the_run(monkeypatch):
    failing(monkeypatch, "minimal 1", "correct")
    with pytest.raises(InferenceError, match="correct is not to be had"):
        fit_plan(planned(), draws=300)


def test_a_plan_of_which_nothing_is_left_stops_the_run(monkeypatch):
    asked = question("x <- u -> y; u [latent]; x -> y")
    made = plan(asked, read_table(data(), observed(asked)))
    failing(monkeypatch, *(one.name for one in made.regressions))
    with pytest.raises(InferenceError, match="unadjusted is not to be had"):
        fit_plan(made, draws=300)


def test_notes_of_the_fits_are_notes_of_the_plan(tmp_path):
    made = planned()
    fit_plan(made, draws=300, keep=tmp_path)
    min(tmp_path.iterdir()).write_bytes(b"")
    fitted, _ = fit_plan(made, draws=300, keep=tmp_path)
    [note] = fitted.notes[len(made.notes) :]
    assert "is damaged, and was made anew" in note


def test_a_name_no_user_can_give_twice():
    with pytest.raises(ModelError, match="called 'correct' already"):
        run(question(), data(), own={"correct": ["a"]})


# On the command line, in the report, from Python


def test_from_python_one_option_does_it():
    study = question().run(data(), all_sets=True, draws=500)
    assert study.sets.rows[0].name == "correct"
    assert len(study.sets.rows) == 4
    assert question().run(data(), draws=500).sets is None


def test_the_report_has_a_table_of_them():
    study = question().run(data(), all_sets=True, draws=500)
    text = page([study])
    assert "All minimal adjustment sets, the sharpest first" in text
    assert text.count("{c, d, e}") >= 1
    assert "All minimal" not in page([question().run(data(), draws=500)])


@pytest.fixture
def files(tmp_path):
    (tmp_path / "s.dag").write_text(f"dag {{ x [exposure] y [outcome] {TEXT} }}")
    columns = data()
    rows = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    (tmp_path / "s.csv").write_text("\n".join(rows))
    return [tmp_path / "s.dag", tmp_path / "s.csv", "--draws", 500]


def test_on_the_command_line_too(files):
    told = causal("run", *files, "--all-sets")
    assert (told.code, told.err) == (0, "")
    assert "All minimal sets, sharpest first: +1 x on y" in told.out
    assert "All 3 other minimal sets agree" in told.out
    assert "All minimal" not in causal("run", *files).out


def stripped(record):
    """A run's record without its times."""
    for model in record["models"].values():
        del model["seconds"]
    return record


def test_both_effects_have_their_own_sets(files):
    record = causal("run", *files, "--all-sets", "--effect", "both", "--json").json
    for effect in EFFECTS:
        found = record[effect]["minimal_sets"]["sets"]
        assert [one["model"] for one in found if one["recommended"]] == ["correct"]
        assert {tuple(one["adjust_for"]) for one in found} == {
            *minimal_models(question(effect=effect)).models.values()
        }


@pytest.mark.parametrize("where", [["--keep", "KEPT"], ["--jobs", 2], ["--jobs", -1]], ids=str)
def test_where_they_are_fitted_changes_no_number(files, tmp_path, where):
    plain = stripped(causal("run", *files, "--all-sets", "--json").json)
    where = [tmp_path / "kept" if one == "KEPT" else one for one in where]
    for _ in range(2):
        told = causal("run", *files, "--all-sets", *where, "--json")
        assert (told.code, told.err) == (0, "")
        assert stripped(told.json) == plain
    if "--keep" in where:
        assert len([*(tmp_path / "kept").iterdir()]) == 6


def test_a_damaged_fit_is_told_on_standard_error(files, tmp_path):
    kept = tmp_path / "kept"
    causal("run", *files, "--keep", kept)
    min(kept.iterdir()).write_bytes(b"no fit")
    told = causal("run", *files, "--keep", kept, "--json")
    assert told.code == 0 and told.json["models"]
    assert told.err.count("is damaged, and was made anew") == 1
    assert causal("run", *files, "--keep", kept).err == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--jobs", 0], "--jobs 0 makes no sense: give 1 or more, or -1 for all cores"),
        (["--jobs", "many"], "many"),
        (["--cluster", "10.0.0.5:8786"], "'10.0.0.5:8786' is no address of a Dask scheduler"),
        (["--keep", "FILE"], "it is a file. Name a folder"),
    ],
    ids=["jobs", "no number", "address", "file"],
)
def test_bad_input_is_one_message_and_nothing_is_written(files, tmp_path, options, said):
    (tmp_path / "file").write_text("")
    before = sorted(tmp_path.iterdir())
    options = [tmp_path / "file" if one == "FILE" else one for one in options]
    told = causal("run", *files, *options)
    assert (told.code, told.out) == (2, "")
    assert said in told.err
    assert len(told.err.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.heavy
def test_a_cluster_that_does_not_answer_is_one_message_and_exit_code_2(files):
    pytest.importorskip("distributed")
    told = causal("run", *files, "--cluster", "tcp://127.0.0.1:1")
    assert told.code == 2
    assert told.err.startswith("causal: No Dask scheduler answers at 'tcp://127.0.0.1:1' within")
    assert len(told.err.splitlines()) == 1


def test_nothing_of_clusters_is_loaded_for_the_exact_sets(files, tmp_path):
    clusters = {"dask", "distributed", "joblib", "tornado"}
    given = ["run", *map(str, files), "--all-sets", "--quiet"]
    assert not imported(command(*given)) & (HEAVY | clusters | {"threadpoolctl"})
    more = ["--keep", str(tmp_path / "kept"), "--jobs", "2"]
    assert not imported(command(*given, *more)) & (HEAVY | clusters)
