"""Files of pictures as one array, as ``keras.utils.image_dataset_from_directory`` reads them."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from normwise.data.cache_file import kept_array
from normwise.data.mapped_rows import MappedRows, release
from normwise.errors import DataError, first_line

__all__ = ["PICTURES", "read_pictures", "resized"]

Array = NDArray[Any]
# Endings of the files that Keras' reader takes.
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
# Pixels that pictures of several sizes are brought to unless told.
USUAL = (64, 64)
MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
# Of the pictures that do not read, so many are named.
FIRST_FEW = 5
# Modes of Pillow that are grey, and those of them with more than a byte a pixel.
GREY, DEEP = {"1", "L", "LA", "I", "F"}, {"I", "F"}
# What all pictures may take in memory; more of them lie in a file.
HELD_BYTES = 2**30


def read_pictures(
    paths: Sequence[Path],
    root: Path,
    size: tuple[int, int] | None = None,
    color: str | None = None,
) -> tuple[Any, list[str]]:
    """Decode pictures, each once, into an array ``(n, height, width, channels)``.

    Large ones lie in a file of the cache folder, which is made once, in an order of its own:
    neighbours are then of all classes.

    Values are those from 0 to 255 that Keras' reader gives: as bytes where no picture is resized,
    else, between the pixels that there were (bilinear), as float32.

    Args:
        paths: Files, at least one.
        root: The folder that messages name them from.
        size: Height and width; that of the pictures if they have one, else 64 × 64.
        color: ``grayscale``, ``rgb`` or ``rgba``; grey if all of them are, else ``rgb``.

    Returns:
        The array, and what was done, in sentences.

    Raises:
        DataError: Some do not read, or there is no room for such a file.
    """
    heads = _heads(paths, root)
    sizes = Counter(head[0] for head in heads)
    grey = all(_family(mode) in GREY for _, mode in heads)
    color = color or ("grayscale" if grey else "rgb")
    size = size or (next(iter(sizes)) if len(sizes) == 1 else USUAL)
    is_deep = color == "grayscale" and any(_family(mode) in DEEP for _, mode in heads)
    kind = np.dtype("float32" if is_deep or set(sizes) != {size} else "uint8")
    shape = (len(paths), *size, CHANNELS[color])
    is_large = math.prod(shape) * kind.itemsize > HELD_BYTES
    places = np.random.default_rng(0).permutation(len(paths)) if is_large else range(len(paths))
    place_of = dict(zip(paths, places, strict=True))

    def fill(pixels: Array) -> None:
        def decode(path: Path) -> None:
            pixels[place_of[path]] = resized(_decoded(path, color), size)
            release(pixels)

        _refuse(_on_all(decode, paths)[1], paths, root)

    if is_large:
        contents, broken = _on_all(_digest, paths)
        _refuse(broken, paths, root)
        lying = kept_array(["pictures", contents, size, color], shape, kind, fill)
        return MappedRows(lying, np.array(places)), _said(lying, sizes, size, "a file")
    pixels = np.empty(shape, kind)
    fill(pixels)
    return pixels, _said(pixels, sizes, size, "memory")


def _digest(path: Path) -> str:
    """Hash of a file: to read it is a small part of decoding it, and times of files deceive."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def resized(picture: Array, size: tuple[int, int]) -> Array:
    """A picture ``(h, w, c)`` of another size, bilinear and without smoothing, as Keras does it.

    >>> resized(np.array([[[0.0], [4.0]]]), (1, 4)).ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    for axis, wanted in enumerate(size):
        if picture.shape[axis] != wanted:
            picture = _along(picture.astype(np.float32), axis, wanted)
    return picture


def _along(picture: Array, axis: int, wanted: int) -> Array:
    there = picture.shape[axis]
    # Pixels are squares, and what counts of them is their middle.
    places = np.clip((np.arange(wanted) + 0.5) * there / wanted - 0.5, 0, there - 1)
    before = np.floor(places).astype(int)
    share = (places - before).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
    behind = np.minimum(before + 1, there - 1)
    first, second = np.take(picture, before, axis), np.take(picture, behind, axis)
    both: Array = first * (1 - share) + second * share
    return both


def _head(path: Path) -> tuple[tuple[int, int], str]:
    """Height and width, and Pillow's mode, of a file's first lines."""
    # Of a GIF, Pillow alone would leave the file open.
    with path.open("rb") as file, Image.open(file) as picture:
        return (picture.height, picture.width), picture.mode


def _decoded(path: Path, color: str) -> Array:
    with path.open("rb") as file, Image.open(file) as picture:
        as_it_is = color == "grayscale" and picture.mode in ("L", "I", "I;16")
        values = np.asarray(picture if as_it_is else picture.convert(MODES[color]))
    return values[..., None] if values.ndim == 2 else values


def _family(mode: str) -> str:
    """A mode without how its bytes are ordered."""
    return mode.partition(";")[0]


def _heads(paths: Sequence[Path], root: Path) -> list[tuple[tuple[int, int], str]]:
    """Sizes and modes of all files.

    Raises:
        DataError: Some have none. What cannot be decoded is then named with them.
    """
    heads, broken = _on_all(_head, paths)
    if broken:
        others = [path for path in paths if path not in broken]
        broken |= _on_all(lambda path: _decoded(path, "rgb"), others)[1]
    _refuse(broken, paths, root)
    return heads


def _on_all(do: Any, paths: Sequence[Path]) -> tuple[list[Any], dict[Path, str]]:
    """What a function gives for each file, and why it fails at those where it does."""
    broken: dict[Path, str] = {}

    def attempt(path: Path) -> Any:
        try:
            return do(path)
        except Exception as error:  # noqa: BLE001 (a broken file raises what it pleases)
            broken[path] = first_line(error)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(attempt, paths)), broken


def _refuse(broken: Mapping[Path, str], paths: Sequence[Path], root: Path) -> None:
    if broken:
        names = sorted(broken, key=lambda path: path.relative_to(root).as_posix())
        shown = [repr(path.relative_to(root).as_posix()) for path in names[:FIRST_FEW]]
        rest = ", …" if len(names) > FIRST_FEW else ""
        raise DataError(
            f"{len(broken)} of the {len(paths)} pictures in {root.name!r} cannot be read: "
            f"{', '.join(shown)}{rest} ({broken[names[0]]}); expected pictures alone; save them "
            f"again, or take them out of the folder"
        )


def _said(
    pixels: Array, sizes: Counter[tuple[int, int]], size: tuple[int, int], where: str
) -> list[str]:
    count, height, width, channels = pixels.shape
    form = "bytes" if pixels.dtype == np.uint8 else "float32"
    said = (
        f"{count:,} pictures of {height} × {width} × {channels} were decoded once into {where}: "
        f"{pixels.nbytes / 1e6:,.3g} MB of {form}, 0 to 255."
    )
    others = [one for one in sizes if one != size]
    if not others:
        return [said]
    low, high = (" × ".join(map(str, end(others))) for end in (min, max))
    found = low if len(others) == 1 else f"{len(others)} sizes, from {low} to {high},"
    return [
        said,
        f"{sum(sizes[one] for one in others):,} of them were resized from {found} to {height} × "  # noqa: ISC004
        f"{width} (bilinear, shape not kept); --image-size HEIGHTxWIDTH decides otherwise.",
    ]
