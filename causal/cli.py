"""The command ``causal``: parse, call, print. Nothing is decided here.

Exit codes: 0 done; 1 a verdict against the user's set, or an experiment that failed; 2 bad input;
3 not identifiable; 4 a fit failed its checks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click

from causal.errors import CausalError, OutputError, QuestionError, did_you_mean, shown

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from causal.criteria.question import Question
    from causal.data.table import Table
    from causal.graph.dag import Dag
    from causal.models.families import Family
    from causal.models.formula import Formula
    from causal.models.generator import Plan
    from causal.models.priors import PriorChoice
    from causal.study.comparison import Study
    from causal.study.experiment import Demonstrated, Result
    from causal.study.sets import MinimalSets

__all__ = ["app", "main"]

Names = tuple[str, ...]  # what a repeatable option was given; () if it was not given
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def main() -> NoReturn:
    """Run the command line; every error a user can mend becomes one message and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a letter the terminal lacks is escaped, not fatal
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(prog_name="causal", standalone_mode=False)
    except CausalError as error:
        _complain(str(error))
        code = 2
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
        code = 0
    except click.ClickException as error:  # unknown option, missing argument
        _complain(f"{_sentence(error)} See causal --help, or --help after the command.")
        code = 2
    except (KeyboardInterrupt, click.Abort):
        _complain("Stopped.")
        code = 130
    except BrokenPipeError:  # the reader (head, less) has gone: nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _sentence(error: click.ClickException) -> str:
    text = error.format_message().strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _complain(message: str) -> None:
    sys.stdout.flush()
    print(f"causal: {message}", file=sys.stderr)


# Options that several commands share


def _flag(name: str, field: str, words: str) -> Decorator:
    return click.option(name, field, is_flag=True, help=words)


def _repeated(*names: str, words: str, metavar: str = "NAME") -> Decorator:
    return click.option(*names, multiple=True, metavar=metavar, help=words)


_dag_text = click.argument("dag", metavar="DAG")
_exposure = _repeated("-x", "--exposure", words="Cause asked about. Default: the mark in the DAG.")
_outcome = _repeated("-y", "--outcome", words="What it may affect. Default: the mark in the DAG.")
_latent = _repeated("--latent", words="Variables that were not measured.")
_as_json = _flag("--json", "as_json", "Print one JSON object and nothing else.")
_quiet = _flag("--quiet", "quiet", "Print the answer only.")


def _effect(*choices: str) -> Decorator:
    listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
    return click.option(
        "--effect", default="direct", metavar="EFFECT", help=f"{listed}. Default: direct."
    )


def _modelled(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how the regressions are made, the first of them outermost."""
    options = (
        click.option("--family", default="auto", metavar="FAMILY", help=_FAMILIES),
        click.option("--terms", metavar="TERMS", help='Form: "poly(age, 2) + x:g + (1 | school)".'),
        click.option(
            "--trials", metavar="NAME", help="Column with the trials of a binomial outcome."
        ),
        _repeated("--categorical", words="Number columns that are labels."),
        _repeated(
            "--prior",
            metavar="NAME=PRIOR",
            words='"z=Normal(0, 0.5)"; NAME: a term, intercept, slope, level, sigma, sd ...',
        ),
        click.option(
            "--priors", default="default", metavar="PRESET", help="default, wide or tutorial."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


_FAMILIES = "auto, gaussian, student, bernoulli, cells, binomial, poisson, negbinomial, ordered."


# The commands


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
    epilog="Start with: causal explain fork",
)
@click.version_option(package_name="causal-workbench", message="%(prog)s %(version)s")
def app() -> None:
    """Which regression answers your causal question, which one misleads you, and why.

    DAG is a file, '-' for standard input, the name of a shipped one (fork, berkeley, nhefs, ...),
    or the text itself: "x <- z -> y; x -> c <- y".
    """


@app.command(
    short_help="Which variables to adjust for, which not, and why.",
    epilog='Example: causal explain "x <- z -> y; x -> c <- y" -x x -y y',
)
@_dag_text
@_exposure
@_outcome
@_effect("direct", "total", "both")
@_latent
@_repeated("--forbid", words="Measured variables that you will not adjust for.")
@_repeated("--cost", metavar="NAME=COST", words="What measuring costs; 1 where nothing is said.")
@_flag("--implications", "implied", "List the independences that the DAG implies, too.")
@_as_json
def explain(
    dag: str,
    exposure: Names,
    outcome: Names,
    effect: str,
    latent: Names,
    forbid: Names,
    cost: Names,
    implied: bool,
    as_json: bool,
) -> None:
    """Say which variables to adjust for, which not, and why. Needs no data.

    Exit code 3 if the effect asked for is not identifiable by adjustment.
    """
    from causal.criteria.explanation import explain as make

    drawn = _dag(dag, latent)
    forbidden, costs = _names(forbid, drawn.names), _costs(cost)
    # Implications are the drawing's own: they are told without a question too.
    marked = bool(drawn.exposures and drawn.outcomes)
    asked = not implied or bool(marked or exposure or outcome or forbidden or costs)
    explanations = [
        make(_question(drawn, exposure, outcome, one), forbidden, costs=costs)
        for one in _effects(effect)
        if asked
    ]
    found = drawn.implications() if implied else None
    if as_json:
        from causal.display.records import as_json as text
        from causal.display.records import explanation_record, implications_record

        record = explanation_record(explanations[0]) if explanations else {}
        print(text(record | (implications_record(found) if found is not None else {})))
    else:
        from causal.display.text import explanation_view, implications_view

        title = _title(dag)
        _print(*(explanation_view(e, title) for e in explanations))
        if found is not None:
            (_print_below if explanations else _print)(implications_view(found))
    if not all(e.asked.adjustment for e in explanations):
        raise click.exceptions.Exit(3)


@app.command(
    short_help="Judge your own adjustment set, or formula.",
    epilog='Example: causal check collider --model "y ~ x + z"',
)
@_dag_text
@_exposure
@_outcome
@_effect("direct", "total")
@_latent
@_repeated("--adjust", words="The set to judge; '' is the empty one.")
@click.option("--model", metavar="FORMULA", help='A formula to judge: "y ~ x + a".')
@_as_json
def check(
    dag: str,
    exposure: Names,
    outcome: Names,
    effect: str,
    latent: Names,
    adjust: Names,
    model: str | None,
    as_json: bool,
) -> None:
    """Judge your own adjustment set, or formula. Exit code 0 valid, 1 invalid.

    Without --adjust and --model the variables marked [adjusted] in the DAG are judged.
    """
    drawn = _dag(dag, latent)
    question = _question(drawn, exposure, outcome, _one_effect(effect))
    if model is not None and adjust:
        raise QuestionError("Give --adjust or --model, not both: one verdict at a time.")
    if model is not None:
        from causal.models.formula import formula_set, parse

        names: Sequence[str] = formula_set(question, parse(model))
    elif adjust:
        names = _names(adjust, drawn.names)
    else:
        names = sorted(drawn.adjusted)
    verdict = question.check(names)
    if as_json:
        from causal.display.records import as_json as text
        from causal.display.records import verdict_record

        print(text(verdict_record(verdict)))
    else:
        from causal.display.text import verdict_view

        _print(verdict_view(verdict))
    if not verdict:
        raise click.exceptions.Exit(1)


@app.command(
    short_help="Fit the correct and the naive regressions to data; compare.",
    epilog="Example: causal run nhefs experiments/data/nhefs.csv --report nhefs.html",
)
@_dag_text
@click.argument("data", metavar="DATA...", nargs=-1, required=True)
@_exposure
@_outcome
@_effect("direct", "total", "both")
@_latent
@_repeated("--adjust", words="Your own set, fitted beside. '' is the empty set.")
@_repeated("--model", metavar="[NAME=]FORMULA", words='A model of your own: "y ~ x + a".')
@_modelled
@click.option("--by", metavar="NAME", help="The effect by the groups of a variable, too.")
@_flag("--paths", "paths", "Path analysis: direct, indirect, total effect.")
@_flag("--all-sets", "all_sets", "Compare all minimal adjustment sets, too.")
@click.option(
    "--sampler",
    default="auto",
    metavar="NAME",
    help="auto, exact, importance, nuts, pymc, numpyro, pymc3.",
)
@click.option("--pymc3-python", metavar="PATH", help="A Python 3.9 that has PyMC3; see doctor.")
@click.option("--jobs", default=1, metavar="N", help="Fit N models at once; -1: one a core.")
@click.option("--cluster", metavar="tcp://HOST:PORT", help="Fit on the workers of a Dask cluster.")
@click.option("--keep", metavar="DIR", help="Finished fits are kept here, and taken up again.")
@click.option("--draws", default=4000, show_default=True, help="Posterior draws.")
@click.option("--prob", default=0.89, show_default=True, help="Mass of the intervals.")
@click.option("--seed", default=0, show_default=True, help="Same seed, same numbers.")
@click.option("--matters", type=float, help="Effects within +-d do not matter to you.")
@click.option("--report", metavar="F.html", help="Write an HTML report here.")
@click.option("--out", metavar="DIR", help="Write results, report, picture and draws here.")
@_quiet
@_as_json
def run(
    dag: str,
    data: Names,
    exposure: Names,
    outcome: Names,
    effect: str,
    latent: Names,
    adjust: Names,
    model: Names,
    family: str,
    terms: str | None,
    trials: str | None,
    categorical: Names,
    prior: Names,
    priors: str,
    by: str | None,
    paths: bool,
    all_sets: bool,
    sampler: str,
    pymc3_python: str | None,
    jobs: int,
    cluster: str | None,
    keep: str | None,
    draws: int,
    prob: float,
    seed: int,
    matters: float | None,
    report: str | None,
    out: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Pick the set, fit the correct and the naive regressions, compare their posteriors.

    DATA is a CSV, Parquet or Arrow file, several of one kind, a folder of them, or a table:
    duckdb:///big.db?table=visits, and what else Ibis reaches. Exit code 3 if the effect is not
    identifiable by adjustment, 4 if a fit failed its checks.
    """
    _check_numbers(draws, prob, seed, matters)
    drawn = _dag(dag, latent)
    questions = [_question(drawn, exposure, outcome, one) for one in _effects(effect)]
    _check_writable(report, out, keep=(dag, *data))
    _check_writable(None, keep, keep=())
    if jobs != 1 or cluster is not None:
        from causal.inference.many import check_where

        check_where(jobs, cluster, None)
    show = not (as_json or quiet)
    # The first line within a second: data that take longer to read are announced before.
    slow = _is_large(data)
    if show and slow:
        _print_head(questions, dag)

    from causal.data.source import without_password
    from causal.display.progress import progress as shown_progress
    from causal.inference.select import check_there, choose
    from causal.study.comparison import compare
    from causal.study.effects import check_groups
    from causal.study.sets import minimal_models

    asked = _Asked(
        own=_own_models(questions[0], adjust, model),
        family=_family(family),
        form=_form(terms),
        trials=trials,
        categorical=_names(categorical, drawn.names),
        priors=_prior_choice(priors, prior),
    )
    with shown_progress(silent=quiet) as progress:
        if progress is not None and slow:
            progress(f"reading {without_password(data[0])}", 0.0)
        table = asked.table(questions[0], data)
        minimal = [minimal_models(one, asked.own) if all_sets else None for one in questions]
        plans = [asked.plan(*one, table) for one in zip(questions, minimal, strict=True)]
        check_there(sampler, pymc3_python)
        for made in plans:
            for regression in made.regressions:
                choose(regression, sampler)
            if by is not None:
                check_groups(made.regressions[0], made.table, by)
        if paths:
            from causal.study.pathways import chain, check_linear, path_analysis

            # Refused before anything is sampled.
            check_linear(asked.form, asked.family if trials is None else "binomial")
            chain(questions[0])
        if show and not slow:
            _print_head(questions, dag)
        studies = []
        for made, own_sets in zip(plans, minimal, strict=True):
            if show:
                from causal.display.text import plan_view

                _print_below(plan_view(made))
            studies.append(
                compare(
                    made,
                    sampler=sampler,
                    draws=draws,
                    prob=prob,
                    seed=seed,
                    matters=matters,
                    pymc3_python=pymc3_python,
                    by=by,
                    minimal=own_sets,
                    jobs=jobs,
                    cluster=cluster,
                    keep=keep,
                    progress=progress,
                )
            )
            for note in studies[-1].plan.notes[len(made.notes) :]:
                _complain(note)
            if paths and made is plans[-1]:
                studies[-1] = replace(
                    studies[-1],
                    pathways=path_analysis(
                        questions[0],
                        table,
                        priors=asked.priors,
                        sampler=sampler,
                        draws=draws,
                        prob=prob,
                        seed=seed,
                        pymc3_python=pymc3_python,
                        progress=progress,
                    ),
                )
            if show:
                from causal.display.text import study_view

                _print_below(study_view(studies[-1]))
    if quiet and not as_json:
        from causal.display.text import conclusion_view

        _print(*(conclusion_view(study) for study in studies))
    if as_json:
        from causal.display.records import as_json as text
        from causal.display.records import studies_record

        print(text(studies_record(studies)))
    for path in _write(studies, report, out):
        if show:
            _print_text(f"written: {path}")
    if not all(study.identifiable for study in studies):
        raise click.exceptions.Exit(3)
    if not all(study.passed for study in studies):
        raise click.exceptions.Exit(4)


@app.command(
    short_help="Write both regressions as a program of your own.",
    epilog="Example: causal script nhefs experiments/data/nhefs.csv --dialect pymc -o nhefs.py",
)
@_dag_text
@click.argument("data", metavar="DATA...", nargs=-1, required=True)
@click.option("--dialect", default="pymc", metavar="DIALECT", help="pymc (6) or pymc3 (3.11).")
@click.option("-o", "--output", metavar="FILE.py", help="Where to write. Default: print it.")
@_exposure
@_outcome
@_effect("direct", "total")
@_latent
@_repeated("--adjust", words="Your own set, fitted beside. '' is the empty set.")
@_repeated("--model", metavar="[NAME=]FORMULA", words='A model of your own: "y ~ x + a".')
@_modelled
@click.option("--draws", default=4000, show_default=True, help="Posterior draws.")
@click.option("--prob", default=0.89, show_default=True, help="Mass of the intervals.")
@click.option("--seed", default=0, show_default=True, help="Same seed, same numbers.")
def script(
    dag: str,
    data: Names,
    dialect: str,
    output: str | None,
    exposure: Names,
    outcome: Names,
    effect: str,
    latent: Names,
    adjust: Names,
    model: Names,
    family: str,
    terms: str | None,
    trials: str | None,
    categorical: Names,
    prior: Names,
    priors: str,
    draws: int,
    prob: float,
    seed: int,
) -> None:
    """Write a stand-alone program that fits the correct and the naive regressions.

    It reads DATA, samples with PyMC, prints the comparison, and needs nothing of this package.
    """
    _check_numbers(draws, prob, seed, None)
    drawn = _dag(dag, latent)
    question = _question(drawn, exposure, outcome, _one_effect(effect))
    if output is not None:
        _check_writable(output, None, keep=(dag, *data))
    asked = _Asked(
        own=_own_models(question, adjust, model),
        family=_family(family),
        form=_form(terms),
        trials=trials,
        categorical=_names(categorical, drawn.names),
        priors=_prior_choice(priors, prior),
    )
    from causal.models.script import of_plan

    made = asked.plan(question, None, asked.table(question, data))
    program = of_plan(made, dialect=dialect, draws=draws, seed=seed, prob=prob)
    if output is None:
        print(program, end="")
    else:
        from causal.display.files import write_whole

        write_whole(Path(output), program.encode())
        _print_text(f"written: {output}")


@app.command(
    short_help="Draw the DAG, coloured and shaped by role.",
    epilog="Example: causal draw berkeley --question -o berkeley.svg",
)
@_dag_text
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="F.svg, .png, .pdf, .dot; .dag, .tex, .mmd ...",
)
@_exposure
@_outcome
@_effect("direct", "total")
@_latent
@_flag("--question", "question", "Show causal and open paths too.")
def draw(
    dag: str,
    output: str,
    exposure: Names,
    outcome: Names,
    effect: str,
    latent: Names,
    question: bool,
) -> None:
    """Draw the DAG, each variable coloured and shaped by its role.

    Or write it as text: DAGitty (.dag), arrows (.txt), lavaan (.lav), a table of edges (.csv),
    JSON, GML, GraphML, Mermaid (.mmd), TikZ (.tex).
    """
    from causal.display.drawing import draw as make

    drawn = _dag(dag, latent)
    asked: Question | None = None
    if question or exposure or outcome or (drawn.exposures and drawn.outcomes):
        asked = _question(drawn, exposure, outcome, _one_effect(effect))
    _check_kept(output, (dag,))
    written = make(drawn if asked is None else asked, output, paths=question)
    _print_text(f"written: {written}")


@app.command(
    short_help="Lessons with known truth: naive beside correct.",
    epilog="Example: causal experiment fork collider",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_flag("--list", "list_them", "Name them and stop.")
@click.option("--figures", metavar="DIR", help="Draw posteriors, chains, DAGs and models here.")
@_quiet
@_as_json
def experiment(
    names: Names, list_them: bool, figures: str | None, quiet: bool, as_json: bool
) -> None:
    """Run the lessons: data with known truth, naive beside correct.

    The founding tutorial's experiments first, then real data with published answers.

    Exit code 1 if an expectation fails.
    """
    from causal.catalog import experiments
    from causal.display.lessons import (
        experiment_view,
        experiments_record,
        lessons_record,
        lessons_view,
        summary_view,
    )
    from causal.display.records import as_json as text
    from causal.study.experiment import load, perform

    known = experiments()
    for name in names:
        if name not in known:
            raise QuestionError(f"There is no experiment {shown(name)}.{did_you_mean(name, known)}")
    lessons = [load(known[name]) for name in dict.fromkeys(names or known)]
    if not names:
        lessons.sort(key=lambda lesson: lesson.place)
    if list_them:
        if as_json:
            print(text(lessons_record(lessons)))
        else:
            _print(lessons_view(lessons))
        return
    _check_writable(None, figures, keep=())
    results = []
    for number, lesson in enumerate(lessons):
        results.append(perform(lesson))
        if not as_json:
            (_print_below if number and not quiet else _print)(
                experiment_view(results[-1], brief=quiet)
            )
    if as_json:
        print(text(experiments_record(results)))
    elif len(results) > 1:
        _print_below(summary_view(results))
    if figures is not None:
        _draw_figures(results, Path(figures), show=not (quiet or as_json))
    if not all(result.passed for result in results):
        raise click.exceptions.Exit(1)


@app.command(short_help="What is installed: samplers, renderer, cores.")
@_as_json
def doctor(as_json: bool) -> None:
    """Say what is installed: samplers, renderer, cores."""
    from causal.display.doctor import examine, findings_record, view

    findings = examine()
    if as_json:
        from causal.display.records import as_json as text

        print(text(findings_record(findings)))
    else:
        _print(view(findings))


# Reading what the user typed


def _dag(text: str, latent: Names) -> Dag:
    from causal.catalog import find_dag
    from causal.graph.notation import load

    shipped = find_dag(text)
    drawn = load(str(shipped) if shipped else text)
    return drawn.marked(latent=drawn.latent | set(_names(latent, drawn.names))) if latent else drawn


def _costs(given: Names) -> dict[str, float] | None:
    """Costs by name; None where none are given."""
    costs = {}
    for text in given:
        name, _, number = text.rpartition("=")
        if name in costs:
            raise QuestionError(f"The cost of {shown(name)} is given twice. Give it once.")
        try:
            costs[name] = float(number)
        except ValueError:
            name = ""
        if not name:
            raise QuestionError(
                f"Cannot read the cost {shown(text)}. Write NAME=NUMBER, for example age=2.5"
            )
    return costs or None


def _title(text: str) -> str | None:
    """The name a DAG goes by: its file's, if it came from one."""
    if text == "-" or any(mark in text for mark in ("->", "<-", "{", "\n")):
        return None
    return Path(text).stem


def _question(drawn: Dag, exposure: Names, outcome: Names, effect: str) -> Question:
    return drawn.question(
        _names(exposure, drawn.names) if exposure else None,
        _names(outcome, drawn.names) if outcome else None,
        effect=effect,  # type: ignore[arg-type]  # checked by _effects and _one_effect
    )


def _names(given: Names, known: Sequence[str]) -> list[str]:
    """Names from repeated and comma-separated options.

    A name that holds a comma is meant where the DAG has it and the option is repeated, or where
    the parts are no names of the DAG.
    """
    names: list[str] = []
    for text in given:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        whole = text in known and (len(given) > 1 or not set(parts) <= set(known))
        names += [text] if whole else parts
    return list(dict.fromkeys(names))


def _effects(text: str) -> list[str]:
    if text not in ("direct", "total", "both"):
        raise QuestionError(f"Unknown effect {shown(text)}. Use --effect direct, total or both.")
    return ["direct", "total"] if text == "both" else [text]


def _one_effect(text: str) -> str:
    if text not in ("direct", "total"):
        raise QuestionError(f"Unknown effect {shown(text)}. Use --effect direct or total.")
    return text


def _family(text: str) -> Family | Literal["auto"]:
    from causal.models.families import FAMILIES

    if text == "auto":
        return "auto"
    if text not in FAMILIES:
        raise QuestionError(f"Unknown family {shown(text)}.{did_you_mean(text, FAMILIES)}")
    return FAMILIES[FAMILIES.index(text)]


def _prior_choice(preset: str, given: Names) -> PriorChoice:
    from causal.models.priors import PRESETS, PriorChoice, parse_prior

    if preset not in PRESETS:
        raise QuestionError(
            f"Unknown preset {shown(preset)} in --priors.{did_you_mean(preset, PRESETS)}"
        )
    overrides = {}
    for text in given:
        name, distribution = parse_prior(text)
        if name in overrides:
            raise QuestionError(f"--prior gives {shown(name)} two priors. Keep one of them.")
        overrides[name] = distribution
    return PriorChoice(PRESETS[PRESETS.index(preset)], overrides)


def _own_models(
    question: Question, adjust: Names, models: Names
) -> dict[str, Sequence[str] | Formula]:
    from causal.models.formula import parse

    own: dict[str, Sequence[str] | Formula] = {}
    if adjust:
        own["yours"] = _names(adjust, question.dag.names)
    for text in models:
        name, formula = _named_model(text)
        if not name:
            name = f"yours{len(own) + 1}" if own else "yours"
        if name in own:
            raise QuestionError(f"Two models are called {shown(name)}. Give them different names.")
        own[name] = parse(formula)
    return own


@dataclass(frozen=True)
class _Asked:
    """What the options say about the regressions."""

    own: Mapping[str, Sequence[str] | Formula]
    family: Family | Literal["auto"]
    form: Formula | None
    trials: str | None
    categorical: Sequence[str]
    priors: PriorChoice

    def table(self, question: Question, data: Names) -> Table:
        """The columns that the models need."""
        from causal.data.table import read_table
        from causal.models.formula import Formula
        from causal.models.generator import columns_read, grouping

        formulas = [m for m in (*self.own.values(), self.form) if isinstance(m, Formula)]
        groups = [name for name in grouping(formulas) if name in question.dag.names]
        return read_table(
            data[0] if len(data) == 1 else data,
            columns_read(question, formulas, self.trials),
            categorical={*self.categorical, *groups},
        )

    def plan(self, question: Question, minimal: MinimalSets | None, table: Table) -> Plan:
        """What is fitted for one question."""
        from causal.models.generator import plan

        return plan(
            question,
            table,
            own={**self.own, **({} if minimal is None else minimal.own)},
            family=self.family,
            form=self.form,
            trials=self.trials,
            prior_choice=self.priors,
        )


def _form(text: str | None) -> Formula | None:
    from causal.models.formula import parse_terms

    return None if text is None else parse_terms(text)


def _named_model(text: str) -> tuple[str, str]:
    """``NAME=formula`` in two; the name is empty where only a formula stands."""
    head, sign, rest = text.partition("=")
    return (head.strip(), rest) if sign and "~" not in head else ("", text)


def _check_numbers(draws: int, prob: float, seed: int, matters: float | None) -> None:
    if not 100 <= draws <= 10_000_000:
        raise QuestionError(f"--draws {draws} is out of range: give 100 to 10,000,000.")
    if not 0 < prob < 1:
        raise QuestionError(f"--prob {prob:g} is no probability: give one between 0 and 1.")
    if seed < 0:
        raise QuestionError(f"--seed {seed} is negative: give 0 or more.")
    if matters is not None and not 0 < matters < float("inf"):
        raise QuestionError(f"--matters {matters:g} must be greater than 0: an effect's size.")


# Writing


def _draw_figures(results: Sequence[Result | Demonstrated], folder: Path, *, show: bool) -> None:
    from causal.display.figures import experiment_figures
    from causal.display.progress import progress as shown_progress

    with shown_progress(silent=not show) as progress:
        for number, result in enumerate(results):
            if progress is not None:
                progress(f"drawing {result.lesson.name}", number / len(results))
            for path in experiment_figures(result, folder):
                if show:
                    _print_text(f"written: {path}")


def _check_writable(report: str | None, out: str | None, keep: Sequence[str]) -> None:
    """Refuse an output that cannot be written, or that would cost an input, before any work."""
    if report is not None:
        target = Path(report)
        if target.is_dir():
            raise OutputError(f"Cannot write {shown(report)}: it is a folder. Name a file.")
        if not os.access(target if target.exists() else target.parent, os.W_OK):
            raise OutputError(
                f"Cannot write {shown(report)}: its folder does not exist or is not yours to "
                "write to. Choose another place."
            )
        _check_kept(report, keep)
    if out is not None:
        folder = Path(out)
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"Cannot write into {shown(out)}: it is a file. Name a folder.")
        home = next(place for place in (folder, *folder.parents) if place.exists())
        if not os.access(home, os.W_OK) or not home.is_dir():
            raise OutputError(
                f"Cannot write into {shown(out)}: {shown(str(home))} is not yours to write to. "
                "Choose another place."
            )


def _check_kept(output: str, keep: Sequence[str]) -> None:
    """Refuse to write over a file that was read."""
    for source in keep:
        try:
            same = Path(output).samefile(source)
        except (OSError, ValueError):  # one of them is no file
            continue
        if same:
            raise OutputError(
                f"Cannot write {shown(output)}: it is the file that was read, and would be lost. "
                "Choose another name."
            )


def _is_large(data: Names) -> bool:
    """Whether reading takes long enough to say so: many bytes, or who knows how many."""
    if any("://" in one for one in data):
        return True
    try:
        files = [file for one in data for file in ([one], Path(one).rglob("*"))[Path(one).is_dir()]]
        return sum(Path(file).stat().st_size for file in files) > 50_000_000
    except (OSError, ValueError):  # reading it will say why
        return False


def _write(studies: Sequence[Study], report: str | None, out: str | None) -> list[Path]:
    written = []
    if report is not None:
        from causal.display.report import write

        write(studies, report, command=_command())
        written.append(Path(report))
    if out is not None:
        from causal.display.folder import write_folder

        written += write_folder(studies, Path(out), command=_command())
    return written


def _command() -> str:
    """What was typed, as a report may show it."""
    import shlex

    from causal.data.source import without_password

    return shlex.join(["causal", *map(without_password, sys.argv[1:])])


def _console() -> Console:
    from rich.console import Console

    # rich reads NO_COLOR itself; 100 columns where the output is no terminal.
    width = None if sys.stdout.isatty() else 100
    return Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def _print(*views: RenderableType) -> None:
    console = _console()
    for number, view in enumerate(views):
        if number:
            console.print()
        console.print(view)


def _print_head(questions: Sequence[Question], dag: str) -> None:
    from causal.criteria.explanation import explain as make
    from causal.display.text import head_view

    _print(*(head_view(make(question), _title(dag)) for question in questions))
    sys.stdout.flush()


def _print_below(view: RenderableType) -> None:
    """Print *view* after an empty line, at once: what comes next may take its time."""
    print()
    _print(view)
    sys.stdout.flush()


def _print_text(text: str) -> None:
    from causal.display.text import clip

    print(clip(text, 2000), flush=True)
