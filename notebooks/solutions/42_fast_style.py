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
# # Exercises 42: Fast style
#
# They belong to notebook 42.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import fast_style as check

# %% [markdown]
# ## 1. Instance norm  ★ (5 minutes)
#
# Equation (2), with $\epsilon = 10^{-5}$ inside the root, and the variance a mean over the $HW$ places.
# A flat channel then becomes $b_i$.
# Gradients have to reach `h`, `a` and `b`: it is trained.


# %%
def instance_norm(h, a, b):
    """h: [N, C, H, W], a and b: [C]. Returns [N, C, H, W]."""
    ### BEGIN SOLUTION
    var, mu = torch.var_mean(h, (2, 3), correction=0, keepdim=True)
    normed = (h - mu) / (var + 1e-5).sqrt()
    return a.view(1, -1, 1, 1) * normed + b.view(1, -1, 1, 1)
    ### END SOLUTION


# %%
check.instance_norm(instance_norm)  # 2 points

# %% [markdown]
# ## 2. How much blending?  ★ (5 minutes)
#
# Each frame keeps the share $\rho$ of the last blended one.
# How large must $\rho$ be for the flicker to fall to $r$ times what it was?
# Solve (6), for errors that are independent from frame to frame.


# %%
def blend_share(r):
    """r: a number above 0, up to 1. Returns rho, from 0 up to 1."""
    ### BEGIN SOLUTION
    # the smaller root of rho² - (2 + r) rho + 1 - r = 0
    return ((2 + r) - ((2 + r) ** 2 - 4 * (1 - r)) ** 0.5) / 2
    ### END SOLUTION


# %%
check.blend_share(blend_share)  # 2 points

# %% [markdown]
# ## 3. Flicker  ★★ (10 minutes)
#
# Equation (5), for a camera that moves down by `dy` rows and right by `dx` columns from frame to frame, both 1 or more.
# Compare only places that both frames show; the mean runs over frames, channels and places.


# %%
def flicker(film, dy, dx):
    """film: [T, C, H, W]. Returns one number."""
    ### BEGIN SOLUTION
    h, w = film.shape[2:]
    before, after = film[:-1, :, dy:, dx:], film[1:, :, : h - dy, : w - dx]
    return (after - before).square().mean()
    ### END SOLUTION


# %%
check.flicker(flicker)  # 3 points

# %% [markdown]
# ## 4. Hold the grid  ★★ (10 minutes)
#
# A frame begins at row $o$ of the scene and has $h$ rows.
# It is to be extended upwards and downwards by as few rows as possible, so that it begins and ends at a multiple of `grid` rows of the scene.
# How many are added above, how many below?
# Return them as a tuple of two whole numbers.


# %%
def margins(o, h, grid):
    """o, h, grid: whole numbers; o may be negative. Returns (above, below)."""
    ### BEGIN SOLUTION
    return o % grid, -(o + h) % grid
    ### END SOLUTION


# %%
check.margins(margins)  # 2 points

# %% [markdown]
# ## 5. White  ★★ (10 minutes)
#
# The first half of (4): take off the means, and make the covariance (divided by $n$) the identity; it can be inverted here, so add nothing to its diagonal.
# `torch.linalg.eigh` gives $\lambda$ and $V$.
# With $\Sigma = V \,\mathrm{diag}(\lambda)\, V^\top$, the symmetric inverse root is $V \,\mathrm{diag}(\lambda^{-1/2})\, V^\top$.


# %%
def whiten(F):
    """F: [C, n], one column for each place. Returns [C, n]."""
    ### BEGIN SOLUTION
    flat = F - F.mean(dim=1, keepdim=True)
    values, vectors = torch.linalg.eigh(flat @ flat.T / F.shape[1])
    return vectors @ torch.diag(values**-0.5) @ vectors.T @ flat
    ### END SOLUTION


# %%
check.whiten(whiten)  # 3 points

# %% [markdown]
# ## 6. To think about  ★★ (10 minutes)
#
# Can a network of notebook 42 ever come lower than the optimiser of notebook 41?
# On one picture?
# On the mean?
#
# And: start the optimiser once from the photograph and once from noise, and paint with the network twice.
# What differs, and what does that mean for a film?
#
# <!-- BEGIN SOLUTION -->
# Not below the minimum: equation (1).
# But the optimiser stops after some steps, and perhaps in a local minimum, so on one picture a network may come lower.
# On the mean, too, if it wins by more than it loses; never below the mean of the minima.
#
# The optimiser ends in another of many minima when it starts elsewhere; neighbouring frames may fall into different ones, and flicker.
# The network gives the same painting twice, and a continuous one: little noise changes little.
# A motion is no little change of the pixels, though: the network's grid has to be held to the scene, to parts of a pixel.
# <!-- END SOLUTION -->
