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
# # 00 Start here
#
# *Within a minute you will have trained a network that turns noise into faces, on this machine; and you will know what "generating an image" means, and how this course works.*
#
# ![Faces: real ones, those of the network trained in this notebook, and those of the same network trained longer.](../data/pictures/00_start_here.webp)
#
# **You need** a little Python.
# Run the cells from top to bottom (Shift+Enter).
# The table below says how long that takes.

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
import torch

from genimg_lib import data, flow, layers, metrics, plots, pretrained, tables
from genimg_lib.course import chapters, doctor
from genimg_lib.course import map as course_map
from genimg_lib.flow import PatchUNet
from genimg_lib.training import Muon, others, start
from genimg_lib.widgets import explore

DATA = "portraits"  # or "fashion_mnist", after `genimg data fetch fashion_mnist`

# %%
# of three values the profile picks one: quick, cpu or gpu (explained further down)
run = start(
    "00_start_here",
    images=(2_000, 10_000, 10_000),
    steps=(40, 700, 20_000),
    batch=(32, 64, 512),
    precision="auto",
    calls=(8, 10, 10),
    samples=(256, 400, 2_000),
)
print(f"profile {run.profile}, on {run.device}, {run.steps:,} training steps")

# %%
tables.show_expected("00_start_here", "fd_yours", "fd_longer", "fd_floor")

# %% [markdown]
# ## What does it mean to generate an image?
#
# Here are portraits.
# They come from *somewhere*: there is a rule, unknown to our network, by which some pictures are portraits and most are not, and some portraits are common and others rare.
# Such a rule is a **probability distribution**; call it $p_\text{data}$.
# We never see it.
# We see **samples** of it, a training set:

# %%
train = data.load(DATA, n=run.images)
print(train)

# %%
plots.show(
    plots.grid(train.images[:20], cols=10),
    alt="Twenty portraits: cartoon faces that differ in skin, hair, glasses, hats, "
    "mouths and background.",
    caption="Twenty samples of p_data, drawn by a program.",
)

# %% [markdown]
# **To generate is to draw new samples from $p_\text{data}$, having seen only old ones.**
# *New*: handing out training images again is easy, and worthless.
# *From $p_\text{data}$*: the right things, in the right variety.
#
# In the plane we can see what this means.
# Below are 300 training points, and three ways to make more of them.

# %%
points = data.toy.moons(300)  # [300, 2]
g = torch.Generator().manual_seed(0)
pick = torch.randint(300, (300,), generator=g)
root = torch.linalg.cholesky(points.T.cov())  # root @ root.T is the covariance
gaussian = points.mean(0) + torch.randn(300, 2, generator=g) @ root.T

# %%
clouds = {
    "training points": points,
    "copies": points[pick],
    "a fitted Gaussian": gaussian,
    "new, from p_data": data.toy.moons(300, seed=1),
}

# %%
fig, axes = plots.figure(1, 4, height=1.6, sharex=True, sharey=True)
for axis, (title, cloud), color in zip(
    axes, clouds.items(), plots.COLORS, strict=False
):
    axis.scatter(*cloud.T, s=4, color=color)
    axis.set(title=title, xticks=[], yticks=[], aspect="equal")
plots.show(
    fig,
    alt="Four clouds of points: two interlocked half moons; the same points again; a "
    "shapeless blob; two half moons of other points.",
    caption="The last is what we want: here for points, soon for faces.",
)

# %% [markdown]
# Two ways to fail show in one number: how far is a point from the nearest training point?
# Exactly 0 means a copy.
# Much more than new samples have means that it does not come from $p_\text{data}$.
# (A third way, too little variety, does not show in it.)


# %%
def to_nearest(cloud):
    distances = (cloud[:, None] - points).norm(dim=2)  # [300, 300]
    return distances.min(dim=1).values.mean().item()


far = {name: to_nearest(cloud) for name, cloud in clouds.items()}
tables.show(
    list(far.items())[1:], ("points", "mean distance to the nearest training point")
)
assert far["copies"] == 0
assert far["a fitted Gaussian"] > 2 * far["new, from p_data"] > 0

# %% [markdown]
# ## Train one, now
#
# The method is called **flow matching**.
# Take a training image $x$, draw noise $\epsilon$ (every number from a standard normal distribution), and mix the two, for some $t$ between 0 (all noise) and 1 (all image):
#
# $$x_t = t\,x + (1 - t)\,\epsilon. \tag{1}$$

# %%
channels, size = train.images.shape[1:3]
shape = (channels, size, size)

# %%
face = data.to_float(train.images[:1])  # [1, C, H, W] in [-1, 1]
eps = torch.randn(face.shape, generator=g)
times = torch.linspace(0, 1, 9)
mixed = torch.cat([t * face + (1 - t) * eps for t in times])  # (1)
plots.show(
    plots.grid(mixed.clamp(-1, 1), cols=9, labels=[f"t = {t:.3g}" for t in times]),
    alt="Nine pictures: pure noise at t = 0, a face that shows through more and "
    "more, the clean face at t = 1.",
    caption="One image, one noise, nine times t. From which t on do you see a face?",
)

# %% [markdown]
# Show the network $x_t$ and $t$ and ask: **what was the image?**
# Call its guess $\hat x(x_t, t)$.
# The loss is its squared error, divided so that the small errors near the end count too; the bound of 0.1 keeps the division from exploding where $t$ comes near 1:
#
# $$\mathcal{L} = \mathbb{E}\left[\frac{\|\hat x(x_t, t) - x\|^2}{\max(1 - t,\ 0.1)^2}\right]. \tag{2}$$
#
# The times are drawn as $t = 1/(1 + e^{-n})$ with a standard normal $n$: mostly in the middle.
# That is all of the training.


# %%
def guess_loss(net, x, eps, t):
    t_image = t.view(-1, 1, 1, 1)  # [N, 1, 1, 1], so that it multiplies images
    x_t = t_image * x + (1 - t_image) * eps  # (1)
    error = net(x_t, t) - x
    error = error / (1 - t_image).clamp(min=0.1)
    return error.square().mean()  # (2), as a mean over pixels


net = PatchUNet(channels, size, patch=2, width=40, fine=8).to(run.device)
print(f"the network has {layers.count_parameters(net):,} weights")

# %% [markdown]
# The library's loss is the same: we check that on eight images, and use the library's from here on.

# %%
some = data.to_float(train.images[:8]).to(run.device)
eps = torch.randn(some.shape, generator=g).to(run.device)
t = torch.linspace(0, 1, 8, device=run.device)
with torch.no_grad():
    ours = guess_loss(net, some, eps, t)
    library = flow.matching_loss(net, some, eps, t)
assert torch.isclose(ours, library, rtol=1e-5)

# %% [markdown]
# Two optimisers share the weights: Muon takes those of the convolutions, AdamW the others.
# (What Muon does differently: it makes the directions of a step count alike, Jordan et al. 2024.)

# %%
muon = Muon(net, lr=5e-3)
adam = torch.optim.AdamW(others(net), lr=2e-3, betas=(0.9, 0.99), fused=True)
noise = torch.randn(10, *shape).to(run.device)  # for the pictures on the way


def preview():
    return flow.sample(run.ema["net"], noise)


# %% [markdown]
# Now the training itself.
# `run.train` hands out batches and keeps the books: a progress bar, checkpoints, and a running average of the weights (`ema="net"`), which is then `run.ema["net"]`.
# The step inside the loop is all yours.

# %%
for x in run.train(
    run.batches(train, run.batch),
    run.steps,
    ema="net",
    net=net,
    muon=muon,
    adam=adam,
    preview=preview,
    preview_every=max(1, run.steps // 3),
):
    run.anneal(muon, adam, warmup=50)  # learning rates rise, stay, fall to 0
    eps = torch.randn_like(x)
    t = flow.random_times(len(x), x.device)
    with run.autocast():  # shorter numbers where they are faster
        loss = flow.matching_loss(net, x, eps, t)
    for opt in (muon, adam):
        opt.zero_grad()
    loss.backward()
    for opt in (muon, adam):
        opt.step()
    run.log(loss=loss)

# %% [markdown]
# To **generate**, start from pure noise, ask the network for its guess, walk a part of the way towards it, and ask again: `run.calls` times.
# (From the second call on the library also remembers the guess before, and walks towards where the two lead, *DPM-Solver++* (Lu et al. 2022); the last step goes straight to the guess. It asks more often where there is much noise, `flow.times`.)
#
# Watch the guess.
# **Predict**: at which $t$ is it settled who it will be, and what comes last?
# (A table under "Break it" has the answer.)

# %%
net = run.ema["net"]  # the weights averaged over the last steps
torch.manual_seed(run.seed + 1)
start_noise = torch.randn(10, *shape).to(run.device)
with run.autocast():
    path = list(flow.trajectory(net, start_noise, run.calls))
times = flow.times(run.calls)  # of the calls, and 1


# %%
@torch.no_grad()
def guess(network, x, t):
    """What the network takes the image to be that x shows at time t."""
    with run.autocast():
        return (
            network(x, torch.full((len(x),), t, device=x.device)).float().clamp(-1, 1)
        )


# %%
shown = {}
for i in (0, 1):
    guesses = [guess(net, x[i : i + 1], t) for x, t in zip(path, times, strict=True)]
    shown[f"walk {i + 1}: x_t"] = torch.stack([x[i] for x in path]).clamp(-1, 1)
    shown[f"walk {i + 1}: the guess"] = torch.cat(guesses)
plots.show(
    plots.grid(shown, cols=len(times), labels=[f"t = {t:.2g}" for t in times]),
    alt="Two walks, all moments of each: noise that slowly becomes a "
    "face, and below it the network's guesses, from a blur to the same face.",
    caption="From noise to a face: x_t, and below it what the network guesses.",
)

# %% [markdown]
# ## What you made, and a network made before
#
# **The same network, trained longer**, comes with the course, and a file that says how it was made:

# %%
longer = net  # for other data there are no longer trained weights
if DATA == "portraits":
    longer = pretrained.load_flow("flow_portraits", run.device)
    facts = pretrained.facts("flow_portraits")
    columns = ("steps", "batch", "data", "minutes", "device")
    tables.show([tuple(facts[name] for name in columns)], columns)

# %% [markdown]
# It learned for longer, and from six times as many portraits, and its learning rates rose over 100 steps instead of 50.


# %%
def draw_noise(n, seed):
    seeded = torch.Generator().manual_seed(seed)
    return torch.randn(n, *shape, generator=seeded)


@torch.no_grad()
def generate(network, n, seed=0, calls=run.calls):
    eps = draw_noise(n, seed).to(run.device)
    with run.autocast():
        parts = [flow.sample(network, part, calls) for part in eps.split(250)]
    return torch.cat(parts).float().cpu()


yours = generate(net, run.samples)
theirs = generate(longer, run.samples)

# %%
cover = plots.grid(
    {
        "real": data.to_float(train.images[100:110]),
        f"yours, after {run.steps:,} steps": yours[:20],
        "the same network, trained longer": theirs[:20],
    }
)
plots.cover(cover)
plots.show(
    cover,
    alt="Five rows of faces: one of real ones, two by the network just trained, two "
    "by the network trained longer.",
    caption="Both networks began from the same noise: compare picture by picture.",
)

# %% [markdown]
# ## How good is that, in a number?
#
# The **Fréchet distance** compares the mean and the covariance of features of two sets of images, as a small trained network sees them (chapter 13 derives it).
# 0 means equal means and covariances; but even *real*, unseen images do not get 0 against the training set.
# What they get is the **floor**.
# A figure without its floor says nothing.
#
# **Predict** the order of five sets: noise; your samples; those of the longer training; real images that no network has seen; and copies of training images.

# %%
n, sets = run.samples, {}
if DATA == "portraits":
    evaluator = metrics.Evaluator(DATA)
    sets = {
        "fd_noise": torch.rand_like(yours) * 2 - 1,
        "fd_yours": yours,
        "fd_longer": theirs,
        "fd_copies": train.images[:n],
        "fd_floor": evaluator.real(n).images,
    }
found = {name: evaluator.fd(images) for name, images in sets.items()}

# %% [markdown]
# Beside it stands a second number: the share of images that are in the training set, byte for byte.

# %%
known = {image.numpy().tobytes() for image in train.images}


def share_of_copies(images):
    images = images if images.dtype == torch.uint8 else data.to_uint8(images)
    return sum(image.numpy().tobytes() in known for image in images) / len(images)


copied = {name: share_of_copies(images) for name, images in sets.items()}
rows = [(name[3:], found[name], f"{copied[name]:.0%}") for name in sets]
tables.show(rows, (f"{n} images", "Fréchet distance", "exact copies"))

# %% [markdown]
# Copies beat every network in the first column: the distance cannot see that nothing is new.
# That is why *new* and *from $p_\text{data}$* are two questions, and why one number never answers both.
# Copies and unseen real images are level: which of the two is ahead is chance.
# (Near copies escape the second column; chapter 21 looks for nearest neighbours.)

# %%
if DATA == "portraits":
    assert copied["fd_copies"] == 1 and copied["fd_floor"] == 0
    assert copied["fd_yours"] == copied["fd_longer"] == 0
    assert found["fd_copies"] < found["fd_longer"]
    assert abs(found["fd_copies"] - found["fd_floor"]) < 0.1 * found["fd_longer"]
if DATA == "portraits" and run.profile == "cpu":  # on a GPU yours trains on more
    assert found["fd_longer"] < found["fd_yours"] < found["fd_noise"] / 5

# %% [markdown]
# A distance is a random number, too: it depends on the images drawn.
# Other real images show by how much the floor varies, and that the gap above it does not come from that:

# %%
if DATA == "portraits":
    floors = [evaluator.floor(n, seed) for seed in (1, 2, 3)]
    slices = (train.images[k * n : (k + 1) * n] for k in (1, 2, 3))
    copies = [evaluator.fd(images) for images in slices]
    rows = [("floor", *floors), ("copies", *copies)]
    tables.show(rows, ("", "draw 1", "draw 2", "draw 3"))
    assert max(floors) < found["fd_longer"] - 2 * (max(floors) - min(floors))

# %% [markdown]
# ## Explore
#
# A generator is a function: the same noise gives the same face, other noise another.
# **Predict**: what happens with very few calls?
# With one?


# %%
def faces(seed, calls):
    title = f"noise number {seed}, calls: {calls}"
    return plots.grid(generate(longer, 8, seed, calls), cols=8, title=title)


explore(
    faces,
    alt="Eight generated faces for the chosen noise and number of calls.",
    caption="In a live notebook, move the sliders: other noise, and fewer calls.",
    seed=(0, 99, 7),
    calls=(1, 24, 10),
)

# %% [markdown]
# The answer as a number: in a blurred image neighbours differ less.


# %%
def sharpness(images):
    """The mean difference between neighbours in a row; blur lowers it."""
    return (images[..., 1:] - images[..., :-1]).abs().mean().item()


rows = [(k, sharpness(generate(longer, 64, calls=k))) for k in (1, 3, 5, 10)]
tables.show(rows, ("calls", "mean difference of neighbours"))
if DATA == "portraits":
    assert rows[0][1] < rows[1][1] < rows[2][1] and rows[0][1] < 0.8 * rows[3][1]

# %% [markdown]
# ## Break it
#
# With a single call the network has to guess the face from pure noise, which says nothing about it.
# Under squared error the best guess is then the **mean of all faces** $m = \mathbb{E}\,x$, since for any guess $a$
#
# $$\mathbb{E}\,\|x - a\|^2 = \mathbb{E}\,\|x - m\|^2 + \|m - a\|^2. \tag{3}$$
#
# Check (3) on the training set, with one of its faces as the guess $a$:

# %%
every = data.to_float(train.images)
mean_face, a = every.mean(dim=0), every[0]
around_a = (every - a).square().sum(dim=(1, 2, 3)).mean()
around_m = (every - mean_face).square().sum(dim=(1, 2, 3)).mean()
gap = (mean_face - a).square().sum()
assert torch.isclose(around_a, around_m + gap, rtol=1e-4)  # (3)
print(f"{around_a:.1f} = {around_m:.1f} + {gap:.1f}")

# %% [markdown]
# So much for the best guess.
# Now the network's.
# **Predict**: take 200 noises and one step from each.
# Is it the same mean face 200 times?
# If not, what could tell them apart?

# %%
one_step, many = generate(longer, n, calls=1)[:200], theirs[:200]
eps = draw_noise(n, seed=0)[:200]  # what both began with


def spread(images):
    return images.std(dim=0).mean().item()


rows = [("one call", spread(one_step)), (f"{run.calls} calls", spread(many))]
tables.show(rows, ("faces", "standard deviation a pixel"))

# %% [markdown]
# They differ much less than faces do, but they do differ.
# Put each guess below the noise it came from, averaged over squares of 8x8 pixels; the last column holds the means over all 200.

# %%
pooled = torch.nn.functional.avg_pool2d(eps, 8)
coarse = (3 * pooled).repeat_interleave(8, -1).repeat_interleave(8, -2).clamp(-1, 1)
rows = {
    "noise, coarsely": coarse,
    "after one call": one_step,
    f"after {run.calls} calls": many,
}
rows = {name: torch.cat([x[:8], x.mean(0, keepdim=True)]) for name, x in rows.items()}
plots.show(
    plots.grid(rows, cols=9, labels=[*"12345678", "mean of 200"]),
    alt="Eight columns: coarse squares of noise, below each a pale blurred face, "
    "below that a sharp face. Last column: grey; the mean face, twice.",
    caption="After one step a blurred face, its colours faintly those of its noise.",
)

# %% [markdown]
# The mean over the guesses is close to the mean face, as (3) asks.
# But a single guess takes some of its colour from the noise.
# The shirt shows it: over the 200, how does the colour of its place in the noise correlate with its colour in the guess?


# %%
def shirt(images):
    return images[:, :, -4:, 8:24].mean(dim=(2, 3))  # [N, C]: the lower edge, middle


noise_shirts, guessed_shirts = shirt(eps), shirt(one_step)
both = [
    torch.stack([noise_shirts[:, c], guessed_shirts[:, c]]) for c in range(channels)
]
correlations = [pair.corrcoef()[0, 1].item() for pair in both]
print("correlation, channel by channel:", [round(c, 2) for c in correlations])
off = (one_step.mean(0) - mean_face).square().mean().sqrt()
print(f"root mean square from the guesses' mean to the mean face: {off:.3f}")
print(f"from a real face to the mean face: {(around_m / mean_face.numel()).sqrt():.3f}")

# %%
if DATA == "portraits":
    assert spread(one_step) < 0.5 * spread(many)
    assert min(correlations) > 0.4
    assert off < 0.3 * (around_m / mean_face.numel()).sqrt()

# %% [markdown]
# Why?
# The walk begins with pure noise, at $t = 0.024$, where the network hardly ever trained: 1.6 of 1,000 times lie below 0.05, and 1 of 10,000 below 0.024.
# There it has not learned to answer the mean, and what it answers depends on the noise.
# A walk is deterministic, and so *the noise decides who it will be*.
#
# How early?
# From the guess at time $t$ alone, pick its end among 64 faces; and compare how sharp the guess is.


# %%
def picked(guesses, ends):
    """How often a guess correlates best with its own end, both without their mean."""
    a, b = ((x - x.mean(0)).flatten(1) for x in (guesses, ends))
    best = (a @ torch.nn.functional.normalize(b).T).argmax(dim=1).cpu()  # [64]
    return (best == torch.arange(len(ends))).double().mean().item()


# %%
with run.autocast():
    path = list(flow.trajectory(longer, eps[:64].to(run.device), run.calls))
ends, rows = path[-1].clamp(-1, 1), []
for x, t in list(zip(path, times, strict=True))[::2]:
    x_hat = guess(longer, x, t)
    rows.append((t, picked(x_hat, ends), sharpness(x_hat) / sharpness(ends)))
tables.show(rows, ("t", "picked among 64", "sharpness / that of the end"))
if DATA == "portraits":
    assert rows[0][1] > 0.5 and rows[2][1] > 0.9
    assert rows[0][2] < rows[2][2] < rows[3][2] and rows[0][2] < 0.7

# %% [markdown]
# Which of the 64 it will be shows in the first guess already (chance: 0.016); sharp edges come later.
# The walk is there to turn the blur into one sharp face.

# %% [markdown]
# ## Where this comes from
#
# People have generated images by programs for decades: by **rules**, as our portraits are drawn, and from **examples**.
# Efros and Leung (1999) grew a texture pixel by pixel, each from the place in an example whose neighbourhood fits best; Efros and Freeman (2001) copied whole pieces and joined them.
#
# Networks that **learn** the distribution are old, too: deep belief nets drew digits in 2006 (Hinton, Osindero and Teh).
# Since 2013 and 2014 networks trained by backpropagation alone turn noise into a whole image in one pass; they grew from digits to photographs.
# They form families:

# %%
FAMILIES = {
    "examples": {"Efros and Leung": "1999-09", "quilting": "2001-08"},
    "belief nets": {"deep belief net": "2006-07"},
    "VAE": {"VAE": "2013-12", "VQ-VAE": "2017-11"},
    "GAN": {
        "GAN": "2014-06",
        "DCGAN": "2015-11",
        "pix2pix": "2016-11",
        "CycleGAN": "2017-03",
        "BigGAN": "2018-09",
        "StyleGAN": "2018-12",
    },
    "flow": {"NICE": "2014-10", "Real NVP": "2016-05", "Glow": "2018-07"},
    "style": {"neural style": "2015-08", "AdaIN": "2017-03"},
    "pixel by pixel": {"PixelRNN": "2016-01"},
    "diffusion": {
        "first": "2015-03",
        "scores": "2019-07",
        "DDPM": "2020-06",
        "latent": "2021-12",
        "flow matching": "2022-10",
        "DiT": "2022-12",
    },
}


# %%
def place(date):  # the years before 2012 in a quarter of the width
    year = int(date[:4]) + (int(date[5:]) - 1) / 12
    return 2012 + (year - 2012) / (4 if year < 2012 else 1)


fig, axis = plots.figure(height=4)
for row, works in enumerate(FAMILIES.values()):
    color = plots.COLORS[row % 6]
    axis.plot([place(d) for d in works.values()], [row] * len(works), "o-", color=color)
    for k, (name, date) in enumerate(works.items()):
        below = k % 2
        x, y = place(date) - 0.1, row + (0.15 if below else -0.15)
        axis.text(x, y, name, fontsize=8.5, va="top" if below else "bottom")
ticks = [1999, 2006, *range(2013, 2024, 2)]
axis.set(
    xticks=[place(f"{t}-01") for t in ticks], xticklabels=ticks, xlim=(2008.4, 2025.5)
)
axis.set(yticks=range(len(FAMILIES)), yticklabels=FAMILIES, ylim=(7.6, -0.7))
plots.show(
    fig,
    alt="A timeline of eight families of methods, from textures grown from examples "
    "in 1999 and deep belief nets in 2006 to VAEs and GANs in 2013 and 2014, flows, "
    "style transfer, pixel by pixel models, and diffusion from 2015 to 2022.",
    caption="First versions on arXiv, or publication. Shortened before 2012.",
)

# %% [markdown]
# What the families of today can do, and cannot:
#
# | family | makes an image in | probability of an image | its latent | here |
# |---|---|---|---|---|
# | VAE | one pass | a lower bound | small | chapters 15, 31 to 34 |
# | GAN | one pass | none | small | chapters 14, 21 to 25 |
# | normalising flow | one pass | exact | as large as the image | |
# | pixel by pixel | one pass a pixel | exact | none | chapter 33, over codes |
# | diffusion, flow matching | many passes | a bound, or by solving an equation | as large as the image | this notebook, 17, 51 to 54 |
# | style transfer | one pass (42), or many steps (41) | none | none | chapters 16, 41 and 42 |

# %% [markdown]
# ## How this course works
#
# **Profiles.**
# The same notebook runs in three: `quick` (well under a minute, for tests), `cpu` (minutes on a laptop: the first table of each notebook says how many; what you see stored here) and `gpu`.
# It chooses `gpu` where there is one, else `cpu`; `GENIMG_PROFILE=quick` overrides.
# A profile changes numbers, never the code.
#
# **In every notebook**: a problem, its maths with each formula checked by numbers in the next cell, a model built in the open, training, measuring, a widget, and a part in which you break things.
# *Predict before you run*: it is the part that teaches most.
#
# **Your machine**, as the course sees it (`genimg doctor` says it, and more, in a terminal):

# %%
hidden = ("output", "data", "weights")  # long lists, and folders of this machine
findings = [row for row in doctor.examine() if row[1] not in hidden]
tables.show(findings, ("", "what", "found"))

# %% [markdown]
# **The map.**
# What needs what: follow an arrow backwards to find what to read first.
# Chapters 11 to 17 are the maths and 21 to 54 the models; those in the sixties put them to work, those in the seventies measure them, break them and scale them up.
# The README shows the chapters that stand as cards.

# %%
ready = course_map.ready()
fig = course_map.draw(ready)
plots.show(
    fig,
    alt="A map of the chapters, in columns from left to right: 11, images as tensors, "
    "leads to convolution, the VAE and distances, and these to most others; arrows run "
    "from each chapter to those that build on it.",
    caption="Filled boxes are ready, hollow ones are to come.",
)

# %% [markdown]
# The map is drawn from the course's list of chapters, so it can be checked: filled is what one can open, and every chapter that has measured results is among it.

# %%
measured = {c.name for c in chapters.CHAPTERS if tables.expected(c.name)[0]}
assert course_map.filled(fig) == {name[:2] for name in ready}
assert measured <= ready
print(f"{len(ready)} of {len(chapters.CHAPTERS)} chapters stand")

# %% [markdown]
# Last, the figures of this run go to a file, and have to be as good as promised.

# %%
run.report(**found, images=run.samples)
if DATA == "portraits":
    run.expect(fd_yours=("<", (None, 12, 6)), fd_longer=("<", 8))

# %% [markdown]
# ## Exercises
#
# 1. *(3 minutes)* Set `seed=1` in `start` and run again from the top to the distances. Do the faces change? Does the distance, by more than it varies from draw to draw?
# 2. *(5 minutes)* Double `steps`. Predict the new Fréchet distance before you look.
# 3. *(5 minutes)* None of *your* faces is an exact copy. Is one nearly so? Show some of them beside their nearest training image, by the distance between pixels.
# 4. *(10 minutes)* Set `DATA = "fashion_mnist"`. What works at once, what looks worse, and why might that be? (No distance is computed for it here.)
# 5. *(40 minutes)* When does the *guess* change most? Plot the distance between successive guesses against $t$. Then choose ten times of your own and walk along them, `flow.multistep(flow.denoiser(net), eps, times)`: first equal steps, `flow.even_times(10)`. Which distances do they get?
#
# ## What to remember
#
# - To generate is to draw new samples from a distribution of which we only have samples.
# - Copies are not new; a bad model is new but wrong. Both have to be checked: a distance alone cannot tell copies from new images.
# - Asked "what was the image?" of noise, the best answer is an average; a walk of some steps turns a blur into one face.
# - No figure without its floor.
#
# ## Further reading
#
# - A. A. Efros, T. K. Leung, *Texture Synthesis by Non-parametric Sampling*, ICCV 1999.
# - A. A. Efros, W. T. Freeman, *Image Quilting for Texture Synthesis and Transfer*, SIGGRAPH 2001.
# - G. E. Hinton, S. Osindero, Y.-W. Teh, *A Fast Learning Algorithm for Deep Belief Nets*, Neural Computation 18, 2006.
# - I. Goodfellow et al., *Generative Adversarial Networks*, 2014, arXiv:1406.2661.
# - J. Sohl-Dickstein et al., *Deep Unsupervised Learning using Nonequilibrium Thermodynamics*, 2015, arXiv:1503.03585.
# - J. Ho, A. Jain, P. Abbeel, *Denoising Diffusion Probabilistic Models*, 2020, arXiv:2006.11239.
# - Y. Lipman et al., *Flow Matching for Generative Modeling*, 2022, arXiv:2210.02747.
# - C. Lu et al., *DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models*, 2022, arXiv:2211.01095.
# - K. Jordan et al., *Muon: An Optimizer for Hidden Layers in Neural Networks*, 2024, https://kellerjordan.github.io/posts/muon.
