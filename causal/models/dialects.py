"""How PyMC 6 and PyMC3 say what both can say, and how text becomes Python.

Names of columns come from files of unknown origin. They enter a program as string literals
(`literal`) and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray

from causal.errors import ModelError, did_you_mean, shown

__all__ = ["DIALECTS", "Dialect", "array", "call", "literal", "spoken", "wrapped"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one generation of PyMC says what all of them can say.

    Attributes
    ----------
    needs
        What to install, for the head of the program.
    imports
        The lines that import the libraries; PyMC is ``pm`` in all of them.
    reading
        What the pandas of the time must be told to read numbers to the last digit.
    start
        The keyword for the value at which the sampler starts.
    stacked
        Whether a transformation given to a distribution comes on top of its usual one.
    logits
        Whether a binomial outcome takes its log odds.
    ordered
        What an ordered outcome takes beside predictor and cutpoints.
    one_factor
        Whether standard deviations and correlations are drawn as one triangular factor.
    seeds
        How many different seeds there are.
    sample
        The lines that draw: they make ``trace``, which has a ``posterior`` group.
    """

    needs: str
    imports: tuple[str, ...]
    reading: tuple[str, ...]
    start: str
    stacked: bool
    logits: bool
    ordered: tuple[str, ...]
    one_factor: bool
    seeds: int
    sample: tuple[str, ...]


DIALECTS: Mapping[str, Dialect] = {
    "pymc": Dialect(
        needs='pip install "pymc>=6,<7" nutpie numba "pandas>=3" pyarrow',
        imports=(
            "import arviz as az",
            "import numpy as np",
            "import pandas as pd",
            "import pymc as pm",
        ),
        reading=(),
        start="initval",
        stacked=True,
        logits=True,
        ordered=("compute_p=False",),
        one_factor=False,
        seeds=2**64,
        sample=(
            "# The low-rank mass matrix learns the correlations of predictors that go together.",
            "trace = pm.sample(",
            "    DRAWS,",
            "    tune=1000,",
            "    chains=CHAINS,",
            "    random_seed=SEED,",
            '    nuts_sampler="nutpie",',
            '    nuts={"adaptation": "low_rank", "target_accept": ACCEPT},',
            ")",
        ),
    ),
    "pymc3": Dialect(
        needs="Python 3.9 with pip install pymc3==3.11.6 (and pyarrow for a Parquet file)",
        imports=(
            "import arviz as az",
            "import numpy as np",
            "import pandas as pd",
            "import pymc3 as pm",
        ),
        reading=('float_precision="round_trip"',),
        start="testval",
        stacked=False,
        logits=False,
        ordered=(),
        one_factor=True,
        seeds=2**32,
        sample=(
            "# No jitter: it is 1 in the units of each coefficient, which may be far too much.",
            "trace = pm.sample(",
            "    DRAWS,",
            "    tune=1000,",
            "    chains=CHAINS,",
            "    random_seed=SEED,",
            "    init=START,",
            "    target_accept=ACCEPT,",
            "    return_inferencedata=True,",
            '    idata_kwargs={"log_likelihood": False},',
            ")",
        ),
    ),
}


def spoken(name: str) -> Dialect:
    """The dialect of this name.

    Raises
    ------
    ModelError
        There is none.
    """
    if name not in DIALECTS:
        raise ModelError(
            f"No program can be written in the dialect {shown(name)}.{did_you_mean(name, DIALECTS)}"
        )
    return DIALECTS[name]


def literal(text: str) -> str:
    r"""*text* as a Python string literal on one line, safe wherever an expression may stand.

    Letters of any script stay readable; whatever is not printable (line ends, marks that reverse
    the direction of writing, lone surrogates) becomes an escape.

    >>> print(literal('a "b"' + chr(10)))
    "a \"b\"\n"
    """
    inner = "".join(
        f"\\{c}" if c in '"\\' else c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )
    return f'"{inner}"'


def wrapped(head: str, items: Sequence[str], tail: str, width: int = 88) -> list[str]:
    """Write ``head + items + tail`` on one line, or with the items on lines of their own."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= width:
        return [line]
    filled = ["   "]
    for item in items:
        if len(filled[-1]) + len(item) + 2 > width and filled[-1].strip():
            filled.append("   ")
        filled[-1] += f" {item},"
    return [head, *filled, tail]


# What may be broken at blanks; elsewhere they may be those of a name.
_NUMBERS = re.compile(r"\w+=np\.array\([][0-9 ,.e+-]*\)", re.ASCII)


def array(values: Sequence[float] | NDArray[np.float64]) -> str:
    """Numbers as an expression."""
    return f"np.array({np.asarray(values, dtype=np.float64).tolist()!r})"


def call(head: str, arguments: Sequence[str], width: int = 92) -> list[str]:
    """Write ``head(arguments)`` on one line, or with one argument a line."""
    line = f"{head}({', '.join(arguments)})"
    if len(line) <= width:
        return [line]
    found = [f"{head}("]
    for argument in arguments:
        broken = [argument]
        if len(argument) > width and _NUMBERS.fullmatch(argument):
            broken = wrap(argument, width, subsequent_indent="    ", break_on_hyphens=False)
        found += [f"    {part}" for part in broken]
        found[-1] += ","
    return [*found, ")"]
