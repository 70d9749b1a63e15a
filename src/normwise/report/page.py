"""A page: a list of sections under one answer.

To add a section, write a file in :mod:`normwise.report.sections` whose ``build`` makes one, and
put that into the list here. Terminal, HTML and PNG walk the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from normwise.domain import RunRecord, Summary
from normwise.report.metric_text import target_text
from normwise.report.results import DataPreview, StudyResults
from normwise.report.section import Chart, NextStep, Section
from normwise.report.sections import (
    ablation,
    arrivals,
    curves,
    data,
    early_stopping,
    ended_early,
    endings,
    environment,
    extent,
    gap,
    gap_curves,
    grid,
    lag,
    leakage,
    metrics,
    moving_statistics,
    multiple_testing,
    never,
    notes,
    population_sample,
    runs,
    seconds,
    sensitivity,
    settings,
    solo_check,
    variants,
)

__all__ = ["DIAGNOSIS", "JUDGED", "STUDY", "Page", "diagnosis_page", "judged_page", "study_page"]

_NO_VERDICT = "no verdict"

STUDY: tuple[Callable[[StudyResults], Section | None], ...] = (
    extent.build,
    variants.build,
    endings.build,
    never.build,
    multiple_testing.build,
    lag.build,
    population_sample.build,
    seconds.build,
    ablation.build,
    early_stopping.build,
    ended_early.build,
    curves.build,
    gap_curves.build,
    arrivals.build,
    grid.build,
    sensitivity.build,
    data.build,
    metrics.build,
    solo_check.build,
    settings.build,
    environment.build,
)
"""The sections of a study's report, in reading order."""

JUDGED: tuple[Callable[[StudyResults], Section | None], ...] = (
    variants.build,
    endings.build,
    never.build,
    multiple_testing.build,
    lag.build,
    population_sample.build,
    runs.build,
    curves.build,
    gap_curves.build,
    arrivals.build,
    grid.build,
    sensitivity.build,
    metrics.build,
    settings.build,
    environment.build,
)
"""The sections of a report on runs that something else trained: no more than these can say."""

DIAGNOSIS: tuple[Callable[[gap.Found], Section | None], ...] = (
    gap.build,
    moving_statistics.build,
    notes.build,
    leakage.build,
)
"""The sections of a diagnosis, in reading order."""

_INCOMPLETE = "Incomplete: the study stopped before its end; this is what its finished runs say."


@dataclass(frozen=True, slots=True)
class Page:
    """What a report says.

    Attributes:
        kind: What was done, ``study`` or ``diagnosis``.
        title: Name of the study or the model.
        subject: What was looked at, as it follows the title and a colon.
        answer: What it comes to, in a sentence or a few.
        answer_label: What the answer is, such as ``verdict``.
        sections: In reading order.
        colors: Name to colour of what the charts tell apart and a reader can hide.
        warnings: What must be read before anything else.
        next_step: What to do now, if anything follows.
        columns: How many charts stand side by side in a picture.
    """

    kind: str
    title: str
    subject: str
    answer: str
    answer_label: str
    sections: tuple[Section, ...]
    colors: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    next_step: NextStep | None = None
    columns: int = 2

    @property
    def is_withheld(self) -> bool:
        """Whether the answer says why there is none."""
        return self.answer_label == _NO_VERDICT

    @property
    def charts(self) -> tuple[Chart, ...]:
        """The charts of all sections, in reading order."""
        return tuple(chart for section in self.sections for chart in section.charts)

    @property
    def notes(self) -> tuple[str, ...]:
        """The sentences of all sections, in reading order."""
        return tuple(sentence for section in self.sections for sentence in section.text)

    def section(self, title: str) -> Section:
        """The section with a title.

        Raises:
            LookupError: The page has none.
        """
        return {section.title: section for section in self.sections}[title]


def study_page(
    summary: Summary,
    records: Sequence[RunRecord],
    *,
    settings: Mapping[str, str],
    preview: DataPreview | None,
    notes: Sequence[str] = (),
    incomplete: bool = False,
) -> Page:
    """The report of a study.

    Args:
        summary: The study's answer.
        records: Finished training runs, at all points of the grid.
        settings: What was asked for, name to text.
        preview: The data, if they are two-dimensional.
        notes: What was decided about the data for their owner, in sentences.
        incomplete: Whether the study stopped before its end.
    """
    results = StudyResults(summary, records, dict(settings), preview, tuple(notes), incomplete)
    check = summary.solo_check
    is_withheld = check is not None and bool(check.failed)
    label = _NO_VERDICT if is_withheld else "verdict so far" if incomplete else "verdict"
    return _page(results, label, STUDY)


def judged_page(
    summary: Summary,
    records: Sequence[RunRecord],
    *,
    settings: Mapping[str, str],
    notes: Sequence[str],
) -> Page:
    """The report on runs that something else trained.

    Args:
        summary: What they say.
        records: The runs.
        settings: What was asked for, name to text.
        notes: What was decided about the runs for their owner, in sentences.
    """
    results = StudyResults(summary, records, dict(settings), notes=tuple(notes))
    return _page(results, "verdict", JUDGED)


def _page(
    results: StudyResults,
    label: str,
    builders: Sequence[Callable[[StudyResults], Section | None]],
) -> Page:
    summary = results.summary
    return Page(
        kind="study",
        title=summary.study,
        subject=f"epochs to a {target_text(summary.target)}",
        answer=summary.verdict,
        answer_label=label,
        sections=_built(build(results) for build in builders),
        colors=results.colors,
        warnings=(_INCOMPLETE,) if results.incomplete else (),
    )


def diagnosis_page(found: Mapping[str, Any], command: str) -> Page:
    """The report of a model's statistics.

    Args:
        found: The content of ``gap.json``.
        command: What repairs lagging statistics.
    """
    return Page(
        kind="diagnosis",
        title=found["model"],
        subject="training and inference",
        answer=gap.sentence(found),
        answer_label="gap",
        sections=_built(build(found) for build in DIAGNOSIS),
        next_step=gap.next_step(found, command),
        columns=3,
    )


def _built(sections: Iterable[Section | None]) -> tuple[Section, ...]:
    return tuple(section for section in sections if section is not None)
