"""A study from question to answer: plan, train, journal, compare, report."""

from __future__ import annotations

import math
import platform
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normwise import analysis
from normwise.backend import require_jax
from normwise.datasets import Dataset, find_dataset, from_arrays
from normwise.errors import SpecError, StudyIncomplete
from normwise.files import replacing
from normwise.records import (
    Condition,
    RunKey,
    RunRecord,
    SoloCheck,
    Summary,
    Target,
    Variant,
    derive_seed,
)
from normwise.report import Artist, write_html, write_png
from normwise.spec import Spec
from normwise.store import Store
from normwise.study.pages import make_page
from normwise.study.result import Result
from normwise.study.weights import class_weights, sample_weights
from normwise.study.winners import Weights, Winners, best_run

if TYPE_CHECKING:
    import keras

    from normwise.engine import Chunk, Replica
    from normwise.study.plan import Arm, Plan
    from normwise.study.sources import ModelLike

__all__ = ["Progress", "Study"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running study is.

    Attributes:
        stage: ``preparing``, ``compiling``, ``training`` or ``reporting``.
        variant: The variant being trained, or ``""``.
        replicas: Replicas done, of all variants.
        of: Replicas in all.
        epoch: Epoch that the running chunk has reached.
        epochs: Epochs of each replica.
        share: Of all training done, 0 to 1.
    """

    stage: str
    variant: str = ""
    replicas: int = 0
    of: int = 0
    epoch: int = 0
    epochs: int = 0
    share: float = 0.0


class Study:
    """One question: does normalisation help this model on this data, and where?

    Args:
        model: A Keras model, a function that returns one (it may take
            ``dataset`` and ``norm``), a built-in model's name, a ``.keras``
            file or ``package.module:function``.
        data: ``(x, y)``; ``((x, y), (x_val, y_val))``; a
            :class:`~normwise.datasets.Dataset`; a built-in name; a ``.csv`` or
            ``.npz`` file.
        variants: Texts ``PLACE[:OPTION,…]``, ``none`` being the baseline.
        sample_weight: How much each example of ``x`` counts in the training loss (of the
            training part, where the data are no arrays).
        settings: Fields of :class:`~normwise.spec.Spec`: ``epochs``, ``seeds``,
            ``batch_size``, ``learning_rate``, ``optimizer``, ``target``,
            ``class_weight``, ….

    Raises:
        UsageError: Something that was asked for cannot be honoured.

    >>> study = Study("circles", "circles", variants=["none", "after"], seeds=2, epochs=3)
    >>> study.run().summary()["recommended"]
    'none'
    """

    def __init__(
        self,
        model: ModelLike,
        data: Any,
        *,
        variants: str | Sequence[str] = ("none", "after", "before"),
        sample_weight: Any = None,
        **settings: Any,
    ) -> None:
        require_jax()
        self.spec = Spec.make(
            {
                "model": model if isinstance(model, str) else _name_of(model),
                "data": data if isinstance(data, str) else "arrays",
                "variants": variants if isinstance(variants, str) else tuple(variants),
                **settings,
            }
        )
        self._model, self._data, self._sample_weight = model, data, sample_weight

    @classmethod
    def from_spec(cls, spec: Spec) -> Study:
        """A study whose model and data are named in the spec."""
        study = cls.__new__(cls)
        require_jax()
        study.spec, study._model, study._data = spec, spec.model, spec.data
        study._sample_weight = None
        return study

    def run(
        self,
        out: str | Path | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
        devices: int | None = None,
    ) -> Result:
        """Train every replica and answer.

        Args:
            out: A folder for the study's files; a part of the same study that
                is already there is not trained again.
            on_progress: Called often, from the calling thread.
            devices: How many JAX devices to use; all unless told.

        Raises:
            StudyIncomplete: Interrupted; what finished is in the folder.
            UsageError: Something that was asked for cannot be honoured.
        """
        on_progress(Progress("preparing"))
        if out is None:
            return self._answer(None, None, on_progress, devices)
        store = Store(Path(out), self.spec)
        with Artist() as artist:
            return self._answer(store, artist, on_progress, devices)

    def _answer(
        self,
        store: Store | None,
        artist: Artist | None,
        on_progress: Callable[[Progress], None],
        devices: int | None,
    ) -> Result:
        dataset = _as_dataset(self._data, self.spec)
        _check_batch(self.spec, dataset)
        weights = _weights(self.spec, self._data, dataset, self._sample_weight)
        run = _Run(self.spec, self._model, dataset, weights, store, on_progress, devices)
        try:
            run.answer()
            if store is not None and artist is not None:
                run.write(store, artist)
        except KeyboardInterrupt:
            raise run.stopped() from None
        return run.result


class _Run:
    """The state of one :meth:`Study.run`."""

    def __init__(
        self,
        spec: Spec,
        model: ModelLike,
        dataset: Dataset,
        weights: NDArray[Any] | None,
        store: Store | None,
        on_progress: Callable[[Progress], None],
        devices: int | None,
    ) -> None:
        from normwise import engine

        engine.configure()
        from normwise.study.plan import Plan
        from normwise.study.sources import ModelSource
        from normwise.study.training import Recipe, check_target, default_metric

        self.spec, self.dataset, self.weights, self.store = spec, dataset, weights, store
        self.on_progress = on_progress
        source = ModelSource(model, dataset)
        recipe = Recipe(spec, dataset, source.compiled, weights)
        self.plan: Plan = Plan(recipe, source, devices)
        self.target = Target.parse(spec.target) if spec.target else None
        if self.target is not None:
            check_target(self.target, self.plan.metrics)
        parts = (dataset.fingerprint, source.fingerprint, recipe.fingerprint)
        self.fingerprint = "-".join(filter(None, parts))
        self.metric = self.target.metric if self.target else default_metric(dataset)
        self.rising = (
            self.target.relation == ">=" if self.target else analysis.higher_is_better(self.metric)
        )
        self.winners = Winners(self.metric, rising=self.rising)
        self.variants = [Variant.parse(text) for text in spec.variants]
        self.settings = {point: spec.setting(self.fingerprint, point) for point in spec.conditions}
        # In the order of variants, grid and seeds, however the runs come about.
        self.wanted = {
            RunKey(variant.name, seed, setting): (variant, point)
            for variant in self.variants
            for point, setting in self.settings.items()
            for seed in range(spec.seeds)
        }
        self.records: dict[RunKey, RunRecord] = {}
        self.arms: dict[tuple[str, int], Arm] = {}
        self.finished = False
        self.leaving = threading.Event()
        self.result: Result

    def answer(self) -> None:
        """Train what is missing, then compare and check."""
        found = {record.key: record for record in (self.store.records() if self.store else [])}
        self.records = {key: found[key] for key in self.wanted if key in found}
        earlier = self._earlier_summary()
        if earlier is not None:
            self.finished = True
            self.result = self._conclude(SoloCheck(**earlier["solo_check"]), earlier["environment"])
            return
        missing = [place for key, place in self.wanted.items() if key not in self.records]
        incomplete = dict.fromkeys((variant, point.batch_size) for variant, point in missing)
        arms = self._prepare(list(incomplete))
        if self.store is not None:
            self.store.mark("started", fingerprint=self.fingerprint)
        with ThreadPoolExecutor(1) as aside:
            solo = aside.submit(self._train_alone, self._chosen())
            try:
                for arm in arms:
                    arm.compiled.result()
                for arm in arms:
                    self._train(arm)
                self.result = self._conclude(self._solo_check(solo), self._environment())
            except BaseException:
                self.leaving.set()  # or the solo check would train to its end first
                raise

    def write(self, store: Store, artist: Artist) -> None:
        """Write the results into the study's folder, the summary last."""
        page, folder = self.result.page, store.folder
        with ThreadPoolExecutor(1) as aside:
            picture = aside.submit(write_png, page, folder / "curves.png", artist.draw)
            store.write_curves(self.result.records)
            if not (self.finished and (folder / "best.keras").exists()):
                with replacing(folder / "best.keras") as beside:
                    self.result.best_model().save(beside)
            picture.result()
        write_html(page, folder / "report.html")
        store.write_summary(self.result.answer)
        if not self.finished:
            store.mark("finished")

    def stopped(self) -> StudyIncomplete:
        """Journal the interruption; what to raise about it."""
        done, of = len(self.records), len(self.wanted)
        if self.store is None:
            return StudyIncomplete(
                f"the study was interrupted after {done} of {of} replicas and kept nothing; "
                f"expected to run to its end; pass out='FOLDER' to be able to continue"
            )
        self.store.mark("stopped", done=done, of=of)
        return StudyIncomplete(
            f"the study was interrupted after {done} of {of} replicas; "
            f"{str(self.store.folder)!r} holds them and is marked incomplete; "
            f"run the same command again to go on"
        )

    def _earlier_summary(self) -> dict[str, Any] | None:
        """What this very study wrote when it finished, with the same data and model."""
        if self.store is None or len(self.records) < len(self.wanted):
            return None
        earlier = self.store.summary()
        same = earlier is not None and earlier["environment"]["fingerprint"] == self.fingerprint
        return earlier if same else None

    def _prepare(self, wanted: Sequence[tuple[Variant, int]]) -> list[Arm]:
        self.on_progress(Progress("compiling", of=len(self.wanted)))
        arms = self.plan.arms(wanted)
        self.arms |= {(arm.variant.name, arm.batch_size): arm for arm in arms}
        return arms

    def _missing(self, arm: Arm) -> list[Replica]:
        return [
            _replica(key, point)
            for key, (variant, point) in self.wanted.items()
            if key not in self.records
            and (variant.name, point.batch_size) == (arm.variant.name, arm.batch_size)
        ]

    def _ordered_records(self) -> list[RunRecord]:
        return [self.records[key] for key in self.wanted if key in self.records]

    def _train(self, arm: Arm) -> None:
        missing = self._missing(arm)
        for chunk in arm.cohort.run(arm.compiled.result(), missing, self._on_epoch(arm)):
            records = list(self._chunk_records(arm, chunk))
            self.records |= {record.key: record for record in records}
            self.winners.offer([record.key for record in records], chunk)
            if self.store is not None:
                self.store.add(records)

    def _on_epoch(self, arm: Arm) -> Callable[[int, int], None]:
        name, of, epochs = arm.variant.name, len(self.wanted), self.spec.epochs

        def report(epoch: int, replicas: int) -> None:
            done = len(self.records)
            share = (done + replicas * epoch / epochs) / of
            self.on_progress(Progress("training", name, done, of, epoch, epochs, share))

        return report

    def _chunk_records(self, arm: Arm, chunk: Chunk) -> Iterator[RunRecord]:
        from normwise.study.training import learning_rate_of

        compiled_rate = learning_rate_of(arm.cohort.program.model)
        for index, replica in enumerate(chunk.replicas):
            point = Condition(replica.learning_rate, replica.initializer, arm.batch_size)
            losses = chunk.curves["loss"][index]
            diverged = np.flatnonzero(~np.isfinite(losses))
            first = int(diverged[0]) if len(diverged) else len(losses)
            curves = {
                metric: tuple(
                    float(value) if epoch < first else math.nan
                    for epoch, value in enumerate(values[index])
                )
                for metric, values in chunk.curves.items()
            }
            yield RunRecord(
                key=RunKey(arm.variant.name, replica.seed, self.settings[point]),
                learning_rate=replica.learning_rate or compiled_rate,
                curves=curves,
                diverged_at=first + 1 if len(diverged) else None,
                seconds=chunk.seconds / len(chunk.replicas),
                initializer=point.initializer,
                batch_size=point.batch_size,
            )

    def _chosen(self) -> RunKey:
        """The replica of the solo check: random, and the same whenever the study is run."""
        draw, seeds = derive_seed(0, f"solo:{self.fingerprint}"), self.spec.seeds
        name = self.variants[draw % len(self.variants)].name
        own = [key for key in self.wanted if key.variant == name]
        # Of seeds first, so that a grid of one point has the choice that no grid had.
        return own[draw // 7 % seeds + draw // 7 // seeds % (len(own) // seeds) * seeds]

    def _train_alone(self, key: RunKey) -> dict[str, list[float]]:
        from normwise.engine import train_alone

        variant, point = self.wanted[key]
        model, initial = self.plan.model(variant, point.learning_rate)
        return train_alone(
            model,
            initial,
            self.dataset,
            replica=_replica(key, point),
            epochs=self.spec.epochs,
            batch_size=point.batch_size,
            weights=self.weights,
            is_cancelled=self.leaving.is_set,
        )

    def _solo_check(self, solo: Future[dict[str, list[float]]]) -> SoloCheck:
        from normwise.engine import largest_relative_difference

        key = self._chosen()
        stacked, alone = self.records[key].curves, solo.result()
        start = {metric: values[:1] for metric, values in stacked.items() if "loss" in metric}
        return SoloCheck(
            variant=key.variant,
            seed=key.seed,
            max_relative_difference=largest_relative_difference(alone, stacked),
            first_epoch_difference=largest_relative_difference(alone, start),
        )

    def _environment(self) -> dict[str, str]:
        return {**_environment(), **self.plan.settings, "fingerprint": self.fingerprint}

    def _conclude(self, solo_check: SoloCheck, environment: dict[str, str]) -> Result:
        records = self._ordered_records()
        self.on_progress(Progress("reporting", share=1.0))
        target = self.target or analysis.default_target(records, self.metric)
        summary = analysis.summarise(
            self.spec.study,
            records,
            target,
            margin=self.spec.margin,
            patience=self.spec.patience,
            solo_check=solo_check,
            environment=environment,
        )
        page = make_page(self.spec, summary, records, self.dataset)
        return Result(
            summary,
            records,
            page,
            None if self.store is None else self.store.folder,
            lambda: self._best_model(summary),
        )

    def _best_model(self, summary: Summary) -> keras.Model:
        """The best replica of the recommended variant, where that stands in the grid."""
        [chosen] = [one for one in summary.variants if one.name == summary.recommended]
        runs = analysis.runs_at_best(chosen, self._ordered_records())
        key = best_run(runs, self.metric, rising=self.rising).key
        weights = self.winners.weights(key) or self._trained_again(key)
        model, _ = self.plan.model(self.wanted[key][0])
        for variables, values in zip(
            (model.trainable_variables, model.non_trainable_variables), weights, strict=True
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return model

    def _trained_again(self, key: RunKey) -> Weights:
        """Of a replica that was trained earlier, or was not its variant's best.

        The same seed gives the same weights.
        """
        variant, point = self.wanted[key]
        place = (variant.name, point.batch_size)
        arm = self.arms.get(place) or self._prepare([(variant, point.batch_size)])[0]
        chunk = next(arm.cohort.run(arm.compiled.result(), [_replica(key, point)], lambda *_: None))
        return [v[0] for v in chunk.trainable], [v[0] for v in chunk.non_trainable]


def _replica(key: RunKey, point: Condition) -> Replica:
    from normwise.engine import Replica

    return Replica(key.seed, point.learning_rate, point.initializer)


def _name_of(model: Any) -> str:
    name = str(getattr(model, "name", None) or getattr(model, "__name__", type(model).__name__))
    # Keras numbers the models of a process; the same cell of a notebook, run again, is this study.
    return re.sub(r"_\d+$", "", name)


def _as_dataset(data: Any, spec: Spec) -> Dataset:
    if isinstance(data, Dataset):
        return data.require(spec.task)
    if isinstance(data, str):
        return find_dataset(data, spec.target_column, spec.task)
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise SpecError(
            f"data is of type {type(data).__name__}; expected (x, y), ((x, y), (x_val, y_val)), a "
            f"name or a file; try Study(model, (x, y))"
        )
    if _has_validation(data):
        return from_arrays(*data[0], *data[1], task=spec.task)
    return from_arrays(data[0], data[1], task=spec.task)


def _has_validation(data: Any) -> bool:
    """Whether data are ``((x, y), (x_val, y_val))`` rather than ``(x, y)``."""
    pairs = all(isinstance(part, tuple | list) and len(part) == 2 for part in data)
    return pairs and np.ndim(data[0][0]) > 0


def _weights(spec: Spec, data: Any, dataset: Dataset, sample_weight: Any) -> NDArray[Any] | None:
    """The weight of each training example in the loss; ``None`` if all are alike."""
    if sample_weight is None:
        return None if spec.class_weight is None else class_weights(spec.class_weight, dataset)
    if spec.class_weight is not None:
        raise SpecError(
            "class_weight and sample_weight were both given; expected one of them; multiply the "
            "class's weight into sample_weight"
        )
    if not isinstance(data, tuple | list) or _has_validation(data):
        return sample_weights(sample_weight, len(dataset.x_train))
    given = sample_weights(sample_weight, len(data[1]))
    # Their way to the training part is that of the examples: as row numbers, they show it.
    numbers = np.arange(len(given), dtype=np.int32)[:, None]
    rows = from_arrays(numbers, data[1], task=spec.task).x_train
    return np.take(given, rows[:, 0])


def _check_batch(spec: Spec, dataset: Dataset) -> None:
    examples, largest = len(dataset.x_train), max(spec.batch_size)
    if largest > examples:
        raise SpecError(
            f"batch size is {largest} and the training part of {dataset.name!r} has "
            f"{examples} examples; expected a batch no larger than the data; "
            f"try --batch-size {min(32, examples)}"
        )


def _environment() -> dict[str, str]:
    import jax

    versions = {name: metadata.version(name) for name in ("normwise", "keras", "jax", "numpy")}
    devices = jax.devices()
    return {
        **versions,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "devices": f"{len(devices)} × {devices[0].platform}",
    }
