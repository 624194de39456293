package uplink

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

func message(t testing.TB, n int) item {
	t.Helper()
	e, err := wire.EncodeBody(wire.Custom{Type: "x", Data: n})
	if err != nil {
		t.Fatal(err)
	}
	return item{message: e}
}

// TestQueueIsAQueue compares it with a slice.
func TestQueueIsAQueue(t *testing.T) {
	q := newQueue()
	var want []item
	same := func(a, b item) bool {
		x, _ := a.message.Frame("w")
		y, _ := b.message.Frame("w")
		return bytes.Equal(x, y) && a.delivery == b.delivery
	}
	for n := range 20_000 {
		it := message(t, n)
		if n%7 == 0 {
			it.delivery = &delivery{}
		}
		switch rand.IntN(10) {
		case 0, 1, 2, 3:
			q.push(it)
			want = append(want, it)
		case 4:
			q.pushFront(it)
			want = append([]item{it}, want...)
		case 5:
			if n%100 == 0 {
				q.dropReports()
				var rest []item
				for _, it := range want {
					if it.delivery == nil {
						rest = append(rest, it)
					}
				}
				want = rest
			}
		default:
			got, ok := q.pop()
			if ok != (len(want) > 0) {
				t.Fatalf("pop: %v with %d items", ok, len(want))
			}
			if ok {
				if !same(got, want[0]) {
					t.Fatal("pop: not the first item")
				}
				want = want[1:]
			}
		}
		sum := 0
		for _, it := range want {
			sum += it.size()
		}
		if q.bytes != sum {
			t.Fatalf("%d bytes; want %d", q.bytes, sum)
		}
	}
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	q := newQueue()
	e, err := wire.EncodeBody(wire.Custom{Type: "x", Data: strings.Repeat("x", 1<<20)})
	if err != nil {
		t.Fatal(err)
	}
	big := item{message: e}
	n := 0
	for ; q.pushBounded(big) == nil; n++ {
		if n > 64 {
			t.Fatal("no end")
		}
	}
	if n != 63 {
		t.Errorf("%d items of 1 MiB and a little; want 63", n)
	}
	if err := q.pushBounded(big); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	q.push(big) // the worker's own is never refused
	for range n {
		q.pop()
	}
	if err := q.pushBounded(big); err != nil {
		t.Error(err)
	}
	small := 0
	for q = newQueue(); q.pushBounded(item{}) == nil; small++ {
	}
	if small != MaxQueue/itemBytes {
		t.Errorf("%d empty items; want %d", small, MaxQueue/itemBytes)
	}
}

// TestQueueDrainsInLinearTime: four hundred thousand items took minutes when each
// pop moved all others.
func TestQueueDrainsInLinearTime(t *testing.T) {
	const n = 400_000
	q := newQueue()
	for range n {
		q.push(item{})
	}
	from := time.Now()
	for range n {
		q.pop()
	}
	if took := time.Since(from); took > 20*time.Second {
		t.Errorf("%d items take %v", n, took)
	}
}
