"""A Ray cluster as an executor: jobs are tasks, and their events stream back.

Model and data lie in the cluster's object store, once a study. No disk is shared: the state of a
checkpoint comes with its event and is kept where the study runs, and a job that goes on gets its
states sent. A job that is lost goes on from there, on any machine that is left.
"""

from __future__ import annotations

import heapq
import logging
import os
import socket
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from normwise.engine import Schedule
from normwise.errors import ExecutorError, UsageError, in_words
from normwise.execution import remote
from normwise.execution.attempt import Attempt
from normwise.execution.checkpoint import Checkpoints
from normwise.execution.crossing import Crossing
from normwise.execution.event import Event, Failed
from normwise.execution.job import Job
from normwise.execution.setup import Setup

__all__ = ["RayExecutor"]

log = logging.getLogger("normwise")

# Seconds after which what waits is looked at, whatever happens.
LOOK = 0.5
# Seconds within which a cluster must answer.
PATIENCE = 10.0
# Events that a task may be ahead of the study: their states fill the object store.
AHEAD = 4


class RayExecutor:
    """Tasks on a Ray cluster, each with as many CPUs as this machine has devices, or one GPU.

    Ray is started, or joined, with the first job; a cluster that this process has joined is used.

    Args:
        setup: What all jobs share.
        checkpoints: Where states of runs are kept.
        address: ``HOST:PORT`` of a cluster that this machine belongs to, or ``auto``; unless given
            that of the environment's ``RAY_ADDRESS``, or else a cluster of this machine alone.

    Raises:
        ModelError: The model cannot cross to another process.
    """

    def __init__(self, setup: Setup, checkpoints: Checkpoints, address: str | None = None) -> None:
        self._checkpoints, self._wanted = checkpoints, setup.devices
        self._crossing = Crossing.of(setup)
        self._address = address or os.environ.get("RAY_ADDRESS") or "local"
        self._shared: tuple[Any, ...] = ()
        self._options: dict[str, Any] = {}
        self._most = 0
        self._waiting: list[Attempt] = []
        self._running: dict[Any, Attempt] = {}

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Train these jobs, as many at a time as the cluster has room for."""
        self._join()
        decided = ray.remote(**self._options)(remote.schedules).remote(*self._shared)
        try:
            schedules = ray.get(decided)
        except RayError as error:
            why = _why(error)
            return iter([Failed(job.keys, job.first, why) for job in jobs])
        except KeyboardInterrupt:
            ray.cancel(decided, force=True)
            raise
        parts = [part for job in jobs for part in job.parts(schedules[job.batch_size].width)]
        self._waiting = [Attempt.first(part) for part in parts]
        return self._events(schedules)

    def cancel(self) -> None:
        """Stop what is running, and begin nothing more of these jobs."""
        self._waiting.clear()
        while self._running:
            ray.cancel(self._running.popitem()[0], force=True)

    def _join(self) -> None:
        if self._shared:
            return
        if not ray.is_initialized():
            _connect(self._address, self._crossing.model.sources)
        devices, needs, self._most = _room(self._wanted)
        [(unit, count)] = needs.items()
        log.info("Ray trains %d at a time, with %g %s each", self._most, count, unit[4:-1].upper())
        self._options = {**needs, "scheduling_strategy": "SPREAD"}
        self._shared = uuid.uuid4().hex, ray.put(self._crossing), devices

    def _events(self, schedules: Mapping[int, Schedule]) -> Iterator[Event]:
        options = {**self._options, "_generator_backpressure_num_objects": AHEAD}
        options |= {"num_returns": "streaming", "max_retries": 0}
        train: Any = ray.remote(**options)(remote.train)
        while self._waiting or self._running:
            while len(self._running) < self._most and self._waiting and self._waiting[0].is_due:
                attempt = heapq.heappop(self._waiting)
                task = remote.Task.of(attempt.job, schedules, self._checkpoints)
                named = train.options(name=str(attempt.job))  # which `ps` shows
                self._running[named.remote(*self._shared, task)] = attempt
            yield from self._listen()

    def _listen(self) -> Iterator[Event]:
        """The next event, if there is one soon."""
        if not self._running:
            time.sleep(LOOK)
            return
        ready: list[Any]
        ready, _ = ray.wait([*self._running], num_returns=1, timeout=LOOK)
        for stream in ready:
            try:
                message: remote.Message = ray.get(next(stream))
            except StopIteration:
                del self._running[stream]
            except RayError as error:
                yield from self._lost(self._running.pop(stream), error)
            else:
                # The last in line now: each has its turn.
                self._running[stream] = attempt = self._running.pop(stream)
                for name, rows in message.saved.items():
                    self._checkpoints.save(name, rows)
                attempt.note(message.event)
                yield message.event
                self._checkpoints.drop(message.dropped)

    def _lost(self, attempt: Attempt, error: RayError) -> Iterator[Failed]:
        why = _why(error)
        # What raises on one machine does so on all.
        raised = isinstance(error, RayTaskError)
        for one in attempt.failed(why) if raised else attempt.lost(why):
            if isinstance(one, Failed):
                yield one
            else:
                log.warning("Lost, and tried again: %s (%s)", one.job, why)
                heapq.heappush(self._waiting, one)


def _why(error: RayError) -> str:
    """What ended a task, in a line.

    Raises:
        UsageError: It was a mistake of the user's.
    """
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, UsageError):
        raise cause from None
    return in_words(cause)


def _connect(address: str, sources: Sequence[str]) -> None:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or Ray warns of a change
    environment = {"py_modules": list(sources)} if sources and address != "local" else None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if "://" in address:
            raise ConnectionError("Ray's client does not stream")
        if address not in ("auto", "local"):  # where no one answers, Ray would wait for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        with warnings.catch_warnings():
            # Of JAX's threads; the process that is forked runs another program at once.
            warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
            ray.init(address, include_dashboard=False, runtime_env=environment, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise ExecutorError(
            f"no Ray cluster can be used at {address!r} ({in_words(error)}); expected HOST:PORT of "
            f"one that this machine has joined; try ray start, then --ray-address auto, with "
            f"RAY_AUTH_MODE=token where the cluster asks for one; or leave the address out"
        ) from error


def _room(devices: int) -> tuple[int, dict[str, float], int]:
    """Devices and resources of a task, and how many tasks there are at a time."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    if gpus:
        return 1, {"num_gpus": 1}, gpus
    cpus = [int(node.get("CPU", 0)) for node in nodes]
    devices = min(devices, max(cpus, default=0))
    if not devices:
        raise ExecutorError(
            "no machine of the Ray cluster has a CPU or GPU to give; expected one at least; try "
            "ray start --address HOST:PORT --num-cpus 4 on a machine"
        )
    return devices, {"num_cpus": devices}, sum(count // devices for count in cpus)
