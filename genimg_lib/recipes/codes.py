"""Notebook 33's autoencoder and priors, for longer; a discriminator finishes the decoder."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, layers, metrics
from genimg_lib.data import portraits
from genimg_lib.data.sources import SOURCES
from genimg_lib.errors import unknown
from genimg_lib.prior import CausalPrior
from genimg_lib.recipes import Trained
from genimg_lib.recipes.sharpen import sharpen
from genimg_lib.token_model import PRIORS, TokenModel
from genimg_lib.vae import codes

JUDGED = 5_000  # images
SETTINGS = {
    "levels": (7, 5, 5, 5),
    "width": 64,
    "depth": 2,
    "patch": 4,
    "lr": 2e-3,
    "batch": 64,
    "ema_decay": 0.995,
    "prior_width": 128,
    "prior_depth": 4,
    "prior_lr": 2e-3,
    "prior_batch": 64,
    "share": 0.25,  # of the minutes, for the autoencoder
    "finish": 0.15,  # of the minutes, for its decoder and a discriminator
    "adversary": 0.02,  # the weight of that discriminator, beside the mean squared error
}
NETWORK = ("levels", "width", "depth", "patch", "prior_width", "prior_depth")


def train(run, minutes, name="portraits", kinds=tuple(PRIORS), images=60_000, **changes):
    """A `TokenModel` of a data set: its autoencoder, its decoder again, its priors.

    The priors have the rest of the minutes, equally long each.

    name: "portraits" or "fashion_mnist". kinds: of priors. images: to learn from, where as many
    as one likes can be drawn. changes: of SETTINGS.
    Raises ValueError for an unknown change, before anything is drawn.
    """
    for entry in changes:
        if entry not in SETTINGS:
            raise unknown("setting of the codes", entry, SETTINGS)
    if name not in metrics.SPECS:
        raise unknown("data set with an evaluator", name, metrics.SPECS)
    settings = SETTINGS | changes
    train = data.load(name, n=images if SOURCES[name].draws_n else None)
    c = conditions_of(train)
    channels, size = train.images.shape[1:3]
    network = {"channels": channels, "size": size, "conditions": c.shape[1], "kinds": list(kinds)}
    network |= {key: settings[key] for key in NETWORK}
    torch.manual_seed(run.seed)
    net = TokenModel(**network).to(run.device)
    first, second = minutes * settings["share"], minutes * settings["finish"]
    net.images = fit_images(run, train.images, net.images, first, settings)
    steps = {"images": _steps(run)}
    tokens = tokens_of(net.images, train.images, run.device)
    if second:
        # encoder and codes stay as they are, so the tokens do
        both = train.images, tokens
        net.images = sharpen(run, net.images, _rebuild, both, settings["adversary"], minutes=second)
        steps["finish"] = _steps(run)
    for kind in kinds:
        each = (minutes - first - second) / len(kinds)
        net.priors[kind] = fit_prior(run, tokens, c, net.priors[kind], each, settings, kind)
        steps[kind] = _steps(run)
    facts = {"data": name, "images": len(train), "network": network, "changes": changes}
    facts |= {"steps": steps}
    return Trained(net.eval(), facts, lambda net: measure(net, name))


def _rebuild(net, x, tokens):
    return net.decoder(net.quantizer.decode(tokens))


def _steps(run):
    """Of the training that ended last."""
    return run.history["step"][-1] + 1


def conditions_of(images):
    """What a prior is told of an ImageSet: the factors of portraits, or the class: [N, K]."""
    if images.factors:
        return portraits.one_hot(images.factors)
    return F.one_hot(images.labels, len(images.names)).float()


def fit_images(run, images, net, minutes, settings, label="images"):
    """Train a `vae.CodeAutoencoder` on uint8 images; gives its average, in eval mode."""
    opt = torch.optim.AdamW(net.parameters(), settings["lr"], betas=(0.9, 0.99), fused=True)
    books = {"ema": "net", "ema_decay": settings["ema_decay"], "net": net, "opt": opt}
    batches = run.batches(images, settings["batch"])
    for x in run.train(batches, minutes=minutes, label=label, **books):
        run.anneal(opt, warmup=100)
        with run.autocast():
            x_hat, q = net(x)
        loss = F.mse_loss(x_hat, x) + q.loss
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(error=loss)
    return run.ema["net"].eval()


def loss_of(prior, tokens, c):
    """The prior's loss, in nats per token."""
    if isinstance(prior, CausalPrior):
        return prior.nats(tokens, c).mean() / prior.length
    u = torch.rand(len(tokens), device=tokens.device)
    return prior.loss(tokens, u, torch.rand(tokens.shape, device=tokens.device), c)


def fit_prior(run, tokens, c, prior, minutes, settings, label="prior"):
    """Train a prior on tokens [N, H, W] with conditions [N, K]; gives its average."""
    opt = torch.optim.AdamW(prior.parameters(), settings["prior_lr"], betas=(0.9, 0.98), fused=True)
    books = {"ema": "prior", "ema_decay": settings["ema_decay"], "prior": prior, "opt": opt}
    batches = run.batches((tokens, c), settings["prior_batch"])
    for t, told in run.train(batches, minutes=minutes, label=label, **books):
        run.anneal(opt, warmup=200)
        with run.autocast():
            loss = loss_of(prior, t, told)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        opt.step()
        run.log(nats=loss)
    return run.ema["prior"].eval()


@torch.no_grad()
def tokens_of(net, images, device="cpu"):
    """The tokens of uint8 images, 500 at a time, on the CPU."""
    parts = images.split(500)
    return torch.cat([net.encode(data.to_float(part).to(device)).cpu() for part in parts])


@torch.no_grad()
def measure(net, name):
    """The evaluator's figures of reconstructions and of each prior's samples, usage, bits.

    "fd", "precision", ... are those of the first prior.
    """
    evaluator, net = metrics.Evaluator(name), net.cpu()
    test = data.load(name, "test", n=JUDGED, seed=3)
    found, c = measure_images(net.images, test, evaluator), conditions_of(test)
    for kind, prior in net.priors.items():
        g = torch.Generator().manual_seed(1)
        made = torch.cat([net.sample(len(part), g, part, kind) for part in c.split(250)])
        report = evaluator.report(made)
        found |= {f"{key}_{kind}": report[key] for key in ("fd", "precision", "recall")}
        found = report | found  # the first report stays
        if kind == "causal":
            tokens = tokens_of(net.images, test.images)
            nats = torch.cat([prior.nats(*part) for part in layers.parts(tokens, c)])
            found["bits"] = nats.mean().item() / math.log(2)
    return found


@torch.no_grad()
def measure_images(net, test, evaluator):
    """Distance and PSNR of what a `vae.CodeAutoencoder` rebuilds of an ImageSet, and its usage."""
    tokens = tokens_of(net, test.images)
    rebuilt = torch.cat([net.decode(part) for part in tokens.split(250)])
    usage = codes.usage(tokens, net.quantizer.codes)
    psnr = metrics.psnr(rebuilt, data.to_float(test.images)).mean().item()
    found = {"fd_reconstructions": evaluator.fd(rebuilt), "psnr": psnr}
    return found | {"used": usage.used, "perplexity": usage.perplexity}
