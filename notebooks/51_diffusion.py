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
# # 51 Diffusion: many small steps from noise
#
# *You will derive diffusion from Bayes' rule, train one network on your own machine, and draw from it in eight ways, counted by calls.*
#
# ![Six rows of faces: real ones, and five rows that one network drew in different ways, from smeared ones to clean ones.](../data/pictures/51_diffusion.webp)
#
# **You need** notebooks 00 and 17, the Kullback-Leibler divergence and the Fréchet distance of notebook 13, and the bound of notebook 15.
# The table below says how long it takes.
# What the text says about trained networks is checked where `CHECKED` is true: for portraits, in the profile cpu.

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
import itertools
import math

import torch
import torch.nn.functional as F

from genimg_lib import data, divergences, flow, layers, metrics, plots, tables
from genimg_lib.data.mixture import GaussianMixture
from genimg_lib.flow import PatchUNet
from genimg_lib.training import Muon, others, start
from genimg_lib.widgets import explore

DATA = "portraits"  # or "fashion_mnist", after `genimg data fetch fashion_mnist`

# %%
run = start(
    "51_diffusion",
    images=(600, 10_000, 10_000),
    unseen=(200, 1_000, 1_000),
    steps=(20, 1_200, 20_000),
    batch=(16, 64, 512),
    precision="auto",
    samples=(256, 400, 2_000),
    points=(512, 8_192, 8_192),
    calls=((2, 3), (5, 10, 20, 50), (5, 10, 20, 50)),
    stopped=(16, 64, 64),
    said_steps=(2, 150, 2_000),
)
CHECKED = DATA == "portraits" and run.profile == "cpu"
THINGS = "faces" if DATA == "portraits" else "images"
tables.show_expected("51_diffusion", "fd", "fd_floor", "fd_10_ddim")

# %% [markdown]
# ## Why
#
# A denoiser is easy to train: show it a noisy image, ask for the clean one.
# Can it make an image out of noise alone?
#
# Here is the best denoiser there can be for a training set.
# By squared error it is a mean (notebook 17), and by Bayes' rule each training image $x_i$ counts in it by how likely it makes what is seen:
#
# $$\hat x(x_t) = \sum_i w_i\, x_i, \qquad w_i \propto e^{-|x_t - \alpha x_i|^2 / 2\sigma^2}, \qquad \sum_i w_i = 1, \tag{1}$$
#
# where $x_t = \alpha x + \sigma \epsilon$, $\sigma > 0$.
# All through this notebook $\alpha_t = \sin\frac{\pi t}{2}$ and $\sigma_t = \cos\frac{\pi t}{2}$, so that $\alpha^2 + \sigma^2 = 1$: $t = 0$ is noise, $t = 1$ the image.

# %%
PATH = flow.CIRCULAR
train = data.load(DATA, n=run.images)
unseen = data.load(DATA, split="test", n=run.unseen)
evaluator = metrics.Evaluator(DATA)  # there is one for portraits and for fashion_mnist
faces = data.to_float(train.images)
shape = faces.shape[1:]
g = torch.Generator().manual_seed(run.seed)


def best_denoiser(images):
    """(1) for these images [M, C, H, W]; t below 1, the same for all."""
    flat = images.flatten(1)

    def denoise(x, t):
        alpha, sigma = PATH.levels(t[0])
        y = x.flatten(1)
        squares = alpha**2 * flat.square().sum(dim=1) - 2 * alpha * y @ flat.T
        weights = torch.softmax(
            -squares / (2 * sigma**2), dim=1
        )  # |y|² is common to all
        return (weights @ flat).view_as(x)

    return denoise


# %%
by_heart = best_denoiser(faces)
face = data.to_float(unseen.images[:1])
eps = torch.randn(1, *shape, generator=g)
TIMES = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8)
noisy, guesses = [], []
for t in TIMES:
    at = torch.tensor([t])
    noisy.append(PATH.mix(face, eps, at))
    guesses.append(by_heart(noisy[-1], at))
rows = {"x_t": torch.cat(noisy).clamp(-1, 1), "its best guess": torch.cat(guesses)}
plots.show(
    plots.grid(rows, cols=6, labels=[f"t = {t}" for t in TIMES]),
    alt="Above, one face under less and less noise; below, guesses: the mean face, a "
    "blurred face, then always the same sharp face, which is not the one above.",
    caption="A face that was never trained on, and what it is taken for.",
)
assert torch.allclose(guesses[0][0], faces.mean(dim=0), atol=1e-4)

# %% [markdown]
# Asked about pure noise it gives the average face, as it must: nothing is known yet.
# So one question doesn't make an image.
# **Many small ones do**: go a little way towards the average, and ask again. What is left of the noise now lies nearer to some faces than to others, and the next guess leans towards those.

# %%
noise = torch.randn(8, *shape, generator=g)
walk = list(flow.ddim(by_heart, noise, flow.even_times(50), PATH))
ends = walk[-1]
apart = (ends - faces[torch.cdist(ends.flatten(1), faces.flatten(1)).argmin(1)]).abs()
rows = {"first guess": by_heart(noise, torch.zeros(8)), "after 50 steps": ends}
plots.show(
    plots.grid(rows, cols=8),
    alt="Above, eight times the same blurred average face; below, eight sharp faces.",
    caption="Eight noises: one guess each, and fifty small steps each.",
)
print(f"largest distance of an end from the nearest training image: {apart.max():.1e}")
assert apart.max() < 0.02

# %% [markdown]
# Sharp faces, and every one a copy: who denoises a *training set* perfectly knows it by heart.
# What we want is the denoiser of faces in general.
# A network that hasn't learned its images by heart comes nearer to that; a table further down measures by how much.
#
# What follows makes this exact: what the steps should be, which loss belongs to them, and what may be left out.

# %% [markdown]
# ## The maths: noise, step by step
#
# Diffusion was born the other way round (Sohl-Dickstein et al. 2015; Ho et al. 2020, **DDPM**): take an image and add noise in small steps.
# From a time $s$ back to an earlier $t < s$:
#
# $$x_t = \tfrac{\alpha_t}{\alpha_s}\, x_s + \sqrt{\beta}\; \epsilon', \qquad \beta = \sigma_t^2 - \tfrac{\alpha_t^2}{\alpha_s^2}\, \sigma_s^2, \tag{2}$$
#
# with fresh noise $\epsilon'$, where the signal's share $\alpha/\sigma$ grows with time.
# The distributions of this noising are called $q$.
# It is made so that steps can be skipped.
# With $x_s = \alpha_s x + \sigma_s \epsilon$ the data have the factor $\alpha_t$, and the variances add up to $\frac{\alpha_t^2}{\alpha_s^2} \sigma_s^2 + \beta = \sigma_t^2$: noise added in a thousand steps or in one is distributed alike.
#
# DDPM counts steps $n = 0 \dots 1000$ from the image to noise, and writes $\bar\alpha_n$ for our $\alpha^2$, $\beta_n$ for our $\beta$.
# (The square root of $1 - \bar\alpha$ is our $\sigma$; using $1 - \bar\alpha$ itself is a classic mistake.)
# The library has its schedule for times without steps, `flow.LINEAR`.

# %%
betas = torch.linspace(1e-4, 0.02, 1_000).double()
bar = torch.cumprod(1 - betas, dim=0)  # DDPM's alpha-bar
t = 1 - torch.arange(1, 1_001).double() / 1_000
off = (flow.LINEAR.alpha(t).square() - bar).abs().max()
print(f"alpha² of LINEAR and alpha-bar of a thousand steps: at most {off:.4f} apart")
assert off < 0.003

# %%
x, steps = 0.7, [1.0, 0.8, 0.55, 0.3]  # a number, and noise added in three steps
x_t = torch.full((200_000,), x).double()
for s, t in itertools.pairwise(steps):
    of = flow.posterior(PATH, t, s)  # its last entry is beta
    kept = PATH.levels(t)[0] / PATH.levels(s)[0]
    x_t = kept * x_t + math.sqrt(of.large) * torch.randn(len(x_t), generator=g).double()
alpha, sigma = PATH.levels(steps[-1])
print(
    f"mean {x_t.mean():.3f}, std {x_t.std():.3f}; at once {alpha * x:.3f}, {sigma:.3f}"
)
assert abs(x_t.mean() - alpha * x) < 0.01 and abs(x_t.std() - sigma) < 0.01

# %% [markdown]
# ## The maths: one step back, by Bayes
#
# Where was $x_s$, if we know both ends, the image $x$ and the noisier $x_t$?
# The step's noise is fresh, so $q(x_t|x_s, x) = q(x_t|x_s)$, and by Bayes' rule $q(x_s|x_t, x) \propto q(x_t|x_s)\, q(x_s|x)$, two normal densities in $x_s$.
# Their exponents add up: the inverse variances to $\frac{\alpha_t^2}{\alpha_s^2 \beta} + \frac{1}{\sigma_s^2} = \frac{\sigma_t^2}{\beta \sigma_s^2}$, and so
#
# $$q(x_s|x_t, x) = \mathcal{N}\Big(\underbrace{\tfrac{\alpha_s \beta}{\sigma_t^2}\, x + \tfrac{\alpha_t \sigma_s^2}{\alpha_s \sigma_t^2}\, x_t}_{\mu(x, x_t)},\; \tilde\beta\Big), \qquad \tilde\beta = \frac{\beta\, \sigma_s^2}{\sigma_t^2}. \tag{3}$$
#
# Put the guess $\hat x$ where $x$ should be, draw, and repeat: that is DDPM's sampler.


# %%
def back(x, x_t, t, s):
    """(3): mean and variance of x_s."""
    (alpha_t, sigma_t), (alpha_s, sigma_s) = PATH.levels(t), PATH.levels(s)
    beta = sigma_t**2 - (alpha_t / alpha_s) ** 2 * sigma_s**2
    of_x = alpha_s * beta / sigma_t**2
    of_x_t = alpha_t * sigma_s**2 / (alpha_s * sigma_t**2)
    return of_x * x + of_x_t * x_t, beta * sigma_s**2 / sigma_t**2


# %%
def log_normal(x, mean, variance):
    return -((x - mean) ** 2) / (2 * variance) - 0.5 * math.log(2 * math.pi * variance)


t, s, x_t = 0.4, 0.5, -0.3
grid = torch.linspace(-4, 4, 80_001).double()  # of x_s
(alpha_t, _), (alpha_s, sigma_s) = PATH.levels(t), PATH.levels(s)
beta = flow.posterior(PATH, t, s).large
logs = log_normal(x_t, alpha_t / alpha_s * grid, beta)
logs = logs + log_normal(grid, alpha_s * x, sigma_s**2)
weights = torch.softmax(logs, dim=0)
by_bayes = (weights * grid).sum(), (weights * grid**2).sum()
mean, variance = back(x, x_t, t, s)
print(f"mean {mean:.5f}, variance {variance:.5f}")
assert abs(by_bayes[0] - mean) < 1e-5
assert abs(by_bayes[1] - by_bayes[0] ** 2 - variance) < 1e-5
of = flow.posterior(PATH, t, s)
assert math.isclose(of.of_x * x + of.of_x_t * x_t, mean)
assert math.isclose(of.small, variance)

# %% [markdown]
# ## The maths: the bound
#
# The chain noise $\to \dots \to$ image is a latent-variable model, whose latents are all the noisy images: notebook 15's bound holds.
# Written out and sorted by steps $t \to s$ (Ho et al. 2020, equation 5),
#
# $$-\log p(x) \le \mathbb{E}\Big[\sum_{t \to s} \mathrm{KL}\big(q(x_s|x_t, x)\, \|\, p(x_s|x_t)\big) - \log p(x|x_\text{last})\Big]; \tag{4}$$
#
# a first term, for where the walk begins, is 0 if $\alpha$ is 0 there.
# The model's steps are $p(x_s|x_t) = \mathcal{N}(\mu(\hat x, x_t), \tilde\beta)$.
# So both densities in the KL have one variance, and their means differ by $\frac{\alpha_s \beta}{\sigma_t^2}(x - \hat x)$.
# With $\mathrm{SNR} = \alpha^2/\sigma^2$, the ratio of signal to noise, all factors fall together (Kingma et al. 2021):
#
# $$\mathrm{KL} = \frac{1}{2}\big(\mathrm{SNR}_s - \mathrm{SNR}_t\big)\, |x - \hat x(x_t)|^2. \tag{5}$$

# %%
x_hat = 0.2
(first, variance), (second, _) = back(x, x_t, t, s), back(x_hat, x_t, t, s)
kl = (first - second) ** 2 / (2 * variance)  # of normal densities of one variance


def snr(t):
    alpha, sigma = PATH.levels(t)
    return (alpha / sigma) ** 2


print(f"KL {kl:.5f} nats")
assert math.isclose(kl, (snr(s) - snr(t)) / 2 * (x - x_hat) ** 2)  # (5)

# %% [markdown]
# How tight is (4)?
# Two heaps on a line, for which the best denoiser is a formula, and the mean of $-\log p(x)$, the entropy, can be estimated.
# In the last step $p(x|x_\text{last})$ is normal around $x_\text{last}/\alpha$.
#
# **Predict**: does the bound become better or worse with more steps?

# %%
HEAPS = GaussianMixture(
    torch.tensor([0.8, 0.2]).double(),
    torch.tensor([[-2.0], [2.0]]).double(),
    torch.full((2, 1, 1), 0.3**2).double(),
)


def bound(x, steps, generator):
    """(4) for each of the points x [N, 1], in nats, by `steps` steps."""
    times = flow.even_ratios(steps + 1, PATH, ends=(-3, 3.5))[:-1]
    total = torch.zeros(len(x)).double()
    for t, s in itertools.pairwise(times):
        noise = torch.randn(x.shape, generator=generator).double()
        x_t = PATH.mix(x, noise, torch.full((len(x),), t).double())
        x_hat, _ = HEAPS.posterior(x_t, *PATH.levels(t))
        total += (snr(s) - snr(t)) / 2 * (x - x_hat)[:, 0].square()
    alpha, sigma = PATH.levels(times[-1])
    left = torch.randn(len(x), generator=generator).double()  # x_last / alpha, less x
    return total - log_normal(sigma / alpha * left, 0.0, (sigma / alpha) ** 2)


# %%
x = HEAPS.sample(10_000, g)
entropy = -HEAPS.log_prob(x).mean().item()
gaps = {n: bound(x, n, g).mean().item() - entropy for n in (4, 16, 64, 256, 1_024)}
rows = [(n, entropy + gap, gap) for n, gap in gaps.items()]
tables.show(rows, ("steps", "bound, nats", "above the entropy"))
found_gaps = list(gaps.values())
assert all(b < 0.5 * a for a, b in itertools.pairwise(found_gaps))
assert found_gaps == sorted(found_gaps, reverse=True) and 0 < found_gaps[-1] < 0.05

# %% [markdown]
# The more steps, the tighter, and four times the steps leave less than half of the gap: with small steps the true way back is nearly normal, too, and (4) loses little.
# That is why DDPM takes a thousand. How many are needed to draw with a network is another question.
#
# ## The maths: the simple loss
#
# By (5) each noise level has a squared error with a weight.
# Said as noise, $|x - \hat x|^2 = |\epsilon - \hat\epsilon|^2 / \mathrm{SNR}_t$, and the weight is $\frac12(\mathrm{SNR}_s/\mathrm{SNR}_t - 1)$.
# DDPM drops it, and has better images for it (Fréchet distance 3.17 instead of 13.51 on CIFAR-10, their table 2):
#
# $$\mathcal{L}_\text{simple} = \mathbb{E}\, |\epsilon - \hat\epsilon(x_t, t)|^2, \tag{6}$$
#
# all steps alike often.
# What was dropped? For DDPM's thousand steps:

# %%
rows = []
for n in (999, 700, 400, 100, 10, 2):
    (alpha_t, sigma_t), (alpha_s, sigma_s) = (
        flow.LINEAR.levels(1 - step / 1_000) for step in (n, n - 1)
    )
    ratio = (alpha_s * sigma_t / (alpha_t * sigma_s)) ** 2  # SNR_s / SNR_t
    rows.append((n, sigma_t, (ratio - 1) / 2))
tables.show(rows, ("step n", "sigma", "weight in the bound"))
weights = [row[2] for row in rows]
assert weights[-1] > 50 * min(weights) and weights.index(min(weights)) == 2

# %% [markdown]
# The bound asks most of the steps nearest to the image, where hardly any noise is left: for a likelihood the faintest detail counts.
# Beside it, equal weights look more at the middle, where it is settled what is in the picture.
#
# ## Schedules, by signal to noise
#
# How $\alpha$ and $\sigma$ depend on $t$ is the **schedule**.
# Only two things matter about it: the ratio $\alpha/\sigma$ at each time, and how big $x_t$ is.
# The second is a factor that can be divided out.
# So schedules are compared by $\log(\alpha/\sigma)$.

# %%
t = torch.linspace(0.01, 0.99, 99).double()
SCHEDULES = {"linear (DDPM)": flow.LINEAR, "circular": PATH, "straight": flow.STRAIGHT}
ratios = {
    name: (t, torch.log(path.alpha(t) / path.sigma(t)))
    for name, path in SCHEDULES.items()
}
plots.show(
    plots.lines(ratios, "t", "log(alpha / sigma)"),
    alt="Three rising lines: the linear schedule lies below the others; the straight "
    "and the circular path lie close together, and cross in the middle.",
    caption="How clean x_t is: DDPM's schedule dwells on near-pure noise.",
)
below = (ratios["linear (DDPM)"][1] < -1).double().mean().item()
others_below = [(ratios[name][1] < -1).double().mean().item() for name in ratios]
print({name: round(share, 2) for name, share in zip(ratios, others_below, strict=True)})
apart = (ratios["circular"][1] - ratios["straight"][1]).abs().max()
assert below > 1.5 * others_below[1] and apart < 0.5

# %% [markdown]
# (The numbers: the share of the time in which $\alpha < \sigma / e$.)
# The circular path is the *cosine schedule* of Nichol and Dhariwal (2021), without their offset.
# It and the straight path of flow matching pass the same levels at nearly the same times: *diffusion and flow matching differ less than their names suggest*.
# To draw along one is to draw along the other, with times moved so that $\alpha/\sigma$ is the same, and $x_t$ divided by $\sqrt{\alpha^2 + \sigma^2}$:

# %%
x = torch.randn(500, 1, generator=g).double()
levels = torch.linspace(-2, 2, 12).tolist()
ends = []
for path in (PATH, flow.STRAIGHT):
    times = [flow.time_of(path, level) for level in levels]
    scale = math.hypot(*path.levels(times[0]))  # 1 on the circle

    def exact(x_t, t, path=path):
        return HEAPS.posterior(x_t, *path.levels(t[0]))[0]

    end = flow.last(flow.ddim(exact, scale * x, times, path))
    ends.append(end / math.hypot(*path.levels(times[-1])))
print(f"largest difference: {(ends[0] - ends[1]).abs().max():.1e}")
assert torch.allclose(*ends, atol=1e-9)

# %% [markdown]
# ## Build: the loss
#
# A network may say the noise, as in (6), or the image, or the velocity of notebook 17; and its error may be *counted* as one of any of these.
# On the circle an error $e$ in $x$ is one of $-\frac{\alpha}{\sigma} e$ in $\epsilon$ and one of $\frac{\pi}{2} \frac{1}{\sigma} e$ in $v$: a weight.
# (Where a $\sigma$ divides it is taken as 0.1 at least.)


# %%
def simple_loss(net, x, eps, t):
    """(6), DDPM's: the network says the noise."""
    x_t = PATH.mix(x, eps, t)
    return (net(x_t, t) - eps).square().mean()


def image_loss(net, x, eps, t):
    """The network says the image; errors count as those of the velocity."""
    x_t = PATH.mix(x, eps, t)
    sigma = PATH.sigma(t).view(-1, 1, 1, 1)
    error = math.pi / 2 * (net(x_t, t) - x) / sigma.clamp(min=0.1)
    return error.square().mean()


# %%
PATCH, WIDTH = (4, 64) if shape[-1] % 8 == 0 else (2, 40)
net = PatchUNet(*shape[:2], PATCH, WIDTH, fine=8)
x, t = faces[:16], torch.linspace(0.02, 0.98, 16)
eps = torch.randn(x.shape, generator=g)
with torch.no_grad():
    for ours, says, counts in ((simple_loss, "eps", "eps"), (image_loss, "x", "v")):
        theirs = flow.guess_loss(net, x, eps, t, says, counts, PATH)
        assert torch.isclose(ours(net, x, eps, t), theirs, rtol=1e-4)

# %% [markdown]
# ## Build: the network
#
# A U-Net takes an image down to coarser grids and up again, and hands what it saw on the way down across.
# On two cores that is slow at full size.
# `PatchUNet` folds squares of 4x4 pixels into channels (`pixel_unshuffle`), works on the grid of 8x8 squares and on one of 4x4, and unfolds; a last convolution at full size paints over the seams, and sees $x_t$ once more.
# The time goes in as cosines and sines of many frequencies, which scale and shift the channels in every block:

# %%
seen = flow.time_features(torch.linspace(0, 1, 200)).T  # [64, 200]
fig, axis = plots.figure(height=2.4)
axis.imshow(seen, aspect="auto", extent=(0, 1, 64, 0), cmap="RdBu")
axis.set(xlabel="t", ylabel="feature")
plots.show(
    fig,
    alt="64 stripes over t: the first ones change slowly, the later ones ever faster.",
    caption="The time as the network sees it: cosines, then sines, slow to fast.",
)

# %%
parts = {
    "first convolution": net.inward,
    "blocks on the grid": torch.nn.ModuleList([*net.first, *net.last]),
    "down, up, join": torch.nn.ModuleList([net.down, net.up, net.join]),
    "blocks on the halved grid": torch.nn.ModuleList([*net.middle, net.last_middle]),
    "every place to every place": net.mixing,
    "unfolding": net.outward,
    "the last convolution": net.paint,
}
rows = [(name, layers.count_parameters(part)) for name, part in parts.items()]
rows.append(("all", layers.count_parameters(net)))
tables.show(rows, ("part", "weights"))

# %% [markdown]
# ## Train
#
# The training step of notebook 00, with times mostly from the middle (the sigmoid of a normal number).
# The network says the image; a table further down compares that with the alternatives.

# %%
torch.manual_seed(run.seed)
net = PatchUNet(*shape[:2], PATCH, WIDTH, fine=8).to(run.device)
muon = Muon(net, lr=5e-3)
adam = torch.optim.AdamW(others(net), lr=2e-3, betas=(0.9, 0.99), fused=True)
noise = torch.randn(10, *shape, generator=g).to(run.device)


def preview():
    denoise = flow.denoiser(run.ema["net"])
    end = flow.last(flow.ddim(denoise, noise, flow.even_times(20), PATH))
    return end.clamp(-1, 1)


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
    run.anneal(muon, adam, warmup=50)
    eps, t = torch.randn_like(x), flow.random_times(len(x), x.device)
    with run.autocast():
        loss = flow.guess_loss(net, x, eps, t, says="x", counts="v", path=PATH)
    for opt in (muon, adam):
        opt.zero_grad()
    loss.backward()
    for opt in (muon, adam):
        opt.step()
    run.log(loss=loss)

# %% [markdown]
# ## Build: the samplers
#
# DDPM's step is (3) with the guess.
# It may take the variance $\tilde\beta$ (*small*, right if $x$ were known) or $\beta$ (*large*, right if all data were themselves standard normal, on a path with $\alpha^2 + \sigma^2 = 1$).
# At the last step no noise is added.
#
# **DDIM** (J. Song et al. 2021) keeps the noise that the guess implies instead of drawing new:
#
# $$\hat\epsilon = \frac{x_t - \alpha_t \hat x}{\sigma_t}, \qquad x_s = \alpha_s \hat x + \sqrt{\sigma_s^2 - \eta^2 \tilde\beta}\; \hat\epsilon + \eta \sqrt{\tilde\beta}\, \epsilon'. \tag{7}$$
#
# With $\eta = 1$ it is DDPM's step with the small variance.
# With $\eta = 0$ nothing is random: it is Euler's method for $x_t/\alpha_t$ as a function of $\sigma_t/\alpha_t$, whose slope is $\hat\epsilon$, and on the straight path Euler's method for notebook 17's flow.


# %%
def ddpm_step(x_hat, x_t, t, s, eps):
    mean, variance = back(x_hat, x_t, t, s)  # (3)
    return mean + (math.sqrt(variance) * eps if s < 1 else 0)


def ddim_step(x_hat, x_t, t, s, eta=0.0, eps=None):
    (alpha_t, sigma_t), (alpha_s, sigma_s) = PATH.levels(t), PATH.levels(s)
    eps_hat = (x_t - alpha_t * x_hat) / sigma_t
    drawn_anew = eta**2 * flow.posterior(PATH, t, s).small
    kept = math.sqrt(sigma_s**2 - drawn_anew)
    x_s = alpha_s * x_hat + kept * eps_hat
    return x_s if eta == 0 else x_s + math.sqrt(drawn_anew) * eps


# %%
x_t, x_hat, eps = torch.randn(3, 4, *shape, generator=g).double()
t, s = 0.3, 0.4


def said(*_):
    return x_hat


one = flow.ancestral(said, x_t, (t, s, 1), eps.expand(2, *eps.shape), PATH)
assert torch.allclose(ddpm_step(x_hat, x_t, t, s, eps), list(one)[1])
for eta in (0.0, 0.5, 1.0):
    one = flow.ddim(said, x_t, (t, s), PATH, eta, eps[None])
    assert torch.allclose(ddim_step(x_hat, x_t, t, s, eta, eps), flow.last(one))
mine = ddim_step(x_hat, x_t, t, s, 1.0, eps)
assert torch.allclose(mine, ddpm_step(x_hat, x_t, t, s, eps))  # eta = 1 is DDPM
(alpha_t, sigma_t), (alpha_s, sigma_s) = PATH.levels(t), PATH.levels(s)
eps_hat = (x_t - alpha_t * x_hat) / sigma_t
euler = x_t / alpha_t + (sigma_s / alpha_s - sigma_t / alpha_t) * eps_hat
assert torch.allclose(ddim_step(x_hat, x_t, t, s), alpha_s * euler)

# %% [markdown]
# Two more make better use of a call.
# **Heun**'s method (of 1900; for diffusion, Karras et al. 2022) tries a step, looks at its end, and takes the mean: two calls a step.
# **Multistep** (DPM-Solver++ 2M, Lu et al. 2022) remembers the guess before this one, and goes where the two lead: one call a step.
#
# And *where* are the calls spent?
# Even in $t$, or by Karras' rule: $\sigma/\alpha$ to the power of $1/\rho$ in even steps (their $\rho$ is 7, from 80 to 0.002; ours below).


# %%
def even(calls):
    """Even from 0, the last call where sigma is about 0.01, as in DDPM; from 2 on."""
    return [0.994 * k / (calls - 1) for k in range(calls)] + [1.0]


def karras(calls):
    """rho = 3, from sigma / alpha = 40 to 0.03: chosen on Fashion-MNIST."""
    return flow.karras_times(calls, PATH, rho=3.0, levels=(40.0, 0.03))


FRESH = torch.Generator()


def fresh(x, calls):
    """Noise for every step of a walk."""
    return torch.randn(calls, *x.shape, generator=FRESH).to(x)


def heun(denoise, x, times):
    return flow.karras_heun(denoise, x, times, PATH)


# %%
def ancestral(denoise, x, n, variance):
    return flow.ancestral(denoise, x, even(n), fresh(x, n), PATH, variance)


SAMPLERS = {
    "DDPM, large variance": lambda d, x, n: ancestral(d, x, n, "large"),
    "DDPM, small variance": lambda d, x, n: ancestral(d, x, n, "small"),
    "DDIM": lambda d, x, n: flow.ddim(d, x, even(n), PATH),
    "multistep": lambda d, x, n: flow.multistep(d, x, even(n), PATH),
    "DDIM, no call near the end": lambda d, x, n: flow.ddim(
        d, x, flow.even_times(n), PATH
    ),
    # half as many steps as calls; those at the ends need one call each
    "Heun, no call near the end": lambda d, x, n: heun(
        d, x, flow.even_times((n + 2) // 2)
    ),
    "DDIM, Karras' times": lambda d, x, n: flow.ddim(d, x, karras(n), PATH),
    "Heun, Karras' times": lambda d, x, n: heun(d, x, karras((n + 1) // 2)),
    "multistep, Karras' times": lambda d, x, n: flow.multistep(d, x, karras(n), PATH),
}

# %% [markdown]
# ## Sample by everything, with a perfect denoiser
#
# First where the denoiser is a formula, so that all that goes wrong is the sampler's: eight heaps on a ring.
# The distance is $W_1$ to the ring along a direction, the mean of eight directions.
# The ring's points, and the noise that all begin with, fill their places evenly; so a sampler can come nearer than a random sample of the ring does.
#
# **Predict**: which is best with 5 calls, and does it stay the best?

# %%
RING = data.toy.ring_mixture(radius=1.5, std=0.12)


def even_normal(n, seed):
    """Normal points [n, 2] that lie evenly: of a Sobol sequence, scrambled."""
    u = torch.quasirandom.SobolEngine(2, scramble=True, seed=seed).draw(n).double()
    return math.sqrt(2) * torch.erfinv(2 * u - 1)


in_heap = 0.12 * even_normal(run.points // 8, seed=1)
ring = (RING.means[:, None] + in_heap).flatten(0, 1)
again = RING.sample(run.points, torch.Generator().manual_seed(2))
DIRECTIONS = data.toy.ring_centres(16, 1.0)[:8].double()  # half a turn


def sliced(points):
    ways = [divergences.wasserstein_1d(points @ d, ring @ d).item() for d in DIRECTIONS]
    return sum(ways) / len(ways)


def exact_ring(x, t):
    return RING.posterior(x, *PATH.levels(t[0]))[0]


# %%
CALLS = (5, 10, 20, 40, 80)
start_at = even_normal(run.points, seed=3)
away = {}
for name, sampler in SAMPLERS.items():
    away[name] = []
    for n in CALLS:
        counted = flow.Counted(exact_ring)
        FRESH.manual_seed(7)
        away[name].append(sliced(flow.last(sampler(counted, start_at, n))))
        assert counted.calls in (n, n - 1)
rows = [(name, *ways) for name, ways in away.items()]
rows.append(("a random sample of the ring", sliced(again), *[""] * 4))
tables.show(rows, ("W1 to the ring, by calls", *CALLS))  # Heun: at most that many

# %%
if run.profile != "quick":
    at = {
        n: {name: ways[k] for name, ways in away.items()} for k, n in enumerate(CALLS)
    }
    large, small, ddim = "DDPM, large variance", "DDPM, small variance", "DDIM"
    assert at[10][ddim] < 0.9 * at[10][small] < 0.6 * at[10][large]
    assert at[80][ddim] < at[80][large] < at[80][small]
    worst = "Heun, Karras' times"
    for n, factor in ((5, 10), (10, 3)):
        assert at[n][worst] > factor * max(v for k, v in at[n].items() if k != worst)
    assert at[40][worst] < at[40]["DDIM, Karras' times"]
    assert at[80][worst] == min(at[80].values())
    trailing, even_heun = "DDIM, no call near the end", "Heun, no call near the end"
    assert all(at[5][trailing] < 0.8 * v for k, v in at[5].items() if k != trailing)
    assert at[5]["DDIM, Karras' times"] > 4 * at[5][trailing]
    assert all(at[n][even_heun] > 1.3 * at[n][trailing] for n in (5, 10, 20, 40))
    assert at[80][even_heun] < at[80][trailing]
    assert max(at[80].values()) < 2 * sliced(again)
    assert at[10]["multistep"] > at[10][ddim]
    assert all(at[n]["multistep"] < 1.01 * at[n][ddim] for n in (20, 40, 80))

# %% [markdown]
# Read it by columns.
#
# - With ten calls the three of DDPM and DDIM have the order of DDIM's table 1 (CIFAR-10, Fréchet distances in ten steps: 13.4 for $\eta = 0$, 41.1 for $\eta = 1$, 367 with the large variance; in a thousand 4.04, 4.73 and 3.17). Where calls are many the large variance leads the small one, here as there.
# - *Where* the calls are spent matters as much as the method. DDIM with five calls, none of them near the end, beats all else; the same method with Karras' times is more than four times as far.
# - **Heun with Karras' times and few calls is by far the worst of all, and with eighty the best.** Its second look is where $\sigma$ is many times smaller than where the step began; it divides by it, and overshoots. Without such jumps it is merely behind DDIM up to forty calls.
# - Multistep pays one call a step, as DDIM does; with even times it is behind with ten, and level or ahead from twenty on.
# - With eighty, all are within twice the distance of a random sample.
#
# ## Sample by everything, with your network
#
# The same table for faces, by the Fréchet distance, always of the same number of images and from the same noise.
# **Predict**: which line changes its place?

# %%
net = run.ema["net"].eval()
noise = torch.randn(run.samples, *shape, generator=g)


@torch.no_grad()
def drawn(sampler, calls, clamp=False, says=net):
    """run.samples images, on the CPU."""
    denoise = flow.denoiser(says, clamp)
    FRESH.manual_seed(7)  # the same for every sampler; it runs on from part to part
    with run.autocast():
        parts = [
            flow.last(sampler(denoise, part.to(run.device), calls)).cpu()
            for part in noise.split(200)
        ]
    return torch.cat(parts).clamp(-1, 1)


# %%
pictures, fds = {}, {}
for name, sampler in SAMPLERS.items():
    for n in run.calls:
        pictures[name, n] = drawn(sampler, n)
    fds[name] = [evaluator.fd(pictures[name, n]) for n in run.calls]
rows = [(name, *values) for name, values in fds.items()]
floor = evaluator.floor(run.samples)
rows.append((f"real, unseen {THINGS}", floor, *[""] * (len(run.calls) - 1)))
tables.show(rows, ("Fréchet distance, by calls", *run.calls))

# %%
best = {name: min(values) for name, values in fds.items()}
found = {"fd_floor": floor, "fd": min(best.values())}
if run.profile != "quick":
    at_10 = run.calls.index(10)
    found |= {
        "fd_10_ddim": fds["DDIM"][at_10],
        "fd_10_multistep": fds["multistep, Karras' times"][at_10],
        "fd_10_large": fds["DDPM, large variance"][at_10],
    }

# %%
multi, plain = "multistep, Karras' times", "DDIM"
few, many = run.calls[(len(run.calls) - 1) // 2], run.calls[-1]
ROWS = [("DDPM, large variance", few), ("DDPM, small variance", few), (plain, few)]
ROWS += [(multi, few), ("DDPM, small variance", many)]
shown = {f"{name}, {n} calls": pictures[name, n][:8] for name, n in ROWS}
cover = plots.grid({"real": faces[:8]} | shown, cols=8)
plots.cover(cover)
plots.show(
    cover,
    alt="Six rows of eight faces: real ones; by DDPM in ten calls, soft, with smeared "
    "hats and mouths, twice nearly the same persons; by DDIM and multistep in ten "
    "calls other persons, the same in both; by DDPM in fifty calls again others.",
    caption="One network, and one noise a column.",
)


# %%
def alike(a, b):
    """The mean correlation of two sets' pictures, without the mean face."""
    a, b = ((x - average).flatten(1) for x in (a, b))
    return F.cosine_similarity(a, b).mean().item()


average = faces.mean(dim=0)
other = pictures[plain, few].roll(1, 0)
pairs = {
    f"DDIM in {few} and in {many} calls": ((plain, few), (plain, many)),
    f"DDIM and multistep, {few} calls": ((plain, few), (multi, few)),
    f"DDIM and DDPM, {few} calls": ((plain, few), ("DDPM, small variance", few)),
}
likeness = {k: alike(pictures[a], pictures[b]) for k, (a, b) in pairs.items()}
likeness["DDIM and DDIM, other noise"] = alike(pictures[plain, few], other)
tables.show(list(likeness.items()), ("drawn from the same noise", "correlation"))
if CHECKED:
    same, also, random, unlike = likeness.values()
    assert same > 0.9 and also > 0.9 and random < 0.4 and unlike < 0.1

# %% [markdown]
# Without fresh noise on the way *the noise decides who it will be*: DDIM draws the same faces in ten calls and in fifty, and multistep draws them, too.
# With DDPM little of it stays. (Its first step, from noise alone, even throws away the noise that it began with: in (3) $x_t$ has the factor 0 there, and only the guess, which takes some colour from the noise as in notebook 00, is handed on.)
#
# For the table:
#
# - DDIM is ahead of both of DDPM's up to twenty calls; with fifty it isn't. The large variance is no disaster here, and even a little ahead of the small one. (Perhaps because our network says the image: its last guess replaces all that is left.)
# - **Multistep with Karras' times reaches in ten calls** what DDIM doesn't in fifty. But DDIM does better with even ones. (These levels were chosen on Fashion-MNIST, for multistep, by this distance.)
# - Multistep, at both kinds of times, changed its place most: with ten calls sixth and eighth of nine for the ring, first and second for faces. DDIM with *no call near the end*, best for the ring with few calls, is fifth.
# - More calls are not always better for a network that errs: multistep's ten at Karras' times are nearer than its fifty. Heun needs many, and then is as good as any.
#
# (One network, one set of noises, a few hundred faces: small differences mean nothing.)

# %%
if CHECKED:
    k5, k10, k20, k50 = range(4)
    ours = fds[multi]
    assert ours[k10] < 0.9 * min(fds[plain]) and ours[k10] < 0.6 * fds[plain][k10]
    for random in ("DDPM, small variance", "DDPM, large variance"):
        assert all(fds[plain][k] < fds[random][k] for k in (k5, k10, k20))
        assert fds[random][k50] < 1.05 * fds[plain][k50]
    heun_fd = fds["Heun, Karras' times"]
    assert heun_fd[k10] > 4 * fds["DDPM, small variance"][k10]
    assert heun_fd[k50] < 1.1 * min(v[k50] for v in fds.values())
    assert ours[k10] < ours[k50]
    assert fds["DDPM, large variance"][k10] < 1.1 * fds["DDPM, small variance"][k10]
    assert all(
        a < b for a, b in zip(fds[plain], fds["DDIM, Karras' times"], strict=True)
    )
    assert fds["DDIM, no call near the end"][k10] > fds[plain][k10]
    places = [
        sorted(of, key=of.get) for of in (at[10], {k: v[k10] for k, v in fds.items()})
    ]
    assert [places[0].index(name) for name in ("multistep", multi)] == [5, 7]
    assert places[1][:2] == [multi, "multistep"]
    assert [of.index("DDIM, no call near the end") for of in places] == [0, 4]

# %% [markdown]
# ## What was learned, by noise level
#
# A loss over all levels hides where it comes from.
# Take the error of $\hat x$ level by level, on faces that were trained on and on faces that were not; beside the network stand the average face and the denoiser that knows the training set by heart.


# %%
@torch.no_grad()
def errors_at(denoise, images, t):
    """The mean squared error of x_hat at one level."""
    g = torch.Generator().manual_seed(3)
    eps = torch.randn(images.shape, generator=g)
    at = torch.full((len(images),), t)
    return (denoise(PATH.mix(images, eps, at), at) - images).square().mean().item()


def mean_face(x, _):
    return average.expand_as(x)


def by_network(x, t):
    with run.autocast():
        return net(x.to(run.device), t.to(run.device)).float().cpu()


# %%
half = data.to_float(unseen.images[:500])
rows = []
for t in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95):
    row = [errors_at(mean_face, half, t)]
    for denoise in (by_heart, by_network):
        row += [errors_at(denoise, images, t) for images in (faces[: len(half)], half)]
    rows.append((t, *row))
columns = ("t", "average", "by heart, seen", "unseen", "network, seen", "unseen")
tables.show(rows, columns)

# %% [markdown]
# **By heart** is perfect on what it has seen from $t = 0.4$ on, and on other faces it has stopped improving by then: it can only name faces it knows.
# The **network** has nearly the same error on both, at every level, and from some level on it is far better on new faces than the one that knows all the old ones.
#
# Near $t = 0$ nobody can do much better than the average; near $t = 1$ the picture is all but given.
# What a network learns, it learns in between.

# %%
errors = {row[0]: row[1:] for row in rows}
if run.profile != "quick":
    assert errors[0.4][1] < 1e-4 < 0.05 < errors[0.4][2]  # by heart: seen, unseen
if CHECKED:
    assert all(0.9 < row[5] / row[4] < 1.15 for row in rows)
    assert errors[0.6][4] < 0.5 * errors[0.6][2]
    assert errors[0.05][4] > 0.8 * errors[0.05][0]

# %% [markdown]
# ## What to say: noise, velocity or image
#
# With exact numbers $\epsilon$, $v$ and $x$ are one guess (Salimans and Ho 2022 compare them).
# For a network they are three tasks.
# Notebook 17 hid two dimensions in many, and a network that had to repeat noise needed room for it.
# Here the room is the width, 40 channels at each square: a square of 2x2 pixels is 12 numbers, of 4x4 it is 48, of 8x8 it is 192.
#
# Nine networks, all with the same batches and for the same number of steps, without the map at full size that lets $x_t$ pass through.
# Who says noise has the simple loss (6); the two others have that of the velocity.
# The figure is the mean error in $x$ on unseen faces, over four levels, each divided by that of the average face.
# **Predict** the worst corner.


# %%
def trained(patch, says, width=40, seed=0):
    torch.manual_seed(seed)
    body = PatchUNet(*shape[:2], patch=patch, width=width).to(run.device)
    muon, adam = (
        Muon(body, lr=5e-3),
        torch.optim.AdamW(others(body), lr=2e-3, fused=True),
    )
    books = {"ema": "body", "ema_decay": 0.98, "label": f"{says}_{patch}_{width}"}
    batches = run.batches(train, 32, seed)
    for x in run.train(
        batches, run.said_steps, **books, body=body, muon=muon, adam=adam
    ):
        run.anneal(muon, adam, warmup=20)
        eps, t = torch.randn_like(x), flow.random_times(len(x), x.device)
        with run.autocast():
            counts = "eps" if says == "eps" else "v"
            loss = flow.guess_loss(body, x, eps, t, says, counts, PATH)
        for opt in (muon, adam):
            opt.zero_grad()
        loss.backward()
        for opt in (muon, adam):
            opt.step()
        run.log(loss=loss)
    return flow.as_denoiser(run.ema["body"].eval(), says, PATH)


# %%
def relative(denoise, levels=(0.2, 0.4, 0.6, 0.8)):
    def on_cpu(x, t):
        with run.autocast():
            return denoise(x.to(run.device), t.to(run.device)).cpu()

    ratios = [
        errors_at(on_cpu, half, t) / errors_at(mean_face, half, t) for t in levels
    ]
    return sum(ratios) / len(ratios)


sizes = (2, 4, 8) if shape[-1] == 32 else (2, 7, 14)  # half of them fit on the side
said, said_errors = {}, {}
for patch in sizes:
    for says in ("eps", "v", "x"):
        said[patch, says] = trained(patch, says)
        said_errors[patch, says] = relative(said[patch, says])
rows = [
    (f"{p}x{p}", shape[0] * p * p, *(said_errors[p, k] for k in ("eps", "v", "x")))
    for p in sizes
]
tables.show(rows, ("patch", "numbers", "says eps", "v", "x"))
roomy = relative(trained(sizes[-1], "v", width=160))
print(f"says v, {sizes[-1]}x{sizes[-1]}, 160 channels instead of 40: {roomy:.3f}")

# %%
if CHECKED:
    assert roomy < 0.8 * said_errors[sizes[-1], "v"]
    small, medium, large = (
        {k: said_errors[p, k] for k in ["eps", "v", "x"]} for p in sizes
    )
    assert all(min(row, key=row.get) == "x" for row in (small, medium, large))
    assert large["v"] > 2 * small["v"] and large["x"] < 1.5 * small["x"]
    assert large["eps"] > 1 and large["v"] > 1

# %% [markdown]
# From 2x2 to 8x8 a network that says the image loses little, one that says the velocity becomes worse than the average face; with four times the channels a good part of that is mended: room was short.
# Noise is poor throughout, for other reasons as well: an error in $\hat\epsilon$ counts $\sigma/\alpha$ times in $\hat x$, and its loss weighs the levels otherwise.
# (One seed each.)
#
# Large patches are what makes a network fast on two cores, so here networks say the image (Li and He 2025).
# DDPM's says noise at full size, where a pixel is three numbers and 128 channels wide.
#
# ## A transformer instead
#
# The U-Net isn't essential.
# A **diffusion transformer** (Peebles and Xie 2023) takes patches as tokens, lets each look at all others, and lets the time scale, shift and weigh each layer.
# Beside the U-Net of the same patches, both with AdamW alone, in about the same seconds:


# %%
def trained_by_adam(body, steps, label):
    body.to(run.device)
    adam = torch.optim.AdamW(body.parameters(), lr=1e-3, fused=True)
    books = {"ema": "body", "ema_decay": 0.98, "label": label}
    for x in run.train(run.batches(train, 32, 0), steps, **books, body=body, adam=adam):
        run.anneal(adam, warmup=20)
        eps, t = torch.randn_like(x), flow.random_times(len(x), x.device)
        with run.autocast():
            loss = flow.guess_loss(body, x, eps, t, "x", "v", PATH)
        adam.zero_grad()
        loss.backward()
        adam.step()
        run.log(loss=loss)
    return run.ema["body"].eval()


# %%
torch.manual_seed(run.seed)
side = sizes[1]
BODIES = {
    "U-Net": (PatchUNet(*shape[:2], patch=side, width=40), 2 * run.said_steps),
    "transformer": (
        flow.DiffusionTransformer(*shape[:2], patch=side, width=96, depth=4),
        run.said_steps,
    ),
}
rows = []
for name, (body, steps) in BODIES.items():
    best_of = trained_by_adam(body, steps, name)
    seconds = 60 * run.minutes_trained[name]
    weights = layers.count_parameters(body)
    rows.append((name, weights, steps, f"{seconds:.1f}", relative(best_of)))
tables.show(rows, ("network", "weights", "steps", "seconds", "error"))
if CHECKED:
    assert 0.6 < float(rows[0][3]) / float(rows[1][3]) < 1.6
    assert rows[0][4] < rows[1][4]

# %% [markdown]
# In so few seconds the U-Net is ahead; it has more weights, and sees twice as many images, as its steps take half as long.
#
# ## Explore: stop the walk
#
# Walks in 20 calls, of all samplers but Heun's, which make half as many steps: what there is at that moment, what the network takes it for, and the end.
# **Predict**: half way, does the guess tell who it will be? For every sampler?

# %%
stops = {}
for name, sampler in SAMPLERS.items():
    if "Heun" in name:
        continue
    seen = flow.Counted(flow.denoiser(net))
    guesses = []

    def remembered(x, t, seen=seen, guesses=guesses):
        guesses.append(seen(x, t))
        return guesses[-1]

    with run.autocast():
        path = list(sampler(remembered, noise[: run.stopped].to(run.device), 20))
    stops[name] = [x.cpu() for x in path], [x.cpu() for x in guesses]


# %%
def stopped(sampler, step):
    path, guesses = stops[sampler]
    rows = {
        f"x_t after {step} of 20 steps": path[step],
        "its guess": guesses[min(step, 19)],
        "in the end": path[-1],
    }
    return plots.grid({k: x[:5].clamp(-1, 1) for k, x in rows.items()}, cols=5)


explore(
    stopped,
    alt="Three rows of five: noisy pictures in which outlines of heads and hats show, "
    "the faces that the network takes them for, and the faces in the end.",
    caption="Half way; what it is taken for; and the end.",
    sampler=["DDIM", *stops],
    step=(0, 20, 10),
)

# %% [markdown]
# As a number: how alike are the guess half way and the end, without the mean face?

# %%
halfway = {
    name: alike(guesses[10], path[-1]) for name, (path, guesses) in stops.items()
}
tables.show(list(halfway.items()), ("20 calls", "guess half way and end, correlation"))
if CHECKED:
    fixed = min(halfway["DDIM"], halfway["multistep"])
    random = max(v for k, v in halfway.items() if k.startswith("DDPM"))
    assert 1 / math.tan(math.pi / 2 * karras(20)[10]) > 5
    assert random < fixed - 0.01 and random > 0.85

# %% [markdown]
# Half way it is settled for all of them; with fresh noise a little less.
# (After ten calls at Karras' times there is still more than five times as much noise as picture; so compare those that share their times.)
#
# ## Break it
#
# 1 to 3 with a walk of DDPM in ten even steps, 4 with DDIM in twenty:
#
# 1. Off by one: the network is told the time at the step's *end*.
# 2. Noise is added at the last step, too, half of what the large variance would add. (With the small one there is none to add: $\tilde\beta = 0$.)
# 3. A clamp that clamps nothing: $\hat x$ is cut to $[-1, 1]$, and the mean is computed from $\hat\epsilon$. (With the network of the table above that says noise, whose guesses do leave the range.)
# 4. Data in $[0, 1]$, and drawn pictures taken for $[-1, 1]$.
#
# **Predict**: which of these shows in the pictures, which in the Fréchet distance, and which in neither?


# %%
def by_hand(denoise, x, n, told=0, last_noise=0.0, clamp=""):
    """DDPM's walk, small variance, in n even steps: the end. One thing may be wrong."""
    times, noise = [0.01, *flow.even_times(n)[1:]], fresh(x, n)
    for k, (t, s) in enumerate(itertools.pairwise(times)):
        (alpha_t, sigma_t), of = PATH.levels(t), flow.posterior(PATH, t, s)
        x_hat = denoise(x, torch.full((len(x),), times[k + told], device=x.device))
        eps_hat = (x - alpha_t * x_hat) / sigma_t  # what a network for (6) says
        if clamp:
            x_hat = x_hat.clamp(-1, 1)
        mean = of.of_x * x_hat + of.of_x_t * x
        if clamp == "for show":  # the mean by eps_hat: Ho et al.'s equation (11)
            mean = PATH.levels(s)[0] / alpha_t * (x - of.large / sigma_t * eps_hat)
        std = math.sqrt(of.small) if s < 1 else last_noise
        x = mean + std * noise[k]
    return [x]


def spoiled(says=net, **wrong):
    return drawn(lambda d, x, n: by_hand(d, x, n, **wrong), few, says=says)


# %%
says_noise = said[sizes[0], "eps"]
last = math.sqrt(flow.posterior(PATH, 0.9, 1.0).large) / 2
dim = best_denoiser((faces + 1) / 2)  # data in [0, 1]
few_noises = noise[: max(256, run.samples // 2)]
broken = {
    "as it should be": spoiled(),
    "1. told the step's end": spoiled(told=1),
    "2. noise at the last step": spoiled(last_noise=last),
    "says noise, no clamp": spoiled(says_noise),
    "3. clamped for show": spoiled(says_noise, clamp="for show"),
    "clamped": spoiled(says_noise, clamp="x"),
    "by heart": flow.last(flow.ddim(by_heart, few_noises, flow.even_times(20), PATH)),
    "4. by heart, data in [0, 1]": flow.last(
        flow.ddim(dim, few_noises, flow.even_times(20), PATH)
    ),
}


# %%
def roughness(images):
    """The mean difference between neighbours in a row."""
    return (images[..., 1:] - images[..., :-1]).abs().mean().item()


rows = [
    (name, evaluator.fd(x.clamp(-1, 1)), x.mean().item(), roughness(x))
    for name, x in broken.items()
]
for name, n in (
    (f"real {THINGS}", run.samples),
    ("as many as by heart", len(few_noises)),
):
    real = faces[:n]
    rows.append((name, evaluator.fd(real), real.mean().item(), roughness(real)))
by = {row[0]: row[1:] for row in rows}
tables.show(rows, ("drawn", "Fréchet distance", "mean", "neighbours differ by"))

# %%
plots.show(
    plots.grid({name: x[:8].clamp(-1, 1) for name, x in broken.items()}, cols=8),
    alt="Eight rows: soft faces; the same, darker; the same under fine grain; twice "
    "the same dark glaring blots; duller blots; by heart sharp faces; the last row "
    "pale, washed out.",
    caption="Eight ways to draw, four of them wrong.",
)
alike_rows = alike(broken["says noise, no clamp"], broken["3. clamped for show"])
if CHECKED:
    good, early, grain = (by[name] for name in list(broken)[:3])
    assert early[0] > 1.2 * good[0] and early[1] < good[1] - 0.04
    assert grain[0] < good[0] and grain[2] > 1.3 * by["real faces"][2]
    assert 1 < by["by heart"][0] / by["as many as by heart"][0] < 1.6
    assert alike_rows > 0.999
    assert by["clamped"][0] < 0.5 * by["3. clamped for show"][0]
    assert by["4. by heart, data in [0, 1]"][1] > by["by heart"][1] + 0.25
    assert broken["4. by heart, data in [0, 1]"].min() > -0.01

# %% [markdown]
# 1. The network takes noise for picture: the distance grows, and faces are darker. (Perhaps because their signal is weaker than it is told: then the guess shrinks towards 0, which is darker than the mean face.)
# 2. Grain, plain to see, and the distance is *lower* than without. How much neighbours differ tells at once. One number is not enough.
# 3. The clamp for show changes nothing, up to rounding; its faces and their distance are those of no clamp. The real one does much; how poor this network is, after so few steps, is another matter.
# 4. (By heart, fewer images were drawn, which alone makes distances larger: the last row has as many real ones.) Hues and shapes are right; no pixel is darker than mid-grey, contrast is halved, and the distance is enormous.

# %%
run.report(**found)
run.expect(fd=("<", (None, 9, 5)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/51_diffusion.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* A step of noise.
# 2. ★★ *(10 minutes)* A step back.
# 3. ★ *(5 minutes)* The simple loss.
# 4. ★★ *(10 minutes)* DDIM, with a dial.
# 5. ★★ *(10 minutes)* A clamp that clamps.
# 6. ★★★ *(30 minutes, a project)* The best denoiser of a training set.
#
# To try here *(10 to 20 minutes each)*: train with uniform times, and look at the table of samplers again; Karras' times from 80 to 0.02 with $\rho = 5$, in 10 and in 24 calls; faces between two noises, along a circle (notebook 21's slerp), by DDIM.
#
# ## What to remember
#
# - A denoiser asked about pure noise gives the mean; asked again and again on the way it gives an image. The perfect denoiser of a training set gives its images.
# - DDPM is a bound whose terms are squared errors, weighted by steps in signal to noise; the simple loss leaves the weights out.
# - Diffusion and flow matching walk through the same levels, at other times and in other units.
# - Compare samplers by calls. Which calls, at which levels, counts as much as the method; a second look at the end of a long step may be worse than none.
# - Where patches are large, let the network say the image.
# - Look at errors level by level, on images never seen.
#
# ## Further reading
#
# - J. Sohl-Dickstein et al., *Deep Unsupervised Learning using Nonequilibrium Thermodynamics*, ICML 2015, arXiv:1503.03585.
# - J. Ho, A. Jain, P. Abbeel, *Denoising Diffusion Probabilistic Models*, NeurIPS 2020, arXiv:2006.11239.
# - J. Song, C. Meng, S. Ermon, *Denoising Diffusion Implicit Models*, ICLR 2021, arXiv:2010.02502.
# - A. Nichol, P. Dhariwal, *Improved Denoising Diffusion Probabilistic Models*, ICML 2021, arXiv:2102.09672.
# - D. P. Kingma, T. Salimans, B. Poole, J. Ho, *Variational Diffusion Models*, NeurIPS 2021, arXiv:2107.00630.
# - T. Salimans, J. Ho, *Progressive Distillation for Fast Sampling of Diffusion Models*, ICLR 2022, arXiv:2202.00512.
# - T. Karras, M. Aittala, T. Aila, S. Laine, *Elucidating the Design Space of Diffusion-Based Generative Models*, NeurIPS 2022, arXiv:2206.00364.
# - C. Lu et al., *DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models*, 2022, arXiv:2211.01095.
# - W. Peebles, S. Xie, *Scalable Diffusion Models with Transformers*, ICCV 2023, arXiv:2212.09748.
# - T. Li, K. He, *Back to Basics: Let Denoising Generative Models Denoise*, 2025, arXiv:2511.13720.
