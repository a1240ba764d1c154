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
# # 23 A GAN that trains
#
# *You will see a collapse that the curves hide, count how many kinds of face a generator leaves out, meet four ways to hold a discriminator's slope, two limits and two prices, and compare eight recipes at equal cost.*
#
# ![A row of real portraits above three rows of generated ones.](../data/pictures/23_stable_gan.webp)
#
# **You need** notebook 22, and from notebook 14 the ring and R1.
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
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, gan, metrics, plots, pretrained, results, tables, vae
from genimg_lib.data import portraits
from genimg_lib.layers import conv_matrix, in_batches
from genimg_lib.training import start
from genimg_lib.widgets import explore

# %%
run = start(
    "23_stable_gan",
    faces=(2_000, 20_000, 20_000),
    steps=(24, 2_000, 40_000),
    batch=(16, 32, 256),
    width=(16, 24, 64),
    lr=(2e-3, 2e-3, 1e-3),
    game_steps=(20, 300, 300),
    few_steps=(10, 900, 10_000),
    fit_steps=(60, 600, 600),
    seeds=(1, 2, 3),
    samples=(300, 2_000, 10_000),
)
tables.show_expected("23_stable_gan", "fd", "fd_floor", "combinations")

# %% [markdown]
# ## Why: three games
#
# A generator G and a discriminator D play the game of notebook 21 on grey faces of 16x16 pixels, with its small networks.

# %%
small = data.load("portraits", size=16, n=run.faces // 2).images
small = small.float().mean(dim=1, keepdim=True).round().to(torch.uint8)  # grey


def leaky():
    return nn.LeakyReLU(0.2)


def adam(net, lr, beta_1):
    return torch.optim.Adam(net.parameters(), lr, betas=(beta_1, 0.99), fused=True)


# %%
def grey_players(lr_G, lr_D):
    """G: [N, 32] -> [N, 1, 16, 16]; D: images -> logits [N]; and their optimisers."""
    painter = vae.mlp(32, 256, 512, 256, activation=nn.ReLU)
    G = nn.Sequential(painter, nn.Tanh(), nn.Unflatten(1, (1, 16, 16))).to(run.device)
    judge = vae.mlp(256, 512, 256, 1, activation=leaky)
    D = nn.Sequential(nn.Flatten(), judge, nn.Flatten(0)).to(run.device)
    return {"G": G, "D": D, "opt_G": adam(G, lr_G, 0.5), "opt_D": adam(D, lr_D, 0.5)}


# %%
def update(opt, loss):
    opt.zero_grad()
    loss.backward()
    opt.step()


def grey_round(x, G, D, opt_G, opt_D, D_steps, g_loss):
    """Both losses after some steps of D, then one of G. x: [N, 1, 16, 16]."""

    def fake():
        return G(torch.randn(128, 32, device=run.device))

    for _ in range(D_steps):
        loss_D = gan.minimax_d_loss(D(x), D(fake().detach()))
        update(opt_D, loss_D)
    update(opt_G, g_loss(D(fake())))
    # the same two losses in all games, whatever G was trained by
    return {"loss_D": loss_D, "loss_G": gan.nonsaturating_g_loss(D(fake()))}


# %% [markdown]
# Three games with different settings.
# Do not read the settings yet: guess from the curves below them.
# **Predict**: which game is healthy, in which has G collapsed to few faces, in which has D run away?

# %%
SETTINGS = {
    "A": {"steps": 6 * run.game_steps, "lr_D": 1e-4},
    "B": {"steps": 6 * run.game_steps},
    "C": {"steps": run.game_steps // 3, "D_steps": 10, "g_loss": gan.minimax_g_loss},
}


def grey_game(label, steps, lr_D=1e-3, D_steps=1, g_loss=gan.nonsaturating_g_loss):
    """The losses of a game, and 500 images of its generator."""
    torch.manual_seed(run.seed)
    players = grey_players(1e-3, lr_D)
    for x in run.train(run.batches(small, 128), steps, label=label, **players):
        run.log(**grey_round(x, **players, D_steps=D_steps, g_loss=g_loss))
    z = torch.randn(500, 32, generator=torch.Generator().manual_seed(1))
    return run.history, in_batches(players["G"], z)


games = {name: grey_game(name, **settings) for name, settings in SETTINGS.items()}

# %%
fig, axes = plots.figure(1, 3, height=2.6, sharey=True)
for axis, (name, (history, _)) in zip(axes, games.items(), strict=True):
    for loss in ("loss_D", "loss_G"):
        part = torch.linspace(0, 1, len(history[loss]))
        axis.plot(part, history[loss], linewidth=0.8, label=loss)
    axis.axhline(2 * math.log(2), linestyle="--", linewidth=1)
    axis.set(title=f"game {name}", ylim=(0, 8), xlabel="part of the game")
axes[0].set_ylabel("nats")
axes[1].legend()
plots.show(
    fig,
    alt="The losses of both players in three games, unnamed.",
    caption="Not smoothed. Dashed: D's loss where it cannot tell, 2 log 2.",
)

# %% [markdown]
# The answer, in samples and in numbers.
# *Spread* is the mean distance between two samples, as a share of that between two real faces: how varied they are.
# *Resemblance* is the correlation of a sample's pixels with those of the most similar of 500 real faces, the median over the samples.

# %%
real_faces, others = data.to_float(small[:1_000]).flatten(1).split(500)


def spread(images):
    distances = torch.pdist(images.flatten(1)), torch.pdist(others)
    return (distances[0].mean() / distances[1].mean()).item()


def resemblance(images):
    def unit(v):
        return F.normalize(v - v.mean(dim=1, keepdim=True), dim=1)

    correlations = unit(images.flatten(1)) @ unit(real_faces).T  # [N, 500]
    return correlations.amax(dim=1).median().item()


# %%
rows, found = [("real", "", "", 1.0, resemblance(others))], {}
for name, (history, images) in games.items():
    late = torch.tensor(history["loss_D"])[len(history["loss_D"]) // 2 :]
    found[f"late_loss_D_{name}"] = late.mean().item()
    found[f"spread_{name}"] = spread(images)
    found[f"resemblance_{name}"] = resemblance(images)
    rows.append((name, late.mean(), late.std(), spread(images), resemblance(images)))
tables.show(rows, ("game", "loss of D, second half", "±", "spread", "resemblance"))

faces = {"real": data.to_float(small[:12])}
faces |= {f"game {name}": images[:12] for name, (_, images) in games.items()}
plots.show(
    plots.grid(faces, cols=12),
    alt="A row of real grey faces, and a row of samples of each of three games: one "
    "grainy head again and again, different grainy faces, and grey noise.",
    caption="Real faces, then twelve samples of each game.",
)


# %%
def grain(images):
    """The mean step between neighbouring pixels."""
    return images.diff(dim=-1).abs().mean().item()


if run.profile != "quick":
    assert min(grain(games[k][1]) for k in "AB") > 1.2 * grain(faces["real"])
    assert found["spread_A"] < 0.5 < found["spread_B"]
    assert found["resemblance_C"] < 0.5 < found["resemblance_A"]
    assert found["late_loss_D_C"] < 0.1
    assert found["late_loss_D_B"] < found["late_loss_D_A"]
    assert abs(found["late_loss_D_A"] - 2 * math.log(2)) < 0.1

# %% [markdown]
# **A** has collapsed, though its curves look best: D's loss stays where D cannot tell, which a perfect G would bring about as well.
# D learns at a tenth of G's rate here, and the samples are one grainy head again and again.
#
# **B** is healthy: D stays a little ahead, and the samples differ.
#
# **C**: D has run away.
# It takes ten steps to G's one, its loss is near 0, and with the minimax loss G's push is near 0 with it: the samples are noise.
# (This is one seed, and C had 100 rounds where A and B had 1,800. Whether ten steps or the minimax loss alone would have done it, you can try in `SETTINGS`.)
#
# ## Who is missing?
#
# A generator that draws only short black hair draws no single image that is wrong.
# The portraits know their factors, so we can count.
# Take hair style, hat, glasses, beard and mouth: $6 \cdot 4 \cdot 3 \cdot 3 \cdot 4 = 864$ combinations.
# The factors are drawn independently, so the probability $p_c$ of combination $c$ is a product of five shares.
# In $n$ images $c$ is missing with probability $(1 - p_c)^n$, so we expect
#
# $$\mathbb{E}[\text{combinations covered}] = \sum_{c} \big(1 - (1 - p_c)^n\big). \tag{1}$$

# %%
KINDS = ("hair", "hat", "glasses", "beard", "mouth")

shares = torch.cartesian_prod(*(portraits.probabilities(kind) for kind in KINDS))
p = shares.prod(dim=1)  # [864, 5] -> [864]
found["combinations_expected"] = (1 - (1 - p) ** run.samples).sum().item()  # (1)


def combinations(factors):
    """How many combinations of KINDS occur. factors: {name: indices [N]}."""
    return torch.stack([factors[kind] for kind in KINDS]).unique(dim=1).shape[1]


# %% [markdown]
# For real images we know the factors; for generated ones the *evaluator* has to read them, a classifier that comes with the course.
# So we count real images both ways.

# %%
evaluator = metrics.Evaluator("portraits")
real = data.load("portraits", "test", n=run.samples, seed=11)
found["combinations_real"] = combinations(evaluator.read(real.images))
print(f"{run.samples:,} real images, of {len(p)} combinations:")
print(f"  expected by (1)            {found['combinations_expected']:.1f}")
print(f"  counted                    {combinations(real.factors)}")
print(f"  counted by the evaluator   {found['combinations_real']}")
assert abs(combinations(real.factors) - found["combinations_expected"]) < 40
assert len(p) == 864

# %% [markdown]
# Misreadings can add combinations, so a generator of smears may look varied by this count alone, and rare combinations come by luck.
# The shares of each factor's values suffer less from either.
# With $a_k$ the share of value $k$ among the images and $p_k$ that in the data, the **total variation** is $\frac12 \sum_k |a_k - p_k|$, the share of images that would have to change.
# A value counts as *produced* if it comes at least a tenth as often as in the data.

# %%
seeded = torch.Generator().manual_seed(1)
latents = torch.randn(max(2_000, run.samples), 64, generator=seeded)
lent = pretrained.load_generator("gan_portraits", run.device)  # that of notebook 22
generated = in_batches(lent, latents[: run.samples])

# %%
rows = []
for name, images in (("real", real.images), ("generated", generated)):
    factors = evaluator.read(images)
    variation, produced = metrics.coverage(factors)
    worst = max(variation, key=variation.get)
    rows.append((name, combinations(factors), produced, variation[worst], worst))
total = "largest total variation"
tables.show(rows, ("images", "combinations", "values produced", total, "of factor"))

# %% [markdown]
# ## The maths: a discriminator with a limited slope
#
# From notebook 13, with $a$ for $f$: the Wasserstein distance asks for the best critic among those that nowhere rise faster than 1:
#
# $$W_1(p, q) = \sup_{|a(x) - a(y)| \le \|x - y\|} \; \mathbb{E}_{x \sim p}\, a(x) - \mathbb{E}_{y \sim q}\, a(y). \tag{2}$$
#
# A critic of this kind has a useful slope where the sets do not overlap, and it is never infinitely sure.
# But how do you keep a network's slope below 1?
#
# **How much does a matrix stretch?**
# Every matrix is $W = \sum_i \sigma_i\, u_i v_i^\top$ with orthonormal $u_i$, orthonormal $v_i$ and $\sigma_1 \ge \sigma_2 \ge \dots \ge 0$, its *singular values*.
# So $\|Wx\| \le \sigma_1 \|x\|$, and $x = v_1$ reaches it: $\sigma_1$ is the most by which $W$ stretches a vector.
# We write $\|W\|$.
# ($\sigma$ without an index stays the sigmoid.)
#
# In a chain of layers $x_{l+1} = \phi(W_l x_l)$ with $|\phi'| \le 1$, two inputs at distance $\delta$ leave $W$ at most $\|W\|\,\delta$ apart, and $\phi$ brings them no further apart.
# Layer after layer the factors multiply:
#
# $$|a(x) - a(y)| \le \Big(\prod_l \|W_l\|\Big)\, \|x - y\|. \tag{3}$$
#
# Four ways to use this, or to do without:
#
# **Clipping** (Arjovsky et al. 2017): after each step, force every weight into $[-c, c]$.
# As $\|W\|^2 \le \sum_{ij} W_{ij}^2 \le mn\,c^2$ for $W$ of size $m \times n$, that bounds each layer by $c\sqrt{mn}$.
# But for the critic below, 2-64-64-1, the product of these bounds is 0.006 for $c = 0.01$ and 156 for $c = 0.3$.
#
# **Spectral norm** (Miyato et al. 2018): divide each $W_l$ by $\|W_l\|$; by (3) the slope is then at most 1.
#
# **Gradient penalty** (Gulrajani et al. 2017).
# By (2), the best critic's gain is the cheapest plan's work: over the pairs $(x, y)$ of the plan, $a(x) - a(y)$ is on average $\|x - y\|$.
# No pair can gain more, so each gains exactly this, and a function of slope at most 1 that rises by the whole length of a line has slope 1 all along it.
# The plan is unknown, so the penalty asks for 1 on lines between *random* pairs:
#
# $$\text{GP} = \mathbb{E}\,\big(\|\nabla a(\hat x)\| - 1\big)^2, \qquad \hat x = \alpha\, x + (1 - \alpha)\, y, \quad \alpha \sim \mathcal{U}(0, 1). \tag{4}$$
#
# **R1** (Mescheder et al. 2018): no limit, only a price for slope at real images,
#
# $$R_1 = \tfrac{\gamma}{2}\, \mathbb{E}_{x \sim p}\, \|\nabla a(x)\|^2, \tag{5}$$
#
# so that where real and fake agree D comes to rest (notebook 14).
#
# One backward pass gives all slopes of (4) and (5): $\nabla_{x_i} \sum_j a(x_j) = \nabla a(x_i)$, as long as a logit depends on its own image alone.
#
# Who estimates a distance that we know?
# Take $p = \mathcal{N}(0, I)$ in the plane and $q$ the same, moved by 2: then $W_1 = 2$.
# (R1 estimates no distance, so it is not in this comparison.)


# %%
def clouds(n):
    """n points of either cloud: two tensors [n, 2]."""
    return torch.randn(n, 2), torch.randn(n, 2) + torch.tensor([2.0, 0.0])


def critic(spectral):
    """A small critic of points in the plane."""
    net = vae.mlp(2, 64, 64, 1, activation=leaky)
    for layer in net[::2] if spectral else ():  # the linear layers
        nn.utils.parametrizations.spectral_norm(layer)
    return nn.Sequential(net, nn.Flatten(0))


# %%
def fit(penalty=0.0, clip=None, spectral=False):
    """A critic trained for the supremum of (2) by one of the ways."""
    torch.manual_seed(run.seed)
    a = critic(spectral)
    opt = torch.optim.Adam(a.parameters(), lr=1e-3, betas=(0.0, 0.9))
    for _ in range(run.fit_steps):
        x, y = clouds(256)
        loss = gan.wasserstein_d_loss(a(x), a(y))
        if penalty:
            loss = loss + penalty * gan.gradient_penalty(a, x, y)
        update(opt, loss)
        if clip:
            for w in a.parameters():
                w.data.clamp_(-clip, clip)
    return a


# %% [markdown]
# **Predict** the estimates.
# The penalty is a price and no limit: with weight $\lambda = 10$ a slope $s$ gains $2s - 10\,(s - 1)^2$, most at $s = 1.1$, so expect 2.2.
# Spectral norm cannot pass 2, but for the noise of the samples.

# %%
WAYS = {
    "nothing": {},
    "clipping 0.01": {"clip": 0.01},
    "clipping 0.3": {"clip": 0.3},
    "spectral norm": {"spectral": True},
    "gradient penalty": {"penalty": 10.0},
}
critics = {name: fit(**how) for name, how in WAYS.items()}


# %%
def bound(a):
    """The right side of (3), for points at distance 1."""
    return math.prod(torch.linalg.norm(layer.weight, 2) for layer in a[0][::2])


def slopes_between(a, x, y):
    """The lengths of the gradients at random points between x and y: [N]."""
    between = y.lerp(x, torch.rand(len(x), 1)).requires_grad_()
    (slope,) = torch.autograd.grad(a(between).sum(), between)
    return slope.norm(dim=1)


# %%
rows, estimates = [], {}
for name, a in critics.items():
    x, y = clouds(4_000)
    estimates[name] = -gan.wasserstein_d_loss(a(x), a(y)).item()
    slope = slopes_between(a, x, y)
    rows.append((name, estimates[name], slope.min(), slope.max(), bound(a)))
tables.show(rows, ("", "estimate of W1 = 2", "least slope", "largest", "bound (3)"))
assert estimates["spectral norm"] < 2.15  # as (3) guarantees, but for noise
assert estimates["clipping 0.01"] < 0.1
if run.profile != "quick":
    assert estimates["nothing"] > 2.5 and estimates["clipping 0.3"] > 2.5
    assert abs(estimates["gradient penalty"] - 2.2) < 0.4

# %% [markdown]
# **The power iteration** finds $\|W\|$ with two products a step.
# Start anywhere, and repeat
#
# $$v \leftarrow \frac{W^\top u}{\|W^\top u\|}, \qquad u \leftarrow \frac{W v}{\|W v\|}, \qquad \sigma_1 \approx u^\top W v. \tag{6}$$
#
# Since $W^\top W v_i = \sigma_i^2\, v_i$, each round multiplies the part of $v$ along $v_i$ by $\sigma_i^2$, and the largest wins: after $k$ rounds the second part is $(\sigma_2/\sigma_1)^{2k}$ of what it was beside the first.
# Weights change little from step to step of a training; one round a step, going on from the last $u$, is enough.
# That is what torch does: it takes 15 rounds at the start, then one whenever the weight is used in training mode.

# %%
torch.manual_seed(run.seed)
layer = nn.utils.parametrizations.spectral_norm(nn.Linear(30, 20).double())
W = layer.parametrizations.weight.original.detach()
u = F.normalize(torch.randn(20, dtype=torch.float64), dim=0)
exact = torch.linalg.svdvals(W)[0]
rows = []
for k in range(1, 41):
    v = F.normalize(W.T @ u, dim=0)  # (6)
    u = F.normalize(W @ v, dim=0)
    sigma = u @ W @ v
    theirs = (W / layer.weight).mean()  # every use is one more of torch's rounds
    if k in (1, 3, 11, 40):
        rows.append((k, *(f"{value:.6f}" for value in (sigma, theirs, exact))))
tables.show(rows, ("round", "ours", "torch's", "singular value decomposition"))
assert abs(sigma / exact - 1) < 5e-3

# %% [markdown]
# One caution.
# For a convolution torch takes the norm of its weights as a matrix $[C_\text{out},\, C_\text{in} k^2]$.
# But with stride $s$ a pixel enters up to $\lceil k/s \rceil^2$ windows, so the squares of all patches add up to at most that many times $\|x\|^2$, and the layer can stretch an image up to $\lceil k/s \rceil$ times as much.
#
# So the slope of our discriminator at 32x32, with one 3x3 convolution, three 4x4 of stride 2 and a dense layer, is bounded by $3 \cdot 2 \cdot 2 \cdot 2 \cdot 1 = 24$, not by 1.
# A blur comes close to its factor of 3.
# Its matrix comes from notebook 12:

# %%
blur = nn.Conv2d(1, 1, 3, padding=1, bias=False)
nn.init.ones_(blur.weight)
blur = nn.utils.parametrizations.spectral_norm(blur, n_power_iterations=30).eval()
weight = blur.weight.detach()[0, 0]
of_layer = torch.linalg.matrix_norm(conv_matrix(weight, 16, padding=1), 2)
print(f"norm of the weights as torch sees them: {weight.norm():.3f}")
print(f"norm of the whole layer on 16x16 pixels: {of_layer:.3f}")
assert 2.8 < of_layer <= 3

# %% [markdown]
# ## Losses that compare
#
# The **hinge loss**: at a place with densities $p$ and $q$ the discriminator minimises $p \max(0, 1 - a) + q \max(0, 1 + a)$.
# Between -1 and 1 that is $p + q - a\,(p - q)$, so the best answer is $a = 1$ where $p > q$ and $-1$ where $q > p$.
# It asks *which* is more likely, not by how much, and a logit above 1 on a real image earns nothing more.
# $G$ feels a slope of 1 at any logit.
#
# The **relativistic** loss (Jolicoeur-Martineau 2018) does not ask "is this real?" but "is this one *more* real than that?", over pairs of a real and a fake image:
#
# $$L_D = \mathbb{E}\big[\operatorname{softplus}\!\big(a(G(z)) - a(x)\big)\big], \qquad L_G = \mathbb{E}\big[\operatorname{softplus}\!\big(a(x) - a(G(z))\big)\big]. \tag{7}$$
#
# In the usual losses $G$'s part does not contain real images at all.
# In (7) they set how hard each fake is pushed: a fake is pushed the harder, the more real its partner is judged beside it, however good it is by itself.
# R3GAN (Huang et al. 2024) shows that with R1 on real *and* on fake images this loss trains without any of the older tricks.
#
# How hard is G pushed?
# The figure shows the size of the slope of its loss by the logit $a$ of a fake, with $D = \sigma(a)$.

# %%
real_logits, fake_logits = torch.randn(2, 6, dtype=torch.float64)
by_hand = torch.log(1 + torch.exp(fake_logits - real_logits)).mean()  # (7)
theirs = gan.relativistic_d_loss(real_logits, fake_logits)
shifted = gan.relativistic_d_loss(real_logits + 5, fake_logits + 5)
assert torch.isclose(theirs, by_hand)
assert torch.isclose(shifted, theirs)  # only differences count

# %%
a = torch.linspace(-3, 3, 121)
pushes = {
    "non-saturating: 1 - D": (a, torch.sigmoid(-a)),
    "minimax: D": (a, torch.sigmoid(a)),
    "hinge, Wasserstein: 1": (a, torch.ones_like(a)),
    "relativistic, against a real logit of 2": (a, torch.sigmoid(2 - a)),
}
axes = {"xlabel": "logit of a fake", "ylabel": "how hard G is pushed"}
fig = plots.lines(pushes, **axes, ylim=(0, 1.5))
fig.axes[0].legend(loc="upper center", ncol=2)
plots.show(
    fig,
    alt="Four curves over the logit of a fake: minimax rises from near 0 to near 1, "
    "non-saturating falls from near 1 to near 0, hinge stays at 1, and the "
    "relativistic one falls only as the logit nears 2.",
    caption="Minimax pushes least where D is surest of the fake.",
)

# %% [markdown]
# **Two time scales** (Heusel et al. 2017): give the players different learning rates, D the higher one in theory, so that it is close to its best answer before G moves on.
# The next cells try both ways on the ring of notebook 14, without any penalty, and look twice: early and late.


# %%
def ring_players(lr_G, lr_D):
    G = vae.mlp(8, 64, 64, 2, activation=nn.ReLU)
    D = nn.Sequential(vae.mlp(2, 64, 64, 1, activation=leaky), nn.Flatten(0))
    return G, D, adam(G, lr_G, 0.5), adam(D, lr_D, 0.5)


def clusters_reached(G):
    samples = in_batches(G, torch.randn(1_000, 8))
    near = torch.cdist(samples, data.toy.ring_centres()) < 0.3
    return int((near.double().mean(dim=0) > 0.02).sum())  # with 2 % of the samples


def ring_game(lr_G, lr_D, seed):
    """The clusters that a small GAN reaches, early and after four times as long."""
    torch.manual_seed(seed)
    G, D, opt_G, opt_D = ring_players(lr_G, lr_D)
    ring, reached = data.toy.ring(20_000, seed=seed, std=0.1), []
    for step in range(1, 4 * run.fit_steps + 1):
        fake = G(torch.randn(256, 8))
        x = ring[torch.randint(len(ring), (256,))]
        update(opt_D, gan.minimax_d_loss(D(x), D(fake.detach())))
        update(opt_G, gan.nonsaturating_g_loss(D(fake)))
        if step in (run.fit_steps, 4 * run.fit_steps):
            reached.append(clusters_reached(G))
    return reached


# %% [markdown]
# Both rates matter, so we try all four pairs of two rates, with three seeds each.
# **Predict** how many of the eight clusters the samples reach in each.

# %%
rows, early, late = [], {}, {}
for lr_G in (1e-3, 4e-3):
    for lr_D in (1e-3, 4e-3):
        games_of_pair = [ring_game(lr_G, lr_D, seed) for seed in range(3)]
        early[lr_G, lr_D], late[lr_G, lr_D] = zip(*games_of_pair, strict=True)
        shown = [" ".join(map(str, when[lr_G, lr_D])) for when in (early, late)]
        rows.append((f"{lr_G:g}", f"{lr_D:g}", *shown))
n = run.fit_steps
tables.show(rows, ("rate of G", "rate of D", f"after {n:,} steps", f"{4 * n:,} steps"))
slower = 4e-3, 1e-3  # D, than G
if run.profile != "quick":
    assert min(*early[1e-3, 4e-3], *early[4e-3, 4e-3]) >= 6
    assert max(*early[1e-3, 1e-3], *early[slower]) <= 3
    assert max(late[slower]) <= 2
    assert all(sum(late[pair]) / 3 > 5.5 for pair in late if pair != slower)
found["ring_slower_D"] = sum(late[slower]) / 3
found["ring_equal_rates"] = sum(late[1e-3, 1e-3]) / 3

# %% [markdown]
# Early, only D at the higher rate has found nearly all clusters.
# Late, so has every pair but one: with G four times as fast as D the samples stay in one.
# So a higher rate of D brings success *sooner*; what a game does not survive here is a D slower than G.
#
# In game A, too, D was slower than G.
# So when a game collapses, make D faster or G slower, until D keeps up.
#
# ## Eight recipes at equal cost
#
# Which of these brings what?
# A fair answer needs the same networks, data and minutes, and several seeds.
# Lucic et al. (2018) gave it at scale: with enough tuning and restarts, most losses reach similar scores.
# Kurach et al. (2019) did the same for the ways to limit the slope.
#
# `genimg bench stable_gan` is a small study of that kind: half a minute a training, three seeds, and for each row the best of three learning rates, sought beforehand with another seed and as many minutes.
# So read it with its handicaps in mind:
#
# - All rows take one step of $D$ to one of $G$, with Adam without momentum. The papers of the two Wasserstein losses take five steps of the critic; that of clipping takes another optimiser, and $c = 0.01$, not 0.03.
# - "Lazy" means in every fourth round, four times as heavy. R1 is lazy in both of its rows; R3GAN has it in every round, and at fakes too.
# - The minutes are equal, so a row that computes a penalty in every round plays fewer rounds.
#
# So a row shows what a change of loss or limit brings in half a minute, not the best that its paper could do.
# **Predict** the order.

# %%
RECIPES = (
    "non-saturating, nothing",
    "non-saturating, R1",
    "hinge, nothing",
    "hinge, spectral norm",
    "Wasserstein, clipping",
    "Wasserstein, lazy gradient penalty",
    "Wasserstein, gradient penalty",
    "relativistic, R1",
)
R1_ROWS, FREE = (RECIPES[7], RECIPES[1]), (RECIPES[0], RECIPES[2])
CRITICS, SPECTRAL, LAZY = (RECIPES[4], RECIPES[6]), RECIPES[3], RECIPES[5]
bench = results.figures("bench_stable_gan")
SPREAD = ("fd", "fd_least", "fd_most")
KEYS = ("rate", "steps", *SPREAD, "precision", "recall", "combinations")


def figure_of(recipe, key):
    short = recipe.replace(", ", "_").replace(" ", "_").replace("-", "_").lower()
    return bench[f"{short}_{key}"]


# %%
rows = []
for name in RECIPES:
    rate, steps, *middle, kinds = (figure_of(name, key) for key in KEYS)
    rows.append((name, rate, round(steps), *middle, round(kinds)))
apart, *of_real = (bench[f"{key}_floor"] for key in ("fd", "precision", "recall"))
rows.append(("real", "", "", apart, "", "", *of_real, bench["combinations_real"]))
names = ("rate", "rounds", "FD", "least", "most", "precision", "recall", "kinds")
tables.show(rows, ("", *names))

tried = {}
for recipe in RECIPES:
    tried[recipe] = [figure_of(recipe, f"rate_{r}_fd") for r in (0.0003, 0.001, 0.003)]
rows = [(recipe, *distances) for recipe, distances in tried.items()]
tables.show(rows, ("FD in the search, by rate", "0.0003", "0.001", "0.003"))


# %%
def figures_of(recipes, key):
    return [figure_of(recipe, key) for recipe in recipes]


order = sorted(RECIPES, key=lambda recipe: figure_of(recipe, "fd"))
groups = set(order[:2]), order[2], set(order[3:5]), set(order[5:7]), order[7]
assert groups == (set(R1_ROWS), SPECTRAL, set(FREE), set(CRITICS), LAZY)
assert max(figures_of(R1_ROWS, "fd_most")) < min(figures_of(FREE, "fd_least"))
for pair in (R1_ROWS, FREE, CRITICS):  # their ranges overlap
    assert max(figures_of(pair, "fd_least")) < min(figures_of(pair, "fd_most"))
others = [recipe for recipe in RECIPES if recipe not in R1_ROWS]
assert min(figures_of(R1_ROWS, "recall")) > max(figures_of(others, "recall"))
assert figure_of(LAZY, "fd_least") > 1.5 * max(figures_of(CRITICS, "fd_most"))

best = [min(range(3), key=distances.__getitem__) for distances in tried.values()]
assert best.count(1) == 7 and RECIPES[best.index(2)] == LAZY
dear = {recipe: of[2] / of[1] for recipe, of in tried.items() if recipe != LAZY}
assert min(tried, key=lambda recipe: tried[recipe][2]) == SPECTRAL
assert min(dear, key=dear.get) == SPECTRAL and dear[SPECTRAL] < 1.3
assert sum(times > 2 for times in dear.values()) == 5

# %% [markdown]
# Among the non-saturating, the hinge and the relativistic loss, R1 or spectral norm counts for more here than which of them is played.
# R1 leads with either loss, in distance and in recall; spectral norm follows, then the two losses that nothing holds.
# The ranges of R1 and of nothing do not overlap; those of the two losses with R1 do, and so do those of the two with nothing.
# Spectral norm overlaps one row on either side.
#
# The Wasserstein losses lag, with one step of the critic a round: clipping and the penalty side by side, although the penalty plays fewer rounds.
# Whether they lag by the loss or by its limits, no row tells.
# Computed in every fourth round only, the penalty fails at 0.001, where that of every round works (at 0.0003 both fail); at 0.003 it worked with the seed of the search, and with none of the other three.
#
# And the second table says how much a rate is worth.
# In the search (one seed), with the rate 0.003 of notebooks 22 and 24 for all rows, five of them are at more than twice their distance, and spectral norm leads.
# One rate for all is no fair comparison, and three rates are few.
#
# Then why do notebooks 22 and 24 train with hinge and spectral norm?
# In that search it minds a rate three times too high the least, and a round of it needs no gradient of a gradient.
# Two generators that come with the course, both without a condition, were trained for minutes, one with each recipe, each at its own rate and with one seed:

# %%
keys = ("kind", "minutes", "fd", "precision", "recall")
known = [pretrained.facts(name) for name in ("gan_portraits", "stable_gan_portraits")]
rows = [[facts[key] for key in keys] for facts in known]
tables.show(rows, ("recipe", "minutes", "Fréchet distance", "precision", "recall"))
hinge, relativistic = rows
assert relativistic[2] < hinge[2] < figure_of(SPECTRAL, "fd_least") / 2.5
assert relativistic[4] > hinge[4] and relativistic[3] < hinge[3]

# %% [markdown]
# With more than three times the rounds (and three times the rate, more faces, and 5,000 samples to judge by), hinge with spectral norm gets far below the best of its half-minute seeds; the relativistic recipe is somewhat ahead in distance and recall, in less time, hinge in precision; one seed each decides nothing.
#
# ## One row, live
#
# Now the losses and networks of *relativistic, R1*, here, with more rounds, a faster layout in memory and another average.
# It is the round of notebook 22 with another loss and a penalty.
# R1 needs a gradient of a gradient, which makes a round much longer; so we compute it in every fourth round only, and multiply it by four ("lazy", Karras et al. 2020, who also adapt Adam's settings to that, which we do not).


# %%
def unchanged(images):
    return images


def lazy_r1(D, x, step, gamma=1.0, every=4):
    """(5) in every fourth round, four times as heavy; 0 in the others."""
    return every * gamma / 2 * gan.r1_penalty(D, x) if step % every == 0 else 0.0


# %%
def play(x, G, D, opt_G, opt_D, step, augment=unchanged):
    """One round of the relativistic game with lazy R1: both losses."""
    fake = G(torch.randn(len(x), G.latent, device=x.device))
    a_real, a_fake = D(augment(torch.cat([x, fake.detach()]))).chunk(2)
    loss_D = gan.relativistic_d_loss(a_real, a_fake)
    update(opt_D, loss_D + lazy_r1(D, augment(x), step))

    D.requires_grad_(False)
    # the reals' logits are a step old: close enough, and a pass less
    loss_G = gan.relativistic_g_loss(a_real.detach(), D(augment(fake)))
    update(opt_G, loss_G)
    D.requires_grad_(True)
    return {"loss_D": loss_D, "loss_G": loss_G}


# %% [markdown]
# `run.anneal` keeps the learning rates constant for the first half and then lets them fall to 0; `run.ema["G"]` is the average of G's weights, to which `gan.settled` gives batch-norm statistics of its own (notebook 22).
# `keep` is called twelve times or so, to remember a moment of the game: some samples, D's logits of real images that it never saw and of the samples, and the Fréchet distance of 300 samples, which is larger than that of 2,000.


# %%
def train(label, images, steps, width, keep=None, augment=unchanged, seed=0):
    """The averaged generator, and the discriminator."""
    torch.manual_seed(run.seed + seed)
    G = gan.Generator(width=width).to(run.device)
    D = gan.Discriminator(width=width, spectral=False).to(run.device)
    for net in (G, D):  # the order of numbers in memory that convolutions like best
        net.to(memory_format=torch.channels_last)
    opts = {"opt_G": adam(G, run.lr, 0.0), "opt_D": adam(D, run.lr, 0.0)}
    average = {"ema": "G", "ema_decay": 0.99}
    batches = run.batches(images, run.batch)
    for x in run.train(batches, steps, label=label, **average, G=G, D=D, **opts):
        step = len(run.history.get("step", []))  # the history survives an interruption
        run.anneal(*opts.values())
        run.log(**play(x, G, D, **opts, step=step, augment=augment))
        if keep and step % max(1, steps // 12) == 0:
            keep(gan.settled(run.ema["G"], latents[:1_000]), D)
    return gan.settled(run.ema["G"], latents[:1_000]), D


# %%
moments, unseen = [], data.to_float(real.images[:300])


def remember(G, D):
    drawn = in_batches(G, latents[:300])
    a_real, a_fake = in_batches(D, unseen), in_batches(D, drawn)
    moments.append((drawn[:32], a_real, a_fake, evaluator.fd(drawn)))


portrait_set = data.load("portraits", n=run.faces).images
G, D = train("live", portrait_set, run.steps, run.width, keep=remember)
remember(G, D)
live = run.history

# %%
made = in_batches(G, latents[: run.samples])
found |= evaluator.report(made)
found["combinations"] = combinations(evaluator.read(made))
keys = ("fd", "precision", "recall")
rows = [(key, found[key], found[f"{key}_floor"]) for key in keys]
rows.append(("combinations", found["combinations"], found["combinations_real"]))
tables.show(rows, ("", "generated", "real images"))

# %%
grid = {
    "real": data.to_float(real.images[:10]),
    f"generated, after {run.steps:,} steps": made[:30],
}
cover = plots.grid(grid, cols=10)
plots.cover(cover)
plots.show(
    cover,
    alt="A row of real portraits above three rows of generated ones.",
    caption="The first thirty samples, not chosen. Relativistic loss and R1.",
)
plots.show(
    plots.curves(live, "loss_D", "loss_G", smooth=0.95, height=2.6),
    alt="Both relativistic losses over the steps: that of D falls.",
    caption="Where D cannot tell, both are log 2 = 0.69.",
)

# %% [markdown]
# D's loss falls, and goes on falling as the rates go to 0.
# Is that bad?
#
# D may be learning its training images *by heart*: it calls them real and unseen real ones fake, and what it tells G is wrong.
# Or it may simply be ahead of G.
# We measure how far unseen real faces lie from the seen ones towards the fakes, on D's own scale of logits.
# 0 % is a discriminator that knows faces; 100 %, one that knows only its own.


# %%
def learned_by_heart(D, seen, fakes):
    """How far unseen real images lie from the seen ones towards the fakes."""
    sets = (seen, unseen, fakes)
    known, new, fake = (in_batches(D, images).mean().item() for images in sets)
    return (known - new) / (known - fake)


found["gap"] = learned_by_heart(D, data.to_float(portrait_set[:500]), made[:300])
print(f"learned by heart: {found['gap']:.0%}")
half = len(live["loss_D"]) // 2
if run.profile != "quick":
    assert found["gap"] < 0.2
    assert sum(live["loss_D"][half:]) < 0.8 * sum(live["loss_D"][:half])

# %% [markdown]
# Little: D knows faces, and is ahead of G.
#
# ## Explore: the training, again
#
# So what happens between the two?
# In the game (7) D wins a pair if the real image gets the higher logit.
# **Predict** before you move: as the samples get better, does D win fewer of the pairs?

# %%
bins = torch.linspace(-6, 6, 41)


def sheet(images):
    """32 images [32, 3, H, W] as one picture of four rows, [4 H, 8 W, 3] in 0..1."""
    rows = images.unflatten(0, (4, 8)).permute(0, 3, 1, 4, 2)  # [4, H, 8, W, 3]
    return (rows.flatten(2, 3).flatten(0, 1) + 1) / 2


def pairs_won(a_real, a_fake):
    return (a_real[:, None] > a_fake).double().mean().item()


# %%
def replay(moment):
    images, a_real, a_fake, fd = moments[moment]
    ratios = {"width_ratios": [1.6, 1]}
    fig, (left, right) = plots.figure(1, 2, height=2.8, gridspec_kw=ratios)
    left.imshow(sheet(images))
    left.axis("off")
    left.set_title(f"Fréchet distance {fd:.0f}")
    shift = torch.cat([a_real, a_fake]).mean()  # only differences count
    for logits, k, name in ((a_real, 2, "real"), (a_fake, 3, "generated")):
        counts = torch.histc((logits - shift).clamp(-6, 6), 40, -6, 6)
        look = {"fill": True, "alpha": 0.6, "color": plots.COLORS[k]}
        right.stairs(counts, bins, label=name, **look)
    right.legend(loc="upper left")
    right.set(xlabel="logit, from the mean of all", yticks=[])
    right.set_title(f"D wins {pairs_won(a_real, a_fake):.1%} of the pairs")
    return fig


# %%
last = len(moments) - 1
explore(
    replay,
    alt="Left a sheet of generated portraits, right the histograms of D's logits of "
    "real and of generated images.",
    caption="Samples of the averaged weights, and how D sees real and generated.",
    moment=(0, last, last),
)

# %%
rows = []
for when, k in (("after a quarter", last // 4), ("at the end", last)):
    _, a_real, a_fake, fd = moments[k]
    rows.append((when, fd, pairs_won(a_real, a_fake)))
tables.show(rows, ("", "Fréchet distance", "share of pairs that D wins"))
if run.profile != "quick":
    assert rows[0][1] > 2 * rows[1][1]
    assert min(share for *_, share in rows) > 0.9

# %% [markdown]
# It does not: D wins nearly all pairs after a quarter of the steps and at the end, while the distance falls to less than half.
# It improves as G does, and G needs no lost pair to learn, only a slope.
# So neither a falling loss of D nor a D that always wins means that the training has failed; in game C the slope was gone.
#
# ## A hundred images
#
# All this used thousands of faces.
# With a hundred, a discriminator can learn them by heart.
# **Differentiable augmentation** (Zhao et al. 2020) changes every image that D sees, real or fake, at random: colours, a shift, a hole.
# As gradients flow through the change, G still learns, and because fakes are changed as well, it does not learn to draw holes.

# %%
few = data.load("portraits", n=100, seed=2).images
first = data.to_float(few[:10])
looks = {"seen by D": gan.DiffAugment()(first).clamp(-1, 1), "the images": first}
plots.show(
    plots.grid(looks, cols=10),
    alt="Ten portraits, and the same with other colours, shifted, with square holes.",
    caption="Every look is another one.",
)

# %% [markdown]
# The same short training without and with it, more than one seed each.
# Our portraits are flat areas of a few colours, so we leave the change of colours out.
# **Predict**: how much has each discriminator learned by heart?

# %%
drawn, few_float = {}, data.to_float(few)
gaps, few_fds = {}, {}
policies = {"plain": unchanged, "augmented": gan.DiffAugment("translation", "cutout")}
for name, augment in policies.items():
    gaps[name], few_fds[name] = [], []
    for seed in range(run.seeds):
        G, D = train(f"few_{name}", few, run.few_steps, 16, augment=augment, seed=seed)
        drawn[name] = in_batches(G, latents[:1_000])
        gaps[name].append(learned_by_heart(D, few_float, drawn[name][:500]))
        few_fds[name].append(evaluator.fd(drawn[name]))

# %%
rows = []
for name, gap in gaps.items():
    found[f"few_gap_{name}"] = sum(gap) / run.seeds
    found[f"few_fd_{name}"] = sum(few_fds[name]) / run.seeds
    rows.append((name, min(gap), max(gap), min(few_fds[name]), max(few_fds[name])))
tables.show(rows, ("", "share by heart, least", "most", "distance, least", "most"))
if run.profile != "quick":
    assert min(gaps["plain"]) > 0.5 > 2 * max(gaps["augmented"])
    assert min(few_fds["augmented"]) > min(few_fds["plain"])
    assert found["few_fd_augmented"] > found["few_fd_plain"]

# %%
plots.show(
    plots.grid({name: images[:12] for name, images in drawn.items()}, cols=12),
    alt="Two rows of generated portraits, without and with augmentation.",
    caption="Trained on 100 images.",
)

# %% [markdown]
# The plain discriminator has learned more than half by heart, in every seed, the other much less.
# In so short a training that buys no better samples: compare the distances.
# Zhao et al. (2020) train for long, and there it does; the fewer the images, the more.
#
# ## Break it
#
# Five errors of published gradient penalties.
# **Predict** which of them would stop a training.
#
# 1. The norm runs over the wrong axis: channels only.
# 2. $\alpha$ comes from a normal distribution.
# 3. One $\alpha$ for each pixel.
# 4. The slope only at real points.
# 5. A plain square root, where the slope is 0.
#
# For the first, the critic is $a(x) = s\, w^\top x$ with $\|w\| = 1$: its slope is $s$ everywhere, so the right penalty is $(s - 1)^2$.

# %%
torch.manual_seed(run.seed)
w = F.normalize(torch.randn(3 * 32 * 32), dim=0)
of_pixels = w.view(3, 32, 32).norm(dim=0)  # 1. the norm over channels, at each pixel
x, y = data.to_float(real.images[:64]), made[:64]
rows = []
for s in (1, 10):
    right = gan.gradient_penalty(lambda images, s=s: images.flatten(1) @ (s * w), x, y)
    wrong = (s * of_pixels - 1).square().mean()
    rows.append((f"slope {s}", round(right.item(), 4), wrong))
tables.show(rows, ("", "right penalty", "over channels only"))
assert rows[0][1] < 1e-6 and rows[1][2] < rows[0][2]  # it would rather have it steep

# %% [markdown]
# The wrong one charges the perfect critic more than one that is ten times too steep: it asks for a slope of 1 at each pixel, $\sqrt{1024} = 32$ in all.
#
# With a normal $\alpha$ (2), two points in three are not between real and fake at all: half of them have $\alpha < 0$, another 16 % have $\alpha > 1$.
#
# With an $\alpha$ for each pixel (3), $\hat x$ leaves the line.
# Uniform numbers have variance $1/12$, so it lies about $\sqrt{1/12} = 0.29$ of the whole distance off, and always near the middle:

# %%
u = torch.rand_like(x)
mixed = u * x + (1 - u) * y
line, offset = (x - y).flatten(1), (mixed - y).flatten(1)
t = (offset * line).sum(dim=1) / line.square().sum(dim=1)  # nearest point of the line
away = (offset - t[:, None] * line).norm(dim=1) / line.norm(dim=1)
print(f"3. {away.mean():.2f} of the distance from real to fake off the line,")
print(f"   beside the points at t from {t.min():.2f} to {t.max():.2f}")
assert abs(away.mean() - 12**-0.5) < 0.02
assert t.min() > 0.4 and t.max() < 0.6

# %% [markdown]
# For the fourth, a critic of numbers that has slope 1 where the real points are, and 20 between them and the fakes:


# %%
def steep_between(points):
    """Slope 1 at and beyond 1, where the real points are, and 20 before."""
    return torch.where(points > 1, points, 20 * points - 19).sum(dim=1)


real_points, fake_points = 1 + torch.rand(64, 1), -1 - torch.rand(64, 1)
always_real = torch.ones(64)
wrong = gan.gradient_penalty(steep_between, real_points, fake_points, always_real)
right = gan.gradient_penalty(steep_between, real_points, fake_points)
print(f"4. penalty only at real points: {wrong:.3f}, on the lines: {right:.0f}")
assert wrong < 1e-9 and right > 100

# %% [markdown]
# For the last, the gradient of both ways to write a length, where all slopes are 0:

# %%
flat = torch.zeros(4, 3, requires_grad=True)  # slopes of four images


def gradient_of(length):
    return torch.autograd.grad((length - 1).square().mean(), flat)[0]


plain = gradient_of(flat.square().sum(dim=1).sqrt())
careful = gradient_of(torch.linalg.vector_norm(flat, dim=1))
print(f"5. {plain[0].tolist()} or, with vector_norm, {careful[0].tolist()}")
assert plain.isnan().all() and not careful.any()

# %% [markdown]
# Only the last can stop a training, at an image where the slope is exactly 0, as a dead ReLU makes it.
# The others give a finite number, and train *something*, quietly.
#
# A sixth error hides in the network.
# A penalty differentiates the sum of all logits by each image.
# With **batch norm** in the critic (rule 2 of notebook 22) that is no longer the slope of the image's own logit.
# The same eight images, judged together and two by two, with the batch's own statistics and, for comparison, with fixed ones:

# %%
see = nn.Conv2d(3, 16, 4, 2, 1), nn.BatchNorm2d(16), leaky(), nn.Flatten()
a = nn.Sequential(*see, nn.Linear(16 * 16 * 16, 1), nn.Flatten(0))


def penalty(at_once):
    """The mean penalty of eight images, judged some at a time."""
    half = torch.full((at_once,), 0.5)
    parts = zip(x[:8].split(at_once), y[:8].split(at_once), strict=True)
    total = sum(gan.gradient_penalty(a, *part, half).item() for part in parts)
    return total * at_once / 8


# %%
rows = []
for name, training in (("the batch's", True), ("fixed", False)):
    a.train(training)
    rows.append((name, penalty(8), penalty(2)))
tables.show(rows, ("statistics", "penalty, all eight together", "two by two"))
moves = [abs(by_twos / together - 1) for _, together, by_twos in rows]
found["penalty_moves_by"] = moves[0]
assert moves[1] < 1e-4 < 0.02 < moves[0]

# %%
run.report(**found)
run.expect(fd=("<", (700, 60, 10)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/23_stable_gan.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* Everybody there? The share of combinations covered.
# 2. ★ *(5 minutes)* Enough is enough: the hinge losses.
# 3. ★★ *(5 minutes)* In pairs: the relativistic loss.
# 4. ★★ *(10 minutes)* The largest singular value, by power iteration.
# 5. ★★ *(15 minutes)* Whose pixels? Which image moves which logit.
# 6. ★★★ *(30 minutes, a project)* Both penalties.
#
# To try here *(10 minutes each)*: add R1 on *fake* images, as R3GAN does (`gan.r1_penalty(D, fake.detach())`); what does it change in the first hundred steps?
# Show the discriminator of game A how varied its batch is: the standard deviation over the batch, its mean over pixels, as one more number beside each image. Does the game still collapse?
# In "A hundred images", use only `gan.DiffAugment("translation")`, then 1,000 images: how much is learned by heart?
#
# ## What to remember
#
# - Curves show a discriminator that has run away; a collapse they can hide. Look at samples, and count what is missing, factor by factor.
# - A discriminator needs a limit or a price on its slope. Spectral norm is a limit, R1 a price at real images, the gradient penalty a price between real and fake.
# - A penalty belongs at the right points, over the right axes, with no batch norm around; most of its errors are silent.
# - Compare recipes at equal cost, with several seeds, and say what each row was denied.
# - Few images: augment what D sees, fakes included, by something with a gradient.
#
# ## Further reading
#
# - M. Arjovsky, S. Chintala, L. Bottou, *Wasserstein GAN*, 2017, arXiv:1701.07875.
# - I. Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017, arXiv:1704.00028.
# - T. Miyato et al., *Spectral Normalization for Generative Adversarial Networks*, 2018, arXiv:1802.05957.
# - L. Mescheder, A. Geiger, S. Nowozin, *Which Training Methods for GANs do actually Converge?*, 2018, arXiv:1801.04406.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017, arXiv:1706.08500.
# - M. Lucic et al., *Are GANs Created Equal? A Large-Scale Study*, 2018, arXiv:1711.10337.
# - K. Kurach et al., *A Large-Scale Study on Regularization and Normalization in GANs*, 2019, arXiv:1807.04720.
# - A. Jolicoeur-Martineau, *The relativistic discriminator: a key element missing from standard GAN*, 2018, arXiv:1807.00734.
# - Y. Huang et al., *The GAN is dead; long live the GAN! A Modern GAN Baseline*, NeurIPS 2024, arXiv:2501.05441.
# - S. Zhao et al., *Differentiable Augmentation for Data-Efficient GAN Training*, 2020, arXiv:2006.10738.
# - T. Karras et al., *Analyzing and Improving the Image Quality of StyleGAN*, 2020, arXiv:1912.04958: lazy penalties.
