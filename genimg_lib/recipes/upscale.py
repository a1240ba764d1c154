"""Notebook 61's network that makes photographs larger, for longer."""

import time

import torch

from genimg_lib import data, restore
from genimg_lib.data import photos
from genimg_lib.errors import unknown
from genimg_lib.metrics import Protocol, protocol
from genimg_lib.recipes import Trained
from genimg_lib.restore import LEVEL
from genimg_lib.training import Muon

SIZES = {2: 96, 4: 128}  # scale: pixels of a large piece
SETTINGS = {
    "width": 32,
    "blocks": 7,
    "batch": 16,
    "drawn": 0.05,  # the share of portraits among the pieces
    "left_out": (),  # photographs that are not learned from
    "noise": 0.0,  # grey levels of noise on small pieces, at most
    "lr": 2e-3,
    "ema_decay": 0.999,
}
NETWORK = ("width", "blocks")


def train(run, minutes, scale=2, images=20_000, **changes):
    """A `restore.Upscaler`; its average is what is stored.

    scale: 2 or 4. images: pieces to learn from. changes: of SETTINGS.
    Raises ValueError for another scale, and for an unknown change.
    """
    if scale not in SIZES:
        raise unknown("scale", scale, SIZES)
    for entry in changes:
        if entry not in SETTINGS:
            raise unknown("setting of the upscaler", entry, SETTINGS)
    settings = SETTINGS | changes
    pieces = learned_from(images, SIZES[scale], settings["drawn"], run.seed, settings["left_out"])
    shape = {key: settings[key] for key in NETWORK} | {"scale": scale}
    torch.manual_seed(run.seed)
    net = teach(run, restore.Upscaler(**shape), pieces, minutes, settings)
    facts = {
        "data": f"{images:,} pieces of photographs of scikit-image, and portraits",
        "held_out": ", ".join(photos.HELD_OUT),
        "changes": changes,
        "network": shape,
    }
    return Trained(net, facts, measure)


def learned_from(n, size, drawn=0.05, seed=0, left_out=()):
    """uint8 [n, 3, size, size]: pieces of photographs, and a share of portraits."""
    of_portraits = round(drawn * n)
    names = [name for name in photos.LEARNED if name not in left_out]
    pieces = photos.pieces(n - of_portraits, size, seed, names)
    if not of_portraits:
        return pieces
    faces = data.load("portraits", n=of_portraits, size=size, seed=seed).images
    return torch.cat([pieces, faces])


def teach(run, net, images, minutes, settings):
    """Train an upscaler on uint8 images, shrunk as bytes, for the minutes: its average.

    By the absolute error, which weighs a few large mistakes less than the squared one.
    """
    net = net.to(run.device, memory_format=torch.channels_last)
    muon = Muon(net, settings["lr"])
    books = {"ema": "net", "ema_decay": settings["ema_decay"], "net": net, "muon": muon}
    pairs = images, restore.shrunk(images, net.scale)
    batches = run.batches(pairs, settings["batch"])
    for x, y in run.train(batches, minutes=minutes, label="upscaler", **books):
        run.anneal(muon, warmup=100)
        if settings["noise"]:
            levels = settings["noise"] * torch.rand(len(y), device=y.device)
            y = restore.noisy(y, levels * LEVEL)
        with run.autocast():
            x_hat = net(y)
        loss = (x_hat - x).abs().mean()
        muon.zero_grad()
        loss.backward()
        muon.step()
        run.log(loss=loss)
    return run.ema["net"].eval()


def held_out(name, scale):
    """A held-out photograph and its small version: uint8 [1, 3, H, W] and [1, 3, h, w].

    What the scale leaves over is cut off to the right and below.
    """
    image = photos.open_photo(name)
    height, width = (side // scale * scale for side in image.shape[1:])
    image = image[None, :, :height, :width]
    return image, restore.shrunk(image, scale)


def judged(x_hat, x, scale):
    """Decibels of uint8 images as papers have them: luma in 16..235, `scale` pixels shaved."""
    as_papers = Protocol(rounded=True, luma="limited", shave=scale)
    return protocol.psnr(data.to_float(x_hat), data.to_float(x), as_papers).item()


@torch.no_grad()
def measure(net):
    """PSNR in decibels of held-out photographs, beside bicubic's; seconds for 512x512 pixels."""
    net = net.cpu().to(memory_format=torch.channels_last)
    found = {}
    for name in photos.HELD_OUT:
        x, y = held_out(name, net.scale)
        x_hat = data.to_uint8(net(data.to_float(y)).clamp(-1, 1))
        found[f"psnr_{name}"] = judged(x_hat, x, net.scale)
        found[f"psnr_bicubic_{name}"] = judged(restore.enlarged(y, net.scale), x, net.scale)
    y = torch.zeros(1, 3, 512, 512).to(memory_format=torch.channels_last)
    net(y)
    began = time.perf_counter()
    net(y)
    return found | {"seconds": time.perf_counter() - began}
