"""The bytes of a file, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from normwise.errors import DataError, first_line, listed

__all__ = ["Source", "source_of"]

# Opens the same bytes again each time.
Source = Callable[[], BinaryIO]


def source_of(path: Path) -> Source:
    """What opens a file's content; a compressed file is read into memory, once.

    Raises:
        DataError: There is no such file, or its bytes are not compressed as its name says.

    >>> with source_of(Path(__file__))() as file:
    ...     file.readline()[3:12]
    b'The bytes'
    """
    unpack = _UNPACKERS.get(path.suffix.lower())
    try:
        if unpack is None:
            path.open("rb").close()
            return lambda: path.open("rb")
        return partial(io.BytesIO, unpack(path))
    except DataError:
        raise
    except OSError as error:
        if error.strerror is None:  # gzip's and bz2's own
            raise _torn(path, error) from None
        raise DataError(
            f"cannot read {str(path)!r} ({error.strerror}); expected a file with a table; check "
            f"the path and who may read it"
        ) from None
    except Exception as error:  # noqa: BLE001 (each way to unpack has errors of its own)
        raise _torn(path, error) from None


def _torn(path: Path, error: Exception) -> DataError:
    return DataError(
        f"cannot read {str(path)!r} ({first_line(error)}); expected a file that is compressed as "
        f"its name says; check that it came whole, or unpack it and name what was in it"
    )


def _unzipped(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = [
            member.filename
            for member in archive.infolist()
            if not member.is_dir() and not member.filename.startswith("__MACOSX/")
        ]
        if len(names) != 1:
            raise DataError(
                f"{str(path)!r} holds {len(names)} files ({listed(names) or 'none'}); expected one "
                f"table; unpack it and name one of them"
            )
        return archive.read(names[0])


def _zstandard(path: Path) -> bytes:
    import pyarrow as pa

    with path.open("rb") as file, pa.CompressedInputStream(file, "zstd") as unpacked:
        content: bytes = unpacked.read()
    return content


def _packed_by(opener: Callable[[Path], BinaryIO]) -> Callable[[Path], bytes]:
    def unpack(path: Path) -> bytes:
        with opener(path) as file:
            return file.read()

    return unpack


_UNPACKERS: dict[str, Callable[[Path], bytes]] = {
    ".gz": _packed_by(gzip.open),  # type: ignore[arg-type]
    ".bz2": _packed_by(bz2.open),  # type: ignore[arg-type]
    ".xz": _packed_by(lzma.open),  # type: ignore[arg-type]
    ".zip": _unzipped,
    ".zst": _zstandard,
}
