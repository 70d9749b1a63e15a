"""Networks for rules about what weights and statistics hold, and what data show of them."""

import keras
import numpy as np
from keras import layers
from rule_cases.common import (
    UNIT,
    X,
    begun,
    hidden,
    learnt_with_momentum_1,
    net,
    never_moved,
    norm,
    normal,
    of_momentum,
    of_population,
    relu,
    says,
    statistics,
    trained,
)


def apart():
    model = of_population(net(hidden(), norm(), layers.Dense(1)))
    layer = model.get_layer("norm")
    layer.moving_mean.assign(layer.moving_mean + 2 * keras.ops.sqrt(layer.moving_variance))
    return model


def dead():
    model = normal()
    gamma = np.ones(8)
    gamma[[2, 5]] = 1e-7
    statistics(model.get_layer("norm"), gamma=gamma)
    return model


def dying():
    """A channel whose ReLU lets nothing through, and moving statistics that lag far behind."""
    model = net(hidden(use_bias=True, activation="relu"), norm(), layers.Dense(1))
    model.get_layer("a").bias.assign([9, 9, 9, -99, 9, 9, 9, 9])
    return model


def underflow():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    variance = np.ones(8)
    variance[3] = 1e-3 / 3
    statistics(model.get_layer("norm"), variance=variance)
    return model


def near_epsilon():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    statistics(model.get_layer("norm"), variance=[1, 1.504e-3, 1, 1, 1, 1, 1, 1])
    return model


def of_small_inputs():
    return net(norm(), layers.Dense(1))


def under_epsilon():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    statistics(model.get_layer("norm"), variance=1e-9)
    return model


def burst():
    model = normal()
    kernel = np.ones((4, 8))
    kernel[1, 1] = np.nan
    model.get_layer("a").kernel.assign(kernel)
    return model


def below_zero():
    model = normal()
    variance = np.ones(8)
    variance[6] = -0.5
    statistics(model.get_layer("norm"), variance=variance)
    return model


def frozen_and_apart():
    model = apart()
    model.trainable = False
    return model


def unmoved():
    """Its inputs are the data themselves."""
    return net(norm(epsilon=1e-9), layers.Dense(1))


def dead_in_five():
    model = normal()
    statistics(model.get_layer("norm"), gamma=[0, 0, 1, 0, 1, 0, 1, 0])
    return model


def dead_as_a_whole():
    """Behind a branch that begins as nothing, which is none of it."""
    zero = norm("zero", gamma_initializer="zeros")
    model = of_population(net(hidden(), zero, hidden("b"), norm(), layers.Dense(1)))
    statistics(model.get_layer("norm"), gamma=0)
    return model


def dead_where_a_branch_began_as_nothing():
    model = of_population(beginning_as_nothing())
    statistics(model.get_layer("norm"), gamma=[1, 1, 1, 0, 1, 1, 1, 1])
    return model


def burst_inside():
    """In a layer inside another, the bias as well."""
    inside = layers.Dense(3, name="a")
    model = net(layers.TimeDistributed(inside), norm(), layers.LSTM(2), shape=(5, 2))
    inside.set_weights([np.full((2, 3), np.inf), np.full(3, np.nan)])
    return model


def below_zero_by_rounding():
    model = normal()
    variance = np.ones(8)
    variance[[1, 6]] = -1e-8
    statistics(model.get_layer("norm"), variance=variance)
    return model


GOLDEN = {
    "moving-statistics-gap": [
        says(apart, "norm", "on this data its inputs have means 2 deviations from the moving ones and variances that differ by a factor of 1 (medians over channels)",
             "population statistics (normwise recalibrate), if these data are prepared as in training", safe=True, data=X),
        says(unmoved, "norm", "on this data its inputs have means 7 deviations from the moving ones and variances that differ by a factor of 4 (medians over channels); its moving statistics are exactly 0 and 1: they never moved: trained without training=True?",
             "if training normalised by batches and its statistics were lost: population statistics (normwise recalibrate, which compares the losses); if not, the weights have learnt with 0 and 1: keep them, or train again with training=True, as fit does", safe=True, data=14 + 2 * UNIT),
    ],
    "dead-channels": [
        says(dying, "norm", "a constant output, β, in 1 of 8 channels (3): γ is near 0, or the input never changes",
             "a smaller model has the same predictions: remove these channels; if they should live, train with a lower learning rate, or normalise before the activation", data=X),
        says(dead, "norm", "a constant output, β, in 2 of 8 channels (2, 5): γ is near 0, or the input never changes",
             "a smaller model has the same predictions: remove these channels; if they should live, train with a lower learning rate, or normalise before the activation"),
        says(dead_in_five, "norm", "a constant output, β, in 5 of 8 channels (0, 1, 3, 5, 7): γ is near 0, or the input never changes",
             "a smaller model has the same predictions: remove these channels; if they should live, train with a lower learning rate, or normalise before the activation"),
        says(dead_as_a_whole, "norm", "a constant output, β, in 8 of 8 channels (0, 1, 2, 3, 4, …): γ is near 0, or the input never changes",
             "a smaller model has the same predictions: remove these channels; if they should live, train with a lower learning rate, or normalise before the activation"),
        says(dead_where_a_branch_began_as_nothing, "norm", "a constant output, β, in 1 of 8 channels (3): γ is near 0, or the input never changes",
             "a smaller model has the same predictions: remove these channels; if they should live, train with a lower learning rate, or normalise before the activation"),
    ],
    "variance-underflow": [
        # √(1/3 / (1/3 + 1)) = 0.5
        # √(1e-9 / (1e-9 + 1e-3)) = 0.001
        says(under_epsilon, "norm", "a variance near or under ε = 0.001 in 8 of 8 channels (0, 1, 2, 3, 4, …), down to 1e-09: what they give has a deviation of 0.001·γ instead of γ",
             "a smaller epsilon, such as 1e-11, and train again; or inputs of larger scale"),
        says(underflow, "norm", "a variance near or under ε = 0.001 in 1 of 8 channels (3), down to 0.00033: what they give has a deviation of 0.5·γ instead of γ",
             "a smaller epsilon, such as 3e-06, and train again; or inputs of larger scale"),
        # √(1.504 / 2.504) = 0.775
        says(near_epsilon, "norm", "a variance near or under ε = 0.001 in 1 of 8 channels (1), down to 0.0015: what they give has a deviation of 0.78·γ instead of γ",
             "a smaller epsilon, such as 2e-05, and train again; or inputs of larger scale"),
        # √(1 / (1 + 1)) = 0.707
        says(of_small_inputs, "norm", "a variance near or under ε = 0.001 in 4 of 4 channels (0, 1, 2, 3), down to 0.001: what they give has a deviation of 0.71·γ instead of γ",
             "a smaller epsilon, such as 1e-05, and train again; or inputs of larger scale", data=UNIT * 1e-3**0.5),
    ],
    "not-finite": [
        says(burst, "a", "NaN or infinite values in kernel, so in predictions, too",
             "an earlier checkpoint, or train again with a lower learning rate"),
        says(below_zero, "norm", "a moving variance below 0 in 1 of 8 channels (6), down to -0.5: NaN in inference where it is below -ε",
             "population statistics (normwise recalibrate), or an earlier checkpoint: this is no rounding of 0"),
        says(burst_inside, "a", "NaN or infinite values in kernel, bias, so in predictions, too",
             "an earlier checkpoint, or train again with a lower learning rate"),
        says(below_zero_by_rounding, "norm", "a moving variance below 0 in 2 of 8 channels (1, 6), down to -1e-08: NaN in inference where it is below -ε",
             "variances of 0 there, or population statistics", safe=True),
    ],
    "unmoved-statistics": [
        says(never_moved, "norm", "its moving statistics are exactly 0 and 1: they never moved: trained without training=True?",
             "if training normalised by batches and its statistics were lost: population statistics (normwise recalibrate, which compares the losses); if not, the weights have learnt with 0 and 1: keep them, or train again with training=True, as fit does"),
        says(never_moved, "norm", "its moving statistics are exactly 0 and 1: they never moved: trained without training=True?",
             "if training normalised by batches and its statistics were lost: population statistics (normwise recalibrate, which compares the losses); if not, the weights have learnt with 0 and 1: keep them, or train again with training=True, as fit does", steps=60),
    ],
}  # fmt: skip


def stale_and_wide():
    """Variances of 1e-4 beside moving ones of 1: what would look dead in inference."""
    return trained(net(hidden(), norm(epsilon=1e-7), relu(), layers.Dense(1)))


def trained_and_moved():
    model = normal()
    statistics(model.get_layer("norm"), beta=0.1)
    return model


def beginning_as_nothing():
    return net(hidden(), norm(gamma_initializer="zeros"), relu(), layers.Dense(1))


def small_but_alive():
    model = normal()
    statistics(model.get_layer("norm"), gamma=0.05)
    return model


def wide_epsilon():
    """In a channel of ε its variance: both count."""
    return of_population(net(norm(epsilon=1.0), layers.Dense(1)))


def dead_and_of_little_variance():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    few = np.array([1, 1, 1, 0, 1, 1, 1, 1])
    statistics(model.get_layer("norm"), gamma=few, variance=few + 1e-4)
    return model


def at_twice_epsilon():
    model = net(hidden(), norm(epsilon=2.0**-10), relu(), layers.Dense(1))
    statistics(model.get_layer("norm"), variance=2.0**-9)
    return model


INNOCENT = {
    "moving-statistics-gap": [(normal, {"data": X}), (normal, {"data": X[:40]}), (apart, {}), (frozen_and_apart, {"data": X}), (wide_epsilon, {"data": X})],
    "dead-channels": [
        (normal, {}), (beginning_as_nothing, {}), (small_but_alive, {}), (stale_and_wide, {"data": X / 100}),
        (stale_and_wide, {}), (under_epsilon, {}),
    ],
    "variance-underflow": [(normal, {}), (dead, {}), (begun, {}),
        (dead_and_of_little_variance, {}), (at_twice_epsilon, {}),
    ],
    "not-finite": [(normal, {})],
    "unmoved-statistics": [(begun, {}), (begun, {"steps": 100}), (trained_and_moved, {}), (of_momentum(1.0), {}), (learnt_with_momentum_1, {})],
}  # fmt: skip
