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
# # 14 The GAN minimax
#
# *You will solve the game between a forger and a detective on paper, watch a network find the same solution, see why the loss that everyone writes down is not the one that anyone trains with,
# and replay a GAN step by step while it wins or collapses.*
#
# ![Eight clusters on a ring: one GAN's samples cover all of them, another's sit on a few.](../data/pictures/14_gan_minimax.png)
#
# **You need** notebook 13 (JS and KL), derivatives, and a little linear algebra. The next cell says how long it takes.

# %%
import itertools
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, divergences, gan, plots, tables, vae
from genimg_lib.training import start
from genimg_lib.widgets import explore

run = start("14_gan_minimax", d_steps=(1_000, 2_500, 2_500), ring_steps=(500, 1_500, 1_500), seeds=(1, 3, 3))
tables.show_expected("14_gan_minimax")
run

# %% [markdown]
# ## Why
#
# Notebook 13 measured how far $p_g$ is from $p_\text{data}$, with densities in hand. For images we have neither density, only samples. The idea of Goodfellow et al. (2014): let a second network measure. If even a good **discriminator** cannot tell a sample of $p_g$ from one of $p_\text{data}$, the two are the same. So a
# generator $G$ makes samples $G(z)$ from noise $z$, a discriminator $D$ says how probable it finds that a sample is real, and each gets better because the other does.

# %%
ring = data.toy.ring(20_000, seed=run.seed, std=0.1)
early = 0.7 * torch.randn(2_000, 2, generator=torch.Generator().manual_seed(run.seed))
fig, axes = plots.figure(1, 2, width=6.0, height=3.0, sharex=True, sharey=True)
for axis, points, title, color in ((axes[0], ring[:2_000], "real: eight clusters", plots.COLORS[0]), (axes[1], early, "a generator, untrained", plots.COLORS[1])):
    axis.plot(*points.T, ".", markersize=2, color=color), axis.set(title=title, aspect="equal")
plots.show(fig, alt="Left eight small clusters on a ring, right a round cloud.", caption="Where you see blue points and no orange ones, a detective says: real. That is all that the forger needs to know to do better.")

# %% [markdown]
# ## The maths
#
# ### The game, and its order
#
# $D(x) \in (0, 1)$ is the probability that $x$ is real. The detective wants the value
#
# $$V(D, G) = \mathbb{E}_{p_\text{data}} \log D(x) + \mathbb{E}_{z} \log\big(1 - D(G(z))\big), \qquad \min_G \max_D V(D, G), \tag{1}$$
#
# to be large, the forger wants it small. **The order matters**: the forger is judged by the *best* detective against him. Turned around, $\max_D \min_G$, the forger sees a fixed detective first, and the best answer is to put everything on the one point that looks most real. That is mode collapse, written in the order of two words.
#
# Take a world of two images, equally likely. A forger who always makes the same image, $g \in \{0, 1\}$, meets a detective $(d_0, d_1)$:

# %%
d = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
d0, d1 = torch.meshgrid(d, d, indexing="ij")
real = 0.5 * d0.log() + 0.5 * d1.log()
V = torch.stack([real + (1 - d0).log(), real + (1 - d1).log()])  # [forger's choice g, d0, d1]
min_max, max_min = V.flatten(1).max(dim=1).values.min().item(), V.min(dim=0).values.max().item()
# NBVAL_CHECK_OUTPUT
print(f"min over G of max over D: {min_max:.3f};   max over D of min over G: {max_min:.3f} = -log 4 = {-math.log(4):.3f}")
js = divergences.js(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0])).item()
assert abs(min_max - (2 * js - math.log(4))) < 1e-3 and abs(max_min + math.log(4)) < 1e-3

# %% [markdown]
# In the right order this forger is caught: $-0.955$ is above $-\log 4$, the value of a perfect one. In the wrong order the detective can do no better than $d_0 = d_1 = 1/2$, and the forger who knows one image counts as perfect.
#
# (If he makes image 0, the best answers are $d_0 = 1/3$, $d_1 = 1$, worth $\frac12\log\frac13 + \log\frac23 = -0.955$. A forger who may *mix* images gets $-\log 4$ in both orders, as $V$ is linear in his mixture. The order matters because a network is restricted, and because the best answer to a *fixed* detective is one point.)
#
# ### The best detective
#
# Fix $G$, and with it the density $p_g$ of its samples: the mean of any $h(G(z))$ over $z$ is the mean of $h(x)$ over $p_g$. Then $V = \int p_\text{data}(x) \log D(x) + p_g(x) \log(1 - D(x))\, dx$, and each $x$ can be treated by itself: maximise $\alpha \log y + \beta \log(1 - y)$. The derivative $\alpha / y - \beta/(1 - y)$ is 0 at $y = \alpha/(\alpha + \beta)$, and the second derivative is negative, so
#
# $$D^*(x) = \frac{p_\text{data}(x)}{p_\text{data}(x) + p_g(x)}. \tag{2}$$
#
# Write $D = \sigma(a)$ with the **logit** $a$ and $\sigma(a) = 1/(1 + e^{-a})$. The best logit is the log-ratio of the densities,
#
# $$a^*(x) = \log\frac{p_\text{data}(x)}{p_g(x)}. \tag{3}$$
#
# A classifier is all it takes to *measure* a ratio of densities that nobody knows.

# %%
x = torch.linspace(-9, 9, 901, dtype=torch.float64)
dx = (x[1] - x[0]).item()
normal = lambda m, s: torch.exp(-((x - m) ** 2) / (2 * s**2)) / (s * math.sqrt(2 * math.pi))
p_data, p_g = 0.6 * normal(-1.5, 0.6) + 0.4 * normal(1.5, 0.6), normal(0.5, 1.2)
D_star = p_data / (p_data + p_g)
by_search = torch.stack([(p * d.log() + q * (1 - d).log()).argmax() for p, q in zip(p_data, p_g, strict=True)])
assert (d[by_search] - D_star.clamp(0.001, 0.999)).abs().max() < 1.1e-3  # (2), by trying every value of D at every x
assert torch.allclose(torch.sigmoid(p_data.log() - p_g.log()), D_star)  # (3)

# %% [markdown]
# Now **by training**: a small network sees samples of both, never a density. The losses are those of $D$, from logits; their stable form is explained in a minute. Judged is an average of the network's last weights, which is steadier than the last ones.


# %%
def draw(n):  # samples of p_data and of p_g, [n, 1] each
    side = torch.rand(n, 1) < 0.6
    return torch.where(side, -1.5, 1.5) + 0.6 * torch.randn(n, 1), 0.5 + 1.2 * torch.randn(n, 1)


torch.manual_seed(run.seed)
D = vae.mlp(1, 64, 64, 1)
opt = torch.optim.Adam(D.parameters(), lr=5e-3)
average = torch.optim.swa_utils.AveragedModel(D, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99))
for step in range(run.d_steps):
    opt.param_groups[0]["lr"] = 5e-3 * (1 - step / run.d_steps)
    real, fake = draw(2_048)
    loss_D = F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()
    opt.zero_grad()
    loss_D.backward()
    opt.step()
    average.update_parameters(D)

# %%
with torch.no_grad():
    D_found = torch.sigmoid(average(x.float()[:, None])[:, 0].double())
mass = (p_data + p_g) / 2 > 0.01
worst = (D_found - D_star)[mass].abs().max().item()
fig, axis = plots.figure(height=2.8)
axis.fill_between(x, p_data, color=plots.COLORS[0], alpha=0.35, label="p_data"), axis.fill_between(x, p_g, color=plots.COLORS[1], alpha=0.35, label="p_g")
axis.plot(x, D_star, color="black", label="D*, by (2)")
axis.plot(x[mass], D_found[mass], "--", color=plots.COLORS[3], label="D, by training")
axis.set(xlabel="x", title=f"largest difference where there is mass: {worst:.3f}"), axis.legend(ncols=2, loc="upper right"), axis.set(xlim=(-6, 6), ylim=(0, 1.45))
plots.show(fig, alt="Two overlapping densities, the optimal discriminator as a black curve, and the trained one as a dashed line on top of it.", caption="The network never saw a density, and found the ratio of two. Where neither distribution has mass it may say anything.")

# %% [markdown]
# ### What the forger minimises
#
# Insert $D^*$ into $V$. With $m = (p_\text{data} + p_g)/2$, $D^* = p_\text{data}/2m$ and $1 - D^* = p_g/2m$; the two factors $1/2$ give $-\log 4$, and the rest is the definition of the Jensen-Shannon divergence:
#
# $$V(D^*, G) = \mathbb{E}_{p_\text{data}}\log\frac{p_\text{data}}{2m} + \mathbb{E}_{p_g}\log\frac{p_g}{2m} = 2\,\mathrm{JS}(p_\text{data}, p_g) - \log 4. \tag{4}$$
#
# JS is 0 only for equal distributions. So against the best detective the forger has one optimum, $p_g = p_\text{data}$, with value $-\log 4 \approx -1.386$ and $D^* = 1/2$ everywhere. In terms of the detective's *loss* $-V$: it ends at $\log 4 = 2 \log 2$. And you know the catch from notebook 13: JS has no slope where the two do not overlap.

# %%
V_star = ((p_data * D_star.log() + p_g * (1 - D_star).log()).sum() * dx).item()
by_js = 2 * divergences.js(p_data * dx / (p_data * dx).sum(), p_g * dx / (p_g * dx).sum()).item() - math.log(4)
with torch.no_grad():
    real, fake = draw(200_000)
    by_network = -(F.softplus(-average(real)).mean() + F.softplus(average(fake)).mean()).item()
print(f"V(D*, G) = {V_star:.4f}, 2 JS - log 4 = {by_js:.4f}, V of the trained network = {by_network:.4f}")
assert abs(V_star - by_js) < 1e-4 and abs(by_network - V_star) < (0.02 if run.profile == "quick" else 0.005)

# %% [markdown]
# ## Two losses for the forger
#
# The forger minimises $\mathbb{E}\log(1 - D(G(z)))$. Early on the detective is sure: $D(G(z)) \approx 0$. Look at the slope with respect to the logit $a$ of a fake sample, which everything that $G$ learns has to pass through:
#
# $$\frac{d}{da} \log\big(1 - \sigma(a)\big) = -\sigma(a) = -D. \tag{5}$$
#
# It vanishes exactly when the forger is worst: the loss **saturates**. The usual remedy, already in the first paper, keeps the detective and gives the forger another loss, to *maximise* $\log D(G(z))$:
#
# $$\frac{d}{da}\big(-\log \sigma(a)\big) = -(1 - \sigma(a)) = -(1 - D). \tag{6}$$
#
# Both slopes are negative: both push the logit up. Their ratio is
#
# $$\frac{1 - D}{D} = e^{-a}, \tag{7}$$
#
# at $a = -10$ a factor of 22,000. With it, the game is no longer zero-sum.

# %%
a = torch.linspace(-10, 10, 401, dtype=torch.float64, requires_grad=True)
saturating, nonsaturating = torch.log(1 - torch.sigmoid(a)), -torch.log(torch.sigmoid(a))
slope_s, slope_n = (torch.autograd.grad(loss.sum(), a)[0] for loss in (saturating, nonsaturating))
Dx, a_ = torch.sigmoid(a).detach(), a.detach()
assert torch.allclose(slope_s, -Dx) and torch.allclose(slope_n, -(1 - Dx)) and torch.allclose(slope_n / slope_s, torch.exp(-a_))  # (5), (6), (7)
fig, axes = plots.figure(1, 2, height=2.8)
for loss, slope, name, color in ((saturating, slope_s, "log(1 - D), minimax", plots.COLORS[3]), (nonsaturating, slope_n, "-log D, non-saturating", plots.COLORS[0])):
    axes[0].plot(a_, loss.detach(), color=color, label=name), axes[1].plot(a_, slope, color=color)
axes[0].set(title="loss of the forger", xlabel="logit a of a fake sample"), axes[1].set(title="its slope", xlabel="logit a of a fake sample")
axes[0].legend(), axes[1].annotate("detective sure: fake", (-9.5, -0.5), fontsize=9), axes[1].annotate("detective fooled", (2.5, -0.5), fontsize=9)
plots.show(fig, alt="Left two falling loss curves, right their slopes: the minimax slope is zero on the left, the non-saturating slope is minus one there.", caption="Once the detective has learned a little, fakes lie on the left of these panels. The vermilion slope is 0 there: nothing is learned. The blue one is at its largest.")

# %% [markdown]
# What does the second loss minimise? For the best detective, at the current $\theta$ of the generator, its gradient is that of another combination (Arjovsky and Bottou 2017):
#
# $$\nabla_\theta\, \mathbb{E}_{z}\big[-\log D^*(G_\theta(z))\big] = \nabla_\theta\big[\mathrm{KL}(p_g\,\|\,p_\text{data}) - 2\,\mathrm{JS}(p_\text{data}, p_g)\big], \tag{8}$$
#
# where $D^*$ is held fixed on the left. For $\int \nabla p_g = 0$, so that $\nabla\mathrm{KL} = \int \nabla p_g \log\frac{p_g}{p_\text{data}}$, and by (4) $2\nabla\mathrm{JS} = \int \nabla p_g \log(1 - D^*)$; their difference is $\int \nabla p_g\, (-\log D^*)$. Mind the minus: this loss pays for a *larger* JS. The first term is the *mode-seeking* KL of notebook 13: samples that look real, variety optional.


# %%
def gradient_8(theta, h=1e-4):
    """Both sides of (8) for p_g = N(theta, 1.2^2), by integration on the grid and differences in theta."""
    g = lambda t: normal(t, 1.2)
    fixed = -torch.log(p_data / (p_data + g(theta)))  # -log D*, which does not move with theta
    left = ((g(theta + h) - g(theta - h)) * fixed).sum() * dx / (2 * h)
    right = []
    for t in (theta + h, theta - h):
        q, m = g(t), (p_data + g(t)) / 2
        js = (p_data * (p_data / m).log() + q * (q / m).log()).sum() * dx / 2
        right.append((q * (q / p_data).log()).sum() * dx - 2 * js)
    return left.item(), ((right[0] - right[1]) / (2 * h)).item()


pairs = [gradient_8(theta) for theta in (-2.0, -0.5, 0.5, 2.0)]
print("\n".join(f"left {left:8.5f}   right {right:8.5f}" for left, right in pairs))
assert max(abs(left - right) for left, right in pairs) < 1e-4

# %% [markdown]
# ### Logits, not probabilities
#
# `torch.log(torch.sigmoid(a))` is what the formula says, and it breaks. In float32 $\sigma(-104)$ is exactly 0 and $\sigma(17)$ exactly 1, and the logarithm of what is left is minus infinity. With softplus, $\mathrm{softplus}(a) = \log(1 + e^a)$,
#
# $$\log D = -\mathrm{softplus}(-a), \qquad \log(1 - D) = -\mathrm{softplus}(a), \tag{9}$$
#
# nothing overflows at any $a$.

# %%
# NBVAL_CHECK_OUTPUT
print("     a    log(sigmoid(a))   -softplus(-a)   log(1 - sigmoid(a))   -softplus(a)")
for value in (-200.0, -20.0, 0.0, 20.0, 200.0):
    a = torch.tensor(value)
    print(f"{value:6.0f}   {torch.log(torch.sigmoid(a)):15.4f}   {-F.softplus(-a):13.4f}   {torch.log(1 - torch.sigmoid(a)):19.4f}   {-F.softplus(a):12.4f}")
a = torch.tensor(-200.0, requires_grad=True)
print("slope of -log(sigmoid(a)) at -200:", torch.autograd.grad(-torch.log(torch.sigmoid(a)), a)[0].item(), "  of softplus(-a):", torch.autograd.grad(F.softplus(-a), a)[0].item())


# %%
def d_loss(real_logits, fake_logits):  # -V, to be minimised by D
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def g_loss(fake_logits):  # non-saturating
    return F.softplus(-fake_logits).mean()


a_real, a_fake = 10 * torch.randn(2, 500)
assert torch.equal(d_loss(a_real, a_fake), gan.minimax_d_loss(a_real, a_fake))  # the library's, used from here on
assert torch.equal(g_loss(a_fake), gan.nonsaturating_g_loss(a_fake))
assert torch.allclose(gan.minimax_g_loss(a_fake), torch.log1p(-torch.sigmoid(a_fake.double())).mean().float())
extreme = torch.tensor([-1e4, 1e4])
assert all(torch.isfinite(loss) for loss in (d_loss(extreme, extreme), g_loss(extreme), gan.minimax_g_loss(extreme)))  # (9)

# %% [markdown]
# ## The game is not a descent
#
# Two players who each follow their own gradient do not minimise anything together. The smallest example: the forger has one number $u$ and the detective one number $v$, and $V = u v$. The forger lowers it, the detective raises it: at every point, the arrows are
#
# $$\Big(-\frac{\partial V}{\partial u},\; +\frac{\partial V}{\partial v}\Big) = (-v,\; u), \tag{10}$$
#
# at right angles to the way to the solution $(0, 0)$. Players who could move in infinitely small steps would circle for ever. With steps of size $h$, taken **simultaneously**, the new pair is $(u - h v,\, v + h u)$, and
#
# $$u'^2 + v'^2 = (1 + h^2)\,(u^2 + v^2): \tag{11}$$
#
# the radius grows by $\sqrt{1 + h^2}$ a step, for every $h$ (Gidel et al. 2018, proposition 1). No learning rate is small enough.

# %% [markdown]
# **Alternating** steps, where $v$ already sees the new $u$, multiply $(u, v)$ by a matrix of determinant 1,
#
# $$\begin{pmatrix}1 & -h\\ h & 1 - h^2\end{pmatrix}, \qquad \text{eigenvalues on the unit circle for } h < 2: \tag{12}$$
#
# bounded, but no nearer. Two cures. **Extragradient** (Korpelevich 1976) steps by the gradient that it finds *after* a trial step, **consensus** (Mescheder et al. 2017) adds a pull down the size of the gradients, $\frac\gamma2 (u^2 + v^2)$. Their radii are multiplied by
#
# $$\sqrt{1 - h^2 + h^4} \quad\text{and}\quad \sqrt{(1 - h\gamma)^2 + h^2}, \tag{13}$$
#
# below 1 for $0 < h < 1$, and for $0 < h < 2\gamma/(1+\gamma^2)$.


# %%
def step_game(method, u, v, h, gamma=0.5):
    if method == "simultaneous":
        return u - h * v, v + h * u
    if method == "alternating":
        u = u - h * v
        return u, v + h * u
    if method == "extragradient":
        half_u, half_v = u - h * v, v + h * u
        return u - h * half_v, v + h * half_u
    return u - h * (v + gamma * u), v + h * (u - gamma * v)  # consensus


def radius_factor(method, h, gamma=0.5):
    return {
        "simultaneous": math.sqrt(1 + h**2), "alternating": 1.0, "extragradient": math.sqrt(1 - h**2 + h**4), "consensus": math.sqrt((1 - h * gamma) ** 2 + h**2),
    }[method]  # fmt: skip


# %%
METHODS, grown = ("simultaneous", "alternating", "extragradient", "consensus"), {}
for method in METHODS:
    for h in (0.05, 0.2, 0.5):
        path = [(1.0, 0.5)]
        for _ in range(200):
            path.append(step_game(method, *path[-1], h))
        radius = [math.hypot(*point) for point in path]
        factors = [after / before for before, after in itertools.pairwise(radius)]
        if method == "alternating":
            assert max(radius) < 2 * radius[0] and min(radius) > radius[0] / 2  # bounded, and not nearer
        else:
            assert max(abs(f - radius_factor(method, h)) for f in factors) < 1e-9  # (11), (13)
        grown[method, h] = sum(factors) / len(factors)
u, v = torch.tensor([0.8, -0.3], dtype=torch.float64, requires_grad=True)
(du, dv) = torch.autograd.grad(u * v, (u, v))
assert step_game("simultaneous", u, v, 1.0) == (u - du, v + dv)  # (10)
matrix = torch.tensor([[1, -0.5], [0.5, 1 - 0.25]], dtype=torch.float64)
assert abs(torch.linalg.det(matrix) - 1) < 1e-12 and (torch.linalg.eigvals(matrix).abs() - 1).abs().max() < 1e-12  # (12)
print({f"{m}, h = {h}": round(f, 4) for (m, h), f in grown.items()})


# %%
def spiral(h, gamma, steps):
    fig, axis = plots.figure(height=3.0)
    for left, method, color in zip((0.0, 5.4, 10.8, 16.2), METHODS, plots.COLORS, strict=False):  # four planes side by side: one is drawn faster than four
        path = [(1.0, 0.0)]
        while len(path) <= steps and max(map(abs, path[-1])) < 2.5:
            path.append(step_game(method, *path[-1], h, gamma))
        us, vs = zip(*path, strict=True)
        axis.plot([left + u for u in us], vs, ".-", color=color, linewidth=1, markersize=3, clip_on=False)
        axis.plot(left, 0, "k*", markersize=8)
        axis.text(left, 2.8, f"{method}\nradius x {radius_factor(method, h, gamma):.3f}", ha="center")
        axis.plot([left - 2.6, left + 2.6, left + 2.6, left - 2.6, left - 2.6], [-2.6, -2.6, 2.6, 2.6, -2.6], color="#b0b0b0", linewidth=0.8)
    axis.set(xlim=(-2.7, 18.9), ylim=(-2.7, 4.4), aspect="equal"), axis.axis("off")
    return fig


explore(
    spiral, alt="Four paths of the game u v from (1, 0): one spirals outwards, one circles, two spiral into the solution at the star.",
    caption="The game V = uv from the point (1, 0), u to the right, v upwards. Star: the solution. Predict what h = 1 does to extragradient, and how large γ must be for consensus to converge at h = 0.6.",
    h=(0.05, 1.2, 0.3), gamma=(0.0, 1.5, 0.5), steps=(1, 200, 60),
)  # fmt: skip

# %% [markdown]
# A real GAN near its solution can behave like this game, above all where the data fill no volume: the detective's slope pushes the forger, and while he moves, the slope turns round. A cheap relative of consensus is enough: penalise the detective's slope **at real points**, the R1 penalty (Mescheder et al. 2018),
#
# $$\mathcal{L}_D = -V(D, G) + \frac{\gamma}{2}\,\mathbb{E}_{p_\text{data}} \big|\nabla_x a(x)\big|^2. \tag{14}$$
#
# Their smallest GAN: real data at 0, a forger at $\theta$, a detective $a(x) = \psi x$. Without the penalty it spirals away; with it, it comes to rest.

# %%
def dirac(gamma, h=0.1, steps=500):
    theta, psi, radius = 1.0, 1.0, []
    for _ in range(steps):
        D_fake = 1 / (1 + math.exp(-psi * theta))
        d_theta = -D_fake * psi  # slope of log(1 - D) by theta
        d_psi = D_fake * theta + gamma * psi  # of the detective's loss (14) by psi
        theta, psi = theta - h * d_theta, psi - h * d_psi
        radius.append(math.hypot(theta, psi))
    return radius


without, with_r1 = dirac(0.0), dirac(0.5)
print(f"distance from the solution, sqrt 2 at first; after 500 steps without penalty {without[-1]:.2f}, with R1 {with_r1[-1]:.1e}")
assert without[-1] > 1.5 and with_r1[-1] < 0.01
theta, psi = torch.tensor(0.7, requires_grad=True), torch.tensor(0.4, requires_grad=True)
at = torch.zeros(1, requires_grad=True)  # the real point
(slope,) = torch.autograd.grad((psi * at).sum(), at, create_graph=True)
loss = gan.minimax_d_loss(psi * at, (psi * theta)[None]) + 0.25 * slope.square().sum()  # gamma / 2 |grad_x a|^2, gamma = 0.5
assert abs(torch.autograd.grad(loss, psi)[0] - (torch.sigmoid(psi * theta) * theta + 0.5 * psi)) < 1e-6  # (14)

# %% [markdown]
# ## Train: eight clusters
#
# Now a real, small GAN on the ring of the first figure, in two settings. **Right**: R1, and turn by turn. **Wrong**: no penalty, and five steps of the forger for each of the detective's, close to the game in the wrong order; the wrong run gets as many steps of the forger, fewer of the detective. A cluster counts as covered if at least two in a hundred samples lie within 0.3 of its centre.


# %%
def step_gan(G, D, opt_G, opt_D, real, z, right):
    """One round of the game on [n, 2] real points."""
    real = real.requires_grad_()
    a_real, a_fake = D(real), D(G(z()).detach())
    loss_D = gan.minimax_d_loss(a_real, a_fake)
    if right:
        (slope,) = torch.autograd.grad(a_real.sum(), real, create_graph=True)
        loss_D = loss_D + 0.05 * slope.square().sum(dim=1).mean()  # (14) with gamma = 0.1
    opt_D.zero_grad()
    loss_D.backward()
    opt_D.step()
    for _ in range(1 if right else 5):
        loss_G = gan.nonsaturating_g_loss(D(G(z())))
        opt_G.zero_grad()
        loss_G.backward()
        opt_G.step()
    return loss_D.item(), loss_G.item()


def covered(points):
    near = torch.cdist(points, data.toy.ring_centres()) < 0.3
    return int((near.sum(dim=0) >= 0.02 * len(points)).sum())


# %%
look = torch.randn(600, 8, generator=torch.Generator().manual_seed(1))  # the same noise at every look
axis_ = torch.linspace(-3, 3, 61)
plane = torch.cartesian_prod(axis_, axis_)


def train_ring(right, seed, snapshots=25):
    torch.manual_seed(seed)
    G, D = vae.mlp(8, 128, 128, 2, activation=nn.ReLU), vae.mlp(2, 128, 128, 1, activation=nn.ReLU)
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.9)) for net in (G, D))
    history, steps = [], run.ring_steps if right else run.ring_steps // 5
    for step in range(steps + 1):
        if step % (steps // snapshots) == 0:
            history.append(snapshot(G, D, step))
        for opt in (opt_G, opt_D):
            opt.param_groups[0]["lr"] = 2e-3 * (1 - 0.9 * step / steps)
        real = ring[torch.randint(len(ring), (256,))]
        step_gan(G, D, opt_G, opt_D, real, lambda: torch.randn(256, 8), right)
    return history


# %%
def snapshot(G, D, step):
    """What the playground shows: samples, the detective's opinion of the plane, and where each sample is pushed."""
    points = G(look).detach().requires_grad_()
    (push,) = torch.autograd.grad(D(points).sum(), points)  # uphill for the logit
    with torch.no_grad():
        opinion = torch.sigmoid(D(plane))[:, 0].view(61, 61)
    return {"step": step, "points": points.detach(), "push": push, "opinion": opinion, "covered": covered(points.detach())}


runs = {(right, seed): train_ring(right, seed) for seed in range(run.seeds) for right in (True, False)}
for right in (True, False):
    print("right" if right else "wrong", "settings, clusters covered by each seed:", [runs[right, seed][-1]["covered"] for seed in range(run.seeds)])

# %%
fig, axes = plots.figure(1, 3, height=2.9, sharex=True, sharey=True)
for axis, points, title, color in (
    (axes[0], ring[:600], "real", plots.COLORS[7]),
    (axes[1], runs[True, 0][-1]["points"], f"right settings: {runs[True, 0][-1]['covered']} of 8", plots.COLORS[0]),
    (axes[2], runs[False, 0][-1]["points"], f"wrong settings: {runs[False, 0][-1]['covered']} of 8", plots.COLORS[3]),
):
    axis.plot(*points.T, ".", markersize=3, color=color), axis.set(title=title, aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
plots.cover(fig)
plots.show(fig, alt="Real clusters, a GAN that covers all eight, and one whose samples sit on a few.", caption="600 samples of each. The collapsed forger is not lazy: it answers the detective it has, who has forgotten the clusters that are empty just now.")
right_covered = min(runs[True, seed][-1]["covered"] for seed in range(run.seeds))
wrong_covered = max(runs[False, seed][-1]["covered"] for seed in range(run.seeds))

# %% [markdown]
# ## Explore: the playground
#
# Replay both trainings. Colour: the detective's opinion of every place, blue for real. Dots: the forger's samples. Arrows: where the detective's slope pushes them. **Predict** where the dots will be a few steps on, then move the slider. In the right settings look for the moment when the plane turns pale: the detective cannot tell any more. In the wrong ones watch the dots chase a blue patch that moves on as soon as they arrive.


# %%
def playground(settings, moment, arrows, seed=0):
    now = runs[settings == "right", seed][moment]
    fig, axis = plots.figure(width=4.6, height=4.3)
    axis.imshow(now["opinion"].T, origin="lower", extent=(-3, 3, -3, 3), cmap="RdBu", vmin=0, vmax=1, interpolation="bilinear")
    axis.plot(*data.toy.ring_centres().T, "o", markersize=13, markerfacecolor="none", markeredgecolor="black")
    points, push = now["points"][:250], now["push"][:250]
    axis.plot(*points.T, ".", color=plots.COLORS[1], markersize=5)
    if arrows:
        push = push / (push.norm(dim=1, keepdim=True) + 0.3)
        axis.quiver(*points[::3].T, *push[::3].T, color="black", scale=14, width=0.005)
    axis.set(title=f"step {now['step']}: {now['covered']} of 8 covered", xlim=(-3, 3), ylim=(-3, 3)), axis.grid(False)
    return fig


explore(
    playground, alt="A plane coloured by the discriminator's opinion, eight circles for the real clusters, and the generator's samples as dots with arrows.",
    caption="Circles: the real clusters. Blue: thought real, red: thought fake, white: cannot tell.",
    settings=["right", "wrong"], moment=(0, 25, 8), arrows=True,
)  # fmt: skip

# %% [markdown]
# ## Break it
#
# Three published mistakes. **Predict** the outcome of each before you run it.
#
# 1. The forger is trained with the label "fake", so it minimises $-\log(1 - D(G(z)))$.
# 2. $D$ ends with a sigmoid, and its output goes into a loss that expects logits.
# 3. The detective never sees real data: its loss has fakes only.


# %%
def broken(kind, steps=300):
    """Train a 2-D GAN with one mistake; the share of its samples near a real cluster, and the detective's last loss."""
    torch.manual_seed(run.seed)
    G, D = vae.mlp(8, 64, 64, 2), vae.mlp(2, 64, 64, 1)
    opinion = (lambda x: torch.sigmoid(D(x))) if kind == "sigmoid twice" else D
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.9)) for net in (G, D))
    for _ in range(steps):
        a_real, a_fake = opinion(ring[torch.randint(len(ring), (256,))]), opinion(G(torch.randn(256, 8)).detach())
        loss_D = F.softplus(a_fake).mean() if kind == "fakes only" else gan.minimax_d_loss(a_real, a_fake)
        opt_D.zero_grad(), loss_D.backward(), opt_D.step()
        a_fake = opinion(G(torch.randn(256, 8)))
        loss_G = F.softplus(a_fake).mean() if kind == "label 0" else gan.nonsaturating_g_loss(a_fake)
        opt_G.zero_grad(), loss_G.backward(), opt_G.step()
    points = G(look).detach()
    return points, (torch.cdist(points, data.toy.ring_centres()).min(dim=1).values < 0.3).float().mean().item(), loss_D.item()


outcomes = {kind: broken(kind) for kind in ("none", "label 0", "sigmoid twice", "fakes only")}
for kind, (_, near, loss) in outcomes.items():
    print(f"mistake: {kind:<14} near a cluster {near:6.1%}   loss of D {loss:.3f}")

# %%
fig, axes = plots.figure(1, 4, height=2.4)
for axis, (kind, (points, near, _)) in zip(axes, outcomes.items(), strict=True):
    axis.plot(*data.toy.ring_centres().T, "o", markersize=9, markerfacecolor="none", markeredgecolor="black")
    axis.plot(*points.T, ".", markersize=3, color=plots.COLORS[0 if kind == "none" else 3]), axis.set(title=f"{kind}\n{near:.0%} near", xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
plots.show(fig, alt="Samples after 300 steps without a mistake and with each of three.", caption="After 300 steps. With label 0 the forger flees from what looks real. With a sigmoid twice the detective can never be sure. Without real data there is nothing to imitate.")
least = F.softplus(torch.tensor(-1.0)) + F.softplus(torch.tensor(0.0))  # D = 1 on real and 0 on fake, read as logits
print(f"with a sigmoid twice the detective's loss cannot fall below {least:.3f}")
assert outcomes["sigmoid twice"][2] > least and outcomes["none"][1] > 2 * max(outcomes[k][1] for k in ("label 0", "fakes only"))

# %%
run.report(
    d_star_error=worst, spiral_factor=grown["simultaneous", 0.2], predicted_factor=math.sqrt(1 + 0.2**2), covered_right=right_covered,
    covered_wrong=wrong_covered, near_without_mistake=outcomes["none"][1], near_label_0=outcomes["label 0"][1], seeds=run.seeds,
)  # fmt: skip
run.expect(d_star_error=("<", (0.08, 0.02, 0.02)), covered_right=(">=", (6, 8, 8)), covered_wrong=("<", 8))

# %% [markdown]
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/14_gan_minimax.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(3 minutes)* Both losses where the detective knows nothing.
# 2. ★ *(5 minutes)* The optimal discriminator of two densities.
# 3. ★★ *(10 minutes)* The detective's loss from logits, finite at $\pm 10^4$.
# 4. ★★ *(5 minutes)* The forger's.
# 5. ★★★ *(20 minutes)* One extragradient step for any $V(u, v)$.
#
# To try here *(40 minutes, a project)*: find the settings between right and wrong in which the ring is *just* covered. Plot clusters covered against γ for both losses.
#
# ## What to remember
#
# - $\min_G \max_D$, in this order; turned around it is mode collapse.
# - $D^* = p_\text{data}/(p_\text{data} + p_g)$: a classifier measures a ratio of densities. Against it, the forger minimises $2\,\mathrm{JS} - \log 4$.
# - The minimax loss has no slope where the detective is sure of a fake; $-\log D$ has its largest there. Always from logits.
# - The game rotates. Simultaneous steps spiral outwards; a penalty on the detective's slope brings it to rest.
#
# ## Further reading
#
# - I. Goodfellow et al., *Generative Adversarial Networks*, 2014, arXiv:1406.2661.
# - M. Arjovsky, L. Bottou, *Towards Principled Methods for Training Generative Adversarial Networks*, 2017, arXiv:1701.04862.
# - L. Mescheder, S. Nowozin, A. Geiger, *The Numerics of GANs*, 2017, arXiv:1705.10461.
# - L. Mescheder, A. Geiger, S. Nowozin, *Which Training Methods for GANs do actually Converge?*, 2018, arXiv:1801.04406.
# - G. Gidel et al., *A Variational Inequality Perspective on Generative Adversarial Networks*, 2018, arXiv:1802.10551.
