"""Checkpoints that are whole or absent: a folder a step, moved to its place in one go.

A checkpoint holds weights.safetensors, state.pt (optimisers, random state, position in the data)
and sums.json (SHA-256 of both), by which it is checked before it is used.
"""

import contextlib
import io
import json
import os
import shutil
import socket
from pathlib import Path

import torch

from genimg_lib.errors import TrainingError
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
    place = folder / f"step_{step:09d}"
    try:
        for name, content in contents.items():
            write_atomically(beside / name, content)
        shutil.rmtree(place, ignore_errors=True)
        os.replace(beside, place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
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


def lock(folder):
    """Take a training's checkpoints for this process; returns the lock's path, to be removed.

    A lock that a dead process left, or another machine, is taken over.
    Raises TrainingError where a living process of this machine has it.
    """
    path = Path(f"{folder}.lock")
    mine = {"pid": os.getpid(), "began": _began(os.getpid()), "host": socket.gethostname()}
    if path.exists():
        with contextlib.suppress(ValueError, KeyError, OSError):
            holder = json.loads(path.read_text())
            is_other = holder["host"] == mine["host"] and holder["pid"] != mine["pid"]
            if is_other and _began(holder["pid"]) == holder["began"]:
                raise TrainingError(
                    f"process {holder['pid']} is training here, in {folder}; wait for it, stop it,"
                    " or name another folder in GENIMG_OUT"
                )
    with contextlib.suppress(OSError):  # where nothing can be written nothing is taken over
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(mine))
    return path


def _began(pid):
    """When a process began, in seconds; None where there is none."""
    import psutil

    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def newest(folder):
    """The path of the newest checkpoint below folder, or None."""
    return next(iter(_all(folder)), None)


def clear(folder):
    """Remove all checkpoints below folder."""
    shutil.rmtree(folder, ignore_errors=True)


def _all(folder):
    return sorted(Path(folder).glob("step_*"), reverse=True)
