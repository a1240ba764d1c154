"""Notebook 64's CycleGANs, for longer: glasses on and off, and prints, without pairs."""

import torch
import torch.nn as nn

from genimg_lib import data, gan, metrics
from genimg_lib.cycle_model import CycleModel
from genimg_lib.data.inks import printed
from genimg_lib.errors import unknown
from genimg_lib.recipes import Trained
from genimg_lib.restore import LEVEL

SETTINGS = {
    "patch": 2,
    "width": 32,
    "fine": 8,
    "hidden": 256,
    "judge": 24,  # the width of both discriminators
    "batch": 32,
    "back": 10.0,  # the weight of the way there and back
    "same": 5.0,  # of changes where none is needed
    "lr_G": 1e-3,
    "lr_D": 1e-3,
    "ema_decay": 0.995,
}
NETWORK = ("patch", "width", "fine", "hidden")


def train(run, minutes, images=60_000, piles="glasses", **changes):
    """A `CycleModel` between two piles of portraits; its average is what is stored.

    images: portraits, of which about half go to either pile. piles: "glasses", from those without
        to those with, or "prints", from portraits to prints of others. changes: of SETTINGS.
    Raises ValueError for other piles, and for an unknown change.
    """
    if piles not in PILES:
        raise unknown("piles", piles, PILES)
    for entry in changes:
        if entry not in SETTINGS:
            raise unknown("setting of the CycleGAN", entry, SETTINGS)
    settings = SETTINGS | changes
    faces = data.load("portraits", n=images)
    split, measured, about = PILES[piles]
    shape = {key: settings[key] for key in NETWORK}
    torch.manual_seed(run.seed)
    net = teach(run, CycleModel(**shape), split(faces), minutes, settings)
    facts = {
        "data": f"portraits, {len(faces.images):,} images: {about}",
        "changes": changes,
        "network": shape,
    }
    return Trained(net, facts, measured)


def by_glasses(faces):
    """Those without glasses, and those with: uint8 each."""
    has = faces.factors["glasses"] > 0
    return faces.images[~has], faces.images[has]


def by_print(faces):
    """One half as they are, the other half printed: uint8 each."""
    half = len(faces.images) // 2
    return faces.images[:half], printed(faces.images[half:])


def teach(run, maps, piles, minutes, settings):
    """Train maps between two piles of uint8 images for the minutes: their average."""
    maps = maps.to(run.device)
    judges = [gan.Discriminator(32, 3, width=settings["judge"]) for _ in range(2)]
    D = nn.ModuleList(judges).to(run.device)
    opt_G = torch.optim.AdamW(maps.parameters(), lr=settings["lr_G"], betas=(0.0, 0.99), fused=True)
    opt_D = torch.optim.AdamW(D.parameters(), lr=settings["lr_D"], betas=(0.0, 0.99), fused=True)
    books = {"ema": "maps", "ema_decay": settings["ema_decay"], "label": "cycle"}
    books |= {"D": D, "opt_G": opt_G, "opt_D": opt_D}
    n = min(len(pile) for pile in piles)
    batches = run.batches(tuple(pile[:n] for pile in piles), settings["batch"])
    for a, b in run.train(batches, minutes=minutes, maps=maps, **books):
        run.anneal(opt_G, opt_D, warmup=50)
        with run.autocast():
            b_hat, a_hat = (images.float() for images in maps(a, b))
            on_A = D[0](torch.cat([a, a_hat.detach()])).float().chunk(2)
            on_B = D[1](torch.cat([b, b_hat.detach()])).float().chunk(2)
        loss_D = gan.hinge_d_loss(*on_A) + gan.hinge_d_loss(*on_B)
        opt_D.zero_grad()
        loss_D.backward()
        opt_D.step()
        D.requires_grad_(False)
        with run.autocast():
            verdict = gan.hinge_g_loss(D[0](a_hat).float()) + gan.hinge_g_loss(D[1](b_hat).float())
            back, same = maps.losses(a, b, a_hat, b_hat)
        opt_G.zero_grad()
        (verdict + settings["back"] * back + settings["same"] * same).backward()
        opt_G.step()
        D.requires_grad_(True)
        run.log(loss_D=loss_D, back=back)
    return run.ema["maps"].eval()


@torch.no_grad()
def measure_prints(maps, n=1_000):
    """How near unseen faces come to their prints, in decibels, and how near they were before."""
    faces = data.load("portraits", "test", n=n, seed=5).images
    x, wanted = data.to_float(faces), data.to_float(printed(faces))
    return {
        "psnr": metrics.psnr(maps.G(x).clamp(-1, 1), wanted).mean().item(),
        "psnr_before": metrics.psnr(x, wanted).mean().item(),
    }


@torch.no_grad()
def measure(maps, n=2_000):
    """How well glasses are put on unseen faces, and what a face without them still tells.

    glasses, kept: the share of faces that have glasses then, and the mean share of the other
    thirteen factors that are as before. message, message_noised: in which share the kind of glasses
    comes back after they were taken off, with nothing done in between, and with noise of a level.
    """
    unseen = data.load("portraits", "test", n=n, seed=5)
    wears = unseen.factors["glasses"] > 0
    x, evaluator = data.to_float(unseen.images), metrics.Evaluator("portraits")
    read = evaluator.read(maps.G(x[~wears]).clamp(-1, 1))
    same = metrics.agreement(read, {k: v[~wears] for k, v in unseen.factors.items()})
    others = [share for name, share in same.items() if name != "glasses"]
    kind, bare = unseen.factors["glasses"][wears], maps.F(x[wears]).clamp(-1, 1)
    eps = torch.randn(bare.shape, generator=torch.Generator().manual_seed(0))

    def brought_back(images):
        found = evaluator.read(maps.G(images).clamp(-1, 1))["glasses"]
        return (found == kind).double().mean().item()

    return {
        "glasses": (read["glasses"] > 0).double().mean().item(),
        "kept": sum(others) / len(others),
        "message": brought_back(bare),
        "message_noised": brought_back(bare + LEVEL * eps),
    }


# name: how faces are split, how maps are measured, what the piles hold
PILES = {
    "glasses": (by_glasses, measure, "without glasses and with"),
    "prints": (by_print, measure_prints, "as they are, and prints of others"),
}
