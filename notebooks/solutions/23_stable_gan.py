# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 23: A GAN that trains
#
# They belong to notebook 23.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it. A check that fails says why; no answer is wrong for good.

# %%
import math

import torch
import torch.nn.functional as F

from genimg_lib import check

# %% [markdown]
# ## 1. Everybody there?  ★ (5 minutes)
#
# Each sample's factors were recognised: hair 0 to 5, glasses 0 to 2, and so on. Which share of all possible combinations came at least once?


# %%
def combinations_covered(factors, sizes):
    """factors: [N, F], whole numbers from 0; sizes: a list of F numbers of values. Returns a number in 0..1."""
    ### BEGIN SOLUTION
    return len({tuple(row) for row in factors.tolist()}) / math.prod(sizes)
    ### END SOLUTION


# %%
check.combinations_covered(combinations_covered)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# It grows with the number of samples. Compare generators by the same number, and put beside them what as many real images cover.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. Enough is enough  ★ (5 minutes)
#
# Both hinge losses. A real logit above 1 and a fake one below -1 cost the discriminator nothing; the generator has no such margin.


# %%
def hinge_losses(real_logits, fake_logits):
    """Logits of any shapes. Returns (the discriminator's loss, the generator's)."""
    ### BEGIN SOLUTION
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean(), -fake_logits.mean()
    ### END SOLUTION


# %%
check.hinge_losses(hinge_losses)  # 2 points

# %% [markdown]
# ## 3. In pairs  ★★ (5 minutes)
#
# The discriminator's relativistic loss: is the real image *more* real than the fake at the same place? The mean of softplus of minus the difference, finite at ±10⁴.


# %%
def relativistic_d_loss(real_logits, fake_logits):
    """Logits of the same shape. Returns one number, nats."""
    ### BEGIN SOLUTION
    return F.softplus(fake_logits - real_logits).mean()
    ### END SOLUTION


# %%
check.relativistic_d_loss(relativistic_d_loss)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# A number added to *all* logits changes nothing. The discriminator gains nothing by calling everything fake, and a generator that makes one mode only still meets all the others in its pairs.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4. The largest singular value  ★★ (10 minutes)
#
# Spectral norm divides a layer's weights by their largest singular value, and estimates that by one step of power iteration in each training step: $v$ is $W^\top u$ brought to length 1, the new $u$ is $Wv$ brought to length 1, and sigma is $u^\top W v$.


# %%
def power_iteration(W, u):
    """W: [m, n], u: [m] of length 1. Returns (new u, sigma)."""
    ### BEGIN SOLUTION
    v = F.normalize(W.T @ u, dim=0)
    u = F.normalize(W @ v, dim=0)
    return u, u @ W @ v
    ### END SOLUTION


# %%
check.power_iteration(power_iteration)  # 2 points

# %% [markdown]
# ## 5. Whose pixels?  ★★ (15 minutes)
#
# A penalty for each image supposes that a critic's logit depends on its own image. Check it: how long is the gradient of logit i by image j? With batch norm in the critic, which entries are not 0?


# %%
def influence(critic, x):
    """critic: images [N, ...] -> logits [N]; x: [N, ...]. Returns [N, N]: row i for logit i, column j for image j."""
    ### BEGIN SOLUTION
    x = x.clone().requires_grad_()
    slopes = [torch.autograd.grad(logit, x, retain_graph=True)[0] for logit in critic(x)]
    return torch.stack(slopes).flatten(2).norm(dim=2)  # [N, N, pixels] -> [N, N]
    ### END SOLUTION


# %%
check.influence(influence)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# All of them. Batch norm takes the mean and the deviation of the whole batch, so every image moves every logit. A penalty differentiates the *sum* of the logits: without batch norm that is each logit by its own image; with it, all influences on an image are added up, and their length is nobody's slope.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 6. Two penalties  ★★★ (30 minutes, a project)
#
# R1 first: the mean over real images of the squared length of the critic's slope there. The weight gamma / 2 is multiplied on later, and a backward through the penalty has to reach the critic's weights.


# %%
def r1_penalty(critic, real):
    """critic: images [N, ...] -> logits [N]; real: [N, ...]. Returns one number."""
    ### BEGIN SOLUTION
    x = real.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(dim=1).mean()
    ### END SOLUTION


# %%
check.r1_penalty(r1_penalty)  # 2 points

# %% [markdown]
# Now the gradient penalty: the mean of (|slope| - 1)² at points between real images and fakes, x = α real + (1 - α) fake. α is uniform in 0..1, another for each image. Draw it with torch.rand. A slope of exactly 0 may come, and its gradient has to be finite. Afterwards train notebook 14's ring with each of the two penalties (weights: 10 for this one, 0.05 for R1; the critic there gives [N, 1], so flatten it). Count the axes: the ring's points are [N, 2].


# %%
def gradient_penalty(critic, real, fake):
    """critic: images [N, ...] -> logits [N]; real, fake: [N, ...]. Returns one number."""
    ### BEGIN SOLUTION
    alpha = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device, dtype=real.dtype)
    x = (alpha * real + (1 - alpha) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    length = torch.linalg.vector_norm(slope.flatten(1), dim=1)  # [N]; its gradient at 0 is 0
    return (length - 1).square().mean()
    ### END SOLUTION


# %%
check.gradient_penalty(gradient_penalty)  # 4 points
