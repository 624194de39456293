// Package cookies keeps cookies as a browser does: it reads Set-Cookie lines and
// writes Cookie lines as RFC 6265, section 5, says. Names and values are opaque;
// what a server sets is what it gets back, byte for byte.
package cookies
