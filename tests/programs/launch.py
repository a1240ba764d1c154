"""Starts the programs of this folder as processes, and kills them where a test says."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path


def launch(program, folder, *words, processes=1, **variables):
    """Run a program of this folder to its end; gives the finished process.

    folder: GENIMG_OUT. words: behind the program. variables: of the environment.
    """
    command = [sys.executable]
    if processes > 1:
        command += [
            "-m",
            "torch.distributed.run",
            f"--nproc_per_node={processes}",
            f"--master_port={free_port()}",
        ]
    environment = os.environ | {
        "GENIMG_OUT": str(folder),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MPLBACKEND": "agg",
    }
    environment |= {name: str(value) for name, value in variables.items()}
    # pipes would wait for a killed program's workers
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        done = subprocess.run(
            [*command, Path(__file__).with_name(f"{program}.py"), *words],
            env=environment,
            stdout=out,
            stderr=err,
        )
        out.seek(0), err.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


def deadly(batches):
    """The batches of a training that SIGKILL ends.

    At batch KILL_AT of this process, or as file KILL_AT_FILE is about to be put in its place.
    """
    signal.alarm(180)  # processes that wait for each other for ever would outlive the test
    at, file, replace = (
        int(os.environ.get("KILL_AT", -1)),
        int(os.environ.get("KILL_AT_FILE", -1)),
        os.replace,
    )

    def deadly_replace(*paths):
        nonlocal file
        if file == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        file -= 1
        replace(*paths)

    os.replace = deadly_replace
    for k, batch in enumerate(batches):
        if k == at:
            os.kill(os.getpid(), signal.SIGKILL)
        yield batch


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
