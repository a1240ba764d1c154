"""A flow made into a generator of one call: by its scores, and by a discriminator."""

import copy

import torch

from genimg_lib import data, flow, gan, pretrained
from genimg_lib.metrics import Evaluator
from genimg_lib.recipes import Trained
from genimg_lib.recipes.flow import JUDGED, seeded
from genimg_lib.training import Muon, others

SETTINGS = {
    "batch": 64,
    "lr_muon": 1e-3,
    "lr_adam": 5e-4,
    "lr_own_muon": 2e-3,  # of the flow of the generator's own samples, which has to keep up
    "lr_own_adam": 2e-3,
    "lr_D": 1e-3,
    "width_D": 32,
    "adversary": 0.03,  # the weight of the discriminator's verdict beside distribution matching
    "betas": (0.0, 0.99),
    "ema_decay": 0.99,
}


def train(run, minutes, teacher="flow_portraits", name="portraits"):
    """A generator of one call from stored weights of a flow; its average is what is stored.

    teacher: of the stored weights. name: of the data set that the flow was trained on.
    """
    net = pretrained.load_flow(teacher, run.device)
    shares = pretrained.facts(teacher).get("shares")
    made = distil(run, net, data.load(name, n=60_000).images, minutes, shares)
    kept = {key: pretrained.facts(teacher)[key] for key in ("data", "network")}
    facts = kept | {"teacher": teacher, "batch": SETTINGS["batch"], "sampler": "one call"}
    if shares:
        facts["shares"] = shares
    return Trained(made, facts, lambda net: measure(net, name, shares))


def distil(run, teacher, images, minutes, shares=None, label="one step"):
    """Train for the minutes; returns the average of the generator's weights, in eval mode.

    It begins as the teacher, and so does the flow of its own samples, which is trained beside it.
    A discriminator of clean images adds what the teacher doesn't know (Yin et al. 2024,
    arXiv:2405.14867, whose discriminator sees noisy ones).
    teacher: a PatchUNet, told groups if there are shares of them, [K]. images: uint8 [N, C, H, W].
    """
    torch.manual_seed(run.seed)
    teacher = copy.deepcopy(teacher).eval().requires_grad_(False)
    net, own = (copy.deepcopy(teacher).train().requires_grad_(True) for _ in range(2))
    size, channels, batch = teacher.size, teacher.channels, SETTINGS["batch"]
    D = gan.Discriminator(size=size, channels=channels, width=SETTINGS["width_D"]).to(run.device)
    muon, adam = _optimisers(net, "lr_muon", "lr_adam")
    own_muon, own_adam = _optimisers(own, "lr_own_muon", "lr_own_adam")
    opt_D = torch.optim.Adam(D.parameters(), SETTINGS["lr_D"], betas=SETTINGS["betas"], fused=True)
    optimisers = {"muon": muon, "adam": adam, "own_muon": own_muon, "own_adam": own_adam}
    books = {"ema": "net", "ema_decay": SETTINGS["ema_decay"], "label": label}
    books |= {"net": net, "own": own, "D": D, "opt_D": opt_D} | optimisers
    for real in run.train(run.batches(images, batch), minutes=minutes, **books):
        run.anneal(*optimisers.values(), opt_D, warmup=30)
        c = None if shares is None else flow.drawn_groups(shares, batch).to(run.device)
        eps, noise, noise_own = torch.randn(3, *real.shape, device=run.device)
        t, t_own = flow.random_times(2 * batch, run.device).chunk(2)
        with run.autocast():
            x = flow.once(net, eps, c).float()
            loss_own = flow.matching_loss(own, x.detach(), noise_own, t_own, c=c)
            loss_D = gan.hinge_d_loss(D(real).float(), D(x.detach()).float())
        _step(loss_own, own_muon, own_adam)
        _step(loss_D, opt_D)
        with run.autocast():
            loss = flow.matched_loss(x, flow.told(teacher, c), flow.told(own, c), noise, t)
            loss = loss + SETTINGS["adversary"] * gan.hinge_g_loss(D(x).float())
        _step(loss, muon, adam)
        run.log(loss_own=loss_own, loss_D=loss_D)
    return run.ema["net"].eval()


def measure(net, name, shares=None, n=JUDGED):
    """The evaluator's figures for n images, of one call each."""
    return Evaluator(name).report(draw(net, n, shares=shares))


def draw(net, n, seed=1, shares=None):
    """n images, on the CPU. shares: of the groups that the network is told, or None."""
    noise = torch.randn(n, net.channels, net.size, net.size, generator=seeded(seed))
    c = None if shares is None else flow.drawn_groups(shares, n, seeded(seed + 1))
    return flow.draw_once(net, noise, c)


def _optimisers(net, muon, adam):
    rates = SETTINGS[muon], SETTINGS[adam]
    betas = SETTINGS["betas"]
    return Muon(net, rates[0]), torch.optim.AdamW(others(net), rates[1], betas=betas, fused=True)


def _step(loss, *optimisers):
    for opt in optimisers:
        opt.zero_grad()
    loss.backward()
    for opt in optimisers:
        opt.step()
