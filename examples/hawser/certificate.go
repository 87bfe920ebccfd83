package main

import (
	"crypto/tls"
	"fmt"
	"os"
)

// serverTLS returns nil if no TLS is asked for.
func serverTLS(certificate, key string) (*tls.Config, error) {
	switch {
	case certificate == "" && key == "":
		return nil, nil
	case certificate == "":
		return nil, &usageError{"--tls-key needs --tls-cert"}
	case key == "":
		return nil, &usageError{"--tls-cert needs --tls-key"}
	}
	chain, err := os.ReadFile(certificate)
	if err != nil {
		return nil, &usageError{"--tls-cert: " + err.Error()}
	}
	secret, err := os.ReadFile(key)
	if err != nil {
		return nil, &usageError{"--tls-key: " + err.Error()}
	}
	pair, err := tls.X509KeyPair(chain, secret)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("--tls-cert and --tls-key: %v", err)}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, nil
}
