"""Answers to the exercises on a style-based generator, in several styles."""

import torch
import torch.nn.functional as F
from answer_table import right, wrong

# ---------------------------------------------------------------- 25


@right("style_based_gan.truncated")
def _(w, mean, psi):
    return torch.lerp(mean.expand_as(w), w, psi)


@right("style_based_gan.truncated")
def _(w, mean, psi):
    return psi * w + (1 - psi) * mean


@wrong("style_based_gan.truncated", r"towards 0")
def _(w, mean, psi):
    return w * psi


@right("style_based_gan.mixed")
def _(w_a, w_b, cut, depth):
    rows = []
    for a, b, c in zip(w_a, w_b, cut.tolist(), strict=True):
        rows.append(torch.stack([a] * c + [b] * (depth - c)))
    return torch.stack(rows)


@right("style_based_gan.mixed")
def _(w_a, w_b, cut, depth):
    from_a = (torch.arange(depth)[None] < cut[:, None]).float()[:, :, None]
    return from_a * w_a[:, None] + (1 - from_a) * w_b[:, None]


@wrong("style_based_gan.mixed", r"one layer too many")
def _(w_a, w_b, cut, depth):
    w = w_a[:, None].repeat(1, depth, 1)
    for n, c in enumerate(cut.tolist()):
        w[n, c + 1 :] = w_b[n]
    return w


@right("style_based_gan.modulated")
def _(x, W, s):
    n, wide, height, width = x.shape
    own = s[:, None, :, None, None] * W
    own = own * (own.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    y = F.conv2d(
        x.reshape(1, n * wide, height, width),
        own.flatten(0, 1),
        padding=W.shape[-1] // 2,
        groups=n,
    )
    return y.view(n, len(W), height, width)


@wrong("style_based_gan.modulated", r"not demodulated")
def _(x, W, s):
    return F.conv2d(torch.einsum("nihw,ni->nihw", x, s), W, padding="same")


@right("style_based_gan.gain")
def _(alpha):
    return (0.5 + 0.5 * alpha * alpha) ** -0.5


@wrong("style_based_gan.gain", r"for ReLU")
def _(alpha):
    return 2**0.5


@right("style_based_gan.orthogonal")
def _(W):
    rows = W.reshape(len(W), -1)
    off = (rows @ rows.T) * (1 - torch.eye(len(W)))
    return torch.linalg.matrix_norm(off) ** 2


@wrong("style_based_gan.orthogonal", r"lengths of the filters")
def _(W):
    rows = W.reshape(len(W), -1)
    return ((rows @ rows.T - torch.eye(len(W))) ** 2).sum()


@right("style_based_gan.readable")
def _(points, y, new_points, new_y):
    centre, level = points.mean(dim=0), y.mean()
    weights = torch.linalg.pinv(points - centre) @ (y - level)
    error = new_y - level - (new_points - centre) @ weights
    return 1 - error.square().mean() / (new_y - level).square().mean()


@wrong("style_based_gan.readable", r"constant is missing")
def _(points, y, new_points, new_y):
    guess = new_points @ torch.linalg.lstsq(points, y[:, None]).solution[:, 0]
    return 1 - (new_y - guess).square().sum() / (new_y - y.mean()).square().sum()


@right("style_based_gan.gain")
def _(alpha):
    return torch.nn.init.calculate_gain("leaky_relu", alpha)


@right("style_based_gan.orthogonal")
def _(W):
    rows = [row.flatten() for row in W]
    pairs = [(o, p) for o in range(len(rows)) for p in range(o)]
    return 2 * sum((rows[o] @ rows[p]) ** 2 for o, p in pairs)


@wrong("style_based_gan.modulated", r"spread of what came out")
def _(x, W, s):
    return F.instance_norm(F.conv2d(x * s[:, :, None, None], W, padding="same"))


@wrong("style_based_gan.modulated", r"divides 0 by 0")
def _(x, W, s):
    own = s[:, None, :, None, None] * W
    power = own.square().sum(dim=(2, 3, 4))
    return F.conv2d(x * s[:, :, None, None], W, padding="same") / power.sqrt()[:, :, None, None]


@wrong("style_based_gan.readable", r"forgive a constant error")
def _(points, y, new_points, new_y):
    A = torch.nn.functional.pad(points, (0, 1), value=1.0)
    B = torch.nn.functional.pad(new_points, (0, 1), value=1.0)
    error = new_y - B @ torch.linalg.lstsq(A, y[:, None]).solution[:, 0]
    return 1 - error.var() / new_y.var()
