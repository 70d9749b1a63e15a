"""`normwise lesson`: a page that teaches batch normalisation by playing back recorded runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normwise.backend import require_jax
from normwise.commands.progress import step_progress
from normwise.errors import SpecError

__all__ = ["EXAMPLES", "lesson"]

EXAMPLES = """
**Examples**

`normwise lesson` — then open `lesson.html`

`normwise lesson --record -o mine.html` — after some ten minutes of training
"""

# Beside a page whose runs were trained for it: what they are recorded in.
SUFFIX = ".json.gz"


def lesson(
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")] = Path(
        "lesson.html"
    ),
    *,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="Train all runs again, which takes some ten minutes on two cores. Default: the "
            "recording that normwise ships.",
        ),
    ] = False,
) -> None:
    """Write a page that teaches batch normalisation, to play with; it needs no network.

    The layer by hand; then a deep network from the inside, a boundary that grows, and statistics
    that lag: recorded training, played back epoch by epoch; and why it helps. With --record, the
    recording is written beside the page.
    """
    from normwise.lesson import shipped, write_lesson, write_recording

    _check(out)
    recording = _recorded() if record else shipped()
    files = [write_lesson(recording, out)]
    if record:
        files.append(write_recording(recording, out.with_suffix(SUFFIX)))
    print(f"Written: {', '.join(map(str, files))}")


def _recorded() -> dict[str, object]:
    from normwise.lesson import record

    require_jax()
    with step_progress("recording") as tell:
        return record(tell)


def _check(out: Path) -> None:
    """Refuse what no browser would open as a page, before anything trains."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise SpecError(
            f"--out is {str(out)!r}; expected a file that a browser opens; try --out "
            f"{out.with_suffix('.html').name or 'lesson.html'}"
        )
