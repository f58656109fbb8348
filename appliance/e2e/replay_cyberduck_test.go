package e2e_test

import "testing"

// With a wrong password, or none, a large body is refused before it is sent: a client cannot send a stream again.
func TestCyberduckIsRefusedBeforeTheBody(t *testing.T) {
	m := startMember(t)
	for _, tt := range []struct {
		name string
		r    replay
		want int
	}{
		{"a wrong password", replay{member: member{m.base, m.name, "wrong"}}, 401},
		{"no password", replay{member: m, anonymous: true}, 401},
		{"the password", replay{member: m}, 201},
	} {
		r := tt.r
		r.vars = map[string]string{"agent": "Cyberduck/9.1.0", "dir": "/dav/files/" + m.name}
		a, err := r.send(step{request: "PUT {dir}/film.mov", header: []string{"Expect: 100-continue"}, body: "a film"})
		r.close()
		if err != nil {
			t.Fatal(err)
		}
		if a.status != tt.want || (r.continued > 0) != (tt.want == 201) {
			t.Errorf("PUT with %s = %d after 100 %d times, want %d", tt.name, a.status, r.continued, tt.want)
		}
	}
}
