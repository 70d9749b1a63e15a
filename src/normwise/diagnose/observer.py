"""Sees the steps of a ``fit``, and looks at some of them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from normwise.data.dataset import Examples
from normwise.data.nested import count, rows
from normwise.domain import Inside, RunKey
from normwise.errors import in_words
from normwise.models.kinds import is_called
from normwise.models.stepping import stepping_through
from normwise.probes import BATCHES, Looking, Moment, Start, looking_at, start_of

__all__ = ["Observer"]

log = logging.getLogger("normwise")


@dataclass(eq=False)
class _Awaited:
    """A step that is looked at once the batches behind it are known, too."""

    at: int
    state: tuple[Any, Any, Any]
    batches: list[Examples]
    waits_for: int = BATCHES - 1

    def add(self, batch: Examples) -> None:
        """Another batch; it is compared if it has the form of the first."""
        self.waits_for -= 1
        if _forms(batch.x) == _forms(self.batches[0].x):
            self.batches.append(batch)

    def fill(self, newest: Sequence[Examples]) -> None:
        """Where too few follow, those before do as well: other counts are programs of their own."""
        own = set(map(id, self.batches))
        for batch in reversed(newest):
            if len(self.batches) < BATCHES and id(batch) not in own:
                self.add(batch)


class Observer:
    """What is seen in one ``fit``.

    A look that fails is the last one: the training goes on.

    Args:
        model: In a ``fit`` that is about to begin.
        unit: What looks are numbered by, ``epoch`` or ``step``.
    """

    def __init__(self, model: keras.Model, unit: str) -> None:
        self._model, self._unit = model, unit
        self._eye: _Eye | None = None
        self._awaited = deque[_Awaited]()
        self._newest = deque[Examples](maxlen=BATCHES + 1)  # the last of an epoch may be shorter
        self._seen: dict[int, dict[str, Any]] = {}
        self._has_failed = not is_called(model)
        if self._has_failed:
            self._give_up("it has no call, and what its own steps make of a batch is not known")
        # Copies: the first step takes the memory of what there is.
        self._metrics = [jnp.copy(value) for value in start_of(model).metrics]

    def begin(self, is_on: Callable[[], bool], due: Callable[[], int | None]) -> Callable[[], None]:
        """See the steps that follow.

        Args:
            is_on: Asked before each step: whether it is still one of this ``fit``.
            due: Called then: the number of a look that is to be taken, or ``None``.

        Returns:
            What lets it see no more.
        """

        def before_step(state: Any, data: Any) -> None:
            number = due()
            if not self._has_failed:
                self._before_step(
                    number, state, Examples(*keras.utils.unpack_x_y_sample_weight(data))
                )

        return stepping_through(self._model, is_on, before_step)

    def _before_step(self, number: int | None, state: Any, batch: Examples) -> None:
        self._newest.append(batch)
        for awaited in self._awaited:
            awaited.add(batch)
        if number is not None:
            kept = jax.tree.map(jnp.copy, tuple(state[:3]))
            self._awaited.append(_Awaited(number, kept, [batch]))
        while self._awaited and not self._awaited[0].waits_for:
            self._look(self._awaited.popleft())

    def end(self) -> None:
        """Look at the steps that wait for batches which do not come, with those before them."""
        while self._awaited:
            awaited = self._awaited.popleft()
            awaited.fill(self._newest)
            self._look(awaited)
        self._newest.clear()

    def _look(self, awaited: _Awaited) -> None:
        if self._has_failed:
            return
        try:
            if self._eye is None:
                self._eye = _Eye.of(self._model, self._metrics, awaited)
            self._seen[awaited.at] = self._eye.sees(awaited)
        except Exception as error:  # noqa: BLE001 (the user's training must not end by it)
            self._give_up(in_words(error))

    @property
    def inside(self) -> Inside | None:
        """What was seen; ``None`` where nothing was."""
        if self._eye is None or not self._seen:
            return None
        looking, every = self._eye.looking, list(self._seen.values())
        series = {name: np.stack([one[name] for one in every]) for name in every[0]}
        return Inside(
            RunKey(self._model.name, 0, "fit"),
            looking.names,
            looking.settled(series),
            at=tuple(self._seen),
            unit=self._unit,
        )

    def _give_up(self, why: str) -> None:
        self._has_failed = True
        self._awaited.clear()
        self._newest.clear()
        log.warning("Model %r is not looked into: %s.", self._model.name, why)


@dataclass(frozen=True, eq=False)
class _Eye:
    """What looks at a step.

    Attributes:
        looking: What is looked at.
        reference: Inputs that signals are of: those of the first batches that were seen.
    """

    looking: Looking
    reference: Any

    @classmethod
    def of(cls, model: keras.Model, metrics: list[Any], first: _Awaited) -> _Eye:
        """What looks at a model, from its first step on."""
        inputs = [batch.x for batch in first.batches]
        trainable, others, _ = map(list, first.state)
        looking = looking_at(model, Start(trainable, others, metrics), inputs[0])
        whole = jax.tree.map(lambda *each: jnp.concatenate(each), *inputs)
        return cls(looking, rows(whole, looking.reference(count(whole))))

    def sees(self, awaited: _Awaited) -> dict[str, Any]:
        """What there is to see at a step."""
        stacked = jax.tree.map(lambda *each: jnp.stack(each), *[one.x for one in awaited.batches])
        batch = Examples(*jax.tree.map(jnp.asarray, tuple(awaited.batches[0])))
        trainable, others, optimizer = map(list, awaited.state)
        moment = Moment(trainable, others, optimizer, batch, stacked, self.reference)
        found: dict[str, Any] = jax.tree.map(np.asarray, self.looking.program(moment))
        return found


def _forms(x: Any) -> list[tuple[int, ...]]:
    return [np.shape(one) for one in jax.tree.leaves(x)]
