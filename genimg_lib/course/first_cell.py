"""The first code cell of every notebook: it installs the course where it cannot be imported."""

import re
import tomllib

from genimg_lib import files
from genimg_lib.course import chapters
from genimg_lib.course.runner import digest

MARK = "# Makes this notebook run anywhere"
HEAD = '# %% tags=["hide-cell"]'
CELL = """{mark}: where the course is missing (Colab, Kaggle), it is
# installed: from GENIMG_SOURCE, from the course's address, or from a wheel beside you.
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("genimg_lib") is None:
    wheels = sorted(map(str, Path.cwd().glob("genimg-*.whl")))
    address = "{address}"
    source = os.environ.get("GENIMG_SOURCE") or address or "".join(wheels[-1:])
    if not source:
        raise RuntimeError(
            f"genimg is not installed, and {{Path.cwd()}} holds no wheel genimg-*.whl; "
            "put one there, or name one in GENIMG_SOURCE"
        )
    print(f"installing genimg from {{source}} ...")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", source], check=True)
    importlib.invalidate_caches()"""


def repository():
    """The course's address, [tool.genimg] in pyproject.toml; empty until it is set."""
    text = (chapters.checkout() / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text).get("tool", {}).get("genimg", {}).get("repository", "")


def address():
    """What pip installs the course from: its repository; empty until it is set."""
    return f"git+{repository()}" if repository() else ""


def source(where=None):
    """The cell's code. where: an address, the project's if none is given."""
    return CELL.format(mark=MARK, address=address() if where is None else where)


def write(where=None, folder=None):
    """Put the cell before the first code cell of every notebook, or renew it there.

    where: the address, the project's if none is given.
    folder: of the notebooks.
    Returns the names of the notebooks that this changed. Both files of a pair are written; outputs
    stay with their cells.
    """
    import nbformat

    changed = []
    folder = folder or chapters.notebooks_folder()
    for path in sorted(folder.glob("[0-9][0-9]_*.py")):
        text = path.read_text(encoding="utf-8")
        again = _renewed(text, source(where))
        if again != text:
            changed.append(path.stem)
            files.write_atomically(path, again.encode())
            stored = path.with_suffix(".ipynb")
            if stored.is_file():
                notebook = nbformat.read(stored, as_version=4)
                _renew(notebook, source(where))
                files.write_atomically(stored, (nbformat.writes(notebook) + "\n").encode())
    return changed


def _renewed(text, code):
    """A notebook's program with the cell; all other lines stay as they are."""
    cell = f"{HEAD}\n{code}\n\n"
    first = re.search(r"^# %%(?! \[markdown\]).*\n", text, flags=re.MULTILINE)
    if first is None:
        return text.rstrip("\n") + "\n\n" + cell.rstrip("\n") + "\n"
    start = end = first.start()
    if text.startswith(MARK, first.end()):
        end = first.end() + text[first.end() :].index("\n# %%") + 1
    return text[:start] + cell + text[end:]


def _renew(notebook, code):
    """Put the cell into a stored notebook; the other cells keep their outputs."""
    import nbformat

    cells = notebook.cells
    first = next((k for k, c in enumerate(cells) if c.cell_type == "code"), len(cells))
    digests = notebook.metadata.get("genimg", {}).get("digests", [])
    if first < len(cells) and cells[first].source.startswith(MARK):
        cells[first].source = code
        digests[:1] = [digest(code)]
    else:
        metadata = {"tags": ["hide-cell"]}
        cells.insert(first, nbformat.v4.new_code_cell(code, metadata=metadata))
        digests.insert(0, digest(code))
