"""A small network in NumPy's float64, with its gradient by hand: what probes are compared with."""

from dataclasses import dataclass

import keras
import numpy as np

EPSILON = 1e-3
RATE, MOMENTUM = 0.05, 0.9
NAMES = ("w1", "gamma", "beta", "w2", "b2", "w3", "b3")


def model():
    """3-6-(normalised)-tanh-5-relu-1, mean squared error, momentum."""
    layers = keras.layers
    found = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(6, use_bias=False, name="first"),
            layers.BatchNormalization(epsilon=EPSILON, name="norm"),
            layers.Activation("tanh", name="tanh"),
            layers.Dense(5, activation="relu", name="second"),
            layers.Dense(1, name="last"),
        ]
    )
    found.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM), "mse")
    return found


@dataclass
class Pass:
    """What a call in training mode computes, and the gradient of its loss."""

    loss: float
    gradient: dict
    signals: dict
    batch_mean: np.ndarray
    batch_variance: np.ndarray


def values_of(network):
    variables = network.trainable_variables
    return {
        name: np.asarray(variable.value, np.float64)
        for name, variable in zip(NAMES, variables, strict=True)
    }


def passed(values, x, y):
    """Forward and backward, by hand."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64).reshape(-1, 1)
    n = len(x)
    sums = x @ values["w1"]
    mean, variance = sums.mean(0), sums.var(0)
    spread = np.sqrt(variance + EPSILON)
    standard = (sums - mean) / spread
    normed = standard * values["gamma"] + values["beta"]
    tanh = np.tanh(normed)
    second = tanh @ values["w2"] + values["b2"]
    relu = np.maximum(second, 0)
    last = relu @ values["w3"] + values["b3"]
    loss = np.mean((last - y) ** 2)
    d_last = 2 * (last - y) / n
    d_second = d_last @ values["w3"].T * (second > 0)
    d_normed = d_second @ values["w2"].T * (1 - tanh**2)
    d_standard = d_normed * values["gamma"]
    d_sums = (d_standard - d_standard.mean(0) - standard * (d_standard * standard).mean(0)) / spread
    gradient = {
        "w1": x.T @ d_sums,
        "gamma": (d_normed * standard).sum(0),
        "beta": d_normed.sum(0),
        "w2": tanh.T @ d_second,
        "b2": d_second.sum(0),
        "w3": relu.T @ d_last,
        "b3": d_last.sum(0),
    }
    signals = {
        ("first", "sums"): sums,
        ("norm", "normalised"): normed,
        ("tanh", "activations"): tanh,
        ("second", "sums"): second,
        ("second", "activations"): relu,
        ("last", "sums"): last,
    }
    return Pass(loss, gradient, signals, mean, variance)


def moved(values, step, names=NAMES, share=1.0):
    """Some of the values, moved by a share of their part of a step."""
    return {
        name: one + share * step[name] if name in names else one for name, one in values.items()
    }


def flat(gradient):
    return np.concatenate([gradient[name].ravel() for name in NAMES])
