"""A mixture of normal distributions fitted to vectors: a prior that is in several places."""

import torch

from genimg_lib.data.mixture import GaussianMixture


def fit_mixture(z, parts, steps=30, least=1e-3, generator=None):
    """A `GaussianMixture` by expectation-maximisation, begun from vectors picked at random.

    z: [N, d]; computed in double precision. parts: K, 1 to N.
    steps: of expectation and maximisation. least: variance added in every direction, so that no
        part collapses onto a few vectors.
    Raises ValueError for other numbers.
    Source: Dempster, Laird and Rubin, Maximum Likelihood from Incomplete Data via the EM
        Algorithm, JRSS B 1977, example 4.3; as a prior after training, Ghosh et al. 2020
        (arXiv:1903.12436), section 4.
    """
    if z.dim() != 2 or not 1 <= parts <= len(z) or steps < 0 or not least > 0:
        raise ValueError(
            "expected vectors [N, d], 1 to N parts, 0 or more steps, a least variance above 0; got"
            f" {list(z.shape)}, {parts}, {steps}, {least}"
        )
    z = z.double()
    n, d = z.shape
    extra = least * torch.eye(d, dtype=z.dtype)
    start = torch.randperm(n, generator=generator)[:parts]
    whole = z.T.cov(correction=0).view(d, d) + extra
    weights = torch.full((parts,), 1 / parts, dtype=z.dtype)
    mixture = GaussianMixture(weights, z[start], whole.expand(parts, d, d))
    for _ in range(steps):
        r = mixture.responsibilities(z)
        total = r.sum(dim=0).clamp(min=1e-9)  # [K]
        means = r.T @ z / total[:, None]
        covariances = [_covariance(z - m, share) for m, share in zip(means, r.T, strict=True)]
        mixture = GaussianMixture(total / total.sum(), means, torch.stack(covariances) + extra)
    return mixture


def _covariance(away, share):
    """Of vectors [N, d] around 0 that count by their share [N]: [d, d]."""
    return (away * share[:, None]).T @ away / share.sum().clamp(min=1e-9)
