"""A plan of normalisation, and how it is written."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from normwise.domain.momentum import momentum_for
from normwise.errors import UnknownNameError, VariantError

__all__ = ["Variant"]

Place = Literal["before", "after", "input"]
NormKind = Literal["batch", "layer", "group", "rms", "zscore", "minmax", "mean"]
_PLACES: tuple[str, ...] = get_args(Place)
_BOOLEANS = {"true": True, "false": False}
# Normalisers of the inputs alone, with statistics of the training part.
_FIXED_NORMS = ("zscore", "minmax", "mean")
# An example of each option that is a share of one; the others are positive numbers.
_SHARES = {"momentum": "0.9", "drop_before": "0.3", "drop_after": "0.3"}


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
        momentum: Weight of the old moving statistics, in [0, 1); ``auto``: the one that leaves
            5% of what they began with after an epoch, at most 0.99 (:meth:`in_epochs_of`).
        epsilon: Added to the variance, > 0.
        bias: Keep a layer's bias where β makes it redundant (``before`` only).
        renorm: Batch renormalisation (Ioffe 2017), as Keras does it; with a number ≥ 2 its clips
            open by the paper's schedule, with so many steps in the place of its first 5,000, in
            which it is plain batch normalisation: r's are open after 8 times as many, d's after 5
            times; ``auto``: those of an epoch.
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
    center: bool = True
    scale: bool = True
    momentum: float | Literal["auto"] = 0.99
    epsilon: float = 1e-3
    bias: bool = False
    renorm: bool | int | Literal["auto"] = False
    ghost: int = 0
    norm: NormKind = "batch"
    drop_before: float = 0.0
    drop_after: float = 0.0
    only: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Variant:
        """Read ``PLACE[:OPTION,…]``.

        Raises:
            VariantError: A place, an option or a value that is not known.
        """
        place_text, _, option_text = text.strip().partition(":")
        places = _parse_places(text, place_text)
        parsed = [_parse_option(text, item) for item in option_text.split(",") if item]
        options = dict(parsed)
        if len(options) < len(parsed):
            raise VariantError(
                f"variant {text!r} sets an option twice; expected each at most once; "
                f"leave all but one out"
            )
        variant = cls(places=places, **options)
        _check_places(text, option_text, variant, set(options) - {"drop_after"})
        return variant

    @property
    def is_baseline(self) -> bool:
        """Whether this is ``none``: the model as it is without normalisation."""
        return self == Variant()

    @property
    def is_fixed(self) -> bool:
        """Whether the normaliser's statistics come from the whole training part."""
        return self.norm in _FIXED_NORMS

    def in_epochs_of(self, steps: int) -> Variant:
        """The variant with numbers for what is left to the steps of an epoch.

        Args:
            steps: Batches of an epoch, ≥ 1.

        >>> round(Variant.parse("after:momentum=auto").in_epochs_of(16).momentum, 3)
        0.829
        """
        momentum = momentum_for(steps) if self.momentum == "auto" else self.momentum
        renorm = max(2, steps) if self.renorm == "auto" else self.renorm
        return dataclasses.replace(self, momentum=momentum, renorm=renorm)

    @property
    def asks_for_steps(self) -> bool:
        """Whether some of its settings depend on the steps of an epoch.

        >>> Variant.parse("after:renorm=auto").asks_for_steps
        True
        """
        return "auto" in (self.momentum, self.renorm)

    @property
    def with_remedy(self) -> Variant:
        """The variant with a momentum that suits the steps of an epoch.

        >>> Variant.parse("after:momentum=0.999,renorm").with_remedy
        Variant.parse('after:momentum=auto,renorm=true')
        """
        return dataclasses.replace(self, momentum="auto")

    @property
    def name(self) -> str:
        """The canonical text: ``parse(name)`` gives an equal variant."""
        options = [
            f"{item.name}={_option_text(getattr(self, item.name))}"
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


def _check_places(text: str, option_text: str, variant: Variant, options: set[str]) -> None:
    """Refuse options that mean nothing where the variant puts its normalisation."""
    if options and not variant.places:
        raise VariantError(
            f"variant {text!r} sets options on 'none', which has no normalisation; "
            f"expected a place before ':', or drop_after alone; try 'after:{option_text}'"
        )
    if variant.is_fixed and variant.places != ("input",):
        raise VariantError(
            f"variant {text!r} puts norm={variant.norm} at {'+'.join(variant.places)!r}; it "
            f"prepares inputs with statistics of the training part, which hidden layers do not "
            f"have; expected it at 'input' alone; try 'input:norm={variant.norm}'"
        )


def _parse_option(text: str, item: str) -> tuple[str, Any]:
    name, _, value = (part.strip() for part in item.partition("="))
    defaults = {f.name: f.default for f in dataclasses.fields(Variant) if f.name != "places"}
    if name not in defaults:
        raise UnknownNameError(f"option in variant {text!r}:", name, defaults)
    if name == "norm":
        if value not in get_args(NormKind):
            raise UnknownNameError(f"norm in variant {text!r}:", value, get_args(NormKind))
        return name, value
    if name in ("momentum", "renorm") and value == "auto":
        return name, value
    own = {"only": _parse_numbers, "ghost": _parse_size, "renorm": _parse_renorm}
    if name in own:
        return name, own[name](text, item, value)
    if isinstance(defaults[name], bool):
        if (value or "true") not in _BOOLEANS:
            raise VariantError(
                f"variant {text!r} has {item!r}; expected true or false; try '{name}=false'"
            )
        return name, _BOOLEANS[value or "true"]
    return name, _parse_number(text, item, name, value)


def _parse_numbers(text: str, item: str, value: str) -> tuple[int, ...]:
    words = [word.strip() for word in value.split("+")]
    if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in words):
        raise VariantError(
            f"variant {text!r} has {item!r}; expected numbers of normalisation layers, counted "
            f"from 1 and joined by '+'; try 'only=1+2'"
        )
    return tuple(sorted(set(map(int, words))))


def _parse_size(text: str, item: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) != 1):
        raise VariantError(
            f"variant {text!r} has {item!r}; expected the number of examples in a ghost batch, at "
            f"least 2, since one has no deviation; try 'ghost=16'"
        )
    return int(value)


def _parse_renorm(text: str, item: str, value: str) -> bool | int:
    if (value or "true") in _BOOLEANS:
        return _BOOLEANS[value or "true"]
    if not (value.isascii() and value.isdigit() and int(value) > 1):
        raise VariantError(
            f"variant {text!r} has {item!r}; expected true, false, the steps until its clips begin "
            f"to open, at least 2, or auto; try 'renorm=auto'"
        )
    return int(value)


def _parse_number(text: str, item: str, name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    inside = 0.0 <= number < 1.0 if name in _SHARES else 0.0 < number < math.inf
    if not inside:
        expected = "at least 0 and below 1" if name in _SHARES else "above 0"
        expected += ", or auto" * (name == "momentum")
        raise VariantError(
            f"variant {text!r} has {item!r}; expected a number {expected}; "
            f"try '{name}={_SHARES.get(name, '1e-5')}'"
        )
    return number + 0.0  # -0 is 0: one plan, one name


def _option_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)
