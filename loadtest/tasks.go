package loadtest

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// What follows are the forms of requests that the classes' tasks are made of. The
// name of a task's request is the task's. A request that fails is a row, not an
// error; an error is the end of the user, a lack of data, or a task that gives
// way.

const jsonType = "application/json"

// get reads from a route by the key of a document of one of the kinds.
func (u *user) get(ctx context.Context, name, route string, check httpuser.Option, of ...kind) error {
	d, err := u.begin(ctx, name, of...)
	if err != nil {
		return err
	}
	return u.fetch(ctx, name, route+d.path, check, d)
}

// getPart reads one of the fields of a document, by its kind.
func (u *user) getPart(ctx context.Context, name, route string, fields [kinds][]string, of ...kind) error {
	d, err := u.begin(ctx, name, of...)
	if err != nil {
		return err
	}
	field := url.PathEscape(one(u.rand, fields[d.kind]))
	return u.fetch(ctx, name, route+d.path+"/"+field, httpuser.Check(checkValue), d)
}

func (u *user) fetch(ctx context.Context, name, path string, check httpuser.Option, d document) error {
	r, err := u.Get(ctx, api+path, httpuser.Name(api+name), check)
	if err == nil {
		u.settle(r, d)
	}
	return err
}

// nextKey draws a key that is written, of a kind.
func (u *user) nextKey(k kind) string {
	most := u.cfg.RandomDocuments
	if k == complexKind || k == text {
		most = u.cfg.StaticDocuments
	}
	return prefixes[k] + strconv.Itoa(1+u.rand.IntN(most))
}

// add writes a document, which exists from then on.
func (u *user) add(ctx context.Context, name, route, key string, body []byte, check httpuser.Option) error {
	ok, err := u.store(ctx, name, route, key, body, check)
	if ok {
		u.pool.add(key)
	}
	return err
}

func (u *user) store(ctx context.Context, name, route, key string, body []byte, check httpuser.Option) (bool, error) {
	u.wantKey = key
	r, err := u.Post(ctx, api+route, httpuser.Name(api+name), httpuser.Body(body, jsonType), check)
	return err == nil && r.OK(), err
}

// addRandom is the task of writing a random user.
func (u *user) addRandom(ctx context.Context, name, route string, k kind) error {
	if err := u.chosen(name); err != nil {
		return err
	}
	return u.writeRandom(ctx, name, route, k)
}

func (u *user) writeRandom(ctx context.Context, name, route string, k kind) error {
	key := u.nextKey(k)
	var document any
	if k == nested {
		document = newNestedDocument(u.faker, key)
	} else {
		document = newFlatDocument(u.faker, key)
	}
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return u.add(ctx, name, route, key, body, u.stored)
}

// addStatic is the task of writing the static document.
func (u *user) addStatic(ctx context.Context, name, route string, k kind, check httpuser.Option) error {
	if err := u.chosen(name); err != nil {
		return err
	}
	return u.writeStatic(ctx, name, route, k, check)
}

func (u *user) writeStatic(ctx context.Context, name, route string, k kind, check httpuser.Option) error {
	key := u.nextKey(k)
	u.body = appendComplex(u.body[:0], key, u.cfg.DocumentSize)
	return u.add(ctx, name, route, key, u.body, check)
}

// open starts the body of a change in u.body: {"key":…,"field":…,"<value>":
func (u *user) open(d document, field, value string) {
	u.body = append(u.body[:0], `{"key":`...)
	u.body = append(u.body, d.quoted...)
	u.body = append(append(u.body, `,"field":"`...), field...)
	u.body = append(append(append(u.body, `","`...), value...), `":`...)
}

// send ends the body of a change and puts it.
func (u *user) send(ctx context.Context, name, route string, check httpuser.Option, d document) (*httpuser.Response, error) {
	u.body = append(u.body, '}')
	u.wantKey = d.key
	r, err := u.Put(ctx, api+route, httpuser.Name(api+name), httpuser.Body(u.body, jsonType), check)
	if err == nil {
		u.settle(r, d)
	}
	return r, err
}

// setField gives a field of a document a new random value.
func (u *user) setField(ctx context.Context, name string, d document, field string) error {
	u.open(d, field, "str")
	u.appendValue(field)
	_, err := u.send(ctx, name, "redisjson/update", u.keyMatches, d)
	return err
}

// appendValue appends a new random value for a field to the body.
func (u *user) appendValue(field string) {
	switch field {
	case fieldAge:
		u.body = strconv.AppendInt(u.body, int64(newAge(u.faker)), 10)
	case fieldBalance, fieldSpeed:
		u.body = strconv.AppendFloat(u.body, newBalance(u.faker), 'f', 2, 64)
	case fieldTags:
		u.body = u.appendWords(u.body, 5)
	case fieldAbout:
		u.body = appendQuoted(u.body, u.faker.Sentence())
	default: // one of nestedFields
		u.body = appendQuoted(u.body, u.faker.Word())
	}
}

// change makes a change whose reply is the whole document; a field that has
// outgrown its bounds is set anew, by a request named reset.
func (u *user) change(ctx context.Context, name, route, reset, field string, d document) error {
	r, err := u.send(ctx, name, route, httpuser.Check(checkObject), d)
	if err != nil {
		return err
	}
	if r.OK() && outgrown(r.Body, field) {
		return u.setField(ctx, reset, d, field)
	}
	return nil
}

func (u *user) increase(ctx context.Context, reset, field string, of ...kind) error {
	d, err := u.begin(ctx, "numbIncryBy", of...)
	if err != nil {
		return err
	}
	u.open(d, field, "num")
	u.body = strconv.AppendInt(u.body, int64(u.faker.Number(1, 10)), 10)
	return u.change(ctx, "numbIncryBy", "redisjson/increby", reset, field, d)
}

func (u *user) multiply(ctx context.Context, reset, field string, of ...kind) error {
	d, err := u.begin(ctx, "numMultiBy", of...)
	if err != nil {
		return err
	}
	u.open(d, field, "num")
	u.body = append(u.body, one(u.rand, factors)...)
	return u.change(ctx, "numMultiBy", "redisjson/multiby", reset, field, d)
}

// factors keep a number where it is, on average.
var factors = []string{"2", "0.5"}

func (u *user) appendText(ctx context.Context, name, reset string, of ...kind) error {
	d, err := u.begin(ctx, name, of...)
	if err != nil {
		return err
	}
	u.open(d, fieldAbout, "str")
	u.body = appendQuoted(u.body, " "+u.faker.Word())
	return u.change(ctx, name, "redisjson/append", reset, fieldAbout, d)
}

func (u *user) appendList(ctx context.Context, reset string, of ...kind) error {
	d, err := u.begin(ctx, "json_append_array", of...)
	if err != nil {
		return err
	}
	u.open(d, fieldTags, "arr")
	u.body = u.appendWords(u.body, u.faker.Number(1, 3))
	return u.change(ctx, "json_append_array", "redisjson/appendarray", reset, fieldTags, d)
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

// updateOne sets one of the fields of a JSON document, by its kind.
func (u *user) updateOne(ctx context.Context, name string, fields [kinds][]string, of ...kind) error {
	d, err := u.begin(ctx, name, of...)
	if err != nil {
		return err
	}
	return u.setField(ctx, name, d, one(u.rand, fields[d.kind]))
}

// updateAt is updateOne for documents that are no JSON.
func (u *user) updateAt(ctx context.Context, name, route string, check httpuser.Option, of kind) error {
	d, err := u.begin(ctx, name, of)
	if err != nil {
		return err
	}
	field := one(u.rand, updateFields[of])
	u.open(d, field, "str")
	u.appendValue(field)
	_, err = u.send(ctx, name, route, check, d)
	return err
}

// appendQuoted appends s as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return dst // never: a string always encodes
	}
	return append(dst, quoted...)
}
