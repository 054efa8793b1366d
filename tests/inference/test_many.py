"""Many fits: the same answers wherever they are made, and what is finished survives."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from causal.data.table import CountedTable, read_table
from causal.errors import InferenceError, MissingPart, ModelError, OutputError
from causal.graph.dag import Dag
from causal.inference import kept, many, workers
from causal.inference.kept import Folder
from causal.inference.many import Task, fit_many
from causal.inference.posterior import Diagnostics, Posterior
from causal.inference.select import sample
from causal.models.generator import plan
from causal.models.priors import Distribution, PriorChoice

ROOT = Path(__file__).parents[2]
DAG = Dag("x <- z -> y; x -> y; g -> y")


def planned(seed=0, *, rows=60, binary=False, edit=None, **priors):
    random = np.random.default_rng(seed)
    x, z = random.normal(size=(2, rows))
    y = x + z + random.normal(size=rows)
    data = {"x": x, "z": z, "y": (y > 0) * 1.0 if binary else y, "g": ["a", "b", "c"] * (rows // 3)}
    if edit:
        edit(data)
    choice = PriorChoice("default", {k: Distribution(*v) for k, v in priors.items()})
    return plan(DAG.question("x", "y"), read_table(data, list(data)), prior_choice=choice)


def task(seed=0, *, moments=True, model="correct", own_seed=None, **how):
    made = planned(seed, **how)
    [regression] = [one for one in made.regressions if one.name == model]
    return Task(regression, made.table, made.moments if moments else None, own_seed)


TASKS = [task(seed, moments=seed % 2 == 0) for seed in range(5)]


def draws(results):
    return [one.posterior.draws.tobytes() for one in results]


@pytest.fixture
def fitted(monkeypatch):
    """The formulas and seeds of the fits that are really made."""
    made = []

    def counted(regressions, *given, **how):
        made.append(how["seed"])
        return sample(regressions, *given, **how)

    monkeypatch.setattr(many, "sample", counted)
    return made


# What comes out


def test_results_come_in_the_order_of_the_tasks_and_are_those_of_the_sampler():
    made = planned()
    tasks = [Task(one, made.table, made.moments, seed=7) for one in made.regressions]
    results = list(fit_many(tasks, draws=200))
    alone = sample(made.regressions, made.table, made.moments, draws=200, seed=7)
    assert [one.task.regression.name for one in results] == list(alone)
    assert draws(results) == [one.draws.tobytes() for one in alone.values()]
    assert all(one.error is None and not one.taken_up for one in results)


def test_a_task_without_a_seed_has_one_of_its_own_that_follows_from_the_common_one():
    same = [TASKS[0]] * 3
    first, again, other = (draws(fit_many(same, draws=100, seed=s)) for s in (1, 1, 2))
    assert first == again
    assert len({*first, *other}) == 6


def test_a_fit_does_not_depend_on_what_is_made_beside_it():
    fixed = replace(TASKS[1], seed=3)
    [alone] = draws(fit_many([fixed], draws=100))
    assert draws(fit_many([TASKS[0], fixed, TASKS[2]], draws=100))[1] == alone


def test_the_statistic_is_made_where_it_is_not_given():
    given, made = (fit_many([task(4, moments=m, own_seed=1)], draws=100) for m in (True, False))
    np.testing.assert_allclose(next(made).posterior.draws, next(given).posterior.draws, rtol=1e-9)


def test_an_error_is_the_result_of_its_task_and_costs_the_others_nothing(monkeypatch):
    def failing(regressions, *given, **how):
        if regressions[0].family == "bernoulli":
            raise ZeroDivisionError("by \x1b[31mnothing")
        return sample(regressions, *given, **how)

    tasks = [TASKS[0], task(binary=True), TASKS[1]]
    first, wrong, last = fit_many(tasks, asked="exact", draws=100)
    assert wrong.posterior is None
    assert "The sampler exact cannot sample the model" in str(wrong.error)
    exact = task(0, own_seed=3), task(2, own_seed=3)
    assert draws(fit_many(exact, draws=100)) == [
        one.posterior.draws.tobytes()
        for one in fit_many([exact[0], task(binary=True), exact[1]], asked="exact", draws=100)
        if one.posterior
    ]

    monkeypatch.setattr(many, "sample", failing)
    first, wrong, last = fit_many(tasks, draws=100)
    assert "not foreseen (ZeroDivisionError: by \\x1b[31mnothing)" in str(wrong.error)
    assert first.posterior is not None and last.posterior is not None


def test_progress_is_told_of_what_takes_its_time_and_ends_at_one(tmp_path, monkeypatch):
    next(fit_many(TASKS, draws=100, keep=tmp_path))
    clock = iter(range(0, 1_000, 2))
    monkeypatch.setattr(many, "monotonic", lambda: next(clock))
    told = []
    list(fit_many(TASKS, draws=100, keep=tmp_path, progress=lambda *one: told.append(one)))
    assert told == [("fitting 4 models", share) for share in (0.25, 0.5, 0.75, 1.0)]
    monkeypatch.undo()
    list(fit_many(TASKS[:1], draws=100, progress=lambda *one: told.append(one)))
    assert len(told) == 4  # what is done within a second goes without saying


def test_no_task_is_no_result():
    assert list(fit_many([])) == []


def test_few_exact_fits_start_no_process(monkeypatch):
    monkeypatch.setattr(workers, "on_processes", None)
    assert len(list(fit_many(TASKS, draws=100, jobs=2))) == 5
    monkeypatch.setattr(many, "MANY", 5)
    with pytest.raises(TypeError):
        list(fit_many(TASKS, draws=100, jobs=2))


@pytest.mark.parametrize("jobs", [0, -2])
def test_jobs_that_make_no_sense_are_refused(jobs):
    with pytest.raises(
        InferenceError, match=f"--jobs {jobs} makes no sense: give 1 or more, or -1"
    ):
        fit_many(TASKS, jobs=jobs)


def test_a_negative_seed_is_refused():
    with pytest.raises(InferenceError, match="The seed -1 is negative"):
        fit_many(TASKS, seed=-1)


@pytest.mark.parametrize(
    ("library", "option"),
    [
        ("joblib", {"jobs": 2}),
        ("joblib", {"cluster": "tcp://127.0.0.1:8786"}),
        ("distributed", {"cluster": "tcp://127.0.0.1:8786"}),
    ],
    ids=["jobs", "cluster", "distributed"],
)
def test_what_is_not_installed_is_named(monkeypatch, option, library):
    monkeypatch.setattr(many, "MANY", 0)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingPart, match=rf"{library}.*pip install 'causal-workbench\[cluster\]'"):
        next(fit_many(TASKS, **option))


def test_a_worker_of_another_version_refuses():
    order = many._Order.of(TASKS[0], 0, "auto", 100, 0, None)
    assert isinstance(many._fit(order), Posterior)
    error = many._fit(replace(order, version="0.0.1"))
    assert isinstance(error, InferenceError)
    assert "was sent work by 0.0.1. Install the same version on both" in str(error)


def test_a_worker_is_sent_what_the_fit_reads_and_no_more():
    unneeded = planned()
    [alone] = [one for one in unneeded.regressions if one.name == "unadjusted"]
    exact = many._Order.of(Task(alone, unneeded.table, unneeded.moments), 0, "auto", 100, 0, None)
    assert len(exact.sent(0)) == 2  # the statistic says it all
    assert len(exact.moments.names) == 2
    rows = many._Order.of(Task(alone, unneeded.table), 0, "auto", 100, 0, None)
    number, bare, *values = rows.sent(5)
    assert number == 5
    assert {*rows.table.columns} == {"x", "y"}
    assert all(column.values.size == 0 for column in bare.table.columns.values())
    assert all(
        mine is unneeded.table[n].values for n, mine in zip(bare.table.columns, values, strict=True)
    )
    found = many._fit_sent(*rows.sent(5))
    assert found[0] == 5
    assert found[1].draws.tobytes() == many._fit(rows).draws.tobytes()


# What is kept


def test_a_second_run_takes_up_what_is_kept(tmp_path, fitted):
    first = list(fit_many(TASKS, draws=100, keep=tmp_path))
    assert len(fitted) == 5
    second = list(fit_many(TASKS, draws=100, keep=tmp_path))
    assert len(fitted) == 5
    assert draws(first) == draws(second)
    assert [one.taken_up for one in first + second] == [False] * 5 + [True] * 5


def test_a_run_that_ends_early_is_taken_up_where_it_ended(tmp_path, fitted):
    results = fit_many(TASKS, draws=100, keep=tmp_path)
    next(results), next(results)
    results.close()
    assert len(fitted) == 2
    again = list(fit_many(TASKS, draws=100, keep=tmp_path))
    assert len(fitted) == 5
    assert [one.taken_up for one in again] == [True, True, False, False, False]
    assert draws(again) == draws(fit_many(TASKS, draws=100))


def test_errors_are_not_kept(tmp_path, monkeypatch):
    broken = [replace(TASKS[0], seed=1)]

    def failing(*_, **__):
        raise ModelError("no")

    with monkeypatch.context() as patch:
        patch.setattr(many, "sample", failing)
        [result] = fit_many(broken, draws=100, keep=tmp_path)
    assert str(result.error) == "no"
    assert [*tmp_path.iterdir()] == []
    [result] = fit_many(broken, draws=100, keep=tmp_path)
    assert result.posterior is not None


def test_a_part_of_a_fit_is_not_kept(tmp_path, monkeypatch):
    """NUTS gives what it has drawn when it is interrupted."""
    from causal.inference.nuts import interrupted

    def part(regressions, *given, **how):
        found = sample(regressions, *given, **how)
        if how["seed"] == 2:
            told = Diagnostics(problems=(interrupted(100, 4000),))
            found = {name: replace(one, diagnostics=told) for name, one in found.items()}
        return found

    monkeypatch.setattr(many, "sample", part)
    tasks = [task(seed, own_seed=seed + 1) for seed in range(3)]
    results = fit_many(tasks, draws=100, keep=tmp_path)
    next(results)
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert len([*tmp_path.iterdir()]) == 1


HOSTILE = Posterior(
    names=("intercept", 'x"\n\x00', "\udc80", "g[ä]"),
    draws=np.array([[[0.1, -0.0, np.nextafter(1.0, 2.0), 1e-308]] * 3] * 2),
    sampler="nuts",
    diagnostics=Diagnostics(1.001, 4000.5, 3999.25, 2, 0.3, ("rhat: R-hat is 1.2", "x")),
    seconds=0.1 + 0.2,
)


def same(left, right):
    for field in fields(left):
        mine, theirs = getattr(left, field.name), getattr(right, field.name)
        if hasattr(mine, "__dataclass_fields__"):
            same(mine, theirs)
        elif isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype and mine.shape == theirs.shape
            assert mine.tobytes() == theirs.tobytes()
        else:
            assert mine == theirs and type(mine) is type(theirs)


def posterior(**how):
    [found] = fit_many([task(**how)], draws=20)
    return found.posterior


@pytest.mark.parametrize(
    "what",
    [
        posterior(),
        posterior(
            rows=3,
            slope=("Flat", ()),
            intercept=("Normal", (0.0, 1.0)),
            sigma=("Exponential", (1.0,)),
            level=("Normal", (0.0, 1.0)),
        ),
        HOSTILE,
    ],
    ids=["exact", "infinite variance", "hostile"],
)
def test_what_is_read_is_what_was_written(tmp_path, what):
    folder = Folder(tmp_path / "new" / "folder")
    folder.write("k", TASKS[0].regression, what)
    assert folder.holds("k")
    same(folder.read("k"), what)


def test_the_files_are_plain(tmp_path):
    list(fit_many(TASKS[:1], draws=100, keep=tmp_path))
    [path] = tmp_path.iterdir()
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["draws"].shape == (1, 100, 7)
        about = json.loads(arrays["about.json"])
    assert about["formula"] == TASKS[0].regression.formula
    assert about["names"] == list(TASKS[0].regression.coefficient_names)
    assert f"{about['digest']}.npz" == path.name


def test_a_damaged_file_is_made_anew_with_a_note(tmp_path, fitted):
    whole = list(fit_many(TASKS[:2], draws=100, keep=tmp_path))
    [path] = [
        p
        for p in tmp_path.iterdir()
        if p.stem == many._Order.of(TASKS[1], 1, "auto", 100, 0, None).key
    ]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    again = list(fit_many(TASKS[:2], draws=100, keep=tmp_path))
    assert len(fitted) == 3
    assert [one.taken_up for one in again] == [True, False]
    assert again[0].note is None
    assert again[1].note == (
        f"The fit of 'correct' kept in '{tmp_path}' is damaged, and was made anew."
    )
    assert draws(again) == draws(whole)
    assert path.read_bytes() != data[: len(data) // 2]
    assert [one.note for one in fit_many(TASKS[:2], draws=100, keep=tmp_path)] == [None, None]


def test_no_damage_is_taken_for_a_fit(tmp_path):
    """Bytes changed and files cut short: nothing, or what was written to the last bit."""
    folder = Folder(tmp_path)
    folder.write("k", TASKS[0].regression, HOSTILE)
    path = tmp_path / "k.npz"
    data = path.read_bytes()
    missed = 0
    places = range(0, len(data), 3)
    for place in places:
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        if (found := folder.read("k")) is not None:
            same(found, HOSTILE)
            missed += 1
        if place % 4 == 0:
            path.write_bytes(data[:place])
            assert folder.read("k") is None
    assert missed < 0.15 * len(places)  # dates and attributes, which say nothing
    path.unlink()
    path.mkdir()
    assert folder.read("k") is None


def rewritten(path, edit):
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    about = json.loads(parts["about.json"])
    edit(about, parts)
    parts["about.json"] = json.dumps(about).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, part in parts.items():
            file.writestr(name, part)


def pickled(_, parts):
    import io

    target = io.BytesIO()
    np.save(target, np.array([print], dtype=object), allow_pickle=True)
    parts["draws.npy"] = target.getvalue()


@pytest.mark.parametrize(
    "edit",
    [
        lambda about, _: about.update(format=kept.FORMAT + 1),
        lambda about, _: about.update(digest="another"),
        lambda about, _: about.pop("names"),
        lambda about, _: about.update(names=None),
        lambda about, _: about["diagnostics"].update(new=1),
        lambda about, _: about.update(finite_variance=True),
        lambda _, parts: parts.pop("draws.npy"),
        pickled,
    ],
    ids=[
        *("format", "digest", "without names", "no names", "another check", "half a mixture"),
        *("without draws", "pickled"),
    ],
)
def test_a_file_of_another_fit_or_format_is_not_taken_up(tmp_path, edit):
    folder = Folder(tmp_path)
    folder.write("k", TASKS[0].regression, HOSTILE)
    assert folder.read("k") is not None
    rewritten(tmp_path / "k.npz", edit)
    assert folder.read("k") is None


def test_a_full_disk_is_one_message_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    whole = Path.write_bytes

    def full(self, data):
        if len([*tmp_path.glob("*.npz")]) < 2:
            return whole(self, data)
        whole(self, data[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError) as caught:
            list(fit_many(TASKS, draws=100, keep=tmp_path))
    assert str(caught.value) == (
        f"Cannot keep the fit of 'correct' in '{tmp_path}': No space left on device. 2 of 5 fits "
        f"are done and kept in '{tmp_path}' ('correct'): run the same again to go on with the rest."
    )
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz"}
    assert len([*tmp_path.iterdir()]) == 2
    results = list(fit_many(TASKS, draws=100, keep=tmp_path))
    assert [one.taken_up for one in results] == [True, True, False, False, False]


LIMITED = """
import resource, sys
from tests.inference.test_many import TASKS
from causal.inference.many import fit_many
from causal.errors import OutputError
list(fit_many(TASKS[:1], draws=100, keep=sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    list(fit_many(TASKS[:2], draws=100, keep=sys.argv[1]))
except OutputError as error:
    print(error)
"""


def test_a_disk_that_takes_a_part_of_a_file_only(tmp_path):
    """A real one: the system itself stops writing within the file."""
    pytest.importorskip("resource")
    told = run(LIMITED, str(tmp_path))
    assert "Cannot keep the fit of 'correct'" in told and "1 of 2 fits is done and kept" in told
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_a_folder_that_cannot_be_is_refused_before_anything_is_fitted(tmp_path, fitted):
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file", tmp_path / "file" / "below", "a\0b"):
        with pytest.raises(OutputError, match=r"Cannot make the folder .* Name one in a place"):
            fit_many(TASKS, keep=wrong)
    assert fitted == []


def test_a_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root may all
    with pytest.raises(OutputError, match="it is not yours to write to"):
        fit_many(TASKS, keep=tmp_path)


# What decides a fit


def key(what, *, asked="auto", number=100, seed=1):
    return many._Order.of(replace(what, seed=seed), 0, asked, number, 0, None).key


def test_what_decides_nothing_does_not_change_the_digest():
    first = key(TASKS[0])
    assert key(TASKS[0]) == first
    assert key(task(0)) == first
    assert key(TASKS[0], asked="exact") == first
    renamed = replace(TASKS[0], regression=replace(TASKS[0].regression, name="mine"))
    assert key(renamed) == first
    elsewhere = replace(TASKS[0].table.source, name="another file")
    assert key(replace(TASKS[0], table=replace(TASKS[0].table, source=elsewhere))) == first
    alone = task(0, moments=False)
    columns = {**alone.table.columns, "more": alone.table["x"]}
    wider = replace(alone.table, columns=MappingProxyType(columns))
    assert key(replace(alone, table=wider)) == key(alone)


def nudged(data):
    data["x"][7] = np.nextafter(data["x"][7], 9.0)


def reordered(data):
    data["x"] = data["x"][::-1].copy()


def relabelled(data):
    data["g"] = ["d" if label == "c" else label for label in data["g"]]


@pytest.mark.parametrize("moments", [True, False])
def test_whatever_decides_a_fit_changes_the_digest(moments):
    first = task(0, moments=moments)
    others = [
        task(0, moments=moments, edit=reordered),
        task(0, moments=moments, edit=relabelled),
        task(0, moments=moments, model="unadjusted"),
        task(0, moments=moments, x=("Normal", (0.0, 0.5))),
        task(0, moments=moments, x=("Normal", (0.0, np.nextafter(0.5, 1.0)))),
        task(0, moments=moments, sigma=("Exponential", (1.0,))),
        task(0, moments=moments, rows=57),
        task(0, moments=moments, binary=True),
    ]
    if not moments:  # the least bit of a row need not show in the sums
        others.append(task(0, moments=False, edit=nudged))
    keys = [key(one) for one in (first, *others)]
    keys += [key(first, asked="nuts"), key(first, number=101), key(first, seed=2)]
    assert len({*keys}) == len(keys) == len(others) + 4


def test_each_number_of_the_statistic_changes_the_digest():
    whole = TASKS[0].moments
    changed = [whole, replace(whole, rows=whole.rows + 1)]
    for part in ("centre", "triangle"):
        values = getattr(whole, part).copy()
        values[..., -1] = np.nextafter(values[..., -1], 9.0)
        changed.append(replace(whole, **{part: values}))
    assert len({key(replace(TASKS[0], moments=one)) for one in changed}) == 4


def test_what_the_codes_of_a_category_stand_for_changes_the_digest():
    alone = task(0, moments=False)
    g = replace(alone.table["g"], levels=("b", "a", "c"))
    table = replace(alone.table, columns=MappingProxyType({**alone.table.columns, "g": g}))
    assert key(replace(alone, table=table)) != key(alone)


def test_rows_that_stand_for_several_change_the_digest():
    alone = task(0, moments=False)
    table = alone.table

    def counted(counts):
        return CountedTable(table.source, table.rows, table.columns, np.asarray(counts, float))

    once = counted(np.ones(table.rows))
    twice = counted(np.full(table.rows, 2.0))
    found = {key(replace(alone, table=one)) for one in (table, once, twice)}
    assert len(found) == 3


def test_the_versions_of_what_draws_are_in_the_digest(monkeypatch):
    first = [key(TASKS[0]), key(TASKS[0], asked="nuts")]
    with monkeypatch.context() as patch:
        patch.setattr("causal.__version__", "9.9.9")
        assert not {*first} & {key(TASKS[0]), key(TASKS[0], asked="nuts")}
    monkeypatch.setattr("importlib.metadata.version", lambda name: "9.9.9")
    assert key(TASKS[0]) == first[0]  # the exact sampler draws by numpy alone
    assert key(TASKS[0], asked="nuts") != first[1]


def test_nothing_in_a_regression_is_hidden_from_its_digest():
    """The digest reads the `repr`: no part may leave itself out of it."""
    seen, todo = set(), [TASKS[0].regression]
    while todo:
        one = todo.pop()
        if isinstance(one, tuple):
            todo += one
        elif hasattr(one, "__dataclass_fields__"):
            assert all(field.repr for field in fields(one))
            assert type(one).__repr__ is not object.__repr__
            assert repr(one).startswith(f"{type(one).__name__}(")
            seen.add(type(one).__name__)
            todo += [getattr(one, field.name) for field in fields(one)]
    assert {"Regression", "Priors", "Distribution", "Numeric", "Categorical"} <= seen


# Clusters that are none


@pytest.mark.parametrize(
    "address",
    [
        *("", "tcp://", "tcp://host", "host:8786", "tcp://host:", "tcp://host:0", "tcp://h:65536"),
        *("tcp://host:8786/x", "http://host:8786", "tcp://:8786", "tcp://a b:1", "tcp://h:1\n"),
        *("inproc://x", "tcp://u:p@host:1", "tcp://:::1:2", "tcp://host:８７８６"),
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_fitted(address):
    with pytest.raises(
        InferenceError, match=r"is no address of a Dask scheduler. Write tcp://HOST"
    ):
        fit_many(TASKS, cluster=address)


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.5:8786", "tls://scheduler.lab:1", "tcp://[::1]:65535", "tcp://h:1/"]
)
def test_an_address_is_an_address(address):
    workers.check_address(address)


SILENT = """
import socket, sys, threading, time
import causal.inference.workers as workers
from tests.inference.test_many import TASKS
from causal.inference.many import fit_many
from causal.errors import InferenceError
workers.ANSWER = 1.0
closed, silent, chatty = (socket.socket() for _ in range(3))
for one in (closed, silent, chatty):
    one.bind(("127.0.0.1", 0))
silent.listen(), chatty.listen()
def chat():
    while True:
        there, _ = chatty.accept()
        there.sendall(b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n" * 9)
threading.Thread(target=chat, daemon=True).start()
import distributed
for one in (closed, silent, chatty):
    began = time.monotonic()
    try:
        next(fit_many(TASKS, cluster=f"tcp://127.0.0.1:{one.getsockname()[1]}"))
    except InferenceError as error:
        print(error, time.monotonic() - began < 4.0)
"""


@pytest.mark.heavy
def test_what_does_not_answer_as_a_scheduler_is_one_message_within_seconds():
    pytest.importorskip("distributed")
    told = run(SILENT)
    assert told.count("No Dask scheduler answers at 'tcp://127.0.0.1:") == 3
    assert told.count("`dask worker`. True") == 3
    assert len(told.splitlines()) == 3


# In earnest: processes, clusters, and their ends


def run(program, *given, seconds=120):
    """What a program of its own prints, standard error included."""
    done = subprocess.run(
        [sys.executable, "-c", program, *given],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


SAME = """
import hashlib
import causal.inference.many as many
from tests.inference.test_many import TASKS, big, task, wide
from distributed import LocalCluster
def told(name, tasks, **where):
    found = many.fit_many(tasks, draws=400, seed=3, **where)
    print(name, *(hashlib.sha256(f.posterior.draws.tobytes()).hexdigest() for f in found))
if __name__ == "__main__":
    tasks = [*TASKS, big(), big(), wide(), task(binary=True), task(binary=True, model="unadjusted")]
    moves = [TASKS[0]]
    told("here", tasks)
    told("nuts-here", moves, asked="nuts")
    many.MANY = 0
    told("two", tasks, jobs=2)
    told("all", tasks, jobs=-1)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        told("cluster", tasks, cluster=cluster.scheduler_address)
        told("nuts-cluster", moves, asked="nuts", cluster=cluster.scheduler_address)
"""


def big():
    """Columns large enough to be sent to workers in other ways than small ones."""
    return task(rows=300_000, moments=False)


def wide():
    """So many columns that linear algebra would take several threads, and sum in another order."""
    random = np.random.default_rng(0)
    names = [f"z{place}" for place in range(190)]
    data = dict(zip(names, random.normal(size=(190, 2000)), strict=True))
    data |= {"x": random.normal(size=2000), "y": random.normal(size=2000)}
    dag = Dag("x -> y; " + "; ".join(f"x <- {name} -> y" for name in names))
    made = plan(dag.question("x", "y"), read_table(data, list(data)))
    return Task(made.regressions[0], made.table)


@pytest.mark.heavy
def test_draws_are_the_same_bit_for_bit_here_by_processes_and_on_a_cluster():
    pytest.importorskip("distributed")
    pytest.importorskip("nutpie")
    lines = run(SAME, seconds=400).splitlines()
    found = {name: rest for name, *rest in (line.split() for line in lines)}
    assert len(found["here"]) == 10
    assert len({*found["here"]}) == 10
    assert found["two"] == found["all"] == found["cluster"] == found["here"]
    assert found["nuts-cluster"] == found["nuts-here"]


THREADS = """
import hashlib
from tests.inference.test_many import wide
from causal.inference.many import fit_many
[one] = fit_many([wide()], seed=1)
print(hashlib.sha256(one.posterior.draws.tobytes()).hexdigest())
"""


@pytest.mark.heavy
def test_draws_are_the_same_however_many_threads_linear_algebra_may_take(monkeypatch):
    pytest.importorskip("threadpoolctl")
    found = set()
    for number in ("1", "2"):
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", number)
        found.add(run(THREADS))
    assert len(found) == 1


# Whoever is sent this dies, unless it is the one who made it or the scheduler, who looks into it.
BOMB = """
import os, signal, sys
def explode(spared):
    if os.getpid() not in spared:
        os.kill(os.getpid(), signal.SIGKILL)
    return Bomb("bomb")
class Bomb(str):
    def __reduce__(self):
        return explode, ((os.getpid(),),)
from dataclasses import replace
import causal.inference.many as many
from causal.errors import CausalError
from tests.inference.test_many import TASKS
def tell(tasks, **how):
    number = 0
    try:
        for number, one in enumerate(many.fit_many(tasks, draws=100, **how), 1):
            if one.error:
                print(number, one.error)
    except CausalError as error:
        print(error)
    print(number, "results")
def bombed(at=3):
    tasks = [*TASKS, *TASKS]
    tasks[at] = replace(tasks[at], regression=replace(tasks[at].regression, name=Bomb("bomb")))
    return tasks
many.MANY = 0
"""

KILLED = (
    BOMB
    + """
if __name__ == "__main__":
    tell(bombed(), jobs=2, keep=sys.argv[1])
    many.MANY = 500
    tell([*TASKS, *TASKS], jobs=2, keep=sys.argv[1])
"""
)


def test_a_killed_worker_is_one_message_and_costs_no_finished_fit(tmp_path):
    pytest.importorskip("joblib")
    told = run(KILLED, str(tmp_path)).splitlines()
    assert len(told) == 3, told
    finished = int(told[0].split(" of 10 fits ")[0].rpartition(" ")[2])
    assert told[0].startswith("A worker process was killed by SIGKILL, which mostly means")
    assert f"and kept in '{tmp_path}'" in told[0]
    assert told[0].endswith("run the same again to go on with the rest.")
    assert told[2] == "10 results"
    # No more were made in the second run than the first had not.
    times = sorted(path.stat().st_mtime_ns for path in tmp_path.iterdir())
    assert len(times) == 10
    assert int(told[1].split()[0]) <= finished < 10


CLUSTER_KILLED = (
    BOMB
    + """
import dask
from distributed import LocalCluster
from causal.inference import workers
workers.TOGETHER = 4
# Several fits wait at the one worker, where Dask blames those that wait behind the bomb too.
dask.config.set({"distributed.scheduler.worker-saturation": "inf"})
if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None,
                      silence_logs=60) as cluster:
        tell(bombed(0), cluster=cluster.scheduler_address, keep=sys.argv[1])
"""
)


@pytest.mark.heavy
def test_a_fit_that_kills_the_workers_of_a_cluster_is_the_only_one_lost(tmp_path):
    pytest.importorskip("distributed")
    told = run(CLUSTER_KILLED, str(tmp_path))
    assert "1 Every worker of the cluster that tried this fit was killed" in told
    assert told.count("Every worker") == 1
    assert "10 results" in told
    assert len([*tmp_path.iterdir()]) == 9


GONE = """
import subprocess, sys, threading, time
from pathlib import Path
import psutil
import causal.inference.many as many, causal.inference.workers as workers
from causal.errors import CausalError
from dataclasses import replace
from tests.inference.test_many import TASKS, wide
def sleep():
    if "distributed.cli.dask_worker" in sys.orig_argv:
        time.sleep(0.5)
    return Slow("slow")
class Slow(str):
    def __reduce__(self):
        return sleep, ()
def spawn(what, *given):
    return subprocess.Popen([sys.executable, "-m", f"distributed.cli.dask_{what}", *given],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
def start(folder):
    port = str(20000 + int(time.time() * 1000) % 30000)
    address = f"tcp://127.0.0.1:{port}"
    scheduler = spawn("scheduler", "--port", port, "--no-dashboard", "--host", "127.0.0.1")
    worker = spawn("worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny")
    return address, {"scheduler": scheduler, "worker": worker}
if __name__ == "__main__":
    folder, victim = Path(sys.argv[1]), sys.argv[2]
    workers.START = 6.0
    address, processes = start(folder)
    time.sleep(2.0)
    if victim == "sleeper":  # nothing comes back from it, and no data are lost with it
        processes["sleeper"] = processes["worker"]
        task = replace(TASKS[0], regression=replace(TASKS[0].regression, name=Slow("slow")))
    else:
        task = wide()
    def kill():
        while len([*folder.glob("*.npz")]) < 2:
            time.sleep(0.01)
        processes[victim].kill()
    workers.ANSWER = 15.0
    threading.Thread(target=kill, daemon=True).start()
    try:
        for one in many.fit_many([task] * 60, draws=4000, cluster=address, keep=folder):
            pass
        print("all done")
    except CausalError as error:
        print(error)
    finally:
        for one in processes.values():
            one.kill()
"""


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("victim", "said"),
    [
        ("scheduler", r"The scheduler at '\S+' has gone away"),
        ("worker", "The cluster at .* has no worker"),
        ("sleeper", "The cluster at .* has no worker"),
    ],
)
def test_a_cluster_that_goes_away_is_one_message_and_costs_no_finished_fit(tmp_path, victim, said):
    pytest.importorskip("distributed")
    import re

    told = run(GONE, str(tmp_path), victim)
    assert re.match(said, told), told
    assert len(told.splitlines()) == 1
    finished = int(told.split(" of 60 fits ")[0].rpartition(" ")[2])
    assert 2 <= finished == len([*tmp_path.glob("*.npz")]) < 60
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz"}


STOPPED = """
import sys, threading
from pathlib import Path
import causal.inference.many as many
from tests.inference.test_many import wide
if __name__ == "__main__":
    many.MANY = 0
    def tell():
        while len([*Path(sys.argv[1]).glob("*.npz")]) < 2:
            threading.Event().wait(0.01)
        print("now", flush=True)
    threading.Thread(target=tell, daemon=True).start()
    try:
        list(many.fit_many([wide()] * 60, draws=4000, jobs=2, keep=sys.argv[1]))
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@pytest.mark.heavy
def test_an_interrupt_ends_the_workers_quietly_and_costs_no_finished_fit(tmp_path):
    """As a terminal sends it: to this process and to all its workers."""
    pytest.importorskip("joblib")
    started = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    with started:
        assert started.stdout.readline() == "now\n"
        os.killpg(started.pid, signal.SIGINT)
        told, _ = started.communicate(timeout=60)
    assert told == "stopped\n"
    assert 2 <= len([*tmp_path.glob("*.npz")]) < 60
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz"}
