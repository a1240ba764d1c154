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
# # Exercises 32: A convolutional VAE
#
# They belong to notebook 32.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch

from genimg_lib.check import conv_vae as check

# %% [markdown]
# ## 1. One knob  ★ (5 minutes)
#
# A colleague's program adds the squared error of an image, *averaged* over its D numbers and divided by $2\sigma^2$, to `beta` times the KL (summed, as it should be).
# Which standard deviation gives the same model if the error is summed and the KL has no weight?


# %%
def same_model(beta, sigma, D):
    """beta, sigma: above 0; D: numbers of an image. Returns the other sigma."""
    ### BEGIN SOLUTION
    return math.sqrt(beta * D) * sigma
    ### END SOLUTION


# %%
check.same_model(same_model)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# $S / (2 D \sigma^2) + \beta\,\mathrm{KL} = \tfrac{1}{D} \big( S / (2\sigma^2) + \beta D\,\mathrm{KL} \big)$: averaging multiplies $\beta$ by D, and (3) does the rest.
# With 3,072 numbers a "beta of 1" at $\sigma = 0.1$ is a $\sigma$ of 5.5, more than the whole range of a pixel.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. Bits from a density  ★ (5 minutes)
#
# A density of images was fitted with uniform noise between the levels, which are `width` apart.
# By (7), how many bits does it need for each of the `dimensions` numbers of an image, at most?


# %%
def dense_bits(log_density, dimensions, width):
    """log_density: nats, [N]; the others: numbers. Returns bits per number, [N]."""
    ### BEGIN SOLUTION
    return -(log_density / dimensions + math.log(width)) / math.log(2)
    ### END SOLUTION


# %%
check.dense_bits(dense_bits)  # 2 points

# %% [markdown]
# ## 3. Patches by hand  ★★ (10 minutes)
#
# `nn.PixelUnshuffle(p)` makes the pixels of each p x p patch into channels: for every channel of the image in turn, first the patch's first row from left to right, then the next row.
# Write it with `reshape` and `permute`: two reshapes with one permute between them.
# (The last axis runs fastest, in `reshape` too.)


# %%
def patches(x, p):
    """x: [N, C, H, W], H and W multiples of p. Returns [N, C p², H / p, W / p]."""
    ### BEGIN SOLUTION
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // p, p, w // p, p)
    x = x.permute(0, 1, 3, 5, 2, 4)  # [N, C, p, p, H / p, W / p]
    return x.reshape(n, c * p * p, h // p, w // p)
    ### END SOLUTION


# %%
check.patches(patches)  # 2 points

# %% [markdown]
# ## 4. Free bits  ★★ (10 minutes)
#
# Each coordinate pays the mean of its KL over the batch, but never less than `least` nats; add up what the coordinates pay.
# (So the first `least` nats are free: they cost the same whether they are used or not.)
# Training differentiates it, so stay with torch's functions.
# What is the gradient of a coordinate below `least`, and what does that do to one that is silent?


# %%
def free_bits(mean, logvar, least):
    """mean, logvar: [N, d]; least: nats. Returns one number, nats."""
    ### BEGIN SOLUTION
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar)  # [N, d]
    return kl.mean(dim=0).clamp(min=least).sum()
    ### END SOLUTION


# %%
check.free_bits(free_bits)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# It is 0: nothing pushes such a coordinate to silence, and nothing keeps it from speaking up to `least`.
# The number is then no KL any more, so it belongs in training, not in a report.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 5. Where all codes lie  ★★ (15 minutes)
#
# The logarithm of the aggregated posterior's density, $q(z) = \frac1N \sum_j \mathcal{N}(z; \mu_j, \mathrm{diag}(\sigma_j^2))$, at some points z, with $\sigma_j^2$ = `exp(logvar)`.
# There may be more points than codes, or fewer.
# It has to be right far away from all codes, too, where the densities are smaller than any float.


# %%
def log_aggregated(z, mean, logvar):
    """z: [M, d]; mean, logvar: [N, d]. Returns nats, [M]."""
    ### BEGIN SOLUTION
    error = (z[:, None] - mean).square() / logvar.exp()  # [M, N, d]
    each = -0.5 * (math.log(2 * math.pi) + logvar + error).sum(dim=2)  # [M, N]
    return torch.logsumexp(each, dim=1) - math.log(len(mean))
    ### END SOLUTION


# %%
check.log_aggregated(log_aggregated)  # 3 points

# %% [markdown]
# ## 6. The two parts of the rate  ★★★ (25 minutes, a project)
#
# Equation (1) from samples: `z[i]` was drawn from the q of image i.
# Give the information, and the KL of $q(z)$ to the standard normal prior, both as means over the images.
#
# Then call it in notebook 32, below "One curve", on drawn codes of each `short[sigma]` (`mu, lv = encode(short[sigma], test.images)`; a table of 2,000 codes by 2,000 takes half a GB).
# No more than log N nats of information can be seen among N images.
# For which $\sigma_x$ can the rate be split, and why not for the others?


# %%
def rate_parts(z, mean, logvar):
    """z, mean, logvar: [N, d]. Returns (information, KL of q(z) to the prior), nats."""
    ### BEGIN SOLUTION
    own = -0.5 * (
        math.log(2 * math.pi) + logvar + (z - mean).square() / logvar.exp()
    ).sum(dim=1)
    mixture = log_aggregated(z, mean, logvar)
    prior = -0.5 * (math.log(2 * math.pi) + z.square()).sum(dim=1)
    return (own - mixture).mean(), (mixture - prior).mean()
    ### END SOLUTION


# %%
check.rate_parts(rate_parts)  # 4 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# For none of them: even at 1.6 the first part is 7.54 of log 2,000 = 7.60.
# Where it stands so near, the codes of these images hardly overlap, and more images would move nats from the second part to the first.
# <!-- END SOLUTION -->
