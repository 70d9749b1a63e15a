"""Compiles the steps of several models side by side, before Keras' own ``fit`` needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import jax

from normwise.data.nested import count, rows
from normwise.engine.keras_fit import Fit
from normwise.models.metrics import is_evaluated

__all__ = ["compile_steps"]


def compile_steps(fits: Iterable[Fit], most: int) -> None:
    """Trace one after another, which is Python, and compile beside that and each other.

    ``fit`` then finds them: JAX keeps what it compiled of a function for arrays of that form. Steps
    that are the same, as evaluations with another momentum, follow one another: the later ones are
    then in JAX's folder of compiled programs.

    Args:
        fits: Whose steps; what ``fit`` does not compile is left out.
        most: Of a longer epoch than so many batches, only the step of a whole batch; of streamed
            data no evaluation.
    """
    pool, compiling = ThreadPoolExecutor(), dict[str, Future[Any]]()
    try:
        for fit in fits:
            for traced in _traced(fit, is_short=fit.data.steps <= most):
                text = traced.as_text()
                compiling[text] = pool.submit(_compile, traced, compiling.get(text))
        wait(compiling.values())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt waits for no compiler


def _compile(traced: Any, same: Future[Any] | None) -> None:
    if same is not None:
        wait([same])
    traced.compile()


def _traced(fit: Fit, *, is_short: bool) -> Iterator[Any]:
    model = fit.model
    if model.run_eagerly or not model.jit_compile:
        return
    trainable, non_trainable, optimizer, metrics = (
        [variable.value for variable in part]
        for part in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
    )
    train = jax.jit(model.train_step, donate_argnums=0)
    for numbers in _batches(fit.data.examples, fit.data.size)[: None if is_short else 1]:
        batch = fit.data.rows(numbers)
        yield train.lower((trainable, non_trainable, optimizer, metrics), batch)
    if is_short and fit.data.window is None and is_evaluated(model):
        test = jax.jit(model.test_step, donate_argnums=0)
        part = fit.data.evaluated(fit.data.dataset.val, fit.at_once)
        for numbers in _batches(count(part.x), fit.at_once):
            batch = rows(part, numbers).batch
            yield test.lower((trainable, non_trainable, metrics), batch)


def _batches(examples: int, size: int) -> list[slice]:
    """A whole batch, and the last one where that is smaller."""
    last = examples % size
    return [slice(min(size, examples)), *([slice(last)] if last and last < examples else [])]
