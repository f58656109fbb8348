package appliance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"ruche/appliance/control"
	"ruche/appliance/jobs"
	"ruche/dav/files"
	"ruche/storage/account"
	"ruche/storage/blob"
)

// Appliance is one server with its store.
type Appliance struct {
	config   Config
	log      *slog.Logger
	store    *control.Store
	files    *files.FS
	listener net.Listener
	server   *http.Server
	control  *control.Server
	jobs     *jobs.Schedule
	errands  *jobs.Errands

	rubbish     atomic.Uint64 // bytes of it since the last errand
	settled     time.Duration
	muchRubbish uint64
	running     sync.RWMutex // held for reading by each request

	requests context.Context // ends when running requests may not go on
	giveUp   context.CancelFunc
}

// ErrPortTaken is that another program listens at the address already.
var ErrPortTaken = errors.New("the port is taken by another program")

// New opens the store and the ports. Nothing is answered before Run.
//
// Errors: those of control.OpenStore; ErrPortTaken; what forbids to listen there.
func New(ctx context.Context, c Config, log *slog.Logger) (*Appliance, error) {
	store, err := control.OpenStore(ctx, control.Options{
		Dir: c.Data, ID: c.StoreID, Quota: c.Quota, TrustedProxies: c.TrustedProxies, Log: log,
	})
	if err != nil {
		return nil, err
	}
	a := &Appliance{config: c, log: log, store: store, settled: settled, muchRubbish: muchRubbish}
	a.files = files.New(store.DB, store.Blobs, files.Options{Log: log, Key: store.Auth.Subkey("sync tokens")})
	a.requests, a.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	if err := a.open(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *Appliance) open() error {
	l, err := net.Listen("tcp", a.config.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: %w", a.config.Listen, ErrPortTaken)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", a.config.Listen, err)
	}
	conns := limitConns(l, a.config.Limits, a.config.TrustedProxies)
	a.listener = conns
	if a.control, err = control.Listen(a.store, a.log); err != nil {
		return err
	}
	a.jobs = jobs.New(a.store.DB, a.log, a.nightly()...)
	a.errands = jobs.NewErrands(a.log, a.relieve)
	a.store.DB.Listen(account.Overfull, a.errands.Ask)
	a.store.DB.Listen(blob.Rubbish, a.noteRubbish)
	a.server = newServer(&guard{next: a.routes(), log: a.log, limits: a.config.Limits, proxies: a.config.TrustedProxies, running: &a.running}, a.config.Limits, a.log)
	a.server.ConnState = conns.watch
	a.server.ConnContext = withStanding
	a.server.BaseContext = func(net.Listener) context.Context { return a.requests }
	return nil
}

// URL is where the appliance answers, without a slash at the end.
func (a *Appliance) URL() string { return "http://" + a.listener.Addr().String() }

// Handler answers every request of the appliance, for a listener other than its own.
func (a *Appliance) Handler() http.Handler { return a.server.Handler }

// Dir is the data folder.
func (a *Appliance) Dir() string { return a.store.DB.Dir() }

// Control is a way to give commands from inside the process.
func (a *Appliance) Control() *control.Conn { return control.Direct(a.store) }

// Run serves until ctx ends, then takes no more requests and waits for those that are running, as long as the
// configuration allows. It returns nil after an orderly end. Close is still to be called.
func (a *Appliance) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error {
		defer cancel() // nothing goes on without the others
		if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		defer cancel()
		return a.control.Serve()
	})
	g.Go(func() error {
		if err := a.jobs.Run(work); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		if err := a.errands.Run(work); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-work.Done()
		a.drain()
		return nil
	})
	return g.Wait()
}

// drain ends the servers: no more requests, those that run have their time, then they are cut off.
func (a *Appliance) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), a.config.Limits.Drain)
	defer cancel()
	if err := a.control.Close(ctx); err != nil {
		a.log.Warn("commands cut off", "err", err)
	}
	if err := a.server.Shutdown(ctx); err != nil {
		a.log.Warn("requests cut off", "err", err)
	}
	a.giveUp()
	_ = a.server.Close()
	ended := make(chan struct{})
	go func() {
		a.running.Lock()
		defer a.running.Unlock()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second): // a stuck disk; the store waits for its own transactions
	}
}

// Close closes ports and store. Run must have returned.
func (a *Appliance) Close() error {
	a.giveUp()
	var errs []error
	if a.listener != nil {
		if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if a.control != nil {
		errs = append(errs, a.control.Close(context.Background()))
	}
	return errors.Join(append(errs, a.store.Close())...)
}
