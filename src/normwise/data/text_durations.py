"""Durations as stopwatches and spreadsheets write them: ``26:15:00``, ``1:02:03``, ``75:30``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normwise.data.texts import Texts, is_usual

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DAY", "durations_of"]

# Hours, minutes and seconds, or only the first two or the last two of them.
# Two digits behind each colon: `1959:1` is a quarter.
DURATION = r"^([-\u2212]?)(?:(\d+):(?=\d\d:))?(\d+):([0-5]\d(?:\.\d+)?)$"
# Seconds of a day, and its last hour.
DAY, LAST_HOUR = 24 * 3600, 23


def durations_of(texts: Texts) -> pd.Series | None:
    """Days that texts last, NaN where one is none; ``None`` where they are times of a day.

    The last part is seconds where some text of the column has three parts.

    >>> import pandas as pd
    >>> durations_of(Texts.of(pd.Series(["36:00:00", "0:30:00", "45:00"]))).tolist()
    [1.5, 0.020833333333333332, 0.03125]
    >>> durations_of(Texts.of(pd.Series(["23:59", "0:30"]))) is None
    True
    """
    import pandas as pd

    if not is_usual(texts.sample.str.match(DURATION)):
        return None
    parts = texts.kinds.str.extract(DURATION)
    hours, minutes, seconds = (pd.to_numeric(parts[part]) for part in (1, 2, 3))
    if hours.isna().all():
        hours, minutes, seconds = minutes, seconds, 0 * seconds
    is_negative = parts[0].isin(["-", "\u2212"])
    has_both = minutes.notna().sum() > hours.notna().sum()
    if not (hours.max() > LAST_HOUR or has_both or is_negative.any()):
        return None
    lasting = (hours.fillna(0) * 3600 + minutes * 60 + seconds) / DAY
    return lasting.where(~is_negative, -lasting)
