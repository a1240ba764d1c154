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

CLOCK = 60  # seconds by which a machine's clock may have been set since
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
    """Take a training's checkpoints for this process; returns the lock's path, for `unlock`.

    A lock that a dead process left, or another machine, is taken over.
    Raises TrainingError where a living process of this machine has it.
    """
    path = Path(f"{folder}.lock")
    for _ in range(2):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "x") as file:
                json.dump(_holder(os.getpid()), file)
            return path
        except FileExistsError:
            _check_holder(path, folder)
            path.unlink(missing_ok=True)
        except OSError:  # where nothing can be written nothing is taken over
            return path
    raise TrainingError(f"another process begins a training in {folder} just now; try again")


def unlock(path):
    """Give a lock back, if it is this process's."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        if json.loads(path.read_text())["pid"] == os.getpid():
            path.unlink()


def _check_holder(path, folder):
    """Raise TrainingError where a lock's holder is alive, on this machine, and another process."""
    try:
        holder = json.loads(path.read_text())
        now = _holder(holder["pid"])
        is_alive = holder["host"] == now["host"] and abs(holder["began"] - now["began"]) < CLOCK
    except (OSError, ValueError, TypeError, KeyError):
        return
    if is_alive and holder["pid"] != os.getpid():
        raise TrainingError(
            f"process {holder['pid']} is training here, in {folder}; wait for it, stop it, or name"
            " another folder in GENIMG_OUT"
        )


def _holder(pid):
    """What tells a process from others: its number, when it began (None: it is dead), its host."""
    import psutil

    try:
        began = psutil.Process(pid).create_time()
    except (psutil.Error, ValueError):
        began = None
    return {"pid": pid, "began": began, "host": socket.gethostname()}


def newest(folder):
    """The path of the newest checkpoint below folder, or None."""
    return next(iter(_all(folder)), None)


def put_aside(folder):
    """Move a training's checkpoints aside, over older ones that were; returns the new place."""
    aside = Path(f"{folder}.old")
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(folder, aside)
    return aside


def clear(folder):
    """Remove all checkpoints below folder."""
    shutil.rmtree(folder, ignore_errors=True)


def _all(folder):
    return sorted(Path(folder).glob("step_*"), reverse=True)
