"""Networks whose every weight and statistic says something."""

from __future__ import annotations

import numpy as np


def disturbed(model):
    """The model with weights and statistics at random, the same each time.

    An identity could pass any test of what must leave predictions as they are.
    """
    draw = np.random.default_rng(5)
    for variable in model.variables:
        low = 0.3 if "variance" in variable.name or "gamma" in variable.name else -0.7
        if "seed" not in variable.name:
            variable.assign(draw.uniform(low, 1.5, variable.shape))
    return model
