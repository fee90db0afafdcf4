package main

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// releasedOn is before every moment at which this program can run.
var releasedOn = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// clockFiles are what tells whether the clock was set since power-on.
type clockFiles struct {
	synchronized string // made by systemd-timesyncd
	hctosys      string // "1" if the kernel set its clock from this RTC
}

var machineClock = clockFiles{"/run/systemd/timesync/synchronized", "/sys/class/rtc/rtc0/hctosys"}

// trusted says whether the machine's clock can be relied on: it is later
// than this program, and was set since power-on by the network or an RTC.
func (f clockFiles) trusted(now time.Time) bool {
	if now.Before(releasedOn) {
		return false
	}
	return exists(f.synchronized) || f.fromRTC() || kernelSynchronized()
}

func (f clockFiles) fromRTC() bool {
	b, err := os.ReadFile(f.hctosys)
	return err == nil && strings.TrimSpace(string(b)) == "1"
}

// kernelSynchronized asks the kernel whether something disciplines its
// clock (chrony, ntpd, a virtual machine's host).
func kernelSynchronized() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

// bootID names this power-on.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// bootTime is how long the machine has been on, sleep included.
func bootTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
