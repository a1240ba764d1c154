"""Distances between distributions."""

import torch


def frechet_distance(mu1, cov1, mu2, cov2):
    """The squared Wasserstein-2 distance between two Gaussians: |mu1 - mu2|^2 + tr(cov1 + cov2 - 2 (cov1 cov2)^(1/2)).

    mu: [d]; cov: [d, d], symmetric and positive semidefinite. Computed in float64; returns a float, 0 or more.
    The trace of the root is the sum of the square roots of the eigenvalues of cov1^(1/2) cov2 cov1^(1/2), which is symmetric.
    Source: Dowson and Landau 1982; as an image metric Heusel et al. 2017 (arXiv:1706.08500).
    """
    mu1, cov1, mu2, cov2 = (torch.as_tensor(t).detach().double().cpu() for t in (mu1, cov1, mu2, cov2))
    d = mu1.numel()
    if mu1.shape != (d,) or mu2.shape != (d,) or cov1.shape != (d, d) or cov2.shape != (d, d):
        raise ValueError(f"means [d] and covariances [d, d] are wanted; given {[tuple(t.shape) for t in (mu1, cov1, mu2, cov2)]}")
    values, vectors = torch.linalg.eigh(cov1)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    trace_of_root = torch.linalg.eigvalsh(root @ cov2 @ root).clamp(min=0).sqrt().sum()
    distance = (mu1 - mu2).square().sum() + cov1.trace() + cov2.trace() - 2 * trace_of_root
    return distance.clamp(min=0).item()
