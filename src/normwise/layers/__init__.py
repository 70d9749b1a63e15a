"""Layers that take the place of Keras' own."""

from normwise.layers.batch_normalization import BatchNormalization
from normwise.layers.renormalisation import PAPER_SCHEDULE

__all__ = ["PAPER_SCHEDULE", "BatchNormalization"]
