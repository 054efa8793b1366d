"""Lessons on real data, the causal quartet, M-bias and the trap of prediction.

What the lessons expect is computed again here from the files, by least squares, exact fractions and
scipy, and the files are held against what others have printed of these data.
"""

from __future__ import annotations

import dataclasses
import runpy
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

import causal.study.experiment as experiment
from causal.catalog import experiments
from causal.study.experiment import Adjusts, Covers, Misses, Near, Predicts, Says, load

QUARTET = ("quartet_collider", "quartet_confounder", "quartet_mediator", "quartet_m_bias")
REAL = ("berkeley", "nhefs", "lalonde_experiment", "lalonde", "lalonde_overlap")
NAMES = ("m_bias", *QUARTET, "loo_trap", *REAL)
DATA = experiments()["nhefs"].parent / "data"

_results = {}


def result(name):
    """Each lesson is performed once, as its file does when it is run by itself."""
    if name not in _results:
        perform = experiment.perform
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                experiment, "perform", lambda lesson: _results.setdefault(name, perform(lesson))
            )
            runpy.run_path(str(experiments()[name]), run_name="__main__")
    return _results[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_passes_and_prints_so_when_run_by_itself(name, capsys) -> None:
    _results.pop(name, None)
    found = result(name)
    assert [finding for finding in found.findings if not finding] == []
    assert found.passed
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith(f"{name}: {found.lesson.title}"[:80])
    assert "PASSED" in head
    assert max(map(len, lines)) <= 100


def test_the_lessons_come_after_those_of_the_tutorial_in_this_order() -> None:
    lessons = [load(path) for path in experiments().values()]
    lessons.sort(key=lambda lesson: lesson.place)
    assert tuple(lesson.name for lesson in lessons)[-len(NAMES) :] == NAMES
    assert len({lesson.place for lesson in lessons}) == len(lessons)


def spoilt(expectation, study, truth):
    """The same expectation with something else in it, which must then fail."""
    match expectation:
        case Near():
            off = 2 * expectation.margin
            return dataclasses.replace(expectation, value=expectation.wanted(truth) + off)
        case Covers():
            interval = expectation.found(study).interval
            return dataclasses.replace(expectation, value=interval[1] + 0.001)
        case Misses():
            return dataclasses.replace(expectation, value=expectation.found(study).mean)
        case Says():
            other = "agrees" if expectation.verdict == "misleads" else "misleads"
            return dataclasses.replace(expectation, verdict=other)
        case Adjusts():
            return Adjusts((*expectation.names, "something"))
        case Predicts():
            return Predicts(expectation.than, than=expectation.model)


@pytest.mark.parametrize("name", NAMES)
def test_every_expectation_can_fail(name) -> None:
    for answer in result(name).answers:
        for finding in answer.findings:
            wrong = spoilt(finding.expectation, answer.study, answer.asked.truth)
            assert not wrong.check(answer.study, answer.asked.truth), finding


# Not in the other two of LaLonde's, where the naive model is near as well: that is their lesson.
@pytest.mark.parametrize("name", ["m_bias", *QUARTET, "loo_trap", "berkeley", "nhefs", "lalonde"])
def test_the_headline_cannot_be_had_from_the_naive_model(name) -> None:
    for answer in result(name).answers:
        expected = [e for e in answer.asked.expectations if isinstance(e, Near)]
        [correct] = [e for e in expected if e.model == "correct" and e.part == experiment.HEADLINE]
        for naive in ("unadjusted", "everything"):
            if naive in answer.study.fits:
                assert not dataclasses.replace(correct, model=naive).check(
                    answer.study, answer.asked.truth
                )


# The recipes


@pytest.mark.parametrize(
    ("name", "exposure", "outcome"),
    [(name, "exposure", "outcome") for name in QUARTET]
    + [("m_bias", "x", "y"), ("loo_trap", "x", "y")],
)
def test_pushing_the_exposure_moves_the_outcome_by_the_truth(name, exposure, outcome) -> None:
    simulate = load(experiments()[name]).simulate
    before, after = simulate(), simulate(push=1.0)
    truth = {a.effect: a.truth for a in load(experiments()[name]).questions}["total"]
    np.testing.assert_allclose(after[exposure] - before[exposure], 1.0, rtol=1e-12)
    np.testing.assert_allclose(after[outcome] - before[outcome], truth, rtol=1e-12)


def test_the_direct_effect_of_the_mediators_recipe_is_what_is_left_beside_it() -> None:
    simulate = load(experiments()["quartet_mediator"]).simulate
    before, after = simulate(), simulate(push=1.0)
    moved = {name: (after[name] - before[name]).mean() for name in before}
    slope = np.polyfit(before["covariate"] - 0.7 * before["exposure"], before["outcome"], 1)[0]
    assert moved["outcome"] - slope * moved["covariate"] == pytest.approx(0.5, rel=1e-12)


def test_the_four_data_sets_of_the_quartet_are_alike_in_every_mean_sd_and_correlation() -> None:
    names = ("exposure", "covariate", "outcome")
    # By hand from the arrows: the slopes 1 and 0.5 and the correlation 0.7 leave no other matrix.
    wanted = np.array([[1, 0.7, 1], [0.7, 1, 0.7 * 0.5 + 5 / 7], [1, 0.7 * 0.5 + 5 / 7, 2]])
    seen = []
    for name in QUARTET:
        data = load(experiments()[name]).simulate()
        table = np.stack([data[column] for column in names])
        np.testing.assert_allclose(table.mean(axis=1), 0, atol=1e-14)
        np.testing.assert_allclose(np.cov(table, bias=True), wanted, atol=1e-13)
        seen.append(table)
    # Alike, not the same: no two hold the same rows.
    for place, one in enumerate(seen):
        for other in seen[:place]:
            assert np.abs(one - other).max() > 0.1


def test_the_quartet_has_two_posteriors_and_four_answers() -> None:
    effects = {}
    for name in QUARTET:
        for answer in result(name).answers:
            assert set(answer.study.fits) <= {"correct", "unadjusted", "everything"}
            for fit in answer.study.fits.values():
                adjusted = fit.regression.adjust_for
                found = effects.setdefault(adjusted, fit.effect)
                assert fit.effect.mean == pytest.approx(found.mean, abs=1e-12)
                assert fit.effect.sd == pytest.approx(found.sd, rel=1e-9)
                np.testing.assert_allclose(fit.effect.draws, found.draws, atol=1e-9)
    assert set(effects) == {(), ("covariate",)}
    truths = [
        (name, a.asked.effect, a.asked.truth) for name in QUARTET for a in result(name).answers
    ]
    assert truths == [
        ("quartet_collider", "total", 1),
        ("quartet_confounder", "total", 0.5),
        ("quartet_mediator", "total", 1),
        ("quartet_mediator", "direct", 0.5),
        ("quartet_m_bias", "total", 1),
    ]


def test_the_limits_of_m_bias_and_of_the_trap_are_those_of_their_recipes() -> None:
    # Covariances by hand: of (x, m) with y, and of (x, z) with y.
    biased = np.linalg.solve([[2.0, 1.0], [1.0, 2.25]], [1.0, 0.5 + 1.0])
    assert biased[0] == pytest.approx(3 / 14)
    trapped = np.linalg.solve([[1.0, 1.5], [1.5, 4.25]], [0.5, 0.75 + 1.0])
    assert trapped[0] == pytest.approx(-0.25)


# Berkeley

COUNTS = {  # applied and admitted, men and women: Bickel, Hammel & O'Connell 1975
    "A": (825, 512, 108, 89),
    "B": (560, 353, 25, 17),
    "C": (325, 120, 593, 202),
    "D": (417, 138, 375, 131),
    "E": (191, 53, 393, 94),
    "F": (373, 22, 341, 24),
}


def test_the_berkeley_file_holds_the_published_counts() -> None:
    rows = pyarrow.csv.read_csv(DATA / "berkeley.csv").to_pylist()
    assert len(rows) == 4_526
    for department, counts in COUNTS.items():
        found = []
        for gender in ("men", "women"):
            cell = [r for r in rows if (r["gender"], r["department"]) == (gender, department)]
            found += [len(cell), sum(r["admitted"] for r in cell)]
        assert tuple(found) == counts


def test_the_counts_are_those_of_ucbadmissions_in_r() -> None:
    # mantelhaen.test(UCBAdmissions) prints the common odds ratio 0.9046968.
    above = below = 0.0
    for men, admitted, women, taken in COUNTS.values():
        above += admitted * (women - taken) / (men + women)
        below += taken * (men - admitted) / (men + women)
    assert above / below == pytest.approx(0.9046968, abs=5e-8)


def shares(prior: int):
    """Exact shares of men and women admitted, in all and averaged over the departments."""

    def share(admitted, applied):
        return Fraction(admitted + prior, applied + 2 * prior)

    men, admitted, women, taken = (sum(column) for column in zip(*COUNTS.values(), strict=True))
    total = share(taken, women), share(admitted, men)
    weights = {d: Fraction(c[0] + c[2], men + women) for d, c in COUNTS.items()}
    direct = [
        sum(weights[d] * share(c[place + 1], c[place]) for d, c in COUNTS.items())
        for place in (2, 0)
    ]
    return total, tuple(direct)


def test_the_berkeley_truths_are_those_of_the_counts() -> None:
    total, direct = shares(prior=0)
    asked = {a.asked.effect: a.asked for a in result("berkeley").answers}
    assert asked["total"].truth == pytest.approx(float(total[0] - total[1]), abs=5e-5)
    assert asked["direct"].truth == pytest.approx(float(direct[0] - direct[1]), abs=5e-5)
    assert float(total[0] / total[1]) == pytest.approx(0.682, abs=5e-4)
    assert float(direct[0] / direct[1]) == pytest.approx(1.110, abs=5e-4)
    odds = total[0] / (1 - total[0]) / (total[1] / (1 - total[1]))
    assert float(odds) == pytest.approx(0.543, abs=5e-4)


def test_the_berkeley_posterior_is_the_one_in_closed_form() -> None:
    for answer in result("berkeley").answers:
        total, direct = shares(prior=1)
        high, low = total if answer.asked.effect == "total" else direct
        effect = answer.study["correct"].effect
        assert abs(effect.mean - float(high - low)) < 5 * effect.sd / np.sqrt(4_000)


def test_in_no_department_but_a_does_a_difference_stand_out() -> None:
    for department, (men, admitted, women, taken) in COUNTS.items():
        p, q = taken / women, admitted / men
        z = (p - q) / np.sqrt(p * (1 - p) / women + q * (1 - q) / men)
        assert (abs(z) > norm.ppf(0.945)) == (department == "A"), department


# NHEFS


def nhefs():
    table = pyarrow.csv.read_csv(DATA / "nhefs.csv").to_pydict()
    data = {name: np.array(values, dtype=float) for name, values in table.items()}
    kept = ~np.isnan(data["wt82_71"])
    return {name: values[kept] for name, values in data.items()}


def textbook_design(data, quit_smoking, *, product):
    """The columns of the textbook's outcome model, with qsmk as given."""
    columns = [np.ones_like(quit_smoking), quit_smoking, data["sex"], data["race"]]
    for name in ("education", "exercise", "active"):
        columns += [data[name] == level for level in np.unique(data[name])[1:]]
    for name in ("age", "smokeintensity", "smokeyrs", "wt71"):
        columns += [data[name], data[name] ** 2]
    if product:
        columns.append(quit_smoking * data["smokeintensity"])
    return np.stack([np.asarray(c, dtype=float) for c in columns], axis=1)


@pytest.mark.parametrize(("product", "difference"), [(False, 3.46), (True, 3.52)])
def test_the_textbooks_answer_is_that_of_least_squares(product, difference) -> None:
    data = nhefs()
    assert len(data["qsmk"]) == 1_566
    x = textbook_design(data, data["qsmk"], product=product)
    fitted = np.linalg.lstsq(x, data["wt82_71"])[0]
    high, low = (
        (textbook_design(data, np.full(1_566, one), product=product) @ fitted).mean()
        for one in (1.0, 0.0)
    )
    assert high - low == pytest.approx(difference, abs=0.005)
    if product:  # What If, chapter 13: 5.27 and 1.76; chapter 15: 2.56
        assert high == pytest.approx(5.27, abs=0.005)
        assert low == pytest.approx(1.76, abs=0.005)
        assert fitted[1] == pytest.approx(2.56, abs=0.005)
    else:
        [answer] = result("nhefs").answers
        assert answer.study["correct"].effect.mean == pytest.approx(high - low, abs=0.01)


# LaLonde

PEOPLE = ("age", "education", "black", "hispanic", "married", "nodegree")


def columns(name):
    read = pyarrow.parquet.read_table if name.endswith("parquet") else pyarrow.csv.read_csv
    table = read(DATA / name).to_pydict()
    return {column: np.array(values, dtype=float) for column, values in table.items()}


# Dehejia & Wahba 1999, table 1: rows, and the means of age, schooling, black, hispanic, no degree,
# married, earnings in 1974 and 1975.
MEANS = {
    "trained": (185, (25.81, 10.35, 0.84, 0.06, 0.71, 0.19, 2096, 1532)),
    "control": (260, (25.05, 10.09, 0.83, 0.11, 0.83, 0.15, 2107, 1267)),
    "survey": (15_992, (33.22, 12.02, 0.07, 0.07, 0.30, 0.71, 14017, 13651)),
}


@pytest.mark.parametrize("group", MEANS)
def test_the_groups_of_lalonde_have_the_published_sizes_and_means(group) -> None:
    file = "lalonde_cps.parquet" if group == "survey" else "lalonde_experiment.csv"
    data = columns(file)
    chosen = data["treat"] == (group == "trained")
    rows, means = MEANS[group]
    assert chosen.sum() == rows
    order = ("age", "education", "black", "hispanic", "nodegree", "married", "re74", "re75")
    for name, mean in zip(order, means, strict=True):
        # They cut or round the last digit, sometimes the one, sometimes the other.
        last = 1 if mean > 100 else 0.01
        assert data[name][chosen].mean() == pytest.approx(mean, abs=1.1 * last), name


def test_the_trained_are_the_same_men_in_both_files_and_the_degree_follows_from_schooling() -> None:
    lottery, survey = columns("lalonde_experiment.csv"), columns("lalonde_cps.parquet")
    for name in lottery:
        np.testing.assert_array_equal(
            lottery[name][lottery["treat"] == 1], survey[name][survey["treat"] == 1]
        )
    for data in (lottery, survey):
        np.testing.assert_array_equal(data["nodegree"], data["education"] < 12)
        assert not np.any(data["black"] * data["hispanic"])


def slope(data, names, rows=slice(None)):
    """Least-squares slope of treat and its standard error; age2 stands for the square of age."""
    data = data | {"age2": data["age"] ** 2}
    x = np.stack([np.ones_like(data["treat"]), *(data[n] for n in ("treat", *names))], axis=1)[rows]
    y = data["re78"][rows]
    scale = np.abs(x).max(axis=0)
    fitted, [left], *_ = np.linalg.lstsq(x / scale, y)
    covariance = np.linalg.inv((x / scale).T @ (x / scale)) * left / (len(y) - x.shape[1])
    return fitted[1], np.sqrt(covariance[1, 1])


# Angrist & Pischke 2009, table 3.3.3: the experiment, and the whole of the survey.
LADDER = {
    (): ((1794, 633), (-8498, 712)),
    (*PEOPLE, "age2"): ((1670, 639), (-3437, 710)),
    ("re75",): ((1750, 632), (-78, 537)),
    (*PEOPLE, "age2", "re75"): ((1636, 638), (623, 558)),
    (*PEOPLE, "age2", "re74", "re75"): ((1676, 639), (794, 548)),
}


@pytest.mark.parametrize("names", LADDER, ids=len)
def test_least_squares_gives_the_published_ladder_from_the_files(names) -> None:
    for file, published in zip(
        ("lalonde_experiment.csv", "lalonde_cps.parquet"), LADDER[names], strict=True
    ):
        # To the dollar, as printed; and earnings here are in whole dollars.
        assert slope(columns(file), names) == pytest.approx(published, abs=0.6)


def test_overlap_keeps_the_published_men_and_gives_the_published_answer() -> None:
    data = columns("lalonde_cps.parquet")
    chosen = data["treat"]
    x = np.stack([*(data[name] for name in (*PEOPLE, "re74", "re75")), data["age"] ** 2], axis=1)
    x = np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / x.std(axis=0)])
    sign = 2 * chosen - 1

    def loss(slopes):
        index = sign * (x @ slopes)
        log = norm.logcdf(index)
        return -log.sum(), -x.T @ (sign * np.exp(norm.logpdf(index) - log))

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", tol=1e-12)
    chance = norm.cdf(x @ found.x)
    kept = (chance > 0.1) & (chance < 0.9)
    # table 3.3.3: 151 trained and 352 of the survey; 1,362 (708)
    assert (int(chosen[kept].sum()), int((1 - chosen[kept]).sum())) == (151, 352)
    names = (*PEOPLE, "age2", "re74", "re75")
    assert slope(data, names, kept) == pytest.approx((1362, 708), abs=0.6)
    drawn = load(experiments()["lalonde_overlap"]).simulate()
    np.testing.assert_array_equal(np.sort(drawn["re78"]), np.sort(data["re78"][kept]))
    [answer] = result("lalonde_overlap").answers
    assert answer.study["correct"].effect.mean == pytest.approx(1362, abs=15)


def test_the_right_set_falls_short_by_more_than_its_own_interval() -> None:
    [answer] = result("lalonde").answers
    low, high = answer.study["correct"].effect.interval
    error = slope(columns("lalonde_cps.parquet"), (*PEOPLE, "age2", "re74", "re75"))[1]
    # The posterior is as wide as least squares says; 5 errors of a quantile of 4,000 draws.
    assert high - low == pytest.approx(
        2 * norm.ppf(0.945) * error, abs=5 * 2 * error / np.sqrt(4_000)
    )
    assert high < answer.asked.truth


# The folder


def test_every_file_of_data_is_described_with_its_source_and_licence() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    files = sorted(path.name for path in DATA.iterdir() if path.suffix in (".csv", ".parquet"))
    assert files == [
        "berkeley.csv",
        "lalonde_cps.parquet",
        "lalonde_experiment.csv",
        "nhefs.csv",
    ]
    for section in text.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        files = [name for name in files if name not in title]
        assert "**Source.**" in body
        assert "**Licence.**" in body
        assert "**What to expect.**" in body
    assert files == []
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 400_000


@pytest.mark.parametrize("name", REAL)
def test_a_lesson_on_real_data_says_where_they_come_from(name) -> None:
    lesson = load(experiments()[name])
    assert lesson.source
    made = lesson.simulate()
    if isinstance(made, str):
        assert Path(made).parent == DATA
