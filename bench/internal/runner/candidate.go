package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// Candidate is a server under test, one line of servers.txt, or a client, one of
// clients.txt.
type Candidate struct {
	Name string
	Kind result.Kind
	Tags string   // the letters of the scenarios that it takes part in
	Env  []string // KEY=VALUE, added to the runner's environment
	Argv []string
}

// The letters of the scenarios that servers and clients can take part in, and what they
// take part in when their line says nothing: deflate, TLS, typed routes and growth are
// not for every server.
const (
	serverTags  = "ABCDEFGSTW"
	defaultTags = "ABCDES"
	clientTags  = "K"
)

var kinds = []result.Kind{result.Ours, result.Library, result.Hand, result.Floor}

// ReadServers reads a list of servers, one a line:
//
//	NAME KIND [tags=LETTERS] [KEY=VALUE...] COMMAND [ARG...]
//
// A '#' starts a comment. A command with a slash is relative to the list's folder.
func ReadServers(file string) ([]Candidate, error) {
	return readCandidates(file, serverTags, defaultTags)
}

// ReadClients reads a list of clients, written like that of the servers.
func ReadClients(file string) ([]Candidate, error) {
	return readCandidates(file, clientTags, clientTags)
}

// readCandidates reads a list whose lines may have the letters of tags.
func readCandidates(file, tags, defaults string) ([]Candidate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []Candidate
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		c, err := parseCandidate(fields, filepath.Dir(file), tags, defaults)
		if err == nil && slices.ContainsFunc(list, func(o Candidate) bool { return o.Name == c.Name }) {
			err = errors.New("this name is there already")
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", file, number, fields[0], err)
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: no candidates", file)
	}
	return list, nil
}

func parseCandidate(fields []string, folder, tags, defaults string) (Candidate, error) {
	c := Candidate{Name: fields[0], Tags: defaults}
	if len(fields) < 3 {
		return c, errors.New("want NAME KIND [tags=LETTERS] [KEY=VALUE...] COMMAND [ARG...]")
	}
	c.Kind = result.Kind(fields[1])
	if !slices.Contains(kinds, c.Kind) {
		return c, fmt.Errorf("the kind is %q, want one of %v", c.Kind, kinds)
	}
	fields = fields[2:]
	for len(fields) > 0 && strings.Contains(fields[0], "=") {
		if letters, ok := strings.CutPrefix(fields[0], "tags="); ok {
			c.Tags = letters
		} else {
			c.Env = append(c.Env, fields[0])
		}
		fields = fields[1:]
	}
	if strings.Trim(c.Tags, tags) != "" || c.Tags == "" {
		return c, fmt.Errorf("the tags are %q, want letters of %q", c.Tags, tags)
	}
	if len(fields) == 0 {
		return c, errors.New("no command")
	}
	c.Argv = slices.Clone(fields)
	if strings.Contains(c.Argv[0], "/") && !filepath.IsAbs(c.Argv[0]) {
		absolute, err := filepath.Abs(filepath.Join(folder, c.Argv[0]))
		if err != nil {
			return c, err
		}
		c.Argv[0] = absolute
	}
	return c, nil
}

// Missing says why the candidate cannot be started; empty if it can. A list may name
// servers that are not built on this machine.
func (c Candidate) Missing() string {
	if !strings.Contains(c.Argv[0], "/") {
		return "" // the shell's search path; Start will tell
	}
	if _, err := os.Stat(c.Argv[0]); err != nil {
		return fmt.Sprintf("%s is missing; build it with: go build -o bin/ ./cmd/...", c.Argv[0])
	}
	return ""
}
