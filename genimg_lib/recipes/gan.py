"""Whole games: a round of either kind, and the recipes of benchmarks and of trained weights.

Notebooks 22 to 24 write these rounds out; here they are once more, for use.
"""

from contextlib import nullcontext

import torch

from genimg_lib import gan, layers
from genimg_lib.errors import unknown

_COMMON = {"latent": 64, "width": 24, "batch": 32, "betas": (0.0, 0.99), "ema_decay": 0.995}
RECIPES = {
    # spectral norm; with conditions, D has an auxiliary classifier of that weight
    "hinge": _COMMON | {"lr": 3e-3, "auxiliary": 1.0},
    # R1 at every fourth round, four times as heavy; BigGAN's latents by level and the weight of its
    # orthogonal penalty (notebook 25)
    "relativistic": _COMMON
    | {"lr": 2e-3, "gamma": 1.0, "lazy": 4, "by_level": False, "orthogonal": 0.0},
}


def hinge_round(x, G, D, opt_G, opt_D, c=None, auxiliary=0.0, autocast=nullcontext):
    """One step of D, then one of G, with the hinge losses: {"loss_D", "loss_G"}.

    x: real images [N, C, H, W]; G has its `latent`. D should hold its own slope, by spectral norm.
    c: their conditions [N, K], if the networks want any; the fakes' are those of their neighbours.
    auxiliary: weight of the auxiliary classifier's losses (only with c): D learns to classify real
        images, and G to be classified as its condition says (Odena et al. 2016, arXiv:1610.09585,
        where D classifies fakes too).
    autocast: gives the context of the forward passes.
    """
    wanted = None if c is None else c.roll(1, dims=0)
    classify = auxiliary > 0 and c is not None
    with autocast():
        fake = G(torch.randn(len(x), G.latent, device=x.device), wanted)
        a_real, a_fake, guess = _logits(D, x, fake.detach(), c, wanted, classify)
    loss_D = gan.hinge_d_loss(a_real, a_fake)
    total = loss_D
    if classify:
        total = loss_D + auxiliary * gan.auxiliary_classifier_loss(guess, c)
    _step(opt_D, total)
    D.requires_grad_(False)  # gradients pass through D, but nobody needs its own
    with autocast():
        a_fake, guess = D(fake, wanted, classify=True) if classify else (D(fake, wanted), None)
    loss_G = gan.hinge_g_loss(a_fake.float())
    total = loss_G
    if classify:
        total = loss_G + auxiliary * gan.auxiliary_classifier_loss(guess.float(), wanted)
    _step(opt_G, total)
    D.requires_grad_(True)
    return {"loss_D": loss_D, "loss_G": loss_G}


def relativistic_round(
    x, G, D, opt_G, opt_D, c=None, gamma=1.0, orthogonal=0.0, autocast=nullcontext
):
    """One step of D, then one of G, with the relativistic losses: {"loss_D", "loss_G"}.

    gamma: R1 is added with weight gamma / 2 where it is above 0. Computed at every k-th round
        only, a penalty should weigh k times as much (Karras et al. 2020, arXiv:1912.04958).
    orthogonal: weight of `gan.orthogonal_penalty` of G.
    Other arguments as for `hinge_round`.
    """
    wanted = None if c is None else c.roll(1, dims=0)
    with autocast():
        fake = G(torch.randn(len(x), G.latent, device=x.device), wanted)
        a_real, a_fake, _ = _logits(D, x, fake.detach(), c, wanted)
    loss_D = gan.relativistic_d_loss(a_real, a_fake)
    total = loss_D
    if gamma:
        total = loss_D + gamma / 2 * gan.r1_penalty(lambda images: D(images, c), x)
    _step(opt_D, total)
    D.requires_grad_(False)
    with autocast():
        a_fake = D(fake, wanted).float()
    # the reals' logits are a step old, which saves a pass
    loss_G = gan.relativistic_g_loss(a_real.detach(), a_fake)
    _step(opt_G, loss_G + orthogonal * gan.orthogonal_penalty(G) if orthogonal else loss_G)
    D.requires_grad_(True)
    return {"loss_D": loss_D, "loss_G": loss_G}


def _logits(D, x, fake, c, wanted, classify=False):
    """D's logits of real and fake images, and the auxiliary classifier's of the real ones.

    All are seen in one pass: nothing in D mixes the images of a batch.
    """
    seen = torch.cat([x, fake])
    conditions = None if c is None else torch.cat([c, wanted])
    if not classify:
        return *D(seen, conditions).float().chunk(2), None
    a, guess = D(seen, conditions, classify=True)
    return *a.float().chunk(2), guess[: len(x)].float()


def _step(opt, loss):
    opt.zero_grad()
    loss.backward()
    opt.step()


def train(
    run,
    images,
    minutes=None,
    steps=None,
    conditions=None,
    kind="relativistic",
    label="train",
    **changes,
):
    """The averaged generator of a game, in eval mode, with batch-norm statistics of its own.

    images: uint8 [N, C, H, W].
    minutes, steps: when to stop.
    conditions: [N, K] that the generator should obey, or None.
    kind: of RECIPES.
    changes: of its entries.
    label: of the training. The learning rate is constant for the first half, then falls to 0.
    Raises ValueError for another kind or an unknown change, and where conditions that are no zeros
    and ones should be classified.
    """
    recipe = changed(kind, changes)
    classify = recipe.get("auxiliary") and conditions is not None
    if classify and not ((conditions == 0) | (conditions == 1)).all():
        raise ValueError(
            "expected conditions of 0 and 1, which alone can be classified; "
            "got others: pass auxiliary=0"
        )
    G, D, opt_G, opt_D = players(run, images, conditions, kind, recipe)
    data = images if conditions is None else (images, conditions)
    batches = run.batches(data, recipe["batch"])
    objects = {"G": G, "D": D, "opt_G": opt_G, "opt_D": opt_D}
    average = {"ema": "G", "ema_decay": recipe["ema_decay"]}
    for batch in run.train(batches, steps, minutes, label=label, **average, **objects):
        step = len(run.history.get("step", []))  # the history survives an interruption
        run.anneal(opt_G, opt_D)
        run.log(**play(step, batch, G, D, opt_G, opt_D, kind, recipe, run.autocast))
    return settled(run.ema["G"], conditions)


def settled(G, conditions=None, n=1_000):
    """`gan.settled` of a generator, with n latents, and the first n conditions if it has any."""
    told = () if conditions is None else (conditions[:n],)
    n = len(told[0]) if told else n
    z = torch.randn(n, G.latent, generator=torch.Generator().manual_seed(3))
    return gan.settled(G, z, *told)


def changed(kind, changes):
    """The recipe of a kind of game with some of its entries changed.

    Raises ValueError for another kind or an unknown entry.
    """
    if kind not in RECIPES:
        raise unknown("kind of game", kind, RECIPES)
    for entry in changes:
        if entry not in RECIPES[kind]:
            raise unknown(f"entry of the {kind} recipe", entry, RECIPES[kind])
    return RECIPES[kind] | changes


def players(run, images, conditions, kind, recipe):
    """(G, D, opt_G, opt_D) of a recipe, from the run's seed."""
    torch.manual_seed(run.seed)
    shape = {
        "size": images.shape[-1],
        "channels": images.shape[1],
        "width": recipe["width"],
        "conditions": 0 if conditions is None else conditions.shape[1],
    }
    options = {"latent": recipe["latent"], "by_level": recipe.get("by_level", False)}
    G = gan.Generator(**options, **shape).to(run.device)
    D = gan.Discriminator(spectral=kind == "hinge", **shape).to(run.device)
    optimisers = []
    for net in (G, D):
        # the order in memory that convolutions are fastest with: a round takes a sixth less
        net.to(memory_format=torch.channels_last)
        settings = {"lr": recipe["lr"], "betas": recipe["betas"], "fused": True}
        optimisers.append(torch.optim.Adam(net.parameters(), **settings))
    return G, D, *optimisers


def play(step, batch, G, D, opt_G, opt_D, kind, recipe, autocast=nullcontext):
    """The round that a recipe plays at a step, on images or (images, conditions)."""
    x, c = batch if isinstance(batch, (tuple, list)) else (batch, None)
    if kind == "hinge":
        return hinge_round(x, G, D, opt_G, opt_D, c, recipe["auxiliary"], autocast)
    is_due = step % recipe["lazy"] == 0
    gamma = recipe["gamma"] * recipe["lazy"] if is_due else 0.0
    rest = {"gamma": gamma, "orthogonal": recipe.get("orthogonal", 0.0), "autocast": autocast}
    return relativistic_round(x, G, D, opt_G, opt_D, c, **rest)


def sample(G, n, c=None, seed=1):
    """n images of a generator in the mode it is in, float32 [n, C, H, W], on the CPU.

    c: conditions [n, K] where it wants any.
    seed: of the latents.
    """
    z = torch.randn(n, G.latent, generator=torch.Generator().manual_seed(seed))
    return layers.in_batches(G, z) if c is None else layers.in_batches(G, z, c)
