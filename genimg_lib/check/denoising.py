"""Checks of notebook 63, denoising."""

import itertools

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _in_units(levels, low, high):
    return levels * (high - low) / 255


def _ranges(levels, lows, widths):
    low = float(-lows)
    return float(levels), low, low + (1.0, 2.0, 255.0, 5.0)[widths]


in_units = Check(
    "in_units",
    _in_units,
    [
        (25.0, -1.0, 1.0),
        (25.0, 0.0, 1.0),
        (25.0, 0.0, 255.0),
        *drawn(_ranges, count=12, levels=(1, 75), lows=(0, 2), widths=(0, 3)),
    ],
    {
        "there are 255 steps from black to white, not 256.": lambda s, a, b: s * (b - a) / 256,
        "right for [0, 1] only: the width of the range is missing.": lambda s, a, b: s / 255,
        "a deviation isn't a grey value: low is not added.": lambda s, a, b: s * (b - a) / 255 + a,
        "the width of the range is high - low.": (
            lambda s, a, b: s * b / 255,
            lambda s, a, b: s * (b + a) / 255,
        ),
        "divide by 255: 255 levels are the whole range.": lambda s, a, b: s * (b - a),
        "turned over: this says how many levels a deviation is.": lambda s, a, b: 255 * s / (b - a),
        "this is the variance; wanted is the standard deviation.": lambda s, a, b: (
            (s * (b - a) / 255) ** 2
        ),
        "levels are not changed here.": lambda s, a, b: s,
        "a deviation isn't squared.": lambda s, a, b: s**2 * (b - a) / 255,
        "a wider range makes a level larger: multiply by high - low.": lambda s, a, b: s / (b - a),
    },
)


def _blurred(x, h):
    return torch.fft.ifft(torch.fft.fft(x) * torch.fft.fft(h)).real


def _beside_zeros(x, h):
    """h * x where the row doesn't wrap around."""
    n = len(x)
    distance = torch.arange(n)[:, None] - torch.arange(n)
    near = distance.abs() <= n // 2
    return torch.where(near, h[distance % n], 0.0) @ x


def _bias(x, h):
    return (_blurred(x, h) - x).square().mean()


def _average_error(x, h, sigma):
    return _bias(x, h) + sigma**2 * h.square().sum()


def _row(seed, n, tenths):
    x = inputs.normal(seed, 4 + n, dtype=torch.float64)
    h = inputs.uniform(seed + 1, 4 + n, low=0.1, dtype=torch.float64)
    h = h + h.flip(0).roll(1)  # the same to the left and to the right
    return x, h / h.sum(), tenths / 10


average_error = Check(
    "average_error",
    _average_error,
    drawn(_row, count=14, seed=(0, 9), n=(0, 4), tenths=(1, 15)),
    {
        "the blur is missing: squares come before the mean, or errors cancel.": lambda x, h, s: (
            s**2 * h.square().sum()
        ),
        "the noise that is left is missing.": lambda x, h, s: _bias(x, h),
        "weights sum to 1; their squares don't, and these weigh the noise.": lambda x, h, s: (
            _bias(x, h) + s**2 * h.sum()
        ),
        "variances add, so sigma counts squared.": lambda x, h, s: (
            _bias(x, h) + s * h.square().sum()
        ),
        "standard deviations don't add; square the weights, not their sum.": lambda x, h, s: (
            _bias(x, h) + s**2 * h.square().sum().sqrt()
        ),
        "an error a pixel is a mean, this is a sum.": (
            lambda x, h, s: len(x) * _average_error(x, h, s),
            lambda x, h, s: len(x) * _bias(x, h) + s**2 * h.square().sum(),
        ),
        "the noise of every pixel is counted: divide by D, as for a mean.": lambda x, h, s: (
            _bias(x, h) + len(x) * s**2 * h.square().sum()
        ),
        "the picture that is missed is x, not 0.": lambda x, h, s: (
            _blurred(x, h).square().mean() + s**2 * h.square().sum()
        ),
        "this is the root; wanted is the squared error.": lambda x, h, s: _average_error(
            x, h, s
        ).sqrt(),
        "the row wraps around; here zeros stand beside it.": lambda x, h, s: (
            (_beside_zeros(x, h) - x).square().mean() + s**2 * h.square().sum()
        ),
        "h * x is a convolution, not a product pixel by pixel.": lambda x, h, s: (
            (h * x - x).square().mean() + s**2 * h.square().sum()
        ),
        "the blurred row is shifted by a pixel.": lambda x, h, s: (
            (_blurred(x, h).roll(1) - x).square().mean() + s**2 * h.square().sum()
        ),
        "the squared weights are summed, not averaged.": lambda x, h, s: (
            _bias(x, h) + s**2 * h.square().mean()
        ),
        "h[0] is the weight of the pixel itself; here the middle one is.": lambda x, h, s: (
            (_blurred(x, h.roll(-(len(h) // 2))) - x).square().mean() + s**2 * h.square().sum()
        ),
    },
)


def _by_gain(y, gain):
    return torch.fft.ifft2(gain * torch.fft.fft2(y)).real


def _wiener(y, S, sigma):
    return _by_gain(y, S / (S + sigma**2))


def _waves(seed, n, side, fifths):
    f = torch.fft.fftfreq(side + 2, dtype=torch.float64) * (side + 2)
    S = 3 / (1 + f[:, None] ** 2 + 2 * f**2)
    return inputs.normal(seed, n, side + 2, side + 2, dtype=torch.float64), S, fifths / 5


wiener = Check(
    "wiener",
    _wiener,
    drawn(_waves, count=12, seed=(0, 9), n=(1, 2), side=(0, 4), fifths=(1, 9)),
    {
        "powers are compared: sigma squared.": lambda y, S, s: _by_gain(y, S / (S + s)),
        "S is a power already; it isn't squared.": lambda y, S, s: _by_gain(
            y, S**2 / (S**2 + s**2)
        ),
        "this keeps the noise: the gain is near 1 where S is large.": lambda y, S, s: _by_gain(
            y, s**2 / (S + s**2)
        ),
        "a root too many: (5) has no roots.": lambda y, S, s: _by_gain(y, (S / (S + s**2)).sqrt()),
        "the gain belongs to frequencies, not to pixels.": lambda y, S, s: y * S / (S + s**2),
        "fft2 puts the frequency 0 first, and so does S: no fftshift.": lambda y, S, s: _by_gain(
            y, torch.fft.fftshift(S / (S + s**2))
        ),
        "1 - sigma^2 / S is below 0 where the noise is stronger.": lambda y, S, s: _by_gain(
            y, 1 - s**2 / S
        ),
        "these are frequencies; go back to pixels.": lambda y, S, s: (
            torch.fft.fft2(y).real * S / (S + s**2)
        ),
        "S is a power a pixel, as sigma^2 is: neither gets a factor D.": (
            lambda y, S, s: _by_gain(y, S / (S + S.numel() * s**2)),
            lambda y, S, s: _by_gain(y, S * S.numel() / (S * S.numel() + s**2)),
        ),
        "the gain is used twice.": lambda y, S, s: _by_gain(y, (S / (S + s**2)) ** 2),
        "fft runs along one axis; both belong in: fft2.": lambda y, S, s: (
            torch.fft.ifft(S / (S + s**2) * torch.fft.fft(y)).real
        ),
        "nothing says that x stays in [-1, 1]: no clamp.": lambda y, S, s: _wiener(y, S, s).clamp(
            -1, 1
        ),
        "a frequency is kept or thrown away; (5) weighs it.": lambda y, S, s: _by_gain(
            y, (s**2 < S).double()
        ),
    },
)


def _total_variation(image, weight):
    from skimage.restoration import denoise_tv_chambolle

    return torch.from_numpy(denoise_tv_chambolle(image.double().numpy(), weight=weight))


def _smooth(image, weight):
    return 255 * _total_variation(image / 255, weight)


def _grey(seed, side, tenths):
    levels = inputs.integers(seed, 200, 8 + 2 * side, 8 + 2 * side, low=20)
    return levels.double(), tenths / 10


smooth = Check(
    "smooth",
    _smooth,
    drawn(_grey, count=8, seed=(0, 9), side=(0, 3), tenths=(1, 3)),
    {
        "nothing happened: a weight for [0, 1] is nothing beside 255 levels.": _total_variation,
        "the weight was made smaller; beside 255 levels it has to be 255 times "
        "larger.": lambda x, w: _total_variation(x, w / 255),
        "the way back is missing: levels from 0 to 255 are wanted.": lambda x, w: _total_variation(
            x / 255, w
        ),
        "the image is in [0, 1] now, so the weight stays as it is.": lambda x, w: (
            255 * _total_variation(x / 255, 255 * w)
        ),
        "divided by 255, multiplied by 256, or the other way round.": (
            lambda x, w: _total_variation(x, 256 * w),
            lambda x, w: 256 * _total_variation(x / 255, w),
            lambda x, w: 255 * _total_variation(x / 256, w),
        ),
        "the largest level isn't always white, nor the smallest black: divide by 255.": (
            lambda x, w: x.max() * _total_variation(x / x.max(), w),
            lambda x, w: (
                x.min()
                + (x.max() - x.min()) * _total_variation((x - x.min()) / (x.max() - x.min()), w)
            ),
        ),
    },
)


def _hidden_loss(x_hat, y, hidden):
    return ((x_hat - y).square() * hidden).sum() / (hidden.sum() * y.shape[1])


def _covered(seed, n, c, side):
    shape = (n, c, 2 + side, 2 + side)
    hidden = inputs.uniform(seed + 2, n, 1, *shape[2:]) < 0.4
    hidden[:, :, 0, 0], hidden[:, :, 0, 1] = True, False
    return inputs.normal(seed, *shape), inputs.normal(seed + 1, *shape), hidden


hidden_loss = Check(
    "hidden_loss",
    _hidden_loss,
    drawn(_covered, count=12, seed=(0, 9), n=(1, 3), c=(1, 3), side=(0, 3)),
    {
        "all pixels are compared: those it sees, it only has to copy.": lambda a, y, m: (
            (a - y).square().mean()
        ),
        "divided by all pixels, not by the hidden ones.": lambda a, y, m: (
            (a - y).square() * m
        ).mean(),
        "a hidden pixel hides all its channels: count them.": lambda a, y, m: (
            ((a - y).square() * m).sum() / m.sum()
        ),
        "the wrong ones: these are the pixels it was shown.": lambda a, y, m: _hidden_loss(
            a, y, ~m
        ),
        "a sum; wanted is a mean.": (
            lambda a, y, m: ((a - y).square() * m).sum(),
            lambda a, y, m: ((a - y).square() * m).sum() / len(y),
        ),
        "the shown pixels of y are compared with 0: cover both, or the difference.": (
            lambda a, y, m: (a * m - y).square().sum() / (m.sum() * y.shape[1])
        ),
        "squares: absolute differences have another minimum, the median.": lambda a, y, m: (
            ((a - y).abs() * m).sum() / (m.sum() * y.shape[1])
        ),
        "a mean over images of their means: hidden pixels count alike.": lambda a, y, m: (
            ((a - y).square() * m).sum((1, 2, 3)) / (m.sum((1, 2, 3)) * y.shape[1])
        ).mean(),
    },
)


class Denoise(inputs.Network):
    """A denoiser that depends on all that it is given: (y [N, d], sigma) -> [N, d]."""

    def __init__(self, d, seed):
        super().__init__("denoise")
        self.turn = self.weights(seed, d, d)

    def forward(self, y, sigma):
        return 2 * torch.tanh(y @ self.turn / (1 + sigma)) + 0.3 * y


def _down(denoise, y, sigmas, ratio=lambda now, then: then / now):
    for now, then in itertools.pairwise(sigmas):
        x_hat = denoise(y, now)
        y = x_hat + ratio(now, then) * (y - x_hat)
    return y


def _first_only(denoise, y, sigmas):
    for now, then in itertools.pairwise(sigmas):
        x_hat = denoise(y, sigmas[0])
        y = x_hat + then / now * (y - x_hat)
    return y


def _told_the_next(denoise, y, sigmas):
    for now, then in itertools.pairwise(sigmas):
        x_hat = denoise(y, then)
        y = x_hat + then / now * (y - x_hat)
    return y


def _noise_alone(denoise, y, sigmas):
    for now, then in itertools.pairwise(sigmas):
        y = denoise(y, now) + then / now * y
    return y


def _levels(seed, n, d, steps):
    sigmas = [2.0]
    for k in range(steps):
        sigmas.append(sigmas[-1] * (0.7, 0.3, 0.6)[k % 3])
    if seed % 2:  # a walk may end anywhere
        sigmas[-1] = 0.0
    return Denoise(d, seed), 2 * inputs.normal(seed + 1, n, d), sigmas


down = Check(
    "down",
    _down,
    drawn(_levels, count=14, seed=(0, 9), n=(1, 3), d=(1, 3), steps=(1, 4)),
    {
        "one call from the top: that is the mean of all, not a walk.": lambda f, y, s: f(y, s[0]),
        "the noise is kept as strong: it shrinks with each level.": lambda f, y, s: _down(
            f, y, s, lambda now, then: 1.0
        ),
        "the noise shrinks by then / now, not by its square.": lambda f, y, s: _down(
            f, y, s, lambda now, then: (then / now) ** 2
        ),
        "the noise shrinks by then / now; the level alone is no factor.": lambda f, y, s: _down(
            f, y, s, lambda now, then: then
        ),
        "the denoiser is told the first level each time, not that of y.": _first_only,
        "y has the level before the step; this tells the next one.": _told_the_next,
        "the noise is y - x_hat; this adds all of y.": _noise_alone,
        "the last step is missing.": lambda f, y, s: _down(f, y, s[:-1]),
        "this keeps the share that has to go, 1 - then / now.": lambda f, y, s: _down(
            f, y, s, lambda now, then: 1 - then / now
        ),
        "this returns the last guess; the last level need not be 0.": lambda f, y, s: f(
            _down(f, y, s[:-1]), s[-2]
        ),
        "guesses aren't clamped: the noise follows from them.": lambda f, y, s: _down(
            lambda at, sigma: f(at, sigma).clamp(-1, 1), y, s
        ),
        "noise shrinks from level to level, then / now, not by then / sigmas[0].": (
            lambda f, y, s: _down(f, y, s, lambda now, then: then / s[0])
        ),
        "nothing of the noise is kept: each step would be the last.": lambda f, y, s: _down(
            f, y, s, lambda now, then: 0.0
        ),
    },
)
