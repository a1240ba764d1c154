"""Materials drawn by a program: endless, colourful, the same everywhere.

What a network can learn filters from, without a download.
"""

import math

import torch
import torch.nn.functional as F

from genimg_lib.data.convert import to_uint8

KINDS = ("clouds", "grain", "cells", "leaves", "waves", "bricks", "dots")


def draw(n, size=64, seed=0, kinds=KINDS):
    """n materials from a seed: (uint8 [n, 3, size, size], list of n kinds).

    Every one has its own palette, scale and direction.

    Raises ValueError for a kind that is not among `KINDS`.
    """
    if unknown := [k for k in kinds if k not in KINDS]:
        raise ValueError(f"unknown kind {unknown[0]!r}; known: {', '.join(KINDS)}")
    images, chosen = [], []
    for i in range(n):
        g = torch.Generator().manual_seed(1_000_003 * seed + i)
        kind = kinds[int(torch.randint(len(kinds), (), generator=g))]
        values = globals()[f"_{kind}"](size, g)  # [size, size] in 0..1
        images.append(_paint(values, g))
        chosen.append(kind)
    return to_uint8(torch.stack(images)), chosen


def _uniform(g, low, high):
    return low + (high - low) * torch.rand((), generator=g).item()


def _paint(values, g):
    """Numbers in 0..1 to colours, along a random palette: [3, size, size] in [-1, 1]."""
    count = int(torch.randint(3, 6, (), generator=g))
    base = torch.rand(1, 3, generator=g)
    palette = (base + 0.35 * torch.randn(count, 3, generator=g)).clamp(0, 1)
    place = values.clamp(0, 1) * (count - 1)
    low = place.floor().long().clamp(max=count - 2)
    mixed = torch.lerp(palette[low], palette[low + 1], (place - low)[..., None])  # [size, size, 3]
    shade = 0.06 * power_noise(len(values), g, 1.0)[..., None]
    return 2 * (mixed + shade).permute(2, 0, 1).clamp(0, 1) - 1


def power_noise(size, g, slope, direction=None, sharpness=0.0):
    """Noise whose waves get weaker as frequency^-slope: [size, size].

    Stronger along a direction; mean 0, deviation 1. It repeats without a seam.
    """
    fy, fx = torch.meshgrid(torch.fft.fftfreq(size), torch.fft.fftfreq(size), indexing="ij")
    frequency = (fx**2 + fy**2).sqrt().clamp(min=1 / size)
    amplitude = frequency**-slope
    if direction is not None:
        amplitude = amplitude * torch.exp(
            sharpness * (torch.cos(2 * (torch.atan2(fy, fx) - direction)) - 1)
        )
    amplitude[0, 0] = 0.0
    noise = torch.fft.ifft2(torch.fft.fft2(torch.randn(size, size, generator=g)) * amplitude).real
    return noise / noise.std()


def _clouds(size, g):
    return torch.sigmoid(
        1.2
        * power_noise(size, g, _uniform(g, 0.8, 2.2), _uniform(g, 0, math.pi), _uniform(g, 0, 3))
    )


def _grain(size, g):
    return torch.sigmoid(
        1.5
        * power_noise(size, g, _uniform(g, -0.2, 0.8), _uniform(g, 0, math.pi), _uniform(g, 0, 8))
    )


def _grid(size):
    return torch.meshgrid(torch.arange(size) / size, torch.arange(size) / size, indexing="ij")


def _nearest(size, count, g):
    """Distances to the nearest and second nearest of random points, and which it is.

    On a torus: [size, size] each.
    """
    y, x = _grid(size)
    points = torch.rand(count, 2, generator=g)
    dy, dx = (y[..., None] - points[:, 0]).abs(), (x[..., None] - points[:, 1]).abs()
    distance = torch.minimum(dy, 1 - dy) ** 2 + torch.minimum(dx, 1 - dx) ** 2
    two = distance.sqrt().topk(2, dim=-1, largest=False)
    return two.values[..., 0], two.values[..., 1], two.indices[..., 0]


def _cells(size, g):
    count = int(_uniform(g, 12, 90))
    near, second, which = _nearest(size, count, g)
    edge = ((second - near) * math.sqrt(count) / _uniform(g, 0.1, 0.5)).clamp(0, 1)
    return torch.rand(count, generator=g)[which] * edge


def _dots(size, g):
    count = int(_uniform(g, 12, 110))
    near, _, which = _nearest(size, count, g)
    inside = torch.sigmoid((_uniform(g, 0.2, 0.45) / math.sqrt(count) - near) * size / 1.5)
    return inside * (0.4 + 0.6 * torch.rand(count, generator=g)[which])


def _leaves(size, g):
    """Discs of many sizes fallen on each other."""
    y, x = _grid(size)
    values = torch.zeros(size, size)
    for _ in range(int(_uniform(g, 60, 160))):
        cy, cx, tone, stretch, turn = torch.rand(5, generator=g).tolist()
        radius = 0.02 + 0.1 * torch.rand((), generator=g).item() ** 2
        dy, dx = (y - cy + 0.5) % 1 - 0.5, (x - cx + 0.5) % 1 - 0.5
        c, s = math.cos(math.pi * turn), math.sin(math.pi * turn)
        values = torch.where(
            ((c * dx + s * dy) / (1 + stretch)) ** 2 + ((c * dy - s * dx) * (1 + stretch)) ** 2
            < radius**2,
            tone,
            values,
        )
    return values


def _waves(size, g):
    y, x = _grid(size)
    value = torch.zeros(size, size)
    for _ in range(int(torch.randint(1, 4, (), generator=g))):
        turn, count = _uniform(g, 0, math.pi), _uniform(g, 3, 14)
        warp = _uniform(g, 0, 0.5) * power_noise(size, g, 2.0)
        value = value + torch.sin(
            2 * math.pi * count * (math.cos(turn) * x + math.sin(turn) * y) + warp
        )
    return torch.sigmoid(_uniform(g, 1, 5) * value)


def _bricks(size, g):
    y, x = _grid(size)
    rows, cols = int(_uniform(g, 3, 10)), int(_uniform(g, 2, 6))
    row = (y * rows).floor()
    along = x * cols + 0.5 * (row % 2)
    tone = torch.rand(rows, cols + 1, generator=g)[row.long(), along.floor().long() % cols]
    # equally wide both ways, in units of a brick's length
    joint = torch.minimum((y * rows) % 1 * cols / rows, along % 1)
    wall = (0.35 + 0.65 * tone) * (joint > _uniform(g, 0.08, 0.2)) + 0.08 * power_noise(
        size, g, 0.8
    )
    return F.avg_pool2d(wall[None, None], 3, stride=1, padding=1, count_include_pad=False)[0, 0]
