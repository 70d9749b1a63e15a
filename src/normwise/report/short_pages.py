"""Pages for a notebook: of a question, of findings, of what became of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from normwise.report.page import Page
from normwise.report.section import Answer, NextStep, Section
from normwise.report.sections import folding, leakage

__all__ = ["certificate_page", "findings_page", "leakage_page", "question_page"]


def question_page(title: str, question: str, extent: str, facts: Mapping[str, str]) -> Page:
    """A study that has not run.

    Args:
        title: Its name.
        question: What it asks.
        extent: What will train, in a sentence.
        facts: What was asked for, name to text.
    """
    return Page(
        kind="study",
        title=title,
        subject="not run yet",
        answer=Answer("what trains", question, extent),
        details=(Section("Settings", facts=facts),),
    )


def findings_page(
    kind: str, model: str, headline: str, *sections: Section | None, note: str = ""
) -> Page:
    """What a check found, or what became of it.

    Args:
        kind: Of the page.
        model: The name of the model that was checked.
        headline: What it comes to.
        sections: Those of :func:`findings_section`.
        note: What can be done about them.
    """
    return Page(
        kind=kind,
        title=model,
        subject="what is known to go wrong with batch normalisation",
        answer=Answer(kind, headline, ""),
        lead=tuple(filter(None, sections)),
        next_step=NextStep(note) if note else None,
    )


def leakage_page(leak: Mapping[str, Any]) -> Page:
    """What was found of a batch's examples that change each other's predictions.

    Args:
        leak: The key ``leakage`` of ``gap.json``.
    """
    first, *others = leakage.sentences(leak)
    said = [first, *others] if leak["leaks"] else others  # the headline says that none does
    return Page(
        kind="leakage",
        title="",
        subject="does a prediction depend on its neighbours in the batch?",
        answer=Answer("found", leakage.headline(leak), "\n".join(said)),
    )


def certificate_page(found: Mapping[str, Any]) -> Page:
    """What a folded model is worth.

    Args:
        found: What its certificate says, and whether it ``holds``.
    """
    return Page(
        kind="certificate",
        title="",
        subject="the model before and after folding",
        answer=Answer("certificate", folding.headline(found), ""),
        lead=tuple(folding.build(found)),
    )
