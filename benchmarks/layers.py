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
from dataclasses import dataclass
from typing import Any


BATCH = 64
# A repetition takes at least so long, and a layer has so many of them.
SECONDS, REPETITIONS = 0.15, 5
TARGET = 2.0

LINES = ((64, 32), (256, 16), (32, 128))
IMAGES = ((32, 32, 32), (16, 16, 64), (8, 8, 16))
VOLUMES = ((8, 16, 16, 16), (8, 8, 8, 32), (4, 4, 4, 8))
SEQUENCES = ((28, 28), (16, 64), (64, 16))


@dataclass(frozen=True)
class Layer:
    """One layer of both sides.

    Attributes:
        name: In the table.
        shapes: Of an example, channels last.
        keras: From Keras' layers and the number of channels to the layer.
        torch: From ``torch.nn`` and that number to the same, channels first.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    keras: Callable[[Any, int], Any]
    torch: Callable[[Any, int], Any]


def _conv(name: str, rank: int, window: int, shapes: Any, **options: Any) -> Layer:
    """A convolution to 64 filters; PyTorch pads by half a window where Keras pads."""
    padded = options.get("padding") in ("same", "causal")
    reach = (window - 1) * options.get("dilation_rate", 1)
    theirs = {
        "stride": options.get("strides", 1),
        "dilation": options.get("dilation_rate", 1),
        "groups": options.get("groups", 1),
        "padding": reach // 2 if padded else 0,
    }
    return Layer(
        name,
        shapes,
        lambda layers, _: getattr(layers, f"Conv{rank}D")(64, window, **options),
        lambda nn, n: getattr(nn, f"Conv{rank}d")(n, 64, window, **theirs),
    )


def _transposed(name: str, rank: int, window: int, shapes: Any, strides: int) -> Layer:
    theirs = {"stride": strides, "padding": (window - strides + 1) // 2}
    return Layer(
        name,
        shapes,
        lambda layers, _: getattr(layers, f"Conv{rank}DTranspose")(
            32, window, strides=strides, padding="same"
        ),
        lambda nn, n: getattr(nn, f"ConvTranspose{rank}d")(n, 32, window, **theirs),
    )


def _depthwise(name: str, rank: int, shapes: Any, **options: Any) -> Layer:
    theirs = {"stride": options.get("strides", 1), "padding": int("padding" in options)}
    return Layer(
        name,
        shapes,
        lambda layers, _: getattr(layers, f"DepthwiseConv{rank}D")(3, **options),
        lambda nn, n: getattr(nn, f"Conv{rank}d")(n, n, 3, groups=n, **theirs),
    )


def _separable(rank: int, shapes: Any) -> Layer:
    return Layer(
        f"separable {rank}D",
        shapes,
        lambda layers, _: getattr(layers, f"SeparableConv{rank}D")(64, 3, padding="same"),
        lambda nn, n: nn.Sequential(
            getattr(nn, f"Conv{rank}d")(n, n, 3, groups=n, padding=1, bias=False),
            getattr(nn, f"Conv{rank}d")(n, 64, 1),
        ),
    )


def _pool(kind: str, rank: int, window: int, shapes: Any, **options: Any) -> Layer:
    name = f"{kind.lower()} pool {rank}D, {window}" + "".join(
        f", {value if word == 'padding' else f'stride {value}'}" for word, value in options.items()
    )
    theirs = {
        "stride": options.get("strides"),
        "padding": window // 2 if "padding" in options else 0,
    }
    theirs_kind = {"Max": "Max", "Average": "Avg"}[kind]
    return Layer(
        name,
        shapes,
        lambda layers, _: getattr(layers, f"{kind}Pooling{rank}D")(window, **options),
        lambda nn, _: getattr(nn, f"{theirs_kind}Pool{rank}d")(window, **theirs),
    )


def _reducing(name: str, keras: str, reduce: str) -> Layer:
    def theirs(nn: Any, _: int) -> Any:
        class Over(nn.Module):
            def forward(self, x: Any) -> Any:
                return getattr(x, reduce)((2, 3))

        return Over()

    return Layer(name, IMAGES, lambda layers, _: getattr(layers, keras)(), theirs)


def _recurrent(kind: str, *, both: bool = False) -> Layer:
    def ours(layers: Any, _: int) -> Any:
        layer = getattr(layers, kind)(32, return_sequences=True)
        return layers.Bidirectional(layer) if both else layer

    def theirs(nn: Any, n: int) -> Any:
        class Of(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                cells = nn.RNN if kind == "SimpleRNN" else getattr(nn, kind)
                self.layer = cells(n, 32, batch_first=True, bidirectional=both)

            def forward(self, x: Any) -> Any:
                return self.layer(x.transpose(1, 2))[0].transpose(1, 2)

        return Of()

    return Layer(f"{'Bidirectional ' * both}{kind}", SEQUENCES, ours, theirs)


def _attention(layers: Any, n: int) -> Any:
    import keras

    x = keras.Input((None, n))
    return keras.Model(x, layers.MultiHeadAttention(4, n // 4)(x, x))


def _their_attention(nn: Any, n: int) -> Any:
    class Of(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.MultiheadAttention(n, 4, batch_first=True)

        def forward(self, x: Any) -> Any:
            x = x.transpose(1, 2)
            return self.layer(x, x, x, need_weights=False)[0].transpose(1, 2)

    return Of()


LAYERS = (
    Layer("dense", ((784,), (64,), (8,)), lambda k, _: k.Dense(300), lambda nn, n: nn.Linear(n, 300)),
    _conv("conv 1x1", 2, 1, IMAGES),
    _conv("conv 1x1, stride 2", 2, 1, IMAGES, strides=2),
    _conv("conv 3x3", 2, 3, IMAGES),
    _conv("conv 3x3, first layer", 2, 3, ((28, 28, 1), (32, 32, 3), (64, 64, 3))),
    _conv("conv 3x3, same", 2, 3, IMAGES, padding="same"),
    _conv("conv 3x3, same, stride 2", 2, 3, IMAGES, padding="same", strides=2),
    _conv("conv 3x3, same, dilation 2", 2, 3, IMAGES, padding="same", dilation_rate=2),
    _conv("conv 3x3, same, 4 groups", 2, 3, IMAGES, padding="same", groups=4),
    _conv("conv 5x5, same", 2, 5, IMAGES, padding="same"),
    _conv("conv 7x7, same, stride 2", 2, 7, ((32, 32, 3), (64, 64, 3), (28, 28, 1)), padding="same", strides=2),
    _conv("conv 1D, 3", 1, 3, LINES),
    _conv("conv 1D, 5, same, stride 2", 1, 5, LINES, padding="same", strides=2),
    _conv("conv 3D, 3", 3, 3, VOLUMES),
    _conv("conv 3D, 3, same, stride 2", 3, 3, VOLUMES, padding="same", strides=2),
    _depthwise("depthwise 3x3, same", 2, IMAGES, padding="same"),
    _depthwise("depthwise 3x3, same, stride 2", 2, IMAGES, padding="same", strides=2),
    _depthwise("depthwise 1D, 3, same", 1, LINES, padding="same"),
    _separable(2, IMAGES),
    _separable(1, LINES),
    _transposed("transposed 3x3, stride 2", 2, 3, IMAGES, 2),
    _transposed("transposed 2x2, stride 2", 2, 2, IMAGES, 2),
    _transposed("transposed 1D, 3, stride 2", 1, 3, LINES, 2),
    _transposed("transposed 3D, 3, stride 2", 3, 3, VOLUMES, 2),
    _pool("Max", 2, 2, IMAGES),
    _pool("Max", 2, 3, IMAGES, strides=2),
    _pool("Max", 2, 3, IMAGES, strides=2, padding="same"),
    _pool("Max", 2, 3, IMAGES, strides=1, padding="same"),
    _pool("Max", 1, 2, LINES),
    _pool("Max", 1, 3, LINES, strides=2, padding="same"),
    _pool("Max", 3, 2, VOLUMES),
    _pool("Average", 2, 2, IMAGES),
    _pool("Average", 2, 3, IMAGES, strides=2, padding="same"),
    _pool("Average", 2, 3, IMAGES, strides=1, padding="same"),
    _pool("Average", 1, 3, LINES, strides=2, padding="same"),
    _pool("Average", 3, 2, VOLUMES),
    _reducing("global max", "GlobalMaxPooling2D", "amax"),
    _reducing("global average", "GlobalAveragePooling2D", "mean"),
    Layer("upsampling 2D", IMAGES, lambda k, _: k.UpSampling2D(), lambda nn, _: nn.Upsample(scale_factor=2)),
    Layer("upsampling 2D, bilinear", IMAGES, lambda k, _: k.UpSampling2D(interpolation="bilinear"), lambda nn, _: nn.Upsample(scale_factor=2, mode="bilinear")),
    Layer("batch normalisation", IMAGES, lambda k, _: k.BatchNormalization(), lambda nn, n: nn.BatchNorm2d(n)),
    Layer("group normalisation", IMAGES, lambda k, _: k.GroupNormalization(8), lambda nn, n: nn.GroupNorm(8, n)),
    Layer("layer normalisation", SEQUENCES, lambda k, _: k.LayerNormalization(), lambda nn, n: _last(nn, nn.LayerNorm(n))),
    _recurrent("SimpleRNN"),
    _recurrent("LSTM"),
    _recurrent("GRU"),
    _recurrent("LSTM", both=True),
    Layer("attention, 4 heads", ((28, 32), (16, 64), (64, 16)), _attention, _their_attention),
)  # fmt: skip


def _last(nn: Any, layer: Any) -> Any:
    class Of(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Any) -> Any:
            return self.layer(x.transpose(1, 2)).transpose(1, 2)

    return Of()


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
    parser.add_argument("--side", choices=("ours", "keras", "PyTorch"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        run = _on_torch if given.side == "PyTorch" else _on_jax(lowered=given.side == "ours")
        for layer, shape in _chosen(given.word):
            print(json.dumps(run(layer, shape)), flush=True)
        return
    found: dict[str, list[list[float]]] = defaultdict(list)
    for _ in range(given.rounds):
        found["ours"].append(_run(sys.executable, "ours", given.word))
        found["PyTorch"].append(_run(_torch(), "PyTorch", given.word))
    _print(given.word, {side: [min(x) for x in zip(*runs)] for side, runs in found.items()})


def _print(words: list[str], found: dict[str, list[float]]) -> None:
    print(f"{'milliseconds of a processor':<44} ours PyTorch  ratio")
    for (layer, shape), ours, theirs in zip(_chosen(words), found["ours"], found["PyTorch"]):
        ratio = ours / theirs
        name = f"{layer.name}, {'x'.join(map(str, shape))}"
        print(f"{name:<42} {ours:6.2f} {theirs:7.2f} {ratio:6.2f}{' !' * (ratio > TARGET)}")


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


def _on_jax(*, lowered: bool) -> Callable[[Layer, tuple[int, ...]], float]:
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
        model = engine.lower(model) if lowered else model
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
