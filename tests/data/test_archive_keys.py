"""Archives of several inputs and outputs: which array is what, from its name or the model's."""

import numpy as np
import pytest

from normwise.data import Names, TableOptions, find_dataset, find_given
from normwise.errors import DataError

N = 20
DRAW = np.random.default_rng(0)
ROW, TOKENS = DRAW.normal(size=(N, 3)).astype("float32"), DRAW.integers(0, 9, (N, 5))
KIND, SIZE = np.arange(N) % 3, DRAW.random(N).astype("float32")
NAMES = Names(("row", "tokens"), ("kind", "size"))


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(names=None, **arrays):
        np.savez("d.npz", **arrays)
        return find_dataset("d.npz", names=lambda: names)

    return read


WAYS = {
    "with names behind": {"x_train_row": ROW, "x_train_tokens": TOKENS, "y_train_kind": KIND, "y_train_size": SIZE},
    "with a slash": {"X_train/row": ROW, "X_train/tokens": TOKENS, "Y_train/kind": KIND, "Y_train/size": SIZE},
    "whole": {"x_row": ROW, "x_tokens": TOKENS, "y_kind": KIND, "y_size": SIZE},
    "the model's own": {"row": ROW, "tokens": TOKENS, "kind": KIND, "size": SIZE},
    "the model's own, of a part": {"row_train": ROW, "tokens_train": TOKENS, "kind_train": KIND, "size_train": SIZE},
    "both ways": {"row": ROW, "tokens": TOKENS, "y_kind": KIND, "y_size": SIZE},
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_several_inputs_and_outputs_go_by_their_names(tmp_path, way):
    np.savez(tmp_path / "d.npz", **WAYS[way])
    found = find_given(str(tmp_path / "d.npz"), TableOptions(names=lambda: NAMES))
    for part, wanted in (
        (found.x, {"row": ROW, "tokens": TOKENS}),
        (found.y, {"kind": KIND, "size": SIZE}),
    ):
        assert part.keys() == wanted.keys()
        for name, array in wanted.items():
            np.testing.assert_array_equal(part[name], array)
    inputs, labels = list(WAYS[way])[:2], list(WAYS[way])[2:]
    assert f"Inputs are {', '.join(inputs)}; labels {', '.join(labels)}." in found.notes


def test_parts_and_weights_go_with_them(study):
    part = {
        f"{name}_train": array
        for name, array in (("row", ROW), ("tokens", TOKENS), ("kind", KIND), ("size", SIZE))
    }
    val = {name.replace("train", "val"): array[:9] for name, array in part.items()}
    weights = {"sample_weight_train_kind": SIZE, "sample_weight_val_kind": SIZE[:9], "other": ROW}
    data = study(NAMES, **part, **val, **weights)
    np.testing.assert_array_equal(data.x_val["tokens"], TOKENS[:9])
    np.testing.assert_array_equal(data.weights[0]["kind"], SIZE)
    np.testing.assert_array_equal(data.weights[1]["kind"], SIZE[:9])
    assert "row_train, tokens_train train, row_val, tokens_val validate." in data.notes
    assert "Not used: other." in data.notes


def test_weights_are_split_with_their_examples(study):
    data = study(x=ROW, y=KIND, sample_weight=ROW[:, 0] ** 2, weights=ROW[:2])
    assert "Examples count by sample_weight." in data.notes
    assert "Not used: weights." in data.notes  # it could be anything's
    for part in (data.train, data.val):
        np.testing.assert_array_equal(part.weights, part.x[:, 0] ** 2)


def test_numbers_make_a_list_and_slashes_go_deeper(study):
    data = study(x_10=ROW, x_9=TOKENS, **{"y/a/p": SIZE, "y/a/q": KIND, "y/b": KIND})
    assert [array.shape[1] for array in data.x_train] == [5, 3]
    assert (data.y_train.keys(), data.y_train["a"].keys()) == ({"a", "b"}, {"p", "q"})


def test_one_input_and_output_by_name_are_arrays_alone(study):
    data = study(Names(("x_left",), ("kind",)), x_left=ROW, kind=KIND)
    assert (data.x_train.shape, data.task) == ((16, 3), "classes")


def test_what_is_named_beside_whole_arrays_is_not_used(study):
    data = study(NAMES, x_train=ROW, y_train=KIND, x_names=TOKENS[:3], row=ROW, y_val_names=SIZE)
    assert data.x_train.shape == (16, 3)
    assert "Not used: x_names, row, y_val_names." in data.notes


def test_a_model_with_a_loss_of_its_own_needs_no_labels(study, tmp_path):
    names = Names(needs_labels=False)
    found = study(names, x=ROW)
    assert found.y_train is None
    assert found.task_note == "d.npz has no labels: the model's own loss looks at none."
    np.save(tmp_path / "x.npy", ROW)
    data = find_dataset(str(tmp_path / "x.npy"), names=lambda: names)
    assert (data.y_train, len(data.x_train)) == (None, 16)
    with pytest.raises(DataError, match="holds x without y"):
        study(None, x=ROW)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        pytest.param(
            {"row": ROW, "other": KIND},
            r"holds row without y \(it holds row, other\); expected both",
            id="no-labels",
        ),
        pytest.param(
            {"a": ROW, "b": KIND},
            "holds a, b; expected x_train and y_train, or x and y, or arrays called like the model's "
            "inputs, row, tokens, and outputs, kind, size; write it",
            id="other-names",
        ),
        pytest.param(
            {"x_row": ROW, "x_tokens": TOKENS[:7], "y": KIND},
            r"the parts of x_row, x_tokens have 20 and 7 examples",
            id="lengths",
        ),
        pytest.param(
            {"x": ROW, "y": KIND, "sample_weight": np.float32(1)},
            r"sample_weight has type float32 and shape \(\); expected an array of numbers",
            id="one-weight",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_named(study, arrays, message):
    with pytest.raises(DataError, match=message):
        study(NAMES, **arrays)
