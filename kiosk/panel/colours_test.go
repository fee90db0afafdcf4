package panel_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// tokens reads the colours of panel.css.
func tokens(t *testing.T) map[string]string {
	t.Helper()
	css, err := os.ReadFile("static/panel.css")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): (#[0-9A-F]{6});`).FindAllStringSubmatch(string(css), -1) {
		all[m[1]] = m[2]
	}
	return all
}

// luminance is that of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatalf("%s is no colour", colour)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// axe does not look at the contrast of single characters and of borders.
func TestColoursStandOutFromTheirGround(t *testing.T) {
	all := tokens(t)
	for _, c := range []struct {
		ink, ground string
		least       float64
	}{
		{"ink", "ground", 15}, {"ink", "rail", 15}, {"ink-2", "ground", 7}, {"ink-2", "rail", 7},
		{"on-primary", "primary", 7}, {"primary", "ground", 7},
		{"ok", "ground", 6.9}, {"ok", "ok-ground", 6}, {"attention", "attention-ground", 7},
		{"attention", "ground", 7}, {"stop", "stop-ground", 6.8},
		{"ink", "ok-ground", 7}, {"ink", "attention-ground", 7}, {"ink", "stop-ground", 7},
		{"ink-2", "ok-ground", 6}, {"ink-2", "attention-ground", 6}, {"ink-2", "stop-ground", 6},
		{"line", "ground", 4}, {"line", "rail", 4}, // borders
		{"ok", "ground", 4}, {"stop", "stop-ground", 4}, {"attention", "attention-ground", 4},
	} {
		ink, ground := all[c.ink], all[c.ground]
		if ink == "" || ground == "" {
			t.Fatalf("panel.css has no colour %s or %s", c.ink, c.ground)
		}
		a, b := luminance(t, ink), luminance(t, ground)
		if got := (max(a, b) + 0.05) / (min(a, b) + 0.05); got < c.least {
			t.Errorf("%s on %s is %.1f : 1, want %.1f", c.ink, c.ground, got, c.least)
		}
	}
}
