"""What compiling took on this machine, kept in the cache folder, and what it will take by that."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax

from normwise.errors import StoreError
from normwise.files import machine_file, replacing

__all__ = ["CompileTimes", "Stage", "expected_seconds"]

# Of what was measured, this many that are most like what is asked of count.
NEAREST = 3
# Kept of each kind, the newest.
MOST_STAGES, MOST_PROGRAMS = 100, 1000


class Stage(NamedTuple):
    """Programs that were compiled side by side.

    Attributes:
        programs: How many, ≥ 1.
        lines: Of the first one, as it was traced, ≥ 1.
        seconds: From then until all were ready, > 0.
    """

    programs: int
    lines: int
    seconds: float


def expected_seconds(measured: Iterable[Stage], programs: int, lines: int) -> float | None:
    """What compiling will take, from now on; ``None`` where nothing was measured.

    The time that a line took, the median over the stages most like this one.

    Args:
        measured: What compiling took before.
        programs: How many there are.
        lines: Of the first one.

    >>> expected_seconds([Stage(3, 1000, 15.0), Stage(2, 600, 9.0)], 3, 2000)
    37.5
    """

    def distance(one: Stage) -> float:
        return abs(math.log(one.lines / lines)) + abs(math.log(one.programs / programs))

    nearest = sorted(measured, key=distance)[:NEAREST]
    if not nearest:
        return None
    rate = statistics.median(one.seconds / (one.lines * one.programs) for one in nearest)
    return rate * lines * programs


class CompileTimes:
    """A file of what was measured here with this version of JAX; one that is damaged is empty.

    Of two processes that write at the same time, what one of them measured is lost, no more.

    Args:
        path: Of the file.

    Attributes:
        stages: What was measured, the newest last.
        programs: Digests of those that JAX keeps compiled, the newest last.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.stages, self.programs = _read(path)

    @classmethod
    def here(cls) -> CompileTimes:
        """Those of the devices of this process."""
        kind = jax.local_devices()[0].device_kind
        return cls(machine_file("compiling", [jax.__version__, kind, jax.local_device_count()]))

    def add(self, programs: Collection[str], stage: Stage | None) -> None:
        """Keep that these are compiled now, and what that took where it was measured."""
        stages, known = _read(self._path)
        self.stages = [*stages, *([] if stage is None else [stage])][-MOST_STAGES:]
        self.programs = [*dict.fromkeys([*known, *programs])][-MOST_PROGRAMS:]
        try:
            with replacing(self._path, synced=False) as beside:
                text = json.dumps({"stages": self.stages, "programs": self.programs})
                beside.write_text(text, "utf-8")
        except StoreError:
            pass  # measured again next time


def _read(path: Path) -> tuple[list[Stage], list[str]]:
    try:
        held = json.loads(path.read_text("utf-8"))
        return [_stage(one) for one in held["stages"]], [str(one) for one in held["programs"]]
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return [], []  # nothing measured yet, or nothing that can be read


def _stage(figures: Sequence[float]) -> Stage:
    programs, lines, seconds = figures
    stage = Stage(int(programs), int(lines), float(seconds))
    if not (stage.programs >= 1 and stage.lines >= 1 and 0 < stage.seconds < math.inf):
        raise ValueError(f"{figures!r} was not measured")
    return stage
