"""What all jobs of a study share: from its model and settings to the program of each variant."""

from __future__ import annotations

import dataclasses
import logging
import math
from typing import cast

import keras
from jax.sharding import Mesh

from normwise.data import Dataset
from normwise.data.nested import leaves
from normwise.domain import Run, Variant, joined_fingerprint, momentum_for, momentum_text
from normwise.engine import (
    Cohort,
    Fit,
    InitialValues,
    Replica,
    Schedule,
    Stacked,
    StreamedCohort,
    candidates,
    check_batches,
    check_eager,
    fastest_schedule,
    lower,
    make_program,
    make_streamed_program,
    named_initializer,
    population_of,
    reinitialised_copy,
    replica_mesh,
    rule_of_thumb,
    sample,
    shares_out,
    training_flops,
    trains_sequentially,
)
from normwise.execution.streaming import as_streamed, window_of
from normwise.execution.which_engine import STACKED, Engine
from normwise.models.compiling import Recipe
from normwise.models.depth import refuse_same_networks
from normwise.models.source import ModelLike, ModelSource
from normwise.models.training_optimizer import learning_rate_of
from normwise.models.unsupported import check_stackable
from normwise.models.variants import buildable
from normwise.spec import Spec

__all__ = ["Setup", "replica_of"]

log = logging.getLogger("normwise")

# A study of more operations than this (half a minute, on two cores) is worth the seconds that it
# takes to try how its replicas train fastest.
WORTH_TRYING = 1e12


class Setup:
    """The variants of a study, and the models and programs behind them.

    Args:
        recipe: How the replicas train, and on what.
        source: Builds a variant's model.
        devices: How many devices to use; all unless told.
        engine: What trains.

    Attributes:
        engine: What trains.
        source: Builds a variant's model.
        devices: How many devices are used.
        schedules: How the replicas train, by batch size, as far as that was decided.
        recipe: How the replicas train, of the variants that the model can have.
        spec: The study's settings, with those variants.
        metrics: Names of what is recorded, the target's candidates first.
        settings: What the replicas train with, in words for the report.
        learning_rate: That replicas without one of their own train with.

    Raises:
        UsageError: The model cannot be trained as it was compiled, or as was asked.
    """

    def __init__(
        self,
        recipe: Recipe,
        source: ModelSource,
        devices: int | None = None,
        engine: Engine = STACKED,
    ) -> None:
        self.source, self.engine = source, engine
        self.devices = _mesh(engine, devices).size
        self.schedules: dict[int, Schedule] = {}
        for name in recipe.spec.initializer or ():
            named_initializer(name)
        baselines = self._baselines(recipe.spec)
        baseline = baselines[recipe.spec.depths[0]]
        self._like = {depth: InitialValues(one) for depth, one in baselines.items()}
        self.metrics = self._metrics(recipe, baseline)
        self.spec, left_out = buildable(recipe.spec, source)
        self.recipe = dataclasses.replace(recipe, spec=self.spec)
        self.learning_rate = learning_rate_of(baseline)
        self.settings = recipe.settings(baseline) | ({"left_out": left_out} if left_out else {})
        self.settings |= _momenta(self.spec, recipe.dataset.examples)
        if engine.is_fit:
            self.settings |= self._checked(baseline)

    def _baselines(self, spec: Spec) -> dict[int | None, keras.Model]:
        """The model without normalisation at each depth.

        Raises:
            ModelError: It is the same at two depths.
            NotStacked: It is the stacked engine, which cannot.
        """
        refuse_same_networks({depth: self.source.at(depth).fingerprint for depth in spec.depths})
        found = {
            depth: reinitialised_copy(self.source.at(depth).build(Variant()))
            for depth in spec.depths
        }
        if not self.engine.is_fit:
            for baseline in found.values():
                check_stackable(baseline)
        return found

    def _metrics(self, recipe: Recipe, baseline: keras.Model) -> list[str]:
        if not self.engine.eager:
            return recipe.metrics(baseline)
        check_eager(recipe.compile(baseline), recipe.dataset)
        source = self.source.at(recipe.spec.depths[0])
        return recipe.metrics(reinitialised_copy(source.build(Variant())), eager=True)

    def _checked(self, baseline: keras.Model) -> dict[str, str]:
        """What is left out where ``fit`` trains, in words, once it is known that it can.

        Raises:
            ModelError: It cannot train the model, or the data cannot be cut into its batches.
            SpecError: The function of callbacks makes none.
        """
        dataset, sizes = self.recipe.dataset, self.spec.batch_size
        left_out = [check_batches(baseline, dataset, size) for size in sizes]
        if self.engine.callbacks is not None:
            self.engine.callbacks.made(self.spec.variants[0], seed=0)
        return {"batches": "; ".join(filter(None, left_out))} if any(left_out) else {}

    def model(
        self,
        variant: Variant,
        batch_size: int,
        learning_rate: float | None = None,
        depth: int | None = None,
    ) -> tuple[keras.Model, InitialValues]:
        """A variant's model as the user would train it, compiled, and its initial values."""
        built = self.source.at(depth).build(
            variant, _steps(self.recipe.dataset.examples, batch_size)
        )
        # A copy: training it must not change the model that the other variants are made of.
        model = reinitialised_copy(built)
        self.recipe.compile(model, learning_rate)
        model.run_eagerly = self.engine.eager
        return model, InitialValues(model, self._like[depth])

    @classmethod
    def of(
        cls,
        spec: Spec,
        model: ModelLike,
        dataset: Dataset,
        devices: int | None = None,
        engine: Engine = STACKED,
    ) -> Setup:
        """The setup of a study, of what it was given.

        Args:
            spec: Its settings.
            model: As the study got it.
            dataset: What is trained on.
            devices: How many devices to use; all unless told.
            engine: What trains.
        """
        spec, dataset = as_streamed(spec, dataset, _mesh(engine, devices))
        source = ModelSource(
            model,
            dataset,
            spec.standardize_targets,
            loss=spec.loss,
            task=spec.task,
            depth=spec.depths[0],
        )
        standardised = source.units.mean is not None
        recipe = Recipe(spec, source.dataset, source.compiled, standardised=standardised)
        return cls(recipe, source, devices, engine)

    @property
    def fingerprint(self) -> str:
        """What tells the data, the model, what it was compiled with and what trains from others."""

        def of(depth: int | None) -> str:
            parts = (self.recipe.dataset, self.source.at(depth), self.recipe)
            streamed = f"window-{self.spec.window}" if self.spec.window else ""
            found = [*(part.fingerprint for part in parts), self.engine.identity, streamed]
            return "-".join(filter(None, found))

        return joined_fingerprint({depth: of(depth) for depth in self.spec.depths})

    def schedule(self, batch_size: int) -> Schedule:
        """How all replicas train: as those of the last variant and depth, the costliest mostly."""
        if self.engine.is_fit:
            return Schedule(1, 1)
        if batch_size not in self.schedules:
            self.schedules[batch_size] = self._fastest(batch_size)
        return self.schedules[batch_size]

    def _fastest(self, batch_size: int) -> Schedule:
        spec, dataset = self.spec, self.recipe.dataset
        variant, depth = Variant.parse(spec.variants[-1]), spec.depths[-1]
        model = self._lowered(variant, batch_size, depth)
        if shares_out(model, dataset):
            log.info("replicas train one at a time: a layer factorises or transforms")
            return Schedule(1, 1)
        programs = len(spec.batch_size) * len(spec.depths)
        replicas = spec.seeds * len(spec.conditions) // programs
        rule = rule_of_thumb(replicas, self.devices, alone=trains_sequentially(model))
        if self.spec.window:
            log.info("replicas train %s (a rule of thumb; the data are streamed)", rule)
            return rule
        epochs = spec.epochs * replicas * len(spec.variants) * len(spec.depths)
        operations = epochs * training_flops(model, dataset, batch_size)
        tried = candidates(rule)
        log.info("batches of %d: about %.2g operations in all", batch_size, operations)
        if operations < WORTH_TRYING or len(tried) == 1:
            log.info("replicas train %s (a rule of thumb; too short to try others)", rule)
            return rule
        few = sample(dataset, batch_size)
        return fastest_schedule(
            # Data in memory, so no other kind.
            lambda schedule: cast(
                "Cohort", self.cohort(variant, batch_size, schedule, few, epochs=1, depth=depth)
            ),
            tried,
            self.source.at(depth).fingerprint,
            variant.name,
            self.recipe.fingerprint,
            spec.optimizer,
            batch_size,
            [array.shape[1:] for array in leaves(dataset.x_train)],
        )

    def cohort(
        self,
        variant: Variant,
        batch_size: int,
        schedule: Schedule | None = None,
        dataset: Dataset | None = None,
        epochs: int | None = None,
        *,
        depth: int | None = None,
        population: bool = False,
    ) -> Stacked:
        """A variant at a batch size and depth, not compiled yet.

        Args:
            variant: Which.
            batch_size: Examples in a batch.
            schedule: How its replicas train; :meth:`schedule` unless given.
            dataset: A part of the study's; all of it unless given.
            epochs: As many as the study's unless given.
            depth: Of the model; ``None`` where no depth is asked for.
            population: Whether it is also evaluated with population statistics, if it has moving
                ones.
        """
        schedule = schedule or self.schedule(batch_size)
        dataset = dataset or self.recipe.dataset
        model = self._lowered(variant, batch_size, depth)
        mesh, epochs = replica_mesh(schedule.devices), epochs or self.spec.epochs
        initial = InitialValues(model, self._like[depth])
        shared = (initial, dataset, epochs, schedule.width, mesh)
        known = population_of(model, dataset, batch_size) if population else None
        if window := window_of(self.spec, batch_size):
            streamed = make_streamed_program(model, dataset, batch_size, known)
            return StreamedCohort(streamed, *shared, window)
        return Cohort(make_program(model, dataset, batch_size, known), *shared)

    def fit(
        self,
        variant: Variant,
        batch_size: int,
        depth: int | None = None,
        *,
        population: bool = False,
    ) -> Fit:
        """What trains a variant's replicas by Keras' own ``fit``.

        Args:
            variant: Which.
            batch_size: Examples in a batch.
            depth: As of :meth:`cohort`.
            population: As of :meth:`cohort`.

        Raises:
            ModelError: The data cannot be cut into the batches that the model needs.
        """
        model, initial = self.model(variant, batch_size, depth=depth)
        window = window_of(self.spec, batch_size)
        dataset = self.recipe.dataset
        return Fit(model, initial, dataset, batch_size, window, population=population)

    def _lowered(self, variant: Variant, batch_size: int, depth: int | None) -> keras.Model:
        built = self.source.at(depth).build(
            variant, _steps(self.recipe.dataset.examples, batch_size)
        )
        return self.recipe.compile(lower(built))


def _steps(examples: int, batch_size: int) -> int:
    """Batches of an epoch."""
    return math.ceil(examples / batch_size)


def _momenta(spec: Spec, examples: int) -> dict[str, str]:
    """What ``momentum=auto`` comes to, in words, where a variant has it."""
    if all(variant.momentum != "auto" for variant in map(Variant.parse, spec.variants)):
        return {}
    found = {size: momentum_text(momentum_for(_steps(examples, size))) for size in spec.batch_size}
    several = (f"{momentum} in batches of {size}" for size, momentum in found.items())
    [first, *others] = found.values()
    return {"momentum=auto": ", ".join(several) if others else first}


def _mesh(engine: Engine, devices: int | None) -> Mesh:
    # Keras' own `fit` trains on one.
    return replica_mesh(1 if engine.is_fit else devices)


def replica_of(run: Run) -> Replica:
    """The run as the engine knows it."""
    condition = run.condition
    return Replica(run.key.seed, condition.learning_rate, condition.initializer)
