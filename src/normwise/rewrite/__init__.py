"""Rewriting a Keras model: where its normalisation is."""

from normwise.rewrite.folding import fold
from normwise.rewrite.freezing import freeze
from normwise.rewrite.placing import place, placed_layers
from normwise.rewrite.recalibrating import Recalibration, recalibrate
from normwise.rewrite.stripping import strip

__all__ = ["Recalibration", "fold", "freeze", "place", "placed_layers", "recalibrate", "strip"]
