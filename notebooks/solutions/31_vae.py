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
# # Exercises 31: The variational autoencoder
#
# They belong to notebook 31.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch
import torch.nn as nn

from genimg_lib.check import vae as check

# %% [markdown]
# ## 1. Bits per dimension  ★ (3 minutes)
#
# A model needs 89 nats for a digit of 784 pixels.
# How many bits is that for each pixel?
# Write it for any number of nats and pixels.


# %%
def bits_per_dim(nats, pixels):
    ### BEGIN SOLUTION
    return nats / (pixels * math.log(2))
    ### END SOLUTION


# %%
check.bits_per_dim(bits_per_dim)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# 0.164 bits: a black-or-white pixel about which you knew nothing would cost 1.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. The loss  ★★ (10 minutes)
#
# The negative ELBO of a Gaussian likelihood with standard deviation `sigma`, equations (4) and (6), without the terms of (6) that do not depend on the images: $D \log\sigma_x$ and $\tfrac{D}{2}\log 2\pi$.
# Sum over pixels and latent numbers, then take the mean over the images.


# %%
def vae_loss(x, x_hat, mean, logvar, sigma):
    """x, x_hat: [N, C, H, W]; mean, logvar: [N, d]. Returns one number, nats."""
    ### BEGIN SOLUTION
    error = (x - x_hat).square().flatten(1).sum(dim=1) / (2 * sigma**2)
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1)
    return (error + kl).mean()
    ### END SOLUTION


# %%
check.vae_loss(vae_loss)  # 3 points

# %% [markdown]
# ## 3. An encoder  ★★ (10 minutes)
#
# A module with one hidden layer that gives the tuple (mean, logvar), [N, latent] each, from images [N, C, H, W] of `pixels` numbers.
# Both must be free to take any value, negative ones and large ones too, and neither may be a copy of the other.
# Leave the weights as PyTorch makes them: the check looks at an untrained network, and heads that begin at 0 would tell it nothing.


# %%
def build_encoder(pixels, latent):
    ### BEGIN SOLUTION
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(
                nn.Flatten(),
                nn.Linear(pixels, 64),
                nn.ReLU(),
                nn.Linear(64, 2 * latent),
            )

        def forward(self, x):
            return self.net(x).chunk(2, dim=1)

    return Encoder()
    ### END SOLUTION


# %%
check.build_encoder(build_encoder)  # 2 points

# %% [markdown]
# ## 4. Sample  ★ (5 minutes)
#
# `n` new images from a decoder alone, others at each call, each from its own $z$ of the prior: `decoder(z).mean` is the image of $z$.


# %%
def sample(decoder, n, latent):
    """decoder: z [n, latent] -> a likelihood with .mean. Returns [n, C, H, W]."""
    ### BEGIN SOLUTION
    return decoder(torch.randn(n, latent)).mean
    ### END SOLUTION


# %%
check.sample(sample)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Noise sent through encoder *and* decoder would be a reconstruction of noise.
# A sample begins at the prior.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 5. From one to the other  ★★ (5 minutes)
#
# `n` latents (2 or more) at equal distances on the straight line from `a` to `b`, both included.
# Decode them for two portraits of your choice.


# %%
def interpolate(a, b, n):
    """a, b: [d]. Returns [n, d]."""
    ### BEGIN SOLUTION
    return torch.stack([torch.lerp(a, b, w) for w in torch.linspace(0, 1, n)])
    ### END SOLUTION


# %%
check.interpolate(interpolate)  # 2 points
