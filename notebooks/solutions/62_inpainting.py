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
# # Exercises 62: Inpainting
#
# They belong to notebook 62.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import inpainting as check

# %% [markdown]
# ## 1. Decibels in the hole  ★ (10 minutes)
#
# PSNR over the pixels that were *not* seen, all three channels, with 255 for the peak.


# %%
def psnr_hole(x_hat, x, seen):
    """x_hat, x: float64 [3, H, W], 0 to 255; seen: bool [H, W]. Returns a number."""
    ### BEGIN SOLUTION
    off = (x_hat - x)[:, ~seen]
    return 10 * torch.log10(255**2 / off.square().mean())
    ### END SOLUTION


# %%
check.psnr_hole(psnr_hole)  # 1 point

# %% [markdown]
# ## 2. The step at the edge  ★ (10 minutes)
#
# Over all pairs of neighbours, side by side or one above the other, of which one pixel is hidden and the other seen: the mean of how far apart their values are.


# %%
def edge_step(x, seen):
    """x: float64 [H, W]; seen: bool [H, W], with both kinds. Returns a number."""
    ### BEGIN SOLUTION
    across = (x[:, 1:] - x[:, :-1]).abs()[seen[:, 1:] != seen[:, :-1]]
    down = (x[1:] - x[:-1]).abs()[seen[1:] != seen[:-1]]
    return torch.cat([across, down]).mean()
    ### END SOLUTION


# %%
check.edge_step(edge_step)  # 2 points

# %% [markdown]
# ## 3. Heat, one step  ★★ (10 minutes)
#
# Each hidden pixel becomes the mean of its neighbours as they are now: four, three at an edge of the picture, two in a corner. Neighbours count whether they are seen or hidden. Seen pixels stay.


# %%
def heat_step(x, seen):
    """x: float64 [H, W], H and W at least 2; seen: bool [H, W]. Returns [H, W]."""
    ### BEGIN SOLUTION
    total, count = torch.zeros_like(x), torch.zeros_like(x)
    total[:, :-1] += x[:, 1:]
    total[:, 1:] += x[:, :-1]
    total[:-1] += x[1:]
    total[1:] += x[:-1]
    count[:, :-1] += 1
    count[:, 1:] += 1
    count[:-1] += 1
    count[1:] += 1
    return torch.where(seen, x, total / count)
    ### END SOLUTION


# %%
check.heat_step(heat_step)  # 2 points

# %% [markdown]
# ## 4. What is seen, with its noise  ★★ (10 minutes)
#
# What replacement does before a call at time $t$: $\alpha_t y + \sigma_t \epsilon$ in the seen place, all else as it is.


# %%
def replace(x_t, y, seen, alpha, sigma, eps):
    """x_t, y, eps: [N, C, H, W]; seen: bool [H, W]; two numbers. Returns like x_t."""
    ### BEGIN SOLUTION
    noisy = alpha * y + sigma * eps
    return torch.where(seen, noisy, x_t)
    ### END SOLUTION


# %%
check.replace(replace)  # 1 point

# %% [markdown]
# ## 5. Told, or told in noise  ★★ (15 minutes)
#
# Two numbers $s$ and $h$ are normal with mean 0, variance 1 and covariance $\rho$. Of $h$ we see $h_t = \alpha h + \sigma\epsilon$ (the noises are standard normal and independent of all else; $\alpha$ and $\sigma$ are any numbers). Give two guesses of $h$, (4) and (5) of the notebook:
#
# $$\mathbb{E}[h | h_t, s] \quad \text{and} \quad \mathbb{E}[h | h_t, s_t], \qquad s_t = \alpha s + \sigma\epsilon'.$$
#
# (Given $s$, $h$ is normal with mean $\rho s$ and variance $1 - \rho^2$. And for what is normal together, $\mathbb{E}[h|v] = \mathrm{Cov}(h, v)\ \mathrm{Cov}(v)^{-1}\ v$.)


# %%
def guesses(h_t, s, s_t, rho, alpha, sigma):
    """Numbers, sigma > 0, -1 < rho < 1. Returns two numbers: told s, told s_t."""
    ### BEGIN SOLUTION
    left = 1 - rho**2
    gain = alpha * left / (alpha**2 * left + sigma**2)
    told = rho * s + gain * (h_t - alpha * rho * s)
    own, shared = alpha**2 + sigma**2, alpha**2 * rho  # the covariance of (h_t, s_t)
    determinant = own**2 - shared**2
    of_h = alpha * (own - rho * shared) / determinant
    of_s = alpha * (rho * own - shared) / determinant
    return told, of_h * h_t + of_s * s_t
    ### END SOLUTION


# %%
check.guesses(guesses)  # 3 points

# %% [markdown]
# ## 6. The most alike patch  ★★★ (25 minutes, a project)
#
# A patch of `side` x `side` pixels has its upper left corner at (`row`, `column`); some of its pixels are seen, others are not. Among all patches that are seen *whole*, find the one nearest to it where *it* is seen, by the sum of squares. Of equals, the first by rows, then columns.
#
# Then run the cell below the check: it fills a hole from its edge inwards, copying whole patches that your function finds (as Criminisi et al. 2004 did; Efros and Leung 1999 had set pixel by pixel). (It asks questions that nothing checks.)
# Try `side` from 5 to 21: which is nearest to the wall? Is there an order? What can go wrong if each piece is copied once, and never looked at again?


# %%
def nearest_patch(x, seen, row, column, side):
    """x: float64 [C, H, W]; seen: bool [H, W]. Returns its row and column, from 0."""
    ### BEGIN SOLUTION
    wanted = x[:, row : row + side, column : column + side]
    known = seen[row : row + side, column : column + side]
    patches = x.unfold(1, side, 1).unfold(2, side, 1)  # [C, rows, columns, side, side]
    whole = seen.unfold(0, side, 1).unfold(1, side, 1).flatten(2).all(dim=2)
    off = ((patches - wanted[:, None, None]).square() * known).sum(dim=(0, 3, 4))
    best = off.masked_fill(~whole, torch.inf).flatten().argmin().item()
    return best // off.shape[1], best % off.shape[1]
    ### END SOLUTION


# %%
check.nearest_patch(nearest_patch)  # 3 points


# %%
def holed_wall(size=96, hole=32):
    """A wall of bricks with a white hole, and what is seen of it."""
    from genimg_lib import data
    from genimg_lib.data import photos

    wall = data.to_float(photos.square(photos.open_photo("brick"), 256))
    x = wall[:, :size, :size].double().clone()
    seen = torch.ones(size, size, dtype=torch.bool)
    seen[32 : 32 + hole, 32 : 32 + hole] = False
    x[:, ~seen] = 1.0
    return x, seen


# %%
def grow(nearest_patch, side=11):
    """The wall with its hole, and filled from the edge inwards: [2, 3, H, W]."""
    x, seen = holed_wall()
    before, half = x.clone(), side // 2
    while not seen.all():
        # of patches with a hidden middle, the one of which most is seen
        many = seen.double().unfold(0, side, 1).unfold(1, side, 1).sum(dim=(2, 3))
        done = seen[half : half + many.shape[0], half : half + many.shape[1]]
        place = many.masked_fill(done, -1).flatten().argmax().item()
        row, column = place // many.shape[1], place % many.shape[1]
        i, j = nearest_patch(x, seen, row, column, side)
        here = slice(row, row + side), slice(column, column + side)
        there = slice(i, i + side), slice(j, j + side)
        x[:, *here] = torch.where(seen[here], x[:, *here], x[:, *there])
        seen[here] = True
    return torch.stack([before, x]).float()


# from genimg_lib import plots
# plots.show(plots.grid(grow(nearest_patch)), alt="A wall with a hole, and filled.")

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# In decibels in the hole: 28 for 5, 22 for 7, 25 for 11, 22 for 15 and for 21. There is no order: which patch comes first decides what all later ones have to fit, so one wall and one hole can't tell which `side` is good.
#
# Copied once, an early mistake stays, and all that comes after is fitted to it. Here it goes well; where several continuations fit equally, it need not.
# <!-- END SOLUTION -->
