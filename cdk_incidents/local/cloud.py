"""LocalCloud: a loopback AWS with Incident Manager in it, on 127.0.0.1, gone at exit."""

from __future__ import annotations

import atexit
import os
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .assembly import file_assets, stack_of
from .assumptions import check
from .cdk_cli import CdkCli, find_cdk
from .clock import Clock
from .deployment import Assembly, DeployedStack, Deployment
from .environment import Place, check_region, child_environment, exports
from .errors import LocalCloudError, require_extra
from .interrupts import start_unwinding, stop_unwinding
from .node import find_node
from .outbox import wait_for_message
from .records import incident_records, wait_for_record
from .server import Server
from .stacks import Stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

    from .assumptions import Assumptions
    from .outbox import Page, RunbookExecution, TopicMessage

_HIGHEST_PORT = 65535


class Faults:
    """Faults on demand: the next calls of an operation fail as they might in AWS.

    Parameters
    ----------
    server
        the loopback AWS
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def add(
        self,
        operation: str,
        *,
        error: str,
        times: int | None = 1,
        region: str = "",
        after_s: float | None = None,
    ) -> None:
        """Let the next calls of an operation fail.

        Parameters
        ----------
        operation
            the API's name of it, such as `StartIncident`; or a whole service, `ssm-incidents` or
            `ssm-contacts`
        error
            the error's code, such as `ThrottlingException`, or for credentials that are refused
            `ExpiredTokenException` or `UnrecognizedClientException`; or what becomes of the connection:
            `reset` (broken before the work), `lost` (broken after it), `timeout` (no work, no answer), `slow`
            (a late answer)
        times
            how many calls; None is until `clear`
        region
            the Region whose calls fail; all by default
        after_s
            how long a `timeout` (65 by default) or a `slow` answer (2 by default) takes, in seconds

        Raises
        ------
        LocalCloudError
            if it cannot happen: an operation, an error or a Region that there is not
        """
        fault = {"operation": operation, "error": error, "times": times, "region": region, "after_s": after_s}
        self._server.control("POST", "faults", fault)

    def seed(self, seed: int, probabilities: Mapping[str, float]) -> None:
        """Let a part of all calls fail from now on, each with an error of the model or of the connection.

        Parameters
        ----------
        seed
            the same one gives the same faults, call by call of an operation
        probabilities
            how many of an operation's calls fail, from 0 to 1: `{"StartIncident": 0.05}`

        Raises
        ------
        LocalCloudError
            if there is no such operation, or it is no probability
        """
        self._server.control("POST", "seed", {"seed": seed, "operations": dict(probabilities)})

    def invoke_twice(self, function: str, *, times: int = 1) -> None:
        """Let the next events of a function be delivered twice, as Lambda may do with an asynchronous one.

        Parameters
        ----------
        function
            a part of its ARN, its alias included; an empty text is any function's
        times
            how many events; one by default

        Raises
        ------
        LocalCloudError
            if it is not 1 or more
        """
        self._server.control("POST", "twice", {"function": function, "times": times})

    @property
    def pending(self) -> list[dict[str, Any]]:
        """What was asked for by `add` and has not happened yet, as `add` took it.

        Empty once it has all come to pass: a test that needs a fault asserts that it met one. What lasts
        until `clear` stays.
        """
        pending: list[dict[str, Any]] = self._server.control("GET", "faults")["faults"]
        return pending

    def clear(self) -> None:
        """Take back what was asked for and has not happened yet, and the seed."""
        self._server.control("DELETE", "faults")


class LocalCloud:
    """A loopback AWS: its own process, port and directory, all gone when the `with` block ends.

    It is a test double. Nothing of it reaches the internet, and nothing of the caller's AWS account,
    profile or proxy reaches it.

    Parameters
    ----------
    port
        the port on 127.0.0.1; a free one is taken by default
    account
        the account that is played
    region
        the Region of what does not ask for another one
    replication_set
        whether accounts have a replication set, as those of the service's customers do; without, an app can
        make its own
    rates
        whether the service's request rates hold: 5 starts a second, for one; they do not by default
    assumptions
        what no document settles about the service; by default the choices that `Assumptions` names

    Raises
    ------
    LocalCloudError
        if an argument is none that can be, where there is no Node, or on Windows
    MissingExtraError
        if the extra `local` is not installed

    Examples
    --------
    ::

        with LocalCloud() as cloud:
            cloud.deploy("python app.py")
            cloud.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="")
            incident = cloud.wait_for_incident(title="Checkout is failing")
    """

    def __init__(
        self,
        *,
        port: int = 0,
        account: str = "0" * 12,
        region: str = "us-east-1",
        replication_set: bool = True,
        rates: bool = False,
        assumptions: Assumptions | None = None,
    ) -> None:
        require_extra()
        if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= _HIGHEST_PORT:
            raise LocalCloudError(f"port must be 0 (any free one) to {_HIGHEST_PORT} (got {port!r})")
        if assumptions is not None:
            check(assumptions)
        if os.name != "posix":
            raise LocalCloudError(f"LocalCloud runs on Linux and macOS (got {os.name}): on Windows use WSL")
        self._node = find_node()
        self._place = Place(account, region)
        self._server = Server(port=port, place=self._place, node=self._node, replication_set=replication_set)
        self._rates = rates
        self._assumptions = assumptions
        self._unwinding = False
        self._clients: dict[tuple[str, str], Any] = {}
        self._assemblies: dict[tuple[str | None, Path], Assembly] = {}

    def start(self) -> Self:
        """Start it; the `with` statement does this.

        Raises
        ------
        LocalCloudError
            if the port is taken or the server does not start
        """
        self._unwinding = start_unwinding()
        # For a signal in the moment between this and the block that would have closed it.
        atexit.register(self.close)
        try:
            self._server.start()
            self._server.control("POST", "rules", {"rates": self._rates})
            if self._assumptions:
                self.assume(self._assumptions)
            self._home.mkdir()
            (self._home / "tmp").mkdir()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Stop it with all that it started, and remove its directory. May be called again."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._server.stop()
        self._assemblies.clear()
        self.__dict__.pop("cdk", None)
        atexit.unregister(self.close)
        if self._unwinding:
            self._unwinding = False
            stop_unwinding()

    def __enter__(self) -> Self:
        return self if self.running else self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint_url(self) -> str:
        """Where it answers."""
        return self._server.url

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._server.pid

    @property
    def running(self) -> bool:
        """Whether the server is alive."""
        return self._server.running

    @property
    def directory(self) -> Path:
        """Where it keeps what it writes."""
        return self._server.directory

    @property
    def _home(self) -> Path:
        return self._server.directory / "client"

    def env(self) -> dict[str, str]:
        """Return a whole environment for a child process that is to work against this cloud.

        The caller's own, without what would lead to a real account; pass it as it is: `env=cloud.env()`.
        """
        return child_environment(self.endpoint_url, place=self._place, home=self._home, node=self._node)

    def exports(self) -> dict[str, str]:
        """Return the variables that lead any AWS client here."""
        return exports(self.endpoint_url, self._place)

    def client(self, service: str, region: str = "") -> Any:
        """Return boto3's client for a service of this cloud, whatever the caller's own AWS settings are.

        Parameters
        ----------
        service
            boto3's name of it, such as `ssm-incidents`
        region
            the Region that it asks; by default the cloud's

        Raises
        ------
        LocalCloudError
            if the cloud does not run, or there is no such Region
        """
        if region:
            check_region(region)
        key = (service, region or self._place.region)
        if key not in self._clients:
            self._clients[key] = _client(self._session, *key, self.endpoint_url)
        return self._clients[key]

    @cached_property
    def _session(self) -> Any:
        return _session()

    # -- deploying ---------------------------------------------------------------------------------------

    @cached_property
    def cdk(self) -> Deployment:
        """The CDK CLI, a step at a time; `deploy` and `destroy` take all of them."""
        environment = self.env()
        return Deployment(
            CdkCli(find_cdk(Path.cwd(), self._node), environment), self._place, self._home, self.client
        )

    def deploy(
        self,
        app: str | None = None,
        *,
        stacks: Sequence[str] = (),
        context: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> list[DeployedStack]:
        """Deploy an app with the real CDK CLI, bootstrapping first where that has not been done.

        Parameters
        ----------
        app
            the command that runs the app, or the directory of a cloud assembly; by default `cdk.json`'s.
            It runs in the current directory; its `python` is the Python that runs this
        stacks
            names or patterns of stacks; all of them by default
        context
            context values for the app; none by default
        on_line
            told each line that the CLI and the app print; nobody is by default

        Returns
        -------
        list
            the stacks that were deployed, each with its outputs

        Raises
        ------
        LocalCloudError
            if there is no CDK CLI
        SynthError
            if the app fails
        DeployError
            if a stack fails; its reasons are CloudFormation's
        """
        assembly = self.cdk.synthesise(app, context=context, on_line=on_line)
        self._assemblies[app, assembly.cwd] = assembly
        return self.cdk.deploy(assembly, stacks=stacks, on_line=on_line)

    def destroy(
        self,
        app: str | None = None,
        *,
        stacks: Sequence[str] = (),
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """Destroy the stacks of an app, as `deploy` last synthesised them.

        Parameters
        ----------
        app
            as `deploy` was given it
        stacks
            names or patterns of stacks; all of them by default
        on_line
            told each line that the CLI and the app print; nobody is by default

        Raises
        ------
        DeployError
            if a stack cannot be deleted
        """
        assembly = self._assemblies.get((app, Path.cwd())) or self.cdk.synthesise(app, on_line=on_line)
        self.cdk.destroy(assembly, stacks=stacks, on_line=on_line)

    def create_stack(
        self,
        name: str,
        template: Mapping[str, Any] | str | None = None,
        *,
        assets: Path | str | None = None,
        region: str = "",
        timeout_s: float = 300,
    ) -> dict[str, str]:
        """Create a stack through CloudFormation's API, without the CDK CLI and its seconds.

        Parameters
        ----------
        name
            the stack's name
        template
            the template, synthesised or written by hand; by default that of this name in `assets`
        assets
            the directory of the cloud assembly that it comes from, `app.synth().directory`; not needed by a
            template without assets
        region
            its Region; by default the app's, where the template is found in `assets`, else the cloud's
        timeout_s
            how long to wait, in seconds

        Returns
        -------
        dict
            the stack's outputs

        Raises
        ------
        DeployError
            if it fails; its reasons are CloudFormation's
        LocalCloudError
            if there is no template, or `assets` has no stack of this name
        """
        template, region = self._published(name, template, assets, region)
        return self._stacks(region).create(name, template, timeout_s=timeout_s)

    def update_stack(
        self,
        name: str,
        template: Mapping[str, Any] | str | None = None,
        *,
        assets: Path | str | None = None,
        region: str = "",
        timeout_s: float = 300,
    ) -> dict[str, str]:
        """Update a stack, with the arguments, outputs and errors of `create_stack`."""
        template, region = self._published(name, template, assets, region)
        return self._stacks(region).update(name, template, timeout_s=timeout_s)

    def delete_stack(self, name: str, *, region: str = "", timeout_s: float = 300) -> None:
        """Delete a stack and wait until it is gone; one that does not exist is left in peace.

        Parameters
        ----------
        name
            the stack's name
        region
            its Region; by default the cloud's
        timeout_s
            how long to wait, in seconds

        Raises
        ------
        DeployError
            if it cannot be deleted
        """
        self._stacks(region).delete(name, timeout_s=timeout_s)

    def _stacks(self, region: str) -> Stacks:
        return Stacks(self.client("cloudformation", region))

    def _published(
        self, name: str, template: Mapping[str, Any] | str | None, assets: Path | str | None, region: str
    ) -> tuple[Mapping[str, Any] | str, str]:
        """Put a stack's assets where it looks for them; return its template and its Region."""
        if assets is not None:
            self._publish(Path(assets))
        if template is not None:
            return template, region
        if assets is None:
            raise LocalCloudError(f"{name} must have a template, or assets=app.synth().directory with one")
        found = stack_of(name, Path(assets), self._place)
        return found.template, region or found.region

    def _publish(self, assembly: Path) -> None:
        s3 = self.client("s3")
        for bucket, key, content in file_assets(assembly, self._place):
            if bucket not in {there["Name"] for there in s3.list_buckets()["Buckets"]}:
                s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key=key, Body=content)

    # -- incidents ---------------------------------------------------------------------------------------

    def incidents(self) -> list[dict[str, Any]]:
        """Return all incident records in full, the oldest first."""
        return incident_records(self.client("ssm-incidents"))

    def wait_for_incident(
        self,
        *,
        title: str | None = None,
        status: str | None = None,
        arn: str | None = None,
        timeout_s: float = 30,
    ) -> dict[str, Any]:
        """Wait for an incident and return its record, the newest of several.

        Parameters
        ----------
        title
            a part of its title
        status
            `OPEN` or `RESOLVED`; either by default
        arn
            the ARN of its record, to wait for what becomes of an incident that is there
        timeout_s
            how long to wait, in seconds

        Raises
        ------
        IncidentTimeoutError
            if there is none in time; the message lists those that are there
        LocalCloudError
            if there is no such status
        """
        if status not in (None, "OPEN", "RESOLVED"):
            raise LocalCloudError(f"status must be OPEN or RESOLVED (got {status!r})")
        return wait_for_record(
            self.client("ssm-incidents"), title=title, status=status, arn=arn, timeout_s=timeout_s
        )

    @cached_property
    def clock(self) -> Clock:
        """The clock, which can be moved on."""
        return Clock(self._server)

    @property
    def pages(self) -> list[Page]:
        """Every page that would have been sent: to whom, by what channel, when, for which incident."""
        pages: list[Page] = self._server.control("GET", "pages")["pages"]
        return pages

    def activate_channels(self) -> list[str]:
        """Activate every contact channel, as the owners would by their codes; others reach nobody.

        Returns
        -------
        list of str
            those that were not activated yet, as `alias SMS`
        """
        activated: list[str] = self._server.control("POST", "activations")["activated"]
        return activated

    def acknowledge(self, page: Page) -> None:
        """Acknowledge a page, as the person who got it would.

        Parameters
        ----------
        page
            one of `pages`
        """
        client = self.client("ssm-contacts", page["contact_arn"].split(":")[3])
        client.accept_page(PageId=page["page_arn"], AcceptType="READ", AcceptCode=page["accept_code"])

    @property
    def runbook_executions(self) -> list[RunbookExecution]:
        """Every run of a runbook that would have been started, or why it could not be."""
        runs: list[RunbookExecution] = self._server.control("GET", "runbooks")["runbooks"]
        return runs

    @property
    def messages(self) -> list[TopicMessage]:
        """Every message that a topic took, whoever sent it: chat, notification, fallback.

        A plan that is made or changed sends a test message to each of its topics; its `event` is `TEST`.
        """
        messages: list[TopicMessage] = self._server.control("GET", "messages")["messages"]
        return messages

    def wait_for_message(
        self, *, text: str | None = None, topic: str | None = None, timeout_s: float = 30
    ) -> TopicMessage:
        """Wait for a message to a topic and return it, the newest of several.

        Parameters
        ----------
        text
            a part of its subject or of what it says
        topic
            a part of the topic's ARN
        timeout_s
            how long to wait, in seconds

        Raises
        ------
        MessageTimeoutError
            if there is none in time; the message lists the subjects of those that are there
        """
        return wait_for_message(lambda: self.messages, text=text, topic=topic, timeout_s=timeout_s)

    @property
    def starts(self) -> list[dict[str, Any]]:
        """Every incident that the service was asked to start, and its outcome.

        Members are `time`, `plan`, `title`, `source`, `caller`, `outcome` (`started`, `merged` into an open
        one, `repeated`, or the code of an error) and, where there is one, `incident_record_arn`. What a
        fault refused did not reach the service; `faults.pending` tells of those that are still to come.
        """
        starts: list[dict[str, Any]] = self._server.control("GET", "audit")["audit"]
        return starts

    def put_aws_event(
        self, source: str, detail_type: str, detail: Mapping[str, Any], *, resources: Sequence[str] = ()
    ) -> None:
        """Put an event on the default bus as an AWS service does; PutEvents refuses its source to a customer.

        Parameters
        ----------
        source
            such as `aws.health`
        detail_type
            such as `AWS Health Event`
        detail
            what the service tells
        resources
            what it is about; nothing by default

        Raises
        ------
        LocalCloudError
            if the source is no service of AWS's: PutEvents takes your own
        """
        event = {"source": source, "detail-type": detail_type, "detail": detail, "resources": resources}
        self._server.control("POST", "events", event)

    def set_replication_status(self, status: str, *, region: str = "") -> None:
        """Let the replication set be in a status, as while it changes or after that failed.

        While it is `CREATING`, all else is refused, as documented; in any other status all else works.
        A set without a Region needs no such help: UpdateReplicationSet removes it.

        Parameters
        ----------
        status
            `ACTIVE`, `CREATING`, `UPDATING`, `DELETING` or `FAILED`
        region
            the Region of the set that is in it; the set as a whole by default, which alone can be `UPDATING`

        Raises
        ------
        LocalCloudError
            if there is no such status, no such Region in the set, or no set
        """
        self._server.control("POST", "replication", {"status": status, "region": region})

    def assume(self, assumptions: Assumptions) -> None:
        """Let the service be as told from now on, where no document says how it is.

        Parameters
        ----------
        assumptions
            all of them; what it leaves at its default is so again

        Raises
        ------
        LocalCloudError
            if it is no `Assumptions`
        """
        check(assumptions)
        self._server.control("POST", "assumptions", asdict(assumptions))

    @cached_property
    def faults(self) -> Faults:
        """Faults on demand."""
        return Faults(self._server)


def _session() -> Any:
    """Return a boto3 session that knows nothing of the host's profiles and settings."""
    # Only here: without the extra, this module says so and does not fail to import.
    import boto3  # noqa: PLC0415
    import botocore.session  # noqa: PLC0415

    nothing = (None, None, os.devnull, None)
    bare = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": nothing,
            "credentials_file": nothing,
        }
    )
    return boto3.Session(
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the loopback's own
        botocore_session=bare,
    )


def _client(session: Any, service: str, region: str, endpoint_url: str) -> Any:
    from botocore.config import Config  # noqa: PLC0415 - see above

    return session.client(
        service,
        region_name=region,
        endpoint_url=endpoint_url,
        config=Config(
            proxies={},
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 3},
        ),
    )
