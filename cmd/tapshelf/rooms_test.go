package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// root is the top of the tree, seen from this package.
const root = "../.."

// pkg is one package: where it lies and what its files import. Test files
// are left out.
type pkg struct {
	path    string // "lending/sqlite"
	imports []string
	doc     bool
}

func packages(t *testing.T) []pkg {
	t.Helper()
	found := map[string]*pkg{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		add(found, filepath.ToSlash(dir), f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for _, p := range found {
		all = append(all, *p)
	}
	return all
}

func add(found map[string]*pkg, dir string, f *ast.File) {
	p := found[dir]
	if p == nil {
		p = &pkg{path: dir}
		found[dir] = p
	}
	p.doc = p.doc || f.Doc != nil
	for _, i := range f.Imports {
		p.imports = append(p.imports, strings.Trim(i.Path.Value, `"`))
	}
}

// room is one row of the dependency table. The first row that matches a
// package's path rules it. Patterns are those of path.Match.
type room struct {
	pattern string
	// own lists which packages of this tree it may import.
	own []string
	// modules lists which other modules it may import, by prefix.
	modules []string
	// not lists standard packages it may not import; those below count too.
	not []string
}

var pure = []string{"os", "net", "database/sql"}

var rooms = []room{
	{"cmd/tapshelf", []string{"*", "*/*", "*/*/*"}, []string{""}, nil},
	{"systemd", nil, nil, nil},
	// What only tests import may import what it tests.
	{"lending/lendingtest", []string{"lending", "lending/sqlite"}, []string{"github.com/google/uuid"}, nil},
	{"kiosk/web/looktest", nil, []string{"github.com/chromedp/"}, nil},
	{"devices/devicestest", []string{"devices", "devices/tag"}, nil, nil},
	{"devices/*/*test", []string{"devices", "devices/tag"}, []string{"periph.io/"}, nil},

	{"lending", nil, nil, pure},
	{"lending/sqlite", []string{"lending"}, []string{"github.com/mattn/go-sqlite3", "github.com/pressly/goose/v3", "golang.org/x/text/"}, nil},
	{"devices", []string{"devices/tag"}, nil, nil},
	{"devices/tag", nil, nil, nil},
	{"devices/*", []string{"devices", "devices/tag"}, []string{"periph.io/", "go.bug.st/serial"}, nil},
	{"kiosk", []string{"lending", "devices", "devices/tag"}, nil, pure},
	{"kiosk/words", []string{"kiosk", "lending", "devices/tag"}, []string{"github.com/nicksnyder/go-i18n/", "github.com/pelletier/go-toml/", "golang.org/x/text/"}, nil},
	{"kiosk/web", []string{"kiosk", "lending", "devices/tag"}, []string{"github.com/gofiber/fiber/", "golang.org/x/crypto/"}, nil},
	{"kiosk/*", []string{"kiosk", "kiosk/words", "kiosk/web", "lending", "devices/tag"}, []string{"github.com/gofiber/fiber/", "github.com/valyala/fasthttp", "github.com/google/uuid", "golang.org/x/text/"}, nil},
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, p := range packages(t) {
		r := roomOf(p.path)
		if r == nil {
			t.Errorf("package %s has no room in the table", p.path)
			continue
		}
		for _, i := range p.imports {
			if !r.admits(i) {
				t.Errorf("%s may not import %s", p.path, i)
			}
		}
	}
}

func roomOf(p string) *room {
	for i := range rooms {
		if ok, err := path.Match(rooms[i].pattern, p); ok && err == nil {
			return &rooms[i]
		}
	}
	return nil
}

func (r *room) admits(imported string) bool {
	if own, ours := strings.CutPrefix(imported, "tapshelf/"); ours {
		for _, pattern := range r.own {
			if ok, err := path.Match(pattern, own); ok && err == nil {
				return true
			}
		}
		return false
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		for _, m := range r.modules {
			if strings.HasPrefix(imported, m) {
				return true
			}
		}
		return false
	}
	for _, n := range r.not {
		if imported == n || strings.HasPrefix(imported, n+"/") {
			return false
		}
	}
	return true
}

func TestTheTableRefusesWhatItShould(t *testing.T) {
	for _, test := range []struct{ from, to string }{
		{"lending", "database/sql"}, {"lending", "os"}, {"lending", "net/http"}, {"lending", "tapshelf/devices"},
		{"lending/sqlite", "tapshelf/kiosk"}, {"devices", "tapshelf/lending"}, {"devices/em4100", "tapshelf/devices/mfrc522"},
		{"kiosk", "github.com/gofiber/fiber/v2"}, {"kiosk/staff", "tapshelf/lending/sqlite"}, {"kiosk/api", "github.com/mattn/go-sqlite3"},
	} {
		if roomOf(test.from).admits(test.to) {
			t.Errorf("%s is let in to %s", test.to, test.from)
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	for _, p := range packages(t) {
		if !p.doc {
			t.Errorf("package %s says nothing of itself", p.path)
		}
	}
}

// released are migrations that ledgers out there have been through. Add a
// line for a new one; never change one that is here.
var released = map[string]string{
	"00001_ledger.sql": "325effec2fc39be593d4e9cf4c6b05f5fadd51b82d067365930edb1e3d12a792",
}

func TestMigrationsAreNeverChanged(t *testing.T) {
	dir := root + "/lending/sqlite/migrations"
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		body, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		if got := hex.EncodeToString(sum[:]); released[f.Name()] != got {
			t.Errorf("migration %s has the hash %s, released is %q", f.Name(), got, released[f.Name()])
		}
	}
	if len(files) != len(released) {
		t.Errorf("%d migrations, %d released", len(files), len(released))
	}
}

func TestNothingKeepsTimeOutsideCmd(t *testing.T) {
	for _, dir := range []string{"lending", "kiosk", "devices"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "test/") {
				return err
			}
			body, err := os.ReadFile(name)
			if strings.Contains(string(body), "time.Now()") {
				t.Errorf("%s asks the machine for the time; the time is handed in", name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
