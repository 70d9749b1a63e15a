"""While programs are compiled: how long that will take, and how long it took."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import jax

from normwise.execution.compile_times import CompileTimes, Stage, expected_seconds
from normwise.execution.event import Compiling

__all__ = ["THREADS", "Forecast", "keeps_programs", "text_of"]

# What threads that compile are called.
THREADS = "normwise-compiling"
_FROM_CACHE = "/jax/compilation_cache/cache_hits"


def keeps_programs() -> bool:
    """Whether JAX keeps what it compiles for other processes."""
    config: Any = jax.config
    return bool(config.jax_enable_compilation_cache and config.jax_compilation_cache_dir)


def text_of(lowered: Any) -> str:
    """What tells a traced program from others.

    Args:
        lowered: One, or several in a tree.
    """
    return "".join(one.as_text() for one in jax.tree.leaves(lowered))


class Forecast:
    """Of programs that are compiled side by side; a context manager.

    From the first one on that JAX does not keep compiled, time is forecast and measured.

    Args:
        programs: How many there are.
        times: What was measured before.
    """

    def __init__(self, programs: int, times: CompileTimes) -> None:
        self._programs, self._times = programs, times
        self._known = {*times.programs} if keeps_programs() else set[str]()
        self._digests: list[str] = []
        self._is_measured, self._left, self._lines, self._started = True, 0, 0, 0.0

    def __enter__(self) -> Self:
        """Listen for programs that come from JAX's cache."""
        jax.monitoring.register_event_listener(self._listen)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more."""
        jax.monitoring.unregister_event_listener(self._listen)

    def traced(self, text: str) -> Iterator[Compiling]:
        """Hear of the next program before it is compiled.

        Args:
            text: Of :func:`text_of`.

        Yields:
            At the first new one how long all will take, where that can be said.
        """
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._digests.append(digest)
        if self._lines or digest in self._known:
            return
        self._left = self._programs - len(self._digests) + 1
        self._lines, self._started = text.count("\n") + 1, time.perf_counter()
        seconds = expected_seconds(self._times.stages, self._left, self._lines)
        if seconds is not None:
            yield Compiling(self._programs, seconds)

    def ready(self) -> None:
        """All are compiled: keep what that took, unless one came from JAX's cache."""
        stage = None
        if self._lines and self._is_measured:
            stage = Stage(self._left, self._lines, time.perf_counter() - self._started)
        if stage is not None or not self._known.issuperset(self._digests):
            self._times.add(self._digests, stage)

    def _listen(self, event: str, **_: Any) -> None:
        if event == _FROM_CACHE and threading.current_thread().name.startswith(THREADS):
            self._is_measured = False
