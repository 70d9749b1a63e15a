"""Rules about where normalisation stands among the other layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras

from normwise.checks.rules.graph_walks import (
    batch_norms,
    is_passive,
    name_of_activation,
    norms_in,
    walk_back,
)
from normwise.checks.rules.rule import Found
from normwise.checks.subject import Subject
from normwise.data import Given
from normwise.data.nested import rows
from normwise.diagnose import leakage
from normwise.errors import DataError, ModelError
from normwise.models.graph import Call, Graph, data_of, has_graph
from normwise.models.kinds import (
    CONVOLUTIONS,
    MAXIMA,
    MEANS,
    activation_of,
    channel_axis,
    is_activation,
    is_elementwise_merge,
    is_linear,
    is_model,
    is_normalisation,
    is_recurrent,
    is_transparent,
    is_weighted,
    unwrapped,
)

__all__ = [
    "batch_leakage",
    "can_merge",
    "dropout_before_norm",
    "norm_after_output",
    "redundant_bias",
    "redundant_biases",
    "repeated_norm",
    "repeated_norms",
    "saturating_before",
    "shared_norm",
    "time_distributed_norm",
    "wrong_axis",
]

# A constant that is added in front of these layers is the same constant behind them.
_KEEP_A_CONSTANT = (
    *MAXIMA, *MEANS,
    keras.layers.Cropping1D, keras.layers.Cropping2D, keras.layers.Cropping3D,
    keras.layers.UpSampling1D, keras.layers.UpSampling2D, keras.layers.UpSampling3D,
)  # fmt: skip
# Noise that raises the variance in training, and only there. AlphaDropout keeps it.
_NOISE = (
    keras.layers.Dropout, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D, keras.layers.GaussianDropout,
)  # fmt: skip
_SATURATING = frozenset({"sigmoid", "tanh", "hard_sigmoid", "hard_tanh", "hardsigmoid", "hardtanh"})
_ANSWERS = frozenset({"sigmoid", "softmax", "linear"})
_BOUNDS = ("gamma_regularizer", "beta_regularizer", "gamma_constraint", "beta_constraint")
# How many examples leakage is searched in: a batch, and those that replace it.
LEAKING = 32
_RESHAPING = (keras.layers.Flatten, keras.layers.Reshape)


def redundant_bias(subject: Subject) -> Iterator[Found]:
    """A bias in front of batch normalisation does nothing.

    The mean that is subtracted holds the bias as well, whatever its value.
    """
    for _, norm, layer in redundant_biases(subject):
        yield Found(
            layer.name,
            f"its bias is cancelled by {norm.operation.name!r}, which subtracts each channel's "
            f"mean: {unwrapped(layer).bias.shape[0]} weights that never learn",
            "use_bias=False",
            # What the regulariser adds to the loss would go with the bias.
            safe=unwrapped(layer).bias_regularizer is None and layer is unwrapped(layer),
        )


def redundant_biases(subject: Subject) -> Iterator[tuple[Graph, Call, Any]]:
    """Graph, call of the normalisation, and layer, wherever a bias is redundant."""
    for graph, norm in batch_norms(subject):
        if not (norm.operation.trainable and norm.operation is unwrapped(norm.operation)):
            continue  # in inference mode a bias counts
        behind = walk_back(graph, norm, lambda o: is_passive(o) or isinstance(o, _KEEP_A_CONSTANT))
        if behind is None or not _has_free_bias(behind.operation):
            continue
        shared = any(map(graph.is_shared, (norm.operation, behind.operation)))
        if not shared and _same_channels(behind, norm) and _leads_only_to(graph, behind, norm):
            yield graph, norm, behind.operation


def _has_free_bias(layer: Any) -> bool:
    plain = is_linear(layer) and activation_of(layer) is None
    return plain and bool(getattr(unwrapped(layer), "use_bias", False)) and layer.trainable


def _same_channels(behind: Call, norm: Call) -> bool:
    """Whether the normalisation's axis holds the channels of the layer behind it."""
    rank = len(norm.outputs[0].shape)
    return bool(norm.operation.axis % rank == channel_axis(behind.operation) % rank)


def _leads_only_to(graph: Graph, start: Call, end: Call) -> bool:
    call: Call | None = start
    while call is not None and call is not end:
        call = graph.next_call(call)
    return call is end


def dropout_before_norm(subject: Subject) -> Iterator[Found]:
    """Dropout in front of batch normalisation shifts the variance between training and inference.

    In training its noise raises the variance that the moving statistics record; in inference
    there is none (Li et al. 2018, https://arxiv.org/abs/1801.05134).
    """
    told = set()
    for graph, norm in batch_norms(subject):
        layer = norm.operation
        call = walk_back(graph, norm, _is_quiet)
        while call is not None and _is_noise(call.operation):
            if call.operation not in told:
                told.add(call.operation)
                yield Found(
                    call.operation.name,
                    f"multiplies the mean square of values on their way to {layer.name!r} by "
                    f"{1 / (1 - call.operation.rate):.3g}, in training only; the moving "
                    f"statistics record it, and inference lacks it",
                    "move it behind the last batch normalisation, or set its rate to 0",
                )
            call = walk_back(graph, call, _is_quiet)


def _is_noise(operation: Any) -> bool:
    # With a noise shape whole branches of a residual sum are dropped, which is another thing.
    shaped = getattr(operation, "noise_shape", None) is not None
    return isinstance(operation, _NOISE) and operation.rate > 0 and not shaped


def _is_quiet(operation: Any) -> bool:
    return not (_is_noise(operation) or is_normalisation(operation) or is_model(operation))


def norm_after_output(subject: Subject) -> Iterator[Found]:
    """Batch normalisation behind the output layer forces predictions to the batch's scale."""
    for graph, output in _output_calls(subject.model):
        answers = _shapes_the_answer(output.operation)
        call = walk_back(graph, output, _shapes_the_answer) if answers else output
        if call is None or not isinstance(
            unwrapped(call.operation), keras.layers.BatchNormalization
        ):
            continue
        behind = walk_back(graph, call, lambda o: is_activation(o) or is_passive(o))
        if behind is not None and is_linear(behind.operation):
            yield Found(
                call.operation.name,
                f"standardises what {behind.operation.name!r} predicts, and nothing learns behind "
                f"it: in training the mean and spread of a batch's predictions are β and γ, "
                f"whatever the inputs",
                f"remove {call.operation.name!r}, or put it in front of {behind.operation.name!r}",
            )


def _output_calls(model: Any) -> Iterator[tuple[Graph, Call]]:
    """The calls that give a model's outputs, in models nested there as well."""
    if not (has_graph(model) and model.built):
        return
    graph = Graph(model)
    for output in graph.outputs:
        yield graph, output
        yield from _output_calls(output.operation)


def _shapes_the_answer(operation: Any) -> bool:
    answer = is_activation(operation) and name_of_activation(operation) in _ANSWERS
    return answer or is_passive(operation) or isinstance(operation, _RESHAPING)


def time_distributed_norm(subject: Subject) -> Iterator[Found]:
    """In TimeDistributed, batch normalisation takes its statistics step by step."""
    for wrapper in _time_distributed(subject):
        inner = wrapper.layer
        is_one = isinstance(inner, keras.layers.BatchNormalization)
        if is_one or any(norm.trainable for norm in norms_in(inner)):
            yield Found(
                wrapper.name,
                "each time step is normalised by its own statistics in training, and by those of "
                "all steps in inference",
                f"call {inner.name!r} on the whole sequence, without TimeDistributed"
                if is_one
                else f"call {inner.name!r} on all steps at once: reshape to (examples·steps, …) in "
                f"front of it and back behind it; or freeze its normalisation (nw.freeze)",
                safe=is_one,
            )


def _time_distributed(subject: Subject) -> list[Any]:
    kind = keras.layers.TimeDistributed
    return [layer for layer in subject.layers if isinstance(layer, kind)]


def wrong_axis(subject: Subject) -> Iterator[Found]:
    """Batch normalisation works along another axis than the channels."""
    for graph, call in batch_norms(subject):
        rank = len(call.outputs[0].shape)
        axis = unwrapped(call.operation).axis % rank
        neighbours = {
            layer: channel_axis(layer) % rank for layer in _layers_with_channels(graph, call, rank)
        }
        plain = call.operation is unwrapped(call.operation)
        if plain and neighbours and axis not in neighbours.values():
            layer, right = next(iter(neighbours.items()))
            yield Found(
                call.operation.name,
                f"normalises axis {axis} of {tuple(call.outputs[0].shape)}, while the channels of "
                f"{layer.name!r} are axis {right}",
                f"axis={-1 if right == rank - 1 else right} in {call.operation.name!r}, and train "
                f"again",
            )


def _layers_with_channels(graph: Graph, call: Call, rank: int) -> list[Any]:
    """The layers whose channels a call takes; where there is none, those that take its own."""
    behind = [
        found.operation
        for found in _first_that_move_axes(graph.sources, call)
        if len(found.outputs[0].shape) == rank
        and (is_linear(found.operation) or is_recurrent(found.operation))
    ]
    return behind or [
        found.operation
        for found in _first_that_move_axes(graph.consumers, call)
        if isinstance(unwrapped(found.operation), CONVOLUTIONS)
        and len(next(data_of(found)).shape) == rank
    ]


def _first_that_move_axes(neighbours: Callable[[Call], list[Call]], call: Call) -> list[Call]:
    """The first call on each path from a call that does not keep the axes where they are."""
    found: list[Call] = []
    waiting, seen = list(neighbours(call)), {call}
    while waiting:
        one = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        if _keeps_axes(one.operation):
            waiting.extend(neighbours(one))
        else:
            found.append(one)
    return found


def _keeps_axes(operation: Any) -> bool:
    unary = is_activation(operation) or is_transparent(operation) or is_passive(operation)
    return unary or is_normalisation(operation) or is_elementwise_merge(operation)


def shared_norm(subject: Subject) -> Iterator[Found]:
    """One batch normalisation is called on several inputs, whose statistics it mixes."""
    stepwise = {norm for wrapper in _time_distributed(subject) for norm in norms_in(wrapper)}
    for norm, count in subject.norm_calls.counts.items():
        # Once a time step, which has a rule of its own.
        if count > 1 and norm.trainable and norm not in stepwise:
            yield Found(
                norm.name,
                f"is called {count} times; in training each call normalises by its own batch, in "
                f"inference all by one mean and variance of the mixture",
                "a batch normalisation of its own for each input",
            )


def repeated_norm(subject: Subject) -> Iterator[Found]:
    """Two normalisations in a row: the second undoes what the first has learned."""
    for graph, first, second in repeated_norms(subject):
        yield Found(
            second.operation.name,
            f"directly follows {first.operation.name!r}, which has normalised already",
            f"remove {first.operation.name!r}",
            safe=can_merge(graph, first, second),
        )


def repeated_norms(subject: Subject) -> Iterator[tuple[Graph, Call, Call]]:
    """Graph, first and second call, wherever batch normalisation follows a normalisation."""
    for graph, call in batch_norms(subject):
        behind = walk_back(graph, call, is_passive)
        if behind is not None and is_normalisation(behind.operation):
            yield graph, behind, call


def can_merge(graph: Graph, first: Call, second: Call) -> bool:
    """Whether one batch normalisation can give what two in a row give."""
    norms = first.operation, second.operation
    plain = all(isinstance(norm, keras.layers.BatchNormalization) for norm in norms)
    if not plain or any(graph.is_shared(norm) or not norm.trainable for norm in norms):
        return False
    rank = len(second.outputs[0].shape)
    along = {norm.axis % rank for norm in norms}
    learns = second.operation.scale and second.operation.center and not second.operation.renorm
    # What a regulariser adds to the loss, and what a constraint allows, is about its own γ and β.
    bound = any(getattr(norm, name) for norm in norms for name in _BOUNDS)
    return learns and not bound and len(along) == 1 and _leads_only_to(graph, first, second)


def saturating_before(subject: Subject) -> Iterator[Found]:
    """A sigmoid or tanh saturates before normalisation, which comes only behind it."""
    for graph, call in batch_norms(subject):
        behind = walk_back(graph, call, lambda o: is_transparent(o) or is_passive(o))
        if behind is None or not _saturates(behind.operation):
            continue
        if is_activation(behind.operation):
            origin = walk_back(graph, behind, lambda o: is_transparent(o) or is_passive(o))
            if origin is None or not is_weighted(origin.operation):
                continue
        yield Found(
            behind.operation.name,
            f"{name_of_activation(behind.operation)} saturates before {call.operation.name!r} "
            f"sees its values; nothing keeps its inputs in range",
            f"normalise in front of {behind.operation.name!r}: normwise.place(model, 'before')",
        )


def _saturates(operation: Any) -> bool:
    has_one = is_activation(operation) or (is_linear(operation) and activation_of(operation))
    return bool(has_one) and name_of_activation(unwrapped(operation)) in _SATURATING


def batch_leakage(subject: Subject) -> Iterator[Found]:
    """A prediction depends on the other examples of its batch.

    Seen in the graph; where nothing is seen there and there is data, measured.
    """
    forced = [
        call.operation
        for _, call in batch_norms(subject)
        if call.arguments.kwargs.get("training") is True and call.operation.trainable
    ]
    for layer in forced:
        yield Found(
            layer.name,
            "is called with training=True, so model(x) normalises by the batch that an example "
            "happens to be in, and moves the statistics; fit and predict override it",
            f"call {layer.name!r} without training=True",
        )
    if subject.x is None or subject.examples < 2 or forced:
        return
    try:
        found = leakage(subject.model, Given(rows(subject.x, slice(LEAKING))))
    except (ModelError, DataError):
        return  # an output without a row for each example, or no finite one: nothing to compare
    if found.leaks:
        yield Found(
            found.layer,
            f"other neighbours in its batch change an example's prediction by {found.change:.2g} "
            f"of the largest value, beginning here",
            "no function of a whole batch in inference: means, maxima or a softmax over axis 0, "
            "or a normalisation that a layer calls with training=True",
        )
