"""A folder of pictures, a sub-folder for each class, as Keras' own reader takes it."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.arrays import from_arrays
from normwise.data.dataset import Dataset
from normwise.data.given import Given
from normwise.data.mapped_rows import chosen
from normwise.data.pictures import PICTURES, read_pictures
from normwise.domain import Task
from normwise.errors import DataError, listed

__all__ = ["from_image_folder", "given_in_image_folder"]

Array = NDArray[Any]
Size = tuple[int, int]
# Sub-folders that hold a part of the data each, in the order in which one of them validates.
TRAIN, VALIDATE = ("train", "training"), ("validation", "val", "valid", "test", "testing")
SOUND, TEXT = (".wav", ".mp3", ".flac", ".ogg"), (".txt", ".md")


@dataclass(frozen=True)
class _Index:
    """The pictures of a folder.

    Attributes:
        paths: Their files, class after class.
        labels: The number of each one's class, ``(n,)``.
        names: The classes: the sub-folders in the order of their names.
        notes: What was left out, in sentences.
    """

    paths: list[Path]
    labels: Array
    names: tuple[str, ...]
    notes: list[str]


def from_image_folder(
    folder: Path, task: Task | None = None, size: Size | None = None, color: str | None = None
) -> Dataset:
    """The pictures, in two parts: those of two sub-folders ``train`` and ``validation``, or split.

    Args:
        folder: It has a sub-folder for each class, or two such folders in it.
        task: What the classes are to be taken for.
        size: Height and width in pixels; see :func:`~normwise.data.pictures.read_pictures`.
        color: ``grayscale``, ``rgb`` or ``rgba``.

    Raises:
        DataError: There are no pictures of two classes, or some do not read.
    """
    folder = _named(folder)
    train, val, notes = _indexed(folder)
    _check_classes(folder, train)
    paths = train.paths + (val.paths if val else [])
    pixels, said = read_pictures(paths, folder, size, color)
    present = np.unique(train.labels)
    names = tuple(train.names[label] for label in present)
    task = task or ("binary" if len(names) == 2 else "classes")
    _refuse_regression(folder, task)
    cut, notes = len(train.paths), [*said, _counted(train), *train.notes, *notes]
    held = (chosen(pixels, slice(cut, None)), val.labels) if val else ()
    dataset = from_arrays(
        chosen(pixels, slice(cut)), train.labels, *held, name=folder.name, task=task, notes=notes
    )
    # The numbers are ours: nobody gave them.
    return dataclasses.replace(dataset, class_names=names, label_form=None)


def given_in_image_folder(
    folder: Path, size: Size | None = None, color: str | None = None
) -> Given:
    """All pictures, with the numbers of their classes where there are sub-folders.

    Raises:
        DataError: There are none, or some do not read.
    """
    folder = _named(folder)
    if not _sub_folders(folder):
        files = list(_pictures_in(folder))
        if not files:
            raise _no_pictures(folder)
        pixels, notes = read_pictures(files, folder, size, color)
        return Given(pixels, notes=(*notes, f"{folder.name} has no sub-folders, and so no labels."))
    train, val, notes = _indexed(folder)
    paths = train.paths + (val.paths if val else [])
    pixels, said = read_pictures(paths, folder, size, color)
    cut = len(train.paths)
    validation = (chosen(pixels, slice(cut, None)), val.labels) if val else None
    said += [_counted(train), *train.notes, *notes]
    x = chosen(pixels, slice(cut))
    return Given(x, train.labels, validation=validation, notes=tuple(said))


def _named(folder: Path) -> Path:
    """The folder by a path with a name: the current one has none."""
    return folder if folder.name else folder.absolute()


def _indexed(folder: Path) -> tuple[_Index, _Index | None, list[str]]:
    """The part that trains, and the part that validates if there is one."""
    found = _parts(folder)
    if found is None:
        return _index(folder), None, []
    train, val = found
    index = _index(train)
    strange = sorted(set(_sub_folders(val)) - set(index.names))
    if strange:
        raise DataError(
            f"folder {folder.name!r} validates classes that do not train: "
            f"{listed(list(map(repr, strange)))}; expected sub-folders of {val.name!r} that "
            f"{train.name!r} has, too ({listed(list(index.names))}); check their names"
        )
    held = _index(val, classes=list(index.names))
    unused = [name for name in _sub_folders(folder) if name not in (train.name, val.name)]
    notes = [f"{train.name!r} trains and {val.name!r} validates."]
    notes += [f"{listed(unused)} is not used."] if unused else []
    return index, held, notes + held.notes


def _parts(folder: Path) -> tuple[Path, Path] | None:
    """The sub-folders that train and validate, where all sub-folders are named for such parts."""
    names = {name.lower(): folder / name for name in _sub_folders(folder)}
    if not names or not set(names) <= {*TRAIN, *VALIDATE}:
        return None
    train, val = (next((names[n] for n in part if n in names), None) for part in (TRAIN, VALIDATE))
    return (train, val) if train and val else None


def _index(folder: Path, classes: list[str] | None = None) -> _Index:
    """All pictures in the sub-folders, in the order of Keras' reader.

    Args:
        folder: Holds a sub-folder for each class.
        classes: Their names in the order of their numbers; all sub-folders unless given.

    Raises:
        DataError: There are none.
    """
    names = _sub_folders(folder) if classes is None else classes
    by_class = [list(_pictures_in(folder / name)) for name in names]
    paths = [path for files in by_class for path in files]
    if not paths:
        raise _no_pictures(folder)
    labels = np.repeat(np.arange(len(names), dtype=np.int32), list(map(len, by_class)))
    return _Index(paths, labels, tuple(names), _left_out(folder, names, by_class))


def _sub_folders(folder: Path) -> list[str]:
    return sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."
    )


def _files_in(folder: Path) -> Iterator[Path]:
    """All files at any depth, in the order of Keras' reader; hidden ones are left out."""
    for root, _, files in sorted(os.walk(folder)):
        below = Path(root).relative_to(folder).parts
        if not any(part.startswith(".") for part in below):
            yield from (Path(root, name) for name in sorted(files) if name[0] != ".")


def _pictures_in(folder: Path) -> Iterator[Path]:
    return (path for path in _files_in(folder) if _is_picture(path))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES


def _left_out(folder: Path, names: list[str], by_class: list[list[Path]]) -> list[str]:
    """What is in the folder and belongs to no class or is no picture, in sentences."""
    notes = []
    files = [path for name in names for path in _files_in(folder / name)]
    others = Counter(path.suffix.lower() or path.name for path in files if not _is_picture(path))
    loose = [path for path in folder.iterdir() if path.is_file() and _is_picture(path)]
    empty = [name for name, found in zip(names, by_class, strict=True) if not found]
    deeper = sum(len(path.relative_to(folder).parts) > 2 for found in by_class for path in found)
    if others:
        kinds = listed([f"{kind} ({count:,})" for kind, count in sorted(others.items())])
        notes.append(f"Files that are no pictures Keras reads were left out: {kinds}.")
    if loose:
        notes.append(
            f"Pictures directly in {folder.name!r} belong to no class and were left out: "
            f"{len(loose):,}."
        )
    if empty:
        notes.append(f"Sub-folders without a picture: {listed(empty)}.")
    if deeper:
        notes.append(f"Pictures that lie deeper belong to the class above them: {deeper:,}.")
    return notes


def _counted(index: _Index) -> str:
    counts = np.bincount(index.labels, minlength=len(index.names))
    rows = [f"{name} ({n:,})" for name, n in zip(index.names, counts, strict=True)]
    return f"Classes, with their pictures: {listed(rows)}."


def _check_classes(folder: Path, index: _Index) -> None:
    present = np.unique(index.labels)
    if len(present) > 1:
        return
    name = index.names[present[0]]
    inside = _sub_folders(folder / name) if (folder / name).is_dir() else []
    raise DataError(
        f"folder {folder.name!r} has pictures in one sub-folder alone, {name!r}; expected one "
        f"sub-folder for each of two classes or more; "
        + (f"try --data {folder / name}" if inside else "put each class's pictures into its own")
    )


def _refuse_regression(folder: Path, task: Task) -> None:
    if task == "regression":
        raise DataError(
            f"folder {folder.name!r} has a class for each sub-folder, and the task regression was "
            f"asked for; expected binary or classes; leave --task out, or pass arrays: "
            f"nw.Study(model, (x, y), task='regression')"
        )


def _no_pictures(folder: Path) -> DataError:
    files = list(_files_in(folder))
    kinds = Counter(path.suffix.lower() for path in files)
    kind = kinds.most_common(1)[0][0] if kinds else ""
    loose = sum(_is_picture(path) for path in files)
    if loose:
        what = f"holds {loose:,} pictures and no sub-folders, so nothing says their classes"
        instead = "put each class's pictures into a sub-folder of its name"
    elif kind in SOUND + TEXT:
        media = "sound" if kind in SOUND else "text"
        what = (
            f"holds files of {media} ({kind}), which Keras' own reader takes with TensorFlow alone"
        )
        instead = "pass arrays instead: --data FILE.npz, or nw.Study(model, (x, y))"
    else:
        what = f"holds no picture{f' but files such as *{kind}' if kind else ''}"
        instead = "check the path"
    return DataError(
        f"folder {folder.name!r} {what}; expected a sub-folder of {', '.join(PICTURES)} for each "
        f"class; {instead}"
    )
