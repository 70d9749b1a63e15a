"""What trains where no model was given: a network that suits the data, and its code."""

import keras
import numpy as np
import pytest

import normwise as nw
from normwise.data import Dataset, from_arrays
from normwise.errors import ModelError, SpecError
from normwise.models.default_model import default_code, default_model, default_note

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DRAW = np.random.default_rng(5)
N = 40
LABELS = {
    "binary": np.arange(N) % 2,
    "classes": np.arange(N) % 3,
    "regression": DRAW.normal(size=(N, 2)),
}
SEVERAL = DRAW.integers(0, 2, (N, 3))


def dataset(shape, task="classes", scale=1.0, kind="float32"):
    x = (DRAW.random((N, *shape)) * scale).astype(kind)
    return from_arrays(x, LABELS[task], name="mine", task=task)


DATA = {
    "several labels": from_arrays(DRAW.random((N, 4)), SEVERAL, name="mine", task="regression"),
    "one-hot labels": from_arrays(DRAW.random((N, 4)), np.eye(3)[LABELS["classes"]], name="mine"),
    "table": dataset((3,)),
    "table to regression": dataset((3,), "regression"),
    "unscaled table": dataset((3,), "binary", scale=1e4),
    "flat pixels": dataset((784,), "binary", scale=255, kind="uint8"),
    "pictures": dataset((8, 8, 3)),
    "pictures of bytes": dataset((6, 9), "regression", scale=255, kind="uint8"),
    "pictures without channels": dataset((28, 28)),
    "large pictures": dataset((100, 140, 3), "binary", scale=255, kind="uint8"),
    "channels first": dataset((3, 9, 12), "binary", scale=255, kind="uint8"),
    "channels first, unscaled": dataset((3, 9, 12), scale=1e3),
    "unscaled without channels": dataset((9, 9), scale=1e3),
    "tiny pictures": dataset((1, 2, 1), "binary"),
    "sequences": dataset((50, 4)),
    "long sequences": dataset((300, 2), "regression", scale=1e-3),
    "volumes": dataset((5, 6, 7, 1)),
}


def plain(model):
    """Architecture and optimiser, without the names that Keras counts up."""
    config = model.get_config()
    layers = [(one["class_name"], one["config"] | {"name": ""}) for one in config["layers"]]
    return layers, model.optimizer.get_config() | {"name": ""}, model.loss


@pytest.mark.parametrize("form", DATA)
def test_its_code_runs_by_itself_and_builds_the_same(form):
    namespace = {}
    exec(default_code(DATA[form]), namespace)
    built = default_model(DATA[form])
    assert plain(namespace["build"]()) == plain(built) == plain(namespace["model"])
    assert built.input_shape[1:] == DATA[form].x_train.shape[1:]


@pytest.mark.parametrize(
    ("form", "kinds"),
    [
        ("table", ["Dense"] * 3),
        ("unscaled table", ["Normalization", *["Dense"] * 3]),
        ("flat pixels", ["Rescaling", *["Dense"] * 3]),
        ("pictures", [*["Conv2D", "MaxPooling2D"] * 2, "Flatten", "Dense", "Dense"]),
        ("pictures of bytes", ["Reshape", "Rescaling", *["Conv2D", "MaxPooling2D"] * 2, "Flatten", "Dense", "Dense"]),
        ("pictures without channels", ["Reshape", *["Conv2D", "MaxPooling2D"] * 2, "Flatten", "Dense", "Dense"]),
        ("channels first", ["Permute", "Rescaling", *["Conv2D", "MaxPooling2D"] * 2, "Flatten", "Dense", "Dense"]),
        ("sequences", [*["Conv1D", "MaxPooling1D"] * 3, "Flatten", "Dense", "Dense"]),
        ("volumes", [*["Conv3D", "MaxPooling3D"] * 2, "Flatten", "Dense", "Dense"]),
    ],
)  # fmt: skip
def test_what_it_is_depends_on_the_shape(form, kinds):
    assert [type(layer).__name__ for layer in default_model(DATA[form]).layers] == kinds


@pytest.mark.parametrize(
    ("task", "shape", "ends"), [("binary", 1, "sigmoid"), ("classes", 3, "softmax"), ("regression", 2, "linear")]
)  # fmt: skip
def test_its_end_depends_on_the_task(task, shape, ends):
    model = default_model(dataset((4,), task))
    assert (model.output_shape, model.layers[-1].activation.__name__) == ((None, shape), ends)


@pytest.mark.parametrize(
    ("form", "ends", "loss"),
    [("several labels", "sigmoid", "binary_crossentropy"), ("one-hot labels", "softmax", None)],
)
def test_several_labels_are_told_from_one_of_several(form, ends, loss):
    model = default_model(DATA[form])
    assert (model.output_shape, model.layers[-1].activation.__name__) == ((None, 3), ends)
    assert model.loss == loss
    assert f'"{loss or "categorical_crossentropy"}"' in default_code(DATA[form])


@pytest.mark.parametrize("form", ["large pictures", "long sequences", "pictures without channels"])
def test_few_positions_are_left_of_any_size(form):
    [flat] = [
        one for one in default_model(DATA[form]).layers if isinstance(one, keras.layers.Flatten)
    ]
    sides = flat.input.shape[1:-1]
    assert max(sides) <= 7


def test_inputs_of_another_scale_are_standardised_by_the_training_part():
    data = DATA["unscaled table"]
    scaled = np.asarray(default_model(data).layers[0](data.x_train))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-3)


@pytest.mark.parametrize("form", ["channels first, unscaled", "unscaled without channels"])
def test_pictures_of_another_scale_are_standardised_by_channel(form):
    arrange, scale, *_ = default_model(DATA[form]).layers
    scaled = np.asarray(scale(arrange(DATA[form].x_train)))
    assert scaled.shape[1:] == ((9, 12, 3) if "first" in form else (9, 9, 1))
    np.testing.assert_allclose(scaled.mean(axis=(0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=(0, 1, 2)), 1, rtol=1e-3)


def test_pixels_are_brought_to_one():
    data = DATA["large pictures"]
    np.testing.assert_allclose(
        np.asarray(default_model(data).layers[0](data.x_train)), data.x_train / 255.0, rtol=1e-6
    )


def test_a_column_that_never_changes_has_no_scale():
    x = np.column_stack([np.full(N, 1e4), 1e4 * DRAW.random(N)])
    scaled = np.asarray(default_model(from_arrays(x, LABELS["binary"])).layers[0](x))
    np.testing.assert_array_equal(scaled[:, 0], 0)


def test_it_says_what_it_is():
    assert default_note(DATA["unscaled table"]) == (
        "No model was given, so the default one trains: a two-layer network for tables (3 inputs, "
        "64 and 32 units, ReLU), which standardises inputs, by Adam at a rate of 0.001. "
        "--show-model prints it as Keras code to copy and change."
    )
    assert "pictures of 8 × 8 × 3 (16, 32 filters, 64 units, ReLU)" in default_note(
        DATA["pictures"]
    )


@pytest.mark.parametrize("say", [default_model, default_code, default_note])
def test_several_inputs_are_refused(say):
    x, y = np.zeros((4, 3), "float32"), np.arange(4.0)[:, None] % 2
    two = Dataset("mine", [x, x], y, [x, x], y, "binary")
    with pytest.raises(
        ModelError, match=r"no default one for inputs of the form \[\(4, 3\), \(4, 3\)\]"
    ):
        say(two)


def test_labels_that_it_does_not_cover_are_refused():
    x = np.zeros((4, 3), "float32")
    images = Dataset("mine", x, np.zeros((4, 2, 2)), x, np.zeros((4, 2, 2)), "regression")
    with pytest.raises(
        ModelError, match=r"no default one for labels of the form \(4, 2, 2\).*--model"
    ):
        default_model(images)


def test_data_and_models_may_be_paths(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, x=DATA["table"].x_train, y=DATA["table"].y_train)
    shown = nw.Study(data=path).show_model()
    assert shown == nw.Study(data=str(path)).show_model()
    model = tmp_path / "m.keras"
    default_model(DATA["table"]).save(model)
    assert nw.Study(model, path).spec.model == str(model)


def test_a_study_without_data_or_of_another_model_says_so():
    with pytest.raises(SpecError, match=r"given no data; expected .*Study\(data="):
        nw.Study("model.keras")
    with pytest.raises(SpecError, match="the model 'circles' was given"):
        nw.Study("circles", "circles").show_model()
    named = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="default")
    with pytest.raises(SpecError, match="the model 'default' was given"):
        nw.Study(named, "circles").show_model()
