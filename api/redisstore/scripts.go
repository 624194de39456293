package redisstore

import (
	"context"
	"crypto/sha1" //nolint:gosec // see newScript
	"encoding/hex"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
)

// Lua scripts, each of which Redis runs as one step. pcall hands errors on as they are, in all versions of Redis.

// setStringScript is a SET that refuses to replace a key of another type. ARGV: the text.
const setStringScript = `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'string' then
  return redis.error_reply('WRONGTYPE another type')
end
return redis.pcall('SET', KEYS[1], ARGV[1])`

// swapStringScript sets a text if the present one is as expected, and says whether it was. The time to live of the key
// stays. ARGV: expected, new.
const swapStringScript = `
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local done = redis.pcall('SET', KEYS[1], ARGV[2], 'KEEPTTL')
if done.err then
  return done
end
return 1`

// setHashScript replaces a hash. ARGV: name, value, name, value, … in pieces that Lua's stack can hold.
const setHashScript = `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then
  return redis.error_reply('WRONGTYPE another type')
end
local done = redis.pcall('DEL', KEYS[1])
for i = 1, #ARGV, 1000 do
  if type(done) == 'table' and done.err then
    return done
  end
  done = redis.pcall('HSET', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
return done`

// updateHashScript sets a field that exists and returns the whole hash; nil without the field. ARGV: name, value.
const updateHashScript = `
local has = redis.pcall('HEXISTS', KEYS[1], ARGV[1])
if type(has) == 'table' then
  return has
end
if has == 0 then
  return false
end
local done = redis.pcall('HSET', KEYS[1], ARGV[1], ARGV[2])
if type(done) == 'table' then
  return done
end
return redis.call('HGETALL', KEYS[1])`

// swapJSONScript sets a document if the present one is as expected, and returns it as RedisJSON has it; 0 if it is not.
// ARGV: root path, expected reply of JSON.GET, new.
const swapJSONScript = `
if redis.pcall('JSON.GET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
local done = redis.pcall('JSON.SET', KEYS[1], ARGV[1], ARGV[3])
if done.err then
  return done
end
return redis.pcall('JSON.GET', KEYS[1], ARGV[1])`

// changeNumberScript changes the numbers at a path and returns the reply and the document. It returns the matches alone,
// and changes nothing, where one has too many digits or, with expected matches, where they are others. ARGV: command,
// path, number, root path, expected reply of JSON.GET or an empty text, number of digits that are too many.
const changeNumberScript = `
local old = redis.pcall('JSON.GET', KEYS[1], ARGV[2])
if type(old) == 'string' then
  if ARGV[5] == '' then
    if string.find(old, string.rep('%d', ARGV[6])) then
      return {old}
    end
  elseif old ~= ARGV[5] then
    return {old}
  end
end
local done = redis.pcall(ARGV[1], KEYS[1], ARGV[2], ARGV[3])
if type(done) == 'table' and done.err then
  return done
end
return {done, redis.pcall('JSON.GET', KEYS[1], ARGV[4])}`

// script is a text and the hash by which Redis knows it.
type script struct{ text, sha string }

func newScript(text string) script {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // the name that Redis gives it, and no secret
	return script{text, hex.EncodeToString(sum[:])}
}

type scripts struct {
	setString, swapString, setHash, updateHash, swapJSON, changeNumber script
}

func newScripts() scripts {
	return scripts{
		setString: newScript(setStringScript), swapString: newScript(swapStringScript),
		setHash: newScript(setHashScript), updateHash: newScript(updateHashScript),
		swapJSON: newScript(swapJSONScript), changeNumber: newScript(changeNumberScript),
	}
}

// run runs a script on one key. Redis is sent the script's text only when it does not know its hash: nothing has been
// executed then, so the second command is no repetition of the first. size is that of the largest argument.
func (s *Store) run(ctx context.Context, script script, at target, size int, args ...any) (*redis.Cmd, error) {
	cmd, err := s.runRaw(ctx, script, at, size, args...)
	return cmd, s.failure(err, at)
}

// runRaw is run with the error as go-redis has it.
func (s *Store) runRaw(ctx context.Context, script script, at target, size int, args ...any) (*redis.Cmd, error) {
	words := append([]any{"EVALSHA", script.sha, 1, at.key}, args...)
	cmd := redis.NewCmd(ctx, words...)
	err := s.send(ctx, onceAny{cmd}, size)
	if err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT ") {
		words[0], words[1] = "EVAL", script.text
		cmd = redis.NewCmd(ctx, words...)
		err = s.send(ctx, onceAny{cmd}, size)
	}
	return cmd, err
}

// stringTarget and hashTarget are the whole value of a key, for error texts.
func stringTarget(key string) target { return target{key: key, want: "string"} }

func hashTarget(key string) target { return target{key: key, want: "hash"} }

var (
	_ api.Strings = (*Store)(nil)
	_ api.Hashes  = (*Store)(nil)
)
