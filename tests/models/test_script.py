"""Regressions as stand-alone programs: they run without this package, and names stay data."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from causal.data.table import read_table
from causal.errors import ModelError
from causal.models.priors import Distribution, Priors
from causal.models.pymc_model import build
from causal.models.regression import Categorical, Family, Numeric, Regression, Term
from causal.models.script import literal, model_code, write

NORMAL = Distribution("Normal", (0.0, 2.5))
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
) -> Regression:
    numeric = sum(isinstance(term, Numeric) for term in terms)
    priors = Priors(
        intercept,
        (centre,) * numeric,
        (slope,) * numeric,
        (NORMAL,) * (len(terms) - numeric),
        Distribution("Exponential", (1.0,)) if family == "gaussian" else None,
    )
    exposure = terms[0].variable if terms else None
    return Regression(name, outcome, exposure, tuple(terms), family, priors)


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


@pytest.mark.parametrize("regressions", MODELS.values(), ids=MODELS)
def test_a_program_is_python_that_fits_on_a_screen(regressions: list[Regression]) -> None:
    program = write(regressions, data_path="d.csv", question_text="direct effect of x on y")
    compile(program, "program.py", "exec")
    assert max(map(len, program.splitlines())) <= 100
    assert "causal" not in re.findall(r"^\s*(?:import|from)\s+(\w+)", program, re.MULTILINE)
    assert program.endswith("\n")
    assert "\n\n\n\n" not in program


@pytest.mark.parametrize("where", ["x", "y", "g", "label", "model", "path", "question"])
@pytest.mark.parametrize("name", HOSTILE, ids=lambda n: ascii(n)[:20])
def test_names_are_string_literals_and_nothing_else(name: str, where: str) -> None:
    def program(called: str) -> str:
        is_ = {where: called}
        levels = ("a", is_.get("label", "b"), "c")
        terms = [Numeric(is_.get("x", "x")), Categorical(is_.get("g", "g"), levels)]
        outcome = is_.get("y", "y")
        regressions = [
            regression(is_.get("model", "correct"), outcome, terms, centre=2.0),
            regression("other", outcome, terms[::-1], family="bernoulli"),
        ]
        return write(
            regressions,
            data_path=is_.get("path", "d.csv"),
            question_text=is_.get("question", "x on y"),
        )

    hostile, tame = program(name), program("tame")
    (tree, strings), (tame_tree, tame_strings) = strings_of(hostile), strings_of(tame)
    if where == "model":  # only a name of ours gives a function its name
        tame_tree = strings_of(program("other name"))[0]
    assert ast.dump(tree) == ast.dump(tame_tree), "the program is the same but for its strings"
    assert len(strings) == len(tame_strings)
    if where in ("x", "y", "g", "label", "path"):
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
    with pytest.raises(ModelError, match=r"'stan'.*pymc"):
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


def run(program: str, folder: Path) -> str:
    """What the program prints; it runs alone, with no way to reach this package."""
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error::FutureWarning", path.name],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
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


MESSY = """ x ,z,g,y,b
1.5,2,1 ,3.5,0
NA,2,2,3.5,1
2.5,,2,1e1,1
3.5,4,10,nan,1
4.5,"5",10,0.5,1
5.5,6,2,-1,#N/A
6.5,7,2,-1.25,0
"""


def test_a_program_fits_the_rows_and_labels_that_are_fitted_here(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(MESSY)
    regressions = [
        regression(terms=[Numeric("x"), G, Numeric("z")]),
        regression("risk", "b", [Numeric("x")], family="bernoulli"),
    ]
    scope = loaded(write(regressions, data_path=str(tmp_path / "d.csv")))
    read = scope["read"]()
    ours = read_table(tmp_path / "d.csv", ["x", "z", "g", "y", "b"], categorical=["g"])
    ours = ours.complete(["x", "z", "g", "y", "b"])
    assert len(read) == ours.rows == 3
    for name in ("x", "z", "y", "b"):
        assert read[name].tolist() == ours[name].values.tolist()  # noqa: PD011 -- no pandas
    assert scope["step"](pd.Series([3, 0, 3])) == (0.0, 3.0)
    low, high = scope["step"](read["x"])
    assert (high - low).tolist() == [1.0, 1.0, 1.0]
    codes = scope["codes"](read["g"], list(ours["g"].levels))
    assert codes.tolist() == ours["g"].values.tolist()  # noqa: PD011 -- no pandas


@pytest.mark.parametrize("name", ["centred", "category", "logistic", "without intercept"])
def test_the_model_of_a_program_is_the_model_that_is_built_here(name: str) -> None:
    frame = data(60).dropna()
    kept = [r for r in MODELS[name] if r.terms]
    scope = loaded(write(kept, data_path="d.csv"))
    for reg, entry in zip(kept, scope["MODELS"], strict=True):
        theirs = entry[2](frame)
        ours = build(
            reg, read_table(frame, list(reg.variables), categorical=set("g") & set(reg.variables))
        )
        names = [value.name for value in ours.value_vars]
        assert sorted(names) == sorted(value.name for value in theirs.value_vars)
        for seed in range(2):
            start = ours.initial_point(seed)
            point = {n: np.asarray(v) + 0.1 * (seed + 1) for n, v in start.items()}
            ours_logp = ours.compile_logp()(point)
            assert float(theirs.compile_logp()(point)) == pytest.approx(float(ours_logp), rel=1e-9)


def least_squares(frame: pd.DataFrame, *columns: str) -> float:
    design = np.column_stack([np.ones(len(frame)), *(frame[c] for c in columns)])
    return float(np.linalg.lstsq(design, frame["y"], rcond=None)[0][1])


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


@pytest.mark.heavy
def test_a_program_with_categories_and_probabilities_runs_alone(tmp_path: Path) -> None:
    pytest.importorskip("pymc")
    frame = data().dropna()
    frame.to_parquet(tmp_path / "d.parquet")
    frame.to_csv(tmp_path / "d.csv", index=False)
    regressions = [
        regression("everything", terms=[G, Numeric("x"), Numeric("z")]),
        regression("risk", "b", [Numeric("x")], family="bernoulli"),
        regression("risk by group", "b", [G, Numeric("x")], family="bernoulli"),
        regression("alone", terms=[]),
    ]
    for name, form in (("d.csv", "csv"), ("d.parquet", "parquet")):
        printed = run(write(regressions, data_path=name, data_format=form), tmp_path)  # type: ignore[arg-type]
        found = effects(printed)
        assert [label for label, _ in found] == [
            "2 - 1", "10 - 1", "risk difference", "2 - 1", "10 - 1",
        ]  # fmt: skip
        assert found[0][1] == pytest.approx(1.0, abs=0.4)
        assert found[1][1] == pytest.approx(0.0, abs=0.4)
        # The slope of the true curve, averaged over the rows.
        p = 1 / (1 + np.exp(-(frame["x"] - 10) / 3))
        q = 1 / (1 + np.exp(-(frame["x"] - 9) / 3))
        assert found[2][1] == pytest.approx(float((q - p).mean()), abs=0.03)
