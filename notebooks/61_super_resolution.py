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
# # 61 Super-resolution: which faces share this thumbnail?
#
# *You will see what shrinking a picture throws away, judge enlargements as papers do, train a network that beats bicubic on photographs it has never seen, and draw the different people who all fit one thumbnail.*
#
# ![Eight thumbnails of eight by eight noisy blocks; below each an average with vague eyes, three sharp faces that fit it, and the true face.](../data/pictures/61_super_resolution.webp)
#
# **You need** notebooks 11 and 12; the second half also 13, 17, 22, 32, 51 and 63 (and 00 for the optimiser Muon).
# The table below says how long it takes on which machine, and what to expect (psnr: of three held-out photographs made twice as large by this notebook's network, and by bicubic; fd: the Fréchet distance, notebook 13, of a flow's faces to real ones).
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
import copy
import io
import math

import torch
import torch.nn.functional as F
from PIL import Image

from genimg_lib import (
    data,
    flow,
    gan,
    layers,
    metrics,
    plots,
    pretrained,
    restore,
    tables,
    vae,
)
from genimg_lib.data import photos, portraits
from genimg_lib.metrics import Protocol, protocol
from genimg_lib.restore import LEVEL
from genimg_lib.training import Muon, others, start
from genimg_lib.widgets import explore

# %%
run = start(
    "61_super_resolution",
    pieces=(100, 8_000, 60_000),
    steps=(4, 700, 30_000),
    images=(300, 10_000, 60_000),
    face_steps=(4, 450, 10_000),
    vae_steps=(4, 600, 10_000),
    finish_steps=(4, 300, 5_000),
    drawn=(256, 400, 2_000),
    chains=(4, 28, 64),
    sweeps=(3, 42, 100),
    calls=(3, 24, 24),
    precision="auto",
)
CHECKED = run.profile == "cpu"  # what the text says of trained networks holds
tables.show_expected("61_super_resolution", "psnr", "psnr_bicubic", "fd")

# %% [markdown]
# ## Why
#
# A photograph on an old web page, a face in a film that nobody thought of looking at: the picture is there, and it is small.
# Programs promise to make it large again, sharp. Where do they take the details from?
#
# Shrinking is easy to describe; that is what makes the question answerable. We ask it three times: of rows of numbers, where algebra answers; of photographs, where networks can be compared; and of drawn faces, where those who fit a thumbnail can be drawn.

# %%
cat = photos.open_photo("chelsea")[None, :, 60:252, 120:312]  # 192 x 192
small = restore.shrunk(cat, 4)
blocks = small.repeat_interleave(4, 2).repeat_interleave(4, 3)
plots.show(
    plots.grid(torch.cat([cat, blocks, restore.enlarged(small, 4)]), cols=3),
    alt="A cat's face: sharp, in coarse blocks, and blurred.",
    caption="A photograph; a sixteenth of the pixels; the same made large by bicubic.",
)

# %% [markdown]
# ## The maths: what shrinking does to waves
#
# Of a row of $n$ pixels keep every $s$-th ($s$ divides $n$), $y_j = x_{sj}$. What happens to its waves, its Fourier sums $X_k = \sum_j x_j e^{-2\pi i jk/n}$, which repeat after $n$?
#
# The mean of $e^{-2\pi i jm/s}$ over $m = 0 \dots s - 1$ is 1 where $s$ divides $j$, else 0. So it can pick the kept pixels out of a sum over all:
#
# $$Y_k = \sum_j y_j\, e^{-2\pi i jk\,s/n} = \frac{1}{s} \sum_{m=0}^{s-1} X_{k + m n/s}. \tag{1}$$
#
# **Waves whose frequencies differ by $n/s$ fall onto one another, and nothing tells them apart again.** That is aliasing.
#
# **Predict**: a row of 128 pixels shows 60 stripes. Every second pixel is kept. How many stripes do the 64 pixels show?

# %%
n, s = 128, 2
row = torch.cos(2 * math.pi * 60 * torch.arange(n).double() / n)
X, Y = torch.fft.fft(row), torch.fft.fft(row[::s])
by_formula = sum(X[m * n // s : (m + 1) * n // s] for m in range(s)) / s  # (1)
assert torch.allclose(Y, by_formula)

four = torch.cos(2 * math.pi * 4 * torch.arange(n // s).double() / (n // s))
assert torch.allclose(row[::s], four)
print(
    "60 stripes, every second pixel:",
    int(Y[: n // s // 2 + 1].abs().argmax()),
    "stripes",
)

# %% [markdown]
# 60 = 64 - 4: four stripes, which were never there.
# So before pixels are dropped, waves with less than two *new* pixels each have to go. That is *antialiasing*: a weighted average around each new pixel (bicubic's, below, takes $4s$ pixels a side).
#
# Rings that get finer towards the corners show it for all frequencies at once:

# %%
size, s = 192, 4
away = torch.arange(size).double() - (size - 1) / 2
squared = away[:, None] ** 2 + away**2
rings = torch.cos(0.7 * math.pi / size * squared)[None, None]
finer = (0.7 / size * squared.sqrt())[2::s, 2::s] > 0.2  # waves a pixel: 0.125 fit

# %%
kept = rings[..., 2::s, 2::s]
averaged = restore.Shrink((size, size), s, "bicubic").measure(rings)
panels = [rings] + [
    panel.repeat_interleave(s, 2).repeat_interleave(s, 3) for panel in (kept, averaged)
]
contrast = {
    "the rings": rings[0, 0, 2::2, 2::2].std().item(),
    "every 4th pixel": kept[0, 0][finer].std().item(),
    "antialiased": averaged[0, 0][finer].std().item(),
}
assert contrast["every 4th pixel"] > 0.6 and contrast["antialiased"] < 0.1

# %%
tables.show([*contrast.items()], ("where rings are too fine", "standard deviation"))
plots.show(
    plots.grid(torch.cat(panels).float(), cols=3),
    alt="Rings around one middle; rings around many middles; rings that fade to grey.",
    caption="Rings; every fourth pixel of them; shrunk by bicubic with antialiasing.",
)

# %% [markdown]
# ## The maths: shrinking is a matrix
#
# Each pixel of the small picture is a weighted mean of pixels of the large one, so shrinking is linear, $y = Ax$.
# The filter that papers use is *bicubic* (Keys 1981), here with $a = -\frac12$,
#
# $$w(u) = \begin{cases} (a + 2)|u|^3 - (a + 3)|u|^2 + 1 & |u| \le 1 \\ a\,(|u|^3 - 5|u|^2 + 8|u| - 4) & 1 < |u| < 2, \end{cases} \tag{2}$$
#
# and 0 beyond, where $u$ is the distance from a pixel to the middle of the small one, *in small pixels*: the filter is stretched by $s$, and that is the antialiasing.
# Each pixel's weights are divided by their sum ($s$ a side, or a little off near the edges).


# %%
def bicubic(u, a=-0.5):
    """The weight at a distance: (2)."""
    u = u.abs()
    near = (a + 2) * u**3 - (a + 3) * u**2 + 1
    far = a * (u**3 - 5 * u**2 + 8 * u - 4)
    return torch.where(u <= 1, near, torch.where(u < 2, far, 0.0))


n, s = 32, 4
middles = s * (torch.arange(n // s).double() + 0.5)
pixels = torch.arange(n).double() + 0.5
rows = bicubic((pixels - middles[:, None]) / s)
rows = rows / rows.sum(dim=1, keepdim=True)  # [8, 32]: one side's A

# %%
x = data.to_float(photos.square(photos.open_photo("coffee"), 32)[None]).double()
shrink = restore.Shrink((32, 32), s)
assert torch.allclose(rows @ x @ rows.T, shrink.measure(x))

picture = Image.fromarray(cat[0].permute(1, 2, 0).numpy())
by_pillow = photos.to_tensor(picture.resize((48, 48), Image.Resampling.BICUBIC))
off = (small[0].int() - by_pillow.int()).abs().max().item()
print(f"the library and Pillow on bytes: at most {off} level apart")
assert off <= 1

# %% [markdown]
# $A$ has fewer rows than columns: many images have the same thumbnail.
# Of all that look like $x$ when small, the one nearest to a given image $h$ is
#
# $$x' = h + A^\top (A A^\top)^{-1} (A x - A h). \tag{3}$$
#
# ($A x' = A h + (A x - A h)$, so it fits; and it is nearest, since the step from $h$ is made of rows of $A$, at right angles to all that $A$ doesn't see.)
#
# **Predict**: $x$ is a cat, $h$ is a cup of coffee. What does $x'$ look like?

# %%
square = {
    name: data.to_float(photos.square(photos.open_photo(name), 256)[None]).double()
    for name in ("chelsea", "coffee")
}
B = restore.Shrink((256, 256), 8)
x, h = square["chelsea"], square["coffee"]
mixture = B.fit(h, B.measure(x))  # (3)
step = B.adjoint(B.solve(B.measure(x - h)))
assert torch.allclose(mixture, h + step)
off = (B.measure(mixture) - B.measure(x)).abs().max().item() / LEVEL
print(f"thumbnails of cat and mixture: {off:.1e} grey levels apart")
assert off < 1e-3

# %%
plots.show(
    plots.grid(torch.cat([x, h, mixture]).float().clamp(-1, 1), cols=3),
    alt="A cat; a cup of coffee; the cup's outlines and the wood's grain on the cat.",
    caption="x, h, and x': a cat's thumbnail, and the details of a cup of coffee.",
)

# %% [markdown]
# To the thumbnail, the third picture *is* the cat (before it is clipped for the screen). What it lacks, no algebra gives back: it has to come from knowing what pictures look like.
#
# ## The maths: a guess, or a draw?
#
# Knowing that is knowing $p(x|y)$. Two things can be done with it.
# Give its mean: in squared error nothing is better (notebook 63). Or give a *draw* $x'$ from it, one of the images that fit. What does that cost?
#
# Given $y$, the truth $x$ is itself a draw from $p(x|y)$, and $x'$ another, independent of it. Two such draws differ by twice the variance:
#
# $$\mathbb{E}\,\lVert x' - x \rVert^2 = 2\ \mathbb{E}\,\lVert \mathbb{E}[x|y] - x \rVert^2. \tag{4}$$
#
# **One who answers with honest draws has twice the squared error, 3.01 decibels less, than one who answers with means**, whatever the data.
# So PSNR rewards blur, and a method cannot win in it by drawing from the right answers.
# (Blau and Michaeli 2018 show that some price of this kind cannot be avoided, and that factor 2 bounds it.)
#
# Check it on Gaussian images with covariance $C$, of which $y = Ax + \sigma\epsilon$ is seen, 4x4 numbers of 16x16. There $p(x|y)$, the *posterior*, is known: it is normal with mean $C A^\top (A C A^\top + \sigma^2 I)^{-1} y$ (exercise 5), and the same covariance whatever $y$.

# %%
size, s, sigma = 16, 4, 0.05
f = torch.fft.fftfreq(size).double() * size
S = (1 + f[:, None] ** 2 + f**2) ** -1.5
row = torch.fft.ifft2(S / S.mean()).real  # covariance of pixel [0, 0] with every other
C = torch.stack(
    [row.roll((i, j), (0, 1)).flatten() for i in range(size) for j in range(size)]
)
operator = restore.Shrink((size, size), s)
every = torch.eye(size**2).double().view(-1, 1, size, size)
A_16 = operator.measure(every).flatten(1).T  # [16, 256]

# %%
g = torch.Generator().manual_seed(run.seed)
factor = torch.linalg.cholesky(C)
x = torch.randn(2_000, size**2, generator=g).double() @ factor.T
eps = torch.randn(2_000, 16, generator=g).double()
y = x @ A_16.T + sigma * eps
nothing = torch.zeros(size**2).double()
_, left = restore.gaussian_posterior(nothing, C, A_16, nothing[:16], sigma)
gain = torch.linalg.solve(
    A_16 @ C @ A_16.T + sigma**2 * torch.eye(16).double(), A_16 @ C
)
mean = y @ gain  # E[x | y]
root = torch.linalg.cholesky(left + 1e-9 * torch.eye(size**2).double())
draws = [mean + torch.randn(x.shape, generator=g).double() @ root.T for _ in range(3)]

# %%
large = restore.enlarged(y.view(-1, 1, 4, 4), s).flatten(1)
error = {
    "bicubic": (large - x).square().mean().item(),
    "E[x|y]": (mean - x).square().mean().item(),
    "a draw from p(x|y)": (draws[0] - x).square().mean().item(),
}
tables.show([*error.items()], ("Gaussian images", "mean squared error"))
ratio = error["a draw from p(x|y)"] / error["E[x|y]"]
print(f"the draw's error: {ratio:.3f} times the mean's")
assert abs(ratio - 2) < 0.04 and error["bicubic"] > 1.1 * error["E[x|y]"]
assert abs(left.diagonal().mean().item() / error["E[x|y]"] - 1) < 0.03


def roughness(images):
    """The mean squared step from a pixel to its right neighbour, of each image."""
    return images.view(-1, size, size).diff(dim=2).square().mean(dim=(1, 2))


assert roughness(mean).max() < roughness(x).min()
assert abs(roughness(draws[0]).mean() / roughness(x).mean() - 1) < 0.02

# %%
shown = [image[:1].view(1, 1, size, size) / 3 for image in (x, large, mean, *draws)]
names = ["true", "bicubic", "E[x|y]", "a draw", "a draw", "a draw"]
plots.show(
    plots.grid(torch.cat(shown).float().clamp(-1, 1), cols=6, labels=names),
    alt="Clouds: the true one; two that are smooth; three as rough as the true one.",
    caption="A Gaussian image, and five answers to its 4x4 numbers.",
)

# %% [markdown]
# The mean is smoother than any image of its kind; draws are as rough as the truth, and differ in what wasn't seen.
#
# ## Photographs: agree on how to judge
#
# Three photographs are held out from all training: `camera`, `chelsea`, `coffee`, whole.
# Papers on super-resolution shrink by bicubic *with* antialiasing, from bytes to bytes, and measure PSNR on the luma only, scaled to 16..235, with as many pixels as the scale left out along the edges.
# Each of these is a switch, and moves the figure. **Predict** which moves it most.

# %%
SCALE = 2


def pair_of(name, scale):
    """A photograph, cut (not squeezed) to fit, and its small version: uint8."""
    image = photos.open_photo(name)[None]
    height, width = (side // scale * scale for side in image.shape[2:])
    image = image[:, :, :height, :width]
    return image, restore.shrunk(image, scale)


def as_papers(scale, **changes):
    rules = Protocol(rounded=True, luma="limited", shave=scale)
    return rules._replace(**changes)


# %%
def switches(scale):
    """PSNR of bicubic, the mean over three photographs, by how it is judged."""
    changes = {
        "as papers": {},
        "luma in 0..255": {"luma": "full"},
        "all three channels": {"luma": None},
        "not rounded": {"rounded": False},
        "edges counted": {"shave": 0},
    }
    found = {name: [] for name in (*changes, "shrunk without antialiasing")}
    for photo in photos.HELD_OUT:
        image, y = pair_of(photo, scale)
        x, x_hat = data.to_float(image), restore.enlarged(data.to_float(y), scale)
        for name, change in changes.items():
            rules = as_papers(scale, **change)
            found[name].append(protocol.psnr(x_hat, x, rules).item())
        rough = restore.Shrink(x.shape[2:], scale, antialias=False).measure(x)
        rough = data.to_float(data.to_uint8(rough.clamp(-1, 1)))
        x_hat = restore.enlarged(rough, scale)
        value = protocol.psnr(x_hat, x, as_papers(scale)).item()
        found["shrunk without antialiasing"].append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}


# %%
by_scale = {scale: switches(scale) for scale in (2, 4)}
rows = []
for name in by_scale[2]:
    row = [name]
    for found in by_scale.values():
        off = found[name] - found["as papers"]
        row += [round(found[name], 2), round(off, 2)]
    rows.append(row)
tables.show(rows, ("PSNR of bicubic in dB", "x2", "difference", "x4", "difference"))
rough = [f["shrunk without antialiasing"] - f["as papers"] for f in by_scale.values()]
assert rough[0] > 0.2 and rough[1] < -0.4
for found in by_scale.values():
    moved = {name: abs(value - found["as papers"]) for name, value in found.items()}
    assert abs(moved["luma in 0..255"] - 20 * math.log10(255 / 219)) < 0.05
    assert max(moved, key=moved.get) == "all three channels"
    assert moved["not rounded"] < 0.01

# %% [markdown]
# The same enlargement, five figures, and a sixth of another small picture.
# Taking all three channels moves it most, and $20 \log_{10}(255/219) = 1.32$ dB of that is the luma's range alone; rounding moves nothing.
# Without antialiasing the figure rises at twice the size and falls at four times.
#
# SSIM has such switches, too: its window, and what is done at the edges. For the same enlargements, twice as large:

# %%
truth, thumbnails = {}, {}
for name in photos.HELD_OUT:
    truth[name], thumbnails[name] = pair_of(name, SCALE)


def judged(answers, measure=protocol.psnr, **more):
    """The mean over the photographs; answers: {name: uint8 [1, 3, H, W]}."""
    values = []
    for name, answer in answers.items():
        pair = data.to_float(answer), data.to_float(truth[name])
        values.append(measure(*pair, as_papers(SCALE), **more))
    return torch.cat(values).mean().item()


plain = {name: restore.enlarged(y, SCALE) for name, y in thumbnails.items()}
windows = {"11x11, Gaussian (Wang et al. 2004)": "gaussian", "7x7, a box": "box"}
rows = [
    (name, judged(plain, protocol.ssim, window=window))
    for name, window in windows.items()
]
tables.show(rows, ("window", "SSIM of bicubic"))

# %% [markdown]
# ## Build: think small, end large
#
# 1. The network works on the *small* picture, where a convolution costs $s^2$ times less, and sees $s$ times as far; only its last layer makes $s \times s$ pixels of each (Shi et al. 2016, ESPCN).
# 2. It guesses what bicubic *misses*, and adds it (Kim et al. 2016, VDSR): if it learns nothing, it is bicubic.
# 3. Residual blocks without any norm (Lim et al. 2017, EDSR), and, as notebook 63's denoiser, without biases.


# %%
@torch.no_grad()
def by_hand(net, y):
    """What restore.Upscaler does."""
    h = net.inward(y)
    for block in net.body:
        h = h + block.conv2(F.relu(block.conv1(h)))
    missed = net.outward(h)  # [N, 3 s², H, W]
    n, _, height, width = y.shape
    s = net.scale
    parts = missed.view(n, 3, s, s, height, width)
    missed = parts.permute(0, 1, 4, 2, 5, 3).reshape(n, 3, s * height, s * width)
    return restore.enlarged(y, s) + missed


# %%
torch.manual_seed(run.seed)
net = restore.Upscaler(scale=SCALE)
assert torch.equal(net(data.to_float(small)), restore.enlarged(data.to_float(small), 2))
for weight in net.parameters():
    torch.nn.init.normal_(weight, std=0.05)
y = data.to_float(small)
assert torch.allclose(net(y), by_hand(net, y), atol=1e-5)
each = layers.multiply_adds(net, y) / (48 * 48)
weights = layers.count_parameters(net)
print(f"{weights:,} weights, {each:,.0f} multiply-adds a small pixel")

# %% [markdown]
# ## Train: on other photographs
#
# Pieces of 96x96 from all other photographs that scikit-image installs (pages and tissue among them, most of them made smaller first), shrunk as bytes, as the test will be.
# The loss is the absolute error, as in EDSR: it is less impressed by a few large mistakes than the squared one.

# %%
pieces = photos.pieces(run.pieces, 96, run.seed, photos.LEARNED)
torch.manual_seed(run.seed)
net = restore.Upscaler(scale=SCALE).to(run.device, memory_format=torch.channels_last)
muon = Muon(net, lr=2e-3)
books = {"ema": "net", "ema_decay": 0.99, "label": "photographs", "muon": muon}

pairs = run.batches((pieces, restore.shrunk(pieces, SCALE)), 16)
for x, y in run.train(pairs, run.steps, net=net, **books):
    run.anneal(muon, warmup=50)
    with run.autocast():
        x_hat = net(y)
    loss = (x_hat - x).abs().mean()
    muon.zero_grad()
    loss.backward()
    muon.step()
    run.log(loss=loss)
net = run.ema["net"].eval().cpu()

# %% [markdown]
# ## Look and measure
#
# The course's own network, `upscaler_2`, has the same architecture; it made 13,620 steps instead of 700, on 20,000 pieces instead of 8,000, a twentieth of them portraits.
# **Predict**: which of the three photographs gains most over bicubic, and which least?


# %%
def by_pillow(y, how):
    picture = Image.fromarray(y[0].permute(1, 2, 0).numpy())
    size = [SCALE * side for side in picture.size]
    return photos.to_tensor(picture.resize(size, getattr(Image.Resampling, how)))[None]


@torch.no_grad()
def by_network(net, y):
    return data.to_uint8(net(data.to_float(y)).clamp(-1, 1))


# %%
own = pretrained.load_upscaler("upscaler_2")
WAYS = {
    how.lower(): lambda y, how=how: by_pillow(y, how)
    for how in ("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS")
}
WAYS |= {
    "this network": lambda y: by_network(net, y),
    "trained for longer": lambda y: by_network(own, y),
}
answers = {
    way: {name: enlarge(y) for name, y in thumbnails.items()}
    for way, enlarge in WAYS.items()
}

# %%
rows = []
for way, found in answers.items():
    each = [judged({name: found[name]}) for name in truth]
    rows.append((way, *each, judged(found), judged(found, protocol.ssim)))
tables.show(rows, ("PSNR in dB", *truth, "mean", "SSIM"))

# %%
psnr = {way: judged(found) for way, found in answers.items()}
if CHECKED:
    gained = {
        name: judged({name: answers["trained for longer"][name]})
        - judged({name: answers["bicubic"][name]})
        for name in truth
    }
    assert psnr["nearest"] < psnr["bilinear"] < psnr["bicubic"] < psnr["this network"]
    assert psnr["this network"] > psnr["bicubic"] + 1
    assert 0 < psnr["trained for longer"] - psnr["this network"] < 0.5
    assert max(gained, key=gained.get) == "coffee"
    assert min(gained, key=gained.get) == "chelsea"


# %%
CORNERS = {"camera": (110, 180), "chelsea": (90, 150), "coffee": (120, 170)}


def cropped(image, name):
    """96x96 pixels where there is something to see."""
    top, left = CORNERS[name]
    return image[..., top : top + 96, left : left + 96]


ways = ("nearest", "bicubic", "trained for longer")
shown = {
    way: torch.cat([cropped(answers[way][name], name) for name in truth])
    for way in ways
}
shown["the photograph"] = torch.cat([cropped(x, name) for name, x in truth.items()])
plots.show(
    plots.grid(shown, cols=3),
    alt="Crops of three photographs: in blocks, soft, sharper, and as they are.",
    caption="Small pixels as blocks; bicubic; the course's network; the photographs.",
)

# %% [markdown]
# The cup gains most, the cat least, and the notebook's network comes within half a decibel of the one trained for longer. (One training, three photographs.)
# Neither is asked to invent: they were trained towards one middle answer (for absolute errors it is the median), and where many would fit, that is soft.
#
# `genimg upscale IN -o OUT` makes a picture of yours twice, or with `--scale 4` four times as large.
#
# ## A face from a thumbnail
#
# Now everything can be known. A face of 32x32 pixels is shrunk by 4, and its 8x8 pixels were taken in the dark:
#
# $$y = A x + \sigma \epsilon, \qquad \epsilon \sim \mathcal{N}(0, I), \quad \sigma = 20 \text{ grey levels}. \tag{5}$$
#
# Faces here are drawn from fourteen factors, and the same drawing routine can draw *any* other face. So we can ask: who else could this be?

# %%
A, SIGMA = restore.Shrink((32, 32), 4), 20 * LEVEL
faces = data.load("portraits", n=run.images)
unseen = data.load("portraits", "test", n=run.drawn, seed=5)
g = torch.Generator().manual_seed(run.seed)


def seen(x):
    """Thumbnails of faces: (5)."""
    return restore.noisy(A.measure(x), SIGMA)


x_true = data.to_float(unseen.images)
y_true = restore.noisy(A.measure(x_true), SIGMA, g)

# %% [markdown]
# Drawing faces until one fits is hopeless (exercise 6). A *Markov chain* walks instead, from a face that fits to others that do.
# In turn, each factor is taken anew, all others kept: for hair colour, draw the face with each of the six colours, weigh each by $p(y|x)$, and choose by these weights (Gibbs sampling; factors that are numbers are moved a little, and the move is taken or not, as Metropolis has it).
#
# In the long run such a walk visits faces as often as $p(x|y)$ says, wherever it began; how long, it doesn't tell. Here it can begin *there*: the true face is itself a draw from $p(x|y)$, and so is each face after it. But it takes many steps until one has nothing to do with the other.

# %%
few = slice(0, run.chains)
start_at = {name: values[few] for name, values in unseen.factors.items()}
walk = portraits.fitting(
    A.measure, y_true[few], SIGMA, start_at, run.sweeps, generator=g
)
walk = list(walk)[run.sweeps // 3 :]  # the first ones are too like the truth
exact = torch.stack([data.to_float(portraits.draw(factors)) for factors in walk])


# %%
def as_blocks(y):
    return y.clamp(-1, 1).repeat_interleave(4, 2).repeat_interleave(4, 3)


eight = slice(0, 8)
picked = [k * (len(exact) - 1) // 2 for k in range(3)]
cover = plots.grid(
    {
        "thumbnails": as_blocks(y_true[few][eight]),
        "the mean of p(x|y)": exact.mean(dim=0)[eight],
        "draws from p(x|y)": exact[picked][:, eight].flatten(0, 1),
        "the true faces": x_true[few][eight],
    },
    cols=min(8, run.chains),
)
if CHECKED:
    plots.cover(cover)
plots.show(
    cover,
    alt="Eight thumbnails of noisy blocks; faces with vague eyes and mouths; three "
    "rows of sharp faces that differ in eyes, mouth, beard or glasses; the true ones.",
    caption="Thumbnails; the mean of those who fit; three who fit, each; the truth.",
)

# %% [markdown]
# Each of the three has the thumbnail above it, as far as the noise lets anyone tell.
#
# **Predict**: which of the factors survive in 8x8 noisy pixels, and which are lost?

# %%
CHOICES = portraits.CATEGORICAL
known, turns = {}, {}
for name in CHOICES:
    values = torch.stack([factors[name] for factors in walk])  # [sweeps, faces]
    known[name] = (values == start_at[name]).double().mean().item()
    turns[name] = (values[1:] != values[:-1]).double().mean().item()
chance = {name: portraits.probabilities(name).square().sum().item() for name in CHOICES}
order = sorted(CHOICES, key=known.get, reverse=True)

rows = [
    (name.replace("_", " "), *(found[name] for found in (known, chance, turns)))
    for name in order
]
tables.show(rows, ("a draw is right", "share", "by chance", "changes a sweep"))
if CHECKED:
    assert known["background"] > 0.98 and known["outfit"] > 0.98
    assert min(turns["eyes"], turns["mouth"]) > 0.2
    assert max(turns[name] for name in ("skin", "glasses", "hair_color")) < 0.1
    assert (
        set(order[-2:]) == {"eyes", "mouth"} and max(known[n] for n in order[-2:]) < 0.8
    )

# %% [markdown]
# Large areas of one colour come through; what is smaller than a block is often a matter of luck.
#
# (How honest are these shares? Eyes and mouth change every few sweeps; skin, glasses and hair colour change in less than one of ten. In so short a walk they have not yet left the truth behind, so theirs are the less to be trusted.)
#
# ## Four kinds of answer
#
# The first three learn from pairs of faces and thumbnails; the fourth needs no training.
#
# - **Regression**: this notebook's upscaler, wider, by squared error. It aims at $\mathbb{E}[x|y]$.
# - **GAN** (Ledig et al. 2017, SRGAN): the same network, trained on, with a discriminator's verdict beside the error. (Theirs measures the error in VGG's features.)
# - **Conditional VAE** (Sohn et al. 2015): notebook 32's, told the thumbnail. Each $z$ is an answer.
# - **Flow**: the course's `flow_portraits`, which has never seen a thumbnail.


# %%
def optimisers(net, lr):
    """Muon for convolutions, Adam for the rest."""
    opts = {"muon": Muon(net, lr)}
    if rest := others(net):
        opts["adam"] = torch.optim.AdamW(rest, lr=2e-3, betas=(0.9, 0.99), fused=True)
    return opts


def taught(net, loss_of, label, steps, lr=4e-3):
    """The average of a network that learned faces by a loss of (net, x, y)."""
    net = net.to(run.device)
    opts = optimisers(net, lr)
    books = {"ema": "net", "ema_decay": 0.99, "label": label} | opts
    for x in run.train(run.batches(faces, 64), steps, net=net, **books):
        run.anneal(*opts.values(), warmup=50)
        y = seen(x)
        with run.autocast():
            loss = loss_of(net, x, y)
        for opt in opts.values():
            opt.zero_grad()
        loss.backward()
        for opt in opts.values():
            opt.step()
        run.log(loss=loss)
    return run.ema["net"].eval()


# %%
def squared(net, x, y):
    return (net(y) - x).square().mean()


def elbo(net, x, y):
    """Rate and distortion, in nats per number (notebook 32)."""
    rate, distortion = net(x, y.flatten(1))
    return (rate + distortion).mean() / x[0].numel()


torch.manual_seed(run.seed)
regression = restore.Upscaler(4, width=96, blocks=6)
regression = taught(regression, squared, "regression", run.face_steps)
model = vae.ConvVAE(latent=32, width=48, conditions=8 * 8 * 3)
model = taught(model, elbo, "VAE", run.vae_steps).cpu()

# %% [markdown]
# The GAN begins as the regression, and with a fresh discriminator, whose verdict is worth nothing yet: its weight rises over the first third.

# %%
torch.manual_seed(run.seed)
G = copy.deepcopy(regression).requires_grad_(True).train()
D = gan.Discriminator(32, 3, width=24).to(run.device)
opt_G = torch.optim.AdamW(G.parameters(), lr=5e-4, betas=(0.0, 0.99), fused=True)
opt_D = torch.optim.AdamW(D.parameters(), lr=2e-3, betas=(0.0, 0.99), fused=True)
books = {"ema": "G", "ema_decay": 0.98, "label": "GAN"}
books |= {"D": D, "opt_G": opt_G, "opt_D": opt_D}

# %%
for x in run.train(run.batches(faces, 32), run.finish_steps, G=G, **books):
    run.anneal(opt_G, opt_D, warmup=20)
    y = seen(x)
    with run.autocast():
        x_hat = G(y).float()
        a, a_hat = D(torch.cat([x, x_hat.detach()])).float().chunk(2)
    loss_D = gan.hinge_d_loss(a, a_hat)
    opt_D.zero_grad()
    loss_D.backward()
    opt_D.step()
    D.requires_grad_(False)
    with run.autocast():
        verdict = gan.hinge_g_loss(D(x_hat).float())
    error = (x_hat - x).square().mean()
    opt_G.zero_grad()
    (error + 0.02 * min(1.0, 3 * run.progress) * verdict).backward()
    opt_G.step()
    D.requires_grad_(True)
    run.log(error=error, loss_D=loss_D)
G, regression = run.ema["G"].eval().cpu(), regression.cpu()

# %% [markdown]
# ## Telling a flow afterwards
#
# A flow walks along $\hat x = \mathbb{E}[x|x_t]$, where $x_t = \alpha_t x + \sigma_t \epsilon$ (notebook 51; here $\alpha_t = t$, $\sigma_t = 1 - t$, which isn't the thumbnail's $\sigma$).
# To draw faces that fit $y$, it should walk along $\mathbb{E}[x|x_t, y]$. Tweedie's formula (notebook 17) reads $\alpha_t \hat x = x_t + \sigma_t^2 \nabla \log p(x_t)$, and by Bayes the score of $p(x_t|y)$ has one more term:
#
# $$\mathbb{E}[x|x_t, y] = \hat x + \frac{\sigma_t^2}{\alpha_t}\, \nabla_{x_t} \log p(y|x_t). \tag{6}$$
#
# That density is unknown, but take the faces that are possible at $x_t$ for normal around $\hat x$, with variance $r_t^2$. Then $y$ is normal around $A \hat x$, and
#
# $$\log p(y|x_t) \approx -\tfrac12\, (y - A\hat x)^\top \left(r_t^2 A A^\top + \sigma^2 I\right)^{-1} (y - A \hat x) + \text{const}. \tag{7}$$
#
# $\hat x$ depends on $x_t$ through the network, so its gradient is one backward pass (Song et al. 2023; DPS, Chung et al. 2023, puts a number set by hand in the matrix's place).
# For $r_t$, pretend that faces were normal with variance 1: $r_t^2 = \sigma_t^2 / (\alpha_t^2 + \sigma_t^2)$.
#
# First by hand, for one call: the guess, and what it becomes when told $y$.

# %%
faces_flow = pretrained.load_flow("flow_portraits")
noise = torch.randn(run.drawn, 3, 32, 32, generator=g)
t = 0.5  # alpha_t = t, sigma_t = 1 - t
x_t = t * x_true[:2] + (1 - t) * noise[:2]
r2 = (1 - t) ** 2 / (t**2 + (1 - t) ** 2)

# %%
at = x_t.clone().requires_grad_()
x_hat = faces_flow(at, torch.full((2,), t))
off = (y_true[:2] - A.measure(x_hat)).flatten(2)  # [2, 3, 64]
A_32 = A.measure(torch.eye(1024).view(-1, 1, 32, 32)).flatten(1).T  # [64, 1024]
M = r2 * A_32 @ A_32.T + SIGMA**2 * torch.eye(64)
log_p = -0.5 * (off * torch.linalg.solve(M, off.mT).mT).sum()  # (7)
(slope,) = torch.autograd.grad(log_p, at)
told = x_hat.detach() + (1 - t) ** 2 / t * slope  # (6)
guess = flow.observed(faces_flow, A, y_true[:2], SIGMA)
assert torch.allclose(told, guess(x_t, torch.full((2,), t)), atol=1e-4)

# %% [markdown]
# **Predict**: does a told guess fit the thumbnail better than one that isn't told, early in the walk and late?


# %%
def misfit(images, y):
    """How far thumbnails are from what was seen, in grey levels."""
    return (A.measure(images) - y).square().mean().sqrt().item() / LEVEL


y_8, rows = y_true[:8], []
guess = flow.observed(faces_flow, A, y_8, SIGMA)
for t in (0.1, 0.3, 0.5, 0.8):
    x_t, at = t * x_true[:8] + (1 - t) * noise[:8], torch.full((8,), t)
    with torch.no_grad():
        untold = faces_flow(x_t, at)
    rows.append((t, misfit(untold, y_8), misfit(guess(x_t, at), y_8)))
tables.show(rows, ("time", "guess off by", "told guess off by"))
if CHECKED:
    assert rows[0][2] > 5 * rows[0][1]
    assert abs(rows[2][2] - 20) < 2 and abs(rows[3][2] - 20) < 2

# %% [markdown]
# Early on it overshoots wildly, and later in the walk it fits as a right answer does, 20 levels off.


# %%
def by_flow(y, noise):
    """Faces that fit thumbnails: DDIM with the told guess."""
    walk = flow.ddim(
        flow.observed(faces_flow, A, y, SIGMA), noise, flow.times(run.calls)
    )
    return flow.last(walk).clamp(-1, 1)


parts = zip(y_true.split(100), noise.split(100), strict=True)
found = {"flow": torch.cat([by_flow(y, eps) for y, eps in parts])}
with torch.no_grad():
    z = torch.randn(run.drawn, 32, generator=g)
    found["VAE"] = model.sample(z, y_true.flatten(1))
    found["GAN"] = G(y_true)
    found["regression"] = regression(y_true)
found["bicubic"] = restore.enlarged(y_true, 4)
found = {name: images.clamp(-1, 1) for name, images in found.items()}

# %% [markdown]
# **Predict** four orders before you look: who is nearest to the true face, whose thumbnail fits best, whose faces look most like faces, and where the exact answers stand.

# %%
evaluator = metrics.Evaluator("portraits")


def decibels(images, x):
    """Of the mean squared error over all faces, as (4) has it."""
    return -10 * math.log10((images - x).square().mean().item() / 4)


x_few, y_few = x_true[few], y_true[few]
by_chain = {
    "E[x|y], by the chain": exact.mean(dim=0),
    "a draw, by the chain": exact[-1],
}
fd = {name: evaluator.fd(images) for name, images in found.items()}

# %%
rows = []
for name, images in by_chain.items():
    rows.append((name, decibels(images, x_few), "", misfit(images, y_few), ""))
for name, images in found.items():
    of_few, of_all = decibels(images[few], x_few), decibels(images, x_true)
    rows.append((name, of_few, of_all, misfit(images, y_true), fd[name]))
floor = evaluator.floor(run.drawn)
rows.append(("true", "", "", misfit(x_true, y_true), floor))
heads = ("", f"PSNR, {run.chains} faces", "all", "thumbnail off by", "fd")
tables.show(rows, heads)

# %%
if CHECKED:
    dB = {name: decibels(images, x_true) for name, images in found.items()}
    few_dB = {name: decibels(images[few], x_few) for name, images in found.items()}
    mean, draw = (decibels(images, x_few) for images in by_chain.values())
    assert 1.8 < mean - draw < 3.3  # 3.01 for long chains
    assert max(dB, key=dB.get) == "regression" and draw > few_dB["regression"] + 1.5
    assert 1.5 < 10 ** ((draw - few_dB["flow"]) / 10) < 3
    assert min(fd, key=fd.get) == "flow" and fd["flow"] < 0.4 * fd["regression"]
    assert fd["GAN"] < 0.5 * (fd["flow"] + fd["regression"])
    assert 0 < dB["regression"] - dB["GAN"] < 1.2 and dB["VAE"] < dB["GAN"]
    assert abs(fd["VAE"] / fd["regression"] - 1) < 0.25
    assert abs(misfit(found["flow"], y_true) - 20) < 1.5
    corner = {name: image[..., :4, :4].diff(dim=3) for name, image in found.items()}
    speckle = {name: steps.abs().mean().item() for name, steps in corner.items()}
    assert speckle["GAN"] > 1.3 * speckle["regression"] > 1.3 * speckle["flow"]
    assert misfit(found["bicubic"], y_true) < misfit(found["regression"], y_true) < 19

# %%
shown = {"thumbnails": as_blocks(y_true[few][eight])}
shown |= {
    name: found[name][few][eight] for name in ("regression", "GAN", "VAE", "flow")
}
shown |= {"a draw, by the chain": exact[-1][eight], "true": x_true[few][eight]}
plots.show(
    plots.grid(shown, cols=min(8, run.chains)),
    alt="Eight thumbnails; blurred faces; speckled ones; blurred ones; clean ones that "
    "differ from the true ones in details; clean ones by the chain; the true ones.",
    caption="Eight thumbnails, and five answers to each, above the truth.",
)

# %% [markdown]
# What the chain knows, and no network here has learned, is how faces are *drawn*: even one of its draws, which by (4) pays 3 decibels, is nearer to the truth than the best network's mean.
# (The chain is short and its draws are correlated, so the gap between its rows need not be 3.01.)
#
# Of the networks, regression is nearest to the truth, and its distance to real faces is several times the flow's. The discriminator moves its faces most of that way by the judge's measure; to the eye it adds speckle: in the corner of the background, neighbours differ by more. The VAE pays for its draws, and by the judge's measure its faces are about as far from real ones as the regression's.
#
# The flow's faces look best, and they are off the thumbnail by as much as the noise, 20 levels, as a right answer is. (Who comes closer repeats some of the noise, bicubic most of it.) Still they are no honest draws: their squared error is 1.5 to 3 times that of the chain's. (7) is an approximation.
#
# (One training each. Regression, VAE and GAN learned here, from 10,000 faces, for less than a minute each, the GAN after the regression, on half as large batches; the flow had ten minutes and 60,000 faces, and a face costs it 24 calls and as many backward passes.)
#
# ## Recovered, or invented?
#
# The course's judge reads the factors back from each answer; of the chain's faces they are known.
# **Predict**: which methods get the eyes' colour right more often than the posterior's draws?

# %%
ways = ("regression", "GAN", "VAE", "flow")
read = {name: evaluator.read(found[name]) for name in ways}
read["true"] = evaluator.read(x_true)
first = {name: values[few] for name, values in unseen.factors.items()}
right = {
    way: metrics.agreement({n: v[few] for n, v in values.items()}, first)
    for way, values in read.items()
}
right["p(x|y)"] = known

columns = (*ways, "p(x|y)", "true")
rows = [
    (name.replace("_", " "), *(right[way][name] for way in columns), chance[name])
    for name in order
]
tables.show(rows, (f"share right, {run.chains} faces", *columns, "chance"))

# %%
spread = {}
for way, values in read.items():
    variation, _ = metrics.coverage(values)
    spread[way] = [variation[name] for name in ("eyes", "mouth")]
rows = [(way, *values) for way, values in spread.items()]
tables.show(rows, ("total variation from the data's shares", "eyes", "mouth"))
if CHECKED:
    assert max(spread["flow"]) < 0.15
    assert spread["flow"][1] < 0.6 * min(spread["GAN"][1], spread["regression"][1])
    assert all(right[w][n] < known[n] for w in ways for n in ("eyes", "mouth"))

# %% [markdown]
# None of them, and the same holds for mouths.
#
# The second table is about all answers together: how many of them would have to change until each colour of eyes and each kind of mouth came as often as in the data. The flow's faces are near to the data's in both; regression and GAN make some kinds of mouth too often.
#
# But a smile that is drawn sharply is known no better than a blurred one.
# So ask the same question twice:

# %%
marks = ("eyes", "glasses", "beard")


def apart(one, other):
    """The share of pairs that differ in at least one of the marks."""
    differ = torch.stack([one[name] != other[name] for name in marks])
    return differ.any(dim=0).double().mean().item()


two = [
    evaluator.read(by_flow(y_true[:100], torch.randn(100, 3, 32, 32, generator=g)))
    for _ in range(2)
]
of_flow, of_chain = apart(*two), apart(walk[0], walk[-1])
print(
    f"pairs that differ in {', '.join(marks)}: flow {of_flow:.0%}, chain {of_chain:.0%}"
)
if CHECKED:
    assert of_flow > 0.5 and of_chain > 0.3

# %% [markdown]
# More than half of the flow's pairs of answers to one thumbnail differ in the colour of the eyes, in glasses or in the beard, and among the chain's it is more than three in ten.
#
# **A sharp face made from a thumbnail is at best one of those that fit.** Who takes it for the person on the thumbnail mistakes a draw for a fact. And where the thumbnail doesn't decide, the training set does: PULSE (Menon et al. 2020) produced white faces far more often than others; its authors say so themselves, and suspect the training set.
#
# As evidence such pictures are worthless. As a question, "who else could it be?", they are worth something: show several.
#
# ## Explore: who shares this thumbnail?
#
# **Try**: which of the eight faces has the most different doubles?

# %%
shown_faces = min(8, run.chains)
repeated = y_true[:shown_faces].repeat_interleave(5, dim=0)
noise = torch.randn(len(repeated), 3, 32, 32, generator=g)
several = {"flow": by_flow(repeated, noise)}
with torch.no_grad():
    z = torch.randn(len(repeated), 32, generator=g)
    several["VAE"] = model.sample(z, repeated.flatten(1)).clamp(-1, 1)
picked = [k * (len(exact) - 1) // 4 for k in range(5)]
several["p(x|y)"] = torch.cat([exact[picked, k] for k in range(shown_faces)])


# %%
def who(face, answers):
    five = several[answers][5 * face : 5 * face + 5]
    ends = as_blocks(y_true[face : face + 1]), x_true[face : face + 1]
    return plots.grid(torch.cat([ends[0], five, ends[1]]), cols=7)


explore(
    who,
    alt="A thumbnail, five faces that fit it, and the true face.",
    caption="Thumbnail; five answers (of p(x|y): five stops of one walk); the truth.",
    face=(0, shown_faces - 1, 1),
    answers=["p(x|y)", "flow", "VAE"],
)

# %% [markdown]
# ## Break it
#
# The course's network for photographs, and what happens to it outside of a paper. The small picture is
#
# 1. shrunk without antialiasing,
# 2. blurred first, by a Gaussian of 1.5 pixels, as by a lens out of focus,
# 3. noisy: 10 grey levels,
# 4. a JPEG of quality 50,
# 5. right, but enlarged "with corners aligned", which shifts it by a fraction of a pixel. (By torch's other cubic, with $a = -\frac34$; this one is about filters alone.)
#
# **Predict**: in which of 1 to 4 does the network still beat bicubic?


# %%
def small_and_wrong(name):
    """{what is wrong: small pictures} of one photograph."""
    x, y = data.to_float(truth[name]), data.to_float(thumbnails[name])
    rough = restore.Shrink(x.shape[2:], SCALE, antialias=False)
    distance = torch.arange(-4, 5).float()
    bell = torch.exp(-0.5 * (distance / 1.5) ** 2)
    blur = restore.Blur(torch.outer(bell, bell) / bell.sum() ** 2)
    noise = torch.Generator().manual_seed(run.seed)
    return {
        "as it should be": y,
        "1. not antialiased": rough.measure(x),
        "2. blurred": restore.shrunk(blur.measure(x), SCALE),
        "3. noisy": restore.noisy(y, 10 * LEVEL, noise),
        "4. JPEG": as_jpeg(y, 50),
    }


def as_jpeg(y, quality):
    picture = Image.fromarray(data.to_uint8(y)[0].permute(1, 2, 0).numpy())
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return data.to_float(photos.to_tensor(Image.open(stream))[None])


# %%
bicubic_of, network_of = {}, {}
for name in truth:
    for wrong, y in small_and_wrong(name).items():
        y = data.to_uint8(y.clamp(-1, 1))
        bicubic_of.setdefault(wrong, {})[name] = restore.enlarged(y, SCALE)
        network_of.setdefault(wrong, {})[name] = by_network(own, y)
    y = data.to_float(thumbnails[name])
    for wrong, aligned in (("(a = -3/4)", False), ("5. corners aligned", True)):
        size = truth[name].shape[2:]
        x_hat = F.interpolate(y, size=size, mode="bicubic", align_corners=aligned)
        bicubic_of.setdefault(wrong, {})[name] = data.to_uint8(x_hat.clamp(-1, 1))

# %%
spoiled, rows = {}, []
for wrong, found in bicubic_of.items():
    pair = judged(found), judged(network_of[wrong]) if wrong in network_of else ""
    spoiled[wrong] = pair
    rows.append((wrong, *pair))
tables.show(rows, ("PSNR in dB", "bicubic", "the course's network"))
if CHECKED:
    good, rough, blurred, noisy, jpeg, other, corners = spoiled.values()
    assert good[1] > good[0] + 1.5 and 0 < blurred[1] - blurred[0] < 1
    assert rough[1] < rough[0] - 1.5 and noisy[1] < noisy[0] - 1 and jpeg[1] < jpeg[0]
    assert rough[0] > good[0] and 0.3 < other[0] - corners[0] < 0.8

shown = {}
for wrong in ("3. noisy", "4. JPEG"):
    pair = (found[wrong]["coffee"] for found in (bicubic_of, network_of))
    crops = [cropped(image, "coffee") for image in (*pair, truth["coffee"])]
    shown[wrong] = torch.cat(crops)
plots.show(
    plots.grid(shown, cols=3),
    alt="The rim of a cup, twice: grainy, with harder grain, clean; with blocks and "
    "fringes, with sharper fringes, clean.",
    caption="Bicubic; the course's network; the photograph.",
)

# %% [markdown]
# Blur takes most of the network's lead, and the other three reverse the order, at these strengths. (And at others? Try 3 grey levels of noise, or JPEG with a quality of 95.)
#
# What a network learned is *this* way of shrinking. Where the small picture has more fine detail than that leaves, aliased, noise, or the blocks of a JPEG, it presumably takes that for edges, and sharpens it. (Bicubic itself even gains without antialiasing, at twice the size.)
#
# Enlarging with corners aligned costs about half a decibel: at the edges it is off by half a pixel of the large picture.
#
# So a network's decibels hold for pictures that were shrunk as its training pictures were, and a photograph from a telephone wasn't.

# %%
run.report(
    psnr=psnr["this network"],
    psnr_own=psnr["trained for longer"],
    psnr_bicubic=psnr["bicubic"],
    fd=fd["flow"],
    fd_regression=fd["regression"],
    fd_floor=floor,
)
run.expect(psnr=(">", (None, 33.0, None)), fd=("<", (None, 6.0, None)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/61_super_resolution.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(10 minutes)* Stripes that come back as others.
# 2. ★ *(10 minutes)* Decibels as papers have them.
# 3. ★★ *(10 minutes)* Channels become pixels.
# 4. ★★ *(10 minutes)* The same thumbnail.
# 5. ★★ *(15 minutes)* The best guess.
# 6. ★★★ *(25 minutes, a project)* Weigh the faces.
#
# To try here *(10 to 20 minutes each)*: a network for x4; noise of 10 levels on the thumbnails, or of 40; a GAN whose discriminator is shown the thumbnail as well.
#
# ## What to remember
#
# - Dropping pixels folds frequencies onto one another: average first.
# - Shrinking is a matrix with fewer rows than columns; what it doesn't see has to come from a prior.
# - Say how pictures were shrunk, which luma, which edges, which window; then compare.
# - An honest draw has twice the mean's squared error. Whoever is judged by PSNR is asked to blur.
# - A sharp face from a thumbnail is one of many that fit. Show several.
#
# ## Further reading
#
# - R. G. Keys, *Cubic Convolution Interpolation for Digital Image Processing*, IEEE TASSP 1981.
# - S. Geman, D. Geman, *Stochastic Relaxation, Gibbs Distributions, and the Bayesian Restoration of Images*, IEEE TPAMI 1984.
# - Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, *Image Quality Assessment: From Error Visibility to Structural Similarity*, IEEE TIP 2004.
# - K. Sohn, H. Lee, X. Yan, *Learning Structured Output Representation using Deep Conditional Generative Models*, NeurIPS 2015.
# - W. Shi et al., *Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network*, CVPR 2016, arXiv:1609.05158.
# - J. Kim, J. K. Lee, K. M. Lee, *Accurate Image Super-Resolution Using Very Deep Convolutional Networks*, CVPR 2016, arXiv:1511.04587.
# - C. Ledig et al., *Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network*, CVPR 2017, arXiv:1609.04802.
# - B. Lim, S. Son, H. Kim, S. Nah, K. M. Lee, *Enhanced Deep Residual Networks for Single Image Super-Resolution*, CVPR Workshops 2017, arXiv:1707.02921.
# - Y. Blau, T. Michaeli, *The Perception-Distortion Tradeoff*, CVPR 2018, arXiv:1711.06077.
# - S. Menon, A. Damian, S. Hu, N. Ravi, C. Rudin, *PULSE: Self-Supervised Photo Upsampling via Latent Space Exploration of Generative Models*, CVPR 2020, arXiv:2003.03808.
# - J. Song, A. Vahdat, M. Mardani, J. Kautz, *Pseudoinverse-Guided Diffusion Models for Inverse Problems*, ICLR 2023.
# - H. Chung, J. Kim, M. T. Mccann, M. L. Klasky, J. C. Ye, *Diffusion Posterior Sampling for General Noisy Inverse Problems*, ICLR 2023, arXiv:2209.14687.
