"""Error against realism: one VAE of portraits, its decoder finished at six weights.

    genimg bench vae_gan [--minutes 1] [--store]

For each of three seeds a VAE (genimg_lib/recipes/vae.py: told the factors, a prior that moves, the
decoder's sigma 2) is trained for the minutes, then six decoders go on from it, each with a
discriminator of its own and another weight (genimg_lib/recipes/sharpen.py), for 500 steps; the
weight 0 is more of the squared error alone. features: the weight 0.01, and the error of
the discriminator's features beside that of pixels.
Judged are 5,000 samples, and reconstructions of 5,000 unseen images. read: how many of the ten
factors an evaluator reads off the reconstructions as they should be, of real images: the figure
real_read; rate: nats an image.
--store keeps the figures in data/results.
"""

import argparse

import torch

from genimg_lib import data, layers, metrics, results, vae
from genimg_lib.data import portraits
from genimg_lib.recipes import vae as recipe
from genimg_lib.recipes.sharpen import of_features, of_pixels, sharpen
from genimg_lib.training import start

WEIGHTS = (0.0, 0.001, 0.002, 0.004, 0.01, 0.03)
SEEDS, IMAGES, STEPS = 3, 30_000, 500
KEPT = ("fd", "fd_floor", "fd_reconstructions", "psnr", "precision", "recall", "rate", "read")


@torch.no_grad()
def read(net, test, c, evaluator):
    """The mean share of factors that are read off reconstructions as they should be."""
    x = data.to_float(test.images)
    rebuilt = [net.decoder(net.encoder(*part)[0], part[1]).mean for part in layers.parts(x, c)]
    return agreed(evaluator, torch.cat(rebuilt), test)


def agreed(evaluator, images, test):
    known = {name: test.factors[name] for name in portraits.CATEGORICAL}
    right = metrics.agreement(evaluator.read(images), known)
    return sum(right.values()) / len(right)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_vae_gan", precision="auto", minutes=args.minutes)
    train = data.load("portraits", n=IMAGES)
    test = data.load("portraits", "test", n=recipe.JUDGED, seed=3)
    c, c_test = portraits.one_hot(train.factors), portraits.one_hot(test.factors)
    evaluator = metrics.Evaluator("portraits")
    found = {"real_read": agreed(evaluator, test.images, test)}
    settings = recipe.SETTINGS | {"fine": 16, "lr": 4e-3, "sigma": 2.0}
    shape = {key: settings[key] for key in recipe.NETWORK}
    ways = [(f"w_{weight:g}", weight, of_pixels) for weight in WEIGHTS]
    ways += [("features", 0.01, of_features)]
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        net = vae.ConvVAE(**shape, conditions=c.shape[1]).to(run.device)
        told = (args.minutes, settings, c, f"vae_{seed}")
        net = recipe.fit(run, train.images, net, *told)
        for way, weight, error in ways:
            label = f"{way}_seed_{seed}"
            torch.manual_seed(seed)
            how = {"momentum": 0.5, "error": error, "steps": STEPS}
            both = train.images, c
            sharp = sharpen(run, net, recipe.rebuild, both, weight, label, **how)
            measured = recipe.measure(sharp) | {"read": read(sharp, test, c_test, evaluator)}
            measured = {key: measured[key] for key in KEPT}
            found |= {f"{label}_{key}": value for key, value in measured.items()}
            print(label, {key: round(value, 3) for key, value in measured.items()}, flush=True)
    run.report(**found)
    if args.store:
        minutes = sum(run.minutes_trained.values())
        results.keep_benchmark(run, "bench_vae_gan", "benchmarks/vae_gan.py", minutes)


if __name__ == "__main__":
    main()
