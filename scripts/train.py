"""Train an agent, watch it in TensorBoard, and compare it with the baseline. The same as `mm-env train`.

Example: python scripts/train.py --algo ppo --seed 0,1,2 --out runs/ppo
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
