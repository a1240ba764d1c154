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
# # 32 A convolutional VAE
#
# *You will build notebook 31's model from convolutions and see what that brings, tell it what to draw, weigh every nat that it spends, and find out when a silent latent is a mistake and when it is the best answer.*
#
# ![Rows of faces: real portraits above, faces drawn by the model of this notebook below.](../data/pictures/32_conv_vae.webp)
#
# **You need** notebooks 12 and 31.
# The table below says how long it takes on which machine, and what to expect.
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

# %%
import io
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

from genimg_lib import data, layers, metrics, plots, results, tables, vae
from genimg_lib.data import portraits
from genimg_lib.training import start
from genimg_lib.widgets import explore

# %%
DATA = "portraits"  # or "fashion_mnist", "folder:PATH"
run = start(
    "32_conv_vae",
    images=(2_000, 10_000, 30_000),
    steps=(30, 1_900, 30_000),
    batch=(16, 64, 512),
    latent=32,
    width=(16, 48, 128),
    sigma=0.4,
    lr=2e-3,
    precision="auto",
    short_steps=(5, 400, 3_000),
    short_width=(8, 24, 64),
    told_steps=(5, 700, 20_000),
    silent_steps=(10, 400, 4_000),
    seeds=(1, 2, 3),
    climb_steps=(5, 200, 400),
    k=(20, 500, 2_000),
    samples=(300, 2_000, 2_000),
)
CHECKED = run.profile == "cpu" and DATA == "portraits"  # what the text says holds
print(f"profile {run.profile}, on {run.device}")
tables.show_expected("32_conv_vae", "fd", "fd_reconstructions", "fd_floor")

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
tables.show(rows, ("encoder", "numbers to learn", "products an image"))

# %% [markdown]
# Fewer numbers, many more products: each weight is used at every place.
#
# ## The maths: what a nat buys
#
# The KL term of the ELBO is a price in nats, and the reconstructions are what it buys.
# But not every nat of it buys something.
# Average the $q_\phi(z|x)$ of all images, and you get the **aggregated posterior** $q(z) = \mathbb{E}_x\, q_\phi(z|x)$: where codes lie, whatever the image.
# Put $\log q(z)$ in and take it out again, inside the expectation over $x$ and $z \sim q_\phi(z|x)$:
#
# $$\underbrace{\mathbb{E}_x\, \mathrm{KL}\big(q_\phi(z|x)\,\|\,p(z)\big)}_{\text{rate}} = \mathbb{E}\Big[\log \frac{q_\phi(z|x)}{q(z)}\Big] + \mathbb{E}\Big[\log \frac{q(z)}{p(z)}\Big] = \underbrace{I(x; z)}_{\text{information}} + \mathrm{KL}\big(q(z)\,\|\,p(z)\big). \tag{1}$$
#
# The first part is the **mutual information**: what $z$ says about *which* image it was.
# The second buys nothing.
# It is what it costs that the codes of all images together do not lie as the prior does, and it is what hurts samples: the decoder learned on $z \sim q(z)$ and is asked for $z \sim p(z)$ (Hoffman and Johnson 2016).
#
# Check (1) where all is known: $x \sim \mathcal{N}(0, 1)$ and $q(z|x) = \mathcal{N}(z; ax, s^2)$.
# Then $q(z) = \mathcal{N}(0, a^2 + s^2)$, and with $v = a^2 + s^2$
#
# $$I = \tfrac12 \log \tfrac{v}{s^2}, \qquad \mathrm{KL}\big(q(z)\,\|\,p(z)\big) = \tfrac12 (v - 1 - \log v). \tag{2}$$
#
# From samples, $q(z)$ is the mean of the $q(z|x_j)$ of as many images as we have.


# %%
def parts_of_rate(mean, logvar):
    """(information, KL of q(z) to the prior), by one z an image; moments [N, d]."""
    z = vae.reparameterize(mean, logvar)
    own = vae.gaussian_log_prob(z, mean, logvar)  # log q(z_i | x_i): [N]
    every = vae.gaussian_log_prob(z[:, None], mean, logvar)  # log q(z_i | x_j): [N, N]
    log_q = torch.logsumexp(every, dim=1) - math.log(len(z))
    log_p = vae.gaussian_log_prob(z, torch.zeros_like(z), torch.zeros_like(z))
    return (own - log_q).mean().item(), (log_q - log_p).mean().item()


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
# One limit is easy to overlook: among $N$ images no code can say more than *which of the $N$*.
# So this estimate of $I$ is never above $\log N$; for a rate far above that, what is missing lands in the second part.
#
# ## The maths: one knob, two names
#
# With a fixed $\sigma_x$ and $S$ the squared error of an image, $\beta$-VAE (Higgins et al. 2017) minimises
#
# $$\frac{S}{2\sigma_x^2} + \beta\, \mathrm{KL} \;=\; \beta \Big( \frac{S}{2(\sqrt{\beta}\,\sigma_x)^2} + \mathrm{KL} \Big). \tag{3}$$
#
# The right side is $\beta$ times the plain loss of notebook 31 with another standard deviation, $\sqrt\beta\, \sigma_x$.
# Adam divides each gradient by its own size, so that a factor changes nothing.
# **Predict**: how far apart are two trainings from the same start, one with $\beta = 4$ and $\sigma_x = 0.5$, one with $\beta = 1$ and $\sigma_x = 1$?

# %%
some = data.to_float(train.images[:256]).double().flatten(1)[:, ::8]


def short_run(beta, sigma):
    """The weights of a small VAE after 50 steps, as one long vector."""
    torch.manual_seed(run.seed)
    encoder = vae.Encoder(some.shape[1], 4, (32,)).double()
    decoder = vae.mlp(4, 32, some.shape[1]).double()
    weights = [*encoder.parameters(), *decoder.parameters()]
    opt = torch.optim.Adam(weights, lr=1e-3, eps=1e-12)
    for _ in range(50):
        mean, logvar = (t.double() for t in encoder(some))
        S = (some - decoder(vae.reparameterize(mean, logvar))).square().sum(dim=1)
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
# A $\beta$ without its $\sigma_x$ says nothing, nor does one whose losses are averaged over pixels: that alone divides $\beta$ by their number.
# We say $\sigma_x$, and keep sums.
#
# ## The maths: when silence is right
#
# A coordinate whose $q(z_j|x)$ is the prior, for every $x$, is silent.
# Is such a **posterior collapse** a failure?
# Take data in the plane, $x \sim \mathcal{N}(0, \Sigma)$ with standard deviations 5 and 1, and a decoder that may learn a variance *for each of the two numbers*: $p(x|z) = \mathcal{N}\big(x; Wz, \mathrm{diag}(d_1, d_2)\big)$.
#
# No model has a higher mean $\log p(x)$ than the data's own density, so $-\text{ELBO}$ is at least the entropy,
#
# $$1 + \log 2\pi + \log 5 = 4.447 \text{ nats}. \tag{4}$$
#
# If the axes of the data are the axes of the plane, the decoder reaches it without any code: $W = 0$, $d = (25, 1)$.
# It also reaches it with one: whatever $W$ explains of the 25, $d_1$ need not.
# The ELBO is the same for all of them, so no code is needed, and none is punished.
#
# Turn the data by 45°, and $\Sigma = \begin{pmatrix} 13 & 12 \\ 12 & 13 \end{pmatrix}$: no diagonal has that.
# Now $W W^\top + \mathrm{diag}(d) = \Sigma$ is needed; with one column $w$ this is $w_1 w_2 = 12$, $d_i = 13 - w_i^2$, and the rate of the best encoder is
#
# $$I(x; z) = \tfrac12 \log \frac{|\Sigma|}{d_1 d_2} = \tfrac12 \log \frac{25}{313 - 13\,(w_1^2 + w_2^2)} \;\ge\; \log 5 = 1.609, \tag{5}$$
#
# with equality where $w_1 = w_2$ (a mean of two numbers is never below the root of their product).
# So here at least 1.609 nats *are* needed.
#
# With linear networks all expectations are closed forms, so nothing is left to chance.

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
    torch.manual_seed(run.seed)
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
tables.show(rows, ("data", "beta", "begun with", "-ELBO", "rate"))
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
# All six reach the entropy, at rates that differ.
# The cheapest says nothing on the first data, and 1.609 nats on the second.
# So silence is right where a code says nothing that the decoder could not know without it.
# To call every collapse a bug, and to "cure" it, may only make the model pay for nothing.

# %% [markdown]
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
# The decoder runs the other way: a linear layer to a grid of 4x4, two residual blocks, a pixel shuffle to 8x8, one more block, and 16 C numbers a place, which become 4x4 pixels.

# %%
ours, library = Encoder(3, 8, 16), vae.ConvEncoder(latent=8, width=16)
weights = ours.state_dict()
renamed = {k if k.startswith("heads") else f"body.{k}": v for k, v in weights.items()}
library.load_state_dict(renamed)
x = torch.rand(2, 3, 32, 32)
for a, b in zip(ours(x), library(x), strict=True):
    assert torch.allclose(a, b, atol=1e-5)

# %% [markdown]
# ## Train
#
# The loss is notebook 31's, with $\sigma_x$ fixed.
# Its KL gains weight over the first tenth of the training (**warm-up**, Bowman et al. 2015): at the start no code is worth its nats, since the decoder cannot read yet.


# %%
def networks(width, sigma, conditions=0):
    """A fresh encoder and decoder."""
    torch.manual_seed(run.seed)
    more = {"width": width, "conditions": conditions}
    encoder = vae.ConvEncoder(**settings, **more)
    decoder = vae.ConvDecoder(**settings, **more, sigma=sigma)
    return encoder.to(run.device), decoder.to(run.device)


def step(encoder, decoder, x, c):
    """(rate, distortion) of a batch, in nats per image."""
    with run.autocast():
        mean, logvar = encoder(x, c)
        likelihood = decoder(vae.reparameterize(mean, logvar), c)
    rate = vae.gaussian_kl(mean, logvar).mean()
    return rate, -likelihood.log_prob(x).mean()


# %%
def fit(label, encoder, decoder, steps, c=None, preview=None):
    """Train both; gives their averages. c: the conditions of all training images."""
    model = nn.ModuleList([encoder, decoder])
    opt = torch.optim.AdamW(model.parameters(), run.lr, betas=(0.9, 0.99), fused=True)
    books = {"ema": "model", "ema_decay": 1 - 5 / steps, "model": model, "opt": opt}
    batches = run.batches(
        (train.images,) if c is None else (train.images, c), run.batch
    )
    for x, *told in run.train(batches, steps, label=label, preview=preview, **books):
        run.anneal(opt, warmup=50)
        rate, distortion = step(encoder, decoder, x, *(told or [None]))
        loss = distortion + vae.warm_up(run.progress, 0.1) * rate
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(rate=rate, distortion=distortion)
    return run.ema["model"]


# %%
look = torch.randn(20, run.latent).to(run.device)
encoder, decoder = networks(run.width, run.sigma)
encoder, decoder = fit(
    "train", encoder, decoder, run.steps, preview=lambda: decoder(look).mean
)
plots.show(
    plots.curves(run.history, "rate", "distortion", smooth=0.95),
    alt="Two curves over the training steps: the rate rises and levels off, the "
    "distortion falls.",
    caption="The rate is bought while the distortion falls.",
)

# %% [markdown]
# ## Look and measure
#
# Reconstructions from the means of $q_\phi(z|x)$, samples from the prior.


# %%
@torch.no_grad()
def encode(encoder, images, c=None):
    """Mean and log-variance of q(z|x) for uint8 images, on the CPU."""
    x = data.to_float(images).to(run.device)
    return [moment.cpu() for moment in encoder(x, c)]


@torch.no_grad()
def decode(decoder, z, c=None):
    """The pixels' means for latents, on the CPU."""
    return decoder(z.to(run.device), c).mean.cpu()


# %%
torch.manual_seed(run.seed + 1)
real = data.to_float(test.images)
mean, logvar = encode(encoder, test.images)
noise = torch.randn(run.samples, run.latent)
rebuilt, samples = decode(decoder, mean), decode(decoder, noise)
rows = {
    "test images": real[:10],
    "reconstructions": rebuilt[:10],
    "samples": samples[:20],
}
fig = plots.grid(rows)
plots.cover(plots.grid({"real": real[:10], "drawn": samples[:20]}))
plots.show(
    fig,
    alt="Ten test images, their reconstructions, nearly alike, and twenty samples: "
    "faces, some with blurred or doubled parts.",
    caption="What the model keeps, and what it invents.",
)

# %%
evaluator = metrics.Evaluator(DATA) if DATA in metrics.SPECS else None


def fd(images):
    """The Fréchet distance to real images; not a number without an evaluator."""
    return evaluator.fd(images) if evaluator else math.nan


linear = results.figures("31_vae")
rows = [
    ("reconstructions", linear["fd_reconstructions"], fd(rebuilt)),
    ("samples", linear["fd"], fd(samples)),
    (
        "real images",
        linear["fd_floor"],
        evaluator.floor(run.samples) if evaluator else "",
    ),
]
tables.show(rows, ("Fréchet distance", "notebook 31, linear", "here"))
found |= {"fd_reconstructions": rows[0][2], "fd": rows[1][2]}

# %% [markdown]
# Better than notebook 31's table, it seems; but they are equal in nothing, neither minutes nor images nor $\sigma_x$ (0.5 there).
# `genimg bench vae` gives both the same five minutes and the same 30,000 images, each with its chapter's $\sigma_x$:

# %%
bench, rows = results.figures("bench_vae"), []
keys = ("steps", "fd_reconstructions", "fd", "precision", "recall", "rate")
for kind in ("linear", "convolutional"):
    rows.append((kind, *(bench[f"{kind}_{key}"] for key in keys)))
tables.show(rows, ("networks", *keys))
assert 0.8 < bench["fd_ratio"] < 1.25
assert bench["linear_steps"] > 1.5 * bench["convolutional_steps"]

# %% [markdown]
# At equal minutes the convolutions bring nothing here, with one seed: in the same time the linear networks take twice as many steps (and all these faces stand at the same place, which may suit a weight for each pixel).
# What convolutions save is numbers to learn (the first table), not time.
#
# With both, the samples are much worse than the reconstructions.
# How much of the rate buys nothing?

# %%
train_mean, train_logvar = encode(encoder, train.images)
information, marginal = vae.rate_parts(train_mean, train_logvar)
rate = vae.gaussian_kl(train_mean, train_logvar).mean().item()
ceiling = math.log(len(train))
rows = [("rate", rate), ("information, by (1)", information), ("log N", ceiling)]
tables.show(rows, (f"of {len(train):,} training images", "nats"))
assert information < ceiling + 0.01

# %% [markdown]
# The information stands at its ceiling: these codes hardly overlap, so each tells which of the $N$ images it was.
# What is left of the rate is then only an upper bound of the second part of (1); so large a rate cannot be split by samples.
# But its effect can be seen.
# **Predict**: the images that start from $q(z)$ instead of $p(z)$: are they nearer to the reconstructions, or to the samples?

# %%
pick = torch.randperm(len(train), generator=torch.Generator().manual_seed(run.seed))
some = pick[: run.samples]
codes = vae.reparameterize(train_mean[some], train_logvar[some])  # from q(z)
cov = train_mean.T.cov() + torch.diag(train_logvar.exp().mean(dim=0))
fitted = train_mean.mean(dim=0) + noise @ torch.linalg.cholesky(cov).T
starts = {
    "p(z), the prior": samples,
    "a Gaussian fitted to q(z)": decode(decoder, fitted),
    "q(z), a code of a training image": decode(decoder, codes),
    "none: reconstructions": rebuilt,
}
rows = [(name, fd(images)) for name, images in starts.items()]
tables.show(rows, ("z drawn from", "Fréchet distance"))
found |= {"fd_fitted": rows[1][1], "fd_from_q": rows[2][1], "rate": rate}
if CHECKED:
    prior, gaussian, aggregated, none = (row[1] for row in rows)
    assert max(aggregated, none) < 0.6 * prior and none < gaussian < prior

# %% [markdown]
# From $q(z)$ nearly all is well, so the decoder is not to blame: the *place* of the codes is.
# A Gaussian of the right mean and covariance brings back a small part; the rest is the shape of $q(z)$, which no Gaussian has.
# (Drawing from $q(z)$ itself would need the training images.)
# Notebook 33 learns a prior for that place.
#
# ## One curve
#
# By (3) there is one knob.
# Turn it: five values of $\sigma_x$, a short training of a narrower network each.
# **Predict**: as $\sigma_x$ grows, what happens to the rate, to the reconstructions, to the samples?

# %%
SIGMAS = (0.1, 0.2, 0.4, 0.8, 1.6)
short = {}
for sigma in SIGMAS:
    pair = networks(run.short_width, sigma)
    short[sigma] = fit(f"sigma_{sigma:g}", *pair, run.short_steps)

# %%
rows, shown = [], {}
for sigma, (enc, dec) in short.items():
    mu, lv = encode(enc, test.images)
    again, drawn = decode(dec, mu), decode(dec, noise)
    rmse = (again - real).square().mean().sqrt().item()
    spent = vae.gaussian_kl(mu, lv).mean().item()
    split = vae.rate_parts(mu, lv)
    active = vae.active_units(mu)
    rows.append((sigma, spent, *split, active, rmse, fd(again), fd(drawn)))
    shown[sigma] = again, drawn
columns = (
    "sigma",
    "rate",
    "information",
    "rest",
    "active",
    "error",
    "FD rebuilt",
    "FD samples",
)
tables.show(rows, columns)

# %%
_, spent, _, _, active, rmse, fd_rebuilt, fd_drawn = zip(*rows, strict=True)
curve = {"error of a pixel": (spent, rmse)}
plots.show(
    plots.lines(curve, xlabel="rate, nats", ylabel="error of a pixel", xscale="log"),
    alt="A curve that falls from the upper left, few nats and a large error, to the "
    "lower right, many nats and a small error.",
    caption="Rate against distortion: each point is another sigma.",
)
best = SIGMAS[fd_drawn.index(min(fd_drawn))] if evaluator else None
print(f"the samples are nearest to real images at sigma {best}")
if CHECKED:
    assert list(spent) == sorted(spent, reverse=True)
    assert rmse[-1] == max(rmse) and fd_rebuilt[-1] == max(fd_rebuilt)

# %% [markdown]
# A larger $\sigma_x$ buys fewer nats, at a larger error.
# Only where the rate comes down to the order of $\log N$ does the information of (1) leave its ceiling.
# (These trainings are short, so the smallest $\sigma_x$ are not at their end: their errors are nearly the same.)
# What survives a large $\sigma_x$?


# %%
def survives(sigma, face):
    again, drawn = shown[sigma]
    rows = {
        "images": real[face : face + 8],
        "reconstructions": again[face : face + 8],
        "samples": drawn[face : face + 8],
    }
    return plots.grid(rows, cols=8, width=7.0)


explore(
    survives,
    alt="Images, their reconstructions and samples, for one sigma.",
    caption="A live notebook has sliders here: what goes first, what stays?",
    sigma=[0.4, *SIGMAS],
    face=(0, 40, 0),
)

# %% [markdown]
# ## Tell it what to draw
#
# A condition $c$ goes into both networks: beside the features of the encoder, and beside $z$ in the decoder, $q_\phi(z|x, c)$ and $p_\theta(x|z, c)$.
# Then $z$ need not say what $c$ says already.
# Obedience is measured as in notebook 24: how often does the evaluator see what was asked for, beside chance and beside real images?

# %%
if train.factors:
    c, c_test = portraits.one_hot(train.factors), portraits.one_hot(test.factors)
    pair = networks(run.short_width, run.sigma, c.shape[1])
    told_encoder, told_decoder = fit("told", *pair, run.told_steps, c)
    asked = decode(told_decoder, noise, c_test)
    seen, of_real = evaluator.read(asked), evaluator.read(test.images)

# %%
FIVE = ("hair", "hair_color", "glasses", "hat", "mouth")
if train.factors:
    rows = []
    for name in FIVE:
        target = test.factors[name]
        chance = portraits.probabilities(name).square().sum().item()
        shares = [(v[name] == target).double().mean().item() for v in (seen, of_real)]
        rows.append((name, chance, *shares))
    tables.show(rows, ("factor", "chance", "obeyed", "real images"))
    found["accuracy_least"] = min(row[2] for row in rows)
    mu, lv = encode(told_encoder, test.images, c_test)
    told_rate = vae.gaussian_kl(mu, lv).mean().item()
    print(
        f"rate {told_rate:.1f} nats; told nothing, for more steps and wider: {rate:.1f}"
    )

# %%
if train.factors:
    wishes = {"hair": "long", "hair_color": "red", "glasses": "round", "hat": "cap"}
    wish = portraits.one_hot({**wishes, "mouth": "smile"}).repeat(10, 1)
    rows = {"one wish, ten z": decode(told_decoder, noise[:10], wish)}
    rows["one z, ten wishes"] = decode(
        told_decoder, noise[:1].repeat(10, 1), c_test[:10]
    )
    plots.show(
        plots.grid(rows),
        alt="Ten faces with long red hair, round glasses and a cap; ten faces of one "
        "latent and different conditions.",
        caption="Above, c is held and z varies; below, the other way round.",
    )

# %% [markdown]
# The images follow, above chance in every factor and far from always: this is a short training of a narrow network, and the decoder of a VAE is asked for an average face of that description, not for one that convinces.
# Beside it, notebook 24's generator obeys in three of four cases at least.
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
        self.from_z = nn.Linear(latent, width * places)
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
        return vae.Bernoulli(self.last(h + told))


# %%
small = (
    data.load("portraits", size=16, n=run.images, seed=3)
    .images.float()
    .mean(1, keepdim=True)
)
ink = (small < small.median()).float()  # 1 is dark
CURES = {
    "as it is": {},
    "warm-up": {"warm": 0.5},
    "free bits": {"least": 0.3},
    "sees 3x3 pixels": {"reach": 3},
    "z speaks to each place": {"places": 256},
}


# %%
def silent_run(label, seed, reach=7, warm=0.0, least=0.0, places=1):
    """(rate, active units, -ELBO) after a short training, on images of the set."""
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
    """(rate, active units, -ELBO) on images of the set."""
    x = ink[: run.samples].to(run.device)
    mean, logvar = encoder(x)
    rate = vae.gaussian_kl(mean, logvar).mean().item()
    z = vae.reparameterize(mean, logvar)
    nll = -decoder(z, x).log_prob(x).mean().item()
    return rate, vae.active_units(mean), nll + rate


# %% [markdown]
# First $z$ is one vector that all places get alike; the last row lets it say something to each place.
# **Predict**: which change makes the model better, by the ELBO?

# %%
rows = []
for name, how in CURES.items():
    label = name.replace(" ", "_")
    several = [
        judged_by_elbo(*silent_run(label, seed, **how)) for seed in range(run.seeds)
    ]
    shown = [
        ", ".join(f"{v:.2f}" for v in column) for column in zip(*several, strict=True)
    ]
    rows.append((name, *shown))
    found[f"elbo_{label}"] = max(row[2] for row in several)
tables.show(rows, ("by seed", "rate", "active units", "-ELBO"))
worst = {name: found[f"elbo_{name.replace(' ', '_')}"] for name in CURES}
if CHECKED:
    assert worst["z speaks to each place"] < 0.8 * worst["as it is"]
    assert min(worst[k] for k in ("free bits", "sees 3x3 pixels")) > worst["as it is"]

# %% [markdown]
# Warm-up changes next to nothing, free bits make the encoder speak and the model worse, and so does a decoder that sees less: it has to pay for what it could have seen.
# The silence was not the fault of the training: for *this* decoder a code was hardly worth its nats.
# What helps is a decoder that can use one.
# So look at the ELBO beside the rate before you cure anything.

# %% [markdown]
# ## What one encoder for all costs
#
# The encoder proposes $q$ in one pass.
# For a single image we can do better: keep the decoder, and climb the ELBO in $\mu$ and $\log\sigma^2$ themselves.
# Three numbers for the same images, then: the encoder's ELBO, the best ELBO of any normal $q$, and the importance-weighted bound, nearer still to $\log p(x)$ (notebook 31, equation 8).
# The first step is the **amortisation gap** (Cremer et al. 2018), the second comes from $q$ being a diagonal normal.

# %%
few = real[:32].to(run.device)
decoder.requires_grad_(False)
with torch.no_grad():
    start_mean, start_logvar = encoder(few)
free = [t.detach().clone().requires_grad_() for t in (start_mean, start_logvar)]
opt = torch.optim.Adam(free, lr=0.02)
eps = torch.randn(200, *start_mean.shape, generator=torch.Generator().manual_seed(2))


def bound(mean, logvar, eps):
    """The ELBO of each image by one z. [32]."""
    z = vae.reparameterize(mean, logvar, eps.to(run.device))
    return decoder(z).log_prob(few) - vae.gaussian_kl(mean, logvar)


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
    weighted = vae.importance_log_likelihood(few, lambda _: free, decoder, run.k).mean()
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
# (Locatello et al. 2019: without labels or assumptions on the data nothing can decide it.)


# %%
def gaussian_kl_full(mean, cov):
    """KL(N(mean, cov) || N(0, I)), in nats: [N]. cov: [N, d, d]."""
    trace = cov.diagonal(dim1=1, dim2=2).sum(dim=1)
    return 0.5 * (mean.square().sum(dim=1) + trace - mean.shape[1] - torch.logdet(cov))


g = torch.Generator().manual_seed(run.seed)
R = torch.linalg.qr(torch.randn(run.latent, run.latent, generator=g).double()).Q
mu, lv = (t.double() for t in (mean, logvar))
turned = mu @ R.T
cov = R @ torch.diag_embed(lv.exp()) @ R.T
before, after = vae.gaussian_kl(mu, lv), gaussian_kl_full(turned, cov)
print(f"KL {before.mean():.6f}, turned {after.mean():.6f}")
assert torch.allclose(before, after, rtol=1e-8)

# %%
if test.factors:
    known = {name: test.factors[name] for name in portraits.CATEGORICAL}
    gaps = [metrics.mutual_information_gap(z, known) for z in (mu, turned)]
    rows = [(name, gaps[0][1][name], gaps[1][1][name]) for name in known]
    tables.show([*rows, ("mean, MIG", gaps[0][0], gaps[1][0])], ("gap", "z", "R z"))
    found |= {"mig": gaps[0][0], "mig_turned": gaps[1][0]}

# %% [markdown]
# The KL is the same to many digits, and so would be every image.
# Of what little gap there was, less than half is left.
# The ELBO does not ask for meaning; it does not even notice.
#
# ## Likelihoods that can be compared
#
# A density of real numbers fitted to images of 256 levels can be made as large as one likes, by spikes at the levels.
# Two ways out.
# Give each *level* a probability: $P(k)$ is the mass of a logistic distribution on the level's own interval, the outermost reaching to infinity (Kingma et al. 2016).
# Or add noise $u$ that fills the gaps between levels, width $w$ (Theis et al. 2015): by Jensen's inequality
#
# $$\mathbb{E}_u \log p(x + u) + D \log w \;\le\; \log \int p(x + u)\, w^D \tfrac{du}{w^D} = \log P(x). \tag{6}$$
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


# %%
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
enc, dec = short[SIGMAS[0]]
mu, lv = encode(enc, test.images)
spent = vae.gaussian_kl(mu, lv).mean()
x_hat = decode(dec, vae.reparameterize(mu, lv))
u = torch.rand(real.shape, generator=torch.Generator().manual_seed(4))
dense = most_likely(vae.Gaussian, vae.dequantize(real, u), x_hat)
level = most_likely(vae.DiscretizedLogistic, real, x_hat)
png = 8 * sum(map(png_bytes, test.images[:200])) / (200 * pixels)
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

# %% [markdown]
# The two likelihoods agree within a tenth of a bit, and a PNG file needs far less than either: flat areas cost it next to nothing, while a model with one scale for all pixels pays for each of them.
#
# ## Break it
#
# Four slips from published code, each in one number.
# **Predict** each before you run it.
#
# 1. The error is averaged over pixels, the KL summed (or both are averaged, over different counts): a hidden $\beta$.
# 2. $\beta$ is declared, and never used.
# 3. An *in-place* ReLU stands first in a residual block: it rectifies the shortcut, too.
# 4. The test loss is returned inside the loop: one batch's, divided by the number of batches.

# %%
mu, lv = encode(encoder, test.images[:64])
error = (decode(decoder, mu) - real[:64]).square()
per_image = error.flatten(1).sum(dim=1).mean()
ratio = (per_image / error.mean()).item()
print(f"1. averaged over pixels, the error weighs {ratio:,.0f} times less")
assert abs(ratio - pixels) < 1e-2 * pixels


# %%
def loss_of(x, x_hat, mu, lv, beta):  # as found in print, in short
    return (x - x_hat).square().sum() + vae.gaussian_kl(mu, lv).sum()


again = decode(decoder, mu)
two = [loss_of(real[:64], again, mu, lv, beta).item() for beta in (1, 100)]
print(f"2. beta 1: {two[0]:.2f}, beta 100: {two[1]:.2f}")
assert two[0] == two[1]


# %%
def block(inplace):
    torch.manual_seed(run.seed)
    body = nn.Sequential(nn.ReLU(inplace=inplace), nn.Conv2d(8, 8, 3, padding=1))
    nn.init.zeros_(body[1].weight)
    nn.init.zeros_(body[1].bias)
    return lambda h: body(h) + h  # the branch first, then the shortcut


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
# 1 is a matter of three thousand, 2 makes every curve over $\beta$ flat, 3 cuts off half of what the shortcut should carry, and 4 looks like a wonderful model.

# %%
run.report(**found)
if DATA == "portraits":
    run.expect(fd=("<", (1_500, 30, 15)), fd_reconstructions=("<", (1_500, 5, 3)))

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/32_conv_vae.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* One knob: which sigma is this beta?
# 2. ★ *(5 minutes)* Bits per dimension.
# 3. ★★ *(10 minutes)* Patches by hand.
# 4. ★★ *(10 minutes)* Free bits.
# 5. ★★ *(15 minutes)* The density of all codes.
# 6. ★★★ *(25 minutes, a project)* The two parts of the rate.
#
# To try here *(10 to 20 minutes each)*: `DATA = "fashion_mnist"`; `patch=2` in both networks (four times the products: what does the same number of *minutes* bring?); drawing with $0.7\,\epsilon$ instead of $\epsilon$, and the recall beside the distance.
#
# ## What to remember
#
# - Rate = information + KL of the aggregated posterior to the prior. The second part buys nothing, and it is where samples are lost.
# - $\beta$ with a fixed $\sigma_x$ is another $\sigma_x$. A $\beta$ without its $\sigma_x$ and its reductions says nothing.
# - A silent latent is no bug by itself. Compare ELBOs, not rates.
# - A condition takes over what $z$ need not say; measure obedience beside chance.
# - The ELBO does not ask for meaning: turn $z$, and nothing changes but your interpretation.
# - Compare likelihoods in bits per dimension, of levels or with noise between them.
#
# ## Further reading
#
# - D. P. Kingma, M. Welling, *Auto-Encoding Variational Bayes*, 2013, arXiv:1312.6114.
# - S. R. Bowman et al., *Generating Sentences from a Continuous Space*, 2015, arXiv:1511.06349: warm-up.
# - M. D. Hoffman, M. J. Johnson, *ELBO surgery: yet another way to carve up the variational evidence lower bound*, 2016, NIPS workshop on advances in approximate Bayesian inference.
# - D. P. Kingma et al., *Improving Variational Inference with Inverse Autoregressive Flow*, 2016, arXiv:1606.04934: free bits, the discretised logistic.
# - A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, *Pixel Recurrent Neural Networks*, 2016, arXiv:1601.06759: masked convolutions.
# - L. Theis, A. van den Oord, M. Bethge, *A note on the evaluation of generative models*, 2015, arXiv:1511.01844.
# - I. Higgins et al., *beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework*, ICLR 2017.
# - C. Cremer, X. Li, D. Duvenaud, *Inference Suboptimality in Variational Autoencoders*, 2018, arXiv:1801.03558.
# - R. T. Q. Chen, X. Li, R. Grosse, D. Duvenaud, *Isolating Sources of Disentanglement in Variational Autoencoders*, 2018, arXiv:1802.04942.
# - F. Locatello et al., *Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations*, 2019, arXiv:1811.12359.
# - O. Rybkin, K. Daniilidis, S. Levine, *Simple and Effective VAE Training with Calibrated Decoders*, ICML 2021, arXiv:2006.13202.
