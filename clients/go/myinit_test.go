package myinit

import (
	"context"
	"errors"
	"os"
	"testing"
)

func TestAnAddressWithoutAMyInitIsUnreachable(t *testing.T) {
	my := Connect("/nowhere.sock")
	defer my.Close()
	_, err := my.Services(context.Background())
	var failed *Error
	if !errors.As(err, &failed) || failed.Reason != "UNREACHABLE" || failed.Metadata["errno"] != "ENOENT" {
		t.Fatalf("got %v", err)
	}
}

func TestAContextThatHasEndedIsCancelled(t *testing.T) {
	my := Connect("/nowhere.sock")
	defer my.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := my.Services(ctx)
	var failed *Error
	if !errors.As(err, &failed) || failed.Reason != "CANCELLED" || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestEveryReasonHasAHintFromTheCatalogue(t *testing.T) {
	failed := newError("WAIT_TIMEOUT", "", map[string]string{"service": "web"})
	want := "The operation goes on. svctl watch web follows it; --timeout waits longer."
	if failed.Hint() != want || failed.Code.String() != "DeadlineExceeded" {
		t.Fatalf("got %q, code %v", failed.Hint(), failed.Code)
	}
}

func TestAnOrderIsCarriedOutOnce(t *testing.T) {
	socket := os.Getenv("MY_INIT_SOCKET")
	if socket == "" {
		t.Skip("MY_INIT_SOCKET names no my_init with a service web")
	}
	my := Connect(socket)
	defer my.Close()
	options := RestartOptions{MutationOptions: MutationOptions{RequestID: "go test"}}
	first, err := my.Restart(context.Background(), []string{"web"}, options)
	if err != nil {
		t.Fatal(err)
	}
	second, err := my.Restart(context.Background(), []string{"web"}, options)
	if err != nil || second[0].Service.RunId != first[0].Service.RunId {
		t.Fatalf("got %v %v", second, err)
	}
}

func TestTransientServicesTheirUsageAndTheTimeline(t *testing.T) {
	socket := os.Getenv("MY_INIT_SOCKET")
	if socket == "" {
		t.Skip("MY_INIT_SOCKET names no my_init with a service web")
	}
	ctx := context.Background()
	my := Connect(socket)
	defer my.Close()
	options := RunOptions{Definition: map[string]any{"ready": map[string]any{"delay": "10ms"}}}
	outcomes, err := my.Run(ctx, "job", []string{"sleep", "1000"}, options)
	if err != nil || !outcomes[0].Service.Ready {
		t.Fatalf("got %v %v", outcomes, err)
	}
	for sample, err := range my.Usage(ctx, []string{"job"}, UsageOptions{}) {
		if err != nil || len(sample.Services) != 1 {
			t.Fatalf("got %v %v", sample, err)
		}
		break
	}
	if boot, err := my.Boot(ctx); err != nil || len(boot.Steps) == 0 {
		t.Fatalf("got %v %v", boot, err)
	}
	if _, err := my.Stop(ctx, []string{"job"}, StopOptions{}); err != nil {
		t.Fatal(err)
	}
}
