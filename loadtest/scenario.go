package loadtest

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// ClassName is the name of the mixed user class, which runs where no other is
// asked for.
const ClassName = "RedisJSONUser"

// Tags of the tasks, one a kind of request. Each task has the name of its class
// as a tag too.
const (
	tagRead   = "read"
	tagWrite  = "write"
	tagUpdate = "update"
	tagAppend = "append"
	tagDelete = "delete"
)

// A Scenario is the load test with what its users share in one process. It is
// safe for concurrent use.
type Scenario struct {
	cfg  Config
	pool *pool
	run  atomic.Pointer[run]
}

// New returns a scenario. Its error wraps ErrConfig.
func New(cfg Config) (*Scenario, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Scenario{cfg: cfg.clone(), pool: newPool()}
	s.run.Store(newRun(s.cfg, s.cfg))
	return s, nil
}

// Classes returns the scenario's user classes, for locustworker.New: the mixed
// one and the test sets. Their users share the scenario's documents.
func (s *Scenario) Classes() []locustworker.Class {
	var classes []locustworker.Class
	for _, set := range sets() {
		class := locustworker.NewClass(set.name, func(self *locustworker.User) (*user, error) { return s.newUser(self, set) }).
			Weight(s.cfg.weight(set.name, 1)).
			Host(s.host(set)).
			Wait(locustworker.WaitFunc(s.wait))
		for _, t := range set.tasks {
			name := set.name + "." + t.name
			class.Task(t.name, max(1, s.cfg.weight(name, t.weight)), t.do, t.tag, set.name)
		}
		classes = append(classes, class)
	}
	return classes
}

// host is where the users of a class send their requests without another host.
func (s *Scenario) host(of set) string {
	if of.direct {
		return "" // Config.RedisURL counts, whatever host the master sends
	}
	return s.cfg.APIEndpoint
}

// wait is the pause of a user.
func (s *Scenario) wait(u *locustworker.User) time.Duration {
	cfg := s.run.Load().cfg
	return cfg.MinWait + time.Duration(u.Rand().Float64()*float64(cfg.MaxWait-cfg.MinWait))
}

// A taskFunc does a task once.
type taskFunc func(*user, context.Context) error

// A task is one of a class, with the weight that it has without any setting.
type task struct {
	name   string
	weight int
	tag    string
	do     taskFunc
}

// A set is a user class.
type set struct {
	name  string
	tasks []task
	// direct says that users talk to Redis itself and not to the service.
	direct bool
	// writes says that users write a document themselves where they have none to
	// work on; others say that there is no data.
	writes bool
}

// sets are all user classes. That of locustfile.py are the same; a test holds
// the two together.
func sets() []set {
	mixed := set{name: ClassName, writes: true, tasks: []task{
		{"get_json", 3, tagRead, (*user).getJSON},
		{"get_json_by_key_and_field", 2, tagRead, (*user).getField},
		{"getListOfFieldsByKey", 1, tagRead, (*user).getFieldNames},
		{"add_random_small_json", 2, tagWrite, (*user).addFlat},
		{"add_static_big_json", 1, tagWrite, (*user).addComplex},
		{"numbIncryBy", 1, tagUpdate, (*user).increaseAge},
		{"numMultiBy", 1, tagUpdate, (*user).multiplyBalance},
		{"updateField", 2, tagUpdate, (*user).update},
		{"appendString", 1, tagAppend, (*user).appendAbout},
		{"json_append_array", 1, tagAppend, (*user).appendTags},
	}}
	return slices.Concat([]set{mixed}, testSets(), directSets())
}

// testSets are the classes that do one kind of thing each.
func testSets() []set {
	return []set{
		{name: "JSONSet", tasks: []task{
			{"add_json", 1, tagWrite, (*user).addJSON},
			{"add_string", 1, tagWrite, (*user).addString},
		}},
		{name: "JSONGet", tasks: []task{
			{"get_json", 1, tagRead, (*user).getComplex},
			{"get_string", 1, tagRead, (*user).getString},
		}},
		{name: "JSONChange", tasks: []task{
			{"updateField_json", 1, tagUpdate, (*user).updateComplex},
			{"updateField_string", 1, tagUpdate, (*user).updateString},
			{"update_nested_Field_json", 1, tagUpdate, (*user).updateComplexNested},
			{"json_append_string", 1, tagAppend, (*user).appendComplexAbout},
			{"json_append_array", 1, tagAppend, (*user).appendComplexTags},
			{"numbIncryBy", 1, tagUpdate, (*user).increasePower},
			{"numMultiBy", 1, tagUpdate, (*user).multiplySpeed},
		}},
		{name: "JSONDelete", tasks: []task{
			{"delete_json", 1, tagDelete, (*user).deleteJSON},
		}},
		{name: "MoreJSON", tasks: []task{
			{"get_json_by_key_and_field", 1, tagRead, (*user).getComplexField},
			{"get_string_by_key_and_field", 1, tagRead, (*user).getStringField},
			{"get_nested_json", 1, tagRead, (*user).getComplexNested},
		}},
		{name: "RandomGet", tasks: []task{
			{"getJsonByKey", 1, tagRead, (*user).getUser},
			{"getValueByKeyAndFields", 1, tagRead, (*user).getUserField},
			{"getListOfFieldsByKey", 1, tagRead, (*user).getUserFieldNames},
		}},
		{name: "RandomJSON", tasks: []task{
			{"add_random_small_json", 1, tagWrite, (*user).addFlat},
			{"add_static_big_json", 1, tagWrite, (*user).addComplex},
		}},
		{name: "RandomPut", tasks: []task{
			{"updateField", 1, tagUpdate, (*user).updateUser},
			{"update_field_nested", 1, tagUpdate, (*user).updateUserNested},
			{"appendString", 1, tagAppend, (*user).appendAbout},
			{"numbIncryBy", 1, tagUpdate, (*user).increaseAge},
			{"numMultiBy", 1, tagUpdate, (*user).multiplyBalance},
		}},
		{name: "HashVsJSONPost", tasks: []task{
			{"post_as_hash", 1, tagWrite, (*user).postHash},
			{"post_as_json", 1, tagWrite, (*user).postJSON},
		}},
		{name: "HashVsJSONGet", tasks: []task{
			{"get_as_hash", 1, tagRead, (*user).getAsHash},
			{"get_as_json", 1, tagRead, (*user).getAsJSON},
		}},
		{name: "HashVsJSONUpdate", tasks: []task{
			{"update_as_hash", 1, tagUpdate, (*user).updateAsHash},
			{"update_as_json", 1, tagUpdate, (*user).updateAsJSON},
		}},
		{name: "NestedJSON", writes: true, tasks: []task{
			{"add_random_big_json", 1, tagWrite, (*user).addNested},
			{"get_json", 1, tagRead, (*user).getNested},
		}},
	}
}

func one[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }
