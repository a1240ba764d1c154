"""Priors over grids of tokens: a causal and a masked transformer, code lengths and files."""

from genimg_lib.prior.causal import CausalPrior
from genimg_lib.prior.coding import read_codes, write_codes
from genimg_lib.prior.drawing import draw, with_temperature
from genimg_lib.prior.masked import MaskedPrior, keep_schedule

__all__ = [
    "CausalPrior",
    "MaskedPrior",
    "draw",
    "keep_schedule",
    "read_codes",
    "with_temperature",
    "write_codes",
]
