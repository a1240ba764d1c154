"""The course's GAN, with and without help, against a textbook DCGAN, at equal minutes.

The same data, one after the other on the same machine, several seeds.

    genimg bench gan [--data fashion_mnist] [--minutes 5] [--seeds 3] [--store]

`textbook`: transposed convolutions, batch norm on both sides, non-saturating loss, Adam with 2e-4
and beta 0.5, the last weights (Radford et al. 2015, arXiv:1511.06434), and batches of 64, as most
tutorials have them (the paper: 128). `tuned`: the same layers, loss and beta, with all else that
`plain` has: about its number of weights, its batch, a fused Adam, channels last in memory, a rate
that falls, averaged weights. `plain`: the hinge recipe of genimg_lib/recipes/gan.py. Both get the
best of three rates, sought with a seed of its own in a quarter of the minutes.
`plain_equal_steps` is `plain` with the steps that `textbook` made.

`ours`: `plain`, told what a real image is like, without labels: the group of look-alikes that it
belongs to, by k-means, and its coordinates along the principal components (after Casanova et al.
2021, arXiv:2109.05070, who tell features, and show the neighbours of the image; the seconds that
this takes are counted). To draw, it is told of training images, so it might copy them. Therefore it
also draws what it is told of unseen ones: `ours_unseen_fd` is their Fréchet distance, and
`ours_nearest` how far what it draws for training images is from the nearest of them, as a share of
the same for unseen ones: 1 if it knows none by heart.

Figures are means over the seeds, `_least` and `_most` their range. Also measured: which share of a
plain round in run.train is the round's own forward and backward passes. For portraits, the factors
are read off each. --store keeps the figures in data/results.
"""

import argparse
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, gan, metrics, results
from genimg_lib.recipes import gan as gan_recipes
from genimg_lib.training import start

RECIPE = gan_recipes.RECIPES["hinge"] | {"auxiliary": 0.0}
RATES = {"tuned": (2e-4, 6e-4, 2e-3), "plain": (1e-3, 3e-3, 9e-3)}
SEARCH_SEED, SEARCH_SHARE = 100, 0.25  # of the minutes, for each rate
KEYS = ("fd", "precision", "recall", "steps")


def textbook(size, channels, width=64, latent=100):
    """(G, D) of the DCGAN paper's kind, for sides that are 4 to 7 times a power of 2."""
    sides = gan.networks.side_lengths(size)
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


def train_textbook(run, images, minutes, label):
    """The textbook's last generator, as most tutorials train it: (G, its weights, D's)."""
    torch.manual_seed(run.seed)
    G, D = (net.to(run.device) for net in textbook(images.shape[-1], images.shape[1]))
    G.latent = 100
    players = {"G": G, "D": D}
    for name in ("G", "D"):
        rule = torch.optim.Adam(players[name].parameters(), lr=2e-4, betas=(0.5, 0.999))
        players[f"opt_{name}"] = rule
    for x in run.train(run.batches(images, 64), minutes=minutes, label=label, **players):
        run.log(**textbook_round(x, **players))
    return G.eval(), weights(G), weights(D)


def train_tuned(run, images, minutes, label, lr):
    """The textbook's averaged generator, with the engineering of `plain`."""
    torch.manual_seed(run.seed)
    G, D = textbook(images.shape[-1], images.shape[1], width=32, latent=RECIPE["latent"])
    G.latent = RECIPE["latent"]
    players = {"G": G, "D": D}
    for name in ("G", "D"):
        net = players[name].to(run.device, memory_format=torch.channels_last)
        rule = torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.999), fused=True)
        players[f"opt_{name}"] = rule
    average = {"ema": "G", "ema_decay": RECIPE["ema_decay"]}
    batches = run.batches(images, RECIPE["batch"])
    for x in run.train(batches, minutes=minutes, label=label, **average, **players):
        run.anneal(players["opt_G"], players["opt_D"])
        run.log(**textbook_round(x, **players))
    return gan_recipes.settled(run.ema["G"]), weights(G), weights(D)


def textbook_round(x, G, D, opt_G, opt_D):
    fake = G(torch.randn(len(x), G.latent, device=x.device))
    loss_D = gan.minimax_d_loss(D(x), D(fake.detach()))
    opt_D.zero_grad(), loss_D.backward(), opt_D.step()
    loss_G = gan.nonsaturating_g_loss(D(fake))
    opt_G.zero_grad(), loss_G.backward(), opt_G.step()
    return {"loss_D": loss_D, "loss_G": loss_G}


def train_plain(run, images, minutes, label, lr, steps=None):
    more = {"auxiliary": RECIPE["auxiliary"], "lr": lr}
    G = gan_recipes.train(run, images, minutes, steps, kind="hinge", label=label, **more)
    D = gan_recipes.players(run, images, None, "hinge", RECIPE)[1]
    return G, weights(G), weights(D)


def train_ours(run, images, minutes, label, lr):
    """What draws n images as a generator that is told of training images, or of other ones."""
    began = time.perf_counter()
    told = describe(images, run.seed)
    minutes = minutes - (time.perf_counter() - began) / 60
    more = {"conditions": told, "auxiliary": RECIPE["auxiliary"], "lr": lr}
    G = gan_recipes.train(run, images, minutes, kind="hinge", label=label, **more)

    def draw(n, other=None):
        if other is not None:
            return gan_recipes.sample(G, n, describe(images, run.seed, of=other))
        which = torch.randint(len(told), (n,), generator=torch.Generator().manual_seed(2))
        return gan_recipes.sample(G, n, told[which])

    return draw


def weights(net):
    return sum(p.numel() for p in net.parameters())


def best_rate(run, images, train, name, minutes, evaluator, n):
    """The rate of RATES that brings the lowest Fréchet distance in a part of the minutes."""
    run.seed, found = SEARCH_SEED, {}
    for lr in RATES[name]:
        G, *_ = train(run, images, SEARCH_SHARE * minutes, f"{name}_rate_{lr:g}", lr)
        found[lr] = evaluator.fd(gan_recipes.sample(G, n))
        print(f"{name}, rate {lr:g}: distance {found[lr]:.3f}", flush=True)
    return min(found, key=found.get), found


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
    parser.add_argument("--minutes", type=float, default=5.0, help="of each training")
    parser.add_argument("--images", type=int, default=5_000, help="to judge each by")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start(f"bench_gan_{args.data}", minutes=args.minutes, **RECIPE)
    images, evaluator = data.load(args.data).images, metrics.Evaluator(args.data)
    began = time.perf_counter()
    found = {"own_work_share": overhead(run, images), "seeds": args.seeds}
    rates = {"ours": RECIPE["lr"]}
    for name, train in (("tuned", train_tuned), ("plain", train_plain)):
        rates[name], distances = best_rate(
            run, images, train, name, args.minutes, evaluator, args.images
        )
        found |= {f"{name}_rate_{lr:g}_fd": fd for lr, fd in distances.items()}
    found |= {f"{name}_rate": lr for name, lr in rates.items()}
    rows = {}
    for seed in range(args.seeds):
        run.seed = seed
        for name, report in reports(run, images, evaluator, args, rates):
            rows.setdefault(name, []).append(report)
            print(f"{name}, seed {seed}:", {k: round(report[k], 3) for k in KEYS}, flush=True)
    for name, reported in rows.items():
        found |= {f"{name}_{key}": value for key, value in summary(reported).items()}
    floors = ("fd_floor", "precision_floor", "recall_floor", "n")
    found |= {key: rows["plain"][0][key] for key in floors}
    run.seed = 0
    run.report(**found)
    if args.store:
        took = (time.perf_counter() - began) / 60
        results.keep_benchmark(run, run.name, f"benchmarks/gan.py, {args.data}", took)


def reports(run, images, evaluator, args, rates):
    """Yields (row, its figures) of one seed."""

    def judged(made):
        return evaluator.report(made) | {"steps": run.history["step"][-1] + 1}

    steps = {}
    for name, train in (
        ("textbook", train_textbook),
        ("tuned", train_tuned),
        ("plain", train_plain),
    ):
        more = {"lr": rates[name]} if name in rates else {}
        G, in_G, in_D = train(run, images, args.minutes, f"{name}_{run.seed}", **more)
        made = gan_recipes.sample(G, args.images)
        report = judged(made) | {"weights_G": in_G, "weights_D": in_D}
        steps[name] = report["steps"]
        yield name, report | portraits_read(args, evaluator, made)
    label = f"plain_equal_steps_{run.seed}"
    G, *_ = train_plain(run, images, args.minutes, label, rates["plain"], steps["textbook"])
    yield "plain_equal_steps", judged(gan_recipes.sample(G, args.images))
    draw = train_ours(run, images, args.minutes, f"ours_{run.seed}", rates["ours"])
    made = draw(args.images)
    report = judged(made) | portraits_read(args, evaluator, made)
    for_unseen = draw(args.images, evaluator.real(args.images).images)
    report["unseen_fd"] = evaluator.fd(for_unseen)
    far = nearest(made[:2_000], images)
    report["nearest"] = far / nearest(for_unseen[:2_000], images)
    yield "ours", report


def portraits_read(args, evaluator, made):
    """Of portraits: the factor that varies least, as a share, and how many values occur."""
    if args.data != "portraits":
        return {}
    variation, produced = metrics.coverage(evaluator.read(made))
    return {"worst_variation": max(variation.values()), "values_produced": produced}


def summary(reports):
    """Means of figures over seeds, and the range of the distance and of the steps."""
    skipped = ("fd_floor", "precision_floor", "recall_floor", "n")
    found = {}
    for key in reports[0]:
        values = [report[key] for report in reports]
        if key not in skipped:
            found[key] = statistics.mean(values)
        if key in ("fd", "steps"):
            found |= {f"{key}_least": min(values), f"{key}_most": max(values)}
    return found


if __name__ == "__main__":
    main()
