"""Portraits: cartoon faces from known factors, at any size, from a seed, with captions."""

from genimg_lib.data.portraits.captions import caption, full_caption, wish
from genimg_lib.data.portraits.drawing import backdrop, draw, render
from genimg_lib.data.portraits.factors import (
    CATEGORICAL,
    CONTINUOUS,
    FACTORS,
    as_tensors,
    one_hot,
    probabilities,
    sample,
)
from genimg_lib.data.portraits.posterior import fitting
from genimg_lib.data.portraits.reading import factors_of, factors_or_none
from genimg_lib.data.portraits.split import HELD_OUT, held_out, sample_split
from genimg_lib.data.portraits.variants import painted_by, variants

__all__ = [
    "CATEGORICAL",
    "CONTINUOUS",
    "FACTORS",
    "HELD_OUT",
    "as_tensors",
    "backdrop",
    "caption",
    "draw",
    "factors_of",
    "factors_or_none",
    "fitting",
    "full_caption",
    "held_out",
    "one_hot",
    "painted_by",
    "probabilities",
    "render",
    "sample",
    "sample_split",
    "variants",
    "wish",
]
