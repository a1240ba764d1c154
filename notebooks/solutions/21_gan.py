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
# # Exercises 21: The first GAN
#
# They belong to notebook 21.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch
import torch.nn.functional as F

from genimg_lib.check import gan as check

# %% [markdown]
# ## 1. One epoch  ★ (2 minutes)
#
# How many steps does `run.batches` take to go once through `images` images, `batch` at a time?
# Images that are left over, too few for a batch, are dropped.


# %%
def steps_in_epoch(images, batch):
    ### BEGIN SOLUTION
    return images // batch
    ### END SOLUTION


# %%
check.steps_in_epoch(steps_in_epoch)  # 1 point

# %% [markdown]
# ## 2. Three labels  ★ (3 minutes)
#
# Both losses can be written as binary cross-entropy between logits and labels.
# Which labels do `n` real images get in the discriminator's step, which do `n` fakes get there, and which do `n` fakes get in the generator's step?


# %%
def step_labels(n):
    """Returns three float tensors [n]: real and fake in D's step, fake in G's step."""
    ### BEGIN SOLUTION
    return torch.ones(n), torch.zeros(n), torch.ones(n)
    ### END SOLUTION


# %%
check.step_labels(step_labels)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# The same fakes carry 0 in one step and 1 in the other.
# That is the whole game: a label is not what an image is, but what the player of this step wants D to say.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 3. A sigmoid too many  ★★ (5 minutes)
#
# A discriminator ends with a sigmoid, and its probabilities go into a loss that expects logits: mean softplus(-a) over real images plus mean softplus(a) over fakes.
# Which value does the loss never fall below, however good the discriminator is?


# %%
def lowest_with_sigmoid():
    ### BEGIN SOLUTION
    best_real, best_fake = 1.0, 0.0  # what a sigmoid can say at best, taken for a logit
    return math.log(1 + math.exp(-best_real)) + math.log(1 + math.exp(best_fake))
    ### END SOLUTION


# %%
check.lowest_with_sigmoid(lowest_with_sigmoid)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# 1.006.
# Nothing crashes, and D may even learn a little: a curve that never falls below 1.006 is the only sign.
# Now you know it.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4. The discriminator's step  ★★ (10 minutes)
#
# Write its loss from the networks themselves.
# The backward pass that follows has to reach every weight of D, by the real images and by the fakes, and none of G.
# It is finite for logits of ±10⁴.


# %%
def d_step_loss(D, G, real, z):
    """The loss of D. D: images [N, ...] -> logits [N]; G: z [N, d] -> images."""
    ### BEGIN SOLUTION
    fake = G(z).detach()  # no gradient into G
    return F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()
    ### END SOLUTION


# %%
check.d_step_loss(d_step_loss)  # 3 points

# %% [markdown]
# ## 5. Along the arc  ★★ (10 minutes)
#
# Latents of `d` standard normal numbers have a length near √d, and the straight line between two of them cuts through the middle, where training hardly ever was.
# Slerp goes along the arc: with the angle ω between a and b,
#
# $$\frac{\sin((1 - t)\,\omega)}{\sin\omega}\, a + \frac{\sin(t\,\omega)}{\sin\omega}\, b.$$
#
# Write it for a batch of pairs.
# Where a and b point the same way, ω = 0, give the straight line.


# %%
def slerp(a, b, t):
    """a, b: [N, d]; t: a float from 0 (gives a) to 1 (gives b). Returns [N, d]."""
    ### BEGIN SOLUTION
    cosine = (F.normalize(a, dim=1) * F.normalize(b, dim=1)).sum(dim=1, keepdim=True)
    angle = torch.acos(cosine.clamp(-1, 1))  # [N, 1]
    arc = torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b
    return torch.where(angle < 1e-6, torch.lerp(a, b, t), arc / torch.sin(angle))
    ### END SOLUTION


# %%
check.slerp(slerp)  # 3 points

# %% [markdown]
# ## 6. Does it copy?  ★★★ (25 minutes, a project)
#
# First: which training image is nearest to each sample, by the Euclidean distance of the pixels?


# %%
def nearest_neighbours(samples, train):
    """samples: [N, ...], train: [M, ...]. Returns N indices into train."""
    ### BEGIN SOLUTION
    distance = torch.cdist(samples.flatten(1), train.flatten(1))  # [N, M]
    return distance.argmin(dim=1)
    ### END SOLUTION


# %%
check.nearest_neighbours(nearest_neighbours)  # 2 points

# %% [markdown]
# A near neighbour alone proves nothing: real images have some too.
# So hold out images that the generator never saw, as many as there are training images.
# What share of the samples is nearer to its nearest training image than to its nearest held-out image?
#
# Afterwards, at the end of notebook 21, measure your GAN, with as many held-out faces from `data.load("portraits", "test", size=16, n=10_000)`, made grey by `grey`.
# Then measure one that you train on `train[:100]`, against 100 held out.


# %%
def copied_share(samples, train, test):
    """Images [N, ...], [M, ...], [M, ...]. Returns a number in 0..1."""
    ### BEGIN SOLUTION
    points = samples.flatten(1)
    to_train = torch.cdist(points, train.flatten(1)).min(dim=1).values
    to_test = torch.cdist(points, test.flatten(1)).min(dim=1).values
    return (to_train < to_test).double().mean()
    ### END SOLUTION


# %%
check.copied_share(copied_share)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# About 1/2 for a generator that has learned what the images have in common: it is no nearer to those that it was trained on.
# 1 for one that only copies.
# Much below 1/2 is not better still: then the two sets differ in something, or you exchanged them.
#
# A few copies hardly move it: a share ε of them gives 1/2 + ε/2.
# Notebook 21 therefore looks at how many ratios of the two distances are small.
# <!-- END SOLUTION -->
