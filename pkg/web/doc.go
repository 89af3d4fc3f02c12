// Package web shows the daemon to the outside: metrics, liveness and readiness on one listener. It reads immutable snapshots that the owner of
// the core publishes, never the core itself, and it knows nothing of Kafka.
package web
