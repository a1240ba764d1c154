"""VAEs of portraits: linear networks or convolutions, one prior or one that moves.

    genimg bench vae [--minutes 5] [--store]

All learn from the same 30,000 portraits of 32x32 by the same recipe (genimg_lib/recipes/vae.py: 32
latents, sigma 0.4, batch 64, AdamW, a warm-up of the KL); judged are 5,000 samples, and
reconstructions of 5,000 unseen images.

linear, convolutional: told nothing, the same minutes, networks of notebook 31 and of notebook 32.
told_moving: convolutions that are told the ten factors of a caption, and a prior p(z|c) that is
learned; the same minutes.
Then three seeds, a fifth of the minutes each, of models that are told the factors and differ in the
prior: told_fixed N(0, I) for every c; told_line N(Mc, I), which adds nothing that the first and the
last layers could not do themselves; told_moving N(m(c), tau(c)²), by a small network.
--store keeps the figures in data/results.
"""

import argparse
import math

import torch
import torch.nn as nn

from genimg_lib import data, results, vae
from genimg_lib.data import portraits
from genimg_lib.recipes import vae as recipe
from genimg_lib.training import start

IMAGES, SEEDS = 30_000, 3
SHAPE = (3, 32, 32)
CONDITIONS = len(portraits.one_hot(portraits.sample(1, 0))[0])


class Encoder(vae.Encoder):
    """Notebook 31's, which is told nothing."""

    conditions = 0


class Linear(nn.Module):
    """Notebook 31's networks in the shape of a `vae.ConvVAE`."""

    prior = None

    def __init__(self, latent, sigma):
        super().__init__()
        self.encoder = Encoder(math.prod(SHAPE), latent, (512, 512))
        self.decoder = vae.GaussianDecoder(SHAPE, latent, (512, 512), sigma=sigma)
        self.decoder.latent = latent

    def forward(self, x):
        mean, logvar = self.encoder(x)
        likelihood = self.decoder(vae.reparameterize(mean, logvar))
        return vae.gaussian_kl(mean, logvar), -likelihood.log_prob(x)

    def sample(self, eps):
        return self.decoder(eps).mean


class Line(nn.Module):
    """N(Mc, I): a prior whose mean is a matrix times c."""

    def __init__(self, latent):
        super().__init__()
        self.mean = nn.Linear(CONDITIONS, latent, bias=False)
        nn.init.zeros_(self.mean.weight)

    def forward(self, c):
        mean = self.mean(c).float()
        return mean, torch.zeros_like(mean)


def linear():
    return Linear(recipe.SETTINGS["latent"], recipe.SETTINGS["sigma"])


def convolutional(**more):
    return vae.ConvVAE(**{key: recipe.SETTINGS[key] for key in recipe.NETWORK}, **more)


def told_fixed():
    return convolutional(conditions=CONDITIONS, moves=False)


def told_line():
    net = told_fixed()
    net.prior = Line(recipe.SETTINGS["latent"])
    return net


def told_moving():
    return convolutional(conditions=CONDITIONS)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_vae", precision="auto", minutes=args.minutes)
    train, found = data.load("portraits", n=IMAGES), {}
    told = portraits.one_hot(train.factors)

    def judge(made, minutes, label, seed=0):
        torch.manual_seed(seed)
        net = made().to(run.device)
        c = told if net.encoder.conditions else None
        net = recipe.fit(run, train.images, net, minutes, recipe.SETTINGS, c, label)
        measured = {"steps": run.history["step"][-1] + 1} | recipe.measure(net)
        found.update({f"{label}_{key}": value for key, value in measured.items()})
        print(label, {key: round(value, 3) for key, value in measured.items()}, flush=True)

    for made in (linear, convolutional, told_moving):
        judge(made, args.minutes, made.__name__)
    for seed in range(SEEDS):
        for made in (told_fixed, told_line, told_moving):
            judge(made, args.minutes / 5, f"{made.__name__}_seed_{seed}", seed)
    run.report(**found)
    if args.store:
        minutes = args.minutes * (3 + 3 * SEEDS / 5)
        results.keep_benchmark(run, "bench_vae", "benchmarks/vae.py", minutes)


if __name__ == "__main__":
    main()
