"""Flows at equal minutes: ours in every way of sampling, our GAN, a peer's diffusion.

    genimg bench flow [--data fashion_mnist] [--minutes 5] [--images 10000] [--store]

ours: the recipe of genimg_lib/recipes/flow.py, told groups of look-alikes, for the minutes (k-means
included); then drawn by several solvers at equal calls of the network: multistep (DPM-Solver++ 2M),
ddim and heun at the same times, multistep and ddim at even ones; Heun's method needs one call less.
ours_minute: the same for a minute. alone: the same recipe for the minutes, told nothing. one_step:
"ours" made into a generator of one call (genimg_lib/recipes/one_step.py) in as many minutes again.
gan: the plain hinge recipe of genimg_lib/recipes/gan.py, for the minutes. diffusers, where that
library is installed: the UNet2DModel of Hugging Face's diffusion course (unit 1: 32, 64 and 64
channels, attention on the two coarser maps), which learns the noise of DDPM with batches of 128 and
Adam at 1e-3, for the minutes, and is drawn by DPM-Solver++ in 20 calls.
copies: the share of images that are nearer to a training image than 99 of 100 unseen images are;
0.01 is what unseen images have. ms: milliseconds an image, in batches of 250.
--store keeps the figures in data/results.
"""

import argparse
import importlib.util
import time
from functools import partial

import torch

from genimg_lib import data, flow, layers, metrics, results
from genimg_lib.recipes import flow as recipe
from genimg_lib.recipes import gan as gan_recipe
from genimg_lib.recipes import one_step
from genimg_lib.training import start

GROUPS = 20
KEPT = ("fd", "fd_floor", "precision", "recall")
AT_ONCE = 250


def by(solver, times):
    """A draw: (network, noise, calls) -> images."""
    return lambda net, eps, calls: flow.last(solver(flow.denoiser(net), eps, times(calls)))


SOLVERS = {
    "multistep": by(flow.multistep, flow.times),
    "ddim": by(flow.ddim, flow.times),
    "heun": by(flow.karras_heun, lambda calls: flow.times(calls // 2)),
    "even_multistep": by(flow.multistep, flow.even_times),
    "even_ddim": by(flow.ddim, flow.even_times),
}
WAYS = [(way, calls) for way in SOLVERS for calls in (6, 10)]
WAYS += [("multistep", 24), ("heun", 24)]


@torch.no_grad()
def drawn(run, draw, shape, n, c=None):
    """(n images on the CPU, milliseconds an image). draw: (noise, conditions or None) -> images."""
    noise = torch.randn(n, *shape, generator=torch.Generator().manual_seed(1))
    parts = [(eps, None) for eps in noise.split(AT_ONCE)]
    if c is not None:
        parts = layers.parts(noise, c, size=AT_ONCE)
    began = time.perf_counter()
    with run.autocast():
        images = [
            draw(eps.to(run.device), None if c is None else c.to(run.device)).float().cpu()
            for eps, c in parts
        ]
    milliseconds = 1_000 * (time.perf_counter() - began) / n
    return torch.cat(images).clamp(-1, 1), milliseconds


def nearest(images, train):
    """The distance of each image to the nearest training image: [N]."""
    points = data.to_float(train).flatten(1)
    parts = images.flatten(1).split(500)
    return torch.cat([torch.cdist(part, points).min(dim=1).values for part in parts])


class Judge:
    """Figures of images: those of the evaluator, and the share of copies."""

    def __init__(self, name, train, n):
        self.evaluator, self.train = metrics.Evaluator(name), train[:20_000]
        unseen = data.to_float(data.load(name, "test", n=2_000).images)
        self.near = nearest(unseen, self.train).quantile(0.01)
        self.n = n

    def __call__(self, images, milliseconds):
        report = self.evaluator.report(images)
        found = {key: report[key] for key in KEPT}
        copies = (nearest(images[:2_000], self.train) < self.near).double().mean().item()
        return found | {"copies": copies, "ms": milliseconds}


def by_diffusers(run, images, minutes):
    """A draw by a UNet2DModel of diffusers, trained for the minutes on 32x32."""
    from diffusers import DDPMScheduler, DPMSolverMultistepScheduler, UNet2DModel

    torch.manual_seed(run.seed)
    channels, size = images.shape[1], images.shape[2]
    net = UNet2DModel(
        sample_size=size,
        in_channels=channels,
        out_channels=channels,
        layers_per_block=2,
        block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    ).to(run.device)
    noising = DDPMScheduler(num_train_timesteps=1_000, clip_sample=False)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for x in run.train(
        run.batches(images, 128), minutes=minutes, label="diffusers", net=net, opt=opt
    ):
        eps = torch.randn_like(x)
        t = torch.randint(1_000, (len(x),), device=x.device)
        with run.autocast():
            guess = net(noising.add_noise(x, eps, t), t).sample
        loss = (guess.float() - eps).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    net.eval()
    solver = DPMSolverMultistepScheduler.from_config(noising.config)

    def draw(x, _):
        solver.set_timesteps(20)
        for t in solver.timesteps:
            x = solver.step(net(x, t).sample.float(), t, x).prev_sample
        return x

    return draw


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion_mnist", help="fashion_mnist or portraits")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training, for each")
    parser.add_argument("--images", type=int, default=10_000, help="to judge each by")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start(f"bench_flow_{args.data}", precision="auto", minutes=args.minutes)
    train = data.load(args.data, n=60_000)
    began = time.perf_counter()
    groups = recipe.grouped(train.images, GROUPS, run.seed)
    grouping = (time.perf_counter() - began) / 60  # of the minutes of those who are told
    shares, generator = groups.mean(dim=0), torch.Generator().manual_seed(2)
    pixels = tuple(train.images.shape[1:])
    judge, found = Judge(args.data, train.images, args.images), {}

    def keep(name, images, milliseconds):
        measured = judge(images, milliseconds)
        found.update({f"{name}_{key}": value for key, value in measured.items()})
        print(name, {key: round(value, 3) for key, value in measured.items()}, flush=True)

    def told_groups():
        return flow.drawn_groups(shares, args.images, generator)

    trainings = {
        "ours": (args.minutes - grouping, groups),
        "ours_minute": (1.0 - grouping, groups),
        "alone": (args.minutes, None),
    }
    nets = {}
    for name, (minutes, c) in trainings.items():
        net = nets[name] = recipe.fit(run, train.images, minutes, recipe.SETTINGS, c, label=name)
        c = None if c is None else told_groups()
        for way, calls in WAYS if name == "ours" else (("multistep", 10),):

            def draw(eps, c, net=net, way=way, calls=calls):
                return SOLVERS[way](flow.told(net, c), eps, calls)

            keep(f"{name}_{way}_{calls}", *drawn(run, draw, pixels, args.images, c))
    once = one_step.distil(run, nets["ours"], train.images, args.minutes, shares.tolist())
    keep("one_step", *drawn(run, partial(flow.once, once), pixels, args.images, told_groups()))
    G = gan_recipe.train(run, train.images, args.minutes, kind="hinge", auxiliary=0.0, label="gan")
    began = time.perf_counter()
    images = gan_recipe.sample(G, args.images)
    keep("gan", images, 1_000 * (time.perf_counter() - began) / args.images)
    if importlib.util.find_spec("diffusers"):
        draw = by_diffusers(run, train.images, args.minutes)
        keep("diffusers", *drawn(run, draw, pixels, args.images))
    run.report(**found)
    if args.store:
        minutes = sum(run.minutes_trained.values())
        title = f"benchmarks/flow.py, {args.data}"
        results.keep_benchmark(run, f"bench_flow_{args.data}", title, minutes)


if __name__ == "__main__":
    main()
