//go:build tools

// Package tools names the command that set-up builds from Go modules: Pulumi's Python host.
// It is apart from the CLI because the last SDK module that holds it is far older.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
