"""What the labels are taken for."""

from __future__ import annotations

from typing import Literal

__all__ = ["Task"]

# "own" are labels of any other form: only the loss that the model was compiled with knows them.
Task = Literal["binary", "classes", "regression", "own"]
