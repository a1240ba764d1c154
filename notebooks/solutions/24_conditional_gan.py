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
# # Exercises 24: Conditional GAN
#
# They belong to notebook 24.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch
import torch.nn.functional as F

from genimg_lib.check import conditional_gan as check

# %% [markdown]
# ## 1. What the C means  ★ (2 minutes)
#
# Two words: what does the C mean in cGAN, and what in DCGAN?


# %%
def the_c():
    """("word", "word")"""
    ### BEGIN SOLUTION
    return "conditional", "convolutional"
    ### END SOLUTION


# %%
check.the_c(the_c)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Conditional, as in p(x | c): both networks are given c.
# It is not *cyclic*, as you may read elsewhere; CycleGAN is another model.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. Put it beside  ★★ (10 minutes)
#
# The plainest way to condition.
# For the generator: the label, one-hot, behind the latent.


# %%
def latent_with_label(z, labels, classes):
    """[N, d + classes] from z [N, d] and labels [N], whole numbers below `classes`."""
    ### BEGIN SOLUTION
    return torch.cat([z, F.one_hot(labels, classes).to(z.dtype)], dim=1)
    ### END SOLUTION


# %%
check.latent_with_label(latent_with_label)  # 1 point

# %% [markdown]
# For the discriminator: behind the image's channels one map for each class, all 1 for the image's class and all 0 for the others.


# %%
def image_with_label(x, labels, classes):
    """[N, C + classes, H, W] from x [N, C, H, W] and labels [N]."""
    ### BEGIN SOLUTION
    maps = F.one_hot(labels, classes).to(x.dtype)[:, :, None, None]
    return torch.cat([x, maps.expand(-1, -1, *x.shape[2:])], dim=1)
    ### END SOLUTION


# %%
check.image_with_label(image_with_label)  # 2 points

# %% [markdown]
# ## 3. Conditional batch norm  ★★ (15 minutes)
#
# Normalise each channel, then scale it by 1 + gamma and shift it by beta, which a layer has computed from each image's condition.
# In training the mean and the variance are the batch's, over images and places, the variance divided by n.
# In evaluation you are given those that were collected before.
# Take ε = 10⁻⁵, added to the variance.


# %%
def conditional_batch_norm(x, gamma, beta, mean=None, var=None):
    """[N, C, H, W] from x [N, C, H, W] and gamma, beta [N, C].

    mean, var: [C] in evaluation, None in training.
    """
    ### BEGIN SOLUTION
    if mean is None:
        mean, var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)
    normed = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
    return normed * (1 + gamma[:, :, None, None]) + beta[:, :, None, None]
    ### END SOLUTION


# %%
check.conditional_batch_norm(conditional_batch_norm)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# 1 + gamma and not gamma, so that a layer whose weights begin near 0 begins as an ordinary batch norm.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4. The projection  ★★ (10 minutes)
#
# The logit of a projection discriminator is a = w · h + b + (V c) · h: how real the image is, plus how well its features agree with the condition.


# %%
def projection_logit(h, c, w, b, V):
    """[N] from features h [N, F] of the images and their conditions c [N, K].

    w: [F]. b: a number. V: [F, K].
    """
    ### BEGIN SOLUTION
    return h @ w + b + ((c @ V.T) * h).sum(dim=1)
    ### END SOLUTION


# %%
check.projection_logit(projection_logit)  # 2 points

# %% [markdown]
# ## 5. Does it follow?  ★★★ (25 minutes, a project)
#
# The accuracy of the condition is the share of images in which a classifier finds what was asked for: its largest logit is that of the target.


# %%
def obedience(asked, logits):
    """The accuracy, in 0..1.

    asked: [N], the target class of each image. logits: [N, K], the classifier's.
    """
    ### BEGIN SOLUTION
    return (logits.argmax(dim=1) == asked).double().mean()
    ### END SOLUTION


# %%
check.obedience(obedience)  # 2 points

# %% [markdown]
# A generator that ignores c is right, too, sometimes.
# How often would asked and made agree if the images were dealt out to the targets by chance?
# Use how often each class was asked for, and how often it was made.
#
# Afterwards measure the generator "conditional_gan_portraits" of `pretrained.load_generator` for each factor of the portraits (`metrics.Evaluator` reads them all): which does it follow least, and how far is that above chance?


# %%
def obedience_by_chance(asked, made, classes):
    """The agreement by chance, in 0..1, of asked and made [N], both below `classes`."""
    ### BEGIN SOLUTION
    share_asked = torch.bincount(asked, minlength=classes) / len(asked)
    share_made = torch.bincount(made, minlength=classes) / len(made)
    return (share_asked * share_made).sum()
    ### END SOLUTION


# %%
check.obedience_by_chance(obedience_by_chance)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# With "no glasses" asked for and made half of the time it is 0.375 for three values, not 0.333: the less even the shares, the better chance looks.
# A classifier errs on real images, too: put its accuracy there beside the other two, as a comparison and not as a bound.
# <!-- END SOLUTION -->
