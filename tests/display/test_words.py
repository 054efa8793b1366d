"""Numbers and findings in words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from causal.display import words
from causal.graph.dag import Dag


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (0.6667, 3, "0.667"),
        (-0.0001, 2, "0.00"),
        (1234567.8, 0, "1,234,568"),
        (1234.5, -2, "1,200"),
        (0.0, 2, "0.00"),
        (1.25e-9, 11, "1.25e-09"),
        (3.2e12, 0, "3.2e+12"),
        (math.inf, 2, "infinite"),
        (-math.inf, 2, "-infinite"),
        (math.nan, 2, "none"),
    ],
)
def test_a_number_is_shown_to_the_places_it_deserves(value, places, text):
    assert words.number(value, places) == text


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("sd", "draws"), [(1.0, 4000), (0.03, 4000), (250.0, 1000), (2e-6, 400)])
def test_another_seed_moves_the_last_digit_shown_by_a_few_units_at_most(sd, draws, seed):
    places = words.decimals(sd, draws)
    random = np.random.default_rng(seed)
    ends = [np.quantile(random.normal(0, sd, draws), 0.055) for _ in range(200)]
    unit = 10.0**-places
    # Two standard errors of the quantile are at most 4 units, and at least .4: no digit is wasted.
    assert 0.2 * unit < np.std(ends) < 2.2 * unit


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (1.0, ">0.99"),
        (0.9999, ">0.99"),
        (0.5, "0.50"),
        (0.0001, "<0.01"),
        (0.0, "<0.01"),
        (None, ""),
    ],
)
def test_a_probability_is_never_rounded_to_certainty(probability, text):
    assert words.share(probability) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.01234, "0.012"), (-123.4, "120"), (0.0, "0"), (1e-12, "1e-12")]
)
def test_a_size_has_two_digits_of_its_own(value, text):
    assert words.magnitude(value) == text


@pytest.mark.parametrize(("prob", "text"), [(0.89, "89%"), (0.999, "99.9%"), (0.5, "50%")])
def test_the_mass_of_an_interval_is_said_as_given(prob, text):
    assert words.percent(prob) == text


def study(dag, columns, **options):
    return Dag(dag).question("x", "y").run(columns, **options)


def fork(rows=500, seed=1, lost=0):
    random = np.random.default_rng(seed)
    z = random.normal(size=rows)
    x, y = z + random.normal(size=rows), z + random.normal(size=rows)
    w = [None] * lost + random.normal(size=rows - lost).tolist()
    return {"x": x, "y": y, "z": z, "c": x + y + random.normal(size=rows), "w": w}


def test_a_model_that_misleads_is_said_to_with_size_direction_reason_and_the_right_answer():
    found = study("x <- z -> y; x -> c <- y", fork())
    high, low = words.conclusions(found)
    shift = found.differences["unadjusted"].shift
    assert high.startswith(
        f"The unadjusted model misleads: it is too high by {shift.mean:.3f} (89%: "
    )
    assert ", because x <- z -> y is open; the correct effect is " in high
    assert low.startswith("The everything model misleads: it is too low by ")
    assert ", because holding c fixed opens x -> c <- y; " in low


def test_a_valid_set_agrees_and_ones_own_model_is_called_so():
    found = study("x <- z -> y; w -> y", fork(), own={"yours": ["z"], "mine": []})
    text = dict(zip(found.differences, words.conclusions(found), strict=True))
    assert text["yours"].startswith("Your model agrees, as it should: {z} is a valid set too (")
    assert text["mine"].startswith("The model 'mine' misleads: ")


def test_rows_that_were_dropped_are_counted_and_the_columns_named():
    assert (
        words.rows_words(study("x <- z -> y", fork()).plan) == "500 rows, 3 columns, none missing"
    )
    made = study("x <- z -> y; w -> y", fork(lost=7)).plan
    assert words.rows_words(made) == (
        "493 of 500 rows, 4 columns; 7 rows lack w and are left out of all models"
    )
    made = study("x <- z -> y; w -> y", fork(lost=1)).plan
    assert "; 1 row lacks w and is left out" in words.rows_words(made)


def test_a_perfect_fit_asks_whether_one_column_was_computed_from_the_others():
    x = np.arange(20.0)
    found = study("x -> y", {"x": x, "y": 2 * x + 1})
    [sentence] = words.problems(found["correct"])
    assert sentence == (
        "The correct model failed a check: y is an exact linear function of x: is one computed "
        "from the other?"
    )


def test_names_that_could_drive_a_terminal_are_shown_as_escapes():
    evil = "z\x1b[31m\n"
    columns = fork()
    columns[evil] = columns.pop("z")
    dag = Dag(nodes=["x", "y"], edges=[(evil, "x"), (evil, "y")])
    found = dag.question("x", "y").run(columns, own={evil: []})
    for text in (str(found), str(found.explanation), *words.conclusions(found)):
        assert "\x1b" not in text
        assert "\\x1b[31m\\n" in text


def test_of_several_contrasts_the_one_that_is_compared_is_named():
    random = np.random.default_rng(3)
    z = random.normal(size=300)
    x = np.where(
        z + random.normal(size=300) > 0.5, "c", np.where(random.random(300) > 0.5, "b", "a")
    )
    found = study("x <- z -> y", {"x": x, "z": z, "y": z + random.normal(size=300)})
    assert words.conclusions(found)[0].startswith("On b - a: the unadjusted model ")
