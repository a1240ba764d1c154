"""Noise, in the units that papers give it in, and pixels that a network is not shown."""

import torch

LEVEL = 2 / 255  # one of 255 grey levels, in images in [-1, 1]
STRONGEST = 75  # grey levels of noise, the most that the course's denoisers learn


def noisy(x, sigma, generator=None):
    """Images with white Gaussian noise, beyond [-1, 1] where it carries them there.

    x: [N, C, H, W] in [-1, 1]. sigma: the standard deviation in the units of x, a number of 0 or
        more or one for each image, [N]: 25 grey levels are 25 * LEVEL.
    Raises ValueError for a sigma that is negative, not finite or of another shape.
    """
    sigma = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    if sigma.dim() > 1 or (sigma.dim() == 1 and len(sigma) != len(x)):
        raise ValueError(f"expected one sigma or {len(x)}, got shape {list(sigma.shape)}")
    if not (sigma.isfinite().all() and (sigma >= 0).all()):
        raise ValueError(f"expected sigma of 0 or more, got {sigma.tolist()}")
    eps = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return x + sigma.view(-1, 1, 1, 1) * eps


def blind_spots(y, share=0.02, generator=None):
    """Images in which a share of the pixels shows a neighbour instead: (images, hidden).

    A network that is asked for the hidden pixels cannot copy them: it has to guess each from what
    stands around it.
    y: [N, C, H, W], H and W at least 5. share: of the pixels, above 0 and below 1; those are left
        out again whose neighbour is hidden as well.
    hidden: bool [N, 1, H, W]. The neighbour is one of the 5x5 around a pixel, never itself.
    Raises ValueError for another share, or images that are too small.
    Source: Krull et al. 2019, Noise2Void (arXiv:1811.10980), section 3.4.
    """
    n, _, h, w = y.shape
    if not 0 < share < 1:
        raise ValueError(f"expected a share above 0 and below 1, got {share}")
    if min(h, w) < 5:
        raise ValueError(f"expected images of 5x5 pixels or more, got {h}x{w}")
    hidden = torch.rand(n, 1, h, w, generator=generator, device=y.device) < share
    # of the 24 places around the middle one
    place = torch.randint(24, (n, h, w), generator=generator, device=y.device)
    place = place + (place >= 12)
    rows = torch.arange(h, device=y.device).view(1, h, 1) + place // 5 - 2
    columns = torch.arange(w, device=y.device).view(1, 1, w) + place % 5 - 2
    rows = _back_inside(rows, h)
    columns = _back_inside(columns, w)
    of_image = torch.arange(n, device=y.device).view(n, 1, 1)
    # whose neighbour is hidden itself is shown as it is: no hidden number is seen anywhere
    hidden = hidden & ~hidden[of_image, 0, rows, columns][:, None]
    neighbours = y[of_image, :, rows, columns].permute(0, 3, 1, 2)
    return torch.where(hidden, neighbours, y), hidden


def _back_inside(index, length):
    """Indices that step over an edge, mirrored at it: the edge's own pixel is not repeated."""
    index = index.abs()
    return torch.where(index >= length, 2 * (length - 1) - index, index)
