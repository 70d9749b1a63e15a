"""Tables that hold nothing to learn, or that are no tables."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.corpus.case import Case, Content, directory

ROWS = "".join(f"{i / 3:.3f},{i % 7},{i % 2}\n" for i in range(40))
GOOD = "a,b,y\n" + ROWS


def table(name: str, content: Content, says: str, options: str = "--target-column y") -> Case:
    command = f"study --model churn --data t.csv {options} --epochs 1 --out out"
    return Case(name, command, says, {"t.csv": content})


def file(name: str, path: str, content: Content, says: str, options: str = "") -> Case:
    command = f"study --model churn --data {path} --target-column y {options} --epochs 1 --out out"
    return Case(name, command, says, {path: content})


FRAME = pd.DataFrame({"a": [i / 3 for i in range(40)], "y": [i % 2 for i in range(40)]})
RECORDS = FRAME.to_dict("records")


def written(how: str) -> bytes:
    """A frame as the file that ``to_NAME`` makes of it."""
    content = io.BytesIO()
    getattr(FRAME, f"to_{how}")(content)
    return content.getvalue()


def lists(path: Path) -> None:
    FRAME.assign(tags=[[1, 2]] * 40).to_parquet(path)


def of_sheets(**sheets: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    with pd.ExcelWriter(content) as book:
        for name, frame in sheets.items():
            frame.to_excel(book, sheet_name=name, index=False)
    return content.getvalue()


def without_sheets(path: Path) -> None:
    """A workbook as openpyxl cannot write one."""
    with (
        zipfile.ZipFile(io.BytesIO(of_sheets(a=FRAME))) as whole,
        zipfile.ZipFile(path, "w") as file,
    ):
        for member in whole.namelist():
            if "sheet" not in member:
                file.writestr(member, whole.read(member))


def zipped(**members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def arrays(x: object, y: object, **files: bytes) -> dict[str, Content]:
    def save(array: object) -> bytes:
        content = io.BytesIO()
        np.save(content, np.asarray(array))
        return content.getvalue()

    return {"x.npy": save(x), "y.npy": save(y), **files}


def pair(name: str, x: object, y: object, says: str, options: str = "--labels y.npy") -> Case:
    command = f"study --model circles --data x.npy {options} --epochs 1 --out out"
    return Case(name, command, says, arrays(x, y))


X, Y = np.ones((40, 2)) * np.arange(40)[:, None], np.arange(40) % 2
OBJECTS = np.array([{}, None] * 20, object)

PACKED = [
    file("gzip of noise", "t.csv.gz", bytes(range(256)), "compressed as its name says"),
    file("gzip of text", "t.csv.gz", GOOD, "compressed as its name says"),
    file(
        "torn gzip", "t.csv.gz", gzip.compress(GOOD.encode())[:-20], "compressed as its name says"
    ),
    file("gzip of noise inside", "t.csv.gz", gzip.compress(b"\0" * 90), "bytes that are no text"),
    file("bzip of noise", "t.csv.bz2", b"BZh9" + bytes(90), "compressed as its name says"),
    file("xz of noise", "t.tsv.xz", b"noise" * 9, "compressed as its name says"),
    file("zip of noise", "t.csv.zip", bytes(90), "compressed as its name says"),
    file("zip of two", "t.csv.zip", zipped(a=GOOD, b=GOOD), "holds 2 files (a, b)"),
    file("zip of none", "t.csv.zip", zipped(), "holds 0 files (none)"),
    file("zstandard of noise", "t.csv.zst", bytes(90), "compressed as its name says"),
    file(
        "torn zstandard",
        "t.csv.zst",
        pa.compress(GOOD.encode(), "zstd", asbytes=True)[:-9],
        "compressed as its name says",
    ),
    file("a packed folder", "t.csv.gz", directory, "there is no file"),
    file("packed Parquet", "t.parquet.gz", gzip.compress(written("parquet")), "unknown data"),
]
TYPED = [
    file("torn Parquet", "t.parquet", written("parquet")[:-30], "expected a Parquet file"),
    file(
        "Parquet without its middle",
        "t.parquet",
        b"PAR1" + bytes(400) + written("parquet")[500:],
        "expected a Parquet file",
    ),
    file("empty Parquet", "t.parquet", b"", "expected a Parquet file"),
    file("Parquet of text", "t.parquet", GOOD, "expected a Parquet file"),
    file("Parquet of lists", "t.parquet", lists, "lists or records in their fields: tags"),
    file("Parquet without rows", "t.parquet", FRAME[:0].to_parquet, "no rows"),
    file("Parquet without that column", "t.parquet", FRAME.drop(columns="y").to_parquet, "'y'"),
    file("a folder of Parquet", "t.parquet", directory, "there is no file"),
    file("torn Feather", "t.feather", written("feather")[:-30], "expected a Feather or Arrow file"),
    file("Feather of text", "t.feather", GOOD, "expected a Feather or Arrow file"),
    file(
        "torn stream", "t.arrow", b"\xff\xff\xff\xff" + bytes(3), "expected a Feather or Arrow file"
    ),
    file("Excel of text", "t.xlsx", GOOD, "expected an Excel workbook"),
    file("torn Excel", "t.xlsx", of_sheets(a=FRAME)[:-30], "expected an Excel workbook"),
    file("Excel without a sheet", "t.xlsx", without_sheets, "expected an Excel workbook"),
    file(
        "an empty sheet in front",
        "t.xlsx",
        of_sheets(a=pd.DataFrame(), b=FRAME),
        "sheet 'a' of 't.xlsx' is empty",
    ),
    file("a sheet of names", "t.xlsx", of_sheets(a=FRAME[:0]), "no rows"),
    file("Excel of a zip", "t.xlsx", zipped(a=GOOD), "expected an Excel workbook"),
    file("old Excel", "t.xls", b"\xd0\xcf\x11\xe0", "unknown data 't.xls'"),
    file("JSON of a number", "t.json", "3", "it holds no records"),
    file("JSON of lists", "t.json", "[[1, 2], [3, 4]]", "it holds no records"),
    file("torn JSON", "t.json", json.dumps(RECORDS)[:-9], "expected JSON"),
    file("empty JSON", "t.json", "", "expected JSON"),
    file("JSON of nothing", "t.json", "[]", "no rows"),
    file("JSON without end", "t.json", "[" * 100_000, "expected JSON"),
    file(
        "nested JSON",
        "t.json",
        json.dumps([{**row, "b": {"c": 1}} for row in RECORDS]),
        "lists or records in their fields: b",
    ),
    file(
        "a record of tables",
        "t.json",
        json.dumps({"train": RECORDS, "test": RECORDS[:5]}),
        "expected JSON",
    ),
    file("columns of several lengths", "t.json", '{"a": [1, 2], "y": [0]}', "expected JSON"),
    file("JSON of other text", "t.json", "[{}]".encode("utf-16"), "expected JSON"),
    file("a torn line", "t.jsonl", '{"a": 1, "y": 0}\n{"a": 1', "line 2"),
    file("a line of a list", "t.jsonl", '{"a": 1, "y": 0}\n[1, 0]\n', "it holds no records"),
    file("no line", "t.jsonl", "\n\n", "no rows"),
]
ARRAYS = [
    pair("labels not named", X, Y, "try --labels LABELS.npy", ""),
    pair("labels that are not there", X, Y, "there is no file 'z.npy'", "--labels z.npy"),
    pair("labels of another length", X, Y[:-1], "39 labels"),
    pair("labels of objects", X, OBJECTS, "cannot read 'y.npy'"),
    pair("inputs of objects", OBJECTS, Y, "cannot read 'x.npy'"),
    pair("a number for labels", X, 3, "a single number"),
    pair("inputs of words", np.full((40, 2), "a"), Y, "x has type"),
    pair("a column of an array", X, Y, "no column 'y'", "--labels y.npy --target-column y"),
    Case(
        "labels as an archive",
        "study --model circles --data x.npy --labels y.npz --out out",
        "an archive of several arrays",
        {**arrays(X, Y), "y.npz": lambda path: np.savez(path, y=Y)},
    ),
    Case(
        "torn labels",
        "study --model circles --data x.npy --labels z.npy --out out",
        "cannot read 'z.npy'",
        {**arrays(X, Y), "z.npy": b"\x93NUMPY\x01"},
    ),
    Case(
        "labels of built-in data",
        "study circles --labels y.npy --out out",
        "leave --labels out",
        arrays(X, Y),
    ),
    Case(
        "labels beside a table",
        "study --model churn --data t.csv --target-column y --labels y.npy --out out",
        "leave --labels out",
        {"t.csv": GOOD},
    ),
]
CASES = [
    *PACKED,
    *TYPED,
    *ARRAYS,
    table("empty", b"", "t.csv"),
    table("blank lines", b"\n\n  \n\n", "t.csv"),
    table("a head alone", "a,b,y\n", "t.csv"),
    table("one row", "a,b,y\n1,2,0\n", "is 0 in every row"),
    table("two rows", "a,b,y\n1,2,0\n2,1,1\n", "2 rows cannot be split"),
    table("of nul", b"\0" * 1000, "t.csv"),
    table("of noise", bytes(range(256)) * 20, "t.csv"),
    table("a folder", directory, "there is no file 't.csv'"),
    table("an archive", gzip.compress(GOOD.encode()), "t.csv"),
    table("a workbook", b"PK\x03\x04" + bytes(200), "t.csv"),
    table("Parquet", lambda path: pd.DataFrame({"y": [0, 1]}).to_parquet(path), "t.csv"),
    table("a page", "<!doctype html>\n<html><body>\n<p>Not found</p></body></html>\n", "unknown target column"),
    table("JSON", '{"a": [1, 2], "y": [0, 1]}\n', "t.csv"),
    table("no column chosen", GOOD, "--target-column", ""),
    table("no such column", GOOD, "'z'", "--target-column z"),
    table("a column of a nul", GOOD, "a", "--target-column 'a\0'"),
    table("a column in capitals", GOOD, "'y'", "--target-column Y"),
    table("two columns of a name", "y,a,y\n" + ROWS, "y"),
    table("the target alone", "y\n" + "0\n1\n" * 30, "t.csv"),
    table("a target of one value", "a,b,y\n" + "".join(f"{i},{i % 3},1\n" for i in range(40)), "y"),
    table("a target of nothing", "a,b,y\n" + "".join(f"{i},{i % 3},\n" for i in range(40)), "y"),
    table("a target all different", "a,b,y\n" + "".join(f"{i},{i % 3},n{i}\n" for i in range(40)),
          "y"),
    table("columns that say nothing", "a,b,y\n" + "".join(f"1,1,{i % 2}\n" for i in range(40)), "t.csv"),
    table("regression of words", "a,b,y\n" + "".join(f"{i},1,{'no' if i % 2 else 'yes'}\n"
                                                     for i in range(40)),
          "regression", "--target-column y --task regression"),
    table("classes for two", "a,b,y\n" + "".join(f"{i},{i % 5},{i % 4}\n" for i in range(40)),
          "binary", "--target-column y --task binary"),
    table("groups of no column", GOOD, "'z'", "--target-column y --group-column z"),
    table("groups of the target", GOOD, "y", "--target-column y --group-column y"),
    table("one group", "a,b,y\n" + "".join(f"{i / 3},1,{i % 2}\n" for i in range(40)), "group",
          "--target-column y --group-column b"),
    Case("groups of no table", "study circles --group-column a --out out", "group", {}),
    Case("a table of another name", "study --model churn --data t.txt --out out", "unknown data 't.txt'",
         {"t.txt": GOOD}),
    Case("a link to nowhere", "study --model churn --data t.csv --target-column y --out out",
         "there is no file 't.csv'", {"t.csv": lambda path: path.symlink_to("nowhere.csv")}),
    Case("a link to itself", "study --model churn --data t.csv --target-column y --out out",
         "there is no file 't.csv'", {"t.csv": lambda path: path.symlink_to("t.csv")}),
]  # fmt: skip
