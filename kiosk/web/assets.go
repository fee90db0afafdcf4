package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"

	"github.com/gofiber/fiber/v2"
)

//go:embed static
var vendored embed.FS

// Assets are files under a URL that holds the hash of their content, so that
// a browser may keep them for ever.
type Assets struct {
	urls  map[string]string // name → URL
	files map[string]asset  // URL → content
}

type asset struct {
	mime string
	body []byte
}

var mimes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".woff2": "font/woff2",
	".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8", ".png": "image/png",
}

// NewAssets gathers the vendored files and those at the top of each folder.
// Two files of one name, or a kind of file that is not served, is an error.
func NewAssets(folders ...fs.FS) (*Assets, error) {
	own, err := fs.Sub(vendored, "static")
	if err != nil {
		return nil, err
	}
	a := &Assets{urls: map[string]string{}, files: map[string]asset{}}
	for _, folder := range append([]fs.FS{own}, folders...) {
		if err := a.add(folder); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *Assets) add(folder fs.FS) error {
	names, err := fs.Glob(folder, "*.*")
	if err != nil {
		return err
	}
	for _, name := range names {
		mime, served := mimes[path.Ext(name)]
		if !served || a.urls[name] != "" {
			return fmt.Errorf("asset %s: its kind is not served, or its name is taken", name)
		}
		body, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		hash := sha256.Sum256(body)
		u := "/assets/" + hex.EncodeToString(hash[:8]) + "/" + name
		a.urls[name], a.files[u] = u, asset{mime, body}
	}
	return nil
}

// URL is where a file is served. A name that is not there is an error, so
// that a template with a wrong name fails its tests.
func (a *Assets) URL(name string) (string, error) {
	if u, ok := a.urls[name]; ok {
		return u, nil
	}
	return "", fmt.Errorf("no asset is called %s", name)
}

// Mount serves the assets.
func (a *Assets) Mount(app *fiber.App) {
	app.Get("/assets/:hash/:name", func(c *fiber.Ctx) error {
		f, ok := a.files[c.Path()]
		if !ok {
			return fiber.ErrNotFound
		}
		c.Set(fiber.HeaderContentType, f.mime)
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
		return c.Send(f.body)
	})
}
