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
# # 23 A GAN that trains
#
# *You will tell a collapsed game from a healthy one by its curves, count which faces a generator never draws, derive four ways to hold a detective's slope,
# and compare seven recipes at equal cost: a table that papers seldom have room for.*
#
# ![A row of real portraits above three rows of generated ones.](../data/pictures/23_stable_gan.png)
#
# **You need** notebook 22, and from notebook 14 the ring and R1. The next cell says how long it takes.

# %%
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, gan, metrics, plots, pretrained, tables, vae
from genimg_lib.data import portraits
from genimg_lib.layers import conv_matrix
from genimg_lib.training import start
from genimg_lib.widgets import explore

run = start(
    "23_stable_gan", steps=(40, 1_000, 40_000), batch=(16, 32, 256), width=(16, 24, 64), lr=(2e-3, 2e-3, 1e-3), game_steps=(20, 300, 300),
    few_steps=(20, 900, 10_000), few_width=16, fit_steps=(100, 600, 600), samples=(300, 2_000, 10_000),
)  # fmt: skip
tables.show_expected("23_stable_gan")
run

# %% [markdown]
# ## Why: three games
#
# Below, three games of the small networks of notebook 21 on grey faces, with different settings. Look at their curves first (the settings stand in the cell above them). **Predict**: which one is healthy, in which has the forger collapsed to few faces, in which has the detective run away?

# %%
small = data.load("portraits", size=16, n=10_000).images.float().mean(dim=1, keepdim=True).round().to(torch.uint8)


def grey_players():
    G = nn.Sequential(*vae.mlp(32, 256, 512, 256, activation=nn.ReLU), nn.Tanh(), nn.Unflatten(1, (1, 16, 16)))
    return G.to(run.device), nn.Sequential(nn.Flatten(), vae.mlp(256, 512, 256, 1, activation=lambda: nn.LeakyReLU(0.2)), nn.Flatten(0)).to(run.device)


def grey_game(label, steps, d_turns=1, g_turns=1, g_loss=gan.nonsaturating_g_loss, beta_1=0.5, lr=1e-3):
    """The curves of a game and 500 images of its generator."""
    torch.manual_seed(run.seed)
    G, D = grey_players()
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=lr, betas=(beta_1, 0.99), fused=True) for net in (G, D))
    for x in run.train(run.batches(small, 128), steps, label=label, G=G, D=D, opt_G=opt_G, opt_D=opt_D):
        for _ in range(d_turns):
            loss_D = gan.minimax_d_loss(D(x), D(G(torch.randn(128, 32, device=run.device)).detach()))
            opt_D.zero_grad(), loss_D.backward(), opt_D.step()
        for _ in range(g_turns):
            loss_G = g_loss(D(G(torch.randn(128, 32, device=run.device))))
            opt_G.zero_grad(), loss_G.backward(), opt_G.step()
        # the same measure of G in all games, whatever it was trained by
        run.log(loss_D=loss_D, loss_G=gan.nonsaturating_g_loss(D(G(torch.randn(128, 32, device=run.device)))))
    with torch.no_grad():
        return run.history, G(torch.randn(500, 32, generator=torch.Generator().manual_seed(1)).to(run.device)).cpu()


# %%
SETTINGS = {
    "A": {"steps": run.game_steps, "g_turns": 8, "beta_1": 0.9, "lr": 2e-3},
    "B": {"steps": 5 * run.game_steps},
    "C": {"steps": run.game_steps // 3, "d_turns": 10, "g_loss": gan.minimax_g_loss},
}

# %%
games = {name: grey_game(name, **settings) for name, settings in SETTINGS.items()}
fig, axes = plots.figure(1, 3, height=2.6, sharey=True)
for axis, (name, (history, _)) in zip(axes, games.items(), strict=True):
    for loss, color in (("loss_D", plots.COLORS[0]), ("loss_G", plots.COLORS[1])):
        axis.plot(torch.linspace(0, 1, len(history[loss])), history[loss], color=color, linewidth=0.8, label=loss)
    axis.axhline(2 * math.log(2), color=plots.COLORS[0], linestyle="--", linewidth=1)
    axis.set(title=f"game {name}", ylim=(0, 8), xlabel="part of the game")
axes[1].legend(), axes[0].set_ylabel("nats")
plots.show(fig, alt="Losses of three games, unnamed.", caption="Both losses, not smoothed. Dashed: the detective's loss where it cannot tell, 2 log 2.")

# %% [markdown]
# The answer, in samples. How varied they are is a number, too: the mean distance between two samples, as a share of that between two real faces.

# %%


def spread(images):
    return torch.pdist(images.flatten(1).float()).mean().item()


found, rows = {}, {"real": data.to_float(small[:12])}
for name, (history, images) in games.items():
    tail = {loss: torch.tensor(history[loss][len(history[loss]) // 2 :]) for loss in ("loss_D", "loss_G")}
    found[f"spread_{name}"] = spread(images) / spread(data.to_float(small[:500]))
    rows[f"game {name}: spread {found[f'spread_{name}']:.0%} of the real one"] = images[:12]
    print(f"game {name}: loss_D {tail['loss_D'].mean():.2f} ± {tail['loss_D'].std():.2f}, loss_G {tail['loss_G'].mean():.2f} ± {tail['loss_G'].std():.2f} in its second half")
plots.show(plots.grid(rows, cols=12), alt="A row of real faces and one of each game's.", caption="A: the forger steps eight times to the detective's once, with momentum. It rushes to whatever passes for real at the moment, the detective follows, both losses swing; at the end one picture is left. B: both losses stay in a band (and it lasts five times as many rounds: a healthy game needs them to show faces). C: ten steps of the detective and the minimax loss for the forger; the detective's loss is 0, and the forger's push with it: noise.")

# %% [markdown]
# ## Who is missing?
#
# A generator that draws only short black hair could fool a detective that judges one image at a time. The portraits know their factors, so we can count. Take hair style, hat, glasses, beard and mouth: $6 \cdot 4 \cdot 3 \cdot 3 \cdot 4 = 864$ combinations. The factors are drawn independently, so the probability $p_c$ of combination $c$ is a product of five shares. In $n$ images $c$ is missing with probability $(1 - p_c)^n$, so we expect
#
# $$\mathbb{E}[\text{combinations covered}] = \sum_{c} \big(1 - (1 - p_c)^n\big). \tag{1}$$

# %%
KINDS = ("hair", "hat", "glasses", "beard", "mouth")
evaluator = metrics.Evaluator("portraits")


def combinations(factors):
    """How many different combinations of KINDS occur. factors: {name: indices [N]}."""
    return len(torch.stack([factors[kind] for kind in KINDS]).unique(dim=1).T)


p = torch.ones(1, dtype=torch.float64)
for kind in KINDS:
    p = torch.outer(p, portraits.probabilities(kind)).flatten()
real = data.load("portraits", "test", n=run.samples, seed=11)
found["combinations_expected"] = (1 - (1 - p) ** run.samples).sum().item()  # (1)
found["combinations_real"] = combinations(evaluator.read(real.images))
print(f"{run.samples:,} real images: {combinations(real.factors)} combinations, {found['combinations_real']} as the evaluator reads them; by (1) {found['combinations_expected']:.1f} of {len(p)}")
assert abs(combinations(real.factors) - found["combinations_expected"]) < 40 and len(p) == 864

# %% [markdown]
# Misreadings add combinations: a generator of smears may look varied by this count alone. And rare combinations come by luck. A second count has neither fault: the shares of each factor's values. With $a_k$ the share of value $k$ among the images and $p_k$ that in the data, the **total variation** is $\frac12 \sum_k |a_k - p_k|$, the share of images that would have to change. A value counts as *produced* if it comes at least a tenth as often as in the data.

# %%
lent = pretrained.load_generator("gan_portraits", run.device)
with torch.no_grad():
    drawn = torch.cat([lent(torch.randn(250, lent.latent, generator=torch.Generator().manual_seed(k)).to(run.device)).cpu() for k in range(run.samples // 250 + 1)])
for name, images in (("real", real.images), ("the generator lent in notebook 22", drawn[: run.samples])):
    read = evaluator.read(images)
    variation, produced = metrics.coverage(read)
    worst = max(variation, key=variation.get)
    print(f"{name}: {combinations(read)} combinations, {produced:.0%} of all values produced; total variation at most {variation[worst]:.3f}, for {worst}")
    shares = torch.bincount(read[worst], minlength=len(portraits.FACTORS[worst])) / len(read[worst])
    print("   ", {value: f"{a:.2f} ({p:.2f})" for value, a, p in zip(portraits.FACTORS[worst], shares.tolist(), portraits.probabilities(worst).tolist(), strict=True)}, "share (in the data)")

# %% [markdown]
# ## The maths: a detective with a slope limit
#
# From notebook 13, with $a$ for $f$: the Wasserstein distance asks for the best critic among those that nowhere rise faster than 1:
#
# $$W_1(p, q) = \sup_{|a(x) - a(y)| \le \|x - y\|} \; \mathbb{E}_{x \sim p}\, a(x) - \mathbb{E}_{y \sim q}\, a(y). \tag{2}$$
#
# A critic of this kind has a useful slope where the sets do not overlap, and it is never infinitely sure. But how do you keep a network's slope below 1?
#
# **How much does a matrix stretch?** Every matrix is $W = \sum_i \sigma_i\, u_i v_i^\top$ with orthonormal $u_i$, orthonormal $v_i$ and $\sigma_1 \ge \sigma_2 \ge \dots \ge 0$, its *singular values*. So $\|Wx\| \le \sigma_1 \|x\|$, and $x = v_1$ reaches it: $\sigma_1$ is the most by which $W$ stretches a vector. We write $\|W\|$. ($\sigma$ without an index stays the sigmoid.)
#
# In a chain of layers $x_{l+1} = \phi(W_l x_l)$ with $|\phi'| \le 1$, two inputs at distance $\delta$ leave $W$ at most $\|W\|\,\delta$ apart, and $\phi$ brings them no further apart. Layer after layer the factors multiply:
#
# $$|a(x) - a(y)| \le \Big(\prod_l \|W_l\|\Big)\, \|x - y\|. \tag{3}$$
#
# Four ways to use this, or to do without:
#
# **Clipping** (Arjovsky et al. 2017): after each step, force every weight into $[-c, c]$. As $\|W\|^2 \le \sum_{ij} W_{ij}^2 \le mn\,c^2$, that bounds each layer by $c\sqrt{mn}$. But for the critic below, 2-64-64-1, the product of these bounds is 0.006 for $c = 0.01$ and 156 for $c = 0.3$.
#
# **Gradient penalty** (Gulrajani et al. 2017). By (2), the best critic's gain is the cheapest plan's work: over the pairs $(x, y)$ of the plan, $a(x) - a(y)$ is on average $\|x - y\|$. No pair can gain more, so each gains exactly this, and a function of slope at most 1 that rises by the whole length of a line has slope 1 all along it. The plan is unknown, so the penalty asks for 1 on lines between *random* pairs:
#
# $$\text{GP} = \mathbb{E}\,\big(\|\nabla a(\hat x)\| - 1\big)^2, \qquad \hat x = \alpha\, x + (1 - \alpha)\, y, \quad \alpha \sim \mathcal{U}(0, 1). \tag{4}$$
#
# **Spectral norm** (Miyato et al. 2018): divide each $W_l$ by $\|W_l\|$; by (3) the slope is then at most 1. **R1** (Mescheder et al. 2018): no limit, only a price for slope at real images,
#
# $$R_1 = \tfrac{\gamma}{2}\, \mathbb{E}_{x \sim p}\, \|\nabla a(x)\|^2, \tag{5}$$
#
# so that where real and fake agree the detective comes to rest (notebook 14). R1 is no limit and estimates no distance, so it is not in the next cell. One backward pass gives all slopes: $\nabla_{x_i} \sum_j a(x_j) = \nabla a(x_i)$, as long as a logit depends on its own image alone.
#
# Who estimates a distance that we know? $p = \mathcal{N}(0, I)$ and $q$ the same, moved by 2: then $W_1 = 2$. The penalty is a price and no limit. With weight $\lambda = 10$ a slope $s$ gains $2s - 10\,(s - 1)^2$, most at $s = 1.1$: expect 2.2. Spectral norm cannot pass 2, but for the noise of the samples.


# %%
def critic(held):
    """A small critic of points in the plane."""
    layers = [nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 1)]
    if held == "spectral norm":
        layers = [nn.utils.parametrizations.spectral_norm(layer) for layer in layers]
    return nn.Sequential(layers[0], nn.LeakyReLU(0.2), layers[1], nn.LeakyReLU(0.2), layers[2], nn.Flatten(0))


# %%
def fit(held):
    """The critic's estimate of (2) and its slopes between the two clouds."""
    torch.manual_seed(run.seed)
    a = critic(held)
    opt = torch.optim.Adam(a.parameters(), lr=1e-3, betas=(0.0, 0.9))
    for _ in range(run.fit_steps):
        x, y = torch.randn(256, 2), torch.randn(256, 2) + torch.tensor([2.0, 0.0])
        loss = gan.wasserstein_d_loss(a(x), a(y)) + (10 * gan.gradient_penalty(a, x, y) if held == "gradient penalty" else 0)
        opt.zero_grad(), loss.backward(), opt.step()
        for w in a.parameters() if held.startswith("clipping") else ():
            w.data.clamp_(-float(held.split()[1]), float(held.split()[1]))
    x, y = torch.randn(4_000, 2), torch.randn(4_000, 2) + torch.tensor([2.0, 0.0])
    between = torch.lerp(y, x, torch.rand(4_000, 1)).requires_grad_()
    (slope,) = torch.autograd.grad(a(between).sum(), between)
    return -gan.wasserstein_d_loss(a(x), a(y)).item(), slope.norm(dim=1)


estimates = {}
for held in ("nothing", "clipping 0.01", "clipping 0.3", "spectral norm", "gradient penalty"):
    estimates[held], slope = fit(held)
    print(f"{held:<17} estimate of W1 = 2: {estimates[held]:9.4f}   slopes {slope.min():9.4f} to {slope.max():9.4f}")
assert estimates["spectral norm"] < 2.15 and estimates["clipping 0.01"] < 0.1  # as (3) guarantees, but for the noise of the samples
assert (estimates["nothing"] > 2.5 and abs(estimates["gradient penalty"] - 2.2) < 0.4) or run.profile == "quick"

# %% [markdown]
# **The power iteration** finds $\|W\|$ with two products a step. Start anywhere, and repeat
#
# $$v \leftarrow \frac{W^\top u}{\|W^\top u\|}, \qquad u \leftarrow \frac{W v}{\|W v\|}, \qquad \sigma_1 \approx u^\top W v. \tag{6}$$
#
# Since $W^\top W v_i = \sigma_i^2\, v_i$, each round multiplies the part of $v$ along $v_i$ by $\sigma_i^2$, and the largest wins: after $k$ rounds the second part is $(\sigma_2/\sigma_1)^{2k}$ of what it was beside the first. Weights change little from step to step of a training; one round a step, going on from the last $u$, is enough. That is what torch does:

# %%
torch.manual_seed(run.seed)
layer = nn.utils.parametrizations.spectral_norm(nn.Linear(30, 20).double())
W, u = layer.parametrizations.weight.original.detach(), F.normalize(torch.randn(20, dtype=torch.float64), dim=0)
exact = torch.linalg.svdvals(W)[0]
for k in range(40):
    v = F.normalize(W.T @ u, dim=0)  # (6)
    u = F.normalize(W @ v, dim=0)
    sigma = u @ W @ v
    theirs = W / layer.weight  # torch has taken 16 rounds by now, and takes one more whenever the weight is used in training mode
    if k in (0, 2, 10, 39):
        print(f"round {k + 1:2}: sigma {sigma:.6f}, torch's {theirs.mean():.6f}, singular value decomposition {exact:.6f}")
assert abs(sigma / exact - 1) < 5e-3 and sigma <= exact + 1e-9

# %% [markdown]
# One caution. For a convolution torch takes the norm of its weights as a matrix $[C_\text{out},\, C_\text{in} k^2]$. But with stride $s$ a pixel enters up to $\lceil k/s \rceil^2$ windows, so the squares of all patches add up to that many times $\|x\|^2$, and the layer can stretch an image up to $\lceil k/s \rceil$ times as much.
#
# So the slope of our discriminator at 32x32, with one 3x3 convolution, three 4x4 of stride 2 and a dense layer, is bounded by $3 \cdot 2 \cdot 2 \cdot 2 \cdot 1 = 24$, not by 1.
#
# The worst case is a blur. Its matrix comes from notebook 12:

# %%
blur = nn.Conv2d(1, 1, 3, padding=1, bias=False)
nn.init.ones_(blur.weight)
blur = nn.utils.parametrizations.spectral_norm(blur, n_power_iterations=30).eval()
weight = blur.weight.detach()
operator = torch.linalg.svdvals(conv_matrix(weight[0, 0], 16, padding=1))[0].item()
print(f"largest singular value of the weights {torch.linalg.svdvals(weight.flatten(1))[0]:.3f}, of the whole layer on 16x16 pixels {operator:.3f}")
assert 2.8 < operator <= 3

# %% [markdown]
# ## Losses that compare
#
# The **hinge loss**: at a place with densities $p$ and $q$ the detective minimises $p \max(0, 1 - a) + q \max(0, 1 + a)$. Between -1 and 1 that is $p + q - a\,(p - q)$, so the best answer is $a = 1$ where $p > q$ and $-1$ where $q > p$. It asks *which* is more likely, not by how much, and a logit above 1 on a real image earns nothing more. $G$ feels a slope of 1 at any logit.
#
# The **relativistic** loss (Jolicoeur-Martineau 2018) does not ask "is this real?" but "is this one *more* real than that?", over pairs of a real and a fake image:
#
# $$L_D = \mathbb{E}\big[\operatorname{softplus}\!\big(a(G(z)) - a(x)\big)\big], \qquad L_G = \mathbb{E}\big[\operatorname{softplus}\!\big(a(x) - a(G(z))\big)\big]. \tag{7}$$
#
# In the usual losses $G$'s part does not contain real images at all. In (7) they set how hard each fake is pushed: a fake is pushed as long as its partner is judged more real, however good it is by itself. R3GAN (Huang et al. 2024) shows that with R1 on real *and* on fake images this loss trains without any of the older tricks.

# %%
a_real, a_fake = torch.randn(6, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
pairs = sum(math.log(1 + math.exp(f - r)) for r, f in zip(a_real.tolist(), a_fake.tolist(), strict=True)) / 6
assert math.isclose(gan.relativistic_d_loss(a_real, a_fake).item(), pairs)
assert torch.isclose(gan.relativistic_d_loss(a_real + 5, a_fake + 5), gan.relativistic_d_loss(a_real, a_fake))  # only differences count
a = torch.linspace(-3, 3, 121)
fig, axis = plots.figure(height=2.8)
for name, slope, color in (
    ("non-saturating: 1 - D", torch.sigmoid(-a), plots.COLORS[0]),
    ("minimax: D", torch.sigmoid(a), plots.COLORS[1]),
    ("hinge, Wasserstein: 1", torch.ones_like(a), plots.COLORS[2]),
    ("relativistic, against a real logit of 2", torch.sigmoid(2 - a), plots.COLORS[3]),
):
    axis.plot(a, slope, color=color, label=name)
axis.set(xlabel="logit of a fake", ylabel="how hard G is pushed", ylim=(0, 1.5), yticks=[0, 0.5, 1]), axis.legend(loc="upper center", ncol=2)
plots.show(fig, alt="Slopes of four losses over the logit of a fake.", caption="The size of the slope of G's loss by the logit. Minimax pushes least where the fake is worst.")

# %% [markdown]
# **Two time scales** (Heusel et al. 2017): give the players unlike learning rates, the detective the higher one, so that it is close to its best answer before the forger moves on. On the ring of notebook 14, without any penalty, **predict** how many of the eight clusters the samples reach:


# %%
def ring_covered(lr_G, lr_D, seed):
    """How many of the eight clusters a small GAN's samples reach."""
    torch.manual_seed(seed)
    G, D = vae.mlp(8, 64, 64, 2, activation=nn.ReLU), nn.Sequential(vae.mlp(2, 64, 64, 1, activation=lambda: nn.LeakyReLU(0.2)), nn.Flatten(0))
    opt_G, opt_D = torch.optim.Adam(G.parameters(), lr=lr_G, betas=(0.5, 0.99)), torch.optim.Adam(D.parameters(), lr=lr_D, betas=(0.5, 0.99))
    ring = data.toy.ring(20_000, seed=seed, std=0.1)
    for _ in range(run.fit_steps):
        fake = G(torch.randn(256, 8))
        loss_D = gan.minimax_d_loss(D(ring[torch.randint(len(ring), (256,))]), D(fake.detach()))
        opt_D.zero_grad(), loss_D.backward(), opt_D.step()
        loss_G = gan.nonsaturating_g_loss(D(fake))
        opt_G.zero_grad(), loss_G.backward(), opt_G.step()
    with torch.no_grad():
        near = torch.cdist(G(torch.randn(1_000, 8)), data.toy.ring_centres()) < 0.3
    return int((near.double().mean(dim=0) > 0.02).sum())


for lr_G, lr_D in ((4e-3, 1e-3), (2e-3, 2e-3), (1e-3, 4e-3)):
    covered = [ring_covered(lr_G, lr_D, seed) for seed in range(3)]
    found[f"ring_{lr_D / lr_G:g}"] = sum(covered) / 3
    print(f"rate of D / rate of G = {lr_D / lr_G:<5g}: {covered} of 8 clusters, three seeds")

# %% [markdown]
# With a slow detective the samples end on one cluster, or beside all of them. It still judges where the samples *were*; they gather where it looks away. A fast one has an answer by the time they move.
#
# ## Seven recipes at equal cost
#
# Which of these brings what? A fair answer needs the same networks, data and minutes, and several seeds. That takes longer than a notebook should; `genimg bench stable_gan` has done it. All rows share one learning rate and one step of $D$ to one of $G$, so a row shows what a change of loss does, not the best its paper could do. **Predict** the order.

# %%
table = tables.results("bench_stable_gan")
RECIPES = (
    "non-saturating, nothing", "non-saturating, R1", "hinge, nothing", "hinge, spectral norm", "Wasserstein, clipping", "Wasserstein, gradient penalty", "relativistic, R1",
)  # fmt: skip
panels = {"Fréchet distance": ("fd",), "precision ●, recall ○": ("precision", "recall"), "combinations": ("combinations",)}
best = (table["fd_floor"], table["precision_floor"], table["combinations_real"])  # what real images reach
fig, axes = plots.figure(1, 3, height=3.0, sharey=True)
for axis, (label, keys), real_value in zip(axes, panels.items(), best, strict=True):
    for row, name in enumerate(reversed(RECIPES)):
        short = name.replace(", ", "_").replace(" ", "_").replace("-", "_").lower()
        for key in keys:
            if f"{short}_{key}" in table:  # a recipe whose trainings all broke down has no figures
                axis.plot([table[f"{short}_{key}_least"], table[f"{short}_{key}_most"]], [row, row], color=plots.COLORS[0], linewidth=3, alpha=0.4)
                axis.plot(table[f"{short}_{key}"], row, "o", color=plots.COLORS[0], markerfacecolor="white" if key == "recall" else None)
    axis.axvline(real_value, color="black", linestyle="--", linewidth=1)
    axis.set_xlabel(label)
axes[0].set(xscale="log", yticks=range(len(RECIPES)), yticklabels=list(reversed(RECIPES)))
plots.show(fig, alt="Three dot charts of seven recipes: Fréchet distance, precision and recall, combinations covered.", caption=f"Mean and range of {table['seeds']} seeds, {table['minutes_each']:g} minutes each, {table['n']:,} images. Dashed: real images.")

# %% [markdown]
# The two rows with R1 lead, with either loss: 29 on average, 27 to 33 over all seeds. The relativistic one has the higher precision (0.40 against 0.34) and covers more (491 combinations against 456). The non-saturating loss without a penalty reaches 40. Hinge without any limit is a lottery, 40 to 134; spectral norm narrows that to 38 to 82.
#
# Clipping lags behind: 95 on average. (It covers 347 combinations: smears, misread.) The gradient penalty, at a rate that suits the others and with one step of $D$, learns next to nothing in half a minute; its paper takes five steps and a rate of $10^{-4}$. And nobody's recall is above 0.02 yet: variety comes late.
#
# ## One row, live
#
# The round of notebook 22 with another loss and a penalty. R1 needs a gradient of a gradient, which makes a round much longer; so we compute it in every fourth round only, and multiply it by four ("lazy", Karras et al. 2020). We take the last row of the table.


# %%
def play(x, G, D, opt_G, opt_D, step, augment=lambda images: images, gamma=1.0):
    """One round of the relativistic game with lazy R1: both losses."""
    fake = G(torch.randn(len(x), G.latent, device=x.device))
    a_real, a_fake = D(augment(torch.cat([x, fake.detach()]))).chunk(2)
    loss_D = gan.relativistic_d_loss(a_real, a_fake)
    penalty = 4 * gamma / 2 * gan.r1_penalty(D, augment(x)) if step % 4 == 0 else 0.0
    opt_D.zero_grad(), (loss_D + penalty).backward(), opt_D.step()

    D.requires_grad_(False)
    loss_G = gan.relativistic_g_loss(a_real.detach(), D(augment(fake)))  # the reals' logits from a step ago: close enough, and a pass less
    opt_G.zero_grad(), loss_G.backward(), opt_G.step()
    D.requires_grad_(True)
    return {"loss_D": loss_D, "loss_G": loss_G}


# %%
def train(label, images, steps, width, keep=None, **changes):
    """The averaged generator, and the detective."""
    torch.manual_seed(run.seed)
    G, D = gan.Generator(width=width).to(run.device), gan.Discriminator(width=width, spectral=False).to(run.device)
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=run.lr, betas=(0.0, 0.99), fused=True) for net in (G, D))
    for x in run.train(run.batches(images, run.batch), steps, label=label, ema="G", ema_decay=0.99, G=G, D=D, opt_G=opt_G, opt_D=opt_D):
        step = len(run.history.get("step", []))  # the history survives an interruption
        for opt in (opt_G, opt_D):
            opt.param_groups[0]["lr"] = run.lr * min(1, 2 * (1 - run.progress))
        run.log(**play(x, G, D, opt_G, opt_D, step, **changes))
        if keep and step % max(1, steps // 12) == 0:
            keep(run.ema["G"], D)
    return run.ema["G"].eval(), D


# %%
look = torch.randn(max(2_000, run.samples), 64, generator=torch.Generator().manual_seed(1)).to(run.device)
moments, held_out = [], data.to_float(real.images[:200]).to(run.device)


@torch.no_grad()
def remember(G, D):
    drawn = G(look[:200])
    moments.append((drawn[:40].cpu(), D(held_out).cpu(), D(drawn).cpu()))


@torch.no_grad()
def sample(G, n):
    return torch.cat([G(z).cpu() for z in look[:n].split(250)])


G, D = train("live", data.load("portraits", n=20_000), run.steps, run.width, keep=remember)
live = run.history
made = sample(G, run.samples)
found |= evaluator.report(made)
read = evaluator.read(made)
found["combinations"], found["worst_variation"] = combinations(read), max(metrics.coverage(read)[0].values())
for name in ("fd", "fd_floor", "precision", "recall", "combinations", "combinations_real", "worst_variation"):
    print(f"{name:<18} {found[name]:9.3f}")
remember(G, D)

# %%
cover = plots.grid({"real": data.to_float(real.images[:10]), f"generated, after {run.steps:,} steps": made[:30]}, cols=10)
plots.cover(cover)
plots.show(cover, alt="A row of real portraits above three rows of generated ones.", caption="The first thirty, relativistic loss and R1.")
plots.show(
    plots.curves(live, "loss_D", "loss_G", smooth=0.95, height=2.6), alt="Both relativistic losses over the steps.",
    caption="The relativistic losses. Where $D$ cannot tell, both are log 2 = 0.69. As one falls the other rises: their difference is the mean of a(x) - a(G(z)).",
)  # fmt: skip

# %% [markdown]
# ## A hundred images
#
# All this used thousands of faces. With a hundred, a detective learns them *by heart*: it calls the training images real and unseen real ones fake, and what it tells the forger is wrong. **Differentiable augmentation** (Zhao et al. 2020) changes every image that the detective sees, real or fake, at random: colours, a shift, a hole. As gradients flow through the change, the forger still learns, and because fakes are changed as well, it does not learn to draw holes.
#
# We measure how far the detective has *learned by heart*: how far unseen real faces lie from the seen ones towards the fakes, on its own scale of logits. 0 % is a detective that knows faces; 100 %, one that knows only its own.

# %%
few, unseen = data.load("portraits", n=100, seed=2).images, data.to_float(data.load("portraits", "test", n=500).images).to(run.device)
plots.show(
    plots.grid({"seen by D": gan.DiffAugment()(data.to_float(few[:10])).clamp(-1, 1), "the images": data.to_float(few[:10])}, cols=10),
    alt="Ten portraits, and the same with other colours, shifted, and with square holes.", caption="Every look is another one.",
)  # fmt: skip
rows = {}
for name, augment in (("plain", lambda images: images), ("augmented", gan.DiffAugment("translation", "cutout"))):
    G, D = train(f"few_{name}", few, run.few_steps, run.few_width, augment=augment)
    with torch.no_grad():
        known, new, fake = (D(augment(images)).mean().item() for images in (data.to_float(few).to(run.device), unseen, G(look[:500])))
    drawn = sample(G, min(run.samples, 1_000))
    rows[name], found[f"few_fd_{name}"] = drawn[:12], evaluator.fd(drawn)
    found[f"few_gap_{name}"] = (known - new) / (known - fake)
    print(f"{name:<9}: FD {found[f'few_fd_{name}']:7.1f}; mean logits: its 100 images {known:.2f}, unseen real ones {new:.2f}, fakes {fake:.2f}: learned by heart {found[f'few_gap_{name}']:.0%}")
plots.show(plots.grid(rows, cols=12), alt="Two rows of generated portraits, without and with augmentation.", caption="Trained on 100 images.")

# %% [markdown]
# In so short a training the samples are much alike, and so are the distances. The detectives are not: the plain one has learned three quarters by heart, the other nothing. For flat colours the change of colours was left out. The longer the training and the fewer the images, the more all this matters (Zhao et al. 2020).

# %% [markdown]
# ## Explore: the training, again
#
# **Predict** before you move: what comes first, outline or colour, glasses or eyes?

# %%
bins = torch.linspace(-6, 6, 41).tolist()


def replay(moment):
    images, a_real, a_fake = moments[min(moment, len(moments) - 1)]
    fig, (left, right) = plots.figure(1, 2, height=2.8, gridspec_kw={"width_ratios": [1.6, 1]})
    rows = [torch.cat(list(images[8 * r : 8 * r + 8]), dim=-1) for r in range(4)]
    left.imshow(((torch.cat(rows, dim=1) + 1) / 2).permute(1, 2, 0).clamp(0, 1)), left.axis("off")
    shift = torch.cat([a_real, a_fake]).mean()  # only differences count
    for logits, color, name in ((a_real, plots.COLORS[2], "real"), (a_fake, plots.COLORS[3], "generated")):
        right.stairs(torch.histc((logits - shift).clamp(-6, 6), 40, -6, 6) / len(logits), bins, fill=True, alpha=0.6, color=color, label=name)
    right.legend(loc="upper left"), right.set(xlabel="logit, from the mean of all", yticks=[])
    return fig


explore(replay, alt="Left a sheet of generated portraits, right two histograms of logits.", caption="Samples of the averaged weights, and how far apart the detective puts real and generated.", moment=(0, 12, 12))

# %% [markdown]
# Compare moments 1, 4 and 12: the detective sees the largest differences first, and the forger repairs them in that order.
#
# ## Break it
#
# Five errors of published gradient penalties. For the first, the critic is $a(x) = w^\top x$ with $\|w\| = 1$: its slope is 1 everywhere, so the right penalty is exactly 0. **Predict** which of the errors would stop a training.
#
# 1. The norm runs over the wrong axis: channels only. 2. $\alpha$ from a normal distribution. 3. One $\alpha$ for each pixel. 4. The slope only at real points. 5. A plain square root, where the slope is 0.

# %%
torch.manual_seed(run.seed)
w = F.normalize(torch.randn(3 * 32 * 32), dim=0)
x, y = data.to_float(real.images[:64]), made[:64]
assert gan.gradient_penalty(lambda images: images.flatten(1) @ w, x, y) < 1e-9
per_pixel = w.view(1, 3, 32, 32).norm(dim=1)
print(f"1. over channels only: {(per_pixel - 1).square().mean():.3f} for a perfect critic, and for one 10 times too steep {(10 * per_pixel - 1).square().mean():.3f}: less")
alpha = torch.randn(100_000)
print(f"2. normal alpha: {((alpha < 0) | (alpha > 1)).double().mean():.0%} of the points are not between real and fake")
mixed = (u := torch.rand_like(x)) * x + (1 - u) * y
t = ((mixed - y) * (x - y)).flatten(1).sum(dim=1) / (x - y).flatten(1).square().sum(dim=1)  # the nearest point of the line
away = (mixed - y - t.view(-1, 1, 1, 1) * (x - y)).flatten(1).norm(dim=1) / (x - y).flatten(1).norm(dim=1)
print(f"3. alpha for each pixel: {away.mean():.2f} of the distance from real to fake off the line, and always near its middle: t from {t.min():.2f} to {t.max():.2f}")


# %%
def steep_between(points):
    """Slope 1 at and beyond 1, where the real points are, and 20 before."""
    return torch.where(points > 1, points, 20 * points - 19).sum(dim=1)


ends = 1 + torch.rand(64, 1), -1 - torch.rand(64, 1)
at_real = gan.gradient_penalty(steep_between, *ends, alpha=torch.ones(64))
print(f"4. only at real points: {at_real:.3f} for a critic that is 20 times too steep between real and fake; right: {gan.gradient_penalty(steep_between, *ends):.0f}")
flat = torch.zeros(1, requires_grad=True)
(flat.expand(4, 3).square().sum(dim=1).sqrt() - 1).square().mean().backward()
print(f"5. the gradient of a plain square root at 0: {flat.grad.item()}; of the library's: {torch.autograd.grad((torch.linalg.vector_norm(flat.expand(4, 3), dim=1) - 1).square().mean(), flat)[0].item()}")
assert flat.grad.isnan().all() and at_real < 1e-9

# %% [markdown]
# Only the last stops a training. The others train *something*, quietly: the first, for instance, asks for a slope of 1 at each pixel, $\sqrt{1024} = 32$ in all.
#
# A sixth error hides in the network. A penalty differentiates the sum of all logits by each image. With **batch norm** in the critic (rule 2 of notebook 22) that is no longer the slope of the image's own logit. The same eight images, judged together and two by two:

# %%
moves = {}
for name, norm in (("no batch norm", nn.Identity()), ("batch norm", nn.BatchNorm2d(16))):
    torch.manual_seed(run.seed)
    a = nn.Sequential(nn.Conv2d(3, 16, 4, 2, 1), norm, nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(16 * 16 * 16, 1), nn.Flatten(0))
    half = torch.full((8,), 0.5)
    together = gan.gradient_penalty(a, x[:8], y[:8], half).item()
    by_twos = sum(gan.gradient_penalty(a, x[k : k + 2], y[k : k + 2], half[:2]).item() for k in range(0, 8, 2)) / 4
    moves[name] = abs(by_twos / together - 1)
    print(f"{name:<14}: penalty {together:.4f} in a batch of eight, {by_twos:.4f} two by two")
found["penalty_moves_by"] = moves["batch norm"]
assert moves["no batch norm"] < 1e-4 < 0.02 < moves["batch norm"]

# %%
run.report(**found)
run.expect(fd=("<", (700, 60, 10)))

# %% [markdown]
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/23_stable_gan.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* Everybody there? The share of combinations covered.
# 2. ★ *(5 minutes)* Enough is enough: the hinge losses.
# 3. ★★ *(5 minutes)* In pairs: the relativistic loss.
# 4. ★★ *(10 minutes)* The largest singular value, by power iteration.
# 5. ★★ *(15 minutes)* Whose pixels? Which image moves which logit.
# 6. ★★★ *(30 minutes, a project)* Both penalties.
#
# To try here *(10 minutes each)*: add R1 on *fake* images, as R3GAN does (`gan.r1_penalty(D, fake.detach())`); what does it change in the first hundred steps? In "A hundred images", use only `gan.DiffAugment("translation")`, then 1,000 images: how much is learned by heart?
#
# ## What to remember
#
# - Read curves for movement, not for height; then count what is missing, factor by factor.
# - A detective needs a limit or a price on its slope. Spectral norm costs little, R1 a good part of a round, unless it is lazy.
# - A penalty belongs at the right points, over the right axes, with no batch norm around; its errors are silent.
# - Compare recipes at equal cost, with several seeds, or not at all.
# - Few images: augment what the detective sees, fakes included, by something with a gradient.
#
# ## Further reading
#
# - M. Arjovsky, S. Chintala, L. Bottou, *Wasserstein GAN*, 2017, arXiv:1701.07875.
# - I. Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017, arXiv:1704.00028.
# - T. Miyato et al., *Spectral Normalization for Generative Adversarial Networks*, 2018, arXiv:1802.05957.
# - L. Mescheder, A. Geiger, S. Nowozin, *Which Training Methods for GANs do actually Converge?*, 2018, arXiv:1801.04406.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017, arXiv:1706.08500.
# - A. Jolicoeur-Martineau, *The relativistic discriminator: a key element missing from standard GAN*, 2018, arXiv:1807.00734.
# - Y. Huang et al., *The GAN is dead; long live the GAN! A Modern GAN Baseline*, NeurIPS 2024, arXiv:2501.05441.
# - S. Zhao et al., *Differentiable Augmentation for Data-Efficient GAN Training*, 2020, arXiv:2006.10738.
# - T. Karras et al., *Analyzing and Improving the Image Quality of StyleGAN*, 2020, arXiv:1912.04958: lazy penalties.
