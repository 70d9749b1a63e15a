"""Rewriting a Keras model: where its normalisation is."""

from normwise.rewrite.placing import place
from normwise.rewrite.stripping import strip

__all__ = ["place", "strip"]
