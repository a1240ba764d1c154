"""Convolutional VAEs of portraits or Fashion-MNIST, by notebook 32's way, for longer."""

import torch
import torch.nn as nn

from genimg_lib import data, metrics, vae
from genimg_lib.data import portraits
from genimg_lib.recipes import Trained

JUDGED = 5_000  # images


def train(run, minutes, name="portraits", conditional=False, images=30_000, **changes):
    """A decoder p(x|z) whose latents are standard normal.

    name: of the data. conditional: does it obey factors (portraits only)?
    images: to learn from, where they are drawn.
    changes: of the networks' settings, and of sigma, lr, batch, warm_up.
    """
    settings = SETTINGS | changes
    set_of = {"n": images} if name == "portraits" else {}
    train = data.load(name, **set_of)
    encoder, decoder = networks(run, train, settings, conditional)
    fit(run, train, encoder, decoder, minutes, settings)
    network = network_of(train, settings, conditional) | {"sigma": settings["sigma"]}
    facts = {"data": f"{name}, {len(train):,}", "network": network, "settings": settings}
    averaged = run.ema["model"]
    return Trained(averaged[1], facts, lambda net: measure(net, averaged[0], name))


SETTINGS = {
    "latent": 32,
    "width": 48,
    "patch": 4,
    "sigma": 0.4,
    "lr": 2e-3,
    "batch": 64,
    "warm_up": 0.1,
}


def network_of(train, settings, conditional=False):
    """The settings that encoder and decoder share."""
    channels, size = train.images.shape[1:3]
    K = portraits.one_hot(portraits.sample(1)).shape[1] if conditional else 0
    of_both = {k: settings[k] for k in ("latent", "width", "patch")}
    return of_both | {"channels": channels, "size": size, "conditions": K}


def networks(run, train, settings, conditional=False):
    """A fresh encoder and decoder for the images of a set."""
    network = network_of(train, settings, conditional)
    torch.manual_seed(run.seed)
    encoder = vae.ConvEncoder(**network).to(run.device)
    decoder = vae.ConvDecoder(**network, sigma=settings["sigma"]).to(run.device)
    return encoder, decoder


def fit(run, train, encoder, decoder, minutes, settings):
    """Train both networks by the ELBO, the KL's weight rising over the first part."""
    model = nn.ModuleList([encoder, decoder])
    opt = torch.optim.AdamW(model.parameters(), settings["lr"], betas=(0.9, 0.99), fused=True)
    told = encoder.conditions > 0
    tensors = (train.images, portraits.one_hot(train.factors)) if told else train.images
    batches = run.batches(tensors, settings["batch"])
    books = {"ema": "model", "ema_decay": 0.995, "model": model, "opt": opt}
    for batch in run.train(batches, minutes=minutes, **books):
        x, c = batch if told else (batch, None)
        run.anneal(opt, warmup=100)
        with run.autocast():
            mean, logvar = encoder(x, c)
            likelihood = decoder(vae.reparameterize(mean, logvar), c)
        kl = vae.gaussian_kl(mean, logvar).mean()
        distortion = -likelihood.log_prob(x).mean()
        loss = distortion + vae.warm_up(run.progress, settings["warm_up"]) * kl
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e4)
        opt.step()
        run.log(kl=kl, distortion=distortion)


@torch.no_grad()
def measure(decoder, encoder, name):
    """The evaluator's figures of samples and of reconstructions, rate and its parts."""
    evaluator = metrics.Evaluator(name)
    test = evaluator.real(JUDGED, seed=2)
    told = decoder.conditions > 0
    c = portraits.one_hot(test.factors) if told else None
    z = torch.randn(JUDGED, decoder.latent, generator=torch.Generator().manual_seed(1))
    made = _decoded(decoder, z, c)
    mean, logvar = _encoded(encoder, test.images, c)
    rebuilt = _decoded(decoder, mean, c)
    information, marginal = vae.rate_parts(mean, logvar, torch.randn_like(mean))
    found = evaluator.report(made) | {"fd_reconstructions": evaluator.fd(rebuilt)}
    found |= {"psnr": metrics.psnr(rebuilt, data.to_float(test.images)).mean().item()}
    found |= {"information": information, "marginal_kl": marginal}
    found |= {"rate": vae.gaussian_kl(mean, logvar).mean().item()}
    if told:
        known = {k: test.factors[k] for k in portraits.CATEGORICAL}
        right = metrics.agreement(evaluator.read(made), known)
        found |= {f"accuracy_{k}": v for k, v in right.items()}
    return found


def _parts(*tensors):
    """Parts of 500 of tensors, None staying None."""
    n = len(tensors[0])
    for start in range(0, n, 500):
        yield [None if t is None else t[start : start + 500] for t in tensors]


def _decoded(decoder, z, c):
    device = next(decoder.parameters()).device
    made = [decoder(*_on(device, *part)).mean.cpu() for part in _parts(z, c)]
    return torch.cat(made)


def _encoded(encoder, images, c):
    device = next(encoder.parameters()).device
    found = [encoder(*_on(device, data.to_float(x), part_c)) for x, part_c in _parts(images, c)]
    return tuple(torch.cat([pair[k].cpu() for pair in found]) for k in (0, 1))


def _on(device, *tensors):
    return [None if t is None else t.to(device) for t in tensors]
