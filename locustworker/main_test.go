package locustworker

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		testProgram()
	}
	goleak.VerifyTestMain(m)
}
