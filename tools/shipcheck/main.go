// Command shipcheck holds docker-compose.yml, the dashboards and the Kubernetes manifests against their specifications and against this
// project's rules: pinned images, health checks, limits, no rights, and names that meet. `make lint` runs it.
//
//	shipcheck ROOT                  checks all of it; exit code 1 and a line for each fault
//	shipcheck -render DIR ROOT      the same, and writes the manifests of each overlay as DIR/<name>.yaml
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code: 1 when there are faults, 2 for wrong arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("shipcheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	render := flags.String("render", "", "folder for the rendered manifests")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() != 1 {
		fmt.Fprintln(stderr, "shipcheck: name the project's root")
		return 2
	}
	root := flags.Arg(0)
	faults := checkCompose(ctx, root)
	faults = append(faults, checkDashboards(root)...)
	for _, dir := range kustomizations {
		faults = append(faults, checkKustomization(root, dir, *render)...)
	}
	for _, fault := range faults {
		fmt.Fprintln(stderr, "shipcheck:", fault)
	}
	if len(faults) > 0 {
		return 1
	}
	fmt.Fprintf(stdout, "shipcheck: docker-compose.yml, the dashboards and %d kustomizations: ok\n", len(kustomizations))
	return 0
}

// kustomizations are the folders that people apply.
var kustomizations = []string{
	"deploy/kubernetes/base",
	"deploy/kubernetes/overlays/external-redis",
	"deploy/kubernetes/overlays/local",
	"deploy/kubernetes/overlays/monitoring",
}

// checkKustomization renders one folder, writes it where render says, and returns its faults.
func checkKustomization(root, dir, render string) []string {
	text, err := renderKustomization(filepath.Join(root, dir))
	if err != nil {
		return []string{dir + ": " + err.Error()}
	}
	if render != "" {
		file := filepath.Join(render, filepath.Base(dir)+".yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return []string{err.Error()}
		}
	}
	faults := checkManifests(text)
	for i, fault := range faults {
		faults[i] = dir + ": " + fault
	}
	return faults
}

// pinned reports whether an image names a version that does not move.
func pinned(image string) bool {
	_, tag, ok := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return ok && tag != "" && tag != "latest"
}
