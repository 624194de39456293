package redisjson

import (
	"context"
	"iter"

	"github.com/bandwing/bandwing/locustworker"
)

// tasks yields a user's tasks by name in declaration order. Package locustworker
// lets nobody call the tasks of a class, so they are named here once more; a
// wrong pairing shows in the rows, which are named after the tasks.
func tasks(u *user) iter.Seq2[string, func(context.Context) error] {
	byName := map[string]func(context.Context) error{
		"get_json": u.getJSON, "get_json_by_key_and_field": u.getField, "getListOfFieldsByKey": u.getFieldNames,
		"add_random_small_json": u.addFlat, "add_static_big_json": u.addComplex,
		"numbIncryBy": u.increase, "numMultiBy": u.multiply, "updateField": u.update,
		"appendString": u.appendString, "json_append_array": u.appendArray,
	}
	return func(yield func(string, func(context.Context) error) bool) {
		for _, task := range locustworker.Describe((&Scenario{pool: newPool()}).Classes()[0]).Tasks {
			if !yield(task.Name, byName[task.Name]) {
				return
			}
		}
	}
}
