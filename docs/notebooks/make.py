"""The notebooks of this folder, executed: what their cells show is stored in them.

    make notebooks                                   # all of them: minutes on two cores
    python docs/notebooks/make.py churn              # one

Each says in its metadata of which code its outputs are; a test holds that, and executes it again.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in HERE.glob("*.ipynb")))
SECONDS = 600  # for one cell


def read(name: str) -> Any:
    """A notebook as it is stored."""
    return nbformat.read(HERE / f"{name}.ipynb", as_version=4)


def executed(notebook: Any, folder: str | Path) -> Any:
    """The notebook with what its cells show, executed in a folder, from its first cell to its last.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell raised.
    """
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3")
    client.execute(cwd=str(folder))
    return without_passing(notebook)


def without_passing(notebook: Any) -> Any:
    """The notebook without what is of one execution alone: times, and the kernel that was asked."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            # What a library says on the way is of the machine; errors have raised.
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "normwise": {"code": code_of(notebook)},
    }
    return notebook


def code_of(notebook: Any) -> str:
    """A number that tells whether the code of any cell has changed."""
    code = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def main(names: Iterable[str]) -> None:
    """Execute notebooks and store what they show."""
    for name in names:
        print(name, flush=True)
        nbformat.write(executed(read(name), HERE), HERE / f"{name}.ipynb")


if __name__ == "__main__":
    main(sys.argv[1:] or NAMES)
