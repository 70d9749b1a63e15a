"""The answer of a study in plain words: a line a variant."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from normwise.analysis._ending_words import ending_words
from normwise.analysis._lag_words import (
    arrives,
    hidden,
    lags_behind,
    learned_sooner,
    learns,
    opening_of_lag,
)
from normwise.analysis._never_words import never_words
from normwise.analysis._open_words import open_words
from normwise.analysis._places import places_of
from normwise.analysis._range_words import range_words
from normwise.analysis._ratio_words import ratio_words
from normwise.analysis._seconds_words import in_seconds
from normwise.analysis._target import is_beyond, no_better_than_chance
from normwise.domain import (
    Comparison,
    SoloCheck,
    Summary,
    Target,
    VariantSummary,
    epochs_text,
)

__all__ = ["told_first", "verdict", "withheld"]


def verdict(
    target: Target,
    variants: Sequence[VariantSummary],
    comparisons: Sequence[Comparison],
    recommended: str,
    *,
    best: tuple[str, float],
    certain: Target | None,
    horizon: int,
    chance: float | None = None,
    unjudged: int = 0,
    elsewhere: bool = False,
    depths: bool = False,
    halved: bool = False,
) -> str:
    """Lines for people: which variant reaches the target sooner, by how much, between which ends.

    Args:
        target: What was to be reached.
        variants: In order; all of the study.
        comparisons: Every variant but the baseline against it.
        recommended: From `recommend`.
        best: The variant that came nearest to the target, and its best value.
        certain: Where the typical replica of the best variant ends (see `certain_target`).
        horizon: Epochs every replica was given.
        chance: What guessing gives in the target's metric, where known.
        unjudged: Replicas that reach the target though no variant does where it is judged: at
            other points of the grid, or of the seeds that chose.
        elsewhere: Whether something else trained them, so that no option of a study helps.
        depths: Whether each variant stands at its own best one of several depths.
        halved: Whether some of the seeds chose the point of the grid and do not judge.
    """
    table = {variant.name: variant for variant in variants}
    if not any(variant.epochs_to_target.reached for variant in variants):
        told = [_nobody(target, best, certain, horizon, chance, unjudged, elsewhere=elsewhere)]
        left = variants
    elif not comparisons:
        told = [_alone(variants[0], target, horizon, halved=halved)]
        left = variants
    else:
        names = {one.name: _named(one, depths=depths) for one in variants}
        first = told_first(comparisons, recommended)
        lead = _lead(target, table, first, names, horizon=horizon, halved=halved)
        end = f"{_end(table, first, target, recommended)}{range_words(table, first)}"
        sides = table[first.variant], table[first.baseline]
        told = [f"{lead}{end}{open_words(first, sides, target, certain)}{_lag_of(first, table)}"]
        others = [c for c in comparisons if c is not first]
        told += [_other(c, names[c.variant], _end(table, c, target), table) for c in others]
        compared = {c.variant for c in comparisons}
        left = [one for one in variants if one.name not in compared]
    told += _lagging(left, table)
    return "\n".join(f"{line}." for line in [*told, *_diverged(variants, comparisons)])


def _alone(only: VariantSummary, target: Target, horizon: int, *, halved: bool) -> str:
    other = "after" if only.name == "none" else "none"
    return (
        f"There is only `{only.name}`: {_judging([only], halved=halved)}it reaches {target} "
        f"{_when(only, horizon)}; add a variant such as {other!r} to compare it with"
    )


def _end(
    table: Mapping[str, VariantSummary], c: Comparison, target: Target, recommended: str = ""
) -> str:
    return (
        never_words(table, c) + in_seconds(table, c) + ending_words(table, c, target, recommended)
    )


def _lag_of(c: Comparison, table: Mapping[str, VariantSummary]) -> str:
    """What the variant that the first line is about has learned before its statistics show it."""
    variant = table[c.variant]
    if variant.lag is None or not lags_behind(variant):
        return ""
    return f". It {learns(variant.lag, c)}: {hidden(variant, variant.lag, table)}"


def _lagging(
    variants: Sequence[VariantSummary], table: Mapping[str, VariantSummary]
) -> Iterator[str]:
    """Variants that are compared with none, and lag."""
    for one in variants:
        if one.lag is not None and lags_behind(one):
            yield f"`{one.name}` {learns(one.lag, None)}: {hidden(one, one.lag, table)}"


def withheld(summary: Summary, check: SoloCheck) -> Summary:
    """The figures without what would be concluded from them, where the solo check failed.

    Args:
        summary: The answer as it would be.
        check: Names the variants it failed for.

    >>> from normwise.domain import SoloCheck
    >>> check = SoloCheck("after", 3, 0.2, 0.1, {"none": 0.0, "after": 0.1}, ("after",))
    >>> target = Target.parse("val_accuracy>=0.8")
    >>> withheld(Summary("x", target, (), (), "Helps.", "after", check), check).verdict[:43]
    'No verdict: the first batches of `after` tr'
    """
    names = " and ".join(f"`{name}`" for name in check.failed)
    largest = max(check.first_steps[name] for name in check.failed)
    return dataclasses.replace(
        summary,
        verdict=(
            f"No verdict: the first batches of {names} train otherwise here than in Keras' own "
            f"fit, by up to {largest:.2g} of the loss, which is more than rounding explains. "
            f"The figures and curves below are not to be trusted."
        ),
        comparisons=tuple(
            dataclasses.replace(
                one,
                outcome="undecided",
                seeds_needed=None,
                learning_outcome=one.learning_outcome and "undecided",
            )
            for one in summary.comparisons
        ),
        recommended="",
        headline="No verdict: it trains otherwise than in Keras' own fit",
    )


def told_first(comparisons: Sequence[Comparison], recommended: str) -> Comparison:
    """The comparison that the first line, and the headline, are about."""
    order = {"helps": 0, "undecided": 1, "no difference": 2, "hurts": 3}
    return min(
        comparisons,
        key=lambda c: (c.variant != recommended, order[c.outcome], -_finite(c.epochs_ratio.value)),
    )


def _finite(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _nobody(
    target: Target,
    best: tuple[str, float],
    certain: Target | None,
    horizon: int,
    chance: float | None,
    unjudged: int,
    *,
    elsewhere: bool,
) -> str:
    name, value = best
    nobody = f"No variant reaches {target} within {epochs_text(horizon)}"
    if unjudged:
        nobody += (
            f" on the seeds that judge, at the point of the grid that the others chose "
            f"(of the other replicas {unjudged} {'does' if unjudged == 1 else 'do'})"
        )
    smaller = "a smaller learning rate" if elsewhere else "a smaller --learning-rate"
    if math.isnan(value):
        return f"{nobody}, and none shows a finite {target.metric}: try {smaller}"
    seen = f"{nobody}: the best value is {value:.4g}, by `{name}`"
    if certain is None:
        return f"{seen}, and none ends with a finite one: try {smaller}"
    if chance is not None and not is_beyond(certain, chance):
        return f"{seen}, and {no_better_than_chance(target, chance, horizon, elsewhere=elsewhere)}"
    seeds, epochs = ("seeds", "epochs") if elsewhere else ("--seeds", "--epochs")
    more = f", or more {seeds}" if unjudged else ""
    return (
        f"{seen}; try --target '{certain}', where a typical replica ends, "
        f"or more {epochs} than {horizon}{more}"
    )


def _lead(
    target: Target,
    table: Mapping[str, VariantSummary],
    c: Comparison,
    names: Mapping[str, str],
    *,
    horizon: int,
    halved: bool,
) -> str:
    is_plain = c.baseline == "none" and bool(places_of(c.variant))
    subject = "Normalisation" if is_plain else f"`{c.variant}`"
    than = "" if is_plain else f" compared with `{c.baseline}`"
    opening = {
        "helps": f"{subject} helps here{than}",
        "hurts": f"{subject} hurts here{than}",
        "no difference": f"{subject} makes no difference here{than}",
        "undecided": f"Undecided{than and f' whether {subject} helps{than}'}",
    }[c.outcome]
    ours, theirs = table[c.variant], table[c.baseline]
    if c.outcome != "helps" and lags_behind(ours):
        opening = opening_of_lag(subject, c)
    facts = (
        f"{_judging([ours, theirs], halved=halved)}{names[c.variant]} reaches {target} "
        f"{_when(ours, horizon)}{_against(ours, theirs, names[c.baseline])}, "
        f"{_on_average(ours, theirs, c)}"
        f"{ratio_words(c.outcome, c.epochs_ratio)}{_learns_too(c, table)}"
    )
    return f"{opening}: {facts}"


def _learns_too(c: Comparison, table: Mapping[str, VariantSummary]) -> str:
    """How much sooner it learns, which is what the headline says where some lag."""
    learned = learned_sooner(c, table)
    words = "" if learned is None else ratio_words("helps", learned)
    return f", learns {words}" if words not in ("", ratio_words("helps", c.epochs_ratio)) else ""


def _when(variant: VariantSummary, horizon: int) -> str:
    median = variant.epochs_to_target.median.value
    if math.isfinite(median):
        return f"in {epochs_text(median)}"
    reached = variant.epochs_to_target.reached
    return f"in {reached} of {variant.seeds} replicas within {epochs_text(horizon)}"


def _named(variant: VariantSummary, *, depths: bool) -> str:
    return f"`{variant.name}`" + (f" (depth {variant.depth})" if depths else "")


def _judging(variants: Sequence[VariantSummary], *, halved: bool) -> str:
    """Which seeds medians and counts are of, where that is not all of them."""
    if not halved:
        return ""
    numbers = {one.seeds for one in variants}
    if numbers == {1}:
        return "on the seed that judges, "
    return f"on the {f'{numbers.pop()} ' if len(numbers) == 1 else ''}seeds that judge, "


def _against(variant: VariantSummary, baseline: VariantSummary, name: str) -> str:
    own, median = (one.epochs_to_target.median.value for one in (variant, baseline))
    if math.isfinite(own) and math.isfinite(median):
        of = f" of {name}" if name != f"`{baseline.name}`" else ""
        return f" instead of {median:g}{of}"
    if math.isfinite(median):
        return f", where {name} needs {median:g}"
    reached = baseline.epochs_to_target.reached
    return f" where {name} does in {reached} of {baseline.seeds} replicas"


def _on_average(variant: VariantSummary, baseline: VariantSummary, c: Comparison) -> str:
    """What reconciles a ratio, which is of all seeds, with medians that point the other way."""
    own, median = (one.epochs_to_target.median.value for one in (variant, baseline))
    ratio = c.epochs_ratio.value
    if not (math.isfinite(own) and math.isfinite(median) and 0 < ratio < math.inf):
        return ""
    return "though over all seeds " if (median - own) * math.log(ratio) < 0 else ""


def _other(c: Comparison, name: str, end: str, table: Mapping[str, VariantSummary]) -> str:
    variant = table[c.variant]
    if variant.lag is not None and lags_behind(variant):
        learned = f"{name} {learns(variant.lag, c)}{arrives(c)}{end}"
        return f"{learned}: {hidden(variant, variant.lag, table)}"
    value = c.epochs_ratio.value
    if c.outcome == "helps":
        return f"{name} helps too" + (f" ({value:.3g} times)" if math.isfinite(value) else "") + end
    if c.outcome == "hurts":
        bound = value or c.epochs_ratio.high
        return f"{name} hurts ({'' if value else 'at most '}{bound:.2g} times as fast){end}"
    if c.outcome == "no difference":
        return f"{name} makes no difference{end}"
    needed = f" (about {c.seeds_needed} seeds needed)" if c.seeds_needed else ""
    return f"{name} is undecided{needed}{end}"


def _diverged(
    variants: Sequence[VariantSummary], comparisons: Sequence[Comparison]
) -> Iterator[str]:
    """How many replicas of each variant diverged, those included that had arrived before."""
    counts = {v.name: v.epochs_to_target.diverged for v in variants}
    for c in comparisons:
        if c.ending is not None:
            counts[c.variant] = max(counts[c.variant], c.ending.diverged)
            counts[c.baseline] = max(counts[c.baseline], c.ending.baseline_diverged)
    parts = [
        f"{counts[v.name]} of {v.seeds} replicas of `{v.name}`" for v in variants if counts[v.name]
    ]
    if parts:
        yield f"Diverged: {', '.join(parts)}"
