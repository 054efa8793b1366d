"""The comparison of all minimal sets: as a table for the terminal, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from causal.criteria.reasons import listed, set_text
from causal.display import words
from causal.display.text import clip, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from causal.study.comparison import Study
    from causal.study.sets import SetComparison, SetRow

__all__ = ["sets_record", "sets_view", "sets_words"]


def sets_view(study: Study, found: SetComparison) -> RenderableType:
    """A row a set, the sharpest first."""
    mass = words.percent(study.prob)
    made = table(
        ["adjusted for", "effect", f"{mass} interval", "sd", "from the recommended", ""],
        right=["effect", "sd"],
    )
    made.title = Text(
        clip(f"All minimal sets, sharpest first: {words.contrast_words(study)}", 200), style="bold"
    )
    made.title_justify = "left"
    for column in made.columns[1:5]:
        column.no_wrap = True
    for row in found.rows:
        effect, digits = row.fit.effect, words.places(row.fit)
        made.add_row(
            Text(clip(set_text(row.adjust_for), 200)),
            Text(words.number(effect.mean, digits)),
            Text(words.interval(*effect.interval, digits)),
            Text(words.magnitude(effect.sd)),
            Text(_shift(row, digits)),
            Text(_remark(row), style="bold green" if row.recommended else ""),
        )
    return made


def sets_words(found: SetComparison) -> tuple[str, ...]:
    """Whether the sets agree, and which are missing from the comparison."""
    told = []
    compared = [row for row in found.rows if row.difference is not None]
    wrong = found.disputing
    if wrong:
        names = listed([set_text(row.adjust_for) for row in wrong])
        told.append(
            f"{len(wrong)} of the {len(compared)} other minimal sets "
            f"{'differs' if len(wrong) == 1 else 'differ'} from the recommended one by more than "
            f"chance allows: {names}. With this DAG and this model form all sets should agree: "
            "look at the DAG (causal test) or at the form (curvature, interaction, link)."
        )
    elif compared and not found.unclear:
        who = "The other minimal set agrees"
        if len(compared) > 1:
            who = f"All {len(compared)} other minimal sets agree"
        told.append(
            f"{who} with the recommended one as far as chance allows, as it should be in this DAG."
        )
    elif not compared:
        told.append("There is no other minimal set to compare with the recommended one.")
    if found.unclear:
        names = listed([set_text(row.adjust_for) for row in found.unclear])
        told.append(f"Of {names} it cannot be told: a fit failed its checks, or has no shift.")
    if found.left_out:
        names = listed([set_text(names) for names in found.left_out.values()])
        told.append(f"Not compared, because no model could be fitted: {names}.")
    if found.more:
        told.append(
            "There are more minimal sets than these; causal explain --json lists up to 100."
        )
    return tuple(told)


def sets_record(found: SetComparison | None) -> dict[str, Any] | None:
    """For JSON: names of models, whose numbers stand under ``models`` and ``shift``."""
    if found is None:
        return None
    return {
        "sets": [
            {
                "model": row.name,
                "adjust_for": list(row.adjust_for),
                "minimal": row.minimal,
                "recommended": row.recommended,
                "verdict": None if row.difference is None else row.difference.verdict,
            }
            for row in found.rows
        ],
        "left_out": {name: list(names) for name, names in found.left_out.items()},
        "more_sets": found.more,
    }


def _shift(row: SetRow, digits: int) -> str:
    if row.difference is None:
        return ""
    shift = row.difference.shift
    if not shift.measured:
        return "not measured"
    return f"{words.number(shift.mean, digits)} {words.interval(*shift.interval, digits)}"


def _remark(row: SetRow) -> str:
    if row.recommended:
        return "recommended" if row.minimal else "recommended (with more, for precision)"
    return "" if row.difference is None else str(row.difference.verdict)
