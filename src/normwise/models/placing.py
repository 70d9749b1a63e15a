"""Putting normalisation into a model that has none.

Left alone are the output layers (no further weights between them and an output), gates (a sigmoid
or softmax that is multiplied) with the squeeze before them, and frozen layers and models
(``trainable = False``). Nested models are entered; layers of the user's own classes are left as
they are. A shared layer stays shared, and each of its calls gets a normalisation of its own; in a
shared nested model, it is shared like everything there.

An activation inside a layer that is normalised ``before`` it becomes a layer of its own,
``<layer>_activation``. The layer's bias, which batch normalisation with β makes redundant, is
dropped, unless the variant says ``bias=true``, and its value becomes β's; ``EinsumDense`` keeps its
bias. Between a block's activation and ``after`` there may be pooling, dropout or padding; a linear
layer without activation, as before a residual ``Add``, is normalised directly, and of a layer with
several outputs (``return_state``) only the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from normwise.domain import Variant
from normwise.errors import ModelError, VariantError, listed
from normwise.models.blocks import Block, find_blocks, graphs_of
from normwise.models.builder_text import builder_for, holders_in
from normwise.models.fit_data import given_to
from normwise.models.graph import Call, Graph
from normwise.models.hidden_normalisation import refuse_hidden
from normwise.models.inputs import find_inputs, input_axis
from normwise.models.kinds import (
    activation_of,
    channel_axis,
    is_recurrent,
    unwrapped,
)
from normwise.models.naming import unused_name
from normwise.models.normalised import normalising_calls
from normwise.models.normalisers import check_options, normaliser
from normwise.models.preparation import preparation, values_at
from normwise.models.rebuild import Edits, clone_layer, rebuild

__all__ = ["place", "placed_layers"]


def place(model: Any, variant: str | Variant, data: Any = None, *, steps: int | None = None) -> Any:
    """A copy of a model with normalisation placed as a variant says.

    What is normalised are *blocks*: layers with weights that are linear before their activation
    (dense, convolution), and recurrent layers. Output layers, gates, and what is frozen or of the
    user's own classes are left alone.

    - ``before``: between the linear part and its activation; refused for a recurrent layer, whose
      activation is inside its cell. A bias that β makes redundant is dropped.
    - ``after``: after the activation, and pooling, dropout or padding behind it.
    - ``input``: behind every input, and what merely prepares it: rescaling, ``Flatten``,
      ``Reshape``, ``Masking``; not of integers, nor in front of an ``Embedding`` or a frozen layer.
      ``norm=zscore``, ``minmax`` and ``mean`` put data preparation there, with fixed statistics of
      ``data``.

    ``only=1+3`` leaves all other normalisation out, counted in the order it runs, and the dropout
    in front of it. ``drop_before`` and ``drop_after`` put dropout, ``<layer>_drop``, in front of
    each normalisation, and behind the block's activation and normalisation.

    The inserted layers, ``<layer>_norm``, are Keras' own, with the channel axis of the layer they
    follow: the result loads without normwise.

    Args:
        model: A ``Sequential`` or functional model, built, without normalisation
            (outside its frozen parts), inside layers neither. It stays untouched.
        variant: A :class:`~normwise.domain.Variant`, or its text; ``none`` gives a copy.
        data: The inputs that the model trains on, in any form that ``fit`` takes, as in
            :func:`recalibrate`; only data preparation needs them.
        steps: Batches of an epoch, which ``momentum=auto`` and ``renorm=auto`` depend on, ≥ 1.

    Returns:
        A new model of the same kind. All layers keep their names and their
        weights' values. It is not compiled.

    Raises:
        VariantError: The variant's text does not parse, its options contradict, or it
            needs ``data`` or ``steps``.
        DataError: ``data`` does not fit the model's inputs.
        ModelError: The model is subclassed, unbuilt or has normalisation
            already; it has nothing to normalise; ``before`` meets a recurrent layer.

    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, activation="relu", name="hidden"),
    ...     keras.layers.Dense(3, name="logits"),
    ... ])
    >>> [layer.name for layer in place(model, "before").layers]
    ['hidden', 'hidden_norm', 'hidden_activation', 'logits']
    >>> [layer.name for layer in place(model, "after:momentum=0.9").layers]
    ['hidden', 'hidden_norm', 'logits']
    """
    return rebuild(model, _placing(model, variant, data, steps).edits)


def placed_layers(model: Any, variant: str | Variant, data: Any = None) -> list[str]:
    """Names of the normalisation layers that :func:`place` would insert, in its order.

    Args:
        model: A ``Sequential`` or functional model, built, without normalisation.
        variant: A :class:`~normwise.domain.Variant`, or its text.
        data: The inputs that the model trains on, in any form that ``fit`` takes; only data
            preparation needs them.

    Raises:
        UsageError: :func:`place` would refuse these arguments, with the same message.

    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, activation="relu", name="hidden"),
    ...     keras.layers.Dense(3, name="logits"),
    ... ])
    >>> placed_layers(model, "input+after:only=2")
    ['hidden_norm']
    """
    return _placing(model, variant, data, steps=1).names


def _placing(model: Any, variant: str | Variant, data: Any, steps: int | None) -> _Placing:
    plan = Variant.parse(variant) if isinstance(variant, str) else variant
    check_options(plan)
    plan = _with_steps(plan, steps)
    graphs = list(graphs_of(model))
    _refuse_normalised(model, graphs)
    placing = _Placing(plan, {call.operation.name for graph in graphs for call in graph.calls})
    if "input" in plan.places:
        asked = data is not None and plan.is_fixed
        placing.behind_inputs(model, given_to(model, data).x if asked else None)
    if plan.places != ("input",) and not plan.is_baseline:
        placing.around_blocks(model)
    placing.check_all_found()
    return placing


def _with_steps(plan: Variant, steps: int | None) -> Variant:
    if plan.asks_for_steps and steps is None:
        name = "momentum" if plan.momentum == "auto" else "renorm"
        raise VariantError(
            f"variant {plan.name!r} leaves its {name} to the number of steps, which is not known "
            f"here; expected the batches of an epoch; try "
            f"nw.place(model, {plan.name!r}, steps=math.ceil(len(x_train) / 32))"
        )
    if steps is not None and steps < 1:
        raise VariantError(
            f"steps is {steps}; expected the batches of an epoch, at least 1; "
            f"try steps=math.ceil(len(x_train) / 32)"
        )
    return plan if steps is None else plan.in_epochs_of(steps)


def _refuse_normalised(model: Any, graphs: list[Graph]) -> None:
    names = [call.operation.name for _, call in normalising_calls(graphs)]
    if names:
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        raise ModelError(
            f"model {model.name!r} has normalisation already ({shown}); expected a model without; "
            f"try nw.place(nw.strip(model), ...)"
        )
    refuse_hidden(model, graphs)


class _Placing:
    """Collects the edits of one call of :func:`place`."""

    def __init__(self, variant: Variant, taken: set[str]) -> None:
        self.edits = Edits()
        self.names: list[str] = []
        self._variant = variant
        self._taken = taken
        self._asked = 0

    def check_all_found(self) -> None:
        """Refuse numbers beyond the last normalisation layer."""
        if max(self._variant.only, default=0) > self._asked:
            raise VariantError(
                f"variant {self._variant.name!r} keeps normalisation layer "
                f"{max(self._variant.only)} and would place {self._asked}; expected numbers from "
                f"1 to {self._asked}; try 'only={self._asked}'"
            )

    def behind_inputs(self, model: Any, data: Any) -> None:
        graph = Graph(model)
        calls = find_inputs(graph)
        if not calls:
            names = ", ".join(call.operation.name for call in graph.calls if call.is_input)
            raise ModelError(
                f"no input of model {model.name!r} can be normalised (it has {names}); expected "
                f"one of float values that neither an Embedding nor a frozen layer reads; "
                f"try 'after' in place of 'input'"
            )
        for call in calls:
            if not self._is_wanted():
                continue
            axis, name = input_axis(graph, call), call.operation.name
            values = values_at(model, call, data, self._variant) if self._variant.is_fixed else None
            self._normalise(call, axis=axis, after=name, values=values)
            self._drop(call, self._variant.drop_after, name)

    def around_blocks(self, model: Any) -> None:
        blocks = find_blocks(model)
        if not blocks:
            if holders := holders_in(model):
                raise _hidden(model, holders)
            raise ModelError(
                f"model {model.name!r} has no layer to normalise; expected a dense, convolution or "
                f"recurrent layer that is neither frozen nor an output layer; "
                f"try 'input', or add a hidden layer"
            )
        for block in blocks:
            if "before" in self._variant.places and self._is_wanted():
                self._before(block)
            if "after" in self._variant.places and self._is_wanted():
                self._normalise(block.end, axis=channel_axis(block.layer), after=block.layer.name)
            self._drop(block.end, self._variant.drop_after, block.layer.name)

    def _is_wanted(self) -> bool:
        """Whether the next normalisation layer, counted in the order they run, is to be placed."""
        self._asked += 1
        return not self._variant.only or self._asked in self._variant.only

    def _before(self, block: Block) -> None:
        layer = block.layer
        if is_recurrent(layer):
            raise ModelError(
                f"layer {layer.name!r} ({type(layer).__name__}) is recurrent: normalisation before "
                f"its activation would sit inside the recurrent cell; expected 'after' for a model "
                f"with recurrent layers; try {_without_before(self._variant)!r}"
            )
        norm = self._normalise(block.call, axis=channel_axis(layer), after=layer.name)
        if self._makes_bias_redundant(layer):
            self.edits.settings[layer]["use_bias"] = False
            self.edits.values.append((norm, "beta", unwrapped(layer).bias))
        if activation_of(layer) is not None:
            self._split_activation(block.call)

    def _split_activation(self, call: Call) -> None:
        layer = call.operation
        regularizer = unwrapped(layer).activity_regularizer
        split = keras.layers.Activation(
            clone_layer(activation_of(layer)),
            activity_regularizer=regularizer,
            name=self._unused_name(f"{layer.name}_activation"),
            dtype=layer.dtype_policy,
        )
        self.edits.appended[call].append(split)
        self.edits.settings[layer]["activation"] = "linear"
        if regularizer is not None:
            self.edits.settings[layer]["activity_regularizer"] = None

    def _makes_bias_redundant(self, layer: Any) -> bool:
        variant = self._variant
        centred = variant.norm == "batch" and variant.center and not variant.bias
        # Behind dropout, β no longer does what the bias did: that was dropped with the rest.
        centred = centred and not variant.drop_before
        return centred and getattr(unwrapped(layer), "use_bias", False)

    def _normalise(self, call: Call, *, axis: int, after: str, values: Any = None) -> Any:
        self._drop(call, self._variant.drop_before, after)
        name = self._unused_name(f"{after}_norm")
        if self._variant.is_fixed:
            norm = preparation(self._variant, values, axis=axis, name=name)
        else:
            norm = normaliser(self._variant, call, axis=axis, name=name)
        self.edits.appended[call].append(norm)
        self.names.append(name)
        return norm

    def _drop(self, call: Call, rate: float, after: str) -> None:
        if rate:
            dropout = keras.layers.Dropout(rate, name=self._unused_name(f"{after}_drop"))
            self.edits.appended[call].append(dropout)

    def _unused_name(self, name: str) -> str:
        fresh = unused_name(name, self._taken)
        self._taken.add(fresh)
        return fresh


def _without_before(variant: Variant) -> str:
    places = dict.fromkeys("after" if place == "before" else place for place in variant.places)
    return Variant(tuple(places)).name


def _hidden(model: Any, holders: Sequence[Any]) -> ModelError:
    names = listed([f"{one.name!r} ({type(one).__name__})" for one in holders])
    return ModelError(
        f"model {model.name!r} has no layer to normalise: what has weights is inside {names}, "
        f"where no graph shows it; expected layers of the model's own graph, or a builder that "
        f"takes an argument `norm` and places the normalisation itself:\n\n"
        f"{builder_for(model, holders[0])}"
    )
