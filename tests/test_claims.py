"""The table of claims: each has a source, a command that there is, a picture, and an answer."""

import json
import re

import pytest

from normwise.studies import BUILT_IN
from tests.examples import ROOT

DOCS = ROOT / "docs"
TEXT = (DOCS / "claims.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if re.match(r"\| \d+ \|", line)
]
FIGURE = re.compile(r"(?<![\d.])\d+\.\d+(?![\d.]*\d)")


def shown_by(page):
    """All that a page says; of a notebook, also what its cells show."""
    text = page.read_text("utf-8")
    if page.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    outputs = [one for cell in cells for one in cell.get("outputs", [])]
    pieces = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    pieces += [one["text"] for one in outputs if "text" in one]
    pieces += [one["data"][kind] for one in outputs if "data" in one for kind in one["data"]]
    return "\n".join("".join(piece) for piece in pieces)


def figures_without_a_source(row):
    """Of an answer's figures those that no page of the row has, rounded as they are there."""
    cells = " ".join(row)
    pages = {DOCS / path for path in re.findall(r"\]\(([\w/-]+\.(?:md|ipynb))", cells)}
    known = {float(found) for page in pages for found in FIGURE.findall(shown_by(page))}
    return [
        told
        for told in FIGURE.findall(re.sub(r"\]\([^)]*\)", "]", row[-1]))
        if not any(f"{value:.{len(told.split('.')[1])}f}" == told for value in known)
    ]


def test_rows_are_counted_and_links_to_them_lead_to_one():
    assert [int(row[0]) for row in ROWS] == [*range(1, len(ROWS) + 1)]
    assert len(ROWS) >= 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_claim_has_all_that_a_reader_needs(row):
    _, source, claim, command, picture, held = row
    assert source
    assert claim
    assert "](" in picture
    assert re.match(r"\*\*(yes|no|partly|undecided)\*\*", held), held
    assert set(re.findall(r"study ([a-z][a-z-]*)", command)) <= set(BUILT_IN)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_its_figures_are_those_of_the_pages_it_links_to(row):
    assert figures_without_a_source(row) == []


def test_a_figure_that_stands_nowhere_is_seen():
    row = ["40", "[`study mnist-sigmoid`](studies/mnist-sigmoid.md)", "**yes**: 0.976 and 0.123"]
    assert figures_without_a_source(row) == ["0.123"]
