"""Style: optimisers at equal cost, one pass at equal losses, its lattice, and flicker.

    genimg bench style [--seed 0] [--store]

In one run, with the course's embedded features as judge:

- Adam and L-BFGS, each at one size and from half size on, at 256x256 in three styles and at equal
  cost in steps at full size: the loss at the end, and the cost at which each is as low as Adam at
  one size was halfway and at its end.
- The network for the drawn styles on photographs that it never saw: how many steps at full size
  41's optimiser needs from the recoloured photograph, until style loss *and* content loss are as
  low as those of the network's painting, and how many times longer that takes; and which share of
  the painting's loss is left after as many steps from there.
- The losses of the merely recoloured photograph, of one pass by either network, and of 41.
- The lattice of a painting: its power at multiples of a quarter of a cycle a pixel over that around
  them, the largest one.
- The flicker of panned films, away from the borders: frame by frame, blended, held, and both, with
  whole pixels and with halves. --store keeps the figures in data/results.
"""

import argparse
import statistics
import time

import torch

from genimg_lib import data, pretrained, results, style
from genimg_lib.data import photos, styles
from genimg_lib.training import start

PHOTOS, STEPS, COST, EQUAL = ("coffee", "chelsea"), 60, 60, 40
RIVALS = ("strokes", "mosaic", "woodcut")
WAYS = {
    "adam": {"optimizer": "adam", "levels": 1},
    "adam_two": {"optimizer": "adam", "levels": 2},
    "lbfgs": {"optimizer": "lbfgs", "levels": 1},
    "lbfgs_two": {"optimizer": "lbfgs", "levels": 2},
}
PANS = {"whole": (1, 3), "half": (0.5, 0.5), "half_and_more": (0.5, 1.5)}
INSIDE = 25  # pixels along the borders that do not count


def photo(name, size):
    picture = data.to_float(photos.square(photos.open_photo(name), size)[None])
    return picture.contiguous(memory_format=torch.channels_last)


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
    """Four ways at equal cost: losses at the end, and costs to reach Adam's."""
    content, found = photo("coffee", 256), {}
    for kind in RIVALS:
        curves = {}
        for way, settings in WAYS.items():
            steps = round(COST / (1.25 if settings["levels"] == 2 else 1))
            losses = []

            def watch(step, total, loss, image, losses=losses):
                losses.append(loss)

            style.stylize(content, drawn(kind), net, steps=steps, watch=watch, **settings)
            half = steps if settings["levels"] == 2 else 0
            curves[way] = [(k + 1 + half / 4, loss) for k, loss in enumerate(losses[half:])]
            found[f"{kind}_{way}_loss"] = min(loss for _, loss in curves[way])
        adam = [loss for _, loss in curves["adam"]]
        for when, goal in (("half", min(adam[: COST // 2])), ("end", min(adam))):
            for way, curve in curves.items():
                costs = [cost for cost, loss in curve if loss <= goal]
                found[f"{kind}_{way}_cost_to_{when}"] = costs[0] if costs else float("nan")
    return found


def equal_losses(net, fast):
    """Steps and seconds until 41's optimiser is as low as one pass, in style and in content.

    Medians and the range over photographs and styles.
    """
    found = {"steps": [], "seconds": [], "faster": [], "left": []}
    for name in PHOTOS:
        for k, kind in enumerate(styles.DRAWN):
            content, example = photo(name, 256), drawn(kind)
            begin = style.recolor(content, example)
            wanted = style.Wanted(net, begin, [example])
            with torch.no_grad():
                painting = fast(content, k)
                one_pass = timed(lambda c=content, k=k: fast(c, k), 5)
                goal = [loss.item() for loss in wanted.losses(painting)[:2]]
            images = []

            def watch(step, loss, image, images=images):
                images.append(image)

            _, seconds = minimised(wanted, begin, EQUAL, watch)
            steps = steps_to(goal, wanted, images)
            left, _ = minimised(wanted, painting, EQUAL)
            with torch.no_grad():
                share = wanted.loss(left).item() / wanted.loss(painting).item()
            for key, value in {
                "steps": steps,
                "seconds": steps * seconds,
                "faster": steps * seconds / one_pass,
                "left": share,
            }.items():
                found[key].append(value)
    named = {
        "steps": "equal_steps",
        "seconds": "equal_seconds",
        "faster": "times_faster_at_equal_losses",
        "left": "loss_left_after_40_steps",
    }
    out = {}
    for key, values in found.items():
        out[named[key]] = statistics.median(values)
        out |= {f"{named[key]}_least": min(values), f"{named[key]}_most": max(values)}
    return out


def minimised(wanted, begin, steps, watch=None):
    """(the picture, the seconds of a step)."""
    began = time.perf_counter()
    picture, _ = style.minimise(wanted.loss, begin, steps, watch=watch)
    return picture, (time.perf_counter() - began) / steps


@torch.no_grad()
def steps_to(goal, wanted, images):
    """The first step at which both losses are as low as the goal's; inf where there is none."""
    for step, image in enumerate(images, start=1):
        content, styled, _ = wanted.losses(image)
        if content <= goal[0] and styled <= goal[1]:
            return step
    return float("inf")


@torch.no_grad()
def qualities(net, fast, any_style):
    """Means over photographs and styles of the content and the style loss, by way."""
    makers = {
        "recolored": lambda x, s, _: style.recolor(x, s),
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
                losses = wanted.losses(make(content, example, k))[:2]
                for loss, value in zip(("content", "style"), losses, strict=True):
                    sums[f"{loss}_{key}"] += value.item() / len(PHOTOS) / len(styles.DRAWN)
    return sums


@torch.no_grad()
def lattices(fast):
    """The lattice of each style's painting, and of its example."""
    found = {}
    for k, kind in enumerate(styles.DRAWN):
        paintings = torch.cat([fast(photo(name, 384), k) for name in (*PHOTOS, "brick")])
        found[f"lattice_{kind}"] = style.lattice(paintings, fast.GRID)
        example = data.to_float(styles.draw(kind, 384)[None])
        found[f"lattice_{kind}_example"] = style.lattice(example, fast.GRID)
    found["lattice"] = max(found[f"lattice_{kind}"] for kind in styles.DRAWN)
    return found


@torch.no_grad()
def films(net, fast, keep=0.4):
    """Flicker and style loss of panned films, means over the styles, by motion and by cure.

    frames: one by one (grid and canvas go with the camera); blended: the last painting, moved
    along, is mixed in (where the motion is whole); held: grid and canvas stay with the scene; both.
    """
    found = {}
    for pan, step in PANS.items():
        wide = photo("coffee", 640)[0]
        film, _ = style.pan(wide, (256, 256), frames=8, step=step, finer=2)
        sums = {}
        for k, kind in enumerate(styles.DRAWN):
            places = [(n * step[0], n * step[1]) for n in range(len(film))]
            loose, held = (
                torch.cat(
                    [fast(x[None], k, film[:1], at) for x, at in zip(film, grid, strict=True)]
                )
                for grid in ([(0, 0)] * len(film), places)
            )
            made = {"frames": loose, "held": held}
            if pan == "whole":
                made["blended"] = style.blend(loose, step, keep)
                made["both"] = style.blend(held, step, keep)
            grams = [style.gram(m) for m in net(drawn(kind))]
            for key, painted in made.items():
                inside = painted[..., INSIDE:-INSIDE, INSIDE:-INSIDE]
                values = {
                    "flicker": style.flicker(inside, step),
                    "style": style.style_loss(net(painted[4:]), grams).item(),
                }
                for figure, value in values.items():
                    sums[figure, key] = sums.get((figure, key), 0.0) + value / len(styles.DRAWN)
        for (figure, key), value in sums.items():
            found[f"{pan}_{figure}_{key}"] = value
            if key != "frames":
                found[f"{pan}_{figure}_share_{key}"] = value / sums[figure, "frames"]
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_style", seed=args.seed)
    began = time.perf_counter()
    net = pretrained.features()
    fast, any_style = pretrained.load_drawn_styles(), pretrained.load_any_style()
    large, example = photo("astronaut", 512), drawn("strokes")
    with torch.no_grad():
        found = {
            "frame_512_seconds": timed(lambda: fast(large, 0), 9),
            "frame_512_any_style_seconds": timed(lambda: any_style(large, example), 5),
        }
    found |= optimisers(net) | equal_losses(net, fast) | qualities(net, fast, any_style)
    found |= lattices(fast) | films(net, fast)
    run.report(**found)
    if args.store:
        results.keep_benchmark(
            run, run.name, "benchmarks/style.py", (time.perf_counter() - began) / 60
        )


if __name__ == "__main__":
    main()
