"""Event files of TensorBoard: read by its own accumulator, written by its own writer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from normwise.domain import RunRecord
from normwise.errors import DataError
from normwise.files import writing
from normwise.runs.columns import says_something, says_variant
from normwise.runs.csv_folder import check_apart, with_names
from normwise.runs.curve_columns import finished
from normwise.runs.extras import require_extra
from normwise.runs.run_names import by_pattern, named, said_by

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["event_folders", "read_tensorboard", "write_tensorboard"]

# What Keras' callback calls its two folders, and what stands before their metrics then.
_PARTS = {"train": "", "validation": "val_"}
_HPARAMS = "_hparams_/session_start_info"
# Of a series all points, not a sample of them.
_ALL = {"scalars": 0, "tensors": 0}


def event_folders(folder: Path) -> list[Path]:
    """The folders in which event files lie, in the order of their names."""
    return sorted({path.parent for path in folder.rglob("*tfevents*") if path.is_file()})


def read_tensorboard(folder: Path, pattern: str | None = None) -> tuple[pd.DataFrame, str]:
    """The scalars below a folder as a long table, a run for each folder with event files.

    Args:
        folder: Where.
        pattern: How a run's path below the folder says variant and seed; recognised unless given,
            or the run's hyperparameters say them.

    Returns:
        The table, and a sentence on what the runs' names or hyperparameters say.

    Raises:
        DataError: TensorBoard is not installed; there are no scalars; two runs are of one variant
            and seed.
    """
    import pandas as pd

    require_extra("tensorboard")
    places = {path.relative_to(folder).as_posix(): path for path in event_folders(folder)}
    runs: dict[str, _Run] = {}
    for path, place in places.items():
        found = _read(place)
        own, series = _belonging(path, found, places)
        run = runs.setdefault(own, _Run())
        run.series.extend(series)
        run.hyperparameters.update(found.hyperparameters)
    tables = {
        path: pd.concat(run.series, axis="columns").rename_axis("step").reset_index()
        for path, run in runs.items()
        if run.series
    }
    if not tables:
        raise DataError(
            f"the event files in {str(folder)!r} hold no scalars; expected metrics, such as "
            f"add_scalar writes; check the folder"
        )
    return _with_what_they_are(tables, runs, pattern)


@dataclass
class _Run:
    """What was logged in a folder.

    Attributes:
        series: Each metric by step, with its name.
        hyperparameters: Name to value.
    """

    series: list[pd.Series] = field(default_factory=list)
    hyperparameters: dict[str, Any] = field(default_factory=dict)


def _belonging(path: str, found: _Run, places: Mapping[str, Path]) -> tuple[str, list[pd.Series]]:
    """The run that a folder is of, and its metrics with the names that they have there.

    Keras' callback has a folder for each part of the data; torch's writer has one below the run's
    for each curve of `add_scalars`, which it names ``METRIC_CURVE``, and for `add_hparams`.
    """
    above, _, name = path.rpartition("/")
    above = above or "."
    if name in _PARTS:
        return above, [one.rename(f"{_PARTS[name]}{one.name}") for one in found.series]
    if above not in places or path == ".":
        return path, found.series
    if found.hyperparameters:
        return above, []
    stems = [f"{str(one.name).replace('/', '_')}_" for one in found.series]
    if stems and all(map(name.startswith, stems)):
        return above, [one.rename(name) for one in found.series]
    return path, found.series


def _read(place: Path) -> _Run:
    """The scalars and hyperparameters of a folder."""
    import pandas as pd
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    events = EventAccumulator(str(place), size_guidance=_ALL)
    events.Reload()
    found: dict[str, dict[int, float]] = {
        tag: {event.step: event.value for event in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }
    for tag in events.Tags()["tensors"]:
        kind = events.SummaryMetadata(tag).plugin_data.plugin_name
        # TensorFlow's writer, which Keras' callback uses, has scalars as tensors.
        if kind == "scalars" and "_vs_iterations" not in tag:
            found[tag.removeprefix("epoch_")] = {
                event.step: float(tensor_util.make_ndarray(event.tensor_proto))
                for event in events.Tensors(tag)
            }
    series = [pd.Series(one, name=tag, dtype="float64") for tag, one in found.items()]
    return _Run(series, _hyperparameters(events))


def _hyperparameters(events: Any) -> dict[str, Any]:
    from tensorboard.plugins.hparams import plugin_data_pb2

    try:
        content = events.PluginTagToContent("hparams").get(_HPARAMS)
    except KeyError:  # there is no such plugin in this folder
        return {}
    data = plugin_data_pb2.HParamsPluginData.FromString(content) if content else None
    given = data.session_start_info.hparams if data else {}
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in given.items()}


def _with_what_they_are(
    tables: Mapping[str, pd.DataFrame], runs: Mapping[str, _Run], pattern: str | None
) -> tuple[pd.DataFrame, str]:
    """One table of all runs, with what their hyperparameters say of them, or else their paths."""
    import pandas as pd

    known = {
        path: {
            name: value
            for name, value in runs[path].hyperparameters.items()
            if says_something(name) and name not in table.columns
        }
        for path, table in tables.items()
    }
    if pattern is None and all(any(map(says_variant, one)) for one in known.values()):
        frames = [table.assign(run=path, **known[path]) for path, table in tables.items()]
        return pd.concat(frames, ignore_index=True), ""
    paths = list(tables)
    said = by_pattern(pattern, paths) if pattern else named(paths)
    check_apart(said, paths)
    frames = [
        with_names(tables[path].assign(**known[path]), name)
        for path, name in zip(paths, said, strict=True)
    ]
    return pd.concat(frames, ignore_index=True), said_by(paths, said)


def write_tensorboard(records: Sequence[RunRecord], folder: Path) -> None:
    """Write an event file for each run, in a folder of its own, with its hyperparameters.

    Args:
        records: The runs.
        folder: Replaced as a whole.

    Raises:
        DataError: TensorBoard is not installed.
        StoreError: The folder cannot be written.
    """
    require_extra("tensorboard")
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    with writing(folder):
        try:
            for record in records:
                _write_run(finished(record), beside / _path(record, records))
            shutil.rmtree(folder, ignore_errors=True)
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _path(record: RunRecord, records: Sequence[RunRecord]) -> Path:
    """``VARIANT/seed3``, with the point of the grid between them where there are several."""
    points = {one.condition for one in records}
    between = [quote(str(record.condition), safe=" ,._")] if len(points) > 1 else []
    return Path(quote(record.key.variant, safe="+=,. "), *between, f"seed{record.key.seed}")


def _write_run(record: RunRecord, place: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import summary_v2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    place.mkdir(parents=True)
    writer = EventFileWriter(str(place))
    given = {
        "variant": record.key.variant,
        "seed": record.key.seed,
        "learning_rate": record.learning_rate,
        "batch_size": record.batch_size,
        "initializer": record.initializer,
        "depth": record.depth,
    }
    known = {name: value for name, value in given.items() if value is not None}
    writer.add_event(Event(summary=summary_v2.hparams_pb(known)))
    for epoch in range(1, record.epochs + 1):
        values = [
            Summary.Value(tag=metric, simple_value=curve[epoch - 1])
            for metric, curve in record.curves.items()
        ]
        writer.add_event(Event(step=epoch, summary=Summary(value=values)))
    writer.close()
