"""From a picture to a sentence: patches are looked at, words follow one after the other."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.layers import Block, Cache, CrossAttention, check_tokens
from genimg_lib.text.tokens import END, PAD, START


class PatchEncoder(nn.Module):
    """Images to a vector for each patch of 4x4 pixels: [N, size² / 16, width].

    Images are [N, channels, size, size]. Two convolutions, then transformer blocks.
    size: a multiple of 4. heads: have to divide width.
    Raises ValueError for another size.
    Source: patches as tokens, Dosovitskiy et al. 2021 (arXiv:2010.11929); convolutions first, Xiao
    et al. 2021 (arXiv:2106.14881).
    """

    def __init__(self, channels=3, size=32, width=96, depth=2, heads=4):
        super().__init__()
        if size % 4:
            raise ValueError(f"expected a size that is a multiple of 4, got {size}")
        self.channels, self.size, self.width = channels, size, width
        self.first = nn.Conv2d(4 * channels, width // 2, 3, padding=1)  # at half the size
        self.second = nn.Conv2d(width // 2, width, 4, stride=2, padding=1)  # at a quarter
        self.places = nn.Parameter(0.02 * torch.randn((size // 4) ** 2, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        if tuple(x.shape[1:]) != (self.channels, self.size, self.size):
            wanted = [self.channels, self.size, self.size]
            raise ValueError(f"expected images [N, {wanted}], got {list(x.shape)}")
        h = F.gelu(self.first(F.pixel_unshuffle(x, 2)))
        h = self.second(h).flatten(2).transpose(1, 2) + self.places  # [N, T, width]
        for block in self.blocks:
            h = block(h, causal=False)
        return self.norm(h)


class Captioner(nn.Module):
    """p(sentence | image) = prod_t p(word_t | words before t, image).

    words: numbers of the vocabulary. length: of a sentence, END included.
    image: arguments of the PatchEncoder. width, depth, heads: of the decoder.
    Raises ValueError for images of another size and for tokens out of range.
    Source: attention to places while words are written, Xu et al. 2015 (arXiv:1502.03044); by a
    transformer, Vaswani et al. 2017 (arXiv:1706.03762).
    """

    def __init__(self, words, length, image, width=96, depth=2, heads=4):
        super().__init__()
        self.words, self.length = words, length
        self.eye = PatchEncoder(**image)
        self.embedding = nn.Embedding(words, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.looks = nn.ModuleList(
            CrossAttention(width, self.eye.width, heads) for _ in range(depth)
        )
        self.norm, self.outward = nn.LayerNorm(width), nn.Linear(width, words)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, x, tokens):
        """Logits [N, T, words] for each word, from those before it and the image."""
        return self.logits(self.eye(x), tokens)

    def logits(self, seen, tokens):
        """The same from patches that were encoded: seen [N, P, width]; tokens int64 [N, T]."""
        check_tokens(tokens, self.words)
        return self.run(before(tokens), seen)[0]

    def run(self, symbols, seen, cache=None, place=0):
        """Logits [N, T, words] behind each symbol, and how it looks at patches [N, T, P].

        symbols: int64 [N, T], the first one at `place` of its sentence. cache: of what stands
        before them. The looks are those of the last block, the mean of its heads.
        """
        h = self.embedding(symbols) + self.places[place : place + symbols.shape[1]]
        for block, look in zip(self.blocks, self.looks, strict=True):
            h = block(h, causal=True, cache=cache)
            looks = look.looks(h, seen)
            h = look(h, seen)
        return self.outward(self.norm(h)), looks.mean(dim=1)

    def nats(self, x, tokens):
        """-log p(sentence | image), in nats: [N]. tokens: int64 [N, T], PAD behind END."""
        return self.nats_of(self.eye(x), tokens)

    def nats_of(self, seen, tokens):
        """The same from patches that were encoded, seen [N, P, width]."""
        logits = self.logits(seen, tokens).float().transpose(1, 2)
        return F.cross_entropy(logits, tokens, ignore_index=PAD, reduction="none").sum(dim=1)

    @torch.no_grad()
    def greedy(self, x):
        """The likeliest next word, again and again: tokens int64 [N, length], PAD behind END."""
        seen, cache = self.eye(x), Cache()
        word = torch.full((len(x), 1), START, device=x.device)
        said = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        found = []
        for place in range(self.length):
            logits, _ = self.run(word, seen, cache, place)
            word = torch.where(said[:, None], PAD, logits[:, -1:].argmax(dim=2))
            said = said | (word[:, 0] == END)
            found.append(word)
            if said.all():
                break
        sentence = torch.cat(found, dim=1)
        return F.pad(sentence, (0, self.length - sentence.shape[1]), value=PAD)


def before(tokens):
    """START and all words but the last: what each word is guessed from. int64 [N, T]."""
    return F.pad(tokens[:, :-1], (1, 0), value=START)


def caption_loss(captioner, x, tokens):
    """The mean of -log p(word) over all words and END, in nats. x, tokens: as for `nats`."""
    logits = captioner(x, tokens).float().transpose(1, 2)
    return F.cross_entropy(logits, tokens, ignore_index=PAD)
