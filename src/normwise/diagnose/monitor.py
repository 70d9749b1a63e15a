"""Looks inside a network while the user's own ``fit`` trains it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from normwise.diagnose.observer import Observer
from normwise.diagnose.step_numbers import StepNumbers
from normwise.domain import Inside
from normwise.errors import ModelError, SpecError, in_words
from normwise.report import DrawingProcess, Page, Shown, inside_page, write_html, write_png

__all__ = ["Monitor"]

log = logging.getLogger("normwise")


class Monitor(keras.callbacks.Callback, Shown):  # type: ignore[misc]
    """A callback that looks inside a network while Keras' ``fit`` trains it.

    It sees gradients, activations, how both shift, the loss along a step, and what batch
    normalisation holds, at the first step of each epoch, and writes a report when the training
    ends. The training is what it would be without it. Of a model with a ``train_step`` of its
    own it sees activations and statistics.

    Args:
        out: Folder for ``report.html`` and ``inside.png``; ``None`` writes nothing.
        every: Look at every so many steps, ≥ 1, from the first on, in the place of once an epoch;
            of steps that Keras runs at once, at the first of them.

    Attributes:
        inside: What was seen in the last ``fit``; ``None`` before one has begun.

    Raises:
        SpecError: ``every`` is no number of steps, or ``out`` no folder.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="only")])
    >>> model.compile("sgd", "mse")
    >>> monitor = Monitor(out=None)
    >>> _ = model.fit(x, x[:, :1], epochs=2, callbacks=[monitor], verbose=0)
    >>> monitor.inside.series["gradients/norm"].shape  # two epochs, one layer
    (2, 1)
    """

    def __init__(
        self, out: str | Path | None = "normwise-out/monitor", every: int | None = None
    ) -> None:
        super().__init__()
        if every is not None and (type(every) is not int or every < 1):
            raise SpecError(
                f"every is {every!r}; expected a whole number of steps of at least 1; leave it out "
                f"to look once an epoch"
            )
        self.out, self.every = _folder(out), every
        self._observer: Observer | None = None
        self._end: Callable[[], None] = _nothing
        self._steps = StepNumbers()

    @property
    def inside(self) -> Inside | None:
        """What was seen in the last ``fit``; ``None`` where nothing was."""
        return None if self._observer is None else self._observer.inside

    @property
    def page(self) -> Page:
        """The report.

        Raises:
            ModelError: Nothing was seen.
        """
        inside = self.inside
        if inside is None:
            raise ModelError(
                "the monitor has seen no step; expected a model that was trained with it; pass it "
                "to fit(..., callbacks=[monitor]) first"
            )
        return inside_page(inside.key.variant, {inside.key.variant: [inside]})

    def _shown(self) -> Page:
        return self.page

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """Begin to see the steps."""
        self._end()
        self._steps = StepNumbers(self.model.steps_per_execution, self.params.get("steps"))
        self._observer = Observer(self.model, "epoch" if self.every is None else "step")
        # Keras' own `model` moves the state of a running `fit` whenever it is asked for.
        self._end = self._observer.begin(self._steps.is_next, self._due)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """The next step is the first of an epoch."""
        self._steps.epoch(epoch + 1)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """This step is next."""
        self._steps.step(batch + 1)

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """Look at what waits for more batches, and write the report."""
        self._end()
        if self._observer is not None:
            self._observer.end()
        if self.out is None or self.inside is None:
            return
        try:
            path = self._written(self.out)
        except Exception as error:  # noqa: BLE001 (the user's training must not end by it)
            log.warning("What the monitor saw is not written: %s.", in_words(error))
            return
        if self.params.get("verbose"):
            print(f"What happened inside {self.inside.key.variant!r}: {path}")  # noqa: T201

    def _written(self, out: Path) -> Path:
        with DrawingProcess() as drawing:
            write_png(self.page, out / "inside.png", drawing.draw)
        return write_html(self.page, out / "report.html")

    def _due(self) -> int | None:
        """The number of the look that is to be taken at the step that follows, if one is."""
        return self._steps.first_of_epoch() if self.every is None else self._steps.due(self.every)


def _folder(out: Any) -> Path | None:
    """Where the report goes.

    Raises:
        SpecError: It cannot be a folder.
    """
    if out is not None and not isinstance(out, str | os.PathLike):
        raise SpecError(f"out is {out!r}; expected a folder, or None to write nothing")
    path = None if out is None else Path(out)
    if path is not None and path.exists() and not path.is_dir():
        raise SpecError(f"out is {str(path)!r}, which is a file; expected a folder; name another")
    return path


def _nothing() -> None:
    """Nothing is seen yet."""
