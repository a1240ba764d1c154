"""Our samplers beside those of diffusers, where it is installed: the same numbers."""

import pytest
import torch

from genimg_lib import flow

diffusers = pytest.importorskip("diffusers")

CALLS = 10
LINEAR_BETAS = {
    "num_train_timesteps": 1_000,
    "beta_schedule": "linear",
    "prediction_type": "sample",
    "timestep_spacing": "trailing",  # from pure noise on; by default DDIM begins at t = 900
}


def guess(x):
    """Any function of x in the place of a network."""
    return torch.tanh(1.3 * x + 0.2)


def denoise(x, t):
    return guess(x)


def path_of(scheduler):
    """Its table of levels as a path: step k of 1,000 is our time 1 - (k + 1) / 1,000."""
    bars = torch.cat([torch.ones(1), scheduler.alphas_cumprod]).double()

    def at(table):
        return lambda t: table[((1 - t) * 1_000).round().long()]

    return flow.Path(at(bars.sqrt()), at((1 - bars).sqrt()), None, None)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).double()


def theirs(scheduler, x, **given):
    scheduler.set_timesteps(CALLS)
    for t in scheduler.timesteps:
        x = scheduler.step(guess(x), t, x, **given).prev_sample
    return x


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim(eta):
    scheduler = diffusers.DDIMScheduler(**LINEAR_BETAS, clip_sample=False)
    x = noise(5, 3)
    fresh = torch.randn(CALLS, 5, 3, generator=torch.Generator().manual_seed(1)).double()
    scheduler.set_timesteps(CALLS)
    reached = x
    for t, eps in zip(scheduler.timesteps, fresh, strict=True):
        reached = scheduler.step(
            guess(reached), t, reached, eta=eta, variance_noise=eps if eta else None
        ).prev_sample
    ours = flow.ddim(denoise, x, flow.even_times(CALLS), path_of(scheduler), eta, fresh)
    torch.testing.assert_close(flow.last(ours), reached, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("variance", ["small", "large"])
def test_ddpm_until_the_last_step(variance):
    """The last step differs: theirs adds noise wherever t > 0, ours never there."""
    scheduler = diffusers.DDPMScheduler(
        **LINEAR_BETAS, clip_sample=False, variance_type=f"fixed_{variance}"
    )
    x = noise(5, 3)
    scheduler.set_timesteps(CALLS)
    generator = torch.Generator().manual_seed(1)
    reached = [x]
    for t in scheduler.timesteps:
        step = scheduler.step(guess(reached[-1]), t, reached[-1], generator=generator)
        reached.append(step.prev_sample)
    generator = torch.Generator().manual_seed(1)
    fresh = [torch.randn(5, 3, generator=generator, dtype=torch.float64) for _ in range(CALLS)]
    ours = list(
        flow.ancestral(
            denoise,
            x,
            flow.even_times(CALLS),
            torch.stack(fresh),
            path_of(scheduler),
            variance,
        )
    )
    for mine, other in zip(ours[:-1], reached[:-1], strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)
    apart = (ours[-1] - reached[-1]).std().item()
    assert (apart < 1e-4) == (variance == "small")


def test_multistep():
    scheduler = diffusers.DPMSolverMultistepScheduler(
        **LINEAR_BETAS, algorithm_type="dpmsolver++", final_sigmas_type="zero"
    )
    x = noise(5, 3)
    reached = theirs(scheduler, x)
    times = [1 - (t.item() + 1) / 1_000 for t in scheduler.timesteps] + [1.0]
    ours = flow.last(flow.multistep(denoise, x, times, path_of(scheduler)))
    torch.testing.assert_close(ours, reached, atol=1e-4, rtol=1e-4)


def test_flow_matching_euler():
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    levels = [1.0, 0.7, 0.4, 0.1]
    scheduler.set_timesteps(sigmas=levels)
    x = noise(5, 3)
    reached = x
    for t, level in zip(scheduler.timesteps, levels, strict=True):
        outward = (reached - guess(reached)) / level  # their velocity leads to the noise
        reached = scheduler.step(outward, t, reached).prev_sample
    times = [1 - level for level in (*levels, 0.0)]
    ours = flow.last(flow.euler(flow.velocity_of(denoise), x, times))
    torch.testing.assert_close(ours, reached, atol=1e-5, rtol=1e-5)
