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
# # 17 Scores and flows: which way to the data
#
# *You will find out why the best denoiser knows the way to the data, walk there with and without noise, learn why a perfect network still has a loss, and train a generator that needs a single step.*
#
# ![Four clouds of points: eight heaps on a ring; the same ring drawn in one call by drifting, with points between the heaps; one blot, a flow's single step; and the eight heaps, drawn by a flow in 50 calls.](../data/pictures/17_scores_and_flows.webp)
#
# **You need** notebook 13, Gaussians in several dimensions, expectations, and gradients, divergence and Jacobian.
# The table below says how long it takes.
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
import math

import torch
import torch.nn as nn

from genimg_lib import data, divergences, flow, plots, tables, vae
from genimg_lib.data.mixture import GaussianMixture
from genimg_lib.training import start
from genimg_lib.widgets import explore

# %%
run = start(
    "17_scores_and_flows",
    points=(500, 20_000, 20_000),
    steps=(20, 8_000, 20_000),
    batch=(64, 512, 512),
    hidden_steps=(5, 2_000, 10_000),
    drift_steps=(10, 2_000, 8_000),
    seeds=(1, 3, 3),
)
CHECKED = run.profile == "cpu"  # what the text says of trained networks holds
tables.show_expected("17_scores_and_flows", "score_error_late", "drift_w1")

# %% [markdown]
# ## Why
#
# GANs and VAEs turn noise into an image in one pass.
# Diffusion and flow matching take many small steps, and in each of them a network answers one question: *here is something noisy; what may it have been?*
# Answers to that question can be checked, point by point, where the data are a mixture of Gaussians: there the best answer is a formula.
# So this notebook trains small networks and compares them with the truth.
#
# ## The maths: a score needs no normalising constant
#
# The **score** of a density is the gradient of its logarithm,
#
# $$s(x) = \nabla \log p(x). \tag{1}$$
#
# It points uphill, to where data are denser.
# If $p = \tilde p / Z$, then $\log p = \log \tilde p - \log Z$, and $Z$, an integral over all images that nobody can compute, drops out.
#
# Two heaps on a line, a large and a small one:

# %%
HEAPS = GaussianMixture(
    torch.tensor([0.8, 0.2]).double(),
    torch.tensor([[-2.0], [2.0]]).double(),
    torch.full((2, 1, 1), 0.3**2).double(),
)


# %%
def unnormalised(x):
    """Proportional to the density of the heaps."""
    terms = [w * torch.exp(-((x - m) ** 2) / (2 * 0.09)) for w, m in ((8, -2), (2, 2))]
    return 7.3 * sum(terms)


# %%
x = torch.linspace(-3, 3, 13).double().requires_grad_()
(by_hand,) = torch.autograd.grad(unnormalised(x).log().sum(), x)
score = HEAPS.score(x.detach()[:, None])[:, 0]
print(f"largest difference: {(by_hand - score).abs().max():.1e}")
assert torch.allclose(by_hand, score)

# %% [markdown]
# Between the heaps there is next to nothing, and what the score says there is worth little: it says which heap is *nearer*, not which is larger.
# And with real data we have no formula, only samples.
# Both are mended by noise.
#
# ## The maths: noise as a bridge
#
# Mix data $x$ with noise $\epsilon$, by amounts that depend on a time $t$:
#
# $$x_t = \alpha_t\, x + \sigma_t\, \epsilon. \tag{2}$$
#
# At $t = 0$ it is noise alone, at $t = 1$ data alone; here $\alpha_t = t$ and $\sigma_t = 1 - t$, the straight path of notebook 00.
# $p_t$, the density of $x_t$, leads from one heap of noise to the two of data.
# A mixture of Gaussians stays one: means times $\alpha$, variances times $\alpha^2$ plus $\sigma^2$.

# %%
grid = torch.linspace(-4, 4, 401).double()[:, None]
TIMES = (0.05, 0.3, 0.6, 0.9)
densities, scores = {}, {}
for t in TIMES:
    p_t = HEAPS.noised(t, 1 - t)
    densities[f"t = {t}"] = grid[:, 0], p_t.log_prob(grid).exp()
    scores[f"t = {t}"] = grid[:, 0], p_t.score(grid)[:, 0]

# %%
plots.show(
    plots.lines(densities, "x_t", "density"),
    alt="Four densities: a wide heap around 0; then, as t grows, a heap on the left "
    "and a smaller one on the right that part, and become narrow.",
    caption="From noise to data: the density of x_t.",
)
plots.show(
    plots.lines(scores, "x_t", "score", ylim=(-12, 12)),
    alt="Four scores: nearly a falling straight line at t = 0.05; at t = 0.9 two steep "
    "falling lines, with a steep rise between the heaps.",
    caption="Their scores: the more noise, the simpler.",
)

# %% [markdown]
# ## The maths: the best denoiser knows the score
#
# What is the best guess of $x$, given $y = x_t$?
# By squared error it is the mean of all that may have been, $\mathbb{E}[x|y]$.
# The density of $y$ is $p_t(y) = \int p(x)\, \mathcal{N}(y; \alpha x, \sigma^2)\, dx$, and its gradient $\int p(x)\, \mathcal{N}(y; \alpha x, \sigma^2)\, \frac{\alpha x - y}{\sigma^2}\, dx$.
# Divided by $p_t(y)$, the second integral is a mean over $p(x|y)$: $\nabla \log p_t(y) = (\alpha\, \mathbb{E}[x|y] - y) / \sigma^2$, or
#
# $$\mathbb{E}[x|y] = \frac{y + \sigma^2\, \nabla \log p_t(y)}{\alpha}, \tag{3}$$
#
# **Tweedie's formula** (Robbins 1956; Efron 2011).
# Whoever denoises well knows the score; whoever knows the score denoises.
# We check it against Bayes' rule, added up on the grid.

# %%
t = 0.6
y = torch.linspace(-2, 2, 9).double()[:, None]
by_score = (y + (1 - t) ** 2 * HEAPS.noised(t, 1 - t).score(y)) / t  # (3)
prior = HEAPS.log_prob(grid).exp()  # at each x of the grid
likelihood = torch.exp(-((y - t * grid.T) ** 2) / (2 * (1 - t) ** 2))  # [9, 401]
weights = prior * likelihood
by_bayes = (weights @ grid) / weights.sum(dim=1, keepdim=True)
by_formula, variance = HEAPS.posterior(y, t, 1 - t)
apart = max((by_score - other).abs().max() for other in (by_bayes, by_formula))
print(f"Tweedie, Bayes, the formula for mixtures: at most {apart:.1e} apart")
assert apart < 1e-6

# %% [markdown]
# ## The maths: a loss with a floor
#
# A network $\hat x(x_t, t)$ that minimises the squared error learns this mean.
# For any guess, with $x^\ast = \mathbb{E}[x|x_t]$,
#
# $$\mathbb{E}|\hat x - x|^2 = \mathbb{E}|\hat x - x^\ast|^2 + \mathbb{E}\,|x - x^\ast|^2. \tag{4}$$
#
# The mixed term is gone: given $x_t$, the mean of $x - x^\ast$ is 0.
# The first term is what the network can do better.
# The second is the variance of $x$, given $x_t$ (the *posterior's*; the tables give it per number): what noise has destroyed, and no network brings back.
#
# It is the loss's **floor**, and it depends on what is guessed.
# From (2), an error $e$ in $x$ is an error $-\frac{\alpha}{\sigma} e$ in $\epsilon$, and on the straight path $e/(1 - t)$ in the velocity $v = x - \epsilon$: the same denoiser, three losses, three floors.
#
# (Said as a score, $\mathbb{E}|\hat s + \epsilon/\sigma|^2$ is **denoising score matching**, Vincent 2011; its floor is that of $x$ times $\alpha^2/\sigma^4$.)

# %%
g = torch.Generator().manual_seed(run.seed)
rows = []
for t in (0.1, 0.3, 0.5, 0.7, 0.9):
    x = HEAPS.sample(200_000, g)
    eps = torch.randn(len(x), 1, generator=g).double()
    x_t = t * x + (1 - t) * eps
    best, variance = HEAPS.posterior(x_t, t, 1 - t)
    floor = variance.mean().item()
    lost = (best - x).square().mean().item()
    assert abs(lost / floor - 1) < 0.06  # (4), for the exact denoiser
    total, away = (x_t - x).square().mean(), (x_t - best).square().mean()
    assert abs(total / (away + floor) - 1) < 0.03  # (4), for x_t itself as a guess
    rows.append((t, lost, floor, floor * (t / (1 - t)) ** 2, floor / (1 - t) ** 2))
tables.show(rows, ("t", "its loss in x", "floor, x", "floor, noise", "floor, velocity"))

# %% [markdown]
# A perfect denoiser has all of these losses.
# At $t = 0.1$ it guesses noise almost without error and $x$ badly; at $t = 0.9$ it is the other way round.
# So a loss says nothing by itself: not whether training has ended, and not which of two models is better if one guesses noise and the other $x$, or if their times are distributed or weighted differently.
# Compare a loss with its floor where it is known, and samples where it is not.

# %%
floors = {row[0]: row[2:] for row in rows}
spread = HEAPS.sample(200_000, g).var().item()
assert floors[0.1][0] > 0.8 * spread and floors[0.1][1] < 0.05
assert floors[0.9][0] < 0.01 * spread and floors[0.9][1] > 0.8

# %% [markdown]
# ## Build: learn a score
#
# Eight small Gaussians on a ring, not all of one weight, and a network that guesses $x$.
# It sees the time as slow cosines and sines, so that what it says changes smoothly with $t$.

# %%
WEIGHTS = torch.tensor([4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0]) / 14
RING = data.toy.ring_mixture(radius=1.5, std=0.12, weights=WEIGHTS)


class Denoiser(nn.Module):
    """x_t [N, d] and t [N] to [N, d], by three hidden layers."""

    def __init__(self, d=2, width=128):
        super().__init__()
        self.net = vae.mlp(d + 8, *[width] * 3, d, activation=nn.SiLU)

    def forward(self, x_t, t):
        angles = math.pi * t[:, None] * torch.arange(1, 5)
        return self.net(torch.cat([x_t, angles.cos(), angles.sin()], dim=1))


# %%
def times(n, generator):
    """Times in [0, 0.98]: at 1 nothing is left to guess."""
    return 0.98 * torch.rand(n, generator=generator)


def train(net, draw, loss_of, steps, seed=run.seed, batch=run.batch):
    """Train on fresh points: loss_of(net, x, eps, t) -> a number."""
    g = torch.Generator().manual_seed(seed)
    lr = 5e-3
    opt = torch.optim.Adam(net.parameters(), lr, fused=True)
    for k in range(steps):
        x = draw(batch, g).float()
        eps, t = torch.randn(x.shape, generator=g), times(batch, g)
        loss = loss_of(net, x, eps, t)
        opt.param_groups[0]["lr"] = lr * min(1.0, 2 * (1 - k / steps))
        opt.zero_grad()
        loss.backward()
        opt.step()
    return net.eval()


# %%
def velocity_loss(net, x, eps, t):
    """The squared error of the velocity, by a guess of x; 1 - t is at least 0.1."""
    x_hat = net(flow.mix(x, eps, t), t)
    return ((x_hat - x) / (1 - t)[:, None].clamp(min=0.1)).square().mean()


torch.manual_seed(run.seed)
net = train(Denoiser(), RING.sample, velocity_loss, run.steps)

# %% [markdown]
# How good is its score, by (3), beside the exact one?
# **Predict**: at which times is it worst, near the noise or near the data?


# %%
@torch.no_grad()
def score_errors(t, n=20_000):
    """(loss, floor, squared errors of x_hat, and of the score over its square)."""
    g = torch.Generator().manual_seed(1)
    x = RING.sample(n, g)
    x_t = t * x + (1 - t) * torch.randn(n, 2, generator=g).double()
    x_hat = net(x_t.float(), torch.full((n,), t)).double()
    best, variance = RING.posterior(x_t, t, 1 - t)
    exact = RING.noised(t, 1 - t).score(x_t)
    guess = (t * x_hat - x_t) / (1 - t) ** 2  # (3)
    share = (guess - exact).square().sum() / exact.square().sum()
    missed = (x_hat - best).square().mean().item()
    return (
        (x_hat - x).square().mean().item(),
        variance.mean().item(),
        missed,
        share.item(),
    )


# %%
rows = [(t, *score_errors(t)) for t in (0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)]
tables.show(rows, ("t", "loss in x", "floor", "error of x_hat", "of the score, share"))
errors = [row[4] for row in rows]
found = {"score_error_early": errors[0], "score_error_late": errors[-1]}
if CHECKED:
    assert errors == sorted(errors) and errors[2] < 0.001 and errors[-1] > 0.03
    assert all(0.97 < row[1] / row[2] < 1.1 for row in rows)
    assert rows[-1][3] < rows[0][3]

# %% [markdown]
# The loss is within a tenth of its floor at each of these times.
# Up to $t = 0.4$ the score's squared error is less than a thousandth of its square; at 0.95 it is far more.
# The guess is no worse there: its own error is smaller than at 0.05.
# But the score is made of the way from $x_t$ to $t \hat x$, which has shrunk to almost nothing, and of that way the error is a large share.
#
# ## Walk with noise: Langevin
#
# A score is enough to draw samples.
# Walk uphill, with noise:
#
# $$x \leftarrow x + \eta\, s(x) + \sqrt{2\eta}\; \epsilon; \tag{5}$$
#
# after many small steps $x$ has nearly the density whose score it is, wherever it began.
# How many is *many*?
# We ask the exact score of the two heaps, of which the left one has a share of 0.8.


# %%
def langevin(x, t, steps, generator):
    """(5) at the noise level of time t, with steps in proportion to it."""
    p_t, sigma = HEAPS.noised(t, 1 - t), math.hypot(0.3 * t, 1 - t)
    noise = torch.randn(steps, *x.shape, generator=generator).double()
    return flow.last(flow.langevin(p_t.score, x, 0.1 * sigma**2, noise))


def share_left(x):
    return (x < 0).double().mean().item()


# %%
g = torch.Generator().manual_seed(run.seed)
wide = 2 * torch.randn(run.points, 1, generator=g).double()
at_once = langevin(wide, 0.95, 400, g)
annealed = wide
for t in torch.linspace(0.05, 0.95, 20).tolist():
    annealed = langevin(annealed, t, 20, g)  # 400 steps, too


def heap_of(x):  # its standard deviation, on the left
    return x[x < 0].std().item()


rows = [("start", share_left(wide), heap_of(wide))]
rows += [("one noise level", share_left(at_once), heap_of(at_once))]
rows += [("annealed", share_left(annealed), heap_of(annealed))]
own_spread = HEAPS.covariances[0].item() ** 0.5
rows += [("the heaps", HEAPS.weights[0].item(), math.hypot(own_spread * 0.95, 0.05))]
tables.show(rows, ("400 steps", "share on the left", "its spread"))
ends = HEAPS.noised(0.95, 0.05).log_prob(torch.tensor([[-1.9], [0.03]]).double())
assert 20 < ends[0] - ends[1] < 23  # from the top of the large heap to the valley
if run.profile != "quick":
    assert abs(rows[1][1] - 0.5) < 0.05 and abs(rows[2][1] - 0.8) < 0.04
    assert all(abs(row[2] / rows[3][2] - 1) < 0.1 for row in rows[1:3])

# %% [markdown]
# In 400 steps at one small noise level each walker climbs the heap that is nearer, and stays: the shares are those of the start.
# Each heap looks right by itself, and the score is exact; *their weights* are wrong.
#
# Between the heaps the density falls by a factor of $e^{21}$ or so, and so many steps are *many*.
# With much noise first, then less and less (**annealed**, Song and Ermon 2019), the walkers are shared out while the heaps are still one: nearly right.
#
# ## The maths: a velocity instead
#
# Hold $x$ and $\epsilon$ fixed and let time run: $x_t$ moves with the **conditional velocity** $\dot\alpha_t x + \dot\sigma_t \epsilon$ (a dot is a derivative by $t$); on the straight path it is $x - \epsilon$, always.
# At a place where many such paths cross, take their mean:
#
# $$v(y, t) = \mathbb{E}\big[\dot\alpha_t x + \dot\sigma_t \epsilon \,\big|\, x_t = y\big]. \tag{6}$$
#
# Points that begin as noise and follow $v$ have the density $p_t$ at every time before 1.
# For any smooth $f$, by the chain rule and then by taking the mean in two steps,
# $\frac{d}{dt} \mathbb{E} f(x_t) = \mathbb{E}\big[\nabla f(x_t) \cdot (\dot\alpha_t x + \dot\sigma_t \epsilon)\big] = \mathbb{E}\big[\nabla f(x_t) \cdot v(x_t, t)\big]$,
# which is the **continuity equation**, written with a test function:
#
# $$\partial_t p_t + \nabla \cdot (p_t\, v) = 0. \tag{7}$$
#
# Points that follow $v$ obey the same equation, for each moves by $v$; from one start it has one solution.
#
# In (6) nothing new has to be learned: $\epsilon$ follows from $x$ and $y$, so on the straight path $v = (\mathbb{E}[x|y] - y) / (1 - t)$.
# We check (6) by Bayes' rule, as before, and (7) on the grid, by differences.


# %%
def exact(mixture, kind):
    """A mixture's field, v or score, on the straight path: (x, t) -> like x."""

    def field(x, t):
        at = t[0].item()
        best, _ = mixture.posterior(x, at, 1 - at)
        return getattr(flow.STRAIGHT.guesses(x, t, x=best), kind)

    return field


# %%
t, h = 0.6, 1e-4
fine = torch.linspace(-4, 4, 4_001).double()[:, None]
before, now, after = (
    HEAPS.noised(s, 1 - s).log_prob(fine).exp() for s in (t - h, t, t + h)
)
v = exact(HEAPS, "v")(fine, torch.full((len(fine),), t, dtype=torch.float64))[:, 0]
# y and weights are those of t = 0.6 above
noise_at = (y - t * grid.T) / (1 - t)  # the noise that leads from each x to y
by_bayes = (weights * (grid.T - noise_at)).sum(dim=1) / weights.sum(dim=1)
by_formula = exact(HEAPS, "v")(y, torch.full((len(y),), t, dtype=torch.float64))[:, 0]
assert torch.allclose(by_bayes, by_formula, atol=1e-6)  # (6)

# %%
change = (after - before) / (2 * h)
(outflow,) = torch.gradient(now * v, spacing=(fine[1] - fine[0]).item())
apart = (change + outflow).abs().max() / change.abs().max()
print(f"largest violation of (7), of the largest change: {apart:.1e}")
assert apart < 1e-3

# %% [markdown]
# ## The maths: noise on the way
#
# Add noise of strength $g$ while walking, and the density spreads: $p_t$ gains $\frac{g^2}{2} \Delta p_t$ (**Fokker-Planck**; $\Delta = \nabla \cdot \nabla$).
# Add at the same time a pull along $\frac{g^2}{2} s$, and by (7) it loses $\nabla \cdot (p_t \frac{g^2}{2} \nabla \log p_t) = \frac{g^2}{2} \Delta p_t$.
# Both cancel, for every $g$:
#
# $$dx = \Big(v(x, t) + \frac{g^2}{2}\, s(x, t)\Big)\, dt + g\, dW \tag{8}$$
#
# ($dW$ is normal noise of variance $dt$) has the same $p_t$ as $dx = v\, dt$, the **probability-flow** equation (Song et al. 2021).
# With $g^2 = 2 (1 - t)/t$ it is, on the straight path, the reverse equation of diffusion (Anderson 1982).
# One field, both ways: it isn't true that diffusion is random and flow matching is not.

# %%
v, s = exact(HEAPS, "v"), exact(HEAPS, "score")
steps = torch.linspace(0, 0.95, 201)
g = torch.Generator().manual_seed(run.seed)
start_at = torch.randn(run.points, 1, generator=g).double()
truth, other = (HEAPS.noised(0.95, 0.05).sample(run.points, g)[:, 0] for _ in range(2))
ends = {}
for strength in (0.0, 0.5, 1.0, 2.0):
    noise = torch.randn(200, run.points, 1, generator=g).double()
    walk = flow.noisy(v, s, start_at, steps, noise, lambda t, c=strength: c)
    ends[strength] = flow.last(walk)[:, 0]

# %%
w1 = divergences.wasserstein_1d
floor = w1(truth, other).item()
rows = [
    (f"g = {c:g}", w1(end, truth).item(), share_left(end)) for c, end in ends.items()
]
rows.append(("two samples of the truth", floor, share_left(other[:, None])))
tables.show(rows, ("200 steps", "W1 to the truth", "share on the left"))
if run.profile != "quick":
    assert all(row[1] < 3 * max(floor, 0.02) for row in rows)
    spread = math.hypot(0.3 * 0.95, 0.05)
    assert all(abs(heap_of(end) / spread - 1) < 0.08 for end in ends.values())
    assert (ends[2.0] - ends[0.0]).abs().median() > 0.1

# %% [markdown]
# Single points end elsewhere; their distribution is the same, up to the error of the steps and of so many points.
#
# ## Steps: Euler and Heun
#
# **Euler** takes the velocity at a step's beginning; its error falls like the step.
# **Heun** takes the mean of the velocities at both ends; its error falls like the step's square, and each step costs two calls of the network.
# So compare at equal *calls*.
# We walk the ring's exact field, and look at the same points by 2,560 calls.


# %%
def euler_step(v, x, t, h):
    return x + h * v(x, t)


def heun_step(v, x, t, h):
    first = v(x, t)
    return x + h * (first + v(x + h * first, t + h)) / 2


# %%
v = exact(RING, "v")
noise = torch.randn(300, 2, generator=torch.Generator().manual_seed(run.seed)).double()
for by_hand, solver in ((euler_step, flow.euler), (heun_step, flow.heun)):
    step = by_hand(v, noise, torch.full((300,), 0.1).double(), 0.1)
    assert torch.allclose(step, flow.last(solver(v, noise, (0.1, 0.2))))

# %%
END = 0.9
truth = flow.last(flow.heun(v, noise, torch.linspace(0, END, 1_281)))
CALLS = (4, 8, 16, 32, 64, 128, 256)
missed = {}
for name, solver, each in (("Euler", flow.euler, 1), ("Heun", flow.heun, 2)):
    missed[name] = []
    for calls in CALLS:
        counted = flow.Counted(v)
        times_of = torch.linspace(0, END, calls // each + 1)
        reached = flow.last(solver(counted, noise, times_of))
        assert counted.calls == calls
        missed[name].append((reached - truth).norm(dim=1).median().item())

# %%
plots.show(
    plots.lines(
        {name: (CALLS, errors) for name, errors in missed.items()},
        "calls of the velocity",
        "error, the median point's",
        xscale="log",
        yscale="log",
    ),
    alt="Two falling lines on logarithmic axes: Euler's, in the end with slope -1; "
    "Heun's begins above it, crosses it, and falls twice as steeply.",
    caption="How far from where the exact walk ends, by calls.",
)
orders = {name: math.log2(e[-3] / e[-1]) / 2 for name, e in missed.items()}
print({name: round(order, 2) for name, order in orders.items()})
assert abs(orders["Euler"] - 1) < 0.1 and abs(orders["Heun"] - 2) < 0.2
assert missed["Heun"][0] > missed["Euler"][0]
assert missed["Heun"][1] < missed["Euler"][1]

# %% [markdown]
# With many calls, doubling them halves Euler's error and quarters Heun's.
# With four calls, two steps, Heun is the worse of the two; with eight it is the better.
#
# ## Straight and bent
#
# Every conditional path is straight: $x_t = t x + (1 - t) \epsilon$.
# Are the paths that $v$ makes straight, too?
# If they were, and walked at one speed, one step of Euler would do.
# Compare the way that a point is carried with the straight line between its ends:

# %%
walk = torch.stack(
    list(flow.heun(v, noise, torch.linspace(0, 0.98, 201)))
)  # [201, N, 2]
length = walk.diff(dim=0).norm(dim=2).sum(dim=0)
straight = (walk[-1] - walk[0]).norm(dim=1)
detour = (length / straight).median().item()
at_once = flow.last(flow.euler(v, noise, (0.0, 0.98)))
print(f"the median path is {detour:.2f} times as long as the line between its ends")
spread = at_once.std(dim=0).max()
print(f"one step of Euler: all points with a standard deviation of {spread:.3f}")
assert detour > 1.05 and spread < 0.05

# %% [markdown]
# They bend.
# Straightness alone would not help: for one heap around 0 all paths are straight, but not of one speed, and a single step ends at the mean there, too.
# At $t = 0$ nothing is known, and the mean velocity leads from each point to the mean of all data.
#
# ## One guess, four names
#
# Networks guess $x$, $\epsilon$, $v$ or the score, and between the ends of the path each can be computed from every other with (2), (3) and (6): from $v$, for instance,
#
# $$x = \frac{\sigma v - \dot\sigma x_t}{\dot\alpha \sigma - \alpha \dot\sigma}. \tag{9}$$
#
# There are other paths than the straight one, such as the circular one, $\alpha = \sin \frac{\pi t}{2}$, $\sigma = \cos \frac{\pi t}{2}$.


# %%
def x_from(kind, guess, x_t, t):
    """The guess of x on the circular path, t [N, 1]; (9) for the velocity."""
    alpha, sigma = torch.sin(math.pi / 2 * t), torch.cos(math.pi / 2 * t)
    if kind == "v":
        return (2 / math.pi * sigma * guess) + alpha * x_t  # for alpha² + sigma² = 1
    eps = guess if kind == "eps" else -sigma * guess
    return (x_t - sigma * eps) / alpha


# %%
t = torch.linspace(0.05, 0.95, 300).double()
x = RING.sample(300, torch.Generator().manual_seed(3))
x_t = flow.CIRCULAR.mix(x, noise, t)
four = flow.CIRCULAR.guesses(x_t, t, x=x)
rows = []
for kind in ("eps", "v", "score"):
    guess = getattr(four, kind)
    mine = x_from(kind, guess, x_t, t[:, None])
    back = flow.CIRCULAR.guesses(x_t, t, **{kind: guess}).x
    rows.append((kind, (mine - x).abs().max().item(), (back - mine).abs().max().item()))
tables.show(rows, ("from", "largest error in x", "from the library's"))
assert max(max(row[1:]) for row in rows) < 1e-10

# %% [markdown]
# So it is one quantity.
# But for a network that errs it isn't one: by (2) an error in one is an error of another size in the next, and what a network finds easy to say is another question, which comes below.
#
# ## The maths: the likelihood of a flow
#
# A flow carries a small volume along and stretches it by the divergence of $v$.
# A step $x + h v$ has the Jacobian $I + hJ$, where $J$ is that of $v$, and divides the density by $|\det(I + hJ)|$ (change of variables).
# Its logarithm is $h\, \mathrm{tr} J = h\, \nabla \cdot v$, up to $h^2$.
#
# So along a path, $\frac{d}{dt} \log p_t(x_t) = -\nabla \cdot v(x_t, t)$; (7) and the chain rule say the same (Chen et al. 2018).
# So follow a data point back to the noise that it came from:
#
# $$\log p(x) = \log \mathcal{N}(x_0; 0, I) - \int_0^1 \nabla \cdot v(x_t, t)\, dt. \tag{10}$$
#
# The divergence is the trace of the Jacobian: a derivative in each direction, or, in many dimensions, the mean of $u^\top J u$ over random signs $u$ (**Hutchinson**), one derivative each.

# %%
END, g = 0.98, torch.Generator().manual_seed(run.seed)
there = RING.noised(END, 1 - END)
at_end = there.sample(200, g)
steps = torch.linspace(0, END, 201)
signs = torch.randint(2, (len(steps), 2, 1, 200, 2), generator=g).double() * 2 - 1


def one_probe(v, x, t):
    return flow.hutchinson_divergence(v, x, t, next(draws))


# %%
draws = iter(signs.flatten(0, 1))
truth = there.log_prob(at_end)
by_trace = flow.log_likelihood(v, at_end, steps)
by_probe = flow.log_likelihood(v, at_end, steps, one_probe)
rows = []
for name, found_there in (("exact trace", by_trace), ("one probe a call", by_probe)):
    away = found_there - truth
    rows.append((name, away.abs().max().item(), away.mean().item()))
tables.show(rows, ("log-likelihood by", "largest error, nats", "mean error"))
assert rows[0][1] < 0.01 and rows[1][1] > 10 * rows[0][1]
assert abs(rows[1][2]) < 0.05

# %% [markdown]
# (The walk stops at 0.98, and so does the truth it is compared with: at $t = 1$ the formula of $v$ divides by 0, and between the heaps the velocity is so steep shortly before that steps have to be small.)
# The exact trace gives the density to a hundredth of a nat.
# One probe a call is noisy for each point, and right on average.
#
# ## What is easy to say? Two dimensions hidden in many
#
# Faces are points in 3,072 dimensions, but lie near a surface with few.
# Noise lies near nothing.
# So a network with less room than there are dimensions may be able to say $x$, and unable to say $\epsilon$ or $v$, which have noise in them (Li and He 2025).
#
# We hide two half moons in $D$ dimensions, turned at random, and train the same kind of network, 128 wide, three times: as a guess of $x$, of $\epsilon$ and of $v$.
# All have the loss of the velocity, $1 - t$ at least 0.1; where $\epsilon$ is said, $x$ follows by a division by $t$, at least 0.05.
#
# **Predict** which of the three still draws moons in $D = 512$.

# %%
GUESSES = ("x", "eps", "v")


def hidden(D, seed=0):
    """A random turn, [2, D]: rows of length 1 at a right angle."""
    g = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(D, 2, generator=g)).Q.T


def moons(n, generator):
    """Two half moons, of variance 1.4 and 0.5: [n, 2]."""
    seed = torch.randint(2**31, (1,), generator=generator).item()
    return data.toy.moons(n, seed) / 1.1


# %%
def as_x(kind, said, x_t, t):
    """What a network said, as a guess of x; t: [N, 1]."""
    if kind == "x":
        return said
    if kind == "eps":
        return (x_t - (1 - t) * said) / t.clamp(min=0.05)
    return x_t + (1 - t) * said


def learn(kind, D, seed, scale=1.0, width=128):
    """A network that says `kind`, and so guesses x, of hidden moons times scale."""
    torch.manual_seed(seed)
    net, turn = Denoiser(D, width), scale * hidden(D)

    def guess(x_t, t):
        return as_x(kind, net(x_t, t), x_t, t[:, None])

    def draw(n, generator):
        return moons(n, generator) @ turn

    def loss_of(_, *batch):
        return velocity_loss(guess, *batch)

    train(net, draw, loss_of, run.hidden_steps, seed, batch=run.batch // 2)
    return guess


# %%
@torch.no_grad()
def drawn(guess, D, scale=1.0, n=1_000):
    """Drawn by 50 steps of Euler: (points in the hidden plane [n, 2], way off it)."""
    x = torch.randn(n, D, generator=torch.Generator().manual_seed(5))

    def field(x, t):
        return (guess(x, t) - x) / (1 - t)[:, None]

    x = flow.last(flow.euler(field, x, torch.linspace(0, 1, 51))) / scale
    inside = x @ hidden(D).T
    return inside, (x - inside @ hidden(D)).norm(dim=1).mean().item()


real = moons(1_000, torch.Generator().manual_seed(9))


def distance(points):
    """The mean way to the nearest point of the other set, the larger of both."""
    between = torch.cdist(points, real)
    return max(between.min(dim=k).values.mean().item() for k in (0, 1))


# %%
worlds, rows = {}, []
for D in (2, 8, 16, 512):
    for kind in GUESSES:
        worlds[D, kind] = drawn(learn(kind, D, seed=run.seed), D)
    rows.append((D, *(distance(worlds[D, kind][0]) for kind in GUESSES)))
other = moons(1_000, torch.Generator().manual_seed(10))
rows.append(("moons again", distance(other), "", ""))
tables.show(rows, ("D", f"guesses {GUESSES[0]}", *GUESSES[1:]))
off = {kind: round(worlds[512, kind][1], 2) for kind in GUESSES}
print(f"way off the plane, D = 512: {off}")
growth = 1.0  # of noise that eps does not name, in these 50 steps
for k in range(50):
    growth *= 1 + 0.02 * (1 / max(k / 50, 0.05) - 1) / (1 - k / 50)
if CHECKED:
    few, many = rows[0][1:], rows[3][1:]
    assert few[2] < few[0] < few[1] and many[0] < 0.15  # v best in 2
    assert many[1] > 10 and 0.3 < many[2] < 1 and off["x"] < 0.05
    assert 40 < growth < 50 and abs(off["eps"] / growth / off["v"] - 1) < 0.1

# %%
fig, axes = plots.figure(1, 3, height=2.9, sharex=True, sharey=True)
for axis, kind in zip(axes, GUESSES, strict=True):
    axis.plot(*worlds[512, kind][0].T, ".", markersize=2)
    axis.set(title=f"guesses {kind}, D = 512", xlim=(-3, 3), ylim=(-3, 3))
plots.show(
    fig,
    alt="Three panels: two half moons, with some points between them, where x is "
    "guessed; hardly a point in view where eps is; a round cloud without moons for v.",
    caption="1,000 points drawn in 512 dimensions, seen in the plane of the moons.",
)

# %% [markdown]
# In two dimensions, by the one seed tried, what is said as $v$ comes nearest to the moons: $x$ is not always best.
# In 512 the guess of $x$ draws moons as before, while $v$ draws a round cloud, and $\epsilon$ leaves the picture.
#
# What $x$ says lies in a plane.
# The two others have to repeat the noise, and 128 units reach 128 of 512 directions: in the others noise is left, $\sqrt{382} = 19.5$ long or more.
# Said as $v$ it stays so; said as $\epsilon$ it is divided by $t$ at each step, and 50 steps make it 45 times as long.
#
# Two trials.
# In 512 dimensions the noise is about 16 times as long as the data: make the data as long as the noise, times $\sqrt{D/2} = 16$.
# And give $v$ room, a network 640 wide.
# All else stays.


# %%
def range_of(values):
    return f"{min(values):.2f} – {max(values):.2f}"


def trials(kind, scale, seeds, width=128, D=512):
    """[(way to the moons, way off the plane in the noise's units) of each seed]."""
    found = []
    for seed in seeds:
        points, off = drawn(learn(kind, D, seed, scale, width), D, scale)
        found.append((distance(points), off * scale))
    return found


# %%
seeds = range(run.seeds)
tried = {"x": trials("x", 1.0, seeds), "v": trials("v", 1.0, seeds)}
tried["x, data times 16"] = trials("x", 16.0, seeds)
tried["v, data times 16"] = trials("v", 16.0, seeds)
tried["v, 640 wide, one seed"] = trials("v", 1.0, (run.seed,), width=640)
rows = [(name, *map(range_of, zip(*t, strict=True))) for name, t in tried.items()]
tables.show(rows, ("guesses, D = 512", "way to the moons", "off the plane, as noise"))
if CHECKED:
    ways, offs = (
        {name: [p[k] for p in t] for name, t in tried.items()} for k in (0, 1)
    )
    assert max(ways["v, data times 16"]) < 0.15 < 0.3 < min(ways["v"])
    assert min(offs["v"]) > 19 and min(offs["v, data times 16"]) > 19
    (wide,) = tried["v, 640 wide, one seed"]
    assert wide[0] > 0.3 and wide[1] < 0.7 * min(offs["v"])

# %% [markdown]
# With data as long as the noise the velocity draws moons in the plane.
# Off the plane no less noise is left than before: it only counts 16 times less beside the data.
# With five times the width, in as many steps, about half as much noise is left, and no moons yet.
# So what spoils $v$ is noise that the network does not say, for lack of room or of steps; loud data hide it, and who says $x$ need not say it.
#
# ## Drifting: all the steps in training
#
# Must there be many steps when drawing?
# **Drifting** (Deng et al. 2026) takes them in training.
# A generator $x = f(\epsilon)$ of one pass makes a batch; each of its points is pulled to the data near it and pushed from the other points near it,
#
# $$V(x) = \frac{\sum_j k(x, y_j)\, (y_j - x)}{\sum_j k(x, y_j)} - \frac{\sum_i k(x, x_i)\, (x_i - x)}{\sum_i k(x, x_i)}, \tag{11}$$
#
# and the network learns to be where its points should have moved: $|f(\epsilon) - (f(\epsilon) + V)|^2$, the bracket held fixed.
# ($x$ itself is among the $x_i$. Deng et al. take the kernel $\exp(-|x - y|/\tau)$.)
# With a Gaussian kernel of width $h$, each fraction is a Tweedie formula of its own: the mean of points near $x$ is $x + h^2 \nabla \log$ of their density smoothed by $h$.
# So
#
# $$V(x) = h^2\, \big(\nabla \log p_h(x) - \nabla \log q_h(x)\big), \tag{12}$$
#
# where $p_h$ and $q_h$ are the densities of data and samples, each point spread by $h$:
# the difference of two scores (Turan and Ovsjanikov 2026); nothing moves where data and samples are spread alike.
# And with the numbers of points for denominators it is the way down notebook 13's MMD², up to a factor.

# %%
h, g = 0.4, torch.Generator().manual_seed(run.seed)
samples, points = torch.randn(60, 2, generator=g).double(), RING.sample(80, g)


def log_density(x, points):
    """log of the density of points smoothed by h, up to a constant."""
    return torch.logsumexp(-torch.cdist(x, points).square() / (2 * h**2), dim=1)


# %%
x = samples.clone().requires_grad_()
(up,) = torch.autograd.grad(log_density(x, points).sum(), x)
(down,) = torch.autograd.grad(log_density(x, samples).sum(), x)
V = flow.drift(samples, points, h)
assert torch.allclose(V, h**2 * (up - down), atol=1e-6)  # (12)


# %%
def kernel(x, y):
    return divergences.gaussian_kernel(x, y, h)


(slope,) = torch.autograd.grad(divergences.mmd(x, points, kernel), x)
pull = kernel(samples, points) @ points - kernel(samples, points).sum(1, True) * samples
push = kernel(samples, samples) @ samples
push = push - kernel(samples, samples).sum(1, True) * samples
raw = pull / len(points) - push / len(samples)  # (11) without its denominators
assert torch.allclose(-slope, 2 / (len(samples) * h**2) * raw, atol=1e-6)

# %% [markdown]
# Now a generator of one pass.
# Like Deng et al. we add the drifts of several widths: a wide kernel reaches from heap to heap, which are 1.15 apart, a narrow one only within them.


# %%
def drifted(seed, batch=512):
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    f, lr = vae.mlp(2, 128, 128, 128, 2, activation=nn.SiLU), 5e-3
    opt = torch.optim.Adam(f.parameters(), lr, fused=True)
    for k in range(run.drift_steps):
        x = f(torch.randn(batch, 2, generator=g))
        real = RING.sample(batch, g).float()
        loss = flow.drifting_loss(x, real, 0.12, 0.35, 1.0)
        opt.param_groups[0]["lr"] = lr * min(1.0, 2 * (1 - k / run.drift_steps))
        opt.zero_grad()
        loss.backward()
        opt.step()
    return f.eval()


# %%
fresh = [RING.sample(2_000, torch.Generator().manual_seed(k)).float() for k in (20, 21)]
eps = torch.randn(2_000, 2, generator=torch.Generator().manual_seed(22))


def ring_distance(points):
    return max(w1(points[:, k], fresh[0][:, k]).item() for k in (0, 1))


def flowed(x, t):
    return (net(x, t) - x) / (1 - t)[:, None]


# %%
generators = [drifted(seed) for seed in range(run.seeds)]
with torch.no_grad():
    made = {"drifting, 1 call": [f(eps) for f in generators]}
    for calls in (1, 4, 50):
        end = flow.last(flow.euler(flowed, eps, torch.linspace(0, 1, calls + 1)))
        made[f"flow, {calls} call{'s' if calls > 1 else ''}"] = [end]

# %%
CENTRES = RING.means.float()


def near_a_centre(cloud):
    """The share of points within three standard deviations of a heap's middle."""
    return (torch.cdist(cloud, CENTRES).min(dim=1).values < 0.36).float().mean().item()


# %%
made["two samples of the ring"] = [fresh[1]]
rows, near = [], {}
for name, clouds in made.items():
    away = [ring_distance(cloud) for cloud in clouds]
    near[name] = max(near_a_centre(cloud) for cloud in clouds)
    spread = f"{min(away):.3f} – {max(away):.3f}" if away[1:] else f"{away[0]:.3f}"
    rows.append((name, spread, near[name]))
tables.show(rows, ("drawn by", "W1 to the ring", "share near a heap"))
away = {name: max(map(ring_distance, clouds)) for name, clouds in made.items()}
found |= {
    "drift_w1": away["drifting, 1 call"],
    "flow_w1": away["flow, 50 calls"],
}
found |= {"floor_w1": away["two samples of the ring"]}
if CHECKED:
    assert away["drifting, 1 call"] < away["flow, 4 calls"]
    nearest = min(map(ring_distance, made["drifting, 1 call"]))
    assert away["flow, 50 calls"] < nearest
    assert near["drifting, 1 call"] < near["flow, 50 calls"] - 0.05
    assert made["flow, 1 call"][0].std(dim=0).max() < 0.25
    middle = WEIGHTS @ RING.means.float()
    assert (made["flow, 1 call"][0].mean(dim=0) - middle).norm() < 0.15

# %%
panels = {"the ring": fresh[0]} | {name: clouds[0] for name, clouds in made.items()}
panels.pop("two samples of the ring")
panels.pop("flow, 4 calls")
fig, axes = plots.figure(1, 4, height=2.4, sharex=True, sharey=True)
for axis, (title, cloud) in zip(axes, panels.items(), strict=True):
    axis.plot(*cloud.T, ".", markersize=2)
    axis.set(title=title, xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), aspect="equal")
plots.cover(fig)
plots.show(
    fig,
    alt="Four clouds: eight heaps on a ring; by drifting, the ring, with many points "
    "between the heaps; by one call of the flow, one blot; by 50, eight heaps with few "
    "points between them.",
    caption="2,000 points each.",
)

# %% [markdown]
# The distance is the larger W1 of the two coordinates; it doesn't see points between the heaps, which the last column does (of three seeds of drifting, the best).
# In one call drifting is nearer to the ring than the flow in four, though it was trained on a quarter of the points.
# Fifty calls of our one flow are nearer than any of drifting's three seeds: 0.01 more than two samples of the ring are apart, where drifting has 0.015 to 0.03.
#
# A single call of the flow ends near the mean of all data, as it must.
# More points lie between the heaps by drifting than by fifty calls.
# A continuous map can't part one cloud into eight heaps without leaving some.
#
# ## Explore: where a guess comes from
#
# A point $x_t$ at one time, the data that it may have been, and the best guess, their mean.
# Arrows: the exact velocity around.
# **Predict** what the guess is at $t = 0.05$, and when it decides for one heap.


# %%
def possible(time, angle):
    turn = 2 * math.pi * angle / 360
    y = torch.tensor([[math.cos(turn), math.sin(turn)]]).double() * (0.4 + time)
    x = RING.sample(3_000, torch.Generator().manual_seed(0))
    weight = torch.exp(-(y - time * x).square().sum(dim=1) / (2 * (1 - time) ** 2))
    best, _ = RING.posterior(y, time, 1 - time)
    fig, axis = plots.figure(width=4.6, height=4.4)
    axis.scatter(*x.T, s=5, c=weight / weight.max(), cmap="Greys", vmin=-0.2)
    axis.plot(*y.T, "o", color=plots.COLORS[3], label="x_t")
    axis.plot(*best.T, "*", markersize=14, color=plots.COLORS[0], label="best guess")
    axis_of = torch.linspace(-2.2, 2.2, 12).double()
    places = torch.cartesian_prod(axis_of, axis_of)
    arrows = exact(RING, "v")(places, torch.full((144,), time).double())
    axis.quiver(*places.T, *arrows.T, color="0.6", width=0.004)
    axis.set(xlim=(-2.4, 2.4), ylim=(-2.4, 2.4), aspect="equal")
    axis.legend(loc="upper left", frameon=True, framealpha=0.9)
    return fig


# %%
explore(
    possible,
    alt="A noisy point inside the ring. The heap in its direction is dark, its "
    "neighbours are grey, the others pale; the star, their mean, lies just inside the "
    "dark heap. Arrows lead inwards from outside.",
    caption="Dark: data that the noisy point may well have been. Star: their mean.",
    time=(0.05, 0.95, 0.5),
    angle=(0, 360, 60),
)

# %% [markdown]
# And the hidden moons: what was guessed, in how many dimensions.


# %%
def plane(D, guesses):
    cloud, off = worlds[D, guesses]
    fig, axis = plots.figure(width=4.2, height=4.0)
    axis.plot(*cloud.T, ".", markersize=3)
    axis.set(
        xlim=(-3, 3),
        ylim=(-3, 3),
        title=f"way to the moons {distance(cloud):.2f}, off the plane {off:.2f}",
    )
    return fig


explore(
    plane,
    alt="Points in a plane that form two half moons, and points between them, where "
    "the moons have none.",
    caption="Drawn points, seen in the plane of the moons.",
    D=[16, 2, 8, 512],
    guesses=["v", "x", "eps"],
)

# %% [markdown]
# ## Break it
#
# 1. A standard deviation taken for a variance: noise of size $\sigma^2$ in the data, while the network is told $\sigma$.
# 2. Time runs the other way: a network of this course, walked from $t = 1$ to 0.
# 3. Two paths: data mixed on the straight path, velocities taken on the circular one.
#
# **Predict**: which of the three still gives eight heaps?


# %%
def walk_of(field, times_of, x=eps):
    with torch.no_grad():
        return flow.last(flow.euler(field, x, times_of))


def wrong_level(x, t):
    """The network is told a time at which sigma is the root of what it is."""
    told = 1 - (1 - t).sqrt()
    return (net(x, told) - x) / (1 - t)[:, None]


def wrong_path(x, t):
    return flow.CIRCULAR.guesses(x, t, x=net(x, t)).v


# %%
forth = torch.linspace(0, 1, 51)
broken = {"as it should be": walk_of(flowed, forth)}
broken["1. sigma for its square"] = walk_of(wrong_level, forth)
broken["2. backwards"] = walk_of(flowed, 0.98 * forth.flip(0))
broken["3. two paths"] = walk_of(wrong_path, forth)


def largest(cloud):
    """The share of points whose nearest heap is the largest one: 4/14 is right."""
    return (torch.cdist(cloud, CENTRES).argmin(dim=1) == 0).float().mean().item()


broken["the ring"] = fresh[1]
rows = [
    (name, ring_distance(p), near_a_centre(p), largest(p)) for name, p in broken.items()
]
columns = ("50 steps", "W1 to the ring", "share near a heap", "in the largest heap")
tables.show(rows, columns)
if CHECKED:
    good, level, back, paths, _ = rows
    assert level[1] > 5 * good[1] and level[2] > good[2] and back[2] < 0.1
    assert level[3] > 1.2 * good[3]
    nearest = torch.cdist(broken["3. two paths"], CENTRES).argmin(dim=1)
    assert nearest.bincount(minlength=8).min() > 40
    assert good[1] < paths[1] < 0.25 * level[1] and paths[2] > 0.8

# %% [markdown]
# 1. Points are sharp and in heaps, more so than with the right level, but the largest heap has far too many; which may be because the network, told of too much noise, guesses nearer to the mean for longer.
# 2. Nothing: from $t = 1$ on it is asked about noise as if it were data.
# 3. Nearly right, and the hardest to see: all eight heaps have points, and only numbers beside those of the right walk tell.

# %%
run.report(**found)
run.expect(
    score_error_early=("<", (None, 0.01, 0.01)), drift_w1=("<", (None, 0.15, 0.15))
)

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/17_scores_and_flows.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(10 minutes)* The score of a mixture.
# 2. ★ *(5 minutes)* Tweedie.
# 3. ★★ *(10 minutes)* The floors of three losses.
# 4. ★★ *(5 minutes)* From the velocity to the noise.
# 5. ★★ *(10 minutes)* A step of Heun.
# 6. ★★★ *(25 minutes, a project)* Drift.
#
# To try here *(10 to 20 minutes each)*: another strength $g(t)$ in (8), large at first and 0 at the end (our $g^2$ has no bound at $t = 0$: begin at 0.01); a network 512 wide for the hidden moons; drifting with one width only, 0.6 or 0.12.
#
# ## What to remember
#
# - The best denoiser is a mean, and by Tweedie's formula it knows the score; the score, the noise and the velocity are the same guess.
# - A perfect network has a loss, the variance of what noise destroyed. Compare losses with their floor, or of the same guess at the same times.
# - Langevin at little noise gets each heap right and, in any number of steps one can wait for, their weights wrong; much noise first, then less, nearly mends it.
# - The mean velocity carries the densities along (continuity), and with noise and a pull along the score it still does (Fokker-Planck).
# - Heun pays two calls a step: compare solvers by calls.
# - What a network is asked to say matters where there are more dimensions than it has room.
#
# ## Further reading
#
# - H. Robbins, *An Empirical Bayes Approach to Statistics*, Berkeley Symposium 1956.
# - B. Efron, *Tweedie's Formula and Selection Bias*, JASA 2011.
# - B. D. O. Anderson, *Reverse-time Diffusion Equation Models*, Stochastic Processes and their Applications 1982.
# - P. Vincent, *A Connection Between Score Matching and Denoising Autoencoders*, Neural Computation 2011.
# - Y. Song, S. Ermon, *Generative Modeling by Estimating Gradients of the Data Distribution*, NeurIPS 2019, arXiv:1907.05600.
# - Y. Song et al., *Score-Based Generative Modeling through Stochastic Differential Equations*, ICLR 2021, arXiv:2011.13456.
# - Y. Lipman et al., *Flow Matching for Generative Modeling*, 2022, arXiv:2210.02747.
# - R. T. Q. Chen, Y. Rubanova, J. Bettencourt, D. Duvenaud, *Neural Ordinary Differential Equations*, NeurIPS 2018, arXiv:1806.07366.
# - W. Grathwohl, R. T. Q. Chen, J. Bettencourt, I. Sutskever, D. Duvenaud, *FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models*, ICLR 2019, arXiv:1810.01367.
# - T. Li, K. He, *Back to Basics: Let Denoising Generative Models Denoise*, 2025, arXiv:2511.13720.
# - M. Deng, H. Li, T. Li, Y. Du, K. He, *Generative Modeling via Drifting*, 2026, arXiv:2602.04770.
# - E. Turan, M. Ovsjanikov, *Generative Drifting is Secretly Score Matching: a Spectral and Variational Perspective*, 2026, arXiv:2603.09936.
