package main

import (
	"context"
	"errors"
	"io"
)

func generate(ctx context.Context, args []string, out, errs io.Writer) error {
	return errors.New("generate: not built yet")
}
