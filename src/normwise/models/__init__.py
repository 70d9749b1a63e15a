"""A Keras model as data.

``graph``, ``kinds`` and ``tracing`` read it; ``rebuild`` and what stands on it rewrite it
(``placing``, ``stripping``, ``folding``, ``freezing``); ``recalibrating`` mends its statistics;
``io`` is its file. What a study trains is the rest: ``source`` finds or builds the model that was
named, ``identity`` tells it from others, ``variants`` says which placements it can have,
``compiled`` and ``compiling`` what it trains with, ``target_units`` what stands behind its
outputs, ``limits`` what no program can train.
"""

from normwise.models.folding import fold
from normwise.models.freezing import freeze
from normwise.models.placing import place, placed_layers
from normwise.models.recalibrating import Recalibration, recalibrate
from normwise.models.stripping import strip

__all__ = ["Recalibration", "fold", "freeze", "place", "placed_layers", "recalibrate", "strip"]
