"""Priors: over grids of tokens, with code lengths and files; over vectors, fitted later."""

from genimg_lib.prior.causal import CausalPrior
from genimg_lib.prior.coding import read_codes, write_codes
from genimg_lib.prior.drawing import draw, gumbel, with_temperature
from genimg_lib.prior.masked import MaskedPrior, keep_schedule
from genimg_lib.prior.mixture import GaussianMixture, fit_mixture

__all__ = [
    "CausalPrior",
    "GaussianMixture",
    "MaskedPrior",
    "draw",
    "fit_mixture",
    "gumbel",
    "keep_schedule",
    "read_codes",
    "with_temperature",
    "write_codes",
]
