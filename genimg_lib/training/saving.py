"""Checkpoints that are whole or absent: a folder a step, moved to its place in one go.

A checkpoint holds weights.safetensors, state.pt (optimisers, random state, position in the data)
and sums.json (SHA-256 of both), by which it is checked before it is used.
"""

import io
import json
import os
import shutil
from pathlib import Path

import torch

from genimg_lib.files import digest, write_atomically

KEEP = 2  # one to use, and the one before it should that be damaged


def as_safetensors(weights):
    """{name: tensor} as the bytes of a safetensors file."""
    from safetensors.torch import save

    return save({k: v.detach().cpu().contiguous().clone() for k, v in weights.items()})


def save(folder, step, weights, state):
    """Save the checkpoint of a step below folder; of the older ones KEEP - 1 stay."""
    folder = Path(folder)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    contents = {"weights.safetensors": as_safetensors(weights), "state.pt": buffer.getvalue()}
    contents["sums.json"] = json.dumps(
        {name: digest(content) for name, content in contents.items()}
    ).encode()
    beside = folder / f".step_{step:09d}.{os.getpid()}"
    shutil.rmtree(beside, ignore_errors=True)
    for name, content in contents.items():
        write_atomically(beside / name, content)
    place = folder / f"step_{step:09d}"
    shutil.rmtree(place, ignore_errors=True)
    os.replace(beside, place)
    for old in _all(folder)[KEEP:]:
        shutil.rmtree(old, ignore_errors=True)


def sound(folder, say=print):
    """The sound checkpoints below folder, newest first: (path, weights, state).

    A damaged one is passed over, and that is said.
    """
    for path in _all(folder):
        try:
            sums = json.loads((path / "sums.json").read_text())
            contents = {
                name: (path / name).read_bytes() for name in ("weights.safetensors", "state.pt")
            }
            if damaged := [
                name for name, content in contents.items() if digest(content) != sums[name]
            ]:
                raise ValueError(f"{damaged[0]} is cut short or damaged")
            from safetensors.torch import load

            weights, state = (
                load(contents["weights.safetensors"]),
                torch.load(io.BytesIO(contents["state.pt"]), weights_only=True),
            )
        # whatever is wrong with one checkpoint must not keep the others from being tried
        except Exception as error:
            say(f"checkpoint {path.name} passed over for the one before it: {error}")
            continue
        yield path, weights, state


def newest(folder):
    """The path of the newest checkpoint below folder, or None."""
    return next(iter(_all(folder)), None)


def clear(folder):
    """Remove all checkpoints below folder."""
    shutil.rmtree(folder, ignore_errors=True)


def _all(folder):
    return sorted(Path(folder).glob("step_*"), reverse=True)
