"""A plan of normalisation, and how it is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

from normwise.domain.option import (
    Option,
    above_zero,
    flag,
    joined_numbers,
    one_of,
    option,
    options_of,
    share,
    whole_number,
    written,
)
from normwise.errors import UnknownNameError, VariantError

__all__ = ["Variant"]

Place = Literal["before", "after", "input"]
NormKind = Literal["batch", "layer", "group", "rms", "zscore", "minmax", "mean"]
_PLACES: tuple[str, ...] = get_args(Place)
# Normalisers of the inputs alone, with statistics of the training part.
_FIXED_NORMS = ("zscore", "minmax", "mean")
_NORMS = one_of(get_args(NormKind), example="layer|group|rms")
_AT_INPUT = f"at input also {'|'.join(_FIXED_NORMS)}"
_GHOSTS = whole_number(
    "the number of examples in a ghost batch, at least 2, since one has no deviation",
    example="16",
    without=1,
)
_LAYERS = joined_numbers(
    "numbers of normalisation layers, counted from 1 and joined by '+'", example="1+2"
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A plan of normalisation: which normaliser, where, with which settings.

    Written ``PLACE[:OPTION,…]``: PLACE is ``none`` or one or more of ``before``
    and ``after`` (the activation) and ``input``, joined by ``+``. An option is
    ``name=value``; a bare name means ``name=true``.

    Attributes:
        places: Where normalisation goes; empty for the baseline ``none``.
        center: Whether to learn an offset β.
        scale: Whether to learn a factor γ.
        momentum: Weight of the old moving statistics, in [0, 1).
        epsilon: Added to the variance, > 0.
        bias: Keep a layer's bias where β makes it redundant (``before`` only).
        renorm: Batch renormalisation (Ioffe 2017), as Keras does it.
        ghost: Ghost batches (Hoffer et al. 2017) of so many examples, ≥ 2: each slice of a batch
            is normalised by its own statistics; 0 for whole batches.
        norm: Another normaliser than batch normalisation, as a comparator:
            ``layer``, ``group`` or ``rms``; at ``input`` also data preparation with
            statistics of the whole training part, which stay fixed: ``zscore``
            (x − mean) / deviation, ``minmax`` (x − min) / (max − min), ``mean``
            (x − mean) / (max − min).
        drop_before: Dropout rate directly in front of each normalisation, in [0, 1).
        drop_after: Dropout rate behind the activation and its normalisation, in
            [0, 1); the one option that ``none`` takes, too.
        only: Numbers of the normalisation layers to keep, from 1 in the order they run
            (joined by ``+``); empty for all.

    >>> Variant.parse("after:momentum=0.9,scale=false")
    Variant.parse('after:scale=false,momentum=0.9')
    >>> Variant.parse("none").is_baseline
    True
    """

    places: tuple[Place, ...] = ()
    center: bool = field(default=True, metadata=option(flag("false")))
    scale: bool = field(default=True, metadata=option(flag("false")))
    momentum: float = field(default=0.99, metadata=option(share("0.9")))
    epsilon: float = field(default=1e-3, metadata=option(above_zero("1e-5")))
    bias: bool = field(default=False, metadata=option(flag("true")))
    renorm: bool = field(default=False, metadata=option(flag("true")))
    ghost: int = field(default=0, metadata=option(_GHOSTS))
    norm: NormKind = field(default="batch", metadata=option(_NORMS, note=_AT_INPUT))
    drop_before: float = field(default=0.0, metadata=option(share("0.3")))
    drop_after: float = field(default=0.0, metadata=option(share("0.3"), without_norm=True))
    only: tuple[int, ...] = field(default=(), metadata=option(_LAYERS, note="of its layers"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``PLACE[:OPTION,…]``.

        Raises:
            VariantError: A place, an option or a value that is not known.
        """
        place_text, _, option_text = text.strip().partition(":")
        places = _parse_places(text, place_text)
        options = options_of(cls)
        parsed = [_parse_option(text, item, options) for item in option_text.split(",") if item]
        given = dict(parsed)
        if len(given) < len(parsed):
            raise VariantError(
                f"variant {text!r} sets an option twice; expected each at most once; "
                f"leave all but one out"
            )
        variant = cls(places, **given)
        _check_places(text, option_text, variant, given)
        return variant

    @classmethod
    def grammar(cls) -> str:
        """How a variant is written, in a sentence or two.

        >>> Variant.grammar()[:41]
        'PLACE[:OPTION,…]. PLACE: none, before, af'
        """
        options = (
            f"{name}={one.example}{f' ({one.note})' if one.note else ''}"
            for name, one in options_of(cls).items()
        )
        return (
            f"PLACE[:OPTION,…]. PLACE: none, before, after (the activation), input, joined by +. "
            f"OPTION: {', '.join(options)}."
        )

    @property
    def is_baseline(self) -> bool:
        """Whether this is ``none``: the model as it is without normalisation."""
        return self == type(self)()

    @property
    def is_fixed(self) -> bool:
        """Whether the normaliser's statistics come from the whole training part."""
        return self.norm in _FIXED_NORMS

    @property
    def name(self) -> str:
        """The canonical text: ``parse(name)`` gives an equal variant."""
        options = [
            f"{item.name}={written(getattr(self, item.name))}"
            for item in dataclasses.fields(self)
            if item.name != "places" and getattr(self, item.name) != item.default
        ]
        place = "+".join(self.places) or "none"
        return f"{place}:{','.join(options)}" if options else place

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Variant.parse({self.name!r})"


def _parse_places(text: str, place_text: str) -> tuple[Place, ...]:
    words = [word.strip() for word in place_text.split("+")]
    if words == ["none"]:
        return ()
    if "none" in words:
        raise VariantError(
            f"variant {text!r} joins 'none' with a place; expected one or the other; "
            f"try {'+'.join(word for word in words if word != 'none') or 'none'!r}"
        )
    for word in words:
        if word not in _PLACES:
            raise UnknownNameError(f"place in variant {text!r}:", word, ["none", *_PLACES])
    if len(set(words)) < len(words):
        raise VariantError(
            f"variant {text!r} names a place twice; expected each at most once; "
            f"try {'+'.join(dict.fromkeys(words))!r}"
        )
    # One spelling for one plan: `after+input` and `input+after` are the same variant.
    return tuple(place for place in ("input", "before", "after") if place in words)


def _check_places(
    text: str, option_text: str, variant: Variant, given: Mapping[str, object]
) -> None:
    """Refuse options that mean nothing where the variant puts its normalisation."""
    options = options_of(type(variant))
    if not variant.places and not all(options[name].without_norm for name in given):
        free = " or ".join(name for name, one in options.items() if one.without_norm)
        raise VariantError(
            f"variant {text!r} sets options on 'none', which has no normalisation; "
            f"expected a place before ':', or {free} alone; try 'after:{option_text}'"
        )
    if variant.is_fixed and variant.places != ("input",):
        raise VariantError(
            f"variant {text!r} puts norm={variant.norm} at {'+'.join(variant.places)!r}; it "
            f"prepares inputs with statistics of the training part, which hidden layers do not "
            f"have; expected it at 'input' alone; try 'input:norm={variant.norm}'"
        )


def _parse_option(text: str, item: str, options: Mapping[str, Option]) -> tuple[str, Any]:
    name = item.partition("=")[0].strip()
    if name not in options:
        raise UnknownNameError(f"option in variant {text!r}:", name, options)
    return name, options[name].parse(name, item, of=text)
