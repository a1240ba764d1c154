"""Automata: one rule everywhere, and a state of nothing stays what it is."""

import pytest
import torch
import torch.nn.functional as F

from genimg_lib import automata
from genimg_lib.automata import Automaton


def rule(**more):
    torch.manual_seed(0)
    net = Automaton(**more)
    torch.nn.init.normal_(net.change.weight, std=0.3)
    return net


def test_a_new_rule_changes_nothing():
    state = torch.randn(2, 8, 6, 6)
    assert torch.equal(Automaton()(state), state)


def test_a_step_by_loops():
    net, state = rule(channels=3, hidden=4), torch.randn(1, 3, 5, 6)
    new = net(state)
    for i in range(5):
        for j in range(6):
            around = torch.stack(
                [state[0, :, (i + a) % 5, (j + b) % 6] for a in (-1, 0, 1) for b in (-1, 0, 1)],
                dim=1,
            ).view(3, 3, 3)
            seen = torch.einsum("cij,kij->ck", around, net.filters).flatten()
            added = net.change(F.relu(net.look(seen)))
            assert torch.allclose(new[0, :, i, j], state[0, :, i, j] + added, atol=1e-5)


def test_the_rule_is_the_same_wherever_the_picture_stands():
    net, state = rule(), torch.randn(1, 8, 12, 10)
    for shift in ((3, 0), (0, 4), (-5, 7)):
        moved = net(state.roll(shift, (2, 3)))
        assert torch.allclose(moved, net(state).roll(shift, (2, 3)), atol=1e-5)


def test_with_zero_edges_nothing_comes_from_the_other_side():
    state = torch.zeros(1, 4, 6, 6)
    state[..., 0] = 1.0
    wraps, ends = (rule(channels=4, edge=edge)(state) for edge in ("wrap", "zero"))
    assert not torch.allclose(wraps[..., 5], ends[..., 5], atol=1e-4)


def test_cells_that_do_not_fire_stay():
    net, state = rule(), torch.randn(1, 8, 6, 6)
    fired = torch.zeros(1, 1, 6, 6, dtype=torch.bool)
    fired[..., 2, 3] = True
    moved = (net(state, fired) != state).any(dim=1, keepdim=True)
    assert torch.equal(moved, fired)


def test_the_same_seed_gives_the_same_walk():
    net, state = rule(), torch.randn(1, 8, 8, 8)
    first, again, other = (
        net.run(state, 5, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_texture_s_rule_has_fewer_than_a_thousand_weights():
    from genimg_lib.layers import count_parameters

    assert count_parameters(Automaton(channels=8, hidden=24)) < 1_000


def test_half_of_a_wounded_state_is_lost():
    state = torch.ones(20, 4, 30, 30)
    lost = (automata.wounded(state, torch.Generator().manual_seed(0)) == 0).double()
    assert ((lost.mean(dim=(1, 2, 3)) - 0.5).abs() < 0.03).all()
    assert (lost.amax(dim=1) == lost.amin(dim=1)).all()  # with all that the cell remembers


def test_a_seed_is_one_living_cell():
    state = automata.seed_cell(2, 6, 9)
    assert (state[:, :3] == 0).all() and int((state != 0).sum()) == 2 * 3
    assert (state[:, 3:, 4, 4] == 1).all()


def test_a_picture_of_nothing_is_the_ground():
    net = Automaton(channels=4, ground=1.0)
    assert (net.picture(automata.blank(1, 4, 5)) == 1).all()


def test_a_pool_gives_back_what_was_put():
    pool = automata.Pool(torch.zeros(1, 3, 2, 2), 5, torch.Generator().manual_seed(0))
    places, states = pool.draw(3)
    assert len(set(places.tolist())) == 3
    pool.put(places, states + 1)
    assert pool.states.flatten(1).mean(dim=1).sum().item() == 3


@pytest.mark.parametrize("more", [{"channels": 2}, {"edge": "mirror"}])
def test_other_rules_are_refused(more):
    with pytest.raises(ValueError, match=str(next(iter(more.values())))):
        Automaton(**more)
