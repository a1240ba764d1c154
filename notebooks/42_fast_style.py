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
# # 42 Fast style
#
# *You will train a network that paints in one pass what took hundreds of steps before, mix styles with sliders, paint in any style without training, and keep a film from flickering.*
#
# ![A photograph painted in five styles, each in a fraction of a second.](../data/pictures/42_fast_style.png)
#
# **You need** notebook 41 (the losses of style), which builds on 12 (convolution, stride), 13 and 16 (covariances, AdaIN); for one comparison, 22 (batch norm). The next cell says how long it takes.

# %%
import copy
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import data, plots, pretrained, style, tables
from genimg_lib.data import photos, portraits, styles, textures
from genimg_lib.style.optimise import WEIGHTS
from genimg_lib.training import start
from genimg_lib.widgets import explore

CONTENT = "chelsea"  # any of photos.NAMES, or the path of a picture of yours
run = start(
    "42_fast_style", steps=(8, 520, 12_000), batch=(2, 2, 16), side=(48, 96, 256), width=(16, 48, 64), steady_steps=(3, 80, 800), short_steps=(3, 120, 800), paint_steps=(3, 50, 100),
    size=(96, 256, 512), photographs=(40, 600, 4_000), frames=(4, 12, 24), lr=2e-3,
)  # fmt: skip
tables.show_expected("42_fast_style")
run

# %% [markdown]
# ## Why
#
# In notebook 41 every picture was ten seconds of optimising or more, on two cores at 512 pixels well over a minute, and the next one began from nothing, as if the first had never been. A film of ten seconds has 250 frames: most of an hour, or many. But each time the same kind of problem is solved. Johnson, Alahi and Fei-Fei (2016), and Ulyanov et al. in the same month, let a network learn what the optimiser does.
#
# ## The maths
#
# Notebook 41 solved, for one content $c$ after the other, $\min_x \mathcal{L}(x; c, s)$, with the loss (4) there. Instead, let a network $f_\theta$ propose the solution, and train it on the *mean* over many contents:
#
# $$\min_\theta\; \mathbb{E}_c\, \mathcal{L}\big(f_\theta(c);\, c, s\big) \;\ge\; \mathbb{E}_c\, \min_x \mathcal{L}(x; c, s). \tag{1}$$
#
# The right side is a bound, since for each $c$ the proposal is one of the $x$: no network beats the *minimum*. (An optimiser that stops early, or in a local minimum, it can beat.) What lies between the two sides is called the **amortisation gap** (Cremer et al. 2018, for other networks that propose what one could optimise). A network that was not trained to the end, or that meets pictures unlike those it knows, stays further above. No painted pictures are needed: the loss alone teaches.
#
# ### Instance norm
#
# A painter in woodcut uses the same ink for a pale photograph and for a dark one. **Instance norm** helps with that. Let $h_{i,p}$ be channel $i$ of a picture's maps at place $p$; each channel of each picture loses its own mean and standard deviation over its places, and gets a learned scale $a_i$ and shift $b_i$ ($\epsilon$ is small, against division by 0):
#
# $$\mathrm{IN}(h)_{i,p} = a_i\, \frac{h_{i,p} - \mu_i}{\sqrt{\sigma_i^2 + \epsilon}} + b_i, \qquad \mu_i = \frac{1}{HW}\sum_p h_{i,p}, \quad \sigma_i^2 = \frac{1}{HW}\sum_p (h_{i,p} - \mu_i)^2. \tag{2}$$
#
# Change a channel's contrast and brightness to $g\,h_i + o$ with $g > 0$. Its mean becomes $g \mu_i + o$, its deviation $g \sigma_i$, and (2) gives back what it gave before, but for $\epsilon$. A first convolution is linear and its border mirrored, so a photograph's contrast and brightness arrive behind it as just such a $g$ and $o$. Batch norm, notebook 22, takes its statistics from the whole batch and cannot do that for one picture.
#
# Recolouring evens out the colours of the picture; (2) does as much for every channel of every layer.
#
# And (2) has a second reading. AdaIN of notebook 16 gives a map $h$ the mean and standard deviation of another map $h'$. It *is* instance norm, with $a_i = \sigma_i(h')$ and $b_i = \mu_i(h')$. So a style can be **two numbers a channel**: the convolutions before and after know strokes of all kinds, and scale and shift decide which of them are loud.

# %%
torch.manual_seed(run.seed)
h, other = torch.randn(2, 5, 6, 7, dtype=torch.float64) * 3 + 1, torch.randn(2, 5, 4, 4, dtype=torch.float64).exp()


def instance_norm(h, a, b, eps=1e-5):
    mu, var = h.mean((2, 3), keepdim=True), h.var((2, 3), correction=0, keepdim=True)
    return a[:, :, None, None] * (h - mu) / (var + eps).sqrt() + b[:, :, None, None]  # (2)


ones, zeros = torch.ones(2, 5, dtype=torch.float64), torch.zeros(2, 5, dtype=torch.float64)
a, b = (other.var((2, 3), correction=0) + 1e-5).sqrt(), other.mean((2, 3))
errors = {
    "torch": (instance_norm(h, ones, zeros) - F.instance_norm(h)).abs().max().item(),
    "AdaIN": (instance_norm(h, a, b) - style.adain(h, other)).abs().max().item(),
    "contrast": (instance_norm(0.3 * h - 2, ones, zeros, eps=0) - instance_norm(h, ones, zeros, eps=0)).abs().max().item(),
}
print({name: f"{error:.0e}" for name, error in errors.items()})
assert max(errors.values()) < 1e-10

# %% [markdown]
# ## Build
#
# The network works at a quarter of the picture's size, where convolutions are cheap and see far: blocks of 4x4 pixels go into channels (`pixel_unshuffle`), three residual blocks paint (each adds to its input what two convolutions make of it), then the maps are enlarged step by step, with fewer and fewer channels. Each convolution but the last is followed by (2), most then by a ReLU. What comes out is *added* to the picture: a network that has learned nothing yet changes nothing.
#
# All borders are reflected: zeros around a picture are an edge that no photograph has, and it would be painted.

# %%
net, judge = style.StyleNet(width=run.width, blocks=3).to(run.device), style.features("embedded", run.device)
x = torch.rand(2, 3, 64, 48, device=run.device) * 2 - 1
# NBVAL_CHECK_OUTPUT
inside = F.pixel_unshuffle(x, 4)
print("picture", tuple(x.shape), "-> a quarter", tuple(inside.shape), "-> out", tuple(net(x).shape))
assert torch.equal(F.pixel_shuffle(inside, 4), x)  # nothing is lost on the way in
assert torch.equal(net(x), x)  # its last layer begins with zeros

# %% [markdown]
# ## Train
#
# As in notebook 41, a picture first takes on the style's colours, a 3x3 matrix and a shift that need no training; the network then paints. The pictures to learn from are pieces of seven of the ten photographs that come with scikit-image, drawn materials, and portraits; three photographs (coffee, chelsea, brick) are kept to be tried on.
#
# The losses and their weights are those of notebook 41, but the content counts three times as much: a network that has to decide in one pass loses the picture sooner than an optimiser.

# %%
SEEN = [name for name in photos.NAMES if name not in ("coffee", "chelsea", "brick")]  # learned from
canvases = torch.cat([photos.crops(run.photographs, run.side, names=SEEN), textures.draw(run.photographs // 4, run.side)[0], portraits.render(run.photographs // 4, run.side, seed=0)[0]])
STYLE = "woodcut"
example = data.to_float(styles.draw(STYLE, 256)[None]).to(run.device)
net = style.StyleNet(width=run.width, blocks=3, examples=[example]).to(run.device)  # knows the style's colours
sizes = lambda x: (x, F.avg_pool2d(x, 2))  # full and half
with torch.no_grad():
    grams = [[style.gram(m) for m in judge(x)] for x in sizes(example)]


def losses(made, x):
    """(content, style, variation) of pictures painted from x, as in notebook 41."""
    maps = [judge(v) for v in sizes(made)]
    with torch.no_grad():
        wanted = judge(style.recolor(x, example), 3)[3]  # three stages are enough for map 3
    styled = sum(style.style_loss(m, g) for m, g in zip(maps, grams, strict=True)) / 2
    return style.content_loss(maps[0][3], wanted), styled, style.total_variation(made)


# %%
def total(parts, made):
    """(4) of notebook 41, the content three times as heavy, and a charge for what lies outside [-1, 1]."""
    kept, styled, variation = parts
    outside = (made - made.clamp(-1, 1)).square().mean()
    return 3 * WEIGHTS["content"] * kept + WEIGHTS["style"] * styled + WEIGHTS["variation"] * variation + 10 * outside


opt = torch.optim.Adam(net.parameters(), lr=run.lr, betas=(0.9, 0.99))
began = time.perf_counter()
for x in run.train(run.batches(canvases, run.batch), run.steps, net=net, opt=opt):
    opt.param_groups[0]["lr"] = run.lr * min(1.0, 2 * (1 - run.progress))
    made = net(x)
    parts = losses(made, x)
    loss = total(parts, made)
    opt.zero_grad()
    loss.backward()
    opt.step()
    run.log(loss=loss, content=parts[0], style=parts[1])
trained_for = time.perf_counter() - began

# %%
def picture(name, longest):
    """A photograph or a picture file, [1, 3, H, W] in [-1, 1], its longer side `longest` pixels."""
    image = photos.open_photo(name) if name in photos.NAMES else photos.open_image(name)
    x = data.to_float(image[None]).to(run.device)
    factor = longest / max(x.shape[2:])
    return F.interpolate(x, size=[round(factor * n) for n in x.shape[2:]], mode="bicubic", antialias=True).clamp(-1, 1)


def like(x):
    """The upper part of x, in the size of the content, to stand beside it."""
    h = min(x.shape[2], round(x.shape[3] * content.shape[2] / content.shape[3]))
    return F.interpolate(x[:, :, :h], size=content.shape[2:], mode="bicubic", antialias=True).clamp(-1, 1)


def stopwatch(function, repeats=5):
    """(result, median seconds)"""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = function()
        if run.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return result, sorted(times)[repeats // 2]


# %%
content = picture(CONTENT, run.size)
net.eval()
with torch.no_grad():
    quick, quick_seconds = stopwatch(lambda: net(content))
slow, slow_seconds = stopwatch(lambda: style.stylize(content, example, judge, steps=run.paint_steps), repeats=1)
with torch.no_grad():
    judged = {name: losses(x, content) for name, x in (("optimised", slow), ("one pass", quick))}
for name, made, seconds in (("optimised", slow, slow_seconds), ("one pass", quick, quick_seconds)):
    print(f"{name:<10} {seconds:8.3f} s   loss {total(judged[name], made):.3f}   style {judged[name][1]:.4f}   content {judged[name][0]:.3f}")
plots.show(
    plots.grid(torch.cat([content, slow, quick]), cols=3, labels=["content", f"notebook 41: {slow_seconds:.1f} s", f"your network: {quick_seconds:.3f} s"]),
    alt="A photograph, its version by optimisation, and its version by the network.", caption=f"The network, after {trained_for / 60:.1f} minutes of training, beside 41's way.",
)

# %% [markdown]
# Compare style and content one by one: the optimiser minimised the loss of notebook 41, in which the content counts once, not three times. And it stopped early, on one picture: this is not yet the gap in (1).
#
# ## Five styles in one network
#
# If a style is two numbers a channel, then five styles need five pairs a channel, and all convolutions can be shared (Dumoulin et al. 2017). Such a network comes with the course, larger and trained for 69 minutes, for the five styles that the course draws. And the numbers can be mixed.
#
# Each style has one thing more there. A flat picture stays flat in every convolution: nothing says where a stroke should begin. In a real sky faint changes decide, and the strokes often fall into line, like beads. A **canvas** tells the places apart: a learned texture of 64x64 places, 4x4 pixels each, which repeats over the scene like wallpaper. The network sees it beside the picture. (Ulyanov, Lebedev et al. 2016 show theirs noise.)
#
# **Predict**: what does your network, which has no canvas, paint from a plain grey picture, and what does this one?

# %%
five = pretrained.load_drawn_styles(run.device)
with torch.no_grad():
    painted = {name: five(content, k) for k, name in enumerate(styles.DRAWN)}
thumbs = [like(data.to_float(styles.draw(name, 256)[None]).to(run.device)) for name in styles.DRAWN]
fig = plots.grid(torch.cat([*thumbs, *painted.values()]), cols=5, labels=[*styles.DRAWN] + [""] * 5)
plots.cover(fig)
plots.show(fig, alt="Five styles, and below them the photograph painted in each.", caption="One network for all; each style has its pairs of numbers, its colours and its canvas.")
shared = sum(p.numel() for name, p in five.named_parameters() if not name.endswith(("scale", "shift", "canvas")))
own = sum(p.numel() for name, p in five.named_parameters() if name.endswith(("scale", "shift"))) // 5 + 12  # and 12 for its colours
print(f"shared by all styles: {shared:,} numbers; of each alone: {own:,}, and a canvas of {five.canvas[0].numel():,}")

# %%
grey = torch.zeros(1, 3, 256, 256, device=run.device)
with torch.no_grad():
    blank = {"your network": net(grey)} | {name: five(grey, k) for k, name in enumerate(styles.DRAWN)}
plots.show(plots.grid(torch.cat([*blank.values()]), cols=3, labels=[*blank]), alt="Six paintings from a plain grey picture: one of a single colour, and five textures.", caption="From a plain grey picture: one colour, or what the canvas holds.")
assert blank["your network"].std((2, 3)).max() < 1e-3 < 0.02 < min(blank[name].std((2, 3)).max() for name in styles.DRAWN)

# %% [markdown]
# **Explore.** Move from one style to another. **Predict**: is the middle a double exposure (two paintings, one shining through the other), or something of its own?

# %%
def between(first, second, share):
    mix = torch.zeros(1, 5)
    mix[0, styles.DRAWN.index(first)] += 1 - share
    mix[0, styles.DRAWN.index(second)] += share
    with torch.no_grad():
        made = five(content, mix)
    double = torch.lerp(painted[first], painted[second], share)
    return plots.grid(torch.cat([painted[first], made, double, painted[second]]), cols=4, labels=[first, f"{share:.0%} {second}: numbers", "double exposure", second])


explore(between, alt="A photograph in one style, in two kinds of mixture, and in another style.", caption="Second from the left, scales, shifts, colours and canvases are mixed and the picture is painted anew; beside it, the finished paintings are mixed.", first=["mosaic", *styles.DRAWN], second=["strokes", *styles.DRAWN], share=(0.0, 1.0, 0.5))

# %% [markdown]
# Something of its own: the picture is painted once, by strokes between the two. In the double exposure two paintings that do not match lie over each other.
#
# ## Any style
#
# Take the two numbers a channel from a picture that was never seen: encode content and style with a fixed network, give the content's maps the style's means and deviations, and let a trained **decoder** turn the change of the maps into a change of the pixels (after Huang and Belongie 2017).
#
# Let $\mathrm{enc}$ be the encoder (the first three stages of the feature network), $\mathrm{dec}$ the decoder, $\alpha$ from 0 to 1 the share of the style, $c_\alpha$ the photograph with that share of the style's colours, and $t = \mathrm{AdaIN}(\mathrm{enc}(c_\alpha), \mathrm{enc}(s))$:
#
# $$x = c_\alpha + \mathrm{dec}\big((1 - \alpha) \mathrm{enc}(c_\alpha) + \alpha\, t\big) - \mathrm{dec}\big(\mathrm{enc}(c_\alpha)\big). \tag{3}$$
#
# At $\alpha = 0$ this is the photograph, whatever $\mathrm{dec}$ has learned. $\mathrm{dec}$ was trained at $\alpha = 1$: $\mathrm{enc}(x)$ should come near $t$, and the means and deviations of all maps near the style's. For several styles with weights $w_j$, $\alpha\, t$ becomes $\sum_j w_j t_j$, and $\alpha$ their sum.
#
# **Whitening and colouring** (Li et al. 2017b) is its cousin from linear algebra: it exchanges the whole covariance, not only the diagonal. Let $\bar F$ be the maps without their means, a column for each place, $\Sigma = \frac{1}{HW} \bar F \bar F^\top$ their covariance, with an index for content or style, and $\mu_s$ the style's means. With $\Sigma = V\, \mathrm{diag}(\lambda)\, V^\top$, its symmetric powers are $\Sigma^p = V\, \mathrm{diag}(\lambda^p)\, V^\top$:
#
# $$F' = \Sigma_s^{1/2}\, \Sigma_c^{-1/2}\, \bar F_c + \mu_s. \tag{4}$$
#
# A matrix $A$ makes the covariance $A \Sigma A^\top$ of $\Sigma$. So, if $\Sigma_c$ can be inverted, that of $F'$ is $\Sigma_s^{1/2} \Sigma_c^{-1/2} \Sigma_c \Sigma_c^{-1/2} \Sigma_s^{1/2} = \Sigma_s$; since the means agree too, the maps have exactly the style's Gram matrix (notebook 16, equation 4), and the decoded picture nearly. The decoder was trained beforehand, with AdaIN, and is only loaded. **Predict**: after such a decoder, does whitening still come nearer to the style?

# %%
any_style = pretrained.load_any_style(run.device)
night = data.to_float(styles.draw("strokes", 256, seed=99)[None]).to(run.device)  # a night that no training saw
with torch.no_grad():
    maps, wanted = any_style.encode(content)[-1].double(), any_style.encode(night)[-1].double()
covariance = lambda f: f[0].flatten(1).cov(correction=0)
mismatch = {"before": maps, "AdaIN": style.adain(maps, wanted), "whitened and coloured": style.whiten_color(maps, wanted)}
mismatch = {name: ((covariance(f) - covariance(wanted)).norm() / covariance(wanted).norm()).item() for name, f in mismatch.items()}
print({name: f"{value:.2g}" for name, value in mismatch.items()}, "off the style's covariance")
# (4) to the last digit, on maps of full rank
full = torch.randn(1, 8, 12, 12, dtype=torch.float64).exp(), torch.randn(1, 8, 9, 9, dtype=torch.float64).exp()
errors["whitened"] = (covariance(style.whiten_color(*full)) - covariance(full[1])).abs().max().item()  # (4)
assert errors["whitened"] < 1e-10 and mismatch["whitened and coloured"] < 1e-3
with torch.no_grad():
    assert (any_style(content, night, 0.0) - content).abs().max() < 1e-4  # (3) at 0

# %%
new = lambda name, seed: data.to_float(styles.draw(name, 256, seed)[None]).to(run.device)
unseen = {"dots": new("dots", 3), "wall": picture("brick", 256), "night": night, "woodcut": new("woodcut", 99)}
rows = {"style": [], "AdaIN": [], "whitened": []}
with torch.no_grad():
    for name, example_ in unseen.items():
        rows["style"].append(like(example_))
        rows["AdaIN"].append(any_style(content, example_))
        rows["whitened"].append(any_style(content, example_, transform=style.whiten_color))
        wanted = style.Wanted(judge, style.recolor(content, example_), [example_])
        print(f"{name:<8} style loss: " + "   ".join(f"{way} {wanted.losses(rows[way][-1])[1]:.3f}" for way in ("AdaIN", "whitened")))
plots.show(plots.grid({name: torch.cat(images) for name, images in rows.items()}, cols=4), alt="Four styles; the photograph in each, by AdaIN and by whitening and colouring.", caption="One decoder for all. It never saw this style of dots, or this wall; nights and woodcuts it knows from other seeds.")

# %% [markdown]
# Whitened and coloured, in all four: it exchanges more of what a Gram matrix holds, and that survives a decoder which only knew AdaIN. But a network for one style comes nearer than either (yours to its woodcut, of another seed: 0.028), and it paints strokes where this one bends what is there. That is the price of "any".

# %%
PALETTE = list(unseen.values())


def mixed(dots, wall, night, woodcut):
    weights = [dots, wall, night, woodcut]
    with torch.no_grad():
        made = any_style(content, PALETTE, weights)
    return plots.grid(torch.cat([content, made]), cols=2, labels=["content", f"styles add up to {sum(weights):.1f}"], width=6.5)


explore(mixed, alt="The photograph, and the photograph in a mixture of four styles.", caption="Below 1 in all, the rest is the photograph's own statistics; above, too much.", dots=(0.0, 1.0, 0.5), wall=(0.0, 1.0, 0.0), night=(0.0, 1.0, 0.5), woodcut=(0.0, 1.0, 0.0))

# %% [markdown]
# ## A film
#
# Pan a camera over a photograph: from frame to frame it moves down by one row and right by three columns, so that the scene moves up and to the left, and the sensor adds a little noise. Paint frame by frame and look at one place of the *scene*: it changes, though nothing did.
#
# Let $u_1, \ldots, u_T$ be the painted frames, and $M(u_t)$ frame $t$ moved along to where the scene is in frame $t + 1$; the motion is known here. **Flicker** is what is left, a mean over all places that both show:
#
# $$\mathrm{flicker} = \frac{1}{T - 1} \sum_t \big\langle \big(u_{t+1} - M(u_t)\big)^2 \big\rangle. \tag{5}$$

# %%
wide = picture("coffee", run.size)[0].cpu()

def pan(step, noise, frames):
    """A film of a photograph that moves past, and the step."""
    room = run.frames, 3 * run.frames  # for the longest of the ways below
    return style.pan(wide, (wide.shape[1] - room[0], wide.shape[2] - room[1]), frames, step, noise)


scene, step = pan((1, 3), 0.02, run.frames)


def film_of(network, scene=scene, step=step, held=False):
    """The stylised film [T, 3, H, W]; held: by the third cure below."""
    first = scene[:1].to(run.device)  # its colours stand for those of the whole film
    places = [(k * step[0], k * step[1]) if held else (0, 0) for k in range(len(scene))]
    with torch.no_grad():
        return torch.cat([network.eval()(x[None].to(run.device), reference=first, origin=place) for x, place in zip(scene, places, strict=True)]).cpu()


films = {"frame by frame": film_of(net)}
before, after = style.overlap(*films["frame by frame"][:2], step)
plots.show(
    plots.grid(torch.stack([before, after, (3 * (after - before).abs() - 1).clamp(-1, 1)]), cols=3, labels=["frame 1, moved along", "frame 2", "where they differ (3 times)"]),
    alt="Two painted frames that look alike, and their difference: strokes all over.", caption="The same scene, painted twice. Strokes and edges fall a little differently.",
)

# %% [markdown]
# Who did it? The colours are innocent: all frames take those of the first. There are two suspects, the noise and the network's grid: blocks of 4x4 pixels that are fixed to the *frame*. Move a picture by 4 pixels, and its maps at a quarter of the size move by 1 place; every layer treats all places alike. Move it by 3, and no whole number of places fits. **Predict**: which of these three films flickers most?

# %%
suspects = {"still camera, with noise": ((0, 0), 0.02), "by 4 rows and 4 columns, no noise": ((4, 4), 0.0), "by 1 row and 3 columns, no noise": ((1, 3), 0.0)}
guilt, edge = {}, run.size // 10  # looked at away from the borders
for name, (move, noise) in suspects.items():
    quiet, _ = pan(move, noise, run.frames // 4 + 1)
    guilt[name] = style.flicker(film_of(net, quiet, move)[..., edge:-edge, edge:-edge], move)
    print(f"{name:<34} flicker {guilt[name]:.5f}")

# %% [markdown]
# The grid: 0.041, against 0.003 for noise and 0.0001 for a motion by whole blocks. The camera moves, the blocks go with the camera, and each stroke is decided anew. (By 4 and 4 a little is left: the means and deviations of instance norm change with what is in sight.)
#
# **Cure 1: blend.** Carry the last frame along with the motion and mix it in: $b_t = \rho\, M(b_{t-1}) + (1 - \rho)\, u_t$. Say each frame is a steady film plus an error, independent from frame to frame, of variance $\tau^2$. Two neighbours then differ by two such errors: $\mathrm{flicker}(u) = 2 \tau^2$.
#
# In the long run the blend's error has a variance $v = \rho^2 v + (1 - \rho)^2 \tau^2$; with $1 - \rho^2 = (1 - \rho)(1 + \rho)$ that is $v = \frac{1 - \rho}{1 + \rho} \tau^2$. Since $b_t - M(b_{t-1}) = (1 - \rho)\,(u_t - M(b_{t-1}))$, and the errors of $u_t$ and $b_{t-1}$ are independent,
#
# $$\mathrm{flicker}(b) = (1 - \rho)^2 \Big(\tau^2 + \frac{1 - \rho}{1 + \rho}\,\tau^2\Big) = \frac{(1 - \rho)^2}{1 + \rho}\, \mathrm{flicker}(u). \tag{6}$$
#
# For a painted film (6) is a guide only, since its errors come again whenever the grid lies on the scene as before. And why not $\rho = 0.99$? A mixture of strokes that do not match is a blur: watch the style loss in the table below.

# %%
KEEP = 0.4
noise = torch.randn(200, 1, 1, 4000, generator=torch.Generator().manual_seed(run.seed), dtype=torch.float64)  # independent errors, no motion
calm = style.blend(noise, (0, 0), KEEP)
ratio = ((calm[51:] - calm[50:-1]).square().mean() / (noise[51:] - noise[50:-1]).square().mean()).item()
print(f"flicker falls to {ratio:.4f} of what it was; (6): {(1 - KEEP) ** 2 / (1 + KEEP):.4f}")
assert abs(ratio / ((1 - KEEP) ** 2 / (1 + KEEP)) - 1) < 0.02
films["blended"] = style.blend(films["frame by frame"], step, KEEP)

# %% [markdown]
# **Cure 2: train.** Show the network two neighbouring frames and charge it for their difference: $\mathcal{L} + \kappa \big\langle (f_\theta(c') - M(f_\theta(c)))^2 \big\rangle$, where $c'$ is $c$ moved by a few pixels, with other noise, and $\kappa = 20$ (after Ruder et al. 2016, who charge an optimiser so). It has to place its strokes by what it sees instead of by its grid. A copy that is trained on with $\kappa = 0$ shows what the charge did, and what only the longer training.

# %%
def train_on(kappa):
    """A copy of the network, trained on for a few steps on neighbouring frames; kappa = 0: without the charge."""
    network = copy.deepcopy(net).train()
    opt = torch.optim.Adam(network.parameters(), lr=run.lr / 2, betas=(0.9, 0.99))
    g = torch.Generator().manual_seed(run.seed)
    for x in run.train(run.batches(canvases, run.batch), run.steady_steps, label=f"kappa_{kappa:g}", network=network, opt_network=opt, g=g):
        dy, dx = torch.randint(0, 6, (2,), generator=g).tolist()
        before, after = x[..., : x.shape[2] - dy, : x.shape[3] - dx], x[..., dy:, dx:]
        pair = torch.cat([before, after])
        noisy = pair + 0.02 * torch.randn(pair.shape, generator=g).to(run.device)
        first, second = network(noisy, reference=torch.cat([before, before])).chunk(2)
        seen = style.overlap(first, second, (dy, dx))  # the same places of the scene
        loss = total(losses(first, before), first) + kappa * (seen[0] - seen[1]).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    return network


for kappa in (0.0, 20.0):
    films[f"trained on, kappa {kappa:g}"] = film_of(train_on(kappa))

# %% [markdown]
# **Cure 3: hold the grid to the scene.** Let $S_d$ move a picture by $d = (d_1, d_2)$ rows and columns. But for the borders, and for the statistics of instance norm, the network obeys
#
# $$f_\theta(S_{4d}\, c) = S_{4d}\, f_\theta(c), \qquad d \in \mathbb{Z}^2. \tag{7}$$
#
# So let each frame begin where a block of the scene begins. If it starts at row $o$ of the scene, extend it upwards by $o \bmod 4$ mirrored rows, likewise to the left, and downwards and to the right until the sides are multiples of 4; paint; cut off what was added. A frame that begins at row 11 gets 3 rows above it, and so begins at row 8. This is `origin`; it costs a few rows and columns.
#
# With a canvas, (7) holds only if it moves along: the same `origin` lays it over the scene.

# %%
films["held"] = film_of(net, held=True)
films["held and blended"] = style.blend(films["held"], step, KEEP)


def slices(film):
    """One row of the scene, frame after frame, with the motion undone: a film that only moves gives straight vertical lines."""
    dy, dx = step  # frame k begins k times as far on: what it shows of the row lies higher in it, and further left
    row, width = (film.shape[2] - dy * (len(film) - 1)) // 2, film.shape[3] - dx * (len(film) - 1)
    lines = [frame[:, row + dy * (len(film) - 1 - k), dx * (len(film) - 1 - k) :][:, :width] for k, frame in enumerate(film)]
    return F.interpolate(torch.stack(lines, dim=1)[None], size=(60, 180), mode="nearest")


flickers = {name: style.flicker(film, step) for name, film in films.items()}
with torch.no_grad():
    styles_of = {name: losses(film[-4:].to(run.device), scene[-4:].to(run.device))[1].item() for name, film in films.items()}
share = {name: value / flickers["frame by frame"] for name, value in flickers.items()}
for name in films:
    print(f"{name:<20} flicker {flickers[name]:.5f} ({share[name]:.0%})   style loss {styles_of[name]:.4f}")
plots.show(
    plots.grid(torch.cat([slices(film) for film in films.values()]), cols=3, labels=[f"{name}: {share[name]:.0%}" for name in films]),
    alt="Pictures of one row of the scene over time: ragged for frame by frame, straight stripes for the grid that is held.", caption="One row of the scene, time downwards, motion undone. Straight stripes: nothing flickers.",
)

# %% [markdown]
# The main cause is removed, so the strokes stay (what is left comes from noise, from borders and from the norms' statistics): held, the film flickers 29 % as much, at a style loss that is no higher. Blending alone gets to 31 % (equation (6) promised 26 %), but smears strokes that do not match, at twice the style loss. Training with the charge gets to 51 %; without it, to 85 %. And blending what is held anyway takes most of the rest, since its frames agree.
#
# Blending and holding need the motion, which for a real film has to be estimated: `style.motion` does that with scikit-image, and `genimg stylize film.gif mosaic -o painted.gif --fast` estimates it, holds grid and canvas, and blends. Holding helps where the picture moves as a whole; what turns, comes nearer or walks through it is left to blending.

# %%
def shot(frame, film):
    return plots.grid(torch.stack([films["frame by frame"][frame - 1], films[film][frame - 1]]), cols=2, labels=["frame by frame", film], width=6.5)


explore(shot, alt="A frame of the film, painted frame by frame, and by a cure.", caption="Drag through the film, and look at one place.", frame=(1, run.frames, 1), film=["held and blended", *films])

# %% [markdown]
# ## Break it
#
# Change one thing at a time, for the same number of short steps. **Predict** which picture shows it. (These networks are not told the style's colours: a picture goes in as it is, and the right side of each pair began as a dull, dark version of the photograph.)
#
# **a** batch norm instead of instance norm · **b** zeros at the borders · **c** the content loss compares pixels (times 4, to weigh about as much) instead of maps · **d** no content loss · **e** one piece of one photograph instead of many

# %%
def short(change):
    torch.manual_seed(run.seed)
    broken = style.StyleNet(width=24, blocks=3)
    for module in broken.modules():
        if change[0] == "a" and isinstance(module, style.fast.Block):
            module.norm = nn.BatchNorm2d(module.scale.shape[1], affine=False)
        if change[0] == "b" and isinstance(module, nn.Conv2d):
            module.padding_mode = "zeros"
    source = photos.crops(1, run.side, names=("astronaut",)).expand(64, -1, -1, -1) if change[0] == "e" else canvases
    broken = broken.to(run.device)
    opt = torch.optim.Adam(broken.parameters(), lr=2 * run.lr, betas=(0.9, 0.99))
    for x in run.train(run.batches(source, run.batch), run.short_steps, label=f"broken_{change[0]}", broken=broken, opt_broken=opt):
        made = broken(x)
        kept, styled, variation = losses(made, x)
        if change[0] == "c":
            kept = 4 * (made - style.recolor(x, example)).square().mean()
        if change[0] == "d":
            kept = 0.0 * kept
        loss = total((kept, styled, variation), made)
        opt.zero_grad(), loss.backward(), opt.step()
        run.log(loss=loss)
    return broken.eval()


# %%
CHANGES = ("right", "a: batch norm", "b: zeros", "c: pixels", "d: no content", "e: one photograph")
dull, pictures, found = 0.3 * content - 0.3, [], {}
for change in CHANGES:
    network = short(change)
    with torch.no_grad():
        made, of_dull = network(content), network(dull)
        kept, styled, _ = losses(made, content)
    pictures += [made, of_dull]
    found[change[0]] = {"content": kept.item(), "style": styled.item(), "dull": (made - of_dull).square().mean().item()}
    print(f"{change:<18} content {kept:.2f}   style {styled:.3f}   another picture, if the photograph is dull: {found[change[0]]['dull']:.3f}")
plots.show(
    plots.grid(torch.cat(pictures), cols=4, labels=[text for change in CHANGES for text in (change, "from a dull photograph")]),
    alt="Six networks' versions of the photograph, and of a dull version of it.", caption="In pairs: the photograph, and a dull version of it.",
)

# %% [markdown]
# **a** Batch norm uses the averages that it saw in training: a dull photograph gives another picture (0.106, against 0.002). What is left for instance norm comes from the photograph itself, which is added at the end, past all norms. **b** A pale frame along the borders. **c** Light and dark stay where they were, but the maps, which see edges, are further off (5.3, against 4.2).
#
# **d** The style alone: the least style loss, and hardly a cat; what is left of it is the photograph that the strokes are added to. **e** One picture learned by heart: colours and strokes fail on another.

# %%
run.report(
    largest_error=max(errors.values()), style_optimised=judged["optimised"][1].item(), style_one_pass=judged["one pass"][1].item(), seconds_optimised=slow_seconds, seconds_one_pass=quick_seconds,
    times_faster=slow_seconds / quick_seconds, off_covariance_whitened=mismatch["whitened and coloured"], off_covariance_adain=mismatch["AdaIN"],
    **{f"flicker_{name}".replace(",", "").replace(" ", "_"): value for name, value in flickers.items()},
    flicker_share_held=share["held"], flicker_share_held_and_blended=share["held and blended"], film_style_ratio_held=styles_of["held"] / styles_of["frame by frame"],
    **{f"guilt_{key}": value for key, value in zip(("noise", "four", "three"), guilt.values(), strict=True)},
    **{f"film_style_{name}".replace(",", "").replace(" ", "_"): value for name, value in styles_of.items()},
    dull_right=found["r"]["dull"], dull_batch_norm=found["a"]["dull"], content_right=found["r"]["content"], content_none=found["d"]["content"], pixels=run.size,
)  # fmt: skip
run.expect(largest_error=("<", 1e-10), style_one_pass=("<", (2.0, 0.5, 0.2)), flicker_share_held=("<", (1.1, 0.4, 0.4)), film_style_ratio_held=("<", (1.5, 1.1, 1.1)))
run.expect(guilt_three=(">", (0.0, 5 * guilt["still camera, with noise"], 5 * guilt["still camera, with noise"])))

# %% [markdown]
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/42_fast_style.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(5 minutes)* Instance norm.
# 2. ★ *(5 minutes)* How much blending?
# 3. ★★ *(10 minutes)* Flicker.
# 4. ★★ *(10 minutes)* Hold the grid.
# 5. ★★ *(10 minutes)* White: the symmetric root.
# 6. ★★ *(10 minutes)* To think about: can the network beat the optimiser?
#
# To try here *(10 minutes each)*: `STYLE = "hatching"`; or a style of your own in place of the drawn one, `example = picture("my_painting.jpg", 256)`. Which styles does a small network learn quickly? And: a style that you only like half, by `any_style(content, example, 0.5)`.
#
# ## What to remember
#
# - Optimise once, over many pictures, instead of for each: amortisation. The losses are those of notebook 41.
# - Instance norm forgets the contrast of the content; its scale and shift *are* a style, and can be mixed, or taken from any picture (AdaIN).
# - From a flat picture convolutions make a flat one; a canvas makes places differ, so that strokes can begin there.
# - Whitening and colouring exchanges the whole covariance.
# - A film needs more than good frames: measure flicker, look for its cause, and prefer a cure that removes the cause (the grid, held to the scene) to one that covers it up (blending).
#
# ## Further reading
#
# - J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, 2016, arXiv:1603.08155.
# - D. Ulyanov, V. Lebedev, A. Vedaldi, V. Lempitsky, *Texture Networks: Feed-forward Synthesis of Textures and Stylized Images*, 2016, arXiv:1603.03417.
# - D. Ulyanov, A. Vedaldi, V. Lempitsky, *Instance Normalization: The Missing Ingredient for Fast Stylization*, 2016, arXiv:1607.08022.
# - C. Cremer, X. Li, D. Duvenaud, *Inference Suboptimality in Variational Autoencoders*, 2018, arXiv:1801.03558.
# - V. Dumoulin, J. Shlens, M. Kudlur, *A Learned Representation For Artistic Style*, 2017, arXiv:1610.07629.
# - X. Huang, S. Belongie, *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, 2017, arXiv:1703.06868.
# - Y. Li, C. Fang, J. Yang, Z. Wang, X. Lu, M.-H. Yang, *Universal Style Transfer via Feature Transforms*, 2017b, arXiv:1705.08086.
# - M. Ruder, A. Dosovitskiy, T. Brox, *Artistic style transfer for videos*, 2016, arXiv:1604.08610.
