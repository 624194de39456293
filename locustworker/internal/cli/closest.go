package cli

// closeEnough is the likeness below which a name is no suggestion (the cutoff of
// difflib.get_close_matches).
const closeEnough = 0.6

// closest returns the option name that is most like a wrong one, "" if none is
// like it.
func (t Table) closest(wrong string) string {
	var names []string
	for _, o := range t {
		if o.Refused == "" {
			names = append(names, o.Names...)
		}
	}
	return closest(wrong, names)
}

// closest returns the name that is most like a wrong one, "" if none is like it.
func closest(wrong string, names []string) string {
	best, likest := "", closeEnough
	for _, name := range names {
		like := likeness(name, wrong)
		if like > likest || like == likest && name > best {
			best, likest = name, like
		}
	}
	return best
}

// likeness is difflib's: twice the number of bytes that the two have in common,
// in order and in blocks as long as possible, over the bytes of both.
func likeness(a, b string) float64 {
	if len(a)+len(b) == 0 {
		return 1
	}
	return 2 * float64(inCommon(a, b)) / float64(len(a)+len(b))
}

func inCommon(a, b string) int {
	atA, atB, size := longestBlock(a, b)
	if size == 0 {
		return 0
	}
	return size + inCommon(a[:atA], b[:atB]) + inCommon(a[atA+size:], b[atB+size:])
}

// longestBlock finds the longest text that both hold, the first one in a, and of
// those the first in b.
func longestBlock(a, b string) (atA, atB, size int) {
	lengths := make([]int, len(b)+1) // of the common text that ends in a[i] and b[j-1]
	for i := range len(a) {
		for j := len(b); j > 0; j-- { // downwards: lengths[j-1] is still of a[i-1]
			if a[i] != b[j-1] {
				lengths[j] = 0
				continue
			}
			lengths[j] = lengths[j-1] + 1
			n := lengths[j]
			if n > size || n == size && i-n+1 == atA && j-n < atB {
				atA, atB, size = i-n+1, j-n, n
			}
		}
	}
	return atA, atB, size
}
