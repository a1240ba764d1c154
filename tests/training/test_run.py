"""Runs, settings, batches and the training loop's books."""

import copy
import gc
import json
import math
import sys
import time

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from genimg_lib import data, training
from genimg_lib.files import out_folder
from genimg_lib.training import TrainingError, progress, start
from genimg_lib.training.batches import Batches, StreamedBatches

CPU = torch.device("cpu")


class Pictures(torch.utils.data.Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i]


def ones(run, n=8):
    return run.batches(torch.ones(n, 2), 2)


def linear():
    net = nn.Linear(2, 2)
    return net, torch.optim.SGD(net.parameters(), lr=0.1)


def fit(run, net, opt, x):
    loss = (net(x) - x.sum()).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    run.log(loss=loss)


# ------------------------------------------------------------------ start


@pytest.mark.parametrize("decay", [-0.5, 1, 1.1, float("nan")])
def test_an_average_that_is_none_is_refused(decay):
    run, (net, opt) = start("a"), linear()
    with pytest.raises(ValueError, match="ema_decay"):
        run.train(ones(run), 2, ema="net", ema_decay=decay, net=net, opt=opt)


def test_a_default_device_of_torch_is_refused_before_it_mixes_devices():
    torch.set_default_device("meta")  # as others set "cuda"
    try:
        with pytest.raises(TrainingError, match="default device is meta"):
            start("a")
        images = data.load("portraits", n=2, size=8).images
    finally:
        torch.set_default_device(None)
    assert torch.equal(images, data.load("portraits", n=2, size=8).images)


def test_a_processor_is_named_with_what_it_computes_with(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    for bf16, said in ((True, "AVX512 with bf16"), (False, "AVX512")):
        monkeypatch.setattr(training.machine, "has_bf16", lambda device, bf16=bf16: bf16)
        assert training.describe(CPU) == f"cpu, {torch.get_num_threads()} threads, {said}"


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("profile", "steps"), [("quick", 1), ("cpu", 2), ("gpu", 3)])
def test_a_setting_of_three_values_is_the_profiles_and_any_other_is_itself(
    monkeypatch, profile, steps, fast
):
    monkeypatch.setenv("GENIMG_PROFILE", profile)
    monkeypatch.setattr(training.run, "has_bf16", lambda device: fast)
    precision = "bf16" if profile == "gpu" and fast else "no"
    run = start("a", steps=(1, 2, 3), rate=0.5, pair=(7, 8), word="abc")
    assert (run.steps, run.rate, run.pair, run.word, run.precision) == (
        steps,
        0.5,
        (7, 8),
        "abc",
        precision,
    )
    assert run.folder.parts[-2:] == ("a", profile)


def test_a_setting_that_was_not_given_is_named_with_those_that_were(monkeypatch):
    with pytest.raises(AttributeError, match=r"no setting 'step'.*steps"):
        _ = start("a", steps=3).step


@pytest.mark.parametrize("name", ["train", "report", "progress", "folder", "history"])
def test_a_setting_that_a_run_would_hide_is_refused(name):
    with pytest.raises(ValueError, match=f"'{name}'"):
        start("a", **{name: 3})


def test_an_unknown_profile_is_refused_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("GENIMG_PROFILE", "fast")
    with pytest.raises(ValueError, match=r"'fast'.*quick, cpu, gpu"):
        start("a")


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("GENIMG_OUT", str(tmp_path / "file" / "out"))
    with pytest.raises(TrainingError, match=r"cannot write to .*file/out/a.*GENIMG_OUT"):
        start("a")


def test_a_programs_command_line_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("GENIMG_PROFILE", "cpu")
    monkeypatch.setattr(sys, "argv", ["/somewhere/31_vae.py", "--profile", "quick", "--seed", "5"])
    run = start("31_vae", seed=2, steps=(1, 2, 3))
    assert (run.profile, run.seed, run.steps) == ("quick", 5, 1)
    run = start("32_conv_vae", seed=2, steps=(1, 2, 3))  # the command line is another program's
    assert (run.profile, run.seed, run.steps) == ("cpu", 2, 2)


def test_a_command_line_that_cannot_be_understood_ends_the_program(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["31_vae.py", "--prfile", "quick"])
    with pytest.raises(SystemExit):
        start("31_vae")
    assert "--prfile" in capsys.readouterr().err


def test_the_profile_is_cpu_where_there_is_no_gpu_and_nobody_says_otherwise(monkeypatch):
    monkeypatch.delenv("GENIMG_PROFILE", raising=False)
    for there, profile in ((False, "cpu"), (True, "gpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert start("a").profile == profile


def test_runs_write_below_genimg_out_wherever_they_are_started(monkeypatch, tmp_path):
    folders = set()
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        folders.add(start("a", steps=1).folder)
        assert not list((tmp_path / place).iterdir())
    assert folders == {tmp_path / "out" / "a" / start("a").profile}
    monkeypatch.delenv("GENIMG_OUT")
    default = out_folder()
    monkeypatch.chdir(tmp_path)
    assert out_folder() == default
    assert default.is_absolute()


def test_the_seed_settles_the_first_weights():
    def first_weights(seed):
        start("a", seed=seed)
        return nn.Linear(3, 3).weight

    assert torch.equal(first_weights(1), first_weights(1))
    assert not torch.equal(first_weights(1), first_weights(2))


class Noted(nn.Linear):
    """A layer that stays where it is and notes what is asked of it."""

    def __init__(self):
        super().__init__(2, 2)
        self.asked = []

    def to(self, *args, **kwargs):
        self.asked.append(args or kwargs)
        return self

    def compile(self):
        self.asked.append("compile")


def test_on_a_gpu_a_network_is_made_fast_in_place_and_on_the_cpu_it_is_left_alone():
    run = start("fast")
    net, keys = Noted(), list(nn.Linear(2, 2).state_dict())
    assert run.fast(net) is net and net.asked == [(run.device,)]
    run.device, net.asked = torch.device("cuda"), []
    assert run.fast(net) is net and list(net.state_dict()) == keys
    assert net.asked == [(run.device,), {"memory_format": torch.channels_last}, "compile"]


def test_autocast_follows_the_precision(monkeypatch):
    monkeypatch.setenv("GENIMG_PROFILE", "cpu")
    for precision, dtype in (
        ("no", torch.float32),
        ("bf16", torch.bfloat16),
        (("no", "bf16", "no"), torch.bfloat16),
    ):
        run = start("a", precision=precision)
        with run.autocast():
            assert (
                nn.Linear(2, 2).to(run.device)(torch.ones(1, 2, device=run.device)).dtype == dtype
            )


# ------------------------------------------------------------------ batches

# images, batch, processes
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4)).filter(
    lambda t: t[1] * t[2] <= t[0]
)


@given(sizes, st.integers(0, 10**6), st.integers(1, 3))
def test_an_epoch_shows_no_image_twice_and_shares_it_out_between_the_processes(shape, seed, epochs):
    n, size, world = shape
    processes = [Batches(torch.arange(n), size, CPU, seed, rank, world) for rank in range(world)]
    for _ in range(epochs):
        seen = torch.cat([next(p) for _ in range(n // (size * world)) for p in processes])
        assert len(seen) == n // (size * world) * size * world
        assert len(seen.unique()) == len(seen)  # all of them, where the batches divide the set


@given(sizes, st.integers(0, 10**6), st.integers(0, 30), st.integers(1, 10))
def test_batches_go_on_from_a_saved_position(shape, seed, before, after):
    n, size, world = shape
    one, other = (Batches(torch.arange(n), size, CPU, seed, world - 1, world) for _ in range(2))
    for _ in range(before):
        next(one)
    other.load_state_dict(json.loads(json.dumps(one.state_dict())))
    for _ in range(after):
        assert torch.equal(next(one), next(other))


def test_each_epoch_and_each_seed_has_an_order_of_its_own():
    def epochs(seed):
        batches = Batches(torch.arange(50), 50, CPU, seed)
        return [tuple(next(batches).tolist()) for _ in range(3)]

    assert len(set(epochs(0) + epochs(1))) == 6
    assert epochs(0) == epochs(0)


def test_batches_of_a_run_take_its_seed_or_the_one_given():
    run = start("a", seed=4)
    x = torch.arange(30)
    assert torch.equal(next(run.batches(x, 30)), next(run.batches(x, 30, seed=4)))
    assert not torch.equal(next(run.batches(x, 30)), next(run.batches(x, 30, seed=5)))


def test_pixels_become_floats_and_labels_stay_what_they_are():
    pixels = torch.tensor([0, 255, 51, 204], dtype=torch.uint8).view(4, 1, 1, 1)
    labels, small, means = (
        torch.arange(4),
        torch.arange(4, dtype=torch.uint8),
        torch.linspace(-3, 3, 4),
    )
    x, label, tiny, mean = next(start("a").batches((pixels, labels, small, means), 4))
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.flatten(), torch.tensor([-1.0, 1.0, -0.6, 0.6])[label])
    assert label.dtype == torch.int64
    assert tiny.dtype == torch.uint8
    assert torch.equal(tiny, label)
    assert torch.equal(mean, means[label])


def test_an_image_set_gives_its_images():
    images = data.load("portraits", n=6, size=8)
    x = next(start("a").batches(images, 6))
    assert sorted(x.sum((1, 2, 3)).tolist()) == sorted(
        data.to_float(images.images).sum((1, 2, 3)).tolist()
    )


@pytest.mark.parametrize(
    ("n", "size", "world"), [(4, 5, 1), (4, 0, 1), (4, -1, 1), (4, 3, 2), (0, 1, 1)]
)
@pytest.mark.parametrize("kind", [Batches, lambda x, *rest: StreamedBatches(Pictures(x), *rest)])
def test_a_batch_that_cannot_be_had_is_refused(n, size, world, kind):
    with pytest.raises(
        ValueError, match=f"a batch of {size} in each of {world} processes.* {n} images"
    ):
        kind(torch.zeros(n, 1, 2, 2), size, CPU, 0, 0, world)


def test_tensors_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"\[4, 3\]"):
        start("a").batches((torch.zeros(4), torch.zeros(3)), 2)


def test_streamed_images_come_in_the_order_of_those_in_memory_and_go_on_where_they_stopped():
    images = data.load("portraits", n=10, size=8).images
    run = start("a")
    streamed, held = run.batches(Pictures(images), 3), run.batches(images, 3)
    assert isinstance(streamed, StreamedBatches)
    for _ in range(5):  # three make an epoch
        assert torch.equal(next(streamed), next(held))
    again = run.batches(Pictures(images), 3)
    again.load_state_dict(streamed.state_dict())
    x = next(held)
    assert torch.equal(next(again), x)
    # back to the start, though workers have read ahead
    streamed.load_state_dict({"epoch": 0, "position": 0})
    assert torch.equal(next(streamed), next(run.batches(images, 3)))


def test_streaming_draws_nothing_from_the_random_state_of_the_training():
    batches = StreamedBatches(
        Pictures(torch.zeros(4, 1, 2, 2, dtype=torch.uint8)), 2, CPU, 0, workers=0
    )
    before = torch.get_rng_state()
    next(batches)
    assert torch.equal(torch.get_rng_state(), before)


# ------------------------------------------------------------------ train


def test_a_training_stops_at_its_steps():
    run = start("a")
    net, opt = linear()
    assert sum(1 for _ in run.train(ones(run), 7, net=net, opt=opt)) == 7


def test_a_training_stops_when_its_minutes_are_over():
    run = start("a")
    net, opt = linear()
    began, progress = time.perf_counter(), []
    for _ in run.train(ones(run), minutes=0.2 / 60, net=net, opt=opt):
        time.sleep(0.01)
        progress.append(run.progress)
    assert 0.2 <= time.perf_counter() - began < 2
    assert progress[0] == 0 and progress == sorted(progress) and 0.5 < progress[-1] < 1


def test_of_steps_and_minutes_the_first_to_be_over_ends_a_training():
    run = start("a")
    net, opt = linear()
    assert sum(1 for _ in run.train(ones(run), 5, minutes=10, net=net, opt=opt)) == 5
    steps = 0
    for _ in run.train(ones(run), 10**9, minutes=0.1 / 60, net=net, opt=opt):
        time.sleep(0.01)
        steps += 1
    assert 1 <= steps <= 11


def test_a_training_without_an_end_an_unknown_average_and_a_thing_that_cannot_be_kept_are_refused():
    run = start("a")
    net, opt = linear()
    for end in ({}, {"steps": 0}, {"steps": -3}, {"minutes": 0}):
        with pytest.raises(ValueError, match="when to stop"):
            run.train(ones(run), **end, net=net)
    with pytest.raises(ValueError, match=r"'G'.*net, opt"):
        run.train(ones(run), 3, ema="G", net=net, opt=opt)
    with pytest.raises(ValueError, match="'opt'"):
        run.train(ones(run), 3, ema=("net", "opt"), net=net, opt=opt)
    with pytest.raises(TypeError, match="rate is a float"):
        run.train(ones(run), 3, net=net, rate=0.1)


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_the_average_is_the_one_computed_by_hand(decay):
    run = start("a")
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    first, seen = copy.deepcopy(net.state_dict()), []
    for x in run.train(
        run.batches(torch.randn(8, 2), 4), 12, ema="net", ema_decay=decay, net=net, opt=opt
    ):
        fit(run, net, opt, x)
        seen.append(copy.deepcopy(net.state_dict()))
    by_hand = {k: v.double() for k, v in first.items()}
    for step, weights in enumerate(seen, start=1):
        d = min(decay, (1 + step) / (10 + step))
        by_hand = {k: d * by_hand[k] + (1 - d) * weights[k].double() for k in by_hand}
    average = run.ema["net"]
    assert not average.training
    for name, parameter in average.named_parameters():
        assert not parameter.requires_grad
        torch.testing.assert_close(parameter.double(), by_hand[name], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        dict(average.named_buffers()), dict(net.named_buffers()), rtol=0, atol=0
    )
    assert not torch.equal(average[0].weight, net[0].weight)


def test_progress_goes_from_nothing_to_all():
    run, seen, shown = start("a"), [], []
    net, opt = linear()

    def preview():
        shown.append(run.progress)
        return torch.zeros(1, 1, 4, 4)

    assert run.progress == 0
    for _ in run.train(ones(run), 8, preview=preview, preview_every=8, net=net, opt=opt):
        seen.append(run.progress)
    assert seen == [k / 8 for k in range(8)]
    assert shown == [1.0]


def test_looking_changes_nothing(monkeypatch):
    monkeypatch.setattr(progress.Window, "show", lambda *_: None)

    def trained(looking):
        run, looks, noise = start("a"), [], torch.Generator().manual_seed(3)
        # its statistics are frozen
        net = nn.Sequential(
            nn.Linear(2, 8), nn.Dropout(0.5), nn.BatchNorm1d(8).eval(), nn.Linear(8, 2)
        )
        opt = torch.optim.SGD(net.parameters(), lr=0.001)

        def preview():
            assert not any(m.training for m in net.modules())
            looks.append(net(torch.rand(5, 2) + torch.rand(5, 2, generator=noise)))

        for x in run.train(
            ones(run),
            9,
            preview=preview if looking else None,
            preview_every=2,
            net=net,
            opt=opt,
            noise=noise,
        ):
            fit(run, net, opt, x + torch.rand(x.shape, generator=noise))
            assert [m.training for m in net.modules()] == [True, True, True, False, True]
        return net.state_dict(), run.history, len(looks)

    weights, history, _ = trained(looking=False)
    looked_weights, looked_history, looks = trained(looking=True)
    assert looks == 5  # after 2, 4, 6, 8 steps and at the end
    assert looked_history == history
    torch.testing.assert_close(looked_weights, weights, rtol=0, atol=0)


def test_a_program_saves_its_previews(capsys):
    run = start("a")
    net, opt = linear()
    for _ in run.train(
        ones(run),
        4,
        preview=lambda: torch.zeros(2, 3, 8, 8),
        preview_every=3,
        label="faces",
        net=net,
        opt=opt,
    ):
        pass
    assert sorted(p.name for p in (run.folder / "previews").iterdir()) == [
        "faces_after_step_3.png",
        "faces_after_step_4.png",
    ]


# ------------------------------------------------------------------ log


def test_the_history_has_every_step_and_keeps_rare_metrics_in_their_rows():
    run = start("a")
    net, opt = linear()
    for x in run.train(ones(run), 5, net=net, opt=opt):
        step = len(run.history.get("step", []))
        run.log(loss=x.sum() * step, **({"rare": step} if step in (1, 3) else {}))
    assert run.history["step"] == [0, 1, 2, 3, 4]
    assert run.history["loss"] == [0, 4, 8, 12, 16]
    rare = dict(zip(run.history["step"], run.history["rare"], strict=False))
    assert {k: v for k, v in rare.items() if not math.isnan(v)} == {1: 1, 3: 3}
    assert math.isnan(rare[0]) and math.isnan(rare[2])


def test_log_works_without_a_training():
    run = start("a")
    for loss in (
        3,
        torch.tensor([2.0]),
        torch.tensor(1, dtype=torch.bfloat16),
        torch.tensor(0.5, requires_grad=True),
    ):
        run.log(loss=loss)
    assert run.history == {"step": [0, 1, 2, 3], "loss": [3, 2, 1, 0.5]}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_stops_the_training_and_names_the_last_good_checkpoint(bad):
    run = start("a")
    net, opt = linear()
    with pytest.raises(TrainingError, match=rf"^critic is {bad} at step 0;.*no checkpoint"):
        run.log(critic=bad)
    with pytest.raises(
        TrainingError, match=rf"^critic is {bad} at step 13;.*step_000000010"
    ) as error:
        for x in run.train(ones(run), 20, checkpoint_every=5, net=net, opt=opt):
            run.log(
                loss=x.sum(),
                critic=x.sum() if len(run.history.get("step", [])) < 13 else torch.tensor(bad),
            )
    assert (run.folder / "checkpoints" / "train" / "step_000000010" / "state.pt").is_file()
    assert "learning rate" in str(error.value)


def test_the_checkpoint_named_as_good_has_no_weights_that_are_no_numbers():
    from genimg_lib.training import saving

    run = start("a")
    net, opt = linear()
    with pytest.raises(TrainingError):
        for x in run.train(ones(run), 20, checkpoint_every=1, net=net, opt=opt):
            fit(run, net, opt, x)
            # the step that ruins the weights; only the next one's loss shows it
            if run.history["step"][-1] == 6:
                nn.init.constant_(net.weight, math.nan)
    path, weights, _ = next(saving.sound(run.folder / "checkpoints" / "train"))
    assert path == saving.newest(run.folder / "checkpoints" / "train")
    assert all(w.isfinite().all() for w in weights.values())


# ------------------------------------------------------------------ report and expect


def test_a_report_holds_all_that_a_reader_needs_to_judge_it(monkeypatch, capsys):
    monkeypatch.setenv("GENIMG_PROFILE", "quick")
    run = start("31_vae", seed=3, steps=(4, 5, 6), rate=0.1)
    net, opt = linear()
    for _ in run.train(ones(run), run.steps, net=net, opt=opt):
        time.sleep(0.1)
    run.report(fd=torch.tensor(12.5))
    run.report(kid=0.25, images=10)
    result = json.loads((run.folder / "results.json").read_text())
    assert result["metrics"] == {"fd": 12.5, "kid": 0.25, "images": 10}
    assert {k: result[k] for k in ("notebook", "profile", "seed", "processes")} == {
        "notebook": "31_vae",
        "profile": "quick",
        "seed": 3,
        "processes": 1,
    }
    assert result["settings"] == {"precision": "no", "steps": 4, "rate": 0.1}
    assert result["versions"]["torch"] == torch.__version__
    assert result["versions"]["python"] == sys.version.split()[0]
    assert result["device"] == training.describe(run.device)
    assert result["train_minutes"].keys() == {"train"}
    assert 0.4 / 60 - 0.005 <= result["train_minutes"]["train"] < 0.1
    assert 50 < result["peak_memory_mib"] < 1_000_000
    said = capsys.readouterr().out
    assert "31_vae, profile quick" in said
    assert "fd      12.5" in said


def test_a_report_is_json_whatever_the_numbers_are_made_of():
    run = start("a")
    run.report(
        none=math.nan,
        much=math.inf,
        small=np.float32(0.5),
        whole=np.int64(3),
        tensor=torch.tensor(2),
    )

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    result = json.loads((run.folder / "results.json").read_text(), parse_constant=refuse)
    assert result["metrics"] == {"none": None, "much": None, "small": 0.5, "whole": 3, "tensor": 2}


def test_peak_memory_is_what_the_process_held():
    gc.collect()  # else what earlier tests have left may be freed between the two lines below
    before = training.peak_memory()
    wanted = before + 100 - psutil.Process().memory_info().rss // 2**20
    torch.ones(wanted * 2**18)
    assert before + 90 <= training.peak_memory() <= before + 115


def test_expectations_are_held_or_fail(monkeypatch):
    monkeypatch.setenv("GENIMG_PROFILE", "cpu")
    run = start("a")
    run.report(fd=50.0, count=3)
    run.expect(fd=("<", 60), count=(">=", 3))
    run.expect(fd=("<=", (10, 50, 10)), count=(">", (9, 2, 9)))
    run.expect(fd=("<", None), count=("<", (9, None, 9)))
    for sign, bound in (("<", 50), ("<=", 49.9), (">", 50), (">=", 50.1), ("<", (90, 40, 90))):
        with pytest.raises(TrainingError, match="fd is 50; in profile cpu"):
            run.expect(count=("<", 9), fd=(sign, bound))
    with pytest.raises(ValueError, match=r"kid.*fd, count"):
        run.expect(kid=("<", 1))
    run.report(fd=math.nan)
    with pytest.raises(TrainingError, match="fd is nan"):
        run.expect(fd=("<", 60))
    with pytest.raises(ValueError, match="report"):
        start("b").expect(fd=("<", 1))


# ------------------------------------------------------------------ data as others have it


def test_images_between_0_and_1_are_spoken_of(capsys):
    run = start("range")
    x = torch.rand(8, 3, 4, 4)
    run.batches(2 * x - 1, 4)
    run.batches(torch.rand(8, 7, 4, 4), 4)  # no images
    next(run.batches(Pictures(2 * x - 1), 4))
    assert "[0, 1]" not in capsys.readouterr().out
    run.batches(x, 4)
    assert "these images lie in [0, 1]" in capsys.readouterr().out
    next(run.batches(Pictures(x), 4))
    assert "these images lie in [0, 1]" in capsys.readouterr().out


class Pairs(torch.utils.data.Dataset):
    """Pillow images with labels, as torchvision's data sets give them."""

    def __len__(self):
        return 8

    def __getitem__(self, i):
        return Image.new("RGB", (6, 5), (10 * i, 0, 0)), i


def test_pairs_of_pillow_images_and_labels_stay_pairs():
    x, y = next(start("pairs").batches(Pairs(), 4))
    assert x.shape == (4, 3, 5, 6) and x.dtype == torch.float32
    assert torch.equal(((x[:, 0, 0, 0] + 1) * 127.5).round().long(), 10 * y)


def test_a_list_of_sets_is_a_tuple_of_them():
    x, y = next(start("sets").batches([torch.zeros(8, 3, 4, 4), np.arange(8)[::-1]], 8))
    assert x.shape == (8, 3, 4, 4) and sorted(y.tolist()) == list(range(8))
    with pytest.raises(TypeError, match="got tuple"):
        start("sets").batches([], 4)


@pytest.mark.parametrize("kind", [np.array, list])
def test_arrays_and_lists_of_tensors_are_taken(kind):
    images = torch.randint(0, 256, (8, 3, 4, 4), dtype=torch.uint8)
    given = images.numpy() if kind is np.array else list(images)
    assert torch.equal(
        next(start("kinds").batches(given, 8)), next(start("kinds").batches(images, 8))
    )


def test_what_are_no_images_is_named():
    with pytest.raises(TypeError, match=r"got str; a DataLoader goes to run\.train"):
        start("kinds").batches("images", 4)


def test_a_loader_begins_again_at_its_end():
    run = start("loader")
    loader = torch.utils.data.DataLoader(torch.arange(6.0), batch_size=2)
    seen = [x.tolist() for x in run.train(loader, 7)]
    assert seen == [[0, 1], [2, 3], [4, 5], [0, 1], [2, 3], [4, 5], [0, 1]]
    with pytest.raises(ValueError, match="there is no batch"):
        list(run.train([], 3))
    with pytest.raises(TypeError, match="got int"):
        run.train(3, 3)
    with pytest.raises(TrainingError, match="the batches ended at step 2"):
        list(run.train(iter([1, 2]), 3))


def test_a_metric_that_is_no_number_is_named():
    run = start("metrics")
    with pytest.raises(ValueError, match=r"log\(loss=...\): expected one number, .*\[3\]"):
        run.log(loss=torch.ones(3))
    run.log(loss=np.float32(2.0), other=torch.ones(1, 1))
    assert run.history["loss"] == [2.0]


def test_an_average_that_is_not_there_yet_is_named():
    with pytest.raises(KeyError, match=r"no average of 'G' \(none yet\)"):
        start("averages").ema["G"]


@pytest.mark.parametrize("program", ["my_copy_of_31_vae.py", "31_vae.py"])
def test_a_copy_of_a_program_reads_its_options(program, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program, "--profile", "quick", "--seed", "4"])
    run = start("31_vae")
    assert (run.profile, run.seed) == ("quick", 4)


def test_another_program_says_that_it_does_not_read_them(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mine.py", "--profile=quick"])
    start("31_vae")
    assert "--profile: if they are meant for the run 31_vae" in capsys.readouterr().out
