"""Flows: a PatchUNet learns to say what a noisy image was, told what it shows or not."""

import torch

from genimg_lib import data, flow
from genimg_lib.data import portraits
from genimg_lib.errors import unknown
from genimg_lib.metrics import Evaluator, agreement
from genimg_lib.recipes import Trained
from genimg_lib.training import Muon, others

SETTINGS = {
    "patch": 2,
    "width": 40,
    "fine": 8,
    "batch": 64,
    "lr_muon": 5e-3,
    "lr_adam": 2e-3,
    "floor": 0.1,  # the least 1 - t in the loss
    "shift": 0.0,  # of the times; below 0, noisy images are looked at more often
    "left_out": 0.1,  # the share of images of which a flow with conditions is told nothing
}
NETWORK = ("patch", "width", "fine")
CALLS, JUDGED = 10, 5_000


def train(
    run, minutes, name="fashion_mnist", conditional=False, groups=0, images=60_000, **changes
):
    """A flow for the images of a data set; its average is what is stored.

    images: how many to train on. conditional: told the factors of portraits or the class.
    groups: told which of so many groups of look-alikes an image belongs to, by k-means; to draw, a
        group is drawn first, as often as it comes. No labels are needed (Bao et al. 2022,
        arXiv:2212.00362, who group features; Liu et al. 2020, arXiv:2006.10728, for GANs).
    changes: of SETTINGS.
    Raises ValueError for conditions and groups at once, and for an unknown change.
    """
    if conditional and groups:
        raise ValueError(f"expected conditions or groups, got both: {groups} groups")
    for entry in changes:
        if entry not in SETTINGS:
            raise unknown("setting of the flow", entry, SETTINGS)
    settings = SETTINGS | changes
    train_set = data.load(name, n=images)
    c = conditions_of(train_set, name) if conditional else None
    if groups:
        c = grouped(train_set.images, groups, run.seed)
    net = fit(run, train_set.images, minutes, settings, c)
    facts = {
        "data": f"{name}, {len(train_set.images):,} images",
        "changes": changes,
        "batch": settings["batch"],
        "network": shape_of(train_set.images, settings, c),
        "sampler": f"DPM-Solver++ multistep, {CALLS} calls",
    }
    if groups:
        facts["shares"] = c.mean(dim=0).tolist()
    return Trained(net, facts, lambda net: measure(net, name, conditional, facts.get("shares")))


def shape_of(images, settings, c=None):
    """The arguments of the PatchUNet for images [N, C, H, W], told conditions [N, K] or none."""
    channels, size = images.shape[1:3]
    told = 0 if c is None else c.shape[1]
    network = {key: settings[key] for key in NETWORK}
    return network | {"channels": channels, "size": size, "conditions": told}


def fit(run, images, minutes, settings, c=None, label="flow"):
    """Train for the minutes; returns the average of the weights, in eval mode.

    images: uint8 [N, C, H, W]. c: their conditions [N, K] or None.
    """
    torch.manual_seed(run.seed)
    net = flow.PatchUNet(**shape_of(images, settings, c)).to(run.device)
    return teach(run, net, (images,), minutes, settings, c, label)


def teach(run, net, tensors, minutes, settings, c=None, label="flow", as_x=None, as_c=None):
    """Train a network for the minutes; returns the average of its weights, in eval mode.

    tensors: (images,), or what `as_x` makes x of, batch by batch: each [N, ...].
    c: conditions [N, K], or what `as_c` makes them of, batch by batch; or None.
    """
    muon = Muon(net, settings["lr_muon"])
    learned = [weight for weight in others(net) if weight.requires_grad]
    adam = torch.optim.AdamW(learned, settings["lr_adam"], betas=(0.9, 0.99), fused=True)
    batches = run.batches(tensors if c is None else (*tensors, c), settings["batch"])
    books = {"ema": "net", "label": label, "net": net, "muon": muon, "adam": adam}
    for batch in run.train(batches, minutes=minutes, **books):
        run.anneal(muon, adam, warmup=100)
        held, told = (batch, None) if c is None else (batch[:-1], batch[-1])
        x = held[0] if as_x is None else as_x(*held)
        eps, t = torch.randn_like(x), flow.random_times(len(x), x.device, settings["shift"])
        told = told if as_c is None else as_c(told)
        told = None if told is None else left_out(told, settings["left_out"])
        with run.autocast():
            loss = flow.matching_loss(net, x, eps, t, settings["floor"], told)
        muon.zero_grad()
        adam.zero_grad()
        loss.backward()
        muon.step()
        adam.step()
        run.log(loss=loss)
    return run.ema["net"].eval()


def left_out(c, share):
    """Conditions [N, K], of which a share is 0."""
    kept = torch.rand(len(c), 1, device=c.device) >= share
    return c * kept


def grouped(images, groups, seed=0):
    """The group of each image, one-hot: [N, groups]."""
    labels = data.pseudo_labels.cluster(images, groups, seed)
    return torch.nn.functional.one_hot(labels, groups).float()


def conditions_of(images, name):
    """What a conditional flow is told: the factors of portraits, one-hot, or the class."""
    if name == "portraits":
        return portraits.one_hot(images.factors)
    return torch.nn.functional.one_hot(images.labels, 10).float()


def draw(net, n, calls=CALLS, seed=1, c=None):
    """n images, on the CPU. c: conditions [n, K], or None."""
    noise = torch.randn(n, net.channels, net.size, net.size, generator=seeded(seed))
    return flow.draw(net, noise, calls, c)


def measure(net, name, conditional=False, shares=None, n=JUDGED, calls=CALLS):
    """The evaluator's figures for n images.

    They are drawn with the conditions of unseen images, whose accuracy is told with the others, or
    with groups of these shares.
    """
    evaluator, c = Evaluator(name), None
    if conditional:
        unseen = data.load(name, "test", n=n, seed=3)
        c = conditions_of(unseen, name)
    elif shares:
        c = flow.drawn_groups(shares, n, seeded(2))
    images = draw(net, n, calls, c=c)
    found = evaluator.report(images)
    if conditional:
        right = agreement(evaluator.read(images), asked_of(unseen, name))
        found |= {f"accuracy_{factor}": share for factor, share in right.items()}
    return found


def asked_of(images, name):
    """{what an image was asked for: [N]}, as an evaluator reads it."""
    if name == "portraits":
        return {factor: images.factors[factor] for factor in portraits.CATEGORICAL}
    return {"label": images.labels}


def seeded(seed):
    """A generator of random numbers that begins at a seed."""
    return torch.Generator().manual_seed(seed)
