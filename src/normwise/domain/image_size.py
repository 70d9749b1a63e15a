"""How large pictures are read, as it is typed."""

from __future__ import annotations

import re

from normwise.errors import SpecError

__all__ = ["image_size"]


def image_size(text: str) -> tuple[int, int]:
    """Height and width in pixels; one number stands for both.

    Raises:
        SpecError: It is neither.

    >>> image_size("48x64"), image_size("32")
    ((48, 64), (32, 32))
    """
    found = re.fullmatch(r"(\d{1,5})(?:[x×](\d{1,5}))?", text.strip().lower())
    height, width = (int(side) for side in (found[1], found[2] or found[1])) if found else (0, 0)
    if not (height and width):
        raise SpecError(
            f"image size {text!r} does not parse; expected HEIGHTxWIDTH in pixels, or one number "
            f"for both; try --image-size 64x64"
        )
    return height, width
