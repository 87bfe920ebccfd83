package transport

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
)

func TestAddressRulesLetInWhomTheyName(t *testing.T) {
	nets := func(list ...string) (all []netip.Prefix) {
		for _, p := range list {
			all = append(all, netip.MustParsePrefix(p))
		}
		return all
	}
	tcp := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	for _, c := range []struct {
		name        string
		allow, deny []netip.Prefix
		from        net.Addr
		in          bool
	}{
		{"no rules", nil, nil, tcp("192.0.2.1:1"), true},
		{"no rules, no address", nil, nil, nil, true},
		{"allowed", nets("192.0.2.0/24"), nil, tcp("192.0.2.1:1"), true},
		{"not allowed", nets("192.0.2.0/24"), nil, tcp("192.0.3.1:1"), false},
		{"denied", nil, nets("192.0.2.0/24"), tcp("192.0.2.1:1"), false},
		{"not denied", nil, nets("192.0.2.0/24"), tcp("192.0.3.1:1"), true},
		{"denied among the allowed", nets("192.0.2.0/24"), nets("192.0.2.7/32"), tcp("192.0.2.7:1"), false},
		{"IPv4 in IPv6", nil, nets("192.0.2.0/24"), tcp("[::ffff:192.0.2.1]:1"), false},
		{"IPv6", nets("2001:db8::/32"), nil, tcp("[2001:db8::1]:1"), true},
		{"IPv6 with a zone", nil, nets("fe80::/10"), tcp("[fe80::1%eth0]:1"), false},
		{"as text", nil, nets("192.0.2.0/24"), textAddr("192.0.2.1:1"), false},
		{"no IP address, only denied ones", nil, nets("192.0.2.0/24"), textAddr("@"), false},
		{"no address", nil, nets("192.0.2.0/24"), nil, false},
	} {
		err := AddressRules{Allow: c.allow, Deny: c.deny}.Check(&Request{RemoteAddr: c.from})
		var refused *HandshakeError
		switch {
		case c.in && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case !c.in && (!errors.As(err, &refused) || refused.Status != http.StatusForbidden):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
