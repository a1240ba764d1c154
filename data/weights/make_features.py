"""Train the feature network of notebook 16 and write data/weights/features.safetensors, its results beside it.

    python data/weights/make_features.py [--minutes 8] [--out FOLDER]

The task needs no labels: two crops of the same material belong together, crops of others do not (InfoNCE, van den Oord et al. 2018, arXiv:1807.03748).
To tell, the network needs filters for edges, grain, colours and shapes, and has to forget where they are. The materials are drawn by genimg_lib.data.textures
and cut from the photographs that scikit-image installs; half of the pairs are turned grey, so that colour alone is not enough.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

from genimg_lib import data
from genimg_lib.checkpoints import write_atomically
from genimg_lib.data import photos, textures
from genimg_lib.style import FeatureNet

CROP, MATERIALS, SEED = 40, 32, 0


def pairs(canvases, g):
    """Two crops of each of MATERIALS canvases, in another light: [2 MATERIALS, 3, CROP, CROP] in [-1, 1], the partners MATERIALS apart."""
    views = []
    chosen = torch.randint(len(canvases), (MATERIALS,), generator=g)
    for _ in range(2):
        for k in chosen:
            top, left = torch.randint(canvases.shape[-1] - CROP + 1, (2,), generator=g).tolist()
            views.append(canvases[k, :, top : top + CROP, left : left + CROP])
    x = data.to_float(torch.stack(views))
    light = 1 + 0.15 * torch.randn(len(x), 3, 1, 1, generator=g)
    grey = (torch.rand(MATERIALS, 1, 1, 1, generator=g) < 0.5).repeat(2, 1, 1, 1)
    x = torch.where(grey, x.mean(dim=1, keepdim=True), x) * light + 0.1 * torch.randn(len(x), 1, 1, 1, generator=g)
    return (x + 0.03 * torch.randn(x.shape, generator=g)).clamp(-1, 1)


def photo_canvases(side, per_photo, g):
    """Squares of many sizes from every photograph: uint8 [n, 3, side, side]."""
    cut = []
    for name in photos.NAMES:
        image = photos.open_photo(name)
        for _ in range(per_photo):
            size = int(torch.randint(side, min(image.shape[1:]) // 2 + 1, (), generator=g)) if min(image.shape[1:]) // 2 > side else side
            top, left = (int(torch.randint(n - size + 1, (), generator=g)) for n in image.shape[1:])
            cut.append(photos.square(image[:, top : top + size, left : left + size], side))
    return torch.stack(cut)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--out", type=Path, default=data.fetch.shipped() / "weights")
    args = parser.parse_args()
    g = torch.Generator().manual_seed(SEED)
    torch.manual_seed(SEED)
    drawn, cut = textures.draw(3_000, 96, seed=SEED)[0], photo_canvases(96, 60, g)
    train, test = torch.cat([drawn[:2_700], cut[::2], cut[::2]]), torch.cat([drawn[2_700:], cut[1::2]])  # photographs' squares may overlap
    net, head = FeatureNet(), nn.Linear(sum(FeatureNet.WIDTHS), 128)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    opt = torch.optim.AdamW([*net.parameters(), *head.parameters()], lr=2e-3, weight_decay=0.01, fused=True)

    def embed(x):  # where things are is averaged away at every stage
        pooled = [F.normalize(m.mean(dim=(2, 3)), dim=1) for m in net(x)]
        return F.normalize(head(torch.cat(pooled, dim=1)), dim=1)

    def scores(x):
        e = embed(x)
        return (e @ e.T / 0.1).masked_fill(torch.eye(len(e), dtype=torch.bool), -1e4)

    partner = torch.arange(2 * MATERIALS).roll(MATERIALS)
    started, step = time.perf_counter(), 0
    while (progress := (time.perf_counter() - started) / (60 * args.minutes)) < 1:
        opt.param_groups[0]["lr"] = 2e-3 * min(1, (step + 1) / 50) * (1 - progress)
        loss = F.cross_entropy(scores(pairs(train, g)), partner)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 100 == 0:
            print(f"step {step:5d}  loss {loss.item():.3f}  {time.perf_counter() - started:5.0f} s", flush=True)
        step += 1

    weights = {k: v.half().contiguous() for k, v in net.state_dict().items()}
    net.load_state_dict({k: v.float() for k, v in weights.items()})  # measured as they are stored
    with torch.no_grad():
        found = torch.cat([scores(pairs(test, g)).argmax(dim=1) == partner for _ in range(20)])
    save_file(weights, args.out / "features.safetensors")
    result = {
        "data": "textures and photographs", "task": f"which of {2 * MATERIALS - 1} crops is of the same material", "accuracy": round(found.float().mean().item(), 4),
        "test_crops": len(found), "steps": step, "minutes": round((time.perf_counter() - started) / 60, 1), "device": f"cpu, {torch.get_num_threads()} threads", "seed": SEED,
    }  # fmt: skip
    write_atomically(args.out / "features.json", (json.dumps(result, indent=2) + "\n").encode())
    print(result)


if __name__ == "__main__":
    main()
