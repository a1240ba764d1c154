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
# # Exercises 16: Gram matrices
#
# They belong to notebook 16.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import gram_matrices as check

# %% [markdown]
# ## 1. A wall of one colour  ★ (3 minutes)
#
# One channel, `height` x `width` places, the value `a` at each: what is the only entry of its Gram matrix?


# %%
def constant_gram(a, height, width):
    ### BEGIN SOLUTION
    return a**2
    ### END SOLUTION


# %%
check.constant_gram(constant_gram)  # 1 point

# %% [markdown]
# ## 2. The matrix  ★ (5 minutes)
#
# Equation (1), for a batch: one matrix for each image, features of any number of channels and any size.
# Training differentiates it, so stay with torch's functions.


# %%
def gram(features):
    """features: [N, C, H, W]. Returns [N, C, C]."""
    ### BEGIN SOLUTION
    n, c, h, w = features.shape
    rows = features.reshape(n, c, h * w)
    return rows @ rows.transpose(1, 2) / (c * h * w)
    ### END SOLUTION


# %%
check.gram(gram)  # 2 points

# %% [markdown]
# ## 3. What differs  ★ (5 minutes)
#
# For each image, the squared Frobenius norm of the difference between its Gram matrix and a given target: the sum of the squares of all entries.
# Training differentiates it, so stay with torch's functions.


# %%
def style_loss(features, target):
    """features: [N, C, H, W], target: [N, C, C]. Returns [N]."""
    ### BEGIN SOLUTION
    n, c, h, w = features.shape
    rows = features.reshape(n, c, h * w)
    gram = rows @ rows.transpose(1, 2) / (c * h * w)
    return (gram - target).square().sum(dim=(1, 2))
    ### END SOLUTION


# %%
check.style_loss(style_loss)  # 2 points

# %% [markdown]
# ## 4. Means and covariances  ★★ (10 minutes)
#
# From the Gram matrix of one image and the means of its channels, find the covariance of the channels over the places, as equation (4) has it.


# %%
def covariance_from_gram(G, mu):
    """G: [C, C], mu: [C]. Returns [C, C], divided by H W."""
    ### BEGIN SOLUTION
    return len(mu) * G - torch.outer(mu, mu)
    ### END SOLUTION


# %%
check.covariance_from_gram(covariance_from_gram)  # 2 points

# %% [markdown]
# ## 5. AdaIN  ★★ (15 minutes)
#
# Give each channel of each image of the content's features the mean and the standard deviation (over its places) that this channel has in the style's.
# The content's own pattern stays, shifted and scaled.
# Divide by n or by n - 1 in the deviation, as you like, but in both deviations alike.
# Training differentiates it, so stay with torch's functions.


# %%
def adain(content, style):
    """content, style: [N, C, H, W], sizes may differ. Gives the content's shape."""
    ### BEGIN SOLUTION
    over = (2, 3)  # the places
    mean, std = content.mean(over, keepdim=True), content.std(over, keepdim=True)
    new_mean, new_std = style.mean(over, keepdim=True), style.std(over, keepdim=True)
    return new_mean + new_std * (content - mean) / std
    ### END SOLUTION


# %%
check.adain(adain)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# AdaIN matches the means and the diagonal of the covariance; a Gram matrix mixes the means with the whole covariance.
# AdaIN keeps how channels go together in the *content*: their correlations do not change.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 6. A pair of textures  ★★ (10 minutes)
#
# Julesz asked whether an eye can tell two textures apart in which any pair of pixels has the same statistics.
# Here is such a pair, of black (0) and white (1) pixels.
# In the first every pixel is thrown by a coin.
# In the second only the top row and the left column are; every other pixel is chosen so that each block of $2 \times 2$ neighbours has an *even* number of ones.
# Any two pixels of it, and any three, are still independent, but the four corners of a rectangle are not.
#
# Make the second from its row and its column; `row[0]` and `column[0]` are the same pixel, the corner.


# %%
def even_texture(row, column):
    """row: int64 [W], column: int64 [H], of 0 and 1. Returns int64 [H, W]."""
    ### BEGIN SOLUTION
    return (row[None, :] + column[:, None] + row[0]) % 2
    ### END SOLUTION


# %%
check.even_texture(even_texture)  # 2 points

# %% [markdown]
# Look at both, and at their autocorrelations, averaged over many throws (in *one* even texture they scatter much more, since each row is the first one or its reverse).

# %%
from genimg_lib import plots


def throw(g):
    """Both textures of one throw of coins, of -1 and 1: [2, 1, 48, 48]."""
    coins = torch.randint(2, (48, 48), generator=g)
    return 2.0 * torch.stack([coins, even_texture(coins[0], coins[:, 0])])[:, None] - 1


def correlations(x):
    """The mean products of pixels 1, 2 and 3 apart, and of blocks of four."""
    pairs = [(x[..., lag:] * x[..., :-lag]).mean().item() for lag in (1, 2, 3)]
    blocks = x[..., 1:, 1:] * x[..., 1:, :-1] * x[..., :-1, 1:] * x[..., :-1, :-1]
    return [round(value, 2) for value in (*pairs, blocks.mean().item())]


# %%
g = torch.Generator().manual_seed(0)
try:
    thrown = torch.stack([throw(g) for _ in range(400)])  # [400, 2, 1, 48, 48]
except NotImplementedError:
    print("first write even_texture")
else:
    plots.show(
        plots.grid(thrown[0], labels=["coins", "even"]),
        alt="Two textures of black and white pixels: noise, and stripes that cross.",
        caption="Any two pixels are independent in both.",
    )
    for name, x in zip(("coins", "even"), thrown.unbind(dim=1), strict=True):
        print(name, correlations(x))

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# The correlations of two pixels are 0 in both, the product of four is 1 everywhere in the second: long stripes that cross, which an eye sees at once.
# The Gram matrix of pixels cannot tell them apart, nor can that of linear filters: its entries are again sums over pairs of pixels.
# A ReLU makes the difference: after it, products of two maps depend on four pixels and more.
# That is one reason why the Gram matrices are taken of maps behind it.
# <!-- END SOLUTION -->
