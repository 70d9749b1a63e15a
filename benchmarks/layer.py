"""Time the layer alone, forward and backward in training, beside its peers and the memory's floor.

    python benchmarks/layer.py                 # about two minutes
    python benchmarks/layer.py --rounds 5

Float32, channels last. Each side runs in a process of its own, --rounds times in
turn; of each the fastest tenth of its steps counts, and its fastest round, since
others may use the machine. The floor is what any implementation must move, x
read and y written, then x and its gradient read and one written, at the
bandwidth of a plain copy of as many bytes by two threads. PyTorch lives in the
environment of `benchmarks/peers`, which is made at its first run, and runs in
the memory format that is faster.

All sides keep the memory they were once given. The C library otherwise hands
large outputs back to the system and asks for them anew at each step, in some
processes and not in others; the page faults then take as long as the step.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict

from platformdirs import user_cache_path

SHAPES = ((64, 26, 26, 32), (64, 11, 11, 64), (256, 1024), (32, 56, 56, 64))
# A copy reads and writes once; forward and backward have five such passes between them.
PASSES = 5 / 2
# What the C library keeps for the process, in bytes: everything.
KEPT = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
    "MALLOC_TOP_PAD_": str(2**28),
}

TIMED = """
import json, sys, time
def timed(call):
    times = []
    while len(times) < 10 or (sum(times) < 1.0 and len(times) < 1000):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return 1e3 * sorted(times)[len(times) // 10]
shapes = json.loads(sys.argv[1])
"""

ON_JAX = """
import jax, keras, numpy as np, normwise.layers
layer_of = {"normwise": normwise.layers.BatchNormalization,
            "Keras": keras.layers.BatchNormalization}[sys.argv[2]]
def milliseconds(shape):
    layer, rng = layer_of(), np.random.default_rng(0)
    layer.build(shape)
    x, d = (jax.numpy.asarray(rng.normal(size=shape), "float32") for _ in range(2))
    weights = [v.value for v in layer.trainable_variables]
    state = [v.value for v in layer.non_trainable_variables]
    @jax.jit
    def step(weights, state, x, d):
        y, back, state = jax.vjp(
            lambda w, x: layer.stateless_call(w, state, x, training=True), weights, x, has_aux=True)
        return y, back(d), state
    return timed(lambda: jax.block_until_ready(step(weights, state, x, d)))
print(json.dumps([milliseconds(shape) for shape in shapes]))
"""

ON_TORCH = """
import torch
torch.set_num_threads(2)
def milliseconds(shape, form):
    rank = len(shape)
    x, d = (torch.randn(shape) for _ in range(2))
    if rank == 4:
        x, d = (t.permute(0, 3, 1, 2).contiguous(memory_format=form) for t in (x, d))
    layer = (torch.nn.BatchNorm2d if rank == 4 else torch.nn.BatchNorm1d)(shape[-1])
    x.requires_grad_()
    def step():
        x.grad = layer.weight.grad = layer.bias.grad = None
        layer(x).backward(d)
    return timed(step)
def copy(shape):
    a, b = torch.randn(shape), torch.empty(shape)
    return timed(lambda: b.copy_(a))
forms = torch.contiguous_format, torch.channels_last
print(json.dumps({"copy": [copy(shape) for shape in shapes],
                  "PyTorch": [min(milliseconds(shape, f) for f in forms) for shape in shapes]}))
"""


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="times each side runs (default 3)")
    rounds = parser.parse_args().rounds
    found = defaultdict(list)
    for _ in range(rounds):
        for side in ("normwise", "Keras"):
            found[side].append(_run(sys.executable, ON_JAX, side))
        for side, times in _run(_torch(), ON_TORCH).items():
            found[side].append(times)
    print(f"milliseconds, fastest of {rounds}       over the peers        over")
    print("shape          normwise   Keras  PyTorch   Keras  PyTorch    floor   floor")
    for column, shape in enumerate(SHAPES):
        ours, keras, torch, copy = (
            min(times[column] for times in found[side])
            for side in ("normwise", "Keras", "PyTorch", "copy")
        )
        floor = PASSES * copy
        print(
            f"{'x'.join(map(str, shape)):<14} {ours:8.2f} {keras:7.2f} {torch:8.2f} "
            f"{ours / keras:7.2f} {ours / torch:8.2f} {floor:8.2f} {ours / floor:7.2f}"
        )


def _run(python: str, code: str, *arguments: str) -> dict | list:
    process = subprocess.run(
        [python, "-c", TIMED + code, json.dumps(SHAPES), *arguments],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, **KEPT, "KERAS_BACKEND": "jax"},
    )
    return json.loads(process.stdout.splitlines()[-1])


def _torch() -> str:
    python = user_cache_path("normwise-peers", appauthor=False) / "torch" / "bin" / "python"
    if not python.exists():
        sys.exit("there is no environment of PyTorch; run `python benchmarks/peers churn` first")
    return str(python)


if __name__ == "__main__":
    main()
