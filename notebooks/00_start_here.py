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
# # 00 Start here
#
# *Within a minute you will have trained a network that turns noise into faces, on this machine; and you will know what "generating an image" means, and how this course works.*
#
# ![Faces: real ones, those of the network trained in this notebook, and those of the same network trained longer.](../data/pictures/00_start_here.png)
#
# **You need** a little Python. Run the cells from top to bottom (Shift+Enter). The next one says how long it takes.

# %%
import textwrap

import torch

from genimg_lib import course, data, diffusion, doctor, metrics, plots, pretrained, tables
from genimg_lib.training import start
from genimg_lib.unet import PatchUNet
from genimg_lib.widgets import explore

DATA = "portraits"  # or "fashion_mnist", once you have fetched it: genimg data fetch fashion_mnist
# three values: for the profiles quick, cpu and gpu, which the end of this notebook explains
run = start("00_start_here", steps=(40, 700, 20_000), batch=(32, 32, 512), lr=3e-3, precision="auto", samples=(300, 400, 2_000))
tables.show_expected("00_start_here")
run

# %% [markdown]
# ## What does it mean to generate an image?
#
# Here are portraits. They come from *somewhere*: there is a rule, unknown to our network, by which some pictures are portraits and most are not, and some portraits are common and others rare. Such a rule is a
# **probability distribution**; call it $p_\text{data}$. We never see it. We see **samples** of it, a training set:

# %%
train = data.load(DATA)
print(train)
plots.show(
    plots.grid(train.images[:20], cols=10),
    alt="Twenty portraits: cartoon faces that differ in skin, hair, glasses, hats, mouths and background.",
    caption="Twenty samples of p_data. All of these are drawn by a program, so that the course needs no download and knows what is in every picture.",
)

# %% [markdown]
# **To generate is to draw new samples from $p_\text{data}$, having seen only old ones.** New: handing out training images again is easy, and worthless. From $p_\text{data}$: the right things, in the right variety. In the plane we can see what this
# means. Given the points on the left, which of the others generates?

# %%
points = data.toy.moons(300)
g = torch.Generator().manual_seed(0)
copied = points[torch.randint(300, (300,), generator=g)]
gaussian = points.mean(0) + torch.randn(300, 2, generator=g) @ torch.linalg.cholesky(points.T.cov()).T
fig, axes = plots.figure(1, 4, height=1.9, sharex=True, sharey=True)
titles = ("training points", "copies", "a fitted Gaussian", "new, from p_data")
for axis, cloud, title, color in zip(axes, (points, copied, gaussian, data.toy.moons(300, seed=1)), titles, plots.COLORS, strict=False):
    axis.scatter(*cloud.T, s=4, color=color)
    axis.set(title=title, xticks=[], yticks=[], aspect="equal")
plots.show(
    fig,
    alt="Four clouds of points: two interlocked half moons; the same points again; a shapeless blob; two half moons of other points.",
    caption="Copies are not new. The Gaussian is new, but not from p_data: it puts points between the moons. The last one is what we want, here for points, soon for faces with 3,072 numbers each.",
)

# %% [markdown]
# ## Train one, now
#
# The idea of the network below (chapters 17 and 52 derive it): take an image $x$, take noise $\epsilon$, and mix them, $x_t = t\,x + (1 - t)\,\epsilon$, for a random $t$ between 0 (noise) and 1 (image). Show the network $x_t$ and $t$, and ask: **what was the
# image?** Its squared error, divided by $(1-t)^2$ so that the small errors near the end count too, is the loss. That is all of the training.
#
# (`ema` keeps a running average of the weights, `autocast` computes with shorter numbers where that is faster.)

# %%
shape = tuple(train.images.shape[1:])
size = shape[-1] + (-shape[-1]) % 8  # the network works on 4x4 patches in pairs: 28 becomes 32
train = train if size == shape[-1] else data.load(DATA, size=size)
shape = (shape[0], size, size)

net = PatchUNet(channels=shape[0], size=size).to(run.device)
opt = torch.optim.AdamW(net.parameters(), lr=run.lr, betas=(0.9, 0.99), fused=True)
schedule = torch.optim.lr_scheduler.LambdaLR(opt, lambda k: min(1, (k + 1) / 50) * max(0.02, min(1, 2 * (1 - k / run.steps))))
noise = torch.randn(10, *shape).to(run.device)

for x in run.train(
    run.batches(train, run.batch), run.steps, ema="net", ema_decay=0.99, net=net, opt=opt, schedule=schedule,
    preview=lambda: diffusion.flow_sample(run.ema["net"], noise, steps=8), preview_every=max(1, run.steps // 3),
):  # fmt: skip
    with run.autocast():
        loss = diffusion.flow_matching_loss(net, x, torch.randn_like(x), diffusion.image_times(len(x), x.device, shift=-0.4), floor=0.25)
    opt.zero_grad()
    loss.backward()
    opt.step()
    schedule.step()
    run.log(loss=loss)

# %% [markdown]
# To **generate**, start from pure noise, ask the network for its guess, walk a small part of the way towards it, and ask again. Watch the guess: it starts as a blur, an average of all faces that are still possible, and commits to one as the noise goes.

# %%
net = run.ema["net"]  # the weights averaged over the last steps
torch.manual_seed(run.seed + 1)
start_noise = torch.randn(10, *shape).to(run.device)
with torch.no_grad(), run.autocast():
    path = list(diffusion.flow_path(net, start_noise, steps=24))  # x_t at t = 0, 1/24, ..., 1
    stops = range(0, 24, 3)
    guesses = [net(path[k], torch.full((10,), k / 24, device=run.device)).float() for k in stops]
shown = {}
for i in (0, 1):
    shown[f"walk {i + 1}: x_t"] = torch.stack([path[k][i] for k in stops]).clamp(-1, 1)
    shown[f"walk {i + 1}: the guess"] = torch.stack([guess[i] for guess in guesses]).clamp(-1, 1)
plots.show(
    plots.grid(shown, cols=8, labels=[f"t = {k / 24:.2f}" for k in stops]),
    alt="Two walks of eight steps: noise that slowly becomes a face, and below it the network's guesses, from a blur to the same face.",
    caption="From noise (left) to a face (right), at equal distances of t. The guess decides early who it will be; details come last.",
)

# %% [markdown]
# ## What you made, and what patience makes
#
# Beside your samples: those of **the same network, trained longer**, on more portraits, with more weight on fine details. Its weights come with the course, and with them a file that says how they were made:

# %%
longer = net  # for other data there are no longer trained weights
if DATA == "portraits":
    longer, facts = pretrained.load_first_generator(run.device), pretrained.facts("first_generator")
    print({key: facts[key] for key in ("steps", "batch", "data", "minutes", "device")})


@torch.no_grad()
def generate(network, n, seed=0, steps=24):
    eps = torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed)).to(run.device)
    with run.autocast():
        return torch.cat([diffusion.flow_sample(network, part, steps).float().cpu() for part in eps.split(250)])


yours, theirs = generate(net, run.samples), generate(longer, run.samples)
real = data.to_float(train.images[100:110])
cover = plots.grid({"real": real, f"yours, after {run.steps:,} steps": yours[:20], "the same network, trained longer": theirs[:20]})
plots.cover(cover)
plots.show(
    cover,
    alt="Five rows of faces: one of real ones, two by the network just trained, two by the network trained longer.",
    caption="Both networks began from the same noise: compare column by column. Yours are faces already, with soft or doubled details; more training makes them crisp.",
)

# %% [markdown]
# **How good is that, in a number?** The Fréchet distance compares the mean and covariance of features of two sets of images, read by a small trained network (chapters 13 and 71). 0 would be perfect, but even *real*, unseen images do not get 0. What they get is the **floor**. A figure without its floor says nothing.

# %%
found = {}
if DATA == "portraits":
    evaluator = metrics.Evaluator(DATA)
    found = {"fd_yours": evaluator.fd(yours), "fd_longer": evaluator.fd(theirs), "fd_noise": evaluator.fd(torch.rand_like(yours) * 2 - 1)}
    found["fd_floor"] = evaluator.floor(run.samples)
    for name, value in found.items():
        print(f"{name:10} {value:7.1f}   ({run.samples} images)")

# %% [markdown]
# ## Explore
#
# A generator is a function: the same noise gives the same face, other noise another. **Predict**: what happens with very few steps? With one?


# %%
def faces(seed, steps):
    return plots.grid(generate(longer, 8, seed, steps), cols=8, title=f"noise number {seed}, {steps} step{'s' * (steps > 1)}")


explore(
    faces, alt="Eight generated faces for the chosen noise and number of steps.",
    caption="In a live notebook, move the sliders: other noise, other faces; fewer steps, blurrier ones.", seed=(0, 99, 7), steps=(1, 32, 12),
)  # fmt: skip

# %% [markdown]
# ## Break it
#
# With a single step the network must guess the face from pure noise, which says nothing about it. Under squared error the best guess is then the **mean of all faces** $m = \mathbb{E}\,x$, since for any guess $a$
#
# $$\mathbb{E}\,\|x - a\|^2 = \mathbb{E}\,\|x - m\|^2 + \|m - a\|^2. \tag{1}$$
#
# Let us check both: the equation on the training set, and that one-step guesses hardly depend on the noise and look like $m$.

# %%
one_step = generate(longer, 200, seed=3, steps=1)
every = data.to_float(train.images)
mean_face, guess = every.mean(dim=0, keepdim=True), every[:1]
left = (every - guess).square().flatten(1).sum(1).mean()
right = (every - mean_face).square().flatten(1).sum(1).mean() + (mean_face - guess).square().sum()
assert torch.isclose(left, right, rtol=1e-4)  # (1)
spread = {"one step": one_step.std(dim=0).mean().item(), "24 steps": theirs[:200].std(dim=0).mean().item()}
print("how much the images of one set differ (standard deviation a pixel):", {k: round(v, 3) for k, v in spread.items()})
print("root mean squared distance from one step's mean to the mean face:", round((one_step.mean(0) - mean_face).square().mean().sqrt().item(), 3))
assert spread["one step"] < 0.5 * spread["24 steps"] or DATA != "portraits"
plots.show(
    plots.grid({"one step": one_step[:9], "the mean of all training images": mean_face}, cols=9),
    alt="Nine nearly equal blurred faces, and below them the mean of the training images, which looks the same.",
    caption="One step: the mean face, whatever the noise. Many small steps are what lets the network make decisions one by one.",
)

# %% [markdown]
# ## Where this comes from
#
# People have generated images by programs for decades: by **rules** (our portraits are drawn by one), and by **patches**, copying pieces of an example so that they fit (Efros and Leung 1999, pixel by pixel). What is new since about 2013 are deep networks that **learn** the distribution from images and draw from it.

# %%
TIMELINE = (
    (1999, "texture from\npatches", 2), (2013, "VAE", 0), (2014, "GAN", 1), (2015, "DCGAN,\nneural style", 2), (2016.5, "pix2pix,\nCycleGAN", 0), (2017, "WGAN-GP,\nVQ-VAE", 1),
    (2018, "BigGAN,\nStyleGAN", 2), (2020, "DDPM", 0), (2022, "latent\ndiffusion", 0.6), (2022.5, "flow matching,\ndiffusion\ntransformers", 2.3),
)  # fmt: skip


def place(year):  # the years before 2012 in a tenth of the width
    return 2012 + (year - 2012) / (10 if year < 2012 else 1)


fig, axis = plots.figure(height=2.6)
axis.axhline(0, color="black", linewidth=1)
for k, (year, name, level) in enumerate(TIMELINE):
    axis.plot([place(year)] * 2, [0, 0.8 + level], color=plots.COLORS[k % 6], linewidth=1.5)
    axis.text(place(year) + 0.06, 0.8 + level, name, va="top", fontsize=9, bbox={"boxstyle": "square,pad=0.1", "color": "white"})
ticks = [1999, *range(2013, 2024)]
axis.set(xticks=[place(t) for t in ticks], xticklabels=ticks, yticks=[], ylim=(0, 3.6), xlim=(2010.4, 2024.6))
axis.spines["left"].set_visible(False)
axis.grid(False)
plots.show(
    fig,
    alt="A timeline: texture from patches 1999, VAE 2013, GAN 2014, DCGAN and neural style 2015, pix2pix and CycleGAN 2016 to 2017, WGAN-GP and VQ-VAE 2017, "
    "BigGAN and StyleGAN 2018, DDPM 2020, latent diffusion 2022, flow matching and diffusion transformers 2022.",
    caption="Years as they are usually given (the axis is shortened before 2012). Most of these are, or will be, chapters.",
)

# %% [markdown]
# ## How this course works
#
# **Profiles.** The same notebook runs in three: `quick` (half a minute; tests), `cpu` (up to five minutes on a laptop; what you see stored here) and `gpu`. It chooses `gpu` where there is one, else `cpu`; `GENIMG_PROFILE=quick` overrides. A profile changes numbers, never the code.
#
# **In every notebook**: a problem, its maths with each formula checked by numbers in the next cell, a model built in the open, training, measuring, a widget, and a part in which you break things. *Predict before you run*: it is the part that teaches most.
#
# **Your machine**, as the course sees it (`genimg doctor` says it in a terminal):

# %%
for state, subject, finding in doctor.examine():
    if subject not in ("output", "data"):  # those two name folders of this machine
        print(f"{state:8} {subject:10} {finding}")

# %% [markdown]
# **The map.** What needs what: follow an arrow backwards to find what to read first. The maths chapters explain, the models build, *at work* uses them, *judgement* asks whether it is any good.

# %%
COLUMNS = (("Start", "0"), ("The maths", "1"), ("Models: GANs, VAEs", "23"), ("Models: style, diffusion", "45"), ("At work", "6"), ("Judgement", "7"))
where = {}
for column, (_, tens) in enumerate(COLUMNS):
    chapters = [c.name[:2] for c in course.CHAPTERS if c.name[0] in tens]
    where |= {number: (column, -8 * (row + 0.5) / max(len(chapters), 5)) for row, number in enumerate(chapters)}
standing = {name[:2] for name in course.standing()}
fig, axis = plots.figure(height=5.6)
for chapter in course.CHAPTERS:
    x_1, y_1 = where[chapter.name[:2]]
    for needed in chapter.needs:
        x_0, y_0 = where[needed]
        axis.annotate("", (x_1, y_1), (x_0, y_0), zorder=1, arrowprops={"arrowstyle": "->", "color": "#b8b8b8", "linewidth": 0.9, "connectionstyle": f"arc3,rad={0.35 if x_0 == x_1 else 0.08}", "shrinkA": 10, "shrinkB": 10})
    color = plots.COLORS[0] if chapter.name[:2] in standing else "#8a8a8a"
    label = textwrap.fill(chapter.name.replace("_", " "), 15)
    axis.text(x_1, y_1, label, fontsize=7.5, ha="center", va="center", color="white", zorder=3, bbox={"boxstyle": "round,pad=0.25", "color": color})
for column, (title, _) in enumerate(COLUMNS):
    axis.text(column, 0.2, title.replace(": ", ":\n"), ha="center", fontsize=9.5, weight="bold")
axis.set(xlim=(-0.45, 5.45), ylim=(-8, 0.9))
axis.axis("off")
plots.show(
    fig,
    alt="A map of the chapters in five columns, start, the maths, the models, at work and judgement, with arrows from each chapter to those that build on it.",
    caption="Blue chapters are ready, grey ones are to come. The same map, as a table, is in the README.",
)

# %%
run.report(**found, images=run.samples)
if DATA == "portraits":
    run.expect(fd_yours=("<", (330, 45, 10)), fd_longer=("<", 12))

# %% [markdown]
# ## Exercises
#
# 1. *(3 minutes)* Set `seed=1` in `start` and run again from the top to the distances. Do the faces change? Does the distance?
# 2. *(5 minutes)* Double `steps`. Predict the new Fréchet distance before you look.
# 3. *(5 minutes)* Is every face of *yours* new? Find the nearest training image of some of them, by the distance between pixels.
# 4. *(10 minutes)* Set `DATA = "fashion_mnist"`. What works at once, what looks worse, and why might that be? (There are no longer trained weights for it, and no distance is computed.)
# 5. *(40 minutes)* The walk takes equal steps in $t$. When does the *guess* change most? Plot the distance between successive guesses against $t$; then write a walk over your own list of times, ten lines, that spends its steps there.
#
# ## What to remember
#
# - To generate is to draw new samples from a distribution of which we only have samples.
# - Copies are not new; a bad model is new but wrong. Both have to be checked.
# - A network asked "what was the image?" of noise answers with an average; many small steps turn averages into decisions.
# - No figure without its floor.
#
# ## Further reading
#
# - A. A. Efros, T. K. Leung, *Texture Synthesis by Non-parametric Sampling*, ICCV 1999.
# - I. Goodfellow et al., *Generative Adversarial Networks*, 2014, arXiv:1406.2661.
# - J. Ho, A. Jain, P. Abbeel, *Denoising Diffusion Probabilistic Models*, 2020, arXiv:2006.11239.
# - Y. Lipman et al., *Flow Matching for Generative Modeling*, 2022, arXiv:2210.02747.
