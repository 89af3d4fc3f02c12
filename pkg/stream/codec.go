package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// maxExpanded is the largest body of a batch after decompression; only tests change it.
var maxExpanded = 64 << 20

var errExpanded = errors.New("batch too large when decompressed")

// codecs decompress bodies of batches; one owner, memory used again.
type codecs struct {
	gzip   *gzip.Reader
	source bytes.Reader
	zstd   *zstd.Decoder
}

// expand appends the decompressed src to dst and returns dst as it is then. It fails with errExpanded rather than to
// append more than maxExpanded bytes.
func (c *codecs) expand(codec int16, dst, src []byte) ([]byte, error) {
	switch codec {
	case 1:
		return c.expandGzip(dst, src)
	case 2:
		return expandSnappy(dst, src)
	case 3:
		return expandLZ4(dst, src)
	case 4:
		return c.expandZstd(dst, src)
	}
	return dst, fmt.Errorf("unknown compression codec %d", codec)
}

func (c *codecs) expandGzip(dst, src []byte) ([]byte, error) {
	c.source.Reset(src)
	if c.gzip == nil {
		c.gzip = new(gzip.Reader)
	}
	if err := c.gzip.Reset(&c.source); err != nil {
		return dst, err
	}
	start := len(dst)
	for {
		dst = slices.Grow(dst, max(1, min(4*len(src), 1<<20)))
		n, err := c.gzip.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst)-start > maxExpanded:
			return dst, errExpanded
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}

func (c *codecs) expandZstd(dst, src []byte) ([]byte, error) {
	if c.zstd == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(maxExpanded)),
			zstd.IgnoreChecksum(true)) // the checksum of the batch covers the frame
		if err != nil {
			return dst, err
		}
		c.zstd = d
	}
	out, err := c.zstd.DecodeAll(src, dst)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		err = errExpanded
	}
	return out, err
}

func (c *codecs) close() {
	if c.zstd != nil {
		c.zstd.Close()
		c.zstd = nil
	}
}

// framedSnappy begins what Java's snappy writes: blocks, each after its length; other clients write one bare block.
var framedSnappy = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

func expandSnappy(dst, src []byte) ([]byte, error) {
	if !bytes.HasPrefix(src, framedSnappy) {
		return snappyBlock(dst, src, 0)
	}
	if len(src) < 16 { // magic, version, compatible version
		return dst, io.ErrUnexpectedEOF
	}
	start := len(dst)
	for src = src[16:]; len(src) > 0; {
		if len(src) < 4 {
			return dst, io.ErrUnexpectedEOF
		}
		n := int(binary.BigEndian.Uint32(src))
		if n > len(src)-4 {
			return dst, io.ErrUnexpectedEOF
		}
		var err error
		if dst, err = snappyBlock(dst, src[4:4+n], len(dst)-start); err != nil {
			return dst, err
		}
		src = src[4+n:]
	}
	return dst, nil
}

func snappyBlock(dst, block []byte, already int) ([]byte, error) {
	n, err := snappy.DecodedLen(block)
	if err != nil {
		return dst, err
	}
	if n > maxExpanded-already {
		return dst, errExpanded
	}
	if n > 64*len(block)+64 { // snappy copies at most 64 bytes for two or more: the length lies
		return dst, snappy.ErrCorrupt
	}
	dst = slices.Grow(dst, n)
	out, err := snappy.Decode(dst[len(dst):len(dst)+n], block)
	if err != nil {
		return dst, err
	}
	return dst[:len(dst)+len(out)], nil
}
