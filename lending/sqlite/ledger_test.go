package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapshelf/lending"
	"tapshelf/lending/lendingtest"
	"tapshelf/lending/sqlite"
)

// lentOnce is a ledger with one person, one laptop and one loan.
func lentOnce(t *testing.T) (*lendingtest.Scene, lending.Outcome) {
	s := lendingtest.NewScene(t)
	s.Policy("laptop", "3 days at 18:00", 3, 1)
	ada, laptop := s.Patron("Ada"), s.Item("LAP-001", "ThinkPad T14", "laptop")
	out, err := s.Desk.Tap(t.Context(), lending.TapRequest{Op: "op-1", Station: "front", Item: laptop, Patron: ada})
	if err != nil {
		t.Fatal(err)
	}
	return s, out
}

func TestALoanIsThereAfterTheLedgerIsOpenedAgain(t *testing.T) {
	s, out := lentOnce(t)
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	s.Open()
	l, err := s.Store.LoanView(t.Context(), out.Loan)
	if err != nil {
		t.Fatal(err)
	}
	if l.PatronName != "Ada" || l.Thing.Label != "LAP-001" || !l.DueAt.Equal(*out.Due) {
		t.Errorf("got %+v", l)
	}
	s.Verified()
}

func TestVerifySeesWhatSomebodyChangedBehindItsBack(t *testing.T) {
	for name, tamper := range map[string]string{
		"a due instant was moved":          `UPDATE loan SET due_at = due_at + 1`,
		"a loan was removed":               `DELETE FROM loan`,
		"a loan's person was unlinked":     `DROP TRIGGER subject_of_open_loan_stays; DELETE FROM subject`,
		"a fact's body was edited":         `DROP TRIGGER fact_is_not_changed; UPDATE fact SET body = CAST(replace(CAST(body AS TEXT), 'front', 'fronT') AS BLOB) WHERE kind = 'lent'`,
		"a fact was removed":               `DROP TRIGGER fact_is_not_removed; DELETE FROM fact WHERE seq = 3`,
		"the newest fact was removed":      `DROP TRIGGER fact_is_not_removed; DELETE FROM fact WHERE kind = 'lent'`,
		"an item was renamed without fact": `UPDATE item SET label = 'LAP-999'`,
		"a patron's rev was raised":        `UPDATE patron SET rev = rev + 1`,
		"a patron was slipped in":          `INSERT INTO patron SELECT 'x', 'y', given_name, '', '', 'active', NULL, '', '', '', 1 FROM patron`,
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := lentOnce(t)
			s.Store.Close()
			db, err := sql.Open("sqlite3", s.Path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(tamper); err != nil {
				t.Fatal(err)
			}
			db.Close()
			r, err := sqlite.Verify(t.Context(), s.Path)
			if err != nil {
				t.Fatal(err)
			}
			if r.OK() {
				t.Error("verify finds nothing")
			}
			s.Open()
		})
	}
}

func TestTheFileItselfRefusesWhatMustNeverBeStored(t *testing.T) {
	s, _ := lentOnce(t)
	db, err := sql.Open("sqlite3", s.Path+"?_foreign_keys=on&_recursive_triggers=on")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, stmt := range map[string]string{
		"a fact is not edited":               `UPDATE fact SET at = 0`,
		"a fact is not removed":              `DELETE FROM fact`,
		"a fact is not replaced":             `INSERT OR REPLACE INTO fact SELECT * FROM fact`,
		"an item is not deleted":             `DELETE FROM item`,
		"an item on loan is not retired":     `UPDATE item SET retired = 1, retired_reason = 'old'`,
		"nothing is retired without reason":  `UPDATE item SET retired = 1`,
		"an open loan keeps its patron":      `DELETE FROM subject`,
		"an item has one open loan":          `INSERT INTO subject SELECT randomblob(16), patron FROM subject; INSERT INTO loan SELECT 'x', item, title, loan_type, category, (SELECT subject FROM subject WHERE subject NOT IN (SELECT subject FROM loan)), policy, policy_rev, lent_at, due_at, station, lent_by, NULL, NULL, 0 FROM loan`,
		"nothing is returned before it left": `UPDATE loan SET returned_at = lent_at - 1, returned_by = 'x'`,
		"a tag is not badge and item tag":    `UPDATE tag_key SET badge = (SELECT id FROM badge), tag = (SELECT id FROM item_tag)`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := db.Exec(stmt); err == nil {
				t.Error("it took it")
			}
		})
	}
}

func TestANewerLedgerIsRefusedAndLeftAlone(t *testing.T) {
	s, _ := lentOnce(t)
	s.Store.Close()
	db, _ := sql.Open("sqlite3", s.Path)
	if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before, _ := os.ReadFile(s.Path)
	_, err := sqlite.Open(t.Context(), s.Path, s.Options())
	if !errors.Is(err, sqlite.ErrNewerSchema) || !strings.Contains(err.Error(), "99") || !strings.Contains(err.Error(), "knows 1") {
		t.Errorf("got %v, want a refusal that names both versions", err)
	}
	after, _ := os.ReadFile(s.Path)
	if string(before) != string(after) {
		t.Error("the file was changed")
	}
	s.Path = filepath.Join(t.TempDir(), "other.db")
	s.Open()
}

func TestABackupRestoresToANewEpochAndKeepsTheOldLedger(t *testing.T) {
	s, out := lentOnce(t)
	dir := t.TempDir()
	backup := filepath.Join(dir, "ledger-1.db")
	if _, err := sqlite.Backup(t.Context(), s.Path, backup); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Backup(t.Context(), s.Path, backup); err == nil {
		t.Error("a backup overwrote another")
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 1 {
		t.Errorf("beside the backup lie %v", left)
	}
	if _, err := s.Desk.Return(t.Context(), lending.ReturnRequest{Op: "op-2", Station: "desk", Item: out.Item}); err != nil {
		t.Fatal(err)
	}
	s.Store.Close()
	aside := s.Path + ".aside"
	if _, err := sqlite.Restore(t.Context(), backup, s.Path, aside); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Verify(t.Context(), aside); err != nil {
		t.Errorf("the ledger kept aside: %v", err)
	}
	s.Open()
	head, err := s.Store.Head(t.Context())
	if err != nil || head.Epoch != 2 {
		t.Errorf("after a restore the head is %+v (%v), want epoch 2", head, err)
	}
	if l, err := s.Store.LoanView(t.Context(), out.Loan); err != nil || !l.Open() {
		t.Errorf("the restored loan is %+v (%v), want it open", l, err)
	}
	s.Verified()
}

func TestADamagedBackupIsNotRestored(t *testing.T) {
	s, _ := lentOnce(t)
	backup := filepath.Join(t.TempDir(), "b.db")
	if _, err := sqlite.Backup(t.Context(), s.Path, backup); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(backup)
	i := strings.Index(string(b), "LAP-001")
	b[i+6] = '2'
	os.WriteFile(backup, b, 0o600)
	s.Store.Close()
	if _, err := sqlite.Restore(t.Context(), backup, s.Path, s.Path+".aside"); err == nil {
		t.Error("it was restored")
	}
	s.Open()
	s.Verified()
}

func TestASubjectCanBeForgottenOnceTheLoanIsClosed(t *testing.T) {
	s, out := lentOnce(t)
	if _, err := s.Desk.Return(t.Context(), lending.ReturnRequest{Op: "op-2", Station: "desk", Item: out.Item}); err != nil {
		t.Fatal(err)
	}
	db, _ := sql.Open("sqlite3", s.Path)
	defer db.Close()
	if _, err := db.Exec(`DELETE FROM subject`); err != nil {
		t.Fatal(err)
	}
	l, err := s.Store.LoanView(t.Context(), out.Loan)
	if err != nil || l.Patron != "" || l.PatronName != "" {
		t.Errorf("got %+v (%v), want a loan of nobody", l, err)
	}
	s.Verified()
}

func TestAFullDiskRefusesWithoutLosingAnything(t *testing.T) {
	s, out := lentOnce(t)
	s.Store.LimitPages(t.Context())
	var err error
	for range 5000 {
		if err = s.Desk.Report(t.Context(), lending.Finding{Kind: lending.FindingUnknownTag, Station: "front"}); err != nil {
			break
		}
	}
	if err == nil {
		t.Fatal("the disk never was full")
	}
	if s.Store.Err() != nil {
		t.Errorf("a full disk broke the ledger for good: %v", s.Store.Err())
	}
	if l, err := s.Store.LoanView(t.Context(), out.Loan); err != nil || !l.Open() {
		t.Errorf("the loan is %+v (%v)", l, err)
	}
	s.Verified()
}

func TestFeedHasEveryFactOnceAndNoSecrets(t *testing.T) {
	s, _ := lentOnce(t)
	changes, head, err := s.Store.Changes(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(changes)) != head.Position {
		t.Errorf("%d changes, the head is at %d", len(changes), head.Position)
	}
	var patronRow map[string]any
	for i, c := range changes {
		if c.Position != int64(i+1) {
			t.Errorf("change %d has position %d", i, c.Position)
		}
		if b, err := lending.Decode[lending.ChangedBody](c.Fact); c.Fact.Kind == lending.FactChanged && err == nil && b.Table == "patron" {
			patronRow = c.Row
			if b.After != nil {
				t.Error("a fact about a patron holds values")
			}
		}
		if c.Fact.Kind == lending.FactLent && c.PatronExternal != "p-Ada" {
			t.Errorf("the loan is of %q", c.PatronExternal)
		}
	}
	if patronRow["given_name"] != "Ada" {
		t.Errorf("the patron's row says %v", patronRow)
	}
}

func TestAReaderCannotWrite(t *testing.T) {
	s, _ := lentOnce(t)
	err := s.Store.Read(t.Context(), func(tx lending.Tx) error {
		_, err := tx.SavePatron(lending.Patron{ID: "x"}, "test")
		return err
	})
	if err == nil {
		t.Error("it wrote")
	}
	err = s.Store.Read(t.Context(), func(tx lending.Tx) error { return tx.Link(lending.Subject{1}, "x") })
	if err == nil {
		t.Error("it wrote")
	}
}

func TestACancelledCallerDoesNotStopTheWrite(t *testing.T) {
	s, out := lentOnce(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Store.Write(ctx, func(tx lending.Tx) error {
		cancel()
		_, err := tx.Append(lending.Fact{Kind: lending.FactReturned, Version: 1, Item: out.Item, Loan: out.Loan, Body: []byte(`{}`)})
		return err
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := s.Store.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l, _ := s.Store.LoanView(t.Context(), out.Loan); l.Open() {
		t.Error("the write was lost although it had begun")
	}
}
