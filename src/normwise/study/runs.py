"""The runs that a study has: in its folder already, or trained by now."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from normwise.domain import RunKey, RunRecord
from normwise.store import Store

__all__ = ["Runs"]


class Runs:
    """What is trained so far, journalled where the study has a folder.

    Args:
        store: The folder.

    Attributes:
        found: The study's own.
        aside: Those that leaving layers out alone wanted: of other variants and places, and to
            their end what the study stopped early.
        there: Keys of what was in the folder.
    """

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self.found = {record.key: record for record in (store.records() if store else [])}
        self.aside = {record.key: record for record in (store.records_aside() if store else [])}
        self.there = frozenset(self.found | self.aside)

    @property
    def whole(self) -> dict[RunKey, RunRecord]:
        """Those that went to their end: of what it lacks, one that was stopped says nothing."""
        ended = {key: run for key, run in self.found.items() if run.stopped_at is None}
        return self.aside | ended

    @property
    def keys(self) -> frozenset[RunKey]:
        """Of all."""
        return frozenset(self.found | self.aside)

    def add(
        self, records: Sequence[RunRecord], wanted: Collection[RunKey], ablated: Collection[RunKey]
    ) -> None:
        """Take in and journal what was trained and is new.

        Args:
            records: A chunk.
            wanted: What the study wants.
            ablated: What leaving layers out wants.
        """
        aside = {
            run.key: run
            for run in records
            if run.key in ablated and (run.key not in wanted or run.key in self.found)
        }
        # Those that train with others again, to be measured by them, are known already.
        own = {run.key: run for run in records if run.key not in aside and not self._is_known(run)}
        self.found |= own
        self.aside |= aside
        if self._store is not None:
            self._store.add(own.values())
            self._store.add(aside.values(), aside=True)

    def _is_known(self, record: RunRecord) -> bool:
        known = self.found.get(record.key)
        # Among more replicas, others are stopped.
        return known is not None and known.stopped_at == record.stopped_at
