"""Portraits: cartoon faces drawn from known factors, at any resolution, from a seed.

A face is a stack of flat shapes. A shape is a signed distance function d(x, y): negative inside,
positive outside, in units of half the picture's width. A pixel's coverage is clamp(1/2 - d / pixel,
0, 1), so edges are crisp at 32 pixels and at 256. The picture spans [-1, 1] x [-1, 1], x to the
right, y downwards; all that belongs to the head lives in the head's own frame, moved by (`x`, `y`)
and turned by `tilt` about the neck.
"""

import torch

from genimg_lib.data.portraits.canvas import Canvas, box, circle, ellipse, stroke
from genimg_lib.data.portraits.factors import as_tensors, sample

_PIXELS_AT_ONCE = 1 << 16  # planes of this many floats stay in a core's cache


def _rgb(*hexes):
    return torch.tensor([[int(h[i : i + 2], 16) / 255 for i in (0, 2, 4)] for h in hexes])


_COLORS = {
    "background": _rgb("a9d6ee", "b5e2c4", "fbcbb0", "cfc0ee", "f3e2ad", "f5b8c6"),
    "skin": _rgb("fbe0d0", "f3c6a5", "dfa678", "b87a4e", "8a5433", "653c29"),
    "hair_color": _rgb("201a1e", "6b4023", "b8441f", "eec35a", "8f9198", "f4f1ec"),
    "eyes": _rgb("5a3418", "2a78d0", "23914a"),
    "outfit": _rgb("d63c3c", "2f62c4", "2c9a5b", "f4b62c", "7a49b4", "32323e"),
}
_INK = torch.tensor([0.13, 0.10, 0.13])
_WHITE = torch.tensor([1.0, 1.0, 1.0])
_LIP = torch.tensor([0.66, 0.17, 0.20])


# ------------------------------------------------------------------ parts of a face
# Each paints one part for all pictures of the canvas it is given. c.face holds, a row a picture:
# colours [B, 3] and
# hw, half the width of the head, [B, 1]. The head's height is 2 * 0.53.

_HH = 0.53
_SCALE = 1.14  # the head's frame is enlarged by this


def _egg(c, grow=0.0):
    """The head: an ellipse that narrows towards the chin."""
    return ellipse(c.x * (1 + 0.16 * c.y), c.y, c.face["hw"] + grow, _HH + grow)


def _backdrop(c):
    c.paint(
        circle(c.X, c.Y + 0.05, 0.78), c.face["background"] * 0.55 + 0.45, soft=0.5, opacity=0.75
    )


def _shoulders(c):
    X, Y, outfit = c.X - 0.5 * c.face["dx"], c.Y, c.face["outfit"]
    c.paint(box(X, Y - 1.22, 0.74, 0.52, 0.36), outfit)
    c.paint(box(X, Y - 1.30, 0.50, 0.52, 0.36), outfit * 0.88 + 0.12, soft=0.30, opacity=0.6)


def _neck(c):
    shade = c.face["skin"] * 0.80
    X = c.X - 0.6 * c.face["dx"]
    c.paint(box(X, c.Y - 0.66, 0.17, 0.20, 0.14), shade)
    c.paint(ellipse(X, c.Y - 0.76, 0.21, 0.10), shade)


def _head(c):
    skin, hw, x, y = c.face["skin"], c.face["hw"], c.x, c.y
    c.paint(ellipse(x.abs() - hw, y - 0.04, 0.085, 0.12), skin * 0.90)  # ears
    head = _egg(c)
    c.paint(head, skin)
    shade = ellipse(x + 0.12, y + 0.12, hw * 1.06, _HH * 1.06).neg()
    c.paint(shade, skin * 0.82, soft=0.16, opacity=0.75, within=head)  # light from the upper left
    cheek = skin * 0.72 + torch.tensor([0.28, 0.06, 0.08])
    c.paint(
        circle(x.abs() - 0.60 * hw, y - 0.18, 0.09), cheek, soft=0.13, opacity=0.65, within=head
    )


def _age(c):
    line = c.face["skin"] * 0.74
    c.paint(stroke(c.x, c.y + 0.285, 0.17, 0.015, 0.006), line, opacity=0.8)
    c.paint(
        stroke(c.x.abs() - 0.47 * c.face["hw"], c.y - 0.135, 0.07, -0.03, 0.006), line, opacity=0.8
    )
    c.paint(
        stroke(c.x.abs() - 0.52 * c.face["hw"], c.y - 0.30, 0.015, 0.10, 0.006), line, opacity=0.5
    )


def _eyes(c):
    x, y, ex = c.x.abs() - 0.44 * c.face["hw"], c.y - 0.02, 0.44 * c.face["hw"]
    c.paint(ellipse(x, y, 0.112, 0.105), _WHITE)
    c.paint(circle(x, y - 0.005, 0.080), c.face["eyes"])
    c.paint(circle(x, y - 0.005, 0.034), _INK)
    c.paint(circle(c.x - torch.where(c.x > 0, ex, -ex) + 0.026, y + 0.035, 0.019), _WHITE)
    c.paint(stroke(x, y + 0.105, 0.10, 0.045, 0.013), _INK, opacity=0.85)  # upper lid


def _brows(c):
    brow = c.face["hair_color"] * 0.86
    c.paint(stroke(c.x.abs() - 0.45 * c.face["hw"], c.y + 0.185, 0.105, 0.035, 0.027), brow)


def _nose(c):
    c.paint(ellipse(c.x, c.y - 0.155, 0.055, 0.045), c.face["skin"] * 0.78)
    c.paint(ellipse(c.x + 0.008, c.y - 0.135, 0.042, 0.040), c.face["skin"] * 0.94 + 0.05)


def _full_beard(c):
    hair, x, y = c.face["hair_color"], c.x, c.y
    around = torch.maximum(_egg(c, 0.035), ellipse(x, y + 0.12, c.face["hw"] * 0.86, 0.35).neg())
    c.paint(torch.maximum(around, 0.02 - y), hair * 0.90)
    c.paint(0.44 - y, hair, soft=0.08, opacity=0.6, within=_egg(c, 0.03))
    # a beard leaves the mouth free
    c.paint(ellipse(x, y - 0.335, 0.215, 0.110), c.face["skin"] * 0.96)


def _moustache(c):
    x = c.x.abs()
    c.paint(
        ellipse(x - 0.085, c.y - 0.212 - 0.5 * x * x, 0.125, 0.045), c.face["hair_color"] * 0.90
    )


def _lips(c):
    """The line of the mouth: dark red, darker on dark skin, so that it is seen at 32 pixels."""
    dark = (c.face["skin"].mean(dim=1, keepdim=True) < 0.45).float()
    return _LIP * (0.78 - 0.48 * dark)


def _smile(c):
    c.paint(stroke(c.x, c.y - 0.365, 0.16, -0.095, 0.027), _lips(c))


def _grin(c):
    half = torch.maximum(ellipse(c.x, c.y - 0.270, 0.205, 0.150), 0.270 - c.y)
    c.paint(half, _LIP * 0.75)
    c.paint(torch.maximum(half + 0.016, c.y - 0.350), _WHITE)


def _calm(c):
    c.paint(stroke(c.x, c.y - 0.325, 0.105, 0.0, 0.025), _lips(c))


def _surprised(c):
    c.paint(ellipse(c.x, c.y - 0.345, 0.085, 0.098), _lips(c))
    c.paint(ellipse(c.x, c.y - 0.345, 0.050, 0.066), _INK)


def _fringe(c, brim, temple=0.02, reach=0.10):
    """Hair on the scalp, down to the temples.

    Inside the grown head, outside an arch over the forehead that starts at y = `brim`.
    """
    arch = ellipse(c.x, c.y - brim - 0.55, c.face["hw"] * (1 - temple), 0.55)
    return torch.maximum(torch.maximum(_egg(c, 0.065), -arch), c.y - reach)


def _sheen(c, d):
    """A soft light across hair whose distance is d."""
    light = c.face["hair_color"] * 0.74 + 0.26
    arc = (ellipse(c.x + 0.10, c.y - 0.02, c.face["hw"] * 0.86, _HH * 0.86)).abs() - 0.02
    c.paint(torch.maximum(arc, c.y + 0.22), light, soft=0.09, opacity=0.5, within=d)


def _bald(c):
    c.paint(
        ellipse(c.x + 0.14, c.y + 0.36, 0.13, 0.055),
        c.face["skin"] * 0.5 + 0.5,
        soft=0.10,
        opacity=0.8,
    )


def _short(c):
    wave = 0.03 * torch.sin(14 * c.x)
    d = torch.minimum(
        _fringe(c, -0.30, reach=0.0), torch.maximum(_egg(c, 0.075), c.y + 0.30 + wave + 0.22 * c.x)
    )
    c.paint(d, c.face["hair_color"])
    _sheen(c, d)


def _curls(c, rx, ry, y0):
    angle = torch.atan2(c.y - y0, c.x)
    return ellipse(c.x, c.y - y0, rx, ry) - 0.035 * torch.cos(11 * angle)


def _curly_back(c):
    c.paint(_curls(c, c.face["hw"] + 0.19, 0.60, -0.13), c.face["hair_color"] * 0.84)


def _curly(c):
    arch = ellipse(c.x, c.y - 0.27, c.face["hw"] * 0.95, 0.54) + 0.022 * torch.cos(22 * c.x)
    d = torch.maximum(torch.maximum(_curls(c, c.face["hw"] + 0.17, 0.57, -0.13), -arch), c.y - 0.06)
    c.paint(d, c.face["hair_color"])
    _sheen(c, d)


def _bob_back(c):
    c.paint(box(c.x, c.y + 0.03, c.face["hw"] + 0.13, 0.55, 0.30), c.face["hair_color"] * 0.82)


def _bob(c):
    hw = c.face["hw"]
    cap = torch.maximum(_egg(c, 0.085), c.y + 0.215)
    sides = torch.maximum(box(c.x.abs() - hw - 0.015, c.y - 0.06, 0.105, 0.40, 0.09), -0.25 - c.y)
    d = torch.minimum(cap, sides)
    c.paint(d, c.face["hair_color"])
    _sheen(c, cap)


def _long_back(c):
    flare = c.face["hw"] + 0.12 + 0.10 * c.y.clamp(min=0)
    c.paint(box(c.x, c.y - 0.30, flare, 0.88, 0.36), c.face["hair_color"] * 0.82)


def _long(c):
    curtains = torch.maximum(
        torch.maximum(_egg(c, 0.085), c.y + 0.47 - 0.75 * (c.x + 0.08).abs()), c.y - 0.12
    )
    out = c.face["hw"] - 0.01 + 0.10 * c.y  # the locks fall outwards
    locks = box(c.x.abs() - out, c.y - 0.42, 0.085, 0.62, 0.08)
    c.paint(torch.minimum(curtains, locks), c.face["hair_color"])
    _sheen(c, curtains)


def _bunches_back(c):
    x, y, hair = c.x.abs() - c.face["hw"] - 0.17, c.y + 0.02, c.face["hair_color"]
    c.paint(ellipse(x, y - 0.10, 0.165, 0.25), hair * 0.84)
    c.paint(ellipse(x + 0.03, y - 0.06, 0.10, 0.17), hair, soft=0.10)


def _bunches(c):
    d = torch.maximum(_fringe(c, -0.42, temple=0.06, reach=-0.02), c.y + 0.44 - 0.62 * c.x.abs())
    c.paint(d, c.face["hair_color"])
    c.paint(circle(c.x.abs() - c.face["hw"] - 0.045, c.y + 0.10, 0.058), c.face["outfit"])
    _sheen(c, d)


def _round_glasses(c):
    x, y = c.x.abs() - 0.46 * c.face["hw"], c.y - 0.02
    _spectacles(c, circle(x, y, 0.165), 0.022)


def _square_glasses(c):
    x, y = c.x.abs() - 0.47 * c.face["hw"], c.y - 0.035
    _spectacles(c, box(x, y, 0.175, 0.135, 0.03), 0.034)


def _spectacles(c, lens, half_rim):
    x = c.x.abs()
    c.paint(lens, _WHITE, opacity=0.18)
    bridge = box(x, c.y + 0.0, 0.05, half_rim * 0.8, 0.005)
    temple = torch.maximum(box(x - c.face["hw"], c.y + 0.0, 0.14, half_rim * 0.8, 0.005), -lens)
    c.paint(
        torch.minimum(
            torch.minimum(lens.abs() - half_rim, bridge),
            torch.maximum(temple, x - c.face["hw"] - 0.03),
        ),
        _INK,
    )


def _beanie(c):
    color = c.face["outfit"]
    c.paint(circle(c.x, c.y + 0.74, 0.13), color * 0.55 + 0.45)
    crown = ellipse(c.x, c.y + 0.20, c.face["hw"] + 0.085, 0.50)
    c.paint(torch.maximum(crown, c.y + 0.24), color)
    ribs = torch.maximum(
        torch.maximum(crown, c.y + 0.24), 0.02 - 0.05 * (torch.cos(26 * c.x) + 0.4)
    )
    c.paint(ribs, color * 0.84, opacity=0.6)
    c.paint(box(c.x, c.y + 0.285, c.face["hw"] + 0.075, 0.075, 0.06), color * 0.55 + 0.45)


def _cap(c):
    color, hw = c.face["outfit"], c.face["hw"]
    crown = torch.maximum(ellipse(c.x, c.y + 0.22, hw + 0.06, 0.44), c.y + 0.26)
    c.paint(crown, color)
    c.paint(
        ellipse(c.x - 0.14, c.y + 0.24, hw, 0.40).neg(),
        color * 0.6 + 0.4,
        soft=0.08,
        opacity=0.5,
        within=crown,
    )
    c.paint(circle(c.x, c.y + 0.655, 0.035), color * 0.7)
    visor = torch.maximum(ellipse(c.x - 0.16, c.y + 0.225, hw + 0.17, 0.105), c.y + 0.215)
    c.paint(visor, color * 0.62)


def _sun_hat(c):
    color, hw = c.face["outfit"], c.face["hw"]
    crown = torch.maximum(ellipse(c.x, c.y + 0.28, hw - 0.015, 0.42), c.y + 0.28)
    c.paint(crown, color)
    c.paint(torch.maximum(crown, -0.40 - c.y), color * 0.30 + 0.66)  # the band
    brim = ellipse(c.x, c.y + 0.275, hw + 0.30, 0.095)
    c.paint(brim, color)
    c.paint(torch.maximum(brim, -0.255 - c.y), color * 0.78)


# what is painted, from back to front: the factor that chooses (None: painted for all), a part for
# each of its values, and the band of
# the picture, from top to bottom, that the parts can touch in any pose
_LAYERS = (
    (None, _backdrop, -1.0, 1.0),
    ("hair", (None, None, _curly_back, _bob_back, _long_back, _bunches_back), -1.0, 1.0),
    (None, _neck, 0.3, 1.0),
    (None, _shoulders, 0.6, 1.0),
    (None, _head, -0.75, 0.95),
    ("hair_color", (None, None, None, None, _age, _age), -0.5, 0.8),
    (None, _eyes, -0.3, 0.5),
    (None, _brows, -0.4, 0.2),
    (None, _nose, 0.0, 0.5),
    ("beard", (None, None, _full_beard), -0.2, 0.95),
    ("mouth", (_smile, _grin, _calm, _surprised), 0.15, 0.75),
    ("beard", (None, _moustache, _moustache), 0.05, 0.6),
    ("hair", (_bald, _short, _curly, _bob, _long, _bunches), -1.0, 1.0),
    ("glasses", (None, _round_glasses, _square_glasses), -0.35, 0.55),
    ("hat", (None, _beanie, _cap, _sun_hat), -1.0, 0.2),
)


def draw(factors, size=32):
    """The pictures of given factors.

    factors: {name: value}; a value is a name ("long"), a number, or a sequence or tensor of N of
        either. What is not given takes its first value ("none", "bald", ...), or 0 where it is
        continuous.
    Returns uint8 [N, 3, size, size].
    Raises ValueError for unknown names, values out of range, unequal lengths, size < 8.
    """
    return _in_parts(factors, size, _LAYERS)


def backdrop(factors, size=32):
    """What stands behind the portraits of given factors; arguments and result as for `draw`."""
    return _in_parts(factors, size, _LAYERS[:1])


def _in_parts(factors, size, layers):
    if size < 8:
        raise ValueError(
            f"size is {size}; portraits are drawn at 8 pixels or more (32 is the course's, 256 is"
            " lovely)"
        )
    factors = as_tensors(factors)
    n = len(factors["x"])
    images = torch.empty(n, 3, size, size, dtype=torch.uint8)
    at_once = max(1, _PIXELS_AT_ONCE // (size * size))
    for start in range(0, n, at_once):
        part = {name: v[start : start + at_once] for name, v in factors.items()}
        images[start : start + at_once] = _draw(part, size, layers)
    return images


def render(n, size=32, seed=0):
    """n portraits from a seed: (images uint8 [n, 3, size, size], factors {name: [n]}).

    Same n, size and seed: same bytes.
    """
    factors = sample(n, seed)
    return draw(factors, size), factors


def _draw(factors, size, layers):
    n, pixel = len(factors["x"]), 2 / size
    axis = (torch.arange(size) + 0.5) * pixel - 1
    # [n, size * size]
    X, Y = axis.repeat(size)[None].expand(n, -1), axis.repeat_interleave(size)[None].expand(n, -1)
    dx, dy = 0.10 * factors["x"][:, None], 0.11 + 0.06 * factors["y"][:, None]
    angle = factors["tilt"].double()[:, None] * (12 * torch.pi / 180)
    cos, sin = (angle.cos() / _SCALE).float(), (angle.sin() / _SCALE).float()
    px, py = X - dx, Y - dy - 0.5  # turned about the neck, 0.5 below the middle of the head
    x, y = cos * px + sin * py, cos * py - sin * px + 0.5 / _SCALE
    face = {name: table[factors[name]] for name, table in _COLORS.items()}
    face |= {"hw": 0.445 + 0.055 * factors["width"][:, None], "dx": dx}
    canvas = Canvas(
        face["background"][:, :, None].repeat(1, 1, size * size), X, Y, x, y, face, pixel
    )
    for name, parts, top, bottom in layers:
        band = canvas.band(top, bottom)
        for value, part in enumerate(parts if name else ()):
            if part is not None:
                band.only((factors[name] == value).nonzero()[:, 0], part)
        if name is None:
            parts(band)
    return (canvas.rgb.clamp_(0, 1) * 255).round_().to(torch.uint8).view(n, 3, size, size)
