package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ruche/appliance/control"
)

const checkHelp = `Read everything that is kept and say what is wrong, and below each content that is
damaged the files that it is. Exit code 1 when anything is wrong.

It works while the server runs. With --repair, counts of bytes and of references that do
not fit are corrected, and the sums that say which part of a content is damaged are made
anew where the content itself is right; temporary files that uploads left a day ago or
longer are removed, and what is left of copies that were cut off. No file, version or
item of the trash is changed or removed. A content that is damaged stays so: restore the
file from a backup.`

func checkCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "Verify records and contents", Long: checkHelp, Args: takes(0)}
	repair := c.Flags().Bool("repair", false, "correct what can be corrected without losing anything")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return e.withStore(c, func(ctx context.Context, conn *control.Conn) error {
			return check(ctx, e, conn, *repair)
		})
	}
	return c
}

func check(ctx context.Context, e *env, conn *control.Conn, repair bool) error {
	tell := func(ev control.Event) {
		switch {
		case ev.Problem != "":
			fmt.Fprintln(e.out, ev.Problem)
		case ev.Note != "":
			fmt.Fprintln(e.out, ev.Note)
		case e.showsProgress():
			fmt.Fprintf(e.err, "… %s\n", ev.Progress)
		}
	}
	result, err := control.Check.Watch(ctx, conn, control.CheckOptions{Repair: repair}, tell)
	if err == nil && result.Repaired > 0 {
		fmt.Fprintf(e.out, "%d repaired, checking again\n", result.Repaired)
		result, err = control.Check.Watch(ctx, conn, control.CheckOptions{}, tell)
	}
	if err != nil {
		return err
	}
	if store, err := control.Identify.Do(ctx, conn, control.Nothing{}); err == nil {
		fmt.Fprintf(e.out, "Store: %s.\n", store.ID)
	}
	if result.Total > 0 {
		fmt.Fprintf(e.out, "Records: %s. Free on the disk: %s of %s.\n", size(result.Records), size(int64(result.Free)), size(int64(result.Total)))
	}
	if result.Problems > 0 {
		problems := "1 problem"
		if result.Problems > 1 {
			problems = fmt.Sprintf("%d problems", result.Problems)
		}
		fmt.Fprintf(e.out, "%s. A file that is named as damaged is to be restored from a backup, or from one of its older versions.\n", problems)
		return errFound
	}
	fmt.Fprintln(e.out, "Everything is as it should be.")
	return nil
}

func (e *env) showsProgress() bool {
	f, ok := e.err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
