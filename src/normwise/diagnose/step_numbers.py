"""Which step of a ``fit`` is next, by what Keras tells its callbacks."""

from __future__ import annotations

__all__ = ["StepNumbers"]


class StepNumbers:
    """The numbers of the steps of a ``fit``, from 1 on.

    Args:
        at_once: How many Keras runs at once; it tells the first of them.
        in_epoch: How many an epoch has, if that is known before.

    >>> steps = StepNumbers(at_once=5)
    >>> steps.epoch(1)
    >>> [(steps.step(first), steps.due(every=4))[1] for first in (1, 6, 11, 16)]
    [1, 6, 11, 16]
    """

    def __init__(self, at_once: int = 1, in_epoch: int | None = None) -> None:
        self._at_once, self._in_epoch = at_once, in_epoch
        self._epoch, self._before, self._step, self._due = 0, 0, 0, 1
        self._is_told = False

    def epoch(self, number: int) -> None:
        """An epoch begins."""
        if self._step:
            self._before += self._in_epoch or self._step + self._at_once - 1
        self._epoch, self._step = number, 0

    def step(self, number: int) -> None:
        """A step of it is next."""
        self._step, self._is_told = number, True

    def is_next(self) -> bool:
        """Whether the step that is taken now was told: one of another ``fit`` is not."""
        is_told, self._is_told = self._is_told, False
        return is_told

    def first_of_epoch(self) -> int | None:
        """The epoch's number, if the next step is its first."""
        return self._epoch if self._step == 1 else None

    def due(self, every: int) -> int | None:
        """The number of the next step, if it or one at once with it is one of every so many."""
        first = self._before + self._step
        last = first + self._at_once - 1
        if last < self._due:
            return None
        self._due += every * ((last - self._due) // every + 1)
        return first
