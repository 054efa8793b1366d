"""Run the command line as a user does, in this process: same parsing, same exit codes."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any
from unittest import mock

from causal.cli import main


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON; a NaN in it is refused, as JSON itself does."""

        def refuse(text: str) -> None:
            raise ValueError(text)

        return json.loads(self.out, parse_constant=refuse)


def causal(*arguments: object, stdin: bytes = b"") -> Outcome:
    """``causal ARGUMENTS``."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["causal", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return Outcome(code, out.getvalue(), err.getvalue())
