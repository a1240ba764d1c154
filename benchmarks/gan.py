"""The course's GAN, with and without help, against a textbook DCGAN, at equal minutes.

The same data, one after the other on the same machine.

    genimg bench gan [--data fashion_mnist] [--minutes 5] [--seed 0] [--store]

`textbook`: transposed convolutions, batch norm on both sides, non-saturating loss, Adam with 2e-4
and beta 0.5, the last weights (Radford et al. 2015, arXiv:1511.06434), and batches of 64, as most
tutorials have them (the paper: 128). `plain`: the hinge recipe of genimg_lib/recipes/gan.py.
`ours`: the same, told what a real image is like, without labels: the group of look-alikes that it
belongs to, by k-means, and its coordinates along the principal components (after Casanova et al.
2021, arXiv:2109.05070, who tell features, and show the neighbours of the image; the seconds that
this takes are counted). To draw, it is told of training images, so it might copy them. Therefore it
also draws what it is told of unseen ones: `ours_unseen_fd` is their Fréchet distance, and
`ours_nearest` how far what it draws for training images is from the nearest of them, as a share of
the same for unseen ones: 1 if it knows none by heart.

Also measured: which share of a plain round in run.train is the round's own forward and backward
passes. For portraits, the factors are read off each. --store keeps the figures in data/results.
"""

import argparse
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, gan, metrics, results
from genimg_lib.recipes import gan as gan_recipes
from genimg_lib.training import start

RECIPE = gan_recipes.RECIPES["hinge"] | {"auxiliary": 0.0}


def textbook(size, channels, width=64, latent=100):
    """(G, D) of the DCGAN paper's kind, for sides that are 4 to 7 times a power of 2."""
    sides = gan._sides(size)
    # width channels at half the size, twice as many at a quarter ...
    widths = [width * size // 2 // side for side in sides]
    up = [
        nn.Unflatten(1, (latent, 1, 1)),
        nn.ConvTranspose2d(latent, widths[0], sides[0], bias=False),
    ]
    for w, out in zip(widths, [*widths[1:], channels], strict=True):
        up += [
            nn.BatchNorm2d(w),
            nn.ReLU(),
            nn.ConvTranspose2d(w, out, 4, stride=2, padding=1, bias=False),
        ]
    down, before = [], channels
    for k, w in enumerate(reversed(widths)):
        down += [
            nn.Conv2d(before, w, 4, stride=2, padding=1, bias=False),
            *([nn.BatchNorm2d(w)] if k else []),
            nn.LeakyReLU(0.2),
        ]
        before = w
    G, D = (
        nn.Sequential(*up, nn.Tanh()),
        nn.Sequential(*down, nn.Conv2d(before, 1, sides[0], bias=False), nn.Flatten(0)),
    )
    for module in [*G.modules(), *D.modules()]:
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
    return G, D


def train_textbook(run, images, minutes):
    torch.manual_seed(run.seed)
    G, D = (net.to(run.device) for net in textbook(images.shape[-1], images.shape[1]))
    G.latent = 100
    opt_G, opt_D = (
        torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (G, D)
    )
    for x in run.train(
        run.batches(images, 64),
        minutes=minutes,
        label="textbook",
        G=G,
        D=D,
        opt_G=opt_G,
        opt_D=opt_D,
    ):
        fake = G(torch.randn(len(x), 100, device=run.device))
        loss_D = gan.minimax_d_loss(D(x), D(fake.detach()))
        opt_D.zero_grad(), loss_D.backward(), opt_D.step()
        loss_G = gan.nonsaturating_g_loss(D(fake))
        opt_G.zero_grad(), loss_G.backward(), opt_G.step()
        run.log(loss_D=loss_D, loss_G=loss_G)
    return lambda n: gan_recipes.sample(G.eval(), n)


def train_plain(run, images, minutes):
    G = gan_recipes.train(
        run, images, minutes, kind="hinge", auxiliary=RECIPE["auxiliary"], label="plain"
    )
    return lambda n: gan_recipes.sample(G, n)


def train_ours(run, images, minutes):
    """A generator that is told what a training image, drawn at random, is like.

    Or what other images are like, uint8 [n, C, H, W].
    """
    began = time.perf_counter()
    told = describe(images, run.seed)
    minutes = minutes - (time.perf_counter() - began) / 60
    G = gan_recipes.train(
        run,
        images,
        minutes,
        conditions=told,
        kind="hinge",
        auxiliary=RECIPE["auxiliary"],
        label="ours",
    )

    def draw(n, other=None):
        if other is not None:
            return gan_recipes.sample(G, n, describe(images, run.seed, of=other))
        return gan_recipes.sample(
            G, n, told[torch.randint(len(told), (n,), generator=torch.Generator().manual_seed(2))]
        )

    return draw


def describe(images, seed, groups=20, **of):
    """What images are like: float32 [N, 20 + 36].

    The group of look-alikes that each belongs to, and its coordinates along the principal
    components.
    """
    group = F.one_hot(data.pseudo_labels.cluster(images, groups, seed, **of), groups).float()
    return torch.cat([group, data.pseudo_labels.principal_components(images, **of)], dim=1)


def nearest(images, train):
    """The median distance of images [N, C, H, W] to the nearest training image."""
    points = data.to_float(train).flatten(1)
    return (
        torch.cat(
            [torch.cdist(part.flatten(1), points).min(dim=1).values for part in images.split(500)]
        )
        .median()
        .item()
    )


def overhead(run, images, rounds=5, steps=40):
    """The share of a round in run.train that is its own forward and backward passes.

    The median of several turns.
    """
    shares = []
    for k in range(rounds):
        *nets, opt_G, opt_D = players = gan_recipes.players(run, images, None, "hinge", RECIPE)
        x = data.to_float(images[: RECIPE["batch"]]).to(run.device)
        gan_recipes.play(0, x, *players, "hinge", RECIPE)
        began = time.perf_counter()
        for step in range(steps):
            gan_recipes.play(step, x, *players, "hinge", RECIPE)
        bare = time.perf_counter() - began
        began = time.perf_counter()
        books = {
            "label": f"overhead_{k}",
            "ema": "G",
            "G": nets[0],
            "D": nets[1],
            "opt_G": opt_G,
            "opt_D": opt_D,
        }
        for step, x in enumerate(run.train(run.batches(images, RECIPE["batch"]), steps, **books)):
            run.log(**gan_recipes.play(step, x, *players, "hinge", RECIPE))
        shares.append(bare / (time.perf_counter() - began))
    return sorted(shares)[rounds // 2]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion_mnist", help="fashion_mnist or portraits")
    parser.add_argument(
        "--minutes", type=float, default=5.0, help="of training, for each of the three"
    )
    parser.add_argument("--images", type=int, default=5_000, help="to judge each by")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start(f"bench_gan_{args.data}", seed=args.seed, minutes=args.minutes, **RECIPE)
    images, evaluator = data.load(args.data).images, metrics.Evaluator(args.data)
    found = {"own_work_share": overhead(run, images)}
    for name, train in (("ours", train_ours), ("plain", train_plain), ("textbook", train_textbook)):
        draw = train(run, images, args.minutes)
        made = draw(args.images)
        report = evaluator.report(made)
        found |= {f"{name}_{key}": report[key] for key in ("fd", "precision", "recall")} | {
            f"{name}_steps": run.history["step"][-1] + 1
        }
        found |= {key: report[key] for key in ("fd_floor", "precision_floor", "recall_floor", "n")}
        if name == "ours":
            for_unseen = draw(args.images, evaluator.real(args.images).images)
            found["ours_unseen_fd"] = evaluator.fd(for_unseen)
            found["ours_nearest"] = nearest(made[:2_000], images) / nearest(
                for_unseen[:2_000], images
            )
        if args.data == "portraits":
            variation, produced = metrics.coverage(evaluator.read(made))
            found |= {
                f"{name}_worst_variation": max(variation.values()),
                f"{name}_values_produced": produced,
            }
    found |= {
        f"{name}_ratio": found["textbook_fd"] / found[f"{name}_fd"] for name in ("ours", "plain")
    }
    run.report(**found)
    if args.store:
        results.keep_benchmark(run, run.name, f"benchmarks/gan.py, {args.data}", 3 * args.minutes)


if __name__ == "__main__":
    main()
