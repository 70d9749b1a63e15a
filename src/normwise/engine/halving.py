"""Successive halving: replicas that will not win stop early, and the others move together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from normwise.engine.cohort import Chunk, Cohort, Stack, segment_length
from normwise.engine.devices import split_over_replicas
from normwise.engine.initial import Replica
from normwise.engine.program import State

__all__ = ["Keep", "run_halving", "rungs"]

# Of these replicas, with their curves so far, which go on: their numbers, ascending.
Keep = Callable[[Sequence[Replica], dict[str, np.ndarray]], Sequence[int]]

# The shares of a run after which replicas are looked at.
SHARES = (0.25, 0.5)


def rungs(epochs: int) -> list[int]:
    """Epochs after which replicas are looked at, between two calls of the program.

    >>> rungs(100), rungs(10), rungs(1)
    ([20, 50], [2, 5], [])
    """
    segment = segment_length(epochs)
    found = (int(share * epochs) // segment * segment for share in SHARES)
    return sorted({epoch for epoch in found if 0 < epoch < epochs})


def run_halving(
    cohort: Cohort,
    compiled: Callable[..., Any],
    replicas: Sequence[Replica],
    keep: Keep,
    on_epoch: Callable[[int, int], None],
) -> Iterator[Chunk]:
    """Train the replicas; at each rung those that are not kept stop.

    A replica that goes on trains exactly as it would have: only its place in the stack
    changes. All of them wait for each other at a rung, on the host.

    Args:
        cohort: What they share.
        compiled: Its program.
        replicas: Any number.
        keep: Which go on.
        on_epoch: Called with (epochs done, replicas in the stack).

    Yields:
        Those that stopped, with curves up to where they did, then those that went on to the end.
    """
    started, data, trained = time.perf_counter(), cohort.data(), len(replicas)
    stacks = [Stack(chunk, cohort.start(cohort.filled(chunk))) for chunk in cohort.chunks(replicas)]
    for until in [*rungs(cohort.epochs), cohort.epochs]:
        for stack in stacks:
            cohort.advance(compiled, data, stack, until, on_epoch)
        if until < cohort.epochs:
            everyone = _joined(stacks)
            kept = list(keep(everyone.replicas, everyone.curves))
            stopped = [one for one in range(len(everyone.replicas)) if one not in set(kept)]
            if stopped:
                share = len(stopped) / trained
                yield _taken(everyone, stopped).chunk(share * (time.perf_counter() - started))
                stacks = _packed(cohort, everyone, kept)
    for stack in stacks:
        share = len(stack.replicas) / trained
        yield stack.chunk(share * (time.perf_counter() - started))


def _joined(stacks: Sequence[Stack]) -> Stack:
    """One stack of all replicas, on the host, without copies."""
    states = [_own_rows(stack) for stack in stacks]
    curves = [stack.curves for stack in stacks]
    return Stack(
        replicas=tuple(replica for stack in stacks for replica in stack.replicas),
        state=jax.tree.map(lambda *values: np.concatenate(values), *states),
        pieces=[{name: np.concatenate([one[name] for one in curves]) for name in curves[0]}],
    )


def _own_rows(stack: Stack) -> State:
    own = slice(len(stack.replicas))
    rows: State = jax.tree.map(lambda value: np.asarray(value)[own], stack.state)
    return rows


def _taken(stack: Stack, numbers: Sequence[int]) -> Stack:
    """These of its replicas, in this order; one may come more than once."""
    rows = np.array(numbers)
    return Stack(
        replicas=tuple(stack.replicas[number] for number in numbers),
        state=jax.tree.map(lambda value: value[rows], stack.state),
        pieces=[{name: values[rows] for name, values in piece.items()} for piece in stack.pieces],
    )


def _packed(cohort: Cohort, everyone: Stack, kept: Sequence[int]) -> list[Stack]:
    """Those that go on, in as few stacks as hold them, on the devices again."""
    stacks = []
    for first in range(0, len(kept), cohort.width):
        own = list(kept[first : first + cohort.width])
        filled = _taken(everyone, own + own[-1:] * (cohort.width - len(own)))
        state = jax.device_put(filled.state, split_over_replicas(cohort.mesh))
        stacks.append(Stack(filled.replicas[: len(own)], state, filled.pieces))
    return stacks
