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
# # Exercises 15: The ELBO and the reparameterisation trick
#
# They belong to notebook 15.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch

from genimg_lib.check import elbo as check

# %% [markdown]
# ## 1. The hidden sigma  ★ (3 minutes)
#
# Somebody minimises *sum of squared errors + w · KL*.
# Which σ of the Gaussian likelihood is that?


# %%
def hidden_sigma(w):
    ### BEGIN SOLUTION
    return math.sqrt(w / 2)
    ### END SOLUTION


# %%
check.hidden_sigma(hidden_sigma)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# By (11), 2σ² = w.
# For w = 4, σ = 1.41: more than half the range of pixels in [-1, 1].
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. The price of knowing  ★ (5 minutes)
#
# Equation (8): the KL to the prior, one number for each image, summed over its latents.
# Training differentiates it, so stay with torch's functions.


# %%
def gaussian_kl(mean, logvar):
    """mean, logvar: [N, d]. Returns nats, [N]."""
    ### BEGIN SOLUTION
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1)
    ### END SOLUTION


# %%
check.gaussian_kl(gaussian_kl)  # 2 points

# %% [markdown]
# ## 3. Through the dice  ★★ (10 minutes)
#
# Equation (14), with the noise given.
# Gradients have to reach the mean and the log-variance.
# What is the gradient by the log-variance?


# %%
def reparameterize(mean, logvar, eps):
    """All of one shape. Returns z of that shape."""
    ### BEGIN SOLUTION
    return mean + torch.exp(0.5 * logvar) * eps
    ### END SOLUTION


# %%
check.reparameterize(reparameterize)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# ½ σ ε: half of how far the noise moved z.
# Where ε is 0, the width has no influence.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4. The bound  ★ (3 minutes)
#
# The ELBO of each image, from the log-likelihood at its sample and from its KL.


# %%
def elbo(log_p_x_given_z, kl):
    """Both [N], nats. Returns [N]."""
    ### BEGIN SOLUTION
    return log_p_x_given_z - kl
    ### END SOLUTION


# %%
check.elbo(elbo)  # 1 point

# %% [markdown]
# ## 5. Many samples  ★★ (15 minutes)
#
# Equation (16), without the expectation, from the logarithms of the weights.
# They may be as small as -1000, and in one image much smaller than in another.


# %%
def iwae_bound(log_w):
    """log_w: [K, N], a row for each sample. Returns nats, [N]."""
    ### BEGIN SOLUTION
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))
    ### END SOLUTION


# %%
check.iwae_bound(iwae_bound)  # 3 points
