"""Checks of notebook 31, the variational autoencoder."""

import math

import torch
import torch.nn as nn

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check, Property
from genimg_lib.check.wording import hint, stopped, what_is
from genimg_lib.check.wrong import Wrong

# ---------------------------------------------------------------- the loss


def _squared(x, x_hat):
    return (x - x_hat).square().flatten(1).sum(1)


def _kl(mean, logvar):
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1)


def _loss(x, x_hat, mean, logvar, sigma):
    return (_squared(x, x_hat) / (2 * sigma**2) + _kl(mean, logvar)).mean()


def _with_kl(kl):
    """The loss, but for its KL."""
    return lambda x, y, m, lv, s: (_squared(x, y) / (2 * s**2)).mean() + kl(m, lv)


def _images(seed, n, c, h, d, quarters):
    x, x_hat = inputs.normal(seed, n, c, h, h), inputs.normal(seed + 1, n, c, h, h)
    return x, x_hat, inputs.normal(seed + 2, n, d), inputs.normal(seed + 3, n, d), quarters / 4


vae_loss = Check(
    "vae_loss",
    _loss,
    [
        (
            torch.full((1, 1, 1, 1), 1.0),
            torch.full((1, 1, 1, 1), 0.5),
            torch.tensor([[1.0]]),
            torch.tensor([[0.5]]),
            0.5,
        ),
        _images(511, 4, 3, 5, 6, 2),
        _images(515, 4, 3, 5, 6, 4),
        _images(519, 3, 1, 4, 2, 8),
        *drawn(
            _images, count=6, seed=(0, 9), n=(1, 3), c=(1, 3), h=(1, 3), d=(1, 3), quarters=(1, 8)
        ),
    ],
    {
        "the error is averaged over pixels while the KL is summed: the KL then weighs as much as "
        "if sigma were far larger than any pixel. Sum over pixels.": (
            lambda x, y, m, lv, s: (_squared(x, y) / x[0].numel() / (2 * s**2) + _kl(m, lv)).mean(),
            lambda x, y, m, lv, s: ((x - y) ** 2).mean() / (2 * s**2) + _kl(m, lv).mean(),
            lambda x, y, m, lv, s: ((x - y) ** 2).mean() / s**2 + _kl(m, lv).mean(),
            lambda x, y, m, lv, s: ((x - y) ** 2).mean() + _kl(m, lv).mean(),
        ),
        "the KL is averaged over the latents; the KL of independent coordinates is their sum.": (
            lambda x, y, m, lv, s: (
                (_squared(x, y) / (2 * s**2)).mean() + _kl(m, lv).mean() / m.shape[1]
            )
        ),
        "the KL term is lost: an autoencoder, whose latent space has "
        "holes.": lambda x, y, m, lv, s: (_squared(x, y) / (2 * s**2)).mean(),
        "the error is lost: only the KL is left, and nothing has to be "
        "reconstructed.": lambda x, y, m, lv, s: _kl(m, lv).mean(),
        "sigma is left out: 'squared error + KL' is the loss for sigma² = 1/2 only.": (
            lambda x, y, m, lv, s: (_squared(x, y) + _kl(m, lv)).mean(),
            lambda x, y, m, lv, s: (_squared(x, y) / 2 + _kl(m, lv)).mean(),
        ),
        "the 2 of 2 sigma² is lost.": lambda x, y, m, lv, s: (
            _squared(x, y) / s**2 + _kl(m, lv)
        ).mean(),
        "divided by sigma, not by its square.": (
            lambda x, y, m, lv, s: (_squared(x, y) / (2 * s) + _kl(m, lv)).mean(),
            lambda x, y, m, lv, s: (_squared(x, y) / s + _kl(m, lv)).mean(),
        ),
        "multiplied by 2 sigma²; the error is divided by it.": lambda x, y, m, lv, s: (
            _squared(x, y) * 2 * s**2 + _kl(m, lv)
        ).mean(),
        "the square is taken of 2 sigma; it belongs to sigma alone.": lambda x, y, m, lv, s: (
            _squared(x, y) / (2 * s) ** 2 + _kl(m, lv)
        ).mean(),
        "the error is not squared: absolute differences belong to a Laplace "
        "likelihood.": lambda x, y, m, lv, s: (
            (x - y).abs().flatten(1).sum(1) / (2 * s**2) + _kl(m, lv)
        ).mean(),
        "summed over the batch: the step would grow with the batch. Take the mean over images.": (
            lambda x, y, m, lv, s: _loss(x, y, m, lv, s) * len(x)
        ),
        "the error is summed over the batch and the KL averaged over it: both take the mean over "
        "images.": (lambda x, y, m, lv, s: (_squared(x, y) / (2 * s**2)).sum() + _kl(m, lv).mean()),
        "the KL is summed over the batch and the error averaged over it: both take the mean over "
        "images.": (lambda x, y, m, lv, s: (_squared(x, y) / (2 * s**2)).mean() + _kl(m, lv).sum()),
        "one number for each image; take the mean over them.": lambda x, y, m, lv, s: (
            _squared(x, y) / (2 * s**2) + _kl(m, lv)
        ),
        "this is the ELBO (up to a constant), which should grow. A loss is minimised: turn the "
        "sign.": lambda x, y, m, lv, s: -_loss(x, y, m, lv, s),
        "the KL is taken off: it is a price.": _with_kl(lambda m, lv: -_kl(m, lv).mean()),
        "a sign in the KL is turned: mean² + exp(logvar) - 1 - logvar.": (
            _with_kl(lambda m, lv: 0.5 * (m**2 + lv.exp() - 1 + lv).sum(1).mean()),
            _with_kl(lambda m, lv: 0.5 * (m**2 + lv.exp() + 1 - lv).sum(1).mean()),
            _with_kl(lambda m, lv: 0.5 * (lv.exp() - m**2 - 1 - lv).sum(1).mean()),
        ),
        "the square of the mean is lost in the KL: mean².": _with_kl(
            lambda m, lv: 0.5 * (m + lv.exp() - 1 - lv).sum(1).mean()
        ),
        "the constant D log sigma is still in it; the text leaves out what no weight changes.": (
            lambda x, y, m, lv, s: _loss(x, y, m, lv, s) + x[0].numel() * math.log(s)
        ),
        "the constants of (6) are still in it; the text leaves out what no weight changes.": (
            lambda x, y, m, lv, s: (
                _loss(x, y, m, lv, s) + x[0].numel() * math.log(s * math.sqrt(2 * math.pi))
            )
        ),
        "the half of the KL is missing.": _with_kl(lambda m, lv: 2 * _kl(m, lv).mean()),
        "the KL takes the log-variance as a variance; the variance is exp(logvar).": _with_kl(
            lambda m, lv: 0.5 * (m**2 + lv - 1 - lv.log()).sum(1).mean()
        ),
        "the KL's exponential is lost: the third term is exp(logvar).": _with_kl(
            lambda m, lv: -0.5 * (1 + lv - m**2 - lv).sum(1).mean()
        ),
        "the KL's deviation is taken as exp(logvar) and squared; the variance itself is "
        "exp(logvar).": _with_kl(
            lambda m, lv: 0.5 * (m**2 + (2 * lv).exp() - 1 - lv).sum(1).mean()
        ),
    },
    gradient=("x_hat", "mean", "logvar"),
)

# ---------------------------------------------------------------- an encoder

PIXELS, LATENT = (3, 4, 4), 5


def _free_heads(ask):
    net = ask(torch.Size(PIXELS).numel(), LATENT)
    if not isinstance(net, nn.Module):
        return f"expected a torch module, got {what_is(net)}."
    out = _encoded(net, inputs.normal(521, 20, *PIXELS))
    if problem := _two_heads(out) or _without_gradient(out):
        return problem
    with torch.no_grad():
        _shake(net)
        images = inputs.normal(522, 200, *PIXELS)
        out = _encoded(net, images)
        if not torch.equal(out[0], _encoded(net, images)[0]):
            return (
                "mean is another one each time: the encoder gives the mean and the log-variance of "
                "q(z|x); z is drawn from them later."
            )
        if problem := _bounds(out) or _linear(net):
            return problem
        _shake(net, 300)
        return _far_bounds(_encoded(net, images))


def _without_gradient(out):
    for name, head in zip(("mean", "logvar"), out, strict=True):
        if not head.requires_grad:
            return (
                f"{name} carries no gradient: detach(), .data or no_grad() cut it off, and nothing "
                "before it could be trained."
            )
    return None


def _far_bounds(out):
    """The range that a head does not leave with large weights, where it has one."""
    for name, head in zip(("mean", "logvar"), out, strict=True):
        if head.min() > -100 or head.max() < 100:
            return (
                f"{name} never leaves [{head.min():.3g}, {head.max():.3g}], however large the "
                "weights: neither an activation nor a clamp belongs after a head."
            )
    return None


def _encoded(net, x):
    try:
        return net(x)
    except NotImplementedError:
        raise Wrong(
            "the module has no forward(x): images go in there, (mean, logvar) come out."
        ) from None
    except Exception as error:
        flat = (
            " Images are [N, C, H, W]: flatten each of them, x.flatten(1)."
            if "cannot be multiplied" in str(error)
            else hint(error)
        )
        raise Wrong(f"for images {list(x.shape)} the encoder {stopped(error)}.{flat}") from None


def _two_heads(out):
    if not isinstance(out, (tuple, list)) or len(out) != 2:
        return (
            "expected two things of the encoder, (mean, logvar), got "
            f"{what_is(tuple(out) if isinstance(out, list) else out)}."
        )
    for name, head in zip(("mean", "logvar"), out, strict=True):
        if not isinstance(head, torch.Tensor) or head.shape != (20, LATENT):
            return (
                f"{name}: expected [20, {LATENT}] for 20 images and {LATENT} latents, got "
                f"{what_is(head)}."
            )
    return None


def _shake(net, scale=3):
    """Other weights, as a long training may bring: a head that starts at 0 does not stay there."""
    for k, weight in enumerate(net.parameters()):
        weight.copy_(scale * inputs.normal(530 + k, *weight.shape))


def _bounds(out):
    """What values the heads cannot take, whatever the weights."""
    mean, logvar = out
    if torch.equal(mean, logvar):
        return "mean and logvar are the same numbers: they need weights of their own."
    together = (mean - mean.mean(dim=0)) * (logvar - logvar.mean(dim=0))
    alike = together.mean(dim=0) / (mean.std(dim=0) * logvar.std(dim=0) + 1e-9)
    if (alike.abs() > 0.99).all():
        return "one of mean and logvar is computed from the other: they need weights of their own."
    for name, head in zip(("mean", "logvar"), out, strict=True):
        low, high = head.min(dim=0).values, head.max(dim=0).values  # of each latent
        if (high - low).max() < 1e-6:
            return f"{name} is the same for all images: it has to come from the image."
        if low.min() >= 0 or (low >= 0).any():
            return (
                f"{name} is never negative: there is a ReLU (or another one-sided activation) "
                "before it comes out, and half of the latent space is cut off."
                if name == "mean"
                else "logvar is never negative, so that no variance below 1 is possible: there is "
                "a one-sided activation before it comes out, or it is a variance or a deviation "
                "and not its logarithm."
            )
        if (high <= 0).any():
            return (
                f"{name} is never positive: a one-sided activation before it comes out cuts half "
                "of its values off."
            )
        if low.min() > -5 or high.max() < 5:
            return (
                f"{name} never leaves [{low.min():.3g}, {high.max():.3g}], whatever the weights: "
                "no activation belongs after a head."
            )
    return None


def _linear(net):
    """Whether there is no hidden layer with an activation."""
    x, y = inputs.normal(523, 8, *PIXELS), inputs.normal(524, 8, *PIXELS)
    net.eval()
    both = [torch.cat(tuple(_encoded(net, t)), dim=1) for t in (x, y, x + y, 0 * x)]
    bent = (both[0] + both[1] - both[2] - both[3]).abs().max()
    if bent < 1e-4 * both[0].abs().max():
        return (
            "the encoder is linear: a hidden layer is wanted, with an activation between it and "
            "the heads."
        )
    return None


class _Encoder(nn.Module):
    def __init__(self, pixels, latent, last=None, shared=False, hidden=True):
        super().__init__()
        self.shared = shared
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, 32), nn.ReLU() if hidden else nn.Identity()
        )
        self.heads = nn.Sequential(
            nn.Linear(32, latent if shared else 2 * latent), *([last] if last else [])
        )

    def forward(self, x):
        out = self.heads(self.body(x))
        return (out, out) if self.shared else out.chunk(2, dim=1)


class _NegativeSoftplus(nn.Module):
    def forward(self, x):
        return -nn.functional.softplus(x)


build_encoder = Property(
    "build_encoder",
    lambda pixels, latent: _Encoder(pixels, latent),
    _free_heads,
    {
        "never negative": lambda pixels, latent: _Encoder(pixels, latent, nn.ReLU()),
        "never positive": lambda pixels, latent: _Encoder(pixels, latent, _NegativeSoftplus()),
        "never leaves [-1, 1]": lambda pixels, latent: _Encoder(pixels, latent, nn.Tanh()),
        "never leaves [-1, ": lambda pixels, latent: _Encoder(pixels, latent, nn.ELU()),
        "the same numbers": lambda pixels, latent: _Encoder(pixels, latent, shared=True),
        "expected [20, 5]": lambda pixels, latent: _Encoder(pixels, 2 * latent),
        "the encoder is linear": lambda pixels, latent: _Encoder(pixels, latent, hidden=False),
    },
)

# ---------------------------------------------------------------- samples


class Doubling(inputs.Network):
    """A decoder: z [N, d] -> a likelihood of mean 2 z, [N, 1, 1, d]. Notes the z."""

    def __init__(self, seen):
        super().__init__("decoder")
        self.seen = seen

    def forward(self, z):
        self.seen.append(z.detach().clone())
        return inputs.Likelihood(2 * z.reshape(len(z), 1, 1, -1))

    def __deepcopy__(self, memo):
        return Doubling(self.seen)  # one list, whatever copies are handed out


def _samples(ask):
    n, latent, seen = 4_000, 6, []
    images = ask(Doubling(seen), n, latent)
    if isinstance(images, inputs.Likelihood):
        return "this is the likelihood that the decoder gives; the images are its .mean."
    if not isinstance(images, torch.Tensor) or images.shape != (n, 1, 1, latent):
        return (
            f"expected {n} images of the decoder's shape, [{n}, 1, 1, {latent}], got "
            f"{what_is(images)}."
        )
    if not seen:
        return "the decoder is never asked: images come from it, decoder(z).mean."
    z = torch.cat(seen)
    return _latents(z.float(), n) or _decoded(images, z) or _another_time(ask, latent)


def _another_time(ask, latent):
    """Whether a second call gives the same images again."""
    first, second = ask.answer(Doubling([]), 4, latent), ask.answer(Doubling([]), 4, latent)
    if torch.equal(torch.as_tensor(first), torch.as_tensor(second)):
        return "every call gives the same images: no seed is set in here, each call draws anew."
    return None


def _latents(z, n):
    """What is wrong with the latents that were decoded."""
    if z.std() < 1e-3:
        return "all samples are the same. A VAE's samples are random: z is drawn for each of them."
    if len(z) != n or z.std(dim=0).mean() < 0.5 * z.std():
        return "one z for all images. Draw one for each."
    if abs(z.mean()) > 0.05:
        return (
            f"the mean of z is {z.mean():.2f}: z is drawn from N(0, I), whose mean is 0; "
            "torch.rand is uniform in 0..1."
        )
    if abs(z.std() - 1) > 0.05:
        return (
            f"z has deviation {z.std():.2f} where the prior's is 1. Decode z itself: a sample "
            "starts from the prior, not from noise sent through the encoder."
        )
    if z.abs().max() < 3:
        return "z is not normal: the prior N(0, I) has numbers beyond 3, and most of them near 0."
    together = torch.corrcoef(z.T) - torch.eye(z.shape[1])
    if together.abs().max() > 0.1:
        return (
            "the coordinates of z are tied to each other: under N(0, I) each is drawn by itself, "
            "torch.randn(n, latent)."
        )
    if len(z.unique(dim=0)) < n:
        return "some z are used twice. Draw one for each image."
    return None


def _decoded(images, z):
    if (images.flatten(1) - 2 * z).abs().max() > 1e-4:
        return (
            "the images are not the means: noise was added to them. `decoder(z).mean` is the image "
            "of z."
        )
    return None


sample = Property(
    "sample",
    lambda decoder, n, latent: decoder(torch.randn(n, latent)).mean,
    _samples,
    {
        "all samples are the same": lambda decoder, n, latent: decoder(torch.zeros(n, latent)).mean,
        "one z for all": lambda decoder, n, latent: (
            decoder(torch.randn(1, latent).expand(n, latent)).mean
        ),
        "torch.rand is uniform": lambda decoder, n, latent: decoder(torch.rand(n, latent)).mean,
        "not from noise sent through the encoder": lambda decoder, n, latent: (
            decoder(0.3 * torch.randn(n, latent)).mean
        ),
        "of the decoder's shape": lambda decoder, n, latent: decoder(
            torch.randn(n, latent)
        ).mean.flatten(1),
        "noise was added": lambda decoder, n, latent: decoder(torch.randn(n, latent)).sample(),
        "the images are its .mean": lambda decoder, n, latent: decoder(torch.randn(n, latent)),
        "tied to each other": lambda decoder, n, latent: (
            decoder(torch.randn(n, 1).expand(n, latent)).mean
        ),
        "used twice": lambda decoder, n, latent: (
            decoder(torch.randn(n // 2, latent).repeat(2, 1)).mean
        ),
        "every call gives the same": lambda decoder, n, latent: (
            decoder(torch.randn(n, latent, generator=torch.Generator().manual_seed(0))).mean
        ),
        "z is not normal": lambda decoder, n, latent: (
            decoder(3**0.5 * (2 * torch.rand(n, latent) - 1)).mean
        ),
    },
)

# ---------------------------------------------------------------- numbers and paths

bits_per_dim = Check(
    "bits_per_dim",
    lambda nats, pixels: nats / (pixels * math.log(2)),
    [(89.0, 784), (1234.5, 3072), (0.7, 1), (10.0, 4)],
    {
        "nats, not bits: one nat is 1 / log 2 bits.": lambda nats, pixels: nats / pixels,
        "multiplied by log 2; a nat is *more* than a bit, so the number has to "
        "grow.": lambda nats, pixels: nats * math.log(2) / pixels,
        "for the whole image. It is wanted for each number in it.": lambda nats, pixels: (
            nats / math.log(2)
        ),
        "the logarithm of the nats: they are logarithms already. Divide by log 2.": (
            lambda nats, pixels: math.log2(nats) / pixels,
            lambda nats, pixels: math.log2(nats / pixels),
        ),
        "bytes: a nat is 1 / log 2 bits, and nothing is to be divided by 8.": lambda nats, pixels: (
            nats / (pixels * math.log(2) * 8)
        ),
        "divided by // somewhere: whole numbers where fractions belong.": (
            lambda nats, pixels: nats // pixels / math.log(2),
            lambda nats, pixels: nats / math.log(2) // pixels,
            lambda nats, pixels: nats // (pixels * math.log(2)),
        ),
        "the decimal logarithm of 2; a nat is 1 / log 2 bits, by the natural one.": (
            lambda nats, pixels: nats / (pixels * math.log10(2))
        ),
        "multiplied by the pixels; it is wanted for each of them.": lambda nats, pixels: (
            nats * pixels / math.log(2)
        ),
    },
)


def _walk(a, b, n):
    return torch.stack([torch.lerp(a, b, k / (n - 1)) for k in range(n)])


def _ends(seed, d, n):
    return inputs.normal(seed, d), inputs.normal(seed + 50, d), n


interpolate = Check(
    "interpolate",
    _walk,
    [
        (torch.tensor([0.0, 4.0]), torch.tensor([1.0, 0.0]), 3),
        (inputs.normal(541, 6), inputs.normal(542, 6), 5),
        (inputs.normal(543, 3), inputs.normal(544, 3), 2),
        (inputs.normal(545, 2), inputs.normal(546, 2), 11),
        *drawn(_ends, count=8, seed=(0, 9), d=(1, 4), n=(2, 6)),
    ],
    {
        "the end is missing: n points from a to b, both included, are n - 1 steps "
        "apart.": lambda a, b, n: torch.stack([torch.lerp(a, b, k / n) for k in range(n)]),
        "one point too many: n points from a to b, both included, are n - 1 steps "
        "apart.": lambda a, b, n: torch.stack([torch.lerp(a, b, k / n) for k in range(n + 1)]),
        "from b to a. Begin at the first.": lambda a, b, n: _walk(b, a, n),
        "the ends are left out; they belong to it.": (
            lambda a, b, n: torch.stack([torch.lerp(a, b, (k + 1) / (n + 1)) for k in range(n)]),
            lambda a, b, n: torch.stack([torch.lerp(a, b, (k + 1) / n) for k in range(n)]),
        ),
        "the points stand in columns; a point is a row, [n, d].": lambda a, b, n: _walk(a, b, n).T,
        "b was added to a, not the way from a to b: a + w (b - a).": lambda a, b, n: torch.stack(
            [a + k / (n - 1) * b for k in range(n)]
        ),
    },
)
