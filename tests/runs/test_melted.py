"""Tables with a row for each value are the same runs as tables with a column for each metric."""

import numpy as np
import pytest

from normwise import judge
from normwise.errors import DataError


def melted(frame, metric="metric", value="value"):
    return frame.melt(["variant", "seed", "epoch"], var_name=metric, value_name=value)


@pytest.mark.parametrize(("metric", "value"), [("metric", "value"), ("variable", "value"), ("Tag", "Value"), ("key", "metric_value")])  # fmt: skip
def test_values_find_their_metric(curves, read, metric, value):
    wanted, frame = read(curves()), melted(curves(), metric, value)
    frame["wall_time"] = np.arange(len(frame))  # which differs from value to value
    found = read(frame.sample(frac=1, random_state=0))
    order = ["variant", "seed", "place"]
    rows, same = (table.frame.sort_values(order).reset_index(drop=True) for table in (found, wanted))  # fmt: skip
    assert found.metrics.keys() == wanted.metrics.keys()
    for name in (*order, *wanted.metrics):
        np.testing.assert_array_equal(rows[name], same[name])
    assert any(f"that {metric!r} names" in note for note in found.notes)


def test_a_rate_that_is_missing_and_a_metric_of_some_epochs_stay(curves, read):
    frame = curves(variants=["bn"], seeds=[0], epochs=4).assign(lr=np.nan)
    few = melted(frame.drop(columns="lr")).assign(lr=np.nan)
    few = few[(few["metric"] == "loss") | (few["epoch"] % 2 == 0)]
    found = read(few).frame
    assert found["val_accuracy"].isna().tolist() == [True, False, True, False]
    np.testing.assert_array_equal(found["loss"], frame["loss"])


def test_a_value_that_comes_twice_is_refused(curves):
    frame = melted(curves())

    with pytest.raises(DataError, match="2 rows for epoch 1"):
        judge(frame.iloc[[*range(len(frame)), 0]], baseline="none")
