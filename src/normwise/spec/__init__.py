"""A study's settings: what stands in ``spec.toml``, on the command line and in Python."""

from normwise.spec.about import About
from normwise.spec.optimizer import optimizer_parts
from normwise.spec.spec import AXES, DEFAULT_MODEL, LEARNING_RATE, OPTIMIZER, Spec
from normwise.spec.title import title_of

__all__ = [
    "AXES",
    "DEFAULT_MODEL",
    "LEARNING_RATE",
    "OPTIMIZER",
    "About",
    "Spec",
    "optimizer_parts",
    "title_of",
]
