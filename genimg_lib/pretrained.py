"""The trained networks that come with the course, loaded with one call."""

import torch

from genimg_lib.data import fetch
from genimg_lib.data.weights import facts, read
from genimg_lib.gan import Generator
from genimg_lib.style import AnyStyle, FeatureNet, StyleNet, features
from genimg_lib.unet import PatchUNet

FIRST_GENERATOR = {"channels": 3, "size": 32}  # what PatchUNet is asked for


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
    """The feature network of notebook 16, trained to tell materials apart (data/weights/features.json says how): a FeatureNet, in eval mode."""
    net = FeatureNet()
    net.load_state_dict(read("features"))
    return net.eval().requires_grad_(False).to(torch.device(device))


def load_drawn_styles(device="cpu"):
    """The network of notebook 42 for the five styles of data.styles.DRAWN, in their order (data/weights/drawn_styles.json): a StyleNet, in eval mode."""
    net = StyleNet(**facts("drawn_styles")["network"])
    net.load_state_dict(read("drawn_styles"))
    return net.eval().requires_grad_(False).to(torch.device(device))


def load_any_style(device="cpu"):
    """The network of notebook 42 for any style (data/weights/any_style.json says how it was trained): an AnyStyle, in eval mode."""
    net = AnyStyle(features(device=device), **facts("any_style")["network"])
    net.load_state_dict(read("any_style"))
    return net.eval().requires_grad_(False).to(torch.device(device))
