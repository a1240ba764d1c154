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
# # Exercises 17: Scores and flows
#
# They belong to notebook 17.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import scores_and_flows as check

# %% [markdown]
# ## 1. The score of a mixture  ★ (10 minutes)
#
# On a line, parts with weights $w_k$, means $m_k$ and one standard deviation $\sigma$ for all.
# It has to be right far from all means, too, where every density is 0 as a float.


# %%
def mixture_score(x, weights, means, sigma):
    """x: [N]; weights, means: [K]; sigma: a number above 0. Returns the score, [N]."""
    ### BEGIN SOLUTION
    away = means - x[:, None]  # [N, K]
    share = torch.softmax(weights.log() - away**2 / (2 * sigma**2), dim=1)
    return (share * away).sum(dim=1) / sigma**2
    ### END SOLUTION


# %%
check.mixture_score(mixture_score)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# $\nabla \log p = \sum_k \frac{w_k p_k}{p} \nabla \log p_k$: each part's pull, $(m_k - x)/\sigma^2$, by the part's share at $x$.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. Tweedie  ★ (5 minutes)
#
# Equation (3): the best guess of $x$ from the score at $y = \alpha x + \sigma\epsilon$.


# %%
def tweedie(y, score, alpha, sigma):
    """y, score: [N, d]; alpha, sigma: above 0. Returns the guess of x, [N, d]."""
    ### BEGIN SOLUTION
    return (y + sigma**2 * score) / alpha
    ### END SOLUTION


# %%
check.tweedie(tweedie)  # 1 point

# %% [markdown]
# ## 3. The floors of three losses  ★★ (10 minutes)
#
# On the straight path, at time $t$, the posterior of $x$ has this variance (per number).
# Which loss has a perfect network that guesses $x$, which if it guesses $\epsilon$, which if $v$?


# %%
def floors(variance, t):
    """variance: above 0; t: in (0, 1). Returns three numbers, for x, eps and v."""
    ### BEGIN SOLUTION
    return variance, variance * (t / (1 - t)) ** 2, variance / (1 - t) ** 2
    ### END SOLUTION


# %%
check.floors(floors)  # 2 points

# %% [markdown]
# ## 4. From the velocity to the noise  ★★ (5 minutes)
#
# A network guessed $v = x - \epsilon$ at $x_t = t x + (1 - t)\epsilon$.
# Which noise does it guess?


# %%
def noise_from_velocity(x_t, v, t):
    """x_t, v: [N, d]; t: [N], in [0, 1]. Returns the guess of eps, [N, d]."""
    ### BEGIN SOLUTION
    return x_t - t[:, None] * v
    ### END SOLUTION


# %%
check.noise_from_velocity(noise_from_velocity)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# The noise is where the straight line was at $t = 0$: $t$ back, at velocity $v$.
# It is right at both ends of the path, too, where (2), by way of $x$, would divide by 0 at $t = 1$.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 5. A step of Heun  ★★ (10 minutes)
#
# From time $t$ to $t + h$, by the mean of the velocities at the step's beginning and where Euler's step would end.
# $h$ may be negative.


# %%
def heun_step(velocity, x, t, h):
    """velocity(x, t): [N, d]; x: [N, d]; t: [N]; h: a number. Returns x at t + h."""
    ### BEGIN SOLUTION
    first = velocity(x, t)
    second = velocity(x + h * first, t + h)
    return x + h * (first + second) / 2
    ### END SOLUTION


# %%
check.heun_step(heun_step)  # 2 points

# %% [markdown]
# ## 6. Drift  ★★★ (25 minutes, a project)
#
# Equation (11): the way from each sample $x$ to the mean of the data near it, less the way to the mean of the samples near it (itself among them), near by the kernel $\exp(-|x - y|^2 / (2 h^2))$.
# It has to be right where nothing is near.
#
# Then train notebook 17's generator by it with `data.toy.spirals`, and with another kernel, $\exp(-|x - y| / h)$, as Deng et al. have it.
# Which width do the spirals' arms need?


# %%
def drift(x, data, width):
    """x: [N, d]; data: [M, d]; width: above 0. Returns V, [N, d]."""
    ### BEGIN SOLUTION
    near = []
    for points in (data, x):
        squares = torch.cdist(x, points) ** 2
        near.append(torch.softmax(-squares / (2 * width**2), dim=1) @ points)
    return near[0] - near[1]
    ### END SOLUTION


# %%
check.drift(drift)  # 3 points
