"""The table of claims: each has a source, a command that there is, a picture, and an answer."""

import re

import pytest

from normwise.studies import BUILT_IN
from tests.examples import ROOT

TEXT = (ROOT / "docs" / "claims.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if re.match(r"\| \d+ \|", line)
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
