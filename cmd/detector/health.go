package main

import (
	"context"
	"errors"
	"io"
)

func health(ctx context.Context, args []string, out, errs io.Writer) error {
	return errors.New("health: not built yet")
}
