"""Codes and their priors: quantisers side by side, numbers of codes, ten minutes of clothes.

    genimg bench codes [--minutes 5] [--store]

By one recipe (genimg_lib/recipes/codes.py); judged are 5,000 samples, and reconstructions of 5,000
unseen images.

fashion: the weights codes_fashion_mnist, as `genimg make` trains them: four minutes for the
autoencoder (the last of them with a discriminator), six for each of two priors, causal and masked,
told the class; so the samples of each have cost ten minutes.
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

from genimg_lib import data, metrics, pretrained, results
from genimg_lib.recipes import codes as recipe
from genimg_lib.training import start
from genimg_lib.vae import CodeAutoencoder, codes

LEVELS = {27: (3, 3, 3), 175: (7, 5, 5), 875: (7, 5, 5, 5), 4375: (7, 5, 5, 5, 5)}
SEEDS, IMAGES = 3, 30_000
QUANTIZERS = {
    "gradient": lambda: codes.VectorQuantizer(875, 16),
    "ema": lambda: codes.EMAVectorQuantizer(875, 16),
    "fsq": lambda: codes.FSQ(LEVELS[875]),
}


def clothes():
    """Both stored priors of Fashion-MNIST: their samples, and how fast they draw."""
    net = pretrained.load_codes("codes_fashion_mnist")
    found = recipe.measure(net, "fashion_mnist")
    for kind in net.priors:
        found[f"grids_per_second_{kind}"] = speed(net, kind, 250)
        found[f"grids_per_second_{kind}_single"] = speed(net, kind, 1)
    return found


@torch.no_grad()
def speed(net, kind, at_once, passes=8):
    """Grids of tokens a second, drawn `at_once` together, the best of five calls."""
    g, c = torch.Generator().manual_seed(0), torch.zeros(at_once, net.conditions)
    best = math.inf
    for _ in range(5):
        began = time.perf_counter()
        net.tokens(at_once, g, c, kind, passes)
        best = min(best, time.perf_counter() - began)
    return at_once / best


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
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run, found = start("bench_codes", precision="auto", minutes=args.minutes), {}

    def keep(label, measured):
        found.update({f"{label}_{key}": value for key, value in measured.items()})
        print(label, {key: round(value, 3) for key, value in measured.items()}, flush=True)

    keep("fashion", clothes())
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
        minutes = args.minutes / 10 * (SEEDS * len(QUANTIZERS) + 3 * len(LEVELS))
        results.keep_benchmark(run, "bench_codes", "benchmarks/codes.py", minutes)


if __name__ == "__main__":
    main()
