"""What of a failing app's trace a user sees."""

from __future__ import annotations

from pathlib import Path

import cdk_incidents
from cdk_incidents.local.tracebacks import users_frames

OURS = Path(cdk_incidents.__file__).parent / "route.py"
TRACE = f"""\
before
Traceback (most recent call last):
  File "/home/me/app.py", line 8, in <module>
    route = trigger.add_route("Any", impact=9)
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "{OURS}", line 196, in add_route
    settings = RouteSettings(
               ^^^^^^^^^^^^^^
  File "<string>", line 10, in __init__
  File "/x/.venv/lib/python3.11/site-packages/jsii/_runtime.py", line 118, in __call__
    inst = super(JSIIMeta, cast(JSIIMeta, cls)).__call__(*args, **kwargs)
  File "/home/me/stack.py", line 3, in make
    more()
ValueError: impact must be a whole number from 1 to 5 (got 9): take a member of Impact.
  indented output of the app
after"""


def test_keeps_what_is_the_users() -> None:
    """The user's frames, the message and all other output stay; ours, CDK's and generated ones go."""
    assert users_frames(TRACE).splitlines() == [
        "before",
        "Traceback (most recent call last):",
        '  File "/home/me/app.py", line 8, in <module>',
        '    route = trigger.add_route("Any", impact=9)',
        "            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
        '  File "/home/me/stack.py", line 3, in make',
        "    more()",
        "ValueError: impact must be a whole number from 1 to 5 (got 9): take a member of Impact.",
        "  indented output of the app",
        "after",
    ]


def test_leaves_other_output_alone() -> None:
    """Without a trace the output stays as it is."""
    assert users_frames("one\n  two\n\nthree") == "one\n  two\n\nthree"
