"""Every link and picture of the README and the docs leads somewhere."""

import itertools
import json
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("docs/**/*.ipynb"),
    *ROOT.glob("docs/*.html"),
    *ROOT.glob("src/normwise/checks/pages/*.md"),
]
PNG = b"\x89PNG\r\n\x1a\n"


def markdown(page):
    """A page's Markdown; of a notebook, that of its cells."""
    text = page.read_text("utf-8")
    if page.suffix != ".ipynb":
        return text
    cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def tokens(page):
    """All of a page, what stands inside its paragraphs included."""
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(markdown(page)):
        yield token
        yield from token.children or ()


def links(page):
    """Where links lead to, and where pictures are."""
    if page.suffix == ".html":
        yield from re.findall(r'<a href="([^"]+)"', page.read_text("utf-8"))
        return
    for token in tokens(page):
        target = token.attrGet("href") or token.attrGet("src")
        if target:
            yield str(target)
        if token.type in ("html_block", "html_inline"):
            yield from re.findall(r'(?:href|src)="([^"]+)"', token.content)


def anchors(page):
    """What a heading is called in an address, as GitHub calls it; in HTML, what has a name."""
    if page.suffix == ".html":
        yield from re.findall(r'\bid="([^"]+)"', page.read_text("utf-8"))
        return
    seen: dict[str, int] = {}
    for opening, content in itertools.pairwise(tokens(page)):
        if opening.type != "heading_open":
            continue
        slug = re.sub(r"[^\w\- ]", "", plain(content).lower()).replace(" ", "-")
        count = seen[slug] = seen.get(slug, -1) + 1
        yield f"{slug}-{count}" if count else slug


def plain(token: Token) -> str:
    return "".join(part.content for part in token.children or ())


def broken(page, target):
    """What is wrong with a link; empty where nothing is."""
    if re.match(r"https?://|mailto:", target):
        return ""  # not ours to keep
    path, _, anchor = target.partition("#")
    there = page if not path else page.parent / path
    if not there.exists():
        return f"{target}: no such file"
    if ROOT not in there.resolve().parents:
        return f"{target}: outside of the project"
    if there.suffix == ".png" and not there.read_bytes().startswith(PNG):
        return f"{target}: no picture"
    if anchor and anchor not in anchors(there):
        return f"{target}: no such heading"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_and_picture_is_there(page):
    assert list(filter(None, (broken(page, target) for target in links(page)))) == []


def test_every_picture_is_shown():
    shown = {(page.parent / target).resolve() for page in PAGES for target in links(page)}
    assert [path.name for path in ROOT.glob("docs/**/*.png") if path.resolve() not in shown] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[a](other.md)", []),
        ("[a](other.md#the-end-of-it), [b](#here)", []),
        ("![a](there.png)", []),
        ("[a](missing.md)", ["missing.md: no such file"]),
        ("![a](missing.png)", ["missing.png: no such file"]),
        ('<img src="missing.png">', ["missing.png: no such file"]),
        ("[a][b]\n\n[b]: missing.md", ["missing.md: no such file"]),
        ("[a](other.md#the-start)", ["other.md#the-start: no such heading"]),
        ("[a](#nowhere)", ["#nowhere: no such heading"]),
        ("![a](text.png)", ["text.png: no picture"]),
        ("`[a](missing.md)` and [b](https://example.org/missing)", []),
        ("```\n[a](missing.md)\n```", []),
        ("[a](whole.html#here)", []),
        ("[a](whole.html#there)", ["whole.html#there: no such heading"]),
        ("[a](cells.ipynb#told)", []),
        ("[a](cells.ipynb#code)", ["cells.ipynb#code: no such heading"]),
    ],
)
def test_the_check_sees_what_is_broken(text, wrong, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "other.md").write_text("# Other\n\n## The `end` of it!\n")
    (tmp_path / "there.png").write_bytes(PNG)
    (tmp_path / "whole.html").write_text('<h1 id="here">Whole</h1>')
    cells = [
        {"cell_type": "markdown", "source": ["# Told\n", "Why."]},
        {"cell_type": "code", "source": ["# Code"]},
    ]
    (tmp_path / "cells.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "text.png").write_text("hello")
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n\n{text}\n")
    assert list(filter(None, (broken(page, target) for target in links(page)))) == wrong
