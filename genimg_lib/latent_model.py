"""Images drawn as latents: an autoencoder with a grid, and a flow that draws such grids."""

import torch
import torch.nn as nn

from genimg_lib import flow
from genimg_lib.vae import GridVAE


class LatentFlow(nn.Module):
    """A `vae.GridVAE`, and a `flow.PatchUNet` over its latents, brought to one scale.

    The flow sees (z - mean) / std, by a mean and a standard deviation for each channel, which
    `measure_scale` takes from images; until then they are 0 and 1.
    images: arguments of the GridVAE. latents: arguments of the PatchUNet, less channels and size.
    Raises ValueError for sizes that do not fit.
    Source: Rombach et al. 2022 (arXiv:2112.10752), whose scale is one number for all channels.
    """

    def __init__(self, images, latents):
        super().__init__()
        self.images = GridVAE(**images)
        channels, side, _ = self.shape = self.images.shape
        self.flow = flow.PatchUNet(channels=channels, size=side, **latents)
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))

    @torch.no_grad()
    def measure_scale(self, mean, logvar):
        """Take the scale from q(z|x) of many images: mean and logvar, each [N, d, side, side].

        The variance of z is that of the means, and on top, on average, that of q.
        Raises ValueError where a channel's mean is the same everywhere.
        """
        places = (0, 2, 3)
        of_means = mean.double().var(dim=places, correction=0)
        std = (of_means + logvar.double().exp().mean(dim=places)).sqrt()
        if not (of_means > 1e-12).all():
            raise ValueError(f"expected latents that differ, got variances {of_means.tolist()}")
        self.mean.copy_(mean.double().mean(dim=places).view(-1, 1, 1))
        self.std.copy_(std.view(-1, 1, 1))

    def scaled(self, z):
        """Latents of the autoencoder as the flow sees them: like z, [N, d, side, side]."""
        return (z - self.mean) / self.std

    def decode(self, z):
        """What the flow draws, [N, d, side, side], as images [N, C, size, size] in [-1, 1]."""
        return self.images.decode(z * self.std + self.mean)

    def draw(self, noise, calls=10, c=None):
        """Images of standard normal noise [N, d, side, side], however many: on the CPU.

        calls: of the flow; the decoder is called once. c: conditions [N, K], or None.
        """

        def way(eps, *told):
            return self.decode(flow.last(flow.trajectory(self.flow, eps, calls, *told)))

        return flow.in_parts(way, self, noise, c)
