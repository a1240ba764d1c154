"""A generator and a discriminator of strided convolutions, with or without a condition."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

from genimg_lib.layers import check_condition, icnr_, in_batches


class Generator(nn.Module):
    """G(z): latents [N, latent] to images [N, channels, size, size] in [-1, 1].

    By a layer for the smallest side and pixel shuffles that double it.
    size: 16 to 128, of the form s 2^k with s from 4 to 7 (28 = 7 * 4).
    width: channels at half the size; they double towards the small side, up to four times.
    conditions: length of the vector c [N, conditions] that G obeys; it goes in beside z and scales
        every normalised map (conditional batch norm, de Vries et al. 2017, arXiv:1707.00683).
    by_level: True cuts z into equal parts, one for the first layer and one for each norm, which it
        scales as c does (Brock et al. 2018, arXiv:1809.11096, appendix B).
    Raises ValueError for sizes that cannot be, and for a latent that cannot be cut so.
    """

    def __init__(self, size=32, channels=3, latent=64, width=32, conditions=0, by_level=False):
        super().__init__()
        sides = side_lengths(size)
        widths = [width_at(width, size, side) for side in sides]
        self.latent, self.conditions = latent, conditions
        parts = 1 + len(sides)
        if by_level and latent % parts:
            raise ValueError(
                f"expected a latent that can be cut into {parts} equal parts, got {latent}"
            )
        self.part = latent // parts if by_level else 0
        first = self.part or latent
        self.first = nn.Linear(first + conditions, widths[0] * sides[0] ** 2)
        self.shape = (widths[0], sides[0], sides[0])
        self.norms = nn.ModuleList(Norm(w, self.part + conditions) for w in widths)
        outs = [*widths[1:], channels]
        self.ups = nn.ModuleList(
            nn.Conv2d(w, 4 * out, 3, padding=1) for w, out in zip(widths, outs, strict=True)
        )
        for up in self.ups:
            icnr_(up)

    def forward(self, z, c=None):
        check_condition(c, len(z), self.conditions)
        first, *told = self._told(z, c)
        x = self.first(first).view(-1, *self.shape)
        for norm, up, what in zip(self.norms, self.ups, told, strict=True):
            x = F.pixel_shuffle(up(F.relu(norm(x, what))), 2)  # [N, 4 w, s, s] -> [N, w, 2 s, 2 s]
        return torch.tanh(x)

    def _told(self, z, c):
        """What the first layer and each norm are told: [N, ...], or None for norms."""
        parts = z.split(self.part, dim=1) if self.part else [z] + [None] * len(self.norms)
        given = [[there for there in (part, c) if there is not None] for part in parts]
        return [torch.cat(both, dim=1) if both else None for both in given]


class Discriminator(nn.Module):
    """a(x): images [N, channels, size, size] to logits [N], by strided convolutions.

    With spectral norm (Miyato et al. 2018) and no batch norm.
    size, channels, width as for Generator.
    spectral: False leaves the layers free, for penalties that hold the slope themselves.
    conditions: length of c [N, conditions], which is judged with the image by a projection, a(x, c)
        = w h(x) + (V c) . h(x) (Miyato and Koyama 2018, arXiv:1802.05637), and may be read from the
        image by a linear layer on h.
    """

    def __init__(self, size=32, channels=3, width=32, conditions=0, spectral=True):
        super().__init__()
        held = spectral_norm if spectral else (lambda layer: layer)
        sides = side_lengths(size)[::-1]  # from half the size down
        widths = [width_at(width, size, side) for side in sides]
        layers = [
            nn.PixelUnshuffle(2),
            held(nn.Conv2d(4 * channels, widths[0], 3, padding=1)),
            nn.LeakyReLU(0.2),
        ]
        for w, out in zip(widths, [*widths[1:], widths[-1]], strict=False):
            layers += [held(nn.Conv2d(w, out, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.conditions, features = conditions, widths[-1] * (sides[-1] // 2) ** 2
        self.last = held(nn.Linear(features, 1))
        self.embed = held(nn.Linear(conditions, features, bias=False)) if conditions else None
        self.classifier = nn.Linear(features, conditions) if conditions else None

    def forward(self, x, c=None, classify=False):
        """Logits [N]; with classify=True also the auxiliary classifier's, [N, conditions].

        Raises ValueError where conditions are asked for and the network has none, or the other
        way round.
        """
        h = self.body(x)
        a = self.last(h)[:, 0]
        check_condition(c, len(x), self.conditions)
        a = a if c is None else a + (self.embed(c) * h).sum(dim=1)
        if not classify:
            return a
        if self.classifier is None:
            raise ValueError("this network was made without conditions: nothing to classify")
        return a, self.classifier(h)


class Norm(nn.Module):
    """Batch norm whose scale and shift may depend on a condition c [N, conditions]."""

    def __init__(self, width, conditions=0):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=not conditions)
        self.scale_shift = nn.Linear(conditions, 2 * width) if conditions else None

    def forward(self, x, c=None):
        x = self.norm(x)
        if self.scale_shift is None:
            return x
        scale, shift = self.scale_shift(c)[:, :, None, None].chunk(2, dim=1)
        return x * (1 + scale) + shift


def side_lengths(size):
    """The sides a generator passes before its last doubling: 32 -> [4, 8, 16]."""
    sides = [size]
    while sides[0] % 2 == 0 and sides[0] > 7:
        sides.insert(0, sides[0] // 2)
    if not 16 <= size <= 128 or not 4 <= sides[0] <= 7:
        raise ValueError(
            f"a side of {size} pixels; from 16 to 128 and 4, 5, 6 or 7 times a power of 2 are"
            " possible: 16, 28, 32, 48, 64, 128 ..."
        )
    return sides[:-1]


def width_at(width, size, side):
    return width * min(4, size // 2 // side)


@torch.no_grad()
def settled(net, *inputs):
    """A copy of a network in eval mode whose batch norms have the statistics of these inputs.

    Averaged weights bring the running statistics along that belong to the *last* weights; these are
    its own: the mean over all batches of the inputs, 250 at a time.
    inputs: tensors [N, ...] that the network takes, N from 2 on, as latents and conditions.
    Source: standing statistics, Brock et al. 2018 (arXiv:1809.11096), appendix C.
    """
    net = copy.deepcopy(net).train()
    for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over all batches
    in_batches(net, *inputs)
    return net.eval()
