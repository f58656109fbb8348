package appliance

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"ruche/storage"
)

// Health is the answer of /healthz.
type Health struct {
	Status  string   `json:"status"` // ok, degraded or failing
	Reasons []string `json:"reasons,omitempty"`
}

// Probe is storage.DB.Probe of the store.
func (a *Appliance) Probe(ctx context.Context) error { return a.store.DB.Probe(ctx) }

// healthz answers 503 when new files cannot be stored, 200 otherwise. Damaged contents are told until they are
// found well, or gone; damaged records until the next start.
func (a *Appliance) healthz(w http.ResponseWriter, r *http.Request) {
	health, status := Health{Status: "ok"}, http.StatusOK
	is := func(what, reason string) {
		health.Status = what
		health.Reasons = append(health.Reasons, reason)
	}
	err := a.store.DB.View(r.Context(), func(tx *storage.Tx) error {
		if !tx.ClockSure() {
			is("degraded", "clock unsure")
		}
		return nil
	})
	if a.store.Blobs.Damaged() > 0 {
		is("degraded", "contents damaged")
	}
	if err != nil {
		is("failing", "records unreadable")
	}
	switch err := a.store.DB.Room(); {
	case a.store.DB.Damaged() != nil:
		is("failing", "records damaged")
	case a.store.DB.Stopped() != nil:
		is("failing", "writes stopped")
	case errors.Is(err, storage.ErrReadOnly), err == nil && a.store.DB.Refused() != nil:
		is("failing", "disk read-only")
	case errors.Is(err, storage.ErrFull):
		is("failing", "disk full")
	case err != nil:
		is("failing", "disk unreadable")
	}
	if health.Status == "failing" {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(health)
}
