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
# # 15 The ELBO and the reparameterisation trick
#
# *You will bound a probability that nobody can compute, see how loose the bound is on a model where the truth is known to the last digit, differentiate through a dice roll, and find the hidden number in
# "MSE + KL" that decides whether a VAE learns anything.*
#
# ![Portraits, and what the best linear VAE makes of them at three noise levels: the larger the noise it assumes, the less it keeps.](../data/pictures/15_elbo.webp)
#
# **You need** notebook 13 (KL), Gaussians in several dimensions, eigenvectors of a covariance, and expectations.
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

import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from genimg_lib import data, plots, tables, vae
from genimg_lib.training import start
from genimg_lib.widgets import explore

# %%
run = start(
    "15_elbo",
    draws=(10_000, 200_000, 200_000),
    repeats=(50, 400, 400),
    fit_steps=(300, 1_500, 1_500),
    portraits=(1_000, 5_000, 5_000),
)
portraits = data.to_float(data.load("portraits", n=run.portraits, seed=run.seed).images)
torch.set_default_dtype(torch.float64)  # this notebook compares formulas to many digits

# %%
tables.show_expected("15_elbo", "iwae_gap", "variance_ratio")

# %% [markdown]
# ## Why
#
# A **latent variable model** makes an image in two steps: draw a few numbers $z$ from the prior $p(z) = \mathcal{N}(0, I)$, then draw $x$ from $p_\theta(x|z)$, which a network with weights $\theta$ describes, the **decoder**.
# The probability of an image (its density, where pixels are real numbers) is the average over all $z$ that might have made it:
#
# $$p_\theta(x) = \int p(z)\, p_\theta(x|z)\, dz = \mathbb{E}_{p(z)}\, p_\theta(x|z). \tag{1}$$
#
# Maximum likelihood wants $\log p_\theta(x)$ to be large.
# The average looks easy to estimate: draw many $z$, take the mean.
# Let us try it on a model where the truth is known.
#
# The known model is **probabilistic PCA** (Tipping and Bishop 1999): a linear decoder, $x = W z + b + \sigma_x\, \eta$ with standard normal $\eta$, for $x \in \mathbb{R}^D$, $z \in \mathbb{R}^d$.
# Sums of independent Gaussians are Gaussian, so
#
# $$p_\theta(x) = \mathcal{N}\big(x;\; b,\; W W^\top + \sigma_x^2 I\big), \tag{2}$$
#
# and so is the **posterior**: with $M = W^\top W + \sigma_x^2 I$
#
# $$p_\theta(z|x) = \mathcal{N}\big(z;\; M^{-1} W^\top (x - b),\; \sigma_x^2 M^{-1}\big). \tag{3}$$
#
# To see it, collect the powers of $z$ in $\log p(z) + \log p_\theta(x|z) = -\frac12 z^\top \frac{M}{\sigma_x^2}\, z + z^\top \frac{W^\top (x - b)}{\sigma_x^2} + \text{const}$.
# A Gaussian with precision (inverse covariance) $P$ and mean $m$ has $-\frac12 z^\top P z + z^\top P m$; compare.

# %%
torch.manual_seed(run.seed)
DIM, LATENT, SIGMA = 32, 8, 0.3
W, b = torch.randn(DIM, LATENT), torch.randn(DIM)
prior = MultivariateNormal(torch.zeros(LATENT), torch.eye(LATENT))
evidence = MultivariateNormal(b, W @ W.T + SIGMA**2 * torch.eye(DIM))  # (2)
M_inv = torch.linalg.inv(W.T @ W + SIGMA**2 * torch.eye(LATENT))


def decoder(z):  # p(x|z), as notebook 31 uses it
    return vae.Gaussian(z @ W.T + b, math.log(SIGMA))


def posterior(x):
    return MultivariateNormal((x - b) @ W @ M_inv, SIGMA**2 * M_inv)  # (3)


# %% [markdown]
# Eight "images" from the model itself.
# Bayes' rule, $p(z)\, p_\theta(x|z) = p_\theta(x)\, p_\theta(z|x)$, has to hold at any $z$.

# %%
x = decoder(prior.sample((8,))).mean + SIGMA * torch.randn(8, DIM)
truth = evidence.log_prob(x)
z = torch.randn(8, LATENT)
joint = prior.log_prob(z) + decoder(z).log_prob(x)
errors = {"Bayes": (joint - posterior(x).log_prob(z) - truth).abs().max().item()}
assert errors["Bayes"] < 1e-8  # (2), (3)

# %%
# (1), by adding up over one latent number: x = z + 0.5 eta, at x = 1.3
grid = torch.linspace(-8, 8, 4_001)
at = torch.tensor(1.3)
joint = Normal(0.0, 1.0).log_prob(grid) + Normal(grid, 0.5).log_prob(at)
by_integral = joint.exp().sum() * (grid[1] - grid[0])  # (1)
by_formula = Normal(0.0, math.sqrt(1 + 0.5**2)).log_prob(at)  # (2)
assert abs(by_integral.log() - by_formula) < 1e-8

# %% [markdown]
# Now the estimate that looked easy, for the first image: five attempts, with more and more draws of $z$.

# %%
counts = (10, 100, 1_000, 10_000, 100_000)
attempts = []
for z in prior.sample((5, counts[-1])):  # [K, d]
    log_p = decoder(z).log_prob(x[:1].expand(len(z), -1))  # log p(x|z), [K]
    estimates = [log_p[:k].logsumexp(0).item() - math.log(k) for k in counts]  # (1)
    attempts.append(estimates)
naive = torch.tensor(attempts)  # [attempt, count]
naive_gap = (truth[0] - naive[:, -1].mean()).item()
assert (naive < truth[0] - 10).all()
assert naive[:, 0].max() < truth[0] - 400 or run.profile == "quick"  # below the figure

# %%
fig, axis = plots.figure(width=6.5, height=2.8)
axis.semilogx(counts, naive.T, "o-", color=plots.COLORS[3], linewidth=1.2)
axis.axhline(truth[0], color="black")
axis.text(10, truth[0] + 10, "the truth")
axis.set(xlabel="draws from the prior", ylabel="log p(x), nats")
axis.set_ylim(truth[0] - 400, truth[0] + 80)
plots.show(
    fig,
    alt="Five lines that come from below the picture and rise, not at every step: the "
    "naive estimates of log p(x). Even at 100,000 draws they end far below the black "
    "line of the truth.",
    caption="Almost every z makes another image: its term of the mean is tiny.",
)

# %% [markdown]
# This is 32 numbers from 8, and 100,000 draws are not enough.
# The mean is right on average, yet its logarithm is too low on average (Jensen), and here by much: the mean is dominated by the rare $z$ that fit.
# So look where they are: draw $z$ from a distribution $q_\phi(z|x)$, the **encoder**, that depends on the image.
#
# ## The bound, derived twice
#
# **By Jensen.** Multiply and divide by $q$ in (1), a $q$ that is nowhere 0 where the posterior is not.
# The logarithm is concave, so it may move inside an expectation at the price of getting smaller:
#
# $$\log p_\theta(x) = \log \mathbb{E}_{q_\phi(z|x)} \frac{p(z)\,p_\theta(x|z)}{q_\phi(z|x)} \;\ge\; \mathbb{E}_{q_\phi(z|x)} \log\frac{p(z)\,p_\theta(x|z)}{q_\phi(z|x)} = \mathrm{ELBO}(x). \tag{4}$$
#
# $p_\theta(x)$ is also called the *evidence*, and this is the **evidence lower bound**, ELBO; its unit, as that of all natural logarithms, is the nat.
#
# **As an identity.** Jensen does not say how much is lost.
# Write $p(z)\, p_\theta(x|z) = p_\theta(x)\, p_\theta(z|x)$ inside the last expectation; the first factor comes out, and
#
# $$\log p_\theta(x) = \mathrm{ELBO}(x) + \mathrm{KL}\big(q_\phi(z|x)\,\|\,p_\theta(z|x)\big). \tag{5}$$
#
# What is lost is how far the encoder is from the true posterior.
# Nothing is lost where they agree.
# And since the left side does not depend on $\phi$, raising the ELBO over $\phi$ **is** making $q$ like the posterior.
#
# Split the logarithm in (4) the other way, and you have the form in which it is computed:
#
# $$\mathrm{ELBO}(x) = \mathbb{E}_{q_\phi(z|x)} \log p_\theta(x|z) - \mathrm{KL}\big(q_\phi(z|x)\,\|\,p(z)\big). \tag{6}$$
#
# The first term wants $z$ to tell what $x$ was; the second charges for every nat that $z$ knows about $x$, and for lying away from the prior.
# An encoder and a decoder that are trained by it together are a **variational autoencoder**, VAE; a *linear* one if both means are linear.
#
# For probabilistic PCA and $q = \mathcal{N}(\mu, S)$ the first term has a closed form too:
#
# $$\mathbb{E}_q \log p_\theta(x|z) = -\tfrac{D}{2}\log(2\pi\sigma_x^2) - \frac{|x - b - W\mu|^2 + \mathrm{tr}(W S W^\top)}{2\sigma_x^2}. \tag{7}$$


# %%
def exact_terms(x, q):
    """(7) and the KL to the prior, in closed form, for q = N(mu, S)."""
    mu, S = q.mean, q.covariance_matrix
    error = (x - b - mu @ W.T).square().sum(-1)
    trace = torch.einsum("dk,...kl,dl->...", W, S, W)
    constant = -DIM / 2 * math.log(2 * math.pi * SIGMA**2)
    return constant - (error + trace) / (2 * SIGMA**2), kl_divergence(q, prior)


# %%
# some encoder: its centre near the posterior's, but too wide
center = posterior(x).mean + 0.02 * torch.randn(8, LATENT)
q = MultivariateNormal(center, 0.01 * torch.eye(LATENT))
fit, cost = exact_terms(x, q)
elbo = fit - cost  # (6)
gap = kl_divergence(q, posterior(x))
errors["identity"] = (truth - elbo - gap).abs().max().item()
assert errors["identity"] < 1e-8  # (5)

# %% [markdown]
# The same bound by sampling, as (4) defines it:

# %%
n = run.draws // 10
z = q.sample((n,))  # [n, 8, d]
repeated = x.expand(n, -1, -1).flatten(0, 1)  # [n * 8, D]
log_p_x = decoder(z.flatten(0, 1)).log_prob(repeated).view(n, 8)
inside = prior.log_prob(z) + log_p_x - q.log_prob(z)  # the logarithm in (4)
by_sampling, standard_error = inside.mean(0), inside.std(0) / math.sqrt(n)
assert ((by_sampling - elbo).abs() < 4.5 * standard_error).all()

# %%
rows = [
    ("log p(x), exactly", truth[0]),
    ("ELBO, by (6)", elbo[0]),
    ("KL of q to the posterior", gap[0]),
    ("ELBO, by sampling", by_sampling[0]),
    ("its standard error", standard_error[0]),
    ("E_q log p(x|z)", fit[0]),
]
tables.show(rows, ("of the first image", "nats"))
assert (fit > truth).all()

# %% [markdown]
# The last row matters: "$\log p(x) = \mathbb{E}_q \log p(x|z)$" is easily written, and the KL term is lost in it.
# What is called the likelihood is then off by the difference of two KLs: by (5) and (6), $\mathbb{E}_q \log p_\theta(x|z) - \log p_\theta(x) = \mathrm{KL}(q\,\|\,p(z)) - \mathrm{KL}(q\,\|\,p_\theta(z|x))$.
#
# It is too *large* if the encoder is nearer to the posterior than to the prior, as here, and as encoders that have learned something are.
# It can be too small as well: where the next figure begins it is below $\log p(x)$ (not drawn; an assertion under the figure checks it).
#
# **Explore.** One latent number, $x = z + \sigma_x\eta$.
# Turn $q$'s two knobs.
# **Predict** which pair closes the gap, and which costs more: a $q$ that is too narrow by some factor, or one that is too wide by the same factor.


# %%
def one_latent(q_mean, q_sigma, x, sigma_x):
    """log p(x), E_q log p(x|z) and KL(q, prior), in closed form."""
    log_p = Normal(0.0, math.sqrt(1 + sigma_x**2)).log_prob(torch.tensor(x))  # (2)
    error = (x - q_mean) ** 2 + q_sigma**2
    fit = -0.5 * math.log(2 * math.pi * sigma_x**2) - error / (2 * sigma_x**2)  # (7)
    cost = kl_divergence(Normal(q_mean, q_sigma), Normal(0.0, 1.0))
    return log_p.item(), fit, cost.item()


def bells(axis, **densities):
    z = torch.linspace(-4, 4, 201)
    narrowest = min(density.stddev.item() for density in densities.values())
    top = max(1.4, 0.42 / narrowest)
    for name, density in densities.items():
        axis.plot(z, density.log_prob(z).exp(), label=name)
    axis.set(xlabel="z", ylabel="density", ylim=(0, top))
    axis.legend(loc="upper left", fontsize=9)


# %%
def bound(q_mean, q_sigma, x, sigma_x):
    log_p, fit, cost = one_latent(q_mean, q_sigma, x, sigma_x)
    M = 1 + sigma_x**2
    posterior = Normal(x / M, sigma_x / math.sqrt(M))  # (3)
    fig, (left, right) = plots.figure(1, 2, height=2.9, width_ratios=[3, 2])
    bells(left, prior=Normal(0.0, 1.0), posterior=posterior, q=Normal(q_mean, q_sigma))
    gap = log_p - (fit - cost)
    colors = [plots.COLORS[k] for k in (3, 4, 7)]
    right.barh(["log p(x)", "ELBO", "gap"], [log_p, fit - cost, gap], color=colors)
    right.set(xlim=(-12, 6), title=f"gap {gap:.3f} nats")
    right.invert_yaxis()
    return fig


# %%
explore(
    bound,
    alt="Prior, posterior and q as three bell curves; bars for log p(x), the ELBO and "
    "the gap between them.",
    caption="The gap is KL(q, posterior), whatever you do. Move q onto the posterior. "
    "Bars end at -12 and 6; the title has the number.",
    q_mean=(-2.0, 3.0, 0.4),
    q_sigma=(0.1, 2.0, 0.8),
    x=(-3.0, 3.0, 1.5),
    sigma_x=(0.2, 1.5, 0.6),
)
log_p, fit, _ = one_latent(0.4, 0.8, 1.5, 0.6)
assert fit < log_p  # here E_q log p(x|z) is below log p(x)
exact = Normal(1.5 / 1.36, 0.6 / math.sqrt(1.36))  # the posterior, by (3)
wide, narrow = (Normal(exact.mean, exact.stddev * f) for f in (2.5, 1 / 2.5))
costs = [kl_divergence(q, exact).item() for q in (wide, narrow)]
print(f"2.5 times too wide costs {costs[0]:.2f} nats, too narrow {costs[1]:.2f}")
assert costs[0] > 3 * costs[1]

# %% [markdown]
# With deviations $k$ times the right one the gap is $\frac12(k^2 - 1 - 2\log k)$: it grows like $k^2$ for a wide $q$, and for a narrow one only like $\log(1/k)$.

# %% [markdown]
# ## The KL term
#
# Encoders are usually $q = \mathcal{N}(\mu, \mathrm{diag}(\sigma^2))$.
# For one coordinate, $\mathrm{KL} = \mathbb{E}_q[\log q(z) - \log p(z)]$ with $\log q = -\frac12 \log 2\pi\sigma^2 - (z-\mu)^2/2\sigma^2$ and $\log p = -\frac12\log 2\pi - z^2/2$.
# Under $q$, $\mathbb{E}(z-\mu)^2 = \sigma^2$ and $\mathbb{E} z^2 = \mu^2 + \sigma^2$.
# Sum over coordinates:
#
# $$\mathrm{KL}\big(q_\phi(z|x)\,\|\,p(z)\big) = \tfrac12 \sum_{i} \big(\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2\big). \tag{8}$$
#
# Networks give $\log\sigma^2$ ("logvar"), as any real number is allowed there.


# %%
def gaussian_kl(mean, logvar):
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1)  # (8)


mean, logvar = torch.randn(500, 6), torch.randn(500, 6)
q = Normal(mean, torch.exp(0.5 * logvar))
right = gaussian_kl(mean, logvar)
by_torch = kl_divergence(q, Normal(0.0, 1.0)).sum(1)
errors["KL"] = (right - by_torch).abs().max().item()
errors["KL, library"] = (right - vae.gaussian_kl(mean, logvar)).abs().max().item()

# %% [markdown]
# Three ways in which code gets (8) wrong: the exponential lost, and the log-variance, or the variance, taken for the deviation.
# Only the first can come out negative; the other two are divergences of *another* Gaussian, and only a comparison finds them.

# %%
lost = -0.5 * (1 + logvar - mean**2 - logvar).sum(1)
as_deviation = 0.5 * (mean**2 + logvar**2 - 1 - 2 * logvar.abs().log()).sum(1)
squared = 0.5 * (mean**2 + torch.exp(2 * logvar) - 1 - 2 * logvar).sum(1)
rows = [
    ("right", right.mean(), right.min()),
    ("exponential lost", lost.mean(), lost.min()),
    ("logvar as deviation", as_deviation.mean(), as_deviation.min()),
    ("exp(logvar) as deviation", squared.mean(), squared.min()),
]
tables.show(rows, ("KL", "mean", "smallest"))
assert lost.min() < 0 < min(as_deviation.min(), squared.min())

# %% [markdown]
# ## The likelihood term, and the number hidden in it
#
# Black-or-white pixels are **Bernoulli**: with $\hat x = 1/(1 + e^{-\text{logit}})$,
#
# $$\log p_\theta(x|z) = \sum_i x_i \log \hat x_i + (1 - x_i)\log(1 - \hat x_i), \tag{9}$$
#
# minus the cross-entropy.

# %%
logits = torch.randn(5, 40)
bits = torch.randint(0, 2, (5, 40)).double()
x_hat = torch.sigmoid(logits)
by_hand = (bits * x_hat.log() + (1 - bits) * (1 - x_hat).log()).sum(1)  # (9)
difference = by_hand - vae.Bernoulli(logits).log_prob(bits)
errors["Bernoulli"] = difference.abs().max().item()

# %% [markdown]
# Other pixels are mostly taken as **Gaussian** around the decoder's image $\hat x = \hat x(z)$, with one $\sigma_x$ for all:
#
# $$-\log p_\theta(x|z) = \frac{|x - \hat x|^2}{2\sigma_x^2} + D\log\sigma_x + \tfrac{D}{2}\log 2\pi. \tag{10}$$
#
# The negative ELBO (6) is the expectation of (10) over $z \sim q_\phi$, plus the KL.
# Multiply it by $2\sigma_x^2$ and drop what does not depend on the networks:
#
# $$\mathbb{E}_{q_\phi(z|x)}\, |x - \hat x|^2 + 2\sigma_x^2\,\mathrm{KL}. \tag{11}$$
#
# So "squared error plus KL" is a negative ELBO, up to a constant and a factor, for **one** $\sigma_x$, whether the author chose it or not: $\sigma_x^2 = 1/2$ if the error is *summed* over pixels.
#
# If it is *averaged*, and the KL is not, multiply the whole loss by $D$: sum $+\, D\cdot\mathrm{KL}$, so $2\sigma_x^2 = D$.
# For a 32x32 colour image that is $\sigma_x = 39$, on a scale from -1 to 1.
# Such a model is told that pixels are nearly all noise, and has next to no reason to explain them: of the portraits' total variance a perfect reconstruction would save, in (10), less than half a nat.
#
# The best $\sigma_x$ for given networks can be read off (10).
# Its expectation, averaged over the images too, has the derivative 0 by $\sigma_x$ at
#
# $$\sigma_x^{*2} = \frac{1}{D}\,\mathbb{E}_{x}\,\mathbb{E}_{q_\phi(z|x)}\,|x - \hat x|^2. \tag{12}$$
#
# We check all three with five images of 40 numbers and a random $\hat x$ for each, in place of the expectation over $z$; first (10), for three values of $\sigma_x$.

# %%
image, output = torch.randn(5, 40), torch.randn(5, 40, requires_grad=True)
mean, logvar = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3)
for s in (0.2, math.sqrt(0.5), 3.0):
    by_library = vae.Gaussian(output, math.log(s)).log_prob(image)
    by_torch = Normal(output, s).log_prob(image).sum(1)
    errors[f"Gaussian, {s:.1f}"] = (by_library - by_torch).abs().max().item()

# %%
# (11): the gradients of the two losses are the same, up to the factor
kl = gaussian_kl(mean, logvar)
squares = (image - output).square().sum(1)
for s in (0.2, math.sqrt(0.5), 3.0):
    negative_elbo = kl - vae.Gaussian(output, math.log(s)).log_prob(image)
    weighted = squares + 2 * s**2 * kl  # (11)
    for wanted in (output, mean):
        (g,) = torch.autograd.grad(negative_elbo.sum(), wanted, retain_graph=True)
        (h,) = torch.autograd.grad(weighted.sum(), wanted, retain_graph=True)
        assert torch.allclose(2 * s**2 * g, h)

# %%
# (12), by trying many
sigmas = torch.linspace(0.5, 3, 2_001)
likelihoods = [vae.Gaussian(output, s.log()).log_prob(image).sum() for s in sigmas]
best = sigmas[torch.stack(likelihoods).argmax()]
assert abs(best - (image - output).square().mean().sqrt()) < 2e-3

# %%
# NBVAL_CHECK_OUTPUT
hidden = math.sqrt(3 * 32 * 32 / 2)
print(f"sigma hidden in 'mean squared error + KL' at 32x32x3: {hidden:.1f}")
spread = portraits.double().var(dim=0).sum().item()  # of all pixels together
assert spread / (2 * hidden**2) < 0.5  # nats that the squared error may gain

# %% [markdown]
# ## A gradient through a dice roll
#
# The ELBO's first term is an expectation over $z \sim q_\phi$, and we want its gradient by $\phi$.
# The draw itself has none: it arrives as a plain number, not as a function of $\mu$.
# Two ways out.
#
# **Score function**: differentiate the density, $\nabla q = q\, \nabla \log q$:
#
# $$\nabla_\phi\, \mathbb{E}_{q_\phi} f(z) = \int f(z)\, \nabla_\phi q_\phi(z)\, dz = \mathbb{E}_{q_\phi}\big[f(z)\, \nabla_\phi \log q_\phi(z)\big]. \tag{13}$$
#
# **Pathwise**, the reparameterisation trick (Kingma and Welling 2013; Rezende et al. 2014): roll the dice first, $\epsilon \sim \mathcal{N}(0, I)$, then move the result.
# The randomness no longer depends on $\phi$, and the gradient goes inside:
#
# $$z = \mu + \sigma\,\epsilon, \qquad \nabla_\phi\, \mathbb{E}_{q_\phi} f(z) = \mathbb{E}_\epsilon\, \nabla_\phi f(\mu + \sigma\,\epsilon). \tag{14}$$
#
# Both are right on average.
# How much do they scatter?
# Take $f(z) = z^2$, whose expectation $\mu^2 + \sigma^2$ has the slope $2\mu$ by $\mu$.
# A single draw gives $2(\mu + \sigma\epsilon)$ by (14), and $(\mu + \sigma\epsilon)^2 \epsilon/\sigma$ by (13), as $\nabla_\mu \log q = (z - \mu)/\sigma^2 = \epsilon/\sigma$.
#
# With $\mathbb{E}\epsilon^2 = 1$, $\mathbb{E}\epsilon^4 = 3$, $\mathbb{E}\epsilon^6 = 15$, the variances are
#
# $$\mathrm{Var}_\text{pathwise} = 4\sigma^2, \qquad \mathrm{Var}_\text{score} = \frac{\mu^4}{\sigma^2} + 14\mu^2 + 15\sigma^2. \tag{15}$$


# %%
def estimators(mu, sigma, n):
    eps = torch.randn(n)
    z = mu + sigma * eps
    return {"pathwise": 2 * z, "score function": z**2 * eps / sigma}  # (14), (13)


def variances(mu, sigma):  # (15)
    score = mu**4 / sigma**2 + 14 * mu**2 + 15 * sigma**2
    return {"pathwise": 4 * sigma**2, "score function": score}


# %%
# the library's (14): autograd does the rest
mu, sigma = torch.tensor(1.5, requires_grad=True), torch.tensor(0.5)
logvar = 2 * sigma.log()
z = vae.reparameterize(mu.expand(run.draws), logvar.expand(run.draws))
(by_autograd,) = torch.autograd.grad(z.square().mean(), mu)
print(f"slope by autograd: {by_autograd:.3f}; exactly: 3")
assert abs(by_autograd - 3) < 4.5 / math.sqrt(run.draws)  # one draw has deviation 1
assert not Normal(mu, sigma).sample().requires_grad  # a plain draw: no gradient

# %%
formula, rows = variances(1.5, 0.5), []
for name, draws in estimators(1.5, 0.5, run.draws).items():
    standard_error = draws.std() / math.sqrt(run.draws)
    rows.append((name, draws.mean(), standard_error, draws.var(), formula[name]))
    assert abs(draws.mean() - 3) < 4.5 * standard_error
    tolerance = 0.3 if run.profile == "quick" else 0.1
    assert abs(draws.var() / formula[name] - 1) < tolerance  # (15)
tables.show(rows, ("estimator", "mean", "its standard error", "variance", "by (15)"))
variance_ratio = formula["score function"] / formula["pathwise"]

# %% [markdown]
# **Explore.** Average a few draws, as a training step does, and repeat that 1,000 times.
# **Predict**: what does a larger $\mu$ do to each histogram?
# What happens as $\sigma$ goes to 0?


# %%
def scatter(mu, sigma, draws_per_estimate):
    torch.manual_seed(0)
    widest = math.sqrt(variances(mu, sigma)["score function"] / draws_per_estimate)
    bins = torch.linspace(2 * mu - 4.5 * widest, 2 * mu + 4.5 * widest, 81).tolist()
    fig, axis = plots.figure(height=2.8)
    for name, draws in estimators(mu, sigma, 1_000 * draws_per_estimate).items():
        means = draws.view(1_000, -1).mean(1)
        label = f"{name}: deviation {means.std():.2f}"
        axis.hist(means.clamp(bins[0], bins[-1]), bins, alpha=0.6, label=label)
    axis.axvline(2 * mu, color="black", linewidth=1)
    axis.set(xlabel="estimate of the slope", ylabel="of 1,000 estimates")
    axis.set(yscale="log", ylim=(0.7, 2_000))
    axis.legend(loc="upper right")
    return fig


# %%
explore(
    scatter,
    alt="Two histograms at the same true slope, the score function's wider than the "
    "pathwise one.",
    caption="Both have the truth (black) as their mean; here the score function's is "
    "lopsided (at μ = 0 it is not). The end bars hold all beyond them. Mind the "
    "logarithmic scale.",
    mu=(-3.0, 3.0, 1.5),
    sigma=(0.1, 2.0, 0.5),
    draws_per_estimate=(1, 100, 10),
)

# %% [markdown]
# The pathwise estimator knows the *slope* of $f$.
# The score function knows only its values, and has to find out by chance in which direction they rise.
# Its merit: $f$ need not be differentiable, nor $z$ continuous.
#
# How does that scale?
# Take $f(z) = |z|^2$ in more and more dimensions, and the slope by the first coordinate of the mean.
# By (13) one draw is $f(z)\,\epsilon_1/\sigma$.
# If $f$ were the constant $\mathbb{E} f$, this alone would have the variance $(\mathbb{E} f)^2/\sigma^2$.

# %%
dims, pathwise, score, constant = (1, 4, 16, 64, 256), [], [], []
for dim in dims:
    eps = torch.randn(run.draws // 10, dim)
    z = 1.5 + 0.5 * eps
    f = z.square().sum(1)
    pathwise.append((2 * z[:, 0]).var().item())
    score.append((f * eps[:, 0] / 0.5).var().item())
    constant.append((dim * (1.5**2 + 0.5**2) / 0.5) ** 2)  # (E f)^2 / sigma^2

# %%
columns = ("dimensions", "variance: pathwise", "score function", "by E f alone")
tables.show(list(zip(dims, pathwise, score, constant, strict=True)), columns)
print(f"(variances estimated from {run.draws // 10:,} draws)")
assert score[-1] > 1_000 * pathwise[-1]
assert constant[-1] > 0.9 * score[-1]

# %% [markdown]
# The variance of the pathwise estimator stays the same here because $f$ is a sum: the other coordinates do not enter the slope.
# The score function pays for the mean of $f$, a large number that says nothing about the direction and is multiplied by noise.
# A *baseline*, $f(z) - c$, takes it out, and what remains grows with the dimensions, not with their square: the project at the end.
#
# Nor is pathwise always the quieter one.
# It carries the slope of $f$, and a function that wiggles has large slopes and small values.
# Take $f(z) = \sin 4z$:

# %%
eps = torch.randn(run.draws)
z = 1.5 + 0.5 * eps
draws = {
    "pathwise": 4 * torch.cos(4 * z),
    "score function": torch.sin(4 * z) * eps / 0.5,
}
slope = 4 * math.cos(4 * 1.5) * math.exp(-8 * 0.5**2)  # of E f, by hand
rows = [(name, g.mean(), g.var()) for name, g in draws.items()]
tables.show(rows, ("estimator", "mean", "variance"))
for g in draws.values():
    assert abs(g.mean() - slope) < 4.5 * g.std() / math.sqrt(run.draws)
assert draws["pathwise"].var() > 2 * draws["score function"].var()

# %% [markdown]
# ## A tighter bound
#
# Draw $K$ samples and average *before* the logarithm (Burda et al. 2015).
# With $w_i = p_\theta(x|z_i)\,p(z_i)/q_\phi(z_i|x)$,
#
# $$\mathcal{L}_K = \mathbb{E}\, \log \frac1K \sum_{i=1}^K w_i, \qquad \mathrm{ELBO} = \mathcal{L}_1 \le \mathcal{L}_K \le \mathcal{L}_{K+1} \le \log p_\theta(x). \tag{16}$$
#
# This is the importance-weighted or **IWAE** bound.
# Why it rises: leave out one of $K + 1$ numbers and average the rest; the average of those $K + 1$ averages is the mean of all.
# Jensen again.
# For an encoder that is nowhere 0 where the posterior is not, and whose ELBO is finite, the bound tends to the truth as $K$ grows, since the mean tends to $p_\theta(x)$.
#
# The weights underflow, so with $l_i = \log w_i$ and $m = \max_i l_i$ compute $\log\sum_i e^{l_i} = m + \log\sum_i e^{l_i - m}$.


# %%
def iwae_bound(x, encoder, decoder, eps):  # eps: [K, N, d]; one draw of (16)
    mean, logvar = encoder(x)
    q = Normal(mean, torch.exp(0.5 * logvar))
    z = mean + torch.exp(0.5 * logvar) * eps
    log_p_x = torch.stack([decoder(z_k).log_prob(x) for z_k in z])  # log p(x|z), [K, N]
    log_prior = Normal(0.0, 1.0).log_prob(z).sum(-1)
    log_w = log_p_x + log_prior - q.log_prob(z).sum(-1)
    return torch.logsumexp(log_w, dim=0) - math.log(len(eps))  # (16)


# %% [markdown]
# Encoders that miss in different ways: moved by one of the posterior's standard deviations in each coordinate, or too wide, or too narrow.
# Even the best of them, `near`, misses: it has the posterior's widths coordinate by coordinate, but not its correlations, as $q$ is diagonal.


# %%
def encoder_like(shift, widen):
    deviation = SIGMA * M_inv.diagonal().sqrt()  # of the posterior, by (3)
    logvar = (widen * deviation).square().log().expand(8, LATENT)
    return lambda x: (posterior(x).mean + shift * deviation, logvar)


ENCODERS = {
    "near": encoder_like(0, 1),
    "moved": encoder_like(1, 1),
    "too wide": encoder_like(0, 2.5),
    "too narrow": encoder_like(0, 0.4),
}

# %%
eps = torch.randn(7, 8, LATENT)
by_hand = iwae_bound(x, ENCODERS["moved"], decoder, eps)
by_library = vae.iwae_bound(x, ENCODERS["moved"], decoder, 7, eps)
errors["IWAE, library"] = (by_hand - by_library).abs().max().item()

# %% [markdown]
# Each bound is an expectation, so we average it over the eight images and many repetitions.
# At $K = 1{,}000$ there are a fifth as many.


# %%
def mean_bound(encoder, k):
    """The mean of the bound, and its standard error."""
    repeats = run.repeats if k < 1_000 else run.repeats // 5
    bounds = [vae.iwae_bound(x, encoder, decoder, k).mean() for _ in range(repeats)]
    bounds = torch.stack(bounds)
    return bounds.mean().item(), bounds.std().item() / math.sqrt(repeats)


KS = (1, 10, 100, 1_000)
estimates = {name: [mean_bound(q, k) for k in KS] for name, q in ENCODERS.items()}
bounds = {name: [mean for mean, _ in found] for name, found in estimates.items()}

# %%
log_p = truth.mean().item()
gaps = {name: [log_p - bound for bound in values] for name, values in bounds.items()}
rows = []
for name, values in gaps.items():
    errs = [error for _, error in estimates[name]]
    pairs = zip(values, errs, strict=True)
    rows.append((name, *(f"{gap:.2f} ± {error:.2f}" for gap, error in pairs)))
tables.show(rows, ("gap in nats", *(f"K = {k:,}" for k in KS)))
iwae_gap = gaps["near"][-1]
for values in gaps.values():
    assert all(after < before + 0.02 for before, after in itertools.pairwise(values))
    assert values[-1] > -0.05  # a bound, up to the error of sampling

# %%
# L_1 is the ELBO, which has a closed form
exactly = []
for name, encoder in ENCODERS.items():
    mean, logvar = encoder(x)
    q = MultivariateNormal(mean, torch.diag_embed(logvar.exp()))
    fit, cost = exact_terms(x, q)
    exactly.append((name, log_p - (fit - cost).mean().item()))
    found, error = estimates[name][0]
    assert abs(found - (fit - cost).mean()) < 5 * error
tables.show(exactly, ("encoder", "gap at K = 1, exactly"))

# %%
series = {name: (KS, values) for name, values in bounds.items()}
fig = plots.lines(series, xlabel="K", ylabel="bound, nats", xscale="log", width=6.5)
fig.axes[0].axhline(log_p, color="black")
fig.axes[0].text(1, log_p + 0.15, "log p(x), exactly")
fig.axes[0].set_ylim(log_p - 5, log_p + 0.8)
plots.show(
    fig,
    alt="Four rising lines below the black line of the exact value. The encoder near "
    "the posterior begins closest to it; the moved and the wide one begin below the "
    "picture; the narrow one ends lowest.",
    caption="Every bound rises. Too wide catches up; too narrow ends lowest.",
)

# %%
assert gaps["moved"][0] > 5 and gaps["too wide"][0] > 5  # below the picture
assert gaps["too wide"][0] > gaps["too narrow"][0]
assert gaps["too wide"][-1] < gaps["too narrow"][-1] / 2 or run.profile == "quick"
assert max(gaps, key=lambda name: gaps[name][0]) == "too wide"
assert max(gaps, key=lambda name: gaps[name][-1]) == "too narrow"
# E w² is finite where this matrix, in the posterior's units, is positive definite
correlation = M_inv / torch.outer(*[M_inv.diagonal().sqrt()] * 2)
for name, widen in (("near", 1), ("too wide", 2.5), ("too narrow", 0.4)):
    matrix = 2 * torch.linalg.inv(correlation) - torch.eye(LATENT) / widen**2
    infinite = (torch.linalg.eigvalsh(matrix) < 0).sum().item()
    print(f"{name}: the weights' variance is infinite along {infinite} of 8 directions")

# %%
# how much of the posterior lies where q is over 1,000 times rarer, and no draw comes
z = posterior(x).sample((run.draws // 10,))  # [n, 8, d]
at_z, rare = posterior(x).log_prob(z), {}
for name, encoder in ENCODERS.items():
    mean, logvar = encoder(x)
    log_q = Normal(mean, torch.exp(0.5 * logvar)).log_prob(z).sum(-1)
    rare[name] = (at_z - log_q > math.log(1_000)).double().mean().item()
    print(f"{name}: {rare[name]:.1%} of the posterior is hardly ever drawn")
assert rare["too narrow"] > 0.5 > 0.1 > rare["too wide"] > rare["near"]

# %% [markdown]
# Too wide by 2.5 costs the most of the four at $K = 1$ and little at 1,000; too narrow by 2.5 costs much less at $K = 1$, and the most of the four at 1,000.
#
# Most of the posterior's mass lies where the narrow $q$ is more than 1,000 times rarer than the posterior, for the wide one a few per cent: a draw from there would carry an enormous weight, but among 1,000 hardly one comes.
# (An infinite variance of the weights alone does not explain it: `near` has it too, along the one direction in which the posterior's variance is more than twice that of $q$.)
#
# ## When the latent falls silent
#
# Nothing forces a VAE to use $z$: if the decoder ignores it, the best encoder is $q = p(z)$, the KL is 0, and the ELBO is that of a model without latents.
# When is that *the optimum*?
# For the linear model the answer is known.
# Let $\lambda$ be the variance of the data along an eigenvector of their covariance.
# The best weight $w$ in that direction is (Tipping and Bishop 1999; Lucas et al. 2019)
#
# $$w^{*2} = \max(0,\; \lambda - \sigma_x^2). \tag{17}$$
#
# (The model's variance there is $v = w^2 + \sigma_x^2$; its mean log-likelihood $-\frac12(\log v + \lambda/v)$ is largest at $v = \lambda$, and $v$ cannot go below $\sigma_x^2$.
# The encoder can be the exact posterior, so the ELBO has the same optimum.)
#
# A direction with less variance than the assumed noise is not worth its KL: its latent is switched off.
# That is **posterior collapse**.
# In this model, with a fixed $\sigma_x$, it is no accident of optimisation but the optimum.
# (Deep VAEs also collapse for other reasons: a decoder strong enough to do without $z$, Bowman et al. 2015; an encoder that lags behind, He et al. 2019.)
#
# A model with one number shows it: train $x \approx w z$ on data of variance $\lambda = 1$, with exact expectations instead of samples.


# %%
def fit_linear_vae(sigma, steps, lam=1.0):
    """The weight w and the KL, with q(z|x) = N(slope x, exp(logvar))."""
    w, slope, logvar = (torch.tensor(v, requires_grad=True) for v in (0.5, 0.5, -1.0))
    opt = torch.optim.Adam([w, slope, logvar], lr=0.02)
    for _ in range(steps):
        error = lam * (1 - w * slope) ** 2 + w**2 * logvar.exp()  # E (x - w z)^2
        kl = 0.5 * (slope**2 * lam + logvar.exp() - 1 - logvar)  # (8)
        loss = error / (2 * sigma**2) + kl
        opt.zero_grad()
        loss.backward()
        opt.step()
    return w.item(), kl.item()


# %%
rows = []
for s in (0.3, 0.6, 0.9, 1.2):
    w, kl = fit_linear_vae(s, run.fit_steps)
    best = max(0.0, 1 - s**2)
    rows.append((s, round(w**2, 4), best, max(0.0, round(kl, 4))))
    assert abs(w**2 - best) < 0.02  # (17)
tables.show(rows, ("σ_x", "w²", "by (17)", "KL, nats"))

# %% [markdown]
# ## Explore: the best linear VAE of faces
#
# With (17) we can write down the best linear VAE of the portraits without training.
# It takes the eigenvectors $u_k$ and eigenvalues $\lambda_k$ of their covariance, $W = [\ldots \sqrt{\lambda_k - \sigma_x^2}\, u_k \ldots]$ for those above $\sigma_x^2$, $b$ the mean face, and the encoder (3).
# We keep the 300 largest, so where $\sigma_x$ is very small it is the best with at most 300 latents.

# %%
faces = portraits.double().flatten(1)  # [N, D]
center = faces.mean(0)
values, vectors = torch.linalg.eigh(torch.cov(faces.T))  # in ascending order
eigenvalues, U = values.flip(0)[:300], vectors.flip(1)[:, :300]


# %%
def linear_vae(sigma):
    """W, and M^-1 of the posterior (3)."""
    active = eigenvalues > sigma**2
    W = U[:, active] * (eigenvalues[active] - sigma**2).sqrt()  # (17)
    return W, torch.linalg.inv(W.T @ W + sigma**2 * torch.eye(W.shape[1]))


def encode(sigma, x):
    """The mean and the log-variance of every active latent, as (8) takes them."""
    W, M_inv = linear_vae(sigma)
    logvar = (
        sigma**2 * M_inv.diagonal()
    ).log()  # M is diagonal: the u_k are orthogonal
    return (x - center) @ W @ M_inv, logvar.expand(len(x), -1)


def decode(sigma, z):
    return center + z @ linear_vae(sigma)[0].T


# %% [markdown]
# Shown are the decoder's means, clipped to the pixels' range: of $z = \mu$, and of $z$ from the prior. A sample of the model would have the pixel noise $\sigma_x$ on top.
#
# **Predict** what happens to the reconstructions, the samples, and the number of active latents as $\sigma_x$ grows, and what "mean squared error + KL" would give.


# %%
def pictures(flat):
    return flat.float().view(-1, 3, 32, 32).clamp(-1, 1)


noise = torch.randn(8, 300, generator=torch.Generator().manual_seed(2))


def silent(sigma_x):
    mean, logvar = encode(sigma_x, faces[:8])
    n, kl = mean.shape[1], gaussian_kl(mean, logvar).mean()
    rows = {
        "real": pictures(faces[:8]),
        f"reconstructed: {n} active latents, KL {kl:.0f} nats": pictures(
            decode(sigma_x, mean)
        ),
        "sampled, without the noise": pictures(decode(sigma_x, noise[:, :n])),
    }
    return plots.grid(rows, cols=8, title=f"assumed noise σ_x = {sigma_x:.2f}")


# %%
explore(
    silent,
    alt="Rows of portraits: real, reconstructed by a linear VAE, and sampled from it.",
    caption="At σ_x = 0.1 all the 300 latents that we keep are active; at 39, far "
    "beyond the slider, none. KL: the mean over the eight faces.",
    sigma_x=(0.1, 6.0, 0.5),
)
active = {s: linear_vae(s)[0].shape[1] for s in (0.1, 0.5, 39.2)}
assert active[0.1] == 300 and active[39.2] == 0

# %% [markdown]
# Three levels of assumed noise, side by side, with the reconstruction error over all faces:

# %%
shown, lost = {"real": pictures(faces[:8])}, []
for s in (0.3, 1.0, 3.0):
    mean, _ = encode(s, faces)
    x_hat = decode(s, mean)
    lost.append((x_hat - faces).square().mean().item())
    title = (
        f"σ_x = {s}: {mean.shape[1]} active latents, mean squared error {lost[-1]:.3f}"
    )
    shown[title] = pictures(x_hat[:8])
fig = plots.grid(shown, cols=8)
plots.cover(fig)
plots.show(
    fig,
    alt="Eight portraits, and what linear VAEs of three noise levels make of them.",
    caption="The larger the noise that the model assumes, the less it keeps of a face.",
)
assert lost[0] < lost[1] / 2 < lost[2] / 4

# %% [markdown]
# Is (17) the best in many dimensions too?
# With the exact posterior the ELBO is $\log p_\theta(x)$, by (5), and for columns of $W$ along eigenvectors that is a sum over directions.
# In none of them, the silent ones included, can another weight do better.
# (No other columns do better: for given variances of the model, $\mathrm{tr}(C^{-1} S)$, with $C$ its covariance and $S$ the data's, is least where both have the same eigenvectors in the same order, by von Neumann's inequality.)

# %%
lam, s = eigenvalues, 0.8
best = (lam - s**2).clamp(min=0)  # (17)
assert 0 < (best == 0).sum() < len(best)  # some are silent


def likelihood(w2):  # mean log p(x) along each direction, up to constants
    return -0.5 * ((w2 + s**2).log() + lam / (w2 + s**2))


others = [best * f for f in (0.0, 0.8, 0.95, 1.05, 1.3)] + [best + 0.05]
assert all((likelihood(best) >= likelihood(w2)).all() for w2 in others)

# %% [markdown]
# ## Break it
#
# A one-number encoder $q(z|x) = \mathcal{N}(\alpha x, \sigma_q^2)$ for the *fixed* decoder $w = 1$, $\sigma_x = 0.5$; by (3) the right answer is $\alpha = 0.8$, $\sigma_q = 0.447$.
# **Predict** what each mistake makes of it:
#
# 1. the exponential lost in the KL;
# 2. the log-variance used as the deviation when sampling;
# 3. no sampling at all, $z = \mu$;
# 4. the KL lost.


# %%
def spoiled_kl(mistake, mean, logvar):
    if mistake == "exponential lost":
        return -0.5 * (1 + logvar - mean**2 - logvar)
    if mistake == "KL lost":
        return torch.zeros(())
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar)  # (8)


def spoiled_deviation(mistake, logvar):
    if mistake == "logvar as deviation":
        return logvar
    if mistake == "no sampling":
        return 0.0
    return torch.exp(0.5 * logvar)  # (14)


# %%
def fit_encoder(mistake, steps=800):
    torch.manual_seed(run.seed)
    alpha = torch.tensor(0.1, requires_grad=True)
    logvar = torch.tensor(-0.5, requires_grad=True)
    opt = torch.optim.Adam([alpha, logvar], lr=0.02)
    for step in range(steps):
        opt.param_groups[0]["lr"] = 0.02 * (1 - step / steps)
        x = math.sqrt(1.25) * torch.randn(256)  # from the model: w² + sigma_x² = 1.25
        eps = torch.randn(256)
        z = alpha * x + spoiled_deviation(mistake, logvar) * eps
        kl = spoiled_kl(mistake, alpha * x, logvar)
        loss = ((x - z) ** 2 / (2 * 0.5**2) + kl).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return alpha.item(), torch.exp(0.5 * logvar).item()


# %%
MISTAKES = ("exponential lost", "logvar as deviation", "no sampling", "KL lost")
outcomes = {mistake: fit_encoder(mistake) for mistake in ("none", *MISTAKES)}
rows = [(mistake, *found) for mistake, found in outcomes.items()]
tables.show([*rows, ("right, by (3)", 0.8, math.sqrt(0.2))], ("mistake", "α", "σ_q"))

# %% [markdown]
# None of them raises an error, and each gives a wrong *posterior width*.
# Without the exponential nothing rewards a width, so it keeps falling.
# Used as a deviation, the log-variance settles at 0: no noise for the decoder, the prior's width for the KL.
# Without sampling nothing holds the width, and the KL pulls it to the prior's 1.
# Without the KL it falls too, and $\alpha$ goes to 1: an ordinary autoencoder.

# %%
alpha, sigma_q = outcomes["none"]
assert abs(alpha - 0.8) < 0.03 and abs(sigma_q - math.sqrt(0.2)) < 0.02
for mistake in ("exponential lost", "KL lost"):
    assert outcomes[mistake][1] < 0.3  # the longer one trains, the lower
for mistake in ("logvar as deviation", "no sampling"):
    assert abs(outcomes[mistake][1] - 1) < 0.05
assert abs(outcomes["KL lost"][0] - 1) < 0.05

# %%
run.report(
    largest_difference=max(errors.values()),
    iwae_gap=iwae_gap,
    variance_ratio=variance_ratio,
    naive_gap=naive_gap,
    active_at_half=active[0.5],
    active_at_39=active[39.2],
)
run.expect(largest_difference=("<", 1e-8), iwae_gap=("<", 0.05), naive_gap=(">", 1))

# %% [markdown]
# ## Exercises
#
# One or two stars.
# [The exercise notebook](exercises/15_elbo.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(3 minutes)* Which $\sigma_x$ hides in "squared errors + w KL"?
# 2. ★ *(5 minutes)* The KL from mean and log-variance.
# 3. ★★ *(10 minutes)* `reparameterize`, and its gradient by the log-variance.
# 4. ★ *(3 minutes)* The bound from its two terms.
# 5. ★★ *(15 minutes)* The IWAE bound from weights as small as $e^{-1000}$.
#
# To try here *(30 minutes, a project)*: subtract a baseline in (13), $f(z) - c$.
# Show that it changes no mean, find the best $c$, and see how close it brings the score function to the pathwise estimator in 256 dimensions.
#
# (Averaged over images, the KL of the bound says how much a code tells of its image, plus how far all codes together are from the prior: notebook 32 takes it apart.)
#
# ## What to remember
#
# - $\log p(x) = \mathrm{ELBO} + \mathrm{KL}(q\,\|\,\text{posterior})$: an identity. The bound is as good as the encoder.
# - ELBO = fit - KL to the prior; its KL is never negative.
# - A Gaussian likelihood's $\sigma_x$ is the weight between the two terms. Averaging the error over the pixels while the KL is summed makes it absurd.
# - $z = \mu + \sigma\epsilon$ lets the gradient through; $K$ samples inside the logarithm tighten the bound.
# - In a linear VAE, directions with less variance than the assumed noise go silent.
#
# ## Further reading
#
# - D. P. Kingma, M. Welling, *Auto-Encoding Variational Bayes*, 2013, arXiv:1312.6114.
# - D. J. Rezende, S. Mohamed, D. Wierstra, *Stochastic Backpropagation and Approximate Inference in Deep Generative Models*, 2014, arXiv:1401.4082.
# - Y. Burda, R. Grosse, R. Salakhutdinov, *Importance Weighted Autoencoders*, 2015, arXiv:1509.00519.
# - M. E. Tipping, C. M. Bishop, *Probabilistic Principal Component Analysis*, Journal of the Royal Statistical Society B 61, 1999.
# - S. R. Bowman et al., *Generating Sentences from a Continuous Space*, 2015, arXiv:1511.06349.
# - J. Lucas, G. Tucker, R. Grosse, M. Norouzi, *Don't Blame the ELBO! A Linear VAE Perspective on Posterior Collapse*, 2019, arXiv:1911.02469.
# - J. He, D. Spokoyny, G. Neubig, T. Berg-Kirkpatrick, *Lagging Inference Networks and Posterior Collapse in Variational Autoencoders*, 2019, arXiv:1901.05534.
# - S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, *Monte Carlo Gradient Estimation in Machine Learning*, 2019, arXiv:1906.10652.
