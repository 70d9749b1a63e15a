"""Every built-in study: its file, its model, and a run in miniature."""

import dataclasses
import tomllib

import keras
import numpy as np
import pytest

import normwise as nw
from normwise import Study
from normwise.data import find_dataset, where_is
from normwise.domain import EpochTimes, Variant
from normwise.models.source import ModelSource
from normwise.spec import AXES, Spec
from normwise.studies import BUILT_IN, study_file
from normwise.studies.models import MODELS

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# Two batches without a rest, which would compile a second step (tests/engine trains with one), and
# enough for a validation.
BATCHES, VAL = 2, 60


def spec_of(name):
    return Spec.from_toml(study_file(name), {})


def needs_folder(name):
    return where_is(spec_of(name).data) != "nothing"


STUDIES = [
    pytest.param(name, marks=[pytest.mark.needs_data] if needs_folder(name) else [])
    for name in BUILT_IN
]


def test_every_file_is_listed_and_every_model_is_used():
    files = {path.stem for path in study_file("circles").parent.glob("*.toml")}
    assert files == set(BUILT_IN)
    assert {spec_of(name).model for name in BUILT_IN} == set(MODELS)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_file_names_itself_asks_a_question_and_has_seeds_enough_for_an_interval(name):
    spec = spec_of(name)
    assert spec.study == name
    assert spec.question.endswith("?")
    assert spec.seeds >= 5
    written = tomllib.loads(study_file(name).read_text("utf-8"))["variants"]
    assert list(spec.variants) == written, "written as they are shown"


@pytest.fixture(scope="module")
def datasets():
    """Each data set loaded once."""
    loaded = {}

    def get(name):
        if name not in loaded:
            loaded[name] = find_dataset(name)
        return loaded[name]

    yield get
    loaded.clear()


WEIGHTS = {
    "circles": 201,
    "churn": 3393,
    "fashion-mlp": 266_610,
    "mnist-cnn": 93_322,
    "mnist-sigmoid": 99_710,
    "digits-cnn": 9_258,
    "deep-mlp": 33_034,
    "sequence": 5_578,
    "sequence-gru": 7_626,
    "regression": 897,
    "scaling": 1_537,
    "dropout": 42_634,
    "sigmoid-mlp": 21_450,
    "tanh-mlp": 21_450,
    "relu-mlp": 21_450,
    "residual": 4_842,
    "inception": 5_258,
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_model_has_the_weights_that_its_sizes_ask_for(datasets, name):
    spec = spec_of(name)
    model = ModelSource(spec.model, datasets(spec.data)).build(Variant())
    assert model.count_params() == WEIGHTS[spec.model]


def small(dataset, batch_size):
    """Some rows of a data set; the first validation rows hold no other classes."""
    rows = BATCHES * batch_size
    return dataclasses.replace(
        dataset,
        x_train=dataset.x_train[:rows],
        y_train=dataset.y_train[:rows],
        x_val=dataset.x_val[:VAL],
        y_val=dataset.y_val[:VAL],
    )


@pytest.mark.parametrize("name", STUDIES)
def test_every_variant_of_a_study_has_the_layers_that_it_asks_for(datasets, name):
    spec = spec_of(name)
    source = ModelSource(spec.model, datasets(spec.data)).at(spec.depths[0])
    for variant in map(Variant.parse, spec.variants):
        kinds = {type(layer).__name__ for layer in source.build(variant, 10).layers}
        assert any("Normalization" in kind for kind in kinds) == bool(variant.places), variant


# Those with another's network and kinds of variants: it trains once.
LIKE_ANOTHER = {
    "depth": "deep-mlp",
    "rates": "initialisation",
    "s-shaped-tanh": "s-shaped",
    "not-s-shaped": "s-shaped",
    "regularising": "dropout",
}


@pytest.mark.parametrize("name", [one for one in STUDIES if one.values[0] not in LIKE_ANOTHER])
def test_a_study_runs_end_to_end(datasets, name, monkeypatch):
    """Up to twenty seconds: a deep network takes that to be traced and compiled in two variants."""
    # Timed alone, every variant would be compiled once more; tests/study does that in small.
    monkeypatch.setattr(
        "normwise.study.timing.epoch_times",
        lambda models, *_: dict.fromkeys(models, EpochTimes((0.1,))),
    )
    spec = spec_of(name)
    settings = spec.model_dump(exclude_none=True, exclude={"model", "data", "seeds", "epochs"})
    # One point of its grid, and the first and the last: each variant compiles two programs, and tests/engine has them all.
    settings |= {axis: values[:1] for axis in AXES if (values := getattr(spec, axis))}
    settings["variants"] = variants = [spec.variants[0], spec.variants[-1]]
    study = Study(
        spec.model, small(datasets(spec.data), spec.batch_size[0]), seeds=2, epochs=1, **settings
    )
    summary = study.run().summary()
    assert [variant["name"] for variant in summary["variants"]] == variants
    assert len(summary["comparisons"]) == 1
    assert summary["solo_check"]["first_epoch_difference"] < 1e-3
    for variant in summary["variants"]:
        assert all(np.isfinite(final["mean"]) for final in variant["final"].values())


def test_pictures_without_a_channel_axis_are_taken_too(datasets):
    digits = datasets("digits")
    flat = dataclasses.replace(digits, x_train=digits.x_train[..., 0], x_val=digits.x_val[..., 0])
    for name in ("digits-cnn", "mnist-sigmoid", "sequence"):
        model = MODELS[name](flat)
        assert model.output_shape == (None, 10)
        assert model.count_params() == MODELS[name](digits).count_params()


def test_sequences_are_the_rows_of_a_picture(datasets):
    digits = datasets("digits")
    model = MODELS["sequence"](digits)
    rows = keras.Model(model.inputs[0], model.layers[0].output)(digits.x_train[:3])
    np.testing.assert_array_equal(np.asarray(rows), digits.x_train[:3, :, :, 0])


@pytest.mark.parametrize(("name", "placed"), [("residual", 9), ("inception", 15)])
@pytest.mark.parametrize("place", ["before", "after"])
def test_every_branch_is_normalised_and_stripped_again(datasets, name, placed, place):
    digits = datasets("digits")
    model = MODELS[name](digits)
    normalised = nw.place(model, place)
    norms = [one for one in normalised.layers if isinstance(one, keras.layers.BatchNormalization)]
    assert len(norms) == placed == sum(isinstance(one, keras.layers.Conv2D) for one in model.layers)
    stripped = nw.strip(normalised)
    assert [one.name for one in stripped.layers if one.weights] == [
        one.name for one in model.layers if one.weights
    ]
    few = digits.x_val[:8]
    np.testing.assert_allclose(stripped(few), model(few), rtol=2e-3, atol=1e-5)


def test_shortcuts_are_identities_whatever_is_normalised(datasets):
    placed = nw.place(MODELS["residual"](datasets("digits")), "before")
    additions = [one for one in placed.layers if isinstance(one, keras.layers.Add)]
    before = [
        [type(source.operation).__name__ for source in found]
        for found in (
            [tensor._keras_history for tensor in addition.input] for addition in additions
        )
    ]
    assert before == [["MaxPooling2D", "BatchNormalization"]] + 3 * [["ReLU", "BatchNormalization"]]
