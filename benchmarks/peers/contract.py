"""What a contender can be asked, and what is done before the clock starts.

A graph is loaded once, into whatever the contender holds graphs in. `question` works out what
depends on the question and not on the set; a benchmark measures a call either with it ("new
question") or after it ("same question"). Sets are handed over in the contender's own form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

__all__ = ["Peer"]


class Peer(ABC):
    """One contender, for questions of one exposure, one outcome and the total effect."""

    packages: ClassVar[tuple[str, ...]]
    """The distributions whose versions the results name."""

    @abstractmethod
    def load(
        self,
        nodes: Sequence[str],
        edges: Sequence[tuple[str, str]],
        latent: Collection[str],
    ) -> None:
        """Build the graph and keep it."""

    @abstractmethod
    def question(self, exposure: str, outcome: str) -> Any:
        """Everything about a question that does not depend on a set."""

    @abstractmethod
    def own(self, names: Sequence[str]) -> Any:
        """A set of names in the contender's own form."""

    @abstractmethod
    def is_valid(self, question: Any, given: Any) -> bool:
        """Whether exactly *given*, made by `own`, is a valid adjustment set."""

    def minimal_set(self, question: Any) -> list[str] | None:
        """A valid set from which nothing can be left out."""
        raise NotImplementedError
