# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 13 Distances between distributions
#
# *You will slide two distributions apart and watch six ways to say how far: one explodes, one goes numb, and some keep pointing the way. Whoever trains a generator chooses one of them,
# knowingly or not.*
#
# ![Points start on the left and are pulled towards two clusters on the right: by one distance they arrive, by another they never move.](../data/pictures/13_distances.png)
#
# **You need** notebook 11, densities, expectations, derivatives. The next cell says how long it takes.

# %%
import itertools
import math

import scipy.optimize
import scipy.stats
import torch
import torch.distributions as D

from genimg_lib import data, divergences, plots, tables
from genimg_lib.training import start
from genimg_lib.widgets import explore

run = start("13_distances", samples=(2_000, 20_000, 20_000), steps=(100, 400, 400), repeats=(3, 20, 20))
tables.show_expected("13_distances")
torch.set_default_dtype(torch.float64)  # this notebook compares formulas to many digits
run

# %% [markdown]
# ## Why
#
# A generator draws from a distribution $p_g$; the data come from $p_\text{data}$. "The generator is good" means that the two are close. Close in which sense? Here is a target with two bumps, and three candidates. Decide which is closest, before you look at the table.

# %%
x = torch.linspace(-8, 8, 1601)  # a grid fine enough to treat densities as probabilities
dx = (x[1] - x[0]).item()


def density(*parts):
    """A mixture of Gaussians on the grid, as probabilities: parts are (weight, mean, standard deviation)."""
    p = sum(w * torch.exp(-((x - m) ** 2) / (2 * s**2)) / s for w, m, s in parts).clamp(min=1e-300)  # far tails would become 0, and KL infinite
    return p / p.sum()


target = density((0.5, -2, 0.5), (0.5, 2, 0.5))
candidates = {"one bump": density((1, 2, 0.5)), "wide": density((1, 0, 2.1)), "shifted": density((0.5, -1.35, 0.5), (0.5, 2.65, 0.5))}
fig, axes = plots.figure(1, 3, height=2.2, sharey=True)
for axis, (name, q), color in zip(axes, candidates.items(), plots.COLORS[1:], strict=False):
    axis.fill_between(x, target / dx, color="#cccccc", label="target")
    axis.plot(x, q / dx, color=color, label=name)
    axis.set_title(name)
axes[0].set_ylabel("density")
plots.show(fig, alt="A target density with two bumps in grey; over it in turn a single bump, a wide bell, and two bumps moved to the right.", caption="Grey: the target. Which candidate is closest?")

# %% [markdown]
# The rest of this notebook defines the five distances of the following table. They do not agree: each of the three candidates is the closest by at least one of them, for a reason that you will be able to give.


# %%
near = torch.exp(-((x[:, None] - x) ** 2) / 2)  # a Gaussian kernel


def all_distances(p, q):
    w1 = (p.cumsum(0) - q.cumsum(0)).abs().sum() * dx
    mmd = (p - q) @ near @ (p - q)
    return {"KL(p, q)": divergences.kl(p, q), "KL(q, p)": divergences.kl(q, p), "JS": divergences.js(p, q), "W1": w1, "MMD²": mmd}


table = {name: all_distances(target, q) for name, q in candidates.items()}
print(f"{'':>10}", *(f"{name:>9}" for name in table["wide"]))
for name, row in table.items():
    print(f"{name:>10}", *(f"{value.item():9.3f}" for value in row.values()))
closest = {measure: min(table, key=lambda name: table[name][measure]) for measure in table["wide"]}
assert closest == {"KL(p, q)": "wide", "KL(q, p)": "one bump", "JS": "shifted", "W1": "shifted", "MMD²": "shifted"}

# %% [markdown]
# ## The maths
#
# ### Entropy and KL
#
# Let $p_1, \dots, p_K$ be the probabilities of $K$ outcomes. If $-\log p_i$ is the surprise of outcome $i$, its mean is the **entropy**
#
# $$H(p) = -\sum_i p_i \log p_i, \qquad 0 \le H(p) \le \log K. \tag{1}$$
#
# Suppose that you believe $q$ while $p$ is true. Your mean surprise, the *cross-entropy* $-\sum_i p_i \log q_i$, is larger, or equal if $q = p$. By how much is the **Kullback-Leibler divergence**
#
# $$\mathrm{KL}(p\,\|\,q) = \sum_i p_i \log\frac{p_i}{q_i}. \tag{2}$$
#
# It is never negative, by Jensen's inequality: for a concave function such as the logarithm, $\mathbb{E} f(X) \le f(\mathbb{E} X)$, since a chord lies below the curve. So
#
# $$-\mathrm{KL}(p\,\|\,q) = \sum_{i:\,p_i>0} p_i \log\frac{q_i}{p_i} \;\le\; \log \sum_{i:\,p_i>0} p_i\,\frac{q_i}{p_i} \;\le\; \log 1 = 0. \tag{3}$$
#
# (Put the uniform $q$ into (3), and it says $H(p) \le \log K$.)


# %%
def entropy(p):
    return -torch.xlogy(p, p).sum(-1)  # (1); 0 log 0 = 0


def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)  # (2)


torch.manual_seed(run.seed)
p, q = (D.Dirichlet(torch.full((6,), 0.5)).sample((run.samples,)) for _ in range(2))  # pairs of distributions over 6 outcomes
assert (entropy(p) >= 0).all() and (entropy(p) <= math.log(6) + 1e-12).all() and abs(entropy(torch.full((6,), 1 / 6)) - math.log(6)) < 1e-12
assert (kl(p, q) >= -1e-12).all()  # (3)
errors = {
    "KL": (kl(p, q) - torch.from_numpy(scipy.stats.entropy(p, q, axis=-1))).abs().max().item(),
    "library": (kl(p, q) - divergences.kl(p, q)).abs().max().item(),
}
# NBVAL_CHECK_OUTPUT
a, b = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.9, 0.05, 0.05])
print(f"KL(a, b) = {kl(a, b):.3f} nats, KL(b, a) = {kl(b, a)}: not symmetric, and infinite where q is 0 and p is not")

# %% [markdown]
# For densities the sum becomes an integral. Between two Gaussians it has a closed form, which the VAE will need. Insert $\log p - \log q$ and use $\mathbb{E}_p (x - \mu_1)^2 = \sigma_1^2$ and $\mathbb{E}_p (x - \mu_2)^2 = \sigma_1^2 + (\mu_1 - \mu_2)^2$:
#
# $$\mathrm{KL}\big(\mathcal{N}(\mu_1, \sigma_1^2)\,\|\,\mathcal{N}(\mu_2, \sigma_2^2)\big) = \log\frac{\sigma_2}{\sigma_1} + \frac{\sigma_1^2 + (\mu_1 - \mu_2)^2}{2\sigma_2^2} - \frac12. \tag{4}$$


# %%
def kl_gaussians(m1, s1, m2, s2):
    return torch.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5


m1, m2, s1, s2 = torch.randn(100), torch.randn(100), 0.3 + torch.rand(100), 0.3 + torch.rand(100)
formula = kl_gaussians(m1, s1, m2, s2)
errors["Gaussians"] = (formula - D.kl_divergence(D.Normal(m1, s1), D.Normal(m2, s2))).abs().max().item()
one, other = D.Normal(m1[0], s1[0]), D.Normal(m2[0], s2[0])
draws = one.sample((run.samples,))
terms = one.log_prob(draws) - other.log_prob(draws)
standard_error = terms.std() / math.sqrt(len(terms))
print(f"closed form {formula[0]:.3f}, {run.samples:,} samples {terms.mean():.3f} +- {standard_error:.3f}")
assert abs(terms.mean() - formula[0]) < 4 * standard_error

# %% [markdown]
# ### Maximum likelihood is KL
#
# Training by **maximum likelihood** raises the mean log-probability of the data under the model $p_\theta$. Add and subtract the data's entropy:
#
# $$\mathbb{E}_{p_\text{data}} \log p_\theta(x) = -H(p_\text{data}) - \mathrm{KL}(p_\text{data}\,\|\,p_\theta). \tag{5}$$
#
# The entropy does not depend on $\theta$. So maximum likelihood **minimises the KL from data to model**, and a model that gives no probability to something in the data pays infinitely. Within the Gaussians the best has the data's own mean and variance:
#
# $$\mu^* = \mathbb{E}_{p_\text{data}} x, \qquad \sigma^{*2} = \mathrm{Var}_{p_\text{data}} x. \tag{6}$$
#
# (Set the derivatives of $\log\sigma + \mathbb{E}(x-\mu)^2 / 2\sigma^2$ with respect to $\mu$ and $\sigma$ to 0.)


# %%
def fit(direction, p, start=(1.0, 1.0), steps=400):
    """The Gaussian (mean, deviation) next to p in KL(p, q) or KL(q, p), by gradient descent on the grid."""
    mu, log_s = torch.tensor(start[0], requires_grad=True), torch.tensor(math.log(start[1]), requires_grad=True)
    opt = torch.optim.Adam([mu, log_s], lr=0.05)
    for _ in range(steps):
        log_q = torch.log_softmax(-((x - mu) ** 2) / (2 * torch.exp(2 * log_s)), 0)
        log_p = torch.log(p.clamp(min=1e-300))
        loss = (p * (log_p - log_q)).sum() if direction == "p, q" else (log_q.exp() * (log_q - log_p)).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return mu.item(), log_s.exp().item()


covering, seeking = fit("p, q", target), fit("q, p", target)
moments = (target @ x).item(), (target @ x**2 - (target @ x) ** 2).sqrt().item()
print(f"min KL(p, q): mean {covering[0]:.3f}, deviation {covering[1]:.3f};  the target's own: {moments[0]:.3f}, {moments[1]:.3f}")  # (6)
print(f"min KL(q, p): mean {seeking[0]:.3f}, deviation {seeking[1]:.3f};  its right bump:   2.000, 0.500")
assert math.dist(covering, moments) < 0.01 and math.dist(seeking, (2, 0.5)) < 0.02
q = density((1, 0.3, 1.7))
errors["likelihood"] = abs((target @ torch.log(q)) + entropy(target) + divergences.kl(target, q)).item()  # (5)

# %% [markdown]
# Both are "the Gaussian closest to the target", and they have nothing in common. $\mathrm{KL}(p\|q)$ punishes *missing* what $p$ has: it **covers the modes**, and puts mass where there is none. $\mathrm{KL}(q\|p)$ punishes *inventing* what $p$ has not: it **seeks a mode**, and forgets the other where they lie far enough apart. Blurry samples and forgotten modes resemble these two; in VAEs and GANs you will meet them again, with further causes.
#
# **Predict**: how far apart must the bumps be for the seeking fit to let go of one of them?

# %%
mus, sigmas = torch.meshgrid(torch.linspace(-5, 5, 101), torch.linspace(0.3, 5, 95), indexing="ij")
log_qs = torch.log_softmax(-((x[::8] - mus[..., None]) ** 2) / (2 * sigmas[..., None] ** 2), -1)  # every Gaussian on a grid
qs = log_qs.exp()
entropies = (qs * log_qs).sum(-1)


def cover_or_seek(distance, right_weight, width):
    p = density((1 - right_weight, -distance / 2, width), (right_weight, distance / 2, width))
    coarse = p[::8] / p[::8].sum()
    log_p = torch.log(coarse.clamp(min=1e-300))
    forward, backward = -(log_qs @ coarse), entropies - qs @ log_p
    fig, axis = plots.figure(height=2.8)
    axis.fill_between(x, p / dx, color="#cccccc", label="p")
    for name, costs, color in (("min KL(p, q): covers", forward, plots.COLORS[0]), ("min KL(q, p): seeks", backward, plots.COLORS[3])):
        best = costs.argmin()
        axis.plot(x, density((1, mus.flatten()[best], sigmas.flatten()[best])) / dx, color=color, label=name)
    axis.set(xlabel="x", ylabel="density", ylim=(0, 1)), axis.legend(loc="upper left")
    return fig


explore(
    cover_or_seek, alt="Two grey bumps; a wide blue bell over both; a narrow orange bell on one.",
    caption="Grey: p. Blue: the Gaussian nearest in KL(p, q). Vermilion: the nearest in KL(q, p). Move the bumps together.",
    distance=(0.0, 8.0, 4.0), right_weight=(0.05, 0.95, 0.5), width=(0.3, 1.5, 0.6),
)  # fmt: skip

# %% [markdown]
# ### Jensen-Shannon
#
# To be symmetric and finite, compare both with their average $m = (p + q)/2$:
#
# $$\mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p\,\|\,m) + \tfrac12 \mathrm{KL}(q\,\|\,m). \tag{7}$$
#
# Since $m \ge p/2$, no quotient $p/m$ exceeds 2, and so
#
# $$0 \le \mathrm{JS}(p, q) \le \log 2, \quad\text{with } \log 2 \text{ exactly where } p \text{ and } q \text{ do not overlap.} \tag{8}$$
#
# The ceiling is the trouble. Two distributions that do not overlap are at distance $\log 2$, *whether they are near or far*.


# %%
def js(p, q):
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2  # (7)


p, q = (D.Dirichlet(torch.full((6,), 0.5)).sample((run.samples,)) for _ in range(2))
errors["JS"] = (js(p, q) - divergences.js(p, q)).abs().max().item()
errors["JS, scipy"] = (js(p, q)[0] - scipy.spatial.distance.jensenshannon(p[0], q[0]) ** 2).abs().item()
assert (js(p, q) <= math.log(2) + 1e-12).all()
left, right = torch.zeros(10), torch.zeros(10)
left[0] = 1.0
for place in (1, 5, 9):
    right.zero_()[place] = 1.0
    assert abs(js(left, right) - math.log(2)) < 1e-12  # (8)

# %% [markdown]
# ### Wasserstein
#
# Think of $p$ as a heap of sand and of $q$ as a hole. A *plan* $\gamma(x, y)$ says how much to carry from $x$ to $y$. The **Wasserstein-1** distance is the cheapest plan's work:
#
# $$W_1(p, q) = \min_{\gamma}\; \mathbb{E}_{(x, y) \sim \gamma}\, |x - y| \quad\text{over all } \gamma \text{ with marginals } p \text{ and } q: \tag{9}$$
#
# what leaves $x$ adds up to $p(x)$, what arrives at $y$ to $q(y)$.
#
# On a line two loads never need to cross: if $x < x'$ go to $y > y'$, exchanging the destinations costs no more. So **sort** both samples of $n$ points, with $x_{(i)}$ the $i$-th smallest, and match them in order. Or count what crosses each place: past $t$ the amount $|F_p(t) - F_q(t)|$ of the cumulative distributions has to be carried. Added up over $t$,
#
# $$W_1 = \frac1n \sum_i |x_{(i)} - y_{(i)}| = \int |F_p(t) - F_q(t)|\, dt. \tag{10}$$

# %%
for _ in range(20):  # (10) against every one of the 720 plans that match 6 points with 6 points
    a, b = torch.randn(6), 2 * torch.randn(6) + 1
    cheapest = min((a - b[list(order)]).abs().mean() for order in itertools.permutations(range(6)))
    assert abs((a.sort().values - b.sort().values).abs().mean() - cheapest) < 1e-12
    assert abs(divergences.wasserstein_1d(a, b) - cheapest) < 1e-12
a, b = torch.randn(300), torch.rand(170)  # samples of different sizes
errors["W1"] = abs(divergences.wasserstein_1d(a, b).item() - scipy.stats.wasserstein_distance(a, b))
p, q = target, candidates["wide"]
u = (torch.arange(20_000) + 0.5) / 20_000
quantiles = [x[torch.searchsorted(t.cumsum(0), u).clamp(max=len(x) - 1)] for t in (p, q)]
by_quantiles, by_area = (quantiles[0] - quantiles[1]).abs().mean(), (p.cumsum(0) - q.cumsum(0)).abs().sum() * dx
print(f"by quantiles {by_quantiles:.4f}, by cumulative distributions {by_area:.4f}")
assert abs(by_quantiles - by_area) < 1e-3

# %% [markdown]
# There is a second way to see it, the one that Wasserstein GANs use. A function $f$ that is nowhere steeper than 1 can gain no more by moving than the way is long, so $\mathbb{E}_p f - \mathbb{E}_q f \le W_1$. The best such **critic** reaches it (Kantorovich and Rubinstein):
#
# $$W_1(p, q) = \max_{|f(x) - f(y)| \le |x - y|} \; \mathbb{E}_p f(x) - \mathbb{E}_q f(x). \tag{11}$$
#
# In one dimension, integrate by parts: $\mathbb{E}_p f - \mathbb{E}_q f = \int f'(t)\,(F_q(t) - F_p(t))\, dt$. So the best critic climbs with slope 1 where $F_q > F_p$, and falls with slope 1 where $F_q < F_p$. Check (9) and (11) with a linear program, which knows nothing of sorting.

# %%
places = torch.linspace(0, 5, 9)
p, q = D.Dirichlet(torch.ones(9)).sample((2,))
cost = (places[:, None] - places).abs().flatten()
marginals = torch.cat([torch.kron(torch.eye(9), torch.ones(1, 9)), torch.kron(torch.ones(1, 9), torch.eye(9))])
plan = scipy.optimize.linprog(cost, A_eq=marginals, b_eq=torch.cat([p, q]))  # (9)
pairs = torch.tensor(list(itertools.permutations(range(9), 2)))
slopes = torch.zeros(len(pairs), 9)
slopes[range(len(pairs)), pairs[:, 0]], slopes[range(len(pairs)), pairs[:, 1]] = 1.0, -1.0
critic = scipy.optimize.linprog(-(p - q), A_ub=slopes, b_ub=(places[pairs[:, 0]] - places[pairs[:, 1]]).abs(), bounds=(-10, 10))  # (11)
sorted_way = (p.cumsum(0) - q.cumsum(0)).abs()[:-1].sum().item() * (places[1] - places[0]).item()
print(f"cheapest plan {plan.fun:.6f}, best critic {-critic.fun:.6f}, cumulative distributions {sorted_way:.6f}")
errors["plan"], errors["critic"] = abs(plan.fun - sorted_way), abs(-critic.fun - sorted_way)


# %%
def best_critic(p, q):
    lead = q.cumsum(0) - p.cumsum(0)
    slope = torch.sign(lead) * (lead.abs() > 1e-9)
    return slope.cumsum(0) * dx


p, q = density((1, -2, 0.5)), density((0.5, 0.5, 0.4), (0.5, 3, 0.4))
f = best_critic(p, q)
gain, work = ((p - q) @ f).item(), ((p.cumsum(0) - q.cumsum(0)).abs().sum() * dx).item()
assert abs(gain - work) < 0.01
fig, axis = plots.figure(height=2.8)
axis.fill_between(x, p / dx, color=plots.COLORS[0], alpha=0.6, label="p"), axis.fill_between(x, q / dx, color=plots.COLORS[1], alpha=0.6, label="q")
axis.plot(x, (f - f.mean()) / 4, color="black", label="best critic f, divided by 4")
axis.set(xlabel="x", title=f"mean of f under p - mean under q = {gain:.2f} = W1"), axis.legend(loc="upper right")
plots.show(fig, alt="A blue bump on the left, two orange bumps on the right, and a black line that falls with constant slope from the one to the others.", caption="The critic is a ramp: uphill is where q should move to become p. Its slope is 1 all the way across the empty gap, and 0 only where nothing has to be carried.")

# %% [markdown]
# ### Parallel lines
#
# Why the fuss? Let $p$ be uniform on the vertical line $\{(0, u)\}$ in the plane and $q_\theta$ uniform on $\{(\theta, u)\}$, $0 \le u \le 1$ (Arjovsky et al. 2017). The model needs to learn one number, $\theta = 0$. For $\theta \ne 0$ the lines do not touch, and
#
# $$\mathrm{KL}(p\,\|\,q_\theta) = \infty, \qquad \mathrm{JS}(p, q_\theta) = \log 2, \qquad W_1(p, q_\theta) = |\theta|. \tag{12}$$
#
# (The paper leaves out the factor 1/2 of (7) in its definition of JS.) Only the last has a slope that leads home. Images are like these lines: they fill a vanishing part of their space (notebook 11), and two such sets hardly ever overlap.

# %%
thetas, rows, width = torch.linspace(-3, 3, 61), [], 0.05
for theta in thetas:
    p, q = (x.abs() < width).double(), ((x - theta).abs() < width).double()  # the lines, seen from above, width 0.1
    rows.append(all_distances(p / p.sum(), q / q.sum()))
curves = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
far = thetas.abs() > 2.5 * width
assert (curves["JS"][far] - math.log(2)).abs().max() < 1e-9 and curves["KL(p, q)"][far].isinf().all()
assert (curves["W1"] - thetas.abs()).abs().max() < 0.02  # (12), up to the grid
fig, axes = plots.figure(1, 4, height=2.4)
for axis, name, color in zip(axes, ("KL(p, q)", "JS", "W1", "MMD²"), plots.COLORS, strict=False):
    axis.plot(thetas, curves[name].where(curves[name].isfinite(), torch.nan), color=color)
    axis.set(title=name, xlabel="θ", xlim=(-3, 3), ylim=(-0.1, {"W1": 3.2, "MMD²": 2.1}.get(name, 1.0)))
axes[0].text(0, 0.5, "infinite\neverywhere\nelse", ha="center", fontsize=10)
axes[0].plot([0], [0], "o", color=plots.COLORS[0])
plots.show(fig, alt="Four panels over the shift: KL a single point at 0, JS a plateau with a slit, W1 a V, MMD a rounded dip that flattens out.", caption="KL is finite at 0 alone, JS is flat everywhere else: no gradient. W1 has slope 1 at any distance. MMD has a slope as far as its kernel reaches.")

# %% [markdown]
# ### MMD
#
# Compare means of **features** instead. A *kernel* here is a similarity of two points (not the kernel of notebook 12), a product of features: for $k(x, y) = \langle\varphi(x), \varphi(y)\rangle$, the squared *maximum mean discrepancy* is (Gretton et al. 2012)
#
# $$\mathrm{MMD}^2 = \big\|\mathbb{E}_p\,\varphi(x) - \mathbb{E}_q\,\varphi(y)\big\|^2 = \mathbb{E}\,k(x, x') - 2\,\mathbb{E}\,k(x, y) + \mathbb{E}\,k(y, y'), \tag{13}$$
#
# with $x, x'$ from $p$, $y, y'$ from $q$, all independent. The features never need to be written down. With $k(x, y) = (x \cdot y)^2$ they could be, all products $x_i x_j$, so this kernel compares second moments:
#
# $$\mathrm{MMD}^2 = \big\|\mathbb{E}\,x x^\top - \mathbb{E}\,y y^\top\big\|_F^2. \tag{14}$$
#
# (Remember it: notebook 16 finds it inside style transfer.) The Gaussian kernel $e^{-|x-y|^2/2b^2}$ contains every power, since $e^{x \cdot y/b^2} = \sum_n (x \cdot y)^n / (b^{2n}\, n!)$: it compares *all* moments, at the scale of its **bandwidth** $b$.

# %%
a, b = torch.randn(200, 3), torch.randn(150, 3) @ torch.randn(3, 3) + 0.5
by_pairs = divergences.polynomial_kernel(a, a).mean() - 2 * divergences.polynomial_kernel(a, b).mean() + divergences.polynomial_kernel(b, b).mean()  # (13)
by_moments = (a.T @ a / len(a) - b.T @ b / len(b)).square().sum()  # (14)
errors["MMD"] = abs(by_pairs - by_moments).item() / by_moments.item()
errors["MMD, library"] = abs(divergences.mmd(a, b, divergences.polynomial_kernel) - by_pairs).item()
print(f"by pairs {by_pairs:.6f}, by second moments {by_moments:.6f}")


# %%
def witness(shift, spread, bandwidth):
    """What MMD sees: where p has more than q, at the kernel's scale."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(150, 1, generator=generator), spread * torch.randn(150, 1, generator=generator) + shift
    kernel = lambda s, t: divergences.gaussian_kernel(s, t, bandwidth)
    grid = torch.linspace(-6, 6, 241)[:, None]
    f = kernel(grid, a).mean(1) - kernel(grid, b).mean(1)
    fig, axis = plots.figure(height=2.8)
    axis.plot(grid[:, 0], f, color="black"), axis.axhline(0, color="#999999", linewidth=1)
    for sample, color, level in ((a, plots.COLORS[0], -1.15), (b, plots.COLORS[1], -1.3)):
        axis.plot(sample[:, 0], torch.full((150,), level), "|", color=color, markersize=10, alpha=0.6)
    axis.set(ylim=(-1.45, 1.1), xlabel="x", title=f"MMD² = {divergences.mmd(a, b, kernel):.3f}")
    return fig


explore(
    witness, alt="A black curve, positive where blue ticks are dense and negative where orange ticks are dense.",
    caption="Ticks: samples of p (blue) and q (orange). Black: mean kernel to p minus mean kernel to q. Predict: what happens with a very narrow and with a very wide kernel? Which bandwidth notices a different spread best?",
    shift=(-4.0, 4.0, 2.0), spread=(0.2, 3.0, 1.0), bandwidth=(0.05, 5.0, 1.0),
)  # fmt: skip

# %% [markdown]
# ### Fréchet
#
# Between Gaussians the squared **Wasserstein-2** distance, $\min \mathbb{E}|x-y|^2$, has a closed form (Dowson and Landau 1982); squared as it stands, it is what the field calls the **Fréchet distance**. With $z_u$ the $u$-quantile of $\mathcal{N}(0, 1)$, in one dimension, where sorting maps the $u$-th quantile $\mu_1 + \sigma_1 z_u$ to $\mu_2 + \sigma_2 z_u$, it is
#
# $$W_2^2 = (\mu_1 - \mu_2)^2 + (\sigma_1 - \sigma_2)^2, \tag{15}$$
#
# and with covariance matrices $\Sigma_1, \Sigma_2$
#
# $$W_2^2 = |\mu_1 - \mu_2|^2 + \mathrm{tr}\big(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1^{1/2}\,\Sigma_2\,\Sigma_1^{1/2})^{1/2}\big). \tag{16}$$
#
# ($\Sigma^{1/2}$ is the symmetric matrix without negative eigenvalues whose square is $\Sigma$.) Where $\Sigma_1$ is invertible, the cheapest plan moves $x$ to $\mu_2 + T(x - \mu_1)$ with the symmetric, positive matrix $T = \Sigma_1^{-1/2} (\Sigma_1^{1/2}\Sigma_2\Sigma_1^{1/2})^{1/2}\, \Sigma_1^{-1/2}$.


# %%
def root(S):
    values, vectors = torch.linalg.eigh(S)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


mu1, mu2, S1, S2 = torch.randn(4), torch.randn(4), *(m @ m.T + 0.1 * torch.eye(4) for m in torch.randn(2, 4, 4))
formula = (mu1 - mu2).square().sum() + torch.trace(S1 + S2 - 2 * root(root(S1) @ S2 @ root(S1)))  # (16)
T = torch.linalg.inv(root(S1)) @ root(root(S1) @ S2 @ root(S1)) @ torch.linalg.inv(root(S1))
assert torch.allclose(T @ S1 @ T.T, S2)  # the plan ends at the right place
assert torch.allclose(T, T.T) and torch.linalg.eigvalsh(T).min() > 0  # the slope of a convex function, so no plan is cheaper (Brenier 1991)
work = (mu1 - mu2).square().sum() + torch.trace((torch.eye(4) - T) @ S1 @ (torch.eye(4) - T).T)  # E |x - y|^2 of the plan
errors["Fréchet"] = abs(formula - work).item()
errors["Fréchet, library"] = abs(formula - divergences.frechet_distance(mu1, S1, mu2, S2)).item()
flat = divergences.frechet_distance([1.0], [[4.0]], [3.0], [[0.25]])
assert abs(flat - ((1 - 3) ** 2 + (2 - 0.5) ** 2)) < 1e-9  # (15)
z = torch.randn(run.samples)
print(f"(15) {flat}, by sorting samples {((1 + 2 * z).sort().values - (3 + 0.5 * torch.randn(run.samples)).sort().values).square().mean():.3f}")
assert max(errors.values()) < 1e-6, errors

# %% [markdown]
# The course's figure of merit, `fd`, is (16) between features of real and of generated images, each set described by its mean and covariance. It is defined for *any* two sets, but sees only these two moments. And it comes from **samples**: even two halves of the same set are not at 0.
# How far apart they are depends on how many there are.

# %%
d, counts, found = 20, (30, 100, 300, 1_000, 3_000), []
for n in counts:
    values = []
    for _ in range(run.repeats):
        one, other = torch.randn(2, n, d)  # twice the same distribution
        values.append(divergences.frechet_distance(one.mean(0), one.T.cov(), other.mean(0), other.T.cov()))
    found.append(sum(values) / len(values))
fig, axis = plots.figure(width=6.0, height=2.8)
axis.loglog(counts, found, "o-", color=plots.COLORS[0])
axis.set(xlabel="samples in each set", ylabel="Fréchet distance", title="two sets from the same distribution: the truth is 0")
plots.show(fig, alt="A falling line: the Fréchet distance of two sets of the same distribution shrinks in inverse proportion to the number of samples.", caption="The floor. Compare Fréchet distances only at equal sample counts, and give the floor beside them.")
assert found[0] > 50 * found[-1]

# %% [markdown]
# ## Which of them can a generator follow?
#
# Let 60 points be a generator without a network: each point may move on its own. Target: two clusters. We descend the gradient of each distance with respect to the points. JS needs densities, so it gets a fine histogram, softened to be differentiable. **Predict** who arrives.


# %%
bins = torch.linspace(-5, 5, 201)


def soft_histogram(points, width=0.06):
    weight = torch.exp(-((points[:, None] - bins) ** 2) / (2 * width**2)) + 1e-300
    return weight.sum(0) / weight.sum()


def journey(distance, steps, rate):
    generator = torch.Generator().manual_seed(run.seed)
    points = (-3 + 0.15 * torch.randn(60, generator=generator)).requires_grad_()
    goal = torch.cat([1 + 0.15 * torch.randn(30, generator=generator), 3 + 0.15 * torch.randn(30, generator=generator)])
    path = [points.detach().clone()]
    for n in range(steps):
        (gradient,) = torch.autograd.grad(distance(points, goal), points)
        with torch.no_grad():
            points -= rate * (1 - n / steps) * 60 * gradient  # 60: the distances are means over the points
        path.append(points.detach().clone())
    return torch.stack(path), goal


# %%
RULES = {
    "W1": (lambda a, b: divergences.wasserstein_1d(a, b), 0.05),
    "MMD, bandwidth 4": (lambda a, b: divergences.mmd(a[:, None], b[:, None], lambda s, t: divergences.gaussian_kernel(s, t, 4.0)), 0.5),
    "MMD, bandwidth 0.3": (lambda a, b: divergences.mmd(a[:, None], b[:, None], lambda s, t: divergences.gaussian_kernel(s, t, 0.3)), 0.02),
    "JS": (lambda a, b: divergences.js(soft_histogram(a), soft_histogram(b)), 0.05),
}

# %%
steps = run.steps
fig, axes = plots.figure(1, 4, height=2.9, sharey=True)
arrived = {}
for axis, (name, (rule, rate)), color in zip(axes, RULES.items(), plots.COLORS, strict=False):
    path, goal = journey(rule, steps, rate * 400 / steps)
    axis.plot(torch.arange(steps + 1), path[:, ::3], color=color, linewidth=0.8, alpha=0.8)
    axis.plot(torch.full((60,), 1.04 * steps), goal, "_", color="black", markersize=7)
    axis.set(title=name, xlabel="step")
    arrived[name] = divergences.wasserstein_1d(path[-1], goal).item()
axes[0].set_ylabel("where the points are")
plots.cover(fig)
plots.show(fig, alt="Paths of points over steps: by W1 all arrive at two clusters; by wide MMD they arrive, not quite sorted out; by narrow MMD and by JS they stay far away.", caption="Black marks: the target. W1 pulls every point equally hard, however far it is (the steps shrink with time). A kernel that is wide enough pulls too; by a narrow one the points only push each other apart; by JS they do not move.")
print({name: round(value, 3) for name, value in arrived.items()})
assert arrived["W1"] < 0.1 and arrived["MMD, bandwidth 4"] < 0.6 and arrived["JS"] > 3 and arrived["MMD, bandwidth 0.3"] > 3

# %% [markdown]
# ## Explore: all distances at once
#
# Two bells: slide the second one away, make it narrow, give it a second bump. Each bar runs to a fixed top; what is larger is cut off, the number stays. **Predict** which bar saturates first, and which reacts to a narrow $q$ more than to a wide one.

# %%
P = density((1, 0, 0.7))
TOP = {"KL(p, q)": 20.0, "KL(q, p)": 20.0, "JS": math.log(2), "W1": 5.0, "MMD²": 1.5}


def slide(shift, width, second_bump):
    q = density((1 - second_bump, shift, width), (second_bump, -shift, width))
    found = all_distances(P, q)
    fig, (left, right) = plots.figure(1, 2, height=2.8, gridspec_kw={"width_ratios": [3, 2]})
    for values, color, name in ((P, plots.COLORS[0], "p"), (q, plots.COLORS[1], "q")):
        left.fill_between(x[::8], values[::8] / dx, color=color, alpha=0.6, label=name)
    left.legend(loc="upper right"), left.set(xlim=(-8, 8), ylim=(0, 1.4), xlabel="x", ylabel="density", xticks=[-5, 0, 5], yticks=[0, 1])
    right.barh(list(found), [min(1.0, (v / TOP[k]).item()) for k, v in found.items()], color=plots.COLORS[2])
    for row, value in enumerate(found.values()):
        right.text(0.02, row, f"{value:.3f}", va="center")
    right.set(xlim=(0, 1), xticks=[]), right.invert_yaxis(), right.grid(False)
    return fig


explore(
    slide, alt="Two bell curves, and bars for five distances between them.",
    caption="Bars run to 20 nats for KL, log 2 for JS, 5 for W1 and 1.5 for MMD² (bandwidth 1).",
    shift=(-5.0, 5.0, 2.0), width=(0.2, 2.0, 0.7), second_bump=(0.0, 1.0, 0.0),
)  # fmt: skip

# %% [markdown]
# ## Break it
#
# **Two moments are not everything.** Four clouds of points with the *same* mean and covariance. **Predict**: what is their Fréchet distance to the first? Which distance tells them apart?

# %%
n = run.samples // 8
torch.manual_seed(run.seed)
clouds = {"Gaussian": torch.randn(n, 2), "another Gaussian": torch.randn(n, 2), "ring": data.toy.ring(n).double(), "moons": data.toy.moons(n).double()}


def whitened(c):  # mean 0, covariance 1, exactly
    c = c - c.mean(0)
    return c @ torch.linalg.inv(root(c.T.cov()))


clouds = {name: whitened(c) for name, c in clouds.items()}
first, blind = clouds["Gaussian"], {}
fig, axes = plots.figure(1, 4, height=2.9, sharex=True, sharey=True)
for axis, (name, c) in zip(axes, clouds.items(), strict=True):
    fd = divergences.frechet_distance(first.mean(0), first.T.cov(), c.mean(0), c.T.cov())
    mmd = divergences.mmd(first, c, lambda s, t: divergences.gaussian_kernel(s, t, 0.5)).item()
    blind[name] = (fd, mmd)
    axis.plot(*c[:600].T, ".", markersize=3, color=plots.COLORS[0]), axis.set(title=f"{name}\nFD {fd:.3f}\nMMD² {mmd:.4f}", aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
plots.show(fig, alt="Four clouds of points: two Gaussians, a ring of eight clusters, two moons, each with its Fréchet distance of 0 and its MMD.", caption="The Fréchet distance to the first cloud is 0 for all of them. MMD with a Gaussian kernel finds the ring and the moons.")
assert max(fd for fd, _ in blind.values()) < 1e-3 and min(blind["ring"][1], blind["moons"][1]) > 3 * blind["another Gaussian"][1]

# %% [markdown]
# That is why `fd` is computed in the features of a trained network, where images of a class lie in simpler clouds, and why it never stands alone: precision, recall and KID (an MMD) stand beside it.
#
# **A wrong comparison.** Model A is judged on 100 samples, model B, which is worse, on 3,000. **Predict** which one the table prefers.

# %%
def judged(shift, n):
    real, fake = torch.randn(n, d), torch.randn(n, d)
    fake[:, 0] += shift  # what is wrong with the model
    return divergences.frechet_distance(real.mean(0), real.T.cov(), fake.mean(0), fake.T.cov())


torch.manual_seed(run.seed)
model_a, model_b = judged(0.0, 100), judged(0.7, 3_000)
print(f"A, perfect, 100 samples: {model_a:.2f}.   B, shifted by 0.7, 3,000 samples: {model_b:.2f}")
assert model_a > model_b  # the perfect one loses

# %%
run.report(
    largest_difference=max(errors.values()), w1_left=arrived["W1"], js_left=arrived["JS"], covering_mean=covering[0], seeking_mean=seeking[0],
    mmd_ring=blind["ring"][1], fd_ring=blind["ring"][0], n=run.samples,
)  # fmt: skip
run.expect(largest_difference=("<", 1e-6), w1_left=("<", 0.1), js_left=(">", 3), fd_ring=("<", 1e-3))

# %% [markdown]
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/13_distances.ipynb) has them with checks that explain what went wrong.
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
# - KL(data, model) is maximum likelihood: it covers modes. KL(model, data) seeks one.
# - JS ends at log 2 and has no slope where supports do not touch; $W_1$ has slope 1 at any distance.
# - On a line, $W_1$ is sorting; in general it is the best critic of slope 1.
# - MMD compares mean features; its bandwidth says at which scale. The Fréchet distance compares two moments.
# - Distances from samples have a floor. Equal counts, floor beside the figure, always.
#
# ## Further reading
#
# - S. Kullback, R. A. Leibler, *On Information and Sufficiency*, Annals of Mathematical Statistics 22, 1951.
# - M. Arjovsky, S. Chintala, L. Bottou, *Wasserstein GAN*, 2017, arXiv:1701.07875.
# - A. Gretton et al., *A Kernel Two-Sample Test*, Journal of Machine Learning Research 13, 2012.
# - D. C. Dowson, B. V. Landau, *The Fréchet Distance between Multivariate Normal Distributions*, Journal of Multivariate Analysis 12, 1982.
# - L. Theis, A. van den Oord, M. Bethge, *A note on the evaluation of generative models*, 2015, arXiv:1511.01844.
