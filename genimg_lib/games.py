"""Whole games: a round of either kind, and the recipe by which the benchmarks and the generators in data/weights were trained.

Notebooks 22 to 24 write these rounds out; here they are once more, for use.
"""

from contextlib import nullcontext

import torch

from genimg_lib import gan

_COMMON = {"latent": 64, "width": 24, "batch": 32, "betas": (0.0, 0.99), "ema_decay": 0.995}
RECIPES = {
    "hinge": _COMMON | {"lr": 3e-3, "reading": 1.0},  # with spectral norm; where there are conditions, D also reads them
    "relativistic": _COMMON | {"lr": 2e-3, "gamma": 1.0, "lazy": 4},  # with R1 at every fourth round, four times as heavy
}


def hinge_round(x, G, D, opt_G, opt_D, c=None, reading=0.0, autocast=nullcontext):
    """One step of D, then one of G, with the hinge losses: {"loss_D", "loss_G"}.

    x: real images [N, C, H, W]; G has its `latent`. c: their conditions [N, K], if the networks want any; the fakes are ordered by those of their
    neighbours. reading: weight of the reading losses, by which D learns to read the conditions of real images, and G to be read (only with c).
    autocast: gives the context of the forward passes. D should hold its own slope, by spectral norm.
    """
    order = None if c is None else c.roll(1, dims=0)
    reads = reading > 0 and c is not None
    with autocast():
        fake = G(torch.randn(len(x), G.latent, device=x.device), order)
        a_real, a_fake, read = _opinions(D, x, fake.detach(), c, order, reads)
    loss_D = gan.hinge_d_loss(a_real, a_fake)
    _step(opt_D, loss_D + reading * gan.reading_loss(read, c) if reads else loss_D)
    D.requires_grad_(False)  # gradients pass through D, but nobody needs its own
    with autocast():
        a_fake, read = D(fake, order, read=True) if reads else (D(fake, order), None)
    loss_G = gan.hinge_g_loss(a_fake.float())
    _step(opt_G, loss_G + reading * gan.reading_loss(read.float(), order) if reads else loss_G)
    D.requires_grad_(True)
    return {"loss_D": loss_D, "loss_G": loss_G}


def relativistic_round(x, G, D, opt_G, opt_D, c=None, gamma=1.0, autocast=nullcontext):
    """One step of D, then one of G, with the relativistic losses, and R1 with weight gamma / 2 if gamma > 0; otherwise as `hinge_round`.

    Reckoned at every k-th round only, a penalty should weigh k times as much: gamma = 4.0 if step % 4 == 0 else 0.0 (Karras et al. 2020, arXiv:1912.04958).
    """
    order = None if c is None else c.roll(1, dims=0)
    with autocast():
        fake = G(torch.randn(len(x), G.latent, device=x.device), order)
        a_real, a_fake, _ = _opinions(D, x, fake.detach(), c, order)
    loss_D = gan.relativistic_d_loss(a_real, a_fake)
    _step(opt_D, loss_D + gamma / 2 * gan.r1_penalty(lambda images: D(images, c), x) if gamma else loss_D)
    D.requires_grad_(False)
    with autocast():
        a_fake = D(fake, order).float()
    loss_G = gan.relativistic_g_loss(a_real.detach(), a_fake)  # the reals' logits are a step old, which saves a pass
    _step(opt_G, loss_G)
    D.requires_grad_(True)
    return {"loss_D": loss_D, "loss_G": loss_G}


def _opinions(D, x, fake, c, order, reads=False):
    """D's logits of real and fake images, and what it reads from the real ones, if asked; seen in one pass: nothing in D mixes the images of a batch."""
    seen = torch.cat([x, fake]), None if c is None else torch.cat([c, order])
    a, read = D(*seen, read=True) if reads else (D(*seen), None)
    return *a.float().chunk(2), None if read is None else read[: len(x)].float()


def _step(opt, loss):
    opt.zero_grad()
    loss.backward()
    opt.step()


def train(run, images, minutes=None, steps=None, conditions=None, kind="relativistic", label="gan", **changes):
    """The averaged generator of a game on uint8 images [N, C, H, W], in eval mode; obeys conditions [N, K] where there are any.

    kind: of RECIPES; changes: of its entries. The learning rate is constant for the first half, then falls to 0.
    Raises ValueError for another kind or an unknown change, and where conditions that are no zeros and ones should be read.
    """
    if kind not in RECIPES:
        raise ValueError(f"unknown kind of game {kind!r}; known: {', '.join(RECIPES)}")
    if unknown := set(changes) - set(RECIPES[kind]):
        raise ValueError(f"the {kind} recipe has no {sorted(unknown)[0]!r}; it has {', '.join(RECIPES[kind])}")
    recipe = RECIPES[kind] | changes
    if recipe.get("reading") and conditions is not None and not ((conditions == 0) | (conditions == 1)).all():
        raise ValueError("the conditions are not all 0 or 1, and only such can be read: pass reading=0")
    G, D, opt_G, opt_D = players(run, images, conditions, kind, recipe)
    batches = run.batches(images if conditions is None else (images, conditions), recipe["batch"])
    books = {"label": label, "ema": "G", "ema_decay": recipe["ema_decay"], "G": G, "D": D, "opt_G": opt_G, "opt_D": opt_D}
    for batch in run.train(batches, steps, minutes, **books):
        step = len(run.history.get("step", []))  # the history survives an interruption
        for opt in (opt_G, opt_D):
            opt.param_groups[0]["lr"] = recipe["lr"] * min(1.0, 2 * (1 - run.progress))
        run.log(**play(step, batch, G, D, opt_G, opt_D, kind, recipe, run.autocast))
    return run.ema["G"].eval()


def players(run, images, conditions, kind, recipe):
    """(G, D, opt_G, opt_D) of a recipe, from the run's seed."""
    torch.manual_seed(run.seed)
    shape = {
        "size": images.shape[-1],
        "channels": images.shape[1],
        "width": recipe["width"],
        "conditions": 0 if conditions is None else conditions.shape[1],
    }
    G, D = gan.Generator(latent=recipe["latent"], **shape).to(run.device), gan.Discriminator(spectral=kind == "hinge", **shape).to(run.device)
    for net in (G, D):
        net.to(memory_format=torch.channels_last)  # the order of numbers in memory that convolutions are fastest with: a round takes a sixth less
    return G, D, *(torch.optim.Adam(net.parameters(), lr=recipe["lr"], betas=recipe["betas"], fused=True) for net in (G, D))


def play(step, batch, G, D, opt_G, opt_D, kind, recipe, autocast=nullcontext):
    """The round that a recipe plays at a step, on images or (images, conditions)."""
    x, c = batch if isinstance(batch, (tuple, list)) else (batch, None)
    if kind == "hinge":
        return hinge_round(x, G, D, opt_G, opt_D, c, recipe["reading"], autocast)
    gamma = recipe["gamma"] * recipe["lazy"] if step % recipe["lazy"] == 0 else 0.0
    return relativistic_round(x, G, D, opt_G, opt_D, c, gamma, autocast)


@torch.no_grad()
def draw(G, n, c=None, seed=1):
    """n images of a generator in the mode it is in, float32 [n, C, H, W], on the CPU; with orders c [n, K] where it wants any."""
    device = next(G.parameters()).device
    z = torch.randn(n, G.latent, generator=torch.Generator().manual_seed(seed)).split(250)
    inputs = zip(z) if c is None else zip(z, c.split(250), strict=True)
    return torch.cat([G(*(part.to(device) for part in parts)).float().cpu() for parts in inputs])
