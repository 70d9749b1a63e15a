"""Rules about what weights and statistics hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.checks.rules.rule import Found
from normwise.checks.subject import Subject
from normwise.models.affine import inference_statistics
from normwise.models.linear import FloatArray, as_array
from normwise.models.untrained import NEVER_MOVED, has_learned, never_moved

__all__ = [
    "dead_channels",
    "drifted_layers",
    "is_rounding",
    "moving_statistics_gap",
    "not_finite",
    "unmoved_statistics",
    "variance_underflow",
]

# Medians over the channels up to which a distance counts as noise of the moving average, before the
# noise of few examples is added: of the means in deviations, and of the variances as a ratio.
SHIFT, FACTOR = 0.25, 1.5
# |γ| below which a channel counts as constant; 1 is normal.
CONSTANT = 1e-2
# The relative distance within which two values in float32 may be the same.
RESOLUTION = 1e-6
# The share of ε that makes no difference beside it.
NEGLIGIBLE = 1e-2
# A variance below this multiple of ε is divided by a sum that is mostly ε.
NEAR = 2.0
# How many channels a message names.
NAMED = 5
_IF_IT_LEARNT_BY_BATCHES = (
    "if training normalised by batches and its statistics were lost: population statistics "
    "(normwise recalibrate, which compares the losses); if not, the weights have learnt with 0 and "
    "1: keep them, or train again with training=True, as fit does"
)


def moving_statistics_gap(subject: Subject) -> Iterator[Found]:
    """Moving statistics are not those of the data, so inference differs from training."""
    if subject.x is None:
        return
    for norm, (shift, factor) in drifted_layers(subject).items():
        unmoved = never_moved(norm)
        yield Found(
            norm.name,
            f"on this data its inputs have means {shift:.2g} deviations from the moving ones and "
            f"variances that differ by a factor of {factor:.3g} (medians over channels)"
            + (f"; {NEVER_MOVED}" if unmoved else ""),
            _IF_IT_LEARNT_BY_BATCHES
            if unmoved
            else "population statistics (normwise recalibrate), if these data are prepared as in "
            "training",
            safe=subject.is_labelled if unmoved and has_learned(norm) else subject.can_recalibrate,
        )


def drifted_layers(subject: Subject) -> dict[Any, tuple[float, float]]:
    """The layers whose moving statistics are not those of the data, each to the distance.

    Frozen layers are left out: their training used the moving statistics, too. Medians over the
    channels: the distance of the means, in deviations, and the ratio of the variances, at least 1.
    """
    noise = 3 / np.sqrt(subject.measured)
    found = {}
    for norm, moments in subject.observed.items():
        if not norm.trainable:
            continue
        mean, variance = inference_statistics(norm)
        deviation = np.sqrt(moments.variance + norm.epsilon)
        shift = float(np.median(np.abs(mean - moments.mean) / deviation))
        ratio = np.maximum((variance + norm.epsilon) / deviation**2, np.finfo(float).tiny)
        factor = float(np.exp(np.median(np.abs(np.log(ratio)))))
        if shift > SHIFT + noise or factor > FACTOR * np.exp(noise):
            found[norm] = shift, factor
    return found


def unmoved_statistics(subject: Subject) -> Iterator[Found]:
    """γ and β were trained, and moving statistics are still the 0 and 1 that they began as."""
    for norm in subject.norms:
        # With a momentum of 1 they cannot move, which has a rule of its own.
        if norm.trainable and norm.momentum != 1 and never_moved(norm) and has_learned(norm):
            yield Found(norm.name, NEVER_MOVED, _IF_IT_LEARNT_BY_BATCHES, safe=subject.is_labelled)


def dead_channels(subject: Subject) -> Iterator[Found]:
    """Channels of a batch normalisation give a constant."""
    misled = _behind_drifted(subject)
    for norm in subject.norms:
        gamma = _gamma(norm)
        if not gamma.any() and isinstance(norm.gamma_initializer, keras.initializers.Zeros):
            continue  # a branch that begins as nothing, and has not been trained
        dead = np.flatnonzero(
            (np.abs(gamma) < CONSTANT) | (_is_constant(subject, norm) & (norm not in misled))
        )
        if len(dead):
            yield Found(
                norm.name,
                f"a constant output, β, in {_channels(dead, gamma)}: γ is near 0, or the input "
                f"never changes",
                "a smaller model has the same predictions: remove these channels; if they should "
                "live, train with a lower learning rate, or normalise before the activation",
            )


def variance_underflow(subject: Subject) -> Iterator[Found]:
    """A variance near or under ε is not normalised to 1."""
    misled = _behind_drifted(subject)
    for norm in (norm for norm in subject.norms if norm not in misled):
        variance = _known_variance(subject, norm)
        dead = (np.abs(_gamma(norm)) < CONSTANT) | _is_constant(subject, norm)
        low = np.flatnonzero((variance > 0) & (variance < NEAR * norm.epsilon) & ~dead)
        if len(low):
            worst = float(variance[low].min())
            left = np.sqrt(worst / (worst + norm.epsilon))
            yield Found(
                norm.name,
                f"a variance near or under ε = {norm.epsilon:g} in {_channels(low, variance)}, "
                f"down to {worst:.2g}: what they give has a deviation of {left:.2g}·γ instead of γ",
                f"a smaller epsilon, such as {max(worst / 100, 1e-12):.0e}, and train again; or "
                f"inputs of larger scale",
            )


def not_finite(subject: Subject) -> Iterator[Found]:
    """Weights, statistics or what data lead to are no finite numbers, or a variance is below 0."""
    places: dict[str, list[str]] = {}
    for variable in subject.model.variables:
        layer, _, name = variable.path.rpartition("/")
        if "float" in str(variable.dtype) and not np.isfinite(as_array(variable)).all():
            places.setdefault(layer.rpartition("/")[2], []).append(name)
    for place, names in places.items():
        yield Found(
            place or None,
            f"NaN or infinite values in {', '.join(names)}, so in predictions, too",
            "an earlier checkpoint, or train again with a lower learning rate",
        )
    for norm in subject.norms:
        variance = as_array(norm.moving_variance)
        low = np.flatnonzero(variance < 0)
        if len(low):
            tiny = is_rounding(variance[low], norm)
            yield Found(
                norm.name,
                f"a moving variance below 0 in {_channels(low, variance)}, down to "
                f"{variance[low].min():.2g}: NaN in inference where it is below -ε",
                "variances of 0 there, or population statistics"
                if tiny
                else "population statistics (normwise recalibrate), or an earlier checkpoint: "
                "this is no rounding of 0",
                safe=tiny,
            )
    if not places:
        yield from _overflowing(subject)


def _overflowing(subject: Subject) -> Iterator[Found]:
    """The first normalisation that takes values that are not finite though all weights are."""
    observed = {} if subject.x is None else subject.observed
    for norm, moments in observed.items():
        if not np.isfinite([moments.mean, moments.variance]).all():
            yield Found(
                norm.name,
                "on this data it takes NaN or infinite values, although all weights are finite: "
                "what is in front of it overflows",
                "inputs of smaller scale, or bfloat16 or float32 in place of float16",
            )
            return


def is_rounding(variance: FloatArray, norm: Any) -> bool:
    """Whether variances below 0 are rounded from 0: so near that ε hides the difference."""
    return bool((variance >= -NEGLIGIBLE * norm.epsilon).all())


def _channels(which: NDArray[np.intp], of: FloatArray) -> str:
    names = ", ".join(map(str, which[:NAMED]))
    more = ", …" if len(which) > NAMED else ""
    return f"{len(which)} of {of.size} channels ({names}{more})"


def _behind_drifted(subject: Subject) -> set[Any]:
    """The layers behind another one whose statistics are not those of the data.

    In inference they take other values than in training, and than after a fix, so only the cause is
    reported.
    """
    wrong = set() if subject.x is None else set(drifted_layers(subject))
    ordered = list(subject.norm_calls.counts)
    first = next((at for at, norm in enumerate(ordered) if norm in wrong), len(ordered))
    return set(ordered[first + 1 :])


def _is_constant(subject: Subject, norm: Any) -> NDArray[np.bool_]:
    """Which channels always take the same value, up to rounding, ``(channels,)``.

    A small variance is not enough: statistics may lag, and ε may be larger.
    """
    if subject.x is None or norm not in subject.observed:
        return np.asarray(inference_statistics(norm)[1] == 0)
    moments = subject.observed[norm]
    return np.asarray(moments.variance <= (RESOLUTION * moments.mean) ** 2)


def _known_variance(subject: Subject, norm: Any) -> FloatArray:
    """Variances of the data where there are any, else the moving ones, ``(channels,)``."""
    if subject.x is not None and norm in subject.observed:
        return np.asarray(subject.observed[norm].variance)
    return inference_statistics(norm)[1]


def _gamma(norm: Any) -> FloatArray:
    if norm.scale:
        return as_array(norm.gamma)
    return np.ones(norm.moving_mean.shape)
