"""Libraries of other tools, each an extra of the package."""

from __future__ import annotations

import importlib.util

from normwise.errors import DataError

__all__ = ["EXTRAS", "require_extra"]

# By the name of the extra, which is that of the module: what needs it, and what it is called.
EXTRAS = {
    "tensorboard": ("event files need", "TensorBoard"),
    "mlflow": ("an experiment of MLflow needs", "MLflow"),
}


def require_extra(name: str) -> None:
    """See whether a library is there.

    Raises:
        DataError: It is not installed.
    """
    if importlib.util.find_spec(name) is None:
        needs, library = EXTRAS[name]
        raise DataError(
            f"{needs} {library}, which is not installed; expected the extra {name!r}; try "
            f"pip install 'normwise[{name}]'"
        )
