"""Train the networks of notebook 42 and write data/weights/NAME.safetensors, their results beside them.

    python data/weights/make_style.py drawn_styles [--minutes 15] [--out FOLDER]
    python data/weights/make_style.py any_style [--minutes 15] [--out FOLDER]

drawn_styles: one StyleNet for the five styles that genimg_lib.data.styles draws. any_style: the decoder of an AnyStyle. Both learn from pieces of the photographs
that scikit-image installs, drawn materials and portraits, judged by the course's embedded feature network (nothing is downloaded) or by a published one.
What they are tried on was kept from them: the photographs of UNSEEN, and for any_style one family of drawn styles.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from genimg_lib import data, style
from genimg_lib.checkpoints import write_atomically
from genimg_lib.data import photos, portraits, styles, textures
from genimg_lib.style.optimise import WEIGHTS

SEED, SIDE, BATCH = 0, 128, 4
UNSEEN, UNSEEN_STYLE = ("coffee", "chelsea", "brick"), "dots"
CONTENT = 3.0  # a network that paints in one pass loses the picture sooner than an optimiser does
SEEN = tuple(name for name in photos.NAMES if name not in UNSEEN)


def contents(n=1_200):
    """What is to be painted: two thirds photographs, the rest materials and portraits; uint8 [n, 3, SIDE, SIDE]."""
    parts = [photos.crops(2 * n // 3, SIDE, SEED, SEEN), textures.draw(n // 6, SIDE, SEED)[0], portraits.render(n // 6, SIDE, seed=SEED)[0]]
    return torch.cat(parts)


def learn(net, loss_of, minutes, lr=2e-3):
    """Adam until the time is up, its rate warmed up, and lowered to 0 in the second half. Returns the number of steps."""
    opt = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=lr, betas=(0.9, 0.99), fused=True)
    began, step = time.perf_counter(), 0
    while (progress := (time.perf_counter() - began) / (60 * minutes)) < 1:
        opt.param_groups[0]["lr"] = lr * min(1, (step + 1) / 50) * min(1.0, 2 * (1 - progress))
        losses = loss_of(step)
        opt.zero_grad()
        sum(losses.values()).backward()
        opt.step()
        if step % 50 == 0:
            print(
                f"step {step:5d}  " + "  ".join(f"{k} {v.item():.3f}" for k, v in losses.items()) + f"  {time.perf_counter() - began:5.0f} s",
                flush=True,
            )
        step += 1
    return step


def drawn_styles(minutes, judge, g):
    canvases, pictures = contents(), [data.to_float(styles.draw(name, 256)[None]) for name in styles.DRAWN]
    scales = [lambda x: x, lambda x: F.avg_pool2d(x, 2)]
    with torch.no_grad():
        grams = [[torch.cat(layer) for layer in zip(*([style.gram(m) for m in judge(half(p))] for p in pictures), strict=True)] for half in scales]
    net = style.StyleNet(len(pictures), examples=pictures)

    def loss_of(_):
        x = data.to_float(canvases[torch.randint(len(canvases), (BATCH,), generator=g)])
        which = torch.randint(len(pictures), (BATCH,), generator=g)
        mix = F.one_hot(which, len(pictures)).float()
        made = net(x, mix)
        with torch.no_grad():
            wanted = judge(net.recolored(x, mix), 3)[3]
        maps = [judge(half(made)) for half in scales]
        return {
            "content": CONTENT * style.content_loss(maps[0][3], wanted),
            "style": WEIGHTS["style"]
            * sum(style.style_loss(m, [layer[which] for layer in wanted_]) for m, wanted_ in zip(maps, grams, strict=True))
            / 2,
            "variation": WEIGHTS["variation"] * style.total_variation(made),
            "outside": 10 * (made - made.clamp(-1, 1)).square().mean(),
        }

    steps = learn(net, loss_of, minutes)
    return net, {"network": {"styles": len(pictures)}, "styles": list(styles.DRAWN), "steps": steps}


def style_canvases():
    """What to learn styles from: the drawn ones from many seeds, materials, photographs, all in many lights; uint8 [n, 3, SIDE, SIDE]."""
    drawn = torch.stack([styles.draw(name, SIDE, seed) for seed in range(1, 41) for name in styles.DRAWN if name != UNSEEN_STYLE])
    return torch.cat([drawn, drawn, drawn, textures.draw(600, SIDE, SEED + 1)[0], photos.crops(400, SIDE, SEED + 1, SEEN)])


def recolor(x, g):
    """Images in another light: their colours turned, mixed and stretched, each in its own way."""
    mix = torch.eye(3) + 0.35 * torch.randn(len(x), 3, 3, generator=g)
    return (
        torch.einsum("nij,njhw->nihw", mix / mix.abs().sum(2, keepdim=True).clamp(min=1.0), x) + 0.15 * torch.randn(len(x), 3, 1, 1, generator=g)
    ).clamp(-1, 1)


def any_style(minutes, judge, g):
    canvases, examples = contents(), style_canvases()
    net = style.AnyStyle(style.features())

    def loss_of(step):
        x = data.to_float(canvases[torch.randint(len(canvases), (BATCH,), generator=g)])
        s = data.to_float(examples[torch.randint(len(examples), (BATCH,), generator=g)])
        s = recolor(s, g) if step % 2 else s
        with torch.no_grad():
            s[0] = x[0]  # one of the batch is its own style: strength 0 should give the content back
            content, wanted = net.encode(style.recolor(x, s))[-1], judge(s)
            target = style.adain(content, net.encode(s)[-1])
        made = net.decode(target)
        maps = judge(made)
        moments = lambda m: torch.stack([m.mean(dim=(2, 3)), (m.var(dim=(2, 3)) + 1e-5).sqrt()])
        parts = [(moments(m) - moments(w)).square().mean() / moments(w).square().mean() for m, w in zip(maps, wanted, strict=True)]
        return {
            "content": style.content_loss(net.encode(made)[-1], target),
            "style": 30.0 * sum(parts) / len(parts),
            "variation": WEIGHTS["variation"] * style.total_variation(made),
        }

    steps = learn(net, loss_of, minutes)
    return net, {"network": {}, "steps": steps}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=("drawn_styles", "any_style"))
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--judge", default="embedded", help="whose features the losses are taken in: embedded, squeezenet1_1 or vgg19")
    parser.add_argument("--out", type=Path, default=data.fetch.shipped() / "weights")
    args = parser.parse_args()
    torch.manual_seed(SEED)
    net, facts = globals()[args.name](args.minutes, style.features(args.judge), torch.Generator().manual_seed(SEED))
    save_file({k: v.half().contiguous() for k, v in net.state_dict().items()}, args.out / f"{args.name}.safetensors")
    facts |= {
        "data": "photographs, materials, portraits",
        "unseen": [*UNSEEN],
        "judge": args.judge,
        "minutes": args.minutes,
        "device": f"cpu, {torch.get_num_threads()} threads",
        "seed": SEED,
    }
    write_atomically(args.out / f"{args.name}.json", (json.dumps(facts, indent=2) + "\n").encode())
    print(facts)


if __name__ == "__main__":
    main()
