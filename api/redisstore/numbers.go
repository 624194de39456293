package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/bandwing/bandwing/api"
)

// sureDigits is how many digits a 64-bit integer surely has room for.
const sureDigits = 18

var (
	errOverflow = errors.New("leaves the range of 64-bit integers: use a smaller number, or a float such as 1.0")
	errNoNumber = errors.New("would be no number: use a smaller one")
)

// changeNumber sends JSON.NUMINCRBY or JSON.NUMMULTBY. RedisJSON 2.8 wraps integers around at 64 bits, so that a large
// number becomes a negative one; a float does not wrap. An integer num is therefore sent with a script that sends it on
// where no match has so many digits that the result could be too large. Elsewhere the matches come back, the results
// are calculated here, and the script is sent again with the matches as they must still be.
func (s *Store) changeNumber(ctx context.Context, command string, at target, num json.RawMessage) (json.RawMessage, error) {
	const want = "a number"
	if at.path.Whole() {
		return s.modifyWhole(ctx, command, at, want, []json.RawMessage{num})
	}
	if !isInteger(string(num)) {
		return s.modify(ctx, command, at, want, checkNumbers, []byte(num))
	}
	expr, err := s.expr(at.path)
	if err != nil {
		return nil, err
	}
	room := sureDigits - len(num) // of a match, for a product
	if command == numIncrBy && room >= 0 {
		room = sureDigits
	}
	var document []byte
	expected := ""
	err = s.retry(ctx, at.key, func() (bool, error) {
		cmd, err := s.runRaw(ctx, s.scripts.changeNumber, at, len(expected),
			command, expr, []byte(num), s.root(), expected, max(room, 0)+1)
		if err != nil {
			return false, s.atPath(ctx, err, at, want)
		}
		reply, _ := cmd.Slice()
		if len(reply) < 2 {
			if len(reply) == 1 {
				expected, _ = reply[0].(string)
			}
			return false, s.checkResults(command, at, expected, string(num))
		}
		if err := checkNumbers(reply[0], at, want); err != nil {
			return false, err
		}
		text, _ := reply[1].(string)
		document = s.value([]byte(text))
		return true, nil
	})
	return document, err
}

// checkResults returns an error when command would make a match leave the range of integers. matches is a reply of
// JSON.GET.
func (s *Store) checkResults(command string, at target, matches, num string) error {
	if s.legacy {
		matches = "[" + matches + "]"
	}
	var values []json.RawMessage
	if err := json.Unmarshal([]byte(matches), &values); err != nil {
		return fmt.Errorf("redisstore: JSON.GET of key %.100q: %w", at.key, err)
	}
	for _, value := range values {
		if !isInteger(string(value)) {
			continue
		}
		if _, err := calculate(command, string(value), num); errors.Is(err, errOverflow) {
			return at.outOfRange(err)
		}
	}
	return nil
}

// calculate is what RedisJSON should make of two JSON numbers: an integer if both are, and else a float.
func calculate(command, old, num string) (string, error) {
	a, aFits := parseInteger(old)
	b, bFits := parseInteger(num)
	if aFits && bFits {
		result := new(big.Int)
		if command == numMultBy {
			result.Mul(a, b)
		} else {
			result.Add(a, b)
		}
		if !result.IsInt64() {
			return "", errOverflow
		}
		return result.String(), nil
	}
	x, _ := strconv.ParseFloat(old, 64) // infinite when out of range
	y, _ := strconv.ParseFloat(num, 64)
	result := x + y
	if command == numMultBy {
		result = x * y
	}
	if math.IsInf(result, 0) || math.IsNaN(result) {
		return "", errNoNumber
	}
	text := strconv.FormatFloat(result, 'g', -1, 64)
	if isInteger(text) {
		text += ".0"
	}
	return text, nil
}

// isInteger tells whether RedisJSON may take a JSON number for an integer.
func isInteger(text string) bool {
	return !strings.ContainsAny(text, ".eE\"[{tfn")
}

// parseInteger returns the value of a JSON number that RedisJSON keeps as a 64-bit integer; fits is false for another.
func parseInteger(text string) (n *big.Int, fits bool) {
	if !isInteger(text) {
		return nil, false
	}
	n, ok := new(big.Int).SetString(text, 10)
	return n, ok && n.IsInt64()
}

// outOfRange is for a number that a change would make.
func (t target) outOfRange(err error) error {
	return fmt.Errorf("%w: the result at %.100q of key %.100q %w", api.ErrWrongType, t.path, t.key, err)
}
