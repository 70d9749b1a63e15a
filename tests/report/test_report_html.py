"""The HTML file: self-contained, escaped, and saying all it should."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from normwise.domain import RunRecord, Summary
from normwise.errors import StoreError
from normwise.report import DataPreview, Page, html, inside_page, study_page, write_html
from normwise.report import formatting as f
from normwise.report.section import NextStep
from tests.report.insides import make_inside
from tests.report.shown import hostile, in_reading_order

Study = tuple[Summary, list[RunRecord]]
LOADING = {"src", "href", "srcset", "data", "poster", "action", "background", "xlink:href"}
EMPTY = {"meta", "link", "br", "img", "input", "hr"}


class _Reader(HTMLParser):
    """Tags, loading attributes, the text outside and the scripts inside."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self.buttons: list[str | None] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [f"{name}={value}" for name, value in attrs if name in LOADING]
        self.buttons += [value for name, value in attrs if name == "data-variant"]
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        target = self.scripts if inside == "script" else self.texts
        if inside != "style":
            target.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(autouse=True)
def _short_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "vega_javascript", lambda: "/* vega */")


def _read(page: Page, folder: Path) -> _Reader:
    return _Reader(write_html(page, folder / "report.html").read_text(encoding="utf-8"))


def test_nothing_is_loaded(page: Page, tmp_path: Path) -> None:
    reader = _read(page, tmp_path)
    assert reader.loads == []
    assert not {"link", "img", "iframe", "object", "base"} & set(reader.tags)
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"@import|url\(|https?://", source)
    assert "default-src 'none'" in source


def test_the_real_script_is_inlined(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    reader = _read(page, tmp_path)
    assert len(reader.scripts[0]) > 500_000
    assert "window.vegaEmbed=" in reader.scripts[0]
    assert reader.loads == []


def test_headline_chart_table_and_verdict_come_first_and_all_numbers_are_there(
    page: Page, circles: Study, tmp_path: Path
) -> None:
    text = _read(page, tmp_path).text
    places = [text.index(each) for each in in_reading_order(page)]
    assert places == sorted(places)
    summary = circles[0]
    for variant in summary.variants:
        times = variant.epochs_to_target
        assert f.epochs(times.median.value) in text
        assert f.epochs_interval(times.median) in text
        assert f.seconds(variant.seconds_per_epoch) in text
        for estimate in variant.final_median.values():
            assert f"{f.median(estimate)} {f.value_interval(estimate)}" in text
    for comparison in summary.comparisons:
        for ratio in (comparison.epochs_ratio, comparison.seconds_ratio):
            assert f"{f.ratio(ratio)} {f.ratio_interval(ratio)}" in text
    assert "30/30" in text
    assert "largest relative difference 3e-07" in text
    for name, value in {**page.section("Settings").facts, **summary.environment}.items():
        assert f"{name} {value}" in text


def test_a_heading_is_left_out_right_below_the_headline_alone(page: Page, tmp_path: Path) -> None:
    """A study's first chart needs none; what follows something else does."""
    source = write_html(page, tmp_path / "study.html").read_text("utf-8")
    assert source.count('class="wide leading"') == 1
    assert source.index('class="wide leading"') < source.index("<h2>Verdict</h2>")
    inside = inside_page("mine", {"mine": [make_inside()]})
    assert "leading" not in _body(write_html(inside, tmp_path / "inside.html"))


def _body(path: Path) -> str:
    return path.read_text("utf-8").partition("<body>")[2]


def test_the_charts_are_json(page: Page, tmp_path: Path) -> None:
    script = _read(page, tmp_path).scripts[-1]
    found = re.search(r"^const charts = (.*);$", script, re.MULTILINE)
    assert found
    charts = json.loads(found[1])
    assert [chart["width"] for chart in charts] == ["container"] * 4
    assert len(charts[0]["data"]["values"]) == 600


def test_hostile_text_is_escaped(circles: Study, preview: DataPreview, tmp_path: Path) -> None:
    evil = "</script><script>alert('1')</script><b onclick=x>&amp;\u2028"
    summary = hostile(circles[0], evil)
    points = dataclasses.replace(
        preview, feature_names=(evil, evil), labels=(evil,) * 500, caption=evil
    )
    runs = [
        dataclasses.replace(run, key=dataclasses.replace(run.key, variant=evil))
        for run in circles[1][:2]
    ]
    page = study_page(summary, runs, settings={evil: evil}, preview=points, notes=[evil])
    page = dataclasses.replace(page, warnings=(evil,), next_step=NextStep(evil, evil))
    reader = _read(page, tmp_path)
    assert len(reader.scripts) == 2
    assert "b" not in reader.tags
    assert reader.buttons == [evil]
    # Twice each the title, the verdict, what comes next, a setting and a part of the environment;
    # the headline, a warning, a button, a note, and a row in four tables.
    assert reader.text.count("alert('1')") == 18


def test_incomplete_and_never_reached_are_said(lost: Study, tmp_path: Path) -> None:
    page = study_page(*lost, settings={}, preview=None, notes=["mind this"], incomplete=True)
    text = _read(page, tmp_path).text
    assert "Incomplete: the study stopped before its end" in text
    assert "mind this" in text
    assert "not reached" in text
    assert "4 diverged" in text
    assert "10 not yet" in text
    assert "nan" not in text.lower()
    assert "inf" not in text.lower()


def test_a_page_with_nothing_measured(circles: Study, tmp_path: Path) -> None:
    summary = dataclasses.replace(circles[0], comparisons=(), solo_check=None, environment={})
    text = _read(study_page(summary, [], settings={}, preview=None), tmp_path).text
    assert "not compared" in text
    assert "Not run." in text


def test_a_folder_that_cannot_be_written(page: Page, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write '.*report\.html' \(.*--out"):
        write_html(page, tmp_path / "file" / "report.html")


def test_an_old_file_is_replaced_whole(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    write_html(page, path)
    path.write_text("old")
    write_html(page, path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(path.parent.iterdir()) == [path]
