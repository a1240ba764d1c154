"""VAEs of portraits: linear networks or convolutions, one prior or one that moves.

    genimg bench vae [--minutes 5] [--store]

All learn from the same 30,000 portraits of 32x32; judged are 5,000 samples, and reconstructions of
5,000 unseen images.

At equal minutes, with one seed, two recipes that share nothing but the images and the clock.
linear, notebook 31's: 32 latents, sigma 0.5, batch 128, Adam on a cosine, averages with decay
0.999. convolutional: 32 latents, sigma 0.4, batch 64, AdamW with a warm-up of the KL and clipped
gradients, rates that fall in the second half, decay 0.995. A trial of two recipes, no ranking.

told_moving: the convolutional recipe, told the ten factors of a caption, its prior p(z|c) learned;
the same minutes. Then three seeds at a fifth of the minutes each, that differ in the prior alone:
told_fixed keeps N(0, I), told_moving learns p(z|c).

--store keeps the figures in data/results.
"""

import argparse
import math

import torch

from genimg_lib import data, results, vae
from genimg_lib.data import portraits
from genimg_lib.recipes import vae as recipe
from genimg_lib.training import start

IMAGES, SEEDS = 30_000, 3
PAIR = {"told_fixed": False, "told_moving": True}  # does the prior move?


class Encoder(vae.Encoder):
    """Notebook 31's, which is told nothing."""

    conditions = 0


class Linear(torch.nn.Module):
    """Notebook 31's networks in the shape of a `vae.ConvVAE`."""

    prior = None

    def __init__(self, shape):
        super().__init__()
        self.encoder = Encoder(math.prod(shape), 32, (512, 512))
        self.decoder = vae.GaussianDecoder(shape, 32, (512, 512), sigma=0.5)
        self.decoder.latent = 32

    def sample(self, eps):
        return self.decoder(eps).mean


def linear(run, images, minutes):
    """Notebook 31's networks after its training: averages of the weights."""
    torch.manual_seed(run.seed)
    net = Linear(tuple(images.shape[1:])).to(run.device)
    opt = torch.optim.Adam(net.parameters(), 2e-3, fused=True)
    books = {"label": "linear", "ema": "net", "net": net, "opt": opt}
    for x in run.train(run.batches(images, 128), minutes=minutes, **books):
        opt.param_groups[0]["lr"] = 1e-3 * (1 + math.cos(math.pi * run.progress))
        with run.autocast():
            loss = -vae.elbo(x, net.encoder, net.decoder).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    return run.ema["net"].eval()


def convolutional(run, images, minutes, label, c=None, seed=None, moves=True):
    """A `vae.ConvVAE` after its recipe; c: what it is told."""
    torch.manual_seed(run.seed if seed is None else seed)
    network = {key: recipe.SETTINGS[key] for key in recipe.NETWORK}
    network |= {"conditions": 0 if c is None else c.shape[1], "moves": moves}
    net = vae.ConvVAE(**network).to(run.device)
    return recipe.fit(run, images, net, minutes, recipe.SETTINGS, c, label)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_vae", precision="auto", minutes=args.minutes)
    train, found = data.load("portraits", n=IMAGES), {}
    images, c = train.images, portraits.one_hot(train.factors)

    def judge(name, net):
        measured = {"steps": run.history["step"][-1] + 1} | recipe.measure(net)
        found.update({f"{name}_{key}": value for key, value in measured.items()})
        print(name, {key: round(value, 3) for key, value in measured.items()}, flush=True)

    judge("linear", linear(run, images, args.minutes))
    judge("convolutional", convolutional(run, images, args.minutes, "convolutional"))
    judge("told_moving", convolutional(run, images, args.minutes, "told_moving", c))
    for seed in range(SEEDS):
        for name, moves in PAIR.items():
            label = f"{name}_seed_{seed}"
            judge(label, convolutional(run, images, args.minutes / 5, label, c, seed, moves))
    found["fd_ratio"] = found["convolutional_fd"] / found["linear_fd"]
    run.report(**found)
    if args.store:
        minutes = args.minutes * (3 + 2 * SEEDS / 5)
        results.keep_benchmark(run, "bench_vae", "benchmarks/vae.py", minutes)


if __name__ == "__main__":
    main()
