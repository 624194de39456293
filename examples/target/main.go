// Command target serves what the examples test, on 127.0.0.1:8080 until Ctrl-C. Then
// it prints how many requests of each kind it has served.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/bandwing/bandwing/examples/internal/target"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	shop := target.New()
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: shop, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Println("http://127.0.0.1:8080, Ctrl-C ends")
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, "target:", err)
		os.Exit(1)
	}
	served := shop.Served()
	for _, name := range slices.Sorted(maps.Keys(served)) {
		fmt.Printf("%8d %s\n", served[name], name)
	}
}
