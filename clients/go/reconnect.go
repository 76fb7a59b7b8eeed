package myinit

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
)

// stream is a stream that is asked for again when the controller, the container or the link is
// replaced.
type stream[Request, Response any] struct {
	method func(context.Context, Request, ...grpc.CallOption) (grpc.ServerStreamingClient[Response], error)
	// request is made anew for each attempt, so that each continues after the last answer.
	request func() Request
	// endless asks again also when the stream ends without an error.
	endless bool
	// silence is how long my_init may be silent from this answer on; 0 leaves the limit as it is.
	silence func(*Response) time.Duration
	// retries tells whether to ask again after an error that would end the stream.
	retries func(*Error) bool
}

// run passes the answers to take until that returns false. The error is nil then.
func (s *stream[Request, Response]) run(ctx context.Context, c *connection, take func(*Response) bool) error {
	start, delay, live := time.Now(), retryDelay, false
	for {
		more := true
		err := s.once(ctx, c, func(response *Response) bool {
			live, delay = true, retryDelay
			more = take(response)
			return more
		})
		if !more || (err == nil && !s.endless) {
			return nil
		}
		if err != nil {
			failed := errorOfCall(ctx, err, c.address)
			// The first connection broke: the controller is being replaced just now, or it is no my_init.
			mayYetAnswer := isLost(failed) && time.Since(start) < patience
			again := s.retries(failed) || (live && passes(failed)) || mayYetAnswer
			if ctx.Err() != nil || !again {
				return failed
			}
		}
		if sleep(ctx, delay) != nil {
			return errorOfContext(ctx, c.address)
		}
		delay = min(longestDelay, delay*2)
	}
}

// once passes the answers on until my_init has been silent for too long. Time that the caller takes
// does not count.
func (s *stream[Request, Response]) once(parent context.Context, c *connection, take func(*Response) bool) error {
	if err := c.open(parent); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	answers, err := s.method(ctx, s.request())
	if err != nil {
		return errorOfCall(ctx, err, c.address)
	}
	var limit time.Duration
	for {
		var timer *time.Timer
		if limit > 0 {
			timer = time.AfterFunc(limit, func() {
				cancel(newError("NO_ANSWER", "my_init is silent", map[string]string{"address": c.address}))
			})
		}
		response, err := answers.Recv()
		if timer != nil {
			timer.Stop()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errorOfCall(ctx, err, c.address)
		}
		if allowed := s.silence(response); allowed > 0 {
			limit = allowed
		}
		if !take(response) {
			return nil
		}
	}
}
