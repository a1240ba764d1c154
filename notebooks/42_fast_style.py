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
# # 42 Fast style
#
# *You will train a network that paints in one pass what takes an optimiser many steps, mix styles with sliders, bring a photograph nearer to the statistics of any other picture, and find out why a painted film flickers.*
#
# ![A photograph painted in five styles, each in a fraction of a second.](../data/pictures/42_fast_style.webp)
#
# **You need** notebook 41 (the losses of style), which builds on 12 (convolution, stride), 13 and 16 (covariances, AdaIN); for one comparison, 22 (batch norm).
# The table below says how long it takes, and what to expect.
# What the text says about results is checked where `CHECKED` is true: in the profile cpu, for this photograph and this style.

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
import copy
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, plots, pretrained, style, tables
from genimg_lib.data import photos, portraits, styles, textures
from genimg_lib.style.optimise import OUTSIDE, WEIGHTS
from genimg_lib.training import start
from genimg_lib.widgets import explore

CONTENT = "chelsea"  # any of photos.NAMES, or the path of a picture of yours
STYLE = "woodcut"  # any of styles.DRAWN, the style that your network will learn

# %%
run = start(
    "42_fast_style",
    steps=(8, 520, 12_000),
    batch=(2, 2, 16),
    side=(48, 96, 256),
    width=(16, 48, 64),
    short_steps=(3, 120, 800),
    paint_steps=(3, 50, 100),
    size=(96, 256, 512),
    photographs=(40, 600, 4_000),
    frames=(4, 12, 24),
    lr=2e-3,
    seeds=(1, 2, 3),
)

# %%
CHECKED = run.profile == "cpu" and (CONTENT, STYLE) == ("chelsea", "woodcut")
print(f"profile {run.profile}, on {run.device}")
tables.show_expected("42_fast_style", "seconds_one_pass", "seconds_equal_loss")

# %% [markdown]
# ## Why
#
# In notebook 41 every picture cost the optimiser dozens of steps, and the next one began from nothing, as if the first had never been.
# A film of ten seconds has 250 frames.
# But each time the same kind of problem is solved.
# Johnson, Alahi and Fei-Fei (2016), and Ulyanov et al. in the same month, let a network learn what the optimiser does.
#
# ## The maths
#
# Notebook 41 solved, for one content $c$ after the other, $\min_x \mathcal{L}(x; c, s)$, with the loss (4) there.
# Instead, let a network $f_\theta$ propose the solution, and train it on the *mean* over many contents:
#
# $$\min_\theta\; \mathbb{E}_c\, \mathcal{L}\big(f_\theta(c);\, c, s\big) \;\ge\; \mathbb{E}_c\, \min_x \mathcal{L}(x; c, s). \tag{1}$$
#
# The right side is a bound, since for each $c$ the proposal is one of the $x$: no network beats the *minimum*.
# (An optimiser that stops early, or in a local minimum, it can beat.)
# What lies between the two sides is called the **amortisation gap** (Cremer et al. 2018, for other networks that propose what one could optimise).
# A network that was not trained to the end, or that meets pictures unlike those it knows, stays further above.
# No painted pictures are needed: the loss alone teaches.
#
# ### Instance norm
#
# A painter in woodcut uses the same ink for a pale photograph and for a dark one.
# **Instance norm** helps with that.
# Let $h_{i,p}$ be channel $i$ of a picture's maps at place $p$; each channel of each picture loses its own mean and standard deviation over its places, and gets a learned scale $a_i$ and shift $b_i$ ($\epsilon$ is small, against division by 0):
#
# $$\mathrm{IN}(h)_{i,p} = a_i\, \frac{h_{i,p} - \mu_i}{\sqrt{\sigma_i^2 + \epsilon}} + b_i, \qquad \mu_i = \frac{1}{HW}\sum_p h_{i,p}, \quad \sigma_i^2 = \frac{1}{HW}\sum_p (h_{i,p} - \mu_i)^2. \tag{2}$$
#
# Change a channel's contrast and brightness to $g\,h_i + o$ with $g > 0$.
# Its mean becomes $g \mu_i + o$, its deviation $g \sigma_i$, and (2) gives back what it gave before, but for $\epsilon$.
# A first convolution is linear and its border mirrored, so a photograph's contrast and brightness arrive behind it as just such a $g$ and, channel by channel, an $o$.
#
# Batch norm, notebook 22, has the same formula with the statistics of a whole batch.
# Of *one* picture in training mode it is instance norm; but later it uses running averages from training, and cannot take off the contrast of the picture before it.
#
# And (2) has a second reading.
# AdaIN of notebook 16 gives a map $h$ the mean and standard deviation of another map $h'$.
# It *is* instance norm, with $a_i = \sigma_i(h')$ and $b_i = \mu_i(h')$.
# So perhaps a style can be **two numbers a channel**: the convolutions before and after know strokes of all kinds, and scale and shift decide which of them are loud.
#
# We write (2) in one line, and hold it against what it is said to equal.

# %%
torch.manual_seed(run.seed)
h = 3 * torch.randn(2, 5, 6, 7, dtype=torch.float64) + 1  # [N, C, H, W]
other = torch.randn(2, 5, 4, 4, dtype=torch.float64).exp()


def instance_norm(h, a=1.0, b=0.0, eps=1e-5):
    mu = h.mean((2, 3), keepdim=True)
    var = h.var((2, 3), correction=0, keepdim=True)
    return a * (h - mu) / (var + eps).sqrt() + b  # (2)


var, mu = torch.var_mean(other, (2, 3), correction=0, keepdim=True)
batch_norm = nn.BatchNorm2d(5, affine=False, dtype=torch.float64)  # training mode
pairs = {
    "torch": (instance_norm(h), F.instance_norm(h)),
    "AdaIN": (instance_norm(h, (var + 1e-5).sqrt(), mu), style.adain(h, other)),
    "contrast": (instance_norm(0.3 * h - 2, eps=0), instance_norm(h, eps=0)),
    "batch norm": (instance_norm(h[:1]), batch_norm(h[:1])),
}
errors = {name: (x - y).abs().max().item() for name, (x, y) in pairs.items()}
tables.show(list(errors.items()), ("(2) and", "largest difference"))
assert max(errors.values()) < 1e-10

# %% [markdown]
# ## Build
#
# The network works at a quarter of the picture's size, where convolutions are cheap and see far: blocks of 4x4 pixels go into channels (`pixel_unshuffle`), three residual blocks paint (each adds to its input what two convolutions make of it), then the maps are enlarged step by step, with fewer and fewer channels.
# Each convolution but the last is followed by (2), most then by a ReLU.
#
# Enlarging must leave no trace of the 4x4 blocks.
# So an enlarged map is smoothed over 3x3 pixels, and (2) is taken for each place of a block (4, then 16) by itself: over the whole picture no place is brighter or rougher than another.
# "Break it" shows what happens without.
#
# What comes out is *added* to the picture: a network that has learned nothing yet changes nothing.
#
# All borders are reflected: zeros around a picture are an edge that no photograph has.

# %%
# NBVAL_CHECK_OUTPUT
net = style.StyleNet(width=run.width, blocks=3).to(run.device)
x = torch.rand(2, 3, 64, 48, device=run.device)
blocks = F.pixel_unshuffle(x, 4)
print(*x.shape, "->", *blocks.shape, "->", *net(x).shape)
assert torch.equal(F.pixel_shuffle(blocks, 4), x)  # nothing is lost on the way in
assert torch.equal(net(x), x)  # its last layer begins with zeros

# %% [markdown]
# ## Train
#
# The pictures to learn from are pieces of seven of the ten photographs in `photos.NAMES`, which scikit-image brings, drawn materials, and portraits; three photographs are kept to be tried on.
# The style is one drawn picture, known by its Gram matrices at full and at half size, as in notebook 41.
# A picture to be painted first takes on the style's colours, a 3x3 matrix and a shift that need no training.

# %%
KEPT = ("coffee", "chelsea", "brick")
SEEN = [name for name in photos.NAMES if name not in KEPT]
pieces = photos.crops(run.photographs, run.side, names=SEEN)
materials = textures.draw(run.photographs // 4, run.side)[0]
faces = portraits.render(run.photographs // 4, run.side, seed=0)[0]
contents = torch.cat([pieces, materials, faces])  # uint8 [n, 3, side, side]


def drawn(name, seed=0):
    return data.to_float(styles.draw(name, 256, seed)[None]).to(run.device)


def sizes(x):
    return x, F.avg_pool2d(x, 2)  # full and half


judge, example = pretrained.features("embedded", run.device), drawn(STYLE)
net = style.StyleNet(width=run.width, blocks=3, examples=[example]).to(run.device)
with torch.no_grad():
    grams = [[style.gram(m) for m in judge(x)] for x in sizes(example)]

# %% [markdown]
# The losses and their weights are those of notebook 41, but the content counts three times as much: a choice of ours.
# In the loop, `run.anneal` keeps the learning rate for the first half and then lowers it to 0.


# %%
def losses(made, x):
    """(content, style, variation) of pictures painted from x."""
    maps = [judge(v) for v in sizes(made)]
    with torch.no_grad():
        target = judge(style.recolor(x, example), 3)[3]  # three stages give map 3
    styled = sum(map(style.style_loss, maps, grams)) / len(grams)
    return style.content_loss(maps[0][3], target), styled, style.total_variation(made)


def total(parts):
    """(4) of notebook 41, with the content three times as heavy."""
    kept, styled, variation = parts
    calm = WEIGHTS["variation"] * variation
    return 3 * WEIGHTS["content"] * kept + WEIGHTS["style"] * styled + calm


def outside(made):
    """The charge of notebook 41 for values outside [-1, 1]."""
    return OUTSIDE * (made - made.clamp(-1, 1)).square().mean()


# %%
opt = torch.optim.Adam(net.train().parameters(), lr=run.lr, betas=(0.9, 0.99))
for x in run.train(run.batches(contents, run.batch), run.steps, net=net, opt=opt):
    run.anneal(opt)
    made = net(x)
    parts = losses(made, x)
    loss = total(parts) + outside(made)
    opt.zero_grad()
    loss.backward()
    opt.step()
    run.log(loss=loss, content=parts[0], style=parts[1])

# %% [markdown]
# Now paint the cat, and let the optimiser of notebook 41 paint it too.
# **Predict**: how many steps does the optimiser need until its loss is as low as your network's?
#
# To be fair, both get the same loss, that of this notebook, and the optimiser starts where the network does, from the recoloured photograph at full size.
# The network's time is the median of five passes; the optimiser's is counted by the step.


# %%
def fit(x, size):
    x = F.interpolate(x, size=size, mode="bicubic", antialias=True)
    return x.clamp(-1, 1)


def picture(name, longest):
    """A photograph or a picture file, [1, 3, H, W]; its longer side has that length."""
    known = name in photos.NAMES
    image = photos.open_photo(name) if known else photos.open_image(name)
    x = data.to_float(image[None]).to(run.device)
    return fit(x, [round(longest * n / max(x.shape[2:])) for n in x.shape[2:]])


# %%
content = picture(CONTENT, run.size)
in_colors = style.recolor(content, example)
wanted = style.Wanted(judge, in_colors, [example])  # the losses of notebook 41


def judged_as(x, example):
    """(style loss, content loss) of the content, painted in the style of an example."""
    with torch.no_grad():
        wanted = style.Wanted(judge, style.recolor(content, example), [example])
        kept, styled, _ = wanted.losses(x)
    return styled.item(), kept.item()


# %%
net.eval()
times = []
with torch.no_grad():
    for _ in range(5):
        began = time.perf_counter()
        quick = net(content).cpu().to(run.device)  # waits until a GPU is done
        times.append(time.perf_counter() - began)
    quick_loss = total(wanted.losses(quick)).item()
quick_seconds = sorted(times)[2]


# %%
def loss_of(x):
    return total(wanted.losses(x))


def optimise(x, steps):
    """The best picture seen by each step from x, and its loss; seconds a step."""
    best, began = [], time.perf_counter()
    style.minimise(loss_of, x, steps, watch=lambda *seen: best.append(seen[-1]))
    seconds = (time.perf_counter() - began) / steps
    with torch.no_grad():
        values = torch.tensor([loss_of(picture).item() for picture in best])
    return values.cummin(dim=0).values, best, seconds


lowest, best, step_seconds = optimise(in_colors, run.paint_steps)
reached = min(1 + int((lowest > quick_loss).sum()), run.paint_steps)
equal_seconds = reached * step_seconds

# %%
ways = {
    "network": (quick_seconds, quick),
    f"as low, {reached} steps": (equal_seconds, best[reached - 1]),
    f"all {run.paint_steps} steps": (run.paint_steps * step_seconds, best[-1]),
}
judged = {name: judged_as(x, example) for name, (_, x) in ways.items()}
all_losses = (quick_loss, lowest[reached - 1], lowest[-1])
rows = [
    (name, ways[name][0], loss, *judged[name])
    for name, loss in zip(ways, all_losses, strict=True)
]
tables.show(rows, ("", "seconds", "loss", "style loss", "content loss"))
if CHECKED:
    assert lowest[-1] < 0.8 * quick_loss and equal_seconds > 10 * quick_seconds
    assert 5 < reached < 25

# %%
pictures = torch.cat([content, *(x for _, x in ways.values())])
plots.show(
    plots.grid(pictures, cols=4, labels=["photograph", *ways]),
    alt="A photograph of a cat, its version by the network, the optimiser's version of "
    "the same loss, and the optimiser's version after more steps.",
    caption="The same photograph, painted at once and step by step.",
)

# %% [markdown]
# To the *same loss* the network is more than ten times faster, once it is trained.
# With its training counted it pays only from some dozens of pictures on, as the next cell says.
# (Beside all steps of the optimiser the factor would be larger, but they end at a lower loss: that is another picture.)
#
# And the gap in (1)?
# Let the optimiser go on from the network's painting: what it still gains is the least that the network left, on this one picture.

# %%
training = 60 * run.minutes_trained["train"]
pays_from = math.ceil(training / (equal_seconds - quick_seconds))
print(f"{training:.0f} s of training: it pays from picture {pays_from} on")

further, _, _ = optimise(quick, run.paint_steps)
steps = range(1, len(lowest) + 1)
fig = plots.lines(
    {
        "from the recoloured photograph": (steps, lowest),
        "from your network's painting": (steps, further),
    },
    xlabel="step of the optimiser",
    ylabel="lowest loss so far",
    ylim=(0, 3 * quick_loss),
)
fig.axes[0].axhline(quick_loss, color="black", linewidth=1)
plots.show(
    fig,
    alt="Two falling curves over the optimiser's steps: that from the network's "
    "painting begins far lower; a line marks the network's loss.",
    caption="The black line is the network's loss; it left at least what lies below.",
)
assert not CHECKED or (further[-1] < 0.8 * quick_loss and 12 < pays_from < 100)

# %% [markdown]
# ## Five styles in one network
#
# If a style is two numbers a channel, then five styles need five pairs a channel, and all convolutions can be shared (Dumoulin et al. 2017).
# Such a network comes with the course, for the five styles that the course draws: larger than yours, trained for 83 minutes (69 of them with plainly enlarged maps), with a lighter charge outside $[-1, 1]$, and with less weight on the content (2, then 0.8, then 0.7 times that of notebook 41, where yours had 3).
#
# Each style has one thing more there.
# A flat picture stays flat in every convolution: nothing says where a stroke should begin.
# A **canvas** tells the places apart: a learned texture of 64x64 places, 4x4 pixels each, which repeats over the scene like wallpaper.
# The network sees it beside the picture.
# (Ulyanov, Lebedev et al. 2016 show theirs noise.)
#
# What does each style own?
# Count.

# %%
five, known = pretrained.load_drawn_styles(run.device), pretrained.facts("drawn_styles")
assert round(known["minutes"]) == 83 and known["keep"] == [2.0, 0.8, 0.7, 0.7]
counts = {name: p.numel() for name, p in five.named_parameters()}
pairs = sum(n for name, n in counts.items() if name.endswith(("scale", "shift"))) // 5
canvas = five.canvas[0].numel()
print(f"shared by all styles: {sum(counts.values()) - 5 * (pairs + canvas):,} numbers")
print(f"of each alone: {pairs:,}, 12 for colours, and a canvas of {canvas:,}")


# %%
def like(x):
    """The upper part of x in the shape of the content."""
    h = round(x.shape[3] * content.shape[2] / content.shape[3])
    return fit(x[:, :, : min(h, x.shape[2])], content.shape[2:])


taught = {name: drawn(name) for name in styles.DRAWN}
with torch.no_grad():
    painted = {name: five(content, k) for k, name in enumerate(taught)}
rows = {
    "five styles": torch.cat([like(x) for x in taught.values()]),
    "the photograph in each": torch.cat([*painted.values()]),
}
fig = plots.grid(rows, cols=5)
plots.cover(fig)
plots.show(
    fig,
    alt="Five pictures: strokes, mosaic, woodcut, hatching and dots; below them a "
    "photograph of a cat painted in each.",
    caption="One network for all: strokes, mosaic, woodcut, hatching, dots.",
)

# %% [markdown]
# Nearly all that a style owns is its canvas.
# So who carries the style, the pairs or the canvas?
# **Predict**: what happens to a style that gets another one's canvas, or none, and to one that gets another one's pairs?


# %%
@torch.no_grad()
def changed(endings, change):
    """The network with `change` made to its numbers whose names end so."""
    other = copy.deepcopy(five)
    for name, p in other.named_parameters():
        if name.endswith(endings):
            p.copy_(change(p))
    return other


def others(p):
    return p.roll(1, 0)  # those of the style before


networks = five, changed("canvas", others), changed("canvas", torch.zeros_like)
networks += (changed(("scale", "shift"), others),)

# %%
rows = []
for k, (name, x) in enumerate(taught.items()):
    with torch.no_grad():
        made = [network(content, k) for network in networks]
    made.append(style.recolor(content, x))
    rows.append((name, *(judged_as(image, x)[0] for image in made)))
columns = ("all its own", "another's canvas", "none", "another's pairs", "recoloured")
tables.show(rows, ("style loss", *columns))
if CHECKED:
    for _, own, another, none, pairs, recolored in rows:
        assert own < min(another, none) and max(another, none) < 0.5 * recolored
        assert pairs > 5 * max(another, none)
    assert sum(pairs > recolored for *_, pairs, recolored in rows) >= 4

# %% [markdown]
# The pairs carry it: with another's pairs four of the five are no nearer to their style than recolouring brings them, although canvas and colours are their own.
# With another's canvas, or with none, each picture still comes far nearer to its style than recolouring brings it; the own canvas brings it nearer still.
# What does the canvas do, then?
# **Predict**: what does your network, which has none, paint from a plain grey picture, and what does this one?

# %%
grey = torch.zeros(1, 3, 128, 128, device=run.device)
with torch.no_grad():
    blank = [net(grey), *(five(grey, k) for k in range(5))]
plots.show(
    plots.grid(torch.cat(blank), cols=6, labels=["your network", *styles.DRAWN]),
    alt="Six paintings of a plain grey picture: one of a single colour, five textures.",
    caption="From a plain grey picture: one colour, or what the canvas holds.",
)
flat, *textured = [x.std((2, 3)).max().item() for x in blank]
assert flat < 1e-3 < 0.02 < min(textured)

# %% [markdown]
# **Explore.** Pairs, colours and canvases can be mixed.
# Move from one style to another.
# **Predict**: is the middle a double exposure (two paintings, one shining through the other), or something of its own?


# %%
def detail(x):
    """The middle of pictures [N, 3, H, W], half as high and half as wide."""
    h, w = x.shape[2] // 4, x.shape[3] // 4
    return x[..., h : 3 * h, w : 3 * w]


def mixture(first, second, share):
    """(numbers mixed, paintings mixed)"""
    mix = torch.zeros(1, 5)
    mix[0, styles.DRAWN.index(first)] += 1 - share
    mix[0, styles.DRAWN.index(second)] += share
    with torch.no_grad():
        return five(content, mix), torch.lerp(painted[first], painted[second], share)


# %%
def between(first, second, share):
    made = torch.cat([painted[first], *mixture(first, second, share), painted[second]])
    labels = [first, f"numbers, {share:.0%} {second}", "double exposure", second]
    return plots.grid(detail(made), cols=4, labels=labels)


explore(
    between,
    alt="A part of the photograph in one style, in two mixtures, and in another style.",
    caption="Second: the numbers are mixed. Third: the finished paintings are.",
    first=["mosaic", *styles.DRAWN],
    second=["strokes", *styles.DRAWN],
    share=(0.0, 1.0, 0.5),
)

# %% [markdown]
# Measure how much the two in the middle correlate, and how much **local contrast** each has, the mean standard deviation in windows of 9x9 pixels.


# %%
def local_contrast(x, side=9):
    mean, square = (F.avg_pool2d(v, side, stride=1) for v in (x, x**2))
    return (square - mean**2).clamp(min=0).sqrt().mean().item()


def correlation(a, b):
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()


rows = []
for first, second in (
    ("mosaic", "strokes"),
    ("woodcut", "hatching"),
    ("dots", "mosaic"),
):
    made = mixture(first, second, 0.5)
    once, twice = (local_contrast(x) for x in made)
    alike = correlation(*made)
    rows.append((f"{first} and {second}", once, twice, alike))
    assert not CHECKED or (once > 1.05 * twice and alike > 0.6)
tables.show(rows, ("contrast", "numbers mixed", "double exposure", "correlation"))

# %% [markdown]
# The mixture is much like a double exposure, but painted once, and keeps more contrast.
#
# ## Any style
#
# Take the two numbers a channel from a picture that was never seen: encode content and style with a fixed network, give the content's maps the style's means and deviations, and let a trained **decoder** turn the change of the maps into a change of the pixels (after Huang and Belongie 2017).
#
# Let $\mathrm{enc}$ be the encoder (the first three stages of the feature network), $\mathrm{dec}$ the decoder, $\alpha$ from 0 to 1 the share of the style, $c_\alpha$ the photograph with that share of the style's colours, and $t = \mathrm{AdaIN}(\mathrm{enc}(c_\alpha), \mathrm{enc}(s))$:
#
# $$x = c_\alpha + \mathrm{dec}\big((1 - \alpha) \mathrm{enc}(c_\alpha) + \alpha\, t\big) - \mathrm{dec}\big(\mathrm{enc}(c_\alpha)\big). \tag{3}$$
#
# At $\alpha = 0$ this is the photograph, whatever $\mathrm{dec}$ has learned.
# $\mathrm{dec}$ was trained at $\alpha = 1$: $\mathrm{enc}(x)$ should come near $t$, and the means and deviations of all maps near the style's.
# For several styles with weights $w_j$, $\alpha\, t$ becomes $\sum_j w_j t_j$, and $\alpha$ their sum.
#
# **Whitening and colouring** (Li et al. 2017b) is its cousin from linear algebra: it exchanges the whole covariance, not only the diagonal.
# Let $\bar F$ be the maps without their means, a column for each place, $\Sigma = \frac{1}{HW} \bar F \bar F^\top$ their covariance, with an index for content or style, and $\mu_s$ the style's means.
# With $\Sigma = V\, \mathrm{diag}(\lambda)\, V^\top$, its symmetric powers are $\Sigma^p = V\, \mathrm{diag}(\lambda^p)\, V^\top$:
#
# $$F' = \Sigma_s^{1/2}\, \Sigma_c^{-1/2}\, \bar F_c + \mu_s. \tag{4}$$
#
# A matrix $A$ turns the covariance $\Sigma$ into $A \Sigma A^\top$.
# So, if $\Sigma_c$ can be inverted, that of $F'$ is $\Sigma_s^{1/2} \Sigma_c^{-1/2} \Sigma_c \Sigma_c^{-1/2} \Sigma_s^{1/2} = \Sigma_s$; since the means agree too, the *maps* have exactly the style's Gram matrix (notebook 16, equation 4).
#
# First (4) to the last digit, on random maps of full rank.


# %%
def covariance(f):
    return f[0].flatten(1).cov(correction=0)


a, b = (torch.randn(1, 8, n, n, dtype=torch.float64).exp() for n in (12, 9))
difference = covariance(style.whiten_color(a, b)) - covariance(b)  # (4)
errors["whitened"] = difference.abs().max().item()
assert errors["whitened"] < 1e-10

# %% [markdown]
# Four styles to try.
# The decoder has seen none of these pictures, and nothing in the style dots; nights and woodcuts it knows from other seeds, bricks and other round spots from drawn materials.
# (Its encoder was trained on all five styles and on this wall; it is also the network that the style loss is measured in.)
# Beside AdaIN and whitening stands what both contain: the photograph *merely recoloured*.

# %%
any_style = pretrained.load_any_style(run.device)
examples = {
    "dots": drawn("dots", 3),
    "wall": picture("brick", 256),
    "night": drawn("strokes", 99),
    "woodcut": taught["woodcut"],
}


def three_ways(x):
    """The photograph in the style of x."""
    with torch.no_grad():
        adain = any_style(content, x)
        white = any_style(content, x, transform=style.whiten_color)
    return {"recoloured": style.recolor(content, x), "AdaIN": adain, "whitened": white}


# %%
made = {name: three_ways(x) for name, x in examples.items()}
rows = {"style": detail(torch.cat([*map(like, examples.values())]))}
for way in made["wall"]:
    rows[way] = detail(torch.cat([made[name][way] for name in made]))
plots.show(
    plots.grid(rows, cols=4),
    alt="Parts of four styles; below each a part of the photograph, merely recoloured, "
    "by AdaIN, and by whitening and colouring.",
    caption="One decoder for all. Compare each picture with the recoloured one.",
)

# %% [markdown]
# How near does each come to the style, and what does it cost in content?
# (The content loss is measured from the recoloured photograph, whose own is 0.)


# %%
rows, prices = [], {}
for name, x in examples.items():
    judgements = [judged_as(image, x) for image in made[name].values()]
    prices[name] = styled, kept = list(zip(*judgements, strict=True))
    rows.append((name, *styled, *kept[1:]))
columns = ("style loss", *made["wall"], "content, AdaIN", "content, whitened")
tables.show(rows, columns)

# %%
yours = judged_as(quick, example)
print(f"your network, {STYLE}: style loss {yours[0]:.3f}, content loss {yours[1]:.2f}")
if CHECKED:
    for (_, adain, white), (_, kept_by_adain, kept_by_white) in prices.values():
        assert white < adain and kept_by_white > kept_by_adain
    only_colors, adain, _ = prices["wall"][0]
    assert adain > 0.97 * only_colors
    style_losses, content_losses = prices[STYLE]
    assert yours[0] < 0.5 * style_losses[2] and yours[1] > content_losses[2]

# %% [markdown]
# How much AdaIN adds to mere recolouring differs from style to style; on the wall it comes no nearer.
# Whitening comes nearer to all four styles than AdaIN and gives up more of the content.
# A network for one style comes nearer than either, and gives up still more of the content.
# But it was trained on just this loss; the decoder was trained on means and deviations.
#
# So compare ways, not points: each has a dial.
# $\alpha$ in (3) for AdaIN and for whitening (from the recoloured photograph, so that hardly anything but the maps changes), the number of steps for the optimiser.

# %%
ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)


def along_alpha(transform):
    """(content losses, style losses)"""
    with torch.no_grad():
        made = [any_style(in_colors, example, a, transform) for a in ALPHAS]
    styled, kept = zip(*(judged_as(x, example) for x in made), strict=True)
    return kept, styled


dials = {"AdaIN": along_alpha(style.adain)}
dials["whitening"] = along_alpha(style.whiten_color)
steps = [k for k in (1, 2, 3, 5, 8, 12, 20, 30, 50) if k <= len(best)]
styled, kept = zip(*(judged_as(best[k - 1], example) for k in steps), strict=True)
dials["optimiser, by steps"] = kept, styled

# %%
fig = plots.lines(dials, "content loss", "style loss", yscale="log")
fig.axes[0].plot(yours[1], yours[0], "o", color="black")
plots.show(
    fig,
    alt="Three falling curves in the plane of content and style loss, and a point for "
    "your network.",
    caption="Further down and to the left is better. The point is your network.",
)


def nearest_to_style(way, content_loss):
    """The least style loss of a way up to a content loss."""
    return min(s for c, s in zip(*dials[way], strict=True) if c <= content_loss)


if CHECKED:
    end, by_adain = dials["AdaIN"][0][-1], dials["AdaIN"][1][-1]
    by_white = nearest_to_style("whitening", end)
    assert nearest_to_style("optimiser, by steps", end) < by_white < by_adain
    assert yours[1] > max(kept) and min(styled) < yours[0] < max(styled)

# %% [markdown]
# At equal content whitening comes a little nearer to the style than AdaIN, and the optimiser nearer than both.
# Your network lies off the optimiser's path: further from the content, at a style loss that the path passes by.
#
# How much of the exactness of (4) outlives the decoder?
# **Predict**, then encode the decoded pictures again and compare their covariance with the style's.


# %%
def encoded(x):
    with torch.no_grad():
        return any_style.encode(x)[-1].double()  # [1, 128, h, w]


def off(f, target):
    """How far the covariance of maps is from another's, relative to it."""
    target = covariance(target)
    return ((covariance(f) - target).norm() / target.norm()).item()


# %%
rows = []
for name, x in examples.items():
    target, before = encoded(x), encoded(made[name]["recoloured"])
    white = style.whiten_color(before, target)
    after = encoded(made[name]["whitened"])
    rows.append((name, *(off(f, target) for f in (before, white, after))))
tables.show(rows, ("covariance off", "recoloured", "whitened maps", "decoded, encoded"))
assert max(row[2] for row in rows) < 1e-3
if CHECKED:
    assert min(row[3] / row[1] for row in rows) > 0.4
    assert all((row[3] < 0.9 * row[1]) == (row[0] != "wall") for row in rows)

# %% [markdown]
# On the wall nothing, elsewhere a part: the maps match to many digits, the pictures that the decoder makes of them do not.
# It was trained on AdaIN's maps and is only loaded here.
#
# ## A film
#
# Pan a camera over a photograph: from frame to frame it moves down by one row and right by three columns, so that the scene moves up and to the left, and the sensor adds a little noise.
# Paint frame by frame and look at one place of the *scene*: it changes, though nothing did.
#
# Let $u_1, \ldots, u_T$ be the painted frames, and $M(u_t)$ frame $t$ moved along to where the scene is in frame $t + 1$; the motion is known here.
# **Flicker** is what is left, a mean over all places that both show:
#
# $$\mathrm{flicker} = \frac{1}{T - 1} \sum_t \big\langle \big(u_{t+1} - M(u_t)\big)^2 \big\rangle. \tag{5}$$

# %%
STEP = (1, 3)  # rows and columns from frame to frame
wide = picture("coffee", run.size)[0].cpu()
size = wide.shape[1] - run.frames, wide.shape[2] - 3 * run.frames  # of a frame


def pan(step, noise, frames):
    """A film [T, 3, h, w] of a photograph that moves past."""
    return style.pan(wide, size, frames, step, noise)[0]


def film_of(network, scene, step=STEP, held=False):
    """The painted film [T, 3, h, w]; held: by the third cure below."""
    scene = scene.to(run.device)  # the first frame's colours stand for all
    frames = []
    for k, x in enumerate(scene):
        place = [k * n if held else 0 for n in step]
        with torch.no_grad():
            frames.append(network.eval()(x[None], 0, scene[:1], place).cpu())
    return torch.cat(frames)


# %%
scene = pan(STEP, 0.02, run.frames)
films = {"frame by frame": film_of(net, scene)}
before, after = style.overlap(*films["frame by frame"][:2], STEP)
change = (3 * (after - before).abs() - 1).clamp(-1, 1)
labels = ["frame 1, moved along", "frame 2", "where they differ (3 times)"]
plots.show(
    plots.grid(detail(torch.stack([before, after, change])), cols=3, labels=labels),
    alt="A part of two painted frames that look much the same, and their difference: "
    "strokes in many places.",
    caption="The same scene, painted twice. Strokes fall a little differently.",
)

# %% [markdown]
# Who did it?
# The colours are innocent: all frames take those of the first.
# There are two suspects, the noise and the network's grid: blocks of 4x4 pixels that are fixed to the *frame*.
# Move a picture by 4 pixels, and its maps at a quarter of the size move by 1 place; every layer treats all places the same.
# Move it by 3, and no whole number of places fits.
#
# We look away from the borders, where something new comes into sight.
# **Predict**: which of these three films flickers most?


# %%
def flicker(film, step=STEP):
    """(5), away from the borders."""
    edge = run.size // 10
    return style.flicker(film[..., edge:-edge, edge:-edge], step)


suspects = {
    "still camera, with noise": ((0, 0), 0.02),
    "by 4 rows and 4 columns, no noise": ((4, 4), 0.0),
    "by 1 row and 3 columns, no noise": (STEP, 0.0),
}
guilt = {}
for name, (move, noise) in suspects.items():
    film = pan(move, noise, run.frames // 4 + 1)
    guilt[name] = flicker(film_of(net, film, move), move)
tables.show(list(guilt.items()), ("film", "flicker"))
noise, four, three = guilt.values()
assert not CHECKED or (three > 5 * max(noise, four) and four < noise)

# %% [markdown]
# The grid.
# The camera moves, the blocks go with the camera, and each stroke is decided again.
# (By 4 and 4 a little is left, less than by the noise.)
#
# **Cure 1: blend.** Carry the last frame along with the motion and mix it in: $b_t = \rho\, M(b_{t-1}) + (1 - \rho)\, u_t$.
# Say each frame is a steady film plus an error, independent from frame to frame, of variance $\tau^2$.
# Two neighbours then differ by two such errors: $\mathrm{flicker}(u) = 2 \tau^2$.
#
# In the long run the blend's error has a variance $v = \rho^2 v + (1 - \rho)^2 \tau^2$; with $1 - \rho^2 = (1 - \rho)(1 + \rho)$ that is $v = \frac{1 - \rho}{1 + \rho} \tau^2$.
# Since $b_t - M(b_{t-1}) = (1 - \rho)\,(u_t - M(b_{t-1}))$, and the errors of $u_t$ and $b_{t-1}$ are independent,
#
# $$\mathrm{flicker}(b) = (1 - \rho)^2 \Big(\tau^2 + \frac{1 - \rho}{1 + \rho}\,\tau^2\Big) = \frac{(1 - \rho)^2}{1 + \rho}\, \mathrm{flicker}(u). \tag{6}$$
#
# Independent errors, no motion: does the library's `blend` keep to (6)?

# %%
KEEP = 0.4
g = torch.Generator().manual_seed(run.seed)
noise = torch.randn(200, 1, 1, 4000, generator=g, dtype=torch.float64)  # [T, ...]
calm = style.blend(noise, (0, 0), KEEP)[50:]
ratio = style.flicker(calm, (0, 0)) / style.flicker(noise[50:], (0, 0))
expected = (1 - KEEP) ** 2 / (1 + KEEP)  # (6)
print(f"flicker falls to {ratio:.4f} of what it was, expected {expected:.4f}")
assert abs(ratio / expected - 1) < 0.02

# %% [markdown]
# The errors of a painted film need not be independent; the table below shows how near (6) comes.
# And why not $\rho = 0.99$?
# A mixture of strokes that do not match is a blur: watch the style loss in the table below.
#
# **Cure 2: train.** Show the network two neighbouring frames and charge it for their difference: $\mathcal{L} + \kappa \big\langle (f_\theta(c') - M(f_\theta(c)))^2 \big\rangle$, where $c'$ is $c$ moved by a few pixels, with other noise, and $\kappa = 20$ (after Ruder et al. 2016, who charge an optimiser so).
#
# So it should place its strokes by what it sees instead of by its grid.
# A copy that is trained on in the same way with $\kappa = 0$ shows what the charge did, and what the longer training alone. Two seeds each.


# %%
def neighbours(x, g):
    """(frame, two noisy frames of a moving camera, the step between them)"""
    dy, dx = torch.randint(0, 6, (2,), generator=g).tolist()
    before, after = x[..., : x.shape[2] - dy, : x.shape[3] - dx], x[..., dy:, dx:]
    noise = 0.02 * torch.randn(2, *before.shape, generator=g).to(run.device)
    return before, before + noise[0], after + noise[1], (dy, dx)


def steady_loss(network, x, kappa, g):
    before, one, other, step = neighbours(x, g)
    first, second = network(one, 0, before), network(other, 0, before)
    there, here = style.overlap(first, second, step)  # the same places of the scene
    charge = kappa * (there - here).square().mean()
    return total(losses(first, before)) + outside(first) + charge


# %%
def train_on(kappa, seed):
    """A copy of the network, trained on for a few steps on neighbouring frames."""
    network, g = copy.deepcopy(net).train(), torch.Generator().manual_seed(seed)
    opt = torch.optim.Adam(network.parameters(), lr=run.lr / 4, betas=(0.9, 0.99))
    kept = {"label": f"kappa_{kappa:g}_{seed}", "network": network, "opt": opt, "g": g}
    for x in run.train(run.batches(contents, run.batch), run.short_steps, **kept):
        run.anneal(opt)
        loss = steady_loss(network, x, kappa, g)
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    return network


# %% [markdown]
# **Cure 3: hold the grid to the scene.** Let $S_d$ move a picture by $d = (d_1, d_2)$ rows and columns.
# But for the borders, and for the statistics of instance norm, the network obeys
#
# $$f_\theta(S_{4d}\, c) = S_{4d}\, f_\theta(c), \qquad d \in \mathbb{Z}^2. \tag{7}$$
#
# So let each frame begin where a block of the scene begins.
# If it starts at row $o$ of the scene, extend it upwards by $o \bmod 4$ mirrored rows, likewise to the left, and downwards and to the right until the sides are multiples of 4; paint; cut off what was added.
# A frame that begins at row 11 gets 3 rows above it, and so begins at row 8.
#
# This is `origin`; it costs a few rows and columns.
# With a canvas, (7) holds only if it moves along: the same `origin` lays it over the scene.
#
# All cures in one table, with their price.

# %%
for keep in (0.2, KEEP, 0.6):
    films[f"blended, {keep:g}"] = style.blend(films["frame by frame"], STEP, keep)
for kappa in (0, 20):
    for seed in range(min(2, run.seeds)):
        films[f"kappa {kappa}, seed {seed}"] = film_of(train_on(kappa, seed), scene)
films["held"] = film_of(net, scene, held=True)
films["held and blended"] = style.blend(films["held"], STEP, KEEP)


def style_of(film):
    """The style loss of the last frames."""
    with torch.no_grad():
        return losses(film[-4:].to(run.device), scene[-4:].to(run.device))[1].item()


styled = {name: style_of(film) for name, film in films.items()}

# %%
flickers = {name: flicker(film) for name, film in films.items()}
share = {name: value / flickers["frame by frame"] for name, value in flickers.items()}
borders = {name: style.flicker(film, STEP) for name, film in films.items()}
quiet = flicker(film_of(net, pan(STEP, 0.0, run.frames), held=True))  # no noise
rows = [(k, flickers[k], share[k], borders[k], styled[k]) for k in films]
rows.append(("held, without noise", quiet, quiet / flickers["frame by frame"], "", ""))
tables.show(rows, ("film", "flicker", "share", "with borders", "style loss"))
if CHECKED:
    charged = [name for name in films if name.startswith("kappa 20")]
    others = [name for name in films if name.startswith("kappa")]
    assert 0.08 < share["held"] < 0.14 and share["held"] < 0.7 * share["blended, 0.4"]
    assert share["held"] < 0.7 * min(share[name] for name in others)
    for name in charged:
        control = name.replace("kappa 20", "kappa 0")
        assert share[name] < 0.8 * share[control]
    assert quiet < 0.2 * flickers["held"]
    assert borders["held"] > 1.3 * borders["blended, 0.4"] > 2 * flickers["held"]
    assert share["held and blended"] < 0.6 * share["held"]
    more = {k: v / styled["frame by frame"] for k, v in styled.items()}
    assert more["held and blended"] / more["held"] < 0.95 * more["blended, 0.4"]
    assert more["blended, 0.6"] > 1.4 and share["blended, 0.6"] > 0.5 * share["held"]


# %%
def unrest(film):
    """Where a film changes beside its motion, six times, mean over time: [3, h, w]."""
    before, after = style.overlap(film[:-1], film[1:], STEP)
    return (6 * (after - before).abs().mean(dim=0) - 1).clamp(-1, 1)


seen = ("frame by frame", "blended, 0.4", "held")
plots.show(
    plots.grid(torch.stack([unrest(films[k]) for k in seen]), 3, labels=seen, width=6),
    alt="Three pictures of where the film changes: in most places, in the same places "
    "less, and at the left, right and bottom border most of all.",
    caption="Bright: what changes from frame to frame.",
)
if CHECKED:
    by_frame = styled["frame by frame"]
    assert styled["held"] < 1.02 * by_frame
    assert 0.8 < share["blended, 0.6"] / share["held"] < 1.25
    assert styled["blended, 0.6"] > 1.7 * styled["held"]
    assert min(styled[name] for name in others) > 1.05 * by_frame
    edge, held = run.size // 20, unrest(films["held"]) + 1
    sides = held[..., :edge], held[..., -edge:], held[:, -edge:]
    assert (
        min(part.mean() for part in sides) > 2 * held[:, edge:-edge, edge:-edge].mean()
    )

# %% [markdown]
# The main cause is removed, so the strokes stay.
# Away from the borders the held film keeps about a tenth of the flicker, at a style loss that is no higher, and without noise next to nothing.
# But "away from the borders" leaves out nearly half of the frame.
# Counted with its borders the held film flickers more than one blended with $\rho = 0.4$: there the network sees a mirror image in place of the scene.
#
# Blending smears strokes that do not match, and pays with the style loss: inside, to calm about as much as holding it needs $\rho = 0.6$, at more than 1.7 times the style loss of holding.
# Training with the charge, at this $\kappa$ and for so few steps, calms less than holding does inside, and training on costs style, with the charge or without it; but such a network needs to know no motion.
# Blending what is held calms it further, and costs less style than blending the first film.
#
# One thing has been on the side of cure 3: this camera moves by whole pixels, and (7) knows no others.
# But the grid can be held to a camera that moves by parts of a pixel, too: look at the photograph as it would be seen from the next whole pixels (each new pixel is a weighted sum of its neighbours, by a sinc under a wider one), paint *that*, and move the painting back in the same way.
# The network does so where `origin` is not whole.
#
# A scene at twice the size, moved by one pixel and then halved, is a film that moves by half pixels.
# **Predict**: how much does holding help it, if the grid is held to the whole pixel before, and if it is held exactly?
# (No noise here. The first column is the film before it is painted: half a pixel can only be undone by interpolation, so (5) finds something even there.)


# %%
fine = picture("coffee", 2 * run.size)[0].cpu()


def half_way(step):
    """(5) of a film: not painted, frame by frame, held to whole pixels, exactly."""
    film, _ = style.pan(fine, size, min(8, run.frames), step, noise=0.0, finer=2)
    rounded = []
    for k, x in enumerate(film.to(run.device)):
        place = [math.floor(k * n) for n in step]
        with torch.no_grad():
            rounded.append(net(x[None], 0, film[:1].to(run.device), place).cpu())
    exactly = film_of(net, film, step, held=True)
    ways = film, film_of(net, film, step), torch.cat(rounded), exactly
    return [flicker(made, step) for made in ways]


# %%
halves = {step: half_way(step) for step in ((0.5, 0.5), (0.5, 1.5))}
columns = ("step", "not painted", "frame by frame", "held to whole pixels", "exactly")
tables.show([(str(step), *values) for step, values in halves.items()], columns)
half = max(exactly / free for _, free, _, exactly in halves.values())
if CHECKED:
    assert half < 0.3 and all(e < 1.5 * plain for plain, _, _, e in halves.values())
    assert halves[0.5, 0.5][2] > 0.95 * halves[0.5, 0.5][1]

# %% [markdown]
# Held to whole pixels, the film by (0.5, 0.5) is no calmer than frame by frame.
# Held exactly, about a quarter or less is left in either film, and that is about 1.4 times what (5) finds before painting.
# (The price: frames that do not begin at a whole pixel are interpolated twice.)
#
# Blending and holding also need the motion, which for a real film has to be estimated: `style.motion` does that with scikit-image, and `genimg stylize film.gif mosaic -o painted.gif --fast` estimates it, holds grid and canvas to it, and blends.


# %%
def shot(frame, film):
    pair = torch.stack([films["frame by frame"][frame - 1], films[film][frame - 1]])
    return plots.grid(pair, cols=2, labels=["frame by frame", film], width=5.5)


explore(
    shot,
    alt="A frame of the film, painted frame by frame, and by a cure.",
    caption="Drag through the film, and look at one place.",
    frame=(1, run.frames, 1),
    film=["held and blended", *films],
)

# %% [markdown]
# ## Break it
#
# Change one thing at a time, for the same number of short steps, with two seeds each.
# **Predict** which picture shows it.
# (These networks are not told the style's colours: a picture goes in as it is.)
#
# The table shows, beside the two losses: how much the painting changes if the photograph is dull and dark, the standard deviation of a painting of plain grey, and the **lattice**, how many times more power the paintings of three photographs have at periods of 4 pixels (and halves and diagonals of it) than around them.
#
# - **a** batch norm instead of instance norm
# - **b** zeros at the borders
# - **c** maps enlarged plainly, and (2) over all places together
# - **d** no content loss
# - **e** one piece of one photograph instead of many


# %%
def small_network(change, seed):
    torch.manual_seed(run.seed + seed)
    network = style.StyleNet(width=24, blocks=3)
    for module in network.modules():
        if change == "a" and isinstance(module, style.fast.Block):
            module.norm = nn.BatchNorm2d(module.scale.shape[1], affine=False)
        if change == "c" and isinstance(module, style.fast.Block):
            module.norm = F.instance_norm
            if not isinstance(module.enlarge, nn.Identity):
                module.enlarge = nn.Upsample(scale_factor=2, mode="bilinear")
        if change == "b" and isinstance(module, nn.Conv2d):
            module.padding_mode = "zeros"
    return network.to(run.device)


# %%
def small_loss(change, made, x):
    kept, styled, variation = losses(made, x)
    if change == "d":
        kept = 0.0 * kept
    return total((kept, styled, variation)) + outside(made)


# %%
one_piece = photos.crops(1, run.side, names=("astronaut",)).expand(64, -1, -1, -1)


def short_training(change, seed):
    network = small_network(change, seed)
    opt = torch.optim.Adam(network.parameters(), lr=2 * run.lr, betas=(0.9, 0.99))
    batches = run.batches(one_piece if change == "e" else contents, run.batch)
    kept = {"label": f"broken_{change}", "network": network, "opt": opt}
    for x in run.train(batches, run.short_steps, **kept):
        loss = small_loss(change, network(x), x)
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    return network.eval()


# %%
CHANGES = ("right", "a: batch norm", "b: zeros", "c: plain", "d: no content", "e: one")
unseen = [photos.square(photos.open_photo(name), 256) for name in KEPT]
unseen = data.to_float(torch.stack(unseen)).to(run.device)
inputs = content, 0.3 * content - 0.3, grey, unseen  # as it is, dull, plain, three
versions = {name[0]: [] for name in CHANGES}
for name in CHANGES:
    for seed in range(run.seeds):
        network = short_training(name[0], seed)
        with torch.no_grad():
            versions[name[0]].append([network(x) for x in inputs])
        if name[0] == "a" and seed == 0:  # with the statistics of the one picture
            with torch.no_grad():
                own = [copy.deepcopy(network).train()(x) for x in inputs[:2]]
                own = [x.clamp(-1, 1) for x in own]


# %%
def facts(x, dull, plain, three):
    apart, flat = (x - dull).square().mean().item(), plain.std((2, 3)).max().item()
    return *judged_as(x, example), apart, flat, style.lattice(three, 4)


broken, rows = {}, []
for name in CHANGES:
    broken[name[0]] = list(zip(*(facts(*v) for v in versions[name[0]]), strict=True))
    shown = [", ".join(f"{v:.2g}" for v in values) for values in broken[name[0]]]
    rows.append((name, *shown))
losses_of = "style loss", "content loss"
columns = ("by seed", *losses_of, "change if dull", "from grey", "lattice")
tables.show(rows, columns)
by_itself = (own[0] - own[1]).square().mean().item()
print(f"a, seed 0, with the statistics of the one picture: {by_itself:.2g}")

# %%
styled, kept, if_dull, from_grey, regular = zip(*broken.values(), strict=True)
if CHECKED:
    assert min(if_dull[1]) > 4 * max(if_dull[0])
    assert by_itself < 0.5 * if_dull[1][0] and min(if_dull[5]) > 3 * max(if_dull[0])
    assert max(from_grey[0]) < 1e-3 < 0.02 < min(from_grey[2])
    assert min(styled[5]) > 1.2 * max(styled[0]) and min(kept[4]) > max(kept[0])
    assert max(styled[4]) > min(styled[0])
    assert min(styled[4]) < max(styled[0]) and min(regular[3]) > 2 * max(regular[0])
    from_zeros = versions["b"][0][2]
    apart = (from_zeros - from_zeros[..., 64:65, 64:65]).abs()
    assert apart[..., :8, :].mean() > 2 * apart[..., 32:-32, 32:-32].mean()

# %%
pictures = [detail(versions[name[0]][0][0]) for name in CHANGES]
pictures += [detail(versions[k][0][1]) for k in "ra"]
(h, w) = pictures[0].shape[2:]
enlarged = fit(versions["b"][0][2], (max(h, w),) * 2)
pictures.append(enlarged[..., :h, :w])  # its upper edge
labels = [*CHANGES, "right, if dull", "a, if dull", "b, from grey"]
plots.show(
    plots.grid(torch.cat(pictures), cols=3, labels=labels),
    alt="A part of six networks' versions of the photograph; of two versions of a dull "
    "one; and the upper part of what the network with zeros makes of plain grey.",
    caption="The photograph by each network, a dull one by two, plain grey by one.",
)

# %% [markdown]
# - **a** Batch norm uses the averages that it saw in training: a dull photograph gives another picture. Most of that change is their doing, as the last line shows. (Here a batch has 2 pictures. And the separate places of a block are given up, too.)
# - **b** Zeros are an edge, and it is painted: even of a plain grey picture this network makes something that is not plain, at its edge most of all.
# - **c** The old grid is there: hard to see in the part shown, but in both seeds more than twice as strong as the right network's.
# - **d** The photograph's maps are given up, and for nothing that two seeds show: their style losses overlap with the right ones.
# - **e** One piece only: on another photograph the style loss is higher than the right network's, and a dull one is painted otherwise.
#
# Read style and content together: a low content loss may only mean that less was painted.
# And compare the seeds of a row before you compare rows.
#
# **What came after.** Attention in place of moments: each place of the content takes the style's maps from where they are like its own (Park and Lee 2019).
# Films need more than a known pan: where something comes into sight there is nothing to hold to, so one marks what was hidden, and looks farther back than one frame (Ruder et al. 2016).
#
# And a diffusion model (notebook 51) that was trained on very many pictures takes a style from a single picture while it draws, if its attention looks there too (Hertz et al. 2023).

# %%
run.report(
    largest_error=max(errors.values()),
    style_optimised=judged[f"all {run.paint_steps} steps"][0],
    style_one_pass=judged["network"][0],
    seconds_one_pass=quick_seconds,
    seconds_equal_loss=equal_seconds,
    steps_equal_loss=reached,
    flicker_share_held=share["held"],
    held_at_half_a_pixel=half,
)
run.expect(largest_error=("<", 1e-10), style_one_pass=("<", (2.0, 0.5, 0.2)))
run.expect(flicker_share_held=("<", (1.5, 0.4, 0.4)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/42_fast_style.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* Instance norm.
# 2. ★ *(5 minutes)* How much blending?
# 3. ★★ *(10 minutes)* Flicker.
# 4. ★★ *(10 minutes)* Hold the grid.
# 5. ★★ *(10 minutes)* White: the symmetric root.
# 6. ★★ *(10 minutes)* To think about: can the network beat the optimiser?
#
# To try here *(10 minutes each)*: `STYLE = "hatching"`; or, in place of `drawn(STYLE)`, a picture of yours, `data.to_float(styles.open_style("PATH")[None]).to(run.device)`.
# Which styles does a small network learn quickly?
# And: a style that you only like half, by `any_style(content, example, 0.5)`.
#
# ## What to remember
#
# - Optimise once, over many pictures, instead of for each: amortisation. The losses are those of notebook 41.
# - How much faster? Compare at the same loss, or you compare two pictures.
# - Instance norm forgets the contrast of the content; its scale and shift carry most of a style, and can be mixed, or taken from any picture (AdaIN).
# - From a flat picture convolutions make a flat one; a canvas makes places differ, so that strokes can begin there.
# - Whitening and colouring exchanges the whole covariance of the maps. How much of it reaches the picture, the decoder decides.
# - A film needs more than good frames: measure flicker, look for its cause, and hold the grid to the scene, to parts of a pixel.
#
# ## Further reading
#
# - J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, 2016, arXiv:1603.08155.
# - D. Ulyanov, V. Lebedev, A. Vedaldi, V. Lempitsky, *Texture Networks: Feed-forward Synthesis of Textures and Stylized Images*, 2016, arXiv:1603.03417.
# - D. Ulyanov, A. Vedaldi, V. Lempitsky, *Instance Normalization: The Missing Ingredient for Fast Stylization*, 2016, arXiv:1607.08022.
# - C. Cremer, X. Li, D. Duvenaud, *Inference Suboptimality in Variational Autoencoders*, 2018, arXiv:1801.03558.
# - V. Dumoulin, J. Shlens, M. Kudlur, *A Learned Representation For Artistic Style*, 2017, arXiv:1610.07629.
# - X. Huang, S. Belongie, *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, 2017, arXiv:1703.06868.
# - Y. Li, C. Fang, J. Yang, Z. Wang, X. Lu, M.-H. Yang, *Universal Style Transfer via Feature Transforms*, 2017b, arXiv:1705.08086.
# - M. Ruder, A. Dosovitskiy, T. Brox, *Artistic style transfer for videos*, 2016, arXiv:1604.08610.
# - D. Y. Park, K. H. Lee, *Arbitrary Style Transfer with Style-Attentional Networks*, 2019, arXiv:1812.02342.
# - A. Hertz, A. Voynov, S. Fruchter, D. Cohen-Or, *Style Aligned Image Generation via Shared Attention*, 2023, arXiv:2312.02133.
