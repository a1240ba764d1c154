"""A convolutional VAE, by the clock: for `genimg bench vae`."""

import torch
import torch.nn as nn

from genimg_lib import data, metrics, vae

JUDGED = 5_000  # images


SETTINGS = {
    "latent": 32,
    "width": 48,
    "patch": 4,
    "sigma": 0.4,
    "lr": 2e-3,
    "batch": 64,
    "warm_up": 0.1,
}


def networks(run, train, settings):
    """A fresh encoder and decoder for the images of a set."""
    channels, size = train.images.shape[1:3]
    network = {k: settings[k] for k in ("latent", "width", "patch")}
    network |= {"channels": channels, "size": size}
    torch.manual_seed(run.seed)
    encoder = vae.ConvEncoder(**network).to(run.device)
    decoder = vae.ConvDecoder(**network, sigma=settings["sigma"]).to(run.device)
    return encoder, decoder


def fit(run, train, encoder, decoder, minutes, settings):
    """Train both networks by the ELBO, the KL's weight rising over the first part."""
    model = nn.ModuleList([encoder, decoder])
    opt = torch.optim.AdamW(model.parameters(), settings["lr"], betas=(0.9, 0.99), fused=True)
    batches = run.batches(train, settings["batch"])
    books = {"ema": "model", "ema_decay": 0.995, "model": model, "opt": opt}
    for x in run.train(batches, minutes=minutes, **books):
        run.anneal(opt, warmup=100)
        with run.autocast():
            mean, logvar = encoder(x)
            likelihood = decoder(vae.reparameterize(mean, logvar))
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
    device = next(decoder.parameters()).device
    images = data.to_float(evaluator.real(JUDGED, seed=2).images)
    z = torch.randn(JUDGED, decoder.latent, generator=torch.Generator().manual_seed(1))
    moments = [encoder(x.to(device)) for x in images.split(500)]
    mean, logvar = (torch.cat([pair[k].cpu() for pair in moments]) for k in (0, 1))
    made, rebuilt = (
        torch.cat([decoder(part.to(device)).mean.cpu() for part in codes.split(500)])
        for codes in (z, mean)
    )
    information, marginal = vae.rate_parts(mean, logvar, torch.randn_like(mean))
    found = evaluator.report(made) | {"fd_reconstructions": evaluator.fd(rebuilt)}
    found |= {"psnr": metrics.psnr(rebuilt, images).mean().item()}
    found |= {"information": information, "marginal_kl": marginal}
    return found | {"rate": vae.gaussian_kl(mean, logvar).mean().item()}
