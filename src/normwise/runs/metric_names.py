"""Metrics as other libraries name them, in the way of Keras: ``loss`` and ``val_loss``.

A report shows a training metric and its validation twin in one chart, and tells them by their
names; an analysis knows by a name which way is better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["keras_name", "keras_names"]

_TRAINING = {"train", "training"}
_VALIDATION = {"val", "valid", "validation", "dev"}
_TEST = {"test", "testing", "eval", "evaluation"}


def keras_names(names: Iterable[str]) -> dict[str, str]:
    """Each metric's name to the one that it has here; no two have the same.

    What is measured on test data is taken for validation, unless there is validation as well.

    >>> keras_names(["train/loss", "val/loss", "Accuracy/test"])
    {'train/loss': 'loss', 'val/loss': 'val_loss', 'Accuracy/test': 'val_accuracy'}
    >>> keras_names(["val_acc", "test_acc"])["test_acc"]
    'test_acc'
    """
    given = list(dict.fromkeys(names))
    # A name that is one of Keras' already stays, whatever else would become the same.
    first = sorted(given, key=lambda name: (keras_name(name) != name, _part(name) == "test"))
    found: dict[str, str] = {}
    for name in first:
        ways = (keras_name(name), _identifier(_words(name)), f"{_identifier(_words(name))}_2")
        found[name] = next(way for way in ways if way not in found.values())
    return {name: found[name] for name in given}


def keras_name(name: str) -> str:
    """One metric's name as Keras would have it.

    >>> keras_name("Loss/train"), keras_name("val/top-1"), keras_name("train_loss_epoch")
    ('loss', 'val_top_1', 'loss')
    """
    words = _words(name)
    part, rest = _part(name), _without_part(words)
    prefix = [] if part in ("", "training") else ["val"]
    return _identifier([*prefix, *rest])


def _words(name: str) -> list[str]:
    words = [word for word in re.split(r"[\W_]+", name.lower()) if word]
    # Lightning's and W&B's word for "not of a single step".
    whole = words[1:] if words[:1] == ["epoch"] else words[:-1] if words[-1:] == ["epoch"] else []
    return whole or words


def _part(name: str) -> str:
    """Which part of the data a name speaks of: its first or last word."""
    words = _words(name)
    for word in (words[:1] + words[-1:]) if len(words) > 1 else []:
        for kinds, part in ((_TRAINING, "training"), (_VALIDATION, "validation"), (_TEST, "test")):
            if word in kinds:
                return part
    return ""


def _without_part(words: list[str]) -> list[str]:
    every = _TRAINING | _VALIDATION | _TEST
    if len(words) > 1 and words[0] in every:
        return words[1:]
    return words[:-1] if len(words) > 1 and words[-1] in every else words


def _identifier(words: list[str]) -> str:
    """Words as a target can name them: ``METRIC>=VALUE``."""
    joined = "_".join(words) or "metric"
    return joined if re.match(r"[a-z_]", joined) else f"_{joined}"
