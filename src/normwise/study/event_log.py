"""The journal of a study's runs: one line an event, with curves in files beside it.

What an executor says is three kinds of lines, ``segment``, ``checkpointed`` and ``failed``. The
curves of a segment are arrays in ``segments/``, one file for each time the study was started, and
the line says where in it they begin. A journal from before has ``run``, a run that had ended; it
still reads.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from normwise.domain import Condition, Run, RunKey, RunRecord, Variant
from normwise.errors import StoreError
from normwise.execution import Checkpointed, Event, Failed, Segment
from normwise.files import append_synced, writing
from normwise.study.store import Store

__all__ = ["EventLog"]

_Count = Annotated[int, Field(ge=0, strict=True)]


@dataclass(frozen=True)
class _Key:
    seed: _Count
    setting: str


@dataclass(frozen=True)
class _Run(_Key):
    learning_rate: float
    initializer: str | None


@dataclass(frozen=True)
class _Arrays:
    """Where curves lie: the file, the byte, their names in the order they follow, a checksum."""

    file: str
    at: _Count
    metrics: Annotated[list[str], Field(min_length=1)]
    crc32: int | None = None  # older journals have none


@dataclass(frozen=True)
class _SegmentLine:
    variant: str
    batch_size: _Count
    first: _Count
    until: _Count
    seconds: float
    runs: Annotated[list[_Run], Field(min_length=1)]
    arrays: _Arrays
    ended_at: list[_Count | None] = field(default_factory=list)  # older journals know none
    depth: _Count | None = None  # nor this


@dataclass(frozen=True)
class _CheckpointLine:
    variant: str
    epoch: _Count
    name: str
    runs: list[_Key]


@dataclass(frozen=True)
class _FailureLine:
    variant: str
    epoch: _Count
    why: str
    runs: list[_Key]


_SEGMENT, _CHECKPOINT = TypeAdapter(_SegmentLine), TypeAdapter(_CheckpointLine)
_RUN = TypeAdapter(RunRecord)


class EventLog:
    """Events on disk, as a :class:`~normwise.study.ledger.Log`.

    Args:
        store: The study's folder.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.folder / "segments"
        self._file: Path | None = None

    def write(self, event: Event) -> None:
        """Append an event that lasts: runs have trained, their states are kept, they failed.

        Raises:
            StoreError: The folder cannot be written.
        """
        if isinstance(event, Segment):
            line = _line_of_segment(event, self._append(event.curves))
            self._store.append([{"event": "segment", **_SEGMENT.dump_python(line)}])
        elif isinstance(event, Checkpointed):
            kept = _line_of_checkpoint(event)
            self._store.append([{"event": "checkpointed", **_CHECKPOINT.dump_python(kept)}])
        elif isinstance(event, Failed):
            self._store.append([{"event": "failed", **asdict(_line_of_failure(event))}])

    def read(self) -> Iterator[Event]:
        """What runs have trained and where their states lie, in the order they were written.

        Not what failed: that is for who reads the journal, and is tried again.

        Raises:
            StoreError: A line, or an array that it names, does not read.
        """
        ended: dict[RunKey, RunRecord] = {}
        for number, found in enumerate(self._store.journal.read(_read_line), 1):
            if isinstance(found, RunRecord):
                before = ended.get(found.key)
                # Of a run that was stopped, and was also trained to its end, the longer one.
                if before is None or before.stopped_at is not None:
                    ended[found.key] = found
            elif isinstance(found, _CheckpointLine):
                keys = tuple(RunKey(found.variant, one.seed, one.setting) for one in found.runs)
                yield Checkpointed(keys, found.epoch, found.name)
            elif found is not None:
                yield _segment(found, self._curves(found, number))
        yield from map(_segment_of_record, ended.values())

    def _append(self, curves: Mapping[str, NDArray[Any]]) -> _Arrays:
        if self._file is None:
            taken = [int(path.stem) for path in self._folder.glob("*.npy") if path.stem.isdigit()]
            self._file = self._folder / f"{max(taken, default=0) + 1:04d}.npy"
        memory = io.BytesIO()
        for values in curves.values():
            np.save(memory, values, allow_pickle=False)
        self._store.begin()
        with writing(self._folder):
            self._folder.mkdir(exist_ok=True)
        at = append_synced(self._file, memory.getvalue())
        return _Arrays(self._file.name, at, list(curves), zlib.crc32(memory.getvalue()))

    def _curves(self, line: _SegmentLine, number: int) -> dict[str, NDArray[Any]]:
        path = self._folder / Path(line.arrays.file).name
        try:
            return _read_arrays(path, line.arrays, (len(line.runs), line.until - line.first))
        except (OSError, ValueError, EOFError) as error:
            raise StoreError(
                f"cannot read the curves at byte {line.arrays.at} of {str(path)!r} ({error}); "
                f"expected what line {number} of {self._store.journal.path.name} says of them; "
                f"move the folder away and run the study again"
            ) from None


def _read_arrays(path: Path, arrays: _Arrays, shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    """The curves that a line names.

    Raises:
        OSError: The file is not there, or does not read.
        ValueError: What stands there is no array, or another one.
        EOFError: The file ends before.
    """
    with path.open("rb") as file:
        file.seek(arrays.at)
        curves = {name: np.load(file, allow_pickle=False) for name in arrays.metrics}
        end = file.tell()
        file.seek(arrays.at)
        if arrays.crc32 not in (None, zlib.crc32(file.read(end - arrays.at))):
            raise ValueError("they have another checksum")
    if any(one.shape != shape or one.dtype.kind != "f" for one in curves.values()):
        raise ValueError(f"they are not of shape {shape}")
    return curves


def _read_line(body: dict[str, Any]) -> _SegmentLine | _CheckpointLine | RunRecord | None:
    """What a line says of runs; ``None`` where it says something else.

    Raises:
        ValueError: A part of it is missing, or of another type, or cannot be.
        VariantError: There is no such variant.
    """
    if body["event"] == "run":
        return _run_of(body)
    if body["event"] == "checkpointed":
        return _CHECKPOINT.validate_python(body)
    if body["event"] != "segment":
        return None
    line = _SEGMENT.validate_python(body)
    Variant.parse(line.variant)
    if line.first >= line.until:
        raise ValueError("the last epoch above the first")
    if len(line.ended_at) not in (0, len(line.runs)):
        raise ValueError("where each run ended, or none")
    return line


def _run_of(event: dict[str, Any]) -> RunRecord:
    """A run that had ended, in journals from before they had segments.

    Raises:
        ValueError: A part of it is of another type, or its curves are of several lengths.
        VariantError: There is no such variant.
        LookupError: A part is missing.
    """
    curves = {
        metric: [math.nan if value is None else value for value in values]
        for metric, values in event["curves"].items()
    }
    record = _RUN.validate_python({**event, "curves": curves})
    [epochs] = {len(values) for values in curves.values()}
    ends = (epochs, record.diverged_at, record.stopped_at)
    if not all(end is None or 1 <= end <= epochs for end in ends) or record.key.seed < 0:
        raise ValueError("a seed from 0, epochs from 1, and an end within them")
    if record.learning_rate is None:
        raise ValueError("a learning rate")
    Variant.parse(record.key.variant)
    return record


def _line_of_segment(event: Segment, arrays: _Arrays) -> _SegmentLine:
    runs = [
        _Run(run.key.seed, run.key.setting, rate, run.condition.initializer)
        for run, rate in zip(event.runs, event.learning_rates, strict=True)
    ]
    return _SegmentLine(
        variant=event.runs[0].key.variant,
        batch_size=event.runs[0].condition.batch_size,
        first=event.first,
        until=event.until,
        seconds=event.seconds,
        runs=runs,
        arrays=arrays,
        ended_at=list(event.ended_at),
        depth=event.runs[0].condition.depth,
    )


def _line_of_checkpoint(event: Checkpointed) -> _CheckpointLine:
    return _CheckpointLine(event.keys[0].variant, event.epoch, event.name, _keys(event.keys))


def _line_of_failure(event: Failed) -> _FailureLine:
    return _FailureLine(event.keys[0].variant, event.epoch, event.why, _keys(event.keys))


def _keys(keys: Iterable[RunKey]) -> list[_Key]:
    return [_Key(key.seed, key.setting) for key in keys]


def _segment(line: _SegmentLine, curves: Mapping[str, NDArray[Any]]) -> Segment:
    runs = tuple(
        Run(
            RunKey(line.variant, one.seed, one.setting),
            Condition(one.learning_rate, one.initializer, line.batch_size, line.depth),
        )
        for one in line.runs
    )
    rates = tuple(one.learning_rate for one in line.runs)
    return Segment(runs, line.first, curves, rates, line.seconds, tuple(line.ended_at))


def _segment_of_record(record: RunRecord) -> Segment:
    """A run that had ended, as if it had been trained in one go."""
    epochs = record.stopped_at or record.epochs
    condition = Condition(record.learning_rate, record.initializer, record.batch_size or 0)
    curves = {name: np.array([values[:epochs]]) for name, values in record.curves.items()}
    rates = (record.learning_rate or math.nan,)  # `_run_of` has seen one
    return Segment((Run(record.key, condition),), 0, curves, rates, record.seconds)
