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
# # Exercises 12: Convolution
#
# They belong to notebook 12.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import convolution as check

# %% [markdown]
# ## 1. Keep the size  ★ (2 minutes)
#
# Which padding keeps the size of the image, for a kernel of `h` cells (odd), stride 1 and dilation `d`?


# %%
def same_padding(h, d):
    ### BEGIN SOLUTION
    return d * (h - 1) // 2
    ### END SOLUTION


# %%
check.same_padding(same_padding)  # 1 point

# %% [markdown]
# ## 2. Convolution as it is defined  ★ (5 minutes)
#
# Write equation (1) for all places where the kernel fits.
# You may use `torch.nn.functional.conv2d`, which computes (2).


# %%
def convolve(x, k):
    """x: [H, W], k: [h, w]. Returns [H - h + 1, W - w + 1]."""
    ### BEGIN SOLUTION
    flipped = k.flip(0, 1)
    return torch.nn.functional.conv2d(x[None, None], flipped[None, None])[0, 0]
    ### END SOLUTION


# %%
check.convolve(convolve)  # 2 points

# %% [markdown]
# ## 3. How far it sees  ★★ (10 minutes)
#
# The receptive field of a stack of layers by equation (9).


# %%
def receptive_field(stack):
    """stack: a list of (kernel, stride, dilation), the first layer first.

    Returns the side of the field in pixels.
    """
    ### BEGIN SOLUTION
    r = j = 1
    for h, s, d in stack:
        r, j = r + d * (h - 1) * j, s * j
    return r
    ### END SOLUTION


# %%
check.receptive_field(receptive_field)  # 2 points

# %% [markdown]
# ## 4. Stamping  ★★ (15 minutes)
#
# The transposed convolution without torch's: begin with zeros of the full size, $s(H - 1) + h$ rows.
# Let each input number stamp the kernel, `s` pixels apart; where stamps overlap they add up.
# Then cut `p` rows and columns from each side.


# %%
def conv_transpose(y, k, s, p):
    """y: [H, W], k: [h, w], stride s, padding p.

    Returns [s (H - 1) + h - 2 p, s (W - 1) + w - 2 p].
    """
    ### BEGIN SOLUTION
    (H, W), (h, w) = y.shape, k.shape
    out = torch.zeros((H - 1) * s + h, (W - 1) * s + w, dtype=y.dtype)
    for i in range(H):
        for j in range(W):
            out[i * s : i * s + h, j * s : j * s + w] += y[i, j] * k
    return out[p : out.shape[0] - p, p : out.shape[1] - p]
    ### END SOLUTION


# %%
check.conv_transpose(conv_transpose)  # 3 points

# %% [markdown]
# ## 5. Twice as large, without a pattern  ★★★ (30 minutes, a project)
#
# Enlarge [8, 8] to [16, 16] by a fixed kernel, nothing learned.
# What your answer has to keep, exactly, in all places that are at least 4 pixels from the border:
#
# - A flat area stays flat, at the same level.
# - A ramp stays a ramp: where the input rises by 1 from one column to the next, the output rises by 1/2 from each column to the next, and the same for rows. (torch's bicubic interpolation does not do that.)
# - No output pixel is a mere copy of an input pixel: each mixes at least two.
#
# What happens at the border is up to you.
# Which kernel is it, and what does it do to an edge?


# %%
def upsample(x):
    """x: [8, 8]. Returns [16, 16]."""
    ### BEGIN SOLUTION
    u = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype) / 4
    padded = torch.nn.functional.pad(x[None, None], (1, 1, 1, 1), mode="replicate")
    kernel = u[:, None] * u  # a product: rows, then columns
    return torch.nn.functional.conv_transpose2d(
        padded, kernel[None, None], stride=2, padding=3
    )[0, 0]
    ### END SOLUTION


# %%
check.upsample(upsample)  # 4 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Each output lies a quarter of a pixel beside the middle of an input pixel, so it takes 3/4 of this one and 1/4 of the next: the kernel (1, 3, 3, 1) / 4 in each direction, bilinear interpolation.
# Both sets of weights, (3, 1) / 4 and (1, 3) / 4, sum to 1.
#
# An edge from 0 to 1 becomes 0, 1/4, 3/4, 1: it is smoothed, and a kernel of this size that keeps ramps has no freedom left to keep it sharp.
# <!-- END SOLUTION -->
