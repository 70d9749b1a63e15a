"""Time a training step of single layers beside PyTorch's, forward and backward, a core.

    python benchmarks/layers.py                      # every layer at three sizes, 15 minutes
    python benchmarks/layers.py conv pool --rounds 1 # those with such a word in their name

Float32, 64 examples. Ours are lowered as a study lowers them and run in a `scan`;
PyTorch's run as a loop, in the memory format that is faster, in the environment of
`benchmarks/peers`, which is made at its first run. Counted are milliseconds of a
processor, of the fastest of some repetitions; the sides take turns, --rounds times.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from layer_pairs import LAYERS, Layer

BATCH = 64
# A repetition takes at least so long, and a layer has so many of them.
SECONDS, REPETITIONS = 0.15, 5
TARGET = 2.0


def _chosen(words: list[str]) -> Iterator[tuple[Layer, tuple[int, ...]]]:
    for layer in LAYERS:
        if not words or any(word in layer.name for word in words):
            for shape in layer.shapes:
                yield layer, shape


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("word", nargs="*", help="part of the names of layers")
    parser.add_argument("--rounds", type=int, default=2, help="times each side runs (default 2)")
    parser.add_argument("--side", choices=("ours", "PyTorch"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        run = _on_torch if given.side == "PyTorch" else _on_jax()
        for layer, shape in _chosen(given.word):
            print(json.dumps(run(layer, shape)), flush=True)
        return
    found: dict[str, list[list[float]]] = defaultdict(list)
    for _ in range(given.rounds):
        found["ours"].append(_run(sys.executable, "ours", given.word))
        found["PyTorch"].append(_run(_torch(), "PyTorch", given.word))
    _print(
        given.word, {side: list(map(min, zip(*runs, strict=True))) for side, runs in found.items()}
    )


def _print(words: list[str], found: dict[str, list[float]]) -> None:
    print(f"{'milliseconds of a processor':<48} ours PyTorch  ratio")
    rows = zip(_chosen(words), found["ours"], found["PyTorch"], strict=True)
    for (layer, shape), ours, theirs in rows:
        ratio = ours / theirs
        name = f"{layer.name}, {'x'.join(map(str, shape))}"
        print(f"{name:<46} {ours:6.2f} {theirs:7.2f} {ratio:6.2f}{' !' * (ratio > TARGET)}")


def _run(python: str, side: str, words: list[str]) -> list[float]:
    process = subprocess.run(
        [python, __file__, *words, "--side", side],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    return [json.loads(line) for line in process.stdout.splitlines()]


def _torch() -> str:
    from platformdirs import user_cache_path

    python = user_cache_path("normwise-peers", appauthor=False) / "torch" / "bin" / "python"
    if not python.exists():
        sys.exit("there is no environment of PyTorch; run `python benchmarks/peers churn` first")
    return str(python)


def _fastest(run: Callable[[int], None]) -> float:
    """Milliseconds of a processor that a step takes."""
    steps = 2
    while True:
        started = time.process_time()
        run(steps)
        if (taken := time.process_time() - started) > SECONDS:
            break
        steps = max(2 * steps, int(1.2 * steps * SECONDS / max(taken, 1e-3)))
    times = []
    for _ in range(REPETITIONS):
        started = time.process_time()
        run(steps)
        times.append(time.process_time() - started)
    return 1e3 * min(times) / steps


def _on_jax() -> Callable[[Layer, tuple[int, ...]], float]:
    import jax
    import keras
    import numpy as np
    from jax import numpy as jnp

    from normwise import engine
    from normwise.engine.stack import CPU_OPTIONS

    engine.configure()

    def measure(layer: Layer, shape: tuple[int, ...]) -> float:
        made = layer.keras(keras.layers, shape[-1])
        model = (
            made if isinstance(made, keras.Model) else keras.Sequential([keras.Input(shape), made])
        )
        model = engine.lower(model)
        rng = np.random.default_rng(0)
        x = jnp.asarray(rng.normal(size=(BATCH, *shape)), "float32")
        weights = [v.value for v in model.trainable_variables]
        others = [v.value for v in model.non_trainable_variables]
        y = model.stateless_call(weights, others, x, training=True)[0]
        d = jnp.asarray(rng.normal(size=y.shape), "float32")

        def step(x: Any, d: Any, _: Any, carry: Any) -> Any:
            # A scalar that is 0, which XLA cannot know: nothing is computed once for all steps.
            weights, nothing, *_ = carry
            y, back = jax.vjp(
                lambda w, x: model.stateless_call(w, others, x, training=True)[0],
                weights,
                x + nothing,
            )
            dw, dx = back(d + nothing)
            weights = [w - nothing * g for w, g in zip(weights, dw, strict=True)]
            return weights, nothing * dx.ravel()[0], y, dx

        @functools.partial(jax.jit, compiler_options=CPU_OPTIONS)
        def steps(weights: Any, x: Any, d: Any, count: int, nothing: Any) -> Any:
            one = functools.partial(step, x, d)
            return jax.lax.fori_loop(0, count, one, (weights, nothing, d, x))

        def run(count: int) -> None:
            jax.block_until_ready(steps(weights, x, d, count, jnp.float32(0)))

        run(2)
        return _fastest(run)

    return measure


def _on_torch(layer: Layer, shape: tuple[int, ...]) -> float:
    import torch

    torch.set_num_threads(1)
    forms = {4: (torch.contiguous_format, torch.channels_last)}
    forms[5] = (torch.contiguous_format, torch.channels_last_3d)

    def measure(form: Any) -> float:
        made = layer.torch(torch.nn, shape[-1])
        x = torch.randn(BATCH, *shape).movedim(-1, 1).contiguous(memory_format=form)
        x.requires_grad_()
        with torch.no_grad():
            y = made(x)
        d = torch.randn(y.shape).contiguous(
            memory_format=form if y.ndim == x.ndim else torch.contiguous_format
        )

        def run(count: int) -> None:
            for _ in range(count):
                x.grad = None
                for weight in made.parameters():
                    weight.grad = None
                made(x).backward(d)

        run(2)
        return _fastest(run)

    return min(measure(form) for form in forms.get(len(shape) + 1, (torch.contiguous_format,)))


if __name__ == "__main__":
    main()
