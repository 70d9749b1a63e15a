"""Which of the signals that were seen go into an activation, into a layer, into a normalisation.

Studies that an older version looked into do not say what a signal is made of: there it is the last
that was computed before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from normwise.report.seen import Seen

__all__ = ["activations_of", "hidden", "inputs_of", "normalised_of"]


def activations_of(seen: Seen, name: str) -> list[int]:
    """Places of the activations of a network that are not its outputs."""
    kinds = seen.names(name, "kinds")
    found = [place for place, kind in enumerate(kinds) if kind == "activations"]
    if not seen.names(name, "takes"):
        return _inner(found, kinds)
    outputs = set(map(int, seen.names(name, "outputs")))
    return [place for place in found if place not in outputs]


def _inner(found: list[int], kinds: Sequence[str]) -> list[int]:
    """Those in front of the last layer with weights, of signals that do not say more.

    >>> _inner([1, 3], ["sums", "activations", "sums", "activations"])
    [1]
    """
    last = max((place for place, kind in enumerate(kinds) if kind == "sums"), default=len(kinds))
    return [place for place in found if 0 < place < last]


def hidden(seen: Seen, name: str) -> list[int]:
    """Places of what the inner activations of a network take."""
    takes = _takes(seen, name)
    return [takes[place] for place in activations_of(seen, name) if place in takes]


def inputs_of(seen: Seen, name: str) -> dict[int, int]:
    """Numbers of the layers with weights, from 1, to places of what they take.

    Those that take what the network is given are left out.
    """
    kinds, takes = seen.names(name, "kinds"), _takes(seen, name)
    starts = [place for place, kind in enumerate(kinds) if kind == "sums"]
    return {number: takes[place] for number, place in enumerate(starts, start=1) if place in takes}


def normalised_of(seen: Seen, name: str) -> list[tuple[int, int]]:
    """Places of what each normalisation takes, and of what it gives."""
    kinds, takes = seen.names(name, "kinds"), _takes(seen, name)
    return [(own, place) for place, own in takes.items() if kinds[place] == "normalised"]


def _takes(seen: Seen, name: str) -> dict[int, int]:
    """Places of signals to those of the signals that they are made of."""
    takes = seen.names(name, "takes")
    if takes:
        return {place: int(own) for place, own in enumerate(takes) if own}
    return {place: place - 1 for place in range(1, len(seen.names(name, "kinds")))}
