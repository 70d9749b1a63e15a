"""What SIGKILL costs: a study killed at random moments, run again, against an undisturbed one.

One third of the kills come before the journal has a line (imports, data, compiling), one third at a
random line of it (training, checking, timing), one third after all lines but the last (drawing,
writing the results).

    python benchmarks/kills.py circles                                # about six minutes
    python benchmarks/kills.py digits-cnn --seeds 2 --epochs 4        # about fifteen

All that stands behind the study's name is passed on to ``normwise study``. Each line says what the
journal said last when the process was killed; whether, after the same command again,
``summary.json`` and ``curves.parquet`` are those of the undisturbed study, number by number, times
apart, and ``best.keras`` has the same weights; how many segments were trained twice; and whether
the folder holds the same files. Exits with 1 where anything of it fails.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import pyarrow.parquet as pq

# How a verdict says what its epochs come to.
IN_SECONDS = re.compile(
    r", (?:[\d.e+-]+ times in seconds|but in seconds only [\d.e+-]+ times as fast, since an epoch "
    r"takes [\d.e+-]+ times as long)"
)
# A start without anything compiled takes longer than one that is killed and goes on.
WARM = 2
# Seconds between two looks at a journal.
POLL = 0.005
# Files that a study has as soon as it trains.
BEGUN = {"spec.toml", "journal.jsonl", ".lock"}


def main() -> None:
    """Kill, go on, compare; print each and the sum."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--random", type=int, help="what the moments are drawn from")
    options, study = parser.parse_known_args()
    draw = random.Random(options.random)  # noqa: S311 (no secret)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for number in range(WARM):
            watched = Undisturbed(
                command(study, root / f"whole-{number}"), root / f"whole-{number}"
            )
        whole = Outcome(root / "whole-0")
        print(
            f"undisturbed: {watched.lines} lines, {watched.reporting:.1f} s after the last but one"
        )
        found = []
        for number in range(options.kills):
            folder = root / f"killed-{number}"
            said = killed(command(study, folder), folder, *watched.moment(number % 3, draw))
            again = run(command(study, folder))
            faults = differences(again, folder, whole)
            twice = sum(count - 1 for count in segments_of(folder).values())
            found.append((not faults, twice))
            print(f"{said}: {', '.join(faults) or 'equal'}; {twice} twice", flush=True)
    equal, most = sum(fine for fine, _ in found), max(twice for _, twice in found)
    print(f"{equal} of {len(found)} equal; at most {most} segment(s) trained twice")
    sys.exit(equal < len(found) or most > 1)


def command(study: list[str], folder: Path) -> list[str]:
    """As a user types it."""
    return [sys.executable, "-m", "normwise", "study", *study, "--out", str(folder), "--json"]


def run(typed: list[str]) -> subprocess.CompletedProcess[str]:
    """The command to its end."""
    return subprocess.run(typed, check=False, capture_output=True, text=True)


class Undisturbed:
    """A study that runs to its end, and when it writes its journal.

    Args:
        typed: The command.
        folder: The study's.

    Attributes:
        preparing: Seconds before the journal's first line.
        lines: How many lines it has in the end.
        reporting: Seconds after the last line but one, in which the results are written.
    """

    def __init__(self, typed: list[str], folder: Path) -> None:
        started, times = time.perf_counter(), list[float]()
        with subprocess.Popen(typed, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                times += [time.perf_counter()] * (lines_of(folder) - len(times))
                time.sleep(POLL)
        ended = time.perf_counter()
        times += [ended] * (lines_of(folder) - len(times))
        self.preparing, self.lines = times[0] - started, len(times)
        self.reporting = ended - times[-2]

    def moment(self, phase: int, draw: random.Random) -> tuple[int, float]:
        """Lines of the journal to wait for, and seconds after them."""
        if phase == 0:
            return 0, draw.uniform(0, self.preparing)
        if phase == 1:
            return draw.randint(1, self.lines - 2), draw.uniform(0, 2 * POLL)
        return self.lines - 1, draw.uniform(0, self.reporting)


def killed(typed: list[str], folder: Path, lines: int, delay: float) -> str:
    """Kill a study so many seconds after so many lines; what it was at, by its journal."""
    with subprocess.Popen(typed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while lines_of(folder) < lines and process.poll() is None:
            time.sleep(POLL)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
    events = journal(folder)
    files = sorted(path.name for path in folder.iterdir() if path.is_file()) if events else []
    said = f"{len(events)} lines, last {events[-1]['event']}" if events else "nothing written"
    return " ".join([said, *(name for name in files if name not in BEGUN)])


def lines_of(folder: Path) -> int:
    """How many whole lines the journal has."""
    path = folder / "journal.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def journal(folder: Path) -> list[dict[str, Any]]:
    """The events of a folder; a torn last line is left out."""
    path = folder / "journal.jsonl"
    text = path.read_text("utf-8") if path.exists() else "\n"
    return [json.loads(line) for line in text[: text.rfind("\n")].splitlines()]


def segments_of(folder: Path) -> Counter[tuple[str, int, str]]:
    """How often each segment of each stack was trained."""
    return Counter(
        (event["variant"], event["first"], json.dumps(event["runs"]))
        for event in journal(folder)
        if event["event"] == "segment"
    )


class Outcome:
    """What a study leaves behind, times apart.

    Args:
        folder: The study's.

    Attributes:
        summary: Content of ``summary.json``.
        curves: Content of ``curves.parquet``.
        weights: Those of ``best.keras``, name to bytes.
        files: Names of all files but those that number the starts.
    """

    def __init__(self, folder: Path) -> None:
        self.summary = without_times(json.loads((folder / "summary.json").read_text("utf-8")))
        # As text: what is not a number equals itself there.
        self.curves = repr(pq.read_table(folder / "curves.parquet").to_pydict())
        self.weights = weights(folder / "best.keras")
        files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        self.files = sorted(str(path) for path in files if path.parent.name != "segments")


def differences(again: subprocess.CompletedProcess[str], folder: Path, whole: Outcome) -> list[str]:
    """What is not as it would have been."""
    if again.returncode:
        return [again.stderr.strip()[-300:]]
    outcome = Outcome(folder)
    return [name for name in vars(whole) if getattr(outcome, name) != getattr(whole, name)]


def weights(path: Path) -> dict[str, bytes]:
    """The weights in a model's file, if there is one."""
    if not path.exists():
        return {}
    found = {}
    with zipfile.ZipFile(path) as archive:
        memory = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(memory) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()].tobytes()}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def without_times(value: Any) -> Any:
    """A summary without what a clock put into it."""
    if isinstance(value, dict):
        timed = ("seconds", "cost")
        return {
            key: without_times(part)
            for key, part in value.items()
            if not any(word in key for word in timed)
        }
    if isinstance(value, list):
        return [without_times(part) for part in value]
    return IN_SECONDS.sub("", value) if isinstance(value, str) else value


if __name__ == "__main__":
    main()
