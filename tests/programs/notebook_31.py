"""Runs notebook 31 on the data named in the command, then keeps what this process has.

Its weights, and what its next batch looks like.
"""

import runpy
import sys
import tempfile
from pathlib import Path

import torch

notebook = Path(__file__).resolve().parents[2] / "notebooks" / "31_vae.py"
source = notebook.read_text(encoding="utf-8")
word = 'DATA = "portraits"'
assert source.count(word) == 1
with tempfile.TemporaryDirectory() as folder:
    program = Path(folder) / notebook.name
    program.write_text(source.replace(word, f'DATA = "{sys.argv.pop()}"'), encoding="utf-8")
    left = runpy.run_path(str(program), run_name="__main__")
run = left["run"]
batch = next(run.batches(left["train"], 8))
weights = {name: left[name].state_dict() for name in ("encoder", "decoder")}
torch.save({"weights": weights, "batch": batch}, run.folder / f"rank_{run.state.process_index}.pt")
