"""Captions: no word sees a later one, and searching finds what brute force finds."""

import itertools

import pytest
import torch

from genimg_lib import text
from genimg_lib.data import portraits

IMAGE = {"channels": 3, "size": 8, "width": 16, "depth": 1}


@pytest.fixture
def captioner():
    torch.manual_seed(0)
    net = text.Captioner(words=9, length=5, image=IMAGE, width=16, depth=2).eval()
    for look in net.looks:  # which begin as the identity
        torch.nn.init.normal_(look.mixed.weight, std=0.3)
    torch.nn.init.normal_(net.embedding.weight)
    return net


X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))
TOKENS = torch.tensor([[3, 4, 5, 2, 0], [5, 2, 0, 0, 0], [8, 7, 6, 5, 2]])


def test_no_later_word_moves_an_earlier_logit(captioner):
    before = captioner(X, TOKENS)
    for place in range(5):
        changed = TOKENS.clone()
        changed[:, place] = (changed[:, place] + 1) % 9
        moved = (captioner(X, changed) - before).abs().amax(dim=(0, 2)) > 1e-6
        # word `place` is guessed before it is seen
        assert not moved[: place + 1].any()
        assert place == 4 or moved[place + 1]


def test_the_picture_moves_every_logit(captioner):
    assert ((captioner(X, TOKENS) - captioner(X.flip(0), TOKENS)).abs().amax(dim=(0, 2)) > 0).all()


def test_step_by_step_with_a_cache_is_the_same_as_at_once(captioner):
    from genimg_lib.layers import Cache

    seen, cache = captioner.eye(X), Cache()
    symbols = text.before(TOKENS)
    parts = [captioner.run(symbols[:, [t]], seen, cache, t)[0] for t in range(5)]
    assert torch.allclose(torch.cat(parts, dim=1), captioner(X, TOKENS), atol=1e-5)


def test_nats_are_those_of_the_chain_rule_and_stop_at_end(captioner):
    logs = torch.log_softmax(captioner(X, TOKENS), dim=2)
    by_hand = [
        -sum(logs[n, t, word] for t, word in enumerate(row) if word != text.PAD)
        for n, row in enumerate(TOKENS.tolist())
    ]
    assert torch.allclose(captioner.nats(X, TOKENS), torch.stack(by_hand), atol=1e-5)


def log_p(captioner, x, sentence):
    row = torch.tensor([sentence + [text.PAD] * (5 - len(sentence))])
    return -captioner.nats(x, row).item()


def test_a_wide_beam_finds_what_brute_force_finds():
    """All sentences of a vocabulary of 3 words and END, 3 words at most."""
    torch.manual_seed(3)
    net = text.Captioner(words=6, length=3, image=IMAGE, width=16, depth=1).eval()
    torch.nn.init.normal_(net.outward.weight)
    sentences = []
    for length in range(4):
        for words in itertools.product((1, 3, 4, 5), repeat=length):
            sentences.append([*words, text.END] if length < 3 else list(words))
    rows = torch.tensor([s + [text.PAD] * (3 - len(s)) for s in sentences])
    found, logs = text.beam_search(text.of_picture(net, X[:1]), 3, beams=200)
    all_logs = -net.nats(X[:1].expand(len(rows), -1, -1, -1), rows)
    best = int(all_logs.argmax())
    assert torch.equal(found, rows[best])
    assert logs == pytest.approx(all_logs[best].item(), abs=1e-4)


def test_one_beam_is_greedy(captioner):
    greedy = captioner.greedy(X)
    for k in range(3):
        found, _ = text.beam_search(text.of_picture(captioner, X[[k]]), 5, beams=1)
        assert torch.equal(found, greedy[k])


def test_more_beams_find_nothing_less_likely(captioner):
    for k in range(3):
        ask = text.of_picture(captioner, X[[k]])
        assert text.beam_search(ask, 5, beams=8)[1] >= text.beam_search(ask, 5, beams=1)[1] - 1e-5


def test_a_greedy_sentence_has_nothing_behind_end(captioner):
    for row in captioner.greedy(X).tolist():
        if text.END in row:
            behind = row[row.index(text.END) + 1 :]
            assert set(behind) <= {text.PAD}


def test_fewer_than_one_beam_is_refused(captioner):
    with pytest.raises(ValueError, match="0"):
        text.beam_search(text.of_picture(captioner, X[:1]), 5, beams=0)


@pytest.mark.parametrize("x", [X[:, :1], X[..., :4], X[0]])
def test_images_of_another_shape_are_refused(captioner, x):
    with pytest.raises(ValueError, match="images"):
        captioner(x, TOKENS)


def test_a_model_of_portraits_says_sentences_and_probabilities():
    factors = portraits.sample(4, seed=0)
    words = text.Tokenizer.of(portraits.caption(factors) + portraits.full_caption(factors))
    all_words = text.Tokenizer.of(portraits.full_caption(portraits.sample(2_000)))
    torch.manual_seed(0)
    image = {"channels": 3, "size": 32, "width": 16, "depth": 1}
    vocabulary = sorted({*words.words, *all_words.words})
    model = text.CaptionModel(vocabulary, 45, image, width=16, depth=1).eval()
    x = torch.rand(4, 3, 32, 32) * 2 - 1
    assert len(model.captions(x)) == 4
    found = model.factors(x)
    assert set(found) == set(portraits.CATEGORICAL)
    for name, p in found.items():
        assert p.shape == (4, len(portraits.FACTORS[name]))
        assert torch.allclose(p.sum(dim=1), torch.ones(4, dtype=p.dtype))


def test_what_was_fitted_is_usual_and_what_lies_far_is_not():
    torch.manual_seed(0)
    features = torch.randn(4_000, 6) @ torch.randn(6, 6) + 3
    typical = text.Typical(6).fit(features, least=0.0)
    unusual = typical(features)
    assert unusual.mean().item() == pytest.approx(1, abs=0.02)
    assert 0.998 < (unusual <= typical.limit).double().mean().item() <= 1
    assert (typical(features + 40) > typical.limit).all()
