// Package echo is what the examples of this module test: it counts what it serves.
package echo

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/coder/websocket"
	health "google.golang.org/grpc/health/grpc_health_v1"
)

// A Chat sends each WebSocket message back.
type Chat struct{ Connections, Messages atomic.Int64 }

// ServeHTTP serves one connection until the client closes it.
func (c *Chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	c.Connections.Add(1)
	for {
		kind, text, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		c.Messages.Add(1)
		if conn.Write(r.Context(), kind, text) != nil {
			return
		}
	}
}

// Health answers gRPC health checks: all is well.
type Health struct {
	health.UnimplementedHealthServer

	Served atomic.Int64
}

// Check implements health.HealthServer.
func (h *Health) Check(context.Context, *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	h.Served.Add(1)
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, nil
}
