package loadtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"
)

// DataCommand is the worker's subcommand data: it loads documents of every kind
// and shows a bar with the rate. args are those after "data". It blocks until it
// is done or ctx ends, and returns the exit code: 0, 1 when it failed, 2 for
// wrong arguments.
//
// With live, the bar is drawn over itself; without, a line is written for every
// tenth of the work, as for a log.
func DataCommand(ctx context.Context, args []string, cfg Config, stdout, stderr io.Writer, live bool) int {
	flags := flag.NewFlagSet("locustworker data", flag.ContinueOnError)
	flags.SetOutput(stderr)
	each := flags.Int("n", 1000, "documents of each kind: "+strings.Join(prefixes[:], "* ")+"*")
	host := flags.String("host", "", "base URL of the service (default APP_ENDPOINT, API_ENDPOINT or "+defaultHost+")")
	parallel := flags.Int("parallel", 8, "requests at once")
	missing := flags.Bool("missing", false, "write only kinds of which the service has no document; -n 0 then writes none")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0 || *each < 1 && !(*missing && *each == 0) || *parallel < 1:
		_, _ = fmt.Fprintln(stderr, "locustworker data: -n and -parallel need a whole number above 0, and there are no other arguments")
		return 2
	case *host != "" && !urlForm.MatchString(*host):
		_, _ = fmt.Fprintf(stderr, "locustworker data: -host %s: it must be a base URL such as %s\n", *host, defaultHost)
		return 2
	}
	bar := &bar{out: stdout, live: live}
	if *host == "" && cfg.AppEndpoint == "" && cfg.APIEndpoint == "" {
		*host = defaultHost
	}
	written, err := Load(ctx, cfg, Loading{Host: *host, Each: *each, Missing: *missing, Parallel: *parallel, Progress: bar.show})
	bar.end()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "locustworker data: %v\n", err)
		if errors.Is(err, syscall.ECONNREFUSED) {
			_, _ = fmt.Fprintln(stderr, "no service listens there: start it (make up), or name another with -host or APP_ENDPOINT")
		}
		return 1
	}
	switch {
	case *missing && *each == 0:
		_, _ = fmt.Fprintln(stdout, "data: -n 0: no documents written")
	case written == 0:
		_, _ = fmt.Fprintln(stdout, "data: there are documents of every kind: none written")
	default:
		_, _ = fmt.Fprintf(stdout, "data: %d documents, %d of each kind\n", written, *each)
	}
	return 0
}

// defaultHost is where `make up` has the service.
const defaultHost = "http://127.0.0.1:5000"

// A bar shows how far a loading is.
type bar struct {
	out   io.Writer
	live  bool
	tenth int // of the work, shown last
	drawn bool
}

const barWidth = 40

func (b *bar) show(written, all int, took time.Duration) {
	line := fmt.Sprintf("data: [%-*s] %3d%%  %d/%d  %.0f documents/s",
		barWidth, strings.Repeat("#", barWidth*written/all), 100*written/all, written, all, float64(written)/took.Seconds())
	if b.live {
		_, _ = fmt.Fprintf(b.out, "\r%s", line)
		b.drawn = true
		return
	}
	if tenth := 10 * written / all; tenth > b.tenth {
		b.tenth = tenth
		_, _ = fmt.Fprintln(b.out, line)
	}
}

func (b *bar) end() {
	if b.drawn {
		_, _ = fmt.Fprintln(b.out)
	}
}
