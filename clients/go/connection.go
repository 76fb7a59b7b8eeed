package myinit

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	// my_init answers a question within seconds, also while it starts a hundred services.
	answerTime = 10 * time.Second
	// The call's own deadline comes after the end of the wait: my_init's answer says more than a
	// broken call.
	answerSlack = 5 * time.Second
	// Between two attempts of a call whose connection broke: the next controller is there in about 100
	// ms.
	retryDelay = 50 * time.Millisecond
	// Attempts that fail for so long, each of them quickly, are given up.
	patience = 10 * time.Second
	// The longest delay between two attempts of a stream.
	longestDelay = 2 * time.Second
	// More than my_init ever sends.
	maxMessageBytes = 64 << 20
)

// connection is a way to one my_init, which outlives its connections.
type connection struct {
	address string
	grpc    *grpc.ClientConn

	mutex    sync.Mutex
	failure  error
	failedAt time.Time
}

func newConnection(address string, dial func(context.Context) (net.Conn, error)) (*connection, error) {
	c := &connection{address: address}
	var err error
	c.grpc, err = grpc.NewClient("passthrough:///my_init",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithAuthority("localhost"),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: retryDelay, Multiplier: 2, MaxDelay: 500 * time.Millisecond},
			MinConnectTimeout: answerTime,
		}),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			end, err := dial(ctx)
			if err != nil {
				c.mutex.Lock()
				c.failure, c.failedAt = err, time.Now()
				c.mutex.Unlock()
			}
			return end, err
		}))
	return c, err
}

// open waits for a connection, so that "unreachable" and "lost" are told apart.
func (c *connection) open(ctx context.Context) error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	c.grpc.ResetConnectBackoff()
	for {
		if ctx.Err() != nil {
			return errorOfContext(ctx, c.address)
		}
		state := c.grpc.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.Idle:
			c.grpc.Connect()
		case connectivity.TransientFailure:
			c.mutex.Lock()
			failure, failedAt := c.failure, c.failedAt
			c.mutex.Unlock()
			if failure != nil && failedAt.After(start) {
				return unreachable(c.address, failure)
			}
		}
		if !c.grpc.WaitForStateChange(ctx, state) {
			return errorOfContext(ctx, c.address)
		}
	}
}

// call makes a call that may be repeated: a call that changes nothing, or has a request id. When
// the connection breaks, the same call is made again.
func call[Request, Response any](
	ctx context.Context, c *connection, method func(context.Context, Request, ...grpc.CallOption) (Response, error),
	request Request, timeout time.Duration,
) (Response, error) {
	if _, limited := ctx.Deadline(); timeout > 0 && !limited {
		limitedContext, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = limitedContext
	}
	var none Response
	var lost *Error
	var lostSince time.Time
	for {
		attempt := time.Now()
		err := c.open(ctx)
		if err == nil {
			var response Response
			if response, err = method(ctx, request); err == nil {
				return response, nil
			}
		}
		failed := errorOfCall(ctx, err, c.address)
		if !isLost(failed) && (lost == nil || failed.Reason != "UNREACHABLE") {
			return none, failed
		}
		// An attempt that lasted is a sign of life.
		if now := time.Now(); lost == nil || now.Sub(attempt) > patience/2 {
			lost, lostSince = failed, now
		}
		if time.Since(lostSince) > patience || sleep(ctx, retryDelay) != nil {
			return none, lost
		}
	}
}

func isLost(err *Error) bool {
	return err.Reason == "CONNECTION_LOST" || err.Reason == "CONTROLLER_REPLACED"
}

// passes tells whether the controller or the container is being replaced. NotFound: after a boot
// the services come one by one.
func passes(err *Error) bool {
	return err.Code == codes.Unavailable || err.Code == codes.NotFound || err.Code == codes.DeadlineExceeded
}
