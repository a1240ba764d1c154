"""Labels that nobody gave: what images tell of themselves."""

import torch
import torch.nn.functional as F

from genimg_lib.data.convert import to_float


def cluster(images, k=20, seed=0, rounds=20, of=None):
    """The group of each image by k-means on its pixels at half the size: int64 [N].

    From 0 to k - 1; some groups may stay empty.
    images: uint8 [N, C, H, W].
    of: other images, which are put into the groups of the first ones. As conditions of a GAN,
        groups stand in for labels (Liu et al. 2020, arXiv:2006.10728, there from the
        discriminator's features).
    Raises ValueError where there are fewer images than groups.
    """
    import numpy as np
    from scipy.cluster.vq import kmeans2, vq

    if not 1 <= k <= len(images):
        raise ValueError(
            f"from 1 to {len(images):,} groups are possible for {len(images):,} images; got {k}"
        )
    means, labels = kmeans2(
        _small(images).numpy(),
        k,
        iter=rounds,
        minit="points",
        missing="warn",
        rng=np.random.default_rng(seed),
    )
    return torch.from_numpy(labels if of is None else vq(_small(of).numpy(), means)[0]).long()


def principal_components(images, k=36, spread=0.5, of=None):
    """Each image's coordinates along k directions of largest variance: float32 [N, k].

    Each coordinate has mean 0 and the given standard deviation.
    The directions are the principal components of the pixels at half the size, the strongest first.
    images: uint8 [N, C, H, W], up to 64x64.
    of: other images, which are placed along the directions of the first ones. As conditions of a
        GAN (in the hinge recipe with reading=0: they are no zeros and ones) they tell it which real
        image to be like (after Casanova et al. 2021, arXiv:2109.05070).
    Raises ValueError where the images do not differ in k ways.
    """
    points = _small(images).double()
    mean = points.mean(dim=0)
    # the weakest first
    variances, directions = torch.linalg.eigh((points - mean).T @ (points - mean) / len(points))
    possible = int((variances > 1e-9).sum())
    if not 1 <= k <= possible:
        raise ValueError(
            "as many components are possible as there are ways in which the images differ, at most"
            f" {possible}, and 1 or more; got {k}"
        )
    variances, directions = variances[-k:].flip(0), directions[:, -k:].flip(1)
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    placed = points if of is None else _small(of).double()
    # eigenvectors have no sign of their own
    return (spread * (placed - mean) @ (directions * largest.sign()) / variances.sqrt()).float()


def _small(images):
    """[N, C H W / 4] in [-1, 1]."""
    return F.avg_pool2d(to_float(images), 2, ceil_mode=True).flatten(1)
