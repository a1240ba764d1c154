"""Textures without end, pictures laid over pictures, landscapes in layers."""

from genimg_lib.worlds.characters import cut_out, walk
from genimg_lib.worlds.compositing import (
    homography,
    matted,
    over,
    shrunk,
    to_colour,
    to_light,
    warped,
)
from genimg_lib.worlds.quilting import behind, least_path, quilt, seam_ratio
from genimg_lib.worlds.scenes import Layer, moved, scene

__all__ = [
    "Layer",
    "behind",
    "cut_out",
    "homography",
    "least_path",
    "matted",
    "moved",
    "over",
    "quilt",
    "scene",
    "seam_ratio",
    "shrunk",
    "to_colour",
    "to_light",
    "walk",
    "warped",
]
