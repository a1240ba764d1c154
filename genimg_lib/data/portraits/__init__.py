"""Portraits: cartoon faces from known factors, at any size, from a seed, with captions."""

from genimg_lib.data.portraits.captions import caption
from genimg_lib.data.portraits.drawing import draw, render
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
from genimg_lib.data.portraits.reading import factors_of
from genimg_lib.data.portraits.variants import painted_by, variants

__all__ = [
    "CATEGORICAL",
    "CONTINUOUS",
    "FACTORS",
    "as_tensors",
    "caption",
    "draw",
    "factors_of",
    "fitting",
    "one_hot",
    "painted_by",
    "probabilities",
    "render",
    "sample",
    "variants",
]
