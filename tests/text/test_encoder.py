"""Encoders of sentences: what a word may look at, and what order does."""

import pytest
import torch

from genimg_lib import layers, text

SHAPE = {"words": 12, "length": 6, "width": 16}
TOKENS = torch.tensor([[3, 4, 5, 2, 0, 0], [5, 4, 3, 2, 0, 0]])


@pytest.fixture(params=[text.TextEncoder, text.BagOfWords])
def encoder(request):
    torch.manual_seed(0)
    return request.param(**SHAPE).eval()


def test_shapes_and_what_is_there(encoder):
    vectors, there, summary = encoder(TOKENS)
    extra = vectors.shape[1] - 6
    assert vectors.shape == (2, 6 + extra, 16) and summary.shape == (2, 128)
    assert there[:, :extra].all()
    assert torch.equal(there[:, extra:], TOKENS != text.PAD)


def test_a_sentence_that_says_nothing_has_one_meaning_and_no_nan(encoder):
    vectors, there, summary = encoder(torch.zeros_like(TOKENS))
    assert vectors.isfinite().all() and there.any(dim=1).all()
    assert torch.allclose(summary[0], summary[1])


def test_what_is_pad_changes_nothing(encoder):
    """A shorter row of the same words means the same."""
    with torch.no_grad():
        encoder.embedding.weight[text.PAD] += 50
        before = encoder(TOKENS).summary
        encoder.embedding.weight[text.PAD] -= 100
        assert torch.allclose(encoder(TOKENS).summary, before, atol=1e-5)


def test_order_matters_to_the_transformer_and_not_to_the_bag():
    torch.manual_seed(0)
    bag, transformer = text.BagOfWords(**SHAPE), text.TextEncoder(**SHAPE)
    assert torch.allclose(*bag(TOKENS).summary, atol=1e-5)
    first, second = transformer(TOKENS).summary
    assert not torch.allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("tokens", [TOKENS[:, :5], TOKENS[0]])
def test_sentences_of_another_length_are_refused(encoder, tokens):
    with pytest.raises(ValueError, match=r"\[N, 6\]"):
        encoder(tokens)


def test_words_out_of_range_are_refused(encoder):
    with pytest.raises(ValueError, match=r"0\.\.11"):
        encoder(TOKENS + 100)


def by_loops(q, k, v, there):
    """Attention, one query and one key after the other."""
    out = torch.zeros(*q.shape[:3], v.shape[3], dtype=q.dtype)
    for n in range(len(q)):
        for head in range(q.shape[1]):
            for t in range(q.shape[2]):
                keys = [s for s in range(k.shape[2]) if there[n, s]]
                scores = torch.stack(
                    [q[n, head, t] @ k[n, head, s] / q.shape[3] ** 0.5 for s in keys]
                )
                for weight, s in zip(torch.softmax(scores, 0), keys, strict=True):
                    out[n, head, t] += weight * v[n, head, s]
    return out


def test_attention_is_what_a_loop_gives():
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, n, 4, dtype=torch.float64) for n in (5, 6, 6))
    there = torch.rand(2, 6) < 0.6
    there[:, 0] = True
    found = layers.attention(q, k, v, there=there)
    assert torch.allclose(found, by_loops(q, k, v, there))


def test_cross_attention_begins_as_the_identity_and_looks_sum_to_one():
    torch.manual_seed(0)
    look = layers.CrossAttention(8, 6, heads=2)
    h, seen = torch.randn(2, 5, 8), torch.randn(2, 4, 6)
    there = torch.tensor([[True, True, False, False], [True, False, True, True]])
    assert torch.equal(look(h, seen, there), h)
    weights = look.looks(h, seen, there)
    assert torch.allclose(weights.sum(dim=3), torch.ones(2, 2, 5))
    assert (weights[0, :, :, 2:] == 0).all() and (weights[1, :, :, 1] == 0).all()


def test_cross_attention_does_not_see_what_is_not_there():
    torch.manual_seed(0)
    look = layers.CrossAttention(8, 6, heads=2)
    torch.nn.init.normal_(look.mixed.weight)
    h, seen = torch.randn(1, 5, 8), torch.randn(1, 4, 6)
    there = torch.tensor([[True, True, False, False]])
    before = look(h, seen, there)
    seen[:, 2:] += 10
    assert torch.equal(look(h, seen, there), before)
    assert torch.allclose(look(h, seen[:, :2]), before, atol=1e-6)
