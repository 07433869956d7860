"""The command `cdk-incidents`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .local.cloud import LocalCloud
    from .operations.switch import Switch

_DESCRIPTION = """\
Watch an alarm become an incident on this machine, without an AWS account: a loopback AWS
with Incident Manager in it, to which the real CDK CLI deploys. And operate triggers that are deployed.
"""
_REHEARSE = """\
Start a loopback AWS, deploy the app to it with the real CDK CLI, let its smoke test run, fire each
alarm that is wired to a response plan or a route, show the incidents, let the alarms recover, destroy
the stacks and check that nothing is left. Exit code 0 only if all of it held.
"""
_LOCAL = """\
Start a loopback AWS and leave it running until Ctrl-C or SIGTERM; print what leads other commands to it.
"""
_SUPPRESS = """\
Hold back the incidents of a deployed trigger, or of one of its routes, for some time and without a
deployment. What is held back is kept; when the time is up, a cause that still stands has its incident.
Without --for and --end: show what is suppressed.
"""
_REDRIVE = """\
Bring a deployed trigger's dead letters back: show the route, the title and the reason of each, send it to
the retry queue and delete it. Mend the reason first. Exit code 0 only if none was left.
"""
_EXIT_SIGINT = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments
        the command line without the command's name; by default the process's own

    Returns
    -------
    int
        the exit code
    """
    options = _parser().parse_args(arguments)
    from .local.errors import LocalCloudError  # noqa: PLC0415 - `--help` waits for nothing
    from .operations.deployed_trigger import OperationError  # noqa: PLC0415

    try:
        code: int = options.run(options)
    except (LocalCloudError, OperationError) as error:
        print(f"cdk-incidents: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the output has gone; Python would say so once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as interrupt:
        print("cdk-incidents: interrupted; all that was started is stopped", file=sys.stderr)
        return 128 + int(getattr(interrupt, "signum", _EXIT_SIGINT - 128))
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cdk-incidents", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"cdk-incidents {version('cdk_incidents')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    rehearse = commands.add_parser(
        "rehearse",
        help="deploy an app to a loopback AWS, fire its alarms, show the incidents",
        description=_REHEARSE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rehearse.add_argument(
        "--app",
        metavar="CMD",
        help="the command that runs the CDK app, or the directory of a cloud assembly (default: cdk.json's)",
    )
    _add_place(rehearse)
    rehearse.add_argument("--json", metavar="FILE", type=Path, help="write the result to this file as JSON")
    rehearse.add_argument(
        "--keep", action="store_true", help="before taking all down, leave it running until Ctrl-C"
    )
    rehearse.set_defaults(run=_rehearse)

    local = commands.add_parser(
        "local",
        help="leave a loopback AWS running",
        description=_LOCAL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    local.add_argument(
        "--port", metavar="N", type=int, default=0, help="the port on 127.0.0.1 (default: any free one)"
    )
    _add_place(local)
    local.set_defaults(run=_local)

    _add_suppress(commands)
    _add_redrive(commands)
    return parser


def _add_suppress(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    suppress = commands.add_parser(
        "suppress",
        help="hold a deployed trigger's incidents back for some time",
        description=_SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_trigger(suppress)
    what = suppress.add_mutually_exclusive_group()
    what.add_argument("--for", metavar="TIME", dest="length", help="how long: 1m to 13d, such as 2h or 1d12h")
    what.add_argument("--end", action="store_true", help="end it now")
    suppress.add_argument("--route", metavar="ID", help="this route only (default: every route)")
    suppress.add_argument("--reason", metavar="TEXT", default="", help="why; needed with --for")
    suppress.set_defaults(run=_suppress)


def _add_redrive(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    redrive = commands.add_parser(
        "redrive",
        help="bring a deployed trigger's dead letters back",
        description=_REDRIVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_trigger(redrive)
    redrive.add_argument(
        "--route", metavar="ID", help="the route of those that name none (default: they are left)"
    )
    redrive.add_argument("--dry-run", action="store_true", help="show them and leave them all")
    redrive.set_defaults(run=_redrive)


def _add_trigger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trigger", metavar="TRIGGER", help="its name, which is its function's")
    parser.add_argument(
        "--region", metavar="NAME", help="its Region (default: the environment's or the profile's)"
    )


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--account", metavar="ID", default="0" * 12, help="the account to play (default: %(default)s)"
    )
    parser.add_argument(
        "--region", metavar="NAME", default="us-east-1", help="the Region to play (default: %(default)s)"
    )


def _rehearse(options: argparse.Namespace) -> int:
    from .local import LocalCloud  # noqa: PLC0415
    from .local.progress import Progress  # noqa: PLC0415
    from .local.rehearsal import Rehearsal  # noqa: PLC0415

    if options.json is not None:
        _claim(options.json)
    progress = Progress()
    begun = time.monotonic()
    cloud = LocalCloud(account=options.account, region=options.region)
    report = Rehearsal(cloud, options.app, progress, keep=_keep if options.keep else None).run()
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_json(), indent=2) + "\n", "utf-8")
    verdict = "ok" if report.ok else "FAILED"
    written = f", written to {options.json}" if options.json else ""
    progress.say(f"rehearsal {verdict} in {time.monotonic() - begun:.1f} s{written}")
    return 0 if report.ok else 1


def _claim(file: Path) -> None:
    """Take the old result away, lest it pass for this run's; learn now if the new one cannot be written."""
    from .local.errors import LocalCloudError  # noqa: PLC0415

    try:
        file.unlink(missing_ok=True)
        file.touch()
        file.unlink()
    except OSError as error:
        raise LocalCloudError(
            f"--json must name a file that can be written (got {file}: {error.strerror})"
        ) from None


def _local(options: argparse.Namespace) -> int:
    from .local import LocalCloud  # noqa: PLC0415

    try:
        with LocalCloud(port=options.port, account=options.account, region=options.region) as cloud:
            _show(cloud, "The loopback AWS")
            _wait(cloud)
    except KeyboardInterrupt:
        print("stopped")
    return 0


def _suppress(options: argparse.Namespace) -> int:
    from .operations.deployed_trigger import DeployedTrigger, OperationError  # noqa: PLC0415
    from .operations.switch import Switches, duration  # noqa: PLC0415

    # Not by its truth: a shell's variable that is empty must not pass for a look.
    length = None if options.length is None else duration(options.length)
    if options.reason and length is None and not options.end:
        raise OperationError("--for must be given with --reason (got none): nothing was suppressed")
    switches = Switches(DeployedTrigger.find(options.trigger, region=options.region))
    if length is not None:
        flipped = switches.flip(length, route=options.route, reason=options.reason)
        print(f"suppressed: {_switch(flipped)}\nThe trigger sees it within 15 seconds.")
        return 0
    if options.end:
        for ended in switches.end(route=options.route):
            print(f"ended: {_switch(ended)}")
    standing = switches.on()
    for switch in standing:
        print(f"suppressed: {_switch(switch)}")
    if not standing:
        print("nothing is suppressed")
    return 0


def _switch(switch: Switch) -> str:
    route = "every route" if switch.route == "*" else switch.route
    by = f" ({switch.by})" if switch.by else ""
    return f"{route} until {switch.until:%Y-%m-%d %H:%M} UTC: {switch.reason}{by}"


def _redrive(options: argparse.Namespace) -> int:
    from .operations.deployed_trigger import DeployedTrigger  # noqa: PLC0415
    from .operations.redrive import Redrive  # noqa: PLC0415

    redrive = Redrive(DeployedTrigger.find(options.trigger, region=options.region), route=options.route)
    sent, left = 0, []
    for letter in redrive.letters():
        print(f"{letter.since:%Y-%m-%d %H:%M} UTC  {letter.route or '(no route)'}  {letter.title}")
        print(f"    {letter.reason}")
        if options.dry_run or not letter.route:
            left.append(letter)
        else:
            redrive.send(letter)
            sent += 1
    # Not before the end, lest the queue gives them again instead of others.
    for letter in left:
        redrive.keep(letter)
    print(f"dead letters sent to the retry queue: {sent}; left: {len(left)}")
    if left and not options.dry_run:
        print("Those without a route need --route.", file=sys.stderr)
    return 0 if options.dry_run or not left else 1


def _keep(cloud: LocalCloud) -> None:
    try:
        _show(cloud, "Kept: the loopback AWS with all that was deployed")
        _wait(cloud)
    except KeyboardInterrupt as interrupt:
        if hasattr(interrupt, "signum"):
            raise


def _show(cloud: LocalCloud, what: str) -> None:
    print(f"{what} runs at {cloud.endpoint_url} until Ctrl-C. In another shell:\n")
    for name, value in cloud.exports().items():
        print(f"export {name}={value}")
    print("unset AWS_PROFILE AWS_SESSION_TOKEN\n", flush=True)


def _wait(cloud: LocalCloud) -> None:
    while cloud.running:
        time.sleep(0.2)
    from .local.errors import LocalCloudError  # noqa: PLC0415

    raise LocalCloudError("the loopback AWS has ended by itself")


if __name__ == "__main__":
    sys.exit(main())
