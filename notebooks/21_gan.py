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
# # 21 The first GAN
#
# *You will train a generator and a discriminator against each other on small grey portraits, learn to read their curves, walk from face to face, look for copies, and then break the training in eight ways, each with a number.*
#
# ![Rows of small grey faces: real ones above, generated ones below.](../data/pictures/21_gan.webp)
#
# **You need** notebook 13 (the Fréchet distance) and notebook 14 (the game and its losses).
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
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, divergences, gan, layers, metrics, plots, tables, vae
from genimg_lib.training import start
from genimg_lib.widgets import explore

DATA = "portraits"  # or "mnist", "fashion_mnist", "folder:PATH"

# %%
run = start(
    "21_gan",
    steps=(300, 8_000, 40_000),
    batch=128,
    latent=32,
    hidden=(256, 512, 512),
    lr=(1e-3, 1e-3, 5e-4),
    short_steps=(40, 800, 3_000),
    seeds=(1, 3, 3),
    samples=(500, 2_000, 10_000),
)
TRAINED = run.profile != "quick" and DATA == "portraits"  # long enough to say more

# %%
tables.show_expected("21_gan", "fd", "fd_floor")

# %% [markdown]
# ## Why
#
# A generator is a network that turns noise into an image.
# Which loss would you train it with?
# Squared error needs a *right answer* for each noise vector, and there is none: any face will do.
# If you take a random face as the answer, squared error has an optimum that you know from notebook 00, the mean.
# Let us see how bad that is.
#
# First the faces, in grey:


# %%
def grey(images):
    """uint8 [N, C, H, W] -> uint8 [N, 1, H, W]: the mean of the channels."""
    return images.float().mean(dim=1, keepdim=True).round().to(torch.uint8)


train = grey(data.load(DATA, "train", size=16).images)
test = grey(data.load(DATA, "test", size=16).images)
pixels, shape = train[0].numel(), train.shape[1:]
mean_face = data.to_float(train).mean(dim=0)

# %% [markdown]
# The generator is a stack of dense layers from `run.latent` numbers to 16x16 pixels.
# Its tanh ends between -1 and 1, where the images lie.


# %%
def generator():
    widths = (run.latent, run.hidden, run.hidden, pixels)
    dense = vae.mlp(*widths, activation=nn.ReLU)
    return nn.Sequential(*dense, nn.Tanh(), nn.Unflatten(1, shape)).to(run.device)


# %%
def noise(n, seed=None):
    """Latents [n, latent], standard normal."""
    source = None if seed is None else torch.Generator().manual_seed(seed)
    return torch.randn(n, run.latent, generator=source).to(run.device)


look = noise(2_000, seed=1)  # the same noise at every look

# %% [markdown]
# `run.train` yields batches and keeps the books: a progress bar, checkpoints, and in `run.history` whatever `run.log` is given.
# The step is yours.
# Here it asks for a random face.

# %%
lonely = generator()
opt = torch.optim.Adam(lonely.parameters(), lr=run.lr, fused=True)
batches = run.batches(train, run.batch)
for x in run.train(batches, run.short_steps, label="lonely", G=lonely, opt=opt):
    loss = (lonely(noise(len(x))) - x).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    run.log(loss=loss)


# %%
def from_mean_face(images):
    """Root mean squared distance of images [N, 1, 16, 16] to the mean face."""
    return (images - mean_face).square().mean().sqrt().item()


answers = layers.in_batches(lonely, look[:10])
spread = {"answers": from_mean_face(answers)}
spread["real faces"] = from_mean_face(data.to_float(test))
tables.show(list(spread.items()), ("images", "distance to the mean face"))
if TRAINED:
    assert spread["answers"] < 0.3 * spread["real faces"]

# %%
pair = {"real": data.to_float(train[:10]), "trained by squared error": answers}
plots.show(
    plots.grid(pair, cols=10),
    alt="Ten small grey faces; below them ten answers near the blurred mean face.",
    caption="Whatever the noise, nearly the mean face: a compromise, as asked for.",
)

# %% [markdown]
# ## The maths
#
# A **generative adversarial network** learns the loss, too (Goodfellow et al. 2014).
# From notebook 14: a discriminator $D = \sigma(a)$ with logit $a$ plays against the generator $G$ for the value
#
# $$V(D, G) = \mathbb{E}_{p_\text{data}} \log D(x) + \mathbb{E}_z \log\big(1 - D(G(z))\big). \tag{1}$$
#
# $D$ raises $V$.
# $G$ does not lower it directly, but raises $\log D(G(z))$, which has a slope where fakes are seen through.
# What do the weights $\theta$ of $G$ feel?
# By the chain rule, with $x = G_\theta(z)$,
#
# $$\nabla_\theta \big[-\log D(x)\big] = -\,(1 - D(x))\; \Big(\frac{\partial x}{\partial \theta}\Big)^{\!\top} \nabla_x\, a(x). \tag{2}$$
#
# Three factors: how sure $D$ is that $x$ is fake, how $x$ moves with the weights $\theta$ of $G$, and **where $D$ says that "more real" lies**.
# All that $G$ ever learns about faces comes through $\nabla_x a$.
#
# We check (2) on two tiny networks.
# In code, `D(x)` returns the logit $a$.


# %%
def flat(tensors):
    return torch.cat([t.flatten() for t in tensors])


torch.manual_seed(run.seed)
G, D = vae.mlp(3, 8, 4).double(), vae.mlp(4, 8, 1).double()  # 3 latents, 4 pixels
theta = list(G.parameters())
z = torch.randn(1, 3, dtype=torch.float64)
loss = -torch.log(torch.sigmoid(D(G(z)))).sum()
by_autograd = flat(torch.autograd.grad(loss, theta))

# %% [markdown]
# The same from the three factors, one after the other:

# %%
x = G(z).detach().requires_grad_()
(slope,) = torch.autograd.grad(D(x).sum(), x)  # nabla_x a: [1, pixels]
rows = [flat(torch.autograd.grad(G(z)[0, i], theta)) for i in range(4)]
jacobian = torch.stack(rows)  # dx / dtheta: [pixels, weights]
sure = 1 - torch.sigmoid(D(x))[0]
by_formula = -sure * (slope[0] @ jacobian)  # (2)
print(f"(2) differs from autograd by {(by_autograd - by_formula).abs().max():.1e}")
assert torch.allclose(by_autograd, by_formula)

# %% [markdown]
# **What the curves should show.**
# Where the generator is perfect, the best discriminator says $D = \tfrac12$ everywhere.
# Then the loss of $D$, which is $-V$, and that of $G$ are
#
# $$-V = 2\log 2 = 1.386, \qquad -\log D = \log 2 = 0.693. \tag{3}$$
#
# A loss of 1.386 is *not* yet success: a discriminator that has learned nothing shows it too, and where it stays there that is the usual reason.
# A loss near 0 means that $D$ sees every fake.
# By (2) $G$ still feels a push then, $1 - D \approx 1$; but many discriminators separate two sets that do not overlap, and their slopes need not point from one set to the other.
# Healthy games stay between.

# %%
# NBVAL_CHECK_OUTPUT
for name, a in (("cannot tell", 0), ("sure and right", 6)):
    real, fake = torch.full((100,), float(a)), torch.full((100,), -float(a))  # logits
    loss_D, loss_G = gan.minimax_d_loss(real, fake), gan.nonsaturating_g_loss(fake)
    print(f"{name}: loss of D {loss_D:.3f}, of G {loss_G:.3f}")

# %% [markdown]
# ## Build: one round of the game
#
# Two networks, two optimisers.
# A round has two steps, and the line between them is **detach**.
# In $D$'s step the fakes are data like any other; no gradient may run back into $G$.
# In $G$'s step it has to run *through* $D$ into $G$, but only $G$'s optimiser steps.


# %%
def discriminator():
    widths = (pixels, run.hidden, run.hidden, 1)
    dense = vae.mlp(*widths, activation=functools.partial(nn.LeakyReLU, 0.2))
    return nn.Sequential(nn.Flatten(), dense, nn.Flatten(0)).to(run.device)


# %%
def play(x, G, D, opt_G, opt_D, z):
    """One round on real images x [N, 1, 16, 16] and noise z [N, latent]."""
    fake = G(z)
    a_real, a_fake = D(x), D(fake.detach())  # the fakes are data here
    loss_D = gan.minimax_d_loss(a_real, a_fake)
    opt_D.zero_grad()
    loss_D.backward()
    opt_D.step()

    loss_G = gan.nonsaturating_g_loss(D(fake))  # the label "real": -log D
    opt_G.zero_grad()
    loss_G.backward()  # leaves gradients in D, which opt_D.zero_grad() sweeps out
    opt_G.step()
    D_real, D_fake = torch.sigmoid(a_real).mean(), torch.sigmoid(a_fake).mean()
    return {"loss_D": loss_D, "loss_G": loss_G, "D_real": D_real, "D_fake": D_fake}


# %% [markdown]
# What does `detach` prevent?
# Count the weight tensors of $G$ that get a gradient from $D$'s loss, and time twenty passes, forward and back.

# %%
torch.manual_seed(run.seed)
G, D = generator(), discriminator()
x, z = data.to_float(train[:128]).to(run.device), noise(128)
D(G(z)).sum().backward()  # the first call of everything takes longer


def twenty_passes(detach):
    began = time.perf_counter()
    for _ in range(20):
        fake = G(z).detach() if detach else G(z)
        gan.minimax_d_loss(D(x), D(fake)).backward()
    return time.perf_counter() - began


# %%
rows, there = [], len(list(G.parameters()))
for detach in (True, False):
    G.zero_grad()
    seconds = twenty_passes(detach)
    reached = sum(p.grad is not None for p in G.parameters())
    assert reached == (0 if detach else there)
    rows.append((detach, f"{reached} of {there}", 1000 * seconds / 20))
tables.show(rows, ("detach", "tensors of G with a gradient", "ms a pass"))

# %% [markdown]
# (It also saves the pass back through $G$; whether the last column shows that depends on how quiet the machine is.)
#
# That gradient points the wrong way for $G$: it makes fakes *easier* to see through.
# It does no harm as long as `opt_G.zero_grad()` comes before $G$'s own backward (`play`, which uses `fake` twice, would stop with an error).
# It ruins everything where one optimiser holds both networks.
# You will see that under "Break it".
#
# ## Train
#
# Two more things that `run` keeps.
# `run.ema["G"]` is a copy of $G$ whose weights are an average over the last steps; notebook 22 says why one draws with it.
# `run.progress` goes from 0 to 1 over a training, and `run.anneal` sets the learning rates by it: constant for the first half, then falling to 0.


# %%
def players(seed=0):
    """Two new networks and their optimisers, by the names that `run.train` keeps."""
    torch.manual_seed(run.seed + seed)
    G, D = generator(), discriminator()
    adam = functools.partial(torch.optim.Adam, lr=run.lr, betas=(0.5, 0.99), fused=True)
    opt_G, opt_D = adam(G.parameters()), adam(D.parameters())
    return {"G": G, "D": D, "opt_G": opt_G, "opt_D": opt_D}


both = players()
G, D, opt_G, opt_D = both.values()

# %% [markdown]
# For the widget below, we keep some twenty moments of the training: what $G$ draws, and the logits of a real batch and of these fakes.

# %%
moments = []


@torch.no_grad()
def keep_moment(step, x):
    fake = G(look[:200])
    moments.append((step, fake.cpu(), D(x).cpu(), D(fake).cpu()))


def preview():
    return run.ema["G"](look[:20])


# %%
books = {"ema": "G", "ema_decay": 0.998, "preview": preview, **both}
for x in run.train(run.batches(train, run.batch), run.steps, **books):
    run.anneal(opt_G, opt_D)
    run.log(**play(x, *both.values(), noise(len(x))))
    if len(run.history["step"]) % (run.steps // 20) == 1:
        keep_moment(len(run.history["step"]), x)
keep_moment(run.steps, x)
game = run.history

# %% [markdown]
# **Read the curves.**
# Do not ask first whether a loss falls: each is measured against an opponent that moves too.
# Ask how the two stand to each other: is $D$ still fooled a little, and do both curves stay in a band?
# **Predict** where between 0 and 1.386 the loss of $D$ will settle.


# %%
def smooth(values, n=100):
    """The moving average over n steps (fewer in a short training)."""
    n = max(1, min(n, len(values) // 10))
    return torch.tensor(values).unfold(0, n, 1).mean(dim=1)


shown = {name: smooth(game[name]) for name in ("loss_D", "loss_G")}
fig = plots.lines(shown, xlabel="step", ylabel="nats", ylim=(0, 3), height=2.6)
for k, value in enumerate((2 * math.log(2), math.log(2))):  # (3)
    fig.axes[0].axhline(value, color=plots.COLORS[k], linestyle="--", linewidth=1)
plots.show(
    fig,
    alt="The losses of D and G over the steps; dashed lines at 1.386 and 0.693.",
    caption="Dashed: the values of (3), where nobody can tell real from generated.",
)

# %%
opinion = {"real": smooth(game["D_real"]), "generated": smooth(game["D_fake"])}
fig = plots.lines(opinion, xlabel="step", ylabel="mean D", ylim=(0, 1), height=2.6)
fig.axes[0].axhline(0.5, color="black", linestyle="--", linewidth=1)
plots.show(
    fig,
    alt="The mean of D on real and on generated images, over the steps.",
    caption="The mean opinion of D: far ahead at first, then by a little.",
)

# %%
names = ("loss_D", "loss_G", "D_real", "D_fake")
values = torch.tensor([game[name] for name in names])  # [4, steps]
half, end = (values[:, :k][:, -200:].mean(dim=1) for k in (run.steps // 2, run.steps))
rows = [("at half", *half), ("at the end", *end)]
tables.show(rows, ("mean over 200 steps", *names))
if TRAINED:
    assert 0 < end[0] < half[0] < 2 * math.log(2)
    assert end[3] < 0.5 < end[2]

# %% [markdown]
# In the second half the loss of $D$ falls, as the learning rate does.
# There are two explanations, and they ask for different cures.
# Either $D$, disturbed less by its own steps and by those of $G$, comes nearer to its best answer: no harm.
# Or $D$ has begun to learn its training faces by heart; then its slope in (2) leads $G$ to single faces.
# Real faces that $D$ never saw, asked at the end, show the second.


# %%
@torch.no_grad()
def mean_opinion(images):
    """The mean of D over images [N, 1, 16, 16], uint8 or float."""
    x = images if images.is_floating_point() else data.to_float(images)
    return torch.sigmoid(layers.in_batches(D, x)).mean().item()


fakes = layers.in_batches(G, look)
asked = {"training faces": train, "unseen faces": test, "generated": fakes}
opinions = {name: mean_opinion(images) for name, images in asked.items()}
tables.show(list(opinions.items()), ("images", "mean D"))

# %%
ahead = opinions["training faces"] - opinions["generated"]
by_heart = (opinions["training faces"] - opinions["unseen faces"]) / ahead
print(f"share of the lead of D that only training faces have: {by_heart:.0%}")
if TRAINED:
    assert by_heart < 0.5  # more than half of what D knows holds for new faces

# %% [markdown]
# More than half of the lead holds for faces that $D$ never saw: that part is knowledge of faces.
# The rest comes from seeing the same training faces again and again.
# Where that rest is most of the lead, notebook 23 has cures.
#
# ## Look and measure
#
# The measure is the Fréchet distance of notebook 13, between features of as many generated as real test faces (the evaluator knows colour portraits of 32x32, so both sides are enlarged).
# Beside it stands the **floor**: what real faces reach against other real faces.


# %%
def sample(net, n, seed=1):
    """n images of a generator, float [n, 1, 16, 16], on the CPU."""
    return layers.in_batches(net, noise(n, seed))


evaluator = metrics.Evaluator("portraits") if DATA == "portraits" else None
judged = test
if evaluator:  # portraits can be drawn without end
    more = data.load("portraits", "test", size=16, n=2 * run.samples, seed=5)
    judged = grey(more.images)
n = min(run.samples, len(judged) // 2)  # as many again for the floor

# %% [markdown]
# The features of the evaluator, or the pixels themselves where there is none:


# %%
def features(images):
    """Grey images [N, 1, 16, 16] -> [N, d], float64."""
    x = images if images.is_floating_point() else data.to_float(images)
    if evaluator is None:
        return x.flatten(1).double()
    return evaluator.features(F.interpolate(x, 32).expand(-1, 3, -1, -1)).double()


def mean_and_covariance(images):
    x = features(images)
    return x.mean(dim=0), x.T.cov()


reference = mean_and_covariance(judged[:n])


# %%
def fd(images):
    """The Fréchet distance of images to n real ones."""
    return divergences.frechet_distance(*mean_and_covariance(images), *reference)


found = {
    "fd": fd(sample(run.ema["G"], n)),
    "fd_last_weights": fd(sample(G, n)),
    "fd_floor": fd(judged[n : 2 * n]),
    "fd_mean_face": fd(sample(lonely, n)),
}
tables.show(list(found.items()), ("figure", f"{n:,} images"))

# %%
made = sample(run.ema["G"], 30)
fig = plots.grid({"real": data.to_float(judged[:15]), "generated": made}, cols=15)
plots.cover(fig)
plots.show(
    fig,
    alt="A row of real small grey faces above two rows of generated ones.",
    caption="Find three generated faces that would pass. What gives the others away?",
)

# %% [markdown]
# **Was anything copied?**
# A generator that stored the training set would score well.
# So look for the nearest training face of each sample.
#
# The distance alone misleads: a copy with a little noise on its pixels is as far from its original as a new face from its nearest neighbour.
# So we divide it by the distance to the nearest of *as many held-out* faces.
# The ratio is about 1 for a new face, and small for a copy.
# And we compare means of 2x2 pixels, in which part of the noise cancels.


# %%
def nearest(images, others):
    """For each image the distance to the nearest of the others, and which it is."""
    coarse = [F.avg_pool2d(x, 2).flatten(1) for x in (images, others)]
    return torch.cdist(*coarse).min(dim=1)


# %%
held_out, unseen = test[:-500], test[-500:]
if DATA == "portraits":
    more = data.load("portraits", "test", size=16, n=len(train) + 500, seed=7)
    held_out, unseen = grey(more.images).split((len(train), 500))
shown_to_G = data.to_float(train[: len(held_out)])
held_out, unseen = data.to_float(held_out), data.to_float(unseen)

# %% [markdown]
# A detector is to be tried on cases that it must find.
# So we plant copies: training faces with noise on every pixel.

# %%
source = torch.Generator().manual_seed(run.seed)
grain = 0.15 * torch.randn(500, *shape, generator=source)
suspects = {
    "generated": sample(run.ema["G"], 500),
    "real, unseen": unseen,
    "planted copies": shown_to_G[:500] + grain,
}
ratio = {}
for name, images in suspects.items():
    ratio[name] = nearest(images, shown_to_G)[0] / nearest(images, held_out)[0]
rows = [(k, r.median(), (r < 0.7).float().mean()) for k, r in ratio.items()]
tables.show(rows, ("images", "median ratio", "share below 0.7"))

# %%
near = {name: (r < 0.7).float().mean().item() for name, r in ratio.items()}
found |= {"near_generated": near["generated"], "near_planted": near["planted copies"]}
if DATA == "portraits":
    assert near["planted copies"] > 0.4 > 0.15 > near["real, unseen"]
    away = torch.cdist(unseen.flatten(1), shown_to_G.flatten(1)).min(dim=1).values
    assert away.median() < grain.flatten(1).norm(dim=1).mean()
if TRAINED:
    assert near["generated"] < near["real, unseen"] + 0.05

# %%
which = nearest(made[:12], shown_to_G)[1]
pairs = {"generated": made[:12], "the nearest training face": shown_to_G[which]}
plots.show(
    plots.grid(pairs, cols=12),
    alt="A row of generated faces, and below each the training face nearest to it.",
    caption="Below each sample: the training face nearest to it.",
)

# %% [markdown]
# The detector finds most of the planted copies, and our samples lie no nearer to the training faces than new real ones do.
# It has a limit: if one sample in a hundred were a copy, the share would rise by less than 0.01, which 500 samples cannot show.
# Exercise 6 builds a simpler share, with the same weakness: a part $\varepsilon$ of copies moves it from $\tfrac12$ to $\tfrac12 + \tfrac{\varepsilon}{2}$ only.
#
# ## Walk from face to face
#
# Between two latents $z_0, z_1$ lie faces, if the path stays where $G$ was trained.
# The straight line, *lerp*, does not: for independent $z_0, z_1 \sim \mathcal{N}(0, I)$ in $d$ dimensions
#
# $$\mathbb{E}\,\big\|(1 - t)\, z_0 + t\, z_1\big\|^2 = \big((1 - t)^2 + t^2\big)\, d, \tag{4}$$
#
# at $t = \tfrac12$ half the squared length of the ends, 0.71 of the length, while all typical $z$ have a norm near $\sqrt d$.
# With $\omega$ the angle between the two, *slerp* (Shoemake 1985) turns from one to the other, and keeps the length where both ends have the same:
#
# $$\mathrm{slerp}(z_0, z_1; t) = \frac{\sin((1 - t)\,\omega)}{\sin \omega}\, z_0 + \frac{\sin(t\,\omega)}{\sin\omega}\, z_1. \tag{5}$$


# %%
def lerp(a, b, t):
    return (1 - t) * a + t * b


def slerp(a, b, t):  # (5), for [N, d]
    omega = torch.acos(F.cosine_similarity(a, b).clamp(-1, 1))[:, None]
    arc = torch.sin((1 - t) * omega) * a + torch.sin(t * omega) * b
    return arc / torch.sin(omega)


# %% [markdown]
# Both sentences by numbers: the squared length of (4), and the length that (5) keeps.

# %%
a, b = torch.randn(2, 100_000, run.latent)
for t in (0.25, 0.5):
    measured = lerp(a, b, t).square().sum(dim=1).mean().item() / run.latent
    assert abs(measured - ((1 - t) ** 2 + t**2)) < 0.01  # (4)
unit_a, unit_b = F.normalize(a, dim=1), F.normalize(b, dim=1)
for t in (0.1, 0.5, 0.8):
    length = slerp(unit_a, unit_b, t).norm(dim=1)
    assert torch.allclose(length, torch.ones(len(a)), atol=1e-3)  # (5): it stays

# %% [markdown]
# Both ways from the same first to the same last face:

# %%
z_0, z_1 = look[:1].cpu(), look[3:4].cpu()
rows = {}
for way in (lerp, slerp):
    path = torch.cat([way(z_0, z_1, t) for t in torch.linspace(0, 1, 11)])
    lengths = [path[k].norm().item() for k in (0, 5, 10)]
    title = "{}: length {:.1f}, halfway {:.1f}, at the end {:.1f}"
    title = title.format(way.__name__, *lengths)
    rows[title] = layers.in_batches(run.ema["G"], path)
plots.show(
    plots.grid(rows, cols=11),
    alt="Two rows of eleven faces from the same first to the same last one.",
    caption="Where do the two rows differ most?",
)

# %% [markdown]
# One pair of faces proves little.
# So we take 500 pairs and look at the images halfway: how far are they from the mean face, and how good are they as a set?

# %%
source = torch.Generator().manual_seed(2)
a, b = torch.randn(2, 500, run.latent, generator=source)
rows = []
for name, z in (("lerp", lerp(a, b, 0.5)), ("slerp", slerp(a, b, 0.5)), ("ends", a)):
    images = layers.in_batches(run.ema["G"], z)
    rows.append((name, from_mean_face(images), fd(images)))
tables.show(rows, ("500 images", "distance to the mean face", "FD"))
if TRAINED:
    assert rows[0][1] < rows[1][1] and rows[0][2] > rows[1][2]

# %% [markdown]
# The straight way passes through the middle of the latent space, where images are nearer to the mean face and worse as a set.
# Halfway along the arc they are as varied as at the ends: for two long random vectors the angle is near 90°, and $(z_0 + z_1) / \sqrt 2$ is again a standard normal latent.
#
# ## Explore: the game, moment by moment
#
# Below, the training again: on the left what $G$ made, on the right the logits of real and of generated images.
# **Predict** before you move: when do the two histograms lie apart, and when do they overlap most?


# %%
def histogram(axis, logits, color, name):
    logits = logits.clamp(-4, 4)
    heights, edges = torch.histogram(logits, 32, range=(-4, 4))
    share = heights / len(logits)
    axis.stairs(share, edges, fill=True, alpha=0.6, color=color, label=name)


# %%
def replay(moment):
    step, images, a_real, a_fake = moments[min(moment, len(moments) - 1)]
    fig, (left, right) = plots.figure(1, 2, height=2.8, width_ratios=(1.3, 1))
    sheet = images[:32].view(4, 8, 16, 16).transpose(1, 2).reshape(64, 128)
    left.imshow(sheet, cmap="gray", vmin=-1, vmax=1)
    left.axis("off")
    left.set_title(f"step {step:,}")
    histogram(right, a_real, plots.COLORS[2], "real")
    histogram(right, a_fake, plots.COLORS[3], "generated")
    right.axvline(0, color="black", linewidth=1)
    right.set(xlabel="logit a", yticks=[])
    right.legend(loc="upper left")
    return fig


# %%
explore(
    replay,
    alt="Left a sheet of generated faces, right two histograms of logits.",
    caption="Right of the line: called real. The further apart, the surer is D.",
    moment=(0, 20, 20),
)

# %% [markdown]
# The answer as a curve: the share of images, real and generated, that $D$ puts on the right side of the line.

# %%
steps = [step for step, *_ in moments]
told = []
for _, _, a_real, a_fake in moments:
    right = torch.cat([a_real > 0, a_fake[: len(a_real)] < 0])
    told.append(right.double().mean().item())
fig = plots.lines({"told": (steps, told)}, xlabel="step", ylabel="share told right")
fig.axes[0].axhline(0.5, color="black", linestyle="--", linewidth=1)
plots.show(
    fig,
    alt="The share of images that D tells right, over the steps.",
    caption="Dashed: guessing. High means that the histograms lie apart.",
)
if TRAINED:
    assert max(told[:5]) > sum(told[8:13]) / 5 + 0.1

# %% [markdown]
# $D$ is surest early on, when much gives a fake away, and less sure in the middle.
# (The share told right is not the overlap: both histograms may lie on one side of the line.)
#
# ## Break it
#
# Eight changes, each from the same start.
# 1 to 5 and 7 are mistakes of published code; 6 and 8 ask how strong $D$ may be.
# **Predict** which are fatal, and which only slow:
#
# 1. One optimiser for both networks, and no detach.
# 2. $G$ is trained with the label "fake".
# 3. $G$ is trained alone, by squared error to noise.
# 4. $D$ sees no real images.
# 5. Data in $[0, 1]$ for a generator that ends in tanh.
# 6. $D$ steps 20 times for each step of $G$.
# 7. An "epoch" of `batch_size` steps: training stops early.
# 8. As 6, with the minimax loss for $G$.
#
# Each change is a round of the game, written with one helper:


# %%
def step(loss, *optimisers):
    for opt in optimisers:
        opt.zero_grad()
    loss.backward()
    for opt in optimisers:
        opt.step()


# %%
def one_optimiser(x, G, D, opt_G, opt_D, z):  # Adam for all weights is both at once
    step(gan.minimax_d_loss(D(x), D(G(z))), opt_G, opt_D)
    step(gan.nonsaturating_g_loss(D(G(z))), opt_G, opt_D)


def label_fake(x, G, D, opt_G, opt_D, z):
    step(gan.minimax_d_loss(D(x), D(G(z).detach())), opt_D)
    step(F.softplus(D(G(z))).mean(), opt_G)  # -log(1 - D)


# %%
def to_noise(x, G, D, opt_G, opt_D, z):
    step((G(z) - torch.randn_like(x)).square().mean(), opt_G)


def no_real(x, G, D, opt_G, opt_D, z):
    step(F.softplus(D(G(z).detach())).mean(), opt_D)
    step(gan.nonsaturating_g_loss(D(G(z))), opt_G)


def in_0_1(x, G, D, opt_G, opt_D, z):
    play((x + 1) / 2, G, D, opt_G, opt_D, z)


# %% [markdown]
# Numbers 6 and 8 differ in one word, the loss of $G$.
# Each of the twenty steps of $D$ gets new images and new noise.


# %%
def twenty(x, G, D, opt_G, opt_D, z, g_loss=gan.nonsaturating_g_loss):
    for _ in range(20):
        fake = G(noise(len(x))).detach()
        step(gan.minimax_d_loss(D(next(batches)), D(fake)), opt_D)
    step(g_loss(D(G(z))), opt_G)


twenty_minimax = functools.partial(twenty, g_loss=gan.minimax_g_loss)
CHANGES = {
    "none": play,
    "1 one optimiser": one_optimiser,
    "2 label fake": label_fake,
    "3 G alone, to noise": to_noise,
    "4 no real images": no_real,
    "5 data in [0, 1]": in_0_1,
    "6 twenty steps of D": twenty,
    "7 an epoch of 128 steps": play,
    "8 twenty, minimax loss": twenty_minimax,
}

# %% [markdown]
# A round with twenty steps of $D$ takes about twelve times as long as one of `play`, so 6 and 8 get a twelfth of the rounds.
# The table shows the seconds.
# The unchanged training and these two have three seeds, the others one; the last row is the face that is the mean of all.

# %%
ROUNDS = dict.fromkeys(CHANGES, run.short_steps)
ROUNDS["6 twenty steps of D"] = max(1, run.short_steps // 12)
ROUNDS["8 twenty, minimax loss"] = max(1, run.short_steps // 12)
ROUNDS["7 an epoch of 128 steps"] = min(128, run.short_steps)


# %%
def train_with(change, seed=0):
    """n samples of a generator trained by changed rounds, and the seconds it took."""
    both, began = players(seed), time.perf_counter()
    books = {"label": change.replace(" ", "_"), "ema": "G", "ema_decay": 0.99, **both}
    for x in run.train(run.batches(train, run.batch), ROUNDS[change], **books):
        run.anneal(both["opt_G"], both["opt_D"])
        CHANGES[change](x, *both.values(), noise(len(x)))
    return sample(run.ema["G"], n), time.perf_counter() - began


# %%
rows, drawn, damage = [], {"real": data.to_float(judged[:12])}, {}
for change in CHANGES:
    several, found_fd = change[0] in "n68", []
    for seed in range(run.seeds if several else 1):
        images, seconds = train_with(change, seed)
        if change.startswith("5"):
            images = 2 * images.clamp(0, 1) - 1  # shown as its author would
        found_fd.append(fd(images))
        drawn.setdefault(change, images[:12])
    damage[change] = found_fd
    shown = ", ".join(f"{value:.0f}" for value in found_fd)
    rows.append((change, ROUNDS[change], seconds, shown))
rows.append(("the mean face", "", "", f"{found['fd_mean_face']:.0f}"))
tables.show(rows, ("change", "rounds", "seconds", "FD, by seed"))

# %%
plots.show(
    plots.grid(drawn, cols=12),
    alt="Rows of samples: real faces, those of the unchanged training, then "
    "those of the eight changed ones.",
    caption="The first seed of each.",
)

# %%
cost = {name[0]: values[0] for name, values in damage.items()}  # "n" is none
by_seed = {name[0]: values for name, values in damage.items()}
if TRAINED:
    assert min(cost[k] for k in "1234") > 3 * max(by_seed["n"])
    assert min(cost[k] for k in "57") > 0.9 * found["fd_mean_face"]
    assert max(by_seed["6"]) < 400 < max(by_seed["8"])

# %% [markdown]
# Fatal: 1 to 4, at more than three times the worst seed of the unchanged training, and 8 in the seeds shown.
# In 1 each loss also moves the other player, in 2 $G$ learns to look fake, and in 3 and 4 nothing tells $G$ what a face is.
#
# 5 and 7 have got no further than the mean face; whether they would get there with time, this short training does not show.
# In 5 real pixels are never below 0, but half of the range of tanh is: every negative pixel gives a fake away until $G$ has left that half.
# 7 simply stops early.
#
# 6 and 8 both have a $D$ of twenty steps and about the seconds of the unchanged training, in which $G$ takes a twelfth of the steps.
# With the loss that does not saturate all seeds stay below 400, one of them below the mean face.
# With the minimax loss, 8, all three were lost: where $D$ becomes sure early, it leaves $G$ without a slope.
# (Another seed may escape.)

# %%
found |= {f"fd_broken_{k}": value for k, value in cost.items() if k != "n"}
found |= {"fd_short": cost["n"], "D_by_heart": by_heart}
found["fd_broken_8_least"] = min(by_seed["8"])
found |= {"D_real": game["D_real"][-1], "D_fake": game["D_fake"][-1], "n": n}
run.report(**found)
if DATA == "portraits":
    run.expect(fd=("<", (600, 40, 30)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/21_gan.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(2 minutes)* How many steps are an epoch?
# 2. ★ *(3 minutes)* Which labels do real and fake images get, and in whose step?
# 3. ★★ *(5 minutes)* A sigmoid too many: how low can the loss fall?
# 4. ★★ *(10 minutes)* The discriminator's step, with gradients where they belong.
# 5. ★★ *(10 minutes)* Slerp, for a batch of pairs.
# 6. ★★★ *(25 minutes, a project)* Does it copy? Nearest neighbours, and a share that tells.
#
# To try here *(15 minutes each)*:
#
# - Train with `gan.minimax_g_loss` instead of the non-saturating one; which curve shows the saturation (set `ylim=(-2, 4)`)?
# - Add the R1 penalty of notebook 14, `0.5 * gan.r1_penalty(D, x)` (so $\gamma = 1$), to `loss_D`; what happens to the gap between `D_real` and `D_fake`, and to the Fréchet distance?
# - Two old tricks against a $D$ that is too sure: 0.9 in place of 1 as its target for real images only, and noise on all that it sees, whose deviation falls to 0. Which of them changes `D_real`, which the distance?
#
# And a project *(30 minutes)*: train with `latent=2` in `start` (skip the cells of slerp: in a plane some pairs point in opposite directions).
# Decode a square of $z$ from -2 to 2: the whole map.
# After notebook 31, compare it with the VAE's: where do the two put their faces, and what lies between?
#
# ## What to remember
#
# - The discriminator is a learned loss; all that $G$ learns comes through $\nabla_x a$.
# - Two steps, two optimisers, one `detach`: in $D$'s step fakes are data; in $G$'s step the gradient passes through $D$ into $G$, and only $G$'s optimiser steps.
# - A falling loss is no proof, a flat one no failure: each is measured against a moving opponent. The loss of $D$ should stay between 0 and $2\log 2$. Ask $D$ about unseen images, and judge by samples and by a distance with its floor beside it.
# - Look for copies before you praise variety, and try your detector on planted ones. Walk along arcs, not chords.
#
# ## Further reading
#
# - I. Goodfellow et al., *Generative Adversarial Networks*, 2014, arXiv:1406.2661.
# - T. White, *Sampling Generative Networks*, 2016, arXiv:1609.04468: slerp in latent spaces.
# - K. Shoemake, *Animating Rotation with Quaternion Curves*, SIGGRAPH 1985: where slerp comes from.
# - I. Goodfellow, *NIPS 2016 Tutorial: Generative Adversarial Networks*, 2016, arXiv:1701.00160.
