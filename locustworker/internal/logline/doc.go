// Package logline writes log records in the form of Locust's log, as
// [NewHandler] writes them to a file or a terminal and [Book] keeps them for the
// master's web UI:
//
//	[2026-11-23 16:40:10,123] host/INFO/locustworker: message key=value
package logline
