"""Files of tokens as short as a prior's nats say: range coding with its probabilities."""

import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch

from genimg_lib.errors import DataError
from genimg_lib.files import write_atomically

MAGIC = b"gic1"
HEADER = struct.Struct("<4sII")  # the magic, grids, a checksum of their tokens
GRAIN = 2**20  # probabilities become whole numbers of this many parts


def write_codes(prior, tokens, path, c=None):
    """Code grids of tokens by a causal prior into a file; returns its ideal length, in bits.

    prior: a CausalPrior, in eval mode. tokens: [N, H, W]. c: their conditions.
    Reading it needs the same weights on a machine that computes the same numbers: for files that
    travel, the network itself would have to compute in whole numbers.
    Raises ValueError for tokens that the prior was not made for, for none, and for a prior that is
        not causal; nothing is written then.
    """
    constriction = _constriction()
    _check_causal(prior)
    if not len(tokens):
        raise ValueError("expected 1 grid or more, got none")
    prior.check(tokens)
    flat = tokens.flatten(1)
    encoder = constriction.stream.queue.RangeEncoder()
    family = constriction.stream.model.Categorical(perfect=False)  # named: reading has to agree
    bits = 0.0
    place = -1

    def latest():
        return flat[:, place]

    for logits in prior.steps(_starts(prior, len(tokens)), c, latest):
        place += 1
        p = _table(logits)
        symbols = flat[:, place].numpy().astype(np.int32)
        encoder.encode(symbols, family, p)
        bits -= float(np.log2(p[np.arange(len(p)), symbols]).sum())
    words = encoder.get_compressed().astype("<u4").tobytes()
    header = HEADER.pack(MAGIC, len(tokens), zlib.crc32(_bytes(flat)))
    write_atomically(Path(path), header + words)
    return bits


def read_codes(prior, path, c=None):
    """The grids of tokens in a file of `write_codes`: int64 [N, H, W].

    prior, c: as when it was written.
    Raises DataError for another kind of file, a damaged one, or one of another prior, and
    ValueError for a prior that is not causal.
    """
    _check_causal(prior)
    constriction = _constriction()
    path = Path(path)
    content = path.read_bytes()
    if len(content) < HEADER.size or content[:4] != MAGIC or len(content) % 4:
        raise DataError(f"{path} holds no codes of this course")
    _, n, checksum = HEADER.unpack_from(content)
    words = np.frombuffer(content, dtype="<u4", offset=HEADER.size).astype(np.uint32)
    if not 0 < n <= 8 * len(content) * prior.length:
        raise DataError(f"{path} is damaged: it says that it holds {n} grids")
    decoder = constriction.stream.queue.RangeDecoder(words)
    family = constriction.stream.model.Categorical(perfect=False)
    other = f"{path} is damaged, or was written with another prior or condition"
    found = []
    for logits in prior.steps(_starts(prior, n), c, lambda: found[-1]):
        try:
            symbols = decoder.decode(family, _table(logits))
        except AssertionError:  # what constriction raises for words that no such message has
            raise DataError(other) from None
        found.append(torch.from_numpy(symbols.astype(np.int64)))
    flat = torch.stack(found, dim=1)
    if zlib.crc32(_bytes(flat)) != checksum:
        raise DataError(other)
    return flat.view(n, *prior.shape)


def ideal_bits(nats):
    """Nats as bits: a file can't be shorter on average."""
    return nats / math.log(2)


def _check_causal(prior):
    if not hasattr(prior, "steps"):
        raise ValueError(f"expected a CausalPrior, got a {type(prior).__name__}")


def _table(logits):
    """Probabilities [N, K], float64, from whole numbers of parts: none of them is 0."""
    p = torch.softmax(logits.double(), dim=-1)
    parts = (p * GRAIN).floor() + 1
    return (parts / parts.sum(dim=-1, keepdim=True)).numpy()


def _starts(prior, n):
    return torch.full((n, 1), prior.start, dtype=torch.long)


def _bytes(flat):
    return flat.numpy().astype("<i4").tobytes()


def _constriction():
    import constriction

    return constriction
