"""Checks of notebook 34, sharpness and what it costs."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _best(z, sigma):
    return torch.tanh(z / sigma**2)


def _noisy(seed, n, tenths):
    return 2 * inputs.normal(seed, n), tenths / 10


best_guess = Check(
    "best_guess",
    _best,
    [
        (torch.tensor([0.5]), 1.0),
        (torch.tensor([300.0, -300.0]), 0.5),
        _noisy(851, 7, 15),
        *drawn(_noisy, count=6, seed=(0, 9), n=(1, 4), tenths=(5, 25)),
    ],
    {
        "divide by the variance, sigma², not by sigma.": lambda z, s: torch.tanh(z / s),
        "the noise is left out: it decides how far z may be trusted.": lambda z, s: torch.tanh(z),
        "this is p(1|z); the mean of x is that of 1 and -1, weighted by it.": (
            lambda z, s: torch.sigmoid(2 * z / s**2)
        ),
        "the two densities differ by the factor exp(2 z / sigma²): a 2 is lost.": (
            lambda z, s: 2 * torch.sigmoid(z / s**2) - 1
        ),
        "a 2 too many: tanh has half of the exponent.": lambda z, s: torch.tanh(2 * z / s**2),
        "the likelier of the two; the least squared error has the mean of both.": (
            lambda z, s: torch.sign(z)
        ),
        "z shrunk as if x were normal; x is 1 or -1.": lambda z, s: z / (1 + s**2),
        "exp overflows where z is large; tanh does not.": (
            lambda z, s: (
                (torch.exp(z / s**2) - torch.exp(-z / s**2))
                / (torch.exp(z / s**2) + torch.exp(-z / s**2))
            ),
            lambda z, s: (torch.exp(2 * z / s**2) - 1) / (torch.exp(2 * z / s**2) + 1),
        ),
    },
)

lost_decibels = Check(
    "lost_decibels",
    lambda error, other: 10 * math.log10(other / error),
    [(1.0, 2.0), (0.01, 0.02), (0.5, 0.5), (0.03, 0.004), (4.0, 9.0)],
    {
        "PSNR falls as the error grows: the loss is positive where `other` is larger.": (
            lambda error, other: 10 * math.log10(error / other)
        ),
        "20 belongs to amplitudes; a squared error is a power: 10.": (
            lambda error, other: 20 * math.log10(other / error)
        ),
        "the natural logarithm; decibels take the one to base 10.": (
            lambda error, other: 10 * math.log(other / error)
        ),
        "bels; a decibel is a tenth of one.": lambda error, other: math.log10(other / error),
        "the logarithm of the difference; decibels are that of the ratio, other / error.": (
            lambda error, other: 10 * math.log10(abs(other - error)),
        ),
        "the difference of the errors; PSNR compares them by their ratio.": (
            lambda error, other: 10 * (other - error)
        ),
        "the base of the logarithm is 10.": lambda error, other: 10 * math.log2(other / error),
    },
)


def _least(best, p_best, budget):
    return best + max(p_best - budget, 0.0) ** 2


least_error = Check(
    "least_error",
    _least,
    [
        (1.0, 0.5, 0.0),
        (0.3, 0.4, 0.1),
        (0.3, 0.4, 0.4),
        (0.2, 0.3, 0.9),
        (0.3, 0.5, 0.4),
        (1.0, 0.5, 0.7),
    ],
    {
        "beyond P* there is nothing to pay: the bracket is never below 0.": (
            lambda e, p_best, budget: e + (p_best - budget) ** 2
        ),
        "what counts is how far the budget is below P*: at P* the error is the least one.": (
            lambda e, p_best, budget: e + budget**2
        ),
        "the bracket is squared.": lambda e, p_best, budget: e + max(p_best - budget, 0.0),
        "the least error is missing: it has to be paid by everyone.": (
            lambda e, p_best, budget: max(p_best - budget, 0.0) ** 2,
            lambda e, p_best, budget: e + (p_best - budget) ** 2 if budget < p_best else 0.0,
        ),
        "squares of both, subtracted; it is the square of the difference.": (
            lambda e, p_best, budget: e + max(p_best**2 - budget**2, 0.0)
        ),
        "a bound from below: what comes is added.": (
            lambda e, p_best, budget: e - max(p_best - budget, 0.0) ** 2
        ),
        "twice the least error is a draw's; the bound depends on the budget.": (
            lambda best, p_best, budget: 2 * best
        ),
    },
)


def _sharp(x, z, decoder, D, w):
    x_hat = decoder(z)
    D.requires_grad_(False)
    loss = F.mse_loss(x_hat, x) - w * D(x_hat).mean()
    D.requires_grad_(True)
    return loss


def _game(seed, n, d, shape, tenths):
    pixels = torch.Size(shape).numel()
    x, z = inputs.normal(seed + 2, n, *shape), inputs.normal(seed + 4, n, d)
    return (
        x,
        z,
        inputs.Generator(d, shape, seed + 3),
        inputs.Discriminator(pixels, seed),
        tenths / 10,
    )


def _by_guess(formula):
    """A loss of x, x_hat and its logits, with D held still."""

    def loss(x, z, decoder, D, w):
        x_hat = decoder(z)
        D.requires_grad_(False)
        a = D(x_hat)
        D.requires_grad_(True)
        return formula(x, x_hat, a, w)

    return loss


def _with_d(x, z, decoder, D, w):
    x_hat = decoder(z)
    return F.mse_loss(x_hat, x) - w * D(x_hat).mean()


sharp_loss = Check(
    "sharp_loss",
    _sharp,
    [
        _game(861, 1, 1, (2,), 5),
        _game(871, 3, 2, (2,), 1),
        _game(881, 5, 3, (1, 2, 2), 20),
        _game(891, 4, 2, (3,), 0),
    ],
    {
        "gradients reach `D` as well": _with_d,
        "the sign of D's verdict is turned: the decoder wants high logits.": _by_guess(
            lambda x, x_hat, a, w: F.mse_loss(x_hat, x) + w * a.mean()
        ),
        "w belongs to the verdict, not to the error.": _by_guess(
            lambda x, x_hat, a, w: w * F.mse_loss(x_hat, x) - a.mean()
        ),
        "the weight is left out.": _by_guess(
            lambda x, x_hat, a, w: F.mse_loss(x_hat, x) - a.mean()
        ),
        "the error is summed over pixels; (3) has its mean.": _by_guess(
            lambda x, x_hat, a, w: (x_hat - x).square().flatten(1).sum(dim=1).mean() - w * a.mean()
        ),
        "the error is left out.": _by_guess(lambda x, x_hat, a, w: -w * a.mean()),
        "the hinge is the discriminator's; the decoder's loss is linear in the logit.": _by_guess(
            lambda x, x_hat, a, w: F.mse_loss(x_hat, x) + w * F.relu(1 - a).mean()
        ),
        "another generator's loss; with the hinge it is minus the mean logit.": _by_guess(
            lambda x, x_hat, a, w: F.mse_loss(x_hat, x) + w * F.softplus(-a).mean()
        ),
        "the verdict on real images; the decoder's own are judged.": (
            lambda x, z, decoder, D, w: F.mse_loss(decoder(z), x) - w * D(x).mean().detach()
        ),
        "logits are summed; take their mean.": _by_guess(
            lambda x, x_hat, a, w: F.mse_loss(x_hat, x) - w * a.sum()
        ),
    },
    gradient=("decoder",),
    blocked=("D",),
    gradient_hint="Hold D's weights still while it judges: D.requires_grad_(False), and True again "
    "afterwards. A detach would cut the decoder off, too.",
)


def _features(maps, maps_hat):
    errors = [F.mse_loss(b, a.detach()) for a, b in zip(maps, maps_hat, strict=True)]
    return sum(errors) / len(errors)


def _layers(seed, n, channels, side):
    shapes = [(n, channels, 2 * side, 2 * side), (n, 2 * channels, side, side), (n, 3, 1, 1)]
    one = tuple(inputs.normal(seed + k, *shape) for k, shape in enumerate(shapes))
    two = tuple(inputs.normal(seed + 20 + k, *shape) for k, shape in enumerate(shapes))
    return one, two


def _reaches_the_maps(answer):
    maps_hat = [torch.ones(1, 1, 2, 2, requires_grad=True)]
    given = answer([torch.zeros(1, 1, 2, 2)], maps_hat)
    if not isinstance(given, torch.Tensor) or not given.requires_grad:
        return (
            "the value is right, but no gradient reaches `maps_hat`: .item(), float() or detach() "
            "cuts it off, torch.tensor(...) copies plain numbers"
        )
    return None


feature_error = Check(
    "feature_error",
    _features,
    [
        ((torch.tensor([[[[1.0]]]]),), (torch.tensor([[[[3.0]]]]),)),
        _layers(901, 2, 2, 2),
        _layers(911, 3, 1, 3),
        *drawn(_layers, count=6, seed=(0, 9), n=(1, 3), channels=(1, 2), side=(1, 2)),
    ],
    {
        "the sum over the layers; take their mean.": lambda m, m_hat: len(m) * _features(m, m_hat),
        "only the last layer counts; take all of them.": lambda m, m_hat: F.mse_loss(
            m_hat[-1], m[-1]
        ),
        "only the first layer counts; take all of them.": lambda m, m_hat: F.mse_loss(
            m_hat[0], m[0]
        ),
        "the absolute difference; it is squared here.": lambda m, m_hat: (
            sum((b - a).abs().mean() for a, b in zip(m, m_hat, strict=True)) / len(m)
        ),
        "sums over a layer's numbers: the largest layer counts most.": lambda m, m_hat: (
            sum((b - a).square().sum() for a, b in zip(m, m_hat, strict=True)) / len(m)
        ),
        "all numbers of all layers in one mean: the largest layer counts most.": lambda m, m_hat: (
            torch.cat([(b - a).square().flatten() for a, b in zip(m, m_hat, strict=True)]).mean()
        ),
        "differences of means: places and channels are compared one by one.": lambda m, m_hat: (
            sum((b.mean() - a.mean()).square() for a, b in zip(m, m_hat, strict=True)) / len(m)
        ),
        "the root of the mean square; leave it squared.": lambda m, m_hat: (
            sum((b - a).square().mean().sqrt() for a, b in zip(m, m_hat, strict=True)) / len(m)
        ),
    },
    also=_reaches_the_maps,
)


def _balanced(of_error, of_verdict, most):
    ratio = of_error.norm() / (of_verdict.norm() + 1e-4)
    return ratio.clamp(max=most)


def _gradients(seed, n, d, tenths):
    most = 100.0 if seed % 2 else 3.0
    return inputs.normal(seed, n, d), tenths / 10 * inputs.normal(seed + 5, n, d), most


balancing_weight = Check(
    "balancing_weight",
    _balanced,
    [
        (torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 1.0]]), 100.0),
        (torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2), 100.0),
        (torch.zeros(1, 2), torch.zeros(1, 2), 100.0),
        (torch.tensor([[3e-3, 4e-3]]), torch.tensor([[0.0, 1e-3]]), 100.0),
        _gradients(921, 3, 4, 10),
        _gradients(922, 2, 2, 1),
        *drawn(_gradients, count=6, seed=(0, 9), n=(1, 3), d=(1, 3), tenths=(1, 20)),
    ],
    {
        "the wrong way round: a small verdict needs the larger weight.": (
            lambda e, v, most: (v.norm() / (e.norm() + 1e-4)).clamp(max=most)
        ),
        "without the 1e-4 a verdict of 0 divides by 0.": (
            lambda e, v, most: (e.norm() / v.norm()).clamp(max=most)
        ),
        "the ceiling is missing.": lambda e, v, most: e.norm() / (v.norm() + 1e-4),
        "squared norms: the weight would be the square of what balances.": (
            lambda e, v, most: (e.square().sum() / (v.square().sum() + 1e-4)).clamp(max=most)
        ),
        "number by number; one weight for all is wanted.": (
            lambda e, v, most: (e.abs() / (v.abs() + 1e-4)).clamp(max=most)
        ),
        "the largest numbers, not the norms.": (
            lambda e, v, most: (e.abs().max() / (v.abs().max() + 1e-4)).clamp(max=most)
        ),
        "means of absolute values; the norm is the root of the sum of squares.": (
            lambda e, v, most: (e.abs().mean() / (v.abs().mean() + 1e-4)).clamp(max=most)
        ),
        "root mean squares; the norm is the root of the sum, and 1e-4 is added to that.": (
            lambda e, v, most: (e.square().mean().sqrt() / (v.square().mean().sqrt() + 1e-4)).clamp(
                max=most
            )
        ),
        "sums of absolute values; the norm is the root of the sum of squares.": (
            lambda e, v, most: (e.abs().sum() / (v.abs().sum() + 1e-4)).clamp(max=most)
        ),
        "1e-4 is added outside of the quotient.": (
            lambda e, v, most: (e.norm() / v.norm() + 1e-4).clamp(max=most)
        ),
        "the ceiling was taken for a floor.": (
            lambda e, v, most: (e.norm() / (v.norm() + 1e-4)).clamp(min=most)
        ),
    },
)
