package myinit

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	v1 "my_init/clients/go/v1"
)

// ScaleOptions may be left empty. All has no meaning here.
type ScaleOptions struct {
	MutationOptions
	Wait v1.WaitLevel
}

// RunOptions may be left empty. All has no meaning here.
type RunOptions struct {
	MutationOptions
	Wait v1.WaitLevel
	// Definition has further keys of service.yaml: {"user": "app"}.
	Definition map[string]any
	// Keep: the service stays, down, when it is stopped; otherwise it is removed then.
	Keep bool
}

// Scale sets how many replicas of a service there are, until the next boot.
func (my *MyInit) Scale(ctx context.Context, name string, replicas uint32, options ScaleOptions) ([]Outcome, error) {
	return mutate(ctx, my, my.services.Scale, options.MutationOptions, &v1.ScaleRequest{
		Name: name, Replicas: replicas, RequestId: idOf(options.RequestID), Wait: options.Wait,
		WaitTimeout: durationOf(options.WaitTimeout),
	})
}

// Run starts a command as a transient service, and waits until it is ready. The service outlives
// this client.
func (my *MyInit) Run(ctx context.Context, name string, command []string, options RunOptions) ([]Outcome, error) {
	request := &v1.RunRequest{
		Name: name, Command: command, Keep: options.Keep, RequestId: idOf(options.RequestID), Wait: options.Wait,
		WaitTimeout: durationOf(options.WaitTimeout),
	}
	if options.Definition != nil {
		definition, err := json.Marshal(options.Definition)
		if err != nil {
			failed := newError("INVALID_ARGUMENT", err.Error(), map[string]string{"field": "definition"})
			failed.cause = err
			return nil, failed
		}
		request.Definition = string(definition)
	}
	return mutate(ctx, my, my.services.Run, options.MutationOptions, request)
}

// UsageOptions may be left empty.
type UsageOptions struct {
	// Interval is the time between samples, 250 ms to 1 min; 2 s when 0.
	Interval time.Duration
}

// Usage has the resource use of the services: a sample at once, then one in each interval.
func (my *MyInit) Usage(
	ctx context.Context, names []string, options UsageOptions,
) iter.Seq2[*v1.WatchUsageResponse, error] {
	return func(yield func(*v1.WatchUsageResponse, error) bool) {
		request := &v1.WatchUsageRequest{Selector: selectorOf(names, false), Interval: durationOf(options.Interval)}
		samples := stream[*v1.WatchUsageRequest, v1.WatchUsageResponse]{
			method:  my.services.WatchUsage,
			request: func() *v1.WatchUsageRequest { return request },
			endless: true,
			// With time for a busy machine.
			silence: func(response *v1.WatchUsageResponse) time.Duration {
				return time.Duration(response.IntervalSeconds*heartbeatsMissed*float64(time.Second)) + 5*time.Second
			},
			retries: func(*Error) bool { return false },
		}
		err := samples.run(ctx, my.connection, func(response *v1.WatchUsageResponse) bool { return yield(response, nil) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// Boot has the timeline of the start.
func (my *MyInit) Boot(ctx context.Context) (*v1.GetBootResponse, error) {
	return ask(ctx, my, my.init.GetBoot, &v1.GetBootRequest{})
}
