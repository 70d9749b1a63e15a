"""The flow is one-way: which module may import which, as a table."""

import ast
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import normwise

ROOT = Path(normwise.__file__).parent

# Every module may import these parts, and the standard library.
COMMON = {"errors", "domain", "files"}

# Part: the parts and the packages it may import, wherever the import stands.
# From DESIGN.md; `keras` and `jax` in few places, and nothing upwards.
TABLE = {
    "errors": (set(), set()),
    "domain": (set(), set()),
    "files": (set(), {"platformdirs"}),
    "backend": (set(), set()),  # looks at Keras without importing it
    "data": ({"backend"}, {"PIL", "keras", "numpy", "pandas", "pyarrow", "sklearn"}),  # Keras downloads
    "spec": (set(), {"pydantic", "pydantic_core", "tomli_w"}),
    "analysis": (set(), {"numpy", "scipy"}),
    "keras_private": (set(), {"keras"}),  # the only file that touches what Keras does not promise
    "layers": ({"keras_private"}, {"numpy", "keras", "jax"}),
    "studies": ({"data"}, {"keras", "numpy"}),
    "models": (
        {"data", "keras_private", "layers", "report", "spec", "studies"},
        {"h5py", "jax", "keras", "numpy", "onnxruntime"},
    ),
    "probes": ({"data", "keras_private", "layers", "models"}, {"jax", "keras", "numpy"}),
    "engine": (
        {"backend", "data", "keras_private", "layers", "models", "probes"},
        {"numpy", "keras", "jax", "psutil"},
    ),
    "execution": ({"data", "engine", "models", "spec"}, {"jax", "keras", "numpy", "ray", "safetensors"}),
    "diagnose": ({"data", "keras_private", "models", "probes", "report"}, {"numpy", "keras", "jax"}),
    "checks": ({"data", "diagnose", "keras_private", "models", "report"}, {"jax", "keras", "numpy", "rich"}),
    "report": ({"analysis"}, {"altair", "jinja2", "numpy", "rich", "vl_convert"}),
    "runs": ({"data"}, {"mlflow", "numpy", "pandas", "tensorboard"}),
    "study": (
        {"analysis", "backend", "data", "engine", "execution", "models", "report", "runs", "spec",
         "studies"},
        {"IPython", "numpy", "pandas", "pyarrow", "pydantic", "keras", "jax"},
    ),
    "lesson": (
        {"analysis", "data", "engine", "execution", "models", "probes", "report", "study"},
        {"jax", "jinja2", "numpy"},
    ),
    "commands": (
        {"backend", "checks", "data", "diagnose", "lesson", "models", "report", "runs", "spec",
         "studies", "study"},
        {"numpy", "pydantic", "rich", "typer"},
    ),
    "__main__": ({"commands"}, set()),
    "__init__": ({"analysis", "backend", "checks", "diagnose", "layers", "models", "study"}, set()),
}  # fmt: skip

FILES = sorted(ROOT.rglob("*.py"))


def module_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def part_of(module):
    return module.split(".")[1] if "." in module else "__init__"


def imports(path):
    """The full names a file imports, each with whether it is for type checkers only."""
    tree = ast.parse(path.read_text("utf-8"))
    typed = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in typed) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = (ROOT.parent / whole.replace(".", "/")).with_suffix(".py").is_file()
                package = (ROOT.parent / whole.replace(".", "/")).is_dir()
                yield (whole if is_module or package else node.module), node in typed


def in_file(path):
    return path.relative_to(ROOT).as_posix()


def test_the_table_names_every_part():
    assert {part_of(module_of(path)) for path in FILES} == set(TABLE)


@pytest.mark.parametrize("path", FILES, ids=in_file)
def test_a_file_imports_no_more_than_the_table_allows(path):
    part = part_of(module_of(path))
    parts, packages = TABLE[part]
    for name, typed in imports(path):
        top = name.split(".")[0]
        if top == "normwise":
            # The direction holds for types, too: what a module talks about lies below it.
            assert part_of(name) in COMMON | parts | {part}, f"{in_file(path)} imports {name}"
        elif not typed:
            allowed = top in sys.stdlib_module_names or top in packages
            assert allowed, f"{in_file(path)} imports {name}"


def test_the_common_parts_stand_alone():
    assert all(not TABLE[part][0] for part in COMMON)


def test_parts_do_not_import_one_another_in_circles():
    TopologicalSorter({part: parts for part, (parts, _) in TABLE.items()}).prepare()


def test_modules_do_not_import_one_another_in_circles():
    modules = {module_of(path) for path in FILES}
    graph = {
        module_of(path): {name for name, typed in imports(path) if name in modules and not typed}
        for path in FILES
    }
    TopologicalSorter(graph).prepare()


def test_the_check_sees_imports_in_functions_and_for_types(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import pandas\n"
        "def f():\n    from jax import numpy\n"
    )
    assert set(imports(path)) == {("typing", False), ("pandas", True), ("jax", False)}


DOCS = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text("utf-8")
RECIPES = re.findall(
    r"^\| (an? [^|]+?) \| ([^|]+) \| `([^`]+)` \|$",
    DOCS,
    re.MULTILINE,
)


def test_what_is_added_often_has_a_recipe():
    added = {thing for thing, *_ in RECIPES}
    assert added >= {
        "an option of a study",
        "an option of a variant",
        "a field of a summary",
        "a format of data",
        "a section of a report",
    }


@pytest.mark.parametrize(
    ("edits", "test"), [parts for _, *parts in RECIPES], ids=[one for one, *_ in RECIPES]
)
def test_a_recipe_is_one_or_two_edits_of_files_that_there_are(edits, test):
    files = re.findall(r"`([a-z_/]+\.py)`", edits)
    assert 1 <= len([*files, *re.findall(r"`[a-z_/]+NAME\.py`", edits)]) <= 2
    assert all((ROOT / file).is_file() for file in files)
    assert (Path(__file__).parent / test).is_file()


CHANGES = dict(
    re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", DOCS.partition("## Where it is")[2], re.MULTILINE)[1:]
)


def test_twenty_changes_have_an_answer():
    assert len(CHANGES) >= 20


@pytest.mark.parametrize("change", CHANGES)
def test_the_file_to_open_for_a_change_is_there(change):
    files = re.findall(r"`([a-z_/]+\.py)`", CHANGES[change])
    missing = [file for file in files if not (ROOT / file).is_file()]
    assert files
    # What will be written is announced until it is there.
    assert missing == (files[:1] if CHANGES[change].startswith("not yet") else [])


def test_the_confidence_level_is_one_constant():
    """Everything else takes it from there, or as an argument."""
    holding = {
        in_file(path)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and (node.value == 0.95 or (isinstance(node.value, str) and is_said(node.value)))
    }
    assert holding == {"domain/confidence.py"}


def is_said(text):
    """Whether a text names the level where readers of a report see it, outside of docstrings."""
    return "95%" in text and "\n" not in text


EXPORTED = ["Finding", "Gap", "Leakage", "Monitor", "Progress", "Recalibration", "Result", "Study", "Summary",
            "Target", "Variant", "analysis", "check", "errors", "fix", "fold", "freeze", "gap", "judge", "layers", "leakage",
            "place", "recalibrate", "strip"]  # fmt: skip


def test_what_is_exported_is_what_is_documented():
    assert normwise.__all__ == EXPORTED == dir(normwise)


@pytest.mark.parametrize("name", EXPORTED)
def test_every_exported_name_resolves(name):
    value = getattr(normwise, name)
    assert value is getattr(normwise, name)
    assert getattr(value, "__doc__", None)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'normwise' has no attribute 'Studi'"):
        _ = normwise.Studi


@pytest.mark.parametrize(
    "module",
    [
        "normwise",
        "normwise.analysis",
        "normwise.commands",
        "normwise.data",
        "normwise.lesson",
        "normwise.report",
        "normwise.runs",
        "normwise.study",
        "normwise.study.judging",
        "normwise.studies",
    ],
)
def test_importing_loads_neither_jax_nor_keras(module):
    code = f"import sys, {module}; print(sorted({{'jax', 'keras'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_lazy_names_need_no_import_of_their_own():
    code = "import normwise as nw; print(nw.Variant('x' and ()).name, nw.analysis.compare.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none compare"


@pytest.mark.parametrize(
    "package", sorted({part for part in TABLE if (ROOT / part).is_dir()}), ids=str
)
def test_a_package_exports_what_it_has(package):
    module = importlib.import_module(f"normwise.{package}")
    assert all(hasattr(module, name) for name in module.__all__)


def test_no_result_depends_on_the_time_of_day():
    """A clock that is set back or forward disturbs nothing: only who holds a folder is dated."""
    asking = re.compile(r"\btime\.time\(|\bdatetime\.now|\bdate\.today|st_[mac]time|getmtime")
    assert {in_file(path) for path in FILES if asking.search(path.read_text("utf-8"))} == {
        "study/lock.py"
    }
