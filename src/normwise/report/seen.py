"""What sections on the inside of networks are built from."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.domain import Inside
from normwise.report.formatting import scientific
from normwise.report.line_chart import Line, line_of
from normwise.report.seen_words import Looks, joined, when_looked

__all__ = ["Seen"]


@dataclass(frozen=True)
class Seen:
    """What probes saw inside some networks.

    Attributes:
        runs: By name, a variant's or a network's; at least one run of each.
        colors: Each name's colour.
    """

    runs: Mapping[str, Sequence[Inside]]
    colors: Mapping[str, str]

    @property
    def looks(self) -> Looks:
        """The looks, of the run that has most."""
        longest = max((one.looks for own in self.runs.values() for one in own), key=len)
        is_counted = self.unit != "epoch"
        return Looks(self.unit, tuple(range(1, len(longest) + 1)) if is_counted else longest)

    @property
    def unit(self) -> str:
        """What a look is numbered by: an epoch, or itself where it is at some steps."""
        every = {one.unit for own in self.runs.values() for one in own}
        return "epoch" if every == {"epoch"} else "look"

    @property
    def in_words(self) -> str:
        """What is drawn of which runs, as it stands in a caption."""
        most = max(len(own) for own in self.runs.values())
        runs = "the run that was" if most == 1 else f"the median of the {most} runs that were"
        [[first, *_], *_] = self.runs.values()
        return f"{runs} looked into, {when_looked(first.unit, first.looks)}"

    def over_looks(self, name: str, values: NDArray[Any], **settings: Any) -> Line | None:
        """The line of a name's values, one a look; ``None`` where there is one look alone."""
        return (
            None if self.looks.is_one else line_of(name, values, at=self.looks.numbers, **settings)
        )

    def with_series(self, series: str) -> Iterator[tuple[str, NDArray[Any]]]:
        """Each name that has a series, and its median over the runs.

        Returns:
            Arrays ``(epochs, …)`` in float64, NaN where no run has a finite value.
        """
        for name in self.runs:
            found = self.of(name, series)
            if found is not None:
                yield name, found

    def of(self, name: str, series: str) -> NDArray[Any] | None:
        """The median of a series over the runs of a name; ``None`` where they have none."""
        found = self.each(name, series)
        return None if found is None else median_of(found)

    def each(self, name: str, series: str) -> NDArray[Any] | None:
        """A series of each run of a name, ``(runs, epochs, …)``; ``None`` where they have none."""
        own = [one.series[series] for one in self.runs[name] if series in one.series]
        if not own or not own[0].size:
            return None
        return np.stack([_padded(values, len(self.looks.numbers)) for values in own])

    def typical(self, numbers: Mapping[str, NDArray[Any]]) -> Mapping[str, float]:
        """The median of some numbers of each name, where it is known."""
        found = {name: float(median_of(values, None)) for name, values in numbers.items()}
        return {name: one for name, one in found.items() if np.isfinite(one)}

    def told(self, numbers: Mapping[str, float], said: Callable[[float], str] = scientific) -> str:
        """A number of each name in a sentence; the number alone where there is one name."""
        if len(self.runs) == 1:
            return joined(map(said, numbers.values()))
        return joined(f"{said(value)} ({name})" for name, value in numbers.items())

    def names(self, name: str, axis: str) -> tuple[str, ...]:
        """What the leading axis of a series of a name stands for."""
        return self.runs[name][0].names.get(axis, ())


def _padded(values: NDArray[Any], epochs: int) -> NDArray[Any]:
    """With NaN behind the end of a run that ended early."""
    whole = np.full((epochs, *values.shape[1:]), np.nan)
    whole[: len(values)] = values
    return whole


def median_of(values: NDArray[Any], axis: Any = 0) -> NDArray[Any]:
    """Of the finite values; NaN where there are none."""
    finite = np.where(np.isfinite(values), values, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of all-NaN slices
        return np.asarray(np.nanmedian(finite, axis=axis))
