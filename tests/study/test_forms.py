"""A study takes the forms of data that `fit` takes where it can, and refuses the others by name."""

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import normwise as nw
from normwise.data import from_arrays
from normwise.errors import DataError, SpecError
from normwise.spec import Spec
from normwise.study.inputs import arrived, as_dataset

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(60, 3)).astype("float32")
Y = np.arange(60) % 2
W = DRAW.random(60)
CUTS = [slice(0, 32), slice(32, 60)]
SPEC = Spec(model="m", data="arrays")


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, number):
        return X[CUTS[number]], Y[CUTS[number]]


def dataset_of(data):
    return as_dataset(arrived(data), SPEC)


FORMS = {
    "arrays": lambda: (X, Y),
    "a list of them": lambda: [X, Y],
    "with weights": lambda: (X, Y, W),
    "lists": lambda: (X.tolist(), Y.tolist()),
    "frames": lambda: (pd.DataFrame(X), pd.Series(Y)),
    "objects": lambda: (X.astype(object), Y.astype(object)),
    "sparse": lambda: (scipy.sparse.csr_matrix(X), Y),
    "tensors": lambda: (keras.ops.convert_to_tensor(X), keras.ops.convert_to_tensor(Y)),
    "PyDataset": Batches,
    "generator": lambda: ((X[cut], Y[cut]) for cut in CUTS),
    "lists in batches": lambda: iter([[X[cut], Y[cut]] for cut in CUTS]),
    "weights in batches": lambda: ((X[cut], Y[cut], W[cut]) for cut in CUTS),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_data_in_every_form_are_the_same(form):
    found = dataset_of(FORMS[form]())
    weighted = from_arrays(X, Y, weights=(W, None))
    assert found.fingerprint == weighted.fingerprint
    if "weights" in form:
        np.testing.assert_allclose(found.weights[0], weighted.weights[0])
    else:
        assert found.weights[0] is None


@pytest.mark.parametrize(
    "data", [(X, Y, X[:9], Y[:9]), ((X, Y), (X[:9], Y[:9])), ((X, Y, W), (X[:9], Y[:9]))],
    ids=range(3),
)  # fmt: skip
def test_a_validation_part_stays_one(data):
    found = dataset_of(data)
    assert found.fingerprint == from_arrays(X, Y, X[:9], Y[:9]).fingerprint


def test_half_precision_that_numpy_has_not_is_taken():
    half = np.asarray(keras.ops.cast(X, "bfloat16"))
    found = dataset_of((half, Y))
    assert found.fingerprint == from_arrays(half.astype("float32"), Y).fingerprint


@pytest.mark.parametrize("x", [[X, X], [X, X[:, :1]], {"a": X}], ids=["list", "unlike", "names"])
def test_several_inputs_keep_their_structure(x):
    found, whole = dataset_of((x, Y)), dataset_of((X, Y))
    keras.tree.assert_same_structure(found.x_train, x)
    np.testing.assert_array_equal(keras.tree.flatten(found.x_train)[0], whole.x_train)


WITHOUT_LABELS = {
    "nothing for labels": lambda: (X, None),
    "a tuple of one": lambda: (X,),
    "batches of inputs": lambda: iter([X[cut] for cut in CUTS]),
    "batches of tuples of one": lambda: iter([(X[cut],) for cut in CUTS]),
}


@pytest.mark.parametrize("form", WITHOUT_LABELS)
def test_inputs_without_labels_are_taken(form):
    found = dataset_of(WITHOUT_LABELS[form]())
    assert (found.task, found.y_train, found.y_val) == ("own", None, None)
    assert (len(found.x_train), len(found.x_val)) == (48, 12)
    assert set(map(tuple, np.vstack([found.x_train, found.x_val]))) == set(map(tuple, X))


@pytest.mark.parametrize(
    "data",
    [((X, None), (X[:9], None)), (iter([X]), iter([X[:9]])), (X, None, X[:9], None)],
    ids=["pairs", "loaders", "four"],
)
def test_a_validation_part_without_labels_is_no_label(data):
    found = dataset_of(data)
    assert (found.y_train, found.y_val) == (None, None)
    np.testing.assert_array_equal(found.x_train, X)
    np.testing.assert_array_equal(found.x_val, X[:9])


REFUSED = {
    "masked": ((np.ma.masked_less(X, 0), Y), "x is a masked array"),
    "a generator in a tuple": ((iter([X]), Y), "x is no array|x has type object"),
    "a set in a tuple": (({1.0, 2.0}, Y), "x is no array"),
    "texts": ((np.array([["a"]] * 60), Y), "x has type <U1"),
    "inputs alone": (X, "data is of type ndarray; expected .x, y."),
    "a dictionary": (
        {"x": X, "y": Y},
        r"data is a dictionary of 'x', 'y', .* try \(data\['x'\], data\['y'\]\)",
    ),
    "batches of dictionaries": (
        iter([{"image": X, "mask": X, "Label": Y}]),
        r"the list_iterator gives dictionaries of 'image', 'mask', 'Label', which fit takes for "
        r"inputs by their names, without labels; expected \(x, y\), .*; try \(batch, batch\['Label'\]\)",
    ),
    "two loaders of dictionaries": (
        (iter([{"a": X}]), iter([{"a": X}])),
        r"gives dictionaries of 'a', .* try \(batch, None\)",
    ),
    "labels that never differ": (
        (X, Y * 0),
        r"y is 0 in every row; .* or leave them out, \(x, None\), for a model whose own steps",
    ),
    "no batches": (iter([]), "gives no batch"),
    "a number": (7, "data is of type int"),
    "five arrays": ((X, Y, W, X, Y), "data is of type tuple"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_a_study_does_not_take_is_refused_by_name(form):
    data, message = REFUSED[form]
    with pytest.raises((DataError, SpecError), match=message):
        dataset_of(data)


def test_weights_that_come_with_the_data_count():
    def build():
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])

    def loss(data, **weights):
        settings = {"variants": ["none"], "seeds": 1, "epochs": 2, "batch_size": 12}
        return nw.Study(build, data, **settings, **weights).run().curves.loss

    with_them, apart = loss((X, Y, W)), loss((X, Y), sample_weight=W)
    np.testing.assert_array_equal(with_them, apart)
    assert np.all(np.abs(with_them / loss((X, Y)) - 1) > 0.1)
