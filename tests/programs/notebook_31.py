"""Runs notebook 31 as a program, then keeps what this process has.

Its weights, and what its next batch looks like.
"""

import runpy
from pathlib import Path

import torch

notebook = Path(__file__).resolve().parents[2] / "notebooks" / "31_vae.py"
left = runpy.run_path(str(notebook), run_name="__main__")
run = left["run"]
batch = next(run.batches(left["train"], 8))
weights = {name: left[name].state_dict() for name in ("encoder", "decoder")}
torch.save({"weights": weights, "batch": batch}, run.folder / f"rank_{run.state.process_index}.pt")
