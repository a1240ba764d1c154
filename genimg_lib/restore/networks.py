"""Networks for photographs: a denoiser that is told the noise, an upscaler, an inpainter."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.restore.resize import enlarged


class Block(nn.Module):
    """Two convolutions beside a shortcut, without biases. h: [N, c, H, W].

    apart: of the first convolution's pixels; above 1 it sees farther.
    """

    def __init__(self, c, apart=1):
        super().__init__()
        self.conv1 = nn.Conv2d(c, c, 3, padding=apart, dilation=apart, bias=False)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        nn.init.zeros_(self.conv2.weight)  # a block begins as the identity

    def forward(self, h):
        return h + self.conv2(F.relu(self.conv1(h)))


class Denoiser(nn.Module):
    """net(y, sigma): noisy images to the best guess of the clean ones, [N, channels, H, W].

    y: [N, channels, H, W] in [-1, 1] and beyond, of any size.
    sigma: the noise's standard deviation in the units of y: a number, [N], or a map [N, 1, H, W].
    width: channels on patches of 2x2 pixels; twice and four times as many on grids of a half and
        a quarter of the size. blocks: residual blocks on each way.
    Without biases, net(a y, a sigma) = a net(y, sigma) for a > 0.
    Raises ValueError for another number of channels, or sigma of another shape.
    Source: the noise as a map on patches, Zhang et al. 2018 (FFDNet, arXiv:1710.04026); residual
        blocks on a U without biases, Zhang et al. 2021 (DRUNet, arXiv:2008.13751); why no biases,
        Mohan et al. 2020 (arXiv:1906.05478).
    """

    STEP = 8  # sides are filled up to a multiple of so many pixels

    def __init__(self, channels=1, width=32, blocks=2):
        super().__init__()
        self.channels = channels
        w_1, w_2, w_3 = width, 2 * width, 4 * width
        self.inward = nn.Conv2d(4 * channels + 1, w_1, 3, padding=1, bias=False)
        self.down_1 = nn.Sequential(*_blocks(w_1, blocks))
        self.halve_1 = nn.Conv2d(w_1, w_2, 2, stride=2, bias=False)
        self.down_2 = nn.Sequential(*_blocks(w_2, blocks))
        self.halve_2 = nn.Conv2d(w_2, w_3, 2, stride=2, bias=False)
        self.middle = nn.Sequential(*_blocks(w_3, blocks))
        self.double_2 = nn.Conv2d(w_3, 4 * w_2, 1, bias=False)
        self.up_2 = nn.Sequential(*_blocks(w_2, blocks))
        self.double_1 = nn.Conv2d(w_2, 4 * w_1, 1, bias=False)
        self.up_1 = nn.Sequential(*_blocks(w_1, blocks))
        self.outward = nn.Conv2d(w_1, 4 * channels, 3, padding=1, bias=False)

    def forward(self, y, sigma):
        if y.dim() != 4 or y.shape[1] != self.channels:
            raise ValueError(f"expected images [N, {self.channels}, H, W], got {list(y.shape)}")
        height, width = y.shape[2:]
        y_and_map = torch.cat([y, noise_map(sigma, y)], dim=1)
        filled = _filled(y_and_map, self.STEP)
        image, levels = filled[:, :-1], filled[:, -1:]
        patches = [F.pixel_unshuffle(image, 2), F.avg_pool2d(levels, 2)]
        h_1 = self.down_1(self.inward(torch.cat(patches, dim=1)))  # [N, w, H / 2, W / 2]
        h_2 = self.down_2(self.halve_1(h_1))  # [N, 2w, H / 4, W / 4]
        h = self.middle(self.halve_2(h_2))  # [N, 4w, H / 8, W / 8]
        h = self.up_2(h_2 + F.pixel_shuffle(self.double_2(h), 2))
        h = self.up_1(h_1 + F.pixel_shuffle(self.double_1(h), 2))
        noise = F.pixel_shuffle(self.outward(h), 2)
        return y - noise[:, :, :height, :width]


class Upscaler(nn.Module):
    """net(y): images [N, 3, h, w] made larger, [N, 3, scale h, scale w], both in [-1, 1].

    All but the last step is done at the small size: the network guesses what bicubic enlarging
    misses, scale x scale pixels for each small one. The answer may leave [-1, 1] a little.
    scale: 2 or more. width: channels. blocks: residual blocks.
    Without biases, net(a y) = a net(y) for a > 0.
    Raises ValueError for other than three channels, and for a scale below 2.
    Source: sub-pixel convolution, Shi et al. 2016 (ESPCN, arXiv:1609.05158); residual blocks
        without norm, Lim et al. 2017 (EDSR, arXiv:1707.02921).
    """

    def __init__(self, scale=2, width=32, blocks=7):
        super().__init__()
        if scale < 2:
            raise ValueError(f"expected a scale of 2 or more, got {scale}")
        self.scale = scale
        self.reach = 2 + 2 * blocks  # small pixels to each side that count for a large one
        self.inward = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.body = nn.Sequential(*_blocks(width, blocks))
        self.outward = nn.Conv2d(width, 3 * scale**2, 3, padding=1, bias=False)
        nn.init.zeros_(self.outward.weight)  # begins as bicubic enlarging

    def forward(self, y):
        if y.dim() != 4 or y.shape[1] != 3:
            raise ValueError(f"expected images [N, 3, h, w], got {list(y.shape)}")
        missed = self.outward(self.body(self.inward(y)))  # [N, 3 scale², h, w]
        return enlarged(y, self.scale) + F.pixel_shuffle(missed, self.scale)


class Inpainter(nn.Module):
    """net(filled, seen): better fillings of holes, [N, 3, H, W], of any size.

    filled: [N, 3, H, W] in [-1, 1], its holes filled smoothly, as by `biharmonic`; the network
        guesses what that misses. seen: bool [N, 1, H, W] or [1, 1, H, W], True where a pixel was
        known; there the image is kept to the bit. The answer may leave [-1, 1] a little.
    width: channels on patches of 2x2 pixels; twice and four times as many on grids of a half and a
        quarter. blocks: residual blocks on each way; those in the middle see farther.
    Raises ValueError for other than three channels.
    Source: an encoder and a decoder that sees around the hole, Pathak et al. 2016 (context
        encoders, arXiv:1604.07379); that sees farther by dilated convolutions, Iizuka et al. 2017
        (DOI 10.1145/3072959.3073659).
    """

    STEP = 8  # sides are filled up to a multiple of so many pixels
    APART = (1, 2, 4, 1)  # pixels of the coarsest grid between those that a block looks at

    def __init__(self, width=32, blocks=2):
        super().__init__()
        w_1, w_2, w_3 = width, 2 * width, 4 * width
        self.inward = nn.Conv2d(4 * (3 + 1), w_1, 3, padding=1, bias=False)
        self.down_1 = nn.Sequential(*_blocks(w_1, blocks))
        self.halve_1 = nn.Conv2d(w_1, w_2, 2, stride=2, bias=False)
        self.down_2 = nn.Sequential(*_blocks(w_2, blocks))
        self.halve_2 = nn.Conv2d(w_2, w_3, 2, stride=2, bias=False)
        self.middle = nn.Sequential(*[Block(w_3, apart) for apart in self.APART])
        self.double_2 = nn.Conv2d(w_3, 4 * w_2, 1, bias=False)
        self.up_2 = nn.Sequential(*_blocks(w_2, blocks))
        self.double_1 = nn.Conv2d(w_2, 4 * w_1, 1, bias=False)
        self.up_1 = nn.Sequential(*_blocks(w_1, blocks))
        self.outward = nn.Conv2d(w_1, 4 * 3, 3, padding=1, bias=False)
        nn.init.zeros_(self.outward.weight)  # begins as what it is given

    def forward(self, filled, seen):
        if filled.dim() != 4 or filled.shape[1] != 3:
            raise ValueError(f"expected images [N, 3, H, W], got {list(filled.shape)}")
        height, width = filled.shape[2:]
        told = seen.expand(len(filled), 1, height, width).to(filled)
        both = _filled(torch.cat([filled, told], dim=1), self.STEP)
        patches = F.pixel_unshuffle(both, 2)
        h_1 = self.down_1(self.inward(patches))  # [N, w, H / 2, W / 2]
        h_2 = self.down_2(self.halve_1(h_1))  # [N, 2w, H / 4, W / 4]
        h = self.middle(self.halve_2(h_2))  # [N, 4w, H / 8, W / 8]
        h = self.up_2(h_2 + F.pixel_shuffle(self.double_2(h), 2))
        h = self.up_1(h_1 + F.pixel_shuffle(self.double_1(h), 2))
        missed = F.pixel_shuffle(self.outward(h), 2)[:, :, :height, :width]
        return torch.where(seen, filled, filled + missed.to(filled))


def over_turns(function, y):
    """The mean of what a function makes of images in all eight positions, each turned back.

    A network that was taught turned and mirrored pictures has eight opinions on each; their mean
    is better than one of them, and takes eight times as long.
    function: images [N, C, h, w] to [N, C', s h, s w] for any h, w. y: such images.
    Source: Timofte et al. 2016 (arXiv:1511.02228), section 3.4.
    """
    answers = []
    for quarters in range(4):
        for mirrored in (False, True):
            turned = torch.rot90(y.flip(3) if mirrored else y, quarters, (2, 3))
            answer = torch.rot90(function(turned), -quarters, (2, 3))
            answers.append(answer.flip(3) if mirrored else answer)
    return torch.stack(answers).mean(dim=0)


def _blocks(c, n):
    return [Block(c) for _ in range(n)]


def noise_map(sigma, y):
    """sigma as a map [N, 1, H, W] for images y [N, C, H, W].

    sigma: a number, [N], or a map already. Raises ValueError for another shape.
    """
    sigma = torch.as_tensor(sigma, dtype=y.dtype, device=y.device)
    n, _, height, width = y.shape
    if sigma.shape == (n, 1, height, width):
        return sigma
    if sigma.dim() > 1 or (sigma.dim() == 1 and len(sigma) != n):
        raise ValueError(
            f"expected one sigma, {n}, or a map {[n, 1, height, width]}, got {list(sigma.shape)}"
        )
    return sigma.view(-1, 1, 1, 1).expand(n, 1, height, width)


def _filled(x, step):
    """Images [N, C, H, W] continued to the right and below, to multiples of a step."""
    height, width = x.shape[2:]
    return F.pad(x, (0, -width % step, 0, -height % step), mode="replicate")
