package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tapshelf/lending"
)

// loadSiteKey reads the site key: 64 hex digits, readable by nobody else.
func loadSiteKey(path string) (lending.Key, error) {
	var key lending.Key
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return key, fmt.Errorf("there is no site key at %s; make one, once, with: tapshelf key --new %s", path, path)
	} else if err != nil {
		return key, fmt.Errorf("site key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return key, fmt.Errorf("the site key %s can be read by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return key, fmt.Errorf("site key: %w", err)
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != len(key) {
		return key, fmt.Errorf("the site key %s is not 64 hex digits; restore it from where it is kept", path)
	}
	copy(key[:], b)
	return key, nil
}

// createSiteKey draws a site key. It never replaces one.
func createSiteKey(path string) error {
	var key lending.Key
	rand.Read(key[:]) // never fails since Go 1.24
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("site key: %w", err)
	}
	_, err = fmt.Fprintln(f, hex.EncodeToString(key[:]))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("site key: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("site key: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

type keyCmd struct {
	New string `help:"Draw a new site key into this file." required:"" type:"path"`
}

func (k keyCmd) Run(a *app) error {
	if err := createSiteKey(k.New); err != nil {
		return err
	}
	a.printf("%s is the site key. Keep a copy elsewhere: without it no badge and no tag is known.\n", k.New)
	return nil
}
