package boomer_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/bandwing/bandwing/boomer"
)

// A whole program with boomer's flags: go run . --master-host 10.0.0.7.
func ExampleRun() {
	boomer.Run(&boomer.Task{Name: "get", Weight: 1, Fn: func() {
		start := time.Now()
		resp, err := http.Get("http://127.0.0.1:8080/")
		if err != nil {
			boomer.RecordDuration("http", "/", time.Since(start), 0, err)
			return
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		boomer.RecordDuration("http", "/", time.Since(start), n, err)
	}})
}

// A sum counts the requests that an output is told of.
type sum struct{ requests int64 }

func (s *sum) OnStart() {}
func (s *sum) OnStop()  { fmt.Println(s.requests, "requests") }
func (s *sum) OnEvent(data map[string]interface{}) {
	if total, ok := data["stats_total"].(map[string]interface{}); ok {
		if n, ok := total["num_requests"].(int64); ok {
			s.requests += n
		}
	}
}

// A task runs again and again until the Boomer is told to quit. All that it has recorded comes to the outputs.
func ExampleTask() {
	b := boomer.NewStandaloneBoomer(1, 1).WithLogger(log.New(io.Discard, "", 0))
	b.AddOutput(&sum{})
	var once sync.Once
	b.Run(&boomer.Task{Name: "once", Weight: 1, Fn: func() {
		once.Do(func() {
			b.RecordSuccess("step", "once", 3, 0)
			b.Quit()
		})
		time.Sleep(time.Millisecond)
	}})
	// Output: 1 requests
}
