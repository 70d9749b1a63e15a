"""Which of the signals of a network are what a layer, or an activation, takes."""

from __future__ import annotations

from collections.abc import Sequence

from normwise.report.seen import Seen

__all__ = ["activations_of", "hidden", "inputs_of", "normalised_of"]


def activations_of(kinds: Sequence[str]) -> list[int]:
    """Places of the activations, that of the output left out where there are others.

    >>> activations_of(["sums", "activations", "sums", "activations"])
    [1]
    """
    found = [place for place, kind in enumerate(kinds) if kind == "activations" and place]
    inner = [place for place in found if place < _starts(kinds)[-1]] if _starts(kinds) else found
    return inner or found


def inputs_of(kinds: Sequence[str]) -> list[int]:
    """Places of what the layers with weights take, those of the network's own inputs left out.

    It is the last that is computed before the layer.

    >>> inputs_of(["sums", "activations", "normalised", "sums", "activations"])
    [2]
    """
    return [place - 1 for place in _starts(kinds) if place]


def normalised_of(kinds: Sequence[str]) -> list[int]:
    """Places of what normalisations give, of which what they take stands before it."""
    return [place for place, kind in enumerate(kinds) if kind == "normalised" and place]


def hidden(seen: Seen, name: str) -> list[int]:
    """Places of what the inner activations of a network take."""
    return [place - 1 for place in activations_of(seen.names(name, "kinds"))]


def _starts(kinds: Sequence[str]) -> list[int]:
    return [place for place, kind in enumerate(kinds) if kind == "sums"]
