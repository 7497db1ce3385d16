"""Language models behind one small interface, and what the method asks of them.

Read `base.py` (the interface), `prompts.py` (the words), `elicitation.py` (arguments and beliefs), then `load.py`.
Nothing is imported here, so that a command that needs no model does not wait for torch.
"""

import os

# Before torch is imported anywhere: its threads must not spin against other processes, which costs most of the speed.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
