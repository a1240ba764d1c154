"""Whole games: the two steps of a round, who learns from what, and the recipes."""

import copy

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, gan, metrics, pretrained
from genimg_lib.data import portraits
from genimg_lib.recipes import gan as recipes
from genimg_lib.training import start


class Forger(nn.Module):
    latent = 3

    def __init__(self, conditions=0):
        super().__init__()
        self.layer = nn.Linear(3 + conditions, 5)

    def forward(self, z, c=None):
        return self.layer(z if c is None else torch.cat([z, c], dim=1))


class Detective(nn.Module):
    def __init__(self, conditions=0):
        super().__init__()
        self.first, self.last, self.seen = nn.Linear(5 + conditions, 6), nn.Linear(6, 1), []

    def forward(self, x, c=None):
        self.seen.append((x.detach(), c))
        return self.last(torch.tanh(self.first(x if c is None else torch.cat([x, c], dim=1))))[:, 0]


def pair(conditions=0):
    torch.manual_seed(0)
    G, D = Forger(conditions), Detective(conditions)
    return G, D, *(torch.optim.SGD(net.parameters(), lr=0.5) for net in (G, D))


def stepped(net, loss):
    """A copy of the network after a step of plain gradient descent with rate 0.5."""
    after = copy.deepcopy(net)
    slopes = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True, allow_unused=True)
    with torch.no_grad():
        for p, slope in zip(after.parameters(), slopes, strict=True):
            p -= 0.5 * (0 if slope is None else slope)
    return after


@pytest.mark.parametrize("conditions", [0, 2])
@pytest.mark.parametrize("kind", ["hinge", "relativistic", "relativistic, R1"])
def test_a_round_is_ds_step_and_then_gs_against_the_new_d(kind, conditions):
    G, D, opt_G, opt_D = pair(conditions)
    x, c = torch.randn(4, 5), torch.eye(4)[:, :2] if conditions else None
    order = None if c is None else c[[3, 0, 1, 2]]
    torch.manual_seed(7)
    z = torch.randn(4, 3)
    a_real, a_fake = D(x, c), D(G(z, order).detach(), order)
    loss_D = (
        F.relu(1 - a_real).mean() + F.relu(1 + a_fake).mean()
        if kind == "hinge"
        else F.softplus(a_fake - a_real).mean()
    )
    gamma = 3.0 if kind.endswith("R1") else 0.0
    if gamma:
        seen = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(D(seen, c).sum(), seen, create_graph=True)
    new_D = stepped(D, loss_D + gamma / 2 * slope.square().sum(dim=1).mean() if gamma else loss_D)
    a = new_D(G(z, order), order)
    loss_G = -a.mean() if kind == "hinge" else F.softplus(a_real.detach() - a).mean()
    new_G = stepped(G, loss_G)
    torch.manual_seed(7)
    losses = (
        recipes.hinge_round(x, G, D, opt_G, opt_D, c)
        if kind == "hinge"
        else recipes.relativistic_round(x, G, D, opt_G, opt_D, c, gamma)
    )
    assert losses["loss_D"].item() == pytest.approx(loss_D.item(), abs=1e-6) and losses[
        "loss_G"
    ].item() == pytest.approx(loss_G.item(), abs=1e-6)
    for net, wanted in ((D, new_D), (G, new_G)):
        for p, q in zip(net.parameters(), wanted.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6)
    assert all(p.requires_grad for p in D.parameters())


def test_reading_adds_its_loss_on_real_images_to_ds_and_on_fakes_to_gs():
    class Reader(Detective):
        def __init__(self):
            super().__init__(2)
            self.reads = nn.Linear(5, 2)

        def forward(self, x, c=None, classify=False):
            a = super().forward(x, c)
            return (a, self.reads(x)) if classify else a

    torch.manual_seed(0)
    G, D = Forger(2), Reader()
    opts = [torch.optim.SGD(net.parameters(), lr=0.5) for net in (G, D)]
    x, c = torch.randn(4, 5), torch.eye(2)[[0, 1, 1, 0]]
    order = c[[3, 0, 1, 2]]
    torch.manual_seed(7)
    z = torch.randn(4, 3)

    def bits(logits, c):
        return -(c * F.logsigmoid(logits) + (1 - c) * F.logsigmoid(-logits)).sum() / 4

    loss_D = (
        F.relu(1 - D(x, c)).mean()
        + F.relu(1 + D(G(z, order).detach(), order)).mean()
        + 2.0 * bits(D.reads(x), c)
    )
    new_D = stepped(D, loss_D)
    new_G = stepped(
        G, -new_D(G(z, order), order).mean() + 2.0 * bits(new_D.reads(G(z, order)), order)
    )
    torch.manual_seed(7)
    recipes.hinge_round(x, G, D, *opts, c, auxiliary=2.0)
    for net, wanted in ((D, new_D), (G, new_G)):
        for p, q in zip(net.parameters(), wanted.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("play", [recipes.hinge_round, recipes.relativistic_round])
def test_real_images_keep_their_conditions_and_fakes_get_their_neighbours(play):
    G, D, opt_G, opt_D = pair(conditions=4)
    x, c = torch.randn(4, 5), torch.eye(4)
    play(x, G, D, opt_G, opt_D, c)
    images, seen = D.seen[0]
    assert torch.equal(images[:4], x) and torch.equal(seen, torch.cat([c, c.roll(1, dims=0)]))
    # the same fakes, under the same conditions
    assert torch.equal(D.seen[-1][1], c.roll(1, dims=0)) and torch.equal(D.seen[-1][0], images[4:])


def test_forward_passes_run_in_the_context_that_is_given():
    entered = []

    class Context:
        def __enter__(self):
            entered.append(True)

        def __exit__(self, *_):
            pass

    for play in (recipes.hinge_round, recipes.relativistic_round):
        play(torch.randn(4, 5), *pair(), autocast=Context)
    assert len(entered) == 4
    for kind in recipes.RECIPES:
        recipes.play(1, torch.randn(4, 5), *pair(), kind, recipes.RECIPES[kind], Context)
    assert len(entered) == 8


def test_the_penalty_is_lazy_and_weighs_as_much_in_all(monkeypatch):
    asked = []
    monkeypatch.setattr(
        recipes,
        "relativistic_round",
        lambda *_, gamma, **__: asked.append(gamma),
    )
    for step in range(9):
        recipes.play(
            step, torch.zeros(1), None, None, None, None, "relativistic", {"gamma": 0.5, "lazy": 4}
        )
    assert asked == [2.0, 0, 0, 0, 2.0, 0, 0, 0, 2.0]


def test_a_resumed_game_knows_how_far_it_is(monkeypatch):
    run, seen = start("game"), []

    def resumed(batches, *_, **__):
        run.history = {"step": [0, 1, 2, 3, 4], "loss_D": [1.0] * 5}
        yield torch.zeros(8, 1, 16, 16)
        yield torch.zeros(8, 1, 16, 16)

    monkeypatch.setattr(run, "train", resumed)
    monkeypatch.setattr(recipes, "play", lambda step, *_: seen.append(step) or {"loss_D": 1.0})
    run.ema["G"] = gan.Generator(16, 1, 6, 4)
    recipes.train(run, images, steps=7, width=4, batch=8)
    assert seen == [5, 6]  # lazy penalties go on as if nothing had happened


images = torch.randint(
    256, (40, 1, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
)
conditions = F.one_hot(torch.arange(40) % 3, 3).float()


@pytest.mark.parametrize("c", [None, conditions], ids=["free", "ordered"])
@pytest.mark.parametrize(("kind", "spectral"), [("hinge", True), ("relativistic", False)])
def test_the_recipe_trains_and_gives_the_averaged_generator(kind, spectral, c):
    run = start("game")
    G = recipes.train(run, images, steps=5, conditions=c, kind=kind, width=4, batch=8, latent=6)
    assert not G.training
    assert G.latent == 6 and G.conditions == (0 if c is None else 3)
    borrowed = run.ema["G"].state_dict()
    for name, value in recipes.settled(G, c).state_dict().items():
        # averaged weights, with statistics of their own instead of the last weights'
        torch.testing.assert_close(value, G.state_dict()[name])
        is_kept = torch.equal(value, borrowed[name])
        assert is_kept != name.endswith(("running_mean", "running_var", "num_batches_tracked"))
    assert run.history["step"] == list(range(5))
    G, D, opt_G, opt_D = recipes.players(run, images, c, kind, recipes.RECIPES[kind])
    assert hasattr(D.last, "parametrizations") == spectral
    assert (
        opt_D.param_groups[0]["lr"] == recipes.RECIPES[kind]["lr"]
        and opt_G.param_groups[0]["betas"] == recipes.RECIPES[kind]["betas"]
    )


def test_the_same_seed_gives_the_same_generator():
    first, second = (
        recipes.train(start("game", seed=4), images, steps=3, width=4, batch=8).state_dict()
        for _ in range(2)
    )
    run = start("game", seed=4)
    one, two = (
        recipes.players(run, images, None, "hinge", recipes.RECIPES["hinge"])[0].first.weight
        for _ in range(2)
    )
    assert torch.equal(one, two)  # every game of a run begins alike
    other = recipes.train(start("game", seed=5), images, steps=3, width=4, batch=8).state_dict()
    assert all(torch.equal(v, second[k]) for k, v in first.items()) and not torch.equal(
        first["first.weight"], other["first.weight"]
    )


def test_the_rate_is_constant_for_a_half_and_then_falls_to_nothing(monkeypatch):
    rates = []
    monkeypatch.setattr(
        recipes,
        "play",
        lambda step, batch, G, D, opt_G, opt_D, *_: (
            rates.append([o.param_groups[0]["lr"] for o in (opt_G, opt_D)]) or {}
        ),
    )
    recipes.train(start("game"), images, steps=8, width=4, batch=8, lr=0.4)
    assert rates == [[pytest.approx(r)] * 2 for r in (0.4, 0.4, 0.4, 0.4, 0.4, 0.3, 0.2, 0.1)]


def test_unknown_kinds_and_changes_are_refused_with_those_that_are_known():
    run = start("game")
    with pytest.raises(ValueError, match=r"'wasserstein'.*hinge, relativistic"):
        recipes.train(run, images, steps=1, kind="wasserstein")
    with pytest.raises(ValueError, match="auxiliary=0"):
        recipes.train(
            start("t"),
            torch.zeros(8, 1, 16, 16, dtype=torch.uint8),
            steps=1,
            conditions=torch.full((8, 2), 0.5),
            kind="hinge",
        )
    with pytest.raises(ValueError, match=r"'depth'.*latent, width, batch"):
        recipes.train(run, images, steps=1, depth=3)


def test_images_are_drawn_from_a_seed_one_for_each_condition():
    torch.manual_seed(0)
    G = gan.Generator(16, 1, 6, 4, conditions=3).eval()
    c = F.one_hot(torch.arange(600) % 3, 3).float()
    made = recipes.sample(G, 600, c, seed=2)
    z = torch.randn(600, 6, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(made[595:], G(z[595:], c[595:]), rtol=1e-4, atol=1e-5)
    assert made.shape == (600, 1, 16, 16) and not torch.equal(
        made, recipes.sample(G, 600, c, seed=3)
    )
    assert recipes.sample(gan.Generator(16, 1, 6, 4).eval(), 10).shape == (10, 1, 16, 16)


# -------------------------------------------------- generators that come with the course

SHIPPED = ("conditional_gan_portraits", "gan_portraits", "stable_gan_portraits")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_generator_reaches_what_its_results_say(name):
    G, facts = pretrained.load_generator(name), pretrained.facts(name)
    assert not G.training and not any(p.requires_grad for p in G.parameters())
    targets = data.load("portraits", "test", n=1_000, seed=3).factors if G.conditions else None
    made = recipes.sample(G, 1_000, portraits.one_hot(targets) if targets else None)
    evaluator = metrics.Evaluator("portraits")
    assert evaluator.fd(made) < facts["fd"] + 3 * evaluator.floor(1_000)
    read = evaluator.read(made)
    variation, produced = metrics.coverage(read)
    assert (
        max(variation.values()) < facts["worst_variation"] + 0.05
        and facts["worst_variation"] <= 0.15
    )
    assert produced >= 0.95
    for factor in ("hair", "hair_color", "glasses", "hat", "mouth") if targets else ():
        assert (read[factor] == targets[factor]).double().mean() > facts[
            f"accuracy_{factor}"
        ] - 0.03
    assert {"data", "steps", "minutes", "device", "seed", "fd", "fd_floor", "n"} <= set(facts)


def test_an_unknown_generator_is_refused_with_those_that_are_known():
    with pytest.raises(
        ValueError,
        match=(r"'gan_cats'.*conditional_gan_portraits, gan_portraits, stable_gan_portraits"),
    ):
        pretrained.load_generator("gan_cats")
