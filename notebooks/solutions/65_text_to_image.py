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
# # Exercises 65: Text to image
#
# They belong to notebook 65.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import text_to_image as check

# %% [markdown]
# ## 1. A sentence as numbers  ★ (5 minutes)
#
# PAD is 0, START 1, END 2; the words of the vocabulary are 3, 4, ... in its order.
# For an encoder: the words, END, then PAD up to the length, which leaves room for END at least.


# %%
def encode(words, vocabulary, length):
    """words, vocabulary: lists of texts. Returns int64, [length]."""
    ### BEGIN SOLUTION
    numbers = [3 + vocabulary.index(word) for word in words] + [2]
    padding = [0] * (length - len(numbers))
    return torch.tensor(numbers + padding)
    ### END SOLUTION


# %%
check.encode(encode)  # 1 point

# %% [markdown]
# ## 2. Attention  ★★ (10 minutes)
#
# Equation (1) for several queries; words that are not there are not looked at.


# %%
def attention(q, k, v, there):
    """q: [T, d]; k, v: [S, d]; there: bool [S], one at least True. Returns [T, d]."""
    ### BEGIN SOLUTION
    scores = q @ k.T / q.shape[1] ** 0.5
    scores = scores.masked_fill(~there, -torch.inf)
    return torch.softmax(scores, dim=1) @ v
    ### END SOLUTION


# %%
check.attention(attention)  # 2 points

# %% [markdown]
# ## 3. Obeyed  ★ (5 minutes)
#
# For one factor: what was read from each picture, and what its sentence asked for, -1 where it doesn't name the factor.
# How often was it obeyed?


# %%
def obeyed(read, asked):
    """read, asked: int64 [N]; one at least names it. Returns a share, a scalar."""
    ### BEGIN SOLUTION
    says = asked != -1
    return (read == asked)[says].double().mean()
    ### END SOLUTION


# %%
check.obeyed(obeyed)  # 2 points

# %% [markdown]
# ## 4. Away from what is not wanted  ★ (5 minutes)
#
# Equation (2): at $w = 0$ the negative prompt is drawn, at $w = 1$ the wish.


# %%
def away(x_not, x_wish, w):
    """x_not, x_wish: guesses, [N, d]; w: a number. Returns [N, d]."""
    ### BEGIN SOLUTION
    return x_not + w * (x_wish - x_not)
    ### END SOLUTION


# %%
check.away(away)  # 1 point

# %% [markdown]
# ## 5. Two wishes at once  ★★★ (25 minutes, a project)
#
# If two wishes are independent given the picture, $p(x|a, b)$ is proportional to $p(x)\, \frac{p(x|a)}{p(x)}\, \frac{p(x|b)}{p(x)}$, so each adds its own difference to the score (Liu et al. 2022).
# Give each a weight.
#
# Then try it: "red hair" and "a black shirt" as two lists, each with weight 2, beside one list that says both.
# Which obeys more, and which of them ever saw the pair?


# %%
def both(nothing, first, second, w_first, w_second):
    """nothing, first, second: guesses, [N, d]; the weights: numbers. Returns [N, d]."""
    ### BEGIN SOLUTION
    towards_first = w_first * (first - nothing)
    towards_second = w_second * (second - nothing)
    return nothing + towards_first + towards_second
    ### END SOLUTION


# %%
check.both(both)  # 3 points
