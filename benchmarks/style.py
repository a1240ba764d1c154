"""Style: how fast the optimiser is, how fast and how good the networks of notebook 42, and how much a film flickers.

    genimg bench style [--seed 0] [--store]

In one run: the seconds in which 41's way (coarse to fine, L-BFGS) reaches the loss of 500 Adam steps at 256x256; the seconds of a frame of 512x512 in one pass,
against 41's at the same size; the style and content losses of both on photographs that the networks never saw, at 256x256; the flicker of a panned
film with and without the cure. --store keeps the figures in data/results.
"""

import argparse
import time

import torch

from genimg_lib import data, pretrained, style, tables
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
    """Seconds of 500 Adam steps, and of ours until the loss is as low, both at 256x256 from the photograph."""
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
    reached = next((t for t, loss in curves["lbfgs"][2 * STEPS :] if loss <= goal), float("inf"))
    return {"adam_seconds": curves["adam"][-1][0], "adam_loss": goal, "ours_seconds": reached, "ours_share_of_adam": reached / curves["adam"][-1][0]}


@torch.no_grad()
def qualities(net, fast):
    """Means over photographs and styles of 41's losses and those of one pass."""
    sums, count = dict.fromkeys(("style_41", "style_42", "content_41", "content_42"), 0.0), 0
    for name in PHOTOS:
        for k, kind in enumerate(styles.DRAWN):
            content, example = photo(name, 256), drawn(kind)
            wanted = style.Wanted(net, style.recolor(content, example), [example])
            with torch.enable_grad():
                slow = style.stylize(content, example, net, steps=STEPS)
            for key, made in (("41", slow), ("42", fast(content, k))):
                kept, styled, _ = wanted.losses(made)
                sums[f"style_{key}"] += styled.item()
                sums[f"content_{key}"] += kept.item()
            count += 1
    means = {key: value / count for key, value in sums.items()}
    return means | {"style_ratio": means["style_42"] / means["style_41"]}


@torch.no_grad()
def films(net, fast):
    """Flicker and style loss, frame by frame and blended, means over the styles."""
    film, step = style.pan(photo("coffee", 320)[0], (256, 256), frames=12, step=(1, 3))
    found = dict.fromkeys(("flicker_frames", "flicker_blended", "style_frames", "style_blended"), 0.0)
    for k, kind in enumerate(styles.DRAWN):
        made = torch.cat([fast(frame[None], k, film[:1]) for frame in film])
        grams = [style.gram(m) for m in net(drawn(kind))]
        for key, version in (("frames", made), ("blended", style.blend(made, step))):
            found[f"flicker_{key}"] += style.flicker(version, step) / len(styles.DRAWN)
            found[f"style_{key}"] += style.style_loss(net(version[4:]), grams).item() / len(styles.DRAWN)
    return found | {
        "flicker_share": found["flicker_blended"] / found["flicker_frames"],
        "film_style_ratio": found["style_blended"] / found["style_frames"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_style", seed=args.seed)
    began = time.perf_counter()
    net, fast, any_style = style.features(), pretrained.load_drawn_styles(), pretrained.load_any_style()
    found = optimisers(net)
    large, example = photo("astronaut", 512), drawn("strokes")
    with torch.no_grad():
        found["frame_512_seconds"] = timed(lambda: fast(large, 0), 9)
        found["frame_512_any_style_seconds"] = timed(lambda: any_style(large, example), 5)
    slow = time.perf_counter()
    style.stylize(large, example, net, steps=STEPS)
    found["optimised_512_seconds"] = time.perf_counter() - slow
    found["times_faster"] = found["optimised_512_seconds"] / found["frame_512_seconds"]
    found |= qualities(net, fast) | films(net, fast)
    run.report(**found)
    if args.store:
        tables.store(run, run.name, "benchmarks/style.py", (time.perf_counter() - began) / 60)


if __name__ == "__main__":
    main()
