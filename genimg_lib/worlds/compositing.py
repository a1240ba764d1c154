"""One picture laid over another: light adds up, the numbers of a file don't.

Colours of files are sRGB, in [0, 1] here; `to_light` gives light, which is what mixes. Source:
IEC 61966-2-1; Porter and Duff 1984, "Compositing Digital Images".
"""

import torch
import torch.nn.functional as F


def to_light(colour):
    """sRGB in [0, 1] to light in [0, 1], any shape."""
    low = colour / 12.92
    return torch.where(colour <= 0.04045, low, ((colour + 0.055) / 1.055).clamp(min=0) ** 2.4)


def to_colour(light):
    """Light in [0, 1] to sRGB in [0, 1], any shape: the inverse of `to_light`."""
    root = light.clamp(min=1e-12) ** (1 / 2.4)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * root - 0.055)


def over(front, alpha, back):
    """A front over a back, mixed as light: sRGB [..., 3, H, W] in [0, 1].

    alpha: [..., 1, H, W] in [0, 1], how much of the back the front hides. front: its own colour,
    not multiplied by alpha.
    Raises ValueError for an alpha outside of [0, 1].
    """
    if not ((alpha >= 0) & (alpha <= 1)).all():
        raise ValueError(
            f"expected alpha in [0, 1], got {alpha.min().item():.3g} to {alpha.max().item():.3g}"
        )
    return to_colour(alpha * to_light(front) + (1 - alpha) * to_light(back))


def matted(on_one, on_other, one, other):
    """Front and alpha from pictures of the same thing before two known backs: (front, alpha).

    on_one, on_other: [..., 3, H, W] in [0, 1]. one, other: the backs, alike, different everywhere.
    Raises ValueError where the backs are the same.
    The front is 0 where alpha is 0. Mixed as numbers, as `data.portraits` draws; see `over` for
    light.
    Source: Smith and Blinn 1996, "Blue Screen Matting", theorem 3.
    """
    apart = one - other
    squares = apart.square().sum(dim=-3, keepdim=True)
    if not (squares > 1e-6).all():
        raise ValueError("expected two backs that differ everywhere, got the same colour")
    kept = ((on_one - on_other) * apart).sum(dim=-3, keepdim=True) / squares
    alpha = (1 - kept).clamp(0, 1)
    front = (on_one - (1 - alpha) * one) / alpha.clamp(min=1e-3)
    return torch.where(alpha > 0, front.clamp(0, 1), 0.0), alpha


def shrunk(front, alpha, factor):
    """Front and alpha averaged over squares of `factor` pixels: (front, alpha).

    A front counts as much as its alpha: what is hidden does not bleed into the edge.
    """
    small = F.avg_pool2d(alpha, factor)
    weighed = F.avg_pool2d(front * alpha, factor)
    return weighed / small.clamp(min=1e-6), small


def homography(points, onto):
    """The projective map that takes four points to four others: float64 [3, 3].

    points, onto: [4, 2], (x, y) each, no three of them on a line.
    Its last entry is 1. Two equations a point, linear in the eight unknown entries.
    Raises ValueError where three points lie on a line.
    Source: Hartley and Zisserman 2004, section 4.1.
    """
    rows, right = [], []
    for (x, y), (u, v) in zip(points.tolist(), onto.tolist(), strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        right += [u, v]
    matrix = torch.tensor(rows, dtype=torch.float64)
    if torch.linalg.matrix_rank(matrix) < 8:
        raise ValueError(f"expected no three points on a line, got {points.tolist()}")
    found = torch.linalg.solve(matrix, torch.tensor(right, dtype=torch.float64))
    return torch.cat([found, torch.ones(1, dtype=torch.float64)]).view(3, 3)


def warped(image, onto, size):
    """An image [C, h, w] laid with its corners on four points of a picture: ([C, H, W], alpha).

    onto: [4, 2], (x, y) in pixels, for the corners upper left, upper right, lower right, lower
    left. size: (H, W). alpha [1, H, W]: 1 inside, 0 outside, between on the edge.
    Each pixel is looked up where it comes from, at four times the size, and averaged: without that
    a slanted edge is a staircase.
    """
    _, h, w = image.shape
    corners = torch.tensor([[0, 0], [w, 0], [w, h], [0, h]], dtype=torch.float64)
    fine = 4
    back = torch.linalg.inv(homography(corners, onto.double() * fine))
    rows, columns = (torch.arange(fine * n, dtype=torch.float64) + 0.5 for n in size)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    place = torch.stack([x, y, torch.ones_like(x)], dim=-1) @ back.T
    xy = place[..., :2] / place[..., 2:]
    scaled = 2 * xy / torch.tensor([w, h]) - 1
    inside = ((scaled.abs() <= 1).all(dim=-1) & (place[..., 2] > 0))[None, None].float()
    grid = scaled.float()[None]
    found = F.grid_sample(image[None], grid, padding_mode="border", align_corners=False)
    front, alpha = shrunk(found, inside, fine)
    return front[0], alpha[0]
