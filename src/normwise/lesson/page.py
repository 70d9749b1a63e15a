"""The lesson as one HTML file that needs no network."""

from __future__ import annotations

import base64
import os
from importlib import resources
from pathlib import Path
from typing import Any

from normwise.files import replacing
from normwise.lesson.recording import Recording, packed
from normwise.lesson.tries import START, recorded_tries
from normwise.report.colors import class_colors, variant_colors

__all__ = ["write_lesson"]

# The last starts what the others define.
_SCRIPTS = (
    *("numbers", "controls", "drawing"),
    *("hand", "moving"),
    *("deep", "xray", "landscape", "curves", "batches"),
    *("boundary", "lag"),
    "main",
)
_BATCHES = {
    "Six heights in cm": [152, 158, 163, 171, 174, 190],
    "Far from zero": [1001, 1002, 1004, 1005, 1007, 1011],
    "One outlier": [1, 2, 2, 3, 3, 60],
    "All alike": [3, 3, 3, 3, 3, 3],
}
_START = [2, -1, 4, 7, 3, 6]
# Pages of the docs, where the lesson leads on, as they lie beside it in the repository.
_PAGES = (
    "../README.md",
    *("inside.md", "monitor.md", "claims.md"),
    *("studies/README.md", "studies/circles.md", "studies/small-batches.md"),
)


def write_lesson(recording: Recording, path: str | os.PathLike[str]) -> Path:
    """Write the page of a recording, whole or not at all.

    Among normwise's docs it links to their pages; elsewhere it names them.

    Raises:
        StoreError: The folder cannot be written.
    """
    text = _render(recording, linked=_are_beside(Path(path).parent))
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
    return Path(path)


def _render(recording: Recording, *, linked: bool) -> str:
    import jinja2

    deep, circles = recording["deep"], recording["circles"]
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("normwise.lesson", ""),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("lesson.html").render(
        deep=deep,
        circles=circles,
        runs=_runs(deep, circles),
        environment=_in_words(recording["environment"]),
        start=_START,
        batches={"Start again": _START, **_BATCHES},
        gammas=_along(-3, 3, 0.25),
        betas=_along(-3, 3, 0.25),
        epsilon=0.001,
        hand_momenta=[0.0, 0.5, 0.9, 0.99, 0.999],
        hand_steps=[*range(21), *range(25, 101, 5), *range(110, 201, 10)],
        epochs=list(range(1, deep["epochs"] + 1)),
        side=len(circles["runs"][0]["predicted"][0]),
        tries=recorded_tries(deep),
        start_at=START.at,
        linked=linked,
        colors=variant_colors(["none", "before", "after"]),
        # Classes have their colours by name, as in a report: "inner", then "outer".
        classes=class_colors(2),
        css=_file("lesson.css"),
        javascript="\n".join(_file(f"js/{name}.js") for name in _SCRIPTS),
        recording=base64.b64encode(packed(recording)).decode(),
    )


def _runs(deep: Any, circles: Any) -> int:
    """How many runs were trained: each momentum is one of its own."""
    of_deep = sum(1 + len(run["with"]["moving"]) for run in deep["runs"])
    return of_deep + len(circles["runs"]) + len(circles["lag"]) - 1


def _are_beside(folder: Path) -> bool:
    """Whether a page in a folder is among the docs, so that its links lead somewhere."""
    return all((folder / page).is_file() for page in _PAGES)


def _in_words(environment: dict[str, str]) -> str:
    named = [f"{name} {version}" for name, version in environment.items() if name != "machine"]
    return f"{', '.join(named)} on {environment['machine']}"


def _along(first: float, last: float, step: float) -> list[float]:
    return [first + step * number for number in range(round((last - first) / step) + 1)]


def _file(name: str) -> str:
    return (resources.files("normwise.lesson") / name).read_text("utf-8")
