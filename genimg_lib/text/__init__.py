"""Words: sentences as tokens, encoders of them, captions of pictures, both in one space."""

from genimg_lib.text.caption_model import CaptionModel
from genimg_lib.text.captioner import Captioner, PatchEncoder, before, caption_loss
from genimg_lib.text.contrastive import ContrastiveModel, contrastive_loss
from genimg_lib.text.encoder import BagOfWords, Encoded, TextEncoder
from genimg_lib.text.questions import ask
from genimg_lib.text.search import beam_search, of_picture
from genimg_lib.text.tokens import END, PAD, SPECIAL, START, Tokenizer
from genimg_lib.text.typical import Typical

__all__ = [
    "END",
    "PAD",
    "SPECIAL",
    "START",
    "BagOfWords",
    "CaptionModel",
    "Captioner",
    "ContrastiveModel",
    "Encoded",
    "PatchEncoder",
    "TextEncoder",
    "Tokenizer",
    "Typical",
    "ask",
    "beam_search",
    "before",
    "caption_loss",
    "contrastive_loss",
    "of_picture",
]
