"""A study as a data frame: one row for every model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from causal.display.files import utf8
from causal.errors import MissingPart

if TYPE_CHECKING:
    import pandas

    from causal.study.comparison import Study

__all__ = ["summary"]


def summary(study: Study) -> pandas.DataFrame:
    """Sum up the models of *study*, in the order in which they were fitted.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``formula``, ``valid``; of the effect ``effect`` (its mean), ``sd``, ``low``,
        ``high`` and ``probability_positive``; of the distance from the correct model ``shift``,
        ``shift_low``, ``shift_high`` and ``verdict``. What does not apply is missing. Nothing is
        rounded.

    Raises
    ------
    MissingPart
        pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingPart(
            "A data frame needs pandas, which is not installed. "
            "Install it with: pip install 'causal-workbench[interop]'"
        ) from error
    rows = []
    for name, fit in study.fits.items():
        effect, found = fit.effect, study.differences.get(name)
        rows.append(
            {
                "model": utf8(name),
                "formula": utf8(fit.regression.formula),
                "valid": fit.verdict.valid,
                "effect": effect.mean,
                "sd": effect.sd,
                "low": effect.interval[0],
                "high": effect.interval[1],
                "probability_positive": effect.probability_positive,
                "shift": found.shift.mean if found else None,
                "shift_low": found.shift.interval[0] if found else None,
                "shift_high": found.shift.interval[1] if found else None,
                "verdict": found.verdict if found else None,
            }
        )
    frame = pd.DataFrame(rows)
    numbers = ["probability_positive", "shift", "shift_low", "shift_high"]
    return frame.astype(dict.fromkeys(numbers, "float64"))
