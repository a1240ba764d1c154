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
# # Exercises 33: Codes and their priors
#
# They belong to notebook 33.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch
import torch.nn.functional as F

from genimg_lib.check import vq_vae as check

# %% [markdown]
# ## 1. The nearest code  ★ (5 minutes)
#
# Equation (1) for many outputs at once: which vector of the codebook is nearest to each?


# %%
def nearest(h, codebook):
    """h: [M, d]; codebook: [K, d]. Returns int64 [M]."""
    ### BEGIN SOLUTION
    return torch.cdist(h, codebook).argmin(dim=1)
    ### END SOLUTION


# %%
check.nearest(nearest)  # 1 point

# %% [markdown]
# ## 2. Straight through  ★ (5 minutes)
#
# Forward the value of `e`, backward the gradient of `h`, and none for `e`: equation (2).


# %%
def straight_through(h, e):
    """h: [M, d], the encoder's outputs; e: [M, d], their codes. Returns z, [M, d]."""
    ### BEGIN SOLUTION
    return h + (e - h).detach()
    ### END SOLUTION


# %%
check.straight_through(straight_through)  # 2 points

# %% [markdown]
# ## 3. A codebook by averages  ★★ (15 minutes)
#
# One step of (5), exactly; leave the arguments as they are.
# `counts` are the $\bar n_j$, `sums` the $\bar s_j$ before the step.
# What happens to a code that nobody chose, to its count and to its vector?


# %%
def averaged(counts, sums, h, tokens, rho):
    """counts: [K]; sums: [K, d]; h: [M, d]; tokens: int64 [M]; rho: in (0, 1).

    Returns (counts, sums, codebook) after the step.
    """
    ### BEGIN SOLUTION
    chosen = F.one_hot(tokens, len(counts)).float()  # [M, K]
    counts = rho * counts + (1 - rho) * chosen.sum(dim=0)
    sums = rho * sums + (1 - rho) * chosen.T @ h
    return counts, sums, sums / counts[:, None]
    ### END SOLUTION


# %%
check.averaged(averaged)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Its count fades by $\rho$, and so does its sum: their ratio, the vector, stays where it is.
# After many such steps the count is nearly 0, which is how a dead code is known.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4. Tokens without a codebook  ★★ (10 minutes)
#
# Equation (6) as it stands, without the 1.001 of the chapter's cell, for odd levels.
# The first number is the lowest digit.


# %%
def fsq_tokens(h, levels):
    """h: [M, d]; levels: a tuple of d odd numbers. Returns int64 [M]."""
    ### BEGIN SOLUTION
    half = (torch.tensor(levels) - 1) / 2
    digits = (half * torch.tanh(h)).round() + half  # 0 to L - 1
    steps = torch.tensor([math.prod(levels[:i]) for i in range(len(levels))])
    return (digits * steps).sum(dim=1).long()
    ### END SOLUTION


# %%
check.fsq_tokens(fsq_tokens)  # 2 points

# %% [markdown]
# ## 5. The length of a code  ★★ (10 minutes)
#
# A causal prior gave logits for each place.
# How many bits do these tokens cost?
# It has to be right for tokens that the prior finds next to impossible, too.


# %%
def code_length(logits, tokens):
    """logits: [N, T, K]; tokens: int64 [N, T]. Returns bits for each grid, [N]."""
    ### BEGIN SOLUTION
    log_p = torch.log_softmax(logits, dim=-1)
    own = log_p.gather(-1, tokens[..., None])[..., 0]  # [N, T]
    return -own.sum(dim=1) / math.log(2)
    ### END SOLUTION


# %%
check.code_length(code_length)  # 3 points

# %% [markdown]
# ## 6. How many are still hidden?  ★★★ (20 minutes, a project)
#
# The masked prior's schedule: after a share $r$ of the passes, $\cos(\pi r / 2)$ of the places are still hidden, rounded down; after the last pass none.
# Give the number after each pass.
#
# Then try another one in notebook 33: a straight line, $1 - r$, or its square, $(1 - r)^2$.
# `MaskedPrior.sample` asks `keep_schedule(r)` of `genimg_lib.prior.masked` for the share that is still hidden, so that `from genimg_lib.prior import masked` and `masked.keep_schedule = mine` change it; `mine` takes a share and returns one.
# How does the distance of 8 passes change, and which passes draw the most tokens?


# %%
def still_hidden(places, passes):
    """places, passes: 1 or more. Returns a list of `passes` whole numbers."""
    ### BEGIN SOLUTION
    shares = [math.cos(math.pi * k / (2 * passes)) for k in range(1, passes)]
    return [*(math.floor(places * share) for share in shares), 0]
    ### END SOLUTION


# %%
check.still_hidden(still_hidden)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# With the cosine the first of 8 passes draws 2 of 64 tokens, the last 12: few while nothing is known, many when most is.
# A straight line draws 8 in each, so its first tokens, which know nothing of each other, are four times as many.
# <!-- END SOLUTION -->
