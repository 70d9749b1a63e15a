"""What the cases of the rules are built of: layers, ways to disturb and to train them, and networks that several share."""

import keras
import numpy as np
from keras import layers

import normwise as nw

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
    model.optimizer.iterations.assign(steps)
    return model


def of_population(model):
    return nw.recalibrate(model, X)


def says(build, layer, message, fix, *, safe=False, **given):
    """What the check says of a model, given more than the model or not."""
    return build, given, (layer, message, fix, safe)


def begun():
    return net(hidden(), norm(), layers.Dense(1))


def normal():
    return of_population(net(hidden(), norm(), relu(), layers.Dense(1)))


def frozen_behind():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    model.get_layer("norm").trainable = False
    return model


def of_momentum(momentum):
    return lambda: net(hidden(), norm(momentum=momentum), relu(), layers.Dense(1))


def never_moved():
    model = net(hidden(), norm(), relu(), layers.Dense(1))
    statistics(model.get_layer("norm"), beta=0.1)
    return model


def called_for_inference():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(norm()(hidden()(x), training=False)))


def learnt_with_momentum_1():
    model = trained(of_momentum(1.0)())
    statistics(model.get_layer("norm"), beta=0.1)
    return model


def few_positions():
    return net(
        layers.Conv2D(2, 3, name="conv", use_bias=False),
        norm(),
        relu(),
        layers.Flatten(),
        layers.Dense(1),
        shape=(8, 8, 1),
    )


def norm_alone():
    return net(norm())
