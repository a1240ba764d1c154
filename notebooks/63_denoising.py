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
# # 63 Denoising: what was there before the noise?
#
# *You will find the best possible answer to a noisy picture where it is known, train a small network that beats scikit-image's filters on photographs it has never seen, learn from noisy pictures alone, and paint faces with a denoiser.*
#
# ![Three rows of a photographer with his camera, a cat's eye and a cup of coffee: noisy, by non-local means, by a network, and without noise.](../data/pictures/63_denoising.webp)
#
# **You need** notebooks 11, 12 and 17; the last third also 13, 31, and 51 or 52 for its last picture.
# The table below says how long it takes on which machine, and what to expect (psnr: of three held-out photographs with noise of 25 grey levels, by this notebook's network, and of the noisy ones).
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

from genimg_lib import (
    data,
    flow,
    layers,
    metrics,
    plots,
    pretrained,
    restore,
    tables,
    vae,
)
from genimg_lib.data import photos
from genimg_lib.restore import LEVEL
from genimg_lib.training import Muon, others, start
from genimg_lib.widgets import explore

# %%
run = start(
    "63_denoising",
    gaussian_steps=(5, 300, 1_000),
    pieces=(200, 10_000, 60_000),
    steps=(4, 600, 30_000),
    photo_size=(64, 256, 512),
    images=(300, 10_000, 60_000),
    face_steps=(4, 500, 20_000),
    search_steps=(5, 100, 200),
    noisy_steps=(4, 300, 2_000),
    drawn=(256, 500, 5_000),
    precision="auto",
)
CHECKED = run.profile == "cpu"  # what the text says of trained networks holds
tables.show_expected("63_denoising", "psnr", "psnr_noisy")

# %% [markdown]
# ## Why
#
# Every sensor adds noise: a telephone at night, an X-ray with a small dose, a telescope.
# Its simplest model is **white Gaussian noise**: normal, as strong everywhere, and at each pixel independent of all others and of the picture,
#
# $$y = x + \sigma \epsilon, \qquad \epsilon \sim \mathcal{N}(0, I). \tag{1}$$
#
# Electronics that read a sensor out add noise much like it; counted photons don't (theirs grows with the brightness), which "Break it" comes back to.
#
# Papers give $\sigma$ in grey levels of 255, and so do we: $\sigma = 25$ in the text. A level is 2/255 of our images in [-1, 1], and `LEVEL` in code.
#
# Three photographs that no network of this notebook will be trained on:

# %%
HELD_OUT = ("camera", "chelsea", "coffee")
SIGMAS = (15, 25, 50)


def photograph(name):
    """A grey photograph: [1, 1, size, size] in [-1, 1]."""
    square = photos.square(photos.open_photo(name), run.photo_size)
    return data.to_float(photos.grey(square)[None])


def with_noise(x, sigma, seed=0):
    """The same noise whoever asks, in grey levels, cut off nowhere."""
    g = torch.Generator().manual_seed(1_000 * seed + sigma)
    return restore.noisy(x, sigma * LEVEL, g)


clean = {name: photograph(name) for name in HELD_OUT}

# %%
eps = torch.randn(clean["camera"].shape, generator=torch.Generator().manual_seed(15))
y = clean["camera"] + 15 * LEVEL * eps  # (1)
assert torch.allclose(y, with_noise(clean["camera"], 15))

# %%
shown = []
for x in clean.values():
    shown += [x, *(with_noise(x, sigma).clamp(-1, 1) for sigma in SIGMAS)]
plots.show(
    plots.grid(torch.cat(shown), cols=4),
    alt="A photographer with a camera, a cat and a cup of coffee: without noise, and "
    "with grain that gets stronger from left to right.",
    caption="Without noise, and with noise of 15, 25 and 50 grey levels.",
)

# %% [markdown]
# ## The maths: the best answer
#
# Let $f$ be any function of the noisy image. Add and subtract the mean of all clean images that could have become $y$:
#
# $$\mathbb{E}\,\lVert f(y) - x \rVert^2 = \mathbb{E}\,\lVert f(y) - \mathbb{E}[x|y] \rVert^2 + \mathbb{E}\,\lVert \mathbb{E}[x|y] - x \rVert^2. \tag{2}$$
#
# (The cross term is the mean of $(f(y) - \mathbb{E}[x|y])^\top (\mathbb{E}[x|y] - x)$; given $y$, the first factor is fixed and the second has the mean 0.)
# (The mean is over pictures *and* noise, as it is for one who doesn't know the picture.)
#
# So in squared error nothing is better than $\mathbb{E}[x|y]$, and a network that is trained by squared error approaches it.
# What is left is the second part, and no training makes it smaller: it is what the noise took away.
# (A mean of many sharp pictures is soft. Squared error wants that; eyes may not, see notebook 34.)
#
# Notebook 17 met the same function as a score, of the density $p_\sigma$ of noisy images (Tweedie's formula):
#
# $$\mathbb{E}[x|y] = y + \sigma^2\, \nabla \log p_\sigma(y). \tag{3}$$
#
# We will use both sides: first to denoise, at the end to paint.
#
# ## The maths: what an average can do
#
# Start with the oldest idea: neighbours are alike, so average them.
# For one picture, and a mean over noise alone, weights $h_k$ that sum to 1 leave
#
# $$\mathbb{E}\,\lVert h * y - x \rVert^2 = \underbrace{\lVert h * x - x \rVert^2}_{\text{bias: the picture is blurred}} + \underbrace{D\, \sigma^2 \textstyle\sum_k h_k^2}_{\text{variance: noise that is left}} \tag{4}$$
#
# for $D$ pixels. ($h * y - x = (h * x - x) + \sigma\, h * \epsilon$; the first part is fixed, the second has the mean 0, and each of its pixels the variance $\sigma^2 \sum_k h_k^2$.)
# A wider $h$ has less of the second part and more of the first.
#
# **Predict**: does the best width grow or shrink with $\sigma$?


# %%
def kernel(width, size):
    """A Gaussian [size, size] that sums to 1, its middle at [0, 0], wrapped around."""
    distance = torch.fft.fftfreq(size) * size
    g = torch.exp(-0.5 * (distance / width) ** 2)
    return torch.outer(g, g) / g.sum() ** 2


def filtered(x, h):
    """h * x, wrapped around the edges. x: [N, 1, size, size]."""
    return torch.fft.ifft2(torch.fft.fft2(x) * torch.fft.fft2(h)).real


# %%
x, widths = clean["camera"], (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0)
bias, left = [], []
for width in widths:
    h = kernel(width, run.photo_size)
    bias.append((filtered(x, h) - x).square().mean().item())
    left.append(h.square().sum().item())

# %%
bias, left = torch.tensor(bias), torch.tensor(left)
errors = {sigma: bias + (sigma * LEVEL) ** 2 * left for sigma in SIGMAS}  # (4), a pixel

# %%
g = torch.Generator().manual_seed(run.seed)
h = kernel(0.8, run.photo_size)
trials = [filtered(restore.noisy(x, 25 * LEVEL, g), h) - x for _ in range(20)]
measured = torch.stack(trials).square().mean().item()
by_formula = errors[25][widths.index(0.8)].item()
print(f"width 0.8, sigma 25: {measured:.6f} measured, {by_formula:.6f} by (4)")
assert abs(measured / by_formula - 1) < 0.02

# %%
plots.show(
    plots.lines(
        {f"sigma {sigma}": (widths, error) for sigma, error in errors.items()},
        xlabel="width of the Gaussian in pixels",
        ylabel="mean squared error",
        yscale="log",
    ),
    alt="Three curves that fall and rise; the more noise there is, the further right "
    "and the higher their lowest points lie.",
    caption="Bias and variance: the best width grows with the noise.",
)
best = {sigma: widths[int(error.argmin())] for sigma, error in errors.items()}
print("best widths:", best)
if CHECKED:
    assert widths[0] < best[15] < best[25] < best[50] < widths[-1]

# %% [markdown]
# ## The maths: Wiener's filter
#
# A Gaussian is one way to average. What is the best linear one?
# Take pictures of mean 0 whose statistics are the same everywhere, also across the edges, which wrap around. Then their frequencies are uncorrelated, as the noise's are, and each can be treated alone: multiply it by a gain.
# With the picture's power $S$ and the noise's $\sigma^2$ at that frequency (both a pixel: Fourier sums divided by $\sqrt{D}$), the error is
#
# $$\mathbb{E}\,|\text{gain} \cdot (X + N) - X|^2 = (1 - \text{gain})^2 S + \text{gain}^2 \sigma^2, \qquad \text{gain} = \frac{S}{S + \sigma^2} \tag{5}$$
#
# is where it is smallest (Wiener 1949), and what is left of it is $\sigma^2 S / (S + \sigma^2)$: close to $\sigma^2$ where the picture is strong, close to $S$ where the noise is.
# For Gaussian images uncorrelated frequencies are independent (but for $k$ and $-k$, which say the same of a real picture), and then this is $\mathbb{E}[x|y]$ itself, the best of *all* answers.
#
# Check it on images of 8x8, whose covariance is a matrix we can invert: $\mathbb{E}[x|y] = C (C + \sigma^2 I)^{-1} y$.


# %%
def spectrum_of(size):
    """A power spectrum like that of photographs: it falls with the frequency."""
    f = torch.fft.fftfreq(size, dtype=torch.float64) * size
    squared = f[:, None] ** 2 + f**2
    S = (1 + squared) ** -1.25
    return 0.25 * S / S.mean()  # variance 0.25 a pixel


def gaussian_images(n, size, g):
    """Images with that spectrum: [n, size, size]."""
    white = torch.randn(n, size, size, generator=g, dtype=torch.float64)
    return torch.fft.ifft2(spectrum_of(size).sqrt() * torch.fft.fft2(white)).real


# %%
S, sigma = spectrum_of(8), 0.5
row = torch.fft.ifft2(S).real  # covariance of pixel [0, 0] with every other
C = torch.stack(
    [row.roll((i, j), (0, 1)).flatten() for i in range(8) for j in range(8)]
)

# %%
y = gaussian_images(5, 8, g) + sigma * torch.randn(5, 8, 8, generator=g).double()
by_matrix = y.view(5, 64) @ torch.linalg.solve(C + sigma**2 * torch.eye(64), C)

# %%
score = -torch.linalg.solve(C + sigma**2 * torch.eye(64), y.view(5, 64).T).T
assert torch.allclose(y.view(5, 64) + sigma**2 * score, by_matrix)  # (3)

gain = S / (S + sigma**2)  # (5)
by_gain = torch.fft.ifft2(gain * torch.fft.fft2(y)).real
assert torch.allclose(by_gain.view(5, 64), by_matrix, atol=1e-10)
assert torch.allclose(by_gain, restore.wiener(y, S, sigma))
print(f"matrix and gain: {(by_gain.view(5, 64) - by_matrix).abs().max():.0e} apart")

# %% [markdown]
# Now let a network try.
# It sees Gaussian images of 32x32 with noise, and is trained by squared error; nobody tells it that the answer is linear, nor that these images wrap around.
# **Predict**: can it end below the error of (5)?

# %%
S = spectrum_of(32)
x = gaussian_images(4_000, 32, g)[:, None].float()
torch.manual_seed(run.seed)
net = restore.Denoiser(1, width=16, blocks=1).to(run.device)
muon = Muon(net, lr=2e-3)

# %%
for x_some in run.train(
    run.batches(x, 64), run.gaussian_steps, label="gaussian", net=net, muon=muon
):
    run.anneal(muon, warmup=30)
    x_hat = net(restore.noisy(x_some, sigma), sigma)
    loss = (x_hat - x_some).square().mean()
    muon.zero_grad()
    loss.backward()
    muon.step()
    run.log(loss=loss)

# %%
x = gaussian_images(1_000, 32, g)[:, None].float()
y = restore.noisy(x, sigma, g)
least = restore.wiener_error(S, sigma)
filtered_error = (restore.wiener(y[:, 0], S, sigma) - x[:, 0]).square().mean().item()
with torch.no_grad():
    of_net = (net(y.to(run.device), sigma).cpu() - x).square().mean().item()

# %%
rows = ("by (5), on paper", least), ("Wiener", filtered_error), ("network", of_net)
tables.show(rows, ("Gaussian images", "mean squared error"))
assert abs(filtered_error / least - 1) < 0.02
if CHECKED:
    assert 1 < of_net / least < 1.15

# %% [markdown]
# The network comes close to the least possible error, and stays above it: less than 15 percent.
# On photographs it would be a poor bet to stop at (5).
# They are not Gaussian: a photograph has edges, and what makes an edge is that its frequencies *agree*, which (5) never looks at.
#
# ## Photographs: fifty years of ideas
#
# - **Gaussian**: the average of (4).
# - **Wiener**: (5), with the mean spectrum of other photographs.
# - **Total variation** (Rudin, Osher and Fatemi 1992): the image nearest to $y$ with little $\sum |\nabla x|$, so flat areas and few edges.
# - **Wavelets** (Donoho and Johnstone 1994; here with thresholds by Chang, Yu and Vetterli 2000): most coefficients of a picture are near 0, so those below a threshold are set to 0, and all others come nearer to 0 by as much.
# - **Non-local means** (Buades, Coll and Morel 2005): average pixels whose *surroundings* look alike, here up to 6 pixels away.
#
# All but Wiener have a knob for their strength. Of three to five settings we take the one that is best for that picture and that noise, looking at the clean picture: more than you could do at home.

# %%
LEARNED = [n for n in (*photos.NAMES, *photos.OTHERS) if n not in HELD_OUT]
squares = [photos.square(photos.open_photo(name), run.photo_size) for name in LEARNED]
squares = data.to_float(photos.grey(torch.stack(squares)))[:, 0]
mean = squares.mean()
S_photos = restore.power_spectrum(squares, mean)


def by_wiener(y, sigma):
    return restore.wiener(y[:, 0], S_photos, sigma, mean)[:, None]


# %%
answers, seconds = {}, {}
for sigma in SIGMAS:
    for name, x in clean.items():
        y = with_noise(x, sigma)
        answers["noisy", sigma, name] = y.clamp(-1, 1)
        answers["Wiener", sigma, name] = by_wiener(y, sigma * LEVEL).clamp(-1, 1)
        for method in ("Gaussian", "total variation", "wavelets", "non-local means"):
            found, strength = restore.best(method, y[0], sigma * LEVEL, x[0])
            answers[method, sigma, name] = found[None]
            began = time.perf_counter()
            restore.denoised_by(method, y[0], sigma * LEVEL, strength)
            seconds[method] = time.perf_counter() - began


# %%
def psnr(way, sigma):
    """The mean over the three photographs, in decibels."""
    found = [metrics.psnr(answers[way, sigma, name], x) for name, x in clean.items()]
    return torch.cat(found).mean().item()


def table(ways):
    rows = [(way, *(psnr(way, sigma) for sigma in SIGMAS)) for way in ways]
    tables.show(rows, ("PSNR in dB", *(f"sigma {sigma}" for sigma in SIGMAS)))


CLASSICAL = ("Gaussian", "Wiener", "total variation", "wavelets", "non-local means")
table(("noisy", *CLASSICAL))

# %% [markdown]
# Why does the best linear filter end below a plain Gaussian, which is linear, too?
# (5) is best for pictures with its $S$; ours is a mean over other pictures, pages and stars among them, while the Gaussian's width was chosen for this very picture, with the clean one in sight.
#
# ## Build: a network that is told the noise
#
# Four decisions, none of them new:
#
# 1. It guesses the *noise*, and subtracts it: for little noise the answer is nearly $y$, which the network gets for free (Zhang et al. 2017, DnCNN).
# 2. It works on patches of 2x2 pixels, and is told $\sigma$ as a map, so one network serves for every $\sigma$ (Zhang et al. 2018, FFDNet).
# 3. It halves the grid twice and comes back, so it sees far (Zhang et al. 2021, DRUNet, whose grid is halved once more).
# 4. It has no biases: then $f(ay, a\sigma) = a f(y, \sigma)$ for $a > 0$, a picture with twice the contrast and twice the noise is denoised in the same way, and that is something less to learn (Mohan et al. 2020).


# %%
@torch.no_grad()
def by_hand(net, y, sigma):
    """What restore.Denoiser does with images whose sides are multiples of 8."""
    levels = torch.full_like(y[:, :1], sigma)
    patches = F.pixel_unshuffle(y, 2)  # [N, 4 C, H / 2, W / 2]
    h = torch.cat([patches, F.avg_pool2d(levels, 2)], dim=1)
    h_1 = net.down_1(net.inward(h))  # [N, w, H / 2, W / 2]
    h_2 = net.down_2(net.halve_1(h_1))  # [N, 2w, H / 4, W / 4]
    h_3 = net.middle(net.halve_2(h_2))  # [N, 4w, H / 8, W / 8]
    h_2 = net.up_2(h_2 + F.pixel_shuffle(net.double_2(h_3), 2))
    h_1 = net.up_1(h_1 + F.pixel_shuffle(net.double_1(h_2), 2))
    return y - F.pixel_shuffle(net.outward(h_1), 2)


# %%
torch.manual_seed(run.seed)
net = restore.Denoiser(channels=1, width=32)
for weight in net.parameters():  # blocks begin as the identity, which tests little
    torch.nn.init.normal_(weight, std=0.05)
y, sigma = with_noise(clean["coffee"][..., :64, :64], 25), 25 * LEVEL

# %%
x_hat = net(y, sigma)
assert torch.allclose(x_hat, by_hand(net, y, sigma), atol=1e-5)
assert torch.allclose(net(3 * y, 3 * sigma), 3 * x_hat, atol=1e-4)  # no biases
each = layers.multiply_adds(net, y, torch.tensor(sigma)) / y.numel()
weights = layers.count_parameters(net)
print(f"{weights:,} weights, {each:,.0f} multiply-adds a pixel")

# %% [markdown]
# ## Train: on other photographs
#
# From the photographs that scikit-image installs, without the three, we cut pieces of 64x64, at four sizes, turned and mirrored; grey ones are the luma or one of the three colours.
# Every piece gets its own noise, of 1 to 75 grey levels.
# The squared error is divided by $\sigma$: the best answer at each $\sigma$ stays what it was, but weak noise, whose errors are small, counts as well.

# %%
pieces = photos.pieces(run.pieces, 64, run.seed, LEARNED)
four = torch.cat([pieces, photos.grey(pieces)], dim=1)
which = torch.randint(4, (len(four),), generator=g)
pieces = four[torch.arange(len(four)), which][:, None]
plots.show(
    plots.grid(pieces[:20]),
    alt="Twenty small grey pieces: brick, gravel, grass, letters, coins, stars, an "
    "engine, tissue, and some plain grey.",
    caption="What the network learns from: pieces of other photographs.",
)

# %%
torch.manual_seed(run.seed)
net = restore.Denoiser(channels=1, width=32).to(run.device)
muon = Muon(net, lr=2e-3)
books = {"ema": "net", "ema_decay": 0.99, "label": "photographs", "muon": muon}

# %%
for x in run.train(run.batches(pieces, 16), run.steps, net=net, **books):
    run.anneal(muon, warmup=50)
    levels = 1 + 74 * torch.rand(len(x), device=x.device)
    sigma = levels * LEVEL
    y = restore.noisy(x, sigma)
    with run.autocast():
        x_hat = net(y, sigma)
    loss = ((x_hat - x).square().mean(dim=(1, 2, 3)) / sigma).mean()
    muon.zero_grad()
    loss.backward()
    muon.step()
    run.log(loss=loss)
net = run.ema["net"].eval().cpu()

# %% [markdown]
# ## Look and measure
#
# The course's own network, `denoiser_grey`, has the same architecture and trained for longer, on twice as many pieces of the same photographs, and some faces; the three were held out there, too.
# **Predict**: by how many decibels does the network just trained beat the best classical row, and at which noise the most?

# %%
own = pretrained.load_denoiser("denoiser_grey")
NETWORKS = {"this network": net, "trained for longer": own}
with torch.no_grad():
    for way, denoiser in NETWORKS.items():
        for sigma in SIGMAS:
            for name, x in clean.items():
                y = with_noise(x, sigma)
                began = time.perf_counter()
                x_hat = denoiser(y, sigma * LEVEL)
                seconds[way] = time.perf_counter() - began
                answers[way, sigma, name] = x_hat.clamp(-1, 1)

# %%
table((*CLASSICAL, *NETWORKS))
rows = [(way, 1000 * taken) for way, taken in seconds.items()]
tables.show(rows, ("one photograph", "milliseconds"))

# %%
if CHECKED:
    for sigma in SIGMAS:
        classical = max(psnr(way, sigma) for way in CLASSICAL)
        assert psnr("this network", sigma) > classical + 0.5
        assert psnr("trained for longer", sigma) > psnr("this network", sigma)
    leads = [
        psnr("this network", s) - max(psnr(w, s) for w in CLASSICAL) for s in SIGMAS
    ]
    assert leads == sorted(leads)


# %%
CORNERS = {"camera": (40, 80), "chelsea": (70, 60), "coffee": (60, 70)}  # of 256 pixels


def cropped(image, name):
    """A little more than a third of each side, where there is something to see."""
    top, left = (corner * run.photo_size // 256 for corner in CORNERS[name])
    side = 96 * run.photo_size // 256
    return image[..., top : top + side, left : left + side]


# %%
WAYS = ("noisy", "non-local means", "trained for longer")
strips = []
for name, x in clean.items():
    shown = [*(answers[way, 25, name] for way in WAYS), x]
    strips += [cropped(image, name) for image in shown]
if CHECKED:
    cover = plots.grid(torch.cat(strips), cols=4)
    plots.cover(cover)
    plots.show(
        cover,
        alt="Crops of three photographs: noisy, by non-local means, by the network, "
        "clean. The filter leaves some grain, the network smooth areas and edges.",
        caption="sigma 25: noisy, non-local means, the course's network, clean.",
    )

# %% [markdown]
# The network leads the best classical row by more than half a decibel at each of the three noises, and the stronger the noise, the more (one training, one draw of noise, three photographs). Those rows chose their strength with the clean picture in sight; the network learned from fourteen photographs, which they don't.
#
# The milliseconds are of one call each, without the search for the strength; the network may use all cores, most filters use one. Read them as orders of magnitude.
#
# Published figures for such tables are means over the 68 photographs of BSD68 (Zhang et al. 2017, table 2): at 15, 25 and 50 grey levels BM3D reaches 31.07, 28.57 and 25.62 dB, DnCNN, with a network for each $\sigma$, 31.73, 29.23 and 26.23.
#
# BM3D (Dabov et al. 2007) denoises stacks of similar patches together, and was what every method had to beat for years; its licence forbids commercial use, so it is not part of the course.
# Those pictures are others than ours: their decibels can't be set beside our table. The README has BM3D on our three photographs.
#
# ## How much noise is there?
#
# At home nobody tells you $\sigma$. It can be estimated: the finest wavelets of a picture hold hardly anything but noise, and the median of their sizes isn't bothered by a few edges (Donoho and Johnstone 1994).
# But cameras and files cut off what is blacker than black.
# **Predict** what that does to the estimate.


# %%
def estimated(y):
    from skimage.restoration import estimate_sigma

    return estimate_sigma(y[0, 0].double().numpy()) / LEVEL


# %%
rows = []
for sigma in SIGMAS:
    for name, x in clean.items():
        y = with_noise(x, sigma)
        rows.append((sigma, name, estimated(y), estimated(y.clamp(-1, 1))))
tables.show(rows, ("added", "photograph", "estimated", "estimated, cut off"))
if CHECKED:
    assert all(abs(whole - sigma) < 0.2 * sigma for sigma, _, whole, _ in rows)
    assert all(cut < whole for _, _, whole, cut in rows)
    assert min(cut / whole for *_, whole, cut in rows) < 0.95

# %% [markdown]
# Where noise is cut off, less of it is there, and less is found.
# `genimg denoise IN -o OUT` does all this with a picture of yours, of any size, grey or in colour: it estimates $\sigma$, if you don't say it. It is for white noise; what it does to other kinds, "Break it" shows.
#
# ## Faces: what a bottleneck does
#
# Many tutorials denoise with an **autoencoder**: noisy image in, a few numbers in the middle, clean image out.
# (Vincent et al. 2008, to whom this goes back, put the noise *in the place of* a narrow middle.)
# What does the bottleneck cost?
# We compare on faces, where the noise may be so strong that a denoiser has to know faces:
#
# - an *autoencoder* with 64 numbers in the middle,
# - a *U-Net*, notebook 51's, which carries what it sees around its middle.
#
# Both are told $\sigma$, and learn from the same faces by the same loss and number of steps. All else differs: layers, weights, and what a step costs (the U-Net's takes longer).
#
# The table's last row, the course's flow, is the same U-Net after ten minutes on 60,000 faces: it shows what more training gives.
#
# We train them as notebooks 17 and 52 trained flows, so that we can use them as flows later: their noisy image at time $t$, $x_t = t x + (1 - t)\epsilon$, is $t\,y$ with $\sigma = (1 - t)/t$.


# %%
class Bottleneck(torch.nn.Module):
    """net(x_t, t): a noisy face through 64 numbers."""

    def __init__(self):
        super().__init__()
        self.parts = vae.ConvVAE(latent=64, width=48, conditions=1, moves=False)

    def forward(self, x_t, t):
        mean, _ = self.parts.encoder(x_t, t[:, None])
        return self.parts.decoder(mean, t[:, None]).mean


# %%
faces = data.load("portraits", n=run.images)
unseen = data.load("portraits", "test", n=200, seed=5)


# %%
def optimisers(net):
    """Muon for convolutions, Adam for the rest."""
    opts = {"muon": Muon(net, lr=5e-3)}
    if rest := others(net):
        opts["adam"] = torch.optim.AdamW(rest, lr=2e-3, betas=(0.9, 0.99), fused=True)
    return opts


def matching(net, x):
    t = flow.random_times(len(x), x.device)
    return flow.matching_loss(net, x, torch.randn_like(x), t)


# %%
def taught(net, loss_of, label):
    """The average of a network that learned faces by a loss."""
    net = net.to(run.device)
    opts = optimisers(net)
    books = {"ema": "net", "ema_decay": 0.99, "label": label} | opts
    for x in run.train(run.batches(faces, 64), run.face_steps, net=net, **books):
        run.anneal(*opts.values(), warmup=50)
        with run.autocast():
            loss = loss_of(net, x)
        for opt in opts.values():
            opt.zero_grad()
        loss.backward()
        for opt in opts.values():
            opt.step()
        run.log(loss=loss)
    return run.ema["net"].eval().cpu()


# %%
torch.manual_seed(run.seed)
bottleneck = taught(Bottleneck(), matching, "autoencoder")
unet = taught(flow.PatchUNet(patch=2, width=40, fine=8), matching, "U-Net")

# %% [markdown]
# And a **VAE** (notebook 31), which is no denoiser at all: it learned clean faces, $p(x) = \int p(x|z)\,p(z)\,dz$.
# There are two ways to ask it.
# *Encode and decode* the noisy face, as if it were a clean one. Or use it as what it is, a prior: search the $z$ that explains $y$ best,
#
# $$\min_z\ \frac{\lVert y - g(z) \rVert^2}{2\,(\sigma^2 + s^2)} + \frac{\lVert z \rVert^2}{2}, \tag{6}$$
#
# with the decoder's mean $g(z)$ and its own standard deviation $s$. ($-\log p(y|z) - \log p(z)$, since $y$ is $g(z)$ with both noises added.)
# Given $z$, the best guess of $x$ is Wiener's: $g(z) + \frac{s^2}{s^2 + \sigma^2}\,(y - g(z))$. (The likeliest $z$ is not the mean over all $z$ that fit, so this is no $\mathbb{E}[x|y]$.)


# %%
def elbo(net, x):
    """What 31 minimised: rate and distortion, in nats a number."""
    rate, distortion = net(x)
    return (rate + distortion).mean() / x[0].numel()


torch.manual_seed(run.seed)
model = taught(vae.ConvVAE(latent=64, width=48), elbo, "VAE")


# %%
def with_open(likelihood, y, sigma):
    """The best guess, given z: what g(z) leaves open, as y has it."""
    seen, s = likelihood.mean, likelihood.log_sigma.exp()
    return seen + s**2 / (s**2 + sigma**2) * (y - seen)


@torch.no_grad()
def by_encoding(y, sigma):
    mean, _ = model.encoder(y)
    return with_open(model.decoder(mean), y, sigma)


def by_search(y, sigma):
    """The face of (6), by descent from z = 0."""
    z = torch.zeros(len(y), 64, requires_grad=True)
    opt = torch.optim.Adam([z], lr=0.1)
    for _ in range(run.search_steps):
        likelihood = model.decoder(z)
        off = (y - likelihood.mean).square().sum(dim=(1, 2, 3))
        wide = sigma**2 + likelihood.log_sigma.exp() ** 2
        loss = (off / (2 * wide) + z.square().sum(dim=1) / 2).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return with_open(likelihood, y, sigma).detach()


# %%
colour = pretrained.load_denoiser("denoiser_colour")
flow_of_faces = pretrained.load_flow("flow_portraits")


@torch.no_grad()
def as_flow(net, y, sigma):
    """What a network for x_t says of y."""
    t = torch.full((len(y),), 1 / (1 + sigma))
    return net(y / (1 + sigma), t)


@torch.no_grad()
def for_photographs(y, sigma):
    return colour(y, sigma)


# %%
DENOISERS = {
    "denoiser_colour": for_photographs,
    "autoencoder": lambda y, sigma: as_flow(bottleneck, y, sigma),
    "U-Net": lambda y, sigma: as_flow(unet, y, sigma),
    "VAE, encoded": by_encoding,
    "VAE, searched": by_search,
    "the course's flow": lambda y, sigma: as_flow(flow_of_faces, y, sigma),
}

# %% [markdown]
# **Predict** two curves: autoencoder and U-Net, from little noise to much. Where do they cross, if they do?

# %%
LEVELS = (10, 25, 50, 100, 200, 400)
x = data.to_float(unseen.images)
of_faces = {"noisy": []} | {name: [] for name in DENOISERS}
looks = {}
for level in LEVELS:
    y = with_noise(x, level)
    guesses = {"noisy": y} | {
        name: denoise(y, level * LEVEL) for name, denoise in DENOISERS.items()
    }
    for name, guess in guesses.items():
        value = metrics.psnr(guess.clamp(-1, 1), x).mean().item()
        of_faces[name].append(value)
    looks[level] = {name: guess[:8].clamp(-1, 1) for name, guess in guesses.items()}

# %%
rows = [(name, *values) for name, values in of_faces.items()]
tables.show(rows, ("PSNR in dB", *(f"sigma {level}" for level in LEVELS)))
plots.show(
    plots.lines(
        {name: (LEVELS, values) for name, values in of_faces.items()},
        xlabel="noise in grey levels",
        ylabel="PSNR in dB",
        xscale="log",
        height=3.8,
    ),
    alt="Lines that fall with the noise, the flow's on top; the autoencoder's begins "
    "low and stays nearly flat up to 100; the U-Net's comes down close to it at 400.",
    caption="A bottleneck costs most where there is little noise.",
)

# %%
if CHECKED:
    at = {
        name: dict(zip(LEVELS, values, strict=True))
        for name, values in of_faces.items()
    }
    assert at["autoencoder"][10] < at["noisy"][10] < at["U-Net"][10]
    leads = [at["U-Net"][level] - at["autoencoder"][level] for level in LEVELS]
    assert all(a > b for a, b in itertools.pairwise(leads)) and abs(leads[-1]) < 1
    ways = at["VAE, encoded"], at["VAE, searched"]
    assert max(ways[1][level] - ways[0][level] for level in LEVELS) < 1
    assert at["denoiser_colour"][100] < at["U-Net"][100] - 1

# %%
plots.show(
    plots.grid({"clean": x[:8]} | looks[200], cols=8),
    alt="Rows of the same eight faces with noise of 200 grey levels: hardly visible; "
    "blurred by the network for photographs; faces by all the others.",
    caption="Noise of 200 grey levels, and what each makes of it.",
)

# %% [markdown]
# At 10 levels the autoencoder is worse than doing nothing: what these 64 numbers don't hold of a face, after so short a training, is lost with or without noise.
# The U-Net's lead shrinks with every step to the right, where there is less and less to carry around; at 400 levels the two are within a decibel of each other.
#
# `denoiser_colour`, nine tenths of whose pieces were photographs, learned noise of up to 75 levels only: at 100, more than it ever saw, and on faces, it is more than a decibel below the U-Net. (Which in turn met noise as weak as 10 levels very seldom.)
#
# Don't read the VAE's rows as a bottleneck's: their last step gives back, around the 64 numbers, a share of $y - g(z)$, nearly all of it where $\sigma$ is far below $s$.
# Its encoder never saw noise, yet a search, at a hundred passes through the decoder a face, nowhere gains a decibel on it.
#
# ## Without clean images
#
# Where do clean images come from, for an X-ray or a telescope? Often there are none.
# Let $y' = x + \sigma \epsilon'$ be a *second* noisy image of the same thing, with noise of its own. As in (2),
#
# $$\mathbb{E}\,\lVert f(y) - y' \rVert^2 = \mathbb{E}\,\lVert f(y) - x \rVert^2 + D \sigma^2 \tag{7}$$
#
# for $D$ numbers, since $f(y) - x$ knows nothing of $\epsilon'$. The second part doesn't depend on $f$: **both losses have the same minimum** (Noise2Noise, Lehtinen et al. 2018).
#
# And if there is only one? Hide some pixels from $f$, and compare there with $y$ itself: if the noise is independent from pixel to pixel, what $f$ says of pixel $j$ knows nothing of $\epsilon_j$, so (7) holds again, for the best guess *without* pixel $j$ (Noise2Void, Krull et al. 2019).
# A hidden pixel shows one of its neighbours instead, one that isn't hidden itself.
# At use the network is shown the whole image, though it never learned what to do with pixel $j$ itself.
#
# **Predict** the order of the three, and the gaps.
# (The same networks, faces, steps and seeds; but where pixels are hidden, a step hears of a tenth of them only.)

# %%
x_faces = data.to_float(faces.images).to(run.device)
SIGMA = 50 * LEVEL


def clean_target(net, x, y):
    return (net(y, SIGMA) - x).square().mean()


def second_target(net, x, y):
    return (net(y, SIGMA) - restore.noisy(x, SIGMA)).square().mean()


def own_target(net, x, y):
    shown, hidden = restore.blind_spots(y, share=0.1)
    off = (net(shown, SIGMA) - y).square() * hidden
    return off.sum() / (hidden.sum() * y.shape[1])


# %%
def learned(loss_of, seed):
    """A small network that learned by one of the losses."""
    torch.manual_seed(seed)
    net = restore.Denoiser(3, width=16, blocks=1).to(run.device)
    opt = torch.optim.AdamW(net.parameters(), 5e-3, betas=(0.9, 0.99), fused=True)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(opt, run.noisy_steps)
    for _ in range(run.noisy_steps):
        x = x_faces[torch.randint(len(x_faces), (32,), device=run.device)]
        loss = loss_of(net, x, restore.noisy(x, SIGMA))
        opt.zero_grad()
        loss.backward()
        opt.step()
        rate.step()
    return net.eval().cpu()


# %%
x = data.to_float(unseen.images)
y, second = with_noise(x, 50), with_noise(x, 50, seed=1)
TARGETS = {
    "the clean face": clean_target,
    "a second noisy one": second_target,
    "its own hidden pixels": own_target,
}
found = {}
for name, loss_of in TARGETS.items():
    networks = [learned(loss_of, seed) for seed in range(3)]
    with torch.no_grad():
        found[name] = [net(y, SIGMA) for net in networks]

# %%
rows, dB = [], {}
for name, guesses in found.items():
    values = [metrics.psnr(guess.clamp(-1, 1), x).mean() for guess in guesses]
    dB[name] = torch.stack(values)
    to_clean = (guesses[0] - x).square().mean().item()
    to_second = (guesses[0] - second).square().mean().item()
    spread = f"{dB[name].mean():.2f} ± {dB[name].std():.2f}"
    rows.append((name, spread, to_clean, to_second - to_clean))
    assert abs(to_second - to_clean - SIGMA**2) < 0.02 * SIGMA**2  # (7)
columns = ("compared with", "PSNR in dB, three seeds", "error", "to a second one, more")
tables.show(rows, columns)
print(f"sigma squared: {SIGMA**2:.4f}")
if CHECKED:
    by_clean, by_second, by_own = (values.mean() for values in dB.values())
    assert abs(by_clean - by_second) < 0.7 and by_own < by_second - 1

# %% [markdown]
# The last column is $\sigma^2$ for all three: (7) holds for any $f$ that doesn't know the second noise.
#
# From noisy pairs one learns nearly as well as from clean faces, within 0.7 decibels; from single noisy faces the network ends at least a decibel lower.
# (There a step hears of a tenth of the pixels at most, and at use the network sees pixels that it learned to do without. And a face is met about once here: where few pairs come back again and again, there is less to learn.)
#
# ## Paint with it
#
# (3) says that a denoiser is a score, and 17 walked along scores from noise to data (Kadkhodaie and Simoncelli 2021 did so with a denoiser that is told nothing of the noise).
# The U-Net from above learned to guess clean faces from noise of all strengths, so it can paint: notebook 51's multistep sampler, ten calls.
# **Predict**: how far is it from the course's flow, whose network is the same, and which learned for ten minutes from six times as many faces?

# %%
g = torch.Generator().manual_seed(run.seed + 1)
noise = torch.randn(run.drawn, 3, 32, 32, generator=g)
painters = {"the U-Net": unet, "the course's flow": flow_of_faces}
painted = {name: flow.draw(painter, noise) for name, painter in painters.items()}
evaluator = metrics.Evaluator("portraits")
floor = evaluator.floor(run.drawn)
fd = {name: evaluator.fd(images) for name, images in painted.items()}
tables.show([*fd.items(), ("real, unseen", floor)], ("painted by", "fd"))
if CHECKED:
    assert 1.4 < fd["the U-Net"] / fd["the course's flow"] < 5

# %%
plots.show(
    plots.grid({name: images[:16] for name, images in painted.items()}, cols=8),
    alt="Sixteen faces by each network from the same noise: those of the "
    "U-Net have ragged outlines and some odd glasses and mouths.",
    caption="Painted by denoisers: the U-Net of this notebook, and the course's flow.",
)

# %% [markdown]
# The U-Net's distance is between 1.4 and 5 times the flow's, which had six times as many faces and many times the steps.
# (fd is the Fréchet distance of notebook 13; with so few images every row is too high, so read it beside the last one.)
#
# ## Explore: noise and method
#
# **Try**: at which noise do *you* lose the photographer's eye, by each method? (Nothing here measures it.)

# %%
METHODS = ["network", "non-local means", "total variation", "Gaussian", "noisy"]


def denoised(method, sigma):
    x = cropped(clean["camera"], "camera")
    y = with_noise(clean["camera"], sigma)
    if method == "network":
        with torch.no_grad():
            x_hat = own(y, sigma * LEVEL)
    elif method == "noisy":
        x_hat = y
    else:
        x_hat = restore.best(method, y[0], sigma * LEVEL, clean["camera"][0])[0][None]
    shown = [cropped(image, "camera").clamp(-1, 1) for image in (y, x_hat)]
    return plots.grid(torch.cat([*shown, x]), cols=3)


explore(
    denoised,
    alt="The photographer's head and camera: with noise, by the network, clean.",
    caption="Noisy, denoised, clean.",
    method=METHODS,
    sigma=(5, 75, 25),
)

# %% [markdown]
# ## Break it
#
# The course's network, and what is easily done wrong with it. The noise is meant to have 25 levels throughout, and the network is told 25, if nothing else is said.
#
# 1. It is told half of $\sigma$, or twice as much.
# 2. "25" is added to images in [-1, 1].
# 3. The noise is cut off at black and white, as a file does.
# 4. The noise is smooth: neighbours have the same, as after a camera's own processing.
# 5. The noise grows with the brightness, as photons have it.
#
# **Predict** which one hurts most, after 2.


# %%
def smooth_noise(x, sigma):
    g = torch.Generator().manual_seed(sigma)
    eps = filtered(torch.randn(x.shape, generator=g), kernel(1.0, x.shape[-1]))
    return x + sigma * LEVEL * eps / eps.std()


def bright_noise(x, sigma):
    """As strong on average; the variance grows in proportion to the brightness."""
    g = torch.Generator().manual_seed(sigma)
    brightness = (x + 1) / 2
    share = brightness / brightness.mean()
    return x + sigma * LEVEL * share.sqrt() * torch.randn(x.shape, generator=g)


def unscaled(x, sigma):
    g = torch.Generator().manual_seed(sigma)
    return x + sigma * torch.randn(x.shape, generator=g)


# %%
WRONG = {
    "as it should be": (with_noise, 1),
    "1. told half": (with_noise, 0.5),
    "1. told twice as much": (with_noise, 2),
    "2. 25 in the wrong units": (unscaled, 1),
    "3. cut off": (lambda x, sigma: with_noise(x, sigma).clamp(-1, 1), 1),
    "4. smooth": (smooth_noise, 1),
    "5. with the brightness": (bright_noise, 1),
}

# %%
spoiled, rows = {}, []
for name, (add, told) in WRONG.items():
    each = []
    for x in clean.values():
        with torch.no_grad():
            x_hat = own(add(x, 25), told * 25 * LEVEL).clamp(-1, 1)
        each.append(x_hat)
    values = [
        metrics.psnr(x_hat, x) for x_hat, x in zip(each, clean.values(), strict=True)
    ]
    spoiled[name] = torch.cat(values).mean().item(), cropped(each[1], "chelsea")
    rows.append((name, spoiled[name][0]))
tables.show(rows, ("sigma 25, the course's network", "PSNR in dB"))

# %%
if CHECKED:
    right, half, twice, units, cut, smooth, bright = (v for v, _ in spoiled.values())
    assert units < 12 and right - half > 3 and right - smooth > 3
    assert 0 < right - twice < right - half
    assert right - cut < 1 and 0 < right - bright < 2 and smooth < half

# %%
if CHECKED:
    plots.show(
        plots.grid(torch.cat([image for _, image in spoiled.values()]), cols=7),
        alt="Seven crops of the cat's eye: clean; grainy; smooth; all noise; clean; "
        "blotchy; nearly clean.",
        caption="In the order of the table.",
    )

# %% [markdown]
# What is told too small stays in the picture; what is told too large takes some of the picture with it, and costs less.
# After 2, smooth noise hurts most, then half of $\sigma$, each by more than three decibels; cutting off costs less than one, and noise that grows with the brightness less than two.
#
# Smooth noise is the trap in real life: its fine part is missing, so what there is looks to the network partly like a picture, and much of it stays.
# A camera's own processing and JPEG leave noise of that kind, so a denoiser for white noise is no denoiser for a telephone's pictures.

# %%
run.report(
    psnr=psnr("this network", 25),
    psnr_own=psnr("trained for longer", 25),
    psnr_non_local_means=psnr("non-local means", 25),
    psnr_noisy=psnr("noisy", 25),
    fd=fd["the U-Net"],
    fd_floor=floor,
)
run.expect(psnr=(">", (None, 28.0, None)), fd=("<", (None, 30.0, None)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/63_denoising.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* Twenty-five levels.
# 2. ★ *(10 minutes)* What an average costs.
# 3. ★★ *(10 minutes)* The best linear answer.
# 4. ★★ *(10 minutes)* Why did nothing happen?
# 5. ★★ *(10 minutes)* A loss on hidden pixels.
# 6. ★★★ *(20 minutes, a project)* Down the levels.
#
# To try here *(10 to 20 minutes each)*: train on one photograph only; give the network no map of the noise; noise that grows from left to right, told by a map.
#
# ## What to remember
#
# - In squared error the best answer is $\mathbb{E}[x|y]$. What it leaves, no method can win.
# - An average trades blur for noise; Wiener's filter does so frequency by frequency, and for Gaussian images no answer is better; photographs are not Gaussian.
# - Say the units of $\sigma$, whether noise is cut off, and which pictures were held out; then compare.
# - A bottleneck loses what it can't hold, noise or not. Where there is little noise, let the pixels go around it.
# - Clean images aren't needed: a second noisy one has the same minimum. Hidden pixels lead to the best guess *without* the pixel itself, which knows less.
# - A denoiser is a score, and a score can paint.
#
# ## Further reading
#
# - N. Wiener, *Extrapolation, Interpolation, and Smoothing of Stationary Time Series*, MIT Press 1949.
# - L. I. Rudin, S. Osher, E. Fatemi, *Nonlinear total variation based noise removal algorithms*, Physica D 1992.
# - D. L. Donoho, I. M. Johnstone, *Ideal spatial adaptation by wavelet shrinkage*, Biometrika 1994.
# - S. G. Chang, B. Yu, M. Vetterli, *Adaptive wavelet thresholding for image denoising and compression*, IEEE TIP 2000.
# - A. Buades, B. Coll, J.-M. Morel, *A Non-Local Algorithm for Image Denoising*, CVPR 2005.
# - K. Dabov, A. Foi, V. Katkovnik, K. Egiazarian, *Image Denoising by Sparse 3-D Transform-Domain Collaborative Filtering*, IEEE TIP 2007.
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, *Extracting and Composing Robust Features with Denoising Autoencoders*, ICML 2008.
# - K. Zhang et al., *Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising*, IEEE TIP 2017, arXiv:1608.03981.
# - K. Zhang, W. Zuo, L. Zhang, *FFDNet: Toward a Fast and Flexible Solution for CNN-based Image Denoising*, IEEE TIP 2018, arXiv:1710.04026.
# - J. Lehtinen et al., *Noise2Noise: Learning Image Restoration without Clean Data*, ICML 2018, arXiv:1803.04189.
# - A. Krull, T.-O. Buchholz, F. Jug, *Noise2Void: Learning Denoising from Single Noisy Images*, CVPR 2019, arXiv:1811.10980.
# - S. Mohan, Z. Kadkhodaie, E. P. Simoncelli, C. Fernandez-Granda, *Robust and Interpretable Blind Image Denoising via Bias-Free Convolutional Neural Networks*, ICLR 2020, arXiv:1906.05478.
# - K. Zhang et al., *Plug-and-Play Image Restoration with Deep Denoiser Prior*, IEEE TPAMI 2021, arXiv:2008.13751.
# - Z. Kadkhodaie, E. P. Simoncelli, *Stochastic Solutions for Linear Inverse Problems using the Prior Implicit in a Denoiser*, NeurIPS 2021, arXiv:2007.13640.
