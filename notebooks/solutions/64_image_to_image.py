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
# # Exercises 64: Image to image
#
# They belong to notebook 64.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import itertools

import torch

from genimg_lib.check import image_to_image as check

# %% [markdown]
# ## 1. There and back  ★ (10 minutes)
#
# The cycle's loss, (2) of the notebook, with means over all numbers: $a$ goes by $G$ and comes back by $F$, $b$ the other way round. Both maps have to learn from it. (`F` is a map here, not `torch.nn.functional`.)


# %%
def cycle_loss(a, b, G, F):
    """a: [N, C, H, W]; b: [M, C, H, W]; G, F: maps of images. Returns a scalar."""
    ### BEGIN SOLUTION
    of_a = (F(G(a)) - a).abs().mean()
    of_b = (G(F(b)) - b).abs().mean()
    return of_a + of_b
    ### END SOLUTION


# %%
check.cycle_loss(cycle_loss)  # 1 point

# %% [markdown]
# ## 2. What was kept  ★ (10 minutes)
#
# A judge reads $K$ factors of $N$ changed images. Column `changed` was to be changed and doesn't count.
# Give two numbers: the share of all other entries that are as before, and the share of *images* of which all others are.


# %%
def kept(read, before, changed):
    """read, before: whole numbers [N, K], K >= 2; changed: 0 to K - 1. Two numbers."""
    ### BEGIN SOLUTION
    others = [k for k in range(read.shape[1]) if k != changed]
    same = (read == before)[:, others].double()
    return same.mean(), same.prod(dim=1).mean()
    ### END SOLUTION


# %%
check.kept(kept)  # 2 points

# %% [markdown]
# ## 3. Two losses in one  ★★ (10 minutes)
#
# What the generator of pix2pix pays: the hinge game's $-\mathbb{E}\,a(\hat x)$, and `weight` times the mean absolute error.


# %%
def pix2pix_loss(a_hat, x_hat, x, weight):
    """a_hat: logits [N]; x_hat, x: [N, C, H, W]; weight: a number. Returns a scalar."""
    ### BEGIN SOLUTION
    verdict = -a_hat.mean()
    error = (x_hat - x).abs().mean()
    return verdict + weight * error
    ### END SOLUTION


# %%
check.pix2pix_loss(pix2pix_loss)  # 1 point

# %% [markdown]
# ## 4. Noise, and the rest of the way  ★★ (10 minutes)
#
# *Noise and back*: the image with the noise of time $t$ on the straight path, where $t = 1$ is the image, and the times that are left to walk: $t$ first, then those of `times` that are later than it.


# %%
def noised(x, eps, t, times):
    """x, eps: alike; t: a number; times: increasing. Returns x_t and a list."""
    ### BEGIN SOLUTION
    x_t = t * x + (1 - t) * eps
    return x_t, [t, *[s for s in times if s > t]]
    ### END SOLUTION


# %%
check.noised(noised)  # 2 points

# %% [markdown]
# ## 5. How much has to be hidden  ★★ (10 minutes)
#
# On pile $B$ there are $K$ kinds of glasses, with shares `p`, and a face without glasses tells nothing about them.
# Give two numbers: in which share of cycles $G(F(b))$ has the right kind if $F(b)$ holds no message and $G$, which knows `p`, guesses as well as can be; and how many *bits* a message needs on average for all to be right, the entropy of `p`.


# %%
def hidden(p):
    """p: float64 [K], 0 or more, sum 1. Returns two numbers."""
    ### BEGIN SOLUTION
    used = p[p > 0]
    bits = -(used * torch.log2(used)).sum()
    return p.max(), bits
    ### END SOLUTION


# %%
check.hidden(hidden)  # 2 points

# %% [markdown]
# ## 6. Pair the piles  ★★★ (25 minutes, a project)
#
# If there are no pairs, make some: give each of $n$ images of one pile a partner on the other, each its own, so that the sum of `cost[i, partner[i]]` is the least. (All orders may be tried where `n` is at most 7; for the cell below, `scipy.optimize.linear_sum_assignment` does it for hundreds. It is optimal transport between two sets, notebook 13.)
#
# Then run the cell below the check. (It asks questions that nothing checks.)
# Which factors do the pairs have in common, and which not? Would pix2pix on such pairs put glasses on the same person? What cost would be better than pixels?


# %%
def pair_up(cost):
    """cost: float64 [n, n]. Returns partners: whole numbers [n]."""
    ### BEGIN SOLUTION
    n = len(cost)
    if n <= 7:
        orders = list(itertools.permutations(range(n)))
        sums = [sum(cost[i, j].item() for i, j in enumerate(order)) for order in orders]
        return torch.tensor(orders[min(range(len(orders)), key=sums.__getitem__)])
    from scipy.optimize import linear_sum_assignment

    return torch.from_numpy(linear_sum_assignment(cost.numpy())[1])
    ### END SOLUTION


# %%
check.pair_up(pair_up)  # 3 points


# %%
def alike(pair_up, n=300):
    """{factor: in how many of n pairs, without and with glasses, it is the same}."""
    from genimg_lib import data
    from genimg_lib.data import portraits

    faces = data.load("portraits", n=6 * n)
    has = faces.factors["glasses"] > 0
    x = data.to_float(faces.images).flatten(1).double()
    a, b = x[~has][:n], x[has][:n]
    partner = pair_up(torch.cdist(a, b) ** 2)
    same = {}
    for name in portraits.CATEGORICAL:
        values = faces.factors[name]
        pair = values[~has][:n], values[has][:n][partner]
        same[name] = (pair[0] == pair[1]).double().mean().item()
    return same


# alike(pair_up)

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Outfit, hat, hair, its colour and the background agree far more often than by chance, in four to seven of ten pairs: large areas. Skin does so a little more often; eyes, mouth and beard hardly.
#
# Taught such pairs, pix2pix would put glasses on, and change what the pairs don't share. Better would be a cost that counts what is to be kept: differences of a judge's features, or of factors that it reads, glasses left out.
# <!-- END SOLUTION -->
