"""Layers and epochs as sentences on the inside of networks name them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Looks", "joined", "numbered", "of_runs", "when_looked"]


@dataclass(frozen=True)
class Looks:
    """The looks that there are, as sentences and charts name them.

    Attributes:
        unit: What each is numbered by: an epoch, or itself where it is at some step.
        numbers: What each is called, ascending: the epoch that follows it, or its number.
    """

    unit: str
    numbers: tuple[int, ...]

    @property
    def is_one(self) -> bool:
        """Whether there is no other one to compare it with."""
        return len(self.numbers) == 1

    @property
    def first(self) -> str:
        """The first look."""
        return f"{self.unit} {self.numbers[0]}"

    @property
    def last(self) -> str:
        """The last look."""
        return f"{self.unit} {self.numbers[-1]}"

    @property
    def moments(self) -> dict[int, str]:
        """First, middle and last look: place in a series to its name.

        >>> Looks("epoch", (5, 6, 7, 8)).moments
        {0: 'epoch 5', 1: 'epoch 6', 3: 'epoch 8'}
        """
        last = len(self.numbers) - 1
        return {at: f"{self.unit} {self.numbers[at]}" for at in sorted({0, last // 2, last})}

    @property
    def when_typical(self) -> str:
        """Behind a median over the looks; nothing behind the one that there is."""
        return "" if self.is_one else f", at a typical {self.unit}"

    def at_the_last(self, sentence: str) -> str:
        """A sentence on the last look, which says so where there are others."""
        return sentence if self.is_one else f"At the last look {sentence}"


def numbered(what: str, numbers: Sequence[int], of: int) -> str:
    """Some of so many things in words, each of which has a number from 1.

    >>> numbered("epoch", (1, 2, 3), 6), numbered("epoch", (4,), 6), numbered("layer", (1, 2), 2)
    ('epochs 1 to 3', 'epoch 4', 'all 2 layers')
    >>> numbered("epoch", (1, 3, 6), 6), numbered("epoch", (1,), 1)
    ('3 of 6 epochs from 1 to 6', 'epoch 1')
    """
    first, last, count = numbers[0], numbers[-1], len(numbers)
    if count == 1:
        return f"{what} {first}"
    if count == of:
        return f"all {of} {what}s"
    if count == last - first + 1:
        return f"{what}s {first} to {last}"
    return f"{count} of {of} {what}s from {first} to {last}"


def joined(items: Iterable[str]) -> str:
    """Some things in a sentence.

    >>> joined(["a"]), joined(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last


def of_runs(count: int, of: int) -> str:
    """In how many runs something is so; empty where there is one alone.

    >>> of_runs(2, 2), of_runs(1, 1)
    (' in 2 of 2 runs', '')
    """
    return f" in {count} of {of} runs" if of > 1 else ""


def when_looked(unit: str, looks: Sequence[int]) -> str:
    """At which steps looks were.

    >>> when_looked("epoch", (1, 2, 3)), when_looked("epoch", (1,))
    ('at the first step of each epoch', 'at the first step')
    >>> when_looked("step", (1, 5, 9, 13)), when_looked("step", (1, 5))
    ('a look each at step 1, 5, …, 13', 'a look each at step 1, 5')
    """
    if unit == "epoch":
        return f"at the first step{' of each epoch' if len(looks) > 1 else ''}"
    numbers = [str(step) for step in looks]
    told = [*numbers[:2], *(["…"] if len(numbers) > 3 else []), *numbers[2:][-1:]]
    return f"a look each at step {', '.join(told)}"
