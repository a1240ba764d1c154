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
# # Exercises 41: Neural style
#
# They belong to notebook 41.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import neural_style as check

# %% [markdown]
# ## 1. Calm  ★ (5 minutes)
#
# Equation (3): the mean absolute difference of neighbours to the right, plus that of neighbours below.
# It is a loss: gradients have to pass through it.


# %%
def total_variation(x):
    """x: [N, C, H, W]. Returns one number."""
    ### BEGIN SOLUTION
    right = x[..., 1:] - x[..., :-1]
    below = x[..., 1:, :] - x[..., :-1, :]
    return right.abs().mean() + below.abs().mean()
    ### END SOLUTION


# %%
check.total_variation(total_variation)  # 1 point

# %% [markdown]
# ## 2. Where the content pulls  ★ (5 minutes)
#
# The gradient of the content loss (1) with respect to the maps $F$, as a formula: no autograd.


# %%
def content_gradient(F, wanted):
    """F, wanted: [1, C, H, W]. Returns [1, C, H, W]."""
    ### BEGIN SOLUTION
    return 2 * (F - wanted) / F.numel()
    ### END SOLUTION


# %%
check.content_gradient(content_gradient)  # 2 points

# %% [markdown]
# ## 3. A style in its place  ★★ (10 minutes)
#
# A Gram matrix in which a place $p$ counts by its mask $m_p$ from 0 to 1: $\frac{1}{C \sum_p m_p} \sum_p m_p\, F_{ip} F_{jp}$.
# One matrix for each image; the mask is the same for all of them.
# A picture is optimised by it, so gradients have to reach `F`.


# %%
def masked_gram(F, mask):
    """F: [N, C, H, W], mask: [1, 1, H, W] in 0..1. Returns [N, C, C]."""
    ### BEGIN SOLUTION
    rows = (F * mask.sqrt()).flatten(2)  # [N, C, H W]
    return rows @ rows.transpose(1, 2) / (F.shape[1] * mask.sum())
    ### END SOLUTION


# %%
check.masked_gram(masked_gram)  # 3 points

# %% [markdown]
# ## 4. Its own colours  ★★ (10 minutes)
#
# The painting's lightness with the photograph's colours: from each channel of the photograph subtract the photograph's lightness, then add the painting's.
# The lightness of red, green, blue is $0.299 R + 0.587 G + 0.114 B$.
# Do not clip.


# %%
def keep_color(painting, photo):
    """painting, photo: [N, 3, H, W]. Returns [N, 3, H, W]."""
    ### BEGIN SOLUTION
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=photo.dtype).view(1, 3, 1, 1)
    lighter = (weights * (painting - photo)).sum(dim=1, keepdim=True)
    return photo + lighter
    ### END SOLUTION


# %%
check.keep_color(keep_color)  # 2 points

# %% [markdown]
# ## 5. To think about  ★★ (10 minutes)
#
# Mirror the style picture top to bottom; then give it half a turn instead.
# What changes in the painting, and what does not?
# And why do photographs of faces come out badly with a strong style?
#
# <!-- BEGIN SOLUTION -->
# A Gram matrix forgets places, not directions.
# In the mirrored picture strokes that rose to the right fall to the right, and other filters answer to them: slanted strokes slant the other way in the painting, while colours stay.
# Half a turn leaves the slant of a stroke as it was; only what tells above from below changes, such as light from above, which becomes light from below.
#
# A face is read from small differences in small places, as around the eyes.
# The content's map at a quarter of the size keeps them only roughly, and a stroke of the style may be larger than an eye.
# <!-- END SOLUTION -->
