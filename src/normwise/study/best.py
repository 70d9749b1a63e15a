"""The best replica of a study as a Keras model."""

from __future__ import annotations

import logging
from pathlib import Path

import keras

from normwise.domain import Run
from normwise.engine import State
from normwise.errors import StudyIncomplete
from normwise.execution import Checkpointed, Executor, Failed, Job
from normwise.execution.checkpoint import Checkpoints
from normwise.execution.setup import Setup
from normwise.models.io import save_model
from normwise.models.optimizers import inner_optimizer
from normwise.models.weights_file import WEIGHTS_SUFFIX, save_weights, why_not_saved
from normwise.study.keeping import state_of
from normwise.study.ledger import Ledger

__all__ = ["best_in", "trained_model", "write_best"]

log = logging.getLogger("normwise")

_WHOLE, _WEIGHTS = "best.keras", f"best{WEIGHTS_SUFFIX}"


def best_in(folder: Path) -> bool:
    """Whether a folder holds the best replica, whole or as weights."""
    return any((folder / name).exists() for name in (_WHOLE, _WEIGHTS))


def write_best(model: keras.Model, folder: Path) -> None:
    """Write ``best.keras``, or the weights alone of a model that Keras cannot save, which is said.

    Raises:
        StoreError: It cannot be written.
    """
    why = why_not_saved(model)
    written, other = (_WEIGHTS, _WHOLE) if why else (_WHOLE, _WEIGHTS)
    if why:
        log.warning(
            "%s is not written, as Keras cannot save a model of class %r (%s). %s has its weights, "
            "for load_weights() of the model that your function builds.",
            _WHOLE,
            type(model).__name__,
            why,
            _WEIGHTS,
        )
        save_weights(model, folder / written)
    else:
        save_model(model, folder / written)
    (folder / other).unlink(missing_ok=True)  # of what was there before


def trained_model(
    run: Run, setup: Setup, ledger: Ledger, checkpoints: Checkpoints, executor: Executor
) -> keras.Model:
    """A replica as a Keras model, trained, and compiled with the loss as it is recorded.

    Args:
        run: Which; it went to its end.
        setup: What the study's jobs share.
        ledger: Knows where its state lies.
        checkpoints: Has the state.
        executor: Trains it again where the state is lost, as in folders from before there were
            any: the same seed gives the same weights.
    """
    own, _ = setup.model(run.variant, run.condition.batch_size, depth=run.condition.depth)
    model = setup.recipe.compile(own, loss_unit=1)
    state = state_of(run.key, ledger, checkpoints)
    if state is None:
        state = _trained_again(run, setup, checkpoints, executor)
    for variables, values in zip(
        (model.trainable_variables, model.non_trainable_variables),
        (state.trainable, state.non_trainable),
        strict=True,
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value[0])
    if inner_optimizer(model.optimizer).use_ema and not setup.engine.is_fit:  # which left them so
        _average(model, state)
        setup.recipe.compile(model, loss_unit=1)  # which has no steps behind it
    return model


def _average(model: keras.Model, state: State) -> None:
    """The weights' averages in the place of the weights, as ``fit`` leaves them at its end."""
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    for variable, value in zip(optimizer.variables, state.optimizer, strict=True):
        variable.assign(value[0])
    inner_optimizer(optimizer).finalize_variable_values(model.trainable_variables)


def _trained_again(run: Run, setup: Setup, checkpoints: Checkpoints, executor: Executor) -> State:
    size, epochs = run.condition.batch_size, setup.spec.epochs
    events = list(executor.run([Job(run.variant, size, (run,), 0, epochs)]))
    for event in events:
        if isinstance(event, Failed):
            raise StudyIncomplete(
                f"the state of the best run is lost, and training it again failed ({event.why}); "
                f"expected it to reach its end; mend what made it fail, then run the same command "
                f"again"
            )
    *_, last = [event for event in events if isinstance(event, Checkpointed)]
    rows = checkpoints.load(last.name)
    checkpoints.drop([last.name])
    if rows is None:
        raise RuntimeError(f"checkpoint {last.name!r} was written and is not there")
    return rows
