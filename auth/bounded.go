package auth

// bounded is a map that never holds more than max entries. To make room it gives up the one that is worth
// least among a few, so that nobody can push out what others have earned by adding much of little worth.
type bounded[K comparable, V any] struct {
	max   int
	worth func(v *V) float64
	m     map[K]*V
}

func newBounded[K comparable, V any](max int, worth func(v *V) float64) bounded[K, V] {
	return bounded[K, V]{max: max, worth: worth, m: map[K]*V{}}
}

// sampled is among how many entries the one to give up is looked for.
const sampled = 16

// entry returns the entry of k, a new one when there is none.
func (b *bounded[K, V]) entry(k K) *V {
	v := b.m[k]
	if v != nil {
		return v
	}
	if len(b.m) >= b.max {
		delete(b.m, b.least())
	}
	v = new(V)
	b.m[k] = v
	return v
}

// least relies on a map's being walked from a random place.
func (b *bounded[K, V]) least() (key K) {
	left, lowest := sampled, 0.0
	for k, v := range b.m {
		if w := b.worth(v); left == sampled || w < lowest {
			key, lowest = k, w
		}
		if left--; left == 0 {
			break
		}
	}
	return key
}
