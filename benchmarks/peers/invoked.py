"""What Lambda does with a function: import its handler, hand it events. An interpreter is given this source.

It is told a file for its figures, an event, and how many more there are to come, each of another alarm.
"""

import importlib
import json
import os
import sys
import time


class Context:
    """What Lambda tells a handler beside the event."""

    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    function_version = "1"
    invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}:Critical"
    memory_limit_in_mb = 256
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Tell as if there was always all the time."""
        return 30_000


def main() -> None:
    """Import the handler and call it."""
    results, event, more = sys.argv[1], sys.argv[2], int(sys.argv[3])
    module, _, name = os.environ["_HANDLER"].partition(".")
    handler = getattr(importlib.import_module(module), name)
    handler(json.loads(event), Context())
    peak_kb = _peak_kb()
    beyond_s = _beyond_its_calls(handler, event, more) if more else 0.0
    with open(results, "w", encoding="utf-8") as file:  # noqa: PTH123 - the function needs no pathlib
        json.dump({"peak_kb": peak_kb, "beyond_s": beyond_s}, file)


def _peak_kb() -> int:
    # What getrusage tells may be that of the process that started this one.
    with open("/proc/self/status", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would be part of the peak
        (peak,) = (line.split()[1] for line in file if line.startswith("VmHWM:"))
    return int(peak)


# The names of their types are left out of both functions: to import them would be part of the peak.
def _beyond_its_calls(handler, event: str, count: int) -> float:  # type: ignore[no-untyped-def] # noqa: ANN001
    """Tell the processor time of an event without that of its API calls, whichever client makes them."""
    from botocore.client import BaseClient  # noqa: PLC0415 - the handler has done so

    spent_s = 0.0
    make = BaseClient._make_api_call  # noqa: SLF001 - every call of every client comes through here

    def timed(*arguments):  # type: ignore[no-untyped-def] # noqa: ANN002, ANN202
        nonlocal spent_s
        began = time.process_time()
        try:
            return make(*arguments)
        finally:
            spent_s += time.process_time() - began

    BaseClient._make_api_call = timed  # noqa: SLF001 - the same
    events = [
        json.loads(event.replace("ServerCpuTooHigh", f"Server{number}CpuTooHigh")) for number in range(count)
    ]
    began = time.process_time()
    for each in events:
        handler(each, Context())
    return (time.process_time() - began - spent_s) / count


main()
