"""Event files of TensorBoard: read by its own accumulator, written by its own writer."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from normwise.domain import RunRecord
from normwise.errors import DataError
from normwise.files import writing
from normwise.runs.csv_folder import check_apart, with_names
from normwise.runs.curve_columns import finished
from normwise.runs.run_names import RunName, by_pattern, named, said_by

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["event_folders", "read_tensorboard", "require_tensorboard", "write_tensorboard"]

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

    require_tensorboard()
    runs = _runs(folder)
    tables: dict[str, pd.DataFrame] = {}
    hyper: dict[str, dict[str, Any]] = {}
    for path, parts in runs.items():
        series = [one for prefix, place in parts for one in _series(place, prefix, hyper, path)]
        if series:
            tables[path] = pd.concat(series, axis="columns").rename_axis("step").reset_index()
    if not tables:
        raise DataError(
            f"the event files in {str(folder)!r} hold no scalars; expected metrics, such as "
            f"add_scalar writes; check the folder"
        )
    said = _names(list(tables), hyper, pattern)
    frames = [with_names(table, name) for table, name in zip(tables.values(), said, strict=True)]
    return pd.concat(frames, ignore_index=True), said_by(list(tables), said)


def require_tensorboard() -> None:
    """See whether the library is there.

    Raises:
        DataError: It is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise DataError(
            "event files need TensorBoard, which is not installed; expected the extra "
            "'tensorboard'; try pip install 'normwise[tensorboard]'"
        )


def _runs(folder: Path) -> dict[str, list[tuple[str, Path]]]:
    """Path of each run to the folders of its parts, with what stands before their metrics."""
    runs: dict[str, list[tuple[str, Path]]] = {}
    for place in event_folders(folder):
        is_part = place.name in _PARTS and place != folder
        run = (place.parent if is_part else place).relative_to(folder).as_posix()
        runs.setdefault(run, []).append((_PARTS[place.name] if is_part else "", place))
    return runs


def _series(
    place: Path, prefix: str, hyper: dict[str, dict[str, Any]], run: str
) -> Iterator[pd.Series]:
    """The scalars of a folder, by step; what its hyperparameters are goes into ``hyper``."""
    import pandas as pd
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    events = EventAccumulator(str(place), size_guidance=_ALL)
    events.Reload()
    hyper.setdefault(run, {}).update(_hyperparameters(events))
    for tag in events.Tags()["scalars"]:
        found = {event.step: event.value for event in events.Scalars(tag)}
        yield pd.Series(found, name=prefix + tag, dtype="float64")
    for tag in events.Tags()["tensors"]:
        metadata = events.SummaryMetadata(tag)
        # TensorFlow's writer, which Keras' callback uses, has scalars as tensors.
        if metadata.plugin_data.plugin_name == "scalars" and "_vs_iterations" not in tag:
            values = {
                event.step: float(tensor_util.make_ndarray(event.tensor_proto))
                for event in events.Tensors(tag)
            }
            name = prefix + tag.removeprefix("epoch_")
            yield pd.Series(values, name=name, dtype="float64")


def _hyperparameters(events: Any) -> dict[str, Any]:
    from tensorboard.plugins.hparams import plugin_data_pb2

    try:
        content = events.PluginTagToContent("hparams").get(_HPARAMS)
    except KeyError:  # there is no such plugin in this folder
        return {}
    data = plugin_data_pb2.HParamsPluginData.FromString(content) if content else None
    given = data.session_start_info.hparams if data else {}
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in given.items()}


def _names(
    paths: Sequence[str], hyper: Mapping[str, Mapping[str, Any]], pattern: str | None
) -> list[RunName]:
    """What each run's hyperparameters say, or else its path."""
    if pattern is None and all("variant" in hyper[path] for path in paths):
        return [_of_hyperparameters(hyper[path]) for path in paths]
    said = by_pattern(pattern, paths) if pattern else named(paths)
    check_apart(said, paths)
    return said


def _of_hyperparameters(given: Mapping[str, Any]) -> RunName:
    others = {name: str(value) for name, value in given.items() if name not in ("variant", "seed")}
    seed = given.get("seed")
    return RunName(str(given["variant"]), None if seed is None else f"{seed:g}", others)


def write_tensorboard(records: Sequence[RunRecord], folder: Path) -> None:
    """Write an event file for each run, in a folder of its own, with its hyperparameters.

    Args:
        records: The runs.
        folder: Replaced as a whole.

    Raises:
        DataError: TensorBoard is not installed.
        StoreError: The folder cannot be written.
    """
    require_tensorboard()
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
