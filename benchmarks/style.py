"""Style: speed and quality of the optimiser and of one pass, and flicker.

    genimg bench style [--seed 0] [--store]

In one run: the seconds in which 41's way (coarse to fine, L-BFGS) reaches the loss of 500 Adam
steps at 256x256; the seconds of a frame of 512x512 in one pass, against 41's at the same size; the
style and content losses of both on photographs that the networks never saw, at 256x256; the flicker
of a panned film, frame by frame and with the cures. --store keeps the figures in data/results.
"""

import argparse
import time

import torch

from genimg_lib import data, pretrained, results, style
from genimg_lib.data import photos, styles
from genimg_lib.training import start

PHOTOS, STEPS = ("coffee", "chelsea"), 60


def photo(name, size):
    return data.to_float(photos.square(photos.open_photo(name), size)[None])


def drawn(name):
    return data.to_float(styles.draw(name, 256)[None])


def timed(function, repeats):
    """The median seconds of some calls, after one to warm up."""
    function()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return sorted(times)[repeats // 2]


def optimisers(net):
    """Seconds of 500 Adam steps, and of ours until the loss is as low.

    Both at 256x256 from the photograph.
    """
    content, example, curves = photo("coffee", 256), drawn("mosaic"), {}
    for name, steps, levels in (("adam", 500, 1), ("lbfgs", 2 * STEPS, 2)):
        curve, began = [], time.perf_counter()
        style.stylize(
            content,
            example,
            net,
            steps=steps,
            levels=levels,
            optimizer=name,
            watch=lambda k, n, loss, _, c=curve, b=began: c.append((time.perf_counter() - b, loss)),
        )
        curves[name] = curve
    goal = min(loss for _, loss in curves["adam"])
    reached = next((t for t, loss in curves["lbfgs"][2 * STEPS :] if loss <= goal), None)
    if reached is None:
        raise SystemExit(
            f"ours did not reach {goal:.4g}, Adam's loss, in {4 * STEPS} steps; nothing was stored"
        )
    return {
        "adam_seconds": curves["adam"][-1][0],
        "adam_loss": goal,
        "ours_seconds": reached,
        "ours_share_of_adam": reached / curves["adam"][-1][0],
    }


@torch.no_grad()
def qualities(net, fast, any_style):
    """Means over photographs and styles of 41's losses and those of one pass.

    By the network of these styles and by the one for any style.
    """
    makers = {
        "41": lambda x, s, _: style.stylize(x, s, net, steps=STEPS),
        "42": lambda x, _, k: fast(x, k),
        "any": lambda x, s, _: any_style(x, s),
    }
    sums = {f"{loss}_{key}": 0.0 for key in makers for loss in ("content", "style")}
    for name in PHOTOS:
        for k, kind in enumerate(styles.DRAWN):
            content, example = photo(name, 256), drawn(kind)
            wanted = style.Wanted(net, style.recolor(content, example), [example])
            for key, make in makers.items():
                for loss, value in zip(
                    ("content", "style"), wanted.losses(make(content, example, k)), strict=False
                ):
                    sums[f"{loss}_{key}"] += value.item() / len(PHOTOS) / len(styles.DRAWN)
    return sums | {"style_ratio": sums["style_42"] / sums["style_41"]}


@torch.no_grad()
def films(net, fast, keep=0.4):
    """Flicker and style loss of a panned film, means over the styles.

    frames: one by one (grid and canvas go with the camera); blended: the last painting, moved
    along, is mixed in; held: grid and canvas stay with the scene; both: held and blended.
    """
    film, step = style.pan(photo("coffee", 320)[0], (256, 256), frames=12, step=(1, 3))
    found = {
        f"{figure}_{key}": 0.0
        for key in ("frames", "blended", "held", "both")
        for figure in ("flicker", "style")
    }
    for k, kind in enumerate(styles.DRAWN):
        places = [(n * step[0], n * step[1]) for n in range(len(film))]
        loose, held = (
            torch.cat([fast(x[None], k, film[:1], at) for x, at in zip(film, grid, strict=True)])
            for grid in ([(0, 0)] * len(film), places)
        )
        grams = [style.gram(m) for m in net(drawn(kind))]
        for key, made in {
            "frames": loose,
            "blended": style.blend(loose, step, keep),
            "held": held,
            "both": style.blend(held, step, keep),
        }.items():
            found[f"flicker_{key}"] += style.flicker(made, step) / len(styles.DRAWN)
            found[f"style_{key}"] += style.style_loss(net(made[4:]), grams).item() / len(
                styles.DRAWN
            )
    shares = {
        f"{figure}_share_{key}": found[f"{figure}_{key}"] / found[f"{figure}_frames"]
        for key in ("blended", "held", "both")
        for figure in ("flicker", "style")
    }
    return found | shares


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_style", seed=args.seed)
    began = time.perf_counter()
    net, fast, any_style = (
        pretrained.features(),
        pretrained.load_drawn_styles(),
        pretrained.load_any_style(),
    )
    found = optimisers(net)
    large, example = photo("astronaut", 512), drawn("strokes")
    with torch.no_grad():
        found["frame_512_seconds"] = timed(lambda: fast(large, 0), 9)
        found["frame_512_any_style_seconds"] = timed(lambda: any_style(large, example), 5)
    slow = time.perf_counter()
    style.stylize(large, example, net, steps=STEPS)
    found["optimised_512_seconds"] = time.perf_counter() - slow
    found["times_faster"] = found["optimised_512_seconds"] / found["frame_512_seconds"]
    found |= qualities(net, fast, any_style) | films(net, fast)
    run.report(**found)
    if args.store:
        results.keep_benchmark(
            run, run.name, "benchmarks/style.py", (time.perf_counter() - began) / 60
        )


if __name__ == "__main__":
    main()
