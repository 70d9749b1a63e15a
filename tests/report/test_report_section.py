"""A section that no renderer knows: one function in a list, and it is everywhere."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from normwise.domain import RunRecord, Summary
from normwise.report import Page, Section, altair_chart, print_page, study_page, write_html
from normwise.report import page as page_module
from normwise.report.png import figure
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Spec, Style, Table


@dataclass(frozen=True)
class GradientChart:
    norms: tuple[float, ...]

    def spec(self, style: Style) -> Spec:
        rows = [{"layer": i, "norm": norm} for i, norm in enumerate(self.norms)]
        return {
            "name": "gradients",
            "title": f"Gradient norms{' (legend)' if style.legend else ''}",
            "height": 100,
            "data": {"values": rows},
            "mark": "bar",
            "encoding": {
                "x": {"field": "layer", "type": "ordinal"},
                "y": {"field": "norm", "type": "quantitative"},
            },
        }


def gradients(results: StudyResults) -> Section:
    columns = (Column("layer", is_main=True), Column("norm", is_main=True), Column("share"))
    rows = ((Cell("dense"), Cell("0.25", ("[0.2, 0.3]",)), Cell("7/9")),)
    return Section(
        "Gradients",
        text=(f"Of {len(results.records)} runs.",),
        in_words=("The first layer's is a quarter.",),
        table=Table(columns, rows),
        charts=(GradientChart((0.25, 1.0)),),
        caption="Norms: root of the sum of squares.",
        facts={"probe": "every step"},
    )


@pytest.fixture
def page(circles: tuple[Summary, list[RunRecord]], monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.setattr(page_module, "STUDY", (*page_module.STUDY, gradients))
    monkeypatch.setattr("normwise.report.html.vega_javascript", lambda: "/* vega */")
    return study_page(*circles, settings={}, preview=None)


def test_the_terminal_shows_its_main_columns_and_sentences(page: Page) -> None:
    console = Console(record=True, width=80, file=io.StringIO())
    print_page(page, console)
    text = console.export_text()
    assert re.search(r"^layer +norm *$", text, re.MULTILINE)
    assert re.search(r"^dense +0.25 *\n +\[0.2, 0.3\] *$", text, re.MULTILINE)
    assert "Of 90 runs.\nThe first layer's is a quarter." in text
    for hidden in ("7/9", "root of the sum", "every step"):
        assert hidden not in text


def test_a_section_without_a_table_there_begins_with_its_title(page: Page) -> None:
    console = Console(record=True, width=80, file=io.StringIO())
    print_page(page, console)
    assert "Solo check" not in console.export_text(clear=False)
    print_page(page, console, verbose=True)
    assert "Solo check: One replica" in console.export_text()


def test_html_shows_all_of_it_but_what_repeats_it_in_words(page: Page, tmp_path: Path) -> None:
    text = write_html(page, tmp_path / "report.html").read_text("utf-8")
    assert text.index("<h2>Gradients</h2>") < text.index("<h3>Environment</h3>")
    shown = ("Of 90 runs.", "7/9", "[0.2, 0.3]", "root of the sum", "<dt>probe</dt><dd>every step")
    for part in shown:
        assert part in text
    assert "is a quarter" not in text
    charts = json.loads(re.search(r"^const charts = (.*);$", text, re.MULTILINE)[1])  # type: ignore[index]
    assert charts[-1]["title"] == "Gradient norms"
    assert f'id="chart-{len(charts) - 1}"' in text
    assert f'id="chart-{len(charts)}"' not in text


def test_the_picture_and_the_notebook_have_its_chart_and_caption(page: Page) -> None:
    picture = figure(page)
    assert picture["concat"][-1]["title"]["text"] == "Gradient norms (legend)"
    assert picture["title"]["subtitle"][-1] == "Norms: root of the sum of squares."
    [*_, own] = altair_chart(page).to_dict()["concat"]
    assert own["title"]["text"] == "Gradient norms (legend)"
