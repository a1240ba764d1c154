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
# # 15 The ELBO and the reparameterisation trick
#
# *You will bound a probability that nobody can compute, see how loose the bound is on a model where the truth is known to the last digit, differentiate through a dice roll, and find the hidden number in
# "MSE + KL" that decides whether a VAE learns anything.*
#
# ![Portraits, and what the best linear VAE makes of them at three noise levels: the larger the noise it assumes, the less it keeps.](../data/pictures/15_elbo.png)
#
# **You need** notebook 13 (KL), Gaussians in several dimensions, and expectations. The next cell says how long it takes.

# %%
import itertools
import math

import torch
import torch.distributions as D

from genimg_lib import data, plots, tables, vae
from genimg_lib.training import start
from genimg_lib.widgets import explore

run = start("15_elbo", draws=(10_000, 200_000, 200_000), repeats=(50, 400, 400), fit_steps=(300, 1_500, 1_500), portraits=(1_000, 5_000, 5_000))
tables.show_expected("15_elbo")
portraits = data.to_float(data.load("portraits", n=run.portraits, seed=run.seed).images)
torch.set_default_dtype(torch.float64)  # this notebook compares formulas to many digits
run

# %% [markdown]
# ## Why
#
# A **latent variable model** makes an image in two steps: draw a few numbers $z$ from the prior $p(z) = \mathcal{N}(0, I)$, then draw $x$ from $p_\theta(x|z)$, which a network with weights $\theta$ describes. The probability of an image is the average over all $z$ that might have made it:
#
# $$p_\theta(x) = \int p(z)\, p_\theta(x|z)\, dz = \mathbb{E}_{p(z)}\, p_\theta(x|z). \tag{1}$$
#
# Maximum likelihood wants $\log p_\theta(x)$ to be large. The average looks easy to estimate: draw many $z$, take the mean. Let us try it on a model where the truth is known.

# %% [markdown]
# The known model is **probabilistic PCA** (Tipping and Bishop 1999): a linear decoder, $x = W z + b + \sigma_x\, \eta$ with standard normal $\eta$, for $x \in \mathbb{R}^D$, $z \in \mathbb{R}^d$. Sums of Gaussians are Gaussian, so
#
# $$p_\theta(x) = \mathcal{N}\big(x;\; b,\; W W^\top + \sigma_x^2 I\big), \tag{2}$$
#
# and so is the **posterior**: with $M = W^\top W + \sigma_x^2 I$
#
# $$p_\theta(z|x) = \mathcal{N}\big(z;\; M^{-1} W^\top (x - b),\; \sigma_x^2 M^{-1}\big). \tag{3}$$
#
# To see it, collect the powers of $z$ in $\log p(z) + \log p_\theta(x|z) = -\frac12 z^\top \frac{M}{\sigma_x^2}\, z + z^\top \frac{W^\top (x - b)}{\sigma_x^2} + \text{const}$. A Gaussian with precision (inverse covariance) $P$ and mean $m$ has $-\frac12 z^\top P z + z^\top P m$; compare.

# %%
torch.manual_seed(run.seed)
DIM, LATENT, SIGMA = 32, 8, 0.3
W, b = torch.randn(DIM, LATENT), torch.randn(DIM)
decoder = lambda z: vae.Gaussian(z @ W.T + b, math.log(SIGMA))  # p(x|z), as notebook 31 uses it
prior = D.MultivariateNormal(torch.zeros(LATENT), torch.eye(LATENT))
evidence = D.MultivariateNormal(b, W @ W.T + SIGMA**2 * torch.eye(DIM))  # (2)
M_inv = torch.linalg.inv(W.T @ W + SIGMA**2 * torch.eye(LATENT))
posterior = lambda x: D.MultivariateNormal((x - b) @ W @ M_inv, SIGMA**2 * M_inv)  # (3)

x = decoder(prior.sample((8,))).mean + SIGMA * torch.randn(8, DIM)  # eight "images" from the model itself
truth = evidence.log_prob(x)
z = torch.randn(8, LATENT)  # Bayes' rule has to hold at any z
errors = {"Bayes": (prior.log_prob(z) + decoder(z).log_prob(x) - posterior(x).log_prob(z) - truth).abs().max().item()}
grid = torch.linspace(-8, 8, 4_001)  # (1), by adding up over one latent number: x = z + 0.5 eta at x = 1.3
by_integral = (D.Normal(0.0, 1.0).log_prob(grid) + D.Normal(grid, 0.5).log_prob(torch.tensor(1.3))).exp().sum() * (grid[1] - grid[0])
assert abs(by_integral.log() - D.Normal(0.0, math.sqrt(1.25)).log_prob(torch.tensor(1.3))) < 1e-8 and errors["Bayes"] < 1e-8

# %%
counts = (10, 100, 1_000, 10_000, 100_000)
log_p = torch.stack([decoder(z).log_prob(x[:1].expand(len(z), -1)) for z in prior.sample((5, counts[-1]))])  # [5, K]: five attempts
naive = torch.stack([log_p[:, :k].logsumexp(1) - math.log(k) for k in counts])  # (1)
fig, axis = plots.figure(width=6.5, height=2.8)
axis.semilogx(counts, naive, "o-", color=plots.COLORS[3], alpha=0.7, linewidth=1.2)
axis.axhline(truth[0], color="black"), axis.text(10, truth[0] + 8, "the truth", fontsize=10)
axis.set(xlabel="draws from the prior", ylabel="log p(x), nats", ylim=(truth[0] - 400, truth[0] + 60))
plots.show(fig, alt="Five rising lines, the naive estimates of log p(x), far below the black line of the truth even at 100,000 draws.", caption="Five attempts. Almost every z of the prior makes another image, so almost every term of the mean is 0. And this is 32 numbers from 8.")

# %% [markdown]
# The mean is right on average, yet its logarithm is too low (Jensen), and here by much: the mean is dominated by the rare $z$ that fit. So look where they are: draw $z$ from a distribution $q_\phi(z|x)$, the **encoder**, that depends on the image.
#
# ## The bound, derived twice
#
# **By Jensen.** Multiply and divide by $q$ in (1). The logarithm is concave, so it may move inside an expectation at the price of getting smaller:
#
# $$\log p_\theta(x) = \log \mathbb{E}_{q_\phi(z|x)} \frac{p(z)\,p_\theta(x|z)}{q_\phi(z|x)} \;\ge\; \mathbb{E}_{q_\phi(z|x)} \log\frac{p(z)\,p_\theta(x|z)}{q_\phi(z|x)} = \mathrm{ELBO}(x). \tag{4}$$
#
# **As an identity.** Jensen does not say how much is lost. Write $p(z)\, p_\theta(x|z) = p_\theta(x)\, p_\theta(z|x)$ inside the last expectation; the first factor comes out, and
#
# $$\log p_\theta(x) = \mathrm{ELBO}(x) + \mathrm{KL}\big(q_\phi(z|x)\,\|\,p_\theta(z|x)\big). \tag{5}$$

# %% [markdown]
# What is lost is how far the encoder is from the true posterior. Nothing is lost where they agree. And since the left side does not depend on $\phi$, raising the ELBO over $\phi$ **is** making $q$ like the posterior. Split the logarithm in (4) the other way, and you have the form in which it is computed:
#
# $$\mathrm{ELBO}(x) = \mathbb{E}_{q_\phi(z|x)} \log p_\theta(x|z) - \mathrm{KL}\big(q_\phi(z|x)\,\|\,p(z)\big). \tag{6}$$
#
# The first term wants $z$ to tell what $x$ was; the second charges for every nat that $z$ knows about $x$. For probabilistic PCA and $q = \mathcal{N}(\mu, S)$ the first term is closed too:
#
# $$\mathbb{E}_q \log p_\theta(x|z) = -\tfrac{D}{2}\log(2\pi\sigma_x^2) - \frac{|x - b - W\mu|^2 + \mathrm{tr}(W S W^\top)}{2\sigma_x^2}. \tag{7}$$


# %%
def exact_terms(x, q):
    """(7) and the KL to the prior, in closed form, for q = N(mu, S)."""
    mu, S = q.mean, q.covariance_matrix
    inner = (x - b - mu @ W.T).square().sum(-1) + torch.einsum("dk,...kl,dl->...", W, S, W)
    return -DIM / 2 * math.log(2 * math.pi * SIGMA**2) - inner / (2 * SIGMA**2), D.kl_divergence(q, prior)


q = D.MultivariateNormal(posterior(x).mean + 0.02 * torch.randn(8, LATENT), 0.01 * torch.eye(LATENT))  # some encoder, not the best
fit, cost = exact_terms(x, q)
gap = D.kl_divergence(q, posterior(x))
errors["identity"] = (truth - (fit - cost) - gap).abs().max().item()  # (5) and (6)
z = q.sample((run.draws,))
samples = prior.log_prob(z) + decoder(z.flatten(0, 1)).log_prob(x.expand(run.draws, -1, -1).flatten(0, 1)).view(-1, 8) - q.log_prob(z)
standard_error = samples.std(dim=0) / math.sqrt(run.draws)
assert ((samples.mean(0) - (fit - cost)).abs() < 4.5 * standard_error).all()  # (4): the same number by sampling
assert errors["identity"] < 1e-8 and (fit - cost <= truth).all()
print(f"log p(x) {truth[0]:.3f} = ELBO {fit[0] - cost[0]:.3f} + KL to the posterior {gap[0]:.3f};   by sampling, ELBO {samples.mean(0)[0]:.3f} +- {standard_error[0]:.3f}")
print(f"E_q log p(x|z) alone is {fit[0]:.3f}: above log p(x)")
assert (fit > truth).all()

# %% [markdown]
# The last line matters: tutorials can be found that print "$\log p(x) = \mathbb{E}_q \log p(x|z)$". The KL term is lost there, and what is called the likelihood comes out *larger* than the true one.
#
# **Explore.** One latent number, $x = w z + \sigma_x\eta$ with $w = 1$. Turn $q$'s two knobs. **Predict** which pair closes the gap, and which costs more: a $q$ that is too narrow or one that is too wide.


# %%
def one_latent(q_mean, q_sigma, x, sigma_x):
    M = 1 + sigma_x**2
    post, q, p_x = D.Normal(x / M, sigma_x / math.sqrt(M)), D.Normal(q_mean, q_sigma), D.Normal(0.0, math.sqrt(1 + sigma_x**2))
    log_p, kl_prior = p_x.log_prob(torch.tensor(x)).item(), D.kl_divergence(q, D.Normal(0.0, 1.0)).item()
    fit = -0.5 * math.log(2 * math.pi * sigma_x**2) - ((x - q_mean) ** 2 + q_sigma**2) / (2 * sigma_x**2)
    fig, (left, right) = plots.figure(1, 2, height=2.9, gridspec_kw={"width_ratios": [3, 2]})
    grid = torch.linspace(-4, 4, 201)
    for density, color, name in ((D.Normal(0.0, 1.0), plots.COLORS[7], "prior p(z)"), (post, plots.COLORS[2], "posterior p(z|x)"), (q, plots.COLORS[3], "q(z|x)")):
        left.plot(grid, density.log_prob(grid).exp(), color=color, label=name)
    left.legend(loc="upper left", fontsize=9), left.set(xlabel="z", ylabel="density", ylim=(0, 2), xticks=[-4, 0, 4], yticks=[0, 1, 2])
    elbo = fit - kl_prior
    right.barh(["log p(x)", "ELBO", "gap"], [log_p, elbo, log_p - elbo], color=[plots.COLORS[0], plots.COLORS[3], plots.COLORS[7]])
    right.set(xlim=(-12, 6), xticks=[-10, -5, 0, 5], title=f"gap {log_p - elbo:.3f} nats"), right.invert_yaxis()
    return fig


explore(
    one_latent, alt="Prior, posterior and q as three bell curves; bars for log p(x), the ELBO and the gap between them.",
    caption="The gap is KL(q, posterior), whatever you do. Move q onto the green curve.",
    q_mean=(-2.0, 3.0, 0.4), q_sigma=(0.1, 2.0, 0.8), x=(-3.0, 3.0, 1.5), sigma_x=(0.2, 1.5, 0.6),
)  # fmt: skip

# %% [markdown]
# ## The KL term
#
# Encoders are usually $q = \mathcal{N}(\mu, \mathrm{diag}(\sigma^2))$. For one coordinate, $\mathrm{KL} = \mathbb{E}_q[\log q(z) - \log p(z)]$ with $\log q = -\frac12 \log 2\pi\sigma^2 - (z-\mu)^2/2\sigma^2$ and $\log p = -\frac12\log 2\pi - z^2/2$. Under $q$, $\mathbb{E}(z-\mu)^2 = \sigma^2$ and $\mathbb{E} z^2 = \mu^2 + \sigma^2$. Sum over coordinates:
#
# $$\mathrm{KL}\big(q_\phi(z|x)\,\|\,p(z)\big) = \tfrac12 \sum_{i} \big(\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2\big). \tag{8}$$
#
# Networks give $\log\sigma^2$ ("logvar"), as any real number is allowed there.


# %%
def gaussian_kl(mean, logvar):
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1)  # (8)


mean, logvar = torch.randn(500, 6), torch.randn(500, 6)
q = D.Normal(mean, torch.exp(0.5 * logvar))
errors["KL"] = (gaussian_kl(mean, logvar) - D.kl_divergence(q, D.Normal(0.0, 1.0)).sum(1)).abs().max().item()
errors["KL, library"] = (gaussian_kl(mean, logvar) - vae.gaussian_kl(mean, logvar)).abs().max().item()
wrong = {
    "exponential lost": -0.5 * (1 + logvar - mean**2 - logvar).sum(1), "logvar as deviation": 0.5 * (mean**2 + logvar**2 - 1 - 2 * logvar.abs().log()).sum(1),
    "exp(logvar) as deviation": 0.5 * (mean**2 + torch.exp(2 * logvar) - 1 - 2 * logvar).sum(1),
}  # fmt: skip
print(f"{'right':<26} mean {gaussian_kl(mean, logvar).mean():7.2f}, smallest {gaussian_kl(mean, logvar).min():6.2f}")
for name, value in wrong.items():
    print(f"{name:<26} mean {value.mean():7.2f}, smallest {value.min():6.2f}")
assert wrong["exponential lost"].min() < 0  # no divergence is negative: a test that costs one line

# %% [markdown]
# ## The likelihood term, and the number hidden in it
#
# Black-or-white pixels are **Bernoulli**: with $\hat x = 1/(1 + e^{-\text{logit}})$,
#
# $$\log p_\theta(x|z) = \sum_i x_i \log \hat x_i + (1 - x_i)\log(1 - \hat x_i), \tag{9}$$
#
# minus the cross-entropy. Other pixels are mostly taken as **Gaussian** around $\hat x$, with one $\sigma_x$ for all:
#
# $$-\log p_\theta(x|z) = \frac{|x - \hat x|^2}{2\sigma_x^2} + D\log\sigma_x + \tfrac{D}{2}\log 2\pi. \tag{10}$$
#
# Multiply the negative ELBO by $2\sigma_x^2$ and drop what does not depend on the networks:
#
# $$|x - \hat x|^2 + 2\sigma_x^2\,\mathrm{KL}. \tag{11}$$

# %% [markdown]
# So "squared error plus KL" is an ELBO for **one** $\sigma_x$, whether the author chose it or not: $\sigma_x^2 = 1/2$ if the error is *summed* over pixels. If it is *averaged*, multiply the whole loss by $D$: sum $+\, D\cdot\mathrm{KL}$, so $2\sigma_x^2 = D$. For a 32x32 colour image that is $\sigma_x = 39$, on a scale from -1 to 1. Such a model is told that pixels are pure noise, and learns as much.
#
# The best $\sigma_x$ for given networks can be read off (10): set its derivative to zero,
#
# $$\sigma_x^{*2} = \frac{1}{D}\,\mathbb{E}\,|x - \hat x|^2. \tag{12}$$

# %%
logits, bits = torch.randn(5, 40, requires_grad=True), torch.randint(0, 2, (5, 40)).double()
x_hat = torch.sigmoid(logits)
by_hand = (bits * x_hat.log() + (1 - bits) * (1 - x_hat).log()).sum(1)  # (9)
errors["Bernoulli"] = (by_hand - vae.Bernoulli(logits).log_prob(bits)).abs().max().item()
image, output, mean, logvar = torch.randn(5, 40), torch.randn(5, 40, requires_grad=True), torch.randn(5, 3, requires_grad=True), torch.randn(5, 3)
for s in (0.2, math.sqrt(0.5), 3.0):
    likelihood = vae.Gaussian(output, math.log(s))
    errors[f"Gaussian, {s:.1f}"] = (likelihood.log_prob(image) - D.Normal(output, s).log_prob(image).sum(1)).abs().max().item()  # (10)
    negative_elbo = (-likelihood.log_prob(image) + gaussian_kl(mean, logvar)).sum()
    weighted = ((image - output).square().sum(1) + 2 * s**2 * gaussian_kl(mean, logvar)).sum()  # (11)
    for g, h in zip(torch.autograd.grad(negative_elbo, (output, mean)), torch.autograd.grad(weighted, (output, mean)), strict=True):
        assert torch.allclose(2 * s**2 * g, h)  # the same gradients, up to the factor
sigmas = torch.linspace(0.5, 3, 2_001)
total = torch.stack([vae.Gaussian(output, math.log(s)).log_prob(image).sum() for s in sigmas.tolist()])
assert abs(sigmas[total.argmax()] - (image - output).square().mean().sqrt()) < 2e-3  # (12)
# NBVAL_CHECK_OUTPUT
print(f"sigma hidden in 'mean squared error + KL' at 32x32x3: {math.sqrt(3 * 32 * 32 / 2):.1f}")

# %% [markdown]
# ## A gradient through a dice roll
#
# The ELBO's first term is an expectation over $z \sim q_\phi$, and we want its gradient by $\phi$. The draw itself has none: it arrives as a plain number, not as a function of $\mu$. Two ways out.
#
# **Score function**: differentiate the density, $\nabla q = q\, \nabla \log q$:
#
# $$\nabla_\phi\, \mathbb{E}_{q_\phi} f(z) = \int f(z)\, \nabla_\phi q_\phi(z)\, dz = \mathbb{E}_{q_\phi}\big[f(z)\, \nabla_\phi \log q_\phi(z)\big]. \tag{13}$$
#
# **Pathwise**, the reparameterisation trick (Kingma and Welling 2013; Rezende et al. 2014): roll the dice first, $\epsilon \sim \mathcal{N}(0, I)$, then move the result. The randomness no longer depends on $\phi$, and the gradient goes inside:
#
# $$z = \mu + \sigma\,\epsilon, \qquad \nabla_\phi\, \mathbb{E}_{q_\phi} f(z) = \mathbb{E}_\epsilon\, \nabla_\phi f(\mu + \sigma\,\epsilon). \tag{14}$$

# %% [markdown]
# Both are right on average. How much do they scatter? Take $f(z) = z^2$, whose expectation $\mu^2 + \sigma^2$ has the slope $2\mu$ by $\mu$. A single draw gives $2(\mu + \sigma\epsilon)$ by (14), and $(\mu + \sigma\epsilon)^2 \epsilon/\sigma$ by (13), as $\nabla_\mu \log q = (z - \mu)/\sigma^2 = \epsilon/\sigma$. With $\mathbb{E}\epsilon^2 = 1$, $\mathbb{E}\epsilon^4 = 3$, $\mathbb{E}\epsilon^6 = 15$, the variances are
#
# $$\mathrm{Var}_\text{pathwise} = 4\sigma^2, \qquad \mathrm{Var}_\text{score} = \frac{\mu^4}{\sigma^2} + 14\mu^2 + 15\sigma^2. \tag{15}$$


# %%
def estimators(mu, sigma, n):
    eps = torch.randn(n)
    z = mu + sigma * eps
    return {"pathwise": 2 * z, "score function": z**2 * eps / sigma}  # (14), (13)


mu, sigma = torch.tensor(1.5, requires_grad=True), 0.5
z = vae.reparameterize(mu.expand(run.draws), torch.full((run.draws,), 2 * math.log(sigma)))  # the library's (14): autograd does the rest
by_autograd = torch.autograd.grad(z.square().mean(), mu)[0].item()
assert not D.Normal(mu, sigma).sample().requires_grad  # a plain draw: the gradient stops here
predicted = {"pathwise": 4 * sigma**2, "score function": 1.5**4 / sigma**2 + 14 * 1.5**2 + 15 * sigma**2}  # (15)
for name, draws in estimators(1.5, sigma, run.draws).items():
    error = draws.std().item() / math.sqrt(run.draws)
    print(f"{name:<15} {draws.mean():.3f} +- {error:.3f} (slope: 3; autograd {by_autograd:.3f}), variance {draws.var():8.3f}, by formula {predicted[name]:8.3f}")
    assert abs(draws.mean() - 3) < 4.5 * error and abs(draws.var() / predicted[name] - 1) < (0.3 if run.profile == "quick" else 0.1)
assert abs(by_autograd - 3) < 4.5 / math.sqrt(run.draws)  # (14): one draw has deviation 1
ratio = predicted["score function"] / predicted["pathwise"]


# %%
def scatter(mu, sigma, draws_per_estimate):
    torch.manual_seed(0)
    fig, axis = plots.figure(height=2.8)
    spread = 4.5 * math.sqrt(mu**4 / sigma**2 + 14 * mu**2 + 15 * sigma**2) / math.sqrt(draws_per_estimate)
    bins = torch.linspace(2 * mu - spread, 2 * mu + spread, 81).tolist()
    for (name, draws), color in zip(estimators(mu, sigma, 1_000 * draws_per_estimate).items(), (plots.COLORS[0], plots.COLORS[3]), strict=True):
        means = draws.view(1_000, -1).mean(1)
        counts = torch.histc(means.clamp(bins[0], bins[-1]), 80, bins[0], bins[-1])
        axis.stairs(counts.add(1).log10(), bins, fill=True, color=color, alpha=0.6, label=f"{name}: deviation {means.std():.2f}")
    axis.axvline(2 * mu, color="black", linewidth=1), axis.legend(loc="upper right"), axis.set(xlabel="estimate of the slope", ylabel="of 1,000 estimates", ylim=(0, 3.1))
    axis.set_yticks([math.log10(n + 1) for n in (0, 10, 100, 1_000)], ["0", "10", "100", "1,000"])
    return fig


explore(
    scatter, alt="Two histograms around the same true slope: a narrow blue one, pathwise, and a very wide one, the score function's.",
    caption="Both are centred on the truth (black). Predict: what does a larger μ do to each? What happens as σ goes to 0?",
    mu=(-3.0, 3.0, 1.5), sigma=(0.1, 2.0, 0.5), draws_per_estimate=(1, 100, 10),
)  # fmt: skip

# %% [markdown]
# The pathwise estimator knows the *slope* of $f$; the score function only its values, and has to find out by chance in which direction they rise. That gets worse with every dimension. Its merit: $f$ need not be differentiable, nor $z$ continuous.

# %%
dims, variances = (1, 4, 16, 64, 256), {"pathwise": [], "score function": []}
for dim in dims:  # f(z) = |z|^2 in several dimensions; the slope by the first mean
    eps = torch.randn(run.draws // 10, dim)
    z = 1.5 + 0.5 * eps
    variances["pathwise"].append((2 * z[:, 0]).var().item())
    variances["score function"].append((z.square().sum(1) * eps[:, 0] / 0.5).var().item())
fig, axis = plots.figure(width=6.0, height=2.7)
for (name, values), color in zip(variances.items(), (plots.COLORS[0], plots.COLORS[3]), strict=True):
    axis.loglog(dims, values, "o-", color=color, label=name)
axis.set(xlabel="dimensions of z", ylabel="variance of one draw"), axis.legend()
plots.show(fig, alt="Variance against dimensions: flat for the pathwise estimator, rising with the square for the score function.", caption="The price of one coordinate's slope. Pathwise: always the same. Score function: the noise of all other coordinates is in it.")
assert variances["score function"][-1] > 1_000 * variances["pathwise"][-1]

# %% [markdown]
# ## A tighter bound
#
# Draw $K$ samples and average *before* the logarithm (Burda et al. 2015). With $w_i = p_\theta(x|z_i)\,p(z_i)/q_\phi(z_i|x)$,
#
# $$\mathcal{L}_K = \mathbb{E}\, \log \frac1K \sum_{i=1}^K w_i, \qquad \mathrm{ELBO} = \mathcal{L}_1 \le \mathcal{L}_K \le \mathcal{L}_{K+1} \le \log p_\theta(x). \tag{16}$$
#
# This is the importance-weighted or **IWAE** bound. Why it rises: leave out one of $K + 1$ numbers and average the rest; the average of those $K + 1$ averages is the mean of all. Jensen again. For an encoder that is nowhere 0 where the posterior is not, the bound reaches the truth as $K$ grows, since the mean tends to $p_\theta(x)$. The weights underflow, so with $l_i = \log w_i$ and $m = \max_i l_i$ compute $\log\sum_i e^{l_i} = m + \log\sum_i e^{l_i - m}$.


# %%
def iwae_bound(x, encoder, decoder, eps):  # eps: [K, N, d]
    mean, logvar = encoder(x)
    z = mean + torch.exp(0.5 * logvar) * eps
    log_w = torch.stack([decoder(zk).log_prob(x) for zk in z])  # log p(x|z), [K, N]
    log_w = log_w + D.Normal(0.0, 1.0).log_prob(z).sum(-1) - D.Normal(mean, torch.exp(0.5 * logvar)).log_prob(z).sum(-1)
    return torch.logsumexp(log_w, dim=0) - math.log(len(eps))  # (16)


def encoder_like(shift, widen):
    """An encoder: the posterior's mean moved by shift deviations, its deviations times widen; correlations are lost, as q is diagonal."""
    return lambda x: (posterior(x).mean + shift * SIGMA * M_inv.diagonal().sqrt(), (widen**2 * SIGMA**2 * M_inv.diagonal()).log().expand(len(x), LATENT))


eps = torch.randn(7, 8, LATENT)
errors["IWAE, library"] = (iwae_bound(x, encoder_like(1, 2), decoder, eps) - vae.iwae_bound(x, encoder_like(1, 2), decoder, 7, eps)).abs().max().item()
ENCODERS = {"near the posterior": encoder_like(0, 1), "moved": encoder_like(1, 1), "too wide": encoder_like(0, 2.5), "too narrow": encoder_like(0, 0.4)}
KS, bounds = (1, 10, 100, 1_000), {}
for name, encoder in ENCODERS.items():
    bounds[name] = [torch.stack([vae.iwae_bound(x, encoder, decoder, k) for _ in range(run.repeats if k < 1_000 else run.repeats // 5)]).mean().item() for k in KS]

# %%
fig, axis = plots.figure(width=6.5, height=3.0)
for (name, values), color in zip(bounds.items(), plots.COLORS, strict=False):
    axis.semilogx(KS, values, "o-", color=color, label=name)
axis.axhline(truth.mean(), color="black"), axis.text(1, truth.mean() + 0.15, "log p(x), exactly", fontsize=10)
axis.set(xlabel="K", ylabel="bound, nats", ylim=(truth.mean() - 5, truth.mean() + 0.8)), axis.legend(loc="lower right")
plots.show(fig, alt="Four rising lines towards the black line of the exact value; the encoder near the posterior is there at once, the wide one comes from far below.", caption="Every encoder's bound rises to the truth; a bad encoder pays with samples. The wide one begins far below the picture and catches up; the narrow one seldom looks where the posterior has mass, and lags.")
iwae_gap = truth.mean().item() - bounds["near the posterior"][-1]
print(f"gap of the near-exact encoder at K = 1,000: {iwae_gap:.4f} nats")
mean, logvar = ENCODERS["moved"](x)
fit, cost = exact_terms(x, D.MultivariateNormal(mean, torch.diag_embed(logvar.exp())))
assert abs(bounds["moved"][0] - (fit - cost).mean()) < 0.5  # L_1 is the ELBO
for values in bounds.values():
    assert all(b > a - 0.02 for a, b in itertools.pairwise(values)) and values[-1] < truth.mean() + 0.05

# %% [markdown]
# ## When the latent falls silent
#
# Nothing forces a VAE to use $z$: if the decoder ignores it, the best encoder is $q = p(z)$, the KL is 0, and the ELBO is that of a model without latents. When is that *the optimum*? For the linear model the answer is known. Let $\lambda$ be the variance of the data along an eigenvector of their covariance. The best weight $w$ in that direction is (Tipping and Bishop 1999; Lucas et al. 2019)
#
# $$w^{*2} = \max(0,\; \lambda - \sigma_x^2). \tag{17}$$
#
# (The model's variance there is $v = w^2 + \sigma_x^2$; its mean log-likelihood $-\frac12(\log v + \lambda/v)$ is largest at $v = \lambda$, and $v$ cannot go below $\sigma_x^2$. The encoder can be the exact posterior, so the ELBO has the same optimum.)
#
# A direction with less variance than the assumed noise is not worth its KL: its latent is switched off. That is **posterior collapse**, and it is no accident of optimisation. A model with one number shows it: train $x \approx w z$ on data of variance $\lambda = 1$.


# %%
def fit_linear_vae(sigma, steps, lam=1.0):
    """The weight w of a one-number VAE trained on data of variance lam: exact expectations, no sampling."""
    w, slope, logvar = (torch.tensor(v, requires_grad=True) for v in (0.5, 0.5, -1.0))  # q(z|x) = N(slope x, exp(logvar))
    opt = torch.optim.Adam([w, slope, logvar], lr=0.02)
    for _ in range(steps):
        error = lam * (1 - w * slope) ** 2 + w**2 * logvar.exp()  # E (x - w z)^2
        kl = 0.5 * (slope**2 * lam + logvar.exp() - 1 - logvar)
        loss = error / (2 * sigma**2) + kl
        opt.zero_grad()
        loss.backward()
        opt.step()
    return w.item(), kl.item()


found = {s: fit_linear_vae(s, run.fit_steps) for s in (0.3, 0.6, 0.9, 1.2)}
for s, (w, kl) in found.items():
    print(f"sigma {s}: w² = {w**2:.3f}, by (17) {max(0, 1 - s**2):.3f}; KL = {max(0.0, kl):.3f} nats")
    assert abs(w**2 - max(0, 1 - s**2)) < 0.02

# %% [markdown]
# ## Explore: the best linear VAE of faces
#
# With (17) we can write down the best linear VAE of the portraits without training: eigenvectors $u_k$ and eigenvalues $\lambda_k$ of their covariance, $W = [\ldots \sqrt{\lambda_k - \sigma_x^2}\, u_k \ldots]$ for those above $\sigma_x^2$, encoder (3). **Predict** what happens to the reconstructions, the samples, and the number of active latents as $\sigma_x$ grows, and what "mean squared error + KL" would give.

# %%
faces = portraits.double().flatten(1)
center = faces.mean(0)
U, singular, _ = torch.linalg.svd((faces - center).T / math.sqrt(len(faces) - 1), full_matrices=False)
eigenvalues = singular**2  # descending


def linear_vae(sigma, most=300):
    keep = eigenvalues[:most] > sigma**2
    W = U[:, :most][:, keep] * (eigenvalues[:most][keep] - sigma**2).sqrt()  # (17)
    return W, torch.linalg.inv(W.T @ W + sigma**2 * torch.eye(W.shape[1]))


noise = torch.randn(8, 300, generator=torch.Generator().manual_seed(2))


def silent(sigma_x):
    W, M_inv = linear_vae(sigma_x)
    z = (faces[:8] - center) @ W @ M_inv
    kl = (0.5 * (z.square().sum(1) + sigma_x**2 * M_inv.diagonal().sum() - W.shape[1] - (sigma_x**2 * M_inv.diagonal()).log().sum())).mean()
    rows = {"real": faces[:8], f"reconstructed: {W.shape[1]} active latents, KL {kl:.0f} nats": center + z @ W.T, "sampled": center + noise[:, : W.shape[1]] @ W.T}
    return plots.grid({name: row.float().view(-1, 3, 32, 32).clamp(-1, 1) for name, row in rows.items()}, cols=8, title=f"assumed noise σ_x = {sigma_x:.2f}")


explore(silent, alt="Rows of portraits: real, reconstructed by a linear VAE, and sampled from it.", caption="At small σ_x hundreds of latents are active (at most 300 are kept here). At σ_x = 39, the hidden choice of 'mean squared error + KL', none is.", sigma_x=(0.1, 6.0, 0.5))

# %%
shown = {"real": faces[:8]}
for s in (0.3, 1.0, 3.0):
    W_s, M_s = linear_vae(s)
    shown[f"σ_x = {s}: {W_s.shape[1]} latents speak"] = center + (faces[:8] - center) @ W_s @ M_s @ W_s.T
active = {s: linear_vae(s)[0].shape[1] for s in (0.5, 1.0, 3.0, 39.2)}
plots.cover(plots.grid({name: row.float().view(-1, 3, 32, 32).clamp(-1, 1) for name, row in shown.items()}, cols=8))
# the claim in the caption, and (17) in many dimensions: the ELBO of this W is the exact log-likelihood, and it falls if any weight is changed
sub, lam, s = U[:, :40], eigenvalues[:40], 0.8
likelihood = lambda w2: -0.5 * ((w2 + s**2).log() + lam / (w2 + s**2))  # mean log p(x) along each direction, up to constants
best = (lam - s**2).clamp(min=0)
others = [best * f for f in (0.0, 0.8, 0.95, 1.05, 1.3)] + [best + 0.05]
assert active[39.2] == 0 and all((likelihood(best) >= likelihood(w2)).all() for w2 in others)

# %% [markdown]
# ## Break it
#
# A one-number encoder $q(z|x) = \mathcal{N}(\alpha x, \sigma_q^2)$ for the *fixed* decoder $w = 1$, $\sigma_x = 0.5$; by (3) the right answer is $\alpha = 0.8$, $\sigma_q = 0.447$. **Predict** what each mistake makes of it:
# 1. the exponential lost in the KL; 2. the log-variance used as the deviation when sampling; 3. no sampling at all, $z = \mu$; 4. the KL lost.


# %%
def fit_encoder(mistake, steps=800):
    torch.manual_seed(run.seed)
    alpha, logvar = torch.tensor(0.1, requires_grad=True), torch.tensor(-0.5, requires_grad=True)
    opt = torch.optim.Adam([alpha, logvar], lr=0.02)
    for step in range(steps):
        opt.param_groups[0]["lr"] = 0.02 * (1 - step / steps)
        x = math.sqrt(1.25) * torch.randn(256)  # data from the model: variance w² + sigma²
        eps = torch.randn(256)
        deviation = {"logvar as deviation": logvar, "no sampling": 0.0 * logvar}.get(mistake, torch.exp(0.5 * logvar))
        z = alpha * x + deviation * eps
        spread = -logvar if mistake == "exponential lost" else logvar.exp() - 1 - logvar
        kl = 0.0 if mistake == "KL lost" else 0.5 * ((alpha * x) ** 2 + (logvar if mistake == "exponential lost" else 0.0) + spread)
        loss = ((x - z) ** 2 / (2 * 0.25) + kl).mean()
        opt.zero_grad(), loss.backward(), opt.step()
    return alpha.item(), torch.exp(0.5 * logvar).item()


outcomes = {mistake: fit_encoder(mistake) for mistake in ("none", "exponential lost", "logvar as deviation", "no sampling", "KL lost")}
for mistake, (alpha, s_q) in outcomes.items():
    print(f"{mistake:<20} alpha {alpha:6.3f} (0.800)   sigma_q {s_q:6.3f} (0.447)")
assert abs(outcomes["none"][0] - 0.8) < 0.03 and abs(outcomes["none"][1] - math.sqrt(0.2)) < 0.02
assert all(abs(s_q - math.sqrt(0.2)) > 0.1 for mistake, (_, s_q) in outcomes.items() if mistake != "none")

# %% [markdown]
# None of them raises an error, and each gives a wrong *posterior width*: without the exponential nothing rewards a width, so it keeps falling; without sampling nothing holds it, and the KL pulls it to the prior's 1; without the KL it falls too, and $\alpha$ goes to 1, an ordinary autoencoder. Used as a deviation, the log-variance settles at 0: no noise for the decoder, the prior's width for the KL.

# %%
run.report(largest_difference=max(errors.values()), iwae_gap=iwae_gap, variance_ratio=ratio, naive_gap=(truth[0] - naive[-1].mean()).item(), active_at_half=active[0.5], active_at_39=active[39.2])
run.expect(largest_difference=("<", 1e-8), iwae_gap=("<", 0.05), naive_gap=(">", 1), active_at_39=("<=", 0))

# %% [markdown]
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/15_elbo.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(3 minutes)* Which $\sigma_x$ hides in "squared errors + w KL"?
# 2. ★ *(5 minutes)* The KL from mean and log-variance.
# 3. ★★ *(10 minutes)* `reparameterize`, and its gradient by the log-variance.
# 4. ★ *(3 minutes)* The bound from its two terms.
# 5. ★★ *(15 minutes)* The IWAE bound from weights as small as $e^{-1000}$.
#
# To try here *(30 minutes, a project)*: subtract a baseline in (13), $f(z) - c$. Show that it changes no mean, find the best $c$, and how close it brings the score function to the pathwise estimator.
#
# ## What to remember
#
# - $\log p(x) = \mathrm{ELBO} + \mathrm{KL}(q\,\|\,\text{posterior})$: an identity. The bound is as good as the encoder.
# - ELBO = fit - KL to the prior; its KL is never negative.
# - A Gaussian likelihood's $\sigma_x$ is the weight between the two terms. Averaging over pixels makes it absurd.
# - $z = \mu + \sigma\epsilon$ lets the gradient through, with little noise; $K$ samples inside the logarithm tighten the bound.
# - Directions with less variance than the assumed noise go silent.
#
# ## Further reading
#
# - D. P. Kingma, M. Welling, *Auto-Encoding Variational Bayes*, 2013, arXiv:1312.6114.
# - D. J. Rezende, S. Mohamed, D. Wierstra, *Stochastic Backpropagation and Approximate Inference in Deep Generative Models*, 2014, arXiv:1401.4082.
# - Y. Burda, R. Grosse, R. Salakhutdinov, *Importance Weighted Autoencoders*, 2015, arXiv:1509.00519.
# - M. E. Tipping, C. M. Bishop, *Probabilistic Principal Component Analysis*, Journal of the Royal Statistical Society B 61, 1999.
# - J. Lucas, G. Tucker, R. Grosse, M. Norouzi, *Don't Blame the ELBO! A Linear VAE Perspective on Posterior Collapse*, 2019, arXiv:1911.02469.
# - S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, *Monte Carlo Gradient Estimation in Machine Learning*, 2019, arXiv:1906.10652.
