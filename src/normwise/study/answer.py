"""From a study's settings and records to its summary."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from normwise import analysis
from normwise.domain import Ablation, RunRecord, SoloCheck, Summary, Target
from normwise.spec import Spec

__all__ = ["answer_of", "target_of"]


def target_of(
    spec: Spec, records: Sequence[RunRecord], metric: str, mean_loss: float | None = None
) -> Target:
    """The target of the settings, or what the baseline reaches.

    Of a validation loss, it is no worse than ``mean_loss``, what predicting the mean reaches.

    Of the first round's seeds, or it would move while the study looks at it; of those that
    choose, where the others are trained at what was chosen.
    """
    if spec.target:
        return Target.parse(spec.target)
    seeds = spec.grid_seeds
    target = analysis.default_target([run for run in records if run.key.seed in seeds], metric)
    if mean_loss is None or metric != "val_loss" or target.value <= mean_loss:
        return target
    return dataclasses.replace(target, value=mean_loss)


def answer_of(
    spec: Spec,
    records: Sequence[RunRecord],
    metric: str,
    *,
    seconds: analysis.Seconds,
    solo_check: SoloCheck | None = None,
    environment: Mapping[str, str] | None = None,
    ablation: Ablation | None = None,
    mean_loss: float | None = None,
) -> Summary:
    """The summary of a study's records, analysed as its settings say.

    Args:
        spec: The settings.
        records: In the order of variants, grid and seeds.
        metric: What replicas are timed to where the settings have no target.
        seconds: How long an epoch takes a model that trains alone, by variant and batch size.
        solo_check: Where it failed, no verdict stands.
        environment: Passed through.
        ablation: Passed through.
        mean_loss: The validation loss of predicting the mean, in a regression.
    """
    whole = records if spec.prune else analysis.in_whole_rounds(records, spec.rounds)
    summary = analysis.summarise(
        spec.study,
        whole,
        target_of(spec, records, metric, mean_loss),
        margin=spec.margin,
        rounds=spec.rounds,
        seconds=seconds,
        price=spec.price,
        patience=spec.patience,
    )
    summary = dataclasses.replace(
        summary, solo_check=solo_check, environment=dict(environment or {}), ablation=ablation
    )
    return analysis.withheld(summary, solo_check) if solo_check and solo_check.failed else summary
