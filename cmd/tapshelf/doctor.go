package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tapshelf/lending/sqlite"
)

type doctorCmd struct {
	Config string `help:"Configuration file." default:"/etc/tapshelf/tapshelf.toml" type:"path"`
	JSON   bool   `help:"For machines." name:"json"`
}

// diagnosis is one thing that was looked at.
type diagnosis struct {
	What  string `json:"what"`
	State string `json:"state"` // ok, warn, fail
	Say   string `json:"say"`
	Do    string `json:"do,omitempty"` // what to do about it
}

func ok(what, say string, args ...any) diagnosis {
	return diagnosis{What: what, State: "ok", Say: fmt.Sprintf(say, args...)}
}

func warn(what, do, say string, args ...any) diagnosis {
	return diagnosis{What: what, State: "warn", Say: fmt.Sprintf(say, args...), Do: do}
}

func fail(what, do, say string, args ...any) diagnosis {
	return diagnosis{What: what, State: "fail", Say: fmt.Sprintf(say, args...), Do: do}
}

func (d doctorCmd) Run(a *app) error {
	all := examine(a.ctx, d.Config)
	if d.JSON {
		out := json.NewEncoder(a.out)
		out.SetIndent("", "  ")
		if err := out.Encode(all); err != nil {
			return err
		}
	} else {
		for _, x := range all {
			a.printf("%-4s  %-10s %s\n", x.State, x.What, x.Say)
			if x.Do != "" {
				a.printf("      %-10s → %s\n", "", x.Do)
			}
		}
	}
	if slices.ContainsFunc(all, func(x diagnosis) bool { return x.State == "fail" }) {
		return exitCode(1)
	}
	return nil
}

// examine looks at everything that keeps a counter from working. It changes
// nothing.
func examine(ctx context.Context, path string) []diagnosis {
	c, err := loadConfig(path)
	if err != nil {
		return []diagnosis{fail("config", "mend these lines; systemd/tapshelf.toml explains every key", "%v", err)}
	}
	all := []diagnosis{ok("config", "%s has no mistakes", path)}
	all = append(all, examineClock(machineClock, c.Site.TrustClock, time.Now()), examineKey(c.SiteKey), examineDisk(c.Ledger.Path))
	all = append(all, examineLedger(ctx, c)...)
	for _, r := range c.Readers {
		all = append(all, examineReader(r))
	}
	if len(c.Readers) == 0 {
		all = append(all, warn("readers", "add a [[reader]] to the configuration", "none is configured"))
	}
	return all
}

func examineClock(f clockFiles, assured bool, now time.Time) diagnosis {
	if assured {
		return warn("clock", "", "%s UTC; the configuration vouches for it (site.trust_clock)", now.UTC().Format(time.DateTime))
	}
	if !f.trusted(now) {
		return fail("clock", "wait for the network time, or fit an RTC; until then nothing is lent, and returns are taken",
			"%s was not set since power-on", now.UTC().Format(time.DateTime))
	}
	return ok("clock", "%s UTC, set since power-on", now.UTC().Format(time.DateTime))
}

func examineKey(path string) diagnosis {
	if _, err := loadSiteKey(path); err != nil {
		return fail("key", "see the message; never make a new key for a ledger that has badges", "%v", err)
	}
	return ok("key", "%s can be read by nobody else", path)
}

// Below these the disk is nearly full.
const (
	diskLow  = 500 << 20
	diskFull = 50 << 20
)

func examineDisk(ledger string) diagnosis {
	dir := filepath.Dir(ledger)
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return fail("disk", "make the folder, owned by the user tapshelf", "%s: %v", dir, err)
	}
	free := int64(s.Bavail) * int64(s.Bsize) // their types differ between machines
	const readOnly = 1                       // ST_RDONLY
	switch {
	case s.Flags&readOnly != 0:
		return fail("disk", "the card may be worn out: replace it and restore a backup", "%s is read-only", dir)
	case free < diskFull:
		return fail("disk", "remove old backups", "%s has %d MiB left", dir, free>>20)
	case free < diskLow:
		return warn("disk", "remove old backups", "%s has %d MiB left", dir, free>>20)
	}
	return ok("disk", "%s has %d MiB left", dir, free>>20)
}

func examineLedger(ctx context.Context, c config) []diagnosis {
	if !exists(c.Ledger.Path) {
		return []diagnosis{warn("ledger", "it is made when the counter is first started", "%s is not there yet", c.Ledger.Path)}
	}
	r, err := sqlite.Verify(ctx, c.Ledger.Path)
	switch {
	case err != nil:
		return []diagnosis{fail("ledger", "restore the newest backup: tapshelf ledger restore FILE", "%v", err)}
	case !r.OK():
		return []diagnosis{fail("ledger", "stop the counter, keep the file, restore the newest backup", "%s", r.Problems[0])}
	}
	out := []diagnosis{ok("ledger", "%d facts and %d loans verify", r.Facts, r.Loans)}
	key, err := loadSiteKey(c.SiteKey)
	if err != nil {
		return out
	}
	print, err := sqlite.KeyFingerprint(ctx, c.Ledger.Path)
	if err == nil && print != "" && print != key.Fingerprint() {
		out = append(out, fail("key", "put the key back that this ledger was made with", "it is not this ledger's key: no badge would be known"))
	}
	return out
}

func examineReader(r readerConfig) diagnosis {
	what := "reader"
	if r.Path == "" {
		return ok(what, "%s (%s) needs no device", r.Name, r.Driver)
	}
	f, err := os.OpenFile(r.Path, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fail(what, absent(r.Driver), "%s: %s is not there", r.Name, r.Path)
	case errors.Is(err, os.ErrPermission):
		return fail(what, "add the user to the group "+groupOf(r.Path)+" and start anew", "%s: %s may not be opened", r.Name, r.Path)
	case errors.Is(err, syscall.EBUSY):
		return fail(what, "stop the other program that uses it (a login console? see firmware-notes/raspberry-pi.md)", "%s: %s is in use", r.Name, r.Path)
	case err != nil:
		return fail(what, "see firmware-notes", "%s: %v", r.Name, err)
	}
	f.Close()
	return ok(what, "%s (%s) at %s can be opened", r.Name, r.Driver, r.Path)
}

// absent says what to look at when a device node is missing.
func absent(driver string) string {
	if driver == "mfrc522" {
		return "switch SPI on (dtparam=spi=on in /boot/firmware/config.txt) and restart"
	}
	if found, _ := filepath.Glob("/dev/serial/by-id/*"); len(found) > 0 {
		return "these are plugged in: " + strings.Join(found, " ")
	}
	return "plug the reader in; nothing is in /dev/serial/by-id"
}

// groupOf names the group that may use a device.
func groupOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "dialout"
	}
	if s, isStat := info.Sys().(*syscall.Stat_t); isStat {
		if g, err := user.LookupGroupId(fmt.Sprint(s.Gid)); err == nil {
			return g.Name
		}
	}
	return "dialout"
}
