"""Regressions as a stand-alone program that needs nothing of this package.

The program reads the data file with pandas, drops the same rows, builds each model with the priors
in numbers, samples, and prints the effects side by side. It is written to be read and changed.

Names of columns come from files of unknown origin. They enter the program as string literals
(`literal`) in look-ups such as ``data["..."]`` and nowhere else: not as identifiers, not in
comments, not in docstrings. Every identifier is one of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import dedent, indent
from typing import Literal

from causal.data.column import MISSING
from causal.errors import ModelError, did_you_mean, shown
from causal.models.priors import Distribution
from causal.models.pymc_model import Names, names
from causal.models.regression import Categorical, Numeric, Regression

__all__ = ["DIALECTS", "Dialect", "literal", "model_code", "write"]

Format = Literal["csv", "parquet", "arrow"]

WORDS: Mapping[str, tuple[str, str]] = {
    "correct": (
        "correct_model",
        "What the DAG asks for: the regression that answers the question.",
    ),
    "unadjusted": ("unadjusted_model", "The outcome on the exposure alone."),
    "everything": ("everything_model", "Every observed variable thrown in, whatever its role."),
}
"""Function name and docstring of the models this package names itself; all others get a number."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one generation of PyMC says what all of them can say.

    Attributes
    ----------
    needs
        What to install, for the head of the program.
    imports
        The lines that import the libraries; PyMC is ``pm`` in all of them.
    renamed
        Distributions that have another name here.
    sigmoid
        The inverse of the logit.
    sample
        The lines that draw: they make ``trace``, which has a ``posterior`` group.
    summary
        An expression of ``trace``: a table with columns ``r_hat`` and ``ess_bulk``.
    """

    needs: str
    imports: tuple[str, ...]
    renamed: Mapping[str, str]
    sigmoid: str
    sample: tuple[str, ...]
    summary: str


DIALECTS: Mapping[str, Dialect] = {
    "pymc": Dialect(
        needs='pip install "pymc>=6,<7" nutpie numba pandas pyarrow',
        imports=(
            "import arviz as az",
            "import numpy as np",
            "import pandas as pd",
            "import pymc as pm",
        ),
        renamed={},
        sigmoid="pm.math.sigmoid",
        sample=(
            "# The low-rank mass matrix learns the correlations of predictors that go together.",
            "trace = pm.sample(",
            "    DRAWS,",
            "    tune=1000,",
            "    chains=CHAINS,",
            "    random_seed=SEED,",
            '    nuts_sampler="nutpie",',
            '    nuts={"adaptation": "low_rank"},',
            ")",
        ),
        summary='az.summary(trace, round_to="none")',
    ),
}


def write(
    regressions: Sequence[Regression],
    *,
    data_path: str,
    dialect: str = "pymc",
    question_text: str = "",
    data_format: Format = "csv",
    separator: str = ",",
    decimal: str = ".",
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
    draws, chains, seed
        Draws over all chains together.
    prob
        Of the printed equal-tailed intervals.

    Raises
    ------
    ModelError
        There is no such dialect, or nothing to write.
    """
    spoken = _dialect(dialect)
    if not regressions:
        raise ModelError("There is no regression to write a program for. Give at least one.")
    functions = _functions(regressions)
    head = _head(
        spoken,
        QUESTION=literal(_plain(question_text, 1000)),
        DATA=literal(data_path),
        DRAWS=f"{max(1, -(-draws // chains))}  # of each chain",
        CHAINS=str(chains),
        SEED=str(seed),
        PROB=f"{prob!r}  # of the intervals: equal tails on both sides",
    )
    parts = [
        head,
        _reading(regressions, data_format, separator, decimal),
        *_helpers(regressions),
        *(_function(r, f, spoken) for r, f in zip(regressions, functions, strict=True)),
        _table_of_models(regressions, functions),
        _main(spoken),
    ]
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def model_code(regression: Regression, dialect: str = "pymc") -> str:
    """Write the part of the program that builds one model: a function of the data.

    Raises
    ------
    ModelError
        There is no such dialect.
    """
    (function,) = _functions([regression])
    return _function(regression, function, _dialect(dialect))


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


def _plain(text: str, limit: int = 200) -> str:
    """*text* as a terminal may show it: names can hold characters that would drive it."""
    return shown(text, limit)[1:-1]


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        raise ModelError(
            f"No program can be written in the dialect {shown(name)}.{did_you_mean(name, DIALECTS)}"
        )
    return DIALECTS[name]


def _functions(regressions: Sequence[Regression]) -> list[str]:
    """Find an identifier for each model; never made from a name that a user can choose."""
    found: list[str] = []
    for number, regression in enumerate(regressions, start=1):
        word = WORDS.get(regression.name, ("", ""))[0]
        found.append(word if word and word not in found else f"model_{number}")
    return found


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(literal(item) for item in items) + "]"


def _wrapped(head: str, items: Sequence[str], tail: str, width: int = 88) -> list[str]:
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


def _head(dialect: Dialect, **settings: str) -> str:
    docstring = dedent(
        f'''\
        """One question, several Bayesian regressions: what each says the effect is.

        Written by Causal Workbench, and free of it: `{dialect.needs}`
        is all this program needs. Change what you like and run it again.
        """
        '''
    )
    lines = [docstring, *dialect.imports, ""]
    lines += [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(lines)


def _reading(
    regressions: Sequence[Regression], data_format: Format, separator: str, decimal: str
) -> str:
    columns = sorted({name for r in regressions for name in r.variables})
    categories = sorted(
        {t.variable for r in regressions for t in r.terms if isinstance(t, Categorical)}
    )
    lines = [
        "# The columns that any of the models uses.",
        *_wrapped("COLUMNS = [", [literal(name) for name in columns], "]"),
    ]
    if data_format == "csv":
        options = [
            "DATA",
            f"sep={literal(separator)}",
            f"decimal={literal(decimal)}",
            "keep_default_na=False",
            "na_values=MISSING",
        ]
        lines += [
            "# What stands for a missing value; anything else that is no number is a label.",
            *_wrapped("MISSING = [", [literal(mark) for mark in sorted(MISSING)], "]"),
        ]
        if categories:
            lines += [
                "# Categories are read as text: their labels may look like numbers.",
                *_wrapped("CATEGORIES = [", [literal(name) for name in categories], "]"),
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
    found = []
    if any(isinstance(t, Categorical) for r in regressions for t in r.terms):
        found.append(
            dedent(
                '''\
                def codes(column, labels):
                    """The position in `labels` of each row's label."""
                    text = column.convert_dtypes().astype(str).str.strip()
                    found = pd.Categorical(text, categories=labels).codes
                    if (found < 0).any():
                        raise SystemExit(f"{column.name!r} holds a label other than {labels}")
                    return found.astype(int)
                '''
            )
        )
    if any(r.family == "bernoulli" for r in regressions):
        found.append(
            dedent(
                '''\
                def ones(column):
                    """1 where a two-valued column has the larger of its values, else 0."""
                    return (column == column.max()).to_numpy(int)
                '''
            )
        )
    if any(_step_needed(r) for r in regressions):
        found.append(
            dedent(
                '''\
                def step(column):
                    """What is compared: the two values there are, or each row's with one more."""
                    own = column.to_numpy(float)
                    if column.nunique() == 2:
                        return own.min(), own.max()
                    return own, own + 1
                '''
            )
        )
    return found


def _exposure(regression: Regression) -> Numeric | Categorical | None:
    found = [t for t in regression.terms if t.variable == regression.exposure]
    return found[0] if found else None


def _step_needed(regression: Regression) -> bool:
    return regression.family == "bernoulli" and isinstance(_exposure(regression), Numeric)


def _distribution(dialect: Dialect, name: str, prior: Distribution, dims: str | None = None) -> str:
    """``pm.Normal("slope_x", mu=0.0, sigma=1.0)``."""
    arguments = [literal(name)]
    pairs = zip(prior.parameter_names, prior.parameters, strict=True)
    arguments += [f"{keyword}={float(value)!r}" for keyword, value in pairs]
    if dims is not None:
        arguments.append(f"dims={literal(dims)}")
    return f"pm.{dialect.renamed.get(prior.name, prior.name)}({', '.join(arguments)})"


def _function(regression: Regression, function: str, dialect: Dialect) -> str:
    called = names(regression)
    about = WORDS.get(regression.name, ("", "Another regression of the same outcome."))[1]
    data, priors, parts = _terms(regression, called, dialect)
    if regression.family == "gaussian":
        if regression.priors.sigma is None:
            raise ModelError(
                f"The model {shown(regression.name)} has a Gaussian outcome and no prior for sigma."
                " Give one, such as Exponential(1)."
            )
        priors.append(f"sigma = {_distribution(dialect, called.sigma, regression.priors.sigma)}")
    body = [
        *(
            ["# The data, under their own names: `pm.do(model, {...})` can set them."]
            if data
            else []
        ),
        *data,
        *([""] if data else []),
        "# The priors, in the units of the data.",
        *priors,
        "",
        *_predictor(parts),
        *_likelihood(regression, called),
        *_effect(regression, called, dialect),
    ]
    levels = _levels(regression, called)
    head = [
        f"def {function}(data):",
        f'    """{about}"""',
        *(f"    {line}" for line in levels),
        f"    with pm.Model({'coords=levels' if levels else ''}) as model:",
    ]
    return "\n".join([*head, indent("\n".join(body), " " * 8), "    return model"])


def _levels(regression: Regression, called: Names) -> list[str]:
    """List the labels of each category by the name of its dimension; nothing without one."""
    lines = []
    for term in regression.terms:
        if isinstance(term, Categorical):
            head = f"{literal(called.dims[term.variable])}: ["
            lines += _wrapped(head, [literal(level) for level in term.levels], "],", 80)
    return ["levels = {", *(f"    {line}" for line in lines), "}"] if lines else []


def _terms(
    regression: Regression, called: Names, dialect: Dialect
) -> tuple[list[str], list[str], list[str]]:
    """Write the lines for data, those for priors, and the parts of the linear predictor."""
    given = regression.priors
    data, priors, parts = [], [], []
    if given.intercept is not None:
        name = called.intercept_centred if any(given.centre) else called.intercept
        if any(given.centre):
            priors.append("# This intercept is the value where each predictor is at its centre.")
        priors.append(f"intercept = {_distribution(dialect, name, given.intercept)}")
        parts.append("intercept")
    slopes, levels = iter(zip(given.slopes, given.centre, strict=True)), iter(given.levels)
    for number, term in enumerate(regression.terms, start=1):
        own, name = literal(called.columns[term.variable]), literal(term.variable)
        if isinstance(term, Categorical):
            dim = called.dims[term.variable]
            data.append(f"g{number} = pm.Data({own}, codes(data[{name}], levels[{literal(dim)}]))")
            prior = _distribution(dialect, called.levels[term.variable], next(levels), dim)
            priors.append(f"a{number} = {prior}")
            parts.append(f"a{number}[g{number}]")
            continue
        slope, centre = next(slopes)
        data.append(f"x{number} = pm.Data({own}, data[{name}].to_numpy(float))")
        prior = _distribution(dialect, called.slopes[term.variable], slope)
        priors.append(f"b{number} = {prior}")
        shift = f"(x{number} - {float(centre)!r})" if centre > 0 else f"(x{number} + {-centre!r})"
        parts.append(f"b{number} * {shift if centre else f'x{number}'}")
    return data, priors, parts


def _predictor(parts: Sequence[str]) -> list[str]:
    if not parts:
        return ["mu = 0.0"]
    if len(parts) <= 4:
        return [f"mu = {' + '.join(parts)}"]
    return ["mu = (", f"    {parts[0]}", *(f"    + {part}" for part in parts[1:]), ")"]


def _likelihood(regression: Regression, called: Names) -> list[str]:
    own, name = literal(called.columns[regression.outcome]), literal(regression.outcome)
    if regression.family == "bernoulli":
        return [f"pm.Bernoulli({own}, logit_p={_vector(regression)}, observed=ones(data[{name}]))"]
    observed = f"data[{name}].to_numpy(float)"
    return [f"pm.Normal({own}, mu=mu, sigma=sigma, observed={observed})"]


def _vector(regression: Regression) -> str:
    """Name the linear predictor, one value a row even where no predictor makes it so."""
    return "mu" if regression.terms else "mu + np.zeros(len(data))"


def _effect(regression: Regression, called: Names, dialect: Dialect) -> list[str]:
    """Lines that record the effect, where it is not simply a slope."""
    exposure = _exposure(regression)
    if exposure is None or (regression.family == "gaussian" and isinstance(exposure, Numeric)):
        return []
    record, number = literal(called.effect), regression.terms.index(exposure) + 1
    sigmoid = dialect.sigmoid
    if isinstance(exposure, Numeric):
        return [
            "",
            "# The effect on the probability itself, averaged over the rows: a coefficient of a",
            "# logistic regression also moves when nothing is confounded.",
            f"low, high = step(data[{literal(exposure.variable)}])",
            f"at_low = mu + b{number} * (low - x{number})",
            f"at_high = mu + b{number} * (high - x{number})",
            f"risks = {sigmoid}(at_high) - {sigmoid}(at_low)",
            f"pm.Deterministic({record}, risks.mean())",
        ]
    if regression.family == "gaussian":
        return [
            "",
            "# Only differences between levels are effects: each level against the first.",
            f"pm.Deterministic({record}, a{number}[1:] - a{number}[0])",
        ]
    return [
        "",
        "# The effect on the probability itself, averaged over the rows: each level against the",
        "# first. (Only differences between levels are effects.)",
        f"others = mu - a{number}[g{number}]",
        f"risks = [{sigmoid}(others + a{number}[k]).mean() for k in range({len(exposure.levels)})]",
        f"pm.Deterministic({record}, pm.math.stack([risk - risks[0] for risk in risks[1:]]))",
    ]


def _table_of_models(regressions: Sequence[Regression], functions: Sequence[str]) -> str:
    lines = [
        "# Name, formula, function, the variable that holds the effect, and what it compares.",
        "MODELS = [",
    ]
    for regression, function in zip(regressions, functions, strict=True):
        called, exposure = names(regression), _exposure(regression)
        variable, contrasts = "None", ["+1"]
        if exposure is not None:
            simple = regression.family == "gaussian" and isinstance(exposure, Numeric)
            variable = literal(called.slopes[exposure.variable] if simple else called.effect)
        if isinstance(exposure, Categorical):
            first, *others = exposure.levels
            contrasts = [_plain(f"{other} - {first}", 60) for other in others]
        elif regression.family == "bernoulli":
            contrasts = ["risk difference"]
        entry = [
            literal(_plain(regression.name)),
            literal(_plain(regression.formula)),
            function,
            variable,
            _list(contrasts),
        ]
        lines += [f"    {line}" for line in _wrapped("(", entry, "),", 84)]
    return "\n".join([*lines, "]"])


def _main(dialect: Dialect) -> str:
    show = dedent(
        f'''\
        def show(name, formula, trace, effect, contrasts):
            """One line for each contrast, and a word if the draws should not be trusted."""
            print(f"\\n{{name}}: {{formula}}")
            if effect is not None:
                draws = trace.posterior[effect].values
                # Chains and draws become one long axis.
                draws = draws.reshape(draws.shape[0] * draws.shape[1], -1)
                for values, contrast in zip(draws.T, contrasts):
                    low, high = np.quantile(values, [(1 - PROB) / 2, (1 + PROB) / 2])
                    interval = f"{{PROB:.0%}} [{{low:.4g}}, {{high:.4g}}]"
                    positive = f"P(>0) {{(values > 0).mean():.3f}}"
                    print(f"  {{contrast}}:  {{values.mean():.4g}}  {{interval}}  {{positive}}")
            table = {dialect.summary}
            rhat, size = table["r_hat"].max(), table["ess_bulk"].min()
            diverged = int(trace.sample_stats["diverging"].sum())
            if not (rhat < 1.01 and size > 400 and diverged == 0):
                print(f"  Do not trust these draws yet: R-hat {{rhat:.3f}} (below 1.01 is good),")
                print(f"  effective size {{size:.0f}} (above 400), {{diverged}} divergences (0).")
        '''
    )
    sampling = indent("\n".join(dialect.sample), " " * 12)
    main = f"""
def main():
    print(QUESTION)
    data = read()
    for name, formula, build, effect, contrasts in MODELS:
        with build(data):
{sampling}
        show(name, formula, trace, effect, contrasts)


# Chains may run in processes of their own, which read this file again: hence the guard.
if __name__ == "__main__":
    main()
"""
    return f"{show}\n\n{main.strip()}"
