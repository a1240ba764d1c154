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
# # 41 Neural style
#
# *You will paint a photograph in the manner of a mosaic, a woodcut or a night sky: not by training a network, but by letting one look on while you change the pixels.*
#
# ![A photograph, three styles, and the photograph painted in each of them.](../data/pictures/41_neural_style.png)
#
# **You need** notebook 16 (Gram matrices, feature maps). The next cell says how long it takes.

# %%
import time

import torch
import torch.nn.functional as F

from genimg_lib import data, plots, style, tables
from genimg_lib.data import photos, styles
from genimg_lib.style.optimise import WEIGHTS
from genimg_lib.training import start
from genimg_lib.widgets import explore

CONTENT = "coffee"  # any of photos.NAMES, or the path of a picture of yours
run = start("41_neural_style", size=(96, 256, 512), small=(96, 112, 256), steps=(6, 50, 150), small_steps=(5, 30, 100), rivals=(10, 300, 500))
tables.show_expected("41_neural_style")
run

# %% [markdown]
# ## Why
#
# A cup of coffee, and a night of brush strokes. You can imagine the cup painted with these strokes at once. How would you tell a computer? Two simple ideas fail, and show what is missing.

# %%
def picture(name, longest):
    """A photograph or a picture file, [1, 3, H, W] in [-1, 1], its longer side `longest` pixels."""
    image = photos.open_photo(name) if name in photos.NAMES else photos.open_image(name)
    x = data.to_float(image[None]).to(run.device)
    factor = longest / max(x.shape[2:])
    return F.interpolate(x, size=[round(factor * n) for n in x.shape[2:]], mode="bicubic", antialias=True).clamp(-1, 1)


def drawn(name, size):
    return data.to_float(styles.draw(name, size)[None]).to(run.device)


content, strokes = picture(CONTENT, run.size), drawn("strokes", run.size)
fitted = strokes[:, :, : content.shape[2], : content.shape[3]]
recolored = style.recolor(content, strokes)  # notebook 16's whitening and colouring; each pixel a "feature" of three numbers
plots.show(
    plots.grid(torch.cat([content, fitted, (content + fitted) / 2, recolored]), cols=4, labels=["content", "style", "1: the mean", "2: the style's colours"]),
    alt="A cup of coffee, blue brush strokes with yellow lights, their double exposure, and the cup in blue and yellow.",
    caption="1 is a double exposure: places of the style get in. 2 has the style's colours, their mean and covariance, and not one stroke.",
)

# %% [markdown]
# What we want keeps *where things are* from one picture and *what surfaces look like, wherever*, from another. Gatys, Ecker and Bethge found in 2015 that the feature maps of a network hold both. Compare two pictures **place by place**, and you compare what they show. Compare only **which channels are active together**, and you compare what they are painted with.
#
# ## The maths
#
# Let $F_l(x)$ be the maps of the layers $l = 0$ to $L - 1$ for a picture $x$, of $C_l$ channels and $H_l \times W_l$ places; $l = 0$ are the pixels themselves, and each $F_l$ is divided by its mean on photographs. $c$ is the content, $s$ the style. The **content loss** compares one layer $k$ place by place (ours: $k = 3$, at a quarter of the size), the **style loss** compares the Gram matrices $\mathrm{Gr}_l$ of notebook 16, equation (1), of all layers:
#
# $$\mathcal{L}_\text{content}(x) = \frac{1}{C_k H_k W_k}\,\big\|F_k(x) - F_k(c)\big\|^2, \tag{1}$$
#
# $$\mathcal{L}_\text{style}(x) = \frac{1}{L} \sum_{l} \frac{\|\mathrm{Gr}_l(x) - \mathrm{Gr}_l(s)\|_F^2}{\|\mathrm{Gr}_l(s)\|_F^2}. \tag{2}$$
#
# A third term asks for calm: the **total variation**, how much neighbouring pixels differ, with $\langle\cdot\rangle$ for the mean over pixels and colours:
#
# $$\mathrm{TV}(x) = \big\langle |x_{i,j+1} - x_{i,j}| \big\rangle + \big\langle |x_{i+1,j} - x_{i,j}| \big\rangle. \tag{3}$$


# %%
def content_loss(maps, wanted):  # both [1, C, H, W]
    return (maps - wanted).square().mean()  # (1)


def style_loss(maps, grams):
    parts = [((style.gram(m) - g).square().sum() / g.square().sum()) for m, g in zip(maps, grams, strict=True)]
    return sum(parts) / len(parts)  # (2)


def total_variation(x):
    return (x[..., 1:] - x[..., :-1]).abs().mean() + (x[..., 1:, :] - x[..., :-1, :]).abs().mean()  # (3)


net = style.features("embedded", run.device)  # the small network that comes with the course; more of it below
one, other = picture(CONTENT, run.small), drawn("mosaic", run.small)
maps, grams = net(one), [style.gram(m) for m in net(other)]
pairs = [
    (content_loss(maps[3], net(one.flip(3))[3]), style.content_loss(maps[3], net(one.flip(3))[3])),
    (style_loss(maps, grams), style.style_loss(maps, grams)),
    (total_variation(one), style.total_variation(one)),
]
for mine, librarys in pairs:
    assert torch.allclose(mine, librarys, rtol=1e-4)

# %% [markdown]
# All three are divided so that the same weights serve any picture and any network:
#
# $$\mathcal{L}(x) = \mathcal{L}_\text{content}(x) + \alpha \big(\beta\, \mathcal{L}_\text{style}(x) + \gamma\, \mathrm{TV}(x)\big), \tag{4}$$
#
# with the **strength** $\alpha$ for you to choose, and $\beta = 200$, $\gamma = 0.5$ once for all. (1) and (3) are means, (2) a ratio, so none grows with the picture: lay the same picture out like tiles, twice or three times each way, and nothing should change but what the seams add.

# %%
TILE = 96
tiled = [F.interpolate(x, size=(TILE, TILE), mode="bicubic", antialias=True).clamp(-1, 1) for x in (one, other)]
by_size = {}
for times in (1, 2, 3):
    x, s = (v.repeat(1, 1, times, times) for v in tiled)
    maps, wanted = net(x), net(s)
    by_size[times] = [style.content_loss(maps[3], wanted[3]).item(), style.style_loss(maps, [style.gram(m) for m in wanted]).item(), style.total_variation(x).item()]
    print(f"{TILE * times:3d}x{TILE * times:<3d}  content {by_size[times][0]:.3f}   style {by_size[times][1]:.3f}   variation {by_size[times][2]:.4f}")
drift = max(abs(a / b - 1) for times in (2, 3) for a, b in zip(by_size[times], by_size[1], strict=True))
assert drift < 0.1

# %% [markdown]
# ### Down to the pixels
#
# Nothing here is trained. The network's weights stay as they are; the *picture* is the variable, and its gradient comes by the chain rule: through the Gram matrices, as in notebook 16, equation (6), and then back through all layers. A check against finite differences, in double precision:

# %%
double = style.features("embedded").double()
x, s = (F.interpolate(v.double().cpu(), size=(24, 24), mode="bicubic").clamp(-0.9, 0.9) for v in (one, other))
wanted, grams = double(x.flip(3))[3], [style.gram(m) for m in double(s)]


def total(v):
    maps = double(v)
    return content_loss(maps[3], wanted) + WEIGHTS["style"] * style_loss(maps, grams) + WEIGHTS["variation"] * total_variation(v)  # (4) with alpha = 1


v = x.clone().requires_grad_()
(slope,) = torch.autograd.grad(total(v), v)
direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(run.seed), dtype=torch.float64)
h = 1e-6
by_difference = (total(x + h * direction) - total(x - h * direction)) / (2 * h)
gradient_error = abs(by_difference.item() / (slope * direction).sum().item() - 1)
print(f"along a random direction: {by_difference:.6f} by differences, {(slope * direction).sum():.6f} by autograd")
assert gradient_error < 1e-4 and not any(p.requires_grad for p in net.parameters())

# %% [markdown]
# ## Paint
#
# First the photograph takes on the style's colours, picture 2 above: else what is kept of it would fight the palette. Then walk downhill, with the pixels as variables. That is the whole algorithm:

# %%
def by_hand(content, example, steps):
    start_ = style.recolor(content, example)
    with torch.no_grad():
        wanted, grams = net(start_)[3], [style.gram(m) for m in net(example)]
    x = start_.clone().requires_grad_()
    opt = torch.optim.Adam([x], lr=0.03)  # of the pixels; the network has no say in this
    for _ in range(steps):
        maps = net(x)
        loss = content_loss(maps[3], wanted) + WEIGHTS["style"] * style_loss(maps, grams) + WEIGHTS["variation"] * total_variation(x)  # (4)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return x.detach().clamp(-1, 1)


one, mosaic = picture(CONTENT, run.small), drawn("mosaic", run.small)
first = by_hand(one, mosaic, 2 * run.small_steps)
plots.show(
    plots.grid(torch.cat([one, style.recolor(one, mosaic), first]), cols=3, labels=["content", "where it starts", f"after {2 * run.small_steps} steps of Adam"]),
    alt="A small photograph, the same in the colours of a mosaic, and broken into tiles.", caption="Ten lines, and the photograph breaks into tiles.",
)

# %% [markdown]
# The library's `style.stylize` adds three things. The style loss (2) is taken of the picture **at full and at half size**, and averaged, so that larger strokes count too. It goes **from coarse to fine**: at half the size a step costs a quarter, and large strokes find their places; then the full size adds the detail. And it uses **L-BFGS**, which learns the curvature from its last gradients, as in notebook 16; Adam makes the first steps, where the curvature still misleads.

# %%
def paint(content, example, net, steps, record=None, **more):
    """The picture, after `steps` at half size and as many at full size; `record` collects (seconds, loss, image)."""
    began = time.perf_counter()

    def watch(step, total, loss, image):
        if record is not None:
            record.append((time.perf_counter() - began, loss, image.cpu()))

    return style.stylize(content, example, net, steps=steps, watch=watch, **more)


def like(x, content):
    """The upper part of x, in the size of the content, to stand beside it."""
    h = min(x.shape[2], round(x.shape[3] * content.shape[2] / content.shape[3]))
    return F.interpolate(x[:, :, :h], size=content.shape[2:], mode="bicubic", antialias=True).clamp(-1, 1)


# %%
NAMES = ("strokes", "mosaic", "woodcut")
examples = {name: drawn(name, run.size) for name in NAMES}
painted, records = {}, {name: [] for name in NAMES}
for name in NAMES:
    painted[name] = paint(content, examples[name], net, run.steps, record=records[name])
seconds = records["strokes"][-1][0]
rows = torch.cat([content, *(like(e, content) for e in examples.values()), torch.ones_like(content), *painted.values()])
fig = plots.grid(rows, cols=4, labels=["content", *NAMES, "", "", "", ""])
plots.cover(fig)
plots.show(fig, alt="Above a photograph and three styles, below the photograph painted in each of them.", caption=f"The same photograph in three hands, about {seconds:.0f} s each.")

# %%
fig, axis = plots.figure(height=2.8)
for k, name in enumerate(NAMES):
    half = len(records[name]) // 2
    steps = range(1, len(records[name]) + 1)
    axis.semilogy(steps, [loss for _, loss, _ in records[name]], color=plots.COLORS[k], label=name)
axis.axvline(half + 0.5, color=plots.COLORS[7], linewidth=1, linestyle="--")
axis.set(xlabel="step", ylabel="loss (4)", title="first at half the size, then at full size"), axis.legend()
plots.show(fig, alt="The loss falls steeply, leaps up where the size doubles, and falls again.", caption="At the dashed line the picture grows: new detail is missing, and soon painted in.")
with torch.no_grad():
    starts = {name: style.recolor(content, examples[name]) for name in NAMES}
    goals = {name: style.Wanted(net, starts[name], [examples[name]]) for name in NAMES}  # the library's (1) to (3)
    before = {name: [v.item() for v in goals[name].losses(starts[name])] for name in NAMES}
    after = {name: [v.item() for v in goals[name].losses(painted[name])] for name in NAMES}
for name in NAMES:
    print(f"{name:<8} style {before[name][1]:.3f} -> {after[name][1]:.4f}   content 0 -> {after[name][0]:.3f}   variation {before[name][2]:.3f} -> {after[name][2]:.3f}")
style_fell = min(before[name][1] / after[name][1] for name in NAMES)

# %% [markdown]
# **Explore.** Watch it being painted. Colours and outlines are there from the start. **Predict**: which strokes come first, large or small ones?

# %%
film = [x for _, _, x in records["strokes"]]


def moment(step):
    return plots.grid(torch.cat([content.cpu(), F.interpolate(film[step - 1], size=content.shape[2:]), painted["strokes"].cpu()]), cols=3, labels=["content", f"after step {step}", "at the end"])


explore(moment, alt="The photograph, the picture on its way, and the end.", caption="Large strokes, at half the size, come first; fine ones are laid over them.", step=(1, len(film), min(10, len(film))))

# %% [markdown]
# ### Which way down?
#
# Is the detour over L-BFGS and two sizes worth it? Give Adam a few hundred steps at full size from the same start, and ask when ours has come as low. Both are timed, in one run.

# %%
adam, ours = [], []
paint(one, mosaic, net, run.rivals, optimizer="adam", levels=1, record=adam)
paint(one, mosaic, net, 2 * run.small_steps, record=ours)
spent, goal, _ = min(adam, key=lambda entry: entry[1])
full = ours[len(ours) // 2 :]
reached = next((t for t, loss, _ in full if loss <= goal), None)
fig, axis = plots.figure(height=2.8)
axis.semilogy([t for t, _, _ in adam], [loss for _, loss, _ in adam], label=f"Adam, {len(adam)} steps", color=plots.COLORS[7])
axis.semilogy([t for t, _, _ in full], [loss for _, loss, _ in full], label="coarse to fine, L-BFGS (full size only)", color=plots.COLORS[0])
axis.axhline(goal, color=plots.COLORS[3], linewidth=1, linestyle="--")
axis.set(xlabel="seconds", ylabel="loss (4)"), axis.legend()
plots.show(fig, alt="Adam's loss falls slowly; ours starts later, since the coarse steps come first, and falls far below.", caption="The dashed line is Adam's best. Time counts from the first coarse step.")
faster = spent / reached if reached else 0.0
came = f"ours came as low after {reached:.1f} s, {faster:.1f} times faster" if reached else f"ours stopped at {min(loss for _, loss, _ in full):.3f}"
print(f"Adam's best, after {spent:.1f} s: {goal:.3f}; {came}")

# %% [markdown]
# ## Who looks on?
#
# The network decides what counts as style. Four judges side by side, with the same weights in (4): a small one with **random** weights; the course's own, `"embedded"`, of the same make, which learned to predict the maps of the next two; and two trained on ImageNet's photographs, **SqueezeNet** and **VGG-19**, which need their published weights, 5 and 575 MB. Where those are not on your machine, the cell goes on without.

# %%
JUDGES = {"random": "random weights", "embedded": "the course's", "squeezenet1_1": "SqueezeNet", "vgg19": "VGG-19"}
judges = {}
for name in JUDGES:
    if style.here(name):
        judges[name] = style.features(name, run.device)
if missing := [name for name in JUDGES if name not in judges]:
    print(f"not here: {', '.join(missing)}; `genimg data fetch {missing[0]}` downloads it")
results, labels = [], []
for name in ("mosaic", "woodcut"):
    example = drawn(name, run.small)
    results.append(like(example, one))
    results += [paint(one, example, judge, run.small_steps) for judge in judges.values()]
    labels += [name, *(JUDGES[j] for j in judges)]
plots.show(plots.grid(torch.cat(results), cols=1 + len(judges), labels=labels), alt="Two rows: a style, and the photograph painted in it by each of the networks.", caption="From left to right: the style, then what each judge makes of it. Random weights see grain; trained ones see tiles with joints and lines that run on.")

# %% [markdown]
# ## Your choices
#
# **How much style?** The strength $\alpha$ buys style with content (below 1 it also leaves some of the photograph's colours). **Which layer keeps the content?** A low one keeps every edge, a high one only what the picture shows. **Predict** the four corners before you look.

# %%
STRENGTHS, STAGES = (0.03, 0.2, 1.0, 5.0), (1, 3)
grid = {(stage, a): paint(one, mosaic, net, run.small_steps, strength=a, content_stage=stage) for stage in STAGES for a in STRENGTHS}
labels = [f"$\\alpha$ = {a:g}, map {stage}" for stage in STAGES for a in STRENGTHS]
plots.show(plots.grid(torch.cat(list(grid.values())), cols=len(STRENGTHS), labels=labels), alt="Eight versions: the style grows stronger from left to right, the content is kept more loosely from top to bottom.", caption="To the right, more tiles. Above, where map 1 keeps the content, more of the photograph's own colours and edges shine through.")
with torch.no_grad():
    judge = style.Wanted(net, style.recolor(one, mosaic), [mosaic])
    traded = [[v.item() for v in judge.losses(grid[3, a])[:2]] for a in STRENGTHS]
assert traded[0][1] > 2 * traded[-1][1] or run.profile == "quick"  # the style comes nearer

# %%
def trade(strength, content_map):
    return plots.grid(torch.cat([one, grid[content_map, strength]]), cols=2, labels=["content", f"strength {strength:g}, content kept by map {content_map}"], width=6.5)


explore(trade, alt="The photograph and a version of it in mosaic.", caption="Eight paintings, made beforehand. At which strength do you still see a cup?", strength=[1.0, *STRENGTHS], content_map=[3, *STAGES])

# %% [markdown]
# **Where to start?** From noise, the content's maps alone bring the photograph in; in the same number of steps the picture is not as far. **How calm?** Total variation takes out the grain that small filters leave.

# %%
SETTINGS = {"from the photograph": {}, "from noise": {"init": "noise"}}
begun = [paint(one, mosaic, net, run.small_steps, **more) for more in SETTINGS.values()]
calm = [paint(one, mosaic, net, run.small_steps, variation=gamma) for gamma in (0.0, 40 * WEIGHTS["variation"])]
variations = [style.total_variation(x).item() for x in calm]
plots.show(
    plots.grid(torch.cat([*begun, *calm]), cols=4, labels=[*SETTINGS, f"$\\gamma = 0$: TV {variations[0]:.2f}", f"40 times $\\gamma$: TV {variations[1]:.2f}"]),
    alt="Four versions in mosaic: from the photograph, from noise, without total variation, with forty times as much.", caption="Left: two starts. Right: two weights of the total variation, and (3) of the result. Too much of it paints with a wet brush.",
)
assert variations[1] < variations[0]

# %% [markdown]
# **Keep the colours?** Take from the painting only its lightness (0.299 of red, 0.587 of green, 0.114 of blue, added up), and the colours from the photograph (Gatys et al. 2016b). **Two styles?** Average their Gram matrices. **Each in its place?** Give each style a mask: multiply the maps with $\sqrt{m}$ before the Gram matrix, and it counts only places under the mask (Gatys et al. 2017).

# %%
woodcut, dots = drawn("woodcut", run.small), drawn("dots", run.small)
ellipse = [torch.linspace(-1, 1, n, device=run.device) for n in one.shape[2:]]
inside = ((ellipse[0][:, None] / 0.75) ** 2 + (ellipse[1][None] / 0.6) ** 2 < 1).float()[None, None]
choices = {
    "its own colours": style.keep_color(paint(one, woodcut, net, run.small_steps), one),
    "half woodcut, half dots": paint(one, [woodcut, dots], net, run.small_steps, mix=[1, 1]),
    "woodcut outside, dots inside": paint(one, [woodcut, dots], net, run.small_steps, masks=[1 - inside, inside]),
}
plots.show(plots.grid(torch.cat([one, *choices.values()]), cols=4, labels=["content", *choices]), alt="The photograph; a woodcut with its own colours; a mixture of woodcut and dots; dots in an ellipse and woodcut around it.", caption="Lightness alone; strokes that are both; and each style under its mask.")

# %% [markdown]
# ## Break it
#
# Five ways in which published versions go wrong. **Predict** what each does to the picture or to a number.
#
# 1. The content loss compares the maps of $x$ with the maps of $x$. 2. The optimiser is given the network's weights instead of the pixels. 3. Pixels are brought to 0..255 and their mean is subtracted, for a network that does that itself. 4. Red and blue change places. 5. The Gram matrix is not divided by the number of places.

# %%
begin = style.recolor(one, mosaic)
target = style.Wanted(net, begin, [mosaic])
with torch.no_grad():
    maps = net(0.5 * begin)
    print(f"1: the loss of maps with themselves: {style.content_loss(maps[3], maps[3]):.1f}, whatever the picture: only the style pulls")

victim = style.features("embedded", run.device).requires_grad_(True)
opt, still = torch.optim.Adam(victim.parameters(), lr=1e-3), begin.clone()
for _ in range(run.small_steps):
    loss = style.style_loss(victim(still), target.grams[0][0])
    opt.zero_grad(), loss.backward(), opt.step()
print(f"2: the loss fell to {loss.item():.3f}, and the picture has moved by {(still - begin).abs().max():.1f}")

# %%
def spoiled(change, keep=1.0):
    """Minimises (4) as seen through `change`; the style is still shown unspoiled where only x is prepared wrongly."""
    seen = lambda v: net(change(v))
    kept, grams = seen(begin)[3].detach(), [style.gram(m) for m in net(mosaic)]
    loss_of = lambda v: keep * style.content_loss(seen(v)[3], kept) + WEIGHTS["style"] * style.style_loss(seen(v), grams)
    return style.minimise(loss_of, begin, run.small_steps)[0]


changes = {
    "right": spoiled(lambda v: v),
    "1: no content": spoiled(lambda v: v, keep=0.0),
    "3: prepared twice": spoiled(lambda v: (v + 1) / 2 * 255 - 128),
    "4: red for blue": spoiled(lambda v: v.flip(1)),
}
judged = {name: target.losses(x)[1].item() for name, x in changes.items()}
plots.show(
    plots.grid(torch.cat(list(changes.values())), cols=4, labels=[f"{name}\nstyle loss {judged[name]:.3f}" for name in changes]),
    alt="The right painting, one in which the photograph has dissolved, a nearly black or grey one, and one in other colours.", caption="1: the tiles win. 3: numbers far outside what the network knows. 4: what was red turns blue.",
)
assert min(judged["3: prepared twice"], judged["4: red for blue"]) > judged["right"] or run.profile == "quick"

# %%
raw = lambda m: m.flatten(2) @ m.flatten(2).transpose(1, 2)
for times in (1, 2):
    x, s = (v.repeat(1, 1, times, times) for v in tiled)
    undivided = sum((raw(a) - raw(b)).square().sum() for a, b in zip(net(x), net(s), strict=True))
    print(f"5: {TILE * times}x{TILE * times}: undivided {undivided:.3g}, ours {style.style_loss(net(x), [style.gram(m) for m in net(s)]):.4f}")

# %% [markdown]
# The fifth is the quiet one: at twice the side the undivided loss is about 16 times as large, since each Gram matrix grows fourfold and is squared. A style weight that was right for one size is wrong for the next.
#
# A sixth kind does not even start: layer names that do not exist. VGG-19's first block has two convolutions and ends with `features.4`, its third has *four*. Write down a name only after printing the network.

# %%
run.report(
    largest_drift=drift, gradient_error=gradient_error, style_fell=style_fell, seconds=seconds, faster_than_adam=faster, networks=len(judges),
    style_right=judged["right"], style_prepared_twice=judged["3: prepared twice"], style_red_for_blue=judged["4: red for blue"], pixels=run.size,
)  # fmt: skip
run.expect(largest_drift=("<", 0.1), gradient_error=("<", 1e-4), style_fell=(">", (1.3, 5, 10)))

# %% [markdown]
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/41_neural_style.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* Calm: total variation.
# 2. ★ *(5 minutes)* Where the content pulls: a gradient by hand.
# 3. ★★ *(10 minutes)* A style in its place: the Gram matrix under a mask.
# 4. ★★ *(10 minutes)* Its own colours.
# 5. ★★ *(10 minutes)* To think about: a style upside down.
#
# To try here *(10 minutes each)*: `CONTENT` with the path of a picture of your own; or a painting of your own as a style, opened by `picture`. And outside, `genimg stylize --help`.
#
# ## What to remember
#
# - The picture is optimised; the network only looks on, its weights stay.
# - Content: maps compared place by place, at one layer. Style: Gram matrices, at all. Each divided so that size and network do not matter.
# - From coarse to fine with L-BFGS: a fraction of Adam's time.
# - The network's filters decide what counts as style.
#
# ## Further reading
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *A Neural Algorithm of Artistic Style*, 2015, arXiv:1508.06576.
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, 2016, CVPR.
# - L. A. Gatys, M. Bethge, A. Hertzmann, E. Shechtman, *Preserving Color in Neural Artistic Style Transfer*, 2016b, arXiv:1606.05897.
# - L. A. Gatys et al., *Controlling Perceptual Factors in Neural Style Transfer*, 2017, arXiv:1611.07865.
# - K. Simonyan, A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, 2014, arXiv:1409.1556.
# - F. N. Iandola et al., *SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size*, 2016, arXiv:1602.07360.
