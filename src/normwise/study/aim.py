"""What runs that something else trained are timed to, and which way is better."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normwise import analysis
from normwise.domain import RunRecord, Target
from normwise.errors import SpecError, UnknownNameError
from normwise.runs import keras_name

__all__ = ["Aim", "aim_of"]


@dataclass(frozen=True)
class Aim:
    """What runs are timed to.

    Attributes:
        metric: As it is named here.
        rising: Whether more of it is better; ``None`` where neither a name nor an option says it.
        target: Where a value was given.
    """

    metric: str
    rising: bool | None
    target: Target | None = None

    def goal(self, records: Sequence[RunRecord], baseline: str) -> tuple[Target, list[str]]:
        """The target, and what was decided about it, in sentences.

        Raises:
            SpecError: The baseline reaches nothing, since all of its runs diverged.
        """
        if self.target is not None:
            return self.target, []
        rising, notes = self.rising, list[str]()
        if rising is None:
            rising = analysis.rises_in_training(record.curves[self.metric] for record in records)
            notes = [_direction(self.metric, rising=rising)]
        goal = analysis.default_target(records, self.metric, baseline=baseline, rising=rising)
        return goal, notes


def _direction(metric: str, *, rising: bool) -> str:
    moves, better, mode = ("raises", "more", "min") if rising else ("lowers", "less", "max")
    return (
        f"The name of {metric} does not say whether more of it is better. Training {moves} it, so "
        f"{better} counts as better; otherwise say --mode {mode}."
    )


def aim_of(metrics: Mapping[str, str], target: str | None, metric: str | None, mode: str) -> Aim:
    """What runs are timed to, by what was asked for or else by the metrics that there are.

    Args:
        metrics: Metric as it is named here to how its log named it; at least one.
        target: ``METRIC>=VALUE``, with either name.
        metric: The metric of a default target.
        mode: ``min`` or ``max``; ``auto`` where its name is to say it.

    Raises:
        SpecError: The target does not parse, or is of another metric.
        UnknownNameError: There is no such metric.

    >>> aim_of({"val_acc": "val/acc", "loss": "loss"}, "val/acc>=0.9", None, "auto").metric
    'val_acc'
    """
    if target is not None:
        wanted = _typed(target, metrics)
        if metric is not None and _known(metric, metrics) != wanted.metric:
            raise SpecError(
                f"target {target!r} and metric {metric!r} name two metrics; expected one; leave "
                f"--metric out"
            )
        return Aim(wanted.metric, wanted.relation == ">=", wanted)
    name = _usual(list(metrics)) if metric is None else _known(metric, metrics)
    return Aim(name, analysis.rises_by_name(name) if mode == "auto" else mode == "max")


def _typed(text: str, metrics: Mapping[str, str]) -> Target:
    name, relation, value = re.split(r"([<>]=|$)", text, maxsplit=1)
    if not relation:
        return Target.parse(text)  # says what is wrong with it
    return Target.parse(f"{_known(name.strip(), metrics)}{relation}{value}")


def _known(typed: str, metrics: Mapping[str, str]) -> str:
    """A metric's name here, by that name or the one in its log."""
    logged = {log: name for name, log in metrics.items()}
    for name in (typed, logged.get(typed), keras_name(typed)):
        if name in metrics:
            return str(name)
    kind = "metric"
    raise UnknownNameError(kind, typed, metrics)


def _usual(metrics: Sequence[str]) -> str:
    """The metric that most would look at: of validation; accuracy, loss, whatever there is."""
    validation = [name for name in metrics if name.startswith("val_")] or list(metrics)
    plain = {name.removeprefix("val_"): name for name in validation}
    usual = next((plain[name] for name in ("accuracy", "acc") if name in plain), None)
    like = next((name for name in validation if "accuracy" in name), None)
    return usual or like or plain.get("loss") or validation[0]
