"""The DAGs and experiments that come with the package.

They lie in the folders ``dags`` and ``experiments``: beside this file in an installed wheel, one
level up in a checkout, from which an editable install runs too. Which of the two it is depends on
this file's own place alone, so a copy left behind elsewhere is never picked up.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from causal.errors import GraphError, MissingPart, did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["dag_path", "dags", "experiments", "find_dag"]


def dags() -> Mapping[str, Path]:
    """List the shipped DAGs: name -> file, sorted by name.

    Raises
    ------
    MissingPart
        The installation lacks them.
    """
    return _listed("dags", ".dag")


def experiments() -> Mapping[str, Path]:
    """List the shipped experiments: name -> file, sorted by name; raises like `dags`."""
    return _listed("experiments", ".py")


def dag_path(name: str) -> Path:
    """Find the file of the shipped DAG called *name*.

    Raises
    ------
    GraphError
        No DAG of that name is shipped.
    """
    known = dags()
    if name not in known:
        raise GraphError(f"No DAG called {shown(name)} is shipped.{did_you_mean(name, known)}")
    return known[name]


def find_dag(text: str) -> Path | None:
    """Find the shipped DAG that *text* names, unless a file of that name lies at hand.

    What a user types may also be a path, a DAG as text or anything else: that gives None.
    """
    # A name is one short word; only then is it worth a look at the disk.
    if not text.isidentifier() or len(text) > 100 or Path(text).exists():
        return None
    try:
        return dags().get(text)
    except MissingPart:
        return None


def _listed(folder: str, suffix: str) -> Mapping[str, Path]:
    place = _folder(folder)
    files = sorted(path for path in place.iterdir() if path.suffix == suffix and path.is_file())
    return MappingProxyType({path.stem: path for path in files if not path.stem.startswith("_")})


def _folder(name: str) -> Path:
    here = Path(__file__).resolve().parent
    candidates = [here / name]
    if (here.parent / "pyproject.toml").is_file():  # a checkout, not somebody's site-packages
        candidates.append(here.parent / name)
    for place in candidates:
        if place.is_dir():
            return place
    raise MissingPart(
        f"This installation lacks the folder {shown(name)} that belongs to the package. "
        "Install it again: pip install --force-reinstall causal-workbench"
    )
