"""More of a texture, by patches of it whose edges are cut where they agree."""

import torch


def quilt(texture, size, patch=32, overlap=8, tolerance=0.1, tile=False, generator=None):
    """A texture continued: [C, H, W] to [C, size, size], of its patches.

    Patches are laid in rows; each is drawn from those that fit what lies there already nearly as
    well as the best, and the seam between them is the path of least squared difference.
    patch: its side. overlap: how far it reaches into its neighbours. tolerance: a patch fits if its
    error is at most 1 + tolerance times the least.
    tile: True for a result whose right side fits its left one, and its bottom its top.
    Raises ValueError for a texture smaller than a patch, an overlap that is not below half of the
    patch, and, with tile, a size that is no multiple of patch - overlap; TypeError for bytes.
    Source: Efros and Freeman 2001, "Image Quilting for Texture Synthesis and Transfer".
    """
    _check(texture, size, patch, overlap, tile)
    step = patch - overlap
    count = -(-(size if tile else size - overlap) // step)
    side = count * step + (0 if tile else overlap)
    sources = Sources(texture, patch)
    canvas = texture.new_zeros(len(texture), side, side)
    known = torch.zeros(side, side, dtype=torch.bool)
    for row in range(count):
        for column in range(count):
            rows = torch.arange(row * step, row * step + patch) % side
            columns = torch.arange(column * step, column * step + patch) % side
            there = canvas[:, rows[:, None], columns]
            seen = known[rows[:, None], columns]
            new = sources.draw(there, seen, tolerance, generator)
            taken = _cut(there, new, seen, overlap)
            canvas[:, rows[:, None], columns] = torch.where(taken, new, there)
            known[rows[:, None], columns] = True
    return canvas[:, :size, :size]


class Sources:
    """All patches of a texture, and which of them fit."""

    def __init__(self, texture, patch):
        self.texture, self.patch = texture, patch
        views = texture.unfold(1, patch, 1).unfold(2, patch, 1)  # [C, rows, columns, patch, patch]
        self.shape = views.shape[1:3]
        self.views = views

    def draw(self, there, seen, tolerance, generator):
        """A patch that fits what is seen, [C, patch, patch]; any where nothing is."""
        if not seen.any():
            errors = self.texture.new_zeros(self.shape).flatten()
        else:
            errors = self.errors(there, seen)
        fits = (errors <= (1 + tolerance) * errors.min() + 1e-12).nonzero()[:, 0]
        chosen = fits[torch.randint(len(fits), (), generator=generator)]
        row, column = divmod(int(chosen), self.shape[1])
        return self.views[:, row, column]

    def errors(self, there, seen):
        """The sum of squares between each patch and what is seen of a place: [patches].

        |a - b|² = |a|² - 2 a.b + |b|², each sum over what is seen: two correlations.
        """
        weight = seen.to(self.texture)
        squares = self.texture.square().sum(dim=0)[None, None]
        lengths = _correlate(squares, weight[None, None])
        products = _correlate(self.texture[None], (there * weight)[None])
        own = (there.square() * weight).sum()
        return (lengths - 2 * products + own).flatten().clamp(min=0)


def _correlate(image, kernel):
    """conv2d of one image with one large kernel, by FFT: [H - h + 1, W - w + 1]."""
    h, w = kernel.shape[-2:]
    size = image.shape[-2:]
    spectrum = torch.fft.rfft2(image) * torch.fft.rfft2(kernel, s=size).conj()
    whole = torch.fft.irfft2(spectrum, s=size).sum(dim=1)[0]
    return whole[: size[0] - h + 1, : size[1] - w + 1]


def _cut(there, new, seen, overlap):
    """Where the new patch is taken: bool [patch, patch]; all of it where nothing was seen.

    On each side that is seen in full, the seam runs from end to end.
    """
    difference = (there - new).square().sum(dim=0)
    taken = torch.ones_like(seen)
    middle = slice(overlap, -overlap)
    if seen[middle, :overlap].all():
        taken[:, :overlap] &= behind(difference[:, :overlap])
    if seen[:overlap, middle].all():
        taken[:overlap] &= behind(difference[:overlap].T).T
    if seen[middle, -overlap:].all():
        taken[:, -overlap:] &= behind(difference[:, -overlap:].flip(1)).flip(1)
    if seen[-overlap:, middle].all():
        taken[-overlap:] &= behind(difference[-overlap:].flip(0).T).T.flip(0)
    return taken


def behind(cost):
    """The right-hand side of the cheapest path from top to bottom: bool [H, W].

    A path has a place in each row, at most one column beside that of the row above; the place
    itself counts as behind. cost: [H, W], 0 or more.
    """
    places = least_path(cost)
    return torch.arange(cost.shape[1])[None] >= places[:, None]


def least_path(cost):
    """The column of the cheapest path in each row, by dynamic programming: int64 [H].

    Source: Efros and Freeman 2001, section 2.1.
    """
    total = [cost[0]]
    for row in cost[1:]:
        total.append(row + torch.stack(_from_above(total[-1])).min(dim=0).values)
    places = [int(total[-1].argmin())]
    for above in reversed(total[:-1]):
        column = places[-1]
        low, high = max(column - 1, 0), min(column + 2, len(above))
        places.append(low + int(above[low:high].argmin()))
    return torch.tensor(places[::-1])


def _from_above(row):
    """A row as seen from its left, itself, its right: [W] each."""
    padded = torch.nn.functional.pad(row[None], (1, 1), value=torch.inf)[0]
    return padded[:-2], row, padded[2:]


def _check(texture, size, patch, overlap, tile):
    if texture.dim() != 3 or min(texture.shape[1:]) < patch:
        raise ValueError(
            f"expected a texture [C, H, W] of at least {patch}x{patch}, the size of a patch,"
            f" got {list(texture.shape)}"
        )
    if not texture.is_floating_point():
        raise TypeError(
            f"expected a texture of floats, as data.to_float gives them, got {texture.dtype}"
        )
    if not 0 < 2 * overlap < patch:
        raise ValueError(f"expected an overlap below half of the patch, {patch}, got {overlap}")
    if size < patch:
        raise ValueError(f"expected a size of at least a patch, {patch}, got {size}")
    if tile and size % (patch - overlap):
        step = patch - overlap
        near = max(2 * step, round(size / step) * step)
        raise ValueError(
            f"expected a tile whose size is a multiple of {step} (patch - overlap), got {size};"
            f" {near} would do"
        )


def seam_ratio(tile):
    """How much more a tile changes across its own seam than inside: 1 where no seam is seen.

    The mean difference of neighbours across both edges, where they meet, over that inside.
    tile: [C, H, W].
    """
    across = torch.cat(
        [(tile[:, :, 0] - tile[:, :, -1]).flatten(), (tile[:, 0] - tile[:, -1]).flatten()]
    )
    inside = torch.cat([tile.diff(dim=1).flatten(), tile.diff(dim=2).flatten()])
    return (across.abs().mean() / inside.abs().mean()).item()
