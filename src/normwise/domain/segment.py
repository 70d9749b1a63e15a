"""How a run is cut into pieces that are trained, journalled and saved as a whole."""

from __future__ import annotations

__all__ = ["segment_length"]

# A segment ends, so that progress shows, this often over a whole run.
FEWEST_SEGMENTS, MOST_SEGMENTS = 4, 10


def segment_length(epochs: int) -> int:
    """Epochs a call of the program: a divisor that needs few calls, but not too few.

    >>> [segment_length(epochs) for epochs in (1, 20, 97, 100)]
    [1, 2, 1, 10]
    """
    divisors = [length for length in range(1, epochs + 1) if epochs % length == 0]
    often = [length for length in divisors if epochs // length >= FEWEST_SEGMENTS] or [1]
    rarely = [length for length in often if epochs // length <= MOST_SEGMENTS]
    # Where no divisor is right, rather many calls than a bar that stands still.
    return min(rarely) if rarely else max(often)
