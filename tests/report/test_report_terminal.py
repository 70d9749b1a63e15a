"""Terminal text at 80 columns."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from normwise.domain import RunRecord, Summary
from normwise.report import Page, print_page, study_page
from normwise.report.section import Answer

Study = tuple[Summary, list[RunRecord]]
LONG = [
    "none",
    "after:center=false,scale=false",
    "before:momentum=0.9,renorm=true",
    "after+input:epsilon=1e-05",
    "input:scale=false",
]


def _text(page: Page, width: int = 80, **options: Any) -> str:
    console = Console(record=True, width=width, file=io.StringIO(), color_system=None)
    print_page(page, console, **options)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    return text


def test_the_verdict_stands_right_below_the_table_and_notes_below_that(page: Page) -> None:
    files = ["runs/circles/report.html", "runs/circles/curves.png"]
    assert "Solo check" not in _text(page, files=files)
    text = _text(page, files=files, verbose=True)
    flat = " ".join(text.replace("│", " ").replace("·", " ").split())
    for line in (page.answer.headline, *page.answer.lines):
        assert line in flat
    places = [
        text.index(each)
        for each in ("30/30", "verdict ─", page.answer.headline, "Solo check", "Files:")
    ]
    assert places == sorted(places)
    assert "1.47×" not in text[text.index("verdict ─") :]  # nothing between the two
    assert "largest relative difference 3e-07" in flat
    assert "Files: runs/circles/report.html, runs/circles/curves.png" in flat
    for word in ("baseline", "helps", "no", "difference", "30/30", "1.47×", "[1.24, 1.75]"):
        assert word in text


def test_names_are_never_cut(study_of: Callable[..., Study]) -> None:
    text = _text(study_page(*study_of(LONG), settings={}, preview=None))
    for name in LONG:
        for piece in name.replace(":", ":\n").replace(",", ",\n").splitlines():
            assert piece in text
    assert text.count("undecided") == 4


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_any_width(study_of: Callable[..., Study], width: int) -> None:
    text = _text(study_page(*study_of(LONG), settings={}, preview=None), width)
    assert "undecided" in text


def test_where_no_table_fits_counts_stand_behind_commas(lost: Study) -> None:
    flat = " ".join(_text(study_page(*lost, settings={}, preview=None), 50).split())
    assert re.search(r"reached \d+/\d+, \d+ \w+", flat)
    assert not re.search(r"reached \d+/\d+ \d", flat)
    assert re.search(r"validation accuracy 0\.\d+ \[", flat)


def test_losses_are_said(lost: Study) -> None:
    text = _text(study_page(*lost, settings={}, preview=None, incomplete=True))
    assert "Incomplete" in text
    assert "verdict so far" in text
    assert "not reached" in text
    assert "4 diverged" in text
    assert "10 not yet" in text
    assert "nan" not in text
    assert "inf" not in text


def test_markup_in_names_is_text(page: Page) -> None:
    text = _text(
        dataclasses.replace(
            page, title="[red]x[/nope]", answer=Answer("[i]", "[b]", "[/b]"), warnings=("[/]",)
        )
    )
    assert "[red]x[/nope]" in text
    assert "[/]" in text


def test_nothing_compared(circles: Study) -> None:
    summary = dataclasses.replace(
        circles[0], comparisons=(), variants=circles[0].variants[:1], solo_check=None
    )
    page = dataclasses.replace(
        study_page(summary, circles[1], settings={}, preview=None),
        answer=Answer("verdict", "Only one", ""),
    )
    text = _text(page, verbose=True)
    assert "sooner" not in text
    assert "Solo check: Not run." in text
