package myinit

import (
	"context"
	"iter"
	"maps"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "my_init/clients/go/v1"
)

// LogEvent is a *Line, a *LogGap, a *Marker or a *CaughtUp.
type LogEvent interface{ logEvent() }

// Line is a line of a service, or a piece of one.
type Line struct {
	Service string
	Stream  v1.LogStream
	Time    time.Time
	// Text has the bytes of the line without its line end, as they were written.
	Text []byte
	// Partial: the line goes on in the next one of this service and stream.
	Partial bool
}

// LogGap says that lines were overwritten, or not stored, before they could be read.
type LogGap struct {
	Service      string
	Lines, Bytes uint64
}

// Marker says that a run began, was ready or ended.
type Marker struct{ Marker *v1.LogMarker }

// CaughtUp says that every line from before the call has been read; the lines that follow are live.
type CaughtUp struct{ Cursor *v1.LogCursor }

func (*Line) logEvent()     {}
func (*LogGap) logEvent()   {}
func (*Marker) logEvent()   {}
func (*CaughtUp) logEvent() {}

// LogOptions may be left empty: all lines that are held.
type LogOptions struct {
	// Follow goes on with new lines as they come.
	Follow bool
	// Tail reads the last so many lines of each service; all when nil. See [Tail].
	Tail         *uint32
	Since, Until time.Time
	// Grep is a regular expression; the server filters.
	Grep   string
	Stream v1.LogStream
	Run    v1.RunSelector
	// Cursor continues where an earlier reading ended.
	Cursor *v1.LogCursor
}

// Tail is the last so many lines.
func Tail(lines uint32) *uint32 { return &lines }

const (
	logHeartbeat = 15 * time.Second
	// Two heartbeats may be missed.
	logSilence = logHeartbeat * 5 / 2
)

// Logs has the lines of services, merged by time, until the loop is left, the context ends or,
// without Follow, all is read; my_init's own are those of the service my_init. When the controller,
// the container or the link is replaced, Logs continues at its cursor; lost lines are reported as a
// gap.
func (my *MyInit) Logs(ctx context.Context, names []string, options LogOptions) iter.Seq2[LogEvent, error] {
	return func(yield func(LogEvent, error) bool) {
		reading := reading{first: readRequest(names, options), cursor: &v1.LogCursor{Services: map[string]string{}}}
		if options.Cursor != nil {
			reading.continues = true
			maps.Copy(reading.cursor.Services, options.Cursor.Services)
		}
		lines := stream[*v1.ReadRequest, v1.ReadResponse]{
			method:  my.logs.Read,
			request: reading.request,
			endless: options.Follow,
			silence: func(*v1.ReadResponse) time.Duration { return logSilence },
			retries: reading.retries,
		}
		err := lines.run(ctx, my.connection, func(response *v1.ReadResponse) bool {
			return reading.take(response, func(event LogEvent) bool { return yield(event, nil) })
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// reading is where a reader is.
type reading struct {
	first     *v1.ReadRequest
	cursor    *v1.LogCursor
	continues bool
}

func (r *reading) request() *v1.ReadRequest {
	request := proto.CloneOf(r.first)
	if r.continues {
		request.Tail = nil
		request.Cursor = r.cursor
	}
	return request
}

// retries: the cursor is of another boot, so everything there is new.
func (r *reading) retries(err *Error) bool {
	if err.Code != codes.OutOfRange {
		return false
	}
	r.cursor = &v1.LogCursor{Services: map[string]string{}}
	r.continues = true
	return true
}

// take passes the events of an answer on; false when there is nothing more to read.
func (r *reading) take(response *v1.ReadResponse, yield func(LogEvent) bool) bool {
	switch event := response.Event.(type) {
	case *v1.ReadResponse_Lines:
		for _, line := range event.Lines.Lines {
			time := line.Time.AsTime()
			if !yield(&Line{line.Service, line.Stream, time, line.Text, line.Partial}) {
				return false
			}
		}
	case *v1.ReadResponse_Gap:
		if !yield(&LogGap{event.Gap.Service, event.Gap.Lines, event.Gap.Bytes}) {
			return false
		}
	case *v1.ReadResponse_Marker:
		if !yield(&Marker{event.Marker}) {
			return false
		}
	}
	if response.Cursor != nil {
		r.continues = true
		maps.Copy(r.cursor.Services, response.Cursor.Services)
	}
	if response.GetCaughtUp() == nil {
		return true
	}
	return yield(&CaughtUp{proto.CloneOf(r.cursor)}) && r.first.Follow
}

func readRequest(names []string, options LogOptions) *v1.ReadRequest {
	request := &v1.ReadRequest{
		Selector:          selectorOf(names, false),
		Tail:              options.Tail,
		Follow:            options.Follow,
		Stream:            options.Stream,
		Run:               options.Run,
		Grep:              options.Grep,
		HeartbeatInterval: durationpb.New(logHeartbeat),
	}
	if !options.Since.IsZero() {
		request.Since = timestamppb.New(options.Since)
	}
	if !options.Until.IsZero() {
		request.Until = timestamppb.New(options.Until)
	}
	return request
}
