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
# # 22 DCGAN
#
# *You will build a convolutional GAN that draws colour portraits, learn what each of its rules is for by leaving it out, put glasses on faces by arithmetic with noise,
# and see where the detective looks.*
#
# ![Rows of colourful portraits: real ones above, generated ones below.](../data/pictures/22_dcgan.png)
#
# **You need** notebooks 12 (convolution) and 21 (the game). The next cell says how long it takes.

# %%
import copy
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, gan, metrics, plots, pretrained, tables
from genimg_lib.training import start
from genimg_lib.widgets import explore

DATA = "portraits"  # or "fashion_mnist", "mnist", "folder:PATH"
run = start(
    "22_dcgan", steps=(60, 1_800, 60_000), batch=(16, 32, 256), latent=64, width=(16, 24, 64), lr=(3e-3, 3e-3, 1e-3),
    short_steps=(12, 280, 4_000), short_width=16, samples=(300, 2_000, 10_000), precision="auto",
)  # fmt: skip
tables.show_expected("22_dcgan")
run

# %% [markdown]
# ## Why
#
# The networks of notebook 21 saw a list of pixels. Shuffle the pixels of all images by one fixed permutation, and such a network learns exactly as well, or as badly: it does not know that neighbours are neighbours. With 16x16 grey pixels it got away with it. A colour image of 32x32 has 12 times as many numbers.

# %%
train, test = data.load(DATA, "train"), data.load(DATA, "test")
channels, size = train.images.shape[1], train.images.shape[-1]
faces = data.to_float(train.images[:8])
flat = nn.Linear(channels * size * size, 512)
order = torch.randperm(size * size, generator=torch.Generator().manual_seed(run.seed))
shuffled = faces.flatten(2)[:, :, order].view_as(faces)
permuted = copy.deepcopy(flat)
permuted.weight.data = flat.weight.data.view(512, channels, -1)[:, :, order].flatten(1)
assert torch.allclose(flat(faces.flatten(1)), permuted(shuffled.flatten(1)), atol=1e-4)  # the same layer, for shuffled images
plots.show(
    plots.grid({"what you see": faces, "as good, to a dense layer": shuffled}, cols=8),
    alt="Eight portraits, and below them the same pixels in one fixed random order: noise.",
    caption="With its weights shuffled alike, a dense layer gives the same outputs for the lower row. A convolution cannot: neighbourhood is built in.",
)
conv_D = gan.Discriminator(size, channels, run.width)
print(f"weights of a dense first layer of 512 units: {flat.weight.numel():,}; of the whole convolutional discriminator below: {sum(p.numel() for p in conv_D.parameters()):,}")

# %% [markdown]
# ## The maths of five rules
#
# Radford et al. (2015) found by trial which convolutional GANs train. Their rules: strided convolutions in place of pooling, batch norm in both networks, no dense hidden layers, Adam with $\beta_1 = 0.5$, first weights from $\mathcal{N}(0, 0.02^2)$, ReLU in $G$ and *leaky* ReLU in $D$: $x$ above 0 and $0.2\,x$ below. Where a ReLU is off it passes no gradient, and all that $G$ learns passes through $D$.
#
# Ten years later some of this stands, some has better successors. Five topics, which we call rules 1 to 5, though not all are theirs:
#
# **1. Sizes.** From notebook 12, with kernel $k$, stride $s$ and padding $p$: a convolution shrinks the side $H$ and a transposed one enlarges it to
#
# $$H_\downarrow = \Big\lfloor\frac{H + 2p - k}{s}\Big\rfloor + 1, \qquad H_\uparrow = s\,(H - 1) - 2p + k. \tag{1}$$
#
# With $k = 4$, $s = 2$, $p = 1$ they halve and double. There is published code whose *generator* is built from the left one:

# %%
# NBVAL_CHECK_OUTPUT
for name, Layer, side, layers in (("a generator", nn.ConvTranspose2d, 4, 3), ("a generator, as published", nn.Conv2d, 7, 2)):
    x, sides = torch.zeros(1, 1, side, side), [side]
    for _ in range(layers):
        x = Layer(1, 1, 4, stride=2, padding=1)(x)
        k, s, p, H = 4, 2, 1, sides[-1]
        sides.append(x.shape[-1])
        assert sides[-1] == (s * (H - 1) - 2 * p + k if Layer is nn.ConvTranspose2d else (H + 2 * p - k) // s + 1)  # (1)
    print(f"{name}: {' -> '.join(map(str, sides))}")

# %% [markdown]
# **2. Batch norm** (Ioffe and Szegedy 2015). A layer cannot know how large its inputs will be; their scale drifts as the layers before it learn, and grows or vanishes with depth. Batch norm sets each channel back to mean 0 and variance 1, and then lets the network choose. For each channel, with mean $\mu_B$ and variance $\sigma_B^2$ over all images and places of a batch $B$,
#
# $$y = \gamma\, \frac{x - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}} + \beta. \tag{2}$$
#
# $\gamma$ and $\beta$ are learned, one of each a channel; $\varepsilon = 10^{-5}$ prevents a division by 0. In use, a sample should not depend on its company, so running averages take over: $\mu \leftarrow 0.9\,\mu + 0.1\,\mu_B$, and for the variance alike (torch averages the unbiased one). Two consequences. In *training mode* an image depends on the other images of its batch. And the averages need tens of steps to settle:

# %%
torch.manual_seed(run.seed)
norm = nn.BatchNorm2d(3, momentum=0.1).double()
x = 2 + 3 * torch.randn(16, 3, 5, 5, dtype=torch.float64)
mean, var = x.mean(dim=(0, 2, 3), keepdim=True), x.var(dim=(0, 2, 3), keepdim=True, correction=0)
assert torch.allclose(norm(x), (x - mean) / (var + norm.eps).sqrt())  # (2), with gamma = 1, beta = 0
norm.reset_running_stats()
off = []
for _ in range(51):
    norm(2 + 3 * torch.randn(16, 3, 5, 5, dtype=torch.float64))
    off.append((norm.running_mean - 2).abs().max().item())
print(f"the running mean is off by {off[0]:.2f} after 1 step, {off[10]:.2f} after 11, {off[50]:.2f} after 51")
assert abs(off[0] - 0.9 * 2) < 0.2 and off[50] < 0.2

# %% [markdown]
# **In the discriminator** batch norm does harm of its own: the logit of one image then depends on its neighbours, which the next cell measures by a gradient. If real and fake images share a batch, its mean and variance tell the detective about the mixture. If they come in two batches, each is brought to mean 0 and variance 1, and a difference in brightness between real and fake is gone.
#
# Our detective has *spectral norm* instead (Miyato et al. 2018): each layer's weights, written as a matrix, are divided by the largest factor by which they stretch a vector (notebook 23).

# %%
with_norm = nn.Sequential(nn.Conv2d(3, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(16 * 16 * 16, 1), nn.Flatten(0))
for name, critic in (("batch norm", with_norm), ("spectral norm", gan.Discriminator(32, 3, 16))):
    x = torch.randn(8, 3, 32, 32, requires_grad=True)
    (slope,) = torch.autograd.grad(critic(x)[0], x)
    own, others = slope[0].norm().item(), slope[1:].norm().item()
    print(f"{name:<13}: the slope of the first image's logit by itself is {own:.5f}, by the other images of its batch {others:.5f}")
    assert (others == 0) == (critic is not with_norm)

# %% [markdown]
# **3. The start.** A unit with $n$ inputs of mean square $q$, and independent weights of mean 0 and variance $v$, gives $y = \sum_j w_j x_j$. The cross terms have mean 0, so $\mathbb{E}\, y^2 = n v q$. If weights are as likely positive as negative, so is $y$, and a ReLU keeps half of the square (He et al. 2015):
#
# $$q' = \tfrac12\, n\, v\, q. \tag{3}$$
#
# A $k \times k$ convolution has $n = k^2 C$ inputs; a transposed one of stride 2 a quarter of that, as each output pixel meets a quarter of the kernel. With the paper's $v = 0.02^2$, $k = 4$ and $C = 1024$ channels, $q' = 0.82\,q$. With $C = 64$ it is $0.05\,q$: two such layers, and next to nothing is left, unless batch norm brings it back.
#
# $v = 2/n$ keeps $q$ at any width. (Our networks begin with torch's own weights, $v = 1/(3n)$, which keep a sixth: no harm where batch norm follows.)

# %%
torch.manual_seed(run.seed)
for name, variance in (("0.02²", lambda n: 0.02**2), ("2 / n", lambda n: 2 / n)):
    for C in (64, 256):
        factor = 4 * C * variance(4 * C) / 2  # (3), of a transposed layer
        x = torch.randn(16, C, 24, 24)
        squares = []
        for _ in range(3):
            layer = nn.ConvTranspose2d(C, C, 4, stride=2, padding=1, bias=False)
            nn.init.normal_(layer.weight, 0, variance(4 * C) ** 0.5)
            x = F.relu(layer(x))[:, :, 12:-12, 12:-12]  # away from the border
            squares.append(x.square().mean().item())
        measured = (squares[2] / squares[0]) ** 0.5
        print(f"v = {name}, {C:3} channels: a layer keeps {measured:.3f} of the mean square; by (3) {factor:.3f}")
        assert abs(measured / factor - 1) < 0.25

# %% [markdown]
# **4. Adam's memory.** Adam steps along an average of past gradients, $m \leftarrow \beta_1 m + (1 - \beta_1)\, g$, which looks back about $1/(1 - \beta_1)$ steps: ten for the usual 0.9.
#
# In a game the gradient *turns* while the players circle, and an old gradient pushes in a direction that was right some way back. A one-number GAN like that of notebook 14, with R1, played with Adam (which divides each step by the usual size of its gradient, so that with a constant rate it never quite arrives):


# %%
def one_number_gan(beta_1, steps=1_500):
    """Distance from the solution (0, 0), mean of the last 300 steps."""
    theta, psi = (torch.tensor(v, requires_grad=True) for v in (1.0, 0.0))  # the generator's number and the detective's slope
    opts = [torch.optim.Adam([p], lr=0.05, betas=(beta_1, 0.99)) for p in (psi, theta)]
    distance = []
    for _ in range(steps):
        loss_D = F.softplus(torch.tensor(0.0)) + F.softplus(psi * theta.detach()) + 0.05 * psi.square()  # R1: gamma / 2 = 0.05
        opts[0].zero_grad(), loss_D.backward(), opts[0].step()
        loss_G = F.softplus(-psi.detach() * theta)
        opts[1].zero_grad(), loss_G.backward(), opts[1].step()
        distance.append(math.hypot(theta.item(), psi.item()))
    return sum(distance[-300:]) / 300


distances = {beta_1: one_number_gan(beta_1) for beta_1 in (0.0, 0.5, 0.9)}
print("distance from the solution:", ", ".join(f"{r:.2f} with beta_1 = {b}" for b, r in distances.items()))
assert distances[0.0] < 0.1 < distances[0.5] < 1 < distances[0.9]  # it began at 1

# %% [markdown]
# With 0.9 the players end further out than they began, with 0.5 half as far, without memory next to the solution. We train with $\beta_1 = 0$.
#
# **5. Averaged weights.** The players never quite come to rest; they circle. So draw samples not with the last weights $w_t$ but with their exponential moving average (EMA), with a $\beta$ that is neither Adam's nor batch norm's,
#
# $$\bar w_t = \beta\, \bar w_{t-1} + (1 - \beta)\, w_t = \beta^t\, w_0 + (1 - \beta) \sum_{k=0}^{t-1} \beta^k\, w_{t-k}, \qquad \bar w_0 = w_0, \tag{4}$$
#
# roughly the centre of the circle. A step's share falls by half every $\log 2/\log(1/\beta)$ steps. It costs one line, and the game itself never sees $\bar w$. This rule is younger than DCGAN (studied for GANs by Yazıcı et al. 2018). `run.train` begins with a shorter memory, $\beta_t = \min\big(\beta, (1 + t)/(10 + t)\big)$: at step $t$ it looks back some $t/9$ steps. Where the learning rate falls to 0, as below, the weights settle by themselves, and the average has less to do.

# %%
point = torch.tensor([1.0, 0.0], dtype=torch.float64)
orbit, average, beta = [point], [point], 0.99
for _ in range(400):  # steps in turn in the game u v of notebook 14: a closed orbit around (0, 0)
    u, v = orbit[-1]
    u = u - 0.2 * v
    orbit.append(torch.stack([u, v + 0.2 * u]))
    average.append(beta * average[-1] + (1 - beta) * orbit[-1])
weights = (1 - beta) * beta ** torch.arange(400, dtype=torch.float64)
assert torch.allclose(beta**400 * orbit[0] + weights @ torch.stack(orbit[1:]).flip(0), average[-1])  # (4)
fig, axis = plots.figure(width=5.2, height=3.2)
for path, color, name in ((orbit, plots.COLORS[0], "weights"), (average, plots.COLORS[1], "their average")):
    axis.plot(*torch.stack(path).T, color=color, label=name)
axis.set(xlabel="u", ylabel="v", aspect="equal"), axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
plots.show(fig, alt="A closed orbit around the origin, and a spiral from its start to a small circle about the origin.", caption="The weights circle for ever, by 0.2 a step. Their average circles, too, but (1 - 0.99) / 0.2 times as far out: 20 times nearer.")
assert average[-1].norm() < 0.1 < 0.8 < orbit[-1].norm()

# %% [markdown]
# ## Build
#
# **How to enlarge.** DCGAN uses transposed convolutions. Two alternatives: repeat each pixel, then convolve; or convolve to four times the channels and deal them out as 2x2 blocks, a **pixel shuffle** (Shi et al. 2016). Here each turns 64 maps of 8x8 into 32 of 16x16, forward and backward:

# %%
ways = {
    "transposed 4x4": nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
    "repeat, 3x3": nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(64, 32, 3, padding=1)),
    "3x3, pixel shuffle": nn.Sequential(nn.Conv2d(64, 4 * 32, 3, padding=1), nn.PixelShuffle(2)),
}
maps = torch.randn(32, 64, 8, 8, requires_grad=True)
seconds = {name: [] for name in ways}
for _ in range(12):  # by turns, so that a slow moment of the machine meets all
    for name, way in ways.items():
        began = time.perf_counter()
        enlarged = way(maps)
        enlarged.sum().backward()
        seconds[name].append(time.perf_counter() - began)
        assert enlarged.shape[1:] == (32, 16, 16)
for name, products in (("transposed 4x4", 4 * 64), ("repeat, 3x3", 9 * 64), ("3x3, pixel shuffle", 9 * 64)):
    print(f"{name:<19} {products} products for each output number, {1000 * sorted(seconds[name])[6]:.1f} ms")

# %% [markdown]
# The transposed convolution is the cheapest: each output pixel meets a quarter of its kernel. The shuffle takes more products, all at the *small* size, and gives each of the four output pixels nine weights of its own for every input channel. "Break it" compares what they are worth.
#
# The shuffle has one vice: its four interleaved filters begin unlike each other, so flat areas begin as a grid. Beginning them alike cures it (Aitken et al. 2017). The whole generator, by hand and from the library; each time the side doubles, the channels halve:


# %%
def block(c_in, c_out):
    """[N, c_in, s, s] -> [N, c_out, 2 s, 2 s]"""
    return [nn.BatchNorm2d(c_in), nn.ReLU(), nn.Conv2d(c_in, 4 * c_out, 3, padding=1), nn.PixelShuffle(2)]


by_hand = nn.Sequential(
    nn.Linear(64, 4 * 32 * 4 * 4), nn.Unflatten(1, (4 * 32, 4, 4)), *block(4 * 32, 2 * 32), *block(2 * 32, 32), *block(32, 3), nn.Tanh()
)  # fmt: skip
theirs = gan.Generator(size=32, channels=3, latent=64, width=32)
for kind in (nn.Linear, nn.BatchNorm2d, nn.Conv2d):
    mine, its = ([m for m in net.modules() if isinstance(m, kind)] for net in (by_hand, theirs))
    for a, b in zip(mine, its, strict=True):
        a.load_state_dict(b.state_dict())
z = torch.randn(4, 64)
assert torch.allclose(by_hand(z), theirs(z), atol=1e-6)
x = z
for layer in by_hand:
    x = layer(x)
    if isinstance(layer, (nn.Unflatten, nn.PixelShuffle)):
        print(f"{type(layer).__name__:<13} -> {list(x.shape[1:])}")

# %% [markdown]
# The discriminator goes the other way: a pixel *un*shuffle, a 3x3 convolution, then 4x4 convolutions of stride 2, and one dense layer, all with spectral norm.

# %%
x, D = faces[:4], gan.Discriminator(size, channels, run.width)
for layer in D.body:
    x = layer(x)
    if not isinstance(layer, nn.LeakyReLU):
        print(f"{type(layer).__name__:<15} -> {list(x.shape[1:])}")

# %% [markdown]
# ## Train
#
# The round of notebook 21, with three changes. Real and fake go through $D$ together, which without batch norm changes only the time. The loss is the **hinge**: $D$ minimises $\max(0, 1 - a)$ on real and $\max(0, 1 + a)$ on fake logits, $G$ minimises $-a$; notebook 23 says why. And $D$'s weights are frozen in $G$'s step: gradients pass through, but nobody computes those of $D$. (`run.fast` moves a network to the device and, on a GPU, compiles it.)


# %%
def play(x, G, D, opt_G, opt_D, together=True):
    """One round on real images x [N, C, H, W]: both losses. together: D sees real and fake in one batch."""
    with run.autocast():
        fake = G(torch.randn(len(x), run.latent, device=x.device))
        a_real, a_fake = D(torch.cat([x, fake.detach()])).float().chunk(2) if together else (D(x).float(), D(fake.detach()).float())
    loss_D = gan.hinge_d_loss(a_real, a_fake)
    opt_D.zero_grad(), loss_D.backward(), opt_D.step()

    D.requires_grad_(False)
    with run.autocast():
        loss_G = gan.hinge_g_loss(D(fake).float())
    opt_G.zero_grad(), loss_G.backward(), opt_G.step()
    D.requires_grad_(True)
    return {"loss_D": loss_D, "loss_G": loss_G}


# %%
torch.manual_seed(run.seed)
G, D = run.fast(gan.Generator(size, channels, run.latent, run.width)), run.fast(gan.Discriminator(size, channels, run.width))
opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=run.lr, betas=(0.0, 0.99), fused=True) for net in (G, D))
look = torch.randn(200, run.latent, generator=torch.Generator().manual_seed(1)).to(run.device)
for x in run.train(
    run.batches(train, run.batch), run.steps, ema="G", ema_decay=0.995, preview=lambda: run.ema["G"](look[:20]), G=G, D=D, opt_G=opt_G, opt_D=opt_D
):  # fmt: skip
    for opt in (opt_G, opt_D):
        opt.param_groups[0]["lr"] = run.lr * min(1, 2 * (1 - run.progress))  # constant for a half, then down to 0
    run.log(**play(x, G, D, opt_G, opt_D))
game = run.history


# %%
def smooth(values, n=50):
    n = max(1, min(n, len(values) // 10))
    return torch.tensor(values).unfold(0, n, 1).mean(dim=1)


fig, axis = plots.figure(height=2.6)
for name, color in (("loss_D", plots.COLORS[0]), ("loss_G", plots.COLORS[1])):
    axis.plot(smooth(game[name]), color=color, label=name)
axis.axhline(2, color=plots.COLORS[0], linestyle="--", linewidth=1)
axis.set(xlabel="step", ylabel="hinge loss"), axis.legend()
plots.show(fig, alt="The hinge losses of both players over the steps.", caption="Dashed: the detective's hinge loss where it cannot tell (all logits 0).")
assert 0 < sum(game["loss_D"][-50:]) / len(game["loss_D"][-50:]) < 2.2

# %% [markdown]
# Why the flat start? Spectral norm allows a slope, but weights that point in all directions use little of it (0.06 in the cell under rule 2). The detective has to line its layers up first. Then it finds the fakes, and the forger's loss rises; from there on both get better.
#
# ## Look and measure


# %%
@torch.no_grad()
def sample(net, n, seed=1):
    """n images of a generator in the mode it is in, [n, C, H, W], on the CPU."""
    z = torch.randn(n, run.latent, generator=torch.Generator().manual_seed(seed)).to(run.device)
    return torch.cat([net(part).float().cpu() for part in z.split(250)])


ours = run.ema["G"].eval()
made = sample(ours, run.samples)
cover = plots.grid({"real": data.to_float(test.images[:10]), f"generated, after {run.steps:,} steps": made[:30]}, cols=10)
plots.cover(cover)
plots.show(cover, alt="A row of real portraits above three rows of generated ones.", caption="Not chosen: the first thirty. Name hair, hat, glasses and mouth of each.")

# %%
found, evaluator = {}, metrics.Evaluator(DATA) if DATA in metrics.SPECS else None
if evaluator:
    found = evaluator.report(made)
    found["fd_last_weights"] = evaluator.fd(sample(copy.deepcopy(G).eval(), run.samples))
    found["fd_training_mode"] = evaluator.fd(sample(copy.deepcopy(ours).train(), run.samples))
    for name, value in found.items():
        print(f"{name:<17} {value:9.3f}")

# %% [markdown]
# `precision` is the share of generated images that lie among the real ones, `recall` the share of real images that lie among the generated ones; *among*: nearer to one of them than its third neighbour of its own kind. A collapsed generator can have a high precision, never a high recall. `kid` is an MMD² (notebook 13).
#
# `fd_last_weights` is rule 5 left out. `fd_training_mode` is a common slip: sampling without `net.eval()`, so that by rule 2 each image depends on those made with it. In batches of 250 it does no harm: their statistics are as good as the running ones. Make the images **two at a time**, or take statistics that never settled, and it does:


# %%
def in_training_mode(net, z, at_once):
    net = copy.deepcopy(net).train()
    with torch.no_grad():
        return torch.cat([net(part).float().cpu() for part in z.split(at_once)])


unsettled = copy.deepcopy(ours)
for module in unsettled.modules():
    if isinstance(module, nn.BatchNorm2d):
        module.reset_running_stats()  # mean 0 and variance 1, as if it had never run
slips = {"as it should be": made[:10], "training mode, two at a time": in_training_mode(ours, look[:10], 2), "statistics never settled": sample(unsettled, 10)}
plots.show(
    plots.grid(slips, cols=10), alt="Ten portraits; the same noise in training mode, two at a time, gives distorted ones; with unsettled statistics, wrong colours.",
    caption="The same weights, the same noise.",
)  # fmt: skip
if evaluator:
    noise = torch.randn(400, run.latent, generator=torch.Generator().manual_seed(1)).to(run.device)
    found["fd_400"], found["fd_unsettled"] = evaluator.fd(sample(ours, 400)), evaluator.fd(sample(unsettled, 400))
    found["fd_two_at_a_time"] = evaluator.fd(in_training_mode(ours, noise, 2))
    print(f"FD as it should be {found['fd_400']:.1f}, two at a time {found['fd_two_at_a_time']:.1f}, unsettled {found['fd_unsettled']:.1f} (400 images each)")

# %% [markdown]
# **Against a textbook.** `genimg bench gan` trains three GANs for the same five minutes on the same machine. `textbook` is a DCGAN by the book: transposed convolutions, batch norm on both sides, the non-saturating loss, $2 \cdot 10^{-4}$, no averaging. `plain` has these networks and this notebook's game. `ours` is `plain` with help: both players are told what a real image is like (its group of look-alikes, and where it lies along the directions in which images differ most). Notebook 24 explains it.
#
# That takes no labels, but whoever draws needs these numbers of real images. Does `ours` copy them? `ours_nearest` is how far from the nearest training image it draws when told of training images, as a share of the same when told of unseen ones: 1 if it knows none by heart.
#
# The ratios are the textbook's Fréchet distance divided by the other's. `own_work_share` is the part of a plain round that its own forward and backward passes take. The textbook's learning rate was chosen for trainings of hours; in five minutes it stands at a disadvantage.

# %%
tables.show_expected("bench_gan_fashion_mnist")

# %% [markdown]
# ## Arithmetic with noise
#
# Radford et al. took the mean $z$ of three smiling women, subtracted that of three neutral ones, and put the difference on a man. They could only look. We can count: the evaluator reads glasses off any image. With $S_1$ the samples that have a feature and $S_0$ those that do not,
#
# $$v = \frac{1}{|S_1|}\sum_{i \in S_1} z_i \;-\; \frac{1}{|S_0|}\sum_{i \in S_0} z_i, \qquad z' = z + \alpha\,\sqrt d\,\frac{v}{\|v\|}. \tag{5}$$
#
# Why a difference of means? Suppose that the feature comes wherever $w \cdot z$ is above some number. All directions at right angles to $w$ look the same on both sides, so they cancel, and $v$ is left along $w$. A real border is not flat; then $v$ is its mean direction.
#
# A typical $z$ has length $\sqrt d$ (notebook 21). At $\alpha = 0.5$, $z'$ is about 1.12 times as long, at 1 it is 1.41 times; far out the generator was never trained. For this part we take a generator of the same kind that was trained longer and comes with the course:


# %%
longer = pretrained.load_generator("gan_portraits", run.device)
facts = pretrained.facts("gan_portraits")
print(f"trained for {facts['minutes']:.0f} minutes on {facts['device']}: Fréchet distance {facts['fd']:.2f}, floor {facts['fd_floor']:.2f} ({facts['n']:,} images)")
reader = metrics.Evaluator("portraits")


@torch.no_grad()
def faces_of(z):
    return torch.cat([longer(part.to(run.device)).float().cpu() for part in z.split(250)])


def wears(z):
    """{feature: True or False for each image}, as the evaluator reads it."""
    read = reader.read(faces_of(z))
    return {name: read[name] != 0 for name in ("glasses", "hat", "beard")}  # 0 is "none"


def along(z, v, alpha):
    return z + alpha * math.sqrt(longer.latent) * F.normalize(v, dim=0)


source = torch.Generator().manual_seed(run.seed)
z, fresh = torch.randn(4 * run.samples, longer.latent, generator=source), torch.randn(500, longer.latent, generator=source)
directions, before = {name: z[has].mean(dim=0) - z[~has].mean(dim=0) for name, has in wears(z).items()}, wears(fresh)  # (5)

# %%
found["turned_on"] = 1.0
for name, v in directions.items():
    after = {alpha: wears(along(fresh, v, alpha)) for alpha in (-0.5, 0.5)}
    share = {alpha: w[name].double().mean().item() for alpha, w in ({0.0: before} | after).items()}
    others = [(after[0.5][other] != before[other]).double().mean().item() for other in directions if other != name]
    print(f"{name:<8} in {share[-0.5]:4.0%} at alpha = -0.5, {share[0.0]:4.0%} at 0, {share[0.5]:4.0%} at 0.5; at 0.5 the two other features changed in {sum(others) / 2:.0%}")
    found["turned_on"] = min(found["turned_on"], share[0.5] - share[-0.5])
assert found["turned_on"] > 0.3 or run.profile == "quick"

# %%
rows = {}
for name, v in directions.items():
    bare = (~before["glasses"] & ~before["hat"] & ~before["beard"]).nonzero()[:, 0]  # faces that wear none of the three
    start_at = fresh[bare[0]] if len(bare) else fresh[0]
    rows[f"from less to more: {name}"] = faces_of(torch.stack([along(start_at, v, a) for a in torch.linspace(-0.5, 1.0, 10).tolist()]))
plots.show(
    plots.grid(rows, cols=10), alt="Three rows of one face changing from left to right: it gets glasses, then a hat, then a beard.",
    caption="One face, moved along each direction. What else changes? In the data the three features are independent.",
)  # fmt: skip

# %% [markdown]
# ## What the detective looks at
#
# By equation (2) of notebook 21, $G$ learns from $\nabla_x a$ alone. Here is its size pixel by pixel on generated images: bright where a change would make the image look more, or less, real to our detective.

# %%
x = made[:8].to(run.device).requires_grad_()
(slope,) = torch.autograd.grad(D(x).sum(), x)
heat = F.avg_pool2d(slope.abs().sum(dim=1, keepdim=True), 3, stride=1, padding=1, count_include_pad=False)  # [8, 1, H, W], a little blurred
heat = 2 * heat / heat.amax(dim=(1, 2, 3), keepdim=True) - 1
length = 0.02 * math.sqrt(x[0].numel())  # 0.02 a pixel
pushed = (x + length * F.normalize(slope.flatten(1), dim=1).view_as(x)).detach()
with torch.no_grad():
    a_before, a_after = D(x).mean().item(), D(pushed).mean().item()
plots.show(
    plots.grid({"generated": x.detach().cpu(), "where the detective looks": heat.cpu().expand(-1, channels, -1, -1), "pushed uphill": pushed.clamp(-1, 1).cpu()}, cols=8),
    alt="Generated portraits; heat maps of the detective's slope; the images after a small step along it.",
    caption="Bright: the detective cares. Below, each image a small step up its own slope, 0.02 a pixel.",
)
print(f"mean logit before {a_before:.2f}, after {a_after:.2f}")
assert a_after > a_before

# %% [markdown]
# The maps are grainy: this detective has an opinion on every pixel, most on and around faces. So small a step changes the verdict and hardly the picture. A gradient is a hint about $G$'s weights, averaged over thousands of images, and no retouching tool. Images that fool a network by so little are called *adversarial examples*.
#
# ## Explore: knobs for a face
#
# **Predict** before you move: what happens to the glasses when you push the hat as far as it goes?


# %%
def knobs(glasses, hat, beard, face):
    z = fresh[face]
    for name, alpha in (("glasses", glasses), ("hat", hat), ("beard", beard)):
        z = along(z, directions[name], alpha)
    return plots.grid(faces_of(z[None]), cols=1, width=2.4)


explore(
    knobs, alt="One generated portrait.", caption="Three directions of (5), and a choice of the face. In a live notebook, sliders are below.",
    glasses=(-1.0, 1.0, 0.5), hat=(-1.0, 1.0, 0.0), beard=(-1.0, 1.0, 0.0), face=(0, 50, 3),
)  # fmt: skip

# %%
far = wears(along(fresh, directions["hat"], 1.0))
print(f"glasses in {before['glasses'].double().mean():.0%} of the faces, and in {far['glasses'].double().mean():.0%} with the hat pushed to 1")

# %% [markdown]
# The glasses go: in the data the two are independent, but a mean direction moves the whole face.
#
# ## Break it
#
# Nine short trainings with narrower networks: one as it should be, and eight with one rule changed. **Predict** which two changes are the worst:
#
# **a** transposed convolutions in $G$; **b** no batch norm in $G$; **c** batch norm in $D$ instead of spectral norm, real and fake in one batch in $D$'s step (in $G$'s, fakes alone, so with other statistics); **d** the same, real and fake apart; **e** first weights of $G$ from $\mathcal{N}(0, 0.02^2)$; **f** $\beta_1 = 0.9$; **g** the paper's rate, $2 \cdot 10^{-4}$; **h** no averaging.


# %%
class AsItIs(nn.Module):
    def forward(self, x, c=None):
        return x


class Transposed(gan.Generator):
    def forward(self, z, c=None):
        x = self.first(z).view(-1, *self.shape)
        for norm, up in zip(self.norms, self.ups, strict=True):
            x = up(F.relu(norm(x)))
        return torch.tanh(x)


# %%
def changed(rule):
    """A generator and a discriminator with one rule changed."""
    shape = {"size": size, "channels": channels, "width": run.short_width}
    G = (Transposed if rule == "a" else gan.Generator)(latent=run.latent, **shape)
    D = gan.Discriminator(spectral=rule not in ("c", "d"), **shape)
    if rule == "a":
        G.ups = nn.ModuleList(nn.ConvTranspose2d(up.in_channels, up.out_channels // 4, 4, stride=2, padding=1) for up in G.ups)
    if rule == "b":
        G.norms = nn.ModuleList(AsItIs() for _ in G.norms)
    if rule in ("c", "d"):
        D.body = nn.Sequential(*[part for m in D.body for part in ([m, nn.BatchNorm2d(m.out_channels)] if isinstance(m, nn.Conv2d) else [m])])
    if rule == "e":  # in D, spectral norm would divide the scale away again
        nn.init.normal_(G.first.weight, 0, 0.02)
        for up in G.ups:
            up.weight.data = 0.02 * torch.randn_like(up.weight[::4]).repeat_interleave(4, dim=0)  # alike by fours, for the shuffles
    return G.to(run.device), D.to(run.device)


# %%
RULES = (
    "as it should be", "a transposed", "b no batch norm in G", "c batch norm in D, together", "d batch norm in D, apart", "e weights of 0.02",
    "f beta_1 = 0.9", "g rate 2e-4", "h no averaging",
)  # fmt: skip
rows, damage = {"real": data.to_float(test.images[:12])}, {}
for name in RULES:
    rule = name[0] if name[1] == " " else "right"
    torch.manual_seed(run.seed)
    G, D = changed(rule)
    lr, betas = 2e-4 if rule == "g" else run.lr, (0.9 if rule == "f" else 0.0, 0.99)
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=lr, betas=betas, fused=True) for net in (G, D))
    books = {"label": f"rule_{rule}", "ema": "G", "ema_decay": 0.98, "G": G, "D": D, "opt_G": opt_G, "opt_D": opt_D}
    for x in run.train(run.batches(train, run.batch), run.short_steps, **books):
        for opt in (opt_G, opt_D):
            opt.param_groups[0]["lr"] = lr * min(1, 2 * (1 - run.progress))
        run.log(**play(x, G, D, opt_G, opt_D, together=rule != "d"))
    drawn = sample((G if rule == "h" else run.ema["G"]).eval(), min(run.samples, 1_000))
    rows[name] = drawn[:12]
    damage[f"fd_{rule}"] = evaluator.fd(drawn) if evaluator else math.nan
    print(f"{name:<28} FD {damage[f'fd_{rule}']:8.1f}")

# %%
plots.show(plots.grid(rows, cols=12), alt="Rows of samples: real portraits, those of the right rules, then those of eight changed ones.", caption="The same number of steps for all.")

# %%
run.report(**found, **(damage if evaluator else {}))
if DATA == "portraits":
    run.expect(fd=("<", (600, 40, 10)))

# %% [markdown]
# As it should be: 58, after only 280 steps. The worst is **c** (928): in $D$'s step the mixed batch gives the fakes away by its statistics, and $G$'s step, with other statistics, learns nothing from it. Then momentum, **f** (522), and no batch norm in $G$, **b** (249).
#
# Small first weights (**e**, 123), the low rate (**g**, 104) and batch norm apart (**d**, 95) are slow, not fatal: the textbook's rate gets there in hours. Transposed convolutions (**a**, 73) and the last weights (**h**, 69) cost least.
#
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/22_dcgan.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(3 minutes)* The range of tanh: bytes into -1 to 1.
# 2. ★★ *(10 minutes)* How large is the image? Follow a stack of layers.
# 3. ★★ *(10 minutes)* A stack that arrives: choose the transposed convolutions.
# 4. ★★ *(15 minutes)* The slow copy: half-life and a corrected average.
# 5. ★★ *(10 minutes)* DCGAN's first weights.
# 6. ★★★ *(30 minutes, a project)* Glasses: find the direction, and put latents at a wanted place along it.
#
# To try here *(10 minutes each)*: `DATA = "fashion_mnist"`; what goes wrong first, outline or texture? Or `ema_decay=0.9` in the first training: over how many steps does it average, by (4), and what does that do to the Fréchet distance?
#
# ## What to remember
#
# - Neighbourhood is built into convolutions; a dense network would have to learn it, pixel by pixel.
# - Check sizes, ranges and `eval()` before anything clever. No batch norm in a detective.
# - Adam for games: little or no momentum. Draw with averaged weights.
# - Directions in latent space are means of what went together: count what else they move.
#
# ## Further reading
#
# - A. Radford, L. Metz, S. Chintala, *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*, 2015, arXiv:1511.06434.
# - S. Ioffe, C. Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift*, 2015, arXiv:1502.03167.
# - K. He et al., *Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification*, 2015, arXiv:1502.01852.
# - W. Shi et al., *Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network*, 2016, arXiv:1609.05158.
# - A. Aitken et al., *Checkerboard artifact free sub-pixel convolution*, 2017, arXiv:1707.02937.
# - T. Miyato et al., *Spectral Normalization for Generative Adversarial Networks*, 2018, arXiv:1802.05957.
# - Y. Yazıcı et al., *The Unusual Effectiveness of Averaging in GAN Training*, 2018, arXiv:1806.04498.
