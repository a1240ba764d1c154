"""Small priors and grids of tokens for the tests of this folder."""

import torch


def shaken(prior, seed=0):
    """The prior with all weights away from their start, in eval mode."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in prior.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=g))
    return prior.eval()


def grids(n=4, codes=8, shape=(3, 3), seed=0):
    """Random tokens [n, H, W]."""
    return torch.randint(codes, (n, *shape), generator=torch.Generator().manual_seed(seed))
