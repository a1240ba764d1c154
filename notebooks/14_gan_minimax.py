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
# # 14 The GAN minimax
#
# *You will solve the game between a forger and a detective on paper, watch a network find the same solution, see why the generator is trained with another loss than the formula's,
# and replay a GAN step by step while it wins or collapses.*
#
# ![Eight clusters on a ring: one GAN's samples cover all of them, another's form a single clump.](../data/pictures/14_gan_minimax.webp)
#
# **You need** notebook 13 (JS and KL), derivatives, and a little linear algebra.
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
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from genimg_lib import data, divergences, gan, plots, tables, vae
from genimg_lib.training import start
from genimg_lib.widgets import explore

# %%
run = start(
    "14_gan_minimax",
    d_steps=(600, 2_500, 2_500),
    ring_steps=(400, 1_000, 1_000),
    seeds=(1, 3, 3),
)

# %%
tables.show_expected("14_gan_minimax", "d_star_error", "spiral_factor")

# %% [markdown]
# ## Why
#
# Notebook 13 measured how far $p_g$ is from $p_\text{data}$, with densities in hand.
# For images we have neither density, only samples.
# The idea of Goodfellow et al. (2014): let a second network measure.
#
# A **generator** $G$, the forger, makes samples $G(z)$ from noise $z$.
# A **discriminator** $D$, the detective, says how probable it finds that a sample is real.
# Each gets better because the other does.
# If even the *best* discriminator cannot tell a sample of $p_g$ from one of $p_\text{data}$, the two distributions are the same.

# %%
ring = data.toy.ring(20_000, seed=run.seed, std=0.1)
source = torch.Generator().manual_seed(run.seed)
early = 0.7 * torch.randn(2_000, 2, generator=source)
clouds = {"real: eight clusters": ring[:2_000], "a generator, so far off": early}
plots.show(
    plots.points(clouds, aspect="equal", ylim=(-2.6, 3.9)),
    alt="Eight small blue clusters on a ring; a round orange cloud in its middle.",
    caption="Where there are blue points and no orange ones, the detective says real.",
)

# %% [markdown]
# ## The maths
#
# ### The game, and its order
#
# $D(x) \in (0, 1)$ is the probability that $x$ is real.
# The discriminator wants the value
#
# $$V(D, G) = \mathbb{E}_{p_\text{data}} \log D(x) + \mathbb{E}_{z} \log\big(1 - D(G(z))\big), \qquad \min_G \max_D V(D, G), \tag{1}$$
#
# to be large, the generator wants it small.
# **The order matters**: the generator is judged by the *best* discriminator against it.
#
# Turned around, $\max_D \min_G$, the generator sees a fixed discriminator first.
# Its best answer is to put everything on the one point that looks most real.
# That is mode collapse, written in the order of two words.
#
# Take a world of two images, equally likely.
# A generator that always makes the same image, $g \in \{0, 1\}$, meets a discriminator with the two answers $(d_0, d_1)$.
# We try all of them:

# %%
d = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
d0, d1 = torch.meshgrid(d, d, indexing="ij")
V_real = 0.5 * d0.log() + 0.5 * d1.log()
V = torch.stack([V_real + (1 - d0).log(), V_real + (1 - d1).log()])  # [g, d0, d1]
min_max = V.amax(dim=(1, 2)).min().item()  # (1): G is judged by the best D
max_min = V.amin(dim=0).max().item()  # the other order: G answers a fixed D

# %%
# NBVAL_CHECK_OUTPUT
print(f"min over G of max over D: {min_max:.3f}")
print(f"max over D of min over G: {max_min:.3f}")
print(f"-log 4:                   {-math.log(4):.3f}")

# %% [markdown]
# In the right order this generator is caught: $-0.955$ is above $-\log 4$, the value of a perfect one.
# If it makes image 0, the best answers are $d_0 = 1/3$ and $d_1 = 1$, worth $\frac12\log\frac13 + \log\frac23 = -0.955$.
#
# In the wrong order the discriminator can do no better than $d_0 = d_1 = 1/2$, and the generator that knows one image counts as perfect.
#
# (A generator that may *mix* images gets $-\log 4$ in both orders, as $V$ is linear in its mixture.
# The order matters because a network is restricted, and because the best answer to a *fixed* discriminator is one point.)
#
# ### The best discriminator
#
# Fix $G$, and with it the density $p_g$ of its samples: the mean of any $h(G(z))$ over $z$ is the mean of $h(x)$ over $p_g$.
# Then $V = \int p_\text{data}(x) \log D(x) + p_g(x) \log(1 - D(x))\, dx$, and each $x$ can be treated by itself: maximise $\alpha \log y + \beta \log(1 - y)$.
# The derivative $\alpha / y - \beta/(1 - y)$ is 0 at $y = \alpha/(\alpha + \beta)$, and the second derivative is negative, so
#
# $$D^*(x) = \frac{p_\text{data}(x)}{p_\text{data}(x) + p_g(x)}. \tag{2}$$
#
# Write $D = \sigma(a)$ with the **logit** $a$ and $\sigma(a) = 1/(1 + e^{-a})$.
# The best logit is the log-ratio of the densities,
#
# $$a^*(x) = \log\frac{p_\text{data}(x)}{p_g(x)}. \tag{3}$$
#
# A classifier is all it takes to *measure* a ratio of densities that nobody knows.
#
# (Both densities have to be taken with respect to the same measure.
# A generator with fewer latent numbers than pixels fills no volume, so it has no density in the usual sense.
# With respect to the mixture $(p_\text{data} + p_g)/2$ both always have one, and (2) stands.
# Where only one of the two can put samples, $D^*$ is 1 or 0.)
#
# Here are two densities on a line, and their $D^*$:

# %%
x = torch.linspace(-9, 9, 901, dtype=torch.float64)
dx = (x[1] - x[0]).item()


def normal(mean, std):
    return torch.exp(-((x - mean) ** 2) / (2 * std**2)) / (std * math.sqrt(2 * math.pi))


p_data = 0.6 * normal(-1.5, 0.6) + 0.4 * normal(1.5, 0.6)
p_g = normal(0.5, 1.2)
D_star = p_data / (p_data + p_g)  # (2)

# %%
# is it the best one? every value of D, at every x
V_x = p_data[:, None] * d.log() + p_g[:, None] * (1 - d).log()  # [x, value of D]
by_search = d[V_x.argmax(dim=1)]
assert (by_search - D_star.clamp(0.001, 0.999)).abs().max() < 1.1e-3  # (2)
a_star = p_data.log() - p_g.log()
assert torch.allclose(torch.sigmoid(a_star), D_star)  # (3)

# %% [markdown]
# Now **by training**: a small network sees samples of both, never a density.
# Its loss is $-V$, from logits; the stable form is explained below.
# We judge an average of the network's last weights, which is steadier than the very last ones.


# %%
def draw(n):  # samples of p_data and of p_g, [n, 1] each
    left = torch.rand(n, 1) < 0.6
    real = torch.where(left, -1.5, 1.5) + 0.6 * torch.randn(n, 1)
    return real, 0.5 + 1.2 * torch.randn(n, 1)


def step(opt, loss):
    opt.zero_grad()
    loss.backward()
    opt.step()


# %%
torch.manual_seed(run.seed)
D = vae.mlp(1, 64, 64, 1)
average = AveragedModel(D, multi_avg_fn=get_ema_multi_avg_fn(0.99))
opt = torch.optim.Adam(D.parameters(), lr=5e-3)
for k in range(run.d_steps):
    opt.param_groups[0]["lr"] = 5e-3 * (1 - k / run.d_steps)
    real, fake = draw(2_048)
    loss = F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()
    step(opt, loss)
    average.update_parameters(D)

# %%
with torch.no_grad():
    a_found = average(x.float()[:, None])[:, 0].double()
D_found = torch.sigmoid(a_found)
mass = (p_data + p_g) / 2 > 0.01  # elsewhere there are no samples to learn from
worst = (D_found - D_star)[mass].abs().max().item()
print(f"largest difference from D* where there is mass: {worst:.3f}")

# %%
fig, axis = plots.figure(height=2.8)
axis.fill_between(x, p_data, alpha=0.35, label="p_data")
axis.fill_between(x, p_g, alpha=0.35, label="p_g")
axis.plot(x, D_star, color="black", label="D*, by (2)")
axis.plot(x[mass], D_found[mass], "--", color=plots.COLORS[3], label="D, by training")
axis.set(xlabel="x", xlim=(-6, 6), ylim=(0, 1.45))
axis.legend(ncols=2, loc="upper right")
plots.show(
    fig,
    alt="Two overlapping densities, the optimal discriminator as a black curve, and "
    "the trained one as a dashed line on top of it.",
    caption="The network never saw a density, and found the ratio of two.",
)

# %% [markdown]
# ### What the generator minimises
#
# Insert $D^*$ into $V$.
# With $m = (p_\text{data} + p_g)/2$, $D^* = p_\text{data}/2m$ and $1 - D^* = p_g/2m$; the two factors $1/2$ give $-\log 4$, and the rest is the definition of the Jensen-Shannon divergence:
#
# $$V(D^*, G) = \mathbb{E}_{p_\text{data}}\log\frac{p_\text{data}}{2m} + \mathbb{E}_{p_g}\log\frac{p_g}{2m} = 2\,\mathrm{JS}(p_\text{data}, p_g) - \log 4. \tag{4}$$
#
# JS is 0 only for equal distributions: it is the mean of two KL divergences to $m$, and Jensen's inequality is strict unless the ratio of the densities is constant.
# So against the best discriminator the generator has one optimum, $p_g = p_\text{data}$, with value $-\log 4 \approx -1.386$ and $D^* = 1/2$ everywhere.
# There the discriminator's *loss*, $-V$, is $\log 4 = 2 \log 2$.
#
# And you know the catch from notebook 13: JS has no slope where the two do not overlap.

# %%
V_star = ((p_data * D_star.log() + p_g * (1 - D_star).log()).sum() * dx).item()
by_js = 2 * divergences.js(p_data * dx, p_g * dx).item() - math.log(4)
print(f"V(D*, G) = {V_star:.4f},   2 JS - log 4 = {by_js:.4f}")
assert abs(V_star - by_js) < 1e-4  # (4)

# %%
both, one = torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0])
by_js = 2 * divergences.js(both, one).item() - math.log(4)
assert abs(min_max - by_js) < 1e-3  # (4) in the world of two images

# %%
# the trained network's value, from samples alone
with torch.no_grad():
    real, fake = draw(200_000)
    loss = F.softplus(-average(real)).mean() + F.softplus(average(fake)).mean()
by_network = -loss.item()
print(f"V of the trained network: {by_network:.4f}")
assert abs(by_network - V_star) < (0.02 if run.profile == "quick" else 0.005)

# %% [markdown]
# ## Two losses for the generator
#
# The generator minimises $\mathbb{E}\log(1 - D(G(z)))$.
# Early on the discriminator is sure: $D(G(z)) \approx 0$.
# Look at the slope with respect to the logit $a$ of a fake sample, which everything that $G$ learns has to pass through:
#
# $$\frac{d}{da} \log\big(1 - \sigma(a)\big) = -\sigma(a) = -D. \tag{5}$$
#
# It vanishes exactly when the generator is at its worst: the loss **saturates**.
# The usual remedy, already in the first paper, keeps the discriminator and gives the generator another loss, to *maximise* $\log D(G(z))$:
#
# $$\frac{d}{da}\big(-\log \sigma(a)\big) = -(1 - \sigma(a)) = -(1 - D). \tag{6}$$
#
# Both slopes are negative: both push the logit up.
# Their ratio is
#
# $$\frac{1 - D}{D} = e^{-a}, \tag{7}$$
#
# at $a = -10$ a factor of 22,000.
# With the second loss, the game is no longer zero-sum.

# %%
a = torch.linspace(-10, 10, 401, dtype=torch.float64, requires_grad=True)
saturating = torch.log(1 - torch.sigmoid(a))
nonsaturating = -torch.log(torch.sigmoid(a))
(slope_s,) = torch.autograd.grad(saturating.sum(), a)
(slope_n,) = torch.autograd.grad(nonsaturating.sum(), a)

# %%
D_fake = torch.sigmoid(a)
assert torch.allclose(slope_s, -D_fake)  # (5)
assert torch.allclose(slope_n, -(1 - D_fake))  # (6)
assert torch.allclose(slope_n / slope_s, torch.exp(-a))  # (7)

# %%
slopes = {"log(1 - D), minimax": (a, slope_s), "-log D, non-saturating": (a, slope_n)}
fig = plots.lines(
    slopes,
    xlabel="logit a of a fake sample",
    title="slope of the generator's loss",
    height=2.8,
)
fig.axes[0].text(-9.5, -0.25, "D is sure: fake")
fig.axes[0].text(7, -0.25, "D is fooled")
plots.show(
    fig,
    alt="Two slopes against the logit of a fake. On the left, where D is sure, the "
    "minimax slope is zero and the non-saturating slope minus one.",
    caption="Early fakes lie on the left, where blue is 0 and orange is -1.",
)

# %% [markdown]
# What does the second loss minimise?
# For the best discriminator, at the current $\theta$ of the generator, its gradient is that of another combination (Arjovsky and Bottou 2017):
#
# $$\nabla_\theta\, \mathbb{E}_{z}\big[-\log D^*(G_\theta(z))\big] = \nabla_\theta\big[\mathrm{KL}(p_g\,\|\,p_\text{data}) - 2\,\mathrm{JS}(p_\text{data}, p_g)\big], \tag{8}$$
#
# where $D^*$ is held fixed on the left.
# First, $\int \nabla p_g = 0$, so that $\nabla\mathrm{KL} = \int \nabla p_g \log\frac{p_g}{p_\text{data}}$.
#
# Second, by (4), $2\nabla\mathrm{JS} = \nabla V(D^*, G)$, in which $\theta$ stands twice: in $p_g$, and in $D^*$.
# But $D^*$ is the maximum of $V$ at every $x$, where the slope by $D$ is 0, so its part vanishes (the *envelope theorem*): $2\nabla\mathrm{JS} = \int \nabla p_g \log(1 - D^*)$.
#
# The difference of the two is $\int \nabla p_g\, (-\log D^*)$, the left side.
# Mind the minus: this loss pays for a *larger* JS.
# The first term is the *mode-seeking* KL of notebook 13: samples that look real, variety optional.
#
# We check both steps for $p_g = \mathcal{N}(\theta, 1.2^2)$, by sums over the grid and differences in $\theta$.


# %%
def slope_at(theta, f, h=1e-4):
    """The derivative of f at theta, by a central difference."""
    return ((f(theta + h) - f(theta - h)) / (2 * h)).item()


def held_fixed(theta, f):
    """The slope of the mean of f(D*) over p_g, where D* does not move with theta."""
    values = f(p_data / (p_data + normal(theta, 1.2)))
    return slope_at(theta, lambda t: (normal(t, 1.2) * values).sum() * dx)


def kl_of(theta):
    return divergences.kl(normal(theta, 1.2) * dx, p_data * dx)


def js_of(theta):
    return divergences.js(normal(theta, 1.2) * dx, p_data * dx)


# %%
rows = []
for theta in (-2.0, -0.5, 0.5, 2.0):
    left = held_fixed(theta, lambda D: -D.log())
    kl, js = slope_at(theta, kl_of), slope_at(theta, js_of)
    rows.append((theta, left, kl - 2 * js))
    assert abs(left - (kl - 2 * js)) < 1e-4  # (8)
    assert abs(held_fixed(theta, lambda D: (1 - D).log()) - 2 * js) < 1e-4  # envelope
tables.show(rows, ("θ", "left side of (8)", "right side of (8)"))

# %% [markdown]
# ### Logits, not probabilities
#
# `torch.log(torch.sigmoid(a))` is what the formula says, and it breaks.
# In float32 $\sigma(-104)$ is exactly 0 and $\sigma(17)$ exactly 1, and the logarithm of what is left is minus infinity.
# With softplus, $\mathrm{softplus}(a) = \log(1 + e^a)$,
#
# $$\log D = -\mathrm{softplus}(-a), \qquad \log(1 - D) = -\mathrm{softplus}(a), \tag{9}$$
#
# nothing overflows at any $a$.

# %%
rows = []
for value in (-200.0, -20.0, 0.0, 10.0):
    a = torch.tensor(value)
    rows.append((value, torch.log(torch.sigmoid(a)), -F.softplus(-a)))
tables.show(rows, ("a", "log(sigmoid(a))", "-softplus(-a)"))
assert torch.sigmoid(torch.tensor([-104.0, 17.0])).tolist() == [0.0, 1.0]

# %%
# NBVAL_CHECK_OUTPUT
# the gradient breaks too: 0 times infinity is no number
a = torch.tensor(-200.0, requires_grad=True)
(naive,) = torch.autograd.grad(-torch.log(torch.sigmoid(a)), a)
(stable,) = torch.autograd.grad(F.softplus(-a), a)
print(f"slope of -log(sigmoid(a)) at -200: {naive.item()}")
print(f"slope of softplus(-a) at -200:     {stable.item()}")

# %% [markdown]
# So these are the two losses.
# From here on we use the library's, which are the same.


# %%
def d_loss(real_logits, fake_logits):  # -V, to be minimised by D
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def g_loss(fake_logits):  # non-saturating
    return F.softplus(-fake_logits).mean()


# %%
a_real, a_fake = 5 * torch.randn(2, 500)
assert torch.equal(d_loss(a_real, a_fake), gan.minimax_d_loss(a_real, a_fake))
assert torch.equal(g_loss(a_fake), gan.nonsaturating_g_loss(a_fake))
extreme = torch.tensor([-1e4, 1e4])
assert torch.isfinite(d_loss(extreme, extreme) + g_loss(extreme))

# %% [markdown]
# ## The game is not a descent
#
# Two players who each follow their own gradient need not minimise anything together.
# The smallest example: the generator has one number $u$, the discriminator one number $v$, and $V = u v$.
# The generator lowers it, the discriminator raises it: at every point, the arrows are
#
# $$\Big(-\frac{\partial V}{\partial u},\; +\frac{\partial V}{\partial v}\Big) = (-v,\; u), \tag{10}$$
#
# at right angles to the way to the solution $(0, 0)$.
# Players who could move in infinitely small steps would circle for ever.
# With steps of size $h$, taken **simultaneously**, the new pair is $(u - h v,\, v + h u)$, and
#
# $$u'^2 + v'^2 = (1 + h^2)\,(u^2 + v^2): \tag{11}$$
#
# the radius grows by $\sqrt{1 + h^2}$ a step, for every $h$ (Gidel et al. 2018).
# No learning rate is small enough.
#
# **Alternating** steps, where $v$ already sees the new $u$, multiply $(u, v)$ by a matrix of determinant 1,
#
# $$\begin{pmatrix}1 & -h\\ h & 1 - h^2\end{pmatrix}, \qquad \text{eigenvalues on the unit circle for } h < 2: \tag{12}$$
#
# bounded, but no nearer.
#
# Two cures.
# **Extragradient** (Korpelevich 1976) steps by the gradient that it finds *after* a trial step.
# **Consensus** (Mescheder et al. 2017) adds a pull down the size of the gradients, $\frac\rho2 (u^2 + v^2)$.
# Their radii are multiplied by
#
# $$\sqrt{1 - h^2 + h^4} \quad\text{and}\quad \sqrt{(1 - h\rho)^2 + h^2}, \tag{13}$$
#
# below 1 for $0 < h < 1$, and for $0 < h < 2\rho/(1+\rho^2)$.


# %%
def simultaneous(u, v, h, rho):
    return u - h * v, v + h * u


def alternating(u, v, h, rho):
    u = u - h * v
    return u, v + h * u  # v sees the new u


def extragradient(u, v, h, rho):
    trial_u, trial_v = u - h * v, v + h * u
    return u - h * trial_v, v + h * trial_u


def consensus(u, v, h, rho):
    return u - h * (v + rho * u), v + h * (u - rho * v)


METHODS = (simultaneous, alternating, extragradient, consensus)


# %%
def radius_factor(method, h, rho):
    if method is simultaneous:
        return math.sqrt(1 + h**2)  # (11)
    if method is extragradient:
        return math.sqrt(1 - h**2 + h**4)  # (13)
    if method is consensus:
        return math.sqrt((1 - h * rho) ** 2 + h**2)  # (13)
    return 1.0  # alternating: in the mean over a revolution, by (12)


def walk(method, start, steps, h, rho=0.5):
    path = [start]
    for _ in range(steps):
        path.append(method(*path[-1], h, rho))
    return torch.tensor(path, dtype=torch.float64)  # [steps + 1, 2]


# %% [markdown]
# We walk 200 steps from $(1, 1/2)$, consensus with $\rho = 0.5$, and take the geometric mean of the factor, which is the one that multiplies.
# The rows do not cost the same: an extragradient step takes two gradients (per gradient its factor is the square root), and consensus in general takes second derivatives.

# %%
grown, rows = {}, []
for method in METHODS:
    for h in (0.05, 0.2, 0.5):
        radius = walk(method, (1.0, 0.5), 200, h).norm(dim=1)
        grown[method, h] = (radius[-1] / radius[0]).item() ** (1 / 200)
        expected = radius_factor(method, h, rho=0.5)
        rows.append((method.__name__, h, grown[method, h], expected))
        if method is not alternating:
            assert (
                radius[1:] / radius[:-1] - expected
            ).abs().max() < 1e-9  # (11), (13)
tables.show(rows, ("steps", "h", "measured factor", "by formula"))

# %%
radius = walk(alternating, (1.0, 0.5), 200, h=0.5).norm(dim=1)
assert radius.max() < 2 * radius[0] and radius.min() > radius[0] / 2  # (12): bounded
matrix = torch.tensor([[1.0, -0.5], [0.5, 1 - 0.5**2]], dtype=torch.float64)
assert torch.allclose(torch.linalg.eigvals(matrix).abs(), torch.ones(2).double())

# %%
# (10), by autograd
u, v = torch.tensor([0.8, -0.3], dtype=torch.float64, requires_grad=True)
du, dv = torch.autograd.grad(u * v, (u, v))
assert simultaneous(u, v, 1.0, 0.0) == (u - du, v + dv)

# %% [markdown]
# **Explore.** The game $V = uv$ from the point $(1, 0)$, $u$ to the right, $v$ upwards; the star is the solution.
# **Predict** what $h = 1$ does to extragradient, and how large $\rho$ must be for consensus to converge at $h = 0.6$.


# %%
def spiral(h, rho, steps):
    fig, axes = plots.figure(1, 4, height=2.6)
    for axis, method in zip(axes, METHODS, strict=True):
        path = walk(method, (1.0, 0.0), steps, h, rho)
        inside = path[path.abs().amax(dim=1) < 2.5]
        axis.plot(*inside.T, ".-", linewidth=1, markersize=3)
        axis.plot(0, 0, "k*", markersize=8)
        factor = radius_factor(method, h, rho)
        axis.set_title(f"{method.__name__}\nradius x {factor:.3f}", fontsize=10)
        axis.set(
            xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), aspect="equal", xticks=[], yticks=[]
        )
    return fig


# %%
explore(
    spiral,
    alt="Four paths of the game u v from (1, 0): one spirals outwards, one circles, "
    "two spiral into the solution at the star.",
    caption="A factor above 1 means outwards, below 1 inwards.",
    h=(0.05, 1.2, 0.3),
    rho=(0.0, 1.5, 0.5),
    steps=(1, 200, 60),
)

# %% [markdown]
# ### What brings a GAN to rest
#
# A real GAN near its solution can behave like this game, above all where the data fill no volume: the discriminator's slope pushes the generator, and while it moves, the slope turns round.
# A cheap relative of consensus helps: penalise the discriminator's slope **at real points**, the R1 penalty (Mescheder et al. 2018),
#
# $$\mathcal{L}_D = -V(D, G) + \frac{\gamma}{2}\,\mathbb{E}_{p_\text{data}} \big|\nabla_x a(x)\big|^2. \tag{14}$$
#
# Their smallest GAN, the *Dirac-GAN*: real data at 0, a generator that makes the one point $\theta$, a discriminator $a(x) = \psi x$.
# Both players follow the minimax value (1): $\dot\theta = \sigma(\psi\theta)\,\psi$ and $\dot\psi = -\sigma(\psi\theta)\,\theta - \gamma\psi$.
# (With $-\log D$ the first is $\sigma(-\psi\theta)\,\psi$: the same matrix (15) near the solution.)
# Near the solution $\sigma \approx 1/2$, and
#
# $$\begin{pmatrix}\dot\theta\\ \dot\psi\end{pmatrix} = \begin{pmatrix}0 & 1/2\\ -1/2 & -\gamma\end{pmatrix} \begin{pmatrix}\theta\\ \psi\end{pmatrix}, \qquad \lambda_{1,2} = \frac{-\gamma \pm \sqrt{\gamma^2 - 1}}{2}. \tag{15}$$
#
# (The eigenvalues solve $\lambda^2 + \gamma\lambda + \frac14 = 0$.)
# Without the penalty they are $\pm i/2$: a rotation, that of the game above.
# With any $\gamma > 0$ both real parts are negative: in infinitely small steps the players come to rest, in steps of size $h$ where $|1 + h\lambda| < 1$ for both eigenvalues.
#
# Simultaneous steps of size $h$ multiply the distance, in the long run, by $|1 + h\lambda|$.
# Without the penalty that is $\sqrt{1 + h^2/4} > 1$: they spiral away, however small the step.
# Alternating steps without the penalty should keep their distance, as in (12), and R1 should bring both to rest:


# %%
def sigma(a):
    return 1 / (1 + math.exp(-a))


def dirac(gamma, alternate, h=0.1, steps=500):
    """The distance from the solution (0, 0) after each step, from (1, 1)."""
    theta, psi, distance = 1.0, 1.0, []
    for _ in range(steps):
        new = psi - h * (sigma(psi * theta) * theta + gamma * psi)  # down (14)
        seen = new if alternate else psi  # the psi that the generator meets
        theta = theta + h * sigma(seen * theta) * seen
        psi = new
        distance.append(math.hypot(theta, psi))
    return distance


# %%
rows, paths = [], {}
for alternate in (False, True):
    for gamma in (0.0, 0.5):
        paths[alternate, gamma] = dirac(gamma, alternate)
        turns = "alternating" if alternate else "simultaneous"
        rows.append((turns, gamma, math.sqrt(2), paths[alternate, gamma][-1]))
tables.show(rows, ("steps", "γ of R1", "distance at first", "after 500 steps"))
assert paths[False, 0.0][-1] > 1.5
assert all(1.3 < distance < 1.5 for distance in paths[True, 0.0])
assert max(paths[False, 0.5][-1], paths[True, 0.5][-1]) < 0.01

# %% [markdown]
# Is it (15) that one sees?
# The eigenvalues, and the factor by which a simultaneous step shrinks the distance near the solution:

# %%
gamma, h = 0.5, 0.1
matrix = torch.tensor([[0.0, 0.5], [-0.5, -gamma]], dtype=torch.float64)
by_formula = torch.tensor(complex(-gamma, math.sqrt(1 - gamma**2)) / 2)
found = torch.linalg.eigvals(matrix)
assert (found - by_formula).abs().min() < 1e-6  # (15)
distance = dirac(gamma, alternate=False, h=h)
shrunk = (distance[-1] / distance[99]) ** (1 / 400)
factor = (1 + h * by_formula).abs().item()
print(f"measured factor {shrunk:.4f}, by (15) {factor:.4f}")
assert abs(shrunk - factor) < 0.002

# %%
# the arrow of psi came from (14): autograd agrees
theta, psi = torch.tensor(0.7), torch.tensor(0.4, requires_grad=True)
at = torch.zeros(1, requires_grad=True)  # the real point
(slope,) = torch.autograd.grad((psi * at).sum(), at, create_graph=True)
penalty = 0.5 / 2 * slope.square().sum()  # (14) with gamma = 0.5
loss = gan.minimax_d_loss(psi * at, (psi * theta)[None]) + penalty
(by_autograd,) = torch.autograd.grad(loss, psi)
by_hand = torch.sigmoid(psi * theta) * theta + 0.5 * psi
assert abs(by_autograd - by_hand) < 1e-6

# %% [markdown]
# ## Train: eight clusters
#
# Now a real, small GAN on the ring of the first figure.
# Two things are varied, each by itself: R1 (with $\gamma = 0.1$, or none), and how many steps $G$ takes for each of $D$'s (one, or three).
# All four games get the same number of $D$'s steps, so that $G$ takes three times as many in two of them.
#
# A cluster counts as covered if at least two in a hundred samples lie within 0.3 of its centre.
#
# First the penalty, built from (14) and compared with the library's:


# %%
def squared_slope(a, x):
    """The mean of |grad_x a|^2, through which gradients flow."""
    (slope,) = torch.autograd.grad(a.sum(), x, create_graph=True)
    return slope.square().sum(dim=1).mean()


def latents():
    return torch.randn(256, 8)


def step_d(G, D, opt_D, real, gamma):
    a_real, a_fake = D(real.requires_grad_()), D(G(latents()).detach())
    loss = gan.minimax_d_loss(a_real, a_fake)
    if gamma:
        loss = loss + gamma / 2 * squared_slope(a_real, real)  # (14)
    step(opt_D, loss)


def step_g(G, D, opt_G):
    step(opt_G, gan.nonsaturating_g_loss(D(G(latents()))))


# %%
some = ring[:100].clone().requires_grad_()
critic = vae.mlp(2, 32, 1)
assert torch.allclose(squared_slope(critic(some), some), gan.r1_penalty(critic, some))


# %%
def near(points):  # [n, 2] -> [n, 8]: which samples lie at which cluster
    return torch.cdist(points, data.toy.ring_centres()) < 0.3


def covered(points):  # how many clusters have two in a hundred samples, or more
    return int((near(points).float().mean(dim=0) >= 0.02).sum())


# %% [markdown]
# For the playground below we keep snapshots: samples, the discriminator's opinion of the plane, and where each sample is pushed.

# %%
fixed = torch.Generator().manual_seed(1)
look = torch.randn(600, 8, generator=fixed)  # the same noise for every snapshot
plane = torch.cartesian_prod(torch.linspace(-3, 3, 61), torch.linspace(-3, 3, 61))


def snapshot(G, D, step):
    points = G(look).detach().requires_grad_()
    (push,) = torch.autograd.grad(D(points).sum(), points)  # uphill for the logit
    points = points.detach()
    with torch.no_grad():
        opinion = torch.sigmoid(D(plane)).view(61, 61)
    return {
        "step": step,
        "points": points,
        "push": push,
        "opinion": opinion,
        "covered": covered(points),
    }


# %%
def players(seed, width, activation):
    torch.manual_seed(seed)
    G = vae.mlp(8, width, width, 2, activation=activation)
    D = vae.mlp(2, width, width, 1, activation=activation)
    opts = [
        torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.9), fused=True)
        for net in (G, D)
    ]
    return G, D, *opts


# %%
def train_ring(g_steps, gamma, seed, moments=25):
    G, D, opt_G, opt_D = players(seed, 128, nn.ReLU)
    history, steps = [], run.ring_steps
    for k in range(steps + 1):
        if k % (steps // moments) == 0:
            history.append(snapshot(G, D, k))
        for opt in (opt_G, opt_D):
            opt.param_groups[0]["lr"] = 2e-3 * (1 - 0.9 * k / steps)
        step_d(G, D, opt_D, ring[torch.randint(len(ring), (256,))], gamma)
        for _ in range(g_steps):
            step_g(G, D, opt_G)
    return history


# %%
GAMES = {
    "turn by turn, R1": (1, 0.1),
    "turn by turn": (1, 0.0),
    "three steps of G, R1": (3, 0.1),
    "three steps of G": (3, 0.0),
}
runs = {
    (name, seed): train_ring(*settings, seed)
    for name, settings in GAMES.items()
    for seed in range(run.seeds)
}

# %%
rows, counts = [], {}
for name, (g_steps, _) in GAMES.items():
    counts[name] = [runs[name, seed][-1]["covered"] for seed in range(run.seeds)]
    rows.append((name, run.ring_steps, g_steps * run.ring_steps, counts[name]))
tables.show(rows, ("game", "steps of D", "steps of G", "covered, by seed"))
if run.profile != "quick":
    assert min(counts["turn by turn"]) < 8 == min(counts["turn by turn, R1"])
assert max(counts["three steps of G, R1"] + counts["three steps of G"]) < 4

# %% [markdown]
# With three steps of $G$ for each of $D$'s the generator collapses in every run, with R1 or without.
# Turn by turn with R1 it covers all eight clusters in every run.
# Turn by turn without R1 not all runs do.
# In these seeds, one step of $G$ at a time was needed, and R1 made it reliable.

# %%
best, worst_game = runs["turn by turn, R1", 0][-1], runs["three steps of G", 0][-1]
panels = {
    "real": ring[:600],
    f"turn by turn, R1: {best['covered']} of 8": best["points"],
    f"three steps of G: {worst_game['covered']} of 8": worst_game["points"],
}
fig, axes = plots.figure(1, 3, height=2.9, sharex=True, sharey=True)
for k, (axis, (title, points)) in enumerate(zip(axes, panels.items(), strict=True)):
    axis.plot(*points.T, ".", markersize=3, color=plots.COLORS[(7, 0, 3)[k]])
    axis.set(title=title, aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
plots.cover(fig)
plots.show(
    fig,
    alt="Real clusters; a GAN that covers all eight; and one whose samples form a "
    "single clump.",
    caption="600 samples of each. The games differ in R1 and in the steps of G.",
)

# %% [markdown]
# ## Explore: the playground
#
# Replay the trainings.
# Colour: the discriminator's opinion of every place, blue for real.
# Dots: the generator's samples.
# Arrows: where the discriminator's slope pushes them.
#
# **Predict** where the dots will be a few steps on, then move the slider.
# With three steps of $G$ and without R1 they stay in a clump that runs from cluster to cluster.


# %%
def draw_plane(axis, now):
    opinion = now["opinion"].T
    axis.imshow(opinion, "RdBu", origin="lower", extent=(-3, 3, -3, 3), vmin=0, vmax=1)
    axis.set(xlim=(-3, 3), ylim=(-3, 3))
    axis.grid(False)


def draw_centres(axis, size):
    x, y = data.toy.ring_centres().T
    axis.scatter(x, y, size, facecolors="none", edgecolors="black")


# %%
def playground(game, moment, arrows):
    now = runs[game, 0][moment]
    fig, axis = plots.figure(width=4.6, height=4.3)
    draw_plane(axis, now)
    draw_centres(axis, 160)
    points, push = now["points"][:250], now["push"][:250]
    axis.plot(*points.T, ".", color=plots.COLORS[1], markersize=5)
    if arrows:
        push = push / (push.norm(dim=1, keepdim=True) + 0.3)
        axis.quiver(*points[::3].T, *push[::3].T, scale=14, width=0.005)
    axis.set(title=f"step {now['step']}: {now['covered']} of 8 covered")
    return fig


# %%
explore(
    playground,
    alt="A plane coloured by the discriminator's opinion, eight circles for the real "
    "clusters, and the generator's samples as dots with arrows.",
    caption="Circles: real clusters. Blue: D says real, red: fake, white: unsure.",
    game=list(GAMES),
    moment=(0, 25, 4),
    arrows=True,
)

# %% [markdown]
# Does the clump run?
# We count the clusters that most samples were nearest to at one of the moments after the first, over all seeds, and the clusters that were covered at the same time:


# %%
def favourite(now):  # the cluster that most samples are nearest to
    distance = torch.cdist(now["points"], data.toy.ring_centres())
    return distance.argmin(dim=1).mode().values.item()


# %%
clump = [runs["three steps of G", seed] for seed in range(run.seeds)]
visited = [len({favourite(now) for now in moments[1:]}) for moments in clump]
at_once = [max(now["covered"] for now in moments) for moments in clump]
print(f"visited, one after the other: {visited}; covered at once: {at_once}")
assert max(at_once) < min(visited)

# %% [markdown]
# ## Break it
#
# Three mistakes that are easy to make.
# **Predict** the outcome of each before you run it.
#
# 1. *Label 0*: the generator is trained with the label "fake", so it minimises $-\log(1 - D(G(z)))$.
# 2. *Sigmoid twice*: $D$ ends with a sigmoid, and its output goes into a loss that expects logits.
# 3. *Fakes only*: the discriminator never sees real data; its loss has fakes only.


# %%
def spoiled_d_loss(mistake, a_real, a_fake):
    if mistake == "fakes only":
        return F.softplus(a_fake).mean()
    return gan.minimax_d_loss(a_real, a_fake)


def spoiled_g_loss(mistake, a_fake):
    if mistake == "label 0":
        return F.softplus(a_fake).mean()
    return gan.nonsaturating_g_loss(a_fake)


# %%
def broken(mistake, steps=300):
    """G's samples, the way of their mean, D's logits of real points, its last loss."""
    G, D, opt_G, opt_D = players(run.seed, 64, nn.SiLU)
    begin = G(look).detach().mean(dim=0)
    judge = nn.Sequential(D, nn.Sigmoid()) if mistake == "sigmoid twice" else D
    for _ in range(steps):
        a_real = judge(ring[torch.randint(len(ring), (256,))])
        a_fake = judge(G(latents()).detach())
        loss_D = spoiled_d_loss(mistake, a_real, a_fake)
        step(opt_D, loss_D)
        step(opt_G, spoiled_g_loss(mistake, judge(G(latents()))))
    points = G(look).detach()
    moved = (points.mean(dim=0) - begin).norm().item()
    return points, moved, D(ring[:600]).detach(), loss_D.item()


# %%
outcomes = {m: broken(m) for m in ("none", "label 0", "sigmoid twice", "fakes only")}
share, rows = {}, []
for mistake, (points, moved, _, loss) in outcomes.items():
    share[mistake] = near(points).any(dim=1).float().mean().item()
    rows.append((mistake, f"{share[mistake]:.1%}", moved, loss))
tables.show(rows, ("mistake", "samples near a cluster", "mean moved", "last loss of D"))
assert share["none"] > 2 * max(share[m] for m in outcomes if m != "none")
points, moved, *_ = outcomes["label 0"]
assert (
    points.std(dim=0).max() < 0.1 and moved < 0.2
)  # all in one place, where they began

# %%
fig, axes = plots.figure(1, 4, height=2.4)
for axis, (mistake, (points, *_)) in zip(axes, outcomes.items(), strict=True):
    draw_centres(axis, 80)
    color = plots.COLORS[0 if mistake == "none" else 3]
    axis.plot(*points.T, ".", markersize=3, color=color)
    title = f"{mistake}\n{share[mistake]:.0%} near"
    axis.set(title=title, xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
plots.show(
    fig,
    alt="Samples after 300 steps without a mistake and with each of three; only of "
    "those without a mistake do most lie along the ring.",
    caption="600 samples each, after 300 steps. Those of label 0 lie where they began.",
)

# %% [markdown]
# With label 0 the generator hardly moves: it begins as a clump in the middle, the discriminator soon is sure of it, and by (5) a sure discriminator gives this loss no slope.
# Without real data there is nothing to imitate.
#
# Mistake 2 deserves a second look: its $D$ ends with a loss of $\log 4 = 1.386$, so it gives every sample the same answer.
# The second sigmoid sees numbers $s = \sigma(a)$ from 0 to 1, and answers between $1/2$ and $0.73$.
# Even a $D$ that is always right has a loss of $\mathrm{softplus}(-1) + \mathrm{softplus}(0) = 1.006$.
#
# Worse: a fake pushes $s$ down with the slope $\sigma(s) > 1/2$, a real sample pushes it up with $1 - \sigma(s) < 1/2$.
# So where both are equally frequent, $D$ is pushed down instead of held at $1/2$.
# This one has been pushed down until its own sigmoid is flat.
# Then no gradient comes through, $\sigma'(a) = D(1 - D) \approx 0$: this $D$ is dead, and $G$ has nothing to learn from any more.

# %%
_, _, a_real, loss = outcomes["sigmoid twice"]
s = torch.sigmoid(a_real)
alive = (s * (1 - s)).max().item()  # at most 1/4
print(f"largest slope of D's own sigmoid, over 600 real points: {alive:.1e}")
assert s.max() < 0.01 and alive < 0.01 and abs(loss - math.log(4)) < 0.01

# %%
run.report(
    d_star_error=worst,
    spiral_factor=grown[simultaneous, 0.2],
    covered_right=min(counts["turn by turn, R1"]),
    covered_wrong=max(counts["three steps of G"]),
    near_without_mistake=share["none"],
    near_label_0=share["label 0"],
)
run.expect(
    d_star_error=("<", (0.08, 0.02, 0.02)),
    covered_right=(">=", (6, 8, 8)),
    covered_wrong=("<", 8),
)

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/14_gan_minimax.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(3 minutes)* Both losses where the discriminator knows nothing.
# 2. ★ *(5 minutes)* The optimal discriminator of two densities.
# 3. ★★ *(10 minutes)* The discriminator's loss from logits, finite at $\pm 10^4$.
# 4. ★★ *(5 minutes)* The generator's.
# 5. ★★★ *(20 minutes)* One extragradient step for any $V(u, v)$.
#
# To try here *(40 minutes, a project)*: find the settings between the best and the worst row of the table in which the ring is *just* covered.
# Plot clusters covered against $\gamma$ for both losses, with several seeds.
#
# And with pencil *(30 minutes)*: for a convex $f$ with conjugate $f^*$, every function $T$ gives a bound $D_f(p\|q) \ge \mathbb{E}_p T - \mathbb{E}_q f^*(T)$ on the divergence $D_f(p\|q) = \mathbb{E}_q f(p/q)$.
# Which $f$ and $T$ make it the value of our game? And for $f(u) = (u - 1)^2$: put $T = 2(h - 1)$; what does $h$ fit, by least squares?
#
# ## What to remember
#
# - $\min_G \max_D$, in this order; turned around it is mode collapse.
# - $D^* = p_\text{data}/(p_\text{data} + p_g)$: a classifier measures a ratio of densities. Against it, the generator minimises $2\,\mathrm{JS} - \log 4$.
# - The minimax loss has no slope where the discriminator is sure of a fake; $-\log D$ has its largest there. Always from logits.
# - The game can rotate. Simultaneous steps then spiral outwards; a penalty on the discriminator's slope brings it to rest near the solution.
# - On the ring R1 made games in turn reliable, and did not save a generator that takes three steps at a time.
#
# ## Further reading
#
# - I. Goodfellow et al., *Generative Adversarial Networks*, 2014, arXiv:1406.2661.
# - M. Arjovsky, L. Bottou, *Towards Principled Methods for Training Generative Adversarial Networks*, 2017, arXiv:1701.04862.
# - L. Mescheder, S. Nowozin, A. Geiger, *The Numerics of GANs*, 2017, arXiv:1705.10461.
# - L. Mescheder, A. Geiger, S. Nowozin, *Which Training Methods for GANs do actually Converge?*, 2018, arXiv:1801.04406.
# - G. Gidel et al., *A Variational Inequality Perspective on Generative Adversarial Networks*, 2018, arXiv:1802.10551.
