package myinit

import (
	"context"
	"crypto/rand"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "my_init/clients/go/v1"
)

// Outcome is the outcome of a mutation for one service.
type Outcome struct {
	Name string
	// Changed is false when the service was already as wanted.
	Changed bool
	Error   *Error
	// OldPid is the process before; 0 when there was none.
	OldPid uint32
	// Service is the service now.
	Service *v1.Service
	Took    time.Duration
	// Dependents of a stopped service that are neither down nor completed.
	Dependents []string
}

// MutationOptions may be left empty.
type MutationOptions struct {
	// All means every service, instead of names.
	All bool
	// WaitTimeout is how long to wait for the outcome. Giving up does not undo the operation.
	WaitTimeout time.Duration
	// RequestID names the order: repeated with the same id it is carried out once. Random when "".
	RequestID string
}

// StartOptions may be left empty. Wait: READY when unspecified.
type StartOptions struct {
	MutationOptions
	Wait v1.WaitLevel
	// Once: do not start it again when it ends.
	Once bool
}

// RestartOptions may be left empty. Wait: READY when unspecified.
type RestartOptions struct {
	MutationOptions
	Wait v1.WaitLevel
	// StopTimeout is from TERM to KILL, instead of the service's own.
	StopTimeout time.Duration
	// AtOnce: all replicas of a service at the same time, not one after the other.
	AtOnce bool
}

// StopOptions may be left empty. Wait: STOPPED when unspecified.
type StopOptions struct {
	MutationOptions
	Wait v1.WaitLevel
	// StopTimeout is from TERM to KILL, instead of the service's own.
	StopTimeout time.Duration
	// WithDependents stops the services that need these too, and before them.
	WithDependents bool
}

// SignalOptions may be left empty.
type SignalOptions struct {
	MutationOptions
	// Group: to the whole process group, not to the main process alone.
	Group bool
	// ExpectedRunID: only if this run is still the current one.
	ExpectedRunID string
}

// Start starts services and waits until they are ready. When one of them fails, the error has all
// outcomes.
func (my *MyInit) Start(ctx context.Context, names []string, options StartOptions) ([]Outcome, error) {
	return mutate(ctx, my, my.services.Start, options.MutationOptions, &v1.StartRequest{
		Selector: selectorOf(names, options.All), RequestId: idOf(options.RequestID), Wait: options.Wait,
		WaitTimeout: durationOf(options.WaitTimeout), Once: options.Once,
	})
}

// Stop stops services and waits until they are gone.
func (my *MyInit) Stop(ctx context.Context, names []string, options StopOptions) ([]Outcome, error) {
	return mutate(ctx, my, my.services.Stop, options.MutationOptions, &v1.StopRequest{
		Selector: selectorOf(names, options.All), RequestId: idOf(options.RequestID), Wait: options.Wait,
		WaitTimeout: durationOf(options.WaitTimeout), StopTimeout: durationOf(options.StopTimeout),
		WithDependents: options.WithDependents,
	})
}

// Restart stops services where they run, starts them, and waits until the new processes are ready.
func (my *MyInit) Restart(ctx context.Context, names []string, options RestartOptions) ([]Outcome, error) {
	return mutate(ctx, my, my.services.Restart, options.MutationOptions, &v1.RestartRequest{
		Selector: selectorOf(names, options.All), RequestId: idOf(options.RequestID), Wait: options.Wait,
		WaitTimeout: durationOf(options.WaitTimeout), StopTimeout: durationOf(options.StopTimeout),
		AtOnce: options.AtOnce,
	})
}

// Reload asks services to read their configuration again.
func (my *MyInit) Reload(ctx context.Context, names []string, options MutationOptions) ([]Outcome, error) {
	return mutate(ctx, my, my.services.Reload, options, &v1.ReloadRequest{
		Selector: selectorOf(names, options.All), RequestId: idOf(options.RequestID),
	})
}

// Signal sends a signal (HUP, SIGHUP or 1) to the processes of services.
func (my *MyInit) Signal(ctx context.Context, names []string, signal string, options SignalOptions) ([]Outcome, error) {
	return mutate(ctx, my, my.services.Signal, options.MutationOptions, &v1.SignalRequest{
		Selector: selectorOf(names, options.All), RequestId: idOf(options.RequestID), Signal: signal,
		Group: options.Group, ExpectedRunId: options.ExpectedRunID,
	})
}

func mutate[Request any](
	ctx context.Context, my *MyInit,
	method func(context.Context, Request, ...grpc.CallOption) (*v1.OperationResponse, error),
	options MutationOptions, request Request,
) ([]Outcome, error) {
	var timeout time.Duration
	if options.WaitTimeout > 0 {
		timeout = options.WaitTimeout + answerSlack
	}
	response, err := call(ctx, my.connection, method, request, timeout)
	if err != nil {
		return nil, err
	}
	var first *Error
	outcomes := make([]Outcome, 0, len(response.Outcomes))
	for _, message := range response.Outcomes {
		outcome := outcomeOf(message)
		if outcome.Error != nil && first == nil {
			first = outcome.Error
		}
		outcomes = append(outcomes, outcome)
	}
	if first == nil {
		return outcomes, nil
	}
	failed := *first
	failed.Outcomes = outcomes
	return outcomes, &failed
}

func outcomeOf(message *v1.Outcome) Outcome {
	outcome := Outcome{
		Name: message.Name, Changed: message.Changed, OldPid: message.OldPid, Service: message.Service,
		Took: time.Duration(message.Seconds * float64(time.Second)), Dependents: message.Dependents,
	}
	if message.Error != nil {
		outcome.Error = errorOfStatus(message.Error, message.Name)
	}
	return outcome
}

// idOf names an order that the caller gave no name.
func idOf(given string) string {
	if given != "" {
		return given
	}
	return rand.Text()
}

func durationOf(duration time.Duration) *durationpb.Duration {
	if duration == 0 {
		return nil
	}
	return durationpb.New(duration)
}
