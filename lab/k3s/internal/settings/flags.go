// Package settings turns the command line of `k3s server` into a Server, refusing what that k3s version refuses.
package settings

import (
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"virtualcluster/lab/k3s/internal/family"
)

// Flags builds the parser's flags from the family's table. urfave/cli is what k3s itself uses (v2 since 1.33).
func Flags(row *family.Family) []cli.Flag {
	var flags []cli.Flag
	for _, flag := range row.Flags() {
		flags = append(flags, build(flag))
	}
	return flags
}

func build(flag family.Flag) cli.Flag {
	names := strings.Split(flag.Names, ",")
	name, aliases := names[0], names[1:]
	var env []string
	if flag.Env != "" {
		env = []string{flag.Env}
	}
	switch flag.Kind {
	case family.Bool:
		return &cli.BoolFlag{Name: name, Aliases: aliases, EnvVars: env, Hidden: flag.Hidden, Value: flag.Default == "true"}
	case family.Int:
		number, _ := strconv.Atoi(flag.Default)
		return &cli.IntFlag{Name: name, Aliases: aliases, EnvVars: env, Hidden: flag.Hidden, Value: number}
	case family.Slice:
		return &cli.StringSliceFlag{Name: name, Aliases: aliases, EnvVars: env, Hidden: flag.Hidden}
	case family.Duration:
		span, _ := time.ParseDuration(flag.Default)
		return &cli.DurationFlag{Name: name, Aliases: aliases, EnvVars: env, Hidden: flag.Hidden, Value: span}
	case family.String:
	}
	return &cli.StringFlag{Name: name, Aliases: aliases, EnvVars: env, Hidden: flag.Hidden, Value: flag.Default}
}

// commas splits every value at commas, as k3s does for lists of names and addresses (not for component arguments).
func commas(values []string) []string {
	var parts []string
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				parts = append(parts, part)
			}
		}
	}
	return parts
}
