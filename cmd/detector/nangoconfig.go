package main

import (
	"time"

	"go.yaml.in/yaml/v4"
)

// nangoSettings say where Nango's API is asked for connections and whose they are. Off without a secret key.
type nangoSettings struct {
	url, secretKey string
	environment    string        // that the key belongs to
	every          time.Duration // between two listings
	more           *yaml.Node    // environments with keys of their own
}

func (n *nangoSettings) settings() []setting {
	return []setting{
		{name: "nango.url", target: &n.url},
		{name: "nango.secret_key", target: &n.secretKey, secret: true},
		{name: "nango.environment", target: &n.environment, check: needed("a name")},
		{name: "nango.every", target: &n.every, min: int64(time.Minute)},
		{name: "nango.environments", target: &n.more},
	}
}
