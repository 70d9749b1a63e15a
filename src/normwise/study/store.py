"""A study's folder: its settings, the journal of what happened, the results.

Nothing is written before the first event: a study that is refused leaves no trace. Where the
folder is extended, its summary, which is of the settings before, goes with them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from normwise.domain import Summary
from normwise.files import halves_in, is_running, replacing, writing
from normwise.spec import Spec
from normwise.study.extending import settings_there
from normwise.study.journal import Journal
from normwise.study.lock import locked

__all__ = ["Store", "held"]

_FILES = {
    "spec.toml", "summary.json", "curves.parquet", "curves.png", "report.html", "best.keras",
    "best.weights.h5",
}  # fmt: skip


@contextlib.contextmanager
def held(folder: Path, spec: Spec) -> Iterator[Store]:
    """A study's folder to write to, held against other processes within this block.

    Args:
        folder: Where; parents are made.
        spec: The study; the folder may hold a part of the same one.

    Raises:
        StoreError: Another study is at work in it, it holds another one or other files, or it
            cannot be written. Nothing in it was changed.
    """
    with locked(folder):
        store = Store(folder, spec)
        store.tidy()
        yield store


class Store:
    """The folder of one study, made with the first thing written to it.

    Who writes to it :func:`holds <held>` it; reading it changes nothing.

    Args:
        folder: Where.
        spec: The study; the folder may hold a part of the same one.

    Attributes:
        folder: The study's folder.
        spec: The study's settings, written before anything else is.
        there: The settings that the folder held; ``None`` if it held none.
        journal: What happened in it.

    Raises:
        StoreError: The folder holds another study or other files, or cannot be read.
    """

    def __init__(self, folder: Path, spec: Spec) -> None:
        self.folder = folder
        self.spec = spec
        self.there = settings_there(folder, spec)
        self.journal = Journal(folder / "journal.jsonl")

    def has_runs_of(self, spec: Spec) -> bool:
        """Whether the settings that the folder held ask for the very runs that ``spec`` does."""
        there = self.there
        return there is not None and all(
            getattr(there, name) == getattr(spec, name)
            for name, about in Spec.abouts().items()
            if about.decides != "answer"
        )

    def begin(self) -> None:
        """Let the folder be of this study's settings, before anything else is written.

        Raises:
            StoreError: The folder cannot be written.
            StudyIncomplete: What this study wrote there is gone, or another one writes there, too.
        """
        self.journal.check_unchanged()
        settings = self.folder / "spec.toml"
        if self.there == self.spec and settings.exists():
            return
        with writing(self.folder / "summary.json"):
            (self.folder / "summary.json").unlink(missing_ok=True)
        with replacing(settings) as beside:
            beside.write_text(self.spec.to_toml(), encoding="utf-8")
        self.there = self.spec

    def tidy(self) -> None:
        """Remove what processes that are gone left of files that they were writing."""
        for half in [*halves_in(self.folder), *halves_in(self.folder / "checkpoints")]:
            own = half.name in _FILES or half.name.endswith(".safetensors")
            if own and not is_running(half.process):
                with contextlib.suppress(OSError):
                    half.path.unlink()

    def append(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Journal events; when this returns they are on disk.

        Raises:
            StoreError: The folder cannot be written.
        """
        self.begin()
        self.journal.append(events)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder, whole or not at all."""
        self.begin()
        with replacing(self.folder / name) as beside:
            beside.write_text(text, encoding="utf-8")

    def write_summary(self, summary: Summary) -> None:
        """Write ``summary.json``."""
        self.write_text("summary.json", json.dumps(summary.to_json(), indent=2) + "\n")
