"""The command ``causal``: parse, call, print. Nothing is decided here.

Exit codes: 0 done; 1 a verdict against the user's set, or an experiment that failed; 2 bad input;
3 not identifiable; 4 a fit failed its checks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from causal.errors import CausalError, OutputError, QuestionError, did_you_mean, shown

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType

    from causal.criteria.question import Question
    from causal.graph.dag import Dag
    from causal.inference.select import Progress
    from causal.models.generator import Plan
    from causal.models.priors import PriorChoice
    from causal.study.comparison import Study

__all__ = ["app", "main"]

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    help="Which regression answers your causal question, which one misleads you, and why.\n\n"
    "DAG is a file, '-' for standard input, the name of a shipped one (fork, berkeley, ...), "
    'or the text itself: "x <- z -> y; x -> c <- y".',
    epilog="Start with: causal explain fork",
)

T = TypeVar("T")
Names = list[str] | None

DagText = Annotated[str, typer.Argument(metavar="DAG", help="File, '-', shipped name or text.")]
Exposure = Annotated[Names, typer.Option("-x", "--exposure", help="Cause asked about.")]
Outcome = Annotated[Names, typer.Option("-y", "--outcome", help="Variable it may affect.")]
EffectName = Annotated[str, typer.Option("--effect", help="direct, total or both.")]
OneEffect = Annotated[str, typer.Option("--effect", help="direct or total.")]
Latent = Annotated[Names, typer.Option("--latent", help="Variables that were not measured.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print the answer only.")]


def main() -> NoReturn:
    """Run the command line; every error a user can mend becomes one message and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except CausalError as error:
        _complain(str(error))
        code = 2
    except typer.exceptions.TyperException as error:  # unknown option, missing argument
        _complain(f"{_sentence(error)} See causal --help, or --help after the command.")
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        _complain("Stopped.")
        code = 130
    except BrokenPipeError:  # the reader (head, less) has gone: nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _sentence(error: typer.exceptions.TyperException) -> str:
    text = str(getattr(error, "format_message", error.__str__)()).strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _complain(message: str) -> None:
    sys.stdout.flush()
    # A surrogate in a file name cannot be printed as it is: show it escaped.
    safe = message.encode("utf-8", "backslashreplace").decode("utf-8")
    print(f"causal: {safe}", file=sys.stderr)


# The commands


@app.command()
def explain(
    dag: DagText,
    exposure: Exposure = None,
    outcome: Outcome = None,
    effect: EffectName = "direct",
    latent: Latent = None,
    as_json: AsJson = False,
) -> None:
    """Say which variables to adjust for, which not, and why. Needs no data.

    Exit code 3 if the effect asked for is not identifiable by adjustment.
    """
    from causal.criteria.explanation import explain as make

    drawn = _dag(dag, latent)
    asked = _effects(effect)
    explanations = [make(_question(drawn, exposure, outcome, one)) for one in asked]
    if as_json:
        from causal.display.records import as_json as text, explanation_record

        print(text(explanation_record(explanations[0])))
    else:
        from causal.display.text import explanation_view

        title = _title(dag)
        _print(*(explanation_view(e, title) for e in explanations))
    if not all(e.asked.adjustment for e in explanations):
        raise typer.Exit(3)


@app.command()
def check(
    dag: DagText,
    exposure: Exposure = None,
    outcome: Outcome = None,
    effect: OneEffect = "direct",
    latent: Latent = None,
    adjust: Annotated[
        Names, typer.Option("--adjust", help="The set to judge; '' is the empty one.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help='A formula to judge: "y ~ x + a".')
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge your own adjustment set, or formula. Exit code 0 valid, 1 invalid.

    Without --adjust and --model the variables marked [adjusted] are judged.
    """
    drawn = _dag(dag, latent)
    question = _question(drawn, exposure, outcome, _one_effect(effect))
    if model is not None and adjust is not None:
        raise QuestionError("Give --adjust or --model, not both: one verdict at a time.")
    if model is not None:
        from causal.models.formula import parse
        from causal.models.generator import formula_set

        names: Sequence[str] = formula_set(question, parse(model))
    elif adjust is not None:
        names = _names(adjust, drawn.names) or []
    else:
        names = sorted(drawn.adjusted)
    verdict = question.check(names)
    if as_json:
        from causal.display.records import as_json as text, verdict_record

        print(text(verdict_record(verdict)))
    else:
        from causal.display.text import verdict_view

        _print(verdict_view(verdict))
    if not verdict:
        raise typer.Exit(1)


@app.command()
def run(
    dag: DagText,
    data: Annotated[str, typer.Argument(metavar="DATA", help="CSV, Parquet or Arrow file.")],
    exposure: Exposure = None,
    outcome: Outcome = None,
    effect: EffectName = "direct",
    latent: Latent = None,
    adjust: Annotated[
        Names, typer.Option("--adjust", help="A set of your own, fitted beside: 'yours'.")
    ] = None,
    model: Annotated[
        Names, typer.Option("--model", help='A formula of your own: [NAME=]"y ~ x + a".')
    ] = None,
    family: Annotated[str, typer.Option(help="auto, gaussian or bernoulli.")] = "auto",
    categorical: Annotated[Names, typer.Option(help="Number columns that are labels.")] = None,
    prior: Annotated[
        Names, typer.Option(help="NAME='Normal(0, 1)': intercept, slope, level, sigma, variable.")
    ] = None,
    priors: Annotated[str, typer.Option(help="Preset: default, wide or tutorial.")] = "default",
    sampler: Annotated[str, typer.Option(help="auto, exact or nuts.")] = "auto",
    draws: Annotated[int, typer.Option(help="Posterior draws.")] = 4000,
    prob: Annotated[float, typer.Option(help="Mass of the intervals.")] = 0.89,
    seed: Annotated[int, typer.Option(help="Same seed, same numbers.")] = 0,
    matters: Annotated[
        float | None, typer.Option(help="Effects within +-d do not matter to you.")
    ] = None,
    report: Annotated[str | None, typer.Option(help="Write an HTML report here.")] = None,
    out: Annotated[str | None, typer.Option(help="Write all results into this folder.")] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Pick the set, fit the correct and the naive regressions, compare their posteriors.

    Exit code 3 if the effect is not identifiable by adjustment, 4 if a fit failed its checks.
    """
    from causal.inference.select import choose
    from causal.models.generator import observed, plan
    from causal.models.priors import PRESETS, PriorChoice

    if priors not in PRESETS:
        raise QuestionError(
            f"Unknown preset {shown(priors)} in --priors.{did_you_mean(priors, PRESETS)}"
        )
    _check_numbers(draws, prob, seed, matters)
    drawn = _dag(dag, latent)
    questions = [_question(drawn, exposure, outcome, one) for one in _effects(effect)]
    choice = PriorChoice(priors, _overrides(prior))
    own = _own_models(questions[0], adjust, model)
    _check_writable(report, out)

    from causal.data.table import read_table

    table = read_table(
        data, observed(questions[0]), categorical=_names(categorical, drawn.names) or ()
    )
    chosen_family = _family(family)
    plans = [
        plan(question, table, own=own, family=chosen_family, prior_choice=choice)
        for question in questions
    ]
    for made in plans:
        for regression in made.regressions:
            choose(regression, sampler)

    from causal.study.comparison import compare

    show = not (as_json or quiet)
    studies = []
    with _progress(as_json or quiet) as progress:
        for made in plans:
            if show:
                _announce(made, _title(dag))
            studies.append(
                compare(
                    made,
                    sampler=sampler,
                    draws=draws,
                    prob=prob,
                    seed=seed,
                    matters=matters,
                    progress=progress,
                )
            )
            if show:
                _show(studies[-1])
    if quiet and not as_json:
        from causal.display.text import conclusion_view

        _print(*(conclusion_view(study) for study in studies))
    if as_json:
        from causal.display.records import as_json as text, studies_record

        print(text(studies_record(studies)))
    for path in _write(studies, report, out):
        if show:
            _print_text(f"written: {path}")
    if not all(study.identifiable for study in studies):
        raise typer.Exit(3)
    if not all(study.passed for study in studies):
        raise typer.Exit(4)


@app.command()
def draw(
    dag: DagText,
    output: Annotated[
        str, typer.Option("-o", "--output", help="F.svg, F.png, F.pdf or F.dot.")
    ],
    exposure: Exposure = None,
    outcome: Outcome = None,
    effect: OneEffect = "direct",
    latent: Latent = None,
    question: Annotated[
        bool, typer.Option("--question", help="Show causal and open paths too.")
    ] = False,
) -> None:
    """Draw the DAG, each variable coloured and shaped by its role."""
    from causal.display.drawing import draw as make

    drawn = _dag(dag, latent)
    asked: Question | None = None
    if question or ((exposure or drawn.exposures) and (outcome or drawn.outcomes)):
        asked = _question(drawn, exposure, outcome, _one_effect(effect))
    make(asked if asked is not None else drawn, output, paths=question)


@app.command()
def experiment(
    names: Annotated[
        Names, typer.Argument(metavar="[NAME]...", help="Which ones; all if none is named.")
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="Name them and stop.")] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run the founding tutorial's experiments: data with known truth, naive beside correct.

    Exit code 1 if an expectation fails.
    """
    from causal.catalog import experiments
    from causal.study.experiment import load, perform

    known = experiments()
    for name in names or ():
        if name not in known:
            raise QuestionError(f"There is no experiment {shown(name)}.{did_you_mean(name, known)}")
    lessons = [load(known[name]) for name in (names or known)]
    if list_them:
        for lesson in lessons:
            _print_text(f"{lesson.name:14} {lesson.title}")
        return
    results = []
    for lesson in lessons:
        results.append(perform(lesson))
        if not as_json:
            from causal.display.text import experiment_view

            _print(experiment_view(results[-1], brief=quiet))
    if as_json:
        from causal.display.records import as_json as text, experiments_record

        print(text(experiments_record(results)))
    if not all(result.passed for result in results):
        raise typer.Exit(1)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed: samplers, renderer, cores."""
    from causal.display.doctor import examine, view

    findings = examine()
    if as_json:
        from causal.display.records import as_json as text

        print(text({name: state for name, state, _ in findings}))
    else:
        _print(view(findings))


# Reading what the user typed


def _dag(text: str, latent: Names) -> Dag:
    from causal.catalog import find_dag
    from causal.graph.notation import load

    shipped = find_dag(text)
    drawn = load(str(shipped) if shipped else text, sys.stdin)
    extra = _names(latent, drawn.names)
    return drawn.marked(latent=drawn.latent | set(extra)) if extra else drawn


def _title(text: str) -> str | None:
    """The name a DAG goes by: its file's, if it came from one."""
    from pathlib import PurePath

    if text == "-" or any(mark in text for mark in ("->", "<-", "{", "\n")):
        return None
    return PurePath(text).stem


def _question(drawn: Dag, exposure: Names, outcome: Names, effect: str) -> Question:
    return drawn.question(
        _names(exposure, drawn.names),
        _names(outcome, drawn.names),
        effect=effect,  # type: ignore[arg-type]  # checked by _effects and _one_effect
    )


def _names(given: Names, known: Sequence[str]) -> list[str] | None:
    """Names from repeated and comma-separated options; None if the option was not given.

    A name that holds a comma is meant where the DAG has it and the option is repeated, or where
    the parts are no names of the DAG.
    """
    if given is None:
        return None
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


def _family(text: str) -> str:
    built, planned = ("auto", "gaussian", "bernoulli"), (
        "student", "binomial", "poisson", "negbinomial", "ordered",
    )
    if text in planned:
        raise QuestionError(
            f"The family {shown(text)} is not built yet. Use --family auto, gaussian or bernoulli."
        )
    if text not in built:
        raise QuestionError(f"Unknown family {shown(text)}.{did_you_mean(text, built)}")
    return text


def _overrides(given: Names) -> dict[str, object]:
    from causal.models.priors import parse_prior

    return dict(parse_prior(text) for text in given or ())


def _own_models(question: Question, adjust: Names, models: Names) -> dict[str, Sequence[str]]:
    from causal.models.formula import parse
    from causal.models.generator import formula_set

    own: dict[str, Sequence[str]] = {}
    if adjust is not None:
        own["yours"] = _names(adjust, question.dag.names) or []
    for text in models or ():
        name, formula = _named_model(text)
        if not name:
            name = f"yours{len(own) + 1}" if own else "yours"
        if name in own:
            raise QuestionError(f"Two models are called {shown(name)}. Give them different names.")
        own[name] = formula_set(question, parse(formula))
    return own


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


def _check_writable(report: str | None, out: str | None) -> None:
    """Refuse an output that cannot be written before any work is done."""
    from pathlib import Path

    if report is not None:
        target = Path(report)
        if target.is_dir():
            raise OutputError(f"Cannot write {shown(report)}: it is a directory. Name a file.")
        if not os.access(target if target.exists() else target.parent, os.W_OK):
            raise OutputError(
                f"Cannot write {shown(report)}: its folder does not exist or is not yours to "
                "write to. Choose another place."
            )
    if out is not None:
        folder = Path(out)
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"Cannot write into {shown(out)}: it is a file. Name a folder.")
        home = next(place for place in (folder, *folder.parents) if place.exists())
        if not os.access(home, os.W_OK) or not home.is_dir():
            raise OutputError(
                f"Cannot write into {shown(out)}: {shown(str(home))} is not yours to write to."
            )


def _write(studies: Sequence[Study], report: str | None, out: str | None) -> list[Path]:
    from pathlib import Path

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
    import shlex

    return shlex.join(["causal", *sys.argv[1:]])


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


def _print_text(text: str) -> None:
    from causal.display.text import clip

    print(clip(text, 2000), flush=True)


def _announce(made: Plan, title: str | None) -> None:
    from causal.display.text import plan_view

    _print(plan_view(made, title))
    sys.stdout.flush()


def _show(study: Study) -> None:
    from causal.display.text import study_view

    _print(study_view(study))


class _progress:  # noqa: N801 - used as a function
    """Progress of slow samplers: a bar in a terminal, a line per 10 % elsewhere, on stderr."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent
        self._bar: object | None = None

    def __enter__(self) -> Progress | None:
        return None

    def __exit__(self, *exc: object) -> None:
        return None


def _unused(_: Callable[[T], T]) -> None: ...
