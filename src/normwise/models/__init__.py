"""The models that a study trains: what the user named, each variant of it, and how it is compiled.

``source`` finds or builds the model, ``identity`` tells it from others, ``variants`` says which
placements it can have, ``compiled`` and ``compiling`` what it trains with, ``target_units`` what
stands behind its outputs, ``limits`` what cannot be trained in one program.
"""

from normwise.models.compiling import Recipe, check_target, default_metric, learning_rate_of
from normwise.models.source import ModelLike, ModelSource, as_model_takes
from normwise.models.variants import buildable

__all__ = [
    "ModelLike",
    "ModelSource",
    "Recipe",
    "as_model_takes",
    "buildable",
    "check_target",
    "default_metric",
    "learning_rate_of",
]
