"""Pictures and sentences in one space: those that belong together lie near each other."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.text.captioner import PatchEncoder
from genimg_lib.text.encoder import TextEncoder


class ContrastiveModel(nn.Module):
    """Images and sentences as vectors of length 1: x [N, ...] and tokens [N, T] to [N, shared].

    words, length: of the vocabulary and of a sentence. image: arguments of the PatchEncoder;
    sentence: of the TextEncoder. shared: numbers of a vector.
    Source: Radford et al. 2021 (arXiv:2103.00020), section 2.3.
    """

    def __init__(self, words, length, image, sentence, shared=64):
        super().__init__()
        self.eye, self.ear = PatchEncoder(**image), TextEncoder(words, length, **sentence)
        self.of_image = nn.Linear(self.eye.width, shared)
        self.of_sentence = nn.Linear(self.ear.summary, shared)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def images(self, x):
        """Vectors of images: [N, shared], each of length 1."""
        return F.normalize(self.of_image(self.eye(x).mean(dim=1)).float(), dim=1)

    def sentences(self, tokens):
        """Vectors of sentences: [N, shared], each of length 1."""
        return F.normalize(self.of_sentence(self.ear(tokens).summary).float(), dim=1)

    def forward(self, x, tokens):
        """How well each image goes with its sentence: cosines [N], in [-1, 1]."""
        return (self.images(x) * self.sentences(tokens)).sum(dim=1)


def contrastive_loss(a, b, scale):
    """Which b belongs to which a, and the other way round: the mean cross-entropy, in nats.

    a, b: [N, d] of length 1; row i of a belongs to row i of b. scale: of the cosines, a number or a
    scalar tensor; log N where nothing can be told.
    Raises ValueError for unlike shapes.
    Source: van den Oord et al. 2018 (arXiv:1807.03748), equation 4; both ways, Radford et al. 2021
    (arXiv:2103.00020), figure 3.
    """
    if a.shape != b.shape:
        raise ValueError(f"expected as many of both, got {list(a.shape)} and {list(b.shape)}")
    cosines = scale * a @ b.T  # [N, N]
    own = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(cosines, own) + F.cross_entropy(cosines.T, own)) / 2
