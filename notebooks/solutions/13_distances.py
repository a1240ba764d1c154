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
# # Exercises 13: Distances between distributions
#
# They belong to notebook 13.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch

from genimg_lib.check import distances as check

# %% [markdown]
# ## 1. Two coins  ★ (5 minutes)
#
# Take a fair coin and one with P(heads) = 0.9, and compute both KL divergences between them by hand.
# Then write equation (2) for tensors of probabilities, also where p has zeros (0 log 0 counts as 0), and where q has one that p has not: there KL is infinite.


# %%
def kl(p, q):
    """p, q: probabilities [..., K]. Returns nats, [...]."""
    ### BEGIN SOLUTION
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=-1)
    ### END SOLUTION


# %%
check.kl(kl)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# KL(fair, biased) = ½ log(0.5/0.9) + ½ log(0.5/0.1) = 0.511 nats.
# KL(biased, fair) = 0.9 log 1.8 + 0.1 log 0.2 = 0.368 nats.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. The entropy of a bell  ★ (5 minutes)
#
# The entropy of a Gaussian, in nats: minus the mean of log N(x; 0, σ²) when x is drawn from it.
# Why may it be negative?


# %%
def entropy_gaussian(sigma):
    """sigma: the standard deviation, a float. Returns a float."""
    ### BEGIN SOLUTION
    return 0.5 * math.log(2 * math.pi * math.e * sigma**2)
    ### END SOLUTION


# %%
check.entropy_gaussian(entropy_gaussian)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# A density can exceed 1, and its logarithm then is positive: below σ = 1/√(2πe) = 0.242 the entropy is negative.
# It measures volume relative to the unit; scale x by 10 and log 10 is added.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 3. Sand on a line  ★★ (10 minutes)
#
# W1 between two samples, also of different sizes n and m: each point of the first carries 1/n, each of the second 1/m.


# %%
def wasserstein_1d(x, y):
    """x: [n], y: [m]. Returns one number."""
    ### BEGIN SOLUTION
    n, m = len(x), len(y)
    x = x.sort().values.repeat_interleave(m)  # n m grains each
    y = y.sort().values.repeat_interleave(n)
    return (x - y).abs().mean()
    ### END SOLUTION


# %%
check.wasserstein_1d(wasserstein_1d)  # 2 points

# %% [markdown]
# ## 4. Two Gaussians  ★★ (10 minutes)
#
# KL(N(μ₁, σ₁²), N(μ₂, σ₂²)) from means and *log-variances*, equation (4), elementwise.


# %%
def kl_gaussians(mu1, logvar1, mu2, logvar2):
    """All of one shape. Returns nats, in that shape."""
    ### BEGIN SOLUTION
    ratio = (logvar1.exp() + (mu1 - mu2) ** 2) / logvar2.exp()
    return 0.5 * (logvar2 - logvar1 + ratio - 1)
    ### END SOLUTION


# %%
check.kl_gaussians(kl_gaussians)  # 2 points

# %% [markdown]
# ## 5. Fréchet on a line  ★★ (5 minutes)
#
# The Fréchet distance of two samples of numbers, each taken as a Gaussian: equation (15), which is squared already.


# %%
def frechet_1d(x, y):
    """x: [n], y: [m]. Returns one number."""
    ### BEGIN SOLUTION
    return (x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2
    ### END SOLUTION


# %%
check.frechet_1d(frechet_1d)  # 2 points

# %% [markdown]
# ## 6. Sliced Wasserstein  ★★★ (30 minutes, a project)
#
# In more dimensions there is nothing to sort by, but along any line there is: project both samples onto a direction, take W1 there, and average over the given directions.
# The result has to carry a gradient: no `.item()`, no new tensors made of numbers.
#
# Afterwards move 300 points onto `data.toy.ring` by this gradient, with new random directions at each step.


# %%
def sliced_wasserstein(x, y, directions):
    """x, y: [n, d]; directions: [k, d], each of length 1. Returns a scalar tensor."""
    ### BEGIN SOLUTION
    along_x = (x @ directions.T).sort(dim=0).values  # [n, k]
    along_y = (y @ directions.T).sort(dim=0).values
    return (along_x - along_y).abs().mean()
    ### END SOLUTION


# %%
check.sliced_wasserstein(sliced_wasserstein)  # 3 points
