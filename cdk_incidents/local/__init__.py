"""A loopback AWS with Incident Manager in it: the extra `local`.

```python
from cdk_incidents.local import LocalCloud

with LocalCloud() as cloud:
    cloud.deploy("python app.py")
```
"""

from .cloud import LocalCloud
from .errors import DeployError, IncidentTimeoutError, LocalCloudError, MissingExtraError, SynthError

__all__ = [
    "DeployError",
    "IncidentTimeoutError",
    "LocalCloud",
    "LocalCloudError",
    "MissingExtraError",
    "SynthError",
]
