"""Is a picture one of those that were learned from? How far its features lie from theirs."""

import torch
import torch.nn as nn


class Typical(nn.Module):
    """Features [N, d] to how unusual each is: its squared Mahalanobis distance over d, [N].

    About 1 for features like those that it was fitted to. limit: above it, none of them was.
    Source: Mahalanobis 1936; for networks, Lee et al. 2018 (arXiv:1807.03888).
    """

    def __init__(self, d):
        super().__init__()
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("whitening", torch.eye(d))
        self.register_buffer("limit", torch.tensor(1e4))  # until it is fitted

    @torch.no_grad()
    def fit(self, features, share=0.999, least=1e-3):
        """Take the mean, the covariance and the limit from features [N, d], N well above d.

        share: of them that lie within the limit. least: added to each variance, as a share of the
        largest, so that a direction in which they hardly differ does not decide alone.
        """
        values = features.double()
        mean = values.mean(dim=0)
        variances, directions = torch.linalg.eigh(values.T.cov())
        scale = (variances + least * variances.max()).rsqrt()
        self.mean.copy_(mean)
        self.whitening.copy_(directions * scale)
        self.limit.copy_(self(features).quantile(share))
        return self

    def forward(self, features):
        return ((features - self.mean) @ self.whitening).square().mean(dim=1)
