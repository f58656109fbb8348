package uploads_test

import (
	"fmt"
	"strings"
	"testing"
)

// A member with a quota and a file of more than half of it replaces the file as any other, whether the client says
// before the end where the pieces will go (Destination) and how many they are (OC-Total-Length), or not.
func TestALargeFileIsReplacedWithinTheQuota(t *testing.T) {
	const quota, large = 1000, 600
	for _, tt := range []struct {
		name   string
		header []string
	}{
		{"nothing is said", nil},
		{"the total", []string{"OC-Total-Length", fmt.Sprint(large)}},
		{"the destination", []string{"Destination", adaFiles + "/x"}},
		{"both", []string{"OC-Total-Length", fmt.Sprint(large), "Destination", adaFiles + "/x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := serveDoors(t, "ada")
			d.SetQuota("ada", quota)
			d.Want(201, "ada", "MKCOL", "/d", "")
			d.Put("ada", "/d/small", strings.Repeat("s", 10))
			d.Put("ada", "/x", strings.Repeat("o", large))
			d.Ask(201, "ada", "MKCOL", adaUploads+"up", "", tt.header...)
			for n := range 6 {
				d.Ask(201, "ada", "PUT", fmt.Sprintf("%sup/%d", adaUploads, n+1), strings.Repeat("n", large/6))
			}
			d.assemble(204, "up")
			d.Holds("ada", "/x", strings.Repeat("n", large))
			if u := d.Usage("ada"); u.Files != large+10 || u.Uploads != 0 {
				t.Errorf("usage %+v", u)
			}
			d.Check()
		})
	}
}

func TestPiecesTakeNoMoreRoomThanTheFileTheyMayReplaceGives(t *testing.T) {
	const quota, large = 1000, 600
	d := serveDoors(t, "ada")
	d.SetQuota("ada", quota)
	d.Want(201, "ada", "MKCOL", "/d", "")
	d.Put("ada", "/d/x", strings.Repeat("o", large))
	d.Put("ada", "/small", strings.Repeat("s", 10))
	// 390 bytes are free.
	total := func(n int) []string { return []string{"OC-Total-Length", fmt.Sprint(n)} }
	for _, tt := range []struct {
		want   int
		header []string
	}{
		{201, total(390)}, {201, total(990)}, {507, total(991)}, {507, total(1 << 20)},
		{507, append(total(391), "Destination", adaFiles+"/new")},
		{507, append(total(401), "Destination", adaFiles+"/small")},
		{201, append(total(400), "Destination", adaFiles+"/small")},
		{201, append(total(990), "Destination", adaFiles+"/d/x")},
		{507, append(total(991), "Destination", adaFiles+"/d/x")},
	} {
		a := d.Ask(tt.want, "ada", "MKCOL", adaUploads+"up", "", tt.header...)
		if tt.want == 507 {
			d.Condition(a, "quota-not-exceeded")
			continue
		}
		d.Ask(204, "ada", "DELETE", adaUploads+"up", "")
	}

	d.Ask(201, "ada", "MKCOL", adaUploads+"new", "", "Destination", adaFiles+"/new")
	d.Ask(507, "ada", "PUT", adaUploads+"new/1", strings.Repeat("n", 391))
	d.Ask(204, "ada", "DELETE", adaUploads+"new", "")

	d.Ask(201, "ada", "MKCOL", adaUploads+"up", "")
	d.Ask(201, "ada", "PUT", adaUploads+"up/1", strings.Repeat("1", 500))
	d.Ask(507, "ada", "PUT", adaUploads+"up/2", strings.Repeat("2", 491))
	d.Ask(201, "ada", "PUT", adaUploads+"up/2", strings.Repeat("2", 490))
	d.Ask(204, "ada", "PUT", adaUploads+"up/2", strings.Repeat("3", 100))
	d.Ask(507, "ada", "MOVE", adaUploads+"up/.file", "", "Destination", adaFiles+"/new") // 600 beside 610
	d.Ask(507, "ada", "MOVE", adaUploads+"up/.file", "", "Destination", adaFiles+"/small")
	d.Want(507, "ada", "PUT", "/other", "1") // the room is lent to the pieces alone
	d.Ask(204, "ada", "MOVE", adaUploads+"up/.file", "", "Destination", adaFiles+"/d/x")
	d.Holds("ada", "/d/x", strings.Repeat("1", 500)+strings.Repeat("3", 100))
	d.Put("ada", "/other", strings.Repeat("1", 390))
	d.Want(507, "ada", "PUT", "/another", "1")

	// A file that went no longer makes room.
	d.Ask(201, "ada", "MKCOL", adaUploads+"late", "", "Destination", adaFiles+"/d/x")
	d.Ask(201, "ada", "PUT", adaUploads+"late/1", strings.Repeat("1", 300))
	d.Want(204, "ada", "DELETE", "/d/x", "")
	d.Ask(507, "ada", "PUT", adaUploads+"late/2", strings.Repeat("2", 301))
	d.Ask(201, "ada", "PUT", adaUploads+"late/2", strings.Repeat("2", 300))
	d.Ask(201, "ada", "MOVE", adaUploads+"late/.file", "", "Destination", adaFiles+"/d/x")
	d.Check()
}
