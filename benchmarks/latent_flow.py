"""Do latents pay? Portraits of 64 pixels at equal minutes, from pixels and from latents.

    genimg bench latent_flow [--minutes 10] [--images 2000] [--store]

latent: the recipe of genimg_lib/recipes/latent_flow.py; its minutes are those of the autoencoder
and of the flow together, and encoding is counted. pixels_4, pixels_8: the recipe of
genimg_lib/recipes/flow.py on patches of 4 and of 8 pixels, as wide as its settings say and 64 wide.
All are told all factors, or of a tenth of the images nothing; they have the same 20,000 images, the
same optimisers and sampler, and batches and times of the flow as latent_flow.SETTINGS has them.
Of its shift, -0.7: for patches of 4 no other was tried, for latents 0 and -0.5 were (four minutes
each, the second was better), for patches of 8 none.
fd, precision, recall, accuracy (the mean of ten factors): of the images drawn, told the factors of
unseen ones. ms: milliseconds an image, in batches of 250, ten calls, decoding included.
rebuilt_fd, rebuilt_psnr: of unseen images, encoded and decoded.
rate: the weight of the rate in the autoencoder's loss against what can be drawn from its latents:
portraits of 32 pixels, three quarters of a minute each, the half of it for the autoencoder; three
sets of portraits, for which networks begin alike.
--store keeps the figures in data/results.
"""

import argparse
import time

from genimg_lib import data, metrics, results
from genimg_lib.data import portraits
from genimg_lib.recipes import flow, latent_flow
from genimg_lib.training import start

IMAGES = 20_000
RATES, SETS, MINUTES = (0.0, 1e-3, 1e-1), (0, 1, 2), 0.75
KEPT = ("fd", "fd_floor", "precision", "recall")


class Judge:
    """Figures of images of a size that were told the factors of unseen ones."""

    def __init__(self, size, n):
        self.evaluator = metrics.Evaluator("portraits", size=size)
        self.unseen = data.load("portraits", "test", n=n, size=size, seed=3)
        self.c = portraits.one_hot(self.unseen.factors)
        self.asked = flow.asked_of(self.unseen, "portraits")

    def __call__(self, draw):
        """draw: (conditions) -> images."""
        began = time.perf_counter()
        images = draw(self.c)
        milliseconds = 1_000 * (time.perf_counter() - began) / len(images)
        report = self.evaluator.report(images)
        right = metrics.agreement(self.evaluator.read(images), self.asked)
        found = {key: report[key] for key in KEPT}
        return found | {"accuracy": sum(right.values()) / len(right), "ms": milliseconds}

    def rebuilt(self, net):
        """Of unseen images by a `vae.GridVAE`."""
        images = latent_flow.rebuilt(net, self.unseen.images)
        psnr = metrics.psnr(images, data.to_float(self.unseen.images)).mean().item()
        return {"rebuilt_fd": self.evaluator.fd(images), "rebuilt_psnr": psnr}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="of training, for each")
    parser.add_argument("--images", type=int, default=2_000, help="to judge each by")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_latent_flow", precision="auto", minutes=args.minutes)
    found = {}

    def keep(name, figures):
        found.update({f"{name}_{key}": value for key, value in figures.items()})
        print(name, {key: round(value, 3) for key, value in figures.items()}, flush=True)

    in_pixels_and_latents(run, args.minutes, Judge(64, args.images), keep)
    by_rate(run, Judge(32, 1_000), keep)
    run.report(**found)
    if args.store:
        minutes = sum(run.minutes_trained.values())
        results.keep_benchmark(run, "bench_latent_flow", "benchmarks/latent_flow.py", minutes)


def in_pixels_and_latents(run, minutes, judge, keep):
    """The three of 64 pixels."""
    train = data.load("portraits", n=IMAGES, size=64)
    c = portraits.one_hot(train.factors)
    net, _ = latent_flow.fit(run, train.images, minutes, latent_flow.SETTINGS, c)
    figures = judge(lambda told: latent_flow.draw(net, len(told), c=told))
    keep("latent", figures | judge.rebuilt(net.images))
    of_flow = {key: latent_flow.SETTINGS[f"flow_{key}"] for key in ("batch", "shift")}
    for patch, width in ((4, 40), (8, 64)):
        settings = flow.SETTINGS | of_flow | {"patch": patch, "width": width}
        label = f"pixels_{patch}"
        in_pixels = flow.fit(run, train.images, minutes, settings, c, label)
        keep(label, judge(lambda told, net=in_pixels: flow.draw(net, len(told), c=told)))


def by_rate(run, judge, keep):
    """Weights of the rate, for three sets of portraits each."""
    for k in SETS:
        train = data.load("portraits", n=10_000, seed=k)
        c = portraits.one_hot(train.factors)
        for weight in RATES:
            settings = latent_flow.SETTINGS | {"rate": weight, "share": 0.5}
            label = f"{weight:g}_{k}_"
            net, _ = latent_flow.fit(run, train.images, MINUTES, settings, c, label)
            figures = judge(lambda told, net=net: latent_flow.draw(net, len(told), c=told))
            figures |= judge.rebuilt(net.images) | {"scale": net.std.mean().item()}
            keep(f"rate_{weight:g}_{k}", figures)


if __name__ == "__main__":
    main()
