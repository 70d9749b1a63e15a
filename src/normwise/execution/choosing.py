"""Which executor a study asks for: by name, or one's own."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from normwise.errors import ExecutorError, UnknownNameError
from normwise.execution.executor import Executor

if TYPE_CHECKING:
    from normwise.execution.checkpoint import Checkpoints
    from normwise.execution.setup import Setup

__all__ = ["ExecutorLike", "MakeExecutor", "executor_of"]

# What makes an executor of what all jobs share and of the place where states of runs are kept.
MakeExecutor: TypeAlias = "Callable[[Setup, Checkpoints], Executor]"
ExecutorLike: TypeAlias = "str | MakeExecutor"


def executor_of(wanted: ExecutorLike, ray_address: str | None = None) -> MakeExecutor:
    """What makes the executor that was asked for; neither Ray nor JAX is started.

    Args:
        wanted: ``local``, ``ray``, or what makes one's own.
        ray_address: Of a Ray cluster that this machine belongs to.

    Raises:
        ExecutorError: Ray is not installed, or an address was given without it.
        UnknownNameError: There is no such executor.

    >>> executor_of("local").__name__
    'LocalExecutor'
    """
    if ray_address is not None and wanted != "ray":
        raise ExecutorError(
            f"the address {ray_address!r} of a Ray cluster was given with another executor; "
            f"expected both or neither; add --executor ray (in Python executor='ray')"
        )
    if ray_address is not None and not ray_address.strip():
        raise ExecutorError(
            "the address of a Ray cluster is empty; expected HOST:PORT or auto; leave it out for a "
            "cluster of this machine alone"
        )
    if callable(wanted):
        return wanted
    if wanted == "local":
        from normwise.execution.local import LocalExecutor

        return LocalExecutor
    if wanted != "ray":
        raise UnknownNameError("executor", str(wanted), ["local", "ray"])
    if importlib.util.find_spec("ray") is None:
        raise ExecutorError(
            "executor 'ray' needs Ray, which is not installed; expected the extra 'ray'; try "
            "pip install 'normwise[ray]'"
        )
    from normwise.execution.ray import RayExecutor

    return functools.partial(RayExecutor, address=ray_address)
