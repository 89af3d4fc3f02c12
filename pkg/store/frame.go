package store

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"
)

// A stored value is: format version (1 byte), CRC-32C (4 bytes, little endian), content. The checksum covers version, bucket, stored key
// and content, so that a value that turns up under another key is found too.
const (
	format      = 1
	frameHeader = 5
)

// The database refuses empty keys and keys over 32 KB. Such keys, and those that begin with longMark, are stored under longMark and
// their SHA-256; the real key then precedes the content. Hostile names thus cannot make a commit fail.
const (
	longMark = '\x00'
	longKey  = 1024
)

// reserved begins the names of buckets that belong to the store itself.
const reserved = "\x00store"

// metaBucket holds the format of the file under formatKey and the tally of each bucket under tallyPrefix and its name.
const (
	metaBucket  = reserved
	formatKey   = "format"
	tallyPrefix = "tally:"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame returns key and value as they are stored. A nil value stays nil.
func frame(bucket, key string, value []byte) (string, []byte) {
	if key != "" && len(key) <= longKey && key[0] != longMark {
		return key, seal(bucket, key, nil, value)
	}
	digest := sha256.Sum256([]byte(key))
	stored := string(longMark) + string(digest[:])
	prefix := append(binary.AppendUvarint(nil, uint64(len(key))), key...)
	return stored, seal(bucket, stored, prefix, value)
}

// seal puts version and checksum before prefix and value.
func seal(bucket, stored string, prefix, value []byte) []byte {
	if value == nil {
		return nil
	}
	framed := make([]byte, frameHeader, frameHeader+len(prefix)+len(value))
	framed[0] = format
	framed = append(append(framed, prefix...), value...)
	binary.LittleEndian.PutUint32(framed[1:], checksum(bucket, stored, framed))
	return framed
}

// unframe checks a stored value and returns the real key and a copy of the content.
func unframe(bucket string, stored, framed []byte) (string, []byte, error) {
	if err := inspect(bucket, stored, framed); err != nil {
		return "", nil, err
	}
	content := framed[frameHeader:]
	if stored[0] != longMark {
		return string(stored), append([]byte{}, content...), nil
	}
	n, used := binary.Uvarint(content)
	if used <= 0 || n > uint64(len(content)-used) {
		return "", nil, damaged(bucket, stored, "length of the key")
	}
	content = content[used:]
	return string(content[:n]), append([]byte{}, content[n:]...), nil
}

// inspect checks checksum and version of a stored value. The checksum comes first: a flipped bit is damage, not a newer version.
func inspect(bucket string, stored, framed []byte) error {
	if len(stored) == 0 || len(framed) < frameHeader {
		return damaged(bucket, stored, "too short")
	}
	if binary.LittleEndian.Uint32(framed[1:]) != checksum(bucket, string(stored), framed) {
		return damaged(bucket, stored, "checksum does not match")
	}
	if framed[0] > format {
		return fmt.Errorf("%w (bucket %q, key %q: format %d, known is %d)", ErrNewer, bucket, stored, framed[0], format)
	}
	return nil
}

func damaged(bucket string, stored []byte, what string) error {
	return fmt.Errorf("%w (bucket %q, key %q: %s)", ErrCorrupt, bucket, stored, what)
}

// checksum covers everything of a stored value but the checksum itself.
func checksum(bucket, stored string, framed []byte) uint32 {
	var lengths [8]byte
	binary.LittleEndian.PutUint32(lengths[:], uint32(len(bucket)))
	binary.LittleEndian.PutUint32(lengths[4:], uint32(len(stored)))
	sum := crc32.Update(0, castagnoli, lengths[:])
	sum = crc32.Update(sum, castagnoli, []byte(bucket))
	sum = crc32.Update(sum, castagnoli, []byte(stored))
	sum = crc32.Update(sum, castagnoli, framed[:1])
	return crc32.Update(sum, castagnoli, framed[frameHeader:])
}

// tally is what a bucket should hold: it finds values that vanished or came back, which no checksum of a single value can.
type tally struct {
	count uint64
	sum   uint64 // of the checksums, modulo 2^64
}

func (t *tally) add(framed []byte) {
	t.count++
	t.sum += uint64(binary.LittleEndian.Uint32(framed[1:]))
}

func (t *tally) remove(framed []byte) {
	t.count--
	if len(framed) >= frameHeader {
		t.sum -= uint64(binary.LittleEndian.Uint32(framed[1:]))
	}
}

// readTally returns the tally of a bucket; that of a bucket nobody wrote to is zero.
func readTally(tx *bolt.Tx, bucket string) (tally, error) {
	stored, _ := frame(metaBucket, tallyPrefix+bucket, nil)
	framed := tx.Bucket([]byte(metaBucket)).Get([]byte(stored))
	if framed == nil {
		return tally{}, nil
	}
	_, content, err := unframe(metaBucket, []byte(stored), framed)
	if err != nil {
		return tally{}, err
	}
	if len(content) != 16 {
		return tally{}, damaged(metaBucket, []byte(stored), "length")
	}
	return tally{count: binary.LittleEndian.Uint64(content), sum: binary.LittleEndian.Uint64(content[8:])}, nil
}

func writeTally(tx *bolt.Tx, bucket string, t tally) error {
	content := binary.LittleEndian.AppendUint64(nil, t.count)
	stored, framed := frame(metaBucket, tallyPrefix+bucket, binary.LittleEndian.AppendUint64(content, t.sum))
	return tx.Bucket([]byte(metaBucket)).Put([]byte(stored), framed)
}
