"""Whether a piece of work had the machine for itself, or waited for other processes.

Two signs, since each misses what the other sees. On a CPU a training computes all the time: where
wall time is well above its processor time, its threads waited. A training of many threads can
wait that long without that sign; then the machine has no idle processor, and others use some.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import jax
import psutil

__all__ = ["Moment", "is_calm", "now"]

# Wall time up to so many times the processor time is none that was spent waiting.
WAITING = 1.2
# Of all processors: so much used by others, with less than that idle, is a machine that is busy.
SHARE = 0.15


class Moment(NamedTuple):
    """Readings of the clocks, of which differences mean something.

    Attributes:
        wall: Seconds.
        processor: Processor seconds of this process, all threads together.
        machine: Processor seconds of all processes of no low priority.
    """

    wall: float
    processor: float
    machine: float

    def since(self, before: Moment) -> Moment:
        """What passed since another one."""
        return Moment(*(late - early for late, early in zip(self, before, strict=True)))


def now() -> Moment:
    """The readings of this moment."""
    times = psutil.cpu_times()._asdict()
    # Who runs at a low priority gives way, as an idle processor does; what guests of this machine
    # use is in the time of their processes as well.
    free = ("idle", "iowait", "nice", "guest", "guest_nice")
    machine = sum(seconds for name, seconds in times.items() if name not in free)
    return Moment(time.perf_counter(), time.process_time(), machine)


def is_calm(passed: Moment, processors: int, *, on_cpu: bool) -> bool:
    """Whether nothing else slowed down what took this time.

    Args:
        passed: What passed while it ran.
        processors: That the machine has, ≥ 1.
        on_cpu: Whether the process itself computes; else it waits for another device.

    >>> is_calm(Moment(1.0, 1.1, 1.2), 2, on_cpu=True)
    True
    >>> is_calm(Moment(1.0, 0.6, 1.2), 2, on_cpu=True)  # it waited
    False
    >>> is_calm(Moment(1.0, 1.0, 2.0), 2, on_cpu=True)  # another one has the second processor
    False
    """
    waited = on_cpu and passed.wall > WAITING * passed.processor
    others = passed.machine - passed.processor
    idle = processors * passed.wall - passed.machine
    least = SHARE * processors * passed.wall
    return not (waited or (others > least > idle))


def computes_on_cpu() -> bool:
    """Whether JAX's computations take this process' own time."""
    return jax.default_backend() == "cpu"
