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
# # Exercises 67: Textures and worlds
#
# They belong to notebook 67.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import textures_and_worlds as check

# %% [markdown]
# ## 1. The cost so far  ★ (5 minutes)
#
# Equation (1) for one row: `above` is the row of $E$ above it, `e` its own costs.
# At its ends there is nothing beyond.


# %%
def cost(above, e):
    """above, e: [W]. Returns the row of E, [W]."""
    ### BEGIN SOLUTION
    padded = torch.nn.functional.pad(above[None], (1, 1), value=torch.inf)[0]
    left, right = padded[:-2], padded[2:]
    return e + torch.minimum(torch.minimum(left, above), right)
    ### END SOLUTION


# %%
check.cost(cost)  # 1 point

# %% [markdown]
# ## 2. Over, as light  ★ (5 minutes)
#
# A front (not multiplied by alpha yet) over a back, mixed as light.
# Take the power 2.2 for the way from a colour to light.


# %%
def over(front, alpha, back):
    """front, alpha, back: [N], in [0, 1]. Returns a colour, [N]."""
    ### BEGIN SOLUTION
    light = alpha * front**2.2 + (1 - alpha) * back**2.2
    return light ** (1 / 2.2)
    ### END SOLUTION


# %%
check.over(over)  # 1 point

# %% [markdown]
# ## 3. Alpha from two backs  ★★ (10 minutes)
#
# Equation (3), by least squares over the three channels.


# %%
def alpha_of(c1, c2, b1, b2):
    """c1, c2: what is seen; b1, b2: the backs; [3, N] each. Returns alpha, [N]."""
    ### BEGIN SOLUTION
    apart = b1 - b2
    shows = ((c1 - c2) * apart).sum(dim=0) / apart.square().sum(dim=0)
    return 1 - shows
    ### END SOLUTION


# %%
check.alpha_of(alpha_of)  # 2 points

# %% [markdown]
# ## 4. One step of a rule  ★★ (10 minutes)
#
# Equation (2) for N cells, each a column: `seen` holds what each sees.


# %%
def grown(state, seen, W1, b, W2, fired):
    """state: [C, N]; seen: [K, N]; W1: [h, K]; b: [h]; W2: [C, h]; fired: [N].

    fired holds floats, 1 or 0. Returns the new state, [C, N].
    """
    ### BEGIN SOLUTION
    hidden = torch.relu(W1 @ seen + b[:, None])
    return state + (W2 @ hidden) * fired
    ### END SOLUTION


# %%
check.grown(grown)  # 2 points

# %% [markdown]
# ## 5. Shrink with alpha  ★★ (10 minutes)
#
# Make a line of pixels half as long: pixels 0 and 1 become one, then 2 and 3, and so on.
# Each colour counts as much as its alpha; the result is a plain colour, not multiplied by alpha.


# %%
def shrunk(colour, alpha):
    """colour: [C, 2N]; alpha: [2N], above 0. Returns a colour, [C, N]."""
    ### BEGIN SOLUTION
    weighed = (colour * alpha).view(len(colour), -1, 2).sum(dim=2)
    total = alpha.view(-1, 2).sum(dim=1)
    return weighed / total
    ### END SOLUTION


# %%
check.shrunk(shrunk)  # 2 points

# %% [markdown]
# ## 6. A homography  ★★★ (25 minutes, a project)
#
# Equation (4): the matrix, with its last entry 1, that takes four points to four others.
#
# Then photograph a poster from the side, read off its corners, and see it from the front with `worlds.warped`.


# %%
def homography(points, onto):
    """points, onto: float64 [4, 2], (x, y) each. Returns H, [3, 3]."""
    ### BEGIN SOLUTION
    rows, right = [], []
    for (x, y), (u, v) in zip(points.tolist(), onto.tolist(), strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        right += [u, v]
    h = torch.linalg.solve(torch.tensor(rows).double(), torch.tensor(right).double())
    return torch.cat([h, torch.ones(1).double()]).view(3, 3)
    ### END SOLUTION


# %%
check.homography(homography)  # 3 points
