"""Rewriting a Keras model: where its normalisation is."""

from normwise.rewrite.placing import place, placed_layers
from normwise.rewrite.stripping import strip

__all__ = ["place", "placed_layers", "strip"]
