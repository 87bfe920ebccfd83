package actors

import (
	"fmt"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// leaves calls f with every number in a struct of options, by its path.
func leaves(v reflect.Value, path string, f func(path string, v reflect.Value)) {
	for i := range v.NumField() {
		name := strings.TrimPrefix(path+"."+v.Type().Field(i).Name, ".")
		switch e := v.Field(i); e.Kind() {
		case reflect.Struct:
			leaves(e, name, f)
		case reflect.Int, reflect.Int64, reflect.Float64, reflect.Uint8:
			f(name, e)
		}
	}
}

// numbers are the options that are set, by their path.
func numbers(o ServerOptions) map[string]string {
	all := map[string]string{}
	leaves(reflect.ValueOf(&o).Elem(), "", func(path string, v reflect.Value) {
		if !v.IsZero() {
			all[path] = fmt.Sprint(v.Interface())
		}
	})
	return all
}

func TestPresetsAreWhatTheirCommentsSay(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "preset.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for name, preset := range map[string]func(ServerOptions) ServerOptions{"Strict": Strict, "Permissive": Permissive} {
		doc := ""
		for _, c := range file.Comments {
			if strings.HasPrefix(c.Text(), name+" returns") {
				doc = strings.Join(strings.Fields(c.Text()), " ")
			}
		}
		o := preset(ServerOptions{})
		said := sayings(o)
		for path, value := range numbers(o) {
			if s, ok := said[path]; !ok || !strings.Contains(doc, s) {
				t.Errorf("%s sets %s to %s; its comment does not say %q", name, path, value, s)
			}
		}
		_, table, _ := strings.Cut(doc, "defaults: ")
		for _, s := range said {
			table = strings.Replace(table, s, "", 1)
		}
		if left := strings.Trim(table, " ;,"); strings.ContainsAny(left, "0123456789") {
			t.Errorf("the comment of %s says more than the code does: %q", name, left)
		}
	}
}

// sayings is how the comment of a preset tells each option that is set; what is told
// together stands under each of them.
func sayings(o ServerOptions) map[string]string {
	said := map[string]string{}
	say := func(set bool, format string, args []any, paths ...string) {
		for _, p := range paths {
			if set {
				said[p] = fmt.Sprintf(format, args...)
			}
		}
	}
	a, r := o.Admission, o.Rates
	rate := func(set bool, format string, each float64, burst int, paths ...string) {
		say(set, format, []any{thousands(int(each)), thousands(burst)}, paths...)
	}
	say(a.MaxConnections > 0, "Admission %s connections, %d for a key;", []any{thousands(a.MaxConnections), a.PerKey}, "Admission.MaxConnections", "Admission.PerKey")
	rate(a.Rate > 0, "%s handshakes a second for a key, %s at once;", a.Rate, a.Burst, "Admission.Rate", "Admission.Burst")
	rate(a.TotalRate > 0, "%s for all, %s at once", a.TotalRate, a.TotalBurst, "Admission.TotalRate", "Admission.TotalBurst")
	rate(r.Messages > 0, "Rates %s messages a second, %s at once;", r.Messages, r.MessageBurst, "Rates.Messages", "Rates.MessageBurst")
	say(r.Bytes > 0, "%s a second, %s at once;", []any{binaryUnit(int(r.Bytes)), binaryUnit(r.ByteBurst)}, "Rates.Bytes", "Rates.ByteBurst")
	rate(r.Controls > 0, "%s pings and pongs a second, %s at once", r.Controls, r.ControlBurst, "Rates.Controls", "Rates.ControlBurst")
	rate(r.KeyMessages > 0, "%s messages a second for a key, %s at once", r.KeyMessages, r.KeyMessageBurst, "Rates.KeyMessages", "Rates.KeyMessageBurst")
	say(true, "Limits %s a message, %s frames", []any{binaryUnit(o.Limits.MaxMessage), thousands(o.Limits.MaxFragments)}, "Limits.MaxMessage", "Limits.MaxFragments")
	say(true, "Outbox %s", []any{binaryUnit(o.Outbox.Bytes)}, "Outbox.Bytes")
	say(o.Outbox.Messages > 0, ", %s messages", []any{thousands(o.Outbox.Messages)}, "Outbox.Messages")
	say(true, "Heartbeat %s, and %s for the answer", []any{spell(o.Heartbeat.Interval), spell(o.Heartbeat.Timeout)}, "Heartbeat.Interval", "Heartbeat.Timeout")
	for name, d := range map[string]time.Duration{
		"HandshakeTimeout": o.HandshakeTimeout, "IdleTimeout": o.IdleTimeout, "MaxLifetime": o.MaxLifetime,
		"WriteTimeout": o.WriteTimeout, "CloseTimeout": o.CloseTimeout,
	} {
		say(d > 0, "%s %s", []any{name, spell(d)}, name)
	}
	return said
}

// thousands is a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// binaryUnit is a number of bytes in the largest unit that fits.
func binaryUnit(n int) string {
	if n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// spell is a duration in one unit.
func spell(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d > time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func TestAPresetFillsOnlyWhatTheUserLeftOpen(t *testing.T) {
	for name, preset := range map[string]func(ServerOptions) ServerOptions{"Strict": Strict, "Permissive": Permissive} {
		plain := numbers(preset(ServerOptions{}))
		for _, value := range []int64{7, -7} {
			var paths []string
			leaves(reflect.ValueOf(&ServerOptions{}).Elem(), "", func(path string, v reflect.Value) {
				if v.Kind() != reflect.Uint8 {
					paths = append(paths, path)
				}
			})
			for _, path := range paths {
				var o ServerOptions
				leaves(reflect.ValueOf(&o).Elem(), "", func(p string, v reflect.Value) {
					if p == path && v.CanFloat() {
						v.SetFloat(float64(value))
					} else if p == path {
						v.SetInt(value)
					}
				})
				given := numbers(o)[path]
				got := numbers(preset(o))
				if got[path] != given {
					t.Errorf("%s: %s was %s, and becomes %s", name, path, given, got[path])
				}
				for p, want := range plain {
					if burst := strings.TrimSuffix(path, "s") + "Burst"; p != path && got[p] != want && p != burst && !strings.HasSuffix(p, "Burst") {
						t.Errorf("%s: with %s of %s, %s is %s and not %s", name, path, given, p, got[p], want)
					}
				}
			}
		}
	}
}

func TestABurstOfAPresetIsNotForARateOfTheUsers(t *testing.T) {
	o := Strict(ServerOptions{Rates: Rates{Messages: 3, ControlBurst: 9}, Admission: Admission{Rate: 1}})
	if o.Rates.MessageBurst != 0 || o.Admission.Burst != 0 {
		t.Errorf("bursts of %d and %d beside rates of 3 and 1", o.Rates.MessageBurst, o.Admission.Burst)
	}
	if o.Rates.Controls != 5 || o.Rates.ControlBurst != 9 {
		t.Errorf("controls %v, %d", o.Rates.Controls, o.Rates.ControlBurst)
	}
}

func TestPresetsKeepWhatIsNoNumber(t *testing.T) {
	m := []Module{module("m", "/x", func(*Context, transport.Message) {})}
	o := Strict(Permissive(ServerOptions{Name: "n", Modules: m, Subprotocols: []string{"s"}}))
	if o.Name != "n" || len(o.Modules) != 1 || o.Subprotocols[0] != "s" || o.WriteTimeout != time.Minute {
		t.Errorf("%+v", o)
	}
}

// The presets are good for real: clients come and go, and are bound.
func TestServersWithPresetsServe(t *testing.T) {
	for name, preset := range map[string]func(ServerOptions) ServerOptions{"Strict": Strict, "Permissive": Permissive} {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(preset(ServerOptions{}))
			p := w.meet("/")
			body := strings.Repeat(".", 17<<10)
			p.text(body)
			if name == "Strict" {
				p.partsWith("close 1009 ")
			} else {
				p.expect(show(1, body))
				p.leave()
			}
			w.end()
		})
	}
}
