"""A page: sections around one answer.

To add a section, write a file in :mod:`normwise.report.sections` whose ``build`` makes one, and
put that into a list here: those that lead, of which one sees most at a glance; those that follow
the answer; and notes, for who wants to know how sure it is. Terminal, HTML and PNG walk the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from normwise.domain import Inside, RunRecord, Summary
from normwise.report.colors import variant_colors
from normwise.report.inside_sections import inside_details, inside_sections
from normwise.report.metric_text import metric_text, target_text
from normwise.report.results import DataPreview, InputScale, StudyResults
from normwise.report.section import Answer, Chart, NextStep, Section
from normwise.report.sections import (
    ablation,
    arrivals,
    axis_ends,
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
    input_scales,
    lag,
    leakage,
    mean_epochs,
    metrics,
    moving_statistics,
    multiple_testing,
    never,
    notes,
    overfitting,
    population_sample,
    runs,
    seconds,
    sensitivity,
    settings,
    solo_check,
    variants,
)
from normwise.report.sections.inside import gradients, statistics
from normwise.report.seen import Seen

__all__ = [
    "DIAGNOSIS",
    "JUDGED",
    "JUDGED_NOTES",
    "LEAD",
    "STUDY",
    "STUDY_NOTES",
    "Page",
    "diagnosis_page",
    "inside_page",
    "judged_page",
    "live_page",
    "study_page",
]

_NO_VERDICT, IN_PROGRESS = "no verdict", "study in progress"

_Build = Callable[[StudyResults], Section | None]

LEAD: tuple[_Build, ...] = (curves.build, variants.build)
"""What leads the report of a study: the chart, then the table."""

STUDY: tuple[_Build, ...] = (
    gap_curves.build,
    arrivals.build,
    grid.build,
    sensitivity.build,
    axis_ends.build,
    overfitting.build_where_large,
    ablation.build,
    early_stopping.build,
    seconds.build_with_money,
)
"""What follows the answer of a study, in reading order."""

STUDY_NOTES: tuple[_Build, ...] = (
    extent.build,
    lag.build,
    population_sample.build,
    endings.build,
    overfitting.build,
    mean_epochs.build,
    never.build,
    ended_early.build,
    multiple_testing.build,
    seconds.build,
    data.build,
    input_scales.build,
    metrics.build,
    solo_check.build,
    settings.build,
    environment.build,
)
"""What a study's report says to who wants to know more."""

JUDGED: tuple[_Build, ...] = (
    runs.build,
    gap_curves.build,
    arrivals.build,
    grid.build,
    sensitivity.build,
    axis_ends.build,
    overfitting.build_where_large,
)
"""What follows the answer on runs that something else trained: no more than these can say."""

JUDGED_NOTES: tuple[_Build, ...] = (
    lag.build,
    population_sample.build,
    endings.build,
    overfitting.build,
    mean_epochs.build,
    never.build,
    multiple_testing.build,
    metrics.build,
    settings.build,
    environment.build,
)
"""What a report on such runs says to who wants to know more."""

DIAGNOSIS: tuple[Callable[[gap.Found], Section | None], ...] = (
    gap.build,
    moving_statistics.build,
    notes.build,
    leakage.build,
)
"""The sections of a diagnosis, in reading order."""

_INCOMPLETE = "Incomplete: the study stopped before its end; this is what its finished runs say."


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """What a report says.

    Attributes:
        kind: What was done, ``study`` or ``diagnosis``, or ``study in progress``: a page that is
            written again as the study goes on.
        title: Name of the study or the model.
        subject: What was looked at, as it follows the title and a colon.
        answer: What it comes to.
        lead: Sections before the answer.
        body: Sections behind it.
        details: Sections for who wants to know more; folded, where that is possible.
        colors: Name to colour of what the charts tell apart and a reader can hide.
        warnings: What must be read before anything else.
        next_step: What to do now, if anything follows.
    """

    kind: str
    title: str
    subject: str
    answer: Answer
    lead: tuple[Section, ...] = ()
    body: tuple[Section, ...] = ()
    details: tuple[Section, ...] = ()
    colors: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    next_step: NextStep | None = None

    def __repr__(self) -> str:
        """What it is of, and what that comes to."""
        return f"<Page of {self.title!r}: {self.answer.headline}>"

    @property
    def is_in_progress(self) -> bool:
        """Whether it will be written again."""
        return self.kind == IN_PROGRESS

    @property
    def is_withheld(self) -> bool:
        """Whether the answer says why there is none."""
        return self.answer.label == _NO_VERDICT

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections, in reading order."""
        return (*self.lead, *self.body, *self.details)

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

    def excerpt(self, *titles: str) -> Page:
        """These sections alone, in this order, none folded.

        Raises:
            LookupError: The page has no section of one of these titles.
        """
        return Page(
            self.kind,
            self.title,
            self.subject,
            Answer(self.answer.label, "", ""),
            body=tuple(self.section(title) for title in titles),
            colors=self.colors,
        )


def study_page(
    summary: Summary,
    records: Sequence[RunRecord],
    *,
    settings: Mapping[str, str],
    preview: DataPreview | None,
    scales: Sequence[InputScale] = (),
    notes: Sequence[str] = (),
    inside: Sequence[Inside] = (),
    incomplete: bool = False,
) -> Page:
    """The report of a study.

    Args:
        summary: The study's answer.
        records: Finished training runs, at all points of the grid.
        settings: What was asked for, name to text.
        preview: The data, if they are two-dimensional.
        scales: How large each input is, where they are on unequal scales.
        notes: What was decided about the data for their owner, in sentences.
        inside: What probes saw inside some of the runs.
        incomplete: Whether the study stopped before its end.
    """
    known = (tuple(notes), tuple(inside), incomplete, tuple(scales))
    results = StudyResults(summary, records, dict(settings), preview, *known)
    check = summary.solo_check
    is_withheld = check is not None and bool(check.failed)
    label = _NO_VERDICT if is_withheld else "verdict so far" if incomplete else "verdict"
    return _page(results, label, STUDY, STUDY_NOTES)


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
    return _page(results, "verdict", JUDGED, JUDGED_NOTES)


def _page(
    results: StudyResults, label: str, body: Sequence[_Build], details: Sequence[_Build]
) -> Page:
    summary = results.summary
    return Page(
        kind="study",
        title=summary.study,
        subject=f"epochs to a {target_text(summary.target)}",
        answer=_answer(results, label),
        lead=_built(build(results) for build in LEAD),
        body=(*_built(build(results) for build in body), *_not_pictured(results.seen)),
        details=(
            *_built(build(results) for build in details),
            *inside_details(results.seen),
        ),
        colors=results.colors,
        warnings=(_INCOMPLETE,) if results.incomplete else (),
    )


def _not_pictured(seen: Seen) -> tuple[Section, ...]:
    """What was seen inside, on the page alone: a study's picture is of its curves."""
    return tuple(replace(section, in_picture=False) for section in inside_sections(seen))


def _answer(results: StudyResults, label: str) -> Answer:
    summary = results.summary
    if results.incomplete and not summary.comparisons:
        # What it lacks was asked for, and is not there yet.
        said = "The other variants have no finished run: run the same command again to go on."
        return Answer(label, f"Only `{results.variants[0]}` has finished runs so far", said)
    return Answer(label, summary.headline, summary.verdict)


def diagnosis_page(found: Mapping[str, Any], command: str, inside: Inside | None = None) -> Page:
    """The report of a model's statistics.

    Args:
        found: The content of ``gap.json``.
        command: What repairs lagging statistics.
        inside: What probes saw in it, if they looked.
    """
    name = found["model"]
    seen = Seen({name: [inside]} if inside is not None else {}, variant_colors([name]))
    return Page(
        kind="diagnosis",
        title=found["model"],
        subject="training and inference",
        answer=Answer("gap", gap.headline(found), gap.sentence(found)),
        lead=_built(build(found) for build in DIAGNOSIS),
        body=_not_pictured(seen),
        details=inside_details(seen),
        next_step=gap.next_step(found, command),
    )


_MIND_THE_LAG = (
    "Next: `normwise diagnose MODEL --data D` says how much of the gap between training and "
    "validation that makes, `normwise recalibrate` mends it, and `momentum=auto` avoids it."
)


def inside_page(title: str, seen: Mapping[str, Sequence[Inside]]) -> Page:
    """What probes saw inside networks, where that is all that is asked.

    Args:
        title: Name of the model.
        seen: By name of a network the runs that were looked into, at least one.
    """
    own = Seen(seen, variant_colors(list(seen)))
    lag = statistics.lagging(own)
    headline = gradients.headline(own)
    return Page(
        kind="look inside",
        title=title,
        subject="what happens in it while it trains",
        answer=Answer("seen", f"{headline}; moving statistics lag" if lag else headline, lag),
        body=inside_sections(own),
        details=inside_details(own),
        next_step=NextStep(_MIND_THE_LAG) if lag else None,
        colors=own.colors,
    )


def live_page(
    title: str,
    records: Sequence[RunRecord],
    metric: str,
    aim: float | None,
    *,
    how_far: str,
    note: str,
    goes_on: bool,
) -> Page:
    """What a study that still trains has to show: its curves so far, and no verdict.

    Args:
        title: Name of the study.
        records: All runs that have begun, as far as they are.
        metric: What replicas are timed to.
        aim: Its target, if that is known by now.
        how_far: How far the study is, in at most twelve words.
        note: What becomes of it.
        goes_on: Whether the page will be written again.
    """
    colors = variant_colors(list(dict.fromkeys(record.key.variant for record in records)))
    charts = curves.curve_charts(records, colors, metric, aim)
    return Page(
        kind=IN_PROGRESS if goes_on else "study",
        title=title,
        subject=metric_text(metric),
        answer=Answer("so far", how_far, ""),
        lead=(curves.section(charts),) if charts else (),
        colors=colors,
        warnings=(note,),
    )


def _built(sections: Iterable[Section | None]) -> tuple[Section, ...]:
    return tuple(section for section in sections if section is not None)
