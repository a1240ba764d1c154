"""The trained networks that come with the course, loaded with one call."""

import json

import torch

from genimg_lib.data import fetch
from genimg_lib.gan import Generator
from genimg_lib.style import FeatureNet
from genimg_lib.unet import PatchUNet

FIRST_GENERATOR = {"channels": 3, "size": 32}  # what PatchUNet is asked for


def read(name):
    """The weights data/weights/NAME.safetensors: {key: float32 tensor}. Raises DataError where they are missing."""
    from safetensors.torch import load_file

    path = fetch.shipped() / "weights" / f"{name}.safetensors"
    if not path.is_file():
        raise fetch.DataError(f"{path} is missing; is the checkout complete? data/README.md says how its weights are made")
    return {key: tensor.float() for key, tensor in load_file(path).items()}


def facts(name):
    """How the weights NAME were made and what they reach: data/weights/NAME.json."""
    return json.loads((fetch.shipped() / "weights" / f"{name}.json").read_text(encoding="utf-8"))


def load_first_generator(device="cpu"):
    """The network of notebook 00, trained longer on portraits (data/weights/first_generator.json says how): a PatchUNet for 3x32x32, in eval mode."""
    net = PatchUNet(**FIRST_GENERATOR)
    net.load_state_dict(read("first_generator"))
    return net.eval().requires_grad_(False).to(torch.device(device))


def load_generator(name, device="cpu"):
    """A trained gan.Generator, in eval mode: "gan_portraits", "stable_gan_portraits" or "conditional_gan_portraits" (data/weights/NAME.json says how).

    Raises ValueError for another name, DataError where the weights are missing.
    """
    known = sorted(path.stem for path in (fetch.shipped() / "weights").glob("*gan_portraits*.json"))
    if name not in known:
        raise ValueError(f"no generator {name!r}; there is {', '.join(known)}")
    net = Generator(**facts(name)["network"])
    net.load_state_dict(read(name), strict=True)
    return net.eval().requires_grad_(False).to(torch.device(device))


def load_features(device="cpu"):
    """The feature network of notebooks 16 and 41, trained to tell materials apart (data/weights/features.json says how): a FeatureNet, in eval mode."""
    net = FeatureNet()
    net.load_state_dict(read("features"))
    return net.eval().requires_grad_(False).to(torch.device(device))
