"""A process that draws, started while the study still trains.

vl-convert takes a second to start its JavaScript engine, and three more on a
machine's first report to assemble Vega's script; it holds Python's lock
meanwhile. A process of its own does both beside the study, on a core that
imports leave idle.

Run as ``python -m normwise.report.drawing_process``: reads one Vega-Lite specification
as JSON from standard input, writes the picture to standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from normwise.report.vega_script import engine_failed, vega_javascript

__all__ = ["DrawingProcess", "draw"]

SCALE = 2.0
_TINY = {"data": {"values": [{}]}, "mark": "point"}


def draw(specification: dict[str, Any]) -> bytes:
    """The PNG picture of a Vega-Lite specification."""
    import vl_convert

    picture: bytes = vl_convert.vegalite_to_png(specification, scale=SCALE)
    return picture


class DrawingProcess:
    """Draws one picture, in a process that started getting ready at once.

    Use as a context manager: leaving it ends the process, drawn or not.
    """

    def __init__(self) -> None:
        self._process = _started()

    def draw(self, specification: dict[str, Any]) -> bytes:
        """The PNG picture of a Vega-Lite specification; can be called once.

        Raises:
            DrawingError: Two processes could not, one after the other.
        """
        text = json.dumps(specification).encode()
        picture, _ = self._process.communicate(text)
        if self._process.returncode != 0:
            # One that was killed must not cost the user the picture. Not in this process: where
            # memory is scarce, the JavaScript engine aborts, and would take the results along.
            self._process = _started()
            picture, _ = self._process.communicate(text)
        if self._process.returncode != 0:
            raise engine_failed(self._process.returncode)
        return picture

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "normwise.report.drawing_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _main() -> None:
    draw(_TINY)
    vega_javascript()
    text = sys.stdin.buffer.read()
    if text:
        sys.stdout.buffer.write(draw(json.loads(text)))


if __name__ == "__main__":
    _main()
