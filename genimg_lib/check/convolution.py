"""Checks of notebook 12, convolution."""

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check, Property
from genimg_lib.check.wording import what_is

# ---------------------------------------------------------------- sizes


def _same_padding(h, d):
    return d * (h - 1) // 2


same_padding = Check(
    "same_padding",
    _same_padding,
    drawn(lambda half, d: (2 * half + 1, d), count=30, half=(0, 4), d=(1, 5)),
    {
        "right without dilation only: a dilated kernel spans d (h - 1) + 1 pixels.": lambda h, d: (
            (h - 1) // 2
        ),
        "this is the padding on both sides together; it is wanted for one.": lambda h, d: (
            d * (h - 1)
        ),
        "half the kernel, too many where d is 2 or more: the span is d (h - 1) + 1, and half "
        "of what is beyond the middle counts.": lambda h, d: d * h // 2,
        "half of d h, with its fraction; the span is d (h - 1) + 1, and half of what is beyond the "
        "middle counts.": lambda h, d: d * h / 2,
        "the middle pixel was counted too: half of d (h - 1) + 1, rounded up. Pad what is beyond "
        "the middle.": lambda h, d: (d * (h - 1) + 2) // 2,
        "the dilation is added; it multiplies the gaps, d (h - 1).": lambda h, d: (
            (h - 1) // 2 + d - 1
        ),
    },
)


def _size(H, h, s, p, d):
    return (H + 2 * p - d * (h - 1) - 1) // s + 1


def _fitting(H, h, s, p, d):
    return (H, h, s, p, d) if d * (h - 1) < H + 2 * p else None


output_size = Check(
    "output_size",
    _size,
    [
        (32, 3, 1, 1, 1),
        (32, 4, 2, 1, 1),
        (7, 4, 2, 1, 1),
        (15, 3, 2, 0, 2),
        *drawn(_fitting, count=20, H=(4, 20), h=(1, 5), s=(1, 3), p=(0, 2), d=(1, 3)),
    ],
    {
        "the padding counts on both sides: 2p.": lambda H, h, s, p, d: (
            (H + p - d * (h - 1) - 1) // s + 1
        ),
        "dilation is left out.": lambda H, h, s, p, d: (H + 2 * p - h) // s + 1,
        "one too few: at the first place the kernel fits once already, before any "
        "step.": lambda H, h, s, p, d: (H + 2 * p - d * (h - 1) - 1) // s,
        "a size is a whole number: round down, a kernel that does not fit entirely gives no "
        "output.": lambda H, h, s, p, d: (H + 2 * p - d * (h - 1) - 1) / s + 1,
        "rounded up: a kernel that does not fit entirely gives no output.": lambda H, h, s, p, d: (
            -(-(H + 2 * p - d * (h - 1) - 1) // s) + 1
        ),
    },
)


def _field(stack, own_stride_first=False):
    r = j = 1
    for h, s, d in stack:
        j = j * s if own_stride_first else j
        r += d * (h - 1) * j
        j = j if own_stride_first else j * s
    return r


def _stack(seed, layers, kernel, stride, dilation):
    """Layers of sizes up to these, drawn."""
    rows = zip(
        inputs.integers(seed, kernel + 1, layers, low=1).tolist(),
        inputs.integers(seed + 1, stride + 1, layers, low=1).tolist(),
        inputs.integers(seed + 2, dilation + 1, layers, low=1).tolist(),
        strict=True,
    )
    return (list(rows),)


receptive_field = Check(
    "receptive_field",
    _field,
    [
        ([(3, 1, 1)],),
        ([(3, 1, 1)] * 4,),
        ([(3, 2, 1), (3, 1, 1)],),
        ([(3, 1, 2)],),
        ([(4, 2, 1), (4, 2, 1), (3, 1, 1)],),
        ([(3, 2, 2), (5, 1, 1), (2, 3, 1), (3, 1, 4)],),
        *drawn(
            _stack,
            count=14,
            seed=(0, 9),
            layers=(1, 4),
            kernel=(1, 5),
            stride=(1, 3),
            dilation=(1, 3),
        ),
    ],
    {
        "strides are ignored: after a layer of stride s neighbours are s times further "
        "apart.": lambda stack: 1 + sum(d * (h - 1) for h, _, d in stack),
        "the jump grows too early: a layer's own stride matters only for the layers after "
        "it.": lambda stack: _field(stack, True),
        "dilation is ignored.": lambda stack: _field([(h, s, 1) for h, s, _ in stack]),
        "each layer adds d (h - 1) times the jump, not d h.": lambda stack: _field(
            [(h + 1, s, d) for h, s, d in stack]
        ),
        "begun at 0: a single pixel sees itself, so the field begins at 1.": lambda stack: (
            _field(stack) - 1
        ),
        "the last layer first: strides count for the layers *after* them, and the first layer "
        "stands first.": lambda stack: _field(stack[::-1]),
        "the jump is the last stride alone; the strides of all layers before "
        "multiply.": lambda stack: (
            1
            + sum(d * (h - 1) * (stack[k - 1][1] if k else 1) for k, (h, _, d) in enumerate(stack))
        ),
        "the strides are added; they multiply.": lambda stack: (
            1
            + sum(
                d * (h - 1) * (1 + sum(s - 1 for _, s, _ in stack[:k]))
                for k, (h, _, d) in enumerate(stack)
            )
        ),
    },
)

# ---------------------------------------------------------------- convolution


def _valid(x, k, **how):
    return F.conv2d(x[None, None], k[None, None], **how)[0, 0]


def _image_and_kernel(seed, height, width, h, w):
    if h > height or w > width:
        return None
    return inputs.normal(seed, height, width), inputs.normal(seed + 1, h, w)


def _by_loops(x, k):
    (H, W), (h, w) = x.shape, k.shape
    out = x.new_zeros(H - h + 1, W - w + 1)
    for i in range(H - h + 1):
        for j in range(W - w + 1):
            for a in range(h):
                for b in range(w):
                    out[i, j] += k[a, b] * x[i + h - 1 - a, j + w - 1 - b]
    return out


def _around(x, k):
    """(1) word by word: Python's negative places are those at the end."""
    out = x.new_zeros(x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for a in range(k.shape[0]):
                for b in range(k.shape[1]):
                    out[i, j] += k[a, b] * x[i - a, j - b]
    return out


def _one_too_few(x, k):
    out = _valid(x, k.flip(0, 1)).clone()
    out[-1], out[:, -1] = 0, 0
    return out


convolve = Check(
    "convolve",
    lambda x, k: _valid(x, k.flip(0, 1)),
    [
        (torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[1.0, 3.0]])),
        (torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[1.0], [3.0]])),
        (inputs.normal(21, 6, 7), inputs.normal(22, 3, 2)),
        (inputs.normal(23, 5, 5), inputs.normal(24, 1, 4)),
        (inputs.normal(25, 8, 6), inputs.normal(26, 3, 3)),
        *drawn(
            _image_and_kernel, count=8, seed=(0, 9), height=(1, 5), width=(1, 5), h=(1, 3), w=(1, 3)
        ),
    ],
    {
        "this is the cross-correlation, what conv2d computes. Turn the kernel by 180 "
        "degrees.": lambda x, k: _valid(x, k),
        "the kernel is flipped along its rows' axis only; both are wanted.": lambda x, k: _valid(
            x, k.flip(0)
        ),
        "the kernel is flipped along its columns' axis only; both are wanted.": lambda x, k: _valid(
            x, k.flip(1)
        ),
        "transposed, not turned: k.T exchanges rows and columns.": (
            lambda x, k: _valid(x, k.T),
            lambda x, k: _valid(x, k.T.flip(0, 1)),
        ),
        "turned by 90 degrees; it is 180.": (
            lambda x, k: _valid(x, k.rot90()),
            lambda x, k: _valid(x, k.rot90(-1)),
        ),
        "padded: only places where the kernel fits are wanted, [H - h + 1, W - w + "
        "1].": lambda x, k: F.conv2d(
            x[None, None], k.flip(0, 1)[None, None], padding=(len(k) // 2, k.shape[1] // 2)
        )[0, 0],
        "two axes of length 1 are left over from conv2d: take [0, 0].": lambda x, k: F.conv2d(
            x[None, None], k.flip(0, 1)[None, None]
        ),
        "x[i - a, j - b] with i - a below 0 is a place at the *end* of the image. The first output "
        "is (x * k)[h - 1, w - 1].": _around,
        "the last row and the last column are left at 0: there are H - h + 1 rows.": _one_too_few,
        "the image is turned by 180 degrees, and so is the result: turn the kernel.": (
            lambda x, k: _valid(x.flip(0, 1), k)
        ),
        "the image is turned as well: the result is turned by 180 degrees.": lambda x, k: _valid(
            x.flip(0, 1), k.flip(0, 1)
        ),
    },
    forms=(_by_loops,),
)


def _stamp(y, k, s, p):
    return F.conv_transpose2d(y[None, None], k[None, None], stride=s, padding=p)[0, 0]


def _stamps(seed, height, width, h, w, s, p):
    """Stamps with something left after the cut."""
    if min(s * (height - 1) + h, s * (width - 1) + w) <= 2 * p:
        return None
    return inputs.normal(seed, height, width), inputs.normal(seed + 1, h, w), s, p


def _overwrite(y, k, s, p):
    (H, W), (h, w) = y.shape, k.shape
    out = y.new_zeros((H - 1) * s + h, (W - 1) * s + w)
    for i in range(H):
        for j in range(W):
            out[i * s : i * s + h, j * s : j * s + w] = y[i, j] * k
    return out[p : out.shape[0] - p, p : out.shape[1] - p]


def _by_stamps(y, k, s, p):
    (H, W), (h, w) = y.shape, k.shape
    out = y.new_zeros(s * (H - 1) + h, s * (W - 1) + w)
    for i in range(H):
        for j in range(W):
            out[s * i : s * i + h, s * j : s * j + w] += y[i, j] * k
    return out[p : out.shape[0] - p, p : out.shape[1] - p]


def _shared(y, k, s, p):
    """The mean of the stamps where they overlap."""
    counts = _stamp(torch.ones_like(y), torch.ones_like(k), s, p)
    return _stamp(y, k, s, p) / counts.clamp(min=1)


def _cut_off(y, k, s, p, before, after):
    full = _stamp(y, k, s, 0)
    return full[before : full.shape[0] - after, before : full.shape[1] - after]


conv_transpose = Check(
    "conv_transpose",
    _stamp,
    [
        (torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 3.0]]), 1, 0),
        (inputs.normal(31, 3, 4), inputs.normal(32, 3, 3), 2, 0),
        (inputs.normal(33, 4, 4), inputs.normal(34, 4, 4), 2, 1),
        (inputs.normal(35, 2, 5), inputs.normal(36, 2, 3), 3, 0),
        (inputs.normal(37, 3, 3), inputs.normal(38, 3, 3), 1, 1),
        (inputs.normal(39, 4, 5), inputs.normal(40, 4, 3), 2, 2),
        (inputs.normal(41, 3, 3), inputs.normal(42, 5, 5), 3, 3),
        *drawn(
            _stamps,
            count=10,
            seed=(0, 9),
            height=(1, 3),
            width=(1, 3),
            h=(1, 4),
            w=(1, 4),
            s=(1, 3),
            p=(0, 2),
        ),
    ],
    {
        "this is a strided convolution: it makes the image smaller.": lambda y, k, s, p: _valid(
            y, k, stride=s, padding=p
        ),
        "the kernel was turned by 180 degrees. The transpose of a *correlation* stamps the kernel "
        "as it is.": lambda y, k, s, p: _stamp(y, k.flip(0, 1), s, p),
        "the padding was not cut away: p rows and columns on each side go.": lambda y, k, s, p: (
            _stamp(y, k, s, 0)
        ),
        "stamps overwrite each other; where they overlap they add up.": _overwrite,
        "the padding was cut away at the beginning only: p rows and columns on *each* side "
        "go.": lambda y, k, s, p: _stamp(y, k, s, 0)[p:, p:],
        "[p:-p] is empty where p is 0: nothing is left. Cut up to the length minus "
        "p.": lambda y, k, s, p: _stamp(y, k, s, 0)[p:-p, p:-p],
        "the mean of the stamps where they overlap; they add up.": _shared,
        "2p rows and columns go on one side and none on the other; p on *each*.": (
            lambda y, k, s, p: _cut_off(y, k, s, p, 2 * p, 0),
            lambda y, k, s, p: _cut_off(y, k, s, p, 0, 2 * p),
        ),
        "one row and column goes on each side, whatever p is.": lambda y, k, s, p: _cut_off(
            y, k, s, p, min(p, 1), min(p, 1)
        ),
        "the stamps stand 1 apart; they stand s apart.": lambda y, k, s, p: _stamp(y, k, 1, p),
        "the kernel was transposed: it is stamped as it is.": lambda y, k, s, p: _stamp(
            y, k.T, s, p
        ),
    },
    forms=(_by_stamps,),
)

# ---------------------------------------------------------------- upsampling


def _bilinear(x):
    u = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype) / 4
    padded = F.pad(x[None, None], (1, 1, 1, 1), mode="replicate")
    return F.conv_transpose2d(padded, (u[:, None] * u)[None, None], stride=2, padding=3)[0, 0]


def _smooth(ask):
    ramp = torch.arange(8.0).expand(8, 8)
    return _flat(ask(torch.ones(8, 8))) or _ramp(ask(ramp), ask(ramp.T)) or _mixed(ask)


def _flat(out):
    if not isinstance(out, torch.Tensor):
        return f"expected a tensor [16, 16], got {what_is(out)}"
    if out.shape != (16, 16):
        return f"expected [16, 16], got {list(out.shape)}"
    middle = out[4:12, 4:12].double()
    spread = (middle.max() - middle.min()).item()
    if spread > 1e-4:
        return (
            f"a flat area does not stay flat: it varies by {spread:.2g}. Which weights reach an "
            "even, which an odd place? Each set has to sum to 1."
        )
    if (middle - 1).abs().max() > 1e-4:
        return (
            f"a flat area stays flat, but at another level: 1 becomes {middle[0, 0]:.4g}. The "
            "weights that reach one place have to sum to 1."
        )
    return None


def _ramp(across, down):
    both = {"column": across[8, 4:12].diff().double(), "row": down[4:12, 8].diff().double()}
    for which, steps in both.items():
        if ((steps - 0.5).abs() < 1e-3).all():
            continue
        if (steps - 7 / 15).abs().max() < 1e-3:
            return (
                "a ramp rises by 7/15, not by 1/2: the corners are aligned (align_corners=True), "
                "so that 7 steps are stretched over 15."
            )
        shown = ", ".join(f"{s:.3g}" for s in steps[:4].tolist())
        stairs = all(round(s, 3) in (0, 1) for s in steps.tolist()) and 1 in steps.round()
        return (
            f"a ramp does not stay a ramp: from one {which} to the next it should rise by 1/2 each "
            f"time; here it rises by {shown}.{' Repeating pixels makes stairs.' if stairs else ''}"
        )
    return None


def _mixed(ask):
    dot = torch.zeros(8, 8)
    dot[4, 4] = 1.0
    if ask(dot).max() > 1 - 1e-4:
        return (
            "some outputs are mere copies of an input, so sharp and soft pixels take turns. Every "
            "output should mix its neighbours."
        )
    x = inputs.normal(39, 8, 8)
    first, second = ask(x), ask(2 * x)
    if (second - 2 * first).abs().max() > 1e-3:
        return "it is no fixed kernel: twice the image does not give twice the result."
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
        "expected [16, 16], got [8, 8]": lambda x: x,
        "mere copies": _every_second_copied,
        "no fixed kernel": lambda x: _bilinear(x).clamp(min=-1),
    },
)
