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
# # 16 Gram matrices
#
# *You will throw away where everything is in a picture, keep only which patterns occur together, and grow new gravel, brick and leaves from noise: first with filters that learned nothing, then with filters that did.*
#
# ![Three materials, and beside each what was grown from noise with random filters and with trained ones.](../data/pictures/16_gram_matrices.png)
#
# **You need** notebook 12 (feature maps, receptive fields) and, from 13, MMD. The next cell says how long it takes.

# %%
import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, divergences, plots, pretrained, style, tables
from genimg_lib.data import photos, textures
from genimg_lib.training import start
from genimg_lib.widgets import explore

run = start("16_gram_matrices", size=(64, 128, 256), grow_steps=(35, 160, 300), short_steps=(25, 90, 150))
tables.show_expected("16_gram_matrices")
run

# %% [markdown]
# ## Why
#
# Two photographs of the same lawn share not a single blade of grass at the same place, and yet you know at once that they show the same *material*. Pixel by pixel they differ as much as lawn and gravel do. What is it that they share? Julesz asked this in 1962; his answer, statistics that do not know about places, is what this notebook builds, and what **style transfer** runs on: it keeps the layout of one picture (the *content*) and takes these statistics from another (the *style*).

# %%
SIZE = run.size


def crop(name, top, left, side):
    return data.to_float(photos.square(photos.open_photo(name)[:, top : top + side, left : left + side], SIZE)[None]).to(run.device)


lawn, other_lawn, gravel = crop("grass", 0, 0, 256), crop("grass", 250, 250, 256), crop("gravel", 0, 0, 256)
distance = lambda a, b: (a - b).square().mean().item()
plots.show(
    plots.grid(torch.cat([lawn, other_lawn, gravel]), cols=3, labels=["a lawn", f"the same lawn, elsewhere\nmean squared error {distance(lawn, other_lawn):.2f}", f"gravel\nmean squared error {distance(lawn, gravel):.2f}"], width=6.5),
    alt="Two pieces of the same lawn and a piece of gravel.",
    caption="By their pixels, the two lawns are about as far apart as lawn and gravel.",
)

# %% [markdown]
# ## The maths
#
# A layer $l$ of a network gives $C$ feature maps of $H \times W$ numbers; write each map as a row of $F_l$, a matrix of $C$ rows and $HW$ columns. Each column is what the layer sees at one place. The **Gram matrix** multiplies the rows with each other:
#
# $$\mathrm{Gr}_l = \frac{1}{C H W}\, F_l F_l^\top, \qquad (\mathrm{Gr}_l)_{ij} = \frac{1}{C H W}\sum_{p} (F_l)_{ip}\,(F_l)_{jp}. \tag{1}$$
#
# Entry $(i, j)$ says how much channels $i$ and $j$ are active *at the same places*, added up over all places $p$. Dividing by $CHW$ makes it independent of the size of the image, and keeps wide layers from counting more. One matrix for each image: never across the batch.


# %%
def gram(features):  # [N, C, H, W] -> [N, C, C]
    n, c, h, w = features.shape
    rows = features.reshape(n, c, h * w)
    return rows @ rows.transpose(1, 2) / (c * h * w)  # (1)


torch.manual_seed(run.seed)
features = torch.randn(3, 4, 5, 6, dtype=torch.float64)
by_sum = torch.zeros(3, 4, 4, dtype=torch.float64)
for n in range(3):
    for i in range(4):
        for j in range(4):
            by_sum[n, i, j] = (features[n, i] * features[n, j]).sum() / (4 * 5 * 6)  # (1), entry by entry
errors = {
    "sum": (gram(features) - by_sum).abs().max().item(),
    "einsum": (gram(features) - torch.einsum("nihw,njhw->nij", features, features) / 120).abs().max().item(),
    "library": (gram(features) - style.gram(features)).abs().max().item(),
}
assert max(errors.values()) < 1e-14

# %% [markdown]
# ### What it forgets
#
# Reorder the places: multiply $F$ by a permutation matrix $P$ from the right. Since $P P^\top = I$,
#
# $$(F P)(F P)^\top = F P P^\top F^\top = F F^\top. \tag{2}$$
#
# The Gram matrix **does not know where anything is**. Take the pixels themselves as features, $C = 3$: shuffle them all, and the Gram matrix does not notice.

# %%
order = torch.randperm(SIZE * SIZE)
coffee = data.to_float(photos.square(photos.open_photo("coffee"), SIZE)[None])
shuffled = coffee.flatten(2)[:, :, order].view_as(coffee)
errors["permutation"] = (style.gram(coffee.double()) - style.gram(shuffled.double())).abs().max().item()
assert errors["permutation"] < 1e-14
plots.show(
    plots.grid(torch.cat([coffee, shuffled]), cols=2, labels=["a picture", "its pixels shuffled"], width=5.0),
    alt="A cup of coffee, and colour noise: the same pixels in another order.",
    caption="The same Gram matrix of pixels. It knows how often red and green go together, and nothing else.",
)

# %% [markdown]
# So pixels are too poor as features. A layer whose outputs see 7x7 patches (its receptive field) gives a Gram matrix that knows about 7x7 patches and forgets how *they* are arranged. Deeper layers see more. That is the whole idea: **choose how far order matters by choosing the layers.**
#
# The network below is small, four stages of two convolutions, and comes with the course in two versions: random, and trained to tell materials apart.

# %%
def network(trained):
    if trained:
        return pretrained.load_features(run.device)
    torch.manual_seed(3)
    net = style.FeatureNet()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return net.eval().requires_grad_(False).to(run.device)


random_net, trained_net = network(False), network(True)
# NBVAL_CHECK_OUTPUT
field = jump = 1
for stage, maps in enumerate(trained_net(torch.zeros(1, 3, 64, 64, device=run.device))):
    if stage:
        field, jump = field + jump, 2 * jump  # the mean over 2x2
    field += 2 * 2 * jump  # two 3x3 convolutions
    print(f"stage {stage + 1}: {maps.shape[1]} channels, {maps.shape[2]}x{maps.shape[3]}, each place sees {field}x{field} pixels")

# %% [markdown]
# **Explore.** Cut the picture into square blocks and shuffle *those*. The bars show how far each stage's Gram matrix moves, relative to its size. **Predict**: which stages notice blocks of 2 pixels? Of 32?

# %%
small = data.to_float(photos.square(photos.open_photo("gravel"), 128)[None]).to(run.device)
reference = [style.gram(small), *(style.gram(m) for m in trained_net(small))]


def shuffle_blocks(x, side, seed=0):
    n = x.shape[-1] // side
    blocks = x.unfold(2, side, side).unfold(3, side, side).reshape(1, 3, n * n, side, side)
    blocks = blocks[:, :, torch.randperm(n * n, generator=torch.Generator().manual_seed(seed))]
    return blocks.view(1, 3, n, n, side, side).permute(0, 1, 2, 4, 3, 5).reshape_as(x)


def forget(block):
    x = shuffle_blocks(small, block)
    moved = [((style.gram(m) - g).norm() / g.norm()).item() for m, g in zip([x, *trained_net(x)], reference, strict=True)]
    fig, (left, middle, right) = plots.figure(1, 3, height=2.7, gridspec_kw={"width_ratios": [1, 1, 1.3]})
    for axis, image, title in ((left, small, "gravel"), (middle, x, f"blocks of {block}, shuffled")):
        axis.imshow((image[0].permute(1, 2, 0).cpu() + 1) / 2), axis.set_title(title), axis.axis("off")
    right.barh(["pixels", "stage 1", "stage 2", "stage 3", "stage 4"], moved, color=plots.COLORS[0])
    right.set(xlim=(0, max(0.8, 1.05 * max(moved))), xlabel="change of the Gram matrix"), right.invert_yaxis()
    return fig


explore(forget, alt="Gravel, gravel with its blocks shuffled, and bars: how much the Gram matrix of each stage changes.", caption="Pixels never notice. A place notices when a seam crosses what it sees: the smaller the blocks, the more places do.", block=[8, 1, 2, 4, 16, 32, 64])

# %% [markdown]
# ### What kind of matrix it is
#
# For any vector $v$ of $C$ numbers,
#
# $$v^\top \mathrm{Gr}\, v = \frac{1}{CHW}\, \big|F^\top v\big|^2 \ge 0, \tag{3}$$
#
# so Gram matrices are symmetric and **positive semidefinite**, of rank $HW$ at most. Let $\mu$ be the vector of channel means and $\Sigma$ the covariance of the columns (divided by $HW$). Then
#
# $$C\,\mathrm{Gr} = \Sigma + \mu\mu^\top: \tag{4}$$
#
# matching Gram matrices matches a mix of first and second moments. Close relatives match the parts: AdaIN (Huang and Belongie 2017) only means and variances, $\mu_i$ and $\Sigma_{ii}$; whitening and colouring (Li et al. 2017b) $\mu$ and all of $\Sigma$.

# %%
F_ = torch.randn(1, 6, 7, 8, dtype=torch.float64).exp()
G = style.gram(F_)[0]
columns = F_[0].flatten(1)  # [C, HW]
v = torch.randn(6, dtype=torch.float64)
errors["quadratic form"] = abs(v @ G @ v - (columns.T @ v).square().sum() / columns.numel()).item()  # (3)
assert torch.linalg.eigvalsh(G).min() > -1e-12
assert torch.linalg.matrix_rank(style.gram(torch.randn(1, 6, 2, 2, dtype=torch.float64))[0]) == 4  # HW = 4 < C = 6
mu, cov = columns.mean(1), columns.cov(correction=0)
errors["moments"] = (6 * G - cov - torch.outer(mu, mu)).abs().max().item()  # (4)

# %% [markdown]
# ### Matching Gram matrices is an MMD
#
# Let $f_p$ be the columns of $F$ for one image and $g_p$ those for another. In notebook 13, equation (14), the kernel $k(f, g) = (f \cdot g)^2$ compared second moments, $\mathrm{MMD}^2 = |\mathbb{E} f f^\top - \mathbb{E} g g^\top|^2$. The mean of $f f^\top$ over places *is* the Gram matrix, times $C$:
#
# $$\big\|\mathrm{Gr} - \mathrm{Gr}'\big\|_F^2 = \frac{1}{C^2}\, \mathrm{MMD}^2_{(f \cdot g)^2}\big(\{f_p\}, \{g_p\}\big) \tag{5}$$
#
# (Li et al. 2017a). So "style" is the distribution of what a layer sees at its places, and style transfer moves one such distribution onto another, as in notebook 13, by a distance that sees second moments. Its gradient pulls on all features:
#
# $$\frac{\partial}{\partial F}\big\|\mathrm{Gr} - \mathrm{Gr}'\big\|_F^2 = \frac{4}{C H W}\,(\mathrm{Gr} - \mathrm{Gr}')\, F. \tag{6}$$

# %%
one, two = torch.randn(1, 5, 6, 6, dtype=torch.float64, requires_grad=True), torch.randn(1, 5, 4, 9, dtype=torch.float64).abs()
loss = (style.gram(one) - style.gram(two)).square().sum()
mmd = divergences.mmd(one[0].flatten(1).T, two[0].flatten(1).T, divergences.polynomial_kernel)
errors["MMD"] = abs(loss - mmd / 5**2).item()  # (5)
by_formula = 4 / one[0].numel() * (style.gram(one) - style.gram(two))[0] @ one[0].flatten(1)
errors["gradient"] = (torch.autograd.grad(loss, one)[0][0].flatten(1) - by_formula).abs().max().item()  # (6)
tiled = torch.randn(1, 5, 6, 6, dtype=torch.float64)
errors["size"] = (style.gram(tiled) - style.gram(tiled.repeat(1, 1, 2, 3))).abs().max().item()  # a tiled image has the same matrix
for name, error in errors.items():
    print(f"{name:<15} differs by at most {error:.0e}")
assert max(errors.values()) < 1e-12

# %% [markdown]
# ## Grow a texture
#
# Gatys et al. (2015): start from noise and change the *image*, not the network, until its Gram matrices are those of the example. With example $x^*$ and feature maps $l = 0, \ldots, L$, each term divided by the size of its target so that none drowns the others:
#
# $$\mathcal{L}(x) = \sum_{l} \frac{\|\mathrm{Gr}_l(x) - \mathrm{Gr}_l(x^*)\|_F^2}{\|\mathrm{Gr}_l(x^*)\|_F^2}. \tag{7}$$
#
# The maps are the pixels themselves, and the four stages for the image at full, half and quarter size, so that larger patterns count too. The loss has no noise and tens of thousands of variables, which is what L-BFGS is made for: it learns the curvature from its last gradients and needs far fewer steps than Adam. Far from the goal the curvature misleads it, so Adam takes the first steps; a small penalty keeps the pixels in [-1, 1].


# %%
def maps_of(net, x, stages=4, sizes=3):
    return [x, *(m for k in range(sizes) for m in net(F.avg_pool2d(x, 2**k), stages) if stages)]


def gram_loss(maps, targets, statistic=style.gram):
    return sum((statistic(m) - t).square().sum() / t.square().sum() for m, t in zip(maps, targets, strict=True))  # (7)


some = maps_of(random_net, torch.rand(1, 3, 64, 64, device=run.device))
assert gram_loss(some, [style.gram(m) for m in some]) == 0  # (7) at the example, and with all maps 0: one for each map
assert abs(gram_loss([0 * m for m in some], [style.gram(m) for m in some]) - len(some)) < 1e-5


# %%
def grow(net, example, steps, targets=None, statistic=style.gram, every=None, **which):
    """Noise of the example's colours -> an image with its statistics. Returns the image, the loss over the steps and a few images on the way."""
    if targets is None:
        targets = [statistic(m) for m in maps_of(net, example, **which)]
    noise = torch.randn(example.shape, generator=torch.Generator().manual_seed(run.seed)).to(run.device)
    x = (example.mean((2, 3), keepdim=True) + example.std((2, 3), keepdim=True) * noise).requires_grad_()
    adam, lbfgs = torch.optim.Adam([x], lr=0.03), torch.optim.LBFGS([x], max_iter=1, history_size=20, tolerance_grad=0, tolerance_change=0)
    losses, film = [], []

    def closure():
        x.grad = None
        outside = (x - x.clamp(-1, 1)).square().mean()
        loss = gram_loss(maps_of(net, x, **which), targets, statistic) + 3 * outside
        (x.numel() * loss).backward()  # a slope of about 1 for each pixel
        return x.numel() * loss.detach()

    for step in range(steps):
        if every and step % every == 0:
            film.append(x.detach().clone())
        losses.append((adam if step < 25 else lbfgs).step(closure).item() / x.numel())
    return x.detach().clamp(-1, 1), losses, film


# %%
EXAMPLES = {"gravel": crop("gravel", 0, 0, 256), "wall": crop("brick", 0, 0, 200), "leaves": data.to_float(textures.draw(17, SIZE, seed=21)[0][16:]).to(run.device)}
NETS = {"random filters": random_net, "trained filters": trained_net}
grown, losses, film = {}, {}, []
for material, example in EXAMPLES.items():
    for name, net in NETS.items():
        image, losses[material, name], frames = grow(net, example, run.grow_steps, every=max(1, run.grow_steps // 10))
        grown[material, name] = image
        film = [*frames, image] if material == "gravel" and name == "trained filters" else film
rows = torch.cat([torch.cat([example, *(grown[material, name] for name in NETS)]) for material, example in EXAMPLES.items()])
fig = plots.grid(rows, cols=3, labels=["example", *NETS] * 3, width=6.5)
plots.cover(fig)
plots.show(fig, alt="Three rows, gravel, a brick wall and drawn leaves: the example, a texture grown with random filters, one grown with trained filters.", caption="Left: the example. Middle and right: grown from noise. Nothing was copied: every stone has a new place and shape.")

# %% [markdown]
# Random filters do surprisingly well: a Gram matrix of *many different* local patterns is most of what a texture is (Ustyuzhaninov et al. 2016). Trained filters respond to what distinguishes materials: look at the joints of the wall and the outlines of the leaves. What both lose is order at a distance: the wall's joints are there, its rows are not.

# %%
fig, axes = plots.figure(1, 3, height=2.5, sharey=True)
for axis, material in zip(axes, EXAMPLES, strict=True):
    for name, color in zip(NETS, plots.COLORS, strict=False):
        axis.semilogy(losses[material, name], color=color, label=name)
    axis.set(title=material, xlabel="step")
axes[0].set_ylabel("loss (7)"), axes[0].legend()
plots.show(fig, alt="Losses falling by orders of magnitude over the steps for three materials.", caption="The loss falls by orders of magnitude. Losses of different filters cannot be compared with each other: they measure with different rulers.")
fell = {key: values[0] / values[-1] for key, values in losses.items()}
assert min(fell.values()) > (3 if run.profile == "quick" else 30)

# %% [markdown]
# **Explore.** Watch gravel grow. **Predict** what comes first: colours, grain, or stones?

# %%
def moment(step):
    return plots.grid(torch.cat([EXAMPLES["gravel"], film[step].clamp(-1, 1)]), cols=2, labels=["example", f"after {min(step * max(1, run.grow_steps // 10), run.grow_steps)} steps"], width=5.0)


explore(moment, alt="The example of gravel, and the texture on its way from noise.", caption="Statistics of small neighbourhoods settle first, those of large ones last.", step=(0, len(film) - 1, 3))

# %% [markdown]
# How far does order matter? Use only the pixels, then one stage more at a time, at full size alone.

# %%
pair = [EXAMPLES["leaves"], EXAMPLES["wall"]]
depths = {f"+ stage {k}" if k else "pixels only": torch.cat([grow(trained_net, e, run.short_steps, stages=k, sizes=1)[0] for e in pair]) for k in range(5)}
columns = torch.stack([torch.cat(pair), *depths.values()], dim=1).flatten(0, 1)
plots.show(
    plots.grid(columns, cols=6, labels=["example", *depths] * 2),
    alt="Two rows, leaves and a brick wall: the example, then textures grown from the pixels' statistics alone and with one, two, three and four stages.",
    caption="From left to right, larger and larger patterns survive. A wall does not: no place sees a brick with all its neighbours.",
)

# %% [markdown]
# ## Explore: mix materials
#
# Gram matrices are numbers, so they can be averaged. Grow from a weighted mean of two targets, and you get a material that nobody has seen. (The choices were grown beforehand.)

# %%
WEIGHTS, mixtures = (0.0, 0.25, 0.5, 0.75, 1.0), []
both = [[style.gram(m) for m in maps_of(trained_net, e)] for e in (EXAMPLES["gravel"], EXAMPLES["leaves"])]
for weight in WEIGHTS:
    targets = [torch.lerp(a, b, weight) for a, b in zip(*both, strict=True)]
    mixtures.append(grow(trained_net, torch.lerp(EXAMPLES["gravel"], EXAMPLES["leaves"], weight), run.short_steps, targets)[0])


def mixture(weight):
    k = WEIGHTS.index(weight)
    return plots.grid(torch.cat([EXAMPLES["gravel"], mixtures[k], EXAMPLES["leaves"]]), cols=3, labels=["gravel", f"{1 - weight:.0%} gravel, {weight:.0%} leaves", "leaves"], width=6.5)


explore(mixture, alt="Gravel, a mixture, and leaves.", caption="Halfway between two Gram matrices: both local patterns, and no double exposure. Whether they mix or lie side by side in patches, the statistics do not say.", weight=[0.5, *WEIGHTS])

# %% [markdown]
# ## Break it
#
# Three Gram matrices and a loss found in print. **Predict** for each what grows.
# 1. The elementwise product of the features with themselves, summed: one number for a layer. 2. Features transposed as if they were an image, `f.permute(0, 1, 3, 2)`, and multiplied: $[C, H, H]$, how alike two *rows of pixels* are. 3. All images of a batch in one matrix. 4. A loss of a tensor with itself.

# %%
def all_in_one(f):  # 1: how strong everything is together
    return (f * f).sum(dim=(1, 2, 3), keepdim=True) / f[0].numel()


def image_transposed(f):  # 2: [N, C, H, H], which rows of the image go with which
    return f @ f.permute(0, 1, 3, 2) / f[0].numel()


broken = {"right": grow(trained_net, EXAMPLES["leaves"], run.short_steps)[0]}
for name, statistic in (("1: one number", all_in_one), ("2: transposed\nas an image", image_transposed)):
    broken[name] = grow(trained_net, EXAMPLES["leaves"], run.short_steps, statistic=statistic)[0]
batch = torch.cat([EXAMPLES["leaves"], EXAMPLES["gravel"]])
wrong = lambda f: torch.einsum("nihw,njhw->ij", f, f)[None] / f.numel()  # 3
pair = grow(trained_net, batch, run.short_steps, statistic=wrong)[0]
broken |= {"3: batch in one,\nfor leaves": pair[:1], "3: for gravel": pair[1:]}
plots.show(
    plots.grid(torch.cat([EXAMPLES["leaves"], *broken.values()]), cols=6, labels=["example", *broken]),
    alt="The example, the right texture, noise, a picture with the example's layout, and two textures that are both a mixture.",
    caption="1: noise of the right strength. 2: it remembers rows, not materials. 3: both come out as a mixture of the two. 4 is not shown: its loss is 0, so nothing happens.",
)
# %%
leaves = [style.gram(m) for m in maps_of(trained_net, EXAMPLES["leaves"])]
true_loss = lambda x: gram_loss(maps_of(trained_net, x), leaves).item()
judged = {name.replace("\n", " "): true_loss(x) for name, x in broken.items() if name != "3: for gravel"}
print({name: round(value, 4) for name, value in judged.items()})
assert min(judged["1: one number"], judged["3: batch in one, for leaves"]) > judged["right"]
moved = lambda statistic: ((statistic(shuffled) - statistic(coffee)).norm() / statistic(coffee).norm()).item()
print(f"shuffle all pixels, and Gr changes by {moved(style.gram):.0e}, mistake 2 by {moved(image_transposed):.0%}: it depends on places")
assert moved(style.gram) < 1e-5 < 0.1 < moved(image_transposed)

# %%
run.report(
    largest_difference=max(errors.values()), loss_fell_least=min(fell.values()), loss_right=judged["right"], loss_one_number=judged["1: one number"],
    loss_batch_in_one=judged["3: batch in one, for leaves"], pixels=SIZE,
)  # fmt: skip
run.expect(largest_difference=("<", 1e-12), loss_fell_least=(">", (3, 30, 30)))

# %% [markdown]
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/16_gram_matrices.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(3 minutes)* The Gram matrix of a wall of one colour.
# 2. ★ *(5 minutes)* `gram`, for a batch.
# 3. ★ *(5 minutes)* What differs between two styles, as a number.
# 4. ★★ *(10 minutes)* The covariance from the Gram matrix and the means.
# 5. ★★ *(15 minutes)* AdaIN.
#
# To try here *(40 minutes, a project)*: grow bricks that keep their rows. Add to (7) the mean of products of a map with itself *shifted* by $\delta$ pixels. Which $\delta$ are needed?
#
# ## What to remember
#
# - $\mathrm{Gr} = F F^\top / CHW$, for each image: which channels are active together, wherever.
# - It forgets all order beyond the receptive field; the choice of layers is the choice of how far order matters.
# - Matching it is an MMD with the kernel $(f \cdot g)^2$: second moments. $C\,\mathrm{Gr} = \Sigma + \mu\mu^\top$.
# - To grow a texture, change the image, not the network. Random filters already go a long way.
#
# ## Further reading
#
# - B. Julesz, *Visual Pattern Discrimination*, IRE Transactions on Information Theory 8, 1962.
# - J. Portilla, E. P. Simoncelli, *A Parametric Texture Model Based on Joint Statistics of Complex Wavelet Coefficients*, International Journal of Computer Vision 40, 2000.
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Texture Synthesis Using Convolutional Neural Networks*, 2015, arXiv:1505.07376.
# - I. Ustyuzhaninov, W. Brendel, L. A. Gatys, M. Bethge, *Texture Synthesis Using Shallow Convolutional Networks with Random Filters*, 2016, arXiv:1606.00021.
# - Y. Li, N. Wang, J. Liu, X. Hou, *Demystifying Neural Style Transfer*, 2017a, arXiv:1701.01036.
# - Y. Li, C. Fang, J. Yang, Z. Wang, X. Lu, M.-H. Yang, *Universal Style Transfer via Feature Transforms*, 2017b, arXiv:1705.08086.
# - X. Huang, S. Belongie, *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, 2017, arXiv:1703.06868.
