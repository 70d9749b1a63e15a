"""Event files: those of torch's SummaryWriter, of TensorFlow's that Keras uses, and our own."""

import importlib.util
import math

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import summary_v2
from tensorboard.summary import Writer
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from normwise.domain import RunKey, RunRecord
from normwise.errors import DataError
from normwise.runs import export, runs_of

NAN = math.nan


def as_torch(place, series, hyperparameters=None):
    """As torch.utils.tensorboard.SummaryWriter does, which has this very writer."""
    writer = EventFileWriter(str(place))
    if hyperparameters is not None:
        writer.add_event(Event(summary=summary_v2.hparams_pb(hyperparameters)))
    for tag, values in series.items():
        for step, value in values.items():
            scalar = Summary.Value(tag=tag, simple_value=value)
            writer.add_event(Event(step=step, summary=Summary(value=[scalar])))
    writer.close()


def as_tensorflow(place, series):
    """As tf.summary.scalar does, which Keras' callback calls."""
    writer = Writer(str(place))
    for tag, values in series.items():
        for step, value in values.items():
            writer.add_scalar(tag, value, step)
    writer.close()


def falling(seed, epochs=5, base=0):
    return {base + epoch: 1.0 / (1 + epoch + seed) for epoch in range(epochs)}


def test_runs_of_torch(read, tmp_path):
    for variant in ("plain", "bn"):
        for seed in (0, 1):
            series = {"Loss/train": falling(seed), "Loss/test": falling(seed + 1)}
            as_torch(tmp_path / f"{variant}_seed{seed}", series)
    found = runs_of(read(tmp_path), "val_loss")
    assert [(one.key.variant, one.key.seed) for one in found.records] == [
        ("bn", 0), ("bn", 1), ("plain", 0), ("plain", 1)
    ]  # fmt: skip
    assert found.records[1].curves["val_loss"] == pytest.approx([*falling(2).values()])
    assert found.records[1].curves["loss"] == pytest.approx([*falling(1).values()])


def test_folders_that_torch_makes_below_a_run_belong_to_it(read, tmp_path):
    """``add_scalars("Loss", {"train": …, "val": …})`` and ``add_hparams``."""
    for variant in ("none", "bn"):
        run = tmp_path / f"{variant}-seed4"
        as_torch(run, {"lr": dict.fromkeys(range(5), 0.1)})
        for part, seed in (("train", 1), ("val", 2)):
            as_torch(run / f"Loss_{part}", {"Loss": falling(seed)})
        as_torch(run / "1700000000.5", {"hparam/best": {0: 0.1}}, {"dropout": 0.5, "bs": 64.0})
    found = runs_of(read(tmp_path), "val_loss")
    assert [(one.key.variant, one.key.seed, one.batch_size) for one in found.records] == [
        ("bn", 4, 64), ("none", 4, 64)
    ]  # fmt: skip
    assert {*found.records[0].curves} == {"loss", "val_loss"}
    assert found.records[0].curves["val_loss"] == pytest.approx([*falling(2).values()])
    assert found.records[0].learning_rate == pytest.approx(0.1)


def test_hyperparameters_say_what_a_run_is(read, tmp_path):
    for number, (variant, seed) in enumerate([("none", 7), ("none", 8), ("bn", 7), ("bn", 8)]):
        series = {"val_loss": falling(seed)}
        as_torch(
            tmp_path / f"run-{number}",
            series,
            {"norm_layer": 2.0, "model": variant, "seed": float(seed)},
        )
    found = runs_of(read(tmp_path), "val_loss").records
    assert [(one.key.variant, one.key.seed) for one in found] == [
        ("none", 7), ("none", 8), ("bn", 7), ("bn", 8)
    ]  # fmt: skip


def test_losses_of_steps_beside_a_metric_of_epochs(read, tmp_path):
    """Steps are counted in other units; what counts is where the metric is."""
    for variant in ("none", "bn"):
        steps = {step: 1 / (step + 1) for step in range(100)}
        each = {step: 1 - 1 / (step + 1) for step in range(19, 100, 20)}
        as_torch(tmp_path / variant / "3", {"train/loss": steps, "val/acc": each})
    found = runs_of(read(tmp_path), "val_acc")
    assert {(one.key.seed, one.epochs) for one in found.records} == {(3, 5)}
    assert found.records[0].curves["loss"] == pytest.approx(
        [1 / 20, 1 / 40, 1 / 60, 1 / 80, 1 / 100]
    )


def test_keras_callback_has_a_folder_for_each_part(read, tmp_path):
    for seed in (0, 1):
        run = tmp_path / "bn" / str(seed)
        as_tensorflow(
            run / "train", {"epoch_loss": falling(seed), "epoch_learning_rate": {0: 0.5, 1: 0.25}}
        )
        as_tensorflow(
            run / "validation",
            {"epoch_loss": falling(seed + 1), "evaluation_loss_vs_iterations": {64: 1.0}},
        )
    found = runs_of(read(tmp_path), "val_loss")
    assert [{*one.curves} for one in found.records] == [{"loss", "val_loss"}] * 2
    first = found.records[0]
    assert (first.key.variant, first.key.seed, first.epochs) == ("bn", 0, 5)
    assert first.learning_rate == 0.5
    assert first.curves["val_loss"] == pytest.approx([*falling(1).values()])


@pytest.fixture
def records():
    """Two variants at two points of a grid, one of them diverged, one stopped."""

    def run(variant, seed, rate, curve, **more):
        curves = {"loss": curve, "val_loss": tuple(2 * value for value in curve)}
        return RunRecord(RunKey(variant, seed, str(rate)), rate, curves, batch_size=32, **more)

    return [
        run("none", 0, 0.25, (0.5, 0.25, 0.125)),
        run("after:momentum=0.5", 0, 0.25, (0.5, NAN, NAN), diverged_at=2),
        run("none", 0, 0.5, (0.5, 0.25, NAN), stopped_at=2),
        run("after:momentum=0.5", 0, 0.5, (0.75, 0.5, 0.25)),
    ]  # fmt: skip


def test_tensorboards_own_reader_finds_every_value(records, tmp_path):
    export(records, "tensorboard", tmp_path, "mine")
    places = sorted(path.parent for path in tmp_path.rglob("*tfevents*"))
    assert len(places) == 4
    seen = set()
    for place in places:
        events = EventAccumulator(str(place))
        events.Reload()
        assert {*events.Tags()["scalars"]} == {"loss", "val_loss"}
        points = [(event.step, event.value) for event in events.Scalars("val_loss")]
        seen.add(repr(points))
    written = [[*enumerate(one.curves["val_loss"][: one.stopped_at], start=1)] for one in records]
    assert seen == {repr(points) for points in written}


@pytest.mark.parametrize("kind", ["csv", "tensorboard", "mlflow"])
def test_what_is_exported_comes_back(records, read, tmp_path, kind):
    path = export(records, kind, tmp_path, "mine")
    export(records, kind, tmp_path, "mine")  # once more, over the first
    found = {
        (one.key.variant, one.learning_rate): one for one in runs_of(read(path), "val_loss").records
    }
    assert len(found) == 4
    for record in records:
        one = found[record.key.variant, record.learning_rate]
        end = record.stopped_at or record.epochs
        assert one.diverged_at == record.diverged_at
        assert one.batch_size == 32
        for metric, curve in record.curves.items():
            np.testing.assert_array_equal(one.curves[metric], curve[:end])
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_without_scalars_is_one_message(read, tmp_path):
    EventFileWriter(str(tmp_path / "run")).close()
    with pytest.raises(DataError, match="hold no scalars"):
        read(tmp_path)


@pytest.mark.parametrize("kind", ["tensorboard", "mlflow"])
def test_a_library_that_is_missing_is_named(records, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DataError, match=rf"pip install 'normwise\[{kind}\]'"):
        export(records, kind, tmp_path, "mine")
    assert not list(tmp_path.iterdir())
