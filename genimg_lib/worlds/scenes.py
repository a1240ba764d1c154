"""Landscapes in layers, from a seed: the farther a layer, the less it moves with the eye."""

import math
from typing import NamedTuple

import torch

from genimg_lib.data.textures import power_noise


class Layer(NamedTuple):
    """One layer of a scene.

    front: sRGB [3, H, W] in [0, 1]; alpha: [1, H, W]. Both repeat from their right side to their
    left one. speed: how far it moves for each pixel that the eye does, 0 for a sky.
    """

    front: torch.Tensor
    alpha: torch.Tensor
    speed: float


# hours of a day: the sky above and at the horizon, the sun, the near ground
_HOURS = (
    ((0.35, 0.60, 0.90), (0.80, 0.90, 0.97), (1.00, 0.97, 0.85), (0.27, 0.45, 0.22)),
    ((0.25, 0.22, 0.45), (0.98, 0.62, 0.42), (1.00, 0.88, 0.55), (0.20, 0.22, 0.20)),
    ((0.42, 0.62, 0.72), (0.96, 0.88, 0.74), (1.00, 0.98, 0.92), (0.48, 0.42, 0.22)),
    ((0.05, 0.07, 0.20), (0.22, 0.28, 0.45), (0.92, 0.94, 0.98), (0.07, 0.10, 0.13)),
)


def scene(seed=0, height=128, width=256, hills=4):
    """A landscape: its layers from the sky to the front, a list of `Layer`.

    hills: layers of them; each nearer one is lower, darker, rougher, and moves faster.
    Raises ValueError for fewer than 1, and for a picture smaller than 16x16.
    """
    if hills < 1 or min(height, width) < 16:
        raise ValueError(f"expected 1 hill and 16x16 pixels or more, got {hills}, {height}x{width}")
    g = torch.Generator().manual_seed(seed)
    above, horizon, sun, ground = (
        torch.tensor(colour) for colour in _HOURS[int(torch.randint(len(_HOURS), (), generator=g))]
    )
    layers = [_sky(height, width, above, horizon, sun, g)]
    for k in range(hills):
        near = (k + 1) / hills
        tint = torch.lerp(horizon * 0.85, ground, near**0.8)
        layers.append(_hills(height, width, tint, near, g))
    return layers


def _sky(height, width, above, horizon, sun, g):
    y = torch.linspace(0, 1, height)[:, None]
    x = torch.linspace(0, 1, width)[None]
    front = torch.lerp(above.view(3, 1, 1), horizon.view(3, 1, 1), (y**0.8).expand(1, -1, width))
    place_x, place_y = 0.2 + 0.6 * torch.rand(2, generator=g)
    away = torch.hypot((x - place_x) * width / height, y - 0.55 * place_y)
    disc = torch.sigmoid((0.06 - away) * height / 1.5)
    glow = 0.5 * torch.exp(-((away / 0.22) ** 2))
    light = (disc + (1 - disc) * glow)[None]
    front = torch.lerp(front, sun.view(3, 1, 1).expand_as(front), light)
    return Layer(front, torch.ones(1, height, width), 0.0)


def _hills(height, width, tint, near, g):
    ridge = 0.85 - 0.42 * (1 - near) + _ridge(width, g) * (0.05 + 0.06 * (1 - near))  # [width]
    y = torch.linspace(0, 1, height)[:, None]
    alpha = ((y - ridge[None]) * height + 0.5).clamp(0, 1)[None]
    grain = power_noise(max(height, width), g, 1.2)[:height, :width]
    depth = (y - ridge[None]).clamp(0, 0.4)
    shade = 1 + 0.10 * near * grain - 0.5 * depth
    front = (tint.view(3, 1, 1) * shade[None]).clamp(0, 1)
    return Layer(front, alpha, 0.1 + 0.9 * near**2)


def _ridge(width, g):
    """A line of hills that ends as it begins: [width], about -1 to 1."""
    x = 2 * math.pi * torch.arange(width) / width
    line = torch.zeros(width)
    for wave in range(1, 12):
        phase, height = torch.rand(2, generator=g)
        line = line + (0.3 + height) / wave**1.3 * torch.sin(wave * x + 2 * math.pi * phase)
    return line / line.abs().max()


def moved(layer, pixels):
    """A layer's front and alpha as the eye sees them that went `pixels` to the right.

    Whole pixels; what leaves on one side comes in on the other.
    """
    shift = -round(layer.speed * pixels)
    return layer.front.roll(shift, dims=2), layer.alpha.roll(shift, dims=2)
