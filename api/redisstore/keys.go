package redisstore

import (
	"context"
	"strings"
	"unicode/utf8"
)

const (
	minScanCount = 100
	maxScanCount = 1000
)

var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// Keys implements api.Reader with SCAN until limit keys are found or the end is reached; in a cluster one master after
// the other. SCAN may return a key twice; Keys does not. Keys that are not UTF-8 are left out, since JSON has no way to
// write them.
func (s *Store) Keys(ctx context.Context, prefix string, limit int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.scanTimeout)
	defer cancel()
	found := &keySet{prefix: prefix, limit: limit, keys: []string{}, seen: map[string]struct{}{}}
	masters, err := s.masters(ctx)
	if err != nil {
		return nil, s.failure(err, target{})
	}
	for _, master := range masters {
		if err := found.scan(ctx, master); err != nil {
			return nil, s.failure(err, target{})
		}
	}
	return found.keys, nil
}

// keySet holds up to limit different keys.
type keySet struct {
	prefix string
	limit  int
	keys   []string
	seen   map[string]struct{}
}

func (k *keySet) scan(ctx context.Context, master node) error {
	pattern := globEscaper.Replace(k.prefix) + "*"
	count := int64(min(max(k.limit, minScanCount), maxScanCount))
	for cursor := uint64(0); len(k.keys) < k.limit; {
		page, next, err := master.Scan(ctx, cursor, pattern, count).Result()
		if err != nil {
			return err
		}
		k.add(page)
		if next == 0 {
			return nil
		}
		cursor = next
	}
	return nil
}

func (k *keySet) add(page []string) {
	for _, key := range page {
		if _, twice := k.seen[key]; twice || !utf8.ValidString(key) || len(k.keys) == k.limit {
			continue
		}
		k.seen[key] = struct{}{}
		k.keys = append(k.keys, key)
	}
}
