"""Published numbers: VAE and importance-weighted autoencoders on binarised MNIST.

Burda et al. 2015 (arXiv:1509.00519), table 1, one stochastic layer: VAE 86.76 nats (86.35 with 50
samples a step), IWAE with 5 samples 85.54, with 50 84.78.

    genimg bench published_vae [--minutes 5] [--images 1000] [--store]

One stochastic layer of 50, two deterministic layers of 200 tanh units each way, as there. Every row
trains for the same minutes from the same start: the first half by the ELBO, the second by its own
bound. Training stops by the clock (so, unlike all else in the course, the result depends on how
fast the machine is); the learning rates follow it. All rows are judged by 5,000 samples on the same
images. Gradients are the doubly reparameterised ones (Tucker et al. 2018, arXiv:1810.04152), which
for one sample are those without the score's noise (Roeder et al. 2017, arXiv:1703.09194).
--store keeps the figures in data/results.
"""

import argparse
import itertools
import math
from typing import NamedTuple

import torch
from torch import nn

from genimg_lib import data, results, vae
from genimg_lib.training import start

ROWS = {"vae": 1, "iwae_5": 5, "iwae_50": 50}  # samples of a step in the second half
LATENT, HIDDEN, K = 50, (200, 200), 5_000


class Model(NamedTuple):
    """An encoder of inputs around 0, a decoder, their optimiser."""

    encoder: nn.Module
    decoder: nn.Module
    opt: torch.optim.Optimizer
    average: torch.Tensor

    def posterior(self, x):
        """Mean and log-variance of q(z|x); inputs around 0 are easier on the first layer."""
        return self.encoder(x - self.average)


def made(run, average):
    """A fresh model: the decoder begins at the average digit, outer layers learn at other rates."""
    torch.manual_seed(run.seed)
    encoder = vae.Encoder(784, LATENT, HIDDEN, nn.Tanh).to(run.device)
    decoder = vae.BernoulliDecoder((784,), LATENT, HIDDEN, nn.Tanh).to(run.device)
    with torch.no_grad():
        decoder.net[-1].bias.copy_(torch.logit(average.clamp(1e-3, 1 - 1e-3)))
    modules = itertools.chain(encoder.modules(), decoder.modules())
    first, *middle, last = (m for m in modules if isinstance(m, nn.Linear))
    inner = [p for m in middle for p in m.parameters()]
    rates = ((first.parameters(), 1.5e-3), (inner, 3e-3), (last.parameters(), 9e-3))
    groups = [{"params": p, "lr": lr, "initial_lr": lr} for p, lr in rates]
    opt = torch.optim.Adam(groups, betas=(0.9, 0.99), fused=True)
    return Model(encoder, decoder, opt, average)


def surrogate(model, x, k, beta):
    """A scalar with the gradient of the bound by k samples; the KL counts beta times.

    With w_i the normalised importance weights: for the decoder sum w_i d log p, for the encoder sum
    w_i² d log(p / q) along z alone.
    """
    mean, logvar = model.posterior(x)
    z = vae.reparameterize(mean, logvar, torch.randn(k, *mean.shape, device=x.device))
    prior = vae.gaussian_log_prob(z, torch.zeros_like(z), torch.zeros_like(z))
    cost = vae.gaussian_log_prob(z, mean.detach(), logvar.detach()) - prior  # [k, N]
    log_p = model.decoder(z.flatten(0, 1)).log_prob(x.repeat(k, 1)).view(k, len(x))
    log_w = log_p - beta * cost
    weights = torch.softmax(log_w.detach(), dim=0)
    z.register_hook(lambda gradient: gradient * weights[..., None])
    return -(weights * log_w).sum(dim=0).mean()


def rate(progress, step):
    """The share of the learning rates that is in force: a short rise, then a straight line to 0."""
    return min(1, (step + 1) / 200) * (1 - progress)


def train(run, model, brightness, minutes, label, k):
    """Train a model by the clock; returns the steps taken."""
    batches = run.batches((brightness,), run.batch)
    parts = {"encoder": model.encoder, "decoder": model.decoder, "opt": model.opt}
    for step, (p,) in enumerate(run.train(batches, minutes=minutes, label=label, **parts)):
        for group in model.opt.param_groups:
            group["lr"] = group["initial_lr"] * rate(run.progress, step)
        # the KL's full weight comes after a quarter of the time: fewer coordinates give up early
        beta = min(1.0, 0.1 + 4 * run.progress)
        loss = surrogate(model, torch.bernoulli(p), k if run.progress >= 0.5 else 1, beta)
        model.opt.zero_grad()
        loss.backward()
        model.opt.step()
        if step % 50 == 0:
            run.log(loss=loss)
    return step + 1


@torch.no_grad()
def nats(model, x):
    """-log p(x) by 5,000 samples, in nats per image: [N]."""
    parts = [
        vae.importance_log_likelihood(part, model.posterior, model.decoder, K)
        for part in x.split(100)
    ]
    return -torch.cat(parts)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_published_vae", batch=(100, 100, 500), minutes=args.minutes)
    brightness = data.load("mnist").images.flatten(1).float().to(run.device) / 255  # [60000, 784]
    digits = data.load("mnist", "test", n=args.images, seed=run.seed).images.flatten(1) / 255
    x = torch.bernoulli(digits, generator=torch.Generator().manual_seed(run.seed)).to(run.device)
    found, by_row = {"images": len(x), "k": K}, {}
    for name, k in ROWS.items():
        model = made(run, brightness.mean(dim=0))
        found[f"{name}_steps"] = train(run, model, brightness, args.minutes, name, k)
        with torch.no_grad():
            found[f"{name}_elbo"] = vae.elbo(x, model.posterior, model.decoder).mean().item()
        by_row[name] = nats(model, x)
        found[f"{name}_nll"] = by_row[name].mean().item()
        found[f"{name}_nll_standard_error"] = by_row[name].std().item() / math.sqrt(len(x))
        print(name, {key: value for key, value in found.items() if key.startswith(name)})
    for name in list(ROWS)[1:]:
        gain = by_row["vae"] - by_row[name]
        found[f"{name}_gain"] = gain.mean().item()
        found[f"{name}_gain_standard_error"] = gain.std().item() / math.sqrt(len(x))
    run.report(**found)
    if args.store:
        minutes = len(ROWS) * args.minutes
        results.keep_benchmark(run, "bench_published_vae", "benchmarks/published_vae.py", minutes)


if __name__ == "__main__":
    main()
