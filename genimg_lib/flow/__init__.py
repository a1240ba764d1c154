"""From noise to images by flows: paths, losses, samplers, networks."""

from genimg_lib.flow.matching import matching_loss, mix, per_image, random_times, sample, trajectory
from genimg_lib.flow.networks import GlobalMixing, PatchUNet, ResBlock, time_features

__all__ = [
    "GlobalMixing",
    "PatchUNet",
    "ResBlock",
    "matching_loss",
    "mix",
    "per_image",
    "random_times",
    "sample",
    "time_features",
    "trajectory",
]
