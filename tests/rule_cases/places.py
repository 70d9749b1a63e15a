"""Networks for rules about where a normalisation stands, along which axis, and how it is called."""

import keras
from keras import layers
from rule_cases.common import (
    X,
    called_for_inference,
    few_positions,
    hidden,
    net,
    norm,
    norm_alone,
    normal,
    relu,
    says,
)


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


def siamese():
    left, right = keras.Input((4,)), keras.Input((4,))
    tower = net(hidden(), norm(), relu())
    return keras.Model([left, right], layers.Subtract()([tower(left), tower(right)]))


def leaking():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(norm()(hidden()(x), training=True)))


def leaking_twice():
    """By its call, and by a mean over the batch: to be looked for once the first is mended."""
    x = keras.Input((4,))
    y = norm()(hidden()(x), training=True)
    return keras.Model(x, y - keras.ops.mean(y, axis=0, keepdims=True))


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


GOLDEN = {
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
    "shared-norm": [
        says(siamese, "norm", "is called 2 times; in training each call normalises by its own batch, in inference all by one mean and variance of the mixture",
             "a batch normalisation of its own for each input"),
    ],
    "batch-leakage": [
        says(leaking, "norm", "is called with training=True, so model(x) normalises by the batch that an example happens to be in, and moves the statistics; fit and predict override it",
             "call 'norm' without training=True", data=X),
        says(leaking, "norm", "is called with training=True, so model(x) normalises by the batch that an example happens to be in, and moves the statistics; fit and predict override it",
             "call 'norm' without training=True"),
        says(leaking_twice, "norm", "is called with training=True, so model(x) normalises by the batch that an example happens to be in, and moves the statistics; fit and predict override it",
             "call 'norm' without training=True", data=X),
    ],
}  # fmt: skip


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


def a_tower_each():
    left, right = keras.Input((4,)), keras.Input((4,))
    towers = [net(hidden(), norm(f"norm{i}"), relu()) for i in (1, 2)]
    return keras.Model([left, right], layers.Subtract()([towers[0](left), towers[1](right)]))


def behind_no_linear_layer():
    return net(layers.LSTM(4), norm(), shape=(5, 2))


INNOCENT = {
    "norm-after-output": [(normal, {}), (backbone, {}), (norm_alone, {}), (behind_no_linear_layer, {})],
    "time-distributed-norm": [(distributed_dense, {})],
    "wrong-axis": [
        (flat, {}), (permuted, {}), (few_positions, {}), (distributed_dense, {}), (squeezed_and_summed, {}),
        (time_normalised_on_purpose, {}),
    ],
    "shared-norm": [(normal, {}), (a_tower_each, {}), (step_by_step, {}), (whole_by_steps, {})],
    "batch-leakage": [(normal, {"data": X}), (normal, {}), (called_for_inference, {})],
}  # fmt: skip
