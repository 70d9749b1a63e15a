"""Replicas on data that are streamed: read in windows, which all of a stack share.

A program trains a window, its metrics' variables go on from one to the next, and the next window is
read while this one trains.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import jax
import keras
import numpy as np
from jax.sharding import Mesh
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.data.mapped_rows import read_rows
from normwise.data.nested import count, leaves
from normwise.domain import POPULATION, VALIDATION
from normwise.engine.as_fit import evaluation_steps, training_steps
from normwise.engine.devices import replicated, shareable, split_over_replicas
from normwise.engine.divergence import freeze_if_diverged, health
from normwise.engine.evaluating import evaluation_of
from normwise.engine.initial_values import Replica
from normwise.engine.orders import windowed_orders, windows_in
from normwise.engine.population import Population
from normwise.engine.stack import (
    Stack,
    Stacked,
    compiled_program,
    over_replicas,
    shape_of,
    state_shapes,
)
from normwise.engine.state import State, if_alive
from normwise.models.metrics import (
    build_compiled_parts,
    end_of_epoch,
    is_evaluated,
    metrics_at_start,
)

__all__ = ["StreamedCohort", "StreamedProgram", "make_streamed_program"]

Curves = dict[str, Any]
T = TypeVar("T")
# Windows in memory at once: one is used, one waits, and one is read and laid as devices take it.
WINDOWS_AT_ONCE = 4


class StreamedProgram(NamedTuple):
    """The training of one replica on windows of its data.

    Attributes:
        train: ``(state, metrics, orders, examples) → (state, metrics, logs)``: a window's steps.
        trained: ``(state before the epoch, state, metrics, logs) → (state, curves)``.
        evaluate: ``(state, metrics, examples) → (state, metrics, logs)``.
        evaluated: ``(state, state after evaluation, metrics, logs) → (state, curves)``.
        model: The compiled Keras model the functions were made from.
        is_evaluated: Whether there is anything to evaluate by.
        population: What gives the model population statistics, where it is evaluated with those,
            too.
    """

    train: Callable[..., Any]
    trained: Callable[..., Any]
    evaluate: Callable[..., Any]
    evaluated: Callable[..., Any]
    model: keras.Model
    is_evaluated: bool
    population: Population | None


def make_streamed_program(
    model: keras.Model,
    dataset: Dataset,
    batch_size: int,
    population: Population | None = None,
) -> StreamedProgram:
    """Turn a compiled Keras model into pure functions of windows.

    Args:
        model: Built and compiled, with optimiser, loss and metrics.
        dataset: Gives the shapes.
        batch_size: Examples in a batch; the last of an epoch may be smaller.
        population: What gives this model population statistics, where it is evaluated with those,
            too.

    Raises:
        ModelError: The model cannot be traced.
        NotStacked: Code asks for values, or a layer changes its state in evaluation.
    """
    build_compiled_parts(model, dataset, in_steps=True)
    model.optimizer.build(model.trainable_variables)
    draws = evaluation_of(model, dataset).draws

    def trained(before: State, after: State, metrics: Any, logs: Any) -> tuple[State, Curves]:
        curves = end_of_epoch(model, metrics, logs)
        return freeze_if_diverged(before, after, health(curves)), curves

    def evaluated(before: State, after: State, metrics: Any, logs: Any) -> tuple[State, Curves]:
        moved = if_alive(before, after.non_trainable) if draws else before.non_trainable
        curves = end_of_epoch(model, metrics, logs)
        named = {f"{VALIDATION}{name}": value for name, value in curves.items()}
        return before._replace(non_trainable=moved), named

    return StreamedProgram(
        train=training_steps(model, batch_size),
        trained=trained,
        evaluate=evaluation_steps(model, min(count(dataset.x_val), batch_size)),
        evaluated=evaluated,
        model=model,
        is_evaluated=is_evaluated(model),
        population=population if is_evaluated(model) else None,
    )


class Compiled(NamedTuple):
    """Compiled programs.

    Attributes:
        train: By the length of a window.
        evaluate: By the length of a window.
        trained: At the end of an epoch's training.
        evaluated: At its end.
        population: Gives population statistics; ``None`` where nothing asks for them.
    """

    train: dict[int, Any]
    evaluate: dict[int, Any]
    trained: Any
    evaluated: Any
    population: Any = None

    def memory_analysis(self) -> Any:
        """What the program takes that trains a whole window, by XLA's analysis."""
        return self.train[max(self.train)].memory_analysis()


@dataclass(frozen=True)
class StreamedCohort(Stacked):
    """Replicas on data that are read in windows.

    Attributes:
        window: Rows of a window, whole batches.
    """

    program: StreamedProgram
    window: int

    def lower(self) -> Any:
        """Trace the programs of all windows, of shapes alone."""
        split = split_over_replicas(self.mesh)
        state, dataset = state_shapes(self), self.dataset
        metrics = jax.tree.map(lambda one: shape_of(one.shape, one.dtype, split), self._metrics())
        train, evaluate = {}, {}
        for length in _lengths(dataset.examples, self.window):
            orders = shape_of((self.width, length), np.int32, split)
            examples = _shapes(dataset.train, length, self.mesh)
            train[length] = self._traced(self.program.train, state, metrics, orders, examples)
        for length in (
            _lengths(count(dataset.x_val), self.window) if self.program.is_evaluated else ()
        ):
            examples = _shapes(dataset.val, length, self.mesh)
            evaluate[length] = self._traced(self.program.evaluate, state, metrics, examples)
        if (population := self.program.population) is None:
            return train, evaluate, None
        inputs = _shapes(Examples(dataset.x_train, None), len(population.rows), self.mesh).x
        return train, evaluate, self._traced(population.of, state, inputs)

    def compile(self, lowered: Any) -> Compiled:
        """Compile what :meth:`lower` traced."""
        *windows, population = lowered
        train, evaluate = (
            {length: compiled_program(one, self.mesh) for length, one in programs.items()}
            for programs in windows
        )
        program = self.program
        trained, evaluated = (
            jax.jit(self._stacked(one, 4)) for one in (program.trained, program.evaluated)
        )
        known = population and compiled_program(population, self.mesh)
        return Compiled(train, evaluate, trained, evaluated, known)

    def data(self) -> Any:
        """Inputs that population statistics are of, if any are taken; all else comes and goes."""
        population = self.program.population
        if population is None:
            return None
        return _placed(Examples(self.dataset.x_train, None), population.rows, self.mesh).x

    def arrays(self) -> list[NDArray[Any]]:
        """Those of a window."""
        largest = min(self.window, self.dataset.examples)
        return [
            shareable(np.empty((largest, *one.shape[1:]), one.dtype))
            for one in leaves(self.dataset.train)
        ]

    @property
    def bytes_ahead(self) -> int:
        """Of the windows that are read before they are used, and of their orders."""
        arrays = self.arrays()
        orders = 4 * self.width * len(arrays[0])
        return WINDOWS_AT_ONCE * (sum(array.nbytes for array in arrays) + orders)

    def advance(
        self,
        compiled: Any,
        data: Any,
        stack: Stack,
        until: int,
    ) -> Iterator[dict[str, np.ndarray]]:
        """Train a stack until that epoch.

        Yields:
            After each epoch, metric to ``(replicas, 1)``.
        """
        own, per_epoch = len(stack.replicas), windows_in(self.dataset.examples, self.window)
        windows = _one_ahead(self._training(self.filled(stack.replicas), stack.epoch, until))
        for _ in range(stack.epoch, until):
            [results] = self._through(
                compiled.train, [stack.state], itertools.islice(windows, per_epoch)
            )
            state, curves = compiled.trained(stack.state, *results)
            if self.program.is_evaluated:
                state, val = self._evaluated(compiled, state, data)
                curves |= val
            stack.state, stack.epoch = state, stack.epoch + 1
            yield {name: np.asarray(values)[:own, None] for name, values in curves.items()}

    def _evaluated(self, compiled: Compiled, state: State, data: Any) -> tuple[State, Curves]:
        """The state after an evaluation, and metrics; also with population statistics, if asked."""
        states = [state] if data is None else [state, compiled.population(state, data)]
        results = self._through(
            compiled.evaluate, states, _one_ahead(_validation(self.dataset, self.window, self.mesh))
        )
        (after, curves), *others = (
            compiled.evaluated(one, *result) for one, result in zip(states, results, strict=True)
        )
        for _, metrics in others:
            curves |= {f"{POPULATION}{name}": value for name, value in metrics.items()}
        return after, curves

    def _through(
        self, programs: Any, states: Sequence[State], windows: Iterator[tuple[Any, ...]]
    ) -> list[tuple[State, Any, Any]]:
        """Of each of the states what stands behind all windows: itself, metrics, the last logs."""
        results: list[Any] = [(state, self._metrics(), None) for state in states]
        for window in windows:
            program = programs[count(window[-1].x)]
            results = [program(state, metrics, *window) for state, metrics, _ in results]
            # Or windows would pile up in front of devices that are slower than the disk.
            jax.block_until_ready([metrics for _, metrics, _ in results])
        return results

    def _training(
        self, replicas: Sequence[Replica], first: int, until: int
    ) -> Iterator[tuple[Any, ...]]:
        """Orders and examples of the windows of these epochs, on the devices."""
        examples = self.dataset.examples
        drawn = windowed_orders([one.seed for one in replicas], examples, self.window)
        per_epoch = windows_in(examples, self.window)
        # Those before are drawn and thrown away, as of other cohorts.
        for rows, orders in itertools.islice(drawn, first * per_epoch, until * per_epoch):
            placed = jax.device_put(orders, split_over_replicas(self.mesh))
            yield placed, _placed(self.dataset.train, rows, self.mesh)

    def _metrics(self) -> Any:
        """The metrics' variables before an epoch, for each replica."""
        start = [np.asarray(value) for value in metrics_at_start(self.program.model)]
        each = [np.repeat(value[None], self.width, axis=0) for value in start]
        return jax.device_put(each, split_over_replicas(self.mesh))

    def _traced(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A function of what each replica has of its own, and of examples that all share."""
        return jax.jit(self._stacked(function, len(arguments) - 1, 1)).lower(*arguments)

    def _stacked(self, function: Callable[..., Any], own: int, shared: int = 0) -> Any:
        return over_replicas(function, self.mesh, self.width, own, shared)


def _validation(dataset: Dataset, window: int, mesh: Mesh) -> Iterator[tuple[Any, ...]]:
    """Windows of the validation part, on the devices."""
    for first in range(0, count(dataset.x_val), window):
        yield (_placed(dataset.val, slice(first, first + window), mesh),)


def _placed(examples: Examples, rows: Any, mesh: Mesh) -> Examples:
    """Some of the examples on all devices."""
    placed: Examples = jax.tree.map(
        lambda array: jax.device_put(shareable(array), replicated(mesh)), read_rows(examples, rows)
    )
    return placed


def _shapes(examples: Examples, length: int, mesh: Mesh) -> Examples:
    """The form of a window of so many of the examples."""
    shapes: Examples = jax.tree.map(
        lambda one: shape_of((length, *one.shape[1:]), one.dtype, replicated(mesh)), examples
    )
    return shapes


def _lengths(examples: int, window: int) -> set[int]:
    """How many rows windows have."""
    return {min(window, examples), examples % window} - {0}


def _one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same, each made by a thread while the one before is used."""
    end: Any = object()
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, items, end)
        while (item := following.result()) is not end:
            following = pool.submit(next, items, end)
            yield item
