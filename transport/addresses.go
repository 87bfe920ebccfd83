package transport

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
)

// AddressRules says which addresses may connect. Its Check is an
// Upgrader.Authorize. Behind a proxy all connections come from the proxy's address:
// then the rules are the proxy's business.
type AddressRules struct {
	// Allow are the networks that may connect, and no others. Default: all.
	Allow []netip.Prefix
	// Deny are those that may not, also if Allow names them. Default: none.
	Deny []netip.Prefix
}

// Check refuses a request with 403 that the rules do not let in. An address that is
// no IP address is let in only if there are no rules. IPv4 addresses in IPv6 are
// taken as IPv4.
func (a AddressRules) Check(r *Request) error {
	if len(a.Allow) == 0 && len(a.Deny) == 0 {
		return nil
	}
	ip, ok := ipOf(r.RemoteAddr)
	within := func(p netip.Prefix) bool { return p.Contains(ip) }
	if !ok || len(a.Allow) > 0 && !slices.ContainsFunc(a.Allow, within) || slices.ContainsFunc(a.Deny, within) {
		return refuse(http.StatusForbidden, "address not allowed")
	}
	return nil
}

// ipOf returns the IP address of a socket's address.
func ipOf(a net.Addr) (netip.Addr, bool) {
	if a == nil {
		return netip.Addr{}, false
	}
	if tcp, ok := a.(*net.TCPAddr); ok {
		ip := tcp.AddrPort().Addr().Unmap().WithZone("")
		return ip, ip.IsValid()
	}
	ap, err := netip.ParseAddrPort(a.String())
	return ap.Addr().Unmap().WithZone(""), err == nil
}
