// Command tlsdoor serves a data folder over TLS through the handler of the appliance, which has no TLS of its own
// yet: what is measured is the way of an answer through every wrapper of the program into crypto/tls.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"

	"ruche/appliance"
	"ruche/packaging/bench/selfsigned"
)

func main() {
	config := appliance.Default()
	config.Listen = "127.0.0.1:0"
	flag.StringVar(&config.Data, "data", "", "the data folder")
	address := flag.String("serve", "", "address to serve on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, config, *address); err != nil {
		fmt.Fprintln(os.Stderr, "tlsdoor:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, config appliance.Config, address string) error {
	a, err := appliance.New(ctx, config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	tls, err := selfsigned.Config()
	if err != nil {
		return errors.Join(err, a.Close())
	}
	server := &http.Server{Addr: address, Handler: a.Handler(), TLSConfig: tls}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err = server.ListenAndServeTLS("", ""); errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, a.Close())
}
