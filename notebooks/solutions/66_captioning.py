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
# # Exercises 66: Captioning
#
# They belong to notebook 66.
#
# Replace each `raise NotImplementedError()`, run the cell and the check below it.
# A check that fails says why; no answer is wrong for good.

# %%
import torch

from genimg_lib.check import captioning as check

# %% [markdown]
# ## 1. A sentence's nats  ★ (5 minutes)
#
# Minus the logarithm of (1), for one sentence: `log_p` holds $\log p$ of every word at each place.
# PAD, 0, is no word.


# %%
def nats(log_p, tokens):
    """log_p: [T, words]; tokens: int64 [T]. Returns a scalar."""
    ### BEGIN SOLUTION
    own = log_p.gather(1, tokens[:, None])[:, 0]
    return -own[tokens != 0].sum()
    ### END SOLUTION


# %%
check.nats(nats)  # 1 point

# %% [markdown]
# ## 2. No word sees a later one  ★ (5 minutes)
#
# Row $t$ of `scores` holds how well each place suits word $t$.
# Mask, and take the softmax.


# %%
def causal(scores):
    """scores: [T, T]. Returns weights, [T, T]; each row sums to 1."""
    ### BEGIN SOLUTION
    later = torch.ones_like(scores, dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(later, -torch.inf), dim=1)
    ### END SOLUTION


# %%
check.causal(causal)  # 1 point

# %% [markdown]
# ## 3. BLEU's precision  ★★ (10 minutes)
#
# The share of a caption's runs of $n$ words that stand in the reference, too.
# A run counts as often as the reference has it, not more.


# %%
def precision(caption, reference, n):
    """caption, reference: lists of n words at least. Returns a scalar tensor."""
    ### BEGIN SOLUTION
    mine, theirs = (
        [tuple(words[k : k + n]) for k in range(len(words) - n + 1)]
        for words in (caption, reference)
    )
    hits = sum(min(mine.count(run), theirs.count(run)) for run in set(mine))
    return torch.tensor(hits / len(mine))
    ### END SOLUTION


# %%
check.precision(precision)  # 2 points

# %% [markdown]
# ## 4. Is it as sure as it is right?  ★★ (10 minutes)
#
# The expected calibration error with `bins` bins of equal width over [0, 1]; a bin without answers counts nothing: the mean of |accuracy - mean confidence| over bins, weighed by the answers that each holds.


# %%
def calibration(confidence, right, bins):
    """confidence: [N] in [0, 1); right: bool [N]; bins: a number. Returns a scalar."""
    ### BEGIN SOLUTION
    place = (confidence * bins).long().clamp(max=bins - 1)
    error = torch.zeros(())
    for k in range(bins):
        inside = place == k
        if inside.any():
            gap = right[inside].float().mean() - confidence[inside].mean()
            error = error + gap.abs() * inside.float().mean()
    return error
    ### END SOLUTION


# %%
check.calibration(calibration)  # 2 points

# %% [markdown]
# ## 5. Which belongs to which?  ★★ (10 minutes)
#
# Equation (3), the mean of both ways; row $i$ of `a` belongs to row $i$ of `b`, and `scale` is $\tau$.


# %%
def contrastive(a, b, scale):
    """a, b: [N, d], rows of length 1; scale: a number. Returns a scalar."""
    ### BEGIN SOLUTION
    s = scale * a @ b.T
    of_pictures = torch.logsumexp(s, dim=1) - s.diagonal()
    of_sentences = torch.logsumexp(s, dim=0) - s.diagonal()
    return (of_pictures.mean() + of_sentences.mean()) / 2
    ### END SOLUTION


# %%
check.contrastive(contrastive)  # 2 points

# %% [markdown]
# ## 6. A step of beam search  ★★★ (25 minutes, a project)
#
# `total` holds $\log p$ of each beginning, `more` $\log p$ of every next word.
# Keep the $k$ best continuations of all: their $\log p$, the number of the beginning that each continues (0 to B - 1), and its new word, the best one first.
#
# Then write the whole search with it, for the course's captioner, and find a face for which four beams write another sentence than one.
# Which of the two sentences is more likely, and which names more?


# %%
def beam_step(total, more, k):
    """total: [B]; more: [B, words]; k: at most B words. Returns three tensors, [k]."""
    ### BEGIN SOLUTION
    ahead = (total[:, None] + more).flatten()
    best = ahead.topk(k)
    parents, words = best.indices // more.shape[1], best.indices % more.shape[1]
    return best.values, parents, words
    ### END SOLUTION


# %%
check.beam_step(beam_step)  # 3 points
