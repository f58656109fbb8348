package e2e_test

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
)

// LibreOffice opens a document over WebDAV to write, holds its lock meanwhile, saves it and a copy.
func TestLibreOffice(t *testing.T) {
	t.Parallel()
	soffice := program(t, "soffice")
	const python = "/usr/bin/python3" // Debian's, which python3-uno belongs to
	if err := exec.Command(python, "-c", "import uno").Run(); err != nil {
		t.Skip("LibreOffice: python3-uno not installed")
	}
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	d := newDesk(t)
	d.env = append(d.env, "SAL_USE_VCLPLUGIN=svp", "NO_PROXY=127.0.0.1")
	profile := "-env:UserInstallation=file://" + d.home + "/profile"

	d.write(t, "letter.txt", "the first text", 0o600)
	d.run(t, d.command(t, 2*time.Minute, soffice, profile, "--headless", "--convert-to", "odt", "--outdir", d.home, d.home+"/letter.txt"))
	document, err := os.ReadFile(d.home + "/letter.odt")
	if err != nil {
		t.Skipf("LibreOffice: Writer not installed (libreoffice-writer-nogui): %v", err)
	}
	ada.do(t, codes{201}, "MKCOL", ada.path("letters"), "")
	ada.do(t, codes{201}, "PUT", ada.path("letters/to the board.odt"), string(document))

	pipe := fmt.Sprintf("ruche%d", time.Now().UnixNano())
	office := d.command(t, 3*time.Minute, soffice, profile, "--headless", "--norestore", "--nologo", "--nodefault",
		"--accept=pipe,name="+pipe+";urp")
	if err := office.Start(); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/libreoffice.py")
	if err != nil {
		t.Fatal(err)
	}
	out := d.run(t, d.command(t, 2*time.Minute, python, "-B", script, pipe, ada.name, ada.password,
		ada.base+ada.path("letters/to the board.odt"), "the second text"))
	for _, want := range []string{"opened to write the first text", "saved a copy", "read the second text"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in what LibreOffice says:\n%s", want, out)
		}
	}
	if err := office.Wait(); err != nil {
		t.Logf("soffice ended with %v", err) // it is known to crash while it ends; what counts is on the server
	}
	for _, name := range []string{"letters/to the board.odt", "letters/to the board copy.odt"} {
		saved := ada.do(t, codes{200}, "GET", ada.path(name), "").body
		if text := contentOf(t, saved); !strings.Contains(text, "the second text") {
			t.Errorf("%s does not hold the new text", name)
		}
		ada.do(t, codes{204}, "PUT", ada.path(name), "no lock is left behind")
	}
	s.Check(t)
}

// contentOf is the XML of the text in a document.
func contentOf(t *testing.T, document string) string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(document), int64(len(document)))
	if err != nil {
		t.Fatalf("not a whole document: %v", err)
	}
	f, err := z.Open("content.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
