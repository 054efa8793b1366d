"""Numbers and findings in words: shared by the terminal, the report and the experiments.

Numbers are rounded to their Monte Carlo error: a digit that another seed would change is not shown.
Nothing is ever called significant. The verdict on *misleading* is about the shift between two
models and needs no threshold; a verdict on the *effect* is given only for a region the user named.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from causal.criteria.reasons import blame, listed, set_text, word
from causal.errors import shown
from causal.models.families import RULES
from causal.models.generator import NAIVE
from causal.models.terms import variables
from causal.study.priorsense import MOVED

if TYPE_CHECKING:
    from causal.inference.posterior import Posterior
    from causal.models.generator import Plan
    from causal.study.comparison import Difference, Fit, Study
    from causal.study.effects import Effect

__all__ = [
    "conclusions",
    "contrast_words",
    "decimals",
    "effect_words",
    "effective_draws",
    "interval",
    "magnitude",
    "magnitude_signed",
    "model_word",
    "number",
    "pathway_rows",
    "percent",
    "places",
    "prior_words",
    "problems",
    "rows_words",
    "sampling_words",
    "share",
    "subgroup_rows",
]

# What the checks of the samplers are called, in a sentence a user can act on.
_PROBLEMS = {
    "perfect_fit": "{outcome} is an exact linear function of {predictors}: is one computed from "
    "the other?",
    "infinite_variance": "so few rows under flat priors that the posterior has no variance: give "
    "more rows, or a prior such as --prior 'slope=Normal(0, 1)'",
}


# Numbers


def decimals(sd: float, draws: float) -> int:
    """How many decimals of a quantile of *draws* independent draws with this *sd* are stable.

    The Monte Carlo error of a 5 % quantile of a normal is close to 2 sd / sqrt(draws); the last
    digit shown may move by two of its own units with another seed, not by more.
    """
    if not (sd > 0.0 and math.isfinite(sd) and draws > 0):
        return 4
    return math.floor(-math.log10(sd / math.sqrt(draws)))


def number(value: float, places: int) -> str:
    """*value* to *places* decimals (negative: to tens, hundreds); short where it is very small."""
    if not math.isfinite(value):
        return "infinite" if value > 0 else "-infinite" if value < 0 else "none"
    if places > 7 or abs(value) >= 1e9:
        digits = 3 if value == 0 else places + math.floor(math.log10(abs(value))) + 1
        return f"{value:.{min(max(digits, 1), 6)}g}"
    rounded = round(value, places) + 0.0  # no negative zero
    return f"{rounded:,.{max(places, 0)}f}"


def magnitude(value: float) -> str:
    """A size without its sign, to two digits of its own."""
    if value == 0 or not math.isfinite(value):
        return number(abs(value), 0)
    return number(abs(value), 1 - math.floor(math.log10(abs(value))))


def interval(low: float, high: float, places: int) -> str:
    """``[low, high]``."""
    return f"[{number(low, places)}, {number(high, places)}]"


def share(probability: float | None) -> str:
    """A probability to two decimals, never rounded to certainty: draws cannot show any."""
    if probability is None:
        return ""
    if probability >= 0.995:
        return ">0.99"
    if probability < 0.005:
        return "<0.01"
    return f"{probability:.2f}"


def percent(prob: float) -> str:
    """The mass of an interval: ``89%``, ``99.9%``."""
    return f"{100 * prob:.6g}%"


def effective_draws(posterior: Posterior) -> float:
    """How many independent draws the posterior is worth."""
    size = posterior.diagnostics.ess_bulk
    return float(posterior.draws.shape[0] * posterior.draws.shape[1]) if size is None else size


def places(fit: Fit, effect: Effect | None = None) -> int:
    """How many decimals of a fit's effect to show."""
    return decimals((effect or fit.effect).sd, effective_draws(fit.draws))


def effect_words(fit: Fit) -> str:
    """The headline effect with its interval: ``3.35 (89%: 2.65 to 4.04)``."""
    effect, digits = fit.effect, places(fit)
    low, high = effect.interval
    return (
        f"{number(effect.mean, digits)} ({percent(effect.prob)}: {number(low, digits)} to "
        f"{number(high, digits)})"
    )


# Words


def contrast_words(study: Study) -> str:
    """What is compared with what: ``+1 x on y``, ``x: 1 - 0 on y``."""
    question = study.question
    exposure, outcome = (word(name) for name in (question.exposures[0], question.outcomes[0]))
    label = next(iter(study.fits.values())).effect.contrast or "+1"
    return (
        f"{label} {exposure} on {outcome}" if label == "+1" else f"{exposure} {label} on {outcome}"
    )


def rows_words(made: Plan) -> str:
    """How many rows were used and why not all: one or two sentences without a full stop."""
    used, columns = made.table.total, len(made.table.columns)
    head = f"{used:,} rows, {columns} columns"
    if used == made.rows_read:
        return f"{head}, none missing"
    lost = made.rows_read - used
    if len(made.dropped) == 1:
        lacking = word(next(iter(made.dropped)))
    else:
        counts = [f"{word(name)} ({count:,})" for name, count in made.dropped.items()]
        lacking = f"one of {listed(counts)}"
    verbs = ("row lacks", "is") if lost == 1 else ("rows lack", "are")
    return (
        f"{used:,} of {made.rows_read:,} rows, {columns} columns; {lost:,} {verbs[0]} {lacking} "
        f"and {verbs[1]} left out of all models"
    )


def prior_words(before: Effect) -> str:
    """What the priors believe about the effect: one sentence."""
    low, high = before.interval
    what = "effects" if before.scale == "outcome" else f"{before.scale}s"
    return (
        f"Before seeing data, {percent(before.prob)} of {what} ({before.contrast}) lie within "
        f"{magnitude_signed(low)} and {magnitude_signed(high)}."
    )


def subgroup_rows(study: Study) -> list[tuple[str, str, Fit, Effect]]:
    """Model, group, fit and headline effect, for each group of the variable asked for."""
    return [
        (model_word(name), shown(group, 40)[1:-1], study[name], found[0])
        for name, groups in study.subgroups.items()
        for group, found in groups.items()
    ]


def pathway_rows(study: Study) -> list[tuple[str, Effect, int]]:
    """The parts of the effect along the arrows, with the decimals to show."""
    apart = study.pathways
    if apart is None:
        return []
    size = min(effective_draws(posterior) for posterior in apart.posteriors.values())
    parts = (("direct", apart.direct), ("indirect", apart.indirect), ("total", apart.total))
    return [(name, effect, decimals(effect.sd, size)) for name, effect in parts]


def sampling_words(study: Study) -> str:
    """How the posteriors were had, in one line."""
    kinds: dict[str, list[Fit]] = {}
    for fit in study.fits.values():
        kinds.setdefault(fit.draws.sampler, []).append(fit)
    parts = []
    for sampler, fits in kinds.items():
        count = fits[0].draws.draws.shape[0] * fits[0].draws.draws.shape[1]
        seconds = sum(fit.draws.seconds for fit in fits)
        if sampler == "exact":
            what = f"exact posterior, {count:,} independent draws each"
        else:
            size = min(effective_draws(fit.draws) for fit in fits)
            called = {
                "importance": "importance sampling",
                "numpyro": "NUTS of NumPyro",
                "pymc": "NUTS of PyMC",
                "pymc3": "NUTS of PyMC3",
            }
            how = called.get(sampler, "NUTS")
            what = f"{how}, {count:,} draws each, worth {size:,.0f} independent ones at least"
        parts.append(f"{what}, {seconds:.3g} s")
    return "; ".join(parts)


def problems(fit: Fit) -> tuple[str, ...]:
    """The failed checks of a fit as sentences, the model named."""
    regression = fit.regression
    names = {
        "outcome": word(regression.outcome),
        "predictors": listed([word(name) for name in regression.predictors]) or "nothing",
    }
    return tuple(
        f"The {model_word(regression.name)} model failed a check: "
        f"{_PROBLEMS[code].format(**names) if code in _PROBLEMS else code}"
        for code in fit.draws.diagnostics.problems
    )


def model_word(name: str) -> str:
    """A model's name in a sentence; the user may have chosen it."""
    return shown(name, 40)[1:-1]


def conclusions(study: Study) -> tuple[str, ...]:
    """What the comparison says, a sentence or two for every model beside the correct one.

    Minimal sets that agree are said together, if all of them were to be compared.
    """
    together = () if study.sets is None else study.sets.agreeing
    told = {row.name for row in together}
    found = [_conclusion(study, name) for name in study.differences if name not in told]
    if study.sets is not None:
        from causal.display.sets import sets_words

        found += sets_words(study.sets)
    if not study.identifiable:
        wrong = [model_word(name) for name in study.fits]
        found.append(
            f"No regression on these variables answers this question; {listed(wrong)} "
            f"{'is' if len(wrong) == 1 else 'are'} shown for what they are: invalid."
        )
    elif not (study.differences or any("interrupted" in w for w in study.plan.left_out.values())):
        found.append("Every other model is the same regression as the correct one.")
    if study.identifiable and (moved := study["correct"].moved_by_priors) is not None:
        found += _sensitive(moved)
    if study.matters is not None and study.identifiable:
        found.append(_practical(study["correct"], study.matters))
    return tuple(found)


def _sensitive(moved: float) -> tuple[str, ...]:
    """A warning where the priors move the correct effect."""
    if abs(moved) < MOVED:
        return ()
    push = "raise" if moved > 0 else "lower"
    warning = (
        f"The priors move the correct effect: twice as strong, they would {push} it by about "
        f"{magnitude(moved)} of its standard deviation. Look whether you believe them, or try "
        "--priors wide."
    )
    return (warning,)


def _conclusion(study: Study, name: str) -> str:
    fit, difference = study[name], study.differences[name]
    who, shift = _who(name), difference.shift
    if len({effect.contrast for effect in fit.effects}) > 1:  # the shift is that of the headline
        who = f"On {_compared(fit.effect.contrast)}: {who[0].lower()}{who[1:]}"
    digits = decimals(shift.sd, len(shift.draws))
    low, high = shift.interval
    span = f"{percent(shift.prob)}: {number(low, digits)} to {number(high, digits)}"
    beside = f"the correct effect is {effect_words(study['correct'])}"
    why = f", because {blame(fit.verdict)}" if not fit.verdict else ""
    match difference.verdict:
        case "misleads":
            side = "high" if shift.mean > 0 else "low"
            sizes = sorted((abs(low), abs(high)))
            span = (
                f"{percent(shift.prob)}: {number(sizes[0], digits)} to {number(sizes[1], digits)}"
            )
            text = (
                f"{who} misleads: it is too {side} by {number(abs(shift.mean), digits)} ({span})"
                f"{why}; {beside}."
            )
        case "agrees":
            text = (
                f"{who} agrees, as it should: {set_text(fit.regression.adjust_for)} is a valid set "
                f"too (difference {number(shift.mean, digits)}, {span})."
            )
        case "disputes":
            text = (
                f"{who} disputes the correct one: it differs by {number(shift.mean, digits)} "
                f"({span}), although {set_text(fit.regression.adjust_for)} is a valid set too. "
                "With this DAG and this model form both should agree: look at the DAG, or at the "
                "form (curvature, interaction, link)."
            )
        case _ if not (fit.passed and study["correct"].passed):
            text = f"{who} cannot be compared: a fit failed its checks."
        case _ if not shift.measured:
            text = f"{who} cannot be compared."
        case _ if study.matters is not None and max(-low, high) <= study.matters:
            text = (
                f"{who} is invalid{why}, but here it misleads by less than the {study.matters:g} "
                f"that matters to you: it differs by {number(shift.mean, digits)} ({span}); "
                f"{beside}."
            )
        case _:
            floor = "" if study.matters is None else f" by more than {study.matters:g}"
            text = (
                f"{who} is invalid{why}, but these data cannot tell whether it misleads{floor}: "
                f"it differs by {number(shift.mean, digits)} ({span}); {beside}."
            )
    text += _prior_words(difference) + (f" {shift.note}" if shift.note else "")
    return text + _collapsing_words(study, name)


def _collapsing_words(study: Study, name: str) -> str:
    """Where a valid set moves the odds ratio all the same: that is no bias.

    An odds ratio within strata of a cause of the outcome differs from the one without them although
    nothing is confounded (Greenland, Robins & Pearl 1999, "Confounding and collapsibility").
    """
    fit, correct = study[name], study["correct"]
    if not fit.verdict or "logit" not in RULES[fit.regression.family].link:
        return ""
    exposure = fit.regression.exposure or ""
    both = []
    for one in (fit, correct):
        names = one.regression.coefficients_of(exposure)
        shared = [t for t in one.regression.terms if exposure in variables(t)]
        if len(names) != 1 or len(shared) != 1:
            return ""
        both.append(math.exp(one.draws.summary(names[0]).mean))
    if abs(math.log(both[0] / both[1])) < _MOVED:
        return ""
    return (
        f" Its odds ratio with everything else in the model held, exp(coefficient), is "
        f"{magnitude(both[0])}, in the correct model {magnitude(both[1])}: odds ratios move with "
        "any cause of the outcome that comes in (non-collapsibility), and that is not bias."
    )


_MOVED = 0.05  # in log odds: a twentieth is about what two digits show


def _compared(contrast: str | None) -> str:
    """A contrast in a sentence; levels are the user's words."""
    return shown(contrast or "", 40)[1:-1]


def _who(name: str) -> str:
    if name in ("correct", *NAIVE):
        return f"The {name} model"
    return "Your model" if name == "yours" else f"The model {shown(name, 40)}"


def _prior_words(difference: Difference) -> str:
    if difference.from_priors is None:
        return ""
    return (
        f" Between the two posteriors, priors included, the difference is "
        f"{magnitude_signed(difference.of_means)}: the priors add "
        f"{magnitude_signed(difference.from_priors)}."
    )


def magnitude_signed(value: float) -> str:
    """A number to two digits of its own, with its sign."""
    return f"-{magnitude(value)}" if value < 0 else magnitude(value)


def _practical(fit: Fit, matters: float) -> str:
    """Where the correct effect lies against the region that does not matter to the user."""
    draws = fit.effect.draws
    above, below = float((draws > matters).mean()), float((draws < -matters).mean())
    return (
        f"The correct effect is above {matters:g} with probability {share(above)}, below "
        f"-{matters:g} with {share(below)}, and too small to matter with "
        f"{share(max(0.0, 1.0 - above - below))}."
    )
