"""Programs of this folder, named in the command, one by one in one launch of processes."""

import os
import runpy
import sys
from pathlib import Path

names = sys.argv[1:]
del sys.argv[1:]  # each of them would take these for its own
for name in names:
    if os.environ.get("RANK", "0") == "0":
        print(f"program: {name}", flush=True)
    runpy.run_path(str(Path(__file__).with_name(f"{name}.py")), run_name="__main__")
