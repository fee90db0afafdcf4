package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"

	"tapshelf/lending"
)

// readers is how many snapshots can be open at once.
const readers = 4

// Options say where time and identity come from.
type Options struct {
	Now   func() time.Time
	NewID func() string // UUIDv7
	// Boot is the machine's boot id; BootTime the time since that boot,
	// sleep included (CLOCK_BOOTTIME).
	Boot     string
	BootTime func() time.Duration
	// BackupBeforeMigration is called with the path of the file when its
	// schema is about to be raised; if it fails, nothing is migrated.
	BackupBeforeMigration func(ctx context.Context, path string) error
}

// Store is an open ledger file. It implements lending.Store.
type Store struct {
	opt    Options
	path   string
	origin string
	epoch  int

	write *sql.DB
	read  *sql.DB
	pool  chan *conn
	jobs  chan job
	quit  chan struct{}
	done  chan struct{}

	closing sync.Once

	mu        sync.Mutex // guards committed and broken
	committed chan struct{}
	broken    error
}

// Open opens the ledger at path, creating it if there is none, and raises
// its schema to this program's. It refuses a file whose schema is newer
// (ErrNewerSchema), and one that does not take the pragmas that keep its
// promises.
func Open(ctx context.Context, path string, opt Options) (*Store, error) {
	s := &Store{
		opt: opt, path: path,
		write: sql.OpenDB(connector{dsn: dsn(path, "_txlock=immediate"), want: writerPragmas}),
		read:  sql.OpenDB(connector{dsn: dsn(path, "_query_only=on"), want: readerPragmas}),
		pool:  make(chan *conn, readers), jobs: make(chan job),
		quit: make(chan struct{}), done: make(chan struct{}), committed: make(chan struct{}),
	}
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(readers)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", path, err), s.read.Close(), s.write.Close())
	}
	return s, nil
}

func (s *Store) start(ctx context.Context) error {
	if err := migrate(ctx, s.write, s.path, s.opt); err != nil {
		return err
	}
	c, err := newConn(ctx, s.write)
	if err != nil {
		return err
	}
	if err := s.identify(c); err != nil {
		return errors.Join(err, c.close())
	}
	for range readers {
		r, err := newConn(ctx, s.read)
		if err != nil {
			return errors.Join(err, c.close())
		}
		s.pool <- r
	}
	go s.run(c)
	return nil
}

// identify reads which ledger this is, or makes a new one somebody.
func (s *Store) identify(c *conn) error {
	_, err := c.exec(`INSERT INTO meta (one, origin, epoch) VALUES (1, ?, 1) ON CONFLICT DO NOTHING`, s.opt.NewID())
	if err != nil {
		return err
	}
	return c.row(`SELECT origin, epoch FROM meta`, nil, &s.origin, &s.epoch)
}

// Close finishes the write in hand and closes the file. Calls that come
// afterwards fail with ErrClosed; closing again does nothing.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.quit)
		<-s.done
		var errs []error
		for range readers {
			errs = append(errs, (<-s.pool).close())
		}
		err = errors.Join(append(errs, s.read.Close(), s.write.Close())...)
	})
	return err
}

// Path is where the file lies.
func (s *Store) Path() string { return s.path }

// dsn asks for everything that keeps the promises; connector checks that it
// was granted.
func dsn(path, more string) string {
	return fileURI(path) + "?_journal_mode=WAL&_synchronous=FULL&_foreign_keys=on&_busy_timeout=5000" +
		"&_recursive_triggers=on&_secure_delete=on&" + more
}

// readOnly opens a file that may be a backup: it is looked at as it is, so
// no journal mode is asked for.
func readOnly(path, more string) string {
	return fileURI(path) + "?mode=ro&_foreign_keys=on&_busy_timeout=5000&" + more
}

func fileURI(path string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	return u.String()
}

// pragma is a setting and the value it must read back as.
type pragma struct{ name, want string }

var (
	commonPragmas = []pragma{
		{"journal_mode", "wal"}, {"synchronous", "2"}, {"foreign_keys", "1"}, {"busy_timeout", "5000"},
		{"recursive_triggers", "1"}, {"secure_delete", "1"},
	}
	writerPragmas = append(commonPragmas[:len(commonPragmas):len(commonPragmas)], pragma{"query_only", "0"})
	readerPragmas = append(commonPragmas[:len(commonPragmas):len(commonPragmas)], pragma{"query_only", "1"})
)

// connector opens connections and refuses one on which a pragma did not
// take: the driver ignores a misspelt parameter without a word, and its
// default in WAL mode loses acknowledged loans in a power cut.
type connector struct {
	dsn  string
	want []pragma
}

func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	dc, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	for _, p := range c.want {
		got, err := readPragma(dc.(*sqlite3.SQLiteConn), p.name)
		if err == nil && got != p.want {
			err = fmt.Errorf("pragma %s reads back %q, must be %q", p.name, got, p.want)
		}
		if err != nil {
			return nil, errors.Join(err, dc.Close())
		}
	}
	return dc, nil
}

func readPragma(c *sqlite3.SQLiteConn, name string) (string, error) {
	rows, err := c.Query("PRAGMA "+name, nil)
	if err != nil {
		return "", fmt.Errorf("pragma %s: %w", name, err)
	}
	defer rows.Close()
	v := make([]driver.Value, 1)
	if err := rows.Next(v); err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("pragma %s: %w", name, err)
	}
	return fmt.Sprint(v[0]), nil
}

// CheckKey ties the ledger to a site key at its first use, and afterwards
// says whether this is the same one.
func (s *Store) CheckKey(ctx context.Context, k lending.Key) error {
	return s.Write(ctx, func(tx lending.Tx) error {
		t := tx.(*Tx)
		var have string
		if err := t.c.row(`SELECT key FROM meta`, nil, &have); err != nil {
			return err
		}
		switch have {
		case k.Fingerprint():
			return nil
		case "":
			_, err := t.c.exec(`UPDATE meta SET key = ?`, k.Fingerprint())
			return err
		default:
			return ErrOtherKey
		}
	})
}

// ErrOtherKey is answered by CheckKey when the ledger was made with another
// site key: it would know no badge.
var ErrOtherKey = errors.New("this ledger was made with another site key, so it would know no badge and no tag")

// KeyFingerprint reads which site key the ledger at path was made with;
// empty if it has not been used yet. It changes nothing.
func KeyFingerprint(ctx context.Context, path string) (string, error) {
	db := sql.OpenDB(connector{dsn: readOnly(path, "_query_only=on")})
	defer db.Close()
	var print string
	if err := db.QueryRowContext(ctx, `SELECT key FROM meta`).Scan(&print); err != nil {
		return "", fmt.Errorf("key of %s: %w", path, err)
	}
	return print, nil
}
