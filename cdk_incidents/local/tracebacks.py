"""The trace of an app that failed, as far as it is the app's own."""

from __future__ import annotations

import re
from pathlib import Path

_FRAME = re.compile(r'(\s+)File "([^"]+)", line \d+')
_PACKAGE = Path(__file__).parents[1]
_NOT_THE_USERS = ("/site-packages/aws_cdk/", "/site-packages/constructs/", "/site-packages/jsii/")


def users_frames(output: str) -> str:
    """Return an app's output without the frames of ours and of CDK's in its Python traces.

    Parameters
    ----------
    output
        what the app printed

    Returns
    -------
    str
        the same, with the user's own frames and the message
    """
    kept = []
    hidden: int | None = None
    for line in output.splitlines():
        frame = _FRAME.match(line)
        if frame:
            hidden = None if _is_users(frame[2]) else len(frame[1])
        elif hidden is not None and len(line) - len(line.lstrip()) <= hidden:
            hidden = None
        if hidden is None:
            kept.append(line)
    return "\n".join(kept)


def _is_users(file: str) -> bool:
    if file.startswith("<") or any(part in file for part in _NOT_THE_USERS):
        return False
    return not Path(file).is_relative_to(_PACKAGE)
