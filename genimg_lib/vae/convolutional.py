"""Encoders and decoders by convolutions on a grid of patches, told a condition or not.

The image becomes a grid of patches, so that no convolution runs at full size: on two cores a
network of this kind makes several times the steps of one that works on pixels.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.layers import (
    Residual,
    check_condition,
    check_images,
    check_width,
    icnr_,
)
from genimg_lib.vae.bounds import gaussian_kl, reparameterize
from genimg_lib.vae.likelihoods import Gaussian
from genimg_lib.vae.networks import ConditionalPrior


class ConvBody(nn.Module):
    """Images [N, channels, size, size] to maps [N, 2 width, side, side], side = `side(size)`.

    size: 16 to 64 pixels, a multiple of patch. patch: pixels of a patch's side.
    width: channels on the grid of patches, a multiple of 8; twice as many on the halved one.
    """

    def __init__(self, channels, size, width, patch):
        super().__init__()
        check_size(size, patch)
        check_width(width)
        self.channels, self.size = channels, size
        self.net = nn.Sequential(
            nn.PixelUnshuffle(patch),  # [N, channels patch², size / patch, size / patch]
            nn.Conv2d(channels * patch**2, width, 3, padding=1),
            Residual(width),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            Residual(2 * width),
            nn.GroupNorm(8, 2 * width),
            nn.SiLU(),
        )

    def forward(self, x):
        check_images(x, self.channels, self.size)
        return self.net(x)


class ConvEncoder(nn.Module):
    """q(z|x) or q(z|x, c): images to mean and logvar, each [N, latent].

    channels, size: of the images; size 16 to 64, a multiple of patch.
    conditions: numbers of the condition c [N, conditions]; 0 for none.
    width: channels on the grid of patches, a multiple of 8.
    Raises ValueError for a size or width that does not fit, and for a condition of another shape.
    """

    def __init__(self, channels=3, size=32, latent=64, width=64, patch=4, conditions=0):
        super().__init__()
        self.conditions = conditions
        self.body = ConvBody(channels, size, width, patch)
        self.heads = nn.Linear(2 * width * _side(size, patch) ** 2 + conditions, 2 * latent)

    def forward(self, x, c=None):
        check_condition(c, len(x), self.conditions)
        h = self.body(x).flatten(1)
        h = h if c is None else torch.cat([h, c.to(h)], dim=1)
        mean, logvar = self.heads(h).float().chunk(2, dim=1)
        return mean, logvar


class ConvDecoder(nn.Module):
    """p(x|z) or p(x|z, c): latents [N, latent] to a `Gaussian` over images in [-1, 1].

    sigma: its standard deviation, one for all pixels; None learns it (sigma-VAE, Rybkin et al.
        2021, arXiv:2006.13202).
    fine: channels of a map at full size, from which a last convolution paints the pixels, so that
        neighbours from different patches see each other; 0 paints each patch by itself.
    The other parameters are the encoder's, and so is what is raised.
    """

    def __init__(
        self,
        channels=3,
        size=32,
        latent=64,
        width=64,
        patch=4,
        conditions=0,
        sigma=None,
        fine=0,
    ):
        super().__init__()
        check_size(size, patch)
        check_width(width)
        if sigma is not None and not sigma > 0:
            raise ValueError(f"expected a sigma above 0, or None, which learns it; got {sigma}")
        self.latent, self.conditions = latent, conditions
        self.side, self.grid = _side(size, patch), size // patch
        self.inward = nn.Linear(latent + conditions, 2 * width * self.side**2)
        self.middle = nn.Sequential(Residual(2 * width), Residual(2 * width))
        self.up = nn.Sequential(nn.Conv2d(2 * width, 4 * width, 1), nn.PixelShuffle(2))
        self.last = nn.Sequential(Residual(width), nn.GroupNorm(8, width), nn.SiLU())
        self.outward = nn.Conv2d(width, (fine or channels) * patch**2, 3, padding=1)
        self.paint = fine_layers(self.outward, fine, channels, patch) if fine else None
        self.patch = patch
        if sigma is None:
            self.log_sigma = nn.Parameter(torch.tensor(-1.0))
        else:
            self.register_buffer("log_sigma", torch.tensor(math.log(sigma)))

    def forward(self, z, c=None):
        if z.shape[1:] != (self.latent,) or not len(z):
            raise ValueError(
                f"expected latents [N, {self.latent}], one or more, got {list(z.shape)}"
            )
        check_condition(c, len(z), self.conditions)
        z = z if c is None else torch.cat([z, c.to(z)], dim=1)
        h = self.inward(z).view(len(z), -1, self.side, self.side)  # [N, 2w, side, side]
        h = self.up(self.middle(h))[:, :, : self.grid, : self.grid]  # [N, w, grid, grid]
        patches = self.outward(self.last(h))
        x_hat = F.pixel_shuffle(patches, self.patch)  # [N, C or fine, size, size]
        x_hat = x_hat if self.paint is None else self.paint(x_hat)
        return Gaussian(torch.tanh(x_hat.float()), self.log_sigma)


class ConvVAE(nn.Module):
    """A `ConvEncoder`, a `ConvDecoder`, and a prior: all that one model is made of.

    conditions: numbers of the condition c [N, conditions] that both networks are told; 0 for none.
    moves: with conditions, is the prior p(z|c) a `ConditionalPrior`, or N(0, I) for every c?
    sigma, fine: the decoder's. The other parameters are the encoder's, and so is what is raised.
    """

    def __init__(
        self,
        channels=3,
        size=32,
        latent=32,
        width=48,
        patch=4,
        conditions=0,
        sigma=None,
        moves=True,
        fine=0,
    ):
        super().__init__()
        shape = {"channels": channels, "size": size, "latent": latent, "width": width}
        shape |= {"patch": patch, "conditions": conditions}
        self.encoder = ConvEncoder(**shape)
        self.decoder = ConvDecoder(**shape, sigma=sigma, fine=fine)
        self.prior = ConditionalPrior(conditions, latent) if conditions and moves else None

    def forward(self, x, c=None, eps=None):
        """(rate, distortion) of the negative ELBO, by one z an image, in nats: [N] each.

        x: [N, C, size, size]. c: [N, conditions] or None. eps: noise [N, latent], drawn if not
            given.
        """
        mean, logvar = self.encoder(x, c)
        likelihood = self.decoder(reparameterize(mean, logvar, eps), c)
        prior = None if self.prior is None else self.prior(c)
        return gaussian_kl(mean, logvar, prior), -likelihood.log_prob(x)

    def sample(self, eps, c=None):
        """Images from the prior: [N, C, size, size] in [-1, 1].

        eps: standard normal noise [N, latent]. c: [N, conditions] or None.
        """
        z = eps if self.prior is None else reparameterize(*self.prior(c), eps)
        return self.decoder(z, c).mean


def fine_layers(outward, fine, channels, patch):
    """From maps [N, fine, size, size] to pixels; within a patch, those maps begin equal."""
    icnr_(outward, patch)
    return nn.Sequential(nn.SiLU(), nn.Conv2d(fine, channels, 3, padding=1))


def _side(size, patch):
    """Of the halved grid; a grid with an odd side is halved upwards, and cut back later."""
    return -(-size // (2 * patch))


def check_size(size, patch, most=64):
    """Raise ValueError unless images of this size, 16 to most, are a whole number of patches."""
    if patch < 1 or not 16 <= size <= most or size % patch:
        raise ValueError(
            f"expected a size of 16 to {most} that is a multiple of the patch, got {size} and"
            f" patches of {patch}"
        )
