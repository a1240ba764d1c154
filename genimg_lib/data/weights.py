"""Trained weights: those that come with the course, and files of others, read without ever running what they hold."""

import json
import pickle
from pathlib import Path

import torch

from genimg_lib.data import fetch


def read(name):
    """The weights data/weights/NAME.safetensors: {key: float32 tensor}. Raises DataError where they are missing."""
    path = fetch.shipped() / "weights" / f"{name}.safetensors"
    if not path.is_file():
        raise fetch.DataError(f"{path} is missing; is the checkout complete? data/README.md says how its weights are made")
    return {key: tensor.float() for key, tensor in open_file(path).items()}


def facts(name):
    """How the weights NAME were made and what they reach: data/weights/NAME.json."""
    return json.loads((fetch.shipped() / "weights" / f"{name}.json").read_text(encoding="utf-8"))


def open_file(path):
    """The tensors of a safetensors or PyTorch file: {key: tensor}. Raises DataError for a file that is missing, damaged or holds anything else."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(path).expanduser()
    if not path.is_file():
        raise fetch.DataError(f"there is no file {path}; give the path of weights, .safetensors or .pth")
    try:
        found = load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise fetch.DataError(f"{path} cannot be read as weights ({reason}); it was not used") from None
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise fetch.DataError(f"{path} holds something else than tensors under their names; it was not used")
    return found
