"""The report: one HTML file with the answer, the evidence, and the way to both.

It needs nothing but itself (no network, no script, no font) and forbids all of that to the browser.
Every number stands in a ``<data value="...">`` element that holds it unrounded. What is said by
colour is said by a word too, so that nothing is lost on paper.

Where matplotlib or Graphviz is missing the report is written all the same, with the message that
says what to install in place of the picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from causal.criteria.reasons import listed, set_text
from causal.display import words
from causal.display.drawing import svg
from causal.display.files import write_whole
from causal.display.markup import Content, Html, Line, facts, joined, table, tag
from causal.display.plots import (
    before_figure,
    density_figure,
    forest_figure,
    shift_figure,
    svg_text,
)
from causal.display.records import versions
from causal.errors import MissingPart, OutputError, shown
from causal.models.families import RULES
from causal.models.priors import describe
from causal.models.script import model_code
from causal.models.terms import Numeric, categories, variables
from causal.study.effects import program_ends

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

    from causal.criteria.question import Effect as Asked
    from causal.data.source import Source
    from causal.models.regression import Regression
    from causal.study.comparison import Difference, Fit, Study
    from causal.study.effects import Effect

__all__ = ["fragment", "page", "write"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_MOST = 300  # rows of a table, items of a list
_GOOD, _BAD = "word good", "word bad"  # classes; what they colour is a word


def write(
    studies: Sequence[Study], path: str | os.PathLike[str], *, command: str | None = None
) -> None:
    """Write one HTML file about *studies*.

    Parameters
    ----------
    studies
        One, or both effects of one question: one after the other in the file.
    path
        Where to; what stood there stays until the new file is whole.
    command
        The command line that made it, for the record.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    write_whole(Path(path), page(studies, command=command).encode())


def page(studies: Sequence[Study], *, command: str | None = None) -> str:
    """Make the report as text: a whole HTML document; see `write`."""
    several = len(studies) > 1
    title = _title(studies)
    body = [tag("h1", title), tag("p", _data_line(studies[0]), class_="soft"), _contents(studies)]
    for study in studies:
        parts = _sections(study, 3 if several else 2)
        if several:
            head = tag("h2", _capital(_name(study.question.text)), id=study.question.effect)
            parts = [tag("article", head, *parts)]
        body += parts
    body.append(_provenance(studies, command))
    document = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light"),
            tag("title", title),
            tag("style", Html(Path(__file__).with_name("report.css").read_text("utf-8"))),
        ),
        tag("body", tag("main", *body)),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{document}\n"


_FRAGMENT_STYLE = """\
.causal-study { background: #fff; color: #1a1a1a; padding: .8em 1em; max-width: 64em; }
.causal-study table { border-collapse: collapse; margin: .6em 0; color: inherit; }
.causal-study caption { text-align: left; color: inherit; }
.causal-study th, .causal-study td { padding: .3em 1em .3em 0; text-align: left;
  vertical-align: top; border-bottom: 1px solid #d4d4d4; background: #fff; }
.causal-study .detail { display: block; font-weight: 400; font-size: .85em; color: #555; }
.causal-study .number { white-space: nowrap; }
.causal-study .word { font-weight: 700; }
.causal-study svg { max-width: 100%; height: auto; }
"""


def fragment(study: Study) -> str:
    """Make a study's face in a notebook: table, verdicts and forest, without script."""
    inner = [
        tag("p", tag("strong", _capital(_name(study.question.text)))),
        *_failures(study),
        _comparison(study),
        *(tag("p", _sentence(line)) for line in words.conclusions(study)),
        _picture(partial(_plot, forest_figure, study)),
    ]
    return str(tag("div", tag("style", Html(_FRAGMENT_STYLE)), *inner, class_="causal-study"))


# The page


def _title(studies: Sequence[Study]) -> str:
    question = studies[0].question
    if len(studies) == 1:
        return _capital(_name(question.text, 200))
    asked = listed([study.question.effect for study in studies])
    cause, result = _name(question.exposures[0]), _name(question.outcomes[0])
    return _capital(f"{asked} effect of {cause} on {result}")


def _data_line(study: Study) -> str:
    return f"{_name(study.source.name, 160)}: {_sentence(words.rows_words(study.plan))}"


def _contents(studies: Sequence[Study]) -> Html:
    lines = []
    for study in studies:
        effect = study.question.effect
        links = [
            tag("a", heading, href=f"#{_anchor(study, heading)}")
            for heading, make in _SECTIONS
            if make is not _answer
        ]
        if len(studies) > 1:
            links.insert(0, tag("a", tag("b", f"{_capital(effect)} effect"), href=f"#{effect}"))
        lines.append(tag("p", *links))
    lines.append(tag("p", tag("a", "Versions, seed, command", href="#made")))
    return tag("nav", *lines, aria_label="Contents")


def _sections(study: Study, level: int) -> list[Html]:
    """Every section under a heading of this *level*; the answer, in its box, needs none."""
    made = []
    for heading, make in _SECTIONS:
        box = make is _answer
        made.append(
            tag(
                "section",
                None if box else tag(f"h{level}", heading),
                *make(study, f"h{level + 1}"),
                id=_anchor(study, heading),
                class_="answer" if box else None,
                aria_label=heading if box else None,
            )
        )
    return made


def _anchor(study: Study, heading: str) -> str:
    return f"{study.question.effect}-{heading.lower().replace(' ', '-')}"


def _provenance(studies: Sequence[Study], command: str | None) -> Html:
    samplers = [fit.draws.sampler for study in studies for fit in study.fits.values()]
    found = versions(samplers)
    seeds = dict.fromkeys(str(study.seed) for study in studies)
    pairs: list[tuple[str, Content]] = [
        ("Versions", ", ".join(f"{name} {number}" for name, number in found.items())),
        ("Seed", ", ".join(seeds)),
    ]
    if command is not None:
        pairs.append(("Command", tag("code", command)))
    note = (
        "Numbers are rounded to what another seed would leave standing; unrounded they are in this "
        "file, in the value of each data element."
    )
    return tag(
        "footer",
        tag("h2", "Versions, seed, command"),
        facts(pairs),
        tag("p", note, class_="small soft"),
        id="made",
    )


# The sections: each makes its parts; `heading` is the element of a heading among them


def _answer(study: Study, _: str) -> list[Content]:
    asked, question = study.explanation.asked, study.question
    other: Asked = "total" if question.effect == "direct" else "direct"
    pairs: list[tuple[str, Content]] = [
        ("Question", _capital(_sentence(question.text))),
        ("The drawing says", _sentence(asked.answer)),
    ]
    if asked.assumption:
        pairs.append(("It assumes", _sentence(asked.assumption)))
    pairs += [("Instead", _sentence(way)) for way in asked.instead]
    pairs.append((f"The {other} effect", _sentence(study.explanation[other].answer)))
    pairs.append(("Rests on", "every arrow in the drawing, and on every arrow that is not in it."))
    found = [tag("li", _sentence(line)) for line in words.conclusions(study)]
    return [*_failures(study), _headline(study), tag("ul", *found), facts(pairs)]


def _failures(study: Study) -> list[Html]:
    return [
        tag("p", tag("strong", "Check failed. "), _sentence(line), class_="failed")
        for fit in study.fits.values()
        for line in words.problems(fit)
    ]


def _headline(study: Study) -> Html:
    if not study.identifiable:
        return tag("p", tag("strong", "No answer"), " by adjustment.", class_="headline")
    fit = study["correct"]
    effect, digits = fit.effect, words.places(fit)
    low, high = (_number(end, digits) for end in effect.interval)
    parts: list[Content] = [
        tag("strong", _number(effect.mean, digits)),
        f" is the {_kind(effect)} {_name(words.contrast_words(study), 200)}; ",
        f"{words.percent(effect.prob)} interval ",
        low,
        " to ",
        high,
    ]
    if effect.probability_positive is not None:
        parts += ["; above 0 with probability ", _share(effect.probability_positive)]
    return tag("p", *parts, ".", class_="headline")


def _drawing(study: Study, _: str) -> list[Content]:
    asked, dag = study.explanation.asked, study.question.dag
    uses = {variable.use for variable in asked.variables}
    key = ["Blue ellipse: exposure", "orange double ellipse: outcome"]
    key += [text for use, text in _SHAPES.items() if use in uses]
    legend = tag("figcaption", _sentence("; ".join(key)))
    drawn = _picture(partial(svg, study.question))
    width = re.search(r' width="(\d+)', drawn.text)
    natural = f"--natural:{width[1]}pt" if width else None  # a small screen shrinks it a little
    figure = tag("figure", drawn, legend, class_="dag", style=natural)
    adjustment = asked.adjustment
    if not adjustment.open_paths:
        return [figure]
    if not adjustment:
        given = "whatever is adjusted for"
    else:
        forced = adjustment.forced
        given = f"with only {set_text(forced)} adjusted for" if forced else "if left alone"
    paths = [tag("li", tag("code", _name(p.text(dag), 300))) for p in adjustment.open_paths]
    return [
        figure,
        tag("p", f"Open beside the effect asked about, {_name(given, 300)}:"),
        tag("ul", *paths),
    ]


_SHAPES = {
    "include": "green box: include",
    "optional": "rounded box: optional",
    "exclude": "red octagon: exclude",
    "unavailable": "dashed ellipse: not measured",
}


def _variables(study: Study, _: str) -> list[Content]:
    variables = study.explanation.asked.variables
    if not variables:
        return [tag("p", "The drawing holds exposure and outcome alone.")]
    lines = [
        Line(
            (
                _name(variable.name),
                variable.role,
                tag("span", variable.use, class_=_USES[variable.use]),
                _name(variable.reason, 600),
                _name(variable.if_opposite, 600),
            )
        )
        for variable in variables[:_MOST]
    ]
    columns = ["variable", "role", "use", "why", "if you do the opposite"]
    return [table(columns, lines), *_rest(len(variables))]


_USES = {"include": _GOOD, "exclude": _BAD, "optional": None, "unavailable": "soft whole"}


def _against(study: Study, heading: str) -> list[Content]:
    dotted = " The dotted line is the correct model's." if _has_others(study) else ""
    grey = "" if study.matters is None else " Grey: too small to matter to you."
    plots = [
        (density_figure, f"Posterior densities, scaled to one height.{dotted}{grey}"),
        (forest_figure, f"The same as intervals, with each model's formula.{dotted}{grey}"),
    ]
    if study.differences:
        note = "How far each model lies from the correct one, priors left out."
        plots.append((shift_figure, note + grey))
    figures = [
        tag("figure", _picture(partial(_plot, make, study)), tag("figcaption", note))
        for make, note in plots
    ]
    parts: list[Content] = [_comparison(study), tag("div", *figures, class_="plots")]
    if more := _more_effects(study):
        parts += [tag(heading, "Other contrasts and scales"), *more]
    parts += [*_subgroups(study), *_pathways(study), *_sets(study)]
    if study.differences:
        parts += [tag(heading, "How far each model lies from the correct one"), _shifts(study)]
    return parts


def _has_others(study: Study) -> bool:
    return study.identifiable and len(study.fits) > 1


def _comparison(study: Study) -> Html:
    """The table of models, the correct one last."""
    lines = []
    for fit in _ordered(study):
        effect, digits, found = fit.effect, words.places(fit), study.differences.get(_key(fit))
        formula = tag("code", _name(fit.regression.formula, 240), class_="detail")
        cells = (
            joined([_model(fit), formula]),
            _validity(fit),
            _number(effect.mean, digits),
            _interval(effect.interval, digits),
            _share(effect.probability_positive),
            *([_verdict(found) if found else None] if study.differences else []),
        )
        lines.append(Line(cells, "correct" if _key(fit) == "correct" else None))
    columns = ["model", "set", ">effect", f">{words.percent(study.prob)} interval"]
    columns += [">P(effect > 0)", *(["verdict"] if study.differences else [])]
    kind = _capital(_kind(_ordered(study)[-1].effect))
    caption = f"{kind} {_name(words.contrast_words(study), 200)}"
    return table(columns, lines, caption)


def _validity(fit: Fit) -> Html:
    if fit.verdict:
        return tag("span", "valid", class_=_GOOD)
    first, *others = fit.verdict.problems
    more = f" And {len(others)} more." if others else ""
    detail = tag("span", f"{_name(first.message, 300)}{more}", class_="detail")
    return joined([tag("span", "INVALID", class_=_BAD), detail])


def _verdict(found: Difference) -> Html:
    kind = {"agrees": _GOOD, "misleads": _BAD, "disputes": _BAD}.get(found.verdict, "word")
    return tag("span", found.verdict, class_=kind)


def _more_effects(study: Study) -> list[Content]:
    """Contrasts and scales beside the headline, if there are any."""
    found = [(fit, effect) for fit in _ordered(study) for effect in fit.effects[1:]]
    lines = []
    for fit, effect in found[:_MOST]:
        digits = words.places(fit, effect)
        cells = (
            _model(fit),
            _name(effect.contrast or ""),
            effect.scale,
            _number(effect.mean, digits),
            _interval(effect.interval, digits),
            _share(effect.probability_positive),
        )
        lines.append(Line(cells))
    columns = ["model", "contrast", "scale", ">effect", f">{words.percent(study.prob)} interval"]
    return [table([*columns, ">P(effect > 0)"], lines), *_rest(len(found))] if found else []


def _subgroups(study: Study) -> list[Content]:
    """The effect in each group of the variable asked for, if one was."""
    rows = words.subgroup_rows(study)
    lines = []
    for _, group, fit, effect in rows[:_MOST]:
        digits = words.places(fit, effect)
        cells = (
            _model(fit),
            group,
            _number(effect.mean, digits),
            _interval(effect.interval, digits),
            _share(effect.probability_positive),
        )
        lines.append(Line(cells))
    columns = ["model", _name(study.by or ""), ">effect", f">{words.percent(study.prob)} interval"]
    caption = f"The effect in each group of {_name(study.by or '')}"
    made = table([*columns, ">P(effect > 0)"], lines, caption)
    return [made, *_rest(len(rows))] if rows else []


def _pathways(study: Study) -> list[Content]:
    """The effect taken apart along the arrows, if that was asked for."""
    if study.pathways is None:
        return []
    lines = [
        Line(
            (
                name if effect.sd else f"{name} (by the drawing)",
                _number(effect.mean, digits if effect.sd else 0),
                _interval(effect.interval, digits) if effect.sd else None,
                _share(effect.probability_positive) if effect.sd else None,
            )
        )
        for name, effect, digits in words.pathway_rows(study)
    ]
    columns = ["path analysis", ">effect", f">{words.percent(study.prob)} interval"]
    formulas = listed([_name(r.formula, 200) for r in study.pathways.regressions])
    caption = f"The effect along the arrows, in one model of {formulas}"
    return [table([*columns, ">P(effect > 0)"], lines, caption)]


def _sets(study: Study) -> list[Content]:
    """All minimal sets, the sharpest first, if that was asked for."""
    if study.sets is None:
        return []
    lines = []
    for row in study.sets.rows:
        effect, digits = row.fit.effect, words.places(row.fit)
        shift = None if row.difference is None else row.difference.shift
        cells = (
            _name(set_text(row.adjust_for), 300),
            _model(row.fit),
            _number(effect.mean, digits),
            _interval(effect.interval, digits),
            _own_digits(effect.sd),
            None if shift is None else _number(shift.mean, digits),
            tag("span", "recommended", class_="word")
            if row.difference is None
            else _verdict(row.difference),
        )
        lines.append(Line(cells, "correct" if row.recommended else None))
    columns = ["adjusted for", "model", ">effect", f">{words.percent(study.prob)} interval"]
    columns += [">sd", ">shift from the recommended", "verdict"]
    return [table(columns, lines, "All minimal adjustment sets, the sharpest first")]


def _shifts(study: Study) -> Html:
    lines = []
    for name, found in study.differences.items():
        shift = found.shift
        digits = words.decimals(shift.sd, len(shift.draws))
        details = [_meaning(study, name), *([shift.note] if shift.note else [])]
        cells = (
            _name(name),
            _number(shift.mean, digits),
            _number(shift.sd, digits),
            _interval(shift.interval, digits),
            _own_digits(found.of_means),
            "-" if found.from_priors is None else _own_digits(found.from_priors),
            joined(
                [
                    _verdict(found),
                    *(tag("span", _capital(_sentence(text)), class_="detail") for text in details),
                ]
            ),
        )
        lines.append(Line(cells))
    columns = ["model", ">shift", ">sd", f">{words.percent(study.prob)} interval"]
    columns += [">difference of posterior means", ">of that from priors", "verdict"]
    return table(columns, lines, "Effect in the model less effect in the correct one")


def _meaning(study: Study, name: str) -> str:
    """What a verdict says, without the numbers beside it."""
    matters = study.matters
    match study.differences[name].verdict:
        case "misleads":
            range_ = "0" if matters is None else f"all from -{matters:g} to {matters:g}"
            return f"the set is invalid, and the interval of the shift excludes {range_}"
        case "agrees":
            return "the set is valid, and the shift is no larger than chance makes it"
        case "disputes":
            return "the set is valid, yet the shift is larger than chance makes it"
    if not (study[name].passed and study["correct"].passed):
        return "a fit failed its checks"
    if not study.differences[name].shift.measured:
        return "it cannot be compared"
    return "the set is invalid, but the interval of the shift does not exclude that it is harmless"


def _coefficients(study: Study, _: str) -> list[Content]:
    parts: list[Content] = []
    for fit in reversed(_ordered(study)):
        meanings, size = _meanings(fit), words.effective_draws(fit.draws)
        lines = []
        for name, meaning in list(meanings.items())[:_MOST]:
            found = fit.draws.summary(name, study.prob)
            digits = words.decimals(found.sd, size)
            cells = (
                _name(name),
                _number(found.mean, digits),
                _number(found.sd, digits),
                _interval(found.interval, digits),
                _share(found.probability_positive),
                meaning,
            )
            lines.append(Line(cells, "grey" if meaning == _NO_EFFECT else None))
        columns = ["coefficient", ">mean", ">sd", f">{words.percent(study.prob)} interval"]
        caption = joined([_model(fit), tag("code", f"  {_name(fit.regression.formula, 240)}")])
        parts.append(table([*columns, ">P(>0)", "to be read as"], lines, caption))
        parts += _rest(len(meanings))
    return parts


_NO_EFFECT = "adjustment only, not an effect"


def _meanings(fit: Fit) -> dict[str, str]:
    """What each coefficient may be read as, in order."""
    regression = fit.regression
    rules = RULES[regression.family]
    in_units = rules.link == "identity" and regression.family != "cells"
    own = _exposure_meaning(regression, in_units=in_units)
    if not fit.verdict:
        own += "; the set is invalid, so this is not the effect asked about"
    meanings = dict.fromkeys(regression.coefficient_names, _NO_EFFECT)
    for term, names in zip(regression.terms, regression.coefficients_by_term, strict=True):
        if regression.exposure not in variables(term):
            continue
        alone = variables(term) == (regression.exposure,)
        part = "part of the exposure's effect: the whole is in the table above"
        meanings |= dict.fromkeys(names, own if alone else part)
    if regression.priors.intercept is not None:
        what = "outcome" if in_units else f"{rules.link} of the outcome's mean"
        meanings["intercept"] = f"{what} where every number is 0"
    for name in regression.other_names:
        meanings[name] = _OTHERS.get(name.partition("[")[0].partition("(")[0], _NO_EFFECT)
    return meanings


_OTHERS = {
    "sigma": "spread of the outcome about the regression",
    "nu": "degrees of freedom of the errors: small where there are outliers",
    "alpha": "how nearly the counts are Poisson: the larger, the more",
    "cut": "cutpoint between two grades, in log odds",
    "sd": "how far apart the groups are",
    "cor": "how what varies between the groups goes together",
}


def _exposure_meaning(regression: Regression, *, in_units: bool) -> str:
    if regression.family == "cells":
        return "probability in a cell: only differences of cells are effects"
    if regression.exposure in categories(regression.terms):
        return "level of the exposure: only differences of levels are effects"
    alone = [t for t in regression.terms if variables(t) == (regression.exposure,)]
    shared = any(
        regression.exposure in variables(t) and len(variables(t)) > 1 for t in regression.terms
    )
    if not in_units:
        scale = "log rates" if RULES[regression.family].link == "log" else "log odds"
        return f"the exposure, in {scale}: the effect is in the table above"
    if shared:
        return "the exposure's slope where what it interacts with is 0, or in no group"
    if not all(isinstance(term, Numeric) for term in alone):
        return "part of the exposure's curve: the effect is in the table above"
    return "the exposure: change of the outcome per unit"


def _diagnostics(study: Study, _: str) -> list[Content]:
    lines = []
    for fit in _ordered(study):
        checks, (chains, draws, _) = fit.draws.diagnostics, fit.draws.draws.shape
        failed = f"FAILED: {listed(checks.problems)}"
        cells = (
            _model(fit),
            fit.draws.sampler,
            f"{chains:,} x {draws:,}",
            _measure(checks.rhat, 3),
            _measure(checks.ess_bulk, 0),
            _measure(checks.ess_tail, 0),
            _measure(checks.divergences, 0),
            _measure(checks.pareto_k, 2),
            f"{fit.draws.seconds:.3g}",
            tag("span", "passed" if fit.passed else failed, class_=_GOOD if fit.passed else _BAD),
        )
        lines.append(Line(cells))
    columns = ["model", "sampler", ">chains x draws", ">R-hat", ">bulk size", ">tail size"]
    columns += [">divergences", ">Pareto k", ">seconds", "checks"]
    note = (
        "Wanted: R-hat below 1.01, effective sizes (bulk, tail) above 400, no divergence, Pareto k "
        "below 0.7. Draws from an exact posterior are independent: these do not apply (n/a)."
    )
    return [table(columns, lines), tag("p", note, class_="small soft")]


def _models(study: Study, heading: str) -> list[Content]:
    parts: list[Content] = []
    for fit in reversed(_ordered(study)):
        regression = fit.regression
        lines = describe(regression)
        errors = RULES[regression.family].errors
        program = model_code(regression, ends=program_ends(regression, fit.table))
        code = tag("pre", tag("code", program), tabindex="0")
        parts += [
            tag(heading, _model(fit)),
            tag("p", tag("code", _name(regression.formula, 600)), f", with {errors}. Priors:"),
            tag("ul", *(tag("li", tag("code", _name(line, 200))) for line in lines[:_MOST])),
            *_rest(len(lines)),
            tag("details", tag("summary", "The model in PyMC"), code, open=""),
        ]
    return parts + _before(study)


def _before(study: Study) -> list[Content]:
    """What the priors say about the effect, beside what the data made of it."""
    fit = _ordered(study)[-1]
    before = fit.before
    if before is None:
        return [
            tag("p", "The priors alone say nothing finite about the effect before the data come.")
        ]
    text = f"{words.prior_words(before)} After: {words.effect_words(fit)}."
    note = "The effect before and after the data, scaled to one height."
    picture = _picture(partial(_plot, before_figure, study))
    return [tag("p", text), tag("figure", picture, tag("figcaption", note))]


def _undigested(source: Source) -> str:
    where = "data in memory" if source.format == "memory" else "the data stay where they are"
    return f"none: {where}"


def _data(study: Study, _: str) -> list[Content]:
    made, source = study.plan, study.source
    lost = [f"{_name(name)} in {count:,}" for name, count in made.dropped.items()]
    pairs: list[tuple[str, Content]] = [
        ("Data", f"{_name(source.name, 300)} ({source.format})"),
        ("SHA-256", tag("code", source.sha256) if source.sha256 else _undigested(source)),
        ("Rows read", f"{made.rows_read:,}"),
        ("Rows used", f"{made.table.total:,}, the same in every model"),
        ("Missing", f"{listed(lost)} rows" if lost else "nothing"),
        *(("Note", _sentence(note)) for note in made.notes),
    ]
    for name, why in made.left_out.items():
        pairs.append(("Model left out", joined([tag("b", _name(name)), f": {_sentence(why)}"])))
    return [facts(pairs)]


def _method(study: Study, _: str) -> list[Content]:
    samplers = {fit.draws.sampler for fit in study.fits.values()}
    linear = all(fit.effect.weights is not None for fit in study.fits.values())
    criterion = (
        "the single-door criterion"
        if study.question.effect == "direct"
        else "the complete adjustment criterion"
    )
    first = (
        f"The set of the correct model follows from the drawing alone, by {criterion}, and so does "
        "the verdict on the sets of the other models. All models are fitted to the same rows."
    )
    texts = [first]
    if "exact" in samplers:
        texts.append(
            "Linear models with normal errors, and probabilities by cell: the posterior is "
            "computed, not sampled (Gaussian given sigma, sigma on a grid; Beta). Intervals come "
            "from independent draws; for linear models means, standard deviations and P(> 0) have "
            "no Monte Carlo error."
        )
    if "importance" in samplers:
        texts.append(
            "Importance sampling: independent draws from a Student-t about the posterior's peak, "
            "with Pareto-smoothed weights. Where coefficients vary by a category, they are "
            "integrated out first."
        )
    if samplers & {"nuts", "pymc", "numpyro", "pymc3"}:
        texts.append("Models without a closed form: Hamiltonian Monte Carlo (NUTS, PyMC).")
    texts.append(
        "The effect is the slope of the exposure, or the difference of two of its levels, averaged "
        "over the rows where it differs between them."
        if linear
        else "The effect is on the outcome's own scale, averaged over the rows: each row predicted "
        "with the exposure at its higher and at its lower value, all else as it is (g-computation)."
    )
    texts.append(f"Intervals hold {words.percent(study.prob)} with equal tails.")
    if study.differences:
        texts.append(
            "The shift is a statement about the data: model and correct model refitted without "
            "priors under the same random weights of the rows (Bayesian bootstrap, 2,000 draws, "
            "scaled to the jackknife). An invalid set misleads where the interval of its shift "
            "excludes 0; a valid one is disputed beyond 3.3 standard deviations."
        )
    return [tag("p", text) for text in texts]


_SECTIONS: tuple[tuple[str, Callable[[Study, str], list[Content]]], ...] = (
    ("Answer", _answer),
    ("The drawing", _drawing),
    ("Why these variables", _variables),
    ("Correct against naive", _against),
    ("All coefficients", _coefficients),
    ("Diagnostics", _diagnostics),
    ("Models and priors", _models),
    ("Data", _data),
    ("How this was computed", _method),
)


# Words and numbers in cells


def _name(text: str, limit: int = 80) -> str:
    """A name, or a text with names in it, on one line and not too long."""
    return shown(text, limit)[1:-1]


def _sentence(text: str) -> str:
    text = _name(text, 1_500)
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _key(fit: Fit) -> str:
    return fit.regression.name


def _model(fit: Fit) -> str:
    return _name(fit.regression.name, 40)


def _ordered(study: Study) -> list[Fit]:
    """The fits, the correct one last."""
    return sorted(study.fits.values(), key=lambda fit: _key(fit) == "correct")


def _kind(effect: Effect) -> str:
    return "effect of" if effect.scale == "outcome" else f"{effect.scale} of"


def _number(value: float, digits: int) -> Html:
    return tag("data", words.number(value, digits), value=repr(float(value)))


def _own_digits(value: float) -> Html:
    return tag("data", words.magnitude_signed(value), value=repr(float(value)))


def _interval(ends: tuple[float, float], digits: int) -> Html:
    low, high = (_number(end, digits) for end in ends)
    return joined(["[", low, ", ", high, "]"])


def _share(probability: float | None) -> Content:
    if probability is None:
        return None
    return tag("data", words.share(probability), value=repr(float(probability)))


def _measure(value: float | None, digits: int) -> Content:
    return "n/a" if value is None else _number(value, digits)


def _rest(count: int) -> list[Html]:
    """Say how many lines were left out of a long table."""
    return [tag("p", f"… and {count - _MOST:,} more.", class_="soft")] if count > _MOST else []


# Pictures


def _plot(make: Callable[[Study], Figure], study: Study) -> str:
    return svg_text(make(study))


def _picture(make: Callable[[], str]) -> Html:
    """An SVG, or in its place the message that says why there is none."""
    try:
        return Html(make())
    except (MissingPart, OutputError) as error:
        return tag("p", str(error), class_="missing")
