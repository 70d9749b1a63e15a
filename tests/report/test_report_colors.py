"""Colours: the same everywhere, told apart by every reader, and seen on both backgrounds."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import numpy as np
import pytest

from normwise.domain import RunRecord, Summary
from normwise.report import Page, study_page
from normwise.report.colors import PART_COLORS, class_colors, variant_colors
from normwise.report.html import _THEMES
from normwise.report.section import Style

Study = tuple[Summary, list[RunRecord]]
PLACES = ["none", "input", "before", "after", "input+before", "input+after", "before+after",
          "input+before+after"]  # fmt: skip
OPTIONS = [f"momentum=0.{i}" for i in range(8)]
EVERY = [*PLACES, *(f"{place}:{option}" for place in PLACES[1:] for option in OPTIONS),
         *(f"none:drop_after=0.{i}" for i in range(1, 9)), *"abcdefgh"]  # fmt: skip
BACKGROUNDS = re.findall(
    r"--(?:paper|card): (#\w{6})",
    resources.files("normwise.report").joinpath("template.html").read_text(encoding="utf-8"),
)

# What a reader without green or red cones sees of linear RGB (Machado et al. 2009, severity 1).
SEEN = {
    "all": np.eye(3),
    "no green": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no red": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(color: str) -> np.ndarray:
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    """WCAG 2: of relative luminances."""
    dark, light = sorted(float(TO_XYZ[1] @ linear(color)) for color in (first, second))
    return (light + 0.05) / (dark + 0.05)


def lab(color: str, cones: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b*, white D65."""
    xyz = TO_XYZ @ np.clip(cones @ linear(color), 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(first: str, second: str) -> float:
    """The smallest that any of these readers sees; 2.3 is just noticeable."""
    return min(
        float(np.linalg.norm(lab(first, cones) - lab(second, cones))) for cones in SEEN.values()
    )


def test_black_on_white_has_the_largest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_placement_has_one_color_in_every_study() -> None:
    alone = {name: variant_colors([name])[name] for name in PLACES}
    shuffled = random.Random(0).sample(EVERY, len(EVERY))
    together = variant_colors(shuffled)
    assert list(together) == shuffled
    assert {name: together[name] for name in PLACES} == alone
    assert together == variant_colors(EVERY)


def test_eight_variants_of_each_placement_and_eight_other_names_differ() -> None:
    assert len(set(variant_colors(EVERY).values())) == len(EVERY) == 80


def test_more_than_these_still_have_a_color() -> None:
    names = [f"after:only={i}" for i in range(1, 30)]
    assert len(variant_colors(names)) == 29


def test_placements_are_told_apart_by_every_reader() -> None:
    colors = variant_colors(PLACES)
    pairs = itertools.combinations(PLACES, 2)
    assert min(distance(colors[a], colors[b]) for a, b in pairs) > 13


def test_shades_are_told_apart_by_every_reader() -> None:
    for place in PLACES[1:]:
        shades = variant_colors([place, *(f"{place}:{option}" for option in OPTIONS)]).values()
        assert min(itertools.starmap(distance, itertools.combinations(shades, 2))) > 6


def test_every_color_is_seen_on_both_backgrounds() -> None:
    used = {*variant_colors(EVERY).values(), *PART_COLORS.values(), *class_colors(8)}
    assert len(set(BACKGROUNDS)) == 4
    assert min(contrast(*pair) for pair in itertools.product(used, BACKGROUNDS)) >= 3


def marks(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("mark"), dict):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from marks(item)


def test_every_mark_is_seen_on_both_backgrounds(page: Page, lost: Study) -> None:
    """Bands excepted: what they hold stands at their edges, too."""
    charts = [*page.charts, *study_page(*lost, settings={}, preview=None).charts]
    for chart in charts:
        for one in marks(chart.spec(Style(legend=True, pointer=False))):
            if one["mark"]["type"] == "area":
                continue
            assert not {"opacity", "strokeOpacity", "fillOpacity"} & set(one["encoding"])
            assert {one["mark"].get(key, 1) for key in ("opacity", "fillOpacity")} == {1}
            color = one["mark"].get("color")
            assert color is None or min(contrast(color, paper) for paper in BACKGROUNDS) >= 3


@pytest.mark.parametrize(("theme", "paper"), [("light", "#ffffff"), ("dark", "#16181c")])
def test_text_is_read_on_its_background(theme: str, paper: str) -> None:
    config = _THEMES[theme]
    texts = [config["text"]["color"], config["title"]["color"], config["title"]["subtitleColor"],
             config["axis"]["labelColor"], config["legend"]["labelColor"]]  # fmt: skip
    assert min(contrast(text, paper) for text in texts) >= 7
