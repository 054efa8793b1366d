"""A regression as a PyMC model, such as a PyMC user would be glad to have written.

The columns are `pm.Data` under their own names and the outcome is observed under its own, so
``pm.do(model, {"x": ...})``, ``pm.observe``, ``pm.set_data``, predictive sampling and
``pm.model_to_graphviz`` read as one would hope. What the sampler moves is named after what it
belongs to:

=====================  ==========================================================
``intercept``          the linear predictor where every numeric predictor is 0
``intercept_centred``  the same at the predictors' centres, where the prior is
                       given; ``intercept`` is then computed from it
``slope_x``            of the numeric column ``x``
``level_g``            of the category ``g``: a vector over the labels of ``g``,
                       the coordinate ``g_level``
``sigma``              the residual standard deviation of a Gaussian outcome
=====================  ==========================================================

Column names come from files of unknown origin, and they win: where a column is called ``sigma``,
the residual's becomes ``sigma_2``. A name that PyMC cannot carry (`carried`) is replaced by a
likeness of it. `names` says what each thing is called and is the only place that decides it.

The columns enter as separate vectors: this compiles faster than a matrix product and keeps each
one open to `pm.do`. Nothing is recorded but what is sampled and, if centred, ``intercept``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal.data.table import Column, Table
from causal.errors import MissingPart, ModelError, shown
from causal.models.design import response
from causal.models.priors import Distribution
from causal.models.regression import Categorical, Numeric, Regression

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["Names", "Place", "build", "carried", "coefficient_variables", "names"]

LONGEST = 200
"""Longer names are cut: they would fill a picture of the model and every progress line."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a coefficient is found in the model: a variable, or one entry of a vector."""

    variable: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What the variables of a model are called; keys are the columns' true names.

    Attributes
    ----------
    columns
        Outcome and predictors to the name each has in the model, nearly always its own.
    intercept, intercept_centred, sigma
        The names of these coefficients (also of those that a given model has no use for).
    slopes, levels
        Numeric and category columns to the name of their coefficients.
    dims
        Category columns to the name of the dimension over their labels.
    row
        The dimension over the rows.
    effect
        Kept free for a program that records the effect as a variable of its own.
    """

    columns: Mapping[str, str]
    row: str
    intercept: str
    intercept_centred: str
    sigma: str
    slopes: Mapping[str, str]
    levels: Mapping[str, str]
    dims: Mapping[str, str]
    effect: str


def carried(name: str) -> bool:
    r"""Whether PyMC can carry *name* through everything one does with a model.

    PyMC refuses ``/`` and a last ``:``, hides names that end in ``__`` (they mark transformed
    variables), and loses an outcome called ``chain`` or ``draw`` without a word. Control characters
    and lone surrogates break the source text that PyTensor generates; a backslash and ``<...>``
    break the picture.

    >>> carried("body mass (kg)"), carried("km/h"), carried("a\nb")
    (True, False, False)
    """
    return (
        0 < len(name) <= LONGEST
        and name.isprintable()
        and not name.isspace()
        and not any(c in name for c in "/\\")
        and not name.endswith((":", "__"))
        and not (name.startswith("<") and name.endswith(">"))
        and name not in {"chain", "draw"}
    )


def _likeness(name: str) -> str:
    """Make a name that PyMC can carry and that still reads like *name*."""
    kept = "".join(c if c.isprintable() and c not in "/\\<>" else "_" for c in name)
    return kept[:40].strip("_: ") or "column"


class _Claims:
    """Hands out each name once; the later of two equal claims gets a number."""

    def __init__(self) -> None:
        # The dimensions of every posterior.
        self._taken = {"chain", "draw"}

    def claim(self, name: str) -> str:
        free, number = name, 1
        # model_to_graphviz writes ":" as "&": two names must also differ after that.
        while free.replace(":", "&") in self._taken:
            number += 1
            free = f"{name}_{number}"
        self._taken.add(free.replace(":", "&"))
        return free


def names(regression: Regression) -> Names:
    """Name everything in the model of *regression*; the regression alone decides."""
    claims = _Claims()
    true_names = regression.variables
    # Names that can be carried go first, so that a likeness never takes the name of another column.
    columns = {name: claims.claim(name) for name in true_names if carried(name)}
    columns |= {n: claims.claim(_likeness(n)) for n in true_names if not carried(n)}
    numeric = [t.variable for t in regression.terms if isinstance(t, Numeric)]
    categories = [t.variable for t in regression.terms if isinstance(t, Categorical)]
    return Names(
        columns=columns,
        row=claims.claim("row"),
        intercept=claims.claim("intercept"),
        intercept_centred=claims.claim("intercept_centred"),
        sigma=claims.claim("sigma"),
        slopes={v: claims.claim(f"slope_{columns[v]}") for v in numeric},
        levels={v: claims.claim(f"level_{columns[v]}") for v in categories},
        dims={v: claims.claim(f"{columns[v]}_level") for v in categories},
        effect=claims.claim("effect"),
    )


def coefficient_variables(regression: Regression) -> dict[str, Place]:
    """Where each of ``regression.coefficient_names`` is found in the model, in that order."""
    called = names(regression)
    places: dict[str, Place] = {}
    if regression.priors.intercept is not None:
        places["intercept"] = Place(called.intercept)
    for term, coefficients in zip(regression.terms, regression.coefficients_by_term, strict=True):
        if isinstance(term, Numeric):
            places[coefficients[0]] = Place(called.slopes[term.variable])
        else:
            vector = called.levels[term.variable]
            places |= {name: Place(vector, index) for index, name in enumerate(coefficients)}
    if regression.family == "gaussian":
        places["sigma"] = Place(called.sigma)
    return places


def build(regression: Regression, table: Table) -> pm.Model:
    """Build the PyMC model of *regression* on the complete rows of *table*.

    Parameters
    ----------
    regression
        What to fit; its priors are in the data's own units.
    table
        Holds the outcome and every predictor; rows that lack one of them are left out.

    Raises
    ------
    MissingPart
        PyMC is not installed.
    ModelError
        A column is not of the kind that the regression takes it for, or has a label it lacks.

    Notes
    -----
    The linear predictor is ``intercept + sum_j slope_j (x_j - centre_j) + sum_k level_k[g_k]``.
    """
    pm = _pymc()
    called = names(regression)
    used = table.complete(regression.variables)
    coords: dict[str, Any] = {called.row: np.arange(used.rows)}
    for term in regression.terms:
        if isinstance(term, Categorical):
            coords[called.dims[term.variable]] = term.levels
    with pm.Model(coords=coords) as model:
        predictor = _linear_predictor(pm, regression, used, called)
        outcome = called.columns[regression.outcome]
        observed = _outcome(regression, used)
        if regression.family == "bernoulli":
            pm.Bernoulli(outcome, logit_p=predictor, observed=observed, dims=called.row)
        else:
            if regression.priors.sigma is None:
                raise ModelError(
                    f"The model {shown(regression.name)} has a Gaussian outcome and no prior for"
                    " sigma. Give one, such as Exponential(1)."
                )
            sigma = _sampled(pm, called.sigma, regression.priors.sigma)
            pm.Normal(outcome, predictor, sigma, observed=observed, dims=called.row)
    return model


def _pymc() -> Any:
    """PyMC, imported now: half a second that only those pay who use it."""
    try:
        import pymc
    except ModuleNotFoundError as error:
        raise MissingPart(
            f"A PyMC model needs the library {error.name}, which is not installed. Install it with"
            ' `pip install "causal-workbench[bayes]"`.'
        ) from error
    return pymc


def _linear_predictor(pm: Any, regression: Regression, table: Table, called: Names) -> Any:
    """Sum all terms to a PyTensor vector over the rows; registers data and coefficients."""
    priors = regression.priors
    centred = any(centre != 0 for centre in priors.centre)
    parts: list[Any] = []
    if priors.intercept is not None:
        name = called.intercept_centred if centred else called.intercept
        parts.append(_sampled(pm, name, priors.intercept))
    at_zero = parts[0] if parts else 0.0
    slopes, levels = iter(zip(priors.slopes, priors.centre, strict=True)), iter(priors.levels)
    for term in regression.terms:
        variable = term.variable
        values = _predictor(term, table[variable])
        data = pm.Data(called.columns[variable], values, dims=called.row)
        if isinstance(term, Categorical):
            vector = _sampled(pm, called.levels[variable], next(levels), called.dims[variable])
            parts.append(vector[data])
            continue
        prior, centre = next(slopes)
        slope = _sampled(pm, called.slopes[variable], prior)
        parts.append(slope * (data - centre) if centre else slope * data)
        at_zero = at_zero - slope * centre if centre else at_zero
    if centred and priors.intercept is not None:
        pm.Deterministic(called.intercept, at_zero)
    if not regression.terms:
        # An intercept alone still needs one value a row.
        parts.append(np.zeros(table.rows))
    return _sum(parts)


def _sum(parts: Iterable[Any]) -> Any:
    first, *rest = parts
    for part in rest:
        first = first + part
    return first


def _sampled(pm: Any, name: str, prior: Distribution, dim: str | None = None) -> Any:
    """Register a random variable with *prior*."""
    # By keyword: PyMC takes the sigma of StudentT in no other way.
    keywords = dict(zip(prior.parameter_names, prior.parameters, strict=True))
    return getattr(pm, prior.name)(name, **keywords, dims=dim)


def _predictor(term: Numeric | Categorical, column: Column) -> NDArray[Any]:
    """Give the column as the model takes it: numbers, or the index of each label."""
    if isinstance(term, Numeric):
        if column.kind == "category":
            raise ModelError(
                f"The model takes {shown(column.name)} for a number, but the column holds text"
                " labels. Make it a categorical term."
            )
        return column.values
    if column.kind != "category":
        raise ModelError(
            f"The model takes {shown(column.name)} for a category, but the column was read as"
            f" {column.kind}. Name it in `categorical` when reading the table."
        )
    missing = [label for label in column.levels if label not in term.levels]
    if missing:
        raise ModelError(
            f"The column {shown(column.name)} has the label {shown(missing[0])}, which the model"
            " does not know. Make the regression from the same rows it is fitted to."
        )
    to_model = np.array([term.levels.index(label) for label in column.levels], dtype=np.int64)
    return to_model[column.values.astype(np.int64)]


def _outcome(regression: Regression, table: Table) -> NDArray[Any]:
    """Give the observed values; of two, 1 for the larger value or the later label."""
    column = table[regression.outcome]
    if regression.family == "gaussian" and column.kind == "category":
        raise ModelError(
            f"A Gaussian model of {shown(column.name)} needs numbers, but the column holds"
            " text labels. Ask for family='bernoulli' if there are two."
        )
    if regression.family == "bernoulli" and column.distinct > 2:
        raise ModelError(
            f"A Bernoulli model of {shown(column.name)} needs an outcome of two values; the column"
            f" has {column.distinct}. Ask for family='gaussian'."
        )
    observed = response(regression, table)
    return observed.astype(np.int64) if regression.family == "bernoulli" else observed
