"""Every way in which the course writes a step, on one process or several.

Averaged in three ways.

Saves the weights that each ends with: "hook" is `run.train`'s way, "ddp" torch's
DistributedDataParallel, "nothing" no averaging at all; "resumed" is the hook again, interrupted
after half of its steps and started anew.
"""

import copy
import os
from pathlib import Path

import torch
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel

from genimg_lib import gan, vae
from genimg_lib.training import start

STEPS, BATCH, SIZE, LATENT, CLASSES = 4, 8, 16, 6, 3  # BATCH: of all processes together


# where DistributedDataParallel, with its defaults, is right; with two passes before two backwards
# it is silently wrong, and a penalty's own backward stops it (torch 2.13)
DDP_CAN = ("vae", "dcgan", "summed", "r1_in_the_sum", "conditional")


class Shares:
    """Batches (x, z, c) of which each process sees its share; the same in all for a given step."""

    def __init__(self, rank, world):
        self.rank, self.world, self.step = rank, world, 0

    def __iter__(self):
        return self

    def __next__(self):
        g = torch.Generator().manual_seed(self.step)
        x = torch.rand(BATCH, 1, SIZE, SIZE, generator=g) * 2 - 1
        z = torch.randn(BATCH, LATENT, generator=g)
        label = torch.randint(CLASSES, (BATCH,), generator=g)
        self.step += 1
        c = nn.functional.one_hot(label, CLASSES).float()
        return tuple(part.chunk(self.world)[self.rank] for part in (x, z, c))

    def state_dict(self):
        return {"step": self.step}

    def load_state_dict(self, state):
        self.step = state["step"]


class PlainGenerator(nn.Module):
    """No batch norm, which would normalise each process's share by itself."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(LATENT, SIZE * SIZE)

    def forward(self, z, c=None):
        return torch.tanh(self.layer(z)).view(-1, 1, SIZE, SIZE)


class Autoencoder(nn.Module):
    """A VAE as one module, as DistributedDataParallel wants it."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(SIZE * SIZE, 2 * LATENT), nn.Linear(LATENT, SIZE**2)

    def forward(self, x, eps):
        mean, logvar = self.encode(x.flatten(1)).chunk(2, dim=1)
        x_hat = self.decode(vae.reparameterize(mean, logvar, eps))
        error = (x_hat - x.flatten(1)).square().sum(dim=1)
        return (error + vae.gaussian_kl(mean, logvar)).mean()


def minimise(opt, *losses):
    """One step, with a backward for each loss."""
    opt.zero_grad()
    for loss in losses:
        loss.backward()
    opt.step()


def vae_step(step, batch, nets, opts):
    x, z, _ = batch
    minimise(opts["D"], nets["D"](x, z))


def summed(step, batch, nets, opts):
    x, z, _ = batch
    fake = nets["G"](z)
    real_logits, fake_logits = nets["D"](torch.cat([x, fake.detach()])).chunk(2)
    minimise(opts["D"], gan.minimax_d_loss(real_logits, fake_logits))
    minimise(opts["G"], gan.nonsaturating_g_loss(nets["D"](fake)))


def two_passes_two_backwards(step, batch, nets, opts):
    x, z, _ = batch
    fake = nets["G"](z)
    real_logits, fake_logits = nets["D"](x), nets["D"](fake.detach())
    losses = gan.nonsaturating_g_loss(real_logits), gan.nonsaturating_g_loss(-fake_logits)
    minimise(opts["D"], *losses)
    minimise(opts["G"], gan.nonsaturating_g_loss(nets["D"](fake)))


def r1_in_the_sum(step, batch, nets, opts):
    x, z, _ = batch
    fake = nets["G"](z).detach()
    loss = gan.relativistic_d_loss(nets["D"](x), nets["D"](fake))
    minimise(opts["D"], loss + 0.5 * gan.r1_penalty(nets["D"], x))


def r1_by_its_own_backward(step, batch, nets, opts):
    x, z, _ = batch
    fake = nets["G"](z).detach()
    loss = gan.relativistic_d_loss(nets["D"](x), nets["D"](fake))
    minimise(opts["D"], loss, 0.5 * gan.r1_penalty(nets["D"], x))


def lazy_r1(step, batch, nets, opts):
    x, z, _ = batch
    fake = nets["G"](z).detach()
    losses = [gan.relativistic_d_loss(nets["D"](x), nets["D"](fake))]
    if step % 2 == 0:
        losses.append(gan.r1_penalty(nets["D"], x))
    minimise(opts["D"], *losses)


def conditional(step, batch, nets, opts):
    x, z, c = batch
    fake, wanted = nets["G"](z, c), c
    seen, conditions = torch.cat([x, fake.detach()]), torch.cat([c, wanted])
    a, guess = nets["D"](seen, conditions, classify=True)
    loss = gan.hinge_d_loss(*a.chunk(2))
    minimise(opts["D"], loss + gan.auxiliary_classifier_loss(guess[: len(x)], c))
    a, guess = nets["D"](fake, wanted, classify=True)
    loss = gan.hinge_g_loss(a) + gan.auxiliary_classifier_loss(guess, wanted)
    minimise(opts["G"], loss)


PATTERNS = {  # name: (the step, has G batch norm, are there conditions, has D spectral norm)
    "vae": (vae_step, None, False, False),
    "dcgan": (summed, True, False, True),
    "summed": (summed, False, False, True),
    "two_passes_two_backwards": (two_passes_two_backwards, False, False, True),
    "r1_in_the_sum": (r1_in_the_sum, False, False, False),
    "r1_by_its_own_backward": (r1_by_its_own_backward, False, False, False),
    "lazy_r1": (lazy_r1, False, False, False),
    "conditional": (conditional, True, True, True),
}


def networks(name):
    """{name: network}, the same in every process."""
    _, batch_norm, has_conditions, spectral = PATTERNS[name]
    torch.manual_seed(1)
    if batch_norm is None:
        return {"D": Autoencoder()}
    conditions = CLASSES if has_conditions else 0
    G = gan.Generator(SIZE, 1, LATENT, 4, conditions) if batch_norm else PlainGenerator()
    return {"G": G, "D": gan.Discriminator(SIZE, 1, 4, conditions, spectral=spectral)}


def optimisers(nets):
    return {
        name: torch.optim.Adam(net.parameters(), lr=1e-2, betas=(0.0, 0.99))
        for name, net in nets.items()
    }


def by_hand(name, rank, world, ddp):
    """The weights after a plain loop, with DistributedDataParallel or with nothing."""
    nets, batches = networks(name), Shares(rank, world)
    opts = optimisers(nets)
    wrapped = nets
    if ddp:
        wrapped = {
            key: DistributedDataParallel(net, broadcast_buffers=False) for key, net in nets.items()
        }
    for step in range(STEPS):
        PATTERNS[name][0](step, next(batches), wrapped, opts)
    return nets


def by_run(run, name, rank, world, label, stop_at=None):
    """The weights after `run.train`, which may be interrupted."""
    nets, batches = networks(name), Shares(rank, world)
    opts = optimisers(nets)
    objects = {**nets, **{f"opt_{key}": opt for key, opt in opts.items()}}
    training = run.train(batches, STEPS, checkpoint_every=2, label=label, **objects)
    for batch in training:
        step = run._training.step
        if step == stop_at:
            training.throw(KeyboardInterrupt())
        PATTERNS[name][0](step, batch, nets, opts)
    return nets


def interrupted(run, name, rank, world):
    try:
        by_run(run, name, rank, world, "resumed", stop_at=3)
    except KeyboardInterrupt:
        pass
    return by_run(run, name, rank, world, "resumed")


def kept(nets):
    return {f"{n}.{k}": v.clone() for n, net in nets.items() for k, v in net.state_dict().items()}


def main(folder):
    run = start("all_patterns")
    rank, world = run.state.process_index, run.processes
    found = {}
    for name in PATTERNS:
        own = start(f"patterns_{name}")
        found[f"{name} hook"] = kept(by_run(own, name, rank, world, "hook"))
        found[f"{name} resumed"] = kept(interrupted(own, name, rank, world))
        found[f"{name} nothing"] = kept(by_hand(name, rank, world, ddp=False))
        if world > 1 and name in DDP_CAN:
            found[f"{name} ddp"] = kept(by_hand(name, rank, world, ddp=True))
    torch.save(copy.deepcopy(found), Path(folder) / f"patterns_{world}_{rank}.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(os.environ["GENIMG_OUT"])
