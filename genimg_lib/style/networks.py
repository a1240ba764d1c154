"""Networks to take feature maps from: the course's own, and two published ones.

`features(name)` gives any of them behind one face: images in [-1, 1] in, a list of maps out, each
with a mean of 1 on photographs. The same weights of losses can then be tried with all networks,
but a change that costs one much may cost another little.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.layers import check_floats

SIDE = 16  # the smallest side of an image: two pixels remain after three halvings


class Features(nn.Module):
    """The pixels and the maps of a network's stages: x [N, 3, H, W] to a list of maps.

    x is in [-1, 1]; the maps [N, C_l, H_l, W_l] are not negative and have a mean of 1 on
    photographs.
    Map 0 are the pixels, from 0 for black.
    stages: modules to be passed one after the other, each ending in a ReLU.
    mean, std: how the network wants its input, where images are in [0, 1]. Called with `count`,
        only so many stages are passed.
    Raises ValueError for images that are not in colour or too small.
    """

    def __init__(self, stages, photographs, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)):
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))
        self.register_buffer("scale", torch.ones(1 + len(self.stages)))
        self.eval().requires_grad_(False)
        with torch.no_grad():
            means = torch.stack([maps.mean() for maps in self(photographs)])
            self.scale.copy_(means.clamp(min=1e-8))

    def forward(self, x, count=None):
        check_pictures(x)
        maps = [(x + 1) / self.scale[0]]
        x = ((x + 1) / 2 - self.mean) / self.std
        for stage, scale in zip(self.stages[:count], self.scale[1:], strict=False):
            x = stage(x)
            maps.append(x / scale)
        return maps


def vgg19_stages():
    """VGG-19 as far as relu1_1, relu2_1, relu3_1 and relu4_1, by torchvision's numbers.

    Means instead of maxima, as Gatys et al. recommend, and reflected borders.
    """
    plan = (
        [(0, 3, 64)],
        [(2, 64, 64), "half", (5, 64, 128)],
        [(7, 128, 128), "half", (10, 128, 256)],
    )
    plan += ([(12, 256, 256), (14, 256, 256), (16, 256, 256), "half", (19, 256, 512)],)
    stages = []
    for parts in plan:
        stage = {}
        for part in parts:
            if part == "half":
                stage["half"] = nn.AvgPool2d(2)
            else:
                number, c_in, c_out = part
                stage[str(number)] = conv(c_in, c_out)
                stage[f"relu {number}"] = nn.ReLU()
        stages.append(stage)
    return stages


def squeezenet_stages():
    """SqueezeNet after its first convolution and after each pair of fire modules.

    Reflected at the image's border, so that no frame of zeros gets in.
    """

    def pool():
        return nn.MaxPool2d(3, stride=2, ceil_mode=True)

    return [
        {"0": conv(3, 64, stride=2), "relu": nn.ReLU()},
        {"pool": pool(), "3": Fire(64, 16, 64), "4": Fire(128, 16, 64)},
        {"pool": pool(), "6": Fire(128, 32, 128), "7": Fire(256, 32, 128)},
        {"9": Fire(256, 48, 192), "10": Fire(384, 48, 192)},
    ]


class Fire(nn.Module):
    """SqueezeNet's module: 1x1 to few channels, then 1x1 and 3x3 side by side."""

    def __init__(self, c_in, squeezed, c_out):
        super().__init__()
        self.squeeze = nn.Conv2d(c_in, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, c_out, 1)
        self.expand3x3 = conv(squeezed, c_out)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


class FeatureNet(nn.Module):
    """A small network whose maps describe materials: four stages, halved in between.

    Each has two 3x3 convolutions and ReLUs.
    Reflected borders, so that no frame of zeros enters the statistics, and mean pooling, which
    keeps gradients smooth (Gatys et al. 2015).
    """

    WIDTHS = (32, 64, 128, 128)

    def __init__(self):
        super().__init__()
        ins = (3, *self.WIDTHS[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(conv(c_in, c_out), nn.ReLU(), conv(c_out, c_out), nn.ReLU())
            for c_in, c_out in zip(ins, self.WIDTHS, strict=True)
        )

    def forward(self, x, stages=4):
        """The feature maps of the first stages: a list of [N, C_l, H / 2^l, W / 2^l].

        x: [N, 3, H, W] in [-1, 1]; l = 0, 1, ...
        """
        maps = []
        for stage in self.stages[:stages]:
            x = stage(F.avg_pool2d(x, 2) if maps else x)
            maps.append(x)
        return maps


def check_pictures(x):
    """Check that these are colour images that the networks' halvings leave something of.

    Raises TypeError for whole numbers, ValueError for anything but [N, 3, H, W] with large enough
    sides.
    """
    check_floats(x)
    if x.dim() != 4 or x.shape[1] != 3 or min(x.shape[2:]) < SIDE:
        raise ValueError(
            f"expected colour images [N, 3, H, W] with sides of {SIDE} pixels or more, got"
            f" {list(x.shape)}"
        )


def conv(c_in, c_out, stride=1):
    """A 3x3 convolution whose border mirrors the picture: a frame of zeros would be painted."""
    return nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, padding_mode="reflect")
