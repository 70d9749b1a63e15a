"""A verdict on runs that something else trained: read, compared and reported like a study's."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

from normwise import analysis
from normwise.domain import RunRecord
from normwise.errors import DataError, ModelError, SpecError, StoreError, UnknownNameError, listed
from normwise.files import replacing
from normwise.report import DrawingProcess, judged_page
from normwise.runs import ColumnNames, RunOptions, cut, read_runs, runs_of
from normwise.study.aim import aim_of
from normwise.study.curves import write_curves
from normwise.study.lock import locked
from normwise.study.report_files import write_page, write_picture
from normwise.study.result import Result

__all__ = ["JudgeOptions", "judge", "name_of"]

_Mode = Literal["auto", "min", "max"]
# Seeds below which an interval has no bounds, and with which most effects show.
_FEWEST, _ENOUGH = 3, 5
# What people call the variant that others are compared with, to propose it.
_IS_LIKELY = re.compile(
    r"(base(line)?|plain|control|vanilla|default|reference|without|no|false|off)(?![a-z])",
    re.IGNORECASE,
)
# What shows that a folder holds a study, which is never written over.
_OF_A_STUDY = ("spec.toml", "journal.jsonl")


@dataclass(frozen=True)
class JudgeOptions:
    """How runs are read, and what is asked of them.

    Attributes:
        target: ``METRIC>=VALUE`` or ``METRIC<=VALUE``; what the baseline reaches at its end unless
            given.
        metric: The metric of that default target: validation accuracy, or else loss.
        mode: Whether less (``min``) or more (``max``) of it is better; ``auto``: as its name says,
            or else as training moves it.
        baseline: The variant that the others are compared with; ``none`` unless given.
        margin: A ratio within [1/margin, margin] makes no difference that matters, > 1.
        end_margin: A final value worse by at most this, in the metric's unit, is no worse, ≥ 0;
            what suits the metric and the baseline unless given.
        horizon: Epochs up to which all runs are followed, ≥ 1; as far as every variant goes unless
            given.
        variant_column: The column that says the variant; recognised unless given, as the others.
        seed_column: The column that says the seed.
        epoch_column: The column that says the epoch, or the step.
        pattern: How the path of a run says variant and seed: ``{variant}/run_{seed}.csv``.

    Raises:
        UsageError: One is out of range.
    """

    target: str | None = None
    metric: str | None = None
    mode: _Mode = "auto"
    baseline: str | None = None
    margin: float = 1.25
    end_margin: float | None = None
    horizon: int | None = None
    variant_column: str | None = None
    seed_column: str | None = None
    epoch_column: str | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in get_args(_Mode):
            raise UnknownNameError("mode", self.mode, get_args(_Mode))
        if not self.margin > 1:
            raise SpecError(
                f"margin is {self.margin:g}; expected a ratio above 1; try --margin 1.25"
            )
        if self.end_margin is not None and not 0 <= self.end_margin < math.inf:
            raise SpecError(
                f"end_margin is {self.end_margin:g}; expected a finite number from 0, in the "
                f"metric's unit; try --end-margin 0.01"
            )
        if self.horizon is not None and self.horizon < 1:
            raise SpecError(f"horizon is {self.horizon}; expected epochs from 1; try --horizon 30")

    @property
    def reading(self) -> RunOptions:
        """What concerns how the runs are read."""
        names = ColumnNames(self.variant_column, self.seed_column, self.epoch_column)
        return RunOptions(names, self.pattern)


def judge(runs: Any, *, out: str | Path | None = None, **options: Any) -> Result:
    """A verdict on runs that something else trained, in any framework.

    Args:
        runs: A data frame with a row for each run and epoch, and columns for variant, seed, epoch
            and metrics; the path of such a table, or of a folder of tables (Keras' ``CSVLogger``),
            event files of TensorBoard or a store of MLflow's; ``mlflow:EXPERIMENT`` or a tracking
            URI.
        out: A folder for the files.
        options: Fields of :class:`JudgeOptions`: ``target``, ``baseline``, ``metric``, ``mode``,
            ``variant_column``, ``pattern``, ….

    Returns:
        As of a study; ``best_model`` is refused, since there are no models.

    Raises:
        UsageError: The runs cannot be read, or what they mean is not clear.

    >>> import pandas as pd
    >>> losses = {"none": [0.9, 0.7, 0.5, 0.4, 0.3], "bn": [0.7, 0.4, 0.3, 0.2, 0.2]}
    >>> rows = [
    ...     {"variant": name, "seed": seed, "epoch": epoch, "val_loss": loss + 0.01 * seed}
    ...     for name, curve in losses.items()
    ...     for seed in range(5)
    ...     for epoch, loss in enumerate(curve, start=1)
    ... ]
    >>> print(judge(pd.DataFrame(rows), target="val_loss<=0.45").verdict[:48])
    `bn` helps here compared with `none`: `bn` reach
    """
    known = [field.name for field in fields(JudgeOptions)]
    for name in options:
        if name not in known:
            raise UnknownNameError("option", name, known)
    asked = JudgeOptions(**options)
    result = _result(runs, asked)
    if out is None:
        return result
    _write(result, Path(out))
    return replace(result, folder=Path(out))


def _result(runs: Any, asked: JudgeOptions) -> Result:
    table = read_runs(runs, asked.reading)
    aim = aim_of(table.metrics, asked.target, asked.metric, asked.mode)
    found = runs_of(table, aim.metric, asked.horizon)
    baseline = _baseline(found.records, asked.baseline)
    # The baseline comes first in every table.
    records = sorted(found.records, key=lambda record: record.key.variant != baseline)
    goal, decided = aim.goal([cut(record, found.horizon) for record in records], baseline)
    summary = analysis.summarise(
        name_of(runs),
        records,
        goal,
        margin=asked.margin,
        end_margin=asked.end_margin,
        baseline=baseline,
        horizon=found.horizon,
        elsewhere=True,
    )
    source = str(runs) if isinstance(runs, str | Path) else "a data frame"
    environment = {"runs": source, "normwise": metadata.version("normwise")}
    summary = replace(summary, environment=environment)
    page = judged_page(
        summary,
        records,
        settings={"baseline": baseline, "target": str(goal), "margin": f"{asked.margin:g}"},
        notes=(
            _counted(records, source),
            *table.notes,
            *found.notes,
            *decided,
            *_of_seeds(records, baseline),
        ),
    )
    return Result(
        summary, records, page, (), None, len(records), 0, unchanged=False, _best=_no_model
    )


def _no_model() -> NoReturn:
    raise ModelError(
        "there is no best model of runs that something else trained; expected one of a study; "
        "load the one that their tool saved"
    )


def name_of(runs: Any) -> str:
    """What runs are called in a report: the name of their file, folder or experiment.

    >>> name_of("logs/mine.csv"), name_of("mlflow:mine"), name_of("sqlite:///x/mlflow.db#mine")
    ('mine', 'mine', 'mine')
    """
    text = str(runs) if isinstance(runs, str | Path) else "runs"
    last = re.split(r"[/\\#:]", text.rstrip("/\\"))[-1]
    return Path(last).stem or "runs"


def _baseline(records: Sequence[RunRecord], asked: str | None) -> str:
    names = list(dict.fromkeys(record.key.variant for record in records))
    if asked is not None:
        if asked not in names:
            raise UnknownNameError("variant", asked, names)
        return asked
    if "none" in names or len(names) == 1:
        return analysis.baseline_of(names)
    likely = next((name for name in names if _IS_LIKELY.match(name)), None)
    hint = "name it with --baseline" if likely is None else f"try --baseline {likely!r}"
    raise DataError(
        f"none of the variants {listed([repr(name) for name in names])} is called 'none'; expected "
        f"the one that the others are compared with; {hint}"
    )


def _counted(records: Sequence[RunRecord], source: str) -> str:
    variants = {record.key.variant for record in records}
    seeds = {record.key.seed for record in records}
    counted = ((len(records), "run"), (len(variants), "variant"), (len(seeds), "seed"))
    runs, of, by = (f"{count} {name}{'' if count == 1 else 's'}" for count, name in counted)
    return f"{runs} of {of} and {by}, read from {source}."


def _of_seeds(records: Sequence[RunRecord], baseline: str) -> Iterator[str]:
    """What the seeds allow: pairs or samples, an interval or none."""
    every: dict[str, set[int]] = {}
    for record in records:
        every.setdefault(record.key.variant, set()).add(record.key.seed)
    theirs = every[baseline]
    seeds = {name: own for name, own in every.items() if name != baseline}
    pairs = {name for name, own in seeds.items() if analysis.paired_seeds(own, theirs)}
    samples = [
        f"{name} {len(own & theirs)} of {len(own)}"
        for name, own in seeds.items()
        if name not in pairs
    ]
    if samples:
        yield (
            f"Seeds shared with {baseline}, which has {len(theirs)}: {listed(samples)}. These are "
            f"compared unpaired, as two samples, which takes more seeds than pairs do."
        )
    alone = [
        f"{name} {len(seeds[name] ^ theirs)}"
        for name in seeds
        if name in pairs and seeds[name] != theirs
    ]
    if alone:
        yield (
            f"Pairs are made of the seeds that a variant and {baseline} both have; seeds left out "
            f"of the ratio: {listed(alone)}."
        )
    few = [f"{name} {len(own)}" for name, own in every.items() if len(own) < _FEWEST]
    if few:
        yield (
            f"With fewer than {_FEWEST} seeds ({', '.join(few)}) no interval can be given, and "
            f"nothing is decided: train {_ENOUGH} of each variant, the same for all."
        )


def _write(result: Result, folder: Path) -> None:
    """Write the files, the summary last.

    Raises:
        StoreError: The folder holds a study, or cannot be written.
    """
    if any((folder / name).exists() for name in _OF_A_STUDY):
        raise StoreError(
            f"folder {str(folder)!r} holds a study; expected one of its own for what is made of "
            f"other runs; try --out {folder}-judged"
        )
    with locked(folder), DrawingProcess() as drawing:
        write_picture(result.page, folder, drawing)
        write_curves(result.records, folder / "curves.parquet")
        write_page(result.page, folder)
        with replacing(folder / "summary.json") as beside:
            beside.write_text(json.dumps(result.summary(), indent=2) + "\n", "utf-8")
