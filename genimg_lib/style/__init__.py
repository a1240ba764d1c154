"""What a picture keeps of its materials when it forgets its places: style.

And how another picture takes it on.
"""

from genimg_lib.style.fast import AnyStyle, StyleNet
from genimg_lib.style.lattice import lattice
from genimg_lib.style.losses import (
    adain,
    content_loss,
    gram,
    recolor,
    style_loss,
    total_variation,
    whiten,
    whiten_color,
)
from genimg_lib.style.networks import FeatureNet, Features
from genimg_lib.style.optimise import Wanted, keep_color, minimise, stylize
from genimg_lib.style.places import shifted
from genimg_lib.style.video import blend, camera, flicker, motion, move, overlap, pan, steady

__all__ = [
    "AnyStyle",
    "FeatureNet",
    "Features",
    "StyleNet",
    "Wanted",
    "adain",
    "blend",
    "camera",
    "content_loss",
    "flicker",
    "gram",
    "keep_color",
    "lattice",
    "minimise",
    "motion",
    "move",
    "overlap",
    "pan",
    "recolor",
    "shifted",
    "steady",
    "style_loss",
    "stylize",
    "total_variation",
    "whiten",
    "whiten_color",
]
