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
# # Exercises 54: Latent diffusion
#
# They belong to notebook 54.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.
#
# Logarithms are natural, and time runs from 0 (noise) to 1 (data).

# %%
import torch

from genimg_lib.check import latent_diffusion as check

# %% [markdown]
# ## 1. The same path at another time  ★ (5 minutes)
#
# Equation (4): $t'$ for latents of the scale $s$.


# %%
def same_time(t, s):
    """t: [N] in [0, 1]; s: a number above 0. Returns t', [N]."""
    ### BEGIN SOLUTION
    return s * t / (s * t + 1 - t)
    ### END SOLUTION


# %%
check.same_time(same_time)  # 1 point

# %% [markdown]
# ## 2. What a latent is worth  ★ (5 minutes)
#
# The rate of each number of variance $\lambda$ at the water level $b$, in nats; 0 where nothing is encoded.


# %%
def rate(variances, b):
    """variances: [K], above 0; b: a number above 0. Returns nats, [K]."""
    ### BEGIN SOLUTION
    return 0.5 * torch.log(variances / b).clamp(min=0)
    ### END SOLUTION


# %%
check.rate(rate)  # 1 point

# %% [markdown]
# ## 3. The scale of latents  ★★ (10 minutes)
#
# $q(z|x)$ is known for many images.
# What is the standard deviation of $z$ over all images and places, channel by channel?
# (Take variances that divide by the number of values.)


# %%
def scale_of(mean, logvar):
    """mean, logvar: [N, d, H, W]. Returns standard deviations, [d]."""
    ### BEGIN SOLUTION
    places = (0, 2, 3)
    of_means = mean.var(dim=places, correction=0)
    of_q = logvar.exp().mean(dim=places)
    return (of_means + of_q).sqrt()
    ### END SOLUTION


# %%
check.scale_of(scale_of)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# The law of total variance: $\mathrm{Var}\, z = \mathrm{Var}\, \mathbb{E}[z|x] + \mathbb{E}\, \mathrm{Var}[z|x]$.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4. What the flow is shown  ★★ (10 minutes)
#
# A draw of $q(z|x)$ by the noise `eps`; then subtract the shift and divide by the scale.


# %%
def batch(mean, logvar, eps, shift, scale):
    """mean, logvar, eps: [N, d, H, W]; shift, scale: [1, d, 1, 1]. Like mean."""
    ### BEGIN SOLUTION
    z = mean + (0.5 * logvar).exp() * eps
    return (z - shift) / scale
    ### END SOLUTION


# %%
check.batch(batch)  # 2 points

# %% [markdown]
# ## 5. A flow of another scale  ★★ (10 minutes)
#
# `guess` was taught latents of scale 1.
# By (5), what is the guess for noisy latents of the scale $s$?


# %%
def of_scale(guess, z_t, t, s):
    """guess(x, t): [N, d]; z_t: [N, d]; t: [N]; s: a number. Returns z_hat, [N, d]."""
    ### BEGIN SOLUTION
    n = s * t + 1 - t
    return s * guess(z_t / n[:, None], s * t / n)
    ### END SOLUTION


# %%
check.of_scale(of_scale)  # 2 points

# %% [markdown]
# ## 6. Between two faces  ★★★ (25 minutes, a project)
#
# Two faces as the flow sees them: mix them along a straight line, $w = 0$ the first and $w = 1$ the second, and decode.
#
# Then take `own = pretrained.load_latent_flow()` and two portraits of 64 pixels, `x = data.to_float(data.load("portraits", "test", n=2, size=64).images)`, as `own.scaled(own.images.encode(x)[0])`, and decode $w = 0.5$ by `own.images.decode`, with `own.mean` and `own.std`.
# Is it a face, or two? Compare it with the mean of the two pictures, pixel by pixel.
#
# Now let the flow help: with the mixed latents $z$, $z_t = 0.3\, z + 0.7\, \epsilon$, and `flow.last(flow.multistep(...))` from there, at 0.3 and those of `flow.times(10)` that come later.
# (All of `data`, `flow` and `pretrained` come from `genimg_lib`.)


# %%
def blended(decode, first, second, w, shift, scale):
    """decode: latents to images; first, second: [N, d, H, W]. Returns images."""
    ### BEGIN SOLUTION
    z = (1 - w) * first + w * second
    return decode(scale * z + shift)
    ### END SOLUTION


# %%
check.blended(blended)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Half-way between two latents both faces show at once, glasses half there, colours paler: the straight line leaves the set of faces.
# The flow, which begins from what the noise leaves of that, draws one face, another for each noise.
# <!-- END SOLUTION -->
