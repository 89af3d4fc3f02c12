// Command fakeslack is an incoming webhook of Slack on this machine, for trying alerts without a Slack: it takes what Slack takes, refuses what Slack
// refuses, and prints each message as a person would read it.
//
//	go run ./internal/counterpart/fakeslack
//
// It answers at http://127.0.0.1:9911/services/T0/B0/try, or at the address given as its argument, until it is interrupted.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/revwatch/revwatch/internal/counterpart"
)

const (
	path    = "/services/T0/B0/try"
	maxBody = 1 << 20
)

func main() {
	address := "127.0.0.1:9911"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { take(w, r, os.Stdout) })
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("A made-up Slack. Its incoming webhook: http://%s%s\n", listener.Addr(), path)
	server := http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.Serve(listener))
}

// take answers one request as an incoming webhook does, and prints the message.
func take(w http.ResponseWriter, r *http.Request, out io.Writer) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	m, err := counterpart.ReadSlack(body)
	if err != nil {
		fmt.Fprintf(out, "\nrefused: %v\n", err)
		http.Error(w, "invalid_blocks", http.StatusBadRequest)
		return
	}
	fmt.Fprintf(out, "\n%s  #alerts\n", time.Now().Format(time.TimeOnly))
	for line := range strings.Lines(m.Shown) {
		fmt.Fprintf(out, "  | %s\n", strings.TrimSuffix(line, "\n"))
	}
	fmt.Fprint(w, "ok")
}
