"""Answers to the exercises on textures and worlds, in several styles."""

import torch
import torch.nn.functional as F
from answer_table import right, wrong

# ---------------------------------------------------------------- 67


@right("textures_and_worlds.cost")
def _(above, e):
    return torch.stack([e[j] + above[max(j - 1, 0) : j + 2].min() for j in range(len(e))])


@right("textures_and_worlds.cost")
def _(above, e):
    return e - F.max_pool1d(-above[None, None], 3, 1, 1)[0, 0]


@wrong("textures_and_worlds.cost", r"ends are joined")
def _(above, e):
    return e + torch.minimum(above, torch.minimum(above.roll(1), above.roll(-1)))


@right("textures_and_worlds.over")
def _(front, alpha, back):
    return torch.lerp(back.pow(2.2), front.pow(2.2), alpha).pow(1 / 2.2)


@wrong("textures_and_worlds.over", r"colours are mixed as they are")
def _(front, alpha, back):
    return torch.lerp(back, front, alpha)


@right("textures_and_worlds.alpha_of")
def _(c1, c2, b1, b2):
    seen, apart = (c1 - c2).T[:, :, None], (b1 - b2).T[:, :, None]
    return 1 - torch.linalg.lstsq(apart, seen).solution[:, 0, 0]


@wrong("textures_and_worlds.alpha_of", r"mean of the channels")
def _(c1, c2, b1, b2):
    return (1 - (c1 - c2) / (b1 - b2)).mean(0)


@right("textures_and_worlds.grown")
def _(state, seen, W1, b, W2, fired):
    added = F.linear(F.relu(F.linear(seen.T, W1, b)), W2).T
    return torch.where(fired > 0, state + added, state)


@wrong("textures_and_worlds.grown", r"all cells change")
def _(state, seen, W1, b, W2, fired):
    return state + W2 @ torch.relu(W1 @ seen + b[:, None])


@right("textures_and_worlds.shrunk")
def _(colour, alpha):
    a, b = alpha[::2], alpha[1::2]
    return (a * colour[:, ::2] + b * colour[:, 1::2]) / (a + b)


@wrong("textures_and_worlds.shrunk", r"bleed in")
def _(colour, alpha):
    return (colour[:, ::2] + colour[:, 1::2]) / 2


@right("textures_and_worlds.homography")
def _(points, onto):
    one = torch.ones(4, 1).double()
    zero = torch.zeros(4, 3).double()
    p = torch.cat([points, one], 1)
    top = torch.cat([p, zero, -onto[:, :1] * points], 1)
    low = torch.cat([zero, p, -onto[:, 1:] * points], 1)
    A, right_side = torch.cat([top, low]), torch.cat([onto[:, 0], onto[:, 1]])
    return torch.cat([torch.linalg.solve(A, right_side), one[0]]).reshape(3, 3)


@wrong("textures_and_worlds.homography", r"way back|exchanged with where")
def _(points, onto):
    rows, right_side = [], []
    for (u, v), (x, y) in zip(points.tolist(), onto.tolist(), strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        right_side += [u, v]
    h = torch.linalg.solve(torch.tensor(rows).double(), torch.tensor(right_side).double())
    return torch.cat([h, torch.ones(1).double()]).view(3, 3)
