"""What the machine is: its device in words, bfloat16, the memory held."""

import sys

import torch


def has_bf16(device):
    """True where the device has instructions for bfloat16; else it is emulated, slowly."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(
        getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
        or getattr(torch.cpu, "_is_amx_tile_supported", bool)()
    )


def describe(device):
    """A device in words: the GPU's name, or "cpu, 2 threads, AVX512 with bf16".

    How long a run takes depends on what the processor computes with.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    with_bf16 = " with bf16" if has_bf16(device) else ""
    capability = torch.backends.cpu.get_cpu_capability()
    return f"cpu, {torch.get_num_threads()} threads, {capability}{with_bf16}"


def peak_memory():
    """The most memory this process has held, in MiB."""
    try:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)
    except ImportError:  # Windows
        import psutil

        return round(psutil.Process().memory_info().peak_wset / 2**20)
