"""Between images and a grid of vectors, one a patch, that a quantiser turns into tokens."""

import torch
import torch.nn as nn

from genimg_lib.layers import Residual
from genimg_lib.vae.convolutional import check_size


class GridEncoder(nn.Module):
    """Images [N, channels, size, size] to maps [N, d, side, side], side = size / patch.

    size: 16 to 64 pixels, a multiple of patch. d: channels of the maps, a quantiser's `width`.
    width: channels on the way, a multiple of 8. depth: residual blocks.
    Raises ValueError for a size that does not fit.
    """

    def __init__(self, channels=3, size=32, d=4, width=64, patch=4, depth=2):
        super().__init__()
        check_size(size, patch)
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

    Parameters and errors as for GridEncoder.
    """

    def __init__(self, channels=3, size=32, d=4, width=64, patch=4, depth=2):
        super().__init__()
        check_size(size, patch)
        self.side = size // patch
        self.net = nn.Sequential(
            nn.Conv2d(d, width, 3, padding=1),
            *(Residual(width) for _ in range(depth)),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, channels * patch**2, 3, padding=1),
            nn.PixelShuffle(patch),
        )

    def forward(self, z):
        return torch.tanh(self.net(z))


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
