"""Pictures that are not drawn: a process that draws one takes a second, and most tests do not look."""

import contextlib

import pytest

from normwise.report import drawing_process

PNG = b"\x89PNG\r\n\x1a\n"
STARTED = "normwise.report.drawing_process._started"
_draws = drawing_process._started


class _Blank:
    """In the place of that process: each picture is the first bytes of one."""

    returncode = 0

    def communicate(self, _=None):
        return PNG, b""

    def kill(self):
        """Nothing: there is none."""


@contextlib.contextmanager
def drawn(*, really):
    """Whether pictures are drawn in this block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(STARTED, _draws if really else _Blank)
        yield
