"""Training runs of other tools: what reads them, one format a file, and what writes them.

Whatever their form, they become one long table (:mod:`normwise.runs.long_table`), and that one
record a run (:mod:`normwise.runs.records`).
"""

from normwise.runs.columns import ColumnNames
from normwise.runs.exporting import EXPORTS, check_export, export
from normwise.runs.metric_names import keras_name
from normwise.runs.reading import RunOptions, read_runs
from normwise.runs.records import Runs, cut, runs_of

__all__ = [
    "EXPORTS",
    "ColumnNames",
    "RunOptions",
    "Runs",
    "check_export",
    "cut",
    "export",
    "keras_name",
    "read_runs",
    "runs_of",
]
