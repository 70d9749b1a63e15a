"""The pictures of docs/report.md, five studies as four readers see them, and of docs/inside.md.

    make screenshots          # trains what is not there yet: a few minutes on two cores

Each study is trained into normwise-out/screenshots/NAME, or read from there, and its report drawn
again; Debian's Chromium takes the pictures.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
STUDIES = {
    "circles": ["circles"],
    "extensions": ["circles-extensions"],
    "grid": ["circles", "--learning-rate", "1e-3:1:7", "--seeds", "10"],
    "undecided": ["circles", "--variant", "none", "--variant", "before", "--seeds", "4"],
    "lagging": ["circles", "--variant", "none", "--variant", "after", "--no-remedy"],
}
"""Name of the pictures to what `normwise study` is asked."""

INSIDE = {
    "gradients": ("Gradients", ["deep-mlp", "--seeds", "2", "--no-remedy", "--probe"]),
    "activations": ("Activations", ["mnist-sigmoid", "--epochs", "10", "--seeds", "2", "--probe"]),
    "landscape": ("Landscape of the loss", ["digits-cnn", "--seeds", "2", "--probe"]),
}
"""Name of a section's picture to its title, and what `normwise study` is asked."""

DESKTOP = {"viewport": {"width": 1366, "height": 768}}
READERS: dict[str, dict[str, Any]] = {
    "desktop": DESKTOP,
    "dark": {**DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True},
}
PAPER = 794, 1123  # pixels of A4 at 96 a inch
COLORS = 96  # of a picture: what a chart needs, in a third of the bytes


def main() -> None:
    """Train, draw, and take the pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not there; expected Debian's; try apt-get install chromium")
    reports = {name: trained(name, asked) for name, asked in STUDIES.items()}
    looked = {name: (title, trained(name, asked)) for name, (title, asked) in INSIDE.items()}
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, report in reports.items():
            for reader, picture in pictures(browser, report):
                small(picture).save(HERE / "screenshots" / f"{name}-{reader}.png", optimize=True)
        for name, (title, report) in looked.items():
            picture = section(browser, report, title)
            small(picture).save(HERE / "screenshots" / f"inside-{name}.png", optimize=True)
        browser.close()


def trained(name: str, asked: list[str]) -> Path:
    """The report of a study; the same command again only draws."""
    folder = Path("normwise-out/screenshots") / name
    command = [sys.executable, "-m", "normwise", "study", *asked, "--out", str(folder)]
    subprocess.run(command, check=True)
    return (folder / "report.html").resolve()


def pictures(browser: Any, report: Path) -> Iterator[tuple[str, bytes]]:
    """What each reader sees first, and the first sheet of paper."""
    for reader, options in READERS.items():
        context = browser.new_context(**options)
        tab = opened(context, report)
        yield reader, tab.screenshot()
        context.close()
    width, height = PAPER
    context = browser.new_context(viewport={"width": width, "height": height})
    tab = opened(context, report)
    tab.emulate_media(media="print")
    yield "print", tab.screenshot()
    context.close()


def section(browser: Any, report: Path, title: str) -> bytes:
    """A section of a report with its charts."""
    context = browser.new_context(**DESKTOP)
    own = opened(context, report).locator(
        "section", has=context.pages[0].locator(f"text='{title}'")
    )
    picture: bytes = own.screenshot()
    context.close()
    return picture


def opened(context: Any, report: Path) -> Any:
    """A tab in which the charts are drawn."""
    tab = context.new_page()
    tab.goto(report.as_uri())
    tab.wait_for_function(
        "document.querySelectorAll('.chart svg.marks').length === "
        "document.querySelectorAll('.chart').length"
    )
    return tab


def small(picture: bytes) -> Image.Image:
    """With few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    return image.quantize(COLORS, Image.Quantize.MAXCOVERAGE, kmeans=3)


if __name__ == "__main__":
    main()
