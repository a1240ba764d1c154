"""Generative adversarial networks: the losses of the game, penalties, networks.

A discriminator (a *critic*, where it has no probability in mind) gives a logit a for each image;
the probability that it calls the image real is D = sigmoid(a). Images are [N, C, H, W] in [-1, 1],
latents [N, d] standard normal.
"""

from genimg_lib.gan.augment import DiffAugment
from genimg_lib.gan.losses import (
    auxiliary_classifier_loss,
    hinge_d_loss,
    hinge_g_loss,
    minimax_d_loss,
    minimax_g_loss,
    nonsaturating_g_loss,
    relativistic_d_loss,
    relativistic_g_loss,
    wasserstein_d_loss,
    wasserstein_g_loss,
)
from genimg_lib.gan.networks import Discriminator, Generator, Norm, settled
from genimg_lib.gan.penalties import gradient_penalty, orthogonal_penalty, r1_penalty
from genimg_lib.gan.style import (
    Mapping,
    StyleGenerator,
    mixed,
    mixed_at_random,
    modulated,
    truncated,
)

__all__ = [
    "DiffAugment",
    "Discriminator",
    "Generator",
    "Mapping",
    "Norm",
    "StyleGenerator",
    "auxiliary_classifier_loss",
    "gradient_penalty",
    "hinge_d_loss",
    "hinge_g_loss",
    "minimax_d_loss",
    "minimax_g_loss",
    "mixed",
    "mixed_at_random",
    "modulated",
    "nonsaturating_g_loss",
    "orthogonal_penalty",
    "r1_penalty",
    "relativistic_d_loss",
    "relativistic_g_loss",
    "settled",
    "truncated",
    "wasserstein_d_loss",
    "wasserstein_g_loss",
]
