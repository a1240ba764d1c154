"""The data sets of the course in one table, and `load(name)`, the one way in.

A new data set is a line of SOURCES and the function that it names: messages, the command line
and the tests read the table.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from genimg_lib.data import fetch, folder, idx, photos, portraits
from genimg_lib.data.image_set import ImageSet
from genimg_lib.errors import unknown

SPLITS = ("train", "test")


class Source(NamedTuple):
    """Where a data set comes from.

    load: (split, size, n, seed) -> ImageSet; size and n may be None, and may be left to `load`.
    about: one line for people.
    takes_path: True where the name is followed by a path, as in folder:PATH.
    draws_n: True where `load` itself draws the n images that are asked for.
    """

    load: Callable
    about: str
    takes_path: bool = False
    draws_n: bool = False


def _portraits(split, size, n, seed):
    n = n or {"train": 10_000, "test": 2_000}[split]
    own_seed = 2 * seed + SPLITS.index(split)  # the two splits never share a seed
    images, factors = portraits.render(n, size or 32, seed=own_seed)
    captions = portraits.caption(factors, seed)
    return ImageSet(images, captions=captions, factors=factors, title=f"portraits, {split}")


def _photos(split, size, n, seed):
    labels = torch.arange(len(photos.NAMES))
    return ImageSet(photos.load(size or 256), names=photos.NAMES, labels=labels, title="photos")


def _idx(name):
    def load(split, size, n, seed):
        images, labels = idx.load(name, split)
        return ImageSet(images, labels, idx.CLASSES[name], title=f"{name}, {split}")

    return load


def _folder(path, split, size, n, seed):
    images, labels, names = folder.load(path, split, size or 64, n, seed)
    return ImageSet(images, labels, names, title=f"folder:{path}")


SOURCES = {
    "portraits": Source(
        _portraits, "cartoon faces from known factors, drawn on this machine", draws_n=True
    ),
    "mnist": Source(_idx("mnist"), "70,000 handwritten digits, 28x28 grey"),
    "fashion_mnist": Source(_idx("fashion_mnist"), "70,000 pieces of clothing, 28x28 grey"),
    "photos": Source(_photos, "the photographs that scikit-image installs"),
    "folder": Source(
        _folder, "any folder of pictures; subfolders are classes", takes_path=True, draws_n=True
    ),
}


def names():
    """The names that `load` takes, as they are written."""
    return [f"{name}:PATH" if source.takes_path else name for name, source in SOURCES.items()]


def here(name):
    """True where loading `name` downloads nothing."""
    return name not in fetch.registry() or fetch.here(name)


def load(name, split="train", size=None, n=None, seed=0):
    """Load a data set: an ImageSet of uint8 images [N, C, H, W].

    name: one of `names()`.
    split: "train" or "test" (photos have one split; a folder may have both as subfolders).
    size: height and width in pixels; left out, the set's own (portraits 32, MNIST and
        Fashion-MNIST 28, photos 256, a folder 64).
    n: how many images, drawn without replacement by `seed`; left out, all of them (portraits:
        10,000 to train, 2,000 to test).
    Raises ValueError for an unknown name or split or an impossible size or n, DataError for
    files that are missing or damaged.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if size is not None and (not isinstance(size, int) or size < 8):
        raise ValueError(f"size is {size!r}; give a whole number of pixels, 8 or more")
    if n is not None and (not isinstance(n, int) or n < 1):
        raise ValueError(f"n is {n!r}; give a whole number of images, 1 or more")
    kind, _, path = name.partition(":")
    source = SOURCES.get(kind)
    if source is None or source.takes_path != (":" in name):
        raise unknown("data set", name, names())
    given = (path,) if source.takes_path else ()
    with torch.device("cpu"):  # whatever torch's default device is
        found = source.load(*given, split, size, n, seed)
    if n is not None and not source.draws_n:
        found = _chosen(found, n, seed)
    if n is not None and len(found) != n:
        raise ValueError(f"{name} was asked for {n:,} images and gave {len(found):,}")
    return _resized(found, size)


def _chosen(found, n, seed):
    """n of the images, drawn without replacement."""
    if n > len(found):
        raise ValueError(f"n is {n:,}, but {found.title} has {len(found):,} images")
    order = torch.randperm(len(found), generator=torch.Generator().manual_seed(seed))
    return found[order[:n]]


def _resized(found, size):
    """The images at another size: framed in black, or averaged."""
    h, w = found.images.shape[-2:]
    if size is None or (h, w) == (size, size):
        return found
    if size >= max(h, w):
        top, left = (size - h) // 2, (size - w) // 2
        found.images = F.pad(found.images, (left, size - w - left, top, size - h - top))
    else:
        wanted = {"size": (size, size), "mode": "bilinear", "antialias": True}
        small = F.interpolate(found.images.float(), align_corners=False, **wanted)
        found.images = small.round().clamp(0, 255).to(torch.uint8)
    return found
