"""Networks for rules about what stands beside a normalisation: what is said of them, and what looks like it and is none."""

import keras
from keras import layers
from rule_cases.common import hidden, net, norm, normal, relu, says


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


def twice():
    return net(hidden(), norm("first"), norm("second"), relu(), layers.Dense(1))


def saturated():
    return net(hidden(activation="tanh"), norm(), layers.Dense(1))


def saturated_by_an_operation():
    x = keras.Input((4,))
    y = norm()(keras.ops.sigmoid(hidden()(x)))
    return keras.Model(x, layers.Dense(1)(y))


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


def saturated_behind_what_has_no_weights():
    between = [layers.Dropout(0.1), layers.Identity(), layers.Activation("tanh", name="tanh")]
    return net(hidden(), *between, layers.Dropout(0.1), layers.Identity(), norm(), layers.Dense(1))


def saturated_further_on():
    """Behind a normalisation that nothing saturates, and one that keeps its inputs in range."""
    first = [hidden("b"), norm("first"), layers.Activation("tanh"), norm("second")]
    return net(*first, hidden(activation="tanh"), norm(), layers.Dense(1))


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
}  # fmt: skip


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


def dropped_before_another_normalisation():
    return net(layers.Dropout(0.5), layers.LayerNormalization(), hidden(), norm(), layers.Dense(1))


def dropped_before_a_model_inside():
    return net(layers.Dropout(0.5), net(hidden()), norm(), layers.Dense(1))


INNOCENT = {
    "redundant-bias": [
        (build, {})
        for build in (bias_through_relu, bias_that_others_use,
                      bias_before_layer_norm, bias_before_zero_padding, bias_along_another_axis,
                      bias_before_a_frozen_norm, bias_before_norms_of_steps, bias_through_tanh,
                      bias_of_a_layer_called_twice, no_bias_to_have)
    ],
    "dropout-before-norm": [
        (dropped_behind, {}), (dropped_branches, {}), (dropped_examples, {}), (never_dropped, {}),
        (dropped_before_another_normalisation, {}), (dropped_before_a_model_inside, {}),
    ],
    "repeated-norm": [(normal, {}), (with_something_between, {})],
    "saturating-before": [(normalised_before_and_after, {}), (squeezed, {}), (normal, {})],
}  # fmt: skip
