"""Vega's JavaScript in one piece, so that a report needs no network.

vl-convert assembles it in about 3 s; it depends only on vl-convert's version,
so it is kept in the user's cache folder and read from there afterwards.
"""

from __future__ import annotations

import contextlib
from importlib.metadata import version

from normwise.errors import StoreError
from normwise.files import cache_folder, replacing

__all__ = ["vega_javascript"]

_MARK = "/* normwise: complete */"


def vega_javascript() -> str:
    """The script that defines ``vega``, ``vegaLite`` and ``vegaEmbed``.

    Safe inside a ``<script>`` element. From the cache if it is there and whole.
    """
    path = cache_folder() / "report" / f"vega-{version('vl-convert-python')}.js"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if (text := path.read_text(encoding="utf-8")).endswith(_MARK):
            return text
    text = _assemble()
    # A cache that cannot be written costs time only.
    with contextlib.suppress(StoreError), replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
    return text


def _assemble() -> str:
    import vl_convert

    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg] # its stub is wrong
    return script.replace("</script", r"<\/script").replace("<!--", r"<\!--") + _MARK
