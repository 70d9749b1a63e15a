"""What the report says of replicas that did not arrive."""

from __future__ import annotations

import dataclasses
import math

import pytest

from normwise.domain import Estimate
from normwise.report.results import StudyResults
from normwise.report.sections import never


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (Estimate(2.0, 1.5, 2.5), "; among those that did, a ratio of 2 (1.5 to 2.5)."),
        (Estimate(2.0, 1.5, math.inf), " a ratio of 2 (1.5 and up)."),
        (Estimate(2.0, 0.0, math.inf), " a ratio of 2 (no bounds yet)."),
        (Estimate(math.nan, 0.0, math.inf), " points (-10 to +30)."),
        (None, " points (-10 to +30)."),
    ],
)
def test_the_ratio_of_those_that_arrive(
    results: StudyResults, ratio: Estimate | None, said: str
) -> None:
    more = Estimate(0.1, -0.1, 0.3)
    first = dataclasses.replace(
        results.summary.comparisons[0], never_difference=more, learners_ratio=ratio
    )
    summary = dataclasses.replace(results.summary, comparisons=(first,))
    section = never.build(dataclasses.replace(results, summary=summary))
    assert section is not None
    assert section.text[0].endswith(said)
