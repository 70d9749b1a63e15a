"""One note where pixels of 0 to 255 meet weights unscaled, and none elsewhere."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.models.pixel_range import scaling_note

BYTES = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)


def image_model(*front):
    return keras.Sequential(
        [keras.Input((8, 8, 3)), *front, layers.Conv2D(2, 3, name="first"), layers.Flatten()]
    )


def nested(front):
    inner = keras.Sequential([keras.Input((8, 8, 3)), front, layers.Conv2D(2, 3, name="first")])
    x = keras.Input((8, 8, 3))
    return keras.Model(x, inner(layers.RandomFlip()(x)))


SCALING = {
    "rescaling": lambda: image_model(layers.Rescaling(1 / 255)),
    "normalization": lambda: image_model(layers.Normalization(mean=127.0, variance=5000.0)),
    "batch norm": lambda: image_model(layers.BatchNormalization()),
    "lambda": lambda: image_model(layers.Lambda(lambda x: x / 255)),
    "behind": lambda: image_model(layers.RandomFlip(), layers.Rescaling(1 / 255)),
    "nested": lambda: nested(layers.Rescaling(1 / 127.5, offset=-1)),
}
KEEPING = {
    "nothing": image_model,
    "augmented": lambda: image_model(layers.RandomFlip(), layers.Resizing(6, 6)),
    "padded": lambda: image_model(layers.ZeroPadding2D(), layers.AveragePooling2D(2)),
    "nested": lambda: nested(layers.MaxPooling2D()),
}


@pytest.mark.parametrize("kind", ["uint8", "int32", "float32", "float64"])
@pytest.mark.parametrize("model", KEEPING)
def test_pixels_that_meet_weights_unscaled_are_named(model, kind):
    note = scaling_note(KEEPING[model](), BYTES.astype(kind))
    assert "whole numbers up to 255 and reach 'first' unscaled" in note


@pytest.mark.parametrize("bright", [0, 1, 255])
def test_each_of_a_few_examples_is_looked_at(bright):
    x = np.zeros((256, 8, 8, 3), "uint8")
    x[bright] = 255
    assert "whole numbers up to 255" in scaling_note(image_model(), x)


@pytest.mark.parametrize("model", SCALING)
def test_a_model_that_scales_them_is_told_nothing(model):
    assert scaling_note(SCALING[model](), BYTES) == ""


@pytest.mark.parametrize(
    "x",
    [
        BYTES / 255,
        BYTES - 127.5,
        BYTES - 20.0,
        BYTES + 20.0,
        BYTES % 2,
        (BYTES > 100).astype("float32"),
        BYTES * 4.0,
    ],
    ids=["scaled", "centred", "below", "above", "masks", "one-hot", "larger"],
)
def test_other_numbers_are_no_pixels(x):
    assert scaling_note(image_model(), x) == ""


@pytest.mark.parametrize(
    ("shape", "kind", "largest", "named"),
    [
        ((30, 8, 8, 1), "uint8", 2, True),  # bytes in pictures, dark or not
        ((30, 8, 8, 1), "uint8", 1, False),
        ((30, 8, 8), "uint8", 2, True),
        ((30, 8), "uint8", 128, True),  # bytes in a table, where they need the range
        ((30, 8), "uint8", 127, False),
        ((30, 8, 8, 1), "float32", 128, True),
        ((30, 8, 8, 1), "float32", 127, False),
        ((30, 8), "float32", 255, False),  # a count, or a size
    ],
)
def test_what_whole_numbers_are_taken_for_pixels(shape, kind, largest, named):
    model = keras.Sequential([keras.Input(shape[1:]), layers.Dense(2, name="first")])
    x = np.zeros(shape, kind)
    x[3] = largest
    said = (
        f"The inputs hold whole numbers up to {largest} and reach 'first' unscaled, as fit would "
        f"give them to the model: pass what it was trained on, or begin it with "
        f"keras.layers.Rescaling(1 / 255)."
    )
    assert scaling_note(model, x) == (said if named else "")


def pictures(kind):
    """Of a bright spot each, sixteen by sixteen: dark at the edges, as digits are."""
    draws = np.random.default_rng(1)
    y, x = np.mgrid[:16, :16]
    centres, sizes = draws.uniform(4, 11, (2, 40, 1, 1)), draws.uniform(4, 60, (40, 1, 1))
    spots = np.exp(-((y - centres[0]) ** 2 + (x - centres[1]) ** 2) / sizes)
    return np.rint(255 * spots / spots.max((1, 2), keepdims=True))[..., None].astype(kind)


def flat_model(columns):
    return keras.Sequential([keras.Input((columns,)), layers.Dense(2, name="first")])


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int64", "float32", "float16"])
def test_flat_pictures_are_named(kind):
    flat = pictures(kind).reshape(40, 256)
    assert "whole numbers up to 255 and reach 'first'" in scaling_note(flat_model(256), flat)
    assert scaling_note(flat_model(256), flat / 255) == ""


def test_edges_that_never_change_do_not_hide_flat_pictures():
    x = np.pad(pictures("int64"), [(0, 0), (8, 8), (8, 8), (0, 0)]).reshape(40, 1024)
    assert "whole numbers up to 255 and reach 'first'" in scaling_note(flat_model(1024), x)


@pytest.mark.parametrize(
    ("columns", "brightest", "named"),
    [(100, 255, True), (99, 255, False), (100, 250, True), (100, 249, False)],
)
def test_flat_pictures_have_a_hundred_columns_and_nearly_the_brightest(columns, brightest, named):
    x = np.zeros((30, columns))
    x[3] = brightest
    assert bool(scaling_note(flat_model(columns), x)) is named


@pytest.mark.parametrize(("half", "named"), [(128, True), (127, False)])
def test_half_of_the_columns_of_flat_pictures_need_half_of_the_range(half, named):
    x = np.zeros((30, 100))
    x[3] = np.where(np.arange(100) < 50, half, 127)
    x[3, 0] = 255
    assert bool(scaling_note(flat_model(100), x)) is named


def tables():
    draws = np.random.default_rng(2)
    ages, counts = draws.integers(0, 100, (500, 150)), draws.poisson(120, (500, 150))
    few = draws.integers(0, 256, (500, 20))
    spectra = draws.normal(200, 15, (500, 150)).clip(0, 255)
    return {
        "ages": ages, "counts": counts, "few columns": few, "some among ages": np.hstack([ages, few]),
        "words": draws.poisson(0.3, (500, 150)), "spectra": spectra,
        "dark": draws.integers(0, 240, (500, 150)), "larger": draws.integers(0, 300, (500, 150)), "signed": few[:, :1] - np.arange(150),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["int64", "float32"])
@pytest.mark.parametrize("name", tables())
def test_tables_of_numbers_in_that_range_are_not(name, kind):
    x = tables()[name].astype(kind)
    assert scaling_note(flat_model(x.shape[1]), x) == ""


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_pictures_of_another_size_are_named(interpolation):
    small = np.asarray(
        keras.ops.image.resize(BYTES.astype("float32"), (6, 6), interpolation=interpolation)
    )
    model = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(2, 3, name="first")])
    note = scaling_note(model, small)
    assert note.startswith(f"The inputs hold numbers up to {small.max():.5g} and reach 'first'")
    assert "keras.layers.Rescaling(1 / 255)" in note
    for other in (small / 255, small - 127.5, small * 4, (small - 127) / 70):
        assert scaling_note(model, other) == ""


@pytest.mark.parametrize(
    ("least", "largest", "named"),
    [
        (-32, 287, True),  # by so much bicubic pictures reach beyond
        (-33, 255, False),
        (0, 288, False),
        (0, 128, True),
        (0, 127, False),
    ],
)
def test_pictures_of_another_size_may_reach_a_little_beyond(least, largest, named):
    x = np.full((30, 8, 8, 3), 0.5, "float32")
    x[3, 0, 0], x[3, 1, 1] = least, largest
    assert bool(scaling_note(image_model(), x)) is named


def test_pictures_of_another_size_have_channels():
    model = keras.Sequential([keras.Input((8, 8)), layers.LSTM(2)])
    assert scaling_note(model, BYTES[..., 0] / 255 * 254.5) == ""


@pytest.mark.parametrize("largest", [65535, 4095, 255])
def test_pictures_of_words_are_named_with_their_largest_number(largest):
    x = (BYTES / 255 * largest).astype("uint16")
    note = scaling_note(image_model(), x)
    assert f"whole numbers up to {largest} and reach 'first'" in note
    assert f"keras.layers.Rescaling(1 / {largest})" in note


def test_flat_pictures_of_words_are_named_and_counts_are_not():
    flat = pictures("uint16").reshape(40, 256) * np.uint16(257)
    assert "whole numbers up to 65535 and" in scaling_note(flat_model(256), flat)
    assert scaling_note(flat_model(256), flat // 100) == ""


def test_rows_of_pixels_may_meet_a_recurrent_layer():
    model = keras.Sequential([keras.Input((8, 8)), layers.LSTM(2, name="first")])
    assert "reach 'first' unscaled" in scaling_note(model, BYTES[..., 0])


class Own(keras.Model):
    """A nested model with a ``call`` of its own, which may scale."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(2, 3)

    def call(self, x):
        return self.conv(x / 255)


def test_one_number_an_example_is_no_picture_and_nothing_has_none():
    single = keras.Sequential([keras.Input(()), layers.Reshape((1,)), layers.Dense(1)])
    assert scaling_note(single, np.arange(256).astype("uint8")) == ""
    assert scaling_note(image_model(), BYTES[:, :0]) == ""


def test_of_what_shows_no_graph_nothing_is_said():
    assert scaling_note(Own(), BYTES) == ""
    inputs = keras.Input((8, 8, 3))
    assert scaling_note(keras.Model(inputs, Own()(inputs)), BYTES) == ""


def test_tokens_that_an_embedding_reads_are_no_pixels():
    x = keras.Input((8,), dtype="uint8")
    model = keras.Model(x, layers.Dense(1)(layers.Flatten()(layers.Embedding(256, 2)(x))))
    assert scaling_note(model, BYTES[:, :, 0, 0]) == ""


def test_of_several_inputs_those_are_looked_at_that_hold_pixels():
    image, table = keras.Input((8, 8, 3)), keras.Input((4,))
    joined = layers.Concatenate()(
        [layers.Flatten()(layers.Conv2D(1, 3, name="sees")(image)), layers.Dense(2)(table)]
    )
    model = keras.Model([table, image], layers.Dense(1)(joined))
    assert "reach 'sees' unscaled" in scaling_note(model, [np.zeros((30, 4)), BYTES])


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize(
    ("scale", "offset", "number"), [(1 / 255, 0, "255"), (1 / 127.5, -1, "127.5")]
)
def test_numbers_of_0_to_1_that_are_divided_again_are_named(scale, offset, number, kind):
    model = image_model(layers.Rescaling(scale, offset, name="scale"))
    note = scaling_note(model, (BYTES / 255).astype(kind))
    assert note == (
        f"The inputs lie between 0 and 1, and 'scale' divides them by {number}: pass the pixels as "
        f"the model was trained on them (built-in pictures go from 0 to 1, those of a file stay as "
        f"they are: --data FILE.npz)."
    )


@pytest.mark.parametrize(
    ("front", "x"),
    [
        (layers.Rescaling(2.0, offset=-1.0), BYTES / 255),
        (layers.Rescaling(1 / 255), BYTES % 2),
        (layers.Rescaling(1 / 255), BYTES / 255 * 0),
        (layers.Rescaling(1 / 255), BYTES / 127.5 - 1),
        (layers.Rescaling(1 / 255), BYTES / 127.5),
        (layers.Rescaling(1 / 100), BYTES / 255),
        (layers.Rescaling(0.0), BYTES / 255),
    ],
    ids=["to -1 and 1", "masks of bytes", "nothing", "centred", "to 2", "by 100", "by nothing"],
)
def test_numbers_that_no_layer_divides_again_are_not(front, x):
    assert scaling_note(image_model(front), x) == ""
