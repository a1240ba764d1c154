"""Holes in photographs filled: smoothly, by patches, by the course's network.

    genimg bench inpaint [--minutes 5] [--store]

The middle squares of the photographs camera, chelsea and coffee, 256x256 pixels, are held out from
all training. Hidden are scratches (12 lines of 1 to 4 pixels), letters all over (16 pixels high),
and two spots (40x40 and 24x24 pixels); what stands there is white before it is filled.
psnr: in the hole alone, in decibels, the mean over the photographs. seconds: for all letters, the
mean over the photographs.
harmonic, biharmonic: colours that flow in, or bend in (the latter by scikit-image).
patches: genimg_lib/restore/patches.py, seed 0.
minutes: the recipe of genimg_lib/recipes/inpaint.py, trained here for so many minutes.
shipped: the weights that come with the course, inpainter.
fixed_share_psnr: of biharmonic, where a quarter of all pixels are missing, each by chance.
--store keeps the figures in data/results.
"""

import argparse
import statistics
import time

import torch

from genimg_lib import metrics, pretrained, restore, results
from genimg_lib.data import photos
from genimg_lib.recipes import inpaint as recipe
from genimg_lib.training import start


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="of training")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_inpaint", precision="auto", minutes=args.minutes)
    settings = recipe.SETTINGS
    triples = recipe.learned_from(8_000, settings, run.seed)
    torch.manual_seed(run.seed)
    net = restore.Inpainter(settings["width"], settings["blocks"])
    trained = recipe.teach(run, net, triples, args.minutes, settings).cpu()
    ways = {
        "harmonic": restore.harmonic,
        "biharmonic": restore.biharmonic,
        "patches": restore.patched,
        "shipped": by_network(pretrained.load_inpainter()),
        "minutes": by_network(trained),
    }
    found = {}
    for way, fill in ways.items():
        figures = judged(fill)
        found |= {f"{way}_{key}": value for key, value in figures.items()}
        print(way, {k: round(v, 3) for k, v in figures.items()}, flush=True)
    found["fixed_share_psnr"] = scattered()
    run.report(**found)
    if args.store:
        minutes = sum(run.minutes_trained.values())
        results.keep_benchmark(run, "bench_inpaint", "benchmarks/inpaint.py", minutes)


def by_network(net):
    @torch.no_grad()
    def fill(y, seen):
        return net(restore.biharmonic(y, seen), seen[None, None])

    return fill


def judged(fill):
    """{psnr_KIND for each kind of hole, seconds} of a way to fill holes."""
    found = {}
    for kind in recipe.KINDS_OF_HOLES:
        seen, decibels, taken = recipe.hole_of(kind), [], []
        for name in photos.HELD_OUT:
            x = recipe.held_out(name)
            began = time.perf_counter()
            x_hat = fill(torch.where(seen, x, 1.0), seen)
            taken.append(time.perf_counter() - began)
            decibels.append(metrics.psnr_in_hole(x_hat, x, seen).item())
        found[f"psnr_{kind}"] = statistics.mean(decibels)
        if kind == "letters":
            found["seconds"] = statistics.mean(taken)
    return found


def scattered():
    """Decibels of biharmonic where each pixel is missing with the chance of a quarter."""
    seen = torch.rand(256, 256, generator=torch.Generator().manual_seed(0)) >= 0.25
    decibels = []
    for name in photos.HELD_OUT:
        x = recipe.held_out(name)
        x_hat = restore.biharmonic(torch.where(seen, x, 1.0), seen)
        decibels.append(metrics.psnr_in_hole(x_hat, x, seen).item())
    return statistics.mean(decibels)


if __name__ == "__main__":
    main()
