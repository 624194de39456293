package redisjson

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"strconv"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

const jsonType = "application/json"

// READ

func (u *user) getJSON(ctx context.Context) error {
	d, ok, err := u.document(ctx, flat, nested, complexKind)
	if !ok {
		return err
	}
	return u.read(ctx, d, api+"get_json", api+"doc/"+d.path, httpuser.Check(checkObject))
}

func (u *user) getField(ctx context.Context) error {
	d, ok, err := u.document(ctx, flat, nested, complexKind)
	if !ok {
		return err
	}
	field := url.PathEscape(one(u.self.Rand(), readFields[d.kind]))
	return u.read(ctx, d, api+"get_json_by_key_and_field", api+"subdoc/"+d.path+"/"+field, httpuser.Check(checkValue))
}

func (u *user) getFieldNames(ctx context.Context) error {
	d, ok, err := u.document(ctx, flat, nested, complexKind)
	if !ok {
		return err
	}
	return u.read(ctx, d, api+"getListOfFieldsByKey", api+"fields/"+d.path, httpuser.Check(checkList))
}

func (u *user) read(ctx context.Context, d document, name, path string, check httpuser.Option) error {
	r, err := u.Get(ctx, path, httpuser.Name(name), check)
	if err == nil {
		u.settle(r, d)
	}
	return err
}

func one[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// WRITE

func (u *user) addFlat(ctx context.Context) error {
	id := prefixes[flat] + strconv.Itoa(1+u.self.Rand().IntN(u.cfg.FlatDocuments))
	body, err := json.Marshal(newFlatDocument(u.faker, id))
	if err != nil {
		return err
	}
	return u.add(ctx, api+"add_random_small_json", id, body)
}

func (u *user) addComplex(ctx context.Context) error {
	id := prefixes[complexKind] + strconv.Itoa(1+u.self.Rand().IntN(u.cfg.ComplexDocuments))
	return u.add(ctx, api+"add_static_big_json", id, appendComplex(make([]byte, 0, len(id)+len(complexDocument)+10), id))
}

func (u *user) add(ctx context.Context, name, id string, body []byte) error {
	u.wantKey = id
	r, err := u.Post(ctx, api+"redisjson", httpuser.Name(name), httpuser.Body(body, jsonType), u.stored)
	if err == nil && r.OK() {
		u.pool.add(id)
	}
	return err
}

// UPDATE

func (u *user) increase(ctx context.Context) error {
	d, ok, err := u.document(ctx, flat, nested)
	if !ok {
		return err
	}
	u.begin(d, fieldAge, "num")
	u.body = strconv.AppendInt(u.body, int64(u.faker.Number(1, 10)), 10)
	return u.change(ctx, d, api+"numbIncryBy", api+"redisjson/increby", fieldAge)
}

func (u *user) multiply(ctx context.Context) error {
	d, ok, err := u.document(ctx, flat, nested)
	if !ok {
		return err
	}
	u.begin(d, fieldBalance, "num")
	u.body = append(u.body, one(u.self.Rand(), factors)...)
	return u.change(ctx, d, api+"numMultiBy", api+"redisjson/multiby", fieldBalance)
}

// factors keep a number where it is, on average.
var factors = []string{"2", "0.5"}

func (u *user) update(ctx context.Context) error {
	d, ok, err := u.document(ctx, flat, nested, complexKind)
	if !ok {
		return err
	}
	return u.set(ctx, d, one(u.self.Rand(), updateFields[d.kind]))
}

// set gives a field a new random value of its kind.
func (u *user) set(ctx context.Context, d document, field string) error {
	u.begin(d, field, "str")
	switch field {
	case fieldAge:
		u.body = strconv.AppendInt(u.body, int64(newAge(u.faker)), 10)
	case fieldBalance:
		u.body = strconv.AppendFloat(u.body, newBalance(u.faker), 'f', 2, 64)
	case fieldTags:
		u.body = u.appendWords(u.body, 5)
	default:
		u.body = appendQuoted(u.body, u.faker.Sentence())
	}
	u.body = append(u.body, '}')
	u.wantKey = d.key
	r, err := u.Put(ctx, api+"redisjson/update", httpuser.Name(api+"updateField"), httpuser.Body(u.body, jsonType), u.keyMatches)
	if err == nil {
		u.settle(r, d)
	}
	return err
}

// APPEND

func (u *user) appendString(ctx context.Context) error {
	d, ok, err := u.document(ctx, flat, nested)
	if !ok {
		return err
	}
	u.begin(d, fieldAbout, "str")
	u.body = appendQuoted(u.body, " "+u.faker.Word())
	return u.change(ctx, d, api+"appendString", api+"redisjson/append", fieldAbout)
}

func (u *user) appendArray(ctx context.Context) error {
	d, ok, err := u.document(ctx, nested, complexKind)
	if !ok {
		return err
	}
	u.begin(d, fieldTags, "arr")
	u.body = u.appendWords(u.body, u.faker.Number(1, 3))
	return u.change(ctx, d, api+"json_append_array", api+"redisjson/appendarray", fieldTags)
}

// appendWords appends a JSON array of n words.
func (u *user) appendWords(dst []byte, n int) []byte {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, u.faker.Word())
	}
	return append(dst, ']')
}

// begin starts the body of a change in u.body: {"key":…,"field":…,"<value>":
func (u *user) begin(d document, field, value string) {
	u.body = append(u.body[:0], `{"key":`...)
	u.body = append(u.body, d.quoted...)
	u.body = append(append(u.body, `,"field":"`...), field...)
	u.body = append(append(append(u.body, `","`...), value...), `":`...)
}

// change ends the body and sends it. The reply is the whole document; a field
// that has outgrown its bounds is set anew.
func (u *user) change(ctx context.Context, d document, name, route, field string) error {
	u.body = append(u.body, '}')
	r, err := u.Put(ctx, route, httpuser.Name(name), httpuser.Body(u.body, jsonType), httpuser.Check(checkObject))
	if err != nil {
		return err
	}
	u.settle(r, d)
	if r.OK() && outgrown(r.Body, field) {
		return u.set(ctx, d, field)
	}
	return nil
}

// appendQuoted appends s as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return dst // never: a string always encodes
	}
	return append(dst, quoted...)
}
