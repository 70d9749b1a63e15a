"""Ctrl-C while a command runs: heard wherever it comes, and answered at once.

Python raises ``KeyboardInterrupt`` in whatever runs, and where that is a callback whose errors
nobody gets (JAX has one at each garbage collection), the interrupt would be lost: it is asked for
again a moment later. While compiled code runs, Python raises nothing, so a thread answers: it says
what is waited for, and ends the process at a second Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

__all__ = ["EXIT_CODE", "doing", "listening"]

# Of a command that was interrupted, as of any that SIGINT ends; a study that is unfinished has 3.
EXIT_CODE = 130
# Seconds: what ends sooner need not say that it will; wrappers pass on a Ctrl-C that the terminal
# has sent already; a callback has ended by then.
AT_ONCE, DOUBLED, CALLBACK = 0.3, 0.5, 0.05
_LOST = b"\0"

_under_way = ""


def doing(what: str) -> None:
    """Hear what is under way, which an interrupt waits for."""
    global _under_way  # noqa: PLW0603 (one process, one command, one Ctrl-C)
    _under_way = what


@contextlib.contextmanager
def listening(exit_code: int = EXIT_CODE) -> Iterator[None]:
    """Hear Ctrl-C in this block, and to the end of the process where it came.

    Where someone else hears it (a notebook), or nobody is to (``nohup``), all stays as it is; so
    does Windows, which has no signals of this kind.

    Args:
        exit_code: Of a process that a second Ctrl-C ends.
    """
    if not _can_listen():
        yield
        return
    listener = _Listener(exit_code)
    try:
        yield
    finally:
        listener.leave()


def _can_listen() -> bool:
    here = threading.current_thread() is threading.main_thread()
    has_signals = hasattr(signal, "pthread_kill")
    return here and has_signals and signal.getsignal(signal.SIGINT) is signal.default_int_handler


class _Listener:
    """Hears SIGINT in the main thread, and in one of its own that no compiled code holds up."""

    def __init__(self, exit_code: int) -> None:
        self._exit_code, self._is_raised = exit_code, False
        self._first: float | None = None
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._on_unraisable
        threading.Thread(target=self._answer, daemon=True).start()
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, self._on_signal)
        # What is forked hears for itself.
        os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))

    def leave(self) -> None:
        """Give all back, unless an interrupt is still to be answered."""
        if self._first is not None or self._is_raised:
            return
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(-1)
        sys.unraisablehook = self._hook
        os.close(self._write)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_raised:
            self._is_raised = True
            raise KeyboardInterrupt

    def _on_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._hook(unraisable)
            return
        self._is_raised = False
        os.write(self._write, _LOST)

    def _answer(self) -> None:
        """Answer each signal; the pipe has a byte for each, from the moment it comes."""
        while byte := os.read(self._read, 1):
            if byte == _LOST:
                time.sleep(CALLBACK)
                _ask_again()
                os.read(self._read, 1)  # which is no second Ctrl-C
            elif byte[0] == signal.SIGINT:
                self._hear()
        os.close(self._read)

    def _hear(self) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now
            time.sleep(AT_ONCE)
            _say()
        elif now - self._first > DOUBLED:
            _end(self._exit_code)


def _ask_again() -> None:
    if (main := threading.main_thread().ident) is not None:
        signal.pthread_kill(main, signal.SIGINT)  # so that it wakes, too, where it waits


def _say() -> None:
    what = f" ({_under_way})" if _under_way else ""
    text = (
        f"normwise: stopping as soon as the step under way ends{what}; Ctrl-C again stops at once, "
        f"and files stay as they are"
    )
    print(text, file=sys.stderr, flush=True)


def _end(exit_code: int) -> None:
    """End the process, whatever it does, and give the terminal its cursor back."""
    before = "\x1b[?25h\n" if sys.stderr.isatty() else ""
    os.write(2, f"{before}normwise: stopped at once\n".encode())
    os._exit(exit_code)
