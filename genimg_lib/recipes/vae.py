"""A convolutional VAE of portraits, told nothing or all that a caption says."""

import torch
import torch.nn as nn

from genimg_lib import data, layers, metrics, vae
from genimg_lib.data import portraits
from genimg_lib.errors import unknown
from genimg_lib.recipes import Trained, unmeasured
from genimg_lib.recipes.sharpen import sharpen

JUDGED = 5_000  # images
SETTINGS = {
    "latent": 32,
    "width": 48,
    "patch": 4,
    "sigma": 0.4,
    "fine": 0,
    "lr": 2e-3,
    "batch": 64,
    "warm_up": 0.1,
    "ema_decay": 0.995,
    "adversary": 0.0,  # the weight of a discriminator that the decoder is finished with
    "finish": 0.3,  # of the minutes, for that
}
NETWORK = ("latent", "width", "patch", "sigma", "fine")


def train(run, minutes, told=True, images=30_000, size=32, **changes):
    """A `vae.ConvVAE` of portraits.

    told: is it told the factors of a caption, with a prior that moves with them?
    images: to learn from. size: pixels. changes: of SETTINGS.
    Raises ValueError for an unknown change, before anything is drawn.
    """
    for entry in changes:
        if entry not in SETTINGS:
            raise unknown("setting of the VAE", entry, SETTINGS)
    settings = SETTINGS | changes
    train = data.load("portraits", n=images, size=size)
    c = portraits.one_hot(train.factors) if told else None
    network = {"size": size, "conditions": c.shape[1] if told else 0}
    network |= {key: settings[key] for key in NETWORK}
    torch.manual_seed(run.seed)
    net = vae.ConvVAE(**network).to(run.device)
    last = minutes * settings["finish"] if settings["adversary"] else 0.0
    net = fit(run, train.images, net, minutes - last, settings, c)
    if last:
        both = (train.images,) if c is None else (train.images, c)
        net = sharpen(run, net, rebuild, both, settings["adversary"], momentum=0.5, minutes=last)
    facts = {
        "data": f"portraits, {images:,} at {size}x{size}",
        "changes": changes,
        "network": network,
        "batch": settings["batch"],
    }
    return Trained(net, facts, measure if size == 32 else unmeasured)


def rebuild(net, x, *c):
    """What the decoder makes of one z an image; the encoder is left alone."""
    with torch.no_grad():
        z = vae.reparameterize(*net.encoder(x, *c))
    return net.decoder(z, *c).mean


def fit(run, images, net, minutes, settings, c=None, label="train"):
    """Train a `vae.ConvVAE` by the ELBO; gives the averages of its weights, in eval mode.

    images: uint8 [N, C, H, W]. c: their conditions [N, K] or None.
    The KL's weight rises over the first part, the learning rate falls in the second half.
    """
    opt = torch.optim.AdamW(net.parameters(), settings["lr"], betas=(0.9, 0.99), fused=True)
    batches = run.batches((images,) if c is None else (images, c), settings["batch"])
    books = {"ema": "net", "ema_decay": settings["ema_decay"], "net": net, "opt": opt}
    for batch in run.train(batches, minutes=minutes, label=label, **books):
        run.anneal(opt, warmup=100)
        with run.autocast():
            rate, distortion = net(*batch)
        loss = (distortion + vae.warm_up(run.progress, settings["warm_up"]) * rate).mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1e4)
        opt.step()
        run.log(rate=rate.mean(), distortion=distortion.mean())
    return run.ema["net"].eval()


@torch.no_grad()
def measure(net):
    """The evaluator's figures of samples and of reconstructions, rate, accuracy if it is told."""
    evaluator, net = metrics.Evaluator("portraits"), net.cpu()
    test = data.load("portraits", "test", n=JUDGED, seed=3)
    images, told = data.to_float(test.images), ()
    if net.encoder.conditions:
        told = (portraits.one_hot(test.factors),)
    g = torch.Generator().manual_seed(1)
    eps = torch.randn(JUDGED, net.decoder.latent, generator=g)
    made = torch.cat([net.sample(*part) for part in layers.parts(eps, *told)])
    rebuilt, rates = [], []
    for x, *c in layers.parts(images, *told):
        mean, logvar = net.encoder(x, *c)
        rebuilt.append(net.decoder(mean, *c).mean)
        prior = None if net.prior is None else net.prior(*c)
        rates.append(vae.gaussian_kl(mean, logvar, prior))
    rebuilt = torch.cat(rebuilt)
    found = evaluator.report(made) | {"fd_reconstructions": evaluator.fd(rebuilt)}
    found |= {"psnr": metrics.psnr(rebuilt, images).mean().item()}
    found |= {"rate": torch.cat(rates).mean().item()}
    if told:
        known = {name: test.factors[name] for name in portraits.CATEGORICAL}
        right = metrics.agreement(evaluator.read(made), known)
        found |= {f"accuracy_{name}": share for name, share in right.items()}
    return found
