"""Regressions as a stand-alone program that needs nothing of this package.

The program reads the data file with pandas, drops the same rows, builds each model with the priors
in numbers (`causal.models.model_code`), samples, and prints the effects side by side. It is written
to be read and changed, in one of two dialects: PyMC, and PyMC3 as the founding tutorial has it.

Names of columns come from files of unknown origin. They enter the program as string literals in
look-ups such as ``data["..."]`` and nowhere else: not as identifiers, not in comments, not in
docstrings. Every identifier is one of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Literal, cast

from causal.data.column import MISSING
from causal.errors import ModelError, shown
from causal.models.dialects import DIALECTS, Dialect, literal, spoken, wrapped
from causal.models.families import RULES
from causal.models.model_code import (
    CODES,
    ONES,
    RANKS,
    RATES,
    RISKS,
    effect_variable,
    function_code,
    function_names,
    model_code,
)
from causal.models.regression import Regression
from causal.models.terms import categories

if TYPE_CHECKING:
    from causal.models.generator import Plan

__all__ = ["DIALECTS", "Dialect", "careful", "literal", "model_code", "of_plan", "start", "write"]

Format = Literal["csv", "parquet", "arrow"]

SCALES: Mapping[str, tuple[str, ...]] = {
    "number": ("outcome",),
    "probability": ("risk difference", "risk ratio", "odds ratio"),
    "count": ("outcome", "ratio"),
}
"""By what a mean of the outcome is (`causal.models.families`): on which scales two are compared."""


def write(
    regressions: Sequence[Regression],
    *,
    data_path: str,
    dialect: str = "pymc",
    question_text: str = "",
    data_format: Format = "csv",
    separator: str = ",",
    decimal: str = ".",
    ends: tuple[float, float] | None = None,
    draws: int = 4000,
    chains: int = 4,
    seed: int = 0,
    prob: float = 0.89,
) -> str:
    """Write a program that fits *regressions* to the same rows and compares their effects.

    Parameters
    ----------
    regressions
        The correct one first; their priors are written as numbers.
    data_path, data_format, separator, decimal
        The file as the program is to open it.
    dialect
        A key of `DIALECTS`.
    question_text
        Printed first by the program.
    ends
        Of a numeric exposure that has two values: these, the lower one first. They are what is
        compared; else each row is at its own value and at one more.
    draws, chains, seed
        Draws over all chains together.
    prob
        Of the printed equal-tailed intervals.

    Raises
    ------
    ModelError
        There is no such dialect, or nothing to write.
    """
    tongue = spoken(dialect)
    if not regressions:
        raise ModelError("There is no regression to write a program for. Give at least one.")
    functions = function_names(regressions)
    note = "  # learns correlations; 'adapt_diag' where coefficients are very many"
    head = _head(
        tongue,
        QUESTION=literal(_plain(question_text, 1000)),
        DATA=literal(data_path),
        DRAWS=f"{max(1, -(-draws // chains))}  # of each chain",
        CHAINS=str(chains),
        SEED=str(seed % tongue.seeds),
        ACCEPT=f"{careful(regressions)}  # of the steps of NUTS: nearer to 1, fewer divergences",
        **({"START": f"{literal(start(regressions))}{note}"} if dialect == "pymc3" else {}),
        PROB=f"{prob!r}  # of the intervals: equal tails on both sides",
    )
    parts = [
        head,
        _reading(regressions, tongue, data_format, separator, decimal),
        *_helpers(regressions),
        *(function_code(r, f, tongue, ends) for r, f in zip(regressions, functions, strict=True)),
        _table_of_models(regressions, functions, ends),
        _main(tongue),
    ]
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def of_plan(
    plan: Plan,
    *,
    dialect: str = "pymc",
    data_path: str | None = None,
    draws: int = 4000,
    seed: int = 0,
    prob: float = 0.89,
) -> str:
    """Write the program of everything that was planned.

    Parameters
    ----------
    data_path
        The file that the program is to open, if not the one that was read.
    dialect, draws, seed, prob
        As in `write`.

    Raises
    ------
    ModelError
        As `write`; or the data came from memory and no file is named.
    """
    source, question = plan.table.source, plan.question
    if source.format in ("memory", "table"):
        if data_path is None:
            raise ModelError(
                f"The data are no file ({source.name}), and a program opens one. Save them, and"
                " name the file: data=PATH."
            )
        endings: Mapping[str, Format] = {"parquet": "parquet", "arrow": "arrow", "feather": "arrow"}
        data_format = endings.get(data_path.rpartition(".")[2].lower(), "csv")
    else:
        data_format = cast("Format", source.format)
    [exposure], [outcome] = question.exposures, question.outcomes
    column = plan.table[exposure]
    ends = None
    if column.kind == "binary":
        ends = column.low, column.high
    return write(
        plan.regressions,
        data_path=source.name if data_path is None else data_path,
        dialect=dialect,
        question_text=f"{question.effect} effect of {exposure} on {outcome}",
        data_format=data_format,
        separator=source.separator,
        decimal=source.decimal,
        ends=ends,
        draws=draws,
        seed=seed,
        prob=prob,
    )


def _plain(text: str, limit: int = 200) -> str:
    """*text* as a terminal may show it: names can hold characters that would drive it."""
    return shown(text, limit)[1:-1]


def careful(regressions: Iterable[Regression]) -> float:
    """The share of its steps that NUTS should accept.

    Its usual 0.8 lets some draws diverge where coefficients vary by a category.
    """
    return 0.95 if any(regression.varying for regression in regressions) else 0.8


def start(regressions: Iterable[Regression]) -> str:
    """How PyMC3 starts: with a full mass matrix, if that can be learnt in a few hundred draws."""
    most = max(len(regression.coefficient_names) for regression in regressions)
    return "adapt_full" if most <= 50 else "adapt_diag"


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(literal(item) for item in items) + "]"


def _head(dialect: Dialect, **settings: str) -> str:
    docstring = dedent(
        f'''\
        """One question, several Bayesian regressions: what each says the effect is.

        Written by Causal Workbench, and free of it. What this program needs:
        {dialect.needs}
        Change what you like and run it again.
        """
        '''
    )
    lines = [docstring, *dialect.imports, ""]
    lines += [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(lines)


def _reading(
    regressions: Sequence[Regression],
    dialect: Dialect,
    data_format: Format,
    separator: str,
    decimal: str,
) -> str:
    wanted = sorted({name for r in regressions for name in r.variables})
    labelled = sorted({name for r in regressions for name in categories(r.terms)})
    lines = [
        "# The columns that any of the models uses.",
        *wrapped("COLUMNS = [", [literal(name) for name in wanted], "]"),
    ]
    if data_format == "csv":
        options = [
            "DATA",
            f"sep={literal(separator)}",
            f"decimal={literal(decimal)}",
            "keep_default_na=False",
            "na_values=MISSING",
            *dialect.reading,
        ]
        lines += [
            "# What stands for a missing value; anything else that is no number is a label.",
            *wrapped("MISSING = [", [literal(mark) for mark in sorted(MISSING)], "]"),
        ]
        if labelled:
            lines += [
                "# Categories are read as text: their labels may look like numbers.",
                *wrapped("CATEGORIES = [", [literal(name) for name in labelled], "]"),
            ]
            options.append("dtype={name: str for name in CATEGORIES}")
        call = ["data = pd.read_csv(", *(f"    {option}," for option in options), ")"]
        naming = [
            "    # Headers may have blanks around them.",
            "    bare = {name: name.strip() for name in data.columns if name not in COLUMNS}",
            "    data = data.rename(columns=bare)",
        ]
    else:
        reader = {"parquet": "read_parquet", "arrow": "read_feather"}[data_format]
        call, naming = [f"data = pd.{reader}(DATA, columns=COLUMNS)"], []
    lines += [
        "",
        "",
        "def read():",
        '    """The rows on which every model is fitted.',
        "",
        "    A row that lacks a value in any of the columns is dropped from all models: only on",
        "    the same rows does it mean something that two of them differ.",
        '    """',
        *(f"    {line}" for line in call),
        *naming,
        "    complete = data[COLUMNS].dropna()",
        '    print(f"{len(complete):,} of {len(data):,} rows are complete")',
        "    return complete",
    ]
    return "\n".join(lines)


def _helpers(regressions: Sequence[Regression]) -> list[str]:
    """Write the little functions that these models call, and no others."""
    families = {r.family for r in regressions}
    compared = {RULES[r.family].averages for r in regressions if r.exposure in r.predictors}
    wanted = {
        CODES: any(categories(r.terms) for r in regressions),
        ONES: bool(families & {"bernoulli", "cells"}),
        RANKS: "ordered" in families,
        RISKS: "probability" in compared,
        RATES: "count" in compared,
    }
    return [code for code, needed in wanted.items() if needed]


def _contrasts(regression: Regression, ends: tuple[float, float] | None) -> list[str]:
    """What is compared with what, as `causal.study.effects.contrasts` calls it."""
    levels = categories(regression.terms).get(regression.exposure or "")
    if levels is not None:
        return [f"{level} - {levels[0]}" for level in levels[1:]]
    if ends is None:
        return ["+1"]
    low, high = (f"({end:.12g})" if end < 0 else f"{end:.12g}" for end in ends)
    return [f"{high} - {low}"]


def _table_of_models(
    regressions: Sequence[Regression], functions: Sequence[str], ends: tuple[float, float] | None
) -> str:
    lines = [
        "# Name, formula, function, the variable that holds the effect, what it compares, and how.",
        "MODELS = [",
    ]
    for regression, function in zip(regressions, functions, strict=True):
        variable = effect_variable(regression, ends)
        entry = [
            literal(_plain(regression.name)),
            literal(_plain(regression.formula)),
            function,
            "None" if variable is None else literal(variable),
            _list(_plain(contrast, 60) for contrast in _contrasts(regression, ends)),
            _list(SCALES[RULES[regression.family].averages]),
        ]
        lines += [f"    {line}" for line in wrapped("(", entry, "),", 84)]
    return "\n".join([*lines, "]"])


SHOW = '''\
def show(name, formula, trace, effect, contrasts, scales):
    """One line for each contrast and scale, and a word if the draws should not be trusted."""
    print(f"\\n{name}: {formula}")
    if effect is not None:
        draws = trace.posterior[effect].values
        # Chains and draws become one long axis.
        draws = draws.reshape(draws.shape[0] * draws.shape[1], -1)
        labels = [(contrast, scale) for contrast in contrasts for scale in scales]
        for values, (contrast, scale) in zip(draws.T, labels):
            if not (np.abs(values) < 1e150).all():
                continue  # a ratio to nothing
            what = contrast if scale == "outcome" else f"{contrast}, {scale}"
            low, high = np.quantile(values, [(1 - PROB) / 2, (1 + PROB) / 2])
            line = f"  {what}:  {values.mean():.4g}  {PROB:.0%} [{low:.4g}, {high:.4g}]"
            if not scale.endswith("ratio"):
                line += f"  P(>0) {(values > 0).mean():.3f}"
            print(line)
    table = az.summary(trace, round_to="none")
    rhat, size = table["r_hat"].max(), table["ess_bulk"].min()
    diverged = int(trace.sample_stats["diverging"].sum())
    if not (rhat < 1.01 and size > 400 and diverged == 0):
        print(f"  Do not trust these draws yet: R-hat {rhat:.3f} (below 1.01 is good),")
        print(f"  effective size {size:.0f} (above 400), {diverged} divergences (0).")
'''


def _main(dialect: Dialect) -> str:
    sampling = indent("\n".join(dialect.sample), " " * 12)
    main = f"""
def main():
    print(QUESTION)
    data = read()
    for name, formula, build, effect, contrasts, scales in MODELS:
        with build(data):
{sampling}
        show(name, formula, trace, effect, contrasts, scales)


# Chains may run in processes of their own, which read this file again: hence the guard.
if __name__ == "__main__":
    main()
"""
    return f"{SHOW}\n\n{main.strip()}"
