"""Optimisers made anew with another rate, and those that cannot be."""

import keras
import pytest

from normwise.errors import ModelError
from normwise.models.optimizers import clone_optimizer

# Keras reads a scaled optimiser's rate so.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize(("given", "rate"), [(None, 0.25), (0.5, 0.5)])
@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "loss scale"])
def test_a_rate_that_is_given_stands_in_place_of_the_optimisers_own(given, rate, scaled):
    plain = keras.optimizers.Adam(0.25, beta_1=0.8)
    new = clone_optimizer(keras.optimizers.LossScaleOptimizer(plain) if scaled else plain, given)
    inner = new.inner_optimizer if scaled else new
    assert inner is not plain
    assert (float(inner.learning_rate), inner.beta_1) == (rate, 0.8)


class Secretive(keras.optimizers.SGD):
    """One whose configuration lacks its argument."""

    def __init__(self, size, **options):
        super().__init__(**options)
        self.size = size


def test_one_whose_configuration_lacks_an_argument_is_named():
    with pytest.raises(ModelError) as caught:
        clone_optimizer(Secretive(3))
    said = str(caught.value)
    assert said.startswith(
        "optimiser Secretive cannot be made anew from its configuration (Secretive.__init__()"
    )
    assert "missing 1 required positional argument: 'size'); expected get_config()" in said
    assert said.endswith("try one of keras.optimizers")
