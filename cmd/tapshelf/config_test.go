package main

import (
	"reflect"
	"strings"
	"testing"
)

// keysOf lists every key of the configuration.
func keysOf(t *testing.T) []string {
	t.Helper()
	var keys []string
	var walk func(reflect.Type)
	walk = func(s reflect.Type) {
		for i := range s.NumField() {
			f := s.Field(i)
			keys = append(keys, f.Tag.Get("toml"))
			if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
				walk(f.Type.Elem())
			} else if f.Type.Kind() == reflect.Struct {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[config]())
	return keys
}

const goodConfig = `
[site]
zone = "Asia/Hong_Kong"
[[station]]
name = "front"
[[reader]]
name = "pad"
station = "front"
driver = "sim"
[[policy]]
loan_type = "laptop"
period = "3 days"
`

func TestAGoodConfigurationHasItsDefaults(t *testing.T) {
	c, err := parseConfig("t.toml", []byte(goodConfig))
	if err != nil {
		t.Fatal(err)
	}
	if c.Stations[0].Idle != 60 || c.Stations[0].Title != "front" || c.Panel.Listen != "127.0.0.1:8080" {
		t.Errorf("got %+v", c)
	}
}

func TestEveryMistakeIsToldAtOnceWithLineAndKey(t *testing.T) {
	_, err := parseConfig("t.toml", []byte(`
sites = 1
[site]
zone = "Hong Kong"
[panel]
listen = 8080
[staff]
listen = "0.0.0.0:8443"
[[station]]
name = "Front Desk"
warning = 5
[[reader]]
name = "pad"
station = "back"
driver = "em410"
[[policy]]
loan_type = "laptop"
period = "3 fortnights"
`))
	if err == nil {
		t.Fatal("it was taken")
	}
	want := []string{
		`t.toml:2: sites: there is no such key; did you mean "site"?`,
		`t.toml:4: site.zone: "Hong Kong" is not an IANA time zone`,
		`t.toml:6: panel.listen: is a whole number, must be a text`,
		`t.toml:8: staff.listen: listens beyond this machine; set tls.cert and tls.key, or behind_proxy = true`,
		`t.toml:10: station[0].name: "Front Desk" is not a name`,
		`t.toml:11: station[0].warning: is 20 to 300 seconds`,
		`t.toml:14: reader[0].station: no station is called "back"`,
		`t.toml:15: reader[0].driver: "em410" is not a driver; did you mean "em4100"?`,
		`t.toml:18: policy[0].period: period "3 fortnights"`,
	}
	got := strings.Split(err.Error(), "\n")
	for i, w := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], w) {
			t.Errorf("line %d of the complaint is not %q", i+1, w)
		}
	}
	if len(got) != len(want) || t.Failed() {
		t.Errorf("the complaint is:\n%v", err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(goodConfig))
	f.Add([]byte("a.b.c = [1, {x = 2}]\n[[station]]\n[station.x]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseConfig("t.toml", text)
		if err == nil && len(c.Stations) == 0 {
			t.Error("a configuration with no station was taken")
		}
	})
}
