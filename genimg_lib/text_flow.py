"""Images drawn from sentences: an encoder of text, and a flow that looks at its words."""

import torch.nn as nn

from genimg_lib import flow, text
from genimg_lib.errors import unknown

ENCODERS = {"transformer": text.TextEncoder, "bag": text.BagOfWords}


class TextFlow(nn.Module):
    """net(x, t, tokens): images at times [N] in [0, 1], told sentences, to images.

    tokens: int64 [N, length], as `encode` gives them; rows of 0 say nothing, so that
    `flow.classifier_free` guides it.
    words: the vocabulary. length: of the longest sentence. encoder: "transformer" or "bag".
    encoding: arguments of the encoder; image: of the `flow.WordUNet`.
    Raises ValueError for an unknown encoder.
    """

    def __init__(self, words, length, encoding, image, encoder="transformer"):
        super().__init__()
        if encoder not in ENCODERS:
            raise unknown("encoder", encoder, ENCODERS)
        self.tokenizer = text.Tokenizer(words, length)
        self.encoder = ENCODERS[encoder](len(self.tokenizer), length, **encoding)
        self.net = flow.WordUNet(self.encoder.width, self.encoder.summary, **image)
        self.channels, self.size = self.net.channels, self.net.size

    def forward(self, x, t, tokens):
        return self.net(x, t, self.encoder(tokens))

    def encode(self, sentences):
        """Sentences as tokens: see `text.Tokenizer.encode`."""
        return self.tokenizer.encode(sentences)

    def draw(self, tokens, noise, calls=10, w=1.0):
        """An image for each sentence, of noise [N, C, size, size]: float32, on the CPU.

        tokens: int64 [N, length]. w: weight of classifier-free guidance; other than 0 or 1, each
        call asks twice.
        """

        def way(eps, told):
            denoise = flow.classifier_free(self, told, w)
            return flow.last(flow.multistep(denoise, eps, flow.times(calls))).clamp(-1, 1)

        return flow.in_parts(way, self, noise, tokens)
