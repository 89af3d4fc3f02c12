package detect

import "encoding/json"

func (x *directory) changes(put func(bucket, key string, value []byte)) {
	for n := range x.changed {
		l, known := x.listed[n]
		put(bucketDirectory, n.stored(), ifKnown(known, func() []byte { return encode(l) }))
	}
	for environment := range x.renewed {
		l, known := x.latest[environment]
		put(bucketListings, environment, ifKnown(known, func() []byte { return encode(l) }))
	}
	clear(x.changed)
	clear(x.renewed)
}

func (x *directory) restore(bucket, key string, value []byte) error {
	if bucket == bucketListings {
		var l latest
		if err := json.Unmarshal(value, &l); err != nil {
			return err
		}
		x.latest[key] = l
		return nil
	}
	p, err := decodeKey(key, 3)
	if err != nil {
		return err
	}
	l := &listed{}
	if err := json.Unmarshal(value, l); err != nil {
		return err
	}
	n := name{p[0], p[1], p[2]}
	x.listed[n] = l
	x.tally(n, l, 1)
	return nil
}
