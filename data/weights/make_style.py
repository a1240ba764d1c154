"""Train the networks of notebook 42 and write data/weights/NAME.safetensors, their results beside them.

    python data/weights/make_style.py drawn_styles | any_style [--minutes 40] [--keep 1] [--on] [--out FOLDER]

drawn_styles: one StyleNet for the five styles that genimg_lib.data.styles draws. any_style: the decoder of an AnyStyle. Both learn from pieces of the photographs
that scikit-image installs, drawn materials and portraits, judged by the course's embedded feature network (nothing is downloaded) or by a published one.
The stored ones: any_style --minutes 14; drawn_styles --minutes 40 --keep 2, then --on --minutes 24 --keep 0.8 and --on --minutes 5 --keep 0.7, for more of the styles.
What they are tried on was kept from them: the photographs of UNSEEN, and for any_style's decoder the drawn style UNSEEN_STYLE (its encoder has seen that style, and brick).
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save

from genimg_lib import data, style
from genimg_lib.checkpoints import write_atomically
from genimg_lib.data import photos, portraits, styles, textures, weights
from genimg_lib.style.optimise import WEIGHTS

SEED, SIDE, BATCH, CANVAS = 0, 128, 2, 16
UNSEEN, UNSEEN_STYLE = ("coffee", "chelsea", "brick"), "dots"
SEEN = tuple(name for name in photos.NAMES if name not in UNSEEN)


def contents(n=1_200):
    """What is to be painted: two thirds photographs, the rest materials and portraits; uint8 [n, 3, SIDE, SIDE]."""
    parts = [photos.crops(2 * n // 3, SIDE, SEED, SEEN), textures.draw(n // 6, SIDE, SEED)[0], portraits.render(n // 6, SIDE, seed=SEED)[0]]
    return torch.cat(parts)


def learn(net, loss_of, minutes, lr):
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


def drawn_styles(judge, g, keep):
    canvases, pictures = contents(), [data.to_float(styles.draw(name, 256)[None]) for name in styles.DRAWN]
    scales = [lambda x: x, lambda x: F.avg_pool2d(x, 2)]
    with torch.no_grad():
        grams = [[torch.cat(layer) for layer in zip(*([style.gram(m) for m in judge(half(p))] for p in pictures), strict=True)] for half in scales]
    net = style.StyleNet(len(pictures), canvas=CANVAS, examples=pictures)

    def loss_of(_):
        x = data.to_float(canvases[torch.randint(len(canvases), (BATCH,), generator=g)])
        which = torch.randint(len(pictures), (BATCH,), generator=g)
        mix = F.one_hot(which, len(pictures)).float()
        made = net(x, mix, origin=(net.GRID * torch.randint(net.TILE, (2,), generator=g)).tolist())  # all of the canvas is learned
        with torch.no_grad():
            wanted = judge(net.recolored(x, mix), 3)[3]
        maps = [judge(half(made)) for half in scales]
        return {
            "content": keep * WEIGHTS["content"] * style.content_loss(maps[0][3], wanted),
            "style": WEIGHTS["style"]
            * sum(style.style_loss(m, [layer[which] for layer in wanted_]) for m, wanted_ in zip(maps, grams, strict=True))
            / 2,
            "variation": WEIGHTS["variation"] * style.total_variation(made),
            "outside": 10 * (made - made.clamp(-1, 1)).square().mean(),
        }

    return net, loss_of, {"network": {"styles": len(pictures), "canvas": CANVAS}, "styles": list(styles.DRAWN)}


def style_canvases():
    """What to learn styles from: the drawn ones from many seeds, materials, photographs, all in many lights; uint8 [n, 3, SIDE, SIDE]."""
    drawn = torch.stack([styles.draw(name, SIDE, seed) for seed in range(1, 41) for name in styles.DRAWN if name != UNSEEN_STYLE])
    return torch.cat([drawn, drawn, drawn, textures.draw(600, SIDE, SEED + 1)[0], photos.crops(400, SIDE, SEED + 1, SEEN)])


def in_another_light(x, g):
    """Images in another light: their colours turned, mixed and stretched, each in its own way."""
    mix = torch.eye(3) + 0.35 * torch.randn(len(x), 3, 3, generator=g)
    return (
        torch.einsum("nij,njhw->nihw", mix / mix.abs().sum(2, keepdim=True).clamp(min=1.0), x) + 0.15 * torch.randn(len(x), 3, 1, 1, generator=g)
    ).clamp(-1, 1)


def any_style(judge, g, keep):
    canvases, examples = contents(), style_canvases()
    net = style.AnyStyle(style.features())

    def loss_of(step):
        x = data.to_float(canvases[torch.randint(len(canvases), (BATCH,), generator=g)])
        s = data.to_float(examples[torch.randint(len(examples), (BATCH,), generator=g)])
        s = in_another_light(s, g) if step % 2 else s
        with torch.no_grad():
            x, wanted = style.recolor(x, s), judge(s)
            maps = net.encode(x)[-1]
            target = style.adain(maps, net.encode(s)[-1])
        made = net.decode(x, maps, target)
        found = judge(made)
        moments = lambda m: torch.stack([m.mean(dim=(2, 3)), (m.var(dim=(2, 3)) + 1e-5).sqrt()])
        parts = [(moments(m) - moments(w)).square().mean() / moments(w).square().mean() for m, w in zip(found, wanted, strict=True)]
        return {
            "content": keep * style.content_loss(net.encode(made)[-1], target),
            "style": 30.0 * sum(parts) / len(parts),
            "variation": WEIGHTS["variation"] * style.total_variation(made),
            "outside": 10 * (made - made.clamp(-1, 1)).square().mean(),
        }

    return net, loss_of, {"network": {}, "unseen_style": UNSEEN_STYLE}


@torch.no_grad()
def results(net):
    """Mean losses of what a network makes of the unseen photographs at 256x256 in the five drawn styles, in the embedded features, weighted as in notebook 41."""
    judge, sums = style.features(), {"content_loss": 0.0, "style_loss": 0.0}
    for name in UNSEEN:
        content = data.to_float(photos.square(photos.open_photo(name), 256)[None])
        for k, kind in enumerate(styles.DRAWN):
            example = data.to_float(styles.draw(kind, 256)[None])
            wanted = style.Wanted(judge, style.recolor(content, example), [example])
            found = wanted.losses(net(content, k) if isinstance(net, style.StyleNet) else net(content, example))
            for key, value in zip(sums, found, strict=False):
                sums[key] += value.item() / (len(UNSEEN) * len(styles.DRAWN))
    return {key: round(value, 4) for key, value in sums.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=("drawn_styles", "any_style"))
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--judge", default="embedded", help="whose features the losses are taken in: embedded, squeezenet1_1 or vgg19")
    parser.add_argument("--keep", type=float, default=1.0, help="how many times more the content counts than in notebook 41")
    parser.add_argument("--on", action="store_true", help="train the weights that are there on, at half the rate")
    parser.add_argument("--out", type=Path, default=data.fetch.shipped() / "weights")
    args = parser.parse_args()
    before = weights.facts(args.name) if args.on else {"minutes": 0.0, "steps": 0, "keep": []}
    seed = SEED + int(before["minutes"])  # other pieces, should it go on
    torch.manual_seed(seed)
    judge = style.features(args.judge).to(memory_format=torch.channels_last)
    net, loss_of, facts = globals()[args.name](judge, torch.Generator().manual_seed(seed), args.keep)
    if args.on:
        net.load_state_dict(weights.read(args.name))
    steps = learn(net, loss_of, args.minutes, 1e-3 if args.on else 2e-3)
    stored = {key: value.half().contiguous() for key, value in net.state_dict().items()}
    if not all(value.isfinite().all() for value in stored.values()):
        raise SystemExit("the weights are not finite; nothing was written")
    net.load_state_dict({key: value.float() for key, value in stored.items()})  # measured as it is stored
    facts |= {
        "data": "photographs, materials, portraits",
        "unseen": [*UNSEEN],
        "judge": args.judge,
        "batch": BATCH,
        "minutes": before["minutes"] + args.minutes,
        "steps": before["steps"] + steps,
        "keep": [*before["keep"], args.keep],
        "device": f"cpu, {torch.get_num_threads()} threads",
        "seed": SEED,
        "parameters": sum(p.numel() for p in net.parameters()),
    }
    facts |= results(net.eval())
    write_atomically(args.out / f"{args.name}.safetensors", save(stored))
    write_atomically(args.out / f"{args.name}.json", (json.dumps(facts, indent=2) + "\n").encode())
    print(facts)


if __name__ == "__main__":
    main()
