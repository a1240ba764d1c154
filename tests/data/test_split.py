"""What is kept from a training, and what people ask for."""

import torch

from genimg_lib.data import portraits


def test_the_two_parts_are_disjoint_by_construction_and_full():
    seen, unseen = (portraits.sample_split(800, 3, seen) for seen in (True, False))
    assert not portraits.held_out(seen).any()
    assert portraits.held_out(unseen).any(dim=1).all()
    assert all(len(v) == 800 for part in (seen, unseen) for v in part.values())


def test_every_value_and_every_pair_is_there_in_the_right_part():
    seen, unseen = (portraits.sample_split(5_000, 3, seen) for seen in (True, False))
    for name in portraits.CATEGORICAL:
        assert len(seen[name].unique()) == len(portraits.FACTORS[name])
    assert portraits.held_out(unseen).any(dim=0).all()


def test_held_out_by_hand():
    red = {"hair": "short", "hair_color": "red", "outfit": ["black", "blue"], "hat": "none"}
    found = portraits.held_out(red)
    assert found[:, 0].tolist() == [True, False] and not found[:, 1:].any()


def test_the_seed_decides():
    first, again, other = (portraits.sample_split(50, k) for k in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["hair"], other["hair"])


def test_a_list_names_some_of_what_is_there_and_nothing_else():
    factors = portraits.sample(400, seed=2)
    lists = portraits.wish(factors, seed=1)
    lengths = set()
    for k, line in enumerate(lists):
        asked = portraits.factors_of(line)
        lengths.add(len(asked))
        assert all(factors[name][k].item() == value for name, value in asked.items()), line
    assert len(lengths) > 4
    assert lists == portraits.wish(factors, seed=1) != portraits.wish(factors, seed=2)


def test_a_full_caption_names_everything():
    factors = portraits.sample(300, seed=4)
    for k, sentence in enumerate(portraits.full_caption(factors)):
        asked = portraits.factors_of(sentence)
        assert all(factors[name][k].item() == value for name, value in asked.items()), sentence
        always = {"background", "skin", "hair", "eyes", "mouth", "outfit"}
        assert always <= set(asked)
