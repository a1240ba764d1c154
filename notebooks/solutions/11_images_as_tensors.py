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
# # Exercises 11: Images as tensors
#
# They belong to notebook 11.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import images_as_tensors as check

# %% [markdown]
# ## 1. How large is an image?  ★ (2 minutes)
#
# How many bytes does an image take in memory, without any compression, if each of its numbers has `bits` bits?
# Any whole number of bits is possible, and numbers are packed without gaps: eight of 1 bit take one byte, and the check asks for whole bytes only.
# At 1024x1024 in colour: as float32, as uint8?


# %%
def image_bytes(height, width, channels, bits):
    """Four whole numbers. Returns a whole number of bytes."""
    ### BEGIN SOLUTION
    return height * width * channels * bits // 8
    ### END SOLUTION


# %%
check.image_bytes(image_bytes)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# 12 MiB as float32, 3 MiB as uint8: that is why the course keeps its sets as bytes and converts a batch at a time.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. To bytes and not around  ★ (5 minutes)
#
# Floats in [-1, 1], some of them a little outside, become bytes: equation (1) of the notebook.
# Leave `x` itself as it is.


# %%
def to_uint8(x):
    """x: floats, any shape. Returns uint8 of that shape."""
    ### BEGIN SOLUTION
    return (127.5 * (x.clamp(-1, 1) + 1)).round().to(torch.uint8)
    ### END SOLUTION


# %%
check.to_uint8(to_uint8)  # 2 points

# %% [markdown]
# ## 3. Grey as the eye sees it  ★★ (5 minutes)
#
# Turn colour into grey with the weights of equation (3).
# Keep the channel axis, round, and give bytes.


# %%
def luma(images):
    """images: uint8 [N, 3, H, W]. Returns uint8 [N, 1, H, W]."""
    ### BEGIN SOLUTION
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    return (images.float() * weights).sum(dim=-3, keepdim=True).round().to(torch.uint8)
    ### END SOLUTION


# %%
check.luma(luma)  # 2 points

# %% [markdown]
# ## 4. PSNR, and its range  ★★ (10 minutes)
#
# Two images have a mean squared error of 0.01 in [0, 1].
# What is it in [-1, 1], and does PSNR change with the right range in each?
#
# Then write PSNR for images in [-1, 1], one number for each image.
# The range is the one that pixels may take, whatever values these two images happen to have.


# %%
def psnr(x, y):
    """x, y: floats [N, C, H, W] in [-1, 1]. Returns decibels, [N]."""
    ### BEGIN SOLUTION
    mse = (x - y).square().flatten(1).mean(dim=1)
    return 10 * torch.log10(4 / mse)
    ### END SOLUTION


# %%
check.psnr(psnr)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Doubling the range doubles every difference: 0.04.
# PSNR does not change, since R² grows by the same factor of 4: 20 dB both times.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 5. The same histograms  ★★★ (15 minutes)
#
# Make from any image one that a person would call a different picture, and whose histograms are the same in every channel: at least a fifth of its pixels should change.
# What does this say about histograms?


# %%
def same_histograms(image):
    """image: uint8 [3, H, W]. Returns another one of the same shape."""
    ### BEGIN SOLUTION
    return image.flip(-1)
    ### END SOLUTION


# %%
check.same_histograms(same_histograms)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Any reordering of the pixels does: a mirror, a shuffle.
# Histograms say how often a value occurs and nothing about where.
# Shuffle the pixels of a face, and what looks like noise has the histograms of a face.
# <!-- END SOLUTION -->
