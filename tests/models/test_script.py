"""Regressions as stand-alone programs: they run without this package, and names stay data."""

from __future__ import annotations

import ast
import io
import json
import math
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from causal import Dag
from causal.data.table import read_table
from causal.errors import ModelError
from causal.inference.posterior import Diagnostics, Posterior
from causal.inference.printed import as_printed
from causal.inference.select import sample
from causal.models.formula import parse_terms
from causal.models.generator import Plan, columns_read, plan
from causal.models.priors import Distribution, Priors
from causal.models.pymc_model import build, sampled
from causal.models.regression import Family, Regression
from causal.models.script import DIALECTS, literal, model_code, of_plan, write
from causal.models.terms import (
    Categorical,
    Interaction,
    Log,
    Numeric,
    Polynomial,
    Term,
    Varying,
    columns,
)
from causal.study.effects import contrasts
from causal.study.effects import effects as effects_of
from tests.kinds import KINDS, Kind
from tests.kinds import data as kinds_data
from tests.kinds import table as kinds_table

NORMAL = Distribution("Normal", (0.0, 2.5))
SCALE = Distribution("Exponential", (1.0,))
G = Categorical("g", ("1", "2", "10"))

HOSTILE = [
    '"; import os; os.system("x")',
    "'); import os  #",
    '"""',
    "'''",
    "line\nimport os",
    "line\r\x0b\x0c\x1c\x85\u2028import os",
    "back\\",
    "\\",
    "{x}",
    "{{}}",
    "%s %(x)s",
    "größe 身長 😀",
    "right-to-left \u202e mark",
    "lone \ud800 surrogate",
    "nul \x00",
    "y" * 10_000,
    "",
    "import",
    "pm",
    "data",
    "effect",
    "sigma",
]


def regression(
    name: str = "correct",
    outcome: str = "y",
    terms: Sequence[Term] = (Numeric("x"), Numeric("z")),
    *,
    family: Family = "gaussian",
    centre: float = 0.0,
    slope: Distribution = NORMAL,
    intercept: Distribution | None = NORMAL,
    offsets: tuple[Numeric | Log, ...] = (),
    trials: str | None = None,
) -> Regression:
    centres = tuple((t, centre) for t in terms if isinstance(t, Numeric) and centre)
    priors = Priors(
        intercept,
        centres,
        tuple(
            (SCALE,) * len(term.varied)
            if isinstance(term, Varying)
            else (slope if isinstance(term, Numeric) else NORMAL,) * len(columns(term))
            for term in terms
        ),
        (("sigma", SCALE),) if family == "gaussian" else (),
    )
    exposure = terms[0].variable if terms else None
    return Regression(
        name, outcome, exposure, tuple(terms), family, priors, offsets=offsets, trials=trials
    )


MODELS = {
    "two numbers": [regression(), regression("unadjusted", terms=[Numeric("x")])],
    "centred": [regression(centre=3.25), regression("mine", centre=-3.25)],
    "many": [regression(terms=[Numeric(f"v{i}") for i in range(9)])],
    "category": [regression(terms=[Numeric("x"), G]), regression("everything", terms=[G])],
    "many levels": [regression(terms=[Numeric("x"), Categorical("h", tuple(map(str, range(60))))])],
    "logistic": [
        regression(outcome="b", family="bernoulli"),
        regression("mine", "b", [G, Numeric("x")], family="bernoulli"),
    ],
    "intercept alone": [regression(terms=[]), regression("b", "b", [], family="bernoulli")],
    "without intercept": [regression(intercept=None), regression("n", terms=[], intercept=None)],
}


def strings_of(program: str) -> tuple[ast.Module, list[str]]:
    """The syntax tree with every string emptied, and the strings."""
    tree, found = ast.parse(program), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
            node.value = ""
    return tree, found


def comments_of(program: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(program).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def of_kinds() -> dict[str, list[Regression]]:
    return {name: [kind.regression(kinds_table())] for name, kind in KINDS.items()}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "regressions", [*MODELS.values(), *of_kinds().values()], ids=[*MODELS, *of_kinds()]
)
def test_a_program_is_python_that_fits_on_a_screen(
    regressions: list[Regression], dialect: str
) -> None:
    program = write(
        regressions, data_path="d.csv", question_text="direct effect of x on y", dialect=dialect
    )
    ast.parse(program, feature_version=(3, 9))
    assert max(map(len, program.splitlines())) <= 100
    assert "causal" not in re.findall(r"^\s*(?:import|from)\s+(\w+)", program, re.MULTILINE)
    assert program.endswith("\n")
    assert "\n\n\n\n" not in program


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("where", ["x", "y", "g", "w", "n", "label", "model", "path", "question"])
@pytest.mark.parametrize("name", HOSTILE, ids=lambda n: ascii(n)[:20])
def test_names_are_string_literals_and_nothing_else(name: str, where: str, dialect: str) -> None:
    def program(called: str) -> str:
        is_ = {where: called}
        x, w, g = (is_.get(letter, letter) for letter in "xwg")
        by = Categorical(g, ("a", is_.get("label", "b"), "c"))
        terms: list[Term] = [Numeric(x), by]
        more: list[Term] = [
            Polynomial(x, 2, 3.0),
            Log(w),
            Interaction((Numeric(x), by)),
            Varying(by, (Numeric(x), Log(w))),
        ]
        outcome = is_.get("y", "y")
        regressions = [
            regression(is_.get("model", "correct"), outcome, terms, centre=2.0),
            regression("other", outcome, terms[::-1], family="bernoulli"),
            regression(
                "last",
                outcome,
                more,
                family="binomial",
                offsets=(Log(w),),
                trials=is_.get("n", "n"),
            ),
        ]
        return write(
            regressions,
            data_path=is_.get("path", "d.csv"),
            question_text=is_.get("question", "x on y"),
            dialect=dialect,
        )

    hostile, tame = program(name), program("tame")
    (tree, strings), (tame_tree, tame_strings) = strings_of(hostile), strings_of(tame)
    if where == "model":  # only a name of ours gives a function its name
        tame_tree = strings_of(program("other name"))[0]
    assert ast.dump(tree) == ast.dump(tame_tree), "the program is the same but for its strings"
    assert len(strings) == len(tame_strings)
    if where not in ("model", "question"):
        assert name in strings, "data are looked up under the true name"
    assert comments_of(hostile) == comments_of(tame), "no comment holds a name"
    hostile.encode()  # can be saved


@pytest.mark.parametrize("text", [*HOSTILE, "plain", "both \"' quotes", "\\n", "\t"], ids=ascii)
def test_a_literal_reads_back_as_the_text(text: str) -> None:
    written = literal(text)
    assert ast.literal_eval(written) == text
    assert written.isprintable()


def test_a_terminal_is_never_driven_by_a_name() -> None:
    reg = regression("mo\x1b[2Jdel", terms=[Numeric("x\x1b[2J")])
    program = write([reg], data_path="d.csv", question_text="of x\x1b[2J")
    (table,) = re.findall(r"^MODELS = .*?^\]", program, re.MULTILINE | re.DOTALL)
    shown = [s for s in strings_of(table)[1] if "\x1b" in s]
    assert all(s.startswith("slope_") for s in shown), (
        "only look-ups hold it, printed text does not"
    )
    assert "\x1b" not in ast.literal_eval(
        re.findall(r"^QUESTION = (.*)$", program, re.MULTILINE)[0]
    )


@pytest.mark.parametrize(
    ("prior", "written"),
    [
        (Distribution("Normal", (0.1, 1e-7)), "pm.Normal({}, mu=0.1, sigma=1e-07)"),
        (Distribution("StudentT", (3.0, 0.0, 2.5)), "pm.StudentT({}, nu=3.0, mu=0.0, sigma=2.5)"),
        (Distribution("Cauchy", (0.0, 2.5)), "pm.Cauchy({}, alpha=0.0, beta=2.5)"),
        (Distribution("LogNormal", (0.0, 2.5)), "pm.LogNormal({}, mu=0.0, sigma=2.5)"),
        (Distribution("Uniform", (-1.0, 2.5)), "pm.Uniform({}, lower=-1.0, upper=2.5)"),
        (Distribution("Flat"), "pm.Flat({})"),
    ],
    ids=str,
)
def test_priors_are_written_with_all_their_digits(prior: Distribution, written: str) -> None:
    code = model_code(regression(slope=prior))
    assert written.format('"slope_x"') in code


def test_the_code_of_a_model_is_the_part_of_the_program_that_builds_it() -> None:
    reg = regression(centre=3.25)
    code = model_code(reg)
    assert code.rstrip("\n") in write([reg], data_path="d.csv")
    assert code.startswith("def correct_model(data):")
    assert "b1 * (x1 - 3.25)" in code
    assert '"intercept_centred"' in code


@pytest.mark.parametrize("dialect", DIALECTS)
def test_correlations_have_the_prior_that_the_regression_says(dialect: str) -> None:
    reg = KINDS["varying slopes"].regression(kinds_table())
    reg = replace(reg, priors=replace(reg.priors, correlation=3.5))
    assert re.search(r"LKJ\w+\(\s*\"cholesky_s\",\s*n=2,\s*eta=3\.5,", model_code(reg, dialect))


@pytest.mark.parametrize(
    ("options", "call"),
    [
        ({"separator": ";", "decimal": ","}, 'sep=";"'),
        ({"separator": ";", "decimal": ","}, 'decimal=","'),
        ({"separator": "\t"}, 'sep="\\t"'),
        ({"data_format": "parquet"}, "pd.read_parquet(DATA, columns=COLUMNS)"),
        ({"data_format": "arrow"}, "pd.read_feather(DATA, columns=COLUMNS)"),
    ],
)
def test_the_file_is_opened_as_it_was_here(options: dict[str, str], call: str) -> None:
    assert call in write([regression()], data_path="d", **options)  # type: ignore[arg-type]


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ModelError, match=r"'stan'.*pymc.*pymc3"):
        write([regression()], data_path="d.csv", dialect="stan")
    with pytest.raises(ModelError, match="at least one"):
        write([], data_path="d.csv")


def data(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    z = rng.normal(10, 3, rows)
    x = z + rng.normal(size=rows)
    g = np.array([1, 2, 10])[np.arange(rows) % 3]
    y = 2 * z + 0.5 * x + rng.normal(size=rows) + (g == 2)
    b = (rng.random(rows) < 1 / (1 + np.exp(-(x - 10) / 3))).astype(int)
    frame = pd.DataFrame({"x": x, "y": y, "z": z, "g": g, "b": b})
    frame.loc[[3, 30], "z"] = np.nan
    return frame


def run(program: str, folder: Path, python: str | None = None) -> str:
    """What the program prints; it runs alone, with no way to reach this package."""
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    options = ["-E", "-W", "ignore"] if python else ["-I", "-W", "error::FutureWarning"]
    done = subprocess.run(
        [python or sys.executable, *options, path.name],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def effects(printed: str) -> list[tuple[str, float]]:
    return [
        (label, float(mean))
        for label, mean in re.findall(r"^  (\S[^:]*):  (\S+)  89%", printed, re.MULTILINE)
    ]


def loaded(program: str) -> dict[str, Any]:
    """The program's functions, without running its main."""
    pytest.importorskip("pymc")
    scope: dict[str, Any] = {"__name__": "program"}
    exec(compile(program, "program.py", "exec"), scope)  # our own text, written a moment ago
    return scope


MESSY = """ x ,z,g,y,b,o
1.5,2,1 ,3.5,0,1
NA,2,2,3.5,1,1
2.5,,2,1e1,1,1
3.5,4,10,nan,1,2.1
4.5,"5",10,0.5,1,2.1
5.5,6,2,-1,#N/A,3
6.5,7,2,-1.25,0,0.3
"""


def test_a_program_fits_the_rows_and_labels_that_are_fitted_here(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(MESSY)
    grades = regression("grades", "o", [Numeric("x")], family="bernoulli")
    regressions = [
        regression(terms=[Numeric("x"), G, Numeric("z")]),
        regression("risk", "b", [Numeric("x")], family="bernoulli"),
        grades,
    ]
    scope = loaded(write(regressions, data_path=str(tmp_path / "d.csv")))
    read = scope["read"]()
    names = ["x", "z", "g", "y", "b", "o"]
    ours = read_table(tmp_path / "d.csv", names, categorical=["g"]).complete(names)
    assert len(read) == ours.rows == 3
    for name in ("x", "z", "y", "b", "o"):
        assert read[name].tolist() == ours[name].values.tolist()  # noqa: PD011 -- no pandas
    codes = scope["codes"](read["g"], list(ours["g"].levels))
    assert codes.tolist() == ours["g"].values.tolist()  # noqa: PD011 -- no pandas
    with pytest.raises(SystemExit, match="label other than"):
        scope["codes"](read["g"], ["1", "2"])


def test_a_label_that_pandas_takes_for_missing_is_a_label(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("y,k\n1,None\n2,a\n3,NA\n")
    ours = read_table(tmp_path / "d.csv", ["y", "k"]).complete(["y", "k"])
    made = write(
        [regression(terms=[Categorical("k", ours["k"].levels)])],
        data_path=str(tmp_path / "d.csv"),
    )
    assert loaded(made)["read"]()["k"].tolist() == ["None", "a"]
    assert set(ours["k"].levels) == {"None", "a"}


def test_decimal_commas_are_read_to_the_last_digit(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1 / 3, 123456.789012345, 5e-324, -2.5]
    rows = "".join(f"{x!r};{k}\n".replace(".", ",") for k, x in enumerate(numbers))
    (tmp_path / "d.csv").write_text(f"x;y\n{rows}")
    options = {"separator": ";", "decimal": ","}
    made = write([regression(terms=[Numeric("x")])], data_path=str(tmp_path / "d.csv"), **options)  # type: ignore[arg-type]
    assert loaded(made)["read"]()["x"].tolist() == numbers


@pytest.mark.parametrize("texts", [["1.0", "0", "1e0"], ["True", "False", "True"]])
def test_a_label_that_is_a_number_may_be_written_otherwise(texts: list[str]) -> None:
    program = write([regression(terms=[Categorical("t", ("0", "1"))])], data_path="d.csv")
    assert loaded(program)["codes"](pd.Series(texts), ["0", "1"]).tolist() == [1, 0, 1]


def test_grades_are_found_by_their_value() -> None:
    program = write([KINDS["ordered"].regression(kinds_table())], data_path="d.csv")
    ranks = loaded(program)["ranks"]
    assert ranks(pd.Series([7, 1, 2.5]), [1.0, 2.5, 4.0, 7.0]).tolist() == [3, 0, 1]
    with pytest.raises(SystemExit, match="grade other than"):
        ranks(pd.Series([3.0], name="o"), [1.0, 2.5, 4.0, 7.0])


def ends_of(kind: Kind) -> tuple[float, float] | None:
    """The two values of the exposure, where it is a number with no others."""
    read = kinds_table()
    [first, *_] = contrasts(kind.regression(read), read)
    return None if first.raised or read[kind.exposure].levels else (first.low, first.high)


def point_of(model: Any) -> dict[str, Any]:
    """Somewhere near the middle of a PyMC model's priors, in what its sampler moves."""
    rng = np.random.default_rng(1)
    start = model.initial_point(0)
    return {name: value + 0.1 * rng.normal(size=np.shape(value)) for name, value in start.items()}


def named_as_here(point: dict[str, Any]) -> dict[str, Any]:
    """One transformation has a name of its own in `causal.models.pymc_model`, for PyMC's sake."""
    return {name.replace("_cholesky_corr__", "_corr__"): value for name, value in point.items()}


def flat(values: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.empty(0), *map(np.ravel, values)])


def assert_effects_are_ours(kind: Kind, entry: Sequence[Any], values: Mapping[str, Any]) -> None:
    """Compare what a program records as the effect with `causal.study.effects`.

    Both come from the same coefficients, those in *values*, by the names of variables.
    """
    read = kinds_table()
    reg = kind.regression(read)
    linear, others = sampled(reg)
    theta, rest = (flat([values[n] for n in names]) for names in (linear, others))
    draws = np.repeat(as_printed(reg, theta[None, None], rest[None, None]), 2, axis=1)
    posterior = Posterior(reg.coefficient_names, draws, "nuts", Diagnostics(), 0.0)
    ours = effects_of(reg, posterior, read, prob=0.89)
    *_, variable, compared, scales = entry
    assert [(one.contrast, one.scale) for one in ours] == [
        (contrast, scale) for contrast in compared for scale in scales
    ]
    assert np.ravel(values[variable]) == pytest.approx([one.mean for one in ours], rel=1e-9)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_model_of_a_program_is_the_model_that_is_built_here(kind: Kind) -> None:
    read = kinds_table()
    reg = kind.regression(read)
    [entry] = loaded(write([reg], data_path="d.csv", ends=ends_of(kind)))["MODELS"]
    theirs, ours = entry[2](kinds_data()), build(reg, read)
    point = point_of(theirs)
    density = float(ours.compile_logp(mode="FAST_COMPILE")(named_as_here(point)))
    assert math.isfinite(density)
    assert float(theirs.compile_logp(mode="FAST_COMPILE")(point)) == pytest.approx(
        density, rel=1e-9
    )

    if entry[3] is not None:
        recorded = [*sum(sampled(reg), ()), entry[3]]
        compiled = theirs.compile_fn(
            theirs.replace_rvs_by_values([theirs[name] for name in recorded]),
            inputs=theirs.value_vars,
            on_unused_input="ignore",
            mode="FAST_COMPILE",
        )
        assert_effects_are_ours(kind, entry, dict(zip(recorded, compiled(point), strict=True)))


def pymc3_python() -> str:
    path = os.environ.get("CAUSAL_PYMC3_PYTHON")
    if not path:
        pytest.skip("PyMC3: CAUSAL_PYMC3_PYTHON names no interpreter")
    return path


IN_PYMC3 = """
import json
import numpy as np
import pandas as pd

for case in json.load(open("cases.json")):
    scope = {"__name__": "program"}
    exec(compile(case["program"], "program.py", "exec"), scope)
    [entry] = scope["MODELS"]
    data = pd.DataFrame(case["data"]) if case["data"] else scope["read"]()
    model = entry[2](data)
    # Transformed variables may be called otherwise here; their order is the same.
    free, given = (sorted(names) for names in ([v.name for v in model.free_RVs], case["point"]))
    point = {name: value + 0.1 for name, value in model.test_point.items()}
    if len(free) == len(given):
        point = {a: np.asarray(case["point"][b]) for a, b in zip(free, given)}
    recorded = case["recorded"] + ([entry[3]] if entry[3] else [])
    values = model.fn([model[name] for name in recorded])(point)
    found = {name: value.tolist() for name, value in zip(recorded, values)}
    print(json.dumps([len(free) == len(given), float(model.logp(point)), found]))
"""


def in_pymc3(cases: list[dict[str, Any]], folder: Path) -> list[Any]:
    """What PyMC3 makes of programs: density and values of variables at a point."""
    (folder / "cases.json").write_text(json.dumps(cases))
    (folder / "run.py").write_text(IN_PYMC3)
    done = subprocess.run(
        [pymc3_python(), "-E", "-W", "ignore", "run.py"],
        cwd=folder,
        # Each graph is evaluated once: compiling it would take a minute, doing without a second.
        env={**os.environ, "THEANO_FLAGS": "cxx=,optimizer=None"},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def case_of(reg: Regression, frame: pd.DataFrame, kind: Kind | None) -> dict[str, Any]:
    ends = None if kind is None else ends_of(kind)
    [mine] = loaded(write([reg], data_path="d.csv"))["MODELS"]
    point = point_of(mine[2](frame))
    return {
        "program": write([reg], data_path="d.csv", dialect="pymc3", ends=ends),
        "data": None if kind is not None else frame.to_dict(orient="list"),
        "point": {name: np.asarray(value).tolist() for name, value in point.items()},
        "recorded": list(sum(sampled(reg), ())),
    }


def density_here(reg: Regression, frame: pd.DataFrame, case: dict[str, Any]) -> float:
    model = build(reg, kinds_table(frame))
    point = {name: np.asarray(value) for name, value in case["point"].items()}
    return float(model.compile_logp(mode="FAST_COMPILE")(named_as_here(point)))


@pytest.mark.heavy
def test_the_models_of_pymc3_are_the_models_that_are_built_here(tmp_path: Path) -> None:
    """Equal densities at one point, and equal effects of equal coefficients."""
    pymc3_python()
    frame = kinds_data()
    frame.to_csv(tmp_path / "d.csv", index=False)
    regressions = [kind.regression(kinds_table()) for kind in KINDS.values()]
    pairs = list(zip(regressions, KINDS.values(), strict=True))
    cases = [case_of(reg, frame, kind) for reg, kind in pairs]
    for (name, kind), reg, case, (same, density, values) in zip(
        KINDS.items(), regressions, cases, in_pymc3(cases, tmp_path), strict=True
    ):
        # Only one factor of sd and correlation together is moved on a scale of its own.
        assert same == (name not in ("varying slopes", "varying levels"))
        if same:
            assert density == pytest.approx(density_here(reg, frame, case), rel=1e-9), name
        assert math.isfinite(density)
        if reg.exposure in reg.predictors:
            [entry] = loaded(write([reg], data_path="d.csv", ends=ends_of(kind)))["MODELS"]
            assert_effects_are_ours(kind, entry, values)


@pytest.mark.heavy
def test_pymc3_carries_every_name(tmp_path: Path) -> None:
    pymc3_python()
    rng = np.random.default_rng(0)
    names = [name for name in HOSTILE if "\ud800" not in name]  # which pandas itself cannot carry
    frame = pd.DataFrame({name: rng.normal(size=5) for name in [*names, "y"]})
    reg = regression(terms=[Numeric(name) for name in names], centre=2.0)
    case = case_of(reg, frame, None)
    [(same, density, _)] = in_pymc3([case], tmp_path)
    model = build(reg, read_table(frame, list(frame.columns)))
    point = {n: np.asarray(v) for n, v in case["point"].items()}
    assert same
    # Theano keeps the round numbers in these priors in single precision.
    assert density == pytest.approx(float(model.compile_logp(mode="FAST_COMPILE")(point)), rel=1e-7)


def least_squares(frame: pd.DataFrame, *columns: str) -> float:
    design = np.column_stack([np.ones(len(frame)), *(frame[c] for c in columns)])
    return float(np.linalg.lstsq(design, frame["y"], rcond=None)[0][1])


@pytest.mark.heavy
def test_a_program_runs_alone_and_prints_the_effects_side_by_side(tmp_path: Path) -> None:
    pytest.importorskip("pymc")
    frame = data()
    hostile = '"; import os; os.system("x")\n\\ """'
    frame.rename(columns={"z": hostile}).to_csv(tmp_path / "d.csv", index=False)
    wide = Distribution("Normal", (0.0, 100.0))
    regressions = [
        regression(terms=[Numeric("x"), Numeric(hostile)], centre=10.0, slope=wide, intercept=wide),
        regression("unadjusted", terms=[Numeric("x")], centre=10.0, slope=wide, intercept=wide),
    ]
    printed = run(write(regressions, data_path="d.csv", question_text="x on y"), tmp_path)
    assert "398 of 400 rows are complete" in printed
    (one, correct), (other, naive) = effects(printed)
    assert one == other == "+1"
    complete = frame.dropna()
    assert correct == pytest.approx(least_squares(complete, "x", "z"), abs=0.02)
    assert naive == pytest.approx(least_squares(complete, "x"), abs=0.02)
    assert "Do not trust" not in printed


QUESTIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "two values": ("z -> {t y}; t -> y", "csv", {}),
    "binomial": (
        "h -> {t k}; t -> k",
        "parquet",
        {"family": "binomial", "trials": "n", "form": "t * h"},
    ),
    "pooled counts": (
        "{z s} -> {x c}; x -> c",
        "feather",
        {"family": "poisson", "form": "(1 | s) + offset(log(w))"},
    ),
}


def planned(graph: str, path: Path, options: dict[str, Any]) -> Plan:
    *_, exposure, _, outcome = graph.split()  # the arrow that is asked about comes last
    question = Dag(graph).question(exposure, outcome)
    form = parse_terms(options["form"]) if "form" in options else None
    names = columns_read(question, [form] if form else [], options.get("trials"))
    return plan(question, read_table(path, names), **{**options, "form": form})


def prepared(case: tuple[str, str, dict[str, Any]], folder: Path) -> Plan:
    """Write the data of a question in its format, and plan its answer."""
    graph, ending, options = case
    frame, path = kinds_data(200), folder / f"d.{ending}"
    frame.loc[[3, 30], "x"] = frame.loc[[5], "t"] = np.nan
    if ending == "csv":
        frame.to_csv(path, index=False, sep=";", decimal=",")
    else:
        getattr(frame, f"to_{ending}")(path)
    return planned(graph, path, options)


def assert_printed_as_here(printed: str, made: Plan) -> None:
    assert f"{made.table.rows} of 200 rows are complete" in printed
    # More than 400 effective draws, or the program says how many.
    drawn = min(map(int, re.findall(r"effective size (\d+)", printed)), default=400)
    found = iter(effects(printed))
    posteriors = sample(made.regressions, made.table, made.moments, seed=2)
    for reg in made.regressions:
        posterior = posteriors[reg.name]
        for ours in effects_of(reg, posterior, made.table, prob=0.89):
            label, mean = next(found)
            what = ours.contrast if ours.scale == "outcome" else f"{ours.contrast}, {ours.scale}"
            assert label == what
            # Five Monte Carlo sds of both, and the last digit printed.
            size = posterior.diagnostics.ess_bulk or 4000.0
            error = 5.0 * ours.sd * math.sqrt(1.0 / size + 1.0 / drawn)
            assert mean == pytest.approx(ours.mean, abs=error + 1e-3 * abs(ours.mean))
    assert next(found, None) is None


@pytest.mark.heavy
@pytest.mark.parametrize("case", QUESTIONS.values(), ids=QUESTIONS)
def test_a_program_prints_the_effects_that_are_found_here(
    case: tuple[str, str, dict[str, Any]], tmp_path: Path
) -> None:
    pytest.importorskip("pymc")
    made = prepared(case, tmp_path)
    printed = run(of_plan(made, data_path=f"d.{case[1]}"), tmp_path)
    assert_printed_as_here(printed, made)


@pytest.mark.heavy
def test_a_program_for_pymc3_prints_the_effects_that_are_found_here(tmp_path: Path) -> None:
    python = pymc3_python()
    made = prepared(QUESTIONS["two values"], tmp_path)
    program = of_plan(made, data_path="d.csv", dialect="pymc3", draws=2000)
    assert_printed_as_here(run(program, tmp_path, python), made)


def test_data_from_memory_need_a_file_for_the_program(tmp_path: Path) -> None:
    question = Dag("z -> {t y}; t -> y").question("t", "y")
    made = plan(question, read_table(kinds_data(), ["t", "y", "z"]))
    with pytest.raises(ModelError, match=r"no file \(DataFrame\).*data=PATH"):
        of_plan(made)
    program = of_plan(made, data_path=str(tmp_path / "d.parquet"))
    assert "read_parquet" in program
    assert '"1 - 0"' in program
    assert 'QUESTION = "direct effect of t on y"' in program
