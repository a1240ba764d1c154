"""What a model can be asked for in words, for each data set that has words."""

import torch
import torch.nn.functional as F

from genimg_lib import pretrained
from genimg_lib.data import portraits
from genimg_lib.data.idx import CLASSES
from genimg_lib.errors import unknown
from genimg_lib.text import Tokenizer


class Faces:
    """The factors of portraits, in the words of their captions."""

    def read(self, text):
        """{factor: index} of a description; raises ValueError for words no caption has."""
        return portraits.factors_of(text)

    def conditions(self, asked, n, seed, _=None):
        """What is asked for, and the rest as it comes in the data: float32 [n, 47]."""
        factors = portraits.sample(n, seed)
        for name, value in asked.items():
            factors[name] = torch.full((n,), value)
        return portraits.one_hot(factors)

    def chance(self, name, value):
        """How often it comes in the data, unasked."""
        return portraits.probabilities(name)[value].item()

    def word(self, name, value):
        return portraits.FACTORS[name][value]

    def known(self, images):
        """{factor: [N]} of an ImageSet."""
        return images.factors


class Sentences(Faces):
    """Sentences themselves, in the words that a stored model has learned."""

    def __init__(self, name):
        self.name = name

    def read(self, text):
        """{factor: index} of a sentence; raises ValueError for words that the model never saw.

        Also for a sentence that asks for two values of one factor, and for one that asks nothing.
        """
        network = pretrained.facts(self.name)["network"]
        Tokenizer(network["words"], network["length"]).encode([text])
        return super().read(text)

    def conditions(self, asked, n, seed, text=None):
        """n sentences: the one that is asked for, or captions of portraits as they come."""
        return portraits.caption(portraits.sample(n, seed), seed) if text is None else [text] * n


class Classes:
    """The classes of a data set; a description is the name of one."""

    def __init__(self, data):
        self.names = CLASSES[data]

    def read(self, text):
        """{"label": index}; raises ValueError for a name that no class has."""
        wanted = text.strip().lower()
        there = [name.lower() for name in self.names]
        if wanted not in there:
            raise unknown("class", text, self.names)
        return {"label": there.index(wanted)}

    def conditions(self, asked, n, seed, _=None):
        """The class asked for, or all classes by chance: float32 [n, classes]."""
        g = torch.Generator().manual_seed(seed)
        labels = torch.randint(len(self.names), (n,), generator=g)
        if "label" in asked:
            labels.fill_(asked["label"])
        return F.one_hot(labels, len(self.names)).float()

    def chance(self, name, value):
        return 1 / len(self.names)

    def word(self, name, value):
        return self.names[value]

    def known(self, images):
        return {"label": images.labels}


WISHES = {"portraits": Faces(), "fashion_mnist": Classes("fashion_mnist")}
