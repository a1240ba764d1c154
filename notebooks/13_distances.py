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
# # 13 Distances between distributions
#
# *You will slide two distributions apart and watch five ways to say how far: two explode, one goes numb, one points as far as it can see, and one keeps pointing the way.*
# *Whoever trains a generator chooses such a distance, knowingly or not.*
#
# ![Four panels of paths, places upwards over steps: points start low, two clusters lie above. By one distance they arrive, by a wide kernel they come near, by a narrow one they only spread, by another, of a fine histogram, they never move.](../data/pictures/13_distances.webp)
#
# **You need** notebook 11, densities, expectations, derivatives; for (14) products of matrices, for (16) traces and eigenvalues.
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
import itertools
import math
from functools import partial

import scipy.optimize
import scipy.stats
import torch
import torch.distributions as D

from genimg_lib import data, divergences, plots, tables
from genimg_lib.training import start
from genimg_lib.widgets import explore

# %%
run = start(
    "13_distances",
    samples=(2_000, 20_000, 20_000),
    steps=(100, 400, 400),
    repeats=(3, 20, 20),
)
torch.set_default_dtype(torch.float64)  # formulas are compared to many digits
print(f"profile {run.profile}, on {run.device}")
tables.show_expected("13_distances", "largest_difference")

# %% [markdown]
# ## Why
#
# A generator draws from a distribution $p_g$; the data come from $p_\text{data}$.
# "The generator is good" means that the two are close.
# Close in which sense?
#
# To see whole distributions we work on a line, on a grid fine enough to treat densities as probabilities.
# Below is a target with two bumps, and three candidates.
# Decide which is closest, before you look at the table.

# %%
x = torch.linspace(-8, 8, 1601)
dx = (x[1] - x[0]).item()


def density(*parts, x=x):
    """A mixture of Gaussians; parts: (weight, mean, deviation). Sums to 1."""
    p = sum(w * torch.exp(-((x - m) ** 2) / (2 * s**2)) / s for w, m, s in parts)
    p = p.clamp(min=1e-300)  # far tails would be 0, and KL infinite
    return p / p.sum()


# %%
target = density((0.5, -2, 0.5), (0.5, 2, 0.5))
candidates = {
    "one bump": density((1, 2, 0.5)),
    "wide": density((1, 0, 2.1)),
    "shifted": density((0.5, -1.35, 0.5), (0.5, 2.65, 0.5)),
}

# %%
fig = plots.lines(
    {name: (x, q / dx) for name, q in candidates.items()},
    xlabel="x",
    ylabel="density",
)
fig.axes[0].fill_between(x, target / dx, color="#cccccc", zorder=0)
plots.show(
    fig,
    alt="A target density with two bumps in grey; over it a single bump that covers "
    "its right bump, a wide bell, and two bumps moved to the right.",
    caption="Grey: the target. Which candidate is closest?",
)

# %% [markdown]
# The rest of this notebook defines the five distances of the following table.
# They do not agree: each of the three candidates is the closest by at least one of them, for a reason that you will be able to give.


# %%
near = torch.exp(-((x[:, None] - x) ** 2) / 2)  # a Gaussian kernel of width 1


def w1_on_grid(p, q):
    return (p.cumsum(0) - q.cumsum(0)).abs().sum() * dx


def all_distances(p, q):
    return {
        "KL(p, q)": divergences.kl(p, q),
        "KL(q, p)": divergences.kl(q, p),
        "JS": divergences.js(p, q),
        "W1": w1_on_grid(p, q),
        "MMD²": (p - q) @ near @ (p - q),
    }


# %%
table = {name: all_distances(target, q) for name, q in candidates.items()}
measures = list(table["wide"])
rows = [(name, *table[name].values()) for name in table]
tables.show(rows, ["candidate", *measures])
closest = [min(table, key=lambda name: table[name][m]) for m in measures]
assert closest == ["wide", "one bump", "shifted", "shifted", "shifted"]

# %% [markdown]
# ## The maths
#
# ### Entropy and KL
#
# Let $p_1, \dots, p_K$ be the probabilities of $K$ outcomes.
# If $-\log p_i$ is the surprise of outcome $i$, its mean is the **entropy**
#
# $$H(p) = -\sum_i p_i \log p_i, \qquad 0 \le H(p) \le \log K. \tag{1}$$
#
# Suppose that you believe $q$ while $p$ is true.
# Your mean surprise, the *cross-entropy* $-\sum_i p_i \log q_i$, is larger, or equal if $q = p$.
# The excess is the **Kullback-Leibler divergence**
#
# $$\mathrm{KL}(p\,\|\,q) = \sum_i p_i \log\frac{p_i}{q_i}. \tag{2}$$
#
# It is never negative, by Jensen's inequality: for a concave function such as the logarithm, $\mathbb{E} f(X) \le f(\mathbb{E} X)$, since a chord lies below the curve.
# So
#
# $$-\mathrm{KL}(p\,\|\,q) = \sum_{i:\,p_i>0} p_i \log\frac{q_i}{p_i} \;\le\; \log \sum_{i:\,p_i>0} p_i\,\frac{q_i}{p_i} \;\le\; \log 1 = 0. \tag{3}$$
#
# **It is 0 only for $p = q$.**
# The logarithm is *strictly* concave, so the first $\le$ is an equality only if $q_i/p_i$ is the same number $c$ wherever $p_i > 0$; the second only if $q$ has no mass elsewhere, and then $c = 1$.
#
# (Put the uniform $q$ into (3), and it says $H(p) \le \log K$.)
# And it is not symmetric: it is infinite if somewhere $q$ is 0 and $p$ is not, as the first cell shows.
# (With natural logarithms its unit is the *nat*.)
# In the second, many pairs of distributions over six outcomes test the bounds, and SciPy the values.


# %%
def entropy(p):
    return -torch.xlogy(p, p).sum(-1)  # (1); 0 log 0 = 0


def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)  # (2)


# NBVAL_CHECK_OUTPUT
a, b = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.9, 0.05, 0.05])
print(f"KL(a, b) = {kl(a, b):.3f} nats, KL(b, a) = {kl(b, a):.3f}")


# %%
def largest(difference):
    return difference.abs().max().item()


torch.manual_seed(run.seed)
random = D.Dirichlet(torch.full((6,), 0.5))
p, q = random.sample((2, run.samples))  # each [samples, 6]
assert 0 <= entropy(p).min() <= entropy(p).max() <= math.log(6) + 1e-12  # (1)
assert kl(p, q).min() >= -1e-12  # (3)
by_scipy = torch.from_numpy(scipy.stats.entropy(p, q, axis=-1))
errors = {"KL": largest(kl(p, q) - by_scipy)}
by_scipy = torch.from_numpy(scipy.stats.entropy(p, axis=-1))
errors["entropy"] = largest(entropy(p) - by_scipy)
errors["KL, library"] = largest(kl(p, q) - divergences.kl(p, q))

# %% [markdown]
# For densities the sums become integrals (and an entropy may be negative; a KL may not).
# Between two Gaussians it has a closed form, which the VAE will need.
# Insert $\log p - \log q$ and use $\mathbb{E}_p (x - \mu_1)^2 = \sigma_1^2$ and $\mathbb{E}_p (x - \mu_2)^2 = \sigma_1^2 + (\mu_1 - \mu_2)^2$:
#
# $$\mathrm{KL}\big(\mathcal{N}(\mu_1, \sigma_1^2)\,\|\,\mathcal{N}(\mu_2, \sigma_2^2)\big) = \log\frac{\sigma_2}{\sigma_1} + \frac{\sigma_1^2 + (\mu_1 - \mu_2)^2}{2\sigma_2^2} - \frac12. \tag{4}$$
#
# The first cell compares it with torch's, the second with an average of $\log p - \log q$ over draws from $p$.


# %%
def kl_gaussians(m1, s1, m2, s2):
    return torch.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5  # (4)


m1, m2 = torch.randn(2, 100)
s1, s2 = 0.3 + torch.rand(2, 100)
formula = kl_gaussians(m1, s1, m2, s2)
by_torch = D.kl_divergence(D.Normal(m1, s1), D.Normal(m2, s2))
errors["KL of Gaussians"] = largest(formula - by_torch)

# %%
p, q = D.Normal(m1[0], s1[0]), D.Normal(m2[0], s2[0])
draws = p.sample((run.samples,))
terms = p.log_prob(draws) - q.log_prob(draws)
standard_error = terms.std() / math.sqrt(len(terms))
print(
    f"closed form {formula[0]:.3f}, sampled {terms.mean():.3f} +- {standard_error:.3f}"
)
assert abs(terms.mean() - formula[0]) < 4 * standard_error

# %% [markdown]
# ### Maximum likelihood is KL
#
# Training by **maximum likelihood** raises the mean log-probability of the data under the model $p_\theta$.
# Add and subtract the data's entropy:
#
# $$\mathbb{E}_{p_\text{data}} \log p_\theta(x) = -H(p_\text{data}) - \mathrm{KL}(p_\text{data}\,\|\,p_\theta). \tag{5}$$
#
# The entropy does not depend on $\theta$.
# (The data are a sample of $p_\text{data}$, so training has an estimate of this mean.)
# So maximum likelihood **minimises the KL from data to model**, and a model that gives no probability to something in the data pays infinitely.
# Within the Gaussians the best has the data's own mean and variance:
#
# $$\mu^* = \mathbb{E}_{p_\text{data}} x, \qquad \sigma^{*2} = \mathrm{Var}_{p_\text{data}} x. \tag{6}$$
#
# (Set the derivatives of $\log\sigma + \mathbb{E}(x-\mu)^2 / 2\sigma^2$ with respect to $\mu$ and $\sigma$ to 0.)

# %%
model = density((1, 0.3, 1.7))
log_likelihood = target @ torch.log(model)
by_kl = -entropy(target) - divergences.kl(target, model)
errors["likelihood"] = largest(log_likelihood - by_kl)  # (5)

# %% [markdown]
# Now look for the Gaussian $q$ closest to the target by gradient descent from $\mathcal{N}(1, 1)$, first in $\mathrm{KL}(p\|q)$, then in $\mathrm{KL}(q\|p)$.
# By (6) you know the first.
# The second has three valleys, so the start decides in which one descent ends; a wider start is tried too.


# %%
log_target = torch.log(target)


def kl_to(log_q):
    return target @ (log_target - log_q)  # KL(p, q), p the target


def kl_from(log_q):
    return log_q.exp() @ (log_q - log_target)  # KL(q, p)


# %%
def fit(divergence, start=(1.0, 1.0), steps=400):
    """Mean and deviation of the Gaussian at which descent of the divergence ends."""
    theta = torch.tensor([start[0], math.log(start[1])], requires_grad=True)
    opt = torch.optim.Adam([theta], lr=0.05)
    for _ in range(steps):
        mu, log_s = theta
        log_q = torch.log_softmax(-((x - mu) ** 2) / (2 * torch.exp(2 * log_s)), 0)
        loss = divergence(log_q)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return theta[0].item(), theta[1].exp().item()


# %%
covering, seeking = fit(kl_to), fit(kl_from)
stuck = fit(kl_from, start=(1.0, 2.0))
mean = target @ x
moments = mean.item(), (target @ (x - mean) ** 2).sqrt().item()
rows = [("min KL(p, q)", *covering), ("the target's own", *moments)]
rows += [("min KL(q, p)", *seeking), ("the target's right bump", 2.0, 0.5)]
rows += [("KL(q, p), from a wider start", *stuck)]
rows = [(name, round(m, 4), round(s, 4)) for name, m, s in rows]
tables.show(rows, ("Gaussian", "mean", "deviation"))
assert math.dist(covering, moments) < 0.01  # (6)
assert math.dist(seeking, (2, 0.5)) < 0.02
found = [kl_from(density((1, *fitted)).log()) for fitted in (seeking, stuck)]
print(f"KL(q, p) of the last two fits: {found[0]:.2f} and {found[1]:.2f}")
assert abs(stuck[0]) < 0.01 < 1.5 < stuck[1] and found[1] > 2 * found[0]

# %% [markdown]
# The first two pairs of rows are both "the Gaussian closest to the target", and they are far from each other.
# (The left bump is as good as the right one. The third decimal of the first and of the last row is that of bells cut off where our grid ends.)
#
# A model that could equal $p$ would be best at that by both.
# Where it cannot, $\mathrm{KL}(p\|q)$ punishes *missing* what $p$ has: it **covers the modes**, the bumps, and puts mass where there is none.
# $\mathrm{KL}(q\|p)$ punishes *inventing* what $p$ has not: it **seeks a mode**, and forgets the other where they lie far enough apart.
# Blurry samples and forgotten modes resemble these two; in VAEs and GANs you will meet them again, with further causes.
#
# **Predict**: how far apart must the bumps be for the seeking fit to let go of one of them?
# For a widget, gradient descent is slow; we try all Gaussians on a grid of means and deviations instead, which also finds the best of several valleys.

# %%
mus, sigmas = torch.linspace(-5, 5, 101), torch.linspace(0.3, 5, 95)
gaussians = torch.cartesian_prod(mus, sigmas)  # [9595, 2]
coarse = torch.linspace(-20, 20, 251)  # wide enough for each bell that can win
z = (coarse - gaussians[:, :1]) / gaussians[:, 1:]
log_qs = torch.log_softmax(-(z**2) / 2, -1)  # [9595, 251]
qs = log_qs.exp()
minus_entropy = (qs * log_qs).sum(-1)


# %%
def nearest_gaussians(*parts):
    """(mean, deviation) of the nearest Gaussian in KL(p, q), and in KL(q, p)."""
    p = density(*parts, x=coarse)
    cover = -(log_qs @ p)  # KL(p, q) but for the entropy of p
    seek = minus_entropy - qs @ torch.log(p.clamp(min=1e-300))
    return [gaussians[cost.argmin()].tolist() for cost in (cover, seek)]


# %%
def two_bumps(distance, right_weight, width):
    left = (1 - right_weight, -distance / 2, width)
    return left, (right_weight, distance / 2, width)


def cover_or_seek(**controls):
    p = density(*two_bumps(**controls))
    cover, seek = nearest_gaussians(*two_bumps(**controls))
    bells = {"min KL(p, q): covers": cover, "min KL(q, p): seeks": seek}
    fits = {name: (x, density((1, *bell)) / dx) for name, bell in bells.items()}
    fig = plots.lines(fits, xlabel="x", ylabel="density", height=2.8, ylim=(0, 1.4))
    fig.axes[0].fill_between(x, p / dx, color="#cccccc", zorder=0)
    return fig


# %%
explore(
    cover_or_seek,
    alt="Two grey bumps; a wide blue bell over both; a narrow orange bell on one.",
    caption="Grey: p. Move the bumps together and watch the orange bell.",
    distance=(0.0, 8.0, 4.0),
    right_weight=(0.05, 0.95, 0.5),
    width=(0.3, 1.5, 0.6),
)

# %%
distances = [n / 10 for n in range(41)]  # the answer for deviation 0.6
means = [nearest_gaussians(*two_bumps(n, 0.5, 0.6))[1][0] for n in distances]
apart = [n for n, mean in zip(distances, means, strict=True) if abs(mean) > 0.05]
before, after = apart[0] - 0.1, apart[0]
print(f"the best lets go between {before:.1f} and {after:.1f},")
print(f"which is {before / 0.6:.1f} to {after / 0.6:.1f} deviations of a bump")
assert apart == distances[-len(apart) :]  # and from there on
assert 4 < apart[0] / 0.6 < 7

# %% [markdown]
# ### Jensen-Shannon
#
# To be symmetric and finite, compare both with their average $m = (p + q)/2$:
#
# $$\mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p\,\|\,m) + \tfrac12 \mathrm{KL}(q\,\|\,m). \tag{7}$$
#
# Since $m \ge p/2$, no quotient $p/m$ exceeds 2; it is 2 where $q$ is 0.
# So
#
# $$0 \le \mathrm{JS}(p, q) \le \log 2, \quad\text{with } \log 2 \text{ exactly when } p \text{ and } q \text{ do not overlap,} \tag{8}$$
#
# and 0 only for $p = q$, by what (3) says of each KL.
# The ceiling is the trouble.
# Two distributions that do not overlap are at distance $\log 2$, *whether they are near or far*.


# %%
def js(p, q):
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2  # (7)


p, q = random.sample((2, run.samples))
by_scipy = scipy.spatial.distance.jensenshannon(p, q, axis=-1) ** 2
errors["JS"] = largest(js(p, q) - torch.from_numpy(by_scipy))
errors["JS, library"] = largest(js(p, q) - divergences.js(p, q))
assert js(p, q).max() <= math.log(2) + 1e-12
one_place = torch.eye(10)  # ten distributions, each with all its mass at one place
assert largest(js(one_place[0], one_place[1:]) - math.log(2)) < 1e-12  # (8)

# %% [markdown]
# ### Wasserstein
#
# Think of $p$ as a heap of sand and of $q$ as a hole.
# A *plan* $\gamma(x, y)$ says how much to carry from $x$ to $y$.
# The **Wasserstein-1** distance is the cheapest plan's work:
#
# $$W_1(p, q) = \min_{\gamma}\; \mathbb{E}_{(x, y) \sim \gamma}\, |x - y| \quad\text{over all } \gamma \text{ with marginals } p \text{ and } q: \tag{9}$$
#
# what leaves $x$ adds up to $p(x)$, what arrives at $y$ to $q(y)$.
#
# On a line two loads never need to cross: if $x < x'$ go to $y > y'$, exchanging the destinations costs no more.
# So **sort** both samples of $n$ points, with $x_{(i)}$ the $i$-th smallest, and match them in order.
# Or count what crosses each place: past $t$ the amount $|F_p(t) - F_q(t)|$ of the cumulative distributions has to be carried.
# Added up over $t$,
#
# $$W_1 = \frac1n \sum_i |x_{(i)} - y_{(i)}| = \int |F_p(t) - F_q(t)|\, dt. \tag{10}$$
#
# Could a plan do better by splitting points?
# It may split them, but gains nothing: plans between $n$ and $n$ equal loads are averages of one-to-one matchings (Birkhoff's theorem), and an average is not cheaper than the cheapest.
# So it is enough to try all matchings, 720 for six points.
#
# The second cell below has samples of different sizes, as the library takes them.
# For densities sorting means comparing *quantiles*; the area between the cumulative distributions is the same number.

# %%
orders = torch.tensor(list(itertools.permutations(range(6))))  # [720, 6]
for _ in range(20):
    a, b = torch.randn(2, 6)
    cheapest = (a - b[orders]).abs().mean(dim=1).min()
    in_order = (a.sort().values - b.sort().values).abs().mean()
    assert abs(in_order - cheapest) < 1e-12  # (10)

# %%
a, b = torch.randn(300), torch.rand(170)
by_scipy = scipy.stats.wasserstein_distance(a, b)
errors["W1"] = abs(divergences.wasserstein_1d(a, b).item() - by_scipy)
p, q = target, candidates["wide"]
levels = (torch.arange(20_000) + 0.5) / 20_000
quantiles = [x[torch.searchsorted(t.cumsum(0), levels)] for t in (p, q)]
by_quantiles = (quantiles[0] - quantiles[1]).abs().mean()
print(f"by quantiles {by_quantiles:.4f}, by area {w1_on_grid(p, q):.4f}")
assert abs(by_quantiles - w1_on_grid(p, q)) < 1e-3  # (10)

# %% [markdown]
# There is a second way to see it, the one that Wasserstein GANs use.
# A function $f$ that is nowhere steeper than 1 changes by no more than the distance moved, so $\mathbb{E}_p f - \mathbb{E}_q f \le W_1$.
# The best such **critic** reaches it (Kantorovich and Rubinstein):
#
# $$W_1(p, q) = \max_{|f(x) - f(y)| \le |x - y|} \; \mathbb{E}_p f(x) - \mathbb{E}_q f(x). \tag{11}$$
#
# In one dimension, integrate by parts: $\mathbb{E}_p f - \mathbb{E}_q f = \int f'(t)\,(F_q(t) - F_p(t))\, dt$.
# So the best critic climbs with slope 1 where $F_q > F_p$, and falls with slope 1 where $F_q < F_p$.
#
# Check (11) with a linear program, which knows nothing of sorting: its unknowns are the values of $f$ at nine places, its limits all pairs of places.
# On the fine grid, afterwards, the best critic is the sum of its slopes: its gain is $W_1$, and from one heap to the other it is a ramp of slope -1.

# %%
places = torch.linspace(0, 5, 9)
p, q = D.Dirichlet(torch.ones(9)).sample((2,))
by_area = (p.cumsum(0) - q.cumsum(0)).abs().sum() * (places[1] - places[0])
one, other = torch.tensor(list(itertools.permutations(range(9), 2))).T  # 72 pairs
rises = torch.eye(9)[one] - torch.eye(9)[other]  # rises @ f: f(x) - f(y)
lengths = (places[one] - places[other]).abs()
best = scipy.optimize.linprog(q - p, A_ub=rises, b_ub=lengths, bounds=(-10, 10))
print(f"by the best critic {-best.fun:.6f}, by area {by_area:.6f}")  # it minimises
errors["best critic"] = abs(-best.fun - by_area.item())  # (11)


# %%
def best_critic(p, q):
    lead = q.cumsum(0) - p.cumsum(0)
    slope = torch.sign(lead) * (lead.abs() > 1e-9)
    return slope.cumsum(0) * dx


p, q = density((1, -2, 0.5)), density((0.5, 0.5, 0.4), (0.5, 3, 0.4))
f = best_critic(p, q)
gain = (p - q) @ f
assert abs(gain - w1_on_grid(p, q)) < 0.01
between = (x > -2) & (x < 3)
assert torch.allclose(f[between].diff(), torch.tensor(-dx))

# %%
fig = plots.lines(
    {"(f - its mean over the line) / 4": (x, (f - f.mean()) / 4)}, xlabel="x"
)
axis = fig.axes[0]
axis.fill_between(x, p / dx, color=plots.COLORS[1], alpha=0.6, label="p")
axis.fill_between(x, q / dx, color=plots.COLORS[2], alpha=0.6, label="q")
axis.set_title(f"mean of f under p - mean under q = {gain:.2f} = W1")
axis.legend(loc="upper right")
plots.show(
    fig,
    alt="A bump on the left, two bumps on the right, and a line, flat at both ends, "
    "that falls with constant slope from the one to the others.",
    caption="The best critic is a ramp: uphill is where q should move to become p.",
)

# %% [markdown]
# ### Parallel lines
#
# Why the fuss?
# Let $p$ be uniform on the vertical line $\{(0, u)\}$ in the plane and $q_\theta$ uniform on $\{(\theta, u)\}$, $0 \le u \le 1$ (Arjovsky et al. 2017).
# The model needs to learn one number, $\theta = 0$.
# For $\theta \ne 0$ the lines do not touch, and
#
# $$\mathrm{KL}(p\,\|\,q_\theta) = \infty, \qquad \mathrm{JS}(p, q_\theta) = \log 2, \qquad W_1(p, q_\theta) = |\theta|. \tag{12}$$
#
# (The paper leaves out the factor 1/2 of (7) in its definition of JS.)
# Of these three only the last has a slope that leads home.
# Images may be like these lines.
# If they lie on surfaces of lower dimension, as is often supposed, and are spread over them with a density, then the data's surface and a generator's meet, in general position, in a set that has probability 0 under both, and JS is $\log 2$ (Arjovsky and Bottou 2017).
#
# Leave out $u$, and each line is a point; on our grid a strip of 9 points, which $\theta$ moves by 10 at a time, so that two strips never overlap.

# %%
thetas = torch.linspace(-3, 3, 61)


def strip(place):
    p = ((x - place).abs() < 0.045).double()  # no grid point on the rim
    return p / p.sum()


found = [all_distances(strip(0.0), strip(theta)) for theta in thetas]
curves = {name: torch.stack([row[name] for row in found]) for name in measures}
at_0 = thetas.abs() < 1e-9
for name in measures:
    assert curves[name][at_0].abs() < 1e-9
assert curves["KL(p, q)"][~at_0].isinf().all()  # (12)
assert largest(curves["JS"][~at_0] - math.log(2)) < 1e-9
assert largest(curves["W1"] - thetas.abs()) < 1e-9

# %%
fig, axes = plots.figure(1, 4, height=2.4)
for axis, name in zip(axes, ("KL(p, q)", "JS", "W1", "MMD²"), strict=True):
    axis.plot(thetas, curves[name], ".", markersize=4)
    axis.set(title=name, xlabel="θ", xlim=(-3.2, 3.2))
axes[0].set_ylim(-0.1, 1)
axes[0].text(0, 0.2, "infinite\neverywhere\nelse", ha="center", fontsize=10)
plots.show(
    fig,
    alt="Four panels of dots over the shift: KL a single dot at 0; JS a flat line "
    "but for one dot at 0; W1 a V; MMD a rounded dip that flattens out.",
    caption="KL: finite at 0 alone. JS: flat but for 0. W1: slope 1. "
    "MMD: as far as its kernel, of width 1, reaches.",
)
slope = curves["MMD²"].diff().abs()
assert slope[-1] < slope.max() / 10

# %% [markdown]
# ### MMD
#
# Compare means of **features** instead.
# A *kernel* here is a similarity of two points (not the kernel of notebook 12), a product of features: for $k(x, y) = \langle\varphi(x), \varphi(y)\rangle$, the squared *maximum mean discrepancy* is (Gretton et al. 2012)
#
# $$\mathrm{MMD}^2 = \big\|\mathbb{E}_p\,\varphi(x) - \mathbb{E}_q\,\varphi(y)\big\|^2 = \mathbb{E}\,k(x, x') - 2\,\mathbb{E}\,k(x, y) + \mathbb{E}\,k(y, y'), \tag{13}$$
#
# with $x, x'$ from $p$, $y, y'$ from $q$, all independent.
# The features never need to be written down.
# With $k(x, y) = (x \cdot y)^2$ they could be, all products $x_i x_j$, so this kernel compares second moments and nothing else:
#
# $$\mathrm{MMD}^2 = \big\|\mathbb{E}\,x x^\top - \mathbb{E}\,y y^\top\big\|_F^2, \tag{14}$$
#
# the sum of the squared entries.
# (Remember it: notebook 16 finds it inside style transfer.)

# %%
a, b = torch.randn(200, 3), torch.randn(150, 3) @ torch.randn(3, 3) + 0.5
k = divergences.polynomial_kernel
by_pairs = k(a, a).mean() - 2 * k(a, b).mean() + k(b, b).mean()  # (13)
by_moments = (a.T @ a / len(a) - b.T @ b / len(b)).square().sum()  # (14)
errors["MMD"] = largest(by_pairs / by_moments - 1)
errors["MMD, library"] = largest(divergences.mmd(a, b, k) - by_pairs)
assert divergences.mmd(a, -a, k) < 1e-12  # the same second moments

# %% [markdown]
# The Gaussian kernel $e^{-|x-y|^2/2b^2}$ contains every power, since $e^{x \cdot y/b^2} = \sum_n (x \cdot y)^n / (b^{2n}\, n!)$: it compares moments of *all* orders, each taken with the weight $e^{-|x|^2/2b^2}$, so at the scale of its **bandwidth** $b$.
# With it, MMD is 0 only for $p = q$; kernels of which this is true are called *characteristic*.
# The kernel of (14) is not: it takes a sample of points $x_i$ and that of all $-x_i$ for the same.
#
# In the figure the **witness** function shows what MMD sees: the mean kernel to $p$ minus the mean kernel to $q$.
# **Predict**: what happens with a very narrow and with a very wide kernel?
# At which bandwidth is MMD² largest where only the spread differs?


# %%
def witness(shift, spread, bandwidth):
    g = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 150, 1, generator=g)
    b = spread * b + shift
    kernel = partial(divergences.gaussian_kernel, bandwidth=bandwidth)
    grid = torch.linspace(-6, 6, 241)[:, None]
    f = kernel(grid, a).mean(1) - kernel(grid, b).mean(1)
    title = f"MMD² = {divergences.mmd(a, b, kernel):.3f}"
    fig = plots.lines({"f": (grid, f)}, xlabel="x", title=title, ylim=(-1.45, 1.1))
    axis = fig.axes[0]
    axis.plot(a, torch.full((150,), -1.15), "|", color=plots.COLORS[2], alpha=0.6)
    axis.plot(b, torch.full((150,), -1.3), "|", color=plots.COLORS[1], alpha=0.6)
    return fig


# %%
explore(
    witness,
    alt="A curve, positive where green ticks are dense and negative where orange "
    "ticks are dense.",
    caption="Ticks: samples of p (green) and q (orange). The curve: the witness.",
    shift=(-4.0, 4.0, 2.0),
    spread=(0.2, 3.0, 1.0),
    bandwidth=(0.05, 5.0, 1.0),
)

# %%
bandwidths = torch.linspace(0.05, 5, 100)


def similarity(variance):  # E k(x, y), where x - y has this variance
    return bandwidths / (bandwidths**2 + variance).sqrt()


for spread in (0.2, 0.5, 2.0, 3.0):  # beside 1
    mmds = similarity(2) - 2 * similarity(1 + spread**2) + similarity(2 * spread**2)
    best = bandwidths[mmds.argmax()].item()
    print(f"deviations 1 and {spread}: MMD² is largest at bandwidth {best:.2f}")
    assert 0.9 < best / min(1, spread) < 1.6

# %% [markdown]
# Very narrow: each sample sees few others, and where the clouds are alike most of what is left is bias (see below).
# The wider the kernel, the flatter $f$, and the less counts but the means.
# Of equal means and deviations that differ by a factor of 2 to 5, MMD² is largest at a bandwidth between 1 and 1.6 times the *narrower* one, as the cell shows by the exact MMD² of two Gaussians.
#
# ### Fréchet
#
# Between Gaussians the squared **Wasserstein-2** distance, $W_2^2 = \min_\gamma \mathbb{E}|x-y|^2$, has a closed form (Dowson and Landau 1982).
# The field calls this square the **Fréchet distance**, and so do we.
#
# In one dimension sorting is cheapest for squares too.
# With $z_u$ the $u$-quantile of $\mathcal{N}(0, 1)$ it takes $\mu_1 + \sigma_1 z_u$ to $\mu_2 + \sigma_2 z_u$.
# Square the difference and average over $u$, with $\mathbb{E} z = 0$ and $\mathbb{E} z^2 = 1$:
#
# $$W_2^2 = (\mu_1 - \mu_2)^2 + (\sigma_1 - \sigma_2)^2. \tag{15}$$

# %%
z, z_too = torch.randn(2, run.samples)
matched = (1 + 2 * z).sort().values - (3 + 0.5 * z_too).sort().values
formula = divergences.frechet_distance([1.0], [[4.0]], [3.0], [[0.25]])
print(f"(15) {formula:.3f}, by sorting samples {matched.square().mean():.3f}")
scatter = 4 * math.sqrt((4 + 0.25) / run.samples)  # about: of the means alone
assert abs(matched.square().mean() - formula) < 4 * scatter
assert abs(formula - ((1 - 3) ** 2 + (2 - 0.5) ** 2)) < 1e-9

# %% [markdown]
# With covariance matrices $\Sigma_1, \Sigma_2$ it is
#
# $$W_2^2 = |\mu_1 - \mu_2|^2 + \mathrm{tr}\big(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1^{1/2}\,\Sigma_2\,\Sigma_1^{1/2})^{1/2}\big). \tag{16}$$
#
# ($\Sigma^{1/2}$ is the symmetric matrix without negative eigenvalues whose square is $\Sigma$.)
# Why?
# Where $\Sigma_1$ is invertible, move $x$ to $\mu_2 + T(x - \mu_1)$ with the matrix $T = \Sigma_1^{-1/2} (\Sigma_1^{1/2}\Sigma_2\Sigma_1^{1/2})^{1/2}\, \Sigma_1^{-1/2}$.
#
# - It arrives with the right covariance: $T \Sigma_1 T = \Sigma_2$.
# - $T$ is symmetric without negative eigenvalues, so the map is the gradient of a convex function, and no plan is cheaper (Brenier 1991).
# - Its cost is $|\mu_1 - \mu_2|^2 + \mathrm{tr}\big((I - T)\Sigma_1(I - T)\big) = |\mu_1 - \mu_2|^2 + \mathrm{tr}\,\Sigma_1 + \mathrm{tr}\,\Sigma_2 - 2\,\mathrm{tr}(T\Sigma_1)$.
# - A trace stays the same if factors go round (*cyclicity*), so $\mathrm{tr}(T\Sigma_1) = \mathrm{tr}(\Sigma_1^{1/2}\, T\, \Sigma_1^{1/2})$, which is the trace of the root in (16).
#
# Where $\Sigma_1$ is not invertible, (16) follows from invertible ones that come closer and closer to it.


# %%
def root(S):
    values, vectors = torch.linalg.eigh(S)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


mu1, mu2 = torch.randn(2, 4)
S1, S2 = (m @ m.T + 0.1 * torch.eye(4) for m in torch.randn(2, 4, 4))
between_means = (mu1 - mu2).square().sum()
overlap = root(root(S1) @ S2 @ root(S1))
formula = between_means + torch.trace(S1 + S2 - 2 * overlap)  # (16)
by_library = divergences.frechet_distance(mu1, S1, mu2, S2)
errors["Fréchet, library"] = abs(formula.item() - by_library)

# %%
inverse = torch.linalg.inv(root(S1))
T = inverse @ overlap @ inverse
rest = torch.eye(4) - T
work = between_means + torch.trace(rest @ S1 @ rest.T)  # E |x - y|^2 of the plan
errors["Fréchet"] = largest(formula - work)
assert torch.allclose(T @ S1 @ T, S2)
assert torch.allclose(T, T.T)
assert torch.linalg.eigvalsh(T).min() > 0

# %% [markdown]
# ### The floor
#
# The course's figure of merit, `fd`, is (16) between features of real and of generated images, each set described by its mean and covariance.
# It is defined for *any* two sets, but sees only these two moments.
# And it comes from **samples**: even two halves of the same set are not at 0.
# How far apart they are depends on how many there are.
#
# Between data and a model, too, samples add something on top of the truth, and not the same for every model, as the cell's second line shows.


# %%
def fd(a, b):
    """The Fréchet distance of two samples [n, d]."""
    return divergences.frechet_distance(a.mean(0), a.T.cov(), b.mean(0), b.T.cov())


d, counts, floors = 20, (30, 100, 300, 1_000, 3_000), []
for n in counts:
    twice = [torch.randn(2, n, d) for _ in range(run.repeats)]  # one distribution
    floors.append(sum(fd(a, b) for a, b in twice) / run.repeats)
truth = d * (1 - 2) ** 2  # (16) between N(0, I) and N(0, 4 I)
twice = [torch.randn(2, counts[1], d) for _ in range(run.repeats)]
excess = sum(fd(a, 2 * b) for a, b in twice) / run.repeats - truth
print(f"{counts[1]} samples each: the floor is {floors[1]:.1f};")
print(f"a model twice as wide gets {excess:.1f} more than the true {truth}")
assert excess > 1.5 * floors[1]

# %%
fig = plots.lines(
    {"floor": (counts, floors)},
    xlabel="samples in each set",
    ylabel="Fréchet distance",
    title="two sets from the same distribution: the truth is 0",
    width=6.0,
    xscale="log",
    yscale="log",
)
fig.axes[0].lines[0].set_marker("o")
plots.show(
    fig,
    alt="A falling line: the Fréchet distance of two sets of the same distribution "
    "shrinks about in inverse proportion to the number of samples.",
    caption="The floor. Never compare Fréchet distances of unequal sample counts.",
)
assert 0.5 < (floors[1] * counts[1]) / (floors[-1] * counts[-1]) < 2

# %% [markdown]
# Has MMD a floor?
# `divergences.mmd` averages over all pairs, those of a point with itself too.
# These count $k(x, x)$, for a Gaussian kernel 1, instead of the smaller $\mathbb{E}\,k(x, x')$, so for $n$ points each of the same distribution the mean is too high by $\frac2n (1 - \mathbb{E}\,k(x, x'))$: the estimator is **biased**.
# Leave them out, and the mean is right: **unbiased**, 0 for equal distributions, so that single values are often negative.
# KID, which later notebooks report, is an unbiased MMD².


# %%
def mean_of_others(K):
    n = len(K)
    return (K.sum() - K.trace()) / (n * (n - 1))  # without the diagonal


def mmd_unbiased(a, b, kernel):
    within = mean_of_others(kernel(a, a)) + mean_of_others(kernel(b, b))
    return within - 2 * kernel(a, b).mean()


# %%
kernel = partial(divergences.gaussian_kernel, bandwidth=d**0.5)
twice = [torch.randn(2, 100, d) for _ in range(10 * run.repeats)]
rows = []
for name, mmd in (("biased", divergences.mmd), ("unbiased", mmd_unbiased)):
    values = torch.stack([mmd(a, b, kernel) for a, b in twice])
    rows.append((name, values.mean(), values.std() / len(values) ** 0.5))
tables.show(rows, ("MMD² of two equal distributions", "mean", "standard error"))
bias = 2 / 100 * (1 - (1 + 2 / d) ** (-d / 2))  # (1 + 2 / d)^(-d/2) is E k(x, x')
assert abs(rows[0][1] - bias) < 4 * rows[0][2] < bias
assert abs(rows[1][1]) < 4 * rows[1][2]
assert (values < 0).double().mean() > 0.3

# %% [markdown]
# ## Which of them can a generator follow?
#
# Let 60 points be a generator without a network: each point may move on its own.
# Target: two clusters.
# We descend the gradients of W1, of MMD² with a wide and a narrow kernel, and of JS with respect to the points.
# JS needs densities, so it gets a fine histogram, softened to be differentiable.
#
# Each rule gets a step size of its own, and the steps shrink to 0, since near its target W1 jitters by a step.
# What larger steps do to the last two follows below.
# **Predict** who arrives.


# %%
bins = torch.linspace(-5, 5, 201)


def soft_histogram(points, width=0.06):
    z = (points[:, None] - bins) / width
    weight = torch.exp(-(z**2) / 2) + 1e-300
    return weight.sum(0) / weight.sum()


def js_of(a, b, width=0.06):
    p, q = (soft_histogram(points, width) for points in (a, b))
    return divergences.js(p, q)


def mmd_of(a, b, bandwidth):
    kernel = partial(divergences.gaussian_kernel, bandwidth=bandwidth)
    return divergences.mmd(a[:, None], b[:, None], kernel)


# %%
RULES = {
    "W1": (divergences.wasserstein_1d, 0.05),
    "MMD, b = 4": (partial(mmd_of, bandwidth=4.0), 0.5),
    "MMD, b = 0.3": (partial(mmd_of, bandwidth=0.3), 0.02),
    "JS": (js_of, 0.05),
}

# %%
g = torch.Generator().manual_seed(run.seed)
home = -3 + 0.15 * torch.randn(60, generator=g)
goal = 0.15 * torch.randn(60, generator=g) + torch.tensor([1.0, 3.0]).repeat(30)


def pulls(distance, points):
    """60 times the gradient: the distances are means over the points."""
    points = points.detach().requires_grad_()
    return 60 * torch.autograd.grad(distance(points, goal), points)[0]


# %%
def journey(distance, rate):
    points, path = home, [home]
    for n in range(run.steps):
        shrinking = rate * (400 / run.steps) * (1 - n / run.steps)
        points = points - shrinking * pulls(distance, points)
        path.append(points)
    return torch.stack(path)  # [steps + 1, 60]


paths = {name: journey(*rule) for name, rule in RULES.items()}
left_over = {}
for name, path in paths.items():
    left_over[name] = divergences.wasserstein_1d(path[-1], goal).item()

# %%
fig, axes = plots.figure(1, 4, height=2.9, sharey=True)
for axis, (name, path), color in zip(axes, paths.items(), plots.COLORS, strict=False):
    axis.plot(path[:, ::3], color=color, linewidth=0.8, alpha=0.8)
    axis.plot([1.04 * run.steps] * 60, goal, "_", color="black", markersize=4, mew=0.5)
    axis.set(title=name, xlabel="step")
axes[0].set_ylabel("where the points are")
plots.cover(fig)
plots.show(
    fig,
    alt="Paths of points over steps: by W1 all arrive at two clusters; by wide MMD "
    "they come near without forming the clusters; by narrow MMD they spread and "
    "stay far away; by JS of a fine histogram they do not move.",
    caption="Every third point. Black marks: the target. The steps shrink to 0.",
)

# %% [markdown]
# Is it the step sizes?
# The *common pull* says how fast the distance falls at the start if all points move to the right together, whatever the step; the *spread* is how far the points ended up from each other.
#
# W1 pulls every point with strength 1, however far it is.
# A kernel that is wide enough pulls too.
# By a narrow one there is no common pull at the start: the points push each other apart.
# With 25 times the step some are pushed far enough to be caught by the nearer cluster, and others still farther the other way.
# By JS of this fine histogram they feel nothing at all, and no step size helps.
#
# (W1 is a distance and MMD² a square, so compare their pulls with 0, not with each other.)
#
# It is the fineness, as with the kernel: blur both histograms by 1.5 instead of 0.06, and JS pulls too.
# (Its steps are ten times larger, which changes nothing for the fine one.)
# But what it compares then are blurred distributions.

# %%
rows = []
for name, (distance, _) in RULES.items():
    common = round(-pulls(distance, home).mean().item(), 4) + 0.0  # no "-0"
    spread = paths[name][-1].std().item()
    rows.append((name, common, spread, left_over[name]))
tables.show(rows, ("rule", "common pull", "spread at the end", "W1 to the target"))
w1, wide, narrow, by_js = rows
assert wide[1] > 0.01
assert narrow[1] == by_js[1] == 0  # to four decimals
assert narrow[2] > 3 * home.std()
assert w1[3] < 0.1 < wide[3] < 0.6
assert min(narrow[3], by_js[3]) > 3

# %%
blurred = partial(js_of, width=1.5)
end = journey(blurred, 0.5)[-1]
left_over["JS, blurred"] = divergences.wasserstein_1d(end, goal).item()
print(f"JS, blurred by 1.5: common pull {-pulls(blurred, home).mean():.2f},", end=" ")
print(f"W1 to the target {left_over['JS, blurred']:.2f}")
larger = divergences.wasserstein_1d(journey(RULES["MMD, b = 0.3"][0], 0.5)[-1], goal)
print(f"MMD, b = 0.3, steps 25 times as large: W1 to the target {larger:.2f}")
assert left_over["JS, blurred"] < 1 < 3 < larger
assert largest(pulls(divergences.wasserstein_1d, home) + 1) < 1e-9  # to the right
assert largest(paths["JS"] - home) + largest(journey(js_of, 0.5) - home) < 1e-6

# %% [markdown]
# ## Explore: all distances at once
#
# Two bells: slide the second one away, make it narrow, give it a second bump.
# Each bar runs to a fixed top; what is larger is cut off, the number stays.
# **Predict** which bar comes near its top first while you slide, and which one a narrow $q$ hurts most.

# %%
P = density((1, 0, 0.7))
TOP = {"KL(p, q)": 20.0, "KL(q, p)": 20.0, "JS": math.log(2), "W1": 5.0, "MMD²": 1.5}


def draw_bars(axis, found):
    names = [f"{name}  {value:.3f}" for name, value in found.items()]
    shares = [min(1.0, value / TOP[name]) for name, value in found.items()]
    axis.barh(names, shares, color=plots.COLORS[2])
    axis.set(xlim=(0, 1), xticks=[0, 1], xticklabels=["0", "top"])
    axis.invert_yaxis()
    axis.grid(False)


# %%
def slide(shift, width, second_bump):
    q = density((1 - second_bump, shift, width), (second_bump, -shift, width))
    widths = {"width_ratios": [3, 2]}
    fig, (left, right) = plots.figure(1, 2, height=2.8, gridspec_kw=widths)
    for name, values in (("p", P), ("q", q)):
        left.fill_between(x, values / dx, alpha=0.6, label=name)
    left.set(ylim=(0, 1.4), xlabel="x", ylabel="density")
    left.legend(loc="upper right")
    draw_bars(right, all_distances(P, q))
    return fig


# %%
explore(
    slide,
    alt="Two bell curves, and bars for five distances between them.",
    caption="Bars run to 20 nats for KL, log 2 for JS, 5 for W1, 1.5 for MMD².",
    shift=(-4.0, 4.0, 2.0),
    width=(0.2, 1.2, 0.7),
    second_bump=(0.0, 1.0, 0.0),
)

# %%
shifts = torch.linspace(0, 4, 81)
rows = [all_distances(P, density((1, shift.item(), 0.7))) for shift in shifts]
near_top = {m: sum(row[m] < 0.9 * TOP[m] for row in rows).item() for m in measures}
assert min(near_top, key=near_top.get) == "JS"
thin, broad = (all_distances(P, density((1, 2, width))) for width in (0.2, 1.2))
hurt = {name: (thin[name] / broad[name]).item() for name in measures}
print(*(f"{name}: {ratio:.2g}" for name, ratio in hurt.items()), sep=", ")
assert max(hurt, key=hurt.get) == "KL(p, q)" and sorted(hurt.values())[-2] < 4

# %% [markdown]
# With bells as wide as $p$, JS comes near its top first; it is the only one whose top is a bound, the others' are ours.
# Printed is each distance at shift 2 and width 0.2, divided by the same at width 1.2: a narrow $q$ hurts KL(p, q) most, since where $p$ has mass and $q$ has next to none it counts $-\log q$.
#
# ## Break it
#
# **Two moments are not everything.**
# Four clouds of points with the *same* mean and covariance.
# **Predict**: what is their Fréchet distance to the first?
# Which distance tells them apart?


# %%
def whitened(cloud):  # mean 0, covariance 1, exactly
    cloud = cloud - cloud.mean(0)
    return cloud @ torch.linalg.inv(root(cloud.T.cov()))


torch.manual_seed(run.seed)
n = run.samples // 8
clouds = {
    "Gaussian": torch.randn(n, 2),
    "another Gaussian": torch.randn(n, 2),
    "ring": data.toy.ring(n).double(),
    "moons": data.toy.moons(n).double(),
}
clouds = {name: whitened(cloud) for name, cloud in clouds.items()}

# %%
first = clouds["Gaussian"]
kernel = partial(divergences.gaussian_kernel, bandwidth=0.5)
fds = {name: fd(first, cloud) for name, cloud in clouds.items()}
mmds = {name: divergences.mmd(first, cloud, kernel) for name, cloud in clouds.items()}
fig, axes = plots.figure(1, 4, height=2.9, sharex=True, sharey=True)
for axis, (name, cloud) in zip(axes, clouds.items(), strict=True):
    axis.plot(*cloud[:600].T, ".", markersize=3)
    axis.set_title(f"{name}\nFD {fds[name]:.3f}\nMMD² {mmds[name]:.4f}")
    axis.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
plots.show(
    fig,
    alt="Four clouds of points: two Gaussians, a ring of eight clusters, two moons, "
    "each with its Fréchet distance of 0 and its MMD.",
    caption="The Fréchet distance to the first is 0 for all. "
    "MMD finds the ring and the moons.",
)

# %%
assert max(fds.values()) < 1e-3
assert min(mmds["ring"], mmds["moons"]) > 3 * mmds["another Gaussian"]  # its floor

# %% [markdown]
# The `fd` of images is computed in the features of a trained network, because these see content where pixels do not.
# That does not mend this blindness: two moments of features are still two moments.
# So `fd` should not stand alone: notebook 22 sets precision, recall and KID beside it.
#
# **A wrong comparison.**
# Model A is judged on 100 samples, model B, which is worse, on 3,000.
# **Predict** which one the table prefers.


# %%
def judged(shift, n):
    real, fake = torch.randn(2, n, d)
    fake[:, 0] += shift  # what is wrong with the model
    return fd(real, fake)


torch.manual_seed(run.seed)
model_a, model_b = judged(0.0, 100), judged(0.7, 3_000)
rows = [("A, perfect", 100, model_a), ("B, shifted by 0.7", 3_000, model_b)]
tables.show(rows, ("model", "samples", "Fréchet distance"))
assert model_a > model_b  # the perfect one loses

# %%
run.report(
    largest_difference=max(errors.values()),
    covering_deviation=covering[1],
    seeking_deviation=seeking[1],
    w1_left=left_over["W1"],
    js_left=left_over["JS"],
    mmd_ring=mmds["ring"],
    fd_ring=fds["ring"],
    n=run.samples,
)
run.expect(
    largest_difference=("<", 1e-6),
    w1_left=("<", 0.1),
    js_left=(">", 3),
    fd_ring=("<", 1e-3),
)

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/13_distances.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* The KL of two coins by hand, then `kl`.
# 2. ★ *(5 minutes)* The entropy of a Gaussian, and why it may be negative.
# 3. ★★ *(10 minutes)* $W_1$ for samples of different sizes.
# 4. ★★ *(10 minutes)* The KL of two Gaussians from log-variances.
# 5. ★★ *(5 minutes)* The Fréchet distance of two samples on a line.
# 6. ★★★ *(30 minutes, a project)* The *sliced* Wasserstein distance; move points onto the ring of eight by it.
#
# ## What to remember
#
# - KL(data, model) is maximum likelihood. Where the model cannot equal the data, it covers modes; KL(model, data) seeks one.
# - JS ends at log 2 and has no slope where the two do not overlap; $W_1$ has slope 1, however far, while one lies wholly to one side of the other.
# - On a line, $W_1$ is sorting; in general it is the gain of the best critic that is nowhere steeper than 1.
# - MMD compares mean features; its bandwidth says at which scale. The Fréchet distance compares two moments.
# - The Fréchet distance and a biased MMD have a floor when they come from samples: equal counts, and the floor beside the figure. An unbiased MMD² has mean 0 between equal distributions, but still scatters.
#
# ## Further reading
#
# - S. Kullback, R. A. Leibler, *On Information and Sufficiency*, Annals of Mathematical Statistics 22, 1951.
# - M. Arjovsky, L. Bottou, *Towards Principled Methods for Training Generative Adversarial Networks*, 2017, arXiv:1701.04862.
# - M. Arjovsky, S. Chintala, L. Bottou, *Wasserstein GAN*, 2017, arXiv:1701.07875.
# - A. Gretton et al., *A Kernel Two-Sample Test*, Journal of Machine Learning Research 13, 2012.
# - D. C. Dowson, B. V. Landau, *The Fréchet Distance between Multivariate Normal Distributions*, Journal of Multivariate Analysis 12, 1982.
# - Y. Brenier, *Polar factorization and monotone rearrangement of vector-valued functions*, Communications on Pure and Applied Mathematics 44, 1991.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017, arXiv:1706.08500.
# - L. Theis, A. van den Oord, M. Bethge, *A note on the evaluation of generative models*, 2015, arXiv:1511.01844.
