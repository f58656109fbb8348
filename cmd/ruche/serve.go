package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"ruche/appliance"
	"ruche/appliance/control"
	"ruche/storage"
)

const serveHelp = `Serve the files until Ctrl-C or SIGTERM; a second one ends at once.

With nothing set, everything is kept in the folder ruche-data and the address is
http://127.0.0.1:8080, for this machine only. To be reached from others, put a proxy
with HTTPS in front. Plain HTTP on an address that others reach shows passwords to the
network; it needs --insecure-http.`

func serveCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "serve", Short: "Serve the files", Long: serveHelp, Args: takes(0)}
	for _, o := range appliance.Options() {
		if o.Key == "data" {
			continue // every command has it
		}
		if o.Key == "insecure_http" {
			c.Flags().Bool(o.Flag(), false, o.Help)
			continue
		}
		c.Flags().String(o.Flag(), "", o.Help)
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		config, err := e.load(c)
		if err != nil {
			return err
		}
		return serve(c.Context(), e, config)
	}
	return c
}

func serve(ctx context.Context, e *env, config appliance.Config) error {
	ctx, stop := untilSignal(ctx)
	defer stop()
	limitMemory(e.lookup)
	log := appliance.NewLog(config, e.err, e.isTerminal())
	var none *control.NoStoreError
	fresh := errors.As(control.Find(config.Data), &none)
	a, err := appliance.New(ctx, config, log)
	if err != nil {
		return err
	}
	if fresh {
		e.sayNewStore(ctx, a)
	}
	if e.isTerminal() {
		defer e.keepTerminal()()
	}
	notify(e, "READY=1")
	told := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer logPanic(log)
		defer close(told)
		notify(e, "STOPPING=1")
	})
	if period := watchdogPeriod(e.lookup); period > 0 {
		go func() {
			defer logPanic(log)
			watch(ctx, period, log, a.Probe, func() { notify(e, "WATCHDOG=1") })
		}()
	}

	asked := make(chan error, 1)
	go func() {
		defer logPanic(log)
		asked <- e.welcome(ctx, a, config)
	}()
	err = errors.Join(a.Run(ctx), a.Close())
	if ctx.Err() != nil {
		<-told // systemd hears it before the process is gone
	}
	if err == nil {
		fmt.Fprintln(e.out, "Stopped. Everything is on the disk.")
	}
	select {
	case failed := <-asked:
		err = errors.Join(err, failed)
	default: // somebody was still being asked
	}
	return err
}

// logPanic is deferred by a goroutine: a mistake in it does not end the server.
func logPanic(log *slog.Logger) {
	if v := recover(); v != nil {
		log.Error("panic beside the server", "panic", v, "stack", string(debug.Stack()))
	}
}

// sayNewStore says that there was none, which on a second start means a disk that is not mounted.
func (e *env) sayNewStore(ctx context.Context, a *appliance.Appliance) {
	store, err := control.Identify.Do(ctx, a.Control(), control.Nothing{})
	if err != nil {
		return
	}
	fmt.Fprintf(e.out, "A new store was made in %s: there was none.\nIts id is %[2]s. With store_id = %[2]q in the configuration, or --store-id %[2]s,\n"+
		"no other is ever served in its place, and none is made when its disk is not mounted.\n", absolute(a.Dir()), store.ID)
}

// untilSignal ends with the first signal that asks the process to end. From then on the next one ends it at once.
func untilSignal(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		cancel()
	}()
	return ctx, cancel
}

// welcome says where the server is, and makes the first account with somebody who sits there.
func (e *env) welcome(ctx context.Context, a *appliance.Appliance, config appliance.Config) error {
	dir, err := filepath.Abs(config.Data)
	if err != nil {
		dir = config.Data
	}
	fmt.Fprintf(e.out, "Ruche serves %s/\nEverything is kept in %s\n", a.URL(), dir)
	if config.InsecureHTTP {
		fmt.Fprintln(e.out, "Plain HTTP: whoever listens on the network can read the passwords.")
	}
	accounts, err := control.Accounts.Do(ctx, a.Control(), control.AccountFilter{})
	if err != nil || len(accounts) > 0 {
		return err
	}
	if e.isTerminal() {
		if err := e.offerFirstAccount(ctx, a); err != nil || ctx.Err() != nil {
			return nil // nobody there to answer; the hint was given or the server ends
		}
		return nil
	}
	e.hintFirstAccount(dir)
	return nil
}

func (e *env) hintFirstAccount(dir string) {
	fmt.Fprintf(e.out, "There is no account yet. Make the first one in another terminal, then a password for each device:\n"+
		"  %[1]s account add NAME --admin --data %[2]s\n  %[1]s account app-password NAME DEVICE --data %[2]s\n", e.program, shellQuote(dir))
}

// offerFirstAccount asks for the first account until there is one, or somebody says no.
func (e *env) offerFirstAccount(ctx context.Context, a *appliance.Appliance) error {
	dir, _ := filepath.Abs(a.Dir())
	yes, err := e.ask("\nThere is no account yet. Make the first one now? (y/n)", "y")
	if err != nil || yes != "y" && yes != "Y" && yes != "yes" {
		e.hintFirstAccount(dir)
		return err
	}
	for ctx.Err() == nil {
		made, err := e.firstAccount(ctx, a)
		if err == nil {
			fmt.Fprintf(e.out, "\nThe account is made. Its folder, to mount with the login name and the password:\n  %s/dav/files/%s/\n"+
				"Better give each device a password of its own:\n  %s account app-password %s DEVICE --data %s\n",
				a.URL(), made.Name, e.program, made.Name, shellQuote(dir))
			return nil
		}
		var said *control.Error
		if !errors.As(err, &said) && !errors.Is(err, errMismatch) && !errors.Is(err, storage.ErrInvalid) {
			return err
		}
		fmt.Fprintf(e.out, "That did not work: %s\n", e.words(err))
	}
	return ctx.Err()
}

func (e *env) firstAccount(ctx context.Context, a *appliance.Appliance) (control.Account, error) {
	name, err := e.ask("Login name, small letters and digits", "")
	if err != nil {
		return control.Account{}, err
	}
	display, err := e.ask("Name that others see", name)
	if err != nil {
		return control.Account{}, err
	}
	password, err := e.askPassword("Password")
	if err == nil && password == "" {
		err = fmt.Errorf("the first account needs a password: %w", storage.ErrInvalid)
	}
	if err != nil {
		return control.Account{}, err
	}
	return control.AddAccount.Do(ctx, a.Control(), control.NewAccount{Name: name, Display: display, Admin: true, Password: password})
}
