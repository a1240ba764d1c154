"""The style-based game: 23's losses and discriminator, a StyleGenerator, styles mixed."""

import torch

from genimg_lib import data, gan, metrics
from genimg_lib.errors import unknown
from genimg_lib.recipes import Trained
from genimg_lib.recipes.gan import relativistic_round

SETTINGS = {
    "latent": 64,
    "width": 24,
    "mapping": 4,
    "noise": True,
    "demodulate": True,
    "batch": 32,
    "lr": 2e-3,
    "map_lr": 2e-5,  # of the mapping network, which loses variety when it learns as fast
    "betas": (0.0, 0.99),
    "ema_decay": 0.995,
    "gamma": 1.0,
    "lazy": 4,
    "mixing": 0.5,  # the share of images whose last layers have another style
}
NETWORK = ("latent", "width", "mapping", "noise", "demodulate")
JUDGED = 5_000  # images


class MixedFakes:
    """G as a round calls it, with some images' styles mixed. share: of those."""

    def __init__(self, G, share):
        self.G, self.share, self.latent = G, share, G.latent

    def __call__(self, z, _=None):
        w = self.G.mapping(z)
        if self.share:
            other = self.G.mapping(torch.randn_like(z))
            w = gan.mixed_at_random(w, other, self.G.depth, self.share)
        return self.G.synthesis(w)


def train(run, minutes, images=30_000, size=32, **changes):
    """A StyleGenerator of portraits. images: to learn from. changes: of SETTINGS."""
    settings = changed(changes)
    faces = data.load("portraits", n=images, size=size).images
    G = fit(run, faces, minutes, settings)
    network = {"size": size, "channels": 3} | {key: settings[key] for key in NETWORK}
    facts = {
        "data": f"portraits, {images:,} at {size}x{size}",
        "kind": "style-based",
        "changes": changes,
        "network": network,
        "batch": settings["batch"],
    }
    return Trained(G, facts, measure)


def changed(changes):
    """SETTINGS with some entries changed; ValueError for one that it doesn't have."""
    for entry in changes:
        if entry not in SETTINGS:
            raise unknown("setting of the style-based recipe", entry, SETTINGS)
    return SETTINGS | changes


def fit(run, images, minutes, settings, label="style", steps=None):
    """The averaged StyleGenerator of a game, in eval mode.

    images: uint8 [N, C, H, W]. settings: all of SETTINGS. The rates are constant for the first
    half, then fall to 0.
    """
    torch.manual_seed(run.seed)
    shape = {"size": images.shape[-1], "channels": images.shape[1]}
    G = gan.StyleGenerator(**shape, **{key: settings[key] for key in NETWORK}).to(run.device)
    D = gan.Discriminator(**shape, width=settings["width"], spectral=False).to(run.device)
    for net in (G, D):
        net.to(memory_format=torch.channels_last)
    opt_G, opt_D = optimisers(G, D, settings["lr"], settings["map_lr"], settings["betas"])
    objects = {"G": G, "D": D, "opt_G": opt_G, "opt_D": opt_D}
    average = {"ema": "G", "ema_decay": settings["ema_decay"]}
    fakes, lazy = MixedFakes(G, settings["mixing"]), settings["lazy"]
    batches = run.batches(images, settings["batch"])
    for x in run.train(batches, steps, minutes, label=label, **average, **objects):
        step = len(run.history.get("step", []))
        run.anneal(opt_G, opt_D)
        gamma = settings["gamma"] * lazy if step % lazy == 0 else 0.0
        rest = {"gamma": gamma, "autocast": run.autocast}
        run.log(**relativistic_round(x, fakes, D, opt_G, opt_D, **rest))
    return run.ema["G"].eval()


def optimisers(G, D, lr, map_lr, betas=(0.0, 0.99)):
    """(opt_G, opt_D): Adam, with a rate of its own for G's mapping network."""
    slow = list(G.mapping.parameters())
    names = {id(weight) for weight in slow}
    others = [weight for weight in G.parameters() if id(weight) not in names]
    groups = [{"params": others}, {"params": slow, "lr": map_lr}]
    opt_G = torch.optim.Adam(groups if slow else others, lr, betas, fused=True)
    return opt_G, torch.optim.Adam(D.parameters(), lr, betas, fused=True)


def measure(G):
    """The evaluator's figures, and the factors' spread."""
    evaluator = metrics.Evaluator("portraits")
    made = G.cpu().sample(JUDGED, torch.Generator().manual_seed(1))
    variation, produced = metrics.coverage(evaluator.read(made))
    found = {"worst_variation": max(variation.values()), "values_produced": produced}
    return evaluator.report(made) | found
