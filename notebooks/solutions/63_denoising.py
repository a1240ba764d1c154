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
# # Exercises 63: Denoising
#
# They belong to notebook 63.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import itertools

import torch

from genimg_lib.check import denoising as check

# %% [markdown]
# ## 1. Twenty-five levels  ★ (5 minutes)
#
# A paper says $\sigma = 25$, of 255 grey levels.
# What is the standard deviation for images whose black is `low` and whose white is `high`?


# %%
def in_units(levels, low, high):
    """levels: a number; low, high: numbers. Returns a number."""
    ### BEGIN SOLUTION
    return levels * (high - low) / 255
    ### END SOLUTION


# %%
check.in_units(in_units)  # 1 point

# %% [markdown]
# ## 2. What an average costs  ★ (10 minutes)
#
# Equation (4) for one row of pixels, as a mean squared error a pixel: $h * x$ is a convolution, and the mean is over the noise.
# The row wraps around; `h[0]` is the weight of the pixel itself, `h[1]` and `h[-1]` those of its neighbours, and so on.


# %%
def average_error(x, h, sigma):
    """x, h: [D], h sums to 1 and is symmetric; sigma: a number. Returns a number."""
    ### BEGIN SOLUTION
    blurred = torch.fft.ifft(torch.fft.fft(x) * torch.fft.fft(h)).real
    bias = (blurred - x).square().mean()
    variance = sigma**2 * h.square().sum()
    return bias + variance
    ### END SOLUTION


# %%
check.average_error(average_error)  # 2 points

# %% [markdown]
# ## 3. The best linear answer  ★★ (10 minutes)
#
# Equation (5), for images whose power a pixel is `S` at each frequency, in the order of `torch.fft.fft2`.


# %%
def wiener(y, S, sigma):
    """y: [N, H, W]; S: [H, W]; sigma: a number. Returns [N, H, W], real."""
    ### BEGIN SOLUTION
    gain = S / (S + sigma**2)
    return torch.fft.ifft2(gain * torch.fft.fft2(y)).real
    ### END SOLUTION


# %%
check.wiener(wiener)  # 2 points

# %% [markdown]
# ## 4. Why did nothing happen?  ★★ (10 minutes)
#
# `denoise_tv_chambolle(image, weight=0.1)` gave an image back that looks like the one it was given.
# The image has levels from 0 to 255, as floats; the weight was found on images in [0, 1], where it smooths well.
# Write `smooth`, which does the same to levels from 0 to 255, and gives such levels back (with the function's other defaults).
#
# (It works with numpy: `image.numpy()` and `torch.from_numpy(...)` go there and back.)


# %%
def smooth(image, weight):
    """image: [H, W], float64, 0 to 255; weight: for [0, 1]. Returns such an image."""
    from skimage.restoration import denoise_tv_chambolle

    ### BEGIN SOLUTION
    smoothed = denoise_tv_chambolle(image.numpy() / 255, weight=weight)
    return 255 * torch.from_numpy(smoothed)
    ### END SOLUTION


# %%
check.smooth(smooth)  # 2 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Total variation weighs squares against absolute values, so `255 * weight` on the levels does the same.
# scikit-image doesn't complain: 0.1 beside 255 levels just smooths 255 times too little.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 5. A loss on hidden pixels  ★★ (10 minutes)
#
# The mean squared error of all channels of the hidden pixels, and of no others.


# %%
def hidden_loss(x_hat, y, hidden):
    """x_hat, y: [N, C, H, W]; hidden: bool [N, 1, H, W]. Returns a number."""
    ### BEGIN SOLUTION
    off = (x_hat - y).square() * hidden
    return off.sum() / (hidden.sum() * y.shape[1])
    ### END SOLUTION


# %%
check.hidden_loss(hidden_loss)  # 2 points

# %% [markdown]
# ## 6. Down the levels  ★★★ (20 minutes, a project)
#
# $\hat x = \mathbb{E}[x|y]$ splits $y$ into a guess and the noise, $y = \hat x + (y - \hat x)$.
# Keep the guess, make the noise as small as at the next level, and ask again:
#
# $$y' = \hat x + \frac{\sigma'}{\sigma}\,(y - \hat x).$$
#
# Walk down all levels (`sigmas[0]` is that of the noise in $y$; the last may be 0), and return what you have at the last.
#
# Then paint: `from genimg_lib import plots, pretrained`, `net = pretrained.load_flow("flow_portraits")`, `denoise = lambda y, s: net(y / (1 + s), torch.full((len(y),), 1 / (1 + s)))` `y = 30 * torch.randn(16, 3, 32, 32)`, and the levels `[30 * 0.001 ** (k / 39) for k in range(40)] + [0.0]`; `plots.grid(y.clamp(-1, 1), cols=8)` shows the faces.
# Which notebook's sampler is it? What do 5 levels (and 0) give, and 200?


# %%
def down(denoise, y, sigmas):
    """denoise(y, sigma): y's shape; sigmas: falling. Returns y's shape."""
    ### BEGIN SOLUTION
    for now, then in itertools.pairwise(sigmas):
        x_hat = denoise(y, now)
        y = x_hat + then / now * (y - x_hat)
    return y
    ### END SOLUTION


# %%
check.down(down)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# It is DDIM without noise (notebook 51), or Euler's rule for the flow (notebooks 17 and 52), in the units of $y$.
# With 5 levels faces are whole but soft, hair turns greyish, and some get another hat, shirt or background; 40 are enough, and 200 give nearly the same (a face in sixteen may still change a little).
# <!-- END SOLUTION -->
