"""The summary of a study as a data frame."""

from __future__ import annotations

import sys

import pytest

from causal.errors import MissingPart
from tests.display import studies

pandas = pytest.importorskip("pandas")


@pytest.fixture(params=studies.KINDS)
def study(request):
    return studies.KINDS[request.param]()


def test_there_is_one_row_a_model_and_its_numbers_are_the_study_s(study):
    frame = study.summary()
    assert list(frame.columns) == [
        *("model", "formula", "valid", "effect", "sd", "low", "high", "probability_positive"),
        *("shift", "shift_low", "shift_high", "verdict"),
    ]
    assert len(frame) == len(study.fits)
    for (name, fit), (_, row) in zip(study.fits.items(), frame.iterrows(), strict=True):
        effect = fit.effect
        assert row["model"] == name.replace("\ud800", "\\ud800")
        assert row["valid"] == bool(fit.verdict)
        assert [row["effect"], row["sd"], row["low"], row["high"]] == [
            *(effect.mean, effect.sd),
            *effect.interval,
        ]
        assert row["probability_positive"] == effect.probability_positive
        if name in study.differences:
            found = study.differences[name]
            assert row["shift"] == found.shift.mean
            assert (row["shift_low"], row["shift_high"]) == found.shift.interval
            assert row["verdict"] == found.verdict
        else:
            assert row[["shift", "shift_low", "shift_high", "verdict"]].isna().all()


def test_columns_of_numbers_are_numbers_even_where_nothing_applies():
    frame = studies.unanswerable().summary()
    kinds = frame.dtypes
    assert all(kinds[name] == "float64" for name in ("effect", "sd", "shift", "shift_low"))
    assert kinds["valid"] == "bool"
    assert frame["shift"].isna().all()


def test_without_pandas_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPart, match=r"pip install 'causal-workbench\[interop\]'"):
        studies.fork().summary()
