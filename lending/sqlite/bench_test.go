package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "time/tzdata"

	"tapshelf/lending"
	"tapshelf/lending/lendingtest"
	"tapshelf/lending/sqlite"
)

// benchDesk is a Desk on a ledger with one patron and enough things.
func benchDesk(b *testing.B, things int) (*sqlite.Store, *lending.Desk, lending.PatronID, []lending.ItemID) {
	b.Helper()
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "ledger.db"), sqlite.Options{
		Now: time.Now, NewID: lendingtest.NewID, Boot: "bench", BootTime: func() time.Duration { return 0 },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	registry := &lending.Registry{Store: store, Zone: time.UTC, Now: time.Now, NewID: lendingtest.NewID}
	name, kind := "Bench", "thing"
	records := []lending.Record{
		lending.PolicyRecord{LoanType: kind, Period: lending.Period{N: 1, Unit: lending.Day}, SelfService: true},
		lending.PatronRecord{ExternalID: "p", GivenName: &name},
		lending.TitleRecord{ExternalID: "t", Name: &name, LoanType: &kind},
	}
	title := "t"
	for i := range things {
		label := fmt.Sprintf("T-%06d", i)
		records = append(records, lending.ItemRecord{ExternalID: label, Title: &title, Label: &label})
	}
	results, err := registry.Apply(b.Context(), records, lending.ApplyOptions{Whole: true})
	if err != nil {
		b.Fatal(err)
	}
	var items []lending.ItemID
	for _, r := range results[3:] {
		items = append(items, lending.ItemID(r.ID))
	}
	desk := &lending.Desk{
		Store: store, Zone: time.UTC, Now: time.Now, NewID: lendingtest.NewID, NewSubject: lendingtest.NewSubject,
		ClockTrusted: func() bool { return true },
	}
	return store, desk, lending.PatronID(results[1].ID), items
}

// BenchmarkCheckoutAgainstItsBareStatements lends and takes back, and then
// replays the very statements with the very values on a bare connection to a
// copy of the ledger. "of-bare" is how near the Desk comes: 1 is as fast.
func BenchmarkCheckoutAgainstItsBareStatements(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			store, desk, patron, items := benchDesk(b, callers)
			copied := filepath.Join(b.TempDir(), "bare.db")
			if _, err := sqlite.Backup(b.Context(), store.Path(), copied); err != nil {
				b.Fatal(err)
			}
			stop := store.Trace()
			began := time.Now()
			b.ResetTimer()
			var wg sync.WaitGroup
			for c := range callers {
				wg.Go(func() {
					for i := c; i < b.N; i += callers {
						lendAndReturn(b, desk, patron, items[c])
					}
				})
			}
			wg.Wait()
			ours := time.Since(began)
			b.StopTimer()
			bare := replay(b, copied, stop())
			b.ReportMetric(bare.Seconds()/ours.Seconds(), "of-bare")
			b.ReportMetric(float64(2*b.N)/ours.Seconds(), "acts/s")
		})
	}
}

func lendAndReturn(b *testing.B, desk *lending.Desk, patron lending.PatronID, item lending.ItemID) {
	_, err := desk.Checkout(b.Context(), lending.CheckoutRequest{Op: lendingtest.NewID(), Station: "bench", Patron: patron, Item: item})
	if err == nil {
		_, err = desk.Return(b.Context(), lending.ReturnRequest{Op: lendingtest.NewID(), Station: "bench", Item: item})
	}
	if err != nil {
		b.Error(err)
	}
}

// replay runs statements on one connection with the ledger's pragmas, each
// prepared once, and says how long it took.
func replay(b *testing.B, path string, statements []sqlite.Statement) time.Duration {
	b.Helper()
	db, err := sql.Open("sqlite3", path+"?_journal_mode=WAL&_synchronous=FULL&_foreign_keys=on&_recursive_triggers=on&_secure_delete=on&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	prepared := map[string]*sql.Stmt{}
	began := time.Now()
	for _, s := range statements {
		stmt := prepared[s.Query]
		if stmt == nil {
			if stmt, err = conn.PrepareContext(b.Context(), s.Query); err != nil {
				b.Fatal(err)
			}
			prepared[s.Query] = stmt
		}
		rows, err := stmt.Query(s.Args...)
		if err != nil {
			b.Fatalf("%s: %v", s.Query, err)
		}
		for rows.Next() {
		}
		if err := rows.Close(); err != nil {
			b.Fatalf("%s: %v", s.Query, err)
		}
	}
	return time.Since(began)
}
