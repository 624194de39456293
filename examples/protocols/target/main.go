// Command target serves what the examples of this module test until Ctrl-C: a chat
// over WebSocket on 127.0.0.1:8081, and gRPC health checks on 127.0.0.1:8082. Then it
// prints what it has served.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"google.golang.org/grpc"
	health "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bandwing/bandwing/examples/protocols/internal/echo"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "target:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:8082")
	if err != nil {
		return err
	}
	calls, checks := grpc.NewServer(), &echo.Health{}
	health.RegisterHealthServer(calls, checks)
	go func() { _ = calls.Serve(listener) }() // until Stop
	defer calls.Stop()
	chat := &echo.Chat{}
	server := &http.Server{Addr: "127.0.0.1:8081", Handler: chat, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Println("ws://127.0.0.1:8081/chat and 127.0.0.1:8082, Ctrl-C ends")
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	fmt.Printf("%8d connections\n%8d messages\n%8d health checks\n", chat.Connections.Load(), chat.Messages.Load(), checks.Served.Load())
	return nil
}
