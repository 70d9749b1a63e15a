"""A study's folder: its settings, the journal of what happened, the results.

The journal is one JSON line an event, synced to disk: what runs have trained (see
:mod:`normwise.study.event_log`), ``timed`` for what an epoch takes a model alone, ``started``
when training begins, ``stopped`` when a study was interrupted, ``finished`` at its end. A torn
last line (the process was killed while writing) is dropped; anything else that does
not read is an error. Nothing is written before the first event: a study that is
refused leaves no trace.

Runs have keys, so a folder can be extended: more seeds, variants or points of the grid, another
target. The settings there are replaced then, and the summary, which is of the old ones, goes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from normwise.domain import Ablation, RunRecord, SoloCheck, Summary, Target
from normwise.errors import StoreError, UsageError, in_words
from normwise.files import replacing
from normwise.journal import fingerprint_of, notes_of, read_back, seconds_of
from normwise.spec import Spec

__all__ = ["Store", "curve_columns"]

# Of the journal's lines; those without one are of the first.
SCHEMA = 2

Part = TypeVar("Part")
# What reading JSON that is damaged, or is not ours, can raise.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Store:
    """The folder of one study, made with the first thing written to it.

    Args:
        folder: Where; parents are made.
        spec: The study; the folder may hold a part of the same one.

    Attributes:
        folder: The study's folder.
        spec: The study's settings, written before anything else is.
        there: The settings that the folder held; ``None`` if it held none.

    Raises:
        StoreError: The folder holds another study or other files, or cannot be
            written. Nothing in it was changed.
    """

    def __init__(self, folder: Path, spec: Spec) -> None:
        self.folder = folder
        self.spec = spec
        self._journal = folder / "journal.jsonl"
        try:
            _try_to_write(folder)
            self.there = _settings_there(folder, spec)
            self._drop_torn_line()
        except (OSError, ValueError) as error:  # of a name that holds what no name can
            raise _unwritable(folder, error) from None

    def fingerprint(self) -> str | None:
        """Of the data and model that training last began with; ``None`` in older journals.

        Raises:
            StoreError: A line of the journal does not read.
        """
        found = [text for text in self.read(fingerprint_of) if text is not None]
        return found[-1] if found else None

    def notes(self, fingerprint: str) -> tuple[str, ...] | None:
        """What was said of the data when training last began with them and the model.

        Args:
            fingerprint: What tells the data and the model from others.

        Returns:
            Sentences; ``None`` where the journal keeps none.

        Raises:
            StoreError: A line of the journal does not read.
        """
        found = [one for one in self.read(notes_of) if one is not None]
        return dict(found).get(fingerprint)

    def seconds(self, fingerprint: str) -> dict[tuple[str, int | None], float]:
        """What an epoch takes each variant that trains alone, by name and batch size.

        Args:
            fingerprint: What tells the data and the model from others.

        Raises:
            StoreError: A line of the journal does not read.
        """
        found = [one for one in self.read(seconds_of) if one is not None]
        return {place: value for mark, place, value in found if mark == fingerprint}

    def read(self, part: Callable[[dict[str, Any]], Part]) -> list[Part]:
        """What ``part`` finds in each event of the journal.

        Raises:
            StoreError: A line does not read, or ``part`` finds it wrong.
        """
        parts = []
        lines = self._journal.read_bytes().splitlines() if self._journal.exists() else []
        for number, line in enumerate(lines, 1):
            try:
                parts.append(part(_readable(json.loads(line))))
            except (*_UNREADABLE, UsageError):
                raise StoreError(
                    f"line {number} of {str(self._journal)!r} is "
                    f"{line[:40].decode(errors='replace')!r}; expected one event in JSON a line; "
                    f"move the folder away and run the study again"
                ) from None
        return parts

    def has_runs_of(self, spec: Spec) -> bool:
        """Whether the settings that the folder held ask for the very runs that ``spec`` does."""
        there = self.there
        return there is not None and all(
            getattr(there, name) == getattr(spec, name)
            for name, about in Spec.abouts().items()
            if about.decides != "answer"
        )

    def summary(self) -> dict[str, Any] | None:
        """What ``summary.json`` says, or ``None`` where no study has finished here.

        Raises:
            StoreError: It does not read.
        """
        path = self.folder / "summary.json"
        if not path.is_file():
            return None
        try:
            summary: dict[str, Any] = json.loads(path.read_text("utf-8"))
            check = SoloCheck.from_json(summary["solo_check"])
            read_back(SoloCheck, dataclasses.asdict(check))
            read_back(Target, summary["target"])
            TypeAdapter(dict[str, str]).validate_python(summary["environment"])["fingerprint"]
            if "ablation" in summary:
                Ablation.from_json(summary["ablation"])
        except (OSError, *_UNREADABLE) as error:
            raise StoreError(
                f"cannot read {str(path)!r} ({in_words(error)}); expected the "
                f"summary that a study wrote; delete it and run the study again with "
                f"--out {self.folder}"
            ) from None
        return summary

    def add_seconds(
        self, fingerprint: str, seconds: Mapping[tuple[str, int | None], float]
    ) -> None:
        """Journal what an epoch takes, by variant and batch size."""
        self.append(
            {
                "event": "timed",
                "fingerprint": fingerprint,
                "variant": variant,
                "batch_size": size,
                "seconds_per_epoch": value,
            }
            for (variant, size), value in seconds.items()
        )

    def mark(self, event: str, **facts: int | str | Sequence[str]) -> None:
        """Journal that the study ``started``, ``stopped`` or ``finished``."""
        self.append([{"event": event, **facts}])

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder, whole or not at all."""
        self._begin()
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
        self._begin()
        # Opened here: PyArrow takes a name with a colon for an address.
        with replacing(self.folder / "curves.parquet") as beside, beside.open("wb") as file:
            pq.write_table(table, file)

    def append(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Journal events; when this returns they are on disk.

        Raises:
            StoreError: The folder cannot be written.
        """
        lines = [json.dumps({"schema": SCHEMA, **event}, allow_nan=False) for event in events]
        self._append_to(self._journal, "".join(f"{line}\n" for line in lines).encode())

    def append_arrays(self, path: Path, arrays: Sequence[NDArray[Any]]) -> int:
        """Write arrays, one behind the other, at the end of a file of the folder.

        Args:
            path: The file, in NumPy's own format.
            arrays: Arrays of any shapes.

        Returns:
            The byte at which the first one begins.

        Raises:
            StoreError: The folder cannot be written.
        """
        memory = io.BytesIO()
        for array in arrays:
            np.save(memory, array, allow_pickle=False)
        return self._append_to(path, memory.getvalue())

    def _append_to(self, path: Path, content: bytes) -> int:
        self._begin()
        try:
            path.parent.mkdir(exist_ok=True)
            with path.open("ab") as file:
                at = file.tell()
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        return at

    def _begin(self) -> None:
        settings = self.folder / "spec.toml"
        if self.there == self.spec and settings.exists():
            return
        try:
            (self.folder / "summary.json").unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        with replacing(settings) as beside:
            beside.write_text(self.spec.to_toml(), encoding="utf-8")
        self.there = self.spec

    def _drop_torn_line(self) -> None:
        if not self._journal.exists():
            return
        text = self._journal.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            with replacing(self._journal) as beside:
                beside.write_bytes(whole)


def _readable(event: dict[str, Any]) -> dict[str, Any]:
    """The event, if it is of a form that is known here.

    Raises:
        ValueError: A later release wrote it.
    """
    if event.get("schema", 1) > SCHEMA:
        raise ValueError(f"schema {event['schema']}, of a later release")
    return event


def curve_columns(records: Iterable[RunRecord]) -> dict[str, list[Any]]:
    """Long columns: variant, seed, learning_rate, initializer, batch_size, epoch, the metrics."""
    own = ("learning_rate", "initializer", "batch_size")
    columns: dict[str, list[Any]] = {name: [] for name in ("variant", "seed", *own, "epoch")}
    for record in records:
        columns["variant"] += [record.key.variant] * record.epochs
        columns["seed"] += [record.key.seed] * record.epochs
        for name in own:
            columns[name] += [getattr(record, name)] * record.epochs
        columns["epoch"] += range(1, record.epochs + 1)
        for metric, values in record.curves.items():
            columns.setdefault(metric, []).extend(values)
    return columns


def _try_to_write(folder: Path) -> None:
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    finally:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()


def _settings_there(folder: Path, spec: Spec) -> Spec | None:
    """The settings that the folder holds, which the study extends; ``None`` if it holds none."""
    entries = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    if "spec.toml" in entries:
        return _extended(folder, spec)
    # Killed while it began, a study leaves the half of its first file.
    foreign = {name for name in entries if not re.fullmatch(r"\.spec\.\d+\.toml", name)}
    if foreign:
        raise StoreError(
            f"folder {str(folder)!r} holds {min(foreign)!r} and no study; expected an empty or a "
            f"new folder; try --out {_another(folder, 'study')}"
        )
    return None


def _extended(folder: Path, spec: Spec) -> Spec:
    instead = (
        f"expected an empty folder, or the same study with as many seeds, variants and values of "
        f"its grid, or more; try --out {_another(folder, '2')}"
    )
    try:
        there = Spec.from_toml(folder / "spec.toml", {})
    except UsageError as error:
        raise StoreError(
            f"folder {str(folder)!r} holds a spec.toml that is no study's ({error}); {instead}"
        ) from None
    pairs = {name: (getattr(there, name), getattr(spec, name)) for name in Spec.model_fields}
    abouts = Spec.abouts()
    unlike = [name for name, values in pairs.items() if not abouts[name].allows(*values)]
    # Of another study, that it has other seeds or a smaller grid, too, is no reason.
    telling = [name for name in unlike if not abouts[name].may_grow] or unlike
    differing = [
        f"{name} is {pairs[name][0]!r} there and {pairs[name][1]!r} here" for name in telling
    ]
    if spec.prune and spec.target != there.target:
        differing.append(f"prune stopped runs by the target {there.target} there")
    if differing:
        raise StoreError(
            f"folder {str(folder)!r} holds another study ({'; '.join(differing)}); {instead}"
        )
    return there


def _another(folder: Path, suffix: str) -> str:
    name = folder.name.strip(".")
    return str(folder.with_name(f"{name}-{suffix}")) if name else f"my-{suffix}"


def _unwritable(folder: Path, error: OSError | ValueError) -> StoreError:
    reason = getattr(error, "strerror", None) or error
    return StoreError(
        f"folder {str(folder)!r} cannot be written ({reason}); expected a folder you may "
        f"write to; try --out ./my-study"
    )
