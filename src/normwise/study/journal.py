"""The journal of a study: one JSON line an event, on disk before anything else happens.

A torn last line (the process was killed while writing, or writes at this moment) does not count;
anything else that does not read is an error that names its line.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from normwise.errors import StoreError, StudyIncomplete, UsageError
from normwise.files import append_synced, writing

__all__ = ["UNREADABLE", "Journal"]

# Of the journal's lines; those without one are of the first.
SCHEMA = 2
_CHECKSUM = "crc32"

Part = TypeVar("Part")
# What reading JSON that is damaged, or is not ours, can raise.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Journal:
    """Events as lines of a file.

    Args:
        path: The file; it comes with the first event.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end: int | None = None

    def append(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Write events; when this returns they are on disk.

        Raises:
            StoreError: The folder cannot be written.
            StudyIncomplete: The file is no longer as it was left.
        """
        text = "".join(f"{_signed({'schema': SCHEMA, **event})}\n" for event in events).encode()
        if self._end is None:
            self._drop_torn_line()
        self.check_unchanged()
        self._end = append_synced(self.path, text) + len(text)

    def check_unchanged(self) -> None:
        """Refuse to go on where what was written here is gone, or another one writes here, too.

        What follows would be a journal without its beginning, or one of two studies.

        Raises:
            StudyIncomplete: The file is no longer as it was left.
        """
        if self._end not in (None, size := _size(self.path)):
            raise StudyIncomplete(
                f"{str(self.path)!r} was {'changed' if size else 'deleted'} while the study ran; "
                f"expected a folder that it has to itself; run the same command again"
            )

    def read(self, part: Callable[[dict[str, Any]], Part]) -> Iterator[Part]:
        """What ``part`` finds in each event, one after the other: a journal can be large.

        Raises:
            StoreError: A line does not read, or ``part`` finds it wrong.
        """
        for number, line in enumerate(self._lines(), 1):
            try:
                found = part(_checked(json.loads(line)))
            except (*UNREADABLE, UsageError):
                shown = line[:40].rstrip().decode(errors="replace")
                raise StoreError(
                    f"line {number} of {str(self.path)!r} is {shown!r}; expected one event in JSON "
                    f"a line, as it was written; move the folder away and run the study again"
                ) from None
            yield found

    def _lines(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                yield from (line for line in file if line.endswith(b"\n"))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(
                f"cannot read {str(self.path)!r} ({error.strerror}); expected the journal of a "
                f"study; move the folder away and run the study again"
            ) from None

    def _drop_torn_line(self) -> None:
        """Cut off what a kill left, or the next line would be joined to it."""
        self._end = sum(map(len, self._lines()))
        with writing(self.path):
            if self._end < _size(self.path):
                os.truncate(self.path, self._end)


def _size(path: Path) -> int:
    """How many bytes a file has; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _signed(event: dict[str, Any]) -> str:
    """A line, with the checksum by which a single wrong digit is seen."""
    return json.dumps({**event, _CHECKSUM: _checksum(event)}, allow_nan=False)


def _checked(event: dict[str, Any]) -> dict[str, Any]:
    """The event, if it is of a form that is known here, and as it was written.

    Raises:
        ValueError: A later release wrote it, or its checksum is another; older ones have none.
    """
    if event.get("schema", 1) > SCHEMA:
        raise ValueError(f"schema {event['schema']}, of a later release")
    signed = event.pop(_CHECKSUM, None)
    if signed is not None and signed != _checksum(event):
        raise ValueError("another checksum")
    return event


def _checksum(event: Mapping[str, Any]) -> int:
    """Of what an event says, however its line is laid out."""
    return zlib.crc32(json.dumps(event, sort_keys=True).encode())
