"""Looks inside a network while the user's own ``fit`` trains it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from normwise.diagnose.observer import Observer
from normwise.domain import Inside
from normwise.errors import ModelError, SpecError
from normwise.report import DrawingProcess, Page, Shown, inside_page, write_html, write_png

__all__ = ["Monitor"]


class Monitor(keras.callbacks.Callback, Shown):  # type: ignore[misc]
    """A callback that looks inside a network while Keras' ``fit`` trains it.

    It sees gradients, activations, how both shift, the loss along a step, and what batch
    normalisation holds, at the first step of each epoch, and writes a report when the training
    ends. The training is what it would be without it. Of a model with a ``train_step`` of its
    own it sees activations and statistics.

    Args:
        out: Folder for ``report.html`` and ``inside.png``; ``None`` writes nothing.
        every: Look at every so many steps, ≥ 1, from the first on, in the place of once an epoch.

    Attributes:
        inside: What was seen in the last ``fit``; ``None`` before one has begun.

    Raises:
        SpecError: ``every`` is below 1.

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
        if every is not None and every < 1:
            raise SpecError(
                f"every is {every}; expected a number of steps of at least 1; leave it out to "
                f"look once an epoch"
            )
        self.out, self.every = None if out is None else Path(out), every
        self._observer: Observer | None = None
        self._end: Callable[[], None] = _nothing
        self._step = self._epoch = 0
        self._is_due = False

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
        self._step = 0
        self._observer = Observer(self.model, "epoch" if self.every is None else "step")
        # Keras' own `model` moves the state of a running `fit` whenever it is asked for.
        self._end = self._observer.begin(self._due)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """The next step is the first of an epoch."""
        self._epoch, self._is_due = epoch + 1, self.every is None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """Look, if an epoch was too short to compare as many batches as usual."""
        if self._observer is not None:
            self._observer.look()

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """Write the report."""
        self._end()
        inside = self.inside
        if self.out is None or inside is None:
            return
        with DrawingProcess() as drawing:
            write_png(self.page, self.out / "inside.png", drawing.draw)
        path = write_html(self.page, self.out / "report.html")
        if self.params.get("verbose"):
            print(f"What happened inside {inside.key.variant!r}: {path}")  # noqa: T201

    def _due(self) -> int | None:
        """The number of the look that is to be taken at the step that follows, if one is."""
        self._step += 1
        if self.every is not None:
            return self._step if (self._step - 1) % self.every == 0 else None
        is_due, self._is_due = self._is_due, False
        return self._epoch if is_due else None


def _nothing() -> None:
    """Nothing is seen yet."""
