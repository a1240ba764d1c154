"""Labels that nobody gave: groups of images that look alike."""

import torch
import torch.nn.functional as F


def group(images, k=20, seed=0, rounds=20):
    """The group of each image by k-means on its pixels at half the size: int64 [N], 0 to k - 1; some groups may stay empty.

    images: uint8 [N, C, H, W]. As conditions of a GAN they stand in for labels (Liu et al. 2020, arXiv:2006.10728, there from the discriminator's features).
    Raises ValueError where there are fewer images than groups.
    """
    import numpy as np
    from scipy.cluster.vq import kmeans2

    if not 1 <= k <= len(images):
        raise ValueError(f"from 1 to {len(images):,} groups are possible for {len(images):,} images; given {k}")
    points = F.avg_pool2d(images.float() / 127.5 - 1, 2).flatten(1).numpy()
    _, labels = kmeans2(points, k, iter=rounds, minit="points", missing="warn", rng=np.random.default_rng(seed))
    return torch.from_numpy(labels).long()
