"""A study's folder: its settings, the journal of finished runs, the results.

The journal is one JSON line an event, synced to disk: ``run`` for each finished
replica, ``stopped`` when a study was interrupted, ``finished`` at its end. A
torn last line (the process was killed while writing) is dropped; anything
else that does not read is an error.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from normwise.errors import StoreError
from normwise.files import replacing
from normwise.records import RunKey, RunRecord, Summary
from normwise.spec import Spec

__all__ = ["Store", "curve_columns"]


class Store:
    """Opens, or makes, the folder of one study.

    Args:
        folder: Where; parents are made.
        spec: The study; the folder may hold a part of the same one.

    Raises:
        StoreError: The folder holds another study or other files, or cannot be
            written. Nothing in it was changed.
    """

    def __init__(self, folder: Path, spec: Spec) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            entries = {entry.name for entry in folder.iterdir()}
        except OSError as error:
            raise _unwritable(folder, error) from None
        if "spec.toml" in entries:
            _check_same(folder, spec)
        elif entries:
            raise StoreError(
                f"folder {str(folder)!r} holds {min(entries)!r} and no study; expected an "
                f"empty or a new folder; try --out {folder!s}-study"
            )
        else:
            self.write_text("spec.toml", spec.to_toml())
        self._journal = folder / "journal.jsonl"
        self._drop_torn_line()

    def records(self) -> list[RunRecord]:
        """The finished runs, in the order they finished."""
        return [_record(event) for event in self._events() if event["event"] == "run"]

    def add(self, records: Iterable[RunRecord]) -> None:
        """Journal finished runs; when this returns they are on disk."""
        self._append({"event": "run", **_event(record)} for record in records)

    def mark(self, event: str, **facts: int) -> None:
        """Journal that the study ``stopped`` or ``finished``."""
        self._append([{"event": event, **facts}])

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder, whole or not at all."""
        with replacing(self.folder / name) as beside:
            beside.write_text(text, encoding="utf-8")

    def write_summary(self, summary: Summary) -> None:
        """Write ``summary.json``."""
        self.write_text("summary.json", json.dumps(summary.to_json(), indent=2) + "\n")

    def write_curves(self, records: Iterable[RunRecord]) -> None:
        """Write ``curves.parquet``: one row a replica and epoch."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table(curve_columns(records))
        with replacing(self.folder / "curves.parquet") as beside:
            pq.write_table(table, beside)

    def _append(self, events: Iterable[Mapping[str, Any]]) -> None:
        lines = "".join(json.dumps(event, allow_nan=False) + "\n" for event in events)
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def _events(self) -> list[dict[str, Any]]:
        if not self._journal.exists():
            return []
        events = []
        for number, line in enumerate(self._journal.read_text("utf-8").splitlines(), 1):
            try:
                events.append(json.loads(line))
            except ValueError:
                raise StoreError(
                    f"line {number} of {str(self._journal)!r} is {line[:40]!r}; expected one JSON "
                    f"object a line; move the folder away and run the study again"
                ) from None
        return events

    def _drop_torn_line(self) -> None:
        if not self._journal.exists():
            return
        text = self._journal.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            with replacing(self._journal) as beside:
                beside.write_bytes(whole)


def curve_columns(records: Iterable[RunRecord]) -> dict[str, list[Any]]:
    """Long columns: variant, seed, learning_rate, epoch (from 1) and one a metric."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("variant", "seed", "learning_rate", "epoch")
    }
    for record in records:
        columns["variant"] += [record.key.variant] * record.epochs
        columns["seed"] += [record.key.seed] * record.epochs
        columns["learning_rate"] += [record.learning_rate] * record.epochs
        columns["epoch"] += range(1, record.epochs + 1)
        for metric, values in record.curves.items():
            columns.setdefault(metric, []).extend(values)
    return columns


def _check_same(folder: Path, spec: Spec) -> None:
    there = (folder / "spec.toml").read_text("utf-8")
    if there != spec.to_toml():
        old, new = there.splitlines(), spec.to_toml().splitlines()
        differing = sorted(set(old) ^ set(new))
        raise StoreError(
            f"folder {str(folder)!r} holds another study (they differ in: {'; '.join(differing)}); "
            f"expected an empty folder or the same study; try --out {folder!s}-2"
        )


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"folder {str(folder)!r} cannot be written ({error.strerror}); expected a folder you may "
        f"write to; try --out ./my-study"
    )


def _event(record: RunRecord) -> dict[str, Any]:
    event = dataclasses.asdict(record)
    # JSON knows no NaN; a diverged replica's missing values are null.
    event["curves"] = {
        metric: [value if math.isfinite(value) else None for value in values]
        for metric, values in record.curves.items()
    }
    return event


def _record(event: dict[str, Any]) -> RunRecord:
    curves = {
        metric: tuple(math.nan if value is None else value for value in values)
        for metric, values in event["curves"].items()
    }
    return RunRecord(
        key=RunKey(**event["key"]),
        learning_rate=event["learning_rate"],
        curves=curves,
        diverged_at=event["diverged_at"],
        seconds=event["seconds"],
    )
