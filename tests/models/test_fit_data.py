"""Every form of data that Keras' `fit` takes: what it would take for inputs, or a refusal by name."""

import itertools
import logging

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from keras import layers

import normwise as nw
from normwise.data import TableOptions, find_given, from_arrays
from normwise.errors import DataError
from normwise.models import loaders, recalibrate
from normwise.models.fit_data import given_to

DRAW = np.random.default_rng(3)
X = DRAW.normal(2.0, 3.0, size=(60, 4)).astype("float32")
X[:30] += 20  # a part of the rows has another mean
Y = (X[:, 0] > 10).astype("float32")
W = DRAW.random(60).astype("float32")
B = DRAW.normal(size=(60, 3)).astype("float32")
CUTS = [slice(0, 32), slice(32, 60)]


def one_input(columns=4):
    return keras.Sequential([keras.Input((columns,)), layers.BatchNormalization(), layers.Dense(1)])


def two_inputs(kind=list):
    a, b = keras.Input((4,), name="zeta"), keras.Input((3,), name="alpha")
    y = layers.Concatenate()([layers.BatchNormalization(name="of_zeta")(a), b])
    inputs = {"zeta": a, "alpha": b} if kind is dict else kind((a, b))
    return keras.Model(inputs, layers.Dense(1)(y))


class Subclassed(keras.Model):
    """Takes two inputs, and says so nowhere."""

    def __init__(self):
        super().__init__()
        self.norm, self.dense = layers.BatchNormalization(), layers.Dense(1)

    def call(self, inputs, training=None):
        a, b = inputs
        return self.dense(keras.ops.concatenate([self.norm(a, training=training), b], axis=-1))


class Batches(keras.utils.PyDataset):
    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def __len__(self):
        return len(CUTS)

    def __getitem__(self, number):
        cut = tuple(part[CUTS[number]] for part in self.parts)
        return cut if len(cut) > 1 else cut[0]


class Endless(keras.utils.PyDataset):
    num_batches = None

    def __getitem__(self, number):
        return X, Y


class Counted(keras.utils.PyDataset):
    """Says how many batches it has, and is none of a length."""

    num_batches = 2

    def __getitem__(self, number):
        return X[CUTS[number]], Y[CUTS[number]]


class Loader:
    """As PyTorch's: an iterable of lists, with a length."""

    def __len__(self):
        return len(CUTS)

    def __iter__(self):
        return ([X[cut], Y[cut], W[cut]] for cut in CUTS)


FRAME = pd.DataFrame(X, columns=list("abcd"))
FORMS = {
    "array": lambda: X,
    "float64": lambda: X.astype(float),
    "fortran": lambda: np.asfortranarray(X),
    "other bytes": lambda: X.astype(">f4"),
    "lists": X.tolist,
    "frame": lambda: FRAME,
    "frame of objects": lambda: FRAME.astype(object),
    "frame of nullable": FRAME.convert_dtypes,
    "objects": lambda: X.astype(object),
    "objects that are rows": lambda: pd.Series(list(X)).to_numpy(),
    "sparse": lambda: scipy.sparse.csr_matrix(X),
    "tensor": lambda: keras.ops.convert_to_tensor(X),
    "in a list": lambda: [X],
    "in a tuple": lambda: (X,),
    "with labels": lambda: (X, Y),
    "with a column of labels": lambda: (FRAME, pd.Series(Y)),
    "with labels in a list": lambda: (X, Y.tolist()),
    "with weights": lambda: (X, Y, W),
    "with no labels": lambda: (X, None),
    "with validation": lambda: (X, Y, X[:5] + 99, Y[:5]),
    "pairs": lambda: ((X, Y), (X[:5] + 99, Y[:5])),
    "pairs in lists": lambda: ([X, Y], [X[:5] + 99, Y[:5]]),
    "pairs with weights": lambda: ((X, Y, W), (X[:5] + 99, Y[:5])),
    "labels like inputs": lambda: (X, X + 99),
    "dataset": lambda: from_arrays(X, Y, X[:5] + 99, Y[:5]),
    "by name": lambda: {"input": X},
    "PyDataset": lambda: Batches(X, Y),
    "PyDataset of inputs": lambda: Batches(X),
    "PyDataset with weights": lambda: Batches(X, Y, W),
    "generator": lambda: ((X[cut], Y[cut]) for cut in CUTS),
    "generator of inputs": lambda: (X[cut] for cut in CUTS),
    "iterator of tuples of one": lambda: iter([(X[cut],) for cut in CUTS]),
    "iterator of lists": lambda: iter([[X[cut], Y[cut]] for cut in CUTS]),
    "iterator of lists of numbers": lambda: iter([X[cut].tolist() for cut in CUTS]),
    "iterator without labels": lambda: iter([(X[cut], None) for cut in CUTS]),
    "iterator of frames": lambda: iter([FRAME[cut] for cut in CUTS]),
    "map": lambda: map(X.__getitem__, CUTS),
    "loader": Loader,
    "rows one by one": lambda: (X[place : place + 1] for place in range(60)),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_inputs_in_every_form_give_the_same_statistics(form):
    model = one_input()
    if form == "by name":
        model = keras.Model(inputs := keras.Input((4,), name="input"), one_input()(inputs))
    recalibrate(model, FORMS[form]())
    norm = next(layer for layer in model._flatten_layers() if hasattr(layer, "moving_mean"))
    expected = X.astype(float)
    np.testing.assert_allclose(norm.moving_mean.value, expected.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance.value, expected.var(axis=0), rtol=1e-5)


TWO = {
    "list": lambda: [X, B],
    "tuple": lambda: (X, B),
    "names": lambda: {"zeta": X, "alpha": B},
    "names in another order": lambda: {"alpha": B, "zeta": X, "unused": Y},
    "list with labels": lambda: ([X, B], Y),
    "tuple with labels": lambda: ((X, B), Y),
    "names with labels": lambda: ({"zeta": X, "alpha": B}, Y, W),
    "two outputs": lambda: ((X, B), (Y, Y)),
    "with validation": lambda: ([X, B], Y, [X[:5], B[:5]], Y[:5]),
    "pairs": lambda: (([X, B], Y), ([X[:5], B[:5]], Y[:5])),
    "names with validation": lambda: (
        ({"zeta": X, "alpha": B}, Y),
        ({"alpha": B[:5], "unused": Y[:5], "zeta": X[:5]}, Y[:5]),
    ),
    "batches with labels": lambda: (((X[cut], B[cut]), Y[cut]) for cut in CUTS),
    "batches of tuples": lambda: ((X[cut], B[cut]) for cut in CUTS),
    "batches by name": lambda: ({"zeta": X[cut], "alpha": B[cut]} for cut in CUTS),
    "batches by name, labels": lambda: (({"zeta": X[c], "alpha": B[c]}, Y[c]) for c in CUTS),
}


# Of inputs by name Keras takes a list in the order of the sorted names: alpha first.
PLACES = [(form, list) for form in TWO] + [(form, tuple) for form in TWO]
PLACES += [(form, dict) for form in TWO if "name" in form]


@pytest.mark.parametrize(("form", "kind"), PLACES)
def test_two_inputs_find_their_places(form, kind):
    model = two_inputs(kind)
    given = given_to(model, TWO[form]())
    parts = [(given.x, 60), *([(given.validation[0], 5)] if given.validation else [])]
    for x, examples in parts:
        found = x if kind is dict else dict(zip(("zeta", "alpha"), x, strict=True))
        np.testing.assert_array_equal(found["zeta"], X[:examples])
        np.testing.assert_array_equal(found["alpha"], B[:examples])
        model(x)


@pytest.mark.parametrize("data", [[X, B], (X, B), ([X, B], Y), ((X, B), Y, W)], ids=range(4))
def test_a_model_that_says_nothing_of_its_inputs_is_asked(data):
    model = Subclassed()
    model([X[:2], B[:2]])
    recalibrate(model, data)
    np.testing.assert_allclose(model.norm.moving_mean.value, X.mean(axis=0), rtol=1e-4)


def test_what_comes_with_the_inputs_is_known():
    model = one_input()
    given = given_to(model, ((X, Y, W), (X[:5], Y[:5])))
    assert [len(part) for part in given.training] == [60, 60, 60]
    assert [len(part) for part in given.validation] == [5, 5]
    assert given_to(model, given) is given
    whole = given_to(model, ((X[cut], Y[cut], W[cut]) for cut in CUTS))
    np.testing.assert_array_equal(whole.weights, W)
    np.testing.assert_array_equal(whole.y, Y)


@pytest.mark.parametrize("kind", ["int8", "int64", "uint16", "bool", "float16"])
def test_numbers_keep_their_type(kind):
    given = given_to(one_input(), X.astype(kind))
    np.testing.assert_array_equal(given.x, X.astype(kind))
    assert given.x.dtype == kind


def test_half_precision_that_numpy_has_not_is_widened():
    half = np.asarray(keras.ops.cast(X, "bfloat16"))
    given = given_to(one_input(), half)
    np.testing.assert_array_equal(given.x, half.astype("float32"))
    assert given.x.dtype == "float32"


def test_a_long_array_is_not_copied():
    assert given_to(one_input(), X).x is X


def test_images_without_their_channel_axis_fit_as_in_keras():
    model = keras.Sequential([keras.Input((3, 3, 1)), layers.BatchNormalization()])
    images = DRAW.normal(size=(9, 3, 3)).astype("float32")
    assert given_to(model, (images, Y[:9])).y is not None
    recalibrate(model, (images, Y[:9]))
    np.testing.assert_allclose(model.layers[0].moving_mean.value, [images.mean()], atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "train", "val"),
    [
        ((3, 3, 1), (9, 3, 3, 1), (5, 3, 3)),
        ((3, 3, 1), (9, 3, 3), (5, 3, 3, 1)),
        ((3, 3, 1), (9, 3, 3, 1), (5, 3, 2)),
        ((3, 3, 1), (9, 3, 3, 1), (5, 3, 3, 2)),
        ((3, 1, 3), (9, 3, 1, 3), (5, 3, 3)),
        ((4,), (9, 4), (5, 4, 1)),
        ((4,), (9, 4, 1), (5, 4)),
        ((4,), (9, 4), (5, 4, 2)),
        ((4,), (9, 4), (5, 3)),
        ((4,), (9, 4), (4,)),
        ((4,), (9, 4), (5, 4, 1, 1)),
        ((1,), (9, 1), (5,)),
        ((1,), (9,), (5, 1)),
        ((1,), (9, 1), (5, 2)),
        ((None, 2), (9, 7, 2), (5, 3, 2)),
        ((None, 2), (9, 7, 2), (5, 3, 3)),
        ((3, 2, 2), (9, 3, 2, 2), (5, 2, 2, 2)),
    ],
    ids=str,
)
def test_a_validation_part_is_taken_in_the_shapes_that_keras_takes(shape, train, val):
    model = keras.Model(inputs := keras.Input(shape), layers.BatchNormalization()(inputs))
    try:
        model(np.zeros(val))
    except ValueError:
        said = (
            f"the inputs have shape {train} in the training part and shape {val} in the validation "
            f"part; expected the same after the first axis; check how the arrays were cut"
        )
        with pytest.raises(DataError) as caught:
            given_to(model, (np.zeros(train), None, np.zeros(val), None))
        assert str(caught.value) == said
    else:
        given = given_to(model, (np.zeros(train), None, np.zeros(val), None))
        assert [part[0].shape for part in (given.training, given.validation)] == [train, val]


class Eager(keras.Model):
    """Normalises by the batch wherever it is not told otherwise."""

    def __init__(self, sizes):
        super().__init__()
        x, self.norm = keras.Input((4,)), layers.BatchNormalization()
        self.graph = keras.Model(x, self.norm(x, training=True))
        self.note = sizes.append

    def call(self, x, training=None):
        self.note(x.shape[0])
        return self.graph(x, training=training)


@pytest.mark.parametrize("data", [(X, Y), (X,), X], ids=["with labels", "in a tuple", "alone"])
def test_asking_a_model_takes_one_example_and_changes_nothing_in_it(data):
    model = Eager(sizes := [])
    model(X, training=False)
    sizes.clear()
    assert given_to(model, data).x is X
    assert sizes == [1]
    assert np.asarray(model.norm.moving_mean).tolist() == [0.0] * 4


@pytest.mark.parametrize(
    "data", [(X, B[:, :2]), ((X, B[:, :2]), Y), [X, B[:, :2]]], ids=["tuple", "labels", "list"]
)
def test_as_many_inputs_as_wanted_are_the_inputs_whatever_their_shapes(data):
    with pytest.raises(DataError, match="the inputs do not fit model"):
        recalibrate(two_inputs(), data)


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict")
def test_inputs_by_name_have_the_names_of_the_model_s_dictionary():
    a, b = keras.Input((4,), name="other"), keras.Input((3,), name="names")
    norm = layers.BatchNormalization()
    model = keras.Model({"a": a, "b": b}, layers.Concatenate()([norm(a), b]))
    given = given_to(model, ({"b": B, "a": X}, Y))
    np.testing.assert_array_equal(given.x["a"], X)
    np.testing.assert_array_equal(given.x["b"], B)
    recalibrate(model, given)
    np.testing.assert_allclose(norm.moving_mean, X.mean(axis=0, dtype=float), rtol=1e-5)


def test_texts_may_be_labels():
    texts = np.where(Y > 0, "yes", "no")
    np.testing.assert_array_equal(given_to(one_input(), (X, texts)).y, texts)


def test_a_file_is_read_as_a_study_reads_it(tmp_path):
    path = tmp_path / "table.csv"
    FRAME.assign(y=Y, later=W).to_csv(path, index=False)
    for source in (path, str(path)):
        given = given_to(one_input(5), source, TableOptions(target_column="y", task="regression"))
        assert given.x.shape == (60, 5)
        assert given.y.shape == (60, 1)


def test_what_was_done_to_a_file_is_said(tmp_path, caplog):
    FRAME.assign(a=FRAME["a"].where(FRAME["a"] < 20), y=Y).to_csv(tmp_path / "t.csv", index=False)
    options = TableOptions(target_column="y", task="regression")
    wanted = find_given(str(tmp_path / "t.csv"), options).notes
    assert any("missing" in note for note in wanted)
    caplog.clear()
    given_to(keras.Sequential([keras.Input((5,)), layers.Dense(1)]), tmp_path / "t.csv", options)
    assert caplog.messages == list(wanted)


def test_a_model_that_says_nothing_of_its_inputs_needs_some():
    model = Subclassed()
    model([X[:2], B[:2]])
    for data, lengths in (([], "no"), ([X, B[:9]], "9, 60")):
        with pytest.raises(DataError) as caught:
            given_to(model, data)
        assert str(caught.value) == (
            f"the inputs have {lengths} examples; expected one number, above 0, of all their "
            f"parts; check how the arrays were cut"
        )


class Sum(layers.Layer):
    """Of what there is."""

    def call(self, a, b=None):
        return a if b is None else a + b

    def compute_output_shape(self, a_shape, b_shape=None):  # noqa: ARG002
        return a_shape


def test_an_optional_input_may_be_left_out():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b", optional=True)
    norm = layers.BatchNormalization()
    model = keras.Model([a, b], norm(Sum()(a, b)))
    for other, wanted in ((None, X), (X, X + X)):
        recalibrate(model, ([X, other], Y))
        np.testing.assert_allclose(norm.moving_mean, wanted.mean(axis=0, dtype=float), rtol=1e-5)
    with pytest.raises(DataError, match=r"shape \(60, 4\), shape \(\) in the training part"):
        given_to(model, ([X, None], Y, [X[:, :3], None], Y))


def endless():
    yield from itertools.repeat((X, Y))


@pytest.mark.parametrize("source", [endless, Endless], ids=["generator", "PyDataset"])
def test_what_has_no_end_is_drawn_to_a_limit_that_is_said(source, caplog, monkeypatch):
    monkeypatch.setattr(loaders, "MOST_EXAMPLES", 120)
    with caplog.at_level(logging.WARNING, "normwise"):
        given = given_to(one_input(), source())
    assert len(given.x) == 120
    [said] = [record.message for record in caplog.records]
    assert said == (
        f"Of the {type(source()).__name__} the first 120 examples were drawn into memory and "
        f"count: at most 1,024 MiB, and 120 examples of what does not say where it ends."
    )


def test_a_limit_of_memory_counts_all_batches_together(monkeypatch):
    monkeypatch.setattr(loaders, "MOST_BYTES", 10 * 4 * 4 - 1)
    assert len(given_to(one_input(), (row[np.newaxis] for row in X)).x) == 10


def test_what_says_its_end_is_drawn_to_it_unless_it_is_too_large(caplog, monkeypatch):
    monkeypatch.setattr(loaders, "MOST_EXAMPLES", 10)
    for source in (Batches(X, Y), Counted(), Loader()):
        assert len(given_to(one_input(), source).x) == 60
    assert not caplog.records
    monkeypatch.setattr(loaders, "MOST_BYTES", 32 * (4 + 1) * 4)  # the first batch
    assert len(given_to(one_input(), Batches(X, Y)).x) == 32
    assert "the first 32 examples" in caplog.text


def broken():
    yield X
    raise KeyError("a")


def refused():
    return {
        "two arrays for one input": ([X[:30], X[30:]], "the inputs are 2 .*takes 1.*concatenate"),
        "a pair in a list": ([X, Y], "the inputs are 2 .*labels go with them in a tuple"),
        "four arrays": ((X, B, Y, W), r"shape \(60,\) in the validation part"),
        "other names": ({"zeta": X}, "the inputs are 1 .zeta., and model"),
        "nothing": ([], "the inputs are 0"),
        "a number": (7, "data is of type int"),
        "a set": ({1, 2}, "data is of type set"),
        "a function that needs something": (lambda model: model, "data is of type function"),
        "a function of no batches": (
            lambda: 7,
            "the function <lambda> gives a int; expected one that",
        ),
        "an exhausted iterator": (iter([]), "the list_iterator gives no batch; .*used before"),
        "a generator that fails": (broken(), "the generator failed .KeyError: 'a'"),
        "a generator in a tuple": ((iter([X]), Y), r"data\[0\] is of type list_iterator"),
        "ragged batches": (
            iter([X, X[:, :3]]),
            r"^the batches do not go together \(batch 1: examples of shape \(3,\) behind \(4,\)\); ex",
        ),
        "batches of other parts": (iter([(X, Y), X]), "the batches do not go together"),
        "batches of nothing": (iter([(), ()]), "batch 0 holds no array; .*; look at what the"),
        "batches of no labels": (iter([(None, None)]), "batch 0 holds no array"),
        "single numbers": (iter(range(9)), "batch 0 is of type int; expected an array"),
        "single numbers of NumPy": (
            iter(np.arange(9.0)),
            r"batch 0 has .* shape \(\); expected an",
        ),
        "batches of complex numbers": (iter([X * 1j]), "^batch 0 has type complex64"),
        "texts": (np.array([["a"] * 4] * 9), "an input of the training part has type <U1"),
        "a batch of texts": (iter([np.array([["a"] * 4] * 9)]), "has type <U1"),
        "a frame with texts": (FRAME.assign(a="x"), "data has columns that hold no numbers: a;"),
        "dates": (np.zeros((9, 4), "M8[s]"), "has type datetime64"),
        "complex numbers": (X * 1j, "has type complex64"),
        "a generator in a dictionary": ({"a": iter([X])}, r"data\['a'\] is of type list_iterator"),
        "a single text": ((X, np.array("a")), r"^data\[1\] has type <U1 and shape \(\)"),
        "a validation part from a generator": (iter([((X, Y), (X, Y))]), "the inputs are 4"),
        "fields": (np.zeros(9, [("a", "f4")]), "has type .*'a'"),
        "rows of several lengths": ([[1.0, 2.0], [3.0]], "is no array"),
        "objects of several shapes": (np.array([X[0], X[1, :2]], object), "is no array"),
        "masked": (np.ma.masked_greater(X, 20), "data is a masked array, .* values are left out"),
        "large whole numbers": (
            np.full((9, 4), 2**40),
            "^an input of the training part holds the whole number 1099511627776",
        ),
        "other lengths": ((X, Y[:9]), "60 inputs and 9 labels in the training part"),
        "other weights": ((X, Y, W[:9]), "60 inputs and 9 weights in the training part; expected"),
        "other validation labels": ((X, Y, X, Y[:9]), "60 inputs and 9 labels in the validation"),
        "a number in an array": (np.array(7.0), r"shape \(\); expected .*, examples first"),
        "no examples": (X[:0], "the inputs have 0 examples; expected one number, above 0"),
        "too narrow": (X[:, :3], "do not fit model"),
    }


@pytest.mark.parametrize("form", refused())
def test_what_fit_would_not_take_is_refused_by_name(form):
    data, message = refused()[form]
    with pytest.raises(DataError, match=message):
        recalibrate(one_input(), data)


def test_weights_and_labels_by_name_are_a_list_where_outputs_are():
    inputs = keras.Input((2,))
    ends = [keras.layers.Dense(1, name=name)(inputs) for name in ("size", "age")]
    model = keras.Model(inputs, ends)
    model.compile(loss="mse")
    x, y = np.ones((4, 2)), {"age": np.arange(4.0), "size": -np.arange(4.0)}
    weights = {"age": np.arange(4.0), "size": np.ones(4)}
    found = given_to(model, ((x, y, weights), (x, y)))
    for part in found.parts:
        np.testing.assert_array_equal(part[1], [y["size"], y["age"]])
    np.testing.assert_array_equal(found.weights, [weights["size"], weights["age"]])
    # Keras' own evaluate fails on both by name; by hand it is the sum of the two means.
    predicted = [np.ravel(one) for one in model.predict(x, verbose=0)]
    errors = [
        weights[n] * (one - y[n]) ** 2 for n, one in zip(("size", "age"), predicted, strict=True)
    ]
    loss = model.evaluate(*found.training[:2], sample_weight=found.weights, verbose=0)
    assert np.ravel(loss)[0] == pytest.approx(sum(error.mean() for error in errors), rel=1e-5)


MIXED = pd.DataFrame({"city": ["Ulm", "Bonn", "Jena", "Bonn"] * 5, "age": np.arange(20) / 3})
LEFT = pd.Series(["no", "yes", "yes", "no", "yes"] * 4, name="left")


def standardised(column, train):
    """As a study prepares a column: by the mean and deviation of its training part."""
    return (column - column[train].mean()) / column[train].std()


@pytest.mark.parametrize("parts", ["one", "two", "four"])
def test_frames_with_text_are_prepared_as_in_a_study(parts, caplog):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy")
    weights = np.arange(20.0)
    train, val = (MIXED[:12], LEFT[:12], weights[:12]), (MIXED[12:], LEFT[12:], weights[12:])
    forms = {"one": (MIXED, LEFT, weights), "two": (train, val), "four": (*train[:2], *val[:2])}
    found = given_to(model, forms[parts])
    (x, y, *held), *rest = found.parts
    x = np.concatenate([x, *(part[0] for part in rest)])
    y = np.concatenate([y, *(part[1] for part in rest)])
    # Rows are told by their age, whose order standardising keeps.
    order, rows = np.argsort(x[:, 2]), len(x) - (found.held or sum(len(part[0]) for part in rest))
    taken = np.argsort(order)
    cities = [MIXED["city"] == name for name in ("Jena", "Ulm")]
    wanted = np.stack([*(city.astype(float) for city in cities), MIXED["age"]], axis=1)[taken]
    wanted = np.stack([standardised(one, slice(rows)) for one in wanted.T], axis=1)
    np.testing.assert_allclose(x, wanted, atol=1e-6)
    np.testing.assert_array_equal(y, LEFT[taken])
    if parts != "four":
        weighed = np.concatenate([*held, *(part[2] for part in rest)])
        np.testing.assert_array_equal(weighed, weights[taken])
    assert any("city" in message for message in caplog.messages)


@pytest.mark.parametrize("look", [nw.check, nw.gap, nw.leakage, nw.fix, nw.recalibrate])
@pytest.mark.parametrize("form", ["frame", "generator", "PyDataset", "objects", "with weights"])
def test_all_that_look_at_a_model_take_the_same_forms(look, form):
    look(one_input(), FORMS[form]())


@pytest.mark.parametrize("look", [nw.check, nw.gap, nw.leakage, nw.fix, nw.recalibrate])
def test_all_that_look_at_a_model_refuse_the_same(look):
    with pytest.raises(DataError, match=r"the inputs are 2 .*takes 1"):
        look(one_input(), [X[:30], X[30:]])


def test_pixels_that_nothing_scales_are_said_once(caplog):
    pixels = DRAW.integers(0, 256, (20, 3, 3, 1)).astype("uint8")
    model = keras.Sequential(
        [keras.Input((3, 3, 1)), layers.Conv2D(2, 2), layers.BatchNormalization()]
    )
    nw.fix(model, pixels)
    assert sum("unscaled" in record.message for record in caplog.records) == 1


def spoilt(value, places, kind="float32"):
    labels = Y.astype(kind)
    labels[places] = value
    return labels


def labels_without_meaning():
    nan = spoilt(np.nan, [5, 17])
    training = "^data 'given': 2 NaN or infinite values in the training labels .first in row 5.; .* the 2 rows"
    return {
        "NaN": ((X, nan), training),
        "infinite": ((X, spoilt(-np.inf, [5, 17])), training),
        "half precision": ((X, spoilt(np.nan, [5, 17], "float16")), training),
        "a column": ((X, nan[:, None]), training),
        "several outputs": ((X, {"a": Y, "b": nan}), training),
        "a series of pandas": ((X, pd.Series(nan)), training),
        "None": ((X, spoilt(None, [5, 17], object)), training),
        "masked by pandas": (
            (X, pd.array(spoilt(None, [5, 17], object), "Float32")),
            "masked array, 2 of",
        ),
        "a generator": (((X[cut], nan[cut]) for cut in CUTS), training),
        "validation": ((X, Y, X, nan), "2 NaN or infinite values in the validation labels"),
        "texts and None": ((X, np.array([None, "a"] * 30, object)), "has type object"),
        "bytes": ((X, np.array([b"a", b"b"] * 30)), "has type .S1"),
    }


@pytest.mark.parametrize("form", labels_without_meaning())
@pytest.mark.parametrize(
    "loss", [None, "mse", keras.losses.MeanSquaredError()], ids=["none", "a name", "an object"]
)
def test_labels_that_are_no_numbers_are_counted_and_named(form, loss):
    data, message = labels_without_meaning()[form]
    model = one_input()
    if loss is not None:
        model.compile(loss=loss)
    with pytest.raises(DataError, match=message):
        given_to(model, data)


@pytest.mark.parametrize("kind", ["S1", "M8[s]", "complex64"])
def test_labels_of_an_archive_that_mean_nothing_are_named(kind, tmp_path):
    np.savez(tmp_path / "d.npz", x=X, y=np.ones(60).astype(kind))
    with pytest.raises(DataError, match="the labels of the training part have type"):
        given_to(one_input(), tmp_path / "d.npz")


def leaving_out(labels, outputs):
    return keras.ops.nanmean((labels - outputs) ** 2)


class LeavingOut(keras.losses.Loss):
    def call(self, labels, outputs):
        return leaving_out(labels, outputs)


class OfKeras(keras.losses.MeanSquaredError):
    """With Keras' function inside, which it does not call."""

    def call(self, labels, outputs):
        return leaving_out(labels, outputs)


class OwnLoss(keras.Sequential):
    def compute_loss(self, _x, y, y_pred, *_others, **_options):
        return leaving_out(y, y_pred)


class OwnStep(keras.Sequential):
    def test_step(self, state, data):
        return super().test_step(state, data)


class OwnTraining(keras.Sequential):
    def train_step(self, state, data):
        return super().train_step(state, data)


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        (keras.Sequential, leaving_out),
        (keras.Sequential, LeavingOut()),
        (keras.Sequential, OfKeras()),
        (OwnLoss, "mse"),
        (OwnStep, "mse"),
        (OwnTraining, "mse"),
    ],
    ids=["function", "class", "class of Keras' kind", "model", "step", "training"],
)
def test_a_loss_of_the_users_own_may_leave_labels_out(kind, loss):
    model = kind([keras.Input((4,)), layers.BatchNormalization(), layers.Dense(1)])
    model.compile(loss=loss)
    labels = spoilt(np.nan, [5, 17])[:, None]
    given = given_to(model, (X, labels))
    assert given.y is labels


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (spoilt(np.nan, [5, 17]), "^data 'given': 2 NaN or infinite .* training weights .first in"),
        (0 * W, "weights of the training part are all 0, so no example counts"),
        (np.zeros(60, int), "weights of the training part are all 0"),
        ({"a": 0 * W, "b": 0 * W}, "weights of the training part are all 0"),
        (np.array(["a"] * 60), "the weights of the training part has type <U1"),
    ],
    ids=["NaN", "0", "whole", "several", "texts"],
)
def test_weights_that_say_nothing_are_refused(weights, message):
    with pytest.raises(DataError, match=message):
        given_to(one_input(), (X, Y, weights))
    with pytest.raises(DataError, match=message.replace("training", "validation")):
        given_to(one_input(), ((X, Y), (X, Y, weights)))


def test_an_output_may_count_nothing():
    weights = {"a": 0 * W, "b": W}
    assert given_to(one_input(), (X, Y, weights)).weights == weights
