"""One JAX device a core, a cache for compiled programs, and how replicas lie on them."""

from __future__ import annotations

import os
import re
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray

from normwise.data.aligned import ALIGNMENT, aligned_empty
from normwise.files import cache_folder

__all__ = [
    "REPLICA",
    "configure",
    "is_shareable",
    "on_host",
    "replica_mesh",
    "replicated",
    "shareable",
    "split_over_replicas",
]

REPLICA = "replica"


def configure() -> None:
    """Set JAX up for stacks of small networks; does nothing once JAX has started.

    One XLA device for the whole machine parallelises inside an operation, which
    small networks do not repay; one device a core trains separate replicas. Where the user says
    how many there are, by ``JAX_NUM_CPU_DEVICES`` or ``XLA_FLAGS``, there are as many.
    """
    try:
        jax.config.update("jax_num_cpu_devices", _chosen_number() or _cores())
    except RuntimeError:
        # JAX has started: the devices are what they are, and any number will do.
        return
    jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _chosen_number() -> int:
    """How many devices the user says that a CPU is, in either of JAX's two ways; 0 if in none."""
    told: int = jax.config.jax_num_cpu_devices  # type: ignore[attr-defined]
    flag = re.search(r"host_platform_device_count=(\d+)", os.environ.get("XLA_FLAGS", ""))
    return max(told, int(flag[1]) if flag else 0)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # no affinity on this system
        return os.cpu_count() or 1


def replica_mesh(devices: int | None = None) -> Mesh:
    """A line of devices for the replica axis; all of them unless told."""
    return Mesh(np.array(jax.devices()[:devices]), (REPLICA,))


def on_host(mesh: Mesh) -> bool:
    """Whether the devices are the host's own processor, and its memory theirs."""
    return all(device.platform == "cpu" for device in mesh.devices.flat)


def split_over_replicas(mesh: Mesh) -> NamedSharding:
    """The leading axis is cut over the devices."""
    return NamedSharding(mesh, PartitionSpec(REPLICA))


def replicated(mesh: Mesh) -> NamedSharding:
    """Every device holds the whole."""
    return NamedSharding(mesh, PartitionSpec())


def is_shareable(array: NDArray[Any]) -> bool:
    """Whether devices on the host can use the array as it lies, without copies of their own."""
    return array.flags.c_contiguous and array.ctypes.data % ALIGNMENT == 0


def shareable(array: NDArray[Any]) -> NDArray[Any]:
    """The array, or a copy that devices on the host can use without copies of their own.

    >>> is_shareable(shareable(np.arange(3)))
    True
    """
    if is_shareable(array):
        return array
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy
