"""Flows: a PatchUNet learns to say what a noisy image was, told what it shows or not."""

import torch

from genimg_lib import data, flow
from genimg_lib.data import portraits
from genimg_lib.metrics import Evaluator
from genimg_lib.recipes import Trained
from genimg_lib.training import Muon, others

NETWORK = {"patch": 2, "width": 40, "fine": 8}
BATCH, LR_MUON, LR_ADAM, FLOOR = 64, 5e-3, 2e-3, 0.1
LEFT_OUT = 0.1  # the share of images of which a conditional flow is told nothing
CALLS, JUDGED = 10, 5_000


def train(run, minutes, name="fashion_mnist", conditional=False, images=60_000, **network):
    """A flow for the images of a data set; its average is what is stored.

    images: how many to train on. conditional: told the factors of portraits or the class.
    network: of PatchUNet, in the place of NETWORK.
    """
    train_set = data.load(name, n=images)
    c = conditions_of(train_set, name) if conditional else None
    shape = shape_of(train_set, c) | network
    net = fit(run, train_set.images, minutes, shape, c)
    facts = {
        "data": f"{name}, {len(train_set.images):,} images",
        "batch": BATCH,
        "network": shape,
        "sampler": f"DPM-Solver++ multistep, {CALLS} calls",
    }
    return Trained(net, facts, lambda net: measure(net, name, conditional))


def shape_of(images, c=None):
    """The arguments of the PatchUNet for a set of images."""
    channels, size = images.images.shape[1:3]
    told = 0 if c is None else c.shape[1]
    return NETWORK | {"channels": channels, "size": size, "conditions": told}


def fit(run, images, minutes, shape, c=None, label="flow"):
    """Train for the minutes; returns the average of the weights. c: conditions, or None."""
    net = flow.PatchUNet(**shape).to(run.device)
    muon = Muon(net, LR_MUON)
    adam = torch.optim.AdamW(others(net), LR_ADAM, betas=(0.9, 0.99), fused=True)
    batches = run.batches(images if c is None else (images, c), BATCH)
    for batch in run.train(
        batches, minutes=minutes, ema="net", label=label, net=net, muon=muon, adam=adam
    ):
        run.anneal(muon, adam, warmup=100)
        x, told = (batch, None) if c is None else (batch[0], left_out(batch[1]))
        eps, t = torch.randn_like(x), flow.random_times(len(x), x.device)
        with run.autocast():
            loss = flow.matching_loss(net, x, eps, t, FLOOR, told)
        muon.zero_grad()
        adam.zero_grad()
        loss.backward()
        muon.step()
        adam.step()
        run.log(loss=loss)
    return run.ema["net"]


def left_out(c):
    """Conditions, of which a share is 0."""
    kept = torch.rand(len(c), 1, device=c.device) >= LEFT_OUT
    return c * kept


def conditions_of(images, name):
    """What a conditional flow is told: the factors of portraits, one-hot, or the class."""
    if name == "portraits":
        return portraits.one_hot(images.factors)
    return torch.nn.functional.one_hot(images.labels, 10).float()


@torch.no_grad()
def draw(net, n, calls=CALLS, seed=1, c=None):
    """n images, on the CPU. c: conditions [n, K], or None."""
    device = next(net.parameters()).device
    noise = torch.randn(n, net.channels, net.size, net.size, generator=_seeded(seed))
    told = [None] * len(noise.split(250)) if c is None else c.to(device).split(250)
    parts = zip(noise.to(device).split(250), told, strict=True)
    return torch.cat([flow.sample(net, eps, calls, given).cpu() for eps, given in parts])


def measure(net, name, conditional=False, n=JUDGED, calls=CALLS):
    """The evaluator's figures for n images, drawn with the conditions of unseen ones."""
    c = None
    if conditional:
        c = conditions_of(data.load(name, "test", n=n, seed=3), name)
    return Evaluator(name).report(draw(net, n, calls, c=c))


def _seeded(seed):
    return torch.Generator().manual_seed(seed)
