"""Folders that hold no pictures of two classes, or pictures that do not read."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from tests.corpus.case import Case, Content, directory
from tests.corpus.models import GOOD

STUDY = "study --data pics --epochs 1 --out out"


def picture(size: tuple[int, int] = (4, 4), value: int = 100) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full(size, value, "uint8")).save(file, "png")
    return file.getvalue()


def pictures(*paths: str, **others: Content) -> dict[str, Content]:
    files: dict[str, Content] = {f"pics/{path}": picture() for path in paths}
    return files | {f"pics/{path}": content for path, content in others.items()}


def study(name: str, says: str, files: dict[str, Content], options: str = "") -> Case:
    return Case(name, f"{STUDY} {options}", says, files)


TWO = pictures(*(f"{kind}/{number}.png" for kind in "ab" for number in range(5)))
TORN = {"pics/a/torn.png": picture()[:40], "pics/b/none.jpg": b"no picture"}


def empty(path: Path) -> None:
    directory(path)


CASES = [
    study("an empty folder", "folder 'pics' holds no picture; expected", {"pics": empty}),
    study("empty classes", "folder 'pics' holds no picture", {"pics/a": empty, "pics/b": empty}),
    study("one class", "has pictures in one sub-folder alone, 'a'; expected", pictures("a/1.png", "a/2.png")),
    study("a folder around it", "try --data pics/a", pictures("a/x/1.png", "a/y/2.png")),
    study("pictures of no class", "holds 2 pictures and no sub-folders, so nothing says", pictures("1.png", "2.PNG")),
    study("broken pictures", "2 of the 12 pictures in 'pics' cannot be read: 'a/torn.png', 'b/none.jpg'", TWO | TORN),
    study("hidden pictures", "holds no picture", pictures(".a/1.png", ".b/1.png", "c/.1.png")),
    study("sound", "holds files of sound (.wav), which", {"pics/a/1.wav": b"", "pics/b/1.wav": b""}),
    study("text", "holds files of text (.txt), which", {"pics/a/1.txt": b"", "pics/b/1.txt": b""}),
    study("other files", "holds no picture but files such as *.webp", {"pics/a/1.webp": b""}),
    study("a validation part of other classes", "validates classes that do not train: 'c'",
          pictures("train/a/1.png", "train/b/1.png", "val/a/1.png", "val/c/1.png")),
    study("a validation part without pictures", "folder 'val' holds no picture",
          pictures("train/a/1.png", "train/b/1.png") | {"pics/val": empty}),
    Case("pictures for a study", "study pics", "'pics' is no study; expected a built-in study or a SPEC.toml; try --data pics", TWO),
    study("a size of words", "image size 'small' does not parse; expected HEIGHTxWIDTH", TWO, "--image-size small"),
    study("a size of nothing", "image size '0x8' does not parse", TWO, "--image-size 0x8"),
    study("pictures beyond memory", "too large for memory cannot be written to", TWO, "--image-size 99999"),
    study("a mode of no one", "color_mode' is 'hsv'; expected", TWO, "--color-mode hsv"),
    study("numbers of classes", "and the task regression was asked for", TWO, "--task regression"),
    study("a column of pictures", "has no column 'y' to choose", TWO, "--target-column y"),
    Case("a size for a check", "check m.keras --data circles --image-size 8", "is no folder of pictures", {"m.keras": GOOD}),
    Case("a size of a table", "study --data circles --image-size 8 --out out", "is no folder of pictures"),
]  # fmt: skip
