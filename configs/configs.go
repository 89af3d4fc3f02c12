// Package configs holds the files that are built into the program.
package configs

import _ "embed"

// Providers is the table of failure causes and provider knowledge, read by nango.ParseRules.
//
//go:embed providers.yaml
var Providers []byte

// Detector is the complete commented example configuration; every value in it is the default.
//
//go:embed detector.yaml
var Detector []byte

// Teams is the template of a webhook that posts cards into a Microsoft Teams channel.
//
//go:embed templates/teams.json.tmpl
var Teams string
