"""Pictures restored: what was seen of them, how two are compared, what was there before."""

from genimg_lib.restore import protocol
from genimg_lib.restore.classical import METHODS, best, denoised_by
from genimg_lib.restore.gaussian import power_spectrum, wiener, wiener_error, wiener_gain
from genimg_lib.restore.networks import Denoiser
from genimg_lib.restore.noise import LEVEL, STRONGEST, blind_spots, noisy
from genimg_lib.restore.operators import Blur, Mask, Shrink
from genimg_lib.restore.posterior import conditioned, gaussian_posterior, guided, replaced
from genimg_lib.restore.protocol import Protocol
from genimg_lib.restore.tiles import in_tiles

__all__ = [
    "LEVEL",
    "METHODS",
    "STRONGEST",
    "Blur",
    "Denoiser",
    "Mask",
    "Protocol",
    "Shrink",
    "best",
    "blind_spots",
    "conditioned",
    "denoised_by",
    "gaussian_posterior",
    "guided",
    "in_tiles",
    "noisy",
    "power_spectrum",
    "protocol",
    "replaced",
    "wiener",
    "wiener_error",
    "wiener_gain",
]
