// The driver of clients/go for clients/conformance: conformance SOCKET.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	myinit "my_init/clients/go"
	v1 "my_init/clients/go/v1"
)

type message struct {
	ID     int       `json:"id"`
	Call   string    `json:"call"`
	With   arguments `json:"with"`
	Cancel bool      `json:"cancel"`
}

type arguments struct {
	Names         []string          `json:"names"`
	Name          string            `json:"name"`
	Signal        string            `json:"signal"`
	RequestID     string            `json:"requestId"`
	WaitTimeoutMs int               `json:"waitTimeoutMs"`
	ForMs         int               `json:"forMs"`
	Reason        string            `json:"reason"`
	AtOnce        bool              `json:"atOnce"`
	DryRun        bool              `json:"dryRun"`
	Follow        bool              `json:"follow"`
	Tail          *uint32           `json:"tail"`
	Cursor        map[string]string `json:"cursor"`
}

type object = map[string]any

var output sync.Mutex

func main() {
	my := myinit.Connect(os.Args[1])
	defer my.Close()
	cancels := map[int]context.CancelFunc{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			panic(err)
		}
		if m.Cancel {
			cancels[m.ID]()
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancels[m.ID] = cancel
		go carryOut(ctx, my, m.ID, m.Call, m.With)
	}
}

func carryOut(ctx context.Context, my *myinit.MyInit, id int, call string, args arguments) {
	result, err := func() (any, error) {
		mutation := myinit.MutationOptions{
			RequestID: args.RequestID, WaitTimeout: time.Duration(args.WaitTimeoutMs) * time.Millisecond,
		}
		switch call {
		case "services":
			services, err := my.Services(ctx, args.Names...)
			return each(services, service), err
		case "service":
			found, err := my.Service(ctx, args.Name)
			return service(found), err
		case "info":
			info, err := my.Info(ctx)
			return object{"version": info.GetVersion()}, err
		case "health":
			return my.Health(ctx)
		case "restart":
			options := myinit.RestartOptions{MutationOptions: mutation, AtOnce: args.AtOnce}
			outcomes, err := my.Restart(ctx, args.Names, options)
			return each(outcomes, outcome), err
		case "hold":
			hold := time.Duration(args.ForMs) * time.Millisecond
			options := myinit.HoldOptions{MutationOptions: mutation, Duration: hold, Reason: args.Reason}
			outcomes, err := my.Hold(ctx, args.Names, options)
			return each(outcomes, outcome), err
		case "release":
			outcomes, err := my.Release(ctx, args.Names, mutation)
			return each(outcomes, outcome), err
		case "reset":
			outcomes, err := my.Reset(ctx, args.Names, mutation)
			return each(outcomes, outcome), err
		case "definitions":
			definitions, err := my.Definitions(ctx, args.Names...)
			return each(definitions, definition), err
		case "apply":
			order := myinit.OrderOptions{RequestID: args.RequestID}
			changes, err := my.Apply(ctx, args.Names, myinit.ApplyOptions{OrderOptions: order, DryRun: args.DryRun})
			return each(changes, change), err
		case "explain":
			steps, err := my.Explain(ctx, args.Name)
			return each(steps, explanation), err
		case "rescan":
			found, err := my.Rescan(ctx, myinit.OrderOptions{RequestID: args.RequestID})
			return object{"added": found.GetAdded(), "removed": found.GetRemoved()}, err
		case "reexec":
			replaced, err := my.Reexec(ctx, myinit.OrderOptions{RequestID: args.RequestID})
			return object{"version": replaced.GetVersion(), "controllerPid": replaced.GetControllerPid()}, err
		case "signal":
			outcomes, err := my.Signal(ctx, args.Names, args.Signal, myinit.SignalOptions{MutationOptions: mutation})
			return each(outcomes, outcome), err
		case "watch":
			for event, err := range my.Watch(ctx, args.Names, myinit.WatchOptions{}) {
				if err != nil {
					return nil, err
				}
				answer(object{"id": id, "event": watchEvent(event)})
			}
			return nil, nil
		case "logs":
			options := myinit.LogOptions{Follow: args.Follow, Tail: args.Tail}
			if args.Cursor != nil {
				options.Cursor = &v1.LogCursor{Services: args.Cursor}
			}
			for event, err := range my.Logs(ctx, args.Names, options) {
				if err != nil {
					return nil, err
				}
				answer(object{"id": id, "event": logEvent(event)})
			}
			return nil, nil
		}
		panic("no call " + call)
	}()
	switch {
	case err != nil:
		answer(object{"id": id, "error": errorOf(err)})
	case result == nil:
		answer(object{"id": id, "end": true})
	default:
		answer(object{"id": id, "result": result})
	}
}

func answer(message object) {
	line, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	_, _ = os.Stdout.Write(append(line, '\n'))
}

func each[From any](all []From, to func(From) object) []object {
	objects := make([]object, 0, len(all))
	for _, one := range all {
		objects = append(objects, to(one))
	}
	return objects
}

func service(one *v1.Service) object {
	state := strings.ToLower(strings.TrimPrefix(one.GetState().String(), "SERVICE_STATE_"))
	return object{
		"name": one.GetName(), "state": state, "ready": one.GetReady(), "run": one.GetRun(),
		"runId": one.GetRunId(), "pid": one.GetPid(), "hold": one.GetHold().GetReason(),
	}
}

func definition(one *v1.ServiceDefinition) object {
	values := object{}
	for _, value := range one.Values {
		values[value.Key] = value.Value
	}
	return object{"name": one.Name, "values": values}
}

func change(one *v1.AppliedChange) object {
	action := strings.ToLower(strings.TrimPrefix(one.Action.String(), "APPLY_ACTION_"))
	return object{"name": one.Name, "action": action, "keys": one.Keys}
}

func explanation(one *v1.Explanation) object {
	return object{"service": one.Service, "facts": one.Facts}
}

func outcome(one myinit.Outcome) object {
	found := object{"name": one.Name, "changed": one.Changed, "service": service(one.Service)}
	if one.Error != nil {
		found["error"] = errorOf(one.Error)
	}
	return found
}

func errorOf(err error) object {
	var own *myinit.Error
	if !errors.As(err, &own) {
		return object{"reason": "NOT_A_MY_INIT_ERROR", "message": err.Error()}
	}
	return object{
		"reason": own.Reason, "code": int(own.Code), "message": own.Message, "metadata": own.Metadata,
		"suggestion": own.Suggestion(), "hint": own.Hint(), "outcomes": each(own.Outcomes, outcome),
	}
}

func watchEvent(event myinit.WatchEvent) object {
	switch event := event.(type) {
	case *myinit.Snapshot:
		return object{"kind": "snapshot", "services": each(event.Services, service)}
	case *myinit.Change:
		return object{"kind": "change", "service": service(event.Service), "removed": event.Removed}
	}
	return object{"kind": "gap"}
}

func logEvent(event myinit.LogEvent) object {
	switch event := event.(type) {
	case *myinit.Line:
		return object{"kind": "line", "service": event.Service, "text": string(event.Text)}
	case *myinit.LogGap:
		return object{"kind": "gap", "service": event.Service, "lines": event.Lines}
	case *myinit.Marker:
		return object{"kind": "marker", "service": event.Marker.Service, "what": event.Marker.Kind.String()}
	case *myinit.CaughtUp:
		return object{"kind": "caught_up", "cursor": event.Cursor.Services}
	}
	panic("no such event")
}
