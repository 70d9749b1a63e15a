"""What a study's folder may be extended to: more seeds, variants or points of the grid.

The settings there are replaced then; runs have keys, so those that are there still count.
"""

from __future__ import annotations

from pathlib import Path

from normwise.errors import StoreError, UsageError
from normwise.files import halves_in
from normwise.spec import Spec
from normwise.study.lock import LOCK

__all__ = ["settings_there"]


def settings_there(folder: Path, spec: Spec) -> Spec | None:
    """The settings that the folder holds, which the study extends; ``None`` if it holds none."""
    entries = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    if "spec.toml" in entries:
        return _extended(folder, spec)
    # Killed while it began, a study leaves the half of its first file.
    begun = {half.path.name for half in halves_in(folder) if half.name == "spec.toml"}
    foreign = entries - begun - {LOCK}
    if foreign:
        raise StoreError(
            f"folder {str(folder)!r} holds {min(foreign)!r} and no study; expected an empty or a "
            f"new folder; try --out {_another(folder, 'study')}"
        )
    return None


def _extended(folder: Path, spec: Spec) -> Spec:
    instead = (
        f"expected an empty folder, or the same study with as many seeds, variants and values of "
        f"its grid, or more; try --out {_another(folder, '2')}"
    )
    try:
        there = Spec.from_toml(folder / "spec.toml", {})
    except UsageError as error:
        raise StoreError(
            f"folder {str(folder)!r} holds a spec.toml that is no study's ({error}); {instead}"
        ) from None
    pairs = {name: (getattr(there, name), getattr(spec, name)) for name in Spec.model_fields}
    abouts = Spec.abouts()
    unlike = [name for name, values in pairs.items() if not abouts[name].allows(*values)]
    # Of another study, that it has other seeds or a smaller grid, too, is no reason.
    telling = [name for name in unlike if not abouts[name].may_grow] or unlike
    differing = [
        f"{name} is {pairs[name][0]!r} there and {pairs[name][1]!r} here" for name in telling
    ]
    if spec.prune and spec.target != there.target:
        differing.append(f"prune stopped runs by the target {there.target} there")
    if differing:
        raise StoreError(
            f"folder {str(folder)!r} holds another study ({'; '.join(differing)}); {instead}"
        )
    return there


def _another(folder: Path, suffix: str) -> str:
    name = folder.name.strip(".")
    return str(folder.with_name(f"{name}-{suffix}")) if name else f"my-{suffix}"
