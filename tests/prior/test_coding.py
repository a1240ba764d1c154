"""Files of tokens: coder and decoder invert each other, and the size is what the nats say."""

import pytest
import torch
from small_priors import grids, shaken

from genimg_lib.errors import DataError
from genimg_lib.prior import CausalPrior, MaskedPrior, read_codes, write_codes
from genimg_lib.prior.coding import ideal_bits


@pytest.fixture(scope="module")
def prior():
    return shaken(CausalPrior(8, (3, 3), width=16, depth=1, heads=2))


def test_tokens_come_back_as_they_were(prior, tmp_path):
    tokens, path = grids(300), tmp_path / "codes"
    write_codes(prior, tokens, path)
    assert torch.equal(read_codes(prior, path), tokens)
    again = tmp_path / "again"
    write_codes(prior, read_codes(prior, path), again)
    assert again.read_bytes() == path.read_bytes()


def test_the_file_is_as_short_as_the_nats_say(prior, tmp_path):
    torch.manual_seed(0)
    tokens, path = prior.sample(torch.rand(1_000, 3, 3)), tmp_path / "codes"
    with torch.no_grad():
        bits = ideal_bits(prior.nats(tokens).sum().item())
    said = write_codes(prior, tokens, path)
    size = 8 * path.stat().st_size
    assert said == pytest.approx(bits, rel=1e-3)
    assert bits - 64 < size < 1.01 * bits + 64


def test_a_condition_is_needed_again_for_reading(tmp_path):
    told = shaken(CausalPrior(8, (3, 3), width=16, depth=1, heads=2, conditions=2))
    tokens, path, c = grids(20), tmp_path / "codes", torch.eye(2)[torch.arange(20) % 2]
    write_codes(told, tokens, path, c)
    assert torch.equal(read_codes(told, path, c), tokens)
    with pytest.raises(DataError, match="condition"):
        read_codes(told, path, 1 - c)


def test_another_prior_a_damaged_file_and_another_kind_are_refused(prior, tmp_path):
    path = tmp_path / "codes"
    write_codes(prior, grids(50), path)
    content = path.read_bytes()
    other = shaken(CausalPrior(8, (3, 3), width=16, depth=1, heads=2), seed=1)
    with pytest.raises(DataError, match="another prior"):
        read_codes(other, path)
    path.write_bytes(content[:40] + bytes([content[40] ^ 255]) + content[41:])
    with pytest.raises(DataError, match="damaged"):
        read_codes(prior, path)
    for bad in (b"", content[:7], b"PK" + content[2:], content[:4] + b"\xff" * 4 + content[8:]):
        path.write_bytes(bad)
        with pytest.raises(DataError):
            read_codes(prior, path)


def test_tokens_of_another_prior_are_refused_before_anything_is_written(prior, tmp_path):
    path = tmp_path / "codes"
    with pytest.raises(ValueError, match="expected tokens"):
        write_codes(prior, grids(shape=(2, 2)), path)
    assert not path.exists()


def test_a_prior_without_an_order_and_no_grids_are_refused(prior, tmp_path):
    path = tmp_path / "codes"
    with pytest.raises(ValueError, match="MaskedPrior"):
        write_codes(MaskedPrior(8, (3, 3), width=16, depth=1, heads=2), grids(), path)
    with pytest.raises(ValueError, match="1 grid or more"):
        write_codes(prior, grids(n=0), path)
    assert not path.exists()


def test_a_file_is_not_read_by_a_prior_that_is_not_causal(tmp_path):
    with pytest.raises(ValueError, match="expected a CausalPrior, got a MaskedPrior"):
        read_codes(MaskedPrior(7, (2, 2), width=8, depth=1), tmp_path / "codes")
