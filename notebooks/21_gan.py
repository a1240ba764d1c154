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
# # 21 The first GAN
#
# *You will train a forger and a detective on small grey portraits, learn to read their curves like a doctor reads a pulse, walk from face to face,
# make sure that nothing was copied, and then break the training in eight ways, each with a number.*
#
# ![Rows of small grey faces: real ones above, forged ones below.](../data/pictures/21_gan.png)
#
# **You need** notebook 13 (the Fréchet distance) and notebook 14 (the game and its losses). The next cell says how long it takes.

# %%
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, divergences, gan, metrics, plots, tables, vae
from genimg_lib.training import start
from genimg_lib.widgets import explore

DATA = "portraits"  # or "mnist", "fashion_mnist", "folder:PATH"
run = start(
    "21_gan", steps=(400, 8_000, 40_000), batch=128, latent=32, hidden=(256, 512, 512), lr=(1e-3, 1e-3, 5e-4),
    short_steps=(60, 800, 3_000), samples=(500, 2_000, 10_000),
)  # fmt: skip
tables.show_expected("21_gan")
run

# %% [markdown]
# ## Why
#
# A generator is a network that turns noise into an image. Which loss would you train it with? Squared error needs a *right answer* for each noise vector, and there is none: any face will do. If you take a random face as the answer, squared error has an optimum that you know from notebook 00, the mean. Let us see how bad that is.

# %%
train, test = (data.load(DATA, split, size=16) for split in ("train", "test"))
train, test = (s.images.float().mean(dim=1, keepdim=True).round().to(torch.uint8) for s in (train, test))  # grey, [N, 1, 16, 16]
pixels, shape = train[0].numel(), train.shape[1:]


def generator():
    return nn.Sequential(*vae.mlp(run.latent, run.hidden, run.hidden, pixels, activation=nn.ReLU), nn.Tanh(), nn.Unflatten(1, shape)).to(run.device)


def noise(n, seed=None):
    source = None if seed is None else torch.Generator().manual_seed(seed)
    return torch.randn(n, run.latent, generator=source).to(run.device)


look = noise(2_000, seed=1)  # the same noise at every look
lonely = generator()
opt = torch.optim.Adam(lonely.parameters(), lr=run.lr, fused=True)
for x in run.train(run.batches(train, run.batch), run.short_steps, label="lonely", G=lonely, opt=opt):
    loss = (lonely(noise(len(x))) - x).square().mean()
    opt.zero_grad(), loss.backward(), opt.step()
    run.log(loss=loss)

# %%
with torch.no_grad():
    answers = lonely(look[:10]).cpu()
plots.show(
    plots.grid({"real": data.to_float(train[:10]), "a generator trained by squared error to random faces": answers}, cols=10),
    alt="Ten small grey faces; below them ten times nearly the same blurred face.",
    caption="Whatever the noise, the mean face. Squared error asks for a compromise; we want a decision.",
)
mean_face = data.to_float(train).mean(dim=0)
print(f"root mean squared distance to the mean face: {(answers - mean_face).square().mean().sqrt():.3f}; of real faces: {(data.to_float(test) - mean_face).square().mean().sqrt():.3f}")

# %% [markdown]
# ## The maths
#
# A **generative adversarial network** learns the loss, too (Goodfellow et al. 2014). From notebook 14: a discriminator $D = \sigma(a)$ with logit $a$ plays against the generator $G$ for the value
#
# $$V(D, G) = \mathbb{E}_{p_\text{data}} \log D(x) + \mathbb{E}_z \log\big(1 - D(G(z))\big). \tag{1}$$
#
# $D$ raises $V$. $G$ does not lower it directly, but raises $\log D(G(z))$, which has a slope where fakes are seen through. What do the weights $\theta$ of $G$ feel? By the chain rule, with $x = G_\theta(z)$,
#
# $$\nabla_\theta \big[-\log D(x)\big] = -\,(1 - D(x))\; \Big(\frac{\partial x}{\partial \theta}\Big)^{\!\top} \nabla_x\, a(x). \tag{2}$$
#
# In code, `D(x)` returns the logit $a$. Three factors: how sure the detective is that $x$ is forged, how $x$ moves with the weights $\theta$ of $G$, and **where the detective says that "more real" lies**. All that $G$ ever learns about faces comes through $\nabla_x a$.

# %%
torch.manual_seed(run.seed)
G, D = vae.mlp(3, 8, 4).double(), vae.mlp(4, 8, 1).double()
z = torch.randn(1, 3, dtype=torch.float64)
loss = -torch.log(torch.sigmoid(D(G(z)))).sum()
by_autograd = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(G.parameters()))])

x = G(z).detach().requires_grad_()
(where_to,) = torch.autograd.grad(D(x).sum(), x)  # the last factor
how_it_moves = torch.stack([torch.cat([g.flatten() for g in torch.autograd.grad(G(z)[0, i], list(G.parameters()))]) for i in range(4)])  # [pixels, weights]
by_formula = -(1 - torch.sigmoid(D(x)))[0] * (where_to[0] @ how_it_moves)
print(f"(2) differs from autograd by {(by_autograd - by_formula).abs().max():.1e}")
assert torch.allclose(by_autograd, by_formula)

# %% [markdown]
# **What the curves should show.** Where the forger is perfect, the best detective says $D = \tfrac12$ everywhere. Then the detective's loss $-V$ and the forger's are
#
# $$-V = 2\log 2 = 1.386, \qquad -\log D = \log 2 = 0.693. \tag{3}$$
#
# A curve at 1.386 is *not* yet success: a detective that has learned nothing shows it too. A detective's loss near 0 means that it sees every fake, and by (2) the forger still feels a push, $1 - D \approx 1$, but many detectives separate two sets that do not overlap, and their slopes need not point from one to the other. No real forger is perfect: a loss that rests at 1.386 usually means a detective that learns nothing. Healthy games stay between.

# %%
blind = torch.zeros(100)  # logits of a detective that cannot tell
# NBVAL_CHECK_OUTPUT
print(f"cannot tell: {gan.minimax_d_loss(blind, blind):.3f}, {gan.nonsaturating_g_loss(blind):.3f};  sure and right: {gan.minimax_d_loss(blind + 6, blind - 6):.3f}, {gan.nonsaturating_g_loss(blind - 6):.3f}")

# %% [markdown]
# ## Build: one round of the game
#
# Two networks, two optimisers. A round has two steps, and the line between them is **detach**: in the detective's step the fakes are data, like any other; no gradient may run back into $G$. In the forger's step it has to run *through* $D$ into $G$, but only $G$'s optimiser steps.


# %%
def discriminator():
    return nn.Sequential(nn.Flatten(), vae.mlp(pixels, run.hidden, run.hidden, 1, activation=lambda: nn.LeakyReLU(0.2)), nn.Flatten(0)).to(run.device)


def play(x, G, D, opt_G, opt_D, z):
    """One round on real images x [N, 1, 16, 16] and noise z [N, latent]: both losses, and what the detective thinks of either kind."""
    fake = G(z)
    a_real, a_fake = D(x), D(fake.detach())  # the fakes are data here
    loss_D = gan.minimax_d_loss(a_real, a_fake)
    opt_D.zero_grad()
    loss_D.backward()
    opt_D.step()

    loss_G = gan.nonsaturating_g_loss(D(fake))  # the label "real": -log D
    opt_G.zero_grad()
    loss_G.backward()  # leaves gradients in D too; opt_D.zero_grad() sweeps them out before D's next step
    opt_G.step()
    return {"loss_D": loss_D, "loss_G": loss_G, "D_real": torch.sigmoid(a_real).mean(), "D_fake": torch.sigmoid(a_fake).mean()}


# %% [markdown]
# What does `detach` save, and what does it prevent? Count the gradients and the time.

# %%
torch.manual_seed(run.seed)
G, D = generator(), discriminator()
x, z = data.to_float(train[:128]).to(run.device), noise(128)
seconds = {}
D(G(z)).sum().backward()  # the first call of everything takes longer
for detached in (True, False):
    G.zero_grad(), D.zero_grad()
    began = time.perf_counter()
    for _ in range(20):
        gan.minimax_d_loss(D(x), D(G(z).detach() if detached else G(z))).backward()
    seconds[detached] = time.perf_counter() - began
    reached = sum(p.grad is not None for p in G.parameters())
    print(f"{'with' if detached else 'without'} detach: weights of G that got a gradient from D's loss: {reached} of {len(list(G.parameters()))}")
    assert (reached == 0) == detached
print(f"without detach the detective's step takes {seconds[False] / seconds[True]:.2f} times as long")

# %% [markdown]
# That gradient points the wrong way for $G$: it makes fakes *easier* to see through. It does no harm as long as `opt_G.zero_grad()` comes before $G$'s own backward (`play`, which uses `fake` twice, would stop with an error), and ruins everything where one optimiser holds both networks. You will see it under "Break it".
#
# ## Train
#
# `run.train` keeps the books: it averages $G$'s weights over time (`ema`, notebook 22 says why) and shows samples every so often. The step is yours.

# %%
torch.manual_seed(run.seed)
G, D = generator(), discriminator()
opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=run.lr, betas=(0.5, 0.99), fused=True) for net in (G, D))
moments = []
batches = run.batches(train, run.batch)
for x in run.train(batches, run.steps, ema="G", ema_decay=0.998, preview=lambda: run.ema["G"](look[:20]), G=G, D=D, opt_G=opt_G, opt_D=opt_D):
    for opt in (opt_G, opt_D):
        opt.param_groups[0]["lr"] = run.lr * min(1, 2 * (1 - run.progress))  # constant for a half, then down to 0
    run.log(**play(x, G, D, opt_G, opt_D, noise(len(x))))
    if len(run.history["step"]) % (run.steps // 20) == 1:
        with torch.no_grad():  # for the widget below
            moments.append((len(run.history["step"]), G(look[:200]).cpu(), D(x).cpu(), D(G(look[:200])).cpu()))
game = run.history
with torch.no_grad():
    moments.append((run.steps, G(look[:200]).cpu(), D(x).cpu(), D(G(look[:200])).cpu()))

# %% [markdown]
# **Read the curves.** Not "does the loss fall?": both sides move. Ask: is the detective still being fooled a little? Do both curves stay in a band? **Predict** where between 0 and 1.386 the detective's loss will settle.


# %%
def smooth(values, n=100):
    n = max(1, min(n, len(values) // 10))
    return torch.tensor(values).unfold(0, n, 1).mean(dim=1)


fig, (left, right) = plots.figure(1, 2, height=2.9)
for name, color in (("loss_D", plots.COLORS[0]), ("loss_G", plots.COLORS[1])):
    left.plot(smooth(game[name]), color=color, label=name)
left.axhline(2 * math.log(2), color=plots.COLORS[0], linestyle="--", linewidth=1), left.axhline(math.log(2), color=plots.COLORS[1], linestyle="--", linewidth=1)
left.set(xlabel="step", ylabel="nats", ylim=(0, 4)), left.legend()
for name, color, label in (("D_real", plots.COLORS[2], "real"), ("D_fake", plots.COLORS[3], "forged")):
    right.plot(smooth(game[name]), color=color, label=label)
right.axhline(0.5, color="black", linestyle="--", linewidth=1)
right.set(xlabel="step", ylabel="mean D", ylim=(0, 1)), right.legend()
end = {name: sum(game[name][-200:]) / 200 for name in ("loss_D", "loss_G", "D_real", "D_fake")}
print({name: round(value, 3) for name, value in end.items()}, "over the last 200 steps")
assert 0 < end["loss_D"] < 2 * math.log(2) and end["D_real"] > end["D_fake"]  # ahead, but not by much
plots.show(fig, alt="Left the two losses over the steps, right the detective's mean opinion of real and of forged images.", caption="Dashed: the values of (3), where nobody can tell. The detective stays ahead by a little: that is what a GAN that learns looks like.")

# %% [markdown]
# ## Look and measure
#
# The measure is the Fréchet distance of notebook 13, between features of 2,000 forged and 2,000 real test faces (the evaluator knows colour portraits of 32x32, so both sides are enlarged), and beside it the **floor**, what real faces reach against other real faces.


# %%
@torch.no_grad()
def sample(net, n, seed=1):
    net.eval()
    return torch.cat([net(part).cpu() for part in noise(n, seed).split(500)])


evaluator = metrics.Evaluator("portraits") if DATA == "portraits" else None
judged = data.load("portraits", "test", size=16, n=2 * run.samples, seed=5).images if evaluator else test
judged = judged.float().mean(dim=1, keepdim=True).round().to(torch.uint8)
n = min(run.samples, len(judged) // 2)  # as many forged as real ones, and as many again for the floor


# %%
def moments_of(images):
    """Mean and covariance of the features of grey images [N, 1, 16, 16]; of their pixels, where there is no evaluator."""
    x = data.to_float(images) if images.dtype == torch.uint8 else images
    features = evaluator.features(F.interpolate(x, 32).expand(-1, 3, -1, -1)).double() if evaluator else x.flatten(1).double()
    return features.mean(dim=0), features.T.cov()


reference = moments_of(judged[:n])


def fd(images):
    return divergences.frechet_distance(*moments_of(images), *reference)


found = {"fd": fd(sample(run.ema["G"], n)), "fd_last_weights": fd(sample(G, n)), "fd_floor": fd(judged[n : 2 * n]), "fd_mean_face": fd(sample(lonely, n))}
print({name: round(value, 2) for name, value in found.items()}, f"({n:,} images)")

# %%
made = sample(run.ema["G"], 30)
fig = plots.grid({"real": data.to_float(judged[:15]), "forged": made}, cols=15)
plots.cover(fig)
plots.show(fig, alt="A row of real small grey faces above two rows of forged ones.", caption="Faces of 16x16 pixels. Find three forged ones that would pass, and three that would not: what gives them away?")

# %% [markdown]
# **Was anything copied?** A generator that stored the training set would score well. Look for the nearest training face of each sample, and compare its distance with that of *real, unseen* faces to the training set. Copies would lie near 0; a little nearer than real ones is only smoothness. (A median misses a few copies; exercise 6 has a better measure.)


# %%
def nearest(images):
    x = (data.to_float(images) if images.dtype == torch.uint8 else images).flatten(1)
    distance, which = torch.cdist(x, data.to_float(train).flatten(1)).min(dim=1)
    return distance / math.sqrt(pixels), which


far_made, which = nearest(sample(run.ema["G"], 500))
far_real, _ = nearest(judged[:500])
plots.show(
    plots.grid({"forged": made[:12], "the nearest training face of each": data.to_float(train[which[:12]])}, cols=12),
    alt="A row of forged faces and below each the most similar training face: similar in build, different in detail.",
    caption="Alike in what fills the picture, different in detail.",
)
found["nearest_made"], found["nearest_real"] = far_made.median().item(), far_real.median().item()
found["nearest_made_least"] = far_made.min().item()
print(f"distance to the nearest training face, per pixel, median: forged {found['nearest_made']:.3f}, real unseen {found['nearest_real']:.3f}")
print(f"the least of 500: forged {far_made.min():.3f}, real unseen {far_real.min():.3f}")

# %% [markdown]
# ## Walk from face to face
#
# Between two latents $z_0, z_1$ lie faces, if the path stays where $G$ was trained. The straight line, *lerp*, does not: for independent $z_0, z_1 \sim \mathcal{N}(0, I)$ in $d$ dimensions
#
# $$\mathbb{E}\,\big\|(1 - t)\, z_0 + t\, z_1\big\|^2 = \big((1 - t)^2 + t^2\big)\, d, \tag{4}$$
#
# at $t = \tfrac12$ half the squared length of the ends, 0.71 of the length, while all typical $z$ have a norm near $\sqrt d$. With $\omega$ the angle between the two, *slerp* (Shoemake 1985) turns from one to the other, and keeps the length where both ends have the same:
#
# $$\mathrm{slerp}(z_0, z_1; t) = \frac{\sin((1 - t)\,\omega)}{\sin \omega}\, z_0 + \frac{\sin(t\,\omega)}{\sin\omega}\, z_1. \tag{5}$$


# %%
def lerp(a, b, t):
    return (1 - t) * a + t * b


def slerp(a, b, t):  # (5), for [N, d]
    omega = torch.acos(F.cosine_similarity(a, b).clamp(-1, 1))[:, None]
    return (torch.sin((1 - t) * omega) * a + torch.sin(t * omega) * b) / torch.sin(omega)


a, b = torch.randn(2, 100_000, run.latent)
for t in (0.25, 0.5):
    measured = lerp(a, b, t).square().sum(dim=1).mean().item() / run.latent
    assert abs(measured - ((1 - t) ** 2 + t**2)) < 0.01  # (4)
equal = F.normalize(a, dim=1), F.normalize(b, dim=1)
assert all(torch.allclose(slerp(*equal, t).norm(dim=1), torch.ones(len(a)), atol=1e-3) for t in (0.1, 0.5, 0.8))  # (5): the length stays
ends, steps_ = (look[:1], look[3:4]), torch.linspace(0, 1, 11)
paths = {name: torch.cat([way(*(e.cpu() for e in ends), t) for t in steps_]) for name, way in (("lerp", lerp), ("slerp", slerp))}
with torch.no_grad():
    shown = {f"{name}: the middle has length {path[5].norm():.1f}, the ends {path[0].norm():.1f} and {path[-1].norm():.1f}": run.ema["G"](path.to(run.device)).cpu() for name, path in paths.items()}
    halfway = {name: run.ema["G"](way(*torch.randn(2, 500, run.latent, generator=torch.Generator().manual_seed(2)), 0.5).to(run.device)).cpu() for name, way in (("lerp", lerp), ("slerp", slerp))}
calm = {name: (images - mean_face).square().mean().sqrt().item() for name, images in halfway.items()}
print("root mean squared distance to the mean face of 500 images halfway:", {name: round(value, 3) for name, value in calm.items()})
assert calm["lerp"] < calm["slerp"]
plots.show(plots.grid(shown, cols=11), alt="Two rows of eleven faces from the same first to the same last one.", caption="Both walks show faces. The straight one passes through the calmer middle of the latent space: more average, less decided.")

# %% [markdown]
# ## Explore: the game, moment by moment
#
# Below, the training again: on the left what the forger made, on the right the logits of real and forged images. **Predict** before you move: when do the two histograms lie apart, and when do they overlap most?

# %%
bins = torch.linspace(-4, 4, 33).tolist()


def replay(moment):
    step, images, a_real, a_fake = moments[min(moment, len(moments) - 1)]
    fig, (left, right) = plots.figure(1, 2, height=2.8, gridspec_kw={"width_ratios": [1.3, 1]})
    rows = [torch.cat(list(images[8 * r : 8 * r + 8]), dim=-1) for r in range(4)]
    left.imshow((torch.cat(rows, dim=1)[0] + 1) / 2, cmap="gray", vmin=0, vmax=1), left.axis("off")
    left.set_title(f"step {step:,}")
    for logits, color, name in ((a_real, plots.COLORS[2], "real"), (a_fake, plots.COLORS[3], "forged")):
        right.stairs(torch.histc(logits.clamp(-4, 4), 32, -4, 4) / len(logits), bins, fill=True, alpha=0.6, color=color, label=name)
    right.axvline(0, color="black", linewidth=1), right.legend(loc="upper left"), right.set(xlabel="logit a", yticks=[])
    return fig


explore(replay, alt="Left a sheet of forged faces, right two histograms of logits.", caption="Right of the line: called real. The further apart, the surer the detective.", moment=(0, 20, 20))

# %% [markdown]
# ## Break it
#
# Seven mistakes from published code and one that is called so, each from the same start. 1 to 5 last as many rounds as a right training, 6 and 8 a seventh, about the same time. **Predict** which are fatal, which only slow, and which is none:
#
# 1. One optimiser for both networks, and no detach. 2. $G$ is trained with the label "fake". 3. $G$ is trained alone, by squared error to noise. 4. The detective sees no real images. 5. Data in $[0, 1]$ for a generator that ends in tanh. 6. The detective steps 20 times for each step of $G$. 7. An "epoch" of `batch_size` steps: training stops early. 8. As 6, with the minimax loss for $G$.


# %%
def broken(x, G, D, opt_G, opt_D, z, mistake):
    """A round of `play` with a mistake in it."""
    if mistake == "3 G alone, to noise":
        loss = (G(z) - torch.randn(len(x), *shape, device=x.device)).square().mean()
        opt_G.zero_grad(), loss.backward(), opt_G.step()
        return
    x = (x + 1) / 2 if mistake == "5 data in [0, 1]" else x
    for _ in range(20 if "twenty" in mistake else 1):
        fake = G(z)
        a_real, a_fake = D(x), D(fake if mistake == "1 one optimiser" else fake.detach())
        loss_D = F.softplus(a_fake).mean() if mistake == "4 no real images" else gan.minimax_d_loss(a_real, a_fake)
        opt_G.zero_grad(), opt_D.zero_grad(), loss_D.backward(), opt_D.step()
        if mistake == "1 one optimiser":
            opt_G.step()  # one optimiser for all weights steps them all, here ...
    a_fake = D(G(z))
    loss_G = {"2": F.softplus(a_fake).mean(), "8": gan.minimax_g_loss(a_fake)}.get(mistake[0], gan.nonsaturating_g_loss(a_fake))
    opt_G.zero_grad(), opt_D.zero_grad(), loss_G.backward(), opt_G.step()
    if mistake == "1 one optimiser":
        opt_D.step()  # ... and here: each player also plays for the other


# %%
MISTAKES = (
    "none", "1 one optimiser", "2 label fake", "3 G alone, to noise", "4 no real images", "5 data in [0, 1]", "6 twenty steps of D", "7 an epoch of 128 steps", "8 twenty, minimax loss",
)  # fmt: skip
rows, damage = {"real": data.to_float(judged[:12])}, {}
for mistake in MISTAKES:
    torch.manual_seed(run.seed)
    G, D = generator(), discriminator()
    opts = [torch.optim.Adam(net.parameters(), lr=run.lr, betas=(0.5, 0.99), fused=True) for net in (G, D)]
    rounds = {"6": max(1, run.short_steps // 7), "7": min(128, run.short_steps), "8": max(1, run.short_steps // 7)}.get(mistake[0], run.short_steps)
    books = {"label": mistake.replace(" ", "_"), "ema": "G", "ema_decay": 0.99, "G": G, "D": D, "opt_G": opts[0], "opt_D": opts[1]}
    for x in run.train(run.batches(train, run.batch), rounds, **books):
        for opt in opts:
            opt.param_groups[0]["lr"] = run.lr * min(1, 2 * (1 - run.progress))
        broken(x, G, D, *opts, noise(len(x)), mistake)
    made = sample(run.ema["G"], n)
    made = 2 * made.clamp(0, 1) - 1 if mistake.startswith("5") else made  # shown as its author would
    damage[mistake], rows[mistake] = fd(made), made[:12]
assert min(damage[m] for m in MISTAKES[1:5]) > 2 * damage["none"]  # the fatal ones
for mistake, value in damage.items():
    print(f"{mistake:<24} FD {value:8.1f}   {value / damage['none']:5.1f} times that of the right one")

# %%
plots.show(
    plots.grid(rows, cols=12), alt="Rows of samples: real faces, those of the right training, then those of seven broken ones.",
    caption="Fatal: 1 to 4. With one optimiser each player also works for the other, and nobody wins. 5: real pixels are never below 0, so every negative one gives a fake away. 6 is no mistake with a loss that does not saturate; with the minimax loss, 8, it is one. 7 stops early.",
)  # fmt: skip

# %%
found |= {f"fd_broken_{mistake[0]}": value for mistake, value in damage.items() if mistake != "none"}
found |= {"fd_short": damage["none"], "D_real": game["D_real"][-1], "D_fake": game["D_fake"][-1], "n": n}
run.report(**found)
if DATA == "portraits":
    run.expect(fd=("<", (400, 40, 30)))

# %% [markdown]
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/21_gan.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(2 minutes)* How many steps are an epoch?
# 2. ★ *(3 minutes)* Which labels do real and fake images get, and in whose step?
# 3. ★★ *(5 minutes)* A sigmoid too many: how low can the loss fall?
# 4. ★★ *(10 minutes)* The discriminator's step, with gradients where they belong.
# 5. ★★ *(10 minutes)* Slerp, for a batch of pairs.
# 6. ★★★ *(25 minutes, a project)* Does it copy? Nearest neighbours, and a share that tells.
#
# To try here *(15 minutes each)*: train with `gan.minimax_g_loss` instead of the non-saturating one; which curve shows the saturation (set `ylim=(-2, 4)`)? Add the R1 penalty of notebook 14, `0.5 * gan.r1_penalty(D, x)` (so $\gamma = 1$), to `loss_D`; what happens to the gap between `D_real` and `D_fake`, and to the Fréchet distance?
#
# And a project *(30 minutes)*: train with `latent=2` in `start` (skip the cell of slerp: in a plane some pairs point in opposite directions). Decode a square of $z$ from -2 to 2: the whole map. After notebook 31, compare it with the VAE's: where do the two put their faces, and what lies between?
#
# ## What to remember
#
# - The discriminator is a learned loss; all that $G$ learns comes through $\nabla_x a$.
# - Two steps, two optimisers, one `detach`: in $D$'s step fakes are data, in $G$'s step the gradient passes through $D$ and stops there.
# - Curves do not fall. $D$'s loss should stay between 0 and $2\log 2$; $G$'s has no upper end. Judge by samples and by a distance with its floor beside it.
# - Look for copies before you praise variety. Walk along arcs, not chords.
#
# ## Further reading
#
# - I. Goodfellow et al., *Generative Adversarial Networks*, 2014, arXiv:1406.2661.
# - T. White, *Sampling Generative Networks*, 2016, arXiv:1609.04468: slerp in latent spaces.
# - K. Shoemake, *Animating Rotation with Quaternion Curves*, SIGGRAPH 1985: where slerp comes from.
# - I. Goodfellow, *NIPS 2016 Tutorial: Generative Adversarial Networks*, 2016, arXiv:1701.00160.
