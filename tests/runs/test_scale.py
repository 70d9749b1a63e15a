"""What a log counts, as epochs from 1."""

import numpy as np
import pytest

from normwise.runs.scale import scale_of


@pytest.mark.parametrize(
    ("places", "epochs"),
    [
        ([0, 1, 2], [1, 2, 3]),
        ([1, 2, 3], [1, 2, 3]),
        ([3, 4, 6], [3, 4, 6]),
        ([100, 200, 300], [1, 2, 3]),
        ([99, 199, 399], [1, 2, 4]),
        ([0, 100, 200], [1, 2, 3]),
        ([0.5, 1.0, 1.5], [1, 2, 3]),
        ([0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4]),
        ([117, 234, 351], [1, 2, 3]),
        ([7], [7]),
        ([0], [1]),
        # 391 batches, the last of each epoch, but for one that was logged early.
        ([390, 781, 1172, 1500, 1954], [1, 2, 3, 4, 5]),
    ],
    ids=str,
)
def test_places_become_epochs(places, epochs):
    values = np.array(places, float)
    assert scale_of(values).epochs(values).tolist() == epochs


def test_what_lies_between_counts_at_the_next():
    scale = scale_of(np.array([99.0, 199.0]))
    assert scale.epochs(np.array([0.0, 50.0, 99.0, 100.0, 250.0])).tolist() == [1, 1, 1, 2, 3]
