"""The paths of a question as people look at them."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from causal.criteria.listing import State, list_paths
from causal.criteria.question import EFFECTS
from tests.oracles import Definitions, drawn, random_case

SEEDS = [
    pytest.param(range(300), id="300-graphs"),
    pytest.param(range(300, 2300), id="2000-graphs", marks=pytest.mark.heavy),
]
OPEN = State(open=True, closed_by=(), opened_by=())


def by(*names: str) -> State:
    return State(open=False, closed_by=names, opened_by=())


def told(text: str, given: str = "", effect: str = "direct", **marks: str):
    case = drawn(text, **marks).about("total" if effect == "total" else "direct")
    listed = list_paths(case.question(), given.split())
    return {entry.path.text(case.dag()): entry for entry in listed.paths}


def test_a_path_is_causal_indirect_or_biasing_by_the_effect_asked() -> None:
    text = "x -> y; x -> m -> y; x <- z -> y; x -> c <- y"
    kinds = {path: entry.kind for path, entry in told(text).items()}
    assert kinds == {
        "x -> y": "causal",
        "x -> m -> y": "indirect",
        "x <- z -> y": "biasing",
        "x -> c <- y": "biasing",
    }
    assert told(text, effect="total")["x -> m -> y"].kind == "causal"


def test_the_set_closes_forks_and_pipes_and_opens_colliders() -> None:
    entries = told("x <- z -> y; x -> c <- y; c -> d; x -> m -> y", "z d")
    fork, collider = entries["x <- z -> y"], entries["x -> c <- y"]
    assert (fork.alone, fork.given) == (OPEN, by("z"))
    assert (collider.alone, collider.given) == (by("c"), State(True, (), ("d",)))
    assert entries["x -> m -> y"].given == OPEN


def test_one_member_opens_what_another_closes() -> None:
    (entry,) = told("x <- a -> m <- b -> y", "a m").values()
    assert entry.alone == by("m")
    assert entry.given == State(open=False, closed_by=("a",), opened_by=("m",))


def test_selection_is_held_fixed_in_any_case() -> None:
    (entry,) = told("x <- a -> s <- b -> y", "b", selected="s").values()
    assert entry.alone == State(open=True, closed_by=(), opened_by=("s",))
    assert entry.given == State(open=False, closed_by=("b",), opened_by=("s",))


def test_paths_through_another_exposure_are_left_to_that() -> None:
    case = drawn("x <- w -> y; w -> y", "x w")
    assert [e.path.text(case.dag()) for e in list_paths(case.question(), ()).paths] == ["w -> y"]


def test_a_list_that_is_cut_says_so_and_is_quick() -> None:
    layers = [[f"v{i}{j}" for j in range(4)] for i in range(12)]
    edges = [(a, b) for one, two in pairwise(layers) for a in one for b in two]
    edges += [("x", b) for b in layers[0]] + [(a, "y") for a in layers[-1]]
    case = drawn("; ".join(f"{a} -> {b}" for a, b in edges))
    listed = list_paths(case.question(), [])
    assert len(listed.paths) == 20
    assert not listed.complete
    assert list_paths(drawn("x -> y").question(), []).complete


@pytest.mark.parametrize("seeds", SEEDS)
def test_each_path_is_listed_with_what_opens_and_closes_it(seeds: range) -> None:
    seen = set()
    for seed in seeds:
        rng = random.Random(seed)
        for effect in EFFECTS:
            case = random_case(seed, 3, 7).about(effect)
            if len(case.exposures) > 1 or len(case.outcomes) > 1:
                continue
            question, whole = case.question(), Definitions(case.about("total"))
            free = sorted({*case.names} - {*case.exposures, *case.outcomes})
            names = rng.sample(free, rng.randint(0, len(free)))
            listed = list_paths(question, names, limit=10_000)
            assert listed.complete, case
            paths = {(entry.path.nodes, entry.path.forward): entry for entry in listed.paths}
            assert set(paths) == set(whole.paths(proper=True)), case
            assert len(paths) == len(listed.paths), case
            for path, entry in paths.items():
                assert entry.alone.open == whole.is_open(path, ()), (case, entry)
                assert entry.given.open == whole.is_open(path, names), (case, names, entry)
                held = {*names, *case.selected}
                inner = {whole.names[n] for n in path[0][1:-1] if n < len(whole.names)}
                for name in entry.given.closed_by:
                    # On the path, and freeing a held one or holding a collider would help.
                    assert name in inner, (case, entry)
                assert bool(entry.given.closed_by) != entry.given.open, (case, entry)
                for name in entry.given.opened_by:
                    assert name in held, (case, entry)
                seen.add((entry.kind, entry.alone.open, entry.given.open))
    assert {kind for kind, _, _ in seen} == {"causal", "indirect", "biasing"}
    assert {(a, b) for _, a, b in seen} == {
        (True, True),
        (True, False),
        (False, True),
        (False, False),
    }
