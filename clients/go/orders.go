package myinit

import (
	"context"

	v1 "my_init/clients/go/v1"
)

// OrderOptions of an order that is not of one service may be left empty.
type OrderOptions struct {
	// RequestID names the order: repeated with the same id it is carried out once. Random when "".
	RequestID string
}

// ApplyOptions may be left empty.
type ApplyOptions struct {
	OrderOptions
	// DryRun reports the effects of the order, and changes nothing.
	DryRun bool
}

// Apply takes over changed definitions: the services that need it are restarted, started or
// stopped; all without names.
func (my *MyInit) Apply(ctx context.Context, names []string, options ApplyOptions) ([]*v1.AppliedChange, error) {
	request := &v1.ApplyRequest{Names: names, DryRun: options.DryRun, RequestId: idOf(options.RequestID)}
	response, err := call(ctx, my.connection, my.definitions.Apply, request, 0)
	return response.GetChanges(), err
}

// Rescan reads the service directory now.
func (my *MyInit) Rescan(ctx context.Context, options OrderOptions) (*v1.RescanResponse, error) {
	return ask(ctx, my, my.init.Rescan, &v1.RescanRequest{RequestId: idOf(options.RequestID)})
}

// Reexec replaces the controller by the program on disk. The answer comes before the replacement.
func (my *MyInit) Reexec(ctx context.Context, options OrderOptions) (*v1.ReexecResponse, error) {
	return call(ctx, my.connection, my.init.Reexec, &v1.ReexecRequest{RequestId: idOf(options.RequestID)}, 0)
}
