"""Images made smaller and larger as Pillow does it, in batches: its bicubic filter."""

import torch.nn.functional as F


def shrunk(images, scale):
    """Images made smaller by a whole number: [N, C, H, W] to [N, C, H // scale, W // scale].

    uint8 gives uint8, within a level of what Pillow gives. Floats are another matter: Pillow
    rounds and clips between rows and columns, floats are clipped nowhere, and differ by up to a
    dozen levels where a photograph is black or white. Sides are multiples of the scale: what is
    over would have to be cut off, not squeezed in.
    Raises ValueError where they are not.
    Source: Keys 1981, a = -1/2, the filter stretched by the scale.
    """
    height, width = images.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(
            f"expected sides that are multiples of {scale}, got {height}x{width}; cut off the rest"
        )
    return _resized(images, (height // scale, width // scale))


def enlarged(images, scale):
    """Images made larger by a whole number: [N, C, h, w] to [N, C, scale h, scale w].

    uint8 gives uint8, within a level of what Pillow gives; floats stay floats.
    """
    height, width = images.shape[-2:]
    return _resized(images, (scale * height, scale * width))


def _resized(images, size):
    # with antialias, also when enlarging: without, torch's cubic is another one, a = -3/4
    return F.interpolate(images, size=size, mode="bicubic", antialias=True)
