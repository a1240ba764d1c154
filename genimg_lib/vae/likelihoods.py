"""Likelihoods p(x|z): what a decoder gives. Each has `log_prob(x)`, in nats [N], and `mean`."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.layers import check_floats, holds

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
LEVELS = 256  # of a pixel


class Bernoulli:
    """Independent black-or-white pixels: x in {0, 1}, logits of any shape [N, ...]."""

    def __init__(self, logits):
        self.logits = logits

    @property
    def mean(self):
        """The probability of white, [N, ...], in 0..1."""
        return torch.sigmoid(self.logits)

    def log_prob(self, x):
        """log p(x|z) = sum over pixels of x l - log(1 + e^l), in nats per image: [N].

        Raises ValueError for pixels outside 0..1, which have no probability.
        """
        x = x.to(self.logits)
        if not holds((x >= 0) & (x <= 1)):
            raise ValueError(
                f"expected pixels in 0..1, got {x.min():g} to {x.max():g};"
                " images in [-1, 1] are (x + 1) / 2"
            )
        return (
            -F.binary_cross_entropy_with_logits(self.logits, x, reduction="none")
            .flatten(1)
            .sum(dim=1)
        )


class Gaussian:
    """Independent Gaussian pixels with one standard deviation.

    mean: [N, ...].
    log_sigma: a scalar tensor or float.
    """

    def __init__(self, mean, log_sigma):
        self.mean, self.log_sigma = mean, torch.as_tensor(log_sigma, device=mean.device)

    def log_prob(self, x):
        """log p(x|z) in nats per image: [N].

        - sum over pixels of (x - mean)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2.
        Raises TypeError for whole numbers, which are no images in [-1, 1].
        """
        check_floats(x)
        error = (x - self.mean).square() * torch.exp(-2 * self.log_sigma)
        return -(0.5 * error + self.log_sigma + HALF_LOG_2PI).flatten(1).sum(dim=1)


class DiscretizedLogistic:
    """Pixels of 256 levels, each with the logistic probability of its own interval.

    P(k) is the logistic distribution's mass on the interval around 2k/255 - 1; the two outermost
    intervals reach to infinity, so the probabilities of the 256 levels sum to 1.
    mean: [N, ...], in the units of images, [-1, 1].
    log_scale: of the distribution, a tensor that broadcasts with mean, or a float.
    Source: Kingma et al. 2016 (arXiv:1606.04934), section 2.5 of the appendix; Salimans et al.
    2017 (arXiv:1701.05517), equation 2.
    """

    def __init__(self, mean, log_scale):
        self.mean, self.log_scale = mean, torch.as_tensor(log_scale, device=mean.device)

    def log_prob(self, x):
        """log P(x|z), in nats per image: [N]. x: images in [-1, 1], rounded to a level first.

        Raises TypeError for whole numbers, ValueError for images outside [-1, 1].
        """
        check_floats(x)
        if not holds(x.abs() <= 1 + 1e-3):
            raise ValueError(f"expected images in [-1, 1], got {x.min():g} to {x.max():g}")
        half = 1 / (LEVELS - 1)
        level = ((x + 1) * (LEVELS - 1) / 2).round()
        away = level * 2 * half - 1 - self.mean
        inverse = torch.exp(-self.log_scale)
        upper, lower = (away + half) * inverse, (away - half) * inverse
        # log(sigmoid(upper) - sigmoid(lower)), stable in both tails
        width = torch.log(-torch.expm1(lower - upper))
        inside = F.logsigmoid(upper) + F.logsigmoid(-lower) + width
        first = F.logsigmoid(upper)
        last = F.logsigmoid(-lower)
        log_p = torch.where(level == 0, first, torch.where(level == LEVELS - 1, last, inside))
        return log_p.flatten(1).sum(dim=1)


def bits_per_dimension(log_prob, dimensions, width=None):
    """Nats per image as bits per number: what a lossless code of the image would need.

    log_prob: log P(x) of images of 256 levels in nats, or log p(x) of a density: any shape.
    dimensions: numbers an image, C H W.
    width: for a density, the distance of two levels in its units: 2 / 255 for images in [-1, 1].
        The density should have been fitted to images with uniform noise of that width
        (`dequantize`): then the result is an upper bound of a code's length.
    Returns bits, of the shape of log_prob; below 8 is better than no model at all.
    Source: Theis et al. 2015 (arXiv:1511.01844), section 3.1.
    """
    per_number = log_prob / dimensions
    if width is not None:
        per_number = per_number + math.log(width)
    return -per_number / math.log(2)


def dequantize(x, u):
    """Images of 256 levels with uniform noise between the levels: x + (2 / 255) (u - 1/2).

    x: [N, C, H, W] in [-1, 1]. u: uniform in [0, 1], of that shape. A density fitted to such
    images bounds a code's length (`bits_per_dimension`); one fitted to the levels themselves may
    be as large as one likes, by spikes at each level.
    Raises TypeError for whole numbers.
    Source: Uria et al. 2013 (arXiv:1306.0186), section 5.1; Theis et al. 2015.
    """
    check_floats(x)
    return x + 2 / (LEVELS - 1) * (u - 0.5)
