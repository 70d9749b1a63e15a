"""What signals look like over many examples: moments, quantiles, a histogram, slopes.

Moments are taken in the program; what values need an order for is taken of samples outside of it,
where sorting is many times faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.domain import derive_seed
from normwise.domain.inside import BINS, LEVELS, REACH, UNIT_LEVELS
from normwise.probes.calls import Seen

__all__ = [
    "EDGES",
    "UNITS",
    "Activity",
    "activity_of",
    "moments",
    "ordered",
]

EDGES = np.linspace(-REACH, REACH, BINS + 1)
"""Of a histogram's bins, in deviations from the mean; what lies outside counts in the last."""
UNITS = 16
"""Units of a signal that are followed one by one, at most: evenly chosen."""

# Values that quantiles are of: of a signal, and of each of its units.
_SAMPLE, _SAMPLE_OF_UNIT = 2048, 128
# Slopes below this share of the steepest are those of a saturated unit.
_FLAT = 0.05
# Where an activation with a bound on both sides has reached it, and where its slopes lie before.
_FAR, _NEAR = 1e3, np.linspace(-5, 5, 201)


class Activity(NamedTuple):
    """What signals look like; the first axis of each is the signals.

    Attributes:
        mean: Of all values.
        deviation: Of all values, ≥ 0.
        unit_mean: ``(signals, units)``; NaN behind the last where a signal has fewer.
        unit_deviation: Likewise.
        saturated: Share of the values where an activation bounded on both sides is flat, 0 to 1;
            NaN for other signals.
        dead: Share of the units whose activation has slope 0 at every value, 0 to 1; NaN for
            signals that are no activations.
        sample: Some values, ``(signals, values)``.
        unit_sample: Some values of each unit, ``(signals, values, units)``.
    """

    mean: Any
    deviation: Any
    unit_mean: Any
    unit_deviation: Any
    saturated: Any
    dead: Any
    sample: Any
    unit_sample: Any


def activity_of(signals: Sequence[Seen]) -> Activity:
    """What these signals look like; samples are of the same places at every look.

    What a mask leaves out does not count.
    """
    means, deviations = zip(
        *[moments(seen.rows, None, seen.counts) for seen in signals], strict=True
    )
    own = [_units(seen) for seen in signals]
    unit_means, unit_deviations = zip(*[moments(rows, 0, mask) for rows, mask in own], strict=True)
    return Activity(
        mean=jnp.stack(means),
        deviation=jnp.stack(deviations),
        unit_mean=jnp.stack(unit_means),
        unit_deviation=jnp.stack(unit_deviations),
        saturated=jnp.stack(list(_saturated(signals))),
        dead=jnp.stack([_dead(seen) for seen in signals]),
        sample=jnp.stack([_sample(seen) for seen in signals]),
        unit_sample=jnp.stack([_sample_of_units(rows, mask) for rows, mask in own]),
    )


def ordered(series: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The same series with quantiles and histograms in the place of samples.

    Args:
        series: The fields of an :class:`Activity`, with any axes in front of the signals.

    Returns:
        All but ``sample`` and ``unit_sample``; ``quantiles``, ``(signals, levels)``, and
        ``histogram``, the share of the values in each bin, ``(signals, bins)``, of all values, and
        ``unit_quantiles``, ``(signals, units, levels)``.
    """
    kept = {name: one for name, one in series.items() if "sample" not in name}
    sample, of_units = series["sample"], np.swapaxes(series["unit_sample"], -1, -2)
    return {
        **kept,
        "quantiles": _quantiles(sample, LEVELS),
        "histogram": _histogram(sample, series["mean"], series["deviation"]),
        "unit_quantiles": _quantiles(of_units, UNIT_LEVELS),
    }


def _quantiles(values: NDArray[Any], levels: Sequence[float]) -> NDArray[Any]:
    """Of the last axis."""
    found: NDArray[Any] = np.moveaxis(np.percentile(values, levels, axis=-1), 0, -1)
    return found.astype(np.float32)


def _histogram(sample: NDArray[Any], mean: NDArray[Any], deviation: NDArray[Any]) -> NDArray[Any]:
    """Shares of the values of the last axis, in bins about their mean."""
    spread = np.where(deviation > 0, deviation, 1)
    with np.errstate(invalid="ignore", over="ignore"):
        standard = (sample - mean[..., None]) / spread[..., None]
        bins = np.clip((np.nan_to_num(standard) - EDGES[0]) / (EDGES[1] - EDGES[0]), 0, BINS - 1)
    rows = bins.astype(int).reshape(-1, sample.shape[-1])
    counts = np.stack([np.bincount(row, minlength=BINS) for row in rows])
    shares: NDArray[Any] = counts / sample.shape[-1]
    return shares.reshape(*mean.shape, BINS).astype(np.float32)


def moments(values: Any, axis: int | None, mask: Any = None) -> tuple[Any, Any]:
    """Mean and deviation along an axis, in two passes; of the values that a mask leaves."""
    mean = jnp.mean(values, axis, where=mask, keepdims=True)
    variance = jnp.mean((values - mean) ** 2, axis, where=mask)
    return jnp.squeeze(mean, axis), jnp.sqrt(variance)


def _sample(seen: Seen) -> Any:
    drawn = _drawn(seen.rows.size, _SAMPLE)
    counts = None if seen.counts is None else seen.counts.reshape(-1, 1)[drawn]
    return _counting(seen.rows.reshape(-1, 1)[drawn], counts)[:, 0]


def _sample_of_units(rows: Any, mask: Any) -> Any:
    drawn = _drawn(len(rows), _SAMPLE_OF_UNIT)
    return _counting(rows[drawn], None if mask is None else mask[drawn])


def _counting(values: Any, mask: Any) -> Any:
    """As many values of each column, all of which count: those that do, in turn."""
    if mask is None:
        return values
    places = jnp.arange(len(values))[:, None] % jnp.maximum(mask.sum(0), 1)
    order = jnp.argsort(~mask, axis=0, stable=True)
    chosen = jnp.take_along_axis(values, jnp.take_along_axis(order, places, 0), 0)
    return jnp.where(mask.any(0), chosen, jnp.nan)


def _units(seen: Seen) -> tuple[Any, Any]:
    """The followed units, ``(values, units)``, and which of their values count."""
    most = seen.rows.shape[-1]
    count = min(most, UNITS)
    places = np.linspace(0, most - 1, count).round().astype(int)
    none = ((0, 0), (0, UNITS - count))
    rows = jnp.pad(seen.rows[:, places], none, constant_values=np.nan)
    if seen.counts is None:
        return rows, None
    return rows, jnp.pad(seen.counts[:, places], none, constant_values=True)


def _drawn(of: int, count: int) -> NDArray[Any]:
    """Numbers below ``of``, each as often as any other up to one."""
    order = np.random.default_rng(derive_seed(0, "signals")).permutation(of)
    return np.sort(np.resize(order, count)).astype(np.int32)


def _saturated(signals: Sequence[Seen]) -> Iterator[Any]:
    """Of each of them; layers that share an activation share its steepest slope."""
    known: dict[Any, float] = {}
    for seen in signals:
        kind = (seen.curve, np.shape(seen.taken)[-1:], np.ndim(seen.taken))
        if kind not in known:
            known[kind] = _steepest(seen)
        yield _share(seen, known[kind])


def _share(seen: Seen, steepest: float) -> Any:
    """Of the values where an activation is flat; NaN where it has no steepest slope."""
    if not steepest:
        return jnp.asarray(jnp.nan)
    is_flat = jnp.abs(seen.slope_rows) < _FLAT * steepest
    return jnp.mean(is_flat, where=seen.counts)


def _steepest(seen: Seen) -> float:
    """The steepest slope of an activation that is bounded on both sides; 0 of all others."""
    if seen.curve is None:
        return 0.0
    shape = (1,) * (np.ndim(seen.taken) - 2) + np.shape(seen.taken)[-1:]
    # Of numbers alone, so that it is known while a program is traced.
    with jax.ensure_compile_time_eval():
        far, near = (_each(values, shape) for values in ((-_FAR, _FAR), _NEAR))
        if not bool(jnp.all(jnp.abs(seen.curve(far)) < _FAR / 10)):
            return 0.0
        _, slopes = jax.jvp(seen.curve, (near,), (jnp.ones_like(near),))
        return float(jnp.max(jnp.abs(slopes)))


def _each(values: Any, shape: tuple[int, ...]) -> Any:
    """Each of these values for all units, in the form that an activation takes."""
    rows = jnp.asarray(values, "float32").reshape((-1,) + (1,) * len(shape))
    return jnp.broadcast_to(rows, (len(values), *shape))


def _dead(seen: Seen) -> Any:
    if seen.slopes is None:
        return jnp.asarray(jnp.nan)
    return jnp.mean(jnp.all(seen.slope_rows == 0, axis=0, where=seen.counts))
