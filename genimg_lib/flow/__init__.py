"""From noise to data by flows: paths, losses, solvers, likelihoods, drifting, networks."""

from genimg_lib.flow.drift import drift, drifting_loss, near_mean
from genimg_lib.flow.likelihood import exact_divergence, hutchinson_divergence, log_likelihood
from genimg_lib.flow.matching import matching_loss, mix, per_image, random_times, sample, trajectory
from genimg_lib.flow.networks import GlobalMixing, PatchUNet, ResBlock, time_features
from genimg_lib.flow.paths import CIRCULAR, STRAIGHT, Guesses, Path
from genimg_lib.flow.solvers import Counted, euler, heun, langevin, last, noisy

__all__ = [
    "CIRCULAR",
    "STRAIGHT",
    "Counted",
    "GlobalMixing",
    "Guesses",
    "PatchUNet",
    "Path",
    "ResBlock",
    "drift",
    "drifting_loss",
    "euler",
    "exact_divergence",
    "heun",
    "hutchinson_divergence",
    "langevin",
    "last",
    "log_likelihood",
    "matching_loss",
    "mix",
    "near_mean",
    "noisy",
    "per_image",
    "random_times",
    "sample",
    "time_features",
    "trajectory",
]
