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
# # Exercises 22: DCGAN
#
# They belong to notebook 22.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import math

import torch
import torch.nn as nn

from genimg_lib.check import dcgan as check

# %% [markdown]
# ## 1. The range of tanh  ★ (3 minutes)
#
# The generator ends with a tanh.
# Bring images of bytes, 0 to 255, into its range: black becomes -1 and white 1.


# %%
def to_tanh_range(images):
    """images: uint8, of any shape. Returns floats of that shape."""
    ### BEGIN SOLUTION
    return images / 127.5 - 1
    ### END SOLUTION


# %%
check.to_tanh_range(to_tanh_range)  # 1 point

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# With data in 0..1 nothing crashes.
# But no real image has a number below 0, so every negative pixel gives a fake away, and half of the generator's range is of no use.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 2. How large is the image?  ★★ (10 minutes)
#
# A stack of layers, `"conv"` or `"up"` (a transposed convolution), each with kernel, stride and padding.
# Which side comes out?
# (The two formulas are (1) of notebook 22.)
# Then try it on the "generator" that goes from 7 pixels through two layers `("conv", 4, 2, 1)`.


# %%
def stack_size(side, stack):
    """The side that comes out. stack: a list of (kind, kernel, stride, padding)."""
    ### BEGIN SOLUTION
    for kind, kernel, stride, padding in stack:
        if kind == "up":
            side = stride * (side - 1) - 2 * padding + kernel
        else:
            side = (side + 2 * padding - kernel) // stride + 1
    return side
    ### END SOLUTION


# %%
check.stack_size(stack_size)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# 7, 3, 1: that generator shrinks its image to one pixel.
# A convolution of stride 2 about halves the side; only a wide rim of zeros as padding could make it larger.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 3. A stack that arrives  ★★ (10 minutes)
#
# Find the transposed convolutions that lead from side `start` to side `size` (`start` times a power of 2).
# All have stride 2 and double the side, and the patches that neighbouring inputs paint have to overlap: a kernel wider than the stride.


# %%
def generator_stack(start, size):
    """Returns a list of (kernel, stride, padding), the first layer first."""
    ### BEGIN SOLUTION
    stack = []
    while start < size:
        stack.append((4, 2, 1))  # 2 (H - 1) + 4 - 2 = 2 H
        start *= 2
    return stack
    ### END SOLUTION


# %%
check.generator_stack(generator_stack)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# 2(H - 1) + k - 2p = 2H asks for k = 2 + 2p: (2, 2, 0) makes blocks, (4, 2, 1) overlaps, (6, 2, 2) as well.
# With an odd kernel there is no such padding: 3 or 5 end at an odd side, which is why `output_padding` exists.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4. The slow copy  ★★ (15 minutes)
#
# Samples are drawn with an average of the generator's weights: average ← decay · average + (1 - decay) · weights.
# After how many steps is the share of one step's weights half of what it was?


# %%
def half_life(decay):
    """decay: between 0 and 1. Returns a number of steps, which need not be whole."""
    ### BEGIN SOLUTION
    return math.log(0.5) / math.log(decay)
    ### END SOLUTION


# %%
check.half_life(half_life)  # 1 point

# %% [markdown]
# The average of notebook 22 begins at the first weights.
# Many programs begin at zeros instead; then it is too small at first.
# After n steps, which share of it is weights?
# Divide by that: then the average of weights that stay the same is exact from the first step on.


# %%
def moving_average(history, decay):
    """history: [n, ...], oldest first. Returns the corrected average, [...]."""
    ### BEGIN SOLUTION
    average = torch.zeros_like(history[0])
    for weights in history:
        average = decay * average + (1 - decay) * weights
    return average / (1 - decay ** len(history))
    ### END SOLUTION


# %%
check.moving_average(moving_average)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# 693 steps for 0.999: a run of 500 steps with it would draw from an average of its beginnings.
# `run.train` begins with a smaller decay instead of correcting, for the same reason.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 5. First weights  ★★ (10 minutes)
#
# DCGAN's start: the weights of all convolutions, transposed ones too, are normal with mean 0 and standard deviation 0.02.
# The scales of batch norms are normal with mean 1 and standard deviation 0.02, their shifts 0.
# The biases of convolutions, and all other layers, stay as they are.
# Layers may stand inside others.


# %%
def init_dcgan(net):
    """net: a module. Changes its weights and returns it."""
    ### BEGIN SOLUTION
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
    return net
    ### END SOLUTION


# %%
check.init_dcgan(init_dcgan)  # 2 points

# %% [markdown]
# ## 6. Glasses  ★★★ (30 minutes, a project)
#
# You have latents of portraits and know which of them wear glasses.
# Find the direction that leads from those without to those with: the difference of the two means, as in (5).
# Its length does not matter (the next task divides by it): the check compares directions.


# %%
def attribute_direction(latents, has):
    """latents: [N, d]; has: [N], True or False. Returns [d]."""
    ### BEGIN SOLUTION
    return latents[has].mean(dim=0) - latents[~has].mean(dim=0)
    ### END SOLUTION


# %%
check.attribute_direction(attribute_direction)  # 2 points

# %% [markdown]
# Adding the direction gives glasses to those who have some already, and leads to latents that are too long.
# Better: let u be the direction divided by its length, and z · u a latent's coordinate.
# Move each latent along u until its coordinate is `target`; change nothing else.
#
# Then try it on the generator "gan_portraits" of `pretrained.load_generator`; `metrics.Evaluator("portraits").read` gives every factor of its images.
# Which others change with the glasses?


# %%
def set_coordinate(z, direction, target):
    """z: [N, d]; direction: [d], of any length; target: a number. Returns [N, d]."""
    ### BEGIN SOLUTION
    unit = direction / direction.norm()
    return z + (target - z @ unit)[:, None] * unit
    ### END SOLUTION


# %%
check.set_coordinate(set_coordinate)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Whatever goes together with glasses in the samples that you averaged is in the direction too, and changes with them.
# Averages cancel only what is independent.
# <!-- END SOLUTION -->
