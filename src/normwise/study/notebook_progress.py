"""How far a study is, in a line below a notebook's cell."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from normwise.report.formatting import seconds
from normwise.study.progress import Progress

__all__ = ["watched"]

# Seconds between two updates: each is a message to the notebook, and stays in none.
PAUSE = 0.2


@contextmanager
def watched(
    on_progress: Callable[[Progress], None] | None,
) -> Iterator[Callable[[Progress], None]]:
    """Who is told of progress: whoever asked, else a notebook, else nobody.

    Args:
        on_progress: Who asked.
    """
    if on_progress is not None:
        yield on_progress
    elif _is_in_notebook():
        line = _Line()
        try:
            yield line.tell
        except BaseException:
            line.end("stopped while ")
            raise
        line.end("")
    else:
        yield lambda _: None


def _is_in_notebook() -> bool:
    """Whether a kernel runs this, which shows what it is given; a terminal's IPython is none."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


class _Line:
    """A line that is replaced by the next one."""

    def __init__(self) -> None:
        self._begun = self._shown_at = time.monotonic()
        self._last, self._of = Progress("preparing"), 0
        self._handle: Any = None

    def tell(self, progress: Progress) -> None:
        """Show it, if there is more to it than a moment has passed."""
        is_new = progress.what != self._last.what or self._handle is None
        self._last, self._of = progress, max(self._of, progress.of)
        if is_new or time.monotonic() - self._shown_at > PAUSE:
            bar = f'<progress max="1" value="{progress.share:.3f}"></progress>'
            self._show(self._said(), f"{bar} ")

    def end(self, begins: str) -> None:
        """What stays in the notebook."""
        if begins:
            self._show(f"{begins}{self._said()}")
        else:
            self._show(f"{self._of} replicas, {self._elapsed}")

    def _said(self) -> str:
        parts = (self._last.what, self._last.where, self._elapsed)
        return ", ".join(part for part in parts if part)

    @property
    def _elapsed(self) -> str:
        return seconds(time.monotonic() - self._begun)

    def _show(self, text: str, bar: str = "") -> None:
        from IPython.display import display

        shown = {"text/plain": text, "text/html": f"<div>{bar}{html.escape(text)}</div>"}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)
        self._shown_at = time.monotonic()
