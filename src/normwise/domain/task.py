"""What the labels are taken for."""

from __future__ import annotations

from typing import Literal

__all__ = ["Task"]

Task = Literal["binary", "classes", "regression"]
