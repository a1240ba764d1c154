"""Holes to learn from: strokes, scratches, boxes and spots, drawn at random."""

import torch

STROKES = 4  # of a mask, at most
AT_ONCE = 500  # masks in memory, as numbers


def random_holes(n, size, smallest=1, largest=None, generator=None):
    """Masks: bool [n, 1, size, size], True where a pixel is known.

    Each has one to four holes: strokes with round ends, and boxes. Something is always seen, and
    something hidden.
    smallest, largest: pixels that a hole is thick, and that it is long at most; half the size, if
        largest is not given. Thin ones come as often as thick ones, by the logarithm.
    Raises ValueError unless 0 < smallest <= largest <= size.
    """
    largest = size / 2 if largest is None else largest
    if not 0 < smallest <= largest <= size:
        raise ValueError(
            f"expected 0 < smallest <= largest <= {size}, got {smallest} and {largest}"
        )

    parts = [min(AT_ONCE, n - done) for done in range(0, max(n, 1), AT_ONCE)]
    return torch.cat([_drawn(part, size, smallest, largest, generator) for part in parts])


def _drawn(n, size, smallest, largest, generator):
    def uniform(*shape):
        return torch.rand(*shape, generator=generator)

    k = STROKES
    pixel = torch.arange(size).float() + 0.5
    x, y = pixel.view(1, 1, 1, size), pixel.view(1, 1, size, 1)
    middle = size * uniform(2, n, k, 1, 1)
    thick = 0.5 * smallest * (largest / smallest) ** uniform(n, k, 1, 1)  # to each side
    reach = (0.5 * largest - thick) * uniform(n, k, 1, 1)
    angle = torch.pi * uniform(n, k, 1, 1)
    dx, dy = angle.cos(), angle.sin()
    right, down = x - middle[0], y - middle[1]
    along = right * dx + down * dy
    beyond = (along.abs() - reach).clamp(min=0)
    across = (down * dx - right * dy).abs()
    stroke = beyond.square() + across.square() < thick.square()
    box = torch.maximum(right.abs() / (reach + thick), down.abs() / thick) < 1
    hidden = torch.where(uniform(n, k, 1, 1) < 0.7, stroke, box)
    taken = torch.arange(k).view(1, k, 1, 1) < 1 + (k * uniform(n, 1, 1, 1)).long()
    seen = ~(hidden & taken).any(dim=1, keepdim=True)
    return _some_of_both(seen, generator)


def _some_of_both(seen, generator):
    """Masks in which a pixel is turned round where all are seen, or none."""
    n, _, height, width = seen.shape
    flat = seen.flatten(1)
    place = torch.randint(height * width, (n, 1), generator=generator)
    all_alike = (flat.all(dim=1) | ~flat.any(dim=1))[:, None]
    turned = torch.zeros_like(flat).scatter(1, place, True)
    return (flat ^ (turned & all_alike)).view_as(seen)
