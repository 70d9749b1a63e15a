"""One study at a time in a folder: a lock of the operating system's, which dies with its process.

The file ``.lock`` says who holds it. Left behind by a process that was killed, or copied from
another machine, it locks nothing.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import platform
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from normwise.errors import StoreError

__all__ = ["LOCK", "locked"]

log = logging.getLogger("normwise")

LOCK = ".lock"
# What file systems say that know no locks, some of those on a network.
_UNKNOWN = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
_BUSY = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
_held: set[int] = set()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes, and other threads of this one, within this block.

    Args:
        folder: Which; made for as long as nothing is written into it, parents too.

    Raises:
        StoreError: Another study is at work in it, or it cannot be written.
    """
    made: list[Path] = []
    try:
        try:
            made += [path for path in (folder, *folder.parents) if not path.exists()]
            descriptor = _acquire(folder / LOCK)
        except (OSError, ValueError) as error:  # of a name that holds what no name can
            raise _unwritable(folder, error) from None
        _held.add(descriptor)
        try:
            yield
        finally:
            # While it is held: a moment later it may be another's.
            with contextlib.suppress(OSError):
                (folder / LOCK).unlink()
            _held.discard(descriptor)
            os.close(descriptor)
    finally:
        for path in made:
            with contextlib.suppress(OSError, ValueError):
                path.rmdir()


def _acquire(path: Path) -> int:
    """Open, lock and sign the file.

    Raises:
        StoreError: Another one holds it.
        OSError: The folder cannot be written.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            continue  # its holder left, and took the empty folder along
        try:
            _lock(descriptor, path)
            if _is_there(descriptor, path):
                os.truncate(descriptor, 0)
                os.write(descriptor, json.dumps(_facts()).encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder left, and took it along


def _lock(descriptor: int, path: Path) -> None:
    try:
        _lock_by_system(descriptor)
    except OSError as error:
        if error.errno in _BUSY:
            raise _in_use(path.parent, os.read(descriptor, 4096)) from None
        if error.errno not in _UNKNOWN:
            raise
        log.warning(
            "%s lies on a file system without locks (%s): see to it that no other study is started "
            "in it meanwhile.",
            path.parent,
            error.strerror,
        )


if sys.platform == "win32":
    import msvcrt

    def _lock_by_system(descriptor: int) -> None:
        # Of a byte far behind the text: what is locked cannot be read there.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock_by_system(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _leave() -> None:
        """A copy of this process holds nothing, or a folder would outlive its study there."""
        while _held:
            os.close(_held.pop())

    os.register_at_fork(after_in_child=_leave)


def _is_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _facts() -> dict[str, str | int]:
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    return {"process": os.getpid(), "host": platform.node(), "since": since}


def _in_use(folder: Path, text: bytes) -> StoreError:
    try:
        facts = json.loads(text)
        holder = f"process {facts['process']} on {facts['host']}, since {facts['since']}"
        if (facts["process"], facts["host"]) == (os.getpid(), platform.node()):
            holder = f"this {holder}"
    except (ValueError, LookupError, TypeError):
        holder = "another process"  # which has not signed yet
    return StoreError(
        f"folder {str(folder)!r} is in use ({holder}); expected one study at a time in a folder; "
        f"wait until that one ends and run the same command again, or try another --out"
    )


def _unwritable(folder: Path, error: OSError | ValueError) -> StoreError:
    reason = getattr(error, "strerror", None) or error
    return StoreError(
        f"folder {str(folder)!r} cannot be written ({reason}); expected a folder you may "
        f"write to; try --out ./my-study"
    )
