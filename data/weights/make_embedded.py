"""Teach the small feature network of notebooks 41 and 42 what two large ones see, and write data/weights/embedded.safetensors, its results beside it.

    python data/weights/make_embedded.py [--minutes 9] [--out FOLDER]

Its first three stages learn to predict VGG-19's relu1_1, relu2_1 and relu3_1, its fourth SqueezeNet's seventh layer, each by a linear map that is thrown away afterwards
(Hinton et al. 2015, arXiv:1503.02531; Romero et al. 2014, arXiv:1412.6550). It sees pieces of scikit-image's photographs, drawn materials and styles, and portraits. Begins from
data/weights/features.safetensors. The teachers' weights are fetched, or found below GENIMG_DATA.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn as nn
from safetensors.torch import save_file

from genimg_lib import data, pretrained, style
from genimg_lib.checkpoints import write_atomically
from genimg_lib.data import photos, portraits, styles, textures

SEED, SIDE, BATCH, LR = 0, 64, 16, 2e-3
UNSEEN = ("coffee", "chelsea")  # photographs to be tried on


def pictures(seed, n, names):
    """uint8 [about n, 3, SIDE, SIDE]: photographs, materials, styles, portraits."""
    drawn = torch.stack(
        [styles.draw(name, 128, seed)[:, k : k + SIDE, k : k + SIDE] for seed in range(seed, seed + 12) for name in styles.DRAWN for k in (0, 64)]
    )
    return torch.cat(
        [photos.crops(n // 2, SIDE, seed, names), textures.draw(n // 4, SIDE, seed)[0], portraits.render(n // 10, SIDE, seed=seed)[0], drawn]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--out", type=Path, default=data.fetch.shipped() / "weights")
    args = parser.parse_args()
    torch.manual_seed(SEED)
    g = torch.Generator().manual_seed(SEED)
    vgg, squeeze, net = style.features("vgg19"), style.features("squeezenet1_1"), pretrained.load_features().requires_grad_(True)
    train = pictures(SEED, 3_000, [name for name in photos.NAMES if name not in UNSEEN])
    test = pictures(SEED + 1_000, 400, UNSEEN)

    @torch.no_grad()
    def taught(x):
        return [*vgg(x, 3)[1:], squeeze(x, 3)[3]]

    some = taught(data.to_float(test[::4]))
    spread = [m.std(dim=(0, 2, 3), keepdim=True) + 0.1 * m.std() for m in some]  # weak channels count too
    plain = [m.std() for m in some]
    heads = nn.ModuleList(nn.Conv2d(width, m.shape[1], 1) for width, m in zip(style.FeatureNet.WIDTHS, some, strict=True))
    scales = [m.mean().item() for m in net(data.to_float(test[::4]))]
    opt = torch.optim.Adam([*net.parameters(), *heads.parameters()], lr=LR, betas=(0.9, 0.99), fused=True)

    def errors(x, divisors=spread):
        return [((head(m / s) - t) / d).square().mean() for head, m, s, t, d in zip(heads, net(x), scales, taught(x), divisors, strict=True)]

    began, step = time.perf_counter(), 0
    while (progress := (time.perf_counter() - began) / (60 * args.minutes)) < 1:
        x = data.to_float(train[torch.randint(len(train), (BATCH,), generator=g)])
        mixed = torch.eye(3) + 0.25 * torch.randn(3, 3, generator=g)  # other colours than those of ten photographs
        x = torch.einsum("ij,njhw->nihw", mixed / mixed.abs().sum(1, keepdim=True).clamp(min=1), x) if step % 2 else x
        opt.param_groups[0]["lr"] = LR * min(1, (step + 1) / 50, 2 * (1 - progress))
        parts = errors(x)
        opt.zero_grad()
        sum(parts).backward()
        opt.step()
        if step % 100 == 0:
            print(
                f"step {step:5d}  unexplained " + "  ".join(f"{p.item():.3f}" for p in parts) + f"  {time.perf_counter() - began:5.0f} s", flush=True
            )
        step += 1

    weights = {k: v.half().contiguous() for k, v in net.state_dict().items()}
    net.load_state_dict({k: v.float() for k, v in weights.items()})  # measured as they are stored
    with torch.no_grad():
        found = torch.tensor([[p.item() for p in errors(data.to_float(part), plain)] for part in test.split(50)]).mean(dim=0)
    save_file(weights, args.out / "embedded.safetensors")
    result = {
        "data": "photographs, materials, drawn styles, portraits", "teachers": ["vgg19", "squeezenet1_1"], "unexplained_variance": [round(v, 3) for v in found.tolist()],
        "test_images": len(test), "steps": step, "minutes": args.minutes, "device": f"cpu, {torch.get_num_threads()} threads", "seed": SEED,
    }  # fmt: skip
    write_atomically(args.out / "embedded.json", (json.dumps(result, indent=2) + "\n").encode())
    print(result)


if __name__ == "__main__":
    main()
