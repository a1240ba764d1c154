"""Checks of notebook 54, latent diffusion."""

import math

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _same_time(t, s):
    return s * t / (s * t + 1 - t)


def _times(seed, n, quarters):
    return inputs.uniform(seed, n), quarters / 4


same_time = Check(
    "same_time",
    _same_time,
    [
        (torch.tensor([0.0, 0.5, 1.0]), 3.0),
        (torch.tensor([0.2, 0.8]), 1.0),
        *drawn(_times, count=10, seed=(0, 9), n=(1, 5), quarters=(1, 20)),
    ],
    {
        "the times are those of latents that are 1 / s as large.": lambda t, s: _same_time(
            t, 1 / s
        ),
        "data and noise have to sum to 1 again: divide by s t + 1 - t.": lambda t, s: s * t,
        "this is what is divided by, n.": lambda t, s: s * t + 1 - t,
        "the data has s above the line, too: s t / n.": lambda t, s: t / (s * t + 1 - t),
        "what is divided by is s t + 1 - t, with the t.": lambda t, s: s * t / (s + 1 - t),
        "this is the share of the noise, 1 - t'.": lambda t, s: 1 - _same_time(t, s),
        "the noise keeps its size, 1 - t; only the data has s.": lambda t, s: (
            s * t / (s * t + s * (1 - t))
        ),
        "squares are for variances; the path is a sum of t and 1 - t.": lambda t, s: _same_time(
            t, s**2
        ),
        "this is its logit, log t'/(1 - t').": lambda t, s: torch.logit(_same_time(t, s)),
        "a time is clamped here, where it only has to be divided.": lambda t, s: (s * t).clamp(
            max=1.0
        ),
    },
)


def _scale_of(mean, logvar):
    places = (0, 2, 3)
    return (mean.var(dim=places, correction=0) + logvar.exp().mean(dim=places)).sqrt()


def _moments(seed, n, d):
    spread = 1 + torch.arange(d, dtype=torch.float32).view(1, d, 1, 1)
    mean = 0.5 + spread * inputs.normal(seed, n, d, 2, 3)
    return mean, 0.7 * inputs.normal(seed + 1, n, d, 2, 3) - 1


scale_of = Check(
    "scale_of",
    _scale_of,
    [
        (torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1), torch.zeros(2, 1, 1, 1)),
        *drawn(_moments, count=10, seed=(0, 9), n=(2, 4), d=(1, 3)),
    ],
    {
        "what q adds is left out.": lambda mean, logvar: mean.var(
            dim=(0, 2, 3), correction=0
        ).sqrt(),
        "divided by one less than the number of values: correction=0.": lambda mean, logvar: (
            mean.var(dim=(0, 2, 3)) + logvar.exp().mean(dim=(0, 2, 3))
        ).sqrt(),
        "places differ, too: all values of a channel belong together.": (
            lambda mean, logvar: (
                mean.var(dim=0, correction=0).mean(dim=(1, 2)) + logvar.exp().mean(dim=(0, 2, 3))
            ).sqrt(),
            lambda mean, logvar: (
                (mean.var(dim=0, correction=0) + logvar.exp().mean(dim=0)).sqrt().mean(dim=(1, 2))
            ),
        ),
        "what differs from image to image is left out.": lambda mean, logvar: (
            logvar.exp().mean(dim=(0, 2, 3)).sqrt()
        ),
        "this is the variance; take its root.": lambda mean, logvar: _scale_of(mean, logvar) ** 2,
        "standard deviations don't add, variances do.": (
            lambda mean, logvar: (
                mean.var(dim=(0, 2, 3), correction=0).sqrt()
                + (0.5 * logvar).exp().mean(dim=(0, 2, 3))
            ),
            lambda mean, logvar: (
                mean.var(dim=(0, 2, 3), correction=0).sqrt()
                + logvar.exp().mean(dim=(0, 2, 3)).sqrt()
            ),
        ),
        "the exponential of a mean isn't the mean of exponentials.": lambda mean, logvar: (
            mean.var(dim=(0, 2, 3), correction=0) + logvar.mean(dim=(0, 2, 3)).exp()
        ).sqrt(),
        "the square of a mean isn't the mean of squares: average variances.": lambda m, logvar: (
            m.var(dim=(0, 2, 3), correction=0) + (0.5 * logvar).exp().mean(dim=(0, 2, 3)).square()
        ).sqrt(),
        "exp(logvar / 2) is a standard deviation; average variances.": lambda mean, logvar: (
            mean.var(dim=(0, 2, 3), correction=0) + (0.5 * logvar).exp().mean(dim=(0, 2, 3))
        ).sqrt(),
        "the mean square isn't the variance: the mean of all is not 0.": lambda mean, logvar: (
            (mean.square() + logvar.exp()).mean(dim=(0, 2, 3)).sqrt()
        ),
        "logvar is a logarithm; exp gives the variance.": lambda mean, logvar: (
            (mean.var(dim=(0, 2, 3), correction=0) + logvar.mean(dim=(0, 2, 3))).abs().sqrt()
        ),
        "one number a channel; this is one for all.": lambda mean, logvar: (
            (mean.var(correction=0) + logvar.exp().mean()).sqrt().expand(mean.shape[1])
        ),
    },
)


def _rate(variances, b):
    return 0.5 * (variances / b).log().clamp(min=0)


def _variances(seed, n, tenths):
    return inputs.uniform(seed, n, low=0.02, high=2.0), tenths / 10


rate = Check(
    "rate",
    _rate,
    [
        (torch.tensor([4.0, 1.0, 0.3, 0.05]), 0.1),
        *drawn(_variances, count=10, seed=(0, 9), n=(2, 6), tenths=(1, 9)),
    ],
    {
        "a rate isn't negative: below the water nothing is encoded.": lambda v, b: (
            0.5 * (v / b).log()
        ),
        "the half is missing.": lambda v, b: (v / b).log().clamp(min=0),
        "in bits; wanted are nats.": lambda v, b: 0.5 * (v / b).log2().clamp(min=0),
        "turned over: more variance, more to say.": lambda v, b: 0.5 * (b / v).log().clamp(min=0),
        "this is the error that stays.": lambda v, b: v.clamp(max=b),
        "a sum; wanted is the rate of each.": lambda v, b: _rate(v, b).sum().expand(v.shape),
        "b is the water level; 2 b is the weight in the loss.": lambda v, b: (
            0.5 * (v / (2 * b)).log().clamp(min=0)
        ),
        "the variance is compared with b, not what of it lies above.": lambda v, b: (
            0.5 * ((v - b) / b).clamp(min=1e-12).log().clamp(min=0)
        ),
        "log(1 + v / b) is the rate of another problem: a channel with noise.": lambda v, b: (
            0.5 * torch.log1p(v / b)
        ),
        "below the water the logarithm is negative; the rate is 0, not its size.": lambda v, b: (
            0.5 * (v / b).log().abs()
        ),
    },
)


def _batch(mean, logvar, eps, shift, scale):
    return (mean + (0.5 * logvar).exp() * eps - shift) / scale


def _seen(seed, n, d):
    one = (1, d, 1, 1)
    return (
        inputs.normal(seed, n, d, 2, 2),
        inputs.normal(seed + 1, n, d, 2, 2) - 1,
        inputs.normal(seed + 2, n, d, 2, 2),
        inputs.normal(seed + 3, *one),
        inputs.uniform(seed + 4, *one, low=0.5, high=3.0),
    )


batch = Check(
    "batch",
    _batch,
    drawn(_seen, count=12, seed=(0, 9), n=(1, 3), d=(1, 3)),
    {
        "this is the mean of q each time; the flow shall see a draw.": lambda m, v, e, a, s: (
            (m - a) / s
        ),
        "exp(logvar) is the variance; noise is multiplied by a standard deviation.": (
            lambda m, v, e, a, s: (m + v.exp() * e - a) / s
        ),
        "the scale is missing.": lambda m, v, e, a, s: m + (0.5 * v).exp() * e - a,
        "the shift is missing.": lambda m, v, e, a, s: (m + (0.5 * v).exp() * e) / s,
        "first the shift, then the scale: (z - shift) / scale.": lambda m, v, e, a, s: (
            (m + (0.5 * v).exp() * e) / s - a
        ),
        "this is the way back, for the decoder.": lambda m, v, e, a, s: (
            (m + (0.5 * v).exp() * e) * s + a
        ),
        "the noise has to be scaled with the mean.": lambda m, v, e, a, s: (
            (m - a) / s + (0.5 * v).exp() * e
        ),
        "scale is a standard deviation here, not a variance.": lambda m, v, e, a, s: (
            (m + (0.5 * v).exp() * e - a) / s.sqrt()
        ),
        "half of the variance isn't its root: the 0.5 belongs into exp.": lambda m, v, e, a, s: (
            (m + 0.5 * v.exp() * e - a) / s
        ),
        "first all is shifted, then all is divided: mind the parentheses.": (
            lambda m, v, e, a, s: m + (0.5 * v).exp() * e - a / s
        ),
        "latents aren't clamped.": lambda m, v, e, a, s: _batch(m, v, e, a, s).clamp(-1, 1),
        "the standard deviation is exp(logvar / 2).": lambda m, v, e, a, s: (m + v * e - a) / s,
    },
)


class Guess(inputs.Network):
    """A network that depends on all that it is given: (x [N, d], t [N]) -> [N, d]."""

    def __init__(self, d, seed):
        super().__init__("guess")
        self.turn = self.weights(seed, d, d)

    def forward(self, x, t):
        return 2 * torch.tanh(x @ self.turn + t[:, None])


def _of_scale(guess, z_t, t, s):
    n = s * t + 1 - t
    return s * guess(z_t / n[:, None], s * t / n)


def _scaled(seed, n, d, quarters):
    z_t, t = inputs.normal(seed + 1, n, d), inputs.uniform(seed + 2, n)
    return Guess(d, seed), z_t, t, quarters / 4


of_scale = Check(
    "of_scale",
    _of_scale,
    drawn(_scaled, count=12, seed=(0, 9), n=(1, 3), d=(1, 3), quarters=(1, 16)),
    {
        "what comes out is of scale 1; multiply by s.": lambda guess, z, t, s: (
            _of_scale(guess, z, t, s) / s
        ),
        "the network has to be asked at t', not at t.": lambda guess, z, t, s: (
            s * guess(z / (s * t + 1 - t)[:, None], t)
        ),
        "z_t has to be divided by n = s t + 1 - t.": lambda guess, z, t, s: (
            s * guess(z, s * t / (s * t + 1 - t))
        ),
        "divided by s: that is right only where there is no noise left.": lambda guess, z, t, s: (
            s * guess(z / s, s * t / (s * t + 1 - t))
        ),
        "neither: z_t / s holds noise of another share than z_t does at t.": (
            lambda guess, z, t, s: s * guess(z / s, t)
        ),
        "the network knows latents of scale 1: it can't be asked as it is.": (
            lambda guess, z, t, s: guess(z, t)
        ),
        "this takes the network for one of scale s, and asks for scale 1.": (
            lambda guess, z, t, s: _of_scale(guess, z, t, 1 / s)
        ),
        "latents aren't clamped.": lambda guess, z, t, s: _of_scale(guess, z, t, s).clamp(-1, 1),
        "multiplied by n, not divided.": lambda guess, z, t, s: (
            s * guess(z * (s * t + 1 - t)[:, None], s * t / (s * t + 1 - t))
        ),
        "n weighs the noisy latents; the guess has the factor s.": lambda guess, z, t, s: (
            (s * t + 1 - t)[:, None] * _of_scale(guess, z, t, s) / s
        ),
    },
)


class Decoder(inputs.Network):
    """Latents [N, d, H, W] to images of that shape."""

    def __init__(self, d, seed):
        super().__init__("decode")
        self.turn = self.weights(seed, d, d)

    def forward(self, z):
        return 2 * torch.tanh(torch.einsum("ndhw,de->nehw", z, self.turn) + z.square())


def _blended(decode, first, second, w, shift, scale):
    z = (1 - w) * first + w * second
    return decode(scale * z + shift)


def _two(seed, n, d, fifths):
    return (
        Decoder(d, seed),
        inputs.normal(seed + 1, n, d, 2, 2),
        inputs.normal(seed + 2, n, d, 2, 2),
        fifths / 5,
        inputs.normal(seed + 3, 1, d, 1, 1),
        inputs.uniform(seed + 4, 1, d, 1, 1, low=0.5, high=2.0),
    )


blended = Check(
    "blended",
    _blended,
    drawn(_two, count=12, seed=(0, 9), n=(1, 2), d=(1, 3), fifths=(0, 5)),
    {
        "images are mixed here; mix latents, and decode once.": lambda f, a, b, w, m, s: (
            (1 - w) * f(s * a + m) + w * f(s * b + m)
        ),
        "the two are exchanged: w = 0 is the first.": lambda f, a, b, w, m, s: _blended(
            f, b, a, w, m, s
        ),
        "the scale isn't undone before decoding.": lambda f, a, b, w, m, s: f((1 - w) * a + w * b),
        "the shift is forgotten.": lambda f, a, b, w, m, s: f(s * ((1 - w) * a + w * b)),
        "this scales once more; the way back multiplies, then adds.": lambda f, a, b, w, m, s: f(
            ((1 - w) * a + w * b - m) / s
        ),
        "first multiply, then add: scale z + shift.": lambda f, a, b, w, m, s: f(
            s * ((1 - w) * a + w * b + m)
        ),
        "nothing is clamped on this way.": lambda f, a, b, w, m, s: _blended(
            f, a, b, w, m, s
        ).clamp(-1, 1),
        "w is not used.": lambda f, a, b, w, m, s: _blended(f, a, b, 0.5, m, s),
        "on a straight line: this goes along a circle.": lambda f, a, b, w, m, s: f(
            s * (math.cos(w * math.pi / 2) * a + math.sin(w * math.pi / 2) * b) + m
        ),
        "weights have to sum to 1.": (
            lambda f, a, b, w, m, s: f(s * (a + w * b) + m),
            lambda f, a, b, w, m, s: f(s * ((1 - w) * a + w * b) / math.hypot(1 - w, w) + m),
        ),
        "these are latents; wanted are images.": lambda f, a, b, w, m, s: (
            s * ((1 - w) * a + w * b) + m
        ),
    },
)
