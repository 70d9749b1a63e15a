"""What a study is called where it is shown."""

from __future__ import annotations

import re
from pathlib import Path

from normwise.spec.spec import DEFAULT_MODEL, Spec

__all__ = ["title_of"]

# Names that say nothing: of a study without one, of arrays from Python.
_UNNAMED, _ARRAYS = Spec.model_fields["study"].default, "arrays"


def title_of(spec: Spec) -> str:
    """The study's name, or else those of its model and data.

    Folders keep the name that the settings have, so that the same command finds them again.

    >>> title_of(Spec(model="models:build", data="logs/customers.csv"))
    'build on customers'
    >>> title_of(Spec(model="nets/cnn.py:build", data="mnist"))
    'build on mnist'
    >>> title_of(Spec(model="mlp", data="arrays"))
    'mlp'
    """
    if spec.study != _UNNAMED:
        return spec.study
    model = "" if spec.model == DEFAULT_MODEL else _last_name(spec.model)
    data = _last_name(spec.data)
    if data == _ARRAYS:
        return model or data
    return f"{model} on {data}" if model and model != data else data


def _last_name(typed: str) -> str:
    """Of a path its last part without suffixes, of ``package.module:function`` the function."""
    path = Path(re.sub(r"^[\w./-]+:(?=\w+$)", "", typed))
    name = path.name or path.absolute().name  # the current folder is called "."
    return name.partition(".")[0] or name or typed
