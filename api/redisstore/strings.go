package redisstore

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxEditPause is the longest pause before another attempt to change a text that others change too.
const maxEditPause = 10 * time.Millisecond

// SetString implements api.Strings with SET, in a script that looks at the key's type first.
func (s *Store) SetString(ctx context.Context, key string, text []byte) error {
	_, err := s.run(ctx, s.scripts.setString, stringTarget(key), len(text), text)
	return err
}

// GetString implements api.Strings with GET.
func (s *Store) GetString(ctx context.Context, key string) ([]byte, error) {
	cmd := redis.NewStringCmd(ctx, "GET", key)
	_ = s.send(ctx, onceString{cmd}, 0)
	text, err := cmd.Bytes()
	return text, s.failure(err, stringTarget(key))
}

// EditString implements api.Strings with GET and a script that sets the new text only in place of the one that was
// read, again and again until EditTimeout.
func (s *Store) EditString(ctx context.Context, key string, edit func([]byte) ([]byte, error)) ([]byte, error) {
	var edited []byte
	err := s.retry(ctx, key, func() (bool, error) {
		text, err := s.GetString(ctx, key)
		if err != nil {
			return false, err
		}
		if edited, err = edit(text); err != nil {
			return false, err
		}
		cmd, err := s.run(ctx, s.scripts.swapString, stringTarget(key), max(len(text), len(edited)), text, edited)
		if err != nil {
			return false, err
		}
		return cmd.Val() == int64(1), nil
	})
	if err != nil {
		return nil, err
	}
	return edited, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
