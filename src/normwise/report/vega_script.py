"""Vega's JavaScript in one piece, so that a report needs no network.

vl-convert assembles it in about 3 s; it depends only on vl-convert's version,
so it is kept in the user's cache folder and read from there afterwards.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from importlib.metadata import version

from normwise.errors import DrawingError, StoreError
from normwise.files import cache_folder, replacing

__all__ = ["engine_failed", "vega_javascript"]

_MARK = "/* normwise: complete */"


def vega_javascript() -> str:
    """The script that defines ``vega``, ``vegaLite`` and ``vegaEmbed``.

    Safe inside a ``<script>`` element. From the cache if it is there and whole.

    Raises:
        DrawingError: It could not be assembled.
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
    # Where memory is scarce the engine aborts, and would take the results of a study along.
    made = subprocess.run(
        [sys.executable, "-c", "import vl_convert; print(vl_convert.javascript_bundle())"],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        raise engine_failed(made.returncode)
    script = made.stdout.decode().removesuffix("\n")
    return script.replace("</script", r"<\/script").replace("<!--", r"<\!--") + _MARK


def engine_failed(code: int) -> DrawingError:
    """What to say where the JavaScript engine's process ended so."""
    return DrawingError(
        f"the charts could not be drawn (the process of the JavaScript engine ended with {code}); "
        f"expected some 4 GB of address space for it; try a larger 'ulimit -v'; the figures stand "
        f"in the other files"
    )
