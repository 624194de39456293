package locustworker

import (
	"context"
	"strings"
	"testing"
)

// Users of classes whose sets embed them, and whose OnStart logs in.
type (
	loginUser  struct{ *User }
	valueUser  struct{}
	quietUser  struct{ *User }
	goodbyes   struct{ *User }
	starterAPI interface{ Starter }
)

func (*loginUser) OnStart(context.Context) error { return nil }
func (valueUser) OnStart(context.Context) error  { return nil }
func (*goodbyes) OnStop(context.Context) error   { return nil }

type (
	embedsIt      struct{ *loginUser }
	embedsValue   struct{ loginUser }
	embedsDeep    struct{ between }
	between       struct{ *loginUser }
	namesIt       struct{ User *loginUser }
	hasItsOwn     struct{ *loginUser }
	hasItsOwnToo  struct{ loginUser }
	betweenHasOne struct{ hasItsOwn }
	embedsQuiet   struct{ *quietUser }
	embedsOther   struct{ *goodbyes }
)

func (*hasItsOwn) OnStart(context.Context) error   { return nil }
func (hasItsOwnToo) OnStart(context.Context) error { return nil }

// nesting is a class of users U with a set of states S.
func nesting[U, S any]() Class {
	set := NewSet("Checkout", func(U) (s S, err error) { return s, nil }).
		Task("pay", 1, func(S, context.Context) error { return nil })
	return NewClass("Shop", func(*User) (u U, err error) { return u, nil }).Nest(1, set)
}

// TestStatesThatEmbedTheirParent: OnStart and OnStop of a set must not be those of
// what it stands in.
func TestStatesThatEmbedTheirParent(t *testing.T) {
	for name, test := range map[string]struct {
		class  Class
		refuse string // the method
	}{
		"pointer":              {nesting[*loginUser, *embedsIt](), "OnStart"},
		"pointer in value":     {nesting[*loginUser, embedsIt](), "OnStart"},
		"value":                {nesting[*loginUser, *embedsValue](), "OnStart"},
		"value user":           {nesting[valueUser, struct{ valueUser }](), "OnStart"},
		"deep":                 {nesting[*loginUser, *embedsDeep](), "OnStart"},
		"OnStop":               {nesting[*goodbyes, *embedsOther](), "OnStop"},
		"interface":            {nesting[starterAPI, struct{ starterAPI }](), "OnStart"},
		"named":                {nesting[*loginUser, *namesIt](), ""},
		"with its own":         {nesting[*loginUser, *hasItsOwn](), ""},
		"with a value's own":   {nesting[*loginUser, *hasItsOwnToo](), ""},
		"an own in between":    {nesting[*loginUser, *betweenHasOne](), ""},
		"nothing to promote":   {nesting[*quietUser, *embedsQuiet](), ""},
		"of another":           {nesting[*quietUser, *embedsOther](), ""},
		"the user itself":      {nesting[*quietUser, *quietUser](), ""},
		"any":                  {nesting[*loginUser, any](), ""},
		"a set in a named set": {setInSet[*namesIt](), "OnStart"},
	} {
		err := test.class.spec().root.validate()
		switch {
		case test.refuse == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.refuse != "" && (err == nil || !strings.Contains(err.Error(), test.refuse+" would run at each visit")):
			t.Errorf("%s: %v; want a fault of %s", name, err, test.refuse)
		}
	}
}

// setInSet is a class whose innermost set embeds the class's user, not the set that
// it stands in.
func setInSet[S any]() Class {
	inner := NewSet("Pay", func(S) (*embedsIt, error) { return nil, nil }).
		Task("card", 1, func(*embedsIt, context.Context) error { return nil })
	outer := NewSet("Checkout", func(*loginUser) (s S, err error) { return s, nil }).Nest(1, inner)
	return NewClass("Shop", func(*User) (*loginUser, error) { return nil, nil }).Nest(1, outer)
}
