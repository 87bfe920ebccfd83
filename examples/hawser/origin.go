package main

import (
	"slices"

	"github.com/hawser-go/hawser/transport"
)

// originPolicy makes a CheckOrigin that lets in whom any of the values lets in.
func originPolicy(values []string) (func(*transport.Request) bool, error) {
	if len(values) == 0 {
		return nil, nil // the default: pages of the same host
	}
	var checks []func(*transport.Request) bool
	for _, v := range values {
		switch v {
		case "*":
			checks = append(checks, func(*transport.Request) bool { return true })
		case "same-host":
			checks = append(checks, transport.SameHost)
		default:
			allow := allowOrigin(v)
			if allow == nil {
				return nil, &usageError{"--origin must be same-host, *, http[s]://host[:port] or *.host[:port]"}
			}
			checks = append(checks, allow)
		}
	}
	return func(r *transport.Request) bool {
		return slices.ContainsFunc(checks, func(check func(*transport.Request) bool) bool { return check(r) })
	}, nil
}

// allowOrigin returns nil for what is no pattern: AllowOrigins panics then.
func allowOrigin(pattern string) (allow func(*transport.Request) bool) {
	defer func() {
		if recover() != nil {
			allow = nil
		}
	}()
	return transport.AllowOrigins(pattern)
}
