"""How replicas are laid over time and devices: which way is fastest is measured.

Side by side, operations are shared by many replicas, which small networks need;
one at a time, a replica's weights stay in its core's cache, which large ones need;
and the largest repay all cores on one replica. Where the border lies depends on
the machine. A short study keeps to a rule of thumb, for trying costs seconds.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import jax

from normwise.data import Dataset
from normwise.data.nested import rows
from normwise.engine.cohort import Cohort
from normwise.engine.initial_values import Replica
from normwise.engine.memory import fits
from normwise.files import measured_once

__all__ = ["Schedule", "candidates", "fastest_schedule", "rule_of_thumb", "sample"]

log = logging.getLogger("normwise")

# More replicas than this on one device push a step's activations out of its cache.
MOST_ON_A_DEVICE = 32
# Between that and one, a width that is tried too.
FEW_ON_A_DEVICE = 8
# Steps that a candidate is timed over.
STEPS = 16
# How often a candidate is timed; the best counts, since other work only slows.
ROUNDS = 3


@dataclass(frozen=True)
class Schedule:
    """A way to run a study's replicas.

    Attributes:
        devices: How many devices train at the same time.
        on_a_device: Replicas that each of them trains side by side.
    """

    devices: int
    on_a_device: int

    @property
    def width(self) -> int:
        """Replicas in a chunk."""
        return self.devices * self.on_a_device

    def __str__(self) -> str:
        """In words.

        >>> print(Schedule(2, 32)); print(Schedule(1, 1))
        32 side by side on each of 2 devices
        one at a time on 1 device
        """
        many = self.on_a_device > 1
        how = f"{self.on_a_device} side by side" if many else "one at a time"
        return f"{how} on {'each of ' if self.devices > 1 else ''}{self.devices} device" + "s" * (
            self.devices > 1
        )


def rule_of_thumb(replicas: int, devices: int, *, alone: bool = False) -> Schedule:
    """Even chunks that suit the cache; whether they fit memory shows when they are compiled.

    Args:
        replicas: In a cohort.
        devices: That there are.
        alone: No two replicas side by side on a device.

    >>> rule_of_thumb(replicas=30, devices=2).width, rule_of_thumb(replicas=100, devices=2).width
    (30, 50)
    """
    most = 1 if alone else MOST_ON_A_DEVICE
    chunks = math.ceil(replicas / (most * devices))
    return Schedule(devices, math.ceil(replicas / chunks / devices))


def candidates(rule: Schedule) -> list[Schedule]:
    """What is worth trying, the rule of thumb first.

    >>> [str(each) for each in candidates(Schedule(2, 1))]
    ['one at a time on each of 2 devices', 'one at a time on 1 device']
    """
    widths = [each for each in (FEW_ON_A_DEVICE, 1) if each < rule.on_a_device]
    found = [rule, *(Schedule(rule.devices, width) for width in widths)]
    return found if rule.devices == 1 else [*found, Schedule(1, 1)]


def sample(dataset: Dataset, batch_size: int) -> Dataset:
    """As much of a data set as a candidate is timed on: whole batches, and one to evaluate."""
    few = min(STEPS, dataset.examples // batch_size) * batch_size
    return dataset.of(
        rows(dataset.train, slice(few)),
        rows(dataset.val, slice(batch_size)),
    )


def fastest_schedule(
    make: Callable[[Schedule], Cohort], tried: Sequence[Schedule], *what: object
) -> Schedule:
    """The fastest of some schedules, measured once a machine and kept in the cache folder.

    Args:
        make: The cohort that each would run, on a :func:`sample` and for one epoch.
        tried: The schedules.
        what: Tells this training from others whose measurements are kept.
    """
    facts = [jax.__version__, [asdict(each) for each in tried], *what]
    times, is_new = measured_once("schedules", facts, len(tried), lambda: _measured(make, tried))
    origin = "measured" if is_new else "measured before"
    best = min(tried, key=lambda each: times[tried.index(each)])
    each = "; ".join(
        f"{schedule}: {1e3 * seconds:.3g} ms"
        for schedule, seconds in zip(tried, times, strict=True)
    )
    log.info("replicas train %s (%s, a replica's sample: %s)", best, origin, each)
    return best


def _measured(make: Callable[[Schedule], Cohort], tried: Sequence[Schedule]) -> list[float]:
    """Seconds that a replica takes for the sample, by schedule; infinite where it does not fit."""
    cohorts = [make(each) for each in tried]
    with ThreadPoolExecutor() as pool:
        # Tracing is Python and takes turns; compiling is not.
        compiled = list(pool.map(Cohort.compile, cohorts, [each.lower() for each in cohorts]))
    return [
        _seconds(cohort, run) if fits(cohort, run) else math.inf
        for cohort, run in zip(cohorts, compiled, strict=True)
    ]


def _seconds(cohort: Cohort, compiled: Callable[..., Any]) -> float:
    data, times = cohort.data(), []
    replicas = [Replica(seed) for seed in range(cohort.width)]
    for _ in range(ROUNDS + 1):
        state, orders = cohort.start(replicas), next(cohort.orders(replicas))
        jax.block_until_ready((state, orders, data))
        started = time.perf_counter()
        jax.block_until_ready(compiled(state, orders, data))
        times.append(time.perf_counter() - started)
    # The first one warms up.
    return min(times[1:]) / cohort.width
