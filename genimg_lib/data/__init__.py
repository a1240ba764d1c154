"""The images of the course: `load(name)` gives an `ImageSet` of uint8 images [N, C, H, W]."""

from genimg_lib.data import fetch, folder, idx, photos, portraits, pseudo_labels, sources, toy
from genimg_lib.data.convert import to_float, to_uint8
from genimg_lib.data.image_set import ImageSet
from genimg_lib.data.sources import load

__all__ = [
    "ImageSet",
    "fetch",
    "folder",
    "idx",
    "load",
    "photos",
    "portraits",
    "pseudo_labels",
    "sources",
    "to_float",
    "to_uint8",
    "toy",
]
