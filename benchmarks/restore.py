"""Denoisers of photographs: classical ones, the course's networks, five minutes of training.

    genimg bench restore [--minutes 5] [--store]

The photographs camera, chelsea and coffee (the middle square at 256 pixels, grey and, but for the
first, in colour) are held out from all training. Noise of 15, 25 and 50 grey levels, the same for
every row, is cut off nowhere; answers are clipped to [-1, 1] before they are judged.
psnr: decibels, the mean over the photographs. ms: milliseconds for one of them, with as many
threads as each row takes by itself: the networks take all, most of scikit-image one.
gaussian, bilateral, total_variation, wavelets, non_local_means: scikit-image, each with the best
of its strengths for that photograph and that noise, found with the clean one beside it; ms is that
of one strength. bm3d: the package of that name, where it is installed (its licence forbids
commercial use, so the course does not ask for it), told sigma, its other settings as they are.
minutes: the recipe of genimg_lib/recipes/denoise.py, trained here for so many minutes, grey.
shipped: the weights that come with the course, denoiser_grey and denoiser_colour; careful: the mean
of their answers to the photograph in eight positions, as `genimg denoise --careful` has it.
--store keeps the figures in data/results.
"""

import argparse
import importlib.util
import statistics
import time

import numpy as np
import torch

from genimg_lib import metrics, pretrained, restore, results
from genimg_lib.data import photos
from genimg_lib.recipes import denoise as recipe
from genimg_lib.restore import LEVEL
from genimg_lib.training import start


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="of training")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_restore", precision="auto", minutes=args.minutes)
    pieces = recipe.learned_from(20_000, 1, recipe.SETTINGS["size"], seed=run.seed)
    torch.manual_seed(run.seed)
    net = restore.Denoiser()
    trained = recipe.teach(run, net, pieces, args.minutes, recipe.SETTINGS)
    found = {}
    for kind, channels in (("grey", 1), ("colour", 3)):
        shipped = pretrained.load_denoiser(f"denoiser_{kind}")
        ways = classical() | {"shipped": by_network(shipped)}
        ways["careful"] = by_network(shipped, careful=True)
        if channels == 1:
            ways["minutes"] = by_network(trained.cpu())
        for way, denoise in ways.items():
            figures = judged(denoise, channels)
            found |= {f"{kind}_{way}_{key}": value for key, value in figures.items()}
            print(kind, way, {k: round(v, 2) for k, v in figures.items()}, flush=True)
    run.report(**found)
    if args.store:
        minutes = sum(run.minutes_trained.values())
        results.keep_benchmark(run, "bench_restore", "benchmarks/restore.py", minutes)


def judged(denoise, channels):
    """{psnr_SIGMA and ms} of a way (y, sigma, x) -> (x_hat, seconds)."""
    names = [name for name in photos.HELD_OUT if channels == 1 or name != "camera"]
    found, seconds = {}, []
    for sigma in recipe.SIGMAS:
        values = []
        for name in names:
            x = recipe.held_out(name, channels)
            x_hat, taken = denoise(recipe.with_noise(x, sigma), sigma * LEVEL, x)
            values.append(metrics.psnr(x_hat.clamp(-1, 1), x).item())
            seconds.append(taken)
        found[f"psnr_{sigma}"] = statistics.mean(values)
    return found | {"ms": 1_000 * statistics.median(seconds)}


def classical():
    """{name: way} of the methods of scikit-image, and of BM3D where it is installed."""
    ways = {"noisy": lambda y, sigma, x: (y, 0.0)}
    for method in restore.METHODS:
        ways[method.lower().replace(" ", "_").replace("-", "_")] = by_strength(method)
    if importlib.util.find_spec("bm3d"):
        ways["bm3d"] = by_bm3d
    return ways


def by_strength(method):
    def denoise(y, sigma, x):
        x_hat, strength = restore.best(method, y[0], sigma, x[0])
        began = time.perf_counter()
        restore.denoised_by(method, y[0], sigma, strength)
        return x_hat[None], time.perf_counter() - began

    return denoise


def by_bm3d(y, sigma, _):
    import bm3d

    values = (y[0].permute(1, 2, 0).double().numpy() + 1) / 2
    began = time.perf_counter()
    if values.shape[2] == 1:
        x_hat = np.atleast_3d(bm3d.bm3d(values[..., 0], sigma / 2))
    else:
        x_hat = bm3d.bm3d_rgb(values, sigma / 2)
    taken = time.perf_counter() - began
    return torch.from_numpy(2 * x_hat - 1).permute(2, 0, 1)[None].float(), taken


def by_network(net, careful=False):
    def answer(y, sigma):
        return restore.over_turns(lambda y: net(y, sigma), y) if careful else net(y, sigma)

    def denoise(y, sigma, _):
        with torch.no_grad():
            answer(y, sigma)  # the first call of a shape takes longer
            began = time.perf_counter()
            x_hat = answer(y, sigma)
        return x_hat, time.perf_counter() - began

    return denoise


if __name__ == "__main__":
    main()
