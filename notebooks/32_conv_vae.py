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
# # 32 A convolutional VAE
#
# *You will build notebook 31's model from convolutions and see what that brings, tell it what to draw, ask what its nats buy, and find out when a silent latent is the best answer.*
#
# ![One row of real portraits and, below, two rows drawn by the model that comes with the course, trained for ten minutes: clear shapes, grainy backgrounds.](../data/pictures/32_conv_vae.webp)
#
# **You need** notebooks 12 and 31.
# The table below says how long it takes on which machine, and what to expect (fd: samples of the model that is told nothing; fd moving: of the one whose prior moves).
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
import copy
import io
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

from genimg_lib import data, layers, metrics, plots, pretrained, results, tables, vae
from genimg_lib.data import portraits
from genimg_lib.prior import fit_mixture
from genimg_lib.training import start
from genimg_lib.widgets import explore

DATA = "portraits"  # or "fashion_mnist", "folder:PATH"

# %%
run = start(
    "32_conv_vae",
    images=(2_000, 10_000, 30_000),
    steps=(20, 1_000, 30_000),
    batch=(16, 64, 512),
    latent=32,
    width=(16, 48, 128),
    sigma=0.4,
    lr=2e-3,
    precision="auto",
    told_steps=(10, 900, 20_000),
    short_steps=(5, 180, 3_000),
    parts=(3, 20, 40),
    silent_steps=(10, 300, 4_000),
    seeds=(1, 2, 3),
    climb_steps=(5, 200, 400),
    k=(20, 500, 2_000),
    samples=(300, 2_000, 2_000),
)
CHECKED = run.profile == "cpu" and DATA == "portraits"  # what the text says holds
print(f"profile {run.profile}, on {run.device}")
tables.show_expected("32_conv_vae", "fd", "fd_moving", "fd_floor")

# %% [markdown]
# ## Why
#
# Notebook 31's networks see an image as a list of numbers: shuffle the pixels, the same way in all images, and nothing changes for them.
# Its faces were soft, and its samples worse than its reconstructions.
# Convolutions know neighbours (notebook 12).
# How much does that cost, in numbers to learn and in products of numbers?

# %%
train = data.load(DATA, "train", n=run.images)
test = data.load(DATA, "test", n=run.samples)
shape, pixels = tuple(train.images.shape[1:]), train.images[0].numel()
channels, size = shape[:2]
settings = {"channels": channels, "size": size, "latent": run.latent}
pairs = {
    "linear, notebook 31": vae.Encoder(pixels, 32, (512, 512)),
    "convolutions": vae.ConvEncoder(**settings, width=run.width),
}
x = data.to_float(test.images[:1])
rows = [
    (name, layers.count_parameters(net), layers.multiply_adds(net, x))
    for name, net in pairs.items()
]
tables.show(rows, ("encoder", "numbers to learn", "products per image"))
if CHECKED:
    (_, numbers, products), (_, fewer, more) = rows
    assert fewer < 0.25 * numbers and more > 3.5 * products

# %% [markdown]
# In the profile cpu the encoder has a fifth of the numbers and takes four times the products: a convolution's weight is used at every place.
#
# ## The maths: what a nat buys
#
# The KL term of the ELBO is a price in nats, and the reconstructions are what it buys.
# But not every nat of it buys something.
# Average $q_\phi(z|x)$ over all images that the data could give (in practice, over the $N$ that we have), and you get the **aggregated posterior** $q(z) = \mathbb{E}_x\, q_\phi(z|x)$: where codes lie, whatever the image.
# Put $\log q(z)$ in and take it out again, inside the expectation over $x$ and $z \sim q_\phi(z|x)$ (Hoffman and Johnson 2016):
#
# $$\underbrace{\mathbb{E}_x\, \mathrm{KL}\big(q_\phi(z|x)\,\|\,p(z)\big)}_{\text{rate}} = \mathbb{E}\Big[\log \frac{q_\phi(z|x)}{q(z)}\Big] + \mathbb{E}\Big[\log \frac{q(z)}{p(z)}\Big] = \underbrace{I(x; z)}_{\text{information}} + \mathrm{KL}\big(q(z)\,\|\,p(z)\big). \tag{1}$$
#
# The first part is the **mutual information**: what $z$ says about *which* image it was.
# The second buys nothing.
# It is the price of codes that, taken together, are not spread as the prior is.
# It hurts samples, too: the decoder learned on $z \sim q(z)$ and is asked for $z \sim p(z)$.
#
# Check (1) where all is known: $x \sim \mathcal{N}(0, 1)$ and $q(z|x) = \mathcal{N}(z; ax, s^2)$.
# Then $q(z) = \mathcal{N}(0, a^2 + s^2)$, and with $v = a^2 + s^2$
#
# $$I = \tfrac12 \log \tfrac{v}{s^2}, \qquad \mathrm{KL}\big(q(z)\,\|\,p(z)\big) = \tfrac12 (v - 1 - \log v). \tag{2}$$
#
# From samples, $q(z)$ is the mean of the $q(z|x_j)$ of as many images as we have.


# %%
def parts_of_rate(mean, logvar):
    """(information, KL of q(z) to the prior), by one z per image; moments [N, d]."""
    z = vae.reparameterize(mean, logvar)
    own = vae.gaussian_log_prob(z, mean, logvar)  # log q(z_i | x_i): [N]
    every = vae.gaussian_log_prob(z[:, None], mean, logvar)  # log q(z_i | x_j): [N, N]
    log_q = torch.logsumexp(every, dim=1) - math.log(len(z))
    log_p = vae.gaussian_log_prob(z, 0 * z, 0 * z)
    return (own - log_q).mean(), (log_q - log_p).mean()


# %%
a, s = 1.5, 0.3
v = a**2 + s**2
mean = a * torch.randn(3_000, 1, dtype=torch.float64)
logvar = torch.full_like(mean, 2 * math.log(s))
exact = 0.5 * math.log(v / s**2), 0.5 * (v - 1 - math.log(v))  # (2)
ours, library = parts_of_rate(mean, logvar), vae.rate_parts(mean, logvar)
rows = [("by (2)", *exact), ("by samples", *ours), ("the library's", *library)]
tables.show(rows, ("", "information", "KL of q(z) to p(z)"))
for got in (ours, library):
    assert all(abs(g - w) < 0.1 for g, w in zip(got, exact, strict=True))

# %% [markdown]
# (Ours and the library's differ by what each has drawn.)
# One limit is easy to overlook: among $N$ images no code can say more than *which of the $N$*.
# So this estimate of $I$ is never above $\log N$; for a rate far above that, what is missing lands in the second part.
#
# ## The maths: one knob, two names
#
# With a fixed $\sigma_x$ and $S$ the squared error of an image, $\beta$-VAE (Higgins et al. 2017) minimises
#
# $$\frac{S}{2\sigma_x^2} + \beta\, \mathrm{KL} \;=\; \beta \Big( \frac{S}{2(\sqrt{\beta}\,\sigma_x)^2} + \mathrm{KL} \Big). \tag{3}$$
#
# The right side is, but for a constant, $\beta$ times the plain loss of notebook 31 with another standard deviation, $\sqrt\beta\, \sigma_x$.
# Adam divides each gradient by its own size, so that a factor changes next to nothing.
# **Predict**: how far apart are two trainings from the same start, one with $\beta = 4$ and $\sigma_x = 0.5$, one with $\beta = 1$ and $\sigma_x = 1$?

# %%
some = data.to_float(train.images[:256]).double().flatten(1)[:, ::8]


def short_run(beta, sigma, averaged=False):
    """The weights of a small VAE after 50 steps, as one long vector."""
    torch.manual_seed(run.seed)
    encoder = vae.Encoder(some.shape[1], 4, (32,)).double()
    decoder = vae.mlp(4, 32, some.shape[1]).double()
    weights = [*encoder.parameters(), *decoder.parameters()]
    opt = torch.optim.Adam(weights, lr=1e-3, eps=1e-12)
    for _ in range(50):
        mean, logvar = (t.double() for t in encoder(some))
        squares = (some - decoder(vae.reparameterize(mean, logvar))).square()
        S = squares.mean(dim=1) if averaged else squares.sum(dim=1)
        loss = (S / (2 * sigma**2) + beta * vae.gaussian_kl(mean, logvar)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return torch.cat([w.detach().flatten() for w in weights])


# %%
one, same, other = short_run(4, 0.5), short_run(1, 1.0), short_run(1, 0.5)
apart = [(one - weights).abs().max().item() for weights in (same, other)]
print(f"beta 4, sigma 0.5, and beta 1, sigma 1.0: {apart[0]:.1e} apart")
print(f"beta 4, sigma 0.5, and beta 1, sigma 0.5: {apart[1]:.1e}")
assert apart[0] < 1e-4 < 0.01 < apart[1]

# %% [markdown]
# So there is one knob.
# A $\beta$ without its $\sigma_x$ says nothing, nor does one whose error is averaged over the numbers of an image: that alone multiplies $\beta$ by how many there are.
# We say $\sigma_x$, and keep sums.
# (Or learn $\sigma_x$, Rybkin et al. 2021; then $\beta$ is a knob of its own again.)
#
# ## The maths: when silence is right
#
# A coordinate whose $q(z_j|x)$ is the prior, for every $x$, is silent.
# Is such a **posterior collapse** a failure?
# Notebook 15 met one that was right, with a fixed $\sigma_x$; here variances are learned.
# Take data in the plane, $x \sim \mathcal{N}(0, \Sigma)$ with standard deviations 5 and 1, and a decoder that may learn a variance *for each of the two numbers*: $p(x|z) = \mathcal{N}\big(x; Wz, \mathrm{diag}(d_1, d_2)\big)$.
#
# No model has a higher mean $\log p(x)$ than the data's own density, so $-\text{ELBO}$ is at least the entropy, for a normal $\tfrac12 \log |2 \pi e\, \Sigma|$ with the determinant $|\cdot|$:
#
# $$1 + \log 2\pi + \log 5 = 4.447 \text{ nats}. \tag{4}$$
#
# If the axes of the data are the axes of the plane, the decoder reaches it without any code: $W = 0$, $d = (25, 1)$.
# It also reaches it with one: whatever $W$ explains of the 25, $d_1$ need not.
# The ELBO is the same for all of them: no code is needed, and a code costs exactly what it saves.
#
# Turn the data by 45°, and $\Sigma = \begin{pmatrix} 13 & 12 \\ 12 & 13 \end{pmatrix}$: no diagonal has that.
# Now $W W^\top = \Sigma - \mathrm{diag}(d)$, which has no negative eigenvalue, so $(13 - d_1)(13 - d_2) \ge 12^2$.
# The left side is at most $(13 - \sqrt{d_1 d_2})^2$ (a mean of two numbers is never below the root of their product), so $d_1 d_2 \le 1$.
# With the best encoder $q(z)$ is the prior, and the rate is
#
# $$I(x; z) = \tfrac12 \log |\Sigma| - \tfrac12 \log (d_1 d_2) = \tfrac12 \log \frac{25}{d_1 d_2} \;\ge\; \log 5 = 1.609, \tag{5}$$
#
# with equality at $d_1 = d_2 = 1$.
# So here at least 1.609 nats *are* needed.
#
# With linear networks all expectations are closed forms, so only the start is left to chance.

# %%
TURNED = {"axes of the plane": 0.0, "turned by 45°": math.pi / 4}


def plane(angle):
    """The covariance of data with standard deviations 5 and 1, turned."""
    c, s = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    return turn @ torch.diag(torch.tensor([25.0, 1.0]).double()) @ turn.T


def exact_terms(sigma, A, W, s_log, d_log):
    """(distortion, rate): mean A x, deviation exp(s_log); W z, variance exp(d_log)."""
    s2 = (2 * s_log).exp()
    left = torch.eye(2).double() - W @ A
    error = (left @ sigma @ left.T + W @ torch.diag(s2) @ W.T).diagonal()
    distortion = 0.5 * (math.log(2 * math.pi) + d_log + error * (-d_log).exp()).sum()
    rate = 0.5 * ((A @ sigma @ A.T).diagonal() + s2 - 1 - 2 * s_log).sum()
    return distortion, rate


# %%
def best_linear(sigma, beta, width):
    """(-ELBO, rate) of the trained model, begun with weights of a width."""
    torch.manual_seed(0)
    A, W = (width * torch.randn(2, 2).double() for _ in range(2))
    s_log, d_log = torch.zeros(2).double(), torch.zeros(2).double()
    parts = [t.requires_grad_() for t in (A, W, s_log, d_log)]
    lbfgs = {
        "max_iter": 1_000,
        "tolerance_change": 1e-12,
        "line_search_fn": "strong_wolfe",
    }
    opt = torch.optim.LBFGS(parts, **lbfgs)

    def closure():
        opt.zero_grad()
        distortion, rate = exact_terms(sigma, *parts)
        loss = distortion + beta * rate
        loss.backward()
        return loss

    opt.step(closure)
    distortion, rate = exact_terms(sigma, *parts)
    return (distortion + rate).item(), rate.item()


# %% [markdown]
# Three trainings each: from small weights, from large ones, and with a hair of pressure on the rate, $\beta = 1.01$, which asks for the cheapest of all models that are equally good.

# %%
rows = []
for name, angle in TURNED.items():
    for beta, width in ((1, 0.1), (1, 2.0), (1.01, 0.1)):
        rows.append((name, beta, width, *best_linear(plane(angle), beta, width)))
tables.show(rows, ("data", "beta", "first weights", "-ELBO", "rate"))
entropy = 1 + math.log(2 * math.pi) + math.log(5)  # (4)
found = {
    "gaussian_elbo": rows[5][3],
    "rate_axes": rows[2][4],
    "rate_turned": rows[5][4],
}
assert all(abs(row[3] - entropy) < 0.01 for row in rows)
assert rows[2][4] < 0.03 and abs(rows[5][4] - math.log(5)) < 0.03
assert max(rows[0][4], rows[1][4]) > 0.5

# %% [markdown]
# All six reach the entropy, at rates that differ: with $\beta = 1$ they depend on the start.
# The cheapest says nothing on the first data, and about 1.6 nats on the second (a hair below (5), since $\beta = 1.01$ gives up a little of the ELBO for it).
#
# So a code is needed only for what the numbers of $x$ have *in common*; what the likelihood can say by itself, $z$ need not.
# To call every collapse a bug, and to "cure" it, may only make the model pay for nothing.
#
# ## Build
#
# The encoder looks at *patches*: blocks of 4x4 pixels become channels (`PixelUnshuffle`), so that a 32x32 image is a grid of 8x8 places, and no convolution runs at full size.
# A **residual block** adds to its input what two convolutions make of it; at the start that is nothing, so the block begins as the identity.
# Then the grid is halved, and a linear layer reads $\mu$ and $\log\sigma^2$ from all of it.


# %%
class Residual(nn.Module):
    """h + what two convolutions make of h. h: [N, width, H, W]."""

    def __init__(self, width):
        super().__init__()
        self.norm1 = nn.GroupNorm(8, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(8, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)  # it begins as the identity
        nn.init.zeros_(self.conv2.bias)

    def forward(self, h):
        r = self.conv1(F.silu(self.norm1(h)))
        return h + self.conv2(F.silu(self.norm2(r)))


# %%
class Encoder(nn.Module):
    """Images [N, C, 32, 32] to mean and log-variance of q(z|x), [N, latent] each."""

    def __init__(self, channels, latent, width):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(4),  # [N, 16 C, 8, 8]
            nn.Conv2d(16 * channels, width, 3, padding=1),
            Residual(width),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),  # [N, 2 width, 4, 4]
            Residual(2 * width),
            nn.GroupNorm(8, 2 * width),
            nn.SiLU(),
        )
        self.heads = nn.Linear(2 * width * 16, 2 * latent)

    def forward(self, x):
        return self.heads(self.net(x).flatten(1)).chunk(2, dim=1)


# %% [markdown]
# The library's encoder is the same, for other sizes, and with a place for a condition.
# Give both the same weights, and they agree.
# The decoder runs the other way: a linear layer to a grid of 4x4, two residual blocks, a pixel shuffle to 8x8, one more block, and 16 C numbers per place, which become 4x4 pixels.

# %%
ours, library = Encoder(3, 8, 16), vae.ConvEncoder(latent=8, width=16)
weights = zip(library.state_dict(), ours.state_dict().values(), strict=True)
library.load_state_dict(dict(weights))
x = torch.rand(2, 3, 32, 32)
assert torch.allclose(torch.cat(ours(x)), torch.cat(library(x)), atol=1e-5)

# %% [markdown]
# ## Train
#
# The loss is notebook 31's, with $\sigma_x$ fixed.
# Its KL gains weight over the first tenth of the training (**warm-up**, Bowman et al. 2015): at the start no code is worth its nats, since the decoder cannot read yet. (What it brings here, we did not test.)
# `vae.ConvVAE` holds such an encoder and decoder, and has a place for a prior; until further down that place is empty, and $p(z) = \mathcal{N}(0, I)$.
#
# The learning rate rises over 50 steps and falls in the second half; `run.ema` averages the weights of about the last fifth.


# %%
def network(width, sigma, **more):
    """A fresh model: encoder, decoder, prior."""
    torch.manual_seed(run.seed)
    return vae.ConvVAE(**settings, width=width, sigma=sigma, **more).to(run.device)


def terms(net, x, c=None):
    """(rate, distortion) of a batch, in nats per image."""
    with run.autocast():
        mean, logvar = net.encoder(x, c)
        likelihood = net.decoder(vae.reparameterize(mean, logvar), c)
    prior = None if net.prior is None else net.prior(c)  # None is N(0, I)
    rate = vae.gaussian_kl(mean, logvar, prior).mean()
    return rate, -likelihood.log_prob(x).mean()


# %%
def fit(label, net, steps, c=None, preview=None):
    """Train a model; gives its average. c: the conditions of all training images."""
    opt = torch.optim.AdamW(net.parameters(), run.lr, betas=(0.9, 0.99), fused=True)
    books = {"ema": "net", "ema_decay": 1 - 5 / steps, "net": net, "opt": opt}
    images = (train.images,) if c is None else (train.images, c)
    batches = run.batches(images, run.batch)
    for batch in run.train(batches, steps, label=label, preview=preview, **books):
        run.anneal(opt, warmup=50)
        rate, distortion = terms(net, *batch)
        loss = distortion + vae.warm_up(run.progress, 0.1) * rate
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(rate=rate, distortion=distortion)
    return run.ema["net"]


# %%
g = torch.Generator().manual_seed(run.seed + 1)
noise = torch.randn(run.samples, run.latent, generator=g)
net = network(run.width, run.sigma)
net = fit(
    "train", net, run.steps, preview=lambda: net.sample(noise[:20].to(run.device))
)
plots.show(
    plots.curves(run.history, "rate", "distortion"),
    alt="Two curves over the training steps: the rate leaps, falls back, climbs again "
    "and levels off at 60; the distortion falls.",
    caption="While the KL weighs little, nats are bought freely; at its full weight, "
    "from step 100, the decoder learns to use more of them.",
)

# %% [markdown]
# ## Look and measure
#
# Reconstructions from the means of $q_\phi(z|x)$, samples from the prior.
# Look for what is lost: eyes, mouths, beards, the smooth background.


# %%
@torch.no_grad()
def in_parts(function, *inputs):
    """What a function gives for tensors [N, ...], 250 rows at a time, on the CPU."""
    parts = zip(*(t.split(250) for t in inputs), strict=True)
    return torch.cat([function(*(t.to(run.device) for t in p)).cpu() for p in parts])


@torch.no_grad()
def encode(net, images, *c):
    """Mean and log-variance of q(z|x) for uint8 images, on the CPU."""

    def moments(x, *c):
        return torch.stack(net.encoder(x, *c), dim=1)

    x = data.to_float(images)
    return in_parts(moments, x, *c).unbind(dim=1)


def decode(net, z, *c):
    """The pixels' means for latents, on the CPU."""
    return in_parts(lambda *given: net.decoder(*given).mean, z, *c)


# %%
real = data.to_float(test.images)
mean, logvar = encode(net, test.images)
rebuilt, samples = decode(net, mean), decode(net, noise)
rows = {
    "test images": real[:10],
    "reconstructions": rebuilt[:10],
    "samples": samples[:20],
}
plots.show(
    plots.grid(rows),
    alt="Ten test images; their reconstructions, with hats, hair and colours, but "
    "grainy backgrounds, pale eyes, spots for mouths and two beards lost; twenty "
    "samples with smeared hats and hair, some with parts of two.",
    caption="What the model keeps, and what it invents.",
)

# %%
evaluator = metrics.Evaluator(DATA) if DATA in metrics.SPECS else None


def fd(images):
    """The Fréchet distance to real images; not a number without an evaluator."""
    return evaluator.fd(images) if evaluator else math.nan


linear = results.figures("31_vae") if DATA == "portraits" else {}
floor = evaluator.floor(run.samples) if evaluator else math.nan
rows = [
    ("reconstructions", linear.get("fd_reconstructions", ""), fd(rebuilt)),
    ("samples", linear.get("fd", ""), fd(samples)),
    ("real images", linear.get("fd_floor", ""), floor),
]
tables.show(rows, ("Fréchet distance", "notebook 31, linear", "here"))
found |= {"fd_reconstructions": rows[0][2], "fd": rows[1][2], "fd_floor": floor}

# %% [markdown]
# This table settles nothing, neither the better samples nor the worse reconstructions: notebook 31's figures are those of another $\sigma_x$ (0.5), and of six times as many images seen.
# `genimg bench vae` trains both kinds of networks by one recipe, five minutes each on the same 30,000 portraits, one seed (FD of 5,000 images: not to be compared with that of 2,000):

# %%
bench, rows = results.figures("bench_vae"), []
keys = ("steps", "fd_reconstructions", "fd", "precision", "recall", "rate")
for kind in ("linear", "convolutional"):
    rows.append((kind, *(bench[f"{kind}_{key}"] for key in keys)))
tables.show(rows, ("networks", *keys))
assert bench["convolutional_fd"] < 0.8 * bench["linear_fd"]
assert bench["linear_fd_reconstructions"] < bench["convolutional_fd_reconstructions"]
assert bench["linear_steps"] > 2 * bench["convolutional_steps"]

# %% [markdown]
# What the convolutions draw is nearer to real faces (FD and precision), but reaches fewer of them (recall), for six nats more; what the linear networks rebuild is a little nearer, and in the same time they take nearly three times the steps.
# (The recipe's learning rate was chosen for the convolutions. All faces stand at nearly the same place, which may suit a weight for each pixel.)
#
# With both, the samples are much worse than the reconstructions.
# How much of the rate buys nothing?

# %%
train_mean, train_logvar = encode(net, train.images)
information, marginal = vae.rate_parts(train_mean, train_logvar)
rate = vae.gaussian_kl(train_mean, train_logvar).mean().item()
ceiling = math.log(len(train))
rows = [("rate", rate), ("information, by (1)", information), ("log N", ceiling)]
tables.show(rows, (f"of {len(train):,} training images", "nats"))
assert not CHECKED or abs(information - ceiling) < 0.1

# %% [markdown]
# The information stands at its ceiling: these codes hardly overlap, so each tells which of the $N$ images it was.
# For all images that there could be, what is left of the rate is then only an upper bound of the second part of (1); so large a rate cannot be split by samples.
#
# But its effect can be seen: draw $z$ from elsewhere.
# (A draw from $q(z)$ is the code of a training image. That is no way to draw, but shows how far a better prior could get.)
# **Predict**: from the FD of the samples to that of the reconstructions, how much of the way does a draw from $q(z)$ go?

# %%
g = torch.Generator().manual_seed(run.seed)
pick = torch.randperm(len(train), generator=g)
codes = vae.reparameterize(train_mean[pick], train_logvar[pick])  # from q(z)
one = fit_mixture(codes[:10_000], 1, steps=20, generator=g)
many = fit_mixture(codes[:10_000], run.parts, steps=20, generator=g)
starts = {
    "p(z), the prior": noise,
    "a normal fitted to q(z)": one.sample(run.samples, g).float(),
    f"a mixture of {run.parts} fitted to q(z)": many.sample(run.samples, g).float(),
    "q(z), a code of a training image": codes[: run.samples],
}
rows = [(name, fd(decode(net, z))) for name, z in starts.items()]
rows.append(("no draw: means of test images", fd(rebuilt)))
tables.show(rows, ("z drawn from", "Fréchet distance"))
found |= {"fd_normal": rows[1][1], "fd_mixture": rows[2][1], "fd_from_q": rows[3][1]}
if CHECKED:
    prior, normal, mixture, aggregated, none = (row[1] for row in rows)
    assert max(aggregated, none) < mixture < normal < prior
    assert max(aggregated, none) < 0.4 * prior

# %% [markdown]
# From $q(z)$ it is nearly all of the way: such a draw is no more than the reconstruction of a training image, with noise.
# So what samples lose beside that is no fault of the decoder; the prior draws where it has not learned.
# The right mean and covariance bring back a fifth, a mixture of several about half: the codes do not lie as one normal distribution does.
# Such a prior, fitted after the training, is a cheap cure (Ghosh et al. 2020), though half of one.
#
# Do the parts of the mixture mean something?
# For each factor: how much of its entropy is told by the part that a face's code most likely comes from, and by parts dealt out at random?


# %%
def share_told(part, target):
    """I(part; target) / H(target), from counts: 0 to 1."""
    joint = F.one_hot(part).double().T @ F.one_hot(target).double() / len(part)
    shares = joint.sum(dim=0)
    alone = joint.sum(dim=1, keepdim=True) * shares  # if they had nothing in common
    information = torch.xlogy(joint, joint).sum() - torch.xlogy(joint, alone).sum()
    return (information / -torch.xlogy(shares, shares).sum()).item()


if train.factors:
    part = many.responsibilities(train_mean.double()).argmax(dim=1)
    factors = ((name, train.factors[name]) for name in portraits.CATEGORICAL)
    dealt = part[torch.randperm(len(part), generator=g)]
    rows = [(name, share_told(part, t), share_told(dealt, t)) for name, t in factors]
    rows.sort(key=lambda row: -row[1])
    tables.show(rows, ("factor", "told by the part", "dealt out"))
    assert not CHECKED or rows[0][1] > 0.3 > 10 * rows[0][2]

# %% [markdown]
# They do: more than half of what there is to know about hair and hat, a fifth about the hair's colour, next to nothing about the rest (the hat's colour is the outfit's).
# What makes such clumps can be learned (notebook 33 learns a prior for its codes), or, if we know it, said.
#
# ## Tell it what to draw
#
# A condition $c$ goes into both networks: beside the features of the encoder, and beside $z$ in the decoder, $q_\phi(z|x, c)$ and $p_\theta(x|z, c)$.
# Then $z$ need not say what $c$ says already.
#
# For each $c$, (1) holds by itself: the rate is $I(x; z|c) + \mathbb{E}_c\, \mathrm{KL}\big(q(z|c)\,\|\,p(z)\big)$.
# With one prior for all, the second part is 0 only where the codes of bald heads lie as those of long red hair do.
# Or the prior moves (Sohn et al. 2015): a small network gives $p_\psi(z|c) = \mathcal{N}\big(\mu_c, \mathrm{diag}\,\sigma_c^2\big)$.
# Counted from $\mu_c$ in units of $\sigma_c$ that is $\mathcal{N}(0, I)$ again, so the KL stays a closed form:
#
# $$\mathrm{KL}\big(q_\phi(z|x, c)\,\|\,p_\psi(z|c)\big) = \tfrac12 \sum_j \Big[ \frac{(\mu_j - \mu_{c,j})^2}{\sigma_{c,j}^2} + \frac{\sigma_j^2}{\sigma_{c,j}^2} - 1 - \log \frac{\sigma_j^2}{\sigma_{c,j}^2} \Big]. \tag{6}$$


# %%
class ConditionalPrior(nn.Module):
    """p(z|c): a condition [N, K] to mean and log-variance, [N, latent] each."""

    def __init__(self, conditions, latent):
        super().__init__()
        self.net = vae.mlp(conditions, 128, 2 * latent)
        nn.init.zeros_(self.net[-1].weight)  # it begins as N(0, I), whatever c
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, c):
        return self.net(c).chunk(2, dim=1)


def kl_to_prior(mean, logvar, mean_c, logvar_c):  # (6)
    ratio = (logvar - logvar_c).exp()
    far = (mean - mean_c).square() * (-logvar_c).exp()
    return 0.5 * (far + ratio - 1 - ratio.log()).sum(dim=1)


# %%
mu, lv, *to = torch.randn(4, 3, 5).double()
z = vae.reparameterize(mu.expand(100_000, 3, 5), lv)
by_samples = vae.gaussian_log_prob(z, mu, lv) - vae.gaussian_log_prob(z, *to)
by_hand, library = kl_to_prior(mu, lv, *to), vae.gaussian_kl(mu, lv, to)
rows = list(zip(by_hand, by_samples.mean(dim=0), library, strict=True))
tables.show(rows, ("by (6)", "by samples", "the library's"))
spread = by_samples.std(dim=0) / len(z) ** 0.5
assert torch.allclose(by_hand, library)
assert ((by_samples.mean(dim=0) - by_hand).abs() < 5 * spread).all()
ours, library = ConditionalPrior(4, 8), vae.ConditionalPrior(4, 8)
nn.init.normal_(ours.net[-1].weight)
library.load_state_dict(ours.state_dict())
assert torch.equal(torch.cat(ours(torch.eye(4))), torch.cat(library(torch.eye(4))))

# %% [markdown]
# Two models with the same encoder and decoder, from the same start, on the same images for as many steps; the second has a small network more, the prior.
# Both are told all ten factors of a caption (the class, for clothes; of a folder's pictures nothing is known that an evaluator could judge).
# Of the training faces nearly every caption comes once; so nothing can be learned caption by caption, only factor by factor.
#
# **Predict**: which of these change: the reconstructions, the samples, how often the model does as it is told?
# (Beside that: how often a model would be right that always drew the commonest value, whatever it is told.)


# %%
def conditions_of(images):
    """(c [N, K], {name: what the evaluator should see in each image})."""
    if images.factors:
        known = {name: images.factors[name] for name in portraits.CATEGORICAL}
        return portraits.one_hot(images.factors), known
    return F.one_hot(images.labels, len(images.names)).float(), {"label": images.labels}


WAYS = {"N(0, I)": False, "p(z|c)": True}  # does the prior move?
WISH = {"hair": "long", "hair_color": "red", "glasses": "round", "hat": "cap"}
WISH |= {"mouth": "smile"}  # for the rest `one_hot` takes the first value
told = {}
if evaluator:
    (c, _), (c_test, known) = conditions_of(train), conditions_of(test)
    for name, moves in WAYS.items():
        fresh = network(run.width, run.sigma, conditions=c.shape[1], moves=moves)
        label = f"told_{'moving' if moves else 'fixed'}"
        told[name] = fit(label, fresh, run.told_steps, c)

# %%
rows, drawn = [], {}
for name, model in told.items():
    mu, lv = encode(model, test.images, c_test)
    prior = None
    if model.prior is not None:
        with torch.no_grad():
            prior = [t.cpu() for t in model.prior(c_test.to(run.device))]
    spent = vae.gaussian_kl(mu, lv, prior).mean().item()
    drawn[name] = in_parts(model.sample, noise, c_test)
    again, report = fd(decode(model, mu, c_test)), evaluator.report(drawn[name])
    rows.append(
        (name, spent, again, report["fd"], report["precision"], report["recall"])
    )
    key = "moving" if WAYS[name] else "fixed"
    found |= {f"fd_{key}": report["fd"], f"fd_rebuilt_{key}": again}
columns = ("prior", "rate", "FD rebuilt", "FD samples", "precision", "recall")
if told:
    tables.show(rows, columns)
if CHECKED:
    fixed, moving = rows
    assert moving[3] < 0.5 * fixed[3] and moving[3] < 1.5 * moving[2]
    assert moving[1] < fixed[1] and abs(moving[2] / fixed[2] - 1) < 0.3

# %%
if told:
    seen = {name: evaluator.read(images) for name, images in drawn.items()}
    seen["real images"] = evaluator.read(test.images)
    rows = []
    for name, target in known.items():
        common = (target.bincount().max() / len(target)).item()
        right = [(r[name] == target).double().mean().item() for r in seen.values()]
        rows.append((name, common, *right))
    tables.show(rows, ("does as told", "always the commonest", *seen))
    fixed, moving = (min(row[k] for row in rows) for k in (2, 3))
    found |= {"accuracy_least_fixed": fixed, "accuracy_least_moving": moving}
    assert not CHECKED or moving > fixed + 0.1

# %%
if train.factors:
    asked = portraits.one_hot(WISH).repeat(10, 1)
    rows = {
        f"one wish, prior {name}": in_parts(model.sample, noise[:10], asked)
        for name, model in told.items()
    }
    same = noise[:1].repeat(10, 1)
    rows["one draw, ten wishes"] = in_parts(told["p(z|c)"].sample, same, c_test[:10])
    plots.show(
        plots.grid(rows),
        alt="Three rows of faces. Where the prior is fixed, skin, hair and the cap's "
        "colour stray; where it moves, all ten have long red hair and a red cap, most "
        "have glasses, mouths are too blurred to tell; below, ten different faces.",
        caption="Told: long red hair, round glasses, a cap, a smile; for the rest the "
        "first value (blue sky, pale, red shirt). Third row: told of ten test images.",
    )

# %% [markdown]
# The reconstructions hardly differ.
# The samples do: where the prior moves they come much nearer to the reconstructions, and do as they are told more often, for hair, its colour, skin and hat by two or three faces in ten.
# Telling alone hardly helps the samples: beside the model that was told nothing they are about as far, and reach only a fifth of the real faces (recall).
# For the beard the first model is no better than one that never draws any.
#
# The rate falls, too; by (1) that may be the part that buys nothing, as the reconstructions keep their quality (the next table warns: the two do not go together).
# Both were told the factors of the test images, so neither had to get their shares right; and ten factors are nearly all that a portrait is.
#
# Is it a richer model?
# A little: it has a network more, and $\mu_c$ and $\sigma_c$ may bend with $c$.
# But a prior $\mathcal{N}(Mc, I)$, with a matrix $M$, would add nothing: $c$ enters the encoder's last layer and the decoder's first by a matrix each. Take $Mc$ off in the one, put it on in the other, and neither an image nor the KL changes.
# So train that, too: three seeds, a minute each on 30,000 images, by `genimg bench vae` (FD of 5,000 images).

# %%
PRIORS = {"told_fixed": "N(0, I)", "told_line": "N(Mc, I)", "told_moving": "p(z|c)"}
keys = ("rate", "fd_reconstructions", "fd", "accuracy_hair", "accuracy_hair_color")
rows = []
for seed in range(3):
    for name in ("told_fixed", "told_line", "told_moving"):
        figures = (bench[f"{name}_seed_{seed}_{key}"] for key in keys)
        rows.append((seed, PRIORS[name], *figures))
columns = ("rate", "FD rebuilt", "FD samples", "hair as told", "colour as told")
tables.show(rows, ("seed", "prior", *columns))
for fixed, line, moving in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
    assert line[4] < 0.7 * fixed[4] and moving[4] < 0.7 * line[4]

# %% [markdown]
# In this minute the matrix alone brings three fifths of what the samples gain; the first model could have had it, and did not find it.
# But it saves only one or two nats of fourteen: nearly all of that comes with the network, which bends the mean *and* stretches the deviations (which of the two, the table does not say).
# So nats saved are no measure of what samples gain.
#
# A model of this kind, by the benchmark's recipe and after ten minutes, comes with the course (`genimg sample conv_vae_portraits --given "red hair, round glasses" -o faces.png`):

# %%
if told and train.factors and size == 32:
    shipped = pretrained.load_vae("conv_vae_portraits", run.device)
    drawn["shipped"] = in_parts(shipped.sample, noise, c_test)
    plots.show(
        plots.grid(drawn["shipped"][:30]),
        alt="Thirty faces of many kinds: hats, hair and glasses have clear outlines, "
        "backgrounds are grainy, single mouths and hair smeared.",
        caption="Drawn by the course's trained model, told of thirty test images.",
    )
    plots.cover(plots.grid({"real": real[:10], "drawn": drawn["shipped"][10:30]}))
    of_samples = evaluator.report(drawn["shipped"])
    keys = ("fd", "fd_floor", "precision", "recall")
    tables.show([[of_samples[key] for key in keys]], keys)

# %% [markdown]
# ## One curve
#
# By (3) there is one knob.
# Turn it: from the trained model five trainings go on for 180 steps, each with another $\sigma_x$, a fresh optimiser and a new warm-up (so the row 0.4 is no longer the model above).
# **Predict**: as $\sigma_x$ grows, what happens to the rate, to the reconstructions, to the samples?

# %%
SIGMAS = (0.1, 0.2, 0.4, 0.8, 1.6)
short = {}
for sigma in SIGMAS:
    more = copy.deepcopy(net).requires_grad_(True)
    more.decoder.log_sigma.fill_(math.log(sigma))
    short[sigma] = fit(f"sigma_{sigma:g}", more, run.short_steps)

# %%
rows, shown = [], {}
for sigma, model in short.items():
    mu, lv = encode(model, test.images)
    again, made = decode(model, mu), decode(model, noise)
    rmse = (again - real).square().mean().sqrt().item()
    spent = vae.gaussian_kl(mu, lv).mean().item()
    split = vae.rate_parts(mu, lv)
    rows.append((sigma, spent, *split, rmse, fd(again), fd(made)))
    shown[sigma] = again, made
columns = (
    "sigma",
    "rate",
    "information",
    "rest, by samples",
    "error",
    "FD rebuilt",
    "FD samples",
)
tables.show(rows, columns)

# %%
_, spent, _, _, rmse, fd_rebuilt, fd_drawn = zip(*rows, strict=True)
curve = {"error of a pixel": (spent, rmse)}
plots.show(
    plots.lines(curve, xlabel="rate, nats", ylabel="error of a pixel"),
    alt="A curve that falls from the upper left, few nats and a large error, to the "
    "lower right, many nats and a small error.",
    caption="Rate against error (root mean square; the axis does not begin at 0): "
    "from left to right sigma 1.6, 0.8, 0.4, 0.2, 0.1.",
)
best = SIGMAS[fd_drawn.index(min(fd_drawn))] if evaluator else None
print(f"the samples are nearest to real images at sigma {best}")
if CHECKED:
    assert list(spent) == sorted(spent, reverse=True)
    assert rmse[-1] == max(rmse) and fd_drawn[-1] == max(fd_drawn)
    assert fd_rebuilt[-1] == max(fd_rebuilt) and abs(rmse[0] / rmse[1] - 1) < 0.02

# %% [markdown]
# A larger $\sigma_x$ buys fewer nats, at a larger error.
# From 0.2 to 0.1 twenty nats more buy next to nothing: what is left there is what these steps have not learned (after five minutes of `genimg bench vae` the same network errs by less than 0.1).
# Nor is thrift a cure for the samples: at 1.6 the second part is at most 10 nats, and yet what is drawn is farthest from real faces, as is what is rebuilt: there the decoder's own blur costs more.
#
# The samples at 0.1, 0.2 and 0.4 differ by less than a tenth (one seed), so in this range the choice hardly matters; notebook 31's reason for a large $\sigma_x$ is not seen here.
# Even at 1.6 the information is barely off its ceiling (here $\log 2{,}000 = 7.6$, of the test images): the codes of different images hardly overlap.
# (All five began at 0.4; what a training at 1.6 from the start would find, this does not say.)
#
# What survives a large $\sigma_x$?


# %%
def survives(sigma, face):
    again, made = shown[sigma]
    rows = {
        "images": real[face : face + 8],
        "reconstructions": again[face : face + 8],
        "samples": made[face : face + 8],
    }
    return plots.grid(rows, cols=8, width=7.0)


explore(
    survives,
    alt="Faces, their reconstructions and samples at sigma 1.6: colours, hats and hair "
    "stay, eyes and mouths are dark or pale spots.",
    caption="A live notebook has sliders here: what goes first, what stays?",
    sigma=[SIGMAS[-1], *SIGMAS],
    face=(0, 40, 0),
)

# %% [markdown]
# At 1.6 colours, hats and hair stay; mouths, beards and the colour of the eyes go first.
#
# ## Silence, and its cures
#
# A decoder that sees a part of the image itself may do without $z$, and then the encoder has little reason to speak.
# Is that silence wrong?
# The usual cures: **warm-up**; **free bits**, a few nats for each coordinate without charge (Kingma et al. 2016); a **weaker decoder**.
#
# Let a decoder see all pixels before the one that it predicts, in reading order, within 7x7: a convolution whose kernel is 0 from the middle on (van den Oord et al. 2016).
# The images are faces of 16x16 pixels, black or white, so the likelihood is notebook 31's (7).


# %%
class SeesPixels(nn.Module):
    """p(x_i | pixels before it, z): z [N, d] and x [N, 1, 16, 16] to a likelihood."""

    def __init__(self, latent, reach, places, width=32):
        super().__init__()
        self.places = places  # that z speaks to: 1 for all alike, 256 for each its own
        self.from_z = nn.Linear(latent, width * places, bias=False)
        self.place = nn.Parameter(torch.zeros(width, 16, 16))
        self.before = nn.Conv2d(1, width, reach, padding=reach // 2)
        mask = torch.arange(reach**2).view(reach, reach) < reach**2 // 2
        self.register_buffer("mask", mask.float())
        self.last = nn.Sequential(
            nn.SiLU(), nn.Conv2d(width, width, 1), nn.SiLU(), nn.Conv2d(width, 1, 1)
        )

    def forward(self, z, x):
        h = F.conv2d(
            x, self.before.weight * self.mask, self.before.bias, padding="same"
        )
        side = math.isqrt(self.places)
        told = self.from_z(z).view(len(x), -1, side, side).expand_as(h)
        return vae.Bernoulli(self.last(h + told + self.place))


# %%
def grey(split, n):
    """Faces of 16x16 pixels, one channel."""
    images = data.load("portraits", split, size=16, n=n, seed=3).images
    return images.float().mean(dim=1, keepdim=True)


small = grey("train", run.images)
ink = (small < small.median()).float()  # 1 is dark
unseen = (grey("test", run.samples) < small.median()).float().to(run.device)
CURES = {
    "as it is": {},
    "warm-up": {"warm": 0.5},
    "free bits": {"least": 0.3},
    "sees 3x3 pixels": {"reach": 3},
    "z speaks to each place": {"places": 256},
}


# %%
def silent_run(label, seed, reach=7, warm=0.0, least=0.0, places=1):
    """An encoder and a decoder after a short training."""
    torch.manual_seed(run.seed + seed)
    encoder, decoder = vae.Encoder(256, 16, (256,)), SeesPixels(16, reach, places)
    model = nn.ModuleList([encoder, decoder]).to(run.device)
    opt = torch.optim.Adam(model.parameters(), 2e-3, fused=True)
    batches = run.batches((ink,), 64)
    books = {"label": label, "model": model, "opt": opt}
    for (x,) in run.train(batches, run.silent_steps, **books):
        mean, logvar = encoder(x)
        z = vae.reparameterize(mean, logvar)
        distortion = -decoder(z, x).log_prob(x).mean()
        rate = vae.free_bits(mean, logvar, least)
        weight = vae.warm_up(run.progress, warm) if warm else 1.0
        opt.zero_grad()
        (distortion + weight * rate).backward()
        opt.step()
        run.log(rate=rate, distortion=distortion)
    return encoder, decoder


# %%
@torch.no_grad()
def judged_by_elbo(encoder, decoder):
    """(rate, coordinates of more than 0.05 nats, -ELBO) on unseen images."""
    mean, logvar = encoder(unseen)
    each = vae.kl_per_unit(mean, logvar).mean(dim=0)
    z = vae.reparameterize(mean, logvar)
    nll = -decoder(z, unseen).log_prob(unseen).mean().item()
    rate = each.sum().item()
    return rate, int((each > 0.05).sum()), nll + rate


# %% [markdown]
# First $z$ is one vector that all places get alike; in the last row it says something else to each place (by 130,000 weights more).
# **Predict**: which change makes the model better, by the ELBO?

# %%
rows, elbos = [], {}
for name, how in CURES.items():
    label, seeds = name.replace(" ", "_"), range(run.seeds)
    several = [judged_by_elbo(*silent_run(label, k, **how)) for k in seeds]
    columns = list(zip(*several, strict=True))  # rates, coordinates, -ELBOs
    rows.append((name, *(", ".join(f"{v:.4g}" for v in c) for c in columns)))
    elbos[name] = columns[2]
    found[f"elbo_{label}"] = max(elbos[name])
tables.show(rows, ("by seed", "rate, nats", "coordinates that speak", "-ELBO"))


def change(name):
    """-ELBO minus that of the plain model, seed by seed."""
    return [b - a for a, b in zip(elbos["as it is"], elbos[name], strict=True)]


if CHECKED:
    assert max(change("z speaks to each place")) < -2
    assert min(change("free bits") + change("sees 3x3 pixels")) > 0
    assert max(map(abs, change("warm-up"))) < 1.5

# %% [markdown]
# Warm-up changes little.
# Free bits make the encoder speak, four nats instead of one, and the model two nats worse.
# A decoder that sees less is worse, too, and its encoder speaks no more than before.
# None of the three found a better model in these short trainings, so the training is hardly to blame for the near silence: for *this* decoder a code is not worth its nats.
#
# What helps is a decoder that can use one: three nats better (place and weights changed together; which of them it was, this does not say).
# So look at the ELBO beside the rate before you cure anything.
#
# ## What one encoder for all costs
#
# The encoder proposes $q$ in one pass.
# For a single image we can do better: keep the decoder, and climb the ELBO in $\mu$ and $\log\sigma^2$ themselves.
#
# Three numbers for the same test images, then: the encoder's ELBO, the best ELBO of a diagonal normal $q$ that 200 steps find, and the importance-weighted bound, nearer still to $\log p(x)$ (notebook 31, equation 8).
# The first step is the **amortisation gap** (Cremer et al. 2018), seen from below; the second holds what no diagonal normal can follow, and what the climb has left undone.

# %%
few = real[:32].to(run.device)
net.requires_grad_(False)
with torch.no_grad():
    start_mean, start_logvar = net.encoder(few)
free = [t.detach().clone().requires_grad_() for t in (start_mean, start_logvar)]
opt = torch.optim.Adam(free, lr=0.02)
eps = torch.randn(200, *start_mean.shape, generator=torch.Generator().manual_seed(2))


def bound(mean, logvar, eps):
    """The ELBO of each image by one z. [32]."""
    z = vae.reparameterize(mean, logvar, eps.to(run.device))
    return net.decoder(z).log_prob(few) - vae.gaussian_kl(mean, logvar)


for k in range(run.climb_steps):
    opt.zero_grad()
    (-bound(*free, eps[k % 200]).mean()).backward()
    opt.step()

# %%
with torch.no_grad():
    judged = torch.randn(
        50, *start_mean.shape, generator=torch.Generator().manual_seed(3)
    )
    by_encoder = torch.stack(
        [bound(start_mean, start_logvar, e) for e in judged]
    ).mean()
    climbed = torch.stack([bound(*free, e) for e in judged]).mean()
    weighted = vae.importance_log_likelihood(
        few, lambda _: free, net.decoder, run.k, at_once=2_000
    ).mean()
rows = [
    ("ELBO by the encoder", by_encoder),
    ("ELBO of the best normal q found", climbed),
    (f"importance-weighted, {run.k} draws of that q", weighted),
]
tables.show(rows, ("32 test images", "nats"))
found |= {"amortisation_gap": (climbed - by_encoder).item()}
assert run.profile == "quick" or by_encoder < climbed < weighted

# %% [markdown]
# ## Does a latent have a meaning?
#
# A wish often heard: one coordinate, one factor.
# The **mutual information gap** measures it: for each factor, how much more does the best coordinate know than the second best, as a share of the factor's entropy (Chen et al. 2018)?
#
# But what in the ELBO could ask for that?
# Turn $z$ by any rotation $R$: the encoder gives $R\mu$ and the covariance $R\,\mathrm{diag}(\sigma^2)R^\top$, the decoder turns back before it begins.
# The prior is round, so the KL stays; the reconstructions stay.
# **Predict**: what happens to the gap?
# (Locatello et al. 2019: without labels or assumptions on models and data nothing can decide it.)


# %%
def gaussian_kl_full(mean, cov):
    """KL(N(mean, cov) || N(0, I)), in nats: [N]. cov: [N, d, d]."""
    trace = cov.diagonal(dim1=1, dim2=2).sum(dim=1)
    return 0.5 * (mean.square().sum(dim=1) + trace - mean.shape[1] - torch.logdet(cov))


def rotation(seed):
    g = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(run.latent, run.latent, generator=g).double()).Q


R, (mu, lv) = rotation(0), (t.double() for t in (mean, logvar))
cov = R @ torch.diag_embed(lv.exp()) @ R.T
before, after = vae.gaussian_kl(mu, lv), gaussian_kl_full(mu @ R.T, cov)
print(f"KL {before.mean():.6f}, turned {after.mean():.6f}")
assert torch.allclose(before, after, rtol=1e-8)

# %%
if test.factors:
    factors = {name: test.factors[name] for name in portraits.CATEGORICAL}
    mig, gaps = metrics.mutual_information_gap(mu, factors)
    turned = [
        metrics.mutual_information_gap(mu @ rotation(k).T, factors) for k in range(10)
    ]
    mean_turned = sum(total for total, _ in turned) / 10
    rows = [(k, gap, sum(by[k] for _, by in turned) / 10) for k, gap in gaps.items()]
    rows.append(("mean, MIG", mig, mean_turned))
    tables.show(rows, ("gap", "z", "R z, mean of ten R"))
    found |= {"mig": mig, "mig_turned": mean_turned}
    assert not CHECKED or mean_turned < mig

# %% [markdown]
# The KL is the same to many digits, and so would be every image; of the little gap that there was a part is gone, on the mean (for five of the factors it grew; from 2,000 images in 20 bins, gaps below 0.01 are noise).
# With a $q$ that may have any covariance the ELBO would not even notice.
# Ours is diagonal, so it prefers axes along which the posterior is nearly diagonal (Rolínek et al. 2019); but nothing says that those are the factors.
#
# ## Likelihoods that can be compared
#
# A density of real numbers fitted to images of 256 levels can be made as large as one likes, by spikes at the levels.
# Two ways out.
# Give each *level* a probability: $P(k)$ is the mass of a logistic distribution on the level's own interval (Kingma et al. 2016), the outermost reaching to infinity (Salimans et al. 2017).
# Or add noise $u$ that fills the gaps between levels, width $\delta$ (Theis et al. 2015): by Jensen's inequality
#
# $$\mathbb{E}_u \log p(x + u) + D \log \delta \;\le\; \log \int p(x + u)\, \delta^D \tfrac{du}{\delta^D} = \log P(x). \tag{7}$$
#
# In **bits per dimension**, $-\log P(x) / (D \log 2)$, both can be compared with each other, and with a file's size: 8 is no model at all.

# %%
levels = 2 * torch.arange(256).double() / 255 - 1
centres = torch.linspace(-1.2, 1.2, 5).double()[:, None]
for log_scale in (-6.0, -3.0, -1.0):
    likelihood = vae.DiscretizedLogistic(centres, torch.tensor(log_scale).double())
    total = sum(likelihood.log_prob(k.expand(5, 1)).exp() for k in levels)
    assert torch.allclose(total, torch.ones(5).double())
print("the 256 probabilities sum to 1")


@torch.no_grad()
def most_likely(kind, x, x_hat):
    """The mean log-probability at the best of many scales."""
    scales = torch.linspace(-5, -1, 41)
    return max(kind(x_hat, s).log_prob(x).mean().item() for s in scales)


def png_bytes(image):
    buffer = io.BytesIO()
    pixels_last = image.permute(1, 2, 0).squeeze(-1).numpy()
    Image.fromarray(pixels_last).save(buffer, "PNG", optimize=True)
    return len(buffer.getvalue())


# %%
mu, lv = encode(short[SIGMAS[0]], test.images)
spent = vae.gaussian_kl(mu, lv).mean()
x_hat = decode(short[SIGMAS[0]], vae.reparameterize(mu, lv))
u = torch.rand(real.shape, generator=torch.Generator().manual_seed(4))
dense = most_likely(vae.Gaussian, vae.dequantize(real, u), x_hat)
level = most_likely(vae.DiscretizedLogistic, real, x_hat)
first = test.images[:200]
png = 8 * sum(map(png_bytes, first)) / (len(first) * pixels)
bits = {
    "normal, noise between levels": vae.bits_per_dimension(
        dense - spent, pixels, 2 / 255
    ),
    "logistic on levels": vae.bits_per_dimension(level - spent, pixels),
    "a PNG file": png,
}
tables.show(list(bits.items()), ("", "bits per dimension"))
found |= {"bits_dense": bits["normal, noise between levels"].item()}
found |= {"bits_levels": bits["logistic on levels"].item()}
assert not CHECKED or abs(found["bits_levels"] - found["bits_dense"]) < 0.2

# %% [markdown]
# (Of the model with $\sigma_x = 0.1$, with the best single scale for these images.)
# The two likelihoods agree within a fifth of a bit.
# A PNG file (mean of the first 200) needs far less than either.
# The code is not what costs: 105 nats are 0.05 bits per number; it is the error of a hardly trained decoder.
#
# ## Break it
#
# Four slips that are easily made, each in one number.
# **Predict** each before you run it.
#
# 1. The error is averaged over pixels, the KL summed: a hidden $\beta$.
# 2. $\beta$ is declared, and never used.
# 3. An *in-place* ReLU stands first in a residual block: it rectifies the shortcut, too.
# 4. The test loss is returned inside the loop: one batch's, divided by the number of batches.

# %%
D = some.shape[1]
one, other = short_run(1, 0.5, averaged=True), short_run(D, 0.5)
gap = (one - other).abs().max().item()
print(f"1. averaged over {D} numbers, beta 1; summed, beta {D}: {gap:.1e} apart")
assert gap < 1e-4


# %%
def loss_of(x, x_hat, mu, lv, beta):
    return (x - x_hat).square().sum() + vae.gaussian_kl(mu, lv).sum()


mu, lv = encode(net, test.images[:64])
again = decode(net, mu)
two = [loss_of(real[:64], again, mu, lv, beta) for beta in (1, 100)]
print(f"2. sum over 64 images, beta 1: {two[0]:.2f}, beta 100: {two[1]:.2f}")
assert two[0] == two[1]


# %%
def block(inplace):
    torch.manual_seed(run.seed)
    body = nn.Sequential(nn.ReLU(inplace=inplace), nn.Conv2d(8, 8, 3, padding=1))
    nn.init.zeros_(body[1].weight)
    nn.init.zeros_(body[1].bias)
    return lambda h: body(h) + h  # h + body(h) would be no better


h = torch.randn(2, 8, 4, 4)
right, wrong = block(False)(h.clone()), block(True)(h.clone())
print(
    f"3. a block that adds 0: least value {right.min():.2f}, in place {wrong.min():.2f}"
)
assert torch.equal(right, h) and wrong.min() == 0

# %%
sizes = [64] * 4
losses = [float(k) for k in (10, 11, 12, 13)]
returned = losses[0] / len(
    sizes
)  # `return total / len(loader)`, one line too far right
print(f"4. mean of all {sum(losses) / 4:.2f}, returned in the loop {returned:.2f}")
assert returned < 0.3 * sum(losses) / 4

# %% [markdown]
# 1 is a factor of three thousand for whole portraits, 2 makes every curve over $\beta$ flat, 3 cuts off half of what the shortcut should carry, and 4 looks like a wonderful model.

# %%
run.report(**found)
if DATA == "portraits":
    run.expect(fd=("<", (1_500, 40, 15)), fd_moving=("<", (1_500, 16, 3)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/32_conv_vae.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* One knob: which sigma is this beta?
# 2. ★ *(5 minutes)* Bits from a density.
# 3. ★★ *(10 minutes)* Patches by hand.
# 4. ★★ *(10 minutes)* Free bits.
# 5. ★★ *(15 minutes)* Where all codes lie.
# 6. ★★★ *(25 minutes, a project)* The two parts of the rate.
#
# To try here *(10 to 20 minutes each)*: `DATA = "fashion_mnist"`; `patch=2` in both networks (`network(run.width, run.sigma, patch=2)`: three and a half times the products; what does the same number of *minutes* bring?); drawing with $0.7\,\epsilon$ instead of $\epsilon$, and the recall beside the distance.
#
# ## What to remember
#
# - Rate = information + KL of the aggregated posterior to the prior. The second part buys nothing, and the decoder is not trained where the prior draws. (With a large $\sigma_x$ it is the decoder's own blur that costs.)
# - $\beta$ with a fixed $\sigma_x$ is another $\sigma_x$. A $\beta$ without its $\sigma_x$ and its reductions says nothing.
# - A silent latent is no bug by itself. Compare ELBOs, not rates.
# - Told nearly all there is to know, with a prior that moves along and ten minutes of training, drawing is nearly as good as rebuilding. Measure obedience beside the best guess.
# - The ELBO does not ask for meaning: $z$ may be turned, with its $q$, and neither images nor KL change.
# - Compare likelihoods in bits per dimension, of levels or with noise between them.
#
# ## Further reading
#
# - D. P. Kingma, M. Welling, *Auto-Encoding Variational Bayes*, 2013, arXiv:1312.6114.
# - S. R. Bowman et al., *Generating Sentences from a Continuous Space*, 2015, arXiv:1511.06349: warm-up.
# - M. D. Hoffman, M. J. Johnson, *ELBO surgery: yet another way to carve up the variational evidence lower bound*, 2016, NIPS workshop on advances in approximate Bayesian inference.
# - D. P. Kingma et al., *Improving Variational Inference with Inverse Autoregressive Flow*, 2016, arXiv:1606.04934: free bits, the discretised logistic.
# - A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, *Pixel Recurrent Neural Networks*, 2016, arXiv:1601.06759: masked convolutions.
# - K. Sohn, H. Lee, X. Yan, *Learning Structured Output Representation using Deep Conditional Generative Models*, NeurIPS 2015: a prior that moves with the condition.
# - L. Theis, A. van den Oord, M. Bethge, *A note on the evaluation of generative models*, 2015, arXiv:1511.01844.
# - T. Salimans, A. Karpathy, X. Chen, D. P. Kingma, *PixelCNN++: Improving the PixelCNN with Discretized Logistic Mixture Likelihood and Other Modifications*, ICLR 2017, arXiv:1701.05517.
# - I. Higgins et al., *beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework*, ICLR 2017.
# - C. Cremer, X. Li, D. Duvenaud, *Inference Suboptimality in Variational Autoencoders*, 2018, arXiv:1801.03558.
# - R. T. Q. Chen, X. Li, R. Grosse, D. Duvenaud, *Isolating Sources of Disentanglement in Variational Autoencoders*, 2018, arXiv:1802.04942.
# - M. Rolínek, D. Zietlow, G. Martius, *Variational Autoencoders Pursue PCA Directions (by Accident)*, CVPR 2019, arXiv:1812.06775.
# - F. Locatello et al., *Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations*, 2019, arXiv:1811.12359.
# - P. Ghosh, M. S. M. Sajjadi, A. Vergari, M. Black, B. Schölkopf, *From Variational to Deterministic Autoencoders*, ICLR 2020, arXiv:1903.12436: a prior fitted after the training.
# - O. Rybkin, K. Daniilidis, S. Levine, *Simple and Effective VAE Training with Calibrated Decoders*, ICML 2021, arXiv:2006.13202.
