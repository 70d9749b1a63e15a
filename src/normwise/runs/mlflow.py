"""Runs of an MLflow experiment: read and written by MLflow's own client."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sqlite3
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normwise.domain import RunRecord
from normwise.errors import DataError, UnknownNameError, in_words, listed
from normwise.files import writing
from normwise.runs.columns import ColumnNames, says_something
from normwise.runs.curve_columns import finished
from normwise.runs.extras import require_extra

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_mlflow", "is_mlflow_folder", "read_mlflow", "write_mlflow"]

_NAMED = "mlflow:"
_SCHEMES = (
    "http://",
    "https://",
    "sqlite://",
    "postgresql://",
    "mysql://",
    "mssql://",
    "databricks",
)
_DATABASES = (".db", ".sqlite", ".sqlite3")
# What a request to a store may hold.
_MOST = 1000


def is_mlflow(source: str) -> bool:
    """Whether a text names an experiment or a store, rather than a path.

    >>> is_mlflow("mlflow:my experiment"), is_mlflow("sqlite:///mlflow.db"), is_mlflow("runs.csv")
    (True, True, False)
    """
    return source.startswith((_NAMED, *_SCHEMES)) or _without_experiment(source).endswith(
        _DATABASES
    )


def _without_experiment(source: str) -> str:
    return source.partition("#")[0]


def is_mlflow_folder(folder: Path) -> bool:
    """Whether a folder is a store of files, as MLflow wrote them into ``mlruns``."""
    return any(folder.glob("*/meta.yaml"))


def read_mlflow(source: str | Path, names: ColumnNames) -> pd.DataFrame:
    """The metrics of an experiment's runs as a long table, with what else may tell runs apart.

    Args:
        source: ``mlflow:EXPERIMENT``, in the store that MLflow's own settings name; a tracking URI,
            a database file or a folder, with ``#EXPERIMENT`` where it holds several.
        names: Params or tags that were named.

    Raises:
        DataError: MLflow is not installed; the store does not answer; no run has a metric.
        UnknownNameError: There is no such experiment.
    """
    import pandas as pd

    require_extra("mlflow")
    address, experiment = _address(source)
    try:
        with _quiet():
            client = _client(address)
            chosen = _experiment(client, experiment, str(source))
            runs = list(_runs(client, chosen.experiment_id))
            tables = [table for run in runs if (table := _metrics(client, run)) is not None]
    except (DataError, UnknownNameError):
        raise
    except Exception as error:  # noqa: BLE001 - MLflow's own, its database's, its transport's
        raise DataError(
            f"MLflow cannot read {str(source)!r} ({in_words(error)}); expected a store of runs; "
            f"try mlflow:EXPERIMENT, a tracking URI, or the path of mlflow.db"
        ) from None
    if not tables:
        raise DataError(
            f"the experiment {chosen.name!r} has no run with a metric; expected runs with metrics "
            f"logged at each epoch; try {_others(client, chosen.name)}"
        )
    frame = pd.concat(tables, ignore_index=True)
    wanted = {name for name in (names.variant, names.seed) if name}
    return _with_parameters(frame, runs, wanted)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let MLflow say nothing of how it opens a store, and read stores of files at all."""
    importlib.import_module("mlflow")  # sets its logger up
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    variable = "MLFLOW_ALLOW_FILE_STORE"
    before = os.environ.get(variable)
    os.environ[variable] = "true"
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if before is None:
            del os.environ[variable]


def _address(source: str | Path) -> tuple[str | None, str]:
    """The tracking URI (``None``: MLflow's own setting) and the experiment's name, if one is named.

    >>> _address("mlflow:a"), _address("http://host:5000#b")
    ((None, 'a'), ('http://host:5000', 'b'))
    """
    text = str(source)
    if text.startswith(_NAMED):
        return None, text.removeprefix(_NAMED)
    place, _, experiment = text.partition("#")
    if place.startswith(_SCHEMES):
        return place, experiment
    if not Path(place).exists():
        raise DataError(f"there is no file {place!r}; expected a store of MLflow's; check the path")
    path = Path(place).resolve()
    return (path.as_uri() if path.is_dir() else f"sqlite:///{path.as_posix()}"), experiment


def _client(address: str | None) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=address)


def _experiment(client: Any, name: str, source: str) -> Any:
    """The experiment of a name, or the only one that has runs."""
    there = list(client.search_experiments())
    if name:
        found = next((one for one in there if one.name == name), None)
        if found is None:
            kind = "experiment"
            raise UnknownNameError(kind, name, [one.name for one in there])
        return found
    used = [one for one in there if client.search_runs([one.experiment_id], max_results=1)]
    if len(used) != 1:
        names = listed([repr(one.name) for one in used or there])
        raise DataError(
            f"{source!r} holds {len(used)} experiments with runs ({names}); expected one to be "
            f"named; try {source}#NAME"
        )
    return used[0]


def _others(client: Any, name: str) -> str:
    others = [one.name for one in client.search_experiments() if one.name != name]
    return f"another experiment of {listed(others)}" if others else "logging metrics"


def _runs(client: Any, experiment: str) -> Iterator[Any]:
    """All runs of an experiment, the first one first."""
    token = None
    while True:
        page = client.search_runs(
            [experiment], order_by=["attributes.start_time ASC"], page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def _metrics(client: Any, run: Any) -> pd.DataFrame | None:
    """A run's metrics by step; ``None`` where it has none."""
    import pandas as pd

    series = [_series(client, run.info.run_id, metric) for metric in sorted(run.data.metrics)]
    if not series:
        return None
    found = pd.concat(series, axis="columns").sort_index().rename_axis("step").reset_index()
    return found.assign(run_id=run.info.run_id)


def _series(client: Any, run: str, metric: str) -> pd.Series:
    import pandas as pd

    points = sorted(
        client.get_metric_history(run, metric), key=lambda one: (one.step, one.timestamp)
    )
    steps = [one.step for one in points]
    if len(steps) > 1 and len({*steps}) == 1:
        steps = list(range(1, len(steps) + 1))  # logged without a step: their order counts
    found = dict(zip(steps, [one.value for one in points], strict=True))
    return pd.Series(found, name=metric, dtype="float64")


def _with_parameters(frame: pd.DataFrame, runs: Sequence[Any], wanted: set[str]) -> pd.DataFrame:
    """The table with each run's params and tags that may say what it is, and with its name."""
    said: dict[str, dict[str, str]] = {}
    for run in runs:
        own = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}
        said[run.info.run_id] = {**own, **run.data.params}
    keys = dict.fromkeys(key for one in said.values() for key in one)
    for key in keys:
        if key not in frame.columns and (key in wanted or says_something(key)):
            frame[key] = [said[run].get(key) for run in frame["run_id"]]
    names = {run.info.run_id: run.info.run_name or run.info.run_id for run in runs}
    if len({*names.values()}) < len(names):
        names = {run: run for run in names}
    run = frame.pop("run_id").map(names)
    return frame.assign(run=run)


def write_mlflow(records: Sequence[RunRecord], path: Path, experiment: str) -> None:
    """Write a database with an experiment, a run for each record with its params and metrics.

    Args:
        records: The runs.
        path: The database, replaced as a whole: ``mlflow ui --backend-store-uri sqlite:///PATH``.
        experiment: Its name.

    Raises:
        DataError: MLflow is not installed.
        StoreError: The folder cannot be written.
    """
    require_extra("mlflow")
    place = (path.parent / "mlflow-artifacts").resolve().as_uri()
    # MLflow keeps a database open until the process ends, and knows it by its name: the one that
    # is read later is therefore never the one that is written here.
    memory = f"file:{uuid.uuid4()}?mode=memory&cache=shared"
    with closing(sqlite3.connect(memory, uri=True)) as whole:
        with _quiet():
            client = _client(f"sqlite:///{memory}&uri=true")
            identity = client.create_experiment(experiment, artifact_location=place)
            for record in records:
                _write_run(client, identity, finished(record))
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(path)) as own:
                whole.backup(own)


def _write_run(client: Any, experiment: str, record: RunRecord) -> None:
    from mlflow.entities import Metric, Param

    given = {
        "variant": record.key.variant,
        "seed": record.key.seed,
        "learning_rate": record.learning_rate,
        "batch_size": record.batch_size,
        "initializer": record.initializer,
        "depth": record.depth,
    }
    name = f"{record.key.variant}, seed {record.key.seed}"
    run = client.create_run(experiment, run_name=name).info.run_id
    params = [Param(key, str(value)) for key, value in given.items() if value is not None]
    client.log_batch(run, params=params)
    metrics = [
        Metric(metric, value, epoch, epoch)
        for metric, curve in record.curves.items()
        for epoch, value in enumerate(curve, start=1)
    ]
    for first in range(0, len(metrics), _MOST):
        client.log_batch(run, metrics=metrics[first : first + _MOST])
    client.set_terminated(run)
