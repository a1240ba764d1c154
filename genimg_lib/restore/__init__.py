"""Pictures restored: what was seen of them, and what was there before."""

from genimg_lib.restore.classical import METHODS, best, denoised_by
from genimg_lib.restore.gaussian import (
    gaussian_posterior,
    power_spectrum,
    wiener,
    wiener_error,
    wiener_gain,
)
from genimg_lib.restore.networks import Denoiser
from genimg_lib.restore.noise import LEVEL, STRONGEST, blind_spots, noisy
from genimg_lib.restore.operators import Blur, Mask, Shrink
from genimg_lib.restore.tiles import in_tiles

__all__ = [
    "LEVEL",
    "METHODS",
    "STRONGEST",
    "Blur",
    "Denoiser",
    "Mask",
    "Shrink",
    "best",
    "blind_spots",
    "denoised_by",
    "gaussian_posterior",
    "in_tiles",
    "noisy",
    "power_spectrum",
    "wiener",
    "wiener_error",
    "wiener_gain",
]
