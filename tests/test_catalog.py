"""The shipped DAGs and experiments: found from wherever the package runs, and fit to be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from causal import catalog
from causal.catalog import dag_path, dags, experiments, find_dag
from causal.display.drawing import svg
from causal.errors import GraphError, MissingPart
from causal.graph.notation import load, read_file

# What each lesson is about: the recommended sets for the direct and for the total effect.
PAST = {"age", "education", "black", "hispanic", "married", "nodegree", "re74", "re75"}
LESSONS: dict[str, tuple[set[str] | None, set[str] | None]] = {
    "berkeley": ({"department"}, set()),
    "birth_weight": (None, set()),
    "butterfly": ({"b", "m"}, {"b", "m"}),
    "categories": ({"x1"}, {"x1"}),
    "collider": (set(), set()),
    "combined": ({"x2"}, set()),
    "conditional_instrument": (None, None),
    "descendant": (set(), set()),
    "fork": ({"z"}, {"z"}),
    "front_door": (None, None),
    "heterogeneity": ({"x1"}, {"x1"}),
    "hospital": (None, None),
    "instrument": (None, None),
    "lalonde": (PAST, PAST),
    "lalonde_experiment": (PAST, PAST),
    "loo_trap": (set(), set()),
    "m_bias": (set(), set()),
    "multivariate": ({"x2"}, {"x2"}),
    "pipe": ({"x2"}, set()),
    "proxy": (None, None),
    "quartet_collider": (set(), set()),
    "quartet_confounder": ({"covariate"}, {"covariate"}),
    "quartet_m_bias": (set(), set()),
    "quartet_mediator": ({"covariate"}, set()),
    "simple": (set(), set()),
    "waffle": ({"marriage_age", "marriage_rate"}, {"marriage_age", "marriage_rate"}),
    "warm_up": (
        {"intra_game_proprioception", "neuromuscular_fatigue", "tissue_weakness"},
        {"contact_sport", "neuromuscular_fatigue", "tissue_weakness"},
    ),
}


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_reads_and_answers_as_its_text_says(name: str) -> None:
    question = read_file(dag_path(name)).question()
    direct, total = question.direct.adjustment, question.total.adjustment
    found = tuple(None if a.adjust_for is None else set(a.adjust_for) for a in (direct, total))
    assert found == LESSONS[name]


def test_every_shipped_dag_has_a_question_a_picture_and_a_text_on_top() -> None:
    assert set(LESSONS) <= set(dags())
    for path in dags().values():
        text = path.read_text(encoding="utf-8")
        assert text.startswith("// "), path
        assert text.endswith("}\n"), path
        assert max(map(len, text.splitlines())) <= 100, path
        dag = read_file(path)
        dag.question()
        assert svg(dag).startswith("<svg ")


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_drawn_where_its_author_put_the_variables(name: str) -> None:
    dag = read_file(dag_path(name))
    assert set(dag.positions) == set(dag.names)


def test_a_bare_name_finds_the_shipped_dag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = find_dag("fork")
    assert path is not None
    assert load(str(path)).names == ("x", "y", "z")


@pytest.mark.parametrize(
    "text", ["forc", "", "-", "x -> y", "fork.dag", "dags/fork.dag", "../fork", "a\0b", "x" * 9_999]
)
def test_any_other_text_is_left_to_the_reader_of_dags(text: str) -> None:
    assert find_dag(text) is None


def test_a_users_own_file_goes_before_the_shipped_dag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fork").write_text("a -> b")
    assert find_dag("fork") is None


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(GraphError, match="Did you mean 'fork'"):
        dag_path("frok")


def test_names_are_sorted_and_lead_to_files() -> None:
    for listed in (dags(), experiments()):
        assert list(listed) == sorted(listed)
        assert all(path.is_file() and path.stem == name for name, path in listed.items())


def _copy(package: Path, *, beside: Path) -> None:
    """The package as far as the catalog needs it, with one DAG called `only` in *beside*."""
    source = Path(catalog.__file__).parent
    package.mkdir(parents=True)
    for file in ("errors.py", "catalog.py"):
        shutil.copy(source / file, package / file)
    (package / "__init__.py").write_text("")
    (beside / "dags").mkdir(parents=True)
    (beside / "dags" / "only.dag").write_text("// one\ndag { x -> y }\n")


def _names_seen_from(*roots: Path) -> str:
    """What a program finds that has only *roots* to import from."""
    program = "from causal.catalog import dags; print(*dags())"
    run = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=roots[0],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": os.pathsep.join(map(str, roots)), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    return run.stdout.strip() or run.stderr.strip().splitlines()[-1]


def test_a_wheel_finds_the_dags_inside_the_package_and_none_beside_it(tmp_path: Path) -> None:
    _copy(tmp_path / "causal", beside=tmp_path / "causal")
    (tmp_path / "dags").mkdir()  # somebody else's
    (tmp_path / "dags" / "other.dag").write_text("a -> b")
    assert _names_seen_from(tmp_path) == "only"


def test_a_checkout_finds_the_dags_next_to_the_package(tmp_path: Path) -> None:
    _copy(tmp_path / "causal", beside=tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert _names_seen_from(tmp_path) == "only"


def test_a_stale_copy_elsewhere_on_the_path_is_not_picked_up(tmp_path: Path) -> None:
    checkout, stale = tmp_path / "checkout", tmp_path / "stale"
    _copy(checkout / "causal", beside=checkout)
    (checkout / "pyproject.toml").write_text("[project]\n")
    (stale / "causal" / "dags").mkdir(parents=True)
    (stale / "causal" / "dags" / "old.dag").write_text("a -> b")
    assert _names_seen_from(stale, checkout) == "only"


def test_an_installation_without_the_folder_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "__file__", str(tmp_path / "causal" / "catalog.py"))
    with pytest.raises(MissingPart, match="lacks the folder 'dags'"):
        dags()
    assert find_dag("fork") is None
