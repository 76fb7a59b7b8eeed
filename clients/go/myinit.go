// Package myinit is a client for my_init, the init and control plane for containers with more than
// one process.
package myinit

import (
	"context"
	"net"
	"strings"

	"google.golang.org/grpc"
	health "google.golang.org/grpc/health/grpc_health_v1"

	v1 "my_init/clients/go/v1"
)

// MyInit is one my_init. Every method returns an *Error when it fails; every context may cancel.
// Several goroutines may share a MyInit.
type MyInit struct {
	connection  *connection
	services    v1.ServicesClient
	logs        v1.LogsClient
	init        v1.InitClient
	definitions v1.DefinitionsClient
	health      health.HealthClient
}

// Address is where my_init is.
type Address struct {
	// Name is for messages.
	Name string
	// Dial opens a stream to my_init's socket; the pipes of a process will do, too. The client calls
	// Dial again when the stream breaks.
	Dial func(context.Context) (net.Conn, error)
}

// Connect is a client for the my_init on a Unix socket; [DefaultSocket] when "". The client
// connects with its first call.
func Connect(socket string) *MyInit {
	if socket == "" {
		socket = DefaultSocket()
	}
	return ConnectTo(Address{socket, func(ctx context.Context) (net.Conn, error) { return dialSocket(ctx, socket) }})
}

// ConnectTo is a client for the my_init at the other end of any stream.
func ConnectTo(address Address) *MyInit {
	connection, err := newConnection(address.Name, address.Dial)
	if err != nil {
		panic(err) // Only options that contradict each other make this fail, and they are constant.
	}
	return &MyInit{
		connection:  connection,
		services:    v1.NewServicesClient(connection.grpc),
		logs:        v1.NewLogsClient(connection.grpc),
		init:        v1.NewInitClient(connection.grpc),
		definitions: v1.NewDefinitionsClient(connection.grpc),
		health:      health.NewHealthClient(connection.grpc),
	}
}

// Close ends the connection, and all that is still under way.
func (my *MyInit) Close() error { return my.connection.grpc.Close() }

// Services has the services, sorted by name; all without names. A name with * or ? is a pattern.
func (my *MyInit) Services(ctx context.Context, names ...string) ([]*v1.Service, error) {
	response, err := ask(ctx, my, my.services.List, &v1.ListRequest{Selector: selectorOf(names, false)})
	return response.GetServices(), err
}

// Service has one service. SERVICE_NOT_FOUND with a suggestion when there is none.
func (my *MyInit) Service(ctx context.Context, name string) (*v1.Service, error) {
	response, err := ask(ctx, my, my.services.Get, &v1.GetRequest{Name: name})
	return response.GetService(), err
}

// Info is about my_init itself.
func (my *MyInit) Info(ctx context.Context) (*v1.GetInfoResponse, error) {
	return ask(ctx, my, my.init.GetInfo, &v1.GetInfoRequest{})
}

// Processes has every process that my_init can see to be its own.
func (my *MyInit) Processes(ctx context.Context) ([]*v1.Process, error) {
	response, err := ask(ctx, my, my.init.ListProcesses, &v1.ListProcessesRequest{})
	return response.GetProcesses(), err
}

// Health has SERVING or NOT_SERVING by name: liveness, readiness, startup, service/NAME.
func (my *MyInit) Health(ctx context.Context) (map[string]string, error) {
	response, err := ask(ctx, my, my.health.List, &health.HealthListRequest{})
	statuses := map[string]string{}
	for name, answer := range response.GetStatuses() {
		statuses[name] = answer.GetStatus().String()
	}
	return statuses, err
}

// Explain says why a service is in its state: the root of the trouble first, the service itself
// last.
func (my *MyInit) Explain(ctx context.Context, name string) ([]*v1.Explanation, error) {
	response, err := ask(ctx, my, my.definitions.Explain, &v1.ExplainRequest{Name: name})
	return response.GetSteps(), err
}

// Definitions has the definition in force of each service, with the origin of each value.
func (my *MyInit) Definitions(ctx context.Context, names ...string) ([]*v1.ServiceDefinition, error) {
	response, err := ask(ctx, my, my.definitions.Get, &v1.DefinitionsGetRequest{Names: names})
	return response.GetDefinitions(), err
}

// ask calls a method that answers at once.
func ask[Request, Response any](
	ctx context.Context, my *MyInit, method func(context.Context, Request, ...grpc.CallOption) (Response, error),
	request Request,
) (Response, error) {
	return call(ctx, my.connection, method, request, answerTime)
}

// selectorOf is the services that the names stand for. None selects all, for reading.
func selectorOf(names []string, all bool) *v1.Selector {
	selector := &v1.Selector{All: all}
	for _, name := range names {
		if strings.ContainsAny(name, "*?") {
			selector.Globs = append(selector.Globs, name)
		} else {
			selector.Names = append(selector.Names, name)
		}
	}
	return selector
}
