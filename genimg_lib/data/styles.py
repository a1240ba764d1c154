"""Pictures to take a style from: five that a program draws, and six paintings.

The drawn ones are endless and need no download; `fetch` knows the paintings.
"""

import math
from pathlib import Path

import torch

from genimg_lib.data import fetch, photos
from genimg_lib.data.convert import to_uint8
from genimg_lib.data.textures import power_noise
from genimg_lib.errors import DataError

DRAWN = ("strokes", "mosaic", "woodcut", "hatching", "dots")
PAINTINGS = {
    "great_wave": "hokusai_great_wave_1831.jpg",
    "minotaur": "turner_wreck_minotaur.jpg",
    "starry_night": "vangogh_starry_night_1889.jpg",
    "scream": "munch_the_scream_1893.jpg",
    "composition_vii": "kandinsky_composition_vii_1913.jpg",
    "water_lilies": "monet_water_lilies_1919.jpg",
}


def draw(name, size=256, seed=0):
    """A style drawn from a seed: uint8 [3, size, size].

    What it shows grows with the size, as in a photograph taken from nearer.

    name: of `DRAWN`.
    size: 32 or more.
    Raises ValueError for another name or size.
    """
    if name not in DRAWN:
        raise ValueError(f"unknown style {name!r}; drawn are {', '.join(DRAWN)}")
    if not isinstance(size, int) or size < 32:
        raise ValueError(f"size is {size!r}; give a whole number of pixels, 32 or more")
    g = torch.Generator().manual_seed(seed)
    return to_uint8(2 * globals()[f"_{name}"](size, g).clamp(0, 1) - 1)


def open_style(name, size=256):
    """A style by its name or its file: uint8 [3, H, W].

    A drawn one at size x size, a painting or a picture file as it is.
    Raises DataError where there is no such style or file, naming what there is.
    """
    if name in DRAWN:
        return draw(name, size)
    if name in PAINTINGS:
        return photos.open_image(fetch.fetch("paintings", only=(PAINTINGS[name],))[PAINTINGS[name]])
    if not Path(name).expanduser().is_file():
        raise DataError(
            f"there is no style {str(name)!r}: neither a picture file, nor drawn"
            f" ({', '.join(DRAWN)}), nor a painting ({', '.join(PAINTINGS)})"
        )
    return photos.open_image(Path(name).expanduser())


# ------------------------------------------------------------------ what the styles share


def _palette(colors, place):
    """Colours along a list of them: place [...] in 0..1 -> [..., 3]."""
    colors = torch.tensor([[int(c[k : k + 2], 16) / 255 for k in (0, 2, 4)] for c in colors])
    place = place.clamp(0, 1) * (len(colors) - 1)
    low = place.floor().long().clamp(max=len(colors) - 2)
    return torch.lerp(colors[low], colors[low + 1], (place - low)[..., None])


def _even(field):
    """A field whose values are spread evenly over 0..1: each becomes its rank."""
    rank = torch.empty(field.numel())
    rank[field.flatten().argsort()] = torch.linspace(0, 1, field.numel())
    return rank.view_as(field)


def _grid(size):
    """Places in pixels, y and x: [size, size] each."""
    return torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")


def _edge(distance):
    """1 where a distance in pixels is positive, 0 where it is negative, half a pixel soft."""
    return (distance + 0.5).clamp(0, 1)


def _whirls(size, g, count=5):
    """Angles of a current that turns about some centres, and how near the nearest is.

    Both [size, size]; 1 is at a centre, 0 far away.
    """
    y, x = _grid(size)
    slow = power_noise(size, g, 2.6)
    dy, dx = (torch.gradient(slow, dim=k)[0] * size for k in (0, 1))
    along_y, along_x, near = 0.05 * dx, -0.05 * dy - 0.35, torch.zeros(size, size)
    for _ in range(count):
        cy, cx, radius = (
            *(size * torch.rand(2, generator=g)).tolist(),
            size * (0.07 + 0.12 * torch.rand((), generator=g).item()),
        )
        ry, rx = (y - cy) / radius, (x - cx) / radius
        weight = torch.exp(-(ry**2 + rx**2) / 2)
        along_y, along_x, near = (
            along_y + 3 * weight * rx,
            along_x - 3 * weight * ry,
            torch.maximum(near, weight),
        )
    return torch.atan2(along_y, along_x), near


# ------------------------------------------------------------------ styles


def _strokes(size, g):
    """Short thick brush strokes along a current with whirls, night blue with lights in it."""
    angle, near = _whirls(size, g)
    tone = 0.75 * _even(power_noise(size, g, 1.8))
    light = (near - 0.35).clamp(0, 1) / 0.65
    canvas = torch.lerp(
        _palette(["101d42", "1d3f7f"], tone),
        _palette(["f2cf4f", "fff8d8"], light),
        (4 * light).clamp(0, 1)[..., None],
    )
    length, width = size / 22, size / 100
    count = int(5.5 * size * size / (4 * length * width))
    places = (size * torch.rand(count, 2, generator=g)).tolist()
    reach = math.ceil(length + 2)
    for y, x in places:
        i, j = int(y), int(x)
        wobble = torch.randn(6, generator=g).tolist()
        turn = angle[i, j].item() + 0.12 * wobble[0]
        top, left, bottom, right = (
            max(0, i - reach),
            max(0, j - reach),
            min(size, i + reach),
            min(size, j + reach),
        )
        dy = torch.arange(top, bottom)[:, None] + 0.5 - y
        dx = torch.arange(left, right)[None] + 0.5 - x
        along, across = (
            math.cos(turn) * dx + math.sin(turn) * dy,
            math.cos(turn) * dy - math.sin(turn) * dx,
        )
        across = across + 0.15 * wobble[1] * along**2 / length
        long, wide = length * (0.8 + 0.15 * wobble[2]), width * (1 + 0.2 * wobble[3])
        inside = _edge(wide - across.abs()) * _edge(long - along.abs() - 0.6 * across.abs())
        if light[i, j] > 0.02 + 0.3 * abs(wobble[4]):
            color = _palette(
                ["5b8f9e", "c9c06a", "f2cf4f", "fbeea0", "fff8d8"], light[i, j] + 0.08 * wobble[5]
            )
        else:
            color = _palette(
                ["0f1a3c", "1b3c80", "2d62ab", "5b93c4", "9cc3cf"],
                tone[i, j] + 0.1 + 0.13 * wobble[5],
            )
        # ridges of paint, lit from one side
        bristles = 0.05 * torch.sin(across * (2.4 * 100 / size) + wobble[0]) + 0.07 * across / wide
        window = canvas[top:bottom, left:right]
        window.copy_(torch.lerp(window, color + bristles[..., None], inside[..., None]))
    return canvas.permute(2, 0, 1)


def _mosaic(size, g):
    """Tiles of glass and stone in rows that follow each other's curves, with dark joints."""
    count = 620
    points = torch.rand(count, 2, generator=g)
    y, x = (v / size for v in _grid(size))
    places = torch.stack([y, x], dim=-1).view(-1, 2)
    coarse = torch.rand(24_000, 2, generator=g)
    for _ in range(12):  # Lloyd's rounds: each point moves to the middle of what is nearest to it
        nearest = _distances(coarse, points).argmin(dim=1)
        total = torch.zeros(count, 2).index_add_(0, nearest, coarse)
        number = torch.bincount(nearest, minlength=count).clamp(min=1)
        points = torch.where(
            torch.bincount(nearest, minlength=count)[:, None] > 0, total / number[:, None], points
        )
    two = [_distances(part, points).topk(2, dim=1, largest=False) for part in places.split(8_192)]
    distance, which = torch.cat([t.values for t in two]), torch.cat([t.indices for t in two])
    first, second = points[which[:, 0]], points[which[:, 1]]
    # to the joint, in pixels
    gap = (
        (distance[:, 1].square() - distance[:, 0].square())
        / (2 * (second - first).norm(dim=1).clamp(min=1e-6))
        * size
    )
    field = _even(power_noise(size, g, 2.2))
    at = (points * size).long().clamp(0, size - 1)
    tone = field[at[:, 0], at[:, 1]] + 0.07 * torch.randn(count, generator=g)
    tiles = _palette(["12355b", "1b6f8a", "3fb0a5", "e9e3c8", "e8b84a", "c8502d", "6e1f2b"], tone)
    tiles = tiles * (1 + 0.08 * torch.randn(count, 1, generator=g))
    slope = ((places - first) * size / (size / math.sqrt(count))).sum(dim=1)  # lit from above
    shine = -0.12 * slope[:, None] + 0.03 * power_noise(size, g, 0.5).view(-1, 1)
    inside = _edge(gap - 0.009 * size / 2)[:, None]
    return (
        torch.lerp(
            torch.tensor([0.13, 0.11, 0.12]).expand(size * size, 3),
            tiles[which[:, 0]] + shine,
            inside,
        )
        .view(size, size, 3)
        .permute(2, 0, 1)
    )


def _distances(places, points):
    return torch.cdist(places, points, compute_mode="donot_use_mm_for_euclid_dist")


def _woodcut(size, g):
    """Waves cut in wood and printed in three blues on paper.

    The cut lines swell and taper.
    """
    y, x = (v / size for v in _grid(size))
    warp, tone = power_noise(size, g, 2.4), _even(power_noise(size, g, 2.2))
    wave = 0.05 * torch.sin(2 * math.pi * (2.2 * x + 0.35 * warp)) + 0.075 * warp
    height = 7 * (y + wave)
    crest, within = height.floor(), height - height.floor()
    lines = torch.sin(2 * math.pi * (5 * within + 0.2 * warp))
    swell = 1.5 * (tone - 0.5) + 0.9 * (within - 0.45)
    ink = torch.sigmoid((lines + 1.6 * swell) * size / 26)
    colors = _palette(
        ["f3ead3", "f3ead3", "b9d0d6", "6f9fbe", "2f5f93", "16315f"], tone * 0.8 + 0.1 * (crest % 2)
    )
    print_ = torch.lerp(
        torch.tensor([0.95, 0.92, 0.83]).expand(size, size, 3),
        colors * 0.55 + 0.45 * torch.tensor([0.08, 0.17, 0.36]),
        ink[..., None],
    )
    foam = torch.sigmoid((0.10 + 0.05 * power_noise(size, g, 1.2) - within) * size / 5)
    outline = torch.exp(-(((within - 0.13 - 0.05 * warp.clamp(-1, 1)) * size / 15) ** 2))
    print_ = torch.lerp(
        print_, torch.tensor([0.97, 0.95, 0.88]).expand(size, size, 3), foam[..., None]
    )
    print_ = torch.lerp(
        print_, torch.tensor([0.07, 0.13, 0.29]).expand(size, size, 3), outline[..., None]
    )
    return (print_ + 0.015 * power_noise(size, g, 0.3)[..., None]).permute(2, 0, 1)


def _hatching(size, g):
    """Ink drawn with a pen: the darker, the more layers of lines cross each other."""
    y, x = _grid(size)
    tone = _even(power_noise(size, g, 2.0) + 0.4 * power_noise(size, g, 1.2))
    paper = (
        torch.tensor([0.96, 0.93, 0.86]).expand(size, size, 3)
        + 0.012 * power_noise(size, g, 0.4)[..., None]
    )
    wobble = power_noise(size, g, 2.2)
    step = size / 46
    for k, (turn, dark) in enumerate([(0.9, 0.12), (-0.6, 0.42), (0.15, 0.62), (1.45, 0.8)]):
        across = math.cos(turn) * y - math.sin(turn) * x + 0.5 * step * wobble
        line = (across / step).floor()
        jitter = torch.rand(4_096, generator=g)[line.long() % 4_096]
        offset = ((across / step) - line - 0.5 + 0.25 * (jitter - 0.5)).abs() * step
        pressure = (tone - dark) * 2.2 + 0.12 * power_noise(size, g, 1.5)
        width = (size / 256) * (0.15 + 1.25 * pressure.clamp(0, 1)) * (pressure > 0)
        ink = _edge(width - offset) * (pressure > 0)
        color = torch.tensor(
            [[0.12, 0.10, 0.14], [0.20, 0.13, 0.12], [0.12, 0.10, 0.14], [0.45, 0.13, 0.10]]
        )[k]
        paper = torch.lerp(paper, color.expand(size, size, 3), 0.92 * ink[..., None])
    return paper.permute(2, 0, 1)


def _dots(size, g):
    """Dots of pure colour beside each other, which mix in the eye of whoever steps back."""
    field, other = _even(power_noise(size, g, 2.1)), _even(power_noise(size, g, 1.6))
    canvas = _palette(["f6e7c8", "e9d3b9"], field)
    radius = size / 95
    warm, cool = (
        ["2b2a6c", "7a3b8f", "d2527f", "f08a4b", "f9c74f", "fdf0c0"],
        [
            "f2a65a",
            "3aa6a0",
            "2f6fb3",
            "7b4fa3",
            "e4572e",
            "2f6fb3",
        ],
    )
    for layer in range(3):
        n = int(0.9 * size * size / (math.pi * radius**2))
        places = size * torch.rand(n, 2, generator=g)
        at = places.long().clamp(0, size - 1)
        place = field[at[:, 0], at[:, 1]] + 0.09 * torch.randn(n, generator=g)
        odd = (
            torch.rand(n, 1, generator=g) < 0.06 + 0.22 * (other[at[:, 0], at[:, 1]] > 0.6)[:, None]
        )
        colors = torch.where(
            odd, _palette(cool, place), _palette(warm, place)
        ) + 0.03 * torch.randn(n, 1, generator=g)
        reach = math.ceil(radius * 1.3 + 1)
        for (y, x), color, r in zip(
            places.tolist(),
            colors,
            (radius * (0.75 + 0.5 * torch.rand(n, generator=g)) * (1.15 - 0.15 * layer)).tolist(),
            strict=True,
        ):
            top, left, bottom, right = (
                max(0, int(y) - reach),
                max(0, int(x) - reach),
                min(size, int(y) + reach),
                min(size, int(x) + reach),
            )
            away = (
                (torch.arange(top, bottom)[:, None] + 0.5 - y) ** 2
                + (torch.arange(left, right)[None] + 0.5 - x) ** 2
            ).sqrt()
            window = canvas[top:bottom, left:right]
            window.copy_(torch.lerp(window, color.expand_as(window), _edge(r - away)[..., None]))
    return canvas.permute(2, 0, 1)
