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
# # 12 Convolution
#
# *You will compute one operation in five ways and see that all of them are `F.conv2d`; turn it around to make images larger; find out how far a network sees; and paint
# kernels of your own.*
#
# ![A photograph and what six small kernels make of it: blurred, sharpened, its edges, embossed.](../data/pictures/12_convolution.png)
#
# **You need** notebook 11, sums, and matrices times vectors. The next cell says how long it takes.

# %%
import itertools
import math

import scipy.signal
import torch
import torch.nn as nn
import torch.nn.functional as F
from matplotlib.patches import Rectangle

from genimg_lib import data, layers, plots, tables
from genimg_lib.training import start
from genimg_lib.widgets import explore

run = start("12_convolution", trials=(200, 2_000, 2_000), kernels=(50, 500, 500))
tables.show_expected("12_convolution")
run

# %% [markdown]
# ## Why
#
# The most general linear layer from a 32x32 colour image to 16 images of the same size has a weight for every pair of numbers. It would have to learn what an edge looks like at *every place anew*. Two assumptions remove nearly all
# of these weights: what matters for a pixel lies **near** it, and what is true in one place is true in **every** place.

# %%
# NBVAL_CHECK_OUTPUT
dense = (3 * 32 * 32) * (16 * 32 * 32)
local = (3 * 3 * 3) * (16 * 32 * 32)  # each output sees 3x3 pixels of 3 channels, by weights of its own
shared = (3 * 3 * 3) * 16  # ... by the same weights everywhere
print(f"every pair: {dense:,} weights; only near ones: {local:,}; shared by all places: {shared:,}")

# %% [markdown]
# What is left is a **convolution**: a small pattern of weights, the kernel, that slides over the image. It was useful long before networks learned kernels: people wrote them down.

# %%
photo = data.to_float(data.photos.square(data.photos.open_photo("astronaut"), 256)[None])
grey = photo.mean(dim=1, keepdim=True)  # [1, 1, 256, 256]
KERNELS = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]], "box blur": [[1 / 9] * 3] * 3, "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "edges, left to right": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "edges, top to bottom": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "Laplace": [[0, 1, 0], [1, -4, 1], [0, 1, 0]], "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
}  # fmt: skip


def filtered(image, kernel):
    weight = torch.tensor(kernel, dtype=torch.float32).expand(image.shape[1], 1, -1, -1)
    return F.conv2d(F.pad(image, (1, 1, 1, 1), mode="reflect"), weight, groups=image.shape[1])  # each channel by itself


shown = {name: filtered(photo, kernel).clamp(-1, 1) for name, kernel in KERNELS.items()}
fig = plots.grid(torch.cat(list(shown.values())), cols=4, labels=list(shown))
plots.cover(fig)
plots.show(
    fig,
    alt="A photograph of an astronaut, then blurred, sharpened, its vertical edges, its horizontal edges, its fine detail, and as an emboss.",
    caption="Seven kernels of nine numbers. Those that sum to 1 keep the brightness; those that sum to 0 answer mid-grey to all that is flat.",
)

# %% [markdown]
# ## The maths
#
# Let $x$ be an image of one channel, $x[i, j]$ its pixel in row $i$ and column $j$, and $k$ a **kernel** of $h \times w$ numbers $k[a, b]$. The **convolution** of the two is
#
# $$(x * k)[i, j] = \sum_{a=0}^{h-1}\sum_{b=0}^{w-1} k[a, b]\; x[i - a,\, j - b], \tag{1}$$
#
# and the **cross-correlation**, with plus for minus, is
#
# $$(x \star k)[i, j] = \sum_{a=0}^{h-1}\sum_{b=0}^{w-1} k[a, b]\; x[i + a,\, j + b]. \tag{2}$$
#
# Every $i, j$ counts for which all pixels exist. `nn.Conv2d` computes (2), in spite of its name: to get (1), turn the kernel by 180 degrees; output $[0, 0]$ is then $(x * k)[h-1, w-1]$, the first for which all pixels exist.


# %%
def correlate(x, k):  # (2), word by word
    (H, W), (h, w) = x.shape, k.shape
    y = x.new_zeros(H - h + 1, W - w + 1)
    for i, j in itertools.product(range(H - h + 1), range(W - w + 1)):
        y[i, j] = (k * x[i : i + h, j : j + w]).sum()
    return y


def conv2d(x, k, **how):  # torch's, for one channel
    return F.conv2d(x[None, None], k[None, None], **how)[0, 0]


torch.manual_seed(run.seed)
x, k = torch.randn(12, 15, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
truly = torch.from_numpy(scipy.signal.convolve2d(x.numpy(), k.numpy(), mode="valid"))  # (1), by somebody else
errors = {"loops": (correlate(x, k) - conv2d(x, k)).abs().max().item(), "convolution": (correlate(x, k.flip(0, 1)) - truly).abs().max().item()}
print(errors)
assert max(errors.values()) < 1e-12

# %% [markdown]
# See the difference with a kernel that is not symmetric, on an image that is black but for single white pixels. **Predict**: which of the two stamps the kernel as it is, and which upside down?

# %%
letter = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]], dtype=torch.float32)  # an F
stars = torch.zeros(24, 24)
stars[[6, 9, 16], [6, 16, 10]] = 1.0
correlated = conv2d(stars, letter, padding=(4, 3))[:24, :24]
convolved = conv2d(stars, letter.flip(0, 1), padding=(4, 3))[:24, :24]
canvas = torch.zeros(24, 24)
canvas[9:14, 10:14] = letter
plots.show(
    plots.grid(2 * torch.stack([stars, canvas, correlated, convolved])[:, None].clamp(0, 1) - 1, cols=4, labels=["image", "kernel", "correlation (Conv2d)", "convolution"]),
    alt="Three white dots on black; the letter F; three F upside down; three F upright.",
    caption="Convolution stamps the kernel at each white pixel. Correlation, which is what Conv2d does, stamps it turned by 180 degrees.",
)
assert convolved[6:11, 6:10].equal(letter) and correlated[6:11, 6:10].equal(letter.flip(0, 1))

# %% [markdown]
# For a network it makes no difference: a kernel that is learned comes out turned. For theorems it does. Convolution commutes, $x * k = k * x$ (with zeros outside both, and every overlap counted), and is what the Fourier transform turns into a product; correlation measures **how much the image here looks like the kernel**,
# which is the better picture of what a layer does.
#
# ### Padding, stride, dilation
#
# **Padding** $p$ lays zeros around the image, **stride** $s$ evaluates at every $s$-th place only, **dilation** $d$ leaves gaps of $d - 1$ between the kernel's cells; the kernel then spans $d(h-1) + 1$ pixels. Count the places where it fits:
#
# $$H' = \Big\lfloor \frac{H + 2p - d\,(h - 1) - 1}{s} \Big\rfloor + 1. \tag{3}$$


# %%
def output_size(H, h, s=1, p=0, d=1):
    return (H + 2 * p - d * (h - 1) - 1) // s + 1


tried = 0
for H, h, s, p, d in itertools.product(range(5, 12), range(1, 5), range(1, 4), range(3), range(1, 4)):
    if H + 2 * p >= d * (h - 1) + 1:
        assert conv2d(torch.zeros(H, H), torch.zeros(h, h), stride=s, padding=p, dilation=d).shape[0] == output_size(H, h, s, p, d)
        tried += 1
# NBVAL_CHECK_OUTPUT
print(f"(3) holds in all {tried} cases; 32 -> {output_size(32, 3, s=1, p=1)} (3x3, padding 1), 32 -> {output_size(32, 4, s=2, p=1)} (4x4, stride 2, padding 1)")

# %% [markdown]
# ### The same as a matrix
#
# (2) is linear in $x$. Write the image as a vector of $H W$ numbers, row after row; then there is a matrix $A$ with $y = A x$, and its entry for output $(i, j)$ and input $(r, c)$ is
#
# $$A_{(i,j),(r,c)} = k[\,r - s\,i + p,\; c - s\,j + p\,], \quad 0 \text{ where the kernel has no such cell.} \tag{4}$$
#
# For $s = 1$ it depends on the differences $r - i$ and $c - j$ alone: a block **Toeplitz** matrix whose blocks are Toeplitz. With a larger stride each row is the one before, shifted by $s$.


# %%
def matrix(k, H, s=1, p=0):  # (4), entry by entry
    (h, w), out = k.shape, output_size(H, k.shape[0], s, p)
    A = k.new_zeros(out * out, H * H)
    for i, j, r, c in itertools.product(range(out), range(out), range(H), range(H)):
        a, b = r - s * i + p, c - s * j + p
        if 0 <= a < h and 0 <= b < w:
            A[i * out + j, r * H + c] = k[a, b]
    return A


k = torch.randn(3, 3, dtype=torch.float64)
x = torch.randn(8, 8, dtype=torch.float64)
for s, p in ((1, 0), (1, 1), (2, 1)):
    A = matrix(k, 8, s, p)
    assert torch.equal(A, layers.conv_matrix(k, 8, s, p))  # the library's, which the course uses from here on
    errors["matrix"] = (A @ x.flatten() - conv2d(x, k, stride=s, padding=p).flatten()).abs().max().item()
    assert errors["matrix"] < 1e-12


# %%
def draw_matrix(kernel_size, stride, padding):
    k = torch.arange(1.0, kernel_size**2 + 1).view(kernel_size, kernel_size)
    A = layers.conv_matrix(k, 6, stride, padding)
    side = math.isqrt(len(A))
    fig, axis = plots.figure(width=6.0, height=max(1.6, 0.6 + 4.6 * len(A) / 36))
    axis.imshow(A.where(A > 0, torch.nan), cmap="viridis", aspect="equal")
    axis.set(title=f"6x6 -> {side}x{side}: {len(A)} outputs, 36 inputs, {k.numel()} weights", xlabel="input pixel", ylabel="output pixel")
    axis.set_xticks(range(0, 36, 6)), axis.set_yticks(range(0, len(A), side)), axis.grid(False)
    return fig


explore(
    draw_matrix, alt="The matrix of a convolution as an image: a few shifted diagonal stripes of colour on white.",
    caption="Each row is an output, each colour one weight of the kernel. The same weights return, shifted: that is weight sharing. Predict: what does stride 2 do to the rows? What does padding do at the ends?",
    kernel_size=(1, 4, 3), stride=(1, 3, 1), padding=(0, 2, 1),
)  # fmt: skip

# %% [markdown]
# ### By unfolding, for all channels
#
# Real layers have $C$ channels in and $O$ out, a kernel for each pair, and a bias $b_o$ for each output:
#
# $$y[o, i, j] = b_o + \sum_{c}\sum_{a, b} k[o, c, a, b]\; x[c,\, s i + a - p,\, s j + b - p]. \tag{5}$$
#
# Copy the patch under the kernel at each place into a column: a matrix $U$ of $C h w$ rows and $H' W'$ columns. Flatten the kernels to $K$, $O \times C h w$. Then (5) is one product of matrices, for which processors are made:
#
# $$Y = K U + b. \tag{6}$$

# %%
x = torch.randn(1, 3, 10, 10, dtype=torch.float64)
layer = nn.Conv2d(3, 5, kernel_size=3, stride=2, padding=1).double()
U = F.unfold(x, kernel_size=3, stride=2, padding=1)[0]  # [C h w, H' W'] = [27, 25]
Y = layer.weight.flatten(1) @ U + layer.bias[:, None]  # (6)
padded, by_sum = F.pad(x[0], (1, 1, 1, 1)), torch.zeros(5, 5, 5, dtype=torch.float64)
for o, i, j in itertools.product(range(5), range(5), range(5)):  # (5)
    by_sum[o, i, j] = layer.bias[o] + (layer.weight[o] * padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]).sum()
errors["unfold"] = (Y.view(5, 5, 5) - layer(x)[0]).abs().max().item()
errors["sum over channels"] = (by_sum - layer(x)[0]).abs().max().item()
assert max(errors["unfold"], errors["sum over channels"]) < 1e-12
print(f"{sum(p.numel() for p in layer.parameters())} weights, {layer.weight.numel() * 25:,} multiply-adds for 25 places")

# %% [markdown]
# ### By Fourier transform
#
# Take the *complex* wave $e^{2\pi i f t}$: shifted by $a$ it is itself times the number $e^{-2\pi i f a}$. (A sine alone is not; a sine and a cosine together are.) So such waves pass through a convolution unchanged but for a factor each. The Fourier transform, $\mathcal{F}(x)[f, g] = \sum_{m,n} x[m, n]\, e^{-2\pi i (f m/H + g n/W)}$, says how much of each wave is in an image, and turns convolution into a product:
#
# $$\mathcal{F}(x * k) = \mathcal{F}(x)\cdot\mathcal{F}(k). \tag{7}$$
#
# This holds for images that repeat for ever. For ours, zeros are added first until nothing meets itself from the other side. The cost hardly depends on the kernel's size: large kernels are cheaper this way.


# %%
def convolve_fft(x, k, pad=True):
    H, W = (x.shape[0] + k.shape[0] - 1, x.shape[1] + k.shape[1] - 1) if pad else x.shape
    return torch.fft.irfft2(torch.fft.rfft2(x, s=(H, W)) * torch.fft.rfft2(k, s=(H, W)), s=(H, W))  # (7)


x, k = torch.randn(20, 17, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
full = torch.from_numpy(scipy.signal.convolve2d(x.numpy(), k.numpy(), mode="full"))
errors["fft"] = (convolve_fft(x, k) - full).abs().max().item()
assert errors["fft"] < 1e-12
for name, error in errors.items():
    print(f"{name:<18} differs by at most {error:.0e}")

# %% [markdown]
# ### Kernels that are products
#
# If $k[a, b] = u[a]\, v[b]$, the double sum in (2) factors into two single ones, first along rows, then along columns:
#
# $$(x \star u v^\top) = (x \star v^\top) \star u, \tag{8}$$
#
# $h + w$ products a pixel instead of $h w$. Gaussian blur is such a kernel, and so are the edge detectors above. A kernel is a product exactly if its matrix has rank 1 (or is 0).

# %%
u, v = torch.randn(7, 1, dtype=torch.float64), torch.randn(1, 5, dtype=torch.float64)
assert torch.allclose(conv2d(x, u @ v), conv2d(conv2d(x, v), u), atol=1e-12)
# NBVAL_CHECK_OUTPUT
print({name: int(torch.linalg.matrix_rank(torch.tensor(kernel, dtype=torch.float64))) for name, kernel in KERNELS.items()})

# %% [markdown]
# ## How far a network sees
#
# The **receptive field** of an output is the smallest square that holds all input pixels that can change it. Let $R$ be its side and $\delta$ the *jump*, the distance in input pixels between two neighbouring outputs. Both start at 1. A kernel of $h$ cells with dilation $d$ spans $d(h-1)$ jumps more than one cell does, so a layer makes of them
#
# $$R' = R + d\,(h - 1)\, \delta, \qquad \delta' = s\, \delta. \tag{9}$$
#
# The gradient of an output with respect to the input shows the field: it is zero outside. Check (9) on random stacks of layers, with positive weights so that nothing cancels.


# %%
def receptive_field(stack):  # stack: (h, s, d) of each layer
    R = jump = 1
    for h, s, d in stack:
        R, jump = R + d * (h - 1) * jump, s * jump
    return R


def measured_field(stack, side=121, positive=True):
    x = torch.zeros(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    y = x
    for h, s, d in stack:
        w = torch.rand(1, 1, h, h, dtype=torch.float64) if positive else torch.randn(1, 1, h, h, dtype=torch.float64)
        y = F.conv2d(y, w, stride=s, dilation=d)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    return x.grad[0, 0]


for _ in range(run.trials // 10):
    stack = [(int(torch.randint(1, 5, ())), int(torch.randint(1, 3, ())), int(torch.randint(1, 3, ()))) for _ in range(3)]
    rows = measured_field(stack).sum(dim=1).nonzero()  # rows of the input that the output feels
    assert rows.max() - rows.min() + 1 == receptive_field(stack), stack

# %% [markdown]
# That is the field in theory. In effect an output listens mostly to its middle, since many more paths lead there: for random weights the influence falls off like a Gaussian (Luo et al. 2016). Predict before you move: does depth or stride widen the field faster?


# %%
def draw_field(layers_, kernel_size, stride, dilation):
    stack = [(kernel_size, stride if n < 2 else 1, dilation) for n in range(layers_)]  # the first two layers stride
    torch.manual_seed(0)
    influence = sum(measured_field(stack, positive=False).abs() for _ in range(8))
    R, where = receptive_field(stack), influence.nonzero().double().mean(dim=0)
    fig, (left, right) = plots.figure(1, 2, width=7.0, height=3.4)
    side, top = influence.shape[0], influence.max().clamp(min=1e-12)
    left.imshow(grey[0, 0, 60 : 60 + side, 60 : 60 + side], cmap="gray")
    left.add_patch(Rectangle((where[1] - R / 2, where[0] - R / 2), R, R, fill=False, edgecolor=plots.COLORS[1], linewidth=2.5))
    right.imshow(influence / top, cmap="magma")
    left.set(title=f"field {R}x{R}"), right.set(title="influence of each pixel")
    for axis in (left, right):
        axis.axis("off")
    return fig


explore(
    draw_field, alt="A photograph with a square on it, the receptive field; beside it a bright spot that fades outwards, the influence of each pixel.",
    caption="Left: all that one output can see. Right: what it really listens to, for random weights. Two strided layers first, then layers of stride 1.",
    layers_=(1, 6, 5), kernel_size=(2, 4, 3), stride=(1, 2, 2), dilation=(1, 2, 1),
)  # fmt: skip

# %% [markdown]
# ## The way back: transposed convolution
#
# A generator has to turn 4x4 into 32x32. A strided convolution cannot: by (3), with $s \ge 2$ and a padding of at most half the kernel, the output has at most $\lceil (H + 1)/ s\rceil$ rows. More padding would "enlarge" the image only by a frame of zeros. There are published generators that "upsample" with strided convolutions. Here are the shapes of one:

# %%
# NBVAL_CHECK_OUTPUT
wrong = nn.Sequential(*(nn.Conv2d(8, 8, kernel_size=4, stride=2, padding=1) for _ in range(2)))
right = nn.Sequential(*(nn.ConvTranspose2d(8, 8, kernel_size=4, stride=2, padding=1) for _ in range(2)))
for name, net in (("strided convolutions", wrong), ("transposed convolutions", right)):
    x = torch.zeros(1, 8, 7, 7)
    print(name, *(f"{(x := layer(x)).shape[-2]}x{x.shape[-1]}" for layer in net), sep=" -> ")

# %% [markdown]
# If $A$ takes $n$ numbers to $m$, its transpose $A^\top$ takes $m$ to $n$. It is defined by
#
# $$\langle A x, y\rangle = \langle x, A^\top y\rangle \quad \text{for all } x, y, \tag{10}$$
#
# and it is what the backward pass of a convolution computes. As a layer of its own it is the **transposed convolution**: each input number stamps the whole kernel into the output, $s$ pixels apart. It is *not* the inverse of $A$: "deconvolution" is a misnomer. From (3), its output has
#
# $$H = s\,(H' - 1) - 2p + h + o \tag{11}$$
#
# rows. The *output padding* $0 \le o < s$ says which of the $s$ sizes that a strided convolution rounds to the same $H'$ is meant.

# %%
for _ in range(run.trials // 10):
    h, s, p, H = (int(torch.randint(a, b, ())) for a, b in ((1, 5), (1, 4), (0, 2), (5, 9)))
    k, x = torch.randn(h, h, dtype=torch.float64), torch.randn(H, H, dtype=torch.float64)
    Ax = conv2d(x, k, stride=s, padding=p)
    y, A = torch.randn_like(Ax), layers.conv_matrix(k, H, s, p)
    o = (H + 2 * p - h) % s
    Aty = F.conv_transpose2d(y[None, None], k[None, None], stride=s, padding=p, output_padding=o)[0, 0]
    assert Aty.shape[0] == H == s * (Ax.shape[0] - 1) - 2 * p + h + o  # (11)
    assert torch.allclose((A.T @ y.flatten()).view(H, H), Aty, atol=1e-12)
    assert abs((Ax * y).sum() - (x * Aty).sum()) < 1e-10  # (10), the adjoint test
print("transposed convolution = transpose of the matrix = adjoint")

# %% [markdown]
# ### Checkerboards
#
# How many input numbers reach an output pixel? In one dimension, position $q$ is reached by those $i$ for which the kernel has a cell $q + p - s i$:
#
# $$n(q) = \#\{\, i : 0 \le q + p - s\,i < h \,\}. \tag{12}$$
#
# If $s$ does not divide $h$, $n$ goes up and down with $q$, and flat areas come out striped (Odena et al. 2016). If it does, $n$ is the same everywhere but at the border; still, neighbours have *different weights*, which have to learn to agree. Two ways out: enlarge by repeating pixels, then convolve; or make $s^2$ channels and interleave
# them (**pixel shuffle**, Shi et al. 2016), started from equal kernels (ICNR, Aitken et al. 2017).

# %%
for h, s, p in ((3, 2, 1), (4, 2, 1), (5, 3, 0), (6, 3, 1)):
    counted = F.conv_transpose1d(torch.ones(1, 1, 9), torch.ones(1, 1, h), stride=s, padding=p)[0, 0].round().int().tolist()
    assert counted == [sum(0 <= q + p - s * i < h for i in range(9)) for q in range(len(counted))]  # (12)
    print(f"kernel {h}, stride {s}: {counted[6:15]} inputs reach nine neighbouring outputs")


# %%
def upsamplers(C):
    """Five ways from [N, C, 8, 8] to [N, 1, 16, 16], with random weights."""
    shuffled = nn.Conv2d(C, 4, 3, padding=1, bias=False)
    icnr = nn.Conv2d(C, 4, 3, padding=1, bias=False)
    with torch.no_grad():
        icnr.weight.copy_(icnr.weight[:1].expand_as(icnr.weight))  # the four interleaved channels begin alike
    return {
        "transposed 3x3": nn.ConvTranspose2d(C, 1, 3, stride=2, padding=1, output_padding=1, bias=False),
        "transposed 4x4": nn.ConvTranspose2d(C, 1, 4, stride=2, padding=1, bias=False),
        "repeat, then 3x3": nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(C, 1, 3, padding=1, bias=False)),
        "pixel shuffle": nn.Sequential(shuffled, nn.PixelShuffle(2)),
        "pixel shuffle, ICNR": nn.Sequential(icnr, nn.PixelShuffle(2)),
    }


# %%
torch.manual_seed(run.seed)
flat, strength, example = torch.ones(1, 16, 8, 8), {}, {}
with torch.no_grad():
    for _ in range(run.kernels):
        for name, up in upsamplers(16).items():
            y = up(flat)[0, 0, 4:12, 4:12]  # away from the border
            strength.setdefault(name, []).append((y.std(correction=0) / y.square().mean().sqrt()).item())
            example[name] = 0.7 * y / y.abs().max()
checker = {name: sum(values) / len(values) for name, values in strength.items()}
plots.show(
    plots.grid(torch.stack(list(example.values()))[:, None], cols=5, labels=[f"{name}\n{value:.2f}" for name, value in checker.items()]),
    alt="Five squares: two with a checkerboard of light and dark, one flat, one checkerboard, one flat.",
    caption="What untrained layers make of a flat area, and below it the share of the output that is pattern, averaged over many random layers (0: flat). Repeating pixels and pixel shuffle from equal kernels begin flat.",
)
assert checker["repeat, then 3x3"] < 1e-4 and checker["pixel shuffle, ICNR"] < 1e-4 < 0.3 < min(checker["transposed 3x3"], checker["transposed 4x4"], checker["pixel shuffle"])

# %% [markdown]
# Training can remove what a start without pattern never has. That is why the generators of this course use pixel shuffle and repetition, and why pictures made with transposed convolutions so often show a fine grid.
#
# ## Explore: paint a kernel
#
# Nine weights are yours. **Predict** before you move one: what do weights that sum to 0 do to flat areas? How do you make a kernel that moves the picture to the right? One that finds only *left* edges of bright things?

# %%
small = F.interpolate(photo, size=96, mode="area")


def paint(start, top_left, top, top_right, left, middle, right, bottom_left, bottom, bottom_right, repeat):
    mine = torch.tensor([[top_left, top, top_right], [left, middle, right], [bottom_left, bottom, bottom_right]])
    kernel = mine + torch.tensor(KERNELS[start], dtype=torch.float32)
    y = small
    for _ in range(repeat):
        y = filtered(y, kernel.tolist())
    fig, axes = plots.figure(1, 3, width=8.0, height=2.8, gridspec_kw={"width_ratios": [2, 1.2, 2]})
    bound = max(1.0, kernel.abs().max().item())
    axes[1].imshow(kernel, cmap="RdBu", vmin=-bound, vmax=bound)
    for (i, j), value in zip(itertools.product(range(3), range(3)), kernel.flatten().tolist(), strict=True):
        axes[1].text(j, i, f"{value:.2g}", ha="center", va="center", color="white" if abs(value) > 0.6 * bound else "black")
    for axis, image in ((axes[0], small), (axes[2], y)):
        axis.imshow((image[0].permute(1, 2, 0).clamp(-1, 1) + 1) / 2)
    for axis, title in zip(axes, ("before", f"sum {kernel.sum():.2g}", "after"), strict=True):
        axis.set_title(title), axis.axis("off")
    return fig


# %%
cells = ("top_left", "top", "top_right", "left", "middle", "right", "bottom_left", "bottom", "bottom_right")
explore(
    paint, alt="A photograph, a kernel of nine coloured cells with their weights, and the photograph filtered by it.",
    caption="The kernel is the one you start from plus what the nine sliders add. Blue cells are positive, red ones negative.",
    start=["emboss", *KERNELS], **{cell: (-2.0, 2.0, 0.0) for cell in cells}, repeat=(1, 8, 1),
)  # fmt: skip

# %% [markdown]
# ## Break it
#
# Three mistakes that raise no error. **Predict** each picture. 1. The Fourier way *without* adding zeros, with a kernel that moves the picture by 40 pixels. 2. An *even* kernel, 2x2 blur, with one row of padding on two sides only, applied 32 times. 3. Zero padding, 5x5 blur, 12 layers.

# %%
moves = torch.zeros(1, 41)
moves[0, 40] = 1.0
wrapped = convolve_fft(grey[0, 0], moves, pad=False)  # 1
moved, faded = grey, grey
for _ in range(32):
    moved = F.conv2d(F.pad(moved, (1, 0, 1, 0), mode="replicate"), torch.full((1, 1, 2, 2), 1 / 4))  # 2
for _ in range(12):
    faded = F.conv2d(faded + 1, torch.full((1, 1, 5, 5), 1 / 25), padding=2) - 1  # 3, black is 0 here
plots.show(
    plots.grid(torch.cat([grey, wrapped[None, None], moved, faded]).clamp(-1, 1), cols=4, labels=["original", "1: came in again", "2: drifted", "3: dark frame"]),
    alt="Four grey photographs: the original; moved right with the right part back on the left; blurred and moved down and right; blurred with a dark frame.",
    caption="1: what leaves on the right comes in on the left. 2: each even kernel moves the picture by half a pixel, 32 of them by 16. 3: zeros leak in from the border, further with each layer.",
)
assert torch.allclose(wrapped[:, :40], grey[0, 0, :, -40:], atol=1e-4)


# %% [markdown]
# By how much did the second one drift? Blur the original *symmetrically* as strongly, and ask which shift of it fits best.


# %%
def best_shift(a, b, most=24):
    inner = slice(60, 190)
    wrongs = [(a[0, 0, inner, inner] - b.roll((n, n), (2, 3))[0, 0, inner, inner]).square().mean().item() for n in range(most)]
    return min(range(most), key=wrongs.__getitem__)


u = torch.tensor([0.25, 0.5, 0.25])
still = grey
for _ in range(16):  # two 2-wide kernels make one of (1, 2, 1) / 4
    still = F.conv2d(F.pad(still, (1, 1, 1, 1), mode="replicate"), (u[:, None] * u)[None, None])
# NBVAL_CHECK_OUTPUT
print("moved by", best_shift(moved, still), "pixels, as predicted: 32 x 1/2")
assert best_shift(moved, still) == 16

# %%
run.report(largest_difference=max(errors.values()), **{"pattern_" + name.replace(",", "").replace(" ", "_"): value for name, value in checker.items()}, random_layers=run.kernels)
run.expect(largest_difference=("<", 1e-12), pattern_transposed_3x3=(">", 0.3), pattern_repeat_then_3x3=("<", 1e-4))

# %% [markdown]
# ## Exercises
#
# One to three stars. [The exercise notebook](exercises/12_convolution.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(2 minutes)* Which padding keeps the size?
# 2. ★ *(5 minutes)* Convolution as it is defined in (1).
# 3. ★★ *(10 minutes)* The receptive field of any stack of layers.
# 4. ★★ *(15 minutes)* The transposed convolution by stamping.
# 5. ★★★ *(30 minutes, a project)* Twice as large without a pattern: a fixed kernel that keeps flat areas flat and a ramp a ramp.
#
# ## What to remember
#
# - A convolution layer is a matrix with few, shared weights; Conv2d correlates; unfolding makes it one matrix product.
# - $H' = \lfloor (H + 2p - d(h-1) - 1)/s \rfloor + 1$; the field grows by $d(h-1)$ times the jump.
# - The transposed convolution is the transpose, not the inverse. It enlarges; a strided convolution shrinks.
# - Checkerboards come from uneven overlap and unequal weights; repeat-then-convolve and pixel shuffle from equal kernels start without.
#
# ## Further reading
#
# - V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, 2016, arXiv:1603.07285.
# - W. Luo, Y. Li, R. Urtasun, R. Zemel, *Understanding the Effective Receptive Field in Deep Convolutional Neural Networks*, 2016, arXiv:1701.04128.
# - A. Odena, V. Dumoulin, C. Olah, *Deconvolution and Checkerboard Artifacts*, Distill, 2016.
# - W. Shi et al., *Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network*, 2016, arXiv:1609.05158.
# - A. Aitken et al., *Checkerboard artifact free sub-pixel convolution*, 2017, arXiv:1707.02937.
