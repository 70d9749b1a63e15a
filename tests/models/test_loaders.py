"""Loaders: what they give, drawn once; what has no end, no batches or no form is refused."""

import itertools

import keras
import numpy as np
import pytest

import normwise as nw
from normwise.data.mapped_rows import is_on_disk
from normwise.errors import DataError
from normwise.models import loaders
from normwise.models.fit_data import given_to
from normwise.models.loaders import draw, is_loader, is_pair_of_loaders
from normwise.study.inputs import arrived

DRAW = np.random.default_rng(6)
X = DRAW.normal(size=(20, 3)).astype("float32")
Y = DRAW.integers(0, 2, 20)
CUTS = [slice(0, 8), slice(8, 16), slice(16, 20)]


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return len(CUTS)

    def __getitem__(self, number):
        return X[CUTS[number]], Y[CUTS[number]]


class Endless(keras.utils.PyDataset):
    num_batches = None

    def __getitem__(self, number):
        return X, Y


class Tensor:
    """As PyTorch's: no array while it has a gradient or lies elsewhere."""

    def __init__(self, values, *, ready=False):
        self.values, self.ready, self.dtype = values, ready, "torch.float32"

    def detach(self):
        return self

    def cpu(self):
        return Tensor(self.values, ready=True)

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        if not self.ready:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return np.array(self.values, dtype, copy=copy)


class DataLoader:
    """As PyTorch's: lists of tensors, each time in another order."""

    def __init__(self):
        self.epoch = 0

    def __len__(self):
        return len(CUTS)

    def __iter__(self):
        self.epoch += 1
        order = np.random.default_rng(self.epoch).permutation(20)
        return iter([[Tensor(X[order[cut]]), Tensor(Y[order[cut]])] for cut in CUTS])


class Dataset:
    """As TensorFlow's: batches of its own tensors, and NumPy's where they are asked for."""

    def __init__(self, count=20):
        self.count = count

    def cardinality(self):
        return np.int64(self.count)

    def __iter__(self):
        raise AssertionError("of its own tensors")

    def as_numpy_iterator(self):
        return iter([(X[cut], Y[cut]) for cut in CUTS])


class OneByOne:
    """As a data set of PyTorch."""

    def __len__(self):
        return 20

    def __getitem__(self, number):
        return X[number], Y[number]


def generator():
    yield from ((X[cut], Y[cut]) for cut in CUTS)


def endless():
    yield from itertools.repeat((X, Y))


LOADERS = {
    "PyDataset": Batches, "DataLoader": DataLoader, "tf.data": Dataset, "generator": generator,
    "function": lambda: generator, "islice": lambda: itertools.islice(endless(), 1),
}  # fmt: skip


@pytest.mark.parametrize("kind", LOADERS)
def test_all_examples_are_drawn(kind):
    loader = LOADERS[kind]()
    assert is_loader(loader)
    found = draw(loader, to_its_end=True)
    x, y = found.parts
    order = np.lexsort(x.T)
    np.testing.assert_array_equal(x[order], X[np.lexsort(X.T)])
    np.testing.assert_array_equal(y[order], Y[np.lexsort(X.T)])
    assert (found.examples, found.is_cut) == (20, False)
    assert found.size == x.nbytes + y.nbytes


@pytest.mark.parametrize(
    "data", ["circles", (X, Y), [X, Y], X, {"a": X}, {1}, b"", 7, None, Batches, len]
)
def test_what_is_no_loader_is_none(data):
    assert not is_loader(data)


def test_what_was_drawn_is_said():
    assert arrived(Batches()).note == (
        "The Batches was drawn once: 20 examples, 0.0004 MB in memory. What a loader shuffles or "
        "changes from epoch to epoch stays as it was drawn."
    )


def test_structures_stay():
    batches = [({"a": X[cut], "b": [X[cut]]}, (Y[cut], Y[cut]), Y[cut]) for cut in CUTS]
    (x, y, weights) = draw(iter(batches)).parts
    np.testing.assert_array_equal(x["b"][0], X)
    np.testing.assert_array_equal(y[1], Y)
    np.testing.assert_array_equal(weights, Y)


ENDLESS = {
    "PyDataset": (Endless, "the Endless never ends, as it says"),
    "tf.data": (lambda: Dataset(-1), "the Dataset never ends, as it says"),
    "generator": (
        endless,
        "the generator gave 60 examples and does not say where it ends",
    ),
    "function": (
        lambda: endless,
        "the function endless gave 60 examples and does not say where it ends",
    ),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_study_refuses_what_has_no_end(kind, monkeypatch):
    monkeypatch.setattr(loaders, "MOST_OF_AN_EPOCH", 60)
    make, message = ENDLESS[kind]
    with pytest.raises(
        DataError, match=f"^{message}; expected the batches of one epoch; try itertools"
    ):
        arrived(make())


def test_what_does_not_fit_is_cut_unless_all_of_it_is_wanted(monkeypatch, tmp_path):
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path))
    monkeypatch.setattr(loaders, "MOST_BYTES", X[:8].nbytes)
    found = draw(Batches())
    assert (found.examples, found.is_cut) == (8, True)
    assert found.note.startswith(
        "Of the Batches the first 8 examples were drawn into memory and count"
    )
    whole = draw(Batches(), to_its_end=True)
    assert (whole.examples, whole.is_cut) == (20, False)
    assert whole.note == "The Batches was drawn once: 20 examples, 0.0004 MB in a file."
    x, y = whole.parts
    assert is_on_disk(x)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


def fails():
    yield X, Y
    raise KeyError("lost")


REFUSED = {
    "empty": (lambda: iter(()), "gives no batch; expected at least one"),
    "fails": (fails, "the generator failed .KeyError: 'lost'.; expected batches"),
    "a function that fails": (
        lambda: lambda: 1 / 0,
        "the function <lambda> failed .ZeroDivisionError",
    ),
    "other shapes": (
        lambda: itertools.chain([(X, Y), (X[:, :2], Y)], endless()),
        r"batch 1: examples of shape \(2,\) behind \(3,\)\); expected the same",
    ),
    "other parts": (
        lambda: iter([(X, Y), X]),
        r"batch 1: it holds \(20, 3\), and the first \[\(20, 3\), \(20,\)\]\)",
    ),
    "numbers": (lambda: iter([(X, 3)]), "batch 0 holds a single number"),
    "a data set without a loader": (
        OneByOne,
        "the OneByOne gives examples one by one; expected batches",
    ),
    "objects": (
        lambda: iter([(object(), Y)]),
        r"batch 0\[0\] is of type object; expected an array",
    ),
    "single examples": (
        lambda: iter([(X[0], Y[0])]),
        "batch 0 holds a single number where an array is expected, examples first; expected batches",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_study_refuses_the_rest_by_name(kind):
    make, message = REFUSED[kind]
    with pytest.raises(DataError, match=message):
        arrived(make())


@pytest.mark.parametrize("val", [Batches(), (X[:5], Y[:5])], ids=["loader", "arrays"])
def test_two_loaders_are_two_parts(val):
    pair = (DataLoader(), val)
    assert is_pair_of_loaders(pair)
    study = nw.Study("circles", pair)
    data = study._read()
    assert (len(data.x_train), len(data.x_val)) == (20, 20 if isinstance(val, Batches) else 5)
    np.testing.assert_array_equal(data.x_val, X if isinstance(val, Batches) else X[:5])
    assert data.notes[-1].startswith("The DataLoader was drawn once: 20 examples")
    assert "The Batches was drawn" in data.notes[-1] or not isinstance(val, Batches)
    assert data.notes[-1].count("stays as it was drawn") == 1


def test_a_finished_model_takes_two_loaders():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    given = given_to(model, (Batches(), generator()))
    np.testing.assert_array_equal(given.x, X)
    np.testing.assert_array_equal(given.validation[0], X)


def test_pytorch_itself():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    found = draw(torch.utils.data.DataLoader(data, batch_size=8), to_its_end=True)
    np.testing.assert_array_equal(found.parts[0], X)
    half = draw(iter([(torch.tensor(X, requires_grad=True).bfloat16(), torch.tensor(Y))])).parts[0]
    np.testing.assert_allclose(half, X, rtol=1e-2)


def test_polars_itself():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    given = given_to(model, (frame, polars.Series("y", Y)))
    np.testing.assert_array_equal(given.x, X)
    np.testing.assert_array_equal(given.y[:, 0], Y)
