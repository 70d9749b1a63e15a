"""A study end to end: its folder, its answer, what it leaves alone."""

import json
import math
import subprocess
import sys
from itertools import groupby

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from normwise import Study
from normwise.data import Dataset
from normwise.data.circles import circles
from normwise.domain import Estimate
from normwise.engine import population
from normwise.errors import ModelError, SpecError
from normwise.report.formatting import mean
from normwise.spec import Spec
from normwise.studies import study_file
from normwise.study import sampling
from normwise.study.inputs import arrived, as_dataset
from normwise.study.pages import page_of_folder
from tests.drawing import PNG

FILES = {
    "best.keras",
    "checkpoints",
    "curves.parquet",
    "curves.png",
    "journal.jsonl",
    "report.html",
    "segments",
    "spec.toml",
    "summary.json",
}
INTERVAL = {"value", "low", "high"}


def events(folder):
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


def best_record(result):
    """The recommended variant's best replica, by the metric of the target."""
    name, metric = result.answer.recommended, result.answer.target.metric
    own = [record for record in result.records if record.key.variant == name]
    return max(own, key=lambda record: record.curves[metric][-1])


def kinds(folder):
    """What the journal says, in few words."""
    trained = {"segment": "trained", "checkpointed": "trained"}
    each = (trained.get(event["event"], event["event"]) for event in events(folder))
    return [kind for kind, _ in groupby(each)]


@pytest.mark.usefixtures("pictures")
def test_the_folder_holds_every_file(undisturbed, spec):
    Study.from_spec(spec).run(undisturbed.folder)  # which trains nothing, and draws the picture
    assert {path.name for path in undisturbed.folder.iterdir()} == FILES
    assert all(path.stat().st_size for path in undisturbed.folder.iterdir())
    picture = (undisturbed.folder / "curves.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 10_000
    assert Spec.from_toml(undisturbed.folder / "spec.toml", {}) == spec
    assert kinds(undisturbed.folder) == ["started", "trained", "timed", "finished"]
    every = [event["event"] for event in events(undisturbed.folder)]
    # Of each variant a stack of four epochs, saved after each of them, and the best run at its end.
    assert every.count("segment") == 2 * 4
    assert every.count("checkpointed") == 2 * (4 + 1)
    # Each variant was timed alone, once.
    assert every.count("timed") == 2
    assert len(undisturbed.records) == 6


def test_the_summary_keeps_the_contract(undisturbed):
    body = json.loads((undisturbed.folder / "summary.json").read_text())
    assert body == undisturbed.summary()
    assert set(body) == {
        "version", "study", "target", "variants", "comparisons", "verdict", "recommended",
        "solo_check", "environment", "headline",
    }  # fmt: skip
    assert body["version"] == 1
    assert body["target"].items() >= {"metric": "val_accuracy", "value": 0.8}.items()
    assert [variant["name"] for variant in body["variants"]] == ["none", "before"]
    for variant in body["variants"]:
        assert set(variant) >= {
            "name", "seeds", "final", "epochs_to_target", "seconds_per_epoch", "learning_rate",
        }  # fmt: skip
        assert variant["seeds"] == 3
        metrics = {"loss", "accuracy", "val_loss", "val_accuracy"}
        if variant["name"] == "before":  # which has moving statistics
            metrics |= {"population_val_loss", "population_val_accuracy"}
        assert set(variant["final"]) == metrics
        assert all(
            set(final) == {"mean", "low", "high", "median"} for final in variant["final"].values()
        )
        times = variant["epochs_to_target"]
        assert set(times) == {"median", "low", "high", "reached", "censored", "diverged"}
        assert times["reached"] + times["censored"] + times["diverged"] == 3
    (comparison,) = body["comparisons"]
    assert (comparison["variant"], comparison["baseline"]) == ("before", "none")
    assert comparison["outcome"] in {"helps", "hurts", "no difference", "undecided"}
    assert set(comparison["epochs_ratio"]) == set(comparison["seconds_ratio"]) == INTERVAL
    assert body["recommended"] in {"none", "before"}
    assert body["verdict"] == undisturbed.verdict


def test_the_final_means_are_those_of_the_curves(undisturbed):
    table = pd.read_parquet(undisturbed.folder / "curves.parquet")
    pd.testing.assert_frame_equal(table, undisturbed.curves)
    assert len(table) == 2 * 3 * 4
    last = table[table.epoch == 4].groupby("variant").mean()
    for variant in undisturbed.summary()["variants"]:
        for metric, final in variant["final"].items():
            assert final["mean"] == pytest.approx(last.loc[variant["name"], metric])


def test_the_solo_check_agrees(undisturbed):
    check = undisturbed.answer.solo_check
    assert check.first_epoch_difference < 1e-6
    # Over four epochs: a flipped example would move an accuracy by a 500th of at most 1.
    assert check.max_relative_difference < 0.01


def test_the_best_model_loads_and_scores_without_normwise(undisturbed, tmp_path):
    data = circles()
    np.savez(tmp_path / "val.npz", x=data.x_val, y=data.y_val)
    script = """
import sys, keras, numpy
data = numpy.load(sys.argv[2])
model = keras.saving.load_model(sys.argv[1])
print(model.evaluate(data["x"], data["y"], verbose=0, return_dict=True)["accuracy"])
assert not any(name.startswith("normwise") for name in sys.modules)
"""
    paths = [undisturbed.folder / "best.keras", tmp_path / "val.npz"]
    command = [sys.executable, "-c", script, *map(str, paths)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    recorded = best_record(undisturbed).curves["val_accuracy"][-1]
    assert float(done.stdout) == pytest.approx(recorded, abs=1e-6)


def test_the_best_model_is_compiled_and_keras_own(undisturbed):
    model, data = undisturbed.best_model(), circles()
    scores = model.evaluate(data.x_val, data.y_val, verbose=0, return_dict=True)
    wanted = best_record(undisturbed).curves
    assert scores["loss"] == pytest.approx(wanted["val_loss"][-1], rel=1e-5)
    assert scores["accuracy"] == pytest.approx(wanted["val_accuracy"][-1], abs=1e-6)
    assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)


def test_a_replica_is_the_same_on_one_device(undisturbed, spec):
    baseline = spec.model_copy(update={"variants": ("none",)})
    alone = Study.from_spec(baseline).run(devices=1)
    assert alone.folder is None
    for ours, theirs in zip(alone.records, undisturbed.records[:3], strict=True):
        assert ours.key == theirs.key
        for metric in ("loss", "val_loss"):
            np.testing.assert_allclose(ours.curves[metric], theirs.curves[metric], rtol=1e-6)


# With these, the programs are those of the undisturbed study, and come from the cache.
SETTINGS = {"seeds": 3, "epochs": 4, "optimizer": "sgd:momentum=0.9"}


def small_model():
    hidden = layers.Dense(50, activation="relu", kernel_initializer="he_uniform")
    return keras.Sequential([keras.Input((2,)), hidden, layers.Dense(1, activation="sigmoid")])


def test_the_users_model_stays_as_it_is():
    model, data = small_model(), circles()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(data.x_train, data.y_train, epochs=1, verbose=0)

    def state():
        variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        return [np.array(variable.value) for variable in variables]

    before, config, optimizer = state(), model.get_config(), model.optimizer
    layers_before = list(model.layers)
    Study(model, data, variants=["none", "before"], **SETTINGS).run()
    assert model.optimizer is optimizer
    assert model.loss == "mse"
    assert model.get_config() == config
    assert all(a is b for a, b in zip(model.layers, layers_before, strict=True))
    for old, new in zip(before, state(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_same_model_built_again_goes_on_in_its_folder(tmp_path):
    # Keras calls the second one sequential_1, as when a notebook's cell is run again.
    for _ in range(2):
        Study(small_model(), circles(), variants=["none"], **SETTINGS).run(tmp_path / "study")
    assert kinds(tmp_path / "study") == ["started", "trained", "timed", "finished"]


def test_other_data_of_the_same_name_is_another_study(tmp_path):
    data = circles()
    other = Dataset("other", data.x_train, 1 - data.y_train, data.x_val, 1 - data.y_val, "binary")

    def run(dataset):
        study = Study(small_model(), dataset, variants=["none"], **SETTINGS)
        return study.run(tmp_path / "study").summary()

    first, second, third = run(data), run(other), run(data)
    assert first["variants"][0]["final"] != second["variants"][0]["final"]
    assert first["variants"][0]["final"] == third["variants"][0]["final"]
    assert first["solo_check"] == third["solo_check"]
    assert len({body["environment"]["fingerprint"] for body in (first, second, third)}) == 2


def test_other_frozen_weights_are_another_study(tmp_path):
    def frozen(value):
        first = layers.Dense(4, kernel_initializer=keras.initializers.Constant(value))
        first.trainable = False
        return keras.Sequential([keras.Input((2,)), first, layers.Dense(1, activation="sigmoid")])

    for value in (0.1, 0.2, 0.1):
        Study(frozen(value), circles(), variants=["none"], **SETTINGS).run(tmp_path / "study")
    # The third finds its runs, and says again what they mean.
    whole = ["started", "trained", "timed", "finished"]
    assert kinds(tmp_path / "study") == [*whole, *whole, "started", "finished"]


def test_the_report_of_a_folder_is_of_the_last_study_in_it(tmp_path):
    data = circles()
    other = Dataset("other", data.x_train, 1 - data.y_train, data.x_val, 1 - data.y_val, "binary")
    for dataset in (data, other):
        study = Study(small_model(), dataset, variants=["none"], **SETTINGS)
        summary = study.run(tmp_path / "study").summary()
    [row] = page_of_folder(tmp_path / "study").section("Variants").table.rows
    final = summary["variants"][0]["final"]["val_accuracy"]
    assert row[1].text == mean(Estimate(final["median"]["value"], -math.inf, math.inf))
    assert sum(cell.text.endswith("/3") for cell in row) == 1


class Plain(keras.Model):
    def __init__(self, normalise):
        super().__init__()
        self.hidden = layers.Dense(4, activation="relu")
        self.norm = layers.BatchNormalization() if normalise else None
        self.last = layers.Dense(1, activation="sigmoid")

    def call(self, inputs, training=None):
        hidden = self.hidden(inputs)
        return self.last(hidden if self.norm is None else self.norm(hidden, training=training))


class Modeless(keras.Model):
    """Keras' `fit` does not tell it that it trains, and it trains."""

    def __init__(self, norm):
        super().__init__()
        self.norm = layers.BatchNormalization() if norm else None
        self.last = layers.Dense(1, activation="sigmoid")

    def call(self, inputs):
        return self.last(inputs if self.norm is None else self.norm(inputs))


@pytest.mark.filterwarnings("ignore:`build...` was called on layer 'modeless")
def test_a_model_whose_call_takes_no_mode_trains_as_in_fit_and_has_no_batch_normalisation():
    settings = {"loss": "binary_crossentropy", "seeds": 2, "epochs": 2}
    result = Study(
        lambda norm: Modeless(norm.places), circles(), variants=["none"], **settings
    ).run()
    assert result.answer.solo_check.max_relative_difference < 1e-5
    message = (
        r"takes no 'training' in its call\(\), .* 'batch_normal.* in inference .*training=None"
    )
    with pytest.raises(ModelError, match=message):
        Study(lambda norm: Modeless(norm.places), circles(), variants=["after"], **settings).run()


def test_a_builder_may_place_the_normalisation_itself():
    asked = set()

    def build(norm, dataset):
        assert dataset.x_train.shape == (500, 2)
        asked.add(norm.name)
        return Plain("after" in norm.places)

    settings = {"loss": "binary_crossentropy", "target": "val_accuracy>=0.9"}
    result = Study(build, circles(), variants=["after"], seeds=2, epochs=2, **settings).run()
    assert result.answer.solo_check.first_epoch_difference < 1e-5
    assert asked == {"none", "after"}
    assert {record.key.variant for record in result.records} == {"after"}


def test_a_subclassed_model_without_a_builder_is_refused():
    model = Plain(normalise=False)
    model(np.zeros((1, 2)))
    with pytest.raises(ModelError) as caught:
        Study(model, circles(), seeds=2, epochs=1).run()
    for part in ("subclassed type Plain", "two ways out", "def build():", "def build(norm):"):
        assert part in str(caught.value)


def test_a_diverged_replica_is_recorded_and_counted():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 3)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    settings = {"variants": ["none"], "seeds": 2, "epochs": 3, "target": "val_loss<=0.1"}
    result = Study(model, (x, x.sum(axis=1)), learning_rate=1e12, **settings).run()
    for record in result.records:
        first = record.diverged_at
        assert first in {1, 2, 3}
        assert math.isfinite(sum(record.curves["loss"][: first - 1]))
        for values in record.curves.values():
            assert all(map(math.isnan, values[first - 1 :]))
    assert result.summary()["variants"][0]["epochs_to_target"]["diverged"] == 2
    # Keras' own `fit` diverges at the same epoch.
    assert result.answer.solo_check.max_relative_difference < 1


def test_data_comes_in_every_form(tmp_path):
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(50, 2)), np.arange(50) % 2
    spec = Spec.make({"model": "circles", "data": "arrays"})

    def read(data):
        return as_dataset(arrived(data), spec)

    split = read((x, y))
    assert (len(split.x_train), len(split.x_val), split.task) == (40, 10, "binary")
    for form in (((x, y), (x[:9], y[:9])), [[x, y], [x[:9], y[:9]]], (x, y, x[:9], y[:9])):
        given = read(form)
        assert (given.x_train.shape, given.y_val.shape) == ((50, 2), (9, 1))
    lists = read((x.tolist(), y.tolist()))
    np.testing.assert_array_equal(lists.x_train, split.x_train)
    assert read(split).fingerprint == split.fingerprint
    assert read("circles").name == "circles"
    np.savez(tmp_path / "mine.npz", x_train=x, y_train=y)
    assert len(read(str(tmp_path / "mine.npz")).x_train) == 40
    for form in (x, 7):  # of (x,) and of dictionaries: test_forms.py
        with pytest.raises(SpecError, match=r"data is of type .*; expected .*; try Study\(model"):
            read(form)


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(SpecError, match=r"batch size is 501 .* 500 examples.*--batch-size 32"):
        Study("circles", "circles", batch_size=501).run()


def sampled_study(folder, monkeypatch, **changes):
    """Of a normalised network whose statistics are of 100 of the training examples."""
    monkeypatch.setattr(population, "FEWEST", 100)
    settings = {"variants": ("none", "after"), "seeds": 2, "epochs": 3, **changes}
    return Study.from_spec(Spec.from_toml(study_file("circles"), settings)).run(folder)


def test_how_far_off_a_sample_is_stands_in_the_summary_and_stays_there(tmp_path, monkeypatch):
    found = sampled_study(tmp_path, monkeypatch).summary()
    none, after = found["variants"]
    assert "population_sample" not in none
    sample = after["population_sample"]
    assert (sample["examples"], sample["of"]) == (100, circles().examples)
    assert 0 < sample["off"]["val_loss"] < 0.5
    assert set(sample["off"]) == {"val_loss", "val_accuracy"}
    said = f"Statistics of 100 of {sample['of']:,} examples: after val_accuracy off by"
    assert said in page_of_folder(tmp_path).section("Population statistics").text[0]
    again = sampled_study(tmp_path, monkeypatch)
    assert again.unchanged
    assert again.summary() == found


def test_a_folder_that_does_not_say_how_far_off_a_sample_is_still_reads(tmp_path, monkeypatch):
    sampled_study(tmp_path, monkeypatch)
    path = tmp_path / "summary.json"
    body = json.loads(path.read_text())
    del body["variants"][1]["population_sample"]
    path.write_text(json.dumps(body))
    titles = [section.title for section in page_of_folder(tmp_path).sections]
    assert "Population statistics" not in titles


def test_without_curves_of_population_statistics_no_sample_is_looked_at(tmp_path, monkeypatch):
    found = sampled_study(tmp_path, monkeypatch, population=False).summary()
    assert all("population_sample" not in one for one in found["variants"])


def test_how_far_off_is_not_taken_where_it_would_cost_much(tmp_path, monkeypatch):
    monkeypatch.setattr(population, "MOST_BYTES", 1)
    monkeypatch.setattr(sampling, "FEW_PASSES", 0)
    sample = sampled_study(tmp_path, monkeypatch).summary()["variants"][1]["population_sample"]
    assert sample["off"] == {}
    assert sample["why"].endswith("passes through the training part, and 0 are worth it")
    assert sample["why"] in page_of_folder(tmp_path).section("Population statistics").text[0]
