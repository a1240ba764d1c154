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
# # Exercises 25: A style-based generator
#
# They belong to notebook 25.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch
import torch.nn.functional as F

from genimg_lib.check import style_based_gan as check

# %% [markdown]
# ## 1. Towards the mean  ★ (5 minutes)
#
# Equation (6): styles drawn towards the mean style.


# %%
def truncated(w, mean, psi):
    """w: [N, d]. mean: [d]. psi: a number. Returns styles [N, d]."""
    ### BEGIN SOLUTION
    return mean + psi * (w - mean)
    ### END SOLUTION


# %%
check.truncated(truncated)  # 1 point

# %% [markdown]
# ## 2. Who gives which layer  ★ (5 minutes)
#
# For every image a number `cut`: its first `cut` layers are told the style of `w_a`, the others that of `w_b`.


# %%
def mixed(w_a, w_b, cut, depth):
    """w_a, w_b: [N, d]. cut: [N], 0 to depth. Returns styles [N, depth, d]."""
    ### BEGIN SOLUTION
    layers = torch.arange(depth)[None, :, None]  # [1, depth, 1]
    return torch.where(layers < cut[:, None, None], w_a[:, None], w_b[:, None])
    ### END SOLUTION


# %%
check.mixed(mixed)  # 1 point

# %% [markdown]
# ## 3. Modulate and demodulate  ★★ (15 minutes)
#
# Equation (3), with $\varepsilon = 10^{-8}$ under the root.
# The sides stay: pad with zeros.


# %%
def modulated(x, W, s):
    """x: [N, in, H, W]. W: [out, in, k, k], k odd. s: [N, in].

    Returns [N, out, H, W].
    """
    ### BEGIN SOLUTION
    y = F.conv2d(x * s[:, :, None, None], W, padding="same")
    power = s.square() @ W.square().sum(dim=(2, 3)).T  # [N, out]
    return y / (power + 1e-8).sqrt()[:, :, None, None]
    ### END SOLUTION


# %%
check.modulated(modulated)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# The style is the same at all places of the window, so the squares of the weights can be summed over it before the styles are known: a small product of matrices in place of a set of weights for each image.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4. The gain of an activation  ★★ (10 minutes)
#
# By which number must a leaky ReLU whose slope for negative numbers is `alpha` be multiplied, so that a standard normal number leaves it with a mean square of 1?


# %%
def gain(alpha):
    """alpha: a number, 0 or more. Returns a number."""
    ### BEGIN SOLUTION
    return math.sqrt(2 / (1 + alpha**2))
    ### END SOLUTION


# %%
check.gain(gain)  # 1 point

# %% [markdown]
# ## 5. Different filters  ★★ (15 minutes)
#
# Equation (8) for one layer's weights; a filter of k x k over all maps that come in is one row.


# %%
def orthogonal(W):
    """W: [out, in] or [out, in, k, k]. Returns a number, with a gradient."""
    ### BEGIN SOLUTION
    rows = W.flatten(1)
    products = rows @ rows.T  # [out, out]
    return products.square().sum() - products.diagonal().square().sum()
    ### END SOLUTION


# %%
check.orthogonal(orthogonal)  # 2 points

# %% [markdown]
# ## 6. How much is readable  ★★★ (30 minutes, a project)
#
# Fit the best linear reading of `y`, with a constant, to `points` by least squares.
# Then judge it on points that it hasn't seen: 1 less its squared error over that of a guess that always says the mean of `y`, both on the new points.


# %%
def readable(points, y, new_points, new_y):
    """points: [N, d]; y: [N]; new_points: [M, d]; new_y: [M].

    Returns a number up to 1.
    """
    ### BEGIN SOLUTION
    A = torch.cat([points, torch.ones_like(points[:, :1])], dim=1)
    B = torch.cat([new_points, torch.ones_like(new_points[:, :1])], dim=1)
    guess = B @ torch.linalg.lstsq(A, y[:, None]).solution[:, 0]
    wrong = (new_y - guess).square().sum()
    return 1 - wrong / (new_y - y.mean()).square().sum()
    ### END SOLUTION


# %%
check.readable(readable)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# It may be negative: on points that it hasn't seen a reading can be worse than the mean.
# That is why it isn't judged on the points it was fitted to, where it never is.
#
# Now use it: load `pretrained.load_style_generator()`, let the evaluator read 4,000 of its faces, and compare $z$ with $\omega$ for `read["tilt"]`.
# <!-- END SOLUTION -->
