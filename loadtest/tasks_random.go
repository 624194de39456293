package loadtest

import (
	"context"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// The tasks of RandomGet, RandomPut, NestedJSON and HashVsJSON*: random users, as
// JSON and as hashes. Those of RandomJSON are of RedisJSONUser too.

func (u *user) getUser(ctx context.Context) error {
	return u.get(ctx, "getJsonByKey", "doc/", httpuser.Check(checkObject), flat, nested)
}

func (u *user) getUserField(ctx context.Context) error {
	return u.getPart(ctx, "getValueByKeyAndFields", "subdoc/", readFields, flat, nested)
}

func (u *user) getUserFieldNames(ctx context.Context) error {
	return u.get(ctx, "getListOfFieldsByKey", "fields/", httpuser.Check(checkList), flat, nested)
}

func (u *user) updateUser(ctx context.Context) error {
	return u.updateOne(ctx, "updateField", updateFields, flat, nested)
}

func (u *user) updateUserNested(ctx context.Context) error {
	return u.updateOne(ctx, "update_field_nested", nestedFields, nested)
}

func (u *user) postHash(ctx context.Context) error {
	return u.addRandom(ctx, "post_as_hash", "hash", hash)
}

func (u *user) postJSON(ctx context.Context) error {
	return u.addRandom(ctx, "post_as_json", "redisjson", flat)
}

func (u *user) getAsHash(ctx context.Context) error {
	return u.get(ctx, "get_as_hash", "hash/", httpuser.Check(checkObject), hash)
}

func (u *user) getAsJSON(ctx context.Context) error {
	return u.get(ctx, "get_as_json", "doc/", httpuser.Check(checkObject), flat)
}

func (u *user) updateAsHash(ctx context.Context) error {
	return u.updateAt(ctx, "update_as_hash", "hash/update", httpuser.Check(checkObject), hash)
}

func (u *user) updateAsJSON(ctx context.Context) error {
	return u.updateOne(ctx, "update_as_json", sharedFields, flat)
}

func (u *user) addNested(ctx context.Context) error {
	return u.addRandom(ctx, "add_random_big_json", "redisjson", nested)
}

func (u *user) getNested(ctx context.Context) error {
	return u.get(ctx, "get_json", "doc/", httpuser.Check(checkObject), nested)
}
