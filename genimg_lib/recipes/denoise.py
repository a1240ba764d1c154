"""Notebook 63's denoiser of photographs, for longer: grey or in colour."""

import time

import torch

from genimg_lib import data, restore
from genimg_lib.data import photos
from genimg_lib.errors import unknown
from genimg_lib.metrics import psnr
from genimg_lib.recipes import Trained
from genimg_lib.restore import LEVEL, STRONGEST
from genimg_lib.training import Muon

SIGMAS = (15, 25, 50)  # grey levels, at which denoisers are compared
SETTINGS = {
    "width": 32,
    "blocks": 2,
    "batch": 16,
    "size": 64,  # of the pieces, in pixels
    "drawn": 0.1,  # the share of portraits among the pieces
    "largest": STRONGEST,  # grey levels of noise
    "lr": 2e-3,
    "ema_decay": 0.999,
}
NETWORK = ("width", "blocks")


def train(run, minutes, channels=1, images=20_000, **changes):
    """A `restore.Denoiser`; its average is what is stored.

    channels: 1 for grey, 3 for colour. images: pieces to learn from. changes: of SETTINGS.
    Raises ValueError for another number of channels, and for an unknown change.
    """
    if channels not in (1, 3):
        raise ValueError(f"expected 1 channel or 3, got {channels}")
    for entry in changes:
        if entry not in SETTINGS:
            raise unknown("setting of the denoiser", entry, SETTINGS)
    settings = SETTINGS | changes
    pieces = learned_from(images, channels, settings["size"], settings["drawn"], run.seed)
    shape = {key: settings[key] for key in NETWORK} | {"channels": channels}
    torch.manual_seed(run.seed)
    net = teach(run, restore.Denoiser(**shape), pieces, minutes, settings)
    facts = {
        "data": f"{images:,} pieces of photographs of scikit-image, and portraits",
        "held_out": ", ".join(photos.HELD_OUT),
        "changes": changes,
        "network": shape,
    }
    return Trained(net, facts, measure)


def learned_from(n, channels, size, drawn=0.1, seed=0):
    """uint8 [n, channels, size, size]: pieces of photographs, and a share of portraits.

    Grey ones are the luma or one of the three colours, by chance.
    """
    of_portraits = round(drawn * n)
    pieces = photos.pieces(n - of_portraits, size, seed, photos.LEARNED)
    if of_portraits:
        faces = data.load("portraits", n=of_portraits, size=size, seed=seed).images
        pieces = torch.cat([pieces, faces])
    if channels == 3:
        return pieces
    g = torch.Generator().manual_seed(seed + 1)
    four = torch.cat([pieces, photos.grey(pieces)], dim=1)
    which = torch.randint(4, (n,), generator=g)
    return four[torch.arange(n), which][:, None]


def teach(run, net, images, minutes, settings):
    """Train a denoiser on uint8 images for the minutes: its average.

    Every image gets its own noise, of 1 to `largest` grey levels. The squared error is divided by
    sigma: what is best at each sigma stays so, and weak noise counts as well.
    """
    net = net.to(run.device)
    muon = Muon(net, settings["lr"])
    books = {"ema": "net", "ema_decay": settings["ema_decay"], "net": net, "muon": muon}
    batches = run.batches(images, settings["batch"])
    for x in run.train(batches, minutes=minutes, label="denoiser", **books):
        run.anneal(muon, warmup=100)
        levels = 1 + (settings["largest"] - 1) * torch.rand(len(x), device=x.device)
        sigma = levels * LEVEL
        y = restore.noisy(x, sigma)
        with run.autocast():
            x_hat = net(y, sigma)
        error = (x_hat - x).square().mean(dim=(1, 2, 3))
        loss = (error / sigma).mean()
        muon.zero_grad()
        loss.backward()
        muon.step()
        run.log(loss=loss)
    return run.ema["net"].eval()


def held_out(name, channels, size=256):
    """A held-out photograph: its middle square as floats [1, channels, size, size]."""
    image = photos.square(photos.open_photo(name), size)
    image = photos.grey(image) if channels == 1 else image
    return data.to_float(image[None])


def with_noise(x, sigma, seed=0):
    """The same noise for every method: images with sigma grey levels of it, not clipped."""
    g = torch.Generator().manual_seed(1_000 * seed + round(sigma))
    return restore.noisy(x, sigma * LEVEL, g)


@torch.no_grad()
def measure(net):
    """PSNR in decibels of held-out photographs, clipped to [-1, 1], and milliseconds for one."""
    net = net.cpu()
    found = {}
    names = [
        name for name in photos.HELD_OUT if net.channels == 1 or name != "camera"
    ]  # which is grey
    for sigma in SIGMAS:
        for name in names:
            x = held_out(name, net.channels)
            x_hat = net(with_noise(x, sigma), sigma * LEVEL).clamp(-1, 1)
            found[f"psnr_{name}_{sigma}"] = psnr(x_hat, x).item()
    began = time.perf_counter()
    for _ in range(5):
        net(x, 25 * LEVEL)
    return found | {"milliseconds": (time.perf_counter() - began) / 5 * 1000}
