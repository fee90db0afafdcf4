package systemd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tool finds a program that a test needs. Without it the test is skipped,
// except where TAPSHELF_CI says that everything must be there.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("TAPSHELF_CI") == "1" {
		t.Fatalf("%s is missing", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// root lays the unit and a stand-in for the program out as on a machine.
func root(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	unit, err := os.ReadFile("tapshelf.service")
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"etc/systemd/system/tapshelf.service":      unit,
		"usr/bin/tapshelf":                         []byte("#!/bin/sh\n"),
		"usr/share/doc/tapshelf/README.md":         []byte("x"),
		"usr/lib/systemd/system/sysinit.target":    []byte("[Unit]\nDescription=x\n"),
		"usr/lib/systemd/system/basic.target":      []byte("[Unit]\nDescription=x\n"),
		"usr/lib/systemd/system/shutdown.target":   []byte("[Unit]\nDescription=x\n"),
		"usr/lib/systemd/system/network.target":    []byte("[Unit]\nDescription=x\n"),
		"usr/lib/systemd/system/time-sync.target":  []byte("[Unit]\nDescription=x\n"),
		"usr/lib/systemd/system/multi-user.target": []byte("[Unit]\nDescription=x\n"),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o755); err != nil {
			t.Fatal(err)
		}
		// WriteFile keeps to the umask; systemd complains of units that may run.
		if filepath.Ext(name) != "" {
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestSystemdTakesTheUnitWithoutAWord(t *testing.T) {
	out, err := exec.Command(tool(t, "systemd-analyze"), "verify", "--man=no", "--root="+root(t), "tapshelf.service").CombinedOutput()
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("systemd-analyze verify says (%v):\n%s", err, out)
	}
}

func TestTheServiceIsAsClosedAsItClaims(t *testing.T) {
	out, err := exec.Command(tool(t, "systemd-analyze"), "security", "--no-pager", "--offline=true", "--threshold=15",
		"--root="+root(t), "tapshelf.service").CombinedOutput()
	if err != nil {
		t.Errorf("exposure is above 1.5 (%v):\n%s", err, out)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	t.Logf("%s", lines[len(lines)-1])
}
