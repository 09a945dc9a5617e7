package producer

// linearLimit is how many entries are searched without a map. Most logs have a
// handful of producers, and a scan of so few beats hashing.
const linearLimit = 8

// slab holds entries by value and finds them by producer id.
type slab struct {
	entries []entry
	index   map[int64]int32 // nil while len(entries) ≤ linearLimit
}

// get returns nil for an unknown id. The pointer is valid until the next put,
// remove or filter.
func (s *slab) get(pid int64) *entry {
	if s.index != nil {
		if i, ok := s.index[pid]; ok {
			return &s.entries[i]
		}
		return nil
	}
	for i := range s.entries {
		if s.entries[i].pid == pid {
			return &s.entries[i]
		}
	}
	return nil
}

// put adds an entry for an id that get does not find.
func (s *slab) put(e entry) *entry {
	s.entries = append(s.entries, e)
	switch {
	case s.index != nil:
		s.index[e.pid] = int32(len(s.entries) - 1)
	case len(s.entries) > linearLimit:
		s.reindex()
	}
	return &s.entries[len(s.entries)-1]
}

// filter keeps the entries that keep approves and gives memory back when few
// are left.
func (s *slab) filter(keep func(*entry) bool) (removed int) {
	n := 0
	for i := range s.entries {
		if keep(&s.entries[i]) {
			s.entries[n] = s.entries[i]
			n++
		}
	}
	removed = len(s.entries) - n
	if removed == 0 {
		return 0
	}
	s.entries = s.entries[:n]
	if cap(s.entries) > 4*n {
		s.entries = append(make([]entry, 0, n), s.entries...)
	}
	if n == 0 {
		s.entries = nil
	}
	s.reindex()
	return removed
}

func (s *slab) reindex() {
	s.index = nil
	if len(s.entries) <= linearLimit {
		return
	}
	s.index = make(map[int64]int32, len(s.entries))
	for i := range s.entries {
		s.index[s.entries[i].pid] = int32(i)
	}
}
