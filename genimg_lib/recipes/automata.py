"""Automata: a rule that makes a material everywhere, and one that grows a portrait."""

import torch
import torch.nn.functional as F

from genimg_lib import automata, data, pretrained, style, worlds
from genimg_lib.automata import Automaton
from genimg_lib.data import textures
from genimg_lib.recipes import Trained

MATERIAL = {"kind": "waves", "seed": 7}  # of data.textures, a square of 64 pixels
OF_TEXTURE = {"channels": 8, "hidden": 24, "edge": "wrap"}  # 984 weights
OF_PORTRAIT = {"channels": 16, "hidden": 96, "edge": "zero", "ground": 1.0}
# a portrait of 32 pixels in a field of 40, so that it has to know where it ends
FACE = {"hair": "curly", "hair_color": "red", "glasses": "round", "mouth": "smile", "skin": "light"}
SIDE, FIELD = 64, 40
BOUND, OVERFLOW = 2.0, 1.0  # of a state, and the weight of what lies beyond


def train_texture(run, minutes, kind=MATERIAL["kind"], seed=MATERIAL["seed"]):
    """An Automaton that makes a material of data.textures, from nothing, wherever it runs."""
    target = material(kind, seed)
    net = pretrained.features()
    grams = [style.gram(maps) for maps in net(target)]
    torch.manual_seed(run.seed)
    rule = Automaton(**OF_TEXTURE)

    def loss_of(states):
        return style.style_loss(net(rule.ground + states[:, :3]), grams)

    first = automata.blank(1, rule.channels, SIDE)
    rule = teach(run, rule, first, minutes, loss_of, batch=4, steps=(24, 48), wounds=0)
    facts = {"network": OF_TEXTURE, "kind": kind, "drawn_from": seed}
    return Trained(rule, facts, lambda rule: measure_texture(rule, net, grams))


def train_portrait(run, minutes):
    """An Automaton that grows FACE from one cell, and again after it was wounded."""
    target = face()
    torch.manual_seed(run.seed)
    rule = Automaton(**OF_PORTRAIT)

    def loss_of(states):
        return (rule.ground + states[:, :3] - target).square().mean(dim=(1, 2, 3))

    first = automata.seed_cell(1, rule.channels, FIELD)
    rule = teach(run, rule, first, minutes, loss_of, batch=8, steps=(40, 64), wounds=3)
    return Trained(rule, {"network": OF_PORTRAIT, "face": FACE}, measure_portrait)


def teach(run, rule, first, minutes, loss_of, batch, steps, wounds):
    """Train a rule on states that it has made itself, from a pool.

    loss_of: states to losses [N] or one. steps: (least, most) of a run. wounds: how many states of
    a batch lose half of themselves first.
    The gradient of each weight is divided by its norm, since it comes through many steps.
    """
    g = torch.Generator().manual_seed(run.seed)
    pool = automata.Pool(first, 256, g)
    opt = torch.optim.Adam(rule.parameters(), lr=2e-3, betas=(0.5, 0.9))
    count = iter(lambda: 0, 1)
    for _ in run.train(count, minutes=minutes, label="automaton", rule=rule, opt=opt, g=g):
        run.anneal(opt)
        places, states = pool.draw(batch)
        with torch.no_grad():
            worst_first = loss_of(states).reshape(-1).expand(batch).argsort(descending=True)
        places, states = places[worst_first], states[worst_first]
        states[:1] = first
        if wounds:
            states[-wounds:] = automata.wounded(states[-wounds:], g)
        length = int(torch.randint(steps[0], steps[1] + 1, (), generator=g))
        states = rule.run(states, length, g)
        loss = loss_of(states).mean()
        beyond = (states - states.clamp(-BOUND, BOUND)).abs().mean()
        opt.zero_grad()
        (loss + OVERFLOW * beyond).backward()
        for weight in rule.parameters():
            weight.grad /= weight.grad.norm() + 1e-8
        opt.step()
        pool.put(places, states)
        run.log(loss=loss)
    return rule.eval()


def material(kind, seed, size=SIDE):
    """A material of data.textures: float [1, 3, size, size]."""
    return data.to_float(textures.draw(1, size, seed, (kind,))[0])


def face(field=FIELD):
    """FACE without a background, on white: float [1, 3, field, field]."""
    front, alpha = worlds.cut_out(FACE)
    seen = alpha * front + 1 - alpha
    side = (field - front.shape[-1]) // 2
    return F.pad(2 * seen - 1, (side, side, side, side), value=1.0)


@torch.no_grad()
def measure_texture(rule, net, grams):
    """The style loss after 100, 1,000 and 5,000 steps, and beside it that of the untrained rule."""
    g = torch.Generator().manual_seed(1)
    state, found, done = automata.blank(1, rule.channels, 128), {}, 0
    for steps in (100, 1_000, 5_000):
        state, done = rule.run(state, steps - done, g), steps
        found[f"style_{steps}"] = style.style_loss(net(rule.picture(state)), grams).item()
    return found


@torch.no_grad()
def measure_portrait(rule, old=5_000):
    """Errors: grown in 100 steps, 200 steps after a wound (mean of 8), after `old` steps."""
    g, target = torch.Generator().manual_seed(1), face()

    def error(state):
        return (rule.picture(state) - target).square().mean(dim=(1, 2, 3)).mean().item()

    grown = rule.run(automata.seed_cell(8, rule.channels, FIELD), 100, g)
    hurt = automata.wounded(grown, g)
    healed = rule.run(hurt, 200, g)
    aged = rule.run(grown[:2], old - 100, g)
    found = {"grown": grown, "wounded": hurt, "healed": healed, f"after_{old}": aged}
    return {f"error_{name}": error(state) for name, state in found.items()}
