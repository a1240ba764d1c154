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
# # Exercises 23: A GAN that trains
#
# They belong to notebook 23.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch
import torch.nn.functional as F

from genimg_lib.check import stable_gan as check

# %% [markdown]
# ## 1. Everybody there?  ★ (5 minutes)
#
# Each sample's factors were recognised: hair 0 to 5, glasses 0 to 2, and so on.
# Which share of all possible combinations came at least once?


# %%
def combinations_covered(factors, sizes):
    """The share of combinations that occur, in 0..1.

    factors: [N, F], whole numbers from 0. sizes: how many values each factor has.
    """
    ### BEGIN SOLUTION
    return len({tuple(row) for row in factors.tolist()}) / math.prod(sizes)
    ### END SOLUTION


# %%
check.combinations_covered(combinations_covered)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# It grows with the number of samples.
# Compare generators by the same number, and put beside them what as many real images cover.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. Enough is enough  ★ (5 minutes)
#
# Both hinge losses, each term a mean over its logits.
# A real logit above 1 and a fake one below -1 cost the discriminator nothing; the generator has no such margin.


# %%
def hinge_losses(real_logits, fake_logits):
    """(The discriminator's loss, the generator's), of logits of any shapes."""
    ### BEGIN SOLUTION
    loss_D = F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
    return loss_D, -fake_logits.mean()
    ### END SOLUTION


# %%
check.hinge_losses(hinge_losses)  # 2 points

# %% [markdown]
# ## 3. In pairs  ★★ (5 minutes)
#
# The discriminator's relativistic loss: is the real image *more* real than the fake at the same place?
# It is the mean, over the pairs, of softplus of (fake logit - real logit), and it has to be finite for logits of ±10⁴.


# %%
def relativistic_d_loss(real_logits, fake_logits):
    """One number, in nats, of logits of the same shape."""
    ### BEGIN SOLUTION
    return F.softplus(fake_logits - real_logits).mean()
    ### END SOLUTION


# %%
check.relativistic_d_loss(relativistic_d_loss)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# A number added to *all* logits changes nothing.
# The discriminator gains nothing by calling everything fake, and a generator that makes one mode only still meets all the others in its pairs.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4. The largest singular value  ★★ (10 minutes)
#
# Spectral norm divides a layer's weights by their largest singular value, and estimates that by one step of power iteration in each training step:
# $v$ is $W^\top u$ brought to length 1, the new $u$ is $Wv$ brought to length 1, and sigma is $u^\top W v$ with the new $u$.


# %%
def power_iteration(W, u):
    """(New u, sigma) from W [m, n] and u [m] of length 1."""
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
# A penalty for each image supposes that a critic's logit depends on its own image alone.
# Check it: how long is the gradient of logit i by image j?
# With batch norm in the critic, which entries are not 0?


# %%
def influence(critic, x):
    """[N, N]: row i for logit i, column j for image j.

    critic: images [N, ...] -> logits [N]. x: images [N, ...].
    """
    ### BEGIN SOLUTION
    x = x.clone().requires_grad_()
    logits = critic(x)
    slopes = [torch.autograd.grad(a, x, retain_graph=True)[0] for a in logits]
    return torch.stack(slopes).flatten(2).norm(dim=2)  # [N, N, pixels] -> [N, N]
    ### END SOLUTION


# %%
check.influence(influence)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# All of them.
# Batch norm takes the mean and the deviation of the whole batch, so every image moves every logit.
# A penalty differentiates the *sum* of the logits: without batch norm that is each logit by its own image; with it, all influences on an image are added up, and their length is nobody's slope.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 6. Two penalties  ★★★ (30 minutes, a project)
#
# R1 first: the mean over real images of the squared length of the critic's slope there.
# It is multiplied by its weight gamma / 2 later.
# A backward pass through the penalty has to reach the critic's weights.


# %%
def r1_penalty(critic, real):
    """One number. critic: images [N, ...] -> logits [N]; real: [N, ...]."""
    ### BEGIN SOLUTION
    x = real.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(dim=1).mean()
    ### END SOLUTION


# %%
check.r1_penalty(r1_penalty)  # 2 points

# %% [markdown]
# Now the gradient penalty: the mean of (|slope| - 1)² at points between real images and fakes, x = α real + (1 - α) fake.
# α is uniform in 0..1, another for each image; draw it with torch.rand.
# The answer has to work for images [N, C, H, W] and for points [N, 2].
# A slope of exactly 0 may occur, and the penalty's gradient has to be finite there.
#
# Afterwards train notebook 14's ring, whose points are [N, 2], with each of the two penalties: weight 10 for this one, 0.05 for R1.
# The critic there gives [N, 1], so flatten it.


# %%
def gradient_penalty(critic, real, fake):
    """One number. critic: images [N, ...] -> logits [N]; real, fake: [N, ...]."""
    ### BEGIN SOLUTION
    ones = [1] * (real.dim() - 1)  # alpha: [N, 1, 1, 1] for images, [N, 1] for points
    alpha = torch.rand(len(real), *ones, device=real.device, dtype=real.dtype)
    x = (alpha * real + (1 - alpha) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    length = torch.linalg.vector_norm(slope.flatten(1), dim=1)  # gradient 0 at 0
    return (length - 1).square().mean()
    ### END SOLUTION


# %%
check.gradient_penalty(gradient_penalty)  # 4 points
