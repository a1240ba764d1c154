#!/usr/bin/env bash
# accelerate 1.15.0: `accelerate launch --cpu --num_processes 2` on a machine without MPI runs the
# program once, in one process, with exit status 0 and without a word. torch's own launcher,
# torchrun, starts two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 accelerate==1.15.0
cat > "$folder/count.py" <<'PY'
from accelerate import PartialState

state = PartialState(cpu=True)
print(f"process {state.process_index} of {state.num_processes}", flush=True)
PY
cd "$folder"
export HF_HOME="$folder/home" OMP_NUM_THREADS=1
one=$(venv/bin/python -m accelerate.commands.launch --cpu --num_processes 2 count.py 2>/dev/null | sort)
two=$(venv/bin/python -m torch.distributed.run --nproc_per_node=2 --master_port="${PORT:-29612}" count.py 2>/dev/null | sort)
echo "seen: accelerate 1.15.0, accelerate launch --cpu --num_processes 2:" $one
echo "seen: torchrun --nproc_per_node=2:" $two
[ "$one" = "process 0 of 1" ] && [ "$(echo "$two" | wc -l)" = 2 ] || { echo "this has changed"; exit 1; }
