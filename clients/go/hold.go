package myinit

import (
	"context"
	"time"

	v1 "my_init/clients/go/v1"
)

// HoldOptions may be left empty.
type HoldOptions struct {
	MutationOptions
	// Duration is how long; 15 minutes when 0.
	Duration time.Duration
	// Reason is shown wherever the service is.
	Reason string
	// ThroughShutdown: a shutdown sends it no signal but KILL, at its deadline.
	ThroughShutdown bool
}

// Hold keeps my_init from restarting services and from checking whether they live, for a time.
func (my *MyInit) Hold(ctx context.Context, names []string, options HoldOptions) ([]Outcome, error) {
	return mutate(ctx, my, my.services.Hold, options.MutationOptions, &v1.HoldRequest{
		Selector: selectorOf(names, options.All), RequestId: idOf(options.RequestID),
		Duration: durationOf(options.Duration), Reason: options.Reason, ThroughShutdown: options.ThroughShutdown,
	})
}

// Release ends a hold before its time.
func (my *MyInit) Release(ctx context.Context, names []string, options MutationOptions) ([]Outcome, error) {
	return mutate(ctx, my, my.services.Release, options, &v1.ReleaseRequest{
		Selector: selectorOf(names, options.All), RequestId: idOf(options.RequestID),
	})
}

// Reset forgets failures: services that were given up or are in back-off are started.
func (my *MyInit) Reset(ctx context.Context, names []string, options MutationOptions) ([]Outcome, error) {
	return mutate(ctx, my, my.services.Reset, options, &v1.ResetRequest{
		Selector: selectorOf(names, options.All), RequestId: idOf(options.RequestID),
	})
}
