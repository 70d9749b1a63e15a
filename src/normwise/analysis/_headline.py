"""The answer of a study in at most twelve words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from normwise.analysis._lag_words import lags_behind, learned_sooner
from normwise.analysis._places import places_of
from normwise.analysis._verdict import told_first
from normwise.domain import (
    Comparison,
    Ending,
    Estimate,
    Summary,
    Target,
    VariantSummary,
    epochs_text,
)

__all__ = ["MOST_WORDS", "headline"]

MOST_WORDS = 12
"""More is not read in the ten seconds that a report has."""

_PLACES = {
    "before": "before the activation",
    "after": "after the activation",
    "input": "at the input",
}


def headline(
    summary: Summary, *, best: tuple[str, float], horizon: int, elsewhere: bool = False
) -> str:
    """What a study comes to: what it is about, how much sooner, and whether it ends as well.

    Args:
        summary: The answer in numbers.
        best: The variant that came nearest to the target, and its best value.
        horizon: Epochs every replica was given.
        elsewhere: Whether something else trained them, so that names need not be places.
    """
    table = {variant.name: variant for variant in summary.variants}
    if not any(variant.epochs_to_target.reached for variant in summary.variants):
        return _shortest_of(*_nobody(summary.target, best[1], horizon))
    if not summary.comparisons:
        return _shortest_of(
            f"Only `{summary.variants[0].name}`: nothing to compare it with", "A single variant"
        )
    first = told_first(summary.comparisons, summary.recommended)
    # Elsewhere `after` against `before` may be of anything; beside `none` they are places.
    is_place = first.baseline == "none" or not elsewhere
    who = _who(first.variant) if is_place else f"`{first.variant}`"
    if first.baseline != "none":
        who += f" against `{first.baseline}`"
    is_plain = first.baseline == "none" and bool(places_of(first.variant))
    subject = "Normalisation" if is_plain else "The variant"
    *said, least = _of(first, table, summary.target)
    texts = [f"{one}: {text}" for one in (who, subject) for text in said]
    return _shortest_of(*texts, f"{subject}: {least}")


def _shortest_of(*texts: str) -> str:
    """The first text that is short enough, or the last of them; the first letter is a capital."""
    found = next((text for text in texts if len(text.split()) <= MOST_WORDS), texts[-1])
    return f"{found[:1].upper()}{found[1:]}"


def _nobody(target: Target, best: float, horizon: int) -> tuple[str, str]:
    short = f"No variant reaches the target within {epochs_text(horizon)}"
    if math.isnan(best):
        return f"{short}, and all diverge", short
    return f"No variant reaches {target} within {epochs_text(horizon)}: {best:.3g} at best", short


def _of(c: Comparison, table: Mapping[str, VariantSummary], target: Target) -> Sequence[str]:
    """What is said of one comparison, the longer first, and none without what tells."""
    variant, end = table[c.variant], _end(c, table, target)
    # Where both help, what arrives is the smaller part of what is learned.
    if lags_behind(variant) and (c.outcome != "helps" or c.learning_outcome == "helps"):
        return _of_lag(c, end)
    said = _of_arrival(c, table)
    full = _undecided(c, said, end) if c.outcome == "undecided" else [f"{said}{end.text}"]
    short = end.short if end.is_telling else ""
    return *full, f"{said}{short}", f"{c.outcome}{short}"


class _End(NamedTuple):
    """How a variant ends, in words.

    Attributes:
        text: In the target's metric, or how many come to no end.
        short: The same in three words.
        is_telling: Whether it changes what is thought of when the variant arrives.
    """

    text: str
    short: str
    is_telling: bool


def _end(c: Comparison, table: Mapping[str, VariantSummary], target: Target) -> _End:
    """What is to be said of the end, the gravest alone."""
    ending, more, ours = c.ending, c.never_difference, table[c.variant]
    joined = ", and" if c.outcome == "hurts" else ", but"
    is_better = ending is not None and ending.outcome == "better"
    if not (c.outcome == "hurts" and is_better):
        if ending is not None and ending.diverges_more:
            diverges = f"{joined} diverges more"
            return _End(f"{diverges} often", diverges, is_telling=True)
        if more is not None and more.low > 0 and c.epochs_ratio.value > 0:
            never = f"{joined} {ours.lost} of {ours.seeds} never arrive"
            return _End(never, never, is_telling=True)
    if ending is None:
        return _End("", "", is_telling=False)
    return _of_ending(ending, c, target)


def _of_ending(ending: Ending, c: Comparison, target: Target) -> _End:
    metric = target.metric.removeprefix("val_").replace("_", " ") or "value"
    if ending.outcome == "open":
        return _End(f", {metric} undecided", "", is_telling=False)
    if ending.outcome == "no worse":
        d, margin = ending.difference, ending.margin
        alike = "same" if -margin <= d.low and d.high <= margin else "no worse"
        return _End(f", {alike} {metric}", "", is_telling=False)
    is_better = ending.outcome == "better"
    joined = "," if is_better and c.outcome == "helps" else ", but"
    if not is_better and c.outcome in ("hurts", "undecided"):
        joined = ", and"
    rises = "higher" if is_better == (target.relation == ">=") else "lower"
    is_telling = not (is_better and c.outcome == "helps")
    return _End(f"{joined} {rises} {metric}", f"{joined} ends {ending.outcome}", is_telling)


def _of_arrival(c: Comparison, table: Mapping[str, VariantSummary]) -> str:
    """How much sooner it arrives; or learns, in a study in which the two differ for some."""
    ours, theirs, ratio = table[c.variant], table[c.baseline], c.epochs_ratio
    if c.outcome == "helps":
        if (learned := learned_sooner(c, table)) is not None:
            return _sooner("learns", learned)
        if _number(ratio.value) == "1" and ours.lost < theirs.lost:
            return "arrives more often"
        return _sooner("arrives", ratio)
    if c.outcome == "hurts":
        reached = ours.epochs_to_target.reached
        if not ratio.value:
            return f"arrives in {reached} of {ours.seeds}" if reached else "does not arrive"
        times = _number(1 / ratio.value)
        return "needs slightly more epochs" if times == "1" else f"needs {times}× as many epochs"
    return "arrives as soon" if c.outcome == "no difference" else "undecided"


def _of_lag(c: Comparison, end: _End) -> Sequence[str]:
    is_telling = end.is_telling
    if c.learning_outcome != "helps" or c.learning_ratio is None:
        learning = {"hurts": "it learns later, too", "no difference": "it learns no sooner"}
        also = learning.get(c.learning_outcome or "", "its learning is undecided")
        said, short = [f"statistics lag; {also}"], "statistics lag"
    else:
        short = _sooner("learns", c.learning_ratio)
        said = [f"{short}; lagging statistics hide it"]
        if c.outcome == "helps":
            arrives = _sooner("arrives", c.epochs_ratio)
            said = [f"{short}, {arrives}: statistics lag", f"{short}; statistics lag"]
        else:  # how it ends is what its statistics let through, too; divergence is not
            is_telling &= "diverges" in end.text
    if not is_telling:
        return *said, short
    full = said[0] if short == "statistics lag" else short
    return f"{full}{end.text}", f"{short}{end.text}", f"{short}{end.short}"


def _undecided(c: Comparison, said: str, end: _End) -> list[str]:
    ratio, behind = c.epochs_ratio, end.text if end.is_telling else ""
    if c.seeds_needed and not end.is_telling:
        behind = f"; about {c.seeds_needed} seeds decide"
    if not (math.isfinite(ratio.value) and ratio.value > 0):
        return [f"{said}{behind}"]
    found = f"{said}, {_number(ratio.value)}× as fast"
    texts = [f"{found} ({_span(ratio)}){behind}", f"{found}{behind}"]
    return texts if end.is_telling else [*texts, f"{said}{behind}"]


def _sooner(verb: str, ratio: Estimate) -> str:
    is_bound = math.isinf(ratio.value)
    times = _number(ratio.low if is_bound else ratio.value)
    if times == "1":
        return f"{verb} slightly sooner"
    return f"{verb} {'at least ' if is_bound else ''}{times}× sooner"


def _who(name: str) -> str:
    """Where a variant normalises, in words; of several options its name says more.

    >>> _who("after:momentum=auto"), _who("before:norm=rms,scale=false")
    ('after the activation (`momentum=auto`)', '`before:norm=rms,scale=false`')
    """
    places = places_of(name)
    options = name.partition(":")[2]
    words = " and ".join(_PLACES[place] for place in places)
    words = words.replace("before the activation and after", "before and after")
    if "," in options or not places:
        return f"`{name}`"
    return f"{words} (`{options}`)" if options else words


def _span(ratio: Estimate) -> str:
    if math.isfinite(ratio.high):
        return f"{_number(ratio.low)} to {_number(ratio.high)}"
    return f"{_number(ratio.low)} and up" if ratio.low > 0 else "no bounds yet"


def _number(ratio: float) -> str:
    """Two digits, or three where two would round a ratio to 1.

    >>> _number(9.304), _number(1.036), _number(0.7234), _number(134.2)
    ('9.3', '1.04', '0.72', '134')
    """
    if ratio >= 99.5:
        return f"{ratio:.0f}"
    return f"{ratio:.3g}" if abs(ratio - 1) < 0.05 else f"{ratio:.2g}"
