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
# # 33 Codes: a VQ-VAE with a prior that draws
#
# *You will turn an image into 64 whole numbers and back, learn through a step whose gradient is 0, count codes, train two models that write such numbers, and pack a thousand images into a file as short as their nats say.*
#
# ![One row of real portraits and, below, two rows drawn by the course's model, by the causal and by the masked prior: clear faces with hats, hair and glasses.](../data/pictures/33_vq_vae.webp)
#
# **You need** notebooks 12, 13, 31 and 32.
# The table below says how long it takes on which machine, and what to expect (fd rebuilt: of reconstructions; fd: of samples by the causal prior after a minute; file ratio: a coded file against its ideal length).
# What the text says about results is checked where `CHECKED` is true: in the profile cpu, on portraits.

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
import tempfile
import time
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, layers, metrics, plots, pretrained, results, tables, vae
from genimg_lib.data import portraits
from genimg_lib.prior import (
    CausalPrior,
    MaskedPrior,
    draw,
    gumbel,
    read_codes,
    write_codes,
)
from genimg_lib.training import start
from genimg_lib.vae import codes
from genimg_lib.widgets import explore

DATA = "portraits"  # or "fashion_mnist", "folder:PATH"

# %%
run = start(
    "33_vq_vae",
    images=(1_000, 30_000, 60_000),
    levels=(7, 5, 5, 5),
    width=(16, 64, 128),
    steps=(15, 600, 20_000),
    batch=(16, 64, 512),
    lr=2e-3,
    precision="auto",
    prior_width=(32, 128, 256),
    prior_steps=(10, 400, 20_000),
    prior_batch=(16, 64, 256),
    short_steps=(5, 120, 1_000),
    samples=(300, 2_000, 2_000),
)
CHECKED = run.profile == "cpu" and DATA == "portraits"  # what the text says holds
print(f"profile {run.profile}, on {run.device}")
tables.show_expected("33_vq_vae", "fd_rebuilt", "fd", "file_ratio")

# %% [markdown]
# ## Why
#
# In notebook 32 an image was one vector of real numbers, and the prior one normal distribution: too simple, for samples were much worse than reconstructions, until we said what to draw.
# Here an image becomes a *grid of tokens*, whole numbers from 0 to $K - 1$, one for each patch of 4x4 pixels.
# The decoder turns any grid into an image; how many grids are there, and how much shorter than the image is one?

# %%
train = data.load(DATA, "train", n=run.images)
test = data.load(DATA, "test", n=run.samples)
channels, size = train.images.shape[1:3]
K, places = math.prod(run.levels), (size // 4) ** 2
raw, packed = 8 * channels * size**2, places * math.log2(K)
print(f"{places} tokens of {K} codes: 10^{places * math.log10(K):.0f} grids")
print(f"an image has {raw:,} bits, a grid {packed:.0f}: {raw / packed:.0f} times fewer")
assert not CHECKED or 39 < raw / packed < 40

# %% [markdown]
# Hardly any of these grids is a face.
# So there are two things to learn: codes from which an image can be rebuilt, and a **prior** over tokens, a model of the kind that writes sentences, which knows the grids that are faces.
#
# ## The maths: learning through a rounding
#
# The encoder gives a vector $h$ for each place.
# A **codebook** holds $K$ vectors $e_1, \ldots, e_K$, and the quantiser takes the nearest:
#
# $$k = \arg\min_j |h - e_j|^2, \qquad z = e_k. \tag{1}$$
#
# If $h$ moves a little, $k$ stays: $z$ does not move at all, and the derivative is 0 (but for the borders, where there is none).
# The **straight-through** gradient (Bengio et al. 2013) pretends: forward $z$, backward as if $z$ were $h$,
#
# $$z = h + \mathrm{sg}[e_k - h], \tag{2}$$
#
# where $\mathrm{sg}$, stop-gradient, is the identity with derivative 0 (`detach`).
# It is not the gradient of the decoder's loss $\ell(z)$; it is the exact gradient of another function, of $h \mapsto \ell(h + \delta)$ with $\delta = e_k - h$ held fixed.
# **Predict** three numbers: the slope of $\ell(z)$ in $h$ by finite differences; that of $\ell(h + \delta)$; and what autograd gives for (2).

# %%
h = torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)
codebook = torch.tensor([[0.5, 0.0], [-1.0, 1.0]], dtype=torch.float64)


def quantised(h):
    """(1): the nearest vector of the codebook. h: [d]."""
    return codebook[(h - codebook).square().sum(dim=1).argmin()]


def loss(z):
    return (3 * z[0] - 1) ** 2 + z[0] * z[1]


# %%
def slope(function):
    step = torch.tensor([1e-5, 0.0])  # along the first number of h
    return (function(h + step) - function(h - step)) / 2e-5


delta = (quantised(h) - h).detach()
loss(h + delta).backward()
of_loss = slope(lambda h: loss(quantised(h)))
of_other = slope(lambda h: loss(h + delta))
print(f"of z: {of_loss}, of h + delta: {of_other:.6f}, autograd: {h.grad[0]:.6f}")
assert not of_loss and abs(of_other - h.grad[0]) < 1e-6

# %% [markdown]
# With (2) alone nothing moves the codebook: $e_k$ stands inside $\mathrm{sg}$.
# So the loss has two more terms for each of the $T$ places (van den Oord et al. 2017):
#
# $$L = -\log p(x|z) + \sum_{i=1}^{T} \Big( |\mathrm{sg}[h_i] - e_{k_i}|^2 + \beta\, |h_i - \mathrm{sg}[e_{k_i}]|^2 \Big). \tag{3}$$
#
# The first of them draws the codebook to the encoder's outputs, the second, **commitment**, holds the outputs to their codes.
# (This $\beta$ is not notebook 32's. In the code all three terms are means, over pixels and over the numbers of $h$, so that they weigh otherwise than in (3).)
# **Predict** which term moves what: encoder, codebook, decoder?
# And a slip that is easily made: the codebook's term written with $z$ of (2) in the place of $e_k$.

# %%
torch.manual_seed(run.seed)
small = {"encoder": nn.Linear(6, 2), "decoder": nn.Linear(2, 6)}
table, x = nn.Parameter(torch.randn(8, 2)), torch.randn(5, 6)
weights = {name: net.weight for name, net in small.items()} | {"codebook": table}

# %%
h = small["encoder"](x)
e = table[torch.cdist(h, table).argmin(dim=1)]
z = h + (e - h).detach()  # (2)
terms = {
    "distortion": F.mse_loss(small["decoder"](z), x),
    "codebook": F.mse_loss(e, h.detach()),
    "commitment": F.mse_loss(h, e.detach()),
    "the slip": F.mse_loss(z, h.detach()),
}

# %%
rows = []
for name, term in terms.items():
    gradients = torch.autograd.grad(
        term, list(weights.values()), retain_graph=True, allow_unused=True
    )
    rows.append((name, *(0.0 if g is None else g.norm().item() for g in gradients)))
tables.show(rows, ("gradient of", *weights))
moved = {row[0]: [v > 0 for v in row[1:]] for row in rows}  # encoder, decoder, codebook
assert moved["distortion"] == [True, True, False]
assert moved["codebook"] == [False, False, True]
assert moved["commitment"] == [True, False, False]
assert not moved["the slip"][2]
slip, hold = (
    torch.autograd.grad(terms[name], h, retain_graph=True)[0]
    for name in ("the slip", "commitment")
)
assert torch.allclose(slip, -hold)

# %% [markdown]
# With the slip the codebook has no gradient at all, and no error says so.
# Worse: what reaches the encoder is exactly *minus* the gradient of commitment, so outputs are pushed away from their codes, and $\beta = 0.25$ cannot hold them.
# We shall see below what training makes of it.
#
# And the KL of the ELBO?
# $q(k|x)$ is certain of one token.
# Against a prior that finds all $K$ equally likely, $\mathrm{KL} = \log K$ at each place, whatever the encoder does: a constant, so it may be left out.
# It is a price all the same; with a prior over the tokens of all $T$ places, learned afterwards, it becomes
#
# $$-\log p(k_1, \ldots, k_T) \text{ nats, instead of } T \log K. \tag{4}$$

# %% [markdown]
# ## Build: three quantisers
#
# **1. By gradient**: (1) and (3).
# With $|h - e|^2 = |h|^2 - 2 h^\top e + |e|^2$ the nearest is found by one product of matrices; $|h|^2$ is the same for all codes.


# %%
def nearest_of(h, codebook):
    """h: [M, d]. Returns int64 [M]."""
    return (codebook.square().sum(dim=1) - 2 * h @ codebook.T).argmin(dim=1)


maps = torch.randn(3, 8, 4, 4)  # [N, d, H, W]
vq = codes.VectorQuantizer(codes=16, width=8)
flat = maps.movedim(1, -1).flatten(0, 2)  # [N H W, d]
q = vq(maps)
assert torch.equal(nearest_of(flat, vq.codebook), q.tokens.flatten())
assert torch.allclose(q.z, vq.codebook[q.tokens].movedim(-1, 1), atol=1e-6)
print(f"maps {list(maps.shape)} to tokens {list(q.tokens.shape)}, loss {q.loss:.3f}")

# %% [markdown]
# **2. By averages.**
# The best place for $e_j$ is the mean of the outputs that chose it, and such a mean can be kept without any gradient: with $n_j$ outputs in the batch that chose code $j$, and $s_j$ their sum,
#
# $$\bar n_j \leftarrow \rho\, \bar n_j + (1 - \rho)\, n_j, \qquad \bar s_j \leftarrow \rho\, \bar s_j + (1 - \rho)\, s_j, \qquad e_j = \bar s_j / \bar n_j. \tag{5}$$
#
# That is k-means on the fly.
# A code that nobody chooses stays where it is (its sum and its count fade alike), and may never be chosen again: so a code whose $\bar n_j$ has become small **begins again** at one of the batch's outputs.


# %%
def averaged(counts, sums, h, tokens, rho):
    """(5), for h [M, d] and tokens [M]. Returns counts, sums, codebook [K, d]."""
    chosen = F.one_hot(tokens, len(counts)).float()  # [M, K]
    counts = rho * counts + (1 - rho) * chosen.sum(dim=0)
    sums = rho * sums + (1 - rho) * chosen.T @ h
    return counts, sums, sums / counts[:, None]


# %%
ema = codes.EMAVectorQuantizer(codes=4, width=8, decay=0.9, restart=0.0)
ema(maps)  # the codebook begins
before = ema.counts.clone(), ema.sums.clone()
_, _, by_hand = averaged(*before, flat, ema(maps).tokens.flatten(), 0.9)
apart = (ema.codebook - by_hand).abs().max()
print(f"largest difference to the library's: {apart:.1e}")
assert apart < 1e-3

# %% [markdown]
# (The library divides by counts that are smoothed a little, so that none is 0.)
#
# **3. Without a codebook.**
# **Finite scalar quantisation** (Mentzer et al. 2023) squeezes each of $d$ numbers into a range and rounds it to one of $L_i$ levels; the token is the number that these digits write:
#
# $$\hat z_i = \mathrm{round}\Big(\frac{L_i - 1}{2} \tanh h_i\Big), \qquad k = \sum_i \Big(\hat z_i + \frac{L_i - 1}{2}\Big) \prod_{j < i} L_j. \tag{6}$$
#
# That is for odd $L_i$, and what the decoder sees is $\hat z_i$ divided by $(L_i - 1)/2$.
# With levels 7, 5, 5, 5 there are 875 codes, and nothing to learn, to hold, or to begin again.
# (The 1.001 in the cell is the library's, for even numbers of levels, which are shifted: with two levels the shift would be infinite without it.)


# %%
def fsq_tokens(h, levels):
    """(6), for h [M, d] and odd levels. Returns int64 [M]."""
    half = (torch.tensor(levels) - 1) / 2
    digits = (1.001 * half * torch.tanh(h)).round() + half
    steps = torch.tensor([math.prod(levels[:i]) for i in range(len(levels))])
    return (digits * steps).sum(dim=1).long()


# %%
fsq = codes.FSQ(run.levels)
h = 2 * torch.randn(500, len(run.levels), 1, 1)
assert torch.equal(fsq_tokens(h[:, :, 0, 0], run.levels), fsq.nearest(h).flatten())
every = torch.arange(K).view(-1, 1, 1)
assert len(fsq.decode(every).flatten(1).unique(dim=0)) == K
print(f"the {K} codes have {K} different vectors")

# %% [markdown]
# An even $L_i$ has no level in the middle, so the published code shifts by half a level: with 8 levels the decoder sees -1, -0.75, ..., 0.75.
# **Predict**: what happens to a vector that is quantised already, and is quantised again, `nearest(decode(k))`?

# %%
moved = {}
for levels in ((5, 5, 5, 5), (7, 5, 5, 5), (8, 5, 5, 5)):
    q = codes.FSQ(levels)
    every = torch.arange(q.codes).view(-1, 1, 1)
    moved[levels] = int((q.nearest(q.decode(every)) != every).sum())
rows = [(str(levels), math.prod(levels), n) for levels, n in moved.items()]
tables.show(rows, ("levels", "codes", "moved by a second time"))
assert list(moved.values()) == [0, 250, 500]

# %% [markdown]
# Rounding twice changes nothing; squeezing twice does: $\tanh$ pulls inward once more.
# With 5 levels nothing crosses a border, with 7 the outermost two do, with 8 half of them.
# So compare codes by token, never by quantising again.
#
# ## Build: the autoencoder
#
# The encoder looks at patches as notebook 32's does, but doesn't go on to one vector: it stops at the grid, with $d$ numbers a place, and the decoder begins there.
# Both are residual blocks between a first and a last convolution.


# %%
class Codes(nn.Module):
    """Images to a grid, its quantiser, and back. q: the quantiser, of width d."""

    def __init__(self, q):
        super().__init__()
        shape = {"channels": channels, "size": size, "d": q.width, "width": run.width}
        self.encoder, self.decoder = vae.GridEncoder(**shape), vae.GridDecoder(**shape)
        self.quantizer = q

    def forward(self, x):
        q = self.quantizer(self.encoder(x))
        return self.decoder(q.z), q


torch.manual_seed(run.seed)
ours = Codes(codes.FSQ(run.levels))
library = vae.CodeAutoencoder(codes.FSQ(run.levels), channels, size, run.width)
library.load_state_dict(ours.state_dict())
x = data.to_float(train.images[:2])
assert torch.equal(ours(x)[0], library(x)[0])
h, tokens = ours.encoder(x), library.encode(x)
print(f"images {list(x.shape)} to maps {list(h.shape)} to tokens {list(tokens.shape)}")

# %% [markdown]
# ## Train
#
# Four autoencoders, from the same seed, on the same images in the same order.
# The distortion is the mean squared error of a pixel.
#
# All have $K$ codes, and all codebooks begin at outputs of the first batch.
# A code of a codebook is a vector of 16 numbers (papers take 64 to 256), one of FSQ has 4, as many as there are digits.
# By averages we train twice, without and with the second start of dead codes, so that what each brings is seen.
# **Predict**: which uses the most codes?


# %%
def fit(label, quantizer, steps):
    """A trained `vae.CodeAutoencoder`: the average of its weights."""
    torch.manual_seed(run.seed)
    net = vae.CodeAutoencoder(quantizer, channels, size, run.width).to(run.device)
    opt = torch.optim.AdamW(net.parameters(), run.lr, betas=(0.9, 0.99), fused=True)
    batches = run.batches(train, run.batch)
    books = {"label": label, "ema": "net", "ema_decay": 0.99, "net": net, "opt": opt}
    for x in run.train(batches, steps, **books):
        run.anneal(opt, warmup=50)
        with run.autocast():
            x_hat, q = net(x)
            loss = F.mse_loss(x_hat, x) + q.loss  # (3)
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(error=F.mse_loss(x_hat.detach(), x))
    return run.ema["net"].eval()


# %%
QUANTIZERS = {
    "gradient": codes.VectorQuantizer(K, 16),
    "averages": codes.EMAVectorQuantizer(K, 16, restart=0.0),
    "begin again": codes.EMAVectorQuantizer(K, 16),
    "FSQ": codes.FSQ(run.levels),
}
nets, history = {}, {}
for name, quantizer in QUANTIZERS.items():
    nets[name] = fit(name, quantizer, run.steps)
    history[name] = run.history["step"], run.history["error"]
plots.show(
    plots.lines(history, "step", "error", yscale="log"),
    alt="Four falling curves, nearly on top of each other.",
    caption="Mean squared error of a pixel while the four learn.",
)

# %% [markdown]
# How many codes are in use?
# That has to be counted over the *whole test set*: rare codes are missing in a batch.
# Evenness is measured by the **perplexity** $\exp H$, the number of equally likely codes that would have the same entropy $H$.


# %%
@torch.no_grad()
def in_parts(net, function, inputs):
    """What a function gives for inputs, 250 at a time, on the CPU."""
    device = next(net.parameters()).device
    return torch.cat([function(p.to(device)).cpu() for p in inputs.split(250)])


def tokens_of(net, images):  # uint8 to int64 [N, side, side]
    return in_parts(net, net.encode, data.to_float(images))


def images_of(net, tokens):  # to images in [-1, 1]
    return in_parts(net, net.decode, tokens)


# %%
real = data.to_float(test.images)
evaluator = metrics.Evaluator(DATA) if DATA in metrics.SPECS else None


def fd(images):
    """The Fréchet distance to real images; not a number without an evaluator."""
    return evaluator.fd(images) if evaluator else math.nan


floor = evaluator.floor(run.samples) if evaluator else math.nan


# %%
rows, rebuilt = [], {"test images": real}
for name, net in nets.items():
    tokens = tokens_of(net, test.images)
    rebuilt[name] = images_of(net, tokens)
    whole, batch = codes.usage(tokens, K), codes.usage(tokens[: run.batch], K)
    psnr = metrics.psnr(rebuilt[name], real).mean().item()
    rows.append(
        (name, whole.used, batch.used, whole.perplexity, psnr, fd(rebuilt[name]))
    )
columns = ("used", "seen in a batch", "perplexity", "PSNR", "FD rebuilt")
tables.show(rows, ("quantiser", *columns))
found = {f"used_{row[0].replace(' ', '_')}": row[1] for row in rows}
found |= {"fd_rebuilt": rows[3][5], "psnr": rows[3][4], "fd_floor": floor}
if CHECKED:
    used = {row[0]: row[1] for row in rows}
    assert used["averages"] < used["gradient"] < 0.7
    assert min(used["begin again"], used["FSQ"]) > 0.95
    assert all(row[2] < row[1] for row in rows)

# %% [markdown]
# With 875 codes to choose from, the gradient leaves about a third unused, and averages alone even more.
# With the second start all are used, and nearly all with FSQ.
# A batch shows fewer than there are.

# %%
shown = {name: images[:10] for name, images in rebuilt.items()}
plots.show(
    plots.grid(shown),
    alt="Ten faces in five rows: real ones, and four reconstructions that hardly "
    "differ: shapes, hats and hair are there, mouths and the colour of eyes "
    "are blurred, backgrounds grainy.",
    caption=f"Ten test images, and what comes back from {places} tokens each.",
)

# %% [markdown]
# One seed and half a minute each say little.
# `genimg bench codes` trains three of them on portraits, half a minute each, from three seeds (of weights; the images come in one order; FD of 5,000 images):

# %%
bench, rows = results.figures("bench_codes"), []
KEYS = ("steps", "used", "perplexity", "psnr", "fd_reconstructions")
NAMES = {"gradient": "gradient", "ema": "begin again", "fsq": "FSQ"}
for kind, name in NAMES.items():
    seeds = [[bench[f"{kind}_seed_{k}_{key}"] for key in KEYS] for k in range(3)]
    spread = (
        " – ".join(f"{f(v):.3g}" for f in (min, max)) for v in zip(*seeds, strict=True)
    )
    rows.append((name, *spread))
tables.show(rows, ("quantiser, three seeds", *KEYS))
for k in range(3):
    gradient, again, fsq = (
        (bench[f"{kind}_seed_{k}_used"], bench[f"{kind}_seed_{k}_fd_reconstructions"])
        for kind in NAMES
    )
    assert gradient[0] < 0.8 and min(again[0], fsq[0]) > 0.95
    assert again[1] > gradient[1] > 1.15 * fsq[1]

# %% [markdown]
# By gradient a third of the codes stays unused; averages that begin again, and FSQ, use all of them.
# But codes in use are not the aim: in equal minutes the second row rebuilds no better than the first (at equal steps, above, it does).
# FSQ's reconstructions are nearest to real images.
# It also takes the most steps in the same half minute, as it has no nearest vector to look for; how much of its lead is due to these, the table doesn't say.
#
# From here on we take FSQ.
#
# ## What a token says
#
# Put the upper half of one face's tokens on the lower half of another's.
# **Predict**: does the decoder draw a seam?

# %%
net = nets["FSQ"]
tokens, train_tokens = tokens_of(net, test.images), tokens_of(net, train.images)
side = tokens.shape[1]
g = torch.Generator().manual_seed(run.seed)
shares = torch.bincount(train_tokens.flatten(), minlength=K).double()
dealt = draw(
    shares.log().expand(10, side, side, K), torch.rand(10, side, side, generator=g)
)
mixed = tokens[:10].clone()
mixed[:, side // 2 :] = tokens[10:20, side // 2 :]

# %%
rows = {
    "upper half of": tokens[:10],
    "lower half of": tokens[10:20],
    "both": mixed,
    "tokens dealt out": dealt,
}
rows = {name: images_of(net, t) for name, t in rows.items()}
plots.show(
    plots.grid(rows),
    alt="Four rows of ten faces: those that give the upper half, those that give "
    "the lower half, both in one: hats and tops of hair of the first "
    "above eyes, mouths and shirts of the second; last, patches of colour without any "
    "face.",
    caption="Third row: half of the tokens from each face above. Last: each token "
    "drawn by itself, as often as it comes in the training images.",
)

# %%
change = (
    (images_of(net, mixed) - rows["upper half of"]).abs().mean(dim=(0, 1))
)  # [H, W]
by_row, border = change.mean(dim=1), 4 * (side // 2)
far, near = by_row[: border - 8].mean(), by_row[border:].mean()
print(
    f"mean change of a pixel: {near:.3f} below, {far:.4f} above, 8 rows from the seam"
)
assert not CHECKED or far < 0.1 * near

# %% [markdown]
# Hats and the tops of the hair come from above; mouths, shirts and the hair beside the face from below; at the seam colours run into each other.
# Eight rows away from it little changes: a token speaks of its own neighbourhood.
#
# The last row is what a prior has to be better than: it knows how often each token comes, and nothing of what stands beside what.
#
# ## The maths: one token after another
#
# By the product rule *every* distribution over grids is a product of conditional ones, in reading order:
#
# $$p(k_1, \ldots, k_T) = \prod_{i=1}^{T} p(k_i \mid k_1, \ldots, k_{i-1}). \tag{7}$$
#
# A **transformer** gives all $T$ factors in one pass.
# Each place begins with a vector: one for the token that it sees, plus one for its row and one for its column (else order would be lost), plus one for the condition.
# Then come blocks, each of two steps that add to this vector: attention, through which places see each other, and two linear layers with a nonlinearity between, at each place by itself; both look at normalised vectors.
# A last linear layer makes logits for the $K$ codes.
#
# In **attention** a place's vector gives a query $q_i$, a key $\kappa_i$ and a value $v_i$ of $d_h$ numbers, and it receives a mean of values, weighted by how well its query and their keys agree:
#
# $$\alpha_{ij} = \frac{\exp(q_i^\top \kappa_j / \sqrt{d_h})}{\sum_{l \le i} \exp(q_i^\top \kappa_l / \sqrt{d_h})} \ \text{ for } j \le i, \text{ else } 0, \qquad \text{received: } \sum_j \alpha_{ij} v_j. \tag{8}$$
#
# $j \le i$ is the **causal mask**.
# (Dividing by $\sqrt{d_h}$ keeps the scores of vectors with independent entries of variance 1 at a standard deviation of 1. Four *heads* do this side by side, each with a quarter of the numbers.)
# Place $i$ must not see $k_i$, which it is to guess, so the tokens go in shifted by one: place 1 sees a start symbol, place 2 sees $k_1$.


# %%
def causal_attention(q, k, v):
    """(8), for [..., T, d]."""
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # [..., T, T]
    later = torch.full_like(scores, -math.inf).triu(1)
    return torch.softmax(scores + later, dim=-1) @ v


q, k, v = torch.randn(3, 2, 4, 10, 8)
ours = causal_attention(q, k, v)
theirs = F.scaled_dot_product_attention(q, k, v, is_causal=True)
print(f"largest difference to torch's: {(ours - theirs).abs().max():.1e}")
assert torch.allclose(ours, theirs, atol=1e-5)

# %% [markdown]
# Without mask or shift a model looks wonderful: its loss falls to nearly 0, for each token can be read off.
# So test it: change one token, and look which logits move.

# %%
if train.factors:
    c, c_test = (portraits.one_hot(images.factors) for images in (train, test))
elif train.labels is not None:
    names = len(train.names)
    c, c_test = (F.one_hot(s.labels, names).float() for s in (train, test))
else:
    c, c_test = (torch.zeros(len(s), 1) for s in (train, test))
shape = {"codes": K, "shape": (side, side), "width": run.prior_width}
shape |= {"conditions": c.shape[1]}
torch.manual_seed(run.seed)
prior = CausalPrior(**shape)
for block in prior.blocks:
    nn.init.normal_(block.mixed.weight, std=0.1)  # blocks begin as the identity
other = tokens[:1].clone()
other[0, side // 2, 0] = (other[0, side // 2, 0] + 1) % K
with torch.no_grad():
    moved = (prior(other, c_test[:1]) - prior(tokens[:1], c_test[:1])).abs().amax(dim=2)
first = int(moved[0].gt(0).nonzero()[0])
changed = side // 2 * side
print(f"token {changed} was changed; the first logits that move are those of {first}")
assert first == changed + 1 and moved[0, first:].gt(0).all()

# %% [markdown]
# The prior is told what notebook 32's was: the factors of a caption, or the class.
#
# ## The maths: many tokens at once
#
# (7) takes $T$ passes to draw a grid.
# A **masked prior** (MaskGIT, Chang et al. 2022) learns $p(k_i \mid \text{the tokens that are seen})$ for *any* set of seen places: hide some at random, and guess them from the rest, attention unmasked.
# It can then fill in many places in one pass.
#
# But it fills them *independently*.
# Take grids of two tokens, in a world that knows only 00 and 11, equally often.
# **Predict**: what are the shares of the four grids if both tokens are drawn in one pass? And in two?

# %%
torch.manual_seed(run.seed)
tiny = MaskedPrior(codes=2, shape=(1, 2), width=16, depth=1)
opt = torch.optim.Adam(tiny.parameters(), 1e-2)
for _ in range(150):
    both = torch.randint(2, (64, 1, 1)).expand(64, 1, 2)
    loss = tiny.loss(both, torch.rand(64), torch.rand(64, 1, 2))
    opt.zero_grad()
    loss.backward()
    opt.step()
rows = []
for passes in (1, 2):
    u = torch.rand(passes, 4_000, 1, 2)
    pairs = tiny.sample(u, gumbel(u.shape), passes=passes).flatten(1)
    counted = torch.bincount(2 * pairs[:, 0] + pairs[:, 1], minlength=4) / len(pairs)
    rows.append((passes, *counted))
tables.show(rows, ("passes", "00", "01", "10", "11"))
assert abs(rows[0][2] + rows[0][3] - 0.5) < 0.05 > rows[1][2] + rows[1][3]

# %% [markdown]
# In one pass nearly half of the grids are impossible ones: each token has the share that the network learned, and they don't know of each other.
# In two passes, one token at a time, hardly any is left.
# (The shares of 00 and 11 are not yet equal: so short a training errs, and keeping the surer guess favours what comes more often.)
# Between these lies the bargain: few tokens first, when little is seen and they depend on each other most; then more and more.
#
# The share still hidden after a part $r$ of the passes is $\cos(\pi r / 2)$: with 8 passes and 64 places 62, 59, 53, 45, 35, 24, 12 and 0 are left.
# In training each grid hides such a share at random, so that the network meets all of them.
#
# In each pass the surest guesses are kept, all others hidden again; "sure" is $\log p$ plus Gumbel noise that fades with the passes, so that at first places are kept nearly at random.
# (Gumbel noise is $-\log(-\log u)$ with $u$ uniform: added to the $\log p$ of all $K$ codes, it makes the largest sum a draw from $p$.)
# (To keep what is surest is a bias of its own: exact is only a choice of places that does not look at what was drawn there.)
#
# ## Train the priors
#
# Both have the same networks, seed, steps and tokens.
# They differ in mask, input (shifted; hidden) and loss, and in what a grid teaches: the causal prior guesses every token, the masked one those that are hidden, on average $2/\pi$ of them.


# %%
def fit_prior(label, prior, loss_of, steps):
    """The average of a prior's weights. loss_of(prior, tokens, c): nats per token."""
    opt = torch.optim.AdamW(prior.parameters(), run.lr, betas=(0.9, 0.98), fused=True)
    batches = run.batches((train_tokens, c), run.prior_batch)
    books = {"label": label, "ema": "prior", "ema_decay": 0.99}
    books |= {"prior": prior, "opt": opt}
    for k, told in run.train(batches, steps, **books):
        run.anneal(opt, warmup=50)
        with run.autocast():
            loss = loss_of(prior, k, told)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        opt.step()
        run.log(nats=loss)
    return run.ema["prior"].eval()


def causal_loss(prior, k, told):
    return prior.nats(k, told).mean() / prior.length  # (7)


def masked_loss(prior, k, told):
    u, noise = torch.rand(len(k)), torch.rand(k.shape)
    return prior.loss(k, u.to(k.device), noise.to(k.device), told)


# %%
priors = {}
for label, kind, loss_of in (
    ("causal", CausalPrior, causal_loss),
    ("masked", MaskedPrior, masked_loss),
):
    torch.manual_seed(run.seed)
    fresh = kind(**shape).to(run.device)
    priors[label] = fit_prior(label, fresh, loss_of, run.prior_steps).cpu()
net = net.cpu()

# %% [markdown]
# What has the causal prior learned?
# In nats per token on test images, beside priors that know less (all fitted to the training images):

# %%
flat = train_tokens.flatten(1)
own = shares.add(0.5).log().log_softmax(dim=0)
at_place = torch.stack([torch.bincount(column, minlength=K) for column in flat.T])
at_place = at_place.double().add(0.5).log().log_softmax(dim=1)  # [T, K]
unseen = tokens.flatten(1)
with torch.no_grad():
    parts = layers.parts(tokens, c_test)
    nats = torch.cat([priors["causal"].nats(*part) for part in parts])
rows = [
    ("all codes equally likely", math.log(K)),
    ("how often each comes", -own[unseen].mean().item()),
    ("how often at this place", -at_place.T.gather(0, unseen).mean().item()),
    ("all tokens before it, and what the face shows", nats.mean().item() / side**2),
]
tables.show(rows, ("the prior knows", "nats per token"))
values = [row[1] for row in rows]
assert not CHECKED or values == sorted(values, reverse=True)
assert not CHECKED or values[-1] < 0.55 * values[0]
found |= {"nats_per_token": values[-1]}

# %% [markdown]
# Of what a token could say, half is known from the tokens before it and from what the face shows.
#
# ## Draw
#
# Two things make drawing fast.
# A token is drawn from its probabilities by a uniform number $u$ and the running sum: the first code at which the sum passes $u$.
# `torch.multinomial` draws from the same distribution, more slowly.
# And what the earlier places computed is kept (their keys and values don't change, since no place sees a later one), so that each new token costs one place and not all.


# %%
def seconds(function, times=3):
    """The shortest of several calls."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        function()
        taken.append(time.perf_counter() - began)
    return min(taken)


logits = torch.randn(2_000, K)
u = torch.rand(2_000)
p = torch.softmax(logits, dim=1)
slow, fast = (
    seconds(lambda: torch.multinomial(p, 1)),
    seconds(lambda: draw(logits, u)),
)
counted = draw(logits[:1].expand(20_000, K), torch.rand(20_000)).bincount(minlength=K)
wanted = 20_000 * p[0]
chi2 = ((counted - wanted).square() / wanted).sum().item()
print(f"2,000 draws: multinomial {1e3 * slow:.1f} ms, by the sum {1e3 * fast:.1f} ms")
print(f"chi-squared of 20,000 draws: {chi2:.0f} for {K - 1} degrees of freedom")
assert abs(chi2 - (K - 1)) < 8 * math.sqrt(2 * (K - 1))
assert not CHECKED or fast < 0.7 * slow


# %%
def noise(passes, n, g):
    """(u, Gumbel noise) of a masked prior, [passes, n, side, side] each."""
    u = torch.rand(passes, n, side, side, generator=g)
    return u, gumbel(u.shape, g)


def drawn_by(prior, images, told, passes=8, at_once=250):
    """(images, grids of tokens a second) for conditions [N, conditions]."""
    g, made = torch.Generator().manual_seed(1), []
    began = time.perf_counter()
    for part in told.split(at_once):
        if isinstance(prior, CausalPrior):
            u = torch.rand(len(part), side, side, generator=g)
            made.append(prior.sample(u, part))
        else:
            made.append(prior.sample(*noise(passes, len(part), g), part, passes))
    each = len(told) / (time.perf_counter() - began)
    return images_of(images, torch.cat(made)), each


# %%
own, rows = {}, []
for kind, prior in priors.items():
    own[kind], _ = drawn_by(prior, net, c_test)
    rows.append((f"drawn, {kind}", fd(own[kind])))
rows += [("reconstructions", found["fd_rebuilt"]), ("real images", floor)]
tables.show(rows, ("", "FD"))
found |= {"fd": rows[0][1], "fd_masked": rows[1][1]}

# %% [markdown]
# These priors have learned for less than a minute.
# To compare the two ways of drawing, take the priors of the model that comes with the course: the same two kinds, five minutes each.
#
# **Predict** two things: how many passes does the masked prior need to be as good as the causal one in $T$? And is it faster, with an eighth of the passes?

# %%
shipped, painter, drawers = None, net, priors
if DATA in ("portraits", "fashion_mnist"):
    shipped = pretrained.load_codes(f"codes_{DATA}")
    painter, drawers = shipped.images, shipped.priors
tries = [("causal", side**2), *(("masked", passes) for passes in (1, 2, 4, 8))]
rows, drawn = [], {}
for kind, passes in tries:
    way = drawers[kind], painter
    drawn[kind, passes], many = drawn_by(*way, c_test, passes)
    _, single = drawn_by(*way, c_test[:6], passes, at_once=1)
    rows.append((kind, passes, many, single, fd(drawn[kind, passes])))
columns = ("passes", "grids a second, 250 at once", "one at a time", "FD")
tables.show(rows, ("drawn by", *columns))
causal, eight = rows[0], rows[-1]
found |= {"fd_shipped": causal[4], "fd_shipped_masked": eight[4]}
found |= {"masked_speed_many": eight[2] / causal[2]}
found |= {"masked_speed_single": eight[3] / causal[3]}
if CHECKED:
    distances = [row[4] for row in rows[1:]]
    assert distances == sorted(distances, reverse=True)
    assert (
        distances[-1] > causal[4] and eight[2] < causal[2] and eight[3] > 2 * causal[3]
    )

# %% [markdown]
# The more passes, the better; eight do not reach the causal prior.
#
# And the speed depends on what is asked for.
# One at a time, a pass of the masked prior, over all places, costs twice to nearly three times one of the causal prior, over a single place: eight are faster than 64.
#
# 250 at once, it is the *work* that counts: with what is kept, the causal prior computes each place once, the masked one all places in each pass.
# So count passes only where passes are what costs; on a laptop that draws many, the causal prior is both faster and better.

# %%
whose = "the course's, " if shipped else ""
rows = {
    "test images": real[:10],
    "a minute, causal": own["causal"][:10],
    f"{whose}masked, 1 pass": drawn["masked", 1][:10],
    "masked, 8 passes": drawn["masked", 8][:10],
    "causal": drawn["causal", side**2][:10],
}
plots.show(
    plots.grid(rows),
    alt="Five rows of faces: real ones; from a minute's prior, smeared faces; the "
    "course's masked prior in one pass, frayed hats and hair with specks of other "
    "colours; in eight, a few specks; the causal prior's, clear ones.",
    caption="Each column is told the same.",
)
if shipped:
    few = torch.cat([drawn["causal", side**2][:10], drawn["masked", 8][:10]])
    plots.cover(plots.grid({"real": real[:10], "drawn": few}))

# %% [markdown]
# In one pass hats and hair fray, and specks of other colours come in: tokens drawn together do not know of each other.
# The course's model saw twice the images, for sixteen minutes; its decoder was finished with a discriminator (notebook 34), and in its priors codes with a common digit of (6) share a part of their vectors.
#
# ## A prior is a code
#
# A sender and a receiver who share a prior can write a grid in $-\log_2 p$ bits, and no code does better on average if the prior is right (notebook 13).
# **Range coding** comes very close to that for a whole *file*: it cuts an interval in proportion to the probabilities, again and again, and writes a number from the interval that is left.
# The receiver runs the same prior, cuts the same intervals, and reads off the tokens.
#
# The prior here is the causal one of the course's model, the tokens those of the test images.
# **Predict**: how many bits are an image's tokens?

# %%
prior = drawers["causal"]
few = tokens_of(painter, test.images[:1_000])
told, count = c_test[: len(few)], len(few)
with torch.no_grad():
    nats = [prior.nats(*part).sum().item() for part in layers.parts(few, told)]
ideal = sum(nats) / math.log(2)

# %%
began = time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "images.gic"
    of_tables = write_codes(prior, few, path, told)
    written = 8 * path.stat().st_size
    back = read_codes(prior, path, told)
spent = time.perf_counter() - began
assert torch.equal(back, few)
assert written - 96 - of_tables < 100  # 96 bits are the file's head
assert written < 1.01 * ideal + 64 + 96

# %%
rows = [
    ("the image itself", 8 * channels * size**2),
    ("all codes equally likely", few[0].numel() * math.log2(painter.quantizer.codes)),
    ("-log2 p, by the prior", ideal / count),
    ("the file", written / count),
]
tables.show(rows, (f"{count:,} images", "bits an image"))
print(f"written and read in {spent:.0f} s; file over ideal: {written / ideal:.5f}")
found |= {"file_ratio": written / ideal, "bits_an_image": written / count}

# %% [markdown]
# The file has the length that the prior's nats say, within a few words of 32 bits, and the tokens come back exactly.
# (The receiver knows the conditions, too; and the images come back as the autoencoder rebuilds them.)
# A word of warning: both sides have to compute the *same* probabilities; another machine, or another number of threads, may round differently.
# For files that travel, the network itself has to compute in whole numbers.
#
# ## Is better rebuilt better drawn?
#
# From `genimg bench codes`: four numbers of codes, portraits, each with half a minute for the autoencoder and a minute for a *causal* prior (one seed, FD of 5,000 images).
# **Predict** how both distances change with the number of codes.

# %%
rows = []
for number in (27, 175, 875, 4375):
    keys = ("fd_reconstructions", "fd", "precision", "recall", "bits")
    rows.append((number, *(bench[f"codes_{number}_{key}"] for key in keys)))
tables.show(rows, ("codes", "FD rebuilt", "FD drawn", "precision", "recall", "bits"))
rebuilt_fd, drawn_fd = [row[1] for row in rows], [row[2] for row in rows]
assert rebuilt_fd == sorted(rebuilt_fd, reverse=True)
assert drawn_fd[1] < min(drawn_fd[0], drawn_fd[2]) and drawn_fd[3] > 2 * drawn_fd[2]

# %% [markdown]
# More codes rebuild better, from row to row.
# What is drawn is best with 175 here, and with 4,375 it is by far the worst: the prior has more to learn (bits), in the same minute.
# So look at both columns.
#
# ## Explore: paint over a face
#
# A masked prior can fill in whatever is hidden, from whatever is seen.
# Hide a part of a face's tokens and let it draw them again, told the face's own factors, or those of another face.

# %%
filler = drawers["masked"]
painted = tokens_of(painter, test.images[:40])
half, quarter = side // 2, side // 4
AREAS = {"upper half": (0, half), "lower half": (half, side)}
AREAS |= {"middle": (quarter, side - quarter), "all": (0, side)}  # rows from, to


# %%
def filled(hide, face, told_of):
    """A face, what is left of it, and four ways to fill in the rest."""
    first, last = AREAS[hide]
    keep = torch.ones(4, side, side, dtype=torch.bool)
    keep[:, first:last] = False
    given = painted[face].expand(4, -1, -1)
    asked = c_test[face if told_of == "itself" else told_of].expand(4, -1)
    u, more = noise(8, 4, torch.Generator().manual_seed(1))
    whole = filler.sample(u, more, asked, given=given, keep=keep)
    left = (seen := images_of(painter, given[:1])).clone()
    left[:, :, first * size // side : last * size // side] = 0
    both = torch.cat([seen, left, images_of(painter, whole)])
    return plots.grid(both, cols=6, width=6.0)


explore(
    filled,
    alt="A face, the same with its upper half grey, and four faces with the same "
    "lower half: the upper halves have the same hat or hair, and differ in "
    "details.",
    caption="A face, what is left of it, and four ways to fill in the rest.",
    hide=["upper half", "lower half", "middle", "all"],
    face=(0, 39, 0),
    told_of=["itself", 1, 2, 3],
)

# %%
kept = torch.zeros_like(painted).bool()
kept[:, half:] = True
told = c_test[:40]
g, how = torch.Generator().manual_seed(3), {"given": painted, "keep": kept}
one, two = (filler.sample(*noise(8, 40, g), told, **how) for _ in range(2))
halves = torch.where(kept, painted, painted.flip(0))  # of other faces
assert torch.equal(one[kept], painted[kept])
share = (one != two)[~kept].float().mean()
print(f"{share:.0%} of the hidden tokens differ in two draws")

# %%
with torch.no_grad():
    rows = [
        (name, drawers["causal"].nats(tokens, told).mean().item())
        for name, tokens in (
            ("real", painted),
            ("filled in", one),
            ("halves of two faces", halves),
        )
    ]
tables.show(rows, ("grid", "nats, by the causal prior"))
if CHECKED:
    assert rows[1][1] < 0.6 * rows[2][1]

# %% [markdown]
# What is kept stays, token for token.
# What is hidden comes out differently each time, and goes with the rest far better than the same half of another face: so says the causal prior, which had no part in drawing it.
# (The halves of two faces also go against what the prior is told.)
# (Pixels of the kept half change a little, too, for the decoder looks at neighbours.)
#
# ## Break it
#
# 1. The codebook's term written with $z$ of (2): the codebook has no gradient.
# 2. The codebook made anew, as another `nn.Parameter`, while the optimiser holds the old one.
# 3. Usage judged by two images.
# 4. The tokens are not shifted: place $t$ sees $k_t$.
#
# **Predict** for 1: does the reconstruction improve during training?


# %%
class Slip(codes.VectorQuantizer):
    """Its codebook's term uses the straight-through output."""

    def loss(self, h, e, z):
        return F.mse_loss(z, h.detach()) + self.beta * F.mse_loss(h, e.detach())


# %%
rows, kinds = [], {"as it should be": codes.VectorQuantizer, "1. the slip": Slip}
for name, kind in kinds.items():
    model = fit(name.split(".")[0], kind(K, 16), run.short_steps)
    errors, q = run.history["error"], model.quantizer
    with torch.no_grad():
        h = model.encoder(data.to_float(test.images[:64]).to(run.device))
        away = (h - q.decode(q.nearest(h))).square().mean() / h.square().mean()
    rows.append((name, errors[0], sum(errors[-10:]) / 10, away.item()))
tables.show(rows, ("", "first error", "last error", "squared way to the code, of |h|²"))
if CHECKED:
    assert rows[1][2] < 0.5 * rows[1][1] and rows[1][3] > 3 * rows[0][3]

# %%
quantizer = codes.VectorQuantizer(8, 2)
old = quantizer.codebook
opt = torch.optim.SGD([old], lr=0.1)
quantizer.codebook = nn.Parameter(old.detach().clone())  # 2.
for _ in range(10):
    opt.zero_grad()
    quantizer(torch.randn(64, 2, 1, 1)).loss.backward()
    opt.step()
print(f"2. ten steps, no error; the optimiser's parameter has gradient {old.grad}")
assert old.grad is None and quantizer.codebook.grad.norm() > 0
whole, batch = (codes.usage(t, K) for t in (tokens, tokens[:2]))
print(f"3. used over the test set {whole.used:.1%}, by two images {batch.used:.1%}")
assert not CHECKED or whole.used > 0.95


# %%
class Unshifted(CausalPrior):
    """Each place sees its own token."""

    def forward(self, tokens, c=None):
        return self.run(self._embedded(tokens.flatten(1), c, slice(None)), causal=True)


torch.manual_seed(run.seed)
cheat = Unshifted(**shape).to(run.device)
cheat = fit_prior("unshifted", cheat, causal_loss, run.short_steps).cpu()

# %%
with torch.no_grad():
    seen = cheat.nats(tokens[:250], c_test[:250]).mean().item() / side**2
    u = torch.rand(300, side, side, generator=torch.Generator().manual_seed(1))
    made = images_of(net, cheat.sample(u, c_test[:300]))
honest = found["nats_per_token"], fd(own["causal"][:300])
rows = [("honest", *honest), ("4. sees its own token", seen, fd(made))]
tables.show(rows, ("prior", "nats per token", "FD of 300 samples"))
if CHECKED:
    assert seen < 0.2 * honest[0] and rows[1][2] > 3 * honest[1]

# %% [markdown]
# 1 trains, and rebuilds better step by step, though the codebook never moves and outputs are pushed away from their codes.
# 2 is the same fault in other clothes.
# 3 finds few codes where nearly all are in use: two images have not more than 128 tokens.
# 4 has the least nats of all, and its samples are more than three times as far from real faces (it was trained for 120 steps, the honest one for 400).

# %%
run.report(**found)
if DATA == "portraits":
    run.expect(fd=("<", (1_500, 60, 3)), file_ratio=("<", 1.05))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/33_vq_vae.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* The nearest code.
# 2. ★ *(5 minutes)* Straight through.
# 3. ★★ *(15 minutes)* A codebook by averages.
# 4. ★★ *(10 minutes)* Tokens without a codebook.
# 5. ★★ *(10 minutes)* The length of a code.
# 6. ★★★ *(20 minutes, a project)* How many are still hidden?
#
# To try here *(10 to 20 minutes each)*: `DATA = "fashion_mnist"`; `prior.sample(..., temperature=0.8)`, which divides the logits by it, and what it does to precision and recall; **residual** quantisation, a second FSQ for what the first leaves over (one more token a place: what becomes of the distances?); the **rotation trick** (Fifty et al. 2024), which turns and stretches the gradient with $h$ instead of copying it.
#
# ## What to remember
#
# - A quantiser's derivative is 0 wherever it exists. Straight-through is the exact gradient of another function; the codebook needs a term, or averages, of its own.
# - Count codes over the whole test set. Averages leave codes unused, and so may a gradient; with a second start, or without a codebook, nearly all are used. In use is not yet better.
# - The autoencoder is half of a generator. The prior does the drawing, and a causal prior's nats are a file's length.
# - One token at a time is exact and slow; many at once is a bargain, for tokens drawn together don't know of each other.
# - Better rebuilt need not be better drawn: look at both columns.
#
# ## Further reading
#
# - Y. Bengio, N. Léonard, A. Courville, *Estimating or Propagating Gradients Through Stochastic Neurons for Conditional Computation*, 2013, arXiv:1308.3432: straight through.
# - A. van den Oord, O. Vinyals, K. Kavukcuoglu, *Neural Discrete Representation Learning*, NeurIPS 2017, arXiv:1711.00937: the VQ-VAE.
# - A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, arXiv:1706.03762.
# - P. Dhariwal et al., *Jukebox: A Generative Model for Music*, 2020, arXiv:2005.00341: dead codes begin again.
# - P. Esser, R. Rombach, B. Ommer, *Taming Transformers for High-Resolution Image Synthesis*, CVPR 2021, arXiv:2012.09841: a transformer as prior.
# - H. Chang, H. Zhang, L. Jiang, C. Liu, W. T. Freeman, *MaskGIT: Masked Generative Image Transformer*, CVPR 2022, arXiv:2202.04200.
# - D. Lee, C. Kim, S. Kim, M. Cho, W.-S. Han, *Autoregressive Image Generation using Residual Quantization*, CVPR 2022, arXiv:2203.01941.
# - F. Mentzer, D. Minnen, E. Agustsson, M. Tschannen, *Finite Scalar Quantization: VQ-VAE Made Simple*, ICLR 2024, arXiv:2309.15505.
# - K. Tian, Y. Jiang, Z. Yuan, B. Peng, L. Wang, *Visual Autoregressive Modeling: Scalable Image Generation via Next-Scale Prediction*, NeurIPS 2024, arXiv:2404.02905: coarse grids first.
# - C. Fifty et al., *Restructuring Vector Quantization with the Rotation Trick*, ICLR 2025, arXiv:2410.06424.
