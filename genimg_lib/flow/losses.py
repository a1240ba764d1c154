"""What a network of a flow says, and how its errors count: data, noise or velocity.

says, counts: "x" (the data), "eps" (the noise) or "v" (the velocity of the path). One guess in
three ways: an error e in x is an error -(alpha / sigma) e in eps and
(d_alpha - alpha d_sigma / sigma) e in v, so each way of counting is a weight on the others.
"""

import torch

from genimg_lib.errors import unknown
from genimg_lib.flow.paths import STRAIGHT, per_image

KINDS = ("x", "eps", "v")


def guess_loss(net, x, eps, t, says="x", counts="v", path=STRAIGHT, floor=0.1, c=None):
    """The mean squared error of a guess, counted as an error in `counts`: a scalar.

    net(x_t, t) or net(x_t, t, c): its guess of what it `says`, like x.
    floor: the least sigma, and the least alpha, that an error is divided by.
    DDPM's simple loss is says = counts = "eps", with no division at all; that of `matching_loss`
    is says = "x", counts = "v".
    Raises ValueError for other kinds and where the guess has another shape, and as `Path.mix` does.
    Source: Ho et al. 2020 (arXiv:2006.11239), equation 14; Salimans and Ho 2022
        (arXiv:2202.00512), section 4, for v on a circle.
    """
    _check(says), _check(counts)
    x_t = path.mix(x, eps, t)
    said = (net(x_t, t) if c is None else net(x_t, t, c)).to(x.dtype)
    if said.shape != x.shape:
        raise ValueError(f"expected a guess {list(x.shape)}, got {list(said.shape)}")
    targets = {"x": x, "eps": eps, "v": path.velocity(x, eps, t)}
    error = said - targets[says]
    if says != counts:
        error = error * per_image(error_ratio(says, counts, t, path, floor), x)
    return error.square().mean()


def error_ratio(says, counts, t, path=STRAIGHT, floor=0.0):
    """By how much an error in what is said grows when it is counted otherwise: like t.

    floor: the least alpha or sigma in a division.
    """
    alpha, sigma, d_alpha, d_sigma = (part(t) for part in path)
    turned = (d_alpha * sigma - alpha * d_sigma).abs()  # of v, times sigma
    per_x = {  # (numerator, denominator) of the error by one of x
        "x": (torch.ones_like(t), torch.ones_like(t)),
        "eps": (alpha, sigma),
        "v": (turned, sigma),
    }
    (top, bottom), (top_said, bottom_said) = per_x[_check(counts)], per_x[_check(says)]
    if bottom is bottom_said:  # sigma over sigma
        bottom, bottom_said = torch.ones_like(t), torch.ones_like(t)
    return top * bottom_said / (bottom.clamp(min=floor) * top_said.clamp(min=floor))


def x_from(says, said, x_t, t, path=STRAIGHT, floor=0.05):
    """What was said, as a guess of x, also at the ends of the path: like x_t.

    floor: the least alpha that is divided by, where noise was said; so, near t = 0, where it says
        nothing of x, what comes out is not too long.
    """
    if _check(says) == "x":
        return said
    alpha, sigma, d_alpha, d_sigma = (part(per_image(t, x_t)) for part in path)
    if says == "eps":
        return (x_t - sigma * said) / alpha.clamp(min=floor)
    return (sigma * said - d_sigma * x_t) / (d_alpha * sigma - alpha * d_sigma)


def as_denoiser(net, says, path=STRAIGHT, floor=0.05):
    """A network that says `says` as one that says x: (x_t, t) or (x_t, t, c) -> x_hat."""
    _check(says)

    def guess(x_t, t, *c):
        return x_from(says, net(x_t, t, *c).to(x_t.dtype), x_t, t, path, floor)

    return guess


def _check(kind):
    if kind not in KINDS:
        raise unknown("guess", kind, KINDS)
    return kind
