"""A causal prior: one token after the other, each from all that came before it."""

import torch
import torch.nn.functional as F

from genimg_lib.layers import Cache
from genimg_lib.prior.drawing import draw
from genimg_lib.prior.transformer import TokenNet


class CausalPrior(TokenNet):
    """p(tokens) = prod_t p(token_t | tokens before t), in reading order.

    codes: how many tokens there are. shape: (H, W) of the grid.
    width, depth, heads: of the transformer. conditions: numbers of c [N, conditions]; 0 for none.
    parts: see TokenNet.
    Raises ValueError for tokens of another grid or out of range, and for another condition.
    Source: van den Oord et al. 2017 (arXiv:1711.00937), section 3.3, by a transformer as in Esser
    et al. 2020 (arXiv:2012.09841).
    """

    def __init__(self, codes, shape, width=192, depth=4, heads=4, conditions=0, parts=None):
        super().__init__(codes, shape, codes + 1, width, depth, heads, conditions, parts)
        self.start = codes  # the symbol before the first token

    def forward(self, tokens, c=None):
        """Logits [N, T, codes] for each token, from those before it. tokens: [N, H, W]."""
        self.check(tokens)
        flat = tokens.flatten(1).long()
        before = F.pad(flat[:, :-1], (1, 0), value=self.start)  # shifted by one
        return self.run(self._embedded(before, c, slice(None)), causal=True)

    def nats(self, tokens, c=None):
        """The code length -log p(tokens) of each grid, in nats: [N]."""
        logits = self(tokens, c).float()
        flat = tokens.flatten(1).long()
        return F.cross_entropy(logits.transpose(1, 2), flat, reduction="none").sum(dim=1)

    @torch.no_grad()
    def sample(self, u, c=None, temperature=1.0):
        """Draw grids of tokens: int64 [N, H, W].

        u: uniform in [0, 1), [N, H, W]: the noise. c: conditions. temperature: see `draw`.
        Raises ValueError for noise of another grid.
        """
        if u.shape[1:] != self.shape:
            wanted = f"[N, {self.shape[0]}, {self.shape[1]}]"
            raise ValueError(f"expected noise {wanted}, got {list(u.shape)}")
        flat = u.flatten(1)
        tokens = torch.full((len(u), 1), self.start, device=u.device)
        found = []
        for place, logits in enumerate(self.steps(tokens, c, lambda: found[-1])):
            found.append(draw(logits, flat[:, place], temperature))
        return torch.stack(found, dim=1).view(u.shape)

    @torch.no_grad()
    def steps(self, first, c, latest):
        """Logits [N, codes] place by place; `latest()` gives the token [N] chosen last.

        first: the start symbols [N, 1]. What was computed for earlier places is kept, so a place
        costs the work of one token.
        """
        cache, before = Cache(), first
        for place in range(self.length):
            h = self._embedded(before, c, slice(place, place + 1))
            yield self.run(h, causal=True, cache=cache)[:, 0].float()
            before = latest()[:, None]

    def _embedded(self, symbols, c, places):
        return self.embedded(symbols, c) + self.places()[places]
