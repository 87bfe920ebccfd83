package main

import (
	"errors"
	"flag"
	"io"
	"strconv"
	"strings"
	"time"
)

// errHelp is returned for -h.
var errHelp = flag.ErrHelp

// usageError says how the program was called wrongly. Its text never holds what
// was given: that may be a token at the wrong place.
type usageError struct{ problem string }

func (e *usageError) Error() string { return e.problem }

// flagSet is a flag.FlagSet whose flags may stand before and behind the other
// arguments, and whose errors do not repeat values.
type flagSet struct {
	set     *flag.FlagSet
	problem string // of the first value that was wrong
}

func newFlagSet() *flagSet {
	f := &flagSet{set: flag.NewFlagSet("", flag.ContinueOnError)}
	f.set.SetOutput(io.Discard)
	return f
}

// flagValue is one flag. Its Set never fails, because package flag would print
// the value.
type flagValue struct {
	owner    *flagSet
	name     string
	isSwitch bool
	set      func(string) error
}

func (v *flagValue) String() string   { return "" }
func (v *flagValue) IsBoolFlag() bool { return v.isSwitch }

func (v *flagValue) Set(s string) error {
	if err := v.set(s); err != nil && v.owner.problem == "" {
		v.owner.problem = "--" + v.name + " " + err.Error()
	}
	return nil
}

func (f *flagSet) add(name string, isSwitch bool, set func(string) error) {
	f.set.Var(&flagValue{owner: f, name: name, isSwitch: isSwitch, set: set}, name, "")
}

func (f *flagSet) text(p *string, name string) {
	f.add(name, false, func(s string) error { *p = s; return nil })
}

// list is a flag that may be given several times.
func (f *flagSet) list(p *[]string, name string) {
	f.add(name, false, func(s string) error { *p = append(*p, s); return nil })
}

func (f *flagSet) yes(p *bool, name string) {
	f.add(name, true, func(s string) (err error) {
		if *p, err = strconv.ParseBool(s); err != nil {
			return errors.New("takes no value, or true or false")
		}
		return nil
	})
}

func (f *flagSet) number(p *int, name string, least int) {
	f.add(name, false, func(s string) (err error) {
		if *p, err = strconv.Atoi(s); err != nil || *p < least {
			return errors.New("must be a whole number, " + strconv.Itoa(least) + " or more")
		}
		return nil
	})
}

// limit is a number of which 0 means that there is no limit; that is stored as -1,
// as the options of package actors have it.
func (f *flagSet) limit(p *int, name string) {
	f.add(name, false, func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return errors.New("must be a whole number, 0 or more")
		}
		*p = unlimited(n)
		return nil
	})
}

// rate is how many there may be a second; 0 is stored as -1.
func (f *flagSet) rate(p *float64, name string) {
	f.add(name, false, func(s string) error {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || !(n >= 0 && n <= 1e9) {
			return errors.New("must be a number from 0 to 1e9")
		}
		*p = unlimited(n)
		return nil
	})
}

// span is a duration that may be 0; that is stored as -1.
func (f *flagSet) span(p *time.Duration, name string) {
	f.add(name, false, func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return errors.New("must be a duration such as 250ms, 2s or 1m30s, or 0")
		}
		*p = unlimited(d)
		return nil
	})
}

func unlimited[T int | float64 | time.Duration](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

func (f *flagSet) seconds(p *time.Duration, name string, least, most time.Duration) {
	f.add(name, false, func(s string) error {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || !(n >= least.Seconds() && n <= most.Seconds()) {
			return errors.New("must be a number of seconds from " +
				strconv.FormatFloat(least.Seconds(), 'g', -1, 64) + " to " + strconv.FormatFloat(most.Seconds(), 'g', -1, 64))
		}
		*p = time.Duration(n * float64(time.Second))
		return nil
	})
}

func (f *flagSet) duration(p *time.Duration, name string) {
	f.add(name, false, func(s string) (err error) {
		if *p, err = time.ParseDuration(s); err != nil || *p <= 0 {
			return errors.New("must be a duration such as 250ms, 2s or 1m30s")
		}
		return nil
	})
}

// parse takes the flags out of args and returns the rest, in order. Everything
// behind "--" is no flag.
func (f *flagSet) parse(args []string) (rest []string, err error) {
	for {
		if err := f.set.Parse(args); err != nil {
			return nil, explain(err)
		}
		left := f.set.Args()
		if n := len(args) - len(left); n > 0 && args[n-1] == "--" {
			rest = append(rest, left...)
			break
		}
		if len(left) == 0 {
			break
		}
		rest = append(rest, left[0])
		args = left[1:]
	}
	if f.problem != "" {
		return nil, &usageError{f.problem}
	}
	return rest, nil
}

// explain makes an error of ours of one of package flag. It repeats names, if
// they look like names, and no values.
func explain(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	text := err.Error()
	_, name, _ := strings.Cut(text, ": -")
	name = strings.TrimLeft(name, "-")
	isName := name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == ""
	switch {
	case strings.HasPrefix(text, "flag needs an argument") && isName:
		return &usageError{"--" + name + " needs a value"}
	case strings.HasPrefix(text, "flag provided but not defined") && isName:
		return &usageError{"there is no flag --" + name}
	case strings.HasPrefix(text, "flag provided but not defined"):
		return &usageError{"there is no such flag"}
	}
	return &usageError{"malformed flag"}
}
