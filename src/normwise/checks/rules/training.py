"""Rules about how a model was trained, and how it would train on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from normwise.checks.rules.graph_walks import asked_training, batch_norms, norms_in, weights_before
from normwise.checks.rules.rule import Found, number
from normwise.checks.rules.weights import drifted_layers
from normwise.checks.subject import Subject
from normwise.keras_private import decays, trained_variables
from normwise.models.compiled import is_compiled
from normwise.models.freezing import is_frozen_on_purpose
from normwise.models.kinds import unwrapped
from normwise.models.optimizers import inner_optimizer
from normwise.models.untrained import has_learned, never_moved

__all__ = [
    "frozen_norm",
    "regularised_scale",
    "stale_statistics",
    "tiny_batch",
    "wrong_momentum",
]

# The batch size of Keras' `fit`, where none is given.
BATCH = 32
# Fewer examples than this give statistics whose noise is most of what a layer sees: the mean of
# 8 is off by 0.35 deviations.
FEW = 8
# Share of the initial values above which moving statistics have seen too few steps.
LEFT_OVER = 0.1
# Relative rounding of a moving average over many steps in float32.
ROUNDING = 1e-3
# Below it, the last batch weighs more than all before it together.
HALF = 0.5
# What to do about a regulariser.
_WITHOUT = {"γ": "no gamma_regularizer, unless γ is to be pruned", "β": "no beta_regularizer"}


def stale_statistics(subject: Subject) -> Iterator[Found]:
    """Moving statistics have seen too few steps for their momentum.

    After n steps momentumⁿ of what they began with is left in them. Not named are layers whose
    statistics show that they began with something else than 0 and 1, or were replaced since; and
    with data those that fit it all the same. Statistics that never moved have a rule of their own.
    """
    steps = subject.steps
    if not steps:
        return  # nothing known, or nothing trained
    fitting = set() if subject.x is None else set(subject.norms) - set(drifted_layers(subject))
    for norm in subject.norms:
        momentum = norm.momentum
        if _has_a_rule_of_its_own(norm):
            continue
        left = 0.0 if momentum is None else momentum**steps
        began_at_one = float(np.min(norm.moving_variance.value)) >= left * (1 - ROUNDING)
        if norm.trainable and left > LEFT_OVER and began_at_one and norm not in fitting:
            yield Found(
                norm.name,
                f"after {number(steps, 'step')} at momentum {momentum:g}, {left:.0%} of what its "
                f"moving statistics began with is left in them; {_until_left(momentum)}",
                "population statistics (normwise recalibrate)",
                safe=subject.can_recalibrate,
            )


def _has_a_rule_of_its_own(norm: Any) -> bool:
    no_average = norm.momentum is not None and not 0 <= norm.momentum <= 1
    return no_average or (never_moved(norm) and has_learned(norm) and norm.momentum != 1)


def _until_left(momentum: float) -> str:
    if momentum >= 1:
        return "no number of steps would change that"
    steps = math.ceil(math.log(LEFT_OVER) / math.log(momentum))
    return f"{steps} steps would leave {LEFT_OVER:.0%}"


def tiny_batch(subject: Subject) -> Iterator[Found]:
    """A training batch, or what is left for the last one, is too small for its statistics."""
    if subject.batch_size is None and subject.x is None:
        return
    size = subject.batch_size or BATCH
    trained = [norm for norm in subject.norms if norm.trainable]
    if trained and size < FEW:
        yield Found(
            None,
            f"{number(len(trained), 'batch normalisation')} with batches of {size} examples: a "
            f"mean is off by about {size**-0.5:.2f} deviations of it",
            "larger batches; or freeze the normalisation (trainable=False), or use group "
            "normalisation",
        )
    rest = subject.examples % size if subject.x is not None else 0
    for norm in trained if rest else []:
        values = rest * subject.norm_calls.positions.get(norm, FEW)
        if values < FEW <= size:
            yield Found(
                norm.name,
                f"the last batch of {subject.examples:,} examples has {rest}: "
                f"{number(values, 'value')} a channel to take a mean and a variance of"
                + (", so every output is its β" if values == 1 else ""),
                f"another batch size, or drop the last {rest}",
            )


def frozen_norm(subject: Subject) -> Iterator[Found]:
    """Weights are frozen while statistics move, or statistics are frozen while weights move."""
    for norm in subject.norms:
        learned = [variable for variable in (norm.gamma, norm.beta) if variable is not None]
        if norm.trainable and learned and not any(variable.trainable for variable in learned):
            yield Found(
                norm.name,
                "its γ and β are frozen, but its statistics move with every training batch",
                f"{norm.name}.trainable = False freezes both; compile again",
            )
    yield from _called_for_inference(subject)
    for graph, call in batch_norms(subject):
        norm, layer = call.operation, weights_before(graph, call)
        if (
            layer is None
            or norm.trainable == layer.trainable
            or _is_frozen_as_intended(subject, unwrapped(norm))
        ):
            continue
        if norm.trainable:
            message = (
                f"its statistics and weights train while {layer.name!r}, whose values it takes, "
                f"is frozen: the frozen part gives other values after every step"
            )
            fix = f"{norm.name}.trainable = False as well (nw.freeze does it); compile again"
        else:
            message = (
                f"its statistics stay while {layer.name!r}, whose values it takes, trains: they "
                f"will belong to other weights"
            )
            fix = "freeze both or none; or recalibrate after training"
        yield Found(norm.name, message, fix)
    yield from _compiled_before(subject)


def _called_for_inference(subject: Subject) -> Iterator[Found]:
    for call in (call for graph in subject.graphs for call in graph.calls):
        moving = [norm for norm in norms_in(call.operation) if norm.trainable]
        if moving and asked_training(call) is False:
            yield Found(
                call.operation.name,
                f"is called with training=False, which fit overrides: statistics move all the "
                f"same ({number(len(moving), 'batch normalisation')})",
                f"{call.operation.name}.trainable = False, or nw.freeze; compile again",
            )


def _is_frozen_as_intended(subject: Subject, norm: Any) -> bool:
    """Whether a normalisation is frozen on purpose, as ``nw.freeze`` leaves it.

    A file does not say who froze it. A layer from a file counts as frozen on purpose where all of
    the model are frozen, and this one has statistics of some training.
    """
    if norm.trainable:
        return False
    all_are = not any(other.trainable for other in subject.norms)
    return is_frozen_on_purpose(norm) or (all_are and not never_moved(norm))


def _compiled_before(subject: Subject) -> Iterator[Found]:
    """Weights that were frozen or unfrozen after the optimiser was built."""
    model: Any = subject.model
    if not (subject.norms and is_compiled(model) and model.optimizer and model.optimizer.built):
        return
    knows = [id(variable) for variable in trained_variables(model.optimizer)]
    trains = [id(variable) for variable in model.trainable_variables]
    if knows != trains:
        yield Found(
            None,
            f"was frozen or unfrozen after it was compiled: its optimiser knows "
            f"{number(len(knows), 'weight')}, while {len(trains)} train now; Keras' next fit "
            f"fails, or trains as before",
            "model.compile(...) again, after each change of trainable",
        )


def wrong_momentum(subject: Subject) -> Iterator[Found]:
    """A momentum with which moving statistics are no average over batches."""
    for norm in subject.norms:
        momentum = norm.momentum
        if not norm.trainable or momentum is None:
            continue
        if not 0 <= momentum <= 1:
            yield Found(
                norm.name,
                f"momentum {momentum:g} is not between 0 and 1: its moving statistics move away "
                f"from the data's, further with every batch",
                "momentum=0.99, and train again",
            )
        elif momentum == 1:
            yield Found(
                norm.name,
                "momentum 1 keeps its moving statistics as they began, while training normalises "
                "by the batch",
                "momentum=0.99, and train again; or trainable=False, which keeps them in training "
                "as well",
            )
        elif momentum < HALF and not _is_full_batch(subject):
            yield Found(
                norm.name,
                f"momentum {momentum:g} makes {1 - momentum:.0%} of its moving statistics those of "
                f"the last batch alone: in Keras it is the weight of the old ones, in PyTorch that "
                f"of the new",
                f"momentum={1 - momentum:g}, which is what {momentum:g} means in PyTorch"
                if momentum
                else "momentum=0.99; or trainable=False, if statistics are to stay, as 0 means in "
                "PyTorch",
            )


def _is_full_batch(subject: Subject) -> bool:
    """Whether a training batch is known to hold all the data, so that the last is no sample."""
    size = subject.batch_size
    return size is not None and subject.x is not None and size >= subject.examples


def regularised_scale(subject: Subject) -> Iterator[Found]:
    """Weight decay pulls at the scale of batch normalisation."""
    for norm in subject.norms:
        kinds = {"γ": norm.gamma_regularizer, "β": norm.beta_regularizer}
        hit = [name for name, regularizer in kinds.items() if regularizer is not None]
        if hit:
            yield Found(
                norm.name,
                f"a regulariser of {' and '.join(hit)} shrinks what the layer gives, and no "
                f"weights that it could keep small",
                "; ".join(_WITHOUT[name] for name in hit),
            )
    optimizer = inner_optimizer(getattr(subject.model, "optimizer", None))
    decay: Any = getattr(optimizer, "weight_decay", None)
    hit = [norm.name for norm in subject.norms if _decays(optimizer, norm)] if decay else []
    if hit:
        yield Found(
            None,
            f"{type(optimizer).__name__} decays the weights by {float(decay):g}, γ and β of "
            f"{number(len(hit), 'batch normalisation')} (first {hit[0]!r}) among them",
            'optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"]) before compiling',
        )


def _decays(optimizer: keras.optimizers.Optimizer, norm: Any) -> bool:
    return any(decays(optimizer, variable) for variable in norm.trainable_variables)
