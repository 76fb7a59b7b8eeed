"""The driver of clients/python: driver.py SOCKET plain|asyncio. See README.md."""

import asyncio
import json
import sys
import threading

import my_init
import my_init.aio


def options_of(args):
    """The words of the scenarios, as this library has them."""
    options = {}
    for key, value in args.items():
        if key == "requestId":
            options["request_id"] = value
        elif key == "waitTimeoutMs":
            options["wait_timeout"] = value / 1000
        elif key == "cursor":
            options["cursor"] = my_init.LogCursor(services=value)
        elif key == "forMs":
            options["duration"] = value / 1000
        elif key == "atOnce":
            options["at_once"] = value
        elif key == "dryRun":
            options["dry_run"] = value
        elif key in ("tail", "follow", "reason"):
            options[key] = value
    return options


def outcomes_of(found):
    return [outcome(one) for one in found]


#: How the answer of each method is printed.
ANSWERS = {
    "services": lambda found: [service(one) for one in found],
    "service": lambda found: service(found),
    "info": lambda found: {"version": found.version},
    "health": lambda found: found,
    "restart": outcomes_of,
    "signal": outcomes_of,
    "hold": outcomes_of,
    "release": outcomes_of,
    "reset": outcomes_of,
    "definitions": lambda found: [definition(one) for one in found],
    "apply": lambda found: [change(one) for one in found],
    "explain": lambda found: [{"service": one.service, "facts": list(one.facts)} for one in found],
    "rescan": lambda found: {"added": list(found.added), "removed": list(found.removed)},
    "reexec": lambda found: {"version": found.version, "controllerPid": found.controller_pid},
}
#: The methods about one service, and about my_init itself; all others are about several services.
OF_ONE = ("service", "explain")
OF_MY_INIT = ("info", "health", "rescan", "reexec")
EVENTS = {"watch": lambda event: watch_event(event), "logs": lambda event: log_event(event)}


def words_of(call, args):
    """The positional arguments of a method."""
    if call in OF_ONE:
        return [args["name"]]
    if call in OF_MY_INIT:
        return []
    names = [args.get("names", ())]
    return [*names, args["signal"]] if call == "signal" else names


def plain(socket):
    with my_init.connect(socket) as my:
        cancels = {}

        def carry_out(id, call, args):
            cancel = cancels[id]
            method, words, options = getattr(my, call), words_of(call, args), options_of(args)
            try:
                if call in EVENTS:
                    for event in method(*words, cancel=cancel, **options):
                        answer(id, event=EVENTS[call](event))
                    answer(id, end=True)
                else:
                    answer(id, result=ANSWERS[call](method(*words, cancel=cancel, **options)))
            except my_init.MyInitError as error:
                answer(id, error=error_of(error))

        for line in sys.stdin:
            message = json.loads(line)
            id = message["id"]
            if message.get("cancel"):
                cancels[id].cancel()
            else:
                cancels[id] = my_init.Cancellation()
                threading.Thread(
                    target=carry_out, args=(id, message["call"], message.get("with", {})), daemon=True
                ).start()


async def asynchronous(socket):
    loop = asyncio.get_running_loop()
    async with my_init.aio.connect(socket) as my:
        tasks = {}

        async def carry_out(id, call, args):
            method, words, options = getattr(my, call), words_of(call, args), options_of(args)
            try:
                if call in EVENTS:
                    async for event in method(*words, **options):
                        answer(id, event=EVENTS[call](event))
                    answer(id, end=True)
                else:
                    answer(id, result=ANSWERS[call](await method(*words, **options)))
            except my_init.MyInitError as error:
                answer(id, error=error_of(error))
            except asyncio.CancelledError:
                answer(id, error={"reason": "CANCELLED"})

        while line := await loop.run_in_executor(None, sys.stdin.readline):
            message = json.loads(line)
            id = message["id"]
            if message.get("cancel"):
                tasks[id].cancel()
            else:
                tasks[id] = asyncio.create_task(carry_out(id, message["call"], message.get("with", {})))


def answer(id, **message):
    sys.stdout.write(json.dumps({"id": id, **message}) + "\n")
    sys.stdout.flush()


def service(one):
    state = my_init.ServiceState.Name(one.state).removeprefix("SERVICE_STATE_").lower()
    return {
        "name": one.name,
        "state": state,
        "ready": one.ready,
        "run": one.run,
        "runId": one.run_id,
        "pid": one.pid,
        "hold": one.hold.reason,
    }


def definition(one):
    return {"name": one.name, "values": {value.key: value.value for value in one.values}}


def change(one):
    action = my_init.ApplyAction.Name(one.action).removeprefix("APPLY_ACTION_").lower()
    return {"name": one.name, "action": action, "keys": list(one.keys)}


def outcome(one):
    failed = one.error and error_of(one.error)
    return {"name": one.name, "changed": one.changed, "error": failed, "service": service(one.service)}


def error_of(error):
    return {
        "reason": error.reason,
        "code": error.code.value[0],
        "message": error.message,
        "metadata": dict(error.metadata),
        "suggestion": error.suggestion,
        "hint": error.hint,
        "outcomes": [outcome(one) for one in error.outcomes],
    }


def watch_event(event):
    if isinstance(event, my_init.Snapshot):
        return {"kind": "snapshot", "services": [service(one) for one in event.services]}
    if isinstance(event, my_init.Change):
        return {"kind": "change", "service": service(event.service), "removed": event.removed}
    return {"kind": "gap"}


def log_event(event):
    if isinstance(event, my_init.Line):
        return {"kind": "line", "service": event.service, "text": event.text}
    if isinstance(event, my_init.LogGap):
        return {"kind": "gap", "service": event.service, "lines": event.lines}
    if isinstance(event, my_init.Marker):
        kind = my_init.LogMarkerKind.Name(event.marker.kind)
        return {"kind": "marker", "service": event.marker.service, "what": kind}
    return {"kind": "caught_up", "cursor": dict(event.cursor.services)}


if sys.argv[2] == "plain":
    plain(sys.argv[1])
else:
    asyncio.run(asynchronous(sys.argv[1]))
