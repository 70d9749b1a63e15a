"""A page as a notebook's output: the report's sections, pictures without scripts, small."""

from __future__ import annotations

import base64
import dataclasses
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser

import pytest

from normwise.domain import Finding, RunRecord, Summary
from normwise.errors import DrawingError
from normwise.report import (
    DataPreview,
    Excerpt,
    Page,
    Shown,
    certificate_page,
    findings_page,
    findings_section,
    leakage_page,
    notebook,
    study_page,
)
from normwise.report.notebook import as_html
from normwise.report.section import Style
from tests.report.shown import hostile, in_reading_order

Study = tuple[Summary, list[RunRecord]]
MOST = 600_000  # bytes of one output
EVIL = "</style><script>alert('1')</script><img src=x onerror=alert(2)>&\"'"
EMPTY = {"br", "img", "wbr"}


class Reader(HTMLParser):
    """Tags, attributes and the text outside of style sheets."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def pictures(html: str) -> list[str]:
    return re.findall(r"<svg .*?</svg>", html, re.DOTALL)


def test_a_study_is_its_report_with_pictures(page: Page) -> None:
    html = as_html(page)
    reader = Reader(html)
    places = [reader.text.index(each) for each in in_reading_order(page)]
    assert places == sorted(places)
    drawn = pictures(html)
    assert len(drawn) == len(page.charts)
    for picture, chart in zip(map(ET.fromstring, drawn), page.charts, strict=True):
        assert picture.get("role") == "img"
        described = chart.spec(Style(legend=True, pointer=False))["description"]
        assert picture.get("aria-label") == described
    assert len(html.encode()) < MOST


def test_nothing_runs_and_nothing_is_loaded(page: Page) -> None:
    html = as_html(page)
    reader = Reader(html)
    assert not {"script", "link", "iframe", "object", "button"} & set(reader.tags)
    sources = [value for name, value in reader.attributes if name in {"src", "href", "xlink:href"}]
    assert all(value and value.startswith("data:image/svg+xml;base64,") for value in sources)
    assert len(sources) == reader.tags.count("img")
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert set(re.findall(r"https?://[^\"' ]+", html)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"@import|url\((?!#normwise-)", html)


def test_every_rule_of_its_style_is_behind_its_own_name(page: Page) -> None:
    html = as_html(page)
    [name] = re.findall(r'^<div id="(normwise-\w+)">', html, re.MULTILINE)
    [style] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert re.fullmatch(rf"\s*#{name} {{.*}}\s*", style, re.DOTALL)
    depth, closed_early = 0, False
    for sign in re.findall("[{}]", style.strip()[:-1]):
        depth += 1 if sign == "{" else -1
        closed_early |= depth < 1
    assert not closed_early
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert all(each.startswith(name) for each in ids)


def test_the_same_page_is_the_same_output(page: Page, lost: Study) -> None:
    other = study_page(*lost, settings={}, preview=None)
    assert as_html(page) == as_html(page)
    first, second = ({*re.findall(r'\bid="([^"]+)"', as_html(each))} for each in (page, other))
    assert not first & second


def test_where_svg_is_left_out_an_image_stands_for_each_chart_that_is_not_folded(
    page: Page,
) -> None:
    html = as_html(page)
    images = re.findall('<img alt="([^"]+)" src="data:image/svg.xml;base64,([^"]+)">', html)
    unfolded = [chart for section in (*page.lead, *page.body) for chart in section.charts]
    assert len(images) == len(unfolded) > 0
    for said, data in images:
        picture = ET.fromstring(base64.b64decode(data))
        assert picture.get("aria-label") == unescape(said)
        assert picture.get("style") == "background:white"
        assert b"currentColor" not in base64.b64decode(data)


def test_colours_of_text_are_the_notebooks(page: Page) -> None:
    letters = re.findall(r"<text [^>]*>", "".join(pictures(as_html(page))))
    assert len(letters) > 50
    assert all('fill="currentColor"' in each for each in letters)


def test_hostile_text_is_escaped(circles: Study, preview: DataPreview) -> None:
    summary = hostile(circles[0], EVIL)
    runs = [
        dataclasses.replace(run, key=dataclasses.replace(run.key, variant=EVIL))
        for run in circles[1][:2]
    ]
    points = dataclasses.replace(preview, feature_names=(EVIL, EVIL), labels=(EVIL,) * 500)
    page = study_page(summary, runs, settings={EVIL: EVIL}, preview=points, notes=[EVIL])
    reader = Reader(as_html(page))
    assert "script" not in reader.tags
    assert reader.tags.count("style") == 1
    sources = [value for name, value in reader.attributes if name == "src"]
    assert sources
    assert all(value and value.startswith("data:image/svg+xml;base64,") for value in sources)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert EVIL in reader.text


def test_a_large_study_is_small(study_of: Callable[..., Study]) -> None:
    names = ["none", *(f"after:momentum=0.{i}" for i in range(1, 10))]
    study = study_of(names, seeds=100, epochs=300)
    assert len(as_html(study_page(*study, settings={}, preview=None)).encode()) < MOST


def test_without_an_engine_the_words_are_there(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[str]:
        raise DrawingError("the charts could not be drawn <here>")

    monkeypatch.setattr(notebook, "draw_svgs", fail)
    text = Reader(as_html(page)).text
    assert text.count("the charts could not be drawn <here>") == 1
    assert page.answer.headline in text


def test_a_page_without_charts_starts_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", None)
    assert "a prediction by 5%" in as_html(
        leakage_page({"leaks": True, "change": 0.05, "layer": "a", "is_random": False})
    )


def test_leakage_says_where_it_begins_and_nothing_twice() -> None:
    found = {"leaks": True, "change": 0.05, "layer": "a", "is_random": False}
    assert "it begins in 'a'" in Reader(as_html(leakage_page(found))).text
    none = {**found, "leaks": False, "layer": None}
    assert Reader(as_html(leakage_page(none))).text.count("neighbours in the batch") == 2
    random = Reader(as_html(leakage_page({**none, "is_random": True}))).text
    assert "The same batch twice gives two predictions" in random


FOUND = [
    Finding("NW001", "redundant-bias", "first", "note", "is cancelled", "drop it", safe=True),
    Finding("NW008", "wrong-axis", None, "error", "is <wrong>", "axis=-1", safe=False),
]


def test_findings_are_a_table_of_rule_severity_place_and_remedy() -> None:
    page = findings_page("check", "m", "2 findings", findings_section("Findings", FOUND))
    text = Reader(as_html(page)).text
    assert "rule severity place what was found what to do" in text
    assert "redundant-bias NW001 note first is cancelled drop it nw.fix does it" in text
    assert "wrong-axis NW008 error the model is <wrong> axis=-1" in text
    assert not re.search("axis=-1 nw.fix", text)
    done = findings_page("fix", "m", "…", findings_section("Mended", FOUND, mended=True))
    assert "what was done" in (said := Reader(as_html(done)).text)
    assert "nw.fix" not in said
    assert findings_section("Left", []) is None


def test_a_certificate_says_where_each_normalisation_went() -> None:
    found = {
        "folded": {"norm": "dense"},
        "left": {"other": "no linear layer beside it"},
        "layers": {"norm": 1.2e-7},
        "difference": 2e-7,
        "call_difference": 3e-7,
        "disagreement": 0.0,
        "seconds": (0.002, 0.001),
        "inputs": "data",
        "onnx": 4e-7,
        "tolerance": 1e-4,
        "holds": True,
    }
    text = Reader(as_html(certificate_page(found))).text
    assert "1 of 2 batch normalisations folded; predictions are the same" in text
    assert "norm in dense 1.2e-07" in text
    assert "other left: no linear layer beside it —" in text
    assert "ONNX Runtime 4e-07" in text
    assert "2.00 ms before, 1.00 ms after" in text
    bad = certificate_page({**found, "holds": False, "onnx": None})
    assert "differ by more than rounding" in (said := Reader(as_html(bad)).text)
    assert "ONNX" not in said


class One(Shown):
    def __init__(self, page: Page) -> None:
        self._page = page

    def _shown(self) -> Page:
        return self._page


def test_plain_text_is_a_line(page: Page, circles: Study) -> None:
    assert repr(One(page)) == f"<One of 'circles': {page.answer.headline}>"
    assert repr(page) == f"<Page of 'circles': {page.answer.headline}>"
    assert repr(circles[0]) == f"<Summary of 'circles': {circles[0].headline}>"
    assert len(repr(circles[1][0])) < 400
    untitled = dataclasses.replace(page, title="")
    assert repr(One(untitled)) == f"<One: {page.answer.headline}>"


def test_an_excerpt_is_the_sections_that_were_asked_for_and_nothing_else(page: Page) -> None:
    excerpt = Excerpt(page.excerpt("Settings", "Curves"))
    shown = Reader(excerpt._repr_html_())
    titles = [text for text in shown.texts if text in {one.title for one in page.sections}]
    assert titles == ["Settings", "Curves"]
    assert "h1" not in shown.tags
    assert "details" not in shown.tags
    assert not {*page.answer.lines} & {*shown.texts}
    assert shown.tags.count("svg") == len(page.section("Curves").charts)
    assert repr(excerpt) == f"<Excerpt of {page.title!r}: Settings, Curves>"
