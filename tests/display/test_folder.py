"""What ``--out`` leaves behind."""

from __future__ import annotations

import json
import shutil
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from pyarrow import parquet

from causal.display import folder
from causal.display.folder import write_folder
from causal.display.records import studies_record
from causal.display.report import page
from causal.errors import OutputError
from tests.display import studies


@pytest.fixture(params=studies.KINDS)
def study(request):
    return studies.KINDS[request.param]()


def test_the_folder_holds_numbers_report_picture_and_draws_under_fixed_names(study, tmp_path):
    place = tmp_path / "a" / "b"
    written = write_folder([study], place, command="causal run")
    names = ["result.json", "report.html", "dag.svg", "draws.parquet"]
    assert [path.name for path in written] == names
    assert sorted(place.iterdir()) == sorted(written)
    assert json.loads((place / "result.json").read_text()) == json.loads(
        json.dumps(studies_record([study]), allow_nan=False)
    )
    assert (place / "report.html").read_text("utf-8") == page([study], command="causal run")
    assert ET.parse(place / "dag.svg").getroot().tag.endswith("svg")


def test_every_draw_of_every_coefficient_is_there_with_its_names_as_data(study, tmp_path):
    write_folder([study], tmp_path)
    table = parquet.read_table(tmp_path / "draws.parquet")
    wanted = [(name, c) for name, fit in study.fits.items() for c in fit.draws.names]
    assert len(set(table.column_names)) == len(wanted) == table.num_columns
    for (model, coefficient), column in zip(wanted, table.schema, strict=True):
        told = {k.decode(): v.decode() for k, v in column.metadata.items()}
        assert told["model"] == model.replace("\ud800", "\\ud800")
        assert told["coefficient"] == coefficient
        assert column.name == f"{told['model']}.{coefficient}"
        drawn = study[model].draws
        chains = table[column.name].to_numpy().reshape(int(told["chains"]), -1)
        assert np.array_equal(chains, drawn.values(coefficient))


def test_two_studies_share_numbers_and_report_and_have_draws_and_picture_each(tmp_path):
    direct, total = studies.both()
    written = write_folder([direct, total], tmp_path)
    assert [path.name for path in written] == [
        *("result.json", "report.html", "dag-direct.svg", "draws-direct.parquet"),
        *("dag-total.svg", "draws-total.parquet"),
    ]
    assert set(json.loads(written[0].read_text())) == {"direct", "total"}
    for study in (direct, total):
        table = parquet.read_table(tmp_path / f"draws-{study.question.effect}.parquet")
        assert table["correct.x"].to_numpy().mean() == pytest.approx(
            study["correct"].effect.draws.mean()
        )


def test_columns_of_models_and_coefficients_whose_names_run_together_are_told_apart(tmp_path):
    study = studies.alone()
    fit = study["correct"]
    draws = replace(fit.draws, names=("b.c", "x", "sigma"), mixture=None)
    other = replace(fit.draws, names=("c", "x", "sigma"), mixture=None)
    both = {"a": replace(fit, draws=draws), "a.b": replace(fit, draws=other)}
    made = parquet.read_table(
        _file(tmp_path, folder._draws(replace(study, fits=MappingProxyType(both))))
    )
    assert made.column_names[0] == "a.b.c"
    assert made.column_names[3] == "a.b.c'"
    assert made.schema.field(3).metadata[b"model"] == b"a.b"


def test_samplers_that_drew_less_leave_the_end_of_their_columns_empty(tmp_path):
    study = studies.fork()
    fewer = replace(study["yours"].draws, draws=study["yours"].draws.draws[:, :3000], mixture=None)
    fits = {**study.fits, "yours": replace(study["yours"], draws=fewer)}
    table = parquet.read_table(
        _file(tmp_path, folder._draws(replace(study, fits=MappingProxyType(fits))))
    )
    assert table["yours.x"].null_count == 1000
    assert table["correct.x"].null_count == 0
    assert table["yours.x"][2999].as_py() == fewer.values("x")[0, 2999]


def _file(tmp_path, data):
    (tmp_path / "f.parquet").write_bytes(data)
    return tmp_path / "f.parquet"


def test_what_stood_there_is_replaced(tmp_path):
    (tmp_path / "result.json").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    write_folder([studies.alone()], tmp_path)
    assert json.loads((tmp_path / "result.json").read_text())["seed"] == 0
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_without_graphviz_there_is_all_but_the_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    written = write_folder([studies.alone()], tmp_path)
    assert [path.name for path in written] == ["result.json", "report.html", "draws.parquet"]
    assert "causal-workbench[draw]" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("where", ["file", "file/below", "nul\x00"])
def test_a_folder_that_cannot_be_made_says_why_and_what_to_do(tmp_path, where):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="Name one in a place that exists") as caught:
        write_folder([studies.alone()], tmp_path / where)
    assert str(caught.value).startswith("Cannot make the folder '")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_file_that_cannot_be_replaced_says_which(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match=r"Cannot write '.*report\.html': it is a directory"):
        write_folder([studies.alone()], tmp_path)
