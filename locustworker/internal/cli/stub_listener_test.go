package cli

import (
	"os"
	"strings"
	"testing"
)

// TestTheStubListensAsOurMasterDoes holds the function in the stub against the
// master's module.
func TestTheStubListensAsOurMasterDoes(t *testing.T) {
	text, err := os.ReadFile("../../../master/go_workers.py")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(text), "\n\n\n"+obeyGoWorkers) {
		t.Error("master/go_workers.py does not end as obeyGoWorkers says")
	}
	if printed := stub(t, stubClasses()); !strings.Contains(printed, "\n\n\n"+obeyGoWorkers+"\n\n") {
		t.Errorf("the stub does not have it:\n%s", printed)
	}
}
