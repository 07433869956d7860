"""What Lambda imports: the trigger's handler, and beforehand what its first event needs.

With its 256 MB the function has a seventh of a processor. While it is imported it is seen to have a whole
one, which AWS does not promise. Nothing that goes wrong here fails the import: the first event says what it
was, and Lambda keeps the event.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _loaded() -> Callable[..., object]:
    # Nothing of what is loaded is garbage, and to look through it takes a tenth of the time.
    gc.disable()
    try:
        from incidents_runtime import trigger  # noqa: PLC0415 - not before

        trigger.prepare()
        return trigger.handler
    finally:
        gc.freeze()
        gc.enable()


handler = _loaded()
