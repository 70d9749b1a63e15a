"""What can be read in one sitting: how long a function, how large a class, how long a file may be."""

import ast
from pathlib import Path

import pytest

import normwise

ROOT = Path(normwise.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# Lines of a function, its docstring included; methods of a class; its attributes; lines of a file.
LINES, METHODS, ATTRIBUTES, FILE = 60, 12, 10, 400

# Records whose fields are promised to users, and stand nowhere else: each is one table.
RECORDS = {
    ("spec/spec.py", "Spec"): "a field is an option of a study, on the command line and in TOML",
    (
        "data/dataset.py",
        "Dataset",
    ): "a field is a part of what is trained on, or what is known of it",
    ("study/judging.py", "JudgeOptions"): "a field is an option of judge, as on the command line",
    ("domain/variant.py", "Variant"): "a field is an option of a variant, as in before:momentum=0",
    ("domain/summary.py", "Summary"): "a field is a key of summary.json",
    ("domain/summary.py", "VariantSummary"): "a field is a key of variants in summary.json",
    ("domain/comparison.py", "Comparison"): "a field is a key of comparisons in summary.json",
}


def methods(kind):
    """The methods of a class, properties among them."""
    return [node for node in kind.body if is_function(node)]


def attributes(kind):
    """The names of a class' fields, and of what its methods store in ``self``."""
    fields = {node.target.id for node in kind.body if isinstance(node, ast.AnnAssign)}
    stored = {
        node.attr
        for node in ast.walk(kind)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    return fields | stored


def is_function(node):
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def too_large(text):
    """What is over a limit in a file: what it is, its name, and how many of what it has."""
    if len(text.splitlines()) > FILE:
        yield "file", "", len(text.splitlines())
    for node in ast.walk(ast.parse(text)):
        if is_function(node) and node.end_lineno - node.lineno + 1 > LINES:
            yield "lines", node.name, node.end_lineno - node.lineno + 1
        if isinstance(node, ast.ClassDef) and len(methods(node)) > METHODS:
            yield "methods", node.name, len(methods(node))
        if isinstance(node, ast.ClassDef) and len(attributes(node)) > ATTRIBUTES:
            yield "attributes", node.name, len(attributes(node))


def in_file(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=in_file)
def test_nothing_is_too_large_to_be_read_at_once(path):
    found = list(too_large(path.read_text("utf-8")))
    records = {name for file, name in RECORDS if file == in_file(path)}
    assert [one for one in found if one[0] != "attributes" or one[1] not in records] == []
    # A record that has become small needs no exception any more.
    assert {name for what, name, _ in found if what == "attributes"} >= records


def class_of(line, times):
    return "class Planted:\n" + "".join(f"    {line.format(n)}\n" for n in range(times))


def function_of(lines):
    return 'def planted():\n    """Docs."""\n' + "    pass\n" * (lines - 2)


def constructor_of(times):
    stored = "".join(f"        self.a{n}, self.b{n} = 0, 1\n" for n in range(times))
    return f"class Planted:\n    def __init__(self):\n{stored}"


@pytest.mark.parametrize(
    ("text", "over"),
    [
        (function_of(LINES), []),
        (function_of(LINES + 1), [("lines", "planted", 61)]),
        (f"async {function_of(LINES + 1)}", [("lines", "planted", 61)]),
        (class_of("def method{}(self): pass", METHODS), []),
        (class_of("def method{}(self): pass", METHODS + 1), [("methods", "Planted", 13)]),
        (class_of("field{}: int", ATTRIBUTES), []),
        (class_of("field{}: int = 0", ATTRIBUTES + 1), [("attributes", "Planted", 11)]),
        (constructor_of(ATTRIBUTES // 2), []),
        (constructor_of(ATTRIBUTES // 2 + 1), [("attributes", "Planted", 12)]),
        ("pass\n" * FILE, []),
        ("pass\n" * (FILE + 1), [("file", "", 401)]),
    ],
)
def test_the_check_sees_what_is_planted(text, over):
    assert list(too_large(text)) == over
