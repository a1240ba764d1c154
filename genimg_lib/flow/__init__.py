"""From noise to data by flows: paths, losses, solvers, likelihoods, drifting, networks."""

from genimg_lib.flow.drift import drift, drifting_loss, near_mean
from genimg_lib.flow.guidance import autoguidance, classifier, classifier_free
from genimg_lib.flow.likelihood import exact_divergence, hutchinson_divergence, log_likelihood
from genimg_lib.flow.matching import (
    draw,
    drawn_groups,
    matching_loss,
    mix,
    random_times,
    sample,
    times,
    trajectory,
)
from genimg_lib.flow.networks import GlobalMixing, PatchUNet, ResBlock, time_features
from genimg_lib.flow.paths import CIRCULAR, STRAIGHT, Guesses, Path, per_image
from genimg_lib.flow.samplers import (
    ancestral,
    ddim,
    denoiser,
    multistep,
    posterior,
    velocity_of,
)
from genimg_lib.flow.schedules import (
    LINEAR,
    even_ratios,
    even_times,
    karras_times,
    log_ratio,
    schedule,
    time_of,
)
from genimg_lib.flow.solvers import Counted, euler, heun, langevin, last, noisy

__all__ = [
    "CIRCULAR",
    "LINEAR",
    "STRAIGHT",
    "Counted",
    "GlobalMixing",
    "Guesses",
    "PatchUNet",
    "Path",
    "ResBlock",
    "ancestral",
    "autoguidance",
    "classifier",
    "classifier_free",
    "ddim",
    "denoiser",
    "draw",
    "drawn_groups",
    "drift",
    "drifting_loss",
    "euler",
    "even_ratios",
    "even_times",
    "exact_divergence",
    "heun",
    "hutchinson_divergence",
    "karras_times",
    "langevin",
    "last",
    "log_likelihood",
    "log_ratio",
    "matching_loss",
    "mix",
    "multistep",
    "near_mean",
    "noisy",
    "per_image",
    "posterior",
    "random_times",
    "sample",
    "schedule",
    "time_features",
    "time_of",
    "times",
    "trajectory",
    "velocity_of",
]
