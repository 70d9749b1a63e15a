"""Layers that take the place of Keras' own."""

from normwise.layers.batch_normalization import BatchNormalization

__all__ = ["BatchNormalization"]
