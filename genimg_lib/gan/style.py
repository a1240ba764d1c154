"""A style-based generator: a mapping network, modulated convolutions, noise in every layer.

Source: Karras, Laine and Aila 2019 (arXiv:1812.04948); as here, with modulated weights and no
normalised maps, Karras et al. 2020 (arXiv:1912.04958).
"""

import math
from itertools import pairwise

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.gan.networks import side_lengths, width_at

SLOPE = 0.2  # of the leaky ReLU for negative numbers
# a standard normal number leaves the leaky ReLU with a mean square of (1 + SLOPE^2) / 2
GAIN = math.sqrt(2 / (1 + SLOPE**2))


def modulated(x, weight, s, demodulate=True, gain=1.0, eps=1e-8):
    """A convolution whose weights are scaled for each image by its style: [N, out, H, W].

    Weight w_oikl counts s_i w_oikl; demodulated, divided by the root of the sum of their squares
    over i, k, l: white maps of variance 1 leave it with variance 1. Nobody needs a set of weights
    for each image: s multiplies the maps that go in, the divisor those that come out.

    x: [N, in, H, W].
    weight: [out, in, k, k], k odd; sides stay.
    s: [N, in].
    gain: of the output, for the activation that follows.
    Raises ValueError for styles that do not fit.
    Source: Karras et al. 2020 (arXiv:1912.04958), equations 1 and 3.
    """
    if s.shape != x.shape[:2]:
        raise ValueError(
            f"expected a style for each map of each image, {list(x.shape[:2])}; got {list(s.shape)}"
        )
    y = F.conv2d(x * s[:, :, None, None].to(x.dtype), weight, padding=weight.shape[-1] // 2)
    if not demodulate:
        return gain * y
    power = weight.square().sum(dim=(2, 3))  # [out, in]
    scale = gain * (s.square() @ power.T + eps).rsqrt()  # [N, out]
    return y * scale[:, :, None, None].to(y.dtype)


class Mapping(nn.Module):
    """w = f(z): latents [N, latent], scaled to length sqrt(latent), to styles [N, styles].

    layers: of width `styles`, each with a leaky ReLU; without any, w is the scaled z.
    Raises ValueError where there is no layer and the widths differ.
    """

    def __init__(self, latent=64, styles=64, layers=4):
        super().__init__()
        if layers == 0 and styles != latent:
            raise ValueError(f"without a layer {latent} latents cannot become {styles} styles")
        widths = [latent, *[styles] * layers]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)

    def forward(self, z):
        w = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            w = GAIN * F.leaky_relu(layer(w), SLOPE)
        return w


class Styled(nn.Module):
    """A modulated convolution, then noise, a bias and the leaky ReLU: [N, wide_out, s, s].

    up: True doubles the side, by a pixel shuffle.
    noise, demodulate: False leaves either out.
    """

    def __init__(self, wide_in, wide_out, styles, up=False, noise=True, demodulate=True):
        super().__init__()
        self.weight, self.up, self.demodulate = _weight(wide_out, wide_in, up), up, demodulate
        self.style = _style(styles, wide_in)
        self.bias = nn.Parameter(torch.zeros(wide_out, 1, 1))
        self.strength = nn.Parameter(torch.zeros(wide_out, 1, 1)) if noise else None

    def forward(self, x, w, noise=None):
        """x: [N, wide_in, s, s]. w: [N, styles]. noise: [N, 1, s, s], or drawn anew."""
        x = modulated(x, self.weight, self.style(w), self.demodulate, GAIN)
        if self.up:
            x = F.pixel_shuffle(x, 2)  # [N, 4 out, s, s] -> [N, out, 2 s, 2 s]
        added = self.bias
        if self.strength is not None:
            if noise is None:
                noise = torch.randn(len(x), 1, *x.shape[2:], device=x.device)
            added = torch.addcmul(added, self.strength, noise)
        return F.leaky_relu(x + added.to(x.dtype), SLOPE)


class ToImage(nn.Module):
    """Maps [N, wide, s, s] to images [N, channels, 2 s, 2 s], modulated and not demodulated."""

    def __init__(self, wide, channels, styles):
        super().__init__()
        self.weight, self.style = _weight(channels, wide, up=True), _style(styles, wide)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x, w):
        x = modulated(x, self.weight, self.style(w), demodulate=False)
        return F.pixel_shuffle(x, 2) + self.bias


def _weight(wide_out, wide_in, up):
    """First weights [out, in, 3, 3]; with up [4 out, ...], alike for the pixels of a square.

    Source: Aitken et al. 2017 (arXiv:1707.02937).
    """
    weight = torch.randn(wide_out, wide_in, 3, 3) * (9 * wide_in) ** -0.5
    return nn.Parameter(weight.repeat_interleave(4, dim=0) if up else weight)


def _style(styles, wide):
    """The affine layer from a style to a factor for each map: 1 where the style is 0."""
    affine = nn.Linear(styles, wide)
    nn.init.normal_(affine.weight, std=styles**-0.5)
    nn.init.ones_(affine.bias)
    return affine


class StyleGenerator(nn.Module):
    """G(z) = g(f(z)): latents [N, latent] to images [N, channels, size, size] in [-1, 1].

    The synthesis g starts from the same learned maps for all images; a style tells every
    convolution what to do with them.
    size, channels, width: as for `Generator`, with the same sides.
    mapping: layers of f.
    noise, demodulate: False leaves either out (for ablations).
    Attributes: `depth`, how many styles an image takes: one for each side and one for the image;
    `sides`, those of the maps.
    """

    def __init__(
        self,
        size=32,
        channels=3,
        latent=64,
        styles=64,
        width=24,
        mapping=4,
        noise=True,
        demodulate=True,
    ):
        super().__init__()
        self.sides = side_lengths(size)
        widths = [width_at(width, size, side) for side in self.sides]
        self.latent, self.depth = latent, 1 + len(self.sides)
        self.mapping = Mapping(latent, styles, mapping)
        self.start = nn.Parameter(torch.randn(1, widths[0], self.sides[0], self.sides[0]))
        options = {"styles": styles, "noise": noise, "demodulate": demodulate}
        self.convs = nn.ModuleList([Styled(widths[0], widths[0], **options)])
        self.convs.extend(Styled(*pair, up=True, **options) for pair in pairwise(widths))
        self.to_image = ToImage(widths[-1], channels, styles)

    def forward(self, z, noise=None):
        """z: [N, latent]. noise: as for `synthesis`."""
        return self.synthesis(self.mapping(z), noise)

    def synthesis(self, w, noise=None):
        """Images of styles.

        w: [N, styles], or [N, depth, styles] with one for each layer.
        noise: what `draw_noise` gives, or drawn anew.
        Raises ValueError for styles of another number of layers and noise for another number of
        images.
        """
        if w.dim() == 3 and w.shape[1] != self.depth:
            raise ValueError(f"expected {self.depth} styles an image, got {w.shape[1]}")
        if noise and [len(part) for part in noise] != [len(w)] * len(self.convs):
            raise ValueError(
                f"expected noise of {len(self.convs)} sides for {len(w)} images, got"
                f" {[list(part.shape) for part in noise]}"
            )
        w = w[:, None].expand(-1, self.depth, -1) if w.dim() == 2 else w
        noise = noise or [None] * len(self.convs)
        x = self.start.expand(len(w), -1, -1, -1)
        for k, conv in enumerate(self.convs):
            x = conv(x, w[:, k], noise[k])
        return torch.tanh(self.to_image(x, w[:, -1]))

    def draw_noise(self, n, generator=None):
        """Noise for n images: a list of [n, 1, side, side], one for each of `sides`."""
        device = self.start.device
        shapes = [(n, 1, side, side) for side in self.sides]
        return [torch.randn(shape, generator=generator).to(device) for shape in shapes]

    @torch.no_grad()
    def sample(self, n, generator=None, at_once=250):
        """n images, float32 [n, channels, size, size], all chance from the generator."""
        images = []
        for begin in range(0, n, at_once):
            count = min(at_once, n - begin)
            z = torch.randn(count, self.latent, generator=generator).to(self.start.device)
            images.append(self(z, self.draw_noise(count, generator)))
        return torch.cat(images)

    @torch.no_grad()
    def mean_style(self, n=10_000, generator=None):
        """The mean of the styles of n latents, [styles]: what truncation goes towards."""
        z = torch.randn(n, self.latent, generator=generator).to(self.start.device)
        return self.mapping(z).mean(dim=0)


def truncated(w, mean, psi):
    """Styles between the mean (psi = 0) and themselves (psi = 1): mean + psi (w - mean).

    Source: Karras et al. 2019 (arXiv:1812.04948), appendix B.
    """
    return mean + psi * (w - mean)


def mixed(w_a, w_b, layers, depth):
    """Styles [N, depth, styles] with the named layers from w_b, the others from w_a.

    w_a, w_b: [N, styles]. layers: a list of numbers from 0 to depth - 1.
    Raises ValueError for others.
    """
    if not w_a.dim() == w_b.dim() == 2:
        given = f"{list(w_a.shape)} and {list(w_b.shape)}"
        raise ValueError(f"expected styles [N, styles], one for all layers, got {given}")
    layers = [int(layer) for layer in layers]
    if wrong := [layer for layer in layers if not 0 <= layer < depth]:
        raise ValueError(f"expected layers from 0 to {depth - 1}, got {wrong[0]}")
    from_b = torch.zeros(depth, 1, dtype=torch.bool, device=w_a.device)
    from_b[layers] = True
    return torch.where(from_b, w_b[:, None], w_a[:, None])


def mixed_at_random(w_a, w_b, depth, share=0.5, generator=None):
    """Mixing regularisation: with probability `share` an image's last layers come from w_b.

    How many do is drawn evenly, from 1 to depth - 1. Returns [N, depth, styles].
    Source: Karras et al. 2019 (arXiv:1812.04948), section 3.1.
    """
    n = len(w_a)
    cut = torch.randint(1, depth, (n, 1), generator=generator)
    stays = torch.rand(n, 1, generator=generator) >= share
    cut = cut.masked_fill(stays, depth)
    from_b = (torch.arange(depth) >= cut).to(w_a.device)  # [N, depth]
    return torch.where(from_b[:, :, None], w_b[:, None], w_a[:, None])
