package wire

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// maxDepth bounds the nesting of data in both directions. Python's msgpack
// itself packs no deeper than 511.
const maxDepth = 256

var (
	errTooDeep = fmt.Errorf("nested deeper than %d levels", maxDepth)
	errTooLong = fmt.Errorf("longer than %d bytes", MaxFrame)
)

// Locust sends a datetime as a map with these keys (rpc/protocol.py).
const (
	datetimeMark   = "__datetime__"
	datetimeText   = "as_str"
	datetimeFormat = "20060102T15:04:05.000000"
)

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// value writes data as described at Custom.
func (w *writer) value(v any) {
	if raw, ok := v.(EncodedValue); ok {
		w.buf.Write(raw)
		return
	}
	w.reflected(reflect.ValueOf(v))
}

func (w *writer) reflected(v reflect.Value) {
	if w.err != nil {
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	switch {
	case w.depth > maxDepth:
		w.fail(errTooDeep)
		return
	case w.buf.Len() > MaxFrame:
		w.fail(errTooLong)
		return
	}
	switch v.Kind() {
	case reflect.Invalid:
		w.null()
	case reflect.Pointer, reflect.Interface:
		w.reflected(v.Elem())
	case reflect.Slice, reflect.Array:
		w.sequence(v)
	case reflect.Map:
		w.mapping(v)
	case reflect.Struct:
		w.structure(v)
	default:
		w.scalar(v)
	}
}

// scalar writes what can also be the key of a map.
func (w *writer) scalar(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Bool:
		w.bool(v.Bool())
	case v.CanInt():
		w.int(v.Int())
	case v.CanUint():
		w.uint(v.Uint())
	case v.CanFloat():
		if !finite(v.Float()) {
			w.fail(errors.New("NaN or infinity in the data"))
		}
		w.float(v.Float())
	case v.Kind() == reflect.String:
		w.str(v.String())
	default:
		w.fail(fmt.Errorf("data of type %s: use maps, slices, strings, numbers", v.Type()))
	}
}

func (w *writer) structure(v reflect.Value) {
	var t time.Time
	ok := v.Type().ConvertibleTo(timeType)
	if ok {
		t, ok = reflect.TypeAssert[time.Time](v.Convert(timeType))
	}
	if !ok {
		w.fail(fmt.Errorf("data of type %s: use a map instead of a struct", v.Type()))
		return
	}
	t = t.UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		w.fail(fmt.Errorf("year %d is outside of Python's datetime", t.Year()))
	}
	w.mapLen(2)
	w.str(datetimeMark)
	w.bool(true)
	w.str(datetimeText)
	w.str(t.Format(datetimeFormat))
}

func (w *writer) sequence(v reflect.Value) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		w.null()
		return
	}
	if v.Kind() == reflect.Slice && v.Type().ConvertibleTo(bytesType) {
		w.bytes(v.Bytes())
		return
	}
	w.arrayLen(v.Len())
	for i := range v.Len() {
		w.reflected(v.Index(i))
	}
}

func (w *writer) mapping(v reflect.Value) {
	if v.IsNil() {
		w.null()
		return
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, compareKeys)
	w.mapLen(len(keys))
	for _, k := range keys {
		w.key(k)
		w.reflected(v.MapIndex(k))
	}
}

func (w *writer) key(k reflect.Value) {
	switch k = concrete(k); k.Kind() {
	case reflect.Invalid:
		w.null()
	default:
		w.scalar(k)
	}
}

func concrete(k reflect.Value) reflect.Value {
	if k.Kind() == reflect.Interface {
		return k.Elem()
	}
	return k
}

// compareKeys orders keys of one map: by kind, then by value.
func compareKeys(a, b reflect.Value) int {
	a, b = concrete(a), concrete(b)
	if c := cmp.Compare(keyRank(a), keyRank(b)); c != 0 {
		return c
	}
	switch {
	case a.Kind() == reflect.Bool:
		return cmp.Compare(b2i(a.Bool()), b2i(b.Bool()))
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	case a.CanFloat():
		return cmp.Compare(a.Float(), b.Float())
	case a.Kind() == reflect.String:
		return cmp.Compare(a.String(), b.String())
	}
	return 0
}

func keyRank(k reflect.Value) int {
	switch {
	case k.Kind() == reflect.Bool:
		return 1
	case k.CanInt():
		return 2
	case k.CanUint():
		return 3
	case k.CanFloat():
		return 4
	case k.Kind() == reflect.String:
		return 5
	}
	return 0
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
