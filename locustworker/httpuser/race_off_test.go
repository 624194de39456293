//go:build !race

package httpuser_test

const raceEnabled = false
