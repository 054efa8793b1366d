"""Names of unknown origin go through everything and come out as data."""

from __future__ import annotations

import ast
import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from causal.graph.dag import Dag
from causal.models.script import model_code
from tests.cli import causal

NAMES = {
    "script tag": "<script>alert(1)</script>",
    "end of svg": "</svg><script>alert(1)</script>",
    "quotes": "a\"b'c`d",
    "newline": "a\nb",
    "carriage return": "a\rb",
    "colon": "a:b:c",
    "backslash": "a\\",
    "percent": "%s%n{0}{x}",
    "dollar": "$x^2$",
    "terminal": "a\x1b[31mred\x1b[0m",
    "right to left": "a\u202egnp.exe",
    "twin": "\ufb01eld",
    "comma": "a,b",
    "semicolon": "a;b",
    "arrow": "a -> b",
    "brackets": "g[a]",
    "formula": "y ~ x + z",
    "call": "__import__('os').system('true')",
    "path": "../../etc/passwd",
    "sql": "'; DROP TABLE users; --",
    "markup": "[bold red]x[/bold red]",
    "null word": "NA",
    "reserved": "sigma",
    "intercept": "intercept",
    "long": "x" * 10_000,
    "emoji": "🚬",
    "wide": "体重",
}


def written(folder: Path, evil: str) -> tuple[Path, Path]:
    """A fork whose common cause bears the name, as files."""
    random = np.random.default_rng(11)
    z = random.normal(size=40)
    rows = zip(z, z + random.normal(size=40), z + random.normal(size=40), strict=True)
    data = folder / "data.csv"
    with data.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([evil, "x", "y"])
        writer.writerows(rows)
    dag = folder / "graph.dag"
    dag.write_text(
        Dag(edges=[(evil, "x"), (evil, "y")], exposures=["x"], outcomes=["y"]).to_dagitty(),
        encoding="utf-8",
        newline="",
    )
    return dag, data


@pytest.mark.parametrize("evil", NAMES.values(), ids=NAMES)
def test_a_name_goes_from_file_to_answer_as_itself_and_does_no_harm(evil, tmp_path):
    dag, data = written(tmp_path, evil)
    out = tmp_path / "out"
    ran = causal("run", dag, data, "--json", "--out", out)
    assert ran.code == 0, ran.err
    assert ran.json["models"]["correct"]["adjust_for"] == [evil]
    assert {path.name for path in tmp_path.iterdir()} == {"data.csv", "graph.dag", "out"}

    told = causal("run", dag, data)
    assert told.code == 0
    controls = {c for c in told.out if not c.isprintable()} - {"\n"}
    assert not controls
    assert all(len(line) <= 100 for line in told.out.splitlines())

    explained = causal("explain", dag, "--json").json["effects"]["direct"]
    assert [v["name"] for v in explained["variables"]] == [evil]
    assert causal("check", dag, "--adjust", evil, "--adjust", evil, "--json").json["valid"]

    picture = tmp_path / "graph.svg"
    assert causal("draw", dag, "-o", picture, "--question").code == 0
    tags = {element.tag.split("}")[-1] for element in ElementTree.parse(picture).iter()}
    assert tags <= {"svg", "g", "title", "text", "path", "polygon", "polyline", "ellipse"}
    assert causal("draw", dag, "-o", tmp_path / "graph.png").code == 0

    report = (out / "report.html").read_text(encoding="utf-8")
    assert "<script" not in report
    assert json.loads((out / "result.json").read_text()) == _without_seconds(ran.json, out)


def _without_seconds(record: dict, out: Path) -> dict:
    """The record with the seconds of the other: the same run, written twice."""
    other = json.loads((out / "result.json").read_text())
    for name, model in record["models"].items():
        model["seconds"] = other["models"][name]["seconds"]
    return record


def quoted(name: str) -> str:
    """As a formula writes any name."""
    return "`" + name.replace("`", "``") + "`"


@pytest.mark.parametrize("evil", NAMES.values(), ids=NAMES)
def test_a_name_in_the_terms_of_a_model_is_a_name_and_nothing_else(evil, tmp_path):
    dag, data = written(tmp_path, evil)
    terms = f"poly({quoted(evil)}, 2) + x:{quoted(evil)}"
    ran = causal("run", dag, data, "--json", "--terms", terms, "--by", evil)
    assert ran.code == 0, ran.err
    assert len(ran.json["subgroups"]["correct"]) == 40
    correct = ran.json["models"]["correct"]
    assert correct["adjust_for"] == [evil]
    assert len(correct["coefficients"]) == 6  # intercept, x, two powers, a product, sigma
    assert causal("run", dag, data, "--terms", terms).code == 0


@pytest.mark.parametrize("dialect", ["pymc", "pymc3"])
@pytest.mark.parametrize("evil", NAMES.values(), ids=NAMES)
def test_a_written_program_holds_the_name_as_a_literal_only(evil, dialect, tmp_path):
    dag, data = written(tmp_path, evil)
    plain = causal("script", dag, data, "--dialect", dialect)
    assert plain.code == 0, plain.err
    tame_dag, tame_data = written(tmp_path, "z")
    tame = causal("script", tame_dag, tame_data, "--dialect", dialect).out
    tree = ast.parse(plain.out)

    def names(source):
        found = {n.id for n in ast.walk(source) if isinstance(n, ast.Name)}
        found |= {n.attr for n in ast.walk(source) if isinstance(n, ast.Attribute)}
        found |= {n.name for n in ast.walk(source) if isinstance(n, ast.FunctionDef)}
        return found | {n.arg for n in ast.walk(source) if isinstance(n, ast.arg | ast.keyword)}

    assert names(tree) == names(ast.parse(tame))
    assert evil in {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    # Nor in a comment, where a line break would end it.
    comments = [
        line.partition("#")[2] for line in plain.out.splitlines() if line.lstrip()[:1] == "#"
    ]
    assert comments == [
        line.partition("#")[2] for line in tame.splitlines() if line.lstrip()[:1] == "#"
    ]


@pytest.mark.parametrize("evil", NAMES.values(), ids=NAMES)
def test_a_generated_program_holds_the_name_as_a_literal_only(evil, tmp_path):
    _, data = written(tmp_path, evil)
    question = Dag(edges=[(evil, "x"), (evil, "y")]).question("x", "y")
    study = question.run(str(data))
    tree = ast.parse(model_code(study["correct"].regression))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert names <= {"data", "pm", "model", "intercept", "x1", "x2", "b1", "b2", "mu", "sigma"} | {
        "float"
    }
    literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert evil in literals
