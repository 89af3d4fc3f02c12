package main

import (
	"context"
	"io"
)

// shipRows is the command that puts rows on the topic, from where it is told.
func shipRows(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 {
		return usageError{"ship: elasticsearch or webhooks?"}
	}
	switch args[0] {
	case "elasticsearch":
		return shipElasticsearch(ctx, args[1:], errs)
	case "webhooks":
		return shipWebhooks(ctx, args[1:], errs)
	case "-h", "-help", "--help":
		_, err := io.WriteString(out, "detector ship elasticsearch|webhooks -config FILE\n`detector ship elasticsearch -h` and `detector ship webhooks -h` list their flags.\n")
		return err
	}
	return usageError{"ship: " + args[0] + " is not known: elasticsearch or webhooks?"}
}
