"""Style transfer in one pass: a network that learned some styles, and one that takes any."""

import functools

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.style.losses import adain, bleach, color, color_statistics, recolor
from genimg_lib.style.networks import check_pictures, conv
from genimg_lib.style.places import on_grid, on_whole_pixels


class StyleNet(nn.Module):
    """Pictures in one of a few learned styles: x [N, 3, H, W] in [-1, 1] to the same shape.

    At any size from 16 pixels on.
    A fully convolutional network that works at a quarter of the size (after Johnson et al. 2016,
    arXiv:1603.08155), with instance norm (Ulyanov et al. 2016, arXiv:1607.08022). It gives what is
    to be added to the picture; the sum is cut to [-1, 1] in eval mode, while in training a loss may
    charge for what lies outside.
    styles: how many; each has its own scales and shifts of every norm (Dumoulin et al. 2017,
        arXiv:1610.07629), its colours and its canvas, all else is shared.
    blocks: residual ones, 1 or more.
    canvas: channels of a learned texture, TILE x TILE places that repeat over the scene, from which
        the network takes what a flat picture does not tell: where to put the next stroke; 0 for
        none.
    examples: the styles' pictures, a list of [1, 3, h, w]: what is to be painted takes on their
        colours first; without them (weights bring the colours along), none are changed.
    Raises ValueError for fewer blocks than 1 and for another number of examples than of styles.
    """

    # pixels: a picture moved by a multiple of them, the origin with it, gives the same painting,
    # moved, but for borders and the norms' statistics
    GRID = 4
    TILE = 64  # places, GRID pixels each

    def __init__(self, styles=1, width=64, blocks=4, canvas=0, examples=None):
        super().__init__()
        if blocks < 1:
            raise ValueError(
                f"expected 1 or more blocks, since the first one takes the canvas in, got {blocks}"
            )
        if examples is not None and len(examples) != styles:
            raise ValueError(
                f"expected one example for each style, got {len(examples)} for {styles}"
            )
        self.styles = styles
        self.canvas = nn.Parameter(torch.randn(styles, canvas, self.TILE, self.TILE))
        self.enter = Block(3 * self.GRID**2, width, styles)
        ins = [width + canvas] + [width] * (blocks - 1)
        self.middle = nn.ModuleList(
            nn.ModuleList([Block(c_in, width, styles), Block(width, width, styles, relu=False)])
            for c_in in ins
        )
        self.leave = nn.ModuleList(
            [
                Block(width, width // 2, styles, up=2, cell=2),
                Block(width // 2, width // 4, styles, up=2, cell=4),
            ]
        )
        self.last = conv(width // 4 + 3, 3)  # sees the picture, too
        # at first, nothing is changed
        nn.init.zeros_(self.last.weight), nn.init.zeros_(self.last.bias)
        self.register_buffer("color_mean", torch.zeros(styles, 3))
        # of the covariance of the colours
        self.register_buffer("color_root", torch.zeros(styles, 3, 3))
        for k, picture in enumerate(examples or ()):
            self.color_mean[k], self.color_root[k] = (s[0] for s in color_statistics(picture))

    def forward(self, x, style=0, reference=None, origin=(0, 0)):
        """x in a style, or in a mixture of styles.

        style: the number of one, or weights of them [N or 1, styles], which mix all that they own.
        reference: as for `recolor`.
        origin: the row and column of the scene at which the picture begins; where a camera moves,
            they hold grid and canvas to the scene. A picture that begins at parts of a pixel is
            painted as seen from whole ones, and the painting moved back.
        Raises ValueError for a style that there is not, and for pictures that are not in colour or
        have a side of less than 16 pixels.
        """
        check_pictures(x)
        mix = _mix(style, self.styles, x)
        reference = x if reference is None else reference

        def paint(seen, begin):
            return self._painted(seen, mix, reference, begin)

        painted = on_whole_pixels(paint, x, origin)
        return painted if self.training else painted.clamp(-1, 1)

    def _painted(self, x, mix, reference, origin):
        colored, inside = on_grid(self.recolored(x, mix, reference), self.GRID, origin)
        colored = colored.contiguous(memory_format=torch.channels_last)  # faster on a CPU
        x = self.enter(F.pixel_unshuffle(colored, self.GRID), mix)
        texture = self.texture(mix, origin, x.shape[2:]).expand(len(x), -1, -1, -1)
        texture = texture.contiguous(memory_format=torch.channels_last)
        for k, (first, second) in enumerate(self.middle):
            x = x + second(first(x if k else torch.cat([x, texture], dim=1), mix), mix)
        for block in self.leave:
            x = block(x, mix)
        return (colored + self.last(torch.cat([x, colored], dim=1)))[inside]

    def texture(self, mix, origin, size):
        """The canvases, mixed by weights [N or 1, styles]: [N or 1, channels, *size].

        In places, from the line of the grid at or before the origin on.
        """
        rows, columns = (
            (torch.arange(n, device=mix.device) + start // self.GRID) % self.TILE
            for n, start in zip(size, origin, strict=True)
        )
        return torch.einsum("ns,schw->nchw", mix, self.canvas)[:, :, rows][..., columns]

    def recolored(self, x, mix, reference=None):
        """x in the colours of the styles, mixed by weights [N or 1, styles].

        As it is where the network knows no colours.
        """
        if not self.color_root.any():
            return x
        return color(
            bleach(x, reference),
            mix @ self.color_mean,
            (mix @ self.color_root.flatten(1)).view(-1, 3, 3),
        )


class Block(nn.Module):
    """Convolution, instance norm with the style's scales and shifts, and a ReLU if asked.

    up: the map is enlarged first, by `enlarged`.
    cell: pixels of the cells for `norm_by_place`.
    """

    def __init__(self, c_in, c_out, styles, up=1, cell=1, relu=True):
        super().__init__()
        self.conv = conv(c_in, c_out)
        self.enlarge = functools.partial(enlarged, times=up) if up > 1 else nn.Identity()
        self.norm = functools.partial(norm_by_place, cell=cell)
        self.relu = relu
        self.scale = nn.Parameter(torch.ones(styles, c_out))
        self.shift = nn.Parameter(torch.zeros(styles, c_out))

    def forward(self, x, mix):
        x = self.norm(self.conv(self.enlarge(x)))
        scale, shift = ((mix @ n)[:, :, None, None] for n in (self.scale, self.shift))
        x = torch.addcmul(shift, x, scale)
        return F.relu(x) if self.relu else x


def enlarged(x, times):
    """A map [N, C, H, W] at so many times its size, without the steps of its old places.

    Bilinear, then the mean of 3x3 pixels: what interpolation leaves of the old grid, kinks and
    pixels that vary less than others, is what a ReLU makes a lattice of.
    """
    x = F.interpolate(x, scale_factor=times, mode="bilinear")
    c = x.shape[1]
    # the mean as a convolution: several times faster than avg_pool2d on a CPU
    mean = x.new_full((c, 1, 3, 3), 1 / 9)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), mean, groups=c)


def norm_by_place(x, cell, eps=1e-5):
    """Instance norm for each place of a cell by itself: x [N, C, H, W] to the same.

    Every channel has mean 0 and variance 1 over all pixels that lie at one place of the cells of
    cell x cell pixels; cell 1 is instance norm. So no place of an enlarged map is brighter or
    rougher than another, all over the picture.
    H, W: multiples of cell.
    """
    n, c, h, w = x.shape
    if cell == 1:  # instance norm, in a fourth of the time that instance_norm takes on a CPU
        return F.group_norm(x, c, eps=eps)

    def means(lines):
        """Of each place: [N, 1, cell, 1, cell, C]."""
        by_line = lines.mean(dim=1)
        return by_line.view(n, 1, cell, w // cell, cell, c).mean(dim=3, keepdim=True)

    # channels last, and lines first: as memory lies; var_mean takes several times as long
    lines = x.permute(0, 2, 3, 1).reshape(n, h // cell, cell, w * c)
    cells = (n, h // cell, cell, w // cell, cell, c)
    centered = lines.view(cells) - means(lines)
    var = means(centered.view_as(lines) ** 2)
    return (centered * (var + eps).rsqrt()).view(n, h, w, c).permute(0, 3, 1, 2)


class AnyStyle(nn.Module):
    """Any picture in the style of any other: encode, exchange statistics, decode.

    Source: Huang and Belongie 2017 (arXiv:1703.06868).
    Here the content c takes on the style's colours first, by `recolor`, and the decoder D says what
    is to be added to it: c + D(t) - D(E(c)), where E is the encoder and t the maps with the style's
    statistics. So maps that stay as they are give the picture back.
    encoder: a `Features`, of which the first three stages are taken; frozen. The decoder is what is
        trained; in training the sum is not cut to [-1, 1].
    """

    STAGES, GRID = 3, 4  # pixels: see StyleNet

    def __init__(self, encoder):
        super().__init__()
        self.encoder = [encoder]  # not a part: its weights are stored elsewhere

        def layer(c_in, c_out):
            return nn.Sequential(conv(c_in, c_out), nn.ReLU())

        up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.decoder = nn.Sequential(
            layer(128, 96), layer(96, 64), up, layer(64, 32), up, layer(32, 16), conv(16, 3)
        )
        if (
            channels := encoder(
                torch.zeros(1, 3, 16, 16, device=encoder.scale.device), self.STAGES
            )[-1].shape[1:2]
        ) != (128,):
            raise ValueError(
                f"expected an encoder with 128 channels at stage {self.STAGES}, as"
                f" features('embedded') has, got one with {channels[0]}"
            )

    def _apply(self, fn, recurse=True):
        self.encoder[0]._apply(fn, recurse)  # goes along to another device
        return super()._apply(fn, recurse)

    def encode(self, x):
        """The maps of the first three stages of x [N, 3, H, W]: a list.

        The last one [N, 128, H / 4, W / 4] is what is decoded.
        """
        return self.encoder[0](x, self.STAGES)[1:]

    def decode(self, picture, maps, wanted):
        """The picture [N, 3, 4 h, 4 w] with its maps [N, 128, h, w] changed as others say."""
        x = picture + self.decoder(wanted) - self.decoder(maps)
        return x if self.training else x.clamp(-1, 1)

    def forward(self, content, style, strength=1.0, transform=adain, reference=None, origin=(0, 0)):
        """content [N, 3, H, W] and style [N or 1, 3, h, w] in [-1, 1] -> [N, 3, H, W].

        strength: 0 gives the content back, 1 takes the style's statistics.

        transform: `adain`, or `whiten_color`, its cousin that exchanges whole covariances. style
            may be a list of pictures with strength a list of weights.
        reference: as for `recolor`; origin: as for `StyleNet`.
        Raises ValueError for unlike numbers of styles and weights, and as `StyleNet` for pictures.
        """
        styles, weights = (
            (style, strength) if isinstance(style, (list, tuple)) else ([style], [strength])
        )
        if not isinstance(weights, (list, tuple)) or len(styles) != len(weights):
            raise ValueError(
                f"expected one weight for each of {len(styles)} styles, as a list, got {weights}"
            )
        for picture in (content, *styles):
            check_pictures(picture)
        reference = content if reference is None else reference

        def paint(seen, begin):
            return self._painted(seen, styles, weights, transform, reference, begin)

        painted = on_whole_pixels(paint, content, origin)
        return painted if self.training else painted.clamp(-1, 1)

    def _painted(self, content, styles, weights, transform, reference, origin):
        rest = 1 - sum(weights)
        colored = sum(
            share * recolor(content, picture, reference)
            for share, picture in zip(weights, styles, strict=True)
        )
        framed, inside = on_grid((rest * content + colored).clamp(-1, 1), self.GRID, origin)
        maps = self.encode(framed)[-1]
        mixed = maps * rest
        for picture, weight in zip(styles, weights, strict=True):
            mixed = mixed + weight * transform(maps, self.encode(picture)[-1])
        return self.decode(framed, maps, mixed)[inside]


def _mix(style, styles, x):
    """Weights of the styles, [N or 1, styles]."""
    if isinstance(style, torch.Tensor):
        if style.dim() != 2 or style.shape[1] != styles or len(style) not in (1, len(x)):
            raise ValueError(
                f"expected weights of {styles} styles, [1 or {len(x)}, {styles}], got"
                f" {list(style.shape)}"
            )
        return style.to(x)
    if not isinstance(style, int) or isinstance(style, bool) or not 0 <= style < styles:
        raise ValueError(f"style is {style!r}; this network has the styles 0 to {styles - 1}")
    return F.one_hot(torch.tensor([style], device=x.device), styles).to(x.dtype)
