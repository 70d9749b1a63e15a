"""The layers that `benchmarks/layers.py` times: Keras' and PyTorch's, of the same work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["LAYERS", "Layer"]

LINES = ((64, 32), (256, 16), (32, 128))
IMAGES = ((32, 32, 32), (16, 16, 64), (8, 8, 16))
FIRST = ((28, 28, 1), (32, 32, 3), (64, 64, 3))
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


def _adaptive(kind: str) -> Layer:
    theirs = {"Max": "Max", "Average": "Avg"}[kind]
    return Layer(
        f"adaptive {kind.lower()} pool 2D, 4x4",
        IMAGES,
        lambda layers, _: getattr(layers, f"Adaptive{kind}Pooling2D")(4),
        lambda nn, _: getattr(nn, f"Adaptive{theirs}Pool2d")(4),
    )


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


def _last(nn: Any, layer: Any) -> Any:
    """A layer of PyTorch's that wants its channels last."""

    class Of(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Any) -> Any:
            return self.layer(x.movedim(1, -1)).movedim(-1, 1)

    return Of()


def _upsampling(interpolation: str) -> Layer:
    return Layer(
        f"upsampling 2D, {interpolation}",
        IMAGES,
        lambda layers, _: layers.UpSampling2D(interpolation=interpolation),
        lambda nn, _: nn.Upsample(scale_factor=2, mode=interpolation),
    )


LAYERS = (
    Layer(
        "dense",
        ((784,), (64,), (8,)),
        lambda layers, _: layers.Dense(300),
        lambda nn, n: nn.Linear(n, 300),
    ),
    _conv("conv 1x1", 2, 1, IMAGES),
    _conv("conv 1x1, stride 2", 2, 1, IMAGES, strides=2),
    _conv("conv 3x3", 2, 3, IMAGES),
    _conv("conv 3x3, first layer", 2, 3, FIRST),
    _conv("conv 3x3, same", 2, 3, IMAGES, padding="same"),
    _conv("conv 3x3, same, stride 2", 2, 3, IMAGES, padding="same", strides=2),
    _conv("conv 3x3, same, dilation 2", 2, 3, IMAGES, padding="same", dilation_rate=2),
    _conv("conv 3x3, same, 4 groups", 2, 3, IMAGES, padding="same", groups=4),
    _conv("conv 5x5, same", 2, 5, IMAGES, padding="same"),
    _conv("conv 7x7, same, stride 2, first layer", 2, 7, FIRST, padding="same", strides=2),
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
    _adaptive("Max"),
    _adaptive("Average"),
    _reducing("global max", "GlobalMaxPooling2D", "amax"),
    _reducing("global average", "GlobalAveragePooling2D", "mean"),
    _upsampling("nearest"),
    _upsampling("bilinear"),
    Layer(
        "batch normalisation",
        IMAGES,
        lambda layers, _: layers.BatchNormalization(),
        lambda nn, n: nn.BatchNorm2d(n),
    ),
    Layer(
        "group normalisation",
        IMAGES,
        lambda layers, _: layers.GroupNormalization(8),
        lambda nn, n: nn.GroupNorm(8, n),
    ),
    Layer(
        "layer normalisation",
        SEQUENCES + IMAGES,
        lambda layers, _: layers.LayerNormalization(),
        lambda nn, n: _last(nn, nn.LayerNorm(n)),
    ),
    _recurrent("SimpleRNN"),
    _recurrent("LSTM"),
    _recurrent("GRU"),
    _recurrent("LSTM", both=True),
    Layer("attention, 4 heads", ((28, 32), (16, 64), (64, 16)), _attention, _their_attention),
)
