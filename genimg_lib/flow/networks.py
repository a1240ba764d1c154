"""A U-Net for two cores, which works on patches instead of pixels.

So its convolutions run at an eighth or a quarter of the image's size.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import layers


def time_features(t, d=64):
    """Times t [N] in [0, 1] as cosines and sines of d/2 frequencies, 1 to about 400: [N, d].

    Source: Vaswani et al. 2017, section 3.5.
    """
    frequencies = torch.exp(torch.linspace(0, 6, d // 2, device=t.device))
    angles = t[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class ResBlock(nn.Module):
    """Two convolutions beside a shortcut; the time scales and shifts what passes between them.

    h: [N, c, H, W], e: [N, embed].
    """

    def __init__(self, c, embed):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, c), nn.Conv2d(c, c, 3, padding=1)
        self.time = nn.Linear(embed, 2 * c)
        self.norm2, self.conv2 = nn.GroupNorm(8, c, affine=False), nn.Conv2d(c, c, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)  # a block begins as the identity
        nn.init.zeros_(self.conv2.bias)

    def forward(self, h, e):
        scale, shift = self.time(e)[:, :, None, None].chunk(2, dim=1)
        r = self.conv1(F.silu(self.norm1(h)))
        return h + self.conv2(F.silu(self.norm2(r) * (1 + scale) + shift))


class GlobalMixing(nn.Module):
    """The whole grid through one hidden layer of `hidden` units, beside a shortcut.

    Every position reaches every other. h: [N, c, side, side], e: [N, embed].
    """

    def __init__(self, c, side, embed, hidden):
        super().__init__()
        self.inward, self.outward, self.time = (
            nn.Linear(c * side * side, hidden),
            nn.Linear(hidden, c * side * side),
            nn.Linear(embed, hidden),
        )
        nn.init.zeros_(self.outward.weight)
        nn.init.zeros_(self.outward.bias)

    def forward(self, h, e):
        return h + self.outward(F.silu(self.inward(h.flatten(1)) + self.time(e))).view_as(h)


class PatchUNet(nn.Module):
    """net(x, t): images [N, channels, size, size] at times [N] in [0, 1] to images.

    size / patch has to be even: the image becomes a grid of patches, the grid is halved once, and
    comes back.
    width: channels on the grid, a multiple of 8; twice as many on the halved one.
    blocks: residual blocks on each level.
    fine: 0, or the channels of a map at full size, from which, and from x, a last convolution
        paints the image, so that patches meet without seams.
    conditions: numbers that it is told of each image: net(x, t, c), c [N, conditions]; without c,
        or where c is 0, it is told nothing.
    shown: channels of maps behind those of the image, x [N, channels + shown, size, size], that it
        is shown and does not paint.
    """

    def __init__(
        self,
        channels=3,
        size=32,
        patch=4,
        width=64,
        blocks=1,
        embed=128,
        hidden=256,
        fine=0,
        conditions=0,
        shown=0,
    ):
        super().__init__()
        if patch < 1 or size % (2 * patch):
            raise ValueError(
                f"size is {size}, patch {patch}: size has to be a multiple of twice the patch,"
                f" {2 * patch}"
            )
        layers.check_width(width)
        self.channels, self.size, self.shown = channels, size, shown
        self.patch, self.conditions = patch, conditions
        c, c_2, pixels = width, 2 * width, channels * patch * patch
        self.time = nn.Sequential(nn.Linear(64, embed), nn.SiLU())
        # the grid: [N, c, size / patch, size / patch]
        self.inward = nn.Conv2d(pixels + shown * patch * patch, c, 3, padding=1)
        self.first = nn.ModuleList([ResBlock(c, embed) for _ in range(blocks)])
        self.down = nn.Conv2d(c, c_2, 2, stride=2)  # [N, 2c, size / 2 patch, size / 2 patch]
        self.middle = nn.ModuleList([ResBlock(c_2, embed) for _ in range(blocks)])
        self.mixing = GlobalMixing(c_2, size // patch // 2, embed, hidden)
        self.last_middle = ResBlock(c_2, embed)
        # then a pixel shuffle: [N, c, size / patch, size / patch]
        self.up = nn.Conv2d(c_2, 4 * c, 1)
        self.join = nn.Conv2d(2 * c, c, 1)
        self.last = nn.ModuleList([ResBlock(c, embed) for _ in range(blocks)])
        out = fine * patch * patch if fine else pixels
        self.norm, self.outward = nn.GroupNorm(8, c), nn.Conv2d(c, out, 3, padding=1)
        fine_and_x = fine + channels + shown
        self.paint = nn.Conv2d(fine_and_x, channels, 3, padding=1) if fine else None
        if fine:
            layers.icnr_(self.outward, patch)
        self.told = nn.Linear(conditions, embed, bias=False) if conditions else None

    def forward(self, x, t, c=None):
        layers.check_images(x, self.channels + self.shown, self.size)
        e = self._embedded(t, c)
        h = self.inward(F.pixel_unshuffle(x, self.patch))
        for block in self.first:
            h = block(h, e)
        kept, h = h, self.down(h)
        h = self._halved(h, e, c)
        h = self.join(torch.cat([F.pixel_shuffle(self.up(h), 2), kept], dim=1))
        for block in self.last:
            h = block(h, e)
        h = F.pixel_shuffle(self.outward(F.silu(self.norm(h))), self.patch)
        return h if self.paint is None else self.paint(torch.cat([F.silu(h), x.to(h)], dim=1))

    def _halved(self, h, e, c):
        """What is done on the halved grid."""
        for block in self.middle:
            h = block(h, e)
        return self.last_middle(self.mixing(h, e), e)

    def _embedded(self, t, c):
        linear, activation = self.time
        e = linear(time_features(t))
        if c is None:
            return activation(e)
        if self.told is None or c.shape != (len(t), self.conditions):
            wanted = [len(t), self.conditions] if self.told is not None else "none"
            raise ValueError(f"expected conditions {wanted}, got {list(c.shape)}")
        return activation(e + self.told(c.to(t)))


class WordUNet(PatchUNet):
    """A PatchUNet that looks at the words of a sentence: net(x, t, (vectors, there, summary)).

    vectors: [N, S, words], there: bool [N, S], one or more in each row: each place of the halved
    grid looks at all of them, twice. summary: [N, summary], told to all blocks with the time.
    words: width of a vector. heads: have to divide twice the width. Others as for PatchUNet.
    Source: cross-attention in a U-Net, Rombach et al. 2022 (arXiv:2112.10752), section 3.3.
    """

    def __init__(self, words, summary, heads=4, width=64, **shape):
        super().__init__(width=width, conditions=summary, **shape)
        self.looks = nn.ModuleList(layers.CrossAttention(2 * width, words, heads) for _ in range(2))

    def _embedded(self, t, c):
        _, _, summary = c
        return super()._embedded(t, summary)

    def _halved(self, h, e, c):
        vectors, there, _ = c
        first, second = self.looks
        for block in self.middle:
            h = block(h, e)
        h = _look(first, h, vectors, there)
        h = self.last_middle(self.mixing(h, e), e)
        return _look(second, h, vectors, there)


def _look(attention, h, vectors, there):
    """Cross-attention of each place of a grid: h [N, c, H, W] to the same shape."""
    places = h.flatten(2).transpose(1, 2)  # [N, H W, c]
    return attention(places, vectors, there).transpose(1, 2).view_as(h)
