"""Style transfer in one pass: a network that learned some styles, and one that takes any."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.style.losses import adain, bleach, color, color_statistics, recolor
from genimg_lib.style.networks import SIDE


class StyleNet(nn.Module):
    """Pictures in one of a few learned styles: x [N, 3, H, W] in [-1, 1] -> the same shape, at any size from 16 pixels on.

    A fully convolutional network that works at a quarter and an eighth of the size (Johnson et al. 2016, arXiv:1603.08155) and gives what is to be added to
    the picture; the sum is cut to [-1, 1] in eval mode, while in training a loss may charge for what lies outside. With instance norm (Ulyanov et al. 2016, arXiv:1607.08022). styles: how many; each has its own scales and shifts of every norm, all else is shared
    (Dumoulin et al. 2017, arXiv:1610.07629). examples: the styles' pictures, a list of [1, 3, h, w]: what is to be painted takes on their colours first;
    without them (weights bring the colours along), none are changed.
    """

    def __init__(self, styles=1, width=48, blocks=4, examples=None):
        super().__init__()
        self.styles, wide = styles, 2 * width
        self.enter = nn.ModuleList([Block(48, width, styles), Block(width, wide, styles, stride=2)])
        self.middle = nn.ModuleList(nn.ModuleList([Block(wide, wide, styles), Block(wide, wide, styles, relu=False)]) for _ in range(blocks))
        self.leave = nn.ModuleList(
            [Block(wide, width, styles, up=2), Block(width, width // 2, styles, up=2), Block(width // 2, width // 4, styles, up=2)]
        )
        self.last = _conv(width // 4 + 3, 3)  # sees the picture, too
        nn.init.zeros_(self.last.weight), nn.init.zeros_(self.last.bias)  # at first, nothing is changed
        self.register_buffer("color_mean", torch.zeros(styles, 3))
        self.register_buffer("color_root", torch.zeros(styles, 3, 3))  # of the covariance of the colours
        for k, picture in enumerate(examples or ()):
            self.color_mean[k], self.color_root[k] = (s[0] for s in color_statistics(picture))

    def forward(self, x, style=0, reference=None):
        """style: the number of one, or weights of them [N or 1, styles], which mix their scales and shifts. reference: as for `recolor`."""
        _check_picture(x)
        mix = _mix(style, self.styles, x)
        h, w = x.shape[2:]
        colored = F.pad(self.recolored(x, mix, reference), (0, -w % 8, 0, -h % 8), mode="replicate")
        x = F.pixel_unshuffle(colored, 4)
        for block in self.enter:
            x = block(x, mix)
        for first, second in self.middle:
            x = x + second(first(x, mix), mix)
        for block in self.leave:
            x = block(x, mix)
        painted = (colored + self.last(torch.cat([x, colored], dim=1)))[:, :, :h, :w]
        return painted if self.training else painted.clamp(-1, 1)

    def recolored(self, x, mix, reference=None):
        """x in the colours of the styles, mixed by weights [N or 1, styles]; as it is where the network knows no colours."""
        if not self.color_root.any():
            return x
        return color(bleach(x, reference), mix @ self.color_mean, (mix @ self.color_root.flatten(1)).view(-1, 3, 3))


class Block(nn.Module):
    """Convolution, instance norm with the scales and shifts of the style, and a ReLU if asked; up: the map is enlarged first, which leaves no grid."""

    def __init__(self, c_in, c_out, styles, stride=1, up=1, relu=True):
        super().__init__()
        self.conv = _conv(c_in, c_out, stride)
        self.up, self.relu, self.norm = up, relu, F.instance_norm
        self.scale = nn.Parameter(torch.ones(styles, c_out))
        self.shift = nn.Parameter(torch.zeros(styles, c_out))

    def forward(self, x, mix):
        x = self.conv(_enlarge(x) if self.up > 1 else x)
        x = self.norm(x) * (mix @ self.scale)[:, :, None, None] + (mix @ self.shift)[:, :, None, None]
        return F.relu(x) if self.relu else x


def _enlarge(x):
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Enlarge(nn.Module):
    def forward(self, x):
        return _enlarge(x)


class AnyStyle(nn.Module):
    """Any picture in the style of any other: encode both, exchange the statistics of the maps, decode (Huang and Belongie 2017, arXiv:1703.06868).

    Here the content takes on the style's colours first, by `recolor`.

    encoder: a `Features`, of which the first three stages are taken; frozen. The decoder is what is trained.
    """

    STAGES = 3

    def __init__(self, encoder, width=128):
        super().__init__()
        self.encoder = [encoder]  # not a part: its weights are stored elsewhere
        conv = lambda c_in, c_out: nn.Sequential(_conv(c_in, c_out), nn.ReLU())
        self.decoder = nn.Sequential(
            conv(width, width), conv(width, 64), Enlarge(), conv(64, 64), conv(64, 24), Enlarge(), conv(24, 24), _conv(24, 3)
        )  # fmt: skip

    def encode(self, x):
        """The maps of the first three stages: of x [N, 3, H, W], a list; the last one [N, 128, H / 4, W / 4] is what is decoded."""
        return self.encoder[0](x, self.STAGES)[1:]

    def decode(self, maps):
        """Maps [N, 128, h, w] -> pictures [N, 3, 4 h, 4 w] in [-1, 1]."""
        return torch.tanh(self.decoder(maps))

    def forward(self, content, style, strength=1.0, transform=adain, reference=None):
        """content [N, 3, H, W] and style [N or 1, 3, h, w] in [-1, 1] -> [N, 3, H, W]. strength: 0 keeps the content's own statistics, 1 takes the style's.

        transform: `adain`, or `whiten_color`, its cousin that exchanges whole covariances. style may be a list of pictures with strength a list of weights.
        reference: as for `recolor`.
        """
        _check_picture(content)
        h, w = content.shape[2:]
        styles, weights = (style, strength) if isinstance(style, (list, tuple)) else ([style], [strength])
        if len(styles) != len(weights):
            raise ValueError(f"one weight for each style is wanted; given {len(styles)} styles and {len(weights)} weights")
        rest = 1 - sum(weights)
        content = (rest * content + sum(share * recolor(content, picture, reference) for share, picture in zip(weights, styles, strict=True))).clamp(
            -1, 1
        )
        maps = self.encode(F.pad(content, (0, -w % 4, 0, -h % 4), mode="replicate"))[-1]
        mixed = maps * rest
        for picture, weight in zip(styles, weights, strict=True):
            _check_picture(picture)
            mixed = mixed + weight * transform(maps, self.encode(picture)[-1])
        return self.decode(mixed)[:, :, :h, :w]


def _mix(style, styles, x):
    """Weights of the styles, [N or 1, styles]."""
    if isinstance(style, torch.Tensor):
        if style.dim() != 2 or style.shape[1] != styles or len(style) not in (1, len(x)):
            raise ValueError(f"weights of {styles} styles, [1 or {len(x)}, {styles}], are wanted; given {list(style.shape)}")
        return style.to(x)
    if not isinstance(style, int) or not 0 <= style < styles:
        raise ValueError(f"style is {style!r}; this network has the styles 0 to {styles - 1}")
    return F.one_hot(torch.tensor([style], device=x.device), styles).to(x.dtype)


def _check_picture(x):
    if x.dim() != 4 or x.shape[1] != 3 or min(x.shape[2:]) < SIDE:
        raise ValueError(f"colour images [N, 3, H, W] with sides of {SIDE} pixels or more are wanted; given {list(x.shape)}")


def _conv(c_in, c_out, stride=1):
    return nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, padding_mode="reflect")
