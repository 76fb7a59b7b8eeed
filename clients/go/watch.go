package myinit

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	v1 "my_init/clients/go/v1"
)

// ServiceChange is a service before and after.
type ServiceChange struct {
	// Service is as it is after the change; as it was last, when it was removed.
	Service *v1.Service
	// Before is nil for a service that is new to this watch.
	Before  *v1.Service
	Removed bool
}

// WatchEvent is a *Snapshot, a *Change, a *LimitsChange or a *WatchGap.
type WatchEvent interface{ watchEvent() }

// Snapshot has all services. Changes has the differences from the services known before: empty in
// the first snapshot.
type Snapshot struct {
	Revision uint64
	Services []*v1.Service
	Changes  []ServiceChange
}

// Change is a change of one service.
type Change struct {
	ServiceChange
	Revision      uint64
	Time          time.Time
	PreviousState v1.ServiceState
}

// LimitsChange says that the limits of the container have changed; 0 is none.
type LimitsChange struct {
	Time           time.Time
	Limits, Before *v1.ContainerLimits
}

// WatchGap says that changes were lost; a snapshot follows. After a new boot the lost revisions
// have no meaning.
type WatchGap struct {
	FromRevision, ToRevision uint64
	NewBoot                  bool
}

func (*Snapshot) watchEvent()     {}
func (*Change) watchEvent()       {}
func (*LimitsChange) watchEvent() {}
func (*WatchGap) watchEvent()     {}

// WatchOptions may be left empty.
type WatchOptions struct {
	// Heartbeat is the time between heartbeats, 1 s to 10 min; 15 s when 0. A connection that misses
	// them is replaced.
	Heartbeat time.Duration
}

// The connection counts as dead after so many heartbeats were missed.
const heartbeatsMissed = 2.5

// Watch has the services, then each change, until the loop is left or the context ends. When the
// controller, the container or the link is replaced, Watch continues after the last revision;
// missed changes are reported as a gap.
func (my *MyInit) Watch(ctx context.Context, names []string, options WatchOptions) iter.Seq2[WatchEvent, error] {
	return func(yield func(WatchEvent, error) bool) {
		view := view{names: names, options: options, newBoot: true, services: map[string]*v1.Service{}}
		changes := stream[*v1.WatchRequest, v1.WatchResponse]{
			method:  my.services.Watch,
			request: view.request,
			endless: true,
			silence: func(response *v1.WatchResponse) time.Duration {
				return time.Duration(response.GetHello().GetHeartbeatSeconds() * heartbeatsMissed * float64(time.Second))
			},
			retries: func(*Error) bool { return false },
		}
		err := changes.run(ctx, my.connection, func(response *v1.WatchResponse) bool {
			event := view.take(response)
			return event == nil || yield(event, nil)
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// view has the services as known so far, and up to which revision.
type view struct {
	names    []string
	options  WatchOptions
	services map[string]*v1.Service
	bootID   string
	newBoot  bool
	revision uint64
	known    bool
}

func (v *view) request() *v1.WatchRequest {
	request := &v1.WatchRequest{Selector: selectorOf(v.names, false), SinceRevision: v.revision, BootId: v.bootID}
	if v.options.Heartbeat > 0 {
		request.HeartbeatInterval = durationpb.New(v.options.Heartbeat)
	}
	return request
}

func (v *view) take(response *v1.WatchResponse) WatchEvent {
	switch event := response.Event.(type) {
	case *v1.WatchResponse_Hello:
		v.newBoot = event.Hello.BootId != v.bootID
		v.bootID = event.Hello.BootId
	case *v1.WatchResponse_Snapshot:
		v.revision = event.Snapshot.Revision
		services := event.Snapshot.Services
		return &Snapshot{Revision: v.revision, Services: services, Changes: v.replace(services)}
	case *v1.WatchResponse_Change:
		return v.change(event.Change)
	case *v1.WatchResponse_Heartbeat:
		v.revision = max(v.revision, event.Heartbeat.Revision)
	case *v1.WatchResponse_Limits:
		limits := event.Limits
		return &LimitsChange{Time: limits.Time.AsTime(), Limits: limits.Limits, Before: limits.Before}
	case *v1.WatchResponse_Gap:
		return &WatchGap{FromRevision: event.Gap.FromRevision, ToRevision: event.Gap.ToRevision, NewBoot: v.newBoot}
	}
	return nil
}

func (v *view) change(change *v1.WatchChange) *Change {
	v.revision = change.Revision
	service := change.Service
	before := v.services[service.GetName()]
	if change.Removed {
		delete(v.services, service.GetName())
	} else {
		v.services[service.GetName()] = service
	}
	return &Change{
		ServiceChange: ServiceChange{Service: service, Before: before, Removed: change.Removed},
		Revision:      change.Revision,
		Time:          change.Time.AsTime(),
		PreviousState: change.PreviousState,
	}
}

func (v *view) replace(services []*v1.Service) []ServiceChange {
	gone := v.services
	v.services = map[string]*v1.Service{}
	var changes []ServiceChange
	for _, service := range services {
		changes = append(changes, ServiceChange{Service: service, Before: gone[service.Name]})
		delete(gone, service.Name)
		v.services[service.Name] = service
	}
	for _, service := range gone {
		changes = append(changes, ServiceChange{Service: service, Before: service, Removed: true})
	}
	known := v.known
	v.known = true
	if !known {
		return nil
	}
	return changes
}
