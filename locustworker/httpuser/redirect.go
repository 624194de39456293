package httpuser

import (
	"net/http"

	"github.com/bandwing/bandwing/locustworker/httpuser/internal/target"
)

// redirected tells that the answer leads to another request (requests'
// is_redirect).
func (x *exchange) redirected() bool {
	if x.call.redirects < 0 || !x.answer.Located {
		return false
	}
	switch x.answer.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		location, _ := x.answer.Get("location")
		return len(location) > 0
	}
	return false
}

// follow makes the request the one that the answer redirects to, with the rules
// of requests' rebuild_method and rebuild_auth.
func (s *Session) follow(x *exchange) error {
	scheme, authority, rest, ok := target.Resolve(x.peer.scheme(), x.peer.address, string(x.uri), string(x.location))
	if !ok {
		return errRedirect
	}
	from := x.peer
	to := from
	if authority != from.address || scheme != from.scheme() {
		p, err := s.peerOf(scheme, authority)
		if err != nil {
			return errRedirect
		}
		to = p
	}
	x.uri = target.Append(x.uri[:0], rest)
	status := x.answer.Status
	if x.method != "HEAD" && (status == http.StatusSeeOther || status == http.StatusFound) ||
		x.method == "POST" && status == http.StatusMovedPermanently {
		x.method = "GET"
	}
	if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
		x.body = nil
		x.remove("Content-Type")
	}
	x.remove("Cookie")
	if to.origin != from.origin && !keepsAuthorization(from, to) {
		x.remove("Authorization")
	}
	x.peer = to
	s.findCookies(x)
	return nil
}

// keepsAuthorization is requests' should_strip_auth, turned round, for servers that
// are not the same: the same host goes from http to https, each on its own port.
func keepsAuthorization(from, to *peer) bool {
	return from.hostname == to.hostname && !from.tls && from.port == "80" && to.tls && to.port == "443"
}
