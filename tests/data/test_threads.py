"""Work by several threads: in order, a few parts ahead, and one at fault is heard of."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from causal.data.threads import mapped


def test_results_come_in_the_order_of_the_parts():
    # The earlier, the longer.
    made = mapped(lambda part: time.sleep(0.002 * (20 - part)) or part, range(20))
    assert list(made) == list(range(20))


def test_several_threads_work():
    meeting = threading.Barrier(2, timeout=10.0)  # whoever comes alone waits in vain
    assert sorted(mapped(lambda _: meeting.wait(), range(2))) == [0, 1]


def test_parts_are_taken_a_few_ahead_only():
    taken: list[int] = []

    def parts() -> Iterator[int]:
        for part in range(1_000):
            taken.append(part)
            yield part

    made = mapped(lambda part: part, parts())
    assert [next(made) for _ in range(3)] == [0, 1, 2]
    assert len(taken) <= 3 + 8
    made.close()  # type: ignore[attr-defined]
    assert len(taken) <= 3 + 8


def test_what_the_work_raises_comes_in_its_place():
    def work(part: int) -> int:
        if part == 3:
            raise ValueError(f"part {part}")
        return part

    made = mapped(work, range(6))
    assert [next(made) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="part 3"):
        next(made)


def test_what_the_parts_raise_comes_too():
    def parts() -> Iterator[int]:
        yield 0
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(mapped(lambda part: part, parts()))


def test_nothing_is_left_running_where_the_results_are_no_longer_wanted():
    before = threading.active_count()
    made = mapped(lambda part: part, range(1_000))
    next(made)
    assert threading.active_count() > before
    made.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
