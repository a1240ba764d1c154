"""Building blocks that several families share."""

import math
import numbers

import torch
import torch.nn as nn
import torch.nn.functional as F


def conv_matrix(kernel, size, stride=1, padding=0):
    """The matrix A of a convolution on one channel: A @ x.flatten() is the flat result.

    The result is that of F.conv2d(x, kernel, stride=stride, padding=padding).
    kernel: [h, w].
    size: of the image, a whole number or (H, W).
    stride: 1 or more.
    padding: zeros on every side, 0 or more.
    Returns [outputs, inputs], dense, in the kernel's dtype: inputs = H W, outputs = H' W' with H' =
    floor((H + 2 padding - h) / stride) + 1. Its transpose is F.conv_transpose2d with output_padding
    (H + 2 padding - h) mod stride.
    Raises ValueError where the kernel does not fit on the padded image.
    """
    H, W = (size, size) if isinstance(size, numbers.Integral) else size
    if kernel.dim() != 2 or min(*kernel.shape, H, W) < 1 or stride < 1 or padding < 0:
        raise ValueError(
            "expected a kernel [h, w], an image of at least 1x1, stride >= 1 and padding >= 0, "
            f"got kernel {list(kernel.shape)}, size {(H, W)}, stride {stride}, padding {padding}"
        )
    h, w = kernel.shape
    if h > H + 2 * padding or w > W + 2 * padding:
        raise ValueError(
            f"a kernel of {h}x{w} does not fit on an image of {H}x{W} with {padding} rows and"
            " columns of padding"
        )
    rows, cols = (H + 2 * padding - h) // stride + 1, (W + 2 * padding - w) // stride + 1
    # output i, j meets kernel a, b
    i, j, a, b = torch.meshgrid(
        *(torch.arange(n, device=kernel.device) for n in (rows, cols, h, w)), indexing="ij"
    )
    r, c = i * stride + a - padding, j * stride + b - padding  # the pixel that they meet
    inside = (r >= 0) & (r < H) & (c >= 0) & (c < W)
    A = kernel.new_zeros(rows * cols, H * W)
    A[(i * cols + j)[inside], (r * W + c)[inside]] = kernel[a[inside], b[inside]]
    return A


def check_width(width):
    """Raise ValueError unless a width is a multiple of 8, as group norm in 8 groups needs it."""
    if not isinstance(width, int) or width < 8 or width % 8:
        raise ValueError(f"expected a width that is a multiple of 8, 8 or more; got {width}")


class Residual(nn.Module):
    """Two convolutions beside a shortcut: h [N, c, H, W] to the same shape.

    width: c, a multiple of 8; else ValueError is raised. A block begins as the identity.
    Source: He et al. 2016 (arXiv:1603.05027), with group norm (Wu and He 2018, arXiv:1803.08494).
    """

    def __init__(self, width):
        super().__init__()
        check_width(width)
        self.norm1 = nn.GroupNorm(8, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(8, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, h):
        r = self.conv1(F.silu(self.norm1(h)))  # not in place: the shortcut needs h as it is
        return h + self.conv2(F.silu(self.norm2(r)))


def attention(q, k, v, causal=False, there=None):
    """What each query finds: values v, weighted by softmax(q . k / sqrt(d)): [N, heads, T, d].

    q: [N, heads, T, d]. k, v: [N, heads, S, d]. causal: a query sees no key that comes after it.
    there: bool [N, S], keys that may be seen, one or more in each row; None for all.
    Written out, as torch's fused one has no forward-mode derivative, and on a CPU, in bfloat16, its
    backward pass takes longer than all else in a block where grids are short (torch 2.13.0).
    Source: Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.1.
    """
    return attention_weights(q, k, causal, there).to(v.dtype) @ v


def attention_weights(q, k, causal=False, there=None):
    """softmax(q . k / sqrt(d)), how much each query looks at each key: [N, heads, T, S].

    Arguments as for `attention`.
    """
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(2, 3)  # [N, heads, T, S]
    if causal:
        scores = scores + scores.new_full(scores.shape[-2:], -math.inf).triu(1)
    if there is not None:
        scores = scores.masked_fill(~there[:, None, None], -math.inf)
    return torch.softmax(scores, dim=-1)


class Cache:
    """Keys and values of the places that were passed already, one pair a block."""

    def __init__(self):
        self.pairs = {}

    def extended(self, block, k, v):
        """All keys and values of a block, [N, heads, T so far, d], with the new ones kept."""
        if block in self.pairs:
            old_k, old_v = self.pairs[block]
            k, v = torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)
        self.pairs[block] = k, v
        return k, v


class Block(nn.Module):
    """Attention, then two linear layers, each beside a shortcut and behind a norm.

    h: [N, T, width] to the same shape. heads: have to divide width.
    there: bool [N, T], places that may be looked at; None for all.
    Source: Vaswani et al. 2017 (arXiv:1706.03762), norms first as in Xiong et al. 2020
    (arXiv:2002.04745).
    """

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, h, causal, cache=None, there=None):
        h = h + self.mixed(self._attended(self.norm1(h), causal, cache, there))
        return h + self.mlp(self.norm2(h))

    def _attended(self, h, causal, cache=None, there=None):
        qkv = self.qkv(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = qkv  # each [N, heads, T, d]
        if cache is not None:
            k, v = cache.extended(self, k, v)
        # a single new place may look at all that came before it
        mixed = attention(q, k, v, causal=causal and q.shape[2] > 1, there=there)
        return mixed.transpose(1, 2).flatten(2)  # [N, T, width]


class CrossAttention(nn.Module):
    """Each place of h looks at vectors of another kind, beside a shortcut.

    It begins as the identity.

    h: [N, T, width] to the same shape. seen: [N, S, of]; there: bool [N, S], one or more in each
    row, or None for all. heads: have to divide width.
    Source: Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.3.
    """

    def __init__(self, width, of, heads):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(of, 2 * width)
        self.mixed = nn.Linear(width, width)
        nn.init.zeros_(self.mixed.weight)
        nn.init.zeros_(self.mixed.bias)

    def forward(self, h, seen, there=None):
        q, k, v = self._queries(h), *self.keys_values(seen)
        found = attention(q, k, v, there=there).transpose(1, 2).flatten(2)
        return h + self.mixed(found)

    def keys_values(self, seen):
        """What is looked for and found in [N, S, of]: two times [N, heads, S, d]."""
        return self.key_value(seen).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)

    def looks(self, h, seen, there=None):
        """How much each place looks at each vector: [N, heads, T, S], each row sums to 1."""
        return attention_weights(self._queries(h), self.keys_values(seen)[0], there=there)

    def _queries(self, h):
        return self.query(self.norm(h)).unflatten(2, (self.heads, -1)).transpose(1, 2)


def check_condition(c, n, conditions):
    """Raise ValueError unless c is a condition [n, conditions], or None where there are none.

    TypeError for whole numbers.
    """
    given = None if c is None else tuple(c.shape)
    if given != ((n, conditions) if conditions else None):
        wanted = (
            f"wants a condition c [{n}, {conditions}]"
            if conditions
            else "was made without conditions"
        )
        raise ValueError(f"this network {wanted}; got {None if c is None else list(given)}")
    if c is not None and not c.is_floating_point():
        raise TypeError(f"conditions are floats, got {c.dtype}: F.one_hot(...).float() makes them")


def check_tokens(tokens, codes):
    """Raise ValueError unless tokens are whole numbers in 0..codes - 1."""
    if tokens.is_floating_point() or tokens.dtype == torch.bool:
        raise ValueError(f"expected tokens as whole numbers, got {tokens.dtype}")
    if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < codes:
        raise ValueError(
            f"expected tokens in 0..{codes - 1}, got {int(tokens.min())}..{int(tokens.max())}"
        )


def icnr_(layer, factor=2):
    """ICNR initialisation: the factor^2 channels that a pixel shuffle interleaves begin equal.

    So flat areas begin flat.
    layer: the convolution before the shuffle, changed in place.

    Source: ICNR, Aitken et al. 2017 (arXiv:1707.02937).
    """
    with torch.no_grad():
        for weight in (layer.weight, layer.bias):
            weight.copy_(weight[:: factor**2].repeat_interleave(factor**2, dim=0))


def count_parameters(net):
    """How many numbers a network learns."""
    return sum(p.numel() for p in net.parameters())


@torch.no_grad()
def check_floats(x):
    """Raises TypeError for whole numbers, which are no images in [-1, 1]."""
    if not x.is_floating_point():
        raise TypeError(f"expected images in [-1, 1], got {x.dtype}; data.to_float makes them")


def holds(condition):
    """Is it true everywhere? Asked on a CPU only: elsewhere the answer would be waited for."""
    return condition.device.type != "cpu" or bool(condition.all())


def check_images(x, channels, size):
    """Raises ValueError unless x are float images [N, channels, size, size], one or more."""
    check_floats(x)
    if x.shape[1:] != (channels, size, size) or not len(x):
        raise ValueError(
            f"expected images [N, {channels}, {size}, {size}], one or more, got {list(x.shape)}"
        )


def in_batches(net, *inputs, size=250):
    """What a network gives for inputs too many for one pass, in the mode that it is in.

    inputs: tensors [N, ...] of the same length, moved to the network's device part by part.
    Returns one tensor [N, ...], float32, on the CPU.
    """
    device = next(net.parameters()).device
    return torch.cat(
        [net(*(t.to(device) for t in part)).float().cpu() for part in parts(*inputs, size=size)]
    )


def parts(*inputs, size=250):
    """Tensors [N, ...] of the same length, cut alike: tuples of tensors of `size` rows or fewer."""
    return zip(*(t.split(size) for t in inputs), strict=True)


def multiply_adds(net, *inputs):
    """How many multiply-adds one forward pass takes in convolutions and linear layers.

    A product and its sum count as one.
    """
    total = 0

    def count(module, _, output):
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += (
                output.numel() * module.in_channels // module.groups * math.prod(module.kernel_size)
            )
        elif isinstance(module, nn.Linear):
            total += output.numel() * module.in_features

    hooks = [m.register_forward_hook(count) for m in net.modules()]
    with torch.no_grad():
        net(*inputs)
    for hook in hooks:
        hook.remove()
    return total
