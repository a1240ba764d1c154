"""Neural cellular automata: one small rule, the same in every cell, again and again.

A state is [N, channels, H, W], 0 where nothing is. Its first three channels, and the colour of
nothing, make the picture; the others are the cell's memory.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

# what a cell sees of itself and its eight neighbours, in each channel: itself, how the channel
# changes across and down (Sobel), and how it differs from its surroundings (Laplace)
_FILTERS = torch.tensor(
    [
        [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]],
        [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]],
        [[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]],
        [[1.0, 2.0, 1.0], [2.0, -12.0, 2.0], [1.0, 2.0, 1.0]],
    ]
) / torch.tensor([1.0, 8.0, 8.0, 16.0]).view(4, 1, 1)


class Automaton(nn.Module):
    """A cell's rule: what it sees, one hidden layer, and what is added to its state.

    channels: of a state, 3 of them colours. hidden: of the layer. edge: "wrap", where the grid's
    ends meet, or "zero", where there is nothing beyond. ground: the colour of nothing, in [-1, 1].
    A new automaton adds nothing.
    Raises ValueError for fewer than 3 channels, and for another edge.
    Source: Mordvintsev et al. 2020, "Growing Neural Cellular Automata"; for textures, Niklasson et
    al. 2021, "Self-Organising Textures".
    """

    def __init__(self, channels=8, hidden=24, edge="wrap", ground=0.0):
        super().__init__()
        if channels < 3 or edge not in ("wrap", "zero"):
            raise ValueError(
                f"expected 3 channels or more and the edge wrap or zero, got {channels}, {edge!r}"
            )
        self.channels, self.edge, self.ground = channels, edge, ground
        self.look = nn.Linear(4 * channels, hidden)
        self.change = nn.Linear(hidden, channels, bias=False)
        nn.init.zeros_(self.change.weight)
        self.register_buffer("filters", _FILTERS, persistent=False)

    def picture(self, state):
        """What one sees of a state: [N, 3, H, W], clamped to [-1, 1]."""
        return (self.ground + state[:, :3]).clamp(-1, 1)

    def kernel(self):
        """The first layer as one convolution: [hidden, channels, 3, 3].

        Each hidden unit weighs four filters of each channel; their weighed sum is one filter.
        """
        weights = self.look.weight.unflatten(1, (self.channels, 4))  # [hidden, channels, 4]
        return torch.einsum("hck,kij->hcij", weights, self.filters)

    def forward(self, state, fired=None, kernel=None):
        """One step. fired: bool [N, 1, H, W], cells that change in it; None for all.

        kernel: what `kernel` gives, where many steps share it.
        """
        kernel = self.kernel() if kernel is None else kernel
        mode = "circular" if self.edge == "wrap" else "constant"
        seen = F.conv2d(F.pad(state, (1, 1, 1, 1), mode=mode), kernel, self.look.bias)
        added = F.conv2d(F.relu(seen), self.change.weight[..., None, None])
        return state + (added if fired is None else added * fired)

    def run(self, state, steps, generator=None, rate=0.5):
        """`steps` steps, in each of which a cell changes with the chance `rate`: the last state.

        So that cells need no common clock. generator: of the chances.
        """
        kernel = self.kernel()
        for _ in range(steps):
            state = self(state, fired(state, generator, rate), kernel)
        return state


def fired(state, generator=None, rate=0.5):
    """Which cells change in a step: bool [N, 1, H, W], each with the chance `rate`."""
    n, _, h, w = state.shape
    return torch.rand(n, 1, h, w, generator=generator, device=state.device) < rate


def blank(n, channels, size):
    """States of nothing: zeros, [n, channels, size, size]."""
    return torch.zeros(n, channels, size, size)


def seed_cell(n, channels, size):
    """States of one living cell in the middle, whose memory is 1; elsewhere there is nothing."""
    state = blank(n, channels, size)
    state[:, 3:, size // 2, size // 2] = 1.0
    return state


def wounded(state, generator):
    """The states with half of them lost, each on another side.

    A line through the middle, in a random direction, parts what is lost from what is kept.
    """
    n, _, h, w = state.shape
    angle = 2 * torch.pi * torch.rand(n, 1, 1, generator=generator)
    y, x = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
    kept = angle.cos() * x + angle.sin() * y <= 0  # [n, H, W]
    return state * kept[:, None].to(state)


class Pool:
    """States that a training goes on from, so that it sees what becomes of them after long runs.

    first: [1, channels, H, W], the state that all begin as, and one of each batch again.
    size: of the pool.
    Source: Mordvintsev et al. 2020, "sample pool" training.
    """

    def __init__(self, first, size, generator):
        self.first, self.generator = first, generator
        self.states = first.repeat(size, 1, 1, 1)

    def draw(self, n):
        """n of the states and their places: (int64 [n], [n, channels, H, W])."""
        places = torch.randperm(len(self.states), generator=self.generator)[:n]
        return places, self.states[places].clone()

    def put(self, places, states):
        """Put states back, without their gradients."""
        self.states[places] = states.detach()
