"""The answer of a study in at most twelve words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from normwise.analysis._lag_words import lags_behind
from normwise.analysis._places import places_of
from normwise.analysis._verdict import told_first
from normwise.domain import (
    Comparison,
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
    subject = "Normalisation" if places_of(first.variant) else "The variant"
    said = _of(first, table, summary.target)
    return _shortest_of(*(f"{who}: {one}" for one in said), *(f"{subject}: {one}" for one in said))


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
    """What is said of one comparison behind who it is, the most telling first."""
    variant, end = table[c.variant], _end(c, table, target)
    # Where both help, what arrives is the smaller part of what is learned.
    if lags_behind(variant) and (c.outcome != "helps" or c.learning_outcome == "helps"):
        return _of_lag(c)
    if c.outcome == "helps":
        sooner = _of_help(c, variant)
        return f"{sooner}{end}", sooner
    if c.outcome == "hurts":
        ratio = c.epochs_ratio.value
        slower = f"needs {_number(1 / ratio)}× as many epochs" if ratio else "does not arrive"
        return (f"{slower}{end}", slower) if _is_telling(c) else (f"hurts, {slower}", slower)
    if c.outcome == "no difference":
        return f"arrives as soon{end}", "makes no difference"
    return _undecided(c, end if _is_telling(c) else "")


def _is_telling(c: Comparison) -> bool:
    """Whether how a variant ends changes what is thought of when it arrives."""
    if c.ending is None:
        return False
    better = c.ending.outcome == "better" and c.outcome != "helps"
    return better or c.ending.outcome == "worse" or c.ending.diverges_more


def _of_help(c: Comparison, variant: VariantSummary) -> str:
    if c.learning_ratio is not None and c.learning_outcome == "helps" and not lags_behind(variant):
        return f"learns {_times(c.learning_ratio)} sooner"
    # Of two medians that are alike, one side has more replicas that never arrive.
    if _number(c.epochs_ratio.value) == "1":
        return "arrives more often"
    return f"arrives {_times(c.epochs_ratio)} sooner"


def _of_lag(c: Comparison) -> Sequence[str]:
    if c.learning_outcome == "helps" and c.learning_ratio is not None:
        learns = f"learns {_times(c.learning_ratio)} sooner"
        hidden = f"{learns}; lagging statistics hide it"
        if c.outcome != "helps":
            return (hidden,)
        return f"{learns}, arrives {_times(c.epochs_ratio)} sooner: statistics lag", hidden
    learning = {"hurts": "it learns later, too", "no difference": "it learns no sooner"}
    return (
        f"statistics lag; {learning.get(c.learning_outcome or '', 'its learning is undecided')}",
    )


def _undecided(c: Comparison, end: str) -> Sequence[str]:
    ratio, seeds = c.epochs_ratio, c.seeds_needed
    decide = f"; about {seeds} seeds decide" if seeds and not end else ""
    short = f"undecided{end}{decide}"
    if not (math.isfinite(ratio.value) and ratio.value > 0):
        return (short,)
    found = f"undecided, {_number(ratio.value)}× as fast"
    return f"{found} ({_span(ratio)}){end}{decide}", f"{found}{end}{decide}", short


def _end(c: Comparison, table: Mapping[str, VariantSummary], target: Target) -> str:
    """How it ends, in the target's metric, or how many come to no end."""
    ending, more = c.ending, c.never_difference
    if ending is not None and ending.diverges_more:
        return ", but diverges more often"
    if more is not None and more.low > 0:
        return f", but {table[c.variant].lost} of {table[c.variant].seeds} never arrive"
    if ending is None:
        return ""
    metric = target.metric.removeprefix("val_").replace("_", " ")
    if ending.outcome == "open":
        return f", {metric} undecided"
    if ending.outcome == "no worse":
        d, margin = ending.difference, ending.margin
        return f", {'same' if -margin <= d.low and d.high <= margin else 'no worse'} {metric}"
    rises = (ending.outcome == "better") == (target.relation == ">=")
    is_opposite = ending.outcome == "worse" or c.outcome != "helps"
    return f",{' but' if is_opposite else ''} {'higher' if rises else 'lower'} {metric}"


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


def _times(ratio: Estimate) -> str:
    if math.isinf(ratio.value):
        return f"at least {_number(ratio.low)}×"
    return f"{_number(ratio.value)}×"


def _span(ratio: Estimate) -> str:
    if math.isfinite(ratio.high):
        return f"{_number(ratio.low)} to {_number(ratio.high)}"
    return f"{_number(ratio.low)} and up" if ratio.low > 0 else "no bounds yet"


def _number(ratio: float) -> str:
    """Two digits, or three where two would round a ratio to 1.

    >>> _number(9.304), _number(1.036), _number(0.7234), _number(134.2)
    ('9.3', '1.04', '0.72', '134')
    """
    if ratio >= 100:
        return f"{ratio:.0f}"
    return f"{ratio:.3g}" if abs(ratio - 1) < 0.05 else f"{ratio:.2g}"
