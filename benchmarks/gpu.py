"""Stacked replicas on a graphics card beside Keras' own `fit` on the same card.

    python benchmarks/gpu.py              # both networks, about five minutes
    python benchmarks/gpu.py circles      # one of them

The whole circles run of 2,048 replicas, and epochs of the MNIST network for 64, against one `fit`
times as many. Both sides have compiled before they are timed. Prints the card's name; on a machine
without a card it says so and measures nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time

from normwise.backend import require_jax

require_jax()

import jax
import keras

from normwise.data import Dataset, find_dataset
from normwise.domain import Variant
from normwise.engine import Replica, configure
from normwise.execution.setup import Setup
from normwise.spec import Spec
from normwise.studies.models import MODELS

# Network: its data, how many replicas, batch size and epochs.
NETWORKS = {"circles": ("circles", 2048, 32, 100), "mnist-cnn": ("mnist", 64, 64, 2)}
VARIANTS = ("none", "after")
ROUNDS = 3


def setup_of(network: str, dataset: Dataset) -> Setup:
    """The study's settings of a network, trained side by side."""
    data, replicas, batch, epochs = NETWORKS[network]
    settings = {"model": network, "data": data, "variants": list(VARIANTS), "seeds": replicas,
                "batch_size": batch, "epochs": epochs, "engine": "stacked"}  # fmt: skip
    return Setup.of(Spec.make(settings), MODELS[network], dataset)


def stacked(setup: Setup, variant: str, batch: int, replicas: int) -> float:
    """Seconds that all replicas together take from their initial values to the last epoch."""
    cohort = setup.cohort(Variant.parse(variant), batch)
    compiled, data = cohort.compile(cohort.lower()), cohort.data()
    seconds = []
    for _ in range(ROUNDS):
        firsts = range(0, replicas, cohort.width)
        seeds = [range(first, min(first + cohort.width, replicas)) for first in firsts]
        stacks = [cohort.begin([*map(Replica, part)]) for part in seeds]
        started = time.perf_counter()
        for stack in stacks:
            for _ in cohort.advance(compiled, data, stack, cohort.epochs):
                pass
        seconds.append(time.perf_counter() - started)
    print(f"  {variant}: {cohort.width} of {replicas} replicas at a time")
    return statistics.median(seconds)


def fitted(setup: Setup, variant: str, batch: int, epochs: int) -> float:
    """Seconds that one `fit` of a model that was compiled takes for as many epochs."""
    parsed = Variant.parse(variant)
    model = setup.recipe.compile(setup.source.build(parsed))
    train, val = setup.source.dataset.train, setup.source.dataset.val

    def fit(count: int) -> float:
        started = time.perf_counter()
        model.fit(train.x, train.y, batch_size=batch, epochs=count, verbose=0,
                  validation_data=(val.x, val.y), validation_batch_size=1000)  # fmt: skip
        return time.perf_counter() - started

    fit(1)
    return statistics.median(fit(epochs) for _ in range(ROUNDS))


def main() -> None:
    """Time the networks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=[*NETWORKS], help="circles, mnist-cnn")
    if jax.default_backend() == "cpu":
        raise SystemExit("no graphics card is at hand, so nothing is measured")
    versions = f"JAX {jax.__version__}, Keras {keras.__version__}"
    print(f"{jax.devices()[0].device_kind}, {versions}")
    configure()
    for network in parser.parse_args().networks:
        data, replicas, batch, epochs = NETWORKS[network]
        setup = setup_of(network, find_dataset(data))
        print(f"{network}: {replicas} replicas, {epochs} epochs, batches of {batch}")
        for variant in VARIANTS:
            ours = stacked(setup, variant, batch, replicas)
            theirs = fitted(setup, variant, batch, epochs) * replicas
            print(
                f"  {variant}: stacked {ours:.1f} s, fit {theirs:.0f} s: {theirs / ours:.0f} times",
                flush=True,
            )


if __name__ == "__main__":
    main()
