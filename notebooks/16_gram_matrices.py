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
# # 16 Gram matrices
#
# *You will throw away where everything is in a picture, keep only which patterns occur together, and grow new gravel, brick and leaves from noise: with filters that learned nothing, and with filters that did.*
#
# ![Three materials, and beside each what was grown from noise with random filters and with trained ones.](../data/pictures/16_gram_matrices.webp)
#
# **You need** notebook 12 (feature maps, receptive fields) and, from 13, MMD.
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

# %%
import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, divergences, plots, pretrained, style, tables
from genimg_lib.data import photos, textures
from genimg_lib.training import start
from genimg_lib.widgets import explore

# %%
run = start(
    "16_gram_matrices",
    size=(64, 128, 256),
    grow_steps=(35, 160, 300),
    short_steps=(33, 90, 150),
)
tables.show_expected("16_gram_matrices", "largest_difference", "loss_fell_least")

# %% [markdown]
# ## Why
#
# Two photographs of the same lawn share not a single blade of grass at the same place, and yet you know at once that they show the same *material*.
# Pixel by pixel they differ about as much as lawn and gravel do.
# What is it that they share?
#
# Julesz asked this in 1962, and looked for the answer in statistics that do not know about places.
# This notebook builds such statistics.
# **Style transfer** runs on them: it keeps the layout of one picture (the *content*) and takes these statistics from another (the *style*).

# %%
SIZE = run.size


def crop(name, top, left, side):
    """A square piece of a photograph: [1, 3, SIZE, SIZE] in [-1, 1]."""
    piece = photos.open_photo(name)[:, top : top + side, left : left + side]
    return data.to_float(photos.square(piece, SIZE)[None]).to(run.device)


def distance(a, b):
    return (a - b).square().mean().item()


# %%
lawn = crop("grass", 0, 0, 256)
other_lawn = crop("grass", 250, 250, 256)
gravel = crop("gravel", 0, 0, 256)
from_lawn = distance(lawn, other_lawn)
from_gravel = distance(lawn, gravel)
labels = [
    "a lawn",
    f"the same lawn, elsewhere\nsquared error {from_lawn:.2f}",
    f"gravel\nsquared error {from_gravel:.2f}",
]
plots.show(
    plots.grid(torch.cat([lawn, other_lawn, gravel]), labels=labels, width=6.5),
    alt="Two pieces of the same lawn and a piece of gravel.",
    caption="By their pixels, the two lawns are as far apart as lawn and gravel.",
)
assert 0.8 < from_lawn / from_gravel < 1.25

# %% [markdown]
# ## The maths
#
# A layer $l$ of a network gives $C$ feature maps of $H \times W$ numbers.
# Write each map as a row of $F_l$, a matrix of $C$ rows and $HW$ columns: a column is what the layer sees at one place.
# The **Gram matrix** multiplies the rows with each other:
#
# $$\mathrm{Gr}_l = \frac{1}{C H W}\, F_l F_l^\top, \qquad (\mathrm{Gr}_l)_{ij} = \frac{1}{C H W}\sum_{p} (F_l)_{ip}\,(F_l)_{jp}. \tag{1}$$
#
# Entry $(i, j)$ says how much channels $i$ and $j$ are active *at the same places*, added up over all places $p$.
# Dividing by $CHW$ makes it independent of the size of the image, and keeps wide layers from counting more.
# There is one matrix for each image, never one across the batch.


# %%
def gram(features):  # [N, C, H, W] -> [N, C, C]
    n, c, h, w = features.shape
    rows = features.reshape(n, c, h * w)
    return rows @ rows.transpose(1, 2) / (c * h * w)  # (1)


# %% [markdown]
# Three checks: entry by entry as the sum in (1), as one `einsum`, and against the library's version, which we use from here on.
# All differences are collected in `errors`.

# %%
torch.manual_seed(run.seed)
features = torch.randn(3, 4, 5, 6, dtype=torch.float64)
by_sum = torch.zeros(3, 4, 4, dtype=torch.float64)
for n in range(3):
    for i in range(4):
        for j in range(4):
            together = features[n, i] * features[n, j]  # [H, W]
            by_sum[n, i, j] = together.sum() / (4 * 5 * 6)  # (1), entry by entry
by_einsum = torch.einsum("nihw,njhw->nij", features, features) / (4 * 5 * 6)


# %%
def largest(difference):
    return difference.abs().max().item()


errors = {
    "sum": largest(gram(features) - by_sum),
    "einsum": largest(gram(features) - by_einsum),
    "library": largest(gram(features) - style.gram(features)),
}
assert max(errors.values()) < 1e-14

# %% [markdown]
# ### What it forgets
#
# Reorder the places: multiply $F$ by a permutation matrix $P$ from the right.
# Since $P P^\top = I$,
#
# $$(F P)(F P)^\top = F P P^\top F^\top = F F^\top. \tag{2}$$
#
# The Gram matrix **does not know where anything is**.
# Take the pixels themselves as features, $C = 3$: shuffle them all, and the Gram matrix does not notice.

# %%
order = torch.randperm(SIZE * SIZE)
coffee = data.to_float(photos.square(photos.open_photo("coffee"), SIZE)[None])
shuffled = coffee.flatten(2)[:, :, order].view_as(coffee)
before, after = style.gram(coffee.double()), style.gram(shuffled.double())
errors["permutation"] = largest(before - after)
assert errors["permutation"] < 1e-14
labels = ["a picture", "its pixels shuffled"]
plots.show(
    plots.grid(torch.cat([coffee, shuffled]), labels=labels, width=5.0),
    alt="A cup of coffee, and colour noise: the same pixels in another order.",
    caption="The same Gram matrix of pixels: it knows colours, and no places at all.",
)

# %% [markdown]
# So pixels are too poor as features.
# A layer whose outputs see patches of 7x7 pixels (its receptive field) gives a Gram matrix that knows something of which patches occur (the second moments of its responses to them), and not where.
# Patches overlap, so this still says something about the order farther away: if 01 and 10 are the only patches of two pixels, the row has to alternate.
# Deeper layers see larger patches; what of their order they keep depends on their filters, too.
#
# The network below is small, four stages of two convolutions, and comes with the course in two versions: with random weights, and trained to tell materials apart.
# Two 3x3 convolutions add four pixels of their own resolution to what a place sees; the mean over 2x2 between the stages doubles the step from place to place (notebook 12).


# %%
def random_network():
    """The same network without any training: He's initialisation, no biases."""
    torch.manual_seed(3)
    net = style.FeatureNet()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return net.eval().requires_grad_(False).to(run.device)


random_net = random_network()
trained_net = pretrained.load_material_features(run.device)

# %%
# NBVAL_CHECK_OUTPUT
field = jump = 1
maps = trained_net(torch.zeros(1, 3, 64, 64, device=run.device))
for stage, m in enumerate(maps, start=1):
    if stage > 1:
        field, jump = field + jump, 2 * jump  # the mean over 2x2
    field += 2 * 2 * jump  # two 3x3 convolutions
    channels, height, width = m.shape[1:]
    print(f"stage {stage}: {channels} channels, {height}x{width}, sees {field}x{field}")

# %% [markdown]
# ### Blocks
#
# Cut the picture into square blocks and shuffle *those*: inside a block the order stays, across its edges it is lost.
# How far does the Gram matrix of each stage move, relative to its size?
#
# **Explore.** **Predict**: which stages notice blocks of 2 pixels? Of 32?

# %%
STAGES = ["pixels", "stage 1", "stage 2", "stage 3", "stage 4"]


def shuffle_blocks(x, side, seed=0):
    n = x.shape[-1] // side
    blocks = x.unfold(2, side, side).unfold(3, side, side)  # [1, 3, n, n, side, side]
    blocks = blocks.reshape(1, 3, n * n, side, side)
    order = torch.randperm(n * n, generator=torch.Generator().manual_seed(seed))
    blocks = blocks[:, :, order].view(1, 3, n, n, side, side)
    return blocks.permute(0, 1, 2, 4, 3, 5).reshape_as(x)


# %%
def moved(x, shuffled, net=trained_net):
    """|Gr(shuffled) - Gr(x)| / |Gr(x)|, for the pixels and each stage."""
    shares = []
    for m, other in zip([x, *net(x)], [shuffled, *net(shuffled)], strict=True):
        shares.append(
            ((style.gram(other) - style.gram(m)).norm() / style.gram(m).norm()).item()
        )
    return shares


# %%
small = data.to_float(photos.square(photos.open_photo("gravel"), 128)[None])
small = small.to(run.device)


def put(axis, image, title):
    axis.imshow((image[0].permute(1, 2, 0).cpu() + 1) / 2)
    axis.set_title(title)
    axis.axis("off")


def forget(block):
    x = shuffle_blocks(small, block)
    fig, axes = plots.figure(1, 3, height=2.7)
    put(axes[0], small, "gravel")
    put(axes[1], x, f"blocks of {block}, shuffled")
    axes[2].barh(STAGES, moved(small, x))
    axes[2].set(xlim=(0, None), xlabel="change of the Gram matrix")
    axes[2].invert_yaxis()
    return fig


# %%
explore(
    forget,
    alt="Gravel, gravel with its blocks shuffled, and bars: "
    "how much the Gram matrix of each stage changes.",
    caption="Pixels never notice; a place can, where a seam crosses what it sees.",
    block=[8, 1, 2, 4, 16, 32, 64],
)

# %%
# The smaller the blocks, the more seams there are in what a place sees
by_block = {side: moved(small, shuffle_blocks(small, side)) for side in (2, 8, 32)}
rows = [(f"{side} px", *shares) for side, shares in by_block.items()]
tables.show(rows, ["blocks", *STAGES])
for stage in range(1, 5):
    assert by_block[2][stage] > by_block[8][stage] > by_block[32][stage]
assert max(shares[0] for shares in by_block.values()) < 1e-5

# %% [markdown]
# ### What kind of matrix it is
#
# For any vector $v$ of $C$ numbers,
#
# $$v^\top \mathrm{Gr}\, v = \frac{1}{CHW}\, \big|F^\top v\big|^2 \ge 0, \tag{3}$$
#
# so Gram matrices are symmetric and **positive semidefinite**, of rank $HW$ at most.

# %%
F_ = torch.randn(1, 6, 7, 8, dtype=torch.float64).exp()
G = style.gram(F_)[0]
columns = F_[0].flatten(1)  # [C, HW]
v = torch.randn(6, dtype=torch.float64)
by_square = (columns.T @ v).square().sum() / columns.numel()  # (3)
errors["quadratic form"] = largest(v @ G @ v - by_square)
assert torch.linalg.eigvalsh(G).min() > -1e-12
few = torch.randn(1, 6, 2, 2, dtype=torch.float64)  # HW = 4 < C = 6
assert torch.linalg.matrix_rank(style.gram(few)[0]) == 4

# %% [markdown]
# Let $\mu$ be the vector of channel means and $\Sigma$ the covariance of the columns (divided by $HW$). Then
#
# $$C\,\mathrm{Gr} = \Sigma + \mu\mu^\top: \tag{4}$$
#
# matching Gram matrices matches a mix of first and second moments.
# Close relatives match the parts: AdaIN (Huang and Belongie 2017) only means and variances, $\mu_i$ and $\Sigma_{ii}$; whitening and colouring (Li et al. 2017b) $\mu$ and all of $\Sigma$.
# The Fréchet distance of notebook 13 compares the same two.

# %%
mu = columns.mean(1)
cov = columns.cov(correction=0)
errors["moments"] = largest(6 * G - cov - torch.outer(mu, mu))  # (4)

# %% [markdown]
# ### Matching Gram matrices is an MMD
#
# Let $f_p$ be the columns of $F$ for one image and $g_p$ those for another.
# In notebook 13 the kernel $k(f, g) = (f \cdot g)^2$ compared second moments, $\mathrm{MMD}^2 = |\mathbb{E} f f^\top - \mathbb{E} g g^\top|^2$.
# The mean of $f f^\top$ over places *is* the Gram matrix, times $C$:
#
# $$\big\|\mathrm{Gr} - \mathrm{Gr}'\big\|_F^2 = \frac{1}{C^2}\, \mathrm{MMD}^2_{(f \cdot g)^2}\big(\{f_p\}, \{g_p\}\big) \tag{5}$$
#
# (Li et al. 2017a; all pairs of places count, a place with itself too).
# So "style" is what a layer sees at its places, wherever, and style transfer moves one such set onto another, as far as second moments tell them apart.
# The two images need not have the same size.

# %%
one = torch.randn(1, 5, 6, 6, dtype=torch.float64, requires_grad=True)
two = torch.randn(1, 5, 4, 7, dtype=torch.float64).abs()
difference = style.gram(one) - style.gram(two)
loss = difference.square().sum()
f, g = one[0].flatten(1).T, two[0].flatten(1).T  # [HW, C], a place a row
mmd = divergences.mmd(f, g, divergences.polynomial_kernel)
errors["MMD"] = largest(loss - mmd / 5**2)  # (5)

# %% [markdown]
# Its gradient pulls on all features:
#
# $$\frac{\partial}{\partial F}\big\|\mathrm{Gr} - \mathrm{Gr}'\big\|_F^2 = \frac{4}{C H W}\,(\mathrm{Gr} - \mathrm{Gr}')\, F. \tag{6}$$
#
# (Differentiate $\langle \mathrm{Gr} - \mathrm{Gr}', \mathrm{Gr} - \mathrm{Gr}' \rangle$: a step $dF$ changes $\mathrm{Gr}$ by $(dF F^\top + F dF^\top)/CHW$, and both halves give the same, since $\mathrm{Gr} - \mathrm{Gr}'$ is symmetric.)

# %%
(by_autograd,) = torch.autograd.grad(loss, one, retain_graph=True)
by_formula = 4 / one.numel() * difference[0] @ one[0].flatten(1)  # (6)
errors["gradient"] = largest(by_autograd[0].flatten(1) - by_formula)
image = torch.randn(1, 5, 6, 6, dtype=torch.float64)
tiled = image.repeat(1, 1, 2, 3)  # (1) is a mean over places: size does not matter
errors["size"] = largest(style.gram(image) - style.gram(tiled))

# %%
for name, error in errors.items():
    print(f"{name:<15} differs by at most {error:.0e}")
assert max(errors.values()) < 1e-12

# %% [markdown]
# What do second moments miss? Everything else.
# Give noise the mean and the covariance of the colours of the cup (whitening and colouring, for pixels): by the Gram matrix of pixels it *is* the cup.
# **Predict**: do the two have the same histogram?

# %%
noise = torch.randn(coffee.shape, dtype=torch.float64)
gaussian = style.whiten_color(noise, coffee.double())
same_gram = largest(style.gram(gaussian) - style.gram(coffee.double()))
fig, axis = plots.figure(height=2.6)
for name, x in (("the cup", coffee), ("Gaussian noise", gaussian)):
    axis.hist(x[0, 0].flatten(), bins=60, density=True, alpha=0.6, label=name)
axis.set(xlabel="red", ylabel="density")
axis.legend()
plots.show(
    fig,
    alt="Two histograms of red: the cup's with several peaks, the noise's one bell.",
    caption="The same means and covariances, the same Gram matrix, other pixels.",
)
assert same_gram < 1e-10


def skewness(x):  # of red, green and blue; 0 for a Gaussian
    x = x[0].flatten(1) - x[0].flatten(1).mean(1, keepdim=True)
    return (x**3).mean(1) / (x**2).mean(1) ** 1.5


for name, x in (("the cup", coffee), ("Gaussian noise", gaussian)):
    print(f"skewness of {name}: {skewness(x).numpy().round(2)}")
assert skewness(gaussian).abs().max() < 0.1 < 0.5 < skewness(coffee).abs().min()

# %% [markdown]
# They do not: already the third moments differ.
# Julesz asked for more in 1962: can an eye tell two textures apart in which any *pair* of pixels has the same statistics, at every distance?
# In the exercises you make such a pair.

# %% [markdown]
# ## Grow a texture
#
# Gatys et al. (2015): start from noise and change the *image*, not the network, until its Gram matrices are those of the example.
# With example $x^*$ and feature maps $l = 0, \ldots, L$, each term divided by the square of its target's size, so that it does not depend on the scale of its map:
#
# $$\mathcal{L}(x) = \sum_{l} \frac{\|\mathrm{Gr}_l(x) - \mathrm{Gr}_l(x^*)\|_F^2}{\|\mathrm{Gr}_l(x^*)\|_F^2}. \tag{7}$$
#
# Our maps are the pixels themselves, and the first two stages for the image at full, half, quarter and eighth size.
# At an eighth of the size, a place that sees 14 pixels sees 112 of the image, so that larger patterns *can* count.
#
# A check that could fail comes with it: twice the features have four times the Gram matrix, so each map has to give $(4 - 1)^2 = 9$.


# %%
def maps_of(net, x, stages=2, sizes=4):
    maps = [x]
    for k in range(sizes):
        maps += net(F.avg_pool2d(x, 2**k), stages)
    return maps


def targets_of(net, example, statistic=style.gram, **which):
    return [statistic(m) for m in maps_of(net, example, **which)]


def gram_loss(maps, targets, statistic=style.gram):
    parts = []
    for m, target in zip(maps, targets, strict=True):
        parts.append((statistic(m) - target).square().sum() / target.square().sum())
    return sum(parts)  # (7)


# %%
image = torch.rand(1, 3, 64, 64, device=run.device)
some = maps_of(random_net, image)
doubled = gram_loss([2 * m for m in some], targets_of(random_net, image))
assert abs(doubled / len(some) - 9) < 1e-3

# %% [markdown]
# Growing is gradient descent with the pixels as variables.
# In its plainest form, by Adam:


# %%
def noise_like(example):
    """Noise with the mean and deviation of each of its colours, cut to [-1, 1]."""
    g = torch.Generator().manual_seed(run.seed)
    noise = torch.randn(example.shape, generator=g).to(run.device)
    over = (0, 2, 3)
    mean, std = example.mean(over, keepdim=True), example.std(over, keepdim=True)
    return (mean + std * noise).clamp(-1, 1)


def descend(loss_of, x, steps):
    x = x.clone().requires_grad_()
    opt = torch.optim.Adam([x], lr=0.03)  # of the image; the network stays as it is
    for _ in range(steps):
        loss = loss_of(x)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return x.detach().clamp(-1, 1)


# %% [markdown]
# This loss has no noise, unlike those of networks that see a new batch each step.
# So one can learn its curvature from the last gradients, which is what L-BFGS does.
# The library's `style.minimise` does so; it charges for values outside $[-1, 1]$, so that cutting them off at the end changes next to nothing, and gives the best image of all steps.
# Far from the goal the curvature can mislead it, so Adam takes the first 30 steps: 15 of ours, and the first 15 of `minimise`.
#
# Then we compare Adam alone with both together, at the same number of steps.


# %%
def grow(net, targets, begin, steps, statistic=style.gram, watch=None, **which):
    if steps <= 30:
        raise ValueError(
            f"expected more than 30 steps, two times 15 by Adam, got {steps}"
        )

    def loss_of(x):
        return gram_loss(maps_of(net, x, **which), targets, statistic)

    nearer = descend(loss_of, begin, 15)
    image, _ = style.minimise(loss_of, nearer, steps - 15, watch=watch)
    return image


# %%
of_gravel = targets_of(trained_net, gravel)


def loss_to(x, targets):
    return gram_loss(maps_of(trained_net, x), targets)


begin = noise_like(gravel)
by_adam = descend(lambda x: loss_to(x, of_gravel), begin, run.short_steps)
by_both = grow(trained_net, of_gravel, begin, run.short_steps)
images = {"noise": begin, "Adam": by_adam, "Adam, then L-BFGS": by_both}
reached = {name: loss_to(x, of_gravel).item() for name, x in images.items()}
tables.show(list(reached.items()), [f"after {run.short_steps} steps of", "loss (7)"])
if run.profile != "quick":
    assert 3 * reached["Adam, then L-BFGS"] < reached["Adam"]

# %% [markdown]
# Now three materials, each with random and with trained filters.
# We keep the loss of every step of `minimise`, and of the last of the six the best image so far.

# %%
drawn = textures.draw(17, SIZE, seed=21)[0][16:]
EXAMPLES = {
    "gravel": gravel,
    "wall": crop("brick", 0, 0, 200),
    "leaves": data.to_float(drawn).to(run.device),
}
NETS = {"random filters": random_net, "trained filters": trained_net}
grown, losses = {}, {}
for material, example in EXAMPLES.items():
    for name, net in NETS.items():
        targets, begin = targets_of(net, example), noise_like(example)
        losses[material, name], frames = [], []

        def watch(step, loss, image, curve=losses[material, name], frames=frames):
            curve.append(loss)
            frames.append(image.cpu())

        grown[material, name] = grow(net, targets, begin, run.grow_steps, watch=watch)
film = frames  # of the last: leaves, with trained filters

# %%
rows = []
for material, example in EXAMPLES.items():
    rows += [example, *(grown[material, name] for name in NETS)]
fig = plots.grid(torch.cat(rows), cols=3, labels=["example", *NETS] * 3, width=6.5)
plots.cover(fig)
plots.show(
    fig,
    alt="Three rows, gravel, a brick wall and drawn leaves: the example, "
    "a texture grown with random filters, one grown with trained filters.",
    caption="Left: the example. Middle, right: grown from noise.",
)

# %%
rows, fell = [], {}
for (material, name), values in losses.items():
    targets = targets_of(NETS[name], EXAMPLES[material])
    before = gram_loss(maps_of(NETS[name], noise_like(EXAMPLES[material])), targets)
    fell[material, name] = before.item() / min(values)
    rows.append((material, name, before.item(), min(values)))
tables.show(rows, ["material", "filters", "loss (7) of noise", "at the end"])
assert min(fell.values()) > (2 if run.profile == "quick" else 100)

# %% [markdown]
# The loss falls by orders of magnitude.
# But losses of different filters cannot be compared with each other: each measures with a ruler of its own.
#
# ### Judge the pictures
#
# To compare, we need a measure that neither used.
# The **autocorrelation** at a distance $\delta$ is the correlation of the grey picture with itself, shifted by $\delta$ pixels (here averaged over shifts to the right and down).
# It says how far a pattern goes on: high while both pixels mostly lie in one leaf, 0 where nothing is known of a pixel so far away.


# %%
def autocorrelation(x, lag):
    grey = x.mean(1)  # [1, H, W]
    grey = grey - grey.mean()
    right = (grey[..., lag:] * grey[..., :-lag]).mean()
    below = (grey[:, lag:] * grey[:, :-lag]).mean()
    return ((right + below) / 2 / grey.square().mean()).item()


# %%
LAGS = (1, 2, 4, 8)
by_lag = {}
for material, example in EXAMPLES.items():
    images = {"example": example, **{name: grown[material, name] for name in NETS}}
    for name, x in images.items():
        by_lag[material, name] = [autocorrelation(x, lag) for lag in LAGS]
rows = [(*key, *values) for key, values in by_lag.items()]
tables.show(rows, ["material", "", *(f"{lag} px" for lag in LAGS)])


# %%
def off(material, name):
    pairs = zip(by_lag[material, name], by_lag[material, "example"], strict=True)
    return sum(abs(a - b) for a, b in pairs)


if run.profile == "cpu":
    for material in ("gravel", "wall"):
        assert off(material, "random filters") < off(material, "trained filters")
    assert off("leaves", "trained filters") < off("leaves", "random filters")
    at_one = [by_lag["leaves", name][0] for name in ("example", *NETS)]
    assert at_one[1] < 0.75 * at_one[0] < at_one[2]

# %% [markdown]
# Filters that learned nothing do surprisingly well, as Ustyuzhaninov et al. (2016) found for shallow networks of random filters.
# By this measure neither kind is better throughout: summed over the four distances, random filters come nearer to the gravel and the wall, trained ones nearer to the leaves.
# (The trained ones had seen these two photographs and drawn leaves while they learned.)
#
# What both lose is order at a distance; random filters lose the leaves' order from the first pixel on.
# At 8 pixels the grown leaves are less correlated than the example's, and the wall's joints come at less even distances.
# To see the second, look along the rows: where one joint is, the next one should stand a brick farther.


# %%
def along_rows(x, lag):
    grey = x.mean(1) - x.mean()
    right = (grey[..., lag:] * grey[..., :-lag]).mean()
    return (right / grey.square().mean()).item()


lags = range(1, SIZE // 4)
wall = {"example": EXAMPLES["wall"], **{name: grown["wall", name] for name in NETS}}
curves = {n: (lags, [along_rows(x, lag) for lag in lags]) for n, x in wall.items()}
plots.show(
    plots.lines(curves, xlabel="shift to the right, pixels", ylabel="autocorrelation"),
    alt="Autocorrelation of the wall by shift: the example rises to a second peak, "
    "the two grown walls rise less.",
    caption="The example's joints come back after one brick, the grown ones less.",
)

# %%
peak = {name: max(values[SIZE // 10 :]) for name, (_, values) in curves.items()}
far = {name: autocorrelation(grown["leaves", name], 8) for name in NETS}
if run.profile != "quick":
    for name in NETS:
        assert peak[name] < 0.8 * peak["example"]
        assert far[name] < 0.85 * by_lag["leaves", "example"][-1]

# %% [markdown]
# Was anything copied?
# Shift the example in every possible way, and look for the shift at which it correlates most with what grew.
# A Fourier transform gives all shifts at once (notebook 12).


# %%
def best_shift(a, b):
    a, b = (x.mean(1) - x.mean() for x in (a, b))
    product = torch.fft.fft2(a) * torch.fft.fft2(b).conj()
    at_all_shifts = torch.fft.ifft2(product).real
    return (at_all_shifts.max() / (a.norm() * b.norm())).item()


rows = [(*key, best_shift(EXAMPLES[key[0]], x)) for key, x in grown.items()]
rows.append(("lawn", "another piece of it", best_shift(lawn, other_lawn)))
tables.show(rows, ["material", "grown with", "largest correlation"])
assert max(row[-1] for row in rows) < 0.6

# %% [markdown]
# The whole was not: that would give 1.
# A small copy this test would not find: what it adds to the correlation is small, too.
#
# **Explore.** Watch the leaves grow.
# **Predict** what comes first: small patterns or large ones?
# The figure after it has the answer: the autocorrelation of the best image so far at two distances, each divided by what it reaches at the end.


# %%
def moment(step):  # 16 or more: `descend` took the first 15
    images = torch.cat([EXAMPLES["leaves"].cpu(), film[step - 16]])
    return plots.grid(images, labels=["example", f"best at step {step}"], width=5.0)


last = 15 + len(film)
explore(
    moment,
    alt="The example of leaves, and the texture on its way from noise.",
    caption="From noise towards the statistics of the leaves.",
    step=(16, last, min(40, last)),
)

# %%
rise = {}
for lag in (1, 8):
    values = [autocorrelation(x, lag) for x in film]
    shares = [v / values[-1] for v in values]
    rise[f"{lag} px"] = (range(16, last + 1), shares)
labels = {"xlabel": "step", "ylabel": "share of the final value"}
plots.show(
    plots.lines(rise, ylim=(-0.5, 1.5), **labels),
    alt="Two rising lines: the correlation of neighbouring pixels rises first, "
    "that at eight pixels later.",
    caption="Neighbours first: order at a distance comes later.",
)
halfway = [
    next(k for k, v in zip(*line, strict=True) if v > 0.5) for line in rise.values()
]
if run.profile != "quick":
    assert halfway[0] < halfway[1]

# %% [markdown]
# ### How far does order matter?
#
# Take away what sees far.
# First the pixels alone, then the two stages at full size, and then half, quarter and eighth size one by one.
# **Predict**: does each size bring the leaves nearer to the example, at every distance?

# %%
depths = {"pixels": {"stages": 0}, "full size": {"sizes": 1}, "+ half": {"sizes": 2}}
depths |= {"+ quarter": {"sizes": 3}, "+ eighth": {"sizes": 4}}
reach = {}
for material in ("leaves", "wall"):
    example = EXAMPLES[material]
    for name, which in depths.items():
        targets = targets_of(trained_net, example, **which)
        begin = noise_like(example)
        reach[material, name] = grow(
            trained_net, targets, begin, run.short_steps, **which
        )

# %%
rows = []
for material in ("leaves", "wall"):
    rows += [EXAMPLES[material], *(reach[material, name] for name in depths)]
plots.show(
    plots.grid(torch.cat(rows), cols=6, labels=["example", *depths] * 2),
    alt="Two rows, leaves and a brick wall: the example, then textures grown from "
    "the pixels' statistics alone and with one, two, three and four sizes.",
    caption="From left to right with one more size each.",
)

# %%
lags = range(1, SIZE // 6)
shown = {"example": EXAMPLES["leaves"]}
shown |= {name: reach["leaves", name] for name in depths}
curves = {
    n: (lags, [autocorrelation(x, lag) for lag in lags]) for n, x in shown.items()
}
plots.show(
    plots.lines(curves, xlabel="shift, pixels", ylabel="autocorrelation"),
    alt="Autocorrelation of the leaves: the example on top, below it the textures; at "
    "short shifts each size is a step nearer.",
    caption="At short shifts each size brings the leaves nearer to the example.",
)
at_four = [values[3] for _, values in curves.values()][1:]
if run.profile != "quick":
    assert at_four == sorted(at_four) and at_four[-1] > 1.5 * at_four[1]
if run.profile == "cpu":
    assert max(values[14] for _, values in list(curves.values())[1:]) < 0.06
    by_shift = [[values[k] for _, values in curves.values()][1:] for k in range(8)]
    assert all(v == sorted(v) for v in by_shift[:4])  # up to 4 px
    assert max(abs(v) for v in by_shift[7][:3]) < 0.04 < 0.05 < min(by_shift[7][3:])

# %% [markdown]
# Up to four pixels each size brings the leaves nearer.
# At eight, full and half size give next to nothing; quarter and eighth do.
# Beyond a dozen pixels none of them has much order after these steps.
# Deeper stages see farther too (an exercise below tries them).
#
# ## Explore: mix materials
#
# Gram matrices are numbers, so they can be averaged.
# Grow from a weighted mean of two targets, and you get a mixture.
# (The choices were grown beforehand.)
# **Predict**: by (7), is the half-half mixture near gravel, near leaves, near both, or near neither?

# %%
of_leaves = targets_of(trained_net, EXAMPLES["leaves"])


def mixed_targets(weight):
    pairs = zip(of_gravel, of_leaves, strict=True)
    return [torch.lerp(a, b, weight) for a, b in pairs]


mixtures = {}
for weight in (0.25, 0.5, 0.75):
    noises = [noise_like(EXAMPLES[name]) for name in ("gravel", "leaves")]
    begin = torch.lerp(*noises, weight)
    targets = mixed_targets(weight)
    mixtures[weight] = grow(trained_net, targets, begin, run.short_steps)


# %%
def mixture(leaves):
    images = [EXAMPLES["gravel"], mixtures[leaves], EXAMPLES["leaves"]]
    labels = ["gravel", f"{1 - leaves:.0%} gravel, {leaves:.0%} leaves", "leaves"]
    return plots.grid(torch.cat(images), labels=labels, width=6.5)


explore(
    mixture,
    alt="Gravel, a mixture, and leaves.",
    caption="Between two Gram matrices: some of both.",
    leaves=[0.5, 0.25, 0.75],
)

# %%
goals = {"the mean of both": mixed_targets(0.5), "gravel": of_gravel}
goals["leaves"] = of_leaves
beside = torch.cat([EXAMPLES["gravel"], EXAMPLES["leaves"]], dim=3)
halves = {"grown": mixtures[0.5], "both side by side": beside}
third, laid = (
    {name: loss_to(x, goal).item() for name, goal in goals.items()}
    for x in halves.values()
)
rows = [(name, third[name], laid[name]) for name in goals]
tables.show(rows, ["loss (7) to", *halves])
if run.profile != "quick":
    assert 10 * laid["the mean of both"] < min(laid["gravel"], laid["leaves"])
    assert 10 * third["the mean of both"] < min(third["gravel"], third["leaves"])
    plain = loss_to(noise_like(EXAMPLES["gravel"]), of_gravel).item()
    assert third["leaves"] < plain < third["gravel"]
    coarsest = zip(of_gravel[-2:], of_leaves[-2:], strict=True)
    assert all(leafy.norm() > 5 * stony.norm() for stony, leafy in coarsest)

# %% [markdown]
# Near neither, then: nearer to the leaves, and from gravel farther than noise of its colours is.
# (Distances are shares of each target's size, and at an eighth of the size the leaves' matrices are more than five times the gravel's.)
# Is it a third material?
# (7) does not ask for one: (1) is a mean over places, so that gravel and leaves *side by side* have nearly the mean of both matrices.
#
# ## Break it
#
# Three Gram matrices that are easy to write.
# **Predict** for each what grows.
#
# 1. The elementwise product of the features with themselves, summed: one number for a layer.
# 2. Features transposed as if they were an image, `f.permute(0, 1, 3, 2)`, and multiplied: $[C, H, H]$, how much two *rows of pixels* have in common.
# 3. All images of a batch in one matrix: here leaves and gravel, begun from noise of the same colours.


# %%
def all_in_one(f):  # 1: how strong everything is together
    return (f * f).sum(dim=(1, 2, 3), keepdim=True) / f[0].numel()


def image_transposed(f):  # 2: [N, C, H, H], which rows of the image go together
    return f @ f.permute(0, 1, 3, 2) / f[0].numel()


def batch_in_one(f):  # 3: one matrix for N images
    return torch.einsum("nihw,njhw->ij", f, f)[None] / f.numel()


# %%
leaves = EXAMPLES["leaves"]
broken = {"right": grow(trained_net, of_leaves, noise_like(leaves), run.short_steps)}
mistakes = {"1: one number": all_in_one, "2: transposed": image_transposed}
for name, statistic in mistakes.items():
    targets = targets_of(trained_net, leaves, statistic)
    begin = noise_like(leaves)
    broken[name] = grow(trained_net, targets, begin, run.short_steps, statistic)

# %%
batch = torch.cat([leaves, EXAMPLES["gravel"]])
targets = targets_of(trained_net, batch, batch_in_one)
begin = noise_like(batch)  # two noises of the batch's mean colours
pair = grow(trained_net, targets, begin, run.short_steps, batch_in_one)
broken |= {"3: for leaves": pair[:1], "3: for gravel": pair[1:]}
plots.show(
    plots.grid(
        torch.cat([leaves, *broken.values()]), cols=3, labels=["example", *broken]
    ),
    alt="The leaves, the right texture, blotches of colour, a texture with rows as "
    "bright as the example's, two textures with something of leaves and of gravel.",
    caption="1: no leaves. 2: the example's rows. 3: some of both, twice.",
)

# %%
judged = {name: loss_to(x, of_leaves).item() for name, x in broken.items()}
del judged["3: for gravel"]  # it was asked for gravel
tables.show(list(judged.items()), ["grown with", "loss (7) with the right matrices"])
wrong = [value for name, value in judged.items() if name != "right"]
if run.profile != "quick":
    assert min(wrong) > 3 * judged["right"]

# %% [markdown]
# Mistake 2 knows how strong each channel is (the trace of its matrix for a channel is that channel's entry on the right one's diagonal), but not which channels go together, and it depends on places.
# Shuffle the pixels, and its matrix changes; what it grows has the example's light and dark *rows* at the same heights.


# %%
def rows_agree(x):
    """Correlation of the brightness of the rows with the example's."""
    rows = torch.stack([image.mean((0, 1, 3)) for image in (x, leaves)])  # [2, H]
    return torch.corrcoef(rows)[0, 1].item()


def moved_by(statistic):
    before, after = statistic(coffee), statistic(shuffled)
    return ((after - before).norm() / before.norm()).item()


shift = {"right": moved_by(style.gram), "2: transposed": moved_by(image_transposed)}
rows = [(name, shift[name], rows_agree(broken[name])) for name in shift]
tables.show(rows, ["", "change by a shuffle", "rows agree with the example's"])
assert shift["right"] < 1e-5 < 0.1 < shift["2: transposed"]
traces = image_transposed(coffee)[0].diagonal(dim1=1, dim2=2).sum(1)
assert traces.allclose(style.gram(coffee)[0].diagonal())
if run.profile != "quick":
    assert rows[0][-1] < 0.7 < rows[1][-1]

# %% [markdown]
# Mistake 3 fixes only the sum of both matrices.
# The sum comes out well, each of the two badly: nothing says which of them is the gravel.

# %%
of_sum = gram_loss(maps_of(trained_net, pair), targets, batch_in_one).item()
each = {
    "leaves": judged["3: for leaves"],
    "gravel": loss_to(broken["3: for gravel"], of_gravel).item(),
}
rows = [("both, summed", of_sum), *each.items()]
tables.show(rows, ["Gram matrices of", "loss (7)"])
if run.profile != "quick":
    assert 10 * of_sum < min(each.values())
    assert min(each.values()) > 3 * judged["right"]

# %%
run.report(
    largest_difference=max(errors.values()),
    loss_fell_least=min(fell.values()),
    adam_over_lbfgs=reached["Adam"] / reached["Adam, then L-BFGS"],
    leaves_at_4_px_example=by_lag["leaves", "example"][2],
    leaves_at_4_px_full_size=at_four[1],
    leaves_at_4_px_four_sizes=at_four[-1],
    loss_right=judged["right"],
    loss_one_number=judged["1: one number"],
    loss_transposed=judged["2: transposed"],
    loss_batch_in_one=judged["3: for leaves"],
    pixels=SIZE,
)
run.expect(largest_difference=("<", 1e-12), loss_fell_least=(">", (2, 50, 50)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/16_gram_matrices.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(3 minutes)* The Gram matrix of a wall of one colour.
# 2. ★ *(5 minutes)* `gram`, for a batch.
# 3. ★ *(5 minutes)* What differs between two styles, as a number.
# 4. ★★ *(10 minutes)* The covariance from the Gram matrix and the means.
# 5. ★★ *(15 minutes)* AdaIN.
# 6. ★★ *(10 minutes)* A pair of textures that second moments do not tell apart.
#
# To try here *(10 minutes)*: grow with `stages=4, sizes=1`. Does the autocorrelation come as near as with four sizes?
#
# A project *(40 minutes)*: grow bricks that keep their rows.
# Add to (7) the mean of products of a map with itself *shifted* by $\delta$ pixels.
# Which $\delta$ are needed?
#
# ## What to remember
#
# - $\mathrm{Gr} = F F^\top / CHW$, for each image: which channels are active together, wherever.
# - It forgets where patches lie, and keeps second moments of what a layer makes of them; the choice of layers and sizes is the choice of how far order matters.
# - Matching it is an MMD with the kernel $(f \cdot g)^2$: second moments. $C\,\mathrm{Gr} = \Sigma + \mu\mu^\top$.
# - To grow a texture, change the image, not the network. Random filters already go a long way.
#
# ## Further reading
#
# - B. Julesz, *Visual Pattern Discrimination*, IRE Transactions on Information Theory 8, 1962.
# - J. Portilla, E. P. Simoncelli, *A Parametric Texture Model Based on Joint Statistics of Complex Wavelet Coefficients*, International Journal of Computer Vision 40, 2000.
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Texture Synthesis Using Convolutional Neural Networks*, 2015, arXiv:1505.07376.
# - I. Ustyuzhaninov, W. Brendel, L. A. Gatys, M. Bethge, *Texture Synthesis Using Shallow Convolutional Networks with Random Filters*, 2016, arXiv:1606.00021.
# - Y. Li, N. Wang, J. Liu, X. Hou, *Demystifying Neural Style Transfer*, 2017a, arXiv:1701.01036.
# - Y. Li, C. Fang, J. Yang, Z. Wang, X. Lu, M.-H. Yang, *Universal Style Transfer via Feature Transforms*, 2017b, arXiv:1705.08086.
# - X. Huang, S. Belongie, *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, 2017, arXiv:1703.06868.
