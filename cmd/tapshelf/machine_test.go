package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheWatchdogIsFedOnlyWhileTheLedgerAnswers(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "60000") // fed every 20 ms
	healthy := make(chan bool, 1)
	healthy <- true
	wait, err := announce(t.Context(), func(context.Context) error {
		ok := <-healthy
		healthy <- ok
		if !ok {
			return errors.New("the disk is gone")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	hear := func(d time.Duration) string {
		b := make([]byte, 64)
		conn.SetReadDeadline(time.Now().Add(d))
		n, _ := conn.Read(b)
		return string(b[:n])
	}
	if got := hear(5 * time.Second); got != "READY=1" {
		t.Errorf("first it says %q", got)
	}
	for range 3 {
		if got := hear(5 * time.Second); got != "WATCHDOG=1" {
			t.Errorf("then it says %q", got)
		}
	}
	<-healthy
	healthy <- false
	for hear(100*time.Millisecond) == "WATCHDOG=1" { // what was on its way
	}
	if got := hear(200 * time.Millisecond); got != "" {
		t.Errorf("with a broken ledger it says %q", got)
	}
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	if got := hear(5 * time.Second); got != "STOPPING=1" {
		t.Errorf("last it says %q", got)
	}
}

func TestAClockIsTrustedOnceSomethingHasSetIt(t *testing.T) {
	dir := t.TempDir()
	f := clockFiles{synchronized: filepath.Join(dir, "synchronized"), hctosys: filepath.Join(dir, "hctosys")}
	after := releasedOn.Add(time.Hour)
	if f.trusted(after) && !kernelSynchronized() {
		t.Error("nothing has set it")
	}
	if err := os.WriteFile(f.hctosys, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !f.trusted(after) {
		t.Error("an RTC has set it")
	}
	if f.trusted(releasedOn.Add(-time.Hour)) {
		t.Error("it stands before this program was made")
	}
	os.Remove(f.hctosys)
	if err := os.WriteFile(f.synchronized, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !f.trusted(after) {
		t.Error("the network has set it")
	}
}

// asNobody runs the program without the rights of root, which nothing is
// read-only for.
func asNobody(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	self, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	program := filepath.Join(dir, "tapshelf")
	if _, err := os.Stat(program); err != nil {
		to, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(to, self); err != nil {
			t.Fatal(err)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, args...)
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestWhatMayNotBeWrittenIsSaidAndLeftAlone(t *testing.T) {
	dir, err := os.MkdirTemp("", "tapshelf-readonly-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ledger := filepath.Join(dir, "data", "ledger.db")
	for _, d := range []string{dir, filepath.Dir(ledger)} {
		if err := errors.Join(os.MkdirAll(d, 0o755), os.Chmod(d, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	store, err := openLedger(t.Context(), ledger)
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	if err := os.Chmod(ledger, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(ledger), 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Dir(ledger), 0o755) })
	out, err := asNobody(t, dir, "user", "list", "--ledger", ledger)
	if err == nil || !strings.Contains(out, ledger) || strings.Contains(out, "panic") {
		t.Errorf("opening a read-only ledger: %v\n%s", err, out)
	}
	out, err = asNobody(t, dir, "ledger", "backup", "--ledger", ledger, filepath.Join(dir, "nowhere", "b.db"))
	if err == nil || !strings.Contains(out, "permission denied") {
		t.Errorf("a backup to where nobody may write: %v\n%s", err, out)
	}
}
