"""What `causal doctor` says of PyMC3: found, or how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from causal.display.doctor import Finding, examine, findings_record


def of_pymc3() -> Finding:
    [found] = [finding for finding in examine() if finding.name == "pymc3 interpreter"]
    return found


def test_doctor_says_how_to_make_an_environment_for_pymc3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAUSAL_PYMC3_PYTHON", raising=False)
    found = of_pymc3()
    assert not found.there
    assert found.what == "PyMC3 needs a Python of its own, and none is named."
    for words in ("Python 3.9", "pip install pymc3==3.11.6", "CAUSAL_PYMC3_PYTHON"):
        assert words in found.advice
    record = findings_record((found,))["pymc3 interpreter"]
    assert record == {"there": False, "what": found.what, "advice": found.advice}


def test_doctor_names_the_interpreter_and_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "python"
    path.write_text('#!/bin/sh\necho \'{"python": "3.9.18", "pymc3": "3.11.6"}\'\n')
    path.chmod(0o755)
    monkeypatch.setenv("CAUSAL_PYMC3_PYTHON", str(path))
    assert of_pymc3() == Finding(
        "pymc3 interpreter", there=True, what=f"PyMC3 3.11.6 on Python 3.9.18: {path}"
    )


def test_doctor_tells_an_interpreter_that_does_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSAL_PYMC3_PYTHON", "/nowhere/python")
    found = of_pymc3()
    assert not found.there
    assert "'/nowhere/python'" in found.what
