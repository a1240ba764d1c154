"""A masked prior: all hidden tokens at once, the surest kept, the rest guessed again."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.layers import holds
from genimg_lib.prior.drawing import draw
from genimg_lib.prior.transformer import TokenNet


class MaskedPrior(TokenNet):
    """p(hidden token | all tokens that are seen), for any pattern of what is hidden.

    Parameters and errors as for CausalPrior.
    Source: MaskGIT, Chang et al. 2022 (arXiv:2202.04200), section 3.
    """

    def __init__(self, codes, shape, width=192, depth=4, heads=4, conditions=0, parts=None):
        super().__init__(codes, shape, codes + 1, width, depth, heads, conditions, parts)
        self.hidden = codes  # the symbol of a hidden token

    def forward(self, tokens, hidden, c=None):
        """Logits [M, codes] at the M hidden places, in the order of tokens[hidden].

        hidden: bool [N, H, W]; tokens there don't count.
        """
        self.check(tokens.masked_fill(hidden, 0))
        return self.run(self._seen(tokens, hidden, c), causal=False, only=hidden.flatten(1))

    def _seen(self, tokens, hidden, c):
        symbols = tokens.masked_fill(hidden, self.hidden).flatten(1)
        return self.embedded(symbols, c) + self.places()

    def loss(self, tokens, u, noise, c=None):
        """The mean cross-entropy of hidden tokens, in nats per token: a scalar.

        Each grid hides the share cos(pi u / 2) of its places, those with the least noise.
        tokens: [N, H, W]. u: uniform [N]. noise: uniform [N, H, W].
        Raises ValueError for others.
        """
        if u.shape != (len(tokens),) or noise.shape != tokens.shape:
            raise ValueError(
                f"expected u [{len(tokens)}] and noise {list(tokens.shape)}, got {list(u.shape)}"
                f" and {list(noise.shape)}"
            )
        if not holds((u >= 0) & (u <= 1)):
            raise ValueError(f"expected u in [0, 1], got {u.min():g} to {u.max():g}")
        hidden = hidden_places(u, noise)
        self.check(tokens)
        # logits of all places: shapes that change from step to step cost memory, and time
        logits = self.run(self._seen(tokens, hidden, c), causal=False).float()
        targets = tokens.masked_fill(~hidden, -100)  # which the cross-entropy leaves out
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)

    @torch.no_grad()
    def sample(
        self, u, gumbel, c=None, passes=8, temperature=1.0, randomness=4.5, given=None, keep=None
    ):
        """Draw grids of tokens in a few passes: int64 [N, H, W].

        u: uniform [passes, N, H, W], the noise of the tokens. gumbel: Gumbel noise of that shape.
        passes: forward passes; the number still hidden falls as in `keep_schedule`.
        temperature: of the tokens.
        randomness: how much Gumbel noise is added to a token's log-probability when the surest are
            kept, falling to 0 with the passes; math.inf keeps places at random.
        given, keep: tokens [N, H, W], and bool [N, H, W]: the places where they stay.
        """
        if passes < 1 or len(u) != passes or u.shape != gumbel.shape:
            raise ValueError(
                f"expected passes of 1 or more and noise [{passes}, N, H, W] twice, "
                f"got passes={passes}, {list(u.shape)} and {list(gumbel.shape)}"
            )
        if (given is None) != (keep is None):
            raise ValueError("given and keep go together: give both, or neither")
        if keep is not None and (
            keep.dtype != torch.bool or not keep.shape == given.shape == u.shape[1:]
        ):
            raise ValueError(
                f"expected given and keep {list(u.shape[1:])}, keep of bools, got"
                f" {list(given.shape)} and {list(keep.shape)} of {keep.dtype}"
            )
        hidden = torch.ones(u.shape[1:], dtype=torch.bool, device=u.device)
        tokens = torch.zeros(u.shape[1:], dtype=torch.long, device=u.device)
        if given is not None:
            hidden, tokens = ~keep, torch.where(keep, given, tokens)
        free = hidden.flatten(1).sum(dim=1)  # [N]
        for k in range(passes):
            logits = self(tokens, hidden, c).float()  # [hidden places, codes]
            guess = draw(logits, u[k][hidden], temperature)
            tokens = tokens.masked_scatter(hidden, guess)
            log_p = logits.gather(1, guess[:, None])[:, 0] - logits.logsumexp(dim=1)
            left = 1 - (k + 1) / passes
            noise = gumbel[k][hidden]
            score = _sureness(log_p, noise, randomness * left if left else 0.0)
            still = (free * keep_schedule((k + 1) / passes)).floor().long()
            hidden = _least_sure(score, hidden, still)
        return tokens


def keep_schedule(progress):
    """The share of tokens still hidden when this share of the passes is done: cos(pi p / 2)."""
    return math.cos(0.5 * math.pi * progress) if progress < 1 else 0.0


def hidden_places(u, noise):
    """Which places are hidden: bool [N, H, W], at least one and cos(pi u / 2) of them."""
    flat = noise.flatten(1)
    share = torch.cos(0.5 * math.pi * u)
    count = (share * flat.shape[1]).ceil().long().clamp(min=1)
    rank = flat.argsort(dim=1).argsort(dim=1)
    return (rank < count[:, None]).view(noise.shape)


def _sureness(log_p, gumbel, randomness):
    return gumbel if math.isinf(randomness) else log_p + randomness * gumbel


def _least_sure(score, hidden, still):
    """The `still` [N] least sure of the hidden places, by a score each: bool, like hidden."""
    at = torch.full(hidden.shape, math.inf, device=score.device)
    flat = at.masked_scatter(hidden, score).flatten(1)
    rank = flat.argsort(dim=1).argsort(dim=1)
    return (rank < still[:, None]).view(hidden.shape) & hidden
