"""Does batch normalisation help your model, where, and how sure is that?

>>> import normwise as nw
>>> nw.analysis.compare([15, 16, 17, 16], [24, 25, 27, 25], horizon=100).outcome
'helps'

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from normwise.backend import choose_jax, require_jax, require_keras

if TYPE_CHECKING:
    from normwise import analysis, errors, layers
    from normwise.checks import check, fix
    from normwise.diagnose import Gap, Leakage, Monitor, gap, leakage
    from normwise.domain import Finding, Summary, Target, Variant
    from normwise.models import Recalibration, fold, freeze, place, recalibrate, strip
    from normwise.study import Progress, Result, Study
    from normwise.study.judging import judge

__all__ = [
    "Finding",
    "Gap",
    "Leakage",
    "Monitor",
    "Progress",
    "Recalibration",
    "Result",
    "Study",
    "Summary",
    "Target",
    "Variant",
    "analysis",
    "check",
    "errors",
    "fix",
    "fold",
    "freeze",
    "gap",
    "judge",
    "layers",
    "leakage",
    "place",
    "recalibrate",
    "strip",
]

_HOMES = {
    "Finding": "domain",
    "Gap": "diagnose",
    "Leakage": "diagnose",
    "Monitor": "diagnose",
    "Progress": "study",
    "Result": "study",
    "Study": "study",
    "Summary": "domain",
    "Target": "domain",
    "Variant": "domain",
    "Recalibration": "models",
    "check": "checks",
    "fix": "checks",
    "fold": "models",
    "freeze": "models",
    "gap": "diagnose",
    "judge": "study.judging",
    "leakage": "diagnose",
    "place": "models",
    "recalibrate": "models",
    "strip": "models",
}
_MODULES = ("analysis", "errors", "layers")
# They compile with JAX; the rest runs on any of Keras' backends.
_ON_JAX = ("checks", "diagnose", "study")

choose_jax()


def __getattr__(name: str) -> Any:
    if name == "layers" or _HOMES.get(name) == "models":
        require_keras()
    if name in _MODULES:
        return importlib.import_module(f"normwise.{name}")
    if name in _HOMES:
        home = _HOMES[name]
        if home in _ON_JAX:
            # Before Keras is imported, while the backend can still be chosen.
            require_jax()
        return getattr(importlib.import_module(f"normwise.{home}"), name)
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("normwise")
    raise AttributeError(f"module 'normwise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
