"""Pictures restored: what was seen of them, and what was there before."""

from genimg_lib.restore.classical import METHODS, best, denoised_by
from genimg_lib.restore.gaussian import (
    gaussian_posterior,
    power_spectrum,
    wiener,
    wiener_error,
    wiener_gain,
)
from genimg_lib.restore.holes import random_holes
from genimg_lib.restore.networks import Denoiser, Inpainter, Upscaler, over_turns
from genimg_lib.restore.noise import LEVEL, STRONGEST, blind_spots, noisy
from genimg_lib.restore.operators import Blur, Mask, Shrink
from genimg_lib.restore.patches import patched
from genimg_lib.restore.resize import enlarged, shrunk
from genimg_lib.restore.smooth import biharmonic, harmonic
from genimg_lib.restore.tiles import in_tiles

__all__ = [
    "LEVEL",
    "METHODS",
    "STRONGEST",
    "Blur",
    "Denoiser",
    "Inpainter",
    "Mask",
    "Shrink",
    "Upscaler",
    "best",
    "biharmonic",
    "blind_spots",
    "denoised_by",
    "enlarged",
    "gaussian_posterior",
    "harmonic",
    "in_tiles",
    "noisy",
    "over_turns",
    "patched",
    "power_spectrum",
    "random_holes",
    "shrunk",
    "wiener",
    "wiener_error",
    "wiener_gain",
]
