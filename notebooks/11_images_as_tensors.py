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
# # 11 Images as tensors
#
# *You will see an image as what it is for a model, one point in a space of thousands of dimensions; learn how empty that space is; and learn to say in numbers how similar two images are, and when those numbers lie.*
#
# ![Three rows, samples of three ever better models of pixels: uniform noise; noise with the dark outline of a head; smooth ghostly faces.](../data/pictures/11_images_as_tensors.webp)
#
# **You need** Python and a little linear algebra.
# The table below says how long it takes and what to expect.

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
import math
import textwrap

import numpy as np
import skimage.metrics
import torch
import torch.nn.functional as F
from PIL import Image

from genimg_lib import data, metrics, plots, tables
from genimg_lib.training import start
from genimg_lib.widgets import explore

DATA = "portraits"  # or "fashion_mnist"

# %%
run = start(
    "11_images_as_tensors",
    images=(2_000, 10_000, 10_000),
    samples=(500, 2_000, 2_000),
)
print(f"profile {run.profile}, on {run.device}")

# %%
tables.show_expected("11_images_as_tensors", "fd_noise", "fd_full_gaussian", "fd_floor")

# %% [markdown]
# ## Why
#
# The errors in this notebook are common, and found in print: images scaled twice, ranges mixed, grey made by the wrong weights, quality measured with the wrong range.
# None of them raises an exception.
# The network trains, the loss falls, and the pictures are bad for a reason that nobody looks for.
# So we begin with what an image is.

# %%
photo = data.photos.open_photo("astronaut")  # uint8 [3, 512, 512]
print(photo.dtype, tuple(photo.shape))
print("row 100, column 240:", photo[:, 100, 240].tolist(), "(red, green, blue)")
suit = photo[:, 400:450, 100:150].float().mean(dim=(1, 2))
print("mean of a piece of the orange suit:", suit.round().tolist())
assert suit[0] > 2 * suit[1:].max()  # bright in red, dark in green and blue

# %%
masks = torch.eye(3, dtype=torch.uint8).view(3, 3, 1, 1)
channels = torch.cat([photo[None], photo * masks])  # [4, 3, 512, 512]
plots.show(
    plots.grid(channels, cols=4, labels=["all channels", "red", "green", "blue"]),
    alt="A photograph of an astronaut in orange, then its red, green and blue channel "
    "alone; the suit is bright in the red one and dark in the blue one.",
    caption="One picture, three numbers a pixel.",
)

# %% [markdown]
# ## The order of the axes
#
# The order is **[C, H, W]**: channel, row, column; a batch is **[N, C, H, W]**.
# Files and plotting libraries mostly use [H, W, C].
# To go from one to the other, axes have to *move*: `permute` does that.
# `reshape` gives a tensor of the same shape and means something else: it keeps the numbers in their order and cuts that sequence into other rows.

# %%
# NBVAL_CHECK_OUTPUT
table = torch.arange(6).view(2, 3)
print("the table:      ", table.tolist())
print("permute(1, 0):  ", table.permute(1, 0).tolist())
print("reshape(3, 2):  ", table.reshape(3, 2).tolist())

# %% [markdown]
# On a picture: `hwc` has its channels last; one way back is right, the other is not.
# Below the picture stands its damage as a number: in a photograph a pixel is close to the one below it, in stripes it is not.

# %%
small = data.photos.square(photo, 64)
hwc = small.permute(1, 2, 0)  # [64, 64, 3]
right, wrong = hwc.permute(2, 0, 1), hwc.reshape(3, 64, 64)
assert torch.equal(right, small)
plots.show(
    plots.grid(
        torch.stack([right, wrong]), cols=2, labels=["permute", "reshape"], width=4
    ),
    alt="The photograph, and beside it coloured stripes in which it is hardly to be "
    "seen: what comes of reshaping instead of permuting.",
    caption="Both have shape [3, 64, 64]. No exception tells them apart; your eyes do.",
)


# %%
def step_down(image):
    return (image[:, 1:].float() - image[:, :-1].float()).abs().mean().item()


rows = [("permute", step_down(right)), ("reshape", step_down(wrong))]
tables.show(rows, ("way back", "mean difference to the pixel below"))
assert step_down(wrong) > 3 * step_down(right)

# %% [markdown]
# ## The maths of a pixel
#
# **Range.**
# A byte holds 0 to 255: good for files and eyes.
# Networks like numbers around 0, so the course uses **[-1, 1]** for models, $x = p / 127.5 - 1$, and uint8 for eyes.
# The way back rounds:
#
# $$p = \mathrm{round}\big(127.5\,(\mathrm{clip}(x, -1, 1) + 1)\big). \tag{1}$$
#
# Clip comes first: bytes do not saturate, they *wrap around*.
#
# We write both ways, check that there and back loses nothing, and that the library does the same.
# From here on we use the library's.


# %%
def to_float(images):
    return images.float() / 127.5 - 1


def to_uint8(x):
    return (127.5 * (x.clamp(-1, 1) + 1)).round().to(torch.uint8)  # (1)


# %%
# NBVAL_CHECK_OUTPUT
every_byte = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
x = to_float(every_byte)
assert torch.equal(to_uint8(x), every_byte)
assert torch.equal(x, data.to_float(every_byte))
assert torch.equal(to_uint8(1.7 * x), data.to_uint8(1.7 * x))  # beyond the range, too
bright = torch.tensor(230, dtype=torch.uint8) + 60
print("brightened by 60 without clipping: 230 ->", bright.item())

# %% [markdown]
# **Bit depth.**
# A byte has $2^8 = 256$ levels.
# With $b$ bits there are $2^b$, a step of $\Delta = 255/(2^b - 1)$ apart.
# Where the image's values are spread smoothly over a step, rounding to the nearest level makes an error that is nearly uniform between $-\Delta/2$ and $\Delta/2$, so that
#
# $$\mathbb{E}\,e^2 = \frac1\Delta\int_{-\Delta/2}^{\Delta/2} e^2\, de = \frac{\Delta^2}{12}. \tag{2}$$
#
# That asks two things of $\Delta$: it must be *large* beside 1, the step that the bytes have already, and *small* beside the width on which the histogram varies.
#
# **Predict** before you run the next two cells: for a photograph, and for a drawing in which eight colours cover almost half, where does (2) hold?


# %%
def quantise(image, bits):
    step = 255 / (2**bits - 1)
    return ((image.float() / step).round() * step).round().to(torch.uint8)


coffee = data.photos.square(data.photos.open_photo("coffee"), 256)
LOOK = {"hair": "curly", "hair_color": "red", "skin": "tan", "glasses": "round"}
portrait = data.portraits.draw(LOOK, 256)[0]
pictures = {"photograph": coffee, "portrait": portrait}


# %%
def error_by_formula(image, bits):
    """The measured mean squared error of quantising, over what (2) says."""
    error = (quantise(image, bits).float() - image.float()).square().mean()
    return (error * 12 / (255 / (2**bits - 1)) ** 2).item()


rows = [(b, *(error_by_formula(v, b) for v in pictures.values())) for b in range(1, 8)]
tables.show(rows, ("bits", *(f"{name}, error / (2)" for name in pictures)))
of_photo, of_portrait = zip(*(row[1:] for row in rows), strict=True)
assert all(abs(ratio - 1) < 0.1 for ratio in of_photo[1:5])  # 2 to 5 bits
assert of_photo[0] < 0.8 and of_photo[6] > 1.3  # too coarse, too fine
assert of_portrait[3] < 0.85  # 4 bits, and flat colours

# %% [markdown]
# The photograph follows the formula from 2 to 5 bits.
# At 1 bit a step is wider than its histogram is smooth, at 7 bits the bytes' own steps count.
# The portrait's values stand in spikes, so its error hangs on where they happen to lie.


# %%
def show_bits(bits, picture):
    image = pictures[picture]
    pair = torch.stack([image, quantise(image, bits)])
    return plots.grid(pair, cols=2, labels=["8 bits", f"{bits} bits"], width=6.0)


explore(
    show_bits,
    alt="A picture at 8 bits and at fewer: smooth shades turn into bands.",
    caption="From how many bits on can you not tell the two apart? And the portrait?",
    bits=(1, 8, 3),
    picture=list(pictures),
)

# %% [markdown]
# **Grey** is not the mean of the channels.
# The eye is most sensitive to green, least to blue; television's weights (ITU-R BT.601) are
#
# $$Y = 0.299\,R + 0.587\,G + 0.114\,B. \tag{3}$$
#
# Two checks: white stays white, and an image library (Pillow) agrees to a byte.


# %%
def grey_mean(images):
    return images.float().mean(dim=-3, keepdim=True).round().to(torch.uint8)


def grey_luma(images):
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    grey = (images.float() * weights).sum(dim=-3, keepdim=True)  # [..., 1, H, W]
    return grey.round().to(torch.uint8)


white = torch.full((3, 1, 1), 255, dtype=torch.uint8)
assert grey_luma(white).item() == 255
pillow = np.asarray(Image.fromarray(photo.permute(1, 2, 0).numpy()).convert("L"))
difference = grey_luma(photo)[0].int() - torch.from_numpy(pillow.copy()).int()
assert difference.abs().max() <= 1

# %% [markdown]
# The difference shows where hues differ at the same mean: in pure red, green and blue.

# %%
patches = (255 * torch.eye(3)).to(torch.uint8).view(3, 3, 1, 1)  # [N, C, 1, 1]
by_mean, by_luma = grey_mean(patches).flatten(), grey_luma(patches).flatten()
print("mean:", by_mean.tolist(), " luma:", by_luma.tolist())
assert len(by_mean.unique()) == 1 and by_luma[1] > by_luma[0] > by_luma[2]

row = torch.cat(list(patches.expand(3, 3, 32, 32)), dim=2)[None]  # [1, 3, 32, 96]
triple = torch.cat(
    [row, *(f(row).expand(-1, 3, -1, -1) for f in (grey_mean, grey_luma))]
)
plots.show(
    plots.grid(triple, cols=3, labels=["colours", "mean of channels", "luma weights"]),
    alt="Red, green and blue patches; by the mean all three become the same grey; by "
    "luma weights green is light, red darker, blue nearly black.",
    caption="By the mean the borders between red, green and blue vanish.",
)

# %% [markdown]
# **Gamma.**
# A byte is not proportional to light.
# The sRGB standard codes light $\ell \in [0, 1]$ roughly as $\ell^{1/2.2}$, spending more steps on the dark, where the eye sees finer.
# So the mean of *bytes* is not the mean of *light*: half black, half white, seen from afar, is byte 188, not 128.
#
# Most image libraries average bytes all the same, and so do we; but you should know that a scaled-down picture of fine bright lines comes out too dark.


# %%
def light(p):  # sRGB: byte -> light in [0, 1]
    c = p / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def byte(lum):
    small, large = 12.92 * lum, 1.055 * lum ** (1 / 2.4) - 0.055
    return 255 * np.where(lum <= 0.0031308, small, large)


# %%
every = np.arange(256.0)
assert np.allclose(byte(light(every)), every, atol=1e-2)
half = (light(0.0) + light(255.0)) / 2
print("black and white, half and half: byte", round(float(byte(half))))

# %% [markdown]
# ## Histograms
#
# They count how often each value occurs.
# They tell at a glance in which range an image lives and whether it was clipped, that is, cut off at the ends of the range.
# We look at the photograph, at the same made brighter, and at the portrait.

# %%
brighter = (coffee.int() + 80).clamp(max=255).to(torch.uint8)
images = {"photograph": coffee, "brighter by 80": brighter, "portrait": portrait}
fig, axes = plots.figure(1, 3, height=2.6, sharey=True)
for axis, (title, image) in zip(axes, images.items(), strict=True):
    for channel, color in zip(image, ("#D55E00", "#009E73", "#0072B2"), strict=True):
        counts = torch.bincount(channel.flatten().long(), minlength=256)
        axis.plot(counts, color=color, linewidth=1)
    axis.set(title=title, xlabel="byte", yscale="symlog")
axes[0].set_ylabel("pixels")
plots.show(
    fig,
    alt="Histograms of red, green and blue: of the photograph, spread over all values; "
    "of the same made brighter, with a tall end at 255; of a portrait, spikes.",
    caption="Red, green, blue: clipped values pile up, flat colours are spikes.",
)

# %% [markdown]
# The two claims of that caption as numbers: the share of values at 0 or 255, and the share of pixels that the eight commonest colours cover.


# %%
def at_the_ends(image):
    return ((image == 0) | (image == 255)).double().mean().item()


def eight_colours(image):
    counts = image.flatten(1).T.unique(dim=0, return_counts=True)[1]
    return (counts.sort().values[-8:].sum() / counts.sum()).item()


rows = [(name, at_the_ends(v), eight_colours(v)) for name, v in images.items()]
tables.show(rows, ("picture", "values at 0 or 255", "covered by 8 colours"))
assert at_the_ends(brighter) > 10 * at_the_ends(coffee)
assert eight_colours(portrait) > 10 * eight_colours(coffee)

# %% [markdown]
# ## Meet the data
#
# The course's own data are **portraits**: drawn by a program from fourteen known factors, at any resolution.
# Because we know what is in each picture, we can measure exactly what real data hardly lets one measure: whether a generator forgot all hats, whether it gave red hair when asked for it.

# %%
train = data.load(DATA, n=run.images if DATA == "portraits" else None)
print(train)
plots.show(
    plots.grid(train.images[:40], cols=10),
    alt="Forty images of the training set.",
    caption="Forty of the training images, at the size that the models see.",
)
for k, caption in enumerate((train.captions or [])[:4], start=1):
    print(textwrap.fill(f"{k}. {caption}", 88))

# %% [markdown]
# Turn the knobs yourself; each is a factor.
# **Predict** which of them, changed alone, changes the most pixels: set all of them back to the left face first.
# (The tilt, in our picture; the mouth, which changes the mood, least of all.)

# %%
BASE = {"hair": "long", "hair_color": "brown", "skin": "light", "background": "mint"}
BASE |= {"outfit": "purple"}


def face(**chosen):
    base = data.portraits.draw(BASE, 128)
    images = torch.cat([base, data.portraits.draw({**BASE, **chosen}, 128)])
    changed = (images[0] != images[1]).any(dim=0).double().mean()
    return plots.grid(
        images, cols=2, title=f"{changed:.0%} of the pixels differ", width=5
    )


first = {"hair": "bunches", "hair_color": "red", "skin": "brown", "mouth": "grin"}
first |= {"glasses": "round", "hat": "cap", "beard": "none"}
choices = {name: [v, *data.portraits.FACTORS[name]] for name, v in first.items()}
explore(
    face,
    alt="Two drawn faces: the base face, and the one that the controls describe.",
    caption="Left: the base. Right: yours. In a live notebook, choose below.",
    **choices,
    tilt=(-1.0, 1.0, 0.4),
)

# %% [markdown]
# Real data sets are one word away: `data.load("fashion_mnist")`, `data.load("mnist")`, `data.load("folder:PATH")`.
# Where Fashion-MNIST is not on this machine yet, `genimg data fetch fashion_mnist` gets it.

# %%
if data.fetch.here("fashion_mnist"):
    clothes = data.load("fashion_mnist", n=20)
    names = [clothes.names[label] for label in clothes.labels]
    plots.show(
        plots.grid(clothes.images, cols=10, labels=names),
        alt="Twenty grey images of clothing with their class names.",
        caption="Fashion-MNIST: 70,000 articles of clothing in ten classes, 28x28.",
    )
else:
    print("Fashion-MNIST is not here: genimg data fetch fashion_mnist (31 MB)")

# %% [markdown]
# ## An image is one point
#
# Write the $D = C \cdot H \cdot W$ numbers of an image in a row: a point in $\mathbb{R}^D$.
# A 32x32 colour portrait has $D = 3072$.
# How many images of bytes are there? $256^{3072}$, a number with 7,399 digits.
#
# Draw one at random, uniform in $[-1, 1]^D$.
# The chance that all its numbers fall within $\pm 0.25$ of those of a *given* face is at most $0.25^{D}$.
# And for *some* face out of $M$?
# At most the sum of the chances, $M \cdot 0.25^D$: even if there were $10^{1000}$ faces, nothing would come of it.

# %%
shape, D = tuple(train.images.shape[1:]), train.images[0].numel()
X = data.to_float(train.images[: run.images]).flatten(1)  # [N, D]: one point a row
digits = math.floor(D * math.log10(256)) + 1
one_face = math.ceil(D * math.log10(0.25))  # rounded up: a bound
print(f"D = {D:,}; 256^D has {digits:,} digits")
print(f"near a given face: at most 10^{one_face:,}")
print(f"near one of 10^1000 faces: at most 10^{one_face + 1000:,}")

torch.manual_seed(run.seed)
noise = 2 * torch.rand(run.samples, D) - 1
plots.show(
    plots.grid(noise[:10].view(-1, *shape)),
    alt="Ten images of colour noise.",
    caption="Uniform random points of the space of images: none will ever be a face.",
)

# %% [markdown]
# Another surprise of so many dimensions: *lengths hardly vary*.
# For $w$ with $D$ independent standard normal numbers, $\|w\|^2$ has mean $D$ and variance $2D$, so $\|w\|^2/D$ lies within about $\sqrt{2/D}$ of 1.
# Noise of many dimensions lies near one sphere; noise of 8 numbers ($\sqrt{2/8} = 0.5$) does not.
#
# **Predict** for the portraits: do their distances from the mean face vary as little?

# %%
g = torch.Generator().manual_seed(run.seed)
of_noise = torch.randn(2_000, D, generator=g).square().mean(dim=1)  # |w|^2 / D
of_faces = (X - X.mean(dim=0)).square().mean(dim=1)
spreads = [
    ("noise", of_noise.std().item()),
    ("images", (of_faces / of_faces.mean()).std().item()),
]
spreads.append(("sqrt(2 / D)", math.sqrt(2 / D)))
tables.show(spreads, ("squared length / its mean", "standard deviation"))
assert (
    abs(of_noise.mean() - 1) < 0.01 and abs(of_noise.std() / math.sqrt(2 / D) - 1) < 0.1
)
assert DATA != "portraits" or spreads[1][1] > 5 * spreads[0][1]

# %% [markdown]
# ## Two models of pixels
#
# Faces fill a vanishing part of the space, and generating means finding that part.
# Let us try the two simplest ways there are.
#
# **One Gaussian a pixel**: mean $m_i$ and standard deviation $s_i$ of every coordinate, all independent.
#
# **One Gaussian for all**: mean $m$ and the full covariance matrix $\Sigma$, $D \times D$.
# Any $A$ with $A A^\top = \Sigma$ draws from it, $x = m + A w$ with standard normal $w$, and the data give one for free.
# With the centred data $X_c$ (one image a row, $N$ rows) and $w \sim \mathcal{N}(0, I_N)$,
#
# $$x = m + \tfrac{1}{\sqrt{N-1}} X_c^\top w \quad\Rightarrow\quad \mathrm{Cov}(x) = \tfrac{1}{N-1} X_c^\top\, \mathbb{E}[w w^\top]\, X_c = \Sigma. \tag{4}$$
#
# We check (4) by the variance along 200 random directions.

# %%
m, s = X.mean(dim=0), X.std(dim=0)
independent = m + s * torch.randn(run.samples, D)
w = torch.randn(run.samples, len(X))
correlated = m + w @ (X - m) / math.sqrt(len(X) - 1)  # (4)

# %%
directions = torch.randn(D, 200) / math.sqrt(D)
ratio = (correlated @ directions).var(dim=0) / (X @ directions).var(dim=0)
print(f"samples over data, variance: {ratio.mean():.3f} +- {ratio.std():.3f}")
assert abs(ratio.mean() - 1) < 0.08

# %%
models = {
    "uniform noise": noise,
    "one Gaussian a pixel": independent,
    "one Gaussian for all": correlated,
}
rows = {name: x[:10].view(-1, *shape).clamp(-1, 1) for name, x in models.items()}
plots.cover(plots.grid(rows))
plots.show(
    plots.grid({"real": data.to_float(train.images[:10]), **rows}),
    alt="Four rows: real images; uniform noise; noise in which the outline of a head "
    "shows; smooth ghostly faces.",
    caption="From noise to ghosts: all that means and covariances know of faces.",
)

# %% [markdown]
# What did each step add?
# The means put an average face behind the noise: measure how the samples correlate with it.
# The covariances make neighbours agree: measure how a pixel correlates with the one beside it, means taken off.


# %%
def with_mean_face(x):
    return torch.corrcoef(torch.cat([m[None], x[:100]]))[0, 1:].mean().item()


def with_neighbour(x):
    centred = (x - x.mean(dim=0)).view(-1, *shape)
    pair = torch.stack([centred[..., :-1].flatten(), centred[..., 1:].flatten()])
    return torch.corrcoef(pair)[0, 1].item()


# %%
agree = {name: (with_mean_face(x), with_neighbour(x)) for name, x in models.items()}
agree["real"] = with_mean_face(X), with_neighbour(X[: run.samples])
rows = [(name, *values) for name, values in agree.items()]
tables.show(rows, ("images", "correlation with m", "with the next pixel"))
faces, pixels = zip(*agree.values(), strict=True)  # in the table's order
assert abs(faces[0]) < 0.05 < 0.2 < min(faces[1:])
assert max(pixels[:2]) < 0.05 and abs(pixels[2] - pixels[3]) < 0.05

# %% [markdown]
# So means and covariances are those of real images, and still no face comes out: what is missing is everything beyond them.
# Even one pixel alone shows it.
# Take one in the upper left corner, where a portrait shows its background, and count its red values.

# %%
corner = 2 * shape[-1] + 2  # row 2, column 2 of the first channel


def red_values(x):
    values = data.to_uint8(x[:, corner].clamp(-1, 1))
    return torch.bincount(values.long(), minlength=256)


counts = {"real": red_values(X[: run.samples]), "Gaussian": red_values(correlated)}
plots.show(
    plots.lines(counts, "byte", "images", yscale="symlog", xlim=(80, 258)),
    alt="Two histograms of one pixel's red value: a few tall spikes for real images, a "
    "broad hill for the Gaussian's, cut off by a tall spike at 255.",
    caption="A background has one colour or another; the Gaussian all between.",
)


# %%
def commonest(counts):
    return (counts.sort().values[-6:].sum() / counts.sum()).item()


common = {name: commonest(c) for name, c in counts.items()}
tables.show(list(common.items()), ("images", "share of the six commonest values"))
if DATA == "portraits":
    assert common["real"] > 0.8 and common["Gaussian"] < 0.4

# %% [markdown]
# **How far from real are they?**
# The Fréchet distance compares sets of images by the features of a small network that was trained to tell what is in them (chapter 13 derives it).
# 0 is best, and the **floor** is what as many *real, unseen* images get.
# A model of this course has to beat the last Gaussian.

# %%
found = {}
if DATA in metrics.SPECS:
    evaluator = metrics.Evaluator(DATA)
    models = {
        "fd_noise": noise,
        "fd_pixel_gaussian": independent,
        "fd_full_gaussian": correlated,
    }
    for name, x in models.items():
        found[name] = evaluator.fd(x.view(-1, *shape).clamp(-1, 1))
    found["fd_floor"] = evaluator.floor(run.samples)
    tables.show(list(found.items()), (f"{run.samples:,} images", "Fréchet distance"))
    assert list(found.values()) == sorted(found.values(), reverse=True)

# %% [markdown]
# ## How similar are two images?
#
# **PSNR.**
# The mean squared error $\mathrm{MSE} = \frac1D\sum_i (x_i - y_i)^2$, set against the width $R$ of the range and put on a logarithmic scale, is the peak signal-to-noise ratio in decibels:
#
# $$\mathrm{PSNR}(x, y) = 10 \log_{10} \frac{R^2}{\mathrm{MSE}}. \tag{5}$$
#
# Noise of standard deviation $\sigma$ has $\mathrm{MSE} = \sigma^2$, hence $\mathrm{PSNR} = 20\log_{10}(R/\sigma)$: halving the noise gains 6 dB.
# And $R$ has to be the range that the pixels *live in*: 2 for [-1, 1].

# %%
x = 0.9 * data.to_float(data.photos.load(128))  # ten photographs, [10, 3, 128, 128]
sigma = 0.02  # so small that no value leaves [-1, 1], as 0.9 keeps x off its ends
y = (x + sigma * torch.randn_like(x)).clamp(-1, 1)
mse = (x - y).square().flatten(1).mean(dim=1)  # [10], one an image
ours = 10 * torch.log10(2.0**2 / mse)  # (5)

# %%
pairs = zip(x.numpy(), y.numpy(), strict=True)
reference = [
    skimage.metrics.peak_signal_noise_ratio(a, b, data_range=2.0) for a, b in pairs
]
assert torch.allclose(ours, metrics.psnr(x, y, data_range=2.0).float(), atol=1e-3)
assert np.allclose(ours, reference, atol=1e-3)
print(
    f"by (5) {ours[0]:.3f} dB, 20 log10(R / sigma) {20 * math.log10(2 / sigma):.3f} dB"
)
mistaken = metrics.psnr(x, y, data_range=255)
print(
    f"with data_range 255 by mistake: {mistaken[0]:.1f} dB: wonderful, and meaningless"
)

# %% [markdown]
# **SSIM** (Wang et al. 2004) looks through a window that glides over both images, and compares three things in it: mean brightness $\mu$, contrast $\sigma$, and structure.
# In a window with Gaussian weights $g_i$ that sum to 1, $\mu_x = \sum_i g_i x_i$, $\sigma_x^2 = \sum_i g_i x_i^2 - \mu_x^2$ and $\sigma_{xy} = \sum_i g_i x_i y_i - \mu_x\mu_y$.
# With small constants, $C_1 = (0.01 R)^2$, $C_2 = (0.03 R)^2$, against division by 0:
#
# $$l = \frac{2\mu_x\mu_y + C_1}{\mu_x^2 + \mu_y^2 + C_1}, \quad c = \frac{2\sigma_x\sigma_y + C_2}{\sigma_x^2 + \sigma_y^2 + C_2}, \quad s = \frac{\sigma_{xy} + C_3}{\sigma_x\sigma_y + C_3}. \tag{6}$$
#
# Each is at most 1, and 1 where the windows agree: $2ab \le a^2 + b^2$, and $|\sigma_{xy}| \le \sigma_x\sigma_y$ by Cauchy and Schwarz.
# With $C_3 = C_2/2$ the numerator of $c$ cancels the denominator of $s$:
#
# $$\mathrm{SSIM} = l\,c\,s = \frac{(2\mu_x\mu_y + C_1)(2\sigma_{xy} + C_2)}{(\mu_x^2 + \mu_y^2 + C_1)(\sigma_x^2 + \sigma_y^2 + C_2)}. \tag{7}$$
#
# That is a map, a number for every place of the window and every channel.
# *The* SSIM of two images is its mean over places and channels.


# %%
def moments(x, y, side=11):
    """Means, variances, covariance at each window: x, y [N, 1, H, W] -> five maps."""
    axis = torch.arange(side, dtype=x.dtype) - side // 2
    g = torch.exp(-0.5 * (axis * 11 / side / 1.5) ** 2)  # sigma is 1.5 where side is 11
    window = (torch.outer(g, g) / g.sum() ** 2)[None, None]  # [1, 1, side, side], sum 1
    mu_x, mu_y = F.conv2d(x, window), F.conv2d(y, window)
    var_x = F.conv2d(x * x, window) - mu_x**2
    var_y = F.conv2d(y * y, window) - mu_y**2
    cov = F.conv2d(x * y, window) - mu_x * mu_y
    return mu_x, mu_y, var_x, var_y, cov


C_1, C_2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2  # R = 2


# %%
def three_factors(mu_x, mu_y, var_x, var_y, cov):
    """Equation (6)."""
    sd = var_x.clamp(min=0).sqrt() * var_y.clamp(min=0).sqrt()  # sigma_x sigma_y
    luminance = (2 * mu_x * mu_y + C_1) / (mu_x**2 + mu_y**2 + C_1)
    contrast = (2 * sd + C_2) / (var_x + var_y + C_2)
    structure = (cov + C_2 / 2) / (sd + C_2 / 2)
    return luminance, contrast, structure


def ssim_map(mu_x, mu_y, var_x, var_y, cov):
    """Equation (7)."""
    above = (2 * mu_x * mu_y + C_1) * (2 * cov + C_2)
    below = (mu_x**2 + mu_y**2 + C_1) * (var_x + var_y + C_2)
    return above / below


# %% [markdown]
# Is (6) multiplied out really (7), and (7) what the library and scikit-image compute?
# Red channels of ten photographs, and noise:

# %%
noisy = (x[:, :1] + 0.1 * torch.randn_like(x[:, :1])).clamp(-1, 1)
a, b = x[:, :1].double(), noisy.double()
luminance, contrast, structure = three_factors(*moments(a, b))
found_map = ssim_map(*moments(a, b))  # [10, 1, 118, 118]
assert torch.allclose(luminance * contrast * structure, found_map, atol=1e-6)
ours, library = found_map.flatten(1).mean(dim=1), metrics.ssim(a, b)
assert torch.allclose(ours, library, atol=1e-9)

settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
reference = skimage.metrics.structural_similarity(
    a[0, 0].numpy(), b[0, 0].numpy(), data_range=2.0, **settings
)
print(
    f"by (7): {ours[0]:.6f}   library: {library[0]:.6f}   scikit-image: {reference:.6f}"
)
assert abs(ours[0] - reference) < 1e-6

# %% [markdown]
# One thing to know before you compare: (6) was made for pixels that start at 0.
# The luminance term changes when both images are shifted by the same amount, so SSIM on [-1, 1] is not SSIM on [0, 1].
# Published values mostly use [0, 1]: for those give `ssim` images in [0, 1] and `data_range=1`.

# %%
other = metrics.ssim((a + 1) / 2, (b + 1) / 2, data_range=1.0)
tables.show([("[-1, 1]", library[0]), ("[0, 1]", other[0])], ("range", "SSIM"))
assert abs(library[0] - other[0]) > 1e-3

# %% [markdown]
# Now change a portrait and watch both.
# **Predict** before you move a slider: of noise, blur and shift at the same PSNR, which has the lowest SSIM?

# %%
original = data.to_float(portrait[None])


def blur(image, sigma):
    if sigma == 0:
        return image
    k = torch.exp(-0.5 * ((torch.arange(25.0) - 12) / sigma) ** 2)
    k = (k / k.sum()).view(1, 1, 25, 1).expand(3, 1, 25, 1)
    padded = F.pad(image, (12,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, k, groups=3), k.transpose(2, 3), groups=3)


def grain(image, sigma):
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    return (image + sigma * noise).clamp(-1, 1)


# %%
def scores(changed):
    return metrics.psnr(original, changed).item(), metrics.ssim(
        original, changed
    ).item()


def distort(noise, blurring, shift):
    changed = grain(blur(original, blurring).roll(shift, dims=3), noise)
    title = "PSNR {:.1f} dB, SSIM {:.3f}".format(*scores(changed))
    return plots.grid(torch.cat([original, changed]), cols=2, title=title, width=5.5)


explore(
    distort,
    alt="A portrait, and the same portrait distorted, with PSNR and SSIM in the title.",
    caption="Left the original, right the changed one.",
    noise=(0.0, 0.5, 0.1),
    blurring=(0.0, 5.0, 1.0),
    shift=(0, 12, 1),
)

# %% [markdown]
# To answer, take the PSNR of a shift by 3 pixels, and find by bisection the noise and the blur that have the same.

# %%
shifted = original.roll(3, dims=3)


def at_equal_psnr(change, high):
    low = 0.0
    for _ in range(15):
        middle = (low + high) / 2
        better = scores(change(original, middle))[0] > scores(shifted)[0]
        low, high = (middle, high) if better else (low, middle)
    return change(original, low)


equal = {
    "shift": shifted,
    "blur": at_equal_psnr(blur, 9.0),
    "noise": at_equal_psnr(grain, 1.0),
}
rows = [(name, *scores(changed)) for name, changed in equal.items()]
tables.show(rows, ("change", "PSNR in dB", "SSIM"))
assert max(row[1] for row in rows) - min(row[1] for row in rows) < 0.1
assert rows[2][2] < 0.5 * min(rows[0][2], rows[1][2])

# %% [markdown]
# Noise, by far: flat areas have no structure, and noise gives them one that the original lacks.
#
# **Where they lie.**
# Judge these pairs by eye first: which image is closest to the original?


# %%
def drawn(**changes):
    return data.to_float(data.portraits.draw({**LOOK, **changes}, 256))


original = drawn()
candidates = {
    "no glasses,\nsurprised": drawn(glasses="none", mouth="surprised"),
    "moved by\n4 pixels": original.roll(4, dims=3),
    "a faint grain": grain(original, 0.05),
    "other colours": drawn(background="rose", outfit="purple"),
}

# %%
values = {name: scores(changed) for name, changed in candidates.items()}
labels = ["original"] + [
    f"{name}\n{p:.1f} dB, {q:.3f}" for name, (p, q) in values.items()
]
plots.show(
    plots.grid(torch.cat([original, *candidates.values()]), cols=5, labels=labels),
    alt="A portrait and four changed versions with their PSNR and SSIM.",
    caption="PSNR and SSIM of four changes. Whom would you call the same person?",
)
different, moved, grainy, recoloured = values.values()  # each (PSNR, SSIM)
assert moved[0] < different[0] and moved[1] < different[1]
assert grainy[1] < recoloured[1] and grainy[0] > recoloured[0]

# %% [markdown]
# Both measures find the face without glasses, with another expression, closer than the same picture moved by 4 pixels.
# And SSIM puts a faint grain below a change of shirt and background; PSNR does not.
#
# PSNR and SSIM compare pixel with pixel, so they fit tasks with one right answer, such as denoising.
# For *generating* there is no original to compare with; sets are compared instead, as above.
#
# ## Break it
#
# Three common bugs, each a line long.
# **Predict** what each picture looks like.
#
# 1. Divide by 255 twice.
# 2. Show an image from [-1, 1] as if it were [0, 1].
# 3. Brighten bytes without clipping.

# %%
good = train.images[:4].expand(-1, 3, -1, -1)
twice = (good.float() / 255 / 255 * 255).round().to(torch.uint8)
misread = (data.to_float(good).clamp(0, 1) * 255).round().to(torch.uint8)
wrapped = good + 60  # uint8 arithmetic
broken = {
    "right": good,
    "scaled twice": twice,
    "[-1, 1] read as [0, 1]": misread,
    "wrapped around": wrapped,
}
plots.show(
    plots.grid(broken, cols=4, width=5.0),
    alt="Four rows of the same four images: right; black; too dark, with all shadows "
    "black; with false colours, and nearly black where all three channels wrapped.",
    caption="Black; shadows lost; false colours. None of the three raised an error.",
)

# %% [markdown]
# 1. *Scaled twice*: no byte is above 1.
# 2. *Misread*: whatever was below mid-grey is 0, and nothing else.
# 3. *Wrapped*: each channel above 195 starts again from 0, by itself. Where one or two of three wrap, pale colours become saturated ones (the largest channel lies farther above the smallest).
#    Where all three wrap, the lightest areas turn nearly black.


# %%
def saturation(images):
    return (images.amax(dim=1).float() - images.amin(dim=1).float()) / 255  # [N, H, W]


wraps = (good > 195).sum(dim=1)  # [N, H, W]: how many channels wrap
partly = (wraps == 1) | (wraps == 2)
before, after = saturation(good)[partly].mean(), saturation(wrapped)[partly].mean()
print(f"where some channels wrap: saturation {before:.2f} before, {after:.2f} after")
assert twice.max() <= 1
assert torch.equal(misread == 0, good <= 127)
assert DATA != "portraits" or after > 1.5 * before

# %% [markdown]
# The library refuses the first, and bytes passed as floats: `to_float` takes bytes only, and `to_uint8` refuses what lies far outside [-1, 1].
# The second it cannot see, as [0, 1] lies inside [-1, 1].
# Only you can.


# %%
def refusal(convert, images):
    try:
        convert(images)
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("this went through")


for convert, images in (
    (data.to_float, data.to_float(good)),
    (data.to_uint8, good.float()),
):
    print(textwrap.fill(refusal(convert, images), 88), "\n")

# %%
run.report(**found, images=run.samples)
if DATA == "portraits":
    run.expect(fd_full_gaussian=("<", (150, 120, 120)), fd_floor=("<", (4, 2, 2)))

# %% [markdown]
# ## Exercises
#
# [The exercise notebook](exercises/11_images_as_tensors.ipynb) lets you write the pieces yourself, with checks that explain what went wrong.
# To try in this notebook:
#
# 1. *(2 minutes)* An image in [0, 1] is stored as float32, another as uint8. How much memory does each take at 1024x1024 in colour?
# 2. *(5 minutes)* Two images have a mean squared error of 0.01 in [0, 1]. What is it in [-1, 1]? Does PSNR change, with $R$ set right in each?
# 3. *(5 minutes)* Make from one portrait a visibly different image with the same histograms. What does this say about histograms?
# 4. *(15 minutes)* From which $N$ on does the distance of the Gaussian for all hardly fall? Draw 2,000 samples each from $N$ = 50, 200, 1,000 and 5,000 images. What do samples look like where $N$ is far below $D$, and in which subspace do they lie?
# 5. *(30 minutes, a project)* `moments` takes the window's side. Rank the four changed portraits, by the mean of `ssim_map` over places, channel by channel, for sides of 5, 11 and 21. Which of them swap places, and why?
# 6. *(20 minutes)* Photographs have more power in slow waves than in quick ones. Average $|\mathrm{FFT}|^2$ of grey photographs over all directions and draw it against the frequency, both axes logarithmic: is it a line, and how steep? And for portraits, and for white noise?
#
# ## What to remember
#
# - [N, C, H, W]; uint8 for eyes, [-1, 1] for models; convert once, in one place, and clip before you round.
# - `permute` moves axes; `reshape` keeps the order of the numbers and cuts the sequence differently.
# - Faces are a vanishing part of the space of images; means and covariances of pixels give ghosts.
# - PSNR and SSIM compare pixel with pixel and need the right data range; a shift fools both.
#
# ## Further reading
#
# - Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, *Image Quality Assessment: From Error Visibility to Structural Similarity*, IEEE Transactions on Image Processing 13, 2004.
# - H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms*, 2017, arXiv:1708.07747.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017, arXiv:1706.08500 (the Fréchet distance for images).
