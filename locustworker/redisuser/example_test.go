package redisuser_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/redisuser"
)

// A reader is a user that reads keys.
type reader struct{ *redisuser.Session }

func newReader(u *locustworker.User) (*reader, error) {
	s, err := redisuser.New(u, redisuser.Config{})
	return &reader{s}, err
}

func (r *reader) get(ctx context.Context) error {
	text, err := r.Get(redisuser.Name(ctx, "GET greeting:*"), "greeting:1").Result()
	if err == nil {
		fmt.Println(text)
	}
	return redisuser.Quiet(err) // a failure is recorded already: the user goes on
}

// The class of a program: ./keys --headless -H redis://localhost:6379/0 -u 10.
func Example() {
	locustworker.Main(
		locustworker.NewClass("Reader", newReader).
			Wait(locustworker.Between(10*time.Millisecond, 50*time.Millisecond)).
			Task("get", 1, (*reader).get),
	)
}

// The methods of a session are go-redis's. Each command is a sample.
func ExampleSession() {
	server := serve()
	defer server.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	user := locustworker.NewStandaloneUser(ctx, locustworker.StandaloneConfig{
		Host:   "redis://" + server.Addr().String(),
		Record: func(s locustworker.Sample) { fmt.Println(s.Type, s.Name, s.Err) },
	})
	r, err := newReader(user)
	if err != nil {
		panic(err)
	}
	fmt.Println(r.get(ctx))
	// Output:
	// REDIS GET greeting:* <nil>
	// hello
	// <nil>
}

// serve is as much of a Redis as the example needs.
func serve() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answer(conn)
		}
	}()
	return l
}

func answer(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		head, err := in.ReadString('\n')
		if err != nil {
			return
		}
		n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(head, "*")))
		words := make([]string, n)
		for i := range words {
			_, _ = in.ReadString('\n') // the length
			word, _ := in.ReadString('\n')
			words[i] = strings.ToUpper(strings.TrimSpace(word))
		}
		reply := "+OK\r\n"
		switch words[0] {
		case "HELLO":
			reply = "-ERR unknown command\r\n"
		case "GET":
			reply = "$5\r\nhello\r\n"
		}
		if _, err := conn.Write([]byte(reply)); err != nil {
			return
		}
	}
}
