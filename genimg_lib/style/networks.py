"""Networks to take feature maps from: the course's own small one, and two that the world uses, with their published weights.

`features(name)` gives any of them behind one face: images in [-1, 1] in, a list of maps out, each with a mean of 1 on photographs, so that the same weights
of losses serve all networks.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.data import fetch, photos, to_float, weights

NAMES = ("embedded", "squeezenet1_1", "vgg19")
SIDE = 16  # the smallest side of an image: two pixels remain after three halvings


class Features(nn.Module):
    """The pixels and the maps of a network's stages: x [N, 3, H, W] in [-1, 1] -> a list of [N, C_l, H_l, W_l], none negative, with a mean of 1 on photographs.

    Map 0 are the pixels, from 0 for black. stages: modules to be passed one after the other, each ending in a ReLU. mean, std: how the network wants its
    input, where images are in [0, 1]. Called with `count`, only so many stages are passed. Raises ValueError for images that are not in colour or too small.
    """

    def __init__(self, stages, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)):
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))
        self.register_buffer("scale", torch.ones(1 + len(self.stages)))
        self.eval().requires_grad_(False)
        with torch.no_grad():
            self.scale.copy_(torch.stack([maps.mean() for maps in self(to_float(photos.load(64)))]).clamp(min=1e-8))

    def forward(self, x, count=None):
        check_pictures(x)
        maps = [(x + 1) / self.scale[0]]
        x = ((x + 1) / 2 - self.mean) / self.std
        for stage, scale in zip(self.stages[:count], self.scale[1:], strict=False):
            x = stage(x)
            maps.append(x / scale)
        return maps


def features(name="embedded", device="cpu", path=None):
    """A network by its name, frozen, in eval mode: a `Features`.

    "embedded": comes with the course (data/weights/embedded.json), a `FeatureNet` that was taught by the two others. "squeezenet1_1" (Iandola et al. 2016,
    arXiv:1602.07360) and "vgg19" (Simonyan and Zisserman 2014, arXiv:1409.1556): torchvision's weights, looked for in the folder weights/ below the one that
    GENIMG_DATA names, in the cache, then downloaded (5 and 575 MB). "random": a `FeatureNet` that learned nothing, He's initialisation from seed 3.
    path: a file of your own, safetensors or PyTorch, with torchvision's keys; it may hold the first layers only, then the last maps are missing.
    Raises ValueError for another name, DataError for weights that cannot be had or have wrong keys or shapes.
    """
    if name in ("embedded", "random"):
        if path is not None:
            raise ValueError(f"path is for published weights; {name!r} has its own")
        net = FeatureNet()
        if name == "embedded":
            net.load_state_dict(weights.read("embedded"))
        else:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(3)
                for layer in net.modules():
                    if isinstance(layer, nn.Conv2d):
                        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                        nn.init.zeros_(layer.bias)
        stages = [net.stages[0], *(nn.Sequential(nn.AvgPool2d(2), stage) for stage in net.stages[1:])]
        return Features(stages).to(torch.device(device))
    if name not in NAMES:
        raise ValueError(f"unknown network {name!r}; known: {', '.join(NAMES)}, random")
    path = _published(name) if path is None else path
    layers = {"vgg19": _vgg19, "squeezenet1_1": _squeezenet}[name]()
    stages = _fill(layers, weights.open_file(path), path)
    return Features(stages, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)).to(torch.device(device))


def here(name):
    """True if `features(name)` needs no download."""
    if name not in (*NAMES, "random"):
        raise ValueError(f"unknown network {name!r}; known: {', '.join(NAMES)}, random")
    return name in ("embedded", "random") or fetch.here(name) or bool(_own_files(name))


def _own_files(name):
    """Files of weights under this name beside the published one, whole or in part; a network with batch norm is another one."""
    published = fetch.registry()[name]["files"]
    found = [p for folder in fetch.folders("weights") for p in sorted(folder.glob(f"{name}*"))]
    return [p for p in found if p.suffix in (".safetensors", ".pth", ".pt") and p.name not in published and not p.name.startswith(f"{name}_bn")]


def _published(name):
    """Where the weights lie: the published file if it is here, else one of this name in GENIMG_DATA, whole or in part, else the published one, fetched."""
    if not fetch.here(name) and (own := _own_files(name)):
        return own[0]
    (path,) = fetch.fetch(name).values()
    return path


def _fill(layers, given, path):
    """The stages whose weights are all there, filled with them. layers: a list of stages, each a dict {torchvision's key: module}."""
    stages = []
    for k, stage in enumerate(layers):
        wanted = {f"features.{key}.{kind}": value for key, m in stage.items() for kind, value in m.state_dict().items()}
        missing = [key for key in wanted if key not in given]
        if missing and k and len(missing) == len(wanted):
            break  # a file with the first layers only
        if missing:
            raise fetch.DataError(f"{path} lacks {missing[0]} (has {', '.join(sorted(given)[:3])} ...); torchvision's keys are wanted")
        for key, value in wanted.items():
            if given[key].shape != value.shape:
                raise fetch.DataError(f"{path}: {key} has the shape {list(given[key].shape)}, wanted is {list(value.shape)}")
            if not given[key].isfinite().all():
                raise fetch.DataError(f"{path}: {key} holds values that are not finite")
        for key, module in stage.items():
            head = f"features.{key}."
            module.load_state_dict({full.removeprefix(head): given[full].float() for full in wanted if full.startswith(head)})
        stages.append(nn.Sequential(*stage.values()))
    return stages


def _vgg19():
    """relu1_1, relu2_1, relu3_1, relu4_1, by torchvision's numbers; means instead of maxima, as Gatys et al. recommend, and reflected borders."""
    plan = ([(0, 3, 64)], [(2, 64, 64), "half", (5, 64, 128)], [(7, 128, 128), "half", (10, 128, 256)])
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


def _squeezenet():
    """After the first convolution and after each pair of fire modules; reflected at the image's border, so that no frame of zeros gets in."""
    pool = lambda: nn.MaxPool2d(3, stride=2, ceil_mode=True)
    return [
        {"0": conv(3, 64, stride=2), "relu": nn.ReLU()},
        {"pool": pool(), "3": Fire(64, 16, 64), "4": Fire(128, 16, 64)},
        {"pool": pool(), "6": Fire(128, 32, 128), "7": Fire(256, 32, 128)},
        {"9": Fire(256, 48, 192), "10": Fire(384, 48, 192)},
    ]


class Fire(nn.Module):
    """SqueezeNet's module: a 1x1 convolution to few channels, then 1x1 and 3x3 convolutions side by side."""

    def __init__(self, c_in, squeezed, c_out):
        super().__init__()
        self.squeeze = nn.Conv2d(c_in, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, c_out, 1)
        self.expand3x3 = conv(squeezed, c_out)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


class FeatureNet(nn.Module):
    """A small network whose feature maps describe materials: four stages of two 3x3 convolutions and ReLUs, halved in between.

    Reflected borders, so that no frame of zeros enters the statistics, and mean pooling, which keeps gradients smooth (Gatys et al. 2015).
    """

    WIDTHS = (32, 64, 128, 128)

    def __init__(self):
        super().__init__()
        ins = (3, *self.WIDTHS[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(conv(c_in, c_out), nn.ReLU(), conv(c_out, c_out), nn.ReLU()) for c_in, c_out in zip(ins, self.WIDTHS, strict=True)
        )

    def forward(self, x, stages=4):
        """The feature maps of the first stages: x [N, 3, H, W] in [-1, 1] -> a list of [N, C_l, H / 2^l, W / 2^l], l = 0, 1, ..."""
        maps = []
        for stage in self.stages[:stages]:
            x = stage(F.avg_pool2d(x, 2) if maps else x)
            maps.append(x)
        return maps


def check_pictures(x):
    """Raises ValueError for anything but colour images [N, 3, H, W] that the networks' halvings leave something of."""
    if x.dim() != 4 or x.shape[1] != 3 or min(x.shape[2:]) < SIDE:
        raise ValueError(f"colour images [N, 3, H, W] with sides of {SIDE} pixels or more are wanted; given {list(x.shape)}")


def conv(c_in, c_out, stride=1):
    """A 3x3 convolution whose border mirrors the picture: a frame of zeros would be painted."""
    return nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, padding_mode="reflect")
