"""Networks for rules about how a model was trained: steps, batches, what is frozen, momentum, weight decay."""

import keras
import numpy as np
from keras import layers
from rule_cases.common import (
    X,
    begun,
    called_for_inference,
    few_positions,
    frozen_behind,
    hidden,
    learnt_with_momentum_1,
    net,
    never_moved,
    norm,
    norm_alone,
    normal,
    of_momentum,
    of_population,
    relu,
    says,
    statistics,
    trained,
)

import normwise as nw


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


def frozen_in_front():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.get_layer("a").trainable = False
    return model


def frozen_weights():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.get_layer("norm").gamma.trainable = model.get_layer("norm").beta.trainable = False
    return model


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


def behind_a_frozen_norm():
    frozen = norm("frozen", momentum=0.1, trainable=False)
    return net(hidden(), frozen, hidden("b"), norm(momentum=0.1), layers.Dense(1))


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


def decayed_in_half():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    inner = keras.optimizers.AdamW(weight_decay=0.004)
    model.compile(keras.optimizers.LossScaleOptimizer(inner), "mse")
    return model


def lagging_in_half():
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    return trained(net(hidden(), norm(momentum=0.9), layers.Dense(1)), scaled)


def stale_behind_one_that_never_averages():
    model = trained(
        net(norm("first", momentum=-0.1), hidden(), norm(momentum=0.9), layers.Dense(1))
    )
    statistics(model.get_layer("norm"), variance=2)
    return model


def frozen_in_front_of_what_has_no_weights():
    between = relu(), layers.Dropout(0.1), layers.Identity()
    model = net(hidden(), *between, norm(), layers.Dense(1))
    model.get_layer("a").trainable = False
    return model


def frozen_further_on():
    model = net(hidden("b"), norm("first"), relu(), hidden(), norm(), layers.Dense(1))
    model.get_layer("a").trainable = False
    return model


GOLDEN = {
    "stale-statistics": [
        # 0.9**5 = 0.590; 0.9**22 = 0.098 is the first below a tenth.
        says(lagging, "norm", "after 5 steps at momentum 0.9, 59% of what its moving statistics began with is left in them; 22 steps would leave 10%",
             "population statistics (normwise recalibrate)"),
        says(lagging_in_half, "norm", "after 5 steps at momentum 0.9, 59% of what its moving statistics began with is left in them; 22 steps would leave 10%",
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
    "regularised-scale": [
        says(shrunk, "norm", "a regulariser of γ shrinks what the layer gives, and no weights that it could keep small",
             "no gamma_regularizer, unless γ is to be pruned"),
        says(decayed, None, "AdamW decays the weights by 0.004, γ and β of 1 batch normalisation (first 'norm') among them",
             'optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"]) before compiling'),
        says(decayed_in_half, None, "AdamW decays the weights by 0.004, γ and β of 1 batch normalisation (first 'norm') among them",
             'optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"]) before compiling'),
        says(shrunk_offset, "norm", "a regulariser of β shrinks what the layer gives, and no weights that it could keep small",
             "no beta_regularizer"),
        says(shrunk_in_all, "norm", "a regulariser of γ and β shrinks what the layer gives, and no weights that it could keep small",
             "no gamma_regularizer, unless γ is to be pruned; no beta_regularizer"),
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
}  # fmt: skip


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


def of_keras_momentum():
    return of_momentum(0.5)()


def frozen_with_momentum():
    model = of_momentum(0.1)()
    model.trainable = False
    return model


def seldom_updated():
    return trained(net(hidden(), norm(), layers.Dense(1)), steps=2000)


def all_frozen():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.trainable = False
    return model


def without_weights():
    return net(hidden(), norm(center=False, scale=False), relu(), layers.Dense(1))


def decayed_but_for_the_norm():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    optimizer = keras.optimizers.AdamW(weight_decay=0.004)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"])
    model.compile(optimizer, "mse")
    return model


def grown_away():
    """Of a momentum that is none, after five batches of next to no variance."""
    model = trained(of_momentum(1.5)())
    statistics(model.get_layer("norm"), variance=1.5**5)
    return model


def averaging_all_batches():
    own = nw.layers.BatchNormalization(momentum=None)
    return trained(net(hidden(), own, layers.Dense(1)))


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
    "stale-statistics": [
        (seldom_updated, {}), (begun, {}), (lagging, {"steps": 22}), (replaced, {}),
        (of_population_in_the_meantime, {"data": X}), (never_moved, {"steps": 60}),
        (of_momentum(99), {"steps": 160}), (grown_away, {}), (averaging_all_batches, {}),
        (of_momentum(0.1), {"steps": 1}),
    ],
    "tiny-batch": [
        (normal, {}), (normal, {"batch_size": 32}), (normal, {"data": X[:128]}),
        (normal, {"data": X[:136]}), (normal, {"batch_size": 8}),  # 8 are enough
        (few_positions, {"data": np.ones((33, 8, 8, 1), "float32")}),
        (all_frozen, {"batch_size": 1}),
        (normalised_in_training_alone, {"data": X[:129]}),
    ],
    "frozen-norm": [
        (normal, {}), (all_frozen, {}), (without_weights, {}), (with_a_default, {}), (frozen_by_us(), {}),
        (frozen_by_us("statistics"), {}), (frozen_by_us("everything"), {}), (all_norms_frozen_in_a_file, {}),
        (frozen_and_compiled_again, {}), (frozen_before_any_step, {}), (half_frozen("gamma"), {}),
        (half_frozen("beta"), {}), (seldom_updated, {}), (compiled_in_half, {}), (frozen_behind_no_weights, {}), (norm_alone, {}),
    ],
    "regularised-scale": [(normal, {}), (decayed_but_for_the_norm, {})],
    "wrong-momentum": [
        (normal, {}), (of_keras_momentum, {}), (frozen_with_momentum, {}),
        (of_momentum(0.0), {"data": X, "batch_size": 512}),
    ],
}  # fmt: skip
