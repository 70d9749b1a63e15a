"""`normwise diagnose`: what the statistics of a model that is there do to it."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from normwise.backend import require_jax
from normwise.datasets import Given, TableOptions
from normwise.errors import ModelError, SpecError
from normwise.files import replacing

__all__ = ["diagnose_file"]

# Examples that leakage is looked for in: a batch, and those that take their places.
EXAMPLES = 32


def diagnose_file(
    model: Path,
    data: str,
    *,
    table: TableOptions,
    batch_size: int,
    out: str | None,
    as_json: bool,
    unsafe: bool,
) -> None:
    """Take the gap of the model in a file apart, write it down, and say what it comes to.

    Raises:
        UsageError: The model, the data or the output cannot be used.
    """
    require_jax()
    from rich.console import Console

    from normwise.modelfile import load_model
    from normwise.report import Artist, gap_figure, gap_sentence, print_gap
    from normwise.rewrite.intake import given_to

    folder = _folder(out, model, " ".join([data, *_options(table), str(batch_size)]))
    with Artist() as artist:
        loaded = load_model(model, unsafe=unsafe)
        found = _found(loaded, given_to(loaded, data, table), batch_size, quiet=as_json)
        text = json.dumps(found, indent=2) + "\n"
        with replacing(folder / "gap.json") as beside:
            beside.write_text(text, "utf-8")
        picture = artist.draw(gap_figure(found, gap_sentence(found)))
    with replacing(folder / "gap.png") as beside:
        beside.write_bytes(picture)
    if as_json:
        sys.stdout.write(text)
        return
    files = [str(folder / name) for name in ("gap.json", "gap.png")]
    again = _recalibrate(model, data, table)
    print_gap(found, Console(), files=files, recalibrate=again)


def _found(model: Any, given: Given, batch_size: int, *, quiet: bool) -> dict[str, Any]:
    """The content of ``gap.json``."""
    from normwise.diagnose import gap, leakage
    from normwise.progress import stepping
    from normwise.rewrite.feeding import rows

    with stepping("diagnosing", quiet=quiet) as on_step:
        found = gap(model, given, batch_size=batch_size, on_step=on_step).summary()
    try:
        leak = leakage(model, Given(rows(given.x, slice(EXAMPLES))))
    except ModelError as error:  # an output without a row for each example: the rest still holds
        return {**found, "leakage": None, "notes": [*found["notes"], f"Leakage: {error}."]}
    return {**found, "leakage": {**asdict(leak), "leaks": leak.leaks}}


def _folder(out: str | None, model: Path, rest: str) -> Path:
    if out is not None and not out.strip():
        raise SpecError(
            f"--out is {out!r}; expected a folder; try --out my-model, or leave --out out"
        )
    if out is not None:
        return Path(out)
    digest = hashlib.sha256(f"{model.resolve()} {rest}".encode()).hexdigest()[:8]
    return Path("normwise-out") / f"{model.stem}-{digest}"


def _options(table: TableOptions) -> list[str]:
    """How the table is read, as it is typed."""
    given = {f"--{name.replace('_', '-')}": value for name, value in asdict(table).items()}
    return [word for name, value in given.items() if value is not None for word in (name, value)]


def _recalibrate(model: Path, data: str, table: TableOptions) -> str:
    out = model.with_name(f"{model.stem}-recalibrated{model.suffix}")
    words = [
        "normwise",
        "recalibrate",
        str(model),
        "--data",
        data,
        *_options(table),
        "-o",
        str(out),
    ]
    return shlex.join(words)
