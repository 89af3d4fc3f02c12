package stream

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/pierrec/lz4/v4"
)

var errLZ4 = errors.New("malformed lz4 frame")

// expandLZ4 walks an LZ4 frame itself: its own checksums are not computed, as the checksum of the batch covers the whole
// frame, which saves two fifths of the time. Frame: magic, flags, block descriptor, optional content size and dictionary id,
// header checksum; then blocks of a length (highest bit: stored plain), data, optional checksum; a length of 0 ends it.
func expandLZ4(dst, src []byte) ([]byte, error) {
	const (
		magic         = 0x184D2204
		blockChecksum = 1 << 4
		contentSize   = 1 << 3
		dictionary    = 1
		window        = 64 << 10
	)
	if len(src) < 7 || binary.LittleEndian.Uint32(src) != magic {
		return dst, errLZ4
	}
	flags, largest := src[4], blockSize(src[5])
	header := 7
	if flags&contentSize != 0 {
		header += 8
	}
	if flags>>6 != 1 || flags&dictionary != 0 || largest == 0 || len(src) < header {
		return dst, errLZ4
	}
	start := len(dst)
	for src = src[header:]; ; {
		if len(src) < 4 {
			return dst, errLZ4
		}
		word := binary.LittleEndian.Uint32(src)
		if word == 0 {
			return dst, nil
		}
		n := int(word &^ (1 << 31))
		size := 4 + n
		if flags&blockChecksum != 0 {
			size += 4
		}
		if n > largest || size > len(src) {
			return dst, errLZ4
		}
		if len(dst)-start > maxExpanded-largest {
			return dst, errExpanded
		}
		if block := src[4 : 4+n]; word>>31 == 1 {
			dst = append(dst, block...)
		} else {
			dst = slices.Grow(dst, largest)
			out, err := lz4.UncompressBlockWithDict(block, dst[len(dst):len(dst)+largest], dst[max(start, len(dst)-window):])
			if err != nil {
				return dst, errLZ4
			}
			dst = dst[:len(dst)+out]
		}
		src = src[size:]
	}
}

// blockSize is the largest plain block that a block descriptor allows, 0 for an unknown one.
func blockSize(descriptor byte) int {
	switch descriptor >> 4 & 7 {
	case 4:
		return 64 << 10
	case 5:
		return 256 << 10
	case 6:
		return 1 << 20
	case 7:
		return 4 << 20
	}
	return 0
}
