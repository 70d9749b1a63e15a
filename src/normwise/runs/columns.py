"""Which column of a long table says what: by its owner's options, or by its usual name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normwise.errors import DataError, UnknownNameError, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ColumnNames",
    "Columns",
    "find_columns",
    "is_clock",
    "plain_name",
    "says_something",
    "says_variant",
    "without_percent",
]

# The usual names of each role, the surest first, as `plain_name` writes them.
_VARIANT = (
    "variant", "arm", "treatment", "condition", "group", "method", "norm", "normalization",
    "normalisation", "model", "model_name", "architecture", "arch", "algorithm", "algo",
    "configuration", "config", "setting", "experiment", "experiment_name",
)  # fmt: skip
_SEED = (
    "seed", "random_seed", "random_state", "rng_seed", "trial", "repeat", "repetition", "replicate",
    "replica", "rep", "fold",
)  # fmt: skip
# What tells runs apart, and may be text that says variant and seed.
_RUN = ("run", "run_id", "run_name", "name", "id", "run_number")
_NAME = ("name", "run_name")
_EPOCH = ("epoch", "epochs", "current_epoch", "epoch_epoch")
_STEP = (
    "step", "global_step", "trainer_global_step", "iteration", "iterations", "iter",
    "training_iteration", "update", "round",
)  # fmt: skip
# Each point of a grid that a record can say, by its usual names.
_CONDITIONS = {
    "learning_rate": ("learning_rate", "lr", "initial_lr", "init_lr"),
    "batch_size": ("batch_size", "batchsize", "bs"),
    "initializer": ("initializer", "initialiser", "kernel_initializer"),
    "depth": ("depth",),
}
# Clocks and counters are no metrics.
_NO_METRIC = {"index", "level_0", "unnamed_0", "date", "created", "elapsed", "duration", "seconds"}
_NO_METRIC_WORDS = {"time", "timestamp", "runtime", "walltime"}
# Where a configuration is logged beside a run, each name is under one of these.
_CONFIGURATION = re.compile(r"^(config|params?|hparams?|tags?)[./]", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnNames:
    """Columns that were named by their owner; ``None`` to recognise them."""

    variant: str | None = None
    seed: str | None = None
    epoch: str | None = None


@dataclass(frozen=True)
class Columns:
    """Which column of a table says what.

    Attributes:
        variant: Of the variant; ``None`` where the runs' names say it.
        seed: Of the seed; ``None`` where there is none.
        run: Of the runs' names, if there is one.
        place: Of the epoch, or else the step.
        step: Of the step, beside an epoch.
        conditions: ``learning_rate``, ``batch_size``, ``initializer`` or ``depth`` to its column.
        metrics: All other columns with numbers.
        left_out: All other columns.
        percent: Those of the metrics that are texts such as ``85.2%``.
    """

    variant: str | None
    seed: str | None
    run: str | None
    place: str
    step: str | None
    conditions: dict[str, str]
    metrics: tuple[str, ...]
    left_out: tuple[str, ...]
    percent: tuple[str, ...]


def find_columns(frame: pd.DataFrame, names: ColumnNames) -> Columns:
    """Which column says what.

    Args:
        frame: A long table, its columns' names texts.
        names: Those that were named.

    Raises:
        UnknownNameError: One that was named is not there.
        DataError: A column that is needed is not there, or several could be it, or one is doubled.
    """
    _check_names(frame)
    for name in (names.variant, names.seed, names.epoch):
        if name is not None and name not in frame.columns:
            raise UnknownNameError("column", name, map(str, frame.columns))
    typed = [name for name in (names.variant, names.seed, names.epoch) if name]
    left = [name for name in frame.columns if name not in typed]
    run = _only(frame, left, _RUN, "run")
    variant = names.variant or _only(frame, left, _VARIANT, "variant")
    if variant is None and run is not None and _is_number(frame[run]):
        variant = _only(frame, [name for name in left if name != run], _NAME, "variant")
    place = names.epoch or _only(frame, left, _EPOCH, "epoch") or _only(frame, left, _STEP, "epoch")
    step = next((name for name in _candidates(left, _STEP) if name != place), None)
    seed = names.seed or _only(frame, left, _SEED, "seed")
    if variant is None and (run is None or _is_number(frame[run])):
        raise DataError(_no_variant(frame))
    if place is None:
        raise DataError(
            f"no column says the epoch; expected one, such as 'epoch' or 'step', among "
            f"{_names_of(frame)}; try --epoch-column NAME"
        )
    conditions = {
        role: found
        for role, usual in _CONDITIONS.items()
        if (found := next(_candidates(left, usual), None)) is not None
    }
    taken = {variant, seed, run, place, step, *conditions.values()}
    rest = [name for name in left if name not in taken]
    possible = [name for name in rest if not is_clock(name) and not says_something(name)]
    percent = tuple(name for name in possible if _is_percent(frame[name]))
    metrics = tuple(name for name in possible if name in percent or _is_number(frame[name]))
    if not metrics:
        raise DataError(
            f"no column holds a metric; expected one with numbers, such as 'val_accuracy', beside "
            f"{_names_of(frame)}; try a table with a metric"
        )
    left_out = tuple(name for name in rest if name not in metrics)
    return Columns(variant, seed, run, place, step, conditions, metrics, left_out, percent)


def says_something(name: str) -> bool:
    """Whether a column of that name may say what a run is, and so is no metric.

    >>> says_something("params.seed"), says_something("dropout")
    (True, False)
    """
    conditions = (one for names in _CONDITIONS.values() for one in names)
    return plain_name(name) in {*_VARIANT, *_SEED, *_RUN, *_EPOCH, *_STEP, *conditions}


def says_variant(name: str) -> bool:
    """Whether a column of that name usually says the variant."""
    return plain_name(name) in _VARIANT


def _check_names(frame: pd.DataFrame) -> None:
    counted = [str(name) for name in frame.columns]
    doubled = sorted({name for name in counted if counted.count(name) > 1})
    if doubled:
        raise DataError(
            f"the table has the columns {listed(doubled)} more than once; expected each once; "
            f"rename one of them or leave it out"
        )


def _names_of(frame: pd.DataFrame) -> str:
    return listed([repr(str(name)) for name in frame.columns])


def _no_variant(frame: pd.DataFrame) -> str:
    of_runs = [str(name) for name in frame.columns if " - " in str(name)]
    ends = {name.rpartition(" - ")[2] for name in of_runs}
    if len(ends) < len(of_runs):
        return (
            f"the table is wide, with columns for each run, such as {of_runs[0]!r}; expected "
            f"a long one, with a row for each run and epoch and columns for variant, seed, epoch "
            f"and metrics; try pandas.melt, or export the runs' history instead of a chart"
        )
    return (
        f"no column says the variant; expected one, such as 'variant' or 'model', among "
        f"{_names_of(frame)}; try --variant-column NAME, or pandas.melt where each run has a column"
    )


def _only(frame: pd.DataFrame, names: Sequence[str], usual: Sequence[str], role: str) -> str | None:
    """The column of a role: its own name, or the only usual name that tells anything apart."""
    found = list(_candidates(names, usual))
    own = [name for name in found if plain_name(name) == usual[0]]
    if len(own) == 1:
        return own[0]
    # A column with one value in all rows is the role's if no other is.
    telling = [name for name in found if len(frame[name].unique()) > 1] or found[:1]
    different = [name for name in telling if not _are_alike(frame, telling[0], name)]
    if different:
        raise DataError(
            f"several columns could say the {role}: {listed(telling)}; expected one; "
            f"try --{'seed' if role == 'run' else role}-column {telling[0]}"
        )
    return telling[0] if telling else None


def _are_alike(frame: pd.DataFrame, one: str, other: str) -> bool:
    """Whether two columns tell the same rows apart, such as a run's name and its number."""
    if one == other:
        return True
    both = frame[[one, other]].drop_duplicates()
    return bool(both[one].is_unique and both[other].is_unique)


def _candidates(names: Sequence[str], usual: Sequence[str]) -> Iterator[str]:
    """Columns with a usual name, in the order of the usual names."""
    yield from (name for known in usual for name in names if plain_name(name) == known)


def plain_name(name: str) -> str:
    """A name without the ways of writing it.

    >>> plain_name("config/Random Seed"), plain_name("trainer/global_step"), plain_name("_step")
    ('random_seed', 'trainer_global_step', 'step')
    """
    return "_".join(re.findall(r"[^\W_]+", _CONFIGURATION.sub("", name.strip()).lower()))


def is_clock(name: str) -> bool:
    """Whether a column of that name holds times or numbers of rows.

    >>> is_clock("wall_time"), is_clock("val_loss")
    (True, False)
    """
    plain = plain_name(name)
    return plain in _NO_METRIC or bool(_NO_METRIC_WORDS & {*plain.split("_")})


def _is_number(column: pd.Series) -> bool:
    import pandas as pd

    if pd.api.types.is_bool_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        return True
    there = column.dropna()
    # A text "nan" is a number that was lost.
    there = there[there.astype("str").str.strip().str.lower() != "nan"]
    return bool(len(there) and pd.to_numeric(there, errors="coerce").notna().all())


def _is_percent(column: pd.Series) -> bool:
    """Whether all texts of a column are numbers with a percent sign behind them."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return False
    texts = column.dropna().astype("str").str.strip()
    return bool(texts.str.endswith("%").all() and _is_number(without_percent(texts)))


def without_percent(column: pd.Series) -> pd.Series:
    """Texts such as ``85.2 %`` without that sign; what is missing stays so."""
    return column.astype("str").str.strip().str.removesuffix("%").where(column.notna())
