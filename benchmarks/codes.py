"""Codes and their priors: quantisers side by side, numbers of codes, ten minutes of clothes.

    genimg bench codes [--minutes 10] [--store]

By one recipe (genimg_lib/recipes/codes.py); judged are 5,000 samples, and reconstructions of 5,000
unseen images.

fashion: Fashion-MNIST; one autoencoder, its decoder finished with a discriminator, for a share of
the minutes, and two priors, causal and masked, told the class, that each take the rest: so each
row of samples has cost the minutes said.
gradient, ema, fsq: portraits, three quantisers of 875 codes, a tenth of the minutes each, three
seeds. The vectors of the first two have 16 numbers, those of FSQ 4.
codes_27 to codes_4375: portraits, FSQ with so many codes; each a tenth of the minutes for the
autoencoder (by the error alone) and two tenths for a causal prior.
--store keeps the figures in data/results.
"""

import argparse
import math
import time

import torch

from genimg_lib import data, metrics, results
from genimg_lib.recipes import codes as recipe
from genimg_lib.training import start
from genimg_lib.vae import CodeAutoencoder, codes

LEVELS = {27: (3, 3, 3), 175: (7, 5, 5), 875: (7, 5, 5, 5), 4375: (7, 5, 5, 5, 5)}
SEEDS, IMAGES, SPEED_OF = 3, 30_000, 1_000
QUANTIZERS = {
    "gradient": lambda: codes.VectorQuantizer(875, 16),
    "ema": lambda: codes.EMAVectorQuantizer(875, 16),
    "fsq": lambda: codes.FSQ(LEVELS[875]),
}


def clothes(run, minutes):
    """Both priors on the same tokens of Fashion-MNIST, and how fast they draw."""
    shares = {key: recipe.SETTINGS[key] for key in ("share", "finish")}
    longer = 2 - sum(shares.values())  # two priors take turns
    shares = {key: share / longer for key, share in shares.items()}
    net = recipe.train(run, longer * minutes, "fashion_mnist", **shares).net
    found = recipe.measure(net, "fashion_mnist")
    for kind in net.priors:
        found[f"images_per_second_{kind}"] = speed(net, kind)
    found["masked_speed"] = found["images_per_second_masked"] / found["images_per_second_causal"]
    return found


@torch.no_grad()
def speed(net, kind, passes=8):
    """Grids of tokens a second, the best of three times a thousand in parts of 250."""
    g = torch.Generator().manual_seed(0)
    c = torch.zeros(250, net.conditions)
    best = math.inf
    for _ in range(3):
        began = time.perf_counter()
        for _ in range(SPEED_OF // 250):
            net.tokens(250, g, c, kind, passes)
        best = min(best, time.perf_counter() - began)
    return SPEED_OF / best


def rebuilt(run, train, test, make, minutes, label, seed):
    """Figures of an autoencoder alone."""
    torch.manual_seed(seed)
    net = CodeAutoencoder(make(), 3, 32)
    net = recipe.fit_images(run, train.images, net.to(run.device), minutes, recipe.SETTINGS, label)
    measured = recipe.measure_images(net.cpu(), test, metrics.Evaluator("portraits"))
    return {"steps": run.history["step"][-1] + 1} | measured


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run, found = start("bench_codes", precision="auto", minutes=args.minutes), {}

    def keep(label, measured):
        found.update({f"{label}_{key}": value for key, value in measured.items()})
        print(label, {key: round(value, 3) for key, value in measured.items()}, flush=True)

    keep("fashion", clothes(run, args.minutes))
    train = data.load("portraits", n=IMAGES)
    test = data.load("portraits", "test", n=recipe.JUDGED, seed=3)
    for seed in range(SEEDS):
        for name, make in QUANTIZERS.items():
            label = f"{name}_seed_{seed}"
            keep(label, rebuilt(run, train, test, make, args.minutes / 10, label, seed))
    for number, levels in LEVELS.items():
        changes = {"levels": levels, "images": IMAGES, "share": 1 / 3, "finish": 0}
        few = start(f"bench_codes_{number}", precision="auto", minutes=args.minutes)
        trained = recipe.train(few, 0.3 * args.minutes, kinds=("causal",), **changes)
        keep(f"codes_{number}", trained.measure(trained.net))
    run.report(**found)
    if args.store:
        first = recipe.SETTINGS["share"] + recipe.SETTINGS["finish"]
        tenths = SEEDS * len(QUANTIZERS) + 3 * len(LEVELS)
        minutes = args.minutes * (2 - first + tenths / 10)
        results.keep_benchmark(run, "bench_codes", "benchmarks/codes.py", minutes)


if __name__ == "__main__":
    main()
