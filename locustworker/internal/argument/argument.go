// Package argument converts the custom arguments of a run, which a master sends as
// Python had them or as the text of a field in its web UI.
package argument

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

var errKind = errors.New("not of that kind")

// Convert writes what the master sent into what into points to, by the rules of
// locustworker.Argument.
func Convert(into, raw any) error {
	return convertTo(reflect.ValueOf(into).Elem(), raw)
}

func convertTo(dst reflect.Value, raw any) error {
	text, isText := raw.(string)
	pointer := dst.Addr().Interface()
	if into, ok := pointer.(*time.Duration); ok {
		return convertDuration(into, raw)
	}
	if into, ok := pointer.(encoding.TextUnmarshaler); ok && isText {
		return into.UnmarshalText([]byte(text))
	}
	if _, ok := pointer.(json.Unmarshaler); ok {
		return convertJSON(pointer, raw)
	}
	switch dst.Kind() { //nolint:exhaustive // the others follow
	case reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		return convertTo(dst.Elem(), raw)
	case reflect.Slice:
		return convertSlice(dst, raw)
	case reflect.Interface:
		if isText && dst.NumMethod() == 0 {
			dst.Set(reflect.ValueOf(text))
			return nil
		}
		return convertJSON(dst.Addr().Interface(), raw)
	}
	if done, err := convertScalar(dst, raw); done {
		return err
	}
	return convertJSON(dst.Addr().Interface(), raw)
}

// convertScalar converts to a kind that a single value has. It reports false for
// other kinds.
func convertScalar(dst reflect.Value, raw any) (done bool, err error) {
	switch {
	case dst.Kind() == reflect.String:
		text, err := textOf(raw)
		dst.SetString(text)
		return true, err
	case dst.Kind() == reflect.Bool:
		b, err := boolOf(raw)
		dst.SetBool(b)
		return true, err
	case dst.CanInt():
		n, err := intOf(raw)
		if err == nil && dst.OverflowInt(n) {
			return true, strconv.ErrRange
		}
		dst.SetInt(n)
		return true, err
	case dst.CanUint():
		n, err := uintOf(raw)
		if err == nil && dst.OverflowUint(n) {
			return true, strconv.ErrRange
		}
		dst.SetUint(n)
		return true, err
	case dst.CanFloat():
		f, err := floatOf(raw)
		dst.SetFloat(f)
		return true, err
	}
	return false, nil
}

func textOf(raw any) (string, error) {
	switch v := raw.(type) {
	case string:
		return v, nil
	case bool, int64, uint64, float64:
		return fmt.Sprint(v), nil
	}
	return "", errKind
}

func boolOf(raw any) (bool, error) {
	switch v := raw.(type) {
	case bool:
		return v, nil
	case string:
		return strconv.ParseBool(strings.ToLower(strings.TrimSpace(v)))
	}
	return false, errKind
}

func intOf(raw any) (int64, error) {
	switch v := raw.(type) {
	case int64:
		return v, nil
	case uint64: // above the range of int64
		return 0, strconv.ErrRange
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
			return int64(v), nil
		}
	case string:
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
			return n, err
		}
		f, err := floatOf(v)
		if err != nil {
			return 0, err
		}
		return intOf(f)
	}
	return 0, errKind
}

func uintOf(raw any) (uint64, error) {
	if v, ok := raw.(uint64); ok {
		return v, nil
	}
	if v, ok := raw.(string); ok {
		if n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 64); err == nil {
			return n, nil
		}
	}
	n, err := intOf(raw)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return uint64(max(n, 0)), err
}

func floatOf(raw any) (float64, error) {
	switch v := raw.(type) {
	case int64:
		return float64(v), nil
	case uint64:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		return strconv.ParseFloat(strings.TrimSpace(v), 64)
	}
	return 0, errKind
}

func convertDuration(into *time.Duration, raw any) error {
	if text, ok := raw.(string); ok {
		if d, err := time.ParseDuration(strings.TrimSpace(text)); err == nil {
			*into = d
			return nil
		}
	}
	seconds, err := floatOf(raw)
	if err != nil {
		return err
	}
	nanoseconds := math.Round(seconds * float64(time.Second))
	if !(math.Abs(nanoseconds) < 1<<63) {
		return strconv.ErrRange
	}
	*into = time.Duration(nanoseconds)
	return nil
}

func convertSlice(dst reflect.Value, raw any) error {
	list, err := listOf(raw)
	if err != nil {
		return err
	}
	all := reflect.MakeSlice(dst.Type(), len(list), len(list))
	for i, item := range list {
		if err := convertTo(all.Index(i), item); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	dst.Set(all)
	return nil
}

// listOf returns the elements of a list, which may have been edited as text.
func listOf(raw any) ([]any, error) {
	text, isText := raw.(string)
	if !isText {
		switch v := raw.(type) {
		case []any:
			return v, nil
		case map[string]any, map[any]any, nil:
			return nil, errKind
		}
		return []any{raw}, nil
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	var list []any
	if text[0] == '[' && json.Unmarshal([]byte(text), &list) == nil {
		return list, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		list = append(list, strings.TrimSpace(item))
	}
	return list, nil
}

// convertJSON takes the way over JSON: a text is in JSON already, anything else is
// put into it.
func convertJSON(into, raw any) error {
	text, isText := raw.(string)
	if !isText {
		data, err := json.Marshal(jsonable(raw))
		if err != nil {
			return err
		}
		text = string(data)
	}
	return json.Unmarshal([]byte(text), into)
}

// jsonable returns a value that encoding/json takes: a dict of Python may have keys
// that are no texts.
func jsonable(raw any) any {
	switch v := raw.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = jsonable(item)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, item := range v {
			object[key] = jsonable(item)
		}
		return object
	case map[any]any:
		object := make(map[string]any, len(v))
		for key, item := range v {
			object[fmt.Sprint(key)] = jsonable(item)
		}
		return object
	}
	return raw
}

// Texts returns the texts of a list of texts.
func Texts(raw any) ([]string, error) {
	if _, isList := raw.([]any); !isList {
		return nil, errKind
	}
	var texts []string
	err := Convert(&texts, raw)
	return texts, err
}

// IsStock reports whether the name is that of an option of Locust itself.
func IsStock(name string) bool {
	_, found := slices.BinarySearch(stock, name)
	return found
}

// stock are the options of Locust itself (default_args_dict in
// argument_parser.py), those of 2.29 and 2.37 included, sorted.
var stock = []string{
	"autoquit", "autostart", "build_path", "class_picker", "config", "config_users", "csv_prefix",
	"enable_rebalancing", "equal_weights", "exclude_tags", "exit_code_on_error", "expect_slaves",
	"expect_workers", "expect_workers_max_wait", "hatch_rate", "headful", "headless", "host", "html_file",
	"json", "json_file", "legacy_ui", "list_commands", "locustfile", "logfile", "loglevel", "master",
	"master_bind_host", "master_bind_port", "master_host", "master_port", "num_users", "only_summary", "otel",
	"print_stats", "processes", "profile", "reset_stats", "run_time", "show_task_ratio",
	"show_task_ratio_json", "skip_log_setup", "slave", "spawn_rate", "stats_history_enabled", "stop_timeout",
	"tags", "tls_cert", "tls_key", "user_classes", "web_auth", "web_base_path", "web_host",
	"web_host_display_name", "web_login", "web_port", "worker",
}
