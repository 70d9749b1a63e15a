"""What a study asks, once its model and data are known: its runs, and what is made of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from normwise import analysis
from normwise.domain import (
    Ablation,
    Condition,
    PopulationSample,
    Run,
    RunKey,
    RunRecord,
    SoloCheck,
    Summary,
    Target,
    Variant,
    VariantSummary,
    fingerprint_at,
)
from normwise.spec import Spec, title_of

__all__ = ["Network", "Question"]

# A variant's name, and the depth; ``None`` where no depth is asked for.
Network: TypeAlias = tuple[str, int | None]


@dataclass(frozen=True)
class Question:
    """A study's settings, with what its model and data add to them.

    Attributes:
        spec: The settings.
        fingerprint: What tells the data, the model and what it was compiled with from others.
        metric: What replicas are timed to and chosen by.
        mean_loss: The validation loss of predicting the mean, in a regression.
        examples: Of the training part; ``None`` where a folder does not say.
        guessing: The validation accuracy of always naming the most frequent class, where there are
            classes.
    """

    spec: Spec
    fingerprint: str
    metric: str
    mean_loss: float | None = None
    examples: int | None = None
    guessing: float | None = None

    @property
    def rising(self) -> bool:
        """Whether more of the metric is better."""
        if self.spec.target:
            return Target.parse(self.spec.target).relation == ">="
        return analysis.higher_is_better(self.metric)

    @functools.cached_property
    def variants(self) -> tuple[Variant, ...]:
        """Those that are asked for, in their order."""
        return tuple(map(Variant.parse, self.spec.variants))

    @functools.cached_property
    def settings(self) -> Mapping[Condition, str]:
        """Each point of the grid to the hash that stands in its runs' keys."""
        return {
            point: self.spec.setting(fingerprint_at(self.fingerprint, point.depth), point)
            for point in self.spec.conditions
        }

    def runs(
        self,
        variants: Iterable[Variant],
        seeds: Iterable[int],
        points: Iterable[Condition] | None = None,
    ) -> list[Run]:
        """In the order of variants, points and seeds; at all points of the grid unless told."""
        where, seeds = list(self.settings if points is None else points), list(seeds)
        return [
            Run(RunKey(variant.name, seed, self.settings[point]), point)
            for variant in variants
            for point in where
            for seed in seeds
        ]

    def in_order(self, runs: Iterable[Run]) -> list[Run]:
        """The runs by variant, point and seed, however they came about."""
        points = {point: number for number, point in enumerate(self.settings)}
        names = {name: number for number, name in enumerate(self._names)}
        return sorted(
            runs,
            key=lambda run: (names[run.key.variant], points[run.condition], run.key.seed),
        )

    @functools.cached_property
    def _names(self) -> Sequence[str]:
        """Of all variants, each before its remedy."""
        pairs = ((one.name, one.with_remedy.name) for one in self.variants)
        return list(dict.fromkeys(name for pair in pairs for name in pair))

    def target(self, records: Sequence[RunRecord]) -> Target:
        """The target of the settings, or what the baseline reaches.

        Of a validation loss, it is no worse than what predicting the mean reaches; of an accuracy,
        it is more than guessing reaches.

        Of the first round's seeds, or it would move while the study looks at it; of those that
        choose, where the others are trained at what was chosen.
        """
        if self.spec.target:
            return Target.parse(self.spec.target)
        seeds = self.spec.grid_seeds
        choosing = [run for run in records if run.key.seed in seeds]
        target = analysis.default_target(choosing, self.metric)
        if self.metric == "val_accuracy":
            return analysis.beyond_chance(target, self.guessing)
        mean_loss = self.mean_loss
        if mean_loss is None or self.metric != "val_loss" or target.value <= mean_loss:
            return target
        return dataclasses.replace(target, value=mean_loss)

    def chance(self, metric: str) -> float | None:
        """What guessing gives in a metric; ``None`` where that is not known."""
        return {"val_accuracy": self.guessing, "val_loss": self.mean_loss}.get(metric)

    def summary(
        self,
        records: Sequence[RunRecord],
        *,
        times: analysis.Times | None = None,
        solo_check: SoloCheck | None = None,
        environment: Mapping[str, str] | None = None,
        ablation: Ablation | None = None,
        samples: Mapping[str, PopulationSample] | None = None,
    ) -> Summary:
        """What the records answer, analysed as the settings say.

        Args:
            records: In the order of variants, grid and seeds.
            times: What an epoch takes a model that trains alone, by program.
            solo_check: Where it failed, no verdict stands.
            environment: Passed through.
            ablation: Passed through.
            samples: By variant, how far off its population statistics are, where that was taken.
        """
        spec = self.spec
        whole = records if spec.prune else analysis.in_whole_rounds(records, spec.rounds)
        target = self.target(records)
        found = analysis.summarise(
            title_of(spec),
            whole,
            target,
            margin=spec.margin,
            end_margin=spec.end_margin,
            rounds=spec.rounds,
            times=times or {},
            price=spec.price,
            patience=spec.patience,
            examples=self.examples,
            chance=self.chance(target.metric),
        )
        found = dataclasses.replace(
            found,
            variants=_with_samples(found, samples or {}),
            solo_check=solo_check,
            environment=dict(environment or {}),
            ablation=ablation,
        )
        return analysis.withheld(found, solo_check) if solo_check and solo_check.failed else found


def _with_samples(
    found: Summary, samples: Mapping[str, PopulationSample]
) -> tuple[VariantSummary, ...]:
    return tuple(
        dataclasses.replace(one, population_sample=samples.get(one.name)) for one in found.variants
    )
