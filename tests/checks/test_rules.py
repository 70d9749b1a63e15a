"""Each rule: what it says of a model it is made for, word by word, and models it must not name."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.checks import RULES

pytestmark = pytest.mark.usefixtures("initial_values_from_numpy")

DRAW = np.random.default_rng(5)
X = DRAW.normal(size=(512, 4)).astype("float32")
# Of mean 0 and deviation 1 in each column.
UNIT = (X - X.mean(axis=0)) / X.std(axis=0)


def net(*stack, shape=(4,)):
    return keras.Sequential([keras.Input(shape), *stack])


def norm(name="norm", **settings):
    return layers.BatchNormalization(name=name, **settings)


def relu():
    return layers.ReLU()


def hidden(name="a", **settings):
    return layers.Dense(8, name=name, **{"use_bias": False, **settings})


def statistics(layer, mean=None, variance=None, gamma=None, beta=None):
    """Give a layer other values, ``None`` for as they are."""
    given = {"moving_mean": mean, "moving_variance": variance, "gamma": gamma, "beta": beta}
    for name, value in given.items():
        if value is not None:
            getattr(layer, name).assign(np.broadcast_to(value, layer.moving_mean.shape))


def trained(model, optimizer="sgd", steps=5):
    """Compiled, with so many steps on its optimiser's clock."""
    model.compile(optimizer, "mse")
    model.optimizer.build(model.trainable_variables)
    model.optimizer._iterations.assign(steps)
    return model


def of_population(model):
    return nw.recalibrate(model, X)


# --- what each rule must name


def biased():
    return net(hidden(use_bias=True), norm(), relu(), layers.Dense(1))


def biased_before_pooling():
    return net(
        layers.Conv2D(3, 3, name="conv"), layers.MaxPooling2D(), norm(), relu(), layers.Flatten(), layers.Dense(1),
        shape=(8, 8, 1),
    )  # fmt: skip


def dropped():
    return net(
        layers.Dropout(0.2, name="drop"), hidden(), relu(), hidden("b"), norm(), layers.Dense(1)
    )


def lagging():
    return trained(net(hidden(), norm(momentum=0.9), layers.Dense(1)))


def replaced():
    """Variances below what would be left of the 1 that they would have begun with."""
    model = lagging()
    statistics(model.get_layer("norm"), variance=[0.5, 2, 2, 2, 2, 2, 2, 2])
    return model


def of_population_in_the_meantime():
    model = trained(net(hidden(kernel_initializer="ones"), norm(momentum=0.9), layers.Dense(1)))
    return of_population(model)


def begun():
    return net(hidden(), norm(), layers.Dense(1))


def apart():
    model = of_population(net(hidden(), norm(), layers.Dense(1)))
    layer = model.get_layer("norm")
    layer.moving_mean.assign(layer.moving_mean + 2 * keras.ops.sqrt(layer.moving_variance))
    return model


def normal():
    return of_population(net(hidden(), norm(), relu(), layers.Dense(1)))


def behind_the_output():
    return net(
        hidden(),
        relu(),
        layers.Dense(1, use_bias=False, name="out"),
        norm(),
        layers.Activation("sigmoid"),
    )


def step_by_step():
    return net(
        layers.LSTM(3, return_sequences=True),
        layers.TimeDistributed(norm("inner"), name="td"),
        layers.LSTM(2),
        shape=(5, 2),
    )


def time_for_channels():
    return net(
        layers.Conv1D(3, 2, use_bias=False, name="conv"),
        norm(axis=1),
        relu(),
        layers.Flatten(),
        layers.Dense(1),
        shape=(9, 2),
    )


def frozen_in_front():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.get_layer("a").trainable = False
    return model


def frozen_behind():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.get_layer("norm").trainable = False
    return model


def frozen_weights():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.get_layer("norm").gamma.trainable = model.get_layer("norm").beta.trainable = False
    return model


def whole_by_steps():
    """A convolutional network in TimeDistributed."""
    frame = net(layers.Conv2D(2, 3, use_bias=False), norm(), layers.Flatten(), shape=(6, 6, 1))
    return net(layers.TimeDistributed(frame, name="td"), layers.LSTM(2), shape=(3, 6, 6, 1))


def axis_behind_a_sum():
    x = keras.Input((8, 8, 2))
    y = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    z = layers.Conv2D(4, 1)(x)
    return keras.Model(x, norm(axis=1)(layers.ReLU()(layers.Add()([y, z]))))


def axis_behind_a_plain_sum():
    x = keras.Input((9, 4))
    return keras.Model(x, norm(axis=1)(layers.Conv1D(4, 3, padding="same", name="conv")(x) + x))


def axis_behind_what_keeps_axes():
    conv = layers.Conv1D(3, 2, use_bias=False, name="conv")
    between = layers.MaxPooling1D(), layers.LayerNormalization(), layers.Identity()
    return net(conv, *between, norm(axis=1), shape=(9, 2))


def axis_in_front():
    return net(norm(axis=1), layers.ReLU(), layers.Conv2D(4, 3, name="conv"), shape=(8, 8, 3))


def axis_in_front_of_channels_first():
    return net(norm(), layers.Conv1D(4, 3, data_format="channels_first", name="conv"), shape=(3, 8))


def frozen_after_compiling():
    model = trained(net(hidden(), norm(), relu(), layers.Dense(1)))
    model.layers[-1].trainable = False
    return model


def compiled_in_half():
    """With an optimiser inside the one that scales the loss."""
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    return trained(net(hidden(), norm(), relu(), layers.Dense(1)), scaled)


def frozen_after_compiling_in_half():
    model = compiled_in_half()
    model.layers[-1].trainable = False
    return model


def unfrozen_after_compiling():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.layers[-1].trainable = False
    model = trained(model)
    model.layers[-1].trainable = True
    return model


def of_momentum(momentum):
    return lambda: net(hidden(), norm(momentum=momentum), relu(), layers.Dense(1))


def behind_a_frozen_norm():
    frozen = norm("frozen", momentum=0.1, trainable=False)
    return net(hidden(), frozen, hidden("b"), norm(momentum=0.1), layers.Dense(1))


def never_moved():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    statistics(model.get_layer("norm"), beta=0.1)
    return model


def siamese():
    left, right = keras.Input((4,)), keras.Input((4,))
    tower = net(hidden(), norm(), relu())
    return keras.Model([left, right], layers.Subtract()([tower(left), tower(right)]))


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


def misled():
    """Variances of 1e-8 behind a layer whose statistics are still 0 and 1: its symptom alone."""
    model = trained(net(hidden(), norm(), hidden("b"), norm("second"), layers.Dense(1)))
    model.get_layer("a").kernel.assign(model.get_layer("a").kernel * 1e-4)
    return model


def misled_by_a_constant():
    model = misled()
    model.get_layer("a").kernel.assign(np.zeros((4, 8)))
    statistics(model.get_layer("norm"), mean=1.0)
    return model


def of_small_inputs():
    return net(norm(), layers.Dense(1))


def under_epsilon():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    statistics(model.get_layer("norm"), variance=1e-9)
    return model


def shrunk():
    return net(hidden(), norm(gamma_regularizer="l2"), relu(), layers.Dense(1))


def shrunk_offset():
    return net(hidden(), norm(beta_regularizer="l2"), relu(), layers.Dense(1))


def shrunk_in_all():
    both = norm(gamma_regularizer="l1", beta_regularizer="l2")
    return net(hidden(), both, relu(), layers.Dense(1))


def decayed():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.compile(keras.optimizers.AdamW(weight_decay=0.004), "mse")
    return model


def twice():
    return net(hidden(), norm("first"), norm("second"), relu(), layers.Dense(1))


def saturated():
    return net(hidden(activation="tanh"), norm(), layers.Dense(1))


def saturated_by_an_operation():
    x = keras.Input((4,))
    y = norm()(keras.ops.sigmoid(hidden()(x)))
    return keras.Model(x, layers.Dense(1)(y))


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


def leaking():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(norm()(hidden()(x), training=True)))


def leaking_twice():
    """By its call, and by a mean over the batch: to be looked for once the first is mended."""
    x = keras.Input((4,))
    y = norm()(hidden()(x), training=True)
    return keras.Model(x, y - keras.ops.mean(y, axis=0, keepdims=True))


def called_for_inference():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(norm()(hidden()(x), training=False)))


def frozen_and_apart():
    model = apart()
    model.trainable = False
    return model


def centred_over_the_batch():
    x = keras.Input((4,))
    y = norm()(hidden()(x))
    return of_population(keras.Model(x, y - keras.ops.mean(y, axis=0, keepdims=True)))


def unmoved():
    """Its inputs are the data themselves."""
    return net(norm(epsilon=1e-9), layers.Dense(1))


def biased_before_what_does_nothing():
    nothing = layers.Activation("linear"), layers.Identity()
    return net(hidden(use_bias=True), *nothing, norm(), relu(), layers.Dense(1))


def biased_with_channels_first():
    return net(
        layers.Conv1D(3, 2, data_format="channels_first", name="conv"), norm(axis=1), shape=(2, 9)
    )


def biased_further_on():
    """Behind a normalisation that is frozen, and one with nothing to find in front of it."""
    frozen, plain = norm("frozen", trainable=False), norm("plain")
    return net(
        hidden(use_bias=True), frozen, hidden("b"), plain, hidden("c", use_bias=True), norm(), layers.Dense(1)
    )  # fmt: skip


def biased_and_regularised():
    return net(hidden(use_bias=True, bias_regularizer="l2"), norm(), relu(), layers.Dense(1))


def biased_and_wrapped():
    wrapped = layers.TimeDistributed(layers.Dense(8), name="a")
    return net(wrapped, norm(), layers.LSTM(2), shape=(5, 2))


def dropped_before_two():
    x = keras.Input((4,))
    y = layers.Dropout(0.2, name="drop")(x)
    left, right = (norm(f"norm{i}")(hidden(f"a{i}")(y)) for i in (1, 2))
    return keras.Model(x, layers.Add()([left, right]))


def stale_behind_one_that_never_averages():
    model = trained(
        net(norm("first", momentum=-0.1), hidden(), norm(momentum=0.9), layers.Dense(1))
    )
    statistics(model.get_layer("norm"), variance=2)
    return model


def learnt_with_momentum_1():
    model = trained(of_momentum(1.0)())
    statistics(model.get_layer("norm"), beta=0.1)
    return model


def behind_the_output_and_reshaped():
    out = layers.Dense(4, use_bias=False, name="out")
    return net(hidden(), relu(), out, norm(), layers.Reshape((2, 2)), layers.Identity())


def behind_the_output_and_its_activation():
    out = layers.Dense(1, use_bias=False, name="out")
    return net(hidden(), relu(), out, layers.Activation("tanh"), layers.Identity(), norm())


def behind_the_output_of_a_model_inside():
    return net(layers.Dense(4), behind_the_output())


def behind_one_of_two_outputs():
    x = keras.Input((4,))
    return keras.Model(x, [layers.Activation("sigmoid")(x), norm()(layers.Dense(1, name="out")(x))])


def axis_behind_a_recurrent_layer():
    return net(layers.LSTM(3, return_sequences=True, name="lstm"), norm(axis=1), shape=(5, 2))


def axis_behind_shortcuts():
    """A shortcut past a sum that has taken the same shortcut."""
    x = keras.Input((9, 4))
    y = layers.ReLU()(layers.Conv1D(4, 3, padding="same", name="conv")(x))
    return keras.Model(x, norm(axis=1)(layers.Add()([x, layers.Add()([x, y])])))


def axis_of_the_examples():
    x = keras.Input(batch_shape=(6, 4))
    return keras.Model(x, layers.Dense(1)(norm(axis=0)(hidden()(x))))


def frozen_in_front_of_what_has_no_weights():
    between = relu(), layers.Dropout(0.1), layers.Identity()
    model = net(hidden(), *between, norm(), layers.Dense(1))
    model.get_layer("a").trainable = False
    return model


def frozen_further_on():
    model = net(hidden("b"), norm("first"), relu(), hidden(), norm(), layers.Dense(1))
    model.get_layer("a").trainable = False
    return model


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


def saturated_behind_what_has_no_weights():
    between = [layers.Dropout(0.1), layers.Identity(), layers.Activation("tanh", name="tanh")]
    return net(hidden(), *between, layers.Dropout(0.1), layers.Identity(), norm(), layers.Dense(1))


def saturated_further_on():
    """Behind a normalisation that nothing saturates, and one that keeps its inputs in range."""
    first = [hidden("b"), norm("first"), layers.Activation("tanh"), norm("second")]
    return net(*first, hidden(activation="tanh"), norm(), layers.Dense(1))


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


def says(build, layer, message, fix, *, safe=False, **given):
    """What the check says of a model, given more than the model or not."""
    return build, given, (layer, message, fix, safe)


GOLDEN = {
    "redundant-bias": [
        says(biased, "a", "its bias is cancelled by 'norm', which subtracts each channel's mean: 8 weights that never learn",
             "use_bias=False", safe=True),
        says(biased_before_pooling, "conv", "its bias is cancelled by 'norm', which subtracts each channel's mean: 3 weights that never learn",
             "use_bias=False", safe=True),
        says(biased_before_what_does_nothing, "a", "its bias is cancelled by 'norm', which subtracts each channel's mean: 8 weights that never learn",
             "use_bias=False", safe=True),
        says(biased_with_channels_first, "conv", "its bias is cancelled by 'norm', which subtracts each channel's mean: 3 weights that never learn",
             "use_bias=False", safe=True),
        says(biased_further_on, "c", "its bias is cancelled by 'norm', which subtracts each channel's mean: 8 weights that never learn",
             "use_bias=False", safe=True),
        says(biased_and_regularised, "a", "its bias is cancelled by 'norm', which subtracts each channel's mean: 8 weights that never learn",
             "use_bias=False"),
        says(biased_and_wrapped, "a", "its bias is cancelled by 'norm', which subtracts each channel's mean: 8 weights that never learn",
             "use_bias=False"),
    ],
    "dropout-before-norm": [
        says(dropped, "drop", "multiplies the mean square of values on their way to 'norm' by 1.25, in training only; the moving statistics record it, and inference lacks it",
             "move it behind the last batch normalisation, or set its rate to 0"),
        says(dropped_before_two, "drop", "multiplies the mean square of values on their way to 'norm1' by 1.25, in training only; the moving statistics record it, and inference lacks it",
             "move it behind the last batch normalisation, or set its rate to 0"),
    ],
    "stale-statistics": [
        # 0.9**5 = 0.590; 0.9**22 = 0.098 is the first below a tenth.
        says(lagging, "norm", "after 5 steps at momentum 0.9, 59% of what its moving statistics began with is left in them; 22 steps would leave 10%",
             "population statistics (normwise recalibrate)"),
        says(begun, "norm", "after 100 steps at momentum 0.99, 37% of what its moving statistics began with is left in them; 230 steps would leave 10%",
             "population statistics (normwise recalibrate)", steps=100),
        says(lagging, "norm", "after 1 step at momentum 0.9, 90% of what its moving statistics began with is left in them; 22 steps would leave 10%",
             "population statistics (normwise recalibrate)", safe=True, steps=1, data=5 + X),
        says(stale_behind_one_that_never_averages, "norm", "after 5 steps at momentum 0.9, 59% of what its moving statistics began with is left in them; 22 steps would leave 10%",
             "population statistics (normwise recalibrate)"),
        says(learnt_with_momentum_1, "norm", "after 5 steps at momentum 1, 100% of what its moving statistics began with is left in them; no number of steps would change that",
             "population statistics (normwise recalibrate)"),
    ],
    "moving-statistics-gap": [
        says(apart, "norm", "on this data its inputs have means 2 deviations from the moving ones and variances that differ by a factor of 1 (medians over channels)",
             "population statistics (normwise recalibrate), if these data are prepared as in training", safe=True, data=X),
        says(unmoved, "norm", "on this data its inputs have means 7 deviations from the moving ones and variances that differ by a factor of 4 (medians over channels); its moving statistics are exactly 0 and 1: they never moved: trained without training=True?",
             "if training normalised by batches and its statistics were lost: population statistics (normwise recalibrate, which compares the losses); if not, the weights have learnt with 0 and 1: keep them, or train again with training=True, as fit does", safe=True, data=14 + 2 * UNIT),
    ],
    "tiny-batch": [
        says(normal, None, "1 batch normalisation with batches of 4 examples: a mean is off by about 0.50 deviations of it",
             "larger batches; or freeze the normalisation (trainable=False), or use group normalisation", batch_size=4),
        says(normal, "norm", "the last batch of 129 examples has 1: 1 value a channel to take a mean and a variance of, so every output is its β",
             "another batch size, or drop the last 1", data=X[:129]),
        says(normal, "norm", "the last batch of 129 examples has 1: 1 value a channel to take a mean and a variance of, so every output is its β",
             "another batch size, or drop the last 1", data=X[:129], batch_size=8),
        says(normal, "norm", "the last batch of 135 examples has 7: 7 values a channel to take a mean and a variance of",
             "another batch size, or drop the last 7", data=X[:135]),
        says(normal, "norm", "the last batch of 300 examples has 3: 3 values a channel to take a mean and a variance of",
             "another batch size, or drop the last 3", data=X[:300], batch_size=33),
    ],
    "norm-after-output": [
        says(behind_the_output, "norm", "standardises what 'out' predicts, and nothing learns behind it: in training the mean and spread of a batch's predictions are β and γ, whatever the inputs",
             "remove 'norm', or put it in front of 'out'"),
        says(behind_the_output_and_reshaped, "norm", "standardises what 'out' predicts, and nothing learns behind it: in training the mean and spread of a batch's predictions are β and γ, whatever the inputs",
             "remove 'norm', or put it in front of 'out'"),
        says(behind_the_output_and_its_activation, "norm", "standardises what 'out' predicts, and nothing learns behind it: in training the mean and spread of a batch's predictions are β and γ, whatever the inputs",
             "remove 'norm', or put it in front of 'out'"),
        says(behind_the_output_of_a_model_inside, "norm", "standardises what 'out' predicts, and nothing learns behind it: in training the mean and spread of a batch's predictions are β and γ, whatever the inputs",
             "remove 'norm', or put it in front of 'out'"),
        says(behind_one_of_two_outputs, "norm", "standardises what 'out' predicts, and nothing learns behind it: in training the mean and spread of a batch's predictions are β and γ, whatever the inputs",
             "remove 'norm', or put it in front of 'out'"),
    ],
    "time-distributed-norm": [
        says(whole_by_steps, "td", "each time step is normalised by its own statistics in training, and by those of all steps in inference",
             "call 'sequential' on all steps at once: reshape to (examples·steps, …) in front of it and back behind it; or freeze its normalisation (nw.freeze)"),
        says(step_by_step, "td", "each time step is normalised by its own statistics in training, and by those of all steps in inference",
             "call 'inner' on the whole sequence, without TimeDistributed", safe=True),
    ],
    "wrong-axis": [
        says(time_for_channels, "norm", "normalises axis 1 of (None, 8, 3), while the channels of 'conv' are axis 2",
             "axis=-1 in 'norm', and train again"),
        says(axis_behind_a_sum, "norm", "normalises axis 1 of (None, 8, 8, 4), while the channels of 'conv' are axis 3",
             "axis=-1 in 'norm', and train again"),
        says(axis_behind_a_plain_sum, "norm", "normalises axis 1 of (None, 9, 4), while the channels of 'conv' are axis 2",
             "axis=-1 in 'norm', and train again"),
        says(axis_in_front, "norm", "normalises axis 1 of (None, 8, 8, 3), while the channels of 'conv' are axis 3",
             "axis=-1 in 'norm', and train again"),
        says(axis_in_front_of_channels_first, "norm", "normalises axis 2 of (None, 3, 8), while the channels of 'conv' are axis 1",
             "axis=1 in 'norm', and train again"),
        says(axis_behind_a_recurrent_layer, "norm", "normalises axis 1 of (None, 5, 3), while the channels of 'lstm' are axis 2",
             "axis=-1 in 'norm', and train again"),
        says(axis_behind_shortcuts, "norm", "normalises axis 1 of (None, 9, 4), while the channels of 'conv' are axis 2",
             "axis=-1 in 'norm', and train again"),
        says(axis_of_the_examples, "norm", "normalises axis 0 of (6, 8), while the channels of 'a' are axis 1",
             "axis=-1 in 'norm', and train again"),
        says(axis_behind_what_keeps_axes, "norm", "normalises axis 1 of (None, 4, 3), while the channels of 'conv' are axis 2",
             "axis=-1 in 'norm', and train again"),
    ],
    "frozen-norm": [
        says(frozen_in_front, "norm", "its statistics and weights train while 'a', whose values it takes, is frozen: the frozen part gives other values after every step",
             "norm.trainable = False as well (nw.freeze does it); compile again"),
        says(frozen_behind, "norm", "its statistics stay while 'a', whose values it takes, trains: they will belong to other weights",
             "freeze both or none; or recalibrate after training"),
        says(frozen_weights, "norm", "its γ and β are frozen, but its statistics move with every training batch",
             "norm.trainable = False freezes both; compile again"),
        says(called_for_inference, "norm", "is called with training=False, which fit overrides: statistics move all the same (1 batch normalisation)",
             "norm.trainable = False, or nw.freeze; compile again"),
        # kernel, γ and β, kernel and bias
        says(frozen_after_compiling, None, "was frozen or unfrozen after it was compiled: its optimiser knows 5 weights, while 3 train now; Keras' next fit fails, or trains as before",
             "model.compile(...) again, after each change of trainable"),
        says(unfrozen_after_compiling, None, "was frozen or unfrozen after it was compiled: its optimiser knows 3 weights, while 5 train now; Keras' next fit fails, or trains as before",
             "model.compile(...) again, after each change of trainable"),
        says(frozen_in_front_of_what_has_no_weights, "norm", "its statistics and weights train while 'a', whose values it takes, is frozen: the frozen part gives other values after every step",
             "norm.trainable = False as well (nw.freeze does it); compile again"),
        says(frozen_further_on, "norm", "its statistics and weights train while 'a', whose values it takes, is frozen: the frozen part gives other values after every step",
             "norm.trainable = False as well (nw.freeze does it); compile again"),
        says(frozen_after_compiling_in_half, None, "was frozen or unfrozen after it was compiled: its optimiser knows 5 weights, while 3 train now; Keras' next fit fails, or trains as before",
             "model.compile(...) again, after each change of trainable"),
    ],
    "shared-norm": [
        says(siamese, "norm", "is called 2 times; in training each call normalises by its own batch, in inference all by one mean and variance of the mixture",
             "a batch normalisation of its own for each input"),
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
    "regularised-scale": [
        says(shrunk, "norm", "a regulariser of γ shrinks what the layer gives, and no weights that it could keep small",
             "no gamma_regularizer, unless γ is to be pruned"),
        says(decayed, None, "AdamW decays the weights by 0.004, γ and β of 1 batch normalisation (first 'norm') among them",
             'optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"]) before compiling'),
        says(shrunk_offset, "norm", "a regulariser of β shrinks what the layer gives, and no weights that it could keep small",
             "no beta_regularizer"),
        says(shrunk_in_all, "norm", "a regulariser of γ and β shrinks what the layer gives, and no weights that it could keep small",
             "no gamma_regularizer, unless γ is to be pruned; no beta_regularizer"),
    ],
    "repeated-norm": [
        says(twice, "second", "directly follows 'first', which has normalised already",
             "remove 'first'", safe=True),
    ],
    "saturating-before": [
        says(saturated, "a", "tanh saturates before 'norm' sees its values; nothing keeps its inputs in range",
             "normalise in front of 'a': normwise.place(model, 'before')"),
        says(saturated_by_an_operation, "sigmoid", "sigmoid saturates before 'norm' sees its values; nothing keeps its inputs in range",
             "normalise in front of 'sigmoid': normwise.place(model, 'before')"),
        says(saturated_behind_what_has_no_weights, "tanh", "tanh saturates before 'norm' sees its values; nothing keeps its inputs in range",
             "normalise in front of 'tanh': normwise.place(model, 'before')"),
        says(saturated_further_on, "a", "tanh saturates before 'norm' sees its values; nothing keeps its inputs in range",
             "normalise in front of 'a': normwise.place(model, 'before')"),
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
    "batch-leakage": [
        says(leaking, "norm", "is called with training=True, so model(x) normalises by the batch that an example happens to be in, and moves the statistics; fit and predict override it",
             "call 'norm' without training=True", data=X),
        says(leaking, "norm", "is called with training=True, so model(x) normalises by the batch that an example happens to be in, and moves the statistics; fit and predict override it",
             "call 'norm' without training=True"),
        says(leaking_twice, "norm", "is called with training=True, so model(x) normalises by the batch that an example happens to be in, and moves the statistics; fit and predict override it",
             "call 'norm' without training=True", data=X),
    ],
    "wrong-momentum": [
        says(of_momentum(0.1), "norm", "momentum 0.1 makes 90% of its moving statistics those of the last batch alone: in Keras it is the weight of the old ones, in PyTorch that of the new",
             "momentum=0.9, which is what 0.1 means in PyTorch"),
        says(of_momentum(0.0), "norm", "momentum 0 makes 100% of its moving statistics those of the last batch alone: in Keras it is the weight of the old ones, in PyTorch that of the new",
             "momentum=0.99; or trainable=False, if statistics are to stay, as 0 means in PyTorch"),
        says(of_momentum(1.0), "norm", "momentum 1 keeps its moving statistics as they began, while training normalises by the batch",
             "momentum=0.99, and train again; or trainable=False, which keeps them in training as well"),
        says(behind_a_frozen_norm, "norm", "momentum 0.1 makes 90% of its moving statistics those of the last batch alone: in Keras it is the weight of the old ones, in PyTorch that of the new",
             "momentum=0.9, which is what 0.1 means in PyTorch"),
        says(of_momentum(1.5), "norm", "momentum 1.5 is not between 0 and 1: its moving statistics move away from the data's, further with every batch",
             "momentum=0.99, and train again"),
        says(of_momentum(99), "norm", "momentum 99 is not between 0 and 1: its moving statistics move away from the data's, further with every batch",
             "momentum=0.99, and train again", steps=160),
        says(of_momentum(-0.1), "norm", "momentum -0.1 is not between 0 and 1: its moving statistics move away from the data's, further with every batch",
             "momentum=0.99, and train again", data=X, batch_size=64),
        says(of_momentum(0.1), "norm", "momentum 0.1 makes 90% of its moving statistics those of the last batch alone: in Keras it is the weight of the old ones, in PyTorch that of the new",
             "momentum=0.9, which is what 0.1 means in PyTorch", batch_size=512),
        says(of_momentum(0.1), "norm", "momentum 0.1 makes 90% of its moving statistics those of the last batch alone: in Keras it is the weight of the old ones, in PyTorch that of the new",
             "momentum=0.9, which is what 0.1 means in PyTorch", data=X),
    ],
    "unmoved-statistics": [
        says(never_moved, "norm", "its moving statistics are exactly 0 and 1: they never moved: trained without training=True?",
             "if training normalised by batches and its statistics were lost: population statistics (normwise recalibrate, which compares the losses); if not, the weights have learnt with 0 and 1: keep them, or train again with training=True, as fit does"),
        says(never_moved, "norm", "its moving statistics are exactly 0 and 1: they never moved: trained without training=True?",
             "if training normalised by batches and its statistics were lost: population statistics (normwise recalibrate, which compares the losses); if not, the weights have learnt with 0 and 1: keep them, or train again with training=True, as fit does", steps=60),
    ],
}  # fmt: skip
CASES = [(rule, *case) for rule, cases in GOLDEN.items() for case in cases]


@pytest.mark.parametrize(
    ("rule", "build", "given", "said"),
    CASES,
    ids=[f"{rule}-{build.__name__}-{'-'.join(given)}" for rule, build, given, _ in CASES],
)
def test_a_rule_says_what_it_finds(rule, build, given, said):
    keras.utils.clear_session()
    (found,) = nw.check(build(), select=[rule], **given)
    assert (found.layer, found.message, found.fix, found.safe) == said
    (known,) = (one for one in RULES if one.name == rule)
    assert (found.rule, found.code, found.severity) == (rule, known.code, known.severity)


def in_a_row(first=(), second=(), *, shape=(4,), again=False, used=False):
    """Two normalisations: the first called once more, or what it gives used once more."""
    x = keras.Input(shape)
    before = norm("first", **dict(first))
    y = before(layers.Dense(4)(x))
    z = layers.Dense(1)(norm("second", **dict(second))(y))
    others = ([before(x)] if again else []) + ([y] if used else [])
    beside = [layers.Dense(1)(other) for other in others]
    return keras.Model(x, [z, *beside])


@pytest.mark.parametrize(
    ("model", "safe"),
    [
        (in_a_row(), True),
        (in_a_row({"axis": 1}, {"axis": -1}), True),
        (in_a_row({"axis": 1}, {"axis": 2}, shape=(4, 4)), False),
        (in_a_row({"trainable": False}), False),
        (in_a_row({"gamma_regularizer": "l2"}), False),
        (in_a_row({}, {"beta_constraint": "non_neg"}), False),
        (in_a_row({}, {"scale": False}), False),
        (in_a_row({}, {"center": False}), False),
        (in_a_row({"scale": False, "center": False}), True),
        (in_a_row(again=True), False),
        (in_a_row(used=True), False),
    ],
)
def test_two_in_a_row_are_merged_only_where_one_gives_the_same(model, safe):
    (found,) = nw.check(model, select=["repeated-norm"])
    assert (found.layer, found.safe) == ("second", safe)


@pytest.mark.parametrize(
    ("momentum", "right"),
    [(0.1, "momentum=0.9, "), (0.25, "momentum=0.75, "), (0.0, "momentum=0.99; or trainable=F")],
)
def test_a_momentum_of_pytorch_is_said_in_that_of_keras(momentum, right):
    (found,) = nw.check(of_momentum(momentum)(), select=["wrong-momentum"])
    assert found.fix.startswith(right)


def test_leakage_is_measured_where_the_graph_does_not_show_it():
    assert nw.check(centred_over_the_batch(), select=["batch-leakage"]) == []
    (found,) = nw.check(centred_over_the_batch(), X, select=["batch-leakage"])
    assert found.layer.startswith("subtract")  # where the mean meets the examples
    assert "other neighbours in its batch change an example's prediction by" in found.message
    assert found.fix == (
        "no function of a whole batch in inference: means, maxima or a softmax over axis 0, "
        "or a normalisation that a layer calls with training=True"
    )
    (pair,) = nw.check(centred_over_the_batch(), X[:2], select=["batch-leakage"])
    assert pair.layer.startswith("subtract")
    assert nw.check(centred_over_the_batch(), X[:1], select=["batch-leakage"]) == []


def test_a_layer_that_asks_for_the_batch_in_its_own_code_is_found_by_its_predictions():
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(1)(Stuck()(x)))
    assert nw.check(model, select=["batch-leakage"]) == []
    (found,) = nw.check(model, X, select=["batch-leakage"])
    assert found.layer.startswith("batch_normalization")
    assert "a normalisation that a layer calls with training=True" in found.fix


def test_keras_overrides_what_the_graph_says_of_training():
    """What `batch-leakage` and `frozen-norm` say of fit, predict and a plain call."""
    model, others = leaking(), np.concatenate([X[:1], 3 + X[1:6]])
    assert model.predict(X[:6], verbose=0)[0] == pytest.approx(model.predict(others, verbose=0)[0])
    assert model(X[:6])[0] != pytest.approx(model(others)[0])
    model = called_for_inference()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=1, verbose=0)
    assert np.abs(model.get_layer("norm").moving_mean).max() > 0


def test_a_broken_model_is_looked_at_with_data_as_well():
    rules = {finding.rule for finding in nw.check(burst(), X)}
    assert rules == {"not-finite"}


def test_overflow_in_half_precision_is_named_where_it_first_arrives():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, kernel_initializer="ones", dtype="mixed_float16"),
            norm(),
            layers.Dense(2),
            layers.BatchNormalization(),
        ]
    )
    assert nw.check(model, np.full((9, 4), 1e4), select=["not-finite"]) == []
    (found,) = nw.check(model, np.full((9, 4), 2e4), select=["not-finite"])
    assert (found.layer, found.safe) == ("norm", False)
    assert found.message == (
        "on this data it takes NaN or infinite values, although all weights are finite: what is in "
        "front of it overflows"
    )
    assert found.fix == "inputs of smaller scale, or bfloat16 or float32 in place of float16"


@pytest.mark.parametrize("data", [X, (X, None), (X, X[:, :1])])
def test_what_is_exactly_as_it_began_is_said_to_have_never_moved(data):
    """With data, of a model whose γ and β show no training, too; mended only if it can be judged."""
    model = trained(never_moved())
    found = nw.check(model, data, select=["moving-statistics-gap", "unmoved-statistics"])
    assert len(found) == 2
    assert all("they never moved: trained without training=True?" in one.message for one in found)
    assert {one.safe for one in found} == {isinstance(data, tuple) and data[1] is not None}
    (found,) = nw.check(begun(), X + 3, select=["moving-statistics-gap", "unmoved-statistics"])
    assert "they never moved" in found.message


@pytest.mark.parametrize(
    ("moments", "wrong"),
    [
        ({"mean": 0.42}, False),
        ({"mean": 0.43}, True),
        ({"mean": -0.43}, True),
        ({"variance": 1.77}, False),
        ({"variance": 1.8}, True),
        ({"variance": 1 / 1.77}, False),
        ({"variance": 1 / 1.8}, True),
    ],
)
def test_the_fewer_examples_the_further_statistics_may_be_from_theirs(moments, wrong):
    """Of 300: 0.25 + 3/√300 = 0.423 deviations, and a factor of 1.5·exp(3/√300) = 1.784."""
    x = X[:300] - X[:300].mean(axis=0)
    model = net(norm(epsilon=1e-9), layers.Dense(1))
    statistics(model.get_layer("norm"), **moments)
    found = nw.check(model, x / x.std(axis=0), select=["moving-statistics-gap"])
    assert bool(found) is wrong


def test_a_channel_is_dead_where_only_rounding_moves_it():
    """About 100, where float32 knows steps of 0.000008; beside it one of deviation 0.001."""
    x = X.copy()
    x[:, 1] = 100 + 1e-3 * x[:, 1]
    x[:, 2] = np.where(x[:, 2] > 0, np.float32(100), np.nextafter(np.float32(100), np.float32(0)))
    model = nw.recalibrate(net(norm(), layers.Dense(1)), x)
    (found,) = nw.check(model, x, select=["dead-channels"])
    assert "in 1 of 4 channels (2)" in found.message


@pytest.mark.parametrize("build", [misled, misled_by_a_constant])
def test_what_wrong_statistics_in_front_make_small_is_no_finding(build):
    symptoms = nw.check(build(), X, select=["dead-channels", "variance-underflow"])
    assert {finding.layer for finding in symptoms} == {"norm"}


def test_of_time_distributed_there_is_one_remedy():
    """Not also one normalisation for each step, which "one on the whole sequence" contradicts."""
    for build in (step_by_step, whole_by_steps):
        assert [one.rule for one in nw.check(build())] == ["time-distributed-norm"]


def test_what_keras_does_with_weights_that_are_frozen_after_compiling():
    model = frozen_after_compiling()
    with pytest.raises(ValueError, match="corresponding 1:1 to the trainable variables"):
        model.fit(X, X[:, :1], verbose=0)


def test_statistics_that_never_move_are_stale_for_ever():
    model = trained(net(hidden(), norm(momentum=1.0), layers.Dense(1)))
    (found,) = nw.check(model, select=["stale-statistics"])
    assert found.message.endswith("left in them; no number of steps would change that")


def test_every_rule_has_an_example():
    assert [rule.name for rule in RULES] == list(GOLDEN)


# --- what looks like it and is none


def of_a_frozen_norm():
    return frozen_behind()


class Block(layers.Layer):
    """With a default of its own for `training`."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def build(self, shape):
        self.norm.build(shape)
        self.built = True

    def call(self, x, training=False):  # noqa: FBT002 (what is tested)
        return self.norm(x, training=training)


class Stuck(Block):
    """In training for ever."""

    def call(self, x):
        return super().call(x, training=True)


def with_a_default():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(Block()(x)))


def frozen_by_us(what="normalisation"):
    return lambda: nw.freeze(net(hidden(), norm(), relu(), layers.Dense(1)), what)


def all_norms_frozen_in_a_file():
    """As `nw.freeze` leaves a trained model, which a file does not remember."""
    model = of_population(
        net(hidden(), norm(), relu(), hidden("b"), norm("second"), layers.Dense(1))
    )
    for name in ("norm", "second"):
        model.get_layer(name).trainable = False
    return model


def frozen_and_compiled_again():
    model = frozen_after_compiling()
    model.compile("sgd", "mse")
    return model


def frozen_before_any_step():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.compile("sgd", "mse")  # builds nothing: the optimiser meets what trains then
    model.layers[-1].trainable = False
    return model


def stale_and_wide():
    """Variances of 1e-4 beside moving ones of 1: what would look dead in inference."""
    return trained(net(hidden(), norm(epsilon=1e-7), relu(), layers.Dense(1)))


def trained_and_moved():
    model = normal()
    statistics(model.get_layer("norm"), beta=0.1)
    return model


def of_keras_momentum():
    return of_momentum(0.5)()


def frozen_with_momentum():
    model = of_momentum(0.1)()
    model.trainable = False
    return model


def squeezed_and_summed():
    """A gate of one position, and a shortcut, in front of the right axis."""
    x = keras.Input((8, 8, 2))
    y = layers.Conv2D(4, 3, padding="same")(x)
    gate = layers.Conv2D(4, 1, activation="sigmoid")(
        layers.GlobalAveragePooling2D(keepdims=True)(y)
    )
    return keras.Model(
        x, norm()(layers.Add()([layers.Multiply()([y, gate]), layers.Conv2D(4, 1)(x)]))
    )


def time_normalised_on_purpose():
    """Behind nothing and in front of a dense layer: no convolution says what the channels are."""
    return net(norm(axis=1), layers.Dense(3), layers.Flatten(), layers.Dense(1), shape=(9, 2))


def bias_through_relu():
    return net(hidden(use_bias=True), relu(), norm(), layers.Dense(1))


def bias_that_others_use():
    x = keras.Input((4,))
    y = hidden(use_bias=True)(x)
    return keras.Model(x, layers.Add()([norm()(y), y]))


def bias_before_layer_norm():
    return net(hidden(use_bias=True), layers.GroupNormalization(2), layers.Dense(1))


def bias_before_zero_padding():
    return net(
        layers.Conv2D(3, 3, name="conv"), layers.ZeroPadding2D(), norm(), layers.Flatten(), layers.Dense(1),
        shape=(8, 8, 1),
    )  # fmt: skip


def bias_along_another_axis():
    return net(
        layers.Conv1D(8, 2, name="conv"),
        norm(axis=1),
        relu(),
        layers.Flatten(),
        layers.Dense(1),
        shape=(9, 2),
    )


def dropped_behind():
    return net(hidden(), norm(), relu(), layers.Dropout(0.5), layers.Dense(1))


def dropped_branches():
    x = keras.Input((4, 4, 2))
    y = layers.Dropout(0.5, noise_shape=(None, 1, 1, 1))(layers.Conv2D(2, 1)(x))
    return keras.Model(x, norm()(layers.Add()([x, y])))


def dropped_examples():
    return net(layers.Dropout(0.5, noise_shape=(None, 1)), hidden(), norm(), layers.Dense(1))


def never_dropped():
    return net(layers.Dropout(0.0), hidden(), norm(), layers.Dense(1))


def seldom_updated():
    return trained(net(hidden(), norm(), layers.Dense(1)), steps=2000)


def hardly_begun():
    return net(hidden(), norm(), layers.Dense(1))


def few_positions():
    return net(
        layers.Conv2D(2, 3, name="conv", use_bias=False),
        norm(),
        relu(),
        layers.Flatten(),
        layers.Dense(1),
        shape=(8, 8, 1),
    )


def backbone():
    return net(
        layers.Conv2D(2, 3, use_bias=False),
        norm(),
        relu(),
        layers.GlobalAveragePooling2D(),
        shape=(8, 8, 1),
    )


def distributed_dense():
    return net(
        layers.TimeDistributed(layers.Dense(3, use_bias=False)),
        norm(),
        layers.LSTM(2),
        shape=(5, 2),
    )


def flat():
    return net(layers.Flatten(), hidden(), norm(axis=1), layers.Dense(1), shape=(2, 2))


def permuted():
    return net(
        layers.Conv1D(3, 2, use_bias=False),
        layers.Permute((2, 1)),
        norm(axis=1),
        layers.Flatten(),
        layers.Dense(1),
        shape=(9, 2),
    )


def all_frozen():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.trainable = False
    return model


def without_weights():
    return net(hidden(), norm(center=False, scale=False), relu(), layers.Dense(1))


def a_tower_each():
    left, right = keras.Input((4,)), keras.Input((4,))
    towers = [net(hidden(), norm(f"norm{i}"), relu()) for i in (1, 2)]
    return keras.Model([left, right], layers.Subtract()([towers[0](left), towers[1](right)]))


def beginning_as_nothing():
    return net(hidden(), norm(gamma_initializer="zeros"), relu(), layers.Dense(1))


def small_but_alive():
    model = normal()
    statistics(model.get_layer("norm"), gamma=0.05)
    return model


def decayed_but_for_the_norm():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    optimizer = keras.optimizers.AdamW(weight_decay=0.004)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"])
    model.compile(optimizer, "mse")
    return model


def with_something_between():
    return net(hidden(), norm("first"), relu(), norm("second"), layers.Dense(1))


def normalised_before_and_after():
    return net(hidden(), norm("first"), layers.Activation("tanh"), norm("second"), layers.Dense(1))


def squeezed():
    x = keras.Input((4, 4, 2))
    gate = layers.Conv2D(2, 1, activation="sigmoid")(
        layers.GlobalAveragePooling2D(keepdims=True)(x)
    )
    return keras.Model(x, norm()(layers.Multiply()([x, gate])))


def bias_before_a_frozen_norm():
    return net(hidden(use_bias=True), norm(trainable=False), relu(), layers.Dense(1))


def bias_before_norms_of_steps():
    wrapped = layers.TimeDistributed(norm(), name="td")
    return net(layers.Dense(3), wrapped, layers.LSTM(2), shape=(5, 2))


def bias_through_tanh():
    return net(hidden(use_bias=True), layers.Activation("tanh"), norm(), layers.Dense(1))


def bias_of_a_layer_called_twice():
    x, layer = keras.Input((4,)), layers.Dense(4, name="a")
    return keras.Model(x, layer(norm()(layer(x))))


def no_bias_to_have():
    einsum = layers.EinsumDense("ab,bc->ac", output_shape=8)
    return net(einsum, norm(), relu(), layers.Dense(1))


def grown_away():
    """Of a momentum that is none, after five batches of next to no variance."""
    model = trained(of_momentum(1.5)())
    statistics(model.get_layer("norm"), variance=1.5**5)
    return model


def averaging_all_batches():
    own = nw.layers.BatchNormalization(momentum=None)
    return trained(net(hidden(), own, layers.Dense(1)))


def wide_epsilon():
    """In a channel of ε its variance: both count."""
    return of_population(net(norm(epsilon=1.0), layers.Dense(1)))


def norm_alone():
    return net(norm())


def behind_no_linear_layer():
    return net(layers.LSTM(4), norm(), shape=(5, 2))


def half_frozen(what):
    def build():
        model = net(hidden(), norm(), relu(), layers.Dense(1))
        getattr(model.get_layer("norm"), what).trainable = False
        return model

    return build


def frozen_behind_no_weights():
    return net(
        layers.Reshape((4,)), norm("first", trainable=False), hidden(), norm(), layers.Dense(1)
    )


def dropped_before_another_normalisation():
    return net(layers.Dropout(0.5), layers.LayerNormalization(), hidden(), norm(), layers.Dense(1))


def dropped_before_a_model_inside():
    return net(layers.Dropout(0.5), net(hidden()), norm(), layers.Dense(1))


def dead_and_of_little_variance():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    few = np.array([1, 1, 1, 0, 1, 1, 1, 1])
    statistics(model.get_layer("norm"), gamma=few, variance=few + 1e-4)
    return model


def at_twice_epsilon():
    model = net(hidden(), norm(epsilon=2.0**-10), relu(), layers.Dense(1))
    statistics(model.get_layer("norm"), variance=2.0**-9)
    return model


class NormalisedInTraining(keras.Model):
    """With a normalisation that no prediction reaches, as of an auxiliary output."""

    def __init__(self):
        super().__init__()
        self.dense, self.norm = layers.Dense(3), layers.BatchNormalization()

    def call(self, x, training=None):
        y = self.dense(x)
        return self.norm(y) if training else y


def normalised_in_training_alone():
    model = NormalisedInTraining()
    model(X[:2], training=True)
    return model


INNOCENT = {
    "redundant-bias": [
        (build, {})
        for build in (of_a_frozen_norm, bias_through_relu, bias_that_others_use,
                      bias_before_layer_norm, bias_before_zero_padding, bias_along_another_axis,
                      bias_before_a_frozen_norm, bias_before_norms_of_steps, bias_through_tanh,
                      bias_of_a_layer_called_twice, no_bias_to_have)
    ],
    "dropout-before-norm": [
        (dropped_behind, {}), (dropped_branches, {}), (dropped_examples, {}), (never_dropped, {}),
        (dropped_before_another_normalisation, {}), (dropped_before_a_model_inside, {}),
    ],
    "stale-statistics": [
        (seldom_updated, {}), (hardly_begun, {}), (lagging, {"steps": 22}), (replaced, {}),
        (of_population_in_the_meantime, {"data": X}), (never_moved, {"steps": 60}),
        (of_momentum(99), {"steps": 160}), (grown_away, {}), (averaging_all_batches, {}),
        (of_momentum(0.1), {"steps": 1}),
    ],
    "moving-statistics-gap": [(normal, {"data": X}), (normal, {"data": X[:40]}), (apart, {}), (frozen_and_apart, {"data": X}), (wide_epsilon, {"data": X})],
    "tiny-batch": [
        (normal, {}), (normal, {"batch_size": 32}), (normal, {"data": X[:128]}),
        (normal, {"data": X[:136]}), (normal, {"batch_size": 8}),  # 8 are enough
        (few_positions, {"data": np.ones((33, 8, 8, 1), "float32")}),
        (all_frozen, {"batch_size": 1}),
        (normalised_in_training_alone, {"data": X[:129]}),
    ],
    "norm-after-output": [(normal, {}), (backbone, {}), (norm_alone, {}), (behind_no_linear_layer, {})],
    "time-distributed-norm": [(distributed_dense, {})],
    "wrong-axis": [
        (flat, {}), (permuted, {}), (few_positions, {}), (distributed_dense, {}), (squeezed_and_summed, {}),
        (time_normalised_on_purpose, {}),
    ],
    "frozen-norm": [
        (normal, {}), (all_frozen, {}), (without_weights, {}), (with_a_default, {}), (frozen_by_us(), {}),
        (frozen_by_us("statistics"), {}), (frozen_by_us("everything"), {}), (all_norms_frozen_in_a_file, {}),
        (frozen_and_compiled_again, {}), (frozen_before_any_step, {}), (half_frozen("gamma"), {}),
        (half_frozen("beta"), {}), (seldom_updated, {}), (compiled_in_half, {}), (frozen_behind_no_weights, {}), (norm_alone, {}),
    ],
    "shared-norm": [(normal, {}), (a_tower_each, {}), (step_by_step, {}), (whole_by_steps, {})],
    "dead-channels": [
        (normal, {}), (beginning_as_nothing, {}), (small_but_alive, {}), (stale_and_wide, {"data": X / 100}),
        (stale_and_wide, {}), (under_epsilon, {}),
    ],
    "variance-underflow": [(normal, {}), (dead, {}), (hardly_begun, {}),
        (dead_and_of_little_variance, {}), (at_twice_epsilon, {}),
    ],
    "regularised-scale": [(normal, {}), (decayed_but_for_the_norm, {})],
    "repeated-norm": [(normal, {}), (with_something_between, {})],
    "saturating-before": [(normalised_before_and_after, {}), (squeezed, {}), (normal, {})],
    "not-finite": [(normal, {})],
    "batch-leakage": [(normal, {"data": X}), (normal, {}), (called_for_inference, {})],
    "wrong-momentum": [
        (normal, {}), (of_keras_momentum, {}), (frozen_with_momentum, {}),
        (of_momentum(0.0), {"data": X, "batch_size": 512}),
    ],
    "unmoved-statistics": [(begun, {}), (begun, {"steps": 100}), (trained_and_moved, {}), (of_momentum(1.0), {}), (learnt_with_momentum_1, {})],
}  # fmt: skip
SPARED = [(rule, *case) for rule, cases in INNOCENT.items() for case in cases]


@pytest.mark.parametrize(
    ("rule", "build", "given"),
    SPARED,
    ids=[f"{rule}-{build.__name__}-{'-'.join(given)}" for rule, build, given in SPARED],
)
def test_a_rule_is_silent_where_nothing_is_wrong(rule, build, given):
    assert nw.check(build(), select=[rule], **given) == []


def test_every_rule_has_a_model_that_it_must_not_name():
    assert {rule.name for rule in RULES} == set(INNOCENT)


@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50V2", "EfficientNetB0"])
def test_networks_of_keras_raise_no_alarm(name):
    model = getattr(keras.applications, name)(weights=None, input_shape=(64, 64, 3))
    # ResNet50V2's convolutions do have biases in front of normalisation.
    assert {finding.rule for finding in nw.check(model)} <= {"redundant-bias"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_page_whose_example_it_names(rule):
    page = rule.page
    assert page.startswith(f"# {rule.code} {rule.name} ({rule.severity})\n")
    parts = [line for line in page.splitlines() if line.startswith("## ")]
    assert parts == ["## What", "## Why it is bad", "## Example", "## Fix"]
    code = page.partition("```python\n")[2].partition("```")[0]
    *setting_up, asking = code.strip().splitlines()
    names = {}
    exec("\n".join(setting_up), names)
    found = eval(asking, names)
    assert rule.code in {finding.code for finding in found}
    safe = any(finding.safe for finding in found if finding.code == rule.code)
    assert not safe or "`normwise fix" in page


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_list_of_rules_is_that_of_the_code(rule):
    listed = (Path(__file__).parents[2] / "docs" / "check.md").read_text("utf-8")
    cells = f"](../src/normwise/checks/pages/{rule.name}.md) | `{rule.name}` | {rule.severity} | "
    assert f"| [{rule.code}{cells}{rule.summary}. |" in listed
