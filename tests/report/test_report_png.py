"""The picture: drawn, large enough, and whole."""

from __future__ import annotations

import dataclasses
import re
import struct
from pathlib import Path

import pytest
import vl_convert

from normwise.domain import RunRecord, Summary
from normwise.report import Page, study_page, write_png
from normwise.report.png import figure

Study = tuple[Summary, list[RunRecord]]


def _size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def test_the_picture_of_circles(page: Page, tmp_path: Path) -> None:
    width, height = _size(write_png(page, tmp_path / "curves.png"))
    assert 1800 < width < 3000
    assert 1200 < height < 2400
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_a_study_with_losses_is_drawn(lost: Study, tmp_path: Path) -> None:
    page = study_page(*lost, settings={}, preview=None)
    assert min(_size(write_png(page, tmp_path / "curves.png"))) > 1000


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_replicas_are_drawn(circles: Study, tmp_path: Path, seeds: int) -> None:
    summary, records = circles
    few = [record for record in records if record.key.seed < seeds]
    page = study_page(summary, few, settings={}, preview=None)
    assert min(_size(write_png(page, tmp_path / "curves.png"))) > 1000


def test_a_page_without_charts_is_still_a_picture(circles: Study, tmp_path: Path) -> None:
    page = study_page(circles[0], [], settings={}, preview=None)
    assert min(_size(write_png(page, tmp_path / "curves.png"))) > 10


def test_titles_of_charts_side_by_side_are_aligned_and_nothing_is_quoted(page: Page) -> None:
    """As Vega draws them: at the left of what is plotted, and as high above it to a pixel."""
    quoting = dataclasses.replace(
        page, answer=dataclasses.replace(page.answer, headline="`after` helps")
    )
    svg = vl_convert.vegalite_to_svg(figure(quoting))
    assert "`" not in svg
    *places, whole = re.findall(r'role-title"><g transform="translate\((\S+),(\S+)\)"', svg)
    assert len(places) == len(page.charts)
    assert {x for x, _ in places} == {whole[0]}
    heights = [float(y) for _, y in places]
    assert max(heights) - min(heights) <= 1
