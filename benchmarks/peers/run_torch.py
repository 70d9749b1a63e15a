"""Milliseconds a step of a plain PyTorch loop.

python run_torch.py churn
"""

from __future__ import annotations

import itertools
import json
import sys
import time

import torch
from torch import nn
from workloads import WORKLOADS, Workload

EPOCHS = 4


def main() -> None:
    """Print one line of JSON: variant to milliseconds, with as many threads as are fastest."""
    name = sys.argv[1]
    found: dict[str, float] = {}
    for threads in (1, torch.get_num_threads()):
        torch.set_num_threads(threads)
        for variant in WORKLOADS[name].variants:
            milliseconds = _milliseconds(name, WORKLOADS[name], variant)
            found[variant] = min(milliseconds, found.get(variant, milliseconds))
    print(json.dumps(found))


def _milliseconds(name: str, workload: Workload, variant: str) -> float:
    torch.manual_seed(0)
    model = NETWORKS[name](variant)
    x, y = map(torch.from_numpy, workload.data())
    y = y.float()[:, None] if workload.classes == 1 else y.long()
    if name == "mnist-cnn":
        # Channels last is the faster layout on CPUs.
        model = model.to(memory_format=torch.channels_last)
        x = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[workload.optimizer]
    optimizer = kind(model.parameters(), lr=workload.rate, fused=True)
    loss = nn.BCEWithLogitsLoss() if workload.classes == 1 else nn.CrossEntropyLoss()
    model.train()
    times = []
    for _ in range(EPOCHS):
        started = time.perf_counter()
        for rows in torch.randperm(len(x)).split(workload.batch):
            optimizer.zero_grad(set_to_none=True)
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
        times.append(time.perf_counter() - started)
    return 1e3 * min(times) / workload.steps


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
}


if __name__ == "__main__":
    main()
