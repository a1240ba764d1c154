"""What a portrait is drawn from: its factors, how often their values come, and their checks."""

import torch

# name -> the values' names (categorical, stored as int64), or (low, high) (continuous, stored as
# float32)
FACTORS = {
    "background": ("sky blue", "mint", "peach", "lilac", "sand", "rose"),
    "skin": ("pale", "light", "tan", "brown", "dark brown", "deep brown"),
    "hair": ("bald", "short", "curly", "bob", "long", "bunches"),
    "hair_color": ("black", "brown", "red", "blond", "grey", "white"),
    "eyes": ("brown", "blue", "green"),
    "mouth": ("smile", "grin", "calm", "surprised"),
    "glasses": ("none", "round", "square"),
    "hat": ("none", "beanie", "cap", "sun hat"),
    "beard": ("none", "moustache", "full"),
    "outfit": ("red", "blue", "green", "yellow", "purple", "black"),
    "x": (-1.0, 1.0),  # 1 is 0.10 of half the picture's width to the right
    "y": (-1.0, 1.0),  # 1 is 0.06 downwards
    "tilt": (-1.0, 1.0),  # 1 is 12 degrees clockwise
    "width": (-1.0, 1.0),  # from a narrow face to a round one
}
CATEGORICAL = tuple(name for name, values in FACTORS.items() if isinstance(values[0], str))
CONTINUOUS = tuple(name for name in FACTORS if name not in CATEGORICAL)

# all others: every value equally often
_WEIGHTS = {"glasses": (2, 1, 1), "hat": (3, 1, 1, 1), "beard": (3, 1, 1)}


def probabilities(name):
    """How often each value of a categorical factor comes: float64 [values], sums to 1.

    Factors are drawn independently.
    Raises ValueError for other names.
    """
    if name not in CATEGORICAL:
        raise ValueError(f"{name!r} is no categorical factor; those are {', '.join(CATEGORICAL)}")
    return _weights(name) / _weights(name).sum()


def _weights(name):
    return torch.tensor(_WEIGHTS.get(name, [1] * len(FACTORS[name])), dtype=torch.float64)


def sample(n, seed=0):
    """Draw n factor vectors: {name: [n]}.

    Categorical factors are int64 in 0..values-1, continuous ones float32 in [-1, 1).
    """
    if n < 1:
        raise ValueError(f"n is {n}; at least 1 portrait has to be asked for")
    g = torch.Generator().manual_seed(seed)
    factors = {}
    for name, values in FACTORS.items():
        if name in CATEGORICAL:
            factors[name] = torch.multinomial(_weights(name), n, replacement=True, generator=g)
        else:
            low, high = values
            factors[name] = low + (high - low) * torch.rand(n, generator=g)
    return factors


def one_hot(factors):
    """The categorical factors as one-hot vectors side by side: float32 [N, 47].

    In the order of CATEGORICAL.
    factors: as for `draw`.
    """
    factors = as_tensors(factors)
    return torch.cat(
        [torch.nn.functional.one_hot(factors[name], len(FACTORS[name])) for name in CATEGORICAL],
        dim=1,
    ).float()


def as_tensors(factors):
    """Complete and check factors: every name present, each a tensor [N] of its own type.

    See `draw` for what may be given.
    """
    unknown = set(factors) - set(FACTORS)
    if unknown:
        raise ValueError(f"unknown factor {sorted(unknown)[0]!r}; known: {', '.join(FACTORS)}")
    given = {name: _one_factor(name, value) for name, value in factors.items()}
    lengths = {len(v) for v in given.values() if len(v) != 1}
    if len(lengths) > 1:
        raise ValueError(
            f"factors of different lengths: { {k: len(v) for k, v in given.items()} }; give each N"
            " values, or one for all"
        )
    n = lengths.pop() if lengths else 1
    default = {
        name: torch.zeros(1, dtype=torch.long if name in CATEGORICAL else torch.float32)
        for name in FACTORS
    }
    return {name: given.get(name, default[name]).expand(n).contiguous() for name in FACTORS}


def _one_factor(name, value):
    values = FACTORS[name]
    items = value.tolist() if isinstance(value, torch.Tensor) else value
    items = [items] if isinstance(items, (str, int, float)) else list(items)
    if name in CONTINUOUS:
        low, high = values
        tensor = torch.tensor(items, dtype=torch.float32)
        if not ((tensor >= low) & (tensor <= high)).all():
            raise ValueError(f"factor {name!r} is {value!r}; it goes from {low} to {high}")
        return tensor
    indices = [values.index(v) if v in values else v for v in items]
    if not all(isinstance(i, int) and 0 <= i < len(values) for i in indices):
        raise ValueError(
            f"factor {name!r} is {value!r}; its values are {', '.join(values)} (or 0 to"
            f" {len(values) - 1})"
        )
    return torch.tensor(indices, dtype=torch.long)
