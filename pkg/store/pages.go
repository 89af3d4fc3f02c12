package store

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

// The layout of the database's pages (bbolt, file version 2, native byte order):
//
//	page    id uint64, flags uint16, count uint16, overflow uint32, then count elements
//	branch  offset uint32, key size uint32, page id uint64
//	leaf    flags uint32, offset uint32, key size uint32, value size uint32
//
// Offsets count from the element. A leaf value with flag 1 is a bucket: root page uint64, sequence uint64, and, when the root is 0,
// a page of its own right behind.
const (
	pageHeader   = 16
	elementSize  = 16
	bucketHeader = 16
	branchPage   = 0x01
	leafPage     = 0x02
	bucketLeaf   = 0x01
)

// pageCheck walks the trees of the file. The database trusts its pages: a flipped bit in one can send it into an endless loop, a
// fault, or an allocation of many gigabytes, some of them in goroutines where nothing can be caught. So they are checked first.
type pageCheck struct {
	file io.ReaderAt
	size int    // bytes a page
	end  uint64 // first page number that is not in use
	seen map[uint64]bool
}

// checkPages checks every page that the current transaction can reach: in bounds, of a known kind, reached once.
func checkPages(tx *bolt.Tx, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	size := tx.DB().Info().PageSize
	c := pageCheck{file: f, size: size, end: uint64(tx.Size()) / uint64(size), seen: map[uint64]bool{}}
	return c.tree(uint64(tx.Cursor().Bucket().Root()))
}

func (c *pageCheck) tree(id uint64) error {
	header := make([]byte, pageHeader)
	if err := c.read(id, header); err != nil {
		return err
	}
	overflow := uint64(binary.NativeEndian.Uint32(header[12:]))
	if binary.NativeEndian.Uint64(header) != id || id+overflow >= c.end {
		return badPage(id, "number or length")
	}
	for i := id; i <= id+overflow; i++ {
		if c.seen[i] {
			return badPage(i, "in use twice")
		}
		c.seen[i] = true
	}
	page := make([]byte, (overflow+1)*uint64(c.size))
	if err := c.read(id, page); err != nil {
		return err
	}
	return c.elements(id, page)
}

func (c *pageCheck) read(id uint64, p []byte) error {
	if id < 2 || id >= c.end {
		return badPage(id, "out of bounds")
	}
	if _, err := c.file.ReadAt(p, int64(id)*int64(c.size)); err != nil {
		return fmt.Errorf("%w (page %d: %w)", ErrCorrupt, id, err)
	}
	return nil
}

// elements checks one page that lies in p, and what hangs from it.
func (c *pageCheck) elements(id uint64, p []byte) error {
	if len(p) < pageHeader {
		return badPage(id, "length")
	}
	flags, count := binary.NativeEndian.Uint16(p[8:]), int(binary.NativeEndian.Uint16(p[10:]))
	if pageHeader+count*elementSize > len(p) || flags != branchPage && flags != leafPage || flags == branchPage && count == 0 {
		return badPage(id, "kind or count")
	}
	for i := range count {
		element := p[pageHeader+i*elementSize:]
		check := c.leaf
		if flags == branchPage {
			check = c.branch
		}
		if err := check(id, element); err != nil {
			return err
		}
	}
	return nil
}

func (c *pageCheck) branch(id uint64, element []byte) error {
	offset, key := binary.NativeEndian.Uint32(element), binary.NativeEndian.Uint32(element[4:])
	if uint64(offset)+uint64(key) > uint64(len(element)) {
		return badPage(id, "branch out of bounds")
	}
	return c.tree(binary.NativeEndian.Uint64(element[8:]))
}

func (c *pageCheck) leaf(id uint64, element []byte) error {
	flags, offset := binary.NativeEndian.Uint32(element), uint64(binary.NativeEndian.Uint32(element[4:]))
	key, value := uint64(binary.NativeEndian.Uint32(element[8:])), uint64(binary.NativeEndian.Uint32(element[12:]))
	if offset+key+value > uint64(len(element)) || flags > bucketLeaf {
		return badPage(id, "value out of bounds")
	}
	if flags != bucketLeaf {
		return nil
	}
	bucket := element[offset+key : offset+key+value]
	if len(bucket) < bucketHeader {
		return badPage(id, "bucket too short")
	}
	if root := binary.NativeEndian.Uint64(bucket); root != 0 {
		return c.tree(root)
	}
	return c.elements(id, bucket[bucketHeader:])
}

func badPage(id uint64, what string) error {
	return fmt.Errorf("%w (page %d: %s)", ErrCorrupt, id, what)
}
