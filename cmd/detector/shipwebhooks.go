package main

import (
	"context"
	"errors"
	"io"
)

func shipWebhooks(ctx context.Context, args []string, errs io.Writer) error {
	return errors.New("ship webhooks: not built yet")
}
