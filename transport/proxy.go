package transport

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
)

// NoProxy is a Dialer.Proxy that uses none, whatever the environment says.
func NoProxy(*url.URL) (*url.URL, error) { return nil, nil }

// proxyFor returns the proxy for u, or nil.
func (d *Dialer) proxyFor(u *url.URL) (*url.URL, error) {
	choose := d.Proxy
	if choose == nil {
		choose = environmentProxy
	}
	p, err := choose(u)
	if err != nil {
		return nil, &DialError{Op: "proxy", Err: &quietError{"the proxy's address is not usable", err}}
	}
	if p == nil {
		return nil, nil
	}
	switch {
	case p.Scheme != "http" && p.Scheme != "https":
		return nil, &DialError{Op: "proxy", Err: settingError("only http:// and https:// proxies are known")}
	case p.Hostname() == "":
		return nil, &DialError{Op: "proxy", Err: settingError("the proxy's address has no host")}
	}
	if detail := checkHostPort(p.Hostname(), p.Port()); detail != "" {
		return nil, &DialError{Op: "proxy", Err: settingError(detail)}
	}
	return p, nil
}

// environmentProxy asks net/http, which knows ws as http and wss as https.
func environmentProxy(u *url.URL) (*url.URL, error) {
	asked := &url.URL{Scheme: "http", Host: u.Host}
	if u.Scheme == "wss" {
		asked.Scheme = "https"
	}
	return http.ProxyFromEnvironment(&http.Request{URL: asked})
}

// quietError has a cause whose text may hold a password.
type quietError struct {
	text  string
	cause error
}

func (e *quietError) Error() string { return e.text }
func (e *quietError) Unwrap() error { return e.cause }

// tunnel asks the proxy at the other end of nc for a connection to u's host
// (RFC 9110 §9.3.6). ws goes through a tunnel too: proxies break upgrades that
// they see.
func (d *Dialer) tunnel(ctx context.Context, nc net.Conn, proxy, u *url.URL) (net.Conn, error) {
	if proxy.Scheme == "https" {
		var err error
		if nc, err = d.startTLS(ctx, nc, proxy, "proxy"); err != nil {
			return nil, err
		}
	}
	fail := func(err error) error {
		return &DialError{Op: "proxy", Addr: hostPort(proxy), Err: err}
	}
	if _, err := nc.Write(connectRequest(proxy, u)); err != nil {
		return nil, fail(because(ctx, err))
	}
	a := d.newAnswer(nc)
	defer a.h.release()
	if err := a.read(); err != nil {
		return nil, fail(a.unreadable(ctx, err, proxy))
	}
	if a.status != http.StatusOK {
		e := a.refused(ctx, proxy)
		e.Detail = "the proxy opens no tunnel"
		return nil, fail(e)
	}
	if len(a.h.rest()) > 0 {
		// In a tunnel the client speaks first, so these bytes are the proxy's.
		return nil, fail(errors.New("bytes behind the proxy's answer"))
	}
	return nc, nil
}

func connectRequest(proxy, u *url.URL) []byte {
	target := hostPort(u)
	req := "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n"
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		req += "Proxy-Authorization: Basic " + credentials + "\r\n"
	}
	return []byte(req + "\r\n")
}
