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
        elif key in ("tail", "follow"):
            options[key] = value
    return options


def plain(socket):
    with my_init.connect(socket) as my:
        cancels = {}

        def carry_out(id, call, args):
            cancel = cancels[id]
            names, options = args.get("names", ()), options_of(args)
            try:
                if call == "watch":
                    for event in my.watch(names, cancel=cancel):
                        answer(id, event=watch_event(event))
                    answer(id, end=True)
                elif call == "logs":
                    for event in my.logs(names, cancel=cancel, **options):
                        answer(id, event=log_event(event))
                    answer(id, end=True)
                elif call == "services":
                    answer(id, result=[service(one) for one in my.services(names)])
                elif call == "service":
                    answer(id, result=service(my.service(args["name"])))
                elif call == "info":
                    answer(id, result={"version": my.info().version})
                elif call == "health":
                    answer(id, result=my.health())
                elif call == "restart":
                    outcomes = my.restart(names, cancel=cancel, **options)
                    answer(id, result=[outcome(one) for one in outcomes])
                elif call == "signal":
                    outcomes = my.signal(names, args["signal"], cancel=cancel, **options)
                    answer(id, result=[outcome(one) for one in outcomes])
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
            names, options = args.get("names", ()), options_of(args)
            try:
                if call == "watch":
                    async for event in my.watch(names):
                        answer(id, event=watch_event(event))
                    answer(id, end=True)
                elif call == "logs":
                    async for event in my.logs(names, **options):
                        answer(id, event=log_event(event))
                    answer(id, end=True)
                elif call == "services":
                    answer(id, result=[service(one) for one in await my.services(names)])
                elif call == "service":
                    answer(id, result=service(await my.service(args["name"])))
                elif call == "info":
                    answer(id, result={"version": (await my.info()).version})
                elif call == "health":
                    answer(id, result=await my.health())
                elif call == "restart":
                    answer(id, result=[outcome(one) for one in await my.restart(names, **options)])
                elif call == "signal":
                    outcomes = await my.signal(names, args["signal"], **options)
                    answer(id, result=[outcome(one) for one in outcomes])
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
    return {"name": one.name, "state": state, "ready": one.ready, "run": one.run, "runId": one.run_id, "pid": one.pid}


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
