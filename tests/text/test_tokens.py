"""Words as numbers: nothing is swallowed, and every caption comes back."""

import pytest
import torch

from genimg_lib import text
from genimg_lib.data import portraits

SENTENCES = ["a calm face with short red hair", "a bald head, smiling"]


def test_every_caption_comes_back():
    factors = portraits.sample(3_000, seed=1)
    captions = portraits.caption(factors, 1) + portraits.full_caption(factors)
    tokenizer = text.Tokenizer.of(captions)
    tokens = tokenizer.encode(captions)
    assert tokens.dtype == torch.int64 and tokens.shape == (6_000, tokenizer.length)
    assert tokenizer.decode(tokens) == captions


def test_a_sentence_ends_with_end_and_then_there_is_nothing():
    tokenizer = text.Tokenizer(["a", "face", "red"], 5)
    assert tokenizer.encode("a red face").tolist() == [[3, 5, 4, text.END, text.PAD]]
    assert tokenizer.encode(["A Face."]).tolist() == [[3, 4, text.END, text.PAD, text.PAD]]
    assert len(tokenizer) == 6


def test_an_unknown_word_is_named_with_its_neighbours():
    tokenizer = text.Tokenizer.of(SENTENCES)
    with pytest.raises(ValueError, match=r"'smilling'.*smiling"):
        tokenizer.encode("a smilling face")
    with pytest.raises(ValueError, match=r"'xyz'.*known: "):
        tokenizer.encode("xyz")
    with pytest.raises(ValueError, match=r"'without'.*what isn't wanted is left out"):
        tokenizer.encode("a face without glasses")


@pytest.mark.parametrize("sentence", ["", "   ", "."])
def test_a_sentence_without_words_is_refused(sentence):
    with pytest.raises(ValueError, match="no word"):
        text.Tokenizer.of(SENTENCES).encode(sentence)


def test_a_sentence_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match=r"5 words.*3 at most"):
        text.Tokenizer(["a"], 4).encode("a a a a a")


@pytest.mark.parametrize("words", [[], ["a", "a"]])
def test_a_vocabulary_has_words_each_once(words):
    with pytest.raises(ValueError, match="vocabulary"):
        text.Tokenizer(words, 4)


def test_numbers_that_are_no_words_are_refused():
    with pytest.raises(ValueError, match="99"):
        text.Tokenizer(["a"], 4).decode(torch.tensor([[99]]))
