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
# # 41 Neural style
#
# *You will paint a photograph in the manner of a mosaic, a woodcut or a night sky: not by training a network, but by letting one look on while you change the pixels.*
#
# ![A photograph, and the same photograph painted in three styles, a piece of each style in the corner of its painting.](../data/pictures/41_neural_style.webp)
#
# **You need** notebook 16 (Gram matrices, feature maps).
# The table below says how long it takes.

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

# %% tags=["parameters"]
import functools
import math
import time

import torch
import torch.nn.functional as F

from genimg_lib import data, plots, pretrained, style, tables, weights
from genimg_lib.data import photos, styles
from genimg_lib.style.optimise import WEIGHTS
from genimg_lib.training import start
from genimg_lib.widgets import explore

CONTENT = "coffee"  # any of photos.NAMES, or the path of a picture of yours

# %%
run = start(
    "41_neural_style",
    size=(96, 256, 512),
    steps=(5, 50, 150),
    small_steps=(3, 30, 100),
    rival_size=(64, 112, 256),
    rivals=(3, 60, 200),
    looking_on=(2, 4, 4),
    from_noise=(3, 100, 200),
    alone=(3, 60, 200),
)
CHECKED = run.profile != "quick" and CONTENT == "coffee"  # what the text says holds
tables.show_expected("41_neural_style", "style_fell", "seconds", "pixels")

# %% [markdown]
# ## Why
#
# A cup of coffee, and a night of brush strokes.
# You can imagine the cup painted with these strokes at once.
# How would you tell a computer?
# Two simple ideas fail, and show what is missing.
#
# Idea 1 is the mean of both pictures.
# Idea 2 gives the photograph the mean and the covariance of the style's colours (until what leaves $[-1, 1]$ is cut off): notebook 16's whitening and colouring, each pixel a "feature" of three numbers.


# %%
def resized(x, height, width):
    size = (height, width)
    return F.interpolate(x, size=size, mode="bicubic", antialias=True).clamp(-1, 1)


@functools.cache  # drawing takes a moment, and some are needed again
def drawn(name, size, seed=0):
    return data.to_float(styles.draw(name, size, seed)[None]).to(run.device)


def picture(name, longest):
    """A photograph or a picture file, [1, 3, H, W] in [-1, 1]."""
    known = name in photos.NAMES
    image = photos.open_photo(name) if known else photos.open_image(name)
    x = data.to_float(image[None]).to(run.device)
    factor = longest / max(x.shape[2:])
    return resized(x, *(round(factor * n) for n in x.shape[2:]))


# %%
content = picture(CONTENT, run.size)
strokes = drawn("strokes", run.size)
fitted = strokes[:, :, : content.shape[2], : content.shape[3]]  # of the same size
mean = (content + fitted) / 2
recolored = style.recolor(content, strokes)
labels = ["content", "style", "1: the mean", "2: the style's colours"]
images = torch.cat([content, fitted, mean, recolored])
plots.show(
    plots.grid(images, cols=2, labels=labels),
    alt="A cup of coffee, blue brush strokes with yellow lights, "
    "their double exposure, and the cup in blue and yellow.",
    caption="1 is a double exposure. 2 has the style's colours, and not one stroke.",
)

# %% [markdown]
# What we want keeps *where things are* from one picture and *what surfaces look like, wherever*, from another.
# Gatys, Ecker and Bethge found in 2015 that the feature maps of a network hold both.
# Compare two pictures **place by place**, and you compare what they show.
# Compare only **which channels are active together**, and you compare what they are painted with.
#
# ## The maths
#
# Let $F_l(x)$ be the maps of the layers $l = 0$ to $L - 1$ for a picture $x$, of $C_l$ channels and $H_l \times W_l$ places; $l = 0$ are the pixels, counted from 0 for black, and each $F_l$ is divided by its mean on photographs.
# $c$ is the content, $s$ the style.
#
# The **content loss** compares one layer $k$ place by place (ours: $k = 3$, at a quarter of the size):
#
# $$\mathcal{L}_\text{content}(x) = \frac{1}{C_k H_k W_k}\,\big\|F_k(x) - F_k(c)\big\|^2. \tag{1}$$
#
# The **style loss** compares the Gram matrices $\mathrm{Gr}_l$ of notebook 16, equation (1), of all layers:
#
# $$\mathcal{L}_\text{style}(x) = \frac{1}{L} \sum_{l} \frac{\|\mathrm{Gr}_l(x) - \mathrm{Gr}_l(s)\|_F^2}{\|\mathrm{Gr}_l(s)\|_F^2}. \tag{2}$$
#
# A third term asks for calm: the **total variation**, how much neighbouring pixels differ, with $\langle\cdot\rangle$ for the mean over pixels and colours:
#
# $$\mathrm{TV}(x) = \big\langle |x_{i,j+1} - x_{i,j}| \big\rangle + \big\langle |x_{i+1,j} - x_{i,j}| \big\rangle. \tag{3}$$
#
# After the definitions we compare them with the library's, on a small network that comes with the course (more of it below).


# %%
def content_loss(maps, wanted):  # both [1, C, H, W]
    return (maps - wanted).square().mean()  # (1)


def style_loss(maps, grams):
    parts = []
    for m, wanted in zip(maps, grams, strict=True):
        error = (style.gram(m) - wanted).square().sum()
        parts.append(error / wanted.square().sum())
    return sum(parts) / len(parts)  # (2)


def total_variation(x):
    right = x[..., 1:] - x[..., :-1]
    below = x[..., 1:, :] - x[..., :-1, :]
    return right.abs().mean() + below.abs().mean()  # (3)


def grams_of(net, example):
    return [style.gram(m) for m in net(example)]


# %%
net = pretrained.features("embedded", run.device)
mosaic = drawn("mosaic", run.size)
maps, other = net(content), net(content.flip(3))
grams = grams_of(net, mosaic)
assert content_loss(maps[3], other[3]).isclose(style.content_loss(maps[3], other[3]))
assert style_loss(maps, grams).isclose(style.style_loss(maps, grams), rtol=1e-4)
assert total_variation(content).isclose(style.total_variation(content))

# %% [markdown]
# The sum that we shall minimise is
#
# $$\mathcal{L}(x) = \mathcal{L}_\text{content}(x) + \alpha \big(\beta\, \mathcal{L}_\text{style}(x) + \gamma\, \mathrm{TV}(x)\big), \tag{4}$$
#
# with the **strength** $\alpha$ for you to choose, and $\beta = 200$, $\gamma = 0.5$ once for all.
# (1) and (3) are means and (2) is a ratio, so none grows with the picture: lay the same picture out like tiles, twice or three times each way, and only seams and borders should change it, by a few per cent.

# %%
tile, tile_style = resized(content, 96, 96), resized(mosaic, 96, 96)


def losses_of_tiles(times):
    x, s = (v.repeat(1, 1, times, times) for v in (tile, tile_style))
    maps = net(x)
    part = content_loss(maps[3], net(s)[3])
    styled = style_loss(maps, grams_of(net, s))
    return [part.item(), styled.item(), total_variation(x).item()]


# %%
by_size = [losses_of_tiles(times) for times in (1, 2, 3)]
names = ["96 px", "192 px", "288 px"]
rows = [(name, *losses) for name, losses in zip(names, by_size, strict=True)]
tables.show(rows, ["size", "content (1)", "style (2)", "variation (3)"])
ratios = torch.tensor(by_size) / torch.tensor(by_size[0])
drift = (ratios - 1).abs().max().item()
assert drift < 0.1

# %% [markdown]
# ### Down to the pixels
#
# Nothing here is trained.
# The network's weights stay as they are; the *picture* is the variable, and its gradient comes by the chain rule: through the Gram matrices, as in notebook 16, equation (6), and then back through all layers.
# After the total loss (4), for strength 1, comes a check of its gradient: finite differences along a random direction, in double precision.


# %%
def total(x, net, wanted, grams):  # the content's maps, the style's matrices
    maps = net(x)
    styled = WEIGHTS["style"] * style_loss(maps, grams)
    calm = WEIGHTS["variation"] * total_variation(x)
    return content_loss(maps[3], wanted) + styled + calm  # (4)


# %%
double = pretrained.features("embedded").double()
x = 0.9 * resized(content, 24, 24).cpu().double()
wanted = double(x.flip(3))[3]
grams = grams_of(double, resized(mosaic, 24, 24).cpu().double())
x.requires_grad_()
(slope,) = torch.autograd.grad(total(x, double, wanted, grams), x)

# %%
g = torch.Generator().manual_seed(run.seed)
direction = torch.randn(x.shape, generator=g, dtype=torch.float64)
step = 1e-6 * direction
ahead = total(x + step, double, wanted, grams)
behind = total(x - step, double, wanted, grams)
by_difference = ((ahead - behind) / 2e-6).item()
by_autograd = (slope * direction).sum().item()
gradient_error = abs(by_difference / by_autograd - 1)
print(f"by differences {by_difference:.6f}, by autograd {by_autograd:.6f}")
assert gradient_error < 1e-4

# %% [markdown]
# ## Paint
#
# First the photograph takes on the style's colours, picture 2 above, so that what is kept of it need not fight the palette.
# Then walk downhill, with the pixels as variables.
# That is the whole algorithm:


# %%
def descend(content, example, steps):
    begin = style.recolor(content, example)
    wanted = net(begin)[3]
    grams = grams_of(net, example)
    x = begin.clone().requires_grad_()
    opt = torch.optim.Adam([x], lr=0.03)  # of the pixels, not of the network
    for _ in range(steps):
        loss = total(x, net, wanted, grams)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return x.detach().clamp(-1, 1)


# %%
begin = style.recolor(content, mosaic)
first = descend(content, mosaic, 2 * run.small_steps)
labels = ["content", "where it starts", f"after {2 * run.small_steps} steps"]
plots.show(
    plots.grid(torch.cat([content, begin, first]), labels=labels),
    alt="A photograph, the same in the colours of a mosaic, and a first painting.",
    caption="A dozen lines of descent, and the photograph begins to break up.",
)

# %% [markdown]
# The library's `style.stylize` minimises the same (4), and adds to this:
#
# - The style loss (2) is taken **at full and at half size** and averaged, so that larger strokes count too.
# - It works **from coarse to fine**: first at half the size, where a step costs a quarter; then what was painted is carried up, onto the detail of the content.
# - It uses **L-BFGS**, which learns the curvature from its last gradients, after 15 steps of Adam at each size (of the 30 that most paintings below get, half are Adam's).
# - Values outside $[-1, 1]$ cost 1000 times their mean squared excess, so that the cut at the end changes hardly anything.
# - It returns the best of all steps, and after a leap upwards begins again from there.


# %%
def paint(content, example, net, steps, record=None, **more):
    """`steps` at half size, as many at full size; record collects (loss, image)."""

    def watch(step, total_steps, loss, image):
        if record is not None:
            record.append((loss, image.cpu()))

    return style.stylize(content, example, net, steps=steps, watch=watch, **more)


# %%
NAMES = ("strokes", "mosaic", "woodcut")
examples = {name: drawn(name, run.size) for name in NAMES}
painted, records = {}, {name: [] for name in NAMES}
began = time.perf_counter()
for name in NAMES:
    painted[name] = paint(content, examples[name], net, run.steps, records[name])
seconds = (time.perf_counter() - began) / len(NAMES)


# %%
def with_style(painting, example):
    """The painting, in its lower left corner a piece of the style at its size."""
    side = painting.shape[2] // 3
    both = painting.clone()
    both[..., -side - 2 :, : side + 2] = 1.0  # a white frame
    both[..., -side:, :side] = example[..., :side, :side]
    return both


shown = [with_style(painted[name], examples[name]) for name in NAMES]
fig = plots.grid(torch.cat([content, *shown]), cols=2, labels=["content", *NAMES])
plots.cover(fig)
plots.show(
    fig,
    alt="A photograph of a cup, and three paintings of it: in the strokes of a blue "
    "night, as a mosaic, as a woodcut; a piece of the style in a corner of each.",
    caption=f"One photograph, three styles, about {seconds:.0f} s each.",
)

# %% [markdown]
# ### Is it the picture that was optimised?
#
# The curves show the loss step by step.
# The picture that comes back has been cut to $[-1, 1]$: does it still have the least loss of the curve?
# And what became of each of the three losses?
# At the start the content loss is 0: it *is* the content, in the style's colours.

# %%
curves = {name: [loss for loss, _ in records[name]] for name in NAMES}
fig = plots.lines(curves, xlabel="step", ylabel="loss (4) and charge", yscale="log")
fig.axes[0].axvline(run.steps - 0.5, color=plots.COLORS[7], linestyle="--")
plots.show(
    fig,
    alt="The loss falls steeply, leaps up where the size doubles, and falls again.",
    caption="At the dashed line the size doubles: the loss leaps up, and falls again.",
)

# %%
begins = {name: style.recolor(content, examples[name]) for name in NAMES}
goals = {name: style.Wanted(net, begins[name], [examples[name]]) for name in NAMES}
rows = []
for name, curve in curves.items():
    assert curve[run.steps] > curve[run.steps - 1]  # the leap
    least = min(curve[run.steps :])
    returned = goals[name].loss(painted[name]).item()
    rows.append((name, least, returned))
    assert abs(returned / least - 1) < 0.05 or run.profile == "quick"
tables.show(rows, ["style", "least of the curve", "of the picture"])


# %%
def losses_of(goal, x):
    return [part.item() for part in goal.losses(x)]


rows, fell = [], []
for name, goal in goals.items():
    before, after = losses_of(goal, begins[name]), losses_of(goal, painted[name])
    rows += [(name, "start", *before), ("", "painted", *after)]
    fell.append(before[1] / after[1])
tables.show(rows, ["style", "", "content (1)", "style (2)", "variation (3)"])
style_fell = min(fell)

# %% [markdown]
# **Explore.** Watch it being painted.
# Colours and outlines are there from the start.
# **Predict**: which changes come first, fine or large ones?
#
# After it, a measure: take the difference from the start, and let a Fourier transform sort it by wavelength.
# What share of the change is in waves of which length?

# %%
frames = [x for _, x in records["strokes"]]


def moment(step):
    now = F.interpolate(frames[step - 1], size=content.shape[2:])  # crisp squares
    images = torch.cat([now, painted["strokes"].cpu()])
    return plots.grid(images, labels=[f"before step {step}", "at the end"])


explore(
    moment,
    alt="The picture on its way, and the end.",
    caption="From the recoloured photograph to the painting.",
    step=(1, len(frames), min(10, len(frames))),
)


# %%
def wavelengths(height, width):  # [height, width], in pixels
    fy, fx = torch.fft.fftfreq(height), torch.fft.fftfreq(width)
    return 1 / (fy[:, None] ** 2 + fx**2).sqrt().clamp(min=1e-9)


def shares(change, enlarged):
    """Shares of a change below 8, from 8 to 32 and over 32 pixels of the full size."""
    grey = change.mean(1)[0]
    power = torch.fft.fft2(grey - grey.mean()).abs().square()
    length = enlarged * wavelengths(*grey.shape)
    fine, large = power[length < 8].sum(), power[length >= 32].sum()
    return torch.stack([fine, power.sum() - fine - large, large]) / power.sum()


# %%
starts = {frames[0].shape: frames[0], frames[-1].shape: begins["strokes"].cpu()}
by_step = []
for frame in frames[1:]:  # the first one is the start itself
    enlarged = content.shape[3] / frame.shape[3]  # 2 at half size
    by_step.append(shares(frame - starts[frame.shape], enlarged))
by_step = torch.stack(by_step)  # [steps, 3]
added = shares(frames[-1] - frames[run.steps], 1)  # by the steps at full size

# %%
names = ("under 8 px", "8 to 32 px", "over 32 px")
after = torch.arange(len(by_step)) + 1.0  # steps
lines = {name: (after, share) for name, share in zip(names, by_step.T, strict=True)}
tables.show([("added at full size", *added)], ("share of the change", *names))
fig = plots.lines(lines, xlabel="step", ylabel="share of the change", ylim=(0, 1))
fig.axes[0].axvline(run.steps - 0.5, color=plots.COLORS[7], linestyle="--")
plots.show(
    fig,
    alt="Three lines: waves of 8 to 32 pixels have the largest share at first, those "
    "over 32 pixels grow at half size.",
    caption="Strokes: middle waves first; before the dashes large ones grow.",
)
if CHECKED and run.profile == "cpu":
    assert by_step[0].argmax() == 1 and added[0] > 0.5
    assert by_step[run.steps - 2, 2] > by_step[0, 2] + 0.1

# %% [markdown]
# In the strokes middle waves come first, and at half size the large ones grow; what full size adds is mostly fine grain.
# (In another style the order may be another one.)
#
# ### Which way down?
#
# L-BFGS or Adam, one size or two: two choices, so four ways, and three styles.
# All get the same computation, counted in steps at full size (a step at half size costs a quarter).
# **Predict**: which of the two choices matters more?

# %%
WAYS = {
    "Adam, one size": {"optimizer": "adam", "levels": 1},
    "Adam, two sizes": {"optimizer": "adam", "levels": 2},
    "L-BFGS, one size": {"optimizer": "lbfgs", "levels": 1},
    "L-BFGS, two sizes": {"optimizer": "lbfgs", "levels": 2},
}
rival = picture(CONTENT, run.rival_size)


def race(example, way):
    """The picture after steps worth `run.rivals` at full size, and its curve."""
    steps = round(run.rivals / (1.25 if way["levels"] == 2 else 1))
    record = []
    x = paint(rival, example, net, steps, record, **way)
    return x, [loss for loss, _ in record]


# %%
ends, ways_down = {}, {}
for name in NAMES:
    example = drawn(name, 2 * run.rival_size)
    goal = style.Wanted(net, style.recolor(rival, example), [example])
    for way, settings in WAYS.items():
        x, ways_down[name, way] = race(example, settings)
        ends[name, way] = goal.loss(x).item()

# %%
rows = [(name, *(ends[name, way] for way in WAYS)) for name in NAMES]
tables.show(rows, ["loss (4) at the end", *WAYS])
for _, adam, adam_two, lbfgs, lbfgs_two in rows:
    if CHECKED and run.profile == "cpu":
        assert lbfgs < 0.9 * adam and lbfgs_two < 0.95 * adam_two
        assert adam_two < adam and abs(lbfgs_two / lbfgs - 1) < 0.08
        assert adam / lbfgs > max(adam / adam_two, lbfgs / lbfgs_two)

# %% [markdown]
# At equal cost L-BFGS comes lower than Adam at this rate (0.03, which nobody tuned here), for every style.
# Two sizes help Adam; with L-BFGS they change little at this size.
# So at the end the optimiser matters more than the sizes.
#
# But the end is one goal among many.
# What does it cost to come as low as Adam at one size was halfway, and at its end?
# (Before you look: the first 15 steps of L-BFGS are Adam's at each size.)


# %%
def path(name, way):
    """(cost in steps at full size, loss) of the steps at full size."""
    losses = torch.tensor(ways_down[name, way])
    half = len(losses) // 2 if WAYS[way]["levels"] == 2 else 0  # steps at half size
    return torch.arange(len(losses) - half) + 1 + half / 4, losses[half:]


def cost_to(goal, name, way):
    cost, losses = path(name, way)
    return cost[losses <= goal].min().item() if (losses <= goal).any() else math.nan


rows = []
for name in NAMES:
    _, adam = path(name, "Adam, one size")
    for when, goal in (("halfway", adam[: len(adam) // 2].min()), ("end", adam.min())):
        rows.append((name, when, *(cost_to(goal, name, way) for way in WAYS)))
tables.show(rows, ["cost to be as low", "as Adam's", *WAYS])
if CHECKED and run.profile == "cpu":
    at_end = [row for row in rows if row[1] == "end"]
    assert all(row[4] < 0.6 * row[2] and row[4] < 0.9 * row[3] for row in at_end)
    halfway = [row for row in rows if row[1] == "halfway"]
    assert all(0.7 < row[4] / row[3] < 1.4 for row in halfway)

# %%
lines = {way: path("mosaic", way) for way in WAYS}
labels = {
    "xlabel": "cost, in steps at full size",
    "ylabel": "loss (4) and charge, mosaic",
}
plots.show(
    plots.lines(lines, yscale="log", **labels),
    alt="Four falling lines; those of two sizes begin later; at the end both of L-BFGS "
    "lie close together, below both of Adam.",
    caption="Only steps at full size are drawn: two sizes have to begin later.",
)

# %% [markdown]
# To Adam's end L-BFGS needs about half of its steps; halfway it is about level with Adam at two sizes.
#
# ### What does each map know?
#
# One map at a time, from noise: above, only the content loss (1) of map $k$ is minimised, below only the part of map $k$ in the style loss (2).
# **Predict** where the cup begins to dissolve, and whether any map alone makes tiles as large as the mosaic's.


# %%
def likeness(x, other, side=1):
    """The correlation of grey values, of means over side x side pixels."""
    both = [F.avg_pool2d(v.mean(1, keepdim=True), side).flatten() for v in (x, other)]
    return torch.corrcoef(torch.stack(both))[0, 1].item()


def alone(k, kept):
    """What minimises the content or the style of map k alone, from noise."""
    height, width = begin.shape[2:]
    aim = begin if kept == "content" else mosaic[:, :, :height, :width]
    maps, grams = net(aim)[k], [style.gram(net(mosaic)[k])]

    def loss_of(x):
        seen = net(x, k)[k]
        if kept == "content":
            return content_loss(seen, maps)
        return style_loss([seen], grams)

    g = torch.Generator().manual_seed(run.seed)
    noise = 0.3 * torch.randn(aim.shape, generator=g).to(run.device)
    return style.minimise(loss_of, noise, run.alone)[0]


MAPS_ALONE = (1, 2, 3, 4)
known = {kept: [alone(k, kept) for k in MAPS_ALONE] for kept in ("content", "style")}

# %%
rows = {
    "content alone": torch.cat(known["content"]),
    "style alone": torch.cat(known["style"]),
}
plots.show(
    plots.grid(rows, cols=4, labels=[f"map {k}" for k in MAPS_ALONE]),
    alt="Two rows of four: a cup that is clear from map 1 and dissolves at map 4; and "
    "marks without any cup, the finest at map 1, the largest at map 3.",
    caption="Above one map of the photograph, below one map of the mosaic.",
)

# %%
kept = [likeness(x, begin) for x in known["content"]]
fine = [shares(x.cpu(), 1)[0].item() for x in known["style"]]
columns = ("map", "content: correlation with the start", "style: waves under 8 px")
rows = [*zip(MAPS_ALONE, kept, fine, strict=True)]
itself = shares(mosaic.cpu(), 1)[0].item()
tables.show([*rows, ("the pictures themselves", 1.0, itself)], columns)
if CHECKED and run.profile == "cpu":
    assert kept == sorted(kept, reverse=True) and kept[0] > 0.95 and kept[-1] < 0.5
    assert fine[0] > 1.1 * fine[1] and fine[2] == min(fine) > 1.3 * itself

# %% [markdown]
# After these steps map 1 has brought back nearly every pixel, map 4 much less.
# (It has two numbers for each pixel of the picture, which has three, so it cannot fix them all.)
# The marks of the style are the finest for map 1 and the largest for map 3, but no map alone makes them as large as the mosaic's: (2) takes all.
#
# ## Who looks on?
#
# The network decides what counts as style.
# Four judges, with the same steps and the same weights in (4):
#
# - a small network with **random** weights;
# - the course's own, `"embedded"`, of the same make, which learned to predict the maps of the next two (more than half of the variance of the last it misses), and saw styles drawn by this program while it learned (not the two that the next cells draw);
# - **SqueezeNet** and **VGG-19**, trained on ImageNet's photographs; they need their published weights, 5 and 575 MB. Where those are not on your machine, the cell goes on without.
#
# They do not compete on equal terms: SqueezeNet's map 3 lies at an eighth of the size and those of the others at a quarter, and the same content loss need not mean the same change to each of them.
#
# At the end every judge looks at every painting.
# **Predict**: whose painting does SqueezeNet find nearest to the style?

# %%
JUDGES = ("random", "embedded", "squeezenet1_1", "vgg19")[: run.looking_on]
judges = {
    name: pretrained.features(name, run.device)
    for name in JUDGES
    if pretrained.features_here(name)
}
for name in JUDGES:
    if name not in judges:
        print(f"not here: {name}; `genimg data fetch {name}` downloads it")
assert weights.facts("embedded")["unexplained_variance"][-1] > 0.5
for name, judge in judges.items():
    (_, _, height, _) = judge(tile)[3].shape
    assert height == (12 if name.startswith("squeezenet") else 24)  # of 96 px

# %%
UNSEEN = 1_000  # a seed that the course's network did not learn from
unseen = {name: drawn(name, run.size, UNSEEN) for name in ("mosaic", "woodcut")}
by_judge, images = {}, []
for name, example in unseen.items():
    images.append(example[:, :, : content.shape[2], : content.shape[3]])
    for painter, judge in judges.items():
        by_judge[name, painter] = paint(content, example, judge, run.small_steps)
        images.append(by_judge[name, painter])

# %%
labels = ["mosaic", *judges, "woodcut", *judges]
plots.show(
    plots.grid(torch.cat(images), cols=1 + len(judges), labels=labels),
    alt="Two rows: a style, and the photograph painted in it by each of the networks.",
    caption="Left the style, then what each judge makes of it.",
)


# %%
def seen_by(judge, x, example):
    return style_loss(judge(x), grams_of(judge, example)).item()


table = []
for (name, _), x in by_judge.items():
    table.append([seen_by(judge, x, unseen[name]) for judge in judges.values()])
rows = [(*key, *row) for key, row in zip(by_judge, table, strict=True)]
tables.show(rows, ["style", "painted with", *(f"by {name}" for name in judges)])
for part in torch.tensor(table).chunk(2):  # mosaic, woodcut: [painters, judges]
    own = torch.arange(len(judges))
    assert not CHECKED or part.argmin(0)[1:].equal(own[1:])
    if len(judges) == 4 and CHECKED and run.profile == "cpu":
        others = part.clone().fill_diagonal_(float("inf"))
        assert (others.argmin(0)[:3] == 3).all()  # VGG-19's comes next
        assert others[3, 0] < 3 * part[0, 0]

# %% [markdown]
# Each network that has learned finds its own painting nearest.
# The random filters find VGG-19's as near as their own in the mosaic, with some twice the loss in the woodcut.
# (All were painted at two sizes, and are judged at the full one.)
# With all four: of the others' paintings the first three find VGG-19's nearest, in both styles. The judges agree more than the first look suggests.
#
# ## Your choices
#
# **How much style?** The strength $\alpha$ buys style with content.
# **Which layer keeps the content?** A low one sees small neighbourhoods and holds on to every pixel, a high one leaves more freedom.
# So that nearly only $\alpha$ changes, all six paintings below begin in the style's colours (with a strength below 1, `stylize` itself also keeps some of the photograph's).
# **Predict** the four corners before you look.
#
# In the table after the pictures the content loss of all is measured at map 3, which only the lower row minimised, so judge the rows by the correlation: it is that with the start, pixel by pixel.

# %%
STRENGTHS, MAPS = (0.01, 0.3, 10.0), (1, 3)
grid = {}
for kept in MAPS:
    for a in STRENGTHS:
        more = {"strength": a, "content_stage": kept}
        grid[kept, a] = paint(begin, mosaic, net, run.small_steps, **more)

# %%
labels = [f"$\\alpha$ = {a:g}, map {kept}" for kept, a in grid]
plots.show(
    plots.grid(torch.cat(list(grid.values())), cols=3, labels=labels),
    alt="Six versions: from left to right more like the mosaic; in the upper row, "
    "where map 1 keeps the content, the photograph shows more clearly at first.",
    caption="To the right more style. Above map 1 keeps the content, below map 3.",
)


# %%
goal = style.Wanted(net, begin, [mosaic])
rows = []
for (kept, a), x in grid.items():
    content_part, style_part, _ = losses_of(goal, x)
    rows.append((kept, a, content_part, style_part, likeness(x, begin)))
heads = ["kept by map", "strength", "content (1)", "style (2)", "correlation"]
tables.show(rows, heads)

# %%
upper, lower = torch.tensor(rows).chunk(2)  # [strengths, columns] of map 1, of map 3
if CHECKED:
    assert (upper[:2, 4] > lower[:2, 4]).all()  # map 1 keeps more of the pixels
    for part in (upper, lower):  # more strength: more content loss, less style loss
        assert (part[:, 2].diff() > 0).all() and (part[:, 3].diff() < 0).all()

# %%
traded = {"map 1": (upper[:, 2], upper[:, 3]), "map 3": (lower[:, 2], lower[:, 3])}
labels = {"xlabel": "content loss (1)", "ylabel": "style loss (2)"}
plots.show(
    plots.lines(traded, yscale="log", **labels),
    alt="Two curves that fall to the right in the plane of content and style loss.",
    caption="Strength 0.01 at the upper left, 10 at the lower right.",
)

# %% [markdown]
# The strength is a walk along a curve: less of one loss, more of the other.
# Which point you like is yours to say.
#
# **Where to start?** The photograph is not the only place: noise will do, and then the content's maps alone bring the photograph in.
# **Predict**: with the same number of steps, how far does it come?

# %%
by_start = {"from the photograph": paint(content, mosaic, net, run.small_steps)}
by_start["from noise"] = paint(content, mosaic, net, run.small_steps, init="noise")
plots.show(
    plots.grid(torch.cat(list(by_start.values())), labels=list(by_start)),
    alt="Two versions in mosaic: a clear cup, and one that is hard to make out.",
    caption="The same steps from two starts.",
)

# %%
rows = []
for name, x in by_start.items():
    rows.append((name, *losses_of(goal, x), likeness(x, begin)))
heads = ["content (1)", "style (2)", "variation (3)", "correlation"]
tables.show(rows, ["start", *heads])
if CHECKED and run.profile == "cpu":
    assert rows[1][1] > 1.2 * rows[0][1]  # content
    assert rows[1][-1] < 0.6 * rows[0][-1]

# %% [markdown]
# From noise the picture is not as far: its content loss is higher, and it correlates less with the photograph.
#
# **How calm?** Without total variation, the painting is more restless than the style itself.
# **Predict**: how much larger than our $\gamma$ must its weight be, before the difference is gone?

# %%
calm = {}
for times in (0, 1, 10, 40):
    gamma = times * WEIGHTS["variation"]
    calm[times] = (
        by_start["from the photograph"]  # painted already
        if times == 1
        else paint(content, mosaic, net, run.small_steps, variation=gamma)
    )
labels = [f"{times} times $\\gamma$" for times in calm]
plots.show(
    plots.grid(torch.cat(list(calm.values())), cols=2, labels=labels),
    alt="Four versions in mosaic, from left to right and down ever calmer.",
    caption="The more total variation costs, the calmer the painting.",
)

# %%
rows = [("the style itself", total_variation(mosaic).item(), 0.0)]
for times, x in calm.items():
    _, style_part, variation = losses_of(goal, x)
    rows.append((f"{times} times gamma", variation, style_part))
tables.show(rows, ["", "variation (3)", "style (2)"])
own, without, ours, ten, forty = (row[1] for row in rows)
if CHECKED and run.profile == "cpu":
    assert own < without and 0.85 * without < ours < without
    assert abs(ten / own - 1) < 0.25 and ours > ten > forty and forty < own

# %% [markdown]
# Our $\gamma$ takes out little; ten times as much brings the painting to about the style's own variation, and forty times takes it below.
#
# **Keep the colours?** Take from the painting only its lightness (0.299 of red, 0.587 of green, 0.114 of blue, added up), and the colours from the photograph.
# (One of the two ways of Gatys et al. 2016b works on the lightness from the start; `style.keep_color` does it afterwards.)
#
# **Two styles?** Average their Gram matrices.
# **Predict**: is the result near both?
#
# **Each in its place?** Give each style a mask $m$: multiply the maps with $\sqrt{m}$ before the Gram matrix, and it counts only places under the mask (Gatys et al. 2017).

# %%
woodcut, dots = drawn("woodcut", run.size), drawn("dots", run.size)
y, x = (torch.linspace(-1, 1, n, device=run.device) for n in content.shape[2:])
inside = ((y[:, None] / 0.75) ** 2 + (x / 0.6) ** 2 < 1).float()[None, None]
outline = F.max_pool2d(inside, 3, 1, 1) - inside  # 1 along the ellipse

# %%
both, masks = [woodcut, dots], [1 - inside, inside]
by_woodcut = paint(content, woodcut, net, run.small_steps)
by_dots = paint(content, dots, net, run.small_steps)
half = paint(content, both, net, run.small_steps, mix=[1, 1])
masked = paint(content, both, net, run.small_steps, masks=masks)

# %%
shown = {
    "content": content,
    "own colours": style.keep_color(by_woodcut, content),
    "woodcut": with_style(by_woodcut, woodcut),
    "dots": with_style(by_dots, dots),
    "half woodcut, half dots": half,
    "woodcut outside, dots inside": torch.maximum(masked, 2 * outline - 1),
}
plots.show(
    plots.grid(torch.cat(list(shown.values())), cols=2, labels=list(shown)),
    alt="The photograph; a woodcut of it in its own colours; as a woodcut and in dots, "
    "each with a piece of its style; a mixture of both; dots in an ellipse.",
    caption="Two styles, and three things to do with them.",
)


# %%
def style_under(mask, x, example):
    """The style loss (2) of the places under a mask."""
    kept = []
    for m in net(x):
        share = F.adaptive_avg_pool2d(mask, m.shape[2:])
        kept.append(m * (share / share.mean()).sqrt())
    return style_loss(kept, grams_of(net, example)).item()


# %%
everywhere = torch.ones_like(inside)
left_half = (x < 0).float().expand_as(inside)
right_third = (x > 1 / 3).float().expand_as(inside)
cases = {
    "woodcut": (by_woodcut, everywhere),
    "dots": (by_dots, everywhere),
    "half and half": (half, everywhere),
    "its left half": (half, left_half),
    "its right third": (half, right_third),
    "masked, outside": (masked, 1 - inside),
    "masked, inside": (masked, inside),
}
table = [[style_under(mask, x, s) for s in both] for x, mask in cases.values()]
rows = [(name, *losses) for name, losses in zip(cases, table, strict=True)]
tables.show(rows, ["painting", "style loss to woodcut", "to dots"])
pairs = zip(*(grams_of(net, s) for s in both), strict=True)
to_mean = style_loss(net(half), [(a + b) / 2 for a, b in pairs]).item()
print(f"half and half, to the mean of the two Gram matrices: {to_mean:.4f}")

# %%
if CHECKED:
    assert min(table[2]) > 10 * max(table[0][0], table[1][1], to_mean)
    assert 5 * table[5][0] < table[5][1]  # outside: woodcut
    assert 5 * table[6][1] < table[6][0]  # inside: dots
if CHECKED and run.profile == "cpu":
    assert 3 * table[3][0] < table[3][1] and 3 * table[4][1] < table[4][0]

# %% [markdown]
# As a whole the half-half picture is near neither, but near the mean of the two Gram matrices.
# Look where: it is nearer to woodcut in its left half, to dots in its right third.
# A Gram matrix is a mean over places, and half the places in each style have that mean.
# Under the masks each style is where it should be, and the other one is not.
#
# ## Break it
#
# Five mistakes that are easy to make. **Predict** what each does to the picture or to a number.
#
# 1. The content loss compares the maps of $x$ with the maps of $x$: it is always 0.
# 2. The optimiser is given the network's weights instead of the pixels, and nobody calls `requires_grad_` on those: with frozen weights, as ours, `backward` stops with an error.
# 3. Pixels are brought to 0..255 and their mean is subtracted, for a network that does that itself.
# 4. Red and blue change places on the way into the network.
# 5. The Gram matrix is not divided by the number of places.
#
# The table judges (2) at two sizes.
# For 1, 3 and 4 we begin from noise (from the photograph, the cup could be left over from the start), and minimise (1) and (2) at one size, without (3).
# In 3 and 4 only $x$ and the content are spoiled; the style goes in as it should.


# %%
def as_given(v):
    return v


def prepared_twice(v):
    return (v + 1) / 2 * 255 - 128


def red_for_blue(v):
    return v.flip(1)


# %%
trial, trial_style = picture(CONTENT, 192), drawn("mosaic", 192)
aim = style.recolor(trial, trial_style)
g = torch.Generator().manual_seed(run.seed)
noise = 0.3 * torch.randn(aim.shape, generator=g).to(run.device)


# %%
def spoiled(change, keep=1.0):
    """Minimise content and style loss of x as seen through `change`."""
    kept, grams = net(change(aim))[3], grams_of(net, trial_style)

    def loss_of(x):
        maps = net(change(x))
        styled = WEIGHTS["style"] * style_loss(maps, grams)
        return keep * content_loss(maps[3], kept) + styled

    return style.minimise(loss_of, noise, run.from_noise)[0]


right, flat = spoiled(as_given), spoiled(prepared_twice)
broken = {
    "right": right,
    "1: no content": spoiled(as_given, keep=0.0),
    "3: prepared twice": flat,
    "4: red for blue": spoiled(red_for_blue),
}
flat_style = spoiled(prepared_twice, keep=0.0)  # 3, for the style alone

# %%
louder = (0.5 * (flat - flat.mean()) / flat.std()).clamp(-1, 1)
shown = {"what is aimed at": aim, **broken, "3, its contrast raised": louder}
plots.show(
    plots.grid(torch.cat(list(shown.values())), cols=2, labels=list(shown)),
    alt="The recoloured photograph; the right painting; tiles without any cup; "
    "a flat grey picture; one in other colours; "
    "and the grey one with its contrast raised, in which the cup can be seen.",
    caption="1: no cup. 3: flat grey. 4: red leads blue by half as much.",
)


# %%
def redness(x):
    """Red minus blue, where the aim is red."""
    reds = aim[:, 0] - aim[:, 2] > 0.5
    return (x[:, 0] - x[:, 2])[reds].mean().item()


goal = style.Wanted(net, aim, [trial_style])
rows = []
for name, x in broken.items():
    measures = likeness(x, aim, side=8), x.std().item(), redness(x)
    rows.append((name, losses_of(goal, x)[1], *measures))
heads = ["style (2)", "correlation (8x8)", "deviation", "red - blue"]
tables.show(rows, ["", *heads])

# %%
_, judged, alike, spread, reds = zip(*rows, strict=True)
if CHECKED:
    assert alike[1] < 0.4 < alike[0]  # 1: the cup is gone
    assert spread[2] < 0.1 * spread[0]  # 3: flat
    assert 0.3 * reds[0] < reds[3] < 0.7 * reds[0]  # 4: less red
    assert min(judged[2:]) > judged[0]
    assert alike[2] > 0.5  # with its contrast raised, the cup is there
    assert prepared_twice(aim).std() > 50 * aim.std()
    assert prepared_twice(flat).std() < 5 * aim.std()
    assert flat_style.std() < 0.1 * spread[0]

# %% [markdown]
# Why grey? Prepared twice, a picture's values spread 127.5 times too far, and the style's Gram matrices ask for maps of the usual size: only a picture with almost no contrast has them, with the style loss alone as well.
# (Were the style prepared twice, too, what comes out would be another picture: try it.)
#
# The fifth mistake is the quiet one.
# Without that division, and without the divisor of (2), each Gram matrix is four times as large at twice the side, and it is squared: a style weight that was right for one size is wrong for the next.
# (Gatys et al. 2015 divide the squared difference, by $4 C^2 (H W)^2$.)
# (With the divisor alone another thing breaks: a style picture of twice as many places as the painting asks for a Gram matrix twice too large.)
#
# And the second mistake, in the same cell:


# %%
def undivided(times):
    x, s = (v.repeat(1, 1, times, times) for v in (tile, tile_style))
    total = 0.0
    for a, b in zip(net(x), net(s), strict=True):
        error = a.numel() * (style.gram(a) - style.gram(b))
        total += error.square().sum().item()
    return total


try:
    total(begin, net, net(content)[3], grams_of(net, mosaic)).backward()
except RuntimeError as error:  # begin asks for no gradient
    assert "grad" in str(error)
    print(f"2: {error}")
growth = undivided(2) / undivided(1)
print(f"5: at twice the side the undivided style loss is {growth:.1f} times as large")
assert 13 < growth < 19

# %% [markdown]
# A sixth kind does not even start: layer names that do not exist.
# VGG-19's first block has two convolutions and ends with `features.4`, its third has *four*.
# Write down a name only after printing the network.

# %%
gains = [ends[n, "Adam, one size"] / ends[n, "L-BFGS, one size"] for n in NAMES]
run.report(
    largest_drift=drift,
    gradient_error=gradient_error,
    style_fell=style_fell,
    seconds=seconds,
    adam_over_lbfgs=min(gains),
    networks=len(judges),
    style_right=judged[0],
    style_prepared_twice=judged[2],
    style_red_for_blue=judged[3],
    pixels=run.size,
)
run.expect(
    largest_drift=("<", 0.1),
    gradient_error=("<", 1e-4),
    style_fell=(">", (1.3, 10, 20)),
)

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/41_neural_style.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* Calm: total variation.
# 2. ★ *(5 minutes)* Where the content pulls: a gradient by hand.
# 3. ★★ *(10 minutes)* A style in its place: the Gram matrix under a mask.
# 4. ★★ *(10 minutes)* Its own colours.
# 5. ★★ *(10 minutes)* To think about: a style upside down.
#
# To try here *(10 minutes each)*:
#
# - `CONTENT` with the path of a picture of your own, or a painting of your own as a style, opened by `picture`.
# - The size of the style picture, `drawn("mosaic", 96)` or `512`: what happens to the tiles?
#
# And outside, `genimg stylize --help`.
#
# ## What to remember
#
# - The picture is optimised; the network only looks on, its weights stay.
# - Content: maps compared place by place, at one layer. Style: Gram matrices, at all. Each divided so that the size of the picture does not matter.
# - At equal cost L-BFGS came lower than Adam. Charge for what lies outside the range, and the cut at the end changes hardly anything.
# - The network's filters decide what counts as style.
#
# ## Further reading
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *A Neural Algorithm of Artistic Style*, 2015, arXiv:1508.06576.
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, 2016, CVPR.
# - L. A. Gatys, M. Bethge, A. Hertzmann, E. Shechtman, *Preserving Color in Neural Artistic Style Transfer*, 2016b, arXiv:1606.05897.
# - L. A. Gatys et al., *Controlling Perceptual Factors in Neural Style Transfer*, 2017, arXiv:1611.07865.
# - K. Simonyan, A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, 2014, arXiv:1409.1556.
# - F. N. Iandola et al., *SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size*, 2016, arXiv:1602.07360.
