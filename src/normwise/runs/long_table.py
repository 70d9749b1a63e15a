"""Training runs as a long table: a row for each run and epoch, whatever wrote it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from normwise.errors import DataError, listed
from normwise.runs.columns import ColumnNames, Columns, find_columns, without_percent
from normwise.runs.melted import with_metrics_in_columns
from normwise.runs.metric_names import keras_names
from normwise.runs.run_names import by_pattern, named

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RUN", "LongTable", "long_table"]

_SEARCHED = (
    "Learning rate, batch size, initialiser or depth differ from seed to seed, and no seed has "
    "several of them: they are no grid, and count as part of the seed's luck."
)
# What tells a run from others, as columns of `LongTable.frame`.
RUN = ("variant", "seed", "learning_rate", "batch_size", "initializer", "depth")


@dataclass(frozen=True)
class LongTable:
    """Training runs in one form, whatever wrote them.

    Attributes:
        frame: Columns ``variant`` (text), ``seed`` (whole numbers from 0), ``learning_rate``,
            ``batch_size``, ``initializer`` and ``depth`` (missing where unknown), ``place`` (of the
            epoch, in the log's own count), ``step`` (finer, or the same), and one for each metric.
        metrics: Metric as it is named here to how the log named it.
        counted: What the log counts: ``epoch``, ``step``.
        notes: What was decided, in sentences.
        seeded: Whether the log tells runs of one variant apart, by a seed or a name.
    """

    frame: pd.DataFrame
    metrics: dict[str, str]
    counted: str
    notes: tuple[str, ...]
    seeded: bool = True


def long_table(
    frame: pd.DataFrame, names: ColumnNames | None = None, pattern: str | None = None
) -> LongTable:
    """A data frame of runs in one form.

    Args:
        frame: A row for each run and epoch, or several of which each has some metrics, or one for
            each value.
        names: Columns that were named.
        pattern: How the runs' names say variant and seed, where a column has such names.

    Raises:
        DataError: A column is missing, doubled or ambiguous; a value of one cannot be used.

    >>> import pandas as pd
    >>> rows = {"model": ["bn", "none"], "trial": [3, 3], "Epoch": [1, 1], "val/acc": [0.9, 0.8]}
    >>> table = long_table(pd.DataFrame(rows))
    >>> table.metrics, table.frame["seed"].tolist()
    ({'val_acc': 'val/acc'}, [3, 3])
    """
    frame, spread = with_metrics_in_columns(_with_index(frame))
    found = find_columns(frame, names or ColumnNames())
    read = _metrics(frame, found)
    # Without validation Keras' CSVLogger has columns for it that hold nothing.
    filled = [name for name in found.metrics if read[name].notna().any()]
    if not filled:
        raise DataError(
            f"the metrics {listed(found.metrics)} have no values; expected numbers; check the table"
        )
    own = keras_names(filled)
    variants, seeds = _runs(frame, found, pattern)
    body: dict[str, Any] = {"variant": variants, "seed": _seed_numbers(seeds)}
    body |= {role: _condition(frame, found, role) for role in RUN[2:]}
    body["place"] = _places(frame, found.place)
    body["step"] = body["place"] if found.step is None else _places(frame, found.step)
    body |= {name: read[logged] for logged, name in own.items()}
    import pandas as pd

    table = pd.DataFrame(body)
    metrics = {name: logged for logged, name in own.items()}
    notes = [*_notes(found, metrics), *filter(None, [spread])]
    placed = table["place"].notna()
    if lost := int((~placed & table[list(metrics)].notna().any(axis=1)).sum()):
        notes.append(f"{lost} rows with values have no {found.place!r} and were left out.")
    table = _first_condition(table[placed].reset_index(drop=True), found)
    if _is_search(table):
        none = dict.fromkeys(RUN[2:], math.nan) | {"initializer": None}
        table = table.assign(**none)
        notes.append(_SEARCHED)
    seeded = found.seed is not None or found.run is not None
    return LongTable(table, metrics, found.place, tuple(notes), seeded)


def _is_search(table: pd.DataFrame) -> bool:
    """Whether points differ from seed to seed, and no seed has several: a search, and no grid."""
    points = table[list(RUN)].drop_duplicates()
    of_variants = points.groupby("variant")[list(RUN[2:])].nunique(dropna=False)
    several = (of_variants > 1).any(axis=1).any()
    return bool(several and not points.duplicated(["variant", "seed"]).any())


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with texts as names, and what its index says as columns."""
    named_index = [name for name in frame.index.names if name is not None]
    frame = frame.reset_index() if named_index else frame.reset_index(drop=True)
    frame.columns = [
        "/".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns
    ]
    return frame


def _metrics(frame: pd.DataFrame, found: Columns) -> pd.DataFrame:
    import pandas as pd

    written = {name: frame[name] for name in found.metrics}
    written |= {name: without_percent(frame[name]) for name in found.percent}
    numbers = {name: pd.to_numeric(texts, errors="coerce") for name, texts in written.items()}
    return pd.DataFrame(numbers).astype("float64")


def _runs(frame: pd.DataFrame, found: Columns, pattern: str | None) -> tuple[Any, Any]:
    """Variant and seed of each row; of runs' names, where no column says the variant."""
    import pandas as pd

    if found.variant is not None:
        alone = pd.Series(0, frame.index)
        seeds = frame[found.seed or found.run] if found.seed or found.run else alone
        return _texts(frame, found.variant), seeds
    if found.run is None:  # pragma: no cover - `find_columns` has seen to it
        raise DataError("no run")
    texts = _texts(frame, found.run)
    names = list(dict.fromkeys(texts))
    said = named(names) if pattern is None else by_pattern(pattern, names)
    of = dict(zip(names, said, strict=True))
    variants = texts.map(lambda text: of[text].variant)
    if found.seed is not None:
        return variants, frame[found.seed]
    return variants, texts.map(lambda text: of[text].seed or "0")


def _texts(frame: pd.DataFrame, name: str) -> pd.Series:
    column = frame[name]
    if column.isna().any():
        raise DataError(
            f"column {name!r} has no value in {int(column.isna().sum())} of {len(frame)} rows; "
            f"expected one in each; drop those rows, or name another --variant-column"
        )
    return column.astype("str").str.split().str.join(" ")  # in one line


def _seed_numbers(values: pd.Series) -> pd.Series:
    """Seeds as whole numbers from 0: as they are, or a number for each that is something else."""
    import pandas as pd

    if values.isna().any():
        raise DataError(
            f"the seed is missing in {int(values.isna().sum())} of {len(values)} rows; expected "
            f"one in each; drop those rows, or name another --seed-column"
        )
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().all() and (numbers >= 0).all() and (numbers == numbers.round()).all():
        return numbers.astype("int64")
    texts = values.astype("str")
    order = {text: number for number, text in enumerate(sorted(texts.unique()))}
    return texts.map(order).astype("int64")


def _places(frame: pd.DataFrame, name: str) -> pd.Series:
    import pandas as pd

    numbers = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    strange = frame[name].notna() & numbers.isna()
    if strange.any() or numbers.isna().all():
        first = repr(frame[name][strange].iloc[0]) if strange.any() else "nothing"
        raise DataError(
            f"column {name!r} holds {first}; expected numbers that count epochs or steps; "
            f"try --epoch-column NAME"
        )
    if (numbers < 0).any():
        raise DataError(
            f"column {name!r} holds {numbers.min():g}; expected epochs or steps from 0 or 1; "
            f"drop what is below 0, or name another --epoch-column"
        )
    return numbers


def _condition(frame: pd.DataFrame, found: Columns, role: str) -> Any:
    import pandas as pd

    name = found.conditions.get(role)
    if role == "initializer":
        return None if name is None else frame[name]
    if name is None:
        return math.nan
    numbers = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    return numbers.where(numbers > 0)


def _first_condition(table: pd.DataFrame, found: Columns) -> pd.DataFrame:
    """The table with the learning rate that each run began with, where a schedule changes it.

    Where runs of one variant and seed began with several, those are points of a grid: a rate that
    comes again at the first place of another run.

    Raises:
        DataError: Both at once, so that no column says which rows are of one run.
    """
    rates = table["learning_rate"]
    if rates.isna().all():
        return table
    run = [name for name in RUN if name != "learning_rate"]
    first = table["place"] == table.groupby(run, dropna=False)["place"].transform("min")
    began = rates[first].groupby([table.loc[first, name] for name in run], dropna=False).nunique()
    if (began > 1).any():
        later = sorted({*rates[~first].dropna()} - {*rates[first].dropna()})
        if later:
            raise DataError(
                f"column {found.conditions['learning_rate']!r} changes within runs, such as to "
                f"{later[0]:.4g}, where one variant and seed began with several rates; expected "
                f"the rate that a run began with in all of its rows; try a column of it, and drop "
                f"the one that changes"
            )
        return table
    kept = table.assign(learning_rate=rates.where(first))
    filled = kept.groupby(run, dropna=False)["learning_rate"].transform("first")
    return table.assign(learning_rate=filled)


def _notes(found: Columns, metrics: dict[str, str]) -> list[str]:
    roles = [
        f"{role} {name!r}"
        for role, name in (
            ("variant", found.variant or found.run), ("seed", found.seed or found.run),
            ("epoch", found.place),
            *((role.replace("_", " "), name) for role, name in found.conditions.items()),
        )
        if name is not None
    ]  # fmt: skip
    said = [f"Columns: {', '.join(roles)}."]
    renamed = [f"{logged!r} as {name}" for name, logged in metrics.items() if name != logged]
    if renamed:
        said.append(f"Metrics are named as Keras would: {listed(renamed)}.")
    if found.percent:
        said.append(
            f"Numbers with a percent sign are taken as they stand, 85.2% as 85.2: "
            f"{listed(found.percent)}."
        )
    if found.left_out:
        said.append(f"Columns that are no metrics were left out: {listed(found.left_out)}.")
    return said
