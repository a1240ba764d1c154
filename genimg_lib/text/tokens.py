"""Sentences as whole numbers, a word each, and back."""

import difflib
import re

import torch

from genimg_lib.layers import check_tokens

PAD, START, END = 0, 1, 2  # nothing, before the first word, behind the last one
SPECIAL = ("<nothing>", "<start>", "<end>")
_WORD = re.compile(r"[\w'-]+|[^\w\s]")


class Tokenizer:
    """Words and commas as numbers, in the order of `words`; each sentence ends with END.

    words: the vocabulary, without the special ones.
    length: of the rows that `encode` gives, END included.
    Raises ValueError for a vocabulary that is empty or says a word twice.
    """

    def __init__(self, words, length):
        self.words, self.length = tuple(words), length
        if not self.words or len(set(self.words)) < len(self.words):
            raise ValueError("expected a vocabulary of words, each once")
        self.number = {word: k for k, word in enumerate((*SPECIAL, *self.words))}

    @classmethod
    def of(cls, sentences):
        """The words of sentences, in the order of the alphabet, and room for the longest one.

        Raises ValueError where there is no word.
        """
        split = [split_words(sentence) for sentence in sentences]
        words = sorted({word for sentence in split for word in sentence})
        return cls(words, 1 + max((len(sentence) for sentence in split), default=0))

    def __len__(self):
        return len(self.number)

    def encode(self, sentences):
        """Sentences as int64 [N, length]: their words, END, and PAD up to the length.

        Raises ValueError for a sentence without a word, for one that is too long, and for a word
        that is none of the vocabulary, with those that are nearest to it.
        """
        sentences = [sentences] if isinstance(sentences, str) else list(sentences)
        rows = torch.full((len(sentences), self.length), PAD)
        for row, sentence in zip(rows, sentences, strict=True):
            numbers = self._numbers(sentence)
            row[: len(numbers)] = torch.tensor(numbers)
        return rows

    def decode(self, tokens):
        """Rows of tokens [N, T] as sentences: what stands before END, without PAD and START.

        Raises ValueError for tokens that are no numbers of this vocabulary.
        """
        check_tokens(tokens, len(self))
        return [self._sentence(row) for row in tokens.tolist()]

    def _numbers(self, sentence):
        words = split_words(sentence)
        if not words:
            raise ValueError(f"{sentence!r} has no word; expected a sentence")
        for word in words:
            if word not in self.number:
                raise ValueError(
                    f"{sentence!r}: {word!r} is no word of the captions{self._near(word)}"
                )
        if len(words) >= self.length:
            most = f"expected {self.length - 1} at most"
            raise ValueError(f"{sentence!r} has {len(words)} words and commas; {most}")
        return [self.number[word] for word in words] + [END]

    def _near(self, word):
        if word in ("no", "not", "without"):
            return "; what isn't wanted is left out: a caption that names no hat asks for none"
        near = difflib.get_close_matches(
            word, self.words, n=3, cutoff=0.6 if len(word) > 4 else 0.7
        )
        return f"; near it: {', '.join(near)}" if near else f"; known: {', '.join(self.words)}"

    def _sentence(self, row):
        said = row[: row.index(END)] if END in row else row
        symbols = (*SPECIAL, *self.words)
        text = " ".join(symbols[k] for k in said if k not in (PAD, START))
        return text.replace(" ,", ",")


def split_words(sentence):
    """The words and marks of a sentence, in small letters, but for a full stop at its end."""
    return _WORD.findall(sentence.lower().strip().rstrip("."))
