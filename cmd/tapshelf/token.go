package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tapshelf/kiosk/api"
	"tapshelf/lending"
	"tapshelf/lending/sqlite"
)

type tokenCmd struct {
	Add    tokenAddCmd    `cmd:"" help:"Make a token. Its secret is shown once."`
	Revoke tokenRevokeCmd `cmd:"" help:"Let a token in no more."`
	List   tokenListCmd   `cmd:"" help:"List tokens, without their secrets."`
}

type tokenAddCmd struct {
	ledgerFlag `embed:""`
	Name       string   `arg:"" help:"Which system it is for."`
	Scope      []string `help:"What it may do: feed:read, patrons:write, items:write, loans:write." required:""`
}

func (t tokenAddCmd) Run(a *app) error {
	scopes, err := parseScopes(t.Scope)
	if err != nil {
		return err
	}
	return withLedger(a, t.ledgerFlag, func(store *sqlite.Store) error {
		secret, token, err := newToken(t.Name, scopes)
		if err != nil {
			return err
		}
		if err := store.SaveToken(a.ctx, token, "cli"); err != nil {
			return err
		}
		a.printf("%s\n", secret)
		fmt.Fprintln(a.err, "This is the only time the token is shown.")
		return nil
	})
}

func parseScopes(words []string) ([]lending.Scope, error) {
	var scopes []lending.Scope
	for _, w := range words {
		s := lending.Scope(w)
		if !slices.Contains(lending.Scopes(), s) {
			return nil, fmt.Errorf("--scope: there is no %q; there are %v", w, lending.Scopes())
		}
		scopes = append(scopes, s)
	}
	return scopes, nil
}

func newToken(name string, scopes []lending.Scope) (secret string, t lending.Token, err error) {
	if name = strings.TrimSpace(name); name == "" {
		return "", t, errors.New("a token's name is not empty")
	}
	secret, hash := api.NewSecret()
	return secret, lending.Token{ID: newID(), Name: name, Hash: hash, Scopes: scopes, Created: time.Now()}, nil
}

type tokenRevokeCmd struct {
	ledgerFlag `embed:""`
	ID         string `arg:"" help:"Id of the token, from \"tapshelf token list\"."`
}

func (t tokenRevokeCmd) Run(a *app) error {
	return withLedger(a, t.ledgerFlag, func(store *sqlite.Store) error {
		tokens, err := store.Tokens(a.ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(tokens, func(x lending.Token) bool { return x.ID == t.ID })
		if i < 0 {
			return errors.New("no token has this id; \"tapshelf token list\" shows them")
		}
		now := time.Now()
		tokens[i].Revoked = &now
		return store.SaveToken(a.ctx, tokens[i], "cli")
	})
}

type tokenListCmd struct {
	ledgerFlag `embed:""`
}

func (t tokenListCmd) Run(a *app) error {
	return withLedger(a, t.ledgerFlag, func(store *sqlite.Store) error {
		tokens, err := store.Tokens(a.ctx)
		if err != nil {
			return err
		}
		for _, x := range tokens {
			used, state := "never used", ""
			if x.LastUsed != nil {
				used = "last used " + x.LastUsed.Format(time.DateTime) + " UTC"
			}
			if x.Revoked != nil {
				state = "  revoked"
			}
			a.printf("%s  %s  %v  %s%s\n", x.ID, x.Name, x.Scopes, used, state)
		}
		return nil
	})
}
