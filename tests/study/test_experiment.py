"""The shipped lessons: data of the tutorial, facts of the issue, and what a failure looks like.

The data are drawn again with `np.random.seed` and the global generator, as the tutorial draws them,
and the facts are computed again by least squares: nothing here trusts the recipes or the fits.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from causal import catalog, cli
from causal.catalog import dag_path, experiments
from causal.display.lessons import experiment_text
from causal.errors import CausalError, LessonError
from causal.graph.notation import read, read_file
from causal.models.priors import PriorChoice
from causal.study.experiment import (
    Adjusts,
    Asked,
    Covers,
    Lesson,
    Misses,
    Near,
    Result,
    Says,
    load,
    perform,
    standard_error,
)

NAMES = ("simple", "multivariate", "pipe", "fork", "collider", "descendant", "combined")

_results: dict[str, Result] = {}


def result(name: str) -> Result:
    """Each shipped lesson is performed once."""
    if name not in _results:
        _results[name] = perform(load(experiments()[name]))
    return _results[name]


# The data, as the tutorial draws them


def legacy(name: str) -> Mapping[str, np.ndarray]:
    """The recipes in the tutorial's own terms: the global generator and its draw order."""
    normal = np.random.normal
    state = np.random.get_state()
    try:
        if name in ("simple", "multivariate", "pipe"):
            np.random.seed(2019)
            x1 = normal(loc=10, scale=3, size=100)
            if name == "simple":
                noise = normal(loc=0, scale=0.1, size=100)
                return {"x1": x1 - np.mean(x1), "y1": 5 * x1 + noise}
            if name == "multivariate":
                x2 = normal(loc=10, scale=3, size=100)
                y1 = 2 * x1 + 5 * x2 + normal(loc=0, scale=0.1, size=100)
            else:
                x2 = x1 * 2 + normal(loc=0, scale=0.1, size=100)
                y1 = 5 * x2 + normal(loc=0, scale=0.1, size=100)
            return {"x1": x1, "x2": x2, "y1": y1}
        np.random.seed(2025)
        if name == "fork":
            z = normal(loc=10, scale=3, size=1000)
            x = z * 3 + normal(loc=0, scale=0.1, size=1000)
            y = 2 * z + normal(loc=0, scale=0.1, size=1000)
            return {"x": x, "z": z, "y": y}
        if name == "combined":
            x1 = normal(loc=10, scale=3, size=1000)
            x2 = x1 * 3 + normal(loc=0, scale=0.1, size=1000)
            y = x1 * -2 + x2 * 2 + normal(loc=0, scale=0.5, size=1000)
            z = x1 * -1 + y * 5 + normal(loc=0, scale=0.1, size=1000)
            return {"x1": x1, "x2": x2, "z": z, "y": y}
        x = normal(loc=10, scale=3, size=100)
        y = normal(loc=2, scale=3, size=100)
        z = x * 3 + y * 2 + normal(loc=0, scale=0.1, size=100)
        if name == "collider":
            return {"x": x, "z": z, "y": y}
        return {"x": x, "z": z, "y": y, "d": z + normal(loc=0, scale=6, size=100)}
    finally:
        np.random.set_state(state)


@pytest.mark.parametrize("name", NAMES)
def test_the_data_are_those_of_the_tutorial(name: str) -> None:
    drawn, expected = load(experiments()[name]).simulate(), legacy(name)
    assert set(drawn) == set(expected)
    for column, values in expected.items():
        np.testing.assert_array_equal(drawn[column], values)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_draws_the_same_data_again_and_leaves_the_global_generator_alone(
    name: str,
) -> None:
    lesson = load(experiments()[name])
    np.random.seed(7)
    expected = np.random.normal(size=3)
    np.random.seed(7)
    first, second = lesson.simulate(), lesson.simulate()
    np.testing.assert_array_equal(np.random.normal(size=3), expected)
    for column in first:
        np.testing.assert_array_equal(first[column], second[column])


def test_the_descendant_starts_from_the_data_of_the_collider() -> None:
    collider, descendant = (load(experiments()[n]).simulate() for n in ("collider", "descendant"))
    for column in ("x", "y", "z"):
        np.testing.assert_array_equal(collider[column], descendant[column])


# What the lessons find


def test_the_seven_lessons_are_shipped_in_the_order_of_learning() -> None:
    lessons = [load(path) for path in experiments().values()]
    assert tuple(lesson.name for lesson in sorted(lessons, key=lambda one: one.place)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_lesson_passes(name: str) -> None:
    found = result(name)
    assert [finding for finding in found.findings if not finding] == []
    assert found.passed


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_about_the_shipped_dag_of_its_name(name: str) -> None:
    assert read(result(name).lesson.dag) == read_file(dag_path(name))


def least_squares(
    data: Mapping[str, np.ndarray], outcome: str, *predictors: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Coefficients and their standard errors, by name, from numpy alone."""
    rows = np.column_stack([np.ones(len(data[outcome])), *(data[name] for name in predictors)])
    slopes, [rest], *_ = np.linalg.lstsq(rows, data[outcome])
    variance = rest / (len(rows) - rows.shape[1]) * np.linalg.inv(rows.T @ rows)
    names = ("intercept", *predictors)
    errors = np.sqrt(np.diag(variance))
    return dict(zip(names, slopes, strict=True)), dict(zip(names, errors, strict=True))


@pytest.mark.parametrize(
    ("name", "number", "intercept", "slope"),
    [
        ("simple", 0, "Normal(0, 10)", "Normal(0, 10)"),
        ("multivariate", 0, "Normal(0, 10)", "Normal(0, 10)"),
        ("pipe", 0, "Normal(0, 10)", "Normal(0, 2)"),
        ("pipe", 1, "Normal(0, 10)", "Normal(0, 2)"),
        ("fork", 0, "Normal(0, 1)", "Normal(0, 1)"),
        ("collider", 0, "Normal(0, 1)", "Normal(0, 1)"),
        ("descendant", 0, "Normal(0, 1)", "Normal(0, 1)"),
        ("combined", 0, "Normal(0, 1)", "Normal(0, 1)"),
        ("combined", 2, "Normal(0, 1)", "Normal(0, 1)"),
    ],
)
def test_the_priors_are_those_of_the_tutorial_on_the_value_at_zero_predictors(
    name: str, number: int, intercept: str, slope: str
) -> None:
    for fit in result(name).answers[number].study.fits.values():
        priors = fit.regression.priors
        assert str(priors.intercept) == intercept
        assert set(priors.centre) == {0.0}
        assert {str(prior) for prior in priors.slopes} == {slope}
        assert str(priors.sigma) == "Exponential(1)"


# Lesson, its question, model -> what least squares on the tutorial's data must give and the
# posterior too. The last column is how far the tutorial's priors may pull.
FACTS = [
    ("simple", 0, "correct", ("y1", "x1"), {"x1": 5}, 0.01, 1e-4),
    ("multivariate", 0, "correct", ("y1", "x1", "x2"), {"x1": 2, "x2": 5}, 0.01, 1e-4),
    ("multivariate", 1, "unadjusted", ("y1", "x1"), {"x1": 2}, 0.2, 0.03),
    ("pipe", 0, "unadjusted", ("y1", "x1"), {"x1": 10}, 0.01, 1e-3),
    ("pipe", 0, "correct", ("y1", "x1", "x2"), {"x1": 0}, 0.25, 0.03),
    ("pipe", 1, "correct", ("y1", "x1"), {"x1": 10}, 0.01, 1e-3),
    ("pipe", 1, "everything", ("y1", "x1", "x2"), {"x1": 0}, 0.25, 0.03),
    ("fork", 0, "unadjusted", ("y", "x"), {"x": 2 / 3}, 1e-3, 1e-5),
    ("fork", 0, "correct", ("y", "x", "z"), {"x": 0, "z": 2}, 0.02, 0.02),
    ("collider", 0, "everything", ("y", "x", "z"), {"x": -1.5, "z": 0.5}, 1e-3, 1e-4),
    ("collider", 0, "correct", ("y", "x"), {"x": 0}, 0.2, 0.2),
    ("descendant", 0, "with d", ("y", "x", "d"), {"x": -0.75}, 0.2, 0.1),
    ("descendant", 0, "everything", ("y", "x", "d", "z"), {"x": -1.5, "d": 0}, 1e-3, 1e-4),
    ("combined", 0, "unadjusted", ("y", "x1"), {"x1": 4}, 0.01, 1e-3),
    ("combined", 0, "everything", ("y", "x1", "x2", "z"), {"x1": 0.2}, 0.01, 1e-3),
    ("combined", 0, "correct", ("y", "x1", "x2"), {"x1": -2, "x2": 2}, 0.1, 0.55),
    ("combined", 1, "correct", ("y", "x1", "x2"), {"x1": -2, "x2": 2}, 0.1, 2e-3),
    ("combined", 2, "correct", ("x2", "x1"), {"x1": 3}, 0.01, 1e-4),
]


@pytest.mark.parametrize(
    ("name", "number", "model", "variables", "expected", "near", "pull"),
    FACTS,
    ids=[f"{fact[0]}-{fact[1]}-{fact[2]}" for fact in FACTS],
)
def test_the_posterior_is_where_least_squares_on_the_tutorials_data_is(
    name, number, model, variables, expected, near, pull
) -> None:
    slopes, _ = least_squares(legacy(name), *variables)
    fit = result(name).answers[number].study[model]
    assert fit.regression.variables[0] == variables[0]
    assert set(fit.regression.predictors) == set(variables[1:])
    for coefficient, value in expected.items():
        assert slopes[coefficient] == pytest.approx(value, abs=near)
        found = fit.draws.summary(coefficient).mean
        assert found == pytest.approx(slopes[coefficient], abs=pull)


def test_the_tolerances_are_standard_errors_of_these_regressions() -> None:
    """Each error of a lesson, derived from its recipe, is that of least squares on its data."""
    ratios = {}
    for name in NAMES:
        data = legacy(name)
        for answer in result(name).answers:
            for expectation in answer.asked.expectations:
                if isinstance(expectation, Near):
                    regression = answer.study[expectation.model].regression
                    _, errors = least_squares(data, *regression.variables)
                    which = expectation.coefficient or answer.asked.exposure
                    ratios[name, expectation] = expectation.error / errors[which]
    assert len(ratios) > 15
    # A standard error from 100 rows is itself uncertain by 7 %, more where predictors agree.
    assert [key for key, ratio in ratios.items() if not 0.75 < ratio < 1.33] == []


def test_a_standard_error_is_the_spread_of_slopes_over_many_data_sets() -> None:
    random = np.random.default_rng(1)
    x = random.normal(0, 3, (4000, 50))
    y = 2 * x + random.normal(0, 0.5, x.shape)
    x -= x.mean(axis=1, keepdims=True)
    slopes = (x * y).sum(axis=1) / (x * x).sum(axis=1)
    assert slopes.std() == pytest.approx(standard_error(noise=0.5, spread=3, rows=50), rel=0.05)


def test_in_the_combined_lesson_the_tutorials_priors_pull_the_direct_effect_inwards() -> None:
    """Checked against the ridge solution, which is the posterior mean at a known sigma."""
    data = legacy("combined")
    rows = np.column_stack([np.ones(1000), data["x1"], data["x2"]])
    ridge = np.linalg.solve(rows.T @ rows / 0.25 + np.eye(3), rows.T @ data["y"] / 0.25)
    plain = least_squares(data, "y", "x1", "x2")[0]["x1"]
    tutorial, wide = (answer.study["correct"].effect for answer in result("combined").answers[:2])

    assert tutorial.mean == pytest.approx(ridge[1], abs=0.03)
    assert plain == pytest.approx(-2.07, abs=0.005)
    assert wide.mean == pytest.approx(-2.07, abs=0.005)
    assert tutorial.mean == pytest.approx(-1.57, abs=0.005)
    assert tutorial.interval[0] < -2 < tutorial.interval[1]
    note = result("combined").answers[0].asked.note
    assert "inwards" in note
    assert "-2.07" in note
    assert "-1.57" in note


def test_in_the_combined_lesson_everything_is_tight_and_wrong() -> None:
    everything = result("combined").answers[0].study["everything"]
    assert "z" in everything.regression.predictors
    low, high = everything.effect.interval
    assert high - low < 0.1
    assert low < 0.2 < high


def test_in_the_multivariate_lesson_the_prior_of_the_intercept_moves_the_blurred_slope() -> None:
    tutorial, default = (a.study["unadjusted"].effect for a in result("multivariate").answers)
    assert tutorial.mean > 2.8
    assert not tutorial.interval[0] < 2 < tutorial.interval[1]
    assert default.interval[0] < 2 < default.interval[1]


def test_half_of_the_colliders_harm_is_the_descendants() -> None:
    study = result("descendant").answers[0].study
    share = study["with d"].effect.mean / study["everything"].effect.mean
    assert share == pytest.approx(0.5, abs=0.1)


# What an expectation means

FORK = Asked("x", "y", truth=0, priors=PriorChoice("tutorial"), expectations=(Adjusts(("z",)),))


@pytest.mark.parametrize(
    ("expectation", "met"),
    [
        (Adjusts(("z",)), True),
        (Adjusts(()), False),
        (Adjusts(("x", "z")), False),
        (Near("unadjusted", 0.666, error=0.001), True),
        (Near("unadjusted", 0.671, error=0.001), False),
        (Near("unadjusted", 0.669, error=0.001), True),  # 3.03 of them below
        (Near("unadjusted", error=0.001), False),  # the truth is 0
        (Near("correct", error=0.03), True),
        (Near("correct", 2, coefficient="z", error=0.1), True),
        (Near("correct", 0, coefficient="z", error=0.1), False),
        (Near("correct", 0, coefficient="w", error=0.1), False),  # no such coefficient
        (Near("typo", error=1e9), False),  # no such model
        (Covers("correct"), True),
        (Covers("unadjusted"), False),
        (Covers("everything"), False),  # left out: it is the correct one
        (Misses("unadjusted"), True),
        (Misses("correct"), False),
        (Misses("typo"), False),
        (Says("unadjusted", "misleads"), True),
        (Says("unadjusted", "agrees"), False),
        (Says("correct", "agrees"), False),  # nothing is measured against itself
    ],
    ids=str,
)
def test_an_expectation_is_met_by(expectation, met: bool) -> None:
    study = result("fork").answers[0].study
    finding = expectation.check(study, 0.0)
    assert finding.met is met
    assert bool(finding) is met
    assert finding.expectation is expectation


def test_a_finding_carries_what_was_expected_and_what_was_found() -> None:
    study = result("fork").answers[0].study
    near = Near("correct", error=0.03).check(study, 0.0)
    assert (near.wanted, near.found) == (0.0, study["correct"].effect.mean)
    covers = Covers("correct").check(study, 0.5)
    assert (covers.wanted, covers.found) == (0.5, study["correct"].effect.interval)
    says = Says("unadjusted", "agrees").check(study, 0.0)
    assert (says.wanted, says.found) == ("agrees", "misleads")
    adjusts = Adjusts(("b", "a")).check(study, 0.0)
    assert (adjusts.wanted, adjusts.found) == (("a", "b"), ("z",))
    assert Near("typo", error=1).check(study, 0.0).found is None


@pytest.mark.parametrize("name", NAMES)
def test_every_lesson_fails_when_a_truth_is_wrong(name: str) -> None:
    """By ten standard errors of the correct regression, so that no interval reaches it."""
    lesson = load(experiments()[name])
    for number, asked in enumerate(lesson.questions):
        off = 10 * result(name).answers[number].study["correct"].effect.sd
        questions = list(lesson.questions)
        questions[number] = dataclasses.replace(asked, truth=asked.truth + off)
        wrong = perform(dataclasses.replace(lesson, questions=tuple(questions)))
        assert not wrong.passed
        assert [answer.passed for answer in wrong.answers] == [
            other != number for other in range(len(questions))
        ]


def test_a_failed_check_of_a_fit_fails_the_lesson_whatever_was_expected() -> None:
    lesson = load(experiments()["fork"])

    def exact() -> dict[str, np.ndarray]:
        data = dict(lesson.simulate())
        data["y"] = 2 * data["z"] + 0 * data["x"]
        return data

    asked = dataclasses.replace(FORK, expectations=(Adjusts(("z",)),))
    found = perform(dataclasses.replace(lesson, simulate=exact, questions=(asked,)))
    assert all(found.findings)
    assert not found.passed


# Reading a lesson

HEAD = """\
from causal.models.priors import PriorChoice
from causal.study.experiment import Adjusts, Asked, Covers, Lesson, Near
import numpy as np
def simulate():
    random = np.random.RandomState(1)
    x = random.normal(size=50)
    return {"x": x, "y": x + random.normal(size=50)}
"""
BODY = """\
LESSON = Lesson(
    "own", place=1, title="t", teaches="u", dag="x -> y", simulate=simulate, questions=(
        Asked("x", "y", truth=1, priors=PriorChoice(), expectations=(Covers("correct"),)),))
"""


def written(folder: Path, text: str, name: str = "own.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_users_own_lesson_is_performed(tmp_path: Path) -> None:
    lesson = load(written(tmp_path, HEAD + BODY))
    assert isinstance(lesson, Lesson)
    assert perform(lesson).passed


def test_a_lesson_may_define_classes_that_look_for_their_module(tmp_path: Path) -> None:
    """Dataclasses with postponed annotations and pickle look in `sys.modules`."""
    text = (
        "from __future__ import annotations\n" + HEAD + "import sys\nfrom dataclasses import "
        "KW_ONLY, dataclass\n@dataclass(slots=True)\nclass Recipe:\n    _: KW_ONLY\n    rows: int\n"
        "assert sys.modules[__name__].Recipe is Recipe\n" + BODY
    )
    lesson = load(written(tmp_path, text))
    assert pickle.loads(pickle.dumps(lesson.simulate)) is lesson.simulate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"'.*own\.py' sets no LESSON, so there is nothing to perform\. End it with"),
        ("LESSON = 3\n", r"sets no LESSON"),
        (
            "x = 1\nLESSON = (\n",
            r"cannot be loaded in line 2: SyntaxError: '\(' was never closed\.",
        ),
        ("x = 1\n\nprint(y)\n", r"in line 3: NameError: name 'y' is not defined\. Mend the file\."),
        ("import no_such_module\n", r"in line 1: ModuleNotFoundError: No module named"),
        ("raise SystemExit(3)\n", r"in line 1: SystemExit: 3\."),
        ("raise ValueError\n", r"in line 1: ValueError\. Mend"),
        ("raise ValueError('a\x1b[31mb')\n", r"ValueError: a\\x1b\[31mb\."),
        (
            HEAD + BODY.replace('"own"', '"other"'),
            r"calls its lesson 'other', .* Call it 'own', or",
        ),
        (HEAD + BODY.replace("truth=1, ", ""), r"in line 10: TypeError: .*'truth'"),
        (HEAD + BODY.replace('Covers("correct"),', ""), r"ValueError: .*expects nothing\."),
        (HEAD + "Near('correct', error=0)\n", r"in line 8: ValueError: .* above 0, not 0\."),
        (HEAD + "Near('m', coefficient='z', error=1)\n", r"in line 8: ValueError: .*needs a value"),
        (
            HEAD + "from causal.catalog import dag_path\ndag_path('frok')\n",
            r"in line 9: No DAG called 'frok' is shipped\. Did you mean 'fork'\? Mend",
        ),
    ],
)
def test_a_broken_lesson_says_what_is_wrong_and_where(
    tmp_path: Path, text: str, message: str
) -> None:
    path = written(tmp_path, text)
    sys.modules.pop("causal_lesson_own", None)
    with pytest.raises(LessonError, match=message) as caught:
        load(path)
    assert "own.py'" in str(caught.value)
    assert "\n" not in str(caught.value)
    if "cannot be loaded" in str(caught.value):
        assert "causal_lesson_own" not in sys.modules


def test_a_file_that_is_missing_or_no_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=r"There is no experiment in '.*none\.py': no such file"):
        load(tmp_path / "none.py")
    with pytest.raises(LessonError, match="no such file"):
        load(tmp_path)
    with pytest.raises(LessonError, match="no Python file"):
        load(written(tmp_path, HEAD + BODY, "own.txt"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    return {", "    1 / 0\n    return {", r"simulate\(\) fails in line 7: ZeroDivision"),
        ('"y": x', '"w": x', r"'own' cannot be performed: .*no column 'y'"),
        ('return {"x"', 'return 3; {"x"', r"cannot be performed: .*is no table"),
        ('"y", truth', '"w", truth', r"cannot be performed: .*'w'"),
        ("x -> y", "x -> y -> x", r"cannot be performed: .*(circle|round|cycle)"),
    ],
)
def test_a_lesson_that_cannot_be_performed_says_so(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = HEAD + BODY
    assert text.count(old) == 1
    lesson = load(written(tmp_path, text.replace(old, new)))
    with pytest.raises(CausalError, match=message):
        perform(lesson)


# The command


def test_the_command_runs_them_all_and_exits_with_0() -> None:
    ran = CliRunner().invoke(cli.app, ["experiment"])
    assert ran.exit_code == 0
    heads = [line for line in ran.output.splitlines() if "PASSED" in line]
    assert [head.split(":")[0] for head in heads] == list(NAMES)
    assert "FAILED" not in ran.output
    assert "7 experiments" in ran.output.splitlines()[-1]


@pytest.mark.parametrize("options", [[], ["--quiet"], ["--json"]])
def test_a_failed_expectation_exits_with_1_and_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    path = written(tmp_path, HEAD + BODY.replace("truth=1", "truth=9"))
    monkeypatch.setattr(catalog, "experiments", lambda: {"own": path})
    ran = CliRunner().invoke(cli.app, ["experiment", *options])
    assert ran.exit_code == 1
    if options == ["--json"]:
        found = json.loads(ran.output)
        assert found["passed"] is False
        [question] = found["experiments"]["own"]["questions"]
        assert [e["met"] for e in question["expectations"]] == [False]
    else:
        assert "FAILED" in ran.output


def test_the_command_takes_names_lists_and_json() -> None:
    two = CliRunner().invoke(cli.app, ["experiment", "fork", "pipe", "fork", "--json"])
    assert list(json.loads(two.output)["experiments"]) == ["fork", "pipe"]
    one = CliRunner().invoke(cli.app, ["experiment", "fork", "fork", "--quiet"])
    assert one.output.count("PASSED") == 1
    listed = CliRunner().invoke(cli.app, ["experiment", "--list"])
    assert [line.split()[0] for line in listed.output.splitlines()[1:] if line[1] != " "] == [
        *NAMES
    ]
    named = CliRunner().invoke(cli.app, ["experiment", "--list", "--json"])
    assert list(json.loads(named.output)["experiments"]) == list(NAMES)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["frok"], "There is no experiment 'frok'. Did you mean 'fork'?"),
        (["own"], "cannot be loaded in line 1: NameError"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    names: list[str],
    message: str,
) -> None:
    known = {**experiments(), "own": written(tmp_path, "oops\n")}
    monkeypatch.setattr(catalog, "experiments", lambda: known)
    monkeypatch.setattr(sys, "argv", ["causal", "experiment", *names])
    with pytest.raises(SystemExit) as exited:
        cli.main()
    printed = capsys.readouterr()
    assert exited.value.code == 2
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_runs_as_a_script_and_prints_what_the_command_prints(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(experiments()[name]), run_name="__main__")
    printed = capsys.readouterr().out.rstrip("\n")
    command = CliRunner().invoke(cli.app, ["experiment", name]).output
    assert printed == "\n".join(line.rstrip() for line in command.splitlines())
    assert printed == experiment_text(result(name))


def test_nothing_heavy_is_imported_on_the_way() -> None:
    program = (
        "import sys\nfrom causal.cli import app\n"
        "try:\n    app(['experiment', '--quiet'])\n"
        "finally:\n    print(*(m for m in ('pymc', 'arviz', 'pandas', 'scipy', 'matplotlib', "
        "'networkx') if m in sys.modules), sep=',', file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.count("PASSED") == 11
    assert ran.stderr.strip() == ""
