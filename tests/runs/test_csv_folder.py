"""A folder with a file a run: Keras' CSVLogger, and what others name such files."""

import keras
import numpy as np
import pytest

from normwise.errors import DataError
from normwise.runs import runs_of

IN_KERAS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def write(frame, folder, form, **options):
    for (variant, seed), rows in frame.groupby(["variant", "seed"]):
        path = folder / form.format(v=variant, s=seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.drop(columns=["variant", "seed"]).to_csv(path, index=False, **options)


@pytest.mark.parametrize(
    "form", ["{v}/{s}.csv", "{v}-seed{s}.csv", "{v}_{s}.log", "{v}/version_{s}/metrics.csv"]
)
def test_the_paths_say_variant_and_seed(curves, read, tmp_path, form):
    frame = curves()
    write(frame, tmp_path / "logs", form, sep=";")
    found = read(tmp_path / "logs").frame.sort_values(["variant", "seed", "place"])
    wanted = read(frame).frame.sort_values(["variant", "seed", "place"])
    columns = ["variant", "seed", "place", "loss", "val_accuracy"]
    assert found[columns].to_numpy().tolist() == wanted[columns].to_numpy().tolist()


def test_a_pattern_names_the_parts(curves, read, tmp_path):
    write(curves(), tmp_path, "{s}-of-5/x{v}x.csv")
    table = read(tmp_path, pattern="{seed}-of-{}/x{variant}x.csv")
    assert table.notes[0] == "Names say what runs are: '0-of-5/xbnx.csv' is variant 'bn', seed 0."
    assert {*table.frame["variant"]} == {"none", "bn"}
    assert {*table.frame["seed"]} == set(range(5))


@IN_KERAS
@pytest.mark.parametrize("validated", [True, False])
def test_keras_own_logger_writes_what_is_read(read, tmp_path, validated):
    """Epochs from 0, and columns of validation with NA where there is none."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 3)), rng.normal(size=(32, 1))
    histories = {}
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        logger = keras.callbacks.CSVLogger(tmp_path / f"none-{seed}.csv")
        held = (x, y) if validated else None
        fitted = model.fit(x, y, epochs=3, validation_data=held, callbacks=[logger], verbose=0)
        histories[seed] = fitted.history
    metric = "val_loss" if validated else "loss"
    table = read(tmp_path)
    assert {*table.metrics} == {*histories[1]}
    for record in runs_of(table, metric).records:
        own = histories[record.key.seed]
        assert record.epochs == 3
        assert record.curves == {name: tuple(values) for name, values in own.items()}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no runs; expected tables such as VARIANT/SEED.csv"),
        (["bn-1.csv", "bn_1.csv"], "'bn-1.csv' and 'bn_1.csv' would both be variant 'bn', seed 1"),
    ],
)
def test_files_that_cannot_be_told_apart_are_one_message(read, tmp_path, files, message):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("epoch,loss\n0,1.0\n")
    with pytest.raises(DataError, match=message):
        read(tmp_path)
