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
# # Exercises 34: What sharpness costs
#
# They belong to notebook 34.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch
import torch.nn.functional as F

from genimg_lib.check import vae_gan as check

# %% [markdown]
# ## 1. The best guess  ★ (5 minutes)
#
# $x$ is 1 or -1, equally likely, and $z = x + \sigma\epsilon$.
# Which guess has the least squared error?
# It has to be right for large z, too, where exp overflows.


# %%
def best_guess(z, sigma):
    """z: [N]; sigma: above 0. Returns E[x|z], [N]."""
    ### BEGIN SOLUTION
    return torch.tanh(z / sigma**2)
    ### END SOLUTION


# %%
check.best_guess(best_guess)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# The two densities have the ratio $\exp(2z/\sigma^2)$, so $p(1|z) = 1/(1 + \exp(-2z/\sigma^2))$, and the mean is $2p - 1 = \tanh(z/\sigma^2)$.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. Decibels  ★ (5 minutes)
#
# How much PSNR is lost where a mean squared error grows from `error` to `other`?


# %%
def lost_decibels(error, other):
    """Both above 0. Returns dB, positive where `other` is larger."""
    ### BEGIN SOLUTION
    return 10 * math.log10(other / error)
    ### END SOLUTION


# %%
check.lost_decibels(lost_decibels)  # 1 point

# %% [markdown]
# ## 3. The least error  ★★ (10 minutes)
#
# By (2): the least error of all guesses whose distance from the data is *at most* `budget`.
# (Above $P^\ast$ there is nothing to pay.)


# %%
def least_error(best, p_best, budget):
    """best: the least error of all; p_best: P*; budget: 0 or more. Returns a number."""
    ### BEGIN SOLUTION
    return best + max(p_best - budget, 0.0) ** 2
    ### END SOLUTION


# %%
check.least_error(least_error)  # 2 points

# %% [markdown]
# ## 4. Whose gradient?  ★★ (15 minutes)
#
# The decoder's loss (3): the mean squared error of a pixel, and $w$ times the hinge loss of the decoder's images, which is minus their mean logit.
# `D` has to judge, and its own weights must get no gradient; afterwards it has to be able to learn again.


# %%
def sharp_loss(x, z, decoder, D, w):
    """x: [N, ...]; z: [N, d]; decoder: z to images; D: to logits; w: a number."""
    ### BEGIN SOLUTION
    x_hat = decoder(z)
    D.requires_grad_(False)
    loss = F.mse_loss(x_hat, x) - w * D(x_hat).mean()
    D.requires_grad_(True)
    return loss
    ### END SOLUTION


# %%
check.sharp_loss(sharp_loss)  # 3 points

# %% [markdown]
# ## 5. The error of features  ★★ (10 minutes)
#
# Larsen et al. compare images by the maps of one of the discriminator's layers.
# Here take several: for each layer the mean squared difference, then the mean over the layers.
# It is part of the decoder's loss, so gradients have to reach `maps_hat`.


# %%
def feature_error(maps, maps_hat):
    """maps, maps_hat: lists of tensors, shaped alike. Returns a tensor []."""
    ### BEGIN SOLUTION
    errors = [F.mse_loss(b, a) for a, b in zip(maps, maps_hat, strict=True)]
    return sum(errors) / len(errors)
    ### END SOLUTION


# %%
check.feature_error(feature_error)  # 2 points

# %% [markdown]
# ## 6. A weight that balances itself  ★★★ (25 minutes, a project)
#
# Esser et al. (2021) choose $w$ anew in each step, so that both terms pull equally hard at the decoder's last layer.
# Given the gradients of both terms by that layer's weights, let $w$ be the ratio of their norms, the error's over the verdict's (with $10^{-4}$ added below, so that nothing is divided by 0), and at most `most`.
#
# Then use it in notebook 34's `sharpen`: `torch.autograd.grad(distance, model.decoder.paint[-1].weight, retain_graph=True)`, and the same for `loss_G`.
# Where on the curve does it land?


# %%
def balancing_weight(of_error, of_verdict, most):
    """of_error, of_verdict: of one shape; most: a number. Returns w, a tensor []."""
    ### BEGIN SOLUTION
    ratio = of_error.norm() / (of_verdict.norm() + 1e-4)
    return ratio.clamp(max=most)
    ### END SOLUTION


# %%
check.balancing_weight(balancing_weight)  # 3 points
