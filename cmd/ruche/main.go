// Command ruche serves the files of an association to the WebDAV clients people already have, and administers
// them. Each subcommand has a file of its own; what it does to the store is a command of appliance/control.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ruche/appliance"
	"ruche/appliance/control"
	"ruche/storage"
)

func main() {
	e := &env{in: os.Stdin, out: os.Stdout, err: os.Stderr, lookup: os.LookupEnv, program: programName()}
	os.Exit(run(context.Background(), e, os.Args[1:]))
}

// env is what a command has around it.
type env struct {
	in      *os.File
	out     io.Writer
	err     io.Writer
	lookup  func(string) (string, bool)
	program string // how to call it again, for hints

	config string // the flags of every command
	data   string
}

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (u usageError) Error() string { return u.err.Error() }

// errFound ends a command that has already said what is wrong.
var errFound = errors.New("problems found")

// run is the whole program but for the process around it.
func run(ctx context.Context, e *env, args []string) int {
	root := newRoot(e)
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFound):
		return exitError
	case errors.As(err, &usage):
		fmt.Fprintf(e.err, "ruche: %v\nSee: %s%s --help\n", err, e.program, strings.TrimPrefix(c.CommandPath(), "ruche"))
		return exitUsage
	}
	fmt.Fprintf(e.err, "ruche: %s\n", e.words(err))
	return exitError
}

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "ruche",
		Short: "The files of an association, in a folder that everybody's computer can mount",
		Long: `Ruche keeps the files of an association on a small machine of its own. Members
mount them as a folder, with what their computer already has (WebDAV).

Start with "ruche serve". Settings come from flags, from the environment
(RUCHE_LISTEN) and from a file (--config).`,
		Version:       versionName(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          needsCommand,
	}
	root.SetIn(e.in)
	root.SetOut(e.out)
	root.SetErr(e.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError{meantFlag(c, err)} })
	root.PersistentFlags().StringVar(&e.config, "config", "", "configuration `file` (also RUCHE_CONFIG; "+appliance.DefaultFile+" when it exists)")
	root.PersistentFlags().StringVar(&e.data, "data", "", "`folder` that holds everything (default ruche-data)")
	root.AddCommand(serveCommand(e), accountCommand(e), checkCommand(e), versionCommand(e), manCommand(e))
	return root
}

// needsCommand is what a command does that only has others below it.
func needsCommand(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		err := fmt.Errorf("there is no command %q", c.CommandPath()+" "+args[0])
		c.SuggestionsMinimumDistance = 2
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			err = fmt.Errorf("%w; did you mean %q?", err, c.CommandPath()+" "+near[0])
		}
		return usageError{err}
	}
	return c.Help()
}

// meantFlag adds to the error of an unknown flag the one that was perhaps meant.
func meantFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	flags := &cobra.Command{SuggestionsMinimumDistance: 2} // cobra compares the names of commands only
	c.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	if near := flags.SuggestionsFor(unknown.GetSpecifiedName()); len(near) > 0 {
		return fmt.Errorf("%w; did you mean --%s?", err, near[0])
	}
	return err
}

// group is a command that only has others below it.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: needsCommand}
	c.AddCommand(below...)
	return c
}

// takes bounds the arguments of a command.
func takes(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("it is called like this: %s", c.UseLine())}
		}
		return nil
	}
}

// load reads the configuration, with the flags of c that are options.
func (e *env) load(c *cobra.Command) (appliance.Config, error) {
	flags := map[string]string{}
	for _, o := range appliance.Options() {
		if f := c.Flag(o.Flag()); f != nil && f.Changed {
			flags[o.Key] = f.Value.String()
		}
	}
	return appliance.Load(appliance.Source{File: appliance.FindFile(e.config, e.lookup), Env: e.lookup, Flags: flags})
}

// again is what a hint repeats so that the next command finds the same store from any folder.
func (e *env) again(config appliance.Config) (flags string) {
	if e.config != "" {
		flags = " --config " + shellQuote(absolute(e.config))
	}
	if e.data != "" || e.config == "" && config.Data != appliance.Default().Data {
		flags += " --data " + shellQuote(absolute(config.Data))
	}
	return flags
}

// withStore runs fn with a way to the store: through the server when it runs, else directly. Only serve makes one.
func (e *env) withStore(c *cobra.Command, fn func(ctx context.Context, conn *control.Conn) error) error {
	config, err := e.load(c)
	if err != nil {
		return err
	}
	log := appliance.NewLog(config, e.err, true)
	conn, err := control.Dial(c.Context(), control.Options{Dir: config.Data, ID: config.StoreID, Quota: config.Quota, Log: log})
	if err != nil {
		return err
	}
	return errors.Join(fn(c.Context(), conn), conn.Close())
}

// do runs one command of control.
func do[In, Out any](e *env, c *cobra.Command, cmd control.Command[In, Out], in In) (out Out, err error) {
	err = e.withStore(c, func(ctx context.Context, conn *control.Conn) (err error) {
		out, err = cmd.Do(ctx, conn, in)
		return err
	})
	return out, err
}

// words says what went wrong, and what to do about it, to somebody who did not write the program.
func (e *env) words(err error) string {
	var said *control.Error
	var none *control.NoStoreError
	var network *net.OpError
	text := strings.TrimSuffix(err.Error(), ": "+storage.ErrInvalid.Error())
	switch {
	case errors.As(err, &said):
		return text
	case errors.Is(err, storage.ErrInUse):
		return text + "\nAnother ruche has it open. Stop that one first."
	case errors.As(err, &none):
		return text + fmt.Sprintf("\nName the folder of the store with --data DIR. If there is none yet, start %s serve once: it makes one.", e.program)
	case errors.Is(err, storage.ErrMissing):
		return text + "\nNothing was made or changed. Is the right disk mounted, and the right folder named (--data)?"
	case errors.Is(err, storage.ErrCorrupt):
		return text + "\nNothing was changed. Keep a copy of the folder as it is before you try anything."
	case errors.Is(err, storage.ErrNewer):
		return text + "\nInstall that version, or a later one."
	case errors.Is(err, appliance.ErrPortTaken):
		return text + "\nStop that program (perhaps another ruche), or choose another port with --listen 127.0.0.1:8081."
	case errors.As(err, &network) && network.Op == "listen" && network.Net == "tcp" && errors.Is(err, os.ErrPermission):
		return text + "\nPorts below 1024 are for root: choose another with --listen 127.0.0.1:8080, and put a proxy in front of it."
	case errors.Is(err, os.ErrPermission):
		return text + "\nDoes it belong to another user?"
	case errors.Is(err, context.Canceled):
		return "stopped"
	}
	return text
}

// programName is how the program was called: by "go run" in the source, by its name else.
func programName() string {
	exe, err := os.Executable()
	if err == nil && strings.Contains(filepath.ToSlash(exe), "/go-build") {
		return "go run ./cmd/ruche"
	}
	if path := os.Args[0]; strings.ContainsRune(path, filepath.Separator) {
		return path
	}
	return "ruche"
}
