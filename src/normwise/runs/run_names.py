"""Variant and seed of a run, read from its name: a path in a folder of runs, or a text.

Most people write both into it: ``bn/3.csv``, ``bn-seed3.csv``, ``seed_3/bn/history.csv``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from normwise.errors import DataError, listed

__all__ = ["RunName", "by_pattern", "named", "said_by"]

# Words in front of a run's number, the surest first.
_NUMBERED = (("seed",), ("trial", "repeat", "rep", "replica", "fold", "version"), ("run", "s"))
_SEPARATORS = "/-_. "


class RunName(NamedTuple):
    """What a name says.

    Attributes:
        variant: The text that runs of one variant share; empty where there is none.
        seed: What tells these apart; ``None`` where nothing does.
        others: Other parts that a pattern names, such as a learning rate.
    """

    variant: str
    seed: str | None
    others: dict[str, str] = {}  # noqa: RUF012 - never changed


def named(names: Sequence[str]) -> list[RunName]:
    """What each name says, all of them read in the same way.

    A word that says what the number is, at best; else a number at the end, or the last
    folder whose name is one, or a number at the beginning.
    What is the same in all names says nothing of a run and is left out.

    Args:
        names: Without suffixes, folders divided by ``/``.

    >>> named(["logs/bn-seed3", "logs/none-seed3"])
    [RunName(variant='bn', seed='3', others={}), RunName(variant='none', seed='3', others={})]
    >>> named(["none", "bn"])[1]
    RunName(variant='bn', seed=None, others={})
    """
    for way in _ways():
        found = [way.search(name) for name in names]
        if all(found):
            seeds = [match["seed"] for match in found if match]
            rest = [
                f"{name[: match.start()]}/{name[match.end() :]}"
                for name, match in zip(names, found, strict=True)
                if match
            ]
            pairs = zip(_told_apart(rest), seeds, strict=True)
            return [RunName(variant, seed) for variant, seed in pairs]
    return [RunName(variant, None) for variant in _told_apart(names)]


def _ways() -> list[re.Pattern[str]]:
    edge, end = r"(?:^|(?<=[\W_]))", r"(?=$|[\W_])"
    words = [
        re.compile(rf"{edge}(?:{'|'.join(group)})[-_= ]?(?P<seed>\d+){end}", re.IGNORECASE)
        for group in _NUMBERED
    ]
    last, first = r"(?:^|[-/_. ])(?P<seed>\d+)$", r"^(?P<seed>\d+)(?:$|[-/_. ])"
    folder = r"(?:^|/)(?P<seed>\d+)(?=/\D*$)"
    return [*words, re.compile(last), re.compile(folder), re.compile(first)]


def _told_apart(texts: Sequence[str]) -> list[str]:
    """The texts without the folders that all of them have, and without separators around them."""
    parts = [[part for part in map(_trimmed, text.split("/")) if part] for text in texts]
    same = set.intersection(*map(set, parts)) if parts else set()
    varied = [[part for part in one if part not in same] for one in parts]
    # Where nothing tells them apart, there is one variant: the last folder's name is its own.
    chosen = [one or whole[-1:] for one, whole in zip(varied, parts, strict=True)]
    return ["/".join(one) for one in chosen]


def _trimmed(text: str) -> str:
    return text.strip(_SEPARATORS)


def said_by(names: Sequence[str], found: Sequence[RunName]) -> str:
    """A sentence on what names say, by the first of them.

    >>> said_by(["bn/3.csv"], [RunName("bn", "3")])
    "Names say what runs are: 'bn/3.csv' is variant 'bn', seed 3."
    """
    first = found[0]
    seed = "" if first.seed is None else f", seed {first.seed}"
    return f"Names say what runs are: {names[0]!r} is variant {first.variant!r}{seed}."


def by_pattern(pattern: str, names: Sequence[str]) -> list[RunName]:
    """What each name says by a pattern such as ``{variant}/run_{seed}.csv``.

    Args:
        pattern: With ``{variant}``, ``{seed}``, ``{learning_rate}``, ``{batch_size}``, and ``{}``
            for what says nothing.
        names: As they are, folders divided by ``/``.

    Raises:
        DataError: The pattern names no variant, or other things; a name is not of its form.

    >>> by_pattern("{variant}/run_{seed}.csv", ["bn/run_3.csv"])
    [RunName(variant='bn', seed='3', others={})]
    """
    form = _compiled(pattern)
    found = []
    for name in names:
        match = form.fullmatch(name)
        if match is None:
            raise DataError(
                f"{name!r} is not of the pattern {pattern!r}; expected all {len(names)} names to "
                f"be; they are {listed(names)}"
            )
        parts = match.groupdict()
        found.append(RunName(parts.pop("variant"), parts.pop("seed", None), parts))
    return found


def _compiled(pattern: str) -> re.Pattern[str]:
    known = ("variant", "seed", "learning_rate", "batch_size", "initializer", "depth")
    parts = re.split(r"\{(\w*)\}", pattern)
    names = [name for name in parts[1::2] if name]
    if "variant" not in names or len({*names}) < len(names) or not {*names} <= {*known}:
        raise DataError(
            f"the pattern {pattern!r} names {listed(names) or 'nothing'}; expected {{variant}}, "
            f"and at most once each {{seed}}, {{learning_rate}}, {{batch_size}}, {{initializer}}, "
            f"{{depth}}; try --pattern '{{variant}}/{{seed}}.csv'"
        )
    texts = [
        re.escape(part) if place % 2 == 0 else rf"(?P<{part}>[^/]+?)" if part else "[^/]*?"
        for place, part in enumerate(parts)
    ]
    return re.compile("".join(texts))
