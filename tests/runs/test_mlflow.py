"""MLflow's experiments: read from a database and from a folder, written by its own client."""

import contextlib
import sqlite3

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from normwise.domain import RunKey, RunRecord
from normwise.errors import DataError, UnknownNameError
from normwise.runs import ColumnNames, export, runs_of

# How MLflow's database is described to SQLAlchemy 2.1.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

CURVE = (0.9, 0.5, 0.25)


def log(client, experiment, name, params, metrics):
    run = client.create_run(experiment, run_name=name).info.run_id
    for key, value in params.items():
        client.log_param(run, key, value)
    for metric, values in metrics.items():
        for step, value in values:
            client.log_metric(run, metric, value, step=step, timestamp=len(values) + step)
    client.set_terminated(run)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A database with two experiments, made in memory: on a disk that takes ten seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    memory = "file:runs?mode=memory&cache=shared"
    whole = sqlite3.connect(memory, uri=True)
    client = MlflowClient(f"sqlite:///{memory}&uri=true")
    mine, other = (client.create_experiment(name) for name in ("mine", "other"))
    for variant in ("none", "bn"):
        for seed in (0, 1):
            values = [(step, value + seed) for step, value in enumerate(CURVE)]
            params = {"norm_layer": variant, "seed": seed, "dropout": 0.5, "lr": 0.1}
            log(client, mine, "run", params, {"val/loss": values, "train/loss": values})
    for seed in (0, 1):
        log(client, other, f"bn-seed{seed}", {}, {"val_loss": [(0, value) for value in CURVE]})
    with contextlib.closing(sqlite3.connect(path)) as own:
        whole.backup(own)
    whole.close()
    return path


def test_params_say_what_a_run_is(store, read):
    found = runs_of(read(f"{store}#mine", columns=ColumnNames(variant="norm_layer")), "val_loss")
    assert [(one.key.variant, one.key.seed, one.learning_rate) for one in found.records] == [
        ("none", 0, 0.1), ("none", 1, 0.1), ("bn", 0, 0.1), ("bn", 1, 0.1)
    ]  # fmt: skip
    assert found.records[3].curves == {"val_loss": (1.9, 1.5, 1.25), "loss": (1.9, 1.5, 1.25)}


def test_a_name_says_it_otherwise_and_the_order_where_there_is_no_step(store, read):
    found = runs_of(read(f"sqlite:///{store}#other"), "val_loss")
    assert [(one.key.variant, one.key.seed) for one in found.records] == [("bn", 0), ("bn", 1)]
    assert sorted(found.records[0].curves["val_loss"]) == sorted(CURVE)


def test_the_store_that_mlflow_has_set(store, read):
    mlflow.set_tracking_uri(f"sqlite:///{store}")
    try:
        assert len(read("mlflow:other").frame) == 6
    finally:
        mlflow.set_tracking_uri(None)


def test_a_folder_of_files(read, tmp_path, monkeypatch):
    with monkeypatch.context() as allowed:
        allowed.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        client = MlflowClient((tmp_path / "mlruns").as_uri())
        experiment = client.create_experiment("mine")
        log(client, experiment, "bn-3", {}, {"loss": [*enumerate(CURVE, start=1)]})
    [found] = runs_of(read(tmp_path / "mlruns"), "loss").records
    assert (found.key.variant, found.key.seed, found.curves["loss"]) == ("bn", 3, CURVE)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("", DataError, r"holds 2 experiments with runs \('.*', '.*'\); expected one"),
        ("#min", UnknownNameError, "unknown experiment 'min'; .*did you mean 'mine'"),
        ("#Default", DataError, "the experiment 'Default' has no run with a metric"),
    ],
)
def test_an_experiment_that_is_not_named_or_not_there(store, read, name, error, message):
    with pytest.raises(error, match=message):
        read(f"{store}{name}")


def test_a_file_that_is_not_there(read, tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read(str(tmp_path / "mlflow.db"))
    (tmp_path / "mlflow.db").write_text("no database")
    with pytest.raises(DataError, match="MLflow cannot read"):
        read(str(tmp_path / "mlflow.db"))


def test_mlflows_own_client_finds_every_value(tmp_path):
    records = [
        RunRecord(RunKey(variant, 3, ""), 0.1, {"loss": CURVE, "val_loss": CURVE}, batch_size=32)
        for variant in ("none", "before")
    ]
    path = export(records, "mlflow", tmp_path, "my study")
    client = MlflowClient(f"sqlite:///{path}")
    [experiment] = [one for one in client.search_experiments() if one.name == "my study"]
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.params["variant"] for run in runs) == ["before", "none"]
    for run in runs:
        assert run.data.params == {
            "variant": run.data.params["variant"], "seed": "3", "learning_rate": "0.1", "batch_size": "32"
        }  # fmt: skip
        history = client.get_metric_history(run.info.run_id, "val_loss")
        assert [(one.step, one.value) for one in history] == [*enumerate(CURVE, start=1)]
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
