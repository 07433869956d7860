"""Every private name of ministack, the emulator underneath, and of hypercorn, its server, stands here.

Nothing else in the package knows them. `Emulator` is what the rest sees. The version is exact; the
contract test (tests/local/server/test_adapter.py) tells, name by name, what to look at when another one
is installed.
"""

from .emulator import Emulator
from .environment import prepare_environment
from .identity import read_headers
from .private import VERSION, check_version
from .serving import Connections, serve

__all__ = [
    "VERSION",
    "Connections",
    "Emulator",
    "check_version",
    "prepare_environment",
    "read_headers",
    "serve",
]
