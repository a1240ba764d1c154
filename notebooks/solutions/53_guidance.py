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
# # Exercises 53: Guidance
#
# They belong to notebook 53.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.
#
# At $w = 0$ the network is told nothing, at $w = 1$ it is told $c$.

# %%
import torch

from genimg_lib.check import guidance as check

# %% [markdown]
# ## 1. Guided  ★ (5 minutes)
#
# Equation (2), for guesses: one told nothing, one told $c$.


# %%
def guided(nothing, told, w):
    """nothing, told: [N, d]; w: a number. Returns [N, d]."""
    ### BEGIN SOLUTION
    return nothing + w * (told - nothing)
    ### END SOLUTION


# %%
check.guided(guided)  # 1 point

# %% [markdown]
# ## 2. In an interval  ★ (5 minutes)
#
# The weight at each time: $w$ from `first` to `last`, both included, and elsewhere 1.


# %%
def weight_at(t, w, first, last):
    """t: [N]; w, first < last: numbers. Returns [N]."""
    ### BEGIN SOLUTION
    inside = (t >= first) & (t <= last)
    return torch.where(inside, w, 1.0)
    ### END SOLUTION


# %%
check.weight_at(weight_at)  # 1 point

# %% [markdown]
# ## 3. Told nothing  ★ (5 minutes)
#
# For training: where an image's number in `u`, drawn from 0 to 1, is below the share, its condition becomes zeros.


# %%
def left_out(c, u, share):
    """c: [N, K]; u: [N]; share: a number. Returns [N, K]."""
    ### BEGIN SOLUTION
    kept = u >= share
    return c * kept[:, None]
    ### END SOLUTION


# %%
check.left_out(left_out)  # 2 points

# %% [markdown]
# ## 4. What guidance is said to draw  ★★ (10 minutes)
#
# $p(x)\, p(c|x)^w$ on a grid whose points are `gap` apart, as a density: its sum times `gap` is 1.


# %%
def tilted(p, p_c, w, gap):
    """p: p(x), [K]; p_c: p(c|x), [K]; w, gap: numbers. Returns a density, [K]."""
    ### BEGIN SOLUTION
    raw = p * p_c**w
    return raw / (raw.sum() * gap)
    ### END SOLUTION


# %%
check.tilted(tilted)  # 2 points

# %% [markdown]
# ## 5. Led by a classifier  ★★ (10 minutes)
#
# $w\, \nabla \log p_t(c|x_t)$ is added to the score.
# Return the guess of $x$ that is led so.


# %%
def led(x_hat, slope, w, alpha, sigma):
    """x_hat, slope (the gradient): [N, d]; others: numbers. Returns x_hat, [N, d]."""
    ### BEGIN SOLUTION
    return x_hat + w * sigma**2 / alpha * slope
    ### END SOLUTION


# %%
check.led(led)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Tweedie: $\hat x = (x_t + \sigma^2 s)/\alpha$, so what is added to $s$ is added to $\hat x$ times $\sigma^2/\alpha$.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 6. A denoiser that is led  ★★★ (25 minutes, a project)
#
# One network, asked twice: told $c$, and told nothing, which is zeros.
#
# Then load `conditional_flow_portraits` and let $w$ depend on the time: large at first and 1 at the end, or the other way round.
# Which keeps more of the recall at the same accuracy?


# %%
def denoise(net, x, t, c, w):
    """net(x, t, c): [N, d]; x: [N, d]; t: [N]; c: [N, K]. Returns x_hat, [N, d]."""
    ### BEGIN SOLUTION
    nothing = net(x, t, torch.zeros_like(c))
    told = net(x, t, c)
    return nothing + w * (told - nothing)
    ### END SOLUTION


# %%
check.denoise(denoise)  # 3 points
