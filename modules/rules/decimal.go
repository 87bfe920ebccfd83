package rules

// farAway is an exponent that no number in a rule may have, and that greater ones
// are taken for.
const farAway = 1 << 40

// decimal is a JSON number, to be compared without rounding: 0.digits × 10^point,
// where digits begins and ends with another digit than 0, and is empty for zero.
// It may hold the dot of the number as written.
type decimal struct {
	digits   []byte
	point    int64
	negative bool
}

// newDecimal takes a valid JSON number. It keeps a part of raw.
func newDecimal(raw []byte) decimal {
	var d decimal
	if raw[0] == '-' {
		d.negative, raw = true, raw[1:]
	}
	end := 0
	for end < len(raw) && (isDigit(raw[end]) || raw[end] == '.') {
		end++
	}
	first, last, whole, dot := -1, -1, end, false
	for i, c := range raw[:end] {
		switch {
		case c == '.':
			whole, dot = i, true
		case c != '0':
			if last = i; first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		return decimal{} // zero has no sign
	}
	d.digits = raw[first : last+1]
	d.point = int64(whole - first)
	if dot && first > whole {
		d.point++ // the dot is no digit
	}
	d.point = min(max(d.point+exponent(raw[end:]), -farAway), farAway)
	return d
}

// exponent returns what e+2 is worth, and 0 for nothing.
func exponent(raw []byte) int64 {
	if len(raw) == 0 {
		return 0
	}
	sign := int64(1)
	switch raw = raw[1:]; raw[0] {
	case '-':
		sign, raw = -1, raw[1:]
	case '+':
		raw = raw[1:]
	}
	n := int64(0)
	for _, c := range raw {
		n = min(n*10+int64(c-'0'), 2*farAway)
	}
	return sign * n
}

func (d decimal) equals(o decimal) bool {
	if d.negative != o.negative || d.point != o.point {
		return false
	}
	a, b := d.digits, o.digits
	for {
		if len(a) > 0 && a[0] == '.' {
			a = a[1:]
		}
		if len(b) > 0 && b[0] == '.' {
			b = b[1:]
		}
		if len(a) == 0 || len(b) == 0 {
			return len(a) == len(b)
		}
		if a[0] != b[0] {
			return false
		}
		a, b = a[1:], b[1:]
	}
}
