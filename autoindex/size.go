package autoindex

import (
	"math"
	"strconv"
)

// appendSize appends a size in four characters as Apache's library does
// (apr_strfsize): up to 972 bytes as they are, then in the first unit in which
// the value is below 973, with one decimal below 10, rounded half up.
func appendSize(dst []byte, size int64) []byte {
	if size < 0 {
		return append(dst, "  - "...)
	}
	if size < 973 {
		return append(appendWide(dst, size, 3), ' ')
	}
	for unit := 0; ; unit++ {
		rest := size & 1023
		size >>= 10
		if size >= 973 {
			continue
		}
		if size < 9 || size == 9 && rest < 973 {
			tenths := size*10 + (rest*5+256)/512
			return append(dst, byte('0'+tenths/10), '.', byte('0'+tenths%10), "KMGTPE"[unit])
		}
		if rest >= 512 {
			size++
		}
		return append(appendWide(dst, size, 3), "KMGTPE"[unit])
	}
}

// appendWide appends a number, at least width characters wide.
func appendWide(dst []byte, n int64, width int) []byte {
	var buf [20]byte
	digits := strconv.AppendInt(buf[:0], n, 10)
	return append(appendBlanks(dst, width-len(digits)), digits...)
}

// appendIEC appends a size as Caddy shows it (IBytes of the library go-humanize):
// below 10 bytes as it is, else in the unit of 1024 with one decimal below 10.
func appendIEC(dst []byte, size int64) []byte {
	if size < 10 {
		return append(strconv.AppendInt(dst, size, 10), " B"...)
	}
	// By logarithm, as there, so that sizes just below a unit are shown alike.
	e := int(math.Floor(math.Log(float64(size)) / math.Log(1024)))
	value := math.Floor(float64(size)/math.Pow(1024, float64(e))*10+0.5) / 10
	decimals := 0
	if value < 10 {
		decimals = 1
	}
	dst = strconv.AppendFloat(dst, value, 'f', decimals, 64)
	dst = append(dst, ' ')
	if e > 0 {
		dst = append(dst, "BKMGTPE"[e], 'i')
	}
	return append(dst, 'B')
}
