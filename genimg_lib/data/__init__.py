"""The images of the course: `load(name)` gives an `ImageSet` of uint8 images [N, C, H, W]."""

from genimg_lib.data import fetch, folder, idx, photos, portraits, toy, unlabelled
from genimg_lib.data.image_set import ImageSet, load, to_float, to_uint8

__all__ = ["ImageSet", "fetch", "folder", "idx", "load", "photos", "portraits", "to_float", "to_uint8", "toy", "unlabelled"]
