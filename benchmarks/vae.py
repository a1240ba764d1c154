"""VAEs of portraits at equal minutes: notebook 31's linear networks and convolutions.

    genimg bench vae [--minutes 5] [--store]

Both learn from the same 30,000 portraits of 32x32 on the same clock, and share nothing else:
linear: 32 latents, sigma 0.5, batch 128, Adam on a cosine, averages with decay 0.999. By
convolutions: 32 latents, sigma 0.4, batch 64, AdamW with a warm-up of the KL and clipped gradients,
rates that fall in the second half, decay 0.995. One seed: a trial of two recipes, no ranking.
Judged are 5,000 samples and reconstructions of 5,000 unseen images. --store keeps the figures in
data/results.
"""

import argparse
import math

import torch
import torch.nn as nn

from genimg_lib import data, results, vae
from genimg_lib.recipes import vae as recipe
from genimg_lib.training import start

IMAGES = 30_000


class Linear(nn.Module):
    """A network of notebook 31 that knows how many latents it has."""

    def __init__(self, net, latent):
        super().__init__()
        self.net, self.latent = net, latent

    def forward(self, x):
        return self.net(x)


def linear(run, train, minutes):
    """Encoder and decoder of notebook 31 after its training: averages of the weights."""
    torch.manual_seed(run.seed)
    shape, pixels = tuple(train.images.shape[1:]), train.images[0].numel()
    encoder = vae.Encoder(pixels, 32, (512, 512))
    decoder = vae.GaussianDecoder(shape, 32, (512, 512), sigma=0.5)
    model = nn.ModuleList([Linear(encoder, 32), Linear(decoder, 32)]).to(run.device)
    opt = torch.optim.Adam(model.parameters(), 2e-3, fused=True)
    books = {"label": "linear", "ema": "model", "model": model, "opt": opt}
    for x in run.train(run.batches(train, 128), minutes=minutes, **books):
        opt.param_groups[0]["lr"] = 1e-3 * (1 + math.cos(math.pi * run.progress))
        with run.autocast():
            mean, logvar = model[0](x)
            likelihood = model[1](vae.reparameterize(mean, logvar))
        loss = (vae.gaussian_kl(mean, logvar) - likelihood.log_prob(x)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    return run.ema["model"]


def convolutional(run, train, minutes):
    """Encoder and decoder by convolutions after their recipe."""
    encoder, decoder = recipe.networks(run, train, recipe.SETTINGS)
    recipe.fit(run, train, encoder, decoder, minutes, recipe.SETTINGS)
    return run.ema["model"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_vae", precision="auto", minutes=args.minutes)
    train, found = data.load("portraits", n=IMAGES), {}
    for name, trained in (("linear", linear), ("convolutional", convolutional)):
        encoder, decoder = trained(run, train, args.minutes)
        steps = run.history["step"][-1] + 1
        measured = recipe.measure(decoder, encoder, "portraits")
        found |= {f"{name}_steps": steps}
        found |= {f"{name}_{key}": value for key, value in measured.items()}
    found["fd_ratio"] = found["convolutional_fd"] / found["linear_fd"]
    kinds = "convolutional", "linear"
    one, other = (found[f"{kind}_fd_reconstructions"] for kind in kinds)
    found["fd_reconstructions_ratio"] = one / other
    run.report(**found)
    if args.store:
        results.keep_benchmark(run, "bench_vae", "benchmarks/vae.py", 2 * args.minutes)


if __name__ == "__main__":
    main()
