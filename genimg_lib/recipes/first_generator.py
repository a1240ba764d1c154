"""Notebook 00's network, for longer, on more portraits, with more weight on late times.

The notebook trains it for under a minute with another learning rate, another average and times
shifted towards the noise.
"""

import torch

from genimg_lib import data, flow, layers
from genimg_lib.metrics import Evaluator
from genimg_lib.pretrained import FIRST_GENERATOR
from genimg_lib.recipes import Trained

BATCH, IMAGES, LR = 64, 30_000, 2e-3


def train(run, minutes):
    """A PatchUNet trained by flow matching; its average is what is stored."""
    net = flow.PatchUNet(**FIRST_GENERATOR).to(run.device)
    opt = torch.optim.AdamW(net.parameters(), lr=LR, betas=(0.9, 0.99), fused=True)
    batches = run.batches(data.load("portraits", n=IMAGES), BATCH)
    for x in run.train(batches, minutes=minutes, ema="net", net=net, opt=opt):
        run.anneal(opt, warmup=100)
        eps, t = torch.randn_like(x), flow.random_times(len(x), x.device)
        with run.autocast():
            loss = flow.matching_loss(net, x, eps, t)
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    facts = {"data": f"portraits, {IMAGES:,} at 32x32", "batch": BATCH, "sampler": "Heun, 24 steps"}
    return Trained(run.ema["net"], facts, measure)


def measure(net, n=2_000):
    """The evaluator's figures for n images."""
    g = torch.Generator().manual_seed(1)
    noise = torch.randn(n, 3, 32, 32, generator=g)
    images = layers.in_batches(_Sampler(net), noise)
    return Evaluator("portraits").report(images)


class _Sampler(torch.nn.Module):
    """Noise to images."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, eps):
        return flow.sample(self.net, eps)
