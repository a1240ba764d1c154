"""The published number of notebook 31: a VAE on dynamically binarised MNIST.

86.76 nats in table 1 of Burda et al. 2015 (arXiv:1509.00519).

    genimg bench published_vae [--minutes 5] [--images 1000] [--store]

One stochastic layer of 50, two deterministic layers of 200 tanh units each way, as there. Training
stops when the minutes are over (so, unlike all else in the course, the result depends on how fast
the machine is); the learning rates follow the clock. The KL is taken at the sample, its gradient
through z alone: right on average, and without noise where q is exact (Roeder et al. 2017,
arXiv:1703.09194). --store keeps the figures in data/results.
"""

import argparse
import json
import math

import torch
from torch import nn

from genimg_lib import data, vae
from genimg_lib.files import write_atomically
from genimg_lib.training import peak_memory, start


def rate(progress, step):
    """The share of the learning rates that is in force: a short rise, then a straight line to 0."""
    return min(1, (step + 1) / 200) * (1 - progress)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("burda_2015", batch=(100, 100, 500), minutes=args.minutes)

    brightness = data.load("mnist").images.flatten(1).float().to(run.device) / 255  # [60000, 784]
    encoder = vae.Encoder(784, 50, (200, 200), nn.Tanh).to(run.device)
    decoder = vae.BernoulliDecoder((784,), 50, (200, 200), nn.Tanh).to(run.device)
    with torch.no_grad():
        decoder.net[-1].bias.copy_(torch.logit(brightness.mean(dim=0).clamp(1e-3, 1 - 1e-3)))
    first, *middle, last = (
        m for m in [*encoder.modules(), *decoder.modules()] if isinstance(m, nn.Linear)
    )
    parts = (
        (first.parameters(), 1.5e-3),
        ([p for m in middle for p in m.parameters()], 3e-3),
        (last.parameters(), 9e-3),
    )
    opt = torch.optim.Adam(
        [{"params": p, "lr": lr, "initial_lr": lr} for p, lr in parts],
        betas=(0.9, 0.99),
        fused=True,
    )
    batches, average = run.batches((brightness,), run.batch), brightness.mean(dim=0)  # [784]

    def centred(x):
        """q(z|x); inputs around 0 are easier on the first layer."""
        return encoder(x - average)

    for step, (p,) in enumerate(
        run.train(batches, minutes=args.minutes, encoder=encoder, decoder=decoder, opt=opt)
    ):
        for group in opt.param_groups:
            group["lr"] = group["initial_lr"] * rate(run.progress, step)
        x = torch.bernoulli(p)
        mean, logvar = centred(x)
        # the KL's full weight comes after a quarter of the time: fewer coordinates give up early
        beta = min(1.0, 0.1 + 4 * run.progress)
        z = vae.reparameterize(mean, logvar)
        cost = vae.gaussian_log_prob(z, mean.detach(), logvar.detach()) - vae.gaussian_log_prob(
            z, torch.zeros_like(z), torch.zeros_like(z)
        )
        loss = (beta * cost - decoder(z).log_prob(x)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 50 == 0:
            run.log(nll_bound=loss)

    digits = (
        data.load("mnist", "test", n=args.images, seed=run.seed).images.flatten(1).float() / 255
    )
    torch.manual_seed(run.seed)
    x = torch.bernoulli(digits).to(run.device)
    with torch.no_grad():
        bound = -vae.elbo(x, centred, decoder).mean().item()
    nll = torch.cat(
        [-vae.importance_log_likelihood(part, centred, decoder, 5_000) for part in x.split(100)]
    )
    run.report(
        mnist_nll=nll.mean(),
        mnist_nll_standard_error=nll.std().item() / math.sqrt(len(nll)),
        mnist_elbo_bound=bound,
        mnist_test_images=len(nll),
        mnist_k=5_000,
        mnist_steps=step + 1,
    )
    if args.store:
        result = json.loads((run.folder / "results.json").read_text()) | {
            "notebook_seconds": round(60 * args.minutes),
            "notebook_memory_mib": peak_memory(),
        }
        write_atomically(
            data.shipped() / "results" / f"burda_2015.{run.profile}.json",
            (json.dumps(result, indent=2) + "\n").encode(),
        )


if __name__ == "__main__":
    main()
