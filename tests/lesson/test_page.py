"""The page as a file: whole, small, and in need of nothing else."""

from __future__ import annotations

import base64
import doctest
import gzip
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from normwise import lesson
from normwise.errors import StoreError
from normwise.lesson import shipped, write_lesson
from normwise.lesson.page import _PAGES
from normwise.report.results import DataPreview
from normwise.report.section import Style
from normwise.report.sections.data import DataChart

DOCS = Path(__file__).parents[2] / "docs"
LOADING = {"src", "href", "srcset", "data", "poster", "action", "background", "xlink:href"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lesson(shipped(), tmp_path_factory.mktemp("lesson") / "lesson.html")


class _Reader(HTMLParser):
    """What the page would load, and the names of its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.names: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names += [value for name, value in attrs if name == "id" and value]
        self.loads += [value for name, value in attrs if name in LOADING and value]


def test_nothing_is_loaded_and_a_policy_forbids_it(file: Path) -> None:
    text = file.read_text("utf-8")
    reader = _Reader(text)
    assert all(one.startswith("#") and one[1:] in reader.names for one in reader.loads)
    assert len(reader.names) == len(set(reader.names))
    assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org/2000/svg)|fetch\(|import\(", text)
    assert "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'" in text


def test_classes_have_the_colours_that_a_report_gives_them(file: Path) -> None:
    places = {"outer": (0.0, 1.0), "inner": (0.0, 0.5)}
    preview = DataPreview(("x1", "x2"), tuple(places.values()), tuple(places), "")
    spec: Any = DataChart(preview).spec(Style(legend=False, pointer=False))
    scale = spec["encoding"]["fill"]["scale"]
    drawn = dict(zip(scale["domain"], scale["range"], strict=True))
    styles = file.read_text("utf-8").partition("</style>")[0]
    assert {name: re.findall(rf"--{name}: (#\w+);", styles) for name in places} == {
        name: [drawn[name]] for name in places
    }


def test_it_is_small_enough_to_forward(file: Path) -> None:
    assert file.stat().st_size < 3 * 2**20


def parts(file: Path) -> tuple[str, Any]:
    """A page without its recording, and what is recorded, however that was compressed."""
    before, _, rest = file.read_text("utf-8").partition('id="recording">')
    text, _, after = rest.partition("</script>")
    return before + after, json.loads(gzip.decompress(base64.b64decode(text)))


def test_the_page_of_the_docs_is_what_the_command_writes(tmp_path: Path) -> None:
    """Else: `normwise lesson -o docs/lesson.html`."""
    for page in _PAGES:
        (tmp_path / "docs" / page).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / page).touch()
    written = write_lesson(shipped(), tmp_path / "docs" / "lesson.html")
    assert parts(DOCS / "lesson.html") == parts(written)


def test_among_the_docs_it_links_to_their_pages_and_elsewhere_it_names_them(file: Path) -> None:
    text = (DOCS / "lesson.html").read_text("utf-8")
    assert set(re.findall(r'<a href="([^"#]+)"', text)) == set(_PAGES)
    assert all((DOCS / page).is_file() for page in _PAGES)
    alone = file.read_text("utf-8")
    assert "Claims, one by one" in alone
    assert ".md" not in alone


def test_a_page_of_the_shipped_recording_needs_neither_keras_nor_jax(tmp_path: Path) -> None:
    code = (
        "import sys; from normwise.lesson import shipped, write_lesson; "
        f"write_lesson(shipped(), {str(tmp_path / 'a.html')!r}); "
        "print(sorted({'jax', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write"):
        write_lesson(shipped(), tmp_path / "file" / "lesson.html")


@pytest.mark.parametrize(
    "name", [info.name for info in pkgutil.iter_modules(lesson.__path__, "normwise.lesson.")]
)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
