"""Settings that are right each alone, and not together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from normwise.domain import Variant
from normwise.errors import SpecError

if TYPE_CHECKING:
    from normwise.spec.spec import Spec

__all__ = ["refuse_contradictions"]


def refuse_contradictions(spec: Spec, axes: Sequence[str]) -> None:
    """Say which settings have no meaning together, and what to type instead.

    Args:
        spec: The settings, each valid.
        axes: Names of those that may have several values.

    Raises:
        SpecError: Some contradict each other.
        VariantError: A variant does not parse.
    """
    _check_variants(spec)
    for axis in axes:
        _refuse_repeated(axis, getattr(spec, axis) or ())
    _check_rounds(spec)
    _check_pruning(spec)
    _check_probes(spec)


def _check_variants(spec: Spec) -> None:
    names = [Variant.parse(text).name for text in spec.variants]
    if len(set(names)) < len(names) or not names:
        raise SpecError(
            f"variants are {', '.join(spec.variants) or 'missing'}; expected at least one and "
            f"each once; try --variant none --variant after"
        )
    if spec.ablate and not any(Variant.parse(text).places for text in names):
        raise SpecError(
            f"ablate was given with {', '.join(names)}, and there are no normalisation layers "
            f"to leave out; expected a variant that places some; add --variant after"
        )


def _check_rounds(spec: Spec) -> None:
    if spec.max_seeds is not None and not spec.until_decided:
        raise SpecError(
            f"max_seeds is {spec.max_seeds} and until_decided was not given; expected both, or "
            f"neither; add --until-decided, or set the number with --seeds {spec.max_seeds}"
        )
    if spec.max_seeds is not None and spec.max_seeds <= spec.seeds:
        raise SpecError(
            f"max_seeds is {spec.max_seeds} and the first round has {spec.seeds} seeds; expected "
            f"room for a second; try --max-seeds {4 * spec.seeds}, or fewer --seeds"
        )
    if spec.until_decided and len(spec.variants) < 2:
        raise SpecError(
            f"until_decided was given with {spec.variants[0]!r} alone, and there is nothing to "
            f"decide; expected two variants; add --variant after"
        )


def _check_probes(spec: Spec) -> None:
    default = type(spec).model_fields["probe_runs"].default
    if spec.probe_runs != default and not spec.probe:
        raise SpecError(
            f"probe_runs is {spec.probe_runs} and probe was not given; expected both, or neither; "
            f"add --probe"
        )


def _check_pruning(spec: Spec) -> None:
    if spec.prune and len(spec.conditions) < 2:
        raise SpecError(
            "prune was given and the grid has one point, which nothing can be stopped in favour "
            "of; expected several; add --learning-rate 1e-3:1:4, or leave --prune out"
        )
    if spec.prune and spec.until_decided:
        raise SpecError(
            "prune and until_decided were both given, and rounds of seeds would choose again and "
            "again what to stop; expected one of them; leave --prune out"
        )
    if spec.prune and spec.seeds < 2:
        raise SpecError(
            "prune was given with 1 seed; expected one to choose by and another to judge by; "
            "try --seeds 10"
        )


def _refuse_repeated(axis: str, values: Sequence[float | str]) -> None:
    seen = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    repeated = next((value for value, times in Counter(seen).items() if times > 1), None)
    if repeated is not None:
        raise SpecError(
            f"{axis} {repeated} was given twice ({', '.join(seen)}); expected each value once; "
            f"leave one out, or choose ranges that do not share a value"
        )
