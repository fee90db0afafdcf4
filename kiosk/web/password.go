package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"
)

// The cost of a password: argon2id with 19 MiB, two passes, one lane.
const (
	argonMemory = 19 * 1024
	argonPasses = 2
	argonLanes  = 1
	argonKey    = 32
)

var b64 = base64.RawStdEncoding

// HashPassword gives a password's argon2id hash in PHC form.
func HashPassword(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails since Go 1.24
	key := argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonLanes, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemory, argonPasses, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// VerifyPassword says whether a password belongs to a hash of HashPassword.
// An empty password or a hash that cannot be read never does.
//
// Two are verified at once and others wait: each takes 19 MiB, and a flood of
// logins must not take a Pi's memory from the counter.
func VerifyPassword(hash, password string) bool {
	verifying <- struct{}{}
	defer func() { <-verifying }()
	return verify(hash, password)
}

// verifying has a place for each password that is verified at this moment.
var verifying = make(chan struct{}, 2)

func verify(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || password == "" {
		return false
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	if n, err := fmt.Sscanf(parts[2], "v=%d", &version); n != 1 || err != nil || version != argon2.Version {
		return false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); n != 3 || err != nil ||
		memory > 1<<20 || passes == 0 || passes > 20 || lanes == 0 {
		return false
	}
	salt, errSalt := b64.DecodeString(parts[4])
	want, errKey := b64.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || len(want) < 16 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// nobody is the hash that is verified when a name is unknown, so that the
// time of an answer does not tell which names there are.
var nobody = sync.OnceValue(func() string { return HashPassword("nobody has this password") })

// PretendToVerify takes as long as VerifyPassword.
func PretendToVerify(password string) { VerifyPassword(nobody(), password+"x") }

// Throttle slows down guessing: after Free failures in a row of one key, each
// further attempt waits twice as long as the one before, up to Most.
type Throttle struct {
	Now  func() time.Time
	Free int
	Most time.Duration

	mu    sync.Mutex // guards tries
	tries map[string]tries
}

type tries struct {
	failed int
	until  time.Time
}

// Check says how long the key must still wait; nil if not at all.
func (t *Throttle) Check(key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := t.tries[key].until.Sub(t.Now()); wait > 0 {
		return &TooMany{Wait: wait}
	}
	return nil
}

// Failed counts a failure of the key.
func (t *Throttle) Failed(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Now()
	if t.tries == nil || len(t.tries) > 10_000 {
		t.forget(now)
	}
	x := t.tries[key]
	x.failed++
	if over := x.failed - t.Free; over >= 0 {
		x.until = now.Add(min(t.Most, time.Second<<min(over, 20)))
	}
	t.tries[key] = x
}

// Succeeded forgets the key's failures.
func (t *Throttle) Succeeded(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tries, key)
}

// forget keeps the map small: keys that need not wait are dropped.
func (t *Throttle) forget(now time.Time) {
	kept := map[string]tries{}
	for k, x := range t.tries {
		if x.until.After(now) {
			kept[k] = x
		}
	}
	t.tries = kept
}
