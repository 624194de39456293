package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

const keysPath = api + "keys"

var errNoKeys = errors.New("the reply holds no list of keys")

// collect asks the service for keys of every kind, in a run without a master to do
// so. Each request is a row; the first that fails ends it.
func collect(ctx context.Context, env *locustworker.Environment, cfg Config) ([]string, error) {
	host := cfg.AppEndpoint
	if host == "" {
		host = env.Host()
	}
	if host == "" {
		host = cfg.APIEndpoint
	}
	if host == "" {
		return nil, nil
	}
	nobody := locustworker.NewStandaloneUser(ctx, locustworker.StandaloneConfig{Host: host, Record: env.Record})
	session, err := httpuser.New(nobody, httpuser.Config{Timeout: cfg.RequestTimeout})
	if err != nil {
		return nil, err
	}
	defer session.Close()
	var keys []string
	for _, prefix := range prefixes {
		var found []string
		resp, err := session.Get(ctx, keysPath, httpuser.Name(keysPath),
			httpuser.Query("pattern", prefix), httpuser.Query("limit", strconv.Itoa(cfg.SampleSize)),
			httpuser.Check(func(r *httpuser.Response) error {
				var list struct{ JSON []string }
				if err := json.Unmarshal(r.Body, &list); err != nil || list.JSON == nil {
					return errNoKeys
				}
				found = list.JSON
				return nil
			}))
		if err != nil {
			return keys, err
		}
		if !resp.OK() {
			return keys, fmt.Errorf("%s lists no keys, so the test sets have no data: is it the API, and does it run? %w", locustworker.HidePasswords(host), resp.Err)
		}
		keys = append(keys, slices.DeleteFunc(found, func(key string) bool { return !strings.HasPrefix(key, prefix) })...)
	}
	return keys, nil
}

// defaultClasses are what runs without a master where nobody has chosen: the mixed
// class, those that tags name, and those given a weight (default_classes in
// twin/exchange.py).
func (s *Scenario) defaultClasses(tags []string) []string {
	var chosen, weighed []string
	for _, set := range sets() {
		_, given := s.cfg.Weights[set.name]
		named := slices.Contains(tags, set.name)
		mixed := set.name == ClassName && (len(tags) == 0 || slices.ContainsFunc(set.tasks, func(t task) bool { return slices.Contains(tags, t.tag) }))
		if s.cfg.weight(set.name, 1) == 0 {
			continue
		}
		weighed = append(weighed, set.name)
		if mixed || named || given {
			chosen = append(chosen, set.name)
		}
	}
	if len(chosen) == 0 {
		return weighed
	}
	return chosen
}
