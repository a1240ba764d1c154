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
# # 12 Convolution
#
# *You will compute one operation in several ways and see that they agree; turn it around to make images larger; find out how far a network sees; and paint kernels of your own.*
#
# ![A photograph and what six small kernels make of it: blurred, sharpened, its edges, embossed.](../data/pictures/12_convolution.webp)
#
# **You need** notebook 11, sums, matrices (transpose, rank), gradients, and complex numbers for one section.
# The table below says how long it takes.

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
import functools
import itertools

import scipy.signal
import torch
import torch.nn as nn
import torch.nn.functional as F
from matplotlib.patches import Rectangle

from genimg_lib import data, layers, plots, tables
from genimg_lib.training import start
from genimg_lib.widgets import explore

# %%
run = start("12_convolution", trials=(20, 200, 200), kernels=(50, 500, 500))
print(f"profile {run.profile}, on {run.device}")
tables.show_expected(
    "12_convolution", "largest_difference", "pattern_of_uneven_overlap"
)

# %% [markdown]
# ## Why
#
# The most general linear layer from a 32x32 colour image to 16 images of the same size has a weight for every pair of numbers.
# It would have to learn what an edge looks like again at *every place*.
# Two assumptions remove nearly all of these weights: what matters for a pixel lies **near** it, and what is true in one place is true in **every** place.

# %%
# NBVAL_CHECK_OUTPUT
dense = (3 * 32 * 32) * (16 * 32 * 32)
local = (3 * 3 * 3) * (16 * 32 * 32)  # 3x3 places, some beyond the rim
shared = (3 * 3 * 3) * 16  # the same weights at every place
print(f"every pair: {dense:,} weights; near ones: {local:,}; shared: {shared:,}")

# %% [markdown]
# What is left is a **convolution**: a small pattern of weights, the kernel, that slides over the image.
# It was useful long before networks learned kernels: people wrote them down.
# Here are seven; two of them follow from others.
# `filtered` lays one over each channel of an image; the border is mirrored, so that the size stays.

# %%
identity = torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]])
laplace = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
edges = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
KERNELS = {
    "identity": identity,
    "box blur": torch.ones(3, 3) / 9,
    "sharpen": identity - laplace,
    "edges, left to right": edges,
    "edges, top to bottom": edges.T,
    "Laplace": laplace,
    "emboss": torch.tensor([[-2.0, -1, 0], [-1, 1, 1], [0, 1, 2]]),
}


# %%
def filtered(image, kernel):
    weight = kernel.expand(image.shape[1], 1, -1, -1)
    padded = F.pad(image, (1, 1, 1, 1), mode="reflect")
    return F.conv2d(padded, weight, groups=len(weight))  # each channel by itself


flat = torch.ones(1, 1, 8, 8) / 2
for kernel in KERNELS.values():
    assert torch.allclose(filtered(flat, kernel), kernel.sum() * flat)

# %%
astronaut = data.photos.square(data.photos.open_photo("astronaut"), 256)
photo = data.to_float(astronaut[None])  # [1, 3, 256, 256] in [-1, 1]
shown = {name: filtered(photo, kernel) for name, kernel in KERNELS.items()}
pictures = torch.cat(list(shown.values())).clamp(-1, 1)
fig = plots.grid(pictures, cols=4, labels=list(shown))
plots.cover(fig)
plots.show(
    fig,
    alt="A photograph of an astronaut, then blurred, sharpened, its vertical edges, "
    "its horizontal edges, its fine detail, and as an emboss.",
    caption="Kernels that sum to 1 keep flat areas; "
    "those that sum to 0 turn them mid-grey.",
)

# %% [markdown]
# ## The maths
#
# Let $x$ be an image of one channel, $x[i, j]$ its pixel in row $i$ and column $j$, and $k$ a **kernel** of $h \times w$ numbers $k[a, b]$.
# The **convolution** of the two is
#
# $$(x * k)[i, j] = \sum_{a=0}^{h-1}\sum_{b=0}^{w-1} k[a, b]\; x[i - a,\, j - b], \tag{1}$$
#
# and the **cross-correlation**, with plus for minus, is
#
# $$(x \star k)[i, j] = \sum_{a=0}^{h-1}\sum_{b=0}^{w-1} k[a, b]\; x[i + a,\, j + b]. \tag{2}$$
#
# We compute them for all $i, j$ for which every pixel exists.
# `nn.Conv2d` computes (2), in spite of its name.
# First (2) word by word, beside torch's.


# %%
def correlate(x, k):
    (H, W), (h, w) = x.shape, k.shape
    y = x.new_zeros(H - h + 1, W - w + 1)
    for i, j in itertools.product(range(H - h + 1), range(W - w + 1)):
        y[i, j] = (k * x[i : i + h, j : j + w]).sum()  # (2)
    return y


# %% [markdown]
# To get (1) from (2), turn the kernel by 180 degrees.
# Output $[0, 0]$ is then $(x * k)[h-1, w-1]$, the first for which every pixel exists.
# SciPy computes (1); it is the witness.
# Three helpers serve the whole notebook: torch's convolution for one channel, random numbers in double precision, and the largest of a difference's absolute values.


# %%
def conv2d(x, k, **how):
    return F.conv2d(x[None, None], k[None, None], **how)[0, 0]


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def largest(difference):
    return difference.abs().max().item()


# %%
torch.manual_seed(run.seed)
x, k = randn(12, 15), randn(3, 4)
errors = {"loops": largest(correlate(x, k) - conv2d(x, k))}  # (2)
truly = scipy.signal.convolve2d(x.numpy(), k.numpy(), mode="valid")  # (1)
turned = correlate(x, k.flip(0, 1))
errors["turned kernel"] = largest(turned - torch.from_numpy(truly))

# %% [markdown]
# See the difference with a kernel that is not symmetric, the letter F, on an image that is black but for three white pixels.
# **Predict**: which of the two stamps the kernel as it is, and which upside down?

# %%
letter = torch.tensor(
    [[1.0, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
)
places = ((6, 6), (9, 16), (16, 10))
stars = torch.zeros(24, 24)
for i, j in places:
    stars[i, j] = 1.0
correlated = conv2d(stars, letter, padding=(4, 3))[:24, :24]
convolved = conv2d(stars, letter.flip(0, 1), padding=(4, 3))[:24, :24]

# %%
canvas = torch.zeros(24, 24)
canvas[9:14, 10:14] = letter
pictures = torch.stack([stars, canvas, correlated, convolved])[:, None]
plots.show(
    plots.grid(
        2 * pictures - 1,
        cols=4,
        labels=["image", "kernel", "correlation (Conv2d)", "convolution"],
    ),
    alt="Three white dots on black; the letter F; three F turned by 180 degrees; "
    "three F upright.",
    caption="Convolution stamps the kernel; correlation, what Conv2d does, "
    "stamps it upside down.",
)
for i, j in places:
    assert convolved[i : i + 5, j : j + 4].equal(letter)
    assert correlated[i : i + 5, j : j + 4].equal(letter.flip(0, 1))

# %% [markdown]
# For a network it makes no difference: a kernel that is learned comes out turned.
# For theorems it does.
# Convolution commutes, $x * k = k * x$ (with zeros outside both, and every overlap counted), and is what the Fourier transform turns into a product.
# Correlation measures **how strongly the kernel's pattern is in the image here**, by an inner product: of all patches of one length, the one that looks like the kernel gives most.
# That is the better picture of what a layer does.
#
# ### Padding, stride, dilation
#
# **Padding** $p$ lays zeros around the image, **stride** $s$ evaluates at every $s$-th place only, **dilation** $d$ leaves gaps of $d - 1$ between the kernel's cells; the kernel then spans $d(h-1) + 1$ pixels.
# Count the places where it fits:
#
# $$H' = \Big\lfloor \frac{H + 2p - d\,(h - 1) - 1}{s} \Big\rfloor + 1. \tag{3}$$


# %%
def output_size(H, h, s=1, p=0, d=1):
    return (H + 2 * p - d * (h - 1) - 1) // s + 1


# %%
# NBVAL_CHECK_OUTPUT
tried = 0
ranges = range(5, 12), range(1, 5), range(1, 4), range(3), range(1, 4)
for H, h, s, p, d in itertools.product(*ranges):
    if H + 2 * p >= d * (h - 1) + 1:  # the kernel fits
        image, kernel = torch.zeros(H, H), torch.zeros(h, h)
        y = conv2d(image, kernel, stride=s, padding=p, dilation=d)
        assert len(y) == output_size(H, h, s, p, d)
        tried += 1
print(f"(3) holds in all {tried} cases")
print(f"3x3, padding 1: 32 -> {output_size(32, 3, p=1)}")
print(f"4x4, stride 2, padding 1: 32 -> {output_size(32, 4, s=2, p=1)}")

# %% [markdown]
# ### The image moves, the output moves
#
# "True in every place" has a precise form, **translation equivariance**.
# Move the image, $x'[i, j] = x[i, j - n]$; put that into (2), and the output has moved by as much: $(x' \star k)[i, j] = (x \star k)[i, j - n]$.
# Two things break it: the border, where pixels are missing, and a stride, which keeps it for multiples of $s$ only.

# %%
x, k = randn(16, 16), randn(3, 3)
moved = x.roll(1, dims=1)  # columns 1 to 15 are the old 0 to 14
assert largest(conv2d(moved, k)[:, 1:] - conv2d(x, k)[:, :-1]) < 1e-12
by_two, strided = (conv2d(t, k, stride=2) for t in (x.roll(2, dims=1), x))
assert largest(by_two[:, 1:] - strided[:, :-1]) < 1e-12  # two in, one out
by_one = conv2d(moved, k, stride=2)  # falls between the places
assert largest(by_one - strided) > 1
assert largest(by_one[:, 1:] - strided[:, :-1]) > 1

# %% [markdown]
# ### The same as a matrix
#
# (2) is linear in $x$, and stays so with a stride and a padding.
# Write the image as a vector of $H W$ numbers, row after row; then there is a matrix $A$ with $y = A x$, and its entry for output $(i, j)$ and input $(r, c)$ is
#
# $$A_{(i,j),(r,c)} = k[\,r - s\,i + p,\; c - s\,j + p\,], \quad 0 \text{ where the kernel has no such cell.} \tag{4}$$


# %%
def matrix(k, H, s=1, p=0):
    h, w = k.shape
    rows, columns = output_size(H, h, s, p), output_size(H, w, s, p)
    A = k.new_zeros(rows, columns, H, H)
    for i, j, r, c in itertools.product(*map(range, A.shape)):
        a, b = r - s * i + p, c - s * j + p  # (4)
        if 0 <= a < h and 0 <= b < w:
            A[i, j, r, c] = k[a, b]
    return A.flatten(2).flatten(0, 1)  # [outputs, inputs]


# %% [markdown]
# The cell below checks it against `conv2d` and against the library's matrix, which the course uses from here on, and checks a property.
#
# By (4), one output further to the right has the same weights $s$ columns further to the right, $A_{(i,j+1),(r,c+s)} = A_{(i,j),(r,c)}$, wherever both entries exist, and likewise downwards.
# For $s = 1$ that makes $A$ a block **Toeplitz** matrix whose blocks are Toeplitz.
# It does *not* say that every row is the one above, shifted: at the end of a line of outputs the kernel jumps to the next line of the image, and over the padding some of its weights are missing.

# %%
k, x = randn(3, 3), randn(8, 8)
for s, p in ((1, 0), (1, 1), (2, 1)):
    A, y = matrix(k, 8, s, p), conv2d(x, k, stride=s, padding=p)
    apart = largest(A @ x.flatten() - y.flatten())
    errors["matrix"] = max(errors.get("matrix", 0), apart)
    assert errors["matrix"] < 1e-12
    assert A.equal(layers.conv_matrix(k, 8, s, p))
    A = A.view(*y.shape, *x.shape)  # [i, j, r, c]
    assert A[:, 1:, :, s:].equal(A[:, :-1, :, :-s])  # one output to the right
    assert A[1:, :, s:].equal(A[:-1, :, :-s])  # one output down

# %% [markdown]
# The next figure shows the matrix for a 6x6 image.
# **Predict** before you move a slider: what does stride 2 do to the rows?
# What does padding do to the rows of outputs at the border?


# %%
def draw_matrix(kernel_size, stride, padding):
    k = torch.arange(1.0, kernel_size**2 + 1).view(kernel_size, kernel_size)
    A = layers.conv_matrix(k, 6, stride, padding)
    side = output_size(6, kernel_size, stride, padding)
    height = max(1.6, 0.6 + 4.6 * len(A) / 36)
    fig, axis = plots.figure(width=4.8, height=height)
    axis.imshow(A.where(A > 0, torch.nan), cmap="viridis")
    axis.set(xlabel="input pixel", ylabel="output pixel")
    axis.set_title(f"6x6 -> {side}x{side}: {len(A)} outputs, {k.numel()} weights")
    axis.grid(False)
    return fig


# %%
explore(
    draw_matrix,
    alt="The matrix of a convolution as an image: a few shifted diagonal stripes "
    "of colour on white.",
    caption="A row is an output, a colour one weight of the kernel: "
    "the weights return, shifted.",
    kernel_size=(1, 4, 3),
    stride=(1, 3, 1),
    padding=(0, 2, 1),
)

# %% [markdown]
# For the 3x3 kernel stride 2 leaves a quarter as many rows.
# Without padding each row within a line of outputs is the one above, moved by 2 columns; the row that begins the next line of outputs is the one that began this line, moved by two lines of the image, 12 columns.
# With padding the same holds for the cells that both rows have; the rows of outputs at the border have fewer coloured cells.
#
# ### By unfolding, for all channels
#
# Real layers have $C$ channels in and $O$ out, a kernel for each pair, and a bias $b_o$ for each output:
#
# $$y[o, i, j] = b_o + \sum_{c}\sum_{a, b} k[o, c, a, b]\; x[c,\, s i + a - p,\, s j + b - p]. \tag{5}$$
#
# Copy the patch under the kernel at each place into a column: a matrix $U$ of $C h w$ rows and $H' W'$ columns, (3) for both sides.
# Flatten the kernels to $K$, $O \times C h w$.
# Then (5) is one product of matrices, which processors are built for:
#
# $$Y = K U + b. \tag{6}$$

# %%
x = randn(1, 3, 10, 10)
layer = nn.Conv2d(3, 5, 3, stride=2, padding=1).double()
y = layer(x)[0]  # [5, 5, 5]
U = F.unfold(x, 3, stride=2, padding=1)[0]  # [C h w, H' W'] = [27, 25]
K = layer.weight.flatten(1)  # [O, C h w] = [5, 27]
Y = K @ U + layer.bias[:, None]  # (6)
errors["unfold"] = largest(Y - y.flatten(1))

# %%
padded = F.pad(x[0], (1, 1, 1, 1))
by_sum = torch.zeros_like(y)
for o, i, j in itertools.product(range(5), repeat=3):
    patch = padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
    by_sum[o, i, j] = layer.bias[o] + (layer.weight[o] * patch).sum()  # (5)
errors["sum over channels"] = largest(by_sum - y)
assert max(errors.values()) < 1e-12

# %% [markdown]
# ### By Fourier transform
#
# Take the *complex* wave $e^{2\pi \mathrm{i} f t/H}$, with $\mathrm{i}^2 = -1$: shifted by $a$ it is itself times the number $e^{-2\pi \mathrm{i} f a/H}$.
# (A sine alone is not: shifted, it becomes a mixture of a sine and a cosine.)
# So such waves pass through a convolution unchanged but for a factor each.
# The Fourier transform of an $H \times W$ image says how much of each wave is in it:
#
# $\mathcal{F}(x)[f, g] = \sum_{m,n} x[m, n]\, e^{-2\pi \mathrm{i} (f m/H + g n/W)}.$
#
# Let the image repeat for ever, and fill the kernel up with zeros to $H \times W$.
# In $\mathcal{F}(x * k)$, write the output's place as $(m + a, n + b)$: the exponential splits into a factor for $(a, b)$ and one for $(m, n)$, and $m, n$ still run over a whole period.
# So
#
# $$\mathcal{F}(x * k)[f, g] = \sum_{a,b} k[a, b]\, e^{-2\pi \mathrm{i} (f a/H + g b/W)} \sum_{m,n} x[m, n]\, e^{-2\pi \mathrm{i} (f m/H + g n/W)} = \mathcal{F}(k)[f, g]\;\mathcal{F}(x)[f, g]. \tag{7}$$
#
# Our images do not repeat.
# So zeros are added to both first, until nothing meets itself from the other side.
# Where every overlap is wanted, (1) takes $HW \cdot hw$ products.
# The cost of the transforms is in proportion to $N \log N$ for the $N = (H + h - 1)(W + w - 1)$ numbers of the padded images, so from some size of the kernel on this way takes fewer operations.


# %%
def product_of_spectra(x, k, size):
    spectrum = torch.fft.rfft2(x, s=size) * torch.fft.rfft2(k, s=size)  # (7)
    return torch.fft.irfft2(spectrum, s=size)


def convolve_fft(x, k):
    (H, W), (h, w) = x.shape, k.shape
    return product_of_spectra(x, k, (H + h - 1, W + w - 1))  # room for every overlap


x, k = randn(20, 17), randn(5, 4)
every_overlap = conv2d(x, k.flip(0, 1), padding=(4, 3))[: 20 + 4, : 17 + 3]
errors["Fourier"] = largest(convolve_fft(x, k) - every_overlap)
assert errors["Fourier"] < 1e-12

# %% [markdown]
# ### Kernels that are products
#
# If $k[a, b] = u[a]\, v[b]$, the double sum in (2) factors into two single ones, first along rows, then along columns:
#
# $$(x \star u v^\top) = (x \star v^\top) \star u, \tag{8}$$
#
# $h + w$ products a pixel instead of $h w$.
# Gaussian blur is such a kernel, and so are the two edge detectors above.
# A kernel is a product exactly if its matrix has rank 1 (or is 0).
# Then follows the table of this notebook's ways, with the largest difference of each from what it has to equal: SciPy's convolution for the turned kernel, torch's for all others.

# %%
# NBVAL_CHECK_OUTPUT
u, v = randn(7, 1), randn(1, 5)
in_two_passes = conv2d(conv2d(x, v), u)
errors["two passes"] = largest(conv2d(x, u @ v) - in_two_passes)  # (8)
for name, kernel in KERNELS.items():
    print(f"{name}: rank {torch.linalg.matrix_rank(kernel)}")

# %%
tables.show(list(errors.items()), ("way", "largest difference"))
assert max(errors.values()) < 1e-12

# %% [markdown]
# ## How far a network sees
#
# The **receptive field** of an output is the smallest square that holds all input pixels that can change it.
# Let $R$ be its side and $\delta$ the *jump*, the distance in input pixels between two neighbouring outputs.
# Both start at 1.
# A kernel of $h$ cells with dilation $d$ spans $d(h-1)$ jumps more than one cell does, so a layer makes of them
#
# $$R' = R + d\,(h - 1)\, \delta, \qquad \delta' = s\, \delta. \tag{9}$$
#
# The gradient of an output with respect to the input shows the field: it is zero outside.
# `pull` measures it for the last layer's output in the middle, in a stack of layers with random weights; (9) is checked with positive ones, so that nothing cancels.


# %%
def receptive_field(stack):  # stack: (h, s, d) of each layer
    R = jump = 1
    for h, s, d in stack:
        R, jump = R + d * (h - 1) * jump, s * jump  # (9)
    return R


def pull(stack, draw, side=121):
    x = torch.zeros(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    y = x
    for h, s, d in stack:
        y = F.conv2d(y, draw(1, 1, h, h).double(), stride=s, dilation=d)
    middle = y.shape[-1] // 2
    y[0, 0, middle, middle].backward()
    return x.grad[0, 0]  # [side, side]


# %%
for _ in range(run.trials):
    h, s, d = (torch.randint(1, n, (3,)).tolist() for n in (5, 3, 3))
    stack = list(zip(h, s, d, strict=True))  # three layers
    rows = pull(stack, torch.rand).sum(dim=1).nonzero()  # that the output feels
    assert rows.max() - rows.min() + 1 == receptive_field(stack), stack

# %% [markdown]
# That is the field in theory.
# With random weights, where the kernels of several layers overlap, an output listens on average to the middle of its field more than to the rim, since more paths lead there.
# With many layers of stride 1 the mean square of the gradient falls off like a Gaussian (Luo et al. 2016).
# `influence` is this mean square, over several draws of the weights.


# %%
def influence(stack, draws=50):
    dice = torch.Generator().manual_seed(0)
    draw = functools.partial(torch.randn, generator=dice)
    return sum(pull(stack, draw) ** 2 for _ in range(draws)) / draws


def stack_of(depth, kernel_size, stride, dilation):
    strides = [stride, stride, 1, 1, 1, 1]  # the first two layers stride
    return [(kernel_size, s, dilation) for s in strides[:depth]]


# %%
stack = stack_of(depth=5, kernel_size=3, stride=2, dilation=1)
seen, R = influence(stack), receptive_field(stack)
top, left = seen.nonzero().min(dim=0).values
third = slice(R // 3, R - R // 3)  # the middle third of rows, and of columns
middle = seen[top : top + R, left : left + R][third, third]
of_area, of_influence = middle.numel() / R**2, middle.sum() / seen.sum()
print(f"the middle: {of_area:.0%} of the field, {of_influence:.0%} of the influence")
assert of_influence > 2 * of_area

# %% [markdown]
# In the figure two strided layers come first, then layers of stride 1.
# **Predict** before you move a slider: does depth or stride widen the field faster?


# %%
def draw_field(**controls):
    stack = stack_of(**controls)
    seen, R = influence(stack), receptive_field(stack)
    row, column = seen.nonzero().double().mean(dim=0).tolist()  # of the middle
    grey = photo[0, :, 60:181, 60:181].mean(dim=0)  # as large as `seen`
    fig, (left, right) = plots.figure(1, 2, width=7.0, height=3.4)
    left.imshow(grey, cmap="gray")
    corner = (column - R / 2, row - R / 2)
    square = Rectangle(corner, R, R, fill=False, edgecolor="#E69F00", linewidth=2.5)
    left.add_patch(square)
    left.set_title(f"field {R}x{R}")
    right.imshow(seen.sqrt(), cmap="magma")
    right.set_title("influence of each pixel (its root)")
    for axis in (left, right):
        axis.axis("off")
    return fig


# %%
explore(
    draw_field,
    alt="A photograph with a square on it, the receptive field; beside it a spot of "
    "bright dots on a lattice, fading outwards: the influence of each pixel.",
    caption="Left: all that one output can see. "
    "Right: what it listens to, for random weights.",
    depth=(1, 6, 5),
    kernel_size=(2, 4, 3),
    stride=(1, 2, 2),
    dilation=(1, 2, 1),
)

# %% [markdown]
# Stride does, once layers follow it: by (9) each layer of stride 2 doubles all later growth (here two do), while a layer without stride adds the same few pixels each time.
# (The dots: stride 2 does not divide 3, so some pixels are read more often than others.)
#
# ## The way back: transposed convolution
#
# A generator has to turn 4x4 into 32x32.
# A strided convolution cannot: by (3), with $d = 1$, $s \ge 2$ and a padding of at most half the kernel, the output has at most $\lfloor H/s \rfloor + 1$ rows, never more than the input.
# With more padding at most $\lceil (H + h - 1)/s \rceil$ rows see the image, again no more than $H$ while the kernel is no larger than the image.
# All further rows see nothing but zeros.
#
# It is an easy mistake to write `nn.Conv2d` for `nn.ConvTranspose2d` in a generator.
# See what two such layers do to 7x7, and what two transposed ones do:

# %%
# NBVAL_CHECK_OUTPUT
for kind in (nn.Conv2d, nn.ConvTranspose2d):
    x = torch.zeros(1, 8, 7, 7)
    sides = [7]
    for _ in range(2):
        x = kind(8, 8, kernel_size=4, stride=2, padding=1)(x)
        sides.append(x.shape[-1])
    print(kind.__name__, *(f"{side}x{side}" for side in sides), sep=" -> ")

# %% [markdown]
# If $A$ takes $n$ numbers to $m$, its transpose $A^\top$ takes $m$ to $n$.
# It is defined by
#
# $$\langle A x, y\rangle = \langle x, A^\top y\rangle \quad \text{for all } x, y, \tag{10}$$
#
# and it is what the backward pass of a convolution computes for its input.
# As a layer of its own it is the **transposed convolution**: each input number stamps the kernel into the output, $s$ pixels apart; where stamps overlap they add up, and a padding of $p$ *cuts* $p$ rows and columns from each side.
# It is *not* the inverse of $A$: "deconvolution" is a misnomer.
# From (3), with $d = 1$, its output has
#
# $$H = s\,(H' - 1) - 2p + h + p' \tag{11}$$
#
# rows.
# The *output padding* $0 \le p' < s$ says which of the $s$ sizes that a strided convolution rounds to the same $H'$ is meant.
# Three checks on random settings follow: the size, the transpose of the matrix, and (10), the **adjoint test**, which needs no matrix.


# %%
def transposed(y, k, s, p, p_out):
    how = {"stride": s, "padding": p, "output_padding": p_out}
    return F.conv_transpose2d(y[None, None], k[None, None], **how)[0, 0]


def any_of(low, high):
    return int(torch.randint(low, high + 1, ()))


# %%
for _ in range(run.trials):
    h, s, p, H = any_of(1, 4), any_of(1, 3), any_of(0, 1), any_of(5, 8)
    k, x = randn(h, h), randn(H, H)
    Ax = conv2d(x, k, stride=s, padding=p)
    y, p_out = torch.randn_like(Ax), (H + 2 * p - h) % s
    Aty = transposed(y, k, s, p, p_out)
    assert len(Aty) == H == s * (len(Ax) - 1) - 2 * p + h + p_out  # (11)
    A = layers.conv_matrix(k, H, s, p)
    assert largest(A.T @ y.flatten() - Aty.flatten()) < 1e-12
    assert abs((Ax * y).sum() - (x * Aty).sum()) < 1e-10  # (10)

# %% [markdown]
# ### Checkerboards
#
# How many input numbers reach an output pixel?
# In one dimension, position $q$ is reached by those $i$ for which the kernel has a cell $q + p - s i$:
#
# $$n(q) = \#\{\, i : 0 \le q + p - s\,i < h \,\}. \tag{12}$$
#
# If $s$ does not divide $h$, $n$ goes up and down with $q$ (Odena et al. 2016).
# If it does, $n$ is the same everywhere but at the border.

# %%
# NBVAL_CHECK_OUTPUT
for h, s, p in ((3, 2, 1), (4, 2, 1), (5, 3, 0), (6, 3, 1)):
    ones, kernel = torch.ones(1, 1, 9), torch.ones(1, 1, h)
    counted = F.conv_transpose1d(ones, kernel, stride=s, padding=p)[0, 0]
    for q, count in enumerate(counted):
        assert count.round() == sum(0 <= q + p - s * i < h for i in range(9))  # (12)
    middle = counted[6:15].round().int().tolist()
    print(f"kernel {h}, stride {s}: {middle} inputs reach nine outputs")

# %% [markdown]
# Two other ways to enlarge:
# repeat each pixel, then convolve.
# Or make $s^2$ channels and interleave them, **pixel shuffle** (Shi et al. 2016); **ICNR initialisation** (Aitken et al. 2017) begins with the same kernel for all $s^2$.
#
# Here are five layers from [N, 16, 8, 8] to [N, 1, 16, 16], with random weights and no bias.
# What do they make of a flat area?
# `pattern` says how much the output changes from pixel to pixel: its standard deviation divided by its root mean square, 0 where it is flat.


# %%
def shuffled():
    conv = nn.Conv2d(16, 4, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.PixelShuffle(2))


def icnr():
    up = shuffled()
    weight = up[0].weight  # [4, 16, 3, 3]
    weight.data.copy_(weight[:1].expand(4, -1, -1, -1))
    return up


def repeated():
    conv = nn.Conv2d(16, 1, 3, padding=1, bias=False)
    return nn.Sequential(nn.Upsample(scale_factor=2), conv)


# %%
def upsamplers():
    how = {"stride": 2, "padding": 1, "bias": False}
    return {
        "transposed 3x3": nn.ConvTranspose2d(16, 1, 3, output_padding=1, **how),
        "transposed 4x4": nn.ConvTranspose2d(16, 1, 4, **how),
        "repeat, then 3x3": repeated(),
        "pixel shuffle": shuffled(),
        "pixel shuffle, ICNR": icnr(),
    }


# %%
def on_flat(up):
    y = up(torch.ones(1, 16, 8, 8)).detach()
    return y[0, 0, 4:12, 4:12]  # away from the border


def pattern(up):
    y = on_flat(up)
    return (y.var(correction=0) / y.square().mean()).item() ** 0.5


def changed(up, change):
    """The same layer after change(weight) for each of its weights, in place."""
    for weight in up.parameters():
        change(weight)
    return up


# %% [markdown]
# First with all weights equal, where only the overlap (12) counts.
# A 3x3 kernel with stride 2 reaches an output 1 or 2 times a direction, so 1, 2, 2 or 4 times in two: mean 2.25, mean square 6.25, pattern $\sqrt{1 - 2.25^2/6.25} = 0.436$.

# %%
even = {name: changed(up, nn.init.ones_) for name, up in upsamplers().items()}
from_overlap = {name: pattern(up) for name, up in even.items()}
assert abs(from_overlap["transposed 3x3"] - (1 - 2.25**2 / 6.25) ** 0.5) < 1e-6
assert max(v for name, v in from_overlap.items() if name != "transposed 3x3") < 1e-4

# %% [markdown]
# Then with random weights, over many layers.
# A transposed convolution or a pixel shuffle gives each of the four neighbours in a 2x2 block *weights of its own*, so a flat area becomes four independent numbers, each as often negative as positive.
# On average over layers their mean takes a quarter of the mean square and what is left three quarters: the root mean square of the pattern is $\sqrt{3/4} = 0.87$, even overlap or not.
#
# And does a start without pattern stay so?
# Training gives each of the four kernels of a pixel shuffle a gradient of its own; `nudge` stands for that by a random change, a tenth as large as the weights vary.


# %%
@torch.no_grad()
def nudge(weight):
    weight.add_(0.1 * weight.std() * torch.randn_like(weight))


torch.manual_seed(run.seed)
found = {name: [] for name in from_overlap}
for _ in range(run.kernels):
    random = upsamplers()
    for name, up in random.items():
        before, after = pattern(up), pattern(changed(up, nudge))
        found[name].append((before**2, after**2))

# %%
squares = {name: torch.tensor(pairs) for name, pairs in found.items()}
rms = {name: f.mean(dim=0).sqrt().tolist() for name, f in squares.items()}
median = {name: f[:, 1].median().sqrt().item() for name, f in squares.items()}
rows = [(name, from_overlap[name], *rms[name], median[name]) for name in rms]
columns = ("pattern of", "equal", "random: rms", "changed: rms", "changed: median")
tables.show(rows, columns)
checker = {name: before for name, (before, _) in rms.items()}
icnr_changed = rms["pixel shuffle, ICNR"][1]
assert max(rms["repeat, then 3x3"]) < 1e-4
assert checker["pixel shuffle, ICNR"] < 1e-4 < 0.05 < icnr_changed
assert median["pixel shuffle, ICNR"] < icnr_changed / 2  # a few layers have most

# %%
for name in ("transposed 3x3", "transposed 4x4", "pixel shuffle"):
    assert abs(checker[name] ** 2 - 0.75) < 2 / run.kernels**0.5  # scatter
    assert icnr_changed < rms[name][1]

# %%
blocks = {}
for title, ups in (("equal weights", even), ("random, then changed", random)):
    outputs = torch.stack([on_flat(up) for up in ups.values()])[:, None]
    peak = outputs.abs().amax(dim=(2, 3), keepdim=True)
    blocks[title] = 0.7 * outputs / peak
drawn = {name: pattern(up) for name, up in random.items()}
assert sorted(drawn, key=drawn.get)[:2] == ["repeat, then 3x3", "pixel shuffle, ICNR"]
plots.show(
    plots.grid(blocks, cols=5, labels=list(checker)),
    alt="Two rows of five squares. Equal weights: a grid from the transposed 3x3, "
    "the others flat. Random weights, changed: the repeated one is flat, pixel "
    "shuffle with ICNR has a weaker pattern than the three others.",
    caption="What five layers make of a flat area, away from the border, each by "
    "its own largest value; mid-grey is 0. Only repetition is flat in both rows.",
)

# %% [markdown]
# So there are two causes, uneven overlap and unequal weights, and two degrees of cure.
# Away from the border, where zeros come in, repetition keeps flat areas flat *whatever the weights*, also after training.
# ICNR initialisation only *starts* flat: nothing keeps its four kernels equal, and a change by a tenth is enough for a pattern, small in most layers and large in a few.
# Training may also remove what the other layers start with, but it has to learn that.
#
# ## Explore: paint a kernel
#
# Nine weights are yours, added to those of the kernel that you start from.
# **Predict** before you move one: what does a kernel that sums to 0 (see its title) do to flat areas?
# How do you make a kernel that moves the picture to the right?
# And one that is bright at *left* edges of bright things: what is it at right edges?

# %%
small = F.interpolate(photo, size=96, mode="area")
CELLS = ("top_left", "top", "top_right", "left", "middle", "right")
CELLS = (*CELLS, "bottom_left", "bottom", "bottom_right")


def draw_kernel(axis, kernel):
    bound = max(1.0, largest(kernel))
    axis.imshow(kernel, cmap="RdBu", vmin=-bound, vmax=bound)
    for i, j in itertools.product(range(3), range(3)):
        value = kernel[i, j].item()
        color = "white" if abs(value) > 0.6 * bound else "black"
        axis.text(j, i, f"{value:.2g}", ha="center", va="center", color=color)


# %%
def paint(start, repeat, **weights):
    mine = torch.tensor([weights[cell] for cell in CELLS]).view(3, 3)
    kernel = mine + KERNELS[start]
    y = small
    for _ in range(repeat):
        y = filtered(y, kernel)
    widths = {"width_ratios": [2, 1.2, 2]}
    fig, axes = plots.figure(1, 3, width=8.0, height=2.8, gridspec_kw=widths)
    draw_kernel(axes[1], kernel)
    for axis, image in ((axes[0], small), (axes[2], y)):
        axis.imshow((image[0].permute(1, 2, 0).clamp(-1, 1) + 1) / 2)
    titles = ("before", f"sum {kernel.sum():.2g}", "after")
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title)
        axis.axis("off")
    return fig


# %%
explore(
    paint,
    alt="A photograph, a kernel of nine cells with their weights, coloured by sign, "
    "and the photograph filtered by it.",
    caption="Blue cells are positive, red ones negative, white ones 0.",
    start=["emboss", *KERNELS],
    **{cell: (-2.0, 2.0, 0.0) for cell in CELLS},
    repeat=(1, 8, 1),
)

# %% [markdown]
# A kernel that sums to 0 turns flat areas to 0, mid-grey.
# The other two answers by numbers.
# A single weight *left* of the middle moves the picture to the right: by (2) each output copies its left neighbour.
# And the kernel with -1 on the left and 1 in the middle is 1 at the left edge of a bright bar, but -1 just behind its right edge: a kernel that sums to 0 responds to a rise and to a fall with opposite signs.

# %%
to_the_right = torch.zeros(3, 3)
to_the_right[1, 0] = 1.0
assert filtered(small, to_the_right)[..., 1:].equal(small[..., :-1])
bar = torch.tensor([0, 0, 1, 1, 1, 0, 0])
assert bar.diff().tolist() == [0, 1, 0, 0, -1, 0]  # weights (-1, 1) along a row

# %% [markdown]
# ## Break it
#
# Three mistakes that raise no error.
# **Predict** each picture.
#
# 1. The Fourier way *without* adding zeros, with a kernel that moves the picture by 40 pixels.
# 2. An *even* kernel, 2x2 blur, with padding at the top and at the left only, applied 32 times.
# 3. Zero padding, 5x5 blur, 12 layers.

# %%
grey = photo.mean(dim=1, keepdim=True)  # [1, 1, 256, 256]
moves = torch.eye(41)[40:]  # [1, 41], 1 in the last place
wrapped = product_of_spectra(grey[0, 0], moves, (256, 256))  # 1

drifted = grey
for _ in range(32):
    padded = F.pad(drifted, (1, 0, 1, 0), mode="replicate")
    drifted = F.conv2d(padded, torch.full((1, 1, 2, 2), 1 / 4))  # 2

# %%
box = torch.full((1, 1, 5, 5), 1 / 25)
faded = mirrored = grey + 1  # black is 0 here
for _ in range(12):
    faded = F.conv2d(faded, box, padding=2)  # 3
    mirrored = F.conv2d(F.pad(mirrored, (2, 2, 2, 2), mode="reflect"), box)

# %%
pictures = [grey, wrapped[None, None], drifted, faded - 1]
plots.show(
    plots.grid(
        torch.cat(pictures).clamp(-1, 1),
        cols=4,
        labels=["original", "1: came in again", "2: drifted", "3: dark frame"],
    ),
    alt="Four grey photographs: the original; moved right with the right part back "
    "on the left; blurred and moved down and right; blurred with a dark frame.",
    caption="1: what leaves comes in again. 2: half a pixel a layer. 3: zeros leak in.",
)

# %% [markdown]
# The first: what left on the right has come in on the left.
# The third: beside the same blur with a mirrored border, the three columns at the left border have lost two thirds of their brightness, and what is further in than 24 pixels, 2 a layer, nothing.
#
# The second drifted: each even kernel moves the picture by half a pixel down and half a pixel right, so 32 of them by 16.
# To see it, blur the original *symmetrically* as strongly, and ask which shift along the diagonal fits best.

# %%
assert torch.allclose(wrapped[:, :40], grey[0, 0, :, -40:], atol=1e-4)
left = (faded / mirrored)[0, 0]
frame, inside = left[:, :3].mean(), left[24:-24, 24:-24]
print(f"brightness left in the three left columns: {frame:.0%},")
print(f"further in than 24 pixels: {inside.mean():.0%}")
assert frame < 0.4
assert (inside - 1).abs().max() < 1e-5 < 0.01 < 1 - left[64, 12]

# %%
# NBVAL_CHECK_OUTPUT
u = torch.tensor([0.25, 0.5, 0.25])  # two kernels (1, 1) / 2 make one of these
still, inner, distances = grey, slice(60, 190), []
for _ in range(16):
    padded = F.pad(still, (1, 1, 1, 1), mode="replicate")
    still = F.conv2d(padded, (u[:, None] * u)[None, None])
for n in range(24):
    difference = drifted - still.roll((n, n), (2, 3))  # n down, n to the right
    distances.append(difference[..., inner, inner].square().mean())
best = torch.stack(distances).argmin().item()
print(f"moved by {best} pixels, as predicted: 32 x 1/2")
assert best == 16

# %%
run.report(
    largest_difference=max(errors.values()),
    pattern_of_uneven_overlap=from_overlap["transposed 3x3"],
    pattern_transposed_3x3=checker["transposed 3x3"],
    pattern_transposed_4x4=checker["transposed 4x4"],
    pattern_repeat_then_3x3=checker["repeat, then 3x3"],
    pattern_pixel_shuffle=checker["pixel shuffle"],
    pattern_icnr=checker["pixel shuffle, ICNR"],
    pattern_icnr_changed=icnr_changed,
    random_layers=run.kernels,
)
run.expect(
    largest_difference=("<", 1e-12),
    pattern_transposed_3x3=(">", 0.3),
    pattern_repeat_then_3x3=("<", 1e-4),
)

# %% [markdown]
# ## Exercises
#
# One to three stars.
# [The exercise notebook](exercises/12_convolution.ipynb) has them with checks that explain what went wrong.
#
# 1. ★ *(2 minutes)* Which padding keeps the size?
# 2. ★ *(5 minutes)* Convolution as it is defined in (1).
# 3. ★★ *(10 minutes)* The receptive field of any stack of layers.
# 4. ★★ *(15 minutes)* The transposed convolution by stamping.
# 5. ★★★ *(30 minutes, a project)* Twice as large without a pattern: a fixed kernel that keeps flat areas flat and a ramp a ramp.
#
# To try here *(10 minutes each)*:
#
# - With which kernel, stride and `groups` is a convolution `F.avg_pool2d(x, 2)`? How many weights does each of these have: a 3x3 convolution from 64 to 64 channels, one on each channel by itself (`groups=64`), and a 1x1 convolution after that?
# - Move a photograph by one pixel, keep every second pixel, and compare with the unmoved one. How much do they differ with a blur before, and without?
#
# ## What to remember
#
# - A convolution layer is a matrix with few, shared weights; Conv2d correlates; unfolding makes it one matrix product.
# - $H' = \lfloor (H + 2p - d(h-1) - 1)/s \rfloor + 1$; the field grows by $d(h-1)$ times the jump.
# - The transposed convolution is the transpose, not the inverse. With a stride it enlarges; a strided convolution shrinks.
# - Checkerboards come from uneven overlap and from unequal weights. Away from the border repeat-then-convolve keeps flat areas flat whatever the weights; pixel shuffle with ICNR initialisation only starts so.
#
# ## Further reading
#
# - V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, 2016, arXiv:1603.07285.
# - W. Luo, Y. Li, R. Urtasun, R. Zemel, *Understanding the Effective Receptive Field in Deep Convolutional Neural Networks*, 2016, arXiv:1701.04128.
# - A. Odena, V. Dumoulin, C. Olah, *Deconvolution and Checkerboard Artifacts*, Distill, 2016.
# - W. Shi et al., *Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network*, 2016, arXiv:1609.05158.
# - A. Aitken et al., *Checkerboard artifact free sub-pixel convolution*, 2017, arXiv:1707.02937.
