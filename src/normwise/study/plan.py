"""From a spec to cohorts: place, lower, trace and compile every variant."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import keras
from jax.sharding import Mesh

from normwise.engine import (
    Cohort,
    InitialValues,
    chunk_width,
    fresh,
    lower,
    make_program,
    replica_bytes,
    replica_mesh,
    wants_turns,
)
from normwise.errors import ModelError
from normwise.records import Variant
from normwise.study.sources import ModelSource
from normwise.study.training import Recipe

__all__ = ["Arm", "Plan"]


@dataclass(frozen=True)
class Arm:
    """One variant, ready to train.

    Attributes:
        variant: The plan of normalisation.
        cohort: Its program and what its replicas share.
        compiled: The program for one chunk, still compiling perhaps.
    """

    variant: Variant
    cohort: Cohort
    compiled: Future[Any]


class Plan:
    """Every variant of a study, and the models behind them.

    Args:
        recipe: How the replicas train, and on what.
        source: Builds a variant's model.
        devices: How many devices to use; all unless told.

    Attributes:
        metrics: Names of what is recorded, the target's candidates first.
        settings: What the replicas train with, in words for the report.

    Raises:
        UsageError: The model cannot be trained as it was compiled, or as was asked.
    """

    def __init__(self, recipe: Recipe, source: ModelSource, devices: int | None = None) -> None:
        self._recipe, self._source = recipe, source
        self._spec = recipe.spec
        self._mesh: Mesh = replica_mesh(devices)
        baseline = fresh(source.build(Variant()))
        self._like = InitialValues(baseline, recipe.spec.initializer)
        self.metrics = recipe.metrics(baseline)
        self.settings = recipe.settings(baseline)

    def arms(self, variants: Sequence[Variant]) -> list[Arm]:
        """Trace each variant and compile them side by side."""
        pool = ThreadPoolExecutor()
        arms = []
        for variant in variants:
            cohort = self._cohort(variant)
            # Tracing is Python and takes turns; compiling is not, and runs beside it.
            arms.append(Arm(variant, cohort, pool.submit(cohort.compile, _traced(cohort))))
        pool.shutdown(wait=False)
        return arms

    def model(self, variant: Variant) -> tuple[keras.Model, InitialValues]:
        """A variant's model as the user would train it, compiled, and its initial values."""
        # A copy: training it must not change the model that the other variants are made of.
        model = fresh(self._source.build(variant))
        return self._recipe.compile(model), self._initial(model)

    def _cohort(self, variant: Variant) -> Cohort:
        spec, dataset = self._spec, self._recipe.dataset
        model = self._recipe.compile(lower(self._source.build(variant)))
        size = replica_bytes(model, dataset, spec.batch_size)
        return Cohort(
            program=make_program(model, dataset, spec.batch_size, self._recipe.weights),
            initial=self._initial(model),
            dataset=dataset,
            epochs=spec.epochs,
            width=chunk_width(spec.seeds, self._mesh.size, size),
            mesh=self._mesh,
            in_turn=wants_turns(model),
        )

    def _initial(self, model: keras.Model) -> InitialValues:
        return InitialValues(model, self._spec.initializer, self._like)


def _traced(cohort: Cohort) -> Any:
    try:
        return cohort.lower()
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
        raise ModelError(
            f"model {cohort.program.model.name!r} cannot be compiled "
            f"({str(error).strip().splitlines()[0]}); expected layers, a loss and metrics that "
            f"compute with keras.ops alone; replace NumPy functions, float() and branches on values"
        ) from error
