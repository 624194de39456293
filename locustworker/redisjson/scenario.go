package redisjson

import (
	"github.com/bandwing/bandwing/locustworker"
)

// ClassName is the name of the scenario's user class.
const ClassName = "RedisJSONUser"

// Tags of the tasks, one a kind of request.
const (
	tagRead   = "read"
	tagWrite  = "write"
	tagUpdate = "update"
	tagAppend = "append"
)

// A Scenario is the load test with what its users share in one process. It is
// safe for concurrent use.
type Scenario struct {
	cfg  Config
	pool *pool
}

// New returns a scenario. Its error wraps ErrConfig.
func New(cfg Config) (*Scenario, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Scenario{cfg: cfg.withDefaults(), pool: newPool()}, nil
}

// Classes returns the scenario's user classes, for locustworker.New. Their users
// share the scenario's documents.
func (s *Scenario) Classes() []locustworker.Class {
	return []locustworker.Class{
		locustworker.NewClass(ClassName, s.newUser).
			Wait(locustworker.Between(s.cfg.MinWait, s.cfg.MaxWait)).
			Task("get_json", 3, (*user).getJSON, tagRead).
			Task("get_json_by_key_and_field", 2, (*user).getField, tagRead).
			Task("getListOfFieldsByKey", 1, (*user).getFieldNames, tagRead).
			Task("add_random_small_json", 2, (*user).addFlat, tagWrite).
			Task("add_static_big_json", 1, (*user).addComplex, tagWrite).
			Task("numbIncryBy", 1, (*user).increase, tagUpdate).
			Task("numMultiBy", 1, (*user).multiply, tagUpdate).
			Task("updateField", 2, (*user).update, tagUpdate).
			Task("appendString", 1, (*user).appendString, tagAppend).
			Task("json_append_array", 1, (*user).appendArray, tagAppend),
	}
}
