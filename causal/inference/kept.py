"""Finished fits in a folder: they survive whatever happens after them.

A fit is one file, ``DIGEST.npz``, written whole or not at all. The digest is one of everything that
decides the draws (`digest`), so that a fit is found again by what was asked, and by nothing else.
Inside are plain arrays and ``about.json``, nothing that could run; each with a checksum, which is
what zip files have. `numpy.load` and any unzip program read it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.data.moments import Moments
from causal.data.table import Table
from causal.errors import OutputError, shown
from causal.inference.posterior import Diagnostics, Mixture, Posterior
from causal.models.regression import Regression

__all__ = ["FORMAT", "Folder", "digest"]

FORMAT = 1
"""Of the files, and of the digest: fits of another format are not found."""

_ABOUT = "about.json"
_UNREADABLE = (
    OSError,  # the disk, and what is no zip file
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,  # damaged switches in the directory of a zip file
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Folder:
    """Where fits are kept.

    Raises
    ------
    OutputError
        The folder cannot be made, or is not to be written to.
    """

    path: Path

    def __post_init__(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise OutputError(
                f"Cannot make the folder {self}: {shown(why, 200)[1:-1]}. Name one in a place that "
                "exists and may be written to."
            ) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise OutputError(
                f"Cannot keep fits in {self}: it is not yours to write to. Choose another folder."
            )

    def __str__(self) -> str:
        return shown(str(self.path), 200)

    def holds(self, key: str) -> bool:
        """Whether there is a file for this fit; it may be damaged."""
        return self._file(key).exists()

    def read(self, key: str) -> Posterior | None:
        """The fit; None where there is none, or where the least thing about its file is wrong."""
        try:
            with zipfile.ZipFile(self._file(key)) as file:
                # All of each member: only at its end is its checksum compared.
                parts = {name: file.read(name) for name in file.namelist()}
            about = json.loads(parts.pop(_ABOUT))
            if (about["format"], about["digest"]) != (FORMAT, key):
                return None
            arrays = {name.removesuffix(".npy"): _array(data) for name, data in parts.items()}
            return _posterior(about, arrays)
        except _UNREADABLE:
            return None

    def write(self, key: str, regression: Regression, posterior: Posterior) -> None:
        """Keep a fit: beside its place first, then renamed into it.

        Raises
        ------
        OSError
            The disk is full, or what else there is; then nothing of this fit is left behind.
        """
        target = self._file(key)
        part = target.with_name(f".{key[:16]}-{os.getpid()}-{os.urandom(4).hex()}.part")
        try:
            part.write_bytes(_file(key, regression, posterior))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self.path / f"{key}.npz"


def digest(
    regression: Regression,
    table: Table,
    moments: Moments | None,
    *,
    sampler: str,
    draws: int,
    seed: int,
) -> str:
    """What tells a fit from all others: a SHA-256 of everything that decides the draws.

    These are the regression with its priors (its name aside), the numbers of its columns in their
    order, the statistic, the sampler asked for, draws and seed, and the versions of this package
    and of the libraries that draw. Where there is a statistic and the table has no columns, the
    statistic is all that the sampler reads.
    """
    whole = hashlib.sha256()
    head = [FORMAT, repr(replace(regression, name="")), sampler, draws, seed, _versions(sampler)]
    whole.update(json.dumps(head).encode())
    for name in regression.variables:
        if name in table.columns:
            column = table[name]
            about = [name, column.kind, column.levels, table.rows]
            whole.update(json.dumps(about).encode())
            whole.update(_bytes(column.values))
    if (weights := table.weights) is not None and table.columns:
        whole.update(b"weights")
        whole.update(_bytes(weights))
    if moments is not None:
        whole.update(json.dumps([repr(moments.names), moments.rows]).encode())
        whole.update(_bytes(moments.centre))
        whole.update(_bytes(moments.triangle))
    return whole.hexdigest()


def _bytes(values: NDArray[np.float64]) -> memoryview:
    return np.ascontiguousarray(values, "<f8").data.cast("B")


def _versions(sampler: str) -> dict[str, str | None]:
    from importlib.metadata import PackageNotFoundError, version

    from causal import __version__

    found: dict[str, str | None] = {"causal-workbench": __version__, "numpy": np.__version__}
    if sampler != "exact":
        for name in ("scipy", "pymc", "pytensor", "nutpie", "numba", "jax", "numpyro"):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = None
    return found


def _file(key: str, regression: Regression, posterior: Posterior) -> bytes:
    """The bytes of a file: the same for the same fit."""
    from causal import __version__

    about = {
        "format": FORMAT,
        "digest": key,
        "causal-workbench": __version__,
        "model": regression.name,
        "formula": regression.formula,
        "names": posterior.names,
        "sampler": posterior.sampler,
        "diagnostics": asdict(posterior.diagnostics),
        "seconds": posterior.seconds,
    }
    arrays = {"draws": posterior.draws}
    if posterior.mixture is not None:
        about["finite_variance"] = posterior.mixture.finite_variance
        arrays |= dict(_arrays_of(posterior.mixture))
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        file.writestr(zipfile.ZipInfo(_ABOUT), json.dumps(about, indent=1))
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array, allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), data.getvalue())
    return whole.getvalue()


def _arrays_of(mixture: Mixture) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for field in fields(Mixture):
        if field.name != "finite_variance":
            yield f"mixture_{field.name}", getattr(mixture, field.name)


def _array(data: bytes) -> NDArray[np.float64]:
    array: NDArray[np.float64] = np.load(io.BytesIO(data), allow_pickle=False)
    return array


def _posterior(about: Mapping[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Posterior:
    draws = arrays.pop("draws")
    mixture = None
    if "finite_variance" in about:
        parts = {name.removeprefix("mixture_"): array for name, array in arrays.items()}
        mixture = Mixture(**parts, finite_variance=about["finite_variance"])
    told = about["diagnostics"]
    return Posterior(
        names=tuple(about["names"]),
        draws=draws,
        sampler=about["sampler"],
        diagnostics=Diagnostics(**{**told, "problems": tuple(told["problems"])}),
        seconds=about["seconds"],
        mixture=mixture,
    )
