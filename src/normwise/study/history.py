"""What the journal says beside its runs: with what training began, what epochs take alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from normwise.domain import EpochTimes, ProgramKey
from normwise.errors import NotStacked
from normwise.study.store import Store

__all__ = ["History"]

_COUNT, _NOTES = TypeAdapter(int | None), TypeAdapter(tuple[str, ...])
_TIMES = TypeAdapter(EpochTimes)


class History:
    """The events ``started``, ``not_stacked``, ``timed``, ``stopped``, ``finished`` of a study.

    What cannot be read or written is a :class:`~normwise.errors.StoreError`.

    Args:
        store: The study's folder.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def fingerprint(self) -> str | None:
        """Of the data and model that training last began with; ``None`` in older journals."""
        found = [text for text in self._store.journal.read(_fingerprint) if text is not None]
        return found[-1] if found else None

    def notes(self, fingerprint: str) -> tuple[str, ...] | None:
        """What was said of the data when training last began with them and the model.

        Args:
            fingerprint: What tells the data and the model from others.

        Returns:
            Sentences; ``None`` where the journal keeps none.
        """
        found = [one for one in self._store.journal.read(_notes) if one is not None]
        return dict(found).get(fingerprint)

    def times(self, fingerprint: str) -> dict[ProgramKey, EpochTimes]:
        """What an epoch takes each variant that trains alone, by program.

        Args:
            fingerprint: What tells the data and the model from others.
        """
        found = [one for one in self._store.journal.read(_times) if one is not None]
        return {place: value for mark, place, value in found if mark == fingerprint}

    def add_times(self, fingerprint: str, times: Mapping[ProgramKey, EpochTimes]) -> None:
        """Journal what an epoch takes, by program: measured in the same rounds."""
        self._store.append(
            {
                "event": "timed",
                "fingerprint": fingerprint,
                **program._asdict(),
                "seconds_per_epoch": found.seconds,
                "rounds": {
                    "wall": found.wall,
                    "processor": found.processor,
                    "calm": found.calm,
                },
            }
            for program, found in times.items()
        )

    def examples(self, fingerprint: str) -> int | None:
        """Of the training part, by what tells data and model; ``None`` in older journals."""
        found = [one for one in self._store.journal.read(_examples) if one is not None]
        return dict(found).get(fingerprint)

    def started(self, fingerprint: str, notes: Sequence[str], examples: int | None = None) -> None:
        """Journal that training begins.

        Args:
            fingerprint: What tells the data and the model from others.
            notes: What is said of the data, in sentences.
            examples: Of the training part.
        """
        known = {"fingerprint": fingerprint, "notes": notes, "examples": examples}
        self._store.append([{"event": "started", **known}])

    def not_stacked(self, fingerprint: str, error: NotStacked) -> None:
        """Journal that the stacked engine does not train this study, and why."""
        self._store.append(
            [
                {
                    "event": "not_stacked",
                    "fingerprint": fingerprint,
                    "why": str(error),
                    "needs_values": error.needs_values,
                }
            ]
        )

    def check_stacked(self, fingerprint: str) -> None:
        """Say again what was said when the stacked engine was tried.

        Args:
            fingerprint: What tells the data and the model from others.

        Raises:
            NotStacked: It does not train this study.
        """
        for found in self._store.journal.read(_not_stacked):
            if found is not None and found[0] == fingerprint:
                raise found[1]

    def stopped(self, done: int, of: int) -> None:
        """Journal that the study was interrupted after so many of its runs."""
        self._store.append([{"event": "stopped", "done": done, "of": of}])

    def finished(self) -> None:
        """Journal that its results are written."""
        self._store.append([{"event": "finished"}])


def _fingerprint(event: dict[str, Any]) -> str | None:
    return str(event["fingerprint"]) if event["event"] == "started" else None


def _not_stacked(event: dict[str, Any]) -> tuple[str, NotStacked] | None:
    """The fingerprint, and why the stacked engine does not train."""
    if event["event"] != "not_stacked":
        return None
    error = NotStacked(str(event["why"]), needs_values=bool(event["needs_values"]))
    return str(event["fingerprint"]), error


def _notes(event: dict[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    """The fingerprint, and what was said of the data; older journals say nothing."""
    if event["event"] != "started" or "notes" not in event:
        return None
    return str(event["fingerprint"]), _NOTES.validate_python(event["notes"])


def _examples(event: dict[str, Any]) -> tuple[str, int | None] | None:
    """The fingerprint, and how many examples the training part has."""
    if event["event"] != "started":
        return None
    return str(event["fingerprint"]), _COUNT.validate_python(event.get("examples"))


def _times(event: dict[str, Any]) -> tuple[str, ProgramKey, EpochTimes] | None:
    """The fingerprint, the program, and what an epoch takes alone.

    Older journals keep a single figure, and know no depth.
    """
    if event["event"] != "timed":
        return None
    size, depth = (_COUNT.validate_python(event.get(name)) for name in ("batch_size", "depth"))
    program = ProgramKey(str(event["variant"]), size, depth)
    rounds = event.get("rounds", {"wall": (event["seconds_per_epoch"],)})
    return str(event["fingerprint"]), program, _TIMES.validate_python(rounds)
