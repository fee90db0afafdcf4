package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"tapshelf/kiosk/web"
	"tapshelf/lending"
	"tapshelf/lending/sqlite"
)

type userCmd struct {
	Add     userAddCmd     `cmd:"" help:"Add somebody, or set their password anew."`
	Disable userDisableCmd `cmd:"" help:"Let somebody log in no more."`
	List    userListCmd    `cmd:"" help:"List who may log in."`
}

// withLedger opens a ledger for the time of one verb.
func withLedger(a *app, f ledgerFlag, do func(*sqlite.Store) error) error {
	path, err := f.resolve()
	if err != nil {
		return err
	}
	store, err := openLedger(a.ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(do(store), store.Close())
}

type userAddCmd struct {
	ledgerFlag `embed:""`
	Name       string `arg:"" help:"Login name."`
	Role       string `help:"desk lends and takes back; admin also manages tokens and staff." enum:"desk,admin" default:"desk"`
	Patron     string `help:"External id of their own patron record, whose badge approves at a station."`
}

func (u userAddCmd) Run(a *app) error {
	return withLedger(a, u.ledgerFlag, func(store *sqlite.Store) error {
		password, err := askPassword(a)
		if err != nil {
			return err
		}
		return addStaff(a.ctx, store, u.Name, lending.Role(u.Role), u.Patron, password)
	})
}

// addStaff adds a member of staff, or sets the role and password of one who
// is there.
func addStaff(ctx context.Context, store *sqlite.Store, name string, role lending.Role, patron, password string) error {
	if name = strings.TrimSpace(name); name == "" {
		return errors.New("a login name is not empty")
	}
	s, err := store.StaffByName(ctx, name)
	if errors.Is(err, lending.ErrNotFound) {
		s = lending.Staff{ID: lending.StaffID(newID()), Name: name}
	} else if err != nil {
		return err
	}
	if patron != "" {
		err := store.Read(ctx, func(tx lending.Tx) error {
			p, err := tx.PatronByExternal(patron)
			s.Patron = p.ID
			return err
		})
		if errors.Is(err, lending.ErrNotFound) {
			return errors.New("--patron: no patron has this external id")
		} else if err != nil {
			return err
		}
	}
	s.Role, s.PasswordHash, s.Disabled = role, web.HashPassword(password), nil
	return store.SaveStaff(ctx, s, "cli")
}

// shortestPassword follows NIST SP 800-63B §3.1.1.2 for passwords that are
// used alone.
const shortestPassword = 12

// askPassword reads a password twice from a terminal without showing it, or
// once from a pipe.
func askPassword(a *app) (string, error) {
	f, isFile := a.in.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(a.in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("password: %w", err)
		}
		return goodPassword(strings.TrimRight(line, "\r\n"))
	}
	read := func(prompt string) (string, error) {
		fmt.Fprint(a.err, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.err)
		return string(b), err
	}
	first, err := read("Password (at least 12 characters): ")
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	if _, err := goodPassword(first); err != nil {
		return "", err
	}
	again, err := read("Once more: ")
	if err == nil && again != first {
		err = errors.New("the two are not the same")
	}
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	return first, nil
}

func goodPassword(p string) (string, error) {
	if utf8.RuneCountInString(p) < shortestPassword {
		return "", fmt.Errorf("the password has fewer than %d characters", shortestPassword)
	}
	return p, nil
}

type userDisableCmd struct {
	ledgerFlag `embed:""`
	Name       string `arg:"" help:"Login name."`
}

func (u userDisableCmd) Run(a *app) error {
	return withLedger(a, u.ledgerFlag, func(store *sqlite.Store) error {
		s, err := store.StaffByName(a.ctx, u.Name)
		if errors.Is(err, lending.ErrNotFound) {
			return fmt.Errorf("nobody is called %q; \"tapshelf user list\" shows who is", u.Name)
		} else if err != nil {
			return err
		}
		now := time.Now()
		s.Disabled = &now
		return store.SaveStaff(a.ctx, s, "cli")
	})
}

type userListCmd struct {
	ledgerFlag `embed:""`
}

func (u userListCmd) Run(a *app) error {
	return withLedger(a, u.ledgerFlag, func(store *sqlite.Store) error {
		staff, err := store.ListStaff(a.ctx)
		if err != nil {
			return err
		}
		for _, s := range staff {
			state := ""
			if s.Disabled != nil {
				state = "  disabled"
			}
			a.printf("%-6s %s%s\n", s.Role, s.Name, state)
		}
		if len(staff) == 0 {
			a.printf("Nobody yet. Add somebody: tapshelf user add --role admin NAME\n")
		}
		return nil
	})
}
