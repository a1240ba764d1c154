"""What `genimg texture` does: more of a material, or a tile of it without a seam."""

import torch

from genimg_lib import data
from genimg_lib.apps import pictures
from genimg_lib.worlds import quilt, seam_ratio

PATCH = 32
SMALLEST = 8  # pixels of a side: two patches of the smallest kind
LARGEST = 4_096  # pixels of a side of the result
SOURCE = 1_024  # pixels of a side of what it is made of: each patch is compared with all of it


def texture_file(source, out, size=512, tile=False, patch=None, seed=0, overwrite=False, say=print):
    """Write more of a material to a file; returns the path.

    source: a picture file of a material: gravel, cloth, leaves; not of one thing.
    size: pixels of a side of the result. tile: a result whose sides fit each other.
    patch: side of the patches that it is made of; left out, 32, or half of a smaller picture.
    seed: another one gives another texture.
    Raises ValueError or DataError before any work: for a picture that is no larger than a patch, is
    larger than 1,024 pixels or has transparency, a size beyond 4,096 or below a patch, a tile whose
    size does not fit, a place that is taken or cannot be written.
    """
    out = pictures.check_place(out, [source], overwrite)
    picture = pictures.read(source)
    if picture.alpha is not None:
        raise ValueError(f"{source} has transparency; expected an opaque picture of a material")
    height, width = picture.pixels.shape[1:]
    if max(height, width) > SOURCE:
        raise ValueError(
            f"{source} has {width:,}x{height:,} pixels; expected {SOURCE:,} a side at most: cut out"
            " a piece that shows the material"
        )
    if min(height, width) < SMALLEST:
        raise ValueError(
            f"{source} has {width}x{height} pixels; expected {SMALLEST} a side at least"
        )
    if patch is None:
        patch = min(PATCH, max(2, min(height, width) // 2))
    if not 4 <= patch < min(height, width):
        raise ValueError(
            f"expected patches of 4 pixels or more, smaller than the picture, {width}x{height}; got"
            f" {patch}"
        )
    overlap = max(1, patch // 4)
    size = _fitting(size, patch, overlap, tile, say)
    picture.exif = None  # when and how another picture was taken
    for sentence in pictures.check_fits(picture, out):
        say(sentence)
    texture = data.to_float(picture.pixels[None])[0]
    generator = torch.Generator().manual_seed(seed)
    made = quilt(texture, size, patch, overlap, tile=tile, generator=generator)
    picture.pixels = data.to_uint8(made[None])[0]
    pictures.write(picture, out)
    if tile:
        say(f"a tile of {size}x{size}; across its seam it changes {seam_ratio(made):.2f} times as")
        say("much as inside")
    return out


def _fitting(size, patch, overlap, tile, say):
    """The size that will be made: of a tile, the nearest multiple of what a patch adds."""
    if not patch <= size <= LARGEST:
        raise ValueError(
            f"expected a size from {patch}, a patch, to {LARGEST:,} pixels, got {size:,}"
        )
    step = patch - overlap
    if not tile or size % step == 0:
        return size
    near = max(2, round(size / step)) * step
    say(f"a tile is made of whole patches: {near} pixels instead of {size}")
    return near
