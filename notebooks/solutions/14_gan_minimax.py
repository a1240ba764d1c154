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
# # Exercises 14: The GAN minimax
#
# They belong to notebook 14.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch
import torch.nn.functional as F

from genimg_lib.check import gan_minimax as check

# %% [markdown]
# ## 1. Nobody knows anything  ★ (3 minutes)
#
# All logits are 0.
# What are the loss of the discriminator, -V, and the non-saturating loss of the generator?
# Return the two numbers as a pair, in nats.


# %%
def losses_at_zero():
    ### BEGIN SOLUTION
    return 2 * math.log(2), math.log(2)
    ### END SOLUTION


# %%
check.losses_at_zero(losses_at_zero)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# D = 1/2: 1.386 and 0.693.
# Look for these two numbers in the curves of every GAN that you train with these losses.
# There the discriminator cannot tell: because the generator is perfect, or because the discriminator itself is broken.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. The best discriminator  ★ (5 minutes)
#
# Equation (2), from the values of both densities at the same places.


# %%
def optimal_discriminator(p_data, p_g):
    """Densities of any shape. Returns probabilities of real, in that shape."""
    ### BEGIN SOLUTION
    return p_data / (p_data + p_g)
    ### END SOLUTION


# %%
check.optimal_discriminator(optimal_discriminator)  # 2 points

# %% [markdown]
# ## 3. The discriminator's loss  ★★ (10 minutes)
#
# -V from logits: the mean over real images plus the mean over fakes (their sum, not half of it).
# There may be more of one kind than of the other.
# It has to be finite, and its gradient too, for logits of ±10⁴.


# %%
def d_loss(real_logits, fake_logits):
    """Logits of any shapes. Returns one number, nats."""
    ### BEGIN SOLUTION
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    ### END SOLUTION


# %%
check.d_loss(d_loss)  # 2 points

# %% [markdown]
# ## 4. The generator's loss  ★★ (5 minutes)
#
# The non-saturating one, a mean, finite for logits of ±10⁴, its gradient too.


# %%
def g_loss(fake_logits):
    """Logits of any shape. Returns one number, nats."""
    ### BEGIN SOLUTION
    return F.softplus(-fake_logits).mean()
    ### END SOLUTION


# %%
check.g_loss(g_loss)  # 2 points

# %% [markdown]
# ## 5. Look ahead  ★★★ (20 minutes)
#
# One extragradient step for *any* V(u, v), with autograd: u goes down, v goes up, both by the gradients at a trial point.
#
# Then take 200 steps on V = uv + u³ with h = 0.2.
# Do they converge from (0.1, 0.1)?
# From (0.3, 0.3)?


# %%
def extragradient_step(V, u, v, h):
    """V: a function of two scalar tensors; u, v, h: floats. Returns the new u and v."""

    ### BEGIN SOLUTION
    def gradients(u, v):
        u, v = (
            torch.tensor(t, dtype=torch.float64, requires_grad=True) for t in (u, v)
        )
        return (g.item() for g in torch.autograd.grad(V(u, v), (u, v)))

    du, dv = gradients(u, v)
    du, dv = gradients(u - h * du, v + h * dv)  # at the trial point
    return u - h * du, v + h * dv
    ### END SOLUTION


# %%
check.extragradient_step(extragradient_step)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Near (0, 0) the cubic term is negligible against uv: from (0.1, 0.1) the players come to rest there.
# From (0.3, 0.3) they do not: V falls without bound as u goes to minus infinity, and within twenty steps u has run away.
# That a method converges near a solution says nothing about a start farther off.
# <!-- END SOLUTION -->
