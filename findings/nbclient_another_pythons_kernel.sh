#!/usr/bin/env bash
# nbclient 0.11.0 with jupyter_client 8.10.0 and ipykernel 7.4.0: a notebook that is executed with
# kernel_name="python3" does not run in the interpreter that executes it where any folder of
# Jupyter's has a kernel of that name, an old environment's in a home folder for one.
#
# Expected from memory: that "python3" means the Python that calls nbclient, since ipykernel is
# installed beside it and jupyter_client makes up a native kernel of that name.
# Seen: the native kernel is made up only where no kernel.json of the name is found; one below
# JUPYTER_PATH (as one in ~/.local) goes before it, and before the one that ipykernel has installed
# into the environment itself. The notebook runs in the other program, without a word. A
# KernelSpecManager without folders (kernel_dirs=[]) gives the interpreter's own.
#
# A test run of notebooks then passes or fails by packages that were never installed for it.
# What to do: name the interpreter in the notebook's first cell and compare, or hand nbclient a
# kernel_manager_class whose kernel_spec_manager has no folders.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet nbclient==0.11.0 jupyter_client==8.10.0 \
    ipykernel==7.4.0 nbformat==5.11.1
cat > "$folder/look.py" <<'PYTHON'
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

place = Path(sys.argv[1])
# "another Python": the same program, started by a script that leaves a mark
other = place / "other_python"
other.write_text(f'#!/bin/sh\nOTHER=yes exec "{sys.executable}" "$@"\n')
other.chmod(0o755)
spec = place / "jupyter" / "kernels" / "python3"
spec.mkdir(parents=True)
start = [str(other), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
about = {"argv": start, "display_name": "Python 3", "language": "python"}
(spec / "kernel.json").write_text(json.dumps(about))


class OwnKernel(AsyncKernelManager):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.kernel_spec_manager = KernelSpecManager(parent=self, kernel_dirs=[])


def mark(**options):
    """What a notebook's only cell prints."""
    cell = nbformat.v4.new_code_cell("import os\nprint(os.environ.get('OTHER', 'no'))")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, kernel_name="python3", **options).execute()
    return cell.outputs[0].text.strip()


names = ("nbclient", "jupyter_client", "ipykernel")
print("seen:", ", ".join(f"{name} {version(name)}" for name in names))
before = mark()
print("seen: without another kernel called python3, in another Python?", before)
os.environ["JUPYTER_PATH"] = str(place / "jupyter")
with_other, own = mark(), mark(kernel_manager_class=OwnKernel)
print("seen: with one below JUPYTER_PATH, in another Python?", with_other)
print("seen: with kernel_dirs=[], in another Python?", own)
assert (before, with_other, own) == ("no", "yes", "no")
PYTHON
env -u JUPYTER_PATH HOME="$folder" "$folder/venv/bin/python" "$folder/look.py" "$folder"
