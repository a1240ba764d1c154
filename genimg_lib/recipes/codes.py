"""An autoencoder with tokens, and its priors, as notebook 33 trains them, for longer."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, metrics, vae
from genimg_lib.data import portraits
from genimg_lib.data.sources import SOURCES
from genimg_lib.errors import unknown
from genimg_lib.prior import CausalPrior, MaskedPrior
from genimg_lib.recipes import Trained
from genimg_lib.vae import codes

JUDGED = 5_000  # images
KINDS = {"causal": CausalPrior, "masked": MaskedPrior}
SETTINGS = {
    "levels": (7, 5, 5, 5),
    "width": 64,
    "depth": 2,
    "patch": 4,
    "lr": 2e-3,
    "prior_width": 128,
    "prior_depth": 4,
    "prior_lr": 2e-3,
    "batch": 64,
    "share": 0.4,  # of the minutes, for the autoencoder
}
NETWORK = ("levels", "width", "depth", "patch", "prior_width", "prior_depth")


class TokenModel(nn.Module):
    """A `vae.CodeAutoencoder` with FSQ and a prior over its tokens, told a condition or not.

    kind: "causal" or "masked". channels, size: of the images. conditions: numbers of c; 0 for none.
    levels, width, depth, patch: of the autoencoder. prior_width, prior_depth: of the prior.
    """

    def __init__(
        self,
        kind,
        channels,
        size,
        conditions,
        levels=SETTINGS["levels"],
        width=64,
        depth=2,
        patch=4,
        prior_width=128,
        prior_depth=4,
    ):
        super().__init__()
        if kind not in KINDS:
            raise unknown("prior", kind, KINDS)
        self.kind, self.conditions = kind, conditions
        quantizer = codes.FSQ(levels)
        self.images = vae.CodeAutoencoder(quantizer, channels, size, width, patch, depth)
        shape = self.images.shape
        self.prior = KINDS[kind](
            quantizer.codes, shape, prior_width, prior_depth, conditions=conditions
        )

    def sample(self, n, generator, c=None, passes=8):
        """n images [n, C, H, W] in [-1, 1]; c: [n, conditions]; passes: of a masked prior."""
        shape = self.images.shape
        if self.kind == "causal":
            u = torch.rand(n, *shape, generator=generator)
            return self.images.decode(self.prior.sample(u, c))
        u, v = torch.rand(2, passes, n, *shape, generator=generator)
        gumbel = -torch.log(-torch.log(v.clamp(1e-9, 1 - 1e-7)))
        return self.images.decode(self.prior.sample(u, gumbel, c, passes))


def conditions_of(images):
    """What a prior is told of an ImageSet: the factors of portraits, or the class: [N, K]."""
    if images.factors:
        return portraits.one_hot(images.factors)
    return F.one_hot(images.labels, len(images.names)).float()


def fit_images(run, images, net, minutes, settings, label="images"):
    """Train a `vae.CodeAutoencoder` on uint8 images; gives its average, in eval mode."""
    opt = torch.optim.AdamW(net.parameters(), settings["lr"], betas=(0.9, 0.99), fused=True)
    books = {"ema": "net", "ema_decay": 0.995, "net": net, "opt": opt}
    for x in run.train(
        run.batches(images, settings["batch"]), minutes=minutes, label=label, **books
    ):
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
    books = {"ema": "prior", "ema_decay": 0.998, "prior": prior, "opt": opt}
    batches = run.batches((tokens, c), settings["batch"])
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


def train(run, minutes, name="portraits", kind="causal", images=60_000, **changes):
    """A `TokenModel` of a data set.

    name: "portraits" or "fashion_mnist". kind: of the prior. images: to learn from, where as many
    as one likes can be drawn. changes: of SETTINGS.
    Raises ValueError for an unknown change, before anything is drawn.
    """
    for entry in changes:
        if entry not in SETTINGS:
            raise unknown("setting of the codes", entry, SETTINGS)
    settings = SETTINGS | changes
    train = data.load(name, n=images if SOURCES[name].draws_n else None)
    c = conditions_of(train)
    channels, size = train.images.shape[1:3]
    network = {"kind": kind, "channels": channels, "size": size, "conditions": c.shape[1]}
    network |= {key: settings[key] for key in NETWORK}
    torch.manual_seed(run.seed)
    net = TokenModel(**network).to(run.device)
    first = minutes * settings["share"]
    net.images = fit_images(run, train.images, net.images, first, settings)
    tokens = tokens_of(net.images, train.images, run.device)
    net.prior = fit_prior(run, tokens, c, net.prior, minutes - first, settings)
    facts = {"data": name, "images": len(train), "network": network, "changes": changes}
    return Trained(net.eval(), facts, lambda net: measure(net, name))


@torch.no_grad()
def tokens_of(net, images, device="cpu"):
    """The tokens of uint8 images, 500 at a time, on the CPU."""
    parts = images.split(500)
    return torch.cat([net.encode(data.to_float(part).to(device)).cpu() for part in parts])


@torch.no_grad()
def measure(net, name):
    """The evaluator's figures of samples and reconstructions, usage, bits of the prior."""
    evaluator, net = metrics.Evaluator(name), net.cpu()
    test = data.load(name, "test", n=JUDGED, seed=3)
    c, real = conditions_of(test), data.to_float(test.images)
    tokens = tokens_of(net.images, test.images)
    rebuilt = torch.cat([net.images.decode(part) for part in tokens.split(250)])
    g = torch.Generator().manual_seed(1)
    made = torch.cat([net.sample(len(part), g, part) for part in c.split(250)])
    usage = codes.usage(tokens, net.images.quantizer.codes)
    found = evaluator.report(made) | {"fd_reconstructions": evaluator.fd(rebuilt)}
    found |= {"psnr": metrics.psnr(rebuilt, real).mean().item()}
    found |= {"used": usage.used, "perplexity": usage.perplexity}
    if net.kind == "causal":
        nats = torch.cat([net.prior.nats(t, told) for t, told in _parts(tokens, c)])
        found["bits"] = nats.mean().item() / math.log(2)
    return found


def _parts(*tensors, size=250):
    return zip(*(t.split(size) for t in tensors), strict=True)
