package main

import (
	"fmt"
	"strings"
)

// suggest names the nearest name there is when it is near enough to be a slip of the pen, or else the same key in another section.
func (a *applier) suggest(c, key string) string {
	limit := 2 + len(c)/4
	best, dist := "", limit+1
	for k, shown := range a.names {
		d := distance(c, k)
		if strings.HasSuffix(k, "."+key) {
			d = min(d, limit-1)
		}
		if d < dist || d == dist && shown < best {
			best, dist = shown, d
		}
	}
	if best == "" {
		return "; configs/detector.yaml shows every setting"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
