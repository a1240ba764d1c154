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
# # Exercises 51: Diffusion
#
# They belong to notebook 51.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.
#
# In all of them $\alpha^2 + \sigma^2 = 1$, $t$ is the noisier time and $s > t$ the cleaner one.

# %%
import math

import torch

from genimg_lib.check import diffusion as check

# %% [markdown]
# ## 1. A step of noise  ★ (5 minutes)
#
# $x_t = k\, x_s + \sqrt{\beta}\, \epsilon'$: which factor $k$ and which variance $\beta$ lead from time $s$ back to $t$?


# %%
def noise_step(alpha_t, alpha_s):
    """0 < alpha_t < alpha_s <= 1, numbers. Returns (k, beta)."""
    ### BEGIN SOLUTION
    kept = alpha_t / alpha_s
    return kept, 1 - kept**2
    ### END SOLUTION


# %%
check.noise_step(noise_step)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# By (2), $\beta = \sigma_t^2 - k^2 \sigma_s^2 = 1 - \alpha_t^2 - k^2 (1 - \alpha_s^2) = 1 - k^2$: what is lost in signal is filled up with noise, and the variance stays 1.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. A step back  ★★ (10 minutes)
#
# Equation (3): mean and variance of $x_s$, if both $x$ and $x_t$ are known.


# %%
def step_back(x, x_t, alpha_t, alpha_s):
    """x, x_t: [N, d]; 0 < alpha_t < alpha_s <= 1. Returns (mean [N, d], one number)."""
    ### BEGIN SOLUTION
    kept = alpha_t / alpha_s
    beta = 1 - kept**2
    noise_t, noise_s = 1 - alpha_t**2, 1 - alpha_s**2
    mean = alpha_s * beta / noise_t * x + kept * noise_s / noise_t * x_t
    return mean, beta * noise_s / noise_t
    ### END SOLUTION


# %%
check.step_back(step_back)  # 2 points

# %% [markdown]
# ## 3. The simple loss  ★ (5 minutes)
#
# Equation (6) on the circular path, $\alpha_t = \sin\frac{\pi t}{2}$, $\sigma_t = \cos\frac{\pi t}{2}$, as a mean over all numbers.


# %%
def simple_loss(net, x, eps, t):
    """net(x_t, t) says the noise; x, eps: [N, C, H, W]; t: [N]. Returns a scalar."""
    ### BEGIN SOLUTION
    angle = math.pi / 2 * t.view(-1, 1, 1, 1)
    x_t = torch.sin(angle) * x + torch.cos(angle) * eps
    return (net(x_t, t) - eps).square().mean()
    ### END SOLUTION


# %%
check.simple_loss(simple_loss)  # 2 points

# %% [markdown]
# ## 4. DDIM, with a dial  ★★ (10 minutes)
#
# Equation (7): $\eta = 0$ keeps the guessed noise, $\eta = 1$ draws as much afresh as DDPM does with the small variance.
# $0 < \alpha_t < \alpha_s \le 1$.


# %%
def ddim_step(x_hat, x_t, alpha_t, alpha_s, eta, eps):
    """x_hat, x_t, eps: [N, d]; alpha_t, alpha_s, eta: numbers. Returns x_s, [N, d]."""
    ### BEGIN SOLUTION
    noise_t, noise_s = 1 - alpha_t**2, 1 - alpha_s**2
    eps_hat = (x_t - alpha_t * x_hat) / math.sqrt(noise_t)
    fresh = eta**2 * (1 - (alpha_t / alpha_s) ** 2) * noise_s / noise_t
    kept = math.sqrt(noise_s - fresh)
    return alpha_s * x_hat + kept * eps_hat + math.sqrt(fresh) * eps
    ### END SOLUTION


# %%
check.ddim_step(ddim_step)  # 2 points

# %% [markdown]
# ## 5. A clamp that clamps  ★★ (10 minutes)
#
# A network said the noise.
# Make DDPM's step (small variance) from it, with the guess of the image cut to $[-1, 1]$.
# Some programs cut the guess, and then compute the mean from the noise: nothing is cut.
# Your `step_back` of exercise 2 may help, if its check was content.


# %%
def clamped_step(eps_hat, x_t, alpha_t, alpha_s, eps):
    """eps_hat, x_t, eps: [N, d]; alphas: numbers. Returns x_s, [N, d]."""
    ### BEGIN SOLUTION
    sigma_t = math.sqrt(1 - alpha_t**2)
    x_hat = ((x_t - sigma_t * eps_hat) / alpha_t).clamp(-1, 1)
    mean, variance = step_back(x_hat, x_t, alpha_t, alpha_s)
    return mean + math.sqrt(variance) * eps
    ### END SOLUTION


# %%
check.clamped_step(clamped_step)  # 2 points

# %% [markdown]
# ## 6. The best denoiser of a training set  ★★★ (30 minutes, a project)
#
# Equation (1), also where $x_t$ is far from every image.
#
# Then draw with it from 100 portraits, by 50 steps of DDIM.
# Into how many different ends do 1,000 noises lead, and how often into each?
# What if $\sigma$ in the exponent is never below 3, never below 6?
# Are the ends still copies?


# %%
def best_guess(x_t, images, alpha, sigma):
    """x_t: [N, d]; images: [M, d]; alpha >= 0, sigma > 0. Returns x_hat, [N, d]."""
    ### BEGIN SOLUTION
    squares = torch.cdist(x_t, alpha * images) ** 2
    return torch.softmax(-squares / (2 * sigma**2), dim=1) @ images
    ### END SOLUTION


# %%
check.best_guess(best_guess)  # 3 points
