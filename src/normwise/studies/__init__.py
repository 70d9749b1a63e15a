"""The built-in studies: one TOML file each, and their models in :mod:`.models`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BUILT_IN", "study_file"]

# In the order in which they are listed: what needs nothing first.
BUILT_IN = (
    "circles",
    "circles-extensions",
    "digits-cnn",
    "deep-mlp",
    "depth",
    "initialisation",
    "rates",
    "s-shaped",
    "s-shaped-tanh",
    "not-s-shaped",
    "residual",
    "inception",
    "small-batches",
    "sequence",
    "sequence-gru",
    "regression",
    "scaling",
    "unequal-scales",
    "dropout",
    "regularising",
    "churn",
    "fashion-mlp",
    "mnist-cnn",
    "mnist-sigmoid",
)


def study_file(name: str) -> Path:
    """The TOML file of a built-in study.

    >>> study_file("circles").name
    'circles.toml'
    """
    return Path(__file__).with_name(f"{name}.toml")
