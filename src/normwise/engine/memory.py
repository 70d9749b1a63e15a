"""How much memory the training of a stack takes, by XLA's own analysis, and how much there is."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from jax.sharding import Mesh

from normwise.engine.devices import REPLICA, is_shareable, on_host
from normwise.engine.stack import Stacked

__all__ = ["bytes_free", "bytes_in_all", "bytes_needed", "bytes_usable", "fits", "narrower"]

# Of the memory that is free, training may take this share: others live on the machine, too.
SHARE = 0.8
# A checkpoint is written from so many copies of a stack's state, when the program is at rest.
COPIES_OF_STATE = 2
# What drawing and the first call take, whatever is computed: small programs, threads, their pools.
BEGINNING = 24 * 2**20


def bytes_needed(cohort: Stacked, compiled: Any) -> int:
    """Bytes that training a chunk takes at its peak, beside what the process holds already.

    Devices that are the host's processor share its memory, and all of them count; of other
    devices, each has its own, and one of them counts.

    Args:
        cohort: What trains.
        compiled: Its program.
    """
    own = compiled.memory_analysis()
    ahead = cohort.bytes_ahead
    state, scratch = own.alias_size_in_bytes, own.temp_size_in_bytes
    lasting = own.argument_size_in_bytes + own.output_size_in_bytes - state
    lasting += own.generated_code_size_in_bytes
    devices = cohort.mesh.size
    if not on_host(cohort.mesh):
        return int(lasting + scratch + ahead // devices)
    arrays = cohort.arrays()
    # One copy for all devices, and none where they can use it as it lies.
    lasting = devices * (lasting - sum(array.nbytes for array in arrays))
    lasting += sum(array.nbytes for array in arrays if not is_shareable(array))
    writing = COPIES_OF_STATE * devices * state
    return int(lasting + max(devices * scratch + ahead, writing) + BEGINNING)


def bytes_free(mesh: Mesh) -> int:
    """Bytes that these devices, or the process where they are the host's, may still take."""
    if not on_host(mesh):
        return min(map(_free_on, mesh.devices.flat))
    available = int(psutil.virtual_memory().available)
    return max(0, min([available, *(left for _, left in _limits())]))


def bytes_in_all(mesh: Mesh) -> int:
    """Bytes that these devices have, or the process may take in all where they are the host's.

    Unlike what is free, the same whenever it is asked for.
    """
    if not on_host(mesh):
        return min(map(_size_of, mesh.devices.flat))
    return min([int(psutil.virtual_memory().total), *(most for most, _ in _limits())])


def bytes_usable(mesh: Mesh) -> float:
    """Bytes that training may take there."""
    return SHARE * bytes_free(mesh)


def fits(cohort: Stacked, compiled: Any) -> bool:
    """Whether there is memory for a chunk of the cohort."""
    return bytes_needed(cohort, compiled) <= bytes_usable(cohort.mesh)


def narrower(cohort: Stacked, share: float) -> Stacked:
    """The same training with fewer replicas at a time: first on each device, then on fewer devices.

    Args:
        cohort: What does not fit, more than one replica wide; of what is returned, nothing is
            compiled yet.
        share: About how much of its width does fit, in (0, 1).
    """
    devices = cohort.mesh.size
    each = cohort.width // devices
    if each > 1:
        each = min(each - 1, max(1, int(each * share)))
    else:
        devices = min(devices - 1, max(1, int(devices * share)))
    mesh = Mesh(cohort.mesh.devices[:devices], (REPLICA,))
    return replace(cohort, width=devices * each, mesh=mesh)


def _free_on(device: Any) -> int:
    stats = device.memory_stats()
    return int(stats["bytes_limit"] - stats["bytes_in_use"]) if stats else sys.maxsize


def _size_of(device: Any) -> int:
    stats = device.memory_stats()
    return int(stats["bytes_limit"]) if stats else sys.maxsize


def _limits() -> Iterator[tuple[int, int]]:
    """Each limit that the process is under, and what is left of it."""
    yield from _limit_of_addresses()
    yield from _limits_of_groups()


def _limit_of_addresses() -> Iterator[tuple[int, int]]:
    """That of ``ulimit -v``, where the system has it."""
    with contextlib.suppress(ImportError, AttributeError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            yield limit, limit - psutil.Process().memory_info().vms


def _limits_of_groups() -> Iterator[tuple[int, int]]:
    """That of each control group that the process is in, as of a container or a batch job."""
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, controllers, name = line.split(":", 2)
        if not controllers:
            yield from _limit_of(Path("/sys/fs/cgroup"), name, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            files = "memory.limit_in_bytes", "memory.usage_in_bytes"
            yield from _limit_of(Path("/sys/fs/cgroup/memory"), name, *files)


def _limit_of(root: Path, name: str, limit: str, usage: str) -> Iterator[tuple[int, int]]:
    folder = root / name.strip("/")
    # A container sees its own group as the root, whatever the host calls it.
    for group in (folder, *(one for one in folder.parents if one.is_relative_to(root))):
        most, used = _text(group / limit).strip(), _text(group / usage).strip()
        if most.isdigit() and used.isdigit():
            yield int(most), int(most) - int(used) + _cached(_text(group / "memory.stat"))


def _cached(stat: str) -> int:
    """Pages of files that the system gives back before it runs out of memory."""
    facts = dict(line.split() for line in stat.splitlines())
    return int(facts.get("total_inactive_file", facts.get("inactive_file", 0)))


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, ValueError):
        return ""
