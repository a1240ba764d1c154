"""Trained weights: those that come with the course, stored in one way, and files of others.

Weights are safetensors in half precision, with a .json of facts beside them. Nothing that a file
holds is ever run.
"""

import zipfile
from pathlib import Path

import torch

from genimg_lib.errors import DataError
from genimg_lib.files import read_json, shipped, write_atomically, write_json


def folder():
    """The folder data/weights."""
    return shipped() / "weights"


def names():
    """The weights that are there, by name."""
    return sorted(path.stem for path in folder().glob("*.safetensors"))


def read(name):
    """The weights data/weights/NAME.safetensors: {key: tensor}, floats as float32.

    Raises DataError where they are missing or damaged.
    """
    path = folder() / f"{name}.safetensors"
    if not path.is_file():
        raise DataError(f"{path} is missing; is the checkout complete? Or: genimg make {name}")
    return {key: _widened(value) for key, value in open_file(path).items()}


def facts(name):
    """How the weights NAME were made and what they reach: data/weights/NAME.json."""
    return read_json(folder() / f"{name}.json")


def halved(net):
    """A network's weights as they are stored: {key: tensor}, floats in half precision.

    Raises ValueError where one is not finite.
    """
    weights = {}
    for key, value in net.state_dict().items():
        value = value.detach().cpu().contiguous()
        weights[key] = value.half() if value.is_floating_point() else value
        if value.is_floating_point() and not weights[key].isfinite().all():
            raise ValueError(f"{key} is not finite in half precision; nothing was written")
    return weights


def as_stored(net):
    """The network with its weights rounded as they will be stored, so that it is judged so."""
    weights = {key: _widened(value) for key, value in halved(net).items()}
    net.load_state_dict(weights)
    return net


def store(name, weights, known, out=None):
    """Write weights and what is known of them: NAME.safetensors and NAME.json.

    weights: as `halved` gives them.
    known: facts for the .json.
    out: a folder, data/weights if none is given.
    Returns the two paths.
    """
    from safetensors.torch import save

    out = Path(out) if out else folder()
    paths = out / f"{name}.safetensors", out / f"{name}.json"
    write_atomically(paths[0], save(weights))
    write_json(paths[1], known)
    return paths


def open_file(path):
    """The tensors of a safetensors or PyTorch file: {key: tensor}.

    Raises DataError for a file that is missing, damaged or holds anything else.
    """
    from safetensors.torch import load_file

    path = Path(path).expanduser()
    if not path.is_file():
        raise DataError(f"there is no file {path}; give the path of weights, .safetensors or .pth")
    try:
        found = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except Exception as error:  # of a damaged pickle: whatever its instructions lead to
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        what = f"{path} cannot be read as weights ({reason}); it was not used"
        raise DataError(what) from None
    tensors = isinstance(found, dict) and all(isinstance(v, torch.Tensor) for v in found.values())
    if not tensors:
        raise DataError(f"{path} holds something else than tensors by name; it was not used")
    return found


def _unpickled(path):
    """What a PyTorch file holds. One whose entries claim more than the file has is not unpacked."""
    with open(path, "rb") as file:
        start = file.read(2)
    if start == b"PK":  # files of before torch 1.6 are no archives
        with zipfile.ZipFile(path) as archive:
            if any(entry.file_size > path.stat().st_size for entry in archive.infolist()):
                raise ValueError("an entry claims more than the whole file")
    return torch.load(path, map_location="cpu", weights_only=True)


def _widened(value):
    return value.float() if value.is_floating_point() else value
