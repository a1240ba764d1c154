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
# # Exercises 52: Flow matching
#
# They belong to notebook 52.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.
#
# Time runs from 0 (noise) to 1 (data), and $x_t = t x + (1 - t) \epsilon$.

# %%
import itertools

import torch
from scipy.optimize import linear_sum_assignment

from genimg_lib.check import flow_matching as check

# %% [markdown]
# ## 1. How bent?  ★ (10 minutes)
#
# Equation (1): the mean over points of what their paths cost more than the lines between their ends.
# The times need not be even, nor run from 0 to 1.


# %%
def path_energy(walk, times):
    """walk: [K + 1, N, d], points at times [K + 1]. Returns a number."""
    ### BEGIN SOLUTION
    gaps = (times[1:] - times[:-1])[:, None]
    cost = (walk.diff(dim=0).square().sum(dim=2) / gaps).sum(dim=0)  # [N]
    line = (walk[-1] - walk[0]).square().sum(dim=1) / (times[-1] - times[0])
    return (cost - line).mean()
    ### END SOLUTION


# %%
check.path_energy(path_energy)  # 2 points

# %% [markdown]
# ## 2. Pair a batch  ★ (10 minutes)
#
# Which noise for which data?
# Each is used once, and the sum of $|x_i - \epsilon_i|^2$ is the least there is.
# `linear_sum_assignment` of scipy takes a matrix of costs.


# %%
def coupled(x, eps):
    """x, eps: [N, d]. Returns eps in another order: row i belongs to x[i]."""
    ### BEGIN SOLUTION
    costs = torch.cdist(x, eps) ** 2
    _, order = linear_sum_assignment(costs.numpy())
    return eps[order]
    ### END SOLUTION


# %%
check.coupled(coupled)  # 2 points

# %% [markdown]
# ## 3. Two jumps are one  ★ (5 minutes)
#
# The mean velocity from $t$ to $m$ is `first`, that from $m$ to $r$ on the same path `second`.
# What is it from $t$ to $r$?


# %%
def combined(first, second, t, m, r):
    """first, second: [N, d]; t < m < r: numbers. Returns [N, d]."""
    ### BEGIN SOLUTION
    return ((m - t) * first + (r - m) * second) / (r - t)
    ### END SOLUTION


# %%
check.combined(combined)  # 1 point

# %% [markdown]
# ## 4. The identity  ★ (5 minutes)
#
# Equation (3): the velocity at $x_t$ and $du/dt$ along the path are known.
# What is $u(x_t, t, r)$?


# %%
def target(v, du, t, r):
    """v, du: [N, d]; t <= r: [N]. Returns u, [N, d]."""
    ### BEGIN SOLUTION
    return v + (r - t)[:, None] * du
    ### END SOLUTION


# %%
check.target(target)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# When $t$ moves on by $dt$, the way that is left, $(r - t)\, u$, loses what was just gone, $v\, dt$: so $(r - t)\, du - u\, dt = -v\, dt$.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 5. Jump  ★★ (10 minutes)
#
# Draw with a network for $u$, a call between each two neighbouring times.


# %%
def jumps(net, eps, times):
    """net(x, t, r): [N, d], t, r: [N]; times increase. Returns the end, [N, d]."""
    ### BEGIN SOLUTION
    x = eps
    for t, r in itertools.pairwise(times):
        ones = torch.ones(len(x))
        x = x + (r - t) * net(x, t * ones, r * ones)
    return x
    ### END SOLUTION


# %%
check.jumps(jumps)  # 2 points

# %% [markdown]
# ## 6. MeanFlow  ★★★ (30 minutes, a project)
#
# The loss of (3), a mean over all numbers, the derivative by `torch.autograd.forward_ad`: what moves, and how fast?
# What must not get a gradient?
#
# Then train by it on `data.toy.spirals`, with nine of ten, half and one of ten $r$ equal to $t$.
# Which draws best by $u(\epsilon, 0, 1)$, which in four jumps?


# %%
def mean_flow_loss(net, x, eps, t, r):
    """net(x_t, t, r): [N, d]; x, eps: [N, d]; t <= r: [N]. Returns a scalar."""
    ### BEGIN SOLUTION
    ad = torch.autograd.forward_ad
    v = x - eps
    x_t = t[:, None] * x + (1 - t)[:, None] * eps
    with ad.dual_level():
        moving, clock = ad.make_dual(x_t, v), ad.make_dual(t, torch.ones_like(t))
        u, du = ad.unpack_dual(net(moving, clock, r))
    right = v + (r - t)[:, None] * du
    return (u - right.detach()).square().mean()
    ### END SOLUTION


# %%
check.mean_flow_loss(mean_flow_loss)  # 3 points
