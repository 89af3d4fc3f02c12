package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/web"
)

// admin is how the API is answered: by the owner of the core, and by the notifier.
func (f *follower) admin(c *config) web.Admin {
	host, _, _ := net.SplitHostPort(c.admin.listen)
	return web.Admin{
		Token: c.admin.token, Host: host,
		Explain: func(ctx context.Context, q detect.Question, at string) (detect.Answer, error) {
			return ask(ctx, f.asked, func() (detect.Answer, error) { return f.explain(q, at) })
		},
		Connections: func(ctx context.Context, x detect.Filter) ([]detect.Connection, error) {
			return ask(ctx, f.asked, func() ([]detect.Connection, error) { return f.connections(x) })
		},
		Silence: f.hush, EndSilence: f.unhush, Silences: f.silences,
	}
}

// hush begins a silence, at the member that tells: another one would keep it to itself.
func (f *follower) hush(s alert.Silence) (alert.Silence, error) {
	if err := f.speaks(); err != nil {
		return s, err
	}
	s, err := f.notifier.Silence(s)
	return s, unsaved(err)
}

// unhush ends a silence.
func (f *follower) unhush(id string) error {
	if err := f.speaks(); err != nil {
		return err
	}
	return unsaved(f.notifier.EndSilence(id))
}

// silences are those that are on; who reads nothing has none of the others' to show.
func (f *follower) silences() ([]alert.Silence, error) {
	if f.consumer.Status().Partitions == 0 {
		return nil, errStandsBy
	}
	return f.notifier.Silences(), nil
}

// unsaved says no more of an error of the state file than that it is ours.
func unsaved(err error) error {
	if _, ours := errors.AsType[saveError](err); ours {
		return fmt.Errorf("%w: it cannot be saved", web.ErrUnavailable)
	}
	return err
}

// saveError is one of the state file.
type saveError struct{ error }

func (e saveError) Unwrap() error { return e.error }

// save writes one value for the notifier.
func (f *follower) save(bucket, key string, value []byte) error {
	if err := f.store.Write(bucket, key, value); err != nil {
		return saveError{err}
	}
	return nil
}

var errStandsBy = fmt.Errorf("%w: this member tells nobody; ask the one whose revwatch_owner is 1, or wait until the group is joined", web.ErrUnavailable)

func (f *follower) speaks() error {
	if f.consumer.Status().Owner {
		return nil
	}
	return errStandsBy
}
