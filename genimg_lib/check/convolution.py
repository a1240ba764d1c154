"""Checks of chapter 12, convolution."""

import torch
import torch.nn.functional as F

from genimg_lib.check.judge import Check, Property

_g = torch.Generator().manual_seed(12)


def _random(*shape):
    return torch.randn(*shape, generator=_g, dtype=torch.float64)


def _valid(x, k, **how):
    return F.conv2d(x[None, None], k[None, None], **how)[0, 0]


def _size(H, h, s, p, d):
    return (H + 2 * p - d * (h - 1) - 1) // s + 1


same_padding = Check(
    "same_padding",
    lambda h, d: d * (h - 1) // 2,
    [(1, 1), (3, 1), (5, 1), (3, 2), (7, 3)],
    {
        "right without dilation only: a dilated kernel spans d (h - 1) + 1 pixels.": lambda h, d: (
            (h - 1) // 2
        ),
        "this is the padding on both sides together; it is wanted for one.": lambda h, d: (
            d * (h - 1)
        ),
        "half the kernel, one too many where d is 2 or more: the span is d (h - 1) + 1, and half of what is beyond the middle counts.": lambda h, d: (
            d * h // 2
        ),
    },
)

output_size = Check(
    "output_size",
    _size,
    [(32, 3, 1, 1, 1), (32, 4, 2, 1, 1), (7, 4, 2, 1, 1), (15, 3, 2, 0, 2), (10, 5, 3, 2, 1)],
    {
        "the padding counts on both sides: 2p.": lambda H, h, s, p, d: (
            (H + p - d * (h - 1) - 1) // s + 1
        ),
        "dilation is left out.": lambda H, h, s, p, d: (H + 2 * p - h) // s + 1,
        "one too few: at the first place the kernel fits once already, before any step.": lambda H, h, s, p, d: (
            (H + 2 * p - d * (h - 1) - 1) // s
        ),
        "a size is a whole number: round down, a kernel that does not fit entirely gives no output.": lambda H, h, s, p, d: (
            (H + 2 * p - d * (h - 1) - 1) / s + 1
        ),
        "rounded up: a kernel that does not fit entirely gives no output.": lambda H, h, s, p, d: (
            -(-(H + 2 * p - d * (h - 1) - 1) // s) + 1
        ),
    },
)

convolve = Check(
    "convolve",
    lambda x, k: _valid(x, k.flip(0, 1)),
    [
        (_random(6, 7), _random(3, 2)),
        (_random(5, 5), _random(1, 4)),
        (_random(8, 6), _random(3, 3)),
    ],
    {
        "this is the cross-correlation, what conv2d computes. Turn the kernel by 180 degrees.": lambda x, k: (
            _valid(x, k)
        ),
        "the kernel is flipped along one axis only; both are wanted.": lambda x, k: _valid(
            x, k.flip(0)
        ),
        "the kernel is flipped along its columns only; both axes are wanted.": lambda x, k: _valid(
            x, k.flip(1)
        ),
        "transposed, not turned: k.T exchanges rows and columns.": lambda x, k: _valid(x, k.T),
    },
)


def _field(stack, first_jump_later=False):
    r = j = 1
    for h, s, d in stack:
        if first_jump_later:
            j *= s
        r += d * (h - 1) * j
        if not first_jump_later:
            j *= s
    return r


receptive_field = Check(
    "receptive_field",
    _field,
    [
        ([(3, 1, 1)] * 4,),
        ([(4, 2, 1), (4, 2, 1), (3, 1, 1)],),
        ([(3, 2, 2), (5, 1, 1), (2, 3, 1), (3, 1, 4)],),
        ([(1, 2, 1), (3, 1, 1)],),
    ],
    {
        "strides are ignored: after a layer of stride s neighbours are s times further apart.": lambda stack: (
            1 + sum(d * (h - 1) for h, _, d in stack)
        ),
        "the jump grows too early: a layer's own stride matters only for the layers after it.": lambda stack: (
            _field(stack, True)
        ),
        "dilation is ignored.": lambda stack: _field([(h, s, 1) for h, s, _ in stack]),
        "each layer adds d (h - 1) times the jump, not d h.": lambda stack: _field(
            [(h + 1, s, d) for h, s, d in stack]
        ),
    },
)


def _stamp(y, k, s, p):
    return F.conv_transpose2d(y[None, None], k[None, None], stride=s, padding=p)[0, 0]


conv_transpose = Check(
    "conv_transpose",
    _stamp,
    [
        (_random(3, 4), _random(3, 3), 2, 0),
        (_random(4, 4), _random(4, 4), 2, 1),
        (_random(2, 5), _random(2, 3), 3, 0),
        (_random(3, 3), _random(3, 3), 1, 1),
    ],
    {
        "this is a strided convolution: it makes the image smaller.": lambda y, k, s, p: _valid(
            y, k, stride=s, padding=p
        ),
        "the kernel was turned by 180 degrees. The transpose of a *correlation* stamps the kernel as it is.": lambda y, k, s, p: (
            _stamp(y, k.flip(0, 1), s, p)
        ),
        "the padding was not cut away: p rows and columns on each side go.": lambda y, k, s, p: (
            _stamp(y, k, s, 0)
        ),
        "stamps overwrite each other; where they overlap they add up.": lambda y, k, s, p: (
            _overwrite(y, k, s, p)
        ),
    },
)


def _overwrite(y, k, s, p):
    (H, W), (h, w) = y.shape, k.shape
    out = y.new_zeros((H - 1) * s + h, (W - 1) * s + w)
    for i in range(H):
        for j in range(W):
            out[i * s : i * s + h, j * s : j * s + w] = y[i, j] * k
    return out[p : out.shape[0] - p, p : out.shape[1] - p]


def _bilinear(x):
    u = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype) / 4
    padded = F.pad(x[None, None], (1, 1, 1, 1), mode="replicate")
    return F.conv_transpose2d(padded, (u[:, None] * u)[None, None], stride=2, padding=3)[0, 0]


def _smooth(answer):
    flat, ramp = (
        torch.ones(8, 8, dtype=torch.float64),
        torch.arange(8.0, dtype=torch.float64).expand(8, 8),
    )
    out = answer(flat)
    if not isinstance(out, torch.Tensor) or out.shape != (16, 16):
        return f"[8, 8] has to become [16, 16]; given {list(getattr(out, 'shape', []))}"
    if (out[4:12, 4:12] - 1).abs().max() > 1e-6:
        spread = (out[4:12, 4:12].max() - out[4:12, 4:12].min()).item()
        return (
            f"a flat area does not stay flat: it varies by {spread:.2g}. Which weights reach an even, which an odd place? Each set has to sum to 1."
            if spread > 1e-6
            else "a flat area stays flat, but at another level. The weights that reach one place have to sum to 1."
        )
    steps = torch.cat([answer(ramp)[8, 4:12].diff(), answer(ramp.T)[4:12, 8].diff()])
    if (steps - 0.5).abs().max() > 1e-6:
        return "a ramp does not stay a ramp: from one column (or row) to the next it should rise by 1/2 each time. Repeating pixels makes stairs."
    dot = torch.zeros(8, 8, dtype=torch.float64)
    dot[4, 4] = 1.0
    if answer(dot).max() > 1 - 1e-6:
        return "some outputs are mere copies of an input, so sharp and soft pixels take turns. Every output should mix its neighbours."
    return None


def _every_second_copied(x):
    padded = F.pad(x[None, None], (0, 1, 0, 1), mode="replicate")
    u = torch.tensor([0.5, 1.0, 0.5], dtype=x.dtype)
    return F.conv_transpose2d(padded, (u[:, None] * u)[None, None], stride=2, padding=1)[
        0, 0, :16, :16
    ]


upsample = Property(
    "upsample",
    _bilinear,
    _smooth,
    {
        "a ramp does not stay a ramp": lambda x: x.repeat_interleave(2, 0).repeat_interleave(2, 1),
        "a flat area does not stay flat": lambda x: _stamp(
            x, torch.ones(3, 3, dtype=x.dtype) / 9, 2, 0
        )[:16, :16],
        "at another level": lambda x: 4 * _bilinear(x),
        "has to become [16, 16]": lambda x: x,
        "mere copies": _every_second_copied,
    },
)
