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
# A colleague reports a VAE with a weight `beta` of the KL and a fixed standard deviation `sigma` of the pixels.
# Which standard deviation gives the same model without any beta?


# %%
def same_model(beta, sigma):
    """Two numbers above 0. Returns the other standard deviation."""
    ### BEGIN SOLUTION
    return math.sqrt(beta) * sigma
    ### END SOLUTION


# %%
check.same_model(same_model)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Divide the loss by beta: $S / (2 \sigma^2 \beta) + \mathrm{KL}$, so $\sigma'^2 = \beta \sigma^2$.
# The minimum is the same; only the size of the loss is another one.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. Bits from a density  ★ (5 minutes)
#
# A density of images was fitted with uniform noise between the levels, which are `width` apart.
# By (6), how many bits does it need for each of the `dimensions` numbers of an image, at most?


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
# Write it with `reshape` and `permute` alone.


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
# Each coordinate has `least` nats free: charge for it the mean of its KL over the batch, but `least` if that is more, and add up the coordinates' charges.
# Training differentiates it, so stay with torch's functions.


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
# A coordinate below `least` has no gradient: nothing pushes it to silence, and nothing rewards it for speaking less.
# The number is then no KL any more, so it belongs into training, not into a report.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 5. Where all codes lie  ★★ (15 minutes)
#
# The logarithm of the aggregated posterior's density, $q(z) = \frac1N \sum_j \mathcal{N}(z; \mu_j, \mathrm{diag}(\sigma_j^2))$, at some points z.
# It has to stay finite far away from all codes.


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
# Then take codes of a trained model of notebook 32: how much of its rate is the second part, and does that change with $\sigma_x$?


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
