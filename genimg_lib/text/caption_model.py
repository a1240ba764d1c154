"""Captions with all that belongs to them: words, the captioner, and what it has never seen."""

import torch
import torch.nn as nn

from genimg_lib.layers import parts
from genimg_lib.text.captioner import Captioner
from genimg_lib.text.questions import ask
from genimg_lib.text.tokens import Tokenizer
from genimg_lib.text.typical import Typical


class CaptionModel(nn.Module):
    """A Captioner of portraits, its vocabulary, and what tells portraits from other pictures.

    words: the vocabulary. length: of a sentence. Others as for Captioner.
    """

    def __init__(self, words, length, image, **decoder):
        super().__init__()
        self.tokenizer = Tokenizer(words, length)
        self.captioner = Captioner(len(self.tokenizer), length, image, **decoder)
        self.typical = Typical(2 * self.captioner.eye.width)

    def captions(self, x):
        """A sentence for each image [N, C, H, W] in [-1, 1], word by word the likeliest."""
        found = [self.captioner.greedy(part) for (part,) in parts(x)]
        return self.tokenizer.decode(torch.cat(found))

    def factors(self, x):
        """p(value | image) of each factor: {factor: [N, values]}; see `questions.ask`."""
        found = [ask(self.captioner, self.tokenizer, part) for (part,) in parts(x)]
        return {name: torch.cat([some[name] for some in found]) for name in found[0]}

    @torch.no_grad()
    def features(self, x):
        """What tells portraits from other pictures: the patches' mean and deviation, [N, d]."""
        seen = [self.captioner.eye(part) for (part,) in parts(x)]
        return torch.cat([torch.cat([s.mean(dim=1), s.std(dim=1)], dim=1) for s in seen])

    def unusual(self, x):
        """How unlike portraits images are, [N]: about 1 for portraits; see `Typical`."""
        return self.typical(self.features(x))
