"""Holes filled smoothly from their edges: colours that flow inwards until they rest.

y: images [N, C, H, W], whatever stands in their holes. seen: bool, True where a pixel is known,
[H, W] or [N, 1, H, W]. What is seen is kept to the bit.
"""

import torch


def harmonic(y, seen):
    """Each hidden pixel the mean of its neighbours: where heat would come to rest.

    Nothing is larger than the largest pixel at the edge of the hole.
    Raises ValueError where nothing is seen of an image.
    """
    return _each(_harmonic, y, seen)


def biharmonic(y, seen):
    """As a thin plate would bend that is held at what is seen, within the range of what is seen.

    Source: scikit-image's inpaint_biharmonic, after Damelin and Hoang 2018 (DOI
        10.1155/2018/3950312).
    """
    return _each(_biharmonic, y, seen)


def _each(function, y, seen):
    seen = checked(y, seen).expand(len(y), 1, *y.shape[2:])
    filled = [function(image.double(), known) for image, known in zip(y, seen[:, 0], strict=True)]
    return torch.where(seen, y, torch.stack(filled).to(y))


def _harmonic(image, seen):
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import splu

    hidden = ~seen.numpy()
    if not hidden.any():
        return image
    number = np.full(hidden.shape, -1)
    number[hidden] = np.arange(hidden.sum())
    values = image.numpy()
    neighbours = np.zeros(hidden.sum())
    rows, columns, known = [], [], np.zeros((hidden.sum(), len(image)))
    for here, there in _pairs_of_neighbours(hidden.shape):
        mine, other = number[here], number[there]
        counts = mine >= 0
        neighbours += np.bincount(mine[counts], minlength=len(neighbours))
        both = counts & (other >= 0)
        rows.append(mine[both])
        columns.append(other[both])
        edge = counts & (other < 0)
        for channel, plane in enumerate(values):
            found = np.bincount(mine[edge], plane[there][edge], minlength=len(neighbours))
            known[:, channel] += found
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    each = np.arange(len(neighbours))
    entries = np.concatenate([neighbours, -np.ones(len(rows))])
    places = (np.concatenate([each, rows]), np.concatenate([each, columns]))
    laplacian = coo_matrix((entries, places)).tocsc()
    filled = image.clone()
    filled[:, ~seen] = torch.from_numpy(splu(laplacian).solve(known).T)
    return filled


def _pairs_of_neighbours(shape):
    """Slices of all pixels that have a neighbour below, above, right, left, and of these."""
    low, high, whole = slice(None, -1), slice(1, None), slice(None)
    yield (low, whole), (high, whole)
    yield (high, whole), (low, whole)
    yield (whole, low), (whole, high)
    yield (whole, high), (whole, low)


def _biharmonic(image, seen):
    from skimage.restoration import inpaint_biharmonic

    values = image.permute(1, 2, 0).numpy()
    filled = inpaint_biharmonic(values, ~seen.numpy(), channel_axis=2)
    return torch.from_numpy(filled).permute(2, 0, 1)


def checked(y, seen):
    """The mask as [1 or N, 1, H, W]."""
    if seen.dtype != torch.bool:
        raise TypeError(f"expected a mask of bool, True where a pixel is known, got {seen.dtype}")
    seen = seen[None, None] if seen.dim() == 2 else seen
    n, _, height, width = y.shape
    if seen.shape not in ((1, 1, height, width), (n, 1, height, width)):
        raise ValueError(
            f"expected a mask {[height, width]} or {[n, 1, height, width]}, got {list(seen.shape)}"
        )
    if not seen.flatten(1).any(dim=1).all():
        raise ValueError("nothing is seen of an image; at least one pixel has to be known")
    return seen
