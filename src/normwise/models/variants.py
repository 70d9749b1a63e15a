"""Which variants a study trains: those asked for, or those of the default ones that can be."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from normwise.domain import Variant
from normwise.errors import UsageError
from normwise.spec import Spec

if TYPE_CHECKING:
    from normwise.models.source import ModelSource

__all__ = ["buildable"]

log = logging.getLogger("normwise")


def buildable(spec: Spec, source: ModelSource) -> tuple[Spec, str]:
    """The study with the variants that its model can have.

    Args:
        spec: The study's settings.
        source: Builds each variant's model.

    Returns:
        The settings, and in a sentence what was left out of the default variants; empty where
        nothing was.

    Raises:
        UsageError: The model cannot have a variant that was asked for, or none of the default
            ones but the baseline.
    """
    refused = {
        variant.name: why
        for variant in map(Variant.parse, spec.variants)
        if (why := _refusal(variant, [source.at(depth) for depth in spec.depths])) is not None
    }
    if not refused:
        return spec, ""
    kept = tuple(name for name in spec.variants if name not in refused)
    if "variants" in spec.model_fields_set or len(kept) < 2:
        raise next(iter(refused.values()))
    note = "; ".join(
        f"variant {name!r} was not asked for and is left out: {str(why).split('; expected')[0]}"
        for name, why in refused.items()
    )
    log.warning("%s%s.", note[0].upper(), note[1:])
    return spec.model_copy(update={"variants": kept}), note


def _refusal(variant: Variant, sources: Sequence[ModelSource]) -> UsageError | None:
    try:
        for source in sources:
            source.build(variant)
    except UsageError as error:
        return error
    return None
