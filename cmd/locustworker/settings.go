package main

import (
	"fmt"
	"os"

	"github.com/kelseyhightower/envconfig"

	"github.com/bandwing/bandwing/loadtest"
)

// readSettings reads the settings of the load test from the environment and from
// the file of settings. envconfig reads nothing but the environment, so what is
// only in the file is set there first.
func readSettings() (loadtest.Config, error) {
	inFile, err := loadtest.FileSettings(os.LookupEnv, os.ReadFile)
	if err != nil {
		return loadtest.Config{}, err
	}
	for name, value := range inFile {
		if err := os.Setenv(name, value); err != nil {
			return loadtest.Config{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	var env loadtest.Environment
	if err := envconfig.Process("", &env); err != nil {
		return loadtest.Config{}, fmt.Errorf("environment: %w", err)
	}
	return env.Config(os.LookupEnv)
}
