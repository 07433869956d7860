"""One side of a benchmark of constructs: an app is made and synthesised, and timed, in a new interpreter.

Called with the module that has the side's `make(stack)`, whose imports are done before the clock starts.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import sides
from benchmarks.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STACK = "Measured"
# The name of an asset is the hash of its bytes, which are packed differently.
_ASSET = re.compile(r"[0-9a-f]{64}\.zip")


def compare(what: str, *, ours: str, theirs: str, rounds: int, at_most: float | None = None) -> list[Figure]:
    """Return how long two sides take that make the same, and the ratio.

    Parameters
    ----------
    what
        what they make, against whom
    ours, theirs
        their modules
    rounds
        how many samples of each
    at_most
        what the ratio must not exceed; anything goes by default

    Raises
    ------
    ValueError
        If they do not make the same.
    """
    modules = {"ours": ours, "theirs": theirs}
    samples = sides.in_turns(
        {
            side: functools.partial(sides.in_new_interpreter, __name__, module)
            for side, module in modules.items()
        },
        rounds,
    )
    one, other = (samples[side][0]["made"] for side in modules)
    if one != other:
        alone = "\n".join(sorted({*one} ^ {*other}))
        raise ValueError(f"both sides must make the same; what one makes alone:\n{alone}")
    times = {side: tuple(sample["ms"] for sample in taken) for side, taken in samples.items()}
    return [
        sides.ratio(what, times["ours"], times["theirs"], at_most=at_most),
        Figure(f"{what}: ours", "ms", times["ours"]),
        Figure(f"{what}: theirs", "ms", times["theirs"]),
    ]


def described(template: Mapping[str, Any]) -> list[str]:
    """Return what a template makes, whatever its logical ids are.

    Each resource is told with its properties, where a reference stands for what it refers to, and with all
    that CloudFormation makes before it.
    """
    resources = template["Resources"]

    @functools.cache
    def before(name: str) -> frozenset[str]:
        resource = resources[name]
        waits = resource.get("DependsOn", [])
        direct = {waits} if isinstance(waits, str) else set(waits)
        direct |= set(_references(resource, resources))
        return frozenset(direct.union(*map(before, direct)))

    @functools.cache
    def text(name: str) -> str:
        resource = resources[name]
        # Metadata are paths and the names of assets' files.
        told = {key: value for key, value in resource.items() if key not in {"DependsOn", "Metadata"}}
        order = sorted(map(digest, before(name)))
        return json.dumps([_told_by(told, resources, digest), order], sort_keys=True)

    def digest(name: str) -> str:
        return hashlib.sha256(text(name).encode()).hexdigest()[:16]

    return sorted(map(text, resources))


def _references(value: Any, resources: Mapping[str, Any]) -> Iterator[str]:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]} if name in resources:
            yield name
        case dict():
            for each in value.values():
                yield from _references(each, resources)
        case list():
            for each in value:
                yield from _references(each, resources)


def _told_by(value: Any, resources: Mapping[str, Any], digest: Any) -> Any:
    match value:
        case {"Ref": str(name)} if name in resources:
            return {"Ref": digest(name)}
        case {"Fn::GetAtt": [str(name), *attributes]} if name in resources:
            return {"Fn::GetAtt": [digest(name), *attributes]}
        # To IAM a list of one is that one.
        case {"Effect": _, "Resource": [one]}:
            return _told_by({**value, "Resource": one}, resources, digest)
        case dict():
            return {key: _told_by(each, resources, digest) for key, each in value.items()}
        case list():
            return [_told_by(each, resources, digest) for each in value]
        case _:
            return "an asset" if isinstance(value, str) and _ASSET.fullmatch(value) else value


def main(module: str) -> dict[str, Any]:
    """Make and synthesise one side; return the milliseconds, and what it made."""
    # CDK's validation takes seconds, the same ones on both sides.
    os.environ["CDK_VALIDATION"] = "false"
    import aws_cdk as cdk  # noqa: PLC0415 - it starts Node, with the environment of that time

    make = importlib.import_module(module).make
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        app = cdk.App(outdir=directory)
        make(cdk.Stack(app, _STACK))
        app.synth()
        ms = (time.perf_counter() - began) * 1000
        template = json.loads(Path(directory, f"{_STACK}.template.json").read_text("utf-8"))
    return {"ms": ms, "made": described(template)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
