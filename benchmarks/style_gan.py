"""A style-based generator against notebook 23's recipe; its parts; BigGAN's.

    genimg bench style_gan [--minutes 5] [--short 0.75] [--seeds 3] [--images 2000] [--store]

long_stable, long_style: notebook 23's recipe (kind "relativistic" of genimg_lib/recipes/gan.py)
and the style-based one (genimg_lib/recipes/style_gan.py), --minutes each, one seed.
Two groups of --short minutes each, --seeds seeds. In each every row changes one thing of the
group's first:
style: all parts; no_mapping: styles are the scaled latents; no_demodulation; no_noise; no_mixing:
no image is trained with two styles; fast_mapping: the mapping network learns at the others' rate.
stable: notebook 23's recipe, with a latent of 64; by_level: the latent in four parts, one for the
first layer and each norm; orthogonal: its generator's loss with 1e-4 times the orthogonal penalty;
batch: four times the batch.
All share the discriminator, losses, penalty (weight 1), data (20,000 portraits of 32x32), Adam's
settings and the run's precision. Minutes are equal and steps therefore aren't: steps are reported.
--store keeps means, least and most in data/results.
"""

import argparse
import statistics

import torch

from genimg_lib import data, metrics, results
from genimg_lib.recipes import gan as gan_recipes
from genimg_lib.recipes import style_gan
from genimg_lib.training import start

STYLE = {
    "style": {},
    "no_mapping": {"mapping": 0},
    "no_demodulation": {"demodulate": False},
    "no_noise": {"noise": False},
    "no_mixing": {"mixing": 0.0},
    "fast_mapping": {"map_lr": style_gan.SETTINGS["lr"]},
}
STABLE = {
    "stable": {},
    "by_level": {"by_level": True},
    "orthogonal": {"orthogonal": 1e-4},
    "batch": {"batch": 4 * gan_recipes.RECIPES["relativistic"]["batch"]},
}
KEYS = ("fd", "precision", "recall", "steps")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="of the long trainings")
    parser.add_argument("--short", type=float, default=0.75, help="minutes of all others")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=2_000, help="to judge each training by")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    shown = {"minutes": args.minutes, "short": args.short, "images": args.images}
    run = start("bench_style_gan", precision="auto", **shown)
    faces = data.load("portraits", n=20_000).images
    judge, found = Judge(args.images), {"seeds": args.seeds, "n": args.images}
    for name, train in (("stable", of_stable), ("style", of_style)):
        figures = judge.figures(run, train(run, faces, args.minutes, f"long_{name}"))
        found |= {f"long_{name}_{key}": value for key, value in figures.items()}
        print("long", name, figures, flush=True)
    for train, ways in ((of_style, STYLE), (of_stable, STABLE)):
        for name, changes in ways.items():
            rows = []
            for run.seed in range(args.seeds):
                images = train(run, faces, args.short, f"{name}_{run.seed}", **changes)
                rows.append(judge.figures(run, images))
                print(name, run.seed, rows[-1], flush=True)
            found |= {f"{name}_{key}": value for key, value in spread(rows).items()}
    run.seed = 0
    run.report(**found, **judge.floors())
    if args.store:
        minutes = sum(run.minutes_trained.values())
        results.keep_benchmark(run, "bench_style_gan", "benchmarks/style_gan.py", minutes)


def of_style(run, faces, minutes, label, **changes):
    """A function n -> images of a style-based generator, trained for some minutes."""
    settings = style_gan.changed(changes)
    G = style_gan.fit(run, faces, minutes, settings, label).cpu()
    return lambda n: G.sample(n, torch.Generator().manual_seed(1))


def of_stable(run, faces, minutes, label, **changes):
    """The same of a gan.Generator, by notebook 23's recipe."""
    G = gan_recipes.train(run, faces, minutes, label=label, **changes).cpu()
    return lambda n: gan_recipes.sample(G, n)


class Judge:
    """The evaluator's figures of a generator by n images."""

    def __init__(self, n):
        self.n, self.evaluator, self.found = n, metrics.Evaluator("portraits"), {}

    def figures(self, run, images):
        """{key: value} of KEYS. images: a function of their number."""
        self.found = self.evaluator.report(images(self.n))
        return {key: self.found[key] for key in KEYS[:3]} | {"steps": len(run.history["step"])}

    def floors(self):
        return {f"{key}_floor": self.found[f"{key}_floor"] for key in KEYS[:3]}


def spread(rows):
    """Mean, least and most of each figure over the seeds."""
    found = {}
    for key in KEYS:
        values = [float(row[key]) for row in rows]
        found |= {key: statistics.mean(values)}
        found |= {f"{key}_least": min(values), f"{key}_most": max(values)}
    return found


if __name__ == "__main__":
    main()
