"""Which array of an archive is what: told from their names, and from those of a model.

``x_train`` is one array of inputs, ``x_train_user`` and ``x_train_item`` are inputs by their
names, ``x_train_0`` and ``x_train_1`` those of a list. A model's own names do alone: ``user_train``
or, where nothing says which part it is of, ``user``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["AskNames", "Names", "Roles", "no_names", "roles_of"]

# Of an array's name: what it holds, which part it is of, and which input or output it is for.
_KEY = re.compile(
    r"(?P<role>x|y|sample_weight)(?:_(?P<part>train|val|test))?(?:[_/](?P<name>.+))?",
    re.IGNORECASE,
)
_OWN = re.compile(r"(?P<name>.+)_(?P<part>train|val|test)", re.IGNORECASE)
# By role, an array's name or those of several in a structure.
Roles: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Names:
    """What a model calls its inputs and its outputs.

    Attributes:
        inputs: The names of its inputs, where they are known.
        outputs: Those of its outputs.
        needs_labels: Whether its loss is one of Keras', which compares outputs with labels.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    needs_labels: bool = True


AskNames: TypeAlias = Callable[[], "Names | None"]


def no_names() -> None:
    """Of a model that is not known."""


def roles_of(keys: Iterable[str], names: Names | None = None) -> dict[str, Roles]:
    """What the arrays of an archive are: by part, ``x``, ``y`` and ``weights``.

    Args:
        keys: Their names.
        names: Those of the model, where it is known.

    Returns:
        By ``train``, ``val``, ``test`` and, for what is to be split, ``""``: the arrays' names in
        the structure of inputs, labels and weights. What has no name is alone.

    >>> roles_of(["X_train", "y_train"])["train"]
    {'x': 'X_train', 'y': 'y_train'}
    >>> roles_of(["x_age", "x_income", "y"])[""]
    {'x': {'age': 'x_age', 'income': 'x_income'}, 'y': 'y'}
    >>> roles_of(["age", "income_val", "kind"], Names(("age", "income"), ("kind",)))["val"]
    {'x': {'income': 'income_val'}}
    """
    found: dict[str, dict[str, dict[str, str]]] = {}
    for key in keys:
        for role, part, name in _said(key, names or Names()):
            found.setdefault(part, {}).setdefault(role, {}).setdefault(name, key)
    return {
        part: {role: _structure(role, named, names) for role, named in roles.items()}
        for part, roles in found.items()
    }


def _said(key: str, names: Names) -> list[tuple[str, str, str]]:
    """Role, part and name of an array, as the model calls it or as its own name says."""
    own = _OWN.fullmatch(key)
    for name, part in [(key, ""), *([(own["name"], own["part"].lower())] if own else [])]:
        said = [
            (role, part, name)
            for role, known in (("x", names.inputs), ("y", names.outputs))
            if name in known
        ]
        if said:
            return said
    match = _KEY.fullmatch(key)
    if match is None:
        return []
    role = match["role"].lower()
    return [
        (role if role in "xy" else "weights", (match["part"] or "").lower(), match["name"] or "")
    ]


def _structure(role: str, named: Mapping[str, str], names: Names | None) -> Any:
    """One array, a list where all are numbered, or a dictionary; a slash goes a level deeper."""
    if "" in named:
        return named[""]
    known = () if names is None else names.inputs if role == "x" else names.outputs
    if len(known) == 1 and set(named) == set(known):
        return named[known[0]]
    if all(name.isdigit() for name in named):
        return [named[name] for name in sorted(named, key=int)]
    deeper: dict[str, dict[str, str]] = {}
    for name, key in named.items():
        first, _, rest = name.partition("/")
        deeper.setdefault(first, {})[rest] = key
    return {name: _structure(role, one, None) for name, one in deeper.items()}
