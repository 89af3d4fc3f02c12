package main

import (
	"context"
	"errors"
	"io"
)

func doctor(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	return errors.New("doctor: not built yet")
}
