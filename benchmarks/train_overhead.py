"""What `run.train` costs over a bare loop, both in one run, taking turns.

For the VAE of notebook 31 (portraits, batch 128).

    genimg bench train_overhead [--steps 150] [--rounds 5]
"""

import argparse
import os
import statistics
import tempfile
import time

import torch

from genimg_lib import data, vae
from genimg_lib.training import start


def model():
    torch.manual_seed(0)
    encoder, decoder = (
        vae.Encoder(3072, 32, (512, 512)),
        vae.GaussianDecoder((3, 32, 32), 32, (512, 512)),
    )
    return (
        encoder,
        decoder,
        torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3),
    )


def step(x, encoder, decoder, opt):
    mean, logvar = encoder(x)
    log_likelihood, kl = (
        decoder(vae.reparameterize(mean, logvar)).log_prob(x).mean(),
        vae.gaussian_kl(mean, logvar).mean(),
    )
    loss = -(log_likelihood - kl)
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss, kl


def bare(images, steps):
    """The same data and step without any bookkeeping: a float tensor, nothing logged."""
    encoder, decoder, opt = model()
    began = time.perf_counter()
    for _ in range(steps):
        step(data.to_float(images[torch.randint(len(images), (128,))]), encoder, decoder, opt)
    return time.perf_counter() - began


def kept(run, images, steps):
    """With batches, progress line, log of three metrics and a checkpoint a minute.

    As in the notebook; ema is the notebook's choice and costs extra.
    """
    encoder, decoder, opt = model()
    batches = run.batches(images, 128)
    began = time.perf_counter()
    for x in run.train(batches, steps, encoder=encoder, decoder=decoder, opt=opt):
        loss, kl = step(x, encoder, decoder, opt)
        run.log(elbo=-loss, kl=kl, sigma=decoder.log_sigma.exp())
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    os.environ.setdefault("GENIMG_OUT", tempfile.mkdtemp())
    run, images = start("overhead"), data.load("portraits").images
    bare(images, 20)
    pairs = [(bare(images, args.steps), kept(run, images, args.steps)) for _ in range(args.rounds)]
    ratios = [b / a for a, b in pairs]
    for a, b in pairs:
        print(f"bare {a:.2f} s   run.train {b:.2f} s   ratio {b / a:.3f}")
    print(
        f"median ratio {statistics.median(ratios):.3f} over {args.rounds} rounds of {args.steps}"
        f" steps, {torch.get_num_threads()} threads, seed 0"
    )


if __name__ == "__main__":
    main()
