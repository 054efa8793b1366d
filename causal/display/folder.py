"""Everything about a run in one folder: the numbers, the report, the picture, the draws.

The files have fixed names, whatever the variables and models are called:

``result.json``
    What ``causal run --json`` prints.
``report.html``
    See `causal.display.report`.
``dag.svg``
    The drawing with the answer in it.
``draws.parquet``
    The posterior draws: a column for every coefficient of every model.

Of two studies (``--effect both``) the last two are there twice, as ``dag-direct.svg``,
``dag-total.svg`` and so on.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.display.drawing import svg
from causal.display.files import utf8, write_whole
from causal.display.records import as_json, studies_record
from causal.display.report import page
from causal.errors import MissingPart, OutputError, shown

if TYPE_CHECKING:
    from causal.study.comparison import Study

__all__ = ["write_folder"]


def write_folder(
    studies: Sequence[Study], folder: Path, *, command: str | None = None
) -> list[Path]:
    """Write the files about *studies* into *folder*, which is made if it is not there.

    Where Graphviz is missing there is no picture, and the report says what to install.

    Parameters
    ----------
    studies
        One, or both effects of one question.
    command
        The command line that made them, for the record.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    OutputError
        The folder cannot be made, or a file in it cannot be written.
    """
    files: dict[str, bytes] = {
        "result.json": f"{as_json(studies_record(studies))}\n".encode(),
        "report.html": page(studies, command=command).encode(),
    }
    for study in studies:
        suffix = f"-{study.question.effect}" if len(studies) > 1 else ""
        picture = _picture(study)
        if picture is not None:
            files[f"dag{suffix}.svg"] = picture
        files[f"draws{suffix}.parquet"] = _draws(study)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"Cannot make the folder {shown(str(folder))}: {shown(why, 200)[1:-1]}. "
            "Name one in a place that exists and may be written to."
        ) from error
    for name, data in files.items():
        write_whole(folder / name, data)
    return [folder / name for name in files]


def _picture(study: Study) -> bytes | None:
    """The drawing, or None where there is nothing to draw with, or too much to draw."""
    try:
        return svg(study.question).encode()
    except (MissingPart, OutputError):
        return None


def _draws(study: Study) -> bytes:
    """Write the draws as Parquet: chains one after the other, ``MODEL.COEFFICIENT`` a column.

    The metadata of a column hold both names by themselves, and the number of chains. A sampler
    that made fewer draws than another leaves the end of its columns empty.
    """
    import pyarrow as pa
    from pyarrow import parquet

    rows = max(fit.draws.draws[:, :, 0].size for fit in study.fits.values())
    fields: list[Any] = []
    columns: list[Any] = []
    taken: set[str] = set()
    for model, fit in study.fits.items():
        chains, draws, _ = fit.draws.draws.shape
        missing = np.arange(rows) >= chains * draws
        for place, coefficient in enumerate(fit.draws.names):
            values = np.zeros(rows)
            values[: chains * draws] = fit.draws.draws[:, :, place].ravel()
            name = utf8(f"{model}.{coefficient}")
            while name in taken:  # "a.b" has a "c", and "a" a "b.c"
                name += "'"
            taken.add(name)
            told = {"model": model, "coefficient": coefficient, "chains": str(chains)}
            metadata = {key: utf8(value) for key, value in told.items()}
            fields.append(pa.field(name, pa.float64(), metadata=metadata))
            columns.append(pa.array(values, pa.float64(), mask=missing))
    file = io.BytesIO()
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    parquet.write_table(table, file, use_dictionary=False, compression="zstd")
    return file.getvalue()
