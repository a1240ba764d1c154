"""Notebook 54's model, for longer: an autoencoder, then a flow over its latents."""

import time

import torch
import torch.nn.functional as F

from genimg_lib import data, vae
from genimg_lib.data import portraits
from genimg_lib.errors import unknown
from genimg_lib.latent_model import LatentFlow
from genimg_lib.metrics import Evaluator, agreement, psnr
from genimg_lib.recipes import Trained, flow

JUDGED = 5_000  # images
LEAST = 1 / 60  # minutes for the flow, where encoding the images took all that was left
SETTINGS = {
    "latent": 4,  # numbers at each place of the grid
    "patch": 4,
    "width": 64,
    "depth": 2,
    "fine": 8,
    "rate": 1e-3,  # the weight of a nat, beside the squared error of a pixel
    "lr": 2e-3,
    "batch": 16,
    "ema_decay": 0.995,
    "share": 0.2,  # of the minutes, for the autoencoder
    "flow_patch": 1,
    "flow_width": 40,
    "flow_batch": 32,
    "flow_shift": -0.7,  # of the times at which the flow learns
}
OF_IMAGES = ("latent", "patch", "width", "depth", "fine")


def train(run, minutes, told=True, images=30_000, size=64, **changes):
    """A `LatentFlow` of portraits.

    told: is the flow told the factors of a portrait, or, of a tenth of them, nothing?
    images: to learn from. size: pixels. changes: of SETTINGS.
    Raises ValueError for an unknown change, before anything is drawn.
    """
    for entry in changes:
        if entry not in SETTINGS:
            raise unknown("setting of the latent flow", entry, SETTINGS)
    settings = SETTINGS | changes
    train = data.load("portraits", n=images, size=size)
    c = portraits.one_hot(train.factors) if told else None
    net, steps = fit(run, train.images, minutes, settings, c)
    facts = {"data": f"portraits, {images:,} at {size}x{size}", "changes": changes}
    facts |= {"network": shape_of(train.images, settings, c), "steps": steps}
    return Trained(net, facts, measure)


def shape_of(images, settings, c=None):
    """The arguments of the `LatentFlow` for images [N, C, H, W], told c [N, K] or nothing."""
    channels, size = images.shape[1:3]
    of_images = {key: settings[key] for key in OF_IMAGES}
    latents = {"patch": settings["flow_patch"], "width": settings["flow_width"]}
    latents |= {"conditions": 0 if c is None else c.shape[1]}
    return {"images": of_images | {"channels": channels, "size": size}, "latents": latents}


def fit(run, images, minutes, settings, c=None, label=""):
    """(a `LatentFlow` trained for the minutes in all, {training: steps}).

    images: uint8 [N, C, H, W]. c: their conditions [N, K] or None.
    label: of its trainings, before the name of each.
    """
    torch.manual_seed(run.seed)
    net = LatentFlow(**shape_of(images, settings, c)).to(run.device)
    first = minutes * settings["share"]
    net.images = fit_images(run, images, net.images, first, settings, f"{label}images")
    steps = {"images": run.history["step"][-1] + 1}
    began = time.perf_counter()
    moments = moments_of(net.images, images)
    net.measure_scale(*moments)
    encoded = (time.perf_counter() - began) / 60
    rest = max(minutes - first - encoded, LEAST)
    of_flow = {"batch": settings["flow_batch"], "shift": settings["flow_shift"]}
    net.flow = fit_flow(run, net, moments, rest, flow.SETTINGS | of_flow, c, f"{label}flow")
    steps["flow"] = run.history["step"][-1] + 1
    return net.eval(), steps


def fit_images(run, images, net, minutes, settings, label="images"):
    """Train a `vae.GridVAE` on uint8 images; gives its average, in eval mode."""
    opt = torch.optim.AdamW(net.parameters(), settings["lr"], betas=(0.9, 0.99), fused=True)
    books = {"ema": "net", "ema_decay": settings["ema_decay"], "net": net, "opt": opt}
    batches = run.batches(images, settings["batch"])
    for x in run.train(batches, minutes=minutes, label=label, **books):
        run.anneal(opt, warmup=100)
        with run.autocast():
            x_hat, rate = net(x)
        error, nats = F.mse_loss(x_hat, x), rate.mean() / x[0].numel()
        opt.zero_grad()
        (error + settings["rate"] * nats).backward()
        opt.step()
        run.log(error=error, nats=nats)
    return run.ema["net"].eval()


@torch.no_grad()
def moments_of(net, images):
    """Mean and logvar of q(z|x) of uint8 images, on the CPU: each [N, d, side, side]."""
    device = next(net.parameters()).device
    parts = [net.encode(data.to_float(part).to(device)) for part in images.split(250)]
    means, logvars = zip(*parts, strict=True)
    return torch.cat(means).cpu(), torch.cat(logvars).cpu()


@torch.no_grad()
def rebuilt(net, images):
    """uint8 images, encoded to the mean of q and decoded: float, on the CPU."""
    means, _ = moments_of(net, images)
    device = next(net.parameters()).device
    return torch.cat([net.decode(part.to(device)).cpu() for part in means.split(250)])


def fit_flow(run, net, moments, minutes, settings, c=None, label="flow"):
    """Train the flow of a `LatentFlow` on latents, drawn anew from q each time they are seen."""

    def as_x(mean, logvar):
        return net.scaled(vae.reparameterize(mean, logvar))

    return flow.teach(run, net.flow, moments, minutes, settings, c, label, as_x)


def draw(net, n, calls=flow.CALLS, seed=1, c=None):
    """n images, on the CPU. c: conditions [n, K], or None."""
    return net.draw(torch.randn(n, *net.shape, generator=flow.seeded(seed)), calls, c)


@torch.no_grad()
def measure(net, n=JUDGED):
    """The evaluator's figures of samples and of reconstructions; accuracy if it is told."""
    net = net.cpu()
    size = net.images.size
    evaluator = Evaluator("portraits", size=size)
    unseen = data.load("portraits", "test", n=n, seed=3, size=size)
    c = portraits.one_hot(unseen.factors) if net.flow.conditions else None
    made = draw(net, n, c=c)
    again = rebuilt(net.images, unseen.images)
    found = evaluator.report(made) | {"fd_reconstructions": evaluator.fd(again)}
    found |= {"psnr": psnr(again, data.to_float(unseen.images)).mean().item()}
    if c is not None:
        right = agreement(evaluator.read(made), flow.asked_of(unseen, "portraits"))
        found |= {f"accuracy_{name}": share for name, share in right.items()}
    return found
