package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// announce tells systemd that the counter is ready, and from then on feeds
// its watchdog, each time only after beat has succeeded. Without systemd
// it only calls beat now and then. wait stops feeding and tells systemd that the end is near.
func announce(ctx context.Context, beat func(context.Context) error) (wait func() error, err error) {
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		return nil, fmt.Errorf("tell systemd: %w", err)
	}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("watchdog: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		feed(ctx, every/3, beat)
	}()
	return func() error {
		stop()
		<-done
		_, err := daemon.SdNotify(false, daemon.SdNotifyStopping)
		return err
	}, nil
}

// restful is how often the ledger is looked after where no watchdog waits.
const restful = time.Minute

func feed(ctx context.Context, every time.Duration, beat func(context.Context) error) {
	if every <= 0 {
		every = restful
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if beat(ctx) == nil {
			daemon.SdNotify(false, daemon.SdNotifyWatchdog)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
