"""A child of the process manager: dies with it, then becomes the module it was asked for.

`python -m config.runtime.child PARENT SIGNAL MODULE ARGUMENT…`: when the process PARENT dies, were it killed
without a chance to say so, the kernel sends us SIGNAL.
"""

import ctypes
import os
import runpy
import sys
import warnings

PR_SET_PDEATHSIG = 1


def main(parent: int, death_signal: int, module: str) -> None:
    """Runs `module` as a program; `sys.argv` already holds its arguments."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("Le gestionnaire de processus a disparu.")
    # Root is how a newcomer may well try this on a fresh machine; messages are JSON, never pickles.
    warnings.filterwarnings("ignore", message=".*superuser privileges.*")
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    given_parent, given_signal, given_module = sys.argv[1:4]
    sys.argv = [given_module, *sys.argv[4:]]
    main(int(given_parent), int(given_signal), given_module)
