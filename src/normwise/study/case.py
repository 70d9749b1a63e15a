"""A study with its model and data: all that is known before anything trains."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

import jax
import numpy as np

from normwise import analysis
from normwise.data import Dataset
from normwise.data.labels import class_numbers
from normwise.domain import Target
from normwise.engine import configure
from normwise.execution.setup import Setup
from normwise.execution.which_engine import STACKED, Engine
from normwise.models.compiling import check_target
from normwise.models.source import ModelLike, ModelSource
from normwise.spec import Spec
from normwise.study.question import Network, Question

__all__ = ["Case", "open_case"]


@dataclass(frozen=True)
class Case:
    """What a study asks, and what its jobs share.

    Attributes:
        question: What is asked.
        setup: What all jobs share.
        dataset: What is trained on, with notes on what was decided about it.
        layers: Where layers are to be left out, the names of each variant's normalisation layers,
            by depth.
        environment: Where and with what it trains, name to text.
    """

    question: Question
    setup: Setup
    dataset: Dataset
    layers: Mapping[Network, Sequence[str]]
    environment: Mapping[str, str]


def open_case(
    spec: Spec,
    model: ModelLike,
    dataset: Dataset,
    devices: int | None = None,
    engine: Engine = STACKED,
) -> Case:
    """Find out all that can be refused before anything trains.

    Args:
        spec: The study's settings.
        model: As the study got it.
        dataset: What is trained on.
        devices: How many to use; all unless told.
        engine: What trains.

    Raises:
        NotStacked: It is the stacked engine, which cannot.
        UsageError: Something that was asked for cannot be honoured.
    """
    configure()
    setup = Setup.of(spec, model, dataset, devices, engine)
    source = setup.source
    target = Target.parse(spec.target) if spec.target else None
    if target is not None:
        check_target(target, setup.metrics)
    default = analysis.default_metric(setup.metrics, source.dataset.task)
    question = Question(
        spec=setup.spec,
        fingerprint=setup.fingerprint,
        metric=target.metric if target else default,
        mean_loss=setup.recipe.mean_loss,
        examples=setup.recipe.dataset.examples,
        guessing=_guessing(source.dataset),
    )
    return Case(
        question=question,
        setup=setup,
        dataset=source.noted(setup.recipe.notes),
        layers=_layers(source, question) if spec.ablate else {},
        environment=_environment(setup, source, question),
    )


def _layers(source: ModelSource, question: Question) -> dict[Network, list[str]]:
    """Refuses what cannot be left out, too."""
    found = {
        (one, depth): source.at(depth).layers(one)
        for one in question.variants
        if one.places
        for depth in question.spec.depths
    }
    # A remedy places what its variant does.
    return {
        (each.name, depth): layers
        for (one, depth), layers in found.items()
        for each in (one, one.with_remedy)
    }


def _environment(setup: Setup, source: ModelSource, question: Question) -> dict[str, str]:
    devices = jax.devices()
    found = {
        **{name: metadata.version(name) for name in ("normwise", "keras", "jax", "numpy")},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "devices": f"{len(devices)} × {devices[0].platform}",
        **setup.settings,
        "engine": setup.engine.name,
        "fingerprint": question.fingerprint,
    }
    if setup.engine.is_fit:
        found["engine_reason"] = setup.engine.why
    if source.units.note:
        found |= {"targets": source.units.note, "mean_loss": repr(question.mean_loss)}
    if question.guessing is not None:
        found["guessing"] = repr(question.guessing)
    return found


def _guessing(dataset: Dataset) -> float | None:
    """The validation accuracy of always naming the class that most training examples have."""
    if dataset.task not in ("binary", "classes"):
        return None
    train, val = map(class_numbers, (dataset.y_train, dataset.y_val))
    kinds, counts = np.unique(train, return_counts=True)
    return float(np.mean(val == kinds[counts.argmax()]))
