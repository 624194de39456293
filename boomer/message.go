package boomer

import (
	"reflect"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// A CustomMessage is a message whose type is none of Locust's own.
type CustomMessage struct {
	// Type is the event that the message is published as.
	Type string `codec:"type"`
	// Data is as boomer's decoder gives it: nil, bool, float64, int64 (below 128) or
	// uint64 (from 128 on), []byte for texts and bytes, time.Time, []interface{}, and
	// map[interface{}]interface{} whose keys that are texts are strings.
	Data interface{} `codec:"data"`
	// NodeID is the worker that the master addressed.
	NodeID string `codec:"node_id"`
}

// received publishes a message from the master.
func (e *engine) received(_ *locustworker.Environment, m locustworker.Message) error {
	switch {
	case ownEvent(m.Type):
		e.log.Warn("dropped a custom message whose type is an event of boomer's own", "type", m.Type)
	case !Events.HasCallback(m.Type):
		e.log.Warn("dropped a custom message that nobody has subscribed to (boomer.Events.Subscribe)", "type", m.Type)
	default:
		publish(m.Type, &CustomMessage{Type: m.Type, Data: asBoomer(m.Data), NodeID: m.NodeID})
	}
	return nil
}

// asBoomer gives a value the types that boomer's MessagePack decoder gives it.
func asBoomer(value any) any {
	switch v := value.(type) {
	case string:
		return []byte(v)
	case int64:
		if v > 127 {
			return uint64(v)
		}
	case []any:
		list := make([]interface{}, len(v))
		for i := range v {
			list[i] = asBoomer(v[i])
		}
		return list
	case map[string]any:
		m := make(map[interface{}]interface{}, len(v))
		for key := range v {
			m[key] = asBoomer(v[key])
		}
		return m
	case map[any]any:
		m := make(map[interface{}]interface{}, len(v))
		for key := range v {
			m[keyAsBoomer(key)] = asBoomer(v[key])
		}
		return m
	}
	return value
}

// keyAsBoomer does the same for the key of a map.
func keyAsBoomer(key any) any {
	if _, isText := key.(string); isText {
		return key
	}
	return asBoomer(key)
}

// SendCustomMessage sends a message to the master, where the locustfile takes it with
// register_message. data is what package locustworker takes, or holds structs, which
// are lists of their exported fields, as in boomer. It does not wait for the master;
// what cannot be sent is logged. Without a master the message is published to the
// program itself.
func (b *Boomer) SendCustomMessage(messageType string, data interface{}) {
	e := b.engine.Load()
	if e == nil {
		b.logger().Printf("boomer: the message %q was dropped: send it after Run", messageType)
		return
	}
	if err := e.send(messageType, data); err != nil {
		b.logger().Printf("boomer: the message %q was not sent: %v", messageType, err)
	}
}

var timeType = reflect.TypeFor[time.Time]()

// plain returns data with its structs as lists.
func plain(data any) any {
	if data == nil {
		return nil
	}
	v := reflect.ValueOf(data)
	if !holdsStruct(v.Type(), nil) {
		return data
	}
	return plainValue(v)
}

// holdsStruct reports whether values of the type may hold a struct that is not one of
// MessagePack's own.
func holdsStruct(t reflect.Type, within []reflect.Type) bool {
	for _, outer := range within {
		if outer == t {
			return true // a type that holds itself
		}
	}
	within = append(within, t)
	switch t.Kind() {
	case reflect.Struct:
		return t != timeType
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return holdsStruct(t.Elem(), within)
	case reflect.Map:
		return holdsStruct(t.Elem(), within)
	default:
		return false
	}
}

func plainValue(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return plainValue(v.Elem())
	case reflect.Struct:
		if v.Type() == timeType {
			return v.Interface()
		}
		list := []any{}
		for field, value := range v.Fields() {
			if field.IsExported() {
				list = append(list, plainValue(value))
			}
		}
		return list
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Interface()
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plainValue(v.Index(i))
		}
		return list
	case reflect.Map:
		m := make(map[any]any, v.Len())
		for key, value := range v.Seq2() {
			m[key.Interface()] = plainValue(value)
		}
		return m
	default:
		return v.Interface()
	}
}
