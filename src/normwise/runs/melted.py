"""Tables with a row for each value, as ``pandas.melt`` and TensorBoard's export write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normwise.runs.columns import is_clock, plain_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["with_metrics_in_columns"]

# The usual names of what says which metric a value is of, and of the value.
_METRIC = ("metric", "metric_name", "metrics", "measure", "tag", "key", "variable")
_VALUE = ("value", "values", "metric_value")
# Tells rows apart that would be one; they are refused where runs are told apart.
_AGAIN = "__again__"


def with_metrics_in_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The table with a column for each metric, and what was done, in a sentence.

    As it is, with an empty sentence, where no column of texts named like a metric stands beside
    one of values.

    >>> import pandas as pd
    >>> rows = {"seed": [0, 0], "epoch": [1, 1], "metric": ["loss", "acc"], "value": [0.7, 0.5]}
    >>> with_metrics_in_columns(pd.DataFrame(rows))[0].to_dict("list")
    {'seed': [0], 'epoch': [1], 'acc': [0.5], 'loss': [0.7]}
    """
    import pandas as pd

    metrics = _named(frame, _METRIC)
    metrics = [name for name in metrics if not pd.api.types.is_numeric_dtype(frame[name])]
    values = _named(frame, _VALUE)
    if len(metrics) != 1 or len(values) != 1:
        return frame, ""
    [metric], [value] = metrics, values
    rest = [name for name in frame.columns if name not in (metric, value) and not is_clock(name)]
    again = frame.groupby([*rest, metric], dropna=False).cumcount()
    placed = frame.assign(**{_AGAIN: again}).set_index([*rest, _AGAIN, metric])[value]
    # `pivot_table` would lose rows of which a key is missing.
    table = placed.unstack(metric).reset_index().drop(columns=_AGAIN)  # noqa: PD010
    table.columns.name = None
    return table, f"Values of {value!r} are of the metric that {metric!r} names."


def _named(frame: pd.DataFrame, usual: tuple[str, ...]) -> list[str]:
    return [name for name in frame.columns if plain_name(name) in usual]
