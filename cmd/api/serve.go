package main

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/api/redisstore"
)

func serve(ctx context.Context, settings settings, stdout io.Writer) error {
	store, err := redisstore.New(settings.redis)
	if err != nil {
		return err
	}
	defer store.Close()
	server, err := api.New(settings.api, store)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", settings.addr)
	if err != nil {
		return fmt.Errorf("api: set API_ADDR to a free address: %w", err)
	}
	fmt.Fprintf(stdout, "api: version %s serves http://%s with Redis at %s\n", version, listener.Addr(), settings.redis.Servers())
	return server.Serve(ctx, listener)
}
