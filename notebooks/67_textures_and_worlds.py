# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -jupytext.text_representation
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 67 Textures and worlds: materials, things that grow, scenes and characters
#
# *You will continue a material without a visible seam, grow a face from one cell and wound it, and send a character through a landscape, mixed as light mixes.*
#
# ![Four frames: a wall of pink and purple bricks with a poster of a face in perspective, hills behind it, and the same person, farther to the right in each frame.](../data/pictures/67_textures_and_worlds.webp)
#
# **You need** notebooks 11, 16 and 41; the characters also 65.
# The table below says how long it takes.
# What the text says about trained networks is checked where `CHECKED` is true: in the profile cpu.

# %% tags=["hide-cell"]
# Makes this notebook run anywhere: where the course is missing (Colab, Kaggle), it is
# installed: from GENIMG_SOURCE, from the course's address, or from a wheel beside you.
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("genimg_lib") is None:
    wheels = sorted(map(str, Path.cwd().glob("genimg-*.whl")))
    address = ""
    source = os.environ.get("GENIMG_SOURCE") or address or "".join(wheels[-1:])
    if not source:
        raise RuntimeError(
            f"genimg is not installed, and {Path.cwd()} holds no wheel genimg-*.whl; "
            "put one there, or name one in GENIMG_SOURCE"
        )
    print(f"installing genimg from {source} ...")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", source], check=True)
    importlib.invalidate_caches()

# %%
import itertools
import time

import torch
import torch.nn.functional as F

from genimg_lib import automata, data, metrics, plots, pretrained, style, tables, worlds
from genimg_lib.automata import Automaton
from genimg_lib.data import portraits, textures
from genimg_lib.layers import count_parameters
from genimg_lib.training import start
from genimg_lib.widgets import explore

# %%
run = start(
    "67_textures_and_worlds",
    quilt=(96, 512, 512),
    steps=(3, 800, 4_000),
    long=(40, 5_000, 5_000),
    wounds=(2, 8, 16),
    frames=(4, 24, 48),
)
CHECKED = run.profile == "cpu"  # what the text says of trained networks holds
tables.show_expected("67_textures_and_worlds", "seam", "healed", "same_person")

# %% [markdown]
# ## Why
#
# A game, a film, a picture laid over the world through a telephone: all need materials without end, places to walk through, and persons who stay themselves from frame to frame.
# Three old ideas and a new one make them here: patches and the paths between them, layers of transparency, and a rule so small that it fits on a page, which each cell of a picture follows by itself.
#
# ## The maths: the cheapest path
#
# To continue a material, lay patches of it side by side, overlapping (**image quilting**, Efros and Freeman 2001).
# In the overlap two patches disagree; where is the cut least seen?
# Along the path from top to bottom with the least sum of squared differences $e_{ij}$, that goes down a row at a time and at most one column aside.
#
# There are up to $W\,3^{H-1}$ paths.
# But the cheapest one to $(i, j)$ comes from one of three places above, and is the cheapest one to there:
#
# $$E_{ij} = e_{ij} + \min(E_{i-1,\,j-1},\, E_{i-1,\,j},\, E_{i-1,\,j+1}). \tag{1}$$
#
# One pass down finds all $E$, one pass up the path: $3HW$ steps (**dynamic programming**).


# %%
def least_path(e):
    """The column of the cheapest path in each row, by (1)."""
    H, W = e.shape
    E = e.clone()
    for i in range(1, H):
        for j in range(W):
            E[i, j] = e[i, j] + E[i - 1, max(j - 1, 0) : j + 2].min()
    path = [int(E[-1].argmin())]
    for i in range(H - 2, -1, -1):
        low = max(path[-1] - 1, 0)
        path.append(low + int(E[i, low : path[-1] + 2].argmin()))
    return torch.tensor(path[::-1])


# %%
def brute_force(e):
    """The least cost of all paths."""
    H, W = e.shape
    paths = itertools.product(range(W), repeat=H)
    allowed = (
        p for p in paths if all(abs(a - b) <= 1 for a, b in itertools.pairwise(p))
    )
    return min(sum(e[i, j].item() for i, j in enumerate(p)) for p in allowed)


g = torch.Generator().manual_seed(0)

# %%
for _ in range(5):
    e = torch.rand(6, 4, generator=g, dtype=torch.float64)
    path = least_path(e)
    assert abs(e[torch.arange(6), path].sum().item() - brute_force(e)) < 1e-9
    assert torch.equal(path, worlds.least_path(e))
print(f"the cheapest of at most {4 * 3**5} paths, five times")

# %% [markdown]
# ## Build: more of a material
#
# Patch by patch, in rows: of all patches of the material, those count as fitting whose error in the overlap is at most 1.1 times the least; one of them is drawn, and the cheapest path cuts it.
# Three ways beside each other: patches by chance, patches that fit but with straight edges, and with the path.


# %%
def taken_of(there, new, overlap, left, above):
    """Where the new patch is taken, cut on two sides: bool [patch, patch]."""
    taken = torch.ones(new.shape[1:], dtype=torch.bool)
    difference = (there - new).square().sum(dim=0)
    if left:
        taken[:, :overlap] &= worlds.behind(difference[:, :overlap])
    if above:
        taken[:overlap] &= worlds.behind(difference[:overlap].T).T
    return taken


# %%
def by_patches(texture, size, patch=32, overlap=8, fits=True, cut=True, seed=0):
    """Patches in rows over an area: [3, size, size]."""
    g, step = torch.Generator().manual_seed(seed), patch - overlap
    count = -(-(size - overlap) // step)
    side = count * step + overlap
    canvas = texture.new_zeros(3, side, side)
    known = torch.zeros(side, side, dtype=torch.bool)
    sources = worlds.quilting.Sources(texture, patch)
    for row, column in itertools.product(range(count), repeat=2):
        rows = slice(row * step, row * step + patch)
        columns = slice(column * step, column * step + patch)
        there, seen = canvas[:, rows, columns], known[rows, columns]
        new = sources.draw(there, seen & fits, 0.1, g)
        taken = taken_of(there, new, overlap, cut and column, cut and row)
        canvas[:, rows, columns] = torch.where(taken, new, there)
        known[rows, columns] = True
    return canvas[:, :size, :size]


# %%
leaves = data.to_float(textures.draw(1, 96, 5, ("leaves",))[0])[0]
ways = {
    "by chance": by_patches(leaves, 160, fits=False, cut=False),
    "that fit": by_patches(leaves, 160, cut=False),
    "that fit, and cut": by_patches(leaves, 160),
}
own = worlds.quilt(leaves, 160, generator=torch.Generator().manual_seed(0))
assert torch.equal(own, ways["that fit, and cut"])

# %%
frame = F.pad(leaves, (32, 32, 32, 32), value=1.0)
plots.show(
    plots.grid(
        torch.stack([frame, *ways.values()]),
        cols=4,
        labels=["the material", *(f"patches {name}" for name in ways)],
    ),
    alt="The material, and three larger pieces: patches by chance, with hard edges "
    "of squares; patches that fit, with some edges left; and cut, without a "
    "visible edge.",
    caption="More of a material, in three ways.",
)


# %% [markdown]
# How much do colours jump across the edges of the patches?
# The mean difference of neighbours on both sides of an edge, over that everywhere: 1 where an edge is a place like others.
# (With a cut, the seam no longer lies on that line: it winds through the 8 pixels behind it. So the last row says that the straight edge is gone; how well the cut hides itself, the picture shows.)


# %%
def edge_ratio(image, step=24):
    """How much more an image changes at the patches' edges than everywhere."""
    across, down = image.diff(dim=2).abs(), image.diff(dim=1).abs()
    at = torch.arange(step - 1, image.shape[1] - 1, step)
    edges = torch.cat([across[:, :, at].flatten(), down[:, at].flatten()])
    return (edges.mean() / torch.cat([across.flatten(), down.flatten()]).mean()).item()


# %%
jumps = {name: edge_ratio(image) for name, image in ways.items()}
tables.show(list(jumps.items()), ("patches", "jump at edges, times that everywhere"))
assert jumps["by chance"] > 1.5 and jumps["that fit, and cut"] < jumps["that fit"]

# %% [markdown]
# ### A tile that repeats
#
# For a wall one wants a picture whose right side fits its left one.
# So the last patch of a row has to fit the first one, too: it is laid across the end and cut on both sides, and likewise the last row.
# `worlds.seam_ratio` compares neighbours across the picture's ends with those inside.

# %%
KINDS_SHOWN = ("leaves", "cells", "waves", "bricks")
materials = {
    kind: data.to_float(textures.draw(1, 128, 11 + k, (kind,))[0])[0]
    for k, kind in enumerate(KINDS_SHOWN)
}
tiles, plain = {}, {}
for kind, image in materials.items():
    g = torch.Generator().manual_seed(1)
    tiles[kind] = worlds.quilt(image, 96, tile=True, generator=g)
    plain[kind] = worlds.quilt(image, 96, generator=g)

# %%
rows = [
    (kind, worlds.seam_ratio(plain[kind]), worlds.seam_ratio(tiles[kind]))
    for kind in tiles
]
tables.show(rows, ("material", "seam of a piece", "seam of a tile"))
seam = sum(row[2] for row in rows[:3]) / 3  # not of bricks: see below
if CHECKED:
    assert all(0.85 < row[2] < 1.15 for row in rows[:3])
    assert all(row[1] > 1.5 * row[2] for row in rows)

# %%
plots.show(
    plots.grid(
        torch.cat(
            [
                torch.stack([t.repeat(1, 2, 2) for t in some.values()])
                for some in (plain, tiles)
            ]
        ),
        cols=4,
        labels=[
            *(f"{kind}, a piece" for kind in plain),
            *(f"{kind}, a tile" for kind in tiles),
        ],
    ),
    alt="Four materials, twice by twice: leaves, cells, waves, bricks. Above, pieces "
    "with a cross of edges through the middle; below, tiles without that cross; "
    "the waves have small breaks, and the bricks a row that is too low.",
    caption="Twice by twice: pieces of a continued material above, tiles below.",
)

# %%
began = time.perf_counter()
large = worlds.quilt(
    materials["cells"], run.quilt, generator=torch.Generator().manual_seed(2)
)
quilt_seconds = time.perf_counter() - began
print(f"{run.quilt} x {run.quilt} from 128 x 128: {quilt_seconds:.1f} s")

# %% [markdown]
# Where a piece of leaves, cells or waves ends, it changes several times as much as inside; a tile changes there as everywhere, since a patch lies across the end.
# Its cuts lie a few pixels beside, and the waves still show one.
# Bricks have rows of one height, and 96 pixels hold no whole number of them: so one row has to be lower.
# Choose the size by the material.
#
# (Each place is compared with all patches of the material: by two correlations, computed by Fourier transforms.)
#
# ## A rule that grows
#
# Quilting copies.
#
# A **neural cellular automaton** makes: a picture is a grid of cells, each with a few numbers, and each follows the same rule, again and again (Mordvintsev et al. 2020).
# The first three numbers are its colour, the rest is memory.
#
# In a step a cell sees itself and its neighbours through four filters (itself, the Sobel filters across and down, a Laplace filter), in each channel; one hidden layer makes of that what is added (the Laplace filter, and materials as the goal, are from Niklasson et al. 2021; the first paper's mask of living cells is left out):
#
# $$s_{t+1} = s_t + W_2\, \text{relu}(W_1\, \text{seen}(s_t) + b)\, f, \qquad f \in \{0, 1\}. \tag{2}$$
#
# $f$ is drawn for each cell in each step, 1 in half of the cases: no clock rules them all.
# $W_2$ begins as 0, so that a new rule changes nothing.


# %%
def rule_step(state, W1, b, W2, filters, fired):
    """(2) with edges that meet: states [N, C, H, W] to the same shape."""
    n, c, h, w = state.shape
    padded = F.pad(state, (1, 1, 1, 1), mode="circular").view(n * c, 1, h + 2, w + 2)
    seen = F.conv2d(padded, filters[:, None]).view(n, 4 * c, h, w)  # 4 of each channel
    hidden = torch.relu(torch.einsum("hk,nkij->nhij", W1, seen) + b.view(1, -1, 1, 1))
    return state + torch.einsum("ch,nhij->ncij", W2, hidden) * fired


# %%
torch.manual_seed(0)
rule = Automaton(channels=8, hidden=24)
torch.nn.init.normal_(rule.change.weight, std=0.1)
state, fired = torch.randn(1, 8, 12, 12), torch.rand(1, 1, 12, 12) < 0.5
parts = rule.look.weight, rule.look.bias, rule.change.weight, rule.filters

# %%
with torch.no_grad():
    assert torch.allclose(
        rule_step(state, *parts, fired), rule(state, fired), atol=1e-5
    )
    moved = rule(state.roll((3, 5), (2, 3)), fired.roll((3, 5), (2, 3)))
    assert torch.allclose(moved, rule(state, fired).roll((3, 5), (2, 3)), atol=1e-5)
print(f"{count_parameters(rule)} weights, and the same rule everywhere")

# %% [markdown]
# ### A material from nothing
#
# What shall it make?
# Notebook 16's answer: a picture whose features have the Gram matrices of the material.
# In training a rule runs some dozens of steps from a state that it made itself before (a **pool** of states; one of each batch begins again from nothing), then the loss goes back through all the steps.
# So it learns to make the material, and to keep it.

# %%
MATERIAL = pretrained.facts("automaton_texture")
drawn_from = MATERIAL["drawn_from"], (MATERIAL["kind"],)
target = data.to_float(textures.draw(1, 64, *drawn_from)[0])
net = pretrained.features()
grams = [style.gram(maps) for maps in net(target)]


def off(picture):
    """Notebook 41's style loss."""
    return style.style_loss(net(picture), grams)


# %%
def taught(steps, pooled=True):
    """A rule for the material, after a short training."""
    torch.manual_seed(run.seed)
    rule, g = Automaton(channels=8, hidden=24), torch.Generator().manual_seed(0)
    first = automata.blank(1, 8, 48)
    pool = automata.Pool(first, 64, g)
    opt = torch.optim.Adam(rule.parameters(), lr=2e-3, betas=(0.5, 0.9))
    label = "with a pool" if pooled else "from nothing only"
    for _ in run.train(
        itertools.repeat(0), steps, label=label, rule=rule, opt=opt, g=g
    ):
        run.anneal(opt)
        places, states = pool.draw(4)
        states[: 1 if pooled else 4] = first
        length = int(torch.randint(24, 41, (), generator=g))
        states = rule.run(states, length, g)
        loss = off(states[:, :3]) + (states - states.clamp(-2, 2)).abs().mean()
        opt.zero_grad()
        loss.backward()
        for weight in rule.parameters():
            weight.grad /= weight.grad.norm() + 1e-8  # it came through many steps
        opt.step()
        pool.put(places, states)
        run.log(loss=loss)
    return rule.eval().requires_grad_(False)


# %%
short = {name: taught(run.steps, name == "pool") for name in ("pool", "no pool")}
short["the course's own"] = pretrained.load_automaton("automaton_texture")
WHEN = (40, 200, 1_000, run.long) if run.profile != "quick" else (20, 40)


# %%
@torch.no_grad()
def life(rule, size=96, seed=3):
    """Pictures of a rule after each of the WHEN steps, from nothing."""
    g, state, done, pictures = torch.Generator().manual_seed(seed), None, 0, []
    state = automata.blank(1, rule.channels, size)
    for steps in WHEN:
        state, done = rule.run(state, steps - done, g), steps
        pictures.append(rule.picture(state).nan_to_num())
    return torch.cat(pictures)


# %%
lives = {name: life(rule) for name, rule in short.items()}
losses = {
    name: [off(picture[None]).item() for picture in pictures]
    for name, pictures in lives.items()
}
rows = [(name, *values) for name, values in losses.items()]
tables.show(rows, ("trained", *(f"after {steps:,} steps" for steps in WHEN)))
if CHECKED:
    pooled, alone, best = losses.values()
    assert max(pooled[0], alone[0], best[0]) < 0.1
    assert not max(alone[1:]) < 10 * alone[0] and max(best[:3]) < 0.1

# %%
sheet = {
    "the material (64 pixels, repeated)": target.repeat(1, 1, 2, 2)[..., :96, :96]
} | lives
plots.show(
    plots.grid(sheet, cols=4),
    alt="The material, turquoise stripes. Three rows of four pictures: with a pool, "
    "stripes three times, then specks; without one, stripes at first, then "
    "black; the course's own, stripes in all four, grainy in the last.",
    caption=f"From nothing, after {', '.join(f'{steps:,}' for steps in WHEN)} steps.",
)

# %% [markdown]
# All three make the material from nothing within 40 steps, about as long as a run of their training, in a field wider than they ever saw (48 pixels, the course's own 64; here 96).
# Then their ways part.
#
# The rule without a pool has never seen what becomes of what it makes, and runs away soon.
# The course's own, trained for longer with a pool, keeps its stripes for a thousand steps; after five thousand they have become grainy.
# (One training each.)
# (What the one with a pool does that was trained briefly, the table says: a pool alone is no promise.)
#
# ### A face that grows, and heals
#
# The same with 16 numbers a cell, and a face for the goal: one living cell in a field of nothing grows it.
# In its training three states of eight lose half of themselves first, along a line through the middle.

# %%
grower = pretrained.load_automaton("automaton_portrait")
GROWN = pretrained.facts("automaton_portrait")
cut, cut_alpha = worlds.cut_out(GROWN["face"])
on_white = cut_alpha * cut + 1 - cut_alpha
wanted = F.pad(2 * on_white - 1, (4, 4, 4, 4), value=1.0)
g = torch.Generator().manual_seed(4)

# %%
with torch.no_grad():
    state, strip = automata.seed_cell(1, grower.channels, 40), []
    for steps in (0, 10, 15, 25, 50):
        state = grower.run(state, steps, g)
        strip.append(grower.picture(state))

# %%
plots.show(
    plots.grid(
        torch.cat([*strip, wanted]),
        cols=6,
        labels=["0", "10", "25", "50", "100", "wanted"],
    ),
    alt="Nothing; a cloud of reddish dots; a reddish block; a blurred head with hair "
    "and glasses; the face with red curls and round glasses, nearly done; and "
    "the face that is wanted.",
    caption="From one cell: after so many steps, and what it learned to grow.",
)


# %%
def error(picture):
    """The mean squared error of pictures beside the face that is wanted: [N]."""
    return (picture - wanted).square().mean(dim=(1, 2, 3))


# %%
@torch.no_grad()
def healing(turns=run.wounds):
    """Errors by steps after wounds, and pictures of the first one."""
    g = torch.Generator().manual_seed(5)
    grown = grower.run(automata.seed_cell(turns, grower.channels, 40), 120, g)
    state = automata.wounded(grown, g)
    errors = {"before": error(grower.picture(grown)), 0: error(grower.picture(state))}
    pictures = [grower.picture(grown)[:1], grower.picture(state)[:1]]
    for steps in (10, 20, 50, 100, 200):
        state = grower.run(state, steps - (list(errors)[-1] or 0), g)
        errors[steps] = error(grower.picture(state))
        pictures.append(grower.picture(state)[:1])
    return errors, torch.cat(pictures)


# %%
errors, pictures = healing()
rows = [
    (str(when), found.mean().item(), (found / errors["before"]).max().item())
    for when, found in errors.items()
]
tables.show(rows, ("steps after the wound", "error, mean", "worst, times before"))
healed = (errors[200].mean() / errors["before"].mean()).item()
if CHECKED:
    assert errors[0].mean() > 20 * errors["before"].mean()
    assert healed < 1.2 and (errors[200] / errors["before"]).max() < 1.5
plots.show(
    plots.grid(pictures, cols=7, labels=[*map(str, errors)]),
    alt="A face with red curls and round glasses; the same without its upper half; "
    "then dots, a block, a blurred face and a clear one where it was.",
    caption="One wound: before, at once, and so many steps later.",
)

# %%
with torch.no_grad():
    g = torch.Generator().manual_seed(6)
    young = grower.run(automata.seed_cell(2, grower.channels, 40), 120, g)
    more = run.long - 120 if run.profile != "quick" else 40
    old = grower.run(young, more, g)
aged = (error(grower.picture(old)).mean() / error(grower.picture(young)).mean()).item()
if CHECKED:
    assert aged < 1.5
print(f"after {120 + more:,} steps the error is {aged:.2f} times what it was after 120")

# %%
large = torch.randn(1, 8, 256, 256)
texture_rule = short["the course's own"]
with torch.no_grad():
    kernel, chance = texture_rule.kernel(), automata.fired(large, g)
    texture_rule(large, chance, kernel)
    began = time.perf_counter()
    for _ in range(10):
        texture_rule(large, automata.fired(large, g), kernel)
print(f"a step of 256 x 256 cells: {100 * (time.perf_counter() - began):.0f} ms")

# %% [markdown]
# What was lost grows back, whichever side it was, and long afterwards the face is still there.
# At first the missing part is only guessed at, then it finds its edge and its details: nobody told the cells where they are.
# (That the error ends below the one before the wound does not mean that a wound helps: at 120 steps the face isn't finished, and an unhurt one gets better, too.)
#
#
# ## Characters: the same person in every frame
#
# A story needs persons who stay themselves.
# For the portraits' own program that is easy: the factors stay, only place and tilt change.
# For a flow told sentences (notebook 65) it is not: what the sentence leaves open is decided by the noise, anew for each picture.
# The evaluator reads all frames; a frame shows *the same person* if all ten factors are those of the first.
# (The ground is one of the ten: strict, since a person before another wall is the same person.)

# %%
HERO = {
    "hair": "long",
    "hair_color": "red",
    "glasses": "round",
    "hat": "none",
    "beard": "none",
}
HERO |= {
    "mouth": "smile",
    "skin": "tan",
    "eyes": "green",
    "outfit": "purple",
    "background": "mint",
}
evaluator = metrics.Evaluator("portraits")
steps = worlds.walk(HERO, run.frames)
drawn_frames = data.to_float(portraits.draw(steps, 32))
painter = pretrained.load_text_flow(device=run.device)
SENTENCE = "a smiling face with long red hair and round glasses"

# %%
noise = torch.randn(run.frames, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def told(sentence, eps):
    """A picture for each noise, all told the same sentence."""
    return painter.draw(painter.encode([sentence] * len(eps)), eps, w=2.0)


# %%
g = torch.Generator().manual_seed(2)
fresh = torch.randn(noise.shape, generator=g)
near = 0.97 * noise[:1] + (1 - 0.97**2) ** 0.5 * fresh
FULL = portraits.full_caption(portraits.as_tensors(HERO))[0]
films = {
    "drawn, the factors stay": drawn_frames,
    "one sentence, other noise": told(SENTENCE, noise),
    "one sentence, nearly the same noise": told(SENTENCE, near),
    "a sentence that names everything, other noise": told(FULL, noise),
}


# %%
def same_person(frames):
    """(share of frames with all factors of the first, share of factors kept)."""
    read = evaluator.read(frames)
    kept = torch.stack([read[name] == read[name][0] for name in portraits.CATEGORICAL])[
        :, 1:
    ]
    return kept.all(dim=0).double().mean().item(), kept.double().mean().item()


# %%
rows = [(name, *same_person(frames)) for name, frames in films.items()]
tables.show(rows, ("film", "frames with the same person", "factors kept"))
persons = {name: values for name, *values in rows}
if CHECKED:
    drawn, other, alike, full = (values[0] for values in persons.values())
    assert drawn == 1 and other < 0.1 < alike < 0.8 and full > 0.9

# %%
shown = {name: frames[:8] for name, frames in films.items()}
plots.show(
    plots.grid(shown, cols=8),
    alt="Four rows of eight frames: one person with long red hair and round glasses "
    "on mint; eight persons with other skins, shirts and grounds; nearly one "
    "person, on grounds that change; and the first person again, eight times.",
    caption="The first eight frames of each.",
)

# %% [markdown]
# A sentence that leaves skin, eyes, shirt and ground open draws other persons each time.
# Noises that are nearly alike give nearly one person; a sentence that names all factors gives one.
# (What has no word, such as the width of a face, may still change.)
#
# ## Light mixes, numbers don't
#
# To put a person into a place, cut out the person.
# **Alpha** says how much a pixel hides of what is behind it: 1 inside, 0 outside, between on the edge.
# Seen before a back $B$, a front $F$ with alpha $\alpha$ gives $C = \alpha F + (1 - \alpha) B$.
# One picture has more unknowns than equations.
# Two pictures before two known backs don't: subtract them, and the front drops out,
#
# $$C_1 - C_2 = (1 - \alpha)(B_1 - B_2). \tag{3}$$
#
# Three channels give three equations for one number; least squares takes $1 - \alpha = \frac{(C_1 - C_2) \cdot (B_1 - B_2)}{|B_1 - B_2|^2}$ (Smith and Blinn 1996).

# %%
seen = [HERO | {"background": ground} for ground in ("mint", "rose")]
C1, C2 = (portraits.draw(each, 64).float() / 255 for each in seen)
B1, B2 = (portraits.backdrop(each, 64).float() / 255 for each in seen)
apart = B1 - B2

# %%
alpha = 1 - ((C1 - C2) * apart).sum(dim=1, keepdim=True) / apart.square().sum(
    dim=1, keepdim=True
)
front, same = worlds.cut_out(HERO, 64)
assert torch.allclose(alpha.clamp(0, 1), same, atol=1e-5)
third = portraits.backdrop(HERO | {"background": "lilac"}, 64).float() / 255

# %%
put = same * front + (1 - same) * third
real = portraits.draw(HERO | {"background": "lilac"}, 64).float() / 255
off_levels = 255 * (put - real).abs().max().item()
print(f"before a third back: {off_levels:.1f} of 255 levels off at most")
assert off_levels < 8

# %% [markdown]
# ### Two usual mistakes
#
# The numbers of a file are not light.
# sRGB is about light to the power of 1/2.2, since eyes see dark steps better (notebook 11).
# Light adds up, so with a camera (3) and all mixing belong to light: to light, mix, and back.
# (Above, (3) was right for bytes only since the portraits' program mixes bytes.)
# **Predict** the byte of half white, half black: 128?

# %%
white, black, half = (torch.full((3, 1, 1), v) for v in (1.0, 0.0, 0.5))
mixed = 255 * worlds.over(white, half[:1], black)[0].item()
print(f"half of the light of white is byte {mixed:.0f}; the mean of the bytes is 128")
assert round(mixed) == 188

# %% [markdown]
# The second mistake comes with shrinking.
# Behind alpha 0 a file holds *some* colour, often black.
# Average colours over squares of pixels, and that hidden black bleeds into the edge.
# A colour has to count as much as its alpha: multiply first, average, divide (Porter and Duff 1984).
#
# Both, on a cut-out face over white.

# %%
front, alpha = worlds.cut_out(HERO, 256)
back = torch.ones(1, 3, 64, 64)
small, small_alpha = worlds.shrunk(front, alpha, 4)
wrong = F.avg_pool2d(front, 4)  # the hidden black is averaged in
ways = {
    "as light": worlds.over(small, small_alpha, back),
    "as bytes": small_alpha * small + (1 - small_alpha) * back,
    "hidden black": worlds.over(wrong, small_alpha, back),
}

# %%
edge = ((small_alpha > 0.2) & (small_alpha < 0.8))[0, 0]
levels = {name: 255 * image[0][:, edge].mean().item() for name, image in ways.items()}
tables.show(list(levels.items()), ("mixed", "mean level of the edge"))
darker = {name: levels["as light"] - level for name, level in levels.items()}

# %%
assert darker["as bytes"] > 5 and darker["hidden black"] > 3

# %%
crop = torch.cat([2 * image - 1 for image in ways.values()])[:, :, 6:30, 14:38]
plots.show(
    plots.grid(crop, cols=3, labels=list(ways), width=6.0),
    alt="Three times the edge of red hair on white: soft; darker; and with grey "
    "pixels outside.",
    caption="The same edge, mixed in three ways.",
)

# %% [markdown]
# ## A place: layers, and how fast they move
#
# `worlds.scene` draws landscapes from a seed: a sky, and hills in layers, each with its alpha.
# When the eye moves, near things move fast and far things slowly (**parallax**): for a camera that goes sideways by $d$, what is $z$ away moves by $f d / z$ in the picture.
# Each layer has its speed; the sky has none.

# %%
SEEDS = (1, 3, 4, 8)


def flattened(layers, pixels=0):
    """Layers over each other, as the eye sees them that went so far: [1, 3, H, W]."""
    picture = None
    for layer in layers:
        front, alpha = worlds.moved(layer, pixels)
        picture = front if picture is None else worlds.over(front, alpha, picture)
    return picture[None]


scenes = [worlds.scene(seed, 96, 160) for seed in SEEDS]
plots.show(
    plots.grid(torch.cat([2 * flattened(layers) - 1 for layers in scenes]), cols=2),
    alt="Four landscapes of hills in layers: at dusk, twice by day under a pale sun, "
    "and at night.",
    caption="Four seeds.",
)

# %%
speeds = [layer.speed for layer in scenes[0]]
went = 16
shifts = []
for layer in scenes[0][1:]:
    before, after = layer.alpha[0], worlds.moved(layer, went)[1][0]
    shifts.append(
        min(range(went + 1), key=lambda s: (before.roll(-s, 1) - after).abs().sum())
    )
print("speeds:", ", ".join(f"{speed:.2f}" for speed in speeds))
print(f"after {went} pixels the hills have moved by", shifts)
assert shifts == sorted(shifts) and shifts[-1] == went

# %% [markdown]
# ### A poster on a wall
#
# A flat thing seen from the side is its picture under a **homography**, a projective map:
#
# $$u = \frac{h_1 x + h_2 y + h_3}{h_7 x + h_8 y + 1}, \qquad v = \frac{h_4 x + h_5 y + h_6}{h_7 x + h_8 y + 1}. \tag{4}$$
#
# Multiplied by the denominator, each point gives two equations that are linear in the eight $h$: four points, no three on a line, decide them.

# %%
corners = torch.tensor([[0.0, 0.0], [64.0, 0.0], [64.0, 64.0], [0.0, 64.0]])
onto = torch.tensor([[30.0, 12.0], [78.0, 20.0], [76.0, 60.0], [32.0, 74.0]])
H = worlds.homography(corners, onto)

# %%
moved = torch.cat([corners.double(), torch.ones(4, 1).double()], dim=1) @ H.T
assert torch.allclose(moved[:, :2] / moved[:, 2:], onto.double())
middle = torch.tensor([32.0, 32.0, 1.0]).double() @ H.T
u, v = (middle[:2] / middle[2]).tolist()

# %%
print(f"the poster's middle lies at ({u:.1f}, {v:.1f}), ", end="")
print(f"the corners' mean at ({onto[:, 0].mean():.1f}, {onto[:, 1].mean():.1f})")

# %% [markdown]
# ## All of it in one film
#
# A quilted wall, a poster on it, a landscape behind, and somebody who walks past a camera that stands still.

# %%
layers = worlds.scene(4, 96, 160)
WALL = worlds.quilt(materials["bricks"], 96, generator=torch.Generator().manual_seed(0))
wall, wall_alpha = worlds.warped(
    (WALL + 1) / 2,
    torch.tensor([[0.0, 18.0], [62.0, 34.0], [62.0, 86.0], [0.0, 96.0]]),
    (96, 160),
)

# %%
face_64 = (
    portraits.draw(HERO | {"mouth": "grin", "background": "peach"}, 64)[0].float() / 255
)
poster, poster_alpha = worlds.warped(
    face_64,
    torch.tensor([[14.0, 34.0], [46.0, 41.0], [46.0, 72.0], [14.0, 76.0]]),
    (96, 160),
)

# %%
heads, head_alphas = worlds.shrunk(*worlds.cut_out(worlds.walk(HERO, 8), 192), 4)


# %%
def frame_of(k):
    """The film's k-th frame: [1, 3, 96, 160]."""
    picture = flattened(layers)[0]
    picture = worlds.over(wall, wall_alpha, picture)
    picture = worlds.over(poster, poster_alpha, picture)
    left = 56 + 8 * k
    front, alpha = torch.zeros(3, 96, 160), torch.zeros(1, 96, 160)
    front[:, 48:, left : left + 48] = heads[k]
    alpha[:, 48:, left : left + 48] = head_alphas[k]
    return worlds.over(front, alpha, picture)[None]


# %%
film = torch.cat([2 * frame_of(k) - 1 for k in (0, 2, 4, 6)])
cover = plots.grid(film, cols=2)
plots.cover(cover)
plots.show(
    cover,
    alt="Four frames: a wall of pink and purple bricks with a poster of a face in "
    "perspective, hills behind it, and the same person, farther to the right in "
    "each frame.",
    caption="Four of eight frames.",
)

# %% [markdown]
# ## Explore: wound it
#
# The face grew for 120 steps.
# Cut it along a line through the middle, and let it go on.
# **Predict**: does the side that is lost matter?


# %%
def wound(angle, steps):
    g = torch.Generator().manual_seed(7)
    with torch.no_grad():
        state = grower.run(automata.seed_cell(1, grower.channels, 40), 120, g)
        y, x = torch.meshgrid(
            torch.linspace(-1, 1, 40), torch.linspace(-1, 1, 40), indexing="ij"
        )
        turned = torch.tensor(angle * torch.pi / 180)
        state = state * (turned.cos() * x + turned.sin() * y <= 0)
        shown = [grower.picture(state)]
        state = grower.run(state, steps, g)
        shown.append(grower.picture(state))
    return plots.grid(
        torch.cat([*shown, wanted]),
        cols=3,
        labels=["wounded", "later", "wanted"],
        width=5.0,
    )


# %%
explore(
    wound,
    alt="A face of which one half is cut away along a slanted line; the same with "
    "the missing half grown, still blurred; and the face that is wanted.",
    caption="The angle of the cut in degrees, and the steps since.",
    angle=(0, 350, 30),
    steps=(0, 200, 40),
)

# %% [markdown]
# ## Break it
#
# 1. All cells change in every step: one clock.
# 2. Never a pool: in training each run begins from nothing and ends after 24 to 40 steps (the row *no pool* above).
# 3. A patch is drawn without a look at its neighbours (*by chance* above).
#
# **Predict** what 1. does to a face whose cells learned to fire by chance.

# %%
with torch.no_grad():
    g = torch.Generator().manual_seed(8)
    clocked = grower.run(automata.seed_cell(1, grower.channels, 40), 60, g, rate=1.0)
    slow = grower.run(automata.seed_cell(1, grower.channels, 40), 480, g, rate=0.125)
by_rate = {
    "0.5 (as in training), 120 steps": error(grower.picture(young)).mean().item(),
    "1, 60 steps": error(grower.picture(clocked)).item(),
    "0.125, 480 steps": error(grower.picture(slow)).item(),
}
tables.show(list(by_rate.items()), ("chance to fire", "error"))
if CHECKED:
    usual, clock, slower = by_rate.values()
    assert clock > 4 * usual and slower < 2 * usual

# %% [markdown]
# 1. With one clock the face is much worse: it learned among cells of which half stand still in each step, and has never met this. With a slower one, and as many changes in all, it is nearly as good.
# 2. It makes the material for as long as it was trained to, and runs away then.
# 3. Hard edges at each patch.

# %%
run.report(
    seam=seam,
    quilt_seconds=quilt_seconds,
    healed=healed,
    aged=aged,
    same_person=persons["a sentence that names everything, other noise"][0],
)
run.expect(seam=("<", (None, 1.15, 1.15)), healed=("<", (None, 1.5, 1.5)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/67_textures_and_worlds.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* The cost so far.
# 2. ★ *(5 minutes)* Over, as light.
# 3. ★★ *(10 minutes)* Alpha from two backs.
# 4. ★★ *(10 minutes)* One step of a rule.
# 5. ★★ *(10 minutes)* Shrink with alpha.
# 6. ★★★ *(25 minutes, a project)* A homography.
#
# To try here *(10 to 20 minutes each)*: a photograph of your own for `worlds.quilt`; two wounds one after the other; a second character.
#
# ## What to remember
#
# - A cut along the cheapest path hides where patches meet; dynamic programming finds it in $3HW$ steps.
# - A tile is a quilt whose last patches have to fit the first ones.
# - An automaton is one small rule in all cells. In training it goes on from states of its own (a pool), some of them wounded.
# - What is not said is drawn anew for each picture: a character needs all factors told, or kept.
# - Mix light, not bytes; and let a colour count as much as its alpha.
#
# ## Further reading
#
# - A. Efros, W. Freeman, *Image Quilting for Texture Synthesis and Transfer*, SIGGRAPH 2001.
# - A. Mordvintsev et al., *Growing Neural Cellular Automata*, Distill 2020.
# - E. Niklasson et al., *Self-Organising Textures*, Distill 2021.
# - T. Porter, T. Duff, *Compositing Digital Images*, SIGGRAPH 1984.
# - A. Smith, J. Blinn, *Blue Screen Matting*, SIGGRAPH 1996.
