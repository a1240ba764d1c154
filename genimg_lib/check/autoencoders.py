"""Checks of chapter 31, the variational autoencoder."""

import math

import torch
import torch.nn as nn

from genimg_lib import vae
from genimg_lib.check.judge import Check, Property

_g = torch.Generator().manual_seed(31)


def _random(*shape):
    return torch.randn(*shape, generator=_g)


def _loss(x, x_hat, mean, logvar, sigma):
    return (
        (x - x_hat).square().flatten(1).sum(1) / (2 * sigma**2) + vae.gaussian_kl(mean, logvar)
    ).mean()


def _case(sigma):
    return _random(4, 3, 5, 5), _random(4, 3, 5, 5), _random(4, 6), _random(4, 6), sigma


vae_loss = Check(
    "vae_loss",
    _loss,
    [_case(0.5), _case(1.0), _case(2.0)],
    {
        "the error is averaged over pixels while the KL is summed: the KL then weighs as much as if sigma were far larger than any pixel. Sum over pixels.": lambda x, y, m, lv, s: (
            ((x - y).square().flatten(1).mean(1) / (2 * s**2) + vae.gaussian_kl(m, lv)).mean()
        ),
        "the KL term is lost: an autoencoder, whose latent space has holes.": lambda x, y, m, lv, s: (
            ((x - y).square().flatten(1).sum(1) / (2 * s**2)).mean()
        ),
        "sigma is left out: 'squared error + KL' is the loss for sigma² = 1/2 only.": lambda x, y, m, lv, s: (
            ((x - y).square().flatten(1).sum(1) + vae.gaussian_kl(m, lv)).mean()
        ),
        "the 2 of 2 sigma² is lost.": lambda x, y, m, lv, s: (
            (x - y).square().flatten(1).sum(1) / s**2 + vae.gaussian_kl(m, lv)
        ).mean(),
        "divided by sigma, not by its square.": lambda x, y, m, lv, s: (
            (x - y).square().flatten(1).sum(1) / (2 * s) + vae.gaussian_kl(m, lv)
        ).mean(),
        "summed over the batch: the step would grow with the batch. Take the mean over images.": lambda x, y, m, lv, s: (
            _loss(x, y, m, lv, s) * len(x)
        ),
        "this is the ELBO (up to a constant), which should grow. A loss is minimised: turn the sign.": lambda x, y, m, lv, s: (
            -_loss(x, y, m, lv, s)
        ),
        "the KL is taken off: it is a price.": lambda x, y, m, lv, s: (
            (x - y).square().flatten(1).sum(1) / (2 * s**2) - vae.gaussian_kl(m, lv)
        ).mean(),
    },
)


def _free_heads(build):
    torch.manual_seed(0)
    net = build(48, 5)
    if not isinstance(net, nn.Module):
        return f"a torch module is wanted, given {type(net).__name__}"
    out = net(torch.randn(200, 3, 4, 4))
    if not isinstance(out, tuple) or len(out) != 2:
        return "the encoder gives two things, (mean, logvar)"
    for name, head in zip(("mean", "logvar"), out, strict=True):
        if head.shape != (200, 5):
            return (
                f"{name} should be [200, 5] for 200 images and 5 latents; it is {list(head.shape)}"
            )
        if head.min() >= 0:
            return f"{name} is never negative: there is a ReLU (or another one-sided activation) before it comes out, and half of the latent space is cut off"
        if net(1e3 * torch.randn(50, 3, 4, 4))[name == "logvar"].abs().max() <= 1:
            return f"{name} never leaves [-1, 1]: no activation belongs after a head"
    if torch.equal(*out):
        return "mean and logvar are the same numbers: they need weights of their own"
    return None


class _Encoder(nn.Module):
    def __init__(self, pixels, latent, last=None, shared=False):
        super().__init__()
        self.body, self.shared = (
            nn.Sequential(nn.Flatten(), nn.Linear(pixels, 32), nn.ReLU()),
            shared,
        )
        self.heads = nn.Sequential(
            nn.Linear(32, latent if shared else 2 * latent), *([last] if last else [])
        )

    def forward(self, x):
        out = self.heads(self.body(x))
        return (out, out) if self.shared else out.chunk(2, dim=1)


build_encoder = Property(
    "build_encoder",
    lambda pixels, latent: _Encoder(pixels, latent),
    _free_heads,
    {
        "never negative": lambda pixels, latent: _Encoder(pixels, latent, nn.ReLU()),
        "never leaves [-1, 1]": lambda pixels, latent: _Encoder(pixels, latent, nn.Tanh()),
        "the same numbers": lambda pixels, latent: _Encoder(pixels, latent, shared=True),
        "should be [200, 5]": lambda pixels, latent: _Encoder(pixels, 2 * latent),
    },
)


class Doubling:
    """A decoder that can be recognised: z [N, d] -> a likelihood whose mean is 2 z as [N, 1, 1, d]."""

    def __call__(self, z):
        return vae.Gaussian(2 * z.view(len(z), 1, 1, -1), 0.0)


def _samples(answer):
    torch.manual_seed(0)
    images = answer(Doubling(), 4_000, 6)
    if not isinstance(images, torch.Tensor) or images.shape != (4_000, 1, 1, 6):
        return f"4,000 images of the decoder's shape are wanted, [4000, 1, 1, 6]; given {list(getattr(images, 'shape', []))}"
    deviation = images.std().item()
    if deviation < 1e-3:
        return "all samples are the same. A VAE's samples are random: z is drawn for each of them."
    if images.std(dim=0).mean() < 0.5 * deviation:
        return "one z for all images. Draw one for each."
    if abs(images.mean()) > 0.1:
        return f"their mean is {images.mean():.2f}: z is drawn from N(0, I), whose mean is 0; torch.rand is uniform in 0..1."
    if abs(deviation - 2) > 0.1:
        return f"z has deviation {deviation / 2:.2f} where the prior's is 1. Decode z itself: a sample starts from the prior, not from noise sent through the encoder."
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
    },
)

bits_per_dim = Check(
    "bits_per_dim",
    lambda nats, pixels: nats / (pixels * math.log(2)),
    [(89.0, 784), (1234.5, 3072), (0.7, 1)],
    {
        "nats, not bits: one nat is 1 / log 2 bits.": lambda nats, pixels: nats / pixels,
        "multiplied by log 2; a nat is *more* than a bit, so the number has to grow.": lambda nats, pixels: (
            nats * math.log(2) / pixels
        ),
        "for the whole image. It is wanted for each number in it.": lambda nats, pixels: (
            nats / math.log(2)
        ),
    },
)


def _walk(a, b, n):
    return torch.stack([torch.lerp(a, b, w) for w in torch.linspace(0, 1, n)])


interpolate = Check(
    "interpolate",
    _walk,
    [(_random(6), _random(6), 5), (_random(3), _random(3), 2), (_random(2), _random(2), 11)],
    {
        "the end is missing: n points from a to b, both included, are n - 1 steps apart.": lambda a, b, n: (
            torch.stack([torch.lerp(a, b, k / n) for k in range(n)])
        ),
        "from b to a. Begin at the first.": lambda a, b, n: _walk(b, a, n),
        "the ends are left out; they belong to it.": lambda a, b, n: torch.stack(
            [torch.lerp(a, b, (k + 1) / (n + 1)) for k in range(n)]
        ),
    },
)
