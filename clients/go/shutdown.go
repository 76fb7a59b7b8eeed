package myinit

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	v1 "my_init/clients/go/v1"
)

// ShutdownOptions may be left empty.
type ShutdownOptions struct {
	// Reason is in words, for the log and the termination message.
	Reason string
	// ExitCode is the container's, where no main command has one.
	ExitCode uint32
	// Timeout is instead of the configured shutdown timeout.
	Timeout time.Duration
}

// Shutdown shuts the container down; the progress ends when my_init does.
func (my *MyInit) Shutdown(ctx context.Context, options ShutdownOptions) iter.Seq2[*v1.ShutdownProgress, error] {
	return func(yield func(*v1.ShutdownProgress, error) bool) {
		if err := my.connection.open(ctx); err != nil {
			yield(nil, errorOfCall(ctx, err, my.connection.address))
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		request := &v1.ShutdownRequest{
			Reason: options.Reason, ExitCode: options.ExitCode, Timeout: durationOf(options.Timeout),
		}
		progress, err := my.init.Shutdown(ctx, request)
		for err == nil {
			var message *v1.ShutdownProgress
			if message, err = progress.Recv(); err == nil && !yield(message, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(nil, errorOfCall(ctx, err, my.connection.address))
		}
	}
}
