"""An app's way to the loopback AWS and back: synthesise, bootstrap, deploy, destroy, by the real CDK CLI."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .assembly import AssemblyStack, read_assembly
from .cdk_cli import PINNED, CdkCli, CdkFailedError
from .errors import DeployError, SynthError
from .records import cover, make_room
from .stacks import Stacks, failed, tail
from .tracebacks import users_frames

if TYPE_CHECKING:
    from .environment import Place

OnLine = Callable[[str], None]
_DEFAULT_QUALIFIER = "hnb659fds"
_DEPLOY = ("--require-approval", "never", "--progress", "events")


@dataclass(frozen=True)
class Assembly:
    """A synthesised app.

    Attributes
    ----------
    directory
        the cloud assembly
    cwd
        where the app was run
    stacks
        its stacks
    """

    directory: Path
    cwd: Path
    stacks: list[AssemblyStack]

    @property
    def regions(self) -> list[str]:
        """The Regions that its stacks go to."""
        return list(dict.fromkeys(stack.region for stack in self.stacks))

    @property
    def owns_replication_set(self) -> bool:
        """Whether it brings the account's replication set."""
        bodies = [body for stack in self.stacks for body in stack.template.get("Resources", {}).values()]
        return any(body.get("Type") == "AWS::SSMIncidents::ReplicationSet" for body in bodies)


@dataclass(frozen=True)
class DeployedStack:
    """A stack that was deployed.

    Attributes
    ----------
    name
        CloudFormation's name of it
    resources
        how many resources it has
    deploy_s
        how long the CDK CLI took for it
    outputs
        its outputs by key
    """

    name: str
    resources: int
    deploy_s: float
    outputs: dict[str, str]


class Deployment:
    """What the CDK CLI does on one loopback AWS.

    Parameters
    ----------
    cli
        the CDK CLI, bound to the environment of that AWS
    place
        what that AWS plays
    directory
        where assemblies are put
    client
        gives boto3's client for a service and a Region
    """

    def __init__(self, cli: CdkCli, place: Place, directory: Path, client: Callable[[str, str], Any]) -> None:
        self._cli = cli
        self._place = place
        self._directory = directory
        self._client = client
        self._bootstrapped: set[tuple[str, str, str]] = set()
        self._covered: set[str] = set()
        self._count = 0

    def synthesise(
        self, app: str | None, *, context: Mapping[str, str] | None = None, on_line: OnLine | None = None
    ) -> Assembly:
        """Run the app and read what comes of it; the account is bootstrapped meanwhile.

        Parameters
        ----------
        app
            the command that runs the app, or the directory of a cloud assembly; `cdk.json`'s if not given
        context
            context values for the app
        on_line
            told each line that is printed

        Raises
        ------
        SynthError
            if the app fails
        """
        cwd = Path.cwd()
        if app is not None and (Path(app) / "manifest.json").is_file():
            directory = Path(app).resolve()
        else:
            with self._bootstrapping(self._place.account, self._place.region, _DEFAULT_QUALIFIER):
                directory = self._run_app(app, context or {}, cwd, on_line)
        assembly = Assembly(directory, cwd, read_assembly(directory, self._place))
        self._check(assembly, app)
        return assembly

    def _check(self, assembly: Assembly, app: str | None) -> None:
        if not assembly.stacks:
            raise SynthError(_no_stack(app))
        for stack in assembly.stacks:
            if stack.account != self._place.account:
                raise SynthError(
                    f"stack {stack.name} must leave its account open or go to {self._place.account}, "
                    f"which the loopback AWS plays (got {stack.account}): let it play that one, "
                    "by LocalCloud(account=…) or cdk-incidents rehearse --account …"
                )

    def _run_app(
        self, app: str | None, context: Mapping[str, str], cwd: Path, on_line: OnLine | None
    ) -> Path:
        self._count += 1
        directory = self._directory / f"assembly-{self._count}"
        arguments = ["synth", "--quiet", "--output", str(directory)]
        if app is not None:
            arguments += ["--app", app]
        for name, value in context.items():
            arguments += ["--context", f"{name}={value}"]
        try:
            with _kept(cwd / "cdk.context.json"):
                self._cli.run(*arguments, cwd=cwd, on_line=on_line)
        except CdkFailedError as error:
            raise SynthError(_why_no_assembly(app, error.output), output=error.output) from None
        if not (directory / "manifest.json").is_file():
            raise SynthError(_no_stack(app))
        return directory

    @contextlib.contextmanager
    def _bootstrapping(self, account: str, region: str, qualifier: str) -> Iterator[None]:
        """Bootstrap an environment beside what the block does, once."""
        key = (account, region, qualifier)
        if key in self._bootstrapped:
            yield
            return
        arguments = ["bootstrap", f"aws://{account}/{region}"]
        if qualifier != _DEFAULT_QUALIFIER:
            arguments += ["--qualifier", qualifier, "--toolkit-stack-name", f"CDKToolkit-{qualifier}"]
        log = self._directory / f"bootstrap-{account}-{region}-{qualifier}.log"
        with self._cli.background(*arguments, cwd=self._directory, log=log) as finish:
            yield
            try:
                finish()
            except CdkFailedError as error:
                raise DeployError(
                    f"bootstrapping aws://{account}/{region} failed:\n{tail(error.output)}",
                    output=error.output,
                ) from None
        self._bootstrapped.add(key)

    def prepare(self, assembly: Assembly) -> None:
        """Make the account what the app's account would be: bootstrapped, Incident Manager set up."""
        incidents = self._client("ssm-incidents", self._place.region)
        if assembly.owns_replication_set:
            make_room(incidents)
        elif new := set(assembly.regions) - self._covered:
            # Once: a Region that is taken out later, or a service that is down, is a test's own doing.
            cover(incidents, sorted(new))
            self._covered |= new
        for stack in assembly.stacks:
            # An app with its own synthesiser may need none of it.
            if stack.qualifier:
                with self._bootstrapping(stack.account, stack.region, stack.qualifier):
                    pass

    def deploy(
        self, assembly: Assembly, *, stacks: Sequence[str] = (), on_line: OnLine | None = None
    ) -> list[DeployedStack]:
        """Deploy stacks of an assembly, all of them if none is named.

        Raises
        ------
        DeployError
            if one fails; the message holds CloudFormation's reasons
        """
        self.prepare(assembly)
        watch = _Stopwatch(on_line)
        try:
            with _kept(assembly.cwd / "cdk.context.json"):
                self._cli.run(
                    *("deploy", *(stacks or ["--all"]), "--app", str(assembly.directory), *_DEPLOY),
                    cwd=assembly.cwd,
                    on_line=watch,
                )
        except CdkFailedError as error:
            raise self._failure("deploying", assembly, error.output) from None
        return [
            DeployedStack(
                stack.name,
                len(stack.template.get("Resources", {})),
                watch.seconds[stack.display_name],
                self.stacks(stack.region).outputs(stack.name),
            )
            for stack in assembly.stacks
            if stack.display_name in watch.seconds
        ]

    def destroy(
        self, assembly: Assembly, *, stacks: Sequence[str] = (), on_line: OnLine | None = None
    ) -> None:
        """Destroy stacks of an assembly, all of them if none is named.

        Raises
        ------
        DeployError
            if one cannot be deleted
        """
        try:
            self._cli.run(
                *("destroy", *(stacks or ["--all"]), "--app", str(assembly.directory), "--force"),
                cwd=assembly.cwd,
                on_line=on_line,
            )
        except CdkFailedError as error:
            raise self._failure("destroying", assembly, error.output) from None

    def stacks(self, region: str) -> Stacks:
        """Return CloudFormation's API in a Region."""
        return Stacks(self._client("cloudformation", region))

    def _failure(self, doing: str, assembly: Assembly, output: str) -> DeployError:
        told = [
            stack
            for stack in assembly.stacks
            if re.search(rf"^❌\s+{re.escape(stack.display_name)}\b", output, re.MULTILINE)
        ]
        for stack in told or assembly.stacks:
            api = self.stacks(stack.region)
            status = str((api.describe(stack.name) or {}).get("StackStatus", "not created"))
            reasons = api.failure_reasons(stack.name)
            if reasons or "ROLLBACK" in status or status.endswith("_FAILED"):
                return failed(doing, stack.name, status, reasons, output)
        names = ", ".join(stack.name for stack in assembly.stacks)
        return failed(doing, names, "the CDK CLI ended with an error", [], output)


class _Stopwatch:
    """Takes the time of each stack from the lines that the CLI prints about it."""

    _BEGUN = re.compile(r"^(\S.*?): (?:creating CloudFormation changeset|deploying)\.\.\.")
    _DONE = re.compile(r"^\s*✅\s+(.+?)( \(no changes\))?$")

    def __init__(self, on_line: OnLine | None) -> None:
        self.seconds: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._on_line = on_line

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        if begun := self._BEGUN.match(line):
            self._begun.setdefault(begun[1], now)
        elif done := self._DONE.match(line):
            self.seconds[done[1]] = now - self._begun.get(done[1], now)
        if self._on_line is not None:
            self._on_line(line)


def _no_stack(app: str | None) -> str:
    return f"app must synthesise at least one stack (got none from {app or 'the app of cdk.json'})"


def _why_no_assembly(app: str | None, output: str) -> str:
    if "--app is required" in output:
        return "app must be given, by --app or as 'app' in the cdk.json of this directory (got neither)"
    shown = tail(users_frames(output))
    text = f"the app does not synthesise ({app or 'the app of cdk.json'}); its output ends:\n{shown}"
    if "CDK CLI is not compatible" in output:
        text += f"\nThis CDK CLI is older than the app's aws-cdk-lib: npm install aws-cdk@{PINNED}"
    return text


@contextlib.contextmanager
def _kept(file: Path) -> Iterator[None]:
    """Keep a file as it is: the CLI notes down what it looked up, and that was a loopback's answer."""
    before = file.read_bytes() if file.is_file() else None
    try:
        yield
    finally:
        after = file.read_bytes() if file.is_file() else None
        if before is None and after is not None:
            file.unlink()
        elif before is not None and before != after:
            file.write_bytes(before)
