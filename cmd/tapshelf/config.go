package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tapshelf/lending"
)

// config is /etc/tapshelf/tapshelf.toml. systemd/tapshelf.toml documents
// every key.
type config struct {
	Site        siteConfig      `toml:"site"`
	SiteKey     string          `toml:"site_key"`
	Ledger      ledgerConfig    `toml:"ledger"`
	Panel       panelConfig     `toml:"panel"`
	Staff       listenConfig    `toml:"staff"`
	API         listenConfig    `toml:"api"`
	Metrics     metricsConfig   `toml:"metrics"`
	TLS         tlsConfig       `toml:"tls"`
	BehindProxy bool            `toml:"behind_proxy"`
	Stations    []stationConfig `toml:"station"`
	Readers     []readerConfig  `toml:"reader"`
	Policies    []policyConfig  `toml:"policy"`
}

type siteConfig struct {
	Zone       string `toml:"zone"`
	Language   string `toml:"language"`
	TrustClock bool   `toml:"trust_clock"`
	Contact    string `toml:"contact"`
}

type ledgerConfig struct {
	Path    string `toml:"path"`
	Backups string `toml:"backups"`
}

type panelConfig struct {
	Listen   string   `toml:"listen"`
	FramedBy []string `toml:"framed_by"`
}

type listenConfig struct {
	Listen string   `toml:"listen"`
	Hosts  []string `toml:"hosts"`
}

type metricsConfig struct {
	Listen string `toml:"listen"`
}

type tlsConfig struct {
	Cert string `toml:"cert"`
	Key  string `toml:"key"`
}

type stationConfig struct {
	Name    string  `toml:"name"`
	Title   string  `toml:"title"`
	MM      float64 `toml:"mm"`
	Idle    int     `toml:"idle"`
	Warning int     `toml:"warning"`
	Green   string  `toml:"green"`
	Amber   string  `toml:"amber"`
	Red     string  `toml:"red"`
	Buzzer  string  `toml:"buzzer"`
}

type readerConfig struct {
	Name    string `toml:"name"`
	Station string `toml:"station"`
	Driver  string `toml:"driver"`
	Path    string `toml:"path"`
	Reset   string `toml:"reset"`
	OneShot bool   `toml:"one_shot"`
}

type policyConfig struct {
	LoanType    string `toml:"loan_type"`
	Period      string `toml:"period"`
	LimitTotal  int    `toml:"limit_total"`
	LimitType   int    `toml:"limit_type"`
	SelfService bool   `toml:"self_service"`
}

// defaults is a configuration that lacks only stations, readers and
// policies.
func defaults() config {
	return config{
		Site:    siteConfig{Zone: "UTC", Language: "en"},
		SiteKey: "/etc/tapshelf/site.key",
		Ledger:  ledgerConfig{Path: "/var/lib/tapshelf/ledger.db", Backups: "/var/lib/tapshelf/backups"},
		Panel:   panelConfig{Listen: "127.0.0.1:8080"},
		Staff:   listenConfig{Listen: "127.0.0.1:8443"},
		API:     listenConfig{Listen: "127.0.0.1:8444"},
		Metrics: metricsConfig{Listen: "127.0.0.1:9090"},
	}
}

// Sizes and times of a station that says nothing of them.
const (
	defaultMM      = 5.90 // 10.1 inch, 1280×800
	defaultIdle    = 60
	defaultWarning = 30
)

// loadConfig reads a configuration. Its error names every mistake, one a
// line, with file, line and key.
func loadConfig(path string) (config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return config{}, fmt.Errorf("configuration: %w", err)
	}
	return parseConfig(filepath.Base(path), text)
}

func parseConfig(file string, text []byte) (config, error) {
	c := defaults()
	m := decodeStrict(file, text, &c)
	for i := range c.Stations {
		c.Stations[i].fill()
	}
	if len(m.found) == 0 || len(m.lines) > 0 {
		c.check(m)
	}
	if credentials := os.Getenv("CREDENTIALS_DIRECTORY"); credentials != "" {
		if key := filepath.Join(credentials, "site.key"); exists(key) {
			c.SiteKey = key
		}
	}
	return c, m.err()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (s *stationConfig) fill() {
	if s.MM == 0 {
		s.MM = defaultMM
	}
	if s.Idle == 0 {
		s.Idle = defaultIdle
	}
	if s.Warning == 0 {
		s.Warning = defaultWarning
	}
	if s.Title == "" {
		s.Title = s.Name
	}
}

// zone is the site's time zone.
func (c config) zone() (*time.Location, error) { return time.LoadLocation(c.Site.Zone) }

// check finds values that the types let through.
func (c config) check(m *mistakes) {
	if _, err := c.zone(); err != nil || c.Site.Zone == "Local" {
		m.add("site.zone", "%q is not an IANA time zone like Asia/Hong_Kong", c.Site.Zone)
	}
	if !slices.Contains(lending.Languages(), c.Site.Language) {
		m.add("site.language", "%q is not one of %s", c.Site.Language, strings.Join(lending.Languages(), ", "))
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		m.add("tls", "cert and key go together")
	}
	for key, listen := range map[string]string{
		"panel.listen": c.Panel.Listen, "staff.listen": c.Staff.Listen, "api.listen": c.API.Listen, "metrics.listen": c.Metrics.Listen,
	} {
		c.checkListen(m, key, listen)
	}
	c.checkStations(m)
	c.checkReaders(m)
	c.checkPolicies(m)
}

// checkListen keeps pages with logins and tokens off the network unless they
// are encrypted; the panel and the metrics stay on this machine in any case.
func (c config) checkListen(m *mistakes, key, listen string) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		m.add(key, "%q is not an address like 127.0.0.1:8080", listen)
		return
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return
	}
	switch key {
	case "staff.listen", "api.listen":
		if c.TLS.Cert == "" && !c.BehindProxy {
			m.add(key, "listens beyond this machine; set tls.cert and tls.key, or behind_proxy = true")
		}
	default:
		m.add(key, "stays on this machine: use 127.0.0.1")
	}
}

var stationName = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9])*$`)

func (c config) checkStations(m *mistakes) {
	if len(c.Stations) == 0 {
		m.add("station", "there is none; add a [[station]] with a name")
	}
	seen := map[string]bool{}
	for i, s := range c.Stations {
		key := fmt.Sprintf("station[%d]", i)
		switch {
		case !stationName.MatchString(s.Name) || len(s.Name) > 40:
			m.add(key+".name", "%q is not a name of small letters, digits and hyphens", s.Name)
		case s.Name == "desk" || s.Name == "api":
			m.add(key+".name", "%q is what loans made by staff or by central systems are filed under; choose another", s.Name)
		case seen[s.Name]:
			m.add(key+".name", "two stations are called %q", s.Name)
		}
		seen[s.Name] = true
		if s.MM < 2 || s.MM > 20 {
			m.add(key+".mm", "a display has 2 to 20 CSS pixels per millimetre")
		}
		if s.Idle < 20 || s.Idle > 600 {
			m.add(key+".idle", "is 20 to 600 seconds")
		}
		if s.Warning < 20 || s.Warning > 300 {
			m.add(key+".warning", "is 20 to 300 seconds; people need 20 to answer (WCAG 2.2.1)")
		}
	}
}

func (c config) checkReaders(m *mistakes) {
	seen := map[string]bool{}
	for i, r := range c.Readers {
		key := fmt.Sprintf("reader[%d]", i)
		if r.Name == "" || seen[r.Name] {
			m.add(key+".name", "every reader has a name of its own")
		}
		seen[r.Name] = true
		if !slices.ContainsFunc(c.Stations, func(s stationConfig) bool { return s.Name == r.Station }) {
			m.add(key+".station", "no station is called %q", r.Station)
		}
		d, known := drivers[r.Driver]
		if !known {
			m.add(key+".driver", "%q is not a driver%s; there are %s", r.Driver, didYouMean(r.Driver, driverNames()), strings.Join(driverNames(), ", "))
			continue
		}
		if r.Path == "" && d.path != "" {
			m.add(key+".path", "is missing; for %s it is %s", r.Driver, d.path)
		}
	}
}

func (c config) checkPolicies(m *mistakes) {
	seen := map[string]bool{}
	for i, p := range c.Policies {
		key := fmt.Sprintf("policy[%d]", i)
		if p.LoanType == "" || seen[p.LoanType] {
			m.add(key+".loan_type", "every policy has a loan type of its own")
		}
		seen[p.LoanType] = true
		if _, err := lending.ParsePeriod(p.Period); err != nil {
			m.add(key+".period", "%v", err)
		}
		if p.LimitTotal < 0 || p.LimitType < 0 {
			m.add(key, "a limit is not below 0; 0 means none")
		}
	}
}

// policies gives the configured policies as records. The configuration has
// been checked.
func (c config) policies() ([]lending.PolicyRecord, error) {
	var out []lending.PolicyRecord
	for _, p := range c.Policies {
		period, err := lending.ParsePeriod(p.Period)
		if err != nil {
			return nil, err
		}
		out = append(out, lending.PolicyRecord{
			LoanType: p.LoanType, Period: period, LimitTotal: p.LimitTotal, LimitType: p.LimitType, SelfService: p.SelfService,
		})
	}
	return out, nil
}
