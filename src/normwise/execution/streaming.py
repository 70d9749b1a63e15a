"""Which data are streamed, and how many rows at a time: decided here, and nowhere else.

What decides is the size of what lies on disk beside the memory that there is in all, not what is
free just now: the same command has to find the same runs again.
"""

from __future__ import annotations

import dataclasses
import logging

from jax.sharding import Mesh

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.data.mapped_rows import as_it_lies, held, is_on_disk
from normwise.data.nested import leaves
from normwise.engine import bytes_in_all, on_host, whole_batches
from normwise.spec import Spec

__all__ = ["as_streamed", "window_of"]

log = logging.getLogger("normwise")

# Of all memory, data on disk that take more than this share are streamed.
SHARE = 0.25
# A window has as many rows as make about this.
WINDOW_BYTES = 2**26


def as_streamed(spec: Spec, dataset: Dataset, mesh: Mesh) -> tuple[Spec, Dataset]:
    """Settings that say how data are streamed, if they are, and the data in an order that suits.

    Args:
        spec: Rows of a window in its ``window``; 0 for data in memory, ``None`` where it is open.
        dataset: As it was read.
        mesh: The devices that train.

    Returns:
        Both as they came, but for rows of arrays on disk, which are then in memory; or the settings
        with a ``window``, and the rows in the order in which they lie.
    """
    window, why = spec.window, "as was asked"
    if window is None:
        window, why = _needed(dataset, mesh)
    if not window:
        return spec, dataset.of(*(_in_memory(part) for part in (dataset.train, dataset.val)))
    each = _bytes(dataset.train) / dataset.examples
    note = (
        f"The data are streamed ({why}): {window:,} rows ({window * each / 1e6:,.3g} MB) are in "
        f"memory at a time, and shuffled there."
    )
    if spec.window is None:
        log.warning("%s --window 0 has all of them in memory.", note)
    streamed = dataset.of(*(as_it_lies(part) for part in (dataset.train, dataset.val)))
    return (
        spec.model_copy(update={"window": window}),
        dataclasses.replace(streamed, notes=(*dataset.notes, note)),
    )


def window_of(spec: Spec, batch_size: int) -> int | None:
    """Rows that are read at a time, in whole batches; ``None`` where the data are in memory.

    >>> window_of(Spec(data="circles", window=100), batch_size=32)
    96
    """
    return whole_batches(spec.window, batch_size) if spec.window else None


def _needed(dataset: Dataset, mesh: Mesh) -> tuple[int, str]:
    """Rows of a window where data are too large for memory, and why they are; else 0."""
    parts = (dataset.train, dataset.val)
    # On the host, what is in memory need not be loaded.
    large = sum(_bytes(part, on_disk_alone=on_host(mesh)) for part in parts)
    memory = bytes_in_all(mesh)
    if large <= SHARE * memory:
        return 0, ""
    each = _bytes(dataset.train) / dataset.examples
    return max(1, int(WINDOW_BYTES / each)), f"{large / 1e9:,.3g} GB of {memory / 1e9:,.3g} GB"


def _bytes(part: Examples, *, on_disk_alone: bool = False) -> int:
    return sum(one.nbytes for one in leaves(part) if is_on_disk(one) or not on_disk_alone)


def _in_memory(part: Examples) -> Examples:
    return Examples(*map(held, part))
