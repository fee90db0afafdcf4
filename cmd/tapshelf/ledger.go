package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tapshelf/lending/sqlite"
)

type ledgerCmd struct {
	Verify  ledgerVerifyCmd  `cmd:"" help:"Prove that the ledger is whole."`
	Backup  ledgerBackupCmd  `cmd:"" help:"Write a verified copy."`
	Restore ledgerRestoreCmd `cmd:"" help:"Put a backup in the ledger's place."`
}

// ledgerFlag names the ledger by its own path or by the configuration.
type ledgerFlag struct {
	Config string `help:"Configuration file." default:"/etc/tapshelf/tapshelf.toml" type:"path"`
	Ledger string `help:"Ledger file, instead of the configuration's." type:"path"`
}

// resolve gives the ledger's path, and the configuration if it was read.
func (f ledgerFlag) resolve() (string, error) {
	if f.Ledger != "" {
		return f.Ledger, nil
	}
	c, err := loadConfig(f.Config)
	if err != nil {
		return "", err
	}
	return c.Ledger.Path, nil
}

type ledgerVerifyCmd struct {
	ledgerFlag `embed:""`
}

func (v ledgerVerifyCmd) Run(a *app) error {
	path, err := v.resolve()
	if err != nil {
		return err
	}
	r, err := sqlite.Verify(a.ctx, path)
	if err != nil {
		return err
	}
	for _, p := range r.Problems {
		a.printf("%s\n", p)
	}
	if !r.OK() {
		a.printf("This ledger is not whole. Stop lending, keep the file, and restore the newest backup that verifies.\n")
		return exitCode(1)
	}
	a.printf("The ledger is whole: %d facts, %d loans; the chain, the tables and the file agree.\n", r.Facts, r.Loans)
	return nil
}

type ledgerBackupCmd struct {
	ledgerFlag `embed:""`
	To         string `arg:"" optional:"" help:"File to write; else one named by the time in the configured folder." type:"path"`
}

func (b ledgerBackupCmd) Run(a *app) error {
	path, err := b.resolve()
	if err != nil {
		return err
	}
	if b.To == "" {
		dir := filepath.Join(filepath.Dir(path), "backups")
		if b.Ledger == "" {
			c, err := loadConfig(b.Config)
			if err != nil {
				return err
			}
			dir = c.Ledger.Backups
		}
		b.To = filepath.Join(dir, "ledger-"+time.Now().UTC().Format("20060102T150405Z")+".db")
	}
	r, err := sqlite.Backup(a.ctx, path, b.To)
	if err != nil {
		return err
	}
	a.printf("%s holds %d facts and verifies.\nKeep the site key too, elsewhere: without it the backup knows no badge and no tag.\n", b.To, r.Facts)
	return nil
}

type ledgerRestoreCmd struct {
	ledgerFlag `embed:""`
	From       string `arg:"" help:"Backup to restore." type:"existingfile"`
}

func (r ledgerRestoreCmd) Run(a *app) error {
	path, err := r.resolve()
	if err != nil {
		return err
	}
	unlock, err := lockLedger(path)
	if err != nil {
		return err
	}
	defer unlock()
	aside := path + ".before-restore-" + time.Now().UTC().Format("20060102T150405Z")
	report, err := sqlite.Restore(a.ctx, r.From, path, aside)
	if err != nil {
		return err
	}
	a.printf("Restored: %d facts, %d loans. The ledger that was there is kept as %s.\n", report.Facts, report.Loans, filepath.Base(aside))
	return nil
}

// lockLedger makes sure that one daemon at a time uses a ledger, and none
// while it is restored. The lock goes with the process, however it ends.
func lockLedger(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("lock the ledger: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the ledger %s is in use by another tapshelf; stop it first", path)
		}
		return nil, fmt.Errorf("lock the ledger: %w", err)
	}
	return f.Close, nil
}
