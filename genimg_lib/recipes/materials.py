"""The feature network of notebook 16: it learns to tell materials apart, without labels.

Two crops of the same material belong together, crops of others do not (InfoNCE, van den Oord et
al. 2018, arXiv:1807.03748). To tell, the network needs filters for edges, grain, colours and
shapes, and has to forget where they are. The materials are drawn by genimg_lib.data.textures and
cut from the photographs that scikit-image installs; half of the pairs are turned grey, so that
colour alone is not enough.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data
from genimg_lib.data import photos, textures
from genimg_lib.recipes import Trained
from genimg_lib.style import FeatureNet

CROP, SIDE, MATERIALS, LR = 40, 96, 32, 2e-3
TEMPERATURE = 0.1


def train(run, minutes, drawn=2_700):
    """A FeatureNet, trained to say which crops are of the same material.

    drawn: canvases of textures to learn from, beside the photographs; a ninth more are held out.
    """
    torch.manual_seed(run.seed)
    g = torch.Generator().manual_seed(run.seed)
    learned, held_out = canvases(drawn, run.seed, g)
    net, head = FeatureNet(), nn.Linear(sum(FeatureNet.WIDTHS), 128)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    both = [*net.parameters(), *head.parameters()]
    opt = torch.optim.AdamW(both, lr=LR, weight_decay=0.01, fused=True)
    partner = torch.arange(2 * MATERIALS).roll(MATERIALS)
    batches = _for_ever(learned, g)
    for x in run.train(batches, minutes=minutes, net=net, head=head, opt=opt, g=g):
        run.anneal(opt, warmup=50)
        loss = F.cross_entropy(scores(net, head, x), partner)
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    task = f"which of {2 * MATERIALS - 1} crops is of the same material"

    @torch.no_grad()
    def measure(net):
        pairs = [crops(held_out, g) for _ in range(20)]
        right = torch.cat([scores(net, head, x).argmax(dim=1) == partner for x in pairs])
        return {"accuracy": right.double().mean().item(), "test_crops": len(right)}

    return Trained(net, {"data": "textures and photographs", "task": task}, measure)


def scores(net, head, x):
    """How alike every two images are: [N, N], an image with itself left out."""
    # where things are is averaged away at every stage
    pooled = [F.normalize(maps.mean(dim=(2, 3)), dim=1) for maps in net(x)]
    e = F.normalize(head(torch.cat(pooled, dim=1)), dim=1)
    itself = torch.eye(len(e), dtype=torch.bool)
    return (e @ e.T / TEMPERATURE).masked_fill(itself, -1e4)


def canvases(drawn, seed, g):
    """(to learn from, held out): uint8 [n, 3, SIDE, SIDE]; squares of photographs may overlap."""
    canvases = textures.draw(drawn + drawn // 9, SIDE, seed=seed)[0]
    cut = photo_canvases(SIDE, 60, g)
    learned = torch.cat([canvases[:drawn], cut[::2], cut[::2]])
    return learned, torch.cat([canvases[drawn:], cut[1::2]])


def photo_canvases(side, per_photo, g):
    """Squares of many sizes from every photograph: uint8 [n, 3, side, side]."""
    cut = []
    for name in photos.NAMES:
        image = photos.open_photo(name)
        largest = max(side, min(image.shape[1:]) // 2)
        for _ in range(per_photo):
            size = int(torch.randint(side, largest + 1, (), generator=g))
            top, left = (int(torch.randint(n - size + 1, (), generator=g)) for n in image.shape[1:])
            piece = image[:, top : top + size, left : left + size]
            cut.append(photos.square(piece, side))
    return torch.stack(cut)


def _for_ever(materials, g):
    while True:
        yield crops(materials, g)


def crops(materials, g):
    """Two crops of each of MATERIALS canvases, in another light.

    Returns [2 MATERIALS, 3, CROP, CROP] in [-1, 1], the partners MATERIALS apart.
    """
    views = []
    chosen = torch.randint(len(materials), (MATERIALS,), generator=g)
    for _ in range(2):
        for k in chosen:
            room = materials.shape[-1] - CROP + 1
            top, left = torch.randint(room, (2,), generator=g).tolist()
            views.append(materials[k, :, top : top + CROP, left : left + CROP])
    x = data.to_float(torch.stack(views))
    light = 1 + 0.15 * torch.randn(len(x), 3, 1, 1, generator=g)
    grey = (torch.rand(MATERIALS, 1, 1, 1, generator=g) < 0.5).repeat(2, 1, 1, 1)
    x = torch.where(grey, x.mean(dim=1, keepdim=True), x) * light
    x = x + 0.1 * torch.randn(len(x), 1, 1, 1, generator=g)
    return (x + 0.03 * torch.randn(x.shape, generator=g)).clamp(-1, 1)
