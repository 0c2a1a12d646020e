// Command k3s is the lab's stand-in for k3s: it takes k3s' command line, refuses what that version refuses, and runs
// upstream Kubernetes of the same version in k3s' file layout. It is never shipped.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/urfave/cli/v2"

	"virtualcluster/lab/k3s/internal/family"
	"virtualcluster/lab/k3s/internal/logs"
	"virtualcluster/lab/k3s/internal/server"
	"virtualcluster/lab/k3s/internal/settings"
)

// version may be set by the build; an image sets K3S_STAND_IN_VERSION instead.
var version = ""

func main() {
	if err := run(os.Args); err != nil && !errors.Is(err, context.Canceled) {
		logs.Fatal("%v", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if stated := os.Getenv("K3S_STAND_IN_VERSION"); stated != "" {
		version = stated
	}
	row, full, err := family.Of(version)
	if err != nil {
		return err
	}
	version = full
	if filepath.Base(args[0]) == "kubectl" || len(args) > 1 && args[1] == "kubectl" {
		if filepath.Base(args[0]) != "kubectl" {
			args = args[1:]
		}
		return kubectl(row, args)
	}
	if len(args) > 1 && args[1] == "server" {
		flags, err := settings.WithFile(args[2:], row)
		if err != nil {
			return err
		}
		args = append([]string{args[0], "server"}, flags...)
	}
	return app(row).Run(args)
}

func app(row *family.Family) *cli.App {
	cli.VersionPrinter = func(*cli.Context) {
		fmt.Printf("k3s version %s (stand-in)\nstand-in: upstream Kubernetes of this version behind k3s' command line\n", version)
	}
	return &cli.App{
		Name: "k3s", Usage: "Kubernetes, but small and simple (stand-in)", Version: version,
		DisableSliceFlagSeparator: true, // so that commas inside component arguments survive
		ExitErrHandler:            func(*cli.Context, error) {},
		Commands: []*cli.Command{
			{
				Name: "server", Usage: "Run management server", UsageText: "k3s server [OPTIONS]",
				Flags: settings.Flags(row),
				Action: func(ctx *cli.Context) error {
					logs.Info("k3s STAND-IN %s: upstream kube-apiserver, kube-controller-manager and kine; this is not k3s", version)
					parsed, err := settings.Parse(ctx, row, version)
					if err != nil {
						return err
					}
					logs.Info("Starting k3s %s", version)
					return server.Run(parsed)
				},
			},
			{
				Name: "agent", Usage: "Run node agent", SkipFlagParsing: true,
				Action: func(*cli.Context) error { return errors.New("stand-in: there is no agent in it") },
			},
			{
				Name: "kubectl", Usage: "Run kubectl", SkipFlagParsing: true,
				Action: func(*cli.Context) error { return nil }, // handled before parsing
			},
		},
	}
}

// kubectl becomes the real one, with k3s' kubeconfig unless the caller names another.
func kubectl(row *family.Family, args []string) error {
	path := server.Binary(row.Minor, "kubectl")
	if path == "" {
		return errors.New("stand-in: no kubectl in this image")
	}
	environment := os.Environ()
	if os.Getenv("KUBECONFIG") == "" {
		environment = append(environment, "KUBECONFIG=/etc/rancher/k3s/k3s.yaml")
	}
	return syscall.Exec(path, append([]string{"kubectl"}, args[1:]...), environment)
}
