"""How good is a filled hole? Judged where nothing was seen, and along its edge.

x_hat, x: images [N, C, H, W], floats in [-1, 1]. seen: bool [H, W] or [N, 1, H, W], True where a
pixel was known.
"""

import torch


def psnr_in_hole(x_hat, x, seen):
    """Decibels over hidden pixels alone, clipped to [-1, 1], per image: [N].

    Over the whole image they would rise as the hole gets smaller. Infinite where all are equal.
    Raises ValueError where an image has no hidden pixel.
    """
    hidden = _hidden(x, seen)
    squares = ((x_hat.clamp(-1, 1) - x).double().square() * hidden).flatten(1).sum(dim=1)
    return 10 * torch.log10(4 * hidden.flatten(1).sum(dim=1) / squares)


def seam(x, seen):
    """The mean step between a hidden pixel and a seen neighbour, in grey levels, per image: [N].

    To be held against that of the true image: more is a seam that is seen, much less is an edge
    that was blurred away.
    Raises ValueError where no hidden pixel has a seen neighbour.
    """
    hidden = _hidden(x, seen)
    steps, across = [], []
    for axis in (2, 3):
        one, other = (hidden.narrow(axis, k, hidden.shape[axis] - 1) for k in (0, 1))
        across.append((one != other).flatten(1))
        steps.append(x.diff(dim=axis).abs().flatten(1))
    steps, across = torch.cat(steps, dim=1), torch.cat(across, dim=1)
    if not across.any(dim=1).all():
        raise ValueError("expected holes with an edge: hidden pixels beside seen ones")
    return 127.5 * (steps * across).sum(dim=1) / across.sum(dim=1)


def _hidden(x, seen):
    """bool, like x."""
    seen = seen[None, None] if seen.dim() == 2 else seen
    if seen.dtype != torch.bool:
        raise TypeError(f"expected a mask of bool, True where a pixel is known, got {seen.dtype}")
    hidden = (~seen).expand_as(x)
    if not hidden.flatten(1).any(dim=1).all():
        raise ValueError("nothing is hidden in one of the images; there is no hole to judge")
    return hidden
