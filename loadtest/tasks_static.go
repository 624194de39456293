package loadtest

import (
	"context"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// The tasks of JSONSet, JSONGet, JSONChange, JSONDelete and MoreJSON: the static
// document as JSON and as a string.

func (u *user) addJSON(ctx context.Context) error {
	return u.addStatic(ctx, "add_json", "redisjson", complexKind, u.stored)
}

func (u *user) addString(ctx context.Context) error {
	return u.addStatic(ctx, "add_string", "string", text, u.storedText)
}

func (u *user) getComplex(ctx context.Context) error {
	return u.get(ctx, "get_json", "doc/", httpuser.Check(checkObject), complexKind)
}

func (u *user) getString(ctx context.Context) error {
	return u.get(ctx, "get_string", "string/", httpuser.Check(checkText), text)
}

func (u *user) updateComplex(ctx context.Context) error {
	return u.updateOne(ctx, "updateField_json", staticFields, complexKind)
}

func (u *user) updateString(ctx context.Context) error {
	return u.updateAt(ctx, "updateField_string", "string/update", u.storedText, text)
}

func (u *user) updateComplexNested(ctx context.Context) error {
	return u.updateOne(ctx, "update_nested_Field_json", nestedFields, complexKind)
}

func (u *user) appendComplexAbout(ctx context.Context) error {
	return u.appendText(ctx, "json_append_string", "updateField_json", complexKind)
}

func (u *user) appendComplexTags(ctx context.Context) error {
	return u.appendList(ctx, "updateField_json", complexKind)
}

func (u *user) increasePower(ctx context.Context) error {
	return u.increase(ctx, "updateField_json", fieldPower, complexKind)
}

func (u *user) multiplySpeed(ctx context.Context) error {
	return u.multiply(ctx, "updateField_json", fieldSpeed, complexKind)
}

// deleteJSON writes a document under the user's own key and deletes it.
func (u *user) deleteJSON(ctx context.Context) error {
	if err := u.chosen("delete_json"); err != nil {
		return err
	}
	u.body = appendComplex(u.body[:0], u.own.key, u.cfg.DocumentSize)
	ok, err := u.store(ctx, "add_json", "redisjson", u.own.key, u.body, u.stored)
	u.owes = u.owes || ok
	if err != nil || !ok {
		return err
	}
	return u.deleteOwn(ctx)
}

func (u *user) deleteOwn(ctx context.Context) error {
	u.wantKey = u.own.key
	_, err := u.Delete(ctx, api+"redisjson/delete/"+u.own.path, httpuser.Name(api+"delete_json"), u.keyMatches)
	u.owes = u.owes && err != nil
	return err
}

func (u *user) getComplexField(ctx context.Context) error {
	return u.getPart(ctx, "get_json_by_key_and_field", "subdoc/", wholeFields, complexKind)
}

func (u *user) getStringField(ctx context.Context) error {
	return u.getPart(ctx, "get_string_by_key_and_field", "string/", wholeFields, text)
}

func (u *user) getComplexNested(ctx context.Context) error {
	return u.getPart(ctx, "get_nested_json", "subdoc/", readFields, complexKind)
}
