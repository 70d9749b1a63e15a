"""How much a study trained, in a line."""

from __future__ import annotations

from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]


def build(results: StudyResults) -> Section:
    """The runs by what tells them apart, and how long and in which batches each one trained."""
    runs, settings = results.records, results.settings
    points = len({run.condition for run in runs})
    counts = [
        (len(results.variants), "variant"),
        *([(points, "point")] if points > 1 else []),
        (len({run.key.seed for run in runs}), "seed"),
    ]
    by = " × ".join(_counted(count, name) for count, name in counts)
    each = [
        *([f"{_counted(settings['epochs'], 'epoch')} each"] if "epochs" in settings else []),
        *([f"batch size {settings['batch_size']}"] if "batch_size" in settings else []),
    ]
    return Section("Runs", text=("; ".join([f"{len(runs)}, of {by}", *each]) + ".",))


def _counted(count: int | str, name: str) -> str:
    return f"{count} {name}{'' if str(count) == '1' else 's'}"
