"""Between images and a grid of vectors, one a patch: tokens of a quantiser, or latents.

Convolutions know no size, so the grid's networks work at up to 128 pixels.
"""

import torch
import torch.nn as nn

from genimg_lib.layers import Residual, check_width
from genimg_lib.vae.bounds import gaussian_kl, reparameterize
from genimg_lib.vae.convolutional import check_size, fine_layers

LARGEST = 128  # pixels


class GridEncoder(nn.Module):
    """Images [N, channels, size, size] to maps [N, d, side, side], side = size / patch.

    size: 16 to 128 pixels, a multiple of patch. d: channels of the maps, a quantiser's `width`.
    width: channels on the way, a multiple of 8. depth: residual blocks.
    Raises ValueError for a size or width that does not fit.
    """

    def __init__(self, channels=3, size=32, d=4, width=64, patch=4, depth=2):
        super().__init__()
        check_size(size, patch, LARGEST)
        check_width(width)
        self.side = size // patch
        self.net = nn.Sequential(
            nn.PixelUnshuffle(patch),
            nn.Conv2d(channels * patch**2, width, 3, padding=1),
            *(Residual(width) for _ in range(depth)),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, d, 1),
        )

    def forward(self, x):
        return self.net(x)


class GridDecoder(nn.Module):
    """Maps [N, d, side, side] to images [N, channels, size, size] in [-1, 1].

    fine: 0, or the channels of a map at full size from which a last convolution paints the pixels,
        so that patches meet without seams.
    The other parameters and errors are GridEncoder's.
    """

    def __init__(self, channels=3, size=32, d=4, width=64, patch=4, depth=2, fine=0):
        super().__init__()
        check_size(size, patch, LARGEST)
        check_width(width)
        self.side = size // patch
        outward = nn.Conv2d(width, (fine or channels) * patch**2, 3, padding=1)
        self.net = nn.Sequential(
            nn.Conv2d(d, width, 3, padding=1),
            *(Residual(width) for _ in range(depth)),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            outward,
            nn.PixelShuffle(patch),
        )
        self.paint = fine_layers(outward, fine, channels, patch) if fine else None

    def forward(self, z):
        x_hat = self.net(z)
        return torch.tanh(x_hat if self.paint is None else self.paint(x_hat))


class CodeAutoencoder(nn.Module):
    """A GridEncoder, a quantiser of vae.codes, a GridDecoder: images to tokens and back.

    quantizer: made already; its `width` is the grid's d.
    The other parameters are the encoder's, and so is what is raised.
    """

    def __init__(self, quantizer, channels=3, size=32, width=64, patch=4, depth=2):
        super().__init__()
        shape = {"channels": channels, "size": size, "d": quantizer.width}
        shape |= {"width": width, "patch": patch, "depth": depth}
        self.encoder, self.decoder = GridEncoder(**shape), GridDecoder(**shape)
        self.quantizer = quantizer
        self.shape = (self.encoder.side, self.encoder.side)  # of a grid of tokens

    def forward(self, x):
        """(reconstructions like x, the `Quantized`). x: [N, channels, size, size] in [-1, 1]."""
        q = self.quantizer(self.encoder(x))
        return self.decoder(q.z).float(), q

    def encode(self, x):
        """Images to tokens: int64 [N, side, side]."""
        return self.quantizer.nearest(self.encoder(x))

    def decode(self, tokens):
        """Tokens [N, side, side] to images [N, channels, size, size] in [-1, 1]."""
        return self.decoder(self.quantizer.decode(tokens)).float()


class GridVAE(nn.Module):
    """A GridEncoder to means and log variances, a GridDecoder: images to latents and back.

    latent: d, numbers of a latent at each place of the grid, so [N, latent, side, side] an image.
    fine: the decoder's. The other parameters are the encoder's, and so is what is raised.
    Source: Rombach et al. 2022 (arXiv:2112.10752), section 3.1, the variant "KL-reg.".
    """

    def __init__(self, channels=3, size=64, latent=4, width=64, patch=4, depth=2, fine=0):
        super().__init__()
        shape = {"channels": channels, "size": size, "width": width}
        shape |= {"patch": patch, "depth": depth}
        self.encoder = GridEncoder(**shape, d=2 * latent)
        self.decoder = GridDecoder(**shape, d=latent, fine=fine)
        self.size = size
        self.shape = (latent, self.encoder.side, self.encoder.side)  # of an image's latents

    def encode(self, x):
        """q(z|x) of images [N, channels, size, size]: mean and logvar, each [N, *shape]."""
        mean, logvar = self.encoder(x).float().chunk(2, dim=1)
        return mean, logvar

    def decode(self, z):
        """Latents [N, *shape] to images [N, channels, size, size] in [-1, 1]."""
        return self.decoder(z).float()

    def forward(self, x, eps=None):
        """(reconstructions by one z an image, like x; the rate KL(q(z|x) || N(0, I)), nats: [N]).

        eps: noise [N, *shape], drawn if not given.
        """
        mean, logvar = self.encode(x)
        z = reparameterize(mean, logvar, eps)
        return self.decode(z), gaussian_kl(mean, logvar)
