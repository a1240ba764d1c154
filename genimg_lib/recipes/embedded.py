"""The small feature network of notebooks 41 and 42: it learns what two large ones see.

Its first three stages learn to predict VGG-19's relu1_1, relu2_1 and relu3_1, its fourth
SqueezeNet's seventh layer, each by a linear map that is thrown away afterwards (Hinton et al. 2015,
arXiv:1503.02531; Romero et al. 2014, arXiv:1412.6550). It sees pieces of scikit-image's
photographs, drawn materials and styles, and portraits, and begins from the weights `features`. The
teachers' weights are fetched, or found below GENIMG_DATA.
"""

import torch
import torch.nn as nn

from genimg_lib import data, pretrained, style
from genimg_lib.data import photos, portraits, styles, textures
from genimg_lib.recipes import Trained

SIDE, BATCH, LR = 64, 16, 2e-3
UNSEEN = ("coffee", "chelsea")  # photographs to be tried on


def train(run, minutes):
    """A FeatureNet that predicts its teachers' maps."""
    torch.manual_seed(run.seed)
    g = torch.Generator().manual_seed(run.seed)
    teachers = [pretrained.features("vgg19"), pretrained.features("squeezenet1_1")]
    net = pretrained.load_material_features().requires_grad_(True)
    seen = [name for name in photos.NAMES if name not in UNSEEN]
    images, test = pictures(run.seed, 3_000, seen), pictures(run.seed + 1_000, 400, UNSEEN)
    lesson = Lesson(net, teachers, data.to_float(test[::4]))
    both = [*net.parameters(), *lesson.heads.parameters()]
    opt = torch.optim.Adam(both, lr=LR, betas=(0.9, 0.99), fused=True)
    batches = _for_ever(images, g)
    for x in run.train(batches, minutes=minutes, net=net, heads=lesson.heads, opt=opt, g=g):
        run.anneal(opt, warmup=50)
        errors = lesson.errors(net, x, lesson.spread)
        opt.zero_grad()
        sum(errors).backward()
        opt.step()
        run.log(**{f"unexplained_{k}": error for k, error in enumerate(errors, start=1)})

    @torch.no_grad()
    def measure(net):
        parts = [lesson.errors(net, data.to_float(x), lesson.plain) for x in test.split(50)]
        found = torch.tensor([[error.item() for error in errors] for errors in parts])
        return {"unexplained_variance": found.mean(dim=0).tolist(), "test_images": len(test)}

    facts = {
        "data": "photographs, materials, drawn styles, portraits",
        "teachers": ["vgg19", "squeezenet1_1"],
    }
    return Trained(net, facts, measure)


class Lesson:
    """What the teachers see, and how far the network's linear predictions are from it."""

    def __init__(self, net, teachers, some):
        self.vgg, self.squeeze = teachers
        maps = self.taught(some)
        # weak channels count too
        self.spread = [m.std(dim=(0, 2, 3), keepdim=True) + 0.1 * m.std() for m in maps]
        self.plain = [m.std() for m in maps]
        widths = zip(style.FeatureNet.WIDTHS, maps, strict=True)
        self.heads = nn.ModuleList(nn.Conv2d(width, m.shape[1], 1) for width, m in widths)
        with torch.no_grad():
            self.scales = [m.mean().item() for m in net(some)]

    @torch.no_grad()
    def taught(self, x):
        """The teachers' maps for images [N, 3, H, W]."""
        return [*self.vgg(x, 3)[1:], self.squeeze(x, 3)[3]]

    def errors(self, net, x, divisors):
        """The mean squared error at each stage, in units of the teachers' spread."""
        parts = zip(self.heads, net(x), self.scales, self.taught(x), divisors, strict=True)
        return [((head(m / s) - t) / d).square().mean() for head, m, s, t, d in parts]


def pictures(seed, n, names):
    """uint8 [about n, 3, SIDE, SIDE]: photographs, materials, styles, portraits."""
    drawn = []
    for k in range(seed, seed + 12):
        for name in styles.DRAWN:
            canvas = styles.draw(name, 2 * SIDE, k)
            drawn += [canvas[:, i : i + SIDE, i : i + SIDE] for i in (0, SIDE)]
    parts = [
        photos.crops(n // 2, SIDE, seed, names),
        textures.draw(n // 4, SIDE, seed)[0],
        portraits.render(n // 10, SIDE, seed=seed)[0],
        torch.stack(drawn),
    ]
    return torch.cat(parts)


def _for_ever(images, g):
    """Batches for ever; every other one in other colours than those of ten photographs."""
    recoloured = False
    while True:
        x = data.to_float(images[torch.randint(len(images), (BATCH,), generator=g)])
        mixed = torch.eye(3) + 0.25 * torch.randn(3, 3, generator=g)
        mixed = mixed / mixed.abs().sum(1, keepdim=True).clamp(min=1)
        yield torch.einsum("ij,njhw->nihw", mixed, x) if recoloured else x
        recoloured = not recoloured
