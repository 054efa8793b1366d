"""The contract of the commands: exit codes, JSON, prose, and one message for bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from tests.cli import causal

ROOT = Path(__file__).parents[1]
NHEFS = (ROOT / "dags/nhefs.dag", ROOT / "experiments/data/nhefs.csv")


def schema(name: str) -> dict:
    found = json.loads((ROOT / "schema" / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return found


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fork whose x does nothing to y, with a collider behind both."""
    random = np.random.default_rng(1)
    z = random.normal(10, 3, 200)
    x, y = z + random.normal(0, 1, 200), 2 * z + random.normal(0, 1, 200)
    c = x + y + random.normal(0, 1, 200)
    return table(tmp_path_factory.mktemp("data") / "fork.csv", x=x, z=z, y=y, c=c)


def table(path: Path, **columns) -> Path:
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]))
    return path


# explain and check


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["fork"], 0),
        (["x <- z -> y", "-x", "x", "-y", "y"], 0),
        (["instrument"], 3),
        (["instrument", "--effect", "total"], 3),
        (["front_door"], 3),
        (["front_door", "--effect", "total"], 3),
        (["front_door", "--effect", "both"], 3),
        (["berkeley", "--effect", "both"], 0),
        (["y -> x", "-x", "x", "-y", "y"], 3),
        (["y -> x", "-x", "x", "-y", "y", "--effect", "total"], 3),
        (["y -> s -> x", "-x", "x", "-y", "y", "--effect", "total"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_explain_fails_only_when_an_effect_that_was_asked_for_has_no_set(arguments, code):
    told = causal("explain", *arguments)
    assert (told.code, told.err) == (code, "")
    assert told.out
    record = causal("explain", *arguments, "--json")
    assert (record.code, record.err) == (code, "")
    jsonschema.validate(record.json, schema("explain"))


@pytest.mark.parametrize(
    ("arguments", "valid", "backdoor"),
    [
        (["fork", "--adjust", "z"], True, None),
        (["fork", "--adjust", ""], False, None),
        (["fork", "--effect", "total", "--adjust", "z"], True, True),
        (["pipe", "--adjust", "x2"], True, None),
        (["pipe", "--adjust", "x2", "--effect", "total"], False, False),
        (
            ["x -> y; x -> d", "-x", "x", "-y", "y", "--adjust", "d", "--effect", "total"],
            True,
            False,
        ),
        (["collider", "--model", "y ~ x"], True, None),
        (["collider", "--model", "y ~ x + z"], False, None),
        (["collider", "--model", "y ~ x * z"], False, None),
        (["z [adjusted]; x <- z -> y; x -> y", "-x", "x", "-y", "y"], True, None),
        (["x <- z -> y; z [adjusted]", "-x", "x", "-y", "y", "--adjust", ""], False, None),
        (["x <- z -> y", "-x", "x", "-y", "y"], False, None),
        (["x <- z -> y", "-x", "x", "-y", "y", "--adjust", "x,z"], False, None),
        (["x <- z -> y", "-x", "x", "-y", "y", "--latent", "z", "--adjust", "z"], False, None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_check_says_valid_with_0_and_invalid_with_1(arguments, valid, backdoor):
    told = causal("check", *arguments)
    assert (told.code, told.err) == (0 if valid else 1, "")
    assert told.out.startswith("VALID" if valid else "INVALID")
    record = causal("check", *arguments, "--json").json
    jsonschema.validate(record, schema("check"))
    assert (record["valid"], record["backdoor"]) == (valid, backdoor)


def test_costs_and_refusals_change_the_sets_that_are_named():
    chain = ("x <- a -> b -> c -> y; x -> y", "-x", "x", "-y", "y")
    effects = causal("explain", *chain, "--cost", "c=5", "--cost", "b=2", "--json").json["effects"]
    assert [effects[e]["cheapest_set"] for e in ("direct", "total")] == [["a"], ["a"]]
    assert effects["total"]["minimum_set"] == ["c"]
    told = causal("explain", *chain, "--forbid", "c,b", "--json").json["effects"]["total"]
    assert told["adjust_for"] == ["a"]
    assert told["cheapest_set"] is None
    assert {v["name"]: v["use"] for v in told["variables"]} == {
        "a": "include",
        "b": "unavailable",
        "c": "unavailable",
    }
    assert causal("explain", *chain, "--forbid", "a", "--forbid", "b", "--forbid", "c").code == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cost", "z"], "Write NAME=NUMBER"),
        (["--cost", "z=cheap"], "Write NAME=NUMBER"),
        (["--cost", "=2"], "Write NAME=NUMBER"),
        (["--cost", "z=-1"], "0 or more"),
        (["--cost", "z=nan"], "0 or more"),
        (["--cost", "z=1", "--cost", "z=2"], "given twice"),
        (["--implications", "--forbid", "nope"], "has no variable 'nope'"),
        (["--cost", "w=1"], "has no variable 'w'"),
        (["--forbid", "w"], "has no variable 'w'"),
        (["--forbid", "x"], "the question is about it"),
    ],
)
def test_a_cost_or_refusal_that_means_nothing_is_bad_input(arguments, words):
    told = causal("explain", "fork", *arguments)
    assert (told.code, told.out) == (2, "")
    assert words in told.err


def test_json_tells_the_paths_the_repairs_and_what_else_may_answer():
    told = causal("explain", "front_door", "--json").json["effects"]["total"]
    assert told["repairs"] == ["u"]
    assert told["front_door"] == ["m"]
    assert (told["instruments"], told["more_instruments"]) == ([], False)
    assert [path["path"] for path in told["paths"]] == ["x -> m -> y", "x <- u -> y"]
    assert told["paths"][1] | {"path": ""} == {
        "path": "",
        "kind": "biasing",
        "open_alone": True,
        "open": True,
        "closed_by": [],
        "opened_by": [],
    }
    told = causal("explain", "conditional_instrument", "--json").json["effects"]["total"]
    assert {"name": "z", "given": ["w"]} in told["instruments"]
    fork = causal("explain", "x <- z -> y; i -> x; p -> y", "-x", "x", "-y", "y", "--json").json
    assert fork["effects"]["total"]["precision"] == {"i": "hurts", "p": "helps"}


def test_what_is_refused_is_no_part_of_what_answers_instead():
    for dag, name in (("conditional_instrument", "w"), ("front_door", "m")):
        told = causal("explain", dag, "--forbid", name, "--json").json["effects"]["total"]
        assert told["instruments"] == []
        assert told["front_door"] is None


def test_a_formula_has_one_outcome_and_an_offset_adjusts_for_nothing():
    text = "x <- z -> y; x -> y; x -> w"
    two = causal("check", text, "-x", "x", "-y", "y", "-y", "w", "--model", "y ~ x + z")
    assert (two.code, two.out) == (2, "")
    assert "explains one outcome" in two.err
    offset = causal("check", text, "-x", "x", "-y", "y", "--model", "y ~ x + offset(z)")
    assert (offset.code, offset.out) == (2, "")
    assert "adjusts for nothing" in offset.err


def test_implied_independences_are_told_with_a_question_and_without():
    text = "x <- z -> y; x -> c <- y; u [latent]; u -> z"
    told = causal("explain", text, "--implications")
    assert (told.code, told.err) == (0, "")
    assert "x ⊥ y | z" in told.out
    assert "c ⊥ z | x, y" in told.out
    record = causal("explain", text, "--implications", "--json").json
    assert record["implications"] == [
        {"a": "c", "b": "z", "given": ["x", "y"], "selected": []},
        {"a": "x", "b": "y", "given": ["z"], "selected": []},
    ]
    assert record["more_implications"] is False
    asked = causal("explain", text, "-x", "x", "-y", "y", "--implications", "--json").json
    jsonschema.validate(asked, schema("explain"))
    assert asked["implications"] == record["implications"]
    assert "implies no independence" in causal("explain", "x -> y", "--implications").out


def test_the_dag_may_come_from_standard_input_a_file_or_its_name(tmp_path):
    text = "dag { x [exposure] y [outcome] z -> x z -> y }"
    file = tmp_path / "mine.txt"
    file.write_text(text)
    answers = [
        causal("explain", "-", "--json", stdin=text.encode()),
        causal("explain", file, "--json"),
        causal("explain", text, "--json"),
        causal("explain", "fork", "--json"),
    ]
    first = answers[0].json
    assert first["effects"]["direct"]["adjust_for"] == ["z"]
    assert all(answer.json == first for answer in answers)


def test_names_with_commas_are_given_by_repeating_the_option():
    dag = 'x <- "a,b" -> y; a -> y; b -> y; x -> y'
    judged = causal("check", dag, "-x", "x", "-y", "y", "--adjust", "a,b", "--json").json
    assert judged["adjust_for"] == ["a", "b"]
    judged = causal(
        "check", dag, "-x", "x", "-y", "y", "--adjust", "a,b", "--adjust", "a", "--json"
    ).json
    assert judged["adjust_for"] == ["a", "a,b"]


# run


def test_the_main_job_on_the_shipped_data_gives_the_published_figures():
    """Crude 2.54 kg; with all nine confounders, linear, 3.35 (published with squares: 3.46)."""
    ran = causal("run", *NHEFS, "--json")
    assert (ran.code, ran.err) == (0, "")
    jsonschema.validate(ran.json, schema("run"))
    models, data = ran.json["models"], ran.json["data"]
    assert (data["rows_read"], data["rows_used"], data["dropped"]) == (1629, 1566, {"wt82_71": 63})
    # The default priors pull by 0.002 and 0.005.
    assert models["unadjusted"]["effect"]["mean"] == pytest.approx(2.5406, abs=0.005)
    assert models["correct"]["effect"]["mean"] == pytest.approx(3.3526, abs=0.01)
    assert models["correct"]["valid"]
    assert not models["unadjusted"]["valid"]
    assert models["correct"]["effect"]["contrast"] == "1 - 0"
    assert ran.json["shift"]["unadjusted"]["verdict"] == "misleads"
    assert "correct" in ran.json["left_out"]["everything"]


def test_the_terminal_shows_rows_priors_reasons_effects_and_the_verdict():
    ran = causal("run", *NHEFS)
    assert (ran.code, ran.err) == (0, "")
    assert all(len(line) <= 100 for line in ran.out.splitlines())
    text = " ".join(ran.out.split())
    for part in (
        "1,566 of 1,629 rows, 11 columns; 63 rows lack wt82_71 and are left out of all models",
        "qsmk <- age -> wt82_71 is open; this closes it",
        "sigma ~ Exponential(0.127)",
        "The unadjusted model misleads: it is too low by 0.81",
        "exact posterior, 4,000 independent draws each",
    ):
        assert part in text


def test_both_effects_give_one_object_with_two_studies(fork):
    ran = causal("run", "x <- z -> y; x -> c <- y", fork, "-x", "x", "-y", "y", "--effect", "both",
                 "--json")  # fmt: skip
    jsonschema.validate(ran.json, schema("run"))
    assert set(ran.json) == {"direct", "total"}
    assert ran.json["total"]["question"]["effect"] == "total"


def test_ones_own_sets_and_formulas_are_fitted_and_judged_beside(fork):
    ran = causal(
        "run", "x <- z -> y; x -> c <- y", fork, "-x", "x", "-y", "y", "--adjust", "c",
        "--model", "y ~ x + z + c", "--model", "mine=y ~ x + z", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    jsonschema.validate(ran.json, schema("run"))
    assert ran.json["models"]["yours"]["adjust_for"] == ["c"]
    assert ran.json["models"]["yours2"]["adjust_for"] == ["c", "z"]
    assert not ran.json["models"]["yours2"]["valid"]
    assert "correct" in ran.json["left_out"]["mine"]


def test_without_an_answer_the_naive_models_are_shown_as_invalid(fork):
    dag = "x <- u -> y; x -> y; z -> y"
    ran = causal("run", dag, fork, "-x", "x", "-y", "y", "--latent", "u", "--json")
    assert ran.code == 3
    jsonschema.validate(ran.json, schema("run"))
    assert set(ran.json["models"]) == {"unadjusted", "everything"}
    assert not any(model["valid"] for model in ran.json["models"].values())
    assert ran.json["shift"] == {}
    told = causal("run", dag, fork, "-x", "x", "-y", "y", "--latent", "u")
    assert told.code == 3
    assert "not identifiable" in told.out
    assert "No regression on these variables answers this question" in told.out


def test_an_outcome_computed_from_the_exposure_is_a_failed_fit(tmp_path):
    data = table(tmp_path / "exact.csv", x=range(20), y=range(1, 41, 2))
    ran = causal("run", "x -> y", data, "-x", "x", "-y", "y", "--json")
    assert ran.code == 4
    jsonschema.validate(ran.json, schema("run"))
    assert ran.json["models"]["correct"]["diagnostics"]["problems"] == ["perfect_fit"]
    told = causal("run", "x -> y", data, "-x", "x", "-y", "y")
    assert told.code == 4
    assert "is one computed from the other?" in " ".join(told.out.split())


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(fork):
    def numbers(seed):
        made = causal("run", "fork", fork, "--seed", seed, "--json").json["models"]
        return made["correct"]["effect"]["interval"]

    assert numbers(1) == numbers(1)
    assert numbers(1) != numbers(2)


def test_quiet_prints_the_verdict_alone(fork):
    told = causal("run", "fork", fork, "--quiet")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("The unadjusted model misleads")


def test_what_does_not_matter_to_the_user_is_not_called_misleading(fork):
    ran = causal("run", "fork", fork, "--matters", "100", "--json").json
    assert ran["shift"]["unadjusted"]["verdict"] == "cannot tell"
    told = " ".join(causal("run", "fork", fork, "--matters", "100").out.split())
    assert "misleads by less than the 100 that matters to you" in told
    assert "too small to matter with >0.99" in told


def test_a_category_among_the_predictors_is_coded_by_index(tmp_path):
    random = np.random.default_rng(3)
    group = random.choice(list("abc"), 300)
    lift = {"a": 0.0, "b": 1.0, "c": 3.0}
    y = np.array([lift[g] for g in group]) + random.normal(0, 0.5, 300)
    data = table(tmp_path / "groups.csv", g=group, y=y)
    ran = causal("run", "g -> y", data, "-x", "g", "-y", "y", "--priors", "wide", "--json").json
    correct = ran["models"]["correct"]
    assert [e["contrast"] for e in correct["effects"]] == ["b - a", "c - a"]
    means = {g: y[group == g].mean() for g in "abc"}
    assert correct["effects"][0]["mean"] == pytest.approx(means["b"] - means["a"], abs=0.01)
    assert correct["effects"][1]["mean"] == pytest.approx(means["c"] - means["a"], abs=0.01)
    assert {"intercept", "g[a]", "g[b]", "g[c]", "sigma"} == set(correct["coefficients"])


def test_a_binary_outcome_is_bernoulli_and_its_effect_a_risk_difference(tmp_path):
    pytest.importorskip("nutpie")
    random = np.random.default_rng(5)
    x = random.integers(0, 2, 400)
    y = (random.random(400) < 0.3 + 0.3 * x).astype(int)
    data = table(tmp_path / "risk.csv", x=x, y=y)
    ran = causal("run", "x -> y", data, "-x", "x", "-y", "y", "--json", "--priors", "wide")
    assert ran.code == 0, ran.err
    jsonschema.validate(ran.json, schema("run"))
    correct = ran.json["models"]["correct"]
    assert (correct["family"], correct["sampler"]) == ("bernoulli", "importance")
    assert [e["scale"] for e in correct["effects"]] == [
        "risk difference",
        "risk ratio",
        "odds ratio",
    ]
    # Under nearly flat priors the posterior of a risk is Beta(1 + ones, 1 + zeros), nearly.
    crude = y[x == 1].mean() - y[x == 0].mean()
    assert correct["effect"]["mean"] == pytest.approx(crude, abs=0.01)
    assert correct["diagnostics"]["pareto_k"] < 0.7


# The other commands


def test_draw_writes_a_picture_and_says_where(tmp_path):
    target = tmp_path / "fork.svg"
    told = causal("draw", "fork", "-o", target)
    assert (told.code, told.err) == (0, "")
    assert str(target) in told.out
    assert target.read_text().startswith("<svg")


@pytest.mark.parametrize("suffix", ["dag", "txt", "csv", "json", "gml", "graphml"])
def test_a_dag_written_as_text_is_read_again_and_gives_the_same_answer(suffix, tmp_path):
    target = tmp_path / f"berkeley.{suffix}"
    told = causal("draw", "berkeley", "-o", target)
    assert (told.code, told.err) == (0, "")
    assert str(target) in told.out
    ends = ["-x", "gender", "-y", "admitted", "--json"]
    told = [causal("explain", dag, *ends) for dag in (target, "berkeley")]
    answers = [one.json["effects"]["direct"]["adjust_for"] for one in told]
    assert answers[0] == answers[1] == ["department"]


def test_doctor_tells_what_is_there():
    told = causal("doctor", "--json")
    assert (told.code, told.err) == (0, "")
    assert told.json["samplers exact, importance"]["there"] is True
    assert "sampler nuts" in causal("doctor").out


def test_help_of_every_command_fits_one_screen_and_nothing_is_listed_that_is_not_built():
    listed = causal("--help").out
    commands = ["explain", "check", "run", "script", "draw", "experiment", "doctor"]
    assert [c for c in commands if f"\n  {c} " in listed] == commands
    for planned in ("simulate", "sweep", "serve"):
        assert planned not in listed
    for command in commands:
        told = causal(command, "--help")
        assert (told.code, told.err) == (0, "")
        assert len(told.out.splitlines()) <= 45
        assert max(map(len, told.out.splitlines())) <= 100


def test_without_a_command_the_help_is_shown():
    assert causal().out == causal("--help").out


# Bad input: exit code 2, one message, no traceback, nothing on standard output, nothing written

FORK = ["x <- z -> y", "-x", "x", "-y", "y"]
GOOD = "x,y,z\n" + "\n".join(f"{i},{i * i % 7},{i * 3 % 5}" for i in range(20))
TABLES = {
    "empty": ("", "empty"),
    "header only": ("x,y,z\n", "no row of data"),
    "ragged row": ("x,y,z\n1,2,3\n4,5\n", "data row 2 has 2 fields where the header has 3"),
    "long row": ("x,y,z\n1,2,3\n4,5,6,7\n", "data row 2 has 4 fields where the header has 3"),
    "duplicate header": ("x,y,x,z\n1,2,3,4\n", "more than one column called 'x'"),
    "missing column": ("x,y\n1,2\n2,1\n", "--latent z"),
    "text outcome": ("x,y,z\n1,a,3\n2,b,4\n3,a,5\n", "row 1 says 'a'"),
    "a few words": (GOOD + "\n9,9,oops\n8,8,8", "data row 21: 'oops' is not a number"),
    "words in the outcome": (GOOD + "\n9,unknown,3\n8,8,8", "data row 21: 'unknown'"),
    "too few rows": ("x,y,z\n1,2,3\n2,1,4\n5,2,2\n", "3 rows are too few for 3 coefficients"),
    "all missing": ("x,y,z\n1,2,\n2,1,\n3,5,\n", "'z' is missing in every row"),
    "no complete row": ("x,y,z\n1,2,\n2,,4\n,5,6\n", "none of the 3 rows"),
    "infinity": (GOOD + "\n9,inf,3\n", "data row 21: +inf is not a finite number"),
    "exposure of one value": ("x,y,z\n1,2,3\n1,3,4\n1,4,5\n1,5,7\n", "'x' has one value (1)"),
    "outcome of one value": ("x,y,z\n1,2,3\n2,2,4\n3,2,5\n4,2,7\n", "'y' has one value (2)"),
    "constant covariate": ("x,y,z\n1,2,3\n2,3,3\n3,5,3\n4,2,3\n", "'z' (always 3) does not vary"),
    "dependent columns": (
        "x,y,z\n1,2,2\n2,1,4\n3,4,6\n4,2,8\n5,5,10\n",
        "'z' is an exact linear function of 'x'",
    ),
    "binary": ("\0\1\2", "binary"),
    "too large a number": (GOOD + "\n9,1e200,3\n", "too large"),
}  # fmt: skip


def refused(outcome, words: str) -> None:
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.startswith("causal: ")
    assert words in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(("text", "words"), TABLES.values(), ids=TABLES)
def test_data_that_cannot_answer_are_refused_and_say_why(text, words, tmp_path):
    data = tmp_path / "data.csv"
    data.write_text(text)
    refused(causal("run", *FORK[:1], data, *FORK[1:], "--report", tmp_path / "r.html"), words)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_a_file_that_is_not_utf8_a_folder_and_no_file_are_refused(tmp_path):
    latin = tmp_path / "latin.csv"
    latin.write_bytes("x,y,z\n1,2,é\n".encode("latin-1"))
    refused(causal("run", FORK[0], latin, *FORK[1:]), "not UTF-8")
    refused(causal("explain", latin), "not UTF-8")
    (tmp_path / "empty").mkdir()
    refused(causal("run", FORK[0], tmp_path / "empty", *FORK[1:]), "folder")
    refused(causal("explain", tmp_path), "folder")
    refused(causal("run", FORK[0], tmp_path / "latin.cvs", *FORK[1:]), "Did you mean 'latin.csv'")
    ran = causal("run", FORK[0], "duckdb:///f.db?table=t", *FORK[1:])
    assert ran.code == 2
    assert "no such database file" in ran.err
    assert "Traceback" not in ran.err


QUESTIONS = {
    "cycle": (["explain", "x -> y -> x"], "x -> y -> x"),
    "self-loop": (["explain", "x -> x"], "x -> x"),
    "exposure is outcome": (["explain", "fork", "-y", "x"], "both exposure and outcome"),
    "latent exposure": (["explain", "fork", "--latent", "x"], "marked latent"),
    "unknown exposure": (["explain", "age -> y", "-x", "agee", "-y", "y"], "Did you mean 'age'"),
    "unknown latent": (["explain", "fork", "--latent", "zz"], "Did you mean 'z'"),
    "unknown member": (["check", "fork", "--adjust", "zz"], "Did you mean 'z'"),
    "no exposure": (["explain", "x -> y"], "No exposure given"),
    "unknown effect": (["explain", "fork", "--effect", "indirect"], "direct, total or both"),
    "both for check": (["check", "fork", "--effect", "both"], "direct or total"),
    "two verdicts": (["check", "fork", "--adjust", "z", "--model", "y ~ x"], "not both"),
    "formula without exposure": (["check", "fork", "--model", "y ~ z"], "lacks the exposure 'x'"),
    "formula of another": (["check", "fork", "--model", "z ~ x"], "Write 'y' on the left"),
    "formula calls": (["check", "fork", "--model", "y ~ exec(x)"], "formula"),
    "syntax": (["explain", "x -> "], "^"),
    "unknown option": (["explain", "fork", "--bogus"], "No such option"),
    "unknown command": (["frobnicate"], "No such command"),
    "missing argument": (["run", "fork"], "Missing argument"),
    "unknown suffix": (["draw", "fork", "-o", "fork.doc"], ".svg, .png, .pdf or .dot"),
    "no such folder": (["draw", "fork", "-o", "no/such/folder.svg"], "Cannot write"),
    "unknown experiment": (["experiment", "forks"], "Did you mean 'fork'"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), QUESTIONS.values(), ids=QUESTIONS)
def test_questions_that_make_no_sense_are_refused_and_say_why(arguments, words):
    refused(causal(*arguments), words)


OPTIONS = {
    "importance of what varies": (
        ["--sampler", "importance", "--family", "student", "--terms", "(1 | z)"],
        "category",
    ),
    "unknown sampler": (["--sampler", "gibbs"], "'auto', 'exact', 'importance', 'nuts'"),
    "exact where there is none": (
        ["--sampler", "exact", "--prior", "slope=Cauchy(0, 1)"],
        "neither Normal nor Flat",
    ),
    "counts below zero": (["--family", "poisson"], "whole numbers of 0 or more"),
    "binomial without trials": (["--family", "binomial"], "--trials"),
    "trials without binomial": (["--family", "gaussian", "--trials", "z"], "Leave --trials out"),
    "grades of a number": (["--family", "ordered"], "different values"),
    "cells of numbers": (["--family", "cells"], "two values"),
    "trials nobody has": (["--family", "binomial", "--trials", "q"], "'q'"),
    "terms nobody has": (["--terms", "poly(q, 2)"], "'q'"),
    "terms of the outcome": (["--terms", "log(y)"], "outcome"),
    "terms that call": (["--terms", "exp(x)"], "no function of a formula"),
    "terms that assign": (["--terms", "x = 3"], "has no meaning here"),
    "terms that index": (["--terms", "x[0]"], "has no meaning here"),
    "splines": (["--terms", "bs(x, 5)"], "cannot be fitted yet"),
    "groups of numbers": (["--terms", "(1 | z)"], "names the rows rather than groups"),
    "paths of a curve": (["--paths", "--terms", "poly(z, 2)"], "takes no terms"),
    "paths that are not there": (["--paths"], "no directed path"),
    "groups of nobody": (["--by", "q"], "'q'"),
    "groups of too many": (["--by", "z"], "different values"),
    "no such interpreter": (["--sampler", "pymc3", "--pymc3-python", "no/such/python"], "3.9"),
    "unknown family": (["--family", "gausian"], "Did you mean 'gaussian'"),
    "bernoulli for numbers": (["--family", "bernoulli"], "two values"),
    "unknown preset": (["--priors", "flat"], "preset"),
    "prior of nobody": (["--prior", "q=Normal(0, 1)"], "coefficient 'q'"),
    "prior without sigma": (["--prior", "z=Normal(0)"], "sigma is missing"),
    "prior evaluated": (["--prior", "z=__import__('os')"], "no distribution '__import__'"),
    "prior twice": (["--prior", "z=Normal(0, 1)", "--prior", "z=Normal(0, 2)"], "two priors"),
    "scale below zero": (["--prior", "sigma=Normal(0, 1)"], "sigma"),
    "no draws": (["--draws", "0"], "--draws 0"),
    "words for draws": (["--draws", "many"], "not a valid integer"),
    "certain interval": (["--prob", "1"], "between 0 and 1"),
    "nan interval": (["--prob", "nan"], "between 0 and 1"),
    "negative seed": (["--seed", "-1"], "--seed -1"),
    "negative region": (["--matters", "-1"], "greater than 0"),
    "category nobody uses": (["--categorical", "q"], "'q'"),
    "category as outcome": (["--categorical", "y"], "names the rows rather than groups"),
    "spline of one's own": (["--model", "y ~ x + bs(z, 5)"], "cannot be fitted yet"),
    "call of one's own": (["--model", "y ~ x + system(z)"], "no function of a formula"),
    "exposure as covariate": (["--adjust", "x"], "Leave exposure and outcome out"),
    "a name twice": (["--model", "a=y ~ x", "--model", "a=y ~ x + z"], "Two models are called 'a'"),
    "a taken name": (["--model", "correct=y ~ x"], "called 'correct' already"),
    "report into a folder": (["--report", "."], "it is a folder"),
    "report nowhere": (["--report", "no/such/r.html"], "does not exist"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "words"), OPTIONS.values(), ids=OPTIONS)
def test_options_that_make_no_sense_are_refused_and_say_why(options, words, fork):
    refused(causal("run", "fork", fork, *options), words)


def test_no_output_is_written_over_an_input(tmp_path):
    data, dag = tmp_path / "d.csv", tmp_path / "g.dot"
    data.write_text(GOOD)
    dag.write_text("digraph { z -> x; z -> y }")
    ends = ["-x", "x", "-y", "y"]
    refused(causal("run", dag, data, *ends, "--report", data), "would be lost")
    refused(causal("run", dag, data, *ends, "--report", dag), "would be lost")
    refused(causal("draw", dag, "-o", dag), "would be lost")
    assert data.read_text() == GOOD
    assert dag.read_text() == "digraph { z -> x; z -> y }"


def test_a_folder_that_is_not_the_users_is_refused(fork, tmp_path, monkeypatch):
    # Root may write everywhere, so the answer of the operating system is given by hand.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    refused(causal("run", "fork", fork, "--report", tmp_path / "r.html"), "not yours to write to")


# The process itself


def process(*arguments: str, **options) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "causal", *arguments]
    return subprocess.run(command, capture_output=True, check=False, cwd=ROOT, **options)


def test_python_m_causal_is_the_same_command():
    assert process("explain", "fork").stdout.decode() == causal("explain", "fork").out


def test_letters_that_the_terminal_lacks_are_escaped_and_do_no_harm():
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    told = process("explain", "größe -> x -> y", "-x", "x", "-y", "y", env=environment)
    assert told.returncode == 0
    assert b"gr\\xf6\\xdfe" in told.stdout
    record = process("explain", "größe -> x -> y", "-x", "x", "-y", "y", "--json", env=environment)
    names = [v["name"] for v in json.loads(record.stdout)["effects"]["direct"]["variables"]]
    assert names == ["größe"]


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m causal explain fork --json | head -c 1"
    told = subprocess.run(command, shell=True, capture_output=True, check=False, cwd=ROOT)
    assert told.stderr == b""


@pytest.mark.filterwarnings("ignore:.*fetch_arrow:DeprecationWarning")
def test_many_files_and_a_table_of_a_database_are_data_too(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("ibis")
    random = np.random.default_rng(4)
    files = []
    for place in range(3):
        z = random.normal(size=100)
        x = z + random.normal(size=100)
        files.append(table(tmp_path / f"part{place}.csv", x=x, y=z + x, z=z))
    with duckdb.connect(str(tmp_path / "big.db")) as con:
        con.execute("CREATE TABLE visits AS SELECT * FROM read_csv(?)", [list(map(str, files))])
    address = f"duckdb:///{tmp_path}/big.db?table=visits"
    for data in (files, [address], [tmp_path], [str(tmp_path / "part*.csv")]):
        if data == [tmp_path]:
            (tmp_path / "big.db").unlink()
        ran = causal("run", *FORK[:1], *data, *FORK[1:], "--json")
        assert ran.code in (0, 4), ran.err  # y is z + x exactly
        assert ran.json["data"]["rows_read"] == 300
    ran = causal("script", *FORK[:1], *files, *FORK[1:])
    assert ran.code == 2
    assert "Save them" in ran.err
