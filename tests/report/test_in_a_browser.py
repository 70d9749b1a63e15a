"""The report in a real browser: nothing is asked of the network, and all of it works there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from report.insides import make_inside

from normwise.domain import RunRecord, Summary
from normwise.report import DataPreview, Page, inside_page, study_page, write_html
from normwise.report.notebook import as_html
from normwise.report.section import Style

Study = tuple[Summary, list[RunRecord]]
HOSTILE = [
    "none",
    "<script>alert('1')</script>",
    "\"quotes\" and 'others'",
    "\u202eright to left\u202c & <b onclick=x>",
    "</script><img src=x onerror=alert(2)>",
]
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page, and holds at the end that it asked for nothing and no script failed."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_page(page: Page, **options: Any) -> Any:
        file = write_html(page, tmp_path / "report.html")
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(file.as_uri())
        count = len(page.charts)
        tab.wait_for_function(f"document.querySelectorAll('.chart svg.marks').length === {count}")
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert all(url.startswith("file:") for url in asked)
    assert len(asked) == len(contexts)


def test_headline_and_chart_are_on_the_first_screen_and_the_notes_are_folded(
    shown: Callable[..., Any], page: Page
) -> None:
    tab = shown(page)
    assert tab.locator("h1").inner_text() == page.answer.headline
    box = tab.locator(".chart").first.bounding_box()
    assert box["y"] + box["height"] <= DESKTOP["height"]
    assert not tab.get_by_text("largest relative difference").is_visible()
    tab.get_by_text("Solo check").click()
    assert tab.get_by_text("largest relative difference").is_visible()


def test_on_a_phone_the_chart_is_on_the_first_screen_and_nothing_is_wider(
    shown: Callable[..., Any], page: Page
) -> None:
    tab = shown(page, viewport=PHONE, is_mobile=True, device_scale_factor=2)
    box = tab.locator(".chart").first.bounding_box()
    assert box["y"] + box["height"] <= PHONE["height"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for summary in tab.locator("summary").all():
        if summary.is_visible():
            summary.click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_charts_of_a_note_fill_their_room_when_it_is_opened(shown: Callable[..., Any]) -> None:
    page = inside_page("x", {name: [make_inside(name)] for name in ("none", "after")})
    tab = shown(page, viewport=PHONE, is_mobile=True)
    note = tab.locator(".notes > details").first
    folded = note.locator("svg.marks").first.get_attribute("width")
    note.locator("summary").first.click()
    chart = f"#{note.locator('.chart').first.get_attribute('id')}"
    tab.wait_for_function(
        f"document.querySelector('{chart} svg.marks')?.getAttribute('width') !== '{folded}'"
    )
    widths = tab.locator(chart).evaluate("each => [each.scrollWidth, each.clientWidth]")
    assert widths[0] <= widths[1] <= PHONE["width"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def lines(tab: Any, color: str) -> int:
    """How many lines of a colour the first chart has."""
    found: int = tab.locator(f".chart >> nth=0 >> path[stroke='{color}' i]").count()
    return found


def test_buttons_hide_variants_by_pointer_and_keyboard(
    shown: Callable[..., Any], page: Page
) -> None:
    tab = shown(page)
    reached = []
    for _ in page.colors:
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("document.activeElement.dataset.variant"))
    assert reached == list(page.colors)
    button = tab.locator(".chips button").nth(1)
    color = page.colors["after"]
    at_first = lines(tab, color)
    assert at_first
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    tab.wait_for_timeout(200)
    assert lines(tab, color) < at_first
    button.focus()
    tab.keyboard.press("Space")
    assert button.get_attribute("aria-pressed") == "true"
    tab.wait_for_timeout(200)
    assert lines(tab, color) == at_first


def test_of_a_variant_that_is_hidden_no_empty_chart_is_left(shown: Callable[..., Any]) -> None:
    runs = {name: [make_inside(name)] for name in ("none", "after")}
    tab = shown(inside_page("circles", runs))
    whole = tab.locator(".chart:visible").count()
    own = tab.locator("[data-hidden-by='1']:visible")
    assert own.count() == 1  # of an inner unit; its histogram is folded
    tab.locator(".chips button").nth(1).click()
    assert (own.count(), tab.locator(".chart:visible").count()) == (0, whole - 1)
    tab.locator(".chips button").nth(1).click()
    assert tab.locator(".chart:visible").count() == whole


def test_hostile_names_are_text(
    shown: Callable[..., Any], study_of: Callable[..., Study], preview: DataPreview
) -> None:
    summary, records = study_of(HOSTILE, seeds=4, epochs=12)
    summary = dataclasses.replace(summary, headline=HOSTILE[1], verdict="\n".join(HOSTILE))
    preview = dataclasses.replace(preview, feature_names=(HOSTILE[1], HOSTILE[4]))
    page = study_page(
        summary, records, settings={HOSTILE[1]: HOSTILE[4]}, preview=preview, notes=HOSTILE
    )
    tab = shown(page)
    assert tab.locator("h1").inner_text() == HOSTILE[1]
    names = tab.locator("tbody th .name").all_inner_texts()[: len(HOSTILE)]
    assert [name.strip() for name in names] == HOSTILE
    assert tab.locator("b, img").count() == 0


def test_dark_pages_are_dark_and_change_with_the_readers_choice(
    shown: Callable[..., Any], page: Page
) -> None:
    tab = shown(page, color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = tab.evaluate(background)
    ink = tab.locator(".chart >> nth=0 >> text").first.get_attribute("fill")
    tab.emulate_media(color_scheme="light")
    tab.wait_for_timeout(500)
    assert tab.evaluate(background) == "rgb(255, 255, 255)" != dark
    assert tab.locator(".chart >> nth=0 >> text").first.get_attribute("fill") != ink


def test_on_paper_there_is_a_legend_no_button_and_nothing_is_folded(
    shown: Callable[..., Any], page: Page
) -> None:
    tab = shown(page)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    for name in page.colors:
        assert tab.locator(".chips").get_by_text(name, exact=True).is_visible()
    edges = "getComputedStyle(document.querySelector('.chips button')).borderTopWidth"
    assert tab.evaluate(edges) == "0px"
    assert not tab.locator(".vega-embed details > summary").first.is_visible()
    assert tab.get_by_text("largest relative difference").is_visible()
    assert len(tab.pdf(format="A4")) > 10_000
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    tab.emulate_media(media="screen")
    assert not tab.get_by_text("largest relative difference").is_visible()


def test_charts_are_named_for_who_does_not_see_them(shown: Callable[..., Any], page: Page) -> None:
    tab = shown(page)
    for number, chart in enumerate(page.charts):
        drawn = tab.locator(f"#chart-{number} [role=graphics-document]").first
        described = chart.spec(Style(legend=False, pointer=True))["description"]
        assert drawn.get_attribute("aria-label") == described


def test_without_scripts_the_tables_and_the_verdict_are_there(
    browser: Any, page: Page, tmp_path: Path
) -> None:
    file = write_html(page, tmp_path / "report.html")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(file.as_uri())
    assert tab.locator(".answer li").all_inner_texts() == list(page.answer.lines)
    context.close()


def test_in_a_notebook_styles_stay_on_their_side_and_colours_are_the_notebooks(
    browser: Any, page: Page, tmp_path: Path
) -> None:
    around = "<table id=own><tr><td>a</td></tr></table><h2>b</h2>"
    style = "body { color: #eee; background: #111 } td { text-align: right; background: #f00 }"
    style += "h2 { color: #00f } p, code { text-transform: uppercase }"
    tabs, asked, said = [], [], []
    for number, output in enumerate(("", as_html(page))):
        file = tmp_path / f"{number}.html"
        file.write_text(f"<!doctype html><style>{style}</style>{around}{output}", encoding="utf-8")
        tab = browser.new_page(viewport=DESKTOP)
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(file.as_uri())
        tabs.append(tab)
    look = "each => [...getComputedStyle(each)].map(n => getComputedStyle(each)[n]).join()"
    for place in ("#own td", "#own", "h2 >> nth=0"):
        bare, beside = (tab.locator(place).evaluate(look) for tab in tabs)
        assert bare == beside
    shown = tabs[1].locator("[id^=normwise]")

    def computed(place: str, name: str) -> str:
        found = shown.locator(place).first.evaluate(f"each => getComputedStyle(each).{name}")
        return str(found)

    assert computed("td", "textAlign") in {"left", "start"}
    assert computed("td", "backgroundColor") == "rgba(0, 0, 0, 0)"
    assert computed("p", "textTransform") == "none"
    for place, name in (("h1", "color"), (".answer h2", "color"), ("svg text", "fill")):
        assert computed(place, name) == "rgb(238, 238, 238)"
    assert shown.locator("svg").first.is_visible()
    assert not shown.locator("img").first.is_visible()
    widths = shown.evaluate("each => [each.scrollWidth, each.clientWidth]")
    assert widths[0] <= widths[1]
    assert len(asked) == 2
    assert said == []


def test_in_a_notebook_that_is_not_trusted_images_stand_for_the_charts(
    browser: Any, page: Page, tmp_path: Path
) -> None:
    # What JupyterLab's sanitiser leaves: no style sheet, of SVG the words alone.
    kept = re.sub("<style>.*?</style>", "", as_html(page), flags=re.DOTALL)
    kept = re.sub(
        "<svg .*?</svg>", lambda svg: re.sub("<[^>]*>", " ", svg[0]), kept, flags=re.DOTALL
    )
    file = tmp_path / "output.html"
    file.write_text(f"<!doctype html>{kept}", encoding="utf-8")
    tab = browser.new_page(viewport=DESKTOP)
    tab.goto(file.as_uri())
    for image in tab.locator("img").all():
        assert image.is_visible()
        assert image.evaluate("each => each.naturalWidth") > 200
    assert tab.locator("img").count() >= 2
    assert not tab.get_by_text("epoch", exact=True).first.is_visible()
