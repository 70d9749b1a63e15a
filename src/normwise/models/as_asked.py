"""What a function of the user's makes of a variant, held against what the variant asks for."""

from __future__ import annotations

import logging
import math
from typing import Any

from normwise.domain import Variant
from normwise.errors import ModelError
from normwise.keras_private import every_layer
from normwise.models.graph import has_graph
from normwise.models.identity import architecture
from normwise.models.population_statistics import batch_normalisations

__all__ = ["check_told_apart", "tell_other_momentum"]

log = logging.getLogger("normwise")


def check_told_apart(builder: str, variant: Variant, model: Any, baseline: Any) -> None:
    """Refuse a network without the normalisation that its variant asks for.

    Where code of the user's own calls the layers, what it does with them cannot be seen: that the
    layers are the same is then said.

    Args:
        builder: The function's name.
        variant: What was asked for.
        model: What the function made of it.
        baseline: What it made of ``none``.

    Raises:
        ModelError: It is the same network.
    """
    if not variant.places or _made_of(model) != _made_of(baseline):
        return
    way_out = (
        "place it where its argument 'norm' asks for it, as in: if 'after' in norm.places; or "
        "leave out 'norm', and normwise places it"
    )
    if not has_graph(model):
        log.warning(
            "The model's function %r builds for %r the layers that it builds for 'none', and so "
            "may compare a network with itself. If it does: %s.",
            builder,
            variant.name,
            way_out,
        )
    elif architecture(model) == architecture(baseline):
        raise ModelError(
            f"the model's function {builder!r} builds for {variant.name!r} the network that it "
            f"builds for 'none'; expected normalisation in it; {way_out}"
        )


def tell_other_momentum(builder: str, variant: Variant, asked: float, model: Any) -> None:
    """Say where no layer has the momentum of its variant, by which a lag is explained.

    Args:
        builder: The function's name.
        variant: What was asked for.
        asked: Its momentum.
        model: What the function made of it.
    """
    own = sorted({float(norm.momentum) for norm in batch_normalisations(model)})
    if variant.places and own and not any(math.isclose(one, asked) for one in own):
        log.warning(
            "The model's function %r gives its batch normalisation for %r a momentum of %s, where "
            "the variant asks for %.3g: what is said of momentum and lag is the variant's, and not "
            "the network's. Build it with momentum=norm.momentum.",
            builder,
            variant.name,
            " and ".join(f"{one:.3g}" for one in own),
            asked,
        )


def _made_of(model: Any) -> list[Any]:
    """Classes of all layers and shapes of their weights."""
    return [
        (type(layer), [tuple(weight.shape) for weight in layer.weights])
        for layer in every_layer(model)
    ]
