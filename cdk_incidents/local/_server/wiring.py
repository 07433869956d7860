"""What is played, put together: a cloud, its services, the emulator beneath them, and the front door."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .adapter import Connections, Emulator
from .cloudformation import types as cloudformation
from .control import Control
from .faults import Faults
from .gateway import Gateway
from .incident_manager import notifications
from .monitoring.alarms import Alarms
from .monitoring.async_invoke import AsyncInvoker
from .monitoring.event_targets import EventTargets
from .services import CLOUDWATCH, CONTACTS, INCIDENT_MANAGER, SYSTEMS_MANAGER, Service
from .state import Cloud

if TYPE_CHECKING:
    import argparse


def build(options: argparse.Namespace) -> tuple[Gateway, Emulator]:
    """Make a cloud as the command line asks for it."""
    cloud, pending = Cloud(options.region, replication_set=not options.no_replication_set), Faults()
    cloud.account(options.account)  # is there before its first call: what changes all accounts changes it
    services = {
        "ssm-incidents": Service(cloud, "ssm-incidents", INCIDENT_MANAGER, pending),
        "ssm-contacts": Service(cloud, "ssm-contacts", CONTACTS, pending),
        "ssm": Service(cloud, "ssm", SYSTEMS_MANAGER, pending, shared=True),
        "monitoring": Service(cloud, "cloudwatch", CLOUDWATCH, pending, shared=True),
    }
    emulator = Emulator(cloud)
    cloud.outside = emulator
    cloudformation.add_types(emulator, cloud, services)
    invoke = AsyncInvoker(emulator, options.retry_base_s, cloud.twice)
    alarms = Alarms(emulator, cloud, services["ssm-incidents"], invoke)
    emulator.connect(
        invoke,
        alarms.changed,
        alarms.configured,
        functools.partial(notifications.note, cloud),
        EventTargets(emulator, cloud, services["ssm-incidents"]),
    )
    home = f"arn:aws:events:{options.region}:{options.account}:event-bus/default"

    def put_event(event: dict[str, Any]) -> None:
        with emulator.owning(home):
            emulator.put_event(event["detail-type"], event["resources"], event["detail"], event["source"])

    control = Control(cloud, pending, services.values(), emulator.tick, put_event)
    return Gateway(emulator, Connections(), services, control), emulator
