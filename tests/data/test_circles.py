"""The circles are those that scikit-learn makes."""

import numpy as np
from sklearn.datasets import make_circles

from normwise.data.circles import circles


def test_the_circles_are_scikit_learns():
    x, y = make_circles(n_samples=1000, noise=0.1, random_state=1)
    found = circles()
    ours = np.concatenate([found.x_train, found.x_val])
    np.testing.assert_array_equal(ours, x.astype("float32"))
    labels = np.concatenate([found.y_train, found.y_val])
    np.testing.assert_array_equal(labels[:, 0], y)
