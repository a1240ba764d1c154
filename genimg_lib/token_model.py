"""Images drawn token by token: an autoencoder with codes, and priors over its tokens."""

import torch
import torch.nn as nn

from genimg_lib.errors import unknown
from genimg_lib.prior import CausalPrior, MaskedPrior, gumbel
from genimg_lib.vae import CodeAutoencoder
from genimg_lib.vae.codes import FSQ

PRIORS = {"causal": CausalPrior, "masked": MaskedPrior}


class TokenModel(nn.Module):
    """A `vae.CodeAutoencoder` with FSQ, and a causal and a masked prior over its tokens.

    channels, size: of the images.
    conditions: numbers of the condition c [N, conditions] that the priors are told; 0 for none.
    kinds: which priors it has, of PRIORS.
    levels, width, depth, patch: of the autoencoder. prior_width, prior_depth: of each prior.
    Raises ValueError for an unknown prior, and for sizes that do not fit.
    """

    def __init__(
        self,
        channels,
        size,
        conditions,
        kinds=("causal", "masked"),
        levels=(7, 5, 5, 5),
        width=64,
        depth=2,
        patch=4,
        prior_width=128,
        prior_depth=4,
    ):
        super().__init__()
        for kind in kinds:
            if kind not in PRIORS:
                raise unknown("prior", kind, PRIORS)
        self.conditions = conditions
        self.images = CodeAutoencoder(FSQ(levels), channels, size, width, patch, depth)
        quantizer = self.images.quantizer
        shape = (quantizer.codes, self.images.shape, prior_width, prior_depth)
        more = {"conditions": conditions, "parts": quantizer.parts()}
        self.priors = nn.ModuleDict({kind: PRIORS[kind](*shape, **more) for kind in kinds})

    def tokens(self, n, generator, c=None, kind="causal", passes=8):
        """n grids of tokens, int64 [n, H, W]; arguments as for `sample`."""
        if kind not in self.priors:
            raise unknown("prior of this model", kind, self.priors)
        prior, shape = self.priors[kind], self.images.shape
        if kind == "causal":
            return prior.sample(torch.rand(n, *shape, generator=generator), c)
        u = torch.rand(passes, n, *shape, generator=generator)
        return prior.sample(u, gumbel(u.shape, generator), c, passes)

    def sample(self, n, generator, c=None, kind="causal", passes=8):
        """n images [n, C, H, W] in [-1, 1].

        generator: of all noise. c: conditions [n, conditions] or None.
        kind: of the prior. passes: of a masked one.
        Raises ValueError for a prior that it doesn't have.
        """
        return self.images.decode(self.tokens(n, generator, c, kind, passes))
