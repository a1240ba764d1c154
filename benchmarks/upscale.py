"""Photographs made larger: by Pillow, by the course's networks, by five minutes of training.

    genimg bench upscale [--minutes 5] [--store]

The photographs camera, chelsea and coffee, whole, are held out from all training. They are cut to
multiples of the scale, shrunk by Pillow's bicubic filter as bytes, made larger again, rounded to
bytes, and judged as papers do: luma in 16..235, as many pixels as the scale shaved off each edge.
psnr, ssim: means over the photographs, at x2 and x4 (ssim with a Gaussian window of 11x11).
seconds: for 512x512 small pixels, the median of three calls, with as many threads as each row
takes by itself: the networks take all, Pillow one.
nearest, bilinear, bicubic, lanczos: Pillow's filters.
minutes: the recipe of genimg_lib/recipes/upscale.py, trained here for so many minutes, x2.
shipped: the weights that come with the course, upscaler_2 and upscaler_4; careful: the mean of
their answers to the picture in eight positions, as `genimg upscale --careful` has it.
switch_NAME: the psnr of bicubic at x2 where one thing is not as papers have it, in decibels
(not_antialiased: by torch, whose cubic has a = -3/4 then).
--store keeps the figures in data/results.
"""

import argparse
import statistics
import time

import torch
import torch.nn.functional as F
from PIL import Image

from genimg_lib import data, metrics, pretrained, restore, results
from genimg_lib.data import photos
from genimg_lib.metrics import Protocol, protocol
from genimg_lib.recipes import upscale as recipe
from genimg_lib.training import start

FILTERS = ("nearest", "bilinear", "bicubic", "lanczos")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="of training")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_upscale", precision="auto", minutes=args.minutes)
    settings = recipe.SETTINGS
    pieces = recipe.learned_from(20_000, recipe.SIZES[2], settings["drawn"], run.seed)
    torch.manual_seed(run.seed)
    net = restore.Upscaler(2, settings["width"], settings["blocks"])
    trained = recipe.teach(run, net, pieces, args.minutes, settings).cpu()
    found = {}
    for scale in recipe.SIZES:
        ways = {name: by_pillow(name, scale) for name in FILTERS}
        shipped = pretrained.load_upscaler(f"upscaler_{scale}")
        ways["shipped"] = by_network(shipped)
        ways["careful"] = by_network(shipped, careful=True)
        if scale == 2:
            ways["minutes"] = by_network(trained)
        for way, enlarge in ways.items():
            figures = judged(enlarge, scale)
            found |= {f"{way}_{key}_{scale}": value for key, value in figures.items()}
            print(f"x{scale}", way, {k: round(v, 3) for k, v in figures.items()}, flush=True)
    for name, value in switches().items():
        found[f"switch_{name}"] = value
        print(name, round(value, 2))
    run.report(**found)
    if args.store:
        minutes = sum(run.minutes_trained.values())
        results.keep_benchmark(run, "bench_upscale", "benchmarks/upscale.py", minutes)


def judged(enlarge, scale):
    """{psnr, ssim, seconds} of a way from uint8 [1, 3, h, w] to `scale` times as large."""
    as_papers = Protocol(luma="limited", shave=scale)
    decibels, likeness = [], []
    for name in photos.HELD_OUT:
        x, y = recipe.held_out(name, scale)
        x_hat = enlarge(y)
        decibels.append(recipe.judged(x_hat, x, scale))
        pair = data.to_float(x_hat), data.to_float(x)
        likeness.append(protocol.ssim(*pair, as_papers).item())
    y = photos.square(photos.open_photo("astronaut"), 512)[None]
    taken = []
    for _ in range(4):
        began = time.perf_counter()
        enlarge(y)
        taken.append(time.perf_counter() - began)
    return {
        "psnr": statistics.mean(decibels),
        "ssim": statistics.mean(likeness),
        "seconds": statistics.median(taken[1:]),  # the first call of a shape takes longer
    }


def by_pillow(name, scale):
    def enlarge(y):
        picture = Image.fromarray(y[0].permute(1, 2, 0).numpy())
        size = [scale * side for side in picture.size]
        return photos.to_tensor(picture.resize(size, getattr(Image.Resampling, name.upper())))[None]

    return enlarge


def by_network(net, careful=False):
    net = net.to(memory_format=torch.channels_last)

    @torch.no_grad()
    def enlarge(y):
        y = data.to_float(y)
        x_hat = restore.over_turns(net, y) if careful else net(y)
        return data.to_uint8(x_hat.clamp(-1, 1))

    return enlarge


def switches(scale=2):
    """{name: decibels} of bicubic, with one thing changed in how it is judged or shrunk."""
    as_papers = Protocol(rounded=True, luma="limited", shave=scale)
    protocols = {
        "as_papers": as_papers,
        "luma_full": as_papers._replace(luma="full"),
        "all_channels": as_papers._replace(luma=None),
        "not_rounded": as_papers._replace(rounded=False),
        "not_shaved": as_papers._replace(shave=0),
    }
    found = {name: [] for name in protocols} | {"not_antialiased": [], "shrunk_as_floats": []}
    for photo in photos.HELD_OUT:
        image, y = recipe.held_out(photo, scale)
        x = data.to_float(image)
        large = restore.enlarged(data.to_float(y), scale).clamp(-1, 1)
        for name, rules in protocols.items():
            found[name].append(metrics.protocol.psnr(large, x, rules).item())
        rough = F.interpolate(image.float(), scale_factor=1 / scale, mode="bicubic")
        rough = restore.enlarged(rough.round().clamp(0, 255) / 127.5 - 1, scale).clamp(-1, 1)
        found["not_antialiased"].append(metrics.protocol.psnr(rough, x, as_papers).item())
        floats = restore.enlarged(restore.shrunk(x, scale), scale).clamp(-1, 1)
        found["shrunk_as_floats"].append(metrics.protocol.psnr(floats, x, as_papers).item())
    return {name: statistics.mean(values) for name, values in found.items()}


if __name__ == "__main__":
    main()
