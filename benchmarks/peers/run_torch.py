"""Milliseconds a step, wall and processor, of a plain PyTorch loop.

python run_torch.py churn
"""

from __future__ import annotations

import itertools
import json
import sys

import numpy as np
import torch
from torch import nn
from workloads import WORKLOADS, Workload, now

EPOCHS = 4


def main() -> None:
    """Print one line of JSON: variant to both, each with as many threads as are fastest."""
    name = sys.argv[1]
    found: dict[str, list[list[float]]] = {}
    for threads in (1, torch.get_num_threads()):
        torch.set_num_threads(threads)
        for variant in WORKLOADS[name].variants:
            both = _milliseconds(name, WORKLOADS[name], variant)
            found.setdefault(variant, []).append(both)
    print(json.dumps({variant: np.min(each, axis=0).tolist() for variant, each in found.items()}))


def _milliseconds(name: str, workload: Workload, variant: str) -> list[float]:
    torch.manual_seed(0)
    model = NETWORKS[name](variant)
    x, y = map(torch.from_numpy, workload.data())
    y = y.float()[:, None] if workload.classes == 1 else y.long()
    if len(workload.shape) == 3:
        # Channels last is the faster layout on CPUs.
        model = model.to(memory_format=torch.channels_last)
        x = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[workload.optimizer]
    optimizer = kind(model.parameters(), lr=workload.rate, fused=True)
    loss = nn.BCEWithLogitsLoss() if workload.classes == 1 else nn.CrossEntropyLoss()
    model.train()
    times = []
    for _ in range(EPOCHS):
        started = now()
        for rows in torch.randperm(len(x)).split(workload.batch):
            optimizer.zero_grad(set_to_none=True)
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
        times.append(now() - started)
    return (1e3 * np.min(times, axis=0) / workload.steps).tolist()


def _mlp(variant: str, *units: int) -> nn.Module:
    stack: list[nn.Module] = [nn.BatchNorm1d(units[0])] if "input" in variant else []
    for narrow, wide in itertools.pairwise(units[:-1]):
        before = "before" in variant
        stack.append(nn.Linear(narrow, wide, bias=not before))
        stack += [nn.BatchNorm1d(wide)] * before
        stack.append(nn.ReLU())
    return nn.Sequential(*stack, nn.Linear(*units[-2:]))


def _cnn(variant: str) -> nn.Module:
    def convolution(channels: int, filters: int) -> list[nn.Module]:
        norm = [nn.BatchNorm2d(filters)] * (variant == "after")
        return [nn.Conv2d(channels, filters, 3), nn.ReLU(), *norm]

    return nn.Sequential(
        *convolution(1, 32), nn.MaxPool2d(2), *convolution(32, 64), nn.MaxPool2d(2),
        *convolution(64, 64), nn.Flatten(), nn.Linear(576, 64), nn.ReLU(),
        *[nn.BatchNorm1d(64)] * (variant == "after"), nn.Linear(64, 10),
    )  # fmt: skip


class _Residual(nn.Module):
    """Three stages, halved by strides, with a shortcut around each block of two convolutions."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.first = nn.Sequential(*_convolution(variant, 3, 16), nn.ReLU())
        self.blocks, self.shortcuts = nn.ModuleList(), nn.ModuleList()
        for channels, filters, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2)):
            self.blocks.append(
                nn.Sequential(
                    *_convolution(variant, channels, filters, stride),
                    nn.ReLU(),
                    *_convolution(variant, filters, filters),
                )
            )
            shortcut = nn.Conv2d(channels, filters, 1, stride) if stride > 1 else nn.Identity()
            self.shortcuts.append(shortcut)
        self.last = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        for block, shortcut in zip(self.blocks, self.shortcuts, strict=True):
            x = (shortcut(x) + block(x)).relu()
        return self.last(x.mean((2, 3)))


def _convolution(variant: str, channels: int, filters: int, stride: int = 1) -> list[nn.Module]:
    """Padded by half a window, with a normalisation behind it where the variant has one."""
    normalised = variant != "none"
    convolution = nn.Conv2d(channels, filters, 3, stride, 1, bias=not normalised)
    return [convolution, *[nn.BatchNorm2d(filters)] * normalised]


def _depthwise(variant: str) -> nn.Module:
    def pointwise(channels: int, filters: int) -> list[nn.Module]:
        norm = [nn.BatchNorm2d(filters)] * (variant == "after")
        return [nn.Conv2d(channels, filters, 1), nn.ReLU(), *norm]

    stack = [nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU(), *[nn.BatchNorm2d(32)] * (variant == "after")]
    for channels, filters, stride in ((32, 64, 1), (64, 128, 2), (128, 128, 1)):
        stack += [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels), nn.ReLU()]
        stack += pointwise(channels, filters)
    return nn.Sequential(*stack, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


class _Unet(nn.Module):
    """Down by pooling, up by transposed convolutions, each level joined to its own."""

    def __init__(self, variant: str) -> None:
        super().__init__()

        def twice(channels: int, filters: int) -> nn.Module:
            pairs = ((channels, filters), (filters, filters))
            each = [[*_convolution(variant, *pair), nn.ReLU()] for pair in pairs]
            return nn.Sequential(*itertools.chain(*each))

        self.down = nn.ModuleList([twice(3, 16), twice(16, 32)])
        self.middle = twice(32, 64)
        self.up = nn.ModuleList(
            [nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)]
        )
        self.joined = nn.ModuleList([twice(64, 32), twice(32, 16)])
        self.last = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left = []
        for level in self.down:
            left.append(level(x))
            x = nn.functional.max_pool2d(left[-1], 2)
        x = self.middle(x)
        for up, joined in zip(self.up, self.joined, strict=True):
            x = joined(torch.cat([up(x), left.pop()], 1))
        return self.last(x.mean((2, 3)))


class _Lstm(nn.Module):
    def __init__(self, variant: str) -> None:
        super().__init__()
        self.lstm = nn.LSTM(28, 32, batch_first=True)
        norm = nn.BatchNorm1d(32) if variant == "after" else nn.Identity()
        self.head = nn.Sequential(norm, nn.Linear(32, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x)[0][:, -1])


NETWORKS = {
    "churn": lambda variant: _mlp(variant, 11, 64, 32, 16, 1),
    "fashion-mlp": lambda variant: _mlp(variant, 784, 300, 100, 10),
    "mnist-cnn": _cnn,
    "lstm": _Lstm,
    "residual": _Residual,
    "depthwise": _depthwise,
    "unet": _Unet,
}


if __name__ == "__main__":
    main()
