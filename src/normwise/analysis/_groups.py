"""Putting the records of a study into groups: by variant, by learning rate, by seed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from normwise.domain import RunRecord
from normwise.errors import SpecError

__all__ = ["baseline_of", "by_seed", "by_variant", "paired_seeds", "sides"]

Groups = dict[str, list[RunRecord]]


def by_variant(records: Sequence[RunRecord]) -> Groups:
    """Records by the name of their variant, in order of first appearance.

    Raises:
        SpecError: There are no records.

    >>> from normwise.domain import RunKey
    >>> record = RunRecord(RunKey("none", 0, "a"), 0.1, {"loss": (0.5,)})
    >>> list(by_variant([record]))
    ['none']
    """
    if not records:
        msg = "records is empty; expected one record a replica; try running the study first"
        raise SpecError(msg)
    groups: Groups = {}
    for record in records:
        groups.setdefault(record.key.variant, []).append(record)
    return groups


def baseline_of(names: Iterable[str]) -> str:
    """The variant the others are measured against: ``none``, or else the first.

    Args:
        names: Of the variants, at least one, in their order.

    >>> baseline_of(["after", "none"]), baseline_of(["after", "before"])
    ('none', 'after')
    """
    known = list(names)
    return "none" if "none" in known else known[0]


def by_seed(variant: str, records: Sequence[RunRecord]) -> dict[int, RunRecord]:
    """One variant's records by seed.

    Raises:
        SpecError: A seed occurs twice, so that pairs would be ambiguous.

    >>> from normwise.domain import RunKey
    >>> record = RunRecord(RunKey("none", 7, "a"), 0.1, {"loss": (0.5,)})
    >>> list(by_seed("none", [record]))
    [7]
    """
    found: dict[int, RunRecord] = {}
    for record in records:
        if record.key.seed in found:
            msg = (
                f"variant {variant!r} has two records of seed {record.key.seed}, with settings "
                f"{found[record.key.seed].key.setting!r} and {record.key.setting!r}; expected one "
                f"a seed; try summarising each setting (batch size, initialiser) on its own"
            )
            raise SpecError(msg)
        found[record.key.seed] = record
    return found


def paired_seeds(ours: Collection[int], theirs: Collection[int]) -> list[int]:
    """The seeds over which two variants are compared pair by pair; none if they are two samples.

    Pairs are worth more than samples, but not where most replicas would be left out: those seeds
    pair that both have, if they are at least half of the smaller side's.

    >>> paired_seeds([0, 1, 2, 3], [2, 3, 4, 5]), paired_seeds([0, 1, 2, 3], [3, 4, 5, 6])
    ([2, 3], [])
    """
    shared = [seed for seed in ours if seed in theirs]
    return shared if 2 * len(shared) >= min(len(ours), len(theirs)) else []


def sides(
    ours: Mapping[int, float], theirs: Mapping[int, float]
) -> tuple[list[float], list[float], bool]:
    """Values of two variants as they are compared, and whether they are pairs.

    Args:
        ours: From seed to value.
        theirs: The same of the other variant.

    >>> sides({0: 5.0, 1: 6.0}, {1: 9.0, 0: 8.0}), sides({0: 5.0}, {7: 9.0})
    (([5.0, 6.0], [8.0, 9.0], True), ([5.0], [9.0], False))
    """
    shared = paired_seeds(ours, theirs)
    return (
        [ours[seed] for seed in shared or ours],
        [theirs[seed] for seed in shared or theirs],
        bool(shared),
    )
