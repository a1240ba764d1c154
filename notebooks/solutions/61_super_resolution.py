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
# # Exercises 61: Super-resolution
#
# They belong to notebook 61.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import super_resolution as check

# %% [markdown]
# ## 1. Stripes that come back as others  ★ (10 minutes)
#
# A row of `n` pixels shows `k` stripes (a wave of `k` cycles). Every `s`-th pixel is kept; `s` divides `n`.
# How many stripes do the kept pixels seem to show? (By (1) of the notebook, waves whose cycles differ by $n/s$ give the same pixels; and $-k$ looks like $k$. The fewest count.)


# %%
def alias(k, n, s):
    """k: 0 to n / 2; n, s: whole numbers. Returns a whole number, 0 to n / (2 s)."""
    ### BEGIN SOLUTION
    small = n // s
    cycles = k % small
    return min(cycles, small - cycles)
    ### END SOLUTION


# %%
check.alias(alias)  # 1 point

# %% [markdown]
# ## 2. Decibels as papers have them  ★ (10 minutes)
#
# The luma of ITU-R BT.601 from 16 to 235, `scale` pixels left out along each edge, and 255 for the peak:
# $Y = 16 + (65.481\,R + 128.553\,G + 24.966\,B) / 255$. (The images are whole numbers already; the luma isn't rounded.)


# %%
def psnr_y(x_hat, x, scale):
    """x_hat, x: float64 [3, H, W], levels 0 to 255; scale: >= 1. Returns a number."""
    ### BEGIN SOLUTION
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64) / 255
    difference = ((x_hat - x) * weights.view(3, 1, 1)).sum(dim=0)  # 16 - 16 is 0
    inner = difference[scale:-scale, scale:-scale]
    return 10 * torch.log10(255**2 / inner.square().mean())
    ### END SOLUTION


# %%
check.psnr_y(psnr_y)  # 2 points

# %% [markdown]
# ## 3. Channels become pixels  ★★ (10 minutes)
#
# What `F.pixel_shuffle` does, by `view` and `permute`, loops or slices (the library's own call passes, too, and teaches nothing): pixel $(s i + a, s j + b)$ of channel $c$ is $h_{c s^2 + a s + b,\ i,\ j}$.


# %%
def shuffle(h, s):
    """h: [N, C s², H, W]; s: a whole number. Returns [N, C, s H, s W]."""
    ### BEGIN SOLUTION
    n, channels, height, width = h.shape
    c = channels // s**2
    parts = h.view(n, c, s, s, height, width)  # c, a, b, i, j
    in_place = parts.permute(0, 1, 4, 2, 5, 3)  # c, i, a, j, b
    return in_place.reshape(n, c, s * height, s * width)
    ### END SOLUTION


# %%
check.shuffle(shuffle)  # 2 points

# %% [markdown]
# ## 4. The same thumbnail  ★★ (10 minutes)
#
# Through the matrix `A`, many images are seen as `x` is. Of these, find the one nearest to `h`: $A x' = A x$, and $\lVert x' - h \rVert$ as small as can be.


# %%
def same_thumbnail(h, x, A):
    """h, x: [d]; A: [m, d], its rows independent. Returns [d]."""
    ### BEGIN SOLUTION
    step = torch.linalg.pinv(A) @ (A @ x - A @ h)
    return h + step
    ### END SOLUTION


# %%
check.same_thumbnail(same_thumbnail)  # 2 points

# %% [markdown]
# ## 5. The best guess  ★★ (15 minutes)
#
# $x$ is normal with mean 0 and covariance `C`, and $y = A x + \sigma\epsilon$. Then $x$ and $y$ are normal together, and
#
# $$\mathbb{E}[x|y] = \mathrm{Cov}(x, y)\ \mathrm{Cov}(y)^{-1}\ y.$$


# %%
def best_guess(y, A, C, sigma):
    """y: [m]; A: [m, d]; C: [d, d]; sigma: a number. Returns [d]."""
    ### BEGIN SOLUTION
    of_both = C @ A.T
    of_seen = A @ C @ A.T + sigma**2 * torch.eye(len(y), dtype=y.dtype)
    return of_both @ torch.linalg.solve(of_seen, y)
    ### END SOLUTION


# %%
check.best_guess(best_guess)  # 2 points

# %% [markdown]
# ## 6. Weigh the faces  ★★★ (25 minutes, a project)
#
# Draw $K$ faces, shrink each, and weigh it by how well it explains $y = A x + \sigma\epsilon$: $w_k \propto p(k)\ p(y|x_k)$, with $\sum_k w_k = 1$.
# Weighed so, they stand for $p(x|y)$. (`log_prior` is 0 for faces drawn as they come. $p(y|x_k)$ may be too small for any float: work with logarithms.)
#
# Then run the cell below the check, half a minute, which draws 20,000 faces and one to look for. (It asks questions that nothing checks.)
# How many faces count, $1 / \sum_k w_k^2$? Does the one that weighs most fit $y$ to within `sigma`? How large must `sigma` be for a hundred to count (draw $y$ anew for each)? What follows for drawing at random, and why does the notebook walk instead?


# %%
def weights(thumbnails, y, sigma, log_prior):
    """thumbnails: [K, d]; y: [d]; sigma: a number; log_prior: [K]. Returns [K]."""
    ### BEGIN SOLUTION
    off = (thumbnails - y).square().sum(dim=1)
    return torch.softmax(log_prior - off / (2 * sigma**2), dim=0)
    ### END SOLUTION


# %%
check.weights(weights)  # 3 points


# %%
def weigh(weights, sigma, faces=20_000):
    """How many faces count, and how far from y the heaviest is, in units of sigma."""
    from genimg_lib import data, restore
    from genimg_lib.data import portraits

    A = restore.Shrink((32, 32), 4)
    drawn = data.to_float(portraits.render(faces, 32, seed=1)[0])
    true = data.to_float(portraits.render(1, 32, seed=2)[0])
    g = torch.Generator().manual_seed(3)
    y = restore.noisy(A.measure(true), sigma, g).flatten().double()
    thumbnails = A.measure(drawn).flatten(1).double()
    w = weights(thumbnails, y, sigma, torch.zeros(faces).double())
    off = (thumbnails[w.argmax()] - y).square().mean().sqrt() / sigma
    return (1 / w.square().sum()).item(), off.item()


# weigh(weights, sigma=0.1)

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# At 0.1 (13 grey levels) one face of 20,000 counts, and even that doesn't fit: its thumbnail is 1.7 `sigma` away, where the true one's is 1. It is only the least bad.
# A hundred count between 1 and 1.2 (with this seed), noise of 130 to 150 levels, in which hardly anything is seen.
#
# There are 3,359,232 combinations of the ten factors that have names, and each face can stand in many places: 20,000 draws miss all that fit well. A walk changes a face that fits in one factor, and so stays among those that fit.
# <!-- END SOLUTION -->
