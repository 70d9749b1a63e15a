"""How long moving statistics remember what they began with.

After n steps momentumⁿ of the initial 0 and 1 is left in them; below a twentieth they count as
those of the data.
"""

from __future__ import annotations

import math

__all__ = ["momentum_for", "momentum_text", "steps_needed"]

# The share of their initial values below which moving statistics are those of the data.
_LEFT_OVER = 0.05
# Keras' own: more than this averages over more batches than weights stand still for.
_MOST = 0.99
# From here on two digits would read as the most.
_CLOSE = 0.985


def momentum_for(steps: int) -> float:
    """The momentum that leaves 5% of the initial values after so many steps, at most Keras' 0.99.

    Args:
        steps: Batches of an epoch, ≥ 1.

    >>> round(momentum_for(16), 3), momentum_for(1875)
    (0.829, 0.99)
    """
    return min(_MOST, math.pow(_LEFT_OVER, 1 / steps))


def steps_needed(momentum: float) -> float:
    """Steps after which 5% of the initial values is left; at least 1.

    Args:
        momentum: Weight of the old statistics, in [0, 1).

    >>> round(steps_needed(0.99)), round(steps_needed(0.5), 1), steps_needed(0.0)
    (298, 4.3, 1.0)
    """
    return max(1.0, math.log(_LEFT_OVER) / math.log(momentum)) if momentum else 1.0


def momentum_text(momentum: float) -> str:
    """A momentum in two digits, or three where two would read as Keras' 0.99.

    >>> momentum_text(0.8293), momentum_text(0.9871), momentum_text(0.99)
    ('0.83', '0.987', '0.99')
    """
    return f"{momentum:.{2 if momentum < _CLOSE else 3}g}"
