package httpuser

import (
	"slices"
	"sync"

	"github.com/bandwing/bandwing/locustworker/httpuser/internal/coding"
	"github.com/bandwing/bandwing/locustworker/httpuser/internal/http1"
)

// keptIdle is the largest answer in bytes that a user keeps while it waits, where
// its responses are used again.
const keptIdle = 2 << 10

// A keptAnswer is a Response that is used again, with the memory that it stands
// on: see Config.ReuseResponses.
type keptAnswer struct {
	Response
	memory []byte
}

var answers = sync.Pool{New: func() any { return new(keptAnswer) }}

// newResponse gives the exchange an empty response and memory for it.
func (s *Session) newResponse(x *exchange) {
	if !s.cfg.ReuseResponses {
		x.resp = new(Response)
		return
	}
	if s.kept == nil {
		s.kept = answers.Get().(*keptAnswer) //nolint:forcetypeassert // the pool holds nothing else
	}
	s.kept.Response = Response{}
	x.resp, x.memory = &s.kept.Response, s.kept.memory[:0]
}

// keepMemory leaves the response's memory to the session's next one.
func (s *Session) keepMemory(x *exchange) {
	if s.kept != nil {
		s.kept.memory = scratch(x.memory)
	}
}

// taskEnded gives a large answer back.
func (s *Session) taskEnded() {
	for _, child := range s.children {
		child.taskEnded()
	}
	if s.kept != nil && cap(s.kept.memory) > keptIdle {
		s.kept.Response = Response{}
		answers.Put(s.kept)
		s.kept = nil
	}
}

// receive reads an answer. Of one that is a redirect to follow, only the target is
// kept, and its body may be broken.
func (s *Session) receive(x *exchange) error {
	if len(x.in.Buffered()) > 0 {
		x.at = heading
	}
	if err := http1.ReadHead(&x.in, &x.answer); err != nil {
		if x.at == awaiting && len(x.in.Buffered()) > 0 {
			x.at = heading
		}
		return err
	}
	x.resp.Proto = "HTTP/1.1"
	if x.answer.Old {
		x.resp.Proto = "HTTP/1.0"
	}
	return s.receiveBody(x)
}

// receiveBody reads what follows a head.
func (s *Session) receiveBody(x *exchange) error {
	x.at = reading
	h := &x.answer
	if h.Cookies {
		s.storeCookies(x)
	}
	x.payload.Init(&x.in, h, x.method)
	var err error
	if x.hop = x.redirected(); x.hop {
		location, _ := h.Get("location")
		x.location = append(x.location[:0], location...)
		// Nobody needs the body. Where it breaks off, another connection is dialled.
		if _, err = x.payload.Skip(int64(s.cfg.MaxBody)); err != nil && !isTimeout(err) {
			err = nil
		}
	} else {
		err = s.keep(x)
	}
	x.reusable = err == nil && x.payload.Reusable()
	return err
}

// keep reads the body and puts all of the answer into the response's own memory.
func (s *Session) keep(x *exchange) error {
	h, r := &x.answer, x.resp
	known := x.payload.Known()
	inPlace := !x.call.stream && !h.Encoded && known >= 0 && known <= int64(s.cfg.MaxBody)
	size := len(h.Raw) + len(x.uri)
	if inPlace {
		size += int(min(known, maxScratch))
	}
	m := x.memory[:0]
	if cap(m) < size {
		m = make([]byte, 0, size)
	}
	m = append(append(m, h.Raw...), x.uri...)
	x.memory = m
	h.Raw = m[:len(h.Raw):len(h.Raw)]
	r.head, r.peer = *h, x.peer
	r.target = m[len(h.Raw):len(m):len(m)]
	switch {
	case x.call.stream:
		return s.stream(x)
	case inPlace:
		m, err := x.payload.AppendAll(m, s.cfg.MaxBody)
		x.memory, r.Body = m, m[size-int(min(known, maxScratch)):len(m):len(m)]
		r.WireLength = int64(len(r.Body))
		return err
	}
	raw, err := x.payload.AppendAll(x.raw[:0], s.cfg.MaxBody)
	x.raw = raw
	r.WireLength = int64(len(raw))
	return err
}

// decode sets the response's body, decompressed, and its length.
func (s *Session) decode(x *exchange) error {
	if x.call.stream { // done
		return nil
	}
	r := x.resp
	if r.Body == nil {
		body, err := s.decompress(x, x.raw)
		if err != nil {
			return err
		}
		r.Body = s.own(x, body)
	}
	r.Length = int64(len(r.Body))
	return nil
}

// own copies a body into the response's memory.
func (s *Session) own(x *exchange, body []byte) []byte {
	if s.kept == nil {
		return append(make([]byte, 0, len(body)), body...)
	}
	from := len(x.memory)
	m := x.memory
	if cap(m)-from < len(body) {
		m = slices.Grow(m, len(body))
		x.resp.head.Raw = m[:len(x.resp.head.Raw):len(x.resp.head.Raw)]
		x.resp.target = m[len(x.resp.head.Raw):from:from]
	}
	m = append(m, body...)
	x.memory = m
	return x.memory[from:len(x.memory):len(x.memory)]
}

// codings returns the content codings of the answer.
func (x *exchange) codings() (chain coding.Chain) {
	if x.answer.Encoded {
		x.answer.Each("content-encoding", func(value []byte) { chain.Add(string(value)) })
	}
	return chain
}

// decompress returns the body without its codings; unknown ones are left.
func (s *Session) decompress(x *exchange, body []byte) ([]byte, error) {
	chain := x.codings()
	if chain.Plain() || len(body) == 0 {
		return body, nil
	}
	out, err := chain.AppendDecoded(x.decoded[:0], body, s.cfg.MaxBody)
	x.decoded = out
	if err != nil {
		return nil, codingFailure(x, err)
	}
	return out, nil
}
