package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const composeFile = "docker-compose.yml"

// loadCompose reads a compose file as docker compose does: schema, merges, variables (of env alone, not of this
// process), env_files. All profiles are active unless it is told which.
func loadCompose(ctx context.Context, file string, env, profiles []string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file},
		cli.WithWorkingDirectory(filepath.Dir(file)), cli.WithProfiles(profiles), cli.WithEnv(env))
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, err
	}
	return project.WithServicesEnvironmentResolved(true)
}

// checkCompose returns what is wrong with the project's compose file.
func checkCompose(ctx context.Context, root string) []string {
	project, err := loadCompose(ctx, filepath.Join(root, composeFile), nil, []string{"*"})
	if err != nil {
		return []string{composeFile + ": " + err.Error()}
	}
	return composeFaults(project)
}

func composeFaults(project *types.Project) []string {
	faults := buildFaults(project)
	for _, name := range project.ServiceNames() {
		for _, fault := range serviceFaults(project, project.Services[name]) {
			faults = append(faults, fmt.Sprintf("%s: service %s: %s", composeFile, name, fault))
		}
	}
	return faults
}

// buildFaults: a second service that builds an image gives its tag another id, and then docker compose recreates the
// containers of the first, whatever they are doing. An image that is built whenever something starts has the same effect.
func buildFaults(project *types.Project) []string {
	var faults []string
	builders := map[string]string{}
	for _, name := range project.ServiceNames() {
		s := project.Services[name]
		if s.Build == nil {
			continue
		}
		if other, taken := builders[s.Image]; taken {
			faults = append(faults, fmt.Sprintf("%s: services %s and %s both build %s: only one may", composeFile, other, name, s.Image))
		}
		builders[s.Image] = name
		if s.PullPolicy != "" {
			faults = append(faults, fmt.Sprintf("%s: service %s: pull_policy %s: leave it out, so that only a missing image is built",
				composeFile, name, s.PullPolicy))
		}
	}
	return faults
}

// endsByItself reports whether a service does one thing and ends.
func endsByItself(s types.ServiceConfig) bool { return s.Restart == types.RestartPolicyNo }

func serviceFaults(project *types.Project, s types.ServiceConfig) []string {
	var faults []string
	fault := func(bad bool, text string) {
		if bad {
			faults = append(faults, text)
		}
	}
	fault(!pinned(s.Image), fmt.Sprintf("image %q: name a version", s.Image))
	fault(s.ContainerName != "", "container_name: it cannot be scaled")
	fault(s.Restart == "", "no restart policy")
	fault(!endsByItself(s) && (s.HealthCheck == nil || len(s.HealthCheck.Test) < 2), "no health check")
	limits := types.Resource{}
	if s.Deploy != nil && s.Deploy.Resources.Limits != nil {
		limits = *s.Deploy.Resources.Limits
	}
	fault(limits.NanoCPUs <= 0 || limits.MemoryBytes <= 0, "no limit of CPU and memory")
	for other, dependency := range s.DependsOn {
		if endsByItself(project.Services[other]) {
			fault(dependency.Condition != types.ServiceConditionCompletedSuccessfully, "starts before "+other+" has ended well")
			continue
		}
		fault(dependency.Condition != types.ServiceConditionHealthy, "starts before "+other+" is healthy")
	}
	if s.Build != nil {
		fault(!isFile(filepath.Join(s.Build.Context, s.Build.Dockerfile)), "no file "+s.Build.Dockerfile)
		fault(!slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true"),
			"our own images need no rights: cap_drop [ALL], no-new-privileges")
	}
	for _, volume := range s.Volumes {
		if volume.Type == types.VolumeTypeBind && strings.HasPrefix(volume.Source, project.WorkingDir) {
			_, err := os.Stat(volume.Source)
			fault(err != nil, fmt.Sprintf("mounts %s, which there is not", volume.Source))
		}
	}
	return faults
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
