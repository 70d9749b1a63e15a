"""One run of a study: train what is missing, round after round, compare, check, write."""

from __future__ import annotations

import itertools
import logging
import platform
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import TYPE_CHECKING, Any

import jax
from numpy.typing import NDArray

from normwise import analysis, engine
from normwise.datasets import Dataset
from normwise.domain import (
    Ablation,
    Condition,
    RunKey,
    RunRecord,
    SoloCheck,
    Summary,
    Target,
    Variant,
    derive_seed,
)
from normwise.errors import SoloCheckFailed, StudyIncomplete
from normwise.modelfile import save_model
from normwise.models.compiling import Recipe, check_target, default_metric
from normwise.models.source import ModelLike, ModelSource
from normwise.report import Artist, write_html, write_png
from normwise.spec import Spec
from normwise.store import Store
from normwise.study.ablating import stands_at, to_ablate, with_layers
from normwise.study.answer import answer_of, target_of
from normwise.study.budget import Budget
from normwise.study.pages import make_page
from normwise.study.plan import Plan
from normwise.study.progress import Progress
from normwise.study.pruning import best_half, is_hopeless
from normwise.study.result import Result
from normwise.study.runs import Runs
from normwise.study.trainer import Place, Trainer
from normwise.study.verification import Trained, verify
from normwise.study.winners import Winners, best_run

if TYPE_CHECKING:
    import keras

__all__ = ["Run"]

log = logging.getLogger("normwise")

OPEN = (
    "the budget does not suffice for another round of seeds: what is undecided is left open; run "
    "the same command with a larger --budget to go on"
)


class Run:
    """The state of one :meth:`normwise.Study.run`.

    Args:
        spec: The study's settings.
        model: As the study got it.
        dataset: What is trained on.
        weights: Of the training examples in the loss.
        store: The study's folder, if it has one.
        on_progress: As the study got it.
        devices: How many to use; all unless told.
        budget: Seconds that rounds of seeds may take.
    """

    def __init__(
        self,
        spec: Spec,
        model: ModelLike,
        dataset: Dataset,
        weights: NDArray[Any] | None,
        store: Store | None,
        on_progress: Callable[[Progress], None],
        devices: int | None,
        budget: float | None,
    ) -> None:
        engine.configure()
        self.store = store
        self.on_progress, self.budget = on_progress, Budget(budget)
        self.source = source = ModelSource(model, dataset, spec.standardize_targets)
        self.dataset = source.noted()
        recipe = Recipe(
            spec, dataset, source.compiled, weights, standardised=source.units.mean is not None
        )
        self.plan = Plan(recipe, source, devices)
        self.spec = spec = self.plan.spec
        if store is not None:
            store.spec = spec
        self.target = Target.parse(spec.target) if spec.target else None
        if self.target is not None:
            check_target(self.target, self.plan.metrics)
        parts = (dataset.fingerprint, source.fingerprint, recipe.fingerprint)
        self.fingerprint = "-".join(filter(None, parts))
        self.metric = self.target.metric if self.target else default_metric(dataset)
        self.rising = (
            self.target.relation == ">=" if self.target else analysis.higher_is_better(self.metric)
        )
        self.variants = [Variant.parse(text) for text in spec.variants]
        for variant in self.variants if spec.ablate else ():
            if variant.places:
                source.layers(variant)  # refuses what cannot be left out, before anything trains
        self.settings = {point: spec.setting(self.fingerprint, point) for point in spec.conditions}
        self.trainer = Trainer(self.plan, self.settings, Winners(self.metric, rising=self.rising))
        self.runs = Runs(store)
        self.seconds = store.seconds(self.fingerprint) if store else {}
        self.wanted: dict[RunKey, Place] = {}
        self.ablated: dict[RunKey, Place] = {}
        self.ablation: Ablation | None = None
        self.keep: engine.Keep | None = None
        self.begun = self.finished = False
        self.result: Result

    def answer(self) -> None:
        """Train what is missing, then compare and check."""
        rounds = self._halving() if self.spec.prune else self._rounds()
        for missing in itertools.chain(rounds, self._ablation()):
            self._begin()
            self._train(missing)
        earlier = None if self.begun else self._earlier_summary()
        if earlier is not None:
            self.finished = self.store is not None and self.store.there == self.spec
            check = SoloCheck.from_json(earlier["solo_check"])
            environment = earlier["environment"]
        else:
            self._begin()
            # In turn, not beside the training: computations that share out work to XLA's threads
            # may wait for each other for ever.
            check = self._verify()
            environment = self._environment()
            self._time_alone()
        self.result = self._conclude(check, environment)

    def write(self, store: Store, artist: Artist) -> None:
        """Write the results into the study's folder, the summary last."""
        page, folder = self.result.page, store.folder
        with ThreadPoolExecutor(1) as aside:
            picture = aside.submit(write_png, page, folder / "curves.png", artist.draw)
            store.write_curves(self.result.records)
            kept = self.finished and (folder / "best.keras").exists()
            if self.result.answer.recommended and not kept:
                save_model(self.result.best_model(), folder / "best.keras")
            picture.result()
        write_html(page, folder / "report.html")
        store.write_summary(self.result.answer)
        if not self.finished:
            store.mark("finished")

    def stopped(self, why: str, instead: str) -> StudyIncomplete:
        """Journal that the study stops here.

        Args:
            why: What happened, after "the study".
            instead: What was expected and what to do, before "run the same command again".

        Returns:
            What to raise about it.
        """
        done, of = len(self._records()), len(self.wanted)
        if self.store is None:
            return StudyIncomplete(
                f"the study {why} after {done} of {of} replicas and kept nothing; {instead} pass "
                f"out='FOLDER' to be able to continue"
            )
        self.store.mark("stopped", done=done, of=of)
        return StudyIncomplete(
            f"the study {why} after {done} of {of} replicas; "
            f"{str(self.store.folder)!r} holds them and is marked incomplete; "
            f"{instead} run the same command again to go on"
        )

    def _rounds(self) -> Iterator[dict[RunKey, Place]]:
        """What each round of seeds lacks; the next one looks at what was trained meanwhile."""
        variants = self.variants
        for number, seeds in enumerate(self.spec.rounds):
            before = self.wanted
            self.wanted = before | self._keys(variants, range(seeds))
            missing = self._missing()
            if (
                missing
                and number
                and not self.budget.allows(len(missing), self.runs.found.values())
            ):
                self.wanted = before
                log.warning(OPEN)
                return
            if missing:
                yield missing
            if self._missing():
                if number == 0:
                    raise self._too_small()
                log.warning(OPEN)
                return
            variants = self._undecided(seeds)
            if not variants:
                return

    def _halving(self) -> Iterator[dict[RunKey, Place]]:
        """What is missing where half of the seeds choose, and the others train what was chosen."""
        seeds = self.spec.seeds
        self.wanted = self._keys(self.variants, range(0, seeds, 2))
        # Replicas that are measured by each other train together.
        lacking = {_arm_of(place) for place in self._missing().values()}
        again = {key: one for key, one in self.wanted.items() if _arm_of(one) in lacking}
        if again:
            self.keep = best_half(self.metric, rising=self.rising)
            yield again
            self.keep = None
        records = self._records()
        target = target_of(self.spec, records, self.metric, self.plan.recipe.mean_loss)
        baseline = next((one for one in self.variants if one.is_baseline), self.variants[0])
        for variant in self.variants:
            own = [record for record in records if record.key.variant == variant.name]
            if variant == baseline or not is_hopeless(own, target):
                best = analysis.best_point(own, target)
                [run, *_] = [record for record in own if analysis.point_of(record) == best]
                _, point = self.wanted[run.key]
                self.wanted |= self._keys_of(variant, point, range(1, seeds, 2))
        if self._missing():
            yield self._missing()

    def _ablation(self) -> Iterator[dict[RunKey, Place]]:
        """What each round of leaving layers out lacks, where that was asked for."""
        if not self.spec.ablate:
            return
        summary = self._summary()
        standing = to_ablate(summary)
        [point] = [one for one in self.settings if stands_at(standing, one)]
        variant = Variant.parse(standing.name)
        layers = self.source.layers(variant)
        runs: dict[analysis.Subset, list[RunRecord]] = {}
        for subsets in analysis.subsets_to_try(len(layers), runs, summary.target):
            keys = {
                subset: self._keys_of(
                    with_layers(variant, subset, len(layers)), point, range(self.spec.seeds)
                )
                for subset in subsets
            }
            self.ablated |= {key: place for own in keys.values() for key, place in own.items()}
            if self._missing():
                yield self._missing()
            if self._missing():
                log.warning("the budget is spent: which layers matter is left open")
                return
            whole = self.runs.whole
            runs.update({subset: [whole[key] for key in own] for subset, own in keys.items()})
        self.ablation = analysis.ablation(variant.name, layers, runs, summary.target)

    def _missing(self) -> dict[RunKey, Place]:
        whole = self.runs.whole
        own = {key: place for key, place in self.wanted.items() if key not in self.runs.found}
        return own | {key: place for key, place in self.ablated.items() if key not in whole}

    def _keys(self, variants: list[Variant], seeds: Iterable[int]) -> dict[RunKey, Place]:
        return {
            key: place
            for variant in variants
            for point in self.settings
            for key, place in self._keys_of(variant, point, seeds).items()
        }

    def _keys_of(
        self, variant: Variant, point: Condition, seeds: Iterable[int]
    ) -> dict[RunKey, Place]:
        return {
            RunKey(variant.name, seed, self.settings[point]): (variant, point) for seed in seeds
        }

    def _undecided(self, seeds: int) -> list[Variant]:
        """The variants that another round of seeds is worth, and their baseline; or none."""
        if seeds == self.spec.rounds[-1]:
            return []
        summary = self._summary()
        wanting = {one.variant for one in summary.comparisons if one.outcome == "undecided"}
        # Where no replica arrives, more of them say no more.
        if not wanting or not analysis.reaching(self._records(), summary.target):
            return []
        wanting.add(summary.comparisons[0].baseline)
        return [variant for variant in self.variants if variant.name in wanting]

    def _begin(self) -> None:
        """Journal once that training starts."""
        if self.store is not None and not self.begun:
            self.store.mark("started", fingerprint=self.fingerprint, notes=self.dataset.said)
        self.begun = True

    def _train(self, missing: dict[RunKey, Place]) -> None:
        """Train until nothing is missing, or the budget is spent."""
        self.on_progress(Progress("compiling", of=len(self.wanted | self.ablated)))
        for records in self.trainer.train(missing, self._on_epoch, self.keep):
            self.runs.add(records, self.wanted, self.ablated)
            if self.budget.is_spent:
                return

    def _too_small(self) -> StudyIncomplete:
        """What to raise where the budget does not suffice for the first round."""
        needed = self.budget.needed(len(self._missing()), self.runs.found.values())
        return self.stopped(
            f"had spent its budget of {self.budget.seconds:g} s",
            f"expected enough for a first round of {self.spec.seeds} seeds; try "
            f"--budget {1.5 * needed:.0f}s, or",
        )

    def _time_alone(self) -> None:
        """Time an epoch of each variant that trains alone, where it stands in the grid."""
        self.on_progress(Progress("timing", share=1.0))
        places = {
            (one.name, one.batch_size): Variant.parse(one.name) for one in self._summary().variants
        }
        if self.seconds.keys() >= places.keys():
            return
        self.seconds = self.trainer.time_alone(places)
        if self.store is not None:
            self.store.add_seconds(self.fingerprint, self.seconds)

    def _on_epoch(self, variant: str, epoch: int, replicas: int) -> None:
        of, epochs = len(self.wanted | self.ablated), self.spec.epochs
        done = of - len(self._missing())
        share = (done + replicas * epoch / epochs) / of
        self.on_progress(Progress("training", variant, done, of, epoch, epochs, share))

    def _records(self) -> list[RunRecord]:
        """In the order of variants, grid and seeds, however the runs came about."""
        points = list(self.settings)
        names = [variant.name for variant in self.variants]
        keys = sorted(
            (key for key in self.wanted if key in self.runs.found),
            key=lambda key: (
                names.index(key.variant), points.index(self.wanted[key][1]), key.seed,
            ),
        )  # fmt: skip
        return [self.runs.found[key] for key in keys]

    def _earlier_summary(self) -> dict[str, Any] | None:
        """What this study wrote when it finished with the same runs, data and model."""
        if self.store is None or not self.store.has_runs_of(self.spec):
            return None
        earlier = self.store.summary()
        if earlier is None or earlier["environment"]["fingerprint"] != self.fingerprint:
            return None
        # Older ones looked at the first batches of one variant at most.
        return earlier if "first_steps" in earlier["solo_check"] else None

    def _chosen(self) -> RunKey:
        """The replica of the solo check: random, and the same whenever the study is run."""
        draw = derive_seed(0, f"solo:{self.fingerprint}")
        variant = self.variants[draw % len(self.variants)]
        seeds = range(0, self.spec.seeds, 2 if self.spec.prune else 1)
        own, count = list(self._keys([variant], seeds)), len(seeds)
        # Of seeds first, so that a grid of one point has the choice that no grid had.
        return own[draw // 7 % count + draw // 7 // count % (len(own) // count) * count]

    def _verify(self) -> SoloCheck:
        """The solo check, and the first batches of each variant where it stands in the grid."""
        self.on_progress(Progress("checking", share=1.0))
        whole = self.runs.found[self._chosen()]
        starts, records = [], self._records()
        for variant in self._summary().variants:
            own = analysis.runs_at_best(variant, records)
            # What diverges says little of what else it does.
            fit = [run for run in own if run.diverged_at is None] or own
            # The same seed in all of them: they start alike and see the same batches.
            starts.append(min(fit, key=lambda run: run.key.seed != whole.key.seed))
        return verify(self.trainer, self._placed(whole), [self._placed(run) for run in starts])

    def _placed(self, record: RunRecord) -> Trained:
        return Trained(record, self.wanted[record.key])

    def _environment(self) -> dict[str, str]:
        found = {**_environment(), **self.plan.settings, "fingerprint": self.fingerprint}
        if self.source.units.note:
            found |= {"targets": self.source.units.note}
            found |= {"mean_loss": repr(self.plan.recipe.mean_loss)}
        return found

    def _summary(
        self, solo_check: SoloCheck | None = None, environment: dict[str, str] | None = None
    ) -> Summary:
        return answer_of(
            self.spec,
            self._records(),
            self.metric,
            seconds=self.seconds,
            solo_check=solo_check,
            environment=environment,
            ablation=self.ablation,
            mean_loss=self.plan.recipe.mean_loss,
        )

    def _conclude(self, solo_check: SoloCheck, environment: dict[str, str]) -> Result:
        self.on_progress(Progress("reporting", share=1.0))
        summary, records = self._summary(solo_check, environment), self._records()
        keys = self.wanted.keys() | self.ablated.keys()
        reused = len(keys & self.runs.there)
        return Result(
            answer=summary,
            records=records,
            page=make_page(self.spec, summary, records, self.dataset, self.dataset.said),
            folder=None if self.store is None else self.store.folder,
            reused=reused,
            trained=len(keys & self.runs.keys) - reused,
            _best=lambda: self._best_model(summary),
        )

    def _best_model(self, summary: Summary) -> keras.Model:
        """The best replica of the recommended variant, where that stands in the grid."""
        if not summary.recommended:
            raise SoloCheckFailed(summary.verdict)
        [chosen] = [one for one in summary.variants if one.name == summary.recommended]
        runs = analysis.runs_at_best(chosen, self._records())
        key = best_run(runs, self.metric, rising=self.rising).key
        return self.trainer.trained_model(key, self.wanted[key])


def _arm_of(place: Place) -> tuple[str, int]:
    return place[0].name, place[1].batch_size


def _environment() -> dict[str, str]:
    versions = {name: metadata.version(name) for name in ("normwise", "keras", "jax", "numpy")}
    devices = jax.devices()
    return {
        **versions,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "devices": f"{len(devices)} × {devices[0].platform}",
    }
