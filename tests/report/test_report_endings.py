"""What the report says of how variants end."""

from __future__ import annotations

import dataclasses
import math

import pytest

from normwise.domain import Ending, Estimate, Target
from normwise.report.results import StudyResults
from normwise.report.sections import endings


@pytest.mark.parametrize(
    ("target", "difference", "said"),
    [
        ("val_accuracy>=0.8", Estimate(math.inf, 0.1, math.inf), "baseline diverged +0.100"),
        ("val_accuracy>=0.8", Estimate(-math.inf, -math.inf, -0.1), "diverged -0.100"),
        # Of a loss less is better, so that what diverged lies above all others.
        ("val_loss<=0.8", Estimate(math.inf, 0.1, math.inf), "diverged +0.100"),
        ("val_loss<=0.8", Estimate(-math.inf, -math.inf, -0.1), "baseline diverged -0.100"),
    ],
)
def test_an_infinite_difference_says_who_diverged(
    results: StudyResults, target: str, difference: Estimate, said: str
) -> None:
    first = dataclasses.replace(
        results.summary.comparisons[0], ending=Ending("open", difference, 0.01)
    )
    summary = dataclasses.replace(
        results.summary, target=Target.parse(target), comparisons=(first,)
    )
    section = endings.build(dataclasses.replace(results, summary=summary))
    assert section is not None
    assert f" {first.variant} {said} or " in section.in_words[0]
    assert section.table is not None
    assert said.startswith(section.table.rows[0][1].text)
