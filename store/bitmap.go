package store

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
)

// packed is a bitmap as a column.
func packed(b *roaring.Bitmap) ([]byte, error) {
	if b == nil {
		b = roaring.New()
	}
	b.RunOptimize()
	return b.ToBytes()
}

// unpacked reads a column written by packed.
func unpacked(raw []byte) (*roaring.Bitmap, error) {
	b := roaring.New()
	if len(raw) == 0 {
		return b, nil
	}
	if err := b.UnmarshalBinary(raw); err != nil {
		return nil, fmt.Errorf("bitmap of %d bytes: %w", len(raw), err)
	}
	return b, nil
}

// orEmpty makes nil an empty bitmap.
func orEmpty(b *roaring.Bitmap) *roaring.Bitmap {
	if b == nil {
		return roaring.New()
	}
	return b
}
