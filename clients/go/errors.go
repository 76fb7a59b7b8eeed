package myinit

import (
	"context"
	"errors"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	v1 "my_init/clients/go/v1"
)

// Error is everything that goes wrong: an answer of my_init, or a connection that failed.
type Error struct {
	// Reason is stable; docs/api.md lists them. UNSPECIFIED when the answer named none.
	Reason  string
	Code    codes.Code
	Message string
	// Metadata names the subject of the error: service, suggestion, field …
	Metadata map[string]string
	// Outcomes of a mutation: what came of it for each service.
	Outcomes []Outcome
	cause    error
}

func (e *Error) Error() string { return e.Message }

// Unwrap makes errors.Is(err, context.Canceled) work.
func (e *Error) Unwrap() error { return e.cause }

// Suggestion is the name of a service that the caller may have meant, or "".
func (e *Error) Suggestion() string { return e.Metadata["suggestion"] }

// Hint is the advice of the catalogue on how to mend the error; "" if there is none.
func (e *Error) Hint() string {
	hint := traitsOf(e.Reason).GetHint()
	if e.Metadata["service"] == "" && strings.Contains(hint, "{service}") {
		return ""
	}
	return strings.ReplaceAll(hint, "{service}", e.Metadata["service"])
}

const reasonPrefix = "ERROR_REASON_"

var catalogue = sync.OnceValue(func() map[string]*v1.ErrorTraits {
	traits := map[string]*v1.ErrorTraits{}
	values := v1.ErrorReason(0).Descriptor().Values()
	for i := range values.Len() {
		value := values.Get(i)
		options, _ := value.Options().(*descriptorpb.EnumValueOptions)
		if found, ok := proto.GetExtension(options, v1.E_Error).(*v1.ErrorTraits); ok && found != nil {
			traits[strings.TrimPrefix(string(value.Name()), reasonPrefix)] = found
		}
	}
	return traits
})

func traitsOf(reason string) *v1.ErrorTraits { return catalogue()[reason] }

// newError makes an error with the code from the catalogue.
func newError(reason, message string, metadata map[string]string) *Error {
	code := codes.Unknown
	// The catalogue names codes as codes.Code reads them from JSON.
	_ = code.UnmarshalJSON([]byte(`"` + traitsOf(reason).GetCode() + `"`))
	return &Error{Reason: reason, Code: code, Message: message, Metadata: metadata}
}

// errorOfStatus is the error in a google.rpc.Status; service is the name of the service concerned,
// or "".
func errorOfStatus(s *rpcstatus.Status, service string) *Error {
	found := status.FromProto(s)
	for _, detail := range found.Details() {
		info, ok := detail.(*errdetails.ErrorInfo)
		if !ok || info.Domain != "my_init" {
			continue
		}
		metadata := map[string]string{}
		for key, value := range info.Metadata {
			metadata[key] = value
		}
		if service != "" && metadata["service"] == "" {
			metadata["service"] = service
		}
		return &Error{Reason: info.Reason, Code: found.Code(), Message: found.Message(), Metadata: metadata}
	}
	return &Error{Reason: "UNSPECIFIED", Code: found.Code(), Message: found.Message(), Metadata: map[string]string{}}
}

// errorOfCall is the error that a call ended with.
func errorOfCall(ctx context.Context, err error, address string) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	found := errorOfStatus(status.Convert(err).Proto(), "")
	if found.Reason != "UNSPECIFIED" {
		return found
	}
	if ctx.Err() != nil {
		return errorOfContext(ctx, address)
	}
	metadata := map[string]string{"address": address}
	switch found.Code {
	case codes.Unavailable, codes.Canceled:
		return newError("CONNECTION_LOST", "the connection was lost: "+found.Message, metadata)
	case codes.DeadlineExceeded:
		return newError("NO_ANSWER", "no answer from "+address+" in time", metadata)
	}
	return found
}

func errorOfContext(ctx context.Context, address string) *Error {
	var own *Error
	if errors.As(context.Cause(ctx), &own) {
		return own
	}
	found := newError("CANCELLED", "the call was cancelled", map[string]string{})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		found = newError("NO_ANSWER", "no answer from "+address+" in time", map[string]string{"address": address})
	}
	found.cause = context.Cause(ctx)
	return found
}
