"""What a study's page shows, whatever renders it."""

import dataclasses

from normwise.domain import Summary
from normwise.report import Page


def in_reading_order(page: Page) -> list[str]:
    """Texts that stand one behind the other."""
    first, last = ("Curves", "Variants"), ("Arrivals", "Notes", "Settings")
    return [page.answer.headline, *first, *page.answer.lines, *last]


def hostile(summary: Summary, evil: str) -> Summary:
    """The answer with text that must not be taken for markup, wherever it has text."""
    return dataclasses.replace(
        summary,
        study=evil,
        headline=evil,
        verdict=f"{evil} `{evil}`",
        environment={evil: evil},
        variants=(dataclasses.replace(summary.variants[0], name=evil),),
        comparisons=(),
    )
