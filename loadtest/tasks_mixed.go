package loadtest

import (
	"context"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// The tasks of RedisJSONUser, on all kinds of JSON documents.

func (u *user) getJSON(ctx context.Context) error {
	return u.get(ctx, "get_json", "doc/", httpuser.Check(checkObject), flat, nested, complexKind)
}

func (u *user) getField(ctx context.Context) error {
	return u.getPart(ctx, "get_json_by_key_and_field", "subdoc/", readFields, flat, nested, complexKind)
}

func (u *user) getFieldNames(ctx context.Context) error {
	return u.get(ctx, "getListOfFieldsByKey", "fields/", httpuser.Check(checkList), flat, nested, complexKind)
}

func (u *user) addFlat(ctx context.Context) error {
	return u.addRandom(ctx, "add_random_small_json", "redisjson", flat)
}

func (u *user) addComplex(ctx context.Context) error {
	return u.addStatic(ctx, "add_static_big_json", "redisjson", complexKind, u.stored)
}

func (u *user) increaseAge(ctx context.Context) error {
	return u.increase(ctx, "updateField", fieldAge, flat, nested)
}

func (u *user) multiplyBalance(ctx context.Context) error {
	return u.multiply(ctx, "updateField", fieldBalance, flat, nested)
}

func (u *user) update(ctx context.Context) error {
	return u.updateOne(ctx, "updateField", updateFields, flat, nested, complexKind)
}

func (u *user) appendAbout(ctx context.Context) error {
	return u.appendText(ctx, "appendString", "updateField", flat, nested)
}

func (u *user) appendTags(ctx context.Context) error {
	return u.appendList(ctx, "updateField", nested, complexKind)
}
