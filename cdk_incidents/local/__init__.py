"""A loopback AWS with Incident Manager in it: the extra `local`.

```python
from cdk_incidents.local import LocalCloud

with LocalCloud() as cloud:
    cloud.deploy("python app.py")
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assumptions import Assumptions
    from .cloud import LocalCloud
    from .errors import (
        DeployError,
        IncidentTimeoutError,
        LocalCloudError,
        MessageTimeoutError,
        MissingExtraError,
        SynthError,
    )
    from .outbox import Page, RunbookExecution, TopicMessage

__all__ = [
    "Assumptions",
    "DeployError",
    "IncidentTimeoutError",
    "LocalCloud",
    "LocalCloudError",
    "MessageTimeoutError",
    "MissingExtraError",
    "Page",
    "RunbookExecution",
    "SynthError",
    "TopicMessage",
]
_HOMES = {
    "Assumptions": ".assumptions",
    "LocalCloud": ".cloud",
    "Page": ".outbox",
    "RunbookExecution": ".outbox",
    "TopicMessage": ".outbox",
}


def __getattr__(name: str) -> Any:
    """Import on first use: the pytest plugin passes here in every test run of its users."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, ".errors"), __name__), name)
