"""Tables that hold nothing to learn, or that are no tables."""

import gzip

import pandas as pd

from tests.corpus.case import Case, Content, directory

ROWS = "".join(f"{i / 3:.3f},{i % 7},{i % 2}\n" for i in range(40))
GOOD = "a,b,y\n" + ROWS


def table(name: str, content: Content, says: str, options: str = "--target-column y") -> Case:
    command = f"study --model churn --data t.csv {options} --epochs 1 --out out"
    return Case(name, command, says, {"t.csv": content})


CASES = [
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
