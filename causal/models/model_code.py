"""One regression as the Python function that builds its model, in either dialect.

Where the effect is no coefficient, the linear predictor is a function of the exposure,
``predictor(x1)``, so that the effect reads as what it is (see `causal.study.effects`): the average
outcome of all rows with the exposure at one value, against that at another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from textwrap import indent

import numpy as np

from causal.errors import ModelError, shown
from causal.models.dialects import Dialect, array, call, literal, spoken, wrapped
from causal.models.families import RULES, Family
from causal.models.priors import Distribution, to_cutpoints, to_printed
from causal.models.pymc_model import Names, VaryingNames, names, sampled
from causal.models.regression import Regression
from causal.models.terms import (
    Atom,
    Categorical,
    Interaction,
    Log,
    Numeric,
    Polynomial,
    Power,
    Simple,
    Term,
    Varying,
    categories,
    columns,
    is_slope,
    variables,
)

__all__ = [
    "CODES",
    "ONES",
    "RANKS",
    "RATES",
    "RISKS",
    "effect_variable",
    "function_code",
    "function_names",
    "model_code",
]

WORDS: Mapping[str, tuple[str, str]] = {
    "correct": (
        "correct_model",
        "What the DAG asks for: the regression that answers the question.",
    ),
    "unadjusted": ("unadjusted_model", "The outcome on the exposure alone."),
    "everything": ("everything_model", "Every observed variable thrown in, whatever its role."),
}

# The little functions that a model may call.

CODES = '''\
def codes(column, labels):
    """The position in `labels` of each row's label."""
    text = column.convert_dtypes().astype(str).str.strip()
    found = pd.Index(labels).get_indexer(text)
    if (found < 0).any():
        # A label that is a number may be written otherwise in the data: 1.0, or True, for 1.
        number = pd.to_numeric(text.replace({"True": "1", "False": "0"}), errors="coerce")
        found = pd.Index(labels).get_indexer(number.map("{:.12g}".format))
    if (found < 0).any():
        raise SystemExit(f"{column.name!r} holds a label other than {labels}")
    return found
'''

ONES = '''\
def ones(column):
    """1 where a two-valued column has the larger of its values, else 0."""
    return (column == column.max()).to_numpy(int)
'''

RANKS = '''\
def ranks(column, grades):
    """The position in `grades` of each row's grade."""
    if not column.isin(grades).all():
        raise SystemExit(f"{column.name!r} holds a grade other than {grades}")
    return np.searchsorted(grades, column.to_numpy(float))
'''

RISKS = '''\
def risks(low, high):
    """Two probabilities compared: their difference, their ratio, the ratio of their odds."""
    return [high - low, high / low, high / (1 - high) / (low / (1 - low))]
'''

RATES = '''\
def rates(low, high):
    """Two average counts compared: their difference and their ratio."""
    return [high - low, high / low]
'''


def model_code(
    regression: Regression,
    dialect: str = "pymc",
    *,
    ends: tuple[float, float] | None = None,
    effect: bool = True,
) -> str:
    """Write the part of the program that builds one model: a function of the data.

    Parameters
    ----------
    ends
        As in `write`.
    effect
        Whether the model records the effect of the exposure, where that is no coefficient.

    Raises
    ------
    ModelError
        There is no such dialect, or the model lacks a prior.
    """
    (function,) = function_names([regression])
    return function_code(regression, function, spoken(dialect), ends, effect=effect)


def function_names(regressions: Sequence[Regression]) -> list[str]:
    """Find an identifier for each model; never made from a name that a user can choose."""
    found: list[str] = []
    for number, regression in enumerate(regressions, start=1):
        word = WORDS.get(regression.name, ("", ""))[0]
        found.append(word if word and word not in found else f"model_{number}")
    return found


def effect_variable(regression: Regression, ends: tuple[float, float] | None) -> str | None:
    """Which variable of the model holds the effect; None if there is none to speak of."""
    if regression.exposure not in regression.predictors:
        return None
    called, own = names(regression), _own_term(regression)
    if own is not None and isinstance(regression.terms[own], Numeric) and _step(ends) == 1.0:
        return called.terms[own]
    return called.effect


def _own_term(regression: Regression) -> int | None:
    """The place of the term whose coefficients are the effect, None if the effect is an average.

    They are where the link is the identity and the exposure stands in one plain term.
    """
    if RULES[regression.family].link != "identity" or regression.family == "cells":
        return None
    found = [n for n, term in enumerate(regression.terms) if regression.exposure in variables(term)]
    plain = len(found) == 1 and isinstance(regression.terms[found[0]], Numeric | Categorical)
    return found[0] if plain else None


def _step(ends: tuple[float, float] | None) -> float:
    return 1.0 if ends is None else ends[1] - ends[0]


def function_code(
    regression: Regression,
    function: str,
    dialect: Dialect,
    ends: tuple[float, float] | None,
    *,
    effect: bool = True,
) -> str:
    """Write the function that builds a model, without a line end."""
    about = WORDS.get(regression.name, ("", "Another regression of the same outcome."))[1]
    writer = _Writer(regression, dialect)
    data, priors = writer.data(), writer.priors()
    parts: list[Sequence[str]] = []
    if data:
        note = "# The data, under their own names."
        if not dialect.one_factor:
            note = "# The data, under their own names: `pm.do(model, {...})` can set them."
        parts.append([note, *data])
    parts.append(["# The priors, in the units of the data.", *priors])
    recorded = writer.effect(ends) if effect else []
    parts.append([*writer.predictor(averaged=bool(recorded)), *writer.likelihood()])
    if recorded:
        parts.append(recorded)
    coords = writer.coords()
    head = [
        f"def {function}(data):",
        f'    """{about}"""',
        *(f"    {line}" for line in coords),
        f"    with pm.Model({'coords=coords' if coords else ''}) as model:",
    ]
    body = "\n\n".join("\n".join(part) for part in parts)
    return "\n".join([*head, indent(body, " " * 8), "    return model"])


_OUTCOMES: Mapping[Family, str] = {
    "gaussian": "Normal",
    "student": "StudentT",
    "bernoulli": "Bernoulli",
    "cells": "Bernoulli",
    "binomial": "Binomial",
    "poisson": "Poisson",
    "negbinomial": "NegativeBinomial",
    "ordered": "OrderedLogistic",
}


class _Writer:
    """Writes the lines of one model.

    Identifiers are numbers after letters: ``x1`` and ``g2`` the columns, numbers and codes, in the
    order of the regression; ``b1`` the slope of x1, ``a2`` the levels of g2, ``b1_2`` what belongs
    to their product, ``d2`` deviations by g2.
    """

    def __init__(self, regression: Regression, dialect: Dialect) -> None:
        self.regression = regression
        self.dialect = dialect
        self.called: Names = names(regression)
        self.levels = categories(regression.terms)
        self.number = {name: n for n, name in enumerate(regression.variables[1:], start=1)}
        self.identifiers = self._identifiers()

    # -- identifiers

    def column(self, name: str) -> str:
        """The identifier of a column: of numbers, of codes, of trials."""
        head = "g" if name in self.levels else "n" if name == self.regression.trials else "x"
        return f"{head}{self.number[name]}"

    def _identifiers(self) -> tuple[str, ...]:
        """One for the coefficients of each term, all different."""
        found: list[str] = []
        for term in self.regression.terms:
            body = "_".join(str(self.number[name]) for name in variables(term))
            head = "b" if is_slope(columns(term)[0]) else "a"
            if isinstance(term, Varying):
                head, body = "d", str(self.number[term.by.variable])
            if any(isinstance(part, Log) for part in _parts(term)):
                body += "_log"
            free, count = f"{head}{body}", 1
            while free in found:
                count += 1
                free = f"{head}{body}_again{count}"
            found.append(free)
        return tuple(found)

    # -- parts of the function

    def coords(self) -> list[str]:
        """The labels of each dimension; nothing without one."""
        unused: set[str] = set()
        if self.dialect.one_factor:
            unused = {own.other for own in self.called.varying if own is not None}
        lines = []
        for dim, labels in self.called.coords.items():
            if dim not in unused:
                items = [literal(x) if isinstance(x, str) else repr(x) for x in labels]
                lines += wrapped(f"{literal(dim)}: [", items, "],", 80)
        return ["coords = {", *(f"    {line}" for line in lines), "}"] if lines else []

    def data(self) -> list[str]:
        """Look up every column but the outcome."""
        lines = []
        for name in self.regression.variables[1:]:
            column = f"data[{literal(name)}]"
            if name in self.levels:
                values = f"codes({column}, coords[{literal(self.called.level_dims[name])}])"
            else:
                kind = "int" if name == self.regression.trials else "float"
                values = f"{column}.to_numpy({kind})"
            arguments = [literal(self.called.columns[name]), values]
            lines += call(f"{self.column(name)} = pm.Data", arguments)
        return lines

    def priors(self) -> list[str]:
        """Draw every parameter."""
        regression, given = self.regression, self.regression.priors
        linear, others = sampled(regression)
        lines = []
        if given.intercept is not None:
            if any(to_printed(regression)[0, 1:]):
                lines.append("# This intercept is the value where each predictor is at its centre.")
            lines += self._drawn("intercept", linear[0], [given.intercept])
        every = zip(
            regression.terms,
            given.terms,
            self.identifiers,
            self.called.terms,
            self.called.term_dims,
            self.called.varying,
            strict=True,
        )
        for term, priors, identifier, name, dims, own in every:
            if isinstance(term, Varying):
                assert own is not None
                lines += self._deviations(identifier, name, priors, own, dims)
            else:
                lines += self._drawn(identifier, name, priors, dims)
        if given.cutpoints:
            if any(to_cutpoints(regression)):
                lines.append("# These cutpoints hold where each predictor is at its centre.")
            lines += self._cutpoints(others[0])
        for name in RULES[regression.family].auxiliary:
            prior = dict(given.auxiliary).get(name)
            if prior is None:
                raise ModelError(
                    f"The model {shown(regression.name)} is {regression.family} and has no prior"
                    f" for {name}. Give one, such as Exponential(1)."
                )
            lines += self._drawn(name, getattr(self.called, name), [prior])
        return lines

    def predictor(self, *, averaged: bool) -> list[str]:
        """The linear predictor; a function of the exposure if an average is taken of it."""
        summands = ["intercept"] if self.regression.priors.intercept is not None else []
        for term, identifier in zip(self.regression.terms, self.identifiers, strict=True):
            summands += self._summands(term, identifier)
        summands += [self._atom(offset, {}) for offset in self.regression.offsets]
        if not summands:
            summands = ["0.0"]
        if not self.number:
            # An intercept alone still needs one value a row.
            summands.append("np.zeros(len(data))")
        mu = "p" if self.regression.family == "cells" else "mu"
        if averaged and _own_term(self.regression) is None:
            exposure = self.column(self.regression.exposure or "")
            return [
                f"def predictor({exposure}):",
                *(f"    {line}" for line in _summed("return ", summands)),
                "",
                f"{mu} = predictor({exposure})",
            ]
        return _summed(f"{mu} = ", summands)

    def likelihood(self) -> list[str]:
        """What the outcome depends on."""
        regression = self.regression
        column = f"data[{literal(regression.outcome)}]"
        observed = f"{column}.to_numpy(int)"
        match regression.family:
            case "gaussian":
                given, observed = ["mu=mu", "sigma=sigma"], f"{column}.to_numpy(float)"
            case "student":
                given = ["nu=nu", "mu=mu", "sigma=sigma"]
                observed = f"{column}.to_numpy(float)"
            case "bernoulli":
                given, observed = ["logit_p=mu"], f"ones({column})"
            case "cells":
                given, observed = ["p=p"], f"ones({column})"
            case "binomial":
                chance = "logit_p=mu" if self.dialect.logits else "p=pm.math.sigmoid(mu)"
                given = [f"n={self.column(regression.trials or '')}", chance]
            case "poisson":
                given = ["mu=pm.math.exp(mu)"]
            case "negbinomial":
                given = ["mu=pm.math.exp(mu)", "alpha=alpha"]
            case _:
                given = ["eta=mu", "cutpoints=cut", *self.dialect.ordered]
                grades = ", ".join(repr(float(grade)) for grade in regression.grades)
                observed = f"ranks({column}, [{grades}])"
        arguments = [literal(self.called.columns[regression.outcome]), *given]
        return call(f"pm.{_OUTCOMES[regression.family]}", [*arguments, f"observed={observed}"])

    def effect(self, ends: tuple[float, float] | None) -> list[str]:
        """Record the effect; nothing where it is simply a slope."""
        regression, called = self.regression, self.called
        if effect_variable(regression, ends) != called.effect:
            return []
        assert regression.exposure is not None
        record = literal(called.effect)
        own = _own_term(regression)
        if own is not None:
            coefficient = self.identifiers[own]
            if isinstance(regression.terms[own], Numeric):
                return [
                    "# The effect of the one value against the other.",
                    f"pm.Deterministic({record}, {_step(ends)!r} * {coefficient})",
                ]
            return [
                "# Only differences between levels are effects: each level against the first.",
                f"pm.Deterministic({record}, {coefficient}[1:] - {coefficient}[0])",
            ]
        lines = self._average()
        compare = {"probability": "risks", "count": "rates"}.get(RULES[regression.family].averages)
        exposure = self.column(regression.exposure)
        if regression.exposure in self.levels:
            count = len(self.levels[regression.exposure])
            lines.append(f"first, *others = [average(k) for k in range({count})]")
            each = f"[effect for other in others for effect in {compare}(first, other)]"
            if compare is None:
                each = "[other - first for other in others]"
            return [*lines, *call("pm.Deterministic", [record, f"pm.math.stack({each})"])]
        low, high = (repr(float(end)) for end in ends) if ends else (exposure, f"{exposure} + 1")
        lines.append(f"low, high = average({low}), average({high})")
        what = "high - low" if compare is None else f"pm.math.stack({compare}(low, high))"
        return [*lines, f"pm.Deterministic({record}, {what})"]

    # -- their parts

    def _drawn(
        self,
        identifier: str,
        name: str,
        priors: Sequence[Distribution],
        dims: Sequence[str] = (),
        more: Sequence[str] = (),
    ) -> list[str]:
        """``b1 = pm.Normal("slope_x", mu=0.0, sigma=1.0)``."""
        arguments = [literal(name), *self._numbers(name, priors, dims), *self._dims(dims), *more]
        return call(f"{identifier} = pm.{priors[0].name}", arguments)

    def _numbers(self, name: str, priors: Sequence[Distribution], dims: Sequence[str]) -> list[str]:
        """The parameters of one distribution or, where they differ, of several at once."""
        kinds = dict.fromkeys(prior.name for prior in priors)
        if len(kinds) > 1:
            raise ModelError(
                f"{shown(name)} has priors of several kinds, {' and '.join(kinds)}: the columns of"
                " one term need priors of one kind. They may differ in their numbers."
            )
        shape = tuple(len(self.called.coords[dim]) for dim in dims)
        found = []
        for place, keyword in enumerate(priors[0].parameter_names):
            values = [float(prior.parameters[place]) for prior in priors]
            alike = len(set(values)) == 1
            written = repr(values[0]) if alike else array(np.reshape(values, shape))
            found.append(f"{keyword}={written}")
        return found

    def _dims(self, dims: Sequence[str]) -> list[str]:
        if not dims:
            return []
        written = [literal(dim) for dim in dims]
        return [f"dims={written[0] if len(written) == 1 else '(' + ', '.join(written) + ')'}"]

    def _deviations(
        self,
        identifier: str,
        name: str,
        priors: Sequence[Distribution],
        own: VaryingNames,
        dims: Sequence[str],
    ) -> list[str]:
        """Deviations by level from what all have in common, out of standard normals."""
        sd, standard = f"sd_{identifier}", f"standard_{identifier}"
        normal = [literal(own.standard), "mu=0.0", "sigma=1.0", *self._dims(dims)]
        unit = call(f"{standard} = pm.Normal", normal)
        head = f"{identifier} = pm.Deterministic"
        several = dims[:-1]
        if not several:
            made = [literal(name), f"{sd} * {standard}", *self._dims(dims)]
            return [*self._drawn(sd, own.sd, priors), *unit, *call(head, made)]
        factor, count = f"factor_{identifier}", len(priors)
        eta = repr(float(self.regression.priors.correlation))
        below = f"np.tril_indices({count}, -1)"
        if self.dialect.one_factor:
            numbers = [*self._numbers(own.sd, priors, several), f"shape={count}"]
            spread = f"spread_{identifier}"
            given = [f"n={count}", f"eta={eta}", f"sd_dist={spread}", "compute_corr=True"]
            drawn = call(f"{spread} = pm.{priors[0].name}.dist", numbers)
            drawn += call(
                f"{factor}, correlation, {sd} = pm.LKJCholeskyCov",
                [literal(own.cholesky), *given, "store_in_trace=False"],
            )
            drawn += call("pm.Deterministic", [literal(own.sd), sd, *self._dims(several)])
            correlation = f"correlation[{below}]"
            product_ = f"pm.math.dot({factor}, {standard})"
        else:
            drawn = self._drawn(sd, own.sd, priors, several)
            arguments = [literal(own.cholesky), f"n={count}", f"eta={eta}"]
            arguments += [*self._dims((own.varied, own.other)), f"initval=np.eye({count})"]
            drawn += call(f"{factor} = pm.LKJCorr", arguments)
            correlation = f"({factor} @ {factor}.T)[{below}]"
            product_ = f"({sd}[:, None] * {factor}) @ {standard}"
        pairs = [literal(own.correlation), correlation, *self._dims((own.pair,))]
        made = [literal(name), product_, *self._dims(dims)]
        return [*drawn, *call("pm.Deterministic", pairs), *unit, *call(head, made)]

    def _cutpoints(self, name: str) -> list[str]:
        priors = self.regression.priors.cutpoints
        count = len(priors)
        if count != len(self.regression.grades) - 1:
            raise ModelError(
                f"The model {shown(self.regression.name)} has {len(self.regression.grades)} grades"
                f" and {count} priors for its cutpoints. It takes one less than grades."
            )
        order, start = "transforms.ordered", [prior.typical for prior in priors]
        low, high = priors[0].support
        if not all(one < other for one, other in pairwise(start)):
            start = [math.log(k / (count + 1 - k)) for k in range(1, count + 1)]
            if math.isfinite(high):
                start = [low + (high - low) * k / (count + 1) for k in range(1, count + 1)]
            elif math.isfinite(low):
                start = [math.exp(one) for one in start]
        if math.isfinite(low) and not self.dialect.stacked:
            bounded = f"transforms.Interval({low!r}, {high!r})"
            usual = bounded if math.isfinite(high) else "transforms.log"
            order = f"transforms.Chain([{usual}, {order}])"
        more = [f"transform={order}", f"{self.dialect.start}={array(start)}"]
        drawn = self._drawn("cut", name, priors, (self.called.cutpoint,), more)
        return ["transforms = pm.distributions.transforms", *drawn]

    def _summands(self, term: Term, identifier: str) -> list[str]:
        """What a term adds to the linear predictor."""
        if isinstance(term, Varying):
            return self._varying_summands(term, identifier)
        centres = self.regression.priors.centres
        # For each part its places in the array (none for a single number), each with its factor.
        axes: list[list[tuple[str, str]]] = []
        for part in _parts(term):
            match part:
                case Categorical():
                    axes.append([(self.column(part.variable), "")])
                case Polynomial():
                    powers = enumerate(column[0] for column in columns(part))
                    axes.append([(str(k), self._atom(atom, centres)) for k, atom in powers])
                case _:
                    axes.append([("", self._atom(part, centres))])
        found = []
        for one in product(*axes):
            place = ", ".join(index for index, _ in one if index)
            factors = [factor for _, factor in one if factor]
            found.append(" * ".join([f"{identifier}[{place}]" if place else identifier, *factors]))
        return found

    def _varying_summands(self, term: Varying, identifier: str) -> list[str]:
        group = self.column(term.by.variable)
        centres = self.regression.priors.centres
        several = len(term.varied) > 1

        def of_level(row: str) -> str:
            """What stands in one row of the deviations, by the level of each row of the data."""
            return f"{identifier}[{row}, {group}]" if several else f"{identifier}[{group}]"

        found = [of_level("0")] if term.intercept else []
        row = len(found)
        for part in term.parts:
            if isinstance(part, Categorical):
                own = self.column(part.variable)
                found.append(of_level(f"{row} + {own}" if row else own))
                row += len(part.levels)
            else:
                found.append(f"{of_level(str(row))} * {self._atom(part, centres)}")
                row += 1
        return found

    def _atom(self, atom: Atom, centres: Mapping[Atom, float]) -> str:
        """An atom less its centre."""
        text, centre = self.column(atom.variable), centres.get(atom, 0.0)
        match atom:
            case Log():
                text = f"pm.math.log({text})"
            case Power():
                text = _less(text, atom.centre)
                if atom.exponent > 1:
                    text = f"{text} ** {atom.exponent}"
                elif abs(centre) <= 1e-14 * abs(atom.centre):
                    centre = 0.0  # the rounding of a mean that was taken off already
        return _less(text, centre)

    def _average(self) -> list[str]:
        """The average outcome as a function of the exposure."""
        regression = self.regression
        exposure = self.column(regression.exposure or "")
        lines = []
        mean = f"predictor({exposure})"
        match RULES[regression.family].link:
            case "logit":
                mean = f"pm.math.sigmoid({mean})"
            case "log":
                mean = f"pm.math.exp({mean})"
            case "cumulative logit":
                grades = regression.grades
                gaps = pairwise(grades)
                summands = [repr(float(grades[0]))]
                for place, (low, high) in enumerate(gaps):
                    times = "" if high - low == 1.0 else f"{float(high - low)!r} * "
                    summands.append(f"{times}pm.math.sigmoid(eta - cut[{place}])")
                lines = [
                    "def mean_grade(eta):",
                    '    """Each step up is taken with the probability of a higher grade."""',
                    *(f"    {line}" for line in _summed("return ", summands)),
                    "",
                ]
                mean = f"mean_grade({mean})"
        found = f"{mean}.mean()"
        how = "of all rows"
        if regression.trials is not None:
            trials = self.column(regression.trials)
            found = f"({trials} * {mean}).sum() / {trials}.sum()"
            how = "of all trials"
        return [
            "# The effect is not a coefficient: the same rows are predicted with the exposure at",
            "# one value and at another, all else as it is, and the averages are compared.",
            *lines,
            f"def average({exposure}):",
            f'    """The mean outcome {how}, were the exposure at this value in each."""',
            f"    return {found}",
            "",
        ]


def _parts(term: Term) -> tuple[Simple, ...]:
    match term:
        case Interaction():
            return term.parts
        case Varying():
            return ()
        case _:
            return (term,)


def _less(text: str, centre: float) -> str:
    """*text* less a number, in brackets; as it is for 0."""
    if not centre:
        return text
    return f"({text} - {centre!r})" if centre > 0 else f"({text} + {-centre!r})"


def _summed(head: str, summands: Sequence[str], width: int = 84) -> list[str]:
    line = f"{head}{' + '.join(summands)}"
    if len(line) <= width and len(summands) <= 4:
        return [line]
    first, *rest = summands
    return [f"{head}(", f"    {first}", *(f"    + {one}" for one in rest), ")"]
