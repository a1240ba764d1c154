"""Places of a scene: pictures that begin at parts of a pixel, grids fixed to it."""

import math

import torch
import torch.nn.functional as F

LOBES = 5  # of the sinc on either side
MARGIN = 8  # pixels mirrored around a picture that is moved by parts of one


def on_grid(x, grid, origin=(0, 0)):
    """A picture mirrored outwards to a grid that is fixed to the scene.

    Returns (the larger picture, where x lies in it).
    x: [N, C, H, W].
    grid: pixels between two lines.
    origin: the row and column of the scene at which x begins.
    """
    (top, left), (h, w) = (n % grid for n in origin), x.shape[2:]
    inside = (..., slice(top, top + h), slice(left, left + w))
    return F.pad(x, (left, -(left + w) % grid, top, -(top + h) % grid), mode="reflect"), inside


def on_whole_pixels(paint, x, origin):
    """What `paint` makes of pictures that begin at parts of a pixel of the scene: of x's shape.

    x: [N, C, H, W], with sides of more than MARGIN pixels.
    paint: takes pictures and the whole row and column at which they begin. It is given x as it
        would be seen from there; what it makes of that is moved back. Where the origin is whole, it
        is given x itself.
    origin: the row and column of the scene at which x begins.
    """
    if all(float(n).is_integer() for n in origin):
        return paint(x, [int(n) for n in origin])
    whole, parts = [math.floor(n) for n in origin], [n - math.floor(n) for n in origin]
    ahead = [1 - part if part else 0 for part in parts]  # to the next whole pixel
    begin = [n - MARGIN + (part > 0) for n, part in zip(whole, parts, strict=True)]
    framed = F.pad(x, [MARGIN] * 4, mode="reflect")
    painted = shifted(paint(shifted(framed, ahead), begin), parts)
    top, left = (MARGIN - (part > 0) for part in parts)
    return painted[..., top : top + x.shape[2], left : left + x.shape[3]]


def shifted(x, way):
    """Pictures as seen from parts of a pixel further on: x [N, C, H, W] to the same.

    way: (rows, columns) from 0 to 1. The pixel at row i is read at row i + way, from 2 LOBES
        neighbours by a sinc under a wider sinc (Lanczos); at the border from mirrored ones.
    Raises ValueError for another way.
    """
    if not all(0 <= part <= 1 for part in way):
        raise ValueError(f"expected parts of a pixel from 0 to 1, got {tuple(way)}")
    n, c, h, w = x.shape
    x = x.reshape(n * c, 1, h, w)
    for part, axis in zip(way, (2, 3), strict=True):
        if part:
            places = torch.arange(1 - LOBES, LOBES + 1, device=x.device, dtype=x.dtype) - part
            taps = torch.sinc(places) * torch.sinc(places / LOBES)
            taps = (taps / taps.sum()).view([1, 1, -1, 1] if axis == 2 else [1, 1, 1, -1])
            before_after = [LOBES - 1, LOBES]
            pad = [0, 0, *before_after] if axis == 2 else [*before_after, 0, 0]
            x = F.conv2d(F.pad(x, pad, mode="reflect"), taps)
    return x.view(n, c, h, w)
