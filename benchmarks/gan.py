"""The course's GAN against a textbook DCGAN: the same data, the same minutes, one after the other on the same machine.

    genimg bench gan [--data fashion_mnist] [--minutes 5] [--seed 0] [--store]

The textbook: transposed convolutions, batch norm on both sides, non-saturating loss, Adam with 2e-4 and beta 0.5, the last weights (Radford et al. 2015, arXiv:1511.06434),
and batches of 64, as most tutorials have them (the paper: 128). Ours: gan.Generator and gan.Discriminator, hinge loss, averaged weights (RECIPE). Also measured: what one round of ours costs beyond its own forward and backward passes.
--store keeps the figures in data/results.
"""

import argparse
import json
import time

import torch
import torch.nn as nn

from genimg_lib import data, gan, metrics
from genimg_lib.checkpoints import write_atomically
from genimg_lib.training import start

RECIPE = {"latent": 64, "width": 32, "batch": 32, "lr": 3e-3, "betas": (0.0, 0.99), "ema_decay": 0.995}


def textbook(size, channels, width=64, latent=100):
    """(G, D) of the DCGAN paper's kind, for sides that are 4 to 7 times a power of 2."""
    sides = gan._sides(size)
    widths = [width * size // 2 // side for side in sides]  # width channels at half the size, twice as many at a quarter ...
    up = [nn.Unflatten(1, (latent, 1, 1)), nn.ConvTranspose2d(latent, widths[0], sides[0], bias=False)]
    for w, out in zip(widths, [*widths[1:], channels], strict=True):
        up += [nn.BatchNorm2d(w), nn.ReLU(), nn.ConvTranspose2d(w, out, 4, stride=2, padding=1, bias=False)]
    down, before = [], channels
    for k, w in enumerate(reversed(widths)):
        down += [nn.Conv2d(before, w, 4, stride=2, padding=1, bias=False), *([nn.BatchNorm2d(w)] if k else []), nn.LeakyReLU(0.2)]
        before = w
    G, D = nn.Sequential(*up, nn.Tanh()), nn.Sequential(*down, nn.Conv2d(before, 1, sides[0], bias=False), nn.Flatten(0))
    for module in [*G.modules(), *D.modules()]:
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
    return G, D


def train_textbook(run, images, minutes):
    torch.manual_seed(run.seed)
    G, D = (net.to(run.device) for net in textbook(images.shape[-1], images.shape[1]))
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (G, D))
    for x in run.train(run.batches(images, 64), minutes=minutes, label="textbook", G=G, D=D, opt_G=opt_G, opt_D=opt_D):
        fake = G(torch.randn(len(x), 100, device=run.device))
        loss_D = gan.minimax_d_loss(D(x), D(fake.detach()))
        opt_D.zero_grad(), loss_D.backward(), opt_D.step()
        loss_G = gan.nonsaturating_g_loss(D(fake))
        opt_G.zero_grad(), loss_G.backward(), opt_G.step()
        run.log(loss_D=loss_D, loss_G=loss_G)
    return G, 100


def play(x, G, D, opt_G, opt_D, latent):
    """One round: both losses."""
    fake = G(torch.randn(len(x), latent, device=x.device))
    a_real, a_fake = D(torch.cat([x, fake.detach()])).chunk(2)
    loss_D = gan.hinge_d_loss(a_real, a_fake)
    opt_D.zero_grad(), loss_D.backward(), opt_D.step()
    D.requires_grad_(False)  # the forger's step needs the way through D, not D's own gradients
    loss_G = gan.hinge_g_loss(D(fake))
    opt_G.zero_grad(), loss_G.backward(), opt_G.step()
    D.requires_grad_(True)
    return loss_D, loss_G


def players(run, images, recipe):
    torch.manual_seed(run.seed)
    kind = {"size": images.shape[-1], "channels": images.shape[1], "width": recipe["width"]}
    G, D = gan.Generator(latent=recipe["latent"], **kind).to(run.device), gan.Discriminator(**kind).to(run.device)
    return G, D, *(torch.optim.Adam(net.parameters(), lr=recipe["lr"], betas=recipe["betas"], fused=True) for net in (G, D))


def train_ours(run, images, minutes, recipe=RECIPE):
    G, D, opt_G, opt_D = players(run, images, recipe)
    for x in run.train(
        run.batches(images, recipe["batch"]), minutes=minutes, label="ours", ema="G", ema_decay=recipe["ema_decay"], G=G, D=D, opt_G=opt_G, opt_D=opt_D
    ):  # fmt: skip
        for opt in (opt_G, opt_D):
            opt.param_groups[0]["lr"] = recipe["lr"] * min(1.0, 2 * (1 - run.progress))
        loss_D, loss_G = play(x, G, D, opt_G, opt_D, recipe["latent"])
        run.log(loss_D=loss_D, loss_G=loss_G)
    return run.ema["G"], recipe["latent"]


def overhead(run, images, rounds=5, steps=40):
    """How much of the time of a round in run.train is the round's own forward and backward passes: the median of several turns."""
    shares = []
    for k in range(rounds):
        G, D, opt_G, opt_D = players(run, images, RECIPE)
        x = data.to_float(images[: RECIPE["batch"]]).to(run.device)
        play(x, G, D, opt_G, opt_D, RECIPE["latent"])
        began = time.perf_counter()
        for _ in range(steps):
            play(x, G, D, opt_G, opt_D, RECIPE["latent"])
        bare = time.perf_counter() - began
        began = time.perf_counter()
        for x in run.train(run.batches(images, RECIPE["batch"]), steps, label=f"overhead_{k}", ema="G", G=G, D=D, opt_G=opt_G, opt_D=opt_D):
            loss_D, loss_G = play(x, G, D, opt_G, opt_D, RECIPE["latent"])
            run.log(loss_D=loss_D, loss_G=loss_G)
        shares.append(bare / (time.perf_counter() - began))
    return sorted(shares)[rounds // 2]


@torch.no_grad()
def judge(evaluator, G, latent, n):
    G.eval()
    device = next(G.parameters()).device
    noise = torch.randn(n, latent, generator=torch.Generator().manual_seed(1)).to(device)
    return evaluator.report(torch.cat([G(z).float().cpu() for z in noise.split(500)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="fashion_mnist", help="fashion_mnist or portraits")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training, for each of the two")
    parser.add_argument("--images", type=int, default=5_000, help="to judge each by")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start(f"bench_gan_{args.data}", seed=args.seed, minutes=args.minutes)
    images, evaluator = data.load(args.data).images, metrics.Evaluator(args.data)
    found = {"own_work_share": overhead(run, images)}
    for name, train in (("ours", train_ours), ("textbook", train_textbook)):
        report = judge(evaluator, *train(run, images, args.minutes), args.images)
        found |= {f"{name}_{key}": value for key, value in report.items() if key in ("fd", "precision", "recall")} | {
            f"{name}_steps": run.history["step"][-1] + 1
        }
        found |= {key: value for key, value in report.items() if key.endswith("_floor") or key == "n"}
    found["ratio"] = found["textbook_fd"] / found["ours_fd"]
    run.report(**found)
    if args.store and run.is_main:
        result = json.loads((run.folder / "results.json").read_text())
        result |= {
            "notebook": f"benchmarks/gan.py, {args.data}",
            "notebook_seconds": round(120 * args.minutes),
            "notebook_memory_mib": result["peak_memory_mib"],
        }
        write_atomically(
            data.fetch.shipped() / "results" / f"bench_gan_{args.data}.{run.profile}.json", (json.dumps(result, indent=2) + "\n").encode()
        )


if __name__ == "__main__":
    main()
