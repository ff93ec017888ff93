//go:build tools

// Package tools names the command that set-up builds from Go modules: the Pulumi CLI.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
