"""Looks inside a network while the user's own ``fit`` trains it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from normwise.data.dataset import Examples
from normwise.data.nested import count, rows
from normwise.domain import Inside, RunKey
from normwise.errors import ModelError, SpecError, in_words
from normwise.keras_private import stepping_through
from normwise.models.kinds import is_called
from normwise.probes import BATCHES, Looking, Moment, Start, looking_at, start_of
from normwise.report import DrawingProcess, Page, Shown, inside_page, write_html, write_png

__all__ = ["Monitor"]

log = logging.getLogger("normwise")


@dataclass(eq=False)
class _Awaited:
    """A step that is looked at once the batches behind it are known, too."""

    at: int
    state: tuple[Any, Any, Any]
    batches: list[Examples]

    def add(self, batch: Examples) -> None:
        """Another batch, if it has the form of the first."""
        if _forms(batch.x) == _forms(self.batches[0].x):
            self.batches.append(batch)


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
        self._network: Any = None
        self._end: Any = None
        self._forget()

    def _forget(self) -> None:
        self._looking: Looking | None = None
        self._reference: Any = None
        self._awaited: _Awaited | None = None
        self._seen: list[dict[str, Any]] = []
        self._at: list[int] = []
        self._step = self._epoch = 0
        self._is_due = self._has_failed = False

    @property
    def inside(self) -> Inside | None:
        """What was seen in the last ``fit``; ``None`` where nothing was."""
        if self._looking is None or not self._seen:
            return None
        series = {name: np.stack([one[name] for one in self._seen]) for name in self._seen[0]}
        return Inside(
            RunKey(self._network.name, 0, "fit"),
            self._looking.names,
            self._looking.settled(series),
            at=tuple(self._at),
            unit="epoch" if self.every is None else "step",
        )

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
        return inside_page(self._network.name, {self._network.name: [inside]})

    def _shown(self) -> Page:
        return self.page

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """Begin to see the steps."""
        if self._end is not None:
            self._end()
        self._forget()
        # Keras' own `model` moves the state of a running `fit` whenever it is asked for.
        self._network = self.model
        if not is_called(self._network):
            self._give_up("it has no call, and what its own steps make of a batch is not known")
            return
        # Copies: the first step takes the memory of what there is.
        self._metrics = [jnp.copy(value) for value in start_of(self._network).metrics]
        self._end = stepping_through(self._network, self._before_step)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """The next step is the first of an epoch."""
        self._epoch, self._is_due = epoch + 1, self.every is None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """Look, if an epoch was too short to compare as many batches as usual."""
        self._look()

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """Write the report."""
        if self._end is not None:
            self._end()
        if self.out is None or self.inside is None:
            return
        with DrawingProcess() as drawing:
            write_png(self.page, self.out / "inside.png", drawing.draw)
        path = write_html(self.page, self.out / "report.html")
        if self.params.get("verbose"):
            print(f"What happened inside {self._network.name!r}: {path}")  # noqa: T201

    def _before_step(self, state: Any, data: Any) -> None:
        if self._has_failed:
            return
        batch = Examples(*keras.utils.unpack_x_y_sample_weight(data))
        self._step += 1
        if self._is_due or (self.every is not None and (self._step - 1) % self.every == 0):
            self._look()
            self._is_due = False
            at = self._epoch if self.every is None else self._step
            self._awaited = _Awaited(at, jax.tree.map(jnp.copy, tuple(state[:3])), [batch])
        elif self._awaited is not None:
            self._awaited.add(batch)
        if self._awaited is not None and len(self._awaited.batches) == BATCHES:
            self._look()

    def _look(self) -> None:
        """Look at the step that waits for it, if one does."""
        awaited, self._awaited = self._awaited, None
        if awaited is None or self._has_failed:
            return
        try:
            self._seen.append(self._seen_at(awaited))
            self._at.append(awaited.at)
        except Exception as error:  # noqa: BLE001 (the user's training must not end by it)
            self._give_up(in_words(error))

    def _seen_at(self, awaited: _Awaited) -> dict[str, Any]:
        inputs = [batch.x for batch in awaited.batches]
        trainable, others, optimizer = (list(part) for part in awaited.state)
        if self._looking is None:
            start = Start(trainable, others, self._metrics)
            self._begin(looking_at(self._network, start, inputs[0]), inputs)
        stacked = jax.tree.map(lambda *each: jnp.stack(each), *inputs)
        batch = Examples(*jax.tree.map(jnp.asarray, tuple(awaited.batches[0])))
        moment = Moment(trainable, others, optimizer, batch, stacked, self._reference)
        return {name: np.asarray(one) for name, one in self._program(moment).items()}

    def _begin(self, looking: Looking, inputs: list[Any]) -> None:
        """What is looked at from now on, and the examples that signals are of: the first ones."""
        whole = jax.tree.map(lambda *each: jnp.concatenate(each), *inputs)
        self._reference = rows(whole, looking.reference(count(whole)))
        self._looking = looking
        self._program = looking.look if self._network.run_eagerly else jax.jit(looking.look)

    def _give_up(self, why: str) -> None:
        self._has_failed = True
        log.warning(
            "Model %r is not looked into: %s. Its training goes on.", self._network.name, why
        )


def _forms(x: Any) -> list[tuple[int, ...]]:
    return [np.shape(one) for one in jax.tree.leaves(x)]
