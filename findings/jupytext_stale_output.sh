#!/usr/bin/env bash
# jupytext 1.19.6: after a code cell was edited in the .py of a pair, `jupytext --sync` puts the new
# source into the .ipynb above the *old* output, with the old execution count, and nothing marks
# that the two do not belong together.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet jupytext==1.19.6 nbformat==5.11.1
cd "$folder"
cat > make.py <<'PY'
import nbformat

output = nbformat.v4.new_output("stream", text="4")
cell = nbformat.v4.new_code_cell("print(2 + 2)", execution_count=1, outputs=[output])
notebook = nbformat.v4.new_notebook(cells=[cell])
notebook.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
nbformat.write(notebook, "a.ipynb")
PY
venv/bin/python make.py
venv/bin/python -m jupytext --quiet --sync a.ipynb
sleep 1
sed -i 's/2 + 2/2 + 3/' a.py
venv/bin/python -m jupytext --quiet --sync a.py
cat > look.py <<'PY'
import sys

import nbformat

cell = next(c for c in nbformat.read("a.ipynb", as_version=4).cells if c.cell_type == "code")
shown = [output.text for output in cell.outputs]
print(f"seen: jupytext 1.19.6: source {cell.source!r}, count {cell.execution_count}, output {shown}")
sys.exit(0 if (cell.source, shown) == ("print(2 + 3)", ["4"]) else "this has changed")
PY
venv/bin/python look.py
